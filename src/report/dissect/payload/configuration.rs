//! The attributes of a configuration.

use super::super::ndjson::{Each, Hex};
use crate::wire::ikev2::Configuration;
use serde::Serialize;
use serde::ser::SerializeMap;

pub(super) fn configured<M: SerializeMap>(
    map: &mut M,
    configuration: &Configuration<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("cfg_type", &configuration.cfg_type.0)?;
    map.serialize_entry("cfg_name", &configuration.cfg_type.name())?;
    if let Some(identifier) = configuration.identifier {
        map.serialize_entry("identifier", &identifier)?;
    }
    let attributes = || {
        configuration.attributes.iter().map(|attribute| {
            let is_secret = attribute.is_secret();
            ConfigurationRecord {
                kind: attribute.kind.0,
                name: attribute.kind.name(),
                value: (!is_secret).then_some(Hex(attribute.value)),
                text: attribute.text(),
                masked_octets: is_secret.then_some(attribute.value.len()),
            }
        })
    };
    map.serialize_entry("attributes", &Each(attributes))
}

/// An attribute of a configuration, or of EAP-SIM and its like. The value of a secret is null, and
/// only its size is told.
#[derive(Serialize)]
pub(super) struct ConfigurationRecord<'a> {
    #[serde(rename = "type")]
    pub(super) kind: u16,
    pub(super) name: Option<&'static str>,
    pub(super) value: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) masked_octets: Option<usize>,
}

//! An EAP packet.

use super::super::ndjson::{Each, Hex, Text};
use super::configuration::ConfigurationRecord;
use crate::registry::EapType;
use crate::wire::ikev2::{Eap, Method};
use serde::ser::SerializeMap;

/// The data of an EAP packet and what it means. A password shows only its size.
pub(super) fn authenticated<M: SerializeMap>(map: &mut M, eap: &Eap<'_>) -> Result<(), M::Error> {
    if eap.is_secret() {
        return map.serialize_entry("masked_octets", &eap.data.len());
    }
    map.serialize_entry("data", &Hex(eap.data))?;
    let Some(method) = eap.method() else {
        return Ok(());
    };
    map.serialize_entry("text", &Text(&method))?;
    match method {
        Method::Identity(identity) => map.serialize_entry("identity", &identity),
        Method::Notification(_) | Method::Prompt(_) => Ok(()),
        Method::Nak(kinds) => {
            map.serialize_entry("wanted_methods", &Each(|| kinds.iter().map(|kind| kind.0)))
        }
        Method::Expanded { vendor, kind, .. } => {
            map.serialize_entry("vendor", &vendor)?;
            map.serialize_entry("vendor_type", &kind)?;
            // RFC 3748 section 5.7: the methods of the IETF keep their numbers.
            let own = u8::try_from(kind).ok().filter(|_| vendor == 0);
            let name = own.and_then(|kind| EapType(kind).name());
            map.serialize_entry("vendor_type_name", &name)
        }
        Method::Mschap { opcode, text } => {
            map.serialize_entry("opcode", &opcode.0)?;
            map.serialize_entry("opcode_name", &opcode.name())?;
            map.serialize_entry("message", &text)
        }
        Method::Tls {
            start,
            more,
            version,
            total,
            data,
        } => {
            map.serialize_entry("start", &start)?;
            map.serialize_entry("more", &more)?;
            map.serialize_entry("method_version", &version)?;
            map.serialize_entry("tls_total", &total)?;
            map.serialize_entry("tls_octets", &data.len())
        }
        Method::Aka {
            subtype,
            attributes,
        } => {
            map.serialize_entry("subtype", &subtype.0)?;
            map.serialize_entry("subtype_name", &subtype.name())?;
            let records = || {
                attributes.iter().map(|one| ConfigurationRecord {
                    kind: one.kind.0.into(),
                    name: one.kind.name(),
                    value: Some(Hex(one.value)),
                    text: one.text(),
                    masked_octets: None,
                })
            };
            map.serialize_entry("attributes", &Each(records))
        }
    }
}

//! The payloads of group key management as JSON: GDOI (RFC 6407) and G-IKEv2 (RFC 9838).
//!
//! Of a key only its name, length and place in a tree of keys is told: a report travels further than
//! the capture it was made from.

use super::super::ndjson::{Each, Hex};
use super::proposal::{AttributeRecord, TransformV2};
use super::selector::Selector;
use crate::registry::g_ikev2::{GroupWidePolicyAttribute, GsaAttribute};
use crate::registry::gdoi::{GapAttribute, KekAttribute, kek_value_name};
use crate::registry::ikev1::Phase;
use crate::wire::ikev1::{self, Attribute, AttributeValue, TekPolicy};
use crate::wire::ikev2;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The policies of an SA payload of GDOI.
pub(super) fn sa_v1<M: SerializeMap>(
    map: &mut M,
    sa: &ikev1::GroupSecurityAssociation<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("doi", &ikev1::GroupSecurityAssociation::DOI)?;
    map.serialize_entry("situation", &sa.situation)?;
    map.serialize_entry("policies", &Each(|| sa.policies.iter().map(PolicyV1)))
}

/// An SA KEK payload.
pub(super) fn kek<M: SerializeMap>(map: &mut M, kek: &ikev1::SaKek<'_>) -> Result<(), M::Error> {
    let named = |one| AttributeRecord::named(one, |kind| KekAttribute(kind).name(), kek_value_name);
    map.serialize_entry("protocol", &kek.protocol)?;
    map.serialize_entry("source", &Identity::new(&kek.source))?;
    map.serialize_entry("destination", &Identity::new(&kek.destination))?;
    map.serialize_entry("spi", &Hex(&kek.spi))?;
    map.serialize_entry("attributes", &Each(|| kek.attributes.iter().map(named)))
}

/// An SA TEK payload.
pub(super) fn tek<M: SerializeMap>(map: &mut M, tek: &ikev1::SaTek<'_>) -> Result<(), M::Error> {
    map.serialize_entry("protocol", &tek.protocol.0)?;
    map.serialize_entry("protocol_name", &tek.protocol.name())?;
    let policy = match &tek.policy {
        TekPolicy::Ipsec(policy) => policy,
        TekPolicy::Opaque(octets) => return map.serialize_entry("data", &Hex(octets)),
    };
    let named = |one| AttributeRecord::v1(Phase::Two, one);
    map.serialize_entry("ip_protocol", &policy.ip_protocol)?;
    map.serialize_entry("source", &Identity::new(&policy.source))?;
    map.serialize_entry("destination", &Identity::new(&policy.destination))?;
    map.serialize_entry("spi", &Hex(&policy.spi))?;
    map.serialize_entry("transform", &policy.transform_id)?;
    map.serialize_entry("transform_name", &tek.transform_name())?;
    map.serialize_entry("attributes", &Each(|| policy.attributes.iter().map(named)))
}

/// A Group Associated Policy payload.
pub(super) fn gap<M: SerializeMap>(
    map: &mut M,
    gap: &ikev1::GroupAssociatedPolicy<'_>,
) -> Result<(), M::Error> {
    let named = |one| AttributeRecord::named(one, |kind| GapAttribute(kind).name(), |_, _| None);
    map.serialize_entry("attributes", &Each(|| gap.attributes.iter().map(named)))
}

/// The packets of a Key Download payload of GDOI.
pub(super) fn keys_v1<M: SerializeMap>(
    map: &mut M,
    keys: &ikev1::KeyDownload<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("packets", &Each(|| keys.packets.iter().map(Packet::new)))
}

/// The policies of a GSA payload.
pub(super) fn gsa<M: SerializeMap>(
    map: &mut M,
    gsa: &ikev2::GroupSecurityAssociation<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("policies", &Each(|| gsa.policies.iter().map(PolicyV2)))
}

/// The bags of a Key Download payload of G-IKEv2.
pub(super) fn keys_v2<M: SerializeMap>(
    map: &mut M,
    keys: &ikev2::KeyDownload<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("bags", &Each(|| keys.bags.iter().map(Bag::new)))
}

struct PolicyV1<'a>(&'a ikev1::GroupPolicy<'a>);

impl Serialize for PolicyV1<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use ikev1::GroupPolicy;
        let mut map = serializer.serialize_map(None)?;
        let kind = self.0.kind();
        map.serialize_entry("type", &kind.0)?;
        map.serialize_entry("name", &kind.name())?;
        match self.0 {
            GroupPolicy::Kek(policy) => kek(&mut map, policy)?,
            GroupPolicy::Tek(policy) => tek(&mut map, policy)?,
            GroupPolicy::Gap(policy) => gap(&mut map, policy)?,
            GroupPolicy::Opaque(_, octets) => map.serialize_entry("data", &Hex(octets))?,
        }
        map.end()
    }
}

struct PolicyV2<'a>(&'a ikev2::GroupPolicy<'a>);

impl Serialize for PolicyV2<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use ikev2::GroupPolicy;
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            GroupPolicy::GroupWide(attributes) => {
                let name = |kind| GroupWidePolicyAttribute(kind).name();
                let named = |one| AttributeRecord::named(one, name, |_, _| None);
                map.serialize_entry("protocol", &0)?;
                map.serialize_entry("attributes", &Each(|| attributes.iter().map(named)))?;
            }
            GroupPolicy::Sa(policy) => {
                let name = |kind| GsaAttribute(kind).name();
                let named = |one| AttributeRecord::named(one, name, |_, _| None);
                map.serialize_entry("protocol", &policy.protocol.0)?;
                map.serialize_entry("protocol_name", &policy.protocol.name())?;
                map.serialize_entry("spi", &Hex(policy.spi))?;
                map.serialize_entry("source", &Selector::new(&policy.source))?;
                map.serialize_entry("destination", &Selector::new(&policy.destination))?;
                map.serialize_entry(
                    "transforms",
                    &Each(|| policy.transforms.iter().map(TransformV2::new)),
                )?;
                map.serialize_entry("attributes", &Each(|| policy.attributes.iter().map(named)))?;
            }
        }
        map.end()
    }
}

/// One end of what a group sends.
#[derive(Serialize)]
struct Identity<'a> {
    id_type: u8,
    id_name: Option<&'static str>,
    port: u16,
    data: Hex<'a>,
    text: Option<String>,
}

impl<'a> Identity<'a> {
    fn new(identity: &ikev1::GroupIdentity<'a>) -> Self {
        Self {
            id_type: identity.id_type.0,
            id_name: identity.id_type.name_v1(),
            port: identity.port,
            data: Hex(identity.data),
            text: identity.text(),
        }
    }
}

#[derive(Serialize)]
struct Packet<'a> {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<&'static str>,
    spi: Hex<'a>,
    keys: Vec<Key>,
}

impl<'a> Packet<'a> {
    fn new(packet: &'a ikev1::KeyPacket<'a>) -> Self {
        Self {
            kind: packet.kind.0,
            name: packet.kind.name(),
            spi: Hex(packet.spi),
            keys: packet
                .attributes
                .iter()
                .map(|one| Key::new(one, packet.kind.attribute_name(one.kind)))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Bag<'a> {
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    keys: Vec<Key>,
}

impl<'a> Bag<'a> {
    fn new(bag: &'a ikev2::KeyBag<'a>) -> Self {
        let (protocol, protocol_name, spi) = match bag {
            ikev2::KeyBag::Group { protocol, spi, .. } => (protocol.0, protocol.name(), *spi),
            ikev2::KeyBag::Member(_) => (0, None, &[][..]),
        };
        let key = |one| {
            let wrapped = bag.wrapped_key(one);
            Key {
                key_id: wrapped.map(|key| key.key_id),
                kwk_id: wrapped.map(|key| key.kwk_id),
                ..Key::new(one, bag.attribute_name(one.kind))
            }
        };
        Self {
            protocol,
            protocol_name,
            spi: Hex(spi),
            keys: bag.attributes().iter().map(key).collect(),
        }
    }
}

/// An attribute that is or may be a key: never its value.
#[derive(Serialize)]
struct Key {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    octets: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kwk_id: Option<u32>,
}

impl Key {
    fn new(attribute: &Attribute<'_>, name: Option<&'static str>) -> Self {
        Self {
            kind: attribute.kind,
            name,
            octets: match attribute.value {
                AttributeValue::Short(_) => 2,
                AttributeValue::Long(octets) => octets.len(),
            },
            key_id: None,
            kwk_id: None,
        }
    }
}

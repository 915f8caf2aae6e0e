//! One payload as JSON: its frame, then the fields of its type as the contract's table has them.

use super::ndjson::{Each, Text, opening};
use crate::net::Path;
use crate::registry::ikev1::{self as ikev1_names, Phase};
use crate::registry::{
    ConfigurationAttributeType, PayloadType, TransformAttributeType, transform, vendor_id,
};
use crate::session::{Reading, Standing};
use crate::units::IkeSpis;
use crate::wire::address::address;
use crate::wire::ikev1::{self, Attribute, AttributeValue, notification};
use crate::wire::ikev2::{self, Configuration, NotifyMeaning};
use crate::wire::nat_detection::{self, Match};
use crate::wire::text::Hex;
use crate::wire::{Body, Payload, Version};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// What a payload must know of its message: NAT detection hashes are made of it.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) spis: IkeSpis,
    pub(super) version: Version,
    pub(super) path: &'a Path,
    pub(super) reading: &'a Reading,
}

impl Context<'_> {
    /// What a hash for NAT detection fits.
    pub(super) fn matches(self, hash: &[u8]) -> Option<Match> {
        nat_detection::matches(hash, self.spis, self.path.from, self.path.to)
    }
}

/// A payload.
pub(super) struct PayloadRecord<'a> {
    pub(super) payload: &'a Payload<'a>,
    pub(super) context: Context<'a>,
}

impl Serialize for PayloadRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Payload {
            kind,
            critical,
            at,
            length,
            body,
        } = self.payload;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &kind.0)?;
        map.serialize_entry("name", &kind.name())?;
        map.serialize_entry("length", length)?;
        if matches!(body, Body::V2(_)) || kind.0 >= PayloadType::SA.0 && kind.0 < 128 {
            map.serialize_entry("critical", critical)?;
        }
        map.serialize_entry("at", at)?;
        match body {
            Body::V1(body) => v1(&mut map, body, self.context)?,
            Body::V2(body) => v2(&mut map, body, self.context)?,
            Body::Opaque(data) => map.serialize_entry("data", &Hex(data))?,
        }
        map.end()
    }
}

fn v1<M: SerializeMap>(
    map: &mut M,
    body: &ikev1::Body<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use ikev1::Body;
    match body {
        Body::Sa(sa) => {
            map.serialize_entry("doi", &sa.doi)?;
            map.serialize_entry("situation", &sa.situation)?;
            map.serialize_entry(
                "proposals",
                &Each(|| sa.proposals.iter().map(ProposalV1::new)),
            )
        }
        Body::Ke(data) | Body::Hash(data) | Body::Sig(data) | Body::Nonce(data) => {
            map.serialize_entry("data", &Hex(data))
        }
        Body::Id(id) => {
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("id_name", &id.id_type.name_v1())?;
            map.serialize_entry("protocol", &id.protocol)?;
            map.serialize_entry("port", &id.port)?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &id.text())
        }
        Body::Cert(cert) | Body::CertReq(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))
        }
        Body::Notify(notify) => {
            map.serialize_entry("doi", &notify.doi)?;
            map.serialize_entry("protocol", &notify.protocol.0)?;
            map.serialize_entry("notify", &notify.kind.0)?;
            map.serialize_entry("notify_name", &notify.kind.name())?;
            map.serialize_entry("spi", &Hex(notify.spi))?;
            map.serialize_entry("data", &Hex(notify.data))?;
            match notify.meaning() {
                Some(meaning) => meant_v1(map, &meaning),
                None => Ok(()),
            }
        }
        Body::Delete(delete) => {
            map.serialize_entry("doi", &delete.doi)?;
            map.serialize_entry("protocol", &delete.protocol.0)?;
            map.serialize_entry("spis", &Each(|| delete.spis.iter().map(|spi| Hex(spi))))
        }
        Body::VendorId(data) => vendor(map, data),
        Body::Attributes(configuration) => {
            configured(map, configuration, configuration.cfg_type.name(), |kind| {
                ConfigurationAttributeType(kind).name()
            })
        }
        Body::NatD(data) => {
            map.serialize_entry("data", &Hex(data))?;
            matches(map, context.matches(data))
        }
        Body::NatOa(id) => {
            let address = address(id.data);
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &address)?;
            matches(map, address.map(|address| original(address, context.path)))
        }
        Body::Fragment(fragment) => {
            map.serialize_entry("id", &fragment.id)?;
            map.serialize_entry("number", &fragment.number)?;
            map.serialize_entry("last", &fragment.last)?;
            map.serialize_entry("data", &Hex(fragment.data))?;
            standing(map, context)
        }
    }
}

fn v2<M: SerializeMap>(
    map: &mut M,
    body: &ikev2::Body<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use ikev2::Body;
    match body {
        Body::Sa(sa) => map.serialize_entry(
            "proposals",
            &Each(|| sa.proposals.iter().map(ProposalV2::new)),
        ),
        Body::Ke(ke) => {
            map.serialize_entry("group", &ke.group)?;
            let name = transform::key_exchange(ke.group).map(|row| row.name);
            map.serialize_entry("group_name", &name)?;
            map.serialize_entry("data", &Hex(ke.data))
        }
        Body::Id(id) => {
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("id_name", &id.id_type.name())?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &id.text())
        }
        Body::Cert(cert) | Body::CertReq(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))
        }
        Body::Auth(auth) => {
            map.serialize_entry("method", &auth.method.0)?;
            map.serialize_entry("method_name", &auth.method.name())?;
            map.serialize_entry("data", &Hex(auth.data))?;
            // RFC 7427 section 3: one octet of length, then the AlgorithmIdentifier in DER.
            match auth.data {
                [length, rest @ ..] if auth.method.0 == 14 => {
                    let algorithm = rest.get(..usize::from(*length));
                    map.serialize_entry("algorithm", &algorithm.map(Hex))
                }
                _ => Ok(()),
            }
        }
        Body::Nonce(data) => map.serialize_entry("data", &Hex(data)),
        Body::Notify(notify) => {
            map.serialize_entry("protocol", &notify.protocol.0)?;
            map.serialize_entry("notify", &notify.kind.0)?;
            map.serialize_entry("notify_name", &notify.kind.name())?;
            map.serialize_entry("spi", &Hex(notify.spi))?;
            map.serialize_entry("data", &Hex(notify.data))?;
            match notify.meaning() {
                Some(meaning) => meant(map, &meaning, context),
                None => Ok(()),
            }
        }
        Body::Delete(delete) => {
            map.serialize_entry("protocol", &delete.protocol.0)?;
            map.serialize_entry("spis", &Each(|| delete.spis.iter().map(|spi| Hex(spi))))
        }
        Body::VendorId(data) => vendor(map, data),
        Body::Ts(ts) => {
            map.serialize_entry(
                "selectors",
                &Each(|| ts.selectors.iter().map(Selector::new)),
            )?;
            let cidrs = || ts.selectors.iter().filter_map(ikev2::Selector::cidrs);
            map.serialize_entry("cidrs", &Each(|| cidrs().flatten().map(Text)))
        }
        Body::Sk(_) => opening(map, context, false),
        Body::Skf(skf) => {
            map.serialize_entry("fragment", &skf.number)?;
            map.serialize_entry("total", &skf.total)?;
            standing(map, context)?;
            opening(map, context, false)
        }
        Body::Cp(configuration) => {
            let name = configuration.cfg_type.name();
            configured(map, configuration, name, |kind| {
                ConfigurationAttributeType(kind).name()
            })
        }
        Body::Eap(eap) => {
            map.serialize_entry("code", &eap.code)?;
            map.serialize_entry("id", &eap.identifier)?;
            map.serialize_entry("eap_type", &eap.eap_type.map(|kind| kind.0))?;
            map.serialize_entry("eap_name", &eap.eap_type.and_then(|kind| kind.name()))?;
            map.serialize_entry("data", &Hex(eap.data))
        }
    }
}

/// What the data of a notification means, under the name of its kind. Nothing where the octets of
/// the data say it all.
fn meant<M: SerializeMap>(
    map: &mut M,
    meaning: &NotifyMeaning<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use NotifyMeaning as Meaning;
    match meaning {
        Meaning::InvalidKe(group) => map.serialize_entry("wanted_group", group),
        Meaning::NatDetection(hash) => matches(map, context.matches(hash)),
        Meaning::SignatureHashAlgorithms(hashes) => {
            let hashes = || hashes.iter().map(|hash| hash.0);
            map.serialize_entry("hash_algorithms", &Each(hashes))
        }
        Meaning::AuthLifetime(seconds) | Meaning::TicketLifetime { seconds, .. } => {
            map.serialize_entry("seconds", seconds)
        }
        Meaning::Address(address) => map.serialize_entry("address", address),
        Meaning::Redirect { gateway, .. } => map.serialize_entry("gateway", &Text(gateway)),
        Meaning::WindowSize(size) => map.serialize_entry("window", size),
        Meaning::InvalidSpi(spi) => {
            map.serialize_entry("unknown_spi", &format_args!("0x{}", Hex(spi)))
        }
        Meaning::UnsupportedCriticalPayload(kind) => map.serialize_entry("payload", &kind.0),
        Meaning::HighestVersion(version) => map.serialize_entry("major_version", version),
        Meaning::InvalidMessageId(id) => map.serialize_entry("invalid_message_id", id),
        Meaning::Ipcomp { cpi, transform } => {
            map.serialize_entry("ipcomp_transform", &transform.0)?;
            map.serialize_entry("cpi", cpi)
        }
        Meaning::MessageIdSync {
            expected_send,
            expected_receive,
        } => {
            map.serialize_entry("expected_send", expected_send)?;
            map.serialize_entry("expected_receive", expected_receive)
        }
        Meaning::InvalidSelectors(_)
        | Meaning::Cookie(_)
        | Meaning::Ticket(_)
        | Meaning::QuickCrashDetection(_)
        | Meaning::Puzzle { .. }
        | Meaning::PpkIdentity { .. }
        | Meaning::KeyExchangeLink(_)
        | Meaning::UseAggfrag { .. }
        | Meaning::SupportedAuthMethods(_) => Ok(()),
    }
}

/// As [`meant`], for IKEv1.
fn meant_v1<M: SerializeMap>(
    map: &mut M,
    meaning: &notification::Meaning<'_>,
) -> Result<(), M::Error> {
    use notification::Meaning;
    match meaning {
        Meaning::Sequence(sequence) => map.serialize_entry("dpd_sequence", sequence),
        Meaning::Lifetime(phase, attributes) => {
            let records = || {
                attributes
                    .iter()
                    .map(|one| AttributeRecord::v1(*phase, one))
            };
            map.serialize_entry("attributes", &Each(records))
        }
        Meaning::ReplayDetection(on) => map.serialize_entry("replay_detection", on),
    }
}

/// How an IKE fragment stands to its set.
fn standing<M: SerializeMap>(map: &mut M, context: Context<'_>) -> Result<(), M::Error> {
    match &context.reading.standing {
        Some(standing) => map.serialize_entry("set", &SetRecord::new(standing)),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct SetRecord {
    /// What the fragment is to the set.
    place: &'static str,
    /// Different fragments that have come, this one included.
    seen: u16,
    /// Those that the set has, as far as it is known.
    total: Option<u16>,
    /// If the fragment completes the set: the frames that carry it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frames: Vec<u64>,
}

impl SetRecord {
    fn new(standing: &Standing) -> Self {
        Self {
            place: standing.place.word(),
            seen: standing.seen,
            total: standing.total,
            frames: standing.frames.iter().map(|frame| frame.number).collect(),
        }
    }
}

/// Absent where it cannot be told.
fn matches<M: SerializeMap>(map: &mut M, fits: Option<Match>) -> Result<(), M::Error> {
    match fits {
        Some(Match::Source) => map.serialize_entry("matches", "source"),
        Some(Match::Destination) => map.serialize_entry("matches", "destination"),
        Some(Match::Neither) => map.serialize_entry("matches", "none"),
        None => Ok(()),
    }
}

/// Whether an original address is that of an end, so untranslated.
fn original(address: IpAddr, path: &Path) -> Match {
    if address == path.from.address {
        Match::Source
    } else if address == path.to.address {
        Match::Destination
    } else {
        Match::Neither
    }
}

fn vendor<M: SerializeMap>(map: &mut M, data: &[u8]) -> Result<(), M::Error> {
    map.serialize_entry("data", &Hex(data))?;
    map.serialize_entry("product", &vendor_id::product(data))
}

fn configured<M: SerializeMap>(
    map: &mut M,
    configuration: &Configuration<'_>,
    name: Option<&'static str>,
    attribute_name: fn(u16) -> Option<&'static str>,
) -> Result<(), M::Error> {
    map.serialize_entry("cfg_type", &configuration.cfg_type.0)?;
    map.serialize_entry("cfg_name", &name)?;
    if let Some(identifier) = configuration.identifier {
        map.serialize_entry("identifier", &identifier)?;
    }
    let attributes = || {
        configuration
            .attributes
            .iter()
            .map(|attribute| ConfigurationRecord {
                kind: attribute.kind.0,
                name: attribute_name(attribute.kind.0),
                value: Hex(attribute.value),
            })
    };
    map.serialize_entry("attributes", &Each(attributes))
}

#[derive(Serialize)]
struct ConfigurationRecord<'a> {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    value: Hex<'a>,
}

#[derive(Serialize)]
struct ProposalV1<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV1<'a>>,
}

impl<'a> ProposalV1<'a> {
    fn new(proposal: &'a ikev1::Proposal<'a>) -> Self {
        let protocol = proposal.protocol;
        let phase = Phase::of(protocol);
        Self {
            number: proposal.number,
            protocol: protocol.0,
            protocol_name: protocol.name_v1(),
            spi: Hex(proposal.spi),
            transforms: proposal
                .transforms
                .iter()
                .map(|transform| TransformV1 {
                    number: transform.number,
                    id: transform.id,
                    name: ikev1_names::transform_name(protocol, transform.id),
                    attributes: transform
                        .attributes
                        .iter()
                        .map(|attribute| AttributeRecord::v1(phase, attribute))
                        .collect(),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct TransformV1<'a> {
    number: u8,
    id: u8,
    name: Option<&'static str>,
    attributes: Vec<AttributeRecord<'a>>,
}

#[derive(Serialize)]
struct ProposalV2<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV2<'a>>,
}

impl<'a> ProposalV2<'a> {
    fn new(proposal: &'a ikev2::Proposal<'a>) -> Self {
        Self {
            number: proposal.number,
            protocol: proposal.protocol.0,
            protocol_name: proposal.protocol.name(),
            spi: Hex(proposal.spi),
            transforms: proposal
                .transforms
                .iter()
                .map(|transform| TransformV2 {
                    kind: transform.kind.0,
                    id: transform.id,
                    name: transform::name(transform.kind, transform.id),
                    key_length: transform.key_length,
                    attributes: transform
                        .attributes
                        .iter()
                        .map(AttributeRecord::v2)
                        .collect(),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct TransformV2<'a> {
    #[serde(rename = "type")]
    kind: u8,
    id: u16,
    name: Option<&'static str>,
    key_length: Option<u16>,
    attributes: Vec<AttributeRecord<'a>>,
}

#[derive(Serialize)]
struct AttributeRecord<'a> {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    value: ValueRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_name: Option<&'static str>,
}

/// A number up to eight octets, else hex.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueRecord<'a> {
    Number(u64),
    Octets(Hex<'a>),
}

impl<'a> ValueRecord<'a> {
    fn new(value: AttributeValue<'a>) -> Self {
        match (value.number(), value) {
            (Some(number), _) => Self::Number(number),
            (None, AttributeValue::Long(octets)) => Self::Octets(Hex(octets)),
            (None, AttributeValue::Short(number)) => Self::Number(u64::from(number)),
        }
    }
}

impl<'a> AttributeRecord<'a> {
    fn v1(phase: Phase, attribute: &Attribute<'a>) -> Self {
        let number = attribute.value.number();
        Self {
            kind: attribute.kind,
            name: ikev1_names::attribute_name(phase, attribute.kind),
            value: ValueRecord::new(attribute.value),
            value_name: number
                .and_then(|value| ikev1_names::attribute_value_name(phase, attribute.kind, value)),
        }
    }

    fn v2(attribute: &Attribute<'a>) -> Self {
        Self {
            kind: attribute.kind,
            name: TransformAttributeType(attribute.kind).name(),
            value: ValueRecord::new(attribute.value),
            value_name: None,
        }
    }
}

#[derive(Serialize)]
struct Selector<'a> {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<&'static str>,
    protocol: u8,
    start_port: u16,
    end_port: u16,
    start: AddressRecord<'a>,
    end: AddressRecord<'a>,
}

/// An address, or the octets in place of one.
#[derive(Serialize)]
#[serde(untagged)]
enum AddressRecord<'a> {
    Address(IpAddr),
    Octets(Hex<'a>),
}

impl<'a> AddressRecord<'a> {
    fn new(octets: &'a [u8]) -> Self {
        address(octets).map_or(Self::Octets(Hex(octets)), Self::Address)
    }
}

impl<'a> Selector<'a> {
    fn new(selector: &ikev2::Selector<'a>) -> Self {
        Self {
            kind: selector.ts_type.0,
            name: selector.ts_type.name(),
            protocol: selector.protocol,
            start_port: selector.start_port,
            end_port: selector.end_port,
            start: AddressRecord::new(selector.start),
            end: AddressRecord::new(selector.end),
        }
    }
}

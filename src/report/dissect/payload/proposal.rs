//! Proposals, transforms and their attributes.

use super::super::ndjson::Hex;
use crate::registry::ikev1::{self as ikev1_names, LifeType, Phase};
use crate::registry::{RohcAttribute, TransformAttributeType, transform};
use crate::wire::ikev1::{self, Attribute, AttributeValue, attribute};
use crate::wire::ikev2::{self};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ProposalV1<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV1<'a>>,
}

impl<'a> ProposalV1<'a> {
    pub(super) fn new(proposal: &'a ikev1::Proposal<'a>) -> Self {
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
                    attributes: AttributeRecord::all_v1(phase, &transform.attributes),
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
pub(super) struct ProposalV2<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV2<'a>>,
}

impl<'a> ProposalV2<'a> {
    pub(super) fn new(proposal: &'a ikev2::Proposal<'a>) -> Self {
        Self {
            number: proposal.number,
            protocol: proposal.protocol.0,
            protocol_name: proposal.protocol.name(),
            spi: Hex(proposal.spi),
            transforms: proposal.transforms.iter().map(TransformV2::new).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TransformV2<'a> {
    #[serde(rename = "type")]
    kind: u8,
    id: u16,
    name: Option<&'static str>,
    key_length: Option<u16>,
    attributes: Vec<AttributeRecord<'a>>,
}

impl<'a> TransformV2<'a> {
    pub(super) fn new(transform: &ikev2::Transform<'a>) -> Self {
        Self {
            kind: transform.kind.0,
            id: transform.id,
            name: transform::name(transform.kind, transform.id),
            key_length: transform.key_length,
            attributes: transform
                .attributes
                .iter()
                .map(AttributeRecord::v2)
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct AttributeRecord<'a> {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    value: ValueRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_name: Option<&'static str>,
    /// Of a lifetime, as the attribute before it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
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
    pub(super) fn v1(phase: Phase, attribute: &Attribute<'a>) -> Self {
        Self::named(
            attribute,
            |kind| ikev1_names::attribute_name(phase, kind),
            |kind, value| ikev1_names::attribute_value_name(phase, kind, value),
        )
    }

    /// An attribute with the names that its place gives to its type and its value.
    pub(super) fn named(
        attribute: &Attribute<'a>,
        name: impl Fn(u16) -> Option<&'static str>,
        value_name: impl Fn(u16, u64) -> Option<&'static str>,
    ) -> Self {
        let number = attribute.value.number();
        Self {
            kind: attribute.kind,
            name: name(attribute.kind),
            value: ValueRecord::new(attribute.value),
            value_name: number.and_then(|value| value_name(attribute.kind, value)),
            unit: None,
        }
    }

    /// The attributes of a transform of IKEv1: the type of a lifetime stands before its duration.
    pub(super) fn all_v1(phase: Phase, attributes: &[Attribute<'a>]) -> Vec<Self> {
        let mut unit = None;
        let record = |attribute: &Attribute<'a>| {
            let (kind, number) = (attribute.kind, attribute.value.number());
            let value_name =
                number.and_then(|value| ikev1_names::attribute_value_name(phase, kind, value));
            if attribute::is_life_type(phase, kind) {
                unit = number
                    .and_then(|number| u16::try_from(number).ok())
                    .and_then(|number| LifeType(number).name());
            }
            Self {
                kind,
                name: ikev1_names::attribute_name(phase, kind),
                value: ValueRecord::new(attribute.value),
                value_name,
                unit: unit.filter(|_| attribute::is_life_duration(phase, kind)),
            }
        };
        attributes.iter().map(record).collect()
    }

    pub(super) fn rohc(attribute: &Attribute<'a>) -> Self {
        Self {
            name: RohcAttribute(attribute.kind).name(),
            ..Self::v2(attribute)
        }
    }

    pub(super) fn v2(attribute: &Attribute<'a>) -> Self {
        Self {
            kind: attribute.kind,
            name: TransformAttributeType(attribute.kind).name(),
            value: ValueRecord::new(attribute.value),
            value_name: None,
            unit: None,
        }
    }
}

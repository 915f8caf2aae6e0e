//! Security Association payload (RFC 7296 section 3.3).

use crate::registry::{SecurityProtocol, TransformType};

/// The offers of a request, or the one choice of a response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecurityAssociation<'a> {
    /// The proposals in order of preference.
    pub proposals: Vec<Proposal<'a>>,
}

/// One proposal: a protocol and the transforms offered for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal<'a> {
    /// Number of the proposal, from 1.
    pub number: u8,
    /// What the SA is for.
    pub protocol: SecurityProtocol,
    /// SPI of the sender: empty for a first IKE SA, 8 octets when one is rekeyed, 4 for ESP and AH.
    pub spi: &'a [u8],
    /// The transforms; those of one type are alternatives.
    pub transforms: Vec<Transform<'a>>,
}

/// One transform (RFC 7296 section 3.3.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Transform<'a> {
    /// Which kind of algorithm.
    pub kind: TransformType,
    /// Which algorithm of that kind; its name is in the registry of the kind.
    pub id: u16,
    /// The Key Length attribute (type 14), in bits.
    pub key_length: Option<u16>,
    /// Every attribute, the key length included.
    pub attributes: Vec<crate::wire::ikev1::Attribute<'a>>,
}

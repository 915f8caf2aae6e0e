//! Security Association, Proposal and Transform payloads (RFC 2408 sections 3.4 to 3.6).

use super::Attribute;
use crate::registry::SecurityProtocol;

/// The offers of an initiator, or the choice of a responder.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityAssociation<'a> {
    /// Domain of interpretation: 1 for IPsec, 2 for GDOI.
    pub doi: u32,
    /// Situation bits (RFC 2407 section 4.2); 1 is SIT_IDENTITY_ONLY.
    pub situation: u32,
    /// The proposals. Those of the same number belong together.
    pub proposals: Vec<Proposal<'a>>,
}

/// One proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal<'a> {
    /// Its number.
    pub number: u8,
    /// What the SA is for.
    pub protocol: SecurityProtocol,
    /// SPI of the sender.
    pub spi: &'a [u8],
    /// The alternatives in order of preference.
    pub transforms: Vec<Transform<'a>>,
}

/// One transform: a whole suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform<'a> {
    /// Its number.
    pub number: u8,
    /// Its identifier: 1 (KEY_IKE) for ISAKMP, the cipher for ESP.
    pub id: u8,
    /// The suite in detail.
    pub attributes: Vec<Attribute<'a>>,
}

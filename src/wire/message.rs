//! A whole IKE message: header, chain of payloads, faults.

use super::fault::Fault;
use super::header::Header;
use super::{ikev1, ikev2};
use crate::registry::PayloadType;

/// An IKE message, as much of it as could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The header.
    pub header: Header,
    /// The payloads in clear, in order. Those inside an SK payload are not here.
    pub payloads: Vec<Payload<'a>>,
    /// IKEv1 only: the body that the Encryption flag covers, still encrypted.
    pub sealed: Option<&'a [u8]>,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// One payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a> {
    /// Its type, as the payload before it (or the header) named it.
    pub kind: PayloadType,
    /// IKEv2: the critical bit of its generic header. Always false in IKEv1.
    pub critical: bool,
    /// Offset of its generic header from the start of the message.
    pub at: usize,
    /// Its own length field, generic header included.
    pub length: u16,
    /// What it holds.
    pub body: Body<'a>,
}

/// What a payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// A payload of IKEv1.
    V1(ikev1::Body<'a>),
    /// A payload of IKEv2.
    V2(ikev2::Body<'a>),
    /// A type we do not know, or a body too short to mean anything: its octets.
    Opaque(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads a message from its header on. Never fails: what cannot be read is in `faults`.
    ///
    /// `bytes` without a whole header gives an empty header of zeros and a fault.
    pub fn read(_bytes: &'a [u8]) -> Self {
        Self {
            header: Header {
                spis: crate::units::IkeSpis::default(),
                next_payload: PayloadType(0),
                version: super::Version(0),
                exchange: crate::registry::ExchangeType(0),
                flags: super::Flags(0),
                message_id: 0,
                length: 0,
            },
            payloads: Vec::new(),
            sealed: None,
            faults: Vec::new(),
        }
    }
}

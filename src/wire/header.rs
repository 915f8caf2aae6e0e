//! The IKE header, the same 28 octets in both versions (RFC 2408 section 3.1, RFC 7296 section 3.1).

use crate::registry::{ExchangeType, PayloadType};
use crate::units::IkeSpis;

/// Octets of the header.
pub const HEADER_LEN: usize = 28;

/// The header of an IKE message.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       IKE SA Initiator's SPI                  |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       IKE SA Responder's SPI                  |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                          Message ID                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                            Length                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Both SPIs (IKEv1: cookies).
    pub spis: IkeSpis,
    /// Type of the first payload.
    pub next_payload: PayloadType,
    /// Major and minor version.
    pub version: Version,
    /// Exchange type.
    pub exchange: ExchangeType,
    /// Flags.
    pub flags: Flags,
    /// Message ID; zero in the first exchange.
    pub message_id: u32,
    /// Length of the whole message in octets, header included, as the header says it.
    pub length: u32,
}

/// Major and minor version, one octet.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version(pub u8);

impl Version {
    /// IKEv1.
    pub const V1: Self = Self(0x10);
    /// IKEv2.
    pub const V2: Self = Self(0x20);

    /// The major version: 1 or 2 in all that we can read.
    pub fn major(self) -> u8 {
        self.0 >> 4
    }

    /// The minor version.
    pub fn minor(self) -> u8 {
        self.0 & 0x0f
    }
}

/// The flags octet. IKEv1 and IKEv2 use different bits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Flags(pub u8);

impl Flags {
    /// IKEv1: the payloads after the header are encrypted (RFC 2408 section 3.1).
    pub fn v1_encrypted(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// IKEv2: sent by the original initiator of the IKE SA.
    pub fn initiator(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// IKEv2: the message answers a request with the same message ID.
    pub fn response(self) -> bool {
        self.0 & 0x20 != 0
    }
}

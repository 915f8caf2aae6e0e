//! What the data of a notification means.

use super::cidr::address;
use super::nat_detection::{self, Match};
use crate::net::Path;
use crate::registry::{HashAlgorithm, NotifyType, TransformType, transform};
use crate::units::{EspSpi, IkeSpis};
use std::fmt;
use std::net::IpAddr;

/// The data, read.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// The key exchange method that the responder wants (RFC 7296 section 1.3).
    WantedGroup(u16),
    /// Which address a NAT detection hash was made of.
    Matches(Match),
    /// Hash algorithms for signatures (RFC 7427 section 4).
    HashAlgorithms(Vec<u16>),
    /// Lifetime in seconds (RFC 4478; RFC 2407 section 4.6.3.1 is in attributes).
    Seconds(u32),
    /// An address of the sender (RFC 4555 section 4.2).
    Address(IpAddr),
    /// The gateway to go to, an address or a name (RFC 5685 section 8).
    Gateway(String),
    /// How many requests may be under way (RFC 7296 section 2.3).
    Window(u32),
    /// The SPI that the packet had (RFC 7296 section 1.5).
    UnknownSpi(EspSpi),
    /// The type of the critical payload that was not understood.
    Payload(u8),
    /// The version that was not understood.
    Version(u8),
    /// The message ID that was out of the window.
    MessageId(u32),
    /// IPComp: transform and CPI (RFC 7296 section 2.22).
    Ipcomp {
        /// Transform.
        transform: u8,
        /// CPI.
        cpi: u16,
    },
    /// The sender's sequence number in IKEv1 dead peer detection (RFC 3706 section 5.3).
    DpdSequence(u32),
}

/// Reads the data of an IKEv2 notification; `None` if it has no known form.
pub fn of(kind: NotifyType, data: &[u8], spis: IkeSpis, path: &Path) -> Option<Meaning> {
    match kind {
        NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD => octet(data).map(Meaning::Payload),
        NotifyType::INVALID_MAJOR_VERSION => octet(data).map(Meaning::Version),
        NotifyType::INVALID_MESSAGE_ID => quad(data).map(Meaning::MessageId),
        NotifyType::INVALID_SPI => quad(data).map(|spi| Meaning::UnknownSpi(EspSpi(spi))),
        NotifyType::INVALID_KE_PAYLOAD => pair(data).map(Meaning::WantedGroup),
        NotifyType::SET_WINDOW_SIZE => quad(data).map(Meaning::Window),
        NotifyType::IPCOMP_SUPPORTED => match data {
            [high, low, transform, ..] => Some(Meaning::Ipcomp {
                transform: *transform,
                cpi: u16::from_be_bytes([*high, *low]),
            }),
            _ => None,
        },
        NotifyType::NAT_DETECTION_SOURCE_IP | NotifyType::NAT_DETECTION_DESTINATION_IP => {
            nat_detection::matches(data, spis, path).map(Meaning::Matches)
        }
        NotifyType::ADDITIONAL_IP4_ADDRESS | NotifyType::ADDITIONAL_IP6_ADDRESS => {
            address(data).map(Meaning::Address)
        }
        NotifyType::AUTH_LIFETIME => quad(data).map(Meaning::Seconds),
        NotifyType::REDIRECT | NotifyType::REDIRECTED_FROM => gateway(data).map(Meaning::Gateway),
        NotifyType::SIGNATURE_HASH_ALGORITHMS => Some(Meaning::HashAlgorithms(
            data.as_chunks::<2>()
                .0
                .iter()
                .map(|pair| u16::from_be_bytes(*pair))
                .collect(),
        )),
        _ => None,
    }
}

/// Reads the data of an IKEv1 notification; `None` if it has no known form.
pub fn of_v1(kind: u16, data: &[u8]) -> Option<Meaning> {
    match kind {
        // R-U-THERE, R-U-THERE-ACK
        36136 | 36137 => quad(data).map(Meaning::DpdSequence),
        _ => None,
    }
}

/// RFC 5685 section 8.1: type of identity, its length, itself.
fn gateway(data: &[u8]) -> Option<String> {
    let [kind, length, rest @ ..] = data else {
        return None;
    };
    let identity = rest.get(..usize::from(*length))?;
    match kind {
        1 | 2 => Some(address(identity)?.to_string()),
        3 => Some(String::from_utf8_lossy(identity).into_owned()),
        _ => None,
    }
}

fn octet(data: &[u8]) -> Option<u8> {
    data.first().copied()
}

fn pair(data: &[u8]) -> Option<u16> {
    data.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

fn quad(data: &[u8]) -> Option<u32> {
    data.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}

/// For the text form; captured strings are not escaped here.
impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WantedGroup(group) => match transform::name(TransformType::KE, *group) {
                Some(name) => write!(f, "wants group {group}, {name}"),
                None => write!(f, "wants group {group}"),
            },
            Self::Matches(Match::Source) => f.write_str("fits the source"),
            Self::Matches(Match::Destination) => f.write_str("fits the destination"),
            Self::Matches(Match::None) => f.write_str("fits neither address"),
            Self::HashAlgorithms(hashes) => {
                let names: Vec<String> = hashes
                    .iter()
                    .map(|hash| HashAlgorithm(*hash).to_string())
                    .collect();
                f.write_str(&names.join(" "))
            }
            Self::Seconds(seconds) => write!(f, "{seconds} s"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Gateway(gateway) => f.write_str(gateway),
            Self::Window(window) => write!(f, "{window}"),
            Self::UnknownSpi(spi) => write!(f, "{spi}"),
            Self::Payload(payload) => write!(f, "payload {payload}"),
            Self::Version(version) => write!(f, "version {version}"),
            Self::MessageId(id) => write!(f, "message {id}"),
            Self::Ipcomp { transform, cpi } => write!(f, "transform {transform}, CPI 0x{cpi:04x}"),
            Self::DpdSequence(sequence) => write!(f, "{sequence}"),
        }
    }
}

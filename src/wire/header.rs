//! The IKE header, the same 28 octets in both versions (RFC 2408 section 3.1, RFC 7296 section 3.1).

use crate::registry::{ExchangeType, PayloadType};
use crate::units::{IkeSpi, IkeSpis};
use alloc::vec::Vec;

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

impl Header {
    /// Reads a header; `None` if it is not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        // In pieces whose size is known: every message is read here, and most in nothing but this.
        let (initiator, rest) = bytes.first_chunk::<HEADER_LEN>()?.split_first_chunk()?;
        let (responder, rest) = rest.split_first_chunk()?;
        let (&[next_payload, version, exchange, flags], rest) = rest.split_first_chunk()?;
        let (message_id, length) = rest.split_first_chunk()?;
        Some(Self {
            spis: IkeSpis {
                initiator: IkeSpi(u64::from_be_bytes(*initiator)),
                responder: IkeSpi(u64::from_be_bytes(*responder)),
            },
            next_payload: PayloadType(next_payload),
            version: Version(version),
            exchange: ExchangeType(exchange),
            flags: Flags(flags),
            message_id: u32::from_be_bytes(*message_id),
            length: u32::from_be_bytes(*length.first_chunk()?),
        })
    }

    /// Appends the 28 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.spis.initiator.0.to_be_bytes());
        out.extend(self.spis.responder.0.to_be_bytes());
        out.extend([
            self.next_payload.0,
            self.version.0,
            self.exchange.0,
            self.flags.0,
        ]);
        out.extend(self.message_id.to_be_bytes());
        out.extend(self.length.to_be_bytes());
    }

    /// IKEv1: whether the payloads are encrypted. A fragment never is: what it carries may be, and
    /// some senders copy the flags of the whole message onto its pieces.
    pub fn is_v1_sealed(&self) -> bool {
        self.version.major() == 1
            && self.flags.v1_encrypted()
            && self.next_payload != PayloadType::FRAGMENT_V1
    }

    /// Whether the first payload is an IKE fragment. One after other payloads would not be put
    /// together: no implementation sends any before it.
    pub fn is_fragment(&self) -> bool {
        match self.version.major() {
            1 => self.next_payload == PayloadType::FRAGMENT_V1,
            2 => self.next_payload == PayloadType::SKF,
            _ => false,
        }
    }

    /// Whether it stands outside of any IKE SA. None is without an SPI of its initiator (RFC 7296 section 3.1), and
    /// what informs under one is encrypted (section 1.4); of both RFC 7296 section 1.5 makes an exception for what
    /// says that a datagram or an SPI is not known.
    pub fn is_outside_sa(&self) -> bool {
        let is_sealed = matches!(self.next_payload, PayloadType::SK | PayloadType::SKF);
        self.spis.initiator.is_zero()
            || self.exchange == ExchangeType::INFORMATIONAL
                && self.version.major() == 2
                && !self.flags.response()
                && !is_sealed
    }

    /// Whether this looks like the header of an IKE message of which `bytes_len` octets are there.
    ///
    /// Two of three must be so: it has an initiator SPI; its length fits to the octet; version,
    /// exchange and first payload go together. So a message is told that the capture cut, or whose
    /// version is not ours, or that reports an error about an SA it does not know.
    pub fn is_plausible(&self, bytes_len: usize) -> bool {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        // A UDP datagram carries no more.
        let possible = bytes_len >= HEADER_LEN
            && (HEADER_LEN..=usize::from(u16::MAX)).contains(&length)
            && self.exchange.0 != 0;
        let witnesses = [
            !self.spis.initiator.is_zero(),
            length == bytes_len,
            self.is_coherent(),
        ];
        possible && witnesses.iter().filter(|so| **so).count() >= 2
    }

    /// Whether version, exchange and first payload go together. Types from 128 on (payloads) and
    /// 240 on (exchanges) are for private use in both versions.
    fn is_coherent(&self) -> bool {
        matches!(
            (self.version, self.next_payload.0, self.exchange.0),
            (Version::V1, 0..=31 | 128.., 1..=6 | 32..=33 | 240..)
                | (Version::V2, 0 | 33..=63 | 128.., 34..=63 | 240..)
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: Version, next_payload: u8, exchange: u8, length: u32) -> Header {
        Header {
            spis: IkeSpis {
                initiator: IkeSpi(0x0102_0304_0506_0708),
                responder: IkeSpi(0x1112_1314_1516_1718),
            },
            next_payload: PayloadType(next_payload),
            version,
            exchange: ExchangeType(exchange),
            flags: Flags(0x08),
            message_id: 3,
            length,
        }
    }

    #[test]
    fn a_version_is_four_bits_and_four_bits() {
        let told = |version: u8| (Version(version).major(), Version(version).minor());
        assert_eq!(
            [0x10, 0x20, 0x2f, 0xf1].map(told),
            [(1, 0), (2, 0), (2, 15), (15, 1)]
        );
    }

    #[test]
    fn a_header_reads_as_it_was_written() {
        let header = header(Version::V2, 33, 34, 28);
        let mut octets = Vec::new();
        header.emit(&mut octets);
        assert_eq!(octets.len(), HEADER_LEN);
        assert_eq!(Header::read(&octets), Some(header));
        for cut in 0..HEADER_LEN {
            assert_eq!(Header::read(&octets[..cut]), None);
        }
    }

    #[test]
    fn what_goes_together_is_plausible_even_if_cut() {
        for (version, next_payload, exchange) in [
            (Version::V1, 1, 2),
            (Version::V1, 8, 32),
            (Version::V1, 132, 4),
            (Version::V2, 33, 34),
            (Version::V2, 46, 37),
            (Version::V2, 0, 37),
        ] {
            assert!(header(version, next_payload, exchange, 400).is_plausible(300));
        }
    }

    #[test]
    fn what_does_not_go_together_is_plausible_only_if_the_length_fits() {
        for (version, next_payload, exchange) in [
            (Version::V1, 33, 2),
            (Version::V1, 1, 34),
            (Version::V2, 1, 34),
            (Version::V2, 33, 2),
            (Version(0x30), 33, 34),
        ] {
            assert!(!header(version, next_payload, exchange, 400).is_plausible(300));
            assert!(header(version, next_payload, exchange, 400).is_plausible(400));
        }
    }

    #[test]
    fn without_an_initiator_spi_all_else_must_fit() {
        let unnamed = |exchange, length| Header {
            spis: IkeSpis::default(),
            ..header(Version::V1, 11, exchange, length)
        };
        assert!(unnamed(5, 84).is_plausible(84));
        assert!(!unnamed(5, 84).is_plausible(83));
        assert!(!unnamed(37, 84).is_plausible(84));
    }

    #[test]
    fn no_room_for_a_header_or_too_much_for_a_datagram_is_not_plausible() {
        let plausible =
            |length, bytes_len| header(Version::V2, 33, 34, length).is_plausible(bytes_len);
        assert!(plausible(28, 28));
        assert!(!plausible(28, 27));
        assert!(!plausible(27, 28));
        assert!(!plausible(65_536, 400));
    }
}

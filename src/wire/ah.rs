//! The Authentication Header (RFC 4302 section 2).

use super::cursor::Cursor;
use crate::units::EspSpi;
use alloc::vec::Vec;

/// An Authentication Header.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Next Header   |  Payload Len  |          RESERVED             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                 Security Parameters Index (SPI)               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Sequence Number Field                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// +                Integrity Check Value-ICV (variable)           |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthenticationHeader<'a> {
    /// Protocol of what follows.
    pub next_header: u8,
    /// Octets of the whole header, at least [`AuthenticationHeader::FIXED_LEN`].
    pub length: usize,
    /// Names the SA at the receiver.
    pub spi: EspSpi,
    /// Low 32 bits of the sequence number.
    pub sequence: u32,
    /// Integrity check value; shorter than promised if the packet was cut.
    pub icv: &'a [u8],
}

impl<'a> AuthenticationHeader<'a> {
    /// Octets of the header without the ICV.
    pub const FIXED_LEN: usize = 12;

    /// Reads a header; `None` if its fixed part is not whole. A length field too small for the fixed
    /// part is passed over: SPI and sequence number are there all the same.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes, 0);
        let next_header = cursor.u8()?;
        // RFC 4302 section 2.2: "in 32-bit words (4-byte units), minus 2".
        let length = (usize::from(cursor.u8()?) * 4 + 8).max(Self::FIXED_LEN);
        let _reserved = cursor.u16()?;
        Some(Self {
            next_header,
            length,
            spi: EspSpi(cursor.u32()?),
            sequence: cursor.u32()?,
            icv: cursor.take_up_to(length - Self::FIXED_LEN),
        })
    }

    /// Appends the header, with as much of the ICV as there is.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let words = (self.length / 4).saturating_sub(2);
        out.extend([
            self.next_header,
            u8::try_from(words).unwrap_or(u8::MAX),
            0,
            0,
        ]);
        out.extend(self.spi.0.to_be_bytes());
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.icv);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: AuthenticationHeader<'_> = AuthenticationHeader {
        next_header: 50,
        length: 24,
        spi: EspSpi(0x1000),
        sequence: 9,
        icv: &[0xab; 12],
    };

    fn octets() -> Vec<u8> {
        let mut octets = Vec::new();
        HEADER.emit(&mut octets);
        octets
    }

    #[test]
    fn a_header_reads_as_it_was_written() {
        let mut octets = octets();
        assert_eq!(octets[..4], [50, 4, 0, 0]);
        octets.extend([1, 2, 3]);
        assert_eq!(AuthenticationHeader::read(&octets), Some(HEADER));
    }

    #[test]
    fn a_cut_icv_is_kept_short() {
        let read = |kept: usize| {
            AuthenticationHeader::read(&octets()[..kept]).map(|h| (h.length, h.icv.len()))
        };
        assert_eq!(read(20), Some((24, 8)));
        assert_eq!(read(12), Some((24, 0)));
        assert_eq!(read(11), None);
    }

    #[test]
    fn a_length_without_room_for_the_fixed_part_still_gives_the_fixed_part() {
        let mut octets = octets();
        octets[1] = 0;
        let read = AuthenticationHeader::read(&octets);
        assert_eq!(
            read,
            Some(AuthenticationHeader {
                length: 12,
                icv: &[],
                ..HEADER
            })
        );
    }
}

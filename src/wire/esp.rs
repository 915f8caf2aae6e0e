//! The ESP header (RFC 4303 section 2).

use crate::units::EspSpi;
use alloc::vec::Vec;

/// What of an ESP packet travels in clear.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |               Security Parameters Index (SPI)                 |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                      Sequence Number                          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EspHeader {
    /// Names the SA at the receiver.
    pub spi: EspSpi,
    /// Low 32 bits of the sequence number.
    pub sequence: u32,
}

impl EspHeader {
    /// Octets of the header.
    pub const LEN: usize = 8;

    /// Reads a header; `None` if it is not whole.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = *bytes.first_chunk::<{ Self::LEN }>()?;
        Some(Self {
            spi: EspSpi(u32::from_be_bytes([a, b, c, d])),
            sequence: u32::from_be_bytes([e, f, g, h]),
        })
    }

    /// Appends the 8 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.spi.0.to_be_bytes());
        out.extend(self.sequence.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written_and_not_if_cut() {
        let header = EspHeader {
            spi: EspSpi(0xc0ff_ee01),
            sequence: 7,
        };
        let mut octets = Vec::new();
        header.emit(&mut octets);
        assert_eq!(octets, [0xc0, 0xff, 0xee, 0x01, 0, 0, 0, 7]);
        assert_eq!(EspHeader::read(&octets), Some(header));
        assert_eq!(EspHeader::read(&octets[..7]), None);
    }
}

//! The Authentication Header (RFC 4302 section 2).

use crate::units::EspSpi;

/// An Authentication Header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AuthenticationHeader<'a> {
    /// Protocol of what follows.
    pub next_header: u8,
    /// Octets of the whole header.
    pub length: usize,
    /// Names the SA at the receiver.
    pub spi: EspSpi,
    /// Low 32 bits of the sequence number.
    pub sequence: u32,
    /// Integrity check value; shorter than promised if the packet was cut.
    pub icv: &'a [u8],
}

impl<'a> AuthenticationHeader<'a> {
    /// Reads a header; `None` if its fixed part is not whole or its length leaves no room for it.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[next_header, words, _, _, a, b, c, d, e, f, g, h], rest) =
            bytes.split_first_chunk()?;
        let length = usize::from(words) * 4 + 8;
        let icv = length.checked_sub(12)?;
        Some(Self {
            next_header,
            length,
            spi: EspSpi(u32::from_be_bytes([a, b, c, d])),
            sequence: u32::from_be_bytes([e, f, g, h]),
            icv: rest.get(..icv).unwrap_or(rest),
        })
    }
}

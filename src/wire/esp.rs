//! The ESP header (RFC 4303 section 2).

use crate::units::EspSpi;

/// What of an ESP packet travels in clear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EspHeader {
    /// Names the SA at the receiver.
    pub spi: EspSpi,
    /// Low 32 bits of the sequence number.
    pub sequence: u32,
}

impl EspHeader {
    /// Reads a header; `None` if it is not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h] = bytes.first_chunk()?;
        Some(Self {
            spi: EspSpi(u32::from_be_bytes([a, b, c, d])),
            sequence: u32::from_be_bytes([e, f, g, h]),
        })
    }
}

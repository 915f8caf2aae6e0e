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

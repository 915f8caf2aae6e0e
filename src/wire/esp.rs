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

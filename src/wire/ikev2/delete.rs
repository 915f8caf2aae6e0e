//! Delete payload (RFC 7296 section 3.11).

use crate::registry::SecurityProtocol;

/// The SAs that the sender has deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete<'a> {
    /// Their protocol; IKE means this very SA and carries no SPI.
    pub protocol: SecurityProtocol,
    /// Their SPIs, as the sender receives them.
    pub spis: Vec<&'a [u8]>,
}

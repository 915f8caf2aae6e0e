//! Delete payload (RFC 2408 section 3.15).

use crate::registry::SecurityProtocol;

/// The SAs that the sender has deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete<'a> {
    /// Domain of interpretation.
    pub doi: u32,
    /// Their protocol.
    pub protocol: SecurityProtocol,
    /// Their SPIs.
    pub spis: Vec<&'a [u8]>,
}

//! Identification payloads (RFC 7296 section 3.5).

use crate::registry::IdType;

/// Who a peer says it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identification<'a> {
    /// Form of the identity.
    pub id_type: IdType,
    /// The identity.
    pub data: &'a [u8],
}

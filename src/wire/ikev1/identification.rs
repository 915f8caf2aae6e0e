//! Identification payload (RFC 2407 section 4.6.2).

use crate::registry::IdType;

/// Who a peer says it is, or in quick mode which traffic it means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identification<'a> {
    /// Form of the identity.
    pub id_type: IdType,
    /// IP protocol, zero for any.
    pub protocol: u8,
    /// Port, zero for any.
    pub port: u16,
    /// The identity.
    pub data: &'a [u8],
}

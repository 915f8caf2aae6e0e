//! Extensible Authentication payload (RFC 7296 section 3.16, RFC 3748 section 4).

use crate::registry::EapType;

/// An EAP packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eap<'a> {
    /// 1 request, 2 response, 3 success, 4 failure.
    pub code: u8,
    /// Pairs a response with its request.
    pub identifier: u8,
    /// The method; success and failure have none.
    pub eap_type: Option<EapType>,
    /// Data of the method.
    pub data: &'a [u8],
}

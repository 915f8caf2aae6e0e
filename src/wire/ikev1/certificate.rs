//! Certificate and Certificate Request payloads (RFC 2408 sections 3.9 and 3.10).

use crate::registry::CertificateEncoding;

/// A certificate, or the authority asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<'a> {
    /// How `data` is encoded.
    pub encoding: CertificateEncoding,
    /// The certificate, or the name of the authority.
    pub data: &'a [u8],
}

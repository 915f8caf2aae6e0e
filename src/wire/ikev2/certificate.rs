//! Certificate and Certificate Request payloads (RFC 7296 sections 3.6 and 3.7).

use crate::registry::CertificateEncoding;

/// A certificate, or the authorities asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<'a> {
    /// How `data` is encoded.
    pub encoding: CertificateEncoding,
    /// The certificate, or for a request 20-octet hashes one after the other.
    pub data: &'a [u8],
}

//! Certificate and Certificate Request payloads (RFC 7296 sections 3.6 and 3.7).

use crate::registry::CertificateEncoding;
#[cfg(feature = "std")]
use crate::wire::certificate::Content;
use crate::wire::cursor::Cursor;
use crate::wire::encoding::told;
use crate::wire::fault::{FaultKind, Faults};
use alloc::vec::Vec;
use core::fmt;

/// A certificate, or the authorities asked for.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Cert Encoding |                                               |
/// +-+-+-+-+-+-+-+-+                                               |
/// ~          Certificate Data, or Certification Authority         ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<'a> {
    /// How `data` is encoded.
    pub encoding: CertificateEncoding,
    /// The certificate, or for a request 20-octet hashes one after the other.
    pub data: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 1, "Certificate payload")?;
        Some(Self {
            encoding: CertificateEncoding(cursor.u8()?),
            data: cursor.rest(),
        })
    }

    /// As [`read`](Self::read), of a request: the hashes must be whole (RFC 7296 section 3.7).
    pub fn read_request(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let end = cursor.at().saturating_add(cursor.left());
        let request = Self::read(cursor, faults)?;
        let over = request.data.len() % 20;
        if over > 0 && request.encoding.name().is_some() {
            faults.push(end.saturating_sub(over), FaultKind::Trailing(over));
        }
        Some(request)
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.encoding.0);
        out.extend(self.data);
    }

    /// Of a request: SHA-1 hashes of the public keys of the authorities that the sender trusts.
    /// Octets that make no whole hash are left out.
    pub fn authorities(&self) -> &'a [[u8; 20]] {
        let (hashes, _) = self.data.as_chunks();
        hashes
    }

    /// Of a certificate: what it holds. `None` if it cannot be read.
    #[cfg(feature = "std")]
    pub fn content(&self) -> Option<Content<'a>> {
        Content::read(self.encoding, self.data)
    }
}

/// The encoding and what it holds.
impl fmt::Display for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(self.encoding, self.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_lists_authorities_by_hash() {
        let data = [7; 41];
        let request = Certificate {
            encoding: CertificateEncoding::X509_SIGNATURE,
            data: &data,
        };
        assert_eq!(request.authorities(), [[7; 20]; 2]);
    }

    #[test]
    fn a_hash_that_is_not_whole_is_a_fault() {
        let octets = [[4; 1], [7; 1]].concat();
        let mut faults = Faults::default();
        let request = Certificate::read_request(&mut Cursor::new(&octets, 32), &mut faults);
        assert_eq!(request.unwrap().data, [7]);
        assert_eq!(faults.list[0].to_string(), "at 33: 1 octets left over");
    }
}

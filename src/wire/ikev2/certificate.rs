//! Certificate and Certificate Request payloads (RFC 7296 sections 3.6 and 3.7).

use crate::registry::CertificateEncoding;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::text::printable;
use std::fmt;

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

    /// Of the two "Hash and URL" encodings: the SHA-1 hash, and where to fetch what it is of.
    pub fn hash_and_url(&self) -> Option<(&'a [u8; 20], String)> {
        match self.encoding {
            CertificateEncoding::HASH_AND_URL_X509 | CertificateEncoding::HASH_AND_URL_BUNDLE => {
                let (hash, url) = self.data.split_first_chunk()?;
                Some((hash, printable(url)))
            }
            _ => None,
        }
    }
}

/// The encoding and the size, or the URL.
impl fmt::Display for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hash_and_url() {
            Some((_, url)) => write!(f, "{}: {url}", self.encoding),
            None => write!(f, "{}, {} octets", self.encoding, self.data.len()),
        }
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
    fn hash_and_url_says_where_to_fetch_the_certificate() {
        let mut data = vec![1; 20];
        data.extend(b"http://pki.example/gw.der");
        let certificate = Certificate {
            encoding: CertificateEncoding::HASH_AND_URL_X509,
            data: &data,
        };
        assert_eq!(
            certificate.to_string(),
            "Hash and URL of X.509 certificate: http://pki.example/gw.der"
        );
    }
}

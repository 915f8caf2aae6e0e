//! Certificate and Certificate Request payloads (RFC 2408 sections 3.9 and 3.10).

use crate::registry::CertificateEncoding;
#[cfg(feature = "std")]
use crate::wire::certificate::Content;
use crate::wire::cursor::Cursor;
use crate::wire::der;
use crate::wire::encoding::{named, told};
use crate::wire::fault::Faults;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A certificate, or the authority asked for.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Cert Encoding !                                               !
/// +-+-+-+-+-+-+-+-+                                               !
/// ~                       Certificate Data                        ~
/// !                                                               !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<'a> {
    /// How `data` is encoded.
    pub encoding: CertificateEncoding,
    /// The certificate, or the name of the authority.
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

    /// Of a certificate: what it holds. `None` if it cannot be read.
    #[cfg(feature = "std")]
    pub fn content(&self) -> Option<Content<'a>> {
        Content::read(self.encoding, self.data)
    }

    /// Of a request: the name of the authority asked for (RFC 2408 section 3.10). `None` if any
    /// will do, or the name cannot be read.
    pub fn authority(&self) -> Option<String> {
        der::distinguished_name(self.data)
    }

    /// The line of a request: the encoding and the authority.
    pub(super) fn request(&self) -> String {
        let name = named(self.encoding);
        match (self.data.len(), self.authority()) {
            (0, _) => format!("{name}, of any authority"),
            (_, Some(authority)) => format!("{name}, of {authority}"),
            (size, None) => format!("{name}, {size} octets"),
        }
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
    fn the_encoding_comes_before_the_certificate() {
        let mut faults = Faults::default();
        let read = Certificate::read(&mut Cursor::new(&[4, 0x30, 0x82], 0), &mut faults).unwrap();
        assert_eq!(
            (read.encoding, read.data),
            (CertificateEncoding(4), &[0x30, 0x82][..])
        );
        assert!(faults.list.is_empty());
    }

    #[test]
    fn a_certificate_without_an_encoding_is_a_fault() {
        let mut faults = Faults::default();
        assert_eq!(
            Certificate::read(&mut Cursor::new(&[], 0), &mut faults),
            None
        );
        assert_eq!(faults.list.len(), 1);
    }

    #[test]
    fn a_request_names_the_authority() {
        let request = |data| {
            let encoding = CertificateEncoding::X509_SIGNATURE;
            Certificate { encoding, data }.request()
        };
        let name = "X.509 Certificate - Signature";
        let any = format!("{name}, of any authority");
        assert_eq!(request(&[]), any);
        let named = format!("{name}, of C=CH, CN=gw");
        assert_eq!(request(der::tests::NAME), named);
        assert_eq!(request(&[0x31, 0]), format!("{name}, 2 octets"));
    }
}

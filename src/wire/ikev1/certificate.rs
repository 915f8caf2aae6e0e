//! Certificate and Certificate Request payloads (RFC 2408 sections 3.9 and 3.10).

use crate::registry::CertificateEncoding;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use std::fmt;

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
}

impl fmt::Display for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} octets", self.encoding, self.data.len())
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
}

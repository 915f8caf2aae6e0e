//! Authentication payload (RFC 7296 section 3.8).

use crate::registry::AuthMethod;
use crate::wire::cursor::Cursor;
use crate::wire::der::{self, Element};
use crate::wire::fault::Faults;
use std::fmt;

/// The proof of an identity.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Auth Method   |                RESERVED                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                      Authentication Data                      ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Authentication<'a> {
    /// How it was made.
    pub method: AuthMethod,
    /// The proof; for method 14 (RFC 7427) the algorithm identifier comes first.
    pub data: &'a [u8],
}

impl<'a> Authentication<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Authentication payload")?;
        let method = AuthMethod(cursor.u8()?);
        let _reserved = cursor.take(3)?;
        Some(Self {
            method,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.method.0, 0, 0, 0]);
        out.extend(self.data);
    }

    /// The DER of the algorithm identifier that method 14 carries (RFC 7427 section 3).
    pub fn algorithm_identifier(&self) -> Option<&'a [u8]> {
        if self.method != AuthMethod::DIGITAL_SIGNATURE {
            return None;
        }
        let mut cursor = Cursor::new(self.data, 0);
        let length = usize::from(cursor.u8()?);
        cursor.take(length)
    }

    /// The signature algorithm of method 14 by name, or its object identifier where we know none.
    pub fn algorithm(&self) -> Option<String> {
        signature_algorithm(self.algorithm_identifier()?)
    }
}

/// The method, and for method 14 the algorithm.
impl fmt::Display for Authentication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.algorithm() {
            Some(algorithm) => write!(f, "{}, {algorithm}", self.method),
            None => self.method.fmt(f),
        }
    }
}

/// The name of a signature algorithm from the DER of its AlgorithmIdentifier, or its object
/// identifier where we know none. `None` if it cannot be read.
pub fn signature_algorithm(identifier: &[u8]) -> Option<String> {
    let sequence = Element::first(identifier, der::SEQUENCE)?;
    let mut members = sequence.children();
    let oid = members
        .next()
        .filter(|oid| oid.tag == der::OBJECT_IDENTIFIER)?;
    let oid = der::dotted(oid.contents)?;
    let name = match oid.as_str() {
        // RFC 7427 appendix A.
        "1.2.840.113549.1.1.5" => "RSA PKCS#1 v1.5 with SHA-1",
        "1.2.840.113549.1.1.14" => "RSA PKCS#1 v1.5 with SHA2-224",
        "1.2.840.113549.1.1.11" => "RSA PKCS#1 v1.5 with SHA2-256",
        "1.2.840.113549.1.1.12" => "RSA PKCS#1 v1.5 with SHA2-384",
        "1.2.840.113549.1.1.13" => "RSA PKCS#1 v1.5 with SHA2-512",
        "1.2.840.10040.4.3" => "DSA with SHA-1",
        "2.16.840.1.101.3.4.3.2" => "DSA with SHA2-256",
        "1.2.840.10045.4.1" => "ECDSA with SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA with SHA2-224",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA2-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA2-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA2-512",
        "1.2.840.113549.1.1.10" => {
            let hash = members.next().and_then(pss_hash).unwrap_or("SHA-1".into());
            return Some(format!("RSASSA-PSS with {hash}"));
        }
        // RFC 8420.
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        // RFC 9385.
        "1.2.643.7.1.1.3.2" => "GOST R 34.10-2012 (256 bits)",
        "1.2.643.7.1.1.3.3" => "GOST R 34.10-2012 (512 bits)",
        // RFC 9881.
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return Some(oid),
    };
    Some(name.into())
}

/// The hash of RSASSA-PSS parameters (RFC 4055 section 3.1); SHA-1 where they name none.
fn pss_hash(parameters: Element<'_>) -> Option<String> {
    let hash = parameters.children().find(|member| member.tag == 0xa0)?;
    let identifier = Element::first(hash.contents, der::SEQUENCE)?;
    let oid = der::dotted(identifier.children().next()?.contents)?;
    let name = match oid.as_str() {
        "1.3.14.3.2.26" => "SHA-1",
        "2.16.840.1.101.3.4.2.4" => "SHA2-224",
        "2.16.840.1.101.3.4.2.1" => "SHA2-256",
        "2.16.840.1.101.3.4.2.2" => "SHA2-384",
        "2.16.840.1.101.3.4.2.3" => "SHA2-512",
        _ => return Some(oid),
    };
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7427 appendix A.3.2.
    const ECDSA_SHA256: &[u8] = &[
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
    ];

    /// RFC 7427 appendix A.4.1: no parameters, so SHA-1.
    const PSS_DEFAULT: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x00,
    ];

    /// RFC 7427 appendix A.4.3.
    const PSS_SHA256: &[u8] = &[
        0x30, 0x46, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x39,
        0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
        0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20, 0xa3, 0x03, 0x02, 0x01, 0x01,
    ];

    #[test]
    fn a_digital_signature_names_its_algorithm() {
        let mut data = vec![ECDSA_SHA256.len() as u8];
        data.extend(ECDSA_SHA256);
        data.extend([0xaa; 70]);
        let proof = Authentication {
            method: AuthMethod::DIGITAL_SIGNATURE,
            data: &data,
        };
        assert_eq!(proof.to_string(), "Digital Signature, ECDSA with SHA2-256");
    }

    #[test]
    fn the_hash_of_pss_is_in_its_parameters() {
        let said = |identifier| signature_algorithm(identifier).unwrap();
        assert_eq!(said(PSS_DEFAULT), "RSASSA-PSS with SHA-1");
        assert_eq!(said(PSS_SHA256), "RSASSA-PSS with SHA2-256");
    }

    #[test]
    fn an_unknown_algorithm_shows_its_object_identifier() {
        let unknown = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x7f];
        assert_eq!(signature_algorithm(&unknown).unwrap(), "1.3.101.127");
        assert_eq!(signature_algorithm(&unknown[..4]), None);
    }

    #[test]
    fn other_methods_carry_no_algorithm() {
        let proof = Authentication {
            method: AuthMethod::SHARED_KEY_MIC,
            data: ECDSA_SHA256,
        };
        assert_eq!(proof.to_string(), "Shared Key Message Integrity Code");
    }
}

//! Authentication payload (RFC 7296 section 3.8).

use crate::registry::AuthMethod;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::signature;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

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
        if method == AuthMethod::DIGITAL_SIGNATURE {
            // What is not there is a fault; what is there is kept.
            let mut inner = *cursor;
            let _ = faults.require(&inner, 1, "Digital Signature");
            if let Some(length) = inner.u8() {
                let _ = faults.require(&inner, usize::from(length), "ASN.1 Length");
            }
        }
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
        Some(self.digital_signature()?.0)
    }

    /// The signature algorithm of method 14 by name, or its object identifier where we know none.
    pub fn algorithm(&self) -> Option<String> {
        signature::algorithm(self.algorithm_identifier()?)
    }

    /// The proof itself: of method 14 what follows the algorithm identifier.
    pub fn proof(&self) -> &'a [u8] {
        self.digital_signature()
            .map_or(self.data, |(_, signature)| signature)
    }

    /// Algorithm identifier and signature of method 14.
    fn digital_signature(&self) -> Option<(&'a [u8], &'a [u8])> {
        if self.method != AuthMethod::DIGITAL_SIGNATURE {
            return None;
        }
        let (length, rest) = self.data.split_first()?;
        rest.split_at_checked(usize::from(*length))
    }
}

/// The method, for method 14 the algorithm, and the size of the proof.
impl fmt::Display for Authentication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "method {}", self.method.0)?,
        }
        if let Some(algorithm) = self.algorithm() {
            write!(f, ", {algorithm}")?;
        }
        write!(f, ", {} octets", self.proof().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::signature::tests::ECDSA_SHA256;

    fn digital_signature(data: &[u8]) -> Authentication<'_> {
        Authentication {
            method: AuthMethod::DIGITAL_SIGNATURE,
            data,
        }
    }

    #[test]
    fn a_digital_signature_names_its_algorithm() {
        let mut data = vec![ECDSA_SHA256.len() as u8];
        data.extend(ECDSA_SHA256);
        data.extend([0xaa; 70]);
        let proof = digital_signature(&data);
        assert_eq!(
            proof.to_string(),
            "Digital Signature, ECDSA with SHA2-256, 70 octets"
        );
        assert_eq!(proof.proof(), [0xaa; 70]);
    }

    #[test]
    fn an_algorithm_identifier_that_was_cut_off_is_missed() {
        let octets = [14, 0, 0, 0, 12, 0x30];
        let mut faults = Faults::default();
        let read = Authentication::read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!(read.data, [12, 0x30]);
        assert_eq!(read.algorithm(), None);
        assert_eq!(
            faults.list[0].to_string(),
            "at 5: ASN.1 Length promises 12 octets, 1 are there"
        );
    }

    #[test]
    fn other_methods_carry_no_algorithm() {
        let said = |method| {
            let data = ECDSA_SHA256;
            Authentication { method, data }.to_string()
        };
        assert_eq!(
            said(AuthMethod::SHARED_KEY_MIC),
            "Shared Key Message Integrity Code, 12 octets"
        );
        assert_eq!(
            said(AuthMethod::NULL_AUTHENTICATION),
            "NULL Authentication, 12 octets"
        );
        assert_eq!(said(AuthMethod(201)), "method 201, 12 octets");
    }
}

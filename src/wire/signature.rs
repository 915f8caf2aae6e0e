//! Signature algorithms by the DER of their AlgorithmIdentifier, as AUTH (RFC 7427),
//! SUPPORTED_AUTH_METHODS (RFC 9593) and certificates (RFC 5280) carry it.

use super::der::{self, Element};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// The name of a signature algorithm from the DER of its AlgorithmIdentifier, or its object
/// identifier where we know none. `None` if it cannot be read.
pub fn algorithm(identifier: &[u8]) -> Option<String> {
    of(Element::first(identifier, der::SEQUENCE)?)
}

/// As [`algorithm`], of an element that was taken already.
pub fn of(identifier: Element<'_>) -> Option<String> {
    let mut members = identifier.children();
    let oid = members
        .next()
        .filter(|oid| oid.tag == der::OBJECT_IDENTIFIER)?;
    let oid = der::dotted(oid.contents)?;
    if oid == RSASSA_PSS {
        return Some(pss(members.next()));
    }
    Some(named(&oid).map_or(oid, str::to_owned))
}

/// The name of a signature algorithm that has no parameters to tell, by its object identifier.
pub fn named(oid: &str) -> Option<&'static str> {
    let name = match oid {
        // RFC 7427 appendix A.
        "1.2.840.113549.1.1.4" => "RSA PKCS#1 v1.5 with MD5",
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
        // RFC 9909.
        "2.16.840.1.101.3.4.3.20" => "SLH-DSA-SHA2-128s",
        "2.16.840.1.101.3.4.3.21" => "SLH-DSA-SHA2-128f",
        "2.16.840.1.101.3.4.3.22" => "SLH-DSA-SHA2-192s",
        "2.16.840.1.101.3.4.3.23" => "SLH-DSA-SHA2-192f",
        "2.16.840.1.101.3.4.3.24" => "SLH-DSA-SHA2-256s",
        "2.16.840.1.101.3.4.3.25" => "SLH-DSA-SHA2-256f",
        "2.16.840.1.101.3.4.3.26" => "SLH-DSA-SHAKE-128s",
        "2.16.840.1.101.3.4.3.27" => "SLH-DSA-SHAKE-128f",
        "2.16.840.1.101.3.4.3.28" => "SLH-DSA-SHAKE-192s",
        "2.16.840.1.101.3.4.3.29" => "SLH-DSA-SHAKE-192f",
        "2.16.840.1.101.3.4.3.30" => "SLH-DSA-SHAKE-256s",
        "2.16.840.1.101.3.4.3.31" => "SLH-DSA-SHAKE-256f",
        _ => return None,
    };
    Some(name)
}

/// RSASSA-PSS, whose hash is in its parameters (RFC 4055 section 3.1).
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

/// Hash and salt of RSASSA-PSS. What the parameters leave out is SHA-1 and 20 octets (RFC 4055
/// section 3.1).
fn pss(parameters: Option<Element<'_>>) -> String {
    let field = |tag| parameters.and_then(|all| all.children().find(|one| one.tag == tag));
    let hash = match field(0xa0) {
        Some(hash) => hash_name(hash.contents).unwrap_or_else(|| "an unreadable hash".into()),
        None => "SHA-1".into(),
    };
    let salt = match field(0xa2) {
        Some(salt) => integer(salt.contents),
        None => Some(20),
    };
    match salt {
        Some(salt) => format!("RSASSA-PSS with {hash}, salt of {salt} octets"),
        None => format!("RSASSA-PSS with {hash}, unreadable salt"),
    }
}

fn hash_name(identifier: &[u8]) -> Option<String> {
    let identifier = Element::first(identifier, der::SEQUENCE)?;
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

/// A small INTEGER that is not negative.
fn integer(octets: &[u8]) -> Option<u32> {
    match Element::first(octets, der::INTEGER)?.contents {
        contents @ [0..=0x7f, ..] if contents.len() <= 4 => Some(
            contents
                .iter()
                .fold(0, |value, octet| value << 8 | u32::from(*octet)),
        ),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// RFC 7427 appendix A.3.2.
    pub(in crate::wire) const ECDSA_SHA256: &[u8] = &[
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

    fn said(identifier: &[u8]) -> String {
        algorithm(identifier).unwrap()
    }

    #[test]
    fn an_algorithm_has_the_name_of_its_object_identifier() {
        assert_eq!(said(ECDSA_SHA256), "ECDSA with SHA2-256");
        let slh_dsa = [0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x14];
        assert_eq!(said(&slh_dsa), "SLH-DSA-SHA2-128s");
    }

    #[test]
    fn the_names_of_an_arc_follow_one_another() {
        // Where a registry gives numbers in a row, the names stand in the order of its document.
        let rsa = "1.2.840.113549.1.1";
        let ecdsa = "1.2.840.10045.4.3";
        let nist = "2.16.840.1.101.3.4.3";
        for (arc, first, names) in [
            (
                rsa,
                3,
                "; RSA PKCS#1 v1.5 with MD5; RSA PKCS#1 v1.5 with SHA-1; ",
            ),
            // 10 is RSASSA-PSS, which is read with its parameters (RFC 8017 appendix C).
            (
                rsa,
                10,
                "; RSA PKCS#1 v1.5 with SHA2-256; RSA PKCS#1 v1.5 with SHA2-384; \
                 RSA PKCS#1 v1.5 with SHA2-512; RSA PKCS#1 v1.5 with SHA2-224; ",
            ),
            ("1.2.840.10040.4", 2, "; DSA with SHA-1; "),
            ("1.2.840.10045.4", 0, "; ECDSA with SHA-1; "),
            (
                ecdsa,
                0,
                "; ECDSA with SHA2-224; ECDSA with SHA2-256; ECDSA with SHA2-384; ECDSA with SHA2-512; ",
            ),
            ("1.3.101", 111, "; Ed25519; Ed448; "),
            (
                "1.2.643.7.1.1.3",
                1,
                "; GOST R 34.10-2012 (256 bits); GOST R 34.10-2012 (512 bits); ",
            ),
            (nist, 1, "; DSA with SHA2-256; "),
            (
                nist,
                16,
                "; ML-DSA-44; ML-DSA-65; ML-DSA-87; SLH-DSA-SHA2-128s; SLH-DSA-SHA2-128f; \
                 SLH-DSA-SHA2-192s; SLH-DSA-SHA2-192f; SLH-DSA-SHA2-256s; SLH-DSA-SHA2-256f; \
                 SLH-DSA-SHAKE-128s; SLH-DSA-SHAKE-128f; SLH-DSA-SHAKE-192s; SLH-DSA-SHAKE-192f; \
                 SLH-DSA-SHAKE-256s; SLH-DSA-SHAKE-256f; ",
            ),
        ] {
            for (number, name) in (first..).zip(names.split("; ")) {
                let oid = format!("{arc}.{number}");
                assert_eq!(named(&oid).unwrap_or_default(), name, "{oid}");
            }
        }
    }

    #[test]
    fn every_hash_of_pss_has_its_name_and_what_is_none_is_told() {
        let said = |oid: &[u8], salt: &[u8]| {
            let wrap = |tag: u8, inner: &[u8]| {
                [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
            };
            let hash = wrap(0xa0, &wrap(0x30, &wrap(6, oid)));
            let parameters = wrap(0x30, &[hash, wrap(0xa2, salt)].concat());
            let pss = wrap(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10]);
            super::algorithm(&wrap(0x30, &[pss, parameters].concat())).unwrap()
        };
        let sha2 = |last| [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last];
        for (last, name) in [(1, 256), (2, 384), (3, 512), (4, 224)] {
            assert_eq!(
                said(&sha2(last), &[2, 1, 20]),
                format!("RSASSA-PSS with SHA2-{name}, salt of 20 octets")
            );
        }
        assert_eq!(
            said(&[0x2b, 0x0e, 3, 2, 0x1a], &[2, 2, 1, 0]),
            "RSASSA-PSS with SHA-1, salt of 256 octets"
        );
        assert_eq!(
            said(&sha2(9), &[2, 1, 0x80]),
            "RSASSA-PSS with 2.16.840.1.101.3.4.2.9, unreadable salt"
        );
        assert_eq!(
            said(&[0x86], &[2, 4, 1, 0, 0, 0]),
            "RSASSA-PSS with an unreadable hash, salt of 16777216 octets"
        );
        // Five octets are more than any salt has.
        assert!(said(&sha2(1), &[2, 5, 0, 0, 0, 0, 1]).ends_with("unreadable salt"));
    }

    #[test]
    fn hash_and_salt_of_pss_are_in_its_parameters() {
        assert_eq!(
            said(PSS_DEFAULT),
            "RSASSA-PSS with SHA-1, salt of 20 octets"
        );
        assert_eq!(
            said(PSS_SHA256),
            "RSASSA-PSS with SHA2-256, salt of 32 octets"
        );
    }

    #[test]
    fn an_unknown_algorithm_shows_its_object_identifier() {
        let unknown = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x7f];
        assert_eq!(said(&unknown), "1.3.101.127");
        assert_eq!(algorithm(&unknown[..4]), None);
    }

    #[test]
    fn no_cut_of_the_parameters_stops_the_reader() {
        for end in 0..PSS_SHA256.len() {
            let mut cut = PSS_SHA256[..end].to_vec();
            if let Some(length) = cut.get_mut(1) {
                *length = u8::try_from(end - 2).unwrap();
            }
            let _ = algorithm(&cut);
        }
    }
}

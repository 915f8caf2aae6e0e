//! What certificate payloads hold, the same in both versions (RFC 2408 sections 3.9 and 3.10,
//! RFC 7296 sections 3.6 and 3.7).

use super::der::{self, Element};
use super::text::{list, printable};
use super::x509::{Certificate, PublicKey, RevocationList};
use crate::registry::CertificateEncoding;
use core::fmt;

/// What the data of a certificate payload holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content<'a> {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// Certificates wrapped in PKCS #7 (RFC 2315 section 9.1), in the order they stand there.
    Bundle(Vec<Certificate>),
    /// A revocation list.
    RevocationList(RevocationList),
    /// A certificate, or a bundle of them, that is to be fetched (RFC 7296 section 3.6).
    HashAndUrl {
        /// SHA-1 of what is to be fetched.
        hash: &'a [u8; 20],
        /// Where from.
        url: String,
    },
    /// A key without a certificate (RFC 7670).
    PublicKey(PublicKey),
    /// An OCSP response (RFC 4806): its status (RFC 6960 section 4.2.1).
    OcspResponse(&'static str),
}

impl<'a> Content<'a> {
    /// Reads the data of a certificate payload. `None` for encodings that we do not read, and data
    /// that is not what its encoding says.
    pub fn read(encoding: CertificateEncoding, data: &'a [u8]) -> Option<Self> {
        use CertificateEncoding as Encoding;
        match encoding {
            Encoding::X509_SIGNATURE | Encoding::X509_KEY_EXCHANGE => {
                Some(Self::Certificate(Box::new(Certificate::read(data)?)))
            }
            Encoding::PKCS7_X509 => Some(Self::Bundle(bundle(data)?)),
            Encoding::CRL | Encoding::ARL => {
                Some(Self::RevocationList(RevocationList::read(data)?))
            }
            Encoding::HASH_AND_URL_X509 | Encoding::HASH_AND_URL_BUNDLE => {
                let (hash, url) = data.split_first_chunk()?;
                let url = printable(url);
                Some(Self::HashAndUrl { hash, url })
            }
            Encoding::RAW_PUBLIC_KEY => Some(Self::PublicKey(PublicKey::read(data)?)),
            Encoding::RAW_RSA_KEY => Some(Self::PublicKey(PublicKey::read_rsa(data)?)),
            Encoding::OCSP_CONTENT => Some(Self::OcspResponse(ocsp_status(data)?)),
            _ => None,
        }
    }

    /// Whether we read data of this encoding, so that data without content is broken.
    pub fn is_read(encoding: CertificateEncoding) -> bool {
        use CertificateEncoding as Encoding;
        !matches!(
            encoding,
            Encoding::PGP
                | Encoding::DNS_SIGNED_KEY
                | Encoding::KERBEROS_TOKEN
                | Encoding::SPKI
                | Encoding::X509_ATTRIBUTE
        ) && encoding.name().is_some()
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(certificate) => certificate.fmt(f),
            Self::Bundle(certificates) if certificates.is_empty() => f.write_str("no certificates"),
            Self::Bundle(certificates) => f.write_str(&list(certificates, "; ")),
            Self::RevocationList(revocations) => revocations.fmt(f),
            Self::HashAndUrl { url, .. } => f.write_str(url),
            Self::PublicKey(key) => key.fmt(f),
            Self::OcspResponse(status) => f.write_str(status),
        }
    }
}

/// The certificates of a SignedData (RFC 2315 section 9.1) in a ContentInfo (section 7). `None` if
/// it is none; one without certificates has an empty list.
fn bundle(octets: &[u8]) -> Option<Vec<Certificate>> {
    const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
    const EXPLICIT_0: u8 = 0xa0;
    let mut content_info = Element::first(octets, der::SEQUENCE)?.children();
    let kind = content_info.next()?;
    if der::dotted(kind.contents)? != SIGNED_DATA {
        return None;
    }
    let content = content_info.next().filter(|one| one.tag == EXPLICIT_0)?;
    let signed_data = Element::first(content.contents, der::SEQUENCE)?;
    // After version, digest algorithms and content.
    let certificates = signed_data.children().find(|one| one.tag == EXPLICIT_0);
    Some(certificates.map_or_else(Vec::new, |all| Certificate::read_all(all.contents)))
}

/// The responseStatus of an OCSPResponse.
fn ocsp_status(octets: &[u8]) -> Option<&'static str> {
    let response = Element::first(octets, der::SEQUENCE)?;
    let status = response.children().next()?;
    match (status.tag, status.contents) {
        (der::ENUMERATED, [0]) => Some("successful"),
        (der::ENUMERATED, [1]) => Some("malformedRequest"),
        (der::ENUMERATED, [2]) => Some("internalError"),
        (der::ENUMERATED, [3]) => Some("tryLater"),
        (der::ENUMERATED, [5]) => Some("sigRequired"),
        (der::ENUMERATED, [6]) => Some("unauthorized"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::x509::tests::{gateway, revocations};
    use crate::registry::CertificateEncoding as Encoding;
    use crate::wire::encoding::told;

    /// An element of more than 255 octets.
    fn long(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], contents].concat()
    }

    /// A SignedData of version 1 without content, digests and signers.
    fn wrapped(certificates: &[u8]) -> Vec<u8> {
        let mut signed_data = vec![2, 1, 1, 0x31, 0, 0x30, 0];
        signed_data.extend(long(0xa0, certificates));
        signed_data.extend([0x31, 0]);
        let mut content_info = vec![6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
        content_info.extend(long(0xa0, &long(0x30, &signed_data)));
        long(0x30, &content_info)
    }

    #[test]
    fn each_encoding_is_told_by_what_it_holds() {
        let hash_and_url = [&[1; 20], &b"http://pki.example/gw.der"[..]].concat();
        for (encoding, data, starts) in [
            (
                Encoding::X509_SIGNATURE,
                gateway(),
                "X.509 Certificate - Signature: C=CH, O=Example, CN=gw.example, issued by C=CH",
            ),
            (
                Encoding::PKCS7_X509,
                wrapped(&gateway()),
                "PKCS #7 wrapped X.509 certificate: C=CH, O=Example, CN=gw.example, issued by",
            ),
            (
                Encoding::PKCS7_X509,
                wrapped(&[]),
                "PKCS #7 wrapped X.509 certificate: no certificates",
            ),
            (
                Encoding::CRL,
                revocations(),
                "Certificate Revocation List (CRL): C=CH, O=Example, CN=gw.example, 2026-03-01",
            ),
            (
                Encoding::HASH_AND_URL_X509,
                hash_and_url,
                "Hash and URL of X.509 certificate: http://pki.example/gw.der",
            ),
            (
                Encoding::OCSP_CONTENT,
                vec![0x30, 3, 0x0a, 1, 3],
                "OCSP Content: tryLater",
            ),
            (
                Encoding::X509_SIGNATURE,
                vec![0x30; 40],
                "X.509 Certificate - Signature, 40 octets, not readable",
            ),
            (Encoding::PGP, vec![1; 9], "PGP Certificate, 9 octets"),
            (Encoding(99), vec![1; 9], "encoding 99, 9 octets"),
        ] {
            let said = told(encoding, &data);
            assert!(said.starts_with(starts), "{said}");
        }
    }

    #[test]
    fn each_status_of_ocsp_has_its_name() {
        // RFC 6960 section 4.2.1; 4 is not used.
        for (status, name) in [
            (0, "successful"),
            (1, "malformedRequest"),
            (2, "internalError"),
            (3, "tryLater"),
            (5, "sigRequired"),
            (6, "unauthorized"),
        ] {
            let said = told(Encoding::OCSP_CONTENT, &[0x30, 3, 0x0a, 1, status]);
            assert_eq!(said, format!("OCSP Content: {name}"));
        }
        for unknown in [&[0x30, 3, 0x0a, 1, 4][..], &[0x30, 3, 2, 1, 0]] {
            let said = told(Encoding::OCSP_CONTENT, unknown);
            assert_eq!(said, "OCSP Content, 5 octets, not readable");
        }
    }

    #[test]
    fn other_content_than_signed_data_is_not_read() {
        let mut other = wrapped(&gateway());
        let at = other.windows(2).position(|two| two == [7, 2]).unwrap();
        // EnvelopedData (RFC 2315 section 10).
        other[at + 1] = 3;
        let said = told(Encoding::PKCS7_X509, &other);
        assert!(said.ends_with("not readable"), "{said}");
    }

    #[test]
    fn no_encoding_panics_on_any_length() {
        for (encoding, name, _) in Encoding::NAMED {
            for length in 0..40 {
                for fill in [0, 0x30, 0xff] {
                    assert!(told(*encoding, &vec![fill; length]).starts_with(name));
                }
            }
        }
    }
}

//! X.509 certificates, revocation lists and public keys (RFC 5280), as much of them as tells who a
//! peer is and why it was not believed.
//!
//! The one place that names x509-parser. Nothing is verified here. All work is linear in octets
//! that fit one payload, so 64 KiB bound it. What cannot be read is `None`.

use super::address::address;
use super::der;
use super::signature;
use super::text::{Hex, list, printable};
use crate::limits::CERTIFICATE_OCTETS;
use core::fmt;
use sha1::{Digest, Sha1};
use x509_parser::asn1_rs::FromDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, KeyUsage, ParsedExtension};
use x509_parser::public_key::{PublicKey as ParsedKey, RSAPublicKey};
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

/// A certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Whose key it is: `C=CH, CN=gw`. `None` if the name cannot be read, empty if it is empty.
    pub subject: Option<String>,
    /// Who says so.
    pub issuer: Option<String>,
    /// The issuer's number for it, in hex digits.
    pub serial: String,
    /// From when it holds.
    pub not_before: Time,
    /// Until when it holds.
    pub not_after: Time,
    /// Further names of the subject.
    pub alternative_names: Vec<AlternativeName>,
    /// The key.
    pub key: PublicKey,
    /// SHA-1 of the SubjectPublicKeyInfo: what a certificate request of IKEv2 names an authority by
    /// (RFC 7296 section 3.7).
    pub key_sha1: [u8; 20],
    /// How the issuer signed it.
    pub signature_algorithm: String,
    /// Whether it may issue others; one that does not say so may not (RFC 5280 section 4.2.1.9).
    pub is_ca: bool,
    /// What the key may be used for (RFC 5280 section 4.2.1.3); empty if nothing is said.
    pub key_usage: Vec<&'static str>,
    /// For which purposes (RFC 5280 section 4.2.1.12, RFC 4945 section 5.1.3.12), by name or object
    /// identifier; empty if nothing is said.
    pub extended_key_usage: Vec<String>,
}

impl Certificate {
    /// Reads a certificate in DER. Octets after it are passed over.
    pub fn read(octets: &[u8]) -> Option<Self> {
        Self::first(octets).map(|(certificate, _)| certificate)
    }

    /// Reads certificates in DER that stand one after the other, up to one that cannot be read.
    pub fn read_all(mut octets: &[u8]) -> Vec<Self> {
        let mut certificates = Vec::new();
        while let Some((certificate, rest)) = Self::first(octets) {
            certificates.push(certificate);
            octets = rest;
        }
        certificates
    }

    /// The first certificate, and what follows it.
    fn first(octets: &[u8]) -> Option<(Self, &[u8])> {
        if octets.len() > CERTIFICATE_OCTETS {
            return None;
        }
        let (rest, parsed) = X509Certificate::from_der(octets).ok()?;
        let mut certificate = Self {
            subject: name(parsed.subject()),
            issuer: name(parsed.issuer()),
            serial: serial(parsed.raw_serial()),
            not_before: Time::of(parsed.validity().not_before),
            not_after: Time::of(parsed.validity().not_after),
            alternative_names: Vec::new(),
            key: PublicKey::of(parsed.public_key()),
            key_sha1: Sha1::digest(parsed.public_key().raw).into(),
            signature_algorithm: signature_algorithm(octets)?,
            is_ca: false,
            key_usage: Vec::new(),
            extended_key_usage: Vec::new(),
        };
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    let names = names.general_names.iter();
                    certificate
                        .alternative_names
                        .extend(names.map(AlternativeName::of));
                }
                ParsedExtension::BasicConstraints(constraints) => {
                    certificate.is_ca = constraints.ca;
                }
                ParsedExtension::KeyUsage(usage) => certificate.key_usage = key_usage(usage),
                ParsedExtension::ExtendedKeyUsage(_) => {
                    certificate.extended_key_usage = purposes(extension.value);
                }
                _ => {}
            }
        }
        Some((certificate, rest))
    }
}

/// Subject, issuer, validity and key: `CN=gw, issued by CN=CA, 2026-01-01 to 2027-01-01, EC P-256`.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject.as_deref() {
            // RFC 5280 section 4.2.1.6: then the subject alternative name stands for it.
            Some("") if !self.alternative_names.is_empty() => {
                f.write_str(&list(&self.alternative_names, ", "))?;
            }
            Some("") => f.write_str("no subject")?,
            subject => f.write_str(subject.unwrap_or(UNREADABLE))?,
        }
        let issuer = self.issuer.as_deref().unwrap_or(UNREADABLE);
        let (from, to) = (self.not_before.date(), self.not_after.date());
        write!(f, ", issued by {issuer}, {from} to {to}, {}", self.key)
    }
}

/// What stands for a name that cannot be read.
const UNREADABLE: &str = "an unreadable name";

/// A list of certificates that hold no longer (RFC 5280 section 5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationList {
    /// Who says so.
    pub issuer: Option<String>,
    /// When it was made.
    pub this_update: Time,
    /// When the next one comes.
    pub next_update: Option<Time>,
    /// How many certificates it revokes.
    pub revoked: usize,
}

impl RevocationList {
    /// Reads a revocation list in DER. Octets after it are passed over.
    pub fn read(octets: &[u8]) -> Option<Self> {
        if octets.len() > CERTIFICATE_OCTETS {
            return None;
        }
        let (_, parsed) = CertificateRevocationList::from_der(octets).ok()?;
        Some(Self {
            issuer: name(parsed.issuer()),
            this_update: Time::of(parsed.last_update()),
            next_update: parsed.next_update().map(Time::of),
            revoked: parsed.iter_revoked_certificates().count(),
        })
    }
}

/// Issuer, times and count: `CN=CA, 2026-03-01, next 2026-04-01, 1 revoked`.
impl fmt::Display for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuer = self.issuer.as_deref().unwrap_or(UNREADABLE);
        write!(f, "{issuer}, {}", self.this_update.date())?;
        if let Some(next) = self.next_update {
            write!(f, ", next {}", next.date())?;
        }
        write!(f, ", {} revoked", self.revoked)
    }
}

/// A public key: its algorithm and its size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    /// `RSA`, `EC`, `Ed25519`, or an object identifier where we know no name.
    pub algorithm: String,
    /// Bits of an RSA modulus.
    pub bits: Option<usize>,
    /// The curve of an elliptic curve key, by name or object identifier.
    pub curve: Option<String>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER (RFC 7670 section 3).
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(octets).ok()?;
        Some(Self::of(&info))
    }

    /// Reads an RSAPublicKey of PKCS #1 in DER (RFC 7296 section 3.6).
    pub fn read_rsa(octets: &[u8]) -> Option<Self> {
        let (_, key) = RSAPublicKey::from_der(octets).ok()?;
        Some(Self {
            algorithm: "RSA".into(),
            bits: Some(bits(key.modulus)),
            curve: None,
        })
    }

    fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let oid = dotted(info.algorithm.algorithm.as_bytes());
        let bits = match info.parsed() {
            Ok(ParsedKey::RSA(key)) => Some(bits(key.modulus)),
            _ => None,
        };
        let parameters = info.algorithm.parameters.as_ref();
        let curve = parameters
            .filter(|_| oid == EC)
            .and_then(|curve| der::dotted(curve.data))
            .map(|curve| curve_name(&curve).map_or(curve, str::to_owned));
        let algorithm = match oid.as_str() {
            "1.2.840.113549.1.1.1" => "RSA",
            "1.2.840.113549.1.1.10" => "RSASSA-PSS",
            "1.2.840.10040.4.1" => "DSA",
            EC => "EC",
            "1.3.101.110" => "X25519",
            "1.3.101.111" => "X448",
            // Of Ed25519, ML-DSA and SLH-DSA the key has the identifier of the signature.
            other => signature::named(other).unwrap_or(other),
        };
        Self {
            algorithm: algorithm.to_owned(),
            bits,
            curve,
        }
    }
}

/// id-ecPublicKey (RFC 5480 section 2.1.1).
const EC: &str = "1.2.840.10045.2.1";

/// `RSA 2048 bits`, `EC P-256`, `Ed25519`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        if let Some(bits) = self.bits {
            write!(f, " {bits} bits")?;
        }
        if let Some(curve) = &self.curve {
            write!(f, " {curve}")?;
        }
        Ok(())
    }
}

/// One further name of a subject (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AlternativeName {
    /// Its kind as OpenSSL writes it: `DNS`, `IP`, `email`, `URI`, `DN`, `RID` or `other`.
    pub kind: &'static str,
    /// The name.
    pub text: String,
}

impl AlternativeName {
    fn of(name: &GeneralName<'_>) -> Self {
        let (kind, text) = match name {
            GeneralName::DNSName(name) => ("DNS", printable(name.as_bytes())),
            GeneralName::RFC822Name(name) => ("email", printable(name.as_bytes())),
            GeneralName::URI(name) => ("URI", printable(name.as_bytes())),
            GeneralName::IPAddress(octets) => (
                "IP",
                address(octets)
                    .map_or_else(|| Hex(octets).to_string(), |address| address.to_string()),
            ),
            GeneralName::DirectoryName(directory) => (
                "DN",
                self::name(directory).unwrap_or_else(|| UNREADABLE.into()),
            ),
            GeneralName::RegisteredID(oid) => ("RID", dotted(oid.as_bytes())),
            GeneralName::OtherName(oid, value) => {
                let text = format!("{} {}", dotted(oid.as_bytes()), Hex(value));
                ("other", text)
            }
            GeneralName::X400Address(any) | GeneralName::EDIPartyName(any) => {
                ("other", Hex(any.data).to_string())
            }
            GeneralName::Invalid(_, octets) => ("other", Hex(octets).to_string()),
        };
        Self { kind, text }
    }
}

/// `DNS:gw.example`.
impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.text)
    }
}

/// A moment, in seconds since the Unix epoch: certificates hold to years that nanoseconds in 64 bits
/// do not reach.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Time(pub i64);

impl Time {
    fn of(time: ASN1Time) -> Self {
        Self(time.timestamp())
    }

    /// The day in UTC: `2026-01-31`.
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|c| *c != 'T').collect()
    }
}

/// RFC 3339 in UTC, to the second: `2026-01-31T23:59:59Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(time) = ASN1Time::from_timestamp(self.0) else {
            return write!(f, "{} s", self.0);
        };
        let time = time.to_datetime();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

fn name(name: &X509Name<'_>) -> Option<String> {
    der::distinguished_name(name.as_raw())
}

/// The contents of an INTEGER without the octet that only keeps it positive.
fn serial(octets: &[u8]) -> String {
    match octets {
        [0, rest @ ..] if !rest.is_empty() => Hex(rest).to_string(),
        _ => Hex(octets).to_string(),
    }
}

/// Bits of a number that is not negative.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    let Some((first, rest)) = number.get(zeros..).and_then(<[u8]>::split_first) else {
        return 0;
    };
    // An octet has 8 bits at most.
    let first = usize::try_from(u8::BITS - first.leading_zeros()).unwrap_or_default();
    rest.len().saturating_mul(8).saturating_add(first)
}

/// An object identifier in dotted form, or hex where it is none.
fn dotted(contents: &[u8]) -> String {
    der::dotted(contents).unwrap_or_else(|| Hex(contents).to_string())
}

/// The signatureAlgorithm of a certificate: what follows the part that is signed.
fn signature_algorithm(certificate: &[u8]) -> Option<String> {
    let certificate = der::Element::first(certificate, der::SEQUENCE)?;
    signature::of(certificate.children().nth(1)?)
}

/// Names of the bits, as RFC 5280 section 4.2.1.3 spells them.
fn key_usage(usage: &KeyUsage) -> Vec<&'static str> {
    [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

/// The purposes of an ExtKeyUsageSyntax.
fn purposes(extension: &[u8]) -> Vec<String> {
    let Some(purposes) = der::Element::first(extension, der::SEQUENCE) else {
        return Vec::new();
    };
    purposes
        .children()
        .map(|purpose| {
            let oid = dotted(purpose.contents);
            let name = match oid.as_str() {
                "2.5.29.37.0" => "anyExtendedKeyUsage",
                "1.3.6.1.5.5.7.3.1" => "serverAuth",
                "1.3.6.1.5.5.7.3.2" => "clientAuth",
                "1.3.6.1.5.5.7.3.3" => "codeSigning",
                "1.3.6.1.5.5.7.3.4" => "emailProtection",
                "1.3.6.1.5.5.7.3.5" => "ipsecEndSystem",
                "1.3.6.1.5.5.7.3.6" => "ipsecTunnel",
                "1.3.6.1.5.5.7.3.7" => "ipsecUser",
                "1.3.6.1.5.5.7.3.8" => "timeStamping",
                "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
                "1.3.6.1.5.5.7.3.17" => "ipsecIKE",
                "1.3.6.1.5.5.8.2.2" => "iKEIntermediate",
                _ => return oid,
            };
            name.to_owned()
        })
        .collect()
}

/// Names of curves (RFC 5480 section 2.1.1.1, RFC 5639 section 4.1).
fn curve_name(oid: &str) -> Option<&'static str> {
    let name = match oid {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.33" => "P-224",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Made with OpenSSL for this test: a P-256 key, self-signed.
    const GATEWAY: &str = "\
        308201f9308201a0a00302010202024a11300a06082a8648ce3d0403023034310b30090603550406130243483110300e \
        060355040a0c074578616d706c653113301106035504030c0a67772e6578616d706c65301e170d323631313235323231 \
        3232305a170d3336313132323232313232305a3034310b30090603550406130243483110300e060355040a0c07457861 \
        6d706c653113301106035504030c0a67772e6578616d706c653059301306072a8648ce3d020106082a8648ce3d030107 \
        034200048de1ddd96e3589e3d452a68a1ab007a7441f9dfcd488dd2b8cb47d9bf87a1e392da43f8f161d88a2b2de3448 \
        13d9686916ffe130b3838298caa9d66b87a9c110a381a130819e303d0603551d1104363034820a67772e6578616d706c \
        658704c0000201810b6f7073406578616d706c65861368747470733a2f2f67772e6578616d706c652f300e0603551d0f \
        0101ff040403020284301d0603551d250416301406082b0601050507030106082b06010505070311300f0603551d1301 \
        01ff040530030101ff301d0603551d0e041604144ef31c0d0e4248cea350a4965a700d249bf6c2f1300a06082a8648ce \
        3d040302034700304402203d62f9adf0ce52a2c4a5f7dba59c6a81d610b97a4b3a7ac8d9df6d54f641bcfd02207309f8 \
        e58e6b858b7c7f89b9065e0ec3abcf59a7cbd8c8cfee0a4ebf3fe4d0c9";

    /// Made with OpenSSL for this test: one revoked certificate, by the key of [`GATEWAY`].
    const REVOCATIONS: &str = "\
        3081e230818a020101300a06082a8648ce3d0403023034310b30090603550406130243483110300e060355040a0c0745 \
        78616d706c653113301106035504030c0a67772e6578616d706c65170d3236303330313030303030305a170d32363034 \
        30313030303030305a3015301302024a12170d3236303230313030303030305aa00e300c300a0603551d140403020107 \
        300a06082a8648ce3d040302034700304402204e4881cf0c0f8a2fcc2f6e002c111e98871b06c1edf00ceb823f51dc01 \
        95534f022005c879b499e5e0ef2e843800d592eca98b5c2baf8df39172a45f1c50563c82a7";

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octet = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16);
        digits.chunks(2).map(|pair| octet(pair).unwrap()).collect()
    }

    /// The DER of a certificate whose subject is `C=CH, O=Example, CN=gw.example`.
    pub(crate) fn gateway() -> Vec<u8> {
        octets(GATEWAY)
    }

    /// The DER of a revocation list.
    pub(crate) fn revocations() -> Vec<u8> {
        octets(REVOCATIONS)
    }

    #[test]
    fn a_certificate_tells_whose_key_it_is_and_who_says_so() {
        let read = Certificate::read(&gateway()).unwrap();
        let subject = "C=CH, O=Example, CN=gw.example";
        assert_eq!(read.subject.as_deref(), Some(subject));
        assert_eq!(read.issuer.as_deref(), Some(subject));
        assert_eq!(read.serial, "4a11");
        assert_eq!(read.not_before.to_string(), "2026-11-25T22:12:20Z");
        assert_eq!(read.not_after.to_string(), "2036-11-22T22:12:20Z");
        assert_eq!(
            list(&read.alternative_names, " "),
            "DNS:gw.example IP:192.0.2.1 email:ops@example URI:https://gw.example/"
        );
        assert_eq!(read.key.to_string(), "EC P-256");
        assert_eq!(
            Hex(&read.key_sha1).to_string(),
            "900d60450a9891c15a9003ba773a3ad8d1608612"
        );
        assert_eq!(read.signature_algorithm, "ECDSA with SHA2-256");
        assert!(read.is_ca);
        assert_eq!(read.key_usage, ["digitalSignature", "keyCertSign"]);
        assert_eq!(read.extended_key_usage, ["serverAuth", "ipsecIKE"]);
        assert_eq!(
            read.to_string(),
            format!("{subject}, issued by {subject}, 2026-11-25 to 2036-11-22, EC P-256")
        );
    }

    #[test]
    fn certificates_one_after_the_other_are_all_read() {
        let two = [gateway(), gateway(), vec![1, 2]].concat();
        assert_eq!(Certificate::read_all(&two).len(), 2);
        assert!(Certificate::read_all(&[]).is_empty());
    }

    #[test]
    fn a_revocation_list_tells_its_times_and_counts() {
        assert_eq!(
            RevocationList::read(&revocations()).unwrap().to_string(),
            "C=CH, O=Example, CN=gw.example, 2026-03-01, next 2026-04-01, 1 revoked"
        );
    }

    #[test]
    fn a_raw_key_tells_its_size() {
        let mut rsa = vec![0x30, 0x18, 2, 0x11, 0, 0xc5];
        rsa.extend([7; 15]);
        rsa.extend([2, 3, 1, 0, 1]);
        let key = PublicKey::read_rsa(&rsa).unwrap();
        assert_eq!(key.to_string(), "RSA 128 bits");
        let mut ed25519 = vec![0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
        ed25519.extend([9; 32]);
        assert_eq!(PublicKey::read(&ed25519).unwrap().to_string(), "Ed25519");
        assert_eq!(PublicKey::read(&rsa), None);
    }

    #[test]
    fn every_purpose_of_a_key_has_its_name() {
        // RFC 5280 section 4.2.1.12, RFC 4945 section 5.1.3.12, RFC 4809.
        let id_kp = [0x2b, 6, 1, 5, 5, 7, 3];
        let one = |oid: &[u8]| {
            let length = u8::try_from(oid.len()).unwrap();
            let purpose = [&[0x30, length + 2, 6, length], oid].concat();
            purposes(&purpose).concat()
        };
        let names = [
            "serverAuth",
            "clientAuth",
            "codeSigning",
            "emailProtection",
            "ipsecEndSystem",
            "ipsecTunnel",
            "ipsecUser",
            "timeStamping",
            "OCSPSigning",
            "1.3.6.1.5.5.7.3.10",
        ];
        for (number, name) in (1..).zip(names) {
            assert_eq!(one(&[&id_kp[..], &[number]].concat()), name);
        }
        assert_eq!(one(&[&id_kp[..], &[17]].concat()), "ipsecIKE");
        assert_eq!(one(&[0x2b, 6, 1, 5, 5, 8, 2, 2]), "iKEIntermediate");
        assert_eq!(one(&[0x55, 29, 37, 0]), "anyExtendedKeyUsage");
        assert!(purposes(&[2, 1, 0]).is_empty());
    }

    #[test]
    fn numbers_are_shown_and_measured_without_what_fills_them() {
        for (octets, shown) in [
            (&[0, 0x80][..], "80"),
            (&[0x4a, 0x11], "4a11"),
            (&[0], "00"),
            (&[0, 0, 1], "0001"),
        ] {
            assert_eq!(serial(octets), shown);
        }
        for (octets, size) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0, 0x80], 8),
            (&[0, 0xc5, 0, 0], 24),
            (&[1, 0, 0, 0, 0], 33),
        ] {
            assert_eq!(bits(octets), size);
        }
    }

    #[test]
    fn without_a_subject_the_other_names_stand_for_it() {
        let mut read = Certificate::read(&gateway()).unwrap();
        read.subject = Some(String::new());
        let said = read.to_string();
        assert!(
            said.starts_with("DNS:gw.example, IP:192.0.2.1, email:ops@example, URI:https://gw.example/, issued by "),
            "{said}"
        );
        read.alternative_names.clear();
        assert!(read.to_string().starts_with("no subject, issued by "));
        read.subject = None;
        assert!(!read.to_string().starts_with("no subject"));
    }

    #[test]
    fn a_certificate_larger_than_any_payload_is_not_read() {
        let fill = |octets| {
            let mut long = gateway();
            long.resize(octets, 0);
            long
        };
        let most = fill(CERTIFICATE_OCTETS);
        let read = Certificate::first(&most).unwrap();
        assert_eq!(read.1.len(), CERTIFICATE_OCTETS - gateway().len());
        assert!(Certificate::first(&fill(CERTIFICATE_OCTETS + 1)).is_none());
    }

    #[test]
    fn the_last_moment_of_the_calendar_can_be_written() {
        // RFC 5280 section 4.1.2.5: a certificate without a well-defined end.
        assert_eq!(Time(253_402_300_799).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Time(i64::MAX).date(), "9223372036854775807 s");
    }

    #[test]
    fn no_corruption_of_one_octet_stops_the_reader() {
        let (certificate, list) = (gateway(), revocations());
        for at in 0..certificate.len() {
            assert_eq!(Certificate::read(&certificate[..at]), None);
            for value in [0, 1, 0x30, 0x7f, 0x80, 0xff] {
                let mut corrupt = certificate.clone();
                corrupt[at] = value;
                if let Some(read) = Certificate::read(&corrupt) {
                    assert!(!read.to_string().is_empty());
                }
            }
        }
        for at in 0..list.len() {
            let mut corrupt = list.clone();
            corrupt[at] ^= 0xff;
            let _ = RevocationList::read(&corrupt);
            let _ = PublicKey::read(&corrupt);
        }
    }

    #[test]
    fn curves_have_the_names_of_their_rfcs() {
        for (oid, name) in [
            ("1.2.840.10045.3.1.1", "P-192"),
            ("1.2.840.10045.3.1.7", "P-256"),
            ("1.3.132.0.33", "P-224"),
            ("1.3.132.0.34", "P-384"),
            ("1.3.132.0.35", "P-521"),
            ("1.3.132.0.10", "secp256k1"),
            ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
            ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
            ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
        ] {
            assert_eq!(curve_name(oid), Some(name));
        }
        assert_eq!(curve_name("1.2.3"), None);
    }
}

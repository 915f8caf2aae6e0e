//! Payloads of IKEv2 (RFC 7296 section 3), one file each.

pub(crate) mod auth;
pub(crate) mod certificate;
pub(crate) mod configuration;
pub(crate) mod delete;
pub(crate) mod eap;
pub(crate) mod eap_method;
pub(crate) mod encrypted;
pub(crate) mod group_security_association;
pub(crate) mod identification;
pub(crate) mod key_download;
pub(crate) mod key_exchange;
pub(crate) mod notify;
pub(crate) mod notify_3gpp;
pub(crate) mod puzzle_solution;
pub(crate) mod security_association;
pub(crate) mod traffic_selector;

pub use auth::Authentication;
pub use certificate::Certificate;
pub use configuration::{Configuration, ConfigurationAttribute};
pub use delete::Delete;
pub use eap::Eap;
pub use eap_method::{Aka, Method};
pub use encrypted::{Encrypted, EncryptedFragment};
pub use group_security_association::{GroupPolicy, GroupSaPolicy, GroupSecurityAssociation};
pub use identification::Identification;
pub use key_download::{KeyBag, KeyDownload, WrappedKey};
pub use key_exchange::KeyExchange;
pub use notify::{AuthAnnouncement, Gateway, Notify, NotifyMeaning};
pub use notify_3gpp::{EmergencyNumber, Meaning3gpp};
pub use puzzle_solution::PuzzleSolution;
pub use security_association::{Proposal, SecurityAssociation, Transform};
pub use traffic_selector::{Selector, TrafficSelectors};

use super::cursor::Cursor;
use super::fault::Faults;
use super::text;
use crate::registry::PayloadType;
use alloc::vec::Vec;
use core::fmt;

/// What an IKEv2 payload holds. Which of two alike (IDi or IDr) is told by the payload's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Security Association (33).
    Sa(SecurityAssociation<'a>),
    /// Key Exchange (34).
    Ke(KeyExchange<'a>),
    /// Identification of initiator, responder or group (35, 36; 50, RFC 9838).
    Id(Identification<'a>),
    /// Certificate (37).
    Cert(Certificate<'a>),
    /// Certificate Request (38): the same layout as a certificate.
    CertReq(Certificate<'a>),
    /// Authentication (39).
    Auth(Authentication<'a>),
    /// Nonce (40).
    Nonce(&'a [u8]),
    /// Notify (41).
    Notify(Notify<'a>),
    /// Delete (42).
    Delete(Delete<'a>),
    /// Vendor ID (43).
    VendorId(&'a [u8]),
    /// Traffic Selectors, initiator or responder (44, 45).
    Ts(TrafficSelectors<'a>),
    /// Encrypted and Authenticated (46).
    Sk(Encrypted<'a>),
    /// Configuration (47).
    Cp(Configuration<'a>),
    /// Extensible Authentication (48).
    Eap(Eap<'a>),
    /// Generic Secure Password Method (49, RFC 6467): what its method laid out.
    Gspm(&'a [u8]),
    /// Group Security Association (51, RFC 9838).
    Gsa(GroupSecurityAssociation<'a>),
    /// Key Download (52, RFC 9838).
    Kd(KeyDownload<'a>),
    /// Encrypted and Authenticated Fragment (53, RFC 7383).
    Skf(EncryptedFragment<'a>),
    /// Puzzle Solution (54, RFC 8019).
    Ps(PuzzleSolution<'a>),
}

impl<'a> Body<'a> {
    /// Reads what follows the generic header of a payload: `bytes`, which stand `at` octets from the
    /// start of the message. `first_inner` is that header's Next Payload, which in SK and SKF names
    /// what is sealed.
    ///
    /// A type that we do not know is opaque, and so is a body too short to mean anything.
    pub fn read(
        kind: PayloadType,
        first_inner: PayloadType,
        bytes: &'a [u8],
        at: usize,
        faults: &mut Faults,
    ) -> super::Body<'a> {
        let cursor = &mut Cursor::new(bytes, at);
        let body = match kind {
            PayloadType::SA => Some(Self::Sa(SecurityAssociation::read(cursor, faults))),
            PayloadType::KE => KeyExchange::read(cursor, faults).map(Self::Ke),
            PayloadType::IDI | PayloadType::IDR | PayloadType::IDG => {
                Identification::read(cursor, faults).map(Self::Id)
            }
            PayloadType::CERT => Certificate::read(cursor, faults).map(Self::Cert),
            PayloadType::CERTREQ => Certificate::read_request(cursor, faults).map(Self::CertReq),
            PayloadType::AUTH => Authentication::read(cursor, faults).map(Self::Auth),
            PayloadType::NONCE => Some(Self::Nonce(cursor.rest())),
            PayloadType::NOTIFY => Notify::read(cursor, faults).map(Self::Notify),
            PayloadType::DELETE => Delete::read(cursor, faults).map(Self::Delete),
            PayloadType::VENDOR_ID => Some(Self::VendorId(cursor.rest())),
            PayloadType::TSI | PayloadType::TSR => {
                TrafficSelectors::read(cursor, faults).map(Self::Ts)
            }
            PayloadType::SK => Some(Self::Sk(Encrypted::read(first_inner, cursor))),
            PayloadType::CP => Configuration::read(cursor, faults).map(Self::Cp),
            PayloadType::EAP => Eap::read(cursor, faults).map(Self::Eap),
            PayloadType::GSPM => Some(Self::Gspm(cursor.rest())),
            PayloadType::GSA => Some(Self::Gsa(GroupSecurityAssociation::read(cursor, faults))),
            PayloadType::KD => Some(Self::Kd(KeyDownload::read(cursor, faults))),
            PayloadType::PS => Some(Self::Ps(PuzzleSolution {
                data: cursor.rest(),
            })),
            PayloadType::SKF => EncryptedFragment::read(first_inner, cursor, faults).map(Self::Skf),
            _ => None,
        };
        body.map_or(super::Body::Opaque(bytes), super::Body::V2)
    }

    /// Appends what follows the generic header. What does not fit a length field is cut.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sa(body) => body.emit(out),
            Self::Ke(body) => body.emit(out),
            Self::Id(body) => body.emit(out),
            Self::Cert(body) | Self::CertReq(body) => body.emit(out),
            Self::Auth(body) => body.emit(out),
            Self::Nonce(octets) | Self::VendorId(octets) | Self::Gspm(octets) => {
                out.extend(*octets);
            }
            Self::Gsa(body) => body.emit(out),
            Self::Kd(body) => body.emit(out),
            Self::Ps(body) => out.extend(body.data),
            Self::Notify(body) => body.emit(out),
            Self::Delete(body) => body.emit(out),
            Self::Ts(body) => body.emit(out),
            Self::Sk(body) => body.emit(out),
            Self::Cp(body) => body.emit(out),
            Self::Eap(body) => body.emit(out),
            Self::Skf(body) => body.emit(out),
        }
    }
}

/// What it holds, in a line.
impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sa(body) => body.fmt(f),
            Self::Ke(body) => body.fmt(f),
            Self::Id(body) => body.fmt(f),
            Self::Cert(body) => body.fmt(f),
            Self::CertReq(body) => {
                let count = body.authorities().len();
                let noun = if count == 1 {
                    "authority"
                } else {
                    "authorities"
                };
                write!(f, "{}, {count} {noun}", body.encoding)
            }
            Self::Auth(body) => body.fmt(f),
            Self::Nonce(octets) | Self::Gspm(octets) => write!(f, "{} octets", octets.len()),
            Self::Gsa(body) => body.fmt(f),
            Self::Kd(body) => body.fmt(f),
            Self::Ps(body) => body.fmt(f),
            Self::Notify(body) => body.fmt(f),
            Self::Delete(body) => body.fmt(f),
            // The octets alone mean little; their product is in the registry of vendor IDs.
            Self::VendorId(octets) => f.write_str(&text::brief(octets)),
            Self::Ts(body) => body.fmt(f),
            Self::Sk(body) => body.fmt(f),
            Self::Cp(body) => body.fmt(f),
            Self::Eap(body) => body.fmt(f),
            Self::Skf(body) => body.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{
        AuthMethod, CertificateEncoding, ConfigurationAttributeType, ConfigurationType, EapType,
        IdType, NotifyType, SecurityProtocol, TransformType, TsType,
    };
    use crate::wire::ikev1::{Attribute, AttributeValue};
    use proptest::prelude::*;

    fn transform(kind: TransformType, id: u16, bits: Option<u16>) -> Transform<'static> {
        let attributes = bits.map(|bits| Attribute {
            kind: 14,
            value: AttributeValue::Short(bits),
        });
        Transform::new(kind, id, attributes.into_iter().collect())
    }

    fn every_payload() -> Vec<(PayloadType, Body<'static>)> {
        let proposal = |number, spi| Proposal {
            number,
            protocol: SecurityProtocol::ESP,
            spi,
            transforms: vec![
                transform(TransformType::ENCR, 20, Some(256)),
                transform(TransformType::ADDKE1, 36, None),
                Transform::new(
                    TransformType(200),
                    7,
                    vec![Attribute {
                        kind: 99,
                        value: AttributeValue::Long(b"long"),
                    }],
                ),
            ],
        };
        let id = Identification {
            id_type: IdType::ID_FQDN,
            data: b"gw.example.com",
        };
        let certificate = Certificate {
            encoding: CertificateEncoding::X509_SIGNATURE,
            data: &[0x30; 40],
        };
        let notify = |kind, data| {
            Body::Notify(Notify {
                protocol: SecurityProtocol::ESP,
                spi: &[1, 2, 3, 4],
                kind,
                data,
            })
        };
        let selectors = TrafficSelectors {
            selectors: vec![
                Selector {
                    ts_type: TsType::TS_IPV4_ADDR_RANGE,
                    protocol: 6,
                    start_port: 80,
                    end_port: 90,
                    start: &[10, 0, 0, 1],
                    end: &[10, 0, 0, 9],
                },
                Selector {
                    ts_type: TsType::TS_IPV6_ADDR_RANGE,
                    protocol: 0,
                    start_port: 0,
                    end_port: 65535,
                    start: &[0; 16],
                    end: &[0xff; 16],
                },
                Selector {
                    ts_type: TsType::TS_SECLABEL,
                    protocol: 0,
                    start_port: 0,
                    end_port: 0,
                    start: b"label",
                    end: &[],
                },
            ],
        };
        let long = |kind, value| Attribute {
            kind,
            value: AttributeValue::Long(value),
        };
        let [source, destination] = [&[10, 0, 0, 1, 10, 0, 0, 1], &[239, 1, 1, 1, 239, 1, 1, 1]]
            .map(|octets: &'static [u8; 8]| Selector {
                ts_type: TsType::TS_IPV4_ADDR_RANGE,
                protocol: 0,
                start_port: 0,
                end_port: 65535,
                start: &octets[..4],
                end: &octets[4..],
            });
        let group_policy = |transforms| {
            GroupPolicy::Sa(GroupSaPolicy {
                protocol: SecurityProtocol::ESP,
                spi: &[1, 2, 3, 4],
                source,
                destination,
                transforms,
                attributes: vec![long(1, &[0, 0, 14, 16])],
            })
        };
        let attribute = ConfigurationAttribute::new;
        vec![
            (
                PayloadType::SA,
                Body::Sa(SecurityAssociation {
                    proposals: vec![proposal(1, &[1, 2, 3, 4]), proposal(2, &[])],
                }),
            ),
            (PayloadType::SA, Body::Sa(SecurityAssociation::default())),
            (
                PayloadType::KE,
                Body::Ke(KeyExchange {
                    group: 31,
                    data: &[5; 32],
                }),
            ),
            (PayloadType::IDI, Body::Id(id)),
            (PayloadType::IDR, Body::Id(id)),
            (PayloadType::IDG, Body::Id(id)),
            (PayloadType::CERT, Body::Cert(certificate)),
            (
                PayloadType::CERT,
                Body::Cert(Certificate {
                    encoding: CertificateEncoding::HASH_AND_URL_X509,
                    data: b"the hash of a fileX.http://pki.example/gw.der",
                }),
            ),
            (PayloadType::CERTREQ, Body::CertReq(certificate)),
            (
                PayloadType::AUTH,
                Body::Auth(Authentication {
                    method: AuthMethod::DIGITAL_SIGNATURE,
                    data: &[7, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 0xaa],
                }),
            ),
            (PayloadType::NONCE, Body::Nonce(&[9; 32])),
            (PayloadType::NOTIFY, notify(NotifyType::COOKIE, &[1, 2])),
            (PayloadType::NOTIFY, notify(NotifyType(50_000), &[])),
            (
                PayloadType::NOTIFY,
                notify(NotifyType::PPK_IDENTITY_KEY, b"\x01key7\0\0\0\0\0\0\0\0"),
            ),
            (
                PayloadType::NOTIFY,
                notify(NotifyType::ROHC_SUPPORTED, &[0x80, 1, 0, 15]),
            ),
            (
                PayloadType::NOTIFY,
                notify(NotifyType::QOS_INFO_5G, &[4, 5, 1, 9, 2]),
            ),
            (
                PayloadType::DELETE,
                Body::Delete(Delete {
                    protocol: SecurityProtocol::ESP,
                    spis: vec![&[1, 2, 3, 4], &[5, 6, 7, 8]],
                }),
            ),
            (
                PayloadType::DELETE,
                Body::Delete(Delete {
                    protocol: SecurityProtocol::IKE,
                    spis: vec![],
                }),
            ),
            (PayloadType::VENDOR_ID, Body::VendorId(b"vendor")),
            (PayloadType::VENDOR_ID, Body::VendorId(b"")),
            (PayloadType::TSI, Body::Ts(selectors.clone())),
            (PayloadType::TSR, Body::Ts(selectors)),
            (
                PayloadType::SK,
                Body::Sk(Encrypted {
                    first: PayloadType::NONE,
                    data: &[3; 48],
                }),
            ),
            (
                PayloadType::CP,
                Body::Cp(Configuration {
                    cfg_type: ConfigurationType::CFG_REPLY,
                    identifier: None,
                    attributes: vec![
                        attribute(
                            ConfigurationAttributeType::INTERNAL_IP4_ADDRESS,
                            &[10, 0, 0, 7],
                        ),
                        attribute(ConfigurationAttributeType::INTERNAL_IP4_DNS, &[]),
                        attribute(
                            ConfigurationAttributeType::ENCDNS_IP4,
                            &[0, 1, 1, 2, 192, 0, 2, 53, b'd', b'x'],
                        ),
                        attribute(
                            ConfigurationAttributeType::INTERNAL_DNSSEC_TA,
                            &[0x4f, 0x66, 8, 2, 0xe0, 0x6d],
                        ),
                    ],
                }),
            ),
            (
                PayloadType::EAP,
                Body::Eap(Eap {
                    code: Eap::RESPONSE,
                    identifier: 1,
                    eap_type: Some(EapType::EAP_AKA),
                    data: &[5, 0, 0, 14, 2, 0, 3, b'0', b'a', b'b', 0],
                }),
            ),
            (
                PayloadType::EAP,
                Body::Eap(Eap {
                    code: Eap::REQUEST,
                    identifier: 1,
                    eap_type: Some(EapType::EAP_MSCHAP_V2),
                    data: &[1, 2, 3],
                }),
            ),
            (
                PayloadType::EAP,
                Body::Eap(Eap {
                    code: Eap::SUCCESS,
                    identifier: 1,
                    eap_type: None,
                    data: &[],
                }),
            ),
            (PayloadType::GSPM, Body::Gspm(&[6; 20])),
            (
                PayloadType::GSA,
                Body::Gsa(GroupSecurityAssociation {
                    policies: vec![
                        group_policy(vec![
                            transform(TransformType::ENCR, 20, Some(256)),
                            transform(TransformType::GCAUTH, 2, None),
                        ]),
                        group_policy(vec![]),
                        GroupPolicy::GroupWide(vec![long(3, &[0, 8])]),
                    ],
                }),
            ),
            (
                PayloadType::GSA,
                Body::Gsa(GroupSecurityAssociation::default()),
            ),
            (
                PayloadType::KD,
                Body::Kd(KeyDownload {
                    bags: vec![
                        KeyBag::Group {
                            protocol: SecurityProtocol::GIKE_UPDATE,
                            spi: &[7; 16],
                            attributes: vec![long(1, &[8; 40])],
                        },
                        KeyBag::Member(vec![long(2, &[0x30; 60]), long(3, &[1])]),
                    ],
                }),
            ),
            (PayloadType::PS, Body::Ps(PuzzleSolution { data: &[2; 32] })),
            (
                PayloadType::SKF,
                Body::Skf(EncryptedFragment {
                    first: PayloadType::NONE,
                    number: 1,
                    total: 2,
                    data: &[4; 48],
                }),
            ),
        ]
    }

    fn emitted(body: &Body<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        body.emit(&mut out);
        out
    }

    fn read<'a>(
        kind: PayloadType,
        octets: &'a [u8],
        faults: &mut Faults,
    ) -> super::super::Body<'a> {
        Body::read(kind, PayloadType::NONE, octets, 0, faults)
    }

    #[test]
    fn every_type_has_a_sample() {
        let sampled: Vec<u8> = every_payload().iter().map(|(kind, _)| kind.0).collect();
        for kind in 33..=54 {
            assert!(sampled.contains(&kind), "{kind}");
        }
    }

    #[test]
    fn every_payload_reads_back_as_it_was_written() {
        for (kind, body) in every_payload() {
            let mut faults = Faults::default();
            let octets = emitted(&body);
            let again = read(kind, &octets, &mut faults);
            assert_eq!(again, super::super::Body::V2(body), "{kind}");
            assert_eq!(faults.list, [], "{kind}");
        }
    }

    #[test]
    fn a_payload_cut_short_has_a_fault_or_is_whole_in_itself() {
        for (kind, body) in every_payload() {
            let octets = emitted(&body);
            for end in 0..octets.len() {
                let cut = &octets[..end];
                let mut faults = Faults::default();
                match read(kind, cut, &mut faults) {
                    super::super::Body::V2(shorter) if faults.list.is_empty() => {
                        assert_eq!(emitted(&shorter), cut, "{kind} cut to {end}");
                    }
                    _ => assert!(!faults.list.is_empty(), "{kind} cut to {end}"),
                }
                assert!(
                    faults.list.iter().all(|fault| fault.at <= end),
                    "{kind} cut to {end}"
                );
            }
        }
    }

    #[test]
    fn every_payload_says_something() {
        for (kind, body) in every_payload() {
            assert!(!body.to_string().is_empty(), "{kind}");
        }
    }

    #[test]
    fn an_unknown_payload_keeps_its_octets() {
        let mut faults = Faults::default();
        let body = read(PayloadType(99), &[1, 2, 3], &mut faults);
        assert_eq!(body, super::super::Body::Opaque(&[1, 2, 3]));
        assert_eq!(faults.list, []);
    }

    proptest! {
        #[test]
        fn any_octets_can_be_read_said_and_written(
            kind in 33_u8..=54,
            octets in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut faults = Faults::default();
            let body = read(PayloadType(kind), &octets, &mut faults);
            if let super::super::Body::V2(body) = body {
                let again = emitted(&body);
                let mut faults = Faults::default();
                let second = read(PayloadType(kind), &again, &mut faults);
                prop_assert!(!body.to_string().is_empty());
                // What could be read of broken octets is written unbroken.
                prop_assert_eq!(second, super::super::Body::V2(body));
            }
        }
    }
}

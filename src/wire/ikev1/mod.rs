//! Payloads of IKEv1 (RFC 2408 section 3, RFC 2407, RFC 3947), one file each.

pub(crate) mod attribute;
pub(crate) mod certificate;
pub(crate) mod configuration;
pub(crate) mod delete;
pub(crate) mod fragment;
pub(crate) mod group_associated_policy;
pub(crate) mod group_security_association;
pub(crate) mod identification;
pub(crate) mod key_download;
pub(crate) mod notification;
pub(crate) mod sa_kek;
pub(crate) mod sa_tek;
pub(crate) mod security_association;

pub use attribute::{Attribute, AttributeValue};
pub use certificate::Certificate;
pub use delete::Delete;
pub use fragment::Fragment;
pub use group_associated_policy::GroupAssociatedPolicy;
pub use group_security_association::{GroupPolicy, GroupSecurityAssociation};
pub use identification::Identification;
pub use key_download::{KeyDownload, KeyPacket};
pub use notification::{Meaning as NotificationMeaning, Notification};
pub use sa_kek::{GroupIdentity, SaKek};
pub use sa_tek::{IpsecTek, SaTek, TekPolicy};
pub use security_association::{Proposal, SecurityAssociation, Transform};

use crate::registry::{IdType, PayloadType};
use crate::wire;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::ikev2::Configuration;
use crate::wire::text::brief;
use alloc::vec::Vec;
use core::fmt;

/// What an IKEv1 payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Security Association (1), with the Proposal (2) and Transform (3) payloads inside.
    Sa(SecurityAssociation<'a>),
    /// Security Association (1) of GDOI, with the policies of a group inside (RFC 6407).
    GroupSa(GroupSecurityAssociation<'a>),
    /// Key Exchange (4).
    Ke(&'a [u8]),
    /// Identification (5).
    Id(Identification<'a>),
    /// Certificate (6).
    Cert(Certificate<'a>),
    /// Certificate Request (7).
    CertReq(Certificate<'a>),
    /// Hash (8).
    Hash(&'a [u8]),
    /// Signature (9).
    Sig(&'a [u8]),
    /// Nonce (10).
    Nonce(&'a [u8]),
    /// Notification (11).
    Notify(Notification<'a>),
    /// Delete (12).
    Delete(Delete<'a>),
    /// Vendor ID (13).
    VendorId(&'a [u8]),
    /// Attributes of mode config and XAuth (14, draft-ietf-ipsec-isakmp-mode-cfg).
    Attributes(Configuration<'a>),
    /// SA KEK (15, RFC 6407). It belongs inside an SA payload of GDOI.
    SaKek(SaKek<'a>),
    /// SA TEK (16, RFC 6407). It belongs inside an SA payload of GDOI.
    SaTek(SaTek<'a>),
    /// Key Download (17, RFC 6407).
    KeyDownload(KeyDownload<'a>),
    /// Sequence Number (18, RFC 6407 section 5.7): four octets, of the last rekey message.
    SequenceNumber(u32),
    /// Proof of Possession (19, RFC 3547 section 5.7): a hash that is signed.
    ProofOfPossession(&'a [u8]),
    /// Group Associated Policy (22, RFC 6407).
    GroupAssociatedPolicy(GroupAssociatedPolicy<'a>),
    /// NAT-D (20; 130 in drafts): the hash of an address and a port (RFC 3947 section 3.2).
    NatD(&'a [u8]),
    /// NAT-OA (21; 131 in drafts): an address before translation (RFC 3947 section 5.2).
    NatOa(Identification<'a>),
    /// Fragment (132, Cisco and Microsoft).
    Fragment(Fragment<'a>),
}

impl<'a> Body<'a> {
    /// Reads what follows the generic header of a payload of this kind, `at` octets from the start
    /// of the message.
    pub fn read(
        kind: PayloadType,
        bytes: &'a [u8],
        at: usize,
        faults: &mut Faults,
    ) -> wire::Body<'a> {
        let cursor = &mut Cursor::new(bytes, at);
        let body = match kind {
            PayloadType::SA_V1 if GroupSecurityAssociation::is_at(*cursor) => {
                GroupSecurityAssociation::read(cursor, faults).map(Self::GroupSa)
            }
            PayloadType::SA_V1 => SecurityAssociation::read(cursor, faults).map(Self::Sa),
            PayloadType::KE_V1 => Some(Self::Ke(bytes)),
            PayloadType::ID_V1 => Identification::read(cursor, faults).map(Self::Id),
            PayloadType::CERT_V1 => Certificate::read(cursor, faults).map(Self::Cert),
            PayloadType::CERTREQ_V1 => Certificate::read(cursor, faults).map(Self::CertReq),
            PayloadType::HASH_V1 => Some(Self::Hash(bytes)),
            PayloadType::SIG_V1 => Some(Self::Sig(bytes)),
            PayloadType::NONCE_V1 => Some(Self::Nonce(bytes)),
            PayloadType::NOTIFY_V1 => Notification::read(cursor, faults).map(Self::Notify),
            PayloadType::DELETE_V1 => Delete::read(cursor, faults).map(Self::Delete),
            PayloadType::VENDOR_ID_V1 => Some(Self::VendorId(bytes)),
            PayloadType::ATTRIBUTES_V1 => configuration::read(cursor, faults).map(Self::Attributes),
            PayloadType::NAT_D_V1 | PayloadType::NAT_D_DRAFT_V1 => Some(Self::NatD(bytes)),
            PayloadType::NAT_OA_V1 | PayloadType::NAT_OA_DRAFT_V1 => {
                Identification::read(cursor, faults).map(Self::NatOa)
            }
            NAT_D_DRAFT_00 if is_hash(bytes) => Some(Self::NatD(bytes)),
            NAT_OA_DRAFT_00 if is_address(bytes) => {
                Identification::read(cursor, faults).map(Self::NatOa)
            }
            PayloadType::SAK_V1 => SaKek::read(cursor, faults).map(Self::SaKek),
            PayloadType::SAT_V1 => SaTek::read(cursor, faults).map(Self::SaTek),
            PayloadType::KD_V1 => KeyDownload::read(cursor, faults).map(Self::KeyDownload),
            PayloadType::SEQ_V1 => sequence_number(cursor, faults).map(Self::SequenceNumber),
            PayloadType::POP_V1 => Some(Self::ProofOfPossession(bytes)),
            PayloadType::GAP_V1 => Some(Self::GroupAssociatedPolicy(GroupAssociatedPolicy::read(
                cursor, faults,
            ))),
            PayloadType::FRAGMENT_V1 => Fragment::read(cursor, faults).map(Self::Fragment),
            _ => None,
        };
        body.map_or(wire::Body::Opaque(bytes), wire::Body::V1)
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sa(sa) => sa.emit(out),
            Self::GroupSa(sa) => sa.emit(out),
            Self::SaKek(kek) => kek.emit(out),
            Self::SaTek(tek) => tek.emit(out),
            Self::KeyDownload(keys) => keys.emit(out),
            Self::SequenceNumber(number) => out.extend(number.to_be_bytes()),
            Self::GroupAssociatedPolicy(policy) => policy.emit(out),
            Self::Id(id) | Self::NatOa(id) => id.emit(out),
            Self::Cert(certificate) | Self::CertReq(certificate) => certificate.emit(out),
            Self::Notify(notification) => notification.emit(out),
            Self::Delete(delete) => delete.emit(out),
            Self::Attributes(attributes) => configuration::emit(attributes, out),
            Self::Fragment(fragment) => fragment.emit(out),
            Self::Ke(octets)
            | Self::Hash(octets)
            | Self::Sig(octets)
            | Self::Nonce(octets)
            | Self::VendorId(octets)
            | Self::ProofOfPossession(octets)
            | Self::NatD(octets) => out.extend(*octets),
        }
    }
}

/// What it holds, in a line.
impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sa(body) => body.fmt(f),
            Self::GroupSa(body) => body.fmt(f),
            Self::SaKek(body) => body.fmt(f),
            Self::SaTek(body) => body.fmt(f),
            Self::KeyDownload(body) => body.fmt(f),
            Self::SequenceNumber(number) => number.fmt(f),
            Self::GroupAssociatedPolicy(body) => body.fmt(f),
            Self::Id(body) | Self::NatOa(body) => body.fmt(f),
            Self::Cert(body) => body.fmt(f),
            Self::CertReq(body) => f.write_str(&body.request()),
            Self::Notify(body) => body.fmt(f),
            Self::Delete(body) => body.fmt(f),
            Self::Attributes(body) => body.fmt(f),
            Self::Fragment(body) => body.fmt(f),
            Self::Ke(octets)
            | Self::Hash(octets)
            | Self::Sig(octets)
            | Self::Nonce(octets)
            | Self::ProofOfPossession(octets)
            | Self::NatD(octets) => write!(f, "{} octets", octets.len()),
            // The octets alone mean little; their product is in the registry of vendor IDs.
            Self::VendorId(octets) => f.write_str(&brief(octets)),
        }
    }
}

/// NAT-D in draft-ietf-ipsec-nat-t-ike-00; GDOI later took the number for its KEK (RFC 6407).
pub(crate) const NAT_D_DRAFT_00: PayloadType = PayloadType(15);

/// NAT-OA in draft-ietf-ipsec-nat-t-ike-00; GDOI later took the number for its TEK (RFC 6407).
const NAT_OA_DRAFT_00: PayloadType = PayloadType(16);

/// Whether it has the length of a hash: MD5, SHA-1, SHA-256, SHA-384 or SHA-512.
///
/// An SA KEK belongs inside an SA payload, where the DOI tells it; one that stands beside it all the
/// same is told by its length. Its fixed fields have 29 octets, and addresses and attributes come in
/// fours, so it never has that of a hash.
fn is_hash(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 16 | 20 | 32 | 48 | 64)
}

/// Whether it is an address as NAT-OA carries it: ID_IPV4_ADDR or ID_IPV6_ADDR, three reserved
/// octets, the address.
fn is_address(bytes: &[u8]) -> bool {
    const ID_IPV4_ADDR: u8 = IdType::ID_IPV4_ADDR.0;
    const ID_IPV6_ADDR: u8 = IdType::ID_IPV6_ADDR.0;
    matches!(
        (bytes, bytes.len()),
        ([ID_IPV4_ADDR, 0, 0, 0, ..], 8) | ([ID_IPV6_ADDR, 0, 0, 0, ..], 20)
    )
}

/// The four octets of a Sequence Number payload (RFC 6407 section 5.7).
fn sequence_number(cursor: &mut Cursor<'_>, faults: &mut Faults) -> Option<u32> {
    faults.require(cursor, 4, "Sequence Number payload")?;
    let number = cursor.u32()?;
    faults.expect_end(cursor);
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::gdoi::{KeyDownloadType, TekProtocol};
    use proptest::prelude::*;

    fn read(kind: u8, bytes: &[u8]) -> (wire::Body<'_>, usize) {
        let mut faults = Faults::default();
        let body = Body::read(PayloadType(kind), bytes, 0, &mut faults);
        (body, faults.list.len())
    }

    #[test]
    fn every_number_of_nat_d_reads_alike() {
        for kind in [15, 20, 130] {
            let hash = [7; 20];
            assert_eq!(read(kind, &hash), (wire::Body::V1(Body::NatD(&hash)), 0));
        }
    }

    #[test]
    fn every_number_of_nat_oa_reads_alike() {
        for kind in [16, 21, 131] {
            let (body, faults) = read(kind, &[1, 0, 0, 0, 192, 0, 2, 1]);
            let wire::Body::V1(Body::NatOa(original)) = body else {
                panic!("{body:?}");
            };
            assert_eq!((original.data, faults), (&[192, 0, 2, 1][..], 0));
        }
    }

    /// A sample of every payload of GDOI.
    fn every_gdoi_payload() -> Vec<(PayloadType, Body<'static>)> {
        let short = |kind, value| Attribute {
            kind,
            value: AttributeValue::Short(value),
        };
        let [source, destination] = [(0, &[10, 0, 0, 1]), (848, &[239, 1, 1, 1])].map(
            |(port, data): (u16, &'static [u8; 4])| GroupIdentity {
                id_type: IdType::ID_IPV4_ADDR,
                port,
                data,
            },
        );
        let kek = SaKek {
            protocol: 17,
            source,
            destination,
            spi: [7; 16],
            pop_algorithm: 1,
            pop_key_length: 1024,
            attributes: vec![short(2, 3), short(3, 128)],
        };
        let tek = |protocol, policy| SaTek { protocol, policy };
        let esp = tek(
            TekProtocol::GDOI_PROTO_IPSEC_ESP,
            TekPolicy::Ipsec(IpsecTek {
                ip_protocol: 0,
                source,
                destination,
                transform_id: 12,
                spi: [1, 2, 3, 4],
                attributes: vec![short(6, 256), short(5, 5)],
            }),
        );
        let iec = tek(
            TekProtocol::GDOI_PROTO_IEC_61850,
            TekPolicy::Opaque(&[1, 2, 3]),
        );
        let gap = GroupAssociatedPolicy {
            attributes: vec![short(1, 5)],
        };
        let sa = |policies| {
            Body::GroupSa(GroupSecurityAssociation {
                situation: 0,
                policies,
            })
        };
        let packet = |kind, attributes| KeyPacket {
            kind,
            spi: &[1, 2, 3, 4],
            attributes,
        };
        let long = |kind, value| Attribute {
            kind,
            value: AttributeValue::Long(value),
        };
        vec![
            (
                PayloadType::SA_V1,
                sa(vec![
                    GroupPolicy::Kek(kek.clone()),
                    GroupPolicy::Gap(gap.clone()),
                    GroupPolicy::Tek(esp.clone()),
                    GroupPolicy::Tek(iec.clone()),
                ]),
            ),
            (PayloadType::SA_V1, sa(vec![GroupPolicy::Tek(esp.clone())])),
            (PayloadType::SAK_V1, Body::SaKek(kek)),
            (PayloadType::SAT_V1, Body::SaTek(esp)),
            (PayloadType::SAT_V1, Body::SaTek(iec)),
            (
                PayloadType::KD_V1,
                Body::KeyDownload(KeyDownload {
                    packets: vec![
                        packet(KeyDownloadType::TEK, vec![long(1, &[9; 32])]),
                        packet(KeyDownloadType::SID, vec![short(1, 8), long(2, &[1])]),
                    ],
                }),
            ),
            (PayloadType::SEQ_V1, Body::SequenceNumber(7)),
            (PayloadType::POP_V1, Body::ProofOfPossession(&[3; 20])),
            (PayloadType::GAP_V1, Body::GroupAssociatedPolicy(gap)),
        ]
    }

    fn emitted(body: &Body<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        body.emit(&mut out);
        out
    }

    #[test]
    fn every_payload_of_gdoi_reads_back_as_it_was_written_and_says_something() {
        for (kind, body) in every_gdoi_payload() {
            let octets = emitted(&body);
            assert!(!body.to_string().is_empty(), "{kind}");
            assert_eq!(read(kind.0, &octets), (wire::Body::V1(body), 0), "{kind}");
        }
    }

    #[test]
    fn a_payload_of_gdoi_cut_short_has_a_fault_or_is_whole_in_itself() {
        for (kind, body) in every_gdoi_payload() {
            let octets = emitted(&body);
            for end in 0..octets.len() {
                let cut = &octets[..end];
                match read(kind.0, cut) {
                    (wire::Body::V1(shorter), 0) => {
                        assert_eq!(emitted(&shorter), cut, "{kind} cut to {end}");
                    }
                    (_, faults) => assert!(faults > 0, "{kind} cut to {end}"),
                }
            }
        }
    }

    #[test]
    fn the_domain_tells_what_15_and_16_mean_inside_an_sa() {
        // As long as a hash, and as an address with its type: NAT traversal beside an SA, never in
        // one.
        let tek = [1; 20];
        let octets = [
            &[0, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 24][..],
            &tek,
        ]
        .concat();
        let (body, _) = read(1, &octets);
        assert!(matches!(body, wire::Body::V1(Body::GroupSa(_))), "{body:?}");
        assert_eq!(read(15, &tek), (wire::Body::V1(Body::NatD(&tek)), 0));
    }

    proptest! {
        #[test]
        fn any_octets_can_be_read_as_gdoi_said_and_written(
            kind in prop_oneof![Just(1_u8), 15_u8..=19, Just(22)],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
            first in 15_u8..=22,
        ) {
            let mut octets = rest;
            if kind == 1 {
                octets.splice(0..0, [0, 0, 0, 2, 0, 0, 0, 0, 0, first, 0, 0]);
            }
            if let (wire::Body::V1(body), _) = read(kind, &octets) {
                let again = emitted(&body);
                prop_assert!(!body.to_string().is_empty());
                prop_assert_eq!(read(kind, &again).0, wire::Body::V1(body));
            }
        }
    }

    #[test]
    fn an_unknown_kind_is_kept_without_a_fault_and_a_short_body_with_one() {
        assert_eq!(read(77, &[1, 2]), (wire::Body::Opaque(&[1, 2]), 0));
        for kind in [1, 5, 6, 7, 11, 12, 14, 15, 16, 17, 18, 21, 131, 132] {
            assert_eq!(read(kind, &[]), (wire::Body::Opaque(&[]), 1), "{kind}");
        }
    }
}

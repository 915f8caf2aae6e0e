//! Payloads of IKEv1 (RFC 2408 section 3, RFC 2407, RFC 3947), one file each.

pub mod attribute;
pub mod certificate;
pub mod configuration;
pub mod delete;
pub mod fragment;
pub mod identification;
pub mod notification;
pub mod security_association;

pub use attribute::{Attribute, AttributeValue};
pub use certificate::Certificate;
pub use delete::Delete;
pub use fragment::Fragment;
pub use identification::Identification;
pub use notification::Notification;
pub use security_association::{Proposal, SecurityAssociation, Transform};

use crate::registry::{IdType, PayloadType};
use crate::wire;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::ikev2::Configuration;
use crate::wire::text::brief;
use std::fmt;

/// What an IKEv1 payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Security Association (1), with the Proposal (2) and Transform (3) payloads inside.
    Sa(SecurityAssociation<'a>),
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
            PayloadType::FRAGMENT_V1 => Fragment::read(cursor, faults).map(Self::Fragment),
            _ => None,
        };
        body.map_or(wire::Body::Opaque(bytes), wire::Body::V1)
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sa(sa) => sa.emit(out),
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
            | Self::NatD(octets) => out.extend(*octets),
        }
    }
}

/// What it holds, in a line.
impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sa(body) => body.fmt(f),
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
            | Self::NatD(octets) => write!(f, "{} octets", octets.len()),
            // The octets alone mean little; their product is in the registry of vendor IDs.
            Self::VendorId(octets) => f.write_str(&brief(octets)),
        }
    }
}

/// NAT-D in draft-ietf-ipsec-nat-t-ike-00; GDOI later took the number for its KEK (RFC 6407).
const NAT_D_DRAFT_00: PayloadType = PayloadType(15);

/// NAT-OA in draft-ietf-ipsec-nat-t-ike-00; GDOI later took the number for its TEK (RFC 6407).
const NAT_OA_DRAFT_00: PayloadType = PayloadType(16);

/// Whether it has the length of a hash: MD5, SHA-1, SHA-256, SHA-384 or SHA-512. The keys of GDOI
/// come with two identities and a policy and are longer.
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_keys_of_gdoi_are_not_taken_for_nat_traversal() {
        for kind in [15, 16] {
            let key = [1; 40];
            assert_eq!(read(kind, &key), (wire::Body::Opaque(&key), 0));
        }
    }

    #[test]
    fn an_unknown_kind_is_kept_without_a_fault_and_a_short_body_with_one() {
        assert_eq!(read(77, &[1, 2]), (wire::Body::Opaque(&[1, 2]), 0));
        for kind in [1, 5, 6, 7, 11, 12, 14, 21, 131, 132] {
            assert_eq!(read(kind, &[]), (wire::Body::Opaque(&[]), 1), "{kind}");
        }
    }
}

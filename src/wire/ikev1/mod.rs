//! Payloads of IKEv1 (RFC 2408 section 3, RFC 2407, RFC 3947), one file each.

pub mod attribute;
pub mod certificate;
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

use crate::wire::ikev2::Configuration;

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

//! Payloads of IKEv2 (RFC 7296 section 3), one file each.

pub mod auth;
pub mod certificate;
pub mod configuration;
pub mod delete;
pub mod eap;
pub mod encrypted;
pub mod identification;
pub mod key_exchange;
pub mod notify;
pub mod security_association;
pub mod traffic_selector;

pub use auth::Authentication;
pub use certificate::Certificate;
pub use configuration::{Configuration, ConfigurationAttribute};
pub use delete::Delete;
pub use eap::Eap;
pub use encrypted::{Encrypted, EncryptedFragment};
pub use identification::Identification;
pub use key_exchange::KeyExchange;
pub use notify::Notify;
pub use security_association::{Proposal, SecurityAssociation, Transform};
pub use traffic_selector::{Selector, TrafficSelectors};

/// What an IKEv2 payload holds. Which of two alike (IDi or IDr) is told by the payload's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Security Association (33).
    Sa(SecurityAssociation<'a>),
    /// Key Exchange (34).
    Ke(KeyExchange<'a>),
    /// Identification, initiator or responder (35, 36).
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
    /// Encrypted and Authenticated Fragment (53, RFC 7383).
    Skf(EncryptedFragment<'a>),
}

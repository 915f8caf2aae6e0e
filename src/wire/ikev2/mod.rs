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

impl<'a> Body<'a> {
    /// Stub.
    pub fn read(
        kind: crate::registry::PayloadType,
        first_inner: crate::registry::PayloadType,
        bytes: &'a [u8],
        at: usize,
        faults: &mut crate::wire::fault::Faults,
    ) -> crate::wire::Body<'a> {
        use crate::registry::{NotifyType, PayloadType, SecurityProtocol};
        let mut cursor = crate::wire::cursor::Cursor::new(bytes, at);
        let mut body = || {
            Some(match kind {
                PayloadType::KE => {
                    let group = cursor.u16()?;
                    cursor.u16()?;
                    Self::Ke(KeyExchange {
                        group,
                        data: cursor.rest(),
                    })
                }
                PayloadType::NONCE => Self::Nonce(bytes),
                PayloadType::VENDOR_ID => Self::VendorId(bytes),
                PayloadType::NOTIFY => {
                    let protocol = SecurityProtocol(cursor.u8()?);
                    let size = usize::from(cursor.u8()?);
                    let kind = NotifyType(cursor.u16()?);
                    let spi = cursor.take(size)?;
                    Self::Notify(Notify {
                        protocol,
                        spi,
                        kind,
                        data: cursor.rest(),
                    })
                }
                PayloadType::SK => Self::Sk(Encrypted {
                    first: first_inner,
                    data: bytes,
                }),
                PayloadType::SKF => {
                    let number = cursor.u16()?;
                    let total = cursor.u16()?;
                    Self::Skf(EncryptedFragment {
                        first: first_inner,
                        number,
                        total,
                        data: cursor.rest(),
                    })
                }
                _ => return None,
            })
        };
        let _ = faults;
        body().map_or(crate::wire::Body::Opaque(bytes), crate::wire::Body::V2)
    }

    /// Stub.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ke(ke) => {
                out.extend(ke.group.to_be_bytes());
                out.extend([0, 0]);
                out.extend(ke.data);
            }
            Self::Nonce(data) | Self::VendorId(data) => out.extend(*data),
            Self::Notify(notify) => {
                out.extend([notify.protocol.0, notify.spi.len() as u8]);
                out.extend(notify.kind.0.to_be_bytes());
                out.extend(notify.spi);
                out.extend(notify.data);
            }
            Self::Sk(sk) => out.extend(sk.data),
            Self::Skf(skf) => {
                out.extend(skf.number.to_be_bytes());
                out.extend(skf.total.to_be_bytes());
                out.extend(skf.data);
            }
            _ => {}
        }
    }
}

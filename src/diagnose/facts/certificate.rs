//! Certificates that were sent, and authorities that were asked for, as far as they can be read.

use crate::diagnose::Cite;
use crate::model::{Flight, IkeSaId, Model, Role};
use crate::registry::{CertificateEncoding, ExchangeType};
use crate::wire::certificate::Content;
use crate::wire::x509::{Certificate, Time};
use crate::wire::{Body, ikev1, ikev2};

/// A certificate and the message that brought it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The certificate.
    pub certificate: Certificate,
    /// The message.
    pub at: Cite,
}

impl Sent {
    /// Whether it did not hold when it was sent.
    pub fn is_out_of_date(&self) -> bool {
        let now = Time(self.at.1.0.div_euclid(1_000_000_000));
        // A recording without times tells nothing.
        now.0 > 0 && (self.certificate.not_after < now || self.certificate.not_before > now)
    }
}

/// The certificates that a side sent while an IKE SA was set up, in order.
pub fn sent(model: &Model, ike_sa: IkeSaId, by: Role) -> Vec<Sent> {
    let mut found = Vec::new();
    for flight in flights(model, ike_sa, by) {
        let Some((message, read)) = model.readable(flight) else {
            continue;
        };
        for payload in &read.payloads {
            let content = match &payload.body {
                Body::V2(ikev2::Body::Cert(cert)) => Content::read(cert.encoding, cert.data),
                Body::V1(ikev1::Body::Cert(cert)) => Content::read(cert.encoding, cert.data),
                _ => None,
            };
            let certificates = match content {
                Some(Content::Certificate(one)) => vec![*one],
                Some(Content::Bundle(all)) => all,
                _ => Vec::new(),
            };
            found.extend(certificates.into_iter().map(|certificate| Sent {
                certificate,
                at: (message.frame, message.time),
            }));
        }
    }
    found
}

/// The authorities whose certificates a side of IKEv2 asks for: hashes of their keys (RFC 7296
/// section 3.7).
pub fn authorities(model: &Model, ike_sa: IkeSaId, by: Role) -> Vec<[u8; 20]> {
    let mut found = Vec::new();
    for flight in flights(model, ike_sa, by) {
        let Some((_, read)) = model.readable(flight) else {
            continue;
        };
        for payload in &read.payloads {
            if let Body::V2(ikev2::Body::CertReq(request)) = &payload.body
                && request.encoding == CertificateEncoding::X509_SIGNATURE
            {
                found.extend(request.data.as_chunks().0);
            }
        }
    }
    found
}

fn flights(model: &Model, ike_sa: IkeSaId, by: Role) -> impl Iterator<Item = &Flight> {
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    exchanges
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT
                    | ExchangeType::IKE_AUTH
                    | ExchangeType::IDENTITY_PROTECTION
                    | ExchangeType::AGGRESSIVE
            )
        })
        .flat_map(|exchange| &exchange.flights)
        .filter(move |flight| flight.by == by)
}

//! Certificates that were sent, and authorities that were asked for, as far as they can be read.

use crate::diagnose::Cite;
use crate::model::{Flight, IkeSaId, Model, Role};
use crate::registry::{CertificateEncoding, ExchangeType, IdType, PayloadType};
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
        let now = self.sent_at();
        // A recording without times tells nothing.
        now.0 > 0 && (self.certificate.not_after < now || self.certificate.not_before > now)
    }

    /// Whether it holds only from a later day on.
    pub fn is_early(&self) -> bool {
        self.certificate.not_before > self.sent_at()
    }

    fn sent_at(&self) -> Time {
        Time(self.at.1.0.div_euclid(1_000_000_000))
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

/// The certificate of a side itself: that of no authority, or the first; a bundle has no order.
pub fn own(sent: &[Sent]) -> Option<&Sent> {
    sent.get(place_of_own(sent))
}

fn place_of_own(sent: &[Sent]) -> usize {
    let own = sent.iter().position(|one| !one.certificate.is_ca);
    own.unwrap_or(0)
}

/// Whether a certificate bears the identity of the side that sent it, as subject or as a further name (RFC 4945
/// section 3.1); the common name counts as well, since some peers take it. `None` if no identity was read that
/// a certificate can bear.
pub fn bears_identity(
    model: &Model,
    ike_sa: IkeSaId,
    by: Role,
    certificate: &Certificate,
) -> Option<bool> {
    let mut flights = flights(model, ike_sa, by);
    let (kind, identity) = flights.find_map(|flight| {
        let (_, read) = model.readable(flight)?;
        read.payloads
            .iter()
            .find_map(|payload| match &payload.body {
                // An initiator of IKEv2 also says whom it wants.
                Body::V2(ikev2::Body::Id(id))
                    if by == Role::Responder || payload.kind == PayloadType::IDI =>
                {
                    Some((id.id_type, id.text()?))
                }
                Body::V1(ikev1::Body::Id(id)) => Some((id.id_type, id.text()?)),
                _ => None,
            })
    })?;
    // An authority that another one stands for is not the side itself, whose certificate was not read.
    if certificate.is_ca && certificate.issuer != certificate.subject {
        return None;
    }
    let subject = certificate.subject.as_deref().unwrap_or_default();
    // Case and runs of blanks do not count (RFC 5280 section 7.1).
    let same = |one: &str, other: &str| {
        let words = |text: &str| {
            text.to_lowercase()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        words(one) == words(other)
    };
    let further = |kind: &str| {
        let mut names = certificate.alternative_names.iter();
        names.any(|name| name.kind == kind && same(&name.text, &identity))
    };
    // A wildcard stands for one label, the leftmost (RFC 6125 section 6.4.3).
    let any_host = || {
        let (_, domain) = identity.split_once('.')?;
        let mut names = certificate.alternative_names.iter();
        names.find(|name| {
            let stem = name.text.strip_prefix("*.");
            name.kind == "DNS" && stem.is_some_and(|stem| stem.eq_ignore_ascii_case(domain))
        })
    };
    let common = || {
        let mut parts = subject
            .split(", ")
            .filter_map(|part| part.strip_prefix("CN="));
        parts.any(|part| part.eq_ignore_ascii_case(&identity))
    };
    match kind {
        IdType::ID_DER_ASN1_DN => Some(same(subject, &identity) || further("DN")),
        IdType::ID_FQDN => Some(further("DNS") || common() || any_host().is_some()),
        IdType::ID_RFC822_ADDR => Some(further("email") || common()),
        IdType::ID_IPV4_ADDR | IdType::ID_IPV6_ADDR => Some(further("IP") || common()),
        _ => None,
    }
}

/// The last certificate of the chain that begins with a side's own, of those that were sent, and who issued it,
/// if that is another: there the chain breaks off, unless the other side has the rest.
pub fn missing_issuer<'s>(sent: &'s [Sent], own: &'s Sent) -> Option<(&'s Sent, &'s str)> {
    let mut last = own;
    for _ in 0..DEPTH {
        let Certificate {
            subject, issuer, ..
        } = &last.certificate;
        let issuer = issuer.as_ref().filter(|issuer| !issuer.is_empty())?;
        // Who issues to itself is at the top.
        if subject.as_ref() == Some(issuer) {
            return None;
        }
        let is_its = |one: &&Sent| one.certificate.subject.as_ref() == Some(issuer);
        match sent.iter().find(is_its) {
            Some(next) => last = next,
            None => return Some((last, issuer)),
        }
    }
    None
}

/// Those certificates of a side that are out of date and needed: its own, which comes first (RFC 7296
/// section 3.6), and those of the authorities above it that no other certificate stands for.
pub fn out_of_date(sent: Vec<Sent>) -> Vec<Sent> {
    let mut issuers: Vec<String> = Vec::new();
    let own = place_of_own(&sent);
    let mut next = sent.get(own);
    // Each step goes to an authority that was not passed before.
    while let Some(issuer) = next.and_then(|one| one.certificate.issuer.clone())
        && !issuers.contains(&issuer)
        && issuers.len() < DEPTH
    {
        let is_its = |one: &&Sent| one.certificate.subject.as_ref() == Some(&issuer);
        next = sent
            .iter()
            .find(|one| is_its(one) && !one.is_out_of_date())
            .or_else(|| sent.iter().find(is_its));
        issuers.push(issuer);
    }
    let holds: Vec<Option<String>> = sent
        .iter()
        .filter(|one| !one.is_out_of_date())
        .map(|one| one.certificate.subject.clone())
        .collect();
    let mut index = 0;
    let mut bad = sent;
    bad.retain(|one| {
        let is_own = index == own;
        index += 1;
        let subject = &one.certificate.subject;
        let needed = subject
            .as_ref()
            .is_some_and(|subject| issuers.contains(subject))
            && !holds.contains(subject);
        one.is_out_of_date() && (is_own || needed)
    });
    bad
}

/// No chain in use has more certificates than these.
const DEPTH: usize = 16;

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

/// The first message in which a side of IKEv2 asks for certificates of authorities.
pub fn asked_in(model: &Model, ike_sa: IkeSaId, by: Role) -> Option<Cite> {
    flights(model, ike_sa, by).find_map(|flight| {
        let (message, read) = model.readable(flight)?;
        read.payload(PayloadType::CERTREQ)?;
        Some((message.frame, message.time))
    })
}

/// IKEv2: whether the responder asks for a certificate in its answer to the first message, which is in
/// clear; `None` if that was not seen.
pub fn is_asked_for(model: &Model, ike_sa: IkeSaId) -> Option<bool> {
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let begins = exchanges.filter(|exchange| exchange.kind == ExchangeType::IKE_SA_INIT);
    // An answer that asks for a cookie or another group has nothing else.
    let mut answers = begins.filter_map(|begin| Some(model.readable(begin.response()?)?.1));
    let agreed = answers.find(|read| read.payload(PayloadType::SA).is_some())?;
    Some(agreed.payload(PayloadType::CERTREQ).is_some())
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

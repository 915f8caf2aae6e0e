//! Offers and choices as messages give them.

use super::value::{Algorithm, Value};
use super::{Kind, Offer, Proposal};
use crate::diagnose::{Case, Cite};
use crate::model::{ExchangeId, Flight, IkeSa, Model, Plain, negotiation};
use crate::registry::ikev1::{EncapsulationMode, Phase2Attribute};
use crate::registry::{NotifyType, PayloadType, SecurityProtocol, TransformType};
use crate::wire::{self, ikev1, ikev2};
use std::net::IpAddr;

/// The offer of the first message of an IKE SA that carries one, with where it is.
pub fn offered(model: &Model, sa: &IkeSa) -> Option<(Offer, Cite)> {
    let first = sa.exchanges.first()?;
    in_exchange(model, *first, false)
}

/// The choice that the responder sent back.
pub fn accepted(model: &Model, sa: &IkeSa) -> Option<(Offer, Cite)> {
    sa.exchanges
        .iter()
        .find_map(|exchange| in_exchange(model, *exchange, true))
}

/// Whether the responder sent back its choice in an exchange.
pub fn is_accepted(model: &Model, exchange: ExchangeId) -> bool {
    in_exchange(model, exchange, true).is_some()
}

fn in_exchange(model: &Model, exchange: ExchangeId, response: bool) -> Option<(Offer, Cite)> {
    let exchange = &model.exchanges[exchange];
    exchange
        .flights
        .iter()
        .filter(|flight| (flight.by != exchange.by) == response)
        .filter_map(Flight::message)
        .map(|id| &model.messages[id])
        .filter(|message| message.plain == Plain::Clear)
        .find_map(|message| {
            let kind = match message.header.version.major() {
                1 => PayloadType::SA_V1,
                _ => PayloadType::SA,
            };
            let mut payloads = message.payloads_of(kind);
            let offer = payloads.find_map(|payload| match &payload.body {
                wire::Body::V2(ikev2::Body::Sa(sa)) => Some(v2(sa)),
                wire::Body::V1(ikev1::Body::Sa(sa)) => Some(v1(sa)),
                _ => None,
            })?;
            Some((offer, (message.frame, message.time)))
        })
}

/// The algorithms that an opened message offers for a child SA, or chose.
pub fn of_child(model: &Model, flight: &Flight) -> Option<Offer> {
    let (_, read) = model.opened(flight)?;
    let asked = read
        .payloads
        .iter()
        .find_map(|payload| match &payload.body {
            wire::Body::V2(ikev2::Body::Notify(notify)) => v2_mode(notify.kind),
            _ => None,
        });
    let mode = asked.unwrap_or(Algorithm::Mode(EncapsulationMode::TUNNEL));
    read.payloads
        .iter()
        .find_map(|payload| match &payload.body {
            wire::Body::V2(ikev2::Body::Sa(sa)) => Some(v2_child(sa, mode)),
            wire::Body::V1(ikev1::Body::Sa(sa)) => Some(v1_child(sa)),
            _ => None,
        })
        .map(Offer::distinct)
}

/// What is known of an end: its own offer, or a choice that it accepted, where, and which of the two.
type Known = (Offer, Cite, &'static str);

/// What `end` itself offers, or accepted, as IKE SAs of the tunnel in the version of the IKE SA `not` show.
pub fn all_known<'c>(
    case: &'c Case<'_>,
    end: IpAddr,
    not: &'c IkeSa,
) -> impl Iterator<Item = Known> + 'c {
    let sas = case.ike_sas();
    let alike = sas.filter(|sa| sa.version.major() == not.version.major());
    alike.flat_map(move |sa| {
        let is = |address| address == Some(end);
        let path = sa.paths.first();
        let offers = is(path.map(|path| path.from.address)).then(|| offered(case.model, sa));
        let accepts = is(path.map(|path| path.to.address)).then(|| accepted(case.model, sa));
        let offers = offers.flatten().map(|(offer, at)| (offer, at, "offers"));
        let accepts = accepts.flatten().map(|(offer, at)| (offer, at, "accepted"));
        offers.into_iter().chain(accepts)
    })
}

/// Of [`all_known`] what is nearest in time, before or after.
pub fn known_of(case: &Case<'_>, end: IpAddr, not: &IkeSa) -> Option<Known> {
    let time = not.seen.first.1;
    all_known(case, end, not).min_by_key(|(_, at, _)| at.1.since(time).0.unsigned_abs())
}

/// The last choice before a time that the responder of an IKE SA made of an offer of the same initiator in the
/// same version, which has algorithms of its own; with that offer.
pub fn accepted_before(case: &Case<'_>, not: &IkeSa, before: Cite) -> Option<Agreed> {
    let path = not.paths.first()?;
    let ends = (path.from.address, path.to.address);
    case.tunnel
        .ike_sas
        .iter()
        .rev()
        .map(|id| &case.model.ike_sas[*id])
        .filter(|sa| {
            let path = sa.paths.first();
            sa.version.major() == not.version.major()
                && path.is_some_and(|path| (path.from.address, path.to.address) == ends)
        })
        .filter_map(|sa| agreed(case.model, sa))
        .find(|agreed| agreed.choice.1.1 < before.1)
}

/// An offer that was accepted.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Who offered.
    pub initiator: IpAddr,
    /// Who chose.
    pub responder: IpAddr,
    /// What was offered, and where.
    pub offer: (Offer, Cite),
    /// What was chosen, and where.
    pub choice: (Offer, Cite),
}

/// What the two sides of an IKE SA agreed on, if both messages were seen.
pub fn agreed(model: &Model, sa: &IkeSa) -> Option<Agreed> {
    let path = sa.paths.first()?;
    Some(Agreed {
        initiator: path.from.address,
        responder: path.to.address,
        offer: offered(model, sa)?,
        choice: accepted(model, sa)?,
    })
}

fn v2(sa: &ikev2::SecurityAssociation<'_>) -> Offer {
    let proposals = sa.proposals.iter();
    let proposals =
        proposals.map(|proposal| proposal.transforms.iter().filter_map(v2_value).collect());
    Offer {
        proposals: proposals.collect(),
    }
}

/// As [`v2`], with the protocol of each proposal for a child SA, and the mode that the message asks for
/// or grants: the tunnel unless it says otherwise (RFC 7296 section 1.3.1).
fn v2_child(sa: &ikev2::SecurityAssociation<'_>, mode: Algorithm) -> Offer {
    let mut offer = v2(sa);
    for (values, proposal) in offer.proposals.iter_mut().zip(&sa.proposals) {
        if proposal.protocol != SecurityProtocol::IKE {
            let protocol = Algorithm::Protocol(proposal.protocol);
            values.add(Kind::Protocol, protocol.into());
            values.add(Kind::Mode, mode.into());
        }
    }
    offer
}

/// The mode that a notification asks for.
fn v2_mode(kind: NotifyType) -> Option<Algorithm> {
    match kind {
        NotifyType::USE_TRANSPORT_MODE => Some(Algorithm::Mode(EncapsulationMode::TRANSPORT)),
        negotiation::USE_BEET_MODE => Some(Algorithm::Beet),
        _ => None,
    }
}

fn v2_value(transform: &ikev2::Transform<'_>) -> Option<(Kind, Value)> {
    let kind = match transform.kind {
        TransformType::ENCR => Kind::Encryption,
        TransformType::PRF => Kind::Prf,
        TransformType::INTEG => Kind::Integrity,
        TransformType::KE => Kind::KeyExchange,
        TransformType::ESN => Kind::SequenceNumbers,
        // RFC 9370 section 4: additional key exchanges 1 to 7 are types 6 to 12.
        TransformType(n @ 6..=12) => Kind::Additional(n - 5),
        _ => return None,
    };
    let value = Value {
        algorithm: Algorithm::Transform(transform.kind, transform.id),
        bits: transform.key_length.map(u64::from),
    };
    Some((kind, value))
}

fn v1(sa: &ikev1::SecurityAssociation<'_>) -> Offer {
    let transforms = sa.proposals.iter().flat_map(|one| &one.transforms);
    Offer {
        proposals: transforms.map(v1_suite).collect(),
    }
}

/// An ISAKMP transform is a whole suite (RFC 2409 appendix A).
fn v1_suite(transform: &ikev1::Transform<'_>) -> Proposal {
    let number = |kind: u16| {
        let mut attributes = transform.attributes.iter();
        let attribute = attributes.find(|attribute| attribute.kind == kind)?;
        attribute.value.number()
    };
    let cipher = |id| Value {
        algorithm: Algorithm::Cipher(id),
        bits: number(14),
    };
    let values = [
        (Kind::Encryption, number(1).map(cipher)),
        (Kind::Prf, number(2).map(|id| Algorithm::Hash(id).into())),
        (
            Kind::Authentication,
            number(3).map(|id| Algorithm::method(id).into()),
        ),
        (
            Kind::KeyExchange,
            number(4).map(|id| Algorithm::Group(id).into()),
        ),
    ];
    let values = values.into_iter();
    values
        .filter_map(|(kind, value)| Some((kind, value?)))
        .collect()
}

/// The transforms of phase 2, each a whole suite (RFC 2407 section 4.5). Compression is no part.
fn v1_child(sa: &ikev1::SecurityAssociation<'_>) -> Offer {
    let suites = sa.proposals.iter().flat_map(|proposal| {
        let transforms = proposal.transforms.iter();
        transforms.filter_map(|transform| v1_child_suite(proposal.protocol, transform))
    });
    Offer {
        proposals: suites.collect(),
    }
}

fn v1_child_suite(carries: SecurityProtocol, transform: &ikev1::Transform<'_>) -> Option<Proposal> {
    let number = |kind: Phase2Attribute| {
        let mut attributes = transform.attributes.iter();
        let attribute = attributes.find(|attribute| attribute.kind == kind.0)?;
        u16::try_from(attribute.value.number()?).ok()
    };
    let id = transform.id;
    let mut suite: Proposal = match carries {
        SecurityProtocol::ESP => {
            let cipher = Value {
                algorithm: Algorithm::Esp(id),
                bits: number(Phase2Attribute::KEY_LENGTH).map(u64::from),
            };
            let integrity = number(Phase2Attribute::AUTHENTICATION_ALGORITHM)
                .map(|id| (Kind::Integrity, Algorithm::Authentication(id).into()));
            let values = [(Kind::Encryption, cipher)].into_iter();
            values.chain(integrity).collect()
        }
        SecurityProtocol::AH => [(Kind::Integrity, Algorithm::Ah(id).into())]
            .into_iter()
            .collect(),
        _ => return None,
    };
    if let Some(id) = number(Phase2Attribute::GROUP_DESCRIPTION) {
        suite.add(Kind::KeyExchange, Algorithm::Group(id.into()).into());
    }
    suite.add(Kind::Protocol, Algorithm::Protocol(carries).into());
    // RFC 4304 section 3: extended only if it is said.
    let esn = number(Phase2Attribute::EXTENDED_SEQUENCE_NUMBER).is_some();
    let numbers = Algorithm::Transform(TransformType::ESN, esn.into());
    suite.add(Kind::SequenceNumbers, numbers.into());
    // RFC 2407 section 4.5: what is not said depends on the host.
    if let Some(id) = number(Phase2Attribute::ENCAPSULATION_MODE) {
        suite.add(Kind::Mode, Algorithm::Mode(EncapsulationMode(id)).into());
    }
    Some(suite)
}

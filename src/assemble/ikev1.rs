//! What the exchanges of an IKEv1 (ISAKMP) SA tell of it: suite, vendors, NAT, state.

use super::{Initial, ikev2, nat};
use crate::model::exchange::begins_ike_sa;
use crate::model::{
    AuthOutcome, Deleted, Exchange, ExchangeId, Flight, IkeSa, IkeSaId, IkeState, IkeSuite, Model,
    Notice, Plain, Role,
};
use crate::registry::ExchangeType;
use crate::registry::ikev1::{LifeType, Phase1Attribute as Kind, encryption_as_v2, prf_as_v2};
use crate::registry::vendor_id::FRAGMENTATION;
use crate::units::Span;
use crate::wire;

/// Reads its phase 1.
pub(super) fn describe(model: &Model, id: IkeSaId) -> Option<Initial> {
    let phase1 = phase1(model, &model.ike_sas[id])?;
    let mut told = Initial::default();
    let mut nat_seen = [nat::Seen::default(), nat::Seen::default()];
    // All as one tap has them: addresses may differ at another.
    let first = phase1.flights.first().and_then(Flight::message);
    let tap = first.map(|id| model.messages[id].vantage);
    for flight in &phase1.flights {
        let side = match flight.by {
            Role::Initiator => 0,
            Role::Responder => 1,
        };
        if let Some(message) = flight.message().map(|id| &model.messages[id]) {
            if message.plain != Plain::Clear {
                continue;
            }
            let read = message.read();
            let products = ikev2::vendors(&read);
            let announced = products.iter().any(|product| product == FRAGMENTATION);
            if let Some(slot) = told.fragmentation.get_mut(side) {
                *slot = Some(*slot == Some(true) || announced);
            }
            if let Some(slot) = told.vendors.get_mut(side) {
                for product in products {
                    if !slot.contains(&product) {
                        slot.push(product);
                    }
                }
            }
            if side == 1 && told.suite.is_none() {
                told.suite = read_suite(&read);
            }
            if let Some(slot) = nat_seen.get_mut(side)
                && slot.is_empty()
            {
                let here = tap.and_then(|tap| model.seen_at(flight, tap));
                let copies = nat::copies(model, flight);
                *slot = nat::seen(here.unwrap_or(message), &read, copies);
            }
        }
    }
    let [request, response] = nat_seen;
    told.nat = nat::verdict(request, response);
    Some(told)
}

/// Main mode or aggressive mode.
fn phase1<'m>(model: &'m Model, row: &IkeSa) -> Option<&'m Exchange> {
    row.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .find(|exchange| begins_ike_sa(exchange.kind))
}

/// The responder's one transform in terms of the IKEv2 registries (RFC 2409 appendix A).
fn read_suite(message: &wire::Message<'_>) -> Option<IkeSuite> {
    let chosen = message.sa_v1()?.proposals.first()?.transforms.first()?;
    let mut suite = IkeSuite::default();
    let (mut cipher, mut key_bits, mut life_type) = (None, None, None);
    for attribute in &chosen.attributes {
        let Some(value) = attribute.value.number() else {
            continue;
        };
        let short = u16::try_from(value).ok();
        match Kind(attribute.kind) {
            Kind::ENCRYPTION_ALGORITHM => cipher = short,
            Kind::HASH_ALGORITHM => suite.prf = short.and_then(prf_as_v2),
            Kind::AUTHENTICATION_METHOD => suite.v1_auth = short,
            Kind::GROUP_DESCRIPTION => suite.group = short,
            Kind::LIFE_TYPE => life_type = short.map(LifeType),
            Kind::LIFE_DURATION => match life_type {
                Some(LifeType::SECONDS) => suite.v1_lifetime_secs = Some(value),
                Some(LifeType::KILOBYTES) => suite.v1_lifetime_kilobytes = Some(value),
                _ => {}
            },
            Kind::KEY_LENGTH => key_bits = short,
            _ => {}
        }
    }
    if let Some((encryption, key_bits)) = cipher.and_then(|id| encryption_as_v2(id, key_bits)) {
        suite.encryption = Some(encryption);
        suite.key_bits = key_bits;
    }
    Some(suite)
}

/// How far an IKE SA came.
pub(super) fn state(model: &Model, id: IkeSaId, auth: AuthOutcome) -> IkeState {
    let row = &model.ike_sas[id];
    if is_deleted(model, row) {
        return IkeState::Deleted;
    }
    let Some(phase1) = phase1(model, row) else {
        return IkeState::AlreadyUp;
    };
    let went_on = row
        .exchanges
        .iter()
        .any(|id| model.exchanges[*id].kind == ExchangeType::QUICK_MODE);
    let agreed = phase1
        .flights
        .iter()
        .filter(|flight| flight.by == Role::Responder)
        .filter_map(Flight::first)
        .any(|id| model.messages[id].has_sa());
    match auth {
        _ if went_on => IkeState::Established,
        AuthOutcome::Refused => IkeState::AuthRefused,
        AuthOutcome::AuthOnly | AuthOutcome::Full => IkeState::Established,
        _ if agreed => IkeState::HalfOpen,
        _ if row.exchanges.iter().any(|id| is_refusal(model, row, *id)) => IkeState::Refused,
        _ if phase1.response().is_some() => IkeState::HalfOpen,
        _ => IkeState::Unanswered,
    }
}

/// Whether an exchange is an informational message of the responder that may refuse phase 1: in clear it says
/// so by an error.
fn is_refusal(model: &Model, row: &IkeSa, id: ExchangeId) -> bool {
    let exchange = &model.exchanges[id];
    let is_clear = || {
        let messages = exchange.flights.iter().filter_map(Flight::first);
        messages
            .map(|id| &model.messages[id])
            .all(|message| message.plain == Plain::Clear)
    };
    let mut notices = row.notices.iter();
    let reports = |notice: &Notice| notice.exchange == id && notice.is_error();
    exchange.kind == ExchangeType::INFORMATIONAL_V1
        && exchange.by == Role::Responder
        && (notices.any(reports) || !is_clear())
}

/// Peers delete the child SAs, then the ISAKMP SA itself, in one breath: the last two messages are
/// sealed informationals of the same side within a second (RFC 2408 section 3.15). A DPD probe
/// would be answered. Where they were opened, they say so themselves.
fn is_deleted(model: &Model, row: &IkeSa) -> bool {
    let last = row.exchanges.last();
    let last = last.and_then(|id| model.exchanges[*id].flights.first());
    if let Some(flight) = last.filter(|flight| model.opened(flight).is_some()) {
        return model.deletes(flight).contains(&Deleted::IkeSa);
    }
    let [.., before, last] = row.exchanges.as_slice() else {
        return false;
    };
    let informational = |exchange: &Exchange| {
        let message = exchange.flights.first().and_then(Flight::message)?;
        let message = &model.messages[message];
        let sealed = message.plain.is_encrypted();
        (exchange.kind == ExchangeType::INFORMATIONAL_V1 && sealed).then_some(message)
    };
    let (before, last) = (&model.exchanges[*before], &model.exchanges[*last]);
    let (Some(earlier), Some(later)) = (informational(before), informational(last)) else {
        return false;
    };
    let at_once = before.by == last.by && later.time.since(earlier.time) <= Span::from_secs(1);
    // A liveness check and the answer to one of the other side, of which nothing is here, come together as well, and
    // have one size (RFC 3706 section 5.2).
    let alike = earlier.header.length == later.header.length;
    let deaf = || {
        let mut all = row.exchanges.iter().map(|id| &model.exchanges[*id]);
        all.all(|exchange| exchange.flights.iter().all(|flight| flight.by == last.by))
    };
    at_once && !(alike && deaf())
}

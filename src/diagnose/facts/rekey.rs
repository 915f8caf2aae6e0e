//! Requests for child SAs that were refused: `CREATE_CHILD_SA`, judged by size, and quick mode. Of those that were opened
//! [`super::child`] tells more.

use super::began;
use crate::diagnose::{Case, Cite};
use crate::model::{ChildOutcome, Exchange, ExchangeId, Flight, IkeSa, IkeSaId, Model};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};
use std::cell::LazyCell;

/// A refused request.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The IKE SA it ran under.
    pub ike_sa: IkeSaId,
    /// The exchange.
    pub exchange: ExchangeId,
    /// The request.
    pub request: Cite,
    /// The refusal.
    pub response: Cite,
    /// Octets of plaintext of the request, at least; `None` if sizes cannot tell, as in IKEv1.
    pub plaintext: Option<usize>,
}

impl Refused {
    /// Plaintext of a rekeying request without a public value: an SA of one proposal (48), a nonce
    /// (36), one IPv4 selector each (48), N(REKEY_SA) (12) and a notify to spare.
    const BARE: usize = 152;

    /// How many octets the request is larger than a bare one, if that leaves room for the smallest
    /// public value (32 octets and a header of 8, RFC 8031).
    pub fn room_for_public_value(&self) -> Option<usize> {
        let octets = self.plaintext?;
        has_room_for_public_value(octets).then(|| octets.saturating_sub(Self::BARE))
    }
}

/// Whether a request with so many octets of plaintext may carry a public value.
pub fn has_room_for_public_value(octets: usize) -> bool {
    octets >= Refused::BARE + 40 - 12
}

/// A refusal that was mended this soon is part of a normal negotiation: another group, a collision.
const MENDED: Span = Span::from_secs(10);

/// The refused requests of a tunnel that no success followed soon, in order: those made before any ESP,
/// and those made while ESP was, or had been, flowing.
pub fn refused(case: &Case<'_>) -> [Vec<Refused>; 2] {
    let first_esp = case
        .tunnel
        .flows
        .iter()
        .map(|flow| case.model.flows[*flow].seen.first.1)
        .min();
    let [mut before, mut alive] = [Vec::new(), Vec::new()];
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        let successes = LazyCell::new(|| times_made(case.model, sa));
        for exchange_id in &sa.exchanges {
            let exchange = &case.model.exchanges[*exchange_id];
            if !ended(case.model, exchange, ChildOutcome::Refused) {
                continue;
            }
            let Some((request, answer)) = parts(case.model, exchange) else {
                continue;
            };
            let cites = began(case.model, request).zip(began(case.model, answer));
            let Some((request, response)) = cites.filter(|_| case.model.opened(answer).is_none())
            else {
                continue;
            };
            let quick = exchange.kind == ExchangeType::QUICK_MODE;
            // In IKEv1 a small message of the other side may be a delete: traffic on a new SA shows that
            // message 2 came all the same, if not to the recording.
            if quick && (case.tap().missed.is_some() || case.is_served(request.1, response.1)) {
                continue;
            }
            if !is_near(&successes, response.1) {
                let of_its_time = match first_esp.is_some_and(|first| first <= request.1) {
                    true => &mut alive,
                    false => &mut before,
                };
                of_its_time.push(Refused {
                    ike_sa: *id,
                    exchange: *exchange_id,
                    request,
                    response,
                    plaintext: exchange
                        .request()
                        .filter(|_| !quick)
                        .and_then(|flight| case.model.plaintext_range(*id, flight))
                        .map(|range| *range.start()),
                });
            }
        }
    }
    [before, alive]
}

/// A request and what refused it: its response, or in IKEv1 an informational message.
fn parts<'m>(model: &'m Model, exchange: &'m Exchange) -> Option<(&'m Flight, &'m Flight)> {
    match exchange.kind {
        ExchangeType::QUICK_MODE => Some((
            exchange.flights.first()?,
            model.quick_refusal(exchange)?.flights.first()?,
        )),
        _ => Some((exchange.request()?, exchange.response()?)),
    }
}

/// The exchanges that made child SAs after those of `IKE_AUTH`.
pub fn made<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m Exchange> + 'm {
    case.exchanges()
        .filter(|exchange| ended(case.model, exchange, ChildOutcome::Made))
}

/// Whether this is a negotiation of a child SA, after that of `IKE_AUTH`, that ended so. A
/// `CREATE_CHILD_SA` may be about an IKE SA, which its size does not always tell.
pub fn ended(model: &Model, exchange: &Exchange, outcome: ChildOutcome) -> bool {
    matches!(
        exchange.kind,
        ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE
    ) && model.child_outcome(exchange) == outcome
}

/// Whether a child SA was made under the same IKE SA around that time.
pub fn mended(model: &Model, sa: &IkeSa, refused: Timestamp) -> bool {
    is_near(&times_made(model, sa), refused)
}

/// Whether one of the times, which are sorted, mends what was refused.
fn is_near(successes: &[Timestamp], refused: Timestamp) -> bool {
    /// Of negotiations that crossed the one that succeeds may be answered first.
    const CROSSED: Span = Span::from_secs(2);
    let next = successes.partition_point(|time| refused.since(*time) > CROSSED);
    successes
        .get(next)
        .is_some_and(|time| time.since(refused) <= MENDED)
}

/// When the negotiations of child SAs that succeeded under an IKE SA were answered, sorted.
fn times_made(model: &Model, sa: &IkeSa) -> Vec<Timestamp> {
    let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let made = exchanges
        .filter(|exchange| ended(model, exchange, ChildOutcome::Made))
        .filter_map(|exchange| began(model, exchange.response()?));
    let mut times: Vec<Timestamp> = made.map(|at| at.1).collect();
    times.sort_unstable();
    times
}

//! `CREATE_CHILD_SA` requests that were refused, judged by size. Of those that were opened
//! [`super::child`] tells more.

use super::began;
use crate::diagnose::{Case, Cite};
use crate::model::{ChildOutcome, Exchange, ExchangeId, IkeSa, IkeSaId, Model};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};

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
    /// Octets of plaintext of the request, at least; `None` if sizes cannot tell.
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

/// The refused requests of a tunnel that no success followed soon, in order.
///
/// With `alive` those made while ESP was, or had been, flowing; else those made before any ESP.
pub fn refused(case: &Case<'_>, alive: bool) -> Vec<Refused> {
    let first_esp = case
        .tunnel
        .flows
        .iter()
        .map(|flow| case.model.flows[*flow].seen.first.1)
        .min();
    let mut found = Vec::new();
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        for exchange_id in &sa.exchanges {
            let exchange = &case.model.exchanges[*exchange_id];
            let is_read = || {
                let response = exchange.response();
                response.is_some_and(|flight| case.model.opened(flight).is_some())
            };
            if exchange.kind != ExchangeType::CREATE_CHILD_SA
                || case.model.child_outcome(exchange) != ChildOutcome::Refused
                || is_read()
            {
                continue;
            }
            let Some((request, response)) = cites(case.model, exchange) else {
                continue;
            };
            let had_esp = first_esp.is_some_and(|first| first <= request.1);
            if had_esp == alive && !mended(case.model, sa, response.1) {
                found.push(Refused {
                    ike_sa: *id,
                    exchange: *exchange_id,
                    request,
                    response,
                    plaintext: exchange
                        .request()
                        .and_then(|flight| case.model.plaintext_range(*id, flight))
                        .map(|range| *range.start()),
                });
            }
        }
    }
    found
}

fn cites(model: &Model, exchange: &Exchange) -> Option<(Cite, Cite)> {
    Some((
        began(model, exchange.request()?)?,
        began(model, exchange.response()?)?,
    ))
}

/// The exchanges that made child SAs after those of `IKE_AUTH`.
pub fn made<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m Exchange> + 'm {
    case.exchanges().filter(|exchange| {
        matches!(
            exchange.kind,
            ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE
        ) && case.model.child_outcome(exchange) == ChildOutcome::Made
    })
}

/// Whether a `CREATE_CHILD_SA` of the same IKE SA succeeded around that time.
pub fn mended(model: &Model, sa: &IkeSa, refused: Timestamp) -> bool {
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::CREATE_CHILD_SA)
        .filter(|exchange| model.child_outcome(exchange) == ChildOutcome::Made)
        .filter_map(|exchange| began(model, exchange.response()?))
        .any(|(_, time)| time.since(refused) <= MENDED && refused.since(time) <= Span::from_secs(2))
}

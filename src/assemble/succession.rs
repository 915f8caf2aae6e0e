//! Which IKE SA takes the place of which: rekeying and reauthentication.

use super::pairs::{PairId, Pairs};
use super::{HashMap, HashSet};
use crate::limits::{SUCCESSION_AFTERWARDS, SUCCESSION_LOOK_BACK};
use crate::model::exchange::begins_ike_sa;
use crate::model::{
    AuthOutcome, ChildOutcome, Exchange, ExchangeId, Few, Flight, IkeSa, IkeSaId, IkeSuite,
    InformationalClass, Model, Negotiation, Table,
};
use crate::registry::ExchangeType;
use crate::units::{IkeSpis, Span, Timestamp};
use std::net::IpAddr;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Succession {
    /// IKE SAs that another has replaced.
    pub(super) replaced: HashSet<IkeSaId>,
    /// `CREATE_CHILD_SA` exchanges that rekeyed an IKE SA, and so made no child SA.
    pub(super) rekeys: HashSet<ExchangeId>,
}

/// How long an IKE SA may be used on after its successor appeared.
const DRAIN: Span = Span::from_secs(60);

/// How soon after the end of the old IKE SA a new one follows that reauthenticates it.
const BREAK: Span = Span::from_secs(3);

/// Fills `replaces` of every IKE SA of IKEv2.
pub(super) fn find(model: &mut Model, pairs: &Pairs) -> Succession {
    let mut found = Succession::default();
    let mut between: Table<PairId, Few<IkeSaId>> = pairs.table();
    let end = model.messages.iter().map(|message| message.time).max();
    let told = told(model);
    found.rekeys.extend(told.values().map(|(_, id)| *id));
    for id in model.ike_sas.ids() {
        let row = &model.ike_sas[id];
        let Some(pair) = pairs.of_ike_sa(id).first() else {
            continue;
        };
        let earlier = &mut between[*pair];
        if row.version.major() != 1 {
            let candidates = earlier
                .iter()
                .rev()
                .take(SUCCESSION_LOOK_BACK)
                .copied()
                .filter(|old| !found.replaced.contains(old));
            let began = row
                .exchanges
                .iter()
                .any(|id| begins_ike_sa(model.exchanges[*id].kind));
            let old = match began {
                false if told.contains_key(&row.spis) => {
                    told.get(&row.spis).map(|(old, id)| (*old, Some(*id)))
                }
                true => candidates
                    .filter_map(|old| Some((old, reauthenticates(model, old, id, end)?)))
                    .min_by_key(|(_, fit)| *fit)
                    .map(|(old, _)| (old, None)),
                false => candidates
                    .filter_map(|old| Some((old, rekeyed_by(model, &model.ike_sas[old], row)?)))
                    .max_by_key(|(_, (time, _))| *time)
                    .map(|(old, (_, exchange))| (old, Some(exchange))),
            };
            if let Some((old, exchange)) = old {
                found.replaced.insert(old);
                found.rekeys.extend(exchange);
                model.ike_sas[id].replaces = Some(old);
                model.ike_sas[id].made_by = exchange;
                let suite = exchange.and_then(|exchange| chosen(model, exchange));
                if suite.is_some() {
                    model.ike_sas[id].suite = suite;
                }
            }
        }
        earlier.push(id);
    }
    found
}

/// The exchanges that were opened and rekeyed an IKE SA, with the old one, by the SPIs of the new
/// one (RFC 7296 section 1.3.2).
fn told(model: &Model) -> HashMap<IkeSpis, (IkeSaId, ExchangeId)> {
    let mut told = HashMap::default();
    if !model.opened_any {
        return told;
    }
    for id in model.ike_sas.iter().flat_map(|row| &row.exchanges) {
        let exchange = &model.exchanges[*id];
        if exchange.kind != ExchangeType::CREATE_CHILD_SA {
            continue;
        }
        let Some(negotiation) = model.negotiation(*id) else {
            continue;
        };
        if let Some((request, answer)) = negotiation.granted()
            && let (Some(initiator), Some(responder)) =
                (request.ike_spis.first(), answer.ike_spis.first())
        {
            let spis = IkeSpis {
                initiator: *initiator,
                responder: *responder,
            };
            told.insert(spis, (exchange.ike_sa, *id));
        }
    }
    told
}

/// The suite that the answer of a rekeying chose, if it was opened.
fn chosen(model: &Model, exchange: ExchangeId) -> Option<IkeSuite> {
    let (_, read) = model.opened(model.exchanges[exchange].response()?)?;
    super::ikev2::suite(&read)
}

/// The exchange on the old IKE SA that made the new one, and when: its last successful
/// `CREATE_CHILD_SA`, after which the old one is only deleted. The new one counts its messages
/// from zero (RFC 7296 sections 2.8 and 2.18), give or take one that was lost.
fn rekeyed_by(model: &Model, old: &IkeSa, new: &IkeSa) -> Option<(Timestamp, ExchangeId)> {
    let first = &model.exchanges[*new.exchanges.first()?];
    if first.message_id > 2 || old.seen.last.1.since(new.seen.first.1) > DRAIN {
        return None;
    }
    let id = *old
        .exchanges
        .iter()
        .rev()
        .take(SUCCESSION_AFTERWARDS)
        .find(|id| {
            let exchange = &model.exchanges[**id];
            exchange.kind == ExchangeType::CREATE_CHILD_SA
        })?;
    // One that was read and is of a child SA, or of other SPIs, is not it.
    if model.negotiation(id).as_ref().is_some_and(known_otherwise) {
        return None;
    }
    let exchange = &model.exchanges[id];
    let time = time_of(model, exchange.response())?;
    let made = model.child_outcome(exchange) == ChildOutcome::Made;
    (made && time <= new.seen.first.1).then_some((time, id))
}

/// Whether what was read of a `CREATE_CHILD_SA` tells which SA it made.
fn known_otherwise(negotiation: &Negotiation) -> bool {
    !negotiation.is_of_ike() || negotiation.granted().is_some()
}

/// How well an IKE SA fits as the one that a new one takes over from, less being better: whether
/// the side deleted it that began the new one, and how near in time.
type Fit = (bool, Span);

/// Whether a new IKE SA with its own `IKE_SA_INIT` takes over in an orderly way (RFC 7296 section
/// 2.8.3): the last thing on the old one is that it is deleted, which is answered, shortly before or
/// after, and nothing follows although the capture goes on. A restarted peer would not answer.
fn reauthenticates(
    model: &Model,
    old_id: IkeSaId,
    new_id: IkeSaId,
    end: Option<Timestamp>,
) -> Option<Fit> {
    let up = matches!(
        model.auth_outcome(new_id),
        AuthOutcome::AuthOnly | AuthOutcome::Full | AuthOutcome::Unclear
    );
    let (old, new) = (&model.ike_sas[old_id], &model.ike_sas[new_id]);
    let last = &model.exchanges[*old.exchanges.last()?];
    let (answered, request) = (time_of(model, last.response())?, last.request()?);
    let after = answered.since(new.seen.first.1);
    let goes_on = end.is_some_and(|end| end.since(answered) > DRAIN);
    // What was refused, or given up, has no place that another could take.
    let never_up = matches!(
        model.auth_outcome(old_id),
        AuthOutcome::Refused | AuthOutcome::Unfinished
    );
    let fits = up
        && !never_up
        && last.kind == ExchangeType::INFORMATIONAL
        && after >= Span(-BREAK.0)
        && after <= DRAIN
        && (goes_on || after.0 <= 0)
        && may_delete(model, old_id, request);
    let began = new.exchanges.first().map(|id| &model.exchanges[*id]);
    let beginner = sender(model, began.and_then(Exchange::request));
    let own = sender(model, Some(request)) == beginner;
    fits.then_some((!own, Span(after.0.saturating_abs())))
}

/// Whether a message may delete its IKE SA, by what was read of it or by its size.
fn may_delete(model: &Model, ike_sa: IkeSaId, request: &Flight) -> bool {
    match model.informational_class(ike_sa, request) {
        Some(InformationalClass::Empty | InformationalClass::DeleteChild) => false,
        Some(InformationalClass::Large) => model.opened(request).is_none(),
        _ => true,
    }
}

fn sender(model: &Model, flight: Option<&Flight>) -> Option<IpAddr> {
    let first = flight?.first()?;
    Some(model.messages[first].path.from().address)
}

fn time_of(model: &Model, flight: Option<&Flight>) -> Option<Timestamp> {
    flight
        .and_then(Flight::first)
        .map(|id| model.messages[id].time)
}

/// The time of the request and of what answers it.
pub(super) fn times(model: &Model, exchange: &Exchange) -> Option<(Timestamp, Timestamp)> {
    let answered = time_of(model, exchange.response())?;
    let asked = time_of(model, exchange.request()).unwrap_or(answered);
    Some((asked.min(answered), answered))
}

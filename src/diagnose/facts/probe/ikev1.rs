//! Probes of IKEv1, which are never the same and answer one another by nothing but their order.

use super::{Probe, TRIES, seen_at};
use crate::diagnose::Case;
use crate::diagnose::facts::{Tap, began, end_of, first, tap};
use crate::model::{Exchange, Flight, IkeSa, InformationalClass, Model, Plain};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeSet;

/// IKEv1: informational messages of one side, one after the other, and none of the other side
/// (RFC 3706: each R-U-THERE is a message of its own).
pub(super) fn probes<'m>(case: &Case<'m>, sa: &'m IkeSa) -> Option<Probe<'m>> {
    if sa.version.major() != 1 {
        return None;
    }
    let mut vantages: Vec<Vantage> = Vec::new();
    for message in sa
        .exchanges
        .iter()
        .flat_map(|id| &case.model.exchanges[*id].flights)
        .filter_map(|flight| first(case.model, flight))
    {
        if !vantages.contains(&message.vantage) {
            vantages.push(message.vantage);
        }
    }
    vantages
        .into_iter()
        .find_map(|vantage| probes_at(case, sa, vantage))
}

fn probes_at<'m>(case: &Case<'m>, sa: &'m IkeSa, vantage: Vantage) -> Option<Probe<'m>> {
    /// Nobody probes more often; deletes come in one breath.
    const OFTEN: Span = Span::from_millis(900);
    /// Nobody repeats a probe more seldom: the clock was set, or the recording paused.
    const SELDOM: Span = Span::from_secs(600);
    let informational: Vec<(&Exchange, &Flight, Timestamp)> = sa
        .exchanges
        .iter()
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::INFORMATIONAL_V1)
        .filter_map(|exchange| {
            let flight = exchange.flights.first()?;
            may_probe(case.model, exchange, flight).then_some(())?;
            Some((
                exchange,
                flight,
                seen_at(case.model, flight, vantage).min()?,
            ))
        })
        .collect();
    let by = informational.last()?.0.by;
    let answered_once = informational.iter().any(|(exchange, ..)| exchange.by != by);
    let mut run: Vec<&(&Exchange, &Flight, Timestamp)> = informational
        .iter()
        .rev()
        .take_while(|(exchange, ..)| exchange.by == by)
        .collect();
    // What follows the peer's message at once is its answer, no probe.
    let of_other = informational.iter().filter(|(other, ..)| other.by != by);
    let mut of_other: Vec<Timestamp> = of_other.map(|(.., time)| *time).collect();
    of_other.sort_unstable();
    run.retain(|(.., time)| {
        let before = of_other.partition_point(|other| other <= time);
        let latest = before.checked_sub(1).and_then(|place| of_other.get(place));
        latest.is_none_or(|latest| time.since(*latest) >= OFTEN)
    });
    // Nor is what refuses quick mode (RFC 2409 section 5.7).
    if run.len() > 1 {
        let quick = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
        let quick = quick.filter(|exchange| {
            exchange.kind == ExchangeType::QUICK_MODE && exchange.flights.len() == 1
        });
        let refusals = quick.filter_map(|exchange| case.model.quick_refusal(exchange));
        let refusals: BTreeSet<u32> = refusals.map(|exchange| exchange.message_id).collect();
        run.retain(|(exchange, ..)| !refusals.contains(&exchange.message_id));
    }
    // It stands latest first.
    run.dedup_by(|earlier, later| later.2.since(earlier.2) < OFTEN);
    let breaks = run
        .windows(2)
        .position(|pair| matches!(pair, [later, earlier] if later.2.since(earlier.2) > SELDOM));
    run.truncate(breaks.map_or(run.len(), |place| place + 1));
    if run.len() < 2 {
        return None;
    }
    let (_, oldest, began_at) = **run.last()?;
    let (_, newest, ended_at) = **run.first()?;
    let message = first(case.model, oldest)?;
    let peer = end_of(case.tunnel, message.path.to().address)?;
    let spoke = sa
        .exchanges
        .iter()
        .flat_map(|id| &case.model.exchanges[*id].flights)
        .filter(|flight| flight.by != by)
        .flat_map(|flight| seen_at(case.model, flight, vantage))
        .any(|time| time > began_at);
    if spoke || !tap::went_on(case.model, vantage, began_at, Tap::PATIENCE) {
        return None;
    }
    let here = case.directions_at(vantage);
    let esp = || {
        let flows = here.map(|here| here.flows_from(1 - peer, message.path.to()));
        let mut flows = flows.into_iter().flatten();
        flows.any(|flow| flow.seen.first.1 < ended_at && flow.seen.last.1 > began_at)
    };
    let elsewhere = || case.ike_times().within(vantage, peer, began_at, ended_at);
    // Either the peer has answered such messages before, or nothing at all of it is heard; after two
    // of them it takes a new beginning to tell that they were probes, and given up.
    let anew = case.ike_sas().any(|other| other.seen.first.1 > ended_at);
    let dead = || (run.len() >= TRIES || anew) && !esp() && !elsewhere();
    if !(answered_once && run.len() > TRIES || dead()) {
        return None;
    }
    // A tap that has one direction alone never hears an answer.
    let sends = here.is_some_and(|here| !here.flows(1 - peer).is_empty());
    (sends || case.ike_times().has(vantage, peer)).then_some(Probe {
        flight: oldest,
        from: message.path.from(),
        to: message.path.to(),
        peer,
        vantage,
        kind: ExchangeType::INFORMATIONAL_V1,
        times: run.iter().map(|(_, _, time)| *time).collect(),
        schedule: say!("sent {number} times", number = run.len()),
        first: began(case.model, oldest)?,
        last: began(case.model, newest)?,
        spoke: None,
    })
}

/// Whether an informational message of IKEv1 can be a liveness check: it is protected (RFC 3706
/// section 5.4), and neither its size nor what was opened of it says otherwise.
fn may_probe(model: &Model, exchange: &Exchange, flight: &Flight) -> bool {
    let is_clear = first(model, flight).is_none_or(|message| message.plain == Plain::Clear);
    let class = model.informational_class(exchange.ike_sa, flight);
    let is_small = matches!(
        class,
        None | Some(InformationalClass::Dpd | InformationalClass::Small)
    );
    let says_so = match model.readable(flight) {
        Some(_) => is_small,
        // Without the suite the size of the hash is not known, and a size tells nothing.
        None if model.ike_sas[exchange.ike_sa].suite.is_none() => true,
        None => is_small && model.may_be_r_u_there(exchange.ike_sa, flight),
    };
    !is_clear && says_so
}

//! The tunnel was closed.

mod afterwards;
mod cut_off;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::{Asked, began, end_of, quality};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, all_of};
use crate::model::{Deleted, Exchange, ExchangeId, IkeSa, IkeSaId, IkeState, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use afterwards::{Afterwards, fate_of_attempts, nothing_yet, shunned};
use cut_off::{NEEDED, cut_off, unanswered};
use std::cell::LazyCell;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "tunnel-deleted",
    code: "IKE307",
    severity: Severity::Warning,
    summary: "A side deleted the tunnel",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP.or(Signs::DELETED),
    check,
};

const DOCUMENT: &str = "\
## What it means
One side closed the tunnel, or the SA that carries traffic, by a message of its own. In the end of a session that is normal. It is worth a warning when the other side still needs it: it goes on sending, or its new attempts fail.

## How it is seen
An informational message of the size of a delete, after which the SA is not used any more. Without keys a delete cannot be told from other small messages by itself; what follows tells: all ESP ends with it, for longer than it ever paused before, until somebody asks for a new SA, or for good. Where the whole tunnel was closed and set up anew at the first try, as at a restart, it must have flowed before for as long as it paused. With keys the Delete itself is read.

## What else looks like it
A rekeying deletes the old SA too; then a new one carries the traffic at once.

## What to do
1. Read the log of the side that deleted: an administrator, a lifetime, an idle timeout, another connection with the same identity.
";

/// Silence that tells a deletion from a rekeying.
const SILENCE: Span = Span::from_secs(1);

/// Whoever rekeyed an IKE SA deletes the old one this soon.
const TIDY: Span = Span::from_secs(10);

/// Two negotiations that crossed are tidied up this soon.
const CROSSED: Span = Span::from_secs(30);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let directions = case.directions();
    let mut ike_sas = case.tunnel.ike_sas.iter();
    let closed = ike_sas.clone().rev().find_map(|id| closed(case, *id));
    // Who closes the tunnel may delete its SAs one by one, by messages of their own.
    let is_one = |cut: &Finding, closed: &Finding| {
        let apart = closed.first.since(cut.first);
        (Span::default()..=SILENCE).contains(&apart)
    };
    // Without ESP nothing is cut off.
    let died = LazyCell::new(|| unanswered(case));
    let cut = (!directions.is_empty())
        .then(|| ike_sas.find_map(|id| cut_off(case, directions, *id, &died)))
        .flatten();
    // It is told once, by what weighs more.
    match (cut, closed) {
        (Some(cut), Some(closed)) if is_one(&cut, &closed) => {
            vec![match closed.severity >= cut.severity {
                true => closed,
                false => cut,
            }]
        }
        (cut, closed) => cut.into_iter().chain(closed).collect(),
    }
}

/// Whether one end alone asks for an IKE SA after a time.
fn is_asked_by(case: &Case<'_>, time: Timestamp, end: usize) -> bool {
    let later = case.ike_sas().filter(|sa| sa.seen.first.1 > time);
    let mut askers = later.filter_map(|sa| {
        let (_, asker, _) = said(case.model, &case.model.exchanges[*sa.exchanges.first()?])?;
        end_of(case.tunnel, asker)
    });
    askers.all(|asker| asker == end)
}

/// An IKE SA that was deleted and that no other took the place of.
fn closed(case: &Case<'_>, id: IkeSaId) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    if sa.state != IkeState::Deleted || is_replaced(case, id) {
        return None;
    }
    // What never served is not missed, and that it is closed at once again and again is told for itself.
    let unused = case.unused();
    if unused.is_some_and(|unused| unused.closed && sa.seen.first.1 >= unused.during.0) {
        return None;
    }
    let last = deleting(case, sa)?;
    let (at, who, to) = said(case.model, last)?;
    if has_other(case, id, at.1) {
        return None;
    }
    let named = named(case, id, at);
    let end = end_of(case.tunnel, who)?;
    let vantage = vantage(case.model, last)?;
    // Where the clock was set back, or is another tap's, what came after the delete is not known by
    // its time.
    let came = |end: usize| {
        let here = case.directions().iter().filter(|directions| {
            directions.vantage.input == vantage.input
                && quality::clock_error(case.model, directions.vantage) == Span::default()
        });
        let counts = here.map(|directions| directions.packets_since(end, at.1.later(SILENCE)));
        counts.max().unwrap_or(0)
    };
    let still = came(end);
    let after = fate_of_attempts(case, at.1, who);
    // With an IKE SA its child SAs go (RFC 7296 section 1.4.1). So whoever sends on has deleted
    // something else, and so has who rekeyed before it: the new IKE SA has nothing to say yet.
    let rekeyed = || came(1 - end) >= NEEDED || tidies_up(case.model, sa, at.1, TIDY);
    if after.is_none() && still >= NEEDED && rekeyed() {
        return None;
    }
    // Those of IKEv1 outlive phase 1, which was only renewed where they do.
    let renewed = matches!(after, None | Some(Afterwards::Up)) && sa.version.major() == 1;
    if renewed && outlives(case, at.1) {
        return None;
    }
    // Who deletes and asks anew in the same breath authenticates anew (RFC 7296 section 2.8.3): what comes of that
    // is told for itself.
    let renews = asked_again(case, at.1).is_some_and(|(again, asker)| {
        end_of(case.tunnel, asker) == Some(end) && again.1.since(at.1) <= SILENCE
    });
    // Where nobody but who deleted wants it again, it is the other side that does not answer.
    let own = is_asked_by(case, at.1, end);
    let (severity, confidence, what): (_, _, Text) = match (still >= NEEDED, after) {
        (_, Some(Afterwards::Failed | Afterwards::Silent)) if renews => (
            Severity::Info,
            Confidence::Likely,
            say!(
                "{who} asked for a new one at once, and does not get it.",
                who
            ),
        ),
        (_, Some(Afterwards::Silent)) if own => (
            Severity::Info,
            Confidence::Likely,
            say!(
                "{who} asked for a new one afterwards, and has no answer.",
                who
            ),
        ),
        (_, Some(Afterwards::Up)) => (
            Severity::Info,
            Confidence::Likely,
            "A new tunnel was set up afterwards.".into(),
        ),
        (_, Some(fate)) => (
            RULE.severity,
            Confidence::Likely,
            match fate {
                Afterwards::Refused => say!(
                    "Afterwards {who} refuses every attempt to set it up again: its connection was deleted, \
                     disabled or changed.",
                    who
                ),
                Afterwards::Silent => {
                    "Afterwards every attempt to set it up again meets silence.".into()
                }
                Afterwards::Up | Afterwards::Failed => {
                    "Afterwards no attempt to set it up again succeeds.".into()
                }
            },
        ),
        // A recording with holes may lack what took its place.
        (true, None) => (
            case.tap().gaps(RULE.severity),
            Confidence::Possible,
            say!(
                "{to} goes on sending: {still} ESP packets came after it.",
                to,
                still
            ),
        ),
        (false, None) => (
            Severity::Info,
            Confidence::Likely,
            nothing_yet(
                case,
                at.1,
                vantage,
                match Asked::of(case.model, last).is_some_and(|asked| asked.is_silent()) {
                    true => "No answer to it is in this capture.",
                    false => "Nothing follows: the tunnel was closed in order.",
                },
            ),
        ),
    };
    // What worked until nobody wanted it any more was closed in order.
    let worked = case.directions().iter().any(|directions| {
        [0, 1]
            .into_iter()
            .all(|end| !directions.flows(end).is_empty())
    });
    let wanted = still >= NEEDED
        || case.ike_sas().any(|sa| sa.seen.first.1 > at.1)
        || leaves_in_clear(case, at.1, Timestamp(i64::MAX));
    let mut finding = Finding::new(
            &RULE,
            match named {
                Some(_) if confidence == Confidence::Likely => Confidence::Certain,
                _ => confidence,
            },
            case.id,
            at,
            match named {
                Some(_) => "the delete of the IKE SA",
                None => "a message of the size of a delete, the last on its SA",
            },
        )
        .explaining(shunned(case, who, after.filter(|_| !own)))
        .severity(severity)
        .title(say!("{who} closed the tunnel", who))
        .says(say!("{who} sent the delete of the IKE SA to {to}.", who, to).then(what))
        .advise(say!(
            "If it was not meant, read the log of {who}: it says why. See that the connection still exists there and \
             is enabled.",
            who
        ));
    finding.in_order = worked && !wanted;
    Some(match named {
        Some(_) => finding,
        None => {
            finding.or("A small informational message of another kind, at the end of the IKE SA.")
        }
    })
}

/// Whether child SAs carry traffic in both directions before a time and for long after it.
fn outlives(case: &Case<'_>, time: Timestamp) -> bool {
    case.directions().iter().any(|directions| {
        [0, 1].into_iter().all(|end| {
            let mut seen = directions.flows(end).iter().map(|flow| flow.seen);
            seen.any(|seen| seen.first.1 < time && seen.last.1 > time.later(SILENCE))
        })
    })
}

/// The exchange that deletes an IKE SA: the first whose Delete was read, or the last.
fn deleting<'m>(case: &Case<'m>, sa: &'m IkeSa) -> Option<&'m Exchange> {
    let model = case.model;
    let mut exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let last = exchanges.clone().next_back();
    let reads = |exchange: &&Exchange| {
        let request = exchange.request();
        request.is_some_and(|request| model.deletes(request).contains(&Deleted::IkeSa))
    };
    let read = case
        .signs()
        .meet(Signs::OPENED)
        .then(|| exchanges.find(reads));
    read.flatten().or(last)
}

/// Whether a message follows a negotiation so soon, even one of which half is recorded: what was
/// rekeyed is deleted (RFC 7296 section 2.8).
fn tidies_up(model: &Model, sa: &IkeSa, time: Timestamp, soon: Span) -> bool {
    // They stand in order of time, so what is long past is not looked at.
    let asked = |id: &ExchangeId| began(model, model.exchanges[*id].flights.first()?);
    let before = sa
        .exchanges
        .partition_point(|id| asked(id).is_some_and(|at| at.1 < time));
    let before = sa.exchanges.get(..before).unwrap_or_default().iter().rev();
    before
        .take_while(|id| asked(id).is_some_and(|at| time.since(at.1) < soon))
        .any(|id| model.exchanges[*id].kind == ExchangeType::CREATE_CHILD_SA)
}

/// Whether this message is the last of an IKE SA whose place another takes.
fn is_succeeded(case: &Case<'_>, id: IkeSaId, at: Cite) -> bool {
    let last = case.model.ike_sas[id].exchanges.last();
    let is_last = last
        .and_then(|last| said(case.model, &case.model.exchanges[*last]))
        .is_some_and(|(last, ..)| last == at);
    is_last && (has_other(case, id, at.1) || is_replaced(case, id))
}

/// Whether another IKE SA of the tunnel takes the place of this one: one of which nothing may have been said yet.
fn is_replaced(case: &Case<'_>, id: IkeSaId) -> bool {
    case.successors().is_replaced(id) || case.model.is_rekeyed(id)
}

/// Whether another IKE SA of the tunnel stood at this time and after it: of two that crossed each
/// other one is deleted. One that came up long before and is not heard of again may be dead.
fn has_other(case: &Case<'_>, id: IkeSaId, time: Timestamp) -> bool {
    case.successors().stands_beside(id, time, CROSSED)
}

/// The first request for an SA after `time`, and who asks.
fn asked_again(case: &Case<'_>, time: Timestamp) -> Option<(Cite, IpAddr)> {
    case.successors().asked_after(case, time)
}

/// Where, by whom and to whom an informational exchange was begun.
fn said(model: &Model, exchange: &Exchange) -> Option<(Cite, IpAddr, IpAddr)> {
    let flight = exchange.flights.first()?;
    let message = crate::diagnose::facts::first(model, flight)?;
    let path = &message.path;
    Some((
        (message.frame, message.time),
        path.from().address,
        path.to().address,
    ))
}

/// Where an informational exchange was recorded.
fn vantage(model: &Model, exchange: &Exchange) -> Option<Vantage> {
    let message = crate::diagnose::facts::first(model, exchange.flights.first()?)?;
    Some(message.vantage)
}

/// Whether packets that belong inside left in clear between two times: somebody wanted the tunnel.
fn leaves_in_clear(case: &Case<'_>, from: Timestamp, until: Timestamp) -> bool {
    let mut leaks = case.leaks().rows().iter();
    leaks.any(|leak| leak.seen.last.1 > from && leak.seen.first.1 < until)
}

/// What the message at this frame deletes, if it was opened: `the IKE SA`, `ESP SA 0x00000001`.
fn named(case: &Case<'_>, id: IkeSaId, at: Cite) -> Option<Text> {
    if !case.signs().meet(Signs::OPENED) {
        return None;
    }
    let model = case.model;
    let exchanges = model.ike_sas[id].exchanges.iter();
    let flight = exchanges
        .flat_map(|id| &model.exchanges[*id].flights)
        .find(|flight| {
            crate::diagnose::facts::first(model, flight).is_some_and(|one| one.frame == at.0)
        })?;
    let deleted = model.deletes(flight);
    let names = deleted.iter().map(|deleted| match deleted {
        Deleted::IkeSa => "the IKE SA".into(),
        Deleted::Child { ah: true, spi } => Text::verbatim(format_args!("AH SA {spi}")),
        Deleted::Child { ah: false, spi } => Text::verbatim(format_args!("ESP SA {spi}")),
    });
    (!deleted.is_empty()).then(|| all_of(names))
}

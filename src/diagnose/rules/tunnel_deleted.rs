//! The tunnel was closed.

use crate::diagnose::facts::esp;
use crate::diagnose::facts::{
    Asked, Fate, TOGETHER, asked, began, end_of, life, offer, quality, tap,
};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, all_of};
use crate::model::{Deleted, EspFlow, Exchange, ExchangeId, IkeSa, IkeSaId, IkeState, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
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

/// Traffic that ends this close to the message ended because of it.
const CLOSE: Span = Span::from_millis(500);

/// Packets that were under way when the message passed.
const IN_FLIGHT: Span = Span::from_millis(100);

/// Silence that tells a deletion from a rekeying.
const SILENCE: Span = Span::from_secs(1);

/// Whoever rekeyed an IKE SA deletes the old one this soon.
const TIDY: Span = Span::from_secs(10);

/// Two negotiations that crossed are tidied up this soon.
const CROSSED: Span = Span::from_secs(30);

/// So many packets after the deletion mean that the tunnel is still needed.
const NEEDED: u64 = 5;

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

/// An IKE SA that was deleted and that no other took the place of.
fn closed(case: &Case<'_>, id: IkeSaId) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    if sa.state != IkeState::Deleted || is_replaced(case, id) {
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
    let (severity, confidence, what): (_, _, Text) = match (still >= NEEDED, after) {
        (_, Some(Afterwards::Failed | Afterwards::Silent)) if renews => (
            Severity::Info,
            Confidence::Likely,
            say!(
                "{who} asked for a new one at once, and does not get it.",
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
        .explaining(shunned(case, who, after))
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

/// What is said of a delete after which no attempt is known to have come to anything.
fn nothing_yet(
    case: &Case<'_>,
    time: Timestamp,
    vantage: Vantage,
    otherwise: &'static str,
) -> Text {
    /// Who needs the tunnel asks for it sooner.
    const WAIT: Span = Span::from_secs(1);
    let end = tap::ended(case.model, vantage);
    let left = end.map(|end| end.since(time).max(Span::default()));
    if case.ike_sas().any(|sa| sa.seen.first.1 > time) {
        return "A new attempt follows; the recording ends before it is known what comes of it."
            .into();
    }
    match left.filter(|left| *left < WAIT) {
        Some(Span(0)) => "The recording ends there.".into(),
        Some(left) => say!("The recording ends {left} later.", left),
        None => otherwise.into(),
    }
}

/// What else is seen of a side that deletes and then wants no more of it.
fn shunned(case: &Case<'_>, who: IpAddr, after: Option<Afterwards>) -> &'static [&'static str] {
    // Where what it would take is known, the algorithms may well be the reason.
    let known = || {
        let refused = case.turned_down_by(who)?.attempts.first()?;
        offer::known_of(case, who, refused.0)
    };
    match after {
        Some(Afterwards::Refused) if known().is_none() => {
            &["peer-address-unknown", "ike-proposal-mismatch"]
        }
        Some(Afterwards::Refused) => &["peer-address-unknown"],
        Some(Afterwards::Silent) => &["ike-no-response"],
        _ => &[],
    }
}

/// Whether packets that belong inside left in clear between two times: somebody wanted the tunnel.
fn leaves_in_clear(case: &Case<'_>, from: Timestamp, until: Timestamp) -> bool {
    let mut leaks = case.leaks().rows().iter();
    leaks.any(|leak| leak.seen.last.1 > from && leak.seen.first.1 < until)
}

/// All ESP ended at an informational message of the size of a delete, and later someone asked for a
/// new SA. Block padding makes a liveness check as large, so the traffic itself must tell.
fn cut_off(
    case: &Case<'_>,
    directions: &[esp::Directions<'_>],
    id: IkeSaId,
    died: &[Timestamp],
) -> Option<Finding> {
    let sa = &case.model.ike_sas[id];
    let tap = case.tap();
    sa.exchanges
        .iter()
        .map(|id| &case.model.exchanges[*id])
        // An unanswered one is a liveness check on a dead path.
        .filter(|exchange| exchange.response().is_some() || asked::is_v1(exchange.kind))
        .filter_map(|exchange| Some((exchange, life::may_delete(case.model, id, exchange)?)))
        // An IKE SA that has a successor is deleted, and nobody misses it.
        .filter(|(_, closing)| !is_succeeded(case, id, closing.at))
        .filter(|(_, closing)| !tidies_up(case.model, sa, closing.at.1, SILENCE))
        .find_map(|(exchange, closing)| {
            let (again, asker) = asked_again(case, closing.at.1)?;
            let who = closing.from;
            let fate = fate_of_attempts(case, closing.at.1, who)
                .filter(|fate| *fate != Afterwards::Up);
            // What is asked for in vain brings no traffic back.
            let until = match fate {
                Some(_) => tap::ended(case.model, vantage(case.model, exchange)?)?,
                None => again.1,
            };
            // Who restarts closes the whole tunnel, and gives it back at the first try: there the pause alone tells
            // that it was missed, if nothing else does.
            let closes = sa.state == IkeState::Deleted
                && sa.seen.last.1.since(closing.at.1) <= SILENCE;
            let mut anew = case.ike_sas().filter(|sa| sa.seen.first.1 > closing.at.1);
            let given_back = anew.next().is_some_and(|sa| sa.state.was_up());
            let by_pause = closes && given_back && !leaves_in_clear(case, closing.at.1, again.1);
            let ended = directions.iter().any(|directions| {
                // Where the clock was set back, before and after are not known by time.
                if quality::clock_error(case.model, directions.vantage) > Span::default() {
                    return false;
                }
                [0, 1]
                    .into_iter()
                    .all(|end| ends_at(directions, end, closing.at.1, until, by_pause))
            });
            let paused = again.1.since(closing.at.1);
            // Who asks for a new SA much later wants something new.
            let missed = (SILENCE..=TOGETHER).contains(&paused) || fate.is_some();
            if !ended || !missed || path_died(died, closing.at.1, again.1) {
                return None;
            }
            let named = named(case, id, closing.at);
            let says = match &named {
                Some(deleted) => say!(
                    "ESP flowed in both directions up to the delete of {deleted} by {who}, and then ended at once, for \
                     longer than it ever paused before; {paused} later {asker} asked for a new SA.",
                    deleted,
                    who,
                    paused,
                    asker
                ),
                None => say!(
                    "ESP flowed in both directions up to an informational message by {who}, and then ended at once, \
                     for longer than it ever paused before; {paused} later {asker} asked for a new SA.",
                    who,
                    paused,
                    asker
                ),
            };
            // Who deletes and asks anew by itself was restarted, or means it.
            let wanted = end_of(case.tunnel, asker) != end_of(case.tunnel, who);
            let finding = Finding::new(
                    &RULE,
                    match named {
                        Some(_) => Confidence::Certain,
                        // Nobody begins anew at once but for an SA that is gone.
                        None if fate.is_some() && paused < SILENCE => Confidence::Likely,
                        None => Confidence::Possible,
                    },
                    case.id,
                    closing.at,
                    match named {
                        Some(_) => "a delete, at which all ESP ends",
                        None => "a message of the size of a delete, at which all ESP ends",
                    },
                )
                .also(again, say!("{asker} asks for a new SA", asker))
                .explaining(shunned(case, who, fate))
                .severity(match wanted {
                    true => tap.gaps(RULE.severity),
                    false => Severity::Info,
                })
                .title(say!("{who} deleted the SA in use", who))
                .says(says)
                .advise(say!(
                    "Read the log of {who}: it says why it deleted the SA.",
                    who
                ));
            Some(match named {
                Some(_) => finding,
                None => finding.or("The traffic happened to pause at that moment."),
            })
        })
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

/// When requests were first sent that were not answered, in order.
fn unanswered(case: &Case<'_>) -> Vec<Timestamp> {
    let unsettled = case.unsettled().iter();
    let unanswered = unsettled.filter(|asked| asked.fate != Fate::Answered);
    let mut times: Vec<Timestamp> = unanswered.map(|asked| asked.first.1).collect();
    times.sort_unstable();
    times
}

/// Whether one of these was sent between the two times: then the path ended the traffic.
fn path_died(unanswered: &[Timestamp], from: Timestamp, until: Timestamp) -> bool {
    let next = unanswered.get(unanswered.partition_point(|time| *time <= from));
    next.is_some_and(|time| *time < until)
}

/// Whether ESP towards `end` flowed up to just before `time` and then paused until `until`, longer
/// than it ever had. Where it is to be known `by_pause` alone, it must have been watched for as long before: of what
/// flowed for a second nobody knows whether it pauses for three.
fn ends_at(
    directions: &esp::Directions<'_>,
    end: usize,
    time: Timestamp,
    until: Timestamp,
    by_pause: bool,
) -> bool {
    // What goes on, or ended long before, is known without a look at every flow.
    let mut goes_on = directions.alive(end, time.later(IN_FLIGHT).later(Span(1)), time);
    let mut recent = directions.alive(end, time.later(Span(-CLOSE.0)), time);
    if goes_on.next().is_some() || recent.next().is_none() {
        return false;
    }
    let (before, after): (Vec<&EspFlow>, Vec<&EspFlow>) = directions
        .flows(end)
        .iter()
        .partition(|flow| flow.seen.first.1 < time);
    let packets: u64 = before.iter().map(|flow| flow.packets).sum();
    let seen = before.iter().map(|flow| flow.seen);
    let begun = seen.clone().map(|seen| seen.first.1).min();
    let Some((begun, last)) = begun.zip(seen.map(|seen| seen.last.1).max()) else {
        return false;
    };
    let paused = before
        .iter()
        .filter_map(|flow| flow.silences.first())
        .map(|silence| silence.length)
        .max()
        .unwrap_or_default();
    packets >= NEEDED
        && time.since(last) <= CLOSE
        && last.since(time) <= IN_FLIGHT
        && until.since(last) > paused
        && (!by_pause || last.since(begun) >= until.since(last))
        && after.iter().all(|flow| flow.seen.first.1 >= until)
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

/// What came of the attempts to set a tunnel up again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Afterwards {
    /// One succeeded, as far as it shows.
    Up,
    /// The side that deleted refused every one in clear.
    Refused,
    /// No one was answered.
    Silent,
    /// They were answered, and none succeeded.
    Failed,
}

/// A slow peer answers so late: it computes keys, or waits for a server.
const SLOW: Span = Span::from_secs(10);

/// What came of the attempts after `time`; `None` if there is none, or it is too early to say.
fn fate_of_attempts(case: &Case<'_>, time: Timestamp, who: IpAddr) -> Option<Afterwards> {
    let attempts: Vec<&IkeSa> = case.ike_sas().filter(|sa| sa.seen.first.1 > time).collect();
    if attempts.iter().any(|sa| sa.state.was_up()) {
        return Some(Afterwards::Up);
    }
    // A refusal is an end of its own; only silence needs time.
    let refused = |sa: &IkeSa| {
        let mut errors = sa.notices.iter().filter(|notice| notice.is_error());
        sa.state == IkeState::Refused
            && errors.any(|notice| end_of(case.tunnel, notice.from) == end_of(case.tunnel, who))
    };
    let (first, last) = (attempts.first()?, attempts.last()?);
    if attempts.iter().all(|sa| refused(sa)) {
        return Some(Afterwards::Refused);
    }
    let silent = attempts.iter().all(|sa| sa.state == IkeState::Unanswered);
    let (told, fate) = match silent {
        true => (first, Afterwards::Silent),
        // The last may succeed yet.
        false => (last, Afterwards::Failed),
    };
    let begun = case.model.exchanges[*told.exchanges.first()?]
        .flights
        .first()?;
    let vantage = crate::diagnose::facts::first(case.model, begun)?.vantage;
    tap::went_on(case.model, vantage, told.seen.first.1, SLOW).then_some(fate)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    #[test]
    fn a_clean_close_at_the_end_is_no_fault() {
        let found = findings(&format!(
            "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        ));
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn a_close_after_which_nothing_succeeds() {
        verdict(
            &format!(
                "{UP}
                 11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 12 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 12.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)
                 20 A:500 > B:500 IKE_SA_INIT i=6 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 20.1 B:500 > A:500 IKE_SA_INIT i=6 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
            ),
            "ike-proposal-mismatch",
        );
    }

    /// What is said after a close by B at 11 s.
    fn afterwards(attempts: &str) -> Option<String> {
        let text = format!(
            "{UP}
             11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             {attempts}"
        );
        let found = findings(&text);
        let mut found = found.iter().filter(|one| one.rule.slug == "tunnel-deleted");
        found.next().map(|one| one.says.to_string())
    }

    #[test]
    fn what_came_of_the_attempts_is_told_as_it_was() {
        let asked = "12 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let refused = "12.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";
        let accepted = "12.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            12.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
            12.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 80";
        let end = "40 C > B ESP 0xc1";
        let says = |text: &str| afterwards(text).unwrap_or_default();
        assert!(says(&format!("{asked} again=4\n{end}")).contains("meets silence"));
        assert!(says(&format!("{asked}\n{refused}")).contains("refuses every attempt"));
        let half = accepted.lines().take(2).collect::<Vec<_>>().join("\n");
        for answer in [accepted, &half] {
            let failed = says(&format!("{asked}\n{answer}\n{end}"));
            assert!(
                failed.contains("no attempt to set it up again succeeds"),
                "{failed}"
            );
        }
        // A slow peer may answer yet.
        let soon = says(&format!("{asked} again=1\n17 C > B ESP 0xc1"));
        assert!(
            !soon.contains("Afterwards") && !soon.contains("Nothing follows"),
            "{soon}"
        );
    }

    #[test]
    fn who_authenticates_anew_has_closed_nothing() {
        let text = format!(
            "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 opened D(IKE)
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80
             11.2 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.3 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.4 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             11.5 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)
             40 C > B ESP 0xc1"
        );
        assert_eq!(fires(&text, "tunnel-deleted").severity, Severity::Info);
        verdict(&text, "auth-failed");
        // Who begins anew only later had another reason.
        let later = text
            .replace("11.2 A", "14.2 A")
            .replace("11.3 B", "14.3 B")
            .replace("11.4 A", "14.4 A")
            .replace("11.5 B", "14.5 B");
        let says = fires(&later, "tunnel-deleted").says.to_string();
        assert!(says.contains("no attempt"), "{says}");
    }

    #[test]
    fn a_child_deleted_in_mid_traffic() {
        verdict(
            &format!(
                "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 14 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 14.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 14.2 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
                 14.3 B > A ESP 0xa2 seq 1..20 every 0.5 size 136"
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn the_delete_of_an_ike_sa_that_was_rekeyed_ends_nothing() {
        silent(
            &format!(
                "{UP}
                 10.6 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 304
                 10.61 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 304
                 10.62 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80
                 10.63 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 response sealed 80
                 18 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=0 request by=responder sealed 224
                 18.1 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=0 response sealed 208
                 18.2 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
                 18.3 B > A ESP 0xa2 seq 1..20 every 0.5 size 136"
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn whoever_sends_on_has_deleted_what_it_rekeyed() {
        // The new IKE SA says nothing in the rest of the capture.
        let found = findings(&format!(
            "{UP}
             10.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 304
             10.61 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 304
             10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 opened D(IKE)
             10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response sealed 80
             11 A > B ESP 0xb1 seq 21..60 every 0.5 size 136
             11.1 B > A ESP 0xa1 seq 21..60 every 0.5 size 136"
        ));
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn a_delete_as_small_as_any_message_and_silence_at_once() {
        verdict(
            &format!(
                "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
                 60 C > B ESP 0xc1"
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn a_tunnel_that_is_not_given_back_is_missed_however_short_the_recording() {
        // Watched for a second, and paused for two: a restart that is given back would be no fault.
        let up = UP.replace("1..20 every 0.5", "1..8 every 0.2");
        let found = findings(&format!(
            "{up}
             2.6 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             2.7 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             4.7 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             6.7 C > B ESP 0xc1"
        ));
        assert!(!is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn a_delete_that_is_known_by_what_follows_is_told_once() {
        let found = findings(&format!(
            "{UP}
             10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 opened D(IKE)
             10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
             11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             11.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
        ));
        let mut slugs = found.iter().map(|finding| finding.rule.slug);
        assert_eq!(slugs.next(), Some("tunnel-deleted"), "{found:#?}");
        assert!(slugs.all(|slug| slug != "tunnel-deleted"), "{found:#?}");
    }

    #[test]
    fn of_two_negotiations_that_crossed_one_is_deleted() {
        let found = findings(&format!(
            "{UP}
             0.15 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.25 A:500 > B:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.35 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             0.45 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
             5 A:500 > B:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80
             5.1 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 response sealed 80"
        ));
        assert!(is_healthy(&found), "{found:#?}");
    }

    const AGAIN: &str = "
        14 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        14.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        14.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
        14.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
        14.4 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
        14.5 B > A ESP 0xa2 seq 1..20 every 0.5 size 136";

    /// A small informational exchange begun by an end, so many tenths of a second after 10 s.
    fn small(tenths: u32, from: char, to: char) -> String {
        let role = if from == 'B' { "by=responder" } else { "" };
        format!(
            "10.{tenths} {from}:500 > {to}:500 INFORMATIONAL i=1 r=2 id=2 request {role} sealed 80
             10.{tenths}5 {to}:500 > {from}:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        )
    }

    #[test]
    fn an_ike_sa_deleted_in_mid_traffic_that_the_other_side_wants_back() {
        let found = fires(
            &format!("{UP}\n{}\n{AGAIN}", small(7, 'B', 'A')),
            "tunnel-deleted",
        );
        assert_eq!(found.severity, Severity::Warning);
    }

    #[test]
    fn who_asks_hours_later_did_not_miss_it() {
        let text = |at: &str| {
            let again = AGAIN.replace("\n        14", &format!("\n        {at}"));
            format!("{UP}\n{}\n{again}", small(7, 'B', 'A'))
        };
        fires(&text("600"), "tunnel-deleted");
        silent(&text("7214"), "tunnel-deleted");
    }

    #[test]
    fn whoever_deletes_and_asks_anew_means_it() {
        let found = fires(
            &format!("{UP}\n{}\n{AGAIN}", small(7, 'A', 'B')),
            "tunnel-deleted",
        );
        assert_eq!(found.severity, Severity::Info);
    }

    #[test]
    fn a_liveness_check_in_a_pause_deletes_nothing() {
        // Traffic goes on afterwards, on the same SPIs.
        silent(
            &format!(
                "{UP}\n{}\n{}
                 13 A > B ESP 0xb1 seq 21..40 every 0.5 size 136
                 13.1 B > A ESP 0xa1 seq 21..40 every 0.5 size 136",
                small(7, 'B', 'A'),
                AGAIN.replace("\n        14", "\n        34")
            ),
            "tunnel-deleted",
        );
        // It had paused as long before.
        silent(
            &format!(
                "{}\n{}\n{AGAIN}",
                UP.replace("seq 1..20 every 0.5", "seq 1..2 every 7")
                    + "\n 9 A > B ESP 0xb1 seq 3..6 every 0.5 size 136
                         9.1 B > A ESP 0xa1 seq 3..6 every 0.5 size 136",
                small(7, 'B', 'A')
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn a_liveness_check_on_a_dead_path_is_not_answered() {
        let asked = small(7, 'B', 'A');
        let asked = asked.lines().next().unwrap_or_default();
        silent(
            &format!("{UP}\n{asked} again=0.5,1,2\n{AGAIN}"),
            "tunnel-deleted",
        );
    }

    #[test]
    fn a_liveness_check_after_which_the_path_died_deleted_nothing() {
        silent(
            &format!(
                "{UP}\n{}
                 12 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 request by=responder sealed 80 again=0.5,1
                 {AGAIN}",
                small(7, 'B', 'A')
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn what_is_set_up_again_at_once_was_not_cut() {
        let again = AGAIN.replace("\n        14", "\n        11");
        let found = findings(&format!("{UP}\n{}\n{again}", small(7, 'B', 'A')));
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn what_was_deleted_is_named_if_it_was_read() {
        let says = |deleted: &str| {
            let text = format!(
                "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 {deleted}
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 11 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
                 60 C > B ESP 0xc1"
            );
            let found = fires(&text, "tunnel-deleted");
            let notes = found.evidence.iter().map(|one| one.note.to_string());
            (found.confidence, notes.collect::<String>())
        };
        let (sealed, read) = (says(""), says("opened D(IKE)"));
        assert!(read.1.contains("the delete of the IKE SA"), "{read:?}");
        assert!(sealed.1.contains("of the size of a delete"), "{sealed:?}");
        assert!(read.0 > sealed.0);
    }

    #[test]
    fn few_packets_do_not_show_that_a_flow_ended() {
        use super::{Case, ends_at};
        let ends = |last: u32| {
            let model = crate::testing::model(&format!(
                "1 A > B ESP 0xb1 seq 1..{last} every 0.5
                 1 B > A ESP 0xa1 seq 1..{last} every 0.5"
            ));
            let case = Case::of(&model, crate::model::TunnelId(0));
            let directions = &case.directions()[0];
            let last = directions.last(0).unwrap().1;
            let until = last.later(crate::units::Span::from_secs(9));
            let at = last.later(crate::units::Span::from_millis(100));
            [false, true].map(|by_pause| ends_at(directions, 0, at, until, by_pause))
        };
        assert_eq!(ends(4), [false, false]);
        // Watched for two seconds, it may pause for nine at any time; watched for nine it may not.
        assert_eq!(ends(5), [true, false]);
        assert_eq!(ends(18), [true, false]);
        assert_eq!(ends(19), [true, true]);
    }

    #[test]
    fn an_ike_sa_is_succeeded_by_one_that_stands_or_by_one_that_replaces_it() {
        use super::{Case, is_succeeded};
        use crate::model::{IkeSaId, TunnelId};
        let succeeded = |text: &str| {
            let model = crate::testing::model(text);
            let case = Case::of(&model, TunnelId(0));
            let (id, sa) = model.ike_sas.entries().next().unwrap();
            assert_eq!(id, IkeSaId(0));
            let last = &model.exchanges[*sa.exchanges.last().unwrap()];
            let at = super::said(&model, last).unwrap().0;
            is_succeeded(&case, id, at)
        };
        let delete = "
            10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 request by=responder sealed 80 opened D(IKE)
            10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 response sealed 80";
        assert!(!succeeded(&format!("{UP}{delete}")));
        let rekeyed = "
            10.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed 304
            10.61 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 304
            18 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=0 request by=responder sealed 224
            18.1 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=0 response sealed 208";
        assert!(succeeded(&format!("{UP}{rekeyed}{delete}")));
        // Crossed by one of the other side, which stays.
        let crossed = "
            0.05 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.15 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.25 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
            0.35 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
            30 B:500 > A:500 INFORMATIONAL i=7 r=8 id=2 request sealed 80
            30.1 A:500 > B:500 INFORMATIONAL i=7 r=8 id=2 response sealed 80";
        assert!(succeeded(&format!("{UP}{crossed}{delete}")));
    }

    #[test]
    fn an_attempt_at_the_very_moment_is_none_after_it() {
        let text = format!(
            "{UP}
             20 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11,24
             60 C > B ESP 0xc1"
        );
        let model = crate::testing::model(&text);
        let case = super::Case::of(&model, crate::model::TunnelId(0));
        let begun = model.ike_sas.iter().last().unwrap().seen.first.1;
        let before = crate::units::Timestamp(begun.0 - 1);
        let who = "192.0.2.2".parse().unwrap();
        assert!(super::fate_of_attempts(&case, before, who).is_some());
        assert!(super::fate_of_attempts(&case, begun, who).is_none());
    }

    #[test]
    fn who_has_just_rekeyed_tidies_up() {
        let model = crate::testing::model(&format!(
            "{UP}
             10.6 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 304
             10.61 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 304"
        ));
        let sa = model.ike_sas.iter().next().unwrap();
        let asked = model
            .messages
            .iter()
            .find(|message| message.header.message_id == 2);
        let asked = asked.unwrap().time;
        let second = crate::units::Span::from_secs(1);
        let tidies = |millis| {
            let at = asked.later(crate::units::Span::from_millis(millis));
            super::tidies_up(&model, sa, at, second)
        };
        assert_eq!([-1, 1, 999, 1000].map(tidies), [false, true, true, false]);
    }
}

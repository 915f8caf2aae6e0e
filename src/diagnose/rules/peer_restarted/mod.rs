//! The peer vanished without a word and begins anew: it restarted.

mod past;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::{Fate, auth, began, end_of, esp, first, life, nat, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{EspFlow, Exchange, Flight, IkeSa, IkeSaId, IkeState, Model, Role};
use crate::registry::{ExchangeType, NotifyV1};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use crate::wire::{Body, ikev1};
use past::Past;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-restarted",
    code: "IKE305",
    severity: Severity::Warning,
    summary: "The peer restarted",
    document: DOCUMENT,
    explains: &[
        "unknown-spi",
        "ike-refused",
        "ike-no-response",
        "esp-blocked",
        "esp-one-way",
        "dpd-timeout",
        "path-outage",
        "ike-port-unreachable",
        "ike-host-unreachable",
        "tunnel-flapping",
        "clear-text-leak",
        "tunnel-deleted",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::SEVERAL.or(Signs::ESP),
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway lost its state: its daemon or the whole device restarted. Until it negotiates anew, its peer goes on sending to SAs that are gone.

## How it is seen
One side falls silent, IKE and ESP alike, and sends no delete. The other side goes on sending ESP to it. Then the silent side begins with a first IKE message and a new SPI, without having asked in vain before, and the old SPIs are never used again. Where IKE alone asked it in vain meanwhile a restart is no more than possible, and is told only where the tap stands beside that side. So it is where the other side asked in vain until it gave up, unless the tap stands beside the silent one: then a path that was dead for so long had both give up. Or its host answers with ICMP port or protocol unreachable, INVALID_SPI or INVALID_IKE_SPI to SAs that worked and that nobody deleted, and either side then begins anew. Or it begins anew so soon that no silence is seen, and deletes nothing. Of an IKE SA that is older than the recording its ESP is enough. In IKEv1, where SAs are renewed without a word about the old ones, a longer silence is asked for, or, with keys, INITIAL-CONTACT.

## What else looks like it
A path outage: but then the silent side would have probed in vain before it began anew, and its old SPIs would come back. A failover to another device with the same address. Of several clients behind one NAT, one goes and another comes. A computer that slept wakes and begins anew. A reauthentication of which the old IKE SA is deleted late, or left to expire: where nothing else shows a restart, it is told for information.

## What to do
1. Look at the log and uptime of the peer at that time.
2. Enable dead peer detection on both sides, so that the loss is noticed sooner.
";

/// The restarted side was silent at least so long.
const SILENCE: Span = Span::from_secs(2);

/// After a longer silence nobody can tell a restart from a tunnel that was given up.
const LONGEST: Span = Span::from_secs(900);

/// The other side sent at least so many packets into the void.
const VOID: u64 = 3;

/// ESP that was sent before the other side had heard of the new SA.
const IN_FLIGHT: Span = Span::from_secs(1);

/// ESP this recent was in use.
const RECENT: Span = Span::from_secs(10);

/// A side that reauthenticates deletes the old IKE SA sooner than this.
const PATIENCE: Span = Span::from_secs(10);

fn check(case: &Case<'_>) -> Vec<Finding> {
    if !has_past(case) {
        return Vec::new();
    }
    let past = Past::of(case);
    let mut lived = Vec::new();
    for id in &case.tunnel.ike_sas {
        let new = &case.model.ike_sas[*id];
        if let Some(finding) = restarted(case, &past, &lived, new) {
            return vec![finding];
        }
        if matches!(new.state, IkeState::Established | IkeState::AlreadyUp) {
            lived.push(*id);
        }
    }
    Vec::new()
}

/// Whether anything of the tunnel may be older than its last IKE SA: an IKE SA, or ESP of one that the
/// recording begins after.
fn has_past(case: &Case<'_>) -> bool {
    let Some(sa) = case.ike_sas().next() else {
        return false;
    };
    let before = |flow: &EspFlow| flow.seen.first.1 < sa.seen.first.1;
    case.tunnel.ike_sas.len() > 1 || case.flows().any(before)
}

/// Whether one side restarted just before `new` was set up, after those that `lived` before it.
fn restarted(
    case: &Case<'_>,
    past: &Past<'_, '_>,
    lived: &[IkeSaId],
    new: &IkeSa,
) -> Option<Finding> {
    let begins = case.model.exchanges[*new.exchanges.first()?]
        .flights
        .first()?;
    let message = first(case.model, begins)?;
    // The answer that agrees may be missing where the IKE SA came up all the same.
    let agreed = auth::agreed(case.model, new).is_some() || new.state.was_up();
    if !message.header.spis.responder.is_zero() || !agreed {
        return None;
    }
    let start = began(case.model, begins)?;
    // An older IKE SA lived, and nobody closed it; or it is known by its ESP alone.
    let old = lived
        .iter()
        .rfind(|id| case.model.ike_sas[**id].seen.first.1 < start.1)
        .copied();
    match old {
        Some(old) if uses(case, old, message.path.from().address, start.1) => return None,
        None if !past.is_known_by_esp(start.1) => return None,
        _ => {}
    }
    let from = message.path.from().address;
    // Who leaves each IKE SA as soon as it is up does not restart so often.
    if case
        .unused()
        .is_some_and(|unused| unused.serves && unused.initiator == from)
    {
        return None;
    }
    let end = end_of(case.tunnel, from)?;
    let other = case.tunnel.ends.get(1 - end).copied()?;
    let asker = (message.path.from().address, message.vantage);
    let v1 = new.version.major() == 1;
    denies(case, past, asker.0, start)
        .or_else(|| denies(case, past, other, start))
        .or_else(|| {
            begins_anew(case, past, asker.0, start).filter(|_| {
                !v1 || is_first_contact(case.model, new) || fell_silent(case, end, start)
            })
        })
        .or_else(|| forgets(case, past, asker, start, old?, new))
}

/// Whether who begins anew still uses an older IKE SA. That the other side asks on it in vain, or closes it when it has
/// the new one, tells nothing of that.
fn uses(case: &Case<'_>, old: IkeSaId, who: IpAddr, start: Timestamp) -> bool {
    /// Who asks in vain does not ask so many things.
    const ASKED: usize = 8;
    let old = &case.model.ike_sas[old];
    if old.seen.last.1 <= start {
        return false;
    }
    let exchanges = old.exchanges.iter().rev();
    let mut exchanges = exchanges.map(|id| &case.model.exchanges[*id]);
    let is_before = |exchange: &Exchange| {
        let mut began = exchange.flights.iter();
        began.all(|flight| began_before(case, flight, start))
    };
    let of_who = |flight: &Flight| {
        first(case.model, flight).is_none_or(|message| {
            message.time > start
                && end_of(case.tunnel, message.path.from().address) == end_of(case.tunnel, who)
        })
    };
    for _ in 0..ASKED {
        let Some(exchange) = exchanges.next().filter(|one| !is_before(one)) else {
            return false;
        };
        if exchange.flights.iter().any(of_who) {
            return true;
        }
    }
    true
}

fn began_before(case: &Case<'_>, flight: &Flight, start: Timestamp) -> bool {
    began(case.model, flight).is_some_and(|(_, time)| time <= start)
}

/// The silent side begins by itself, while the other sent into the void.
fn begins_anew(case: &Case<'_>, past: &Past<'_, '_>, who: IpAddr, start: Cite) -> Option<Finding> {
    let end = end_of(case.tunnel, who)?;
    let heard = case.heard().last(end, start.1)?;
    let silence = start.1.since(heard.1);
    if silence < SILENCE || silence > LONGEST {
        return None;
    }
    let directions = case.directions();
    // What was sent in the same breath as the last packet heard crossed it, or followed one that the
    // recording missed.
    let alone = heard.1.later(IN_FLIGHT);
    let void: u64 = directions
        .iter()
        .map(|directions| {
            // Of all others nothing came between the two.
            let flows = directions.alive(end, alone, start.1);
            flows
                .map(|flow| {
                    let after = esp::packets_since(flow, start.1);
                    esp::packets_since(flow, alone).saturating_sub(after)
                })
                .sum()
        })
        .max()
        .unwrap_or_default();
    // Without traffic the other side asks whether it lives. Where a path is dead both do, and a tap far from the
    // one that begins anew does not hear what that asks.
    let tries = || match past.is_heard(end) {
        true => past.tries(1 - end, heard.1, start.1),
        false => 0,
    };
    if void < VOID && tries() < VOID
        || past.asked_in_vain(end, start.1)
        || runs_on(directions, end, start.1, start.1)
    {
        return None;
    }
    let told = |confidence| finding(case, confidence, who, heard, start, None);
    // Where a path was dead for so long both gave up, and a tap far from the one that begins anew does not hear what that
    // asked.
    let both_gave_up = !past.is_heard(end) && past.gave_up(1 - end, heard.1, start.1);
    let told = match void >= VOID {
        true => {
            let says = say!(
                "{peer} was silent for {silence} and sent no delete, while {void} ESP packets went to it \
                 unanswered. Then it began a new IKE SA from the first message; its old SPIs are not used \
                 again.",
                peer = who,
                silence,
                void
            );
            match both_gave_up {
                false => told(Confidence::Likely).says(says),
                true => told(Confidence::Possible)
                    .title(say!("{peer} seems to have restarted", peer = who))
                    .says(says.then(
                        "It was asked in vain for so long that it had time to give the tunnel up as well: a path that \
                         was dead meanwhile looks the same.",
                    )),
            }
        }
        false => told(Confidence::Possible)
            .title(say!("{peer} seems to have restarted", peer = who))
            .says(say!(
                "{peer} was silent for {silence} and sent no delete, while IKE asked it in vain {times}. Then it began \
                 a new IKE SA from the first message; its old SPIs are not used again.",
                peer = who,
                silence,
                times = count(tries(), "time")
            )),
    };
    Some(
        told
            .or("A path outage in which the side that begins anew lost its state as well.")
            .or("It gave the tunnel up: what it asked itself did not get as far as this tap, and so had no answer."),
    )
}

/// Whether who begins an IKE SA of IKEv1 says in it that it has no other with the peer, as far as keys tell (RFC 2407
/// section 4.6.3.3).
fn is_first_contact(model: &Model, sa: &IkeSa) -> bool {
    let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let phase_1 = exchanges.take_while(|exchange| exchange.kind != ExchangeType::QUICK_MODE);
    let flights = phase_1.flat_map(|exchange| &exchange.flights);
    let mut own = flights.filter(|flight| flight.by == Role::Initiator);
    own.any(|flight| {
        model.readable(flight).is_some_and(|(_, read)| {
            read.payloads.iter().any(|payload| {
                matches!(&payload.body, Body::V1(ikev1::Body::Notify(said))
                    if said.kind == NotifyV1::INITIAL_CONTACT)
            })
        })
    })
}

/// Whether an end that had answered packet for packet stopped well before `start`, while the other went
/// on. ISAKMP SAs are renewed without a word about the old ones, by sides that have nothing to send, too.
fn fell_silent(case: &Case<'_>, end: usize, start: Cite) -> bool {
    /// So long, and with so many packets unanswered, no conversation pauses on one side only.
    const LONG: Span = Span::from_secs(10);
    const MANY: u64 = 15;
    case.directions().iter().any(|directions| {
        let before = |towards: usize| {
            let flows = directions.flows(towards).iter();
            flows.filter(|flow| flow.seen.first.1 < start.1)
        };
        let Some(last) = before(1 - end).map(|flow| flow.seen.last.1).max() else {
            return false;
        };
        let sent = |towards: usize, since: Timestamp| -> u64 {
            before(towards)
                .map(|flow| esp::packets_since(flow, since))
                .sum()
        };
        let asked: u64 = before(end).map(|flow| flow.packets).sum();
        let answers: u64 = before(1 - end).map(|flow| flow.packets).sum();
        let unanswered = sent(end, last).saturating_sub(sent(end, start.1));
        let answered = asked.saturating_sub(sent(end, last));
        start.1.since(last) >= LONG
            && unanswered >= MANY
            && answers >= MANY
            && answers.saturating_mul(2) >= answered
    })
}

/// The host of `who` said that it knows nothing of the old SAs, and then a new one was set up, by
/// either side.
fn denies(case: &Case<'_>, past: &Past<'_, '_>, who: IpAddr, start: Cite) -> Option<Finding> {
    let end = end_of(case.tunnel, who)?;
    let (denial, name) = past.denial(end, start.1)?;
    let denial = *denial;
    // Before it, the SAs worked.
    let heard = case.heard().last(end, denial.1)?;
    if runs_on(case.directions(), end, denial.1, start.1) {
        return None;
    }
    Some(
        finding(case, Confidence::Likely, who, heard, start, Some(denial))
            .also(denial, name)
            .says(say!(
                "{peer} used SAs that nobody deleted, and then answered {name}: the host was up, and knew \
                 nothing of them. {delay} later a new IKE SA was begun from the first message.",
                peer = who,
                name,
                delay = start.1.since(denial.1)
            )),
    )
}

/// The side that begins anew deletes nothing, and from that moment on neither side uses the old SAs:
/// not even long enough silence shows that it was away.
fn forgets(
    case: &Case<'_>,
    past: &Past<'_, '_>,
    (who, vantage): (IpAddr, Vantage),
    start: Cite,
    old: IkeSaId,
    new: &IkeSa,
) -> Option<Finding> {
    let end = end_of(case.tunnel, who)?;
    // ISAKMP SAs expire without a word, and their ESP lives on. What the other side says on the old IKE SA afterwards,
    // and is not answered, is no closing of it by who begins anew.
    let closing = life::closing(case.model, old).filter(|closing| {
        closing.at.1 <= start.1 || end_of(case.tunnel, closing.from) == Some(end)
    });
    if new.version.major() == 1 || new.replaces.is_some() || closing.is_some() {
        return None;
    }
    let heard = case.heard().last(end, start.1)?;
    let directions = case.directions();
    let recent = start.1.later(Span(-RECENT.0));
    let in_flight = start.1.later(IN_FLIGHT);
    let both = [0, 1];
    let worked = both
        .iter()
        .all(|towards| past.worked(*towards, recent, start.1));
    let carried_on = both
        .iter()
        .all(|towards| past.carried_on(*towards, start.1));
    let dropped = |end: usize| !runs_on(directions, end, start.1, in_flight);
    let went_on = tap::went_on(case.model, vantage, start.1, PATIENCE);
    if !(worked && carried_on && went_on && dropped(0) && dropped(1) && past.is_whole())
        || past.asked_in_vain(end, start.1)
    {
        return None;
    }
    Some(
        finding(case, Confidence::Possible, who, heard, start, None)
            .says(say!(
                "{peer} began a new IKE SA from the first message while the old one was in use, and never \
                 deleted that; its counters began anew, and neither side used the old SPIs again.",
                peer = who
            ))
            .severity(Severity::Info)
            .title(say!("{peer} seems to have restarted", peer = who))
            .or("A reauthentication of which the delete of the old IKE SA is not in this capture."),
    )
}

/// What is told of a restart, which the peer's host may have shown itself by what it denied.
fn finding(
    case: &Case<'_>,
    confidence: Confidence,
    who: IpAddr,
    heard: Cite,
    start: Cite,
    denial: Option<Cite>,
) -> Finding {
    let end = end_of(case.tunnel, who);
    let behind_nat = end.is_some_and(|end| nat::is_in_front(case, end));
    let mut unsettled = case.unsettled().iter();
    let probe = unsettled.find(|asked| {
        let from = end_of(case.tunnel, asked.from().address);
        let checks = [ExchangeType::INFORMATIONAL, ExchangeType::INFORMATIONAL_V1];
        from.is_some_and(|from| Some(from) != end)
            && checks.contains(&asked.exchange.kind)
            && asked.fate != Fate::Answered
            && asked.first.1 > heard.1
            && asked.first.1 < start.1
    });
    let finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        start,
        say!(
            "a new beginning, the old SAs of {peer} forgotten",
            peer = who
        ),
    )
    .also(heard, say!("last packet of {peer} before", peer = who))
    .title(say!("{peer} restarted", peer = who))
    .or("A failover to another device with the same address.");
    // Who sleeps denies nothing; for a client behind a NAT the NAT may.
    let finding = match denial {
        _ if behind_nat => {
            finding.or("A client went to sleep, or another one behind the same NAT took its place.")
        }
        Some(_) => finding,
        None => finding.or("It is a client that went to sleep and woke."),
    };
    let finding = finding.advise(say!(
        "Look at the log and the uptime of {peer} at that time.",
        peer = who
    ));
    match probe {
        Some(probe) => finding.advise(say!(
            "{span} passed from its last packet to the new beginning, though {prober} asked whether it lives: shorten \
             the time after which that takes it for dead, or let {peer} set up its tunnels at once when it starts.",
            span = start.1.since(heard.1),
            prober = probe.from().address,
            peer = who
        )),
        None => finding
            .advise("Enable dead peer detection on both sides, so that the loss is noticed sooner."),
    }
}

/// Whether `end` still uses an SPI of before `start` at or after `until`.
fn runs_on(
    directions: &[esp::Directions<'_>],
    end: usize,
    start: Timestamp,
    until: Timestamp,
) -> bool {
    directions
        .iter()
        .any(|directions| directions.alive(1 - end, until, start).next().is_some())
}

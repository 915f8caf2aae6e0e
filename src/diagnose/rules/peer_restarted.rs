//! The peer vanished without a word and begins anew: it restarted.

use crate::diagnose::facts::esp;
use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::tap::{self};
use crate::diagnose::facts::{
    Asked, Fate, auth, began, clear, end_of, first, life, nat, own, until_latest,
};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{EspFlow, Exchange, Flight, IkeSa, IkeSaId, IkeState, Model, Role};
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use crate::wire::{Body, ikev1};
use std::cell::OnceCell;
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

/// Many liveness checks give a silent peer up within this time.
const GIVEN_UP: Span = Span::from_secs(60);

/// What a peer answers to SPIs that it does not know; IKEv1 has the same numbers (INVALID-COOKIE,
/// INVALID-SPI).
const UNKNOWN: [NotifyType; 2] = [NotifyType::INVALID_IKE_SPI, NotifyType::INVALID_SPI];

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
    let past = Past {
        case,
        in_vain: OnceCell::new(),
        tries: OnceCell::new(),
        given_up: OnceCell::new(),
        anew: OnceCell::new(),
        beside: OnceCell::new(),
        denials: OnceCell::new(),
        busy: OnceCell::new(),
        whole: OnceCell::new(),
        fresh: OnceCell::new(),
    };
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

/// What is asked of a tunnel for each of its IKE SAs, gathered once: there may be thousands.
struct Past<'c, 'm> {
    case: &'c Case<'m>,
    /// Requests without answer by the end that asked, in order of the first copy: when that was, and
    /// the last copy of it and of those before it.
    in_vain: OnceCell<[Vec<(Timestamp, Timestamp)>; 2]>,
    /// When each end first sent a request that had no answer, in order, and how often it sent that and all before.
    tries: OnceCell<[Vec<(Timestamp, u64)>; 2]>,
    /// When each end first sent a request that it stopped repeating without an answer, in order, and when it must have
    /// given up by.
    given_up: OnceCell<[Vec<(Timestamp, Timestamp)>; 2]>,
    /// When each end first asked for a new IKE SA that it did not get, in order.
    anew: OnceCell<[Vec<Timestamp>; 2]>,
    /// Whether the tap stands beside each end.
    beside: OnceCell<[bool; 2]>,
    /// What each end said of SAs that it does not know, in order of time.
    denials: OnceCell<[Vec<(Cite, Text)>; 2]>,
    /// Flows towards each end that carried something, in order of their first packet: when that came,
    /// and the last one of them and of those before.
    busy: OnceCell<[Vec<(Timestamp, Timestamp)>; 2]>,
    /// Whether the recording has no gaps of its own.
    whole: OnceCell<bool>,
    /// When the first IKE SA that came up was begun, if every one that lived was begun in the recording.
    fresh: OnceCell<Option<Timestamp>>,
}

impl Past<'_, '_> {
    /// Whether `end` itself asked in vain shortly before `start`: then the path was dead.
    fn asked_in_vain(&self, end: usize, start: Timestamp) -> bool {
        let in_vain = self.in_vain.get_or_init(|| in_vain(self.case));
        let Some(asked) = in_vain.get(end) else {
            return false;
        };
        let before = asked.partition_point(|(first, _)| *first < start);
        let latest = before.checked_sub(1).and_then(|place| asked.get(place));
        latest.is_some_and(|(_, last)| start.since(*last) <= Finding::TRAIL)
    }

    /// How often `end` sent requests that had no answer, which it began between two moments.
    fn tries(&self, end: usize, from: Timestamp, to: Timestamp) -> u64 {
        let tries = self.tries.get_or_init(|| tries(self.case));
        let Some(tries) = tries.get(end) else {
            return 0;
        };
        let until = |moment: Timestamp| {
            let before = tries.partition_point(|(first, _)| *first < moment);
            let latest = before.checked_sub(1).and_then(|place| tries.get(place));
            latest.map_or(0, |(_, sum)| *sum)
        };
        until(to).saturating_sub(until(from))
    }

    /// Whether `end` asked in vain between two moments until it gave the tunnel up: it began anew itself, it stopped
    /// repeating what it asked, or it was asking when others give up.
    fn gave_up(&self, end: usize, from: Timestamp, to: Timestamp) -> bool {
        let anew = self.anew.get_or_init(|| anew(self.case));
        let began_anew = anew.get(end).is_some_and(|times| {
            let next = times.partition_point(|time| *time <= from);
            times.get(next).is_some_and(|time| *time < to)
        });
        let given_up = self.given_up.get_or_init(|| given_up(self.case));
        let stopped = given_up.get(end).is_some_and(|list| {
            let before = list.partition_point(|(first, _)| *first < to);
            let latest = before.checked_sub(1).and_then(|place| list.get(place));
            latest.is_some_and(|(first, until)| *first > from && *until <= to)
        });
        let lasting = to.since(from) >= GIVEN_UP;
        (began_anew || stopped || lasting) && self.tries(end, from, to) >= VOID
    }

    /// Whether all that an end sends is heard: the tap stands beside it.
    fn is_heard(&self, end: usize) -> bool {
        let beside = self
            .beside
            .get_or_init(|| [0, 1].map(|end| tap::is_beside(self.case, end)));
        beside.get(end).copied().unwrap_or(false)
    }

    /// The first time, not too long before `start`, that an end denied what it should know.
    fn denial(&self, end: usize, start: Timestamp) -> Option<&(Cite, Text)> {
        let denials = self.denials.get_or_init(|| denials(self.case));
        let denials = denials.get(end)?;
        let recent = denials.partition_point(|(at, _)| start.since(at.1) > LONGEST);
        denials.get(recent).filter(|(at, _)| at.1 < start)
    }

    /// Whether ESP that began before `start` came to an end at or after `recent`.
    fn worked(&self, towards: usize, recent: Timestamp, start: Timestamp) -> bool {
        let flows = self.busy(towards);
        let before = flows.partition_point(|(first, _)| *first < start);
        let latest = before.checked_sub(1).and_then(|place| flows.get(place));
        latest.is_some_and(|(_, last)| *last >= recent)
    }

    /// Whether ESP to an end began after `start`.
    fn carried_on(&self, towards: usize, start: Timestamp) -> bool {
        let latest = self.busy(towards).last();
        latest.is_some_and(|(first, _)| *first > start)
    }

    /// Whether the recording begins with ESP, both ways, of an IKE SA that was up before: and no IKE SA
    /// that came up or was closed since may have made or ended it.
    fn is_known_by_esp(&self, start: Timestamp) -> bool {
        let first = |towards: usize| self.busy(towards).first().map(|(first, _)| *first);
        let begins = first(0).zip(first(1)).map(|(one, other)| one.max(other));
        let fresh = self.fresh.get_or_init(|| fresh_since(self.case));
        begins.is_some_and(|begins| begins < start) && fresh.is_some_and(|first| start <= first)
    }

    fn busy(&self, towards: usize) -> &[(Timestamp, Timestamp)] {
        let busy = self.busy.get_or_init(|| busy(self.case));
        busy.get(towards).map_or(&[], Vec::as_slice)
    }

    /// Whether the recording has no gaps of its own: the delete that would tell a reauthentication may
    /// be what it missed.
    fn is_whole(&self) -> bool {
        let case = self.case;
        *self.whole.get_or_init(|| {
            case.tap().gaps(RULE.severity) == RULE.severity
                && case
                    .directions()
                    .iter()
                    .all(|directions| own::capture_lost(case.tunnel, directions).is_none())
        })
    }
}

fn busy(case: &Case<'_>) -> [Vec<(Timestamp, Timestamp)>; 2] {
    [0, 1].map(|towards| {
        let flows = case.directions().iter();
        let flows = flows.flat_map(|directions| directions.flows(towards));
        let mut busy: Vec<_> = flows
            .filter(|flow| flow.packets >= VOID)
            .map(|flow| (flow.seen.first.1, flow.seen.last.1))
            .collect();
        until_latest(&mut busy);
        busy
    })
}

/// When the first IKE SA was asked for, if all were negotiated in the recording; `None` if one may be older.
fn fresh_since(case: &Case<'_>) -> Option<Timestamp> {
    let mut first = None;
    for id in &case.tunnel.ike_sas {
        let state = case.model.ike_sas[*id].state;
        match life::birth(case.model, *id) {
            Some(birth) => first = first.into_iter().chain([birth.asked.1]).min(),
            None if matches!(state, IkeState::Unanswered | IkeState::HalfOpen) => {}
            None => return None,
        }
    }
    first
}

fn in_vain(case: &Case<'_>) -> [Vec<(Timestamp, Timestamp)>; 2] {
    let mut in_vain = [Vec::new(), Vec::new()];
    let unsettled = case.unsettled().iter();
    for asked in unsettled.filter(|asked| asked.fate != Fate::Answered) {
        let end = end_of(case.tunnel, asked.from().address);
        if let Some(list) = end.and_then(|end| in_vain.get_mut(end)) {
            list.push((asked.first.1, asked.last.1));
        }
    }
    in_vain.iter_mut().for_each(|list| until_latest(list));
    in_vain
}

/// Requests that were repeated in vain, and when the next copy had to come at the latest: the waits between copies grow,
/// and by no more than to the double (RFC 7296 section 2.4 leaves them to each).
fn given_up(case: &Case<'_>) -> [Vec<(Timestamp, Timestamp)>; 2] {
    let mut given_up = [Vec::new(), Vec::new()];
    for asked in case.unsettled().iter().filter(|asked| asked.is_silent()) {
        let end = end_of(case.tunnel, asked.from().address);
        let list = end.and_then(|end| given_up.get_mut(end));
        // Three copies have two waits, by which a schedule is known.
        if let ([_, .., before, last], Some(list)) = (&*asked.times, list) {
            let wait = last.since(*before);
            list.push((asked.first.1, last.later(Span(wait.0.saturating_mul(2)))));
        }
    }
    given_up.iter_mut().for_each(|list| list.sort_unstable());
    given_up
}

fn tries(case: &Case<'_>) -> [Vec<(Timestamp, u64)>; 2] {
    let mut tries = [Vec::new(), Vec::new()];
    for asked in case.unsettled().iter().filter(|asked| asked.is_silent()) {
        let end = end_of(case.tunnel, asked.from().address);
        if let Some(list) = end.and_then(|end| tries.get_mut(end)) {
            list.push((asked.first.1, asked.attempts() as u64));
        }
    }
    // Those of IKEv1 are never the same, and their answers are messages of their own (RFC 3706 section 5).
    let checks = case
        .exchanges()
        .filter(|one| one.kind == ExchangeType::INFORMATIONAL_V1);
    for flight in checks.filter_map(|one| one.flights.first()) {
        let message = first(case.model, flight).filter(|one| one.plain.is_encrypted());
        let end = message.and_then(|one| end_of(case.tunnel, one.path.from().address));
        if let (Some(message), Some(list)) = (message, end.and_then(|end| tries.get_mut(end))) {
            list.push((message.time, 1));
        }
    }
    for list in &mut tries {
        list.sort_unstable();
        let mut sum = 0u64;
        for (_, attempts) in list {
            sum = sum.saturating_add(*attempts);
            *attempts = sum;
        }
    }
    tries
}

fn anew(case: &Case<'_>) -> [Vec<Timestamp>; 2] {
    let mut anew = [Vec::new(), Vec::new()];
    let begins = |asked: &&Asked<'_>| asked.message.header.spis.responder.is_zero();
    let silent = case.unsettled().iter().filter(|asked| asked.is_silent());
    for asked in silent.filter(begins) {
        let end = end_of(case.tunnel, asked.from().address);
        if let Some(list) = end.and_then(|end| anew.get_mut(end)) {
            list.push(asked.first.1);
        }
    }
    anew.iter_mut().for_each(|list| list.sort_unstable());
    anew
}

fn denials(case: &Case<'_>) -> [Vec<(Cite, Text)>; 2] {
    let mut denials = [Vec::new(), Vec::new()];
    let mut deny = |end: Option<usize>, at: Cite, name: Text| {
        if let Some(list) = end.and_then(|end| denials.get_mut(end)) {
            list.push((at, say!("{name}", name)));
        }
    };
    for seen in icmp::about(case) {
        let end = end_of(case.tunnel, seen.path.from.address);
        let of_itself = end == end_of(case.tunnel, seen.error.quoted.to.address);
        let unreachable = matches!(
            icmp::meaning(&seen.error),
            Meaning::ProtocolUnreachable | Meaning::PortUnreachable
        );
        if unreachable && of_itself {
            deny(end, (seen.frame, seen.time), icmp::name(&seen.error));
        }
    }
    for denial in clear::denials(case, &UNKNOWN) {
        let end = end_of(case.tunnel, denial.from);
        deny(end, denial.first, denial.name.clone());
        if denial.last != denial.first {
            deny(end, denial.last, denial.name);
        }
    }
    for list in &mut denials {
        list.sort_by_key(|(at, _)| at.1);
    }
    denials
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
    let end = end_of(case.tunnel, message.path.from().address)?;
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

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    const ANEW: &str = "
        21 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.1 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.2 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
        21.3 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
        22 A > B ESP 0xb2 seq 1..10 every 0.5 size 136
        22.1 B > A ESP 0xa2 seq 1..10 every 0.5 size 136";

    #[test]
    fn silence_and_a_new_beginning_by_the_silent_side() {
        verdict(&format!("{UP}{ANEW}"), "peer-restarted");
    }

    #[test]
    fn a_host_that_refuses_and_then_negotiates_again() {
        verdict(
            &format!(
                "{UP}
                 12 B > A ICMP 3/2 quoting A > B ESP 0xb1
                 13 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1,3
                 13 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=2
                 21 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 21.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
            ),
            "peer-restarted",
        );
    }

    #[test]
    fn an_idle_tunnel_whose_peer_is_asked_in_vain_and_begins_anew() {
        let (up, _) = UP.split_once("\n        1 A > B").unwrap();
        let probes = |copies: &str| {
            format!(
                "{up}
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80{copies}{ANEW}"
            )
        };
        // The tap stands beside the one that begins anew, and would hear what that asks; with ESP or without.
        let beside = |text: &str, own: &str| -> String {
            let lines = text.lines().map(|line| match line.contains(own) {
                true => format!("{line}\n"),
                false => format!("{line} ttl=57\n"),
            });
            lines
                .filter(|line| !line.trim().starts_with("ttl"))
                .collect()
        };
        let asked = probes(" again=2,4,8");
        let (idle, _) = asked.split_once("\n        22 A > B").unwrap();
        for text in [asked.as_str(), idle] {
            let finding = fires(&beside(text, " B:500 > "), "peer-restarted");
            assert_eq!(finding.confidence, Confidence::Possible);
        }
        // A single request was lost.
        silent(&beside(&probes(""), " B:500 > "), "peer-restarted");
        // Of a path that died the other side would say the same.
        silent(&beside(&asked, " A:500 > "), "peer-restarted");
        silent(&asked, "peer-restarted");
    }

    #[test]
    fn whoever_probed_in_vain_did_not_restart() {
        silent(
            &format!(
                "{UP}{ANEW}
                 13 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=1,3"
            ),
            "peer-restarted",
        );
    }

    /// A begins anew instead of B.
    fn by_the_other() -> String {
        ANEW.replace("B:500 > A:500", "X")
            .replace("A:500 > B:500", "B:500 > A:500")
            .replace('X', "A:500 > B:500")
    }

    #[test]
    fn a_host_that_denies_the_old_sas_before_the_other_side_begins_anew() {
        for denial in [
            "12 B > A ICMP 3/2 quoting A > B ESP 0xb1",
            "12 B > A ICMP 3/3 quoting A:500 > B:500 IKE",
            "12 B:500 > A:500 INFORMATIONAL i=1 r=2 id=9 response N(INVALID_IKE_SPI)",
            "12 B:500 > A:500 INFORMATIONAL i=0 r=0 id=0 request N(INVALID_SPI 000000b1)",
        ] {
            let found = fires(
                &format!("{UP}\n{denial}\n{}", by_the_other()),
                "peer-restarted",
            );
            assert!(
                found.title.to_string().starts_with("192.0.2.2"),
                "{denial}: {}",
                found.title
            );
        }
    }

    #[test]
    fn old_sas_that_the_recording_knows_by_their_esp_alone() {
        let esp = UP.split_once("\n        1 A > B").unwrap().1;
        let esp = format!("1 A > B{esp}");
        verdict(&format!("{esp}{ANEW}"), "peer-restarted");
        let denial = "12 B > A ICMP 3/2 quoting A > B ESP 0xb1";
        let found = fires(
            &format!("{esp}\n{denial}\n{}", by_the_other()),
            "peer-restarted",
        );
        assert!(found.title.to_string().starts_with("192.0.2.2"));
        // Who asks in vain meanwhile saw the path die.
        let vain =
            "13 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80 again=1,3";
        silent(&format!("{esp}{ANEW}\n{vain}"), "peer-restarted");
        // An IKE SA that was closed before has taken its ESP with it.
        let close = "20.4 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80
             20.5 A:500 > B:500 INFORMATIONAL i=5 r=6 id=0 response sealed 80";
        silent(&format!("{esp}{ANEW}\n{close}"), "peer-restarted");
        // One direction alone may be all that this tap records.
        let one = esp.lines().next().unwrap();
        silent(&format!("{one}{ANEW}"), "peer-restarted");
    }

    #[test]
    fn silence_alone_before_the_other_side_begins_anew_tells_nothing() {
        silent(&format!("{UP}\n{}", by_the_other()), "peer-restarted");
    }

    #[test]
    fn a_router_that_denies_is_not_the_peer() {
        silent(
            &format!(
                "{UP}\n12 C > A ICMP 3/3 quoting A:500 > B:500 IKE\n{}",
                by_the_other()
            ),
            "peer-restarted",
        );
    }

    #[test]
    fn a_beginning_at_once_that_deletes_nothing() {
        let up = UP.replace("1..20", "1..38").replace("1..40", "1..38");
        let anew = ANEW.replace("1..10", "1..30");
        let found = fires(&format!("{up}\n{anew}"), "peer-restarted");
        assert_eq!(found.severity, crate::diagnose::Severity::Info);
        // A reauthentication deletes the old IKE SA.
        silent(
            &format!(
                "{up}\n{anew}
                 21.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 21.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80"
            ),
            "peer-restarted",
        );
        // Another IKE SA lives beside the first.
        silent(
            &format!("{UP}\n{anew}\n22.3 B > A ESP 0xa1 seq 21..40 every 0.5 size 136"),
            "peer-restarted",
        );
    }

    /// IKEv1: B answers each packet of A until it falls silent after so many seconds, and begins anew
    /// after 60.
    fn v1(answers: u32) -> String {
        let phase_1 = |at: u32, i: u32, from: &str, to: &str| {
            format!(
                "{at}.0 {from}:500 > {to}:500 MAIN i={i} r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.1 {to}:500 > {from}:500 MAIN i={i} r=9{i} SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.2 {from}:500 > {to}:500 MAIN i={i} r=9{i} KE Nonce
                 {at}.3 {to}:500 > {from}:500 MAIN i={i} r=9{i} KE Nonce
                 {at}.4 {from}:500 > {to}:500 MAIN i={i} r=9{i} sealed 92
                 {at}.5 {to}:500 > {from}:500 MAIN i={i} r=9{i} sealed 92 seed=1\n"
            )
        };
        format!(
            "{}1 A > B ESP 0xb1 seq 1..118 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..{answers} every 0.5 size 136
             {}61 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
             61.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 136",
            phase_1(0, 1, "A", "B"),
            phase_1(60, 7, "B", "A"),
        )
    }

    #[test]
    fn ikev1_that_falls_silent_amid_a_conversation_and_begins_anew() {
        verdict(&v1(60), "peer-restarted");
        // It talks until then, or hardly ever did: its ISAKMP SA is renewed.
        silent(&v1(117), "peer-restarted");
        silent(&v1(6), "peer-restarted");
    }

    #[test]
    fn ikev1_that_was_silent_and_says_initial_contact() {
        let says = |answers: u32| {
            let last = "60.4 B:500 > A:500 MAIN i=7 r=97 sealed 92";
            let text = v1(answers);
            assert!(text.contains(last), "{text}");
            text.replace(last, &format!("{last} opened ID HASH N(24578)"))
        };
        verdict(&says(6), "peer-restarted");
        silent(&says(117), "peer-restarted");
    }
}

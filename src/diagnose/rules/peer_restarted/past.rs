//! What a tunnel shows of the time before each of its IKE SAs.

use super::{LONGEST, RULE, VOID};
use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::nat::Nats;
use crate::diagnose::facts::{Asked, Fate, clear, end_of, first, life, own, tap, until_latest};
use crate::diagnose::{Case, Cite, Finding};
use crate::language::Text;
use crate::model::IkeState;
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp};
use std::cell::{LazyCell, OnceCell};

/// Many liveness checks give a silent peer up within this time.
const GIVEN_UP: Span = Span::from_secs(60);

/// What a peer answers to SPIs that it does not know; IKEv1 has the same numbers (INVALID-COOKIE,
/// INVALID-SPI).
const UNKNOWN: [NotifyType; 2] = [NotifyType::INVALID_IKE_SPI, NotifyType::INVALID_SPI];

/// What is asked of a tunnel for each of its IKE SAs, gathered once: there may be thousands.
pub(super) struct Past<'c, 'm> {
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

impl<'c, 'm> Past<'c, 'm> {
    /// Nothing is gathered before it is asked for.
    pub(super) fn of(case: &'c Case<'m>) -> Self {
        Self {
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
        }
    }
}

impl Past<'_, '_> {
    /// Whether `end` itself asked in vain shortly before `start`: then the path was dead.
    pub(super) fn asked_in_vain(&self, end: usize, start: Timestamp) -> bool {
        let in_vain = self.in_vain.get_or_init(|| in_vain(self.case));
        let Some(asked) = in_vain.get(end) else {
            return false;
        };
        let before = asked.partition_point(|(first, _)| *first < start);
        let latest = before.checked_sub(1).and_then(|place| asked.get(place));
        latest.is_some_and(|(_, last)| start.since(*last) <= Finding::TRAIL)
    }

    /// How often `end` sent requests that had no answer, which it began between two moments.
    pub(super) fn tries(&self, end: usize, from: Timestamp, to: Timestamp) -> u64 {
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
    pub(super) fn gave_up(&self, end: usize, from: Timestamp, to: Timestamp) -> bool {
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
    pub(super) fn is_heard(&self, end: usize) -> bool {
        let beside = self
            .beside
            .get_or_init(|| [0, 1].map(|end| tap::is_beside(self.case, end)));
        beside.get(end).copied().unwrap_or(false)
    }

    /// The first time, not too long before `start`, that an end denied what it should know.
    pub(super) fn denial(&self, end: usize, start: Timestamp) -> Option<&(Cite, Text)> {
        let denials = self.denials.get_or_init(|| denials(self.case));
        let denials = denials.get(end)?;
        let recent = denials.partition_point(|(at, _)| start.since(at.1) > LONGEST);
        denials.get(recent).filter(|(at, _)| at.1 < start)
    }

    /// Whether ESP that began before `start` came to an end at or after `recent`.
    pub(super) fn worked(&self, towards: usize, recent: Timestamp, start: Timestamp) -> bool {
        let flows = self.busy(towards);
        let before = flows.partition_point(|(first, _)| *first < start);
        let latest = before.checked_sub(1).and_then(|place| flows.get(place));
        latest.is_some_and(|(_, last)| *last >= recent)
    }

    /// Whether ESP to an end began after `start`.
    pub(super) fn carried_on(&self, towards: usize, start: Timestamp) -> bool {
        let latest = self.busy(towards).last();
        latest.is_some_and(|(first, _)| *first > start)
    }

    /// Whether the recording begins with ESP, both ways, of an IKE SA that was up before: and no IKE SA
    /// that came up or was closed since may have made or ended it.
    pub(super) fn is_known_by_esp(&self, start: Timestamp) -> bool {
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
    pub(super) fn is_whole(&self) -> bool {
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
    let nats = LazyCell::new(|| Nats::of(case));
    for seen in icmp::about(case) {
        let end = end_of(case.tunnel, seen.path.from.address);
        let of_itself = end == end_of(case.tunnel, seen.error.quoted.to.address);
        let unreachable = matches!(
            icmp::meaning(&seen.error),
            Meaning::ProtocolUnreachable | Meaning::PortUnreachable
        );
        if unreachable && of_itself && !nats.gave_to_nobody(case, seen.error.quoted.to) {
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

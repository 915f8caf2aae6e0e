//! What goes on inside ESP that keys opened: who asks whom, and whether an answer would have been
//! seen.

use super::icmp::{self, Meaning};
use super::{Tap, end_of, esp, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::{Text, count};
use crate::limits;
use crate::model::{EspFlow, FlowId, InnerError, InnerFlow, InnerWay, Model, Tunnel};
use crate::net::IcmpError;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The port of BGP.
pub const BGP: u16 = 179;

/// Protocol numbers of ICMP, which bears echo requests and their replies.
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// Tells of what may be the replies, from another address.
pub fn tell_unasked(mut finding: Finding, from: IpAddr, (other, at): (IpAddr, Cite)) -> Finding {
    finding.says.add(say!(
        "{other} sent ICMP to {from} that is neither request nor error, and {from} did not ask it: most likely \
         these are the replies, with their source translated on the way.",
        other,
        from
    ));
    finding.also(at, say!("ICMP from {other}, not asked for", other))
}

/// The port of DNS.
const DNS: u16 = 53;

/// One end of a conversation asks the other for an answer: opens a connection, sends echo requests
/// or queries names. Whatever else one end sends may want no answer.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'m> {
    /// The conversation.
    pub talk: &'m InnerFlow,
    /// Who asks.
    pub from: Endpoint,
    /// Who is asked.
    pub to: Endpoint,
    /// What the asker sent.
    pub out: &'m InnerWay,
    /// What came back.
    pub back: &'m InnerWay,
    /// The end of the tunnel behind which the one asked is.
    pub end: usize,
}

/// Requests that were not answered.
#[derive(Clone, Debug)]
pub struct Unanswered {
    /// How many.
    pub requests: u64,
    /// How many more came too near the end of the recording to count, as far as that is known.
    pub pending: u64,
    /// The first ones.
    pub places: Vec<Cite>,
    /// The first.
    pub first: Cite,
    /// The last.
    pub last: Cite,
    /// Whether answers had come before.
    pub stopped: bool,
}

impl Asking<'_> {
    /// Requests that were not answered: all of them, or all since some moment. What was asked too
    /// close to the end of the recording does not count.
    pub fn unanswered(&self, model: &Model) -> Option<Unanswered> {
        let seen = self.out.seen?;
        let vantage = self.talk.vantage;
        let waited = |time| tap::went_on(model, vantage, time, Tap::PATIENCE);
        if let Some(echo) = &self.out.echo {
            let pending = echo.waiting.iter().filter(|at| !waited(at.1)).count() as u64;
            let places = || {
                let all = echo.unanswered.iter().chain(&echo.waiting);
                all.copied().filter(|at| waited(at.1))
            };
            if echo.answered == 0 {
                // What it sent before may be its own replies.
                return Some(Unanswered {
                    requests: echo.requests.saturating_sub(pending),
                    pending,
                    places: places().collect(),
                    first: places().next()?,
                    last: places().next_back()?,
                    stopped: false,
                });
            }
            // What waits at the end came after all that were answered; the asker may go on answering others.
            let (run, last) = (echo.runs.last()?, echo.waiting.last()?);
            let first = run.seen.first;
            // While it answers others that late, those that have waited for less may yet be.
            let late = self.out.rtts.iter().filter(|row| row.at.1 >= first.1);
            let late = late.map(|row| row.rtt).max().unwrap_or_default();
            let last = (run.seen.last == *last)
                .then(|| {
                    places().rfind(|at| at.1 >= first.1 && tap::went_on(model, vantage, at.1, late))
                })
                .flatten()?;
            return Some(Unanswered {
                requests: run.requests.saturating_sub(pending),
                pending,
                places: vec![first, last],
                first,
                last,
                stopped: true,
            });
        }
        if self.is_answered_elsewhere() {
            return None;
        }
        if self.back.packets > 0 {
            return self.unacknowledged(model);
        }
        let (requests, pending, places) = match &self.out.tcp {
            // SYNs that came just before the recording ended do not count; those before them do.
            Some(tcp) => {
                let places: Vec<Cite> = until(&tcp.syn_places, waited).collect();
                let known = tcp.syns == tcp.syn_places.len() as u64;
                let pending = tcp.syn_places.len().saturating_sub(places.len()) as u64;
                match waited(seen.last.1) {
                    true => (tcp.syns, 0, places),
                    false if known => (places.len() as u64, pending, places),
                    false => (places.len() as u64, 0, places),
                }
            }
            None if waited(seen.last.1) => (self.out.packets, 0, vec![seen.first, seen.last]),
            None => return None,
        };
        let last = match waited(seen.last.1) {
            true => seen.last,
            false => *places.last()?,
        };
        Some(Unanswered {
            requests,
            pending,
            places,
            first: seen.first,
            last,
            stopped: false,
        })
    }

    /// Data of a connection that stood, sent again and again since the other end was heard last.
    fn unacknowledged(&self, model: &Model) -> Option<Unanswered> {
        /// Fewer copies, or copies for a shorter time, may be lost by chance.
        const COPIES: u64 = 4;
        const LASTING: Span = Span::from_secs(10);
        let (tcp, heard) = (self.out.tcp.as_ref()?, self.back.seen?.last);
        let mut stuck = tcp.stuck.iter().filter(|stuck| {
            let (first, last) = (stuck.seen.first.1, stuck.seen.last.1);
            first > heard.1
                && stuck.sent >= COPIES
                && last.since(first) >= LASTING
                && tap::went_on(model, self.talk.vantage, last, Tap::PATIENCE)
        });
        let stuck = stuck.next()?;
        Some(Unanswered {
            requests: stuck.sent,
            pending: 0,
            places: vec![stuck.seen.first, stuck.again, stuck.seen.last],
            first: stuck.seen.first,
            last: stuck.seen.last,
            stopped: true,
        })
    }

    /// Whether a connection stands though nothing of the other end passes: who asked to open it goes on after the last
    /// SYN, which takes the SYN-ACK (RFC 9293 section 3.5), and what it sent last is not sent in vain. The answers
    /// come by another way.
    pub fn is_answered_elsewhere(&self) -> bool {
        let (Some(tcp), Some(seen)) = (&self.out.tcp, self.out.seen) else {
            return false;
        };
        let all_known = tcp.syns == tcp.syn_places.len() as u64;
        let goes_on = |syn: &Cite| self.out.packets > tcp.syns + tcp.resets && seen.last.1 > syn.1;
        let in_vain = || {
            let mut stuck = tcp.stuck.iter();
            stuck.any(|stuck| stuck.seen.last.1 >= seen.last.1)
        };
        self.back.packets == 0
            && all_known
            && tcp.syn_places.last().is_some_and(goes_on)
            && !in_vain()
    }

    /// Whether it is a check that goes on by itself: the same echo request at a fixed interval, too
    /// slow or too long for a person with `ping`.
    pub fn is_check(&self) -> bool {
        /// `ping` sends one a second unless told otherwise.
        const SLOW: Span = Span::from_millis(1_900);
        const USUAL: Span = Span::from_millis(900);
        /// Nobody watches `ping` for a minute.
        const LONG: u64 = 60;
        /// Fewer make no interval.
        const FEW: u64 = 5;
        self.out.echo.as_ref().is_some_and(|echo| {
            let period = echo.period.unwrap_or_default();
            let slow = period >= SLOW && echo.requests >= FEW;
            let long = period >= USUAL && echo.requests >= LONG;
            (slow || long) && echo.is_periodic() && echo.sizes.len() == 1
        })
    }

    /// `TCP port 443`, `ICMP echo`, `UDP port 53`.
    pub fn what(&self) -> Text {
        match (&self.out.echo, &self.out.tcp, self.to.port) {
            (Some(_), ..) => "ICMP echo".into(),
            (_, Some(_), Some(port)) => say!("TCP port {port}", port),
            (_, _, Some(port)) => say!("UDP port {port}", port),
            _ => say!("protocol {number}", number = self.talk.protocol),
        }
    }
}

/// Everything inside the ESP of one tunnel that rules ask for.
#[derive(Debug)]
pub struct Inside<'m> {
    model: &'m Model,
    row: &'m Tunnel,
    /// Who asks whom, as every tap tells it.
    pub asking: Vec<Asking<'m>>,
    /// The first of them by who asks whom for what protocol.
    asked: BTreeMap<(Vantage, IpAddr, IpAddr, u8), usize>,
    /// For each two hosts the tap that saw most of them.
    best: BTreeMap<[IpAddr; 2], Best>,
    /// Pairs of hosts between which something went both ways, and when the second was heard last; it is not one
    /// that sends nothing but echo requests of its own.
    answered: BTreeMap<(Vantage, IpAddr, IpAddr), Timestamp>,
    /// Ends of the tunnel behind which some host answered, by vantage.
    answering: BTreeSet<(Vantage, usize)>,
    /// Errors by what they are about.
    errors: BTreeMap<(IpAddr, IpAddr), Vec<&'m InnerError>>,
    sights: BTreeMap<(Vantage, usize), Sight>,
    tap: Tap,
}

/// SAs with packets that no key opens, or with gaps: with more nothing is claimed.
const MANY: usize = 64;

/// What was recorded of one end of a tunnel.
#[derive(Debug, Default)]
struct Sight {
    /// The last packet of IKE or ESP.
    last: Option<Cite>,
    /// When each flow of ESP of it came.
    esp: Vec<(Timestamp, Timestamp)>,
    /// When ESP came that could not be read.
    sealed: Vec<(Timestamp, Timestamp)>,
    /// Flows of ESP whose numbers have gaps.
    gaps: Vec<FlowId>,
}

impl Sight {
    fn hear(&mut self, at: Cite) {
        if self.last.is_none_or(|last| last.1 < at.1) {
            self.last = Some(at);
        }
    }
}

impl<'m> Inside<'m> {
    /// What is inside; `None` if nothing could be read.
    pub fn of(case: &Case<'m>) -> Option<Self> {
        if case.tunnel.inner.is_empty() && case.tunnel.inner_errors.is_empty() {
            return None;
        }
        let mut inside = Self {
            model: case.model,
            row: case.tunnel,
            asking: Vec::new(),
            asked: BTreeMap::new(),
            best: best_taps(case),
            answered: BTreeMap::new(),
            answering: BTreeSet::new(),
            errors: BTreeMap::new(),
            sights: BTreeMap::new(),
            tap: case.tap().clone(),
        };
        for talk in case.tunnel.inner.iter().map(|id| &case.model.inner[*id]) {
            inside.add(talk);
        }
        let errors = case.tunnel.inner_errors.iter();
        for error in errors.filter_map(|place| case.model.inner_errors.get(*place)) {
            let (from, to) = (error.quoted.from.address, error.quoted.to.address);
            inside.errors.entry((from, to)).or_default().push(error);
        }
        inside.look(case);
        Some(inside)
    }

    /// Whether no other tap saw more of the two hosts at that time.
    pub fn is_best(&self, talk: &InnerFlow) -> bool {
        self.best.get(&hosts(talk)).is_none_or(|best| {
            let beside = talk.seen.first.1 <= best.last && talk.seen.last.1 >= best.first;
            best.vantage == talk.vantage || !beside
        })
    }

    /// Who asks whom, each once: as the tap tells it that saw most of the two hosts.
    pub fn asked_once(&self) -> impl Iterator<Item = &Asking<'m>> {
        self.asking
            .iter()
            .filter(|asking| self.is_best(asking.talk))
    }

    /// The first that one host asks of another by a protocol, of a pair of which nothing was answered.
    pub fn in_vain(
        &self,
        vantage: Vantage,
        (from, to): (IpAddr, IpAddr),
        protocol: u8,
    ) -> Option<&Asking<'m>> {
        let place = self.asked.get(&(vantage, from, to, protocol))?;
        let asking = self.asking.get(*place)?;
        (!self.converse(vantage, from, to)).then_some(asking)
    }

    /// The conversations of the tunnel, each once.
    pub fn told_once(&self) -> impl Iterator<Item = &'m InnerFlow> + '_ {
        self.talks().filter(|talk| self.is_best(talk))
    }

    /// The conversations of the tunnel, as every tap tells them.
    pub fn talks(&self) -> impl Iterator<Item = &'m InnerFlow> + use<'m> {
        let model = self.model;
        self.row.inner.iter().map(|id| &model.inner[*id])
    }

    fn add(&mut self, talk: &'m InnerFlow) {
        let [first, second] = &talk.ways;
        let [one, other] = talk.ends;
        let both = first.packets > 0 && second.packets > 0;
        for (from, to, out, back) in [(one, other, first, second), (other, one, second, first)] {
            if let Some(seen) = back.seen.filter(|_| both && !only_asks(back)) {
                let key = (talk.vantage, from.address, to.address);
                let last = self.answered.entry(key).or_insert(seen.last.1);
                *last = seen.last.1.max(*last);
            }
            let Some(end) = self.end_towards(out) else {
                continue;
            };
            if both {
                self.answering.insert((talk.vantage, end));
            }
            if asks(talk, to, out) {
                let key = (talk.vantage, from.address, to.address, talk.protocol);
                self.asked.entry(key).or_insert(self.asking.len());
                self.asking.push(Asking {
                    talk,
                    from,
                    to,
                    out,
                    back,
                    end,
                });
            }
        }
    }

    /// The end of this tunnel that a way goes to, by the flows that carry it.
    pub fn end_towards(&self, way: &InnerWay) -> Option<usize> {
        let mine = |flow: &FlowId| self.row.flows.binary_search(flow).is_ok();
        let mut carriers = way.carriers.iter().map(|carrier| carrier.flow);
        let flow = carriers.find(mine)?;
        esp::destination(self.row, &self.model.flows[flow])
    }

    fn look(&mut self, case: &Case<'m>) {
        for id in &self.row.flows {
            let flow = &self.model.flows[*id];
            let Some(end) = esp::destination(self.row, flow) else {
                continue;
            };
            let sight = self.sights.entry((flow.key.vantage, 1 - end)).or_default();
            sight.hear(flow.seen.last);
            sight.esp.push((flow.seen.first.1, flow.seen.last.1));
            if !is_readable(flow) {
                sight.sealed.push((flow.seen.first.1, flow.seen.last.1));
            }
            if !flow.timeline.lost.is_empty() {
                sight.gaps.push(*id);
            }
        }
        for message in case.messages() {
            if let Some(end) = end_of(self.row, message.path.from().address) {
                let sight = self.sights.entry((message.vantage, end)).or_default();
                sight.hear((message.frame, message.time));
            }
        }
    }

    /// Whether answers from behind an end to so many requests, asked between these times, would have
    /// been seen and read: the gateway there was heard after a few of them, all ESP of it was opened, and fewer
    /// numbers of it are missing meanwhile than would hide the answers to all requests but a few.
    pub fn would_see(
        &self,
        vantage: Vantage,
        end: usize,
        requests: u64,
        (first, last): (Timestamp, Timestamp),
    ) -> bool {
        /// Fewer requests without answer prove nothing.
        const FEW: u64 = 3;
        let Some(sight) = self.sights.get(&(vantage, end)) else {
            return false;
        };
        // Of requests after the gateway was heard last the answers may be lost with all else of it.
        let heard = sight
            .last
            .map_or(0, |heard| before(heard.1, requests, (first, last)));
        let missing = || self.lacks(vantage, end, (first, last));
        heard >= FEW
            && self.reads(vantage, end, (first, last))
            && sight.gaps.len() <= MANY
            && heard.saturating_sub(missing()) >= FEW
    }

    /// Whether what the gateway at an end sends is recorded, and all ESP of it between these times was opened.
    pub fn reads(
        &self,
        vantage: Vantage,
        end: usize,
        (first, last): (Timestamp, Timestamp),
    ) -> bool {
        let amid = |(from, to): &(Timestamp, Timestamp)| *from <= last && *to >= first;
        let sight = self.sights.get(&(vantage, end));
        let open =
            sight.is_some_and(|sight| sight.sealed.len() <= MANY && !sight.sealed.iter().any(amid));
        open && self.tap.deaf.get(end) == Some(&false)
    }

    /// The last packet of IKE or ESP of the gateway at an end.
    pub fn last_heard(&self, vantage: Vantage, end: usize) -> Option<Cite> {
        self.sights.get(&(vantage, end))?.last
    }

    /// Whether each conversation has a row of its own, so that one without a row was not there.
    pub fn has_all(&self) -> bool {
        self.model.inner.len() < limits::INNER_FLOWS
    }

    /// Whether ESP of the gateway at an end came between these times, or soon after. Where none did, answers
    /// may have been lost with all the rest of it.
    pub fn sends(
        &self,
        vantage: Vantage,
        end: usize,
        (first, last): (Timestamp, Timestamp),
    ) -> bool {
        let until = last.later(Tap::PATIENCE);
        let sight = self.sights.get(&(vantage, end));
        sight.is_some_and(|sight| {
            let mut esp = sight.esp.iter();
            esp.any(|(from, to)| *from <= until && *to >= first)
        })
    }

    /// Whether a packet of ESP of the gateway at an end is known to have come between these times.
    pub fn sends_amid(
        &self,
        vantage: Vantage,
        end: usize,
        (first, last): (Timestamp, Timestamp),
    ) -> bool {
        let amid = |time: Timestamp| time >= first && time <= last;
        let flows = self.row.flows.iter().map(|id| &self.model.flows[*id]);
        let mut flows = flows.filter(|flow| {
            flow.key.vantage == vantage && esp::destination(self.row, flow) == Some(1 - end)
        });
        flows.any(|flow| {
            let (begins, ends) = (flow.seen.first.1, flow.seen.last.1);
            let mut silences = flow.silences.iter();
            let silent = silences.any(|one| one.before.1 < first && one.after.1 > last);
            amid(begins) || amid(ends) || begins < first && ends > last && !silent
        })
    }

    /// How many numbers of ESP of the gateway at an end are missing between these times.
    pub fn lacks(
        &self,
        vantage: Vantage,
        end: usize,
        (first, last): (Timestamp, Timestamp),
    ) -> u64 {
        let sight = self.sights.get(&(vantage, end));
        let gaps = sight.into_iter().flat_map(|sight| &sight.gaps);
        let missing = gaps.map(|id| missing(&self.model.flows[*id], first, last));
        missing.fold(0, u64::saturating_add)
    }

    /// Whether no number of ESP of the gateway at an end is missing between these times, as far as one can tell.
    pub fn is_whole(&self, vantage: Vantage, end: usize, during: (Timestamp, Timestamp)) -> bool {
        let sight = self.sights.get(&(vantage, end));
        sight.is_some_and(|sight| sight.gaps.len() <= MANY) && self.lacks(vantage, end, during) == 0
    }

    /// Confidence in what is concluded from answers that did not come.
    pub fn absence(&self, confidence: Confidence) -> Confidence {
        self.tap.absence(confidence)
    }

    /// Whether an answer would have been read if it had come, by what came shortly before the first
    /// request: the gateway there was heard, and all its ESP was opened. That it was heard afterwards
    /// is better, and [`Inside::would_see`] asks for that; where the only traffic is the one that gets
    /// no answer there may be nothing else to hear.
    pub fn was_seeing(&self, vantage: Vantage, end: usize, first: Timestamp) -> bool {
        /// An SA in use says something within so long, or its gateway tests liveness.
        const LATELY: Span = Span::from_secs(60);
        let sight = self.sights.get(&(vantage, end));
        sight.is_some_and(|sight| {
            let last = sight.last;
            let lately = last.is_some_and(|last| last.1 < first && first.since(last.1) <= LATELY);
            lately && sight.sealed.is_empty() && self.tap.deaf.get(end) == Some(&false)
        })
    }

    /// Whether anything went both ways between these hosts, and the other answers what the first one asks.
    pub fn converse(&self, vantage: Vantage, one: IpAddr, other: IpAddr) -> bool {
        self.answered.contains_key(&(vantage, one, other))
    }

    /// Whether the other of two hosts that converse was not heard any more from a time on.
    pub fn fell_silent(
        &self,
        vantage: Vantage,
        (one, other): (IpAddr, IpAddr),
        from: Timestamp,
    ) -> bool {
        let last = self.answered.get(&(vantage, one, other));
        last.is_some_and(|last| *last < from)
    }

    /// Whether any host behind this end answered.
    pub fn answers(&self, vantage: Vantage, end: usize) -> bool {
        self.answering.contains(&(vantage, end))
    }

    /// The errors about packets from one host to another.
    pub fn errors(&self, from: IpAddr, to: IpAddr) -> &[&'m InnerError] {
        self.errors.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    /// Who sent ICMP to a host between these times, or soon after, that this one did not ask for, which asked
    /// another: neither requests nor errors, so most likely the replies of that other, whose source was
    /// translated. And when the first of it came.
    pub fn unasked(
        &self,
        (from, to): (IpAddr, IpAddr),
        (first, last): (Timestamp, Timestamp),
    ) -> Option<(IpAddr, Cite)> {
        let until = last.later(Tap::PATIENCE);
        self.told_once()
            .filter(|talk| matches!(talk.protocol, ICMP | ICMP_V6))
            .find_map(|talk| {
                let [one, other] = talk.ends.map(|end| end.address);
                let [first_way, second_way] = &talk.ways;
                let (sender, way) = match (from == one, from == other) {
                    (true, false) => (other, second_way),
                    (false, true) => (one, first_way),
                    _ => return None,
                };
                let seen = way.seen.filter(|_| sender != to && way.echo.is_none())?;
                let alone = talk.ways.iter().filter(|way| way.packets > 0).count() == 1;
                let meanwhile = seen.first.1 <= until && seen.last.1 >= first;
                (alone && meanwhile).then_some((sender, seen.first))
            })
    }

    /// Errors by the hosts of the packets that they are about.
    pub fn all_errors(&self) -> impl Iterator<Item = &'m InnerError> + '_ {
        self.errors.values().flatten().copied()
    }
}

/// The two hosts of a conversation, whoever began.
fn hosts(talk: &InnerFlow) -> [IpAddr; 2] {
    let mut hosts = talk.ends.map(|end| end.address);
    hosts.sort_unstable();
    hosts
}

/// The tap that saw most of two hosts, and when it saw them.
#[derive(Clone, Copy, Debug)]
struct Best {
    vantage: Vantage,
    packets: u64,
    first: Timestamp,
    last: Timestamp,
}

/// For each two hosts the tap that saw most of their packets, of several the one that saw them first.
fn best_taps(case: &Case<'_>) -> BTreeMap<[IpAddr; 2], Best> {
    let mut seen: BTreeMap<([IpAddr; 2], Vantage), Best> = BTreeMap::new();
    for talk in case.tunnel.inner.iter().map(|id| &case.model.inner[*id]) {
        let (first, last) = (talk.seen.first.1, talk.seen.last.1);
        let row = seen.entry((hosts(talk), talk.vantage)).or_insert(Best {
            vantage: talk.vantage,
            packets: 0,
            first,
            last,
        });
        row.packets += talk.ways.iter().map(|way| way.packets).sum::<u64>();
        row.first = first.min(row.first);
        row.last = last.max(row.last);
    }
    let mut best: BTreeMap<[IpAddr; 2], Best> = BTreeMap::new();
    for ((hosts, _), row) in seen {
        let more = |known: &Best| {
            (row.packets, std::cmp::Reverse(row.first))
                > (known.packets, std::cmp::Reverse(known.first))
        };
        if best.get(&hosts).is_none_or(more) {
            best.insert(hosts, row);
        }
    }
    best
}

/// That requests came too near the end of the recording to count, if some did.
pub fn too_late(pending: u64, what: &'static str) -> Option<Text> {
    (pending > 0).then(|| {
        say!(
            "{requests} came after these, too near the end of the recording to count.",
            requests = count(pending, what)
        )
    })
}

/// Whether an end sends echo requests of its own, and nothing else: it answers none.
fn only_asks(way: &InnerWay) -> bool {
    way.echo
        .as_ref()
        .is_some_and(|echo| echo.requests >= way.packets)
}

/// How many of so many requests, asked at one pace between two times, were asked before another time.
fn before(time: Timestamp, requests: u64, (first, last): (Timestamp, Timestamp)) -> u64 {
    if time >= last || time < first {
        return if time < first { 0 } else { requests };
    }
    let (passed, all) = (time.since(first).0, last.since(first).0);
    let more = i128::from(requests.saturating_sub(1)) * i128::from(passed) / i128::from(all.max(1));
    u64::try_from(more).unwrap_or(u64::MAX).saturating_add(1)
}

/// The places whose time fits.
fn until(places: &[Cite], fits: impl Fn(Timestamp) -> bool) -> impl Iterator<Item = Cite> {
    places.iter().copied().filter(move |at| fits(at.1))
}

/// Whether what an end sent wants an answer.
fn asks(talk: &InnerFlow, to: Endpoint, out: &InnerWay) -> bool {
    const UDP: u8 = 17;
    let group = match to.address {
        // A broadcast address of a usual network ends in 255.
        IpAddr::V4(address) => address.is_multicast() || address.octets().ends_with(&[255]),
        IpAddr::V6(address) => address.is_multicast(),
    };
    let opens = out.tcp.as_ref().is_some_and(|tcp| tcp.syns > 0);
    let queries = talk.protocol == UDP && to.port == Some(DNS);
    !group && (opens || out.echo.is_some() || queries && out.packets > 0)
}

/// Numbers of a flow that are missing between two times, or at the first packet after them, where
/// those that were sent last show.
fn missing(flow: &EspFlow, first: Timestamp, last: Timestamp) -> u64 {
    let step = i64::from(flow.timeline.step_secs.max(1));
    let place = |time: Timestamp| {
        let seconds = time.since(flow.seen.first.1).0 / Span::from_secs(1).0;
        usize::try_from(seconds / step).unwrap_or(0)
    };
    let last = last.later(Tap::PATIENCE);
    if flow.seen.first.1 > last || flow.seen.last.1 < first {
        return 0;
    }
    let (from, to) = (place(first), place(last));
    let mut later = flow.timeline.counts.iter().enumerate().skip(to);
    let to = later.find(|(_, count)| **count > 0).map_or(to, |at| at.0);
    let lost = flow.timeline.lost.iter().skip(from);
    lost.take(to.saturating_sub(from).saturating_add(1))
        .map(|lost| u64::from(*lost))
        .sum()
}

/// Whether all of an ESP flow was read, but for what does not count.
pub fn is_readable(flow: &EspFlow) -> bool {
    let opened = flow.opened.as_ref().map_or(0, |tally| tally.readable());
    let clear = flow.null.map_or(0, |null| null.packets);
    let read = opened.max(clear);
    read.saturating_mul(20) >= flow.packets.saturating_mul(19)
}

/// What an error says.
pub fn meaning(error: &InnerError) -> Meaning {
    icmp::meaning(&plain(error))
}

/// `ICMP 3/13 from 10.2.0.254`.
pub fn said(error: &InnerError) -> Text {
    say!(
        "{error} from {from}",
        error = icmp::name(&plain(error)),
        from = error.from
    )
}

fn plain(error: &InnerError) -> IcmpError {
    IcmpError {
        v6: error.v6,
        kind: error.kind,
        code: error.code,
        mtu: error.mtu,
        quoted: error.quoted,
    }
}

/// The shortest of round trips, how long half of them took at most, and the longest.
pub fn spread(rtts: impl Iterator<Item = Span>) -> Option<[Span; 3]> {
    let mut all: Vec<Span> = rtts.collect();
    all.sort_unstable();
    let half = all.len().div_ceil(2);
    Some([*all.first()?, *all.get(half.checked_sub(1)?)?, *all.last()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    #[test]
    fn what_two_taps_recorded_is_asked_once() {
        let model = model(
            "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)
             1.1 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN) tap=1
             9 A > B ESP 0xb1 seq 6 inner(10.1.0.9 > 10.2.0.9 UDP 1 > 2)",
        );
        let case = Case::of(&model, crate::model::TunnelId(0));
        let inside = Inside::of(&case).unwrap();
        assert_eq!(inside.talks().count(), 3);
        assert_eq!(inside.told_once().count(), 2);
        assert_eq!(inside.asking.len(), 2);
        let once: Vec<&Asking<'_>> = inside.asked_once().collect();
        let [asking] = once[..] else {
            panic!("{once:?}")
        };
        // The last came a second before the end.
        let silent = asking.unanswered(&model).unwrap();
        assert_eq!((silent.requests, silent.pending), (5, 0));
    }

    #[test]
    fn what_was_asked_just_before_the_end_is_told_apart() {
        let model = model(
            "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
        );
        let case = Case::of(&model, crate::model::TunnelId(0));
        let inside = Inside::of(&case).unwrap();
        let silent = inside.asking[0].unanswered(&model).unwrap();
        assert_eq!(silent.requests + silent.pending, 5);
        assert!(silent.pending > 0 && silent.requests > 0, "{silent:?}");
    }

    #[test]
    fn an_answer_alone_shows_no_query() {
        let model = model(
            "1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 UDP 53 > 5000)
             2 B > A ESP 0xa1 seq 2 inner(10.2.0.9 > 10.1.0.1 UDP 5000 > 53)",
        );
        let queries: Vec<[bool; 2]> = model
            .inner
            .iter()
            .map(|talk| {
                let [one, other] = talk.ends;
                let [out, back] = &talk.ways;
                [asks(talk, other, out), asks(talk, one, back)]
            })
            .collect();
        assert_eq!(queries, [[false, false], [true, false]]);
    }

    #[test]
    fn numbers_are_missing_up_to_the_next_packet_that_comes() {
        let model = model("0 A > B ESP 0xb1 seq 1..5,8..9,20..24 every 1");
        let flow = model.flows.iter().next().unwrap();
        let at = |seconds| flow.seen.first.1.later(Span::from_secs(seconds));
        assert_eq!(missing(flow, at(3), at(4)), 2 + 10);
        assert_eq!(missing(flow, at(0), at(1)), 0);
        // What was sent last may be missing where the next packet comes.
        assert_eq!(missing(flow, at(0), at(2)), 2);
        assert_eq!(missing(flow, at(8), at(9)), 0);
        assert_eq!(missing(flow, at(12), at(30)), 0);
    }
}

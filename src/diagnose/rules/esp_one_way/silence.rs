//! A direction without ESP while the other goes on, and what it is known by.

use super::apart::Of;
use super::between_taps::Loss;
use super::pattern::{
    all_answered_alike, all_last, answered_alike, begun, is_new, is_stream, mostly_alike,
    mostly_small, never_answered, paused,
};
use super::{FAST, FEW, PLENTY, SELDOM, SILENT, ike_passes_both_ways};
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::{Located, TOGETHER, Tap, end_of, inner, quality, tap};
use crate::diagnose::{Case, Cite};
use crate::model::EspFlow;
use crate::units::{Endpoint, Span, Timestamp, Vantage};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

/// A direction without ESP while the other goes on.
pub(super) struct Silence<'c, 'm> {
    pub(super) case: &'c Case<'m>,
    pub(super) directions: Cow<'c, Directions<'m>>,
    pub(super) of: Of<'c>,
    /// The silent end.
    pub(super) silent: usize,
    pub(super) speaks: IpAddr,
    pub(super) is_silent: IpAddr,
    /// First and last packet that goes to the silent end.
    pub(super) first: Cite,
    pub(super) last: Cite,
    /// Since when these have no answer, and how many they are.
    pub(super) since: Timestamp,
    pub(super) sent: u64,
    /// How many came back before.
    pub(super) before: u64,
    is_no_chance: OnceCell<bool>,
    requests: OnceCell<Option<Requests<'c, 'm>>>,
    pub(super) loss: OnceCell<Option<Loss<'m>>>,
}

/// Requests that keys opened, and that have no answer.
#[derive(Clone, Copy)]
pub(super) struct Requests<'c, 'm> {
    /// Those of which there are most.
    pub(super) most: &'c inner::Asking<'m>,
    /// Whether such had answers before.
    pub(super) had_answers: bool,
    /// Whether nearly all that was sent are such.
    pub(super) all: bool,
}

/// What has no answer, as far as sizes, times and what was opened tell.
pub(super) struct Traffic<'c, 'm> {
    /// It comes as from an application that only sends.
    pub(super) stream: bool,
    /// The other end talked at length before.
    pub(super) conversed: bool,
    /// It comes as from something that only reports.
    pub(super) reports: bool,
    /// Somebody waits for answers.
    pub(super) wanted: bool,
    /// Requests that were opened.
    pub(super) requests: Option<Requests<'c, 'm>>,
}

impl<'c, 'm> Silence<'c, 'm> {
    pub(super) fn of(
        case: &'c Case<'m>,
        directions: Cow<'c, Directions<'m>>,
        silent: usize,
        of: Of<'c>,
    ) -> Option<Self> {
        let speaker = 1 - silent;
        // Packets to the silent end are sent by the speaker.
        let (first, last) = (directions.first(silent)?, directions.last(silent)?);
        let (since, sent, before) = match directions.last(speaker) {
            None => (first.1, directions.packets(silent), 0),
            Some(heard) => {
                // What began later, after a pause of both, is unanswered since it began; much later it has nothing
                // to do with what the other direction carried.
                let flows = directions.flows(silent).iter();
                let later = flows.filter(|flow| flow.seen.last.1 > heard.1);
                let since = later.map(|flow| flow.seen.first.1.max(heard.1)).min()?;
                // A clock that was set makes any wait longer.
                let error = quality::clock_error(case.model, directions.vantage);
                let pause = Span(TOGETHER.0.saturating_add(error.0));
                let is_later = |flow: &EspFlow| flow.seen.first.1.since(heard.1) > pause;
                let is_over = |flow: &EspFlow| flow.seen.last.1.since(heard.1) < SILENT;
                let mut flows = directions.flows(silent).iter();
                if last.1.since(heard.1) > pause
                    && flows.all(|flow| is_later(flow) || is_over(flow))
                {
                    let now = directions.only(is_later);
                    // Nothing of the other direction is left, unless the clock ran backwards within a flow.
                    return match now.last(speaker) {
                        None => Self::of(case, Cow::Owned(now), silent, of),
                        Some(_) => None,
                    };
                }
                (
                    since,
                    directions.packets_since(silent, heard.1),
                    directions.packets(speaker),
                )
            }
        };
        let silence = Self {
            case,
            directions,
            of,
            silent,
            speaks: *case.tunnel.ends.get(speaker)?,
            is_silent: *case.tunnel.ends.get(silent)?,
            first,
            last,
            since,
            sent,
            before,
            is_no_chance: OnceCell::new(),
            requests: OnceCell::new(),
            loss: OnceCell::new(),
        };
        (!silence.is_brief() || silence.is_proven() || silence.is_no_chance()).then_some(silence)
    }

    pub(super) fn speaker(&self) -> usize {
        1 - self.silent
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self.of, Of::All)
    }

    /// Who speaks, and who is silent: one client with its port.
    pub(super) fn names(&self) -> [Endpoint; 2] {
        [(self.speaker(), self.speaks), (self.silent, self.is_silent)].map(|(end, address)| {
            match self.of {
                Of::Client(place, client) if place == end => client,
                _ => Endpoint {
                    address,
                    port: None,
                },
            }
        })
    }

    pub(super) fn length(&self) -> Span {
        self.last.1.since(self.since)
    }

    /// Whether the other end spoke before, and is silent for so short that it may as well pause.
    pub(super) fn is_brief(&self) -> bool {
        let error = quality::clock_error(self.case.model, self.directions.vantage);
        self.before > 0 && self.length().0 < SILENT.0.saturating_add(error.0)
    }

    /// Whether each packet had one in return of its size, and since then, where they come as often as before,
    /// so many have none that chance hardly puts just these behind all the others.
    pub(super) fn is_no_chance(&self) -> bool {
        *self.is_no_chance.get_or_init(|| {
            // What was opened tells more than sizes.
            let opened = || self.case.inside().is_none() || self.requests().is_some();
            self.before >= FEW
                && self.keeps_pace()
                && self.was_answered()
                && opened()
                && !self.case.tap().lacks_packets()
                && all_last(self.before, self.spared(), self.waited()) < SELDOM
        })
    }

    /// Whether packets come as often as before the silence, and not as fast as those of who waits for nothing.
    fn keeps_pace(&self) -> bool {
        let Some(heard) = self.directions.last(self.speaker()) else {
            return false;
        };
        let pace = |packets: u64, span: Span| packets as f64 / span.as_secs_f64().max(1e-9);
        let before = pace(self.asked_most(), heard.1.since(self.first.1));
        let now = pace(self.sent, self.length());
        now <= 2.0 * before && before <= 2.0 * now && now < FAST
    }

    /// Whether before the silence each packet had one in return, of its size, but for a few, and without a
    /// pause as long.
    fn was_answered(&self) -> bool {
        let (asks, answers) = (self.asks(), self.answers());
        let unasked = self.before.saturating_sub(self.asked_most());
        let few = |packets: u64| packets.saturating_mul(10) <= self.before;
        few(self.spared())
            && few(unasked)
            && all_answered_alike(asks, answers)
            && paused(asks, answers, Span(self.length().0 / 2)).is_none()
    }

    /// What was sent before the silence, rather too many.
    fn asked_most(&self) -> u64 {
        let total = self.directions.packets(self.silent);
        total.saturating_sub(self.sent)
    }

    /// What was sent before the silence, rather too few, and had no answer.
    fn spared(&self) -> u64 {
        let asks = self.asks().iter();
        let since = asks.map(|flow| esp::packets_about(flow, self.since, self.last.1));
        let total = self.directions.packets(self.silent);
        let asked = total.saturating_sub(since.sum());
        asked.saturating_sub(self.before)
    }

    /// The requests inside, if any was opened.
    fn requests(&self) -> Option<Requests<'c, 'm>> {
        *self.requests.get_or_init(|| {
            requests(
                self.case,
                (self.directions.vantage, self.silent),
                (self.since, self.waited()),
                |flow| self.of.has(flow),
            )
        })
    }

    /// How many of what was sent since had time to be answered before the recording ends.
    fn waited(&self) -> u64 {
        let end = tap::ended(self.case.model, self.directions.vantage).unwrap_or(self.last.1);
        let until = end.later(Span(-Tap::PATIENCE.0));
        let asks = self.asks().iter();
        asks.map(|flow| esp::packets_within(flow, self.since, until))
            .sum()
    }

    /// What goes to the silent end.
    pub(super) fn asks(&self) -> &[&'m EspFlow] {
        self.directions.flows(self.silent)
    }

    /// What came from there.
    pub(super) fn answers(&self) -> &[&'m EspFlow] {
        self.directions.flows(self.speaker())
    }

    /// Whether another tap has what the silent end sends: then it is not silent, and this tap misses it. Only
    /// where the two were compared is it known to be lost between them.
    pub(super) fn passes_elsewhere(&self) -> bool {
        let lost_between =
            || Located::of(self.case.tunnel, self.speaker()).is_some_and(|back| back.lost > 0);
        let elsewhere = || {
            let others = self.case.directions().iter();
            let mut others = others.filter(|other| other.vantage != self.directions.vantage);
            others.any(|other| {
                let from = self.since.later(Span(1));
                let mut alive = other.alive(self.speaker(), from, self.last.1);
                alive.any(|flow| !self.came_here_last(flow))
            })
        };
        self.is_all() && !lost_between() && elsewhere()
    }

    /// Whether this tap has the last packet that another has of an SA: it comes to one of them later.
    fn came_here_last(&self, flow: &EspFlow) -> bool {
        let (own, last) = (&flow.key, flow.sequence.highest);
        let mut here = self.answers().iter();
        here.any(|here| {
            (here.key.spi, here.key.ah) == (own.spi, own.ah) && here.sequence.highest >= last
        })
    }

    /// Whether enough was sent in vain to tell anything.
    pub(super) fn is_long_enough(&self) -> bool {
        // Packets that somebody sends a second time ask for nothing. Those that the recording has twice are
        // not counted above.
        let copies = |flow: &&EspFlow| flow.sequence.duplicate.saturating_sub(flow.doubled);
        let copies: u64 = self.asks().iter().map(copies).sum();
        let few =
            || mostly_alike(self.asks()) && mostly_small(self.asks()) && self.length() >= SILENT;
        let sent = self.sent.saturating_sub(copies);
        match self.before {
            0 => sent >= PLENTY || sent >= FEW && few(),
            _ => sent >= PLENTY + PLENTY / 2,
        }
    }

    /// Whether IKE of both passes the tap.
    pub(super) fn ike(&self) -> bool {
        ike_passes_both_ways(self.case, &self.directions)
    }

    pub(super) fn traffic(&self) -> Traffic<'c, 'm> {
        let (asks, answers) = (self.asks(), self.answers());
        let (sent, before) = (self.sent, self.before);
        // What began only then is something else than what was answered.
        let other = before > 0 && begun(asks, answers, self.since).saturating_mul(5) >= sent * 4;
        let together = before == 0 || esp::talk_together(asks, answers);
        let stream = match other {
            true => sent as f64 >= FAST * self.length().as_secs_f64(),
            false => {
                (!together || before.saturating_mul(10) < sent)
                    && is_stream(asks, sent, self.length())
            }
        };
        // What is left when all that was answered has ended never had an answer.
        let left = before > 0 && never_answered(asks, answers, self.since, sent);
        // What was read is not told by time and sizes.
        let requests = self.requests();
        let asked = requests.filter(|requests| requests.all);
        let stream = (stream || left) && asked.is_none();
        let anew = before > 0 && is_new(asks, self.since, sent);
        // Whoever talked at length wants answers, and so do requests, which are all alike.
        let conversed = !(other || left || anew)
            && before >= 2 * PLENTY
            && before.saturating_mul(10) >= sent
            && together;
        Traffic {
            stream,
            conversed,
            reports: !stream && !conversed && asked.is_none() && (anew || !mostly_alike(asks)),
            // A ping that was answered was so by packets of its own size.
            wanted: conversed
                || asked.is_some_and(|asked| asked.had_answers)
                || !other && !left && together && before > 0 && answered_alike(asks, answers),
            requests,
        }
    }

    /// Where what is sent to the silent end since goes, opened, if nearly all of it is UDP that never had an answer: of
    /// a service that wants none by its protocol, whose name comes with it, or to a port that no service has (RFC
    /// 6335 section 6).
    pub(super) fn reports_inside(&self) -> Option<(Endpoint, Option<&'static str>)> {
        /// UDP ports of services that only send.
        const REPORTS: [(u16, &str); 8] = [
            (162, "SNMP notifications"),
            (514, "syslog"),
            (2055, "NetFlow"),
            (4739, "IPFIX"),
            (5004, "RTP"),
            (6343, "sFlow"),
            (9995, "NetFlow"),
            (9996, "NetFlow"),
        ];
        /// The first of the ports that are not assigned.
        const DYNAMIC: u16 = 49152;
        /// A connection that ends is acknowledged so soon.
        const SOON: Span = Span::from_secs(1);
        const UDP: u8 = 17;
        let inside = self.case.inside()?;
        let mut reports: Vec<(u64, Endpoint, Option<&'static str>)> = Vec::new();
        // What is neither a report nor ended before may want an answer.
        let mut others = self.directions.packets(self.silent);
        let talks = inside.talks();
        for talk in talks.filter(|talk| talk.vantage == self.directions.vantage) {
            let ([one, other], [forth, back]) = (talk.ends, &talk.ways);
            for (to, out, answers) in [(other, forth, back), (one, back, forth)] {
                let Some(seen) = out.seen else { continue };
                if inside.end_towards(out) != Some(self.silent) {
                    continue;
                }
                let port = to
                    .port
                    .filter(|_| talk.protocol == UDP && answers.packets == 0);
                let known = REPORTS.iter().find(|(known, _)| Some(*known) == port);
                let only_sends = known.is_some() || port.is_some_and(|port| port >= DYNAMIC);
                if only_sends {
                    reports.push((out.packets, to, known.map(|(_, service)| *service)));
                }
                if only_sends || seen.last.1 <= self.since.later(SOON) {
                    others = others.saturating_sub(out.packets);
                }
            }
        }
        let nameless = reports.iter().filter(|(.., service)| service.is_none());
        let nameless: u64 = nameless.map(|(packets, ..)| packets).sum();
        // A few of others do not change what the most are.
        if nameless.saturating_mul(10) <= self.sent {
            reports.retain(|(.., service)| service.is_some());
        } else {
            reports.retain(|(.., service)| service.is_none());
        }
        let (_, to, service) = reports.into_iter().max_by_key(|(packets, ..)| *packets)?;
        (others.saturating_mul(10) <= self.sent).then_some((to, service))
    }

    /// A connection inside, begun since, that stands although nothing of the silent end passes here.
    pub(super) fn answered_elsewhere(&self) -> Option<&inner::Asking<'m>> {
        let mut asking = self.case.inside()?.asking.iter();
        asking.find(|asking| {
            asking.talk.vantage == self.directions.vantage
                && asking.end == self.silent
                && asking.talk.seen.first.1 >= self.since
                && asking.is_answered_elsewhere()
        })
    }

    /// Whether nothing at all of the silent end was heard since: it may have gone down itself.
    pub(super) fn is_gone(&self) -> bool {
        let asked_in_vain = || {
            let mut unsettled = self.case.unsettled().iter();
            unsettled.any(|asked| {
                let to = end_of(self.case.tunnel, asked.to().address);
                asked.is_silent() && asked.last.1 >= self.since && to == Some(self.silent)
            })
        };
        let heard = self.case.heard().since(self.silent, self.since);
        heard.is_none() && (self.before > 0 || asked_in_vain())
    }
}

/// Fewer requests without an answer show nothing: one may be lost, and the next one too.
const ASKED: u64 = 3;

/// The requests in some flows, opened at a tap, that go to an end and have had no answer since a time, among so
/// many packets that were sent since.
pub(super) fn requests<'c, 'm>(
    case: &'c Case<'m>,
    (vantage, end): (Vantage, usize),
    (since, sent): (Timestamp, u64),
    of: impl Fn(&EspFlow) -> bool,
) -> Option<Requests<'c, 'm>> {
    let carried = |asking: &inner::Asking<'_>| {
        let mut carriers = asking.out.carriers.iter();
        carriers.any(|carrier| of(&case.model.flows[carrier.flow]))
    };
    let asking = case.inside()?.asking.iter();
    let asking = asking
        .filter(|asking| asking.talk.vantage == vantage && asking.end == end && carried(asking));
    let unanswered = asking.filter_map(|asking| {
        let unanswered = asking.unanswered(case.model)?;
        let is_since = unanswered.stopped || unanswered.first.1 >= since;
        is_since.then_some((unanswered, asking))
    });
    let unanswered: Vec<_> = unanswered.collect();
    let requests: u64 = unanswered.iter().map(|(row, _)| row.requests).sum();
    let (row, most) = unanswered
        .into_iter()
        .max_by_key(|(row, _)| (row.stopped, row.requests))?;
    (requests >= ASKED).then_some(Requests {
        most,
        had_answers: row.stopped,
        all: requests.saturating_mul(5) >= sent.saturating_mul(4),
    })
}

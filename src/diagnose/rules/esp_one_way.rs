//! ESP goes out and none comes back, while IKE works both ways.

use super::{asymmetric_return, clear_text_leak, single_child_peer};
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::taps::{self, Vanished};
use crate::diagnose::facts::{Located, TOGETHER, Tap, end_of, inner, nat, quality, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, parted};
use crate::model::{ChildSaId, EspFlow, Link, Selector, Transport, selector};
use crate::say;
use crate::units::{Endpoint, EspSpi, Span, Timestamp, Vantage};
use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-one-way",
    code: "ESP401",
    severity: Severity::Error,
    summary: "ESP flows in one direction only",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
The tunnel is up, one gateway sends ESP, and nothing of the other arrives. Either the return traffic is lost on the way, or the far side has nothing to say, or sends it elsewhere.

## How it is seen
IKE messages pass in both directions, so the tap hears both sides; or both sent ESP at length before. ESP packets of one direction are many; of the other there are none, or they ended while the first go on. It weighs more if the silent direction carried traffic before. Where each packet had one of its size in return, a few seconds are enough if as many packets as came then, at the same pace, are hardly left without an answer by chance: a warning that is possible. Where several child SAs share the gateways, and the keys of IKE tell their selectors, each set of selectors is judged by itself. One child SA of several is judged alike, if the others pass in both directions and bring nothing that was not asked for there. Where the recording does not show which SAs belong together, it counts that fewer come back than go there, and that what comes is no more than what goes in the others, where packets of that size are answered: that is told for information, and as a warning if one of them ended or keys show requests. With the keys of ESP what is sent tells whether it wants an answer. Two taps prove where answers end: what leaves one and never reaches the other is lost between them, of all SAs or of one; where all that is asked reaches the far tap and no answer leaves there, it is the far gateway or what is behind it.

## What else looks like it
An application that only sends, such as a stream over UDP: large, or fast and steady, and never answered it is taken for one, and mentioned as information. So is what is fast and of another size than what was answered before. Something that reports now and then, such as syslog: few packets of many sizes are a warning and no more. Reports that are all alike cannot be told from pings without an answer: where they come as often as pings it is an error that is possible, else a warning, as it is of a handful, unless packets of that size were answered before. Hosts behind the far gateway that do not answer. A route or NAT at the far side that sends answers past the tunnel. A far gateway whose ESP comes from another address than its IKE: where as many packets came from one of which no IKE is seen, at the same times, it is information. A filter on IP protocol 50 in one direction. A device that drops ESP in frames that are longer than the packet in them: Ethernet fills up short ones.

## What to do
1. Capture at the far gateway's outside port: does it send ESP back? If yes, a filter between eats it: permit IP protocol 50, or UDP 4500.
2. If not, capture at its inside: do answers arrive there? Check routes, NAT exemptions and the policy for the inner addresses.
";

/// Fewer packets than these prove nothing.
const PLENTY: u64 = 10;

/// So few do where they are all alike, for a while, and nothing ever came back: a connection attempt of TCP is
/// repeated half a dozen times.
const FEW: u64 = 5;

/// So many packets a second are sent by nobody who waits for answers.
const FAST: f64 = 10.0;

/// A direction that spoke before is silent when the other went on this long, and with this many
/// packets.
const SILENT: Span = Span::from_secs(10);

/// Where each packet had an answer, a shorter silence counts that chance makes of as many packets so seldom.
const SELDOM: f64 = 1e-4;

fn check<'m>(case: &Case<'m>) -> Vec<Finding> {
    let tap = case.tap();
    if tap.deaf.contains(&true) {
        return Vec::new();
    }
    let sets = LazyCell::new(|| sets(case));
    case.directions()
        .iter()
        .find_map(|directions| {
            let one_way = |directions: &Directions<'m>, of: Of<'_>| {
                let mut ends = [0, 1].into_iter();
                ends.find_map(|silent| one_way(case, tap, directions, silent, of))
            };
            let of_one_set = || {
                let known = |flow: &EspFlow| sets.iter().any(|set| set.has(flow));
                if !directions.all().all(known) {
                    return None;
                }
                let mut of = sets.iter().map(Of::Set);
                of.find_map(|of| one_way(&directions.only(|flow| of.has(flow)), of))
            };
            let of_one_client = || {
                let mut of = clients(case, directions).into_iter();
                of.find_map(|of| one_way(&directions.only(|flow| of.has(flow)), of))
            };
            one_way(directions, Of::All)
                .or_else(of_one_set)
                .or_else(of_one_client)
        })
        .or_else(|| {
            let mut directions = case.directions().iter();
            directions.find_map(|directions| {
                one_child(case, tap, directions).or_else(|| one_unpaired(case, tap, directions))
            })
        })
        .into_iter()
        .collect()
}

/// What a silence is told of.
#[derive(Clone, Copy)]
enum Of<'c> {
    /// All of a pair of gateways.
    All,
    /// The SAs with one set of selectors.
    Set(&'c Set),
    /// One of several clients behind the address of an end, by its port.
    Client(usize, Endpoint),
}

impl Of<'_> {
    fn has(self, flow: &EspFlow) -> bool {
        match self {
            Self::All => true,
            Self::Set(set) => set.has(flow),
            Self::Client(_, client) => {
                let mut paths = flow.paths.iter();
                paths.any(|path| path.from == client || path.to == client)
            }
        }
    }
}

/// The clients behind the address of one end, each by its port, if there are several at once: one after the other may
/// be one that its NAT gave another port.
fn clients<'c>(case: &Case<'_>, directions: &Directions<'_>) -> Vec<Of<'c>> {
    /// More clients than these are not compared with each other.
    const COMPARED: usize = 32;
    // At another tap clients may bear other names.
    if case.directions().len() > 1 {
        return Vec::new();
    }
    let mut clients = Vec::new();
    for end in [0, 1] {
        let mut from = directions
            .flows(1 - end)
            .iter()
            .map(|flow| flow.paths.first());
        let first = from.next();
        if from.all(|path| path.map(|path| path.from) == first.flatten().map(|path| path.from)) {
            continue;
        }
        let mut speak: BTreeMap<Endpoint, (Timestamp, Timestamp)> = BTreeMap::new();
        for flow in directions.flows(1 - end) {
            let [path] = flow.paths.as_slice() else {
                return Vec::new();
            };
            let (first, last) = (flow.seen.first.1, flow.seen.last.1);
            let seen = speak.entry(path.from).or_insert((first, last));
            *seen = (seen.0.min(first), seen.1.max(last));
        }
        if speak.len() > COMPARED {
            return Vec::new();
        }
        let several = speak.iter().filter(|(client, (first, last))| {
            let mut others = speak.iter().filter(|(other, _)| other != client);
            others.any(|(_, (begin, end))| begin < last && end > first)
        });
        // Where it is heard and what goes to it may have ports of their own.
        let paths = directions.flows(end).iter().flat_map(|flow| &flow.paths);
        let to: BTreeSet<Endpoint> = paths.map(|path| path.to).collect();
        let own = several.filter(|(client, _)| client.port.is_some() && to.contains(client));
        clients.extend(own.map(|(client, _)| Of::Client(end, *client)));
    }
    clients
}

/// Child SAs with the same selectors.
struct Set {
    /// Selectors of the side of each end.
    sides: [Vec<Selector>; 2],
    /// The child SAs.
    children: BTreeSet<ChildSaId>,
}

impl Set {
    fn has(&self, flow: &EspFlow) -> bool {
        matches!(flow.child_sa, Link::Proven(child) if self.children.contains(&child))
    }

    fn is_alike(&self, [first, second]: &[Vec<Selector>; 2]) -> bool {
        let [own, other] = &self.sides;
        selector::same(own, first) && selector::same(other, second)
    }

    /// Whether a packet may fit both.
    fn meets(&self, other: &Self) -> bool {
        let mut sides = self.sides.iter().zip(&other.sides);
        sides.all(|(own, other)| own.iter().any(|one| other.iter().any(|two| one.meets(two))))
    }
}

/// The child SAs by their selectors: what one set takes is answered in no other, so each is judged by
/// itself. None if there is but one set, or if packets may fit two.
fn sets(case: &Case<'_>) -> Vec<Set> {
    /// More sets than these, and more selectors of one, are not compared with each other.
    const COMPARED: usize = 32;
    let mut sets: Vec<Set> = Vec::new();
    for life in case.lives() {
        if sets.len() > COMPARED || life.sides.iter().any(|side| side.len() > COMPARED) {
            return Vec::new();
        }
        match sets.iter_mut().find(|set| set.is_alike(&life.sides)) {
            Some(set) => _ = set.children.insert(life.child),
            None => sets.push(Set {
                sides: life.sides.clone(),
                children: BTreeSet::from([life.child]),
            }),
        }
    }
    let mut pairs = sets.iter().enumerate();
    let apart =
        pairs.all(|(place, one)| sets.iter().skip(place + 1).all(|other| !one.meets(other)));
    match sets.len() > 1 && apart {
        true => sets,
        false => Vec::new(),
    }
}

/// Whether messages of both ends were recorded at the vantage of these flows.
fn ike_passes_both_ways(case: &Case<'_>, directions: &Directions<'_>) -> bool {
    [0, 1].into_iter().all(|end| {
        case.messages()
            .filter(|message| message.vantage == directions.vantage)
            .any(|message| {
                crate::diagnose::facts::end_of(case.tunnel, message.path.from().address)
                    == Some(end)
            })
    })
}

/// A direction without ESP while the other goes on.
struct Silence<'c, 'm> {
    case: &'c Case<'m>,
    directions: Cow<'c, Directions<'m>>,
    of: Of<'c>,
    /// The silent end.
    silent: usize,
    speaks: IpAddr,
    is_silent: IpAddr,
    /// First and last packet that goes to the silent end.
    first: Cite,
    last: Cite,
    /// Since when these have no answer, and how many they are.
    since: Timestamp,
    sent: u64,
    /// How many came back before.
    before: u64,
    is_no_chance: OnceCell<bool>,
    requests: OnceCell<Option<Requests<'c, 'm>>>,
    loss: OnceCell<Option<Loss<'m>>>,
}

/// Requests that keys opened, and that have no answer.
#[derive(Clone, Copy)]
struct Requests<'c, 'm> {
    /// Those of which there are most.
    most: &'c inner::Asking<'m>,
    /// Whether such had answers before.
    had_answers: bool,
    /// Whether nearly all that was sent are such.
    all: bool,
}

/// What has no answer, as far as sizes, times and what was opened tell.
struct Traffic<'c, 'm> {
    /// It comes as from an application that only sends.
    stream: bool,
    /// The other end talked at length before.
    conversed: bool,
    /// It comes as from something that only reports.
    reports: bool,
    /// Somebody waits for answers.
    wanted: bool,
    /// Requests that were opened.
    requests: Option<Requests<'c, 'm>>,
}

/// Answers that are lost between two taps.
enum Loss<'m> {
    /// All there ever were.
    All(Located<'m>),
    /// All since none came any more.
    Since(Vanished),
    /// Not the answers, but what asks for them, since it came there last.
    There(Vanished, Vantage),
}

impl<'c, 'm> Silence<'c, 'm> {
    fn of(
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

    fn speaker(&self) -> usize {
        1 - self.silent
    }

    fn is_all(&self) -> bool {
        matches!(self.of, Of::All)
    }

    /// Who speaks, and who is silent: one client with its port.
    fn names(&self) -> [Endpoint; 2] {
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

    fn length(&self) -> Span {
        self.last.1.since(self.since)
    }

    /// Whether the other end spoke before, and is silent for so short that it may as well pause.
    fn is_brief(&self) -> bool {
        let error = quality::clock_error(self.case.model, self.directions.vantage);
        self.before > 0 && self.length().0 < SILENT.0.saturating_add(error.0)
    }

    /// Whether each packet had one in return of its size, and since then, where they come as often as before,
    /// so many have none that chance hardly puts just these behind all the others.
    fn is_no_chance(&self) -> bool {
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
    fn asks(&self) -> &[&'m EspFlow] {
        self.directions.flows(self.silent)
    }

    /// What came from there.
    fn answers(&self) -> &[&'m EspFlow] {
        self.directions.flows(self.speaker())
    }

    /// Whether another tap has what the silent end sends: then it is not silent, and this tap misses it. Only
    /// where the two were compared is it known to be lost between them.
    fn passes_elsewhere(&self) -> bool {
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
    fn is_long_enough(&self) -> bool {
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
    fn ike(&self) -> bool {
        ike_passes_both_ways(self.case, &self.directions)
    }

    fn traffic(&self) -> Traffic<'c, 'm> {
        let (asks, answers) = (self.asks(), self.answers());
        let (sent, before) = (self.sent, self.before);
        // What began only then is something else than what was answered.
        let other = before > 0 && begun(asks, answers, self.since).saturating_mul(5) >= sent * 4;
        let stream = match other {
            true => sent as f64 >= FAST * self.length().as_secs_f64(),
            false => before.saturating_mul(10) < sent && is_stream(asks, sent, self.length()),
        };
        // What is left when all that was answered has ended never had an answer.
        let left = before > 0 && never_answered(asks, answers, self.since, sent);
        // What was read is not told by time and sizes.
        let requests = self.requests();
        let asked = requests.filter(|requests| requests.all);
        let stream = (stream || left) && asked.is_none();
        // Whoever talked at length wants answers, and so do requests, which are all alike.
        let conversed =
            !other && !left && before >= 2 * PLENTY && before.saturating_mul(10) >= sent;
        Traffic {
            stream,
            conversed,
            reports: !stream && !conversed && asked.is_none() && !mostly_alike(asks),
            // A ping that was answered was so by packets of its own size.
            wanted: conversed
                || asked.is_some_and(|asked| asked.had_answers)
                || !other && !left && before > 0 && answered_alike(asks, answers),
            requests,
        }
    }

    /// Where what is sent to the silent end since goes, opened, if nearly all of it reports something and wants no
    /// answer by its protocol.
    fn reports_inside(&self) -> Option<(Endpoint, &'static str)> {
        /// UDP ports of services that only send.
        const REPORTS: [(u16, &str); 4] = [
            (514, "syslog"),
            (2055, "NetFlow"),
            (4739, "IPFIX"),
            (6343, "sFlow"),
        ];
        const UDP: u8 = 17;
        let inside = self.case.inside()?;
        let mut reports: Vec<(u64, Endpoint, &'static str)> = Vec::new();
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
                if let Some((_, service)) = known {
                    reports.push((out.packets, to, service));
                }
                if known.is_some() || seen.last.1 < self.since {
                    others = others.saturating_sub(out.packets);
                }
            }
        }
        let (_, to, service) = reports.into_iter().max_by_key(|(packets, ..)| *packets)?;
        (others.saturating_mul(10) <= self.sent).then_some((to, service))
    }

    /// Whether nothing at all of the silent end was heard since: it may have gone down itself.
    fn is_gone(&self) -> bool {
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

    /// `10.1.0.0/24 with 10.2.0.0/24`, where one set of selectors is told.
    fn selectors(&self) -> Option<Text> {
        let Of::Set(Set { sides, .. }) = self.of else {
            return None;
        };
        let (own, far) = (sides.get(self.speaker())?, sides.get(self.silent)?);
        Some(say!(
            "{own} with {far}",
            own = selector::said(own),
            far = selector::said(far)
        ))
    }

    /// What was sent in vain.
    fn says(&self) -> Text {
        let ([speaks, is_silent], before) = (self.names(), self.before);
        let length = self.length();
        // The step of a timeline in which the answers end is left out.
        let sent = match before {
            0 => say!("{sent}", sent = self.sent),
            _ => say!("at least {sent}", sent = self.sent),
        };
        match (before, self.selectors()) {
            (0, Some(selectors)) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} in SAs for {selectors}, and not one \
                 came back in them, while ESP for other selectors passes.",
                length,
                sent,
                speaks,
                is_silent,
                selectors
            ),
            (before, Some(selectors)) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} in SAs for {selectors}, and none \
                 came back in them any more, where {before} had come before, while ESP for other selectors passes.",
                length,
                sent,
                speaks,
                is_silent,
                selectors,
                before
            ),
            (0, None) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} and not one came \
                 from {is_silent}.",
                length,
                sent,
                speaks,
                is_silent
            ),
            (before, None) => say!(
                "In {length} {sent} ESP packets went from {speaks} to {is_silent} and none came from \
                 {is_silent} any more, which had sent {before} before.",
                length,
                sent,
                speaks,
                is_silent,
                before
            ),
        }
    }

    /// Why the tap would have heard the other direction.
    fn hears(&self) -> &'static str {
        match self.ike() {
            true if self.is_gone() => {
                "IKE passed in both directions before, so this tap hears both."
            }
            true => "IKE passes in both directions, so this tap hears both.",
            false => {
                "No IKE of both is in this capture; the answers that came before show that this tap heard both."
            }
        }
    }

    /// What is heard beside one client.
    fn others(&self) -> &'static str {
        match self.of {
            Of::Client(..) => {
                "Other ports of the same address are heard meanwhile: each is a client of its own."
            }
            _ => "",
        }
    }

    fn title(&self) -> Text {
        let [speaks, is_silent] = self.names();
        match self.selectors() {
            Some(selectors) => say!(
                "ESP for {selectors} flows from {speaks} to {is_silent} only",
                selectors,
                speaks,
                is_silent
            ),
            None => say!(
                "ESP flows from {speaks} to {is_silent} only",
                speaks,
                is_silent
            ),
        }
    }

    /// What is known before anybody asks where the answers are.
    fn finding(&self, tap: &Tap, traffic: &Traffic<'_, '_>) -> Finding {
        let (sent, last) = (self.sent, self.last);
        let Traffic {
            stream,
            reports,
            wanted,
            ..
        } = *traffic;
        let nature = match (stream, reports) {
            (true, _) => {
                "Such packets without an answer are those of an application that only sends."
            }
            (_, true) => {
                "Few packets of many sizes may come from something that only reports, such as syslog or \
                 flow export."
            }
            _ => "",
        };
        let confidence = tap.absence(match wanted && !stream && !reports && self.ike() {
            true => Confidence::Likely,
            false => Confidence::Possible,
        });
        let mut finding = Finding::new(
            &RULE,
            confidence,
            self.case.id,
            if self.before == 0 { self.first } else { last },
            say!(
                "ESP from {speaks}, nothing comes back",
                speaks = self.speaks
            ),
        )
        .during(self.since, last.1)
        .also(last, "the last one, still unanswered")
        .title(self.title())
        .says(
            self.says()
                .then(self.others())
                .then(self.hears())
                .then(nature),
        );
        if let Some(Requests {
            most,
            had_answers,
            all,
        }) = traffic.requests
        {
            let (what, from, to) = (most.what(), most.from.address, most.to.address);
            finding.says.add(match had_answers && all {
                true => say!(
                    "Opened, they hold requests, answered before: {what} from {from} to {to}.",
                    what,
                    from,
                    to
                ),
                false => say!(
                    "Opened, there are requests among them that want an answer: {what} from {from} to {to}.",
                    what,
                    from,
                    to
                ),
            });
        }
        let pace = ASKS_AGAIN.0.unsigned_abs();
        let seldom = sent < PLENTY || sent.saturating_mul(pace) < self.length().0.unsigned_abs();
        if stream {
            finding = finding.severity(Severity::Info);
        } else if reports || !wanted && seldom {
            finding = finding.severity(Severity::Warning);
        }
        // Requests by themselves are no stream; but what answers them may be among what the recording lacks.
        if traffic
            .requests
            .is_some_and(|one| one.all && !one.had_answers)
        {
            let severity = tap.gaps(finding.severity);
            finding = finding.severity(severity);
        }
        match self.directions.last(self.speaker()) {
            Some(heard) => finding.also(heard, "the last packet of the other direction"),
            None => finding,
        }
    }

    /// What a silence that is told for its packets and not for its length leaves open.
    fn by_packets(&self, mut finding: Finding) -> Finding {
        finding.severity = finding.severity.min(Severity::Warning);
        finding.confidence = Confidence::Possible;
        finding.says.add(
            "Nearly each packet before had one of its size in return, and they come as often as then: so many without an \
             answer at the end are no chance.",
        );
        finding
            .title(say!(
                "{is_silent} has answered nothing for the last {length}",
                is_silent = self.is_silent,
                length = self.length()
            ))
            .or(say!(
                "{is_silent}, or the host behind it, pauses and goes on after the end of the recording.",
                is_silent = self.is_silent
            ))
    }

    /// What two taps show to be lost between them.
    fn loss(&self) -> Option<&Loss<'m>> {
        self.loss.get_or_init(|| self.find_loss()).as_ref()
    }

    fn find_loss(&self) -> Option<Loss<'m>> {
        let all = self.located(self.speaker());
        if let Some(located) = all.filter(Located::all_lost) {
            return Some(Loss::All(located));
        }
        // What came before the fault is no reason to doubt that all is lost since.
        let (far, meanwhile) = (self.directions.vantage, (self.since, self.last.1));
        let of_set = |flow: &EspFlow| self.of.has(flow);
        let vanished = Vanished::of(self.case, far, self.speaker(), meanwhile, of_set);
        vanished
            .filter(|vanished| vanished.packets >= PLENTY)
            .map(Loss::Since)
            .or_else(|| self.lost_there())
    }

    /// What asks for answers and reaches no tap behind this one any more, which recorded on.
    fn lost_there(&self) -> Option<Loss<'m>> {
        let of_set = |flow: &EspFlow| self.of.has(flow);
        let pairs = self.case.tunnel.taps.iter();
        let behind = pairs.filter(|pair| {
            let near = pair.near(self.silent).and_then(|near| pair.taps.get(near));
            near == Some(&self.directions.vantage)
        });
        let found = behind.filter_map(|pair| {
            let mut taps = pair.taps.into_iter();
            let far = taps.find(|tap| *tap != self.directions.vantage)?;
            let heard = last_at(self.case, far, self.silent)?.1.later(Span(1));
            let end = self.case.model.recording(far)?.1;
            let vanished = Vanished::of(self.case, far, self.silent, (heard, end), of_set)?;
            (vanished.packets >= PLENTY).then_some((vanished, far))
        });
        let (vanished, far) = found.max_by_key(|(vanished, _)| vanished.packets)?;
        Some(Loss::There(vanished, far))
    }

    /// Whether another tap has enough of what does not come: then it takes neither time nor numbers to tell
    /// a silence from a pause.
    fn is_proven(&self) -> bool {
        /// Shorter losses are those of a path that loses packets, and comes back.
        const LASTING: Span = Span::from_secs(3);
        self.length() >= LASTING && matches!(self.loss(), Some(Loss::Since(_) | Loss::There(..)))
    }

    /// What two taps tell of all SAs together towards an end.
    fn located(&self, end: usize) -> Option<Located<'m>> {
        Located::of(self.case.tunnel, end).filter(|_| self.is_all())
    }

    fn all_lost(&self, mut finding: Finding, located: &Located<'_>) -> Finding {
        let (case, is_silent, speaks) = (self.case, self.is_silent, self.speaks);
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "{lost}: it is lost between the two taps.",
            lost = located.says(case.model)
        ));
        let finding = finding.title(say!(
            "ESP from {is_silent} to {speaks} is lost on the way",
            is_silent,
            speaks
        ));
        located.cite(case.model, finding).advise(say!(
            "Look for filters between the two taps, on the way from {near} to {far}.",
            near = taps::name(case.model, located.near),
            far = taps::name(case.model, located.far)
        ))
    }

    fn vanished(&self, mut finding: Finding, vanished: &Vanished) -> Finding {
        let (speaks, is_silent) = (self.speaks, self.is_silent);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, far) = (&name(vanished.near), &name(self.directions.vantage));
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "At least {packets} of its packets passed the tap {near} in that time, and none reached the tap {far}: \
             it is lost between the two taps.",
            packets = vanished.packets,
            near,
            far
        ));
        let finding = self.between(finding, vanished, self.directions.vantage);
        match self.selectors() {
            None => finding.title(say!(
                "ESP from {is_silent} to {speaks} is lost on the way",
                is_silent,
                speaks
            )),
            Some(selectors) => finding
                .title(say!(
                    "ESP for {selectors} from {is_silent} to {speaks} is lost on the way",
                    selectors,
                    is_silent,
                    speaks
                ))
                .advise(
                    "Only this child SA suffers, and none can tell the others from it but by the SPI: look for devices \
                     that spread ESP by SPI over several links, queues or processors, of which one is dead.",
                ),
        }
    }

    /// What asks is lost itself, so nothing can answer it.
    fn vanished_there(&self, mut finding: Finding, vanished: &Vanished, far: Vantage) -> Finding {
        let (speaks, is_silent) = (self.speaks, self.is_silent);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, beyond) = (&name(vanished.near), &name(far));
        finding.confidence = Confidence::Certain;
        finding.severity = RULE.severity;
        finding.says.add(say!(
            "At least {packets} of these packets passed the tap {near}, and none reached the tap {far}, which recorded \
             on: they are lost between the two taps.",
            packets = vanished.packets,
            near,
            far = beyond
        ));
        self.between(finding, vanished, far).title(say!(
            "ESP from {from} to {to} is lost on the way",
            from = speaks,
            to = is_silent
        ))
    }

    /// Where to look for what passed one tap and never reached the one behind it, and how sure that is.
    fn between(&self, mut finding: Finding, vanished: &Vanished, far: Vantage) -> Finding {
        let dropped = self.case.model.dropped(far);
        let name = |tap| taps::name(self.case.model, tap);
        let (near, far) = (&name(vanished.near), &name(far));
        if let Some(last) = vanished.last {
            finding = finding.also(last, say!("left {near}, never reached {far}", near, far));
        }
        if dropped > 0 {
            finding.confidence = Confidence::Likely;
            finding = finding.or(say!("The recording of {far} dropped packets.", far));
        }
        finding
            .advise(say!(
                "Look for filters between the two taps, on the way from {near} to {far}.",
                near,
                far
            ))
            .explaining(LOST_EXPLAINS)
    }

    /// What the same packets would look like too, and what to do, where nothing shows what became of the
    /// answers.
    fn unexplained(&self, mut finding: Finding, traffic: &Traffic<'_, '_>) -> Finding {
        let (case, is_silent, before) = (self.case, self.is_silent, self.before);
        let talks = !traffic.stream && !traffic.reports;
        // All arrives at the tap near the silent end, and nothing that leaves there is lost.
        let back = self.located(self.speaker());
        let returns = back.is_none_or(|back| back.lost == 0);
        let there = self.located(self.silent);
        let arrives = there.filter(|there| returns && there.both > 0 && there.lost == 0);
        let arrives = arrives.map(|there| (there.far, taps::name(case.model, there.far)));
        if let Some((vantage, far)) = &arrives {
            finding.says.add(say!(
                "All of it arrives at the tap {far}, and the answers do not leave there.",
                far
            ));
            let arrival = last_at(case, *vantage, self.silent).unwrap_or(self.last);
            finding = finding.also(arrival, say!("it arrives at {far}", far));
        }
        if talks && !traffic.wanted && traffic.requests.is_none() {
            finding = finding.or(
                "It is a program that only sends, such as syslog: packets of one size may be pings without an \
                 answer, or reports that want none.",
            );
        }
        let (vantage, asked) = (self.directions.vantage, asked_at(self.asks(), self.since));
        if let Some(idle) = nat::idle(case, vantage, self.silent, asked) {
            finding = nat::may_forget(finding, is_silent, idle);
        }
        if all_padded(case, &self.directions, self.silent) {
            finding = finding.or(
                "A device drops ESP in frames that are longer than the packet in them: those of this direction \
                 are padded or have a trailer.",
            );
        }
        finding = finding
            .or(match traffic.requests {
                Some(_) => say!("The hosts behind {is_silent} do not answer.", is_silent),
                None => say!(
                    "The hosts behind {is_silent} do not answer, or the traffic is one-way by nature.",
                    is_silent
                ),
            })
            .or(say!(
                "{is_silent} sends the answers past the tunnel: route, NAT or policy.",
                is_silent
            ));
        if before > 0 && talks {
            finding = finding.or(lost_its_sa(is_silent));
            if let Some(at) = deleted_then(case, is_silent, self.since) {
                finding = or_deleted(finding, at, [self.speaks, is_silent]);
            }
        }
        // No filter on ESP tells one SA from another.
        if matches!(self.of, Of::Set(_)) {
            return finding.advise(say!(
                "Behind {is_silent}, look at hosts, routes and rules for the addresses of this child SA.",
                is_silent
            ));
        }
        match self.of {
            Of::Client(_, client) => {
                finding = finding.or(say!(
                    "{client} itself went down, or its NAT has given it another port.",
                    client
                ));
            }
            _ if self.is_gone() => {
                finding = finding.or(say!(
                    "{is_silent} itself went down: nothing else of it was heard since.",
                    is_silent
                ));
            }
            _ => {}
        }
        // The tap there has it all, and hears nothing leave.
        if let Some((_, far)) = arrives {
            let latest = self.asks().iter().max_by_key(|flow| flow.seen.last.1);
            let sa = latest.filter(|_| before > 0);
            let sa = sa.map(|flow| look_for_sa(is_silent, flow.key.spi));
            return finding.advise_all(sa).advise(say!(
                "None leaves at {far}: look at the inside of {is_silent}: routes, NAT exemptions, policy, hosts.",
                far,
                is_silent
            ));
        }
        let transport = self.directions.all().map(|flow| flow.key.transport).max();
        let protocol = match transport {
            Some(Transport::Tcp) => Text::verbatim("TCP 4500"),
            Some(Transport::Udp) => Text::verbatim("UDP 4500"),
            _ => "IP protocol 50".into(),
        };
        finding
            .or(match before {
                0 => "A filter drops ESP in that direction.",
                _ => "A filter drops ESP in that direction since then.",
            })
            .advise(say!(
                "Capture at the outside port of {is_silent}: if ESP leaves there, a filter in \
                 between drops it; permit {protocol}.",
                is_silent,
                protocol
            ))
            .advise("If none leaves, look at its inside: routes, NAT exemptions, policy, hosts.")
    }
}

/// ESP to the end `silent` goes unanswered: nothing comes from there.
fn one_way<'m>(
    case: &Case<'m>,
    tap: &Tap,
    directions: &Directions<'m>,
    silent: usize,
    of: Of<'_>,
) -> Option<Finding> {
    let silence = Silence::of(case, Cow::Borrowed(directions), silent, of)?;
    let proven = silence.is_proven();
    if silence.passes_elsewhere() || !proven && !silence.is_long_enough() {
        return None;
    }
    // Answers that were found elsewhere are no riddle: another rule tells where.
    let found_elsewhere = || {
        clear_text_leak::leave_from(case, silent)
            || asymmetric_return::answers_elsewhere(case, silent)
    };
    if !proven && found_elsewhere() {
        return None;
    }
    let traffic = silence.traffic();
    // Without IKE only a conversation shows that the tap hears both.
    let heard = || {
        traffic.conversed
            || traffic.requests.is_some() && silence.before >= PLENTY
            || silence.is_no_chance()
    };
    if !proven && !heard() && !silence.ike() {
        return None;
    }
    let mut finding = silence.finding(tap, &traffic);
    // All that stands for it then is how the packets lie.
    let by_packets = || !traffic.conversed && traffic.requests.is_none() && !silence.ike();
    if !proven && (silence.is_brief() || by_packets()) {
        finding = silence.by_packets(finding);
    }
    // What was read is not told by selectors: it counts where all SAs are judged together.
    if silence.is_all()
        && !proven
        && let Some((to, service)) = silence.reports_inside()
    {
        finding.says.add(say!(
            "Opened, they are {service} to {to}, which wants no answer.",
            service = Text::verbatim(service),
            to
        ));
        return Some(finding.severity(Severity::Info));
    }
    if silence.is_all()
        && !proven
        && let Some(other) = asymmetric_return::answered_from(case, directions, silent)
    {
        finding.says.add(say!(
            "As many packets came from {other} at that time, of which no IKE is seen: they may be the answers, if that \
             is another address of {is_silent}.",
            other,
            is_silent = silence.is_silent
        ));
        return Some(finding.severity(Severity::Info));
    }
    // Who was silent as long before, and came back, may do so again.
    if let Some(paused) = paused(silence.asks(), silence.answers(), silence.length()) {
        finding.severity = finding.severity.min(Severity::Warning);
        finding.says.add(say!(
            "It was silent for {paused} before, while packets went to it, and came back.",
            paused
        ));
    }
    Some(match silence.loss() {
        Some(Loss::All(located)) => silence.all_lost(finding, located),
        Some(Loss::Since(vanished)) => silence.vanished(finding, vanished),
        Some(Loss::There(vanished, far)) => silence.vanished_there(finding, vanished, *far),
        None => silence.unexplained(finding, &traffic),
    })
}

/// Fewer requests without an answer show nothing: one may be lost, and the next one too.
const ASKED: u64 = 3;

/// The requests in some flows, opened at a tap, that go to an end and have had no answer since a time, among so
/// many packets that were sent since.
fn requests<'c, 'm>(
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

fn lost_its_sa(is_silent: IpAddr) -> Text {
    say!(
        "{is_silent} has lost this child SA, or holds other keys for it, and drops what comes.",
        is_silent
    )
}

fn look_for_sa(is_silent: IpAddr, spi: EspSpi) -> Text {
    say!(
        "On {is_silent}, look for the SA {spi}: is it there, and do its counters of packets and of errors \
         grow?",
        is_silent,
        spi
    )
}

/// What ESP that is lost on the way looks like, beside what any direction without ESP does.
const LOST_EXPLAINS: &[&str] = &["packet-loss"];

/// An earlier silence of the answers that lasted at least so long and ended, while as much was asked.
fn paused(asks: &[&EspFlow], answers: &[&EspFlow], length: Span) -> Option<Span> {
    let silences = answers.iter().flat_map(|flow| flow.silences.iter());
    let mut long = silences.filter(|silence| silence.length >= length);
    let asked = |from: Timestamp, to: Timestamp| -> u64 {
        asks.iter()
            .map(|flow| esp::packets_within(flow, from, to))
            .sum()
    };
    long.find(|silence| asked(silence.before.1, silence.after.1) >= PLENTY)
        .map(|silence| silence.length)
}

/// What may be a Delete of the silent end, sealed, just when it fell silent.
fn deleted_then(case: &Case<'_>, is_silent: IpAddr, since: Timestamp) -> Option<Cite> {
    /// A Delete goes out when the SA is closed, and is sent again if it is lost.
    const JUST_THEN: Span = Span::from_secs(3);
    let mut deletes = single_child_peer::deletes(case).into_iter();
    let deleted = deletes.find(|((_, time), by)| {
        let apart = time.since(since);
        *by == is_silent && apart <= JUST_THEN && Span(-apart.0) <= JUST_THEN
    });
    deleted.map(|(at, _)| at)
}

/// What a Delete that nobody heeds looks like (RFC 7296 section 1.4.1).
fn or_deleted(finding: Finding, at: Cite, [speaks, is_silent]: [IpAddr; 2]) -> Finding {
    finding
        .also(at, say!("what may be a Delete of {is_silent}", is_silent))
        .or(say!(
            "{is_silent} deleted this child SA just then, and {speaks} sends on in it.",
            is_silent,
            speaks
        ))
}

/// The flows of one child SA, towards the first end and towards the second.
type Pair<'m> = [Option<&'m EspFlow>; 2];

/// ESP of one child SA goes unanswered while that of others passes in both directions.
fn one_child<'m>(case: &Case<'m>, tap: &Tap, directions: &Directions<'m>) -> Option<Finding> {
    /// So many suspects are looked at, the first.
    const FEW: usize = 16;
    let mut pairs: BTreeMap<ChildSaId, Pair<'m>> = BTreeMap::new();
    for end in [0, 1] {
        for flow in directions.flows(end) {
            if let Some(id) = flow.child_sa.child_sa()
                && let Some(place) = pairs.entry(id).or_default().get_mut(end)
            {
                // One SA may have been seen in two encapsulations, or at two places of its receiver.
                let later = place.filter(|one: &&EspFlow| one.seen.last.1 > flow.seen.last.1);
                *place = Some(later.unwrap_or(flow));
            }
        }
    }
    // Where the clock was set, before and after are not known by time.
    let set = quality::clock_error(case.model, directions.vantage) > Span::default();
    if pairs.len() < 2 || set {
        return None;
    }
    let replaced: BTreeSet<ChildSaId> = pairs
        .keys()
        .filter_map(|id| case.model.child_sas[*id].replaces)
        .collect();
    let pairs = pairs.into_iter().filter(|(id, _)| !replaced.contains(id));
    let suspects = pairs.flat_map(|(id, pair)| {
        // Who has never answered may do so in an SA that is taken for another, unless it is known which exchange
        // made this one.
        let known = case.model.child_sas[id].made_by.is_some();
        let [first, second] = pair;
        let suspects = [(0, first, second), (1, second, first)];
        let suspects = suspects.into_iter();
        let suspects =
            suspects.filter_map(|(silent, asks, answers)| Suspect::of(silent, asks?, answers));
        suspects.filter(move |suspect| known || suspect.answers.is_some())
    });
    suspects
        .take(FEW)
        .find(|suspect| suspect.stands_alone(directions))
        .and_then(|suspect| suspect.finding(case, tap))
}

/// Where the recording begins later than the negotiation, so that it does not show which SAs belong together:
/// more of them go one way than the other, or one of these ends, and what comes is no more than what goes in the
/// others, though packets of that size have answers there.
fn one_unpaired<'m>(case: &Case<'m>, tap: &Tap, directions: &Directions<'m>) -> Option<Finding> {
    [0, 1]
        .into_iter()
        .find_map(|silent| Unpaired::of(case, directions, silent)?.finding(case, tap))
}

/// SAs of which nobody knows which belong together.
struct Unpaired<'m> {
    /// How many go to the silent end.
    there: usize,
    /// How many come back.
    here: usize,
    /// The one that came back and ended.
    ended: Option<&'m EspFlow>,
    /// Those of which each may be the one without answers.
    suspects: Vec<Suspect<'m>>,
}

impl<'m> Unpaired<'m> {
    fn of(case: &Case<'m>, directions: &Directions<'m>, silent: usize) -> Option<Self> {
        /// With more at once nothing is told.
        const FEW: usize = 16;
        let (out, back) = (directions.flows(silent), directions.flows(1 - silent));
        let is_loose = |flow: &EspFlow| flow.child_sa.child_sa().is_none();
        if out.len() < 2
            || out.len() > FEW
            || back.len() > out.len()
            || !directions.all().all(is_loose)
            || quality::clock_error(case.model, directions.vantage) > Span::default()
        {
            return None;
        }
        let until = directions.last(silent)?.1;
        let ends = |flow: &&EspFlow| until.since(flow.seen.last.1) >= SILENT;
        let ended = match back.len() < out.len() {
            true => None,
            false => {
                let ended = back.iter().copied().filter(ends);
                Some(ended.max_by_key(|flow| flow.seen.last.1)?)
            }
        };
        let goes_on = |flow: &&EspFlow| ended.is_none_or(|ended| ended.key != flow.key);
        let back: Vec<_> = back.iter().copied().filter(goes_on).collect();
        let suspects = out.iter().filter_map(|asks| {
            let suspect = Suspect::of(silent, asks, ended)?;
            let others = out.iter().copied().filter(|flow| flow.key != asks.key);
            let others: Vec<_> = others.collect();
            let (asked, came) = (alike(&others, &[asks]), alike(&back, &[asks]));
            let is_answered = came >= PLENTY && came.saturating_mul(10) >= asked.saturating_mul(8);
            // What was opened tells more than sizes.
            let opened = || suspect.requests(case).is_some_and(|requests| requests.all);
            let wanted = case.inside().is_none() || opened();
            (is_answered && wanted && suspect.stands_alone(directions)).then_some(suspect)
        });
        let mut suspects: Vec<_> = suspects.collect();
        let mut exact = suspects.iter().filter(|one| one.is_exact(out, &back));
        if let (Some(one), None) = (exact.next().copied(), exact.next()) {
            suspects = vec![one];
        }
        Some(Self {
            there: out.len(),
            here: back.len(),
            ended,
            suspects,
        })
    }

    fn finding(&self, case: &Case<'m>, tap: &Tap) -> Option<Finding> {
        let (first, others) = self.suspects.split_first()?;
        let [speaks, is_silent] = first.ends(case)?;
        let (there, here) = (self.there, self.here);
        let last = first.asks.seen.last;
        let mut said = match others {
            [] => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}. {there} SAs go there and \
                 {here} back, and what comes is hardly more than what goes in the others, where packets of this size are \
                 answered.",
                length = last.1.since(first.since),
                sent = first.sent,
                spi = first.asks.key.spi,
                speaks,
                is_silent,
                there,
                here
            ),
            _ => say!(
                "{there} SAs carry ESP from {speaks} to {is_silent} and {here} back, and what comes is hardly more than \
                 what goes in all of them but one, though each has packets of a size that is answered. That one is {spis}: \
                 the recording does not show which SAs belong together.",
                there,
                here,
                speaks,
                is_silent,
                spis = parted(
                    " or ",
                    self.suspects
                        .iter()
                        .map(|one| Text::verbatim(one.asks.key.spi))
                )
            ),
        };
        if let Some(ended) = self.ended {
            said.add(say!(
                "Until then {spi} came back as well.",
                spi = ended.key.spi
            ));
        }
        let mut finding = first.told(case, tap.absence(Confidence::Possible), said)?;
        for other in others {
            finding = finding.also(
                other.asks.seen.last,
                "the last one of the other that it may be",
            );
        }
        if let Some(ended) = self.ended {
            finding = finding.also(ended.seen.last, "the last packet of the other direction");
        }
        // Sizes alone do not tell traffic that is one-way by nature from requests.
        let wanted = self.ended.is_some() || first.requests(case).is_some();
        Some(finding.severity(match wanted {
            true => Severity::Warning,
            false => Severity::Info,
        }))
    }
}

/// A flow whose packets have had no answer for a while.
#[derive(Clone, Copy)]
struct Suspect<'m> {
    /// The end that is silent.
    silent: usize,
    /// What goes there.
    asks: &'m EspFlow,
    /// What came back before.
    answers: Option<&'m EspFlow>,
    /// Since when it is silent.
    since: Timestamp,
    /// Packets that were sent since.
    sent: u64,
}

impl<'m> Suspect<'m> {
    fn of(silent: usize, asks: &'m EspFlow, answers: Option<&'m EspFlow>) -> Option<Self> {
        let since = answers.map_or(asks.seen.first.1, |answers| answers.seen.last.1);
        let (sent, length) = (
            esp::packets_since(asks, since),
            asks.seen.last.1.since(since),
        );
        // Who talked wants answers, and of requests there are few kinds.
        let wanted = match answers {
            Some(answers) => {
                answers.packets >= PLENTY
                    && answers.packets.saturating_mul(10) >= sent
                    && answered_alike(&[asks], &[answers])
            }
            None => mostly_alike(&[asks]) && !is_stream(&[asks], sent, length),
        };
        (wanted && length >= SILENT && sent >= PLENTY + PLENTY / 2).then_some(Self {
            silent,
            asks,
            answers,
            since,
            sent,
        })
    }

    /// Whether the silent end is heard in other SAs as ever, and does not send the answers in those: nothing
    /// comes there that was not asked for, and of the sizes of these answers no more than of these requests.
    fn stands_alone(&self, directions: &Directions<'_>) -> bool {
        let others = |end: usize, not: Option<&EspFlow>| -> Vec<&EspFlow> {
            let flows = directions.flows(end).iter().copied();
            let others = flows.filter(|flow| not.is_none_or(|not| not.key != flow.key));
            others.collect()
        };
        let (out, back) = (
            others(self.silent, Some(self.asks)),
            others(1 - self.silent, self.answers),
        );
        let (asked, came) = (since(&out, self.since), since(&back, self.since));
        let asked_alike = alike(&out, &[self.asks]);
        let came_alike = alike(&back, &[self.answers.unwrap_or(self.asks)]);
        let spare = self.sent / 5;
        came >= PLENTY && came <= asked + spare && came_alike <= asked_alike + spare
    }

    /// Whether each packet that comes back since it began may be an answer to one that goes there in another SA.
    fn is_exact(&self, out: &[&EspFlow], back: &[&EspFlow]) -> bool {
        /// At both ends of the recording one more may be seen of either direction.
        const EDGES: u64 = 2;
        let asked = since(out, self.since).saturating_sub(self.sent);
        since(back, self.since) <= asked.saturating_add(EDGES)
    }

    /// The requests inside, if any was opened.
    fn requests<'c>(&self, case: &'c Case<'m>) -> Option<Requests<'c, 'm>> {
        requests(
            case,
            (self.asks.key.vantage, self.silent),
            (self.since, self.sent),
            |flow| flow.key == self.asks.key,
        )
    }

    /// Who speaks, and who is silent.
    fn ends(&self, case: &Case<'_>) -> Option<[IpAddr; 2]> {
        let ends = case.tunnel.ends;
        Some([*ends.get(1 - self.silent)?, *ends.get(self.silent)?])
    }

    /// What is told of it where it is known what came back before.
    fn finding(&self, case: &Case<'m>, tap: &Tap) -> Option<Finding> {
        let [speaks, is_silent] = self.ends(case)?;
        let spi = self.asks.key.spi;
        let length = self.asks.seen.last.1.since(self.since);
        let said = match self.answers {
            Some(answers) => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}, and none with {back} \
                 came from {is_silent} any more, which had sent {before} before.",
                length,
                sent = self.sent,
                spi,
                speaks,
                is_silent,
                back = answers.key.spi,
                before = answers.packets
            ),
            None => say!(
                "In {length} {sent} ESP packets with {spi} went from {speaks} to {is_silent}, and nothing of the \
                 same child SA came back.",
                length,
                sent = self.sent,
                spi,
                speaks,
                is_silent
            ),
        };
        // Of those that were made together one may be taken for another.
        let child = self.asks.child_sa.child_sa();
        let guessed = child.is_some_and(|id| case.model.child_sas[id].is_guessed);
        let confidence = tap.absence(match self.answers {
            Some(_) if !guessed => Confidence::Likely,
            _ => Confidence::Possible,
        });
        let mut finding = self.told(case, confidence, said)?;
        let Some(answers) = self.answers else {
            return Some(finding.severity(Severity::Warning));
        };
        finding = finding.also(answers.seen.last, "the last packet of the other direction");
        if let Some(left) = taps::upstream(case, answers)
            && left.seen.last.1.since(self.since) >= SILENT
            && self.asks.seen.last.1.since(left.seen.last.1) < SILENT
        {
            finding.confidence = Confidence::Certain;
            finding.alternatives.clear();
            let tap = taps::name(case.model, left.key.vantage);
            finding.says.add(say!(
                "The tap {tap} has answers to the end: they are lost between the two taps.",
                tap = &tap
            ));
            finding = finding.also(left.seen.last, say!("an answer leaves {tap}", tap));
        }
        Some(finding)
    }

    /// What else the same packets would look like, and what to do.
    fn told(&self, case: &Case<'m>, confidence: Confidence, said: Text) -> Option<Finding> {
        let [speaks, is_silent] = self.ends(case)?;
        let last = self.asks.seen.last;
        let finding = Finding::new(
            &RULE,
            confidence,
            case.id,
            last,
            "the last one, still unanswered",
        )
        .during(self.since, last.1)
        .title(say!(
            "One child SA of several carries ESP from {speaks} to {is_silent} only",
            speaks,
            is_silent
        ))
        .says(said.then(
            "Other child SAs pass in both directions meanwhile: it is no filter on ESP as such.",
        ))
        .or(match self.requests(case) {
            Some(_) => say!(
                "The hosts that this child SA is for do not answer behind {is_silent}.",
                is_silent
            ),
            None => say!(
                "The hosts that this child SA is for do not answer behind {is_silent}, or its traffic is one-way by \
                 nature.",
                is_silent
            ),
        })
        .or(say!(
            "{is_silent} sends the answers past the tunnel: route, NAT or policy.",
            is_silent
        ))
        .or(lost_its_sa(is_silent));
        let deleted = self
            .answers
            .and_then(|_| deleted_then(case, is_silent, self.since));
        let finding = match deleted {
            Some(at) => or_deleted(finding, at, [speaks, is_silent]),
            None => finding,
        };
        Some(
            finding
                .advise(look_for_sa(is_silent, self.asks.key.spi))
                .advise(say!(
                    "Behind {is_silent}, look at hosts, routes and rules for the addresses of this child SA.",
                    is_silent
                )),
        )
    }
}

/// The last packet towards an end at a tap.
fn last_at(case: &Case<'_>, tap: Vantage, towards: usize) -> Option<Cite> {
    case.directions_at(tap)?.last(towards)
}

/// ESP around a ping, a SYN or a query stays below, whatever the suite.
const SMALL: u32 = 160;

/// Whether every packet towards an end lies in a frame that is longer, while IKE shows that not all
/// frames there are.
fn all_padded(case: &Case<'_>, directions: &Directions<'_>, towards: usize) -> bool {
    let flows = directions.flows(towards);
    flows.iter().all(|flow| flow.padded == flow.packets)
        && case
            .messages()
            .filter(|message| message.vantage == directions.vantage)
            .any(|message| !message.ip.padded)
}

/// Whoever waits for an answer in vain asks again so soon: `ping` after a second, that of Windows after
/// five.
const ASKS_AGAIN: Span = Span::from_secs(6);

fn mostly_small(flows: &[&EspFlow]) -> bool {
    let (mut small, mut all) = (0u64, 0u64);
    for flow in flows {
        for (size, packets) in &flow.sizes.counts {
            all += u64::from(*packets);
            if *size <= SMALL {
                small += u64::from(*packets);
            }
        }
        all += flow.sizes.others;
    }
    small * 2 >= all
}

/// Whether packets of the most common size once had answers of the same size.
fn answered_alike(asks: &[&EspFlow], answers: &[&EspFlow]) -> bool {
    let (asked, _) = sizes(asks);
    let (answers, _) = sizes(answers);
    let most = asked.iter().max_by_key(|(_, packets)| **packets);
    most.is_some_and(|(size, _)| answers.contains_key(size))
}

/// Whether packets of each size had answers of the same size.
fn all_answered_alike(asks: &[&EspFlow], answers: &[&EspFlow]) -> bool {
    let (_, all) = sizes(asks);
    alike(asks, answers) == all
}

/// Whether nearly all that is sent since a time is of sizes that were sent before and never had an answer, while
/// packets of other sizes had one each: these ended, and who sends the rest wants none.
fn never_answered(asks: &[&EspFlow], answers: &[&EspFlow], since: Timestamp, sent: u64) -> bool {
    /// An answer comes so soon.
    const SOON: Span = Span::from_secs(1);
    let (asked, _) = sizes(asks);
    let (back, all) = sizes(answers);
    let paired = back
        .iter()
        .filter(|(size, packets)| asked.get(size).is_some_and(|asked| asked >= *packets));
    if paired.map(|(_, packets)| packets).sum::<u64>() != all {
        return false;
    }
    let rhythms = asks.iter().flat_map(|flow| &flow.rhythms);
    let mut later = 0;
    for rhythm in rhythms.filter(|rhythm| rhythm.last.1.since(since) > SOON) {
        let (lasted, until) = (
            rhythm.last.1.since(rhythm.first.1),
            since.since(rhythm.first.1),
        );
        let packets = f64::from(rhythm.packets);
        let before = packets * until.as_secs_f64() / lasted.as_secs_f64().max(1e-9);
        if back.contains_key(&rhythm.size) || before < FEW as f64 {
            return false;
        }
        later += (packets - before).max(0.0) as u64;
    }
    later.saturating_mul(10) >= sent.saturating_mul(8)
}

/// How likely it is that of requests, of which these were answered, these `spared` were not, and these `last`
/// neither, the last ones are behind all the others, if time has nothing to do with it.
fn all_last(answered: u64, spared: u64, last: u64) -> f64 {
    /// More than these change nothing.
    const ENOUGH: u64 = 1000;
    let all = answered.saturating_add(spared).saturating_add(last) as f64;
    let silent = spared.saturating_add(last) as f64;
    let places = (0..last.min(ENOUGH)).map(|place| place as f64);
    places
        .map(|place| (silent - place) / (all - place))
        .product()
}

/// When the first packet after a time was sent that has no answer: both may have paused then.
fn asked_at(asks: &[&EspFlow], since: Timestamp) -> Timestamp {
    /// An answer comes so soon.
    const SOON: Span = Span::from_secs(1);
    let later = asks.iter().filter(|flow| flow.seen.last.1 > since);
    let asked = later.map(|flow| {
        let mut silences = flow.silences.iter();
        let pause = silences.find(|one| one.before.1 <= since.later(SOON) && one.after.1 > since);
        pause.map_or(flow.seen.first.1.max(since), |pause| pause.after.1)
    });
    asked.min().unwrap_or(since)
}

/// Packets of sizes that came often only from a time on, and that the other direction never had.
fn begun(asks: &[&EspFlow], answers: &[&EspFlow], since: Timestamp) -> u64 {
    let (answers, _) = sizes(answers);
    asks.iter()
        .flat_map(|flow| {
            let later = flow.rhythms.iter().filter(|rhythm| rhythm.first.1 >= since);
            later.filter_map(|later| {
                let mut sizes = flow.sizes.counts.iter();
                sizes.find(|(size, _)| *size == later.size)
            })
        })
        .filter(|(size, _)| !answers.contains_key(size))
        .map(|(_, packets)| u64::from(*packets))
        .sum()
}

/// Packets of flows at or after a time.
fn since(flows: &[&EspFlow], time: Timestamp) -> u64 {
    let packets = flows.iter().map(|flow| esp::packets_since(flow, time));
    packets.sum()
}

/// Packets of the sizes that others have.
fn alike(flows: &[&EspFlow], like: &[&EspFlow]) -> u64 {
    let ((all, _), (like, _)) = (sizes(flows), sizes(like));
    let alike = all.iter().filter(|(size, _)| like.contains_key(size));
    alike.map(|(_, packets)| packets).sum()
}

/// Packets by size, and how many there are.
fn sizes(flows: &[&EspFlow]) -> (BTreeMap<u32, u64>, u64) {
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    let mut all = 0u64;
    for flow in flows {
        for (size, packets) in &flow.sizes.counts {
            *sizes.entry(*size).or_default() += u64::from(*packets);
            all += u64::from(*packets);
        }
        all += flow.sizes.others;
    }
    (sizes, all)
}

/// Whether most packets are of one size or two, as requests are that are asked again: pings, SYNs. What
/// only reports has sizes of all kinds.
fn mostly_alike(flows: &[&EspFlow]) -> bool {
    let (sizes, all) = sizes(flows);
    let mut packets: Vec<u64> = sizes.into_values().collect();
    packets.sort_unstable_by(|a, b| b.cmp(a));
    let most: u64 = packets.iter().take(2).sum();
    most.saturating_mul(4) >= all.saturating_mul(3)
}

/// Whether what goes unanswered looks like a stream that wants no answer: large, or fast and steady.
/// Whoever waits for answers begins small and slows down: TCP shakes hands first and backs off, a
/// ping comes once a second.
fn is_stream(flows: &[&EspFlow], sent: u64, length: Span) -> bool {
    let steady = flows.iter().any(|flow| {
        // The first and the last step are not whole.
        let whole = match flow.timeline.counts.as_slice() {
            [_, whole @ .., _] if !whole.is_empty() => whole,
            _ => return false,
        };
        let (least, most) = (whole.iter().min(), whole.iter().max());
        least
            .zip(most)
            .is_some_and(|(least, most)| *most <= least.saturating_mul(2))
    });
    !mostly_small(flows) || steady && sent as f64 >= FAST * length.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    /// A second child SA whose answers end at a time, beside one of which each packet is answered, or by
    /// which `extra` packets come.
    fn two_children(answers: u32, extra: &str) -> String {
        format!(
            "{UP}
             0.5 A > B ESP 0xb1 seq 1..60 every 1 size 136
             0.6 B > A ESP 0xa1 seq 1..60 every 1 size 136
             1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             1.2 A > B ESP 0xb2 seq 1..60 every 1 size 136
             1.3 B > A ESP 0xa2 seq 1..{answers} every 1 size 136
             {extra}"
        )
    }

    #[test]
    fn as_many_packets_from_another_address_may_be_the_answers() {
        let text = |back: &str| {
            format!(
                "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
                 0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
                 2 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 {back}"
            )
        };
        let severity = |back: &str| fires(&text(back), "esp-one-way").severity;
        assert_eq!(
            severity("2.1 C > A ESP 0xa1 seq 1..40 every 0.5 size 136"),
            Severity::Info
        );
        assert_eq!(
            severity("2.1 C > A ESP 0xa1 seq 1..38 every 0.5 size 136"),
            Severity::Error
        );
        // At another time, to another, or of a tunnel of its own.
        assert_eq!(
            severity("9 C > A ESP 0xa1 seq 1..40 every 0.5 size 136"),
            Severity::Error
        );
        assert_eq!(
            severity("2.1 C > D ESP 0xa1 seq 1..40 every 0.5 size 136"),
            Severity::Error
        );
        let both = "2.1 C > A ESP 0xa1 seq 1..40 every 0.5 size 136
                    2.2 A > C ESP 0xc1 seq 1..40 every 0.5 size 136";
        assert_eq!(severity(both), Severity::Error);
    }

    #[test]
    fn what_another_tap_has_of_the_silent_end_shows_that_it_is_not() {
        let text = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
            2 A > B ESP 0xb1 seq 1..100 every 0.5 size 136";
        let there = "2 B > A ESP 0xa1 seq 1..80 every 0.5 size 136 tap=1";
        fires(text, "esp-one-way");
        silent(&format!("{text}\n{there}"), "esp-one-way");
    }

    #[test]
    fn one_child_of_several_that_falls_silent() {
        let finding = crate::diagnose::testing::fires(&two_children(30, ""), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Likely);
        assert!(
            finding.says.to_string().contains("0x000000a2"),
            "{}",
            finding.says
        );
        silent(&two_children(58, ""), "esp-one-way");
        // What comes by the other child SA unasked may be the answers.
        let moved = "31.4 B > A ESP 0xa1 seq 61..90 every 1 size 136";
        silent(&two_children(30, moved), "esp-one-way");
    }

    #[test]
    fn what_never_had_an_answer_must_be_known_for_a_child_sa_of_its_own() {
        let traffic = "
            0.5 A > B ESP 0xb1 seq 1..60 every 1 size 136
            0.6 B > A ESP 0xa1 seq 1..60 every 1 size 136
            10.2 A > B ESP 0xb2 seq 1..40 every 1 size 152";
        silent(traffic, "esp-one-way");
        let made = "
            10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
            10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208";
        let text = format!("{UP}{traffic}{made}");
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
    }

    #[test]
    fn of_sas_that_were_made_before_the_recording_one_has_no_answers() {
        let text = |answers: &str, size: u32| {
            format!(
                "0 A > B ESP 0xb1 seq 100..159 every 1 size 136
                 0.05 B > A ESP 0xa1 seq {answers} size 136
                 3.2 A > B ESP 0xb2 seq 50..99 every 1 size {size}"
            )
        };
        let alone = "100..159 every 1";
        let finding = crate::diagnose::testing::fires(&text(alone, 136), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        let says = finding.says.to_string();
        assert!(says.contains("2 SAs go there and 1 back"), "{says}");
        assert!(says.contains("with 0x000000b2"), "{says}");
        // Both are answered in one; and where no packet of the size is answered it may want no answer.
        silent(&text("100..219 every 0.5", 136), "esp-one-way");
        // Opened, it wants none.
        let opened = text(alone, 136).replace(
            "50..99 every 1 size 136",
            "50..99 every 1 size 136 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)",
        );
        silent(&opened, "esp-one-way");
        silent(&text(alone, 152), "esp-one-way");
        // Which of two that began together it is, nobody can tell.
        let both = text(alone, 136)
            .replace("3.2 A", "0.01 A")
            .replace("50..99", "50..109");
        let finding = crate::diagnose::testing::fires(&both, "esp-one-way");
        let says = finding.says.to_string();
        assert!(says.contains("0x000000b1 or 0x000000b2"), "{says}");
        // One of as many ends, and no other takes its place.
        let ends = |until: u32| {
            let ended = format!("0.02 B > A ESP 0xa2 seq 50..{until} every 1 size 136");
            format!("{both}\n{ended}")
        };
        let finding = crate::diagnose::testing::fires(&ends(69), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        let says = finding.says.to_string();
        assert!(says.contains("0x000000a2 came back as well"), "{says}");
        silent(&ends(108), "esp-one-way");
        let next = "20.03 B > A ESP 0xa3 seq 1..40 every 1 size 136";
        silent(&format!("{}\n{next}", ends(69)), "esp-one-way");
    }

    #[test]
    fn what_may_be_a_delete_just_then_is_named() {
        let text = |at: u32| {
            format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..90 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 {at}.3 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 80
                 {at}.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80"
            )
        };
        for (at, named) in [(31, true), (50, false)] {
            let finding = fires(&text(at), "esp-one-way");
            let mut others = finding.alternatives.iter().map(ToString::to_string);
            assert_eq!(
                others.any(|one| one.contains("deleted this child SA")),
                named
            );
        }
    }

    #[test]
    fn requests_that_were_opened_want_an_answer_by_nature() {
        let text = format!(
            "{UP}
             1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             40 A > C ESP 0xc1"
        );
        let finding = fires(&text, "esp-one-way");
        let others: String = finding
            .alternatives
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            !others.contains("by nature") && !others.contains("syslog"),
            "{others}"
        );
        let says = finding.says.to_string();
        assert!(
            says.contains("ICMP echo from 10.1.0.1 to 10.2.0.1"),
            "{says}"
        );
    }

    #[test]
    fn a_child_that_was_replaced_is_not_silent() {
        let rekeyed = "
            40 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 224
            40.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 208
            40.2 A > B ESP 0xb3 seq 1..40 every 1 size 136
            40.3 B > A ESP 0xa3 seq 1..40 every 1 size 136";
        let text = format!(
            "{UP}
             0.5 A > B ESP 0xb1 seq 1..90 every 1 size 136
             0.6 B > A ESP 0xa1 seq 1..90 every 1 size 136
             1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             1.2 A > B ESP 0xb2 seq 1..39 every 1 size 136
             1.3 B > A ESP 0xa2 seq 1..39 every 1 size 136{rekeyed}"
        );
        silent(&text, "esp-one-way");
    }

    #[test]
    fn a_stream_after_pings_is_no_broken_conversation() {
        let after = |size: u32, every: &str| {
            findings(&format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..30 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 32 A > B ESP 0xb1 seq 31..270 every {every} size {size}"
            ))
        };
        let found = after(280, "0.05");
        assert!(is_healthy(&found), "{found:#?}");
        // Pings that are answered no more, and slow ones of another size.
        for (size, confidence) in [(136, Confidence::Likely), (280, Confidence::Possible)] {
            let found = after(size, "1");
            let first = found.first().unwrap();
            assert_eq!(
                (first.rule.slug, first.confidence),
                ("esp-one-way", confidence)
            );
        }
    }

    #[test]
    fn what_goes_on_when_all_that_was_answered_has_ended_wants_no_answer() {
        let text = |pings: u32| {
            format!(
                "1 A > B ESP 0xb1 seq 1..{pings} every 0.5 size 136
                 1.02 B > A ESP 0xa1 seq 1..30 every 0.5 size 136
                 1 A > B ESP 0xb2 seq 1..140 every 0.25 size 224"
            )
        };
        silent(&text(30), "esp-one-way");
        fires(&text(80), "esp-one-way");
    }

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    /// Two child SAs whose selectors keys tell, the second for `other` networks; the first works.
    fn two_sets(other: &str, rest: &str) -> String {
        let child = |spi: &str| format!("SA(ESP {spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128)");
        format!(
            "{UP} opened {} TSi(10.1.0.0/24) TSr(10.2.0.0/24)
             0.5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened {} Nonce {other}
             0.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened {} Nonce {other}
             1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             {rest}",
            child("0xb1"),
            child("0xa2"),
            child("0xb2"),
        )
        .replace(
            "request sealed 256",
            &format!("request sealed 256 opened {} TSi(10.1.0.0/24) TSr(10.2.0.0/24)", child("0xa1")),
        )
    }

    #[test]
    fn one_set_of_selectors_of_several_goes_one_way() {
        let apart = "TSi(10.1.7.0/24) TSr(10.2.7.0/24)";
        let out = "2 A > B ESP 0xb2 seq 1..18 every 1 size 136";
        let found = findings(&two_sets(apart, out));
        let title = found.first().unwrap().title.to_string();
        assert_eq!(
            title,
            "ESP for 10.1.7.0/24 with 10.2.7.0/24 flows from 192.0.2.1 to 192.0.2.2 only"
        );
        verdict(&two_sets(apart, out), "esp-one-way");
        // It is answered, or idle.
        let back = "2.1 B > A ESP 0xa2 seq 1..18 every 1 size 136";
        assert!(is_healthy(&findings(&two_sets(
            apart,
            &format!("{out}\n{back}")
        ))));
        assert!(is_healthy(&findings(&two_sets(apart, ""))));
    }

    #[test]
    fn where_answers_may_come_in_another_sa_selectors_prove_nothing() {
        let out = "2 A > B ESP 0xb2 seq 1..18 every 1 size 136";
        for other in [
            "TSi(10.1.0.0/24) TSr(10.2.0.0/24)",
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
        ] {
            // Only that none came there unasked remains.
            let text = two_sets(other, out);
            let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
            assert_eq!(finding.confidence, Confidence::Possible);
            let title = finding.title.to_string();
            assert!(title.starts_with("One child SA of several"), "{title}");
            let back = "2.1 B > A ESP 0xa1 seq 41..58 every 1 size 136";
            silent(&format!("{text}\n{back}"), "esp-one-way");
        }
        // Nobody knows what the SA of this flow takes.
        let apart = "TSi(10.1.7.0/24) TSr(10.2.7.0/24)";
        let unknown = format!("{out}\n3 B > A ESP 0xa9 seq 1..9 every 1 size 136");
        silent(&two_sets(apart, &unknown), "esp-one-way");
    }

    #[test]
    fn what_begins_hours_later_is_judged_by_itself() {
        let later = |packets: &str| {
            format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..31 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 7200.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
                 7200.2 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 7201 A > B ESP 0xb2 {packets}"
            )
        };
        // A stream that wants no answer is none, however long both were silent before.
        assert!(is_healthy(&findings(&later(
            "seq 1..300 every 0.05 size 280"
        ))));
        verdict(&later("seq 1..30 every 1 size 136"), "esp-one-way");
    }

    #[test]
    fn many_go_and_none_comes() {
        verdict(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136"),
            "esp-one-way",
        );
    }

    #[test]
    fn two_taps_tell_that_the_answers_left() {
        let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
        let finding = crate::diagnose::testing::fires(
            &format!(
                "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..30 every 0.3 size 136
                 1.01 A > B ESP 0xb1 seq 1..30 every 0.3 size 136 tap=1 ttl=63
                 1.02 B > A ESP 0xa1 seq 1..30 every 0.3 size 136 tap=1
                 11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 11.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 11.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 11.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
            ),
            "esp-one-way",
        );
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Certain);
        assert!(
            finding
                .says
                .to_string()
                .contains("lost between the two taps"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn two_taps_tell_since_when_the_answers_are_lost() {
        let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
        let text = |arrive: u32| {
            format!(
                "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 1.01 A > B ESP 0xb1 seq 1..40 every 0.5 size 136 tap=1 ttl=63
                 1.02 B > A ESP 0xa1 seq 1..40 every 0.5 size 136 tap=1
                 1.03 B > A ESP 0xa1 seq 1..{arrive} every 0.5 size 136 ttl=63
                 23 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 23.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 23.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 23.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
            )
        };
        let finding = crate::diagnose::testing::fires(&text(8), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Certain);
        assert!(finding.alternatives.is_empty(), "{finding:#?}");
        assert_eq!(
            finding.title.to_string(),
            "ESP from 192.0.2.2 to 192.0.2.1 is lost on the way"
        );
        silent(&text(39), "esp-one-way");
    }

    #[test]
    fn a_few_unanswered_packets_prove_nothing() {
        silent(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..6 every 0.3 size 136"),
            "esp-one-way",
        );
    }

    #[test]
    fn traffic_both_ways_is_fine_however_uneven() {
        silent(
            &format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..500 every 0.03 size 1400
                 1 B > A ESP 0xa1 seq 1..5 every 3 size 104"
            ),
            "esp-one-way",
        );
    }

    #[test]
    fn a_direction_that_falls_silent_while_the_other_goes_on() {
        verdict(
            &format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 45 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 45.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            ),
            "esp-one-way",
        );
    }

    #[test]
    fn a_recording_that_has_each_packet_twice_shows_it_too() {
        let flow = |from: &str, spi: u32, first: f64, last: u32| -> String {
            (1..=last)
                .map(|n| {
                    let time = first + f64::from(n) * 0.5;
                    let line = |time: f64| format!("{time} {from} ESP {spi:#x} seq {n} size 136\n");
                    line(time) + &line(time + 0.000_004)
                })
                .collect()
        };
        verdict(
            &format!(
                "{UP}\n{}{}",
                flow("A > B", 0xb1, 1.0, 60),
                flow("B > A", 0xa1, 1.1, 30)
            ),
            "esp-one-way",
        );
    }

    #[test]
    fn a_stream_that_only_sends_is_no_fault() {
        let stream = format!(
            "{UP}
             1 A > B ESP 0xb1 seq 1..3 every 0.3 size 136
             1.1 B > A ESP 0xa1 seq 1..3 every 0.3 size 136
             2 A > B ESP 0xb1 seq 4..1000 every 0.02 size 264"
        );
        assert!(is_healthy(&findings(&stream)));
    }

    #[test]
    fn half_a_conversation_of_streams_is_a_fault() {
        verdict(
            &format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..2000 every 0.02 size 264
                 1 B > A ESP 0xa1 seq 1..800 every 0.02 size 264"
            ),
            "esp-one-way",
        );
    }

    #[test]
    fn a_tap_that_hears_one_side_only_cannot_tell() {
        silent(
            "0.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request sealed 80
             1 A > B ESP 0xb1 seq 1..180 every 0.3 size 136",
            "esp-one-way",
        );
    }

    #[test]
    fn reports_of_many_sizes_may_want_no_answer() {
        let reports = "A > B ESP 0xb1 seq 1..40 every 0.7 size 104,136,152,120,88,160,140,112";
        let talk = "1 A > B ESP 0xb2 seq 1..5 every 0.3 size 136
             1.1 B > A ESP 0xa2 seq 1..5 every 0.3 size 136";
        for text in [
            format!("{UP}\n1 {reports}"),
            format!("{UP}\n{talk}\n3 {reports}"),
        ] {
            let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
            assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
            assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
        }
    }

    #[test]
    fn requests_that_are_all_alike_want_answers() {
        let finding = crate::diagnose::testing::fires(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 1 size 136"),
            "esp-one-way",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Error);
        // So may reports be, which want none.
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
        assert!(
            finding
                .alternatives
                .iter()
                .any(|other| other.to_string().contains("syslog")),
            "{:?}",
            finding.alternatives
        );
        let finding = crate::diagnose::testing::fires(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..40 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..5 every 1 size 136"
            ),
            "esp-one-way",
        );
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
    }

    #[test]
    fn reports_that_are_alike_and_come_seldom_may_want_no_answer() {
        let traps: String = [3, 9, 10, 22, 23, 24, 41, 60, 66, 67, 90, 91]
            .iter()
            .enumerate()
            .map(|(n, time)| format!("\n{time} A > B ESP 0xb1 seq {} size 152", n + 1))
            .collect();
        for text in [
            format!("{UP}{traps}"),
            format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 30 size 152"),
        ] {
            let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
            assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
            assert_eq!(finding.confidence, Confidence::Possible);
        }
        let pings = format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 5 size 136");
        let finding = crate::diagnose::testing::fires(&pings, "esp-one-way");
        assert_eq!(finding.severity, crate::diagnose::Severity::Error);
    }

    #[test]
    fn a_conversation_that_stops_on_one_side_is_told_without_ike() {
        let text = |answers: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..200 every 1 size 136
                 0.1 B > A ESP 0xa1 seq {answers} every 1 size 136"
            )
        };
        let finding = crate::diagnose::testing::fires(&text("1..100"), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        silent(&text("1..195"), "esp-one-way");
        silent(&text("1..4"), "esp-one-way");
    }

    #[test]
    fn frames_that_are_longer_are_mentioned() {
        let mentioned = |up: &str, padded: &str| {
            let text = format!("{up}\n1 A > B ESP 0xb1 seq 1..20 every 1 size 24 {padded}");
            let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
            let mut alternatives = finding.alternatives.iter();
            alternatives.any(|other| other.to_string().contains("trailer"))
        };
        assert!(mentioned(UP, "padded"));
        assert!(!mentioned(UP, ""));
        // Where all frames have a trailer, it is the link's.
        let all = UP.replace('\n', " padded\n").replacen(" padded", "", 1) + " padded";
        assert!(!mentioned(&all, "padded"));
    }

    #[test]
    fn small_packets_at_a_steady_and_fast_pace_are_a_stream() {
        let text = |every: &str| {
            format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..3 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..3 every 0.3 size 136
                 2 A > B ESP 0xb1 seq 4..400 every {every} size 136"
            )
        };
        assert!(is_healthy(&findings(&text("0.05"))));
        assert!(!is_healthy(&findings(&text("0.5"))));
    }

    #[test]
    fn what_arrives_without_an_answer_is_cited_where_it_arrives() {
        let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
        let finding = crate::diagnose::testing::fires(
            &format!(
                "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..30 every 0.3 size 136
                 1.01 A > B ESP 0xb1 seq 1..30 every 0.3 size 136 tap=1 ttl=63
                 11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 11.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 11.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 11.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
            ),
            "esp-one-way",
        );
        let mut evidence = finding.evidence.iter();
        let arrival = evidence.find(|one| one.note.to_string().contains("it arrives at"));
        assert_eq!(arrival.unwrap().frame.input, 1, "{finding:#?}");
    }

    #[test]
    fn a_single_connection_attempt_in_vain() {
        let text = |size: &str, every: u32| {
            format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..6 every {every} size {size}
                 40 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 40.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            )
        };
        let finding = crate::diagnose::testing::fires(&text("96", 3), "esp-one-way");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Possible);
        // Too short, of many sizes, or large.
        silent(&text("96", 1), "esp-one-way");
        silent(&text("96,112,128,144", 3), "esp-one-way");
        silent(&text("960", 3), "esp-one-way");
    }

    #[test]
    fn who_is_behind_a_nat_and_was_silent_may_be_forgotten() {
        let others = |pause: u32| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500) ttl=63
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(B:500 A:500)
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.5 size 136
                 1.1 B:4500 > A:4500 ESP 0xa1 seq 1..20 every 0.5 size 136
                 {at} B:4500 > A:4500 ESP 0xa1 seq 21..60 every 0.5 size 136",
                at = 11 + pause
            );
            let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
            let told: Vec<String> = finding
                .alternatives
                .iter()
                .map(ToString::to_string)
                .collect();
            told.join(" ")
        };
        let told = others(30);
        assert!(
            told.contains("behind a NAT and had sent nothing for 30"),
            "{told}"
        );
        assert!(!others(5).contains("behind a NAT"));
    }

    #[test]
    fn what_was_answered_packet_by_packet_and_then_is_not_is_no_chance() {
        let text = |answers: u32, every: &str, after: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..12 every 1 size 136
                 0.1 B > A ESP 0xa1 seq 1..{answers} every 1 size 136
                 12 A > B ESP 0xb1 seq 13..52 every {every} size {after}"
            )
        };
        let finding = fires(&text(12, "1", "136"), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        // Something else begins, or it comes faster; not all had answers before; the last ones of a few are missing.
        silent(&text(12, "1", "280"), "esp-one-way");
        silent(&text(12, "0.1", "136"), "esp-one-way");
        silent(
            &text(12, "1", "136").replace(
                "1..12 every 1 size 136\n                 12",
                "1..4 every 3 size 136\n                 12",
            ),
            "esp-one-way",
        );
        silent(
            &text(12, "1", "136").replace("13..52", "13..24"),
            "esp-one-way",
        );
    }

    #[test]
    fn a_short_silence_is_told_for_its_packets() {
        let text = |back: &str| {
            format!(
                "{UP}
                 1 A > B ESP 0xb1 seq 1..10 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 136
                 4 A > B ESP 0xb2 seq 1..28 every 0.3 size 136
                 {back}"
            )
        };
        let finding = fires(&text(""), "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        // The answers of the last moments may lie beyond the recording.
        silent(
            &text("4.1 B > A ESP 0xa2 seq 1..20 every 0.3 size 136"),
            "esp-one-way",
        );
        // The recording lacks packets, or answers paused as long before.
        let paused = text("")
            .replace("1 A > B ESP 0xb1 seq 1..10", "1 A > B ESP 0xb1 seq 1..70")
            .replace("1.1 B", "-")
            .replace("4 A > B ESP 0xb2", "22 A > B ESP 0xb2");
        let paused = paused.replace(
            "- > A ESP 0xa1 seq 1..10 every 0.3 size 136",
            "1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 136
             13.1 B > A ESP 0xa1 seq 11..40 every 0.3 size 136",
        );
        silent(&paused, "esp-one-way");
    }
}

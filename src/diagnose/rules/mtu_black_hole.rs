//! Large packets vanish, small ones pass, and nobody says why.

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::inner::{self, Inside};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{
    Located, Tap, clear, end_of, icmp::Meaning, overhead, own, quality, tap,
};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{AnomalyKind, EchoSize, EspFlow, InnerFlow, Rhythm, Seen, Silence};
use crate::say;
use crate::units::{EspSpi, Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "mtu-black-hole",
    code: "ESP407",
    severity: Severity::Error,
    summary: "Large packets vanish, small ones pass",
    document: DOCUMENT,
    explains: &[
        "packet-loss",
        "esp-fragments-lost",
        "esp-fragmented",
        "path-outage",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP.or(Signs::INSIDE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Packets above some size do not arrive: a filter drops IP fragments, or a link is too small and nobody may say so. Connections open and then hang when data flows.

## How it is seen
One gateway sends ESP in IP fragments, repeatedly, and small packets of both directions pass. From the other side no packet of that size ever comes, whole or in fragments, and its sequence numbers miss exactly such packets; or fragments arrive of which the rest never does. Or fragmented packets of one size after another are sent again and again while nothing comes back, and small packets before, between and after have their answers. Or many numbers of one direction are missing and nothing large ever came of it, while small packets that come steadily, such as answers to pings, have no hole. Or large packets of one size leave at gaps that double, as TCP sends again what is not acknowledged (RFC 6298), no more of them than connections send that stand still, and what comes back meanwhile answers the smaller ones: a suspicion, from the sender's side alone, and for information where no more than one or two of them came at once before. An SA of no more than eight packets is not timed. With two taps: one records large packets of an SA that the other never sees, while the smaller ones of the same SA pass both. With the keys of ESP: inside, segments and echo requests above some size are sent again and never acknowledged or answered, while all below are, or connections open and their first large segment is never acknowledged, of all hosts or of one, while others there get as large ones; and of what never came each ping is known to have had its reply.

## What else looks like it
Ordinary loss hits small packets too. Traffic that is large in one direction only, such as an upload, leaves hardly any gaps in the other.

## What to do
1. Lower the inner MTU or clamp the TCP MSS to the values printed, so that no fragments arise.
2. Let IP fragments and ICMP 3/4 (ICMPv6 2) pass.
";

/// So many fragmented packets, and so many missing ones, make a pattern.
const PATTERN: u64 = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let tap = case.tap();
    let directions = case.directions();
    let ways = || {
        directions
            .iter()
            .flat_map(|directions| [(directions, 0), (directions, 1)])
    };
    let cut: Vec<(Directions<'_>, usize)> = ways()
        .filter_map(|(directions, end)| Some((while_cut(directions, end)?, end)))
        .collect();
    cut.iter()
        .find_map(|(directions, end)| swallowed(case, tap, directions, *end))
        .map(|finding| located(case, finding))
        .or_else(|| between_taps(case))
        .or_else(|| by_inner_size(case))
        .or_else(|| {
            cut.iter()
                .find_map(|(directions, end)| unanswered(case, tap, directions, *end))
        })
        .or_else(|| ways().find_map(|(directions, end)| never_came(case, tap, directions, end)))
        .or_else(|| ways().find_map(|(directions, end)| sent_again(case, tap, directions, end)))
        .into_iter()
        .collect()
}

/// The flows of the time while packets to an end left in fragments: what passed hours before or later may have
/// taken another path, or was sent under other settings.
fn while_cut<'m>(directions: &Directions<'m>, end: usize) -> Option<Directions<'m>> {
    let flows = || directions.flows(end).iter();
    let cut = || flows().filter(|flow| flow.fragmented > 0);
    let first = cut().map(|flow| flow.seen.first.1).min()?;
    let last = cut().map(|flow| flow.seen.last.1).max()?;
    Some(directions.only(|flow| flow.seen.first.1 <= last && flow.seen.last.1 >= first))
}

/// Adds what two taps lost of each direction, which leaves no doubt that it was lost on the way.
fn located(case: &Case<'_>, mut finding: Finding) -> Finding {
    for end in [0, 1] {
        if let Some(located) =
            Located::of(case.tunnel, end).filter(|located| located.lost >= PATTERN)
        {
            finding
                .says
                .add(say!("{lost}.", lost = located.says(case.model)));
            finding = located.cite(case.model, finding);
        }
    }
    finding
}

/// Sizes of packets inside that were acknowledged or answered, and sizes that never were.
#[derive(Default)]
struct Sizes {
    /// The largest that was.
    passes: u32,
    /// When something passed last.
    until: Option<Timestamp>,
    /// The smallest that never was, however often it was sent.
    lost: Option<u32>,
    /// The largest that never was.
    largest: u32,
    /// How often those were sent.
    sent: u64,
    /// How many of them were echo requests, whose answers are as large.
    echoes: u64,
    /// Something small was lost as well: then size is not the reason.
    small_lost: bool,
    /// Whether all that is known to pass are handshakes of TCP.
    bare: bool,
    /// Whether what was lost is IPv6, whose header is larger.
    v6: bool,
    places: Vec<(Seen, u32)>,
}

/// A connection whose data is too large stands still at once, so soon after its handshake.
const CLOSE: Span = Span::from_secs(2);

impl Sizes {
    /// Whether something passed so long after a moment, or later.
    fn passed_since(&self, after: Span, moment: Timestamp) -> bool {
        self.until.is_some_and(|until| until.since(moment) >= after)
    }

    fn lose(&mut self, length: u32, sent: u64, seen: Seen) {
        if length <= self.passes {
            self.small_lost = true;
            return;
        }
        self.lost = Some(self.lost.map_or(length, |lost| lost.min(length)));
        self.largest = self.largest.max(length);
        self.sent += sent;
        self.places.push((seen, length));
    }

    /// What was sent in vain, and how often.
    fn in_vain(&self, lost: u32, lasted: Span) -> Text {
        let one_size = self.largest == lost;
        let requests = || count(self.sent, "echo request");
        let packets = || count(self.sent, "packet");
        match (self.echoes >= self.sent, self.places.len()) {
            (false, 1) => say!(
                "A segment of {lost} octets was sent {times} in {lasted} and never acknowledged.",
                lost,
                times = count(self.sent, "time"),
                lasted
            ),
            (true, _) if one_size => say!(
                "{requests} of {lost} octets had no answer.",
                requests = requests(),
                lost
            ),
            (true, _) => say!(
                "{requests} of {lost} to {largest} octets had no answer.",
                requests = requests(),
                lost,
                largest = self.largest
            ),
            (false, _) if one_size => say!(
                "{packets} of {lost} octets were never acknowledged or answered, however often they were sent.",
                packets = packets(),
                lost
            ),
            (false, _) => say!(
                "{packets} of {lost} to {largest} octets were never acknowledged or answered, however often they were sent.",
                packets = packets(),
                lost,
                largest = self.largest
            ),
        }
    }
}

/// Inside the tunnel packets up to some size are acknowledged or answered, larger ones never: of all that go to an end,
/// or of those to one host behind it.
fn by_inner_size(case: &Case<'_>) -> Option<Finding> {
    let inside = case.inside()?;
    let told = |found: &BTreeMap<Place, Sizes>| {
        found
            .iter()
            .filter(|(_, sizes)| sizes.passes > 0 && !sizes.small_lost && sizes.sent >= PATTERN)
            .filter(|(_, sizes)| !sizes.bare || sizes.lost.is_some_and(|lost| lost > SMALLEST))
            .find_map(|(place, sizes)| inner_finding(case, inside, *place, sizes))
    };
    let all = sizes(case, inside, false);
    let differ = || all.values().any(|sizes| sizes.small_lost);
    told(&all).or_else(|| differ().then(|| told(&sizes(case, inside, true))).flatten())
}

/// Where packets go: the tap, the end, and the host behind it where each is looked at for itself.
type Place = (Vantage, usize, Option<IpAddr>);

/// The sizes of what goes to each place.
fn sizes(case: &Case<'_>, inside: &Inside<'_>, by_host: bool) -> BTreeMap<Place, Sizes> {
    let mut found: BTreeMap<Place, Sizes> = BTreeMap::new();
    // Hosts that sent anything: of one that never did nothing tells whether the size of a request matters.
    let mut alive: BTreeSet<IpAddr> = BTreeSet::new();
    let sides = |talk: &crate::model::InnerFlow| {
        let vantage = talk.vantage;
        [0, 1].map(|way: usize| {
            let out = talk.ways.get(way)?;
            let host = talk.ends.get(1 - way).map(|host| host.address);
            let host = host.filter(|_| by_host);
            Some(((vantage, inside.end_towards(out)?, host), way))
        })
    };
    // What passes must be known before it can be said what does not.
    for talk in inside.talks() {
        for (key, way) in sides(talk).into_iter().flatten() {
            let Some(out) = talk.ways.get(way) else {
                continue;
            };
            alive.extend(talk.ends.get(way).map(|end| end.address));
            let acked = out.tcp.as_ref().map_or(0, |tcp| tcp.largest_acked);
            let sizes = out.echo.iter().flat_map(|echo| &echo.sizes);
            let answered = sizes
                .filter(|size| size.answered > 0)
                .map(|size| size.length);
            let passes = answered.max().unwrap_or(0).max(acked);
            let row = found.entry(key).or_default();
            row.passes = row.passes.max(passes);
            let replied = out.echo.as_ref().and_then(|echo| echo.last_reply);
            let back = talk.other(way).seen.filter(|_| acked > 0);
            let shaken = shaken(talk, way);
            let last = replied.max(back.map(|seen| seen.last)).max(shaken);
            row.until = row.until.max(last.map(|at| at.1));
        }
    }
    // Where nothing with data was acknowledged, a handshake shows that headers pass.
    for sizes in found.values_mut() {
        sizes.bare = sizes.passes == 0 && sizes.until.is_some();
        if sizes.bare {
            sizes.passes = HEADERS;
        }
    }
    for talk in inside.talks() {
        for (key, way) in sides(talk).into_iter().flatten() {
            let (Some(out), Some(row)) = (talk.ways.get(way), found.get_mut(&key)) else {
                continue;
            };
            let v6 = talk.ends.iter().any(|end| end.address.is_ipv6());
            let asked = talk.ends.get(1 - way);
            let is_alive = asked.is_some_and(|host| alive.contains(&host.address));
            let ended = |at: Cite| tap::went_on(case.model, talk.vantage, at.1, Tap::PATIENCE);
            for stuck in out.tcp.iter().flat_map(|tcp| &tcp.stuck) {
                // Unless everything ended at that moment: then size is not the reason. One host may have gone away.
                let least = if by_host { Span(1) } else { Span(-CLOSE.0) };
                let soon = row.passed_since(least, stuck.seen.first.1);
                // Of the last copy the acknowledgement may lie beyond the recording, of those before it none does.
                let pending = u64::from(!ended(stuck.seen.last));
                let waited =
                    pending == 0 || stuck.seen.last.1.since(stuck.seen.first.1) >= Tap::PATIENCE;
                if waited && soon {
                    row.lose(stuck.length, stuck.sent.saturating_sub(pending), stuck.seen);
                    row.v6 |= v6;
                }
            }
            for size in out.echo.iter().flat_map(|echo| &echo.sizes) {
                let requests = waited_for(case, talk.vantage, size);
                let passed = row.passed_since(Span(1), size.first.1);
                if size.answered == 0 && requests >= PATTERN && passed && is_alive {
                    let (first, last) = (size.first, size.last);
                    row.lose(size.length, requests, Seen { first, last });
                    row.echoes += requests;
                    row.v6 |= v6;
                }
            }
        }
    }
    found
}

/// How many echo requests of a size came so long before the end of the recording that it would have their answers,
/// as if they came at one pace.
fn waited_for(case: &Case<'_>, vantage: Vantage, size: &EchoSize) -> u64 {
    let (first, last) = (size.first.1, size.last.1);
    if tap::went_on(case.model, vantage, last, Tap::PATIENCE) {
        return size.requests;
    }
    let Some(end) = tap::ended(case.model, vantage) else {
        return 0;
    };
    let patience = Tap::PATIENCE
        .0
        .saturating_add(quality::clock_error(case.model, vantage).0);
    let (waited, lasted) = (end.since(first).0 - patience, last.since(first).0);
    match u64::try_from(waited) {
        Ok(waited) if lasted > 0 => {
            let share = u128::from(size.requests) * u128::from(waited) / lasted as u128;
            u64::try_from(share)
                .unwrap_or(size.requests)
                .min(size.requests)
        }
        _ => 0,
    }
}

/// When the handshake of a connection was over, if a packet of it passed this way: a SYN-ACK on which the other
/// end went on, or a SYN that was answered.
fn shaken(talk: &InnerFlow, way: usize) -> Option<Cite> {
    let (out, back) = (
        talk.ways.get(way)?.tcp.as_ref()?,
        talk.other(way).tcp.as_ref()?,
    );
    let answer = match back.established {
        true => out.syn_ack,
        false => back.syn_ack,
    };
    answer.map(|seen| seen.last)
}

/// The headers of IPv4 and TCP (RFC 791 section 3.1, RFC 9293 section 3.1).
const HEADERS: u32 = 40;

/// Every host takes packets of this size (RFC 791 section 3.1), so no link has a smaller MTU.
const SMALLEST: u32 = 576;

fn inner_finding(
    case: &Case<'_>,
    inside: &Inside<'_>,
    (vantage, end, host): Place,
    sizes: &Sizes,
) -> Option<Finding> {
    let lost = sizes.lost?;
    let (seen, _) = sizes.places.iter().min_by_key(|(seen, _)| seen.first)?;
    let first = seen.first;
    let last = sizes.places.iter().map(|(seen, _)| seen.last);
    let last = last.max_by_key(|cite| cite.1)?;
    // Gaps are what is looked for here, since the answers may be too large as well: small ones pass.
    let when = (first.1, last.1);
    if !inside.would_see(vantage, end, u64::MAX, when) {
        return None;
    }
    let (asker, asked) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    // As large as an echo request is its answer: where as many numbers are missing on the way back, those were lost.
    let missing = inside.lacks(vantage, end, when);
    let all_echoes = sizes.echoes >= sizes.sent;
    let answers_lost = host.is_none() && all_echoes && missing.saturating_mul(2) >= sizes.sent;
    let (from, to) = match answers_lost {
        true => (asked, asker),
        false => (asker, asked),
    };
    // What is lost travels towards the side that asks where the answers are.
    let towards = if answers_lost { 1 - end } else { end };
    // An MTU outside what passes and what does not is of another way.
    let mut errors = inside
        .all_errors()
        .filter(|error| inner::meaning(error) == Meaning::TooBig);
    let told = errors.find_map(|error| {
        let mtu = error.mtu.filter(|mtu| (sizes.passes..lost).contains(mtu))?;
        Some((error, mtu))
    });
    // Of a single connection the other host may be gone just after the handshake.
    let once = sizes.bare && !sizes.passed_since(Span(1), first.1);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(once),
        case.id,
        first,
        say!("{size} octets inside, never acknowledged", size = lost),
    )
    .also(last, "the last time")
    .title(match host {
        None => say!("Large packets from {from} to {to} vanish", from, to),
        Some(host) => say!("Large packets to {host} behind {to} vanish", host, to),
    })
    .says(
        match sizes.bare {
            _ if host.is_some() => say!(
                "Inside the tunnel packets from the side of {from} to {host} were acknowledged or answered up to \
                 {passes} octets.",
                from = asker,
                host = host?,
                passes = sizes.passes
            ),
            true => say!(
                "Inside the tunnel connections open, so small packets from the side of {from} arrive.",
                from = asker
            ),
            false => say!(
                "Inside the tunnel packets from the side of {from} were acknowledged or answered up to {passes} \
                 octets.",
                from = asker,
                passes = sizes.passes
            ),
        }
        .then(sizes.in_vain(lost, when.1.since(when.0)))
        .then(answers_lost.then(|| say!(
            "Meanwhile {missing} numbers of {from} are missing: the answers, which are as large, were sent and lost.",
            missing,
            from
        )))
        .then(told.map(|(error, mtu)| {
            say!("{error} tells an MTU of {mtu}.", error = inner::said(error), mtu)
        }))
        .then(host.is_some().then_some(
            "Packets as large to other hosts there were acknowledged: the path between the gateways takes them.",
        )),
    );
    finding =
        match (answers_lost, all_echoes) {
            (true, _) => finding
                .or("The requests are lost, and other packets of the other direction besides."),
            (false, true) if missing > 0 => finding
                .or("Of echo requests the answers may be lost instead, in the other direction."),
            (false, _) => finding,
        };
    if let Some(host) = host {
        finding = finding
            .or("A path that is chosen by SPI is smaller for the SA of these packets.")
            .advise(say!(
                "Behind {to}, look for a link on the way to {host} that is smaller, and let its ICMP 3/4 (ICMPv6 2) back \
                 into the tunnel.",
                to,
                host
            ));
    }
    finding = finding
        .advise(inner_advice(
            case,
            vantage,
            towards,
            sizes,
            told.map(|(_, mtu)| mtu),
        )?)
        .advise_all(vendor_advice::of_both(case, Topic::Mtu))
        .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    if once {
        finding =
            finding.or("The host that the data is for went away just after the connection opened.");
    }
    for (seen, size) in &sizes.places {
        finding = finding.also(
            seen.first,
            say!("{size} octets inside, never acknowledged", size),
        );
    }
    Some(finding)
}

/// No link has a smaller MTU that carries IPv6 (RFC 8200 section 5), and few of those that carry IPv4.
const LEAST_MTU: u32 = 1280;

/// Which size to set inside, where packets to an end are lost: what an ICMP error tells, what needs no
/// fragments where they are what is lost, or what is known to pass if that is hardly less than what is not.
/// Otherwise the limit may lie anywhere between, and only what fits every path is safe.
fn inner_advice(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    sizes: &Sizes,
    told: Option<u32>,
) -> Option<Text> {
    let (passes, lost) = (sizes.passes, sizes.lost?);
    // The headers of IP and TCP without options.
    let mss = |inner: u32| inner.saturating_sub(if sizes.v6 { 60 } else { 40 });
    let v6 = case.tunnel.ends.get(end)?.is_ipv6();
    let fits = |mtu: u32| {
        let (inner, _) = overhead::safe(case.flows(), mtu, v6);
        (passes..lost).contains(&inner).then_some(inner)
    };
    let cut = || limit(case, case.directions_at(vantage)?, end).and_then(fits);
    let near = || (lost.saturating_sub(passes) <= lost / 10).then_some(passes);
    Some(match told.or_else(cut).or_else(near) {
        Some(inner) => say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}; the limit lies between {passes} and {lost} \
             octets.",
            inner,
            mss = mss(inner),
            passes,
            lost
        ),
        None => match fits(LEAST_MTU) {
            Some(inner) => say!(
                "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}: so ESP fits nearly every path, being \
                 {least} octets at most. Then raise it step by step: {passes} octets pass, and of {lost} none does.",
                inner,
                mss = mss(inner),
                least = LEAST_MTU,
                passes,
                lost
            ),
            None => say!(
                "Lower the inner MTU or the TCP MSS step by step: inside, packets of {passes} octets pass, and of \
                 {lost} none does.",
                passes,
                lost
            ),
        },
    })
}

/// Large packets of an SA pass one tap and not the other, its small ones pass both.
fn between_taps(case: &Case<'_>) -> Option<Finding> {
    let flows: Vec<&EspFlow> = case.flows().collect();
    let mut far: HashMap<EspSpi, Vec<&EspFlow>> = HashMap::new();
    for flow in &flows {
        far.entry(flow.key.spi).or_default().push(flow);
    }
    flows.iter().find_map(|near| {
        far.get(&near.key.spi)?.iter().find_map(|far| {
            let largest = far.sizes.largest;
            let (small, large) = near.sizes.counts.iter().fold(
                (0u64, 0u64),
                |(small, large), (size, packets)| match *size <= largest {
                    true => (small + u64::from(*packets), large),
                    false => (small, large + u64::from(*packets)),
                },
            );
            let apart = far.key.vantage.input != near.key.vantage.input;
            // As many small packets at both: the same span was recorded, and nothing else was lost.
            let passes = small >= PATTERN && far.packets * 10 >= small * 9;
            // Of those that are missing some come before one that arrived: else all was lost from
            // one moment on, whatever its size.
            let passes = passes && far.sequence.missing >= PATTERN;
            if !apart || large < PATTERN || by_chance(large, small, far.packets) || !passes {
                return None;
            }
            let sizes = near.sizes.counts.iter().map(|(size, _)| *size);
            let least_lost = sizes.filter(|size| *size > largest).min()?;
            let end = esp::destination(case.tunnel, near)?;
            let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
            let mut rhythms = near.rhythms.iter().filter(|rhythm| rhythm.size > largest);
            let (shown, note) = match rhythms.next() {
                Some(large) => (
                    large.first,
                    say!("{size} octets of ESP pass here", size = large.size),
                ),
                None => (near.seen.first, "this SA passes here, large packets and small".into()),
            };
            let header = outer(far).saturating_sub(largest);
            // What is in one piece passes where only fragments are lost.
            let here = case.directions_at(near.key.vantage);
            let cut = here.and_then(|here| limit(case, here, end));
            let cut = cut.filter(|cut| (largest + header..least_lost + header).contains(cut));
            let mtu = cut.unwrap_or(largest + header);
            let (inner, mss) = overhead::safe(flows.iter().copied(), mtu, to.is_ipv6());
            // What was read is surer than what sizes outside tell.
            let read = by_inner_size(case);
            let finding = Finding::new(
                    &RULE,
                    Confidence::Likely,
                    case.id,
                    shown,
                    note,
                )
                .also(far.seen.first, "and only small ones here")
                .during(near.seen.first.1, near.seen.last.1)
                .title(say!("Large packets from {from} to {to} vanish", from, to))
                .says(say!(
                    "Of SA {spi} {large} packets above {limit} octets passed one tap and none of them the other, \
                     where {small} smaller ones arrived.",
                    spi = near.key.spi,
                    large,
                    limit = largest + header,
                    small = far.packets
                ))
                .advise(match (cut, inner >= SMALLEST) {
                    (Some(_), _) => say!(
                        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
                        inner,
                        mss
                    ),
                    (None, true) => say!(
                        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}: packets of that size pass.",
                        inner,
                        mss
                    ),
                    (None, false) => say!(
                        "Lower the inner MTU or the TCP MSS step by step: outside, packets of {passes} octets pass, \
                         and of {lost} none does.",
                        passes = largest + header,
                        lost = least_lost + header
                    ),
                })
                .advise_all(vendor_advice::of_both(case, Topic::Mtu))
                .advise(match cut {
                    Some(_) => "Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.",
                    None => "Let ICMP 3/4 (ICMPv6 2) pass on the filters in between.",
                });
            Some(match read {
                Some(read) if read.title == finding.title => {
                    let says = finding.says.then(read.says);
                    Finding { says, advice: read.advice, ..finding }
                }
                _ => finding,
            })
        })
    })
}

/// Whether chance may have hit every large packet, if it hits large ones as often as small ones.
fn by_chance(large: u64, small: u64, arrived: u64) -> bool {
    /// Once in so many captures, as a power of ten.
    const SELDOM: f64 = 4.0;
    let lost = small.saturating_sub(arrived).saturating_add(1) as f64;
    let share = lost / small.saturating_add(1) as f64;
    -share.log10() * (large as f64) < SELDOM
}

/// Fragmented packets go to `end`; nothing as large comes back, and what comes has gaps.
fn swallowed(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    let out = directions.flows(end);
    let back = directions.flows(1 - end);
    let fragmented: u64 = out.iter().map(|flow| flow.fragmented).sum();
    let returned: u64 = back.iter().map(|flow| flow.fragmented).sum();
    let missing: u64 = back.iter().map(|flow| flow.sequence.missing).sum();
    let limit = limit(case, directions, end)?;
    let largest_back = back.iter().map(|flow| outer(flow)).max()?;
    let came: u64 = back.iter().map(|flow| flow.packets).sum();
    let small_pass = came >= PATTERN;
    // An upload that goes well loses an acknowledgement now and then. Answers as large as what they
    // answer are missing about as often as it was sent, and then nothing else is sent.
    let ordinary = missing.saturating_mul(4) < fragmented || missing.saturating_mul(20) < came;
    if fragmented < PATTERN
        || returned > 0
        || missing < PATTERN
        || ordinary
        || largest_back > limit
        || !small_pass
    {
        return None;
    }
    let flow = out.iter().max_by_key(|flow| flow.fragmented)?;
    let from = case.tunnel.ends.get(1 - end)?;
    let to = case.tunnel.ends.get(end)?;
    let v6 = to.is_ipv6();
    let (inner, mss) = overhead::safe(directions.all(), limit, v6);
    Some(
        Finding::new(
            &RULE,
            tap.absence(Confidence::Likely),
            case.id,
            clear::fragments(case)
                .find(|train| end_of(case.tunnel, train.to) == Some(end))
                .map_or(flow.seen.first, |train| train.first),
            "ESP leaves in IP fragments",
        )
        .during(flow.seen.first.1, flow.seen.last.1)
        .title(say!("Large packets between {from} and {to} vanish", from, to))
        .says(say!(
            "{fragmented} ESP packets from {from} to {to} were cut into IP fragments of at most {limit} octets. \
             From {to} nothing larger than {largest} octets came, never a fragment, and {missing} of its \
             packets are missing, while small packets pass both ways.",
            fragmented,
            from,
            to,
            limit,
            largest = largest_back,
            missing
        ))
        .or("Ordinary loss that happens to hit large packets.")
        .advise(say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
            inner,
            mss
        ))
        .advise_all(vendor_advice::of_both(case, Topic::Mtu))
        .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between."),
    )
}

/// The largest IP packet that a single fragment made on the way to an end.
fn limit(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<u32> {
    clear::fragments(case)
        .filter(|train| {
            train.vantage == directions.vantage && (train.protocol != 17 || train.complete > 0)
        })
        .filter(|train| end_of(case.tunnel, train.to) == Some(end))
        .map(|train| train.largest)
        .max()
}

/// Fragmented packets go to `end` again and again and nothing comes back all the while, though small
/// ones are answered before, between and after.
///
/// A stream that wants no answer, of packets as large, looks alike. It goes on through what is
/// answered, or is fast; connections that hang, and pings, are slow and give up.
fn unanswered(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// Packets of one size in a row.
    const ROW: u32 = 4;
    /// They last so long, and two of them are so far apart at least.
    const LASTING: Span = Span::from_secs(1);
    const APART: Span = Span::from_millis(100);
    let ([out], [back]) = (directions.flows(end), directions.flows(1 - end)) else {
        return None;
    };
    let limit = limit(case, directions, end)?;
    let headers = outer(out).saturating_sub(out.sizes.largest);
    let is_large = |size: u32| size.saturating_add(headers) > limit;
    let large_sizes = || out.sizes.counts.iter().filter(|(size, _)| is_large(*size));
    let large: u64 = large_sizes().map(|(_, packets)| u64::from(*packets)).sum();
    let small = out.packets.saturating_sub(large);
    // Exactly what is too large left in fragments, and nothing as large comes back.
    let told = out.fragmented == large
        && out.sizes.others == 0
        && back.fragmented == 0
        && outer(back) <= limit;
    // What came back answers the small ones: no more than one each, and hardly less.
    let answers =
        back.packets <= small && back.packets.saturating_mul(5) >= small.saturating_mul(4);
    if !told || !answers || tap.lacks_packets() {
        return None;
    }
    let in_vain = |rhythm: &Rhythm| {
        let span = rhythm.last.1.since(rhythm.first.1);
        let slow = span >= LASTING
            && span.0
                >= APART
                    .0
                    .saturating_mul(i64::from(rhythm.packets.saturating_sub(1)));
        let silence = back.silences.iter().find(|silence| {
            // An answer to what went before may cross the first of them.
            silence.before.1.since(rhythm.first.1) <= APART && silence.after.1 > rhythm.last.1
        })?;
        (slow && rhythm.packets >= ROW).then_some(*silence)
    };
    let mut vain: Vec<(Rhythm, Silence)> = Vec::new();
    for (size, _) in large_sizes() {
        let rhythm = out.rhythms.iter().find(|rhythm| rhythm.size == *size)?;
        vain.push((*rhythm, in_vain(rhythm)?));
    }
    vain.sort_by_key(|(rhythm, _)| rhythm.first);
    let ((first, one), (last, two)) = (vain.first()?, vain.last()?);
    // Twice, with answers to small ones between and after.
    let between = two.before.1 > one.after.1;
    if !between || !tap::went_on(case.model, directions.vantage, last.last.1, Span(1)) {
        return None;
    }
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let (inner, mss) = overhead::safe(directions.all(), limit, to.is_ipv6());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first.first,
        "ESP leaves in IP fragments, and nothing comes back",
    )
    .title(say!("Large packets from {from} to {to} seem to vanish", from, to))
    .says(say!(
        "{large} ESP packets from {from} to {to} were cut into IP fragments of at most {limit} octets. While they \
         were sent, at {times} different times and again and again, nothing came back, for {one} and for {two}. \
         Before, between and after, {small} smaller packets had {packets} in return.",
        large,
        from,
        to,
        limit,
        times = vain.len(),
        one = one.length,
        two = two.length,
        small,
        packets = count(back.packets, "packet")
    ))
    .or("Something sends large packets that want no answer.")
    .or("Whom the large packets are for does not answer them.")
    .advise(say!(
        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
        inner,
        mss
    ))
    .advise_all(vendor_advice::of_both(case, Topic::Mtu))
    .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    for (rhythm, silence) in &vain {
        finding = finding
            .also(
                rhythm.first,
                say!("the first of {size} octets of ESP", size = rhythm.size),
            )
            .also(
                silence.after,
                say!(
                    "the first packet back, after {silence}",
                    silence = silence.length
                ),
            );
    }
    Some(finding)
}

/// Many packets to `end` are missing, nothing large ever came, and small ones that come steadily, such as
/// pings, have no hole: chance would have hit those as well.
fn never_came(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// Fewer missing ones may be of any kind.
    const PLENTY: u64 = 10;
    /// Chance spares all of the steady ones once in so many captures, as a power of ten.
    const SELDOM: f64 = 4.0;
    let (here, back) = (directions.flows(end), directions.flows(1 - end));
    let flow = here.iter().max_by_key(|flow| flow.sequence.missing)?;
    let (missing, came) = (flow.sequence.missing, flow.packets);
    let largest = here.iter().map(|flow| outer(flow)).max()?;
    // In one piece they are an outage, or were skipped on purpose (RFC 6311).
    let scattered = missing >= PLENTY && flow.sequence.bursts >= PATTERN;
    let complete = back.iter().all(|flow| flow.sequence.missing == 0);
    // What an end sends is on no path yet where the tap stands beside it.
    let beside = own::end(directions) == Some(1 - end);
    let whole = complete && !tap.lacks_packets() && !beside;
    if !scattered || !whole || largest > SMALLEST {
        return None;
    }
    let lasts = |one: Cite, other: Cite| other.1.since(one.1).0;
    let all = lasts(flow.seen.first, flow.seen.last);
    // Nearly as long as the flow: so the gaps lie between its packets.
    let long = |first: Cite, last: Cite| lasts(first, last) >= all / 4 * 3;
    let steady = || {
        let rhythms = flow.rhythms.iter();
        let steady = rhythms.filter(|one| long(one.first, one.last) && has_no_hole(one));
        let steady = steady.max_by_key(|rhythm| rhythm.packets)?;
        let note = say!("steady packets of {size} octets of ESP", size = steady.size);
        Some((u64::from(steady.packets), steady.first, steady.last, note))
    };
    // With keys it is known that each ping had its reply.
    let read =
        replies(case, directions.vantage, end).filter(|(_, seen)| long(seen.first, seen.last));
    let keyed = read.is_some();
    let (small, small_first, small_last, note) = match read {
        Some((replies, seen)) => (
            replies,
            seen.first,
            seen.last,
            "the first ping inside that was answered".into(),
        ),
        None => steady()?,
    };
    let passes = came as f64 / came.saturating_add(missing) as f64;
    if -passes.log10() * (small as f64) < SELDOM {
        return None;
    }
    let gaps = flow.anomalies.iter();
    let mut gaps = gaps.filter(|anomaly| matches!(anomaly.kind, AnomalyKind::Gap(_)));
    let at = gaps
        .next()
        .map_or(flow.seen.first, |gap| (gap.frame, gap.time));
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let missed = say!(
        "{missing} of {all} ESP packets from {from} to {to} never came, and none that came is larger than {largest} \
         octets.",
        missing,
        all = missing.saturating_add(came),
        from,
        to,
        largest
    );
    let finding = Finding::new(
        &RULE,
        match keyed {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        at,
        say!("first gap in the numbers of {spi}", spi = flow.key.spi),
    )
    .also(small_first, note)
    .also(small_last, "the last of them, which came without a break")
    .title(say!(
        "Large packets from {from} to {to} seem to vanish",
        from,
        to
    ))
    .says(missed.then(match keyed {
        true => say!(
            "Yet each of {small} pings inside had its reply from there: chance would have hit those as well.",
            small
        ),
        false => say!(
            "Yet of {small} small ones that come steadily, such as pings, none is missing: chance would have hit \
             those as well.",
            small
        ),
    }))
    .or("The path loses packets only when many come at once.")
    .advise(try_sizes(*from))
    .advise_all(vendor_advice::of_both(case, Topic::Mtu))
    .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    Some(gaps.fold(finding, |finding, gap| {
        finding.also((gap.frame, gap.time), "another gap")
    }))
}

fn try_sizes(from: IpAddr) -> Text {
    say!(
        "From behind {from}, send pings of several sizes that forbid fragmentation: set the inner MTU to the largest \
         that is answered, or clamp the TCP MSS to 40 octets less.",
        from
    )
}

/// Pings of hosts behind an end that each had a reply from the other side, and their time; `None` if one had
/// none.
fn replies(case: &Case<'_>, vantage: Vantage, end: usize) -> Option<(u64, Seen)> {
    let inside = case.inside()?;
    let mut all: Option<(u64, Seen)> = None;
    for talk in inside.talks().filter(|talk| talk.vantage == vantage) {
        for out in &talk.ways {
            let Some(echo) = &out.echo else { continue };
            if inside.end_towards(out) != Some(1 - end) {
                continue;
            }
            let (first, last) = (out.seen?.first, echo.last_reply?);
            // The recording may end before the last reply.
            if echo.answered + 1 < echo.requests || echo.waiting.len() > 1 {
                return None;
            }
            let seen = Seen { first, last };
            all = Some(all.map_or((echo.answered, seen), |(answered, known)| {
                let seen = Seen {
                    first: known.first.min(first),
                    last: known.last.max(last),
                };
                (answered + echo.answered, seen)
            }));
        }
    }
    all
}

/// Large packets of one size go to `end` as TCP sends again what nobody acknowledges, and hardly more comes back
/// than answers to small ones, which pass meanwhile.
fn sent_again(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// So many times in a row the gaps double: a segment was sent again once more.
    const DOUBLINGS: u8 = 4;
    /// One gap after another is about twice as long by chance no more often than that: gaps that have nothing to
    /// do with one another are so in 0.114 of all cases.
    const CHANCE: f64 = 0.12;
    /// Where one in so many large packets was acknowledged, they arrive. Every second one should be (RFC 9293
    /// section 3.8.6.3), but a receiver that takes several together acknowledges them together.
    const ACKNOWLEDGED: u64 = 8;
    if tap.lacks_packets() || case.inside().is_some() {
        return None;
    }
    let out = directions.flows(end).iter();
    let stuck = || {
        let all = out
            .clone()
            .flat_map(|flow| flow.rhythms.iter().map(move |rhythm| (flow, rhythm)));
        all.filter(|(flow, rhythm)| {
            outer_of(flow, rhythm.size) > LEAST_MTU && is_stuck(flow, rhythm)
        })
    };
    let tried: u64 = stuck().map(|(_, rhythm)| u64::from(rhythm.packets)).sum();
    let (_, rhythm) = stuck().max_by_key(|(_, rhythm)| rhythm.doublings)?;
    let chance = tried as f64 * CHANCE.powi(i32::from(rhythm.doublings));
    if rhythm.doublings < DOUBLINGS || chance >= 0.01 {
        return None;
    }
    // The last gap is about half of the run; what comes back in it shows that the path is open.
    let wait = Span(-rhythm.last_wait().0);
    let last = rhythm.again.1;
    let half = last.later(wait);
    let first = half.later(wait).max(rhythm.first.1);
    let flows = |end| directions.alive(end, first, last);
    let amid = flows(1 - end).map(|flow| esp::packets_within(flow, half, last));
    let amid: u64 = amid.sum();
    let (there, back) = (by_size(flows(end))?, by_size(flows(1 - end))?);
    let large = there.range(rhythm.size..).map(|(_, packets)| packets);
    let large: u64 = large.sum();
    let small = there.values().sum::<u64>() - large;
    let came: u64 = back.values().sum();
    // An answer is as large as what it answers, such as that to a ping: what wants none has none of its size.
    let answers = there.range(..rhythm.size);
    let answers =
        answers.map(|(size, packets)| back.get(size).map_or(0, |back| *packets.min(back)));
    let acknowledged = came.saturating_sub(answers.sum());
    let passes = flows(end).any(|flow| !is_stuck(flow, rhythm));
    if passes
        || amid < PATTERN
        || large < PATTERN
        || acknowledged.saturating_mul(ACKNOWLEDGED) >= large
    {
        return None;
    }
    // TCP fills the window before it waits; what sends a single large packet first may have met a filter of its port.
    let is_transfer = u64::from(rhythm.flight) >= PATTERN;
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        rhythm.again,
        say!("one of {size} octets of ESP", size = rhythm.size),
    )
    .during(first, last)
    .beside(rhythm.first, "one of that size before")
    .says(say!(
        "Packets of {size} octets of ESP went from {from} to {to} at gaps that doubled {doublings} times in a row, as \
         TCP and QUIC send again what is not acknowledged. All in all {large} large packets and {small} smaller ones \
         went there, and {came} came back, hardly more than answers as large as the smaller ones, and at least {amid} \
         of them in the last of these gaps.",
        size = rhythm.size,
        from,
        to,
        doublings = rhythm.doublings,
        large,
        small,
        came,
        amid
    ));
    let finding = match is_transfer {
        true => finding.severity(Severity::Warning).title(say!(
            "Large packets from {from} to {to} seem to vanish",
            from,
            to
        )),
        false => finding
            .severity(Severity::Info)
            .title(say!("Large packets from {from} to {to} have no answer", from, to))
            .or(say!(
                "A filter behind {to} drops that service, such as QUIC (UDP 443) or SIP: its first packet is large, and \
                 is sent again at gaps that double, too.",
                to
            )),
    };
    Some(
        finding
            .or(say!(
                "The host behind {to} that they are for went away, or does not answer.",
                to
            ))
            .or("They arrive, and what acknowledges them is lost, or sent past the tunnel.")
            .advise(try_sizes(*from))
            .advise_all(vendor_advice::of_both(case, Topic::Mtu))
            .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between."),
    )
}

/// Whether packets of a size and of larger ones are no more than connections send of which none goes on: then nothing
/// shows that any of them was acknowledged.
fn is_stuck(flow: &EspFlow, rhythm: &Rhythm) -> bool {
    /// What TCP sends before the first acknowledgement (RFC 6928 section 2).
    const FLIGHT: u64 = 10;
    /// A probe for what was lost at the end (RFC 8985 section 7.3), and a repetition at each end of a run.
    const FURTHER: u64 = 3;
    let (mut packets, mut runs) = (0, 0);
    for one in flow.rhythms.iter().filter(|one| one.size >= rhythm.size) {
        packets += u64::from(one.packets);
        runs += u64::from(one.runs);
    }
    packets <= runs.max(1) * (FLIGHT + u64::from(rhythm.doublings) + FURTHER)
}

/// Packets of flows by size; `None` if there are too many sizes to know.
fn by_size<'m>(flows: impl Iterator<Item = &'m EspFlow>) -> Option<BTreeMap<u32, u64>> {
    let mut all = BTreeMap::new();
    for flow in flows {
        if flow.sizes.others > 0 {
            return None;
        }
        for (size, packets) in &flow.sizes.counts {
            *all.entry(*size).or_default() += u64::from(*packets);
        }
    }
    Some(all)
}

/// Whether packets of one size came at equal intervals throughout: the mean square of the intervals
/// exceeds the square of their mean by less than half of what one missing packet adds.
fn has_no_hole(rhythm: &Rhythm) -> bool {
    let span = rhythm.last.1.since(rhythm.first.1);
    let ticks = span.0 as f64 / Rhythm::TICK.0 as f64;
    let intervals = f64::from(rhythm.packets.saturating_sub(1));
    let square = ticks * ticks;
    square > 0.0 && rhythm.squares as f64 * intervals <= square * (1.0 + 0.5 / intervals)
}

/// The largest packet of a flow with its outer IP header.
fn outer(flow: &EspFlow) -> u32 {
    outer_of(flow, flow.sizes.largest)
}

/// A packet of a flow of this size with its outer IP header.
fn outer_of(flow: &EspFlow, size: u32) -> u32 {
    let header = if flow.key.to.is_ipv6() { 40 } else { 20 };
    let transport = flow.key.transport.octets();
    size.saturating_add(header + transport)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{said, silent, verdict};
    use crate::model::Model;

    /// The language of conversations has no fragmented flows: they are added here.
    fn model(back: &str) -> Model {
        let mut model = crate::testing::model(&format!(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1432
             1 A > B FRAGMENTS 50 complete 20 pieces 40 largest 1396
             1 B > A ESP 0xa1 seq {back} every 0.3 size 136,104"
        ));
        for flow in model.flows.iter_mut() {
            if flow.key.spi.0 == 0xb1 {
                flow.fragmented = 20;
            }
        }
        model
    }

    fn slugs(model: &Model) -> Vec<&'static str> {
        said(&super::RULE, model)
            .iter()
            .map(|finding| finding.rule.slug)
            .collect()
    }

    #[test]
    fn fragments_go_and_large_answers_are_missing() {
        assert_eq!(slugs(&model("1..10,15..20,24..40")), ["mtu-black-hole"]);
    }

    #[test]
    fn fragments_with_complete_answers_are_fine() {
        assert!(slugs(&model("1..40")).is_empty());
    }

    /// Pings with answers, large packets of two sizes in between, which leave in fragments.
    fn in_vain(large: &str, back: &str) -> Vec<&'static str> {
        in_pieces(large, back, 0)
    }

    /// The same, where so many of the large ones left in one piece.
    fn in_pieces(large: &str, back: &str, whole: u64) -> Vec<&'static str> {
        let mut model = crate::testing::model(&format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..10 every 0.3 size 120
             1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 120
             {large}
             8 A > B ESP 0xb1 seq 31..35 every 0.3 size 120
             8.1 B > A ESP 0xa1 seq 11..15 every 0.3 size 120
             18 A > B ESP 0xb1 seq 61..65 every 0.3 size 120
             18.1 B > A ESP 0xa1 seq 16..20 every 0.3 size 120
             1 A > B FRAGMENTS 50 complete 16 pieces 32 largest 1276{back}"
        ));
        for flow in model.flows.iter_mut() {
            if flow.key.spi.0 == 0xb1 {
                let large = flow.sizes.counts.iter().filter(|row| row.0 > 1256);
                flow.fragmented = large.map(|row| u64::from(row.1)).sum::<u64>() - whole;
            }
        }
        slugs(&model)
    }

    #[test]
    fn fragments_that_have_no_answer_while_small_packets_do() {
        let two = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             9.6 A > B ESP 0xb1 seq 36..42 every 1 size 1436";
        assert_eq!(in_vain(two, ""), ["mtu-black-hole"]);
        assert!(in_pieces(two, "", 1).is_empty(), "so large ones pass");
        // Once is no pattern; a stream goes on, or is fast; an answer may be small.
        let once = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364";
        assert!(in_vain(once, "").is_empty());
        let through = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             4.4 A > B ESP 0xb1 seq 70..90 every 0.8 size 1436";
        assert!(in_vain(through, "").is_empty());
        let fast = "4.3 A > B ESP 0xb1 seq 11..28 every 0.03 size 1364
             9.6 A > B ESP 0xb1 seq 36..58 every 0.03 size 1436";
        assert!(in_vain(fast, "").is_empty());
        // What passed an hour later, on other SAs, says nothing of now.
        let later = "
             3600 A > B ESP 0xb9 seq 1..10 every 0.3 size 120
             3600.1 B > A ESP 0xa9 seq 1..10 every 0.3 size 120,1400";
        assert_eq!(in_vain(two, later), ["mtu-black-hole"]);
        assert!(in_vain(two, "\n9.7 B > A ESP 0xa1 seq 21..27 every 1 size 100").is_empty());
    }

    /// Pings with answers, a third of whose numbers are missing.
    fn with_gaps(every: &str, size: &str) -> String {
        let came: Vec<String> = (0..40).map(|n| (n * 3 / 2 + 1).to_string()).collect();
        format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..40 every 1 size 120
             1.1 B > A ESP 0xa1 seq {} every {every} size {size}",
            came.join(",")
        )
    }

    #[test]
    fn what_never_came_was_no_steady_small_packet() {
        verdict(&with_gaps("1", "120"), "mtu-black-hole");
        // The tap stands beside who sends them: none was on the way yet.
        let beside =
            with_gaps("1", "120").replace("every 1 size 120\n", "every 1 size 120 ttl=60\n");
        silent(&format!("{beside} ttl=64"), "mtu-black-hole");
        // Larger ones came, too.
        silent(&with_gaps("1", "120,1000"), "mtu-black-hole");
        // Ordinary loss makes holes in what comes steadily.
        let text = with_gaps("1", "120");
        let (pings, _) = text.split_once("1.1 B").unwrap();
        let holes = "1.1 B > A ESP 0xa1 seq 1..20 every 1 size 120
             22.1 B > A ESP 0xa1 seq 23,25,27,29,31,33,35,37,39,41,43,45..60 every 1 size 120";
        silent(&format!("{pings}{holes}"), "mtu-black-hole");
    }

    #[test]
    fn all_that_is_lost_from_one_moment_on_was_not_too_large() {
        silent(
            "1 A > B ESP 0xb1 seq 1..5 every 0.3 size 120
             2.5 A > B ESP 0xb1 seq 6..40 every 0.3 size 184
             1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136
             1 A > B ESP 0xb1 seq 1..5 every 0.3 size 120 tap=1
             1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136 tap=1",
            "mtu-black-hole",
        );
    }

    #[test]
    fn large_packets_that_pass_one_tap_only() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1264
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136
             1 A > B ESP 0xb1 seq 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39 every 0.6 size 136 tap=1
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136 tap=1",
            "mtu-black-hole",
        );
    }

    #[test]
    fn an_upload_in_fragments_that_lacks_an_acknowledgement_now_and_then_is_fine() {
        let mut model = crate::testing::model(
            "1 A > B ESP 0xb1 seq 1..400 every 0.03 size 136,1432
             1 A > B FRAGMENTS 50 complete 200 pieces 400 largest 1396
             1 B > A ESP 0xa1 seq 1..50,52..90,92..140,142..200 every 0.06 size 104",
        );
        for flow in model.flows.iter_mut() {
            if flow.key.spi.0 == 0xb1 {
                flow.fragmented = 200;
            }
        }
        assert!(slugs(&model).is_empty());
    }

    #[test]
    fn three_of_the_largest_that_chance_may_have_hit_are_no_question_of_size() {
        assert!(super::by_chance(3, 100, 92));
        assert!(!super::by_chance(20, 20, 20));
    }

    #[test]
    fn the_headers_of_ipv6_inside_are_larger() {
        let six = |text: String| {
            text.replace("10.1.0.1", "2001:db8:1::1")
                .replace("10.2.0.1", "2001:db8:2::1")
        };
        let finding = crate::diagnose::testing::fires(
            &six(format!(
                "{HANDSHAKE}
                 2 A > B ESP 0xb1 seq 3..7 every 3 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
            )),
            "mtu-black-hole",
        );
        let advice = finding
            .advice
            .iter()
            .map(ToString::to_string)
            .collect::<String>();
        let number = |after: &str| -> u32 {
            let rest = advice.split(after).nth(1).unwrap();
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .unwrap()
        };
        assert_eq!(number("inner MTU to ") - number("MSS to "), 60, "{advice}");
    }

    const HANDSHAKE: &str = "
        1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 99)
        1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 100)
        1.2 A > B ESP 0xb1 seq 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 PSH,ACK seq 100 ack 6 data 500)
        1.3 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)
        30 B > A ESP 0xa1 seq 3 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)";

    #[test]
    fn full_segments_inside_are_never_acknowledged() {
        let text = format!(
            "{HANDSHAKE}
             2 A > B ESP 0xb1 seq 3..7 every 3 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
        );
        verdict(&text, "mtu-black-hole");
        let finding = crate::diagnose::testing::fires(&text, "mtu-black-hole");
        assert!(
            finding.says.to_string().contains("up to 540 octets")
                && finding.says.to_string().contains("1420"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn the_last_copy_may_come_too_late_but_not_those_before_it() {
        let copies = |every: f64| {
            let up = HANDSHAKE.replace("30 B", &format!("{} B", 2.4 + 4.0 * every));
            format!(
                "{up}
                 2 A > B ESP 0xb1 seq 3..7 every {every} size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
            )
        };
        verdict(&copies(1.0), "mtu-black-hole");
        silent(&copies(0.5), "mtu-black-hole");
    }

    #[test]
    fn large_echo_requests_are_not_answered_and_small_ones_are() {
        let text = |size: u32, ping: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..4 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..4 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 8 A > B ESP 0xb1 seq 5..8 every 1 inner(10.1.0.1 > 10.2.0.1 echo 8/1 length {size})
                 15 A > B ESP 0xb1 seq 9 inner(10.1.0.1 > 10.2.0.1 echo 9/1)
                 20 B > A ESP 0xa1 seq 9 {ping}"
            )
        };
        let alive = "inner(10.2.0.1 > 10.1.0.1 reply 9/1)";
        verdict(&text(1400, alive), "mtu-black-hole");
        silent(&text(84, alive), "mtu-black-hole");
        // Nothing is answered any more, whatever its size.
        let alive = "inner(10.2.0.1 > 10.1.0.1 UDP 1 > 2)";
        silent(&text(1400, alive), "mtu-black-hole");
    }

    #[test]
    fn segments_of_any_size_that_are_lost_are_not_too_large() {
        silent(
            &format!(
                "{HANDSHAKE}
                 2 A > B ESP 0xb1 seq 3..7 every 3 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 400)"
            ),
            "mtu-black-hole",
        );
    }

    #[test]
    fn loss_without_fragments_is_just_loss() {
        silent(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1432
             1 B > A ESP 0xa1 seq 1..10,15..20,24..40 every 0.3 size 136,104",
            "mtu-black-hole",
        );
    }

    #[test]
    fn gaps_of_a_few_in_a_hundred_are_ordinary() {
        // Seven are missing, for 20 that were fragmented: one in twenty of what came, or fewer.
        assert_eq!(slugs(&model("1..10,15..20,24..147")), ["mtu-black-hole"]);
        assert!(slugs(&model("1..10,15..20,24..148")).is_empty());
        // One in four of those that were fragmented, or fewer.
        assert!(slugs(&model("1..10,12..20,22..30,32..43")).is_empty());
    }

    #[test]
    fn as_large_an_answer_shows_that_large_packets_pass() {
        let large = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             9.6 A > B ESP 0xb1 seq 36..42 every 1 size 1436";
        let back = "\n22 B > A ESP 0xa1 seq 21 size 1400";
        assert!(in_vain(large, back).is_empty());
    }

    #[test]
    fn loss_both_ways_or_of_the_recording_is_no_question_of_size() {
        let text = with_gaps("1", "120");
        let both = text.replace("seq 1..40 every 1", "seq 1..20,22..41 every 1");
        silent(&both, "mtu-black-hole");
        let mut model = crate::testing::model(&text);
        assert_eq!(slugs(&model), ["mtu-black-hole"]);
        model.inputs[0].dropped = Some(1);
        assert!(slugs(&model).is_empty());
    }

    #[test]
    fn every_host_takes_what_is_no_larger_than_576_octets() {
        verdict(&with_gaps("1", "556"), "mtu-black-hole");
        silent(&with_gaps("1", "560"), "mtu-black-hole");
    }

    #[test]
    fn what_came_steadily_for_a_while_only_tells_nothing() {
        let text = with_gaps("1", "120");
        // Large ones that come when the pings are over are lost as well.
        let long = "\n41.5 B > A ESP 0xa1 seq 70..120 every 2 size 136";
        silent(&format!("{text}{long}"), "mtu-black-hole");
    }

    /// The first connection, or the next, opens at a time, and what comes back is too large.
    fn opens(number: u32, at: u32, length: u32) -> String {
        let (port, out, back) = (40000 + number, number * 2 + 1, number * 6 + 1);
        format!(
            "{at} A > B ESP 0xb1 seq {out} inner(10.1.0.1 > 10.2.0.1 TCP {port} > 443 SYN seq 99)
             {at}.1 B > A ESP 0xa1 seq {back} inner(10.2.0.1 > 10.1.0.1 TCP 443 > {port} SYN,ACK seq 5 ack 100)
             {at}.2 A > B ESP 0xb1 seq {next} inner(10.1.0.1 > 10.2.0.1 TCP {port} > 443 PSH,ACK seq 100 ack 6 data 500)
             {at}.3 B > A ESP 0xa1 seq {data}..{last} every 1 size 1464 inner(10.2.0.1 > 10.1.0.1 TCP 443 > {port} ACK seq 6 ack 600 data {length})\n",
            next = out + 1,
            data = back + 1,
            last = back + 5
        )
    }

    #[test]
    fn connections_open_and_what_they_answer_is_too_large() {
        use crate::diagnose::Confidence;
        use crate::diagnose::testing::fires;
        let later = "40 A > B ESP 0xb1 seq 5 inner(10.1.0.1 > 10.2.0.1 echo 7/1)\n";
        let once = format!("{}{later}", opens(0, 1, 1380));
        verdict(&once, "mtu-black-hole");
        let finding = fires(&once, "mtu-black-hole");
        assert_eq!(finding.confidence, Confidence::Possible);
        // Another connection opens after the first one stands still.
        let twice = format!("{once}{}", opens(1, 12, 1380));
        let finding = fires(&twice, "mtu-black-hole");
        assert_eq!(finding.confidence, Confidence::Likely);
        // What is small enough for every link is lost for another reason.
        silent(&format!("{}{later}", opens(0, 1, 400)), "mtu-black-hole");
    }

    #[test]
    fn keys_show_that_no_ping_was_lost_however_unsteadily_they_came() {
        let text = |second: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..5,10..12,16..22,27..31 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 40 A > B ESP 0xb1 seq 21..40 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/21)
                 40.1 B > A ESP 0xa1 seq {second} every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/21)
                 65 A > B ESP 0xb1 seq 41 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 6000)"
            )
        };
        verdict(&text("32..51"), "mtu-black-hole");
        silent(&text("32..49"), "mtu-black-hole");
    }

    /// Pings of A and their answers, and what else passes in a second child SA whose first packets are small.
    fn beside_pings(pings: &str, others: &str) -> Model {
        crate::testing::model(&format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..60 every 0.5 size 120
             {pings}
             1 A > B ESP 0xb2 seq 1..9 every 0.1 size 120
             1.05 B > A ESP 0xa2 seq 1..9 every 0.1 size 120
             {others}"
        ))
    }

    const ANSWERED: &str = "1.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 120";

    /// Packets to B of one size at these times, with numbers from this one on.
    fn large(size: u32, seq: u32, times: &[f64]) -> String {
        let line =
            |(seq, time): (u32, &f64)| format!("{time} A > B ESP 0xb2 seq {seq} size {size}\n");
        (seq..).zip(times).map(line).collect()
    }

    const DOUBLED: [f64; 7] = [2.0, 2.2, 2.6, 3.4, 5.0, 8.2, 14.6];

    /// A flight of ten, and repetitions.
    fn flight(seq: u32) -> String {
        let flight = format!(
            "1.99 A > B ESP 0xb2 seq {seq}..{} every 0.001 size 1448\n",
            seq + 8
        );
        flight + &large(1448, seq + 9, &DOUBLED)
    }

    #[test]
    fn large_packets_at_gaps_that_double_while_small_ones_have_answers() {
        let slugs = |others: &str| super::tests::slugs(&beside_pings(ANSWERED, others));
        assert_eq!(slugs(&flight(10)), ["mtu-black-hole"]);
        // As small as every path takes; at equal gaps, as something sends that wants no answer.
        assert!(slugs(&large(1200, 10, &DOUBLED)).is_empty());
        let equal = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0];
        assert!(slugs(&large(1448, 10, &equal)).is_empty());
        // Acknowledged, one in eight or more.
        let answers = "2.3 B > A ESP 0xa2 seq 10..12 every 2 size 88";
        assert!(slugs(&format!("{}{answers}", flight(10))).is_empty());
        // Each packet was recorded twice.
        let twice: String = flight(10)
            .replace(" every 0.001", "")
            .lines()
            .flat_map(|line| [line, "\n", line, "\n"])
            .collect();
        assert_eq!(slugs(&twice), ["mtu-black-hole"]);
    }

    #[test]
    fn what_begins_with_one_large_packet_may_have_met_a_filter_of_its_port() {
        use crate::diagnose::Severity;
        let severity =
            |others: &str| said(&super::RULE, &beside_pings(ANSWERED, others))[0].severity;
        assert_eq!(severity(&flight(10)), Severity::Warning);
        assert_eq!(severity(&large(1448, 10, &DOUBLED)), Severity::Info);
    }

    #[test]
    fn an_upload_that_stands_still_in_an_outage_is_no_question_of_size() {
        let slugs = |pings: &str, others: &str| super::tests::slugs(&beside_pings(pings, others));
        // Nothing came back while it was sent again.
        let outage = "1.1 B > A ESP 0xa1 seq 1..6 every 0.5 size 120
             15 B > A ESP 0xa1 seq 7..30 every 0.5 size 120";
        assert!(slugs(outage, &flight(10)).is_empty());
        // It goes on after that, however seldom it is acknowledged.
        let on = "15 A > B ESP 0xb2 seq 26..300 every 0.01 size 1448";
        assert!(slugs(ANSWERED, &format!("{}{on}", flight(10))).is_empty());
        // What wants no answer does not account for acknowledgements.
        let syslog = "2 A > B ESP 0xb2 seq 26..300 every 0.04 size 168
             2.1 B > A ESP 0xa2 seq 10..18 every 1 size 88";
        assert!(slugs(ANSWERED, &format!("{}{syslog}", flight(10))).is_empty());
    }

    #[test]
    fn many_rows_of_packets_have_gaps_that_double_by_chance() {
        // Each in a child SA of its own.
        let other = |place: u32| {
            format!(
                "1 A > B ESP 0xc{place} seq 1..9 every 0.1 size 120
                 2 A > B ESP 0xc{place} seq 10..21 every 1.3 size 1448\n"
            )
        };
        let slugs = |others: u32| {
            let run = large(1448, 10, &DOUBLED[..6]);
            let others: String = (0..others).map(other).collect();
            super::tests::slugs(&beside_pings(ANSWERED, &format!("{run}{others}")))
        };
        assert_eq!(slugs(3), ["mtu-black-hole"]);
        assert!(slugs(5).is_empty());
    }
}

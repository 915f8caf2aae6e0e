//! Packets inside that are acknowledged or answered up to some size, and never beyond.

use super::band::band_inside;
use super::fragmented::limit;
use super::{PATTERN, RULE};
use crate::diagnose::facts::inner::{self, Inside};
use crate::diagnose::facts::overhead::LEAST_MTU;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Tap, icmp::Meaning, overhead, quality, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::{Text, count};
use crate::model::{EchoSize, InnerFlow, Seen};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

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
    /// All that was lost, of whatever size.
    all: Vec<Lost>,
}

/// Packets of one size that were lost.
pub(super) struct Lost {
    pub(super) length: u32,
    pub(super) sent: u64,
    pub(super) seen: Seen,
}

/// A connection whose data is too large stands still at once, so soon after its handshake.
const CLOSE: Span = Span::from_secs(2);

impl Sizes {
    /// Whether something passed so long after a moment, or later.
    fn passed_since(&self, after: Span, moment: Timestamp) -> bool {
        self.until.is_some_and(|until| until.since(moment) >= after)
    }

    fn lose(&mut self, length: u32, sent: u64, seen: Seen) {
        self.all.push(Lost { length, sent, seen });
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
pub(super) fn by_inner_size(case: &Case<'_>) -> Option<Finding> {
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
    let band = || {
        let mixed = all.iter().filter(|(_, sizes)| sizes.small_lost);
        let mut bands = mixed.filter_map(|((vantage, end, _), sizes)| {
            band_inside(case, inside, &sizes.all, (*vantage, *end))
        });
        bands.next()
    };
    told(&all)
        .or_else(band)
        .or_else(|| differ().then(|| told(&sizes(case, inside, true))).flatten())
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
pub(super) const SMALLEST: u32 = 576;

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
    let mss = |inner: u32| overhead::mss(inner, sizes.v6);
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

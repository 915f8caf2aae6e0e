//! Sequence numbers are missing.

mod between_taps;
mod beyond;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::overhead::{LEAST_MTU, outer_of};
use crate::diagnose::facts::{Fate, Located, Tap, outage, own};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{EspFlow, Transport, Tunnel};
use crate::say;
use crate::units::{EspSpi, Span, Vantage};
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "packet-loss",
    code: "ESP403",
    severity: Severity::Warning,
    summary: "ESP packets are lost on the way",
    document: DOCUMENT,
    explains: &[
        "ike-retransmits",
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
A sender numbers its ESP packets one by one. Numbers that never come were lost between the sender and the tap.

## How it is seen
Gaps in the sequence numbers of a flow that nothing late fills. The other direction, sent from beside the tap, has none, or hardly any, though it has packets enough to show the losses of a capture: so the capture itself is complete. Or IKE suffers, too, and sends requests again. Or each packet that came has one in return and none of these is missing: what is missing was not answered. Or nearly all is missing in one silence of seconds, in which other packets of its sender came and the other direction went on whole. Or ESP of a sender is silent for seconds while its IKE comes and renews the SAs, and the new one begins with a number well above 1. ESP over TCP is left out, since TCP sends lost packets again. With two taps: packets that left one and never reached the other, number by number; what both lack alike neither recording lost. Of what is lost beyond the tap no number tells: there requests into the tunnel stay without an answer, one here and one there, and no number is missing of what comes back. Without keys these are packets of one size at a fixed interval, and those of their size in return, of which some are missing by chance. That is never more than possible unless IKE suffers as well.

## What else looks like it
A capture that drops packets shows gaps too, in both directions alike; a mirror port or a tap with a line for each direction may drop those of one. Where nothing tells its losses from those of the path, the gaps are told for information only; where the TTL shows that a direction is sent right beside the tap, the capture lost them, and nothing is said of the path. A sender may also throw packets away after it numbered them, for instance because they are too large. A cluster that fails over and keeps its SAs may skip many numbers at once on purpose (RFC 6311).

## What to do
1. Look at the path from the sender: errors, rate limits, full queues. Compare the times of the gaps with the load.
2. Capture nearer to the sender, to see where the packets vanish.
";

/// Fewer missing packets than these are no finding.
const FEW: u64 = 3;

/// So many gaps the other direction would have if the capture itself made those of this one; none, or
/// hardly any, are then chance in one case of a hundred and fifty.
const EXPECTED: f64 = 5.0;

/// So many requests of IKE that were sent again are no chance.
const AGAIN: usize = 2;

/// The quickest retransmission of IKE (libreswan).
const RESENT: Span = Span::from_millis(400);

/// So many numbers in one piece, with hardly any missing elsewhere, are rather skipped than lost.
const FAILOVER: u64 = 1000;

/// Less than this share, in thousandths, does not impair a tunnel.
const PER_MILLE: u64 = 3;

/// Per cent lost at which requests fail as well: of a request that is sent five times, each time with an
/// answer that may be lost too, all fail once in 160 times, and a liveness check comes every few seconds.
const HEAVY: f64 = 20.0;

/// Where half is lost by chance, two are lost in a row; more than these are an outage.
const PIECE: u64 = 5;

/// So many in one silence are an interruption that somebody notices.
const INTERRUPTED: u64 = 8;

/// What requests that fail for heavy loss look like.
const HEAVY_EXPLAINS: &[&str] = &[
    "dpd-timeout",
    "dpd-despite-traffic",
    "ike-one-way",
    "tunnel-flapping",
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let tap = case.tap();
    let located: Vec<Finding> = [0, 1]
        .into_iter()
        .filter_map(|end| between_taps::between_taps(case, end))
        .collect();
    let found: Vec<Finding> = case
        .directions()
        .iter()
        .flat_map(|directions| {
            [0, 1]
                .into_iter()
                .filter(|end| !own::is_capture_loss(case.tunnel, directions, *end))
                .filter_map(
                    |end| match is_located(case.tunnel, directions.vantage, end) {
                        false => loss(case, tap, directions, end),
                        true => loss(case, tap, &at_one_tap(case, directions), end),
                    },
                )
                .collect::<Vec<_>>()
        })
        .chain(located)
        .collect();
    match found.is_empty() {
        true => beyond::beyond(case).into_iter().collect(),
        false => found,
    }
}

/// Whether two taps, one behind the other, tell what was lost between them in a direction. What was lost before the
/// first is told there, and not once more at the other.
fn is_located(row: &Tunnel, vantage: Vantage, end: usize) -> bool {
    Located::of(row, end).is_some_and(|located| {
        located.both > 0 && (vantage == located.far || !matters(located.before, located.left()))
    })
}

/// Whether nearly all that is missing here towards an end is missing at the tap behind this one as well: two recordings
/// do not lose the very same.
fn lack_alike(case: &Case<'_>, directions: &Directions<'_>, end: usize, missing: u64) -> bool {
    Located::of(case.tunnel, end).is_some_and(|located| {
        let before = located.before;
        located.near == directions.vantage
            && located.near.input != located.far.input
            && located.both > 0
            && matters(before, located.left())
            && before.saturating_mul(10) >= missing.saturating_mul(9)
    })
}

/// The flows that no other tap has: they go another way, and what is told between taps is not of them.
fn at_one_tap<'m>(case: &Case<'m>, directions: &Directions<'m>) -> Directions<'m> {
    let elsewhere = case
        .flows()
        .filter(|flow| flow.key.vantage != directions.vantage);
    let elsewhere: BTreeSet<EspSpi> = elsewhere.map(|flow| flow.key.spi).collect();
    directions.only(|flow| !elsewhere.contains(&flow.key.spi))
}

fn loss(case: &Case<'_>, tap: &Tap, directions: &Directions<'_>, end: usize) -> Option<Finding> {
    let (missing, packets) = tally(directions.flows(end));
    if !matters(missing, packets) {
        return across_rekeying(case, tap, directions, end);
    }
    let worst = directions
        .flows(end)
        .iter()
        .filter(|flow| can_lose(flow))
        .max_by_key(|flow| flow.sequence.missing)?;
    let gap = esp::gaps(worst).next();
    let gap = gap.map_or(worst.seen.first, |(at, _)| at);
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let (other_missing, other_packets) = tally(directions.flows(1 - end));
    let cause = cause(case, tap, directions, end);
    let share = missing as f64 * 100.0 / (missing + packets) as f64;
    let bursts = bursts(directions.flows(end));
    let longest = directions
        .flows(end)
        .iter()
        .map(|flow| flow.sequence.longest_burst)
        .max()
        .unwrap_or(0)
        // What came late shortened the gaps since.
        .min(missing);
    let other = match other_packets {
        0 => "The other direction is not in this capture.".into(),
        _ if other_missing == 0 && own::end(directions) == Some(end) => say!(
            "The other direction is complete at this tap, which stands beside its sender {to}: what it loses \
             further on does not show here.",
            to
        ),
        _ if other_missing == 0 => "The other direction is complete.".into(),
        _ => say!(
            "The other direction misses {missing} of {packets} too.",
            missing = other_missing,
            packets = other_missing + other_packets
        ),
    };
    let lossy = || {
        let flows = directions.flows(end).iter();
        flows.filter(|flow| can_lose(flow) && flow.sequence.missing > 0)
    };
    let from_then = lossy().map(|flow| flow.seen.first.1).min()?;
    let until = lossy().map(|flow| flow.seen.last.1).max()?;
    let percent = one_decimal(share);
    // Where the tap stands beside the sender there is hardly a path between them.
    let beside = own::end(directions) == Some(1 - end);
    let lost_before = || {
        say!(
            "{percent} % of ESP from {from} to {to} is lost before the tap",
            percent = &percent,
            from,
            to
        )
    };
    let (confidence, severity, title, why) = match cause {
        Cause::Before => (
            Confidence::Likely,
            RULE.severity,
            lost_before(),
            "The tap behind this one lacks the very same packets, so no recording lost them.",
        ),
        Cause::Path => (
            Confidence::Likely,
            RULE.severity,
            lost_before(),
            match other_missing {
                _ if beside => "",
                0 => "So the capture misses nothing there, and the path lost them.",
                _ => "That is far less, so the path lost them, and not the capture.",
            },
        ),
        Cause::Unanswered => (
            Confidence::Likely,
            RULE.severity,
            lost_before(),
            "Each packet that came had one in return, and those that are missing had none: they were not lost by the \
             recording.",
        ),
        Cause::Shared => (
            Confidence::Likely,
            RULE.severity,
            say!(
                "{percent} % of ESP from {from} to {to} is lost",
                percent = &percent,
                from,
                to
            ),
            "IKE requests were sent again, too: the path loses packets.",
        ),
        Cause::Amid => (
            Confidence::Likely,
            RULE.severity,
            lost_before(),
            "Nearly all of them are missing in one silence, in which other packets of the same sender came and the \
             other direction went on: the recording did not pause, and what lost them takes ESP apart.",
        ),
        Cause::Unknown => (
            Confidence::Possible,
            Severity::Info,
            say!(
                "{percent} % of ESP from {from} to {to} is not in the capture",
                percent = &percent,
                from,
                to
            ),
            match beside {
                true => "",
                false => {
                    "Whether the path lost them or the capture itself, these packets do not tell."
                }
            },
        ),
    };
    let failover = longest >= FAILOVER && longest.saturating_mul(10) >= missing.saturating_mul(9);
    let (title, why) = match failover {
        true => (
            say!(
                "The numbers of ESP from {from} to {to} jump by {longest}",
                from,
                to,
                longest
            ),
            "So many in one piece, and hardly any elsewhere, were rather skipped than lost.",
        ),
        false => (title, why),
    };
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        gap,
        say!("first gap in the numbers of {spi}", spi = worst.key.spi),
    )
    .severity(severity)
    .during(from_then, until)
    .title(title)
    .says(
        match failover {
            true => say!(
                "Between two packets of {from} to {to} that follow one another, {longest} numbers are missing.",
                from,
                to,
                longest
            ),
            false => say!(
                "Of {packets} ESP packets from {from} to {to} {missing} never came ({percent} %), in {gaps} of at \
                 most {longest}.",
                packets = missing + packets,
                from,
                to,
                missing,
                percent,
                gaps = count(bursts, "gap"),
                longest
            ),
        }
        .then(other)
        .then(why),
    )
    .or("The sender discards packets after numbering them, such as those too large for its link.");
    let (before, since) = esp::largest_around(directions.flows(end), gap.1);
    let (before, since) = (outer_of(worst, before), outer_of(worst, since));
    if before > LEAST_MTU && since <= LEAST_MTU && !failover {
        finding = finding.or(say!(
            "The path takes no large packets any more: since the first gap none came of more than {since} octets, and \
             before it came some of up to {before}.",
            since,
            before
        ));
    }
    finding = match beside {
        true => finding.advise(say!(
            "On {from}, look at what the outgoing queue and the interface drop, and at what the capture dropped.",
            from
        )),
        false => finding
            .advise(say!(
                "Look at the path from {from}: errors, rate limits, queues; compare the times with the load.",
                from
            ))
            .advise(say!("Capture at {from} to see whether the packets leave.", from)),
    };
    if matches!(cause, Cause::Path | Cause::Amid) {
        finding = finding.or("The mirror port or the tap lost packets of this direction only.");
    }
    if failover {
        finding = finding.severity(Severity::Info);
    }
    if failover || cause == Cause::Amid {
        finding = finding.or("A cluster failed over and skipped numbers on purpose (RFC 6311).");
    }
    if tap.dropped == 0 && share >= HEAVY && missing <= bursts.saturating_mul(PIECE) {
        finding = finding.explaining(HEAVY_EXPLAINS);
    }
    let recorded = cause == Cause::Before;
    if beside {
        finding.confidence = finding.confidence.lower_if(!recorded);
        finding.says.add(say!(
            "The TTL shows that {from} stands beside this tap, so that hardly a path can have lost them: {from} \
             discards them itself.",
            from
        ));
    }
    if beside && !recorded {
        finding = finding.or("The capture itself lost packets of that direction.");
    }
    if tap.dropped > 0 && !recorded {
        finding = finding.or(say!(
            "The capture says that it dropped {dropped} packets itself.",
            dropped = tap.dropped
        ));
    }
    for (at, skipped) in esp::gaps(worst).skip(1) {
        finding = finding.also(at, say!("{skipped} missing before it", skipped));
    }
    Some(finding)
}

/// Who lost the packets.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Cause {
    /// The path to the first of two taps, or the sender: both recordings lack them.
    Before,
    /// The path to the tap: the recording is complete.
    Path,
    /// The path to the tap: the receiver answers each packet, and did not answer these.
    Unanswered,
    /// The path: IKE suffers from it, too.
    Shared,
    /// The path to the tap: what else its sender sent came in that very time.
    Amid,
    /// The path or the recording.
    Unknown,
}

/// Whether what is missing towards an end is known not to be lost by the recording.
pub(super) fn is_of_path(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> bool {
    cause(case, case.tap(), directions, end) != Cause::Unknown
}

fn cause(case: &Case<'_>, tap: &Tap, directions: &Directions<'_>, end: usize) -> Cause {
    let (missing, came) = tally(directions.flows(end));
    if lack_alike(case, directions, end, missing) {
        return Cause::Before;
    }
    if tap.lacks_packets() {
        return Cause::Unknown;
    }
    let (other_missing, answers) = tally(directions.flows(1 - end));
    let gaps = |end: usize| bursts(directions.flows(end)) as f64;
    let expected = gaps(end) / (missing + came) as f64 * (other_missing + answers) as f64;
    if expected >= EXPECTED && gaps(1 - end) * EXPECTED * 2.0 <= expected {
        return Cause::Path;
    }
    let apart = came.abs_diff(answers);
    // So many at once are rather skipped than lost.
    let few = (PIECE..FAILOVER).contains(&missing);
    if few && other_missing == 0 && apart.saturating_mul(20) <= missing {
        return Cause::Unanswered;
    }
    let again = case
        .unsettled()
        .iter()
        .filter(|asked| asked.fate == Fate::Answered)
        // Copies at the same moment are the tap's; of another time they say nothing of these packets.
        .filter(|asked| asked.last.1.since(asked.first.1) >= RESENT)
        .filter(|asked| {
            let mut flows = directions.flows(end).iter();
            flows.any(|flow| asked.last.1 >= flow.seen.first.1 && asked.first.1 <= flow.seen.last.1)
        })
        .count();
    match again >= AGAIN {
        true => Cause::Shared,
        false if is_amid(case, directions, end, missing) => Cause::Amid,
        false => Cause::Unknown,
    }
}

/// Whether nearly all that is missing towards an end was lost in one silence, in which other packets of its sender came,
/// and ESP the other way as well: a recording that pauses lacks these, too. Who is asked for as much as it sends does not
/// just skip numbers, and large packets that vanish one by one stop what is sent in return.
fn is_amid(case: &Case<'_>, directions: &Directions<'_>, end: usize, missing: u64) -> bool {
    directions.flows(end).iter().any(|flow| {
        let silences = flow.silences.iter().filter(|_| can_lose(flow));
        silences
            .filter(|silence| silence.length >= outage::OUTAGE)
            .any(|silence| {
                let lost = u64::from(outage::lost_in(flow, silence));
                let (from, to) = outage::amid(silence);
                let back = directions.flows(1 - end).iter();
                let back = back.filter(|back| back.sequence.missing == 0);
                let sent: u64 = back.map(|back| esp::packets_within(back, from, to)).sum();
                (INTERRUPTED..FAILOVER).contains(&lost)
                    && lost.saturating_mul(10) >= missing.saturating_mul(9)
                    && sent.saturating_mul(2) >= lost
                    && outage::is_heard(case, directions, 1 - end, silence)
            })
    })
}

/// ESP of one side stops, its IKE goes on, and the SAs are renewed meanwhile: the new SA begins with a number well above
/// 1. No gap shows that, for what was lost lies before the first packet.
fn across_rekeying(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    // A recording that lacks packets may lack these.
    let mut back = directions.flows(1 - end).iter();
    if tap.lacks_packets() || back.any(|flow| flow.sequence.missing > 0) {
        return None;
    }
    let amid = outage::amid_rekeying(case, directions, end)?;
    let (flow, silence, lost) = (amid.flow, &amid.silence, u64::from(amid.lost));
    // Where nothing of its sender comes, path-outage tells.
    let heard = outage::is_heard(case, directions, 1 - end, silence);
    if !can_lose(flow) || !heard || !(INTERRUPTED..FAILOVER).contains(&lost) {
        return None;
    }
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let number = flow.sequence.first;
    Some(
        Finding::new(
            &RULE,
            tap.absence(Confidence::Likely),
            case.id,
            silence.after,
            say!(
                "first packet after {silence}, number {number} of a new SA",
                silence = silence.length,
                number
            ),
        )
        .also(silence.before, "last packet before the silence")
        .severity(tap.gaps(RULE.severity))
        .title(say!(
            "No ESP of {from} came for {silence}, while its IKE did",
            from,
            silence = silence.length
        ))
        .says(say!(
            "For {silence} no ESP of {from} arrived at the tap, while IKE of it did, and the SAs were renewed. Then the \
             new SA {spi} began with number {number}: {from} had sent the {lost} before it to {to}, and they were lost. \
             What lost them takes ESP apart.",
            silence = silence.length,
            from,
            spi = flow.key.spi,
            number,
            lost,
            to
        ))
        .or("The sender discards packets after numbering them, such as those too large for its link.")
        .or("The mirror port or the tap lost packets of this direction only.")
        .or("A cluster failed over and skipped numbers on purpose (RFC 6311).")
        .advise(say!(
            "Look at the path from {from} to {to} at that time.",
            from,
            to
        ))
        .advise(say!("Capture at {from} to see whether the packets leave.", from)),
    )
}

/// Gaps of these flows.
fn bursts(flows: &[&EspFlow]) -> u64 {
    let flows = flows.iter().filter(|flow| can_lose(flow));
    flows.map(|flow| flow.sequence.bursts).sum()
}

/// TCP sends again what is lost on the way: a gap in it is a hole of the capture, which is told for
/// itself.
fn can_lose(flow: &EspFlow) -> bool {
    flow.key.transport != Transport::Tcp
}

/// Missing and present packets of these flows.
fn tally(flows: &[&EspFlow]) -> (u64, u64) {
    flows
        .iter()
        .filter(|flow| can_lose(flow))
        .fold((0, 0), |(missing, packets), flow| {
            (missing + flow.sequence.missing, packets + flow.packets)
        })
}

/// Whether enough is missing towards an end to be worth a finding.
pub(super) fn matters_towards(directions: &Directions<'_>, end: usize) -> bool {
    let (missing, packets) = tally(directions.flows(end));
    matters(missing, packets)
}

fn matters(missing: u64, packets: u64) -> bool {
    missing >= FEW && missing.saturating_mul(1000) >= (missing + packets).saturating_mul(PER_MILLE)
}

fn one_decimal(share: f64) -> Text {
    Text::verbatim(format_args!("{share:.1}"))
}

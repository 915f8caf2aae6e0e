//! Sequence numbers are missing.

mod between_taps;
mod beyond;

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::{Fate, Located, Tap, outage, own};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{AnomalyKind, EspFlow, Transport, Tunnel};
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
    let gap = worst
        .anomalies
        .iter()
        .find(|anomaly| matches!(anomaly.kind, AnomalyKind::Gap(_)))
        .map_or(worst.seen.first, |anomaly| (anomaly.frame, anomaly.time));
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
    for anomaly in worst
        .anomalies
        .iter()
        .filter(|anomaly| matches!(anomaly.kind, AnomalyKind::Gap(_)))
        .skip(1)
    {
        if let AnomalyKind::Gap(skipped) = anomaly.kind {
            finding = finding.also(
                (anomaly.frame, anomaly.time),
                say!("{skipped} missing before it", skipped),
            );
        }
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

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};
    use crate::units::Span;

    #[test]
    fn gaps_in_one_direction_are_loss() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1 size 136",
            "packet-loss",
        );
    }

    #[test]
    fn numbers_that_a_standby_skips_are_no_loss() {
        let found = fires(
            "0 A > B ESP 0xb1 seq 1..40 every 0.1 size 136
             4.2 A > B ESP 0xb1 seq 1000041..1000080 every 0.1 size 136
             0.05 B > A ESP 0xa1 seq 1..80 every 0.1 size 136",
            "packet-loss",
        );
        assert_eq!(found.severity, Severity::Info);
        let title = found.title.to_string();
        assert!(title.ends_with("jump by 1000000"), "{title}");
        let says = found.says.to_string();
        assert!(!says.contains("never came"), "{says}");
    }

    #[test]
    fn esp_alone_that_is_lost_while_the_sas_are_renewed() {
        let text = |answered: f64, number: u32, back: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 1 A > B ESP 0xb1 seq 1..100 every 0.25 size 136
                 1.05 B > A ESP 0xa1 seq 1..60 every 0.25 size 136
                 25.9 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 256
                 {answered} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 26.1 A > B ESP 0xb2 seq {back} every 0.25 size 136
                 34.1 B > A ESP 0xa2 seq {number}..80 every 0.25 size 136"
            )
        };
        let found = fires(&text(26.0, 33, "1..80"), "packet-loss");
        assert_eq!(found.severity, Severity::Warning);
        silent(&text(26.0, 33, "1..80"), "path-outage");
        // All that was sent on the new SA came; or the recording itself lacks packets.
        silent(&text(26.0, 1, "1..80"), "packet-loss");
        let found = fires(&text(26.0, 33, "1..20,31..80"), "packet-loss");
        assert_eq!(found.severity, Severity::Info);
    }

    #[test]
    fn esp_alone_that_is_lost_while_quick_mode_renews_the_sas() {
        let text = |number: u32| {
            format!(
                "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
                 0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
                 0.6 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 204
                 0.7 B:500 > A:500 QUICK i=1 r=2 id=0x21 sealed 204
                 0.8 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 60
                 1 A > B ESP 0xb1 seq 1..100 every 0.25 size 136
                 1.05 B > A ESP 0xa1 seq 1..60 every 0.25 size 136
                 25.8 A:500 > B:500 QUICK i=1 r=2 id=0x22 sealed 204
                 25.9 B:500 > A:500 QUICK i=1 r=2 id=0x22 sealed 204
                 26.0 A:500 > B:500 QUICK i=1 r=2 id=0x22 sealed 60
                 26.1 A > B ESP 0xb2 seq 1..80 every 0.25 size 136
                 34.1 B > A ESP 0xa2 seq {number}..80 every 0.25 size 136"
            )
        };
        verdict(&text(33), "packet-loss");
        silent(&text(1), "packet-loss");
    }

    #[test]
    fn esp_alone_that_is_lost_for_a_while() {
        let text = |asks: &str, check: &str| {
            format!(
                "{asks}
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
                 {check}"
            )
        };
        let asks = "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136";
        let check = "24 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
                     24.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
        let finding = fires(&text(asks, check), "packet-loss");
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Likely);
        // Where nothing goes the other way meanwhile, large packets may have been lost one by one.
        let pause = "0 A > B ESP 0xb1 seq 1..80 every 0.25 size 136
                     30 A > B ESP 0xb1 seq 81..160 every 0.25 size 136";
        let finding = fires(&text(pause, check), "packet-loss");
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn what_is_missing_and_was_not_answered_did_not_arrive() {
        let back = |packets: u32| {
            format!(
                "1 B > A ESP 0xa1 seq 1..20,46..65,91..110 every 0.1 size 136
                 1.05 A > B ESP 0xb1 seq 1..{packets} every 0.1 size 136"
            )
        };
        let finding = fires(&back(60), "packet-loss");
        assert_eq!(finding.severity, Severity::Warning);
        // Nothing ties the two directions to each other.
        assert_eq!(fires(&back(75), "packet-loss").severity, Severity::Info);
    }

    #[test]
    fn heavy_loss_is_why_checks_fail_under_whichever_sa() {
        let lossy = |spi: &str, at: u32, packets: u32| -> String {
            (1..packets)
                .filter(|n| n * n % 97 < 50)
                .map(|n| format!("{}.1 B > A ESP {spi} seq {n} size 136\n", at + n / 2))
                .collect()
        };
        let text = format!(
            "{}{}1 A > B ESP 0xb1 seq 1..1400 every 0.5 size 136",
            lossy("0xa1", 2, 500),
            lossy("0xa2", 640, 200),
        );
        let finding = fires(&text, "packet-loss");
        assert!(finding.last.since(finding.first) > Span::from_secs(640));
        assert!(finding.also_explains.contains(&"dpd-timeout"));
    }

    #[test]
    fn gaps_that_the_capture_may_have_made_are_no_fault() {
        // Too few packets the other way to show it; gaps both ways; one way only.
        let lossy =
            "1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1";
        for other in [
            "1 A > B ESP 0xb1 seq 1..50 every 0.4",
            "1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1",
            "",
        ] {
            let finding = fires(&format!("{lossy}\n{other}"), "packet-loss");
            assert_eq!(finding.severity, Severity::Info, "{other}");
            assert_eq!(finding.confidence, Confidence::Possible, "{other}");
        }
    }

    #[test]
    fn losses_both_ways_from_which_ike_suffers_too_are_of_the_path() {
        let finding = fires(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
             2.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request sealed 80 again=2
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=6 response sealed 80
             1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1
             1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1",
            "packet-loss",
        );
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn requests_to_a_dead_peer_or_at_another_time_show_no_loss() {
        let lossy = |at: u32, answer: &str| {
            format!(
                "{at}.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
                 {at}.1 A:500 > B:500 INFORMATIONAL i=3 r=4 id=5 request sealed 80 again=2
                 {answer}
                 1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1
                 1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1"
            )
        };
        let answers = "
            92.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
            92.2 B:500 > A:500 INFORMATIONAL i=3 r=4 id=5 response sealed 80";
        for text in [lossy(5, ""), lossy(90, answers)] {
            let finding = fires(&text, "packet-loss");
            assert_eq!(finding.severity, Severity::Info, "{text}");
        }
    }

    #[test]
    fn one_huge_step_of_the_numbers_may_be_a_failover() {
        let finding = fires(
            "1 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100,1048676..1048776 every 0.1 size 136",
            "packet-loss",
        );
        assert_eq!(finding.severity, Severity::Info);
        assert!(
            finding
                .alternatives
                .iter()
                .any(|or| or.to_string().contains("RFC 6311"))
        );
    }

    #[test]
    fn packets_out_of_order_are_not_lost() {
        silent(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..20,22,21,23..40,44,43,42,41,45..100 every 0.1 size 136",
            "packet-loss",
        );
    }

    /// Both directions at two taps; the second lacks what `lost` names of the packets towards it.
    fn two_taps(towards: &str, back: &str) -> String {
        format!(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1.05 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 ttl=63
             {towards}
             {back}"
        )
    }

    const TOWARDS: &str = "
        1.02 A > B ESP 0xb1 seq 1..20 every 0.1 size 136 tap=1 ttl=63
        3.52 A > B ESP 0xb1 seq 26..60 every 0.1 size 136 tap=1 ttl=63
        7.42 A > B ESP 0xb1 seq 65..100 every 0.1 size 136 tap=1 ttl=63";
    const BACK: &str = "1.03 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 tap=1";

    #[test]
    fn two_taps_tell_where_packets_are_lost() {
        let finding = fires(&two_taps(TOWARDS, BACK), "packet-loss");
        assert_eq!(finding.confidence, Confidence::Certain);
        assert!(
            finding
                .says
                .to_string()
                .starts_with("9 of 100 packets left the tap tap 0 and never reached the tap tap 1"),
            "{}",
            finding.says
        );
        let inputs: Vec<u16> = finding.evidence.iter().map(|e| e.frame.input).collect();
        assert!(inputs.contains(&0) && inputs.contains(&1), "{inputs:?}");
    }

    #[test]
    fn a_tap_that_loses_packets_of_both_directions_is_no_path() {
        let back = "1.03 B > A ESP 0xa1 seq 1..30 every 0.1 size 136 tap=1
                    4.63 B > A ESP 0xa1 seq 37..100 every 0.1 size 136 tap=1";
        silent(&two_taps(TOWARDS, back), "packet-loss");
    }

    #[test]
    fn gaps_in_what_the_gateway_beside_the_tap_sends_are_those_of_the_capture() {
        let beside = |ttl: u8| {
            format!(
                "1 A > B ESP 0xb1 seq 1..20,22..70,72,74..100 every 0.1 size 136
                 1 B > A ESP 0xa1 seq 1..20,22..40,43..100 every 0.1 size 136 ttl={ttl}"
            )
        };
        silent(&beside(57), "packet-loss");
        fires(&beside(64), "packet-loss");
    }

    #[test]
    fn a_few_that_one_tap_lacks_may_be_lost_by_its_recording() {
        let towards = "1.02 A > B ESP 0xb1 seq 1..20,22..40 every 0.1 size 136 tap=1 ttl=63
                       5.12 A > B ESP 0xb1 seq 42..60,62..100 every 0.1 size 136 tap=1 ttl=63";
        let finding = fires(&two_taps(towards, BACK), "packet-loss");
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn one_piece_is_an_outage_and_told_for_itself() {
        let towards = "1.02 A > B ESP 0xb1 seq 1..20 every 0.1 size 136 tap=1 ttl=63
                       7.42 A > B ESP 0xb1 seq 65..100 every 0.1 size 136 tap=1 ttl=63";
        let finding = fires(&two_taps(towards, BACK), "packet-loss");
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn what_ends_for_good_is_no_outage() {
        let title = |until: u32| {
            let towards =
                format!("1.02 A > B ESP 0xb1 seq 1..{until} every 0.1 size 136 tap=1 ttl=63");
            let finding = fires(&two_taps(&towards, BACK), "packet-loss");
            finding.title.to_string()
        };
        assert!(title(40).starts_with("From one moment on"), "{}", title(40));
        // So near the end it may have been an outage that was over soon.
        assert!(title(80).ends_with("in one piece"), "{}", title(80));
    }

    #[test]
    fn a_capture_that_begins_late_has_lost_nothing() {
        silent(
            "1 A > B ESP 0xb1 seq 5000..5100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 7000..7100 every 0.1 size 136",
            "packet-loss",
        );
    }

    #[test]
    fn loss_between_two_taps_is_less_sure_if_the_far_one_dropped_some_itself() {
        let mut model = crate::testing::model(&two_taps(TOWARDS, BACK));
        let sure = |model: &crate::model::Model| {
            crate::diagnose::testing::said(&super::RULE, model)[0].confidence
        };
        assert_eq!(sure(&model), Confidence::Certain);
        model.inputs[0].dropped = Some(1);
        assert_eq!(sure(&model), Confidence::Certain, "the near one");
        model.inputs[1].dropped = Some(1);
        assert_eq!(sure(&model), Confidence::Likely);
    }
}

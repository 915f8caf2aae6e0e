//! Sequence numbers are missing.

use crate::diagnose::facts::Tap;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{AnomalyKind, EspFlow, Model, Transport, TunnelId};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "packet-loss",
    code: "ESP403",
    severity: Severity::Warning,
    summary: "ESP packets are lost before the tap",
    document: DOCUMENT,
    explains: &[
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A sender numbers its ESP packets one by one. Numbers that never come were lost between the sender and the tap.

## How it is seen
Gaps in the sequence numbers of a flow that nothing late fills. The other direction, sent from beside the tap, has none: so the capture itself is complete. ESP over TCP is left out, since TCP sends lost packets again.

## What else looks like it
A capture that drops packets shows gaps too, in both directions and at the same time. A sender may also throw packets away after it numbered them, for instance because they are too large.

## What to do
1. Look at the path from the sender: errors, rate limits, full queues. Compare the times of the gaps with the load.
2. Capture nearer to the sender, to see where the packets vanish.
";

/// Fewer missing packets than these are no finding.
const FEW: u64 = 3;

/// Less than this share, in thousandths, does not impair a tunnel.
const PER_MILLE: u64 = 3;

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let tap = Tap::of(model, tunnel);
    esp::directions(model, row)
        .iter()
        .flat_map(|directions| {
            [0, 1]
                .into_iter()
                .filter_map(|end| loss(model, tunnel, &tap, directions, end))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn loss(
    model: &Model,
    tunnel: TunnelId,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let (missing, packets) = tally(directions.flows(end));
    if !matters(missing, packets) {
        return None;
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
    let (from, to) = (row.ends.get(1 - end)?, row.ends.get(end)?);
    let (other_missing, other_packets) = tally(directions.flows(1 - end));
    let both = matters(other_missing, other_packets);
    let share = missing as f64 * 100.0 / (missing + packets) as f64;
    let bursts: u64 = directions
        .flows(end)
        .iter()
        .map(|flow| flow.sequence.bursts)
        .sum();
    let longest = directions
        .flows(end)
        .iter()
        .map(|flow| flow.sequence.longest_burst)
        .max()
        .unwrap_or(0);
    let other = match (both, other_packets) {
        (_, 0) => "The other direction is not in this capture.".to_string(),
        (true, _) => format!(
            "The other direction misses {other_missing} of {} too: the capture itself may have dropped packets.",
            other_missing + other_packets
        ),
        (false, _) => "The other direction is complete, so the capture is, too.".to_string(),
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain.lower_if(tap.dropped > 0).lower_if(both || other_packets == 0),
        tunnel,
        gap,
        format!("first gap in the numbers of {}", worst.key.spi),
    )
    .during(worst.seen.first.1, worst.seen.last.1)
    .title(format!("{share:.1} % of ESP from {from} to {to} is lost before the tap"))
    .says(format!(
        "Of {} ESP packets from {from} to {to} {missing} never came ({share:.1} %), in {bursts} gaps of at \
         most {longest}. {other}",
        missing + packets
    ))
    .or("The sender discards packets after numbering them, such as those too large for its link.")
    .advise(format!("Look at the path from {from}: errors, rate limits, queues; compare the times with the load."))
    .advise(format!("Capture at {from} to see whether the packets leave."));
    if tap.dropped > 0 {
        finding = finding.severity(Severity::Info).or(format!(
            "The capture says that it dropped {} packets itself.",
            tap.dropped
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
                format!("{skipped} missing before it"),
            );
        }
    }
    Some(finding)
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

fn matters(missing: u64, packets: u64) -> bool {
    missing >= FEW && missing.saturating_mul(1000) >= (missing + packets).saturating_mul(PER_MILLE)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    #[test]
    fn gaps_in_one_direction_are_loss() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..100 every 0.1 size 136",
            "packet-loss",
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

    #[test]
    fn a_capture_that_begins_late_has_lost_nothing() {
        silent(
            "1 A > B ESP 0xb1 seq 5000..5100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 7000..7100 every 0.1 size 136",
            "packet-loss",
        );
    }
}

//! The path was dead for a while and came back; the SAs survived.

use crate::diagnose::facts::{Tap, count, esp};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{AnomalyKind, EspFlow, Model, Silence, TunnelId};
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "path-outage",
    code: "IKE315",
    severity: Severity::Error,
    summary: "Everything sent for a while was lost",
    document: DOCUMENT,
    explains: &["packet-loss", "ike-retransmits"],
    check,
};

const DOCUMENT: &str = "\
## What it means
For a while nothing of one gateway reached the tap, although it sent: the path was dead. Then the same SAs went on.

## How it is seen
A flow falls silent for seconds and comes back on the same SPI. The sequence numbers in between are missing, so the packets were sent and lost; a sender that pauses skips no number.

## What else looks like it
A recording that stopped for a while, or lost packets itself: then both directions have the same gap. Random loss is spread out, see packet-loss.

## What to do
1. Look for what happened at that time on the way: link, routing change, failover, provider.
2. Measure the path outside the tunnel, from gateway to gateway.
";

/// Shorter ones are bursts of loss.
const SHORTEST: Span = Span::from_secs(3);

/// Fewer lost packets may be chance.
const LOST: u32 = 5;

/// An outage of one direction.
struct Outage<'m> {
    flow: &'m EspFlow,
    silence: Silence,
    lost: u32,
}

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let tap = Tap::of(model, tunnel);
    let mut outages: Vec<Outage<'_>> = Vec::new();
    for directions in esp::directions(model, row) {
        for end in [0, 1] {
            let against = directions.flows(1 - end).to_vec();
            for flow in directions.flows(end).to_vec() {
                outages.extend(of(flow).filter(|outage| !is_blind(outage, &against)));
            }
        }
    }
    outages.sort_by_key(|outage| std::cmp::Reverse(outage.silence.length));
    let Some(worst) = outages.first() else {
        return Vec::new();
    };
    let from = worst.flow.paths.first().map(|path| path.from.address);
    let from = from.map_or_else(|| "a gateway".to_string(), |address| address.to_string());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(tap.dropped > 0),
        tunnel,
        worst.silence.after,
        format!("{} is back, {} missing", worst.flow.key.spi, count(worst.lost.into(), "number")),
    )
    .also(worst.silence.before, "last packet before the silence")
    .title(format!("Nothing from {from} arrived for {}", worst.silence.length))
    .says(format!(
        "From {from} nothing came on {} for {}; {} sent in that time and lost.",
        worst.flow.key.spi,
        worst.silence.length,
        match worst.lost {
            1 => "1 packet was".to_string(),
            n => format!("{n} packets were"),
        }
    ))
    .or("The recording itself was interrupted.")
    .advise("Look for link, routing or provider events at that time.")
    .advise("Measure the path from gateway to gateway outside the tunnel.");
    for outage in outages.iter().skip(1) {
        finding = finding.also(
            outage.silence.after,
            format!("{} is back after {}", outage.flow.key.spi, outage.silence.length),
        );
    }
    vec![finding]
}

/// The silences of a flow in which packets were sent and lost.
fn of(flow: &EspFlow) -> impl Iterator<Item = Outage<'_>> {
    flow.silences
        .iter()
        .filter(|silence| silence.length >= SHORTEST)
        .filter_map(|silence| {
            flow.anomalies.iter().find_map(|anomaly| match anomaly.kind {
                AnomalyKind::Gap(lost)
                    if anomaly.frame == silence.after.0 && lost >= LOST && !outlier(flow, lost) =>
                {
                    Some(Outage {
                        flow,
                        silence: *silence,
                        lost,
                    })
                }
                _ => None,
            })
        })
}

/// Whether so many numbers cannot have been sent in that time: the counter jumped, as it does when
/// a gateway fails over to its twin.
fn outlier(flow: &EspFlow, lost: u32) -> bool {
    u64::from(lost) > flow.packets.saturating_mul(10).saturating_add(1000)
}

/// Whether the recording itself may have stopped: the other direction has the same gap.
fn is_blind(outage: &Outage<'_>, against: &[&EspFlow]) -> bool {
    against.iter().flat_map(|flow| of(flow)).any(|other| {
        let starts = other.silence.before.1.since(outage.silence.before.1);
        let ends = other.silence.after.1.since(outage.silence.after.1);
        starts.0.abs() < Span::from_secs(1).0 && ends.0.abs() < Span::from_secs(1).0
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    #[test]
    fn numbers_lost_in_a_silence_are_an_outage() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..200 every 0.2
             1 B > A ESP 0xa1 seq 1..50 every 0.2
             21 B > A ESP 0xa1 seq 101..200 every 0.2",
            "path-outage",
        );
    }

    #[test]
    fn a_pause_of_the_sender_is_none() {
        silent(
            "1 A > B ESP 0xb1 seq 1..200 every 0.2
             1 B > A ESP 0xa1 seq 1..50 every 0.2
             21 B > A ESP 0xa1 seq 51..200 every 0.2",
            "path-outage",
        );
    }

    #[test]
    fn a_gap_of_both_directions_may_be_the_recording() {
        silent(
            "1 A > B ESP 0xb1 seq 1..50 every 0.2
             21 A > B ESP 0xb1 seq 151..200 every 0.2
             1 B > A ESP 0xa1 seq 1..50 every 0.2
             21 B > A ESP 0xa1 seq 151..200 every 0.2",
            "path-outage",
        );
    }
}

//! One SA carries all traffic at a rate that does not grow.

use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{EspFlow, Timeline, TunnelId};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "one-sa-plateau",
    code: "INF537",
    severity: Severity::Info,
    summary: "One SA carries nearly everything at a steady high rate",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
Most gateways encrypt an SA on one CPU core, for its sequence numbers are counted in one place, and routers send it by one link, for they see one pair of addresses. So one SA is as fast as one core and one link, however many there are.

## How it is seen
One SA carries nearly all octets of a direction, at many thousand packets a second, and that rate stays the same for long, while no sequence number is missing before the tap: the sender gives no more.

## What else looks like it
A sender that is limited to that rate by itself: an application, a shaper, the link before the gateway.

## What to do
1. Look at the load of each CPU core of the sending gateway during such a time: one at 100 % proves it.
2. Divide the traffic over several child SAs: narrower selectors, or one SA for each CPU (RFC 9611).
3. With several links, encapsulate in UDP, so that routers have ports to divide it by.
";

/// Fewer packets a second are no burden for one core.
const FAST: u64 = 20_000;

/// A plateau has so many steps of the timeline at least.
const STEPS: usize = 20;

/// Nearly all, in percent.
const NEARLY: u64 = 95;

/// How far, in percent, a step may lie from the middle one, and how many in a hundred must lie nearer.
const FLAT: u64 = 5;
const MOST: usize = 90;

fn check(case: &Case<'_>) -> Vec<Finding> {
    for directions in case.directions() {
        for end in [0, 1] {
            let flows = directions.flows(end);
            let all: u64 = flows.iter().map(|flow| flow.bytes).sum();
            let Some(flow) = flows.iter().copied().max_by_key(|flow| flow.bytes) else {
                continue;
            };
            let nearly_all = flow.bytes.saturating_mul(100) >= all.saturating_mul(NEARLY);
            let whole = flow.sequence.missing.saturating_mul(1000) <= flow.packets;
            if let Some(rate) = plateau(&flow.timeline).filter(|_| nearly_all && whole) {
                return vec![finding(case.id, flow, rate, all)];
            }
        }
    }
    Vec::new()
}

/// Packets a second, if there are many and nearly every second has as many.
fn plateau(timeline: &Timeline) -> Option<u64> {
    // The first step and the last are begun and broken off somewhere.
    let inner = timeline.counts.len().checked_sub(2)?;
    let mut counts: Vec<u64> = timeline
        .counts
        .iter()
        .skip(1)
        .take(inner)
        .map(|count| u64::from(*count))
        .collect();
    counts.sort_unstable();
    let middle = *counts.get(counts.len() / 2)?;
    let rate = middle / u64::from(timeline.step_secs.max(1));
    let flat = counts
        .iter()
        .filter(|count| count.abs_diff(middle).saturating_mul(100) <= middle.saturating_mul(FLAT))
        .count();
    let is_plateau = counts.len() >= STEPS && flat * 100 >= counts.len() * MOST;
    (is_plateau && rate >= FAST).then_some(rate)
}

fn finding(tunnel: TunnelId, flow: &EspFlow, rate: u64, all: u64) -> Finding {
    let share = flow.bytes as f64 * 100.0 / all.max(1) as f64;
    let share = Text::verbatim(format_args!("{share:.0}"));
    Finding::new(
        &RULE,
        Confidence::Possible,
        tunnel,
        flow.seen.first,
        say!(
            "{spi} carries {share} % of its direction",
            spi = flow.key.spi,
            share = &share
        ),
    )
    .during(flow.seen.first.1, flow.seen.last.1)
    .says(say!(
        "{spi} carries {share} % of the octets to {to}, at {rate} packets a second nearly all the time, and no \
         sequence numbers are missing: the sender gives no more. One CPU core and one path serve one SA.",
        spi = flow.key.spi,
        share,
        to = flow.key.to,
        rate
    ))
    .or("An application, a shaper or the link before the gateway sets that rate.")
    .advise("Look at the load of each CPU core of the sending gateway: one at 100 % proves it.")
    .advise("Divide the traffic over several child SAs (RFC 9611), or encapsulate in UDP for several links.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::testing::said;

    fn timeline(counts: Vec<u32>) -> Timeline {
        Timeline {
            step_secs: 1,
            counts,
            lost: Vec::new(),
        }
    }

    #[test]
    fn a_high_rate_that_stays_is_a_plateau() {
        assert_eq!(plateau(&timeline(vec![50_000; 40])), Some(50_000));
    }

    #[test]
    fn a_low_a_short_and_an_uneven_one_are_none() {
        assert_eq!(plateau(&timeline(vec![900; 40])), None);
        assert_eq!(plateau(&timeline(vec![50_000; 12])), None);
        let uneven = (0..40).map(|n| 40_000 + n % 4 * 9_000).collect();
        assert_eq!(plateau(&timeline(uneven)), None);
        assert_eq!(plateau(&Timeline::default()), None);
    }

    #[test]
    fn one_sa_at_a_plateau_is_told_and_two_are_not() {
        let both = "0 A > B ESP 0xb1 seq 1..50 every 1 size 1400
                    0 A > B ESP 0xb2 seq 1..50 every 1 size 1400";
        let one = "0 A > B ESP 0xb1 seq 1..50 every 1 size 1400";
        for (text, findings) in [(one, 1), (both, 0)] {
            let mut model = crate::testing::model(text);
            for flow in model.flows.iter_mut() {
                flow.timeline = timeline(vec![50_000; 40]);
            }
            let found = said(&RULE, &model);
            assert_eq!(found.len(), findings);
        }
    }
}

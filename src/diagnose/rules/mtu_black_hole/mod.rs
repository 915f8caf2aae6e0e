//! Large packets vanish, small ones pass, and nobody says why.

mod amid;
mod band;
mod between_taps;
mod fragmented;
mod inside;
mod never_came;
mod sent_again;
mod sizes;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::Located;
use crate::diagnose::facts::esp::Directions;
use crate::diagnose::{Case, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{EspFlow, Rhythm};
use crate::say;
use band::band_between_taps;
use between_taps::between_taps;
use fragmented::{swallowed, unanswered, while_cut};
use inside::by_inner_size;
use never_came::never_came;
use sent_again::sent_again;
use std::collections::BTreeMap;
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
One gateway sends ESP in IP fragments, repeatedly, and small packets of both directions pass. From the other side no packet of that size ever comes, whole or in fragments, and its sequence numbers miss exactly such packets; or fragments arrive of which the rest never does. Or fragmented packets of one size after another are sent again and again while nothing comes back, and small packets before, between and after have their answers. Or many numbers of one direction are missing and nothing large ever came of it, while small packets that come steadily, such as answers to pings, have no hole. Or large packets of one size leave at gaps that double, as TCP sends again what is not acknowledged (RFC 6298), no more of them than connections send that stand still, and what comes back meanwhile answers the smaller ones: a suspicion, from the sender's side alone, and for information where no more than one or two of them came at once before. An SA of no more than eight packets is not timed. With two taps: one records large packets of an SA that the other never sees, while the smaller ones of the same SA pass both. With the keys of ESP: inside, segments and echo requests above some size are sent again and never acknowledged or answered, while all below are, or connections open and their first large segment is never acknowledged, of all hosts or of one, while others there get as large ones; and of what never came each ping is known to have had its reply. That may begin amid a capture, in which as large ones passed before, and end again: then what is small passes meanwhile to the very same host. Or, with two taps or with keys, packets of a band of sizes are lost again and again, smaller ones pass, and so do larger ones, which are cut up before they are sealed: then the limit lies between what fits before it is sealed and what fits after.

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
        .or_else(|| band_between_taps(case))
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

fn try_sizes(from: IpAddr) -> Text {
    say!(
        "From behind {from}, send pings of several sizes that forbid fragmentation: set the inner MTU to the largest \
         that is answered, or clamp the TCP MSS to 40 octets less.",
        from
    )
}

/// What to ask where large packets passed until some moment.
fn what_changed() -> Text {
    "Find out what changed on the path at that time: a failover to another link, a new tunnel on the way, or the MTU of a \
     link."
    .into()
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

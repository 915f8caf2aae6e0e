//! One side uses an SA that the other does not have.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::{clear, count, end_of, esp};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{EspFlow, Model, TunnelId};
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "unknown-spi",
    code: "IKE311",
    severity: Severity::Error,
    summary: "One side uses an SA that the other does not have",
    document: DOCUMENT,
    explains: &["esp-one-way"],
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers disagree about which SAs exist: one sends on an SPI that the other has deleted, forgotten or never had. Its packets are dropped.

## How it is seen
INVALID_SPI or INVALID_IKE_SPI (IKEv1: INVALID-SPI or INVALID-COOKIE) in clear. Or the host answers ESP by ICMP protocol unreachable although ESP had come from it. Or one side has moved on to a new pair of SPIs while the other sends on the old one only.

## What else looks like it
Anyone can send these notifications: they are not authenticated. A short overlap of old and new SPI is part of every rekeying.

## What to do
1. Read the log of the side that does not know the SPI: restart, deletion, failover.
2. Delete the SA on the side that still uses it; enable dead peer detection, so that this happens by itself.
";

/// INVALID_IKE_SPI and INVALID_SPI (RFC 7296 section 3.10.1); IKEv1 INVALID-COOKIE and INVALID-SPI
/// have the same numbers (RFC 2408 section 3.14.1).
const KINDS: [u16; 2] = [4, 11];

/// How long an old SA may be used on after its successor came: in-flight packets, delayed deletion.
const DRAIN: Span = Span::from_secs(30);

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    said(model, tunnel)
        .or_else(|| refused(model, tunnel))
        .or_else(|| stale(model, tunnel))
        .map(|finding| {
            finding
                .advise("Read the log of the side that does not know the SPI.")
                .advise("Delete the SA on the side that still uses it, and enable dead peer detection there.")
        })
        .into_iter()
        .collect()
}

/// The peer says so in clear.
fn said(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let mut notices = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .flat_map(|id| clear::notices(model, &model.ike_sas[*id]))
        .filter(|notice| KINDS.contains(&notice.kind));
    let first = notices.next()?;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        first.at,
        format!("{} in clear from {}", first.name(), first.from),
    )
    .title(format!("{} does not know an SA that its peer uses", first.from));
    let mut number = 1;
    for notice in notices {
        finding = finding.also(notice.at, format!("{} again", notice.name()));
        number += 1;
    }
    Some(
        finding
            .says(format!(
                "{} sent {} in clear, {}: it received packets of an SA that it does not have.",
                first.from,
                first.name(),
                if number == 1 { "once".to_string() } else { format!("{number} times") }
            ))
            .or("A forged notification: it is not authenticated."),
    )
}

/// The peer's host says that it does not know ESP, although it did.
fn refused(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let seen = icmp::about(model, tunnel).find(|seen| {
        let from = end_of(row, seen.path.from.address);
        icmp::meaning(&seen.error) == Meaning::ProtocolUnreachable
            && from.is_some()
            && from == end_of(row, seen.error.quoted.to.address)
            && row.flows.iter().any(|id| {
                let flow = &model.flows[*id];
                esp::destination(row, flow).map(|end| 1 - end) == from
                    && flow.seen.first.1 < seen.time
            })
    })?;
    let host = seen.path.from.address;
    Some(
        Finding::new(
            &RULE,
            Confidence::Likely,
            tunnel,
            (seen.frame, seen.time),
            format!("{} from {host}", icmp::name(&seen.error)),
        )
        .during(seen.time, seen.last)
        .title(format!("{host} no longer takes ESP"))
        .says(format!(
            "ESP had come from {host}; then its host answered ESP by ICMP protocol unreachable, {}: \
             it has no SA any more.",
            if seen.count == 1 { "once".to_string() } else { format!("{} times", seen.count) }
        )),
    )
}

/// One side has moved on, the other still sends on the old SPI and never on the new one.
fn stale(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    esp::directions(model, row).iter().find_map(|directions| {
        [0, 1].into_iter().find_map(|end| {
            // Towards `end` the old SA alone is used; from it the new one alone.
            let [old] = directions.flows(end) else {
                return None;
            };
            let mut back: Vec<&EspFlow> = directions.flows(1 - end).to_vec();
            back.sort_by_key(|flow| flow.seen.first.1);
            let [before, new] = back.as_slice() else {
                return None;
            };
            let began = new.seen.first.1;
            let moved = before.seen.last.1.since(began) <= Span::from_secs(1)
                && old.seen.first.1 < began
                && before.seen.first.1.since(old.seen.first.1) <= Span::from_secs(10);
            let on = old.seen.last.1.since(began) > DRAIN
                && new.seen.last.1.since(began) > DRAIN
                && esp::packets_since(old, began) >= 10
                && new.packets >= 10;
            let who = row.ends.get(end)?;
            (moved && on).then(|| {
                Finding::new(
                    &RULE,
                    Confidence::Possible,
                    tunnel,
                    old.seen.last,
                    format!("still on {}", old.key.spi),
                )
                .also(new.seen.first, format!("{who} moved on to {}", new.key.spi))
                .title(format!("{who} has a new SA, its peer sends on the old one"))
                .says(format!(
                    "{who} changed from SPI {} to {}; its peer went on with {} for {} and never used \
                     a new SPI ({} since).",
                    before.key.spi,
                    new.key.spi,
                    old.key.spi,
                    old.seen.last.1.since(began),
                    count(esp::packets_since(old, began), "packet")
                ))
                .or("The old SA was made anew in one direction only, and both are valid.")
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn a_peer_that_says_invalid_spi_is_believed() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..9
             2 B:500 > A:500 INFORMATIONAL i=7 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "unknown-spi",
        );
    }

    #[test]
    fn a_host_that_sent_esp_and_then_knows_no_esp_lost_its_sas() {
        fires(
            "1 A > B ESP 0xb1 seq 1..40 every 0.5
             1 B > A ESP 0xa1 seq 1..9 every 0.5
             10 B > A ICMP 3/2 quoting A > B ESP 0xb1 count 4",
            "unknown-spi",
        );
    }

    #[test]
    fn one_side_stays_on_the_old_spi() {
        fires(
            "1 A > B ESP 0xb1 seq 1..100
             1 B > A ESP 0xa1 seq 1..20
             2 A > B ESP 0xb1 seq 101..200 every 1
             2 B > A ESP 0xa2 seq 1..100 every 1",
            "unknown-spi",
        );
    }

    #[test]
    fn a_rekeying_with_a_short_overlap_is_normal() {
        silent(
            "1 A > B ESP 0xb1 seq 1..100
             1 B > A ESP 0xa1 seq 1..20
             2 A > B ESP 0xb1 seq 101..110 every 1
             12 A > B ESP 0xb2 seq 1..90 every 1
             2 B > A ESP 0xa2 seq 1..100 every 1",
            "unknown-spi",
        );
    }
}

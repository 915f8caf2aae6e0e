//! SAs end after a volume, not after a time.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{first as first_of, rekey};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::EspFlow;
use crate::say;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "volume-rekey",
    code: "INF507",
    severity: Severity::Info,
    summary: "SAs are renewed after a volume, not after a time",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway limits the octets (or packets) of an SA and rekeys when they are used up. IKEv2 does not negotiate it; the other side may not know. It is normal, unless rekeying is too slow for the rate.

## How it is seen
One direction's SAs end after nearly the same number of octets, while their lives differ in time. Who asks for the rekeying has the limit, or is asked for it by IKEv1: quick mode names a lifetime in kilobytes, which keys of IKE show.

## What else looks like it
Steady traffic with a limit in time gives constant volume too; therefore the times must differ.

## What to do
1. If traffic stalls at each rekeying (see rekey-gap) or the SA ends there, raise the volume on the side that rekeys, or set it to 0, which often means unlimited.
";

/// So many ended SAs make a series.
const SERIES: usize = 3;

/// Volumes that differ by no more than this part are the same.
const ALIKE: f64 = 0.05;

/// A limit is met but for a packet: of fewer packets than these the volumes say little, unless the SAs are
/// known to be rekeyed.
const PLENTY: u64 = (1.0 / ALIKE) as u64;

fn check(case: &Case<'_>) -> Vec<Finding> {
    for directions in case.directions() {
        for end in [0, 1] {
            let flows = directions.flows(end);
            // The last one has not ended by itself, the first may have begun before the capture.
            let ended: Vec<&EspFlow> = flows
                .split_last()
                .map_or(Vec::new(), |(_, ended)| ended.to_vec())
                .into_iter()
                .filter(|flow| flow.sequence.first <= 1)
                .collect();
            let (Some(first), Some(last)) = (ended.first(), ended.last()) else {
                continue;
            };
            let bytes: Vec<f64> = ended.iter().map(|flow| flow.bytes as f64).collect();
            let lives: Vec<f64> = ended
                .iter()
                .map(|flow| flow.seen.last.1.since(flow.seen.first.1).as_secs_f64())
                .collect();
            let (Some(spread), Some(spread_of_lives)) = (variation(&bytes), variation(&lives))
            else {
                continue;
            };
            let plenty = ended.iter().all(|flow| flow.packets >= PLENTY);
            let limited = || plenty || rekey::made(case).count() >= ended.len();
            let alike = spread <= ALIKE && spread_of_lives >= 0.15;
            if ended.len() < SERIES || !alike || !limited() {
                continue;
            }
            let mean = bytes.iter().sum::<f64>() / bytes.len() as f64;
            let octets = Text::verbatim(format_args!("{mean:.0}"));
            let asker = asker(case);
            let limit = kilobytes(case);
            return vec![
                Finding::new(&RULE, Confidence::Likely, case.id, last.seen.last, "the last packet of an SA")
                    .also(first.seen.last, "the last packet of the first")
                    .says(
                        say!(
                            "{ended} SAs ended after {octets} octets each, give or take {spread} %, while their lives \
                             differ by {lives} %.",
                            ended = ended.len(),
                            octets = &octets,
                            spread = Text::verbatim(format_args!("{:.1}", spread * 100.0)),
                            lives = Text::verbatim(format_args!("{:.0}", spread_of_lives * 100.0))
                        )
                        .then(asker.map(|asker| say!("{asker} asks for every rekeying.", asker)))
                        .then(limit.map(|limit| {
                            say!("A lifetime of {limit} kilobytes was agreed.", limit)
                        })),
                    )
                    .or("The SAs end after a number of packets, whose sizes are alike.")
                    .advise(match asker {
                        Some(asker) => say!(
                            "If traffic stalls or breaks at each rekeying, raise the volume on {asker}, or remove the \
                             limit. It is set to less than {octets} octets, which are those outside.",
                            octets,
                            asker
                        ),
                        None => say!(
                            "If traffic stalls or breaks at each rekeying, raise the volume, or remove the limit. It \
                             is set to less than {octets} octets, which are those outside.",
                            octets
                        ),
                    })
                    .advise_all(asker.and_then(|asker| {
                        vendor_advice::of(case, asker, Topic::ChildLifetime)
                    })),
            ];
        }
    }
    Vec::new()
}

/// Who asked for all child SAs that were made after the first, if it was one side.
fn asker(case: &Case<'_>) -> Option<IpAddr> {
    let mut askers = rekey::made(case).filter_map(|exchange| {
        Some(
            first_of(case.model, exchange.request()?)?
                .path
                .from()
                .address,
        )
    });
    let one = askers.next()?;
    askers.all(|other| other == one).then_some(one)
}

/// The lifetime in kilobytes that IKEv1 agreed on, if it was opened.
fn kilobytes(case: &Case<'_>) -> Option<u64> {
    let made = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &case.model.ike_sas[*id].child_sas);
    made.filter_map(|id| case.model.child_sas[*id].terms.as_ref())
        .find_map(|terms| terms.lifetime_kilobytes)
}

/// Standard deviation in terms of the mean; `None` without a mean.
fn variation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.is_empty() || mean <= 0.0 {
        return None;
    }
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n;
    Some(variance.sqrt() / mean)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn the_same_volume_at_different_speeds() {
        fires(
            "0 A > B ESP 0xb1 seq 1..100 every 0.1 size 1000
             10 A > B ESP 0xb2 seq 1..100 every 0.2 size 1000
             30 A > B ESP 0xb3 seq 1..101 every 0.05 size 1000
             35.1 A > B ESP 0xb4 seq 1..10 every 0.1 size 1000
             0 B > A ESP 0xa1 seq 1..300 every 0.1 size 100",
            "volume-rekey",
        );
    }

    #[test]
    fn a_handful_of_packets_each_is_no_volume() {
        silent(
            "0 A > B ESP 0xb1 seq 1..2 every 1 size 100
             10 A > B ESP 0xb2 seq 1..2 every 3 size 100
             30 A > B ESP 0xb3 seq 1..2 every 2 size 100
             40 A > B ESP 0xb4 seq 1..2 every 1 size 100",
            "volume-rekey",
        );
    }

    #[test]
    fn the_same_time_at_different_speeds() {
        silent(
            "0 A > B ESP 0xb1 seq 1..100 every 0.1 size 1000
             10 A > B ESP 0xb2 seq 1..50 every 0.2 size 1000
             20 A > B ESP 0xb3 seq 1..200 every 0.05 size 1000
             30 A > B ESP 0xb4 seq 1..10 every 0.1 size 1000
             0 B > A ESP 0xa1 seq 1..300 every 0.1 size 100",
            "volume-rekey",
        );
    }
}

//! A flow used up its sequence numbers.

use crate::diagnose::facts::tap;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{EspFlow, Model, TunnelId};
use crate::say;
use crate::units::Span;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "sequence-exhausted",
    code: "ESP452",
    severity: Severity::Error,
    summary: "An SA used up its sequence numbers and stopped",
    document: DOCUMENT,
    explains: &[
        "esp-one-way",
        "tunnel-flapping",
        "esp-replay",
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
Without extended sequence numbers an SA ends after 2^32 packets: the counter must not cycle (RFC 4303 section 3.3.3). The SA was not rekeyed in time, so its sender fell silent.

## How it is seen
The last packet of a flow bears a sequence number just below 2^32. The recording goes on, and no other SA takes over in that direction within seconds.

## What else looks like it
With extended sequence numbers the number on the wire begins again at zero and the flow goes on: that is normal and left out. So is a single packet whose number leaps ahead of all others, astray or forged. A rekeying just in time is normal too.

## What to do
1. Rekey sooner: set a lifetime in packets or bytes, or a shorter one in time.
2. Use extended sequence numbers (ESN) on both sides.
";

/// The last numbers: senders that stop early keep some in reserve.
const LAST: u32 = u32::MAX - 0xffff;

/// A new SA follows within this time, or the recording ends.
const PATIENCE: Span = Span::from_secs(5);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Two taps tell the same twice.
    let mut told = BTreeSet::new();
    for directions in case.directions() {
        for end in [0, 1] {
            let flows = directions.flows(end);
            let mut exhausted = flows.iter();
            let exhausted = exhausted.find(|flow| is_exhausted(case.model, flow, flows));
            let new = exhausted.filter(|flow| told.insert((end, flow.key.spi)));
            findings.extend(new.map(|flow| finding(case.id, flow)));
        }
    }
    findings
}

/// Whether the flow ended at its last numbers and no other of its direction goes on then.
fn is_exhausted(model: &Model, flow: &EspFlow, flows: &[&EspFlow]) -> bool {
    let last = flow.seen.last.1;
    flow.sequence.highest >= LAST
        && is_counted_up(flow)
        && !is_extended(model, flow)
        && tap::went_on(model, flow.key.vantage, last, PATIENCE)
        && flows.iter().all(|other| {
            let later = other.seen.first.1.since(last) > PATIENCE;
            other.key == flow.key || other.seen.last.1 <= last || later
        })
}

/// Whether the counter came to its highest number step by step: a stray or forged packet leaps, and
/// leaves more numbers missing than there are packets. Where numbers lie half their range behind the
/// highest, the counter began again, as extended ones do.
fn is_counted_up(flow: &EspFlow) -> bool {
    flow.sequence.missing <= flow.packets && flow.sequence.deepest < u32::MAX / 2
}

/// Whether its sequence numbers are known to be extended: then they go on beyond 2^32.
fn is_extended(model: &Model, flow: &EspFlow) -> bool {
    let child = flow.child_sa.child_sa().map(|id| &model.child_sas[id]);
    let terms = child.and_then(|child| child.terms.as_ref());
    terms.and_then(|terms| terms.suite.as_ref()?.esn) == Some(true)
}

fn finding(tunnel: TunnelId, flow: &EspFlow) -> Finding {
    let (spi, number) = (flow.key.spi, flow.sequence.highest);
    Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        flow.seen.last,
        say!(
            "number {number} of at most {most}, then silence",
            number,
            most = u32::MAX
        ),
    )
    .title(say!("{spi} used up its sequence numbers", spi))
    .says(say!(
        "The last packet of {spi} bears sequence number {number}; the counter must not pass {most}, and no other SA \
         took over at once.",
        spi,
        number,
        most = u32::MAX
    ))
    .or("The sender had no more to send, by chance.")
    .advise("Rekey sooner: set a lifetime in packets or bytes.")
    .advise("Use extended sequence numbers (ESN) on both sides.")
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const BACK: &str = "1 B > A ESP 0xa1 seq 1..60 every 1";

    #[test]
    fn a_flow_that_ends_at_its_last_number_is_exhausted() {
        verdict(
            &format!("{BACK}\n1 A > B ESP 0xb1 seq 4294967200..4294967295 every 0.1"),
            "sequence-exhausted",
        );
    }

    #[test]
    fn an_sa_that_comes_too_late_and_a_second_tap_change_nothing() {
        use crate::diagnose::testing::findings;
        let text = format!("{BACK}\n1 A > B ESP 0xb1 seq 4294967200..4294967295 every 0.1");
        let late = format!("{text}\n30 A > B ESP 0xb2 seq 1..60 every 0.5");
        verdict(&late, "sequence-exhausted");
        let there = text.replace("0.1", "0.1 tap=1");
        let found = findings(&format!("{text}\n{there}"));
        let told = found
            .iter()
            .filter(|one| one.rule.slug == "sequence-exhausted");
        assert_eq!(told.count(), 1, "{found:#?}");
    }

    #[test]
    fn a_forged_number_exhausts_nothing() {
        silent(
            &format!("{BACK}\n1 A > B ESP 0xb1 seq 1..100,4294967290 every 0.1"),
            "sequence-exhausted",
        );
    }

    #[test]
    fn extended_numbers_that_begin_again_under_loss_go_on() {
        silent(
            &format!(
                "{BACK}\n1 A > B ESP 0xb1 seq 4294967200..4294967293,3,4294967295,7 every 0.1"
            ),
            "sequence-exhausted",
        );
    }

    #[test]
    fn a_successor_in_time_is_normal() {
        silent(
            &format!(
                "{BACK}\n1 A > B ESP 0xb1 seq 4294967200..4294967295 every 0.1
                 11 A > B ESP 0xb2 seq 1..50 every 1"
            ),
            "sequence-exhausted",
        );
    }
}

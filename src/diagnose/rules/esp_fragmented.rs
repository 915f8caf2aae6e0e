//! ESP travels in IP fragments, whole so far.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{clear, overhead};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-fragmented",
    code: "ESP409",
    severity: Severity::Info,
    summary: "ESP travels in IP fragments",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::FRAGMENTED,
    check,
};

const DOCUMENT: &str = "\
## What it means
Inner packets are so large that ESP around them exceeds an MTU, and the gateway cuts the result. It works, at the price of twice the packets and of trouble wherever fragments are dropped.

## How it is seen
ESP packets that came in IP fragments and were put together.

## What else looks like it
Fragmentation before encryption shows as pairs of ESP packets, one large and one small, and not as fragments.

## What to do
1. Lower the inner MTU or clamp the TCP MSS to the values printed.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    for directions in case.directions() {
        let flows = || directions.all();
        let fragmented: u64 = flows().map(|flow| flow.fragmented).sum();
        let Some(worst) = flows()
            .filter(|flow| flow.fragmented > 0)
            .max_by_key(|flow| flow.fragmented)
        else {
            continue;
        };
        let all: u64 = flows().map(|flow| flow.packets).sum();
        let trains = || {
            clear::fragments(case)
                .filter(|train| train.vantage == directions.vantage && train.complete > 0)
                .filter(|train| train.to == worst.key.to)
        };
        let limit = trains().map(|train| train.largest).max();
        let first = trains()
            .map(|train| train.first)
            .min_by_key(|(_, time)| *time);
        let finding = Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            first.unwrap_or(worst.seen.first),
            say!(
                "{fragmented} of its flow came in fragments",
                fragmented = worst.fragmented
            ),
        )
        .during(worst.seen.first.1, worst.seen.last.1);
        let finding = match limit {
            Some(limit) => {
                let (inner, mss) = overhead::safe(flows(), limit, worst.key.to.is_ipv6());
                finding
                    .says(say!(
                        "{fragmented} of {all} ESP packets came in IP fragments of at most {limit} \
                         octets.",
                        fragmented,
                        all,
                        limit
                    ))
                    .advise(say!(
                        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no \
                         fragments arise.",
                        inner,
                        mss
                    ))
            }
            None => finding
                .says(say!(
                    "{fragmented} of {all} ESP packets came in IP fragments.",
                    fragmented,
                    all
                ))
                .advise("Lower the inner MTU or clamp the TCP MSS, so that no fragments arise."),
        };
        return vec![finding.advise_all(vendor_advice::of_both(case, Topic::Mtu))];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::said;

    #[test]
    fn fragments_that_arrive_are_told_and_whole_packets_are_not() {
        let mut model = crate::testing::model("1 A > B ESP 0xb1 seq 1..40 every 0.3 size 1432");
        let found = |model: &_| said(&super::RULE, model).len();
        assert_eq!(found(&model), 0);
        for flow in model.flows.iter_mut() {
            flow.fragmented = 2;
        }
        let findings = said(&super::RULE, &model);
        let [finding] = findings.as_slice() else {
            panic!("{findings:#?}");
        };
        // Nothing tells how large the fragments are.
        assert!(!finding.says.to_string().contains("at most"));
    }
}

//! Both sides set up the tunnel at the same moment, and both succeed.

use crate::diagnose::facts::end_of;
use crate::diagnose::facts::life::Birth;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::say;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "crossed-initiation",
    code: "INF531",
    severity: Severity::Info,
    summary: "Both sides set up the tunnel at the same moment",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::SEVERAL,
    check,
};

const DOCUMENT: &str = "\
## What it means
Both gateways begin when the tunnel is missing. If they do so at once, there are two IKE SAs and two child SAs for the same traffic. Most get along; some delete the wrong one, or send on the one that the other deletes.

## How it is seen
Two IKE SAs with opposite initiators, each begun before the other was up, and both came up.

## What else looks like it
Nothing.

## What to do
1. If traffic stops after it, let one side only respond.
";

/// Crossed attempts are up within so long of each other.
const TOGETHER: Span = Span::from_secs(10);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let births = case.births();
    let crossed = births.windows(2).find_map(|pair| {
        let [one, two] = pair else { return None };
        let opposite = end_of(case.tunnel, one.initiator) != end_of(case.tunnel, two.initiator);
        (opposite && cross(one, two)).then_some((one, two))
    });
    let Some((one, two)) = crossed else {
        return Vec::new();
    };
    vec![
        Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            two.asked,
            say!("{end} begins", end = two.initiator),
        )
        .also(one.asked, say!("{end} begins", end = one.initiator))
        .also(two.up, "the second is up")
        .says(say!(
            "{one} and {other} each set up an IKE SA, {apart} apart, and both came up.",
            one = one.initiator,
            other = two.initiator,
            apart = two.asked.1.since(one.asked.1)
        ))
        .advise("If traffic stops after it, let one side only respond."),
    ]
}

fn cross(one: &Birth, two: &Birth) -> bool {
    two.asked.1 >= one.asked.1
        && two.asked.1 < one.up.1
        && two.up.1.since(one.up.1) <= TOGETHER
        && one.up.1.since(two.up.1) <= TOGETHER
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    fn up(at: f64, from: char, to: char, spi: u32) -> String {
        let s = [0.0, 0.1, 0.2, 0.3].map(|step| at + step);
        format!(
            "{} {from}:500 > {to}:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {} {to}:500 > {from}:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {} {from}:500 > {to}:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256
             {} {to}:500 > {from}:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240\n",
            s[0], s[1], s[2], s[3]
        )
    }

    #[test]
    fn two_beginnings_that_cross() {
        fires(
            &(up(0.0, 'A', 'B', 1) + &up(0.05, 'B', 'A', 3)),
            "crossed-initiation",
        );
    }

    #[test]
    fn one_after_the_other_or_twice_from_one_side() {
        silent(
            &(up(0.0, 'A', 'B', 1) + &up(5.0, 'B', 'A', 3)),
            "crossed-initiation",
        );
        silent(
            &(up(0.0, 'A', 'B', 1) + &up(0.05, 'A', 'B', 3)),
            "crossed-initiation",
        );
    }
}

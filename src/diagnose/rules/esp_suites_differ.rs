//! The packets of the two directions of a child SA have sizes of different suites.

use crate::diagnose::facts::esp;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, one_of};
use crate::model::{ChildSa, EspFlow, Family, Inferred, Model, Overhead};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-suites-differ",
    code: "ESP436",
    severity: Severity::Info,
    summary: "The two directions of a child SA seem to use different algorithms",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
Both directions of a child SA use the algorithms that were negotiated. If the sizes of their packets cannot come from one suite, the gateways took different ones, and each throws away what the other sends. The usual case is HMAC-SHA2-256 cut to 96 bits, as an old draft and old Linux kernels have it, instead of 128 (RFC 4868).

## How it is seen
Packet sizes of a cipher with blocks leave the same rest when divided by the block. With enough distinct sizes both ways, no suite in use fits both directions, though one fits each.

## What else looks like it
A sender that adds padding of its own (RFC 4303 section 2.7) on one side only.

## What to do
1. Compare encryption and integrity of ESP on both gateways, as the running SAs show them (ip xfrm state, show crypto ipsec sa).
2. With SHA2-256, see that both cut it to 128 bits; some have a switch for the old way (sha256_96, sha2-truncbug).
";

/// Distinct sizes of each direction: fewer may look like anything.
const DISTINCT: usize = 6;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let flows = case.flows();
    let children = flows.filter_map(|flow| Some((flow.child_sa.child_sa()?, flow)));
    for (child, flow) in children {
        let child = &case.model.child_sas[child];
        // Each pair once, from its first direction on.
        let Some((one, two)) = pair(case.model, child).filter(|(one, _)| one.key == flow.key)
        else {
            continue;
        };
        if let Some(finding) = differ(case, one, two) {
            return vec![finding];
        }
    }
    Vec::new()
}

/// Both flows of a child SA, as one vantage recorded them.
fn pair<'m>(model: &'m Model, child: &ChildSa) -> Option<(&'m EspFlow, &'m EspFlow)> {
    let [Some(one), Some(two)] = child.flows else {
        return None;
    };
    let (one, two) = (&model.flows[one], &model.flows[two]);
    (one.key.vantage == two.key.vantage).then_some((one, two))
}

fn differ(case: &Case<'_>, one: &EspFlow, two: &EspFlow) -> Option<Finding> {
    let [ours, theirs] = [one, two].map(telling);
    let (ours, theirs) = (ours?, theirs?);
    if ours.iter().any(|suite| theirs.contains(suite)) {
        return None;
    }
    let ends = [one, two].map(|flow| esp::destination(case.tunnel, flow));
    let [Some(first), Some(second)] = ends else {
        return None;
    };
    Some(
        Finding::new(
            &RULE,
            Confidence::Possible,
            case.id,
            one.seen.first,
            say!(
                "{spi} has {sizes} sizes",
                spi = one.key.spi,
                sizes = one.sizes.counts.len()
            ),
        )
        .also(
            two.seen.first,
            say!(
                "{spi} has {sizes} sizes",
                spi = two.key.spi,
                sizes = two.sizes.counts.len()
            ),
        )
        .during(one.seen.first.1, one.seen.last.1)
        .says(say!(
            "Towards {end} the sizes of {spi} fit {suites}; towards {other_end} those of \
             {other_spi} fit {other_suites}. No suite in use gives both.",
            end = case.tunnel.ends.get(first)?,
            spi = one.key.spi,
            suites = words(&ours),
            other_end = case.tunnel.ends.get(second)?,
            other_spi = two.key.spi,
            other_suites = words(&theirs)
        ))
        .or("One side pads its packets in a way of its own.")
        .or("The two flows do not belong to one child SA.")
        .advise(
            "Compare encryption and integrity of ESP as the running SAs of both gateways show \
             them.",
        )
        .advise("With HMAC-SHA2-256, see that both cut it to 128 bits, not to 96."),
    )
}

/// The suites that the sizes of a flow leave; `None` if they are too few to tell, or fit a cipher
/// without blocks, under which sizes follow the applications.
fn telling(flow: &EspFlow) -> Option<Vec<Overhead>> {
    if flow.sizes.counts.len() < DISTINCT {
        return None;
    }
    let inferred = Inferred::of(flow).filter(|inferred| !inferred.padded)?;
    let blocks = !inferred.families().contains(&Family::Aligned);
    let enough = blocks && !inferred.suites.is_empty();
    enough.then_some(inferred.suites)
}

/// `blocks of 16 with a checksum of 12 or blocks of 8 with a checksum of 16`.
fn words(suites: &[Overhead]) -> Text {
    one_of(suites.iter().map(|suite| {
        say!(
            "blocks of {block} with a checksum of {icv}",
            block = suite.block,
            icv = suite.icv
        )
    }))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    fn pair(forth: &str, back: &str) -> String {
        format!(
            "1 A > B ESP 0xb1 seq 1..80 every 0.1 size {forth}
             1.01 B > A ESP 0xa1 seq 1..80 every 0.1 size {back}"
        )
    }

    /// AES-CBC with 12 and with 16 octets of checksum.
    const CUT: &str = "84,100,132,148,196,260,1012";
    const WHOLE: &str = "88,104,136,152,200,264,1016";

    #[test]
    fn sizes_that_no_suite_gives_both_ways() {
        fires(&pair(CUT, WHOLE), "esp-suites-differ");
    }

    #[test]
    fn one_suite_both_ways_is_healthy() {
        silent(&pair(CUT, CUT), "esp-suites-differ");
        silent(&pair(CUT, "84,116,1108"), "esp-suites-differ");
    }

    #[test]
    fn few_sizes_tell_nothing() {
        silent(&pair(CUT, "88,104"), "esp-suites-differ");
    }

    #[test]
    fn sizes_of_aead_fit_each_other_whatever_they_are() {
        silent(
            &pair("84,88,92,100,104,140,164", "100,108,112,120,132,148,1020"),
            "esp-suites-differ",
        );
    }
}

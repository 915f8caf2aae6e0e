//! The packets of the two directions of a child SA have sizes of different suites.

use super::icv_mismatch::is_cbc_with_sha2_256;
use crate::diagnose::facts::{began, esp};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, one_of};
use crate::model::{ChildSa, EspFlow, Family, Inferred, Model, Overhead};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-suites-differ",
    code: "ESP436",
    severity: Severity::Warning,
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
Packet sizes of a cipher with blocks leave the same rest when divided by the block. With enough distinct sizes both ways, no suite in use fits both directions, though one fits each. Where IKE itself uses AES-CBC and the checksums that fit have 12 octets one way and 16 the other, it is an error. Where the two flows are not known to be of one child SA, for others begin with them or nothing shows when it was made, it is information.

## What else looks like it
A sender that adds padding of its own (RFC 4303 section 2.7) on one side only. Another algorithm with a checksum of 96 bits, such as HMAC-SHA1-96, on one side, where keys are set by hand.

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
        if let Some(finding) = differ(case, child, one, two) {
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

fn differ(case: &Case<'_>, child: &ChildSa, one: &EspFlow, two: &EspFlow) -> Option<Finding> {
    let [ours, theirs] = [one, two].map(telling);
    let (ours, theirs) = (ours?, theirs?);
    if ours.iter().any(|suite| theirs.contains(suite)) {
        return None;
    }
    let ends = [one, two].map(|flow| esp::destination(case.tunnel, flow));
    let [Some(first), Some(second)] = ends else {
        return None;
    };
    let (to, back) = (case.tunnel.ends.get(first)?, case.tunnel.ends.get(second)?);
    // The sender of a flow is the end that the other one goes to.
    let cuts = match is_cbc(case.model, child) {
        true if has_checksum(&ours, CUT) && has_checksum(&theirs, WHOLE) => Some((back, to)),
        true if has_checksum(&theirs, CUT) && has_checksum(&ours, WHOLE) => Some((to, back)),
        _ => None,
    };
    let paired = is_pair(case, child, [one, two]).unwrap_or(false);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(!paired),
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
        end = to,
        spi = one.key.spi,
        suites = words(&ours),
        other_end = back,
        other_spi = two.key.spi,
        other_suites = words(&theirs)
    ))
    .or("One side pads its packets in a way of its own.");
    if !paired {
        finding = finding
            .severity(Severity::Info)
            .or("The two flows do not belong to one child SA.");
    }
    if let Some((cuts, takes)) = cuts.filter(|_| paired) {
        finding = finding
            .severity(Severity::Error)
            .title(say!(
                "{from} seems to cut the checksum of SHA2-256 to 96 bits, and {to} to 128",
                from = cuts,
                to = takes
            ))
            .or(say!(
                "{from} has another algorithm with a checksum of 96 bits, such as HMAC-SHA1-96, set by hand.",
                from = cuts
            ));
    }
    Some(
        finding
            .advise(
                "Compare encryption and integrity of ESP as the running SAs of both gateways show \
             them.",
            )
            .advise("With HMAC-SHA2-256, see that both cut it to 128 bits, not to 96."),
    )
}

/// Whether two flows are known to be of the child SA that they are taken for: both begin after it was asked for
/// and before the next one was, and no others do at that tap.
fn is_pair(case: &Case<'_>, child: &ChildSa, flows: [&EspFlow; 2]) -> Option<bool> {
    if child.is_guessed {
        return Some(false);
    }
    let asked = |child: &ChildSa| {
        let exchange = &case.model.exchanges[child.made_by?];
        began(case.model, exchange.flights.first()?).map(|at| at.1)
    };
    let made = asked(child)?;
    let children = case.ike_sas().flat_map(|sa| &sa.child_sas);
    let children = children.map(|id| &case.model.child_sas[*id]);
    // The first packets of an older one that carried nothing yet may be these.
    let idle = |other: &ChildSa| {
        other.flows.iter().any(Option::is_none) && asked(other).is_some_and(|at| at < made)
    };
    if children.clone().any(idle) {
        return Some(false);
    }
    let others = children.filter_map(asked);
    let next = others.filter(|other| *other > made).min();
    let begins = |flow: &EspFlow| {
        let first = flow.seen.first.1;
        first >= made && next.is_none_or(|next| first < next)
    };
    let vantage = flows.map(|flow| flow.key.vantage);
    let here = case
        .flows()
        .filter(|flow| vantage.contains(&flow.key.vantage));
    let begun = here.filter(|flow| begins(flow)).count();
    Some(flows.into_iter().all(begins) && begun == flows.len())
}

/// Octets of the checksum of SHA2-256 as a draft had it, and as RFC 4868 has it.
const CUT: u32 = 12;
const WHOLE: u32 = 16;

/// Whether blocks of AES with such a checksum are among these suites.
fn has_checksum(suites: &[Overhead], octets: u32) -> bool {
    const AES: u32 = 16;
    suites
        .iter()
        .any(|suite| (suite.block, suite.icv) == (AES, octets))
}

/// Whether the IKE SA of a child SA uses AES-CBC with HMAC-SHA2-256, as its ESP then does as a rule.
fn is_cbc(model: &Model, child: &ChildSa) -> bool {
    let suite = child.ike_sa.and_then(|id| model.suite_in_use(id));
    suite.is_some_and(|suite| is_cbc_with_sha2_256(suite.encryption, suite.integrity))
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

    #[test]
    fn where_ike_has_aes_cbc_the_checksum_is_cut() {
        let ike = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240\n";
        let text = format!("{ike}{}", pair(CUT, WHOLE));
        let finding = fires(&text, "esp-suites-differ");
        assert_eq!(finding.severity, crate::diagnose::Severity::Error);
        let title = finding.title.to_string();
        assert!(title.starts_with("192.0.2.1 seems to cut"), "{title}");
        // A later child SA, whose flows begin after it was made, makes them no less a pair.
        let rekeyed = format!(
            "{text}
             20 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
             20.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             20.2 A > B ESP 0xb2 seq 1..9 every 0.5 size 136
             20.3 B > A ESP 0xa2 seq 1..9 every 0.5 size 136"
        );
        let finding = fires(&rekeyed, "esp-suites-differ");
        assert_eq!(finding.severity, crate::diagnose::Severity::Error);
        // Where a third flow begins with them, nobody knows which two are one child SA.
        let third = format!("{text}\n 3 A > B ESP 0xb3 seq 1..9 every 0.5 size 136");
        let finding = fires(&third, "esp-suites-differ");
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
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

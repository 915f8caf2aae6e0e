//! Two child SAs claim the same packets.

use super::ts_narrowed::ends;
use crate::diagnose::facts::selectors::Life;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{Selector, TunnelId, selector};
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "overlapping-selectors",
    code: "IKE216",
    severity: Severity::Warning,
    summary: "Two child SAs claim the same packets",
    document: DOCUMENT,
    explains: &[
        "esp-one-way",
        "clear-text-leak",
        "tunnel-deleted",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
        "asymmetric-return",
    ],
    needs: Signs::CHILD_SA,
    check,
};

const DOCUMENT: &str = "\
## What it means
The selectors of two SAs that live at the same time overlap without being equal: one network contains the other. Which SA a packet takes depends on the priority of policies, by order of installation with some products and by length of prefix with others, and each side may decide otherwise: requests leave by one tunnel, answers come back by another, or not at all.

## How it is seen
With the keys of the IKE SAs: the selectors that were granted to two child SAs of one tunnel, or of two tunnels of one gateway, have packets in common on both sides.

## What else looks like it
Equal selectors are redundancy: a rekeying, a second tunnel for failover, several SAs for speed; they are not reported here. A tunnel that takes everything (0.0.0.0/0) beside one that takes a part is common in routed designs and told as information. Selectors that differ in protocol or ports divide the traffic on purpose. Where a hub keeps its customers apart by routing tables of their own (VRF), their private networks may overlap without harm.

## What to do
1. Give both sides of every connection the exact networks, without overlap.
2. Where one must contain another, set priorities, or routes of different weight, the same way on both sides.
";

/// Two of one tunnel that replace each other may overlap in time for so long.
const HANDOVER: Span = Span::from_secs(2);

/// How many tunnels of one gateway are compared, before and after: those that were set up together.
const NEIGHBOURS: usize = 8;

/// Most child SAs of a tunnel that are compared with each other.
const COMPARED: usize = 64;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let ours = living(case);
    if ours.is_empty() {
        return Vec::new();
    }
    let within = ours.iter().enumerate().find_map(|(index, one)| {
        let others = ours.iter().skip(index + 1);
        let other = others.into_iter().find(|other| {
            let ([a, b], [c, d]) = (&one.sides, &other.sides);
            claims_same([a, b], [c, d]) && live_together(one, other, HANDOVER)
        })?;
        Some(finding(case, one, other, None))
    });
    let across = || {
        case.tunnel
            .ends
            .into_iter()
            .enumerate()
            .find_map(|(end, shared)| {
                case.model
                    .tunnels_beside(case.id, shared, NEIGHBOURS)
                    .find_map(|other| between(case, &ours, end, other, shared))
            })
    };
    within.or_else(across).into_iter().collect()
}

/// The child SAs with known selectors; of many the first.
fn living(case: &Case<'_>) -> Vec<Life> {
    case.lives().iter().take(COMPARED).cloned().collect()
}

/// An overlap with a child SA of another tunnel of the same gateway.
fn between(
    case: &Case<'_>,
    ours: &[Life],
    end: usize,
    other: TunnelId,
    shared: IpAddr,
) -> Option<Finding> {
    let place = crate::diagnose::facts::end_of(&case.model.tunnels[other], shared)?;
    let theirs = living(&Case::of(case.model, other));
    ours.iter().find_map(|one| {
        let (own, far) = (one.sides.get(end)?, one.sides.get(1 - end)?);
        let two = theirs.iter().find(|two| {
            let sides = two.sides.get(place).zip(two.sides.get(1 - place));
            sides.is_some_and(|(two_own, two_far)| {
                // No SA of one peer takes the place of another's.
                claims_same([own, far], [two_own, two_far])
                    && live_together(one, two, Span::from_secs(0))
            })
        })?;
        Some(finding(case, one, two, Some(other)))
    })
}

/// Whether the two have packets in common without being for the same ones.
fn claims_same([a, b]: [&Vec<Selector>; 2], [c, d]: [&Vec<Selector>; 2]) -> bool {
    let alike = |one: &Selector, two: &Selector| {
        one.protocol == two.protocol && one.ports == two.ports && one.meets(two)
    };
    let meet = |one: &[Selector], two: &[Selector]| {
        one.iter().any(|one| two.iter().any(|two| alike(one, two)))
    };
    let same = selector::same(a, c) && selector::same(b, d);
    meet(a, c) && meet(b, d) && !same
}

/// Whether both live at the same time, for longer than this.
fn live_together(one: &Life, two: &Life, least: Span) -> bool {
    one.until.since(two.at.1) > least && two.until.since(one.at.1) > least
}

fn finding(case: &Case<'_>, one: &Life, two: &Life, other: Option<TunnelId>) -> Finding {
    // Both tunnels say the same, so that it is told once.
    let (here, there) = (case.id, other);
    let (one, two, first, other) = match other {
        Some(other) if other < case.id => (two, one, other, Some(case.id)),
        other => (one, two, case.id, other),
    };
    let everything = [one, two]
        .iter()
        .flat_map(|life| life.sides.iter().flatten())
        .any(Selector::is_all);
    let name = |tunnel: TunnelId| {
        let [a, b] = case.model.tunnels[tunnel].ends;
        say!("{a} and {b}", a, b)
    };
    let said = |life: &Life| {
        let [a, b] = &life.sides;
        say!(
            "{own} with {far}",
            own = selector::said(a),
            far = selector::said(b)
        )
    };
    let place = match other {
        Some(other) => say!(
            "The tunnel between {these} has a child SA for {one}, that between {those} one for {two}, at the \
             same time.",
            these = name(first),
            one = said(one),
            those = name(other),
            two = said(two)
        ),
        None => say!(
            "Between {these} there are a child SA for {one} and one for {two}, at the same time.",
            these = name(first),
            one = said(one),
            two = said(two)
        ),
    };
    // They overlap from when both are there.
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        here,
        one.at,
        say!("granted: {selectors}", selectors = said(one)),
    )
    .also(two.at, say!("granted: {selectors}", selectors = said(two)));
    finding.first = finding.last;
    finding = finding
    // The alarm is raised once; of the other tunnel it may still explain what happens there.
    .severity(if everything || there.is_some_and(|there| there < here) {
        Severity::Info
    } else {
        RULE.severity
    })
    .title(match other {
        Some(other) => say!(
            "The tunnels between {these} and between {those} claim the same packets",
            these = name(first),
            those = name(other)
        ),
        None => say!(
            "Two child SAs between {these} claim the same packets",
            these = name(first)
        ),
    })
    .says(place.then(
        "They overlap: which one a packet takes is left to the priority of policies, and the two sides \
         may decide otherwise.",
    ))
    .or("One side gives the narrower one priority, and so does its peer.")
    .or("Each has a routing table of its own (VRF), so that they never meet.");
    // It lasts as long as both do, and so do its consequences.
    let until = there.map_or(ends(case), |there| {
        ends(case).max(ends(&Case::of(case.model, there)))
    });
    finding = finding.during(one.at.1.min(two.at.1), until);
    if !everything {
        finding = finding
            .advise("Use exact selectors on both sides of both connections, without overlap.")
            .advise("If one must contain the other, give them priorities or routes of different weight, the same way on both sides.");
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, is_healthy, silent, verdict};

    /// An IKE SA of A with a peer, and a child SA.
    fn tunnel(peer: char, spi: u32, at: u32, own: &str, far: &str) -> String {
        format!(
            "{at}.0 A:500 > {peer}:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 {peer}:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 A:500 > {peer}:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi({own}) TSr({far})
             {at}.3 {peer}:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb{spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi({own}) TSr({far})
             {at}.5 A > {peer} ESP 0xb{spi} seq 1..60 every 1
             {at}.5 {peer} > A ESP 0xa{spi} seq 1..60 every 1
             "
        )
    }

    #[test]
    fn two_peers_of_one_gateway() {
        let one = tunnel('B', 1, 0, "10.1.0.0/16", "10.2.0.0/16");
        verdict(
            &(one.clone() + &tunnel('C', 2, 3, "10.1.0.0/16", "10.2.7.0/24")),
            "overlapping-selectors",
        );
        // The keys do not tell whether both are of one routing table.
        let hub = one.clone() + &tunnel('C', 2, 3, "10.1.0.0/16", "10.2.7.0/24");
        for finding in findings(&hub)
            .iter()
            .filter(|finding| finding.rule.slug == "overlapping-selectors")
        {
            assert_ne!(finding.confidence, crate::diagnose::Confidence::Certain);
        }
        // It is one finding, from whichever tunnel it is seen.
        let mut said: Vec<String> = findings(&hub)
            .iter()
            .filter(|finding| finding.rule.slug == "overlapping-selectors")
            .map(|finding| format!("{} {}", finding.title, finding.says))
            .collect();
        said.dedup();
        assert_eq!(said.len(), 1, "{said:#?}");
        silent(
            &(one.clone() + &tunnel('C', 2, 3, "10.1.0.0/16", "10.3.0.0/16")),
            "overlapping-selectors",
        );
        silent(
            &(one.clone() + &tunnel('C', 2, 3, "10.1.0.0/16", "10.2.0.0/16")),
            "overlapping-selectors",
        );
        let routed = one + &tunnel('C', 2, 3, "0.0.0.0/0", "0.0.0.0/0");
        assert!(is_healthy(&findings(&routed)));
    }

    #[test]
    fn a_rekeyed_child_is_the_same() {
        silent(
            &(tunnel('B', 1, 0, "10.1.0.0/16", "10.2.0.0/16")
                + "40 A:500 > B:500 CREATE_CHILD_SA i=1 r=9 id=2 request sealed 208 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa7 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                   40.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=9 id=2 response sealed 208 opened SA(ESP 0xb7 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.7.0/24)"),
            "overlapping-selectors",
        );
    }
}

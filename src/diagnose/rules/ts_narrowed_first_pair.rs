//! Of several networks the peer takes the first pair only.

use super::ts_narrowed::{ends, left, pair};
use crate::diagnose::facts::clear;
use crate::diagnose::facts::selectors::Narrowing;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ts-narrowed-first-pair",
    code: "IKE215",
    severity: Severity::Error,
    summary: "Of several networks the peer takes the first pair only",
    document: DOCUMENT,
    explains: &[
        "ts-narrowed",
        "clear-text-leak",
        "esp-one-way",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
One side puts all its networks into one child SA, as strongSwan, libreswan and cloud gateways do; the other keeps one child SA for each pair of networks, as Cisco ASA, Huawei, H3C and many firewalls do. It takes the first pair and leaves the rest. The first pair works; the others do not, unless a child SA of their own is made for each.

## How it is seen
With the keys of the IKE SA: TSi or TSr of the request hold several selectors; those of the answer hold one each, the first, and no other child SA serves the rest. Where packets of the other pairs pass in clear, they are missed, and it is an error; else a warning.

## What else looks like it
A peer that is configured for the first pair alone does the same, and is right. The other pairs may come when they are needed: an answer may say so (ADDITIONAL_TS_POSSIBLE), and need not (RFC 7296 section 2.9). Where the tunnel was up before the recording they may be there already, and it is told for information.

## What to do
1. Make one child SA for each pair of networks on the side that asks for all at once.
2. Or cover all networks of a side by one prefix.
3. Or use 0.0.0.0/0 on both sides and decide by routes.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut narrowed: Vec<&Narrowing> = case.narrowings().iter().collect();
    narrowed.retain(|one| one.is_first_pair() && !one.remote_access);
    narrowed.sort_by_key(|one| one.served);
    let Some(worst) = narrowed.first() else {
        return Vec::new();
    };
    let (from, to) = (worst.answer.from, worst.answer.to);
    let late = case.tap().late;
    // Packets of the other pairs that pass in clear show that they are missed. Without them the pairs
    // may come when they are needed: a responder need not say that more is possible (RFC 7296 section
    // 2.9).
    let missed = clear::flows(case).any(|flow| worst.cuts_off(flow.from, flow.to));
    let severity = match (worst.served, missed) {
        (true, _) => Severity::Info,
        (false, true) => RULE.severity,
        (false, false) if late => Severity::Info,
        (false, false) => Severity::Warning,
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        worst.answer.at,
        say!("granted: {selectors}", selectors = pair(&worst.granted)),
    )
    .also(
        worst.request.at,
        say!("asked for: {selectors}", selectors = pair(&worst.asked)),
    )
    .during(worst.answer.at.1, ends(case))
    .severity(severity)
    .title(say!(
        "{from} takes only the first pair of networks that {to} asks for",
        from,
        to
    ))
    .says(
        say!(
            "{to} asked for {asked} in one child SA; {from} granted {granted}, the first of each.",
            to,
            asked = pair(&worst.asked),
            from,
            granted = pair(&worst.granted)
        )
        .then(left(worst))
        .then(worst.answer.more_possible.then_some(
            "It says that more could be had with another child SA (ADDITIONAL_TS_POSSIBLE).",
        ))
        .then(
            worst
                .served
                .then_some("Other child SAs serve the other pairs."),
        ),
    );
    if !worst.served {
        finding = finding.or(say!("{from} is configured for this one pair.", from));
        finding = match (missed, late) {
            // They are needed, and are not there.
            (true, _) => finding,
            (false, true) => finding.or("The other pairs were made before the recording began."),
            (false, false) => finding.or("The other pairs are made when they are needed."),
        };
        finding = finding
            .advise(say!("On {to}, make one child SA for each pair of networks.", to))
            .advise("Or cover the networks of each side by one prefix, or use 0.0.0.0/0 on both sides and decide by routes.")
            .advise(say!(
                "Or let {from} take several networks in one child SA, if it can.",
                from
            ));
    }
    for other in narrowed.iter().skip(1) {
        finding = finding.also(
            other.answer.at,
            say!("granted: {selectors}", selectors = pair(&other.granted)),
        );
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    const MADE: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24 10.1.5.0/24) TSr(10.2.0.0/24)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.0.0/24)
        ";

    #[test]
    fn the_first_of_two_alone() {
        verdict(MADE, "ts-narrowed-first-pair");
        silent(MADE, "ts-narrowed");
    }

    #[test]
    fn the_other_pairs_may_come_or_be_there_already() {
        let severity = |text: &str| fires(text, "ts-narrowed-first-pair").severity;
        let more = MADE.replace(
            "TSi(10.1.0.0/24) TSr(10.2.0.0/24)\n",
            "TSi(10.1.0.0/24) TSr(10.2.0.0/24) N(ADDITIONAL_TS_POSSIBLE)\n",
        );
        assert_eq!(severity(&more), Severity::Warning);
        // It need not say so; who misses them shows it.
        assert_eq!(severity(MADE), Severity::Warning);
        let missed = format!("{MADE}\n3 10.1.5.7 > 10.2.0.9 CLEAR 1 count 3 requests 3");
        assert_eq!(severity(&missed), Severity::Error);
        let late = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=8 request by=initiator sealed 80
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=8 response sealed 80
            1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=9 request by=initiator sealed 208 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24 10.1.5.0/24) TSr(10.2.0.0/24)
            1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=9 response sealed 208 opened SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24) TSr(10.2.0.0/24)";
        assert_eq!(severity(late), Severity::Info);
    }

    #[test]
    fn the_second_of_two_is_narrowing() {
        verdict(
            &MADE.replace(
                "TSi(10.1.0.0/24) TSr(10.2.0.0/24)",
                "TSi(10.1.5.0/24) TSr(10.2.0.0/24)",
            ),
            "ts-narrowed",
        );
    }

    #[test]
    fn where_another_child_serves_the_rest_nothing_is_wrong() {
        let found = findings(&format!(
            "{MADE} 1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.5.0/24) TSr(10.2.0.0/24)
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.5.0/24) TSr(10.2.0.0/24)"
        ));
        assert!(is_healthy(&found), "{found:#?}");
    }
}

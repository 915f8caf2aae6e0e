//! A selector is a range of addresses that no prefix covers.

use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{Selector, selector};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ts-not-cidr",
    code: "IKE218",
    severity: Severity::Warning,
    summary: "A traffic selector is no prefix",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A traffic selector may be any range of addresses. Most kernels hold policies by prefix: an implementation then installs a wider prefix, several, or only a part, and the two sides protect other packets than they agreed on.

## How it is seen
With the keys of the IKE SA: first and last address of a selector that was granted are not those of one prefix.

## What else looks like it
Nothing. Two implementations that both keep ranges get along with it.

## What to do
1. Write the networks as prefixes on both sides; cut a range into the prefixes that cover it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let odd: Vec<_> = case
        .attempts()
        .iter()
        .filter_map(|attempt| {
            let answer = attempt
                .told
                .answer
                .as_ref()
                .filter(|answer| answer.has_sa)?;
            let odd = answer.selectors.iter().flatten().flatten();
            let odd: Vec<Selector> = odd.filter(|one| !one.is_prefix()).copied().collect();
            (!odd.is_empty()).then_some((odd, answer.at))
        })
        .collect();
    let Some((first, at)) = odd.first() else {
        return Vec::new();
    };
    let prefixes = first.iter().filter_map(|one| one.range().cidrs()).flatten();
    let prefixes = list(prefixes.take(16).map(Text::verbatim));
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        *at,
        say!("granted: {selectors}", selectors = selector::said(first)),
    )
    .title(say!(
        "{selectors} is no prefix",
        selectors = selector::said(first)
    ))
    .says(say!(
        "{children} agreed on {selectors}, which is no single prefix. Whoever holds policies by prefix installs \
         something else.",
        children = count(odd.len() as u64, "child SA"),
        selectors = selector::said(first)
    ))
    .or("Both sides hold ranges as they are.")
    .advise(say!(
        "Write it as prefixes on both sides: {prefixes}.",
        prefixes
    ));
    for (other, at) in odd.iter().skip(1) {
        finding = finding.also(
            *at,
            say!("granted: {selectors}", selectors = selector::said(other)),
        );
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    fn made(selectors: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) {selectors}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) {selectors}"
        )
    }

    #[test]
    fn a_range_is_told_from_a_prefix() {
        verdict(
            &made("TSi(10.1.0.1-10.1.0.9) TSr(10.2.0.0/16)"),
            "ts-not-cidr",
        );
        silent(
            &made("TSi(10.1.0.0-10.1.0.255) TSr(0.0.0.0/0)"),
            "ts-not-cidr",
        );
    }
}

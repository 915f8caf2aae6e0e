//! Algorithms that should no longer be used.

use crate::diagnose::facts::{began, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{ChildSa, IkeSa, Model};
use crate::registry::{ExchangeType, TransformType, transform};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "weak-crypto",
    code: "SEC601",
    severity: Severity::Info,
    summary: "An SA uses algorithms that should no longer be used",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agreed on an algorithm that is broken or near it, or IKEv1 aggressive mode sends a hash of the pre-shared key that anyone can attack offline. The tunnel works.

## How it is seen
The choice of the responder is in clear for the IKE SA; for child SAs the keys of the IKE SA show it. Each algorithm is looked up in RFC 8247, RFC 8221 and RFC 9395.

## What else looks like it
Nothing: the packets say so themselves.

## What to do
1. Choose AES-GCM or AES with SHA-2, and a group of 2048 bits or an elliptic curve, on both sides; then IKEv2.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let sas = &case.tunnel.ike_sas;
    let of_ike = sas
        .iter()
        .map(|id| &case.model.ike_sas[*id])
        .find_map(|sa| {
            let weak = parted(weaknesses(case.model, sa))?;
            let at = offer::accepted(case.model, sa).map_or(sa.seen.first, |(_, at)| at);
            Some((say!("The IKE SA uses {weak}.", weak), at))
        });
    let children = sas.iter().flat_map(|id| &case.model.ike_sas[*id].child_sas);
    let of_child = children
        .map(|id| &case.model.child_sas[*id])
        .find_map(|child| {
            let weak = parted(weaknesses_of_child(child))?;
            let answer = case.model.exchanges[child.made_by?].response()?;
            let at = began(case.model, answer)?;
            Some((say!("A child SA uses {weak}.", weak), at))
        });
    let (first, second) = match of_ike {
        Some(first) => (Some(first), of_child),
        None => (of_child, None),
    };
    let finding = first.map(|(says, at)| {
        let note = "the suite that was chosen";
        let mut finding = Finding::new(&RULE, Confidence::Certain, case.id, at, note).says(says);
        if let Some((more, at)) = second {
            finding.says.add(more);
            finding = finding.also(at, note);
        }
        finding.advise("Choose current algorithms on both sides (RFC 8247, RFC 8221), and IKEv2.")
    });
    finding.into_iter().collect()
}

/// Texts with semicolons between them, for their parts may have commas; `None` if there are none.
fn parted(texts: Vec<Text>) -> Option<Text> {
    let texts = texts.into_iter();
    texts.reduce(|these, last| say!("{these}; {last}", these, last))
}

/// The weak ones of these transforms, each with the reason.
fn weak<const N: usize>(suite: [(TransformType, Option<u16>); N]) -> Vec<Text> {
    let weak = suite.into_iter().filter_map(|(kind, id)| {
        let why = transform::weak(kind, id?)?;
        let name = Text::verbatim(offer::name(kind, id?));
        Some(say!("{name}: {why}", name, why))
    });
    weak.collect()
}

/// What is weak about a child SA, if its suite is known.
fn weaknesses_of_child(child: &ChildSa) -> Vec<Text> {
    let terms = child.terms.as_ref();
    let Some(suite) = terms.and_then(|terms| terms.suite) else {
        return Vec::new();
    };
    weak([
        (TransformType::ENCR, suite.encryption),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ])
}

fn weaknesses(model: &Model, sa: &IkeSa) -> Vec<Text> {
    let Some(suite) = &sa.suite else {
        return Vec::new();
    };
    let mut weak = weak([
        (TransformType::ENCR, suite.encryption),
        (TransformType::PRF, suite.prf),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ]);
    let aggressive = sa
        .exchanges
        .iter()
        .any(|id| model.exchanges[*id].kind == ExchangeType::AGGRESSIVE);
    if aggressive && offer::v1_is_pre_shared(suite) {
        weak.push(
            "aggressive mode with a pre-shared key, which can be guessed offline from this capture"
                .into(),
        );
    }
    weak
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_small_group_is_named() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH2) KE(2) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH2) KE(2) Nonce",
            "weak-crypto",
        );
        assert!(
            finding.says.to_string().contains("1024"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_weak_child_sa_is_named_where_it_is_known() {
        let text = |cipher: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 {cipher} AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 {cipher} AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)"
            )
        };
        let says = fires(&text("ENCR_3DES"), "weak-crypto").says.to_string();
        assert!(says.contains("A child SA uses ENCR_3DES"), "{says}");
        silent(&text("ENCR_AES_CBC-256"), "weak-crypto");
    }

    #[test]
    fn a_current_suite_is_fine() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce",
            "weak-crypto",
        );
    }
}

//! Algorithms that should no longer be used.

use crate::diagnose::facts::offer;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::language::Text;
use crate::model::{IkeSa, Model, TunnelId};
use crate::registry::{ExchangeType, TransformType, transform};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "weak-crypto",
    code: "SEC601",
    severity: Severity::Info,
    summary: "The IKE SA uses algorithms that should no longer be used",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agreed on an algorithm that is broken or near it, or IKEv1 aggressive mode sends a hash of the pre-shared key that anyone can attack offline. The tunnel works.

## How it is seen
The choice of the responder is in clear. Each algorithm is looked up in RFC 8247, RFC 8221 and RFC 9395.

## What else looks like it
Nothing: the packets say so themselves.

## What to do
1. Choose AES-GCM or AES with SHA-2, and a group of 2048 bits or an elliptic curve, on both sides; then IKEv2.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    model.tunnels[tunnel]
        .ike_sas
        .iter()
        .map(|id| &model.ike_sas[*id])
        .find_map(|sa| {
            let weak = weaknesses(model, sa)
                .into_iter()
                .reduce(|these, last| say!("{these}; {last}", these, last))?;
            let at = offer::accepted(model, sa).map_or(sa.seen.first, |(_, at)| at);
            Some(
                Finding::new(
                    &RULE,
                    Confidence::Certain,
                    tunnel,
                    at,
                    "the suite that was chosen",
                )
                .says(say!("The IKE SA uses {weak}.", weak))
                .advise("Choose current algorithms on both sides (RFC 8247), and IKEv2."),
            )
        })
        .into_iter()
        .collect()
}

fn weaknesses(model: &Model, sa: &IkeSa) -> Vec<Text> {
    let Some(suite) = &sa.suite else {
        return Vec::new();
    };
    let mut weak: Vec<Text> = [
        (TransformType::ENCR, suite.encryption),
        (TransformType::PRF, suite.prf),
        (TransformType::INTEG, suite.integrity),
        (TransformType::KE, suite.group),
    ]
    .into_iter()
    .filter_map(|(kind, id)| {
        let why = transform::weak(kind, id?)?;
        let name = Text::verbatim(offer::name(kind, id?));
        Some(say!("{name}: {why}", name, why))
    })
    .collect();
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
    fn a_current_suite_is_fine() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH19) KE(19) Nonce",
            "weak-crypto",
        );
    }
}

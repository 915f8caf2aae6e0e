//! The initiator guessed the wrong group and comes back with the right one: normal.

use super::dh_group_mismatch::{is_resolved, wanted};
use crate::diagnose::facts::{clear, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use std::cell::OnceCell;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "dh-group-retry",
    code: "INF501",
    severity: Severity::Info,
    summary: "The initiator guessed the key exchange group and tried again",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
IKEv2 sends a public value before it knows which group the responder prefers. A wrong guess costs one round trip (RFC 7296 section 1.2). It is normal.

## How it is seen
INVALID_KE_PAYLOAD in clear with the group wanted, then IKE_SA_INIT with that group, and success.

## What else looks like it
If no success follows it is dh-group-mismatch.

## What to do
1. Nothing. To save the round trip put the group that the responder wants first.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let agreed = OnceCell::new();
    case.tunnel
        .ike_sas
        .iter()
        .flat_map(|id| clear::refusals(&case.model.ike_sas[*id], NotifyType::INVALID_KE_PAYLOAD))
        .find(|notice| {
            notice.exchange_kind == ExchangeType::IKE_SA_INIT
                && is_resolved(case, notice, &agreed)
        })
        .map(|notice| {
            let group = wanted(notice).map_or_else(|| "another group".into(), offer::group);
            Finding::new(
                &RULE,
                Confidence::Certain,
                case.id,
                notice.at,
                say!("INVALID_KE_PAYLOAD asks for {group}", group = group.clone()),
            )
            .says(say!(
                "{from} wanted {group} instead of the group first tried; the next attempt succeeded.",
                from = notice.from,
                group = group.clone()
            ))
            .advise(say!(
                "To save a round trip put {group} first in the initiator's proposal.",
                group
            ))
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const RETRY: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)";

    #[test]
    fn a_retry_with_success_is_told() {
        let text = format!(
            "{RETRY}
            0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(19) Nonce
            0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH19) KE(19) Nonce"
        );
        let finding = fires(&text, "dh-group-retry");
        assert!(
            finding
                .says
                .to_string()
                .contains("256-bit random ECP group (19)"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn without_success_it_is_no_mere_retry() {
        silent(RETRY, "dh-group-retry");
    }
}

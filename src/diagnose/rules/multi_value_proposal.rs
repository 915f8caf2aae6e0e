//! A refused offer leaves a choice, and many peers want exactly one value.

use crate::diagnose::facts::{clear, offer};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::registry::NotifyType;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "multi-value-proposal",
    code: "IKE202",
    severity: Severity::Info,
    summary: "A refused offer holds several values of one kind",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
An offer may hold several algorithms of one kind. Some gateways, cloud gateways among them, accept exactly one value per kind and refuse the rest. Only a refusal makes this worth a line.

## How it is seen
An offer that was answered by NO_PROPOSAL_CHOSEN holds more than one value for some kind of transform.

## What else looks like it
Most responders take such offers; then the mismatch lies elsewhere.

## What to do
1. Configure exactly one value of each kind, the same on both sides.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    model.tunnels[tunnel]
        .ike_sas
        .iter()
        .map(|id| &model.ike_sas[*id])
        .find_map(|sa| {
            let refusal = clear::refusals(sa, NotifyType::NO_PROPOSAL_CHOSEN).next()?;
            let (offer, at) = offer::offered(model, sa)?;
            let choices: Vec<String> = offer
                .choices()
                .into_iter()
                .map(|(kind, values)| format!("{kind}: {values}"))
                .collect();
            if choices.is_empty() {
                return None;
            }
            Some(
                Finding::new(
                    &RULE,
                    Confidence::Possible,
                    tunnel,
                    at,
                    "the offer with choices",
                )
                .also(refusal.at, "its refusal")
                .says(format!(
                    "The refused offer leaves a choice in {}. Some peers want exactly one value.",
                    choices.join("; ")
                ))
                .advise("Configure exactly one value of each kind, identical on both sides."),
            )
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_refused_choice_is_named() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 ENCR_AES_CBC-192 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)",
            "multi-value-proposal",
        );
        assert!(
            finding
                .says
                .contains("ENCR_AES_CBC-192 or ENCR_AES_CBC-256"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_choice_that_is_accepted_is_nothing() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 ENCR_AES_CBC-192 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            "multi-value-proposal",
        );
    }
}

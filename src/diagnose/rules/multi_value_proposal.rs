//! A refused offer leaves a choice, and many peers want exactly one value.

use crate::diagnose::facts::{clear, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::Role;
use crate::registry::NotifyType;
use crate::say;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "multi-value-proposal",
    code: "IKE202",
    severity: Severity::Info,
    summary: "A refused offer holds several values of one kind",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
An offer may hold several algorithms of one kind. Some gateways, cloud gateways among them, accept exactly one value per kind and refuse the rest. Only a refusal makes this worth a line.

## How it is seen
An offer that was answered by NO_PROPOSAL_CHOSEN holds more than one value for some kind of transform. The outcomes are counted by who asks: if all that one side asks is refused and all that the other asks is accepted, the choice is the likely reason, and this is a warning.

## What else looks like it
Most responders take such offers; then the mismatch lies elsewhere.

## What to do
1. Configure exactly one value of each kind, the same on both sides.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.ike_sas()
        .find_map(|sa| {
            let mut refusals = clear::refusals(sa, NotifyType::NO_PROPOSAL_CHOSEN);
            let refusal = refusals.find(|notice| notice.by == Role::Responder)?;
            let (offer, at) = offer::offered(case.model, sa)?;
            let choices = offer
                .choices()
                .into_iter()
                .map(|(kind, values)| {
                    say!("{kind}: {values}", kind, values)
                })
                .reduce(|these, last| say!("{these}; {last}", these, last))?;
            let path = sa.paths.first()?;
            let outcomes = outcomes(case);
            // Where nothing offered is what the peer has, one value of these would be refused as well.
            let meets = || {
                let known = offer::known_of(case, path.to.address, sa);
                known.is_none_or(|(known, ..)| known.meets(&offer))
            };
            let by_role = is_by_role(&outcomes, path.from.address) && meets();
            let finding = Finding::new(
                &RULE,
                match by_role {
                    true => Confidence::Likely,
                    false => Confidence::Possible,
                },
                case.id,
                at,
                "the offer with choices",
            )
            .also(refusal.at, "its refusal")
            .says(
                say!(
                    "The refused offer leaves a choice in {choices}. Some peers want exactly one value.",
                    choices
                )
                .then(table(&outcomes)),
            )
            .advise("Configure exactly one value of each kind, identical on both sides.");
            Some(match by_role {
                true => finding.severity(Severity::Warning),
                false => finding,
            })
        })
        .into_iter()
        .collect()
}

/// Whether all that one side asks for is refused, and all that the other asks for is accepted.
pub(super) fn fails_by_role(case: &Case<'_>, asker: IpAddr) -> bool {
    is_by_role(&outcomes(case), asker)
}

fn is_by_role(outcomes: &BTreeMap<IpAddr, [usize; 2]>, refused: IpAddr) -> bool {
    let fits = |(asker, [accepted, turned_down]): (&IpAddr, &[usize; 2])| match *asker == refused {
        true => *accepted == 0,
        false => *turned_down == 0,
    };
    outcomes.len() > 1 && outcomes.iter().all(fits)
}

/// How many first messages were accepted and refused, by who asked.
fn outcomes(case: &Case<'_>) -> BTreeMap<IpAddr, [usize; 2]> {
    let mut outcomes: BTreeMap<IpAddr, [usize; 2]> = BTreeMap::new();
    for sa in case.ike_sas() {
        let Some(path) = sa.paths.first() else {
            continue;
        };
        let accepted = offer::accepted(case.model, sa).is_some();
        let refused = clear::refusals(sa, NotifyType::NO_PROPOSAL_CHOSEN)
            .next()
            .is_some();
        if accepted || refused {
            let [good, bad] = outcomes.entry(path.from.address).or_default();
            *(if accepted { good } else { bad }) += 1;
        }
    }
    outcomes
}

/// `Asked by A: 0 of 3 accepted. Asked by B: 2 of 2 accepted.`
fn table(outcomes: &BTreeMap<IpAddr, [usize; 2]>) -> Text {
    let mut table = Text::default();
    for (asker, [accepted, refused]) in outcomes {
        table.add(say!(
            "Asked by {asker}: {accepted} of {all} accepted.",
            asker,
            accepted,
            all = accepted + refused
        ));
    }
    table
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
                .to_string()
                .contains("ENCR_AES_CBC-192 or ENCR_AES_CBC-256"),
            "{}",
            finding.says
        );
    }

    const SEVERAL: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 ENCR_AES_CBC-192 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";

    #[test]
    fn what_works_in_one_role_only_is_a_warning_with_the_counts() {
        let finding = fires(
            &format!(
                "{SEVERAL}
                 5 B:500 > A:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 5.1 A:500 > B:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
            ),
            "multi-value-proposal",
        );
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
        assert!(
            finding.says.to_string().ends_with(
                "Asked by 192.0.2.1: 0 of 1 accepted. Asked by 192.0.2.2: 1 of 1 accepted."
            ),
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

    #[test]
    fn what_is_refused_in_both_roles_is_of_no_role() {
        let finding = fires(
            &format!(
                "{SEVERAL}
                 5 B:500 > A:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 5.1 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
            ),
            "multi-value-proposal",
        );
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    }
}

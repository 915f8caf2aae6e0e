//! The IKE SA is up, the child SA is refused; the reason is sealed.

mod taken_back;
#[cfg(test)]
mod tests;
mod unused;

use crate::diagnose::facts::refused_child::{AT_ONCE, KnownBy, Refusal, refusals};
use crate::diagnose::facts::{began, child, child_made, rekey};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{AuthOutcome, ChildOutcome, ExchangeId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "child-setup-failed",
    code: "IKE208",
    severity: Severity::Error,
    summary: "The IKE SA is up, but the child SA is refused",
    document: DOCUMENT,
    explains: &["clear-text-leak", "tunnel-flapping", "tunnel-deleted"],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateways believe each other, but do not agree on the SA that carries traffic: its algorithms, its group, or which addresses it is for. The IKE SA may stay up without any use.

## How it is seen
IKEv2: the IKE_AUTH response, after EAP the last one, has room for an identity and a proof, but not for an SA and traffic selectors; or CREATE_CHILD_SA is answered by a single notification although no child SA exists, or to a request that by its size asks for one more. IKEv1: quick mode message 1 is answered by an informational message instead of message 2, again and again if that may be a liveness check by its size; or never, though it is sent again and again, while the peer goes on to speak on this IKE SA, or fell silent as soon as phase 1 had ended. No ESP follows. Or whoever asked for child SAs deletes each of them as soon as it is granted, in IKEv1 also whoever granted them, and no ESP passes. Or at least three times in a row, 3 to 180 seconds apart, the responder closes the IKE SA as soon as it has granted the child SA, or in IKEv1 the initiator leaves a child SA that it has confirmed without another word, and no IKE SA after them lives: told as possible. With keys every refusal is read whose reason no other rule is about.

## What else looks like it
The reason is encrypted. NO_PROPOSAL_CHOSEN (algorithms, PFS group) and TS_UNACCEPTABLE (addresses) have the same size, and so have a lack of inner addresses, a failure inside (TEMPORARY_FAILURE) and a limit of child SAs. With the keys of the IKE SA it can be told which. A refused rekeying whose proposal is shorter looks like one more child SA. What is deleted as soon as it is granted may be closed by a program or an administrator, and what is left at once by a monitor that only tests whether the tunnel comes up; or a capture filter leaves out the ESP that passes.

## What to do
1. Compare the ESP proposals of both sides: encryption, integrity, PFS group.
2. Compare the traffic selectors (local and remote networks): they must mirror each other.
3. Read the log of the side that refuses, or give the keys of the IKE SA to this tool.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refusals = refusals(case);
    let Some(first) = refusals.first() else {
        let fruitless = taken_back::taken_back(case).or_else(|| unused::unused(case));
        return fruitless.into_iter().collect();
    };
    let recovered = refusals.last().and_then(|last| recovered(case, last));
    let mut says = match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!(
            "{by} refused the child SA {times}: {how}.",
            by = &first.by,
            times = child::times(refusals.len()),
            how = &first.note
        ),
        KnownBy::Checks => say!(
            "Each time ({times}) {by} answered message 1 of quick mode by an informational message of the size of a \
             liveness check: a notification that names the IKE SA is as long.",
            by = &first.by,
            times = child::times(refusals.len())
        ),
        KnownBy::Silence => say!(
            "{by} goes on to speak on this IKE SA, and never answered what was asked of it for a child SA.",
            by = &first.by
        ),
        KnownBy::SilenceAtOnce => say!(
            "{by} ended phase 1, was asked for a child SA at once, and was not heard again on this IKE SA.",
            by = &first.by
        ),
    };
    match first.confidence {
        Confidence::Likely => says.add("The reason is encrypted."),
        Confidence::Certain if first.known_by == KnownBy::Answer => {
            says.add("The answer was read, and names no reason.");
        }
        _ => {}
    }
    match recovered {
        Some(after) if after <= AT_ONCE => says.add("Soon afterwards a child SA was made."),
        Some(after) => says.add(say!(
            "A child SA was made {span} after the last refusal.",
            span = after
        )),
        None => {}
    }
    let mut finding = Finding::new(
        &RULE,
        first.confidence,
        case.id,
        first.at,
        first.note.clone(),
    )
    .severity(match recovered {
        Some(_) => Severity::Warning,
        None => RULE.severity,
    })
    .title(match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!("{by} refuses the child SA", by = &first.by),
        _ => say!("{by} seems to refuse the child SA", by = &first.by),
    })
    .says(says);
    for refusal in refusals.iter().skip(1) {
        finding = finding.also(refusal.at, refusal.note.clone());
    }
    if first.known_by == KnownBy::Reason {
        return vec![finding.advise("Read the log of the side that refuses.")];
    }
    if first.known_by == KnownBy::SilenceAtOnce {
        finding = finding.or("The peer, or the path, fell silent just then.");
    }
    finding = finding.or(match first.v1 {
        true => "The ESP proposals differ (NO-PROPOSAL-CHOSEN).",
        false => "The ESP proposals differ (NO_PROPOSAL_CHOSEN).",
    });
    // IKE_AUTH has no key exchange for the child SA (RFC 7296 section 1.2), and configures clients.
    let in_auth = refusals.iter().all(|refusal| refusal.in_auth);
    finding = match in_auth {
        true => finding
            .or("The traffic selectors do not fit (TS_UNACCEPTABLE).")
            .or("There is no inner address for a client that asks for one (INTERNAL_ADDRESS_FAILURE).")
            .or("The side that refuses agrees and cannot install it (TEMPORARY_FAILURE), or holds no more (NO_ADDITIONAL_SAS).")
            .advise("Compare ESP encryption and integrity of both sides."),
        false => finding
            .or(match (first.v1, first.has_room) {
                (true, false) => {
                    "The side that refuses wants a key exchange of its own (PFS), and the other asks for none \
                     (NO-PROPOSAL-CHOSEN)."
                }
                (true, true) => "The PFS groups differ, or only one side has PFS (NO-PROPOSAL-CHOSEN).",
                (false, _) => "The PFS groups differ (NO_PROPOSAL_CHOSEN or INVALID_KE_PAYLOAD).",
            })
            .or(match first.v1 {
                true => "The identities of quick mode, which name the networks, do not fit (INVALID-ID-INFORMATION).",
                false => "The traffic selectors do not fit (TS_UNACCEPTABLE).",
            })
            .advise("Compare ESP encryption, integrity and PFS group of both sides."),
    };
    finding = finding
        .advise("Compare local and remote networks: each side's must mirror the other's.")
        .advise(match first.confidence {
            Confidence::Certain => "Read the log of the side that refuses.",
            _ => "Read the log of the side that refuses, or give the keys of the IKE SA.",
        });
    if case.refused(false).iter().any(|refused| refused.adds) {
        finding = finding.or("A rekeying is refused, whose proposal is shorter: a key length takes as much room as the name of an SA.");
    }
    vec![finding]
}

/// How long after the last refusal a child SA was made, in whatever exchange. One that is known to be for other
/// traffic is another; and where others live beside the one that was refused, they are renewed sooner or later.
fn recovered(case: &Case<'_>, last: &Refusal<'_>) -> Option<Span> {
    let refused = last.at.1;
    let attempts = case.attempts().iter();
    let others: BTreeSet<ExchangeId> = last.attempt.map_or_else(BTreeSet::new, |attempt| {
        let others = attempts.filter(|other| !other.is_like(attempt));
        others.map(|other| other.exchange).collect()
    });
    let exchanges = case.tunnel.ike_sas.iter().flat_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let exchanges = sa.exchanges.iter().filter(|id| !others.contains(id));
        exchanges
            .map(|exchange| &case.model.exchanges[*exchange])
            .filter(|exchange| match exchange.kind {
                ExchangeType::IKE_AUTH => sa.auth == AuthOutcome::Full,
                _ => rekey::ended(case.model, exchange, ChildOutcome::Made),
            })
            .filter_map(|exchange| Some(began(case.model, exchange.response()?)?.1))
    });
    // Traffic of a child SA that was made before shows no other one.
    let flows = case.flows().filter_map(|flow| {
        let child = flow.child_sa.child_sa();
        let made_by = child.and_then(|child| case.model.child_sas[child].made_by);
        let made = child_made(case.model, flow);
        let begun = flow.seen.first.1;
        let soon = begun.since(refused) <= AT_ONCE;
        let new = made.map_or(soon, |(_, time)| time > refused);
        (new && made_by.is_none_or(|id| !others.contains(&id))).then_some(begun)
    });
    let after = exchanges.chain(flows).filter(|time| *time > refused);
    let after = after.min()?.since(refused);
    (!last.adds || after <= AT_ONCE).then_some(after)
}

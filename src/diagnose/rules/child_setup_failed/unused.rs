//! Child SAs are granted again and again, and none is used.

use super::RULE;
use crate::diagnose::facts::unused::{Step, Unused};
use crate::diagnose::{Case, Finding};
use crate::say;

/// The responder closes each IKE SA as soon as it has granted the child SA, or in IKEv1 the initiator confirms each child
/// SA, as message 3 of quick mode does (RFC 2409 section 5.5), and begins anew without another word.
pub(super) fn unused(case: &Case<'_>) -> Option<Finding> {
    let unused = case.unused()?;
    let finding = match (unused.step, unused.closed) {
        (Step::Auth | Step::QuickMode, true) => closed(case, unused)?,
        (Step::QuickMode, false) => left(case, unused)?,
        // What is not granted is told by `auth-failed`.
        _ => return None,
    };
    let finding = match unused.filtered() {
        Some(filtered) => finding.or(filtered),
        None => finding,
    };
    Some(finding.or("A monitor only tests whether the tunnel comes up, and leaves it."))
}

/// The responder closes each.
fn closed(case: &Case<'_>, unused: &Unused) -> Option<Finding> {
    let (from, to) = (unused.initiator, unused.responder);
    let (finding, span) = unused.closing(&RULE, case, ["the child SA is granted", "and again"])?;
    let finding = finding.says(
        say!(
            "{times} times {from} was granted an IKE SA and a child SA, and {to} sent an informational message that may be \
             a Delete right after that ({span} after it the first time). {from} began anew after {pace} at most.",
            times = unused.lives.len(),
            from,
            to,
            span,
            pace = unused.pace
        )
        .then(unused.esp()),
    );
    Some(
        finding
            .or(say!("{by} cannot install it: its kernel or hardware lacks an algorithm, or refuses the policies.", by = to))
            .or(say!("{to} allows no more: a limit of tunnels or users, a license, or another client with the same identity.", to))
            .or(say!("The message is no Delete, and it is {from} that does not go on.", from))
            .advise(say!("Read the log of {by}: it alone knows the reason.", by = to)),
    )
}

/// The initiator confirms each, and uses none.
fn left(case: &Case<'_>, unused: &Unused) -> Option<Finding> {
    let (from, to) = (unused.initiator, unused.responder);
    let (first, others) = unused.lives.split_first()?;
    let note = say!(
        "{from} confirms the child SA, and nothing of it follows",
        from
    );
    let mut finding = unused
        .finding(&RULE, case, first.up, note)
    .title(say!("{from} uses no child SA that {to} grants, and begins anew", from, to))
    .says(
        say!(
            "{times} times {from} was granted a child SA by {to} and confirmed it. It said no more on that IKE SA, and \
             began anew after {pace} at most.",
            times = unused.lives.len(),
            from,
            to,
            pace = unused.pace
        )
        .then(unused.esp()),
    );
    for life in others {
        finding = finding.also(life.up, "and again");
    }
    Some(
        finding
            .or(say!("{by} cannot install it: its kernel or hardware lacks an algorithm, or refuses the policies.", by = from))
            .or(say!("What {from} sends next is lost before this tap, and it begins anew since nothing passes.", from))
            .advise(say!("Read the log of {by}: it alone knows the reason.", by = from)),
    )
}

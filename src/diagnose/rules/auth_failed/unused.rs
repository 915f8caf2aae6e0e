//! IKE SAs are left, or closed, as soon as the peers have authenticated each other, again and again.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::unused::{Step, Unused};
use crate::diagnose::{Case, Finding};
use crate::say;

/// Who does not believe the responder may say so in an informational exchange, or say nothing (RFC 7296 section 2.21.2,
/// RFC 2409 section 5): then it begins anew, again and again. Or the responder closes each IKE SA before it has granted
/// a child SA.
pub(super) fn unused(case: &Case<'_>) -> Option<Finding> {
    let unused = case.unused()?;
    let finding = match (unused.step, unused.closed) {
        // A child SA was granted: `child-setup-failed` tells.
        (Step::QuickMode, _) | (Step::Auth, true) => return None,
        (_, true) => closed(case, unused)?,
        (_, false) => left(case, unused)?,
    };
    let finding = match unused.filtered() {
        Some(filtered) => finding.or(filtered),
        None => finding,
    };
    let means = Means::of_responder(case.model, unused.lives.first()?.ike_sa);
    Some(means.advise(case, finding))
}

/// The initiator has the responder's proof, and says no more.
fn left(case: &Case<'_>, unused: &Unused) -> Option<Finding> {
    let (from, to) = (unused.initiator, unused.responder);
    let rounds = unused.step == Step::Rounds;
    let what = last_message(unused.step);
    let (first, others) = unused.lives.split_first()?;
    let note = say!(
        "{what} of {to}, and nothing of {from} after it",
        what,
        to,
        from
    );
    let mut finding = unused
        .finding(&RULE, case, first.up, note)
    .title(match rounds {
        true => say!("{from} leaves each IKE SA with {to} after rounds of authentication, without a word", from, to),
        false => say!("{from} may not accept {to}: it leaves each IKE SA without a word", from, to),
    })
    .says(
        say!(
            "{times} times {from} began an IKE SA and had {what} of {to}, for it did not ask again. It said no more on any \
             of them, and began anew after {pace} at most.",
            times = unused.lives.len(),
            from,
            what,
            to,
            pace = unused.pace
        )
        .then(match rounds {
            true => {
                "So does an initiator that does not believe the responder, or whose user or EAP method fails, and does not \
                 say so."
            }
            false => "So does an initiator that does not believe the responder and does not say so.",
        })
        .then(unused.esp()),
    );
    for life in others {
        finding = finding.also(life.up, "the same again");
    }
    if unused.serves {
        // Its ESP is not lost: it sends none.
        finding = finding.explaining(&["esp-one-way"]);
    }
    let same_key = Means::of_responder(case.model, first.ike_sa) == Means::SameKey;
    finding = finding.or(match same_key {
        true => "The identity of the responder is not the one expected.",
        false => {
            "The identity or the certificate of the responder is not the one expected, or not trusted."
        }
    });
    finding = match unused.step {
        Step::Rounds => finding
            .or("EAP failed: the user's name or password is wrong.")
            .or("The user, or the authentication server, does not go on."),
        Step::Auth => finding.or("The pre-shared keys differ."),
        _ => finding.or(say!(
            "{from} waits for XAUTH or Mode Config, which {to} does not begin.",
            from,
            to
        )),
    };
    Some(
        finding
            .or("A monitor only tests whether IKE comes up, and leaves the IKE SA.")
            .or(say!("What {to} sent last does not reach {from}, which begins anew instead of asking again.", to, from))
            .or(say!("What {from} sends next is lost before this tap, and it begins anew since nothing passes.", from)),
    )
}

/// The responder closes each IKE SA at the end of authentication, or amid its rounds.
fn closed(case: &Case<'_>, unused: &Unused) -> Option<Finding> {
    let (from, to) = (unused.initiator, unused.responder);
    let what = last_message(unused.step);
    let (finding, span) = unused.closing(&RULE, case, [what, "the same again"])?;
    let mut finding = finding.says(
        say!(
            "{times} times {from} began an IKE SA, and {to} sent an informational message that may be a Delete right after \
             {what} ({span} after it the first time). {from} began anew after {pace} at most.",
            times = unused.lives.len(),
            from,
            to,
            what,
            span,
            pace = unused.pace
        )
        .then(unused.esp()),
    );
    if unused.step == Step::Rounds {
        finding = finding.or("EAP failed: the user's name or password is wrong.");
    }
    Some(
        finding
            .or(say!("{to} has no connection for the identity of {from}, or wants another authentication after this.", to, from))
            .or(say!("The message is no Delete, and it is {from} that does not go on.", from))
            .or("A monitor only tests whether IKE comes up, and leaves the IKE SA."),
    )
}

/// What the last message is, before an IKE SA is left or closed.
fn last_message(step: Step) -> &'static str {
    match step {
        Step::MainMode => "message 6 of main mode",
        Step::AggressiveMode => "message 3 of aggressive mode",
        Step::Rounds => "the last IKE_AUTH response",
        Step::Auth | Step::QuickMode => "the IKE_AUTH response",
    }
}

//! IKEv2: the initiator wants a post-quantum preshared key, the responder does not take that up, and the initiator stops.

use super::RULE;
use crate::diagnose::facts::{abandoned, clear, first, ppk, tap};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::say;
use crate::units::Span;

/// The initiator says `USE_PPK`, the answer does not, and the initiator neither asks again nor goes on: one that requires
/// such a key ends there (RFC 8784 section 3).
pub(super) fn without_ppk(case: &Case<'_>) -> Option<Finding> {
    /// Who has no answer asks again (RFC 7296 section 2.1), and no program waits longer before it does so first.
    const ASKS_AGAIN: Span = Span::from_secs(15);
    let mut stopped = case.ike_sas().filter_map(|sa| {
        let (exchange, answer) = abandoned::half_open(case.model, sa)?;
        ppk::is_lacking(case.model, exchange).then_some((exchange, answer))
    });
    let (exchange, answer) = stopped.next()?;
    let again: Vec<_> = stopped.map(|(_, answer)| answer).collect();
    let message = first(case.model, exchange.response()?)?;
    let watched = tap::went_on(case.model, message.vantage, answer.1, ASKS_AGAIN);
    let settled = !again.is_empty() || watched;
    // Its next message may be there in pieces.
    if !settled || abandoned::comes_up(case, answer.1) || clear::fragments(case).next().is_some() {
        return None;
    }
    let (from, to) = (message.path.to().address, message.path.from().address);
    let recorded = case.model.past_port_500.contains(&message.vantage.input);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        answer,
        "the answer, without USE_PPK",
    )
    .title(say!("{from} wants a post-quantum preshared key that {to} does not offer", from, to))
    .says(say!(
        "{from} said USE_PPK in IKE_SA_INIT, {to} did not in its answer, and {from} neither asked again nor went on. One \
         that requires a post-quantum preshared key (PPK) ends there (RFC 8784 section 3).",
        from,
        to
    ))
    .or(say!(
        "The next message of {from} is lost on the way to this tap, such as by a filter of UDP 4500.",
        from
    ))
    .advise(say!(
        "Configure the same PPK and its identity on {to}, or let {from} go on without one.",
        to,
        from
    ))
    .advise(say!("Read the log of {from}: it tells why it stops.", from));
    if !recorded {
        finding = finding
            .severity(Severity::Warning)
            .or("A capture filter leaves out UDP 4500: nothing of it is in this capture.");
    }
    for at in again {
        finding = finding.also(at, "the same again");
    }
    Some(finding)
}

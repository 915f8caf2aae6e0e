//! Rekeying is refused again and again, or gets no answer though the peer is heard.

#[cfg(test)]
mod tests;
mod unanswered;

use crate::diagnose::facts::child::{self, Refusal};
use crate::diagnose::facts::rekey::{self, Refused};
use crate::diagnose::facts::{self, Tap, began, esp, life, tap};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{ChildOutcome, Model};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;
use unanswered::{quick_mode_unanswered, unanswered};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "rekey-failed",
    code: "IKE301",
    severity: Severity::Error,
    summary: "Rekeying is refused, or not answered",
    document: DOCUMENT,
    explains: &[
        "sa-expired",
        "sequence-exhausted",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "unknown-spi",
        "path-outage",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::OPENED.or(Signs::CHILD_EXCHANGE).or(Signs::V1),
    check,
};

const DOCUMENT: &str = "\
## What it means
A living tunnel cannot renew its keys: the peer refuses, or does not answer. When the old SA reaches its lifetime, or the request is given up, traffic stops.

## How it is seen
ESP flows, or, where the capture has no ESP, the peers negotiate anew soon and leave the IKE SA. CREATE_CHILD_SA requests are answered by a single notification, or in IKEv1 quick mode by an informational message, and none succeeds soon after. With the keys of the IKE SA the notification tells why. Or a CREATE_CHILD_SA request is sent again and again without an answer, while the peer's own requests come and are answered: smaller messages pass. So may be message 1 of quick mode in IKEv1, while ESP of the peer goes on.

## What else looks like it
A refused attempt to add one more child SA while the others live on: as long as nothing that was in use ends, and the same side renewed none by a request of that size, a rekeying is no more than possible. A side that makes, renews or closes an SA itself refuses meanwhile by TEMPORARY_FAILURE, as it must. One refusal that is followed by success is normal; several that are, in the end, are a warning. A single sealed refusal before the peers negotiate anew, or before one child SA of several ends, is a warning too: a reauthentication may come by itself. Where the requests are large enough to carry a public value, see pfs-mismatch.

## What to do
1. Compare the ESP proposals and PFS groups of both sides.
2. Compare traffic selectors: some peers accept them in IKE_AUTH and refuse them when rekeying.
3. Read the log of the side that refuses.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let read = by_reading(case);
    if read.is_some() {
        return read.into_iter().collect();
    }
    by_size(case)
        .or_else(|| unanswered(case))
        .or_else(|| quick_mode_unanswered(case))
        .into_iter()
        .collect()
}

/// Refusals that are sealed.
fn by_size(case: &Case<'_>) -> Option<Finding> {
    let refused = case.refused(true);
    let large = refused
        .first()
        .is_some_and(|first| first.room_for_public_value().is_some());
    // Then pfs-mismatch tells of it.
    if large && !rekey::has_the_group(case, refused) {
        return None;
    }
    let aftermath = aftermath(case, refused)?;
    // A request that renews a child SA is like one that adds another: a quick mode differs in nothing, and
    // CREATE_CHILD_SA by N(REKEY_SA) alone (RFC 7296 section 1.3.3), which is small beside what proposals and selectors
    // vary by. What the same side was granted by a request of that size tells, or what becomes of those in use.
    let renews = refused.iter().any(|one| one.renews);
    let may_add = !renews && !is_missed(case, refused);
    let (confidence, severity) = match refused.len() {
        1 => (Confidence::Possible, Severity::Warning),
        _ if may_add && is_v1(case, refused) => (Confidence::Possible, Severity::Warning),
        // Whichever it is, a child SA that is wanted is not made.
        _ if may_add => (Confidence::Possible, RULE.severity),
        _ => (Confidence::Likely, RULE.severity),
    };
    let mut finding = finding(&RULE, confidence, case, refused)?;
    let severity = severity.min(finding.severity);
    if may_add && refused.len() > 1 {
        finding.title = say!(
            "{by} refuses to rekey, or to make a further child SA",
            by = refuser(case, refused)?
        );
    }
    let mut says = match is_v1(case, refused) {
        true => quick_refusals(refused.len(), aftermath),
        false => refusals(refused.len(), aftermath),
    };
    if may_add && refused.len() > 1 {
        says.add(
            "Nothing that was in use is seen to end for it. Whether they were to renew a child SA or to add another is \
             sealed.",
        );
    }
    if large {
        finding = finding.or("It is the IKE SA whose rekeying is refused.");
    }
    Some(
        finding
            .severity(severity)
            .says(says)
            .or("An attempt to add a child SA is refused, not a rekeying.")
            .advise("Compare ESP proposals, PFS groups and traffic selectors of both sides.")
            .advise("Read the log of the side that refuses."),
    )
}

/// That so many requests were refused without a reason that can be read, and what came of it.
pub(super) fn refusals(requests: usize, aftermath: Text) -> Text {
    match requests {
        1 => say!(
            "A child SA was up, but 1 CREATE_CHILD_SA request was refused by a single \
             notification and none succeeded soon; {aftermath}.",
            aftermath
        ),
        requests => say!(
            "A child SA was up, but {requests} CREATE_CHILD_SA requests were refused by a \
             single notification and none succeeded soon; {aftermath}.",
            requests,
            aftermath
        ),
    }
}

/// The same of IKEv1.
fn quick_refusals(requests: usize, aftermath: Text) -> Text {
    match requests {
        1 => say!(
            "A child SA was up, but 1 quick mode was refused by an informational message and none succeeded \
             soon; {aftermath}.",
            aftermath
        ),
        requests => say!(
            "A child SA was up, but {requests} quick modes were refused by an informational message and none \
             succeeded soon; {aftermath}.",
            requests,
            aftermath
        ),
    }
}

/// Whether what was refused are quick modes.
fn is_v1(case: &Case<'_>, refused: &[Refused]) -> bool {
    let first = refused.first();
    first.is_some_and(|first| case.model.exchanges[first.exchange].kind == ExchangeType::QUICK_MODE)
}

/// Refusals to rekey that were read. One after which nothing else is tried is a warning: the SA may run out.
fn by_reading(case: &Case<'_>) -> Option<Finding> {
    let mut refusals = case.lasting().to_vec();
    refusals.retain(Refusal::is_rekeying);
    // Either side may refuse the other; who did so first is told of.
    let refuser = refusals.first()?.answer.from;
    refusals.retain(|one| one.answer.from == refuser);
    let (first, last) = (refusals.first()?, refusals.last()?);
    let anew = begins_anew(case, last.at().1);
    let alone = refusals.len() < 2 && !anew;
    if alone && !is_final(case, first) {
        return None;
    }
    let from = first.answer.from;
    let (asker, reason) = (first.asker(), first.name());
    let what = match first.attempt.told.is_of_ike() {
        true => "the IKE SA",
        false => "a child SA",
    };
    let times = child::times(refusals.len());
    let recovered = child::recovered(case, last);
    let came_up = anew && !came_to_nothing(case, last.at().1);
    let settled = came_up || recovered;
    // It is not about algorithms, and normal if what follows works.
    let is_passing = refusals.iter().all(Refusal::is_passing);
    let normal = settled && is_passing;
    let full = NotifyType::NO_ADDITIONAL_SAS.0;
    let is_full = !settled && is_passing && refusals.iter().all(|one| one.reason == full);
    let finding = child::finding(&RULE, Confidence::Certain, case, &refusals)?
        .title(say!(
            "{from} refuses to rekey {what}: {reason}",
            from,
            what,
            reason = reason.clone()
        ))
        .says(match anew {
            _ if recovered => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason}; later it granted it.",
                from,
                what,
                asker,
                times,
                reason
            ),
            true if came_up => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason} and none succeeded; afterwards the \
                 peers negotiated anew.",
                from,
                what,
                asker,
                times,
                reason
            ),
            true => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason} and none succeeded; afterwards they \
                 negotiated anew, and nothing came of that.",
                from,
                what,
                asker,
                times,
                reason
            ),
            false => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason} and none succeeded.",
                from,
                what,
                asker,
                times,
                reason
            ),
        })
        .advise_all((!is_passing).then_some(
            "Compare ESP proposals, PFS groups and traffic selectors of both sides.",
        ))
        .advise(say!("Read the log of {from}.", from))
        // RFC 7296 section 4.
        .advise_all(is_full.then(|| say!(
            "A peer that does not rekey answers so: let {asker} set up a new IKE SA in its place, before the lifetime ends.",
            asker
        )));
    Some(match (normal, alone) {
        (true, _) => finding.severity(Severity::Info),
        (false, true) => {
            let severity = finding.severity.min(Severity::Warning);
            finding.severity(severity)
        }
        (false, false) => finding,
    })
}

/// Whether a refusal is for no passing reason, and another try would have been seen.
fn is_final(case: &Case<'_>, refusal: &Refusal) -> bool {
    /// Who tries other parameters does so at once.
    const AT_ONCE: Span = Span::from_secs(5);
    let flights = &case.model.exchanges[refusal.attempt.exchange].flights;
    let message = flights
        .first()
        .and_then(|flight| facts::first(case.model, flight));
    !refusal.is_passing()
        && message.is_some_and(|message| {
            tap::went_on(case.model, message.vantage, refusal.at().1, AT_ONCE)
        })
}

/// Whether an IKE SA begins after this time, and soon enough.
fn begins_anew(case: &Case<'_>, time: Timestamp) -> bool {
    case.ike_sas()
        .filter(|sa| life::is_begun(case.model, sa))
        .filter_map(|sa| case.model.exchanges[*sa.exchanges.first()?].flights.first())
        .filter_map(|flight| began(case.model, flight))
        .any(|(_, began)| began > time && began.since(time) <= rekey::OUTLIVED)
}

/// Whether no IKE SA that begins after this time comes up, though the recording goes on.
fn came_to_nothing(case: &Case<'_>, time: Timestamp) -> bool {
    let begun = case.ike_sas().filter(|sa| life::is_begun(case.model, sa));
    let mut later = begun.filter(|sa| sa.seen.first.1 > time).peekable();
    later.peek().is_some()
        && later.all(|sa| {
            let first = sa.exchanges.first().map(|id| &case.model.exchanges[*id]);
            let flight = first.and_then(|first| first.flights.first());
            let message = flight.and_then(|flight| facts::first(case.model, flight));
            !sa.state.was_up()
                && message.is_some_and(|message| {
                    tap::went_on(
                        case.model,
                        message.vantage,
                        message.time,
                        tap::Tap::PATIENCE,
                    )
                })
        })
}

/// How long the recording goes on without ESP of either end, if the last came about a time.
fn silent_since(case: &Case<'_>, time: Timestamp) -> Option<Span> {
    /// Longer than most traffic pauses.
    const SILENT: Span = Span::from_secs(5);
    /// What goes on for longer may end for any reason.
    const SOON: Span = Span::from_secs(60);
    let ends = [0, 1].map(|end| {
        let directions = case.directions().iter();
        let flows = directions.flat_map(|directions| directions.flows(end).iter());
        flows.max_by_key(|flow| flow.seen.last.1)
    });
    let [Some(one), Some(other)] = ends else {
        return None;
    };
    let last = match one.seen.last.1 > other.seen.last.1 {
        true => one,
        false => other,
    };
    let ended = last.seen.last.1;
    let span = tap::ended(case.model, last.key.vantage)?.since(ended);
    let about_then = time.since(ended) <= SILENT && ended.since(time) <= SOON;
    (about_then && span > SILENT).then_some(span)
}

/// How long after a refusal a child SA that was in use ends in both directions, as a message of IKE comes, while
/// others go on and none begins anew: the refusal was of its renewal.
fn ran_out(case: &Case<'_>, refused: Timestamp) -> Option<Span> {
    /// A message that deletes, and the last packet of each direction, come within this time.
    const TOGETHER: Span = Span::from_secs(1);
    /// So many packets after the refusal show that it was in use.
    const USED: u64 = 5;
    case.directions().iter().find_map(|directions| {
        let goes_on = directions.all().map(|flow| flow.seen.last.1).max()?;
        if directions.all().any(|flow| flow.seen.first.1 > refused) {
            return None;
        }
        let ended = |end: usize| {
            let flows = directions.flows(end).iter();
            flows.filter(move |flow| {
                let silent = goes_on.since(flow.seen.last.1);
                let used = esp::packets_since(flow, refused);
                let pace = flow.seen.last.1.since(refused).0
                    / i64::try_from(used.max(1)).unwrap_or(i64::MAX);
                used >= USED && silent >= Tap::PATIENCE && silent.0 / 10 >= pace
            })
        };
        let (one, other) = (ended(0).next()?, ended(1).next()?);
        let (first, last) = (
            one.seen.last.1.min(other.seen.last.1),
            one.seen.last.1.max(other.seen.last.1),
        );
        let told = || {
            case.messages().any(|message| {
                message.time > refused
                    && message.time.since(first) >= Span(-TOGETHER.0)
                    && message.time.since(last) <= TOGETHER
            })
        };
        (last.since(first) <= TOGETHER && told()).then(|| last.since(refused))
    })
}

/// Whether a request that may be the same as the last refused one was granted at last, under the same
/// IKE SA.
fn granted_at_last(model: &Model, refused: &[Refused]) -> bool {
    let Some(last) = refused.last() else {
        return false;
    };
    model.ike_sas[last.ike_sa]
        .exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| rekey::ended(model, exchange, ChildOutcome::Made))
        .filter_map(|exchange| crate::diagnose::facts::began(model, exchange.flights.first()?))
        .any(|(_, asked)| asked > last.response.1)
}

/// Whether something ended after the first refusal, or began anew, that would not have with a new child SA.
fn is_missed(case: &Case<'_>, refused: &[Refused]) -> bool {
    let (Some(first), Some(last)) = (refused.first(), refused.last()) else {
        return false;
    };
    begins_anew(case, first.response.1)
        || silent_since(case, last.response.1).is_some()
        || ran_out(case, first.response.1).is_some()
}

/// Who refused the first of these.
fn refuser(case: &Case<'_>, refused: &[Refused]) -> Option<IpAddr> {
    let flight = case.model.exchanges[refused.first()?.exchange]
        .flights
        .first()?;
    let path = &facts::first(case.model, flight)?.path;
    Some(match flight.response {
        true => path.from().address,
        false => path.to().address,
    })
}

/// A finding with every refusal as evidence.
pub(super) fn finding(
    rule: &'static Rule,
    confidence: Confidence,
    case: &Case<'_>,
    refused: &[Refused],
) -> Option<Finding> {
    let first = refused.first()?;
    let by = refuser(case, refused)?;
    let note = match is_v1(case, refused) {
        true => "quick mode message 1 answered by an informational message",
        false => "CREATE_CHILD_SA answered by one notification",
    };
    let mut finding = Finding::new(rule, confidence, case.id, first.response, note)
        .title(say!("{by} refuses to rekey", by))
        .also(first.request, "the request");
    for one in refused.iter().skip(1) {
        finding = finding.also(one.response, "refused again");
    }
    if granted_at_last(case.model, refused) {
        finding = finding.severity(rule.severity.min(Severity::Warning));
    }
    Some(finding)
}

/// What came of the refusals, in words; `None` if it was too little to speak of: one refusal, after
/// which all goes on as before.
pub(super) fn aftermath(case: &Case<'_>, refused: &[Refused]) -> Option<Text> {
    let last = refused.last()?.response.1;
    let anew = begins_anew(case, last);
    match (anew, refused.len()) {
        // What begins anew after that has other reasons.
        (_, 1) if granted_at_last(case.model, refused) => None,
        _ if granted_at_last(case.model, refused) => Some("one was granted later".into()),
        (true, _) => Some("afterwards the peers negotiated anew".into()),
        (false, 1) => ran_out(case, last).map(|span| {
            say!(
                "ESP of one child SA ended {span} later, and none came in its place",
                span
            )
        }),
        (false, _) if begins_anew(case, refused.first()?.response.1) => Some(
            "after some the peers negotiated anew, and the capture ends before the last is settled"
                .into(),
        ),
        (false, _) => match silent_since(case, last) {
            Some(span) => Some(say!("ESP ended about then, and none came for {span}", span)),
            None => Some("the capture ends before it is settled".into()),
        },
    }
}

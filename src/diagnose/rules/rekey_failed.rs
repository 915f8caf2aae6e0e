//! Rekeying is refused again and again, or gets no answer though the peer is heard.

use crate::diagnose::facts::child::{self, Refusal};
use crate::diagnose::facts::rekey::{self, Refused};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{
    self, Asked, Passage, Tap, asked, began, end_of, esp, life, probe, tap,
};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{ChildOutcome, Model};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

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
    let aftermath = aftermath(case, refused).filter(|_| !large)?;
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
    Some(
        finding
            .severity(severity)
            .says(says)
            .or("An attempt to add a child SA is refused, not a rekeying.")
            .advise("Compare ESP proposals, PFS groups and traffic selectors of both sides.")
            .advise("Read the log of the side that refuses."),
    )
}

/// A request that is sent again and again in vain, though the peer's own requests come one after the other:
/// what they carry is small, and a child SA or an IKE SA asks for more.
fn unanswered(case: &Case<'_>) -> Option<Finding> {
    /// So many copies are not all lost by chance where other messages pass.
    const TRIES: usize = 4;
    if !case.unsettled().iter().any(Asked::is_silent) {
        return None;
    }
    let (sa, request) = case.ike_sas().find_map(|sa| {
        let mut asked = asked::all(case.model, sa);
        let request = asked.find(|asked| {
            asked.exchange.kind == ExchangeType::CREATE_CHILD_SA
                && asked.is_silent()
                && asked.attempts() >= TRIES
                && probe::goes_on(case.model, sa, asked)
                && !probe::lives_on(case, sa, asked)
        })?;
        Some((sa, request))
    })?;
    let (from, to) = (request.from().address, request.to().address);
    let meanwhile = meanwhile(case, &request)?;
    let mut finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        request.first,
        say!("CREATE_CHILD_SA to {to}, never answered", to),
    )
    .also(request.last, "last copy, unanswered")
    .also(meanwhile.last, say!("a message of {to}, after the first copy", to))
    .title(say!("{to} does not answer the rekeying of {from}", to, from))
    .says(
        say!(
            "CREATE_CHILD_SA of {from} has {octets} octets, was {schedule} and not answered. Meanwhile {messages} \
             of {to} came, of {largest} octets at most: both sides live, and this exchange fails.",
            from,
            octets = request.message.header.length,
            schedule = request.schedule(),
            messages = count(meanwhile.messages, "IKE message"),
            to,
            largest = meanwhile.largest
        )
        .then(probe::after(case, sa, (request.first.1, request.last.1))),
    );
    finding = match Passage::of(case, request.flight) {
        Some(passage) => {
            if passage.is_proven() {
                finding.confidence = Confidence::Certain;
            }
            passage.tell(case.model, finding, "the request")
        }
        None => finding,
    };
    Some(
        finding
            .or("A filter or a small link drops IKE messages of that size.")
            .or(say!("{to} receives it and fails to work on it.", to))
            .advise(say!(
                "Capture at {to}: if the request does not arrive there, let large UDP packets and their fragments \
                 pass, or let IKE fragment its messages (RFC 7383).",
                to
            ))
            .advise_all(vendor_advice::of(case, from, Topic::Fragmentation))
            .advise(say!("If it arrives, read the log of {to}.", to)),
    )
}

/// IKEv1: message 1 of quick mode, again and again in vain, while ESP of the peer goes on.
fn quick_mode_unanswered(case: &Case<'_>) -> Option<Finding> {
    /// So many copies are not all lost by chance where ESP passes.
    const TRIES: usize = 4;
    /// So many packets show that the peer lives, and that what it sends arrives.
    const ALIVE: u64 = 5;
    let mut silent = case.unsettled().iter().filter(|asked| {
        asked.exchange.kind == ExchangeType::QUICK_MODE
            && asked.exchange.flights.len() == 1
            && asked.is_silent()
            && asked.attempts() >= TRIES
    });
    let (request, packets, last) = silent.find_map(|asked| {
        let peer = end_of(case.tunnel, asked.to().address)?;
        let directions = case.directions_at(asked.message.vantage)?;
        let flows = directions.flows_from(1 - peer, asked.to());
        let lives = flows
            .into_iter()
            .filter(|flow| flow.seen.first.1 < asked.first.1 && flow.seen.last.1 > asked.last.1);
        let alive = lives.map(|flow| {
            let since = |time| esp::packets_since(flow, time);
            (since(asked.first.1), flow.seen.last)
        });
        let (packets, last) = alive.max_by_key(|(_, last)| last.1)?;
        (packets >= ALIVE).then_some((asked, packets, last))
    })?;
    let (from, to) = (request.from().address, request.to().address);
    let finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        request.first,
        "message 1 of quick mode, never answered",
    )
    .also(request.last, "last copy, unanswered")
    .also(last, "ESP of the peer, after it")
    .title(say!("{to} does not answer quick mode of {from}", to, from))
    .says(say!(
        "Message 1 of quick mode of {from} was {schedule} and not answered, while {packets} of {to} came: it lives, \
         and the child SA is not renewed.",
        from,
        schedule = request.schedule(),
        packets = count(packets, "ESP packet"),
        to
    ))
    .or("IKE is lost on the way, there or back, while ESP passes.")
    .or(say!("{to} receives it and says nothing: it does not accept it.", to))
    .or("It asks for one more child SA.")
    .advise(say!("Capture at {to}, and read its log: does the request arrive?", to));
    Some(Passage::told(case, request.flight, finding, "the request"))
}

/// Messages of IKE that came from whom a request was for, after its first copy.
struct Meanwhile {
    messages: u64,
    largest: u32,
    last: Cite,
}

fn meanwhile(case: &Case<'_>, request: &Asked<'_>) -> Option<Meanwhile> {
    let peer = end_of(case.tunnel, request.to().address)?;
    let came = case.messages().filter(|message| {
        message.vantage == request.message.vantage
            && message.time > request.first.1
            && message.time <= request.last.1
            && end_of(case.tunnel, message.path.from().address) == Some(peer)
    });
    came.fold(None, |known: Option<Meanwhile>, message| {
        let known = known.map_or((0, 0), |known| (known.messages, known.largest));
        Some(Meanwhile {
            messages: known.0 + 1,
            largest: known.1.max(message.header.length),
            last: (message.frame, message.time),
        })
    })
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
    // It is answered so while its own exchange about the same SA is under way (RFC 7296 section
    // 2.25), or if it makes IKE SAs anew instead: normal, if what follows works.
    let passing = [
        NotifyType::TEMPORARY_FAILURE.0,
        NotifyType::NO_ADDITIONAL_SAS.0,
        NotifyType::CHILD_SA_NOT_FOUND.0,
    ];
    let recovered = child::recovered(case, last);
    let came_up = anew && !came_to_nothing(case, last.at().1);
    let settled = came_up || recovered;
    // They are not about algorithms.
    let is_passing = !first.v1 && refusals.iter().all(|one| passing.contains(&one.reason));
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
    let passing = [
        NotifyType::TEMPORARY_FAILURE.0,
        NotifyType::NO_ADDITIONAL_SAS.0,
        NotifyType::CHILD_SA_NOT_FOUND.0,
    ];
    let flights = &case.model.exchanges[refusal.attempt.exchange].flights;
    let message = flights
        .first()
        .and_then(|flight| facts::first(case.model, flight));
    (refusal.v1 || !passing.contains(&refusal.reason))
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

/// How long the recording goes on without ESP of either end, if some came about a time, or after it.
fn silent_since(case: &Case<'_>, time: Timestamp) -> Option<Span> {
    /// Longer than most traffic pauses.
    const SILENT: Span = Span::from_secs(5);
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
    (time.since(ended) <= SILENT && span > SILENT).then_some(span)
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

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
        10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80";

    #[test]
    fn what_a_new_ike_sa_without_a_child_is_refused_is_no_rekeying() {
        let again = UP
            .lines()
            .filter(|line| !line.contains("ESP") && !line.contains("IKE_AUTH"))
            .map(|line| line.trim().replace("i=1", "i=7").replace("r=2", "r=8"))
            .filter_map(|line| {
                let (time, rest) = line.split_once(' ')?;
                Some(format!("{} {rest}\n", time.parse::<f64>().ok()? + 200.0))
            })
            .collect::<String>();
        // IKE_AUTH without a child SA.
        let auth = "200.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                    200.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 144
                    215 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=3 request sealed 208 seed=1
                    215.1 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=3 response sealed 80";
        let before: Vec<&str> = UP
            .lines()
            .filter(|line| !line.contains("CREATE_CHILD_SA"))
            .collect();
        let text = format!("{}\n{again}{auth}", before.join("\n"));
        silent(&text, "rekey-failed");
        verdict(&text, "child-setup-failed");
    }

    /// The other client has an IKE SA and ports of its own.
    #[test]
    fn what_a_client_without_a_child_is_refused_is_no_rekeying_of_its_neighbour() {
        let up = UP
            .lines()
            .filter(|line| !line.contains("CREATE_CHILD_SA"))
            .collect::<Vec<_>>()
            .join("\n");
        let neighbour = |answer: u32| {
            format!(
                "{up}
                 5 A:700 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 5.1 B:500 > A:700 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 5.2 A:700 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 5.3 B:500 > A:700 IKE_AUTH i=7 r=8 id=1 response sealed {answer}
                 7 A:700 > B:500 CREATE_CHILD_SA i=7 r=8 id=2 request sealed 208
                 7.1 B:500 > A:700 CREATE_CHILD_SA i=7 r=8 id=2 response sealed 80
                 9 A:700 > B:500 CREATE_CHILD_SA i=7 r=8 id=3 request sealed 208 seed=1
                 9.1 B:500 > A:700 CREATE_CHILD_SA i=7 r=8 id=3 response sealed 80"
            )
        };
        silent(&neighbour(144), "rekey-failed");
        verdict(&neighbour(144), "child-setup-failed");
        fires(&neighbour(240), "rekey-failed");
    }

    #[test]
    fn quick_modes_that_are_refused_may_be_for_one_more_child() {
        let refused = "
            14 A:500 > B:500 QUICK i=1 r=2 id=0x19 sealed 188
            14.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x17 sealed 76";
        let goes_on = PAIRS.replace("1..40", "1..80");
        let finding = fires(&format!("{goes_on}{refused}"), "rekey-failed");
        assert_eq!(finding.severity, Severity::Warning);
        // What was in use ends, and so it was its renewal.
        let ends = format!("{PAIRS}{refused}\n21 A:500 > B:500 INFO_V1 i=1 r=2 id=0x8 sealed 76");
        assert_eq!(fires(&ends, "rekey-failed").severity, Severity::Error);
    }

    const PAIRS: &str = "
        1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..80 every 0.5 size 136
        1 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 QUICK i=1 r=2 id=0x9 sealed 188
        10.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x7 sealed 76";

    #[test]
    fn a_child_sa_that_ends_after_one_refusal_while_others_go_on() {
        let deleted = format!("{PAIRS}\n21 A:500 > B:500 INFO_V1 i=1 r=2 id=0x8 sealed 76");
        let finding = fires(&deleted, "rekey-failed");
        assert_eq!(finding.severity, Severity::Warning);
        // Hosts that have no more to say.
        silent(PAIRS, "rekey-failed");
        // Another took its place.
        let renewed = format!("{deleted}\n19 A > B ESP 0xb3 seq 1..40 every 0.5 size 136");
        silent(&renewed, "rekey-failed");
    }

    #[test]
    fn a_quick_mode_that_nobody_answers_though_esp_passes() {
        let text = |copies: &str, packets: u32| {
            format!(
                "1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..{packets} every 0.5 size 136
                 10 A:500 > B:500 QUICK i=1 r=2 id=0x9 sealed 188 {copies}"
            )
        };
        verdict(&text("again=1.5,4,8", 80), "rekey-failed");
        // The peer is gone as a whole.
        silent(&text("again=1.5,4,8", 17), "rekey-failed");
        silent(&text("again=1.5", 80), "rekey-failed");
    }

    #[test]
    fn one_refusal_that_was_read_is_a_warning() {
        let text = |reason: &str| {
            format!(
                "1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 208 opened SA(IKE 7 ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N({reason})
                 60 C > B ESP 0xc1"
            )
        };
        let finding = fires(&text("NO_PROPOSAL_CHOSEN"), "rekey-failed");
        assert_eq!(finding.severity, Severity::Warning);
        // It is asked for again, by and by (RFC 7296 section 2.25).
        silent(&text("TEMPORARY_FAILURE"), "rekey-failed");
    }

    #[test]
    fn requests_that_cross_are_refused_for_the_moment() {
        let text = |at: f64, opened: bool| {
            let (offer, refusal) = match opened {
                true => (
                    " opened SA(IKE 7 ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                    " opened N(TEMPORARY_FAILURE)",
                ),
                false => ("", ""),
            };
            let (later, last) = (at + 0.1, at + 0.2);
            let one = |id: u32, at: f64, later: f64, last: f64| {
                format!(
                    "{at} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208{offer}
                     {at}1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} request by=responder sealed 208{offer}
                     {later} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 80{refusal}
                     {last} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} response by=responder sealed 80{refusal}\n"
                )
            };
            let before: Vec<&str> = UP
                .lines()
                .filter(|line| !line.contains("CREATE_CHILD_SA"))
                .collect();
            format!(
                "{}\n{}{}",
                before.join("\n"),
                one(2, at, later, last),
                one(3, at + 5.0, later + 5.0, last + 5.0)
            )
        };
        for opened in [false, true] {
            silent(&text(12.5, opened), "rekey-failed");
        }
        let alone = text(12.5, true);
        let alone: Vec<&str> = alone
            .lines()
            .filter(|line| !line.contains("by=responder"))
            .collect();
        fires(&alone.join("\n"), "rekey-failed");
    }

    #[test]
    fn a_capture_without_esp_shows_it_by_what_follows() {
        let life = |n: u32| {
            let lines: Vec<String> = UP
                .lines()
                .filter(|line| !line.contains("ESP"))
                .filter_map(|line| {
                    let (time, rest) = line.trim().split_once(' ')?;
                    let time = time.parse::<f64>().ok()? + f64::from(n) * 60.0;
                    let rest = rest.replace("i=1", &format!("i={n}1"));
                    Some(format!(
                        "{time} {}",
                        rest.replace("r=2", &format!("r={n}2"))
                    ))
                })
                .collect();
            let (i, r, t) = (format!("{n}1"), format!("{n}2"), n * 60 + 30);
            let r = lines[0].contains("r=0").then_some(r).unwrap();
            format!(
                "{}\n{t} A:500 > B:500 INFORMATIONAL i={i} r={r} id=3 request sealed 80
                 {t}.1 B:500 > A:500 INFORMATIONAL i={i} r={r} id=3 response sealed 80\n",
                lines.join("\n")
            )
        };
        verdict(&(life(1) + &life(2) + &life(3)), "rekey-failed");
    }

    #[test]
    fn what_a_later_reconnect_follows_tells_of_no_rekeying_in_a_capture_without_esp() {
        let once: Vec<&str> = UP.lines().filter(|line| !line.contains("ESP")).collect();
        let text = |later: u32| {
            format!(
                "{}
                 {later} A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce
                 {later}.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(DH14) KE(14) Nonce",
                once.join("\n")
            )
        };
        fires(&text(40), "rekey-failed");
        silent(&text(9000), "rekey-failed");
        fires(&text(9000), "child-setup-failed");
    }

    #[test]
    fn certificates_hide_the_child_sa_of_ike_auth_and_its_flow_shows_it() {
        let idle = |flows: bool| {
            let up = UP.lines().filter(|line| !line.contains("CREATE_CHILD_SA"));
            let up = up.filter(|line| flows || !line.contains("ESP"));
            let up: Vec<&str> = up.collect();
            let up = up.join("\n");
            let up = up.replace("sealed 256", "sealed 1600");
            up.replace("sealed 240", "sealed 1536")
                + "
                 120 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
                 120.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 125 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
                 125.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
        };
        verdict(&idle(true), "rekey-failed");
        silent(&idle(false), "rekey-failed");
    }

    #[test]
    fn small_requests_refused_twice() {
        verdict(
            &format!(
                "{UP}
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
            ),
            "rekey-failed",
        );
    }

    #[test]
    fn quick_modes_refused_twice_while_traffic_flows() {
        let up = "
            0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=2 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=2 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE(14) Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE(14) Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 76
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
            0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
            0.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1
            0.8 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60
            1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
            1.1 B > A ESP 0xa1 seq 1..80 every 0.5 size 136
            10 B:500 > A:500 QUICK i=1 r=2 id=0x78 by=responder sealed 188
            10.1 A:500 > B:500 INFO_V1 i=1 r=2 id=0x79 sealed 76";
        let again = "
            20 B:500 > A:500 QUICK i=1 r=2 id=0x7a by=responder sealed 188
            20.1 A:500 > B:500 INFO_V1 i=1 r=2 id=0x7b sealed 76";
        let granted = "
            20.3 A:500 > B:500 QUICK i=1 r=2 id=0x7c sealed 188
            20.4 B:500 > A:500 QUICK i=1 r=2 id=0x7c by=responder sealed 188 seed=1
            20.5 A:500 > B:500 QUICK i=1 r=2 id=0x7c sealed 60
            20.6 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
            20.7 B > A ESP 0xa2 seq 1..40 every 0.5 size 136";
        verdict(&format!("{up}{again}"), "rekey-failed");
        // Message 2 is not in the recording, and what it made is: the small message deleted the old SA.
        let made = "\n            11 A > B ESP 0xb5 seq 1..20 every 0.5 size 136";
        silent(&format!("{up}{again}{made}"), "rekey-failed");
        silent(up, "rekey-failed");
        silent(&format!("{up}{again}{granted}"), "rekey-failed");
    }

    /// A new IKE SA that begins at this second, by main mode or not.
    fn anew(at: u32) -> String {
        format!(
            "{at} A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce"
        )
    }

    #[test]
    fn one_sealed_refusal_before_a_new_negotiation_is_no_error() {
        let finding = fires(&format!("{UP}\n{}", anew(60)), "rekey-failed");
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn a_reauthentication_hours_later_has_nothing_to_do_with_it() {
        silent(&format!("{UP}\n{}", anew(9000)), "rekey-failed");
    }

    #[test]
    fn refusals_after_which_one_is_granted_are_no_error() {
        let text = format!(
            "{UP}
             15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
             15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80
             60 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=4 request sealed 208 seed=2
             60.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=4 response sealed 208"
        );
        let finding = fires(&text, "rekey-failed");
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.says.to_string().contains("one was granted later"));
    }

    #[test]
    fn temporary_failures_that_pass_are_information() {
        let child = "SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)";
        let asked = |at: u32, id: u32, answer: &str| {
            format!(
                "{at} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 seed={id} opened N(REKEY_SA ESP 0xa1) {child}
                 {at}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response {answer}\n"
            )
        };
        let failure = "sealed 80 opened N(TEMPORARY_FAILURE)";
        let granted = format!("sealed 208 opened {}", child.replace("0xa2", "0xb2"));
        let refused = asked(20, 3, failure) + &asked(35, 4, failure);
        let text = format!("{UP}\n{refused}{}", asked(60, 5, &granted));
        let text = text
            .replace("10 A:500", "# 10 A:500")
            .replace("10.1 B:500", "# 10.1 B:500");
        let finding = fires(&text, "rekey-failed");
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.says.to_string().contains("later it granted it"));
    }

    #[test]
    fn one_refusal_without_consequence_is_not_worth_an_alarm() {
        silent(UP, "rekey-failed");
    }

    #[test]
    fn one_refusal_that_was_read_counts_if_the_peers_negotiate_anew() {
        let text = |after: &str| {
            let up = UP.split("10 A:500").next().unwrap();
            format!(
                "{up}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(NO_ADDITIONAL_SAS)
                 {after}
                 100 C > B ESP 0xc1"
            )
        };
        let severity = |after: &str| fires(&text(after), "rekey-failed").severity;
        assert_eq!(severity(&anew(60)), Severity::Error);
        let up = "60.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                  60.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240";
        assert_eq!(severity(&format!("{}\n{up}", anew(60))), Severity::Info);
        silent(&text(""), "rekey-failed");
    }

    /// What comes before the first refusal.
    fn before() -> &'static str {
        UP.split_at(UP.find("10 A:500").unwrap()).0
    }

    /// A request of five copies in vain, while the peer asks so often whether we live.
    fn in_vain(checks: u32) -> String {
        let checks: String = (0..checks)
            .map(|n| {
                let at = 10 + n * 3;
                format!(
                    "{at}.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id={n} request by=responder sealed 80 seed={n}
                     {at}.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id={n} response by=initiator sealed 80 seed={n}\n"
                )
            })
            .collect();
        let up = before();
        format!(
            "{up}
             10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 752 again=1.5,3.9,7.7,13.9
             {checks}
             45 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             45.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
        )
    }

    #[test]
    fn a_rekeying_that_is_never_answered_though_the_peer_is_heard() {
        let text = in_vain(5);
        verdict(&text, "rekey-failed");
        let finding = fires(&text, "rekey-failed");
        assert!(
            finding.says.to_string().contains("752 octets"),
            "{}",
            finding.says
        );
        // Of a peer that is not heard any more it is not the rekeying that fails.
        silent(&in_vain(0), "rekey-failed");
        verdict(&in_vain(0), "dpd-timeout");
    }
}

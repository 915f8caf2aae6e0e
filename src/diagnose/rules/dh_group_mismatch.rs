//! The responder asks for a group that the initiator never comes up with.

use crate::diagnose::facts::clear::{self, Notice};
use crate::diagnose::facts::offer;
use crate::diagnose::facts::tap::{Tap, went_on};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Asked, Passage, child, first, recovery};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, Flight, IkeSa, Model};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp};
use std::cell::OnceCell;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "dh-group-mismatch",
    code: "IKE203",
    severity: Severity::Error,
    summary: "The peers do not agree on a key exchange group",
    document: DOCUMENT,
    explains: &["ike-no-response", "tunnel-flapping", "clear-text-leak"],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder wants another Diffie-Hellman group than the one whose public value was sent, and the initiator does not come back with it: it does not have that group, or it keeps sending the same one.

## How it is seen
IKE_SA_INIT is answered in clear by INVALID_KE_PAYLOAD (17), which names the group wanted. No attempt with that group is answered afterwards, or one is and the responder asks for another group again. Where the initiator comes with that group, again and again, its message is lost or ignored: a large public value makes it large.

## What else looks like it
One INVALID_KE_PAYLOAD followed by success is normal: the initiator guessed the group (see dh-group-retry).

## What to do
1. Configure the same key exchange group on both sides.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut asked: Vec<(&Notice, Option<bool>)> = Vec::new();
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        for notice in clear::refusals(sa, NotifyType::INVALID_KE_PAYLOAD) {
            // Without the request nothing is known of the attempts before and after it.
            let asked_here = case.model.exchanges[notice.exchange].request().is_some();
            if notice.exchange_kind == ExchangeType::IKE_SA_INIT && asked_here {
                let offered = wanted(notice).and_then(|group| {
                    let (offer, _) = offer::offered(case.model, sa)?;
                    Some(offer.has_group(group))
                });
                asked.push((notice, offered));
            }
        }
    }
    let agreed = OnceCell::new();
    let unresolved: Vec<&(&Notice, Option<bool>)> = asked
        .iter()
        .filter(|(notice, offered)| {
            !is_resolved(case, notice, &agreed)
                && (*offered == Some(false) || came_to_rest(case.model, notice))
        })
        .collect();
    let Some((notice, offered)) = unresolved.first() else {
        return Vec::new();
    };
    if let Some(finding) = contradiction(case, &unresolved) {
        return vec![finding];
    }
    let group = wanted(notice).map_or_else(|| "another group".into(), offer::group);
    if let Some(asked) = came_in_vain(case, notice) {
        return vec![too_large(case, notice, asked, group)];
    }
    let why = match offered {
        Some(false) => "The initiator does not offer that group at all.",
        _ if !came_with(case, notice) => {
            "The initiator offers that group, and did not come with it."
        }
        _ => "No attempt with that group was answered afterwards.",
    };
    let mut finding = Finding::new(
        &RULE,
        if *offered == Some(false) {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        case.id,
        notice.at,
        say!("INVALID_KE_PAYLOAD asks for {group}", group = group.clone()),
    )
    .title(say!(
        "{from} insists on {group}",
        from = notice.from,
        group = group.clone()
    ))
    .says(
        say!(
            "{from} answered INVALID_KE_PAYLOAD {times} and asks for {group}.",
            from = notice.from,
            times = child::times(unresolved.len()),
            group = group.clone()
        )
        .then(why),
    )
    .or("The capture ends, or misses packets, between the refusal and the next attempt.")
    .advise(say!(
        "Configure {group} on the initiator, or its group on the responder.",
        group
    ))
    .advise_all(vendor_advice::of_both(case, Topic::IkeProposal));
    if *offered == Some(true) && !came_with(case, notice) {
        finding = finding.or(
            "It came with that group, and the message, larger by its public value, is lost on the way.",
        );
    }
    for (again, _) in unresolved.iter().skip(1) {
        finding = finding.also(again.at, "asked again");
    }
    vec![recovery::tell(case, finding)]
}

/// The attempt with the group that was asked for, if it was repeated and had no answer.
fn came_in_vain<'c, 'm>(case: &'c Case<'m>, notice: &Notice) -> Option<&'c Asked<'m>> {
    /// Copies in vain.
    const TRIES: usize = 3;
    case.unsettled().iter().find(|asked| {
        let begins = asked.exchange.kind == ExchangeType::IKE_SA_INIT && asked.is_silent();
        let insists = asked.attempts() >= TRIES && asked.to().address == notice.from;
        begins && insists && complies(case, asked.flight, notice)
    })
}

/// The initiator has the group, and what it sends with it is not answered: its public value may make the message too
/// large for the path.
fn too_large(case: &Case<'_>, notice: &Notice, asked: &Asked<'_>, group: Text) -> Finding {
    let (from, initiator) = (notice.from, asked.from().address);
    let refused = case.model.exchanges[notice.exchange].request();
    let refused = refused.and_then(|request| first(case.model, request));
    let before = refused.map(|message| message.ip.length);
    let size = asked.message.ip.length;
    let larger = before.filter(|before| *before < size);
    let finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        notice.at,
        say!("INVALID_KE_PAYLOAD asks for {group}", group = group.clone()),
    )
    .also(asked.first, say!("the attempt with {group}", group = group.clone()))
    .also(asked.last, "last copy, unanswered")
    .title(say!(
        "{from} does not answer the attempt with {group}, for which it asked",
        from,
        group = group.clone()
    ))
    .says(say!(
        "{from} asked for {group} by INVALID_KE_PAYLOAD. {initiator} came with it, in {size} octets, {schedule}, and had \
         no answer.",
        from,
        group,
        initiator,
        size,
        schedule = asked.schedule()
    ))
    .or(match larger {
        Some(before) => say!(
            "The message is too large for the path, or its answer is: that of {before} octets was answered.",
            before
        ),
        None => "The attempt, or its answer, is lost on the way.".into(),
    })
    .or(say!("{from} does not take the attempt, and says nothing.", from))
    .advise(say!(
        "Capture at {from}: does the attempt with that group arrive there, and is it answered?",
        from
    ))
    .advise("Let IP fragments pass, or agree on a group with a smaller public value.")
    .advise(say!("Read the log of {from}.", from));
    let finding = Passage::told(case, asked.flight, finding, "the request");
    recovery::tell(case, finding)
}

/// A responder that turns down the very group that it asked for, and asks for another: no initiator can please it.
fn contradiction(case: &Case<'_>, asked: &[&(&Notice, Option<bool>)]) -> Option<Finding> {
    let (first, first_group) = asked.iter().find_map(|(notice, _)| {
        let group = wanted(notice)?;
        Some((*notice, group))
    })?;
    let (then, other) = asked.iter().find_map(|(notice, _)| {
        let other = wanted(notice).filter(|group| *group != first_group)?;
        let request = case.model.exchanges[notice.exchange].request()?;
        let (_, read) = case.model.readable(request)?;
        let came = read.ke()?.group == first_group;
        (came && notice.from == first.from).then_some((*notice, other))
    })?;
    let (wanted, other) = (offer::group(first_group), offer::group(other));
    let from = first.from;
    Some(
        Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            first.at,
            say!("INVALID_KE_PAYLOAD asks for {group}", group = wanted.clone()),
        )
        .also(
            then.at,
            say!("INVALID_KE_PAYLOAD asks for {group}", group = other.clone()),
        )
        .during(first.at.1, asked.last().map_or(then.at.1, |(last, _)| last.at.1))
        .title(say!("{from} asks for one group after the other", from))
        .says(say!(
            "{from} asked for {wanted} by INVALID_KE_PAYLOAD; the initiator came with that, and {from} turned it down \
             too and asked for {other}. So it goes in circles.",
            from,
            wanted = wanted.clone(),
            other = other.clone()
        ))
        .or("Several gateways with different settings answer at that address.")
        .advise(say!(
            "Configure one and the same group alone on both sides: {wanted} or {other}.",
            wanted,
            other
        ))
        .advise(say!("Read the log of {from}.", from))
        .advise_all(vendor_advice::of_both(case, Topic::IkeProposal)),
    )
}

/// Whether an initiator came with the group that it was asked for, as it has to (RFC 7296 section 1.2).
fn came_with(case: &Case<'_>, notice: &Notice) -> bool {
    let begins = case
        .exchanges()
        .filter(|exchange| exchange.kind == ExchangeType::IKE_SA_INIT);
    let mut requests = begins.filter_map(Exchange::request);
    requests.any(|request| complies(case, request, notice))
}

/// Whether a request came later than the notification, and with the group that this asks for.
fn complies(case: &Case<'_>, request: &Flight, notice: &Notice) -> bool {
    case.model.readable(request).is_some_and(|(message, read)| {
        let group = read.ke().map(|ke| ke.group);
        message.time > notice.at.1 && group.is_some() && group == wanted(notice)
    })
}

/// The group that the notification asks for (RFC 7296 section 1.2).
pub(super) fn wanted(notice: &Notice) -> Option<u16> {
    notice.data.first_chunk().copied().map(u16::from_be_bytes)
}

/// Whether an `IKE_SA_INIT` to the same responder, asked for soon after, succeeded. What succeeded is asked of the
/// whole tunnel once, and kept in `agreed`.
pub(super) fn is_resolved(
    case: &Case<'_>,
    notice: &Notice,
    agreed: &OnceCell<Vec<(IpAddr, Timestamp)>>,
) -> bool {
    /// An initiator tries again at once; one that needs longer starts a new attempt.
    const SOON: Span = Span::from_secs(30);
    let agreed = agreed.get_or_init(|| {
        let agreed = case.ike_sas().filter_map(|sa| accepted(case.model, sa));
        let mut agreed: Vec<(IpAddr, Timestamp)> = agreed.collect();
        agreed.sort_unstable();
        agreed
    });
    let next = agreed.partition_point(|one| *one < (notice.from, notice.at.1));
    agreed.get(next).is_some_and(|(responder, time)| {
        *responder == notice.from && time.since(notice.at.1) <= SOON
    })
}

/// Who took the offer for an IKE SA, and when it was asked, if it was accepted: the choice is there, or authentication
/// follows, of which the answer that allows it was not recorded.
fn accepted(model: &Model, sa: &IkeSa) -> Option<(IpAddr, Timestamp)> {
    let mut exchanges = sa.exchanges.iter();
    let id = exchanges.find(|id| {
        model.exchanges[**id].kind == ExchangeType::IKE_AUTH || offer::is_accepted(model, **id)
    })?;
    let flights = &model.exchanges[*id].flights;
    // Of one request with two answers the second is that to another request, which was not recorded.
    let answers = flights.iter().filter(|flight| flight.response).count();
    let flight = match answers > 1 {
        true => flights.last()?,
        false => flights.first()?,
    };
    let message = first(model, flight)?;
    let responder = match flight.response {
        true => message.path.from(),
        false => message.path.to(),
    };
    Some((responder.address, message.time))
}

/// Whether the capture goes on for long enough to see another attempt.
fn came_to_rest(model: &Model, notice: &Notice) -> bool {
    let flights = model.exchanges[notice.exchange].flights.iter();
    let mut messages = flights
        .flat_map(|flight| &flight.parts)
        .map(|id| &model.messages[*id]);
    messages
        .find(|message| message.frame == notice.at.0)
        .is_some_and(|message| went_on(model, message.vantage, notice.at.1, Tap::PATIENCE))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn a_group_that_is_not_offered_ends_it() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)",
            "dh-group-mismatch",
        );
    }

    #[test]
    fn a_responder_that_turns_down_the_group_it_asked_for_goes_in_circles() {
        let finding = crate::diagnose::testing::fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(19) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 000e)
             60 C > A ESP 0xc1 seq 1",
            "dh-group-mismatch",
        );
        let title = finding.title.to_string();
        assert!(title.ends_with("one group after the other"), "{title}");
    }

    #[test]
    fn a_retry_that_is_repeated_in_vain_is_lost_or_ignored() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH31 DH18) KE(31) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0012)
             0.4 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH31 DH18) KE(18) Nonce again=2,5,11
             60 C > A ESP 0xc1 seq 1",
            "dh-group-mismatch",
        );
        let title = finding.title.to_string();
        assert!(title.contains("does not answer the attempt"), "{title}");
        let says = finding.says.to_string();
        assert!(says.contains("sent 4 times"), "{says}");
    }

    #[test]
    fn a_retry_that_succeeds_is_normal() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(19) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH19) KE(19) Nonce",
            "dh-group-mismatch",
        );
    }

    #[test]
    fn a_retry_that_was_not_recorded_shows_by_its_answer() {
        let text = |answer: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)
                 {answer}
                 40 A > B ESP 0xb1"
            )
        };
        let answer = "0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH19) KE(19) Nonce";
        silent(&text(answer), "dh-group-mismatch");
        fires(&text(""), "dh-group-mismatch");
    }

    #[test]
    fn what_the_other_side_begins_is_no_retry() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)
             5 B:500 > A:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             5.1 A:500 > B:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            "dh-group-mismatch",
        );
        assert_eq!(finding.confidence, Confidence::Certain);
    }

    #[test]
    fn the_end_of_the_capture_is_no_mismatch() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14 DH19) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 0013)",
            "dh-group-mismatch",
        );
    }
}

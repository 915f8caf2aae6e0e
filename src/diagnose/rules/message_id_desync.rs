//! The two sides do not agree which message comes next.

use crate::diagnose::facts::{Asked, Tap, asked, first, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, IkeSa, Message, Role};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "message-id-desync",
    code: "IKE321",
    severity: Severity::Warning,
    summary: "The two sides do not agree on the next message ID",
    document: DOCUMENT,
    explains: &["dpd-timeout", "dpd-despite-traffic"],
    needs: Signs::UNANSWERED.or(Signs::OPENED).or(Signs::BARE),
    check,
};

const DOCUMENT: &str = "\
## What it means
IKEv2 numbers its requests, and a peer takes only those within its window (RFC 7296 section 2.3). After a failover to a device that does not have the latest state, or by a fault in crossing exchanges, the numbers of the two sides drift apart: requests are ignored, and the IKE SA dies although both sides live.

## How it is seen
A side says INVALID_MESSAGE_ID (with keys, or in clear). Or a request skips numbers, is repeated and never answered, though the one before was answered and the peer speaks on. Or, while a request is repeated and never answered, the peer answers a message ID that nobody asked.

## What else looks like it
Packets that this capture lost, or that took another path, look like skipped numbers; so do those of a file that is missing in a rotated set.

## What to do
1. Restart the IKE SA.
2. On clusters: synchronise IKE state, and let RFC 6311 be negotiated; else look for a software fix.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = said(case)
        .or_else(|| skipped(case))
        .or_else(|| strayed(case));
    found.into_iter().collect()
}

/// A side says so.
fn said(case: &Case<'_>) -> Option<Finding> {
    let messages = case
        .ike_sas()
        .filter(|sa| sa.version.major() == 2)
        .flat_map(|sa| &sa.exchanges)
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::INFORMATIONAL)
        .flat_map(|exchange| &exchange.flights)
        .filter_map(|flight| case.model.readable(flight));
    let mut found: Vec<&Message> = Vec::new();
    // Its data is the number (RFC 7296 section 2.3).
    let mut number = None;
    for (message, read) in messages {
        if let Some(notify) = read.notify(NotifyType::INVALID_MESSAGE_ID) {
            found.push(message);
            number = number.or(notify.data.first_chunk().copied().map(u32::from_be_bytes));
        }
    }
    let at = |message: &Message| (message.frame, message.time);
    let said = *found.first()?;
    let from = said.path.from().address;
    let mut finding = advised(
        Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            at(said),
            Text::verbatim("INVALID_MESSAGE_ID"),
        ),
        from,
    )
    .says(say!(
        "{from} said INVALID_MESSAGE_ID {times}: a request of {to} had a number out of its window.",
        from,
        times = crate::diagnose::facts::child::times(found.len()),
        to = said.path.to().address
    ).then(number.map(|number| say!("The number was {number}.", number))));
    for message in found.iter().skip(1) {
        finding = finding.also(at(message), "again");
    }
    Some(finding)
}

/// A request that skips numbers is never answered.
fn skipped(case: &Case<'_>) -> Option<Finding> {
    if !case.unsettled().iter().any(Asked::is_silent) {
        return None;
    }
    let tap = case.tap();
    if tap.lacks_packets() {
        return None;
    }
    case.ike_sas()
        .filter(|sa| sa.version.major() == 2)
        .find_map(|sa| {
            [Role::Initiator, Role::Responder]
                .into_iter()
                .find_map(|by| skips(case, sa, by))
        })
}

fn skips(case: &Case<'_>, sa: &IkeSa, by: Role) -> Option<Finding> {
    /// Copies in vain.
    const TRIES: usize = 3;
    let mut requests: Vec<&Exchange> = sa
        .exchanges
        .iter()
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| exchange.by == by)
        .collect();
    requests.sort_by_key(|exchange| exchange.message_id);
    let spoke = sa
        .exchanges
        .iter()
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| exchange.by != by)
        .filter_map(|exchange| first(case.model, exchange.request()?))
        .map(|message| message.time)
        .max();
    requests.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let answered = before.response()?;
        let asked = Asked::of(case.model, after).filter(|asked| {
            asked.fate == asked::Fate::Silent && asked.attempts() >= TRIES
        })?;
        let gap = after.message_id.checked_sub(before.message_id)?;
        let answered: Cite = crate::diagnose::facts::began(case.model, answered)?;
        // What the peer sent right after the first copy may have crossed it.
        let again = asked.times.get(1).copied()?;
        let whole = !tap::breaks(case.model, asked.message.vantage, answered.1, asked.first.1);
        let speaks = whole && spoke.is_some_and(|time| time > again);
        (gap > 1 && speaks && answered.1 < asked.first.1).then(|| {
            let from = asked.from().address;
            advised(
                Finding::new(
                    &RULE,
                    Confidence::Possible,
                    case.id,
                    asked.first,
                    say!("a request with message ID {number}", number = after.message_id),
                ),
                from,
            )
            .also(answered, say!("the answer to message ID {number}", number = before.message_id))
            .also(asked.last, "last copy, unanswered")
            .says(say!(
                "{from} asked with message ID {number} after {before}: {skipped}. It was {schedule} and never \
                 answered, though {peer} speaks on.",
                from,
                number = after.message_id,
                before = before.message_id,
                skipped = match gap - 1 {
                    1 => Text::from("1 number was skipped"),
                    skipped => say!("{skipped} numbers were skipped", skipped),
                },
                schedule = asked.schedule(),
                peer = asked.to().address
            ))
            .or("The requests between were lost to this capture, or took another path.")
        })
    })
}

/// While a request is never answered, its peer answers a number that nobody asked: it counts otherwise.
fn strayed(case: &Case<'_>) -> Option<Finding> {
    let asked = case.unsettled().iter().filter(|asked| asked.is_silent());
    let (asked, stray) = asked.take(LOOKED_AT).find_map(|asked| {
        let stray = stray(case, asked)?;
        Some((asked, stray))
    })?;
    let (from, peer) = (asked.from().address, asked.to().address);
    let number = stray.message_id;
    let answer = crate::diagnose::facts::began(case.model, stray.response()?)?;
    Some(
        advised(
            Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                asked.first,
                say!(
                    "a request with message ID {number}",
                    number = asked.exchange.message_id
                ),
            ),
            from,
        )
        .also(asked.last, "last copy, unanswered")
        .also(answer, say!("the answer to message ID {number}", number))
        .says(say!(
            "{from} asked with message ID {asked}, {schedule}, and had no answer; meanwhile {peer} answered message ID \
             {number}, which nobody asked here.",
            from,
            asked = asked.exchange.message_id,
            schedule = asked.schedule(),
            peer,
            number
        ))
        .or(say!(
            "{from} asks several at a time, as SET_WINDOW_SIZE allows, and the request was lost to this capture.",
            from
        )),
    )
}

/// Requests without an answer that are looked at, the first.
const LOOKED_AT: usize = 16;

/// An exchange of which there is an answer alone, that came while a request of the same side was repeated, with a
/// number that is not its turn yet: a side asks one after the other (RFC 7296 section 2.3).
fn stray<'m>(case: &Case<'m>, asked: &Asked<'m>) -> Option<&'m Exchange> {
    let Exchange { ike_sa, by, .. } = *asked.exchange;
    let sa = &case.model.ike_sas[ike_sa];
    if sa.version.major() != 2 || asked.attempts() < 2 {
        return None;
    }
    let exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
    let number = asked.exchange.message_id;
    let mut alone =
        exchanges.filter(|one| one.by == by && one.message_id > number && one.request().is_none());
    alone.find(|one| {
        let answer = one.response().and_then(|flight| first(case.model, flight));
        answer.is_some_and(|message| {
            message.vantage == asked.message.vantage
                && message.time > asked.first.1
                && message.time <= asked.last.1.later(Tap::PATIENCE)
        })
    })
}

fn advised(finding: Finding, from: IpAddr) -> Finding {
    finding
        .title(say!(
            "{from} and its peer do not agree on the next message ID",
            from
        ))
        .advise("Restart the IKE SA.")
        .advise("On clusters, synchronise the state of IKE (RFC 6311).")
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, said, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    const SPEAKS: &str = "
        20 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
        20.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
        40 A > B ESP 0xb1 seq 1..9 every 1";

    #[test]
    fn a_request_that_skips_numbers_is_never_answered() {
        let finding = fires(
            &format!(
                "{UP}{SPEAKS}\n10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=4,11"
            ),
            "message-id-desync",
        );
        assert!(
            finding.says.to_string().contains("3 numbers were skipped"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_peer_that_is_heard_once_more_at_the_first_copy_does_not_speak_on() {
        silent(
            &format!(
                "{UP}
                 10.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
                 40 A > B ESP 0xb1 seq 1..9 every 1
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=4,11"
            ),
            "message-id-desync",
        );
    }

    #[test]
    fn a_peer_that_is_heard_with_the_second_copy_may_not_have_heard_it() {
        let text = |at: u32| {
            format!(
                "{UP}
                 {at} B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 {at}.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
                 40 A > B ESP 0xb1 seq 1..9 every 1
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=4,11"
            )
        };
        silent(&text(14), "message-id-desync");
        fires(&text(15), "message-id-desync");
    }

    #[test]
    fn a_peer_that_answers_a_number_that_nobody_asked_counts_otherwise() {
        let text = |id: u32, at: u32| {
            format!(
                "{UP}
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=4,11
                 {at}.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id={id} response by=responder sealed 80
                 40 A > B ESP 0xb1 seq 1..9 every 1"
            )
        };
        let finding = fires(&text(7, 10), "message-id-desync");
        let says = finding.says.to_string();
        assert!(says.contains("answered message ID 7"), "{says}");
        // An answer, and late copies of what came before.
        silent(&text(2, 10), "message-id-desync");
        silent(&text(0, 10), "message-id-desync");
        silent(&text(7, 9), "message-id-desync");
    }

    #[test]
    fn a_missing_file_of_a_rotated_set_may_hold_the_numbers_between() {
        let mut model = crate::testing::model(&format!(
            "{UP}{SPEAKS}\n10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=4,11"
        ));
        let found = |model: &crate::model::Model| said(&super::RULE, model).len();
        assert_eq!(found(&model), 1);
        model.inputs[0].dropped = Some(1);
        assert_eq!(found(&model), 0, "or the recording system dropped them");
        model.inputs[0].dropped = Some(0);
        assert_eq!(found(&model), 1);
        let at = |secs: i64| Some(crate::units::Timestamp(secs * 1_000_000_000));
        let input = &mut model.inputs[0];
        input.recording = input.first.zip(input.last);
        let mut next = input.clone();
        (input.last, next.first) = (at(5), at(8));
        model.inputs.push(next);
        assert_eq!(found(&model), 0);
        model.inputs[1].first = at(5);
        assert_eq!(found(&model), 1);
    }

    #[test]
    fn the_next_number_unanswered_is_a_plain_timeout() {
        silent(
            &format!(
                "{UP}{SPEAKS}\n10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=4,11"
            ),
            "message-id-desync",
        );
    }

    #[test]
    fn a_peer_that_is_gone_says_nothing_about_numbers() {
        silent(
            &format!(
                "{UP}\n10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=4,11\n40 A > B ESP 0xb1"
            ),
            "message-id-desync",
        );
    }

    #[test]
    fn a_side_that_says_so() {
        fires(
            &format!(
                "{UP}\n9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder opened N(INVALID_MESSAGE_ID 00000005)"
            ),
            "message-id-desync",
        );
    }
}

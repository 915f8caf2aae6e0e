//! Answers pass the tap, yet the asker asks again: they do not reach it.

use crate::diagnose::facts::{Asked, asked, began, cite, first};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{MessageId, Model, Tunnel, TunnelId};
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-one-way",
    code: "IKE109",
    severity: Severity::Error,
    summary: "Requests arrive, answers do not",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-retransmits",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder answers each request, and the requester sends the same request again as if it had heard nothing. The answers are lost behind the tap, on the way to the requester.

## How it is seen
The response to a request is in the capture, and at least twice more the same request comes well after it.

## What else looks like it
A round trip longer than the first retransmission, for one or two copies. A requester that drops the answer itself: a host firewall, or an answer it dislikes.

## What to do
1. Capture at the requester. If the answers arrive there, look at its host firewall and log; if not, at the path from the responder back.
";

/// A copy sent this long after the answer passed the tap was not sent in ignorance of a late answer.
const LATE: Span = Span::from_millis(500);

/// Copies closer than this are doubles of one: no sender repeats so soon.
const AT_ONCE: Span = Span::from_millis(100);

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let found = row
        .ike_sas
        .iter()
        .flat_map(|sa| asked::all(model, &model.ike_sas[*sa]))
        .find_map(|asked| {
            let deaf = copies_after_answer(model, &asked);
            (deaf.len() >= 2 && !hears(model, row, &asked)).then_some((asked, deaf))
        });
    let Some((asked, deaf)) = found else {
        return Vec::new();
    };
    let Some(answer) = asked
        .exchange
        .response()
        .and_then(|flight| began(model, flight))
    else {
        return Vec::new();
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        answer,
        "the answer passes the tap",
    )
    .also(asked.first, "the request")
    .title(format!("The answers of {} do not reach {}", asked.to(), asked.from()))
    .says(format!(
        "{} answered {} of {}, which was nevertheless {}: {} copies came after the answer.",
        asked.to(),
        asked.exchange.kind,
        asked.from(),
        asked.schedule(),
        deaf.len()
    ))
    .or("The requester drops the answers itself: a host firewall, or an answer it cannot accept.")
    .advise(format!(
        "Capture at {}: if the answers arrive there, look at its firewall and log; if not, at the path back.",
        asked.from().address
    ));
    for copy in deaf {
        finding = finding.also(cite(model, copy), "the same request after its answer");
    }
    vec![finding]
}

/// Whether the requester answers requests that the other side first sent after its answer: then
/// the way back works, and that answer was lost by chance.
fn hears(model: &Model, tunnel: &Tunnel, asked: &Asked<'_>) -> bool {
    let Some((_, answer)) = asked
        .exchange
        .response()
        .and_then(|flight| began(model, flight))
    else {
        return false;
    };
    tunnel
        .ike_sas
        .iter()
        .flat_map(|sa| &model.ike_sas[*sa].exchanges)
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.response().is_some())
        .filter_map(|exchange| first(model, exchange.request()?))
        .any(|request| request.time > answer && request.path.from.address == asked.to().address)
}

fn copies_after_answer(model: &Model, asked: &Asked<'_>) -> Vec<MessageId> {
    let answer = asked
        .exchange
        .response()
        .filter(|flight| flight.response)
        .and_then(|flight| began(model, flight));
    let Some((_, answer)) = answer else {
        return Vec::new();
    };
    let mut copies: Vec<MessageId> = asked
        .flight
        .again
        .iter()
        .copied()
        .filter(|id| model.messages[*id].time.since(answer) >= LATE)
        .collect();
    // What the net, or the recording, doubles comes at once.
    copies.dedup_by(|later, earlier| {
        model.messages[*later]
            .time
            .since(model.messages[*earlier].time)
            < AT_ONCE
    });
    copies
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    #[test]
    fn the_same_request_after_its_answer() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24",
            "ike-one-way",
        );
    }

    #[test]
    fn an_answer_lost_by_chance_is_no_closed_way() {
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=1,3,6
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80 again=1,3,6
             2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 request by=responder sealed 80
             2.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 response by=initiator sealed 80",
            "ike-one-way",
        );
    }

    #[test]
    fn one_copy_that_crosses_the_answer_is_nothing() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=0.5
             0.4 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=0.5",
            "ike-one-way",
        );
    }
}

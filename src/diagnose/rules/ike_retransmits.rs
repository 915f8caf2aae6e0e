//! Some IKE messages needed more than one try.

use crate::diagnose::facts::{Fate, asked, began};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-retransmits",
    code: "INF505",
    severity: Severity::Info,
    summary: "IKE messages were sent again before they were answered",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::AGAIN,
    check,
};

const DOCUMENT: &str = "\
## What it means
A request or its answer was lost, or the answer came late; the request was repeated and answered. IKE is made for that.

## How it is seen
Byte-identical copies of a request, and an answer in the end.

## What else looks like it
A tap that records packets twice shows copies at the same moment; those are not counted as tries by their time.

## What to do
1. If it happens often, look for loss on the path or load on the peer.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let again: Vec<_> = case
        .unsettled()
        .iter()
        .filter(|asked| asked.fate == Fate::Answered && asked.attempts() > 1)
        .filter(|asked| {
            // Copies at the same moment are the tap's.
            asked.last.1.since(asked.first.1) >= crate::units::Span::from_millis(100)
        })
        .filter(|asked| {
            // The last message of an exchange of IKEv1 wants no answer (RFC 2409 section 5): it is sent
            // again when the one before is.
            let whole = asked::v1_messages(asked.exchange.kind);
            whole.is_none_or(|whole| asked.exchange.flights.len() < whole)
        })
        // What came again after its answer was not sent again for want of one.
        .filter(|asked| {
            let answer = asked
                .exchange
                .response()
                .and_then(|flight| began(case.model, flight));
            let again = asked.times.get(1);
            answer
                .zip(again)
                .is_none_or(|((_, answer), again)| answer >= *again)
        })
        .collect();
    let Some(worst) = again.iter().max_by_key(|asked| asked.attempts()) else {
        return Vec::new();
    };
    vec![
        Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            worst.first,
            say!(
                "{exchange}, first copy",
                exchange = Text::verbatim(worst.exchange.kind)
            ),
        )
        .also(worst.last, "last copy, answered")
        .says(say!(
            "{requests} needed more than one try; most of all {exchange} of {asker}, {schedule}.",
            requests = count(again.len() as u64, "request"),
            exchange = Text::verbatim(worst.exchange.kind),
            asker = worst.from(),
            schedule = worst.schedule()
        )),
    ]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_second_try_that_is_answered() {
        fires(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
             2.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80",
            "ike-retransmits",
        );
    }

    #[test]
    fn the_last_message_of_ikev1_wants_no_answer() {
        silent(
            "0   A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188
             0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1
             0.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76 again=4",
            "ike-retransmits",
        );
    }

    #[test]
    fn a_first_try_that_is_answered() {
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80",
            "ike-retransmits",
        );
    }
}

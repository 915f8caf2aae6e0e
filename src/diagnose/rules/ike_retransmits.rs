//! Some IKE messages needed more than one try.

use crate::diagnose::facts::{Asked, Fate, asked, began, cite};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::Model;
use crate::say;
use crate::units::{Span, Timestamp};
use std::collections::BTreeSet;

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
2. Where every copy was answered, nothing was lost: the timer of the sender is shorter than the way there and back.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let again: Vec<_> = case
        .unsettled()
        .iter()
        .filter(|asked| asked.fate == Fate::Answered)
        .filter_map(|asked| until_answer(case.model, asked))
        .filter(|asked| asked.attempts() > 1)
        .collect();
    // Those that needed another try, unless there are only others.
    let (early, needed): (Vec<_>, Vec<_>) = again
        .into_iter()
        .partition(|asked| is_too_early(case.model, asked));
    let (again, all_early) = match needed.is_empty() {
        true => (early, true),
        false => (needed, false),
    };
    let Some(worst) = again.iter().max_by_key(|asked| asked.attempts()) else {
        return Vec::new();
    };
    let requests = count(again.len() as u64, "request");
    let (exchange, asker) = (Text::verbatim(worst.exchange.kind), worst.from());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        worst.first,
        say!("{exchange}, first copy", exchange = &exchange),
    )
    .also(worst.last, "last copy, answered");
    finding = match answer_took(case.model, worst).filter(|_| all_early) {
        Some(took) => finding
            .says(say!(
                "Sent again before the answer came: {requests}. Every copy was answered, so nothing was lost: the \
                 answer to {exchange} of {asker} took {took}, and the timer is shorter ({schedule}).",
                requests,
                exchange,
                asker,
                took,
                schedule = worst.schedule()
            ))
            .advise(say!(
                "Lengthen the time after which {asker} sends a request again.",
                asker = asker.address
            )),
        None => finding.says(say!(
            "{requests} needed more than one try; most of all {exchange} of {asker}, {schedule}.",
            requests,
            exchange,
            asker,
            schedule = worst.schedule()
        )),
    };
    let mut cited = BTreeSet::from([worst.exchange.kind]);
    for asked in &again {
        finding = finding.during(asked.first.1, asked.last.1);
        if cited.insert(asked.exchange.kind) {
            let exchange = Text::verbatim(asked.exchange.kind);
            finding = finding.also(asked.first, say!("{exchange}, first copy", exchange));
        }
    }
    vec![finding]
}

/// How long the first answer took.
fn answer_took(model: &Model, asked: &Asked<'_>) -> Option<Span> {
    let (_, answered) = began(model, asked.exchange.response()?)?;
    Some(answered.since(asked.first.1))
}

/// Whether every copy was answered: then none was lost, and the first answer was only slow.
fn is_too_early(model: &Model, asked: &Asked<'_>) -> bool {
    let Some(answer) = asked.exchange.response() else {
        return false;
    };
    let first = began(model, answer).map(|(_, time)| time);
    let later = answer.again.iter().map(|id| model.messages[*id].time);
    let mut answers: Vec<Timestamp> = first.into_iter().chain(later).collect();
    answers.sort_unstable();
    answers.dedup_by(|later, earlier| later.since(*earlier) < asked::DOUBLE);
    let mut copies = asked::copies(model, asked.flight);
    copies.sort_unstable();
    copies.dedup_by(|later, earlier| later.since(*earlier) < asked::DOUBLE);
    // The n-th answer is that to the n-th copy, or to a later one.
    let mut pairs = copies.iter().zip(&answers);
    answers.len() >= copies.len() && pairs.all(|(sent, answered)| answered >= sent)
}

/// A request with the copies that were sent before its answer came: who sends one later has not taken the
/// answer, which is another matter. Copies at the same moment are the tap's.
fn until_answer<'m>(model: &'m Model, asked: &Asked<'m>) -> Option<Asked<'m>> {
    let mut asked = asked.clone();
    asked
        .times
        .dedup_by(|later, earlier| later.since(*earlier) < asked::DOUBLE);
    let Some(answer) = asked.exchange.response() else {
        return Some(asked);
    };
    let (_, answered) = began(model, answer)?;
    asked.times.retain(|time| *time < answered);
    let copies = asked.flight.again.iter().map(|id| cite(model, *id));
    let before = copies.filter(|copy| copy.1 >= asked.first.1 && copy.1 < answered);
    asked.last = before.max_by_key(|copy| copy.1).unwrap_or(asked.first);
    Some(asked)
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
    fn who_is_answered_each_time_only_asks_too_early() {
        let text = |answers: &str| {
            format!(
                "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=0.25
                 0.4 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80{answers}"
            )
        };
        let says = |answers: &str| fires(&text(answers), "ike-retransmits").says.to_string();
        let both = says(" again=0.25");
        assert!(both.contains("nothing was lost"), "{both}");
        let one = says("");
        assert!(one.contains("needed more than one try"), "{one}");
    }

    #[test]
    fn a_copy_after_the_answer_was_not_what_was_answered() {
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80",
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

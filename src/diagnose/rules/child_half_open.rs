//! The last message of quick mode is lost: only one side has the child SA.

use crate::diagnose::facts::{Asked, Tap, asked};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::Exchange;
use crate::registry::ExchangeType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "child-half-open",
    code: "IKE230",
    severity: Severity::Warning,
    summary: "Quick mode is not finished: only one side has the child SA",
    document: DOCUMENT,
    explains: &["esp-one-way", "dpd-timeout"],
    needs: Signs::UNANSWERED,
    check,
};

const DOCUMENT: &str = "\
## What it means
Quick mode of IKEv1 takes three messages (RFC 2409 section 5.5). If the second or the third is lost, one side uses the child SA and the other waits, or gives it up.

## How it is seen
The responder repeats message 2 and message 3 never comes, although the recording goes on. Traffic in one direction only makes it worse.

## What else looks like it
A capture that records one direction only, or lacks messages of the initiator: ESP on new SPIs both ways shows that message 3 came. An initiator that dislikes message 2 and says nothing.

## What to do
1. See whether message 2 reaches the initiator: its size differs from message 1.
2. Read the log of the initiator.
";

/// Copies in vain.
const TRIES: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let tap = case.tap();
    if tap.deaf.contains(&true) {
        return Vec::new();
    }
    case.exchanges()
        .filter(|exchange| exchange.kind == ExchangeType::QUICK_MODE)
        .find_map(|exchange| half_open(case, exchange, tap))
        .into_iter()
        .collect()
}

fn half_open(case: &Case<'_>, exchange: &Exchange, tap: &Tap) -> Option<Finding> {
    let asked = Asked::of(case.model, exchange).filter(|asked| {
        exchange.flights.len() == 2
            && asked.flight.by != exchange.by
            && asked.fate == asked::Fate::Silent
            && asked.attempts() >= TRIES
    })?;
    // A later message 1 that was answered in full takes its place.
    let mended = case
        .exchanges()
        .filter(|other| other.kind == ExchangeType::QUICK_MODE && other.flights.len() >= 3)
        .filter_map(|other| crate::diagnose::facts::began(case.model, other.flights.first()?))
        .any(|(_, time)| time > asked.first.1);
    let ways: Vec<u64> = case
        .directions()
        .iter()
        .flat_map(|directions| [0, 1].map(|end| directions.packets_since(end, asked.first.1)))
        .collect();
    if is_up(case, &asked) {
        return None;
    }
    let one_way = ways.contains(&0) && ways.iter().any(|packets| *packets > 0);
    let (from, to) = (asked.from().address, asked.to().address);
    let mut says = say!(
        "{from} answered quick mode; its message 2 was {schedule} and message 3 never came.",
        from,
        schedule = asked.schedule()
    );
    if one_way {
        says.add("ESP goes in one direction only.");
    }
    if mended {
        says.add("A later quick mode took its place.");
    }
    Some(
        Finding::new(
            &RULE,
            tap.absence(Confidence::Likely),
            case.id,
            asked.first,
            "message 2 of quick mode",
        )
        .severity(match mended {
            true => Severity::Info,
            false => tap.gaps(RULE.severity),
        })
        .also(asked.last, "message 2 again, and no message 3")
        .title(say!(
            "Quick mode between {to} and {from} is not finished",
            to,
            from
        ))
        .says(says)
        .or(say!("{to} dislikes message 2 and says nothing.", to))
        .advise(say!(
            "Read the log of {to}, and see whether message 2 reaches it.",
            to
        )),
    )
}

/// Whether ESP begins both ways after message 2: then message 3 came. The counter of a new SA begins at 1
/// (RFC 4303 section 3.3.2).
fn is_up(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    /// Numbers that may be missing before the first one recorded.
    const EARLY: u32 = 16;
    let directions = case.directions();
    directions.iter().any(|directions| {
        [0, 1].iter().all(|end| {
            let mut flows = directions.flows(*end).iter();
            flows.any(|flow| flow.seen.first.1 > asked.first.1 && flow.sequence.first <= EARLY)
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const FIRST: &str = "0 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 188\n";

    #[test]
    fn message_2_again_and_again() {
        let says = |esp: &str| {
            let text = format!(
                "{FIRST}0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1 again=4,11,24\n40 A > C ESP 0xc1{esp}"
            );
            fires(&text, "child-half-open").says.to_string()
        };
        assert!(!says("").contains("one direction"), "{}", says(""));
        // What stopped in both directions before goes in none.
        let before = format!(
            "1 A > B ESP 0xb1 seq 1..9 every 1\n1 B > A ESP 0xa1 seq 1..9 every 1
             {}20.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1 again=4,11,24\n90 A > C ESP 0xc1",
            FIRST.replacen('0', "20", 1)
        );
        let finding = fires(&before, "child-half-open");
        assert!(
            !finding.says.to_string().contains("one direction"),
            "{}",
            finding.says
        );
        let esp = "\n1 B > A ESP 0xa1 seq 1..20 every 1";
        assert!(says(esp).contains("one direction only"), "{}", says(esp));
    }

    #[test]
    fn message_3_that_comes_late_finishes_it() {
        silent(
            &format!(
                "{FIRST}0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1 again=4,11
                 11.2 A:500 > B:500 QUICK i=1 r=2 id=7 sealed 76\n40 A > C ESP 0xc1"
            ),
            "child-half-open",
        );
    }

    #[test]
    fn new_esp_both_ways_shows_that_message_3_came() {
        silent(
            &format!(
                "{FIRST}0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1 again=4,11,24
                 1 A > B ESP 0xb1 seq 1..60 every 1\n1 B > A ESP 0xa1 seq 1..60 every 1"
            ),
            "child-half-open",
        );
    }

    #[test]
    fn a_recording_that_ends_after_message_2() {
        silent(
            &format!("{FIRST}0.1 B:500 > A:500 QUICK i=1 r=2 id=7 sealed 188 seed=1"),
            "child-half-open",
        );
    }
}

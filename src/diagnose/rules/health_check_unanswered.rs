//! A check at a fixed interval gets no answer, or answers for a part.

use crate::diagnose::facts::inner::{self, Asking, Inside};
use crate::diagnose::facts::rhythm::{self, Unanswered};
use crate::diagnose::facts::{Tap, tap};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::EchoWay;
use crate::say;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "health-check-unanswered",
    code: "ESP416",
    severity: Severity::Warning,
    summary: "A health check through the tunnel is not answered",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP.or(Signs::INSIDE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Something sends an ICMP echo request through the tunnel at a fixed interval, to learn whether it works, and gets no answer, or not to all. Who acts upon it may declare a working tunnel dead.

## How it is seen
With the keys of ESP, or without encryption: echo requests of one size at a fixed interval, longer than a person would wait, and their replies. How many were answered and how soon is told; also whether the target answers anything else, and what ICMP errors say. Without keys: packets of one size at a fixed interval that had as many of their size in return until these stopped while the other side went on; then it is a guess. Such packets that never had any answer of their size may want none, and are told as information.

## What else looks like it
Loss on the way, which hits everything else too. A target that answers by another tunnel. Without keys: what asked before has ended, and something else of that size wants no answer.

## What to do
1. Try the check by hand from its own source address. Does the target have a route back to that source?
2. If the target answers other traffic but not echo, permit ICMP echo from the source of the check.
3. If it answers a part, or late, look at its load, or give the check more time.
";

/// Fewer unanswered ones prove nothing.
const FEW: u64 = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return sealed(case).into_iter().collect();
    };
    let mut told = BTreeSet::new();
    let checks = inside.asked_once().filter(|asking| asking.is_check());
    checks
        .filter(|asking| told.insert((asking.from.address, asking.to.address)))
        .filter_map(|asking| finding(case, inside, asking))
        .take(CHECKS)
        .collect()
}

/// What the rhythm of sealed packets leaves to guess: steady packets that had as many answers of their
/// size, until these stopped while the other side lived on. Such without any answer may want none, and
/// are told for information.
fn sealed(case: &Case<'_>) -> Option<Finding> {
    let found = rhythm::unanswered(case);
    let telling = found.iter().find(|one| had_answers(one));
    let (one, severity) = match telling {
        Some(one) => (one, RULE.severity),
        None => (
            found.iter().find(|one| one.answers.is_none())?,
            Severity::Info,
        ),
    };
    let title = match &one.answers {
        Some(_) => say!(
            "Steady packets of {from} to {to} are not answered any more",
            from = one.from,
            to = one.to
        ),
        None => say!(
            "Steady packets of {from} to {to} have no answer of their size",
            from = one.from,
            to = one.to
        ),
    };
    // Those before the last answer were well.
    let (first, note) = match &one.answers {
        Some(answers) => (answers.last, "the last answer of that size".into()),
        None => (
            one.asks.first,
            say!(
                "one of {size} octets of ESP, early on",
                size = one.asks.size
            ),
        ),
    };
    let mut finding = Finding::new(&RULE, Confidence::Possible, case.id, first, note)
        .severity(severity)
        .also(
            one.asks.last,
            say!("the last of {size} octets of ESP", size = one.asks.size),
        )
        .title(title)
        .says(
            Text::default()
                .then(one.says())
                .then("Without keys more cannot be told."),
        )
        .or(match &one.answers {
            Some(_) => {
                "What asked before has ended, and something else of that size wants no answer."
            }
            None => "They want no answer, or one of another size.",
        })
        .advise(say!(
            "Find out what behind {from} sends every {period}, and whether its target behind {to} \
         answers.",
            from = one.from,
            period = one.asks.period,
            to = one.to
        ));
    if let Some(alive) = one.alive {
        finding = finding.also(alive, "the other side lives");
    }
    Some(finding)
}

/// Whether each steady packet had an answer of its size, until they stopped while the other side lived.
fn had_answers(one: &Unanswered) -> bool {
    let Some(answers) = one.answers.as_ref().filter(|_| one.alive.is_some()) else {
        return false;
    };
    let had = u64::from(one.asks.packets).saturating_sub(one.missed);
    let apart = had.abs_diff(u64::from(answers.packets));
    apart <= 2 || apart.saturating_mul(10) <= had
}

/// Checks that are told of one tunnel: more than people read.
const CHECKS: usize = 4;

fn finding(case: &Case<'_>, inside: &Inside<'_>, asking: &Asking<'_>) -> Option<Finding> {
    let echo: &EchoWay = asking.out.echo.as_ref()?;
    let vantage = asking.talk.vantage;
    let waited =
        |at: &crate::diagnose::Cite| tap::went_on(case.model, vantage, at.1, Tap::PATIENCE);
    let pending = echo.waiting.iter().filter(|at| !waited(at)).count() as u64;
    let requests = echo.requests.saturating_sub(pending);
    let silent = requests.saturating_sub(echo.answered);
    let is_much = silent.saturating_mul(5) >= requests;
    let all = echo.unanswered.iter().chain(&echo.waiting);
    let places: Vec<_> = all.copied().filter(waited).collect();
    let (first, last) = (*places.first()?, *places.last()?);
    let sees = inside.would_see(vantage, asking.end, silent, (first.1, last.1));
    if silent < FEW || !is_much || !sees {
        return None;
    }
    let (from, to) = (asking.from.address, asking.to.address);
    let errors = inside.errors(from, to).iter();
    let error = errors
        .copied()
        .find(|error| error.quoted.protocol == asking.talk.protocol);
    let others = inside.told_once().any(|talk| {
        let hosts = talk.ends.map(|end| end.address);
        let both = talk.ways.iter().all(|way| way.packets > 0);
        both && hosts.contains(&to) && !std::ptr::eq(talk, asking.talk)
    });
    // What it sends to the asker besides answers shows that it is up, and has a route back.
    let asks_itself = asking.back.echo.as_ref().filter(|echo| echo.requests > 0);
    let unasked = inside.unasked((from, to), (first.1, last.1));
    let period = echo.period?;
    let rtt = inner::spread(asking.out.rtts.iter().map(|row| row.rtt));
    let answered = echo.answered;
    // Where each round trip is known, so is the first answer.
    let in_runs: u64 = echo.runs.iter().map(|run| run.requests).sum();
    let missed = [places.len() as u64, in_runs].contains(&silent);
    let all_known = missed && asking.out.rtts.len() as u64 == echo.answered;
    let until = echo
        .runs
        .last()
        .map_or(last.1, |run| run.seen.last.1.max(last.1));
    let replies = asking.out.rtts.iter().map(|row| row.at);
    let since = replies
        .min_by_key(|at| at.1)
        .filter(|at| all_known && at.1 > until);
    let mut says = match rtt {
        Some([least, _, most]) if least == most => say!(
            "{from} asks {to} every {period} by ICMP echo; {answered} of {requests} were answered after {least}.",
            from,
            to,
            period,
            answered,
            requests,
            least
        ),
        Some([least, median, most]) => say!(
            "{from} asks {to} every {period} by ICMP echo; {answered} of {requests} were answered \
             after {least} to {most}, half of them within {median}.",
            from,
            to,
            period,
            answered,
            requests,
            least,
            most,
            median
        ),
        None => say!(
            "{from} asks {to} every {period} by ICMP echo; {answered} of {requests} were \
             answered.",
            from,
            to,
            period,
            answered,
            requests
        ),
    };
    if let Some(error) = error {
        says.add(say!("{error} came instead.", error = inner::said(error)));
    }
    if since.is_some() {
        says.add(say!(
            "None was answered for {span}, and then each.",
            span = until.since(first.1)
        ));
    }
    if others {
        says.add(say!("{to} answers other traffic through the tunnel.", to));
    } else if asks_itself.is_some() {
        says.add(say!(
            "{to} sends echo requests of its own to {from}: it is up, and has a route back.",
            to,
            from
        ));
    }
    let others = others || asks_itself.is_some();
    let mut finding = Finding::new(
        &RULE,
        match (error, others) {
            (Some(_), _) => Confidence::Certain,
            (None, true) => inside.absence(Confidence::Certain),
            (None, false) => inside.absence(Confidence::Likely),
        },
        case.id,
        first,
        say!("echo request to {to}, not answered", to),
    )
    .title(match echo.answered {
        0 => say!(
            "The health check of {to} by {from} is never answered",
            to,
            from
        ),
        _ => say!(
            "The health check of {to} by {from} is answered in part",
            to,
            from
        ),
    })
    .says(says);
    if let Some(error) = error {
        finding = finding.also(error.seen.first, inner::said(error));
    }
    if let Some(unasked) = unasked {
        finding.confidence = Confidence::Possible;
        finding = inner::tell_unasked(finding, from, unasked);
    }
    if let Some(since) = since {
        finding = finding.beside(since, "the first reply");
    }
    for place in &places {
        finding = finding.also(*place, "not answered either");
    }
    // Of many only the first are kept.
    if let Some(run) = echo.runs.last().filter(|run| waited(&run.seen.last)) {
        finding = finding.during(first.1, run.seen.last.1);
    }
    finding = match (others, echo.answered) {
        (true, 0) => finding
            .or("The target does not answer echo at all.")
            .advise(say!(
                "Permit ICMP echo from {from} on {to} and on the way to it.",
                from,
                to
            )),
        (_, 0) => finding
            .or("The target is down.")
            .or("ICMP echo is filtered, on the way to the target or on it.")
            .or("The answers take another way, past this tunnel.")
            .advise(say!(
                "Ask {to} by hand from {from}; look whether it has a route back to {from}.",
                to,
                from
            )),
        _ if since.is_some() => finding
            .or("The target, or the way to it behind the gateway, came up then.")
            .advise(say!(
                "Look since when {to} was up, and the way to it behind the gateway.",
                to
            )),
        // All that failed came in one run: the target, or the way to it, was away for that time.
        _ if echo.runs.len() == 1 => finding.or("The way to the target was down then.").advise(say!(
            "Look what was wrong with {to}, or with the way to it behind the gateway, at that time.",
            to
        )),
        _ => {
            let lossy = inside.lacks(vantage, asking.end, (first.1, last.1)) > 0;
            let finding = match lossy {
                true => finding.or("Packets are lost on the way."),
                false => finding.or("Packets are lost behind the gateway."),
            };
            finding.advise(say!(
                "Look at the load of {to}, or give the check more time and more tries.",
                to
            ))
        }
    };
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const ALIVE: &str = "
        0 B > A ESP 0xa9 seq 1..70 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)";

    #[test]
    fn a_check_that_nobody_answers() {
        verdict(
            &format!(
                "{ALIVE}\n1 A > B ESP 0xb1 seq 1..12 every 4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)"
            ),
            "health-check-unanswered",
        );
    }

    #[test]
    fn a_target_that_answers_all_but_echo() {
        let finding = fires(
            &format!(
                "{ALIVE}
                 1 A > B ESP 0xb1 seq 1..12 every 4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 2 A > B ESP 0xb3 seq 1 inner(10.1.0.7 > 10.2.0.1 TCP 4000 > 80 SYN seq 1)
                 2.1 B > A ESP 0xa3 seq 1 inner(10.2.0.1 > 10.1.0.7 TCP 80 > 4000 SYN,ACK seq 3 ack 2)"
            ),
            "health-check-unanswered",
        );
        assert!(
            finding.says.to_string().contains("answers other traffic"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_check_that_is_answered_in_part() {
        let finding = fires(
            &format!(
                "{ALIVE}
                 1 A > B ESP 0xb1 seq 1..12 every 4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.05 B > A ESP 0xa1 seq 1..6 every 4 inner(10.2.0.1 > 10.1.0.1 reply 7/1)"
            ),
            "health-check-unanswered",
        );
        assert!(
            finding.says.to_string().contains("6 of 12"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_check_that_is_answered_only_since_some_moment() {
        let finding = fires(
            &format!(
                "{ALIVE}
                 1 A > B ESP 0xb1 seq 1..12 every 4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 25.05 B > A ESP 0xa1 seq 1..6 every 4 inner(10.2.0.1 > 10.1.0.1 reply 7/7)"
            ),
            "health-check-unanswered",
        );
        let says = finding.says.to_string();
        assert!(
            says.contains("None was answered for 20.0 s, and then each."),
            "{says}"
        );
    }

    #[test]
    fn sealed_packets_that_had_answers_of_their_size_until_they_stopped() {
        let others = "
            0.3 A > B ESP 0xb1 seq 1001..1400 every 0.7 size 100,104,108,164,148,152,1020
            0.4 B > A ESP 0xa1 seq 1001..1400 every 0.7 size 100,104,108,164,148,152,1020";
        let text = |answers: u32, step: u32| {
            format!(
                "0 A > B ESP 0xb2 seq 1..50 every 5 size 140
                 0.02 B > A ESP 0xa2 seq 1..{answers} every {step} size 140{others}"
            )
        };
        let finding = fires(&text(25, 5), "health-check-unanswered");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
        silent(&text(50, 5), "health-check-unanswered");
        // A heartbeat that wants no answer.
        let finding = fires(
            &format!("0 A > B ESP 0xb2 seq 1..50 every 5 size 140{others}"),
            "health-check-unanswered",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
    }

    #[test]
    fn an_answered_check_and_a_person_with_ping_are_fine() {
        silent(
            &format!(
                "{ALIVE}
                 1 A > B ESP 0xb1 seq 1..12 every 4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.05 B > A ESP 0xa1 seq 1..12 every 4 inner(10.2.0.1 > 10.1.0.1 reply 7/1)"
            ),
            "health-check-unanswered",
        );
        silent(
            &format!(
                "{ALIVE}\n1 A > B ESP 0xb1 seq 1..12 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)"
            ),
            "health-check-unanswered",
        );
    }
}

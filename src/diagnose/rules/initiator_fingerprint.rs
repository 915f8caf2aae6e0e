//! Which implementation the peers are, by what they say and how they repeat themselves.

use crate::diagnose::facts::{asked, cite, first};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, Flight};
use crate::say;
use crate::units::Timestamp;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "initiator-fingerprint",
    code: "INF524",
    severity: Severity::Info,
    summary: "An implementation shows in how it retransmits",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::AGAIN,
    check,
};

const DOCUMENT: &str = "\
## What it means
Implementations repeat unanswered messages on schedules of their own. The schedule tells who asks, even where vendor IDs do not; it helps to find the right log and manual.

## How it is seen
A request is sent at least four times (three, where the whole schedule is no longer), and the times between the copies fit a known schedule within a tenth. Where the same times fit several, all are named.

## What else looks like it
Administrators can change the schedule; relatives of a program share it.

## What to do
1. Nothing. Check the vendor against what you expect to be there.
";

/// Seconds between copies, by implementation: the defaults of its documentation or source, and what
/// those who collect such patterns recorded. Implementations may share one.
const SCHEDULES: &[(&str, &[f64])] = &[
    // strongSwan: 4 s, growing by 1.8 each time.
    ("strongSwan", &[4.0, 7.2, 12.96, 23.3, 42.0]),
    // libreswan: half a second, as long again, and doubling from then on, as the lab shows of 5.2.
    ("libreswan", &[0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
    ("Solaris", &[0.5, 1.0, 2.0, 4.0, 8.0]),
    ("Windows", &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
    ("Cisco IOS or PIX", &[10.0, 10.0, 10.0, 10.0]),
    ("WatchGuard Firebox", &[10.0, 10.0, 10.0, 10.0, 10.0]),
    ("racoon", &[20.0, 20.0, 20.0, 20.0]),
    ("AIX", &[16.0, 32.0, 64.0, 128.0]),
    ("FreeS/WAN and its older descendants", &[10.0, 20.0]),
    ("FortiGate", &[6.0, 12.0]),
    ("Nortel Contivity", &[16.0, 16.0, 16.0]),
    (
        "Check Point Firewall-1 NG",
        &[2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0],
    ),
];

/// So many copies, or chance may have spaced them; a schedule that is shorter must be whole.
const COPIES: usize = 4;

/// More candidates than these tell nothing.
const CANDIDATES: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.unsettled()
        .iter()
        .find_map(|asked| {
            let paced = asked::paced_by(case.model, asked);
            let times = asked::copies(case.model, paced);
            let names = implementation(&times)?.into_iter().map(Text::from);
            let who = names.reduce(|these, last| say!("{these}, or {last}", these, last))?;
            let message = first(case.model, paced)?;
            let asker = message.path.from().address;
            let last = paced
                .again
                .last()
                .map_or(asked.last, |id| cite(case.model, *id));
            Some(
                Finding::new(
                    &RULE,
                    Confidence::Possible,
                    case.id,
                    (message.frame, message.time),
                    "first copy",
                )
                .also(last, "last copy")
                .title(say!("{asker} repeats itself like {who}", asker, who = &who))
                .says(match is_answer(asked.exchange, paced) {
                    true => say!(
                        "The answer of {asker}, which waits for the next message, was {schedule}: the schedule of \
                         {who}.",
                        asker,
                        schedule = asked::schedule(&times),
                        who
                    ),
                    false => say!(
                        "The request of {asker} was {schedule}: the schedule of {who}.",
                        asker,
                        schedule = asked::schedule(&times),
                        who
                    ),
                })
                .or("Another implementation, set to the same schedule."),
            )
        })
        .into_iter()
        .collect()
}

/// Whether it is a message of IKEv1 that answers one and wants another: the second or the fourth.
fn is_answer(exchange: &Exchange, flight: &Flight) -> bool {
    let mut flights = exchange.flights.iter();
    let place = flights.position(|one| std::ptr::eq(one, flight));
    asked::is_v1(exchange.kind) && place.is_some_and(|place| place % 2 == 1)
}

/// The implementations whose schedule the times fit, if they are few.
fn implementation(times: &[Timestamp]) -> Option<Vec<&'static str>> {
    let gaps: Vec<f64> = times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(one, next)| next.since(*one).as_secs_f64())
        .collect();
    let fits: Vec<&str> = SCHEDULES
        .iter()
        .filter(|(_, schedule)| {
            let enough = gaps.len() >= COPIES - 1 || gaps.len() == schedule.len();
            enough
                && !gaps.is_empty()
                && gaps.len() <= schedule.len()
                && gaps
                    .iter()
                    .zip(*schedule)
                    .all(|(seen, known)| (seen - known).abs() <= known / 10.0)
        })
        .map(|(who, _)| *who)
        .collect();
    (1..=CANDIDATES).contains(&fits.len()).then_some(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn every_schedule_is_known_again_and_only_with_those_that_share_it() {
        for (who, gaps) in SCHEDULES {
            let mut at = 0.0;
            let mut times = vec![Timestamp(0)];
            for gap in *gaps {
                at += gap * 1.02;
                times.push(Timestamp((at * 1e9) as i64));
            }
            let found = implementation(&times).unwrap_or_default();
            assert!(found.contains(who), "{who}: {found:?}");
            let whole = |name: &&str| {
                let same = SCHEDULES.iter().find(|row| row.0 == *name).unwrap();
                same.1.starts_with(gaps)
            };
            assert!(found.iter().all(whole), "{who}: {found:?}");
        }
    }

    #[test]
    fn a_request_repeated_like_strongswan_names_it() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11.2,24.1,47.4",
            "initiator-fingerprint",
        );
        assert!(
            finding.title.to_string().contains("strongSwan"),
            "{}",
            finding.title
        );
    }

    #[test]
    fn libreswan_does_not_double_the_first_wait() {
        let text = |again: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again={again}"
            )
        };
        let title = |again: &str| {
            fires(&text(again), "initiator-fingerprint")
                .title
                .to_string()
        };
        assert!(title("0.5,1,2,4,8").contains("libreswan"));
        assert!(title("0.5,1.5,3.5,7.5").contains("Solaris"));
    }

    #[test]
    fn a_schedule_that_two_share_names_both() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=10,20,30",
            "initiator-fingerprint",
        );
        assert!(
            finding
                .title
                .to_string()
                .contains("Cisco IOS or PIX, or WatchGuard Firebox"),
            "{}",
            finding.title
        );
    }

    #[test]
    fn two_copies_name_nobody() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=10
             60 A > C ESP 0xc1",
            "initiator-fingerprint",
        );
    }

    #[test]
    fn other_times_name_nobody() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=3,6,9,12",
            "initiator-fingerprint",
        );
    }
}

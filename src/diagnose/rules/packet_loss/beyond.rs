//! Requests into the tunnel stay without an answer, one here and one there, and nothing is missing of what comes back:
//! what lies beyond the tap loses packets.

use super::{AGAIN, RESENT, RULE, one_decimal};
use crate::diagnose::facts::inner::{Asking, Inside};
use crate::diagnose::facts::rhythm::{self, Partly};
use crate::diagnose::facts::{Fate, Located, Tap, own, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::count;
use crate::model::Run;
use crate::say;
use crate::units::{Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// So many requests without an answer, at so many places, are no chance.
const FEW: u64 = 6;
const PLACES: u64 = 4;

/// What is lost of requests to one end of the tunnel, as one tap has them.
#[derive(Default)]
struct Lost {
    requests: u64,
    silent: u64,
    /// How many of these came three and more in a row.
    in_runs: u64,
    runs: u64,
    places: Vec<Cite>,
    /// When somebody asked last.
    last: Option<Timestamp>,
    /// Whether anybody asked but health checks, which have a rule of their own.
    by_others: bool,
}

impl Lost {
    /// Adds what a host asked for, if it was answered in part and no size tells why.
    fn add(&mut self, case: &Case<'_>, asking: &Asking<'_>) -> Option<()> {
        let echo = asking.out.echo.as_ref()?;
        let vantage = asking.talk.vantage;
        let waited = |at: &&Cite| tap::went_on(case.model, vantage, at.1, Tap::PATIENCE);
        // What waits at the end may be answered yet, and may be all since some moment: others tell of that.
        let waiting = echo.waiting.len() as u64;
        let runs = echo.runs.iter();
        let (open, ended): (Vec<&Run>, Vec<&Run>) =
            runs.partition(|run| echo.waiting.contains(&run.seen.last));
        let tail = open.iter().map(|run| run.requests).max();
        let tail = tail.unwrap_or(0).max(waiting);
        let sizes = echo.sizes.iter().filter(|size| size.answered > 0);
        let (requests, answered) = sizes.fold((0, 0), |(requests, answered), size| {
            (requests + size.requests, answered + size.answered)
        });
        let requests = u64::saturating_sub(requests, tail);
        let silent = requests.saturating_sub(answered);
        let share = silent.saturating_mul(20);
        // Most are not answered, or nearly all: something else tells of that.
        if share < requests || silent.saturating_mul(2) > requests {
            return None;
        }
        self.requests += requests;
        self.silent += silent;
        for run in ended {
            self.runs += 1;
            self.in_runs += run.requests;
        }
        self.places.extend(echo.unanswered.iter().filter(waited));
        self.last = self.last.max(asking.out.seen.map(|seen| seen.last.1));
        self.by_others |= !asking.is_check();
        Some(())
    }

    /// Whether they were lost one here and one there, or again and again a few.
    fn is_scattered(&self) -> bool {
        let single = self.silent.saturating_sub(self.in_runs);
        let mostly = single.saturating_mul(2) >= self.silent;
        self.silent >= FEW && single + self.runs >= PLACES && (mostly || self.runs >= PLACES)
    }

    /// The first that is known, and when somebody asked last.
    fn span(&self) -> Option<(Cite, Timestamp)> {
        let first = self.places.iter().min_by_key(|at| at.1)?;
        Some((*first, self.last?.max(first.1)))
    }
}

/// What a tap that misses nothing of the answers shows of the way to them.
pub(super) fn beyond(case: &Case<'_>) -> Option<Finding> {
    match case.inside() {
        Some(inside) => opened(case, inside),
        None => sealed(case),
    }
}

fn opened(case: &Case<'_>, inside: &Inside<'_>) -> Option<Finding> {
    let mut lost: BTreeMap<(Vantage, usize), Lost> = BTreeMap::new();
    let asked = inside.asked_once().filter(|asking| {
        // An error tells why.
        let (from, to) = (asking.from.address, asking.to.address);
        inside.errors(from, to).is_empty()
    });
    for asking in asked {
        let key = (asking.talk.vantage, asking.end);
        lost.entry(key).or_default().add(case, asking);
    }
    lost.into_iter().find_map(|((vantage, end), lost)| {
        let (first, last) = lost.span().filter(|_| lost.is_scattered())?;
        let span = (first.1, last);
        let whole = inside.lacks(vantage, end, span).saturating_mul(5) <= lost.silent
            && inside.would_see(vantage, end, lost.silent, span);
        if !whole || !is_of_one_time(case, &lost, vantage, span) {
            return None;
        }
        // What comes late a receiver may take for a copy, as `esp-reordering` tells; and a recording out of order may
        // have replies before their requests.
        let in_order = case.flows().all(|flow| flow.sequence.late == 0);
        let place = Place::of(case, vantage, end)
            .filter(|_| in_order)
            .filter(|place| lost.by_others || matches!(place, Place::Beyond))?;
        let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
        let (requests, silent) = (lost.requests, lost.silent);
        let places = lost.silent - lost.in_runs.min(lost.silent) + lost.runs;
        let mut finding = found(case, (from, to), place, first, (silent, requests), span);
        finding.says = say!(
            "{silent} of {requests} from behind {from} to hosts behind {to} were not answered, at {places}, and others in \
             between were.",
            silent,
            requests = count(requests, "echo request"),
            from,
            to,
            places = count(places, "place")
        )
        .then(finding.says);
        for place in lost.places.iter().filter(|place| **place != first) {
            finding = finding.also(*place, "not answered either");
        }
        Some(finding)
    })
}

fn sealed(case: &Case<'_>) -> Option<Finding> {
    let Partly {
        asks,
        vantage,
        from,
        to,
        missed,
    } = rhythm::partly_answered(case)?;
    let end = case.tunnel.ends.iter().position(|end| *end == to)?;
    let place = Place::of(case, vantage, end)?;
    let span = (asks.first.1, asks.last.1);
    let packets = u64::from(asks.packets);
    let mut finding = found(
        case,
        (&from, &to),
        place,
        asks.first,
        (missed, packets),
        span,
    );
    finding.says = say!(
        "{from} sends {to} a packet of {size} octets every {period}, {likeness}, and each has one of the same size in \
         return but {missed} of {packets}, one here and one there.",
        from,
        to,
        size = asks.size,
        period = asks.period,
        likeness = asks.guess.words(),
        missed,
        packets
    )
    .then(finding.says);
    Some(
        finding.or("These packets are no requests, and what comes back belongs to something else."),
    )
}

/// What both ways to see it say.
fn found(
    case: &Case<'_>,
    (from, to): (&IpAddr, &IpAddr),
    place: Place,
    first: Cite,
    (silent, requests): (u64, u64),
    (since, until): (Timestamp, Timestamp),
) -> Finding {
    let share = one_decimal(silent as f64 * 100.0 / requests as f64);
    let again = sent_again(case, since, until);
    let finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first,
        "near the first that was not answered",
    )
    .during(since, until)
    .title(match place {
        Place::Beyond => say!(
            "{share} % of what {from} asks is not answered: packets seem lost beyond this tap, on the way to {to} or \
             behind it",
            share,
            from,
            to
        ),
        Place::Behind => say!(
            "{share} % of what {from} asks is not answered: packets seem lost behind {to}",
            share,
            from,
            to
        ),
    });
    let busy = say!(
        "What is asked, or the way to it behind {to}, does not answer all: it is busy, or limits what it answers.",
        to
    );
    match place {
        Place::Beyond => {
            let mut finding = finding.says(say!(
                "No number of ESP is missing meanwhile, so that what is lost is lost beyond this tap: on the way from \
                 it to {to}, or behind {to}.",
                to
            ));
            if again >= AGAIN {
                finding.confidence = Confidence::Likely;
                finding
                    .says
                    .add("IKE requests were sent again, too: the path loses packets.");
            }
            finding
                .or(busy)
                .or("They come out of order there, and the receiver drops those that are too late for its window.")
                .advise(say!(
                    "Capture at {to}: gaps in the numbers of ESP there show that the path lost them; none, that it is \
                     lost behind {to}.",
                    to
                ))
                .advise(say!(
                    "Look at the path from {from}: errors, rate limits, queues; compare the times with the load.",
                    from
                ))
        }
        Place::Behind => finding
            .says(say!(
                "What was asked reached {to}, and no number of ESP of it is missing: requests or answers are lost \
                 behind it, or there is no answer.",
                to
            ))
            .or(busy)
            .advise(say!(
                "Look at the way behind {to}: its inner link, its filters, and the load of what is asked.",
                to
            )),
    }
}

/// Where it is lost.
#[derive(Clone, Copy)]
enum Place {
    /// On the way from the tap, or behind the gateway at its end.
    Beyond,
    /// Behind that gateway, which had the requests.
    Behind,
}

impl Place {
    /// Of what goes to an end; `None` if two taps tell what is lost between them.
    fn of(case: &Case<'_>, vantage: Vantage, end: usize) -> Option<Self> {
        let located = Located::of(case.tunnel, end).filter(|located| located.both > 0);
        let beside = || {
            let directions = case.directions_at(vantage);
            directions.is_some_and(|directions| own::end(directions) == Some(end))
        };
        match located {
            Some(located) => (located.lost == 0).then_some(Self::Behind),
            None if beside() => Some(Self::Behind),
            None => Some(Self::Beyond),
        }
    }
}

/// Whether those that came in a row are of one SA each way: where SAs come and go, so do the answers.
fn is_of_one_time(
    case: &Case<'_>,
    lost: &Lost,
    vantage: Vantage,
    (first, last): (Timestamp, Timestamp),
) -> bool {
    let steady = |end: usize| {
        let directions = case.directions_at(vantage);
        directions.is_some_and(|directions| {
            let mut flows = directions.flows(end).iter();
            flows.any(|flow| flow.seen.first.1 <= first && flow.seen.last.1 >= last)
        })
    };
    lost.in_runs.saturating_mul(2) <= lost.silent || steady(0) && steady(1)
}

/// How many requests of IKE were answered only after they were sent again, between these times.
fn sent_again(case: &Case<'_>, since: Timestamp, until: Timestamp) -> usize {
    let unsettled = case.unsettled().iter();
    unsettled
        .filter(|asked| asked.fate == Fate::Answered)
        .filter(|asked| asked.last.1.since(asked.first.1) >= RESENT)
        .filter(|asked| asked.last.1 >= since && asked.first.1 <= until)
        .count()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};
    use crate::diagnose::{Confidence, Severity};

    /// Requests each fifth of a second, of which some have no reply; the numbers back have no gap.
    fn opened(without: &[u32]) -> String {
        let mut text = String::from(
            "0 A > B ESP 0xb1 seq 1..60 every 0.2 inner(10.1.0.1 > 10.2.0.1 echo 7/1)\n",
        );
        let mut number = 0;
        for request in 1..=60 {
            if !without.contains(&request) {
                number += 1;
                let time = f64::from(request - 1) * 0.2 + 0.05;
                text.push_str(&format!(
                    "{time} B > A ESP 0xa1 seq {number} inner(10.2.0.1 > 10.1.0.1 reply 7/{request})\n"
                ));
            }
        }
        text + "30 A > B ESP 0xb1 seq 61 inner(10.1.0.9 > 10.2.0.9 UDP 5 > 6)"
    }

    #[test]
    fn requests_without_answer_one_here_and_one_there() {
        let finding = fires(&opened(&[3, 9, 17, 18, 30, 41, 52]), "packet-loss");
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Possible);
        let says = finding.says.to_string();
        assert!(says.contains("7 of 60 echo requests"), "{says}");
        // Too few, or all in one row, which is an outage, or something came up late.
        silent(&opened(&[3, 9, 17]), "packet-loss");
        silent(&opened(&[20, 21, 22, 23, 24, 25, 26, 27]), "packet-loss");
        silent(&opened(&[1, 2, 3, 4, 5, 6, 7, 8]), "packet-loss");
    }

    #[test]
    fn short_rows_again_and_again() {
        let rows = [5, 6, 7, 17, 18, 19, 30, 31, 32, 45, 46, 47];
        fires(&opened(&rows), "packet-loss");
    }

    /// The same sealed: of a hundred packets `kept` come back.
    fn sealed(every: f64, kept: impl Fn(u32) -> bool) -> String {
        let mut text = format!("0 A > B ESP 0xb1 seq 1..100 every {every} size 120\n");
        let mut number = 0;
        for request in 0..100 {
            if kept(request) {
                number += 1;
                let time = f64::from(request) * every + 0.03;
                text.push_str(&format!("{time} B > A ESP 0xa1 seq {number} size 120\n"));
            }
        }
        text + "90 A > B ESP 0xb1 seq 101 size 88"
    }

    #[test]
    fn sealed_packets_whose_equals_are_missing_by_chance() {
        let chance = |share: u32| {
            move |request: u32| {
                let mixed = request.wrapping_mul(0x9e37_79b9);
                (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 24 > share
            }
        };
        let finding = fires(&sealed(0.5, chance(50)), "packet-loss");
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Possible);
        fires(&sealed(0.2, chance(36)), "packet-loss");
        for every in [0.2, 0.5] {
            // All answered, one row, answers that end, and hosts that are asked in turn, of which one is down.
            silent(&sealed(every, |_| true), "packet-loss");
            silent(
                &sealed(every, |request| !(40..60).contains(&request)),
                "packet-loss",
            );
            silent(&sealed(every, |request| request < 80), "packet-loss");
            silent(&sealed(every, |request| request % 4 != 2), "packet-loss");
        }
        // Another sender, of another pace.
        let other = "
            0 A > B ESP 0xb1 seq 1..100 every 0.5 size 120
            0.1 B > A ESP 0xa1 seq 1..80 every 0.625 size 120
            90 A > B ESP 0xb1 seq 101 size 88";
        silent(other, "packet-loss");
    }
}

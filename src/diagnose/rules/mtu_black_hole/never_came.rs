//! Packets whose numbers are missing, and nothing large came since.

use super::inside::SMALLEST;
use super::{PATTERN, RULE, has_no_hole, try_sizes, what_changed};
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::overhead::{LEAST_MTU, outer_of};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Tap, own};
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::model::Seen;
use crate::say;
use crate::units::Vantage;

/// Many packets to `end` are missing, nothing large came since the first of them, and small ones that come steadily,
/// such as pings, have no hole: chance would have hit those as well.
pub(super) fn never_came(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// Fewer missing ones may be of any kind.
    const PLENTY: u64 = 10;
    /// Chance spares all of the steady ones once in so many captures, as a power of ten.
    const SELDOM: f64 = 4.0;
    let (here, back) = (directions.flows(end), directions.flows(1 - end));
    let flow = here.iter().max_by_key(|flow| flow.sequence.missing)?;
    let (missing, came) = (flow.sequence.missing, flow.packets);
    let mut gaps = esp::gaps(flow).map(|(at, _)| at);
    let at = gaps.next().unwrap_or(flow.seen.first);
    let (before, since) = esp::largest_around(here, at.1);
    let (before, since) = (outer_of(flow, before), outer_of(flow, since));
    // In one piece they are an outage, or were skipped on purpose (RFC 6311).
    let scattered = missing >= PLENTY && flow.sequence.bursts >= PATTERN;
    let complete = back.iter().all(|flow| flow.sequence.missing == 0);
    // What an end sends is on no path yet where the tap stands beside it.
    let beside = own::end(directions) == Some(1 - end);
    let whole = complete && !tap.lacks_packets() && !beside;
    // Where larger ones came before, what comes since tells the limit; else only what every path takes is small.
    let amid = before > LEAST_MTU;
    let small = if amid { LEAST_MTU } else { SMALLEST };
    if !scattered || !whole || since > small {
        return None;
    }
    let lasts = |one: Cite, other: Cite| other.1.since(one.1).0;
    let all = lasts(flow.seen.first, flow.seen.last);
    // Nearly as long as the flow: so the gaps lie between its packets.
    let long = |first: Cite, last: Cite| lasts(first, last) >= all / 4 * 3;
    let all_steady = || {
        let rhythms = flow.rhythms.iter();
        rhythms.filter(|one| long(one.first, one.last) && has_no_hole(one))
    };
    let steady = || {
        let steady = all_steady().max_by_key(|rhythm| rhythm.packets)?;
        let note = say!("steady packets of {size} octets of ESP", size = steady.size);
        Some((u64::from(steady.packets), steady.first, steady.last, note))
    };
    // With keys it is known that each ping had its reply.
    let read =
        replies(case, directions.vantage, end).filter(|(_, seen)| long(seen.first, seen.last));
    let keyed = read.is_some();
    let (small, small_first, small_last, note) = match read {
        Some((replies, seen)) => (
            replies,
            seen.first,
            seen.last,
            "the first ping inside that was answered".into(),
        ),
        None => steady()?,
    };
    let passes = came as f64 / came.saturating_add(missing) as f64;
    if -passes.log10() * (small as f64) < SELDOM {
        return None;
    }
    // Where most packets besides the steady ones came, those that are missing may be of the same kind.
    let steady: u64 = all_steady().map(|rhythm| u64::from(rhythm.packets)).sum();
    let others = came.saturating_sub(steady.max(small));
    let are_mixed = others >= missing.saturating_mul(3);
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let all = missing.saturating_add(came);
    let missed = match amid {
        false => say!(
            "{missing} of {all} ESP packets from {from} to {to} never came, and none that came is larger than {largest} \
             octets.",
            missing,
            all,
            from,
            to,
            largest = since.max(before)
        ),
        true => say!(
            "{missing} of {all} ESP packets from {from} to {to} never came, and since the first of them none came that is \
             larger than {since} octets; before, packets of up to {before} octets had come.",
            missing,
            all,
            from,
            to,
            since,
            before
        ),
    };
    let finding = Finding::new(
        &RULE,
        match keyed {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        at,
        say!("first gap in the numbers of {spi}", spi = flow.key.spi),
    )
    .severity(match are_mixed && !amid {
        true => Severity::Warning,
        false => RULE.severity,
    })
    .also(small_first, note)
    .also(small_last, "the last of them, which came without a break")
    .title(say!(
        "Large packets from {from} to {to} seem to vanish",
        from,
        to
    ))
    .says(missed.then(match keyed {
        true => say!(
            "Yet each of {small} pings inside had its reply from there: chance would have hit those as well.",
            small
        ),
        false => say!(
            "Yet of {small} small ones that come steadily, such as pings, none is missing: chance would have hit \
             those as well.",
            small
        ),
    }))
    .or("The path loses packets only when many come at once.")
    .advise(try_sizes(*from))
    .advise_all(amid.then(what_changed))
    .advise_all(vendor_advice::of_both(case, Topic::Mtu))
    .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    Some(gaps.fold(finding, |finding, gap| finding.also(gap, "another gap")))
}

/// Pings of hosts behind an end that each had a reply from the other side, and their time; `None` if one had
/// none.
fn replies(case: &Case<'_>, vantage: Vantage, end: usize) -> Option<(u64, Seen)> {
    let inside = case.inside()?;
    let mut all: Option<(u64, Seen)> = None;
    for talk in inside.talks().filter(|talk| talk.vantage == vantage) {
        for out in &talk.ways {
            let Some(echo) = &out.echo else { continue };
            if inside.end_towards(out) != Some(1 - end) {
                continue;
            }
            let (first, last) = (out.seen?.first, echo.last_reply?);
            // The recording may end before the last reply.
            if echo.answered + 1 < echo.requests || echo.waiting.len() > 1 {
                return None;
            }
            let seen = Seen { first, last };
            all = Some(all.map_or((echo.answered, seen), |(answered, known)| {
                let seen = Seen {
                    first: known.first.min(first),
                    last: known.last.max(last),
                };
                (answered + echo.answered, seen)
            }));
        }
    }
    all
}

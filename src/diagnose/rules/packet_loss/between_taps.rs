//! Loss that two taps locate between them.

use super::{HEAVY, HEAVY_EXPLAINS, INTERRUPTED, PIECE, RULE, matters, one_decimal};
use crate::diagnose::facts::esp::LostSizes;
use crate::diagnose::facts::taps::name;
use crate::diagnose::facts::{Asked, Located, Passage, Tap, outage};
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::count;
use crate::model::EspFlow;
use crate::say;
use crate::units::EspSpi;
use std::collections::BTreeSet;

/// What left one tap and never reached the other.
pub(super) fn between_taps(case: &Case<'_>, end: usize) -> Option<Finding> {
    let located = Located::of(case.tunnel, end)?;
    let first = located.first().filter(|_| {
        // An SA of which the far tap has nothing is blocked, or goes another way.
        let by_chance = located.lost.saturating_sub(located.lone);
        matters(by_chance, located.both) && !(located.may_be_leak() && located.leaks())
    })?;
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let share = one_decimal(located.lost as f64 * 100.0 / located.left() as f64);
    let dropped = case.model.dropped(located.far);
    let missed = (located.unrecorded > 0).then(|| {
        say!(
            "{packets} that {near} lacks reached {far}: its recording lost them.",
            packets = count(located.unrecorded, "packet"),
            near = name(case.model, located.near),
            far = name(case.model, located.far)
        )
    });
    let large = lost_sizes(case, &located, end).filter(LostSizes::are_large);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain
            .lower_if(dropped > 0 || located.may_be_leak())
            .lower_if(!located.is_judged()),
        case.id,
        first,
        "near the first that left and never arrived",
    )
    .title(say!(
        "{share} % of ESP from {from} to {to} is lost between the two taps",
        share,
        from,
        to
    ))
    .says(
        say!("{loss}.", loss = located.says(case.model))
            .then(missed)
            .then(large.map(|sizes| {
                say!(
                    "All that was lost is of {least} octets of ESP and more; none of {small} smaller ones was lost.",
                    least = sizes.least,
                    small = sizes.small
                )
            })),
    )
    .advise(say!(
        "Look at the path between the taps, from {near} to {far}: errors, rate limits, queues; compare the \
         times with the load.",
        near = name(case.model, located.near),
        far = name(case.model, located.far)
    ));
    let heavy = located.lost as f64 * 100.0 >= HEAVY * located.left() as f64;
    let pieces = located.missed.len() as u64;
    let shown: u64 = located
        .missed
        .iter()
        .map(|missed| missed.run.length())
        .sum();
    if heavy
        && dropped == 0
        && !located.is_one_piece()
        && shown <= pieces.saturating_mul(PIECE)
        && !arrives_in_vain(case)
    {
        finding = finding.explaining(HEAVY_EXPLAINS);
    }
    if located.may_be_leak() {
        // Too few to be told from a recording that loses some.
        let severity = match located.spares_back() {
            true => RULE.severity,
            false => Severity::Info,
        };
        finding = finding.severity(severity).or(say!(
            "The recording of {far} lost them.",
            far = name(case.model, located.far)
        ));
    }
    if located.is_one_piece() {
        finding = match ends(case, &located, end, first) {
            Some(Ends::Alone(spi)) => finding.title(say!(
                "From one moment on ESP of SA {spi} from {from} to {to} is lost between the two taps",
                spi,
                from,
                to
            )),
            Some(Ends::WithAll) => finding.title(say!(
                "From one moment on ESP from {from} to {to} is lost between the two taps",
                from,
                to
            )),
            None => finding
                .severity(match is_interruption(&located, first) {
                    true => RULE.severity,
                    false => Severity::Info,
                })
                .title(say!(
                    "{packets} from {from} to {to} are lost between the two taps, in one piece",
                    packets = count(located.lost, "ESP packet"),
                    from,
                    to
                )),
        };
    }
    if large.is_some() {
        finding = finding.or(
            "Only large packets vanish: a link on the path takes no more than some size, or a policer drops them first.",
        );
    }
    if dropped > 0 {
        finding = finding.severity(Severity::Info).or(say!(
            "The recording of {far} says that it dropped {dropped} packets itself.",
            far = name(case.model, located.far),
            dropped
        ));
    }
    // The runs that are kept are the first; the last packet that left is never before the last lost one.
    let near = case.directions_at(located.near);
    let last = near.and_then(|near| near.last(end));
    let known = located.missed.iter().filter_map(|missed| missed.after);
    let until = match shown == located.lost {
        true => known.map(|after| after.1).max(),
        false => last.map(|last| last.1),
    };
    let finding = match until {
        Some(until) => finding.during(first.1, until),
        None => finding,
    };
    Some(located.cite(case.model, finding))
}

/// Which sizes were lost of the SAs that both taps have.
fn lost_sizes(case: &Case<'_>, located: &Located<'_>, end: usize) -> Option<LostSizes> {
    let flows = |vantage| Some(case.directions_at(vantage)?.flows(end));
    let (near, far) = (flows(located.near)?, flows(located.far)?);
    let (at_near, at_far) = (spis(near), spis(far));
    let both = |flow: &EspFlow| at_near.contains(&flow.key.spi) && at_far.contains(&flow.key.spi);
    let near: Vec<&EspFlow> = near.iter().copied().filter(|flow| both(flow)).collect();
    let far: Vec<&EspFlow> = far.iter().copied().filter(|flow| both(flow)).collect();
    LostSizes::of(&near, &far)
}

fn spis(flows: &[&EspFlow]) -> BTreeSet<EspSpi> {
    flows.iter().map(|flow| flow.key.spi).collect()
}

/// Whether a request that nobody answered is known to have arrived: loss on its way does not explain that.
fn arrives_in_vain(case: &Case<'_>) -> bool {
    /// So many requests are looked at, the first.
    const LOOKED_AT: usize = 16;
    let silent = case.unsettled().iter().filter(|asked| asked.is_silent());
    silent
        .take(LOOKED_AT)
        .any(|asked| Passage::of(case, asked.flight).is_some_and(|passage| passage.arrived()))
}

/// Whether the piece is so long that somebody notices, and what came after it is known.
fn is_interruption(located: &Located<'_>, first: Cite) -> bool {
    located.longest().is_some_and(|longest| {
        let lasted = longest.after.map(|after| after.1.since(first.1));
        longest.run.length() >= INTERRUPTED && lasted.is_some_and(|lasted| lasted >= outage::OUTAGE)
    })
}

/// Of what nothing arrives any more, though it goes on being sent.
enum Ends {
    /// One SA, while others of that direction arrive.
    Alone(EspSpi),
    /// All of a direction.
    WithAll,
}

/// What ends between two taps for good; `None` if something arrives later, or the end is too near.
fn ends(case: &Case<'_>, located: &Located<'_>, end: usize, first: Cite) -> Option<Ends> {
    let longest = located.longest()?;
    let goes_on = |flow: &&&EspFlow| flow.seen.last.1.since(first.1) >= Tap::PATIENCE;
    let sent = case.directions_at(located.near)?.flows(end);
    let mut on = sent.iter().filter(goes_on).map(|flow| flow.key.spi);
    if longest.after.is_some() || on.clone().all(|spi| spi != longest.spi) {
        return None;
    }
    if on.any(|spi| spi != longest.spi) {
        return Some(Ends::Alone(longest.spi));
    }
    // Where requests of IKE stay without answer as well, or a router complains, others tell of it.
    let told = !case.tunnel.icmp.is_empty() || case.unsettled().iter().any(Asked::is_silent);
    (!told).then_some(Ends::WithAll)
}

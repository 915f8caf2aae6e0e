//! A child SA that is granted, and deleted at once by whoever asked for it.

use super::RULE;
use crate::diagnose::facts::taken_back::TakenBack;
use crate::diagnose::facts::{child, end_of};
use crate::diagnose::{Case, Confidence, Finding};
use crate::say;

/// A side asks for a child SA, is granted it, and deletes it at once: it cannot install it, or does not want
/// what was granted. In IKEv1 the side that granted it may do so, for it knows only after message 3.
pub(super) fn taken_back(case: &Case<'_>) -> Option<Finding> {
    let mut all: Vec<TakenBack> = Vec::new();
    for id in &case.tunnel.ike_sas {
        let taken = TakenBack::under(case, *id);
        // A renewal deletes what it replaces: only the first child SA has none before it.
        let first = taken.first().is_some_and(|first| first.first);
        let read = taken.iter().filter(|one| one.read).count();
        let once = case.model.ike_sas[*id].version.major() == 1;
        if read > usize::from(once) || first && taken.len() > 1 {
            all.extend(taken.into_iter().filter(|one| one.read || first));
        }
    }
    let (first, last) = (all.first()?, all.last()?);
    // A child SA that serves is not taken back.
    if case.flows().any(|flow| flow.seen.last.1 > first.granted.1) {
        return None;
    }
    let (by, of, asker) = (first.by, first.of, first.asker);
    // A NAT shows a side under two addresses.
    let own = end_of(case.tunnel, by) == end_of(case.tunnel, of);
    let read = all.iter().any(|one| one.read);
    let mut finding = Finding::new(
        &RULE,
        match read {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        first.deleted,
        say!("{by} deletes the child SA", by),
    )
    .also(first.granted, say!("{of} grants the child SA", of))
    .during(first.deleted.1, last.deleted.1)
    .title(match own {
        true => say!("{by} takes back each child SA that it grants", by),
        false => say!("{by} takes back each child SA that it was granted", by),
    })
    .says(match own {
        true => say!(
            "{by} granted {asker} a child SA {times}, and deleted it at once (after {span}); no ESP passed.",
            by,
            asker,
            times = child::times(all.len()),
            span = first.deleted.1.since(first.granted.1)
        ),
        false => say!(
            "{by} asked {of} for a child SA {times}, was granted it, and deleted it at once (after {span}); no ESP \
             passed.",
            by,
            of,
            times = child::times(all.len()),
            span = first.deleted.1.since(first.granted.1)
        ),
    })
    .or(say!(
        "{by} cannot install it: its kernel or hardware lacks an algorithm, or refuses the policies.",
        by
    ))
    .or("What was granted is not what was asked for: narrower selectors, or another mode.")
    .or("A program or an administrator closes it.")
    .advise(say!("Read the log of {by}: it alone knows the reason.", by));
    for again in all.iter().skip(1) {
        finding = finding.also(again.deleted, "and again");
    }
    Some(finding)
}

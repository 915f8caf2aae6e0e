//! What happens again and again, told once: the first of it, how much more there is, the last.

use super::{Event, Kind};
use crate::language::list;
use crate::limits::TIMELINE_EVENTS;
use crate::say;
use std::collections::BTreeMap;

/// Negotiations from the first message on that are told one by one.
const LIVES: usize = 4;

/// Events of like kind in a row that are told one by one.
const RUN: usize = 6;

/// Folds events, which are in order.
pub(super) fn fold(events: Vec<Event>) -> Vec<Event> {
    let mut events = runs(lives(events));
    if events.len() > TIMELINE_EVENTS {
        let half = TIMELINE_EVENTS / 2;
        let end = events.len() - (half - 1);
        middle(&mut events, half, end);
    }
    events
}

/// Folds all lives of a tunnel but the first two and the last.
fn lives(mut events: Vec<Event>) -> Vec<Event> {
    let begins: Vec<usize> = (0..)
        .zip(&events)
        .filter(|(_, event)| event.anew)
        .map(|(place, _)| place)
        .collect();
    if begins.len() > LIVES
        && let (Some(third), Some(last)) = (begins.get(2), begins.last())
    {
        middle(&mut events, *third, *last);
    }
    events
}

/// Folds long runs of events of one kind, or of two in turn: the first two and the last stay.
fn runs(events: Vec<Event>) -> Vec<Event> {
    let mut told = Vec::with_capacity(events.len());
    let mut run: Vec<Event> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for event in events {
        if !kinds.contains(&event.kind) {
            if kinds.len() == 2 {
                kinds.clear();
                told.append(&mut shortened(std::mem::take(&mut run)));
            }
            kinds.push(event.kind);
        }
        run.push(event);
    }
    told.append(&mut shortened(run));
    told
}

fn shortened(mut run: Vec<Event>) -> Vec<Event> {
    if run.len() > RUN {
        let last = run.len() - 1;
        middle(&mut run, 2, last);
    }
    run
}

/// Puts one event in the place of those from `start` to `end`.
fn middle(events: &mut Vec<Event>, start: usize, end: usize) {
    let folded: Vec<Event> = events.drain(start..end).collect();
    let (Some(first), Some(last)) = (folded.first(), folded.last()) else {
        return;
    };
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for event in &folded {
        *kinds.entry(event.kind).or_default() += event.count;
    }
    let kinds = kinds
        .into_iter()
        .map(|(kind, count)| say!("{count} × {kind}", count, kind = kind.words()));
    let again = Event {
        at: first.at,
        kind: Kind::Again,
        says: say!(
            "and so on for {time}: {kinds}",
            time = last.when.since(first.when),
            kinds = list(kinds)
        ),
        count: folded.iter().map(|event| event.count).sum(),
        anew: false,
        when: first.when,
    };
    events.insert(start, again);
}

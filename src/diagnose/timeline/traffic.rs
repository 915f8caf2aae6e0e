//! When packets of ESP and AH began, stopped and came again, in each direction.

use super::{ALIKE, Event, Kind};
use crate::diagnose::Case;
use crate::diagnose::facts::taps::Clocks;
use crate::diagnose::facts::{esp, tap};
use crate::diagnose::finding::Cite;
use crate::language::Text;
use crate::model::{EspFlow, Model};
use crate::say;
use crate::units::{Span, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Shorter silences are no stop.
const QUIET: Span = Span::from_secs(5);

/// A silence must be so many times as long as the usual time between two packets.
const UNUSUAL: i64 = 10;

/// Tells of the traffic of a tunnel. Where several inputs recorded it, the one that has most of a direction
/// tells of it, and the others where theirs is different.
pub(super) fn tell(case: &Case<'_>, clocks: &Clocks, events: &mut Vec<Event>) {
    let Case { model, tunnel, .. } = *case;
    let mut directions: BTreeMap<(usize, u16), Vec<&EspFlow>> = BTreeMap::new();
    for id in &tunnel.flows {
        let flow = &model.flows[*id];
        if let Some(end) = esp::destination(tunnel, flow) {
            let key = (end, flow.key.vantage.input);
            directions.entry(key).or_default().push(flow);
        }
    }
    let mut directions: Vec<_> = directions.into_iter().collect();
    let packets = |flows: &[&EspFlow]| flows.iter().map(|flow| flow.packets).sum::<u64>();
    directions.sort_by_key(|((end, input), flows)| (*end, Reverse(packets(flows)), *input));
    // By the end, the kind, whether it is the end of all, and the time.
    let mut told: BTreeSet<(usize, Kind, bool, Timestamp)> = BTreeSet::new();
    for ((end, _), flows) in directions {
        if let (Some(to), Some(from)) = (tunnel.ends.get(end), tunnel.ends.get(1 - end)) {
            let protocol = match flows.iter().all(|flow| flow.key.ah) {
                true => "AH",
                false => "ESP",
            };
            let what = say!(
                "{protocol} from {from} to {to}",
                protocol = Text::verbatim(protocol),
                from,
                to
            );
            let mut new = Vec::new();
            direction(model, &flows, &what, &mut new);
            // What stops for good is another thing than a pause.
            let last = new.len().saturating_sub(1);
            let over =
                |place: usize, event: &Event| place == last && event.kind == Kind::TrafficStopped;
            let new = new.into_iter().enumerate();
            let new: Vec<_> = new
                .map(|(place, event)| ((end, event.kind, over(place, &event)), event))
                .filter(|((end, kind, over), event)| {
                    let at = |time| (*end, *kind, *over, time);
                    let time = clocks.common(event.at);
                    let near = at(time.later(Span(-ALIKE.0)))..=at(time.later(ALIKE));
                    told.range(near).next().is_none()
                })
                .collect();
            for ((end, kind, over), event) in new {
                told.insert((end, kind, over, clocks.common(event.at)));
                events.push(event);
            }
        }
    }
}

/// A time in which packets came, by its first and last.
type Busy = (Cite, Cite);

fn direction(model: &Model, flows: &[&EspFlow], traffic: &Text, events: &mut Vec<Event>) {
    let quiet = quiet(flows);
    let mut busy: Vec<Busy> = flows.iter().flat_map(|flow| busy(flow, quiet)).collect();
    busy.sort_unstable_by_key(|(first, last)| (first.1, first.0, last.1));
    let mut busy = busy.into_iter();
    let Some((first, mut last)) = busy.next() else {
        return;
    };
    let begins = say!("{traffic} begins", traffic);
    events.push(Event::new(first, Kind::TrafficBegan, begins));
    for (next, until) in busy {
        let silence = next.1.since(last.1);
        if silence >= quiet {
            let stops = say!("{traffic} stops for {silence}", traffic, silence);
            events.push(Event::new(last, Kind::TrafficStopped, stops));
            let comes = say!("{traffic} comes again after {silence}", traffic, silence);
            events.push(Event::new(next, Kind::TrafficResumed, comes));
        }
        if until.1 > last.1 {
            last = until;
        }
    }
    let ended = flows
        .first()
        .and_then(|flow| tap::ended(model, flow.key.vantage));
    if let Some(rest) = ended
        .map(|end| end.since(last.1))
        .filter(|rest| *rest >= quiet)
    {
        let stops = say!(
            "{traffic} stops; none in the {rest} that follow",
            traffic,
            rest
        );
        events.push(Event::new(last, Kind::TrafficStopped, stops));
    }
}

/// The silence that is longer than the usual times between packets.
fn quiet(flows: &[&EspFlow]) -> Span {
    let (mut time, mut packets) = (0_i64, 0_i64);
    for flow in flows {
        let silent = flow.silences.iter().map(|silence| silence.length.0);
        let whole = flow.seen.last.1.since(flow.seen.first.1).0;
        time = time.saturating_add(whole.saturating_sub(silent.sum()).max(0));
        packets = packets.saturating_add(i64::try_from(flow.packets).unwrap_or(i64::MAX));
    }
    let usual = time / packets.max(1);
    Span(usual.saturating_mul(UNUSUAL)).max(QUIET)
}

/// The times in which packets of a flow came, cut at its longest silences.
fn busy(flow: &EspFlow, quiet: Span) -> Vec<Busy> {
    let mut silences: Vec<_> = flow
        .silences
        .iter()
        .filter(|silence| silence.length >= quiet)
        .collect();
    silences.sort_unstable_by_key(|silence| silence.before.1);
    let mut busy = Vec::with_capacity(silences.len() + 1);
    let mut first = flow.seen.first;
    for silence in silences {
        busy.push((first, silence.before));
        first = silence.after;
    }
    busy.push((first, flow.seen.last));
    busy
}

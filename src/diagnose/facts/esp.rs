//! ESP and AH of a tunnel by direction and time.

use crate::diagnose::{Case, Cite};
use crate::limits::VANTAGES;
use crate::model::{AnomalyKind, EspFlow, Tunnel};
use crate::units::{Endpoint, EspSpi, Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet};

/// The flows of a tunnel at one vantage, by the end they travel to.
#[derive(Clone, Debug)]
pub struct Directions<'m> {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Towards the first end, towards the second.
    pub towards: [Vec<&'m EspFlow>; 2],
    /// For each flow of `towards` the last moment of it and of those before it, which only grows, and
    /// the first moment of it and of those after it.
    spans: [Vec<(Timestamp, Timestamp)>; 2],
}

impl<'m> Directions<'m> {
    /// Packets towards an end, all flows together; what is there twice counts once.
    pub fn packets(&self, end: usize) -> u64 {
        self.flows(end).iter().map(|flow| once(flow)).sum()
    }

    /// Flows towards an end.
    pub fn flows(&self, end: usize) -> &[&'m EspFlow] {
        self.towards.get(end).map_or(&[], Vec::as_slice)
    }

    /// The flows towards an end that come from an endpoint: each client of a NAT has a port of its own. All where
    /// nothing comes from there, since IKE and ESP may have ports of their own, too.
    pub(crate) fn flows_from(&self, end: usize, from: Endpoint) -> Vec<&'m EspFlow> {
        let flows = self.flows(end);
        let is_own = |flow: &EspFlow| flow.paths.iter().any(|path| path.from == from);
        match flows.iter().any(|flow| is_own(flow)) {
            true => flows.iter().copied().filter(|flow| is_own(flow)).collect(),
            false => flows.to_vec(),
        }
    }

    /// Flows towards an end that began before `until` and were seen at or after `from`: found by
    /// halving, since a pair of gateways may have had thousands one after the other.
    pub fn alive(
        &self,
        end: usize,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = &'m EspFlow> + '_ {
        let spans = self.spans.get(end).map_or(&[][..], Vec::as_slice);
        let begin = spans.partition_point(|(last, _)| *last < from);
        let stop = spans.partition_point(|(_, first)| *first < until);
        let near = self.flows(end).iter().take(stop).skip(begin).copied();
        near.filter(move |flow| flow.seen.first.1 < until && flow.seen.last.1 >= from)
    }

    /// Some of the flows alone.
    pub(crate) fn only(&self, keep: impl Fn(&EspFlow) -> bool) -> Self {
        let kept = |flows: &Vec<&'m EspFlow>| {
            let flows = flows.iter().copied();
            flows.filter(|flow| keep(flow)).collect::<Vec<_>>()
        };
        let towards = self.towards.each_ref().map(kept);
        Self {
            vantage: self.vantage,
            spans: towards.each_ref().map(|flows| spans(flows)),
            towards,
        }
    }

    /// Every flow.
    pub fn all(&self) -> impl Iterator<Item = &'m EspFlow> + Clone {
        self.towards.iter().flatten().copied()
    }

    /// Packets towards an end that came at or after `time`, as far as the timelines tell.
    pub fn packets_since(&self, end: usize, time: Timestamp) -> u64 {
        self.flows(end)
            .iter()
            .map(|flow| packets_since(flow, time))
            .sum()
    }

    /// The last packet towards an end.
    pub fn last(&self, end: usize) -> Option<Cite> {
        self.flows(end)
            .iter()
            .map(|flow| flow.seen.last)
            .max_by_key(|cite| cite.1)
    }

    /// The first packet towards an end.
    pub fn first(&self, end: usize) -> Option<Cite> {
        self.flows(end)
            .iter()
            .map(|flow| flow.seen.first)
            .min_by_key(|cite| cite.1)
    }
}

/// The flows of a tunnel by vantage and direction; those of no known direction are left out, and those
/// of more than [`VANTAGES`].
pub fn directions<'m>(case: &Case<'m>) -> Vec<Directions<'m>> {
    let mut all: Vec<Directions<'m>> = Vec::new();
    let mut places: BTreeMap<Vantage, usize> = BTreeMap::new();
    for id in &case.tunnel.flows {
        let flow = &case.model.flows[*id];
        let Some(end) = destination(case.tunnel, flow) else {
            continue;
        };
        let vantage = flow.key.vantage;
        if places.len() == VANTAGES && !places.contains_key(&vantage) {
            continue;
        }
        let index = *places.entry(vantage).or_insert_with(|| {
            all.push(Directions {
                vantage,
                towards: [Vec::new(), Vec::new()],
                spans: [Vec::new(), Vec::new()],
            });
            all.len() - 1
        });
        if let Some(flows) = all
            .get_mut(index)
            .and_then(|directions| directions.towards.get_mut(end))
        {
            flows.push(flow);
        }
    }
    for directions in &mut all {
        directions.spans = directions.towards.each_ref().map(|flows| spans(flows));
    }
    all
}

fn spans(flows: &[&EspFlow]) -> Vec<(Timestamp, Timestamp)> {
    let mut spans: Vec<(Timestamp, Timestamp)> = flows
        .iter()
        .map(|flow| (flow.seen.last.1, flow.seen.first.1))
        .collect();
    let mut latest = None;
    for (last, _) in &mut spans {
        *last = latest.map_or(*last, |latest| (*last).max(latest));
        latest = Some(*last);
    }
    let mut earliest = None;
    for (_, first) in spans.iter_mut().rev() {
        *first = earliest.map_or(*first, |earliest| (*first).min(earliest));
        earliest = Some(*first);
    }
    spans
}

/// How many SAs beside that of a flow have such flows, wherever those were recorded.
pub fn further(case: &Case<'_>, flow: &EspFlow, such: impl Fn(&EspFlow) -> bool) -> u64 {
    let others = case.flows().filter(|other| such(other));
    let spis = others.map(|other| other.key.spi);
    let spis: BTreeSet<EspSpi> = spis.filter(|spi| *spi != flow.key.spi).collect();
    spis.len() as u64
}

/// The end that a flow travels to.
pub fn destination(tunnel: &Tunnel, flow: &EspFlow) -> Option<usize> {
    tunnel.destination(flow)
}

/// Packets of a flow without those that came a second time at once.
pub(crate) fn once(flow: &EspFlow) -> u64 {
    flow.packets.saturating_sub(flow.doubled)
}

/// Packets of a flow at or after `time`: those of the timeline's steps that begin then or later. The
/// timeline has copies too; they are taken to be spread evenly.
pub fn packets_since(flow: &EspFlow, time: Timestamp) -> u64 {
    if time <= flow.seen.first.1 {
        return once(flow);
    }
    let secs = time.since(flow.seen.first.1).as_secs_f64();
    let skip = (secs / step(flow).as_secs_f64()).ceil() as usize;
    let counts = flow.timeline.counts.iter().skip(skip);
    without_copies(flow, counts.map(|packets| u64::from(*packets)).sum())
}

/// Of packets that a timeline counts, those that came first.
fn without_copies(flow: &EspFlow, counted: u64) -> u64 {
    match flow.doubled {
        0 => counted,
        _ => (counted as f64 * once(flow) as f64 / flow.packets.max(1) as f64) as u64,
    }
}

/// Packets of a flow between two times: those of the timeline's steps that lie wholly between, so
/// rather too few.
pub fn packets_within(flow: &EspFlow, from: Timestamp, to: Timestamp) -> u64 {
    let within = steps(flow).filter(|(begin, end, _)| *begin >= from && *end <= to);
    without_copies(flow, within.map(|(.., packets)| packets).sum())
}

/// Packets of a flow between two times at most: those of the timeline's steps of which a part lies between,
/// so rather too many.
pub fn packets_about(flow: &EspFlow, from: Timestamp, to: Timestamp) -> u64 {
    without_copies(flow, frames_about(flow, from, to))
}

/// As [`packets_about`], with copies.
pub fn frames_about(flow: &EspFlow, from: Timestamp, to: Timestamp) -> u64 {
    let place = |time: Timestamp| time.since(flow.seen.first.1).0.div_euclid(step(flow).0);
    let Ok(last) = usize::try_from(place(to)) else {
        return 0;
    };
    let first = usize::try_from(place(from)).unwrap_or(0);
    let counts = flow.timeline.counts.iter();
    let about = counts.take(last.saturating_add(1)).skip(first);
    about.map(|packets| u64::from(*packets)).sum()
}

/// Whether both directions were in use at the same time, not one after the other as those who talk by radio: most
/// answers came in steps of the timelines in which something was asked.
pub fn talk_together(asks: &[&EspFlow], answers: &[&EspFlow]) -> bool {
    /// Flows that are compared.
    const FLOWS: usize = 64;
    if asks.len() > FLOWS || answers.len() > FLOWS {
        return true;
    }
    let (mut beside, mut all) = (0u64, 0u64);
    for flow in answers {
        let beside_asks = steps(flow).filter(|(begin, end, packets)| {
            let mut asks = asks.iter();
            *packets > 0 && asks.any(|asks| frames_about(asks, *begin, *end) > 0)
        });
        beside += without_copies(flow, beside_asks.map(|(.., packets)| packets).sum());
        all += flow.packets;
    }
    beside.saturating_mul(2) >= all
}

/// How long a step of a flow's timeline is.
fn step(flow: &EspFlow) -> Span {
    Span::from_secs(i64::from(flow.timeline.step_secs.max(1)))
}

/// The steps of a flow's timeline: when each begins and ends, and its packets.
fn steps(flow: &EspFlow) -> impl Iterator<Item = (Timestamp, Timestamp, u64)> {
    let length = step(flow);
    let begins = move |place: i64| {
        let after = Span(length.0.saturating_mul(place));
        flow.seen.first.1.later(after)
    };
    let counts = (0..).zip(&flow.timeline.counts);
    counts.map(move |(place, packets)| (begins(place), begins(place + 1), u64::from(*packets)))
}

/// The first gaps in the numbers of a flow: the packet after each, and how many are missing before it.
pub fn gaps(flow: &EspFlow) -> impl Iterator<Item = (Cite, u32)> {
    flow.anomalies
        .iter()
        .filter_map(|anomaly| match anomaly.kind {
            AnomalyKind::Gap(skipped) => Some(((anomaly.frame, anomaly.time), skipped)),
            _ => None,
        })
}

/// Which sizes were lost between two taps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LostSizes {
    /// The smallest of which packets were lost.
    pub least: u32,
    /// How many were lost.
    pub lost: u64,
    /// How many as large ones were sent.
    pub large: u64,
    /// How many smaller ones were sent, all of which arrived.
    pub small: u64,
}

impl LostSizes {
    /// What some flows have and those behind them lack; `None` if that is nothing, or not known by size.
    pub fn of(near: &[&EspFlow], far: &[&EspFlow]) -> Option<Self> {
        if near.iter().chain(far).any(|flow| flow.sizes.others > 0) {
            return None;
        }
        let counts = |flows: &[&EspFlow]| {
            let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
            for (size, packets) in flows.iter().flat_map(|flow| &flow.sizes.counts) {
                *counts.entry(*size).or_default() += u64::from(*packets);
            }
            counts
        };
        let (sent, arrived) = (counts(near), counts(far));
        let lacks = |(size, sent): (&u32, &u64)| {
            sent.saturating_sub(arrived.get(size).copied().unwrap_or(0))
        };
        let (least, _) = sent.iter().find(|row| lacks(*row) > 0)?;
        Some(Self {
            least: *least,
            lost: sent.iter().map(lacks).sum(),
            large: sent.range(least..).map(|row| row.1).sum(),
            small: sent.range(..least).map(|row| row.1).sum(),
        })
    }

    /// Whether only large ones were lost, if chance takes small ones as readily once in ten thousand captures.
    pub fn are_large(&self) -> bool {
        const SELDOM: f64 = 4.0;
        let share = self.large as f64 / (self.large + self.small) as f64;
        -share.log10() * self.lost as f64 >= SELDOM
    }
}

/// The largest sizes of flows before a time, and since; of what was not timed nothing shows that it came before.
pub fn largest_around(flows: &[&EspFlow], time: Timestamp) -> (u32, u32) {
    let (mut before, mut since) = (0, 0);
    for flow in flows {
        let ended = flow.seen.last.1 < time;
        let timed = |size: u32| flow.rhythms.iter().find(|rhythm| rhythm.size == size);
        if flow.sizes.others > 0 && !ended {
            since = since.max(flow.sizes.largest);
        }
        for (size, _) in &flow.sizes.counts {
            let earlier = ended || timed(*size).is_some_and(|rhythm| rhythm.last.1 < time);
            let most = if earlier { &mut before } else { &mut since };
            *most = (*most).max(*size);
        }
    }
    (before, since)
}

#[cfg(test)]
mod tests {
    use super::{packets_about, packets_since, packets_within};
    use crate::diagnose::Case;
    use crate::model::TunnelId;
    use crate::testing::model;
    use crate::units::Timestamp;

    #[test]
    fn what_is_alive_is_found_as_if_every_flow_were_looked_at() {
        let model = model(
            "0 A > B ESP 0xb1 seq 1..30 every 1
             4 A > B ESP 0xb2 seq 1..3 every 1
             9 A > B ESP 0xb3 seq 1..3 every 1
             20 A > B ESP 0xb4 seq 1..9 every 1
             40 A > B ESP 0xb5 seq 1..9 every 1
             41 B > A ESP 0xa1 seq 1..9 every 1",
        );
        let case = Case::of(&model, TunnelId(0));
        let at = |secs: i64| Timestamp(model.inputs[0].first.unwrap().0 + secs * 1_000_000_000);
        for directions in case.directions() {
            for (from, until) in (0..60).flat_map(|from| (0..60).map(move |until| (from, until))) {
                let (from, until) = (at(from), at(until));
                for end in [0, 1] {
                    let found = directions.alive(end, from, until).map(|flow| flow.key.spi);
                    let all = directions
                        .flows(end)
                        .iter()
                        .filter(|flow| flow.seen.first.1 < until && flow.seen.last.1 >= from);
                    let all = all.map(|flow| flow.key.spi);
                    assert_eq!(found.collect::<Vec<_>>(), all.collect::<Vec<_>>());
                }
            }
        }
    }
    #[test]
    fn of_a_part_of_a_flow_copies_are_left_out_in_proportion() {
        let model = model("0 A > B ESP 0xb1 seq 1..30 every 1");
        let mut flow = model.flows.iter().next().unwrap().clone();
        let first = flow.seen.first.1;
        let after = |secs: i64| Timestamp(first.0 + secs * 1_000_000_000);
        let since = |flow: &_| [0, 1, 10, 29, 30].map(|secs| packets_since(flow, after(secs)));
        assert_eq!(since(&flow), [30, 29, 20, 1, 0]);
        assert_eq!(packets_within(&flow, after(5), after(15)), 10);
        assert_eq!(packets_about(&flow, after(5), after(15)), 11);
        flow.doubled = 15;
        assert_eq!(since(&flow), [15, 14, 10, 0, 0]);
        assert_eq!(packets_within(&flow, after(5), after(15)), 5);
        assert_eq!(packets_about(&flow, after(5), after(15)), 5);
    }
}

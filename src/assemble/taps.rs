//! Taps that recorded the same tunnel: how they lie, how their clocks differ, what one has and the
//! other lacks.
//!
//! Packets are the same if SPI and sequence number are, messages if their octets are.

use super::HashMap;
use crate::each::{Each, map_ids};
use crate::limits;
use crate::model::{
    AnomalyKind, ClockOffset, Crossing, EspFlow, Lie, Message, MessageId, Missed, Model, NumberRun,
    Numbers, Octets, TapPair, Tunnel, TunnelId,
};
use crate::units::{EspSpi, Span, Timestamp, Vantage};

/// Round trips between taps that are shorter than this may be an error of the clock's reading: no
/// cable between two hosts is told from none.
const SHORTEST: Span = Span(10_000);

/// Two taps that packets pass within this time, in no certain order, are at one place: a mirror
/// port takes no longer.
const CLOSE: Span = Span::from_millis(1);

/// A recording that ends within this time of a packet may lack it for that reason: whoever records hands
/// packets over in blocks, and the last block is lost with him.
const MARGIN: Span = Span::from_secs(1);

/// Fills `taps` of every tunnel.
pub(super) fn pair(model: &mut Model, each: &Each<'_>) {
    // With one tap there are none, and no tunnel need be looked at.
    let flows = model.flows.iter().map(|flow| flow.key.vantage);
    let mut all = flows.chain(model.messages.iter().map(|message| message.vantage));
    let first = all.next();
    if all.all(|vantage| Some(vantage) == first) {
        return;
    }
    let ids: Vec<TunnelId> = model.tunnels.ids().collect();
    let taps = map_ids(each, &ids, |id| pairs(model, &model.tunnels[id]));
    for (row, taps) in model.tunnels.iter_mut().zip(taps) {
        row.taps = taps;
    }
}

fn pairs(model: &Model, tunnel: &Tunnel) -> Vec<TapPair> {
    let taps = vantages(model, tunnel);
    if taps.len() < 2 {
        return Vec::new();
    }
    let sightings = Sightings::of(model, tunnel, &taps);
    let mut found = Vec::new();
    for (second, b) in taps.iter().enumerate() {
        for (first, a) in taps.iter().enumerate().take(second) {
            found.push(compare(
                model,
                tunnel,
                &sightings,
                [first, second],
                [*a, *b],
            ));
        }
    }
    found
}

/// The first few places that recorded packets of a tunnel.
fn vantages(model: &Model, tunnel: &Tunnel) -> Vec<Vantage> {
    let mut taps: Vec<Vantage> = Vec::new();
    for vantage in recorded_at(model, tunnel) {
        if !taps.contains(&vantage) && taps.len() < limits::TAPS {
            taps.push(vantage);
        }
    }
    taps.sort_unstable();
    taps
}

/// Where the packets of a tunnel were recorded, with repetitions.
pub(super) fn recorded_at<'m>(
    model: &'m Model,
    tunnel: &'m Tunnel,
) -> impl Iterator<Item = Vantage> + 'm {
    let flows = tunnel.flows.iter().map(|id| model.flows[*id].key.vantage);
    flows.chain(messages(model, tunnel).map(|(_, id)| model.messages[id].vantage))
}

/// Every message of a tunnel, with a number for its flight.
fn messages<'m>(
    model: &'m Model,
    tunnel: &'m Tunnel,
) -> impl Iterator<Item = (usize, MessageId)> + 'm {
    tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &model.ike_sas[*id].exchanges)
        .flat_map(|id| &model.exchanges[*id].flights)
        .enumerate()
        .flat_map(|(number, flight)| flight.copies().map(move |id| (number, id)))
}

/// What the taps of a tunnel have, ready to be compared. Taps are places in the list of them.
struct Sightings<'m> {
    /// Messages of the same flight and octets, by tap.
    messages: Vec<Vec<Vec<&'m Message>>>,
    /// Flows of the same SPI, by the end they travel to and by tap.
    flows: Vec<(usize, EspSpi, Vec<Vec<&'m EspFlow>>)>,
    /// Packets of each end by tap, none counted that both ends may have sent.
    heard: Vec<[bool; 2]>,
    /// Whether an end must have been heard by the other, by tap.
    answered: Vec<[bool; 2]>,
}

impl<'m> Sightings<'m> {
    fn of(model: &'m Model, tunnel: &'m Tunnel, taps: &[Vantage]) -> Self {
        let tap_of = |vantage: Vantage| taps.iter().position(|tap| *tap == vantage);
        let mut this = Self {
            messages: Vec::new(),
            flows: Vec::new(),
            heard: vec![[false; 2]; taps.len()],
            answered: vec![[false; 2]; taps.len()],
        };
        let mut places: HashMap<(usize, &Octets), usize> = HashMap::default();
        for (flight, id) in messages(model, tunnel) {
            let message = &model.messages[id];
            let Some(tap) = tap_of(message.vantage) else {
                continue;
            };
            let both = !message.header.spis.responder.is_zero();
            if let Some(end) = tunnel.end_of(message.path.from().address) {
                set(&mut this.heard, tap, end);
                if both {
                    set(&mut this.answered, tap, 1 - end);
                }
            }
            let place = *places
                .entry((flight, &message.bytes))
                .or_insert(this.messages.len());
            if place == this.messages.len() {
                this.messages.push(vec![Vec::new(); taps.len()]);
            }
            if let Some(list) = this
                .messages
                .get_mut(place)
                .and_then(|row| row.get_mut(tap))
            {
                list.push(message);
            }
        }
        let mut places: HashMap<(usize, bool, EspSpi), usize> = HashMap::default();
        for id in &tunnel.flows {
            let flow = &model.flows[*id];
            let (Some(tap), Some(end)) = (tap_of(flow.key.vantage), tunnel.destination(flow))
            else {
                continue;
            };
            set(&mut this.heard, tap, 1 - end);
            let place = *places
                .entry((end, flow.key.ah, flow.key.spi))
                .or_insert(this.flows.len());
            if place == this.flows.len() {
                let none = vec![Vec::new(); taps.len()];
                this.flows.push((end, flow.key.spi, none));
            }
            if let Some((.., row)) = this.flows.get_mut(place)
                && let Some(list) = row.get_mut(tap)
            {
                list.push(flow);
            }
        }
        this
    }

    /// Whether a tap hears only one end of a talk of two: its silence proves nothing.
    fn is_deaf(&self, tap: usize) -> bool {
        let heard = self.heard.get(tap).copied().unwrap_or_default();
        let answered = self.answered.get(tap).copied().unwrap_or_default();
        heard
            .iter()
            .zip(answered)
            .any(|(heard, answered)| answered && !heard)
    }
}

fn set(rows: &mut [[bool; 2]], tap: usize, end: usize) {
    if let Some(slot) = rows.get_mut(tap).and_then(|row| row.get_mut(end)) {
        *slot = true;
    }
}

/// A packet that both taps have.
#[derive(Clone, Copy)]
struct Sight {
    /// The end it travels to.
    end: usize,
    /// When the first tap has it.
    time: Timestamp,
    /// How much later the second has it, by its own clock.
    after: Span,
}

fn compare(
    model: &Model,
    tunnel: &Tunnel,
    sightings: &Sightings<'_>,
    places: [usize; 2],
    taps: [Vantage; 2],
) -> TapPair {
    let [a, b] = places;
    let (mut sights, mut copies): (Vec<Sight>, Vec<Sight>) = (Vec::new(), Vec::new());
    let mut hops = Hops::default();
    // By end they travel to: whether both, the first alone or the second alone have any.
    for row in &sightings.messages {
        let (Some(here), Some(there)) = (row.get(a), row.get(b)) else {
            continue;
        };
        let Some(any) = here.first().or(there.first()) else {
            continue;
        };
        let Some(end) = tunnel.end_of(any.path.from().address).map(|from| 1 - from) else {
            continue;
        };
        hops.have(end, !here.is_empty(), !there.is_empty());
        // Where as many copies came as left, and as long after each other, each is told by its place.
        if here.len() > 1 && is_paced_alike(here, there) {
            copies.extend(here.iter().zip(there).map(|(here, there)| Sight {
                end,
                time: here.time,
                after: there.time.since(here.time),
            }));
            for (here, there) in here.iter().zip(there) {
                hops.ttl(end, here.ip.ttl, there.ip.ttl);
            }
        }
        // Which copy is which is certain only of one.
        if let ([here], [there]) = (here.as_slice(), there.as_slice()) {
            sights.push(Sight {
                end,
                time: here.time,
                after: there.time.since(here.time),
            });
            hops.ttl(end, here.ip.ttl, there.ip.ttl);
            hops.translated |=
                here.path.from() != there.path.from() || here.path.to() != there.path.to();
        }
    }
    for (end, _, row) in &sightings.flows {
        let (Some(here), Some(there)) = (row.get(a), row.get(b)) else {
            continue;
        };
        hops.have(*end, !here.is_empty(), !there.is_empty());
        let ([here], [there]) = (here.as_slice(), there.as_slice()) else {
            continue;
        };
        sights.extend(same_samples(here, there).map(|(time, after)| Sight {
            end: *end,
            time,
            after,
        }));
        if here.ttl.0 == here.ttl.1 && there.ttl.0 == there.ttl.1 {
            hops.ttl(*end, here.ttl.0, there.ttl.0);
        }
    }
    let rounds = rounds(&mut sights);
    let deaf = sightings.is_deaf(a) || sightings.is_deaf(b);
    let [first, second] = taps;
    let one_host = first.input == second.input;
    let lie = match deaf {
        true => Lie::Unknown,
        false => hops.lie(&rounds, one_host),
    };
    let clock = clock(&rounds, one_host).or_else(|| {
        copies.extend(&sights);
        one_way_clock(&copies, lie, one_host)
    });
    let mut pair = TapPair {
        taps,
        lie,
        clock,
        crossings: [Crossing::default(), Crossing::default()],
    };
    // What both have comes first, to be cited first.
    let is_lone = |row: &[Vec<&EspFlow>]| {
        [a, b]
            .iter()
            .any(|tap| row.get(*tap).is_none_or(Vec::is_empty))
    };
    let (lone, shared): (Vec<_>, Vec<_>) =
        sightings.flows.iter().partition(|(.., row)| is_lone(row));
    for (end, spi, row) in shared.into_iter().chain(lone) {
        if let (Some(here), Some(there)) = (row.get(a), row.get(b)) {
            let counted = cross(model, &pair, *spi, here, there);
            if let Some(sum) = pair.crossings.get_mut(*end) {
                add(sum, counted);
            }
        }
    }
    pair
}

/// Whether two taps have as many copies of a message, with the same times between them.
fn is_paced_alike(here: &[&Message], there: &[&Message]) -> bool {
    /// A path delays one copy more than another by less.
    const APART: Span = Span::from_millis(200);
    let (first, second) = (here.first(), there.first());
    let mut both = here.iter().zip(there);
    here.len() == there.len()
        && first.zip(second).is_some_and(|(one, other)| {
            both.all(|(here, there)| {
                let (a, b) = (here.time.since(one.time), there.time.since(other.time));
                a.0.abs_diff(b.0) <= APART.0.unsigned_abs()
            })
        })
}

/// Times and delays of the packets that both flows keep.
fn same_samples<'m>(
    here: &'m EspFlow,
    there: &'m EspFlow,
) -> impl Iterator<Item = (Timestamp, Span)> + 'm {
    let known = here.numbers.is_some() && there.numbers.is_some();
    here.samples
        .iter()
        .filter(move |_| known)
        .filter_map(|sample| {
            let place = there
                .samples
                .binary_search_by_key(&sample.number, |other| other.number)
                .ok()?;
            let other = there.samples.get(place)?;
            Some((sample.time, other.time.since(sample.time)))
        })
}

/// A packet of each direction, one soon after the other.
#[derive(Clone, Copy)]
struct Round {
    /// The mean of the delays: how far the second clock is ahead.
    offset: Span,
    /// Their difference: positive if the first tap is nearer to the first end.
    trip: Span,
    /// How far clocks may have drifted between the two.
    drift: Span,
}

/// Every packet with the next one of the other direction.
fn rounds(sights: &mut [Sight]) -> Vec<Round> {
    /// Clocks drift less than a ten thousandth apart.
    const DRIFT: i64 = 10_000;
    sights.sort_by_key(|sight| (sight.time, sight.end));
    sights
        .windows(2)
        .filter_map(|two| match two {
            [one, other] if one.end != other.end => Some((one, other)),
            _ => None,
        })
        .map(|(one, other)| {
            let (forth, back) = match one.end {
                1 => (one.after, other.after),
                _ => (other.after, one.after),
            };
            Round {
                offset: Span(forth.0 / 2 + back.0 / 2),
                trip: Span(forth.0.saturating_sub(back.0)),
                drift: Span(other.time.since(one.time).0 / DRIFT),
            }
        })
        .collect()
}

/// The offset where packets of one direction alone passed both taps: the quickest of them took some time
/// between nothing and what a path may take.
fn one_way_clock(sights: &[Sight], lie: Lie, one_host: bool) -> Option<ClockOffset> {
    /// No path between two gateways takes longer.
    const TRANSIT: Span = Span::from_secs(1);
    let half = Span(TRANSIT.0 / 2);
    let of_end = |end: usize| sights.iter().filter(move |sight| sight.end == end);
    let (end, mut sights) = [0, 1]
        .into_iter()
        .map(|end| {
            (
                end,
                of_end(end).map(|sight| sight.after).collect::<Vec<_>>(),
            )
        })
        .find(|(_, sights)| !sights.is_empty())?;
    sights.sort_unstable();
    let (least, most) = (*sights.first()?, *sights.last()?);
    let spread = Span(most.0.saturating_sub(least.0) / 2);
    let (offset, uncertainty) = match lie {
        // There is but one clock.
        _ if one_host => (Span(0), Span(0)),
        // From the first tap to the second: the later one's clock shows the transit as well.
        Lie::Apart(near_first) if (near_first == 0) == (end == 1) => {
            (Span(least.0.saturating_sub(half.0)), half)
        }
        Lie::Apart(_) => (Span(most.0.saturating_add(half.0)), half),
        Lie::Together | Lie::Unknown => {
            let uncertainty = Span(TRANSIT.0.saturating_add(spread.0));
            (Span(least.0 / 2 + most.0 / 2), uncertainty)
        }
    };
    Some(ClockOffset {
        offset,
        uncertainty,
        round_trip: None,
    })
}

/// The offset by the pair with the shortest round trip.
fn clock(rounds: &[Round], one_host: bool) -> Option<ClockOffset> {
    let length = |round: &Round| Span(round.trip.0.saturating_abs());
    let best = rounds
        .iter()
        .min_by_key(|round| length(round).0.saturating_add(round.drift.0))?;
    let round_trip = length(best);
    Some(match one_host {
        true => ClockOffset {
            offset: Span(0),
            uncertainty: Span(0),
            round_trip: Some(round_trip),
        },
        false => ClockOffset {
            offset: best.offset,
            uncertainty: Span((round_trip.0 / 2).saturating_add(best.drift.0)),
            round_trip: Some(round_trip),
        },
    })
}

/// What tells which tap packets pass first.
#[derive(Clone, Copy, Debug, Default)]
struct Hops {
    /// Packets whose TTL shows the first tap nearer to the first end, and the second.
    ttl: [u64; 2],
    /// Whether addresses or ports differ between the two.
    translated: bool,
    /// By the end they travel to: whether any packet is at both, at the first alone, at the second
    /// alone.
    both: [bool; 2],
    alone: [[bool; 2]; 2],
}

impl Hops {
    /// Routers lower the TTL (RFC 791 section 3.1): the higher one is nearer to the sender.
    fn ttl(&mut self, end: usize, here: u8, there: u8) {
        // By index: nearer to the end that it comes from, which is the first if it goes to the second.
        let nearer = match (here > there, end) {
            _ if here == there => return,
            (true, 1) | (false, 0) => 0,
            _ => 1,
        };
        if let Some(votes) = self.ttl.get_mut(nearer) {
            *votes += 1;
        }
    }

    fn have(&mut self, end: usize, here: bool, there: bool) {
        let alone = match (here, there) {
            (true, true) => {
                if let Some(both) = self.both.get_mut(end) {
                    *both = true;
                }
                return;
            }
            (true, false) => 0,
            (false, true) => 1,
            (false, false) => return,
        };
        if let Some(slot) = self.alone.get_mut(end).and_then(|ends| ends.get_mut(alone)) {
            *slot = true;
        }
    }

    fn lie(&self, rounds: &[Round], one_host: bool) -> Lie {
        match self.ttl.map(|votes| votes > 0) {
            [true, false] => return Lie::Apart(0),
            [false, true] => return Lie::Apart(1),
            [true, true] => return Lie::Unknown,
            [false, false] => {}
        }
        if one_host && !self.translated {
            return Lie::Together;
        }
        let mut trips: Vec<Span> = rounds.iter().map(|round| round.trip).collect();
        trips.sort_unstable();
        // One in ten may be wrong: a clock that was set meanwhile.
        let few = trips.len() / 10;
        let least = trips.get(few).copied();
        let most = trips.iter().rev().nth(few).copied();
        match (least, most) {
            (Some(least), Some(_)) if least >= SHORTEST => Lie::Apart(0),
            (Some(_), Some(most)) if most.0 <= -SHORTEST.0 => Lie::Apart(1),
            (Some(least), Some(most)) if !self.translated && least.0 > -CLOSE.0 && most < CLOSE => {
                Lie::Together
            }
            (Some(_), Some(_)) => Lie::Unknown,
            _ => self.by_absence(),
        }
    }

    /// What one end sends and only one tap has was lost on its way to the other: the one that has
    /// it is nearer to the sender.
    fn by_absence(&self) -> Lie {
        let [to_first, to_second] = self.alone;
        match (to_first, to_second, self.both) {
            ([false, true], [true, false], [false, false])
            | ([false, true], [false, false], [false, true])
            | ([false, false], [true, false], [true, false]) => Lie::Apart(0),
            ([true, false], [false, true], [false, false])
            | ([true, false], [false, false], [false, true])
            | ([false, false], [false, true], [true, false]) => Lie::Apart(1),
            _ => Lie::Unknown,
        }
    }
}

/// Compares the flows of one SPI at two taps.
fn cross(
    model: &Model,
    pair: &TapPair,
    spi: EspSpi,
    here: &[&EspFlow],
    there: &[&EspFlow],
) -> Crossing {
    let mut counted = Crossing::default();
    let flows = match (here, there) {
        ([here], [there]) => [Some(*here), Some(*there)],
        ([here], []) => [Some(*here), None],
        ([], [there]) => [None, Some(*there)],
        _ => {
            counted.uncounted = 1;
            return counted;
        }
    };
    let numbers = flows.map(|flow| flow.and_then(|flow| flow.numbers.as_ref()));
    if flows
        .iter()
        .zip(&numbers)
        .any(|(flow, numbers)| flow.is_some() && numbers.is_none())
    {
        counted.uncounted = 1;
        return counted;
    }
    let from = |flow: Option<&EspFlow>, numbers: &Numbers| {
        let first = numbers.first();
        flow.map_or(first, |flow| flow.sequence.certain_from(first))
    };
    let shared = match numbers {
        [Some(here), Some(there)] => NumberRun::of(
            from(flows[0], here).max(from(flows[1], there)),
            here.last().min(there.last()),
        ),
        _ => None,
    };
    for tap in [0, 1] {
        let (Some(Some(flow)), Some(Some(own))) = (flows.get(tap), numbers.get(tap)) else {
            continue;
        };
        let other = numbers.get(1 - tap).copied().flatten();
        let recorded = recorded(model, pair, tap, flow);
        let Some(span) = join(shared, recorded) else {
            continue;
        };
        let runs = match other {
            Some(other) => own.without(other, span),
            None => present(own, span),
        };
        if let Some(only) = counted.only.get_mut(tap) {
            *only = crate::model::numbers::length(&runs);
            if let (None, Some(lone)) = (other, counted.lone.get_mut(tap)) {
                *lone = *only;
            }
        }
        let far = flows.get(1 - tap).copied().flatten();
        if let Some(list) = counted.missed.get_mut(tap) {
            let first = runs.iter().take(limits::TAP_MISSED);
            list.extend(first.map(|run| missed(spi, *run, flow, far)));
        }
    }
    if let ([Some(here), Some(there)], Some(span)) = (numbers, shared) {
        let length = crate::model::numbers::length;
        let lacking = length(&here.missing(span));
        let only_there = length(&there.without(here, span));
        let only_here = length(&here.without(there, span));
        counted.neither = lacking.saturating_sub(only_there);
        counted.both = span.length().saturating_sub(lacking + only_here);
    }
    counted
}

/// The numbers of a flow that came.
fn present(own: &Numbers, span: NumberRun) -> Vec<NumberRun> {
    let mut runs = Vec::new();
    let mut next = Some(span.first);
    for hole in own.missing(span) {
        runs.extend(
            next.zip(hole.first.checked_sub(1))
                .and_then(|(first, last)| NumberRun::of(first, last)),
        );
        next = hole.last.checked_add(1);
    }
    runs.extend(next.and_then(|first| NumberRun::of(first, span.last)));
    runs
}

/// The smallest span that holds both.
fn join(one: Option<NumberRun>, other: Option<NumberRun>) -> Option<NumberRun> {
    match (one, other) {
        (Some(one), Some(other)) => {
            NumberRun::of(one.first.min(other.first), one.last.max(other.last))
        }
        (one, other) => one.or(other),
    }
}

/// The numbers of a flow that passed while the other tap was certainly recording.
fn recorded(model: &Model, pair: &TapPair, tap: usize, flow: &EspFlow) -> Option<NumberRun> {
    let (begin, end) = model.recording(*pair.taps.get(1 - tap)?)?;
    let numbers = flow.numbers.as_ref()?;
    let begun = |time| {
        let (time, doubt) = pair.elsewhere(tap, time);
        time.since(begin) >= doubt
    };
    let goes_on = |time| {
        let (time, doubt) = pair.elsewhere(tap, time);
        end.since(time).0 >= doubt.0.saturating_add(MARGIN.0)
    };
    let first = match begun(flow.seen.first.1) {
        true => numbers.first(),
        false => {
            let sample = flow.samples.iter().find(|sample| begun(sample.time))?;
            flow.sequence.certain_from(sample.number)
        }
    };
    let last = match goes_on(flow.seen.last.1) {
        true => numbers.last(),
        false => {
            let samples = flow.samples.iter().rev();
            samples.clone().find(|sample| goes_on(sample.time))?.number
        }
    };
    NumberRun::of(first, last)
}

fn missed(spi: EspSpi, run: NumberRun, has: &EspFlow, lacks: Option<&EspFlow>) -> Missed {
    let place = has
        .samples
        .partition_point(|sample| sample.number < run.first);
    let there = has
        .samples
        .get(place)
        .filter(|sample| sample.number <= run.last)
        .or_else(|| has.samples.get(place.checked_sub(1)?));
    let after = lacks.and_then(|flow| {
        flow.anomalies.iter().find(|anomaly| match anomaly.kind {
            AnomalyKind::Gap(skipped) => {
                anomaly.sequence > run.last && anomaly.sequence - skipped <= run.first
            }
            _ => false,
        })
    });
    // What is missing before the first packet that came skips no number there.
    let begun = lacks.filter(|flow| run.last < flow.sequence.first);
    let after = after
        .map(|anomaly| (anomaly.frame, anomaly.time))
        .or_else(|| begun.map(|flow| flow.seen.first));
    // The first packet is before all, and no sample where samples are few.
    let first = (has.sequence.first <= run.first).then_some((
        has.sequence.first,
        has.seen.first.0,
        has.seen.first.1,
    ));
    Missed {
        spi,
        run,
        there: there
            .map(|sample| (sample.number, sample.frame, sample.time))
            .or(first),
        after,
    }
}

fn add(sum: &mut Crossing, more: Crossing) {
    sum.both += more.both;
    sum.neither += more.neither;
    sum.uncounted += more.uncounted;
    for (sum, more) in sum.only.iter_mut().zip(more.only) {
        *sum += more;
    }
    for (sum, more) in sum.lone.iter_mut().zip(more.lone) {
        *sum += more;
    }
    for (list, more) in sum.missed.iter_mut().zip(more.missed) {
        let free = limits::TAP_MISSED.saturating_sub(list.len());
        list.extend(more.into_iter().take(free));
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Lie, TapPair};
    use crate::testing::model;

    fn pair(text: &str) -> TapPair {
        let model = model(text);
        let tunnel = model.tunnels.iter().next().unwrap();
        tunnel.taps.first().unwrap().clone()
    }

    /// Liveness checks of both sides, seen at both taps: the second, 5 s ahead, is 20 ms farther.
    const CHECKS: &str = "
        0.00 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80
        5.02 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80 tap=1
        5.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80 tap=1
        0.05 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80
        60.00 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80
        65.03 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 tap=1
        65.04 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80 tap=1
        60.07 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response by=responder sealed 80";

    #[test]
    fn copies_of_one_direction_tell_the_clock_to_half_a_second() {
        let copies = |time: f64, more: &str| {
            format!(
                "{time} A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) Nonce again=2,6 {more}\n"
            )
        };
        // The second clock is five seconds ahead, and the path takes 20 ms.
        let pair = pair(&(copies(0.0, "") + &copies(5.02, "tap=1 ttl=60")));
        let clock = pair.clock.unwrap();
        assert_eq!(clock.round_trip, None);
        assert_eq!(clock.offset.0 / 1_000_000, 4_520);
        assert_eq!(clock.uncertainty.0 / 1_000_000, 500);
    }

    #[test]
    fn the_clock_is_told_by_the_shortest_round_trip() {
        let pair = pair(CHECKS);
        let clock = pair.clock.unwrap();
        assert_eq!(pair.lie, Lie::Apart(0));
        assert_eq!(clock.offset.0 / 1_000_000, 5_000);
        assert_eq!(clock.round_trip.unwrap().0 / 1_000_000, 40);
        assert_eq!(clock.uncertainty.0 / 1_000_000, 20);
    }

    #[test]
    fn what_left_one_tap_and_never_reached_the_other_is_counted_by_direction() {
        let pair = pair(&format!(
            "{CHECKS}
             10 A > B ESP 0xb1 seq 1..40 every 0.1
             15.02 A > B ESP 0xb1 seq 1..9 every 0.1 tap=1
             16.12 A > B ESP 0xb1 seq 12..35 every 0.1 tap=1
             15 B > A ESP 0xa1 seq 1..40 every 0.1 tap=1
             10.02 B > A ESP 0xa1 seq 1..29 every 0.1
             13.02 B > A ESP 0xa1 seq 31..40 every 0.1"
        ));
        assert_eq!(pair.lost(1), Some(7), "two in between, five at the end");
        assert_eq!(pair.lost(0), Some(1));
        let missed = pair.crossings[1].missed[0][0];
        assert_eq!((missed.run.first, missed.run.last), (10, 11));
        assert_eq!(missed.there.unwrap().0, 10);
        assert!(missed.after.is_some());
    }

    #[test]
    fn what_is_lost_before_the_first_sample_of_a_long_flow_has_a_place() {
        let mut model = crate::testing::census(&format!(
            "{CHECKS}
             10 A > B ESP 0xb1 seq 1..90 every 0.05
             15.02 A > B ESP 0xb1 seq 1..3,5..90 every 0.05 tap=1
             15 B > A ESP 0xa1 seq 1..90 every 0.05 tap=1
             10.02 B > A ESP 0xa1 seq 1..90 every 0.05"
        ))
        .unwrap();
        for flow in model.flows.iter_mut() {
            flow.samples.retain(|sample| sample.number % 32 == 0);
        }
        crate::assemble::assemble(&mut model, &crate::each::in_turn);
        let pair = model.tunnels.iter().next().unwrap().taps.first().unwrap();
        let missed = pair.crossings[1].missed[0][0];
        assert_eq!((missed.run.first, missed.there.unwrap().0), (4, 1));
    }

    #[test]
    fn what_is_lost_before_the_first_packet_that_came_has_an_end() {
        let pair = pair(&format!(
            "{CHECKS}
             10 A > B ESP 0xb1 seq 1..40 every 0.1
             15.72 A > B ESP 0xb1 seq 8..40 every 0.1 tap=1
             15 B > A ESP 0xa1 seq 1..40 every 0.1 tap=1
             10.02 B > A ESP 0xa1 seq 1..40 every 0.1"
        ));
        let missed = pair.crossings[1].missed[0][0];
        assert_eq!((missed.run.first, missed.run.last), (1, 7));
        assert!(missed.after.is_some(), "number 8 came");
    }

    #[test]
    fn what_passed_before_the_other_tap_began_or_after_it_ended_is_not_lost() {
        let pair = pair(
            "0 A > B ESP 0xb1 seq 1..400 every 0.1
             0.01 B > A ESP 0xa1 seq 1..400 every 0.1
             10.02 A > B ESP 0xb1 seq 101..200 every 0.1 tap=1
             10.0 B > A ESP 0xa1 seq 101..200 every 0.1 tap=1",
        );
        assert_eq!((pair.lost(0), pair.lost(1)), (Some(0), Some(0)), "{pair:?}");
        assert_eq!(pair.crossings[1].both, 100);
    }

    #[test]
    fn two_recordings_of_one_place_are_no_two_taps() {
        let text = "0 A > B ESP 0xb1 seq 1..40 every 0.1
                    0.05 B > A ESP 0xa1 seq 1..40 every 0.1";
        let copies = "0 A > B ESP 0xb1 seq 1..20 every 0.1 tap=1
                      2.1 A > B ESP 0xb1 seq 22..40 every 0.1 tap=1
                      0.05 B > A ESP 0xa1 seq 1..40 every 0.1 tap=1";
        let pair = pair(&format!("{text}\n{copies}"));
        assert_eq!(pair.lie, Lie::Together);
        assert_eq!((pair.lost(1), pair.unrecorded(1, 1)), (None, 1));
    }

    #[test]
    fn the_ttl_tells_which_tap_comes_first() {
        let pair = pair(
            "0 A > B ESP 0xb1 seq 1..40 every 0.1 ttl=62
             0 A > B ESP 0xb1 seq 1..40 every 0.1 tap=1 ttl=64",
        );
        assert_eq!(pair.lie, Lie::Apart(1));
    }

    #[test]
    fn a_tap_that_hears_one_side_only_places_nothing() {
        let pair = pair(
            "0.00 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80
             0.03 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80 tap=1 ttl=60
             0.04 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80 tap=1
             1 B > A ESP 0xa1 seq 1..40 every 0.1 tap=1",
        );
        assert_eq!((pair.lie, pair.lost(0)), (Lie::Unknown, None));
    }
}

//! What sizes and times of flows tell of who waits for answers.

use super::{FAST, FEW, PLENTY};
use crate::diagnose::facts::esp;
use crate::model::{EspFlow, Rhythm};
use crate::units::{Span, Timestamp};
use std::collections::BTreeMap;

/// An earlier silence of the answers that lasted at least so long and ended, while as much was asked.
pub(super) fn paused(asks: &[&EspFlow], answers: &[&EspFlow], length: Span) -> Option<Span> {
    let silences = answers.iter().flat_map(|flow| flow.silences.iter());
    let mut long = silences.filter(|silence| silence.length >= length);
    let asked = |from: Timestamp, to: Timestamp| -> u64 {
        asks.iter()
            .map(|flow| esp::packets_within(flow, from, to))
            .sum()
    };
    long.find(|silence| asked(silence.before.1, silence.after.1) >= PLENTY)
        .map(|silence| silence.length)
}

/// ESP around a ping, a SYN or a query stays below, whatever the suite.
const SMALL: u32 = 160;

/// Whoever waits for an answer in vain asks again so soon: `ping` after a second, that of Windows after
/// five.
pub(super) const ASKS_AGAIN: Span = Span::from_secs(6);

pub(super) fn mostly_small(flows: &[&EspFlow]) -> bool {
    let (mut small, mut all) = (0u64, 0u64);
    for flow in flows {
        for (size, packets) in &flow.sizes.counts {
            all += u64::from(*packets);
            if *size <= SMALL {
                small += u64::from(*packets);
            }
        }
        all += flow.sizes.others;
    }
    small * 2 >= all
}

/// Whether packets of the most common size once had answers of the same size.
pub(super) fn answered_alike(asks: &[&EspFlow], answers: &[&EspFlow]) -> bool {
    let (asked, _) = sizes(asks);
    let (answers, _) = sizes(answers);
    let most = asked.iter().max_by_key(|(_, packets)| **packets);
    most.is_some_and(|(size, _)| answers.contains_key(size))
}

/// Whether packets of each size had answers of the same size.
pub(super) fn all_answered_alike(asks: &[&EspFlow], answers: &[&EspFlow]) -> bool {
    let (_, all) = sizes(asks);
    alike(asks, answers) == all
}

/// Whether nearly all that is sent since a time is of sizes that were sent before and never had an answer, while
/// packets of other sizes had one each: these ended, and who sends the rest wants none.
pub(super) fn never_answered(
    asks: &[&EspFlow],
    answers: &[&EspFlow],
    since: Timestamp,
    sent: u64,
) -> bool {
    /// An answer comes so soon.
    const SOON: Span = Span::from_secs(1);
    let (asked, _) = sizes(asks);
    let (back, all) = sizes(answers);
    let paired = back
        .iter()
        .filter(|(size, packets)| asked.get(size).is_some_and(|asked| asked >= *packets));
    if paired.map(|(_, packets)| packets).sum::<u64>() != all {
        return false;
    }
    let rhythms = asks.iter().flat_map(|flow| &flow.rhythms);
    let (mut earlier, mut later) = (0.0, 0);
    for rhythm in rhythms.filter(|rhythm| rhythm.last.1.since(since) > SOON) {
        let after = packets_since(rhythm, since);
        let before = f64::from(rhythm.packets) - after;
        if back.contains_key(&rhythm.size) {
            return false;
        }
        earlier += before;
        later += after as u64;
    }
    earlier >= FEW as f64 && later.saturating_mul(10) >= sent.saturating_mul(8)
}

/// Whether nearly all of so many packets that are sent since a time are of many sizes that were never sent before:
/// something else than what was answered. Whoever waits for an answer asks again, by packets that are alike.
pub(super) fn is_new(asks: &[&EspFlow], since: Timestamp, sent: u64) -> bool {
    let mut begun: BTreeMap<u32, Timestamp> = BTreeMap::new();
    for rhythm in asks.iter().flat_map(|flow| &flow.rhythms) {
        let first = begun.entry(rhythm.size).or_insert(rhythm.first.1);
        *first = rhythm.first.1.min(*first);
    }
    // The list of sizes had room when one began: those before are all in it.
    let all_known = |flow: &&EspFlow| {
        let mut rhythms = flow.rhythms.iter();
        flow.sizes.others == 0 || rhythms.any(|rhythm| rhythm.first.1 >= since)
    };
    if !asks.iter().all(all_known) {
        return false;
    }
    let (mut known, mut later): (f64, BTreeMap<u32, f64>) = (0.0, BTreeMap::new());
    for rhythm in asks.iter().flat_map(|flow| &flow.rhythms) {
        let packets = packets_since(rhythm, since);
        match begun.get(&rhythm.size) {
            Some(first) if *first >= since => *later.entry(rhythm.size).or_default() += packets,
            _ => known += packets,
        }
    }
    let mut sizes: Vec<f64> = later.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.total_cmp(a));
    let most: f64 = sizes.iter().take(2).sum();
    let new = sent as f64 - known;
    new * 10.0 >= sent as f64 * 8.0 && most * 4.0 < new * 3.0
}

/// How many packets of a size came since a time, if they came at one pace.
fn packets_since(rhythm: &Rhythm, since: Timestamp) -> f64 {
    let lasted = rhythm.last.1.since(rhythm.first.1).as_secs_f64();
    let later = rhythm.last.1.since(rhythm.first.1.max(since)).as_secs_f64();
    match lasted > 0.0 {
        true => f64::from(rhythm.packets) * (later / lasted).clamp(0.0, 1.0),
        false if rhythm.last.1 >= since => f64::from(rhythm.packets),
        false => 0.0,
    }
}

/// How likely it is that of requests, of which these were answered, these `spared` were not, and these `last`
/// neither, the last ones are behind all the others, if time has nothing to do with it.
pub(super) fn all_last(answered: u64, spared: u64, last: u64) -> f64 {
    /// More than these change nothing.
    const ENOUGH: u64 = 1000;
    let all = answered.saturating_add(spared).saturating_add(last) as f64;
    let silent = spared.saturating_add(last) as f64;
    let places = (0..last.min(ENOUGH)).map(|place| place as f64);
    places
        .map(|place| (silent - place) / (all - place))
        .product()
}

/// When the first packet after a time was sent that has no answer: both may have paused then.
pub(super) fn asked_at(asks: &[&EspFlow], since: Timestamp) -> Timestamp {
    /// An answer comes so soon.
    const SOON: Span = Span::from_secs(1);
    let later = asks.iter().filter(|flow| flow.seen.last.1 > since);
    let asked = later.map(|flow| {
        let mut silences = flow.silences.iter();
        let pause = silences.find(|one| one.before.1 <= since.later(SOON) && one.after.1 > since);
        pause.map_or(flow.seen.first.1.max(since), |pause| pause.after.1)
    });
    asked.min().unwrap_or(since)
}

/// Packets of sizes that came often only from a time on, and that the other direction never had.
pub(super) fn begun(asks: &[&EspFlow], answers: &[&EspFlow], since: Timestamp) -> u64 {
    let (answers, _) = sizes(answers);
    asks.iter()
        .flat_map(|flow| {
            let later = flow.rhythms.iter().filter(|rhythm| rhythm.first.1 >= since);
            later.filter_map(|later| {
                let mut sizes = flow.sizes.counts.iter();
                sizes.find(|(size, _)| *size == later.size)
            })
        })
        .filter(|(size, _)| !answers.contains_key(size))
        .map(|(_, packets)| u64::from(*packets))
        .sum()
}

/// Packets of flows at or after a time.
pub(super) fn since(flows: &[&EspFlow], time: Timestamp) -> u64 {
    let packets = flows.iter().map(|flow| esp::packets_since(flow, time));
    packets.sum()
}

/// Packets of the sizes that others have.
pub(super) fn alike(flows: &[&EspFlow], like: &[&EspFlow]) -> u64 {
    let ((all, _), (like, _)) = (sizes(flows), sizes(like));
    let alike = all.iter().filter(|(size, _)| like.contains_key(size));
    alike.map(|(_, packets)| packets).sum()
}

/// Packets by size, and how many there are.
fn sizes(flows: &[&EspFlow]) -> (BTreeMap<u32, u64>, u64) {
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    let mut all = 0u64;
    for flow in flows {
        for (size, packets) in &flow.sizes.counts {
            *sizes.entry(*size).or_default() += u64::from(*packets);
            all += u64::from(*packets);
        }
        all += flow.sizes.others;
    }
    (sizes, all)
}

/// Whether most packets are of one size or two, as requests are that are asked again: pings, SYNs. What
/// only reports has sizes of all kinds.
pub(super) fn mostly_alike(flows: &[&EspFlow]) -> bool {
    let (sizes, all) = sizes(flows);
    let mut packets: Vec<u64> = sizes.into_values().collect();
    packets.sort_unstable_by(|a, b| b.cmp(a));
    let most: u64 = packets.iter().take(2).sum();
    most.saturating_mul(4) >= all.saturating_mul(3)
}

/// Whether what goes unanswered looks like a stream that wants no answer: large, or fast and steady.
/// Whoever waits for answers begins small and slows down: TCP shakes hands first and backs off, a
/// ping comes once a second.
pub(super) fn is_stream(flows: &[&EspFlow], sent: u64, length: Span) -> bool {
    let steady = flows.iter().any(|flow| {
        // The first and the last step are not whole.
        let whole = match flow.timeline.counts.as_slice() {
            [_, whole @ .., _] if !whole.is_empty() => whole,
            _ => return false,
        };
        let (least, most) = (whole.iter().min(), whole.iter().max());
        least
            .zip(most)
            .is_some_and(|(least, most)| *most <= least.saturating_mul(2))
    });
    !mostly_small(flows) || steady && sent as f64 >= FAST * length.as_secs_f64()
}

//! Counts one ESP or AH flow, packet by packet.
//!
//! What a packet changes lies close together and is little; whatever is rare is behind a call that
//! is marked so. Packets of a train that change less still are counted together ([`plain`]).

mod inside;
mod plain;
mod sizes;
mod steps;

use super::sequence::{RESTART_RUN, Sequence};
use crate::fold::EspPacket;
use crate::limits;
use crate::model::{
    Anomaly, AnomalyKind, Classes, DOUBLED, EspFlow, FlowKey, Link, NumberRun, Numbers, Sample,
    Seen, SequenceTally, Silence,
};
use crate::net::Path;
use crate::sadb::Sadb;
use crate::units::{FrameId, Span, Timestamp};
use inside::Inside;
use sizes::Sizes;
use steps::Steps;

/// A flow in the making.
#[derive(Debug)]
pub(crate) struct FlowCounter {
    often: Often,
    first: (FrameId, Timestamp),
    path: Path,
    further_paths: Vec<(Path, (FrameId, Timestamp))>,
    doubled: u64,
    /// Packets whose number one of another size had borne.
    renumbered: u32,
    /// The numbers that came, as long as they can be followed, and how many holes they may have.
    numbers: Option<Numbers>,
    holes: usize,
    /// Whether its sizes are timed, once there are so many packets that it is worth it.
    may_time: bool,
    anomalies: Vec<Anomaly>,
    silences: Vec<Silence>,
    inside: Option<Box<Inside>>,
}

/// What every packet looks at. It lies together, so that a crowd of flows takes few cache lines each.
#[derive(Debug)]
struct Often {
    packets: u64,
    bytes: u64,
    last: (FrameId, Timestamp),
    sequence: Sequence,
    steps: Steps,
    sizes: Sizes,
    samples: Vec<Sample>,
    classes: Classes,
    fragmented: u64,
    cut: u64,
    padded: u64,
    /// Packets whose number has none of these bits are kept as samples.
    between_samples: u32,
    ttl: (u8, u8),
    dont_fragment: bool,
}

impl FlowCounter {
    /// A flow that begins with this packet, which is not yet counted. Of its numbers so many holes are
    /// kept, and its sizes may be timed or not.
    pub(crate) fn new(path: Path, packet: &EspPacket<'_>, holes: usize, may_time: bool) -> Self {
        let at = (packet.frame, packet.time);
        Self {
            often: Often {
                packets: 0,
                bytes: 0,
                last: at,
                sequence: Sequence::default(),
                steps: Steps::new(packet.time),
                sizes: Sizes::new(packet.length),
                samples: Vec::new(),
                classes: Classes::default(),
                fragmented: 0,
                cut: 0,
                padded: 0,
                between_samples: 0,
                ttl: (packet.ttl, packet.ttl),
                dont_fragment: false,
            },
            first: at,
            path,
            further_paths: Vec::new(),
            doubled: 0,
            renumbered: 0,
            numbers: Some(Numbers::new(packet.sequence)),
            holes,
            may_time,
            anomalies: Vec::new(),
            silences: Vec::new(),
            inside: None,
        }
    }

    /// Notes that this packet of the flow, which is not yet counted, takes this path.
    pub(crate) fn takes(&mut self, path: &Path, packet: &EspPacket<'_>) {
        if self.path != *path
            && self.further_paths.iter().all(|(known, _)| known != path)
            && self.further_paths.len() + 1 < limits::FLOW_PATHS
        {
            let at = (packet.frame, packet.time);
            self.further_paths.push((*path, at));
        }
    }

    /// Whether its sizes were worth timing, but might not be.
    pub(super) fn is_untimed(&self) -> bool {
        self.often.packets >= limits::RHYTHM_AFTER && !self.may_time
    }

    /// Reads a little of all that counting a packet reads, so that the processor fetches what several
    /// flows need at once: one after the other would wait for memory each time.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        let often = &self.often;
        let sample = often.samples.last().map_or(0, |sample| sample.number);
        let seen = often.packets ^ often.cut ^ often.classes.seen ^ u64::from(sample);
        seen ^ often.sequence.touch() ^ often.steps.touch() ^ often.sizes.touch()
    }

    /// Counts a packet; gives whether it is none that came before.
    #[inline(always)]
    pub(crate) fn count(&mut self, packet: &EspPacket<'_>) -> bool {
        let at = (packet.frame, packet.time);
        let often = &mut self.often;
        if often.packets == limits::RHYTHM_AFTER && self.may_time {
            often.sizes.time(&often.samples);
        }
        often.packets += 1;
        often.bytes += u64::from(packet.length);
        often.fragmented += u64::from(packet.fragmented);
        often.cut += u64::from(packet.cut);
        often.padded += u64::from(packet.padded);
        often.dont_fragment |= packet.dont_fragment;
        often.ttl = (often.ttl.0.min(packet.ttl), often.ttl.1.max(packet.ttl));
        if packet.null.is_some() || packet.opening.is_some() {
            self.inside.get_or_insert_default().count(packet);
        }
        if packet.sequence & often.between_samples == 0 {
            keep_sample(&mut often.samples, &mut often.between_samples, packet);
        }
        often.steps.count(packet.time);
        let odd = often.sequence.take(packet.sequence);
        let is_copy = matches!(odd, Some(AnomalyKind::Duplicate(_)));
        often.sizes.count(packet.length, at, is_copy);
        let so_far = || (often.packets, often.sequence.tally());
        often
            .classes
            .take(packet.traffic_class, packet.sequence, odd, so_far);
        let before = std::mem::replace(&mut often.last, at);
        steps::note_silence(&mut self.silences, before, at);
        if let Some(kind) = odd {
            self.note_odd(kind, packet, before.1);
        }
        !is_copy
    }

    /// Names the keys that were used.
    pub(super) fn name_keys(&mut self, database: &Sadb) {
        if let Some(inside) = &mut self.inside {
            inside.name_keys(database);
        }
    }

    /// The flow as it stands, which has this key.
    pub(crate) fn finish(self, key: FlowKey) -> EspFlow {
        let often = self.often;
        let mut sequence = often.sequence.tally();
        let numbers = self
            .numbers
            .and_then(|numbers| numbers.close(sequence.highest))
            .filter(|_| sequence.restarts == 0);
        if let Some(numbers) = &numbers {
            leave_out_unknown(&mut sequence, numbers);
        }
        let inside = self.inside.map(|inside| *inside).unwrap_or_default();
        let (sizes, rhythms) = often.sizes.finish();
        let (further_paths, moved): (Vec<_>, Vec<_>) = self.further_paths.into_iter().unzip();
        let mut paths = vec![self.path];
        paths.extend(further_paths);
        EspFlow {
            key,
            paths,
            moved,
            packets: often.packets,
            bytes: often.bytes,
            fragmented: often.fragmented,
            cut: often.cut,
            padded: often.padded,
            doubled: self.doubled,
            renumbered: self.renumbered,
            sequence,
            numbers,
            samples: often.samples,
            anomalies: self.anomalies,
            timeline: often.steps.finish(),
            silences: self.silences,
            sizes,
            rhythms,
            ttl: often.ttl,
            dont_fragment: often.dont_fragment,
            classes: often.classes,
            null: inside.null,
            opened: inside.opened,
            seen: Seen {
                first: self.first,
                last: often.last,
            },
            child_sa: Link::None,
        }
    }

    /// Notes what is odd about the number of a packet; the one before it came then.
    #[cold]
    fn note_odd(&mut self, kind: AnomalyKind, packet: &EspPacket<'_>, before: Timestamp) {
        let followed = self.numbers.as_mut().is_some_and(|numbers| {
            numbers.note(packet.sequence, kind) && numbers.holes() <= self.holes
        });
        if !followed {
            self.numbers = None;
        }
        self.often.steps.note_lost(kind);
        if matches!(kind, AnomalyKind::Duplicate(_)) {
            let samples = &self.often.samples;
            let before = samples.binary_search_by_key(&packet.sequence, |sample| sample.number);
            let before = before.ok().and_then(|place| samples.get(place));
            let differs = before.is_some_and(|sample| sample.size != packet.length);
            self.renumbered = self.renumbered.saturating_add(differs.into());
        }
        let odd = Anomaly {
            frame: packet.frame,
            time: packet.time,
            sequence: packet.sequence,
            kind,
        };
        if matches!(kind, AnomalyKind::Restart(_)) {
            return self.note_restart(odd);
        }
        let mut room = limits::FLOW_ANOMALIES;
        if is_doubled(kind, packet.time.since(before)) {
            self.doubled += 1;
            // Where everything is doubled there must be room for what is odd.
            room /= 2;
        }
        if self.anomalies.len() < room {
            self.anomalies.push(odd);
        }
    }

    /// Notes that the counter began again, where it did: its first numbers were taken for repeats or late ones until
    /// this one.
    fn note_restart(&mut self, odd: Anomaly) {
        let before = (1..RESTART_RUN).map(|behind| odd.sequence.wrapping_sub(behind));
        let run = before.zip(self.anomalies.iter().rev());
        let run = run.take_while(|(number, taken)| taken.sequence == *number);
        let begin = self.anomalies.len() - run.count();
        let first = self.anomalies.drain(begin..).next().unwrap_or(odd);
        if begin < limits::FLOW_ANOMALIES {
            self.anomalies.push(Anomaly {
                kind: odd.kind,
                ..first
            });
        }
    }
}

/// Takes from what is missing what may have come before the recording began, or may yet come when it has ended.
fn leave_out_unknown(sequence: &mut SequenceTally, numbers: &Numbers) {
    let [first, last] = [numbers.first(), numbers.last()];
    let from = sequence.certain_from(first);
    let early = NumberRun::of(first, from.min(last)).filter(|_| from > first);
    let mut unknown = early.map_or_else(Vec::new, |early| numbers.missing(early));
    // What is missing farther back is lost, and so is the rest of its gap.
    let until = sequence.certain_until(last).max(from);
    let late = NumberRun::of(until, last).filter(|_| until < last);
    let late = late.map_or_else(Vec::new, |late| numbers.missing(late));
    unknown.extend(late.into_iter().filter(|hole| hole.first > until));
    let missing = unknown.iter().map(|hole| hole.length()).sum();
    sequence.missing = sequence.missing.saturating_sub(missing);
    sequence.bursts = sequence.bursts.saturating_sub(unknown.len() as u64);
}

/// Keeps a packet by its number; once there are too many, every second one stays.
#[inline]
fn keep_sample(samples: &mut Vec<Sample>, between: &mut u32, packet: &EspPacket<'_>) {
    if samples
        .last()
        .is_some_and(|last| last.number >= packet.sequence)
    {
        return;
    }
    if samples.len() >= limits::FLOW_SAMPLES {
        thin_out(samples, between);
    }
    if packet.sequence & *between == 0 {
        samples.push(Sample {
            number: packet.sequence,
            frame: packet.frame,
            time: packet.time,
            size: packet.length,
        });
    }
}

#[cold]
fn thin_out(samples: &mut Vec<Sample>, between: &mut u32) {
    while samples.len() >= limits::FLOW_SAMPLES {
        *between = *between << 1 | 1;
        samples.retain(|sample| sample.number & *between == 0);
    }
}

/// Whether a number that came before did so just now.
fn is_doubled(kind: AnomalyKind, after: Span) -> bool {
    /// Other packets may pass between the two.
    const BETWEEN: u32 = 8;
    matches!(kind, AnomalyKind::Duplicate(depth) if depth <= BETWEEN) && after <= DOUBLED
}

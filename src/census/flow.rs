//! Counts one ESP or AH flow, packet by packet.

use super::sequence::Sequence;
use crate::fold::EspPacket;
use crate::limits;
use crate::model::{
    Anomaly, AnomalyKind, Classes, DOUBLED, EspFlow, Failure, FlowKey, KeyUsed, Link, NullTally,
    Numbers, OpenedTally, Rhythm, Sample, Seen, Silence, SizeTally, Timeline,
};
use crate::net::{Opening, Path, SaId};
use crate::sadb::Sadb;
use crate::units::{FrameId, Span, Timestamp};

/// A flow in the making.
#[derive(Debug)]
pub(super) struct FlowCounter {
    row: EspFlow,
    sequence: Sequence,
    /// The numbers that came, as long as they can be followed.
    numbers: Option<Numbers>,
    /// Packets whose number has none of these bits are kept as samples.
    between_samples: u32,
    /// Place in `row.sizes.counts` of the size that came last: trains repeat one size.
    last_size: usize,
    /// Whether its sizes are timed.
    timed: bool,
    /// For each place in `row.sizes.counts` the rhythm of that size, once it is timed.
    rhythms: Vec<Option<Rhythm>>,
    /// SAs that opened packets, and whether that is so: until one does, those that were tried.
    sas: (bool, Vec<SaId>),
}

/// Silences shorter than this are not worth a line: pings and keepalives come once a second.
const SHORTEST_SILENCE: Span = Span::from_secs(2);

impl FlowCounter {
    /// A flow that begins with this packet, which is not yet counted.
    pub(super) fn new(key: FlowKey, path: Path, packet: &EspPacket<'_>) -> Self {
        let at = (packet.frame, packet.time);
        let row = EspFlow {
            key,
            paths: vec![path],
            packets: 0,
            bytes: 0,
            fragmented: 0,
            cut: 0,
            doubled: 0,
            sequence: crate::model::SequenceTally::default(),
            numbers: None,
            samples: Vec::new(),
            anomalies: Vec::new(),
            timeline: Timeline {
                step_secs: 1,
                counts: Vec::new(),
                lost: Vec::new(),
            },
            silences: Vec::new(),
            sizes: SizeTally {
                smallest: u32::MAX,
                ..SizeTally::default()
            },
            rhythms: Vec::new(),
            ttl: (packet.ttl, packet.ttl),
            classes: Classes::default(),
            dont_fragment: false,
            padded: 0,
            null: None,
            opened: None,
            seen: Seen {
                first: at,
                last: at,
            },
            child_sa: Link::None,
        };
        Self {
            row,
            sequence: Sequence::default(),
            numbers: Some(Numbers::new(packet.sequence)),
            between_samples: 0,
            last_size: 0,
            timed: false,
            rhythms: Vec::new(),
            sas: (false, Vec::new()),
        }
    }

    /// Notes that the flow takes this path now.
    pub(super) fn takes(&mut self, path: &Path) {
        if !self.row.paths.contains(path) && self.row.paths.len() < limits::FLOW_PATHS {
            self.row.paths.push(*path);
        }
    }

    /// Whether this many packets came, so that its sizes are worth timing from now on.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.row.packets == limits::RHYTHM_AFTER
    }

    /// Times its sizes from now on.
    #[cold]
    pub(super) fn time_sizes(&mut self) {
        self.timed = true;
    }

    /// Counts a packet; gives whether it is none that came before. So many holes more may be kept of
    /// all flows.
    #[inline]
    pub(super) fn count(&mut self, packet: &EspPacket<'_>, holes: &mut usize) -> bool {
        let row = &mut self.row;
        row.packets += 1;
        row.bytes += u64::from(packet.length);
        row.fragmented += u64::from(packet.fragmented);
        row.cut += u64::from(packet.cut);
        row.dont_fragment |= packet.dont_fragment;
        if let Some(null) = packet.null {
            let at = (packet.frame, packet.time);
            let tally = row.null.get_or_insert(NullTally {
                packets: 0,
                iv: null.iv,
                icv: null.icv,
                first: at,
            });
            tally.packets += 1;
        }
        if let Some(opening) = packet.opening {
            count_opening(
                row.opened.get_or_insert_default(),
                &mut self.sas,
                opening,
                packet,
            );
        }
        row.ttl = (row.ttl.0.min(packet.ttl), row.ttl.1.max(packet.ttl));
        if packet.sequence & self.between_samples == 0 {
            keep_sample(&mut row.samples, &mut self.between_samples, packet);
        }
        let step = count_time(&mut row.timeline, packet.time.since(row.seen.first.1));
        let odd = self.sequence.take(packet.sequence);
        if let Some(kind) = odd {
            note_number(&mut self.numbers, packet.sequence, kind, holes);
            note_lost(&mut row.timeline, step, kind);
            let room = match is_doubled(kind, packet.time.since(row.seen.last.1)) {
                true => {
                    row.doubled += 1;
                    // Where everything is doubled there must be room for what is odd.
                    limits::FLOW_ANOMALIES / 2
                }
                false => limits::FLOW_ANOMALIES,
            };
            note_anomaly(&mut row.anomalies, room, kind, packet);
        }
        row.classes
            .take(packet.traffic_class, packet.sequence, odd, || {
                (row.packets, self.sequence.tally())
            });
        let at = (packet.frame, packet.time);
        let listed = count_size(&mut row.sizes, &mut self.last_size, packet.length);
        if self.timed && listed {
            time_size(&mut self.rhythms, self.last_size, packet.length, at);
        }
        note_silence(&mut row.silences, row.seen.last, at);
        row.seen.last = at;
        !matches!(odd, Some(AnomalyKind::Duplicate(_)))
    }

    /// So many of its packets lie in frames that are longer.
    pub(super) fn padded(&mut self, packets: u64) {
        self.row.padded += packets;
    }

    /// Names the keys that were used.
    pub(super) fn name_keys(&mut self, database: &Sadb) {
        if let Some(tally) = &mut self.row.opened {
            let sas = self.sas.1.iter().filter_map(|id| database.get(*id));
            let used = sas.map(|sa| KeyUsed {
                suite: sa.suite.clone(),
                origin: sa.origin.clone(),
            });
            tally.keys = used.collect();
        }
    }

    /// The flow as it stands.
    pub(super) fn finish(mut self) -> EspFlow {
        self.row.sequence = self.sequence.tally();
        let highest = self.row.sequence.highest;
        self.row.numbers = self
            .numbers
            .and_then(|numbers| numbers.close(highest))
            .filter(|_| self.row.sequence.restarts == 0);
        self.row.sizes.counts.sort_unstable();
        self.row.rhythms = self.rhythms.into_iter().flatten().collect();
        self.row.rhythms.sort_unstable_by_key(|rhythm| rhythm.size);
        self.row
    }
}

/// Keeps a packet by its number; once there are too many, every second one stays.
#[cold]
fn keep_sample(samples: &mut Vec<Sample>, between: &mut u32, packet: &EspPacket<'_>) {
    if samples
        .last()
        .is_some_and(|last| last.number >= packet.sequence)
    {
        return;
    }
    while samples.len() >= limits::FLOW_SAMPLES {
        *between = *between << 1 | 1;
        samples.retain(|sample| sample.number & *between == 0);
    }
    if packet.sequence & *between == 0 {
        samples.push(Sample {
            number: packet.sequence,
            frame: packet.frame,
            time: packet.time,
        });
    }
}

/// Whether a number that came before did so just now.
fn is_doubled(kind: AnomalyKind, after: Span) -> bool {
    /// Other packets may pass between the two.
    const BETWEEN: u32 = 8;
    matches!(kind, AnomalyKind::Duplicate(depth) if depth <= BETWEEN) && after <= DOUBLED
}

fn note_anomaly(
    anomalies: &mut Vec<Anomaly>,
    room: usize,
    kind: AnomalyKind,
    packet: &EspPacket<'_>,
) {
    if anomalies.len() < room {
        anomalies.push(Anomaly {
            frame: packet.frame,
            time: packet.time,
            sequence: packet.sequence,
            kind,
        });
    }
}

#[cold]
fn note_number(numbers: &mut Option<Numbers>, number: u32, kind: AnomalyKind, room: &mut usize) {
    let Some(known) = numbers else {
        return;
    };
    let before = known.holes();
    let followed = known.note(number, kind);
    let grown = known.holes().saturating_sub(before);
    if followed && grown <= *room {
        *room = (*room + before).saturating_sub(known.holes());
    } else {
        *room += before;
        *numbers = None;
    }
}

#[cold]
fn count_opening(
    tally: &mut OpenedTally,
    (proven, sas): &mut (bool, Vec<SaId>),
    opening: &Opening,
    packet: &EspPacket<'_>,
) {
    let sa = match opening {
        Opening::Opened(opened) => {
            match opened.checked {
                true => {
                    let at = (packet.frame, packet.time);
                    let seen = Seen {
                        first: at,
                        last: at,
                    };
                    tally.opened += 1;
                    tally.proven.get_or_insert(seen).last = at;
                }
                false => tally.unchecked += 1,
            }
            tally.high = tally.high.max(opened.high);
            if !*proven {
                *proven = true;
                sas.clear();
            }
            opened.sa
        }
        Opening::Failed(failed) => {
            *tally.failed.entry(failed.why).or_default() += 1;
            if tally.failures.len() < limits::FLOW_ANOMALIES {
                tally.failures.push(Failure {
                    frame: packet.frame,
                    time: packet.time,
                    sequence: packet.sequence,
                    why: failed.why,
                });
            }
            if *proven {
                return;
            }
            failed.sa
        }
    };
    if !sas.contains(&sa) && sas.len() < limits::FLOW_KEYS {
        sas.push(sa);
    }
}

/// Counts a size; `last` is then its place. False if there is no place for it.
#[inline]
fn count_size(sizes: &mut SizeTally, last: &mut usize, size: u32) -> bool {
    sizes.smallest = sizes.smallest.min(size);
    sizes.largest = sizes.largest.max(size);
    sizes.residues |= 1 << (size % 16);
    match sizes.counts.get_mut(*last) {
        Some(row) if row.0 == size => {
            row.1 = row.1.saturating_add(1);
            return true;
        }
        _ => {}
    }
    match sizes.counts.iter().position(|row| row.0 == size) {
        Some(place) => {
            *last = place;
            if let Some(row) = sizes.counts.get_mut(place) {
                row.1 = row.1.saturating_add(1);
            }
        }
        None if sizes.counts.len() < limits::FLOW_SIZES => {
            *last = sizes.counts.len();
            sizes.counts.push((size, 1));
        }
        None => {
            sizes.others += 1;
            return false;
        }
    }
    true
}

/// Notes when a packet of a size came, by the place of that size.
#[inline]
fn time_size(rhythms: &mut Vec<Option<Rhythm>>, place: usize, size: u32, at: (FrameId, Timestamp)) {
    match rhythms.get_mut(place) {
        Some(Some(rhythm)) => rhythm.take(at),
        Some(none) => *none = Some(Rhythm::new(size, at)),
        None => {
            rhythms.resize(place, None);
            rhythms.push(Some(Rhythm::new(size, at)));
        }
    }
}

/// Notes numbers that were skipped before a packet of this step, or that one of them came after all.
#[cold]
fn note_lost(timeline: &mut Timeline, step: usize, kind: AnomalyKind) {
    let skipped = match kind {
        AnomalyKind::Gap(skipped) => skipped,
        AnomalyKind::Late(_) => 0,
        AnomalyKind::Duplicate(_) | AnomalyKind::Restart(_) => return,
    };
    if skipped > 0 && timeline.lost.len() <= step {
        timeline.lost.resize(step + 1, 0);
    }
    if let Some(lost) = timeline.lost.get_mut(step) {
        *lost = match skipped {
            0 => lost.saturating_sub(1),
            skipped => lost.saturating_add(skipped),
        };
    }
}

/// Counts a packet of the timeline and gives its step.
#[inline]
fn count_time(timeline: &mut Timeline, since_first: Span) -> usize {
    // A packet stamped before the first one belongs to the first step.
    let secs = u64::try_from(since_first.0).unwrap_or(0) / 1_000_000_000;
    let mut step = secs / u64::from(timeline.step_secs);
    while step >= limits::TIMELINE_STEPS as u64 {
        double_step(timeline);
        step = secs / u64::from(timeline.step_secs);
    }
    let step = usize::try_from(step).unwrap_or(limits::TIMELINE_STEPS - 1);
    if timeline.counts.len() <= step {
        timeline.counts.resize(step + 1, 0);
    }
    if let Some(count) = timeline.counts.get_mut(step) {
        *count = count.saturating_add(1);
    }
    step
}

fn double_step(timeline: &mut Timeline) {
    timeline.step_secs = timeline.step_secs.saturating_mul(2);
    for steps in [&mut timeline.counts, &mut timeline.lost] {
        *steps = steps
            .chunks(2)
            .map(|pair| {
                pair.iter()
                    .fold(0, |sum: u32, count| sum.saturating_add(*count))
            })
            .collect();
    }
}

#[inline]
fn note_silence(
    silences: &mut Vec<Silence>,
    before: (FrameId, Timestamp),
    after: (FrameId, Timestamp),
) {
    let length = after.1.since(before.1);
    if length < SHORTEST_SILENCE {
        return;
    }
    let place = silences.partition_point(|silence| silence.length >= length);
    if place < limits::FLOW_SILENCES {
        silences.insert(
            place,
            Silence {
                length,
                before,
                after,
            },
        );
        silences.truncate(limits::FLOW_SILENCES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_keeps_its_sum_however_long_it_grows() {
        let mut timeline = Timeline {
            step_secs: 1,
            ..Timeline::default()
        };
        for second in (0..100_000).step_by(7) {
            count_time(&mut timeline, Span::from_secs(second));
        }
        let sum: u32 = timeline.counts.iter().sum();
        assert_eq!((sum, timeline.step_secs), (14_286, 512));
        assert!(timeline.counts.len() <= limits::TIMELINE_STEPS);
    }

    #[test]
    fn sizes_beyond_the_list_are_still_counted() {
        let (mut sizes, mut last) = (SizeTally::default(), 0);
        for size in 0..100 {
            count_size(&mut sizes, &mut last, size);
            count_size(&mut sizes, &mut last, size);
        }
        let listed: u64 = sizes.counts.iter().map(|row| u64::from(row.1)).sum();
        assert_eq!((listed + sizes.others, sizes.residues), (200, u16::MAX));
    }

    #[test]
    fn a_steady_beat_has_the_least_squares_of_its_mean() {
        let at = |millis: i64| {
            let frame = FrameId {
                input: 0,
                number: 1,
            };
            (frame, Timestamp(millis * 1_000_000))
        };
        let mut rhythms = Vec::new();
        for beat in 0..11 {
            time_size(&mut rhythms, 2, 140, at(beat * 5_000));
        }
        let Some(Some(rhythm)) = rhythms.last() else {
            panic!("no rhythm")
        };
        let ticks = 5_000_000_000_u64 >> 20;
        assert_eq!((rhythm.packets, rhythm.squares), (11, 10 * ticks * ticks));
        assert_eq!(rhythms.len(), 3);
    }

    #[test]
    fn the_longest_silences_are_kept_longest_first() {
        let mut silences = Vec::new();
        let at = |secs: i64| {
            (
                FrameId {
                    input: 0,
                    number: 1,
                },
                Timestamp(secs * 1_000_000_000),
            )
        };
        for (from, to) in [
            (0, 1),
            (1, 6),
            (6, 20),
            (20, 23),
            (23, 123),
            (123, 130),
            (130, 142),
        ] {
            note_silence(&mut silences, at(from), at(to));
        }
        let lengths: Vec<i64> = silences
            .iter()
            .map(|s| s.length.0 / 1_000_000_000)
            .collect();
        assert_eq!(lengths, [100, 14, 12, 7]);
    }
}

//! Counts one ESP or AH flow, packet by packet.

use super::sequence::Sequence;
use crate::fold::EspPacket;
use crate::limits;
use crate::model::{
    Anomaly, AnomalyKind, DOUBLED, EspFlow, Failure, FlowKey, KeyUsed, Link, NullTally,
    OpenedTally, Seen, Silence, SizeTally, Timeline,
};
use crate::net::{Opening, Path, SaId};
use crate::sadb::Sadb;
use crate::units::{FrameId, Span, Timestamp};

/// A flow in the making.
#[derive(Debug)]
pub(super) struct FlowCounter {
    row: EspFlow,
    sequence: Sequence,
    /// Place in `row.sizes.counts` of the size that came last: trains repeat one size.
    last_size: usize,
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
            anomalies: Vec::new(),
            timeline: Timeline {
                step_secs: 1,
                counts: Vec::new(),
            },
            silences: Vec::new(),
            sizes: SizeTally {
                smallest: u32::MAX,
                ..SizeTally::default()
            },
            ttl: (packet.ttl, packet.ttl),
            dont_fragment: false,
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
            last_size: 0,
            sas: (false, Vec::new()),
        }
    }

    /// Notes that the flow takes this path now.
    pub(super) fn takes(&mut self, path: &Path) {
        if !self.row.paths.contains(path) && self.row.paths.len() < limits::FLOW_PATHS {
            self.row.paths.push(*path);
        }
    }

    /// Counts a packet.
    #[inline]
    pub(super) fn count(&mut self, packet: &EspPacket<'_>) {
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
        if let Some(kind) = self.sequence.take(packet.sequence) {
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
        count_size(&mut row.sizes, &mut self.last_size, packet.length);
        count_time(&mut row.timeline, packet.time.since(row.seen.first.1));
        let at = (packet.frame, packet.time);
        note_silence(&mut row.silences, row.seen.last, at);
        row.seen.last = at;
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
        self.row.sizes.counts.sort_unstable();
        self.row
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
fn count_opening(
    tally: &mut OpenedTally,
    (proven, sas): &mut (bool, Vec<SaId>),
    opening: &Opening,
    packet: &EspPacket<'_>,
) {
    let sa = match opening {
        Opening::Opened(opened) => {
            match opened.checked {
                true => tally.opened += 1,
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

#[inline]
fn count_size(sizes: &mut SizeTally, last: &mut usize, size: u32) {
    sizes.smallest = sizes.smallest.min(size);
    sizes.largest = sizes.largest.max(size);
    sizes.residues |= 1 << (size % 16);
    match sizes.counts.get_mut(*last) {
        Some(row) if row.0 == size => {
            row.1 = row.1.saturating_add(1);
            return;
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
        None => sizes.others += 1,
    }
}

#[inline]
fn count_time(timeline: &mut Timeline, since_first: Span) {
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
}

fn double_step(timeline: &mut Timeline) {
    timeline.step_secs = timeline.step_secs.saturating_mul(2);
    timeline.counts = timeline
        .counts
        .chunks(2)
        .map(|pair| {
            pair.iter()
                .fold(0, |sum: u32, count| sum.saturating_add(*count))
        })
        .collect();
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
            counts: Vec::new(),
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

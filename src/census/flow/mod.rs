//! Counts one ESP or AH flow, packet by packet.
//!
//! What a packet changes lies close together and is little; whatever is rare is behind a call that
//! is marked so.

mod inside;
mod sizes;
mod steps;

use super::sequence::Sequence;
use crate::fold::EspPacket;
use crate::limits;
use crate::model::{
    Anomaly, AnomalyKind, Classes, DOUBLED, EspFlow, FlowKey, Link, Numbers, Sample, Seen, Silence,
};
use crate::net::Path;
use crate::sadb::Sadb;
use crate::units::{FrameId, Span, Timestamp};
use inside::Inside;
use sizes::Sizes;
use steps::Steps;

/// A flow in the making.
#[derive(Debug)]
pub(super) struct FlowCounter {
    key: FlowKey,
    packets: u64,
    bytes: u64,
    first: (FrameId, Timestamp),
    last: (FrameId, Timestamp),
    ttl: (u8, u8),
    dont_fragment: bool,
    classes: Classes,
    /// Packets whose number has none of these bits are kept as samples.
    between_samples: u32,
    sequence: Sequence,
    steps: Steps,
    sizes: Sizes,
    path: Path,
    further_paths: Vec<Path>,
    fragmented: u64,
    cut: u64,
    padded: u64,
    doubled: u64,
    /// The numbers that came, as long as they can be followed, and how many holes they may have.
    numbers: Option<Numbers>,
    holes: usize,
    /// Whether its sizes are timed, once there are so many packets that it is worth it.
    may_time: bool,
    samples: Vec<Sample>,
    anomalies: Vec<Anomaly>,
    silences: Vec<Silence>,
    inside: Option<Box<Inside>>,
}

impl FlowCounter {
    /// A flow that begins with this packet, which is not yet counted. Of its numbers so many holes are
    /// kept, and its sizes may be timed or not.
    pub(super) fn new(
        key: FlowKey,
        path: Path,
        packet: &EspPacket<'_>,
        holes: usize,
        may_time: bool,
    ) -> Self {
        let at = (packet.frame, packet.time);
        Self {
            key,
            packets: 0,
            bytes: 0,
            first: at,
            last: at,
            ttl: (packet.ttl, packet.ttl),
            dont_fragment: false,
            classes: Classes::default(),
            between_samples: 0,
            sequence: Sequence::default(),
            steps: Steps::new(packet.time),
            sizes: Sizes::new(packet.length),
            path,
            further_paths: Vec::new(),
            fragmented: 0,
            cut: 0,
            padded: 0,
            doubled: 0,
            numbers: Some(Numbers::new(packet.sequence)),
            holes,
            may_time,
            samples: Vec::new(),
            anomalies: Vec::new(),
            silences: Vec::new(),
            inside: None,
        }
    }

    /// Its key.
    pub(super) fn key(&self) -> &FlowKey {
        &self.key
    }

    /// Notes that the flow takes this path now.
    pub(super) fn takes(&mut self, path: &Path) {
        if self.path != *path
            && !self.further_paths.contains(path)
            && self.further_paths.len() + 1 < limits::FLOW_PATHS
        {
            self.further_paths.push(*path);
        }
    }

    /// Whether its sizes were worth timing, but might not be.
    pub(super) fn is_untimed(&self) -> bool {
        self.packets >= limits::RHYTHM_AFTER && !self.may_time
    }

    /// Counts a packet; gives whether it is none that came before.
    #[inline]
    pub(super) fn count(&mut self, packet: &EspPacket<'_>) -> bool {
        let at = (packet.frame, packet.time);
        if self.packets == limits::RHYTHM_AFTER && self.may_time {
            self.sizes.time();
        }
        self.packets += 1;
        self.bytes += u64::from(packet.length);
        self.fragmented += u64::from(packet.fragmented);
        self.cut += u64::from(packet.cut);
        self.padded += u64::from(packet.padded);
        self.dont_fragment |= packet.dont_fragment;
        self.ttl = (self.ttl.0.min(packet.ttl), self.ttl.1.max(packet.ttl));
        if packet.null.is_some() || packet.opening.is_some() {
            self.inside.get_or_insert_default().count(packet);
        }
        if packet.sequence & self.between_samples == 0 {
            keep_sample(&mut self.samples, &mut self.between_samples, packet);
        }
        self.steps.count(packet.time);
        self.sizes.count(packet.length, at);
        let odd = self.sequence.take(packet.sequence);
        if let Some(kind) = odd {
            self.note_odd(kind, packet);
        }
        self.classes
            .take(packet.traffic_class, packet.sequence, odd, || {
                (self.packets, self.sequence.tally())
            });
        steps::note_silence(&mut self.silences, self.last, at);
        self.last = at;
        !matches!(odd, Some(AnomalyKind::Duplicate(_)))
    }

    /// Names the keys that were used.
    pub(super) fn name_keys(&mut self, database: &Sadb) {
        if let Some(inside) = &mut self.inside {
            inside.name_keys(database);
        }
    }

    /// The flow as it stands.
    pub(super) fn finish(self) -> EspFlow {
        let sequence = self.sequence.tally();
        let inside = self.inside.map(|inside| *inside).unwrap_or_default();
        let (sizes, rhythms) = self.sizes.finish();
        let mut paths = vec![self.path];
        paths.extend(self.further_paths);
        EspFlow {
            key: self.key,
            paths,
            packets: self.packets,
            bytes: self.bytes,
            fragmented: self.fragmented,
            cut: self.cut,
            padded: self.padded,
            doubled: self.doubled,
            sequence,
            numbers: self
                .numbers
                .and_then(|numbers| numbers.close(sequence.highest))
                .filter(|_| sequence.restarts == 0),
            samples: self.samples,
            anomalies: self.anomalies,
            timeline: self.steps.finish(),
            silences: self.silences,
            sizes,
            rhythms,
            ttl: self.ttl,
            dont_fragment: self.dont_fragment,
            classes: self.classes,
            null: inside.null,
            opened: inside.opened,
            seen: Seen {
                first: self.first,
                last: self.last,
            },
            child_sa: Link::None,
        }
    }

    /// Notes what is odd about the number of a packet, which was counted but is not yet the last.
    #[cold]
    fn note_odd(&mut self, kind: AnomalyKind, packet: &EspPacket<'_>) {
        let followed = self.numbers.as_mut().is_some_and(|numbers| {
            numbers.note(packet.sequence, kind) && numbers.holes() <= self.holes
        });
        if !followed {
            self.numbers = None;
        }
        self.steps.note_lost(kind);
        let mut room = limits::FLOW_ANOMALIES;
        if is_doubled(kind, packet.time.since(self.last.1)) {
            self.doubled += 1;
            // Where everything is doubled there must be room for what is odd.
            room /= 2;
        }
        if self.anomalies.len() < room {
            self.anomalies.push(Anomaly {
                frame: packet.frame,
                time: packet.time,
                sequence: packet.sequence,
                kind,
            });
        }
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

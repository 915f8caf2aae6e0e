//! Packets of a conversation to a model, as the census would fill it.

use super::line::{Keyed, Packet, What};
use crate::census::inner::{Carried, InnerCensus};
use crate::keys::Origin;
use crate::limits;
use crate::model::shares::share_of;
use crate::model::table::Id;
use crate::model::{
    Anomaly, AnomalyKind, Classes, ClearFlow, DOUBLED, EspFlow, Failure, FlowId, FlowKey,
    FragmentTrain, IcmpSeen, Input, Keepalives, Link, Message, Model, Numbers, Octets, Opened,
    OpenedTally, Outside, Plain, Refusal, Rhythm, Sample, Seen, SequenceTally, Silence, SizeTally,
    Timeline, Transport,
};
use crate::net::{IpFacts, Unopened};
use crate::registry::PayloadType;
use crate::units::{FrameId, Span, Timestamp, Vantage};
use crate::wire::Header;
use std::collections::HashSet;
use std::sync::Arc;

/// Counts the packets, which are sorted by time.
pub(super) fn fold(packets: &[Packet]) -> Model {
    let mut model = Model::default();
    let mut sequences: Vec<Sequence> = Vec::new();
    let mut inner = InnerCensus::default();
    let inputs = packets.iter().map(|packet| packet.tap).max().unwrap_or(0);
    for input in 0..=inputs {
        model.inputs.push(Input {
            path: format!("tap {input}"),
            set: input,
            format: "conversation".to_owned(),
            ..Input::default()
        });
    }
    for packet in packets {
        let Some(input) = model.inputs.get_mut(usize::from(packet.tap)) else {
            continue;
        };
        input.frames += 1;
        input.first.get_or_insert(packet.time);
        input.last = Some(packet.time);
        let frame = FrameId {
            input: packet.tap,
            number: input.frames,
        };
        let vantage = Vantage {
            input: packet.tap,
            interface: 0,
        };
        let here = (frame, packet.time);
        match &packet.what {
            What::Ike { .. } => push_message(&mut model, packet, frame, vantage),
            What::Esp { keyed, .. } => {
                let flow = push_esp(&mut model, &mut sequences, packet, here, vantage);
                if let (Some((flow, true)), Some(Keyed::Opened(carries))) = (flow, keyed) {
                    let carried = Carried {
                        vantage,
                        flow,
                        frame,
                        time: packet.time,
                    };
                    inner.count(carried, carries);
                }
            }
            What::Refused(error) => {
                let row = ClearFlow {
                    vantage,
                    from: error.quoted.from.address,
                    to: error.quoted.to.address,
                    protocol: error.quoted.protocol,
                    packets: 0,
                    bytes: 0,
                    requests: 0,
                    seen: Seen {
                        first: here,
                        last: here,
                    },
                    refused: Some(Box::new(Refusal {
                        by: packet.path.from.address,
                        error: *error,
                        at: here,
                        count: 1,
                    })),
                };
                add_clear(&mut model.clear, row);
            }
            What::Icmp(error) => {
                let alike = model.icmp.iter_mut().find(|seen| {
                    seen.error == *error && seen.path == packet.path && seen.vantage == vantage
                });
                match alike {
                    Some(seen) => {
                        seen.count += 1;
                        seen.last = packet.time;
                    }
                    None => model.icmp.push(IcmpSeen {
                        frame,
                        time: packet.time,
                        last: packet.time,
                        count: 1,
                        vantage,
                        path: packet.path,
                        error: *error,
                    }),
                }
            }
            What::Keepalive => {
                let known = model
                    .keepalives
                    .iter_mut()
                    .find(|seen| seen.path == packet.path && seen.vantage == vantage);
                match known {
                    Some(seen) => {
                        seen.count += 1;
                        seen.longest = seen.longest.max(packet.time.since(seen.last.1));
                        seen.last = here;
                    }
                    None => model.keepalives.push(Keepalives {
                        vantage,
                        path: packet.path,
                        count: 1,
                        first: here,
                        last: here,
                        longest: Span(0),
                    }),
                }
            }
            What::Clear {
                protocol,
                size,
                request,
            } => {
                let (from, to) = (packet.path.from.address, packet.path.to.address);
                let row = ClearFlow {
                    vantage,
                    from,
                    to,
                    protocol: *protocol,
                    packets: 1,
                    bytes: u64::from(*size),
                    requests: u64::from(*request),
                    seen: Seen {
                        first: here,
                        last: here,
                    },
                    refused: None,
                };
                add_clear(&mut model.clear, row);
            }
            What::Fragments {
                protocol,
                complete,
                incomplete,
                pieces,
                largest,
            } => model.fragments.push(FragmentTrain {
                vantage,
                from: packet.path.from.address,
                to: packet.path.to.address,
                protocol: *protocol,
                complete: *complete,
                incomplete: *incomplete,
                pieces: *pieces,
                largest: *largest,
                incomplete_ike: Vec::new(),
                incomplete_frames: if *incomplete > 0 { vec![frame] } else { vec![] },
                first: here,
                last: here,
            }),
        }
    }
    (model.inner, model.inner_errors, model.blind) = inner.finish();
    for (flow, sequence) in model.flows.iter_mut().zip(&sequences) {
        flow.sequence = sequence.tally;
        flow.sequence.missing = sequence.missing();
        let numbers = flow.numbers.take();
        flow.numbers = numbers.and_then(|numbers| numbers.close(sequence.tally.highest));
    }
    model
}

fn push_message(model: &mut Model, packet: &Packet, frame: FrameId, vantage: Vantage) {
    let What::Ike {
        bytes,
        sealed,
        opened,
        pieces,
        cut,
    } = &packet.what
    else {
        return;
    };
    let Some(header) = Header::read(bytes) else {
        return;
    };
    if header.is_outside_sa() {
        let row = Outside::of(&header, bytes, vantage, packet.path, (frame, packet.time));
        let key = |row: &Outside| (row.vantage, row.path, row.alike());
        let mut known = model.outside.iter_mut();
        match known.find(|known| key(known) == key(&row)) {
            Some(known) => known.take(&row),
            None => model.outside.push(row),
        }
        return;
    }
    let marker = if packet.path.from.port == Some(500) {
        0
    } else {
        4
    };
    let ip = if packet.path.from.address.is_ipv6() {
        40
    } else {
        20
    };
    model.opened_any |= opened.is_some();
    let message = Message {
        frame,
        time: packet.time,
        vantage,
        path: packet.path.into(),
        ip: IpFacts {
            ttl: packet.ttl,
            traffic_class: packet.class,
            dont_fragment: packet.df,
            padded: packet.padded,
            length: u32::try_from(ip + 8 + marker + bytes.len()).unwrap_or(u32::MAX),
            pieces: *pieces,
        },
        cut: *cut,
        header,
        bytes: Octets::whole(bytes),
        pieces: None,
        plain: match (sealed, opened) {
            (false, _) => Plain::Clear,
            (true, None) => Plain::Sealed,
            (true, Some((first, octets))) => Plain::Opened(Arc::new(Opened {
                first: PayloadType(*first),
                octets: octets.clone().into(),
                is_part: false,
                iv: Vec::new(),
                pad_length: 0,
                icv_ok: None,
                hash_ok: None,
                key: Origin {
                    file: "conversation".to_owned(),
                    line: 1,
                },
            })),
        },
    };
    model.messages.push(share_of(&message), message);
}

/// Exact bookkeeping of sequence numbers: tests are small enough to remember all.
#[derive(Debug, Default)]
struct Sequence {
    tally: SequenceTally,
    came: HashSet<u32>,
    lowest: u32,
    /// Missing numbers of counters that ended in a restart.
    before: u64,
}

impl Sequence {
    /// Numbers between first and highest that never came.
    fn missing(&self) -> u64 {
        let span = u64::from(self.tally.highest.saturating_sub(self.lowest)) + 1;
        self.before + span.saturating_sub(self.came.len() as u64)
    }

    fn add(&mut self, sequence: u32) -> Option<AnomalyKind> {
        let tally = &mut self.tally;
        if self.came.is_empty() {
            tally.first = sequence;
            tally.exact = true;
            tally.highest = sequence;
            self.lowest = sequence;
            self.came.insert(sequence);
            return None;
        }
        if sequence > tally.highest {
            let gap = sequence - tally.highest - 1;
            tally.highest = sequence;
            self.came.insert(sequence);
            if gap == 0 {
                return None;
            }
            tally.bursts += 1;
            tally.longest_burst = tally.longest_burst.max(u64::from(gap));
            return Some(AnomalyKind::Gap(gap));
        }
        let behind = tally.highest - sequence;
        if self.came.contains(&sequence) {
            // A counter that begins again low, after it had got far.
            if sequence <= 2 && behind > 64 {
                self.before = self.missing();
                self.came = HashSet::from([sequence]);
                self.lowest = sequence;
                let highest = self.tally.highest;
                self.tally.highest = sequence;
                self.tally.restarts += 1;
                return Some(AnomalyKind::Restart(highest));
            }
            tally.duplicate += 1;
            return Some(AnomalyKind::Duplicate(behind));
        }
        self.came.insert(sequence);
        self.lowest = self.lowest.min(sequence);
        tally.late += 1;
        tally.deepest = tally.deepest.max(behind);
        Some(AnomalyKind::Late(behind))
    }
}

fn push_esp(
    model: &mut Model,
    sequences: &mut Vec<Sequence>,
    packet: &Packet,
    here: (FrameId, Timestamp),
    vantage: Vantage,
) -> Option<(FlowId, bool)> {
    let What::Esp {
        ah,
        spi,
        sequence,
        size,
        ref keyed,
    } = packet.what
    else {
        return None;
    };
    let key = FlowKey {
        vantage,
        ah,
        transport: Transport::of(&packet.path.encap),
        spi,
        to: packet.path.to.address,
    };
    let known = model.flows.entries().find(|(_, flow)| flow.key == key);
    let id = match known.map(|(id, _)| id) {
        Some(id) => id,
        None => {
            sequences.push(Sequence::default());
            let mut flow = empty_flow(key, packet, here);
            flow.numbers = Some(Numbers::new(sequence));
            model.flows.push(flow)
        }
    };
    let flow = &mut model.flows[id];
    let kind = sequences
        .get_mut(id.index())
        .and_then(|numbers| numbers.add(sequence));
    if flow
        .samples
        .last()
        .is_none_or(|last| last.number < sequence)
    {
        flow.samples.push(Sample {
            number: sequence,
            frame: here.0,
            time: here.1,
        });
    }
    if let Some(kind) = kind {
        // As the census has it, though no packet may stand between the two here.
        let at_once = here.1.since(flow.seen.last.1) <= DOUBLED;
        flow.doubled += u64::from(at_once && kind == AnomalyKind::Duplicate(0));
        if let Some(numbers) = &mut flow.numbers
            && !numbers.note(sequence, kind)
        {
            flow.numbers = None;
        }
        flow.anomalies.push(Anomaly {
            frame: here.0,
            time: here.1,
            sequence,
            kind,
        });
    }
    if flow.packets > 0 {
        flow.silences.push(Silence {
            length: here.1.since(flow.seen.last.1),
            before: flow.seen.last,
            after: here,
        });
        flow.silences
            .sort_by_key(|silence| std::cmp::Reverse(silence.length));
        flow.silences.truncate(4);
    }
    flow.packets += 1;
    flow.bytes += u64::from(size);
    if !flow.paths.contains(&packet.path) {
        flow.paths.push(packet.path);
    }
    flow.ttl = (flow.ttl.0.min(packet.ttl), flow.ttl.1.max(packet.ttl));
    flow.dont_fragment |= packet.df;
    flow.padded += u64::from(packet.padded);
    let late = flow
        .anomalies
        .iter()
        .filter(|anomaly| matches!(anomaly.kind, AnomalyKind::Late(_)));
    let tally = SequenceTally {
        late: late.count() as u64,
        ..flow.sequence
    };
    let packets = flow.packets;
    flow.classes
        .take(packet.class, sequence, kind, || (packets, tally));
    flow.seen.last = here;
    add_size(&mut flow.sizes, size);
    let is_copy = matches!(kind, Some(AnomalyKind::Duplicate(_)));
    if flow.packets > limits::RHYTHM_AFTER && !is_copy {
        add_rhythm(&mut flow.rhythms, size, here);
    }
    let step = add_time(&mut flow.timeline, here.1.since(flow.seen.first.1));
    add_lost(&mut flow.timeline, step, kind);
    if let Some(keyed) = keyed {
        add_keyed(flow.opened.get_or_insert_default(), keyed, here, sequence);
    }
    Some((id, !is_copy))
}

fn add_clear(rows: &mut Vec<ClearFlow>, row: ClearFlow) {
    let pair = |row: &ClearFlow| (row.from, row.to, row.protocol, row.vantage);
    match rows.iter_mut().find(|known| pair(known) == pair(&row)) {
        Some(known) => known.take(row),
        None => rows.push(row),
    }
}

fn add_rhythm(rhythms: &mut Vec<Rhythm>, size: u32, here: (FrameId, Timestamp)) {
    match rhythms.binary_search_by_key(&size, |rhythm| rhythm.size) {
        Ok(place) => {
            if let Some(rhythm) = rhythms.get_mut(place) {
                rhythm.take(here);
            }
        }
        Err(place) => rhythms.insert(place, Rhythm::new(size, here)),
    }
}

fn add_lost(timeline: &mut Timeline, step: usize, kind: Option<AnomalyKind>) {
    if let Some(AnomalyKind::Gap(skipped)) = kind {
        if timeline.lost.len() <= step {
            timeline.lost.resize(step + 1, 0);
        }
        if let Some(lost) = timeline.lost.get_mut(step) {
            *lost += skipped;
        }
    }
    if let Some(AnomalyKind::Late(_)) = kind
        && let Some(lost) = timeline.lost.get_mut(step)
    {
        *lost = lost.saturating_sub(1);
    }
}

fn add_keyed(
    tally: &mut OpenedTally,
    keyed: &Keyed,
    (frame, time): (FrameId, Timestamp),
    sequence: u32,
) {
    let at = (frame, time);
    match keyed {
        Keyed::Opened(_) => {
            tally.opened += 1;
            let seen = Seen {
                first: at,
                last: at,
            };
            tally.proven.get_or_insert(seen).last = at;
        }
        Keyed::Spoilt => {
            let why = Unopened::Integrity;
            *tally.failed.entry(why).or_default() += 1;
            if tally.failures.len() < limits::FLOW_ANOMALIES {
                tally.failures.push(Failure {
                    frame,
                    time,
                    sequence,
                    why,
                });
            }
        }
    }
}

fn empty_flow(key: FlowKey, packet: &Packet, here: (FrameId, Timestamp)) -> EspFlow {
    EspFlow {
        key,
        paths: vec![packet.path],
        packets: 0,
        bytes: 0,
        fragmented: 0,
        cut: 0,
        doubled: 0,
        sequence: SequenceTally::default(),
        numbers: None,
        samples: Vec::new(),
        anomalies: Vec::new(),
        timeline: Timeline {
            step_secs: 1,
            ..Timeline::default()
        },
        silences: Vec::new(),
        sizes: SizeTally::default(),
        rhythms: Vec::new(),
        ttl: (packet.ttl, packet.ttl),
        classes: Classes::default(),
        dont_fragment: packet.df,
        padded: 0,
        null: None,
        opened: None,
        seen: Seen {
            first: here,
            last: here,
        },
        child_sa: Link::None,
    }
}

fn add_size(sizes: &mut SizeTally, size: u32) {
    sizes.smallest = match sizes.largest {
        0 => size,
        _ => sizes.smallest.min(size),
    };
    sizes.largest = sizes.largest.max(size);
    sizes.residues |= 1 << (size % 16);
    match sizes.counts.binary_search_by_key(&size, |entry| entry.0) {
        Ok(place) => {
            if let Some(entry) = sizes.counts.get_mut(place) {
                entry.1 += 1;
            }
        }
        Err(place) if sizes.counts.len() < limits::FLOW_SIZES => {
            sizes.counts.insert(place, (size, 1));
        }
        Err(_) => sizes.others += 1,
    }
}

fn add_time(timeline: &mut Timeline, after: Span) -> usize {
    let secs = u64::try_from(after.0 / 1_000_000_000).unwrap_or(0);
    while secs / u64::from(timeline.step_secs) >= limits::TIMELINE_STEPS as u64 {
        timeline.step_secs *= 2;
        for steps in [&mut timeline.counts, &mut timeline.lost] {
            *steps = steps.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
    }
    let step = usize::try_from(secs / u64::from(timeline.step_secs)).unwrap_or(0);
    if timeline.counts.len() <= step {
        timeline.counts.resize(step + 1, 0);
    }
    if let Some(count) = timeline.counts.get_mut(step) {
        *count += 1;
    }
    step
}

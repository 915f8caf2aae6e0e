//! Batches are told in file order.

use super::Fold;
use super::packet::{EspPacket, Place, Trains};
use super::tell::{Keys, tell};
use super::unread::unread;
use crate::capture::Frame;
use crate::limits;
use crate::model::Blind;
use crate::net::reassembly::{Pushed, Reassembler};
use crate::net::{self, Ah, Body, Datagram, Fragment, Learned, Segment, Stamp, Streams};
use crate::sadb::{Opener, Sadb, Sealed};
use crate::say;
use crate::scan::{Batch, Control, ControlBody, Kept, Lane, NO_TIME, Packet, Packets, Train};
use crate::units::{FrameId, Timestamp};
use crate::wire::ah::AuthenticationHeader;
use std::iter::Peekable;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// Tells the story batch by batch.
#[derive(Debug, Default)]
pub struct Order {
    reassembler: Reassembler,
    streams: Streams,
    learned: Learned,
    keys: Keys,
    /// Frames of this input that lie before the batch.
    before: u64,
    /// Time of the latest frame that had one: the time of those that have none.
    clock: Option<Timestamp>,
}

impl Order {
    /// An order that begins with these SAs.
    pub fn new(database: Sadb) -> Self {
        Self {
            keys: Keys {
                database: Arc::new(database),
                opener: Opener::default(),
            },
            ..Self::default()
        }
    }

    /// Hands on what a batch holds. Batches of an input come in file order.
    pub fn fold(&mut self, batch: &Batch, input: u16, to: &mut impl Fold) {
        match &batch.packets {
            Packets::ByLane { packets, trains } if passes(batch, to) => {
                self.by_lane(batch, packets, trains, input, to);
            }
            packets => self.in_order(batch, &packets.in_order(), input, to),
        }
        if to.flow().is_break() {
            return;
        }
        for flow in &batch.clear {
            let mut flow = flow.clone();
            flow.seen.first.0.number += self.before;
            flow.seen.last.0.number += self.before;
            if let Some(refused) = &mut flow.refused {
                refused.at.0.number += self.before;
            }
            to.clear(flow);
        }
        if batch.too_deep > 0 {
            to.too_deep(batch.too_deep);
        }
        self.before += batch.walked.frames;
    }

    /// Tells packets and controls as they came.
    fn in_order(
        &mut self,
        batch: &Batch,
        packets: &[(u32, Packet)],
        input: u16,
        to: &mut impl Fold,
    ) {
        to.lanes(&batch.lanes);
        let mut readable = batch.readable.iter().peekable();
        let mut keyed = batch.keyed.iter().peekable();
        let mut frames = batch.frames.iter().peekable();
        let mut controls = batch.controls.iter().peekable();
        for (place, (lane, packet)) in packets.iter().enumerate() {
            while let Some(control) = controls.next_if(|control| control.after <= place) {
                self.frames(batch, &mut frames, control.stamp.frame.number, to);
                self.in_turn(batch, control, to);
                if to.flow().is_break() {
                    return;
                }
            }
            self.frames(batch, &mut frames, u64::from(packet.frame), to);
            let index = *lane as usize;
            let Some(lane) = batch.lanes.get(index) else {
                continue;
            };
            if packet.time != NO_TIME {
                self.clock = Some(Timestamp(packet.time));
            }
            let read = readable.next_if(|readable| readable.packet == place);
            let known = keyed.next_if(|keyed| keyed.packet == place);
            let place = Place {
                input,
                before: self.before,
                clock: self.clock,
            };
            let mut packet = place.packet(packet, read);
            to.at(lane.vantage.input, packet.frame, packet.time);
            let octets = |range: &Range<usize>| batch.octets.get(range.clone());
            match known {
                Some(known) if self.keys.have_more(known, lane) => {
                    let sealed = octets(&known.sealed).unwrap_or_default();
                    self.open(lane, index, packet, sealed, to);
                }
                Some(known) => {
                    packet.opening = known.opening.as_ref();
                    packet.payload = octets(&known.payload).unwrap_or_default();
                    to.esp(lane, index, &packet);
                }
                None => to.esp(lane, index, &packet),
            }
            if to.flow().is_break() {
                return;
            }
        }
        for control in controls {
            self.frames(batch, &mut frames, control.stamp.frame.number, to);
            self.in_turn(batch, control, to);
            if to.flow().is_break() {
                return;
            }
        }
        self.frames(batch, &mut frames, u64::MAX, to);
    }

    /// Tells controls as they came, and packets train by train, each train where its first packet came among
    /// the others and among what else may be of a flow.
    fn by_lane(
        &mut self,
        batch: &Batch,
        packets: &[Packet],
        trains: &[Train],
        input: u16,
        to: &mut impl Fold,
    ) {
        let place = Place {
            input,
            before: self.before,
            clock: None,
        };
        let mut trains = Trains {
            place,
            lanes: &batch.lanes,
            trains,
            packets,
        };
        let mut tell_until = |frame: u64, to: &mut _| {
            let begun = trains.until(frame);
            if !begun.trains.is_empty() {
                Fold::trains(to, begun);
            }
        };
        for control in &batch.controls {
            // The more trains are told at once, the better: what is about no flow does not part them.
            if control.body.may_be_esp() {
                tell_until(control.stamp.frame.number, to);
            }
            let at = self.arrive(control);
            self.control(batch, control, at, to);
        }
        tell_until(u64::MAX, to);
        self.clock = batch.times.last.or(self.clock);
    }

    /// Ends an input: the next one numbers its frames from 1. Fragments may be completed by the
    /// next file of a rotated set, so they stay.
    pub fn next_input(&mut self) {
        self.before = 0;
    }

    /// What was learned up to the end of the batch folded last. A batch may be folded only if it
    /// was scanned with just this.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// The SAs with keys up to the end of the batch folded last.
    pub fn database(&self) -> &Arc<Sadb> {
        &self.keys.database
    }

    /// Ends the story.
    pub fn finish(&mut self, to: &mut impl Fold) {
        to.database(&self.keys.database);
        for train in self.reassembler.finish() {
            to.incomplete(train);
        }
        for blind in unread(&self.streams.finish()) {
            to.blind(blind);
        }
        if self.learned.is_beyond() {
            to.blind(Blind {
                what: "ESP in UDP, and IKE and ESP in TCP, on further unusual ports".into(),
                why: say!(
                    "{limit} pairs of ends on unusual ports were learned",
                    limit = limits::LEARNED_PATHS
                ),
            });
        }
    }

    /// Tells a control where packets come in order.
    fn in_turn(&mut self, batch: &Batch, control: &Control, to: &mut impl Fold) {
        let at = self.arrive(control);
        to.at(control.stamp.vantage.input, at.0, at.1);
        self.control(batch, control, at, to);
    }

    /// The frame of the next control, numbered within its input, and its time, which is now.
    fn arrive(&mut self, control: &Control) -> (FrameId, Timestamp) {
        self.clock = control.stamp.time.or(self.clock);
        let mut frame = control.stamp.frame;
        frame.number += self.before;
        (frame, self.time())
    }

    /// The time of what has none. A file whose frames have no time at all begins at the epoch; the
    /// input says so.
    fn time(&self) -> Timestamp {
        self.clock.unwrap_or(Timestamp(0))
    }

    fn control(
        &mut self,
        batch: &Batch,
        control: &Control,
        (frame, time): (FrameId, Timestamp),
        to: &mut impl Fold,
    ) {
        let mut stamp = control.stamp;
        stamp.frame = frame;
        stamp.time = Some(time);
        let body = match &control.body {
            ControlBody::Ike(octets) => {
                Body::Ike(batch.octets.get(octets.clone()).unwrap_or_default())
            }
            ControlBody::Ah {
                next_header,
                header_length,
                spi,
                sequence,
                icv,
                length,
                icv_ok,
            } => {
                let header = AuthenticationHeader {
                    next_header: *next_header,
                    length: *header_length,
                    spi: *spi,
                    sequence: *sequence,
                    icv,
                };
                Body::Ah(Ah {
                    header,
                    length: *length,
                    bytes: &[],
                    around: None,
                    icv_ok: *icv_ok,
                })
            }
            ControlBody::Keepalive => Body::Keepalive,
            ControlBody::Icmp(error) => Body::Icmp(*error),
            ControlBody::Learned(pair) => {
                self.learned.learn(*pair);
                return;
            }
            ControlBody::Segment {
                sequence,
                acknowledgment,
                syn,
                rst,
                length,
                bytes,
            } => Body::Segment(Segment {
                sequence: *sequence,
                acknowledgment: *acknowledgment,
                syn: *syn,
                rst: *rst,
                length: *length,
                bytes,
            }),
            ControlBody::Fragment {
                identification,
                protocol,
                offset,
                more,
                length,
                bytes,
            } => {
                let piece = Fragment {
                    identification: *identification,
                    protocol: *protocol,
                    offset: *offset,
                    more: *more,
                    length: *length,
                    bytes,
                };
                return self.fragment(control, stamp, time, &piece, to);
            }
        };
        let datagram = Datagram {
            stamp,
            path: control.path,
            ip: control.ip,
            cut: control.cut,
            body,
        };
        let Self { streams, keys, .. } = self;
        tell(Some(streams), keys, &datagram, time, &[stamp.frame], to);
    }

    /// Tells the frames that are kept up to this one.
    fn frames(
        &mut self,
        batch: &Batch,
        frames: &mut Peekable<slice::Iter<'_, Kept>>,
        until: u64,
        to: &mut impl Fold,
    ) {
        while let Some(kept) = frames.next_if(|kept| kept.head.id.number <= until) {
            let mut head = kept.head;
            head.id.number += self.before;
            self.clock = head.time.or(self.clock);
            let bytes = batch.octets.get(kept.octets.clone()).unwrap_or_default();
            to.frame(&Frame { bytes, ..head }, self.time());
        }
    }

    /// Opens an ESP packet whose key followed after it was scanned, tells of it, and goes on inside.
    fn open(
        &mut self,
        lane: &Lane,
        index: usize,
        packet: EspPacket<'_>,
        sealed: &[u8],
        to: &mut impl Fold,
    ) {
        let Self { streams, keys, .. } = self;
        let datagram = packet.datagram(lane);
        let path = lane.path;
        let tried = keys.opener.open(
            &keys.database,
            &Sealed {
                spi: lane.spi,
                bytes: sealed,
                cut: packet.cut,
                from: path.from.address,
                to: path.to.address,
            },
        );
        let (text, length) = keys.opener.lend();
        let payload = text.get(..length).unwrap_or_default();
        let opening = tried.opening.as_ref();
        let told = EspPacket {
            opening,
            payload,
            ..packet
        };
        to.esp(lane, index, &told);
        if let (Some(opened), None) = (keys.database.settled(opening), packet.null) {
            let Datagram { stamp, ip, .. } = datagram;
            let (time, frames) = (packet.time, &[packet.frame]);
            net::peel_opened(stamp, path, ip, opened.next_header, payload, &mut |inner| {
                tell(Some(&mut *streams), keys, &inner, time, frames, to);
            });
        }
        keys.opener.give_back(text);
    }

    fn fragment(
        &mut self,
        control: &Control,
        stamp: Stamp,
        time: Timestamp,
        piece: &Fragment<'_>,
        to: &mut impl Fold,
    ) {
        for train in self.reassembler.expire(time) {
            to.incomplete(train);
        }
        let pushed = self
            .reassembler
            .push(stamp, time, control.path, control.ip, piece);
        if let Pushed::Whole(whole) = pushed {
            to.reassembled(&whole);
            // What a packet in pieces proves is not learned: workers could not know it in time.
            let mut learned = self.learned.clone();
            let Self { streams, keys, .. } = self;
            net::peel_payload(
                &mut learned,
                whole.stamp,
                whole.path,
                whole.ip,
                whole.protocol,
                &whole.payload,
                whole.length,
                &mut |mut datagram| {
                    datagram.cut |= whole.cut;
                    tell(Some(streams), keys, &datagram, time, &whole.frames, to);
                },
            );
        }
    }
}

/// Whether the packets of a batch may be told lane by lane, though they are told of as they came
/// where the clock was set back.
fn passes(batch: &Batch, to: &mut impl Fold) -> bool {
    let lane = batch.lanes.first().map(|lane| lane.vantage);
    let control = batch.controls.first().map(|control| control.stamp.vantage);
    lane.or(control)
        .is_none_or(|vantage| to.passes(vantage.input, &batch.times))
}

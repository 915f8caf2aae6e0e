//! Batches to one story: events in file order, frames numbered, fragments put together.
//!
//! However the input was cut into chunks, a [`Fold`] sees the same calls in the same order.

use crate::limits;
use crate::model::{Blind, ClearFlow};
use crate::net::reassembly::{Incomplete, Pushed, Reassembler, Whole};
use crate::net::stream::Unread;
use crate::net::{self, Body, Datagram, Fragment, Learned, Null, Segment, Stamp, Streams};
use crate::scan::{Batch, Control, ControlBody, EventKind, Lane, NO_TIME};
use crate::units::{FrameId, Timestamp};
use crate::wire::ah::AuthenticationHeader;
use std::ops::ControlFlow;

/// Whoever wants the story.
pub trait Fold {
    /// The lanes that the following [`Fold::esp`] calls refer to by index.
    fn lanes(&mut self, lanes: &[Lane]);

    /// An ESP packet that came in one piece.
    fn esp(&mut self, lane: &Lane, index: usize, packet: &EspPacket<'_>);

    /// Any other datagram, or an ESP packet put together from fragments. `frames` are all frames
    /// that carry a piece of it; the last is the one that completes it.
    fn datagram(&mut self, datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]);

    /// IP fragments that were put together; the datagrams in it follow.
    fn reassembled(&mut self, _whole: &Whole) {}

    /// IP fragments of which a piece never came.
    fn incomplete(&mut self, _train: Incomplete) {}

    /// Packets in clear, summed over a batch, frames numbered.
    fn clear(&mut self, _flow: ClearFlow) {}

    /// Something in the story that could not be read.
    fn blind(&mut self, _blind: Blind) {}

    /// Whether the story may end here.
    fn flow(&self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// One ESP packet.
#[derive(Clone, Copy, Debug)]
pub struct EspPacket<'a> {
    /// Its frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Its sequence number.
    pub sequence: u32,
    /// Octets from the SPI to the end of the checksum.
    pub length: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
    /// Whether it forbids fragmentation.
    pub dont_fragment: bool,
    /// Whether it was put together from IP fragments.
    pub fragmented: bool,
    /// How it is laid out, if it is seen not to be encrypted.
    pub null: Option<Null>,
    /// Its octets from the SPI on, if it is not encrypted; none otherwise.
    pub bytes: &'a [u8],
}

/// Tells the story batch by batch.
#[derive(Debug, Default)]
pub struct Order {
    reassembler: Reassembler,
    streams: Streams,
    learned: Learned,
    /// Frames of this input that lie before the batch.
    before: u64,
    /// Time of the latest frame that had one: the time of those that have none.
    clock: Option<Timestamp>,
}

impl Order {
    /// Hands on what a batch holds. Batches of an input come in file order.
    pub fn fold(&mut self, batch: &Batch, input: u16, to: &mut impl Fold) {
        to.lanes(&batch.lanes);
        let mut readable = batch.readable.iter().peekable();
        for (place, event) in batch.events.iter().enumerate() {
            if event.time != NO_TIME {
                self.clock = Some(Timestamp(event.time));
            }
            // A file whose frames have no time at all begins at the epoch; the input says so.
            let time = self.clock.unwrap_or(Timestamp(0));
            match event.kind {
                EventKind::Esp {
                    lane,
                    sequence,
                    length,
                    ttl,
                    cut,
                    dont_fragment,
                } => {
                    let index = lane as usize;
                    let read = readable.next_if(|packet| packet.event == place);
                    let Some(lane) = batch.lanes.get(index) else {
                        continue;
                    };
                    let frame = FrameId {
                        input,
                        number: self.before + u64::from(event.frame),
                    };
                    let fragmented = false;
                    let packet = EspPacket {
                        frame,
                        time,
                        sequence,
                        length,
                        ttl,
                        cut,
                        dont_fragment,
                        fragmented,
                        null: read.map(|packet| packet.null),
                        bytes: read.map_or(&[], |packet| &packet.bytes),
                    };
                    to.esp(lane, index, &packet);
                }
                EventKind::Control(place) => {
                    if let Some(control) = batch.controls.get(place as usize) {
                        self.control(control, time, to);
                    }
                }
            }
            if to.flow().is_break() {
                return;
            }
        }
        for flow in &batch.clear {
            let mut flow = flow.clone();
            flow.seen.first.0.number += self.before;
            flow.seen.last.0.number += self.before;
            to.clear(flow);
        }
        self.before += batch.walked.frames;
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

    /// Ends the story.
    pub fn finish(&mut self, to: &mut impl Fold) {
        for train in self.reassembler.finish() {
            to.incomplete(train);
        }
        for blind in unread(&self.streams.finish()) {
            to.blind(blind);
        }
        if self.learned.is_beyond() {
            to.blind(Blind {
                what: "ESP in UDP, and IKE and ESP in TCP, on further unusual ports".to_owned(),
                why: format!(
                    "{} pairs of ends on unusual ports were learned",
                    limits::LEARNED_PATHS
                ),
            });
        }
    }

    fn control(&mut self, control: &Control, time: Timestamp, to: &mut impl Fold) {
        let mut stamp = control.stamp;
        stamp.frame.number += self.before;
        stamp.time = Some(time);
        let body = match &control.body {
            ControlBody::Ike(message) => Body::Ike(message),
            ControlBody::Ah {
                next_header,
                header_length,
                spi,
                sequence,
                icv,
                length,
            } => {
                let header = AuthenticationHeader {
                    next_header: *next_header,
                    length: *header_length,
                    spi: *spi,
                    sequence: *sequence,
                    icv,
                };
                Body::Ah(header, *length)
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
        tell(&mut self.streams, &datagram, time, &[stamp.frame], to);
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
            let streams = &mut self.streams;
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
                    tell(streams, &datagram, time, &whole.frames, to);
                },
            );
        }
    }
}

/// Hands a datagram on; a piece of a stream becomes the messages that it completes.
fn tell(
    streams: &mut Streams,
    datagram: &Datagram<'_>,
    time: Timestamp,
    frames: &[FrameId],
    to: &mut impl Fold,
) {
    match &datagram.body {
        Body::Segment(segment) => {
            streams.push(datagram, segment, frames, &mut |message, frames| {
                to.datagram(message, time, frames);
            })
        }
        Body::Learned(_) => {}
        _ => to.datagram(datagram, time, frames),
    }
}

/// What could not be read of TCP streams, in words.
fn unread(unread: &Unread) -> Vec<Blind> {
    let mut told = Vec::new();
    let mut add = |count: u64, what: String, why: &str| {
        if count > 0 {
            let why = why.to_owned();
            told.push(Blind { what, why });
        }
    };
    let Unread {
        octets,
        connections,
        let_go,
        tls,
        tls_beyond,
    } = unread;
    add(
        *octets,
        format!("{octets} octets of IKE and ESP in {connections} TCP connections"),
        "the capture lacks segments or ends of them, or begins within them",
    );
    add(
        *let_go,
        format!("IKE and ESP in TCP, where {let_go} connections were let go of while in use"),
        "too many connections were under way at one time",
    );
    for (from, to) in tls {
        add(
            1,
            format!("IKE and ESP inside TLS from {from} to {to}"),
            "what TLS protects cannot be read",
        );
    }
    add(
        *tls_beyond,
        format!("IKE and ESP inside TLS in {tls_beyond} further connections"),
        "what TLS protects cannot be read",
    );
    told
}

//! Chunk to batch: what a worker makes of its piece of the input, alone and without state.
//!
//! An ESP packet becomes one small [`Packet`]; everything rarer is copied out as a [`Control`].
//! Whatever needs order (sequence numbers, fragments, pairing) is left to the [fold](crate::fold).

mod batch;
mod clear;
mod lanes;
mod room;

pub use batch::{
    Batch, Control, ControlBody, Kept, Keyed, Lane, Marks, NO_TIME, Packet, Packets, Readable,
    Times, Train,
};
pub use room::Room;

use crate::capture::{Chunk, Frame, Scratch, Seam};
use crate::net::express::{self, Express};
use crate::net::{self, Body, Datagram, Esp, IpFacts, Learned, Opening, Passer};
use crate::sadb::{Opener, Sadb, Sealed};
use bytes::Bytes;
use clear::ClearFlows;
use lanes::{Gathered, Lanes};
use room::{give, take};
use std::ops::Range;

/// What a worker goes by.
#[derive(Clone, Copy, Debug)]
pub struct Task<'t> {
    /// What was learned before the chunk, as far as that is known.
    pub learned: &'t Learned,
    /// The SAs with keys, as far as they are known.
    pub database: &'t Sadb,
    /// What is wanted of the chunk.
    pub wants: Wants,
}

/// What is wanted of each chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Whether the octets of all frames are kept, and the payloads of opened packets.
    pub keeps: bool,
    /// Whether ESP packets may be gathered by lane.
    pub gathers: bool,
}

/// A worker's own: its read buffer, its tables, and how much the chunk before held.
#[derive(Default)]
pub struct Scanner {
    scratch: Scratch,
    notes: Notes,
}

impl Scanner {
    /// Takes the room of a batch that was folded for the chunk that it scans next.
    pub fn reuse(&mut self, room: Room) {
        let notes = &mut self.notes;
        give(&mut notes.packets, room.packets);
        give(&mut notes.gathered.packets, room.gathered);
        give(&mut notes.gathered.trains, room.trains);
        notes.lanes.reuse(room.lanes);
        give(&mut notes.readable, room.readable);
        give(&mut notes.keyed, room.keyed);
        give(&mut notes.frames, room.frames);
        give(&mut notes.octets, room.octets);
        give(&mut notes.controls, room.controls);
        notes.clear.reuse(room.clear);
    }

    /// Walks a chunk and notes what it holds. `from` is the true place where the chunk before it
    /// ended, if that is known.
    pub fn scan(&mut self, chunk: &Chunk, from: Option<&Seam>, task: &Task<'_>) -> Batch {
        let Self { scratch, notes } = self;
        let known = task.learned.len();
        let mut learned = task.learned.clone();
        // ESP that keys may open takes the long way.
        let is_sealed = task.database.is_idle();
        let walked = chunk.walk(scratch, from, |frame: &Frame<'_>| {
            if task.wants.keeps {
                notes.keep(frame);
            }
            if let Some(short) = Express::of(frame) {
                if is_sealed && let Some(packet) = short.esp() {
                    return notes.take_express(frame, &packet);
                }
                if let Some(passer) = short.clear(&learned) {
                    return notes.take_clear(frame, passer.as_ref());
                }
            }
            let known = net::peel(frame, &mut learned, &mut |datagram| {
                notes.take(&datagram, task)
            });
            notes.too_deep += u64::from(!known);
        });
        let times = std::mem::take(&mut notes.times);
        // What is opened or read goes on inside, where order matters; and so it does to a clock that
        // is set back, and to a flow with several lanes.
        let lanes = notes.lanes.take();
        let gathers = task.wants.gathers
            && notes.keyed.is_empty()
            && notes.readable.is_empty()
            && times.steady
            && !lanes::share_flows(&lanes);
        let packets = match gathers {
            true => {
                let gathered = &mut notes.gathered;
                gathered.gather(&notes.packets, lanes.len(), &notes.breaks);
                Packets::ByLane {
                    packets: take(&mut gathered.packets),
                    trains: take(&mut gathered.trains),
                }
            }
            false => Packets::InOrder(take(&mut notes.packets)),
        };
        notes.packets.clear();
        notes.breaks.clear();
        Batch {
            walked,
            known,
            packets,
            lanes,
            readable: take(&mut notes.readable),
            keyed: take(&mut notes.keyed),
            frames: take(&mut notes.frames),
            octets: take(&mut notes.octets),
            controls: take(&mut notes.controls),
            clear: notes.clear.take(),
            too_deep: std::mem::take(&mut notes.too_deep),
            times,
        }
    }
}

#[derive(Default)]
struct Notes {
    packets: Vec<(u32, Packet)>,
    gathered: Gathered,
    /// How many packets came before each control that may hold ESP too.
    breaks: Vec<usize>,
    lanes: Lanes,
    times: Times,
    readable: Vec<Readable>,
    keyed: Vec<Keyed>,
    frames: Vec<Kept>,
    octets: Vec<u8>,
    opener: Opener,
    controls: Vec<Control>,
    clear: ClearFlows,
    too_deep: u64,
}

impl Notes {
    /// Takes in a packet that came the short way.
    #[inline(always)]
    fn take_express(&mut self, frame: &Frame<'_>, packet: &express::Packet) {
        let lane = self.lanes.between(packet.ends, net::vantage(frame));
        let packet = Packet::new(
            (frame.id, frame.time),
            packet.sequence,
            packet.length,
            &packet.ip,
            packet.cut,
        );
        self.packets.push((lane, packet));
        self.times.note(frame.time);
    }

    /// Takes in a packet in clear that came the short way, if it may belong in a tunnel.
    fn take_clear(&mut self, frame: &Frame<'_>, passer: Option<&Passer>) {
        if let Some(passer) = passer {
            let at = (frame.id, frame.time);
            self.clear
                .add(at, net::vantage(frame), net::station(frame), passer);
        }
    }

    fn take(&mut self, datagram: &Datagram<'_>, task: &Task<'_>) {
        let Datagram {
            stamp,
            path,
            ip,
            cut,
            body,
        } = datagram;
        if let Body::Esp(esp) = body {
            let lane = self.lanes.index_of(esp.header.spi, path, stamp.vantage);
            let place = self.packets.len();
            let packet = Packet::new(
                (stamp.frame, stamp.time),
                esp.header.sequence,
                esp.length,
                ip,
                *cut,
            );
            self.packets.push((lane, packet));
            self.times.note(stamp.time);
            if let Some(null) = esp.null {
                self.readable.push(Readable {
                    packet: place,
                    null,
                    bytes: Bytes::copy_from_slice(esp.bytes),
                });
            }
            if !task.database.is_idle() {
                self.open(datagram, esp, place, task);
            }
            return;
        }
        let body = match *body {
            Body::Ike(message) => ControlBody::Ike(keep(&mut self.octets, message)),
            Body::Ah(ah) => ControlBody::Ah {
                next_header: ah.header.next_header,
                header_length: ah.header.length,
                spi: ah.header.spi,
                sequence: ah.header.sequence,
                icv: Bytes::copy_from_slice(ah.header.icv),
                length: ah.length,
                icv_ok: task.database.proves(&ah, *cut),
            },
            Body::Keepalive => ControlBody::Keepalive,
            Body::Icmp(error) => ControlBody::Icmp(error),
            Body::Fragment(piece) => ControlBody::Fragment {
                identification: piece.identification,
                protocol: piece.protocol,
                offset: piece.offset,
                more: piece.more,
                length: piece.length,
                bytes: Bytes::copy_from_slice(piece.bytes),
            },
            Body::Segment(segment) => ControlBody::Segment {
                sequence: segment.sequence,
                acknowledgment: segment.acknowledgment,
                syn: segment.syn,
                rst: segment.rst,
                length: segment.length,
                bytes: Bytes::copy_from_slice(segment.bytes),
            },
            Body::Learned(pair) => ControlBody::Learned(pair),
            Body::Clear(clear) => {
                let passer = Passer {
                    from: path.from.address,
                    to: path.to.address,
                    length: ip.length,
                    clear,
                };
                let at = (stamp.frame, stamp.time);
                return self.clear.add(at, stamp.vantage, stamp.station, &passer);
            }
            Body::Refused(error) => return self.clear.refuse(stamp, path, error),
            Body::Esp(_) => return,
        };
        self.times.note(stamp.time);
        if matches!(
            body,
            ControlBody::Fragment { .. } | ControlBody::Segment { .. }
        ) {
            self.breaks.push(self.packets.len());
        }
        self.controls.push(Control {
            after: self.packets.len(),
            stamp: *stamp,
            path: *path,
            ip: *ip,
            cut: *cut,
            body,
        });
    }

    /// Keeps a frame whole.
    fn keep(&mut self, frame: &Frame<'_>) {
        let octets = keep(&mut self.octets, frame.bytes);
        self.frames.push(Kept {
            head: Frame {
                bytes: &[],
                ..*frame
            },
            octets,
        });
    }

    /// Opens an ESP packet if there is a key for it, and goes on inside.
    #[cold]
    fn open(&mut self, datagram: &Datagram<'_>, esp: &Esp<'_>, packet: usize, task: &Task<'_>) {
        let tried = self.opener.open(
            task.database,
            &Sealed::new(esp, &datagram.path, datagram.cut),
        );
        let opened = tried.opening.as_ref().and_then(Opening::opened).is_some();
        let proven = tried.opening.as_ref().is_some_and(Opening::is_proven);
        let payload = match opened && task.wants.keeps {
            true => keep(&mut self.octets, self.opener.payload()),
            false => 0..0,
        };
        let sealed = match !proven && task.database.grows() {
            true => keep(&mut self.octets, esp.bytes),
            false => 0..0,
        };
        let inside = task.database.settled(tried.opening.as_ref());
        let inside = inside.map(|opened| opened.next_header);
        if tried.opening.is_some() || !sealed.is_empty() {
            self.keyed.push(Keyed {
                packet,
                candidates: tried.candidates,
                opening: tried.opening,
                sealed,
                payload,
            });
        }
        // What is seen to be in clear was gone into already.
        if let (Some(next_header), None) = (inside, esp.null) {
            let (text, length) = self.opener.lend();
            let payload = text.get(..length).unwrap_or_default();
            let (mut stamp, path, mut ip) = (datagram.stamp, datagram.path, datagram.ip);
            // No more than is known of the packet where the fold opens it.
            stamp.wire_len = 0;
            ip = IpFacts {
                ttl: ip.ttl,
                traffic_class: ip.traffic_class,
                dont_fragment: ip.dont_fragment,
                pieces: 1,
                ..IpFacts::default()
            };
            net::peel_opened(stamp, path, ip, next_header, payload, &mut |inner| {
                // As the fold does where it opens a packet.
                if !matches!(inner.body, Body::Learned(_) | Body::Fragment(_)) {
                    self.take(&inner, task);
                }
            });
            self.opener.give_back(text);
        }
    }
}

/// Appends octets; where they lie then.
fn keep(octets: &mut Vec<u8>, more: &[u8]) -> Range<usize> {
    let start = octets.len();
    octets.extend_from_slice(more);
    start..octets.len()
}

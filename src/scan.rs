//! Chunk to events: what a worker makes of its piece of the input, alone and without state.
//!
//! An ESP packet becomes one small [`Event`]; everything rarer is copied out as a [`Control`].
//! Whatever needs order (sequence numbers, fragments, pairing) is left to the [fold](crate::fold).

use crate::capture::{Chunk, Frame, Scratch, Seam, Walked};
use crate::model::{ClearFlow, Seen};
use crate::net::{
    self, Body, Clear, Datagram, Esp, IcmpError, IpFacts, Learned, Null, Opening, Pair, Path, Stamp,
};
use crate::sadb::{Opener, Sadb, Sealed};
use crate::units::{EspSpi, FrameId, Timestamp, Vantage};
use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::hash_table::{self, HashTable};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::ops::Range;

/// What one chunk held.
#[derive(Debug)]
pub struct Batch {
    /// What was walked, from where to where.
    pub walked: Walked,
    /// How many paths were [learned](Learned) when it began.
    pub known: usize,
    /// ESP packets, and the places of controls between them, in frame order.
    pub events: Vec<Event>,
    /// The lanes that `events` refer to.
    pub lanes: Vec<Lane>,
    /// The ESP packets among `events` that are not encrypted, in frame order.
    pub readable: Vec<Readable>,
    /// What keys made of the ESP packets among `events`, in frame order; none without keys.
    pub keyed: Vec<Keyed>,
    /// All frames, if someone asked for them.
    pub frames: Vec<Kept>,
    /// Octets that `keyed`, `frames` and IKE messages among `controls` refer to.
    pub octets: Vec<u8>,
    /// Everything but ESP, in frame order.
    pub controls: Vec<Control>,
    /// Packets in clear, summed by pair, in order of the first.
    pub clear: Vec<ClearFlow>,
}

/// One thing that happened, in 32 octets.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Nanoseconds since the epoch; [`NO_TIME`] where the frame has none.
    pub time: i64,
    /// Number of the frame in this chunk, from 1.
    pub frame: u32,
    /// What it is.
    pub kind: EventKind,
}

/// Stands for "no time" inside [`Event`], where an `Option` would cost eight octets.
pub const NO_TIME: i64 = i64::MIN;

/// What an event is.
#[derive(Clone, Copy, Debug)]
pub enum EventKind {
    /// An ESP packet.
    Esp {
        /// Its lane, an index into [`Batch::lanes`].
        lane: u32,
        /// Its sequence number.
        sequence: u32,
        /// Octets from the SPI to the end of the checksum.
        length: u32,
        /// Time to live, or hop limit.
        ttl: u8,
        /// Whether the capture kept only a part of it.
        cut: bool,
        /// Whether it forbids fragmentation.
        dont_fragment: bool,
    },
    /// A control datagram, an index into [`Batch::controls`].
    Control(u32),
}

/// An ESP packet that is not encrypted, copied out of the chunk. It lies beside its event, which
/// stays as small as those of all others.
#[derive(Clone, Debug)]
pub struct Readable {
    /// The event that it belongs to, an index into [`Batch::events`].
    pub event: usize,
    /// How it is laid out.
    pub null: Null,
    /// Its octets from the SPI to the end of the checksum.
    pub bytes: Bytes,
}

/// What keys made of an ESP packet. It lies beside its event, too.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// The event that it belongs to, an index into [`Batch::events`].
    pub event: usize,
    /// How many SAs there were to try.
    pub candidates: usize,
    /// What they made of it; `None` if there were none.
    pub opening: Option<Opening>,
    /// Its octets from the SPI on, in [`Batch::octets`]: kept where keys may come yet that say more.
    pub sealed: Range<usize>,
    /// Its payload in there, if it was opened and someone asked for it.
    pub payload: Range<usize>,
}

/// A frame that is kept whole.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What is known of it, without its octets; it is numbered within the chunk.
    pub head: Frame<'static>,
    /// Its octets, in [`Batch::octets`].
    pub octets: Range<usize>,
}

/// Packets of one SPI that took one path: what all of them share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lane {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Between whom, and inside what.
    pub path: Path,
    /// Their SPI.
    pub spi: EspSpi,
}

/// A datagram that is not ESP, copied out of the chunk.
#[derive(Clone, Debug)]
pub struct Control {
    /// When and where; the frame is numbered within the chunk.
    pub stamp: Stamp,
    /// Between whom, and inside what.
    pub path: Path,
    /// Of the IP header.
    pub ip: IpFacts,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
    /// What it is.
    pub body: ControlBody,
}

/// What a control datagram is.
#[derive(Clone, Debug)]
pub enum ControlBody {
    /// An IKE message: where its octets lie in [`Batch::octets`].
    Ike(Range<usize>),
    /// An Authentication Header.
    Ah {
        /// Protocol of what follows.
        next_header: u8,
        /// Octets of the header.
        header_length: usize,
        /// SPI.
        spi: EspSpi,
        /// Sequence number.
        sequence: u32,
        /// Integrity check value.
        icv: Bytes,
        /// Octets of the header and all that follows it.
        length: u32,
        /// Whether its checksum is right; `None` if no key checks it.
        icv_ok: Option<bool>,
    },
    /// A NAT keepalive.
    Keepalive,
    /// An ICMP error about IPsec.
    Icmp(IcmpError),
    /// A piece of an IP packet.
    Fragment {
        /// Identification field.
        identification: u32,
        /// Protocol of the payload.
        protocol: u8,
        /// Offset in the payload.
        offset: u32,
        /// Whether more pieces follow.
        more: bool,
        /// Octets of the piece as its header says.
        length: u32,
        /// Those that the capture kept.
        bytes: Bytes,
    },
    /// A piece of a TCP stream.
    Segment {
        /// Sequence number.
        sequence: u32,
        /// Acknowledgment number.
        acknowledgment: Option<u32>,
        /// Whether it opens a direction.
        syn: bool,
        /// Whether it breaks the connection off.
        rst: bool,
        /// Octets of data, as the headers say.
        length: u32,
        /// Those that the capture kept.
        bytes: Bytes,
    },
    /// A pair of ends that is learned with the control after it.
    Learned(Pair),
}

/// Which frames are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Frames before this moment are passed over.
    pub since: Option<Timestamp>,
    /// Frames after this moment are passed over.
    pub until: Option<Timestamp>,
}

impl Window {
    fn holds(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time <= until)
    }
}

/// What a worker goes by.
#[derive(Clone, Copy, Debug)]
pub struct Task<'t> {
    /// What was learned before the chunk, as far as that is known.
    pub learned: &'t Learned,
    /// The SAs with keys, as far as they are known.
    pub database: &'t Sadb,
    /// Which frames are looked at.
    pub window: Window,
    /// Whether the octets of all frames are kept, and the payloads of opened packets.
    pub keeps: bool,
}

/// A worker's own: its read buffer, its tables, and how much the chunk before held.
#[derive(Default)]
pub struct Scanner {
    scratch: Scratch,
    notes: Notes,
}

impl Scanner {
    /// Walks a chunk and notes what it holds. `from` is the true place where the chunk before it
    /// ended, if that is known.
    pub fn scan(&mut self, chunk: &Chunk, from: Option<&Seam>, task: &Task<'_>) -> Batch {
        let Self { scratch, notes } = self;
        let known = task.learned.len();
        let mut learned = task.learned.clone();
        let walked = chunk.walk(scratch, from, |frame: &Frame<'_>| {
            if task.window.holds(frame.time) {
                if task.keeps {
                    notes.keep(frame);
                }
                net::peel(frame, &mut learned, &mut |datagram| {
                    notes.take(&datagram, task)
                });
            }
        });
        notes.lanes.index.clear();
        notes.lanes.last = 0;
        notes.clear.index.clear();
        Batch {
            walked,
            known,
            events: take(&mut notes.events),
            lanes: take(&mut notes.lanes.rows),
            readable: take(&mut notes.readable),
            keyed: take(&mut notes.keyed),
            frames: take(&mut notes.frames),
            octets: take(&mut notes.octets),
            controls: take(&mut notes.controls),
            clear: take(&mut notes.clear.rows),
        }
    }
}

/// Takes the rows and leaves room for as many: the next chunk will hold about the same.
fn take<T>(rows: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(rows.len());
    std::mem::replace(rows, room)
}

#[derive(Default)]
struct Notes {
    events: Vec<Event>,
    lanes: Lanes,
    readable: Vec<Readable>,
    keyed: Vec<Keyed>,
    frames: Vec<Kept>,
    octets: Vec<u8>,
    opener: Opener,
    controls: Vec<Control>,
    clear: ClearFlows,
}

impl Notes {
    #[inline]
    fn take(&mut self, datagram: &Datagram<'_>, task: &Task<'_>) {
        let Datagram {
            stamp,
            path,
            ip,
            cut,
            body,
        } = datagram;
        if let Body::Esp(esp) = body {
            let kind = EventKind::Esp {
                lane: self.lanes.index_of(esp.header.spi, path, stamp.vantage),
                sequence: esp.header.sequence,
                length: esp.length,
                ttl: ip.ttl,
                cut: *cut,
                dont_fragment: ip.dont_fragment,
            };
            if let Some(null) = esp.null {
                self.readable.push(Readable {
                    event: self.events.len(),
                    null,
                    bytes: Bytes::copy_from_slice(esp.bytes),
                });
            }
            let event = self.events.len();
            self.note(stamp, kind);
            if !task.database.is_idle() {
                self.open(datagram, esp, event, task);
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
            Body::Clear(clear) => return self.clear.add(stamp, path, ip, clear),
            Body::Esp(_) => return,
        };
        let place = u32::try_from(self.controls.len()).unwrap_or(u32::MAX);
        self.controls.push(Control {
            stamp: *stamp,
            path: *path,
            ip: *ip,
            cut: *cut,
            body,
        });
        self.note(stamp, EventKind::Control(place));
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
    fn open(&mut self, datagram: &Datagram<'_>, esp: &Esp<'_>, event: usize, task: &Task<'_>) {
        let tried = self.opener.open(
            task.database,
            &Sealed::new(esp, &datagram.path, datagram.cut),
        );
        let opened = tried.opening.as_ref().and_then(Opening::opened).is_some();
        let proven = tried.opening.as_ref().is_some_and(Opening::is_proven);
        let payload = match opened && task.keeps {
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
                event,
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

    #[inline]
    fn note(&mut self, stamp: &Stamp, kind: EventKind) {
        self.events.push(Event {
            time: stamp.time.map_or(NO_TIME, |time| time.0),
            frame: u32::try_from(stamp.frame.number).unwrap_or(u32::MAX),
            kind,
        });
    }
}

/// Appends octets; where they lie then.
fn keep(octets: &mut Vec<u8>, more: &[u8]) -> Range<usize> {
    let start = octets.len();
    octets.extend_from_slice(more);
    start..octets.len()
}

/// The lanes met so far. SPIs are chosen by whoever sends, so the hash is seeded.
#[derive(Default)]
struct Lanes {
    rows: Vec<Lane>,
    index: HashTable<u32>,
    hasher: RandomState,
    last: u32,
}

impl Lanes {
    #[inline]
    fn index_of(&mut self, spi: EspSpi, path: &Path, vantage: Vantage) -> u32 {
        // Packets come in trains: most often the lane is the one before.
        let is_last = self
            .rows
            .get(self.last as usize)
            .is_some_and(|row| row.spi == spi && row.vantage == vantage && row.path == *path);
        if !is_last {
            self.last = self.look_up(&Lane {
                vantage,
                path: *path,
                spi,
            });
        }
        self.last
    }

    fn look_up(&mut self, lane: &Lane) -> u32 {
        let Self {
            rows,
            index,
            hasher,
            ..
        } = self;
        // The rest of the path seldom differs where these agree.
        let key = |lane: &Lane| {
            let Path { from, to, .. } = lane.path;
            hasher.hash_one((lane.spi, bits(to.address), bits(from.address), from.port))
        };
        let known = index.entry(
            key(lane),
            |place| rows.get(*place as usize) == Some(lane),
            |place| rows.get(*place as usize).map_or(0, key),
        );
        match known {
            hash_table::Entry::Occupied(place) => *place.get(),
            hash_table::Entry::Vacant(free) => {
                let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                free.insert(place);
                rows.push(*lane);
                place
            }
        }
    }
}

#[derive(Default)]
struct ClearFlows {
    rows: Vec<ClearFlow>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl ClearFlows {
    fn add(&mut self, stamp: &Stamp, path: &Path, ip: &IpFacts, clear: Clear) {
        // A packet without a time cannot be set against the life of a tunnel.
        let Some(time) = stamp.time else { return };
        let at: (FrameId, Timestamp) = (stamp.frame, time);
        let (from, to) = (path.from.address, path.to.address);
        let key = |from: IpAddr, to: IpAddr| self.hasher.hash_one((bits(from), bits(to)));
        let rows = &mut self.rows;
        let same = |row: &ClearFlow| {
            (row.from, row.to, row.protocol, row.vantage)
                == (from, to, clear.protocol, stamp.vantage)
        };
        let known = self.index.entry(
            key(from, to),
            |place| rows.get(*place as usize).is_some_and(same),
            |place| {
                rows.get(*place as usize)
                    .map_or(0, |row| key(row.from, row.to))
            },
        );
        let place = match known {
            hash_table::Entry::Occupied(place) => *place.get(),
            hash_table::Entry::Vacant(free) => {
                let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                free.insert(place);
                rows.push(ClearFlow {
                    vantage: stamp.vantage,
                    from,
                    to,
                    protocol: clear.protocol,
                    packets: 0,
                    bytes: 0,
                    requests: 0,
                    seen: Seen {
                        first: at,
                        last: at,
                    },
                });
                place
            }
        };
        if let Some(row) = rows.get_mut(place as usize) {
            row.packets += 1;
            row.bytes += u64::from(ip.length);
            row.requests += u64::from(clear.syn || clear.echo_request);
            row.seen.last = at;
        }
    }
}

/// The address as a number: hashed in two steps where its octets would take many.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

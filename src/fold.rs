//! Batches to one story: events in file order, frames numbered, fragments put together.
//!
//! However the input was cut into chunks, a [`Fold`] sees the same calls in the same order.

use crate::capture::Frame;
use crate::keys::EspKeys;
use crate::language::{Text, count};
use crate::limits;
use crate::model::{Blind, ClearFlow};
use crate::net::reassembly::{Incomplete, Pushed, Reassembler, Whole};
use crate::net::stream::Unread;
use crate::net::{
    self, Ah, Body, Datagram, Esp, Fragment, IpFacts, Learned, Null, Opening, Segment, Stamp,
    Streams,
};
use crate::sadb::{Opener, Sadb, Sealed};
use crate::say;
use crate::scan::{
    Batch, Control, ControlBody, Kept, Keyed, Lane, Marks, NO_TIME, Packet, Packets, Readable,
    Times, Train,
};
use crate::units::{FrameId, Timestamp};
use crate::wire::ah::AuthenticationHeader;
use crate::wire::esp::EspHeader;
use std::iter::Peekable;
use std::ops::{ControlFlow, Range};
use std::slice;
use std::sync::Arc;

/// Whoever wants the story.
pub trait Fold {
    /// The lanes that the following [`Fold::esp`] calls refer to by index. Told where packets come in
    /// order.
    fn lanes(&mut self, lanes: &[Lane]);

    /// Whether frames are to be kept and told, and payloads of opened packets with them.
    fn keeps_frames(&self) -> bool {
        false
    }

    /// A frame, before what it holds. Told only where frames are kept.
    fn frame(&mut self, _frame: &Frame<'_>, _time: Timestamp) {}

    /// Whether ESP packets may be told in trains: those of one lane in order, though packets of others
    /// came between them.
    fn gathers(&self) -> bool {
        false
    }

    /// Whether a batch of so many moments, all of one set of files, may be told lane by lane. Asked
    /// where packets may be gathered, and before anything of the batch is told.
    fn passes(&mut self, _set: u16, _times: &Times) -> bool {
        true
    }

    /// The next packet or datagram came then, in a set of files. Told before it where packets come in
    /// order.
    fn at(&mut self, _set: u16, _frame: FrameId, _time: Timestamp) {}

    /// Trains of packets, each of one lane in order. Told only where packets are gathered: the first of
    /// each came after all ESP and AH that was told before; others may have come after what is told later.
    fn trains(&mut self, _trains: Trains<'_>) {}

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

    /// So many frames are nested so deep that nobody knows what they hold.
    fn too_deep(&mut self, _frames: u64) {}

    /// Something in the story that could not be read.
    fn blind(&mut self, _blind: Blind) {}

    /// The keys of ESP SAs that follow from what was told since the last call.
    fn keys(&mut self) -> Vec<EspKeys> {
        Vec::new()
    }

    /// The SAs with keys that there were in the end.
    fn database(&mut self, _database: &Sadb) {}

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
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
    /// Whether it forbids fragmentation.
    pub dont_fragment: bool,
    /// Whether its frame holds more octets behind it than IP says.
    pub padded: bool,
    /// Whether it was put together from IP fragments.
    pub fragmented: bool,
    /// How it is laid out, if it is seen not to be encrypted.
    pub null: Option<Null>,
    /// Its octets from the SPI on, if it is not encrypted; none otherwise.
    pub bytes: &'a [u8],
    /// What keys made of it, if there are any for its SPI.
    pub opening: Option<&'a Opening>,
    /// Its payload, if keys opened it and someone asked for it.
    pub payload: &'a [u8],
}

impl<'a> EspPacket<'a> {
    /// The packet as a datagram of its lane. What its IP header says besides is not kept.
    pub fn datagram(&self, lane: &Lane) -> Datagram<'a> {
        let header = EspHeader {
            spi: lane.spi,
            sequence: self.sequence,
        };
        Datagram {
            stamp: Stamp {
                frame: self.frame,
                time: Some(self.time),
                vantage: lane.vantage,
                wire_len: 0,
            },
            path: lane.path,
            ip: IpFacts {
                ttl: self.ttl,
                traffic_class: self.traffic_class,
                dont_fragment: self.dont_fragment,
                pieces: 1,
                ..IpFacts::default()
            },
            cut: self.cut,
            body: Body::Esp(Esp {
                header,
                length: self.length,
                bytes: self.bytes,
                null: self.null,
                opening: self.opening,
                payload: self.payload,
            }),
        }
    }
}

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

/// Where in the story the packets of a batch stand.
#[derive(Clone, Copy, Debug)]
struct Place {
    input: u16,
    /// Frames of this input that lie before the batch.
    before: u64,
    /// The time of packets that have none.
    clock: Option<Timestamp>,
}

impl Place {
    #[inline(always)]
    fn packet<'a>(&self, packet: &Packet, read: Option<&'a Readable>) -> EspPacket<'a> {
        let time = match packet.time {
            // A file whose frames have no time at all begins at the epoch; the input says so.
            NO_TIME => self.clock.unwrap_or(Timestamp(0)),
            time => Timestamp(time),
        };
        EspPacket {
            frame: FrameId {
                input: self.input,
                number: self.before + u64::from(packet.frame),
            },
            time,
            sequence: packet.sequence,
            length: packet.length,
            ttl: packet.ttl,
            traffic_class: packet.traffic_class,
            cut: packet.marks.has(Marks::CUT),
            dont_fragment: packet.marks.has(Marks::DONT_FRAGMENT),
            padded: packet.marks.has(Marks::PADDED),
            fragmented: false,
            null: read.map(|packet| packet.null),
            bytes: read.map_or(&[], |packet| &packet.bytes),
            opening: None,
            payload: &[],
        }
    }
}

/// Trains of ESP packets, in order of the first packet of each.
#[derive(Clone, Debug)]
pub struct Trains<'b> {
    place: Place,
    lanes: &'b [Lane],
    trains: &'b [Train],
    packets: &'b [Packet],
}

impl<'b> Trains<'b> {
    /// Takes off those that begin before a frame of the batch.
    fn until(&mut self, frame: u64) -> Self {
        let (mut trains, mut packets) = (0, 0);
        for train in self.trains {
            let first = self.packets.get(packets);
            if first.is_none_or(|first| u64::from(first.frame) >= frame) {
                break;
            }
            trains += 1;
            packets += train.packets as usize;
        }
        let begun = self.trains.split_at_checked(trains);
        let Some((begun, later)) = begun else {
            return Self {
                trains: &[],
                ..self.clone()
            };
        };
        self.trains = later;
        let (before, after) = self
            .packets
            .split_at_checked(packets)
            .unwrap_or((self.packets, &[]));
        self.packets = after;
        Self {
            trains: begun,
            packets: before,
            ..self.clone()
        }
    }
}

/// Each with its lane.
impl<'b> Iterator for Trains<'b> {
    type Item = (&'b Lane, EspTrain<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        let (train, trains) = self.trains.split_first()?;
        let (packets, after) = self.packets.split_at_checked(train.packets as usize)?;
        (self.trains, self.packets) = (trains, after);
        let lane = self.lanes.get(train.lane as usize)?;
        let train = EspTrain {
            place: self.place,
            packets,
        };
        Some((lane, train))
    }
}

/// ESP packets of one lane, in order.
#[derive(Clone, Copy, Debug)]
pub struct EspTrain<'b> {
    place: Place,
    packets: &'b [Packet],
}

impl EspTrain<'_> {
    /// How many packets.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packets.
    #[inline]
    pub fn packets(&self) -> impl Iterator<Item = EspPacket<'static>> {
        let packets = self.packets.iter();
        packets.map(|packet| self.place.packet(packet, None))
    }
}

/// What opens packets, in the order of the story: what a worker could not open yet, and what was put
/// together.
#[derive(Debug, Default)]
struct Keys {
    database: Arc<Sadb>,
    opener: Opener,
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

impl Keys {
    /// Whether SAs have come since that may make more of a packet than its worker could.
    fn have_more(&self, known: &Keyed, lane: &Lane) -> bool {
        !known.sealed.is_empty() && self.database.candidates(lane.spi).count() > known.candidates
    }

    /// Takes in what follows from what was told last.
    fn take(&mut self, keys: &[EspKeys]) {
        if !keys.is_empty() {
            let database = Arc::make_mut(&mut self.database);
            keys.iter().for_each(|keys| database.add(keys));
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

/// Hands a datagram on: a piece of a stream becomes the messages that it completes, and what keys
/// open is gone into. Without `streams` it lies in one, and no other is sought in there.
fn tell(
    streams: Option<&mut Streams>,
    keys: &mut Keys,
    datagram: &Datagram<'_>,
    time: Timestamp,
    frames: &[FrameId],
    to: &mut impl Fold,
) {
    match &datagram.body {
        Body::Segment(segment) => {
            if let Some(streams) = streams {
                streams.push(datagram, segment, frames, &mut |message, frames| {
                    tell(None, keys, message, time, frames, to);
                });
            }
        }
        // Fragments inside a packet that was opened are not put together.
        Body::Learned(_) | Body::Fragment(_) => {}
        Body::Esp(esp) if !keys.database.is_empty() => {
            opened(streams, keys, datagram, esp, time, frames, to);
        }
        Body::Ike(_) => {
            to.datagram(datagram, time, frames);
            keys.take(&to.keys());
        }
        _ => to.datagram(datagram, time, frames),
    }
}

/// Hands an ESP packet on that was put together, opened if there is a key for it, and what is
/// inside.
fn opened(
    mut streams: Option<&mut Streams>,
    keys: &mut Keys,
    datagram: &Datagram<'_>,
    esp: &Esp<'_>,
    time: Timestamp,
    frames: &[FrameId],
    to: &mut impl Fold,
) {
    let Datagram {
        stamp, path, ip, ..
    } = *datagram;
    let sealed = Sealed::new(esp, &path, datagram.cut);
    let opening = keys.opener.open(&keys.database, &sealed).opening;
    let (text, length) = keys.opener.lend();
    let payload = text.get(..length).unwrap_or_default();
    let body = Body::Esp(Esp {
        opening: opening.as_ref(),
        payload,
        ..*esp
    });
    to.datagram(&Datagram { body, ..*datagram }, time, frames);
    // What is seen to be in clear was gone into already.
    if let (Some(opened), None) = (keys.database.settled(opening.as_ref()), esp.null) {
        let next_header = opened.next_header;
        net::peel_opened(stamp, path, ip, next_header, payload, &mut |inner| {
            tell(streams.as_deref_mut(), keys, &inner, time, frames, to);
        });
    }
    keys.opener.give_back(text);
}

/// What could not be read of TCP streams, in words.
fn unread(unread: &Unread) -> Vec<Blind> {
    let mut told = Vec::new();
    let mut add = |number: u64, what: Text, why: &'static str| {
        if number > 0 {
            told.push(Blind {
                what,
                why: why.into(),
            });
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
        say!(
            "{octets} of IKE and ESP in {connections}",
            octets = count(*octets, "octet"),
            connections = count(*connections, "TCP connection")
        ),
        "the capture lacks segments or ends of them, or begins within them",
    );
    add(
        *let_go,
        match let_go {
            1 => "IKE and ESP in TCP, where 1 connection was let go of while in use".into(),
            n => say!(
                "IKE and ESP in TCP, where {n} connections were let go of while in use",
                n
            ),
        },
        "too many connections were under way at one time",
    );
    for (from, to) in tls {
        add(
            1,
            say!("IKE and ESP inside TLS from {from} to {to}", from, to),
            "what TLS protects cannot be read",
        );
    }
    add(
        *tls_beyond,
        say!(
            "IKE and ESP inside TLS in {connections}",
            connections = count(*tls_beyond, "further connection")
        ),
        "what TLS protects cannot be read",
    );
    told
}

//! TCP segments to IPsec messages (RFC 9329), within bounds.
//!
//! Each direction of a connection is put in order: segments may come twice, late or never, and where
//! two overlap the first wins. The stream is a row of messages, each behind its length in two
//! octets; a message belongs to the frame that completes it. Where octets are missing, the message
//! around them is told as cut, and the next one is found by its place; if that is lost too, at the
//! next segment that begins a plausible message. All bounds are in [`crate::limits`]; what could not
//! be read is told as [`Unread`].

use super::datagram::{Body, Datagram, Esp, IpFacts, Path, Segment, Stamp};
use super::ip::protocol;
use super::learned::Pair;
use super::null;
use super::octets::Octets;
use super::tcp::STREAM_PREFIX;
use crate::limits::{
    STREAM_CONNECTIONS, STREAM_FRAMES, STREAM_OCTETS, STREAM_REACH, STREAM_TLS,
    STREAM_WAITING_OCTETS, STREAM_WAITING_SEGMENTS,
};
use crate::units::{Endpoint, EspSpi, FrameId, Vantage};
use crate::wire::esp::EspHeader;
use crate::wire::header::Header;
use crate::wire::natt::Content;
use std::collections::BTreeMap;

/// Takes a message and the frames that carry it.
pub type Tell<'t> = dyn FnMut(&Datagram<'_>, &[FrameId]) + 't;

/// Puts TCP streams together and takes the messages out.
#[derive(Debug, Default)]
pub struct Streams {
    /// Trees, not hash tables: the keys are chosen by attackers.
    connections: BTreeMap<Key, Connection>,
    /// Connections by when they were used last.
    used: BTreeMap<u64, Key>,
    /// The last moment of use.
    last: u64,
    /// Memory that the connections take.
    octets: usize,
    unread: Unread,
}

/// What could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unread {
    /// Octets of streams with IPsec that the capture lacks, or between which no message was found.
    pub octets: u64,
    /// Connections with IPsec of which there were some.
    pub connections: u64,
    /// Connections with IPsec that were let go of while in use.
    pub let_go: u64,
    /// Connections over the port of IPsec with TLS inside: at most [`STREAM_TLS`], then counted.
    pub tls: Vec<(Endpoint, Endpoint)>,
    /// Further ones.
    pub tls_beyond: u64,
}

impl Streams {
    /// Takes a segment, and gives the messages that it completes to `tell`, in their order.
    /// `datagram` is what carries it, `frames` are those it came in.
    pub fn push(
        &mut self,
        datagram: &Datagram<'_>,
        segment: &Segment<'_>,
        frames: &[FrameId],
        tell: &mut Tell<'_>,
    ) {
        let Path { from, to, .. } = datagram.path;
        let pair = Pair::new(protocol::TCP, from, to);
        let key = Key {
            vantage: datagram.stamp.vantage,
            pair,
        };
        // Zero is the moment of connections that are new.
        self.last += 1;
        let used = self.last;
        let connection = self.connections.entry(key).or_default();
        self.used.remove(&connection.used);
        connection.used = used;
        self.used.insert(used, key);
        let before = connection.octets();
        let arrival = Arrival {
            origin: Origin {
                path: datagram.path,
                ip: datagram.ip,
                frame: frames.last().copied().unwrap_or(datagram.stamp.frame),
            },
            stamp: datagram.stamp,
            segment,
        };
        connection.take(pair.is_low(from), &arrival, &mut self.unread, tell);
        self.octets = self.octets.saturating_sub(before) + connection.octets();
        if segment.rst {
            self.remove(used);
        }
        while self.connections.len() > STREAM_CONNECTIONS || self.octets > STREAM_OCTETS {
            let oldest = self.used.keys().copied().find(|at| *at != used);
            let Some(connection) = oldest.and_then(|oldest| self.remove(oldest)) else {
                break;
            };
            self.unread.let_go += u64::from(connection.is_proven);
        }
    }

    /// Ends all streams, and tells what could not be read of them.
    pub fn finish(&mut self) -> Unread {
        while let Some((&oldest, _)) = self.used.first_key_value() {
            self.remove(oldest);
        }
        std::mem::take(&mut self.unread)
    }

    fn remove(&mut self, used: u64) -> Option<Connection> {
        let mut connection = self.connections.remove(&self.used.remove(&used)?)?;
        self.octets = self.octets.saturating_sub(connection.octets());
        connection.close(&mut self.unread);
        Some(connection)
    }
}

/// What makes segments those of one connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    vantage: Vantage,
    pair: Pair,
}

/// Where octets came from.
#[derive(Clone, Copy, Debug)]
struct Origin {
    path: Path,
    ip: IpFacts,
    frame: FrameId,
}

/// A segment that comes in.
#[derive(Clone, Copy, Debug)]
struct Arrival<'a> {
    origin: Origin,
    stamp: Stamp,
    segment: &'a Segment<'a>,
}

/// Both directions between two ends.
#[derive(Debug, Default)]
struct Connection {
    used: u64,
    /// Whether IPsec was found in it.
    is_proven: bool,
    /// Whether something else was found in it.
    is_opaque: bool,
    low: Side,
    high: Side,
}

impl Connection {
    fn octets(&self) -> usize {
        self.low.octets() + self.high.octets()
    }

    fn take(
        &mut self,
        from_low: bool,
        arrival: &Arrival<'_>,
        unread: &mut Unread,
        tell: &mut Tell<'_>,
    ) {
        let segment = arrival.segment;
        if segment.syn {
            self.open(from_low, segment, unread);
        }
        if self.is_opaque {
            return;
        }
        let (own, other) = match from_low {
            true => (&mut self.low, &mut self.high),
            false => (&mut self.high, &mut self.low),
        };
        if let Some(acknowledgment) = segment.acknowledgment {
            other.acknowledge(acknowledgment);
            other.advance(arrival.stamp, tell);
        }
        if segment.length == 0 {
            return;
        }
        if own.begins_with(segment) {
            let begins = Beginning::of(segment.bytes, segment.length, own.framing.spis);
            // The first octets of a stream are known, and they are not ours.
            let is_foreign = own.is_fresh() && segment.bytes.len() >= STREAM_PREFIX.len();
            match begins {
                Beginning::Tls if !self.is_proven => {
                    self.is_opaque = true;
                    unread.tls(&arrival.origin.path);
                    return;
                }
                Beginning::Other if !self.is_proven && is_foreign => {
                    self.is_opaque = true;
                    return;
                }
                _ => {}
            }
            own.framing.is_synced = own.is_fresh() && (self.is_proven || begins.is_ipsec());
            own.framing.may_be_prefix = own.framing.is_synced;
        }
        own.push(arrival, tell);
        own.advance(arrival.stamp, tell);
        self.is_proven |= own.framing.is_proven || other.framing.is_proven;
    }

    /// A SYN begins a direction anew, and both if it is the first of the two; a copy of one does
    /// not.
    fn open(&mut self, from_low: bool, segment: &Segment<'_>, unread: &mut Unread) {
        let own = if from_low { &self.low } else { &self.high };
        if own.opened == Some(segment.sequence) {
            return;
        }
        if segment.acknowledgment.is_none() {
            self.close(unread);
            *self = Self {
                used: self.used,
                ..Self::default()
            };
        }
        let side = Side {
            opened: Some(segment.sequence),
            next: Some(segment.sequence.wrapping_add(1)),
            ..Side::default()
        };
        let lost = match from_low {
            true => std::mem::replace(&mut self.low, side).lost(),
            false => std::mem::replace(&mut self.high, side).lost(),
        };
        if self.is_proven {
            unread.octets += lost;
        }
    }

    /// Adds to what is unread what is left in it.
    fn close(&mut self, unread: &mut Unread) {
        let lost = self.low.lost() + self.high.lost();
        if self.is_proven && lost > 0 {
            unread.octets += lost;
            unread.connections += 1;
        }
    }
}

impl Unread {
    fn tls(&mut self, path: &Path) {
        match self.tls.len() < STREAM_TLS {
            true => self.tls.push((path.from, path.to)),
            false => self.tls_beyond += 1,
        }
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// Sequence number of the SYN.
    opened: Option<u32>,
    /// Sequence number of the octet that comes next; `None` before any was seen.
    next: Option<u32>,
    /// The same, counted from the first on, without wrapping.
    place: u64,
    /// Octets before this number have reached the other end.
    acknowledged: Option<u32>,
    /// Segments that wait for others, by place; no two overlap.
    waiting: BTreeMap<u64, Piece>,
    waiting_octets: usize,
    framing: Framing,
}

/// A run of octets that waits for others.
#[derive(Debug)]
struct Piece {
    kept: Vec<u8>,
    length: u32,
    origin: Origin,
}

impl Piece {
    /// Memory that it takes beside its octets.
    const COST: usize = 256;

    fn cost(&self) -> usize {
        self.kept.len() + Self::COST
    }
}

impl Side {
    fn octets(&self) -> usize {
        self.waiting_octets + self.framing.frame.capacity()
    }

    /// Octets that were not read and will not be.
    fn lost(&self) -> u64 {
        let waiting = self.waiting.values().map(|piece| u64::from(piece.length));
        self.framing.lost + u64::from(self.framing.passed) + waiting.sum::<u64>()
    }

    /// Whether nothing but its SYN was seen: then the next octet begins the stream.
    fn is_fresh(&self) -> bool {
        self.opened.is_some() && self.place == 0
    }

    /// Whether a segment holds the first octets that are seen of the stream.
    fn begins_with(&self, segment: &Segment<'_>) -> bool {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        self.place == 0 && self.next.is_none_or(|next| next == first)
    }

    fn acknowledge(&mut self, number: u32) {
        let is_ahead = |known: u32| number.wrapping_sub(known).cast_signed() > 0;
        if self.acknowledged.is_none_or(is_ahead) {
            self.acknowledged = Some(number);
        }
    }

    fn push(&mut self, arrival: &Arrival<'_>, tell: &mut Tell<'_>) {
        let Arrival {
            origin,
            stamp,
            segment,
        } = *arrival;
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        let mut ahead = sequence
            .wrapping_sub(*self.next.get_or_insert(sequence))
            .cast_signed();
        if ahead.unsigned_abs() > STREAM_REACH.unsigned_abs() {
            // Another connection, whose SYN was not seen, between the same ports.
            let begins = Beginning::of(segment.bytes, segment.length, self.framing.spis);
            if !begins.is_ipsec() {
                self.framing.lost += u64::from(segment.length);
                return;
            }
            let lost = self.lost();
            self.framing.lose_track();
            self.framing.lost = lost;
            self.waiting.clear();
            self.waiting_octets = 0;
            self.next = Some(sequence);
            self.acknowledged = None;
            ahead = 0;
        }
        // The first octet of a capture that begins late may not be the first that is missing.
        let Some(place) = self.place.checked_add_signed(ahead.into()) else {
            return;
        };
        let end = place + u64::from(segment.length);
        let run = Run {
            kept: segment.bytes,
            length: segment.length,
        };
        if place <= self.place && self.waiting.is_empty() {
            if let Some(run) = run.part(self.place - place, end.saturating_sub(self.place)) {
                self.feed(run, &origin, stamp, tell);
            }
            return;
        }
        let mut from = place.max(self.place);
        let mut gaps = Vec::new();
        for (&at, piece) in self.waiting.range(..end) {
            if from < at {
                gaps.push((from, at));
            }
            from = from.max(at + u64::from(piece.length));
        }
        gaps.push((from, end));
        for (from, to) in gaps {
            if let Some(run) = run.part(from - place, to.saturating_sub(from)) {
                let piece = Piece {
                    kept: run.kept.to_vec(),
                    length: run.length,
                    origin,
                };
                self.waiting_octets += piece.cost();
                self.waiting.insert(from, piece);
            }
        }
    }

    /// Reads on as far as octets are there, or will never be.
    fn advance(&mut self, stamp: Stamp, tell: &mut Tell<'_>) {
        while let Some((&place, _)) = self.waiting.first_key_value() {
            let hole = place.saturating_sub(self.place);
            if hole > 0 && !self.is_lost(hole) {
                break;
            }
            if hole > 0 {
                self.framing.lost += hole;
                self.framing.pass(hole, stamp, tell);
                self.step(hole);
            }
            let Some((_, piece)) = self.waiting.pop_first() else {
                break;
            };
            self.waiting_octets = self.waiting_octets.saturating_sub(piece.cost());
            let run = Run {
                kept: &piece.kept,
                length: piece.length,
            };
            self.feed(run, &piece.origin, stamp, tell);
        }
    }

    /// Whether the next octets will not come: the other end has them, too much waits for them, or
    /// nothing depends on them.
    fn is_lost(&self, hole: u64) -> bool {
        let hole = u32::try_from(hole).unwrap_or(u32::MAX);
        let after = self.next.map(|next| next.wrapping_add(hole));
        let is_acknowledged = self
            .acknowledged
            .zip(after)
            .is_some_and(|(number, after)| number.wrapping_sub(after).cast_signed() >= 0);
        is_acknowledged
            || !self.framing.is_synced && !self.is_fresh()
            || self.waiting_octets > STREAM_WAITING_OCTETS
            || self.waiting.len() > STREAM_WAITING_SEGMENTS
    }

    fn feed(&mut self, run: Run<'_>, origin: &Origin, stamp: Stamp, tell: &mut Tell<'_>) {
        self.framing.feed(run, origin, stamp, tell);
        self.step(run.length.into());
    }

    fn step(&mut self, octets: u64) {
        self.place += octets;
        // Sequence numbers wrap, and so may the count.
        let octets = octets as u32;
        self.next = self.next.map(|next| next.wrapping_add(octets));
    }
}

/// Octets of the stream, of which the capture may have kept the first alone.
#[derive(Clone, Copy, Debug)]
struct Run<'a> {
    kept: &'a [u8],
    length: u32,
}

impl Run<'_> {
    /// `length` octets after the first `skipped`; `None` if there are none.
    fn part(self, skipped: u64, length: u64) -> Option<Self> {
        let left = u64::from(self.length).checked_sub(skipped)?;
        let length = u32::try_from(length.min(left)).ok()?;
        let kept = usize::try_from(skipped)
            .ok()
            .and_then(|skipped| self.kept.get(skipped..));
        let kept = kept.unwrap_or_default();
        let kept = kept.get(..length as usize).unwrap_or(kept);
        (length > 0).then_some(Self { kept, length })
    }
}

/// What the first octets of a segment begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Beginning {
    /// The stream, by its prefix.
    Prefix,
    /// A message.
    Message,
    /// A TLS record.
    Tls,
    /// None of these, or too little was kept.
    Other,
}

impl Beginning {
    fn is_ipsec(self) -> bool {
        matches!(self, Self::Prefix | Self::Message)
    }

    /// Judges `length` octets of which `kept` were kept. `spis` were seen before in the stream.
    fn of(kept: &[u8], length: u32, spis: [u32; 2]) -> Self {
        match kept {
            _ if kept.starts_with(STREAM_PREFIX) => Self::Prefix,
            // The prefix, sent in pieces.
            _ if !kept.is_empty() && STREAM_PREFIX.starts_with(kept) => Self::Prefix,
            _ if begins_message(kept, length as usize, spis) => Self::Message,
            // A record of type handshake, data or alert, of any version (RFC 8446 section 5.1).
            [21..=23, 3, 0..=4, ..] => Self::Tls,
            _ => Self::Other,
        }
    }
}

/// Whether a segment of `length` octets, of which `kept` were kept, begins with a message: with an
/// IKE header, with ESP of a known SPI, or with a row of messages that ends where it ends.
fn begins_message(kept: &[u8], length: usize, spis: [u32; 2]) -> bool {
    let mut at = 0;
    while at < length {
        let Some(frame) = kept.get(at..) else {
            return false;
        };
        let Some((&[a, b], content)) = frame.split_first_chunk() else {
            return false;
        };
        let Some(size) = usize::from(u16::from_be_bytes([a, b])).checked_sub(LENGTH) else {
            return false;
        };
        let is_cut = content.len() < size;
        let content = content.get(..size).unwrap_or(content);
        match Content::of(content, true) {
            Content::Ike(message) => {
                return Header::read(message).is_some_and(|header| {
                    matches!(header.version.major(), 1 | 2)
                        && header.length as usize == size.saturating_sub(MARKER)
                        && header.is_plausible(header.length as usize)
                });
            }
            Content::Esp(packet) => {
                let Some(header) = EspHeader::read(packet) else {
                    return false;
                };
                let spi = header.spi.0;
                if spis.contains(&spi) && spi != 0 {
                    return true;
                }
                if spi < FIRST_SPI || !size.is_multiple_of(4) || size < ESP_LEAST {
                    return false;
                }
            }
            Content::Keepalive if !is_cut => {}
            Content::Keepalive | Content::Other(_) => return false,
        }
        at += LENGTH + size;
    }
    at == length
}

/// Octets of the length before each message, which counts itself (RFC 9329 section 3).
const LENGTH: usize = 2;

/// Octets of the non-ESP marker before IKE.
const MARKER: usize = 4;

/// The first SPI that is not reserved (RFC 4303 section 2.1).
const FIRST_SPI: u32 = 256;

/// The least octets of an ESP packet: see [`crate::wire::natt`].
const ESP_LEAST: usize = 24;

/// Cuts a stream into messages.
#[derive(Debug, Default)]
struct Framing {
    /// Whether it is known where the next message begins.
    is_synced: bool,
    /// Whether the next octets may be those of the prefix.
    may_be_prefix: bool,
    /// Whether IPsec was found.
    is_proven: bool,
    /// The message under way with its length, up to the first octet that is missing.
    frame: Vec<u8>,
    /// Octets of it, or of the prefix, that have passed.
    passed: u32,
    /// The frames that it came in.
    frames: Vec<FrameId>,
    /// Where the last octets came from.
    origin: Option<Origin>,
    /// SPIs of the ESP packets seen last.
    spis: [u32; 2],
    /// Octets that belong to no message that was told, or never came.
    lost: u64,
}

impl Framing {
    /// Takes the next octets of the stream: a segment, or what is new in it.
    fn feed(&mut self, run: Run<'_>, origin: &Origin, stamp: Stamp, tell: &mut Tell<'_>) {
        if !self.is_synced {
            match Beginning::of(run.kept, run.length, self.spis) {
                Beginning::Prefix => self.may_be_prefix = true,
                Beginning::Message => {}
                Beginning::Tls | Beginning::Other => {
                    self.lost += u64::from(run.length);
                    return;
                }
            }
            self.is_synced = true;
        }
        self.origin = Some(*origin);
        let mut rest = run.kept;
        while self.is_synced && !rest.is_empty() {
            rest = match self.may_be_prefix {
                true => self.prefix(rest),
                false => self.part(rest, stamp, tell),
            };
        }
        let cut = u64::from(run.length).saturating_sub(run.kept.len() as u64);
        match self.is_synced {
            true => {
                let beyond = self.pass(cut, stamp, tell);
                self.lost += beyond;
            }
            false => self.lost += rest.len() as u64 + cut,
        }
    }

    /// Passes over the prefix if it is there (RFC 9329 section 4), and gives what is left.
    fn prefix<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let want = STREAM_PREFIX
            .get(self.passed as usize..)
            .unwrap_or_default();
        let common = octets.len().min(want.len());
        if octets.get(..common) == want.get(..common) {
            self.passed += u32::try_from(common).unwrap_or(0);
            if self.passed as usize == STREAM_PREFIX.len() {
                self.passed = 0;
                self.may_be_prefix = false;
                self.is_proven = true;
            }
            return octets.get(common..).unwrap_or_default();
        }
        self.may_be_prefix = false;
        if self.passed > 0 {
            self.lose_track();
        }
        octets
    }

    /// Takes what belongs to the message under way, and gives what is left.
    fn part<'a>(&mut self, octets: &'a [u8], stamp: Stamp, tell: &mut Tell<'_>) -> &'a [u8] {
        let want = match self.length() {
            Some(length) => length.saturating_sub(self.passed) as usize,
            None => LENGTH - self.frame.len(),
        };
        let (part, rest) = octets
            .split_at_checked(want)
            .unwrap_or((octets, Default::default()));
        if self.passed as usize == self.frame.len() {
            self.frame.extend_from_slice(part);
        }
        self.passed += u32::try_from(part.len()).unwrap_or(0);
        if let Some(origin) = self.origin
            && self.frames.last() != Some(&origin.frame)
        {
            if self.frames.len() >= STREAM_FRAMES {
                self.frames.pop();
            }
            self.frames.push(origin.frame);
        }
        match self.length() {
            Some(length) if (length as usize) <= LENGTH => self.lose_track(),
            Some(length) if length == self.passed => self.complete(stamp, tell),
            _ => {}
        }
        rest
    }

    /// Passes over octets that are missing, and says how many of them lie beyond the message under
    /// way: then it is not known where the next one begins.
    fn pass(&mut self, octets: u64, stamp: Stamp, tell: &mut Tell<'_>) -> u64 {
        if octets == 0 || !self.is_synced {
            return octets;
        }
        let Some(length) = self.length() else {
            self.lose_track();
            return octets;
        };
        let left = u64::from(length.saturating_sub(self.passed));
        self.passed += u32::try_from(octets.min(left)).unwrap_or(0);
        if octets >= left {
            self.complete(stamp, tell);
        }
        if octets > left {
            self.lose_track();
        }
        octets.saturating_sub(left)
    }

    /// What the message under way says its length is.
    fn length(&self) -> Option<u32> {
        if self.may_be_prefix {
            return None;
        }
        let &length = self.frame.first_chunk()?;
        Some(u16::from_be_bytes(length).into())
    }

    /// It is not known any more where a message begins.
    fn lose_track(&mut self) {
        self.is_synced = false;
        self.may_be_prefix = false;
        self.lost += u64::from(self.passed);
        self.begin();
    }

    fn begin(&mut self) {
        self.passed = 0;
        self.frame.clear();
        self.frames.clear();
    }

    /// Tells the message under way, all octets of which have passed.
    fn complete(&mut self, stamp: Stamp, tell: &mut Tell<'_>) {
        let frame = std::mem::take(&mut self.frame);
        let kept = frame.get(LENGTH..).unwrap_or_default();
        let length = self.passed.saturating_sub(LENGTH as u32);
        let cut = kept.len() < length as usize;
        let mut spi = None;
        let body = match Content::of(kept, true) {
            Content::Ike(message) => Some(Body::Ike(message)),
            Content::Keepalive if !cut => Some(Body::Keepalive),
            Content::Esp(bytes) => EspHeader::read(bytes)
                .filter(|header| header.spi.0 >= FIRST_SPI)
                .map(|header| {
                    spi = Some(header.spi);
                    let ends = self.origin.map(|origin| origin.path);
                    let null = ends.and_then(|ends| {
                        let octets = Octets::new(bytes, length);
                        null::seen(octets, ends.from.address, ends.to.address)
                    });
                    Body::Esp(Esp {
                        header,
                        length,
                        bytes,
                        null,
                        opening: None,
                        payload: &[],
                    })
                }),
            Content::Keepalive | Content::Other(_) => None,
        };
        match (body, self.origin) {
            (Some(body), Some(origin)) => {
                self.is_proven = true;
                self.remember(spi);
                if self.frames.last() != Some(&stamp.frame) {
                    self.frames.push(stamp.frame);
                }
                let datagram = Datagram {
                    stamp,
                    path: origin.path,
                    ip: origin.ip,
                    cut,
                    body,
                };
                tell(&datagram, &self.frames);
                self.begin();
            }
            // Too little is there to tell what it was.
            _ if cut => {
                self.lost += kept.len() as u64;
                self.begin();
            }
            _ => self.lose_track(),
        }
        // Its memory serves the next one.
        self.frame = frame;
        self.frame.clear();
    }

    fn remember(&mut self, spi: Option<EspSpi>) {
        let [last, _] = self.spis;
        if let Some(EspSpi(spi)) = spi
            && spi != last
        {
            self.spis = [spi, last];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Encap, Layer};
    use crate::units::Timestamp;
    use std::net::{IpAddr, Ipv4Addr};

    fn end(last: u8, port: u16) -> Endpoint {
        Endpoint {
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
            port: Some(port),
        }
    }

    /// Sends octets from this port, and gives how many messages they complete.
    fn send(streams: &mut Streams, port: u16, sequence: u32, bytes: &[u8]) -> usize {
        let segment = Segment {
            sequence,
            acknowledgment: None,
            syn: false,
            rst: false,
            length: u32::try_from(bytes.len()).unwrap(),
            bytes,
        };
        let frame = FrameId {
            input: 0,
            number: 1,
        };
        let mut encap = Encap::default();
        encap.push(Layer::Tcp);
        let datagram = Datagram {
            stamp: Stamp {
                frame,
                time: Some(Timestamp(0)),
                vantage: Vantage {
                    input: 0,
                    interface: 0,
                },
                station: None,
                wire_len: 0,
            },
            path: Path {
                from: end(1, port),
                to: end(2, 4500),
                encap,
            },
            ip: IpFacts::default(),
            cut: false,
            body: Body::Segment(segment),
        };
        let mut told = 0;
        streams.push(&datagram, &segment, &[frame], &mut |_, _| told += 1);
        told
    }

    /// A whole message of ESP with its length.
    fn message() -> Vec<u8> {
        [&[0, 50, 0xc0, 0, 0, 1, 0, 0, 0, 1][..], &[7; 40]].concat()
    }

    #[test]
    fn no_more_connections_are_kept_than_there_is_room_for() {
        let mut streams = Streams::default();
        let more = 10;
        for port in 0..STREAM_CONNECTIONS + more {
            let port = u16::try_from(port).unwrap();
            assert_eq!(send(&mut streams, port, 0, &message()), 1);
        }
        assert_eq!(streams.connections.len(), STREAM_CONNECTIONS);
        assert_eq!(streams.used.len(), STREAM_CONNECTIONS);
        // The first is gone, and begins again like any other.
        assert_eq!(send(&mut streams, 0, 77, &message()), 1);
        let unread = streams.finish();
        assert_eq!(unread.let_go, more as u64 + 1);
        assert_eq!((unread.octets, streams.octets), (0, 0));
    }

    #[test]
    fn octets_that_wait_for_others_stay_within_bounds() {
        let mut streams = Streams::default();
        let block = vec![0; 60_000];
        for port in 0..400 {
            send(&mut streams, port, 0, &message());
            for place in 1..5 {
                send(&mut streams, port, 60_000 * place, &block);
                assert!(streams.octets <= STREAM_OCTETS);
                let counted: usize = streams.connections.values().map(Connection::octets).sum();
                assert_eq!(streams.octets, counted);
            }
        }
        assert!(streams.connections.len() < 400);
        let unread = streams.finish();
        assert_eq!(unread.octets, 400 * 4 * 60_000);
        assert_eq!(streams.octets, 0);
    }

    #[test]
    fn a_message_of_any_length_is_told_or_lost_and_never_more_than_it_is() {
        for length in 0..=300_u16 {
            let mut streams = Streams::default();
            send(&mut streams, 1, 0, &message());
            let mut octets = length.to_be_bytes().to_vec();
            octets.resize(usize::from(length.max(2)), 9);
            let told = send(&mut streams, 1, 50, &octets);
            let unread = streams.finish();
            // Too short for ESP, and no keepalive.
            let is_told = length >= 10;
            assert_eq!(told, usize::from(is_told), "{length}");
            let lost = if is_told { 0 } else { octets.len() as u64 };
            assert_eq!(unread.octets, lost, "{length}");
        }
    }
}

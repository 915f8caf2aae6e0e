//! IP fragments to packets (RFC 791 section 3.2, RFC 8200 section 4.5), within bounds.
//!
//! Pieces may come in any order, more than once, or never. Where two overlap, IPv4 keeps the first;
//! IPv6 gives up the packet (RFC 5722). All bounds are in [`crate::limits`]; what they push out is
//! told as [`Incomplete`], never lost silently.

use super::datagram::{Fragment, IpFacts, Path, Stamp};
use super::ip;
use super::octets::Octets;
use crate::limits::{
    REASSEMBLY_AGE, REASSEMBLY_HEAD, REASSEMBLY_OCTETS, REASSEMBLY_PIECES, REASSEMBLY_REMEMBERED,
    REASSEMBLY_TRAINS,
};
use crate::units::{FrameId, Timestamp, Vantage};
use foldhash::quality::RandomState;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// Puts IP packets together from their fragments.
#[derive(Debug, Default)]
pub struct Reassembler {
    /// Packets under way, by the order in which they were begun.
    trains: BTreeMap<u64, Train>,
    /// Where each of them is. Trees, not hash tables: the keys are chosen by attackers.
    begun: BTreeMap<Key, u64>,
    /// The order of the next one.
    next: u64,
    /// Memory that the pieces take.
    octets: usize,
    /// Packets given up since the caller last asked.
    given_up: Vec<Incomplete>,
    /// The pieces of packets put together last.
    remembered: Remembered,
    /// What sums up the octets of a piece, seeded so that nobody can make two of them alike.
    hasher: RandomState,
}

/// What became of a piece.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "taken apart as soon as it is made"
)]
pub enum Pushed {
    /// It waits for the others, or had come before.
    Kept,
    /// It was the last one missing.
    Whole(Whole),
    /// It cannot be a piece of any packet, or not of this one.
    Refused(#[cfg_attr(not(test), expect(dead_code, reason = "the tests ask why"))] Refusal),
}

/// Why a piece was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It holds nothing.
    Empty,
    /// It is not the last one, and its length is no multiple of eight octets.
    Uneven,
    /// It reaches beyond the largest packet that can be.
    TooFar,
    /// Its end contradicts other pieces.
    Contradiction,
    /// It overlaps another piece, in IPv6.
    Overlap,
    /// The packet has too many pieces.
    TooMany,
}

/// As a sentence about the piece.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the fragment is empty",
            Self::Uneven => "the length of the fragment is no multiple of 8",
            Self::TooFar => "the fragment reaches beyond 65535 octets",
            Self::Contradiction => "the fragment contradicts others about where the packet ends",
            Self::Overlap => "the fragment overlaps another",
            Self::TooMany => "the packet has too many fragments",
        })
    }
}

/// A packet put together.
#[derive(Clone, Debug)]
pub struct Whole {
    /// When and where the frame was recorded that completed it.
    pub stamp: Stamp,
    /// Its time.
    pub time: Timestamp,
    /// Between whom it travels; without ports.
    pub path: Path,
    /// The IP header of its first piece, with the length of the whole packet and the number of
    /// pieces.
    pub ip: IpFacts,
    /// Protocol of the payload, behind IPv6 extension headers if there are any in it.
    pub protocol: u8,
    /// The payload, as far as the capture kept it without a hole.
    pub payload: Vec<u8>,
    /// Octets of the payload as it was sent.
    pub length: u32,
    /// Whether the capture kept less.
    pub cut: bool,
    /// The frames of its pieces, in the order they came.
    pub frames: Vec<FrameId>,
    /// Length of the largest IP packet that a piece travelled in, in octets.
    pub largest: u32,
}

/// A packet of which not every piece came.
#[derive(Clone, Debug)]
pub struct Incomplete {
    /// When and where its first piece was seen.
    pub stamp: Stamp,
    /// Time of its first piece.
    pub time: Timestamp,
    /// When and where its last piece was seen.
    pub last_stamp: Stamp,
    /// Time of its last piece.
    pub last_time: Timestamp,
    /// Between whom it travels; without ports.
    pub path: Path,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Pieces that came.
    pub pieces: u16,
    /// Their frames, in the order they came; at most [`REASSEMBLY_PIECES`].
    pub frames: Vec<FrameId>,
    /// The first octets of the payload, at most [`REASSEMBLY_HEAD`]; `None` if the piece that
    /// holds them never came.
    pub head: Option<Vec<u8>>,
    /// Octets of the whole payload; `None` if the last piece never came.
    pub length: Option<u32>,
    /// Length of the largest IP packet that a piece travelled in, in octets.
    pub largest: u32,
}

impl Reassembler {
    /// A reassembler that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece; gives the whole when it completes one.
    ///
    /// Packets that it pushes out wait to be told by [`Self::expire`] or [`Self::finish`]: call one
    /// of them from time to time.
    pub fn push(
        &mut self,
        stamp: Stamp,
        time: Timestamp,
        path: Path,
        ip: IpFacts,
        fragment: &Fragment<'_>,
    ) -> Pushed {
        if let Err(refusal) = check(fragment) {
            return Pushed::Refused(refusal);
        }
        let key = Key {
            vantage: stamp.vantage,
            from: path.from.address,
            to: path.to.address,
            identification: fragment.identification,
            protocol: fragment.protocol,
        };
        let seen = Seen { stamp, time };
        let order = self.train(key, seen, path, ip);
        let print = Print::of(fragment, &self.hasher);
        let copied = self.remembered.holds(&key, print);
        let Some(train) = self.trains.get_mut(&order) else {
            return Pushed::Kept;
        };
        let added = match train.add(seen, path, ip, fragment, print, copied) {
            Ok(added) => added,
            Err(refusal) => return Pushed::Refused(refusal),
        };
        self.octets += added;
        if train.is_whole() {
            return match self.remove(order) {
                Some(train) => {
                    self.remembered.add(order, key, train.prints.clone());
                    Pushed::Whole(train.into_whole(seen))
                }
                None => Pushed::Kept,
            };
        }
        self.make_room(order);
        Pushed::Kept
    }

    /// Gives up the packets that were begun more than [`REASSEMBLY_AGE`] ago, and tells of all that
    /// were given up since the last call, in the order they were.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Incomplete> {
        while let Some((&order, train)) = self.trains.first_key_value()
            && train.is_old(now)
        {
            self.give_up(order);
        }
        std::mem::take(&mut self.given_up)
    }

    /// Gives up all packets: the input has ended. Tells of all that were given up since the last
    /// call of this or of [`Self::expire`], in the order they were.
    pub fn finish(&mut self) -> Vec<Incomplete> {
        while let Some((&order, _)) = self.trains.first_key_value() {
            self.give_up(order);
        }
        std::mem::take(&mut self.given_up)
    }

    /// The train that a piece belongs to, begun if there is none. One too old gives way: its
    /// identification is in use again.
    fn train(&mut self, key: Key, seen: Seen, path: Path, ip: IpFacts) -> u64 {
        if let Some(&order) = self.begun.get(&key) {
            if !self
                .trains
                .get(&order)
                .is_some_and(|train| train.is_old(seen.time))
            {
                return order;
            }
            self.give_up(order);
        }
        let order = self.next;
        self.next += 1;
        self.begun.insert(key, order);
        self.trains.insert(order, Train::new(key, seen, path, ip));
        order
    }

    /// Gives up the oldest packets, but not `spared`, until all bounds hold.
    fn make_room(&mut self, spared: u64) {
        while self.trains.len() > REASSEMBLY_TRAINS || self.octets > REASSEMBLY_OCTETS {
            let Some(&oldest) = self.trains.keys().find(|&&order| order != spared) else {
                return;
            };
            self.give_up(oldest);
        }
    }

    fn give_up(&mut self, order: u64) {
        if let Some(train) = self.remove(order)
            && !train.only_copies
        {
            self.given_up.push(train.into_incomplete());
        }
    }

    fn remove(&mut self, order: u64) -> Option<Train> {
        let train = self.trains.remove(&order)?;
        self.begun.remove(&train.key);
        self.octets = self.octets.saturating_sub(train.octets());
        Some(train)
    }
}

/// Pieces of the packets put together last, so that copies of them are known as such: at most those of
/// [`REASSEMBLY_REMEMBERED`] packets.
#[derive(Debug, Default)]
struct Remembered {
    /// What was put together, the newest at the end, with the order in which it was begun.
    packets: VecDeque<(Key, u64)>,
    /// Of each key the newest, with its order.
    prints: BTreeMap<Key, (u64, Vec<Print>)>,
}

impl Remembered {
    /// Remembers the pieces of a packet, and forgets those of the oldest if there are enough.
    fn add(&mut self, order: u64, key: Key, prints: Vec<Print>) {
        if self.packets.len() >= REASSEMBLY_REMEMBERED
            && let Some((oldest, order)) = self.packets.pop_front()
            // The identification may have been used again since.
            && self.prints.get(&oldest).is_some_and(|(newest, _)| *newest == order)
        {
            self.prints.remove(&oldest);
        }
        self.packets.push_back((key, order));
        self.prints.insert(key, (order, prints));
    }

    /// Whether a piece is, octet for octet, one of a packet put together before.
    fn holds(&self, key: &Key, print: Print) -> bool {
        let same = self.prints.get(key);
        same.is_some_and(|(_, prints)| prints.contains(&print))
    }
}

/// What makes two fragments pieces of one packet.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    vantage: Vantage,
    from: IpAddr,
    to: IpAddr,
    identification: u32,
    protocol: u8,
}

/// A piece as it came: enough to know a copy of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Print {
    offset: u32,
    length: u32,
    sum: u64,
}

impl Print {
    fn of(fragment: &Fragment<'_>, hasher: &RandomState) -> Self {
        Self {
            offset: fragment.offset,
            length: fragment.length,
            sum: hasher.hash_one(fragment.bytes),
        }
    }
}

/// When and where.
#[derive(Clone, Copy, Debug)]
struct Seen {
    stamp: Stamp,
    time: Timestamp,
}

/// A packet under way.
#[derive(Debug)]
struct Train {
    key: Key,
    first: Seen,
    last: Seen,
    path: Path,
    /// The header of the first octets, or of any piece until that one comes.
    ip: IpFacts,
    /// Octets of the headers in front of the first octets.
    header_len: u32,
    /// Octets of the payload, once the last piece told.
    length: Option<u32>,
    /// What came, by offset; no two overlap.
    runs: Vec<Run>,
    /// The pieces as they came.
    prints: Vec<Print>,
    frames: Vec<FrameId>,
    largest: u32,
    /// Whether every piece is a copy of one of a packet put together before: then the packet was
    /// recorded twice, and nothing is missing.
    only_copies: bool,
    /// Whether pieces overlapped in IPv6: then no more are taken.
    is_spoilt: bool,
}

/// A run of octets of the payload.
#[derive(Debug)]
struct Run {
    offset: u32,
    length: u32,
    kept: Vec<u8>,
}

impl Run {
    fn end(&self) -> u32 {
        self.offset + self.length
    }
}

impl Train {
    /// Memory that a piece takes beside its octets.
    const PIECE_COST: usize = 96;

    fn new(key: Key, seen: Seen, path: Path, ip: IpFacts) -> Self {
        Self {
            key,
            first: seen,
            last: seen,
            path,
            ip,
            header_len: 0,
            length: None,
            runs: Vec::new(),
            prints: Vec::new(),
            frames: Vec::new(),
            largest: 0,
            only_copies: true,
            is_spoilt: false,
        }
    }

    /// Adds a piece that has passed [`check`], and says how much memory it took.
    fn add(
        &mut self,
        seen: Seen,
        path: Path,
        ip: IpFacts,
        fragment: &Fragment<'_>,
        print: Print,
        copied: bool,
    ) -> Result<usize, Refusal> {
        self.last = seen;
        self.largest = self.largest.max(ip.length);
        let is_repeat = self
            .prints
            .iter()
            .any(|other| (other.offset, other.length) == (print.offset, print.length));
        if is_repeat {
            return Ok(0);
        }
        if self.is_spoilt {
            return Err(Refusal::Overlap);
        }
        if self.prints.len() >= REASSEMBLY_PIECES {
            return Err(Refusal::TooMany);
        }
        let end = fragment.offset + fragment.length;
        let reaches = self.runs.last().map_or(0, Run::end);
        let contradicts = match (self.length, fragment.more) {
            (Some(length), true) => end >= length,
            (Some(length), false) => end != length,
            (None, true) => false,
            (None, false) => end < reaches,
        };
        if contradicts {
            return Err(Refusal::Contradiction);
        }
        let gaps = self.gaps(fragment.offset, end);
        let is_overlap = gaps != [(fragment.offset, end)];
        if is_overlap && self.key.from.is_ipv6() {
            self.is_spoilt = true;
            return Err(Refusal::Overlap);
        }
        let before = self.octets();
        for (from, to) in gaps {
            self.insert(from, to, fragment);
        }
        self.prints.push(print);
        self.frames.push(seen.stamp.frame);
        self.only_copies &= copied;
        if !fragment.more {
            self.length = Some(end);
        }
        if fragment.offset == 0 {
            (self.path, self.ip) = (path, ip);
            self.header_len = ip.length.saturating_sub(fragment.length);
        }
        Ok(self.octets().saturating_sub(before))
    }

    /// The parts of a run that have not come yet.
    fn gaps(&self, from: u32, to: u32) -> Vec<(u32, u32)> {
        let mut gaps = Vec::new();
        let mut at = from;
        for run in self
            .runs
            .iter()
            .filter(|run| run.end() > from && run.offset < to)
        {
            if at < run.offset {
                gaps.push((at, run.offset));
            }
            at = at.max(run.end());
        }
        if at < to {
            gaps.push((at, to));
        }
        gaps
    }

    /// Takes the octets of a fragment that lie between two offsets of the payload.
    fn insert(&mut self, from: u32, to: u32, fragment: &Fragment<'_>) {
        let start = (from - fragment.offset) as usize;
        let stop = (to - fragment.offset) as usize;
        let kept = fragment.bytes.get(start..).unwrap_or_default();
        let kept = kept.get(..stop - start).unwrap_or(kept);
        let at = self.runs.partition_point(|run| run.offset < from);
        self.runs.insert(
            at,
            Run {
                offset: from,
                length: to - from,
                kept: kept.to_vec(),
            },
        );
    }

    fn octets(&self) -> usize {
        let kept: usize = self.runs.iter().map(|run| run.kept.len()).sum();
        kept + (self.runs.len() + self.prints.len()) * Self::PIECE_COST
    }

    fn is_whole(&self) -> bool {
        let came: u32 = self.runs.iter().map(|run| run.length).sum();
        !self.is_spoilt && self.length == Some(came)
    }

    fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.first.time) > REASSEMBLY_AGE
    }

    /// The octets kept from the beginning on, up to the first that is missing.
    fn kept(&self) -> Vec<u8> {
        let mut kept = Vec::new();
        for run in &self.runs {
            if run.offset as usize != kept.len() {
                break;
            }
            kept.extend_from_slice(&run.kept);
        }
        kept
    }

    /// The protocol behind the extension headers at the start of the payload, and their octets:
    /// destination options may be cut apart with the rest (RFC 8200 section 4.5).
    fn carried(&self) -> (u8, usize) {
        let protocol = self.key.protocol;
        if !self.key.from.is_ipv6() || !ip::is_extension(protocol) {
            return (protocol, 0);
        }
        let kept = self.kept();
        let length = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        match ip::skip_extensions(protocol, Octets::new(&kept, length)) {
            Some((protocol, rest, None)) => (protocol, kept.len() - rest.kept.len()),
            _ => (protocol, 0),
        }
    }

    fn pieces(&self) -> u16 {
        u16::try_from(self.prints.len()).unwrap_or(u16::MAX)
    }

    fn into_whole(self, last: Seen) -> Whole {
        let (protocol, skipped) = self.carried();
        let mut payload = self.kept();
        payload.drain(..skipped.min(payload.len()));
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        let length = self.length.unwrap_or(0).saturating_sub(skipped);
        // The fragment header goes when the packet is put together (RFC 8200 section 4.5).
        let fragment_header = if self.key.from.is_ipv6() { 8 } else { 0 };
        let header_len = self.header_len.saturating_sub(fragment_header);
        Whole {
            stamp: last.stamp,
            time: last.time,
            path: self.path,
            ip: IpFacts {
                length: length.saturating_add(skipped).saturating_add(header_len),
                pieces: self.pieces(),
                ..self.ip
            },
            protocol,
            cut: payload.len() < length as usize,
            payload,
            length,
            frames: self.frames,
            largest: self.largest,
        }
    }

    fn into_incomplete(self) -> Incomplete {
        let has_head = self.runs.first().is_some_and(|run| run.offset == 0);
        let (protocol, skipped) = self.carried();
        let head = has_head.then(|| {
            let mut head = self.kept();
            head.drain(..skipped.min(head.len()));
            head.truncate(REASSEMBLY_HEAD);
            head.shrink_to_fit();
            head
        });
        Incomplete {
            stamp: self.first.stamp,
            time: self.first.time,
            last_stamp: self.last.stamp,
            last_time: self.last.time,
            path: self.path,
            protocol,
            pieces: self.pieces(),
            frames: self.frames,
            head,
            length: self
                .length
                .map(|length| length.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX))),
            largest: self.largest,
        }
    }
}

/// Whether a fragment can be a piece of any packet.
fn check(fragment: &Fragment<'_>) -> Result<(), Refusal> {
    let end = fragment.offset.checked_add(fragment.length);
    match end {
        _ if fragment.length == 0 => Err(Refusal::Empty),
        _ if fragment.more && !fragment.length.is_multiple_of(8) => Err(Refusal::Uneven),
        Some(0..=0xffff) => Ok(()),
        _ => Err(Refusal::TooFar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Encap;
    use crate::units::{Endpoint, Span};

    /// A packet's payload: no two of its octets in a row are alike.
    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 % 251) as u8).collect()
    }

    /// Cuts a payload at these offsets.
    fn pieces<'a>(payload: &'a [u8], cuts: &[usize]) -> Vec<Fragment<'a>> {
        let starts = [&[0], cuts].concat();
        let ends = [cuts, &[payload.len()]].concat();
        let piece = |(&start, &end): (&usize, &usize)| Fragment {
            identification: 7,
            protocol: 50,
            offset: start as u32,
            more: end < payload.len(),
            length: (end - start) as u32,
            bytes: &payload[start..end],
        };
        starts.iter().zip(&ends).map(piece).collect()
    }

    /// A reassembler that numbers its frames; one millisecond lies between two.
    #[derive(Default)]
    struct Wire {
        reassembler: Reassembler,
        v6: bool,
        frames: u64,
    }

    impl Wire {
        fn push(&mut self, fragment: &Fragment<'_>) -> Pushed {
            self.frames += 1;
            self.push_at(self.frames as i64, fragment)
        }

        fn push_at(&mut self, millis: i64, fragment: &Fragment<'_>) -> Pushed {
            let (address, headers) = match self.v6 {
                true => ("2001:db8::1", 48),
                false => ("192.0.2.1", 20),
            };
            let end = Endpoint {
                address: address.parse().unwrap(),
                port: None,
            };
            let time = Timestamp(Span::from_millis(millis).0);
            let stamp = Stamp {
                frame: FrameId {
                    input: 0,
                    number: self.frames,
                },
                time: Some(time),
                vantage: Vantage {
                    input: 0,
                    interface: 0,
                },
                station: None,
                wire_len: 0,
            };
            let path = Path {
                from: end,
                to: end,
                encap: Encap::default(),
            };
            let ip = IpFacts {
                ttl: if fragment.offset == 0 { 64 } else { 1 },
                length: fragment.length + headers,
                pieces: 1,
                ..IpFacts::default()
            };
            self.reassembler.push(stamp, time, path, ip, fragment)
        }

        /// Pushes pieces in turn and gives the wholes that come of them.
        fn wholes(&mut self, fragments: &[Fragment<'_>]) -> Vec<Whole> {
            let pushed = fragments.iter().map(|fragment| self.push(fragment));
            let whole = |pushed| match pushed {
                Pushed::Whole(whole) => Some(whole),
                Pushed::Kept => None,
                Pushed::Refused(refusal) => panic!("{refusal}"),
            };
            pushed
                .collect::<Vec<_>>()
                .into_iter()
                .filter_map(whole)
                .collect()
        }
    }

    /// Every order of the numbers below `count`.
    fn orders(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![vec![]];
        }
        let longer = |order: Vec<usize>| {
            (0..count).map(move |at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
        };
        orders(count - 1).into_iter().flat_map(longer).collect()
    }

    #[test]
    fn pieces_make_the_whole_in_any_order_and_however_often_they_come() {
        let payload = payload(100);
        let pieces = pieces(&payload, &[16, 24, 64]);
        for v6 in [false, true] {
            for order in orders(pieces.len()) {
                for repeated in 0..order.len() {
                    let mut wire = Wire {
                        v6,
                        ..Wire::default()
                    };
                    let mut turn = order.clone();
                    turn.insert(repeated, order[repeated]);
                    let turn: Vec<Fragment<'_>> = turn.iter().map(|&at| pieces[at]).collect();
                    let wholes = wire.wholes(&turn);
                    let [whole] = &wholes[..] else {
                        panic!("{order:?} {repeated}: {wholes:?}")
                    };
                    assert_eq!(whole.payload, payload, "{order:?}");
                    assert_eq!((whole.length, whole.cut), (100, false));
                    let headers = if v6 { 40 } else { 20 };
                    assert_eq!((whole.ip.length, whole.ip.ttl), (100 + headers, 64));
                    assert_eq!((whole.ip.pieces, whole.frames.len()), (4, 4));
                    assert_eq!(whole.largest, 40 + if v6 { 48 } else { 20 });
                    // A copy of the last piece is no loss.
                    assert!(wire.reassembler.finish().is_empty(), "{order:?} {repeated}");
                }
            }
        }
    }

    #[test]
    fn destination_options_in_the_payload_are_passed_over() {
        // ESP behind options that are padded (RFC 8200 sections 4.5 and 4.6).
        let payload = [&[50, 1, 1, 12][..], &[0; 12], &payload(84)].concat();
        let mut pieces = pieces(&payload, &[8, 40]);
        pieces.iter_mut().for_each(|piece| piece.protocol = 60);
        for v6 in [false, true] {
            let mut wire = Wire {
                v6,
                ..Wire::default()
            };
            let wholes = wire.wholes(&pieces);
            let [whole] = &wholes[..] else {
                panic!("{wholes:?}")
            };
            // In IPv4 the number means nothing.
            let (protocol, skipped) = if v6 { (50, 16) } else { (60, 0) };
            assert_eq!(whole.protocol, protocol);
            assert_eq!(whole.payload, payload[skipped..]);
            assert_eq!((whole.length as usize, whole.cut), (100 - skipped, false));
            assert_eq!(whole.ip.length, 100 + if v6 { 40 } else { 20 });
            wire.wholes(&pieces[..2]);
            let given_up = wire.reassembler.finish();
            assert_eq!(given_up.len(), 0, "a copy of what was put together");
            wire.push(&Fragment {
                identification: 8,
                ..pieces[0]
            });
            wire.push(&Fragment {
                identification: 8,
                ..pieces[1]
            });
            let given_up = wire.reassembler.finish();
            let head = given_up[0].head.as_deref();
            assert_eq!(given_up[0].protocol, protocol);
            assert_eq!(head, Some(&payload[skipped..40]));
        }
    }

    #[test]
    fn an_identification_used_again_makes_another_packet() {
        let (first, second) = (payload(64), [payload(64), payload(8)].concat());
        let mut wire = Wire::default();
        let all = [pieces(&first, &[32]), pieces(&second, &[32])].concat();
        let wholes = wire.wholes(&all);
        let lengths: Vec<u32> = wholes.iter().map(|whole| whole.length).collect();
        assert_eq!(lengths, [64, 72]);
    }

    #[test]
    fn what_is_missing_is_told_with_what_came() {
        let payload = payload(100);
        let pieces = pieces(&payload, &[40, 80]);
        for missing in 0..3 {
            let mut wire = Wire::default();
            for (at, piece) in pieces.iter().enumerate() {
                if at != missing {
                    wire.push(piece);
                }
            }
            let told = wire.reassembler.finish();
            let [lost] = &told[..] else {
                panic!("{told:?}")
            };
            let head = [None, Some(&payload[..40]), Some(&payload[..80])][missing];
            assert_eq!(lost.head.as_deref(), head);
            assert_eq!(lost.length, (missing != 2).then_some(100));
            assert_eq!((lost.pieces, lost.frames.len()), (2, 2));
        }
    }

    #[test]
    fn a_packet_recorded_twice_loses_nothing_but_one_of_other_octets_does() {
        let mut payload = payload(100);
        let mut wire = Wire::default();
        let [first, second] = pieces(&payload, &[48])[..] else {
            panic!()
        };
        assert_eq!(wire.wholes(&[first, first, second, second]).len(), 1);
        assert!(wire.reassembler.finish().is_empty());
        payload[50] ^= 1;
        wire.push(&pieces(&payload, &[48])[1]);
        assert_eq!(wire.reassembler.finish().len(), 1);
    }

    #[test]
    fn of_overlapping_pieces_the_first_wins_in_ipv4_and_ipv6_gives_up() {
        let (first, other) = (payload(48), vec![0xee; 48]);
        let begin = pieces(&first, &[24])[0];
        let overlapping = Fragment {
            offset: 16,
            more: false,
            length: 32,
            bytes: &other[16..],
            ..begin
        };
        let mut wire = Wire::default();
        let [whole] = &wire.wholes(&[begin, overlapping])[..] else {
            panic!()
        };
        assert_eq!(whole.payload, [&first[..24], &other[24..]].concat());

        let mut wire = Wire {
            v6: true,
            ..Wire::default()
        };
        wire.push(&begin);
        for piece in [overlapping, pieces(&first, &[24])[1]] {
            assert!(matches!(
                wire.push(&piece),
                Pushed::Refused(Refusal::Overlap)
            ));
        }
        assert_eq!(wire.reassembler.finish().len(), 1);
    }

    #[test]
    fn pieces_that_fit_no_packet_are_refused() {
        let payload = payload(64);
        let good = pieces(&payload, &[32])[0];
        let refused = [
            Fragment {
                length: 0,
                bytes: &[],
                ..good
            },
            Fragment { length: 31, ..good },
            Fragment {
                offset: 65528,
                ..good
            },
            Fragment {
                offset: u32::MAX,
                ..good
            },
        ]
        .map(|piece| match Wire::default().push(&piece) {
            Pushed::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        });
        assert_eq!(
            refused,
            [
                Refusal::Empty,
                Refusal::Uneven,
                Refusal::TooFar,
                Refusal::TooFar
            ]
        );
        // Two ends, and a piece beyond the end.
        let last = pieces(&payload, &[32])[1];
        for contrary in [
            Fragment { offset: 40, ..last },
            Fragment {
                offset: 64,
                more: true,
                ..last
            },
            Fragment {
                offset: 8,
                length: 16,
                ..last
            },
        ] {
            let mut wire = Wire::default();
            wire.push(&last);
            let pushed = wire.push(&contrary);
            assert!(
                matches!(pushed, Pushed::Refused(Refusal::Contradiction)),
                "{contrary:?} {pushed:?}"
            );
        }
    }

    #[test]
    fn a_cut_piece_leaves_what_comes_before_it() {
        let payload = payload(96);
        let mut pieces = pieces(&payload, &[32, 64]);
        pieces[1].bytes = &payload[32..40];
        for order in orders(3) {
            let mut wire = Wire::default();
            let turn: Vec<Fragment<'_>> = order.iter().map(|&at| pieces[at]).collect();
            let [whole] = &wire.wholes(&turn)[..] else {
                panic!()
            };
            assert_eq!((&whole.payload[..], whole.length), (&payload[..40], 96));
            assert!(whole.cut);
        }
    }

    #[test]
    fn a_piece_waits_no_longer_than_the_limit() {
        let payload = payload(64);
        let pieces = pieces(&payload, &[32]);
        let age = REASSEMBLY_AGE.0 / 1_000_000;
        let mut wire = Wire::default();
        wire.push_at(0, &pieces[0]);
        assert!(
            wire.reassembler
                .expire(Timestamp(REASSEMBLY_AGE.0))
                .is_empty()
        );
        assert_eq!(
            wire.reassembler
                .expire(Timestamp(REASSEMBLY_AGE.0 + 1))
                .len(),
            1
        );
        // It is not put together with one that comes too late, asked or not.
        wire.push_at(0, &pieces[0]);
        assert!(matches!(wire.push_at(age + 1, &pieces[1]), Pushed::Kept));
        assert_eq!(wire.reassembler.finish().len(), 2);
    }

    /// The piece that a flood sends in its turn.
    type Flood = fn(&[u8], u32) -> Fragment<'_>;

    #[test]
    fn floods_meet_limits_and_push_out_the_oldest_first() {
        let big = payload(60_000);
        let floods: [(usize, Flood); 2] = [
            (REASSEMBLY_TRAINS + 9, |big, turn| Fragment {
                identification: turn,
                ..pieces(big, &[8])[0]
            }),
            (REASSEMBLY_OCTETS / 50_000, |big, turn| Fragment {
                identification: turn,
                ..pieces(big, &[59_992])[0]
            }),
        ];
        for (count, flood) in floods {
            let mut wire = Wire::default();
            for turn in 0..count {
                wire.push(&flood(&big, turn as u32));
                assert!(wire.reassembler.trains.len() <= REASSEMBLY_TRAINS);
                assert!(wire.reassembler.octets <= REASSEMBLY_OCTETS);
            }
            let pushed_out = wire.reassembler.expire(Timestamp(0));
            assert!(!pushed_out.is_empty());
            let rest = wire.reassembler.finish();
            let frames: Vec<u64> = [pushed_out, rest]
                .iter()
                .flatten()
                .flat_map(|lost| lost.frames.iter().map(|frame| frame.number))
                .collect();
            assert_eq!(frames, (1..=count as u64).collect::<Vec<_>>());
            assert_eq!(wire.reassembler.octets, 0);
            assert!(wire.reassembler.begun.is_empty());
        }
    }

    #[test]
    fn a_packet_of_too_many_pieces_takes_no_more() {
        let payload = payload(8 * (REASSEMBLY_PIECES + 2));
        let cuts: Vec<usize> = (1..REASSEMBLY_PIECES + 2).map(|at| 8 * at).collect();
        let mut wire = Wire::default();
        let refused = pieces(&payload, &cuts)
            .iter()
            .filter(|piece| matches!(wire.push(piece), Pushed::Refused(Refusal::TooMany)))
            .count();
        assert_eq!(refused, 2);
        assert_eq!(wire.reassembler.finish()[0].frames.len(), REASSEMBLY_PIECES);
    }
}

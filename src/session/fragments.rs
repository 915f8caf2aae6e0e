//! IKE fragments and their sets: SKF (RFC 7383) and IKEv1 payload 132 ([MS-IKEE] section 2.2.3.1).
//!
//! A set is what one sender cuts one message into. A receiver of either version keeps the pieces by
//! their numbers until all are there; whatever comes again under a number is a copy.

use crate::limits;
use crate::net::Datagram;
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{FrameId, IkeSpis, Timestamp, Vantage};
use crate::wire::{Header, Message};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// How an IKE fragment stands to the others of its set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Its place in the set.
    pub place: Place,
    /// Its number, from 1.
    pub number: u16,
    /// How many the set has; IKEv1 tells it with the last only.
    pub total: Option<u16>,
    /// How many different ones of the set have come, this one included.
    pub seen: u16,
    /// If it completes the set: the frames that carry the set, in order.
    pub frames: Vec<FrameId>,
}

/// What an IKE fragment is to its set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The first of its number.
    New,
    /// The first of a set that takes the place of another: of more and smaller fragments (RFC 7383
    /// section 2.6), or of another message (IKEv1, whose senders use an ID again).
    Replaces,
    /// Its number has come before.
    Repeat,
    /// Of a set with fewer fragments than the one at hand; the receiver ignores it (RFC 7383
    /// section 2.6).
    Outdated,
    /// Its number is zero, or above the total.
    Impossible,
}

impl Place {
    /// In one word, for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Replaces => "replaces",
            Self::Repeat => "repeat",
            Self::Outdated => "outdated",
            Self::Impossible => "impossible",
        }
    }
}

/// As a line of text ends with it: `set complete`, `2 of 3 seen`, `seen before`.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Repeat => return f.write_str("seen before"),
            Place::Outdated => return f.write_str("of a set that was replaced"),
            Place::Impossible => return f.write_str("no such fragment"),
            Place::Replaces => f.write_str("begins a new set, ")?,
            Place::New => {}
        }
        match self.total {
            _ if self.completes() => f.write_str("set complete"),
            Some(total) => write!(f, "{} of {total} seen", self.seen),
            None => write!(f, "{} seen", self.seen),
        }
    }
}

impl Standing {
    /// Whether it completes its set.
    pub fn completes(&self) -> bool {
        !self.frames.is_empty()
    }
}

/// Which set a fragment belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Key {
    vantage: Vantage,
    from: IpAddr,
    to: IpAddr,
    spis: IkeSpis,
    exchange: ExchangeType,
    message_id: u32,
    /// IKEv2: the flags, which tell requests from responses.
    flags: Option<u8>,
    /// IKEv1: the Fragment ID.
    id: u16,
}

impl Key {
    /// The set of a fragment with this header and Fragment ID.
    pub(super) fn of(header: &Header, id: u16, datagram: &Datagram<'_>) -> Self {
        let two = header.version.major() != 1;
        Self {
            vantage: datagram.stamp.vantage,
            from: datagram.path.from.address,
            to: datagram.path.to.address,
            spis: header.spis,
            exchange: header.exchange,
            message_id: header.message_id,
            flags: two.then_some(header.flags.0),
            id,
        }
    }
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    number: u16,
    /// IKEv2: in each. IKEv1: in the last.
    total: Option<u16>,
    /// IKEv2: type of the first payload inside, in the first fragment.
    first: PayloadType,
    /// IKEv1: octets of the whole message. IKEv2: of its plaintext, if it was opened.
    octets: &'a [u8],
}

/// What all fragments of a set make.
#[derive(Debug)]
pub(super) struct Joined {
    /// IKEv2: type of the first payload.
    pub(super) first: PayloadType,
    /// As in [`Piece::octets`].
    pub(super) octets: Bytes,
}

impl<'a> Piece<'a> {
    /// The fragment that a message is, and its Fragment ID (zero in IKEv2). `text` is what was opened
    /// of it.
    pub(super) fn of(message: &Message<'a>, text: Option<&'a [u8]>) -> Option<(u16, Self)> {
        if let Some(fragment) = message.fragment_v1() {
            let number = u16::from(fragment.number);
            let piece = Self {
                number,
                total: fragment.last.then_some(number),
                first: PayloadType::NONE,
                octets: fragment.data,
            };
            return Some((fragment.id, piece));
        }
        let skf = message.skf()?;
        let piece = Self {
            number: skf.number,
            total: Some(skf.total),
            first: skf.first,
            octets: text.unwrap_or_default(),
        };
        Some((0, piece))
    }
}

/// Memory that a fragment takes besides its octets, about.
const PIECE_OCTETS: usize = 96;

/// The sets under way, and those that were completed lately.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// In order of their latest fragment.
    sets: Vec<Set>,
    octets: usize,
    lost: Lost,
}

/// What was given up.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Messages of which a fragment never came, of IKEv2 only those whose fragments were opened.
    pub(super) incomplete: u64,
    /// The frames that the first of them begin in.
    pub(super) frames: Vec<FrameId>,
    /// Sets that had to make room for others.
    pub(super) crowded: u64,
}

#[derive(Debug)]
struct Set {
    key: Key,
    pieces: BTreeMap<u16, Vec<u8>>,
    /// IKEv2: type of the first payload, as fragment 1 tells it.
    first: PayloadType,
    /// Memory of the pieces.
    octets: usize,
    total: Option<u16>,
    frames: Vec<FrameId>,
    last: Timestamp,
    complete: bool,
}

impl Set {
    fn new(key: Key, time: Timestamp) -> Self {
        Self {
            key,
            pieces: BTreeMap::new(),
            first: PayloadType::NONE,
            octets: 0,
            total: None,
            frames: Vec::new(),
            last: time,
            complete: false,
        }
    }

    fn is_v1(&self) -> bool {
        self.key.flags.is_none()
    }

    fn seen(&self) -> u16 {
        u16::try_from(self.pieces.len()).unwrap_or(u16::MAX)
    }

    /// What a fragment is to the set, before it is taken in.
    fn place(&self, piece: &Piece<'_>) -> Place {
        match (self.total, piece.total) {
            // IKEv2 tells the total in each.
            (Some(so_far), Some(total)) if !self.is_v1() && total > so_far => Place::Replaces,
            (Some(so_far), Some(total)) if !self.is_v1() && total < so_far => Place::Outdated,
            _ => match self.pieces.get(&piece.number) {
                // The receiver takes the number alone for a sign of a copy (RFC 7383 section 2.6).
                Some(known) if !self.is_v1() || known == piece.octets => Place::Repeat,
                Some(_) => Place::Replaces,
                None if self.is_v1() && !self.admits(piece) => Place::Replaces,
                None => Place::New,
            },
        }
    }

    /// IKEv1: whether a number fits to the last one, wherever it came.
    fn admits(&self, piece: &Piece<'_>) -> bool {
        let highest = self.pieces.keys().next_back().copied().unwrap_or(0);
        self.total.is_none_or(|total| piece.number < total)
            && piece.total.is_none_or(|total| highest < total)
    }
}

impl Sets {
    /// Takes a fragment. Returns how it stands, and what the set makes if it completes it.
    pub(super) fn push(
        &mut self,
        key: Key,
        piece: Piece<'_>,
        time: Timestamp,
        frames: &[FrameId],
    ) -> (Standing, Option<Joined>) {
        self.expire(time);
        let mut standing = Standing {
            place: Place::Impossible,
            number: piece.number,
            total: piece.total,
            seen: 0,
            frames: Vec::new(),
        };
        if piece.number == 0 || piece.total.is_some_and(|total| piece.number > total) {
            return (standing, None);
        }
        let known = self.sets.iter().position(|set| set.key == key);
        let mut set = match known {
            Some(place) => self.sets.remove(place),
            None => Set::new(key, time),
        };
        self.octets = self.octets.saturating_sub(set.octets);
        standing.place = set.place(&piece);
        if standing.place == Place::Replaces {
            if set.is_v1() {
                self.lost.note(&set);
            }
            set = Set::new(key, time);
        }
        let mut whole = None;
        if matches!(standing.place, Place::New | Place::Replaces) {
            set.total = piece.total.or(set.total);
            if piece.number == 1 {
                set.first = piece.first;
            }
            set.pieces.insert(piece.number, piece.octets.to_vec());
            set.octets += piece.octets.len() + PIECE_OCTETS;
            set.frames.extend(frames);
            if set.total == Some(set.seen()) && !set.complete {
                set.complete = true;
                set.frames.sort_unstable();
                set.frames.dedup();
                standing.frames = set.frames.clone();
                let pieces: Vec<&[u8]> = set.pieces.values().map(Vec::as_slice).collect();
                whole = Some(Joined {
                    first: set.first,
                    octets: Bytes::from(pieces.concat()),
                });
            }
        }
        set.last = time;
        standing.total = set.total;
        standing.seen = set.seen();
        self.octets = self.octets.saturating_add(set.octets);
        self.sets.push(set);
        self.make_room();
        (standing, whole)
    }

    /// Ends the story.
    pub(super) fn finish(mut self) -> Lost {
        for set in &self.sets {
            self.lost.note(set);
        }
        self.lost
    }

    /// Gives up what waited too long.
    fn expire(&mut self, now: Timestamp) {
        let Self { sets, octets, lost } = self;
        sets.retain(|set| {
            let keep = now.since(set.last) <= limits::IKE_FRAGMENT_AGE;
            if !keep {
                *octets = octets.saturating_sub(set.octets);
                lost.note(set);
            }
            keep
        });
    }

    /// Gives up those that no fragment came of for longest.
    fn make_room(&mut self) {
        while self.sets.len() > limits::IKE_FRAGMENT_SETS
            || self.octets > limits::IKE_FRAGMENT_OCTETS && !self.sets.is_empty()
        {
            let set = self.sets.remove(0);
            self.octets = self.octets.saturating_sub(set.octets);
            if !set.complete {
                self.lost.crowded += 1;
            }
        }
    }
}

impl Lost {
    /// Notes a set that nothing more is expected of.
    fn note(&mut self, set: &Set) {
        // What stays sealed is not read for want of a key, whatever came.
        let sealed = set.pieces.values().all(Vec::is_empty);
        if set.complete || sealed {
            return;
        }
        self.incomplete += 1;
        if self.frames.len() < limits::INCOMPLETE_FRAMES {
            self.frames.extend(set.frames.first());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{IkeSpi, Span};

    fn key(id: u16, flags: Option<u8>) -> Key {
        Key {
            vantage: Vantage {
                input: 0,
                interface: 0,
            },
            from: [192, 0, 2, 1].into(),
            to: [192, 0, 2, 2].into(),
            spis: IkeSpis {
                initiator: IkeSpi(1),
                responder: IkeSpi(2),
            },
            exchange: ExchangeType::IDENTITY_PROTECTION,
            message_id: 0,
            flags,
            id,
        }
    }

    fn frame(number: u64) -> FrameId {
        FrameId { input: 0, number }
    }

    /// Pushes pieces, a frame and a second each: what became of them, and what they made.
    fn told(key: Key, pieces: &[(u16, Option<u16>, &str)]) -> (Vec<String>, Vec<String>, Lost) {
        let mut sets = Sets::default();
        let (mut said, mut made) = (Vec::new(), Vec::new());
        for (at, (number, total, octets)) in (1..).zip(pieces) {
            let piece = Piece {
                number: *number,
                total: *total,
                first: PayloadType::NONE,
                octets: octets.as_bytes(),
            };
            let time = Timestamp(Span::from_secs(at).0);
            let frames = [frame(at.unsigned_abs())];
            let (standing, whole) = sets.push(key, piece, time, &frames);
            let frames: Vec<String> = standing.frames.iter().map(FrameId::to_string).collect();
            said.push(format!("{standing} {}", frames.join(" ")).trim().to_owned());
            made.extend(whole.map(|whole| String::from_utf8(whole.octets.to_vec()).unwrap()));
        }
        (said, made, sets.finish())
    }

    #[test]
    fn pieces_in_any_order_make_the_whole_once() {
        let v1 = key(1, None);
        let (said, made, lost) = told(
            v1,
            &[
                (3, Some(3), "c"),
                (1, None, "a"),
                (1, None, "a"),
                (2, None, "b"),
                (3, Some(3), "c"),
            ],
        );
        assert_eq!(
            said,
            [
                "1 of 3 seen",
                "2 of 3 seen",
                "seen before",
                "set complete 1 2 4",
                "seen before"
            ]
        );
        assert_eq!(made, ["abc"]);
        assert_eq!(lost.incomplete, 0);
    }

    #[test]
    fn an_id_that_is_used_again_begins_a_new_set() {
        let v1 = key(1, None);
        let (said, made, lost) = told(
            v1,
            &[
                (1, None, "a"),
                (2, Some(2), "b"),
                (1, None, "x"),
                (2, Some(2), "y"),
                (1, None, "lost"),
                (1, None, "p"),
                (2, None, "q"),
                (3, Some(3), "r"),
                // A number above the last one is of another message too.
                (4, None, "z"),
            ],
        );
        assert_eq!(said[2], "begins a new set, 1 seen");
        assert_eq!(said[5], "begins a new set, 1 seen");
        assert_eq!(said[8], "begins a new set, 1 seen");
        assert_eq!(made, ["ab", "xy", "pqr"]);
        assert_eq!(
            (lost.incomplete, lost.frames),
            (2, vec![frame(5), frame(9)])
        );
    }

    #[test]
    fn more_and_smaller_fragments_replace_fewer_and_never_the_other_way() {
        let v2 = key(0, Some(0x08));
        let (said, made, lost) = told(
            v2,
            &[
                (1, Some(2), ""),
                (1, Some(3), ""),
                (2, Some(2), ""),
                (2, Some(3), ""),
                (3, Some(3), ""),
                (0, Some(3), ""),
                (4, Some(3), ""),
            ],
        );
        assert_eq!(
            said,
            [
                "1 of 2 seen",
                "begins a new set, 1 of 3 seen",
                "of a set that was replaced",
                "2 of 3 seen",
                "set complete 2 4 5",
                "no such fragment",
                "no such fragment"
            ]
        );
        assert_eq!(made, [""]);
        assert_eq!(lost.incomplete, 0);
    }

    #[test]
    fn what_waits_too_long_or_takes_too_much_room_is_given_up_and_told() {
        let mut sets = Sets::default();
        let piece = Piece {
            number: 1,
            total: None,
            first: PayloadType::NONE,
            octets: b"a",
        };
        let crowd = u16::try_from(limits::IKE_FRAGMENT_SETS).unwrap() + 10;
        for id in 0..crowd {
            sets.push(key(id, None), piece, Timestamp(0), &[frame(1)]);
        }
        assert_eq!(sets.sets.len(), limits::IKE_FRAGMENT_SETS);
        let late = Timestamp(limits::IKE_FRAGMENT_AGE.0 + 1);
        let sealed = Piece {
            octets: &[],
            ..piece
        };
        sets.push(key(9, Some(0)), sealed, late, &[frame(2)]);
        assert_eq!(sets.sets.len(), 1);
        assert_eq!(sets.octets, PIECE_OCTETS);
        let lost = sets.finish();
        assert_eq!(lost.crowded, 10);
        assert_eq!(lost.incomplete, limits::IKE_FRAGMENT_SETS as u64);
        assert_eq!(lost.frames.len(), limits::INCOMPLETE_FRAMES);
    }
}

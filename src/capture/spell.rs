//! What tells, before files are read, which of them are one recording: when each begins and ends, and
//! the packets that it begins with.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::chunk::{Shared, walk};
use super::input::{Input, learn_context};
use super::octets::Octets;
use super::walk::Seam;
use crate::limits::{CAPTURE_FIRST_PACKETS, CAPTURE_FIRST_RECORDS, CAPTURE_READ_OCTETS};
use crate::units::{Span, Timestamp};

/// Octets at the end of a packet that tell it from others.
const TAIL: usize = 16;

/// Frames up to this size, in octets, may be announcements that are all alike, or end with padding.
const SHORT: usize = 60;

/// Frames of several queues are written a little out of order.
const OVERLAP: Span = Span::from_millis(100);

/// What is known of a file before it is read.
pub(super) struct Spell {
    /// Time of the first frame that has one, among the first frames.
    pub(super) first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// What the first packets end with: of ESP and encrypted IKE that is a checksum, which no other
    /// packet has, whatever stands before it on the way. Short and cut frames and those that end with
    /// padding tell nothing.
    packets: BTreeSet<[u8; TAIL]>,
    name: OsString,
}

impl Spell {
    /// What a file tells at little cost: of a compressed one its head alone, which is then used up, so
    /// that it must be opened anew to be read.
    pub(super) fn of(input: &mut Input) -> Self {
        let mut spell = Self {
            first: None,
            last: None,
            packets: BTreeSet::new(),
            name: input.place().file_name().unwrap_or_default().to_owned(),
        };
        let plain = !input.is_compressed_file();
        input.look(|shared, octets, seam| {
            spell.look_at_head(shared, octets, seam.clone());
            if plain {
                spell.last = last_in_tail(shared, octets, seam);
            }
        });
        spell
    }

    fn look_at_head(&mut self, shared: &Shared, octets: &mut dyn Octets, mut seam: Seam) {
        for number in 0..CAPTURE_FIRST_RECORDS {
            let compared = number < CAPTURE_FIRST_PACKETS;
            if !compared && self.first.is_some() {
                break;
            }
            let (from, limit) = (seam.offset, seam.offset.saturating_add(1));
            let walked = walk(shared, octets, Ok(seam), limit, |frame| {
                let whole = usize::try_from(frame.wire_len) == Ok(frame.bytes.len());
                if let Some(tail) = frame.bytes.last_chunk::<TAIL>()
                    && compared
                    && whole
                    && frame.bytes.len() > SHORT
                    && tail.windows(2).any(|pair| pair.first() != pair.last())
                {
                    self.packets.insert(*tail);
                }
            });
            self.first = self.first.or(walked.first);
            seam = walked.end;
            if walked.error.is_some() || seam.offset == from {
                break;
            }
            octets.pass(seam.offset);
        }
    }

    /// Whether all is known that decides if a recording goes on in other files.
    pub(super) fn is_whole(&self) -> bool {
        self.first.is_none() || self.last.is_some()
    }

    /// Finds when a file ends of which the tail does not tell that, as of a compressed or cut one: it is
    /// read, but no farther than to a frame that is so late that the recording does not go on in a file
    /// that begins at `next`.
    pub(super) fn read_to_end(&mut self, input: &mut Input, next: Timestamp) {
        input.look(|shared, octets, seam| {
            let mut seam = seam.clone();
            loop {
                let limit = seam.offset.saturating_add(CAPTURE_READ_OCTETS as u64);
                let walked = walk(shared, octets, Ok(seam), limit, |_| {});
                self.last = self.last.max(walked.last);
                let late = self.last.is_some_and(|last| last.since(next) > OVERLAP);
                if late || walked.error.is_some() || walked.end.offset < limit {
                    break;
                }
                seam = walked.end;
                octets.pass(seam.offset);
            }
        });
    }

    /// By how much this file runs on after `next` has begun; `None` if times are not known.
    pub(super) fn overlap(&self, next: &Self) -> Option<Span> {
        Some(self.last?.since(next.first?))
    }

    /// Whether the recording that this file belongs to may go on in `next`.
    fn goes_on_in(&self, next: &Self) -> bool {
        self.overlap(next).is_none_or(|overlap| overlap <= OVERLAP) && !self.begins_as(next)
    }

    /// Whether both begin with the same packets: at another time those are of another tap, whose
    /// clock is set differently. A request that is sent again across the change of files is the same a
    /// few times.
    pub(super) fn begins_as(&self, other: &Self) -> bool {
        /// Fewer may be one request in fragments.
        const FEW: usize = 6;
        let (one, other) = (&self.packets, &other.packets);
        let both = one.intersection(other).count();
        both >= FEW && both * 4 >= one.len().min(other.len()) * 3
    }

    /// How many octets the names of two files begin with alike: files of a rotated set are named
    /// alike.
    fn named_alike(&self, other: &Self) -> usize {
        let octets = |name: &OsString| name.as_encoded_bytes().to_vec();
        let (one, other) = (octets(&self.name), octets(&other.name));
        one.iter().zip(&other).take_while(|(a, b)| a == b).count()
    }
}

/// Time of the latest frame near the end of a plain file; `None` if that cannot be told.
fn last_in_tail(shared: &Shared, octets: &mut dyn Octets, seam: &Seam) -> Option<Timestamp> {
    learn_context(shared, octets, seam);
    let end = octets.extent(u64::MAX).ok()?;
    let tail = end.saturating_sub(CAPTURE_READ_OCTETS as u64);
    let start = match tail {
        0 => Ok(seam.clone()),
        _ => Err(tail.max(seam.offset)),
    };
    let walked = walk(shared, octets, start, end, |_| {});
    let sound = walked.end.offset == end && walked.problems.is_empty();
    walked.last.filter(|_| sound)
}

/// For each file, in order of time, the first of the recording that it is part of. Where it may go
/// on with several, its name decides.
pub(super) fn sets(spells: &[Spell]) -> Vec<usize> {
    let mut firsts: Vec<usize> = Vec::with_capacity(spells.len());
    // The latest file of each recording.
    let mut ends: Vec<usize> = Vec::new();
    for (place, spell) in spells.iter().enumerate() {
        let before = ends
            .iter_mut()
            .filter_map(|end| Some((spells.get(*end)?, end)))
            .filter(|(before, _)| before.goes_on_in(spell))
            .max_by_key(|(before, end)| (before.named_alike(spell), std::cmp::Reverse(**end)));
        match before {
            Some((_, end)) => {
                firsts.extend(firsts.get(*end).copied());
                *end = place;
            }
            None => {
                firsts.push(place);
                ends.push(place);
            }
        }
    }
    firsts
}

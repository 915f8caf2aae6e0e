//! The walk from record to record, over sound and damaged files alike.
//!
//! What a walk finds depends on the seam it starts from and on the file's octets alone, never on
//! how the file is cut or buffered: every decision asks for octets by offset, within bounds that
//! are counted in octets of the file.

use std::io;
use std::sync::Arc;

use super::error::ReadError;
use super::octets::Octets;
use super::order::ByteOrder;
use super::problems::Problems;
use super::window::Window;
use super::{Frame, LinkType, pcap, pcapng, snoop};
use crate::limits::{
    CAPTURE_CHAIN_HEADERS, CAPTURE_CHAIN_OCTETS, CAPTURE_INNER_CHAIN_HEADERS, CAPTURE_INTERFACES,
    CAPTURE_READ_OCTETS, CAPTURE_SEARCH_OCTETS, CAPTURE_SEARCH_STEPS,
    CAPTURE_SEARCH_STEPS_PER_OCTET,
};
use crate::say;
use crate::units::{FrameId, Span, Timestamp, Vantage};

/// The state between two records: where the next begins and what is needed to read on.
#[derive(Clone, Debug, PartialEq)]
pub struct Seam {
    /// Offset of the next record in the (uncompressed) input, in octets.
    pub offset: u64,
    /// Where damage began, if no record has been found after it yet.
    pub lost: Option<u64>,
    /// How to read the records from here on.
    pub context: Arc<Context>,
}

impl Seam {
    /// A seam that equals no true one: what a guess says that found nothing.
    pub(super) fn nowhere(context: Arc<Context>) -> Self {
        Self {
            offset: u64::MAX,
            lost: None,
            context,
        }
    }
}

/// How to read records: the file's header, or the state of a pcapng section.
#[derive(Clone, Debug, PartialEq)]
pub struct Context(pub(super) Layout);

/// A context by format.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layout {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Section),
    Snoop(snoop::Snoop),
}

/// What a walk found. Counts and times of walks in file order add up by [`Walked::append`].
#[derive(Debug)]
pub struct Walked {
    /// Where the walk began.
    pub start: Seam,
    /// Where it ended: the first record that begins after the chunk.
    pub end: Seam,
    /// Frames there are.
    pub frames: u64,
    /// Frames outside the window of time: what follows tells of the others alone.
    pub frames_outside: u64,
    /// Frames of which fewer octets were kept than were on the wire.
    pub frames_cut: u64,
    /// Earliest time of a frame.
    pub first: Option<Timestamp>,
    /// Latest time of a frame.
    pub last: Option<Timestamp>,
    /// Link types in order of first use.
    pub link_types: Vec<LinkType>,
    /// The largest snapshot length stated, in octets.
    pub snaplen: Option<u32>,
    /// Packets that the capturing system says it dropped.
    pub dropped: Dropped,
    /// What could not be read.
    pub problems: Problems,
    /// Why reading stopped before the chunk's end.
    pub error: Option<ReadError>,
}

impl Walked {
    /// Adds the walk of the chunk that follows, as one walk over both would have found it.
    pub fn append(&mut self, next: Self) {
        self.end = next.end;
        self.frames = self.frames.saturating_add(next.frames);
        self.frames_outside = self.frames_outside.saturating_add(next.frames_outside);
        self.frames_cut = self.frames_cut.saturating_add(next.frames_cut);
        self.first = self.first.into_iter().chain(next.first).min();
        self.last = self.last.max(next.last);
        for link in next.link_types {
            if !self.link_types.contains(&link) {
                self.link_types.push(link);
            }
        }
        self.snaplen = self.snaplen.max(next.snaplen);
        self.dropped.append(next.dropped);
        self.problems.append(next.problems);
        self.error = self.error.take().or(next.error);
    }
}

/// Packets that the capturing system says it dropped, of the first [`CAPTURE_INTERFACES`]
/// interfaces of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dropped {
    /// Latest statement of each interface: each counts from the start of the capture.
    stated: Vec<(u32, u64)>,
}

impl Dropped {
    /// All interfaces together; `None` if none says anything.
    pub fn total(&self) -> Option<u64> {
        let counts = self.stated.iter().map(|row| row.1);
        counts.reduce(u64::saturating_add)
    }

    pub(super) fn state(&mut self, interface: u32, count: u64) {
        if interface as usize >= CAPTURE_INTERFACES {
            return;
        }
        match self.stated.binary_search_by_key(&interface, |row| row.0) {
            Ok(at) => {
                if let Some(row) = self.stated.get_mut(at) {
                    row.1 = count;
                }
            }
            Err(at) => self.stated.insert(at, (interface, count)),
        }
    }

    fn append(&mut self, next: Self) {
        for (interface, count) in next.stated {
            self.state(interface, count);
        }
    }
}

/// What a record's header tells before the record is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Octets of the record, header included; never zero.
    pub(super) total: u32,
    /// Byte order of the record after this one.
    pub(super) order: ByteOrder,
    /// The record's time in seconds, where its header tells it.
    pub(super) seconds: Option<u32>,
}

/// A format as a walk sees it.
pub(super) trait Format {
    /// Octets of a record that are needed to judge whether it is one.
    const HEADER: usize;
    /// Whether a record proves itself by what stands at its end.
    const SEALED: bool;

    /// Byte order of the next record.
    fn order(&self) -> ByteOrder;

    /// The head of the record that begins with `octets`, unless that is impossible.
    fn possible(&self, octets: &[u8], order: ByteOrder) -> Option<Head>;

    /// As [`Format::possible`], but strict: for places that nothing but their octets speaks for.
    fn likely(&self, octets: &[u8], order: ByteOrder) -> Option<Head>;

    /// Whether the last four octets of a record agree with its head.
    fn closes(&self, head: &Head, end: &[u8; 4], order: ByteOrder) -> bool;

    /// Takes a whole record in.
    fn accept<V: FnMut(&Frame<'_>)>(&mut self, offset: u64, record: &[u8], sink: &mut Sink<V>);
}

/// Whence frames come, and how they are taken: what their octets do not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Number of the input.
    pub(super) input: u16,
    /// Number of the vantage set: rotated files share that of their first.
    pub(super) set: u16,
    /// Which of them are looked at.
    pub(super) window: Window,
    /// What is added to the time of each frame.
    pub(super) shift: Span,
}

impl Origin {
    /// An input that is a set of its own, by its own clock.
    pub(super) fn of(input: u16) -> Self {
        Self {
            input,
            set: input,
            window: Window::default(),
            shift: Span::default(),
        }
    }
}

/// Where a walk puts what it finds.
pub(super) struct Sink<V> {
    pub(super) visit: V,
    pub(super) origin: Origin,
    pub(super) frames: u64,
    pub(super) frames_outside: u64,
    pub(super) frames_cut: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) link_types: Vec<LinkType>,
    pub(super) snaplen: Option<u32>,
    pub(super) dropped: Dropped,
    pub(super) problems: Problems,
}

impl<V: FnMut(&Frame<'_>)> Sink<V> {
    pub(super) fn new(origin: Origin, visit: V) -> Self {
        Self {
            visit,
            origin,
            frames: 0,
            frames_outside: 0,
            frames_cut: 0,
            first: None,
            last: None,
            link_types: Vec::new(),
            snaplen: None,
            dropped: Dropped::default(),
            problems: Problems::default(),
        }
    }

    /// Counts a frame and, if it is in the window, shows it to the visitor. `time` is what its record says.
    #[inline(always)]
    pub(super) fn frame(
        &mut self,
        time: Option<Timestamp>,
        interface: u32,
        link: LinkType,
        wire_len: u32,
        bytes: &[u8],
    ) {
        self.frames += 1;
        if !self.origin.window.holds(time) {
            self.frames_outside += 1;
            return;
        }
        self.frames_cut += u64::from(bytes.len() < wire_len as usize);
        let time = time.map(|time| time.later(self.origin.shift));
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        if self.link_types.last() != Some(&link) {
            self.note_link(link);
        }
        (self.visit)(&Frame {
            id: FrameId {
                input: self.origin.input,
                number: self.frames,
            },
            time,
            vantage: Vantage {
                input: self.origin.set,
                interface,
            },
            link,
            wire_len,
            bytes,
        });
    }

    #[cold]
    fn note_link(&mut self, link: LinkType) {
        if !self.link_types.contains(&link) {
            self.link_types.push(link);
        }
    }
}

/// A walk under way.
pub(super) struct Walk<'a, F, V> {
    pub(super) format: &'a mut F,
    pub(super) octets: &'a mut dyn Octets,
    pub(super) sink: &'a mut Sink<V>,
    /// Where the next record begins.
    pub(super) offset: u64,
    /// Where damage began, if no record has been found after it yet.
    pub(super) lost: Option<u64>,
}

impl<F: Format, V: FnMut(&Frame<'_>)> Walk<'_, F, V> {
    /// Walks the records that begin before `limit`.
    pub(super) fn run(&mut self, limit: u64) -> io::Result<()> {
        while self.offset < limit {
            let more = match self.lost {
                Some(since) => self.find_again(since)?,
                None => self.stride(limit)? || self.step()?,
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Goes to the first place at or after `begin` that looks like a record's start; `false` if
    /// there is none near.
    pub(super) fn guess(&mut self, begin: u64) -> io::Result<bool> {
        let found = self.search(begin, begin.saturating_add(CAPTURE_SEARCH_OCTETS), None)?;
        self.offset = found.unwrap_or(begin);
        Ok(found.is_some())
    }

    /// The hot loop: sound records that lie whole in the buffer. `false` if there was none.
    #[inline]
    fn stride(&mut self, limit: u64) -> io::Result<bool> {
        let start = self.offset;
        let order = self.format.order();
        let view = self.octets.at(start, F::HEADER)?;
        let Some(mut head) = self.format.possible(view, order) else {
            return Ok(false);
        };
        if head.total as usize > CAPTURE_READ_OCTETS {
            // Too much to read before it is known to be a record.
            return Ok(false);
        }
        let want = (head.total as usize).saturating_add(F::HEADER);
        let mut rest = self.octets.at(start, want)?;
        let mut offset = start;
        while offset < limit {
            let Some((record, after)) = rest.split_at_checked(head.total as usize) else {
                break;
            };
            if F::SEALED {
                let order = self.format.order();
                let closed = record.last_chunk::<4>();
                if !closed.is_some_and(|end| self.format.closes(&head, end, order)) {
                    break;
                }
            }
            let Some(next) = self.format.possible(after, head.order) else {
                break;
            };
            self.format.accept(offset, record, self.sink);
            offset = offset.saturating_add(u64::from(head.total));
            rest = after;
            head = next;
        }
        self.offset = offset;
        Ok(offset != start)
    }

    /// One record that is the last, or not sound, or none. `false` at the end of the input.
    #[cold]
    fn step(&mut self) -> io::Result<bool> {
        let offset = self.offset;
        let order = self.format.order();
        let view = self.octets.at(offset, F::HEADER)?;
        if view.is_empty() {
            return Ok(false);
        }
        if view.len() < F::HEADER {
            let there = view.len() as u64;
            self.sink.problems.push(offset, there, || {
                say!(
                    "expected a record header of {expected} octets, {there} are there",
                    expected = F::HEADER,
                    there
                )
            });
            self.offset = offset.saturating_add(there);
            return Ok(true);
        }
        let Some(head) = self.format.possible(view, order) else {
            self.lost = Some(offset);
            return Ok(true);
        };

        let next = offset.saturating_add(u64::from(head.total));
        let ahead = self.octets.extent(next.saturating_add(F::HEADER as u64))?;
        let whole = ahead >= next;
        let follows = whole && self.follows(next, ahead, &head)?;
        let closed = whole && F::SEALED && self.closed(next, &head, order)?;
        let sound = if F::SEALED { closed } else { follows };
        if sound {
            return self.keep(offset, &head);
        }
        if F::SEALED && follows && (next == ahead || self.chain(next, head.order, None, &mut 0)?) {
            // The record after this one vouches for its length.
            let at = next.saturating_sub(4);
            self.sink.problems.push(at, 0, || {
                say!(
                    "expected the block's length {octets} repeated at its end",
                    octets = head.total
                )
            });
            return self.keep(offset, &head);
        }

        // Either its length is wrong or something strange follows. A chain of records that begins
        // inside this one tells which, if it leads out of it: one that does not is a capture
        // carried in the packet.
        let inside = self.search(offset.saturating_add(1), next.min(ahead), Some(next))?;
        match inside {
            Some(found) => {
                let skipped = found.saturating_sub(offset);
                self.sink.problems.push(offset, skipped, || {
                    say!(
                        "the record's length is damaged: it claims {claimed} octets, but the next record \
                         begins {skipped} octets on; the record is left out",
                        claimed = head.total,
                        skipped
                    )
                });
                self.offset = found;
                Ok(true)
            }
            None if whole && !F::SEALED => self.keep(offset, &head),
            None if whole => {
                self.lost = Some(offset);
                self.offset = next;
                Ok(true)
            }
            None => {
                let there = ahead.saturating_sub(offset);
                self.sink.problems.push(offset, there, || {
                    say!(
                        "cut short: a record of {promised} octets is promised, {there} are there",
                        promised = head.total,
                        there
                    )
                });
                self.offset = ahead;
                Ok(true)
            }
        }
    }

    /// Takes in the record at `offset`, which is whole.
    fn keep(&mut self, offset: u64, head: &Head) -> io::Result<bool> {
        let total = head.total as usize;
        let view = self.octets.at(offset, total)?;
        if let Some(record) = view.get(..total) {
            self.format.accept(offset, record, self.sink);
        }
        self.offset = offset.saturating_add(u64::from(head.total));
        Ok(true)
    }

    /// Whether the input ends at `next`, or too near to tell, or a header may stand there.
    fn follows(&mut self, next: u64, ahead: u64, head: &Head) -> io::Result<bool> {
        if ahead.saturating_sub(next) < F::HEADER as u64 {
            return Ok(true);
        }
        let mut header = [0; HEADER_MAX];
        let read = self
            .octets
            .peek(next, header.get_mut(..F::HEADER).unwrap_or_default())?;
        let header = header.get(..read).unwrap_or_default();
        Ok(self.format.possible(header, head.order).is_some())
    }

    /// Whether the record that ends at `next` closes as its head says.
    fn closed(&mut self, next: u64, head: &Head, order: ByteOrder) -> io::Result<bool> {
        let mut end = [0; 4];
        let read = self.octets.peek(next.saturating_sub(4), &mut end)?;
        Ok(read == end.len() && self.format.closes(head, &end, order))
    }

    /// Searches one piece further for a record after damage; `false` at the end of the input.
    #[cold]
    fn find_again(&mut self, since: u64) -> io::Result<bool> {
        let begin = self.offset;
        let until = self
            .octets
            .extent(begin.saturating_add(CAPTURE_SEARCH_OCTETS))?;
        let found = self.search(begin, until, None)?;
        self.offset = found.unwrap_or(until);
        let end = found.is_none() && self.octets.extent(until.saturating_add(1))? == until;
        if found.is_some() || end {
            let skipped = self.offset.saturating_sub(since);
            self.lost = None;
            self.sink.problems.push(since, skipped, || match found {
                Some(_) => say!(
                    "expected a record; the next one begins {skipped} octets on",
                    skipped
                ),
                None => say!(
                    "expected a record; none follows in the last {skipped} octets",
                    skipped
                ),
            });
        }
        Ok(!end)
    }

    /// The first place in `from..until` where a chain of likely records begins. A place inside a
    /// record that ends at `past` counts only if its chain leads beyond.
    fn search(&mut self, from: u64, until: u64, past: Option<u64>) -> io::Result<Option<u64>> {
        let order = self.format.order();
        let mut place = from;
        let mut steps = 0_u64;
        while place < until {
            let view = self.octets.at(place, F::HEADER)?;
            let room = usize::try_from(until.saturating_sub(place)).unwrap_or(usize::MAX);
            let view = view
                .get(..room.saturating_add(F::HEADER - 1))
                .unwrap_or(view);
            if view.len() < F::HEADER {
                return Ok(None);
            }
            let hit = view
                .windows(F::HEADER)
                .position(|header| self.format.likely(header, order).is_some());
            match hit {
                None => place = place.saturating_add((view.len() - F::HEADER + 1) as u64),
                Some(on) => {
                    place = place.saturating_add(on as u64);
                    if self.chain(place, order, past, &mut steps)? {
                        return Ok(Some(place));
                    }
                    place = place.saturating_add(1);
                    // Crafted octets could make every place begin a long chain: the work stays
                    // in proportion to the octets searched.
                    let passed = place.abs_diff(from);
                    if steps > CAPTURE_SEARCH_STEPS + CAPTURE_SEARCH_STEPS_PER_OCTET * passed {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether likely records follow one another from `place` on: enough of them, or up to the
    /// very end of the input.
    fn chain(
        &mut self,
        place: u64,
        order: ByteOrder,
        past: Option<u64>,
        steps: &mut u64,
    ) -> io::Result<bool> {
        let mut at = place;
        let mut order = order;
        let mut seconds = None;
        let mut count = 0_u32;
        loop {
            let mut header = [0; HEADER_MAX];
            let read = self
                .octets
                .peek(at, header.get_mut(..F::HEADER).unwrap_or_default())?;
            if read == 0 {
                return Ok(count > 0);
            }
            let header = header.get(..read).unwrap_or_default();
            let Some(head) = self.format.likely(header, order) else {
                return Ok(false);
            };
            if !near(seconds, head.seconds) {
                return Ok(false);
            }
            let next = at.saturating_add(u64::from(head.total));
            if self.octets.extent(next)? < next {
                // Cut short by the end of the input: the records before it must speak for it.
                return Ok(past.is_none() && count > 2);
            }
            if F::SEALED && !self.closed(next, &head, order)? {
                return Ok(false);
            }
            count += 1;
            *steps += 1;
            at = next;
            order = head.order;
            seconds = head.seconds.or(seconds);
            let out = past.is_none_or(|past| at > past);
            let enough = if out {
                CAPTURE_CHAIN_HEADERS
            } else {
                CAPTURE_INNER_CHAIN_HEADERS
            };
            if count >= enough || at.saturating_sub(place) > CAPTURE_CHAIN_OCTETS {
                return Ok(true);
            }
        }
    }
}

/// Octets of the longest header of a format.
const HEADER_MAX: usize = 24;

/// Whether two records may follow one another in time: within some weeks, either way.
fn near(before: Option<u32>, after: Option<u32>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before.abs_diff(after) < 1 << 22,
        _ => true,
    }
}

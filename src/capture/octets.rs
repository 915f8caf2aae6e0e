//! Octets of an input by offset, from a file, from memory or from a stream.

use std::fs::File;
use std::io::{self, Read};

use crate::limits::{CAPTURE_READ_OCTETS, CAPTURE_STREAM_OCTETS};

/// Random access to the octets of an input.
pub(super) trait Octets {
    /// What is at hand from `offset` on: at least `want` octets unless the input ends before.
    fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]>;

    /// Copies the octets at `offset` and says how many there are; does not move what is at hand.
    fn peek(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// The end of the input, or `upto` if that is nearer.
    fn extent(&mut self, upto: u64) -> io::Result<u64>;

    /// What is before `offset` is not asked for again: it need not be held any longer.
    fn pass(&mut self, _offset: u64) {}
}

/// Reusable private read buffer of a worker (256 KiB).
#[derive(Default)]
pub struct Scratch {
    buffer: Vec<u8>,
}

/// A file seen through a worker's buffer.
///
/// `read` into a private buffer, not `mmap`: faster for octets that are read once, and a file cut
/// short by another process is an early end, not a signal.
pub(super) struct FileOctets<'a> {
    file: &'a File,
    end: u64,
    buffer: &'a mut Vec<u8>,
    /// Where in the buffer octets are held, and how many.
    lead: usize,
    filled: usize,
    /// Offset of the first of them.
    base: u64,
}

impl<'a> FileOctets<'a> {
    pub(super) fn new(file: &'a File, end: u64, scratch: &'a mut Scratch) -> Self {
        Self {
            file,
            end,
            buffer: &mut scratch.buffer,
            lead: 0,
            filled: 0,
            base: 0,
        }
    }

    /// Where the file ends, as far as it was read.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Where `offset` lies in the buffer, if it does.
    fn held(&self, offset: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        let held = self.buffer.get(self.lead..self.lead + self.filled)?;
        held.get(start..)
    }
}

impl Octets for FileOctets<'_> {
    fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        if self
            .held(offset)
            .is_none_or(|held| held.len() < want.min(left))
        {
            let size = want.max(CAPTURE_READ_OCTETS).min(left);
            if self.buffer.len() < size + NEAR {
                self.buffer.resize(size + NEAR, 0);
            }
            self.base = offset;
            self.filled = 0;
            self.lead = lead(self.buffer, offset);
            let room = self.buffer.get_mut(self.lead..self.lead + size);
            let room = room.unwrap_or_default();
            self.filled = read_fully(self.file, offset, room)?;
            if self.filled < size {
                // The file has shrunk since it was opened.
                self.end = offset.saturating_add(self.filled as u64);
            }
        }
        Ok(self.held(offset).unwrap_or_default())
    }

    fn peek(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let want = into.len().min(left);
        let into = into.get_mut(..want).unwrap_or_default();
        match self.held(offset).and_then(|held| held.get(..want)) {
            Some(held) => into.copy_from_slice(held),
            None => return read_fully(self.file, offset, into),
        }
        Ok(want)
    }

    fn extent(&mut self, upto: u64) -> io::Result<u64> {
        Ok(self.end.min(upto))
    }
}

/// A target that begins so few octets behind its source, counted within a page, is near.
const NEAR: usize = 64;

/// Where in a buffer to read octets of a file to, so that the target is not [`NEAR`] the source in the
/// page cache, which holds the file page by page: Linux copies with `rep movsb`, and that goes at a
/// quarter of its speed there on AMD's Zen 3 and 4.
fn lead(buffer: &[u8], offset: u64) -> usize {
    const PAGE: u64 = 4096;
    let target = buffer.as_ptr().addr() as u64;
    let behind = usize::try_from(target.wrapping_sub(offset) % PAGE).unwrap_or(0);
    NEAR.saturating_sub(behind)
}

/// Reads until `into` is full or the file ends, and says how many octets there were.
fn read_fully(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
        match read_at(file, room, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, offset)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, offset)
}

/// A piece of a stream that was read before, with all the look-ahead its records need.
pub(super) struct HeldOctets<'a> {
    /// Offset of the first octet.
    pub(super) base: u64,
    pub(super) octets: &'a [u8],
}

impl HeldOctets<'_> {
    fn from(&self, offset: u64) -> &[u8] {
        let start = offset
            .checked_sub(self.base)
            .and_then(|start| usize::try_from(start).ok());
        start
            .and_then(|start| self.octets.get(start..))
            .unwrap_or_default()
    }
}

impl Octets for HeldOctets<'_> {
    fn at(&mut self, offset: u64, _want: usize) -> io::Result<&[u8]> {
        Ok(self.from(offset))
    }

    fn peek(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        Ok(copy(self.from(offset), into))
    }

    fn extent(&mut self, upto: u64) -> io::Result<u64> {
        Ok(self.base.saturating_add(self.octets.len() as u64).min(upto))
    }
}

/// A stream whose octets are kept until they are taken away.
pub(super) struct StreamOctets {
    reader: Box<dyn Read + Send>,
    /// Offset of the buffer's first octet.
    base: u64,
    /// What is held, and room for more.
    buffer: Vec<u8>,
    /// Octets of the buffer that are filled.
    filled: usize,
    /// Why the reader gives no more.
    ended: Option<Ended>,
}

/// How a stream ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// At its end.
    Whole,
    /// By an error.
    Broken(io::Error),
}

impl StreamOctets {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader,
            base: 0,
            buffer: Vec::new(),
            filled: 0,
            ended: None,
        }
    }

    /// How the stream ended, if it did.
    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// The error that ended the stream, once.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        match self.ended.replace(Ended::Whole)? {
            Ended::Broken(error) => Some(error),
            Ended::Whole => None,
        }
    }

    /// Offset after the last octet read.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(self.filled as u64)
    }

    /// Hands over what is held, with its offset, and goes on holding what is at and after `keep`.
    pub(super) fn take(&mut self, keep: u64) -> (u64, Vec<u8>) {
        let (base, filled) = (self.base, self.filled);
        let tail = self.held(keep).to_vec();
        self.base = self.end().saturating_sub(tail.len() as u64);
        self.filled = tail.len();
        let mut taken = std::mem::replace(&mut self.buffer, tail);
        taken.truncate(filled);
        (base, taken)
    }

    fn held(&self, offset: u64) -> &[u8] {
        let start = offset
            .checked_sub(self.base)
            .and_then(|start| usize::try_from(start).ok());
        start
            .and_then(|start| self.buffer.get(start..self.filled))
            .unwrap_or_default()
    }

    /// Reads on until the octet before `upto` is held or the stream ends. Never asks for more once
    /// enough is there: a slow pipe is not waited for.
    fn fill(&mut self, upto: u64) {
        while self.ended.is_none() && self.end() < upto {
            // Room is made when there is none: a pipe gives less than is asked for.
            if self.filled == self.buffer.len() {
                let more = self.filled.saturating_add(CAPTURE_STREAM_OCTETS);
                self.buffer.resize(more, 0);
            }
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = Some(Ended::Whole),
                Ok(read) => self.filled = self.filled.saturating_add(read).min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.ended = Some(Ended::Broken(error)),
            }
        }
    }
}

impl Octets for StreamOctets {
    fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        self.fill(offset.saturating_add(want as u64));
        Ok(self.held(offset))
    }

    fn peek(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.fill(offset.saturating_add(into.len() as u64));
        Ok(copy(self.held(offset), into))
    }

    fn extent(&mut self, upto: u64) -> io::Result<u64> {
        self.fill(upto);
        Ok(self.end().min(upto))
    }

    fn pass(&mut self, offset: u64) {
        let _passed = self.take(offset);
    }
}

/// Copies as much as fits.
fn copy(from: &[u8], into: &mut [u8]) -> usize {
    let count = from.len().min(into.len());
    for (to, octet) in into.iter_mut().zip(from) {
        *to = *octet;
    }
    count
}

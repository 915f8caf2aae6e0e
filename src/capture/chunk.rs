//! Cuts an input into chunks that are walked apart from one another.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::language::Text;
use crate::say;

use super::Frame;
use super::ahead::{Ahead, Stopper};
use super::error::ReadError;
use super::octets::{Ended, FileOctets, HeldOctets, Octets, Scratch, StreamOctets};
use super::problems::Problems;
use super::walk::{Context, Format, Layout, Origin, Seam, Sink, Walk, Walked};

/// What all chunks of an input share.
pub(super) struct Shared {
    pub(super) path: String,
    pub(super) origin: Origin,
    /// The latest context known to be true: what a guess takes for its own.
    pub(super) hint: Mutex<Arc<Context>>,
}

impl Shared {
    pub(super) fn new(path: String, origin: Origin, seam: &Seam) -> Self {
        Self {
            path,
            origin,
            hint: Mutex::new(Arc::clone(&seam.context)),
        }
    }

    fn hint(&self) -> Arc<Context> {
        Arc::clone(&self.hint.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_hint(&self, context: &Arc<Context>) {
        let mut hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&hint, context) {
            *hint = Arc::clone(context);
        }
    }

    fn error(&self, offset: u64, source: io::Error) -> ReadError {
        ReadError {
            path: self.path.clone(),
            offset,
            source,
        }
    }
}

/// Gives chunks in file order. One thread at a time asks; the chunks are walked by others.
pub struct Chunks {
    pub(super) supply: Supply,
}

/// Where chunks come from.
pub(super) enum Supply {
    /// A file, which is read by those who walk the chunks.
    File(FileCutter),
    /// Nothing: the file could not be opened again, or there is no thread for it.
    Failed(Option<ReadError>),
    /// A stream, which is read, decompressed and cut on a thread of its own.
    Stream(Ahead<Result<Chunk, ReadError>>),
}

impl Chunks {
    /// The next chunk; `None` after the last.
    #[expect(
        clippy::should_implement_trait,
        reason = "a chunk or an error, not to be collected"
    )]
    pub fn next(&mut self) -> Option<Result<Chunk, ReadError>> {
        match &mut self.supply {
            Supply::Failed(error) => error.take().map(Err),
            Supply::File(file) => file.next().map(Ok),
            Supply::Stream(ahead) => ahead.next(),
        }
    }

    /// Sets the octets of the chunks of a file that are still to come. A stream, which is cut ahead,
    /// keeps to what it was asked for first.
    pub fn resize(&mut self, size: usize) {
        if let Supply::File(file) = &mut self.supply {
            file.size = size.max(1) as u64;
        }
    }

    /// What stops it from another thread, so that nobody waits for a pipe whose octets are not
    /// wanted any more. A file, which is never waited for, is not stopped by it.
    pub fn stopper(&self) -> Stopper {
        match &self.supply {
            Supply::Stream(ahead) => ahead.stopper(),
            Supply::File(_) | Supply::Failed(_) => Stopper::default(),
        }
    }
}

/// Cuts a file at every `size` octets, without looking at them.
pub(super) struct FileCutter {
    pub(super) shared: Arc<Shared>,
    /// Where the first record begins.
    pub(super) first: Seam,
    pub(super) size: u64,
    pub(super) file: Arc<File>,
    /// Where the next chunk begins.
    pub(super) next: u64,
    /// Octets of the file.
    pub(super) end: u64,
}

impl FileCutter {
    fn next(&mut self) -> Option<Chunk> {
        let begin = self.next;
        if begin >= self.end {
            return None;
        }
        self.next = begin.saturating_add(self.size).min(self.end);
        Some(Chunk {
            shared: Arc::clone(&self.shared),
            start: (begin == 0).then(|| self.first.clone()),
            body: Body::File {
                file: Arc::clone(&self.file),
                begin,
                end: self.end,
            },
            limit: self.next,
            told: Problems::default(),
        })
    }
}

/// Cuts a stream at the first record after every `size` octets.
pub(super) struct StreamCutter {
    pub(super) shared: Arc<Shared>,
    /// Where the next chunk begins.
    pub(super) seam: Seam,
    pub(super) size: u64,
    pub(super) stream: StreamOctets,
    /// What the stream is compressed by.
    pub(super) packing: Option<&'static str>,
    pub(super) done: bool,
}

impl StreamCutter {
    /// The next chunk; `None` after the last.
    pub(super) fn next(&mut self) -> Option<Result<Chunk, ReadError>> {
        if self.done {
            let source = self.stream.take_error()?;
            return Some(Err(self.shared.error(self.seam.offset, source)));
        }
        let start = self.seam.clone();
        let limit = start.offset.saturating_add(self.size);
        // The records are walked here to know where the chunk ends; the visitor's work is left to
        // the one who walks the chunk.
        let stream = &mut self.stream;
        let walked = walk(&self.shared, stream, Ok(start.clone()), limit, |_| {});
        let mut told = Problems::default();
        if stream.ended().is_some() && walked.end.offset >= stream.end() {
            self.done = true;
            tell_broken_packing(stream, self.packing, &mut told);
        }
        self.seam = walked.end;
        let (base, octets) = stream.take(self.seam.offset);
        Some(Ok(Chunk {
            shared: Arc::clone(&self.shared),
            start: Some(start),
            body: Body::Held { base, octets },
            limit,
            told,
        }))
    }
}

/// An error that the decompressor made, not the system, is a damaged file: what was read counts.
fn tell_broken_packing(
    stream: &mut StreamOctets,
    packing: Option<&'static str>,
    told: &mut Problems,
) {
    let Some(packing) = packing else { return };
    let Some(Ended::Broken(error)) = stream.ended() else {
        return;
    };
    if error.raw_os_error().is_none() {
        let said = error.to_string();
        let _told = stream.take_error();
        told.push(stream.end(), 0, || {
            say!(
                "the {packing} data ends or breaks here ({error}), expected its regular end",
                packing = Text::verbatim(packing),
                error = Text::verbatim(said)
            )
        });
    }
}

/// A piece of an input that one worker walks.
pub struct Chunk {
    shared: Arc<Shared>,
    /// Where the first record begins, if that is known.
    start: Option<Seam>,
    body: Body,
    /// Records that begin here or later belong to other chunks.
    limit: u64,
    /// Problems found while the chunk was made; they come after those of the walk.
    told: Problems,
}

enum Body {
    File {
        file: Arc<File>,
        begin: u64,
        end: u64,
    },
    Held {
        base: u64,
        octets: Vec<u8>,
    },
}

impl Chunk {
    /// Walks the records that begin in this chunk, calling `visit` for each frame.
    ///
    /// `from` is the true seam where the chunk before ended; without it the chunk knows its start
    /// or guesses it. A guess is right only if the walk's start equals the end of the chunk before.
    /// What is found depends on the start and the file's octets alone.
    pub fn walk<V: FnMut(&Frame<'_>)>(
        &self,
        scratch: &mut Scratch,
        from: Option<&Seam>,
        visit: V,
    ) -> Walked {
        let known = from.or(self.start.as_ref()).cloned();
        let mut walked = match &self.body {
            Body::File { file, begin, end } => {
                let start = known.ok_or(*begin);
                let mut octets = FileOctets::new(file, *end, scratch);
                let mut walked = walk(&self.shared, &mut octets, start, self.limit, visit);
                let now = octets.end();
                // What was cut in the midst of a record is told as that.
                if now < *end && (*begin..self.limit).contains(&now) && walked.end.offset == now {
                    walked.problems.push(now, 0, || {
                        say!(
                            "the file ends here, and had {octets} octets when it was opened",
                            octets = end
                        )
                    });
                }
                walked
            }
            Body::Held { base, octets } => {
                let start = known.ok_or(*base);
                let mut octets = HeldOctets {
                    base: *base,
                    octets,
                };
                walk(&self.shared, &mut octets, start, self.limit, visit)
            }
        };
        walked.problems.append(self.told.clone());
        walked
    }
}

/// Walks from a true seam, or from where a record seems to begin at or after an offset.
pub(super) fn walk<V: FnMut(&Frame<'_>)>(
    shared: &Shared,
    octets: &mut dyn Octets,
    start: Result<Seam, u64>,
    limit: u64,
    visit: V,
) -> Walked {
    let context = match &start {
        Ok(seam) => Arc::clone(&seam.context),
        Err(_) => shared.hint(),
    };
    let known = start.is_ok();
    let sink = Sink::new(shared.origin, visit);
    let run = Run {
        shared,
        octets,
        start,
        limit,
        context: Arc::clone(&context),
    };
    let walked = match context.0.clone() {
        Layout::Pcap(mut pcap) => {
            let mut sink = sink;
            sink.snaplen = pcap.snaplen();
            sink.link_types.push(pcap.link());
            run.with(&mut pcap, sink, |_| None)
        }
        Layout::Snoop(mut snoop) => {
            let mut sink = sink;
            sink.link_types.push(snoop.link());
            run.with(&mut snoop, sink, |_| None)
        }
        Layout::Pcapng(mut section) => {
            let mut sink = sink;
            sink.snaplen = section.snaplen();
            run.with(&mut section, sink, |section| {
                std::mem::take(&mut section.changed)
                    .then(|| Arc::new(Context(Layout::Pcapng(section.clone()))))
            })
        }
    };
    if known {
        shared.set_hint(&walked.end.context);
    }
    walked
}

/// The arguments of a walk before its format is known.
struct Run<'a> {
    shared: &'a Shared,
    octets: &'a mut dyn Octets,
    start: Result<Seam, u64>,
    limit: u64,
    context: Arc<Context>,
}

impl Run<'_> {
    /// Walks with a format; `changed` gives the context after the walk if it is another.
    fn with<F: Format, V: FnMut(&Frame<'_>)>(
        self,
        format: &mut F,
        mut sink: Sink<V>,
        changed: impl FnOnce(&mut F) -> Option<Arc<Context>>,
    ) -> Walked {
        let mut walk = Walk {
            format,
            octets: self.octets,
            sink: &mut sink,
            offset: 0,
            lost: None,
        };
        let mut result = Ok(());
        let start = match self.start {
            Ok(seam) => {
                walk.offset = seam.offset;
                walk.lost = seam.lost;
                seam
            }
            Err(begin) => {
                let context = Arc::clone(&self.context);
                match walk.guess(begin) {
                    Ok(true) => Seam {
                        offset: walk.offset,
                        lost: None,
                        context,
                    },
                    Ok(false) => Seam::nowhere(context),
                    Err(error) => {
                        result = Err(error);
                        Seam::nowhere(context)
                    }
                }
            }
        };
        if result.is_ok() && start.offset != u64::MAX {
            result = walk.run(self.limit);
        }
        let (offset, lost) = match start.offset {
            u64::MAX => (u64::MAX, None),
            _ => (walk.offset, walk.lost),
        };
        let context = changed(walk.format).unwrap_or(self.context);
        let error = result.err().map(|source| self.shared.error(offset, source));
        let Sink {
            frames,
            frames_outside,
            frames_cut,
            first,
            last,
            link_types,
            snaplen,
            dropped,
            problems,
            ..
        } = sink;
        Walked {
            start,
            end: Seam {
                offset,
                lost,
                context,
            },
            frames,
            frames_outside,
            frames_cut,
            first,
            last,
            link_types,
            snaplen,
            dropped,
            problems,
            error,
        }
    }
}

//! Opens an input: a file, a pipe; known by content, not by name.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ahead::Ahead;
use super::chunk::{Chunks, FileCutter, Shared, StreamCutter, Supply, walk};
use super::error::{OpenError, ReadError};
use super::octets::{FileOctets, Octets, Scratch, StreamOctets};
use super::pcap::Pcap;
use super::pcapng::Section;
use super::pipe::{Interrupt, Pipe};
use super::snoop::{self, Snoop};
use super::walk::{Context, Format, Layout, Origin, Seam};
use super::window::Window;
use crate::limits::{
    CAPTURE_CHAIN_HEADERS, CAPTURE_CONTEXT_OCTETS, CHUNKS_AHEAD, CHUNKS_OF_FILE,
    LIMITED_CHUNK_OCTETS, STREAM_CHUNK_OCTETS, ZSTD_WINDOW_LOG,
};
use crate::units::Span;

/// One opened input: a file, or standard input.
pub struct Input {
    /// The path as given, which need not be text.
    place: PathBuf,
    path: String,
    origin: Origin,
    format: String,
    size: Option<u64>,
    source: Source,
    /// What ends it, if it is a pipe that can be ended.
    interrupt: Option<Interrupt>,
}

enum Source {
    File {
        file: Arc<File>,
        end: u64,
        /// Before its first record.
        seam: Seam,
    },
    Stream {
        stream: StreamOctets,
        packing: Option<&'static str>,
        pipe: bool,
        /// Before its first record.
        seam: Seam,
    },
    /// A file that is opened again when its turn comes: a folder may hold more captures than a
    /// process may hold open files, and of compressed ones each has a window in memory.
    Parked {
        compressed: bool,
        /// See [`ZSTD_WINDOW_LOG`].
        window_log: u32,
    },
    /// Nothing: it cannot be read, and is told among those that can.
    Refused(Arc<OpenError>),
}

/// Octets that tell a format.
const HEAD: usize = 64;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// What the path of standard input is.
const STANDARD_INPUT: &str = "-";

impl Input {
    /// Opens a path (or `-`) as input number `index`; reads its head to know the format by content.
    ///
    /// # Errors
    /// It cannot be opened, or is no capture of a format that is read.
    pub fn open(path: &Path, index: u16) -> Result<Self, OpenError> {
        Self::open_within(path, index, ZSTD_WINDOW_LOG)
    }

    pub(super) fn open_within(path: &Path, index: u16, window_log: u32) -> Result<Self, OpenError> {
        let name = path.display().to_string();
        if name == STANDARD_INPUT {
            return Self::from_standard_input(name, index, window_log);
        }
        let mut file = File::open(path).map_err(|error| OpenError::io(&name, error))?;
        let about = file
            .metadata()
            .map_err(|error| OpenError::io(&name, error))?;
        if about.is_dir() {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(OpenError::Io { path: name, source });
        }
        if !about.is_file() {
            return Self::from_stream(name, index, Box::new(file), true, window_log);
        }
        let size = about.len();
        let mut scratch = Scratch::default();
        let mut octets = FileOctets::new(&file, size, &mut scratch);
        let mut head = [0; HEAD];
        let read = octets
            .peek(0, &mut head)
            .map_err(|error| OpenError::io(&name, error))?;
        let head = head.get(..read).unwrap_or_default();
        if head.starts_with(GZIP) || head.starts_with(ZSTD) {
            // Reading at an offset moves the file's own position on some systems.
            file.rewind().map_err(|error| OpenError::io(&name, error))?;
            let mut input = Self::from_stream(name, index, Box::new(file), false, window_log)?;
            input.size = Some(size);
            input.place = path.to_owned();
            return Ok(input);
        }
        let (format, seam) = recognise(&name, head)?;
        let mut input = Self {
            place: path.to_owned(),
            path: name,
            origin: Origin::of(index),
            format: format.to_owned(),
            size: Some(size),
            source: Source::File {
                file: Arc::new(file),
                end: size,
                seam,
            },
            interrupt: None,
        };
        input.settle_variant()?;
        Ok(input)
    }

    /// Reads a capture from wherever it comes as input number `index`, under this name: a socket, a
    /// file in an archive, octets in memory. Waits until there is a file header.
    ///
    /// # Errors
    /// What the reader says, and octets that are no capture of a format that is read.
    pub fn from_reader(
        name: &str,
        index: u16,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, OpenError> {
        let name = name.to_owned();
        Self::from_stream(name, index, Box::new(reader), true, ZSTD_WINDOW_LOG)
    }

    /// One that cannot be read, which holds the place of what was named.
    pub(super) fn refused(path: &Path, error: OpenError) -> Self {
        Self {
            place: path.to_owned(),
            path: path.display().to_string(),
            origin: Origin::of(0),
            format: "unknown".to_owned(),
            size: None,
            source: Source::Refused(Arc::new(error)),
            interrupt: None,
        }
    }

    /// Why nothing of it can be read; `None` of an input that was opened.
    pub fn refusal(&self) -> Option<&OpenError> {
        match &self.source {
            Source::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// What ends it while it is read, from another thread; `None` but for standard input that comes from
    /// a program.
    pub fn interrupt(&self) -> Option<Interrupt> {
        self.interrupt.clone()
    }

    /// What [`Input::refusal`] tells, of one that is not to be read.
    pub(super) fn into_refusal(self) -> Option<OpenError> {
        match self.source {
            Source::Refused(error) => Arc::into_inner(error),
            _ => None,
        }
    }

    /// Its path as given; `-` for standard input.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its format, such as `pcap`, `pcapng`, `snoop`, `pcap (gzip)`; `unknown` if it cannot be read.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Octets of the file as it lies there, compressed or not; `None` for a pipe.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Number of the vantage set: rotated files share that of their first.
    pub fn set(&self) -> u16 {
        self.origin.set
    }

    /// The same to be read once more, which is opened when its turn comes; `None` if its octets come but once, as those
    /// of a pipe do. `window_log` as for [`ZSTD_WINDOW_LOG`].
    pub(crate) fn again(&self, window_log: u32) -> Option<Self> {
        let source = match &self.source {
            Source::Stream { pipe: true, .. } => return None,
            Source::Refused(error) => Source::Refused(Arc::clone(error)),
            Source::Parked {
                compressed,
                window_log,
            } => Source::Parked {
                compressed: *compressed,
                window_log: *window_log,
            },
            Source::File { .. } | Source::Stream { .. } => Source::Parked {
                compressed: self.is_compressed_file(),
                window_log,
            },
        };
        Some(Self {
            place: self.place.clone(),
            path: self.path.clone(),
            origin: self.origin,
            format: self.format.clone(),
            size: self.size,
            source,
            interrupt: None,
        })
    }

    /// What is added to the time of each of its frames.
    pub(crate) fn shift(&self) -> Span {
        self.origin.shift
    }

    /// Adds so much to the time of each of its frames, as if its clock had stood so.
    pub(crate) fn shift_times(&mut self, by: Span) {
        self.origin.shift = by;
    }

    /// Passes over the frames outside a window of time.
    pub(crate) fn look_at(&mut self, window: Window) {
        self.origin.window = window;
    }

    /// Octets of its chunks, which are `most` at most: fewer where the file is so small that there would
    /// be little for each thread, or where it is read ahead and so each chunk lies in memory.
    pub(crate) fn chunk_octets(&self, most: usize) -> usize {
        if let Source::Stream { .. }
        | Source::Parked {
            compressed: true, ..
        } = self.source
        {
            return most.min(STREAM_CHUNK_OCTETS);
        }
        let part = self.size.unwrap_or_default() / CHUNKS_OF_FILE;
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        part.max(LIMITED_CHUNK_OCTETS).min(most)
    }

    /// Cuts the input into chunks of about `size` octets.
    #[doc(hidden)]
    pub fn chunks(self, size: usize) -> Chunks {
        let (path, origin) = (self.path.clone(), self.origin);
        let shared = |seam: &Seam| Arc::new(Shared::new(path, origin, seam));
        let octets = size.max(1) as u64;
        let failed = |path, source| {
            Supply::Failed(Some(ReadError {
                path,
                offset: 0,
                source,
            }))
        };
        let supply = match self.source {
            Source::File { file, end, seam } => {
                let shared = shared(&seam);
                // Guesses take the interfaces described at the head for their own.
                learn_context(
                    &shared,
                    &mut FileOctets::new(&file, end, &mut Scratch::default()),
                    &seam,
                );
                Supply::File(FileCutter {
                    shared,
                    first: seam,
                    size: octets,
                    file,
                    next: 0,
                    end,
                })
            }
            Source::Stream {
                stream,
                packing,
                pipe,
                seam,
            } => {
                let mut cutter = StreamCutter {
                    shared: shared(&seam),
                    seam,
                    size: octets,
                    stream,
                    packing,
                    done: false,
                };
                match Ahead::new(CHUNKS_AHEAD, pipe, move || cutter.next()) {
                    Ok(ahead) => Supply::Stream(ahead),
                    Err(source) => failed(self.path, source),
                }
            }
            Source::Parked { window_log, .. } => {
                match Self::open_within(&self.place, self.origin.input, window_log) {
                    Ok(mut input) => {
                        input.origin = self.origin;
                        return input.chunks(size);
                    }
                    Err(error) => failed(self.path, io::Error::other(error)),
                }
            }
            Source::Refused(_) => Supply::Failed(None),
        };
        Chunks { supply }
    }

    /// Opens standard input; one that is no file can be [interrupted](Input::interrupt).
    fn from_standard_input(name: String, index: u16, window_log: u32) -> Result<Self, OpenError> {
        let stdin = io::stdin();
        if is_file(&stdin) {
            return Self::from_stream(name, index, Box::new(stdin), true, window_log);
        }
        let pipe = Pipe::new(stdin).map_err(|error| OpenError::io(&name, error))?;
        let interrupt = pipe.interrupt();
        let mut input = Self::from_stream(name, index, Box::new(pipe), true, window_log)?;
        input.interrupt = Some(interrupt);
        Ok(input)
    }

    /// Opens a stream that may be compressed.
    fn from_stream(
        path: String,
        index: u16,
        mut reader: Box<dyn Read + Send>,
        pipe: bool,
        window_log: u32,
    ) -> Result<Self, OpenError> {
        let mut magic = Vec::new();
        (&mut reader)
            .take(ZSTD.len() as u64)
            .read_to_end(&mut magic)
            .map_err(|error| OpenError::io(&path, error))?;
        let packing = match magic.as_slice() {
            octets if octets.starts_with(GZIP) => Some("gzip"),
            octets if octets.starts_with(ZSTD) => Some("zstd"),
            _ => None,
        };
        let whole = io::Cursor::new(magic).chain(reader);
        let reader: Box<dyn Read + Send> = match packing {
            Some("gzip") => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            Some(_) => {
                let unpacked = Zstd::new(whole, window_log);
                Box::new(unpacked.map_err(|error| OpenError::io(&path, error))?)
            }
            None => Box::new(whole),
        };
        let mut stream = StreamOctets::new(reader);
        // No more than the file header: a slow pipe must not be waited for.
        let fail = |error| OpenError::io(&path, error);
        let start = stream.at(0, snoop::FILE_HEADER).map_err(fail)?;
        let want = Pcap::file_header(start).unwrap_or(snoop::FILE_HEADER);
        let head = stream.at(0, want).map_err(fail)?;
        let (format, seam) = match recognise(&path, head) {
            Ok(known) => known,
            Err(error) => return Err(stream_error(error, stream, packing, &path)),
        };
        let format = match packing {
            Some(packing) => format!("{format} ({packing})"),
            None => format.to_owned(),
        };
        let source = Source::Stream {
            stream,
            packing,
            pipe,
            seam,
        };
        let mut input = Self {
            place: PathBuf::from(&path),
            path,
            origin: Origin::of(index),
            format,
            size: None,
            source,
            interrupt: None,
        };
        input.settle_variant()?;
        Ok(input)
    }

    /// Whether it is a file, so that it can be opened again, that is read as a stream.
    pub(super) fn is_compressed_file(&self) -> bool {
        match self.source {
            Source::File { .. } => false,
            Source::Stream { pipe, .. } => !pipe,
            Source::Parked { compressed, .. } => compressed,
            Source::Refused(_) => false,
        }
    }

    /// Whether it can be looked at before it is read, unlike a pipe, whose octets come but once.
    pub(super) fn is_readable_file(&self) -> bool {
        !matches!(
            self.source,
            Source::Stream { pipe: true, .. } | Source::Refused(_)
        )
    }

    /// Numbers it, and the recording that it is part of.
    pub(super) fn set_numbers(&mut self, input: u16, set: u16) {
        self.origin.input = input;
        self.origin.set = set;
    }

    /// The path as given.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// The same opened once more, to be looked at.
    pub(super) fn anew(&self, window_log: u32) -> Result<Self, OpenError> {
        Self::open_within(&self.place, self.origin.input, window_log)
    }

    /// Closes it until its turn comes.
    pub(super) fn park(&mut self, window_log: u32) {
        self.source = Source::Parked {
            compressed: self.is_compressed_file(),
            window_log,
        };
    }

    /// Looks at its octets before it is read, from the seam before its first record; `None` for a pipe,
    /// whose octets come but once, and for what is closed.
    pub(super) fn look<T>(
        &mut self,
        with: impl FnOnce(&Shared, &mut dyn Octets, &mut Seam) -> T,
    ) -> Option<T> {
        let mut scratch = Scratch::default();
        let (octets, seam): (&mut dyn Octets, _) = match &mut self.source {
            Source::File { file, end, seam } => {
                (&mut FileOctets::new(file, *end, &mut scratch), seam)
            }
            Source::Stream { pipe: true, .. } | Source::Parked { .. } | Source::Refused(_) => {
                return None;
            }
            Source::Stream { stream, seam, .. } => (stream, seam),
        };
        let shared = Shared::new(self.path.clone(), self.origin, seam);
        Some(with(&shared, octets, seam))
    }

    /// Looks at the first records of a pcap file: some do not keep to their file header. A pipe is
    /// taken at its word, since its first records may be long in coming.
    fn settle_variant(&mut self) -> Result<(), OpenError> {
        let settled = self.look(|_, octets, seam| {
            let Layout::Pcap(stated) = seam.context.0 else {
                return Ok(());
            };
            if fits(&stated, false, octets, seam.offset)? {
                return Ok(());
            }
            for variant in stated.variants() {
                if fits(&variant, true, octets, seam.offset)? {
                    seam.context = Arc::new(Context(Layout::Pcap(variant)));
                    break;
                }
            }
            Ok(())
        });
        settled
            .unwrap_or(Ok(()))
            .map_err(|error| OpenError::io(&self.path, error))
    }
}

/// Whether standard input was redirected from a file.
#[cfg(unix)]
fn is_file(stdin: &io::Stdin) -> bool {
    use std::os::fd::AsFd;
    let file = stdin.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata())
        .is_ok_and(|about| about.is_file())
}

/// Nothing interrupts it there.
#[cfg(not(unix))]
fn is_file(_stdin: &io::Stdin) -> bool {
    true
}

/// Walks the first blocks so that guesses know the interfaces that are described there.
pub(super) fn learn_context(shared: &Shared, octets: &mut dyn Octets, first: &Seam) {
    if let Layout::Pcapng(_) = first.context.0 {
        let limit = first.offset.saturating_add(CAPTURE_CONTEXT_OCTETS);
        let _walked = walk(shared, octets, Ok(first.clone()), limit, |_| {});
    }
}

/// Whether the first records are as the file header says: a few of them, or all there are. The last
/// of them may be cut short only if that is no `variant`, which more must speak for.
fn fits(pcap: &Pcap, variant: bool, octets: &mut dyn Octets, first: u64) -> io::Result<bool> {
    let mut at = first;
    for _ in 0..CAPTURE_CHAIN_HEADERS {
        let mut header = [0; Pcap::HEADER];
        if octets.peek(at, &mut header)? < header.len() {
            break;
        }
        let Some(head) = pcap.possible(&header, pcap.order()) else {
            return Ok(false);
        };
        at = at.saturating_add(u64::from(head.total));
    }
    Ok(!variant || octets.extent(at)? == at)
}

/// What zstd packed.
struct Zstd<R: Read> {
    decoder: zstd::stream::read::Decoder<'static, io::BufReader<R>>,
    window_log: u32,
}

impl<R: Read> Zstd<R> {
    /// Within a window of two to this power.
    fn new(packed: R, window_log: u32) -> io::Result<Self> {
        let mut decoder = zstd::stream::read::Decoder::new(packed)?;
        decoder.window_log_max(window_log)?;
        Ok(Self {
            decoder,
            window_log,
        })
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        /// What zstd returns for a window beyond the bound (`windowTooLarge` in its `zstd_errors.h`).
        const TOO_LARGE: usize = 0_usize.wrapping_sub(16);
        self.decoder.read(octets).map_err(|error| {
            let said = error.to_string();
            if said == zstd::zstd_safe::get_error_name(TOO_LARGE) {
                let most = (1_u64 << self.window_log) >> 20;
                let said = format!("{said}: more than {most} MiB at once");
                io::Error::new(io::ErrorKind::OutOfMemory, said)
            } else {
                error
            }
        })
    }
}

/// Why a stream is no capture: what stopped it says more than what was there. One that needs too much
/// memory may well be one.
fn stream_error(
    error: OpenError,
    mut stream: StreamOctets,
    packing: Option<&'static str>,
    path: &str,
) -> OpenError {
    let broken = |said: &io::Error| {
        said.raw_os_error().is_none() && said.kind() != io::ErrorKind::OutOfMemory
    };
    match (stream.take_error(), packing) {
        (Some(said), Some(packing)) if broken(&said) => OpenError::BrokenHeader {
            path: path.to_owned(),
            format: packing,
            offset: stream.end(),
            expected: format!("a capture, but decompressing fails: {said}"),
        },
        (Some(said), _) => OpenError::io(path, said),
        (None, _) => error,
    }
}

/// The format that a file begins with, and the seam before its first record.
fn recognise(path: &str, head: &[u8]) -> Result<(&'static str, Seam), OpenError> {
    let path = || path.to_owned();
    let seam = |offset, layout| Seam {
        offset,
        lost: None,
        context: Arc::new(Context(layout)),
    };
    let broken = |format, expected: String| OpenError::BrokenHeader {
        path: path(),
        format,
        offset: head.len() as u64,
        expected,
    };
    if head.is_empty() {
        return Err(OpenError::Empty { path: path() });
    }
    if let Some(header) = Pcap::file_header(head) {
        return match Pcap::read(head) {
            Some(pcap) => Ok(("pcap", seam(header as u64, Layout::Pcap(pcap)))),
            None => Err(broken("pcap", format!("a file header of {header} octets"))),
        };
    }
    if let Some(section) = Section::before_first(head) {
        return Ok(("pcapng", seam(0, Layout::Pcapng(section))));
    }
    if head.starts_with(snoop::MAGIC) {
        return match Snoop::read(head) {
            Some(snoop) => Ok((
                "snoop",
                seam(snoop::FILE_HEADER as u64, Layout::Snoop(snoop)),
            )),
            None => Err(broken(
                "snoop",
                "version 2 and a link type in 16 octets".to_owned(),
            )),
        };
    }
    let begins: Vec<String> = head
        .iter()
        .take(4)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    Err(OpenError::NotCapture {
        path: path(),
        head: begins.join(" "),
    })
}

//! Opens inputs: a file, a folder of files, a pipe; known by content, not by name.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::ahead::Ahead;
use super::chunk::{Chunks, FileCutter, Shared, StreamCutter, Supply, walk};
use super::error::{OpenError, ReadError};
use super::octets::{FileOctets, Octets, Scratch, StreamOctets};
use super::pcap::Pcap;
use super::pcapng::Section;
use super::snoop::{self, Snoop};
use super::walk::{Context, Format, Layout, Origin, Seam};
use super::window::Window;
use crate::limits::{
    Bounds, CAPTURE_CHAIN_HEADERS, CAPTURE_CONTEXT_OCTETS, CAPTURE_FIRST_PACKETS,
    CAPTURE_FIRST_RECORDS, CAPTURE_READ_OCTETS, CHUNKS_AHEAD, CHUNKS_OF_FILE, LIMITED_CHUNK_OCTETS,
    STREAM_CHUNK_OCTETS, ZSTD_WINDOW_LOG,
};
use crate::units::{Span, Timestamp};

/// One opened input: a file, or standard input.
pub struct Input {
    /// The path as given, which need not be text.
    place: PathBuf,
    path: String,
    origin: Origin,
    format: String,
    size: Option<u64>,
    source: Source,
    seam: Seam,
}

enum Source {
    File {
        file: Arc<File>,
        end: u64,
    },
    Stream {
        stream: StreamOctets,
        packing: Option<&'static str>,
        pipe: bool,
    },
    /// A file that is opened again when its turn comes: a folder may hold more captures than a
    /// process may hold open files, and of compressed ones each has a window in memory.
    Parked {
        compressed: bool,
        /// See [`ZSTD_WINDOW_LOG`].
        window_log: u32,
    },
}

/// Octets that tell a format.
const HEAD: usize = 64;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Octets at the end of a packet that tell it from others.
const TAIL: usize = 16;

/// Frames up to this size, in octets, may be announcements that are all alike, or end with padding.
const SHORT: usize = 60;

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

    fn open_within(path: &Path, index: u16, window_log: u32) -> Result<Self, OpenError> {
        let name = path.display().to_string();
        if name == STANDARD_INPUT {
            return Self::from_stream(name, index, Box::new(io::stdin()), true, window_log);
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
            },
            seam,
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

    /// Its path as given; `-` for standard input.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its format, such as `pcap`, `pcapng`, `snoop`, `pcap (gzip)`.
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
        let (compressed, window_log) = match &self.source {
            Source::Stream { pipe: true, .. } => return None,
            Source::Parked {
                compressed,
                window_log,
            } => (*compressed, *window_log),
            _ => (self.is_compressed_file(), window_log),
        };
        Some(Self {
            place: self.place.clone(),
            path: self.path.clone(),
            origin: self.origin,
            format: self.format.clone(),
            size: self.size,
            source: Source::Parked {
                compressed,
                window_log,
            },
            seam: self.seam.clone(),
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
        let shared = Arc::new(self.shared());
        let octets = size.max(1) as u64;
        let failed = |path, source| {
            Supply::Failed(Some(ReadError {
                path,
                offset: 0,
                source,
            }))
        };
        let supply = match self.source {
            Source::File { file, end } => {
                // Guesses take the interfaces described at the head for their own.
                learn_context(
                    &shared,
                    &mut FileOctets::new(&file, end, &mut Scratch::default()),
                    &self.seam,
                );
                Supply::File(FileCutter {
                    shared,
                    first: self.seam,
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
            } => {
                let mut cutter = StreamCutter {
                    shared,
                    seam: self.seam,
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
        };
        Chunks { supply }
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
        };
        let mut input = Self {
            place: PathBuf::from(&path),
            path,
            origin: Origin::of(index),
            format,
            size: None,
            source,
            seam,
        };
        input.settle_variant()?;
        Ok(input)
    }

    /// Whether it is a file, so that it can be opened again, that is read as a stream.
    fn is_compressed_file(&self) -> bool {
        matches!(self.source, Source::Stream { pipe: false, .. })
    }

    /// Closes it until its turn comes.
    fn park(&mut self, window_log: u32) {
        self.source = Source::Parked {
            compressed: self.is_compressed_file(),
            window_log,
        };
    }

    fn shared(&self) -> Shared {
        Shared {
            path: self.path.clone(),
            origin: self.origin,
            hint: Mutex::new(Arc::clone(&self.seam.context)),
        }
    }

    /// Looks at the first records of a pcap file: some do not keep to their file header. A pipe is
    /// taken at its word, since its first records may be long in coming.
    fn settle_variant(&mut self) -> Result<(), OpenError> {
        let Layout::Pcap(stated) = &self.seam.context.0 else {
            return Ok(());
        };
        let stated = *stated;
        let first = self.seam.offset;
        let mut scratch = Scratch::default();
        let octets: &mut dyn Octets = match &mut self.source {
            Source::File { file, end } => &mut FileOctets::new(file, *end, &mut scratch),
            Source::Stream { pipe: true, .. } | Source::Parked { .. } => return Ok(()),
            Source::Stream { stream, .. } => stream,
        };
        let mut fits = |pcap: &Pcap, variant| {
            fits(pcap, variant, octets, first).map_err(|error| OpenError::io(&self.path, error))
        };
        if fits(&stated, false)? {
            return Ok(());
        }
        for variant in stated.variants() {
            if fits(&variant, true)? {
                self.seam.context = Arc::new(Context(Layout::Pcap(variant)));
                break;
            }
        }
        Ok(())
    }

    /// What tells which recording it belongs to.
    fn spell(&mut self) -> Spell {
        Spell {
            first: self.first_time(),
            last: self.last_time(),
            packets: self.first_packets(),
            name: self.place.file_name().unwrap_or_default().to_owned(),
        }
    }

    /// Time of the first frame that has one, among the first frames; `None` for a pipe.
    fn first_time(&mut self) -> Option<Timestamp> {
        let shared = self.shared();
        let mut scratch = Scratch::default();
        let octets: &mut dyn Octets = match &mut self.source {
            Source::File { file, end } => &mut FileOctets::new(file, *end, &mut scratch),
            Source::Stream { pipe: true, .. } | Source::Parked { .. } => return None,
            Source::Stream { stream, .. } => stream,
        };
        let mut seam = self.seam.clone();
        for _ in 0..CAPTURE_FIRST_RECORDS {
            let limit = seam.offset.saturating_add(1);
            let walked = walk(&shared, octets, Ok(seam), limit, |_| {});
            if walked.first.is_some() || walked.error.is_some() {
                return walked.first;
            }
            seam = walked.end;
        }
        None
    }

    /// What the first packets of a plain file end with: of ESP and encrypted IKE that is a checksum,
    /// which no other packet has, whatever stands before it on the way. Short and cut frames and those
    /// that end with padding tell nothing.
    fn first_packets(&self) -> BTreeSet<[u8; TAIL]> {
        let mut found = BTreeSet::new();
        let Source::File { file, end } = &self.source else {
            return found;
        };
        let shared = self.shared();
        let mut scratch = Scratch::default();
        let mut octets = FileOctets::new(file, *end, &mut scratch);
        let mut seam = self.seam.clone();
        for _ in 0..CAPTURE_FIRST_PACKETS {
            let (from, limit) = (seam.offset, seam.offset.saturating_add(1));
            let walked = walk(&shared, &mut octets, Ok(seam), limit, |frame| {
                let whole = usize::try_from(frame.wire_len) == Ok(frame.bytes.len());
                if let Some(tail) = frame.bytes.last_chunk::<TAIL>()
                    && whole
                    && frame.bytes.len() > SHORT
                    && tail.windows(2).any(|pair| pair.first() != pair.last())
                {
                    found.insert(*tail);
                }
            });
            seam = walked.end;
            if walked.error.is_some() || seam.offset == from {
                break;
            }
        }
        found
    }

    /// Time of the latest frame near the end of a plain file; `None` if that cannot be told.
    fn last_time(&self) -> Option<Timestamp> {
        let Source::File { file, end } = &self.source else {
            return None;
        };
        let mut scratch = Scratch::default();
        let mut octets = FileOctets::new(file, *end, &mut scratch);
        let shared = self.shared();
        learn_context(&shared, &mut octets, &self.seam);
        let tail = end.saturating_sub(CAPTURE_READ_OCTETS as u64);
        let start = match tail {
            0 => Ok(self.seam.clone()),
            _ => Err(tail.max(self.seam.offset)),
        };
        let walked = walk(&shared, &mut octets, start, *end, |_| {});
        let sound = walked.end.offset == *end && walked.problems.is_empty();
        walked.last.filter(|_| sound)
    }
}

/// Opens every path as an input, in order; a folder stands for the captures in it, ordered by the
/// time of their first frame. Those of a folder that follow one another in time are one vantage set,
/// so several taps that rotate their files are several; plain files that all follow one another are
/// one set, too, in order of time however they were named. Files in a folder that are no captures are
/// passed over.
///
/// # Errors
/// A path cannot be opened or is no capture, a folder has none in it, or there are more than 65,535.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<Input>, OpenError> {
    expand_within(paths, &Bounds::default())
}

/// As [`expand`], where memory is limited: bounds decide which zstd files can be unpacked.
///
/// # Errors
/// As those of [`expand`].
pub fn expand_within(paths: &[PathBuf], bounds: &Bounds) -> Result<Vec<Input>, OpenError> {
    let window_log = bounds.zstd_window_log;
    let mut inputs: Vec<Input> = Vec::new();
    // Positions of inputs named one by one.
    let mut named = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = inputs.len();
            for (first_of_set, mut input) in open_folder(path, window_log)? {
                input.origin.input = number(inputs.len())?;
                input.origin.set = number(before + first_of_set)?;
                inputs.push(input);
            }
        } else {
            named.push(inputs.len());
            let mut input = Input::open_within(path, number(inputs.len())?, window_log)?;
            if paths.len() > 1 && input.is_compressed_file() {
                input.park(window_log);
            }
            inputs.push(input);
        }
    }
    order_one_recording(inputs, &named)
}

/// Makes one set of plain files that follow one another, in order of time: a shell names the tenth of
/// a rotated set before the second. Others stay as they are.
fn order_one_recording(mut inputs: Vec<Input>, named: &[usize]) -> Result<Vec<Input>, OpenError> {
    let mut spells: Vec<(usize, Spell)> = Vec::new();
    for place in named.iter().filter(|_| named.len() > 1) {
        if let Some(input) = inputs.get_mut(*place)
            && matches!(input.source, Source::File { .. })
        {
            spells.push((*place, input.spell()));
        }
    }
    let places: Vec<usize> = spells.iter().map(|(place, _)| *place).collect();
    spells.sort_by_key(|(_, spell)| (spell.first.is_none(), spell.first));
    let (order, spells): (Vec<usize>, Vec<Spell>) = spells.into_iter().unzip();
    if places.len() < 2 || !follow_one_another(&spells) {
        return Ok(inputs);
    }
    let mut inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let mut ordered: Vec<Option<Input>> = order
        .iter()
        .map(|place| inputs.get_mut(*place)?.take())
        .collect();
    let set = number(places.first().copied().unwrap_or_default())?;
    for (place, input) in places.iter().zip(&mut ordered) {
        if let (Some(slot), Some(mut input)) = (inputs.get_mut(*place), input.take()) {
            input.origin.input = number(*place)?;
            input.origin.set = set;
            *slot = Some(input);
        }
    }
    Ok(inputs.into_iter().flatten().collect())
}

fn number(count: usize) -> Result<u16, OpenError> {
    u16::try_from(count).map_err(|_| OpenError::TooMany {
        count: count.saturating_add(1),
    })
}

/// The captures in a folder by the time of their first frame; those without one by name, last. Each
/// with the place of the first of its set.
fn open_folder(path: &Path, window_log: u32) -> Result<Vec<(usize, Input)>, OpenError> {
    let name = path.display().to_string();
    let fail = |error| OpenError::io(&name, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let mut captures = Vec::new();
    for file in &files {
        match Input::open_within(file, 0, window_log) {
            Ok(mut input) => {
                let spell = input.spell();
                input.park(window_log);
                captures.push((spell, input));
            }
            Err(
                OpenError::Empty { .. }
                | OpenError::NotCapture { .. }
                | OpenError::BrokenHeader { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    if captures.is_empty() {
        return Err(OpenError::EmptyFolder { path: name });
    }
    captures.sort_by_key(|(spell, _)| (spell.first.is_none(), spell.first));
    let (spells, inputs): (Vec<_>, Vec<_>) = captures.into_iter().unzip();
    Ok(sets(&spells).into_iter().zip(inputs).collect())
}

/// What tells of a file, before it is read, which others belong to the same recording.
struct Spell {
    first: Option<Timestamp>,
    /// Not known of a compressed file.
    last: Option<Timestamp>,
    /// Its [first packets](Input::first_packets).
    packets: BTreeSet<[u8; TAIL]>,
    name: OsString,
}

impl Spell {
    /// By how much this file runs on after `next` has begun; `None` if times are not known.
    fn overlap(&self, next: &Self) -> Option<Span> {
        Some(self.last?.since(next.first?))
    }

    /// Whether the recording that this file belongs to may go on in `next`.
    fn goes_on_in(&self, next: &Self) -> bool {
        /// Frames of several queues are written a little out of order.
        const OVERLAP: Span = Span::from_millis(100);
        self.overlap(next).is_none_or(|overlap| overlap <= OVERLAP) && !self.begins_as(next)
    }

    /// Whether both begin with the same packets: at another time those are of another tap, whose
    /// clock is set differently. A request that is sent again across the change of files is the same a
    /// few times.
    fn begins_as(&self, other: &Self) -> bool {
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

/// Whether each file begins at or after the end of the one before, and with other packets.
fn follow_one_another(spells: &[Spell]) -> bool {
    spells.windows(2).all(|pair| match pair {
        [one, next] => {
            let overlap = one.overlap(next);
            overlap.is_some_and(|overlap| overlap.0 <= 0) && !one.begins_as(next)
        }
        _ => true,
    })
}

/// For each file, in order of time, the first of the recording that it is part of. Where it may go
/// on with several, its name decides.
fn sets(spells: &[Spell]) -> Vec<usize> {
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

/// Walks the first blocks so that guesses know the interfaces that are described there.
fn learn_context(shared: &Shared, octets: &mut dyn Octets, first: &Seam) {
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

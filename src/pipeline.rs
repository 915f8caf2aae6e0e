//! From inputs to an analysis: arranges the stages and the threads. The only file that names rayon.

use crate::assemble;
use crate::capture::{self, Chunk, Chunks, ReadError, Walked};
use crate::census::Census;
use crate::diagnose::{self, Finding, rules::RULES};
use crate::fold::{EspPacket, Fold, Order};
use crate::keys::KeyRing;
use crate::limits;
use crate::model::{self, Model};
use crate::net::{Body, Datagram, Esp, IpFacts, Learned, Stamp};
use crate::scan::{Batch, Lane, Scanner, Window};
use crate::session::{Reading, Session};
use crate::units::{EspSpi, FrameId, Timestamp};
use crate::wire::esp::EspHeader;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Called now and then with the octets read of the input at hand, and how many it has if known.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How to go about it. Nothing but the window of time and the keys changes what is found.
#[derive(Clone, Default)]
pub struct Options {
    /// Threads to use; all that the machine has if `None`.
    pub threads: Option<NonZeroUsize>,
    /// Octets of a chunk; [`limits::CHUNK_OCTETS`] if `None`.
    pub chunk_size: Option<NonZeroUsize>,
    /// Frames before this moment are passed over.
    pub since: Option<Timestamp>,
    /// Frames after this moment are passed over.
    pub until: Option<Timestamp>,
    /// Told how far the reading is.
    pub progress: Option<Progress>,
    /// Keys of what is sealed.
    pub keys: Arc<KeyRing>,
}

/// What was found and what it means.
#[derive(Debug)]
pub struct Analysis {
    /// What was found.
    pub model: Model,
    /// What it means, most important first.
    pub findings: Vec<Finding>,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system gave no threads.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Reads the inputs and judges what they hold.
pub fn analyze(inputs: Vec<capture::Input>, options: &Options) -> Result<Analysis, Error> {
    let pool = pool(options)?;
    let census = Census::new(Session::new(Arc::clone(&options.keys)));
    let (census, inputs) = read(&pool, inputs, options, census);
    let mut model = census.finish();
    model.inputs = inputs;
    assemble::assemble(&mut model);
    model.blind.extend(diagnose::blind(&model));
    let findings = pool.install(|| judge(&model));
    Ok(Analysis { model, findings })
}

/// Whoever looks at each datagram: at what it holds, its time, and what is known of an IKE message
/// besides its octets.
pub type Visit<'v> = dyn FnMut(&Datagram<'_>, Timestamp, &Reading) -> ControlFlow<()> + Send + 'v;

/// Calls `visit` for every datagram with IPsec in it, in frame order, until it breaks.
///
/// A message that IKEv1 fragments make follows the fragment that completes it, as a datagram of the
/// same frame.
pub fn dissect(
    inputs: Vec<capture::Input>,
    options: &Options,
    visit: &mut Visit<'_>,
) -> Result<Vec<model::Input>, Error> {
    let visitor = Visitor {
        visit,
        session: Session::new(Arc::clone(&options.keys)),
        flow: ControlFlow::Continue(()),
    };
    Ok(read(&pool(options)?, inputs, options, visitor).1)
}

/// Every rule looks at every tunnel; order is restored by `collect` and settled by `conclude`.
fn judge(model: &Model) -> Vec<Finding> {
    let tasks: Vec<_> = model
        .tunnels
        .ids()
        .flat_map(|tunnel| RULES.iter().map(move |rule| (tunnel, *rule)))
        .collect();
    let found: Vec<Vec<Finding>> = tasks
        .par_iter()
        .map(|(tunnel, rule)| diagnose::check(model, rule, *tunnel))
        .collect();
    diagnose::conclude(model, found.into_iter().flatten().collect())
}

fn pool(options: &Options) -> Result<rayon::ThreadPool, Error> {
    let threads = options.threads.map_or(0, NonZeroUsize::get);
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?)
}

/// Reads all inputs, one after the other, and folds them into `to`.
fn read<F: Fold + Send>(
    pool: &rayon::ThreadPool,
    inputs: Vec<capture::Input>,
    options: &Options,
    mut to: F,
) -> (F, Vec<model::Input>) {
    let mut order = Order::default();
    let mut rows = Vec::with_capacity(inputs.len());
    for (index, input) in (0..).zip(inputs) {
        let (row, back, told) = read_one(pool, index, input, options, order, to);
        rows.push(row);
        (order, to) = (back, told);
        order.next_input();
        if to.flow().is_break() {
            break;
        }
    }
    order.finish(&mut to);
    (to, rows)
}

fn read_one<F: Fold + Send>(
    pool: &rayon::ThreadPool,
    index: u16,
    input: capture::Input,
    options: &Options,
    order: Order,
    to: F,
) -> (model::Input, Order, F) {
    let (path, format) = (input.path().to_owned(), input.format().to_owned());
    let size = options
        .chunk_size
        .map_or(limits::CHUNK_OCTETS, NonZeroUsize::get);
    let window = Window {
        since: options.since,
        until: options.until,
    };
    let work = Work {
        total: input.size(),
        source: Mutex::new(Source {
            chunks: input.chunks(size),
            taken: 0,
            ended: None,
        }),
        waiting: Mutex::new(BTreeMap::new()),
        most_waiting: limits::CHUNKS_WAITING * pool.current_num_threads(),
        learned: Mutex::new(Arc::new(order.learned().clone())),
        folding: Mutex::new(Folding {
            next: 0,
            walked: None,
            index,
            order,
            to,
        }),
        window,
        progress: options.progress.clone(),
    };
    pool.broadcast(|_| work.run());
    work.fold_waiting(&mut lock(&work.folding), &mut Scanner::default());
    let ended = lock(&work.source).ended.take();
    let folding = work
        .folding
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    (
        row(path, format, folding.walked, ended),
        folding.order,
        folding.to,
    )
}

/// What the report says of an input.
fn row(
    path: String,
    format: String,
    walked: Option<Walked>,
    ended: Option<ReadError>,
) -> model::Input {
    let mut row = model::Input {
        path,
        format,
        ..model::Input::default()
    };
    let mut stopped = ended;
    if let Some(walked) = walked {
        row.link_types = walked.link_types.iter().map(ToString::to_string).collect();
        row.snaplen = walked.snaplen;
        row.frames = walked.frames;
        row.frames_cut = walked.frames_cut;
        row.bytes = walked.end.offset;
        row.first = walked.first;
        row.last = walked.last;
        row.dropped = walked.dropped.total();
        row.problems = walked.problems.into_vec();
        stopped = walked.error.or(stopped);
    }
    row.problems.extend(stopped.map(|error| capture::Problem {
        offset: error.offset,
        skipped: 0,
        what: format!("reading stopped: {}", error.source),
    }));
    row
}

/// One input being read: workers take chunks in order, scan them at the same time, and whoever is
/// free folds what is next.
struct Work<F> {
    total: Option<u64>,
    source: Mutex<Source>,
    /// Scanned chunks whose turn has not come, by number.
    waiting: Mutex<BTreeMap<u64, (Chunk, Batch)>>,
    most_waiting: usize,
    /// What was learned up to the chunk folded last.
    learned: Mutex<Arc<Learned>>,
    folding: Mutex<Folding<F>>,
    window: Window,
    progress: Option<Progress>,
}

struct Source {
    chunks: Chunks,
    taken: u64,
    /// Why no more chunks came, if not because the input ended.
    ended: Option<ReadError>,
}

struct Folding<F> {
    next: u64,
    /// Everything up to the chunk folded last, as one walk.
    walked: Option<Walked>,
    index: u16,
    order: Order,
    to: F,
}

impl<F: Fold + Send> Work<F> {
    fn run(&self) {
        let mut scanner = Scanner::default();
        while let Some((number, chunk)) = self.take() {
            let learned = Arc::clone(&lock(&self.learned));
            let batch = scanner.scan(&chunk, None, &learned, &self.window);
            let waiting = {
                let mut waiting = lock(&self.waiting);
                waiting.insert(number, (chunk, batch));
                waiting.len()
            };
            // Who finds the fold busy goes on scanning, unless too much waits already.
            let folding = if waiting > self.most_waiting {
                Some(lock(&self.folding))
            } else {
                self.folding.try_lock().ok()
            };
            if let Some(mut folding) = folding {
                self.fold_waiting(&mut folding, &mut scanner);
                if folding.to.flow().is_break() {
                    return;
                }
            }
        }
    }

    fn take(&self) -> Option<(u64, Chunk)> {
        let mut source = lock(&self.source);
        match source.chunks.next()? {
            Ok(chunk) => {
                source.taken += 1;
                Some((source.taken - 1, chunk))
            }
            Err(error) => {
                source.ended = Some(error);
                None
            }
        }
    }

    fn fold_waiting(&self, folding: &mut Folding<F>, scanner: &mut Scanner) {
        loop {
            let Some((chunk, mut batch)) = lock(&self.waiting).remove(&folding.next) else {
                return;
            };
            // The guess where the chunk's first record begins holds only if the chunk before ended
            // just there, in the same state; and no path may have been learned since. What is
            // learned only grows, so its length tells. A chunk is scanned again no more than once.
            let seam = folding.walked.as_ref().map(|before| &before.end);
            let learned = folding.order.learned();
            if batch.known != learned.len() || seam.is_some_and(|seam| *seam != batch.walked.start)
            {
                batch = scanner.scan(&chunk, seam, learned, &self.window);
            }
            folding.next += 1;
            folding.order.fold(&batch, folding.index, &mut folding.to);
            if folding.order.learned().len() != batch.known {
                *lock(&self.learned) = Arc::new(folding.order.learned().clone());
            }
            let so_far = batch.walked.end.offset;
            match &mut folding.walked {
                Some(walked) => walked.append(batch.walked),
                None => folding.walked = Some(batch.walked),
            }
            if let Some(progress) = &self.progress {
                progress(so_far, self.total);
            }
            if folding.to.flow().is_break() {
                return;
            }
        }
    }
}

/// A panic in another worker is not hidden: it ends the run when the pool joins. Until then the
/// data behind its lock is as good as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fold that shows each datagram to a visitor.
struct Visitor<'v> {
    visit: &'v mut Visit<'v>,
    session: Session,
    flow: ControlFlow<()>,
}

impl Fold for Visitor<'_> {
    fn lanes(&mut self, _lanes: &[Lane]) {}

    fn esp(&mut self, lane: &Lane, _index: usize, packet: &EspPacket<'_>) {
        let header = EspHeader {
            spi: EspSpi(lane.spi.0),
            sequence: packet.sequence,
        };
        let datagram = Datagram {
            stamp: Stamp {
                frame: packet.frame,
                time: Some(packet.time),
                vantage: lane.vantage,
                wire_len: 0,
            },
            path: lane.path,
            ip: IpFacts {
                ttl: packet.ttl,
                dont_fragment: packet.dont_fragment,
                pieces: 1,
                ..IpFacts::default()
            },
            cut: packet.cut,
            body: Body::Esp(Esp {
                header,
                length: packet.length,
                bytes: packet.bytes,
                null: packet.null,
            }),
        };
        self.datagram(&datagram, packet.time, &[packet.frame]);
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]) {
        if self.flow.is_break() {
            return;
        }
        let reading = match datagram.body {
            Body::Ike(octets) => self.session.see(octets, datagram, time, frames),
            _ => Reading::default(),
        };
        self.flow = (self.visit)(datagram, time, &reading);
        if let Some(whole) = &reading.whole
            && self.flow.is_continue()
        {
            let inner = Datagram {
                cut: false,
                body: Body::Ike(&whole.bytes),
                ..*datagram
            };
            self.flow = (self.visit)(&inner, time, &whole.reading);
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        self.flow
    }
}

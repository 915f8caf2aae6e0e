//! From inputs to an analysis: arranges the stages and the threads. The only file that names rayon.

use crate::assemble;
use crate::capture::{self, Chunk, Chunks, Frame, ReadError, Stopper, Walked};
use crate::census::Census;
use crate::diagnose::{self, Case, Failed, Finding, Folded, Rule, rules::RULES};
use crate::fold::{EspPacket, Fold, Order};
use crate::keys::{EspKeys, KeyRing};
use crate::language::Text;
use crate::limits::Bounds;
use crate::model::{self, Blind, KeyUsed, Model, TunnelId};
use crate::net::{Body, Datagram, Learned, SaId};
use crate::sadb::Sadb;
use crate::say;
use crate::scan::{Batch, Lane, Room, Scanner, Task, Wants};
use crate::session::{Reading, Session};
use crate::units::{FrameId, Timestamp};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// Called now and then with the octets read of the input at hand, and how many it has if known.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How to go about it. Nothing but the window of time, the keys and the bounds changes what is found.
#[derive(Clone, Default)]
pub struct Options {
    /// Threads to use; all that the machine has if `None`.
    pub threads: Option<NonZeroUsize>,
    /// Octets of a chunk; those of the bounds if `None`.
    pub chunk_size: Option<NonZeroUsize>,
    /// Frames before this moment are passed over.
    pub since: Option<Timestamp>,
    /// Frames after this moment are passed over.
    pub until: Option<Timestamp>,
    /// Told how far the reading is.
    pub progress: Option<Progress>,
    /// Keys of what is sealed.
    pub keys: Arc<KeyRing>,
    /// What keeps the memory small.
    pub bounds: Bounds,
}

/// What was found and what it means.
#[derive(Debug)]
pub struct Analysis {
    /// What was found.
    pub model: Model,
    /// What it means, most important first.
    pub findings: Vec<Finding>,
}

/// So many tunnels for each thread keep it busy without help of the others.
const MANY: usize = 8;

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system gave no threads.
    #[error("cannot start threads: {0}")]
    Threads(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Reads the inputs and judges what they hold.
///
/// # Errors
/// The operating system gives no threads. An input that cannot be read to its end is none: what was
/// read counts, and the [problems](model::Input::problems) of the input say the rest.
pub fn analyze(inputs: Vec<capture::Input>, options: &Options) -> Result<Analysis, Error> {
    let pool = pool(options)?;
    let again: Option<Vec<_>> = inputs
        .iter()
        .map(|input| input.again(options.bounds.zstd_window_log))
        .collect();
    let mut model = find(&pool, inputs, options);
    // How far clocks are apart is known when packets of both were compared, and then the times of one are wrong
    // throughout.
    if let Some((mut again, shifts)) = again.zip(assemble::shifts(&model)) {
        drop(model);
        for (input, shift) in again.iter_mut().zip(shifts) {
            input.shift_times(shift);
        }
        model = find(&pool, again, options);
    }
    let Judged {
        findings,
        blind,
        failed,
    } = pool.install(|| judge(&model, RULES));
    model.blind.extend(diagnose::blind(&model, blind));
    model.blind.extend(diagnose::failed(&model, &failed));
    Ok(Analysis { model, findings })
}

/// Reads the inputs and says what they hold.
fn find(pool: &rayon::ThreadPool, inputs: Vec<capture::Input>, options: &Options) -> Model {
    let census = Census::within(
        options.bounds,
        Session::new(Arc::clone(&options.keys)),
        each,
    );
    let (census, inputs) = read(pool, inputs, options, census);
    let mut model = pool.install(|| census.finish());
    model.inputs = inputs;
    model::Input::name_all(&mut model.inputs);
    pool.install(|| assemble::assemble(&mut model, &each));
    model
}

/// Whoever looks at each datagram: at what it holds, its time, and what is known of an IKE message
/// besides its octets.
pub type Visit<'v> = dyn FnMut(&Datagram<'_>, Timestamp, &Reading) -> ControlFlow<()> + Send + 'v;

/// Calls `visit` for every datagram with IPsec in it, in frame order, until it breaks.
///
/// A message that IKEv1 fragments make follows the fragment that completes it, as a datagram of the
/// same frame.
///
/// # Errors
/// As those of [`analyze`].
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

/// A frame, or a datagram in the frame told last.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// A frame, and its time or that of the one before.
    Frame(&'a Frame<'a>, Timestamp),
    /// A datagram with IPsec in it, the octets of ESP payloads with it where keys opened them.
    Datagram(&'a Datagram<'a>),
    /// A key that there was in the end, by the number of its SA: told after all that it opened.
    Key(SaId, &'a KeyUsed),
}

/// Calls `visit` for every frame, and for every datagram with IPsec after the frame that completes
/// it, until it breaks.
///
/// # Errors
/// As those of [`analyze`].
pub fn decrypt(
    inputs: Vec<capture::Input>,
    options: &Options,
    visit: &mut (dyn FnMut(Told<'_>) -> ControlFlow<()> + Send),
) -> Result<Vec<model::Input>, Error> {
    let decrypter = Decrypter {
        visit,
        session: Session::new(Arc::clone(&options.keys)),
        flow: ControlFlow::Continue(()),
    };
    Ok(read(&pool(options)?, inputs, options, decrypter).1)
}

/// What rules say of tunnels.
struct Judged {
    /// Concluded, most important first.
    findings: Vec<Finding>,
    /// What cannot be told of the tunnels, in their order.
    blind: Vec<Blind>,
    /// Rules that panicked.
    failed: Vec<Failed>,
}

/// What rules say of one tunnel.
struct OfTunnel {
    folded: Vec<Folded>,
    blind: Vec<Blind>,
    failed: Vec<Failed>,
}

/// Every rule looks at every tunnel; order is restored by `collect` and settled by `rank`.
///
/// What the rules ask of a tunnel is shared among them, so threads take whole tunnels where there are
/// many; where there are few they take its rules, and one tunnel keeps them all busy.
fn judge(model: &Model, rules: &[&'static Rule]) -> Judged {
    let few = model.tunnels.len() < MANY * rayon::current_num_threads();
    let judged: Vec<OfTunnel> = (0..model.tunnels.len())
        .into_par_iter()
        .filter_map(|tunnel| {
            let case = Case::of(model, TunnelId(u32::try_from(tunnel).ok()?));
            let told = judge_one(&case, rules, few);
            let silent = told.folded.is_empty() && told.blind.is_empty() && told.failed.is_empty();
            (!silent).then_some(told)
        })
        .collect();
    let mut folded = Vec::with_capacity(judged.iter().map(|one| one.folded.len()).sum());
    let (mut blind, mut failed) = (Vec::new(), Vec::new());
    for one in judged {
        folded.extend(one.folded);
        blind.extend(one.blind);
        failed.extend(one.failed);
    }
    let ranked = diagnose::rank(folded).into_par_iter();
    Judged {
        findings: ranked.map(Folded::finding).collect(),
        blind,
        failed,
    }
}

/// Those rules look at a tunnel that may have something to say of it, at the same time if that is
/// wanted.
fn judge_one(case: &Case<'_>, rules: &[&'static Rule], at_once: bool) -> OfTunnel {
    let blind = diagnose::blind_of(case);
    let asked = rules.iter().copied().filter(|rule| rule.may_speak(case));
    let (mut findings, mut failed) = (Vec::new(), Vec::new());
    let mut take = |judged| match judged {
        Ok(found) => findings.extend::<Vec<Finding>>(found),
        Err(rule) => failed.push(rule),
    };
    if at_once {
        let asked: Vec<&'static Rule> = asked.collect();
        let judged = asked.par_iter().map(|rule| diagnose::check(rule, case));
        let judged: Vec<_> = judged.collect();
        judged.into_iter().for_each(take);
    } else {
        asked.for_each(|rule| take(diagnose::check(rule, case)));
    }
    OfTunnel {
        folded: diagnose::fold(findings),
        blind,
        failed,
    }
}

/// Gives work to all threads of the pool that this runs in.
fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(work);
}

fn pool(options: &Options) -> Result<rayon::ThreadPool, Error> {
    let wanted = options
        .threads
        .or_else(|| thread::available_parallelism().ok());
    let threads = wanted
        .map_or(1, NonZeroUsize::get)
        .min(options.bounds.threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| Error::Threads(error.into()))
}

/// Reads all inputs, one after the other, and folds them into `to`.
fn read<F: Fold + Send>(
    pool: &rayon::ThreadPool,
    inputs: Vec<capture::Input>,
    options: &Options,
    mut to: F,
) -> (F, Vec<model::Input>) {
    let mut order = Order::new(Sadb::new(&options.keys));
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
    span_sets(&mut rows);
    (to, rows)
}

/// Tells the first file of each set when the recording of the whole set began and ended.
fn span_sets(rows: &mut [model::Input]) {
    let mut spans: BTreeMap<u16, (Timestamp, Timestamp)> = BTreeMap::new();
    for row in rows.iter() {
        if let Some((first, last)) = row.first.zip(row.last) {
            let span = spans.entry(row.set).or_insert((first, last));
            *span = (span.0.min(first), span.1.max(last));
        }
    }
    for (set, span) in spans {
        if let Some(row) = rows.get_mut(usize::from(set)) {
            row.recording = Some(span);
        }
    }
}

fn read_one<F: Fold + Send>(
    pool: &rayon::ThreadPool,
    index: u16,
    mut input: capture::Input,
    options: &Options,
    order: Order,
    to: F,
) -> (model::Input, Order, F) {
    let refusal = input.refusal().map(|error| refusal(error, input.path()));
    let about = model::Input {
        path: input.path().to_owned(),
        set: input.set(),
        format: input.format().to_owned(),
        shift: input.shift(),
        refused: refusal.is_some(),
        problems: refusal.into_iter().collect(),
        ..model::Input::default()
    };
    let size = options.chunk_size.map_or_else(
        || input.chunk_octets(options.bounds.chunk_octets),
        NonZeroUsize::get,
    );
    input.look_at(capture::Window {
        since: options.since,
        until: options.until,
    });
    let wants = Wants {
        keeps: to.keeps_frames(),
        gathers: to.gathers(),
    };
    let total = input.size();
    let chunks = input.chunks(size);
    let work = Work {
        total,
        stopper: chunks.stopper(),
        source: Mutex::new(Source {
            chunks,
            taken: 0,
            ended: None,
        }),
        waiting: Mutex::new(BTreeMap::new()),
        most_waiting: options
            .bounds
            .chunks_waiting
            .saturating_mul(pool.current_num_threads()),
        room: Mutex::new(Vec::new()),
        known: Mutex::new(Known::of(&order)),
        folding: Mutex::new(Folding {
            next: 0,
            walked: None,
            index,
            order,
            to,
        }),
        wants,
        progress: options.progress.clone(),
    };
    // Who waits for help of others takes up work of its own, and must not come upon this job then.
    let all_here = Barrier::new(pool.current_num_threads());
    pool.broadcast(|_| {
        all_here.wait();
        work.run();
    });
    pool.install(|| work.fold_waiting(&mut lock(&work.folding), &mut Scanner::default()));
    let ended = lock(&work.source).ended.take();
    let folding = work
        .folding
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    (row(about, folding.walked, ended), folding.order, folding.to)
}

/// What the report says of an input of which nothing can be read.
fn refusal(error: &capture::OpenError, path: &str) -> capture::Problem {
    capture::Problem {
        offset: 0,
        skipped: 0,
        what: say!(
            "nothing of it could be read: {error}",
            error = Text::verbatim(error.beside(path))
        ),
    }
}

/// What the report says of an input.
fn row(mut row: model::Input, walked: Option<Walked>, ended: Option<ReadError>) -> model::Input {
    let mut stopped = ended;
    if let Some(walked) = walked {
        row.link_types = walked.link_types.iter().map(ToString::to_string).collect();
        row.snaplen = walked.snaplen;
        row.frames = walked.frames;
        row.frames_outside = walked.frames_outside;
        row.frames_cut = walked.frames_cut;
        row.bytes = walked.end.offset;
        (row.first, row.last) = (walked.first, walked.last);
        row.dropped = walked.dropped.total();
        row.problems = walked.problems.into_vec();
        stopped = walked.error.or(stopped);
    }
    row.problems.extend(stopped.map(|error| capture::Problem {
        offset: error.offset,
        skipped: 0,
        what: say!(
            "reading stopped: {error}",
            error = Text::verbatim(error.source)
        ),
    }));
    row
}

/// One input being read: workers take chunks in order, scan them at the same time, and whoever is
/// free folds what is next.
struct Work<F> {
    total: Option<u64>,
    /// Frees who waits for a chunk when no more are wanted.
    stopper: Stopper,
    source: Mutex<Source>,
    /// Scanned chunks whose turn has not come, by number.
    waiting: Mutex<BTreeMap<u64, (Chunk, Batch)>>,
    most_waiting: usize,
    /// Of batches that were folded, for those to come.
    room: Mutex<Vec<Room>>,
    known: Mutex<Known>,
    folding: Mutex<Folding<F>>,
    wants: Wants,
    progress: Option<Progress>,
}

/// What was known at the end of the chunk folded last.
#[derive(Clone)]
struct Known {
    learned: Arc<Learned>,
    database: Arc<Sadb>,
}

impl Known {
    fn of(order: &Order) -> Self {
        Self {
            learned: Arc::new(order.learned().clone()),
            database: Arc::clone(order.database()),
        }
    }

    /// Whether it is what is known now: both only grow.
    fn is_of(&self, order: &Order) -> bool {
        self.learned.len() == order.learned().len() && self.database.len() == order.database().len()
    }

    fn task(&self, wants: Wants) -> Task<'_> {
        Task {
            learned: &self.learned,
            database: &self.database,
            wants,
        }
    }
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
            let known = lock(&self.known).clone();
            let room = lock(&self.room).pop();
            scanner.reuse(room.unwrap_or_default());
            let batch = scanner.scan(&chunk, None, &known.task(self.wants));
            let waiting = {
                let mut waiting = lock(&self.waiting);
                waiting.insert(number, (chunk, batch));
                waiting.len()
            };
            // Who finds the fold busy goes on scanning, unless too much waits already.
            let folding = match self.folding.try_lock() {
                Ok(folding) => Some(folding),
                Err(_) if waiting > self.most_waiting => Some(self.help_folding()),
                Err(_) => None,
            };
            if let Some(mut folding) = folding {
                self.fold_waiting(&mut folding, &mut scanner);
                if folding.to.flow().is_break() {
                    self.stopper.stop();
                    return;
                }
            }
        }
    }

    /// Helps whoever folds until it is done with that.
    fn help_folding(&self) -> MutexGuard<'_, Folding<F>> {
        /// As long as nothing is to be done.
        const PAUSE: Duration = Duration::from_micros(500);
        loop {
            match self.folding.try_lock() {
                Ok(folding) => return folding,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                thread::sleep(PAUSE);
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
            let learned = folding.order.learned().len();
            if batch.known != learned || seam.is_some_and(|seam| *seam != batch.walked.start) {
                let known = Known::of(&folding.order);
                batch = scanner.scan(&chunk, seam, &known.task(self.wants));
            }
            folding.next += 1;
            folding.order.fold(&batch, folding.index, &mut folding.to);
            {
                let mut known = lock(&self.known);
                if !known.is_of(&folding.order) {
                    *known = Known::of(&folding.order);
                }
            }
            let (walk, room) = batch.clear();
            lock(&self.room).push(room);
            let so_far = walk.end.offset;
            match &mut folding.walked {
                Some(walked) => walked.append(walk),
                None => folding.walked = Some(walk),
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
        let datagram = packet.datagram(lane);
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

    fn keys(&mut self) -> Vec<EspKeys> {
        self.session.take_keys()
    }

    fn flow(&self) -> ControlFlow<()> {
        self.flow
    }
}

/// A fold that shows frames, and datagrams with their payloads.
struct Decrypter<'v> {
    visit: &'v mut (dyn FnMut(Told<'_>) -> ControlFlow<()> + Send),
    session: Session,
    flow: ControlFlow<()>,
}

impl Decrypter<'_> {
    fn show(&mut self, told: Told<'_>) {
        if self.flow.is_continue() {
            self.flow = (self.visit)(told);
        }
    }
}

impl Fold for Decrypter<'_> {
    fn keeps_frames(&self) -> bool {
        true
    }

    fn lanes(&mut self, _lanes: &[Lane]) {}

    fn frame(&mut self, frame: &Frame<'_>, time: Timestamp) {
        self.show(Told::Frame(frame, time));
    }

    fn esp(&mut self, lane: &Lane, _index: usize, packet: &EspPacket<'_>) {
        self.show(Told::Datagram(&packet.datagram(lane)));
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]) {
        if let Body::Ike(octets) = datagram.body {
            self.session.see(octets, datagram, time, frames);
        }
        self.show(Told::Datagram(datagram));
    }

    fn keys(&mut self) -> Vec<EspKeys> {
        self.session.take_keys()
    }

    fn database(&mut self, database: &Sadb) {
        for id in (0..).map(SaId) {
            let Some(sa) = database.get(id) else { break };
            let key = KeyUsed {
                suite: sa.suite.clone(),
                origin: sa.origin.clone(),
            };
            self.show(Told::Key(id, &key));
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        self.flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::{Confidence, Finding, Rule, Severity, Signs};
    use crate::units::{FrameId, Timestamp};

    static PANICS: Rule = Rule {
        slug: "panics",
        code: "IKE998",
        severity: Severity::Error,
        summary: "It panics over the second tunnel.",
        document: "",
        explains: &[],
        needs: Signs::NONE,
        check: |case| match case.id.0 {
            1 => panic!("on purpose"),
            _ => Vec::new(),
        },
    };

    static SPEAKS: Rule = Rule {
        slug: "speaks",
        code: "IKE999",
        severity: Severity::Info,
        summary: "It has something to say of every tunnel.",
        document: "",
        explains: &[],
        needs: Signs::ESP,
        check: |case| {
            let frame = FrameId {
                input: 0,
                number: 1,
            };
            let at = (frame, Timestamp(0));
            vec![Finding::new(&SPEAKS, Confidence::Certain, case.id, at, "")]
        },
    };

    #[test]
    fn a_rule_that_panics_costs_itself_on_that_tunnel_and_is_named() {
        let model = crate::testing::model(
            "0.0 A > B ESP 0xc1 seq 1..3
             0.1 C > D ESP 0xc2 seq 1..3
             0.2 E > F ESP 0xc3 seq 1..3",
        );
        let Judged {
            findings, failed, ..
        } = judge(&model, &[&PANICS, &SPEAKS]);
        let tunnels: Vec<_> = findings.iter().filter_map(|one| one.tunnel).collect();
        assert_eq!(tunnels.iter().map(|id| id.0).collect::<Vec<_>>(), [0, 1, 2]);
        let blind = diagnose::failed(&model, &failed);
        assert_eq!(blind.len(), 1);
        assert_eq!(
            blind[0].what.to_string(),
            "what the rule panics would say of the tunnel between 192.0.2.3 and 192.0.2.4"
        );
    }

    #[test]
    fn files_of_one_set_are_one_recording() {
        let file = |set, first, last| model::Input {
            set,
            first: Some(Timestamp(first)),
            last: Some(Timestamp(last)),
            ..model::Input::default()
        };
        let mut rows = [file(0, 5, 9), file(0, 10, 30), file(2, 7, 8)];
        span_sets(&mut rows);
        let spans: Vec<_> = rows.iter().map(|row| row.recording).collect();
        let span = |first, last| Some((Timestamp(first), Timestamp(last)));
        assert_eq!(spans, [span(5, 30), None, span(7, 8)]);
    }
}

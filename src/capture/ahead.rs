//! Makes things on a thread of its own, a few ahead of whoever takes them.

use std::collections::VecDeque;
use std::io;
use std::panic;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A thread that makes things until there are no more, and what it has made.
///
/// When this is dropped, the thread ends. It is waited for unless it may be in a call that lasts as
/// long as someone else pleases, such as reading a pipe: then it ends when that call does.
pub(super) struct Ahead<T> {
    queue: Arc<Queue<T>>,
    maker: Option<JoinHandle<()>>,
    may_hang: bool,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to make things, at most `most` of them before the first is taken, until `make` gives
    /// `None`. `may_hang` says that a call of `make` may last for ever.
    pub(super) fn new(
        most: usize,
        may_hang: bool,
        mut make: impl FnMut() -> Option<T> + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State {
                made: VecDeque::new(),
                ended: None,
                stopped: false,
                last_call: None,
                late: false,
            }),
            changed: Condvar::new(),
            most: most.max(1),
        });
        let end = End(Arc::clone(&queue));
        let maker = thread::Builder::new()
            .name("espial-ahead".to_owned())
            .spawn(move || {
                // Moved in as a whole: it tells of the end however this ends, by a panic too.
                let end = end;
                while let Some(thing) = make() {
                    if !end.0.put(thing) {
                        break;
                    }
                }
            })?;
        Ok(Self {
            queue,
            maker: Some(maker),
            may_hang,
        })
    }

    /// The next thing, in the order in which they are made; waits for it. `None` after the last, and
    /// once it was [stopped](Stopper). A panic of the thread goes on in who calls this.
    pub(super) fn next(&mut self) -> Option<T> {
        let (thing, ended) = self.queue.take();
        if thing.is_none()
            && ended
            && let Some(Err(panicked)) = self.maker.take().map(JoinHandle::join)
        {
            panic::resume_unwind(panicked);
        }
        thing
    }

    /// Whether all was made that there is, and nothing of it came too late.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.queue.state();
        state.ended.is_some() && !state.late
    }

    /// What stops it from another thread.
    pub(super) fn stopper(&self) -> Stopper {
        Stopper(Some(Arc::clone(&self.queue) as _))
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.queue.stop();
        if let Some(maker) = self.maker.take()
            && !self.may_hang
        {
            // Whatever it did not hand over is not wanted any more, a panic neither.
            let _ended = maker.join();
        }
    }
}

/// Stops the making of things, so that whoever waits for the next waits no more.
#[derive(Clone, Default)]
pub struct Stopper(Option<Arc<dyn Stop + Send + Sync>>);

impl Stopper {
    /// No further thing will be given.
    pub fn stop(&self) {
        if let Some(queue) = &self.0 {
            queue.stop();
        }
    }

    /// What is made within this time is given, and no more. `false` if that was said before, or if the
    /// making had ended longer ago than that.
    pub(super) fn stop_within(&self, time: Duration) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.stop_within(time))
    }
}

trait Stop {
    fn stop(&self);
    fn stop_within(&self, time: Duration) -> bool;
}

impl<T> Stop for Queue<T> {
    fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.made.clear();
        self.changed.notify_all();
    }

    fn stop_within(&self, time: Duration) -> bool {
        let mut state = self.state();
        let over = state.ended.is_some_and(|end| end.elapsed() > time);
        if over || state.last_call.is_some() {
            return false;
        }
        state.last_call = Instant::now().checked_add(time);
        self.changed.notify_all();
        true
    }
}

struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    most: usize,
}

struct State<T> {
    made: VecDeque<T>,
    /// When the maker ended, which makes no more.
    ended: Option<Instant>,
    /// Whether nobody wants more.
    stopped: bool,
    /// From when on nobody wants more, if that is known.
    last_call: Option<Instant>,
    /// Whether something was made that nobody wanted any more.
    late: bool,
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready`.
    fn wait(&self, ready: impl Fn(&State<T>) -> bool) -> MutexGuard<'_, State<T>> {
        self.changed
            .wait_while(self.state(), |state| !ready(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a thing when there is room; `false` if it is not wanted any more.
    fn put(&self, thing: T) -> bool {
        let mut state = self.wait(|state| state.made.len() < self.most || state.stopped);
        if state.stopped {
            state.late = true;
            return false;
        }
        state.made.push_back(thing);
        self.changed.notify_all();
        true
    }

    /// The next thing, and whether the maker has ended.
    fn take(&self) -> (Option<T>, bool) {
        let mut state = self.state();
        loop {
            let left = state
                .last_call
                .map(|at| at.saturating_duration_since(Instant::now()));
            // What is made already is still given.
            state.stopped |= left.is_some_and(|left| left.is_zero());
            if !state.made.is_empty() || state.ended.is_some() || state.stopped {
                break;
            }
            state = match left {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.changed.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        let thing = state.made.pop_front();
        self.changed.notify_all();
        (thing, state.ended.is_some())
    }
}

/// Tells, when it is dropped, that the maker makes no more.
struct End<T>(Arc<Queue<T>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.0.state().ended = Some(Instant::now());
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Gives 1, 2, 3 and so on, up to `last`, and counts what it gave.
    fn counter(last: u32) -> (Arc<AtomicU32>, impl FnMut() -> Option<u32> + Send + 'static) {
        let count = Arc::new(AtomicU32::new(0));
        let made = Arc::clone(&count);
        let make = move || {
            let next = made.fetch_add(1, Ordering::Relaxed) + 1;
            (next <= last).then_some(next)
        };
        (count, make)
    }

    #[test]
    fn things_come_in_order_and_then_no_more() {
        let (_, make) = counter(1000);
        let mut ahead = Ahead::new(3, false, make).unwrap();
        let all: Vec<u32> = std::iter::from_fn(|| ahead.next()).collect();
        assert_eq!(all, (1..=1000).collect::<Vec<_>>());
        assert_eq!((ahead.next(), ahead.next()), (None, None));
    }

    #[test]
    fn no_more_are_made_than_may_wait_and_one_in_hand() {
        let (count, make) = counter(u32::MAX);
        let mut ahead = Ahead::new(3, false, make).unwrap();
        for taken in 1..100 {
            ahead.next();
            assert!(count.load(Ordering::Relaxed) <= taken + 3 + 1);
        }
        // The thread waits for room: dropping it must end that.
        drop(ahead);
        assert!(count.load(Ordering::Relaxed) <= 99 + 3 + 1);
    }

    #[test]
    fn a_panic_of_the_thread_is_one_of_who_takes() {
        let (_, mut make) = counter(u32::MAX);
        let broken = move || match make() {
            Some(3) => panic!("on purpose"),
            made => made,
        };
        let mut ahead = Ahead::new(8, false, broken).unwrap();
        assert_eq!((ahead.next(), ahead.next()), (Some(1), Some(2)));
        let taken = panic::catch_unwind(panic::AssertUnwindSafe(|| ahead.next()));
        assert!(taken.is_err());
        assert_eq!(ahead.next(), None);
    }

    #[test]
    fn who_waits_for_what_never_comes_is_freed_by_a_stop() {
        let (never, wait) = mpsc::channel::<u32>();
        let mut ahead = Ahead::new(1, true, move || wait.recv().ok()).unwrap();
        let stopper = ahead.stopper();
        let waiting = thread::spawn(move || ahead.next());
        thread::sleep(Duration::from_millis(20));
        stopper.stop();
        assert_eq!(waiting.join().unwrap(), None);
        drop(never);
    }
}

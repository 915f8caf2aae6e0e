//! What is done when a signal comes that ends the program: a pipe that is read ends first, and nothing
//! half written is left.

use super::complain;
use crate::capture::Interrupt;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Listens for the signals that end the program once there is something to do. The program then ends by
/// the signal as it would without.
#[derive(Clone, Default)]
pub(super) struct Signals(Arc<Mutex<Todo>>);

#[derive(Default)]
struct Todo {
    listens: bool,
    pipe: Option<Interrupt>,
    half_written: Option<PathBuf>,
}

impl Signals {
    /// Has the first interrupt end a pipe, and not the program: whoever ends by Ctrl-C what writes the pipe
    /// interrupts both, and wants to know what was read.
    ///
    /// # Errors
    /// The system gives no handler, or no thread.
    pub(super) fn end_first(&self, pipe: Interrupt) -> io::Result<()> {
        self.todo().pipe = Some(pipe);
        self.listen()
    }

    /// Removes a file, if it is still there, when a signal ends the program from now on. What is half
    /// written may hold what was opened with keys.
    ///
    /// # Errors
    /// The system gives no handler, or no thread.
    pub(super) fn remove_when_ended(&self, path: PathBuf) -> io::Result<()> {
        self.todo().half_written = Some(path);
        self.listen()
    }

    fn todo(&self) -> MutexGuard<'_, Todo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) -> io::Result<()> {
        if std::mem::replace(&mut self.todo().listens, true) {
            return Ok(());
        }
        let ignored = ignored();
        let ends = [SIGHUP, SIGINT, SIGTERM];
        let ends = ends.into_iter().filter(|signal| !has(ignored, *signal));
        let mut signals = signal_hook::iterator::Signals::new(ends)?;
        let this = self.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in &mut signals {
                    this.heed(signal);
                }
            })?;
        Ok(())
    }

    fn heed(&self, signal: i32) {
        let todo = self.todo();
        if signal == SIGINT && todo.pipe.as_ref().is_some_and(Interrupt::end) {
            complain(
                "interrupted: what was read of the pipe counts; another interrupt ends espial",
            );
            return;
        }
        if let Some(path) = &todo.half_written {
            // Whoever moved it to its place was quicker.
            let _ = fs::remove_file(path);
        }
        let _ = emulate_default_handler(signal);
    }
}

/// The signals that this process was told to ignore, a bit each, where the system tells: who runs in
/// the background takes no notice of SIGINT, and must not begin to.
fn ignored() -> u64 {
    let told = fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&told).unwrap_or(0)
}

fn mask(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(line?.trim(), 16).ok()
}

fn has(mask: u64, signal: i32) -> bool {
    let bit = u32::try_from(signal - 1).ok();
    bit.and_then(|bit| mask.checked_shr(bit)).unwrap_or(0) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_ignores_is_read_from_its_status() {
        let told = mask("Name:\tespial\nSigBlk:\tffff\nSigIgn:\t0000000000001002\nSigCgt:\t0\n");
        assert_eq!(told, Some(0x1002));
        let ignored = [SIGHUP, SIGINT, SIGTERM, 13].map(|signal| has(0x1002, signal));
        assert_eq!(ignored, [false, true, false, true]);
        assert!(!has(u64::MAX, 65), "there are 64");
        assert_eq!(mask("SigIgn: none"), None);
    }
}

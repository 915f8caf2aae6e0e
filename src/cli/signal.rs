//! What is left to do when a signal ends the program.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;

/// Removes a file, if it is still there, when a signal ends the program from now on; the program ends
/// by the signal as it would without. What is half written may hold what was opened with keys.
///
/// # Errors
/// The system gives no handler, or no thread.
pub(super) fn remove_when_ended(path: PathBuf) -> io::Result<()> {
    let ignored = ignored();
    let ends = [SIGHUP, SIGINT, SIGTERM];
    let ends = ends.into_iter().filter(|signal| !has(ignored, *signal));
    let mut signals = Signals::new(ends)?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in &mut signals {
                // Whoever moved it to its place was quicker.
                let _ = fs::remove_file(&path);
                let _ = emulate_default_handler(signal);
            }
        })?;
    Ok(())
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

//! How long the worst of many mutations of captures takes, and how much memory: none may panic, take
//! more than two seconds or more than 200 MiB.
//!
//!     cargo bench --bench mutations -- TIMES SEED CAPTURE...
//!
//! Without captures those that the project ships are mutated. A line for each capture; exit code 1
//! where a bound was broken, with the place in the sequence, which is the same for the same seed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what is wrong here is a mistake of the measurement"
)]

#[path = "../tests/it/dice.rs"]
mod dice;

use dice::{Dice, LARGEST};
use espial::capture::Input;
use espial::report::{Diagnosis, Selection, json, ndjson};
use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The longest that one run may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most memory that the process may have, in MiB.
const ROOM: u64 = 200;

/// Mutations of each capture unless it is said.
const TIMES: u64 = 100;

fn main() -> ExitCode {
    // Cargo says that it is a bench.
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let mut number = |usual| {
        words
            .next()
            .map_or(usual, |word| word.parse().expect("a number"))
    };
    let (times, seed) = (number(TIMES), number(0));
    let mut paths: Vec<PathBuf> = words.map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = shipped();
    }
    let mut held = true;
    let scrap = std::env::temp_dir().join(format!("espial-mutations-{}", std::process::id()));
    for path in &paths {
        let mut octets = fs::read(path).expect("the capture can be read");
        octets.truncate(LARGEST);
        held &= attack(path, &[octets], times, seed, &scrap);
    }
    let _ = fs::remove_file(scrap);
    println!(
        "{} captures, {times} mutations of each, seed {seed}",
        paths.len()
    );
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The captures that the project ships, those of folders left out.
fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let cases = fs::read_dir(folder).expect("there are captures");
    let cases = cases.map(|case| case.expect("they can be listed").path());
    let mut found: Vec<PathBuf> = cases
        .map(|case| case.join("capture.pcapng"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

/// Mutates one capture so many times; whether all bounds were kept.
fn attack(path: &Path, seeds: &[Vec<u8>], times: u64, seed: u64, scrap: &Path) -> bool {
    let mut dice = Dice::new(seed);
    let (mut longest, mut panics) = (Duration::ZERO, 0);
    let mut worst = 0;
    forget_peak();
    for place in 0..times {
        fs::write(scrap, dice.mutate(seeds)).expect("a file can be written");
        let (begun, before) = (Instant::now(), on_processors());
        let outcome = catch_unwind(AssertUnwindSafe(|| read(scrap, place % 4 == 0)));
        let wall = begun.elapsed();
        // Other programs may have had the processor in between.
        let spent = before
            .zip(on_processors())
            .map(|(before, after)| after - before);
        let took = spent.map_or(wall, |spent| spent.min(wall));
        if took > longest {
            (longest, worst) = (took, place);
        }
        if outcome.is_err() {
            println!("{}: mutation {place} panics", path.display());
            panics += 1;
        }
    }
    let peak = peak();
    println!(
        "{}: {panics} panics, at most {longest:.1?} (mutation {worst}), {peak:?} MiB",
        path.display()
    );
    panics == 0 && longest <= PATIENCE && peak.is_none_or(|peak| peak <= ROOM)
}

/// What `diagnose` does with it, or `dissect`.
fn read(path: &Path, line_by_line: bool) {
    let Ok(input) = Input::open(path, 0) else {
        return;
    };
    let options = espial::Options {
        threads: std::num::NonZeroUsize::new(1),
        ..espial::Options::default()
    };
    let mut out = Vec::new();
    if line_by_line {
        let mut visit = |datagram: &espial::net::Datagram<'_>, time, reading: &_| {
            out.clear();
            espial::report::dissect::write_ndjson(&mut out, datagram, time, reading)
                .expect("memory takes it");
            ControlFlow::Continue(())
        };
        espial::dissect(vec![input], &options, &mut visit).expect("threads start");
    } else {
        let analysis = espial::analyze(vec![input], &options).expect("threads start");
        let selection = Selection::default();
        let diagnosis = Diagnosis::new(&analysis.model, &analysis.findings, &selection);
        json::write(&mut out, &diagnosis).expect("memory takes it");
        ndjson::write(&mut out, &diagnosis.findings).expect("memory takes it");
    }
}

/// Time that this process has spent on processors, in steps of a hundredth of a second; `None` where
/// the system does not tell.
fn on_processors() -> Option<Duration> {
    let told = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = told.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

/// The most memory since [`forget_peak`], in MiB; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let told = fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibi = line.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kibi / 1024)
}

/// Lets the peak be counted anew, where the system can.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

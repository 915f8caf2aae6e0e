//! Floods of every kind: memory stays within bounds, time grows no faster than the flood, and what was
//! left out is told.

use crate::floods::{self, Make};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Packets of the smaller of two floods; the other has eight times as many.
const FEW: u32 = 250;
const TIMES: u32 = 8;

/// How much longer the larger may take: half of it is for chance. If time grew by the square, it would
/// be 64.
const LONGER: u32 = 16;

/// Less time than this is mostly that of starting the program and of chance.
const LEAST: Duration = Duration::from_millis(150);

/// Octets of address space, which holds the program, its threads and whatever they take.
const SPACE: u64 = 768 << 20;

/// What a run gave.
struct Run {
    code: Option<i32>,
    /// Standard output, if it was asked for.
    text: String,
    /// Time on processors, where the system tells, else by the clock.
    time: Duration,
}

/// Writes a file that is read by a run within [`SPACE`].
fn run(name: &str, octets: &[u8], arguments: &[&str]) -> Run {
    let path = file(name, octets);
    // A shell that knows no such limit says so, and the run goes on without.
    let limited = format!("ulimit -v {} 2>/dev/null; exec \"$0\" \"$@\"", SPACE >> 10);
    let mut child = Command::new("/bin/sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_espial")])
        .args(arguments)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut text = String::new();
    let mut out = child.stdout.take().unwrap();
    out.read_to_string(&mut text).unwrap();
    let on_processors = time_of(child.id());
    let code = child.wait().unwrap().code();
    let time = on_processors.unwrap_or(begun.elapsed());
    fs::remove_file(path).unwrap();
    Run { code, text, time }
}

fn file(name: &str, octets: &[u8]) -> PathBuf {
    let name = format!("flood {name}.pcap").replace(' ', "-");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, octets).unwrap();
    path
}

/// Time that a process has spent on processors; it must be over, or nearly, and not waited for.
fn time_of(process: u32) -> Option<Duration> {
    /// Nearly every system counts so many in a second.
    const TICKS: u64 = 100;
    let path = format!("/proc/{process}/stat");
    loop {
        let told = fs::read_to_string(&path).ok()?;
        // The name, in parentheses, may hold anything.
        let mut fields = told.rsplit_once(')')?.1.split_whitespace();
        if fields.next()? != "Z" {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        let (user, system) = (fields.nth(10)?, fields.next()?);
        let ticks = user.parse::<u64>().ok()? + system.parse::<u64>().ok()?;
        return Some(Duration::from_millis(ticks * 1000 / TICKS));
    }
}

/// Runs floods of both sizes, with more arguments, and says which took too long or failed.
fn stay_linear(floods: &[(&str, Make)], more: &[&str]) {
    let arguments = [&["diagnose", "-q", "-j", "1", "-f", "json"], more].concat();
    let mut wrong = Vec::new();
    for (name, make) in floods {
        let of = |size| run(name, &make(size), &arguments);
        let (few, many) = (of(FEW), of(FEW * TIMES));
        if many.time > few.time.max(LEAST) * LONGER {
            let (few, many) = (few.time, many.time);
            wrong.push(format!("{name}: {few:?}, {TIMES} times as many {many:?}"));
        }
        for (run, size) in [(few, FEW), (many, FEW * TIMES)] {
            let whole = serde_json::from_str::<serde_json::Value>(&run.text).is_ok();
            if !whole || !matches!(run.code, Some(0 | 1 | 3)) {
                wrong.push(format!("{name}: {size} of them end it with {:?}", run.code));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
#[cfg(unix)]
fn floods_of_ike_take_linear_time_and_little_memory() {
    stay_linear(floods::IKE, &[]);
}

#[test]
#[cfg(unix)]
fn floods_of_ike_that_keys_open_take_linear_time_and_little_memory() {
    let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys of floods.toml");
    fs::write(&keys, floods::KEYS).unwrap();
    stay_linear(floods::KEYED, &["-k", keys.to_str().unwrap()]);
    fs::remove_file(keys).unwrap();
}

#[test]
#[cfg(unix)]
fn floods_of_packets_take_linear_time_and_little_memory() {
    stay_linear(floods::PACKETS, &[]);
}

#[test]
#[cfg(unix)]
fn floods_in_files_take_linear_time_and_little_memory() {
    stay_linear(floods::FILES, &[]);
}

#[test]
fn what_is_beyond_a_limit_is_told() {
    for (floods, name, size, told) in [
        (
            floods::PACKETS,
            "keepalives of many senders",
            4100,
            "NAT keepalives on further paths",
        ),
        (
            floods::IKE,
            "messages outside of any IKE SA of many senders",
            4100,
            "IKE messages outside of any IKE SA, of further kinds",
        ),
        (
            floods::PACKETS,
            "packets in clear of many senders",
            4100,
            "packets in clear of further pairs",
        ),
        (
            floods::PACKETS,
            "ICMP errors of many kinds",
            4100,
            "ICMP errors of further kinds",
        ),
        (floods::FILES, "interfaces", 300, "at 44 further interfaces"),
    ] {
        let (_, make) = floods.iter().find(|flood| flood.0 == name).unwrap();
        let path = file(&format!("beyond {name}"), &make(size));
        let inputs = espial::capture::expand(&[path]).unwrap();
        let model = espial::analyze(inputs, &espial::Options::default())
            .unwrap()
            .model;
        let mut blind = model.blind.iter().map(|one| one.what.to_string());
        assert!(blind.any(|what| what.contains(told)), "{name}: {told}");
    }
}

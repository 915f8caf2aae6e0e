//! A window of time says what a capture says that holds nothing else.

use crate::clocks::AHEAD;
use crate::run;
use crate::variants::{Recorded, alarms, frames, octets, said_within};
use std::ops::RangeInclusive;
use std::path::Path;

/// The times from one part of a recording to another, in hundredths.
fn part(frames: &[Recorded], [from, to]: [i64; 2]) -> RangeInclusive<i64> {
    let times = || frames.iter().map(|frame| frame.time);
    let (first, last) = (times().min().unwrap(), times().max().unwrap());
    let at = |hundredths| first + (last - first) / 100 * hundredths;
    at(from)..=at(to)
}

#[test]
fn a_window_is_a_capture_of_its_own() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
    std::fs::create_dir_all(&root).unwrap();
    let (mut tried, mut shifted, mut wrong) = (0, 0, Vec::new());
    for case in run::cases() {
        let mut taps: Vec<_> = [Some(&case.capture), case.capture_b.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| frames(path))
            .collect();
        // A recording without a frame has no time.
        if taps.iter().any(Vec::is_empty) {
            continue;
        }
        if let [_, there] = taps.as_mut_slice() {
            there.iter_mut().for_each(|frame| frame.time += AHEAD);
        }
        let times = part(&taps[0], [20, 80]);
        let files = |name: &str, keep: &dyn Fn(&&Recorded) -> bool| -> Vec<_> {
            let write = |(at, frames): (usize, &Vec<Recorded>)| {
                let path = root.join(format!("{}-{name}-{at}.pcapng", case.name()));
                let kept: Vec<_> = frames.iter().filter(keep).cloned().collect();
                std::fs::write(&path, octets(&kept)).unwrap();
                path
            };
            taps.iter().enumerate().map(write).collect()
        };
        let whole = files("whole", &|_| true);
        let cut = files("cut", &|frame| times.contains(&frame.time));
        for ring in case.rings() {
            let window = said_within(&whole, &ring, Some(&times));
            let alone = said_within(&cut, &ring, None);
            let [told, expected] = [&window, &alone].map(alarms);
            if told != expected {
                wrong.push(format!(
                    "{}:\n  window {told:?}\n  alone  {expected:?}",
                    case.name()
                ));
            }
            tried += 1;
            shifted += usize::from(window.model.inputs.iter().any(|input| input.shift.0 != 0));
        }
        for path in whole.iter().chain(&cut) {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(
        tried > 400 && shifted > 50,
        "{tried} were tried, {shifted} of them shifted"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_was_passed_over_is_told() {
    let capture = run::root().join("captures/path-dies/capture.pcapng");
    let frames = frames(&capture);
    let told = |since: i64| {
        let since = format!("{}.{:09}", since / 1_000_000_000, since % 1_000_000_000);
        run::stdout([
            "diagnose".as_ref(),
            "--since".as_ref(),
            since.as_ref(),
            capture.as_os_str(),
        ])
    };
    let last = frames.last().unwrap().time;
    let nothing = told(last + 1);
    let all = frames.len();
    assert!(
        nothing.starts_with(&format!("UNDECIDED  none of {all} frames is of the time")),
        "{nothing}"
    );
    assert!(!nothing.contains("carry no time"), "{nothing}");
    let one = told(last);
    assert!(
        one.contains(&format!("{} frames passed over", all - 1)),
        "{one}"
    );
}

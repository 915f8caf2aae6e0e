//! By which clock a second tap recorded makes no difference to what is told of a tunnel.

use crate::run;
use crate::variants::{alarms, frames, octets, said};
use espial::model::Model;
use espial::units::Span;
use std::path::Path;

/// A clock that nobody sets: so far off, the recordings of a minute still overlap.
pub const AHEAD: i64 = 3_700_000_000;

/// What two taps that are `AHEAD` apart may be taken for: half of what their packets took there and back is not known.
const DOUBT: i64 = 500_000_000;

/// Whether packets of both taps tell how far their clocks are apart, within the doubt.
fn compares(model: &Model) -> bool {
    let mut pairs = model.tunnels.iter().flat_map(|tunnel| &tunnel.taps);
    pairs.any(|pair| {
        let clock = pair
            .clock
            .filter(|_| pair.taps[0].input != pair.taps[1].input);
        clock.is_some_and(|clock| clock.uncertainty.0 < DOUBT)
    })
}

#[test]
fn a_clock_that_is_wrong_makes_no_difference() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clocks");
    std::fs::create_dir_all(&root).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for case in run::cases() {
        let Some(there) = &case.capture_b else {
            continue;
        };
        let mut there = frames(there);
        let paths = [
            case.capture.clone(),
            root.join(format!("{}.pcapng", case.name())),
        ];
        let rings = case.rings();
        let mut told = |ahead: i64| {
            there.iter_mut().for_each(|frame| frame.time += ahead);
            std::fs::write(&paths[1], octets(&there)).unwrap();
            rings
                .iter()
                .map(|ring| said(&paths, ring))
                .collect::<Vec<_>>()
        };
        let (right, apart) = (told(0), told(AHEAD));
        std::fs::remove_file(&paths[1]).unwrap();
        for (right, apart) in right.iter().zip(&apart) {
            let is_one = apart.model.inputs[1].set == apart.model.inputs[0].set;
            if is_one || !compares(&right.model) {
                continue;
            }
            let shift = apart.model.inputs[1].shift;
            let [before, after] = [right, apart].map(alarms);
            if before != after || (shift.0 + AHEAD).abs() > DOUBT {
                wrong.push(format!(
                    "{}, {shift} added:\n  right {before:?}\n  apart {after:?}",
                    case.name()
                ));
            }
            assert_eq!(right.model.inputs[1].shift, Span(0), "{}", case.name());
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried} were tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

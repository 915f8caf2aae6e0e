//! Goes into the copy of the program that has all mutants: which of them is on, and which were reached.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

const MOST: usize = 1 << 15;

static REACHED: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];

/// The one that is on; none if 0. What `MUTANT` says, until told otherwise.
static ON: AtomicU32 = AtomicU32::new(UNTOLD);
const UNTOLD: u32 = u32::MAX;

/// Switches one on, and off the one before.
pub fn turn_on(mutant: u32) {
    ON.store(mutant, Relaxed);
}

/// Those that were passed since they were last asked for.
pub fn reached() -> Vec<u32> {
    let passed = |mutant: &u32| REACHED[*mutant as usize].swap(false, Relaxed);
    (0..MOST as u32).filter(passed).collect()
}

/// Whether a mutant is on.
pub fn is(mutant: u32) -> bool {
    which(mutant, 1) == 1
}

/// Which of several mutants of one place is on, counted from 1; 0 if none.
pub fn which(first: u32, many: u32) -> u32 {
    for mutant in first..first + many {
        REACHED[mutant as usize].store(true, Relaxed);
    }
    let mut on = ON.load(Relaxed);
    if on == UNTOLD {
        on = std::env::var("MUTANT").map_or(0, |mutant| mutant.parse().unwrap());
        turn_on(on);
    }
    if (first..first + many).contains(&on) { on - first + 1 } else { 0 }
}

/// `<`, `==`, `>` or `<=`.
pub fn less<A: PartialOrd<B> + ?Sized, B: ?Sized>(first: u32, left: &A, right: &B) -> bool {
    match which(first, 3) {
        1 => left == right,
        2 => left > right,
        3 => left <= right,
        _ => left < right,
    }
}

/// `>`, `==`, `<` or `>=`.
pub fn more<A: PartialOrd<B> + ?Sized, B: ?Sized>(first: u32, left: &A, right: &B) -> bool {
    match which(first, 3) {
        1 => left == right,
        2 => left < right,
        3 => left >= right,
        _ => left > right,
    }
}

//! Which sequence numbers of a flow came, exactly: what two taps are compared by.

use super::esp_flow::AnomalyKind;
use crate::limits;
use crate::units::{FrameId, Timestamp};

/// Numbers that follow one another, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NumberRun {
    /// The lowest.
    pub first: u32,
    /// The highest.
    pub last: u32,
}

impl NumberRun {
    /// The numbers from `first` to `last`; `None` if there are none.
    pub fn of(first: u32, last: u32) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// How many numbers it has.
    pub fn length(self) -> u64 {
        u64::from(self.last.saturating_sub(self.first)) + 1
    }

    fn meet(self, other: Self) -> Option<Self> {
        Self::of(self.first.max(other.first), self.last.min(other.last))
    }
}

/// How many numbers these runs have.
pub fn length(runs: &[NumberRun]) -> u64 {
    runs.iter().map(|run| run.length()).sum()
}

/// A packet by its number: every packet whose number is a multiple of a power of two, that grows
/// with the flow. So two taps keep the same ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sample {
    /// Its sequence number.
    pub number: u32,
    /// Its frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Octets from the SPI to the end of the checksum.
    pub size: u32,
}

/// The numbers that came: all from the first to the last but those in the holes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Numbers {
    first: u32,
    last: u32,
    /// Those that did not come, in order, none touching another.
    holes: Vec<NumberRun>,
}

impl Numbers {
    /// A flow that begins with this number.
    pub fn new(number: u32) -> Self {
        Self {
            first: number,
            last: number,
            holes: Vec::new(),
        }
    }

    /// The lowest that came.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// The highest that came.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// Holes so far.
    pub fn holes(&self) -> usize {
        self.holes.len()
    }

    /// Takes a number that is not the one after the last. False if the numbers can be followed no
    /// more: the counter began again, or there are more than [`limits::FLOW_HOLES`] holes.
    pub fn note(&mut self, number: u32, kind: AnomalyKind) -> bool {
        match kind {
            AnomalyKind::Gap(skipped) => {
                let hole = number
                    .checked_sub(skipped)
                    .zip(number.checked_sub(1))
                    .and_then(|(first, last)| NumberRun::of(first, last));
                let highest = self.holes.last().map_or(self.first, |hole| hole.last);
                match hole.filter(|hole| hole.first > highest) {
                    Some(hole) => self.holes.push(hole),
                    None => return false,
                }
            }
            AnomalyKind::Late(_) => self.fill(number),
            AnomalyKind::Duplicate(_) => {}
            AnomalyKind::Restart(_) => return false,
        }
        self.holes.len() <= limits::FLOW_HOLES
    }

    /// The whole, once the highest number is known; `None` if the counter went round.
    pub fn close(mut self, highest: u32) -> Option<Self> {
        let before = self.holes.last().map_or(self.first, |hole| hole.last);
        self.last = highest;
        (before <= highest).then_some(self)
    }

    fn fill(&mut self, number: u32) {
        if number < self.first {
            if let Some(hole) = NumberRun::of(number.saturating_add(1), self.first - 1) {
                self.holes.insert(0, hole);
            }
            self.first = number;
            return;
        }
        let place = self.holes.partition_point(|hole| hole.last < number);
        let Some(hole) = self.holes.get(place).copied() else {
            return;
        };
        if number < hole.first {
            return;
        }
        let below = number
            .checked_sub(1)
            .and_then(|last| NumberRun::of(hole.first, last));
        let above = number
            .checked_add(1)
            .and_then(|first| NumberRun::of(first, hole.last));
        let parts = below.into_iter().chain(above);
        self.holes.splice(place..=place, parts);
    }

    /// The numbers within `span` that did not come.
    pub fn missing(&self, span: NumberRun) -> Vec<NumberRun> {
        let before = self
            .first
            .checked_sub(1)
            .and_then(|last| NumberRun::of(span.first, last));
        let after = self
            .last
            .checked_add(1)
            .and_then(|first| NumberRun::of(first, span.last));
        let place = self.holes.partition_point(|hole| hole.last < span.first);
        before
            .into_iter()
            .chain(self.holes.iter().skip(place).copied())
            .chain(after)
            .filter_map(|run| run.meet(span))
            .collect()
    }

    /// The numbers within `span` that came here and not there.
    pub fn without(&self, there: &Self, span: NumberRun) -> Vec<NumberRun> {
        subtract(&there.missing(span), &self.missing(span))
    }
}

/// The numbers of `runs` that are not among `others`; both are in order.
fn subtract(runs: &[NumberRun], others: &[NumberRun]) -> Vec<NumberRun> {
    let mut left = Vec::new();
    let mut others = others.iter().copied().peekable();
    for run in runs {
        let mut rest = Some(*run);
        while let (Some(now), Some(other)) = (rest, others.peek().copied()) {
            if other.first > now.last {
                break;
            }
            left.extend(
                other
                    .first
                    .checked_sub(1)
                    .and_then(|last| NumberRun::of(now.first, last.min(now.last))),
            );
            rest = other
                .last
                .checked_add(1)
                .and_then(|first| NumberRun::of(first.max(now.first), now.last));
            // What reaches beyond this run may take from the next.
            if other.last > now.last {
                break;
            }
            others.next();
        }
        left.extend(rest);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The numbers of a flow in the order of arrival, as a census notes them.
    fn numbers(order: &[u32]) -> Numbers {
        let mut numbers = Numbers::new(order[0]);
        let mut came = BTreeSet::from([order[0]]);
        for number in &order[1..] {
            let highest = *came.last().unwrap();
            let kind = match came.insert(*number) {
                false => AnomalyKind::Duplicate(0),
                true if *number < highest => AnomalyKind::Late(highest - number),
                true if *number == highest + 1 => continue,
                true => AnomalyKind::Gap(number - highest - 1),
            };
            assert!(numbers.note(*number, kind));
        }
        numbers.close(*came.last().unwrap()).unwrap()
    }

    proptest! {
        /// Runs say what sets of all numbers say.
        #[test]
        fn agrees_with_sets(
            here in prop::collection::vec(1u32..40, 1..60),
            there in prop::collection::vec(1u32..40, 1..60),
            span in (1u32..40, 0u32..40),
        ) {
            let span = NumberRun { first: span.0, last: span.0 + span.1 };
            let found: Vec<u32> = numbers(&here)
                .without(&numbers(&there), span)
                .iter()
                .flat_map(|run| run.first..=run.last)
                .collect();
            let there: BTreeSet<u32> = there.into_iter().collect();
            let here: BTreeSet<u32> = here.into_iter().collect();
            let expected: Vec<u32> = here
                .difference(&there)
                .copied()
                .filter(|number| (span.first..=span.last).contains(number))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_counter_that_goes_round_or_begins_again_is_not_followed() {
        let mut numbers = Numbers::new(u32::MAX - 1);
        assert!(!numbers.note(1, AnomalyKind::Gap(2)));
        assert_eq!(Numbers::new(u32::MAX).close(3), None);
        assert!(!Numbers::new(9).note(1, AnomalyKind::Restart(9)));
    }
}

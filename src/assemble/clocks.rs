//! Inputs whose clocks are far apart, and what brings their times together.
//!
//! Two gateways recorded the same packets, and one of them does not keep time. What came before what is then known within
//! each recording alone, and most that is asked of both is wrong.

use crate::model::{ClockOffset, Model};
use crate::units::Span;
use std::collections::BTreeMap;

/// Clocks that differ by less change nothing that counts: no answer is waited for so short a time.
const APART: Span = Span::from_millis(200);

/// What to add to the times of each input, so that they are by the clock of the first one with the same packets; `None`
/// if no clocks are apart.
pub fn shifts(model: &Model) -> Option<Vec<Span>> {
    let offsets = offsets(model);
    let mut shifts: BTreeMap<u16, Span> = BTreeMap::new();
    for set in model.inputs.iter().map(|input| input.set) {
        if shifts.contains_key(&set) {
            continue;
        }
        shifts.insert(set, Span::default());
        let mut reached = vec![set];
        while let Some(from) = reached.pop() {
            let base = shifts.get(&from).copied().unwrap_or_default();
            for ((_, to), ahead) in offsets.range((from, 0)..=(from, u16::MAX)) {
                if !shifts.contains_key(to) {
                    shifts.insert(*to, Span(base.0.saturating_sub(ahead.0)));
                    reached.push(*to);
                }
            }
        }
    }
    let of_input = |set: u16| shifts.get(&set).copied().unwrap_or_default();
    let shifts: Vec<Span> = model.inputs.iter().map(|row| of_input(row.set)).collect();
    shifts
        .iter()
        .any(|shift| *shift != Span(0))
        .then_some(shifts)
}

/// How far the clock of one set of inputs is ahead of another's, both ways round: by the tunnel that tells it best, and
/// nothing where that is no more than what is usual.
fn offsets(model: &Model) -> BTreeMap<(u16, u16), Span> {
    let mut best: BTreeMap<(u16, u16), ClockOffset> = BTreeMap::new();
    for pair in model.tunnels.iter().flat_map(|tunnel| &tunnel.taps) {
        let [a, b] = pair.taps.map(|tap| tap.input);
        let Some(clock) = pair.clock.filter(|_| a != b) else {
            continue;
        };
        let known = best.entry((a, b)).or_insert(clock);
        if clock.uncertainty < known.uncertainty {
            *known = clock;
        }
    }
    let ways = best.into_iter().flat_map(|((a, b), clock)| {
        let ahead = match is_apart(&clock) {
            true => clock.offset,
            false => Span::default(),
        };
        [((a, b), ahead), ((b, a), Span(ahead.0.saturating_neg()))]
    });
    ways.collect()
}

/// Whether clocks are further apart than usual, beyond all doubt.
fn is_apart(clock: &ClockOffset) -> bool {
    let offset = clock.offset.0.saturating_abs();
    offset >= APART.0 && offset / 4 >= clock.uncertainty.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Input, Lie, TapPair};
    use crate::testing::model;
    use crate::units::Vantage;

    /// What is added where the pairs of inputs are so many milliseconds apart, give or take so many.
    fn shifted(inputs: u16, pairs: &[(u16, u16, i64, i64)]) -> Option<Vec<i64>> {
        let mut model = model("1 A > B ESP 0xb1 seq 1..4 every 1");
        let tap = |input| Vantage {
            input,
            interface: 0,
        };
        let of_set = |set| Input {
            set,
            ..Input::default()
        };
        model.inputs = (0..inputs).map(of_set).collect();
        let taps = pairs.iter().map(|(a, b, offset, uncertainty)| TapPair {
            taps: [tap(*a), tap(*b)],
            lie: Lie::Unknown,
            clock: Some(ClockOffset {
                offset: Span::from_millis(*offset),
                uncertainty: Span::from_millis(*uncertainty),
                round_trip: None,
            }),
            crossings: Default::default(),
        });
        for tunnel in model.tunnels.iter_mut() {
            tunnel.taps = taps.clone().collect();
        }
        let told = shifts(&model)?;
        Some(told.iter().map(|shift| shift.0 / 1_000_000).collect())
    }

    #[test]
    fn the_first_of_those_that_share_packets_has_the_clock() {
        assert_eq!(shifted(2, &[(0, 1, 5000, 10)]), Some(vec![0, -5000]));
        let chain = [(0, 1, 5000, 10), (1, 2, -2000, 10)];
        assert_eq!(shifted(4, &chain), Some(vec![0, -5000, -3000, 0]));
        // The second is reached by the third alone.
        let back = [(1, 2, -2000, 10), (0, 2, 7000, 10)];
        assert_eq!(shifted(3, &back), Some(vec![0, -9000, -7000]));
    }

    #[test]
    fn what_tells_it_best_counts() {
        let pairs = [(0, 1, 6000, 900), (0, 1, 5000, 10), (0, 1, 4000, 500)];
        assert_eq!(shifted(2, &pairs), Some(vec![0, -5000]));
    }

    #[test]
    fn what_is_usual_or_in_doubt_shifts_nothing() {
        assert_eq!(shifted(2, &[(0, 1, 199, 1)]), None);
        assert_eq!(shifted(2, &[(0, 1, 200, 51)]), None);
        assert_eq!(shifted(2, &[(0, 1, 200, 50)]), Some(vec![0, -200]));
        assert_eq!(shifted(2, &[(0, 0, 9000, 1)]), None);
    }
}

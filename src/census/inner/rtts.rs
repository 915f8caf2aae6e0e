//! Round trips, thinned out as they become many.

use crate::limits;
use crate::model::Rtt;

/// Thins out a series: it holds the shortest of each group of neighbours.
#[derive(Debug)]
pub(super) struct RttCounter {
    /// How many samples stand behind each row.
    stride: u32,
    /// How many stand behind the last one so far.
    run: u32,
}

impl Default for RttCounter {
    fn default() -> Self {
        Self { stride: 1, run: 0 }
    }
}

impl RttCounter {
    /// Adds a sample.
    pub(super) fn push(&mut self, rows: &mut Vec<Rtt>, sample: Rtt) {
        match rows.last_mut() {
            Some(last) if self.run > 0 && self.run < self.stride => {
                if sample.rtt < last.rtt {
                    *last = sample;
                }
                self.run += 1;
            }
            _ => {
                if rows.len() >= limits::INNER_RTTS {
                    let shortest = |pair: &[Rtt]| pair.iter().copied().min_by_key(|row| row.rtt);
                    *rows = rows.chunks(2).filter_map(shortest).collect();
                    self.stride = self.stride.saturating_mul(2);
                }
                rows.push(sample);
                self.run = 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{FrameId, Span, Timestamp};

    #[test]
    fn of_many_round_trips_the_shortest_stay() {
        let (mut counter, mut rows) = (RttCounter::default(), Vec::new());
        for number in 0..10_000 {
            let frame = FrameId { input: 0, number };
            let at = (frame, Timestamp(number as i64));
            let rtt = Span(if number % 700 == 0 { 5 } else { 50 });
            counter.push(&mut rows, Rtt { at, rtt });
        }
        assert!(rows.len() <= limits::INNER_RTTS && rows.len() >= limits::INNER_RTTS / 2);
        assert!(rows.iter().filter(|row| row.rtt == Span(5)).count() >= 12);
        assert!(rows.is_sorted_by_key(|row| row.at));
    }
}

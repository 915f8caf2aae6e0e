//! Whether the recording system's clock was set back.

use crate::limits;
use crate::model::ClockStep;
use crate::scan::Times;
use crate::units::{FrameId, Timestamp};

/// So many packets in a row that all lie before the latest are not out of order: from then on the
/// clock shows another time.
const LASTING: u32 = 8;

/// The clock as the packets of one vantage set show it, in file order.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The set that is being read.
    set: u16,
    latest: Option<Timestamp>,
    /// The first packet that lies far before the latest, and how many followed it that do.
    behind: Option<((FrameId, Timestamp), u32)>,
    steps: Vec<ClockStep>,
}

impl Clock {
    /// Looks at the next packet.
    #[inline]
    pub(super) fn tick(&mut self, set: u16, at: (FrameId, Timestamp)) {
        match self.latest {
            Some(latest) if set == self.set && at.1 < latest => self.look(latest, at),
            _ => {
                // Every set has a clock of its own.
                self.set = set;
                self.latest = Some(at.1);
                self.behind = None;
            }
        }
    }

    /// Looks at many packets at once, none of which is earlier by a step than one before it among
    /// them. False if that cannot be, since they begin where the clock was set back.
    pub(super) fn pass(&mut self, set: u16, times: &Times) -> bool {
        match self.latest {
            Some(latest) if set == self.set => {
                if latest.since(times.earliest) >= Times::STEP {
                    return false;
                }
                if times.latest >= latest {
                    self.latest = Some(times.latest);
                    self.behind = None;
                }
            }
            _ if times.last.is_none() => {}
            _ => {
                self.set = set;
                self.latest = Some(times.latest);
                self.behind = None;
            }
        }
        true
    }

    /// The steps, in file order.
    pub(super) fn finish(self) -> Vec<ClockStep> {
        self.steps
    }

    #[cold]
    fn look(&mut self, latest: Timestamp, at: (FrameId, Timestamp)) {
        if latest.since(at.1) < Times::STEP {
            return;
        }
        let (first, count) = self.behind.unwrap_or((at, 0));
        self.behind = Some((first, count + 1));
        if count < LASTING {
            return;
        }
        if self.steps.len() < limits::CLOCK_STEPS {
            self.steps.push(ClockStep {
                frame: first.0,
                time: first.1,
                back: latest.since(first.1),
            });
        }
        self.latest = Some(at.1);
        self.behind = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps that packets at these seconds show: frame and seconds.
    fn steps(seconds: impl IntoIterator<Item = i64>) -> Vec<(u64, i64)> {
        let mut clock = Clock::default();
        for (number, second) in (1..).zip(seconds) {
            let time = Timestamp(second * 1_000_000_000);
            clock.tick(0, (FrameId { input: 0, number }, time));
        }
        let steps = clock.finish().into_iter();
        steps
            .map(|step| (step.frame.number, step.back.0 / 1_000_000_000))
            .collect()
    }

    #[test]
    fn a_clock_that_is_set_back_stays_there() {
        assert_eq!(steps((0..100).chain(60..160)), [(101, 39)]);
    }

    #[test]
    fn packets_out_of_order_set_no_clock() {
        assert_eq!(steps([0, 30, 10, 20, 60, 40, 50, 90, 70, 80, 120]), []);
    }

    #[test]
    fn many_at_once_are_passed_unless_they_begin_where_the_clock_was_set_back() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let times = |earliest, latest| Times {
            earliest: at(earliest),
            latest: at(latest),
            last: Some(at(latest)),
            steady: true,
        };
        let frame = FrameId {
            input: 0,
            number: 1,
        };
        let mut clock = Clock::default();
        // A chunk without any time sets no clock.
        let none = Times {
            last: None,
            ..times(500, 500)
        };
        assert!(clock.pass(0, &none));
        assert!(clock.pass(0, &times(100, 110)));
        assert!(clock.pass(0, &times(110, 120)));
        assert!(!clock.pass(0, &times(90, 130)), "that is far before 120");
        // Another set has a clock of its own, however early it is.
        assert!(clock.pass(1, &times(10, 20)));
        assert!(clock.pass(1, &times(20, 30)));
        assert!(!clock.pass(1, &times(10, 40)));
        clock.tick(1, (frame, at(41)));
        assert_eq!(clock.finish(), []);
    }

    #[test]
    fn another_input_has_another_clock() {
        let mut clock = Clock::default();
        for number in 1..100 {
            let frame = FrameId { input: 0, number };
            clock.tick(
                (number / 50) as u16,
                (frame, Timestamp(-(number as i64 / 50) << 40)),
            );
        }
        assert_eq!(clock.finish(), []);
    }
}

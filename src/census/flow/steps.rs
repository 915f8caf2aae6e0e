//! How many packets of a flow came when: the timeline, and the longest silences.

use crate::limits;
use crate::model::{AnomalyKind, Silence, Timeline};
use crate::units::{FrameId, Span, Timestamp};
use std::ops::Range;

/// Silences shorter than this are not worth a line: pings and keepalives come once a second.
const SHORTEST_SILENCE: Span = Span::from_secs(2);

/// The timeline of a flow in the making. The step at hand is counted apart: nearly every packet
/// belongs to the same one as that before it.
#[derive(Debug)]
pub(super) struct Steps {
    /// When the first packet came: the first step begins there.
    begin: Timestamp,
    /// The step at hand, and packets of it.
    step: u32,
    count: u32,
    /// When it begins and ends. What is stamped before the first packet belongs to the first step.
    from: Timestamp,
    until: Timestamp,
    step_secs: u32,
    /// Packets of each step, but those of `count`.
    counts: Vec<u32>,
    lost: Vec<u32>,
}

impl Steps {
    /// Those of a flow whose first packet comes then.
    pub(super) fn new(begin: Timestamp) -> Self {
        Self {
            begin,
            step: 0,
            count: 0,
            from: Timestamp(i64::MIN),
            until: Timestamp(begin.0.saturating_add(Span::from_secs(1).0)),
            step_secs: 1,
            counts: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Reads where counting will, as [`super::FlowCounter::touch`] says.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        u64::from(self.count) ^ self.until.0.cast_unsigned()
    }

    /// Counts a packet.
    #[inline]
    pub(super) fn count(&mut self, time: Timestamp) {
        if !self.at_hand().contains(&time) {
            self.turn_to(time);
        }
        self.count_more(1);
    }

    /// The times of the step at hand.
    #[inline]
    pub(super) fn at_hand(&self) -> Range<Timestamp> {
        self.from..self.until
    }

    /// Counts so many packets of the step at hand.
    #[inline]
    pub(super) fn count_more(&mut self, packets: u32) {
        self.count = self.count.saturating_add(packets);
    }

    /// Notes numbers that were skipped before the packet counted last, or that it is one of them and
    /// came after all.
    pub(super) fn note_lost(&mut self, kind: AnomalyKind) {
        let skipped = match kind {
            AnomalyKind::Gap(skipped) => skipped,
            AnomalyKind::Late(_) => 0,
            AnomalyKind::Duplicate(_) | AnomalyKind::Restart(_) => return,
        };
        let step = self.step as usize;
        if skipped > 0 && self.lost.len() <= step {
            self.lost.resize(step + 1, 0);
        }
        if let Some(lost) = self.lost.get_mut(step) {
            *lost = match skipped {
                0 => lost.saturating_sub(1),
                skipped => lost.saturating_add(skipped),
            };
        }
    }

    /// The timeline as it stands.
    pub(super) fn finish(mut self) -> Timeline {
        self.set_down();
        Timeline {
            step_secs: self.step_secs,
            counts: self.counts,
            lost: self.lost,
        }
    }

    /// Goes to the step of a moment.
    #[cold]
    fn turn_to(&mut self, time: Timestamp) {
        self.set_down();
        let secs = u64::try_from(time.since(self.begin).0).unwrap_or(0) / 1_000_000_000;
        let mut step = secs / u64::from(self.step_secs);
        while step >= limits::TIMELINE_STEPS as u64 {
            self.double();
            step = secs / u64::from(self.step_secs);
        }
        let length = Span::from_secs(i64::from(self.step_secs)).0;
        self.step = u32::try_from(step).unwrap_or(u32::MAX);
        let from = self
            .begin
            .0
            .saturating_add(length.saturating_mul(i64::from(self.step)));
        self.until = Timestamp(from.saturating_add(length));
        self.from = Timestamp(if self.step == 0 { i64::MIN } else { from });
    }

    /// Adds the count of the step at hand to the others.
    fn set_down(&mut self) {
        let step = self.step as usize;
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(step) {
            *count = count.saturating_add(self.count);
        }
        self.count = 0;
    }

    fn double(&mut self) {
        self.step_secs = self.step_secs.saturating_mul(2);
        for steps in [&mut self.counts, &mut self.lost] {
            *steps = steps
                .chunks(2)
                .map(|pair| {
                    pair.iter()
                        .fold(0, |sum: u32, count| sum.saturating_add(*count))
                })
                .collect();
        }
    }
}

/// Keeps the silence between two packets if it is one of the longest.
#[inline]
pub(super) fn note_silence(
    silences: &mut Vec<Silence>,
    before: (FrameId, Timestamp),
    after: (FrameId, Timestamp),
) {
    if is_silence(before.1, after.1) {
        keep_silence(silences, before, after);
    }
}

/// Whether it is a silence that no packet comes between these times.
#[inline]
pub(super) fn is_silence(before: Timestamp, after: Timestamp) -> bool {
    after.since(before) >= SHORTEST_SILENCE
}

#[cold]
fn keep_silence(
    silences: &mut Vec<Silence>,
    before: (FrameId, Timestamp),
    after: (FrameId, Timestamp),
) {
    let length = after.1.since(before.1);
    let place = silences.partition_point(|silence| silence.length >= length);
    if place < limits::FLOW_SILENCES {
        silences.insert(
            place,
            Silence {
                length,
                before,
                after,
            },
        );
        silences.truncate(limits::FLOW_SILENCES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_keeps_its_sum_however_long_it_grows() {
        let mut steps = Steps::new(Timestamp(0));
        for second in (0..100_000).step_by(7) {
            steps.count(Timestamp(second * 1_000_000_000));
        }
        let timeline = steps.finish();
        let sum: u32 = timeline.counts.iter().sum();
        assert_eq!((sum, timeline.step_secs), (14_286, 512));
        let in_step = |step: usize| {
            let seconds = (0..100_000).step_by(7);
            seconds.filter(|second| second / 512 == step).count() as u32
        };
        let counts: Vec<u32> = (0..=99_995 / 512).map(in_step).collect();
        assert_eq!(timeline.counts, counts);
        assert!(timeline.counts.len() <= limits::TIMELINE_STEPS);
    }

    #[test]
    fn a_packet_stamped_before_the_first_belongs_to_the_first_step() {
        let mut steps = Steps::new(Timestamp(5_000_000_000));
        for second in [5, 6, 3, 7, 5] {
            steps.count(Timestamp(second * 1_000_000_000));
        }
        assert_eq!(steps.finish().counts, [3, 1, 1]);
    }

    #[test]
    fn the_longest_silences_are_kept_longest_first() {
        let mut silences = Vec::new();
        let at = |secs: i64| {
            (
                FrameId {
                    input: 0,
                    number: 1,
                },
                Timestamp(secs * 1_000_000_000),
            )
        };
        for (from, to) in [
            (0, 1),
            (1, 6),
            (6, 20),
            (20, 23),
            (23, 123),
            (123, 130),
            (130, 142),
        ] {
            note_silence(&mut silences, at(from), at(to));
        }
        let lengths: Vec<i64> = silences
            .iter()
            .map(|s| s.length.0 / 1_000_000_000)
            .collect();
        assert_eq!(lengths, [100, 14, 12, 7]);
    }
}

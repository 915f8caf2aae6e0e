//! How large the packets of a flow are, and when those of a size return.

use crate::limits;
use crate::model::{Rhythm, Sample, SizeTally};
use crate::units::{FrameId, Timestamp};

/// The sizes of a flow in the making.
#[derive(Debug)]
pub(super) struct Sizes {
    smallest: u32,
    largest: u32,
    residues: u16,
    /// Whether sizes are timed.
    timed: bool,
    /// The place in `counts` of the size that came last: trains repeat one.
    place: u32,
    /// Packets of each size in order of the first.
    counts: Vec<(u32, u32)>,
    others: u64,
    /// For each place in `counts` the rhythm of that size, once it is timed.
    rhythms: Vec<Option<Rhythm>>,
}

/// Stands for the place of a size that is not listed.
const UNLISTED: u32 = u32::MAX;

impl Sizes {
    /// Those of a flow whose first packet, which is not yet counted, has this size.
    pub(super) fn new(size: u32) -> Self {
        Self {
            smallest: size,
            largest: size,
            residues: residue(size),
            timed: false,
            place: 0,
            counts: vec![(size, 0)],
            others: 0,
            rhythms: Vec::new(),
        }
    }

    /// Times sizes from now on, and those of the packets before as far as these were kept.
    #[cold]
    pub(super) fn time(&mut self, before: &[Sample]) {
        self.timed = true;
        for sample in before {
            let place = self.counts.iter().position(|row| row.0 == sample.size);
            let place = place.and_then(|place| u32::try_from(place).ok());
            let at = (sample.frame, sample.time);
            self.note_time(place.unwrap_or(UNLISTED), sample.size, at);
        }
    }

    /// Reads where counting will, as [`super::FlowCounter::touch`] says.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        let count = self.counts.first().map_or(0, |row| row.1);
        // The sizes that came first are those that come most.
        let timed = self.rhythms.iter().take(4).flatten();
        timed.fold(u64::from(count), |all, rhythm| all ^ rhythm.squares)
    }

    /// Counts a packet, which may be a copy of one that came before: it tells nothing of when its sender sends.
    #[inline(always)]
    pub(super) fn count(&mut self, size: u32, at: (FrameId, Timestamp), is_copy: bool) {
        match self.counts.get_mut(self.place as usize) {
            Some(row) if row.0 == size => row.1 = row.1.saturating_add(1),
            _ => self.turn_to(size),
        }
        if self.timed && !is_copy {
            self.note_time(self.place, size, at);
        }
    }

    /// The tally as it stands, and the rhythms by size.
    pub(super) fn finish(mut self) -> (SizeTally, Vec<Rhythm>) {
        self.counts.sort_unstable();
        let mut rhythms: Vec<Rhythm> = self.rhythms.into_iter().flatten().collect();
        rhythms.sort_unstable_by_key(|rhythm| rhythm.size);
        let tally = SizeTally {
            smallest: self.smallest,
            largest: self.largest,
            residues: self.residues,
            counts: self.counts,
            others: self.others,
        };
        (tally, rhythms)
    }

    /// Goes to another size and counts a packet of it.
    #[inline]
    fn turn_to(&mut self, size: u32) {
        let sizes = self.counts.iter_mut().zip(0..);
        for (row, place) in sizes {
            if row.0 == size {
                row.1 = row.1.saturating_add(1);
                self.place = place;
                return;
            }
        }
        self.begin(size);
    }

    /// Counts a packet of a size that is not listed, and lists it if there is room.
    #[cold]
    fn begin(&mut self, size: u32) {
        self.smallest = self.smallest.min(size);
        self.largest = self.largest.max(size);
        self.residues |= residue(size);
        if self.counts.len() < limits::FLOW_SIZES {
            self.place = u32::try_from(self.counts.len()).unwrap_or(UNLISTED);
            self.counts.push((size, 1));
        } else {
            self.place = UNLISTED;
            self.others += 1;
        }
    }

    /// Notes when a packet of the size at this place came.
    #[inline]
    fn note_time(&mut self, place: u32, size: u32, at: (FrameId, Timestamp)) {
        if let Some(Some(rhythm)) = self.rhythms.get_mut(place as usize) {
            rhythm.take(at);
        } else if place != UNLISTED {
            self.begin_rhythm(place as usize, size, at);
        }
    }

    #[cold]
    fn begin_rhythm(&mut self, place: usize, size: u32, at: (FrameId, Timestamp)) {
        if self.rhythms.len() <= place {
            self.rhythms.resize(place + 1, None);
        }
        if let Some(slot) = self.rhythms.get_mut(place) {
            *slot = Some(Rhythm::new(size, at));
        }
    }
}

/// The bit of a size in [`SizeTally::residues`].
fn residue(size: u32) -> u16 {
    1 << (size % 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    fn at(millis: i64) -> (FrameId, Timestamp) {
        let frame = FrameId {
            input: 0,
            number: 1,
        };
        (frame, Timestamp(millis * 1_000_000))
    }

    #[test]
    fn sizes_beyond_the_list_are_still_counted() {
        let mut sizes = Sizes::new(0);
        for size in 0..100 {
            sizes.count(size, at(0), false);
            sizes.count(size, at(0), false);
        }
        let (tally, _) = sizes.finish();
        let listed: u64 = tally.counts.iter().map(|row| u64::from(row.1)).sum();
        assert_eq!((listed + tally.others, tally.residues), (200, u16::MAX));
        assert_eq!((tally.smallest, tally.largest), (0, 99));
        assert_eq!(tally.counts.len(), limits::FLOW_SIZES);
    }

    #[test]
    fn a_steady_beat_has_the_least_squares_of_its_mean() {
        let mut sizes = Sizes::new(140);
        sizes.time(&[]);
        for beat in 0..11 {
            sizes.count(140, at(beat * 5_000), false);
        }
        let (tally, rhythms) = sizes.finish();
        let ticks = 5_000_000_000_u64 >> 20;
        assert_eq!(rhythms.len(), 1);
        assert_eq!(
            (rhythms[0].packets, rhythms[0].squares),
            (11, 10 * ticks * ticks)
        );
        assert_eq!(tally.counts, [(140, 11)]);
    }

    #[test]
    fn what_came_before_sizes_were_timed_is_timed_as_far_as_it_was_kept() {
        let mut sizes = Sizes::new(140);
        let came = [(140, 0), (1448, 1), (1448, 2), (140, 3)];
        let kept = came.map(|(size, second)| {
            let (frame, time) = at(second * 1000);
            sizes.count(size, (frame, time), false);
            Sample {
                number: 1,
                frame,
                time,
                size,
            }
        });
        sizes.time(&kept[..3]);
        sizes.count(1448, at(4000), false);
        let (_, rhythms) = sizes.finish();
        let told = rhythms
            .iter()
            .map(|one| (one.size, one.packets, one.first, one.last));
        let told: Vec<_> = told.collect();
        assert_eq!(
            told,
            [(140, 1, at(0), at(0)), (1448, 3, at(1000), at(4000))]
        );
    }

    /// The rhythm of a size that came at these times.
    fn rhythm(millis: &[i64]) -> Rhythm {
        let mut sizes = Sizes::new(1448);
        sizes.time(&[]);
        for time in millis {
            sizes.count(1448, at(*time), false);
            sizes.count(1448, at(*time), true);
        }
        let (_, rhythms) = sizes.finish();
        rhythms[0]
    }

    #[test]
    fn the_longest_run_of_gaps_that_double_is_kept_with_the_flight_before() {
        // Three at once, a probe, and five repetitions; then a run that is shorter, of a single packet.
        let times = [
            0, 0, 1, 15, 215, 615, 1415, 3015, 6215, 9000, 9300, 9900, 11_100, 13_500,
        ];
        let rhythm = rhythm(&times);
        let wait = Span((3_200_000_000 >> 20) << 20);
        assert_eq!((rhythm.doublings, rhythm.runs, rhythm.flight), (4, 2, 4));
        assert_eq!((rhythm.again, rhythm.last_wait()), (at(6215), wait));
        assert_eq!(rhythm.packets, 14);
    }

    #[test]
    fn single_packets_are_no_flight() {
        // A burst long before tells nothing of what comes later.
        let rhythm = rhythm(&[0, 1, 2, 4000, 6000, 6300, 6900, 8100, 10_500]);
        assert_eq!((rhythm.doublings, rhythm.flight), (3, 1));
    }
}

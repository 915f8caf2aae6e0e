//! The short way for most packets of a busy flow: the next number, the class of those before, soon after them.
//!
//! Of each of them is asked only what its size and its time may change; what all of them change is changed once.
//! What is counted is what [`FlowCounter::count`] counts; a law holds the two together.

use super::{FlowCounter, Often, keep_sample, steps};
use crate::fold::EspTrain;
use crate::limits;

impl FlowCounter {
    /// Counts the packets of a train.
    #[inline]
    pub(crate) fn count_train(&mut self, mut train: EspTrain<'_>) {
        loop {
            train = train.after(self.often.count_plain(train, self.may_time));
            let Some((packet, after)) = train.split_first() else {
                return;
            };
            self.count(&packet);
            train = after;
        }
    }
}

impl Often {
    /// Counts the plain packets that a train begins with; gives how many.
    #[inline(always)]
    fn count_plain(&mut self, train: EspTrain<'_>, may_time: bool) -> usize {
        let Some((begin, dscp)) = self.sequence.next_in_order().zip(self.classes.only()) else {
            return 0;
        };
        // Sizes begin to be timed before one that is not plain.
        let room = match limits::RHYTHM_AFTER.checked_sub(self.packets) {
            Some(room) if may_time => usize::try_from(room).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let step = self.steps.at_hand();
        let mut last = self.last;
        let (mut count, mut cut, mut padded) = (0_u32, 0_u32, 0_u32);
        let (mut bytes, mut dont_fragment, mut ttl) = (0_u64, false, self.ttl);
        // Behind the highest number of all come such as no packet has. Nothing is called in this loop, so that what it
        // sums up stays in registers.
        let numbers = u64::from(begin)..;
        for (next, packet) in numbers.zip(train.first(room).packets()) {
            let is_plain = next == u64::from(packet.sequence)
                && packet.traffic_class >> 2 == dscp
                && step.contains(&packet.time)
                && !steps::is_silence(last.1, packet.time);
            if !is_plain {
                break;
            }
            last = (packet.frame, packet.time);
            count += 1;
            cut += u32::from(packet.cut);
            padded += u32::from(packet.padded);
            bytes += u64::from(packet.length);
            dont_fragment |= packet.dont_fragment;
            ttl = (ttl.0.min(packet.ttl), ttl.1.max(packet.ttl));
        }
        for packet in train.first(count as usize).packets() {
            if packet.sequence & self.between_samples == 0 {
                keep_sample(&mut self.samples, &mut self.between_samples, &packet);
            }
            let at = (packet.frame, packet.time);
            self.sizes.count(packet.length, at, false);
        }
        (self.last, self.ttl) = (last, ttl);
        self.dont_fragment |= dont_fragment;
        self.bytes += bytes;
        self.packets += u64::from(count);
        self.cut += u64::from(cut);
        self.padded += u64::from(padded);
        self.sequence.go_on(count);
        self.steps.count_more(count);
        count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::census::flows::key_of;
    use crate::fold::EspPacket;
    use crate::net::{Encap, Path};
    use crate::scan::{Marks, NO_TIME, Packet};
    use crate::units::{Endpoint, EspSpi, Vantage};
    use proptest::prelude::*;

    /// What comes of a train, told from both ways of counting it in pieces that end there.
    fn both(packets: &[Packet], cuts: &[usize]) -> [String; 2] {
        let end = |last| Endpoint {
            address: [192, 0, 2, last].into(),
            port: None,
        };
        let path = Path {
            from: end(1),
            to: end(2),
            encap: Encap::default(),
        };
        let train = EspTrain::of_test(packets);
        let first: EspPacket<'_> = train.packets().next().unwrap();
        let [mut plain, mut each] = [(); 2].map(|()| FlowCounter::new(path, &first, 64, true));
        train.packets().for_each(|packet| {
            each.count(&packet);
        });
        let ends = cuts.iter().copied().chain([packets.len()]);
        ends.fold(0, |begin, end| {
            plain.count_train(EspTrain::of_test(&packets[begin..end]));
            end
        });
        let vantage = Vantage {
            input: 0,
            interface: 0,
        };
        let key = key_of(vantage, EspSpi(7), &path);
        [plain, each].map(|flow| format!("{:?}", flow.finish(key)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// Mostly in order and soon after one another, as packets are; and everything that they seldom are.
        #[test]
        fn a_train_is_counted_as_its_packets_are(
            begin in prop_oneof![Just(1_u32), any::<u32>(), u32::MAX - 40..=u32::MAX],
            packets in prop::collection::vec(
                (
                    prop_oneof![12 => Just(1_u32), 1 => 0..300_u32, 1 => any::<u32>()],
                    prop_oneof![9 => 0..30_i64, 1 => -2_000..70_000_i64],
                    prop_oneof![9 => Just(136_u32), 2 => 60..1500_u32],
                    prop_oneof![30 => Just(64_u8), 1 => any::<u8>()],
                    prop_oneof![50 => Just(1_u8), 1 => 0..16_u8],
                    (any::<bool>(), any::<bool>(), any::<bool>()),
                    prop_oneof![60 => Just(false), 1 => Just(true)],
                ),
                1..120,
            ),
            cuts in prop::collection::vec(0..120_usize, 0..6),
        ) {
            let (mut sequence, mut time) = (begin, 1_000_000_000_000_i64);
            let mut rows = Vec::new();
            for (frame, (step, millis, length, ttl, traffic_class, marks, timeless)) in (1..).zip(packets) {
                sequence = sequence.wrapping_add(step);
                time += millis * 1_000_000;
                rows.push(Packet {
                    time: if timeless { NO_TIME } else { time },
                    frame,
                    sequence,
                    length,
                    ttl,
                    traffic_class,
                    marks: Marks::default()
                        .with(Marks::CUT, marks.0)
                        .with(Marks::DONT_FRAGMENT, marks.1)
                        .with(Marks::PADDED, marks.2),
                });
            }
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < rows.len()).collect();
            cuts.sort_unstable();
            let [plain, each] = both(&rows, &cuts);
            prop_assert_eq!(plain, each);
        }
    }
}

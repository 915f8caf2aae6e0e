//! Order, loss and repetition by sequence number, exactly, in constant memory.

use crate::model::{AnomalyKind, SequenceTally};

/// Numbers that are remembered one by one behind the highest. Reordering on real paths reaches a
/// few dozen packets (RFC 4303 section 3.4.3 asks receivers for 64); what comes later than this
/// can no longer be told from a repeat, and the tally says so.
pub const WINDOW: u32 = 256;

const WORDS: usize = (WINDOW / 64) as usize;

/// So many numbers in a row, all far below the highest, show that the counter began again. Fewer
/// may be replayed packets.
pub(super) const RESTART_RUN: u32 = 4;

/// A counter this near its end may wrap (extended sequence numbers, RFC 4303 section 2.2.1).
const WRAP_ZONE: u32 = 1 << 24;

/// The sequence numbers of one flow.
#[derive(Clone, Debug)]
pub struct Sequence {
    tally: SequenceTally,
    /// Bit `n` of word `w` is number `highest - (64 w + n)`: set if it came, or lies before the first.
    seen: [u64; WORDS],
    /// Numbers from the first to the highest. They tell on which side of the first a number lies once
    /// the counter has wrapped.
    span: u64,
    /// Missing numbers that have left the window: only if there are any can an older number be new.
    settled: u64,
    /// Length of the run of missing numbers that the window's far end stands in.
    run: u64,
    /// Numbers far below the highest that follow one another: a restart in the making.
    low: Option<Box<Low>>,
    started: bool,
}

#[derive(Clone, Copy, Debug)]
struct Low {
    next: u32,
    count: u32,
    /// The counts before the run, which took its numbers for repeats or late ones.
    before: (SequenceTally, u64),
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            tally: SequenceTally {
                exact: true,
                ..SequenceTally::default()
            },
            seen: [u64::MAX; WORDS],
            span: 0,
            settled: 0,
            run: 0,
            low: None,
            started: false,
        }
    }
}

impl Sequence {
    /// Reads where [`take`](Self::take) will, so that it is at hand then.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        u64::from(self.tally.highest) ^ self.seen[0]
    }

    /// Takes the next number of the flow and says what is odd about it.
    #[inline]
    pub fn take(&mut self, number: u32) -> Option<AnomalyKind> {
        if !self.started {
            self.begin(number);
            return None;
        }
        let ahead = number.wrapping_sub(self.tally.highest);
        let wraps = self.tally.highest > u32::MAX - WRAP_ZONE && number < WRAP_ZONE;
        if wraps || number > self.tally.highest && !self.has_wrapped_past(number) {
            self.low = None;
            self.advance(ahead);
            self.tally.highest = number;
            self.span += u64::from(ahead);
            if ahead == 1 {
                return None;
            }
            self.tally.missing += u64::from(ahead - 1);
            return Some(AnomalyKind::Gap(ahead - 1));
        }
        Some(self.behind(number))
    }

    /// The number after the highest, if all before it came: to take it changes the highest and nothing else.
    #[inline]
    pub(super) fn next_in_order(&self) -> Option<u32> {
        let is_whole = self.seen == [u64::MAX; WORDS] && self.run == 0 && self.low.is_none();
        let next = self.tally.highest.checked_add(1);
        next.filter(|_| self.started && is_whole)
    }

    /// Takes so many numbers from [`next_in_order`](Self::next_in_order) on.
    #[inline]
    pub(super) fn go_on(&mut self, numbers: u32) {
        self.tally.highest = self.tally.highest.saturating_add(numbers);
        self.span += u64::from(numbers);
    }

    /// What was counted, numbers still in the window included.
    pub fn tally(&self) -> SequenceTally {
        if self.seen == [u64::MAX; WORDS] && self.run == 0 {
            return self.tally;
        }
        let mut end = self.clone();
        end.advance(WINDOW);
        end.tally
    }

    fn begin(&mut self, number: u32) {
        self.started = true;
        self.tally.first = number;
        self.tally.highest = number;
    }

    /// Whether a number that is above the highest came before the counter wrapped.
    #[inline]
    fn has_wrapped_past(&self, number: u32) -> bool {
        number > u32::MAX - WRAP_ZONE
            && self.tally.highest < WRAP_ZONE
            && self.span > u64::from(self.tally.highest)
    }

    /// A number not above the highest: late, repeated, or the first of a counter begun again.
    fn behind(&mut self, number: u32) -> AnomalyKind {
        let depth = self.tally.highest.wrapping_sub(number);
        // A number older than the first one seen opens the numbers between them.
        let before_first = match u64::from(depth).checked_sub(self.span) {
            Some(before) if self.tally.restarts == 0 => before,
            _ => 0,
        };
        if depth < WINDOW {
            self.low = None;
            if before_first > 0 {
                let span = self.span;
                for open in (0..=depth).filter(|open| u64::from(*open) > span) {
                    self.mark(open, false);
                }
                self.tally.missing += before_first;
                self.tally.first = number;
                self.span = depth.into();
            }
            if self.is_marked(depth) {
                self.tally.duplicate += 1;
                return AnomalyKind::Duplicate(depth);
            }
            self.mark(depth, true);
            return self.late(depth);
        }
        if let Some(before) = self.extend_low(number) {
            return self.restart(number, before);
        }
        if self.settled == 0 && before_first == 0 {
            self.tally.duplicate += 1;
            return AnomalyKind::Duplicate(depth);
        }
        // It fills a gap that has left the window, or repeats a number beside one.
        self.tally.exact = false;
        if self.settled > 0 {
            self.settled -= 1;
            return self.late(depth);
        }
        self.tally.late += 1;
        AnomalyKind::Late(depth)
    }

    fn late(&mut self, depth: u32) -> AnomalyKind {
        self.tally.late += 1;
        self.tally.missing = self.tally.missing.saturating_sub(1);
        self.tally.deepest = self.tally.deepest.max(depth);
        AnomalyKind::Late(depth)
    }

    /// Notes a number far below the highest; gives the counts before its run when the run is long
    /// enough to show that the counter began again.
    fn extend_low(&mut self, number: u32) -> Option<(SequenceTally, u64)> {
        let next = number.wrapping_add(1);
        match &mut self.low {
            Some(low) if low.next == number => {
                low.next = next;
                low.count += 1;
                (low.count >= RESTART_RUN).then_some(low.before)
            }
            low => {
                *low = Some(Box::new(Low {
                    next,
                    count: 1,
                    before: (self.tally, self.settled),
                }));
                None
            }
        }
    }

    /// Begins again; the numbers of the low run all came.
    fn restart(&mut self, number: u32, before: (SequenceTally, u64)) -> AnomalyKind {
        (self.tally, self.settled) = before;
        let highest = self.tally.highest;
        self.advance(WINDOW);
        self.tally.restarts += 1;
        self.tally.highest = number;
        self.span = 0;
        self.seen = [u64::MAX; WORDS];
        self.settled = 0;
        self.run = 0;
        self.low = None;
        AnomalyKind::Restart(highest)
    }

    fn is_marked(&self, depth: u32) -> bool {
        self.seen
            .get((depth / 64) as usize)
            .is_some_and(|word| word >> (depth % 64) & 1 == 1)
    }

    fn mark(&mut self, depth: u32, came: bool) {
        if let Some(word) = self.seen.get_mut((depth / 64) as usize) {
            let bit = 1 << (depth % 64);
            *word = if came { *word | bit } else { *word & !bit };
        }
    }

    /// Moves the window on by `by` numbers, of which only the last came.
    #[inline]
    fn advance(&mut self, by: u32) {
        if by == 1 && self.seen == [u64::MAX; WORDS] && self.run == 0 {
            return;
        }
        self.advance_slowly(by);
    }

    fn advance_slowly(&mut self, by: u32) {
        for _ in 0..by.min(WINDOW) {
            let leaves = self.is_marked(WINDOW - 1);
            self.settle(leaves, 1);
            let mut carry = 0;
            for word in &mut self.seen {
                let next = *word >> 63;
                *word = *word << 1 | carry;
                carry = next;
            }
        }
        // What the window never held was missing throughout.
        self.settle(false, u64::from(by.saturating_sub(WINDOW)));
        self.mark(0, true);
    }

    fn settle(&mut self, came: bool, numbers: u64) {
        if came {
            self.run = 0;
        } else if numbers > 0 {
            self.tally.bursts += u64::from(self.run == 0);
            self.run += numbers;
            self.settled += numbers;
            self.tally.longest_burst = self.tally.longest_burst.max(self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Numbers and ranges in text to a tally in text.
    fn told(numbers: &str) -> String {
        let mut sequence = Sequence::default();
        for part in numbers.split_whitespace() {
            match part.split_once("..") {
                Some((from, to)) => {
                    let (from, to): (u32, u32) = (from.parse().unwrap(), to.parse().unwrap());
                    (from..=to).for_each(|number| {
                        sequence.take(number);
                    });
                }
                None => {
                    sequence.take(part.parse().unwrap());
                }
            }
        }
        let t = sequence.tally();
        format!(
            "{}..{} missing {} late {} duplicate {} restarts {} bursts {} longest {} exact {}",
            t.first,
            t.highest,
            t.missing,
            t.late,
            t.duplicate,
            t.restarts,
            t.bursts,
            t.longest_burst,
            t.exact
        )
    }

    #[test]
    fn counts_what_a_person_would_count() {
        for (numbers, tally) in [
            (
                "1..1000",
                "1..1000 missing 0 late 0 duplicate 0 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1..9 12..20",
                "1..20 missing 2 late 0 duplicate 0 restarts 0 bursts 1 longest 2 exact true",
            ),
            (
                "1 2 4 3 5",
                "1..5 missing 0 late 1 duplicate 0 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "2 1 3",
                "1..3 missing 0 late 1 duplicate 0 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1 2 2 3 1",
                "1..3 missing 0 late 0 duplicate 2 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1..900 10 901",
                "1..901 missing 0 late 0 duplicate 1 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1..900 1..50",
                "1..50 missing 0 late 0 duplicate 0 restarts 1 bursts 0 longest 0 exact true",
            ),
            // Three numbers far below are replays, the fourth in a row tells a counter begun again.
            (
                "1..900 1..3 901",
                "1..901 missing 0 late 0 duplicate 3 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1..900 1..4",
                "1..4 missing 0 late 0 duplicate 0 restarts 1 bursts 0 longest 0 exact true",
            ),
            (
                "1..900 1..3 5..7 901",
                "1..901 missing 0 late 0 duplicate 6 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "1..9 11..900 10 901",
                "1..901 missing 0 late 1 duplicate 0 restarts 0 bursts 1 longest 1 exact false",
            ),
            (
                "10 2000",
                "10..2000 missing 1989 late 0 duplicate 0 restarts 0 bursts 1 longest 1989 exact true",
            ),
            (
                "4294967290..4294967295 0..9",
                "4294967290..9 missing 0 late 0 duplicate 0 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "4294967290..4294967295 0 2 1 3",
                "4294967290..3 missing 0 late 1 duplicate 0 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "4294967290..4294967293 4294967295 0 4294967294 1 4294967293",
                "4294967290..1 missing 0 late 1 duplicate 1 restarts 0 bursts 0 longest 0 exact true",
            ),
            (
                "4294967293 1 4294967292 2",
                "4294967292..2 missing 3 late 1 duplicate 0 restarts 0 bursts 1 longest 3 exact true",
            ),
        ] {
            assert_eq!(told(numbers), tally, "for {numbers}");
        }
    }

    proptest! {
        /// Within the window the tally equals what a set of all numbers says.
        #[test]
        fn agrees_with_a_set_that_remembers_everything(
            jitter in prop::collection::vec((0u32..40, 0u8..20), 1..400),
            // What the numbers are counted from: many wrap, none before the first has come.
            base in prop_oneof![Just(0), u32::MAX - 400..=u32::MAX - 100],
        ) {
            let mut order: Vec<(u32, u32)> = Vec::new();
            for (at, (shift, fate)) in jitter.iter().enumerate() {
                let number = at as u32 + 1;
                match fate {
                    0 => {}
                    1 => order.extend([(number, number), (number + shift, number)]),
                    _ => order.push((number + shift, number)),
                }
            }
            order.sort_by_key(|(when, _)| *when);
            let (mut seen, mut highest, mut late, mut duplicate) = (BTreeSet::new(), 0, 0u64, 0u64);
            let mut sequence = Sequence::default();
            for (_, number) in &order {
                sequence.take(base.wrapping_add(*number));
                if !seen.insert(*number) {
                    duplicate += 1;
                } else if *number < highest {
                    late += 1;
                }
                highest = highest.max(*number);
            }
            if let Some(first) = seen.first() {
                let t = sequence.tally();
                prop_assert_eq!(t.missing, u64::from(highest - first + 1) - seen.len() as u64);
                let [first, highest] = [*first, highest].map(|number| base.wrapping_add(number));
                prop_assert_eq!((t.first, t.highest), (first, highest));
                prop_assert_eq!((t.late, t.duplicate, t.restarts), (late, duplicate, 0));
                prop_assert!(t.exact);
            }
        }
    }
}

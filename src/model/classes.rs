//! Traffic classes of a flow: which DSCP its packets bear, and how packets of one pass those of another.

use super::esp_flow::{AnomalyKind, SequenceTally};

/// The DSCP values (RFC 2474) that the packets of a flow bear.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Classes {
    /// Bit `n` is set if a packet bears DSCP `n`.
    pub seen: u64,
    /// What came of each, in order of first appearance; empty as long as there is one only.
    pub tallies: Vec<ClassTally>,
}

/// What came of one DSCP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClassTally {
    /// The DSCP.
    pub dscp: u8,
    /// Packets that bear it.
    pub packets: u64,
    /// Those that came late: a higher number had come before.
    pub late: u64,
    /// Late ones that a packet of the same DSCP had passed.
    pub within: u64,
    /// The farthest that a late one lay behind the highest number of the flow.
    pub deepest: u32,
    /// Its highest number.
    highest: u32,
}

impl Classes {
    /// The DSCP of all packets so far, if they bear one and the same: to take another of it changes nothing.
    #[inline]
    pub fn only(&self) -> Option<u8> {
        let dscp = u8::try_from(self.seen.trailing_zeros()).ok();
        dscp.filter(|_| self.seen.is_power_of_two())
    }

    /// Takes the next packet: its traffic class octet, its number, what was odd about it, and what was
    /// counted of the flow, this packet included.
    #[inline]
    pub fn take(
        &mut self,
        traffic_class: u8,
        number: u32,
        odd: Option<AnomalyKind>,
        so_far: impl FnOnce() -> (u64, SequenceTally),
    ) {
        // RFC 2474 section 3: the lower two bits are those of ECN.
        let dscp = traffic_class >> 2;
        let bit = 1 << dscp;
        if self.seen == bit {
            return;
        }
        if self.seen == 0 {
            self.seen = bit;
            return;
        }
        self.take_of_several(dscp, number, odd, so_far);
    }

    #[cold]
    fn take_of_several(
        &mut self,
        dscp: u8,
        number: u32,
        odd: Option<AnomalyKind>,
        so_far: impl FnOnce() -> (u64, SequenceTally),
    ) {
        let late = match odd {
            Some(AnomalyKind::Late(behind)) => Some(behind),
            _ => None,
        };
        if self.tallies.is_empty() {
            let (packets, tally) = so_far();
            let before = tally.late.saturating_sub(late.is_some().into());
            self.tallies.push(ClassTally {
                dscp: u8::try_from(self.seen.trailing_zeros()).unwrap_or(0),
                packets: packets.saturating_sub(1),
                late: before,
                within: before,
                deepest: if before > 0 { tally.deepest } else { 0 },
                highest: highest_before(number, odd),
            });
        }
        self.seen |= 1 << dscp;
        let known = self.tallies.iter().position(|tally| tally.dscp == dscp);
        let place = known.unwrap_or_else(|| {
            self.tallies.push(ClassTally {
                dscp,
                packets: 0,
                late: 0,
                within: 0,
                deepest: 0,
                highest: 0,
            });
            self.tallies.len() - 1
        });
        let Some(tally) = self.tallies.get_mut(place) else {
            return;
        };
        tally.packets += 1;
        if let Some(behind) = late {
            tally.late += 1;
            tally.within += u64::from(number < tally.highest);
            tally.deepest = tally.deepest.max(behind);
        }
        tally.highest = tally.highest.max(number);
    }

    /// Whether the order changes between packets of different DSCP alone: those of one keep theirs, and
    /// so many late packets would not do so by chance.
    ///
    /// By chance a late packet and the one that passed it are of two classes as often as any two packets
    /// are.
    pub fn pass_each_other(&self) -> bool {
        /// So seldom it is chance.
        const CHANCE: f64 = 0.01;
        let sum = |of: fn(&ClassTally) -> u64| self.tallies.iter().map(of).sum::<u64>();
        let (packets, late, within) = (
            sum(|tally| tally.packets),
            sum(|tally| tally.late),
            sum(|tally| tally.within),
        );
        if late == 0 || within > 0 {
            return false;
        }
        let alike: f64 = self
            .tallies
            .iter()
            .map(|tally| (tally.packets as f64 / packets as f64).powi(2))
            .sum();
        late as f64 * (1.0 - alike).ln() < CHANCE.ln()
    }
}

/// The highest number before this one came.
fn highest_before(number: u32, odd: Option<AnomalyKind>) -> u32 {
    match odd {
        None => number.wrapping_sub(1),
        Some(AnomalyKind::Gap(skipped)) => number.wrapping_sub(1).wrapping_sub(skipped),
        Some(AnomalyKind::Late(behind) | AnomalyKind::Duplicate(behind)) => {
            number.wrapping_add(behind)
        }
        Some(AnomalyKind::Restart(highest)) => highest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of numbers with their DSCP, in order of arrival.
    fn classes(packets: &[(u32, u8)]) -> Classes {
        let mut classes = Classes::default();
        let mut tally = SequenceTally::default();
        for (count, (number, dscp)) in (1..).zip(packets) {
            let odd = match tally.highest {
                0 => None,
                highest if *number < highest => Some(AnomalyKind::Late(highest - number)),
                highest if *number > highest + 1 => Some(AnomalyKind::Gap(number - highest - 1)),
                _ => None,
            };
            tally.late += u64::from(matches!(odd, Some(AnomalyKind::Late(_))));
            tally.highest = tally.highest.max(*number);
            classes.take(dscp << 2 | 1, *number, odd, || (count, tally));
        }
        classes
    }

    #[test]
    fn one_class_needs_no_row() {
        let classes = classes(&[(1, 46), (3, 46), (2, 46)]);
        assert_eq!((classes.seen, classes.tallies.len()), (1 << 46, 0));
        assert!(!classes.pass_each_other());
    }

    #[test]
    fn a_queue_for_each_class_keeps_the_order_in_each() {
        // Every fifth packet is urgent and passes two that are not.
        let packets: Vec<(u32, u8)> = (0..20)
            .flat_map(|round| {
                let first = round * 5;
                [1, 2, 5, 3, 4].map(|step| (first + step, if step == 5 { 46 } else { 0 }))
            })
            .collect();
        let of = classes(&packets);
        assert_eq!(of.tallies.len(), 2);
        assert_eq!((of.tallies[0].packets, of.tallies[0].late), (80, 40));
        assert_eq!((of.tallies[1].packets, of.tallies[1].late), (20, 0));
        assert!(of.pass_each_other());
        // A few may be chance.
        assert!(!classes(&packets[..5]).pass_each_other());
    }

    #[test]
    fn what_passes_its_own_class_is_no_queue() {
        let packets: Vec<(u32, u8)> = (0..20)
            .flat_map(|round| {
                let first = round * 5;
                [1, 2, 4, 3, 5].map(|step| (first + step, if step == 5 { 46 } else { 0 }))
            })
            .collect();
        let of = classes(&packets);
        assert_eq!(of.tallies.iter().map(|tally| tally.within).sum::<u64>(), 20);
        assert!(!of.pass_each_other());
    }
}

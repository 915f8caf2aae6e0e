//! Two taps that recorded the same tunnel: how they lie, how their clocks differ, what is lost
//! between them.

use super::numbers::NumberRun;
use crate::units::{EspSpi, FrameId, Span, Timestamp, Vantage};

/// Two places that recorded packets of one tunnel.
#[derive(Clone, Debug)]
pub struct TapPair {
    /// The two, in order of their first packet.
    pub taps: [Vantage; 2],
    /// How they lie to each other.
    pub lie: Lie,
    /// How their clocks differ, if any packet passed both.
    pub clock: Option<ClockOffset>,
    /// ESP and AH between them: towards the first end of the tunnel, towards the second.
    pub crossings: [Crossing; 2],
}

/// How two taps lie to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lie {
    /// One behind the other; the tap of this index is nearer to the first end.
    Apart(usize),
    /// At one place, or on one host: what one lacks and the other has, the recording lost.
    Together,
    /// Nothing tells.
    Unknown,
}

/// How far the clock of the second tap is ahead of that of the first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockOffset {
    /// Half of the difference of the times that a packet of each direction took, as in RFC 5905
    /// section 8. Of one direction alone, what the quickest packet tells.
    pub offset: Span,
    /// It is off by no more than this: half of the time that both took together, or that a path may take.
    pub uncertainty: Span,
    /// The time that both took together, from one tap to the other and back; `None` where packets of one
    /// direction only passed both, and no path is taken to last longer than a second.
    pub round_trip: Option<Span>,
}

/// What one direction shows at two taps, counted over the time that both recorded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Crossing {
    /// Packets that both have.
    pub both: u64,
    /// Packets that only the first has, only the second.
    pub only: [u64; 2],
    /// As many of these are of flows of which the other has nothing.
    pub lone: [u64; 2],
    /// Numbers that neither has though higher ones came.
    pub neither: u64,
    /// The first runs of those that only one has.
    pub missed: [Vec<Missed>; 2],
    /// Flows that could not be compared number by number.
    pub uncounted: u64,
}

/// Packets that one tap has and the other lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Missed {
    /// Their SPI.
    pub spi: EspSpi,
    /// Their numbers.
    pub run: NumberRun,
    /// Where the one has a packet at or before them: its number, frame and time.
    pub there: Option<(u32, FrameId, Timestamp)>,
    /// The first packet after them at the other.
    pub after: Option<(FrameId, Timestamp)>,
}

impl TapPair {
    /// The tap that packets towards an end pass first, if one lies behind the other.
    pub fn near(&self, towards: usize) -> Option<usize> {
        match self.lie {
            Lie::Apart(near_first) if towards == 1 => Some(near_first),
            Lie::Apart(near_first) => Some(1 - near_first),
            Lie::Together | Lie::Unknown => None,
        }
    }

    /// ESP and AH towards an end that one tap saw leave and the other never saw arrive.
    pub fn lost(&self, towards: usize) -> Option<u64> {
        let near = self.near(towards)?;
        self.crossings.get(towards)?.only.get(near).copied()
    }

    /// Packets towards an end that passed this tap and that its recording lacks: the other tap,
    /// behind it or at the same place, has them.
    pub fn unrecorded(&self, towards: usize, tap: usize) -> u64 {
        let passed = match self.lie {
            Lie::Apart(_) => self.near(towards) == Some(tap),
            Lie::Together => true,
            Lie::Unknown => false,
        };
        let only = self.crossings.get(towards).map(|crossing| crossing.only);
        only.filter(|_| passed)
            .and_then(|only| only.get(1 - tap).copied())
            .unwrap_or(0)
    }

    /// The index of a vantage.
    pub fn index(&self, vantage: Vantage) -> Option<usize> {
        self.taps.iter().position(|tap| *tap == vantage)
    }

    /// A time of one tap by the clock of the other, and how far off that may be.
    pub fn elsewhere(&self, tap: usize, time: Timestamp) -> (Timestamp, Span) {
        /// Clocks of hosts that keep time differ less.
        const SKEW: Span = Span::from_secs(10);
        match self.clock {
            Some(clock) if tap == 0 => (time.later(clock.offset), clock.uncertainty),
            Some(clock) => (
                time.later(Span(clock.offset.0.saturating_neg())),
                clock.uncertainty,
            ),
            None => (time, SKEW),
        }
    }
}

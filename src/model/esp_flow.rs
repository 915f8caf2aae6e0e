//! ESP and AH flows: one direction of one SA, counted exactly.

use super::child_sa::ChildSaId;
use super::classes::Classes;
use super::ike_sa::Seen;
use super::numbers::{Numbers, Sample};
use super::table::id;
use crate::keys::Origin;
use crate::net::{Encap, Path, Unopened};
use crate::units::{EspSpi, FrameId, Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

id!(FlowId, "an ESP or AH flow");

/// What makes a flow one: ports and the sender's address may move without making another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowKey {
    /// Where it was recorded.
    pub vantage: Vantage,
    /// Whether it is AH, not ESP.
    pub ah: bool,
    /// What lies between IP and it.
    pub transport: Transport,
    /// SPI.
    pub spi: EspSpi,
    /// Receiver.
    pub to: IpAddr,
}

/// What lies between IP and an ESP or AH packet.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// Nothing.
    #[default]
    Ip,
    /// UDP (RFC 3948).
    Udp,
    /// TCP (RFC 9329).
    Tcp,
}

impl Transport {
    /// That of a packet inside these layers.
    pub fn of(encap: &Encap) -> Self {
        match () {
            () if encap.is_udp() => Self::Udp,
            () if encap.is_tcp() => Self::Tcp,
            () => Self::Ip,
        }
    }

    /// Octets of its header, without TCP's options; TCP adds the length before each message.
    pub fn octets(self) -> u32 {
        match self {
            Self::Ip => 0,
            Self::Udp => 8,
            Self::Tcp => 22,
        }
    }
}

/// One direction of one SA.
#[derive(Clone, Debug)]
pub struct EspFlow {
    /// What makes it one.
    pub key: FlowKey,
    /// Paths it took in order of first use: more than one after NAT rebinding or MOBIKE.
    pub paths: Vec<Path>,
    /// The first packet by each of them but the first.
    pub moved: Vec<(FrameId, Timestamp)>,
    /// Packets.
    pub packets: u64,
    /// Octets from the SPI to the end of the checksum, summed.
    pub bytes: u64,
    /// Packets that came in IP fragments and were put together.
    pub fragmented: u64,
    /// Packets of which the capture kept only a part.
    pub cut: u64,
    /// Packets that came a second time at once: the recording's doing, or the network's.
    pub doubled: u64,
    /// Packets whose number one of another size had borne before, as far as it is among the samples: no copies of it.
    pub renumbered: u32,
    /// Order, loss and repetition by sequence number.
    pub sequence: SequenceTally,
    /// Which numbers came; `None` if they could not be followed one by one.
    pub numbers: Option<Numbers>,
    /// Some of its packets by number, in order: at most [`crate::limits::FLOW_SAMPLES`].
    pub samples: Vec<Sample>,
    /// The first anomalies, citable.
    pub anomalies: Vec<Anomaly>,
    /// Packets over time.
    pub timeline: Timeline,
    /// The longest silences between two packets, longest first.
    pub silences: Vec<Silence>,
    /// Sizes.
    pub sizes: SizeTally,
    /// When packets of each size came, sorted by size. Sizes of which nothing is known are left out: those of flows
    /// of no more than [`crate::limits::RHYTHM_AFTER`] packets, and beyond [`crate::limits::RHYTHM_FLOWS`]. Of the
    /// first of the others the late ones are left out.
    pub rhythms: Vec<Rhythm>,
    /// Smallest and largest TTL (hop limit) of the packets.
    pub ttl: (u8, u8),
    /// Which DSCP they bear.
    pub classes: Classes,
    /// Whether any packet forbids fragmentation (IPv4 Don't Fragment).
    pub dont_fragment: bool,
    /// Packets whose frame holds more octets behind them than IP says: Ethernet fills up short ones, and
    /// some devices add a trailer.
    pub padded: u64,
    /// Packets that are not encrypted, if there are any.
    pub null: Option<NullTally>,
    /// What keys made of its packets; `None` if there were none for its SPI.
    pub opened: Option<OpenedTally>,
    /// First and last packet.
    pub seen: Seen,
    /// The child SA that it belongs to.
    pub child_sa: Link,
}

impl EspFlow {
    /// Its paths in order of first use, each with the first packet by it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Path, (FrameId, Timestamp))> + Clone {
        let moved = self.moved.iter().copied();
        let first = std::iter::once(self.seen.first);
        self.paths.iter().zip(first.chain(moved))
    }

    /// Where it went from one path to the next: the first packet by either.
    pub(crate) fn moves(&self) -> impl Iterator<Item = [(&Path, (FrameId, Timestamp)); 2]> {
        let places = self.places();
        places
            .clone()
            .zip(places.skip(1))
            .map(|(one, next)| [one, next])
    }
}

/// How a flow was tied to a child SA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// A message names its SPI.
    Proven(ChildSaId),
    /// Time, addresses and direction fit, and nothing else does, but for what was made together with it
    /// ([`ChildSa::is_guessed`](super::ChildSa::is_guessed)).
    Inferred(ChildSaId),
    /// Nothing ties it to one.
    None,
}

impl Link {
    /// The child SA, however the flow was tied to it.
    pub fn child_sa(self) -> Option<ChildSaId> {
        match self {
            Self::Proven(id) | Self::Inferred(id) => Some(id),
            Self::None => None,
        }
    }
}

/// Packets of a flow that are seen not to be encrypted. Those that show nothing may be so too: a NAT
/// or the capture hides what tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NullTally {
    /// How many.
    pub packets: u64,
    /// Octets of initialization vector of the first.
    pub iv: u8,
    /// Octets of integrity check value of the first; none if nothing protects it.
    pub icv: u8,
    /// The first, citable.
    pub first: (FrameId, Timestamp),
}

/// What keys made of the packets of a flow. Packets that came before their keys were known are in
/// none of the counts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OpenedTally {
    /// Packets that were opened and are proven by their checksums.
    pub opened: u64,
    /// Packets that were opened and are plausible, with nothing to check them.
    pub unchecked: u64,
    /// The first and the last packet that a checksum proves.
    pub proven: Option<Seen>,
    /// Packets that were not opened, by reason.
    pub failed: BTreeMap<Unopened, u64>,
    /// The first of those, citable.
    pub failures: Vec<Failure>,
    /// The highest high half of sequence numbers, if they are extended (RFC 4304).
    pub high: Option<u32>,
    /// The keys that opened packets, or if none did those that were tried first.
    pub keys: Vec<KeyUsed>,
}

impl OpenedTally {
    /// Packets that keys were tried on.
    pub fn packets(&self) -> u64 {
        self.readable() + self.failed.values().sum::<u64>()
    }

    /// Packets that were opened.
    pub fn readable(&self) -> u64 {
        self.opened + self.unchecked
    }

    /// Packets that were not opened for this reason.
    fn failed(&self, why: Unopened) -> u64 {
        self.failed.get(&why).copied().unwrap_or(0)
    }

    /// Packets that are none of what the key of the checksum proves.
    fn unproven(&self) -> u64 {
        self.failed(Unopened::Integrity) + self.failed(Unopened::NotABlock)
    }

    /// Whether the keys are wrong: packets came whole, and none fits them.
    pub fn is_wrong_key(&self) -> bool {
        self.readable() == 0 && self.unproven() + self.failed(Unopened::Senseless) > 0
    }

    /// Packets that were changed on their way: their checksums are wrong, and the keys are right.
    pub fn corrupted(&self) -> u64 {
        match self.opened {
            0 => 0,
            _ => self.unproven(),
        }
    }
}

/// A packet that keys did not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Its sequence number.
    pub sequence: u32,
    /// Why.
    pub why: Unopened,
}

/// Keys that were used on a flow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyUsed {
    /// The algorithms by their IANA names.
    pub suite: String,
    /// Where the keys were found, or those that they follow from.
    pub origin: Origin,
}

/// Order, loss and repetition, told by sequence numbers (RFC 4303 section 2.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SequenceTally {
    /// The first number.
    pub first: u32,
    /// The highest number since the last restart.
    pub highest: u32,
    /// Numbers between first and highest that never came, restarts taken into account, less those that may have
    /// come before the recording began, or after it ended, where packets overtake each other.
    pub missing: u64,
    /// Numbers below the highest at their time that came for the first time.
    pub late: u64,
    /// Numbers that had come before.
    pub duplicate: u64,
    /// The farthest that a late number lay behind the highest.
    pub deepest: u32,
    /// Times the counter began again at a low number.
    pub restarts: u32,
    /// Runs of missing numbers: bursts of loss.
    pub bursts: u64,
    /// Longest such run.
    pub longest_burst: u64,
    /// Whether every count is exact; false when a number came too late to be told from a repeat.
    pub exact: bool,
}

impl SequenceTally {
    /// The least number that did not come before the recording began, of a flow whose lowest number is this: where
    /// packets overtake each other, some of those that a recording begins with are late, and numbers above theirs came
    /// before them. Of an SA that begins in the recording, with number 1 (RFC 4303 section 3.3.3), nothing did.
    pub(crate) fn certain_from(&self, lowest: u32) -> u32 {
        match lowest {
            1 => lowest,
            // The first to come may have been later than any after it.
            _ => lowest.saturating_add(self.deepest.saturating_mul(2)),
        }
    }

    /// The greatest number that would have come before the recording ended, had it not been lost, of a flow whose
    /// highest number is this: where packets overtake each other, later ones may have been on their way still.
    pub(crate) fn certain_until(&self, highest: u32) -> u32 {
        highest.saturating_sub(self.deepest).saturating_sub(1)
    }
}

/// One packet out of order, or a gap before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Anomaly {
    /// The frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Its sequence number.
    pub sequence: u32,
    /// What is odd about it.
    pub kind: AnomalyKind,
}

/// What is odd about a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AnomalyKind {
    /// So many numbers were skipped before it.
    Gap(u32),
    /// It came so many numbers behind the highest.
    Late(u32),
    /// Its number had come before; it lies so far behind the highest.
    Duplicate(u32),
    /// The counter began again; this was the highest before.
    Restart(u32),
}

/// A time in which nothing came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Silence {
    /// How long.
    pub length: Span,
    /// The last packet before it.
    pub before: (FrameId, Timestamp),
    /// The first packet after it.
    pub after: (FrameId, Timestamp),
}

impl Silence {
    /// The time between two packets.
    pub(crate) fn between(before: (FrameId, Timestamp), after: (FrameId, Timestamp)) -> Self {
        Self {
            length: after.1.since(before.1),
            before,
            after,
        }
    }

    /// That between two packets if it is longer than this.
    pub(crate) fn or_longer(
        self,
        before: (FrameId, Timestamp),
        after: (FrameId, Timestamp),
    ) -> Self {
        let other = Self::between(before, after);
        match other.length > self.length {
            true => other,
            false => self,
        }
    }
}

/// Packets over time, in equal steps from the first packet on.
///
/// The step begins at one second and doubles whenever [`crate::limits::TIMELINE_STEPS`] would not do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Timeline {
    /// Length of a step in seconds; a power of two.
    pub step_secs: u32,
    /// Packets of each step.
    pub counts: Vec<u32>,
    /// Sequence numbers that were skipped within each step, less those that came late in it; shorter
    /// than `counts`, and empty if none ever was.
    pub lost: Vec<u32>,
}

/// Sizes of the packets of a flow: octets from the SPI to the end of the checksum.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SizeTally {
    /// Smallest.
    pub smallest: u32,
    /// Largest.
    pub largest: u32,
    /// Which residues modulo 16 occur: bit `n` is set if a size is `n` modulo 16.
    pub residues: u16,
    /// Packets by exact size, sorted by size; the first [`crate::limits::FLOW_SIZES`] sizes that came.
    pub counts: Vec<(u32, u32)>,
    /// Packets of sizes that came when the list was full.
    pub others: u64,
}

/// When packets of one size came: enough to tell a steady beat from chance, in constant memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rhythm {
    /// Octets from the SPI to the end of the checksum.
    pub size: u32,
    /// Packets that it counts.
    pub packets: u32,
    /// The first of them.
    pub first: (FrameId, Timestamp),
    /// The last of them.
    pub last: (FrameId, Timestamp),
    /// Squares of the times between them, summed, in ticks of [`Rhythm::TICK`].
    pub squares: u64,
    /// How often in a row, at most, one came after about twice as long as the one before: what TCP sends again
    /// comes so (RFC 6298 section 5.5).
    pub doublings: u8,
    /// The last packet of that longest run.
    pub again: (FrameId, Timestamp),
    /// The time between that and the one before in ticks.
    wait: u32,
    /// How many packets came at once before the longest run: a flight, of which it repeats one.
    pub flight: u8,
    /// How many runs were of three doublings or more.
    pub runs: u8,
    /// How often in a row the last ones did.
    run: u8,
    /// How many of the last ones came at once.
    burst: u8,
    /// The time between the last two in ticks.
    gap: u32,
}

impl Rhythm {
    /// 2^20 ns, nearly a millisecond: the square of a year then fits, and dividing is a shift.
    pub const TICK: Span = Span(1 << 20);

    /// So many doublings in a row are counted as a run.
    const RUN: u8 = 3;

    /// A tenth of a second in ticks. TCP waits longer, as a rule, before it sends a segment again; what comes
    /// sooner comes at once.
    const LEAST_WAIT: u32 = 95;

    /// A rhythm that begins with this packet.
    pub fn new(size: u32, at: (FrameId, Timestamp)) -> Self {
        Self {
            size,
            packets: 1,
            first: at,
            last: at,
            squares: 0,
            doublings: 0,
            again: at,
            wait: 0,
            flight: 0,
            runs: 0,
            run: 0,
            burst: 1,
            gap: 0,
        }
    }

    /// Takes the next packet of this size that is no copy.
    #[inline]
    pub fn take(&mut self, at: (FrameId, Timestamp)) {
        let ticks = (at.1.since(self.last.1).0 >> 20).unsigned_abs();
        self.squares = self.squares.saturating_add(ticks.saturating_mul(ticks));
        self.packets = self.packets.saturating_add(1);
        self.last = at;
        let gap = u32::try_from(ticks).unwrap_or(u32::MAX);
        let (at_once, was_at_once) = (gap < Self::LEAST_WAIT, self.gap < Self::LEAST_WAIT);
        let before = u64::from(self.gap);
        // Timers are no more exact than that.
        if !was_at_once && (3 * before..=5 * before).contains(&ticks.saturating_mul(2)) {
            self.double(at, gap);
        } else {
            self.run = 0;
            self.burst = match (at_once, was_at_once) {
                (true, true) => self.burst.saturating_add(1),
                (true, false) => 2,
                // The first repetition of the flight, perhaps.
                (false, true) => self.burst,
                (false, false) => 1,
            };
        }
        self.gap = gap;
    }

    /// How long after the one before the last packet of the longest run came: about half as long as the whole run.
    pub fn last_wait(&self) -> Span {
        Span(i64::from(self.wait).saturating_mul(Self::TICK.0))
    }

    /// Notes that a gap was twice as long as the one before.
    #[cold]
    fn double(&mut self, at: (FrameId, Timestamp), gap: u32) {
        self.run = self.run.saturating_add(1);
        self.runs = self.runs.saturating_add(u8::from(self.run == Self::RUN));
        if self.run > self.doublings {
            self.doublings = self.run;
            self.again = at;
            self.wait = gap;
            self.flight = self.burst;
        }
    }
}

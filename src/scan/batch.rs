//! What a worker makes of a chunk.

use crate::capture::{Frame, Walked};
use crate::model::ClearFlow;
use crate::net::{IcmpError, IpFacts, Null, Opening, Pair, Path, Stamp};
use crate::units::{EspSpi, FrameId, Span, Timestamp, Vantage};
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::Range;

/// What one chunk held.
#[derive(Debug)]
pub struct Batch {
    /// What was walked, from where to where.
    pub walked: Walked,
    /// How many paths were [learned](crate::net::Learned) when it began.
    pub known: usize,
    /// The ESP packets.
    pub packets: Packets,
    /// Their lanes, in order of the first packet.
    pub lanes: Vec<Lane>,
    /// The packets that are not encrypted, in frame order.
    pub readable: Vec<Readable>,
    /// What keys made of the packets, in frame order; none without keys.
    pub keyed: Vec<Keyed>,
    /// All frames, if someone asked for them.
    pub frames: Vec<Kept>,
    /// Octets that `keyed`, `frames` and IKE messages among `controls` refer to.
    pub octets: Vec<u8>,
    /// Everything but ESP, in frame order.
    pub controls: Vec<Control>,
    /// Packets in clear, summed by pair, in order of the first.
    pub clear: Vec<ClearFlow>,
    /// Frames that are nested so deep that nobody knows what they hold.
    pub too_deep: u64,
    /// When packets and controls came.
    pub times: Times,
}

/// The ESP packets of a chunk.
///
/// Where nothing that is told depends on how packets of several lanes follow one another, they lie
/// gathered by lane, so that whoever counts a flow has it at hand once and not for each packet.
#[derive(Debug)]
pub enum Packets {
    /// Each with its lane, an index into [`Batch::lanes`], in frame order.
    InOrder(Vec<(u32, Packet)>),
    /// Gathered in trains, in order of the first packet of each. No train goes beyond a control that
    /// may hold ESP too.
    ByLane {
        /// The packets, train after train.
        packets: Vec<Packet>,
        /// How many of them belong to which lane.
        trains: Vec<Train>,
    },
}

/// Packets of one lane that lie together, in frame order.
#[derive(Clone, Copy, Debug)]
pub struct Train {
    /// The lane, an index into [`Batch::lanes`].
    pub lane: u32,
    /// How many packets.
    pub packets: u32,
}

/// One ESP packet, in 24 octets: there is one for nearly each frame of a capture. What was read of it, the short way or
/// the long one, says more, and is gone with its frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Nanoseconds since the epoch; [`NO_TIME`] where the frame has none.
    pub time: i64,
    /// Number of the frame in this chunk, from 1.
    pub frame: u32,
    /// Its sequence number.
    pub sequence: u32,
    /// Octets from the SPI to the end of the checksum.
    pub length: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// What else is so.
    pub marks: Marks,
}

impl Packet {
    /// What is kept of a packet in this frame of the chunk.
    #[inline(always)]
    pub(super) fn new(
        (frame, time): (FrameId, Option<Timestamp>),
        sequence: u32,
        length: u32,
        ip: &IpFacts,
        cut: bool,
    ) -> Self {
        Self {
            time: time.map_or(NO_TIME, |time| time.0),
            frame: u32::try_from(frame.number).unwrap_or(u32::MAX),
            sequence,
            length,
            ttl: ip.ttl,
            traffic_class: ip.traffic_class,
            marks: Marks::default()
                .with(Marks::CUT, cut)
                .with(Marks::DONT_FRAGMENT, ip.dont_fragment)
                .with(Marks::PADDED, ip.padded),
        }
    }
}

/// What is so of an ESP packet, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Marks(u8);

impl Marks {
    /// The capture kept only a part of it.
    pub const CUT: Self = Self(1);
    /// It forbids fragmentation.
    pub const DONT_FRAGMENT: Self = Self(2);
    /// Its frame holds more octets behind it than IP says.
    pub const PADDED: Self = Self(4);

    /// These, and that one if it is so.
    #[inline]
    pub fn with(self, mark: Self, is_so: bool) -> Self {
        Self(self.0 | if is_so { mark.0 } else { 0 })
    }

    /// Whether a mark is among them.
    #[inline]
    pub fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }
}

/// Stands for "no time" inside [`Packet`], where an `Option` would cost eight octets.
pub const NO_TIME: i64 = i64::MIN;

/// When the packets and controls of a chunk came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Times {
    /// The earliest.
    pub earliest: Timestamp,
    /// The latest.
    pub latest: Timestamp,
    /// That of the last in frame order that had one.
    pub last: Option<Timestamp>,
    /// Whether none was earlier than one before it by a second or more, and none had no time.
    pub steady: bool,
}

impl Packets {
    /// The packets in frame order, each with its lane.
    pub fn in_order(&self) -> Cow<'_, [(u32, Packet)]> {
        match self {
            Self::InOrder(packets) => Cow::Borrowed(packets),
            Self::ByLane { packets, trains } => {
                let lane_of = trains
                    .iter()
                    .flat_map(|train| std::iter::repeat_n(train.lane, train.packets as usize));
                let mut told: Vec<_> = lane_of.zip(packets.iter().copied()).collect();
                told.sort_by_key(|(_, packet)| packet.frame);
                Cow::Owned(told)
            }
        }
    }
}

impl Times {
    /// Packets out of order lie closer than this. A clock that is set back by less does no harm.
    pub const STEP: Span = Span::from_secs(1);

    /// Takes in the next moment.
    #[inline]
    pub(super) fn note(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else {
            self.steady = false;
            return;
        };
        self.steady &= self.latest.since(time) < Self::STEP;
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time);
        self.last = Some(time);
    }
}

/// Of nothing yet.
impl Default for Times {
    fn default() -> Self {
        Self {
            earliest: Timestamp(i64::MAX),
            latest: Timestamp(i64::MIN),
            last: None,
            steady: true,
        }
    }
}

/// An ESP packet that is not encrypted, copied out of the chunk. It lies beside the packet, which
/// stays as small as all others.
#[derive(Clone, Debug)]
pub struct Readable {
    /// Which packet it is, counted from 0 in frame order.
    pub packet: usize,
    /// How it is laid out.
    pub null: Null,
    /// Its octets from the SPI to the end of the checksum.
    pub bytes: Bytes,
}

/// What keys made of an ESP packet. It lies beside it, too.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// Which packet it is, counted from 0 in frame order.
    pub packet: usize,
    /// How many SAs there were to try.
    pub candidates: usize,
    /// What they made of it; `None` if there were none.
    pub opening: Option<Opening>,
    /// Its octets from the SPI on, in [`Batch::octets`]: kept where keys may come yet that say more.
    pub sealed: Range<usize>,
    /// Its payload in there, if it was opened and someone asked for it.
    pub payload: Range<usize>,
}

/// A frame that is kept whole.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What is known of it, without its octets; it is numbered within the chunk.
    pub head: Frame<'static>,
    /// Its octets, in [`Batch::octets`].
    pub octets: Range<usize>,
}

/// Packets of one SPI that took one path: what all of them share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lane {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Between whom, and inside what.
    pub path: Path,
    /// Their SPI.
    pub spi: EspSpi,
}

/// A datagram that is not ESP, copied out of the chunk.
#[derive(Clone, Debug)]
pub struct Control {
    /// How many ESP packets came before it.
    pub after: usize,
    /// When and where; the frame is numbered within the chunk.
    pub stamp: Stamp,
    /// Between whom, and inside what.
    pub path: Path,
    /// Of the IP header.
    pub ip: IpFacts,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
    /// What it is.
    pub body: ControlBody,
}

/// What a control datagram is.
#[derive(Clone, Debug)]
pub enum ControlBody {
    /// An IKE message: where its octets lie in [`Batch::octets`].
    Ike(Range<usize>),
    /// An Authentication Header.
    Ah {
        /// Protocol of what follows.
        next_header: u8,
        /// Octets of the header.
        header_length: usize,
        /// SPI.
        spi: EspSpi,
        /// Sequence number.
        sequence: u32,
        /// Integrity check value.
        icv: Bytes,
        /// Octets of the header and all that follows it.
        length: u32,
        /// Whether its checksum is right; `None` if no key checks it.
        icv_ok: Option<bool>,
    },
    /// A NAT keepalive.
    Keepalive,
    /// An ICMP error about IPsec.
    Icmp(IcmpError),
    /// A piece of an IP packet.
    Fragment {
        /// Identification field.
        identification: u32,
        /// Protocol of the payload.
        protocol: u8,
        /// Offset in the payload.
        offset: u32,
        /// Whether more pieces follow.
        more: bool,
        /// Octets of the piece as its header says.
        length: u32,
        /// Those that the capture kept.
        bytes: Bytes,
    },
    /// A piece of a TCP stream.
    Segment {
        /// Sequence number.
        sequence: u32,
        /// Acknowledgment number.
        acknowledgment: Option<u32>,
        /// Whether it opens a direction.
        syn: bool,
        /// Whether it breaks the connection off.
        rst: bool,
        /// Octets of data, as the headers say.
        length: u32,
        /// Those that the capture kept.
        bytes: Bytes,
    },
    /// A pair of ends that is learned with the control after it.
    Learned(Pair),
}

impl ControlBody {
    /// Whether it may be, or complete, a packet of ESP or AH.
    pub fn may_be_esp(&self) -> bool {
        matches!(
            self,
            Self::Ah { .. } | Self::Fragment { .. } | Self::Segment { .. }
        )
    }
}

//! pcapng: sections, interfaces, blocks; draft-ietf-opsawg-pcapng.
//!
//! Blocks and times are read here. Of pcap-parser only the single option is used: it takes
//! `if_tsresol` and `if_tsoffset` amiss, and numbers in options as little-endian always.

use pcap_parser::nom::error::Error as Cut;
use pcap_parser::{
    EPB_MAGIC, IDB_MAGIC, ISB_MAGIC, OptionCode, PcapNGOption, SHB_MAGIC, SPB_MAGIC,
    parse_option_be, parse_option_le,
};

use super::order::ByteOrder;
use super::walk::{Format, Head, Sink};
use super::{Frame, LinkType};
use crate::limits::{CAPTURE_INTERFACES, RECORD_OCTETS_MAX};
use crate::say;
use crate::units::Timestamp;

/// The obsolete Packet Block, section "Obsolete Blocks".
const PACKET_BLOCK: u32 = 2;

/// A byte-order magic in its own order.
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Octets of the smallest block: type and length, and the length again.
const BLOCK_MIN: u32 = 12;

/// Octets of blocks around a packet of the largest size: options.
const BLOCK_MAX: u32 = RECORD_OCTETS_MAX + (1 << 20);

/// The state of a section: what its blocks so far say about those to come.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    order: ByteOrder,
    /// Interfaces of the sections before: interfaces are numbered through the file.
    before: u32,
    interfaces: Vec<Interface>,
    /// Whether blocks were taken in that change the state.
    pub(super) changed: bool,
}

/// An interface, as far as its packets need it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interface {
    link: LinkType,
    /// As stated; zero if there is no limit.
    snaplen: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Clock {
    /// `if_tsresol`: a negative power of ten, or of two if the highest bit is set.
    resolution: u8,
    /// `if_tsoffset`: seconds to add.
    offset: i64,
}

impl Clock {
    /// Without options: microseconds since the epoch.
    const DEFAULT: Self = Self {
        resolution: 6,
        offset: 0,
    };

    /// The moment of so many ticks; `None` if no [`Timestamp`] can hold it.
    #[inline]
    fn time(self, ticks: u64) -> Option<Timestamp> {
        match self {
            Self {
                resolution: 9,
                offset: 0,
            } => i64::try_from(ticks).ok(),
            Self {
                resolution: 6,
                offset: 0,
            } => i64::try_from(ticks).ok()?.checked_mul(1_000),
            _ => self.slow_time(ticks),
        }
        .map(Timestamp)
    }

    fn slow_time(self, ticks: u64) -> Option<i64> {
        const NANOSECONDS: u128 = 1_000_000_000;
        let exponent = u32::from(self.resolution & 0x7f);
        // 64 bits times 30 bits: no product overflows.
        let scaled = u128::from(ticks) * NANOSECONDS;
        let nanoseconds = if self.resolution & 0x80 != 0 {
            scaled >> exponent
        } else {
            // A power of ten that 128 bits cannot hold leaves nothing of 94 bits.
            10_u128
                .checked_pow(exponent)
                .map_or(0, |divisor| scaled / divisor)
        };
        let offset = i128::from(self.offset) * NANOSECONDS as i128;
        i64::try_from(i128::try_from(nanoseconds).ok()? + offset).ok()
    }
}

impl Section {
    /// The state before the section header that a file begins with; `None` if it is none.
    pub(super) fn before_first(head: &[u8]) -> Option<Self> {
        if !head.starts_with(&SHB_MAGIC.to_be_bytes()) {
            return None;
        }
        let order = section_order(head)?;
        Some(Self {
            order,
            before: 0,
            interfaces: Vec::new(),
            changed: false,
        })
    }

    /// The largest snapshot length of the interfaces so far, if one is stated.
    pub(super) fn snaplen(&self) -> Option<u32> {
        let stated = self.interfaces.iter().map(|interface| interface.snaplen);
        stated.filter(|snaplen| *snaplen != 0).max()
    }

    /// The number an interface has in the file.
    fn number(&self, interface: u32) -> u32 {
        self.before.saturating_add(interface)
    }

    fn begin(&mut self, block: &[u8]) {
        let count = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        self.before = self.before.saturating_add(count);
        self.interfaces.clear();
        self.order = section_order(block).unwrap_or(self.order);
        self.changed = true;
    }

    fn add_interface<V>(&mut self, offset: u64, block: &[u8], sink: &mut Sink<V>)
    where
        V: FnMut(&Frame<'_>),
    {
        let order = self.order;
        let Some((octets, _)) = block
            .get(8..)
            .and_then(|rest| rest.split_first_chunk::<8>())
        else {
            sink.problems.push(offset, block.len() as u64, || {
                "interface description of too few octets, expected at least 20".into()
            });
            return;
        };
        if self.interfaces.len() >= CAPTURE_INTERFACES {
            sink.problems.push(offset, 0, || {
                say!(
                    "more than {limit} interfaces in one section",
                    limit = CAPTURE_INTERFACES
                )
            });
            return;
        }
        let [link_low, link_high, _, _, s0, s1, s2, s3] = *octets;
        let snaplen = order.u32([s0, s1, s2, s3]);
        let mut clock = Clock::DEFAULT;
        for option in options(order, block, 16) {
            let value = option.as_bytes().unwrap_or_default();
            match option.code {
                OptionCode::IfTsresol => clock.resolution = *value.first().unwrap_or(&6),
                OptionCode::IfTsoffset => clock.offset = number(order, value).unwrap_or(0) as i64,
                _ => {}
            }
        }
        self.interfaces.push(Interface {
            link: LinkType(order.u16([link_low, link_high])),
            snaplen,
            clock,
        });
        self.changed = true;
        if snaplen != 0 {
            sink.snaplen = sink.snaplen.max(Some(snaplen));
        }
    }

    /// Counts of the interface from the start of its capture: the latest one holds.
    fn take_statistics<V>(&self, block: &[u8], sink: &mut Sink<V>) {
        let Some([_, _, interface]) = self.order.words::<3>(block) else {
            return;
        };
        let dropped = options(self.order, block, 20)
            .filter(|option| matches!(option.code, OptionCode::IsbIfDrop | OptionCode::IsbOsDrop))
            .filter_map(|option| number(self.order, option.as_bytes().ok()?))
            .reduce(u64::saturating_add);
        if let Some(dropped) = dropped {
            sink.dropped.state(self.number(interface), dropped);
        }
    }

    /// A packet of `body`'s first `kept` octets.
    #[inline(always)]
    fn packet<V: FnMut(&Frame<'_>)>(
        &self,
        offset: u64,
        (interface, ticks): (u32, Option<u64>),
        (kept, wire_len): (u32, u32),
        body: &[u8],
        sink: &mut Sink<V>,
    ) {
        let known = self.interfaces.get(interface as usize);
        let bytes = body.get(..kept as usize);
        if known.is_none() || bytes.is_none() {
            self.tell_odd_packet(offset, interface, kept, body.len(), sink);
        }
        let bytes = bytes.unwrap_or(body);
        let link = known.map_or(LinkType::UNKNOWN, |known| known.link);
        let time = known
            .zip(ticks)
            .and_then(|(known, ticks)| known.clock.time(ticks));
        sink.frame(time, self.number(interface), link, wire_len, bytes);
    }

    #[cold]
    fn tell_odd_packet<V: FnMut(&Frame<'_>)>(
        &self,
        offset: u64,
        interface: u32,
        kept: u32,
        room: usize,
        sink: &mut Sink<V>,
    ) {
        let count = self.interfaces.len();
        if interface as usize >= count {
            sink.problems.push(offset, 0, || {
                say!(
                    "packet of interface {interface}, expected one of the {count} described; its \
                     link type is unknown",
                    interface,
                    count
                )
            });
        }
        if kept as usize > room {
            sink.problems.push(offset, 0, || {
                say!(
                    "packet of {kept} octets, the block has room for {room}",
                    kept,
                    room
                )
            });
        }
    }
}

/// Custom blocks: one that editors may copy, and one that they may not.
const CUSTOM_BLOCK: u32 = 0x0000_0bad;
const CUSTOM_BLOCK_NOT_COPIED: u32 = 0x4000_0bad;

/// Byte order of a section, from its header block; `None` without a byte-order magic.
fn section_order(block: &[u8]) -> Option<ByteOrder> {
    let magic = *block.get(8..)?.first_chunk::<4>()?;
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| order.u32(magic) == BYTE_ORDER_MAGIC)
}

/// The options of a block from octet `at` on, until the first broken one.
fn options(order: ByteOrder, block: &[u8], at: usize) -> impl Iterator<Item = PcapNGOption<'_>> {
    let mut rest = block
        .get(at..block.len().saturating_sub(4))
        .unwrap_or_default();
    std::iter::from_fn(move || {
        let parsed = match order {
            ByteOrder::Little => parse_option_le::<Cut<&[u8]>>(rest),
            ByteOrder::Big => parse_option_be::<Cut<&[u8]>>(rest),
        };
        let (after, option) = parsed.ok()?;
        rest = after;
        (option.code != OptionCode::EndOfOpt).then_some(option)
    })
}

/// A number of 64 bits in an option.
fn number(order: ByteOrder, value: &[u8]) -> Option<u64> {
    Some(order.u64(value.try_into().ok()?))
}

impl Format for Section {
    const HEADER: usize = BLOCK_MIN as usize;
    const SEALED: bool = true;

    fn order(&self) -> ByteOrder {
        self.order
    }

    #[inline(always)]
    fn possible(&self, octets: &[u8], order: ByteOrder) -> Option<Head> {
        let octets = octets.get(..Self::HEADER)?;
        let [kind, _] = order.words::<2>(octets)?;
        let order = if kind == SHB_MAGIC {
            section_order(octets)?
        } else {
            order
        };
        let [_, total] = order.words::<2>(octets)?;
        (BLOCK_MIN..=BLOCK_MAX).contains(&total).then_some(Head {
            total,
            order,
            seconds: None,
        })
    }

    fn likely(&self, octets: &[u8], order: ByteOrder) -> Option<Head> {
        let [kind] = order.words::<1>(octets)?;
        let least = match kind {
            SHB_MAGIC => 28,
            IDB_MAGIC => 20,
            PACKET_BLOCK => 32,
            SPB_MAGIC => 16,
            ISB_MAGIC => 24,
            EPB_MAGIC => 32,
            // Name resolution, journal, decryption secrets, custom, process, and sysdig's.
            4 | 7..=12 | 0xbad | 0x4000_0bad | 0x8000_0001 | 0x201..=0x230 => BLOCK_MIN,
            _ => return None,
        };
        let head = self.possible(octets, order)?;
        (head.total >= least && head.total % 4 == 0).then_some(head)
    }

    #[inline(always)]
    fn closes(&self, head: &Head, end: &[u8; 4], _order: ByteOrder) -> bool {
        // A section header's own order is the one after it; no other block changes the order.
        head.order.u32(*end) == head.total
    }

    #[inline(always)]
    fn accept<V: FnMut(&Frame<'_>)>(&mut self, offset: u64, record: &[u8], sink: &mut Sink<V>) {
        let order = self.order;
        let [kind] = order.words::<1>(record).unwrap_or_default();
        let body = |at: usize| {
            record
                .get(at..record.len().saturating_sub(4))
                .unwrap_or_default()
        };
        match kind {
            EPB_MAGIC => {
                if let Some([_, _, interface, high, low, kept, wire]) = order.words::<7>(record) {
                    let ticks = u64::from(high) << 32 | u64::from(low);
                    self.packet(
                        offset,
                        (interface, Some(ticks)),
                        (kept, wire),
                        body(28),
                        sink,
                    );
                }
            }
            SPB_MAGIC => {
                if let Some([_, _, wire]) = order.words::<3>(record) {
                    // All packets are of the first interface, cut at its snapshot length.
                    let snaplen = self.interfaces.first().map_or(0, |first| first.snaplen);
                    let kept = if snaplen == 0 {
                        wire
                    } else {
                        wire.min(snaplen)
                    };
                    self.packet(offset, (0, None), (kept, wire), body(12), sink);
                }
            }
            PACKET_BLOCK => {
                if let Some([_, _, _, high, low, kept, wire]) = order.words::<7>(record) {
                    // The interface has 16 bits here; a count of drops stands beside it.
                    let [low_octet, high_octet, ..] = *body(8) else {
                        return;
                    };
                    let interface = u32::from(order.u16([low_octet, high_octet]));
                    let ticks = u64::from(high) << 32 | u64::from(low);
                    self.packet(
                        offset,
                        (interface, Some(ticks)),
                        (kept, wire),
                        body(28),
                        sink,
                    );
                }
            }
            SHB_MAGIC => self.begin(record),
            IDB_MAGIC => self.add_interface(offset, record, sink),
            ISB_MAGIC => self.take_statistics(record, sink),
            // Wireshark gives these a frame number, and frames are cited by its count.
            CUSTOM_BLOCK | CUSTOM_BLOCK_NOT_COPIED => sink.frames += 1,
            _ => {}
        }
    }
}

//! pcap: the format of libpcap and tcpdump, and its variants.
//!
//! Described in draft-ietf-opsawg-pcap; the variants in Wireshark's wiretap/libpcap.

use super::order::ByteOrder;
use super::walk::{Format, Head, Sink};
use super::{Frame, LinkType};
use crate::limits::{RECORD_OCTETS_MAX, RECORD_OCTETS_USUAL};
use crate::units::Timestamp;

/// A pcap file's header, as far as its records need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Octets of a record's header.
    record_header: u32,
    /// Nanoseconds of a unit of the part below a second.
    unit: u32,
    /// The part below a second is smaller than this.
    below_second: u32,
    /// Octets a record may keep.
    most: u32,
    link: LinkType,
    /// As stated; zero if it is not.
    snaplen: u32,
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetsov's libpcap on old Linux systems: eight octets more in each record's header.
const KUZNETZOV: u32 = 0xa1b2_cd34;
/// IXIA's "lcap", recorded by hardware (nanoseconds) and by software (microseconds): the length of
/// all records stands after the usual file header.
const IXIA_HARDWARE: u32 = 0x1c00_01ac;
const IXIA_SOFTWARE: u32 = 0x1c00_01ab;

impl Pcap {
    /// Octets of the file header; `None` if a file that begins so is no pcap file.
    pub(super) fn file_header(head: &[u8]) -> Option<usize> {
        magic(head).map(|(_, magic)| match magic {
            IXIA_HARDWARE | IXIA_SOFTWARE => 28,
            _ => 24,
        })
    }

    /// Reads the file header; `None` if it is cut.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let (order, magic) = magic(head)?;
        let header = head.get(..Self::file_header(head)?)?;
        let [_, _, _, _, snaplen, network] = order.words::<6>(header)?;
        let nanoseconds = matches!(magic, NANOSECONDS | IXIA_HARDWARE);
        let (unit, below_second) = if nanoseconds {
            (1, 1_000_000_000)
        } else {
            (1_000, 1_000_000)
        };
        Some(Self {
            order,
            record_header: if magic == KUZNETZOV { 24 } else { 16 },
            unit,
            below_second,
            most: snaplen.clamp(RECORD_OCTETS_USUAL, RECORD_OCTETS_MAX),
            // The upper half tells the length of a frame check sequence and the number's class.
            link: LinkType((network & 0xffff) as u16),
            snaplen,
        })
    }

    /// The largest snapshot length, if one is stated.
    pub(super) fn snaplen(&self) -> Option<u32> {
        (self.snaplen != 0).then_some(self.snaplen)
    }

    /// The link type of all records.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Other readings of the same file header, for files that do not keep to their own: with any
    /// part below a second, or written by a patched libpcap under the common magic number.
    pub(super) fn variants(&self) -> [Self; 2] {
        let other_header = if self.record_header == 16 { 24 } else { 16 };
        [
            Self {
                below_second: u32::MAX,
                ..*self
            },
            Self {
                record_header: other_header,
                ..*self
            },
        ]
    }
}

fn magic(head: &[u8]) -> Option<(ByteOrder, u32)> {
    let octets = *head.first_chunk::<4>()?;
    let known = [
        MICROSECONDS,
        NANOSECONDS,
        KUZNETZOV,
        IXIA_HARDWARE,
        IXIA_SOFTWARE,
    ];
    [ByteOrder::Little, ByteOrder::Big]
        .map(|order| (order, order.u32(octets)))
        .into_iter()
        .find(|(_, magic)| known.contains(magic))
}

impl Format for Pcap {
    const HEADER: usize = 16;
    const SEALED: bool = false;

    fn order(&self) -> ByteOrder {
        self.order
    }

    #[inline(always)]
    fn possible(&self, octets: &[u8], _order: ByteOrder) -> Option<Head> {
        let [seconds, part, kept, wire_len] = self.order.words::<4>(octets)?;
        // Sixteen zero octets are a hole in the file, not an empty frame of 1970.
        let hole = seconds | part | kept | wire_len == 0;
        let fits = kept <= self.most && part < self.below_second && wire_len <= RECORD_OCTETS_MAX;
        (fits && !hole).then(|| Head {
            total: self.record_header + kept,
            order: self.order,
            seconds: Some(seconds),
        })
    }

    fn likely(&self, octets: &[u8], order: ByteOrder) -> Option<Head> {
        let head = self.possible(octets, order)?;
        let [_, _, kept, wire_len] = self.order.words::<4>(octets)?;
        (kept > 0 && kept <= wire_len).then_some(head)
    }

    fn closes(&self, _head: &Head, _end: &[u8; 4], _order: ByteOrder) -> bool {
        true
    }

    #[inline(always)]
    fn accept<V: FnMut(&Frame<'_>)>(&mut self, _offset: u64, record: &[u8], sink: &mut Sink<V>) {
        let Some([seconds, part, _, wire_len]) = self.order.words::<4>(record) else {
            return;
        };
        let bytes = record
            .get(self.record_header as usize..)
            .unwrap_or_default();
        // Both factors have 32 bits: the sum stays below 2^63.
        let nanoseconds =
            i64::from(seconds) * 1_000_000_000 + i64::from(part) * i64::from(self.unit);
        sink.frame(Some(Timestamp(nanoseconds)), 0, self.link, wire_len, bytes);
    }
}

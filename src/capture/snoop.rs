//! snoop: the format of Solaris, RFC 1761.

use super::order::ByteOrder;
use super::walk::{Format, Head, Sink};
use super::{Frame, LinkType};
use crate::limits::{RECORD_OCTETS_MAX, RECORD_OCTETS_USUAL};
use crate::units::Timestamp;

/// A snoop file's header, as far as its records need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Snoop {
    link: LinkType,
}

/// Octets of the file header.
pub(super) const FILE_HEADER: usize = 16;

/// What a snoop file begins with, RFC 1761 section "File Header".
pub(super) const MAGIC: &[u8; 8] = b"snoop\0\0\0";

/// Octets of a packet record's header.
const RECORD_HEADER: u32 = 24;

/// Padding that a record may have: the RFC asks for less than four octets, some systems pad more.
const PAD_MOST: u32 = 64;

impl Snoop {
    /// Reads the file header; `None` if it is cut or of another version.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let [_, _, version, datalink] = ByteOrder::Big.words::<4>(head)?;
        (version == 2).then_some(Self {
            link: link(datalink),
        })
    }

    /// The link type of all records.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }
}

/// Datalink types of RFC 1761 and of Solaris' dlpi.h.
fn link(datalink: u32) -> LinkType {
    match datalink {
        0 | 4 | 24 | 25 => LinkType::ETHERNET,
        2 => LinkType::IEEE802_5,
        8 => LinkType::FDDI,
        14 => LinkType::NULL,
        16 => LinkType::IP_OVER_FC,
        18 => LinkType::SUNATM,
        26 => LinkType::IPOIB,
        0x8000_0001 => LinkType::IPV4,
        0x8000_0002 => LinkType::IPV6,
        0x8000_0004 => LinkType::IEEE802_11,
        0x8000_0005 => LinkType::IPNET,
        _ => LinkType::UNKNOWN,
    }
}

impl Format for Snoop {
    const HEADER: usize = RECORD_HEADER as usize;
    const SEALED: bool = false;

    fn order(&self) -> ByteOrder {
        ByteOrder::Big
    }

    #[inline(always)]
    fn possible(&self, octets: &[u8], order: ByteOrder) -> Option<Head> {
        let [wire_len, kept, total, _, seconds, micros] = order.words::<6>(octets)?;
        let pad = total.checked_sub(RECORD_HEADER)?.checked_sub(kept)?;
        let fits = kept <= RECORD_OCTETS_USUAL
            && pad <= PAD_MOST
            && micros < 1_000_000
            && wire_len <= RECORD_OCTETS_MAX;
        fits.then_some(Head {
            total,
            order,
            seconds: Some(seconds),
        })
    }

    fn likely(&self, octets: &[u8], order: ByteOrder) -> Option<Head> {
        let head = self.possible(octets, order)?;
        let [wire_len, kept] = order.words::<2>(octets)?;
        (kept > 0 && kept <= wire_len).then_some(head)
    }

    fn closes(&self, _head: &Head, _end: &[u8; 4], _order: ByteOrder) -> bool {
        true
    }

    #[inline(always)]
    fn accept<V: FnMut(&Frame<'_>)>(&mut self, _offset: u64, record: &[u8], sink: &mut Sink<V>) {
        let Some(words) = ByteOrder::Big.words::<6>(record) else {
            return;
        };
        let [wire_len, kept, _, dropped, seconds, micros] = words;
        let body = record.get(RECORD_HEADER as usize..).unwrap_or_default();
        let bytes = body.get(..kept as usize).unwrap_or_default();
        // Both terms have 32 bits before the factor: the sum stays below 2^63.
        let nanoseconds = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1_000;
        // The count runs from the start of the capture.
        sink.dropped.state(0, u64::from(dropped));
        sink.frame(Some(Timestamp(nanoseconds)), 0, self.link, wire_len, bytes);
    }
}

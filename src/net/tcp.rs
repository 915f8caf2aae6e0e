//! The TCP header (RFC 9293 section 3.1), and what in one segment tells that IPsec is in the stream.

use super::datagram::Segment;
use super::octets::Octets;
use crate::wire::content;

/// The port of IPsec over TCP, where no other was agreed on (RFC 9329 section 2).
pub(super) const IPSEC_PORT: u16 = 4500;

/// What the TCP originator sends before all else (RFC 9329 section 4).
pub(super) const STREAM_PREFIX: &[u8; 6] = b"IKETCP";

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tcp<'a> {
    /// Port of the sender.
    pub(super) from: u16,
    /// Port of the receiver.
    pub(super) to: u16,
    /// Sequence number of its first octet, or of the SYN before it.
    pub(super) sequence: u32,
    /// Acknowledgment number.
    pub(super) acknowledgment: Option<u32>,
    /// Whether it opens a direction.
    pub(super) syn: bool,
    /// Whether it breaks the connection off.
    pub(super) rst: bool,
    /// What follows the header.
    pub(super) data: Octets<'a>,
}

/// Reads a segment; `None` if the fixed part of its header is not whole, or contradicts itself.
///
/// Options that the capture cut are passed over by the length of the header: etherparse wants all
/// of them.
pub(super) fn read(octets: Octets<'_>) -> Option<Tcp<'_>> {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let head: &[u8; 20] = octets.kept.first_chunk()?;
    let header_len = u32::from(head[12] >> 4) * 4;
    if header_len < 20 || header_len > octets.length {
        return None;
    }
    let kept = octets.kept.get(header_len as usize..).unwrap_or_default();
    let flags = head[13];
    Some(Tcp {
        from: u16::from_be_bytes([head[0], head[1]]),
        to: u16::from_be_bytes([head[2], head[3]]),
        sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        acknowledgment: (flags & ACK != 0)
            .then(|| u32::from_be_bytes([head[8], head[9], head[10], head[11]])),
        syn: flags & SYN != 0,
        rst: flags & RST != 0,
        data: Octets::new(kept, octets.length - header_len),
    })
}

impl<'a> Tcp<'a> {
    /// Whether it goes over the port of IPsec.
    pub(super) fn is_on_ipsec_port(&self) -> bool {
        self.from == IPSEC_PORT || self.to == IPSEC_PORT
    }

    /// Whether it begins as nothing but a stream of IPsec does: with the prefix, or with an IKE
    /// message behind its length and the marker.
    pub(super) fn begins_ipsec(&self) -> bool {
        let Some((&length, message)) = self.data.kept.split_first_chunk() else {
            return false;
        };
        if self.data.kept.starts_with(STREAM_PREFIX) {
            return true;
        }
        let length = usize::from(u16::from_be_bytes(length)).saturating_sub(2);
        let message = message.get(..length).unwrap_or(message);
        content::find(message, length).is_some_and(|found| found.marked)
    }

    /// The segment for whoever puts the stream together.
    pub(super) fn segment(&self) -> Segment<'a> {
        Segment {
            sequence: self.sequence,
            acknowledgment: self.acknowledgment,
            syn: self.syn,
            rst: self.rst,
            length: self.data.length,
            bytes: self.data.kept,
        }
    }
}

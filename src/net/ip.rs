//! IPv4 (RFC 791) and IPv6 (RFC 8200): who sends to whom, and what is inside.

use super::datagram::IpFacts;
use super::octets::Octets;
use etherparse::{IpNumber, Ipv6FragmentHeaderSlice, Ipv6RawExtHeaderSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol numbers, as IANA assigns them.
pub(super) mod protocol {
    pub(in crate::net) const ICMP: u8 = 1;
    pub(in crate::net) const IPV4: u8 = 4;
    pub(in crate::net) const TCP: u8 = 6;
    pub(in crate::net) const UDP: u8 = 17;
    pub(in crate::net) const IPV6: u8 = 41;
    pub(in crate::net) const FRAGMENT: u8 = 44;
    pub(in crate::net) const GRE: u8 = 47;
    pub(in crate::net) const ESP: u8 = 50;
    pub(in crate::net) const AH: u8 = 51;
    pub(in crate::net) const ICMPV6: u8 = 58;
    pub(in crate::net) const NO_NEXT_HEADER: u8 = 59;
    pub(in crate::net) const OSPF: u8 = 89;
    pub(in crate::net) const BEET: u8 = 94;
    pub(in crate::net) const IPCOMP: u8 = 108;
    pub(in crate::net) const SCTP: u8 = 132;
    pub(in crate::net) const MPLS: u8 = 137;
    pub(in crate::net) const WESP: u8 = 141;
    pub(in crate::net) const AGGFRAG: u8 = 144;
}

/// An IP packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Its header.
    pub(super) header: Header,
    /// Protocol of the payload.
    pub(super) protocol: u8,
    /// What follows the header and, in IPv6, the extension headers.
    pub(super) payload: Octets<'a>,
    /// Where the payload belongs, if it is a piece of a fragmented one.
    pub(super) piece: Option<Piece>,
}

/// What matters of an IP header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Sender.
    pub(super) from: IpAddr,
    /// Receiver.
    pub(super) to: IpAddr,
    /// The rest.
    pub(super) facts: IpFacts,
    /// Identification of an IPv4 packet, zero in IPv6. `None` if options, extension headers or the
    /// bounds of a fragment stand in the header too.
    pub(super) identification: Option<u16>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece {
    /// Which packet it is a piece of.
    pub(super) identification: u32,
    /// Where it begins in the payload, in octets.
    pub(super) offset: u32,
    /// Whether more pieces follow it.
    pub(super) more: bool,
}

/// Reads an IPv4 or IPv6 packet; its first four bits say which. `None` if a header is not whole or
/// contradicts itself.
#[inline(always)]
pub(super) fn read(octets: Octets<'_>) -> Option<Packet<'_>> {
    match octets.kept.first()? >> 4 {
        4 => read_v4(octets),
        6 => read_v6(octets),
        _ => None,
    }
}

#[inline(always)]
fn read_v4(octets: Octets<'_>) -> Option<Packet<'_>> {
    let head: &[u8; 20] = octets.kept.first_chunk()?;
    let header_len = u32::from(head[0] & 0x0f) * 4;
    let held = octets.length;
    let octets = match u32::from(u16::from_be_bytes([head[2], head[3]])) {
        // A sending card that segments by itself leaves the length to be filled in later.
        0 => octets,
        length => octets.said_to_be(length),
    };
    if header_len < 20 || octets.length < header_len {
        return None;
    }
    let flags = u16::from_be_bytes([head[6], head[7]]);
    let more = flags & 0x2000 != 0;
    let offset = u32::from(flags & 0x1fff) * 8;
    Some(Packet {
        header: Header {
            from: Ipv4Addr::new(head[12], head[13], head[14], head[15]).into(),
            to: Ipv4Addr::new(head[16], head[17], head[18], head[19]).into(),
            facts: IpFacts {
                ttl: head[8],
                traffic_class: head[1],
                dont_fragment: flags & 0x4000 != 0,
                padded: held > octets.length,
                length: octets.length,
                pieces: 1,
            },
            identification: (header_len == 20 && !more && offset == 0)
                .then_some(u16::from_be_bytes([head[4], head[5]])),
        },
        protocol: head[9],
        payload: octets.skip(header_len as usize)?,
        piece: (more || offset != 0).then_some(Piece {
            identification: u32::from(u16::from_be_bytes([head[4], head[5]])),
            offset,
            more,
        }),
    })
}

#[inline]
fn read_v6(octets: Octets<'_>) -> Option<Packet<'_>> {
    let (head, payload) = octets.split::<40>()?;
    let held = payload.length;
    let payload = match u32::from(u16::from_be_bytes([head[4], head[5]])) {
        // Jumbograms (RFC 2675), and cards that segment by themselves.
        0 => payload,
        length => payload.said_to_be(length),
    };
    let (_, addresses) = head.split_at_checked(8)?;
    let (from, to): (&[u8; 16], &[u8; 16]) = (addresses.first_chunk()?, addresses.last_chunk()?);
    let facts = IpFacts {
        ttl: head[7],
        traffic_class: head[0] << 4 | head[1] >> 4,
        dont_fragment: true,
        padded: held > payload.length,
        length: payload.length.saturating_add(40),
        pieces: 1,
    };
    let (protocol, payload, piece) = skip_extensions(head[6], payload)?;
    Some(Packet {
        header: Header {
            from: Ipv6Addr::from(*from).into(),
            to: Ipv6Addr::from(*to).into(),
            facts,
            identification: (protocol == head[6]).then_some(0),
        },
        protocol,
        payload,
        piece,
    })
}

/// Whether a protocol number is that of an IPv6 extension header that is walked over.
pub(crate) fn is_extension(protocol: u8) -> bool {
    Ipv6RawExtHeaderSlice::header_type_supported(IpNumber(protocol))
}

/// Walks over IPv6 extension headers (RFC 8200 section 4) up to the first protocol that is none,
/// or to the end of a fragment header. `None` if one is not whole.
///
/// The headers are read by etherparse, the chain is followed here: etherparse's own walk goes past
/// AH, which is to be told of, reads on in the middle of a fragmented payload, and stops at
/// mobility, HIP and Shim6. Its iterator over a chain that was cut reads beyond the octets it was
/// given (0.21); the constructors used here check theirs.
#[inline]
pub(super) fn skip_extensions(
    mut protocol: u8,
    mut octets: Octets<'_>,
) -> Option<(u8, Octets<'_>, Option<Piece>)> {
    loop {
        if protocol == protocol::FRAGMENT {
            let header = Ipv6FragmentHeaderSlice::from_slice(octets.kept).ok()?;
            protocol = header.next_header().0;
            octets = octets.skip(header.slice().len())?;
            // A fragment that is the whole packet is read as one (RFC 6946).
            if header.is_fragmenting_payload() {
                let piece = Piece {
                    identification: header.identification(),
                    offset: u32::from(header.fragment_offset().value()) * 8,
                    more: header.more_fragments(),
                };
                return Some((protocol, octets, Some(piece)));
            }
        } else if is_extension(protocol) {
            let header = Ipv6RawExtHeaderSlice::from_slice(octets.kept).ok()?;
            protocol = header.next_header().0;
            octets = octets.skip(header.slice().len())?;
        } else {
            return Some((protocol, octets, None));
        }
    }
}

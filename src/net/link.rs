//! Link-layer headers: one arm for each link type, one function for each header.

use super::Next;
use super::ether::{self, ether_type};
use super::octets::Octets;
use crate::capture::LinkType;
use crate::units::LinkAddress;

const NULL: LinkType = LinkType(0);
pub(super) const ETHERNET: LinkType = LinkType(1);
const PPP: LinkType = LinkType(9);
const RAW_BSD: LinkType = LinkType(12);
const RAW_OPENBSD: LinkType = LinkType(14);
const PPP_HDLC: LinkType = LinkType(50);
const PPP_ETHER: LinkType = LinkType(51);
const ATM_RFC1483: LinkType = LinkType(100);
const RAW: LinkType = LinkType(101);
const C_HDLC: LinkType = LinkType(104);
const FRELAY: LinkType = LinkType(107);
const LOOP: LinkType = LinkType(108);
const ENC: LinkType = LinkType(109);
pub(super) const LINUX_SLL: LinkType = LinkType(113);
const PFLOG: LinkType = LinkType(117);
const PPP_PPPD: LinkType = LinkType(166);
const PPI: LinkType = LinkType(192);
const PPP_WITH_DIR: LinkType = LinkType(204);
const MPLS: LinkType = LinkType(219);
const IPV4: LinkType = LinkType(228);
const IPV6: LinkType = LinkType(229);
const NFLOG: LinkType = LinkType(239);
pub(super) const LINUX_SLL2: LinkType = LinkType(276);

/// Reads the header of a frame; `None` if the link type is not known, the header is not whole or
/// what follows it is not for us.
#[inline(always)]
pub(super) fn read(link: LinkType, octets: Octets<'_>) -> Option<Next<'_>> {
    match link {
        ETHERNET => ethernet(octets),
        LINUX_SLL => linux_sll(octets),
        LINUX_SLL2 => linux_sll2(octets),
        RAW | RAW_BSD | RAW_OPENBSD | IPV4 | IPV6 => Some(Next::ip(octets)),
        _ => read_uncommon(link, octets),
    }
}

/// Octets of an Ethernet header.
pub(super) const ETHERNET_LEN: usize = 14;

/// What comes before an IP packet in most frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeforeIp {
    /// How many octets.
    pub(super) length: usize,
    /// Whether a VLAN tag is among them.
    pub(super) is_tagged: bool,
}

/// What comes before an IP packet on the common link types, with one VLAN tag or none; `None` for all
/// else, which [`read`] knows. The octets of it may not all be there.
#[inline(always)]
pub(super) fn before_ip(link: LinkType, bytes: &[u8]) -> Option<BeforeIp> {
    let ether_type = |place: usize| {
        let octets = bytes.get(place..)?.first_chunk()?;
        Some(u16::from_be_bytes(*octets))
    };
    let names_ip = |kind: u16| matches!(kind, ether_type::IPV4 | ether_type::IPV6);
    let (kind, length, is_tagged) = match link {
        ETHERNET => match ether_type(12)? {
            ether_type::VLAN => (ether_type(16)?, ETHERNET_LEN + 4, true),
            kind => (kind, ETHERNET_LEN, false),
        },
        LINUX_SLL => (ether_type(14)?, 16, false),
        LINUX_SLL2 => (ether_type(0)?, 20, false),
        RAW => (ether_type::IPV4, 0, false),
        _ => return None,
    };
    names_ip(kind).then_some(BeforeIp { length, is_tagged })
}

/// The station that put a frame on the link: the source address of Ethernet, and of Linux cooked captures, which tell
/// how long it is. `None` on links without such addresses.
#[inline]
pub(super) fn station(link: LinkType, bytes: &[u8]) -> Option<LinkAddress> {
    let address = match link {
        ETHERNET => bytes.get(6..12)?,
        LINUX_SLL => bytes.get(6..14)?.get(..usize::from(*bytes.get(5)?))?,
        LINUX_SLL2 => bytes.get(12..20)?.get(..usize::from(*bytes.get(11)?))?,
        _ => return None,
    };
    LinkAddress::new(address)
}

/// Link types that few captures have, kept out of the way of the others.
#[cold]
fn read_uncommon(link: LinkType, octets: Octets<'_>) -> Option<Next<'_>> {
    match link {
        NULL | LOOP => family(octets, 4),
        // OpenBSD's and FreeBSD's enc(4): address family, SPI, flags.
        ENC => family(octets, 12),
        PFLOG => pflog(octets),
        PPP => ether::ppp(octets),
        PPP_HDLC if matches!(octets.kept, [0x0f | 0x8f, ..]) => cisco_hdlc(octets),
        PPP_HDLC => ether::ppp(octets),
        // The direction stands where the address field was.
        PPP_PPPD => ether::ppp(octets.skip(2)?),
        PPP_WITH_DIR => ether::ppp(octets.skip(1)?),
        PPP_ETHER => Some(Next::ether(ether_type::PPPOE_SESSION, octets)),
        ATM_RFC1483 => ether::llc(octets),
        C_HDLC => cisco_hdlc(octets),
        FRELAY => frame_relay(octets),
        MPLS => Some(Next::ether(ether_type::MPLS, octets)),
        NFLOG => nflog(octets),
        PPI => ppi(octets),
        _ => None,
    }
}

/// Ethernet II, or IEEE 802.3 with a length where the EtherType is.
#[inline(always)]
fn ethernet(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, rest) = octets.split::<ETHERNET_LEN>()?;
    Some(Next::ether(u16::from_be_bytes([head[12], head[13]]), rest))
}

/// Linux cooked capture, first version.
#[inline]
fn linux_sll(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, rest) = octets.split::<16>()?;
    cooked(u16::from_be_bytes([head[14], head[15]]), rest)
}

/// Linux cooked capture, second version.
#[inline]
fn linux_sll2(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, rest) = octets.split::<20>()?;
    cooked(u16::from_be_bytes([head[0], head[1]]), rest)
}

/// The interface that a Linux cooked capture of the second version names.
pub(super) fn linux_sll2_interface(bytes: &[u8]) -> Option<u32> {
    let &[_, _, _, _, a, b, c, d] = bytes.first_chunk()?;
    Some(u32::from_be_bytes([a, b, c, d]))
}

/// The protocol of a Linux cooked capture: an EtherType, or one of Linux's own numbers.
#[inline]
fn cooked(protocol: u16, octets: Octets<'_>) -> Option<Next<'_>> {
    match protocol {
        // LINUX_SLL_P_802_2
        0x0004 => ether::llc(octets),
        0x0000..0x0600 => None,
        _ => Some(Next::ether(protocol, octets)),
    }
}

/// A header of `length` octets that begins with the address family, in the byte order of the host
/// that wrote it.
fn family(octets: Octets<'_>, length: usize) -> Option<Next<'_>> {
    let &bytes: &[u8; 4] = octets.kept.first_chunk()?;
    let known = is_ip(u32::from_be_bytes(bytes)) || is_ip(u32::from_le_bytes(bytes));
    known.then_some(Next::ip(octets.skip(length)?))
}

/// OpenBSD's packet filter log: length of the header, address family, and more up to a multiple
/// of four.
fn pflog(octets: Octets<'_>) -> Option<Next<'_>> {
    let &[length, family] = octets.kept.first_chunk()?;
    let rest = octets.skip(usize::from(length).next_multiple_of(4))?;
    is_ip(u32::from(family)).then_some(Next::ip(rest))
}

/// Whether an address family is IPv4 or IPv6. IPv6 has another number in each system: Linux,
/// Windows, NetBSD and OpenBSD, FreeBSD, Darwin.
fn is_ip(family: u32) -> bool {
    matches!(family, 2 | 10 | 23 | 24 | 28 | 30)
}

/// Cisco HDLC: address, control, EtherType.
fn cisco_hdlc(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, rest) = octets.split::<4>()?;
    Some(Next::ether(u16::from_be_bytes([head[2], head[3]]), rest))
}

/// Frame relay: an address of two to four octets, then NLPID (RFC 2427) or Cisco's EtherType.
fn frame_relay(octets: Octets<'_>) -> Option<Next<'_>> {
    // The lowest bit of an address octet is set in the last one.
    let last = octets
        .kept
        .iter()
        .take(4)
        .position(|octet| octet & 1 == 1)?;
    let rest = octets.skip(last + 1)?;
    match rest.kept {
        // Unnumbered information, with or without an octet of padding.
        [0x03, 0x00, ..] => ether::nlpid(rest.skip(2)?),
        [0x03, ..] => ether::nlpid(rest.skip(1)?),
        _ => {
            let (&protocol, rest) = rest.split()?;
            Some(Next::ether(u16::from_be_bytes(protocol), rest))
        }
    }
}

/// Netfilter log: a header of four octets, then attributes in the byte order of the host; the one
/// of type 9 is the packet.
fn nflog(octets: Octets<'_>) -> Option<Next<'_>> {
    let attributes = octets.skip(4)?;
    nflog_payload(attributes, u16::from_le_bytes)
        .or_else(|| nflog_payload(attributes, u16::from_be_bytes))
        .map(Next::ip)
}

fn nflog_payload(mut attributes: Octets<'_>, order: fn([u8; 2]) -> u16) -> Option<Octets<'_>> {
    const NFULA_PAYLOAD: u16 = 9;
    loop {
        let &[a, b, c, d] = attributes.kept.first_chunk()?;
        let length = order([a, b]);
        let payload_len = length.checked_sub(4)?;
        if order([c, d]) == NFULA_PAYLOAD {
            return Some(attributes.skip(4)?.at_most(payload_len.into()));
        }
        attributes = attributes.skip(usize::from(length).next_multiple_of(4))?;
    }
}

/// Per-packet information: version, flags, length of all of it, and the true link type.
fn ppi(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, _) = octets.split::<8>()?;
    let rest = octets.skip(usize::from(u16::from_le_bytes([head[2], head[3]])).max(8))?;
    let link = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    Some(Next::link(LinkType(u16::try_from(link).ok()?), rest))
}

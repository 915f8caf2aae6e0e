//! What an EtherType, or the like of one, names: VLAN tags, PPPoE, PPP, MPLS, LLC.

use super::datagram::{Encap, Layer};
use super::octets::Octets;
use super::{Next, link, tunnel};

/// EtherTypes, as IANA and IEEE assign them.
pub(super) mod ether_type {
    pub(in crate::net) const IPV4: u16 = 0x0800;
    pub(in crate::net) const VLAN: u16 = 0x8100;
    pub(in crate::net) const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub(in crate::net) const IPV6: u16 = 0x86dd;
    pub(in crate::net) const MPLS: u16 = 0x8847;
    pub(in crate::net) const MPLS_MULTICAST: u16 = 0x8848;
    pub(in crate::net) const PPPOE_SESSION: u16 = 0x8864;
    pub(in crate::net) const SERVICE_VLAN: u16 = 0x88a8;
    /// Used for an outer tag before IEEE 802.1ad, and still met.
    pub(in crate::net) const OLD_SERVICE_VLAN: u16 = 0x9100;
    pub(in crate::net) const NSH: u16 = 0x894f;
    pub(in crate::net) const ERSPAN_2: u16 = 0x88be;
    pub(in crate::net) const ERSPAN_3: u16 = 0x22eb;
    /// A length below this is IEEE 802.3's.
    pub(in crate::net) const LEAST: u16 = 0x0600;
}

/// Goes into what an EtherType names; `None` if that is not for us, or nested too deep.
#[inline(always)]
pub(super) fn read<'a>(kind: u16, octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    match kind {
        ether_type::IPV4 | ether_type::IPV6 => Some(Next::ip(octets)),
        ether_type::VLAN | ether_type::SERVICE_VLAN | ether_type::OLD_SERVICE_VLAN => {
            vlan(octets, encap)
        }
        ether_type::PPPOE_SESSION => pppoe(octets, encap),
        ether_type::MPLS | ether_type::MPLS_MULTICAST => mpls(octets, encap),
        ether_type::NSH => tunnel::nsh(octets, encap),
        ether_type::TRANSPARENT_ETHERNET => Some(Next::link(link::ETHERNET, octets)),
        length if length < ether_type::LEAST => llc(octets.at_most(length.into())),
        _ => None,
    }
}

/// The tag of IEEE 802.1Q: priority, VLAN identifier, and the EtherType of what follows.
#[inline(always)]
fn vlan<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (&[a, b, c, d], rest) = octets.split()?;
    let id = u16::from_be_bytes([a, b]) & 0x0fff;
    encap
        .push(Layer::Vlan(id))
        .then_some(Next::ether(u16::from_be_bytes([c, d]), rest))
}

/// A PPPoE session (RFC 2516 section 4): version and type, code, session, length, PPP.
fn pppoe<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (&[version_type, code, _, _, a, b], rest) = octets.split()?;
    if version_type != 0x11 || code != 0 || !encap.push(Layer::Pppoe) {
        return None;
    }
    ppp(rest.at_most(u16::from_be_bytes([a, b]).into()))
}

/// PPP (RFC 1661 section 2), its address, control and protocol fields compressed or not.
pub(super) fn ppp(octets: Octets<'_>) -> Option<Next<'_>> {
    let octets = match octets.kept {
        [0xff, 0x03, ..] => octets.skip(2)?,
        _ => octets,
    };
    // The lowest bit of the first octet is set if it is the only one.
    let (protocol, rest) = match *octets.kept {
        [only, ..] if only & 1 == 1 => (u16::from(only), octets.skip(1)?),
        [first, second, ..] => (u16::from_be_bytes([first, second]), octets.skip(2)?),
        _ => return None,
    };
    match protocol {
        0x0021 | 0x0057 => Some(Next::ip(rest)),
        0x0281 => Some(Next::ether(ether_type::MPLS, rest)),
        0x0283 => Some(Next::ether(ether_type::MPLS_MULTICAST, rest)),
        _ => None,
    }
}

/// A stack of MPLS labels (RFC 3032 section 2.1). Nothing says what it carries: IP is known by its
/// version, all else is taken for Ethernet.
pub(super) fn mpls<'a>(mut octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    loop {
        let (&entry, rest) = octets.split()?;
        let entry = u32::from_be_bytes(entry);
        if !encap.push(Layer::Mpls(entry >> 12)) {
            return None;
        }
        octets = rest;
        let bottom_of_stack = entry & 0x100 != 0;
        if bottom_of_stack {
            break;
        }
    }
    match octets.kept.first()? >> 4 {
        4 | 6 => Some(Next::ip(octets)),
        // A pseudo-wire with a control word (RFC 4385 section 3), or an address that begins like one.
        0 if !begins_with_ethernet(octets) => Some(Next::link(link::ETHERNET, octets.skip(4)?)),
        _ => Some(Next::link(link::ETHERNET, octets)),
    }
}

/// Whether an Ethernet header with an EtherType of ours comes first.
fn begins_with_ethernet(octets: Octets<'_>) -> bool {
    let Some((head, _)) = octets.split::<14>() else {
        return false;
    };
    matches!(
        u16::from_be_bytes([head[12], head[13]]),
        ether_type::IPV4
            | ether_type::IPV6
            | ether_type::VLAN
            | ether_type::SERVICE_VLAN
            | ether_type::MPLS
            | ether_type::PPPOE_SESSION
    )
}

/// IEEE 802.2 logical link control, with SNAP (RFC 1042) or without.
pub(super) fn llc(octets: Octets<'_>) -> Option<Next<'_>> {
    match octets.kept {
        [0xaa, 0xaa, 0x03, ..] => snap(octets.skip(3)?),
        [0x06, 0x06, 0x03, ..] => Some(Next::ip(octets.skip(3)?)),
        [0xfe, 0xfe, 0x03, ..] => nlpid(octets.skip(3)?),
        _ => None,
    }
}

/// The network layer protocol identifier of ISO/IEC TR 9577, as RFC 2427 uses it.
pub(super) fn nlpid(octets: Octets<'_>) -> Option<Next<'_>> {
    let (&[id], rest) = octets.split()?;
    match id {
        0x80 => snap(rest),
        0x8e | 0xcc => Some(Next::ip(rest)),
        0xcf => ppp(rest),
        _ => None,
    }
}

/// SNAP: the organization, and what it calls the protocol.
fn snap(octets: Octets<'_>) -> Option<Next<'_>> {
    let (&[a, b, c, d, e], rest) = octets.split()?;
    let kind = u16::from_be_bytes([d, e]);
    match [a, b, c] {
        // EtherTypes of RFC 1042, and of the bridges of IEEE 802.1H. A length would nest without
        // end.
        [0, 0, 0] | [0, 0, 0xf8] if kind >= ether_type::LEAST => Some(Next::ether(kind, rest)),
        _ => None,
    }
}

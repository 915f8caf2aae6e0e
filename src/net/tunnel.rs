//! Tunnels that are not IPsec: GRE over IP; VXLAN, Geneve, MPLS, GTP-U, L2TP, Teredo and plain IP
//! over UDP; and the network service header, which may lie in some of them.

use super::datagram::{Encap, Layer};
use super::ether::{self, ether_type};
use super::ip::protocol;
use super::octets::Octets;
use super::{Next, link};

/// Goes into a tunnel; `None` if it is not one, holds nothing for us, or is nested too deep.
pub(super) type Read = for<'a> fn(Octets<'a>, &mut Encap) -> Option<Next<'a>>;

/// How to read the tunnel that a UDP port stands for. The sender of VXLAN, Geneve and MPLS picks its
/// port at random; GTP-U and L2TP may answer from the port they were called on.
pub(super) fn on_ports(from: u16, to: u16) -> Option<Read> {
    match (from, to) {
        // IANA's port, and Linux's from before there was one.
        (_, 4789 | 8472) => Some(vxlan),
        (_, 4790) => Some(vxlan_gpe),
        (_, 6081) => Some(geneve),
        // RFC 7510 section 3.
        (_, 6635) => Some(ether::mpls),
        (_, 2152) | (2152, _) => Some(gtpu),
        (_, 1701) | (1701, _) => Some(l2tp),
        (_, 3544) | (3544, _) => Some(teredo),
        // Customary with Linux; IANA gave the second one to GUE.
        (_, 5555) => Some(fou),
        (_, 6080) => Some(gue),
        _ => None,
    }
}

/// GRE (RFC 2784, RFC 2890), PPTP's variant of it (RFC 2637), and ERSPAN in it.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |C|R|K|S| Reserved0   |A|  Ver  |         Protocol Type         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |      Checksum (optional)      |       Reserved1 (Optional)    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                         Key (optional)                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                 Sequence Number (Optional)                    |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |              Acknowledgment Number (RFC 2637)                 |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
pub(super) fn gre<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const PPP: u16 = 0x880b;

    let (&[a, b, c, d], rest) = octets.split()?;
    let flags = u16::from_be_bytes([a, b]);
    let fields = [CHECKSUM, KEY, SEQUENCE, ACKNOWLEDGMENT];
    let present = fields.iter().filter(|&field| flags & field != 0).count();
    let rest = rest.skip(present * 4)?;
    if flags & ROUTING != 0 || !encap.push(Layer::Gre) {
        return None;
    }
    match (flags & 0x0007, u16::from_be_bytes([c, d])) {
        (1, PPP) if encap.push(Layer::Ppp) => ether::ppp(rest),
        (0, ether_type::ERSPAN_2) if flags & SEQUENCE == 0 => {
            // Type I has no header of its own.
            Some(Next::link(link::ETHERNET, rest))
        }
        (0, ether_type::ERSPAN_2) => Some(Next::link(link::ETHERNET, rest.skip(8)?)),
        (0, ether_type::ERSPAN_3) => erspan_3(rest),
        (0, kind) => Some(Next::ether(kind, rest)),
        _ => None,
    }
}

/// ERSPAN type III: twelve octets, then eight more if the last bit says so.
fn erspan_3(octets: Octets<'_>) -> Option<Next<'_>> {
    let (head, rest) = octets.split::<12>()?;
    let frame_type = head[10] >> 2 & 0x1f;
    let rest = rest.skip(if head[11] & 1 == 1 { 8 } else { 0 })?;
    match frame_type {
        0 => Some(Next::link(link::ETHERNET, rest)),
        2 => Some(Next::ip(rest)),
        _ => None,
    }
}

/// VXLAN (RFC 7348 section 5): flags, of which one says that the network identifier is valid.
fn vxlan<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (head, rest) = octets.split::<8>()?;
    (head[0] & 0x08 != 0 && encap.push(Layer::Vxlan)).then_some(Next::link(link::ETHERNET, rest))
}

/// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe section 3): as VXLAN, with a next protocol if a flag says
/// that there is one.
fn vxlan_gpe<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (head, rest) = octets.split::<8>()?;
    let (version, has_protocol) = (head[0] >> 4 & 3, head[0] & 0x04 != 0);
    if version != 0 || !encap.push(Layer::VxlanGpe) {
        return None;
    }
    match has_protocol {
        true => service(head[3], rest),
        false => Some(Next::link(link::ETHERNET, rest)),
    }
}

/// The numbers that VXLAN-GPE and NSH share (RFC 8300 section 11.2.5).
fn service(protocol: u8, octets: Octets<'_>) -> Option<Next<'_>> {
    match protocol {
        1 | 2 => Some(Next::ip(octets)),
        3 => Some(Next::link(link::ETHERNET, octets)),
        4 => Some(Next::ether(ether_type::NSH, octets)),
        5 => Some(Next::ether(ether_type::MPLS, octets)),
        _ => None,
    }
}

/// The network service header (RFC 8300 section 2.2): version, flags, time to live and length; then
/// the type of its metadata and the protocol of what follows.
pub(super) fn nsh<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (&[version, length, _, protocol], _) = octets.split()?;
    let words = usize::from(length & 0x3f);
    if version >> 6 != 0 || words < 2 || !encap.push(Layer::Nsh) {
        return None;
    }
    service(protocol, octets.skip(words * 4)?)
}

/// Teredo (RFC 4380 section 5.1.1): indications of authentication and origin, then IPv6.
fn teredo<'a>(mut octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    if let [0, 1, client, value, ..] = *octets.kept {
        let (nonce, confirmation) = (8, 1);
        let lengths = usize::from(client) + usize::from(value);
        octets = octets.skip(4 + lengths + nonce + confirmation)?;
    }
    if let [0, 0, ..] = *octets.kept {
        octets = octets.skip(8)?;
    }
    let is_ipv6 = octets.kept.first()? >> 4 == 6;
    (is_ipv6 && encap.push(Layer::Teredo)).then_some(Next::ip(octets))
}

/// IP straight in UDP. Nothing says so but the port, which is anyone's: the length must fit too.
fn fou<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let fits = match *octets.kept {
        [0x45..=0x4f, _, a, b, ..] => u32::from(u16::from_be_bytes([a, b])) == octets.length,
        [0x60..=0x6f, _, _, _, a, b, ..] => {
            u32::from(u16::from_be_bytes([a, b])) + 40 == octets.length
        }
        _ => false,
    };
    (fits && encap.push(Layer::Fou)).then_some(Next::ip(octets))
}

/// Generic UDP encapsulation (draft-ietf-intarea-gue section 3): variant 0 has a header with the
/// length of its options and an IP protocol; in variant 1 IP follows straight.
fn gue<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let &first = octets.kept.first()?;
    if !encap.push(Layer::Gue) {
        return None;
    }
    if first >> 6 == 1 {
        return Some(Next::ip(octets));
    }
    let (&[first, protocol, _, _], rest) = octets.split()?;
    let is_control = first & 0x20 != 0;
    let rest = rest.skip(usize::from(first & 0x1f) * 4)?;
    match protocol {
        _ if first >> 6 != 0 || is_control => None,
        protocol::IPV4 | protocol::IPV6 => Some(Next::ip(rest)),
        protocol::GRE => gre(rest, encap),
        protocol::MPLS => Some(Next::ether(ether_type::MPLS, rest)),
        _ => None,
    }
}

/// Geneve (RFC 8926 section 3.4): version and length of the options, flags, protocol, identifier.
fn geneve<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    let (head, rest) = octets.split::<8>()?;
    let options = usize::from(head[0] & 0x3f) * 4;
    if head[0] >> 6 != 0 || !encap.push(Layer::Geneve) {
        return None;
    }
    let kind = u16::from_be_bytes([head[2], head[3]]);
    Some(Next::ether(kind, rest.skip(options)?))
}

/// GTP-U (3GPP TS 29.281 section 5): only the message that carries a user's packet.
fn gtpu<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    const G_PDU: u8 = 0xff;

    let (head, mut rest) = octets.split::<8>()?;
    let (version, is_gtp) = (head[0] >> 5, head[0] & 0x10 != 0);
    if version != 1 || !is_gtp || head[1] != G_PDU {
        return None;
    }
    // Extension header, sequence number, N-PDU number: one of them brings the fields of all.
    if head[0] & 0x07 != 0 {
        let (&[_, _, _, mut extension], after) = rest.split()?;
        rest = after;
        while extension != 0 {
            let length = usize::from(*rest.kept.first()?) * 4;
            extension = *rest.kept.get(length.checked_sub(1)?)?;
            rest = rest.skip(length)?;
        }
    }
    encap.push(Layer::Gtpu).then_some(Next::ip(rest))
}

/// L2TP (RFC 2661 section 3.1): only data messages, which carry PPP.
fn l2tp<'a>(octets: Octets<'a>, encap: &mut Encap) -> Option<Next<'a>> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;

    let (&flags, mut rest) = octets.split()?;
    let flags = u16::from_be_bytes(flags);
    if flags & CONTROL != 0 || flags & 0x000f != 2 || !encap.push(Layer::L2tp) {
        return None;
    }
    if flags & LENGTH != 0 {
        rest = rest.skip(2)?;
    }
    let tunnel_and_session = 4;
    rest = rest.skip(tunnel_and_session)?;
    if flags & SEQUENCE != 0 {
        rest = rest.skip(4)?;
    }
    if flags & OFFSET != 0 {
        let (&pad, after) = rest.split()?;
        rest = after.skip(u16::from_be_bytes(pad).into())?;
    }
    ether::ppp(rest)
}

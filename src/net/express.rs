//! The short way to what nearly every frame of a busy capture is: ESP that is encrypted, alone or in
//! UDP, on IPv4 without options; or TCP and UDP that are none of ours, on that or on IPv6, be it in a VLAN.
//!
//! The short way reads just what [`peel`](super::peel) reads, or it reads nothing: one look at a few
//! octets at places that are fixed tells whether a frame is of this kind, and all others take the long
//! way. A law holds the two together.

use super::clear::{self, Passer};
use super::datagram::{Encap, IpFacts, Path};
use super::ip::protocol;
use super::learned::Learned;
use super::octets::Octets;
use super::udp::{self, IpsecPort};
use super::{ctcp, link, null, tcp, tunnel, wesp};
use crate::capture::Frame;
use crate::units::{Endpoint, EspSpi};
use crate::wire::content;
use crate::wire::esp::EspHeader;
use crate::wire::natt::NON_ESP_MARKER;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a frame holds that took the short way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Express {
    /// An ESP packet that is encrypted.
    Esp(Packet),
    /// A packet in clear that may belong in a tunnel.
    Clear(Passer),
    /// Nothing of ours.
    Nothing,
}

/// An ESP packet that took the short way: all that [`peel`](super::peel) tells of it, so that a law can compare the
/// two. It lives in registers until the worker writes what it keeps of it, with frame and time, into a packet of its
/// own in 24 octets. That has less than the law compares, so these are two types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Between whom, and its SPI.
    pub ends: Ends,
    /// Its sequence number.
    pub sequence: u32,
    /// Octets from the SPI to the end of the checksum.
    pub length: u32,
    /// What its IP header says.
    pub ip: IpFacts,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
}

/// What packets of one SPI on one path share, in two words where a [`Path`] takes many.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ends {
    /// The sender's address, then the receiver's.
    addresses: u64,
    /// The SPI, then the ports of sender and receiver: zero where ESP is not in UDP, whose port that
    /// stands for IPsec is not.
    spi_and_ports: u64,
}

impl Ends {
    /// Those of a packet; `None` if its path is none of those that the short way knows.
    pub fn of(path: &Path, spi: EspSpi) -> Option<Self> {
        let Path { from, to, encap } = path;
        let (IpAddr::V4(sender), IpAddr::V4(receiver)) = (from.address, to.address) else {
            return None;
        };
        let ports = match (from.port, to.port) {
            (None, None) if *encap == Encap::default() => (0, 0),
            (Some(from), Some(to)) if *encap == Encap::in_udp() => {
                udp::ipsec_port(from, to).filter(|port| *port == IpsecPort::NatTraversal)?;
                (from, to)
            }
            _ => return None,
        };
        Some(Self::new(sender, receiver, spi.0, ports))
    }

    /// The path.
    pub fn path(&self) -> Path {
        let [a, b, c, d, e, f, g, h] = self.addresses.to_be_bytes();
        let [_, _, _, _, i, j, k, l] = self.spi_and_ports.to_be_bytes();
        let ports = (u16::from_be_bytes([i, j]), u16::from_be_bytes([k, l]));
        let is_in_udp = ports != (0, 0);
        let end = |address: Ipv4Addr, port| Endpoint {
            address: address.into(),
            port: is_in_udp.then_some(port),
        };
        Path {
            from: end(Ipv4Addr::new(a, b, c, d), ports.0),
            to: end(Ipv4Addr::new(e, f, g, h), ports.1),
            encap: if is_in_udp {
                Encap::in_udp()
            } else {
                Encap::default()
            },
        }
    }

    /// The SPI.
    pub fn spi(&self) -> EspSpi {
        let [a, b, c, d, ..] = self.spi_and_ports.to_be_bytes();
        EspSpi(u32::from_be_bytes([a, b, c, d]))
    }

    #[inline(always)]
    fn new(from: Ipv4Addr, to: Ipv4Addr, spi: u32, ports: (u16, u16)) -> Self {
        Self {
            addresses: u64::from(from.to_bits()) << 32 | u64::from(to.to_bits()),
            spi_and_ports: u64::from(spi) << 32 | u64::from(ports.0) << 16 | u64::from(ports.1),
        }
    }
}

/// Octets of an IPv4 header without options.
const IPV4_LEN: usize = 20;
/// Octets of an IPv6 header.
const IPV6_LEN: usize = 40;

/// Reads a frame the short way; `None` if it has to take the long one. `learned` are the paths that
/// are known to carry IPsec on unusual ports.
#[inline(always)]
pub fn read(frame: &Frame<'_>, learned: &Learned) -> Option<Express> {
    let link = link::before_ip(frame.link, frame.bytes)?;
    let packet = frame.bytes.get(link.length..)?;
    match *packet.first()? {
        // Version 4 and five words of header.
        0x45 => {
            let length = frame.wire_len.max(u32::try_from(frame.bytes.len()).ok()?);
            read_v4(packet, length - link.length as u32, link.is_tagged, learned)
        }
        0x60..=0x6f => read_v6(packet, learned),
        _ => None,
    }
}

/// An IPv4 packet in `held` octets of a frame, of which `packet` were kept, below a VLAN tag or not.
#[inline(always)]
fn read_v4(packet: &[u8], held: u32, is_tagged: bool, learned: &Learned) -> Option<Express> {
    let head: &[u8; IPV4_LEN + EspHeader::LEN] = packet.first_chunk()?;
    let two = u16::from_be_bytes;
    let flags = two([head[6], head[7]]);
    // Neither the first nor a later piece of a packet.
    if flags & 0x3fff != 0 {
        return None;
    }
    let total = two([head[2], head[3]]);
    let length = u32::from(total).checked_sub(IPV4_LEN as u32)?;
    let from = Ipv4Addr::new(head[12], head[13], head[14], head[15]);
    let to = Ipv4Addr::new(head[16], head[17], head[18], head[19]);
    let octets = Octets::new(packet.get(IPV4_LEN..)?, length);
    let in_clear = |protocol| {
        let ends = (from.into(), to.into());
        in_clear(protocol, ends, octets, IPV4_LEN, learned)
    };
    let (ports, packet) = match head[9] {
        protocol::ESP => ((0, 0), octets),
        protocol::UDP => {
            let ports = (two([head[20], head[21]]), two([head[22], head[23]]));
            match udp::ipsec_port(ports.0, ports.1) {
                Some(IpsecPort::NatTraversal) if u32::from(two([head[24], head[25]])) == length => {
                    (ports, octets.skip(udp::HEADER_LEN)?)
                }
                Some(_) => return None,
                None => return in_clear(protocol::UDP),
            }
        }
        protocol::TCP => return in_clear(protocol::TCP),
        _ => return None,
    };
    let &[s0, s1, s2, s3, n0, n1, n2, n3] = packet.kept.first_chunk::<{ EspHeader::LEN }>()?;
    let spi = [s0, s1, s2, s3];
    if ports != (0, 0) && (spi == NON_ESP_MARKER || spi == wesp::PROTOCOL_IDENTIFIER) {
        return None;
    }
    // A tag is a part of the path, and has no place in `Ends`.
    if is_tagged || !packet.is_cut() && null::may_be(packet.kept) {
        return None;
    }
    Some(Express::Esp(Packet {
        ends: Ends::new(from, to, u32::from_be_bytes(spi), ports),
        sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        length: packet.length,
        ip: IpFacts {
            ttl: head[8],
            traffic_class: head[1],
            dont_fragment: flags & 0x4000 != 0,
            padded: held > u32::from(total),
            length: total.into(),
            pieces: 1,
        },
        cut: packet.is_cut(),
    }))
}

/// TCP and UDP on IPv6 without extension headers.
#[inline(never)]
fn read_v6(packet: &[u8], learned: &Learned) -> Option<Express> {
    let head: &[u8; IPV6_LEN] = packet.first_chunk()?;
    let length = match u16::from_be_bytes([head[4], head[5]]) {
        // Jumbograms (RFC 2675), and cards that segment by themselves.
        0 => return None,
        length => u32::from(length),
    };
    let octets = Octets::new(packet.get(IPV6_LEN..)?, length);
    match head[6] {
        protocol::TCP => {}
        protocol::UDP => {
            let &[a, b, c, d] = octets.kept.first_chunk()?;
            let ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if udp::ipsec_port(ports.0, ports.1).is_some() {
                return None;
            }
        }
        _ => return None,
    }
    let (_, addresses) = head.split_at_checked(8)?;
    let (from, to): (&[u8; 16], &[u8; 16]) = (addresses.first_chunk()?, addresses.last_chunk()?);
    let ends = (Ipv6Addr::from(*from).into(), Ipv6Addr::from(*to).into());
    in_clear(head[6], ends, octets, IPV6_LEN, learned)
}

/// A packet of TCP, or of UDP on ports that do not stand for IPsec, behind a header of so many octets;
/// `None` if IPsec, or a tunnel that may hold some, may be inside.
#[inline(never)]
fn in_clear(
    protocol: u8,
    (from, to): (IpAddr, IpAddr),
    octets: Octets<'_>,
    header_len: usize,
    learned: &Learned,
) -> Option<Express> {
    if !learned.is_empty() {
        return None;
    }
    let may_hold_ipsec = match protocol {
        protocol::TCP => tcp::read(octets).is_some_and(|segment| {
            segment.is_on_ipsec_port()
                || segment.begins_ipsec()
                || ctcp::read(segment.data).is_some()
        }),
        _ => {
            let udp::Udp { from, to, data } = udp::read(octets)?;
            tunnel::on_ports(from, to).is_some()
                || content::find(data.kept, data.length as usize).is_some()
        }
    };
    if may_hold_ipsec {
        return None;
    }
    if !clear::may_belong_in_a_tunnel(from, to) {
        return Some(Express::Nothing);
    }
    Some(match clear::read(protocol, octets) {
        Some((clear, _)) => Express::Clear(Passer {
            from,
            to,
            length: octets.length + header_len as u32,
            clear,
        }),
        None => Express::Nothing,
    })
}

//! The short way to what nearly every frame of a busy capture is: ESP that is encrypted, alone or in
//! UDP, on IPv4 without options; or TCP and UDP that are none of ours, on that or on IPv6, be it in a VLAN.
//!
//! The short way reads just what [`peel`](super::peel) reads, or it reads nothing: one look at a few
//! octets at places that are fixed tells whether a frame is of this kind, and all others take the long
//! way. A law holds the two together.

use super::clear::{self, Passer};
use super::datagram::{Encap, IpFacts, Path};
use super::ether::ether_type;
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
/// How an IPv4 packet without options begins: version 4 and five words of header.
const PLAIN_IPV4: u8 = 0x45;
/// Octets of a frame that the short way wants to see of such a packet on Ethernet.
const PLAIN_LEN: usize = link::ETHERNET_LEN + IPV4_LEN + EspHeader::LEN;

/// An IP packet to which the short way leads: IPv4 without options, or IPv6.
#[derive(Clone, Copy, Debug)]
pub struct Express<'a> {
    /// Its octets, as far as they were kept.
    bytes: &'a [u8],
    /// Octets of the frame from its first on.
    held: u32,
    /// Whether a VLAN tag stands before it.
    is_tagged: bool,
}

impl<'a> Express<'a> {
    /// The packet of a frame; `None` if only the long way leads there.
    #[inline(always)]
    pub fn of(frame: &Frame<'a>) -> Option<Self> {
        // What is met most is asked of first.
        let is_plain = |head: &[u8; PLAIN_LEN]| {
            frame.link == link::ETHERNET
                && u16::from_be_bytes([head[12], head[13]]) == ether_type::IPV4
                && head[link::ETHERNET_LEN] == PLAIN_IPV4
        };
        match frame.bytes.first_chunk().is_some_and(is_plain) {
            true => Self::behind(frame, link::ETHERNET_LEN, false),
            false => Self::of_uncommon(frame),
        }
    }

    #[inline(never)]
    fn of_uncommon(frame: &Frame<'a>) -> Option<Self> {
        let link = link::before_ip(frame.link, frame.bytes)?;
        Self::behind(frame, link.length, link.is_tagged)
            .filter(|packet| matches!(packet.bytes, [PLAIN_IPV4 | 0x60..=0x6f, ..]))
    }

    /// The packet behind so many octets of a frame.
    #[inline(always)]
    fn behind(frame: &Frame<'a>, before: usize, is_tagged: bool) -> Option<Self> {
        let length = frame.wire_len.max(u32::try_from(frame.bytes.len()).ok()?);
        Some(Self {
            bytes: frame.bytes.get(before..)?,
            held: length - u32::try_from(before).ok()?,
            is_tagged,
        })
    }

    /// The ESP packet that it is, or carries in UDP; `None` if it is none, if it may not be encrypted, or if
    /// its path is none that [`Ends`] tells.
    #[inline(always)]
    pub fn esp(self) -> Option<Packet> {
        let two = u16::from_be_bytes;
        let head: &[u8; IPV4_LEN + EspHeader::LEN] = self.bytes.first_chunk()?;
        if head[0] != PLAIN_IPV4 || self.is_tagged {
            return None;
        }
        let octets = self.v4_payload(head.first_chunk()?)?;
        let length = octets.length;
        let (ports, packet) = match head[9] {
            protocol::ESP => ((0, 0), octets),
            protocol::UDP => {
                let ports = (two([head[20], head[21]]), two([head[22], head[23]]));
                let is_natt = udp::ipsec_port(ports.0, ports.1) == Some(IpsecPort::NatTraversal);
                if !is_natt || u32::from(two([head[24], head[25]])) != length {
                    return None;
                }
                (ports, octets.skip(udp::HEADER_LEN)?)
            }
            _ => return None,
        };
        let &[s0, s1, s2, s3, n0, n1, n2, n3] = packet.kept.first_chunk::<{ EspHeader::LEN }>()?;
        let spi = [s0, s1, s2, s3];
        if ports != (0, 0) && (spi == NON_ESP_MARKER || spi == wesp::PROTOCOL_IDENTIFIER) {
            return None;
        }
        if !packet.is_cut() && null::may_be(packet.kept) {
            return None;
        }
        let from = Ipv4Addr::new(head[12], head[13], head[14], head[15]);
        let to = Ipv4Addr::new(head[16], head[17], head[18], head[19]);
        Some(Packet {
            ends: Ends::new(from, to, u32::from_be_bytes(spi), ports),
            sequence: u32::from_be_bytes([n0, n1, n2, n3]),
            length: packet.length,
            ip: IpFacts {
                ttl: head[8],
                traffic_class: head[1],
                dont_fragment: head[6] & 0x40 != 0,
                padded: self.held > length + IPV4_LEN as u32,
                length: length + IPV4_LEN as u32,
                pieces: 1,
            },
            cut: packet.is_cut(),
        })
    }

    /// The packet of TCP or UDP that it is, if that may belong in a tunnel; `None` if it may hold IPsec, or
    /// a tunnel that holds some. `learned` are the paths that are known to carry IPsec on unusual ports.
    #[inline(never)]
    pub fn clear(self, learned: &Learned) -> Option<Option<Passer>> {
        let Carried {
            from,
            to,
            protocol,
            header_len,
            octets,
        } = match self.bytes.first()? {
            &PLAIN_IPV4 => self.v4()?,
            _ => self.v6()?,
        };
        if !learned.is_empty() {
            return None;
        }
        let may_hold_ipsec = match protocol {
            protocol::TCP => tcp::read(octets).is_some_and(|segment| {
                segment.is_on_ipsec_port()
                    || segment.begins_ipsec()
                    || ctcp::read(segment.data).is_some()
            }),
            protocol::UDP => {
                let udp::Udp { from, to, data } = udp::read(octets)?;
                udp::ipsec_port(from, to).is_some()
                    || tunnel::on_ports(from, to).is_some()
                    || content::find(data.kept, data.length as usize).is_some()
            }
            _ => true,
        };
        if may_hold_ipsec {
            return None;
        }
        if !clear::may_belong_in_a_tunnel(from, to) {
            return Some(None);
        }
        let passer = |(clear, _)| Passer {
            from,
            to,
            length: octets.length + header_len,
            clear,
        };
        Some(clear::read(protocol, octets).map(passer))
    }

    /// What is behind an IPv4 header without options; `None` of a piece, and of a length that cannot be.
    #[inline(always)]
    fn v4_payload(self, head: &[u8; IPV4_LEN]) -> Option<Octets<'a>> {
        let is_piece = u16::from_be_bytes([head[6], head[7]]) & 0x3fff != 0;
        let total = u32::from(u16::from_be_bytes([head[2], head[3]]));
        let length = total.checked_sub(IPV4_LEN as u32).filter(|_| !is_piece)?;
        Some(Octets::new(self.bytes.get(IPV4_LEN..)?, length))
    }

    #[inline]
    fn v4(self) -> Option<Carried<'a>> {
        let head: &[u8; IPV4_LEN] = self.bytes.first_chunk()?;
        Some(Carried {
            from: Ipv4Addr::new(head[12], head[13], head[14], head[15]).into(),
            to: Ipv4Addr::new(head[16], head[17], head[18], head[19]).into(),
            protocol: head[9],
            header_len: IPV4_LEN as u32,
            octets: self.v4_payload(head)?,
        })
    }

    /// An extension header is no protocol that the short way knows.
    #[inline]
    fn v6(self) -> Option<Carried<'a>> {
        let head: &[u8; IPV6_LEN] = self.bytes.first_chunk()?;
        let length = match u16::from_be_bytes([head[4], head[5]]) {
            // Jumbograms (RFC 2675), and cards that segment by themselves.
            0 => return None,
            length => length.into(),
        };
        let (_, addresses) = head.split_at_checked(8)?;
        let (from, to): (&[u8; 16], &[u8; 16]) =
            (addresses.first_chunk()?, addresses.last_chunk()?);
        Some(Carried {
            from: Ipv6Addr::from(*from).into(),
            to: Ipv6Addr::from(*to).into(),
            protocol: head[6],
            header_len: IPV6_LEN as u32,
            octets: Octets::new(self.bytes.get(IPV6_LEN..)?, length),
        })
    }
}

/// What an IP packet carries, and between whom.
struct Carried<'a> {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    header_len: u32,
    octets: Octets<'a>,
}

//! What an ESP packet carries, once it can be read: not encrypted, or opened with a key.
//!
//! A summary that borrows nothing. It says what matters to who looks for a fault: who talks to whom,
//! how large packets are and may be, and what errors come back.

mod aggfrag;
mod bgp;
pub(in crate::net) mod tcp;

pub use aggfrag::Aggfrag;
pub use bgp::{BgpKind, BgpMessage, BgpOpen};
pub use tcp::{Tcp, TcpFlags};

use super::datagram::{Encap, IpFacts, Layer, Quote};
use super::ip::{self, protocol};
use super::octets::Octets;
use super::{Named, Next, ether, icmp, link, tunnel, udp};
use crate::units::Endpoint;
use std::net::IpAddr;

/// A packet that ESP carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inner {
    /// Sender. In transport mode that of the packet around ESP.
    pub from: Endpoint,
    /// Receiver. In transport mode that of the packet around ESP.
    pub to: Endpoint,
    /// IP protocol of what the packet carries; where its header cannot be read, the next header of
    /// ESP.
    pub protocol: u8,
    /// Octets of it as its headers say: with its IP header in tunnel mode, without one in transport
    /// mode.
    pub length: u32,
    /// What its IP header says; `None` in transport mode, which leaves that outside, and where it
    /// cannot be read.
    pub ip: Option<IpFacts>,
    /// Where its payload belongs, if it is an IP fragment.
    pub fragment: Option<InnerFragment>,
    /// Octets after it that hide its size (RFC 4303 section 2.7).
    pub padding: u32,
    /// Whether fewer octets of it are there than its header promises.
    pub cut: bool,
    /// What it carries.
    pub content: Content,
}

/// A piece of an IP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InnerFragment {
    /// Which packet it is a piece of.
    pub identification: u32,
    /// Where it begins in the payload, in octets.
    pub offset: u32,
    /// Whether more pieces follow it.
    pub more: bool,
}

/// What a packet carries, as far as we know it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// A TCP segment.
    Tcp(Tcp),
    /// An ICMP or ICMPv6 message.
    Icmp(InnerIcmp),
    /// Compressed payload, which is not inflated: a few octets could become a gigabyte.
    Ipcomp(Ipcomp),
    /// A tunnel again, with the packet in it: GRE, IP in IP, VXLAN and the like.
    Tunnel(Box<Inner>),
    /// Packets gathered and cut (RFC 9347).
    Aggfrag(Aggfrag),
    /// Nothing: a dummy packet (RFC 4303 section 2.6).
    Dummy,
    /// Anything else; UDP has nothing to add to its ports.
    Other,
}

/// An ICMP or ICMPv6 message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InnerIcmp {
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU of the next hop, where an error tells one.
    pub mtu: Option<u32>,
    /// The packet that an error is about.
    pub quoted: Option<Quote>,
    /// Identifier and sequence number of an echo request or reply.
    pub echo: Option<Echo>,
}

/// An echo request or reply (RFC 792, RFC 4443 section 4).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Echo {
    /// Whether it is the reply.
    pub reply: bool,
    /// Identifier: the same in all requests of one `ping`.
    pub identifier: u16,
    /// Sequence number.
    pub sequence: u16,
}

impl Echo {
    fn read(v6: bool, octets: Octets<'_>) -> Option<Self> {
        let &[kind, 0, _, _, a, b, c, d] = octets.kept.first_chunk()? else {
            return None;
        };
        let reply = match (v6, kind) {
            (false, 8) | (true, 128) => false,
            (false, 0) | (true, 129) => true,
            _ => return None,
        };
        Some(Self {
            reply,
            identifier: u16::from_be_bytes([a, b]),
            sequence: u16::from_be_bytes([c, d]),
        })
    }
}

/// The header of compressed payload (RFC 3173 section 3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipcomp {
    /// Protocol of what was compressed.
    pub next_header: u8,
    /// Compression parameter index: below 64 a well-known transform, 2 being DEFLATE.
    pub cpi: u16,
}

impl Inner {
    /// Reads the payload data of an ESP packet, without its padding, that travels between `from` and
    /// `to`. What cannot be read is told by its protocol and length alone.
    pub fn read(next_header: u8, payload: &[u8], from: IpAddr, to: IpAddr) -> Self {
        let length = super::len_u32(payload);
        let octets = Octets::new(payload, length);
        let encap = &mut Encap::default();
        if let protocol::IPV4 | protocol::IPV6 = next_header
            && let Some(packet) = ip::read(octets)
        {
            return Self::packet(packet, length, encap);
        }
        let end = |address| Endpoint {
            address,
            port: None,
        };
        let inner = Self {
            from: end(from),
            to: end(to),
            protocol: next_header,
            length,
            ip: None,
            fragment: None,
            padding: 0,
            cut: false,
            content: Content::Other,
        };
        match (next_header, octets.split()) {
            // The header of Bound End-to-End Tunnel mode stands for the options of an IPv4 header:
            // next header, its length in units of eight octets after the first, and padding.
            (protocol::BEET, Some((&[next_header, units, _, _], _))) => {
                match octets.skip(8 + usize::from(units) * 8) {
                    Some(rest) => inner.carrying(next_header, rest, encap),
                    None => inner,
                }
            }
            // Version and header length were not those of IP.
            (protocol::IPV4 | protocol::IPV6, _) => inner,
            _ if from.is_ipv6() => match ip::skip_extensions(next_header, octets) {
                Some((protocol, rest, None)) => inner.carrying(protocol, rest, encap),
                _ => inner,
            },
            _ => inner.carrying(next_header, octets, encap),
        }
    }

    /// An IP packet within `available` octets.
    fn packet(packet: ip::Packet<'_>, available: u32, encap: &mut Encap) -> Self {
        let ip::Header {
            from, to, facts, ..
        } = packet.header;
        let end = |address| Endpoint {
            address,
            port: None,
        };
        let inner = Self {
            from: end(from),
            to: end(to),
            protocol: packet.protocol,
            length: facts.length,
            ip: Some(facts),
            fragment: packet.piece.map(|piece| InnerFragment {
                identification: piece.identification,
                offset: piece.offset,
                more: piece.more,
            }),
            padding: available.saturating_sub(facts.length),
            cut: packet.payload.is_cut(),
            content: Content::Other,
        };
        match packet.piece {
            // Only the first piece has the header of what it carries.
            Some(piece) if piece.offset != 0 => inner,
            _ => inner.carrying(packet.protocol, packet.payload, encap),
        }
    }

    /// The same packet, carrying these octets.
    fn carrying(mut self, protocol: u8, octets: Octets<'_>, encap: &mut Encap) -> Self {
        self.protocol = protocol;
        if let protocol::TCP | protocol::UDP | protocol::SCTP = protocol
            && let Some(&[a, b, c, d]) = octets.kept.first_chunk()
        {
            self.from.port = Some(u16::from_be_bytes([a, b]));
            self.to.port = Some(u16::from_be_bytes([c, d]));
        }
        self.content = content(protocol, octets, encap).unwrap_or(Content::Other);
        self
    }
}

fn content(protocol: u8, octets: Octets<'_>, encap: &mut Encap) -> Option<Content> {
    Some(match protocol {
        protocol::TCP => Content::Tcp(Tcp::read(octets)?),
        protocol::ICMP | protocol::ICMPV6 => {
            let v6 = protocol == protocol::ICMPV6;
            let &[kind, code] = octets.kept.first_chunk()?;
            let error = icmp::any(v6, octets);
            Content::Icmp(InnerIcmp {
                v6,
                kind,
                code,
                mtu: error.and_then(|error| error.mtu),
                quoted: error.map(|error| error.quoted),
                echo: Echo::read(v6, octets),
            })
        }
        protocol::IPCOMP => {
            let &[next_header, _, a, b] = octets.kept.first_chunk()?;
            let cpi = u16::from_be_bytes([a, b]);
            Content::Ipcomp(Ipcomp { next_header, cpi })
        }
        protocol::AGGFRAG => Content::Aggfrag(Aggfrag::read(octets)?),
        protocol::NO_NEXT_HEADER => Content::Dummy,
        _ => Content::Tunnel(Box::new(tunnelled(protocol, octets, encap)?)),
    })
}

/// The packet inside a tunnel that is not IPsec. Each layer takes a place in `encap`, which bounds
/// how deep this goes.
fn tunnelled(protocol: u8, octets: Octets<'_>, encap: &mut Encap) -> Option<Inner> {
    let mut next = match protocol {
        protocol::IPV4 | protocol::IPV6 => encap.push(Layer::Ip).then_some(Next::ip(octets)),
        protocol::GRE => tunnel::gre(octets, encap),
        protocol::UDP => {
            let datagram = udp::read(octets)?;
            tunnel::on_ports(datagram.from, datagram.to)?(datagram.data, encap)
        }
        _ => None,
    };
    while let Some(Next { header, octets }) = next {
        next = match header {
            Named::Link(link) => link::read(link, octets),
            Named::Ether(kind) => ether::read(kind, octets, encap),
            Named::Ip => {
                let packet = ip::read(octets)?;
                // A tunnel is as long as what it carries; a frame may be padded.
                let available = packet.header.facts.length;
                return Some(Inner::packet(packet, available, encap));
            }
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const TO: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));

    fn ipv4(protocol: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
        let [a, b] = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let [c, d] = flags.to_be_bytes();
        let head = [
            0x45, 0xb9, a, b, 0x12, 0x34, c, d, 61, protocol, 0, 0, 10, 1, 0, 5, 10, 2, 0, 7,
        ];
        [&head, payload].concat()
    }

    fn udp(port: u16, data: &[u8]) -> Vec<u8> {
        let [a, b] = u16::try_from(8 + data.len()).unwrap().to_be_bytes();
        let [c, d] = port.to_be_bytes();
        [&[0x9c, 0x40, c, d, a, b, 0, 0], data].concat()
    }

    fn read(next_header: u8, payload: &[u8]) -> Inner {
        Inner::read(next_header, payload, FROM, TO)
    }

    #[test]
    fn in_tunnel_mode_the_packet_has_its_own_ends_and_header() {
        let inner = read(4, &ipv4(17, 0x4000, &udp(53, b"question")));
        assert_eq!(
            format!("{} {} {}", inner.from, inner.to, inner.length),
            "10.1.0.5:40000 10.2.0.7:53 36"
        );
        let ip = inner.ip.unwrap();
        assert_eq!(
            (ip.ttl, ip.traffic_class, ip.dont_fragment),
            (61, 0xb9, true)
        );
        assert_eq!((inner.padding, inner.cut), (0, false));
    }

    #[test]
    fn in_transport_mode_the_ends_are_the_outer_ones() {
        let inner = read(17, &udp(53, b"question"));
        assert_eq!(
            format!("{} {} {}", inner.from, inner.to, inner.length),
            "192.0.2.1:40000 198.51.100.2:53 16"
        );
        assert_eq!(inner.ip, None);
    }

    #[test]
    fn what_hides_the_size_is_counted_and_what_is_missing_is_told() {
        let packet = ipv4(17, 0, &udp(53, b"question"));
        let padded = read(4, &[&packet[..], &[0; 100]].concat());
        assert_eq!(
            (padded.length, padded.padding, padded.cut),
            (36, 100, false)
        );
        let cut = read(4, &packet[..30]);
        assert_eq!((cut.length, cut.padding, cut.cut), (36, 0, true));
    }

    #[test]
    fn only_the_first_fragment_has_ports() {
        let first = read(4, &ipv4(17, 0x2000, &udp(53, b"question")));
        assert_eq!(first.to.port, Some(53));
        assert!(
            first
                .fragment
                .is_some_and(|piece| piece.more && piece.offset == 0)
        );
        let later = read(4, &ipv4(17, 0x0002, &udp(53, b"question")));
        assert_eq!(later.to.port, None);
        assert_eq!(later.fragment.map(|piece| piece.offset), Some(16));
    }

    #[test]
    fn an_error_tells_of_any_packet_that_it_quotes() {
        let error = [
            &[3, 4, 0, 0, 0, 0, 5, 0x14],
            &ipv4(6, 0, &[0x9c, 0x40, 1, 0xbb])[..],
        ];
        let inner = read(4, &ipv4(1, 0, &error.concat()));
        let Content::Icmp(icmp) = inner.content else {
            panic!("{inner:?}");
        };
        let quoted = icmp.quoted.unwrap();
        assert_eq!((icmp.kind, icmp.code, icmp.mtu), (3, 4, Some(1300)));
        assert_eq!((quoted.protocol, quoted.to.port), (6, Some(443)));
    }

    #[test]
    fn an_echo_tells_which_one_it_is() {
        let echo = |kind: u8| {
            let inner = read(4, &ipv4(1, 0, &[kind, 0, 0, 0, 0, 7, 1, 2]));
            let Content::Icmp(InnerIcmp { echo, .. }) = inner.content else {
                return None;
            };
            echo.map(|echo| (echo.reply, echo.identifier, echo.sequence))
        };
        assert_eq!(echo(8), Some((false, 7, 258)));
        assert_eq!(echo(0), Some((true, 7, 258)));
        assert_eq!(echo(13), None);
    }

    #[test]
    fn a_tunnel_inside_is_followed_as_deep_as_any() {
        let mut packet = ipv4(17, 0, &udp(53, b"question"));
        for _ in 0..20 {
            packet = ipv4(4, 0, &packet);
        }
        let mut inner = read(4, &packet);
        let mut depth = 0;
        while let Content::Tunnel(inside) = inner.content {
            inner = *inside;
            depth += 1;
        }
        assert_eq!(depth, Encap::MAX);

        let vxlan = [
            &[8, 0, 0, 0, 0, 0, 1, 0][..],
            &[2; 12],
            &[8, 0],
            &ipv4(6, 0, &[]),
        ]
        .concat();
        let inner = read(17, &udp(4789, &vxlan));
        assert!(matches!(inner.content, Content::Tunnel(inside) if inside.protocol == 6));
    }

    #[test]
    fn beet_mode_keeps_the_options_apart() {
        let options = [17, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let inner = read(94, &[&options, &udp(53, b"question")[..]].concat());
        assert_eq!((inner.protocol, inner.to.port), (17, Some(53)));
        assert_eq!(read(94, &[17, 9, 0, 0]).protocol, 94);
    }

    #[test]
    fn no_payload_of_any_protocol_panics() {
        // xorshift64: the same in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut chance = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let mut payload = ipv4(4, 0, &ipv4(1, 0, &[3, 4, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 40]));
        payload.resize(90, 0);
        for next_header in 0..=255 {
            for length in 0..payload.len() {
                let [at, value, ..] = chance();
                payload[usize::from(at) % 90] = value;
                let inner = read(next_header, &payload[..length]);
                assert!(inner.padding <= 90);
            }
            payload[0] = 0x45;
        }
    }
}

//! Frame to datagram: link layers, IP, ICMP, reassembly.
//!
//! A frame is a chain of headers. Each step reads one and says what comes next; IP payloads end
//! the chain with a [`Datagram`] or go on inside it.
//!
//! [`peel`] takes a frame from wherever it comes. Fragments of IP and segments of TCP are told as such;
//! [`crate::dissect`] puts them together.

// The functions on the way to ESP are inlined into one another by force: what they hand on then stays
// in registers, which halves the time of a frame. All others are marked cold or left alone.

pub(crate) mod ah;
pub(crate) mod datagram;
pub(crate) mod express;
pub(crate) mod inner;
pub(crate) mod learned;
pub(crate) mod opening;
pub(crate) mod reassembly;
pub(crate) mod stream;

mod clear;
mod ctcp;
mod ether;
mod icmp;
mod ip;
mod link;
mod null;
mod octets;
mod tcp;
#[cfg(test)]
mod tests;
mod tunnel;
mod udp;
mod wesp;

pub use ah::{Ah, Covered};
pub(crate) use clear::Passer;
pub(crate) use datagram::INITIAL_TTLS;
pub use datagram::{
    Body, Clear, Datagram, Encap, Esp, Fragment, IcmpError, IpFacts, Layer, Path, Quote, Segment,
    Stamp,
};
pub(crate) use express::Ends;
pub use inner::{
    Aggfrag, BgpKind, BgpMessage, BgpOpen, Content as InnerContent, Echo, Inner, InnerFragment,
    InnerIcmp, Ipcomp, Tcp, TcpFlags,
};
pub(crate) use ip::is_extension;
pub use learned::{Learned, Pair};
pub use null::Null;
pub(crate) use null::evidence;
pub use opening::{FailedEsp, OpenedEsp, Opening, SaId, Unopened};
pub(crate) use reassembly::{Pushed, Reassembler, Whole};
pub(crate) use stream::Streams;

use crate::capture::{Frame, LinkType};
use crate::units::{Endpoint, LinkAddress, Vantage};
use crate::wire::ah::AuthenticationHeader;
use crate::wire::content;
use crate::wire::esp::EspHeader;
use crate::wire::header::HEADER_LEN as IKE_HEADER_LEN;
use crate::wire::natt::Content;
use ip::protocol;
use octets::Octets;
use udp::IpsecPort;
use wesp::Wesp;

/// Peels a frame and gives every layer of IPsec in it to `visit`, the outermost first.
///
/// A frame that holds nothing of ours is not told of. What it proves of its path goes into
/// `learned`, and is told too. `false` says that nothing was told of a frame that is nested in as many
/// layers as are peeled: nobody knows what it holds.
///
/// ```
/// use espial::capture::{Frame, LinkType};
/// use espial::net::{Body, Learned, peel};
/// use espial::units::{FrameId, Vantage};
///
/// // A NAT keepalive over IPv4 and UDP.
/// let bytes = b"\x45\0\0\x1d\0\0\0\0\x40\x11\0\0\xc0\0\x02\x01\xc0\0\x02\x02\
///     \x11\x94\x11\x94\0\x09\0\0\xff";
/// let frame = Frame {
///     id: FrameId { input: 0, number: 1 },
///     time: None,
///     vantage: Vantage { input: 0, interface: 0 },
///     link: LinkType::RAW,
///     wire_len: 29,
///     bytes,
/// };
/// let mut keepalives = 0;
/// peel(&frame, &mut Learned::default(), &mut |datagram| {
///     assert_eq!(datagram.path.from.to_string(), "192.0.2.1:4500");
///     keepalives += usize::from(matches!(datagram.body, Body::Keepalive));
/// });
/// assert_eq!(keepalives, 1);
/// ```
pub fn peel<'a, V: FnMut(Datagram<'a>)>(
    frame: &Frame<'a>,
    learned: &mut Learned,
    visit: &mut V,
) -> bool {
    let mut told = false;
    let mut peeler = Peeler {
        stamp: stamp(frame),
        encap: Encap::default(),
        learned,
        visit: &mut |datagram| {
            told = true;
            visit(datagram);
        },
    };
    let octets = Octets::new(frame.bytes, frame.wire_len.max(len_u32(frame.bytes)));
    peeler.run(link::read(frame.link, octets));
    let is_full = peeler.encap.is_full();
    told || !is_full
}

/// Goes on with an IP payload that was put together from fragments: `length` octets of `protocol`,
/// of which `payload` is what the capture kept.
#[expect(clippy::too_many_arguments, reason = "what a frame says, in pieces")]
pub(crate) fn peel_payload<'a, V: FnMut(Datagram<'a>)>(
    learned: &mut Learned,
    stamp: Stamp,
    path: Path,
    ip: IpFacts,
    protocol: u8,
    payload: &'a [u8],
    length: u32,
    visit: &mut V,
) {
    let mut peeler = Peeler {
        stamp,
        encap: path.encap,
        learned,
        visit,
    };
    let header = ip::Header {
        from: path.from.address,
        to: path.to.address,
        facts: ip,
        identification: None,
    };
    let next = peeler.payload(header, protocol, Octets::new(payload, length));
    peeler.run(next);
}

/// Goes on inside an ESP packet that was opened: `payload` is what it carries, without its padding.
///
/// What is inside proves nothing of paths: who has no key could not know it.
pub(crate) fn peel_opened<'a, V: FnMut(Datagram<'a>)>(
    stamp: Stamp,
    path: Path,
    ip: IpFacts,
    next_header: u8,
    payload: &'a [u8],
    visit: &mut V,
) {
    let mut peeler = Peeler {
        stamp,
        encap: path.encap,
        learned: &mut Learned::default(),
        visit,
    };
    if !peeler.encap.push(Layer::Esp) {
        return;
    }
    let header = ip::Header {
        from: path.from.address,
        to: path.to.address,
        facts: ip,
        identification: None,
    };
    let octets = Octets::new(payload, len_u32(payload));
    let next = peeler.protected(header, next_header, octets);
    peeler.run(next);
}

/// What a header says comes after it: which header, and the octets that begin with it.
///
/// Two plain fields, not one enum around the octets: those would lie at another place in each
/// variant, and copying them from place to place stalls the processor on every frame.
#[derive(Clone, Copy, Debug)]
struct Next<'a> {
    header: Named,
    octets: Octets<'a>,
}

/// The header that comes next.
#[derive(Clone, Copy, Debug)]
enum Named {
    /// That of a frame of a link type.
    Link(LinkType),
    /// What an EtherType names.
    Ether(u16),
    /// That of an IPv4 or IPv6 packet.
    Ip,
}

impl<'a> Next<'a> {
    #[inline(always)]
    fn link(link: LinkType, octets: Octets<'a>) -> Self {
        Self {
            header: Named::Link(link),
            octets,
        }
    }

    #[inline(always)]
    fn ether(kind: u16, octets: Octets<'a>) -> Self {
        Self {
            header: Named::Ether(kind),
            octets,
        }
    }

    #[inline(always)]
    fn ip(octets: Octets<'a>) -> Self {
        Self {
            header: Named::Ip,
            octets,
        }
    }
}

/// A frame on its way down.
struct Peeler<'v, V> {
    stamp: Stamp,
    /// The layers passed so far. They bound the work: whatever nests adds one, and there is room
    /// for a few.
    encap: Encap,
    learned: &'v mut Learned,
    visit: &'v mut V,
}

impl<'a, V: FnMut(Datagram<'a>)> Peeler<'_, V> {
    #[inline(always)]
    fn run(&mut self, mut next: Option<Next<'a>>) {
        while let Some(Next { header, octets }) = next {
            next = match header {
                Named::Link(link) => link::read(link, octets),
                Named::Ether(kind) => ether::read(kind, octets, &mut self.encap),
                Named::Ip => ip::read(octets).and_then(|packet| self.packet(packet)),
            };
        }
    }

    #[inline(always)]
    fn packet(&mut self, packet: ip::Packet<'a>) -> Option<Next<'a>> {
        match packet.piece {
            None => self.payload(packet.header, packet.protocol, packet.payload),
            Some(piece) => {
                self.fragment(packet, piece);
                None
            }
        }
    }

    /// Reads an IP payload, and says what is inside if that is a packet again.
    #[inline(always)]
    fn payload(&mut self, ip: ip::Header, protocol: u8, octets: Octets<'a>) -> Option<Next<'a>> {
        match protocol {
            protocol::ESP => return self.esp(ip, None, octets),
            protocol::UDP => return self.udp(ip, octets),
            protocol::AH => return self.ah(ip, octets),
            protocol::TCP => return self.tcp(ip, octets),
            protocol::IPV4 | protocol::IPV6 => {
                return self.encap.push(Layer::Ip).then_some(Next::ip(octets));
            }
            protocol::GRE => return tunnel::gre(octets, &mut self.encap),
            protocol::WESP => return self.wesp(ip, None, octets),
            protocol::MPLS => return Some(Next::ether(ether::ether_type::MPLS, octets)),
            protocol::ICMP | protocol::ICMPV6 => self.icmp(ip, protocol, octets),
            _ => self.clear(ip, protocol, octets),
        }
        None
    }

    /// An ESP packet, in UDP if there are ports, and what is inside if it can be read. Too little of
    /// one is nothing.
    #[inline(always)]
    fn esp(
        &mut self,
        ip: ip::Header,
        ports: Option<(u16, u16)>,
        octets: Octets<'a>,
    ) -> Option<Next<'a>> {
        let null = null::seen(octets, ip.from, ip.to);
        self.esp_laid_out(ip, ports, octets, null)
    }

    #[inline(always)]
    fn esp_laid_out(
        &mut self,
        ip: ip::Header,
        ports: Option<(u16, u16)>,
        octets: Octets<'a>,
        null: Option<Null>,
    ) -> Option<Next<'a>> {
        let esp = Esp {
            header: EspHeader::read(octets.kept)?,
            length: octets.length,
            bytes: octets.kept,
            null,
            opening: None,
            payload: &[],
        };
        self.tell(ip, ports, octets, Body::Esp(esp));
        self.inside_esp(ip, octets, null?)
    }

    /// What ESP carries in clear: a packet, or in transport mode the payload of the one around.
    #[cold]
    fn inside_esp(&mut self, ip: ip::Header, octets: Octets<'a>, null: Null) -> Option<Next<'a>> {
        let payload = null.payload(octets.kept)?;
        if !self.encap.push(Layer::Esp) {
            return None;
        }
        self.protected(ip, null.next_header, Octets::new(payload, len_u32(payload)))
    }

    /// Wrapped ESP, which says by itself whether it is encrypted (RFC 5840).
    #[cold]
    fn wesp(
        &mut self,
        ip: ip::Header,
        ports: Option<(u16, u16)>,
        octets: Octets<'a>,
    ) -> Option<Next<'a>> {
        let (header, esp) = Wesp::read(octets)?;
        if !self.encap.push(Layer::Wesp) {
            return None;
        }
        self.esp_laid_out(ip, ports, esp, header.layout(esp))
    }

    #[inline(always)]
    fn udp(&mut self, ip: ip::Header, octets: Octets<'a>) -> Option<Next<'a>> {
        let datagram = udp::read(octets)?;
        if let Some(port) = udp::ipsec_port(datagram.from, datagram.to) {
            return self.ipsec_in_udp(ip, port, datagram);
        }
        if let Some(read) = tunnel::on_ports(datagram.from, datagram.to) {
            let around = self.encap;
            let next = read(datagram.data, &mut self.encap);
            if next.is_some() || datagram.data.is_cut() {
                return next;
            }
            // Layers that led to nothing do not lie around what is told instead.
            self.encap = around;
        } else if let Some(inside) = self.ipsec_on_any_port(ip, datagram) {
            return inside;
        }
        self.clear(ip, protocol::UDP, octets);
        None
    }

    /// What the ports of IPsec carry is told by its first octets (RFC 3948 section 2).
    #[inline(always)]
    fn ipsec_in_udp(
        &mut self,
        ip: ip::Header,
        port: IpsecPort,
        datagram: udp::Udp<'a>,
    ) -> Option<Next<'a>> {
        if !self.encap.push(Layer::Udp) {
            return None;
        }
        let ports = Some((datagram.from, datagram.to));
        let data = datagram.data;
        let cut_on_ike_port = port == IpsecPort::Ike && data.is_cut();
        // Too little was kept to tell, and nothing but IKE belongs on its port.
        if cut_on_ike_port && data.kept.len() < IKE_HEADER_LEN {
            self.tell(ip, ports, data, Body::Ike(data.kept));
            return None;
        }
        match Content::of(data.kept, port == IpsecPort::NatTraversal) {
            Content::Ike(message) => self.tell(ip, ports, data, Body::Ike(message)),
            // ESP is known on this port by how long it is, and that is lost.
            Content::Esp(_) if cut_on_ike_port => {}
            Content::Esp(packet) => {
                let marker = data.kept.len().saturating_sub(packet.len());
                let packet = data.skip(marker)?;
                return match packet.split() {
                    Some((&spi, wrapped)) if spi == wesp::PROTOCOL_IDENTIFIER => {
                        self.wesp(ip, ports, wrapped)
                    }
                    _ => self.esp(ip, ports, packet),
                };
            }
            // The first octet of something longer looks the same.
            Content::Keepalive if data.is_cut() => {}
            Content::Keepalive => self.tell(ip, ports, data, Body::Keepalive),
            Content::Other(_) => {}
        }
        None
    }

    /// IPsec in UDP on a port that does not stand for it: what is inside to go on with, if anything.
    /// `None` if it is no IPsec.
    #[cold]
    fn ipsec_on_any_port(
        &mut self,
        ip: ip::Header,
        datagram: udp::Udp<'a>,
    ) -> Option<Option<Next<'a>>> {
        let ports = (datagram.from, datagram.to);
        let pair = pair(protocol::UDP, ip, ports);
        if self.learned.knows(&pair) {
            return Some(self.ipsec_in_udp(ip, IpsecPort::NatTraversal, datagram));
        }
        let data = datagram.data;
        let found = content::find(data.kept, data.length as usize)?;
        if !self.encap.push(Layer::Udp) {
            return None;
        }
        // Without a marker nothing else shares the port.
        if found.marked {
            self.learn(ip, ports, pair);
        }
        self.tell(ip, Some(ports), data, Body::Ike(found.message));
        Some(None)
    }

    /// A TCP segment: a piece of a stream that holds IPsec, or a packet of Cisco's, or in clear.
    #[cold]
    fn tcp(&mut self, ip: ip::Header, octets: Octets<'a>) -> Option<Next<'a>> {
        let around = self.encap;
        if let Some(segment) = tcp::read(octets)
            && self.encap.push(Layer::Tcp)
            && let Some(inside) = self.ipsec_in_tcp(ip, segment)
        {
            return inside;
        }
        self.encap = around;
        self.clear(ip, protocol::TCP, octets);
        None
    }

    /// What is inside to go on with, if anything; `None` if it is no IPsec.
    fn ipsec_in_tcp(&mut self, ip: ip::Header, segment: tcp::Tcp<'a>) -> Option<Option<Next<'a>>> {
        let ports = (segment.from, segment.to);
        match ctcp::read(segment.data) {
            Some(ctcp::Carried::Esp(packet)) => {
                return Some(self.esp(ip, Some(ports), packet));
            }
            Some(ctcp::Carried::Ike(message)) => {
                self.tell(ip, Some(ports), message, Body::Ike(message.kept));
                return Some(None);
            }
            None => {}
        }
        let pair = pair(protocol::TCP, ip, ports);
        let known = segment.is_on_ipsec_port() || self.learned.knows(&pair);
        if known || segment.begins_ipsec() && self.learn(ip, ports, pair) {
            let body = Body::Segment(segment.segment());
            self.tell(ip, Some(ports), segment.data, body);
            return Some(None);
        }
        None
    }

    /// Takes a pair into what is learned, and tells of it; `false` if there is no room.
    fn learn(&mut self, ip: ip::Header, ports: (u16, u16), pair: Pair) -> bool {
        let nothing = Octets::new(&[], 0);
        self.tell(ip, Some(ports), nothing, Body::Learned(pair));
        self.learned.learn(pair)
    }

    /// An Authentication Header, then what it protects (RFC 4302 section 3.1).
    #[cold]
    fn ah(&mut self, ip: ip::Header, octets: Octets<'a>) -> Option<Next<'a>> {
        let header = AuthenticationHeader::read(octets.kept)?;
        let around = ip
            .identification
            .and_then(|id| Covered::new(ip.from, ip.to, id, octets.length));
        let ah = Ah {
            header,
            length: octets.length,
            bytes: octets.kept,
            around,
            icv_ok: None,
        };
        self.tell(ip, None, octets, Body::Ah(ah));
        if !self.encap.push(Layer::Ah) {
            return None;
        }
        self.protected(ip, header.next_header, octets.skip(header.length)?)
    }

    /// The payload of a packet that AH or ESP protects in transport mode, or all of one in tunnel
    /// mode.
    fn protected(
        &mut self,
        ip: ip::Header,
        next_header: u8,
        octets: Octets<'a>,
    ) -> Option<Next<'a>> {
        let (protocol, octets) = match ip.from.is_ipv6() {
            // Destination options may follow.
            true => {
                let (protocol, octets, piece) = ip::skip_extensions(next_header, octets)?;
                // Whole packets only are protected.
                piece.is_none().then_some((protocol, octets))?
            }
            false => (next_header, octets),
        };
        self.payload(ip, protocol, octets)
    }

    #[cold]
    fn icmp(&mut self, ip: ip::Header, protocol: u8, octets: Octets<'a>) {
        let body = match icmp::any(protocol == protocol::ICMPV6, octets) {
            None => return self.clear(ip, protocol, octets),
            Some(error) if icmp::is_ours(&error.quoted) => Body::Icmp(error),
            Some(error) if clear::is_about_clear(&error.quoted) => Body::Refused(error),
            Some(_) => return,
        };
        self.tell(ip, None, octets, body);
    }

    /// A piece of a packet: told of if the whole may be ours. What the others hold is only seen in
    /// the first piece, and not worth putting together.
    #[cold]
    fn fragment(&mut self, packet: ip::Packet<'a>, piece: ip::Piece) {
        let is_first = piece.offset == 0;
        // Destination options may stand before what the packet carries (RFC 8200 section 4.5).
        let (protocol, payload) = match ip::skip_extensions(packet.protocol, packet.payload) {
            Some((protocol, payload, None)) if is_first && packet.header.from.is_ipv6() => {
                (protocol, payload)
            }
            _ => (packet.protocol, packet.payload),
        };
        let is_ours = match protocol {
            protocol::ESP | protocol::AH | protocol::WESP => true,
            protocol::UDP if is_first => self.may_be_ipsec_in_udp(packet.header, payload),
            // Only the first piece has the ports.
            protocol::UDP => true,
            // Only the first piece has what follows, if it is in there.
            other => packet.header.from.is_ipv6() && ip::is_extension(other),
        };
        if is_ours {
            let fragment = Fragment {
                identification: piece.identification,
                protocol: packet.protocol,
                offset: piece.offset,
                more: piece.more,
                length: packet.payload.length,
                bytes: packet.payload.kept,
            };
            self.tell(
                packet.header,
                None,
                packet.payload,
                Body::Fragment(fragment),
            );
        } else if is_first {
            self.clear(packet.header, protocol, payload);
        }
    }

    /// Whether the beginning of a UDP datagram may be that of one with IPsec inside.
    fn may_be_ipsec_in_udp(&self, ip: ip::Header, payload: Octets<'a>) -> bool {
        let Some(udp) = udp::read(payload) else {
            return false;
        };
        udp::ipsec_port(udp.from, udp.to).is_some()
            || tunnel::on_ports(udp.from, udp.to).is_some()
            || self
                .learned
                .knows(&pair(protocol::UDP, ip, (udp.from, udp.to)))
            || udp::length(payload)
                .is_some_and(|length| content::find(udp.data.kept, length).is_some())
    }

    /// A packet that nothing protects; under an Authentication Header something does.
    #[cold]
    fn clear(&mut self, ip: ip::Header, protocol: u8, octets: Octets<'a>) {
        if clear::may_belong_in_a_tunnel(ip.from, ip.to)
            && !self.encap.is_protected()
            && let Some((clear, ports)) = clear::read(protocol, octets)
        {
            self.tell(ip, ports, octets, Body::Clear(clear));
        }
    }

    #[inline(always)]
    fn tell(
        &mut self,
        ip: ip::Header,
        ports: Option<(u16, u16)>,
        octets: Octets<'a>,
        body: Body<'a>,
    ) {
        (self.visit)(Datagram {
            stamp: self.stamp,
            path: Path {
                from: Endpoint {
                    address: ip.from,
                    port: ports.map(|ports| ports.0),
                },
                to: Endpoint {
                    address: ip.to,
                    port: ports.map(|ports| ports.1),
                },
                encap: self.encap,
            },
            ip: ip.facts,
            cut: octets.is_cut(),
            body,
        });
    }
}

/// The two ends of a transport protocol.
fn pair(protocol: u8, ip: ip::Header, ports: (u16, u16)) -> Pair {
    let end = |address, port| Endpoint {
        address,
        port: Some(port),
    };
    Pair::new(protocol, end(ip.from, ports.0), end(ip.to, ports.1))
}

/// When and where a frame was recorded.
#[inline]
fn stamp(frame: &Frame<'_>) -> Stamp {
    Stamp {
        frame: frame.id,
        time: frame.time,
        vantage: vantage(frame),
        station: station(frame),
        wire_len: frame.wire_len,
    }
}

/// Where a frame was recorded. The interface of a Linux cooked capture stands in the frame.
#[inline]
pub(crate) fn vantage(frame: &Frame<'_>) -> Vantage {
    let mut vantage = frame.vantage;
    if frame.link == link::LINUX_SLL2 && vantage.interface == 0 {
        vantage.interface = link::linux_sll2_interface(frame.bytes).unwrap_or(0);
    }
    vantage
}

/// Which station put a frame on the link, where the link tells.
#[inline]
pub(crate) fn station(frame: &Frame<'_>) -> Option<LinkAddress> {
    link::station(frame.link, frame.bytes)
}

#[inline]
fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

//! What a frame comes down to once links and IP are peeled off.

use super::ah::Ah;
use super::inner::Inner;
use super::learned::Pair;
use super::null::Null;
use super::opening::Opening;
use crate::units::{Endpoint, EspSpi, FrameId, IkeSpis, LinkAddress, Timestamp, Vantage};
use crate::wire::esp::EspHeader;
use std::net::IpAddr;

/// One layer of IPsec, or of what bears on it, found in a frame. A frame may hold several:
/// ESP inside AH gives two, the outermost first.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// When and where the frame was recorded.
    pub stamp: Stamp,
    /// Between whom it travels, and inside what.
    pub path: Path,
    /// What the IP header says that matters later.
    pub ip: IpFacts,
    /// Whether the capture kept fewer octets of it than the IP header promises.
    pub cut: bool,
    /// What it is.
    pub body: Body<'a>,
}

/// When and where a frame was recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Which frame.
    pub frame: FrameId,
    /// When; `None` where the format keeps no time.
    pub time: Option<Timestamp>,
    /// Where.
    pub vantage: Vantage,
    /// Which station put it on the link, where the link tells.
    pub station: Option<LinkAddress>,
    /// Octets of the frame on the wire.
    pub wire_len: u32,
}

/// Between whom a datagram travels, and inside what.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Path {
    /// Sender: outer IP address and port.
    pub from: Endpoint,
    /// Receiver.
    pub to: Endpoint,
    /// What lies between the link and IP, and between IP and IPsec.
    pub encap: Encap,
}

/// The layers between the link header and IPsec, outermost first, without the IP header itself.
///
/// At most [`Encap::MAX`] are kept; a frame nested deeper is not peeled further.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Encap {
    /// Each layer in one word, as [`Layer::packed`] has it: a datagram is copied for every packet
    /// of a capture. Zero where there is none.
    layers: [u32; Encap::MAX],
}

impl Encap {
    /// Most layers that are peeled.
    pub const MAX: usize = crate::limits::ENCAP_LAYERS;

    /// UDP and nothing else, as IPsec through NAT mostly travels, and IKE.
    #[inline]
    pub(crate) fn in_udp() -> Self {
        let mut encap = Self::default();
        encap.push(Layer::Udp);
        encap
    }

    /// Adds a layer inside the others; `false` if there is no room.
    #[inline]
    pub fn push(&mut self, layer: Layer) -> bool {
        match self.layers.iter_mut().find(|slot| **slot == 0) {
            Some(slot) => {
                *slot = layer.packed();
                true
            }
            None => false,
        }
    }

    /// Whether there is no room for another.
    pub(crate) fn is_full(&self) -> bool {
        self.layers.last().is_some_and(|slot| *slot != 0)
    }

    /// The layers, outermost first.
    pub fn iter(&self) -> impl Iterator<Item = Layer> + '_ {
        self.layers.iter().map_while(|&word| Layer::unpacked(word))
    }

    /// Whether IPsec travels in UDP (RFC 3948, or IKE itself). What lies around an outer ESP does
    /// not count for the one inside.
    pub fn is_udp(&self) -> bool {
        self.innermost(Layer::Udp)
    }

    /// Whether an outer layer of IPsec protects what is inside.
    pub fn is_protected(&self) -> bool {
        self.iter()
            .any(|layer| matches!(layer, Layer::Ah | Layer::Esp))
    }

    /// Whether IPsec travels in TCP (RFC 9329). What lies around an outer ESP does not count for the
    /// one inside.
    pub fn is_tcp(&self) -> bool {
        self.innermost(Layer::Tcp)
    }

    /// Whether a layer lies between the innermost ESP around and what is inside.
    fn innermost(&self, sought: Layer) -> bool {
        self.iter().fold(false, |found, layer| match layer {
            Layer::Esp => false,
            layer => found || layer == sought,
        })
    }
}

/// One layer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Layer {
    /// IEEE 802.1Q or 802.1ad tag, with its VLAN identifier.
    Vlan(u16),
    /// PPP over Ethernet session.
    Pppoe,
    /// PPP.
    Ppp,
    /// MPLS label.
    Mpls(u32),
    /// GRE.
    Gre,
    /// IP in IP: an outer header around the one that carries IPsec.
    Ip,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// GTP-U.
    Gtpu,
    /// L2TP.
    L2tp,
    /// An Authentication Header around what follows.
    Ah,
    /// UDP.
    Udp,
    /// TCP (RFC 9329).
    Tcp,
    /// ESP that is not encrypted, or was opened, around what follows.
    Esp,
    /// Wrapped ESP (RFC 5840).
    Wesp,
    /// VXLAN's generic protocol extension.
    VxlanGpe,
    /// Network service header (RFC 8300).
    Nsh,
    /// Teredo (RFC 4380).
    Teredo,
    /// IP straight in UDP, as Linux does under the name of foo over UDP.
    Fou,
    /// Generic UDP encapsulation.
    Gue,
}

impl Layer {
    /// The layer in one word: which it is in the upper octet, its number in the others.
    #[inline]
    fn packed(self) -> u32 {
        let (kind, number) = match self {
            Self::Vlan(id) => (1, u32::from(id)),
            Self::Pppoe => (2, 0),
            Self::Ppp => (3, 0),
            Self::Mpls(label) => (4, label),
            Self::Gre => (5, 0),
            Self::Ip => (6, 0),
            Self::Vxlan => (7, 0),
            Self::Geneve => (8, 0),
            Self::Gtpu => (9, 0),
            Self::L2tp => (10, 0),
            Self::Ah => (11, 0),
            Self::Udp => (12, 0),
            Self::Tcp => (13, 0),
            Self::Esp => (14, 0),
            Self::Wesp => (15, 0),
            Self::VxlanGpe => (16, 0),
            Self::Nsh => (17, 0),
            Self::Teredo => (18, 0),
            Self::Fou => (19, 0),
            Self::Gue => (20, 0),
        };
        kind << 24 | number & 0x00ff_ffff
    }

    /// The layer of a word; `None` if the word is none.
    #[inline]
    fn unpacked(word: u32) -> Option<Self> {
        let [kind, a, b, c] = word.to_be_bytes();
        Some(match kind {
            1 => Self::Vlan(u16::from_be_bytes([b, c])),
            2 => Self::Pppoe,
            3 => Self::Ppp,
            4 => Self::Mpls(u32::from_be_bytes([0, a, b, c])),
            5 => Self::Gre,
            6 => Self::Ip,
            7 => Self::Vxlan,
            8 => Self::Geneve,
            9 => Self::Gtpu,
            10 => Self::L2tp,
            11 => Self::Ah,
            12 => Self::Udp,
            13 => Self::Tcp,
            14 => Self::Esp,
            15 => Self::Wesp,
            16 => Self::VxlanGpe,
            17 => Self::Nsh,
            18 => Self::Teredo,
            19 => Self::Fou,
            20 => Self::Gue,
            _ => return None,
        })
    }
}

/// As the contract spells it: `vlan:100`, `pppoe`, `udp`, …
impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vlan(id) => write!(f, "vlan:{id}"),
            Self::Pppoe => f.write_str("pppoe"),
            Self::Ppp => f.write_str("ppp"),
            Self::Mpls(label) => write!(f, "mpls:{label}"),
            Self::Gre => f.write_str("gre"),
            Self::Ip => f.write_str("ip"),
            Self::Vxlan => f.write_str("vxlan"),
            Self::Geneve => f.write_str("geneve"),
            Self::Gtpu => f.write_str("gtpu"),
            Self::L2tp => f.write_str("l2tp"),
            Self::Ah => f.write_str("ah"),
            Self::Udp => f.write_str("udp"),
            Self::Tcp => f.write_str("tcp"),
            Self::Esp => f.write_str("esp"),
            Self::Wesp => f.write_str("wesp"),
            Self::VxlanGpe => f.write_str("vxlan-gpe"),
            Self::Nsh => f.write_str("nsh"),
            Self::Teredo => f.write_str("teredo"),
            Self::Fou => f.write_str("fou"),
            Self::Gue => f.write_str("gue"),
        }
    }
}

/// The initial TTLs (hop limits) of common systems: no router has lowered such a one yet.
pub(crate) const INITIAL_TTLS: [u8; 3] = [64, 128, 255];

/// What the IP header that carries the datagram says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct IpFacts {
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// DSCP and ECN: the type-of-service or traffic-class octet.
    pub traffic_class: u8,
    /// IPv4: the Don't Fragment bit. IPv6: always true, routers do not fragment.
    pub dont_fragment: bool,
    /// Whether the frame holds more octets behind the IP packet.
    pub padded: bool,
    /// Octets of the whole IP packet, header included, as the header says; after reassembly of the
    /// whole packet put together.
    pub length: u32,
    /// How many IP fragments the datagram came in; 1 if it was not fragmented.
    pub pieces: u16,
}

/// What a datagram is.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// An IKE message, the non-ESP marker removed.
    Ike(&'a [u8]),
    /// An ESP packet.
    Esp(Esp<'a>),
    /// An Authentication Header.
    Ah(Ah<'a>),
    /// A NAT keepalive (RFC 3948 section 2.3).
    Keepalive,
    /// An ICMP or ICMPv6 error that quotes IKE, ESP or AH.
    Icmp(IcmpError),
    /// A piece of an IP packet that may hold IPsec.
    Fragment(Fragment<'a>),
    /// A packet in clear that may belong in a tunnel: it has a private address at one end.
    Clear(Clear),
    /// An ICMP or ICMPv6 error about a packet in clear that may belong in a tunnel.
    Refused(IcmpError),
    /// A piece of a TCP stream that may hold IPsec.
    Segment(Segment<'a>),
    /// The datagram after this one proves that its path carries IPsec on an unusual port: what
    /// follows between the same ends is read with that in mind.
    Learned(Pair),
}

/// An ESP packet.
#[derive(Clone, Copy, Debug)]
pub struct Esp<'a> {
    /// SPI and sequence number.
    pub header: EspHeader,
    /// Octets from the SPI to the end of the checksum, as the headers around it say.
    pub length: u32,
    /// Those of them that the capture kept.
    pub bytes: &'a [u8],
    /// How it is laid out, if it is seen not to be encrypted.
    pub null: Option<Null>,
    /// What keys made of it, if there are any for its SPI.
    pub opening: Option<&'a Opening>,
    /// Its payload, if keys opened it and someone asked for it.
    pub payload: &'a [u8],
}

impl Esp<'_> {
    /// What it carries between these two, if keys opened it or it is not encrypted.
    pub fn inner(&self, from: IpAddr, to: IpAddr) -> Option<Inner> {
        if let Some(opened) = self.opening.and_then(Opening::opened) {
            return Some(opened.inner.clone());
        }
        let null = self.null?;
        let payload = null.payload(self.bytes)?;
        Some(Inner::read(null.next_header, payload, from, to))
    }
}

/// An ICMP or ICMPv6 error about a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IcmpError {
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// ICMP type: 3 unreachable, 11 time exceeded, …; ICMPv6: 1 unreachable, 2 too big, …
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU of the next hop, where the error tells one.
    pub mtu: Option<u32>,
    /// The packet that it is about.
    pub quoted: Quote,
}

/// The start of a packet, as an ICMP error quotes it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Quote {
    /// Sender of the quoted packet.
    pub from: Endpoint,
    /// Its receiver.
    pub to: Endpoint,
    /// Its IP protocol: of IPsec 17, 50 or 51.
    pub protocol: u8,
    /// Its total length in octets, as its IP header says.
    pub length: u32,
    /// The SPIs, if it is IKE and that much is quoted.
    pub ike: Option<IkeSpis>,
    /// The SPI, if it is ESP or AH and that much is quoted.
    pub esp: Option<EspSpi>,
}

/// A piece of an IP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fragment<'a> {
    /// Identification field: 16 bits in IPv4, 32 in IPv6.
    pub identification: u32,
    /// Protocol of the whole packet's payload.
    pub protocol: u8,
    /// Where this piece begins in the payload, in octets.
    pub offset: u32,
    /// Whether more pieces follow it.
    pub more: bool,
    /// Octets of this piece, as the IP header says.
    pub length: u32,
    /// Those of them that the capture kept.
    pub bytes: &'a [u8],
}

/// A piece of a TCP stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment<'a> {
    /// Sequence number of its first octet, or of the SYN before it.
    pub sequence: u32,
    /// Acknowledgment number: the octets before it have reached the sender of this segment.
    pub acknowledgment: Option<u32>,
    /// Whether it opens a direction.
    pub syn: bool,
    /// Whether it breaks the connection off.
    pub rst: bool,
    /// Octets of data, as the headers say.
    pub length: u32,
    /// Those of them that the capture kept.
    pub bytes: &'a [u8],
}

/// A packet in clear.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Clear {
    /// IP protocol.
    pub protocol: u8,
    /// TCP: the SYN bit is set and ACK is not.
    pub syn: bool,
    /// ICMP echo request.
    pub echo_request: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_comes_out_as_it_went_in_until_there_is_no_room() {
        let layers = [
            Layer::Vlan(0),
            Layer::Vlan(0xffff),
            Layer::Pppoe,
            Layer::Ppp,
            Layer::Mpls(0),
            Layer::Mpls(0xf_ffff),
            Layer::Gre,
            Layer::Ip,
            Layer::Vxlan,
            Layer::Geneve,
            Layer::Gtpu,
            Layer::L2tp,
            Layer::Ah,
            Layer::Udp,
            Layer::Tcp,
            Layer::Esp,
            Layer::Wesp,
            Layer::VxlanGpe,
            Layer::Nsh,
            Layer::Teredo,
            Layer::Fou,
            Layer::Gue,
        ];
        for run in layers.windows(Encap::MAX) {
            let mut encap = Encap::default();
            assert!(run.iter().all(|&layer| encap.push(layer)));
            assert!(!encap.push(Layer::Udp));
            assert_eq!(encap.iter().collect::<Vec<_>>(), run);
        }
    }
}

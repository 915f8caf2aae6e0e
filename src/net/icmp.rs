//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors, and the packets that they quote.
//!
//! The numbers are etherparse's. The quoted packet is read as any other: etherparse refuses an
//! Authentication Header that is not whole, and routers quote eight octets of it.

use super::datagram::{IcmpError, Quote};
use super::ip::{self, protocol};
use super::octets::Octets;
use super::udp;
use crate::units::{Endpoint, EspSpi, IkeSpi, IkeSpis};
use etherparse::{icmpv4, icmpv6};

/// Reads an ICMP error about any packet; `None` if it is no error, or quotes no IP header.
pub(super) fn any(v6: bool, octets: Octets<'_>) -> Option<IcmpError> {
    let (&[kind, code, _, _, a, b, c, d], quoted) = octets.split()?;
    if !is_error(v6, kind) {
        return None;
    }
    let mtu = match (v6, kind, code) {
        // RFC 1191 section 4.
        (false, icmpv4::TYPE_DEST_UNREACH, icmpv4::CODE_DST_UNREACH_NEED_FRAG) => {
            u32::from(u16::from_be_bytes([c, d]))
        }
        // RFC 4443 section 3.2: whatever the code, which etherparse insists is zero.
        (true, icmpv6::TYPE_PACKET_TOO_BIG, _) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    Some(IcmpError {
        v6,
        kind,
        code,
        // Routers older than RFC 1191 leave it zero.
        mtu: (mtu != 0).then_some(mtu),
        quoted: quote(quoted)?,
    })
}

/// Whether an ICMP type is an error.
pub(super) fn is_error(v6: bool, kind: u8) -> bool {
    match v6 {
        false => matches!(
            kind,
            icmpv4::TYPE_DEST_UNREACH
                | icmpv4::TYPE_SOURCE_QUENCH
                | icmpv4::TYPE_REDIRECT
                | icmpv4::TYPE_TIME_EXCEEDED
                | icmpv4::TYPE_PARAMETER_PROBLEM
        ),
        true => matches!(
            kind,
            icmpv6::TYPE_DST_UNREACH
                | icmpv6::TYPE_PACKET_TOO_BIG
                | icmpv6::TYPE_TIME_EXCEEDED
                | icmpv6::TYPE_PARAMETER_PROBLEM
        ),
    }
}

/// Whether a quoted packet is IPsec. Of UDP the ports must be there to tell.
pub(super) fn is_ours(quote: &Quote) -> bool {
    match (quote.protocol, quote.from.port, quote.to.port) {
        (protocol::ESP | protocol::AH, ..) => true,
        (protocol::UDP, Some(from), Some(to)) => udp::ipsec_port(from, to).is_some(),
        _ => false,
    }
}

/// Reads the packet that an error quotes.
fn quote(octets: Octets<'_>) -> Option<Quote> {
    let packet = ip::read(octets)?;
    // Only the first fragment has the headers of what it carries.
    let is_first = packet.piece.is_none_or(|piece| piece.offset == 0);
    let payload = packet.payload.kept;
    let mut quote = Quote {
        from: Endpoint {
            address: packet.header.from,
            port: None,
        },
        to: Endpoint {
            address: packet.header.to,
            port: None,
        },
        protocol: packet.protocol,
        length: packet.header.facts.length,
        ike: None,
        esp: None,
    };
    match packet.protocol {
        protocol::ESP if is_first => quote.esp = spi(payload),
        // The SPI of AH comes after next header, length and a reserved field.
        protocol::AH if is_first => quote.esp = payload.get(4..).and_then(spi),
        protocol::TCP | protocol::UDP | protocol::SCTP if is_first => {
            if let Some(&[a, b, c, d]) = payload.first_chunk() {
                let (from, to) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                (quote.from.port, quote.to.port) = (Some(from), Some(to));
                if packet.protocol == protocol::UDP {
                    let data = payload.get(udp::HEADER_LEN..).unwrap_or_default();
                    (quote.ike, quote.esp) = ipsec_in_udp(from, to, data);
                }
            }
        }
        _ => {}
    }
    Some(quote)
}

/// The SPIs of what the ports of IPsec carry.
fn ipsec_in_udp(from: u16, to: u16, data: &[u8]) -> (Option<IkeSpis>, Option<EspSpi>) {
    match (udp::ipsec_port(from, to), data) {
        // The non-ESP marker (RFC 3948 section 2.2).
        (Some(udp::IpsecPort::NatTraversal), [0, 0, 0, 0, ike @ ..]) => (spis(ike), None),
        (Some(udp::IpsecPort::NatTraversal), esp) => (None, spi(esp)),
        (Some(udp::IpsecPort::Ike), ike) => (spis(ike), None),
        (None, _) => (None, None),
    }
}

fn spi(bytes: &[u8]) -> Option<EspSpi> {
    bytes
        .first_chunk()
        .map(|&spi| EspSpi(u32::from_be_bytes(spi)))
}

fn spis(bytes: &[u8]) -> Option<IkeSpis> {
    let (&initiator, rest) = bytes.split_first_chunk()?;
    let &responder = rest.first_chunk()?;
    Some(IkeSpis {
        initiator: IkeSpi(u64::from_be_bytes(initiator)),
        responder: IkeSpi(u64::from_be_bytes(responder)),
    })
}

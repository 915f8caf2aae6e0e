//! Packets in clear that may belong in a tunnel.

use super::datagram::{Clear, Quote};
use super::icmp;
use super::ip::protocol;
use super::octets::Octets;
use etherparse::{icmpv4, icmpv6};
use std::net::IpAddr;

/// A packet in clear, and between whom it passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passer {
    /// Its sender.
    pub from: IpAddr,
    /// Its receiver.
    pub to: IpAddr,
    /// Octets of the IP packet, as its header says.
    pub length: u32,
    /// What it is.
    pub clear: Clear,
}

/// Whether a packet between these two may belong in a tunnel: one of them is private (RFC 1918,
/// RFC 4193), and neither is an address that never leaves its link.
pub(super) fn may_belong_in_a_tunnel(from: IpAddr, to: IpAddr) -> bool {
    (is_private(from) || is_private(to)) && !stays_on_link(from) && !stays_on_link(to)
}

/// Whether a quoted packet was in clear and may belong in a tunnel. UDP without ports may be anything.
pub(super) fn is_about_clear(quoted: &Quote) -> bool {
    let known = quoted.protocol != protocol::UDP || quoted.to.port.is_some();
    known && may_belong_in_a_tunnel(quoted.from.address, quoted.to.address)
}

/// The packet in clear that an IP payload makes, with its ports; `None` if its first octets were
/// not kept, or it is an ICMP error or talk among neighbours.
pub(super) fn read(protocol: u8, octets: Octets<'_>) -> Option<(Clear, Option<(u16, u16)>)> {
    let clear = Clear {
        protocol,
        syn: false,
        echo_request: false,
    };
    match protocol {
        // Field by field, as far as it was kept: etherparse wants all options of a TCP header, and
        // those of a SYN are what a short capture loses.
        protocol::TCP => {
            let &[a, b, c, d] = octets.kept.first_chunk()?;
            let flags = octets.kept.get(13).copied().unwrap_or(0);
            let (syn, ack) = (flags & 0x02 != 0, flags & 0x10 != 0);
            let ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Some((
                Clear {
                    syn: syn && !ack,
                    ..clear
                },
                Some(ports),
            ))
        }
        protocol::UDP => {
            let &[a, b, c, d] = octets.kept.first_chunk()?;
            let ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Some((clear, Some(ports)))
        }
        protocol::ICMP | protocol::ICMPV6 => {
            let kind = *octets.kept.first()?;
            let v6 = protocol == protocol::ICMPV6;
            // Router and neighbour discovery (RFC 4861) never leaves the link, whatever its
            // addresses.
            let is_discovery = v6
                && matches!(
                    kind,
                    icmpv6::TYPE_ROUTER_SOLICITATION..=icmpv6::TYPE_REDIRECT_MESSAGE
                );
            if is_discovery || icmp::is_error(v6, kind) {
                return None;
            }
            let echo_request = kind
                == match v6 {
                    false => icmpv4::TYPE_ECHO_REQUEST,
                    true => icmpv6::TYPE_ECHO_REQUEST,
                };
            Some((
                Clear {
                    echo_request,
                    ..clear
                },
                None,
            ))
        }
        protocol::NO_NEXT_HEADER => None,
        _ => Some((clear, None)),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

fn stays_on_link(address: IpAddr) -> bool {
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return true;
    }
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_private_end_is_enough_unless_the_other_stays_on_its_link() {
        let said: Vec<String> = [
            "10.1.2.3 192.0.2.1",
            "198.51.100.1 172.31.0.1",
            "172.32.0.1 192.0.2.1",
            "192.168.7.7 fe80::1",
            "192.168.7.7 224.0.0.5",
            "192.168.7.7 255.255.255.255",
            "0.0.0.0 10.0.0.1",
            "169.254.1.1 10.0.0.1",
            "127.0.0.1 10.0.0.1",
            "fd00::1 2001:db8::1",
            "2001:db8::1 fc00::1",
            "2001:db8::1 2001:db8::2",
            "fd00::1 ff02::1",
            "fd00::1 fe80::1",
            ":: fd00::1",
        ]
        .iter()
        .filter(|pair| {
            let (from, to) = pair.split_once(' ').unwrap();
            may_belong_in_a_tunnel(from.parse().unwrap(), to.parse().unwrap())
        })
        .map(ToString::to_string)
        .collect();
        assert_eq!(
            said,
            [
                "10.1.2.3 192.0.2.1",
                "198.51.100.1 172.31.0.1",
                "fd00::1 2001:db8::1",
                "2001:db8::1 fc00::1",
            ]
        );
    }
}

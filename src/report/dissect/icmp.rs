//! ICMP errors: what they are, and what they are about.

use super::meaning::who;
use crate::net::{IcmpError, Quote};
use crate::registry::IpProtocol;

/// What an ICMP error is, and what it is about.
pub(super) fn told(error: &IcmpError) -> (String, String) {
    let IcmpError {
        v6,
        kind,
        code,
        mtu,
        quoted,
    } = error;
    let family = if *v6 { "ICMPv6" } else { "ICMP" };
    let mtu = mtu.map_or(String::new(), |mtu| format!("MTU {mtu}, "));
    let name = name(*v6, *kind, *code).unwrap_or("error");
    (
        format!("{family} {name} ({kind}/{code})"),
        format!("{mtu}about {}", quote(quoted)),
    )
}

/// What an ICMP error is called.
pub(super) fn name(v6: bool, kind: u8, code: u8) -> Option<&'static str> {
    Some(match (v6, kind, code) {
        (false, 3, 0) => "network unreachable",
        (false, 3, 1) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 4) => "fragmentation needed",
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => "administratively prohibited",
        (false, 11, 0) | (true, 3, 0) => "time to live exceeded",
        (_, 11, 1) | (true, 3, 1) => "reassembly time exceeded",
        (true, 1, 0) => "no route",
        (true, 1, 3) => "address unreachable",
        (true, 2, _) => "packet too big",
        _ => return None,
    })
}

/// A quoted packet in a few words.
pub(super) fn quote(quoted: &Quote) -> String {
    let what = match (quoted.esp, quoted.ike) {
        (Some(spi), _) if quoted.protocol == 51 => format!("AH {spi}"),
        (Some(spi), _) => format!("ESP {spi}"),
        (None, Some(spis)) => format!("IKE {}_i", spis.initiator),
        (None, None) => match IpProtocol(quoted.protocol).name() {
            Some(name) => name.to_owned(),
            None => format!("protocol {}", quoted.protocol),
        },
    };
    format!("{what} {}", who(quoted.from, quoted.to))
}

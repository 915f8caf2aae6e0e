//! Traffic selectors: which packets a child SA is for, and how sets of them compare.

use crate::language::{Text, list};
use crate::registry::{IdType, IpProtocol};
use crate::say;
use crate::wire::address::{Range, address};
use crate::wire::{ikev1, ikev2};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Packets of one protocol, a range of ports and a range of addresses (RFC 7296 section 3.13.1).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Selector {
    /// First address.
    pub start: IpAddr,
    /// Last address; of the family of the first, and not before it.
    pub end: IpAddr,
    /// IP protocol, zero for any.
    pub protocol: u8,
    /// First and last port; `(0, 65535)` is any, and a first above the last is "opaque": packets
    /// whose ports cannot be seen.
    pub ports: (u16, u16),
}

/// Any port.
const ANY_PORT: (u16, u16) = (0, u16::MAX);

impl Selector {
    /// Whether an address is one of its.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        (self.start..=self.end).contains(&address)
    }

    /// A selector of IKEv2; `None` if it names no addresses, or a range that is reversed.
    pub fn of(selector: &ikev2::Selector<'_>) -> Option<Self> {
        let range = selector.range()?;
        Self {
            start: range.start,
            end: range.end,
            protocol: selector.protocol,
            ports: (selector.start_port, selector.end_port),
        }
        .sane()
    }

    /// An identity of quick mode (RFC 2407 section 4.6.2); `None` if it names no addresses, or a
    /// mask with holes.
    pub fn of_v1(id: &ikev1::Identification<'_>) -> Option<Self> {
        let halves = || {
            let (first, second) = id.data.split_at_checked(id.data.len() / 2)?;
            Some((address(first)?, address(second)?))
        };
        let (start, end) = match id.id_type {
            IdType::ID_IPV4_ADDR | IdType::ID_IPV6_ADDR => {
                let address = address(id.data)?;
                (address, address)
            }
            IdType::ID_IPV4_ADDR_SUBNET | IdType::ID_IPV6_ADDR_SUBNET => subnet(halves()?)?,
            IdType::ID_IPV4_ADDR_RANGE | IdType::ID_IPV6_ADDR_RANGE => halves()?,
            _ => return None,
        };
        Self {
            start,
            end,
            protocol: id.protocol,
            ports: match id.port {
                0 => ANY_PORT,
                port => (port, port),
            },
        }
        .sane()
    }

    /// One address, with any protocol.
    pub fn host(address: IpAddr) -> Self {
        Self {
            start: address,
            end: address,
            protocol: 0,
            ports: ANY_PORT,
        }
    }

    fn sane(self) -> Option<Self> {
        let same = self.start.is_ipv4() == self.end.is_ipv4();
        (same && number(self.start) <= number(self.end)).then_some(self)
    }

    /// Whether every packet of `other` is one of these too.
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_kind(other)
            && self.is_family_of(other)
            && number(self.start) <= number(other.start)
            && number(self.end) >= number(other.end)
    }

    /// Whether a packet may fit both.
    pub fn meets(&self, other: &Self) -> bool {
        let protocols =
            self.protocol == 0 || other.protocol == 0 || self.protocol == other.protocol;
        let ports = self.ports == other.ports
            || self.ports.0.max(other.ports.0) <= self.ports.1.min(other.ports.1);
        protocols
            && ports
            && self.is_family_of(other)
            && number(self.start) <= number(other.end)
            && number(other.start) <= number(self.end)
    }

    /// Whether it is every address of its family, with any protocol and port.
    pub fn is_all(&self) -> bool {
        let last = match self.end {
            IpAddr::V4(end) => end == Ipv4Addr::BROADCAST,
            IpAddr::V6(end) => end.to_bits() == u128::MAX,
        };
        last && self.start.is_unspecified() && self.protocol == 0 && self.ports == ANY_PORT
    }

    /// Whether its addresses are one prefix.
    pub fn is_prefix(&self) -> bool {
        let cidrs = self.range().cidrs();
        cidrs.is_some_and(|cidrs| cidrs.len() == 1)
    }

    /// Its addresses.
    pub fn range(&self) -> Range {
        Range {
            start: self.start,
            end: self.end,
        }
    }

    fn is_family_of(&self, other: &Self) -> bool {
        self.start.is_ipv4() == other.start.is_ipv4()
    }

    /// Whether protocol and ports cover those of `other`.
    fn covers_kind(&self, other: &Self) -> bool {
        let protocol = self.protocol == 0 || self.protocol == other.protocol;
        let ports = self.ports == ANY_PORT
            || self.ports == other.ports
            || self.ports.0 <= other.ports.0
                && other.ports.0 <= other.ports.1
                && other.ports.1 <= self.ports.1;
        protocol && ports
    }

    /// The parts of it that none of `by` covers.
    fn left_by(self, by: &[Self]) -> Vec<Self> {
        let mut left = vec![self];
        for cover in by.iter().filter(|cover| {
            cover.covers_kind(&self) && cover.is_family_of(&self) && cover.meets(&self)
        }) {
            left = left
                .into_iter()
                .flat_map(|piece| piece.without(cover))
                .collect();
        }
        left
    }

    /// Its addresses before and after those of `cut`.
    fn without(self, cut: &Self) -> impl Iterator<Item = Self> {
        let (start, end) = (number(self.start), number(self.end));
        let (from, to) = (number(cut.start), number(cut.end));
        let piece = |start: u128, end: u128| Self {
            start: self.address(start),
            end: self.address(end),
            ..self
        };
        let apart = to < start || end < from;
        let whole = apart.then_some(self);
        let before = (!apart && start < from).then(|| piece(start, from.saturating_sub(1)));
        let after = (!apart && to < end).then(|| piece(to.saturating_add(1), end));
        whole.into_iter().chain(before).chain(after)
    }

    /// A number as an address of its family.
    fn address(self, number: u128) -> IpAddr {
        match (self.start, u32::try_from(number)) {
            (IpAddr::V4(_), Ok(number)) => Ipv4Addr::from_bits(number).into(),
            _ => Ipv6Addr::from_bits(number).into(),
        }
    }
}

/// The parts of `asked` that `granted` leaves out.
pub fn left_out(asked: &[Selector], granted: &[Selector]) -> Vec<Selector> {
    let mut left = Vec::new();
    for part in distinct(asked)
        .into_iter()
        .flat_map(|one| one.left_by(granted))
    {
        if !left.contains(&part) {
            left.push(part);
        }
    }
    left
}

/// Those that no other covers, in order. The first of a request is often the packet that made it
/// necessary (RFC 7296 section 2.9), which the others cover.
pub fn distinct(selectors: &[Selector]) -> Vec<Selector> {
    let mut kept: Vec<Selector> = Vec::new();
    for (index, one) in selectors.iter().enumerate() {
        let covered = selectors.iter().enumerate().any(|(other, by)| {
            other != index && by.covers(one) && (!one.covers(by) || other < index)
        });
        if !covered {
            kept.push(*one);
        }
    }
    kept
}

/// Those that no other covers, with what adjoins in one and in an order of their own: alike for sets that are cut into
/// ranges in other ways.
pub fn merged(selectors: &[Selector]) -> Vec<Selector> {
    let mut parts = distinct(selectors);
    parts.sort_unstable_by_key(|one| (one.protocol, one.ports, one.start, one.end));
    let mut merged: Vec<Selector> = Vec::new();
    for one in parts {
        let adjoins = |last: &&mut Selector| {
            (last.protocol, last.ports) == (one.protocol, one.ports)
                && last.is_family_of(&one)
                && number(one.start) <= number(last.end).saturating_add(1)
        };
        match merged.last_mut().filter(adjoins) {
            Some(last) => last.end = last.end.max(one.end),
            None => merged.push(one),
        }
    }
    distinct(&merged)
}

/// Whether an address is in one of these, with whatever protocol and port.
pub(crate) fn holds(selectors: &[Selector], address: IpAddr) -> bool {
    selectors.iter().any(|one| one.has(address))
}

/// Whether `inner` asks for nothing that `outer` has not.
pub fn is_within(inner: &[Selector], outer: &[Selector]) -> bool {
    left_out(inner, outer).is_empty()
}

/// Whether the two sets mean the same packets.
pub fn same(a: &[Selector], b: &[Selector]) -> bool {
    is_within(a, b) && is_within(b, a)
}

/// Selectors as people write them, `nothing` for none; of many the first.
pub fn said(selectors: &[Selector]) -> Text {
    /// More than these are counted.
    const SHOWN: usize = 8;
    if selectors.is_empty() {
        return "nothing".into();
    }
    let shown = selectors.iter().take(SHOWN).map(Text::from);
    let more = selectors.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| say!("{more} more", more));
    list(shown.chain(more))
}

/// `10.1.0.0/16`, `10.1.0.7/32 TCP port 80`, `10.1.0.1-10.1.0.9`.
impl From<&Selector> for Text {
    fn from(selector: &Selector) -> Self {
        let range = Self::verbatim(selector.range());
        let protocol = IpProtocol(selector.protocol);
        let packets = match (protocol.0, protocol.name()) {
            (0, _) => range,
            (_, Some(name)) => Self::verbatim(format_args!("{range} {name}")),
            (number, None) => say!("{range} protocol {number}", range, number),
        };
        // Of ICMP they are type and code, an octet each (RFC 7296 section 3.13.1).
        let is_icmp = matches!(protocol.0, 1 | 58);
        let octets = |(first, last): (u16, u16)| (first.to_be_bytes(), last.to_be_bytes());
        match selector.ports {
            ANY_PORT => packets,
            ports if is_icmp && ports.0 == ports.1 => {
                let ([kind, code], _) = octets(ports);
                say!("{packets} type {kind} code {code}", packets, kind, code)
            }
            ports if is_icmp && matches!(octets(ports), ([one, 0], [two, 255]) if one == two) => {
                let ([kind, _], _) = octets(ports);
                say!("{packets} type {kind}", packets, kind)
            }
            (first, last) if first > last => say!("{packets} opaque ports", packets),
            (first, last) if first == last => say!("{packets} port {first}", packets, first),
            (first, last) => say!("{packets} ports {first}-{last}", packets, first, last),
        }
    }
}

impl From<Selector> for Text {
    fn from(selector: Selector) -> Self {
        Self::from(&selector)
    }
}

/// English.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

/// First and last address of a subnet; `None` if the ones of its mask are not all in front.
fn subnet((address, mask): (IpAddr, IpAddr)) -> Option<(IpAddr, IpAddr)> {
    crate::wire::address::prefix_of_mask(mask)?;
    match (address, mask) {
        (IpAddr::V4(address), IpAddr::V4(mask)) => {
            let (address, mask) = (address.to_bits(), mask.to_bits());
            Some((
                Ipv4Addr::from_bits(address & mask).into(),
                Ipv4Addr::from_bits(address | !mask).into(),
            ))
        }
        (IpAddr::V6(address), IpAddr::V6(mask)) => {
            let (address, mask) = (address.to_bits(), mask.to_bits());
            Some((
                Ipv6Addr::from_bits(address & mask).into(),
                Ipv6Addr::from_bits(address | !mask).into(),
            ))
        }
        _ => None,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_icmp_type_and_code_are_told() {
        let said = |protocol, ports| {
            let start = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 0));
            let end = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 255));
            Selector {
                start,
                end,
                protocol,
                ports,
            }
            .to_string()
        };
        assert_eq!(said(1, (0x0800, 0x0800)), "10.1.0.0/24 ICMP type 8 code 0");
        assert_eq!(said(1, (0x0300, 0x03ff)), "10.1.0.0/24 ICMP type 3");
        assert_eq!(said(6, (2048, 2048)), "10.1.0.0/24 TCP port 2048");
    }

    #[test]
    fn an_address_is_held_whatever_the_ports_are() {
        let host = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 5));
        // The last is OPAQUE: of fragments, whose ports are not known (RFC 7296 section 3.13.1).
        for ports in [ANY_PORT, (443, 443), (u16::MAX, 0)] {
            let one = Selector {
                ports,
                ..Selector::host(host)
            };
            assert!(holds(&[one], host), "{ports:?}");
        }
        assert!(!holds(
            &[Selector::host(host)],
            Ipv4Addr::new(10, 1, 0, 6).into()
        ));
    }

    fn set(text: &str) -> Vec<Selector> {
        text.split_whitespace()
            .map(|word| {
                let (range, port) = match word.split_once(':') {
                    Some((range, port)) => (range, port.parse().unwrap()),
                    None => (word, 0u16),
                };
                let (start, end) = range.split_once('-').unwrap_or((range, range));
                Selector {
                    start: start.parse().unwrap(),
                    end: end.parse().unwrap(),
                    protocol: if port == 0 { 0 } else { 6 },
                    ports: if port == 0 { ANY_PORT } else { (port, port) },
                }
            })
            .collect()
    }

    #[test]
    fn what_is_left_out_is_told_exactly() {
        for (asked, granted, left) in [
            ("10.0.0.0-10.0.0.255", "10.0.0.0-10.0.0.255", "nothing"),
            (
                "10.0.0.0-10.0.0.255",
                "10.0.0.64-10.0.0.127",
                "10.0.0.0/26, 10.0.0.128/25",
            ),
            (
                "10.0.0.0-10.0.0.255",
                "10.0.0.0-10.0.0.127 10.0.0.128-10.0.0.255",
                "nothing",
            ),
            (
                "10.0.0.0-10.0.0.255",
                "10.0.0.0-10.0.0.255:80",
                "10.0.0.0/24",
            ),
            (
                "10.0.0.7 10.0.0.0-10.0.0.255",
                "10.0.0.0-10.0.0.255",
                "nothing",
            ),
            (
                "10.0.0.7:80 10.0.0.0-10.0.0.255",
                "10.0.0.7:80",
                "10.0.0.0/24",
            ),
            (
                "0.0.0.0-255.255.255.255",
                "128.0.0.0-255.255.255.255",
                "0.0.0.0/1",
            ),
        ] {
            let told = said(&left_out(&set(asked), &set(granted)));
            assert_eq!(told.to_string(), left, "{asked}");
        }
    }

    #[test]
    fn sets_that_are_cut_in_other_ways_are_alike_when_merged() {
        let whole = merged(&set("10.0.0.0-10.0.0.9"));
        for other in [
            "10.0.0.5-10.0.0.9 10.0.0.0-10.0.0.4",
            "10.0.0.0-10.0.0.7 10.0.0.3-10.0.0.9 10.0.0.4-10.0.0.4",
        ] {
            assert_eq!(merged(&set(other)), whole, "{other}");
        }
        assert_ne!(merged(&set("10.0.0.0-10.0.0.4 10.0.0.6-10.0.0.9")), whole);
    }

    #[test]
    fn sets_that_cover_each_other_are_the_same() {
        assert!(same(
            &set("10.0.0.0-10.0.0.3"),
            &set("10.0.0.2-10.0.0.3 10.0.0.0-10.0.0.1")
        ));
        assert!(!same(&set("10.0.0.0-10.0.0.3"), &set("10.0.0.2-10.0.0.3")));
        let meet = |one, other| set(one)[0].meets(&set(other)[0]);
        assert!(meet("10.0.0.0-10.0.0.3", "10.0.0.3-10.0.0.9"));
        assert!(!meet("10.0.0.0-10.0.0.3:80", "10.0.0.3:81"));
    }

    #[test]
    fn a_subnet_of_quick_mode_is_a_range() {
        let id = |id_type, data| {
            let id = ikev1::Identification {
                id_type,
                protocol: 0,
                port: 0,
                data,
            };
            Selector::of_v1(&id).map(|selector| selector.to_string())
        };
        let subnet = |data| id(IdType::ID_IPV4_ADDR_SUBNET, data);
        assert_eq!(
            subnet(&[10, 1, 0, 0, 255, 255, 0, 0]).unwrap(),
            "10.1.0.0/16"
        );
        assert_eq!(subnet(&[10, 1, 0, 0, 255, 0, 255, 0]), None);
        assert_eq!(id(IdType::ID_FQDN, b"gw"), None);
    }
}

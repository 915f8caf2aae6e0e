//! Addresses from octets, ranges of them, and the prefixes that cover a range.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of 4 or 16 octets.
pub(crate) fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

/// A range of addresses, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// The first address.
    pub start: IpAddr,
    /// The last address.
    pub end: IpAddr,
}

impl Range {
    /// The prefixes that cover it exactly, in order: at most twice as many as an address has bits.
    /// `None` if it is reversed, or its ends are of two families.
    pub fn cidrs(self) -> Option<Vec<Prefix>> {
        let (mut next, width) = number(self.start);
        let (last, last_width) = number(self.end);
        if next > last || width != last_width {
            return None;
        }
        let mut cidrs = Vec::new();
        loop {
            // The widest prefix that begins at `next` and does not pass `last`.
            let aligned = next.trailing_zeros().min(width);
            let count = last.saturating_sub(next).saturating_add(1);
            let bits = aligned.min(count.ilog2());
            // All addresses of IPv6 are one more than the counter holds.
            let bits = if next == 0 && last == u128::MAX {
                width
            } else {
                bits
            };
            let length = u8::try_from(width.saturating_sub(bits)).ok()?;
            cidrs.push(Prefix {
                address: address_of(next, width),
                length,
            });
            let covered = 1_u128.checked_shl(bits);
            match covered.and_then(|covered| next.checked_add(covered)) {
                Some(following) if following <= last => next = following,
                _ => return Some(cidrs),
            }
        }
    }
}

/// One prefix if it is one, else both ends: `10.0.0.0/8`, `10.0.0.1-10.0.0.9`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cidrs().as_deref() {
            Some([prefix]) => prefix.fmt(f),
            _ => write!(f, "{}-{}", self.start, self.end),
        }
    }
}

/// An address prefix.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Prefix {
    /// Its first address.
    pub address: IpAddr,
    /// How many leading bits are fixed.
    pub length: u8,
}

/// `10.0.0.0/8`.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// The prefix length that a netmask stands for; `None` if its ones are not all in front.
pub(crate) fn prefix_of_mask(mask: IpAddr) -> Option<u8> {
    let (mask, width) = number(mask);
    let ones = mask.count_ones();
    let zeros = width.saturating_sub(ones);
    let in_front = mask.trailing_zeros() >= zeros;
    in_front.then(|| u8::try_from(ones).ok())?
}

/// An address as a number, and how many bits it has.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn address_of(number: u128, width: u32) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if width == 32 => Ipv4Addr::from_bits(number).into(),
        _ => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidrs(start: &str, end: &str) -> String {
        let range = Range {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        };
        match range.cidrs() {
            Some(cidrs) => cidrs.iter().map(|cidr| format!("{cidr} ")).collect(),
            None => "none".into(),
        }
    }

    #[test]
    fn ranges_split_into_prefixes() {
        assert_eq!(cidrs("0.0.0.0", "255.255.255.255"), "0.0.0.0/0 ");
        assert_eq!(
            cidrs("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            "::/0 "
        );
        assert_eq!(cidrs("::", "::"), "::/128 ");
        assert_eq!(
            cidrs("10.0.0.1", "10.0.0.9"),
            "10.0.0.1/32 10.0.0.2/31 10.0.0.4/30 10.0.0.8/31 "
        );
        assert_eq!(
            cidrs("255.255.255.255", "255.255.255.255"),
            "255.255.255.255/32 "
        );
        assert_eq!(cidrs("10.0.0.9", "10.0.0.1"), "none");
        assert_eq!(cidrs("10.0.0.9", "::1"), "none");
    }

    proptest! {
        #[test]
        fn prefixes_cover_a_range_without_gap_or_overlap(a: u128, b: u128, v4: bool) {
            let (a, b) = if v4 { (a >> 96, b >> 96) } else { (a, b) };
            let (start, end) = (a.min(b), a.max(b));
            let width = if v4 { 32 } else { 128 };
            let range = Range { start: address_of(start, width), end: address_of(end, width) };
            let mut next = Some(start);
            for prefix in range.cidrs().unwrap() {
                let (first, _) = number(prefix.address);
                prop_assert_eq!(Some(first), next);
                let host = width - u32::from(prefix.length);
                let last = first | 1_u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
                next = last.checked_add(1);
            }
            prop_assert_eq!(next, end.checked_add(1));
        }
    }

    #[test]
    fn the_worst_ranges_stay_small() {
        let count = |start, end| cidrs(start, end).split_whitespace().count();
        assert_eq!(count("0.0.0.1", "255.255.255.254"), 62);
        let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe";
        assert_eq!(count("::1", last), 254);
    }

    #[test]
    fn netmasks_are_prefixes_if_their_ones_are_in_front() {
        let length = |mask: &str| prefix_of_mask(mask.parse().unwrap());
        assert_eq!(length("255.255.240.0"), Some(20));
        assert_eq!(length("0.0.0.0"), Some(0));
        assert_eq!(length("255.255.255.255"), Some(32));
        assert_eq!(length("255.0.255.0"), None);
        assert_eq!(length("ffff::"), Some(16));
    }
}

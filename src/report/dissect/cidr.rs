//! Ranges of addresses as networks: `10.0.0.0` to `10.0.1.255` is `10.0.0.0/23`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address of 4 or 16 octets.
pub fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => octets
            .first_chunk::<4>()
            .map(|octets| IpAddr::from(*octets)),
        16 => octets
            .first_chunk::<16>()
            .map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}

/// The fewest networks that cover exactly the addresses from `start` to `end`, in order.
///
/// Empty if the two are of different families or `end` lies before `start`. At most 254 networks
/// are ever needed (IPv6).
pub fn cover(start: IpAddr, end: IpAddr) -> Vec<String> {
    match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => {
            let (start, end) = (u128::from(start.to_bits()), u128::from(end.to_bits()));
            networks(start, end, 32, |bits| {
                Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into()
            })
        }
        (IpAddr::V6(start), IpAddr::V6(end)) => {
            networks(start.to_bits(), end.to_bits(), 128, |bits| {
                Ipv6Addr::from_bits(bits).into()
            })
        }
        _ => Vec::new(),
    }
}

fn networks(start: u128, end: u128, width: u32, address: fn(u128) -> IpAddr) -> Vec<String> {
    let mut networks = Vec::new();
    let mut next = (start <= end).then_some(start);
    while let Some(from) = next {
        // The largest network that begins here and does not reach beyond the end.
        let mut free = from.trailing_zeros().min(width);
        while mask(free) > end - from {
            free -= 1;
        }
        networks.push(format!("{}/{}", address(from), width - free));
        let last = from + mask(free);
        next = (last < end).then(|| last + 1);
    }
    networks
}

/// The lowest `bits` bits set.
fn mask(bits: u32) -> u128 {
    1u128.checked_shl(bits).map_or(u128::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(start: &str, end: &str) -> String {
        cover(start.parse().unwrap(), end.parse().unwrap()).join(" ")
    }

    #[test]
    fn ranges_become_the_fewest_networks() {
        assert_eq!(covered("10.0.0.0", "10.0.1.255"), "10.0.0.0/23");
        assert_eq!(covered("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
        assert_eq!(
            covered("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            "::/0"
        );
        assert_eq!(covered("192.0.2.7", "192.0.2.7"), "192.0.2.7/32");
        assert_eq!(
            covered("10.0.0.1", "10.0.0.4"),
            "10.0.0.1/32 10.0.0.2/31 10.0.0.4/32"
        );
        assert_eq!(
            covered("2001:db8::1", "2001:db8::2"),
            "2001:db8::1/128 2001:db8::2/128"
        );
    }

    #[test]
    fn the_worst_ranges_stay_small() {
        assert_eq!(covered("0.0.0.1", "255.255.255.254").split(' ').count(), 62);
        let v6 = covered("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
        assert_eq!(v6.split(' ').count(), 254);
    }

    #[test]
    fn what_is_no_range_covers_nothing() {
        assert_eq!(covered("10.0.0.2", "10.0.0.1"), "");
        assert_eq!(covered("10.0.0.2", "::1"), "");
    }
}

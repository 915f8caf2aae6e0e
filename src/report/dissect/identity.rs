//! Identities as people write them.

use super::cidr::address;
use crate::registry::IdType;

/// The text of an identity; `None` where it has none (a distinguished name in DER, unknown forms)
/// or is malformed. Octets that are not UTF-8 become U+FFFD.
///
/// RFC 2407 section 4.6.2.1, RFC 7296 section 3.5.
pub fn text(id_type: IdType, data: &[u8]) -> Option<String> {
    match id_type.0 {
        // ID_IPV4_ADDR, ID_IPV6_ADDR
        1 | 5 => Some(address(data)?.to_string()),
        // ID_FQDN, ID_USER_FQDN (IKEv2: ID_RFC822_ADDR)
        2 | 3 => Some(String::from_utf8_lossy(data).into_owned()),
        // ID_IPV4_ADDR_SUBNET, ID_IPV6_ADDR_SUBNET: an address and a mask
        4 | 6 => {
            let (network, mask) = halves(data)?;
            let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
            let leading = mask.iter().take_while(|octet| **octet == 0xff).count() * 8
                + mask
                    .iter()
                    .find(|octet| **octet != 0xff)
                    .map_or(0, |o| o.leading_ones() as usize);
            if ones as usize == leading {
                Some(format!("{}/{ones}", address(network)?))
            } else {
                Some(format!("{}/{}", address(network)?, address(mask)?))
            }
        }
        // ID_IPV4_ADDR_RANGE, ID_IPV6_ADDR_RANGE
        7 | 8 => {
            let (start, end) = halves(data)?;
            Some(format!("{}-{}", address(start)?, address(end)?))
        }
        // ID_KEY_ID: opaque, often text all the same
        11 => {
            let text = std::str::from_utf8(data).ok()?;
            (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
        }
        _ => None,
    }
}

fn halves(data: &[u8]) -> Option<(&[u8], &[u8])> {
    data.split_at_checked(data.len() / 2)
        .filter(|(a, b)| a.len() == b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_read_as_people_write_them() {
        for (id_type, data, says) in [
            (1, &[192, 0, 2, 1][..], Some("192.0.2.1")),
            (2, b"gw.example", Some("gw.example")),
            (3, b"a@example", Some("a@example")),
            (4, &[10, 1, 0, 0, 255, 255, 0, 0], Some("10.1.0.0/16")),
            (
                4,
                &[10, 1, 0, 0, 255, 0, 255, 0],
                Some("10.1.0.0/255.0.255.0"),
            ),
            (7, &[10, 0, 0, 1, 10, 0, 0, 9], Some("10.0.0.1-10.0.0.9")),
            (11, b"group", Some("group")),
            (11, &[0, 1], None),
            (1, &[192, 0, 2], None),
            (4, &[10, 1, 0], None),
            (9, &[0x30, 0], None),
        ] {
            assert_eq!(
                text(IdType(id_type), data).as_deref(),
                says,
                "type {id_type}"
            );
        }
    }
}

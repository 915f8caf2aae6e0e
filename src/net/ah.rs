//! An Authentication Header in its packet, and what its checksum covers.

use super::ip::protocol;
use crate::wire::ah::AuthenticationHeader;
use std::net::IpAddr;

/// An Authentication Header.
#[derive(Clone, Copy, Debug)]
pub struct Ah<'a> {
    /// The header itself.
    pub header: AuthenticationHeader<'a>,
    /// Octets of it and all that follows it in the packet.
    pub length: u32,
    /// Those of them that the capture kept; none where nobody checks them any more.
    pub bytes: &'a [u8],
    /// The IP header before it; `None` where that is not known to the octet: with options or
    /// extension headers, and in a packet put together from fragments.
    pub around: Option<Covered>,
    /// Whether its checksum is right; `None` if no key checks it.
    pub icv_ok: Option<bool>,
}

/// An IP header as AH covers it: what may change on the way is zero (RFC 4302 section 3.3.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Covered {
    octets: [u8; 40],
    length: usize,
}

impl Covered {
    /// An IPv4 header without options (section 3.3.3.1.1.1): of its fields version, header length,
    /// total length, identification, protocol and addresses stay.
    fn v4(from: [u8; 4], to: [u8; 4], total_length: u16, identification: u16) -> Self {
        let mut octets = [0; 40];
        let [high, low] = total_length.to_be_bytes();
        let [id_high, id_low] = identification.to_be_bytes();
        let [a, b, c, d] = from;
        let [e, f, g, h] = to;
        let fields = [
            0x45,
            0,
            high,
            low,
            id_high,
            id_low,
            0,
            0,
            0,
            protocol::AH,
            0,
            0,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
        ];
        fill(&mut octets, &[&fields]);
        Self { octets, length: 20 }
    }

    /// An IPv6 header (section 3.3.3.1.2.1): version, payload length, next header and addresses stay.
    fn v6(from: [u8; 16], to: [u8; 16], payload_length: u16) -> Self {
        let mut octets = [0; 40];
        let [high, low] = payload_length.to_be_bytes();
        let fields = [0x60, 0, 0, 0, high, low, protocol::AH, 0];
        fill(&mut octets, &[&fields, &from, &to]);
        Self { octets, length: 40 }
    }

    /// The header before an AH of so many octets with all that follows; `None` if they are more than
    /// its length field holds.
    pub(super) fn new(from: IpAddr, to: IpAddr, identification: u16, length: u32) -> Option<Self> {
        let length = u16::try_from(length).ok()?;
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Some(Self::v4(
                from.octets(),
                to.octets(),
                length.checked_add(20)?,
                identification,
            )),
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                Some(Self::v6(from.octets(), to.octets(), length))
            }
            _ => None,
        }
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

fn fill(octets: &mut [u8; 40], parts: &[&[u8]]) {
    let values = parts.iter().copied().flatten();
    octets
        .iter_mut()
        .zip(values)
        .for_each(|(slot, value)| *slot = *value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_on_the_way_is_zero() {
        let hex = |covered: Covered| -> String {
            covered
                .octets()
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect()
        };
        let v4 = Covered::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), 0xabcd, 44).unwrap();
        assert_eq!(hex(v4), "45000040abcd000000330000c0000201c0000202");
        let ends: [IpAddr; 2] = ["2001:db8::1", "2001:db8::2"].map(|end| end.parse().unwrap());
        let v6 = Covered::new(ends[0], ends[1], 0, 44).unwrap();
        assert_eq!(
            hex(v6),
            "60000000002c330020010db800000000000000000000000120010db8000000000000000000000002"
        );
        assert_eq!(Covered::new(ends[0], ends[1], 0, 70_000), None);
    }
}

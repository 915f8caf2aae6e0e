//! The UDP header (RFC 768), and the ports that stand for IPsec.

use super::octets::Octets;

/// Octets of the header.
pub(super) const HEADER_LEN: usize = 8;

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Udp<'a> {
    /// Port of the sender.
    pub(super) from: u16,
    /// Port of the receiver.
    pub(super) to: u16,
    /// What follows the header.
    pub(super) data: Octets<'a>,
}

/// A port of IPsec.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum IpsecPort {
    /// 500: IKE alone (RFC 7296 section 2). 848: IKE of groups, framed alike (RFC 6407 section 3.2,
    /// RFC 9838).
    Ike,
    /// 4500: IKE after a marker, ESP, keepalives (RFC 3948).
    NatTraversal,
}

/// Reads a UDP datagram; `None` if its header is not whole.
#[inline(always)]
pub(super) fn read(octets: Octets<'_>) -> Option<Udp<'_>> {
    let (&[a, b, c, d, e, f, _, _], data) = octets.split::<HEADER_LEN>()?;
    // A length that is too small is none: zero stands for a jumbogram (RFC 2675 section 4), or for
    // a datagram that the sending card has yet to segment.
    let data = match u32::from(u16::from_be_bytes([e, f])).checked_sub(HEADER_LEN as u32) {
        Some(length) => data.at_most(length),
        None => data,
    };
    Some(Udp {
        from: u16::from_be_bytes([a, b]),
        to: u16::from_be_bytes([c, d]),
        data,
    })
}

/// Octets of data that the header promises, though only a piece of them be here.
pub(super) fn length(octets: Octets<'_>) -> Option<usize> {
    let &[_, _, _, _, a, b, _, _]: &[u8; HEADER_LEN] = octets.kept.first_chunk()?;
    usize::from(u16::from_be_bytes([a, b])).checked_sub(HEADER_LEN)
}

/// The port of IPsec among two; a NAT may have changed either of them.
#[inline]
pub(super) fn ipsec_port(from: u16, to: u16) -> Option<IpsecPort> {
    match (from, to) {
        (_, 4500) | (4500, _) => Some(IpsecPort::NatTraversal),
        (_, 500 | 848) | (500 | 848, _) => Some(IpsecPort::Ike),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_a_port_of_ike_to_themselves() {
        assert_eq!(ipsec_port(848, 848), Some(IpsecPort::Ike));
        assert_eq!(ipsec_port(40_000, 848), Some(IpsecPort::Ike));
        assert_eq!(ipsec_port(848, 4500), Some(IpsecPort::NatTraversal));
        assert_eq!(ipsec_port(849, 847), None);
    }
}

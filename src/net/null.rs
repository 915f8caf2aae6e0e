//! ESP that is not encrypted, told from ESP that is, packet by packet (RFC 5879).
//!
//! Nothing in the header says so. What tells is the end of the packet, where padding and next
//! header lie in clear (RFC 4303 section 2.4), and a payload that agrees with them. Every field that
//! has one right value out of many counts as so many bits; ciphertext fits by chance with that
//! probability. A packet is believed to be in clear from [`ENOUGH`] bits on.
//!
//! Encrypted packets are the rule, so [`may_be`] comes first: a few octets near the end turn away
//! all but one in some hundred of them.

use super::inner::tcp;
use super::ip::protocol;
use super::octets::Octets;
use etherparse::checksum::Sum16BitWords;
use etherparse::{icmpv4, icmpv6};
use std::net::IpAddr;

/// How an ESP packet that is not encrypted is laid out (RFC 2410, RFC 4543).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Null {
    /// Octets of the initialization vector before the payload: 8 with AES-GMAC, else none.
    pub iv: u8,
    /// Octets of the integrity check value; none where nothing protects the packet.
    pub icv: u8,
    /// Octets of padding.
    pub pad_length: u8,
    /// Protocol of the payload.
    pub next_header: u8,
}

impl Null {
    /// The payload data of a packet that begins at its SPI and ends with its integrity check value;
    /// `None` if it is too short to be laid out so.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let after = usize::from(self.pad_length) + TRAILER + usize::from(self.icv);
        packet.get(HEADER + usize::from(self.iv)..packet.len().checked_sub(after)?)
    }

    /// Reads the trailer of a packet laid out with so many octets of IV and ICV; `None` if its
    /// padding is not what RFC 4303 section 2.4 asks for: 1, 2, 3, …
    pub(super) fn read(packet: &[u8], iv: u8, icv: u8) -> Option<Self> {
        let end = packet.len().checked_sub(icv.into())?;
        let [body @ .., pad_length, next_header] = packet.get(HEADER + usize::from(iv)..end)?
        else {
            return None;
        };
        let (_, padding) = body.split_at_checked(body.len().checked_sub((*pad_length).into())?)?;
        padding.iter().copied().eq(1..=*pad_length).then_some(Self {
            iv,
            icv,
            pad_length: *pad_length,
            next_header: *next_header,
        })
    }
}

/// Octets of the ESP header.
const HEADER: usize = 8;

/// Octets of pad length and next header.
const TRAILER: usize = 2;

/// Octets of IV and ICV of the integrity algorithms in use: truncated to 96 and 128 bits, half of
/// SHA2-384 and of SHA2-512, none at all, and AES-GMAC, which has an IV (RFC 4543 section 3).
const LAYOUTS: [(u8, u8); 6] = [(0, 12), (0, 16), (0, 24), (0, 32), (0, 0), (8, 16)];

/// Bits that make a packet believed. Six layouts and a dozen protocols are tried, less than 2⁷ in
/// all: ciphertext passes for clear with a probability below 2⁻³¹.
const ENOUGH: u32 = 38;

/// The layout of a packet, if it is in clear beyond doubt. A packet that was cut has lost its
/// trailer, and tells nothing.
///
/// A NAT between the ends spoils checksums in transport mode, which cover the addresses before it
/// (RFC 3948 section 3.1.2): there TCP is known by its options only, UDP by its ports.
#[inline(always)]
pub(super) fn seen(octets: Octets<'_>, from: IpAddr, to: IpAddr) -> Option<Null> {
    match !octets.is_cut() && may_be(octets.kept) {
        true => beyond_doubt(octets.kept, from, to),
        false => None,
    }
}

/// Whether next header, pad length and the last octet of padding agree under one of the layouts.
#[inline(always)]
pub(super) fn may_be(packet: &[u8]) -> bool {
    // Those of the longest ICV lie farthest from the end. Less than that is hardly ever met.
    let Some(tail) = packet.last_chunk::<35>() else {
        return true;
    };
    // Next headers that are met are few, so this turns away three of four encrypted packets by five looks at a table.
    let any =
        is_met(tail[22]) | is_met(tail[18]) | is_met(tail[10]) | is_met(tail[2]) | is_met(tail[34]);
    any && (agree(tail[20], tail[21], tail[22])
        || agree(tail[16], tail[17], tail[18])
        || agree(tail[8], tail[9], tail[10])
        || agree(tail[0], tail[1], tail[2])
        || agree(tail[32], tail[33], tail[34]))
}

/// Whether the last octet of padding, if there is any, is its length, and what is next is met.
#[inline(always)]
fn agree(last: u8, pad_length: u8, next_header: u8) -> bool {
    (pad_length == 0 || pad_length == last) && is_met(next_header)
}

/// Whether [`evidence`] knows how to judge a protocol.
#[inline(always)]
fn is_met(next_header: u8) -> bool {
    MET.get(usize::from(next_header)) == Some(&true)
}

/// The protocols that are met, by number.
#[expect(
    clippy::indexing_slicing,
    reason = "of a constant: what is out of bounds does not compile"
)]
const MET: [bool; 256] = {
    let mut met = [false; 256];
    let known = [
        protocol::ICMP,
        protocol::IPV4,
        protocol::TCP,
        protocol::UDP,
        protocol::IPV6,
        protocol::GRE,
        protocol::AH,
        protocol::ICMPV6,
        protocol::NO_NEXT_HEADER,
        protocol::OSPF,
        protocol::BEET,
        protocol::IPCOMP,
        protocol::AGGFRAG,
    ];
    let mut place = 0;
    while place < known.len() {
        met[known[place] as usize] = true;
        place += 1;
    }
    met
};

#[cold]
fn beyond_doubt(packet: &[u8], from: IpAddr, to: IpAddr) -> Option<Null> {
    LAYOUTS.iter().find_map(|&(iv, icv)| {
        let null = Null::read(packet, iv, icv).filter(|null| is_met(null.next_header))?;
        let payload = null.payload(packet)?;
        let next_header = 8;
        let padding = 8 * (1 + u32::from(null.pad_length));
        let bits = next_header + padding + evidence(null.next_header, payload, from, to)?;
        (bits >= ENOUGH).then_some(null)
    })
}

/// How many bits of the payload of an ESP packet are what its protocol demands; `None` if one is not.
pub fn evidence(next_header: u8, payload: &[u8], from: IpAddr, to: IpAddr) -> Option<u32> {
    match next_header {
        protocol::IPV4 => ipv4(payload),
        protocol::IPV6 => ipv6(payload),
        protocol::TCP => tcp(payload, from, to),
        protocol::UDP => udp(payload, from, to),
        protocol::ICMP => icmp(payload),
        protocol::ICMPV6 => icmpv6(payload, from, to),
        protocol::GRE => gre(payload),
        protocol::AH => ah(payload),
        protocol::OSPF => ospf(payload),
        protocol::BEET => beet(payload),
        protocol::IPCOMP => ipcomp(payload),
        protocol::AGGFRAG => aggfrag(payload),
        // A dummy packet holds anything (RFC 4303 section 2.6): its padding must tell.
        _ => Some(0),
    }
}

/// Version and header length, total length, header checksum. Padding for confidentiality of the
/// traffic flow may follow (RFC 4303 section 2.7); then the checksum must tell.
fn ipv4(payload: &[u8]) -> Option<u32> {
    let head: &[u8; 20] = payload.first_chunk()?;
    let words = head[0] & 0x0f;
    if head[0] >> 4 != 4 || words < 5 {
        return None;
    }
    let header = payload.get(..usize::from(words) * 4)?;
    let version = if words == 5 { 8 } else { 4 };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let is_whole = length == payload.len();
    let is_sound = Sum16BitWords::new().add_slice(header).ones_complement() == 0;
    (length <= payload.len()).then_some(version + 16 * (u32::from(is_whole) + u32::from(is_sound)))
}

/// Version, payload length, next header.
fn ipv6(payload: &[u8]) -> Option<u32> {
    let head: &[u8; 40] = payload.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let is_common = is_met(head[6]) || matches!(head[6], 0 | 43 | 44 | 50 | 60 | 135 | 141);
    (head[0] >> 4 == 6 && length + 40 == payload.len() && is_common).then_some(4 + 16 + 3)
}

/// Reserved bits, data offset, options (RFC 9293 section 3.1), checksum. One checksum out of 2¹⁶
/// fits; one that does not may have come through a NAT.
fn tcp(segment: &[u8], from: IpAddr, to: IpAddr) -> Option<u32> {
    let head: &[u8; 20] = segment.first_chunk()?;
    let reserved = head[12] & 0x0e;
    let options = segment.get(20..usize::from(head[12] >> 4) * 4)?;
    let sound = 16 * u32::from(is_sound(protocol::TCP, segment, from, to));
    let mut bits = 3 + 4 + sound;
    for option in tcp::options(options) {
        let (_, data) = option?;
        // One of eight kinds of 256; those with data have one of a few lengths.
        bits += 5 + 6 * u32::from(!data.is_empty());
    }
    (reserved == 0).then_some(bits)
}

/// Length, checksum; behind a NAT a port that is common in tunnels.
fn udp(datagram: &[u8], from: IpAddr, to: IpAddr) -> Option<u32> {
    let &[a, b, c, d, e, f, g, h] = datagram.first_chunk()?;
    if usize::from(u16::from_be_bytes([e, f])) != datagram.len() {
        return None;
    }
    let has_none = [g, h] == [0, 0];
    let sound = has_none || is_sound(protocol::UDP, datagram, from, to);
    let is_common = |port| matches!(port, 53 | 123 | 161 | 514 | 1701 | 2152 | 3784 | 4789);
    let common = is_common(u16::from_be_bytes([a, b])) || is_common(u16::from_be_bytes([c, d]));
    Some(16 + 16 * u32::from(sound) + 12 * u32::from(common))
}

/// Type and code, checksum. No address is part of it, so no NAT spoils it.
fn icmp(message: &[u8]) -> Option<u32> {
    let &[kind, code, ..] = message.first_chunk::<8>()?;
    let is_met = match kind {
        icmpv4::TYPE_ECHO_REPLY | icmpv4::TYPE_ECHO_REQUEST | 13 | 14 => code == 0,
        icmpv4::TYPE_DEST_UNREACH => code < 16,
        icmpv4::TYPE_REDIRECT | icmpv4::TYPE_TIME_EXCEEDED | 12 => code < 4,
        _ => false,
    };
    (is_met && Sum16BitWords::new().add_slice(message).ones_complement() == 0).then_some(16 + 10)
}

/// Type and code, checksum.
fn icmpv6(message: &[u8], from: IpAddr, to: IpAddr) -> Option<u32> {
    let &[kind, code, ..] = message.first_chunk::<8>()?;
    let is_met = matches!(
        kind,
        icmpv6::TYPE_DST_UNREACH..=icmpv6::TYPE_PARAMETER_PROBLEM
            | icmpv6::TYPE_ECHO_REQUEST..=icmpv6::TYPE_REDIRECT_MESSAGE
            | 143
    );
    (is_met && code < 8 && is_sound(protocol::ICMPV6, message, from, to)).then_some(16 + 4 + 5)
}

/// Flags that must be zero, version 0, and a protocol that is carried (RFC 2784 section 2.1).
fn gre(packet: &[u8]) -> Option<u32> {
    let &[a, b, c, d] = packet.first_chunk()?;
    let is_met = matches!(
        u16::from_be_bytes([c, d]),
        0x0800 | 0x86dd | 0x6558 | 0x8847 | 0x2001 | 0x88be | 0x22eb | 0x0000
    );
    (a & 0x4f == 0 && b == 0 && is_met).then_some(5 + 8 + 13)
}

/// Next header, length, reserved field (RFC 4302 section 2).
fn ah(packet: &[u8]) -> Option<u32> {
    let &[next_header, words, a, b] = packet.first_chunk()?;
    let is_common = is_met(next_header) || next_header == protocol::ESP;
    ([a, b] == [0, 0] && is_common && matches!(words, 4..=12)).then_some(16 + 4 + 4)
}

/// Version, type and length (RFC 2328 appendix A.3.1, RFC 5340 appendix A.3.1).
fn ospf(packet: &[u8]) -> Option<u32> {
    let &[version, kind, a, b] = packet.first_chunk()?;
    let is_whole = usize::from(u16::from_be_bytes([a, b])) == packet.len();
    (matches!(version, 2 | 3) && matches!(kind, 1..=5) && is_whole).then_some(7 + 5 + 16)
}

/// Next header, length and padding of the options, reserved octet.
fn beet(packet: &[u8]) -> Option<u32> {
    let &[next_header, words, padding, reserved] = packet.first_chunk()?;
    let is_met = is_met(next_header) && words <= 5 && matches!(padding, 0 | 4) && reserved == 0;
    is_met.then_some(4 + 5 + 7 + 8)
}

/// Next header, flags, and one of the well-known transforms (RFC 3173 section 3). A negotiated
/// index may be any, and leaves it to the padding to tell.
fn ipcomp(packet: &[u8]) -> Option<u32> {
    let &[next_header, flags, a, b] = packet.first_chunk()?;
    let is_known = matches!(u16::from_be_bytes([a, b]), 1..=4);
    (is_met(next_header) && flags == 0).then_some(4 + 8 + 14 * u32::from(is_known))
}

/// Sub-type and reserved octet, then a packet that begins here and may end in a later one
/// (RFC 9347 section 6.1).
fn aggfrag(payload: &[u8]) -> Option<u32> {
    let (&[kind, flags, a, b], rest) = payload.split_first_chunk()?;
    let blocks = match (kind, flags) {
        (0, 0) => rest,
        (1, 0..=3) => rest.get(20..)?,
        _ => return None,
    };
    let first = blocks.get(usize::from(u16::from_be_bytes([a, b]))..);
    let is_sound = |header: &[u8]| Sum16BitWords::new().add_slice(header).ones_complement() == 0;
    let told = match first {
        Some([head @ 0x45..=0x4f, ..]) => first
            .and_then(|block| block.get(..usize::from(head & 0x0f) * 4))
            .map_or(0, |header| 4 + 16 * u32::from(is_sound(header))),
        _ => 0,
    };
    Some(7 + 6 + told)
}

/// Whether a checksum fits that covers addresses, protocol and length too.
fn is_sound(protocol: u8, message: &[u8], from: IpAddr, to: IpAddr) -> bool {
    let mut sum = Sum16BitWords::new();
    for address in [from, to] {
        sum = match address {
            IpAddr::V4(address) => sum.add_4bytes(address.octets()),
            IpAddr::V6(address) => sum.add_16bytes(address.octets()),
        };
    }
    let Ok(length) = u16::try_from(message.len()) else {
        return false;
    };
    sum.add_2bytes([0, protocol])
        .add_2bytes(length.to_be_bytes())
        .add_slice(message)
        .ones_complement()
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::len_u32;
    use std::net::Ipv4Addr;

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const TO: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));
    const BEHIND_NAT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));

    /// A packet of this layout; `null.pad_length` octets of padding at least, then as many as align.
    fn packet(iv: u8, icv: u8, next_header: u8, payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![0xc0, 0xff, 0xee, 1, 0, 0, 0, 7];
        octets.extend(vec![0x5a; iv.into()]);
        octets.extend(payload);
        let mut pad_length = 0;
        while !(octets.len() + 2).is_multiple_of(4) {
            pad_length += 1;
            octets.push(pad_length);
        }
        octets.extend([pad_length, next_header]);
        octets.extend((0..icv).map(|i| i.wrapping_mul(151).wrapping_add(77)));
        octets
    }

    fn seen_in(packet: &[u8]) -> Option<Null> {
        seen(Octets::new(packet, len_u32(packet)), FROM, TO)
    }

    fn with_checksum(mut octets: Vec<u8>, at: usize, pseudo: Option<(IpAddr, u8)>) -> Vec<u8> {
        let mut sum = Sum16BitWords::new();
        if let (Some((IpAddr::V4(from), protocol)), IpAddr::V4(to)) = (pseudo, TO) {
            let length = u16::try_from(octets.len()).unwrap();
            sum = sum.add_4bytes(from.octets()).add_4bytes(to.octets());
            sum = sum
                .add_2bytes([0, protocol])
                .add_2bytes(length.to_be_bytes());
        }
        let sum = sum.add_slice(&octets).ones_complement().to_ne_bytes();
        octets[at..at + 2].copy_from_slice(&sum);
        octets
    }

    fn ipv4_packet(data: usize) -> Vec<u8> {
        let [a, b] = u16::try_from(20 + data).unwrap().to_be_bytes();
        let head = [
            0x45, 0, a, b, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 5, 10, 2, 0, 7,
        ];
        [with_checksum(head.to_vec(), 10, None), vec![0x33; data]].concat()
    }

    fn ipv6_packet(data: usize) -> Vec<u8> {
        let [a, b] = u16::try_from(data).unwrap().to_be_bytes();
        let head = [&[0x60, 0, 0, 0, a, b, 6, 64][..], &[0x20; 32]].concat();
        [head, vec![0x33; data]].concat()
    }

    /// A TCP segment as the sender at `from` made it.
    fn segment(from: IpAddr, options: &[u8], data: usize) -> Vec<u8> {
        let words = u8::try_from(5 + options.len() / 4).unwrap() << 4;
        let ports = [0x9c, 0x40, 1, 0xbb];
        let head = [0, 0, 0, 9, 0, 0, 0, 8, words, 0x10, 0x20, 0, 0, 0, 0, 0];
        let octets = [&ports, &head[..], options, &vec![0x44; data]].concat();
        with_checksum(octets, 16, Some((from, protocol::TCP)))
    }

    fn datagram(from: IpAddr, port: u16, data: usize) -> Vec<u8> {
        let [a, b] = u16::try_from(8 + data).unwrap().to_be_bytes();
        let [c, d] = port.to_be_bytes();
        let octets = [&[0x9c, 0x40, c, d, a, b, 0, 0][..], &vec![0x55; data]].concat();
        with_checksum(octets, 6, Some((from, protocol::UDP)))
    }

    fn echo(data: usize) -> Vec<u8> {
        let octets = [&[8, 0, 0, 0, 0, 1, 0, 2][..], &vec![0x66; data]].concat();
        with_checksum(octets, 2, None)
    }

    /// Payloads of every protocol that is judged, in several lengths.
    fn payloads() -> Vec<(u8, Vec<u8>)> {
        let mut payloads = Vec::new();
        for data in [8, 21, 30, 43, 1300] {
            let ospf = u16::try_from(24 + data).unwrap().to_be_bytes();
            payloads.extend([
                (4, ipv4_packet(data)),
                (41, ipv6_packet(data)),
                (6, segment(FROM, &[], data)),
                (17, datagram(FROM, 9999, data)),
                (1, echo(data)),
                (47, [&[0, 0, 8, 0][..], &ipv4_packet(data)].concat()),
                (
                    51,
                    [&[50, 4, 0, 0, 0, 0, 1, 0][..], &vec![7; data + 8]].concat(),
                ),
                (89, [&[2, 1][..], &ospf, &vec![0; 20 + data]].concat()),
                (94, [&[6, 1, 4, 0][..], &vec![0; data + 8]].concat()),
                (108, [&[4, 0, 0, 2][..], &vec![0x77; data + 8]].concat()),
                (144, [&[0, 0, 0, 0][..], &ipv4_packet(data)].concat()),
            ]);
        }
        payloads
    }

    #[test]
    fn every_protocol_is_seen_in_every_layout_and_nothing_is_once_cut() {
        for (next_header, payload) in payloads() {
            for (iv, icv) in LAYOUTS {
                let octets = packet(iv, icv, next_header, &payload);
                let null = seen_in(&octets);
                let layout = null.map(|null| (null.iv, null.icv, null.next_header));
                assert_eq!(layout, Some((iv, icv, next_header)), "{octets:02x?}");
                assert_eq!(
                    null.and_then(|null| null.payload(&octets)),
                    Some(&payload[..])
                );
                let cut = Octets::new(&octets[..octets.len() - 1], len_u32(&octets));
                assert_eq!(seen(cut, FROM, TO), None);
            }
        }
    }

    #[test]
    fn padding_that_does_not_count_upwards_is_not_believed() {
        for (next_header, payload) in payloads() {
            let mut octets = packet(0, 12, next_header, &payload);
            let end = octets.len() - 12;
            if octets[end - 2] > 0 {
                octets[end - 3] ^= 0x10;
                assert_eq!(seen_in(&octets), None, "{octets:02x?}");
            }
        }
    }

    #[test]
    fn a_payload_that_contradicts_its_protocol_is_not_believed() {
        let spoil = |next_header, mut payload: Vec<u8>, at: usize| {
            payload[at] ^= 0x20;
            // Two octets more than a multiple of four leave no padding to tell.
            seen_in(&packet(0, 12, next_header, &payload))
        };
        assert_eq!(spoil(4, ipv4_packet(30), 0), None);
        assert_eq!(spoil(4, ipv4_packet(30), 2), None);
        assert_eq!(spoil(41, ipv6_packet(30), 4), None);
        assert_eq!(spoil(6, segment(FROM, &[], 30), 25), None);
        assert_eq!(spoil(17, datagram(FROM, 9999, 30), 4), None);
        assert_eq!(spoil(1, echo(30), 20), None);
        assert_eq!(spoil(47, [0, 0, 8, 0].repeat(8), 1), None);
    }

    #[test]
    fn behind_a_nat_options_and_ports_tell_what_checksums_cannot() {
        let timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        let told =
            |next_header, payload: &[u8]| seen_in(&packet(0, 12, next_header, payload)).is_some();
        assert!(told(6, &segment(BEHIND_NAT, &timestamps, 30)));
        assert!(!told(6, &segment(BEHIND_NAT, &[], 30)));
        assert!(told(17, &datagram(BEHIND_NAT, 1701, 30)));
        assert!(!told(17, &datagram(BEHIND_NAT, 9999, 30)));
    }

    #[test]
    fn a_packet_whose_size_is_hidden_is_known_by_its_header_checksum() {
        let padded = [ipv4_packet(40), vec![0; 200]].concat();
        let octets = packet(0, 16, 4, &padded);
        let null = seen_in(&octets).unwrap();
        assert_eq!(null.payload(&octets).map(<[u8]>::len), Some(260));
        let padded = [ipv6_packet(40), vec![0; 202]].concat();
        assert_eq!(seen_in(&packet(0, 16, 41, &padded)), None);
    }

    #[test]
    fn octets_of_chance_are_not_believed_and_soon_turned_away() {
        // xorshift64: the same in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut octets = vec![0; 1424];
        let (mut looked_at, all) = (0, 20_000);
        for round in 0..all {
            let length = 40 + round % 1384;
            for chunk in octets.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                chunk.copy_from_slice(&state.to_le_bytes());
            }
            looked_at += u32::from(may_be(&octets[..length]));
            assert_eq!(seen_in(&octets[..length]), None);
        }
        assert!(looked_at < 200, "{looked_at} of {all}");
    }
}

//! Headers, written by hand: IP, UDP and TCP with their checksums.

use std::net::{IpAddr, SocketAddr};

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const GRE: u8 = 47;
pub(super) const ESP: u8 = 50;
pub(super) const AH: u8 = 51;
pub(super) const WESP: u8 = 141;

pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;

/// An IPv4 packet in an Ethernet frame.
#[derive(Clone, Copy)]
pub(super) struct Ip<'f> {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: u8,
    pub(super) payload: &'f [u8],
    /// All of it, from its header on.
    pub(super) packet: &'f [u8],
}

/// The IPv4 packet of an Ethernet frame, if it holds one.
pub(super) fn ip(frame: &[u8]) -> Option<Ip<'_>> {
    if frame[12..14] != ETHERTYPE_IPV4.to_be_bytes() {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let packet = &frame[14..14 + length];
    let address = |at: usize| {
        let octets: [u8; 4] = packet[at..at + 4].try_into().unwrap();
        IpAddr::from(octets)
    };
    Some(Ip {
        from: address(12),
        to: address(16),
        protocol: packet[9],
        payload: &packet[usize::from(packet[0] & 15) * 4..],
        packet,
    })
}

/// Ports and payload of a UDP datagram that is no fragment.
pub(super) fn ports(ip: &Ip<'_>) -> Option<([u16; 2], Vec<u8>)> {
    let whole = u16::from_be_bytes([ip.packet[6], ip.packet[7]]) & 0x3fff == 0;
    let udp = ip.payload;
    let port = |at: usize| u16::from_be_bytes([udp[at], udp[at + 1]]);
    (ip.protocol == UDP && whole).then(|| ([port(0), port(2)], udp[8..].to_vec()))
}

/// The addresses of a frame, with another EtherType and payload.
pub(super) fn ethernet(frame: &[u8], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&frame[..12], &kind.to_be_bytes(), payload].concat()
}

/// Sets traffic class and time to live of the IPv4 packet in an Ethernet frame.
pub(super) fn set(frame: &mut [u8], class: Option<u8>, ttl: Option<u8>) {
    let head = &mut frame[14..34];
    head[1] = class.unwrap_or(head[1]);
    head[8] = ttl.unwrap_or(head[8]);
    head[10..12].fill(0);
    let sum = checksum(&[head]);
    head[10..12].copy_from_slice(&sum);
}

/// An IP packet of the family of its addresses, not to be fragmented.
pub(super) fn packet(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
            let mut head = [
                &[
                    0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0,
                ][..],
                &from.octets(),
                &to.octets(),
            ]
            .concat();
            let sum = checksum(&[&head]);
            head[10..12].copy_from_slice(&sum);
            [&head, payload].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
            let head = [0x60, 0, 0, 0, length[0], length[1], protocol, 64];
            [&head[..], &from.octets(), &to.octets(), payload].concat()
        }
        _ => panic!("two families"),
    }
}

/// A UDP datagram in its IP packet.
pub(super) fn udp(from: SocketAddr, to: SocketAddr, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap().to_be_bytes();
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    let datagram = [&ports[..], &length, &[0, 0], data].concat();
    checked(from.ip(), to.ip(), UDP, datagram, 6)
}

/// A TCP segment in its IP packet: ACK is set but in the first, which has nothing to acknowledge.
pub(super) fn tcp(
    from: SocketAddr,
    to: SocketAddr,
    [sequence, acknowledgment]: [u32; 2],
    syn: bool,
    data: &[u8],
) -> Vec<u8> {
    const SYN: u8 = 2;
    const PSH: u8 = 8;
    const ACK: u8 = 16;
    let flags = [
        (syn, SYN),
        (!data.is_empty(), PSH),
        (acknowledgment != 0, ACK),
    ];
    let flags = flags.iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum();
    let segment = [
        &from.port().to_be_bytes()[..],
        &to.port().to_be_bytes(),
        &sequence.to_be_bytes(),
        &acknowledgment.to_be_bytes(),
        &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0],
        data,
    ];
    checked(from.ip(), to.ip(), TCP, segment.concat(), 16)
}

/// A packet whose payload has its checksum at this place, which covers the addresses too.
fn checked(from: IpAddr, to: IpAddr, protocol: u8, mut payload: Vec<u8>, at: usize) -> Vec<u8> {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let sum = checksum(&[
        &octets(from),
        &octets(to),
        &[0, protocol],
        &length,
        &payload,
    ]);
    payload[at..at + 2].copy_from_slice(&sum);
    packet(from, to, protocol, &payload)
}

/// The Internet checksum (RFC 1071) of slices of which only the last may be odd.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    (!(folded as u16)).to_be_bytes()
}

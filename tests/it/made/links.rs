//! Other links under the same packets.

use super::files::pcap;
use super::packets::{self, ETHERTYPE_IPV4, GRE, ip};
use super::recording::{Frame, Recording};
use super::{Alike, Made, Part};

pub(super) const MADE: &[Made] = &[
    Made {
        name: "made-link-sll",
        of: "ts-narrowed",
        alike: Alike::Frames,
        make: sll,
    },
    Made {
        name: "made-link-sll2",
        of: "esp-one-way",
        alike: Alike::Frames,
        make: sll2,
    },
    Made {
        name: "made-link-raw",
        of: "proposal-mismatch",
        alike: Alike::Story,
        make: raw,
    },
    Made {
        name: "made-link-qinq",
        of: "nat",
        alike: Alike::Frames,
        make: qinq,
    },
    Made {
        name: "made-link-pppoe",
        of: "ike-auth-fragment-lost",
        alike: Alike::Story,
        make: pppoe,
    },
    Made {
        name: "made-link-gre",
        of: "dpd-timeout",
        alike: Alike::Story,
        make: gre,
    },
];

const RAW: u32 = 101;
const LINUX_SLL: u32 = 113;
const LINUX_SLL2: u32 = 276;
pub(super) const ETHERNET: u32 = 1;

const ARPHRD_ETHER: [u8; 2] = [0, 1];

/// Whether a frame was sent by the host that recorded it, as the cooked formats tell: to us, or by
/// us. The first frame is by the recorder.
fn packet_type(recording: &Recording, frame: &Frame) -> u8 {
    match frame.octets[6..12] == recording.frames[0].octets[6..12] {
        true => 4,
        false => 0,
    }
}

/// Linux cooked capture, first version: packet type, ARPHRD, length of the address, address,
/// protocol.
fn sll(recording: &Recording) -> Vec<Part> {
    let frames = recording.map(|frame| {
        let head = [
            &[0, packet_type(recording, frame)][..],
            &ARPHRD_ETHER,
            &[0, 6],
            &frame.octets[6..12],
            &[0, 0],
            &frame.octets[12..14],
        ];
        Some([&head.concat(), &frame.octets[14..]].concat())
    });
    vec![
        Part::new("capture.pcap", pcap(LINUX_SLL, &frames)),
        recording.keys(),
    ]
}

/// Linux cooked capture, second version: protocol, two octets that are reserved, interface, ARPHRD,
/// packet type, length of the address, address.
fn sll2(recording: &Recording) -> Vec<Part> {
    let frames = recording.map(|frame| {
        let head = [
            &frame.octets[12..14],
            &[0, 0],
            &[0, 0, 0, 2],
            &ARPHRD_ETHER,
            &[packet_type(recording, frame), 6],
            &frame.octets[6..12],
            &[0, 0],
        ];
        Some([&head.concat(), &frame.octets[14..]].concat())
    });
    vec![
        Part::new("capture.pcap", pcap(LINUX_SLL2, &frames)),
        recording.keys(),
    ]
}

/// No link at all: IP alone, so that ARP has no place.
fn raw(recording: &Recording) -> Vec<Part> {
    let frames = recording.map(|frame| Some(ip(&frame.octets)?.packet.to_vec()));
    vec![Part::new("capture.pcap", pcap(RAW, &frames))]
}

/// Two tags: the provider's (IEEE 802.1ad) around the customer's (IEEE 802.1Q).
fn qinq(recording: &Recording) -> Vec<Part> {
    let frames = recording.map(|frame| {
        let tags = [0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x60, 0xc8];
        Some([&frame.octets[..12], &tags, &frame.octets[12..]].concat())
    });
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

/// A PPPoE session (RFC 2516 section 4): version and type 1, code 0, session, length; then PPP with
/// the protocol of IPv4.
fn pppoe(recording: &Recording) -> Vec<Part> {
    const PPPOE_SESSION: u16 = 0x8864;
    let frames = recording.map(|frame| {
        let packet = ip(&frame.octets)?.packet;
        let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
        let head = [0x11, 0, 0x12, 0x34, length[0], length[1], 0x00, 0x21];
        let session = [&head, packet].concat();
        Some(packets::ethernet(&frame.octets, PPPOE_SESSION, &session))
    });
    vec![Part::new("capture.pcap", pcap(ETHERNET, &frames))]
}

/// GRE between two routers (RFC 2784), with a key and a sequence number (RFC 2890).
fn gre(recording: &Recording) -> Vec<Part> {
    let routers = [[198, 51, 100, 1], [198, 51, 100, 2]].map(Into::into);
    let ends = recording
        .frames
        .iter()
        .find_map(|frame| Some(ip(&frame.octets)?.from));
    let sent = std::cell::Cell::new([0_u32; 2]);
    let frames = recording.map(|frame| {
        let inner = ip(&frame.octets)?;
        let who = usize::from(Some(inner.from) != ends);
        let mut numbers = sent.get();
        let number = numbers[who].to_be_bytes();
        numbers[who] += 1;
        sent.set(numbers);
        let head = [&[0x30, 0, 8, 0][..], &[0, 0, 0, 77], &number].concat();
        let payload = [&head, inner.packet].concat();
        let outer = packets::packet(routers[who], routers[1 - who], GRE, &payload);
        Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &outer))
    });
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

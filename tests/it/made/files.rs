//! Other files around the same frames.

use super::links::ETHERNET;
use super::packets::{ESP, ip};
use super::recording::{Frame, Recording};
use super::{Alike, Made, Packing, Part, seal};

pub(super) const MADE: &[Made] = &[
    Made {
        name: "made-pcap-nanoseconds",
        of: "child-proposal-mismatch",
        alike: Alike::Frames,
        make: nanoseconds,
    },
    Made {
        name: "made-pcap-big-endian",
        of: "ts-unacceptable",
        alike: Alike::Frames,
        make: big_endian,
    },
    Made {
        name: "made-snoop",
        of: "ikev1-ts-unacceptable",
        alike: Alike::Frames,
        make: snoop,
    },
    Made {
        name: "made-pcapng-interfaces",
        of: "healthy-ikev2-psk",
        alike: Alike::Story,
        make: interfaces,
    },
    Made {
        name: "made-pcapng-sections",
        of: "healthy-ikev1",
        alike: Alike::Frames,
        make: sections,
    },
    Made {
        name: "made-pcapng-base2-time",
        of: "packet-loss",
        alike: Alike::Frames,
        make: base2_time,
    },
    Made {
        name: "made-gzip",
        of: "pfs-mismatch",
        alike: Alike::Frames,
        make: gzip,
    },
    Made {
        name: "made-zstd",
        of: "mtu-exceeded",
        alike: Alike::Frames,
        make: zstd,
    },
    Made {
        name: "made-rotated",
        of: "healthy-mlkem",
        alike: Alike::Story,
        make: rotated,
    },
];

const SECOND: i64 = 1_000_000_000;

/// A byte order.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap()
}

/// A classic pcap file as nearly all are: little-endian, microseconds.
pub(super) fn pcap(link: u32, frames: &[Frame]) -> Vec<u8> {
    classic(Order::Little, 0xa1b2_c3d4, link, frames)
}

/// A classic pcap file; its magic tells the fraction of a second: micro or nano.
fn classic(order: Order, magic: u32, link: u32, frames: &[Frame]) -> Vec<u8> {
    let fraction = if magic == 0xa1b2_3c4d { 1 } else { 1000 };
    let mut octets = [
        &order.u32(magic)[..],
        &order.u16(2),
        &order.u16(4),
        &[0; 8],
        &order.u32(262_144),
        &order.u32(link),
    ]
    .concat();
    for frame in frames {
        for word in [
            (frame.time / SECOND) as u32,
            (frame.time % SECOND / fraction) as u32,
            length(&frame.octets),
            length(&frame.octets),
        ] {
            octets.extend(order.u32(word));
        }
        octets.extend(&frame.octets);
    }
    octets
}

/// Times of a nanosecond, which the recording did not have: they are invented.
fn nanoseconds(recording: &Recording) -> Vec<Part> {
    let mut frames = recording.frames.clone();
    for (n, frame) in (0..).zip(&mut frames) {
        frame.time += n * 37 % 1000;
    }
    let octets = classic(Order::Little, 0xa1b2_3c4d, ETHERNET, &frames);
    vec![Part::new("capture.pcap", octets), recording.keys()]
}

fn big_endian(recording: &Recording) -> Vec<Part> {
    let octets = classic(Order::Big, 0xa1b2_c3d4, ETHERNET, &recording.frames);
    vec![Part::new("capture.pcap", octets), recording.keys()]
}

/// Snoop (RFC 1761): always big-endian, each record padded to words, with the drops so far.
fn snoop(recording: &Recording) -> Vec<Part> {
    const ETHERNET: u32 = 4;
    let order = Order::Big;
    let head = [&b"snoop\0\0\0"[..], &order.u32(2), &order.u32(ETHERNET)];
    let mut octets = head.concat();
    for frame in &recording.frames {
        let kept = length(&frame.octets);
        for word in [
            kept,
            kept,
            24 + kept.next_multiple_of(4),
            0,
            (frame.time / SECOND) as u32,
            (frame.time % SECOND / 1000) as u32,
        ] {
            octets.extend(order.u32(word));
        }
        octets.extend(&frame.octets);
        octets.resize(octets.len().next_multiple_of(4), 0);
    }
    vec![Part::new("capture.snoop", octets), recording.keys()]
}

/// A pcapng file that grows block by block.
struct Pcapng {
    order: Order,
    octets: Vec<u8>,
}

const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

impl Pcapng {
    /// A file of one section so far, whose length is not told.
    fn new(order: Order) -> Self {
        let mut file = Self {
            order,
            octets: Vec::new(),
        };
        let body = [
            &order.u32(0x1a2b_3c4d)[..],
            &order.u16(1),
            &order.u16(0),
            &[0xff; 8],
        ];
        file.block(0x0a0d_0d0a, &body.concat());
        file
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let total = self.order.u32(12 + length(body).next_multiple_of(4));
        self.octets.extend(self.order.u32(kind));
        self.octets.extend(total);
        self.octets.extend(body);
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
        self.octets.extend(total);
    }

    fn interface(&mut self, link: u16, options: &[(u16, &[u8])]) {
        let order = self.order;
        let mut body = [&order.u16(link)[..], &[0, 0], &order.u32(262_144)].concat();
        for (code, value) in options {
            body.extend(order.u16(*code));
            body.extend(order.u16(u16::try_from(value.len()).unwrap()));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        self.block(1, &body);
    }

    fn packet(&mut self, interface: u32, time: u64, octets: &[u8]) {
        let words = [
            interface,
            (time >> 32) as u32,
            time as u32,
            length(octets),
            length(octets),
        ];
        let mut body: Vec<u8> = words
            .iter()
            .flat_map(|word| self.order.u32(*word))
            .collect();
        body.extend(octets);
        self.block(6, &body);
    }
}

/// Both sides of the office's gateway: outside Ethernet in nanoseconds, inside bare IP in the
/// microseconds that hold where nothing is said. Inside stand the packets that ESP carries: those
/// to the cloud just before they are sealed, the others after.
fn interfaces(recording: &Recording) -> Vec<Part> {
    const RAW: u16 = 101;
    const STEP: i64 = 20_000;
    let mut file = Pcapng::new(Order::Little);
    file.interface(
        ETHERNET as u16,
        &[(IF_NAME, b"outside"), (IF_TSRESOL, &[9])],
    );
    file.interface(RAW, &[(IF_NAME, b"inside")]);
    let office = recording
        .frames
        .iter()
        .find_map(|frame| Some(ip(&frame.octets)?.from));
    for frame in &recording.frames {
        let esp = ip(&frame.octets).filter(|ip| ip.protocol == ESP);
        let inner = esp.map(|esp| {
            let leaves = Some(esp.from) == office;
            (leaves, seal::open_esp(&recording.ring, esp.payload).payload)
        });
        let mut inside = |time: i64, octets: &[u8]| file.packet(1, (time / 1000) as u64, octets);
        if let Some((true, octets)) = &inner {
            inside(frame.time - STEP, octets);
        }
        file.packet(0, frame.time as u64, &frame.octets);
        let mut inside = |time: i64, octets: &[u8]| file.packet(1, (time / 1000) as u64, octets);
        if let Some((false, octets)) = &inner {
            inside(frame.time + STEP, octets);
        }
    }
    vec![Part::new("capture.pcapng", file.octets), recording.keys()]
}

/// Two recordings one after the other in one file, the second of a machine of another byte order.
fn sections(recording: &Recording) -> Vec<Part> {
    let (first, second) = recording.frames.split_at(recording.frames.len() / 2);
    let octets = [(Order::Little, first), (Order::Big, second)].map(|(order, frames)| {
        let mut file = Pcapng::new(order);
        file.interface(ETHERNET as u16, &[]);
        for frame in frames {
            file.packet(0, (frame.time / 1000) as u64, &frame.octets);
        }
        file.octets
    });
    vec![
        Part::new("capture.pcapng", octets.concat()),
        recording.keys(),
    ]
}

/// Times in units of 2^-20 seconds, counted from an offset of its own.
fn base2_time(recording: &Recording) -> Vec<Part> {
    const OFFSET: i64 = 1_700_000_000;
    let mut file = Pcapng::new(Order::Little);
    let offset = OFFSET.to_le_bytes();
    let options = [(IF_TSRESOL, &[0x80 | 20][..]), (IF_TSOFFSET, &offset)];
    file.interface(ETHERNET as u16, &options);
    for frame in &recording.frames {
        let since = i128::from(frame.time - OFFSET * SECOND);
        let time = (since << 20) / i128::from(SECOND);
        file.packet(0, u64::try_from(time).unwrap(), &frame.octets);
    }
    vec![Part::new("capture.pcapng", file.octets), recording.keys()]
}

fn gzip(recording: &Recording) -> Vec<Part> {
    let capture = Part {
        packing: Packing::Gzip,
        ..Part::new("capture.pcap.gz", pcap(ETHERNET, &recording.frames))
    };
    vec![capture, recording.keys()]
}

fn zstd(recording: &Recording) -> Vec<Part> {
    let mut file = Pcapng::new(Order::Little);
    file.interface(ETHERNET as u16, &[]);
    for frame in &recording.frames {
        file.packet(0, (frame.time / 1000) as u64, &frame.octets);
    }
    let capture = Part {
        packing: Packing::Zstd,
        ..Part::new("capture.pcapng.zst", file.octets)
    };
    vec![capture, recording.keys()]
}

/// A ring of three files as `tcpdump -C 1 -W 3` leaves it when it has come round: the oldest is not
/// the first by name. One of them is packed.
fn rotated(recording: &Recording) -> Vec<Part> {
    let frames = &recording.frames;
    let third = frames.len() / 3;
    let (oldest, rest) = frames.split_at(third);
    let (middle, newest) = rest.split_at(third);
    [("ring1", oldest), ("ring2", middle), ("ring0", newest)]
        .map(|(name, frames)| Part::new(format!("capture/{name}"), pcap(ETHERNET, frames)))
        .into()
}

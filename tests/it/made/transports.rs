//! Other ways for the same IKE messages and ESP packets.

use super::files::pcap;
use super::links::ETHERNET;
use super::packets::{self, ESP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, WESP, ip, ports};
use super::recording::{Frame, Recording};
use super::{Alike, Made, Part, seal};
use sha1::{Digest, Sha1};
use std::net::{IpAddr, SocketAddr};

pub(super) const MADE: &[Made] = &[
    Made {
        name: "made-ipv6",
        of: "esp-one-way",
        alike: Alike::Story,
        make: ipv6,
    },
    Made {
        name: "made-ike-in-tcp",
        of: "healthy-ikev2-psk",
        alike: Alike::Story,
        make: ike_in_tcp,
    },
    Made {
        name: "made-wesp",
        of: "healthy-ikev2-psk",
        alike: Alike::Story,
        make: wesp,
    },
];

/// Four zeros where ESP has its SPI (RFC 3948 section 2.2).
pub(super) const NON_ESP_MARKER: [u8; 4] = [0; 4];

pub(super) const IKE_SA_INIT: u8 = 34;
pub(super) const IKE_AUTH: u8 = 35;
pub(super) const CREATE_CHILD_SA: u8 = 36;

/// What a frame holds of IPsec.
pub(super) enum Inside {
    /// An IKE message, and whether it came behind the marker.
    Ike(Vec<u8>, bool),
    Esp(Vec<u8>),
}

/// What is inside a frame, and between whom; the ports are zero where there are none.
pub(super) fn inside(frame: &Frame) -> Option<([SocketAddr; 2], Inside)> {
    let ip = ip(&frame.octets)?;
    if ip.protocol == ESP {
        let ends = [ip.from, ip.to].map(|address| SocketAddr::new(address, 0));
        return Some((ends, Inside::Esp(ip.payload.to_vec())));
    }
    let ([from, to], data) = ports(&ip)?;
    let ends = [SocketAddr::new(ip.from, from), SocketAddr::new(ip.to, to)];
    let what = match data.strip_prefix(&NON_ESP_MARKER) {
        Some(message) => Inside::Ike(message.to_vec(), true),
        None => Inside::Ike(data, false),
    };
    Some((ends, what))
}

/// The exchange type of an IKE message.
pub(super) fn exchange(message: &[u8]) -> u8 {
    message[18]
}

/// A message of IKE_SA_INIT whose NAT detection is right between other ends (RFC 7296 section
/// 2.23): each notification is the SHA-1 of both SPIs, the address and the port.
fn detected_anew(message: &mut [u8], [from, to]: [SocketAddr; 2]) {
    const NOTIFY: u8 = 41;
    if exchange(message) != IKE_SA_INIT {
        return;
    }
    let (head, payloads) = message.split_at_mut(28);
    for (kind, range) in seal::chain(head[16], payloads) {
        let payload = &mut payloads[range];
        let end = match (kind, u16::from_be_bytes([payload[6], payload[7]])) {
            (NOTIFY, 16388) => from,
            (NOTIFY, 16389) => to,
            _ => continue,
        };
        let mut hash = Sha1::new();
        hash.update(&head[..16]);
        match end.ip() {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
        hash.update(end.port().to_be_bytes());
        payload[8..].copy_from_slice(&hash.finalize());
    }
}

/// Outside everything is IPv6.
fn ipv6(recording: &Recording) -> Vec<Part> {
    let new = |end: SocketAddr| {
        let IpAddr::V4(address) = end.ip() else {
            panic!("recorded with IPv4")
        };
        let last = u16::from(address.octets()[3]);
        SocketAddr::new([0x2001, 0xdb8, 0x66, 0, 0, 0, 0, last].into(), end.port())
    };
    let frames = recording.map(|frame| {
        let (ends, what) = inside(frame)?;
        let [from, to] = ends.map(new);
        let packet = match what {
            Inside::Esp(esp) => packets::packet(from.ip(), to.ip(), ESP, &esp),
            Inside::Ike(mut message, marked) => {
                detected_anew(&mut message, [from, to]);
                let marker = if marked { &NON_ESP_MARKER[..] } else { &[] };
                packets::udp(from, to, &[marker, &message].concat())
            }
        };
        Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV6, &packet))
    });
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

/// ESP in WESP (RFC 5840): the header says that it is encrypted, so its other fields are zero. Both
/// sides say WESP_SUPPORTED where they make a child SA, which keys alone show.
fn wesp(recording: &Recording) -> Vec<Part> {
    const ENCRYPTED: [u8; 4] = [0, 0, 0, 0x20];
    const WESP_SUPPORTED: u16 = 16415;
    let frames = recording.map(|frame| {
        let Some((ends, what)) = inside(frame) else {
            return Some(frame.octets.clone());
        };
        let [from, to] = ends;
        let packet = match what {
            Inside::Esp(esp) => {
                let wrapped = [&ENCRYPTED[..], &esp].concat();
                packets::packet(from.ip(), to.ip(), WESP, &wrapped)
            }
            Inside::Ike(message, marked) => {
                let message = match exchange(&message) {
                    IKE_AUTH | CREATE_CHILD_SA => {
                        let key = seal::ike_key(&recording.ring, &message);
                        seal::reseal_ike(&message, &key, |first, payloads| {
                            seal::notify(first, payloads, WESP_SUPPORTED, &[]);
                        })
                    }
                    _ => message,
                };
                let marker = if marked { &NON_ESP_MARKER[..] } else { &[] };
                packets::udp(from, to, &[marker, &message].concat())
            }
        };
        Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet))
    });
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

/// One end of a TCP connection.
struct End {
    at: SocketAddr,
    /// Addresses of its Ethernet frames, and their type.
    ethernet: Vec<u8>,
    sequence: u32,
    /// What it has to say and has not sent.
    held: Vec<u8>,
    segments: u32,
}

/// A TCP connection, frame by frame.
struct Connection {
    ends: [End; 2],
    frames: Vec<Frame>,
}

impl Connection {
    fn segment(&mut self, who: usize, time: i64, syn: bool, data: &[u8]) -> Frame {
        let (here, there) = (&self.ends[who], &self.ends[1 - who]);
        let acknowledgment = match syn && who == 0 {
            true => 0,
            false => there.sequence,
        };
        let numbers = [here.sequence, acknowledgment];
        let packet = packets::tcp(here.at, there.at, numbers, syn, data);
        let octets = packets::ethernet(&here.ethernet, ETHERTYPE_IPV4, &packet);
        let sent = data.len() as u32 + u32::from(syn);
        self.ends[who].sequence = self.ends[who].sequence.wrapping_add(sent);
        Frame { time, octets }
    }

    fn send(&mut self, who: usize, time: i64, syn: bool, data: &[u8]) {
        let frame = self.segment(who, time, syn, data);
        self.frames.push(frame);
    }

    /// Says a message, and holds some octets of it back to go with the next one if it may wait. Of
    /// what is longer than a segment the pieces are swapped on their way; some segments come twice.
    fn say(&mut self, who: usize, time: i64, message: &[u8], may_wait: bool) {
        const MOST: usize = 500;
        let end = &mut self.ends[who];
        let length = u16::try_from(message.len() + 2).unwrap().to_be_bytes();
        end.held.extend([&length, message].concat());
        end.segments += 1;
        let count = end.segments;
        let held = if may_wait {
            count as usize * 13 % 60
        } else {
            0
        };
        let data = std::mem::take(&mut end.held);
        let (data, later) = data.split_at(data.len() - held);
        self.ends[who].held = later.to_vec();
        let mut pieces: Vec<Frame> = Vec::new();
        for (n, piece) in (0..).zip(data.chunks(MOST)) {
            pieces.push(self.segment(who, time + n * 9_000, false, piece));
        }
        if let [first, second, ..] = &mut pieces[..] {
            std::mem::swap(&mut first.octets, &mut second.octets);
        }
        if count.is_multiple_of(5) {
            let mut again = pieces[0].clone();
            again.time = pieces.last().unwrap().time + 30_000;
            pieces.push(again);
        }
        let after = pieces.last().unwrap().time + 40_000;
        self.frames.append(&mut pieces);
        self.send(1 - who, after, false, &[]);
    }
}

/// All in one TCP connection (RFC 9329): the prefix of the stream, then every message behind its
/// length, IKE behind the marker too.
fn ike_in_tcp(recording: &Recording) -> Vec<Part> {
    const PREFIX: &[u8] = b"IKETCP";
    let first = recording
        .frames
        .iter()
        .find(|frame| inside(frame).is_some());
    let first = first.unwrap();
    let ([office, cloud], _) = inside(first).unwrap();
    let end = |address: IpAddr, port: u16, sequence: u32, ethernet: Vec<u8>| End {
        at: SocketAddr::new(address, port),
        ethernet,
        sequence,
        held: Vec::new(),
        segments: 0,
    };
    let (there, here) = first.octets[..12].split_at(6);
    let mut talk = Connection {
        ends: [
            // Its numbers begin again at zero under way.
            end(office.ip(), 40_022, 0xffff_f000, [there, here].concat()),
            end(cloud.ip(), 4500, 0x0100_0000, [here, there].concat()),
        ],
        frames: Vec::new(),
    };
    talk.send(0, first.time - 900_000, true, &[]);
    talk.send(1, first.time - 500_000, true, &[]);
    talk.send(0, first.time - 490_000, false, &[]);
    talk.send(0, first.time - 400_000, false, PREFIX);
    let mut said: Vec<(i64, usize, Inside)> = Vec::new();
    for frame in &recording.frames {
        if let Some(([from, _], what)) = inside(frame) {
            said.push((frame.time, usize::from(from.ip() != office.ip()), what));
        }
    }
    for (n, (time, who, what)) in said.iter().enumerate() {
        match what {
            Inside::Ike(message, _) => {
                let mut message = message.clone();
                let ends = [talk.ends[*who].at, talk.ends[1 - who].at];
                detected_anew(&mut message, ends);
                talk.say(
                    *who,
                    *time,
                    &[&NON_ESP_MARKER, &message[..]].concat(),
                    false,
                );
            }
            Inside::Esp(esp) => {
                // The last one before IKE of the same end waits for nothing.
                let mut next = said[n + 1..].iter().filter(|(_, other, _)| other == who);
                let may_wait = matches!(next.next(), Some((_, _, Inside::Esp(_))));
                talk.say(*who, *time, esp, may_wait);
            }
        }
    }
    let mut frames = talk.frames;
    frames.sort_by_key(|frame| frame.time);
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

//! What happens to the same IKE and ESP on their way, and when it is sent.

use super::files::pcap;
use super::links::ETHERNET;
use super::packets::{self, ESP, ETHERTYPE_IPV4};
use super::recording::{Frame, Recording};
use super::transports::{CREATE_CHILD_SA, Inside, NON_ESP_MARKER, exchange, inside};
use super::{Alike, Made, Part, seal};
use std::net::{IpAddr, SocketAddr};

pub(super) const MADE: &[Made] = &[
    Made {
        name: "made-nat-ports-differ",
        of: "nat",
        alike: Alike::Nothing,
        make: nat_ports_differ,
    },
    Made {
        name: "made-stale-source-address",
        of: "healthy-mobike-move",
        alike: Alike::Nothing,
        make: stale_source_address,
    },
    Made {
        name: "made-rekey-gap",
        of: "healthy-rekey-often",
        alike: Alike::Nothing,
        make: rekey_gap,
    },
    Made {
        name: "made-queue-for-each-class",
        of: "healthy-voice",
        alike: Alike::Nothing,
        make: queue_for_each_class,
    },
    Made {
        name: "made-traffic-class-changed",
        of: "healthy-ikev2-psk",
        alike: Alike::Nothing,
        make: traffic_class_changed,
    },
];

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLISECOND;

/// DSCP 46, expedited forwarding (RFC 3246).
const EXPEDITED: u8 = 46 << 2;

/// The NAT gives ESP another port than IKE; the cloud answers to that of IKE.
fn nat_ports_differ(recording: &Recording) -> Vec<Part> {
    const PORT: u16 = 50_500;
    let frames = recording.map(|frame| {
        let (ends, _) = inside(frame)?;
        let [from, to] = ends;
        let ip = packets::ip(&frame.octets)?;
        let (_, data) = packets::ports(&ip)?;
        let is_esp = to.port() == 4500 && !data.starts_with(&NON_ESP_MARKER);
        if !is_esp {
            return Some(frame.octets.clone());
        }
        let packet = packets::udp(SocketAddr::new(from.ip(), PORT), to, &data);
        Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet))
    });
    parts(recording, &frames)
}

/// IKE of the office moves; its ESP goes on from the old address, and the cloud sends none any more.
fn stale_source_address(recording: &Recording) -> Vec<Part> {
    const PACKETS: i64 = 30;
    let is_rekey = |frame: &&Frame| matches!(inside(frame), Some((_, Inside::Ike(message, _))) if exchange(&message) == CREATE_CHILD_SA);
    let rekey = recording.frames.iter().find(is_rekey).unwrap().time;
    let mut frames = recording.frames.clone();
    frames.retain(|frame| frame.time < rekey);
    let office = frames.iter().find_map(inside).unwrap().0[0].ip();
    let mut sent = frames.iter().filter(
        |frame| matches!(inside(frame), Some(([from, _], Inside::Esp(_))) if from.ip() == office),
    );
    let last = sent.next_back().unwrap().clone();
    let times = (1..=PACKETS).map(|n| rekey + n * SECOND);
    frames.extend(train(recording, &last, times, true));
    parts(recording, &frames)
}

/// A stream both ways, and the first rekeying; what the office sends stops for a second and a half.
fn rekey_gap(recording: &Recording) -> Vec<Part> {
    const STEP: i64 = 40 * MILLISECOND;
    const GAP: i64 = 1500 * MILLISECOND;
    let start = recording.frames[0].time;
    let mut frames = Vec::new();
    let mut rekeys = Vec::new();
    // The first packet of each SPI, by sender and in order.
    let mut first: Vec<(IpAddr, u32, Frame)> = Vec::new();
    for frame in &recording.frames {
        match inside(frame) {
            Some(([from, _], Inside::Esp(esp))) => {
                let spi = u32::from_be_bytes(esp[..4].try_into().unwrap());
                if !first.iter().any(|(_, known, _)| *known == spi) {
                    first.push((from.ip(), spi, frame.clone()));
                }
            }
            Some((_, Inside::Ike(message, _))) => {
                if exchange(&message) == CREATE_CHILD_SA {
                    rekeys.push(frame.time);
                }
                frames.push(frame.clone());
            }
            None => {}
        }
    }
    // Request and response of the first rekeying, then those of the second.
    let (made, end) = (rekeys[1], rekeys[2]);
    frames.retain(|frame| frame.time < end);
    let office = first[0].0;
    let mut stream = |sender: bool, late: i64| {
        let of = |(from, ..): &&(IpAddr, u32, Frame)| (*from == office) == sender;
        let [before, after] = [0, 1].map(|nth| first.iter().filter(of).nth(nth).unwrap().2.clone());
        for (template, from, to) in [
            (before, start + SECOND, made),
            (after, made + late + STEP, end),
        ] {
            let times = (from..to).step_by(STEP as usize);
            frames.extend(train(recording, &template, times, false));
        }
    };
    stream(true, GAP);
    stream(false, 0);
    frames.sort_by_key(|frame| frame.time);
    parts(recording, &frames)
}

/// Every fifth packet of the office is urgent, and a router lets it pass the four before it.
fn queue_for_each_class(recording: &Recording) -> Vec<Part> {
    const FRAMES: usize = 150;
    const ROUND: usize = 5;
    let mut frames = recording.frames.clone();
    frames.truncate(FRAMES);
    let office = frames.iter().find_map(inside).map(|(ends, _)| ends[0].ip());
    let sent: Vec<usize> = frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| match inside(frame) {
            Some(([from, _], Inside::Esp(_))) => Some(from.ip()) == office,
            _ => false,
        })
        .map(|(place, _)| place)
        .collect();
    for round in sent.chunks_exact(ROUND) {
        let mut octets: Vec<Vec<u8>> = round
            .iter()
            .map(|place| frames[*place].octets.clone())
            .collect();
        packets::set(&mut octets[ROUND - 1], Some(EXPEDITED), None);
        octets.rotate_right(1);
        for (place, octets) in round.iter().zip(octets) {
            frames[*place].octets = octets;
        }
    }
    parts(recording, &frames)
}

/// The same at the other gateway: one hop further, with another DSCP.
fn traffic_class_changed(recording: &Recording) -> Vec<Part> {
    const ON_THE_WAY: i64 = 10 * MILLISECOND;
    let here = recording.frames.clone();
    let office = here.iter().find_map(inside).unwrap().0[0].ip();
    let [mut near, mut far] = [here.clone(), here];
    for (near, far) in near.iter_mut().zip(&mut far) {
        let is_ours = inside(near).is_some();
        if !is_ours {
            continue;
        }
        let leaves = inside(near).unwrap().0[0].ip() == office;
        let (first, second) = if leaves { (near, far) } else { (far, near) };
        packets::set(&mut first.octets, Some(EXPEDITED), Some(64));
        packets::set(&mut second.octets, Some(0), Some(63));
        second.time += ON_THE_WAY;
    }
    near.sort_by_key(|frame| frame.time);
    far.sort_by_key(|frame| frame.time);
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &near)),
        Part::new("capture_b.pcap", pcap(ETHERNET, &far)),
        recording.keys(),
    ]
}

/// What this ESP packet carries, again and again; its numbers begin with one, or follow its own.
fn train(
    recording: &Recording,
    template: &Frame,
    times: impl Iterator<Item = i64>,
    follows: bool,
) -> Vec<Frame> {
    let Some(([from, to], Inside::Esp(esp))) = inside(template) else {
        panic!("no ESP")
    };
    let [spi, number] = [0, 4].map(|at| u32::from_be_bytes(esp[at..at + 4].try_into().unwrap()));
    let key = seal::esp_key(&recording.ring, &esp);
    let plain = seal::open_esp(&recording.ring, &esp);
    let begin = if follows { number + 1 } else { 1 };
    (begin..)
        .zip(times)
        .map(|(number, time)| {
            let esp = seal::seal_esp(&key, spi, [None, Some(number)], &plain);
            let packet = packets::packet(from.ip(), to.ip(), ESP, &esp);
            Frame {
                time,
                octets: packets::ethernet(&template.octets, ETHERTYPE_IPV4, &packet),
            }
        })
        .collect()
}

fn parts(recording: &Recording, frames: &[Frame]) -> Vec<Part> {
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, frames)),
        recording.keys(),
    ]
}

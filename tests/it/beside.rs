//! Who else is on a link makes no difference to what is told of a tunnel.
//!
//! Into every capture frames of a neighbour are put: two other gateways whose tunnel works all the while.

use crate::run;
use crate::variants::{Chance, Recorded, alarms, frames, octets, said};
use espial::capture::LinkType;
use std::path::Path;

/// The gateways of the neighbour (RFC 2544).
const ENDS: [[u8; 4]; 2] = [[198, 18, 0, 1], [198, 18, 0, 2]];

const MILLISECOND: i64 = 1_000_000;

/// Between packets of ESP of the neighbour, each of which has an answer.
const BEAT: i64 = 200 * MILLISECOND;

/// So many of them at most.
const MOST: i64 = 200;

/// A frame of the neighbour, from one of its ends to the other.
fn frame(time: i64, from: usize, protocol: u8, payload: &[u8]) -> Recorded {
    let station = |end: usize| [2, 0, 0, 0, 0xee, end as u8];
    let total = (20 + payload.len()) as u16;
    let [a, b] = total.to_be_bytes();
    let head = [0x45, 0, a, b, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    let parts: [&[u8]; 7] = [
        &station(1 - from),
        &station(from),
        &[8, 0],
        &head,
        &ENDS[from],
        &ENDS[1 - from],
        payload,
    ];
    let bytes = parts.concat();
    Recorded {
        time,
        link: LinkType::ETHERNET,
        interface: 0,
        wire_len: bytes.len() as u32,
        bytes,
    }
}

/// A liveness check or its answer, which tells whose stations these are.
fn liveness(time: i64, from: usize, chance: &mut Chance) -> Recorded {
    let flags = [0x08, 0x20][from];
    let head: [&[u8]; 5] = [
        &[7; 8],
        &[8; 8],
        &[46, 0x20, 37, flags],
        &[0, 0, 0, 4, 0, 0, 0, 80],
        &[0, 0, 0, 52],
    ];
    let sealed: Vec<u8> = (0..48).map(|_| chance.below(256) as u8).collect();
    let ike = [head.concat(), sealed].concat();
    let [a, b] = (8 + ike.len() as u16).to_be_bytes();
    frame(
        time,
        from,
        17,
        &[&[1, 244, 1, 244, a, b, 0, 0], &*ike].concat(),
    )
}

fn esp(time: i64, from: usize, number: i64, chance: &mut Chance) -> Recorded {
    let mut packet = vec![0, 0, 0xee, 1 + from as u8];
    packet.extend((number as u32).to_be_bytes());
    packet.extend((0..128).map(|_| chance.below(256) as u8));
    frame(time, from, 50, &packet)
}

/// What the neighbour sends from one moment to another.
fn neighbour(first: i64, last: i64) -> Vec<Recorded> {
    let mut chance = Chance::new(1);
    let beat = BEAT.max((last - first) / MOST);
    let checks = [0, 1].map(|end| liveness(first + MILLISECOND * end as i64, end, &mut chance));
    let mut all = checks.to_vec();
    let beats = (1..).map(|number| (number, first + number * beat));
    for (number, time) in beats.take_while(|(_, time)| time + MILLISECOND < last) {
        all.extend(
            [0, 1].map(|end| esp(time + MILLISECOND * end as i64, end, number, &mut chance)),
        );
    }
    all
}

/// The frames of a capture with those of the neighbour among them, in the order in which they came.
fn with_neighbour(capture: &[Recorded]) -> Vec<Recorded> {
    let times = || capture.iter().map(|frame| frame.time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Vec::new();
    };
    let mut others = neighbour(first, last).into_iter().peekable();
    let mut all = Vec::new();
    for frame in capture {
        while let Some(other) = others.next_if(|other| other.time <= frame.time) {
            all.push(other);
        }
        all.push(frame.clone());
    }
    all.extend(others);
    all
}

#[test]
fn a_neighbour_makes_no_difference() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beside");
    std::fs::create_dir_all(&root).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for case in run::cases() {
        let alone = frames(&case.capture);
        if alone.is_empty() || alone.iter().any(|frame| frame.link != LinkType::ETHERNET) {
            continue;
        }
        let path = root.join(format!("{}.pcapng", case.name()));
        for ring in case.rings() {
            let told = [&alone, &with_neighbour(&alone)].map(|frames| {
                std::fs::write(&path, octets(frames)).unwrap();
                let analysis = said(std::slice::from_ref(&path), &ring);
                alarms(&analysis)
            });
            if told[0] != told[1] {
                let [alone, beside] = told;
                wrong.push(format!(
                    "{}:\n  alone  {alone:?}\n  beside {beside:?}",
                    case.name()
                ));
            }
            tried += 1;
        }
        std::fs::remove_file(&path).unwrap();
    }
    assert!(tried > 200, "{tried} were tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! ESP that is not encrypted, from the file to the report.

use crate::run::stdout;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An IPv4 packet between two networks inside, or two gateways outside.
fn ipv4(last: [u8; 8], protocol: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let flags = flags.to_be_bytes();
    let head = [
        &[0x45, 0][..],
        &length,
        &[0x12, 0x34],
        &flags,
        &[64, protocol, 0, 0],
    ];
    [&head.concat()[..], &last, payload].concat()
}

const INSIDE: [u8; 8] = [10, 1, 0, 5, 10, 2, 0, 7];
const OUTSIDE: [u8; 8] = [192, 0, 2, 1, 192, 0, 2, 2];

fn esp(sequence: u8, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets = [&[0, 0, 0x10, 0, 0, 0, 0, sequence], payload].concat();
    let mut pad_length = 0;
    while !(octets.len() + 2).is_multiple_of(4) {
        pad_length += 1;
        octets.push(pad_length);
    }
    [&octets[..], &[pad_length, next_header], &[0xab; 16]].concat()
}

/// A SYN, a sealed packet, another ESP packet in the tunnel, and a packet in two fragments.
fn capture(name: &str) -> PathBuf {
    let syn = [
        1, 0xbb, 0xc9, 0x3a, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 0x20, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4,
    ];
    let nested = ipv4(
        INSIDE,
        50,
        0,
        b"\xc0\xff\xee\x01\0\0\0\x07sealed octets of some packet",
    );
    let large = esp(4, 4, &ipv4(INSIDE, 17, 0, &[0x11; 100]));
    let packets = [
        ipv4(OUTSIDE, 50, 0, &esp(1, 4, &ipv4(INSIDE, 6, 0x4000, &syn))),
        ipv4(OUTSIDE, 50, 0, &esp(2, 200, &[0x99; 60])),
        ipv4(OUTSIDE, 50, 0, &esp(3, 4, &nested)),
        ipv4(OUTSIDE, 50, 0x2000, &large[..64]),
        ipv4(OUTSIDE, 50, 8, &large[64..]),
    ];
    let header: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 101];
    let mut octets = header.map(u32::to_le_bytes).concat();
    for (seconds, packet) in (1..).zip(&packets) {
        let length = u32::try_from(packet.len()).unwrap();
        let record: [u32; 4] = [seconds, 0, length, length];
        octets.extend(record.map(u32::to_le_bytes).concat());
        octets.extend(packet);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path
}

fn lines(capture: &Path, chunk: &str) -> Vec<Value> {
    let arguments = ["dissect", "-q", "-f", "ndjson", "--chunk-size", chunk];
    let written = stdout(arguments.into_iter().chain(capture.to_str()));
    let parsed = written.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap()
}

#[test]
fn dissect_tells_what_is_inside_and_what_that_carries() {
    let capture = capture("null-dissect.pcap");
    let told = lines(&capture, "4194304");
    let summary: Vec<String> = told
        .iter()
        .map(|line| {
            let esp = &line["esp"];
            format!(
                "{} {} {} {}",
                line["frame"], line["encap"], esp["null_icv"], esp["inner"]["protocol"]
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            "1 [] 16 6",
            "2 [] null null",
            "3 [] 16 50",
            r#"3 ["esp","ip"] null null"#,
            "5 [] 16 17",
        ]
    );
    let inner = &told[0]["esp"]["inner"];
    assert_eq!(
        (&inner["src"], &inner["src_port"]),
        (&"10.1.0.5".into(), &443.into())
    );
    assert_eq!(
        (&inner["tcp"]["mss"], &inner["length"]),
        (&1460.into(), &44.into())
    );
    assert_eq!(told[0]["esp"]["pad_length"], 2);
    assert_eq!(told[0]["esp"]["next_header"], 4);
    for chunk in ["40", "97", "200"] {
        assert_eq!(lines(&capture, chunk), told, "chunks of {chunk} octets");
    }
    let text = stdout(["dissect", "-q", "-v"].into_iter().chain(capture.to_str()));
    let inside = "not encrypted: TCP 10.1.0.5:443 → 10.2.0.7:51514 SYN, MSS 1460, 44 octets";
    assert!(text.contains(inside), "{text}");
}

#[test]
fn a_flow_counts_the_packets_that_are_not_encrypted() {
    let capture = capture("null-tunnels.pcap");
    let written = stdout(
        ["tunnels", "-q", "-f", "json"]
            .into_iter()
            .chain(capture.to_str()),
    );
    let tunnels: Value = serde_json::from_str(&written).unwrap();
    let flows: Vec<String> = tunnels["tunnels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|tunnel| tunnel["flows"].as_array().unwrap())
        .map(|flow| {
            let null = &flow["esp_null"];
            format!(
                "{} {} of {}, {}, from {}",
                flow["spi"], null["packets"], flow["packets"], null["icv"], null["first"]["frame"]
            )
        })
        .collect();
    assert_eq!(
        flows,
        [
            r#""0x00001000" 3 of 4, 16, from 1"#,
            r#""0xc0ffee01" null of 1, null, from null"#,
        ]
    );
}

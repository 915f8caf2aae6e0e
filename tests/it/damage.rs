//! Damaged captures: what is good before and after the damage is read, the damage is told.

use crate::encap::{a, b, conversation};
use crate::run::espial;
use std::path::PathBuf;

/// A capture of classic pcap, its octets and the offsets of its records. It is little-endian, as
/// nearly all are, which the emitter's is not.
fn sample() -> (Vec<u8>, Vec<usize>) {
    let mut octets = conversation(a(40000), b(4500)).octets().to_vec();
    for field in [0..4, 4..6, 6..8, 16..20, 20..24] {
        octets[field].reverse();
    }
    let mut records = Vec::new();
    let mut at = 24;
    while at < octets.len() {
        records.push(at);
        for word in octets[at..at + 16].chunks_mut(4) {
            word.reverse();
        }
        at += 16 + u32::from_le_bytes(octets[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    assert_eq!(at, octets.len(), "the sample is whole");
    (octets, records)
}

fn frames_and_exit(name: &str, octets: &[u8]) -> (u64, i32, String) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pcap"));
    std::fs::write(&path, octets).expect("a temporary file can be written");
    let run = espial(["diagnose", "--format", "json", path.to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).expect("output is JSON");
    let input = &json["inputs"][0];
    let code = run.status.code().expect("the program ended by itself");
    (
        input["frames"].as_u64().unwrap(),
        code,
        input["problems"].to_string(),
    )
}

#[test]
fn a_capture_cut_mid_record_keeps_what_came_before() {
    let (octets, records) = sample();
    let (frames, code, problems) = frames_and_exit("cut", &octets[..octets.len() - 5]);
    assert_eq!((frames, code), (records.len() as u64 - 1, 3), "{problems}");
    assert!(
        problems.contains(&records[records.len() - 1].to_string()),
        "{problems}"
    );
}

#[test]
fn a_damaged_length_costs_its_own_record_only() {
    let (mut octets, records) = sample();
    let hit = records[records.len() / 2];
    octets[hit + 8..hit + 12].copy_from_slice(&0xffff_ffffu32.to_le_bytes());
    let (frames, code, problems) = frames_and_exit("length", &octets);
    assert_eq!((frames, code), (records.len() as u64 - 1, 3), "{problems}");
    assert!(problems.contains(&hit.to_string()), "{problems}");
}

#[test]
fn rubbish_at_the_end_is_told_and_costs_nothing() {
    let (mut octets, records) = sample();
    let end = octets.len();
    octets.extend([0xa5; 100]);
    let (frames, code, problems) = frames_and_exit("rubbish", &octets);
    assert_eq!((frames, code), (records.len() as u64, 3), "{problems}");
    assert!(problems.contains(&end.to_string()), "{problems}");
}

#[test]
fn rubbish_in_the_middle_is_passed_over() {
    let (mut octets, records) = sample();
    let at = records[records.len() / 2];
    octets.splice(at..at, [0xa5; 333]);
    let (frames, code, problems) = frames_and_exit("middle", &octets);
    assert_eq!((frames, code), (records.len() as u64, 3), "{problems}");
    assert!(problems.contains("333"), "{problems}");
}

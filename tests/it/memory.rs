//! Memory that the user limits is not exceeded, whoever floods the capture, and the report says what
//! was beyond.

use crate::floods::{self, B, ip, udp};
use crate::run::peak_of;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The least that a run may be limited to, in MiB.
const LEAST: u64 = 160;

/// SPIs, and IKE SAs, of the floods: several times as many as that leaves room for.
const MANY: u32 = 40_000;

/// A file of these packets.
fn capture(name: &str, packets: impl Iterator<Item = Vec<u8>>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, floods::pcap(packets)).unwrap();
    path
}

/// Packets of ESP, each of another SA; every other from another sender.
fn esp_flood() -> impl Iterator<Item = Vec<u8>> {
    (0..MANY).map(|number| {
        let mut payload = (0x1000_0000 + number).to_be_bytes().to_vec();
        payload.extend(1_u32.to_be_bytes());
        payload.extend([0xa5; 64]);
        ip(0x0a00_0000 + number % 2 * number, B, 50, 0, 0, &payload)
    })
}

/// First messages of IKE SAs, each from another initiator: an SA payload without proposals, and a
/// nonce.
fn ike_flood() -> impl Iterator<Item = Vec<u8>> {
    (0..MANY).map(|number| {
        let mut message = (0x1111_0000_0000_0000 + u64::from(number))
            .to_be_bytes()
            .to_vec();
        message.extend([0; 8]);
        message.extend([33, 0x20, 34, 0x08, 0, 0, 0, 0]);
        message.extend(404_u32.to_be_bytes());
        message.extend([40, 0, 0, 4]);
        message.extend([0, 0, 1, 116]);
        message.extend([0x5a; 368]);
        ip(0x0a00_0000 + number, B, 17, 0, 0, &udp(500, &message))
    })
}

/// What a run prints, and the most memory it had, in MiB, where the system tells.
fn run(arguments: &[&str]) -> (String, Option<u64>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_espial"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let peak = peak_of(child.id());
    child.wait().unwrap();
    (reader.join().unwrap(), peak)
}

#[test]
fn a_flood_of_sas_stays_within_the_memory_and_is_told() {
    let esp = capture("flood-esp.pcap", esp_flood());
    let ike = capture("flood-ike.pcap", ike_flood());
    let limit = format!("{LEAST}M");
    for command in ["diagnose", "tunnels"] {
        let inputs = [esp.to_str().unwrap(), ike.to_str().unwrap()];
        let mut arguments = vec![command, "-q", "-j", "2", "--max-memory", &limit];
        arguments.extend(inputs);
        let (text, peak) = run(&arguments);
        assert!(
            peak.is_none_or(|peak| peak <= LEAST),
            "{command}: {peak:?} MiB"
        );
        if command == "diagnose" {
            for beyond in ["ESP or AH packets of further SAs", "IKE messages"] {
                assert!(text.contains(beyond), "{text}");
            }
            // The same comes out of any number of threads, and of any cut.
            arguments.extend(["--chunk-size", "70000"]);
            arguments[3] = "1";
            assert_eq!(run(&arguments).0, text);
        }
    }
}

#[test]
fn frames_that_are_nested_too_deep_are_told() {
    let packets = (0..3_u32).map(|number| {
        let esp = [0x1000_0000 + number, 1, 0, 0]
            .map(u32::to_be_bytes)
            .concat();
        let innermost = ip(0x0a00_0001, B, 50, 0, 0, &esp);
        (0..9).fold(innermost, |inner, _| ip(0x0a00_0001, B, 4, 0, 0, &inner))
    });
    let nested = capture("nested.pcap", packets);
    let (text, _) = run(&["diagnose", "-q", nested.to_str().unwrap()]);
    assert!(text.contains("what 3 frames hold"), "{text}");
}

#[test]
fn a_limit_that_is_too_small_is_refused() {
    let out = crate::run::espial(["diagnose", "--max-memory", "159M", "x.pcap"]);
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("160M"), "{said}");
}

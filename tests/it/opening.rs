//! ESP under the keys that the daemons of the shipped captures logged.

use crate::run::{espial, root, shared, shipped, stdout};
use espial::keys::{self, KeyRing};
use espial::model::{Model, OpenedTally};
use espial::report::dissect::write_ndjson;
use espial::sadb::Sadb;
use serde_json::Value;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The captures beside which there are keys, with the folder of the keys.
pub(crate) fn keyed() -> Vec<(PathBuf, PathBuf)> {
    let keyed: Vec<_> = shipped()
        .into_iter()
        .map(|capture| {
            let keys = capture.with_file_name("keys");
            (capture, keys)
        })
        .filter(|(_, keys)| keys.is_dir())
        .collect();
    assert!(keyed.len() >= 8, "only {} captures have keys", keyed.len());
    keyed
}

fn ring(keys: &Path) -> KeyRing {
    keys::load(&[keys.to_owned()]).unwrap().0
}

fn model(capture: &Path, ring: KeyRing) -> Model {
    let inputs = espial::capture::expand(&[capture.to_owned()]).unwrap();
    let options = espial::Options {
        keys: Arc::new(ring),
        ..Default::default()
    };
    espial::analyze(inputs, &options).unwrap().model
}

/// The records that a run gives.
fn records(capture: &Path, ring: &Arc<KeyRing>, threads: usize, chunk: usize) -> String {
    let inputs = espial::capture::expand(&[capture.to_owned()]).unwrap();
    let options = espial::Options {
        threads: NonZeroUsize::new(threads),
        chunk_size: NonZeroUsize::new(chunk),
        keys: Arc::clone(ring),
        ..Default::default()
    };
    let mut out = Vec::new();
    espial::dissect(inputs, &options, &mut |datagram, time, reading| {
        write_ndjson(&mut out, datagram, time, reading).unwrap();
        ControlFlow::Continue(())
    })
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn lines(written: &str) -> Vec<Value> {
    let lines = written.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn is_opened(record: &&Value) -> bool {
    record["esp"]["state"] == "opened" && record["esp"]["icv_ok"] == true
}

/// Cases of packets that keys cannot open: the net changes them, or one side cuts their checksums shorter
/// than was agreed.
const SPOILT: [&str; 3] = ["esp-corrupted", "esp-wholly-corrupted", "sha2-truncated"];

fn is_spoilt(capture: &Path) -> bool {
    let captures = root().join("captures");
    SPOILT
        .iter()
        .any(|case| capture.starts_with(captures.join(case)))
}

#[test]
fn every_packet_of_the_shipped_captures_is_opened_and_proven() {
    for (capture, keys) in keyed() {
        let at = capture.display();
        if is_spoilt(&capture) {
            continue;
        }
        let written = stdout([
            "dissect".as_ref(),
            "-q".as_ref(),
            "--format=ndjson".as_ref(),
            "-k".as_ref(),
            keys.as_os_str(),
            capture.as_os_str(),
        ]);
        let records = lines(&written);
        let mut opened = 0;
        for record in &records {
            if record["kind"] == "esp" {
                assert!(is_opened(&record), "{at}: {record}");
                assert!(record["esp"]["inner"]["src"].is_string(), "{at}: {record}");
                opened += 1;
            }
            let payloads = record["ike"]["payloads"].as_array().into_iter().flatten();
            for part in payloads.chain([&record["ike"]]) {
                if part["state"].is_string() {
                    assert_eq!(part["state"], "opened", "{at}: {record}");
                    assert_ne!(part["icv_ok"], false, "{at}: {record}");
                    assert_ne!(part["hash_ok"], false, "{at}: {record}");
                }
            }
        }
        let model = model(&capture, ring(&keys));
        let flows = model.flows.iter().filter_map(|flow| flow.opened.as_ref());
        let counted: u64 = flows.map(|tally| tally.opened).sum();
        assert_eq!(counted, opened, "{at}");
        assert_eq!(esp_packets(&model), opened, "{at}");
    }
}

/// Packets of all ESP flows. AH has nothing to open.
fn esp_packets(model: &Model) -> u64 {
    let flows = model.flows.iter().filter(|flow| !flow.key.ah);
    flows.map(|flow| flow.packets).sum()
}

#[test]
fn keys_that_follow_from_ike_open_packets_wherever_the_file_is_cut() {
    let mut opened = 0;
    for name in [
        "healthy-ikev2-psk",
        "healthy-ikev1",
        "healthy-suites",
        "nat",
    ] {
        let capture = root().join("captures").join(name).join("capture.pcapng");
        let mut ring = ring(&capture.with_file_name("keys"));
        ring.esp.clear();
        let ring = Arc::new(ring);
        let whole = records(&capture, &ring, 1, 1 << 30);
        opened += lines(&whole).iter().filter(is_opened).count();
        for (threads, chunk) in [(1, 40), (3, 1009), (2, 7000), (7, 20_000)] {
            let cut = records(&capture, &ring, threads, chunk);
            assert!(cut == whole, "{name}: {threads} threads, chunks of {chunk}");
        }
    }
    assert!(opened > 100, "only {opened} opened");
}

#[test]
fn esp_in_esp_under_keys_is_told_layer_by_layer() {
    let Some(shared) = shared() else { return };
    let name = "tcpdump-08-sunrise-sunset-esp2.pcap";
    let keys = shared.join("corpus/keys").join(format!("{name}.esp_sa"));
    let written = records(
        &shared.join("corpus").join(name),
        &Arc::new(ring(&keys)),
        1,
        1 << 20,
    );
    let layers = lines(&written);
    let inner: Vec<&Value> = layers
        .iter()
        .filter(|record| record["encap"].as_array().unwrap().contains(&"esp".into()))
        .collect();
    assert!(!inner.is_empty());
    for record in inner {
        assert_eq!(record["esp"]["state"], "opened", "{record}");
    }
}

/// The shipped capture and its keys, the packets of one flow, and what the file holds.
struct Sample {
    octets: Vec<u8>,
    /// Offsets of the frames' octets.
    frames: Vec<std::ops::Range<usize>>,
    ring: KeyRing,
}

impl Sample {
    fn new() -> Self {
        let capture = root().join("captures/healthy-ikev1/capture.pcapng");
        let recorded = std::fs::read(&capture).unwrap();
        // As pcap with nanoseconds, which is easier to cut: only Enhanced Packet Blocks are taken.
        let mut octets = [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32]
            .map(u32::to_le_bytes)
            .concat();
        let mut frames = Vec::new();
        let mut at = 0;
        while at < recorded.len() {
            let word = |place| {
                u32::from_le_bytes(recorded[at + place..at + place + 4].try_into().unwrap())
            };
            if word(0) == 6 {
                let time = u64::from(word(12)) << 32 | u64::from(word(16));
                let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
                let times = [seconds, rest].map(|part| u32::try_from(part).unwrap());
                let lengths = [word(20), word(24)];
                octets.extend(
                    [times, lengths]
                        .concat()
                        .into_iter()
                        .flat_map(u32::to_le_bytes),
                );
                let start = octets.len();
                octets.extend(&recorded[at + 28..at + 28 + word(20) as usize]);
                frames.push(start..octets.len());
            }
            at += word(4) as usize;
        }
        let ring = ring(&capture.with_file_name("keys"));
        Self {
            octets,
            frames,
            ring,
        }
    }

    fn model(&self, name: &str, octets: &[u8]) -> Model {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, octets).unwrap();
        model(&path, self.ring.clone())
    }
}

fn blind(model: &Model) -> String {
    let rows = model.blind.iter();
    let told: Vec<String> = rows
        .map(|row| format!("{}: {}", row.what, row.why))
        .collect();
    told.join("\n")
}

#[test]
fn a_packet_that_was_changed_is_told_from_a_wrong_key() {
    let sample = Sample::new();
    let whole = sample.model("opening-whole.pcap", &sample.octets);
    let flow = whole.flows.iter().next().unwrap();
    let (spi, frame) = (flow.key.spi, flow.seen.last.0);

    let mut octets = sample.octets.clone();
    octets[sample.frames[frame.number as usize - 1].end - 1] ^= 1;
    let model = sample.model("opening-changed.pcap", &octets);
    let flow = model.flows.iter().find(|flow| flow.key.spi == spi).unwrap();
    let tally = flow.opened.as_ref().unwrap();
    assert_eq!(tally.opened + 1, flow.packets);
    assert_eq!((tally.corrupted(), tally.is_wrong_key()), (1, false));
    assert_eq!(tally.failures[0].frame, frame);
    let told = format!("changed on their way; first in frame {frame}");
    assert!(blind(&model).contains(&told), "{}", blind(&model));
}

#[test]
fn a_packet_in_ip_fragments_is_opened_when_it_is_whole() {
    const LINK: usize = 14;
    const PIECE: usize = 24;
    let sample = Sample::new();
    let whole = sample.model("opening-unfragmented.pcap", &sample.octets);
    let flow = whole.flows.iter().next().unwrap();
    let number = flow.seen.last.0.number as usize;

    let range = sample.frames[number - 1].clone();
    let (record, frame) = (range.start - 16, &sample.octets[range.clone()]);
    let payload = LINK + usize::from(frame[LINK] & 15) * 4;
    let end = LINK + usize::from(u16::from_be_bytes([frame[LINK + 2], frame[LINK + 3]]));
    let mut octets = sample.octets[..record].to_vec();
    for (offset, more, bytes) in [
        (0, true, &frame[payload..payload + PIECE]),
        (PIECE, false, &frame[payload + PIECE..end]),
    ] {
        let mut piece = [&frame[..payload], bytes].concat();
        let length = u16::try_from(piece.len() - LINK).unwrap();
        piece[LINK + 2..LINK + 4].copy_from_slice(&length.to_be_bytes());
        let place = u16::try_from(offset / 8).unwrap() | u16::from(more) << 13;
        piece[LINK + 6..LINK + 8].copy_from_slice(&place.to_be_bytes());
        octets.extend(&sample.octets[record..record + 8]);
        let length = u32::try_from(piece.len()).unwrap().to_le_bytes();
        octets.extend([length, length].concat());
        octets.extend(piece);
    }
    octets.extend(&sample.octets[range.end..]);
    let model = sample.model("opening-fragmented.pcap", &octets);
    let same = model.flows.iter().find(|row| row.key.spi == flow.key.spi);
    let same = same.unwrap();
    assert_eq!((same.fragmented, same.packets), (1, flow.packets));
    // The frames after it are one more.
    let told = |tally: &Option<OpenedTally>| {
        let tally = tally.as_ref().unwrap();
        (tally.opened, tally.failed.clone(), tally.keys.clone())
    };
    assert_eq!(told(&same.opened), told(&flow.opened));
}

#[test]
fn a_wrong_key_is_named_by_its_file_and_line() {
    let mut sample = Sample::new();
    sample.ring.ikev1.clear();
    let spi = sample.ring.esp[0].spi.spi;
    sample.ring.esp.retain(|keys| keys.spi.spi == spi);
    for keys in &mut sample.ring.esp {
        let mut wrong = keys.integrity_key.expose().to_vec();
        match wrong.first_mut() {
            Some(octet) => *octet ^= 1,
            None => continue,
        }
        keys.integrity_key = wrong[..].into();
    }
    let model = sample.model("opening-wrong.pcap", &sample.octets.clone());
    let tried = model.flows.iter().filter_map(|flow| flow.opened.as_ref());
    for tally in tried {
        assert!(tally.is_wrong_key(), "{tally:?}");
        assert_eq!(tally.keys[0].origin, sample.ring.esp[0].origin);
    }
    let told = blind(&model);
    let origin = sample.ring.esp[0].origin.to_string();
    assert!(told.contains(&origin), "{told}");
    assert!(told.contains("wrong key or algorithm"), "{told}");
    // The other direction has no key, which is told by its SPI.
    assert!(
        told.contains("are encrypted and no key opens them"),
        "{told}"
    );
}

#[test]
fn no_output_holds_a_key() {
    // Some of the cases: what is written of keys does not depend on the story.
    for (capture, keys) in keyed().into_iter().step_by(6) {
        let ring = ring(&keys);
        let secrets = secrets(&ring);
        assert!(!secrets.is_empty());
        let mut written: Vec<(String, Vec<u8>)> = Vec::new();
        let pcapng = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("opening-secret.pcapng");
        for arguments in [
            &["diagnose", "--verbose"][..],
            &["diagnose", "--format=json"],
            &["diagnose", "--format=ndjson"],
            &["dissect"],
            &["dissect", "--verbose"],
            &["dissect", "--format=ndjson"],
            &["tunnels"],
            &["tunnels", "--format=json"],
            &["decrypt", "--output", pcapng.to_str().unwrap()],
            // Errors, too.
            &["dissect", "--since=never"],
        ] {
            let given = arguments.iter().map(AsRef::as_ref);
            let rest = ["-k".as_ref(), keys.as_os_str(), capture.as_os_str()];
            let run = espial(given.chain(rest));
            written.push((format!("{arguments:?}"), run.stdout));
            written.push((format!("{arguments:?} (errors)"), run.stderr));
        }
        written.push(("decrypted".to_owned(), std::fs::read(&pcapng).unwrap()));
        let debug = format!("{ring:?} {:?}", Sadb::new(&ring));
        written.push(("Debug".to_owned(), debug.into_bytes()));
        for (what, octets) in &written {
            let text = octets.to_ascii_lowercase();
            for secret in &secrets {
                let digits: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
                for (form, searched) in [(&secret[..], octets), (digits.as_bytes(), &text)] {
                    let found = memchr(searched, form);
                    assert!(!found, "{}: {what} shows a key", capture.display());
                }
            }
        }
    }
}

/// Whether octets hold others.
fn memchr(octets: &[u8], sought: &[u8]) -> bool {
    let first = sought[0];
    let places = octets.iter().enumerate().filter(|(_, o)| **o == first);
    places
        .into_iter()
        .any(|(at, _)| octets[at..].starts_with(sought))
}

/// All keys of a ring, those that are long enough not to be met by chance.
fn secrets(ring: &KeyRing) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for keys in &ring.esp {
        secrets.extend([Some(&keys.encryption_key), Some(&keys.integrity_key)]);
    }
    for keys in &ring.ikev2 {
        let all = [
            &keys.sk_d,
            &keys.sk_ai,
            &keys.sk_ar,
            &keys.sk_ei,
            &keys.sk_er,
            &keys.sk_pi,
            &keys.sk_pr,
        ];
        secrets.extend(all.map(Option::as_ref));
    }
    for keys in &ring.ikev1 {
        let all = [
            &keys.encryption_key,
            &keys.skeyid,
            &keys.skeyid_d,
            &keys.skeyid_a,
            &keys.skeyid_e,
        ];
        secrets.extend(all.map(Option::as_ref));
    }
    let octets = secrets
        .into_iter()
        .flatten()
        .map(|key| key.expose().to_vec());
    octets.filter(|key| key.len() >= 8).collect()
}

#[test]
fn the_decrypted_capture_has_every_frame_and_no_esp() {
    // Several packets in a frame, and packets in pieces, are told of below.
    let apart = ["made-ike-in-tcp", "made-ip-tfs"];
    for (capture, keys) in keyed() {
        let at = capture.display();
        let apart = apart
            .iter()
            .any(|case| capture.starts_with(root().join("captures").join(case)));
        if apart || is_spoilt(&capture) {
            continue;
        }
        let pcapng = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("opening-decrypted.pcapng");
        let given = [
            "decrypt".as_ref(),
            "-k".as_ref(),
            keys.as_os_str(),
            capture.as_os_str(),
            "-o".as_ref(),
            pcapng.as_os_str(),
        ];
        let run = espial(given);
        assert!(run.status.success(), "{at}");
        let before = model(&capture, KeyRing::default());
        let after = model(&pcapng, KeyRing::default());
        assert!(after.inputs[0].problems.is_empty(), "{at}");
        assert_eq!(after.inputs[0].frames, before.inputs[0].frames, "{at}");
        assert_eq!(after.inputs[0].first, before.inputs[0].first, "{at}");
        assert_eq!(after.inputs[0].last, before.inputs[0].last, "{at}");
        assert_eq!(after.messages.len(), before.messages.len(), "{at}");
        assert_eq!(esp_packets(&after), 0, "{at}");
        let opened = esp_packets(&before);
        let told = String::from_utf8(run.stderr).unwrap();
        let counts = format!("{} frames: {opened} opened", before.inputs[0].frames);
        assert!(told.contains(&counts), "{at}: {told}");
    }
}

#[test]
fn a_frame_is_decrypted_to_as_many_packets_as_end_in_it_and_pieces_are_kept() {
    let pcapng = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("opening-several.pcapng");
    for (case, told) in [
        (
            "made-ike-in-tcp",
            "114 frames: 26 opened to 28 packets, 0 with ESP not opened, 0 opened to no packet",
        ),
        (
            "made-ip-tfs",
            "32 frames: 0 opened to 0 packets, 0 with ESP not opened, 24 opened to no packet",
        ),
    ] {
        let folder = root().join("captures").join(case);
        let (capture, keys) = (folder.join("capture.pcap"), folder.join("keys"));
        let (capture, keys) = (capture.as_os_str(), keys.as_os_str());
        let options = ["decrypt", "-k"].map(AsRef::as_ref);
        let rest = [keys, capture, "-o".as_ref(), pcapng.as_os_str()];
        let run = espial(options.into_iter().chain(rest));
        let said = String::from_utf8(run.stderr).unwrap();
        assert!(said.contains(told), "{case}: {said}");
    }
}

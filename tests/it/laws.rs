//! Laws that hold for every payload, every notification and every way to hand captures over.

use crate::run::{cases, root};
use espial::registry::{ExchangeType, NotifyType, PayloadType, SecurityProtocol};
use espial::report::Selection;
use espial::units::{IkeSpi, IkeSpis};

use espial::wire::{Body, Faults, Flags, Header, Message, Payload, Version, ikev1, ikev2};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// A message of one payload.
fn message(version: u8, kind: PayloadType, body: Body<'_>) -> Message<'_> {
    Message {
        header: Header {
            spis: IkeSpis {
                initiator: IkeSpi(1),
                responder: IkeSpi(2),
            },
            next_payload: kind,
            version: Version(version << 4),
            exchange: ExchangeType::IKE_SA_INIT,
            flags: Flags(0),
            message_id: 0,
            length: 0,
        },
        payloads: vec![Payload {
            kind,
            critical: false,
            at: 28,
            length: 0,
            body,
        }],
        sealed: None,
        faults: Vec::new(),
    }
}

#[test]
fn every_notification_is_read_as_it_was_written_and_says_something() {
    let data: Vec<u8> = (0..64).map(|octet| octet ^ 0x55).collect();
    for (kind, name, _) in NotifyType::NAMED {
        for length in 0..data.len() {
            for (protocol, spi) in [(0, &[][..]), (3, &[1, 2, 3, 4])] {
                let notify = ikev2::Notify {
                    protocol: SecurityProtocol(protocol),
                    spi,
                    kind: *kind,
                    data: &data[..length],
                };
                let body = Body::V2(ikev2::Body::Notify(notify));
                assert!(!notify.to_string().is_empty(), "{name}");
                let octets = message(2, PayloadType::NOTIFY, body.clone()).emit();
                let read = Message::read(&octets);
                assert_eq!(read.faults, [], "{name}");
                assert_eq!(read.payloads[0].body, body, "{name}");
                assert_eq!(read.emit(), octets, "{name}");
            }
        }
    }
}

proptest! {
    /// Whatever octets a payload of any type has: what is read of them is written unbroken.
    #[test]
    fn every_type_of_payload_is_read_as_it_was_written_and_says_something(
        version in 1_u8..=2,
        kind in 1_u8..=255,
        octets in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let kind = PayloadType(kind);
        let faults = &mut Faults::default();
        let read = |octets, faults: &mut Faults| match version {
            1 => ikev1::Body::read(kind, octets, 32, faults),
            _ => ikev2::Body::read(kind, PayloadType::NONE, octets, 32, faults),
        };
        let body = read(&octets, faults);
        let emitted = message(version, kind, body.clone()).emit();
        let again = Message::read(&emitted);
        prop_assert_eq!(&again.payloads[0].body, &body);
        match &body {
            Body::V1(body) => prop_assert!(!body.to_string().is_empty()),
            Body::V2(body) => prop_assert!(!body.to_string().is_empty()),
            Body::Opaque(kept) => prop_assert_eq!(*kept, &octets[..]),
        }
        prop_assert!(faults.list.iter().all(|fault| !fault.to_string().is_empty()));
        // Without a fault nothing is left out but what is reserved.
        if faults.list.is_empty() {
            prop_assert_eq!(emitted.len(), 32 + octets.len());
        }
    }
}

/// Messages without faults: seeds of the fuzz targets, which are of several daemons.
fn messages() -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/corpus/message");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let messages = paths.iter().map(|path| fs::read(path).unwrap());
    let messages: Vec<_> = messages
        .filter(|octets| Message::read(octets).faults.is_empty())
        .collect();
    assert!(messages.len() >= 8, "enough of them are sound");
    messages
}

#[test]
fn a_message_cut_anywhere_has_a_fault() {
    for octets in messages() {
        for end in 0..octets.len() {
            let read = Message::read(&octets[..end]);
            assert!(!read.faults.is_empty(), "{octets:02x?} cut to {end}");
            assert!(read.faults.iter().all(|fault| fault.at <= end));
        }
    }
}

#[test]
fn payloads_tile_a_message() {
    for octets in messages() {
        let read = Message::read(&octets);
        if read.sealed.is_some() {
            continue;
        }
        let mut at = 28;
        for payload in &read.payloads {
            assert_eq!(payload.at, at);
            at += usize::from(payload.length);
        }
        assert!(
            octets[at..].iter().all(|octet| *octet == 0),
            "{octets:02x?}"
        );
    }
}

/// Where a message has lengths of two octets: of its payloads, and of what stands in SA payloads.
fn lengths(octets: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    for payload in &Message::read(octets).payloads {
        places.push(payload.at + 2);
        let end = payload.at + usize::from(payload.length);
        let (mut proposal, fixed) = match payload.kind {
            PayloadType::SA => (payload.at + 4, 8),
            PayloadType::SA_V1 => (payload.at + 12, 8),
            _ => continue,
        };
        let length = |at: usize| usize::from(u16::from_be_bytes([octets[at + 2], octets[at + 3]]));
        while proposal < end {
            places.push(proposal + 2);
            let after = proposal + length(proposal);
            let mut transform = proposal + fixed + usize::from(octets[proposal + 6]);
            while transform < after {
                places.push(transform + 2);
                transform += length(transform);
            }
            proposal = after;
        }
    }
    places
}

#[test]
fn a_wrong_length_anywhere_is_a_fault() {
    let mut tried = 0;
    for octets in messages() {
        for at in lengths(&octets) {
            let true_one = u16::from_be_bytes([octets[at], octets[at + 1]]);
            for wrong in [0, 3, true_one - 1, true_one + 1, true_one + 4, u16::MAX] {
                let mut octets = octets.clone();
                octets[at..at + 2].copy_from_slice(&wrong.to_be_bytes());
                let read = Message::read(&octets);
                assert!(
                    wrong == true_one || !read.faults.is_empty(),
                    "{wrong} in place of {true_one} at {at}: {read:?}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried} lengths");
}

/// What is found in some captures: of each finding its rule, how grave it is and its title.
fn found(paths: &[PathBuf]) -> Vec<String> {
    let inputs = espial::capture::expand(paths).unwrap();
    let analysis = espial::analyze(inputs, &espial::Options::default()).unwrap();
    let diagnosis =
        espial::report::Diagnosis::new(&analysis.model, &analysis.findings, &Selection::default());
    let written = serde_json::to_value(&diagnosis.findings).unwrap();
    let mut said: Vec<String> = written
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["rule"], finding["severity"], finding["title"]
            )
        })
        .collect();
    said.sort();
    said.push(format!("{} tunnels", analysis.model.tunnels.len()));
    said
}

fn scrap(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("laws-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A capture of a script of the fuzz targets, and where its records begin and it ends.
fn scripted(name: &str) -> (Vec<u8>, Vec<usize>) {
    let script = fs::read(root().join("fuzz/corpus/conversation").join(name)).unwrap();
    let octets = espial::fuzzing::written(&script);
    let mut places = vec![24];
    while let Some(at) = places.last().copied().filter(|at| *at < octets.len()) {
        let length = u32::from_be_bytes(octets[at + 8..at + 12].try_into().unwrap());
        places.push(at + 16 + length as usize);
    }
    (octets, places)
}

#[test]
fn a_capture_split_into_files_anywhere_says_the_same() {
    for name in ["healthy", "rekeyed-and-deleted", "silent-then-refused"] {
        let (octets, places) = scripted(name);
        let folder = scrap(&format!("split-{name}"));
        let whole = folder.join("whole.pcap");
        fs::write(&whole, &octets).unwrap();
        let whole = found(&[whole]);
        let inner = &places[1..places.len() - 1];
        for at in inner.iter().step_by(1 + inner.len() / 12) {
            let parts = [folder.join("a.pcap"), folder.join("b.pcap")];
            fs::write(&parts[0], &octets[..*at]).unwrap();
            fs::write(&parts[1], [&octets[..24], &octets[*at..]].concat()).unwrap();
            assert_eq!(found(&parts), whole, "{name} split at {at}");
            let [a, b] = parts;
            assert_eq!(
                found(&[b, a]),
                whole,
                "{name} split at {at}, the later first"
            );
        }
    }
}

#[test]
fn two_taps_in_either_order_say_the_same() {
    let mut tried = 0;
    for case in cases() {
        let Some(other) = &case.capture_b else {
            continue;
        };
        let [one, other] = [case.capture.clone(), other.clone()];
        // What is for information may rest on what was seen first.
        let grave = |paths: &[PathBuf]| {
            let mut said = found(paths);
            said.retain(|finding| !finding.contains("\"info\""));
            said
        };
        let (there, back) = (grave(&[one.clone(), other.clone()]), grave(&[other, one]));
        assert_eq!(there, back, "{}", case.name());
        tried += 1;
    }
    assert!(tried > 3, "{tried} pairs of taps");
}

//! The cases of `captures/` that no daemon recorded: each is made here from one that was, octet for
//! octet, so that whoever reads the test knows what is in the file.
//!
//! `ESPIAL_BLESS=1 cargo test made` writes them anew.

mod esp;
mod files;
mod links;
mod packets;
mod paths;
mod recording;
mod seal;
mod transports;

use crate::run::{Case, entries, root, stdout};
use recording::Recording;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A case that is made.
struct Made {
    /// Its folder in `captures/`.
    name: &'static str,
    /// The recorded case that it is made from.
    of: &'static str,
    /// What must be told of both alike.
    alike: Alike,
    make: fn(&Recording) -> Vec<Part>,
}

/// What two captures have in common.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Alike {
    /// The same datagrams in the same frames: findings with their evidence, IKE SAs and flows.
    Frames,
    /// The same IKE and ESP in other frames: findings without their evidence, IKE SAs and flows.
    Story,
    /// Other packets of the same conversation.
    Nothing,
}

/// A file of a case.
struct Part {
    /// Its path in the folder.
    path: String,
    octets: Vec<u8>,
    packing: Packing,
}

/// How a file is packed. What a packer makes is its own affair and changes with its versions, so
/// that files are compared unpacked.
#[derive(Clone, Copy)]
enum Packing {
    None,
    /// In two members (RFC 1952 section 2.2).
    Gzip,
    /// In two frames with one to be skipped between them (RFC 8878 section 3.1).
    Zstd,
}

impl Part {
    fn new(path: impl Into<String>, octets: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            octets,
            packing: Packing::None,
        }
    }

    fn packed(self) -> Vec<u8> {
        let halves = self.octets.split_at(self.octets.len() / 2);
        let [first, second] = [halves.0, halves.1].map(|half| match self.packing {
            Packing::None => half.to_vec(),
            Packing::Gzip => {
                let level = flate2::Compression::best();
                let mut packed = Vec::new();
                flate2::read::GzEncoder::new(half, level)
                    .read_to_end(&mut packed)
                    .unwrap();
                packed
            }
            Packing::Zstd => zstd::encode_all(half, 0).unwrap(),
        });
        match self.packing {
            Packing::Zstd => {
                let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
                [first, skippable, second].concat()
            }
            _ => [first, second].concat(),
        }
    }

    fn unpacked(&self, octets: &[u8]) -> Vec<u8> {
        let mut unpacked = Vec::new();
        match self.packing {
            Packing::None => return octets.to_vec(),
            Packing::Gzip => flate2::read::MultiGzDecoder::new(octets).read_to_end(&mut unpacked),
            Packing::Zstd => zstd::Decoder::new(octets)
                .unwrap()
                .read_to_end(&mut unpacked),
        }
        .unwrap();
        unpacked
    }
}

const MADE: &[&[Made]] = &[
    links::MADE,
    files::MADE,
    transports::MADE,
    esp::MADE,
    paths::MADE,
];

fn made() -> impl Iterator<Item = &'static Made> {
    MADE.iter().flat_map(|made| made.iter())
}

#[test]
fn what_is_made_is_what_lies_there() {
    let captures = root().join("captures");
    for made in made() {
        let folder = captures.join(made.name);
        let recording = Recording::of(made.of);
        for part in (made.make)(&recording) {
            let path = folder.join(&part.path);
            if std::env::var_os("ESPIAL_BLESS").is_some() {
                let there = std::fs::read(&path).ok();
                if there.is_none_or(|there| part.unpacked(&there) != part.octets) {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(&path, part.packed()).unwrap();
                }
                continue;
            }
            let there = std::fs::read(&path).unwrap();
            assert!(
                part.unpacked(&there) == part.octets,
                "{} is not what is made",
                path.display()
            );
            assert!(there.len() < 60_000, "{} is large", path.display());
        }
    }
    let mut there: Vec<String> = entries(&captures)
        .iter()
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name.starts_with("made-"))
        .collect();
    let mut names: Vec<&str> = made().map(|made| made.name).collect();
    there.sort();
    names.sort_unstable();
    assert_eq!(there, names);
}

#[test]
fn what_is_wrapped_anew_tells_the_same_story() {
    let captures = root().join("captures");
    for made in made().filter(|made| made.alike != Alike::Nothing) {
        let original = Case::of(captures.join(made.of));
        let capture = Case::of(captures.join(made.name)).capture;
        for keys in [None, original.keys.as_deref()] {
            let told = [&original.capture, &capture]
                .map(|capture| story(&diagnosis(capture, keys), made.alike));
            assert_eq!(told[0], told[1], "{} and {}", made.of, made.name);
        }
    }
}

fn diagnosis(capture: &Path, keys: Option<&Path>) -> Value {
    let keys = keys.map(|keys| ["-k".as_ref(), keys.as_os_str()]);
    let given = ["diagnose", "-q", "-f", "json"].map(AsRef::as_ref);
    let rest = keys.into_iter().flatten().chain([capture.as_os_str()]);
    serde_json::from_str(&stdout(given.into_iter().chain(rest))).unwrap()
}

/// What two captures of one story must have in common, row by row.
fn story(diagnosis: &Value, alike: Alike) -> Vec<String> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut rows = Vec::new();
    for finding in list(&diagnosis["findings"]) {
        let evidence = list(&finding["evidence"]).into_iter();
        let frames: Vec<Value> = evidence.map(|evidence| evidence["frame"].clone()).collect();
        let [rule, severity, confidence] =
            ["rule", "severity", "confidence"].map(|field| &finding[field]);
        rows.push(match alike {
            Alike::Frames => format!("{rule} {severity} {confidence} {frames:?}"),
            _ => format!("{rule} {severity} {confidence}"),
        });
    }
    for tunnel in list(&diagnosis["tunnels"]) {
        rows.push(format!("tunnel {} nat {}", tunnel["state"], tunnel["nat"]));
        for (kind, fields) in [
            (
                "ike_sas",
                &[
                    "initiator_spi",
                    "responder_spi",
                    "state",
                    "exchanges",
                    "retransmissions",
                ][..],
            ),
            ("child_sas", &["spis", "terms"]),
        ] {
            for row in list(&tunnel[kind]) {
                rows.push(
                    fields
                        .iter()
                        .map(|field| format!("{} ", row[field]))
                        .collect(),
                );
            }
        }
        // Either direction may be met first, and a section of a file is a vantage of its own.
        const COUNTS: [&str; 6] = [
            "packets",
            "bytes",
            "missing",
            "late",
            "duplicate",
            "restarts",
        ];
        let mut flows: BTreeMap<String, [u64; 6]> = BTreeMap::new();
        for flow in list(&tunnel["flows"]) {
            let counts = flows.entry(flow["spi"].to_string()).or_default();
            for (count, field) in counts.iter_mut().zip(COUNTS) {
                *count += flow[field].as_u64().unwrap();
            }
        }
        rows.push(format!("{flows:?}"));
    }
    rows
}

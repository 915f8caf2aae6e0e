//! Counts against the truth of generated captures, row by row.

use crate::run::{shared, stdout};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The generator, built from the shared sources; `None` where they are missing.
fn generator() -> Option<PathBuf> {
    let sources = shared()?.join("tools/gencap");
    // The shared folder may be read-only, so it is built elsewhere.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gencap");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--manifest-path",
        ])
        .arg(sources.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the generator builds");
    Some(target.join("release/gencap"))
}

fn law(generator: &Path, name: &str, arguments: &str) {
    let capture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let made = Command::new(generator)
        .args(arguments.split_whitespace())
        .arg("--out")
        .arg(&capture)
        .output()
        .expect("the generator runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let report = stdout([
        "diagnose",
        "-q",
        "--format",
        "json",
        capture.to_str().unwrap(),
    ]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("output is JSON");

    let side = |extension: &str| {
        std::fs::read_to_string(format!("{}.truth.{extension}", capture.display())).unwrap()
    };
    let totals: serde_json::Value = serde_json::from_str(&side("json")).unwrap();
    assert_eq!(
        report["inputs"][0]["frames"], totals["frames"],
        "{name}: frames"
    );
    assert_eq!(
        report["inputs"][0]["bytes"], totals["file_bytes"],
        "{name}: octets"
    );

    let rows = side("tsv");
    let mut lines = rows
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let mut truth: BTreeMap<String, String> = BTreeMap::new();
    for row in lines {
        let cell = |column: &str| row[head.iter().position(|name| *name == column).unwrap()];
        truth.insert(
            format!("{} > {} 0x{}", cell("src"), cell("dst"), cell("spi")),
            format!(
                "packets {} first {} highest {} missing {} duplicate {} late {} bytes {} fragmented {}",
                cell("packets"), cell("first_seq"), cell("max_seq"), cell("missing"), cell("dup"),
                cell("late"), cell("esp_bytes"), cell("ip_fragmented"),
            ),
        );
    }
    let mut ours: BTreeMap<String, String> = BTreeMap::new();
    for tunnel in report["tunnels"].as_array().unwrap() {
        for flow in tunnel["flows"].as_array().unwrap() {
            let path = &flow["paths"][0];
            let text =
                |of: &serde_json::Value| of.as_str().unwrap_or_else(|| panic!("{flow}")).to_owned();
            let number = |key: &str| {
                flow[key]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{key} in {flow}"))
            };
            ours.insert(
                format!("{} > {} {}", text(&path["src"]), text(&path["dst"]), text(&flow["spi"])),
                format!(
                    "packets {} first {} highest {} missing {} duplicate {} late {} bytes {} fragmented {}",
                    number("packets"), number("first_sequence"), number("highest_sequence"),
                    number("missing"), number("duplicate"), number("late"), number("bytes"),
                    number("fragmented"),
                ),
            );
        }
    }
    for (flow, row) in &truth {
        assert_eq!(ours.get(flow), Some(row), "{name}: {flow}");
    }
    assert_eq!(ours.len(), truth.len(), "{name}: flows that are not there");
    std::fs::remove_file(&capture).unwrap();
}

#[test]
fn every_flow_is_counted_as_the_generator_made_it() {
    let Some(generator) = generator() else { return };
    law(
        &generator,
        "bulk.pcap",
        "--profile bulk --size 40m --loss 2000 --dup 500 --late 3000",
    );
    law(
        &generator,
        "mixed.pcap",
        "--profile mixed --size 40m --loss 2000 --dup 500 --late 3000",
    );
    law(
        &generator,
        "mixed.pcapng",
        "--profile mixed --size 20m --pcapng --ns --seed 7",
    );
    law(
        &generator,
        "snap.pcap",
        "--profile snap --size 10m --tunnels 100 --seed 3",
    );
    law(
        &generator,
        "sll2.pcap",
        "--profile imix --size 10m --link sll2 --seed 4",
    );
}

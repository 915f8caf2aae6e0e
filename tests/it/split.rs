//! The answer does not depend on how the work was cut.

use crate::encap;
use crate::run::{shared, shipped, stdout};
use std::path::Path;

const THREADS: [&str; 3] = ["1", "2", "7"];

/// Octets of a chunk: smaller than a record, odd, and as it is used.
const CHUNKS: [&str; 4] = ["40", "1009", "65536", "4194304"];

fn law(command: &str, format: &str, capture: &Path) {
    let capture = capture.to_str().expect("paths are UTF-8");
    let run = |threads: &str, chunk: &str| {
        stdout([
            command,
            "-q",
            "--format",
            format,
            "-j",
            threads,
            "--chunk-size",
            chunk,
            capture,
        ])
    };
    let whole = run("1", "1073741824");
    assert!(!whole.is_empty(), "{capture} gives no {command} output");
    for chunk in CHUNKS {
        for threads in THREADS {
            let cut = run(threads, chunk);
            assert!(
                whole == cut,
                "{command} {capture} differs with -j {threads} --chunk-size {chunk}"
            );
        }
    }
}

#[test]
fn diagnose_says_the_same_for_any_threads_and_chunks() {
    shipped()
        .iter()
        .for_each(|capture| law("diagnose", "json", capture));
}

#[test]
fn dissect_says_the_same_for_any_threads_and_chunks() {
    shipped()
        .iter()
        .for_each(|capture| law("dissect", "ndjson", capture));
}

#[test]
fn paths_that_are_learned_and_streams_too() {
    for emitter in [
        encap::conversation(encap::a(40000), encap::b(4500)),
        encap::conversation(encap::a(40000), encap::b(10443)),
        encap::odd_port(),
    ] {
        let scrap = encap::Scrap::of(&emitter);
        law("diagnose", "json", &scrap.0);
        law("dissect", "ndjson", &scrap.0);
    }
}

#[test]
fn foreign_captures_too() {
    let Some(shared) = shared() else { return };
    for name in [
        "wswiki-ipsec.cap",
        "wswiki-ikev2_esp_natt_gcm_ctr_cbc.pcapng",
        "ndpi-ipsec_isakmp_esp.pcap",
    ] {
        law("diagnose", "json", &shared.join("corpus").join(name));
        law("dissect", "ndjson", &shared.join("corpus").join(name));
    }
}

//! The answer does not depend on how the work was cut.

use crate::encap;
use crate::floods;
use crate::opening;
use crate::run::{shared, shipped, stdout};
use std::path::Path;

const THREADS: [&str; 3] = ["1", "2", "7"];

/// Octets of a chunk: smaller than a record, odd, and as it is used.
const CHUNKS: [&str; 4] = ["40", "1009", "65536", "4194304"];

fn law(command: &str, format: &str, capture: &Path) {
    keyed_law(command, format, capture, None, &every_cut());
}

/// Every number of threads with every size of chunks.
fn every_cut() -> Vec<(&'static str, &'static str)> {
    let cuts = |threads: &'static str| CHUNKS.map(|chunk| (threads, chunk));
    THREADS.into_iter().flat_map(cuts).collect()
}

/// Every size of chunks, each with another number of threads: all are had by three captures in a row.
fn some_cuts(place: usize) -> Vec<(&'static str, &'static str)> {
    let threads = THREADS.into_iter().cycle().skip(place % THREADS.len());
    threads.zip(CHUNKS).collect()
}

/// The same with keys.
fn keyed_law(
    command: &str,
    format: &str,
    capture: &Path,
    keys: Option<&Path>,
    cuts: &[(&str, &str)],
) {
    let capture = capture.to_str().expect("paths are UTF-8");
    let keys = keys.map(|keys| ["-k", keys.to_str().expect("paths are UTF-8")]);
    let run = |threads: &str, chunk: &str| {
        let arguments = [
            command,
            "-q",
            "--format",
            format,
            "-j",
            threads,
            "--chunk-size",
            chunk,
            capture,
        ];
        stdout(arguments.into_iter().chain(keys.into_iter().flatten()))
    };
    let whole = run("1", "1073741824");
    assert!(!whole.is_empty(), "{capture} gives no {command} output");
    for (threads, chunk) in cuts {
        let cut = run(threads, chunk);
        assert!(
            whole == cut,
            "{command} {capture} differs with -j {threads} --chunk-size {chunk}"
        );
    }
}

/// Two senders take turns under one SPI, as two mappings of a NAT do.
#[test]
fn senders_that_take_turns_under_one_spi_are_told_in_order() {
    let packets = (0..400).map(|number: u32| {
        let head = [7_u32.to_be_bytes(), number.to_be_bytes()].concat();
        let from = floods::A + 8 * (number / 3 % 2);
        floods::ip(
            from,
            floods::B,
            50,
            0,
            0,
            &[&head[..], &[0x5a; 70]].concat(),
        )
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("turns.pcap");
    std::fs::write(&path, floods::pcap(packets)).unwrap();
    law("tunnels", "json", &path);
    let told = stdout(["tunnels", "-q", "--format", "json", path.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let flow = &told["tunnels"][0]["flows"][0];
    for none in ["missing", "late", "duplicate"] {
        assert_eq!(flow[none], 0, "{none}: {flow}");
    }
}

/// Packets of several hundred SAs, whose counters run on, with gaps, among each other: enough that threads
/// share their flows.
#[test]
fn a_crowd_of_sas_is_counted_the_same_by_any_number_of_threads() {
    const SAS: u32 = 500;
    const PACKETS: u32 = 6_000;
    let packets = (0..PACKETS).map(|place| {
        // Every SA in every round, each round in another order.
        let (round, sa) = (place / SAS, place % SAS * 7 % SAS);
        let sa = (sa + 13 * round) % SAS;
        let number = 1 + round + u32::from(sa.is_multiple_of(5) && round > 5);
        let head = [(0x100 + sa).to_be_bytes(), number.to_be_bytes()].concat();
        let from = floods::A + 8 * (sa % 3);
        let body = [&head[..], &[0x5a; 40]].concat();
        floods::ip(from, floods::B, 50, 0, 0, &body)
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crowd.pcap");
    std::fs::write(&path, floods::pcap(packets)).unwrap();
    law("tunnels", "json", &path);
    let told = stdout(["tunnels", "-q", "--format", "json", path.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let tunnels = told["tunnels"].as_array().unwrap().iter();
    let flows: Vec<_> = tunnels
        .flat_map(|tunnel| tunnel["flows"].as_array().unwrap())
        .collect();
    let sum = |field: &str| -> u64 { flows.iter().filter_map(|flow| flow[field].as_u64()).sum() };
    let (packets, missing) = (u64::from(PACKETS), u64::from(SAS / 5));
    assert_eq!((flows.len(), sum("packets")), (SAS as usize, packets));
    assert_eq!((sum("missing"), sum("duplicate")), (missing, 0));
}

/// More flows take turns than are looked up ahead.
#[test]
fn packets_of_many_flows_that_take_turns_are_all_counted() {
    const FLOWS: u32 = 100;
    let packets = (0..3 * FLOWS).map(|number| {
        let head = [
            (7 + number % FLOWS).to_be_bytes(),
            (1 + number / FLOWS).to_be_bytes(),
        ];
        let payload = [&head.concat()[..], &[0x5a; 70]].concat();
        floods::ip(floods::A, floods::B, 50, 0, 0, &payload)
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("many.pcap");
    std::fs::write(&path, floods::pcap(packets)).unwrap();
    let told = stdout(["tunnels", "-q", "--format", "json", path.to_str().unwrap()]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let flows = told["tunnels"][0]["flows"].as_array().unwrap();
    let counts: Vec<_> = flows.iter().map(|flow| &flow["packets"]).collect();
    assert_eq!(counts, vec![3; FLOWS as usize]);
    // Where there is room for ten of them, the packets of the others are counted together.
    let options = espial::Options {
        bounds: espial::limits::Bounds {
            flows: 10,
            ..Default::default()
        },
        ..Default::default()
    };
    let inputs = espial::capture::expand(&[path]).unwrap();
    let model = espial::analyze(inputs, &options).unwrap().model;
    assert_eq!(model.flows.len(), 10);
    let blind = model.blind.iter().map(|one| one.what.to_string());
    let blind: Vec<String> = blind.collect();
    assert!(
        blind
            .iter()
            .any(|what| what.starts_with("270 ESP or AH packets")),
        "{blind:?}"
    );
}

#[test]
fn diagnose_says_the_same_for_any_threads_and_chunks() {
    for (place, capture) in shipped().iter().enumerate() {
        keyed_law("diagnose", "json", capture, None, &some_cuts(place));
    }
}

#[test]
fn dissect_says_the_same_for_any_threads_and_chunks() {
    for (place, capture) in shipped().iter().enumerate() {
        keyed_law("dissect", "ndjson", capture, None, &some_cuts(place));
    }
}

#[test]
fn what_keys_open_is_the_same_for_any_threads_and_chunks() {
    for (place, (capture, keys)) in opening::keyed().iter().enumerate() {
        let cuts = some_cuts(place);
        keyed_law("diagnose", "json", capture, Some(keys), &cuts);
        keyed_law("dissect", "ndjson", capture, Some(keys), &cuts);
    }
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

//! The fuzz targets without a fuzzer: every seed, then some thousands of mutations, always the same.

use crate::dice::{Dice, LARGEST};
use crate::run::{root, shipped};
use espial::fuzzing::{TARGETS, Target};
use espial::testing;
use std::time::{Duration, Instant};

/// How long one input may take, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The seeds of a target, sorted by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("every target has seeds")
        .map(|entry| entry.expect("the seeds can be listed").path())
        .collect();
    paths.sort();
    let seeds = paths.iter().map(|path| std::fs::read(path).unwrap());
    seeds.collect()
}

fn captures() -> Vec<Vec<u8>> {
    let files = shipped()
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap());
    files
        .map(|mut octets| {
            octets.truncate(LARGEST);
            octets
        })
        .collect()
}

/// Runs a target; what breaks it is kept, so that it can become a seed.
fn try_one(name: &str, target: Target, octets: &[u8]) {
    let begun = Instant::now();
    let outcome = std::panic::catch_unwind(|| target(octets));
    let slow = begun.elapsed() > PATIENCE;
    if outcome.is_err() || slow {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("broken-{name}"));
        std::fs::write(&path, octets).unwrap();
        panic!(
            "{name} {}: see {}",
            if slow { "is slow" } else { "breaks" },
            path.display()
        );
    }
}

/// Seeds of `target`, and `more` of them, mutated so many times.
fn attack(target: &str, more: Vec<Vec<u8>>, times: usize) {
    let (name, body) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let mut all = seeds(target);
    all.extend(more);
    // More of it, on demand, and another stretch: ESPIAL_FUZZ=100 ESPIAL_FUZZ_SEED=7.
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|value: String| value.parse().ok())
    };
    let factor: usize = number("ESPIAL_FUZZ").unwrap_or(1);
    let mut dice = Dice::new(number("ESPIAL_FUZZ_SEED").unwrap_or(0) as u64);
    for _ in 0..times * factor {
        try_one(name, *body, &dice.mutate(&all));
    }
}

#[test]
fn every_target_holds_on_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() >= 3, "{name} has too few seeds");
        for octets in &seeds {
            try_one(name, *target, octets);
        }
    }
}

#[test]
fn every_target_is_given_to_the_fuzzer() {
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is no target"
        );
        let body = std::fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs")));
        assert!(body.unwrap().contains(&format!("espial::fuzzing::{name}")));
    }
}

/// Messages of every kind that the testing language can say.
fn messages() -> Vec<Vec<u8>> {
    let text = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14 ADDKE1=36 | ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19) KE(14) Nonce NATD N(16430) VID(0102)
        1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(17 000e)
        2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 2/3 sealed 532
        3 A:500 > B:500 MAIN i=3 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life=28800 kb=0 | encr=5 hash=2 auth=1 group=2) VID(0102)
        4 A:500 > B:500 MAIN i=3 r=4 KE(14) Nonce NATD
        5 A:500 > B:500 AGGRESSIVE i=5 r=0 SA(encr=7/128 hash=2 auth=1 group=2) KE(2) Nonce ID HASH
        6 A:500 > B:500 QUICK i=3 r=4 id=0x77 sealed 188";
    let model = testing::model(text);
    model
        .messages
        .iter()
        .map(|message| message.bytes.to_vec())
        .collect()
}

#[test]
fn mutated_messages_are_read() {
    attack("message", messages(), 20_000);
}

#[test]
fn mutated_messages_are_written_again() {
    attack("round_trip", messages(), 20_000);
}

#[test]
fn mutated_packets_are_opened() {
    attack("open", Vec::new(), 3_000);
}

#[test]
fn mutated_frames_are_peeled() {
    attack("frame", Vec::new(), 20_000);
}

#[test]
fn mutated_payloads_of_esp_are_summed_up() {
    attack("inner", Vec::new(), 20_000);
}

#[test]
fn mutated_files_are_walked() {
    let files = captures()
        .into_iter()
        .map(|file| [&[0, 99], &file[..]].concat());
    attack("capture", files.collect(), 1_000);
}

#[test]
fn mutated_files_are_cut() {
    attack("cutter", Vec::new(), 500);
}

#[test]
fn mutated_captures_give_json_that_fits() {
    attack("json", Vec::new(), 100);
}

#[test]
fn mutated_scripts_are_conversations() {
    attack("conversation", Vec::new(), 100);
}

#[test]
fn mutated_captures_are_reported_on() {
    attack("pipeline", captures(), 200);
}

#[test]
fn mutated_fragments_are_put_together() {
    attack("reassembly", Vec::new(), 5_000);
}

#[test]
fn mutated_segments_are_put_together() {
    attack("stream", Vec::new(), 5_000);
}

#[test]
fn mutated_key_files_are_read() {
    attack("keys", Vec::new(), 5_000);
}

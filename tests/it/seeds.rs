//! Seeds of fuzz targets that are made of what lies elsewhere in the tree, or written down here.
//! `ESPIAL_BLESS=1` writes them anew.

use crate::run::root;
use std::fs;

/// A target, the name of a seed, its octets.
type Seed = (&'static str, String, Vec<u8>);

/// The octets of a file of the corpus.
fn corpus(target: &str, name: &str) -> Vec<u8> {
    fs::read(root().join("fuzz/corpus").join(target).join(name)).unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap() as u8;
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}

/// One of each cipher with each integrity algorithm, of what `crypto` must open.
fn openings() -> Vec<Seed> {
    let text = fs::read_to_string(root().join("src/crypto/openings.txt")).unwrap();
    let mut seeds: Vec<Seed> = Vec::new();
    for block in text.split("\n\n") {
        let field = |name: &str| {
            let mut lines = block.lines().filter_map(|line| line.strip_prefix(name));
            lines
                .find_map(|rest| rest.strip_prefix(' '))
                .map(|rest| rest.split(' ').collect::<Vec<_>>())
        };
        let Some(cipher) = field("cipher") else {
            continue;
        };
        let integrity = field("integrity").unwrap_or(vec!["0"]);
        let key = |field: &[&str]| field.get(2).map(|key| hex(key)).unwrap_or_default();
        let (cipher_key, integrity_key) = (key(&cipher), key(&integrity));
        let high = field("high").map(|high| hex(high[0]));
        let (is_ike, aad, sealed) = match field("esp") {
            Some(packet) => (0, Vec::new(), hex(packet[0])),
            None => (
                1,
                hex(field("ike").unwrap()[0]),
                hex(field("sealed").unwrap()[0]),
            ),
        };
        let number = |digits: &str| digits.parse::<u16>().unwrap();
        let octet = |number: usize| u8::try_from(number).unwrap();
        let mut octets = vec![
            is_ike | if high.is_some() { 2 } else { 0 },
            octet(number(cipher[0]).into()),
            octet(usize::from(number(cipher[1])) / 8),
            octet(cipher_key.len()),
            octet(number(integrity[0]).into()),
            octet(integrity_key.len()),
            77,
            octet(aad.len()),
        ];
        octets.extend(
            [
                cipher_key,
                integrity_key,
                aad,
                high.unwrap_or_default(),
                sealed,
            ]
            .concat(),
        );
        let kind = if is_ike == 0 { "esp" } else { "ike" };
        let name = format!("{kind}-{}-{}", cipher[0], integrity[0]);
        if seeds.iter().all(|seed| seed.1 != name) {
            seeds.push(("open", name, octets));
        }
    }
    seeds
}

/// The messages of the corpus, as messages and as chains of payloads.
fn round_trips() -> Vec<Seed> {
    let names = [
        "healthy-ikev1-1",
        "healthy-ikev2-1",
        "healthy-ikev2-2",
        "proposal-mismatch-2",
    ];
    let message = |name: &str| ("round_trip", name.to_owned(), corpus("message", name));
    let chain = |name: &str| {
        let octets = corpus("message", name);
        let mut out = vec![if octets[17] == 0x10 { 0 } else { 1 }];
        let (mut kind, mut at) = (octets[16], 28);
        while kind != 0 && at + 4 <= octets.len() {
            let length = u16::from_be_bytes([octets[at + 2], octets[at + 3]]);
            out.push(kind);
            out.extend((length - 4).to_be_bytes());
            out.extend(&octets[at + 4..at + usize::from(length)]);
            (kind, at) = (octets[at], at + usize::from(length));
        }
        ("round_trip", format!("chain-{name}"), out)
    };
    names
        .iter()
        .flat_map(|name| [message(name), chain(name)])
        .collect()
}

/// The files of another target, cut in the middle of records.
fn cuts() -> Vec<Seed> {
    let names = ["pcap", "pcap-broken-length", "pcap-cut", "pcapng", "snoop"];
    let of = |name: &&str| {
        let file = &corpus("capture", name)[2..];
        let cuts = [4, 0, 30, 1, 0, 0, 7, 2, 0];
        ("cutter", (*name).to_owned(), [&cuts[..], file].concat())
    };
    names.iter().map(of).collect()
}

/// Captures that the reports of another target are written of.
fn captures() -> Vec<Seed> {
    let names = [
        "auth-failed",
        "nat-head",
        "port-unreachable",
        "proposal-mismatch",
    ];
    let of = |name: &&str| ("json", (*name).to_owned(), corpus("pipeline", name));
    names.iter().map(of).collect()
}

/// Scripts, four octets a step: see `fuzzing::conversation`.
fn conversations() -> Vec<Seed> {
    // IKE_SA_INIT with NAT detection, its answer, IKE_AUTH and its answer.
    let up: &[[u8; 4]] = &[
        [0, 0b110, 1, 5],
        [1, 0, 2, 5],
        [2, 0b0000, 0b0011_1101, 5],
        [2, 0b0011, 0b0011_1110, 5],
    ];
    let script = |name: &str, steps: &[[u8; 4]]| {
        (
            "conversation",
            name.to_owned(),
            steps.as_flattened().to_vec(),
        )
    };
    let of = |name: &str, more: &[[u8; 4]]| script(name, &[up, more].concat());
    vec![
        of(
            "healthy",
            &[[3, 0x20, 31, 3], [3, 0x41, 31, 3], [3, 0x20, 31, 3]],
        ),
        of(
            "lost-and-late",
            &[
                [3, 0x20, 0x3f, 3],
                [7, 0, 0, 0],
                [3, 0x20, 0x5f, 3],
                [3, 0x41, 0x7f, 0x83],
                [3, 0x41, 0x9f, 3],
            ],
        ),
        of(
            "rekeyed-and-deleted",
            &[
                [3, 0x20, 20, 3],
                [2, 0b0100, 0b0011_1000, 0x90],
                [2, 0b0111, 0b0011_1000, 5],
                [2, 0b1000, 0b1000_0000, 5],
                [2, 0b1011, 0b1000_0000, 5],
                [3, 0x60, 20, 3],
            ],
        ),
        of(
            "nat-moves-and-fragments",
            &[
                [8, 0, 0, 0],
                [3, 0x2e, 9, 3],
                [10, 1, 77, 0x85],
                [5, 0, 0, 0x8a],
                [3, 0x20, 9, 3],
                [4, 200, 0x08, 3],
            ],
        ),
        script(
            "silent-then-refused",
            &[
                [0, 6, 1, 5],
                [6, 0, 0, 0x81],
                [6, 0, 0, 0x82],
                [6, 0, 0, 0x84],
                [1, 1, 14, 0x84],
                [4, 60, 0x06, 5],
                [11, 2, 2, 1],
                [0, 6, 3, 5],
            ],
        ),
        script(
            "ikev1-clock-and-damage",
            &[
                [12, 0b0101_0000, 1, 5],
                [12, 0b0001_0011, 2, 5],
                [12, 0b0010_0010, 3, 5],
                [12, 0b0010_0011, 4, 5],
                [9, 30, 0x40, 0],
                [13, 0b0000_0000, 5, 5],
                [13, 0b0000_0001, 5, 5],
                [13, 0b0001_0100, 17, 5],
                [15, 100, 40, 0],
                [14, 0b0000, 0b0100, 5],
                [14, 0b0000, 0b0101, 5],
                [3, 0x20, 12, 3],
            ],
        ),
    ]
}

#[test]
fn seeds_that_are_made_are_those_that_lie_there() {
    let all = [
        openings(),
        round_trips(),
        cuts(),
        captures(),
        conversations(),
    ]
    .concat();
    for (target, name, octets) in all {
        let path = root().join("fuzz/corpus").join(target).join(&name);
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &octets).unwrap();
        }
        assert!(
            fs::read(&path).is_ok_and(|there| there == octets),
            "{} is another: ESPIAL_BLESS=1 writes it",
            path.display()
        );
    }
}

#[test]
fn scripts_are_conversations() {
    let mut tunnels = 0;
    for (_, name, octets) in conversations() {
        let path =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("script-{name}.pcap"));
        fs::write(&path, espial::fuzzing::written(&octets)).unwrap();
        let inputs = espial::capture::expand(&[path]).unwrap();
        let model = espial::analyze(inputs, &espial::Options::default())
            .unwrap()
            .model;
        assert!(!model.messages.is_empty(), "{name} has no messages");
        tunnels += model.tunnels.len();
    }
    assert!(tunnels >= 6, "{tunnels} tunnels of all scripts");
}

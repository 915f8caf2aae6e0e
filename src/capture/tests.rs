//! Captures made in code, walked whole and in pieces.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::capture::Problem;
use crate::limits::{Bounds, CHUNKS_AHEAD, MEMORY_LEAST, STREAM_CHUNK_OCTETS};

/// A file that goes when the test ends.
struct Scrap(PathBuf);

impl Scrap {
    fn path() -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        std::env::temp_dir().join(format!("espial-{}-{number}", std::process::id()))
    }

    fn new(octets: &[u8]) -> Self {
        let path = Self::path();
        fs::write(&path, octets).unwrap();
        Self(path)
    }

    /// A folder of files by name.
    fn folder(files: &[(&str, &[u8])]) -> Self {
        let path = Self::path();
        fs::create_dir(&path).unwrap();
        for (name, octets) in files {
            fs::write(path.join(name), octets).unwrap();
        }
        Self(path)
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll(256) as u8).collect()
    }
}

fn word(big: bool, value: u32) -> [u8; 4] {
    if big {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

fn words(big: bool, values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| word(big, *value)).collect()
}

/// A pcap file under construction.
#[derive(Clone)]
struct PcapFile {
    big: bool,
    /// Further words in each record's header.
    extra: usize,
    octets: Vec<u8>,
    /// Where each record begins.
    starts: Vec<usize>,
}

impl PcapFile {
    fn new(big: bool, magic: u32, snaplen: u32, link: u32) -> Self {
        let version = if big { 0x0002_0004 } else { 0x0004_0002 };
        let octets = words(big, &[magic, version, 0, 0, snaplen, link]);
        let extra = if magic == 0xa1b2_cd34 { 2 } else { 0 };
        Self {
            big,
            extra,
            octets,
            starts: Vec::new(),
        }
    }

    fn usual() -> Self {
        Self::new(false, 0xa1b2_c3d4, 65_535, 1)
    }

    fn record(mut self, seconds: u32, part: u32, wire_len: u32, frame: &[u8]) -> Self {
        self.starts.push(self.octets.len());
        self.octets.extend(words(
            self.big,
            &[seconds, part, frame.len() as u32, wire_len],
        ));
        self.octets.extend(vec![0; self.extra * 4]);
        self.octets.extend(frame);
        self
    }

    fn frame(self, seconds: u32, frame: &[u8]) -> Self {
        self.record(seconds, 0, frame.len() as u32, frame)
    }

    /// So many frames of random length and content.
    fn frames(mut self, count: u32, dice: &mut Dice) -> Self {
        for n in 0..count {
            let length = 20 + dice.roll(400) as usize;
            let frame = dice.octets(length);
            self = self.record(1_700_000_000 + n / 9, n, length as u32 + n % 2, &frame);
        }
        self
    }
}

/// A pcapng block.
fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let pad = body.len().next_multiple_of(4) - body.len();
    let total = (12 + body.len() + pad) as u32;
    let mut octets = words(big, &[kind, total]);
    octets.extend(body);
    octets.extend(vec![0; pad]);
    octets.extend(word(big, total));
    octets
}

fn section(big: bool) -> Vec<u8> {
    let version = if big { 0x0001_0000 } else { 0x0000_0001 };
    block(
        big,
        0x0a0d_0d0a,
        &words(big, &[0x1a2b_3c4d, version, u32::MAX, u32::MAX]),
    )
}

fn option(big: bool, code: u32, value: &[u8]) -> Vec<u8> {
    let pad = value.len().next_multiple_of(4) - value.len();
    let length = value.len() as u32;
    let mut octets = words(
        big,
        &[if big {
            code << 16 | length
        } else {
            length << 16 | code
        }],
    );
    octets.extend(value);
    octets.extend(vec![0; pad]);
    octets
}

fn interface(big: bool, link: u32, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
    let mut body = words(big, &[if big { link << 16 } else { link }, snaplen]);
    body.extend(options.concat());
    block(big, 1, &body)
}

fn enhanced(big: bool, interface: u32, ticks: u64, wire_len: u32, frame: &[u8]) -> Vec<u8> {
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let mut body = words(big, &[interface, high, low, frame.len() as u32, wire_len]);
    body.extend(frame);
    block(big, 6, &body)
}

fn snoop_file(link: u32, frames: &[&[u8]]) -> Vec<u8> {
    let mut octets = b"snoop\0\0\0".to_vec();
    octets.extend(words(true, &[2, link]));
    for (n, frame) in frames.iter().enumerate() {
        let pad = frame.len().next_multiple_of(4) - frame.len();
        let length = frame.len() as u32;
        let total = 24 + length + pad as u32;
        octets.extend(words(
            true,
            &[length + 1, length, total, n as u32, 1_000, 7],
        ));
        octets.extend(*frame);
        octets.extend(vec![0; pad]);
    }
    octets
}

/// What of a frame is compared.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    number: u64,
    time: Option<i64>,
    interface: u32,
    link: LinkType,
    wire_len: u32,
    bytes: Vec<u8>,
}

/// What an input gives.
struct Read {
    frames: Vec<Seen>,
    problems: Vec<Problem>,
    total: Walked,
}

impl Read {
    /// One line for each problem.
    fn told(&self) -> Vec<String> {
        let line = |p: &Problem| format!("{} +{}: {}", p.offset, p.skipped, p.what);
        self.problems.iter().map(line).collect()
    }
}

/// Walks as the pipeline does: each chunk from a guess, again where the guess was wrong.
fn read_input(input: Input, size: usize) -> Read {
    let mut chunks = input.chunks(size);
    let mut scratch = Scratch::default();
    let mut frames: Vec<Seen> = Vec::new();
    let mut total: Option<Walked> = None;
    while let Some(chunk) = chunks.next() {
        let chunk = chunk.unwrap();
        let mut walk = |from: Option<&Seam>| {
            let mut part = Vec::new();
            let walked = chunk.walk(&mut scratch, from, |frame| {
                part.push(Seen {
                    number: frame.id.number,
                    time: frame.time.map(|time| time.0),
                    interface: frame.vantage.interface,
                    link: frame.link,
                    wire_len: frame.wire_len,
                    bytes: frame.bytes.to_vec(),
                });
            });
            (walked, part)
        };
        let (mut walked, mut part) = walk(None);
        if let Some(before) = &total
            && walked.start != before.end
        {
            (walked, part) = walk(Some(&before.end));
        }
        // As the pipeline numbers them: by the frames counted before, shown or not.
        let base = total.as_ref().map_or(0, |total: &Walked| total.frames);
        part.iter_mut().for_each(|frame| frame.number += base);
        frames.extend(part);
        match &mut total {
            Some(total) => total.append(walked),
            None => total = Some(walked),
        }
    }
    let total = total.unwrap();
    assert!(total.error.is_none());
    assert!(frames.is_sorted_by(|one, next| one.number < next.number));
    assert!(frames.last().is_none_or(|last| last.number <= total.frames));
    Read {
        frames,
        problems: total.problems.clone().into_vec(),
        total,
    }
}

fn open(octets: &[u8]) -> (Scrap, Input) {
    let scrap = Scrap::new(octets);
    let input = Input::open(&scrap.0, 0).unwrap();
    (scrap, input)
}

fn read(octets: &[u8]) -> Read {
    let (_scrap, input) = open(octets);
    read_input(input, usize::MAX)
}

/// Checks that the octets read alike however they are cut, plain and as a stream.
fn same_at_every_cut(octets: &[u8]) -> Read {
    let whole = read(octets);
    let packed = zstd::encode_all(octets, 1).unwrap();
    for octets in [octets, &packed] {
        for size in [1, 7, 100, 333, 1_000, 4_096, 10_000] {
            if octets.len() / size > 30_000 {
                continue;
            }
            let (_scrap, input) = open(octets);
            let part = read_input(input, size);
            assert_eq!(part.frames, whole.frames, "chunks of {size}");
            assert_eq!(part.told(), whole.told(), "chunks of {size}");
            let sums = |read: &Read| {
                let total = &read.total;
                let counts = (
                    total.frames,
                    total.frames_cut,
                    total.dropped.clone(),
                    total.snaplen,
                );
                (
                    counts,
                    total.first,
                    total.last,
                    total.link_types.clone(),
                    total.end.clone(),
                )
            };
            assert_eq!(sums(&part), sums(&whole), "chunks of {size}");
        }
    }
    whole
}

/// The bodies of a file's frames by the places where its records begin.
fn bodies(file: &PcapFile, left_out: &[usize]) -> Vec<Vec<u8>> {
    let mut ends = file.starts.clone();
    ends.push(file.octets.len());
    (0..file.starts.len())
        .filter(|n| !left_out.contains(n))
        .map(|n| file.octets[ends[n] + 16..ends[n + 1]].to_vec())
        .collect()
}

fn seen_bodies(read: &Read) -> Vec<Vec<u8>> {
    read.frames
        .iter()
        .map(|frame| frame.bytes.clone())
        .collect()
}

#[test]
fn every_kind_of_pcap_reads_the_same_frames() {
    for big in [false, true] {
        for (magic, unit) in [
            (0xa1b2_c3d4, 1_000),
            (0xa1b2_3c4d, 1),
            (0xa1b2_cd34, 1_000),
            (0x1c00_01ac, 1),
            (0x1c00_01ab, 1_000),
        ] {
            let mut file = PcapFile::new(big, magic, 96, 0xf000_0071);
            if magic >> 16 == 0x1c00 {
                file.octets.extend([0; 4]);
            }
            let file = file
                .record(1_000, 999_999, 4, b"four")
                .frame(1_001, b"")
                .frame(1_002, b"!");
            let whole = same_at_every_cut(&file.record(1_003, 1, 2_000, &[7; 96]).octets);
            assert_eq!(whole.told(), [""; 0], "{magic:08x}");
            let first = &whole.frames[0];
            assert_eq!(
                first.time,
                Some(1_000_000_000_000 + 999_999 * unit),
                "{magic:08x}"
            );
            assert_eq!(
                (first.link, &first.bytes[..]),
                (LinkType::LINUX_SLL, &b"four"[..])
            );
            assert_eq!((whole.total.frames, whole.total.frames_cut), (4, 1));
            assert_eq!(whole.total.snaplen, Some(96));
        }
    }
}

#[test]
fn a_pcap_that_does_not_keep_to_its_file_header_is_read_as_it_is() {
    // Records of a patched libpcap under the common magic number.
    let mut file = PcapFile {
        extra: 2,
        ..PcapFile::usual()
    };
    for n in 0..20 {
        file = file.frame(1_700_000_000 + n, &[n as u8 + 1; 60]);
    }
    assert_eq!(read(&file.octets).total.frames, 20);
    // Nanoseconds under the magic number of microseconds.
    let mut file = PcapFile::usual();
    for n in 0..20 {
        file = file.record(1_700_000_000 + n, 5_000_000 + n, 60, &[n as u8; 60]);
    }
    let whole = read(&file.octets);
    assert_eq!((whole.total.frames, whole.told()), (20, vec![]));
}

#[test]
fn chunks_never_change_what_a_sound_pcap_gives() {
    let mut dice = Dice(1);
    let file = PcapFile::usual().frames(300, &mut dice);
    let whole = same_at_every_cut(&file.octets);
    assert_eq!(seen_bodies(&whole), bodies(&file, &[]));
    assert!(whole.problems.is_empty());
}

#[test]
fn a_capture_carried_in_packets_is_never_taken_for_the_capture_itself() {
    let mut dice = Dice(2);
    let inner = PcapFile::usual().frames(12, &mut dice);
    let inner = &inner.octets[24..];
    let mut file = PcapFile::usual();
    for n in 0..40 {
        file = file.frame(1_700_000_000 + n, inner);
    }
    let whole = same_at_every_cut(&file.octets);
    assert_eq!(seen_bodies(&whole), vec![inner.to_vec(); 40]);
    assert!(whole.problems.is_empty());

    // Even where junk follows the packet that carries it: the packet is kept.
    let junk_at = file.starts[20];
    let mut octets = file.octets.clone();
    octets.splice(junk_at..junk_at, [0xee; 50]);
    let whole = same_at_every_cut(&octets);
    assert_eq!(seen_bodies(&whole), vec![inner.to_vec(); 40]);
    assert_eq!(
        whole.told(),
        [format!(
            "{junk_at} +50: expected a record; the next one begins 50 octets on"
        )]
    );
}

#[test]
fn junk_between_records_is_told_and_costs_no_frame() {
    let mut dice = Dice(3);
    let file = PcapFile::usual().frames(100, &mut dice);
    let at = file.starts[50];
    let mut octets = file.octets.clone();
    octets.splice(at..at, vec![0xff; 777]);
    let whole = same_at_every_cut(&octets);
    assert_eq!(seen_bodies(&whole), bodies(&file, &[]));
    assert_eq!(
        whole.told(),
        [format!(
            "{at} +777: expected a record; the next one begins 777 octets on"
        )]
    );
}

#[test]
fn a_hole_of_zeros_is_no_row_of_empty_frames() {
    let mut dice = Dice(4);
    let file = PcapFile::usual().frames(30, &mut dice);
    let mut octets = file.octets.clone();
    octets.extend([0; 5_000]);
    let whole = same_at_every_cut(&octets);
    assert_eq!(whole.total.frames, 30);
    let at = file.octets.len();
    assert_eq!(
        whole.told(),
        [format!(
            "{at} +5000: expected a record; none follows in the last 5000 octets"
        )]
    );
}

#[test]
fn a_record_with_a_damaged_length_is_left_out_and_told() {
    let mut dice = Dice(5);
    let file = PcapFile::usual().frames(100, &mut dice);
    let at = file.starts[50];
    let true_length = file.starts[51] - at;
    for length in [5_000_u32, 60_000, u32::MAX] {
        let mut octets = file.octets.clone();
        octets[at + 8..at + 12].copy_from_slice(&length.to_le_bytes());
        let whole = same_at_every_cut(&octets);
        assert_eq!(seen_bodies(&whole), bodies(&file, &[50]), "length {length}");
        assert_eq!(whole.problems.len(), 1);
        let problem = &whole.problems[0];
        assert_eq!(
            (problem.offset, problem.skipped),
            (at as u64, true_length as u64)
        );
    }
}

#[test]
fn a_record_cut_by_the_end_of_the_file_is_told_with_its_octets() {
    let mut dice = Dice(6);
    let file = PcapFile::usual().frames(20, &mut dice);
    let at = file.starts[19];
    let total = file.octets.len() - at;
    for cut in [1, 10, total - 16] {
        let whole = same_at_every_cut(&file.octets[..file.octets.len() - cut]);
        assert_eq!(seen_bodies(&whole), bodies(&file, &[19]));
        let there = total - cut;
        assert_eq!(
            whole.told(),
            [format!(
                "{at} +{there}: cut short: a record of {total} octets is promised, {there} are there"
            )]
        );
    }
    let whole = same_at_every_cut(&file.octets[..at + 5]);
    assert_eq!(
        whole.told(),
        [format!(
            "{at} +5: expected a record header of 16 octets, 5 are there"
        )]
    );
}

#[test]
fn damage_anywhere_reads_the_same_at_every_cut() {
    let mut dice = Dice(7);
    let mut pcapng = section(false);
    pcapng.extend(interface(false, 1, 0, &[]));
    for n in 0..60 {
        let length = 20 + dice.roll(300) as usize;
        pcapng.extend(enhanced(false, 0, n, length as u32, &dice.octets(length)));
    }
    let pcap = PcapFile::usual().frames(60, &mut dice).octets;
    let frame = dice.octets(90);
    let snoop = snoop_file(4, &[&frame[..]; 60]);
    for sound in [&pcap, &pcapng, &snoop] {
        for _ in 0..25 {
            let mut octets = sound.clone();
            for _ in 0..1 + dice.roll(4) {
                let at = 60 + dice.roll(octets.len() as u64 - 400) as usize;
                let length = dice.roll(300) as usize;
                match dice.roll(3) {
                    0 => octets[at] ^= 1 << dice.roll(8),
                    1 => drop(octets.drain(at..at + length)),
                    _ => drop(octets.splice(at..at, dice.octets(length))),
                }
            }
            let whole = same_at_every_cut(&octets);
            // Each of at most four places costs its own record and what hides around it.
            assert!(
                whole.total.frames >= 40,
                "{} frames, {:?}",
                whole.total.frames,
                whole.told()
            );
        }
    }
}

#[test]
fn pcapng_sections_keep_their_byte_order_and_number_interfaces_through_the_file() {
    let mut octets = section(false);
    octets.extend(interface(false, 1, 100, &[]));
    octets.extend(interface(false, 113, 200, &[]));
    octets.extend(enhanced(false, 1, 5, 4, b"sll1"));
    octets.extend(block(false, 0x0bad, b"custom block"));
    octets.extend(section(true));
    octets.extend(interface(true, 276, 0, &[]));
    octets.extend(enhanced(true, 0, 6, 9, b"sll2"));
    octets.extend(block(true, 10, b"secrets."));
    // Simple packet: no time, cut at the snapshot length of its interface.
    octets.extend(section(false));
    octets.extend(interface(false, 101, 3, &[]));
    octets.extend(block(
        false,
        3,
        &[&words(false, &[500])[..], b"raw"].concat(),
    ));
    // Obsolete packet block: 16 bits of interface, 16 of drops.
    octets.extend(block(
        false,
        2,
        &[&words(false, &[0, 0, 7, 2, 2])[..], b"pb"].concat(),
    ));
    let whole = same_at_every_cut(&octets);
    assert_eq!(whole.told(), [""; 0]);
    let rows: Vec<_> = whole
        .frames
        .iter()
        .map(|f| {
            (
                f.number,
                f.time,
                f.interface,
                f.link,
                f.wire_len,
                String::from_utf8_lossy(&f.bytes),
            )
        })
        .collect();
    // The custom block has a number of its own, 2, as Wireshark gives it one.
    assert_eq!(
        rows,
        [
            (1, Some(5_000), 1, LinkType::LINUX_SLL, 4, "sll1".into()),
            (3, Some(6_000), 2, LinkType::LINUX_SLL2, 9, "sll2".into()),
            (4, None, 3, LinkType::RAW, 500, "raw".into()),
            (5, Some(7_000), 3, LinkType::RAW, 2, "pb".into()),
        ]
    );
    assert_eq!(whole.total.frames, 5);
    assert_eq!(whole.total.snaplen, Some(200));
}

#[test]
fn pcapng_times_hold_for_every_resolution_and_offset() {
    // Ticks that make 1.5 s, or what is nearest below it.
    let rows = [
        (0_u8, 1_u64, 1_000_000_000_i64),
        (3, 1_500, 1_500_000_000),
        (6, 1_500_000, 1_500_000_000),
        (9, 1_500_000_000, 1_500_000_000),
        (12, 1_500_000_000_999, 1_500_000_000),
        (19, 15_000_000_000_000_000_000, 1_500_000_000),
        (127, u64::MAX, 0),
        (0x80, 1, 1_000_000_000),
        (0x81, 3, 1_500_000_000),
        (0x8a, 1_536, 1_500_000_000),
        (0x94, 1_572_864, 1_500_000_000),
        (0xa0, 3 << 31, 1_500_000_000),
        (0xbf, 3 << 62, 1_500_000_000),
        (0xff, u64::MAX, 0),
    ];
    for big in [false, true] {
        for (resolution, ticks, expected) in rows {
            for offset in [0_i64, 1_700_000_000, -1] {
                let octets_of = |n: i64| {
                    if big {
                        n.to_be_bytes()
                    } else {
                        n.to_le_bytes()
                    }
                };
                let options = [
                    option(big, 9, &[resolution]),
                    option(big, 14, &octets_of(offset)),
                    option(big, 0, b""),
                ];
                let mut octets = section(big);
                octets.extend(interface(big, 1, 0, &options));
                octets.extend(enhanced(big, 0, ticks, 1, b"x"));
                let time = read(&octets).frames[0].time;
                let expected = expected + offset * 1_000_000_000;
                assert_eq!(
                    time,
                    Some(expected),
                    "resolution {resolution:#x} offset {offset}"
                );
            }
        }
    }
}

#[test]
fn a_pcapng_time_beyond_all_timestamps_is_not_known() {
    let mut octets = section(false);
    octets.extend(interface(false, 1, 0, &[option(false, 9, &[0])]));
    octets.extend(enhanced(false, 0, u64::MAX, 1, b"x"));
    assert_eq!(read(&octets).frames[0].time, None);
}

#[test]
fn pcapng_statistics_count_the_latest_drops_of_each_interface() {
    for big in [false, true] {
        let count = |n: u64| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let statistics = |interface: u32, interface_drops: u64, system_drops: u64| {
            let mut body = words(big, &[interface, 0, 0]);
            body.extend(option(big, 5, &count(interface_drops)));
            body.extend(option(big, 7, &count(system_drops)));
            block(big, 5, &body)
        };
        let mut octets = section(big);
        octets.extend(interface(big, 1, 0, &[]));
        octets.extend(interface(big, 1, 0, &[]));
        octets.extend(statistics(0, 1, 1));
        octets.extend(enhanced(big, 0, 0, 1, b"x"));
        octets.extend(statistics(1, 100, 0));
        octets.extend(statistics(0, 5, 2));
        let whole = same_at_every_cut(&octets);
        assert_eq!(whole.total.dropped.total(), Some(107));
    }
    assert_eq!(read(&section(false)).total.dropped.total(), None);
}

#[test]
fn a_packet_of_an_interface_that_is_not_described_is_counted_and_told() {
    let mut octets = section(false);
    octets.extend(interface(false, 1, 0, &[]));
    octets.extend(enhanced(false, 4, 0, 4, b"lost"));
    octets.extend(enhanced(false, 0, 0, 4, b"kept"));
    let whole = same_at_every_cut(&octets);
    assert_eq!(seen_bodies(&whole), [b"lost", b"kept"]);
    assert_eq!(whole.frames[0].link, LinkType::UNKNOWN);
    assert_eq!(
        whole.told(),
        ["48 +0: packet of interface 4, expected one of the 1 described; its link type is unknown"]
    );
}

#[test]
fn a_pcapng_block_that_ends_with_another_length_is_kept_and_told() {
    let mut octets = section(false);
    octets.extend(interface(false, 1, 0, &[]));
    let mut damaged = enhanced(false, 0, 0, 4, b"four");
    let end = damaged.len() - 4;
    damaged[end] ^= 0x55;
    octets.extend(damaged);
    for n in 0..10 {
        octets.extend(enhanced(false, 0, n, 4, b"more"));
    }
    let whole = same_at_every_cut(&octets);
    assert_eq!(whole.total.frames, 11);
    assert_eq!(
        whole.told(),
        ["80 +0: expected the block's length 36 repeated at its end"]
    );
}

#[test]
fn a_pcapng_in_packets_of_a_pcapng_is_never_taken_for_the_capture_itself() {
    let mut inner = Vec::new();
    for n in 0..12 {
        inner.extend(enhanced(false, 0, n, 5, b"inner"));
    }
    let mut octets = section(false);
    octets.extend(interface(false, 1, 0, &[]));
    for n in 0..40 {
        octets.extend(enhanced(false, 0, n, inner.len() as u32, &inner));
    }
    let whole = same_at_every_cut(&octets);
    assert_eq!(seen_bodies(&whole), vec![inner; 40]);
}

#[test]
fn snoop_frames_come_without_their_padding() {
    let octets = snoop_file(4, &[b"abcd", b"abcde", b""]);
    let whole = same_at_every_cut(&octets);
    assert_eq!(seen_bodies(&whole), [&b"abcd"[..], b"abcde", b""]);
    assert_eq!(whole.frames[0].time, Some(1_000_000_007_000));
    assert_eq!(whole.frames[0].link, LinkType::ETHERNET);
    assert_eq!(whole.total.dropped.total(), Some(2));
}

/// A zstd frame of octets as they are, with a window of two to this power (RFC 8878 section 3.1.1).
fn zstd_frame(window: u8, octets: &[u8]) -> Vec<u8> {
    let last = (u32::try_from(octets.len()).unwrap() << 3 | 1).to_le_bytes();
    [
        &[0x28, 0xb5, 0x2f, 0xfd, 0, (window - 10) << 3],
        &last[..3],
        octets,
    ]
    .concat()
}

#[test]
fn a_zstd_window_beyond_the_bound_is_told() {
    let file = PcapFile::usual().frames(20, &mut Dice(8));
    let (_scrap, input) = open(&zstd_frame(27, &file.octets));
    assert_eq!(seen_bodies(&read_input(input, 3_000)), bodies(&file, &[]));
    let scrap = Scrap::new(&zstd_frame(28, &file.octets));
    let refused = Input::open(&scrap.0, 0).err().unwrap().to_string();
    assert!(refused.contains("too much memory"), "{refused}");
    // One that asks for it later is read up to there.
    let (one, two) = file.octets.split_at(file.octets.len() / 2);
    let (_scrap, input) = open(&[zstd_frame(20, one), zstd_frame(28, two)].concat());
    let whole = read_input(input, 3_000);
    assert!(!whole.frames.is_empty() && whole.frames.len() < 20);
    let told = whole.told().concat();
    assert!(told.contains("too much memory"), "{told}");
}

#[test]
fn the_window_of_a_zstd_file_is_bounded_with_the_memory() {
    let bounds = Bounds::within(MEMORY_LEAST).unwrap();
    let file = PcapFile::usual().frames(20, &mut Dice(8));
    let most = u8::try_from(bounds.zstd_window_log).unwrap();
    let fits = Scrap::new(&zstd_frame(most, &file.octets));
    let paths = [fits.0.clone(), fits.0.clone()];
    for input in expand_within(&paths, &bounds).unwrap() {
        // Before its turn comes none has a window, and yet chunks of it will lie in memory.
        assert_eq!(input.chunk_octets(usize::MAX), STREAM_CHUNK_OCTETS);
        assert_eq!(seen_bodies(&read_input(input, 3_000)), bodies(&file, &[]));
    }
    // A capture is not passed over in its folder for that.
    let packed = zstd_frame(most + 1, &file.octets);
    let folder = Scrap::folder(&[("a", &file.octets), ("b", &packed)]);
    let refused = expand_within(&[folder.0.join("b")], &bounds);
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("more than 8 MiB at once"), "{refused}");
    let inputs = expand_within(std::slice::from_ref(&folder.0), &bounds).unwrap();
    let told: Vec<_> = inputs.iter().map(Input::refusal).collect();
    assert!(told[0].is_none());
    assert_eq!(told[1].unwrap().to_string(), refused);
    assert_eq!(expand(std::slice::from_ref(&folder.0)).unwrap().len(), 2);
    // Where it is met later it is told so, too.
    let (one, two) = file.octets.split_at(file.octets.len() / 2);
    let later = Scrap::new(&[zstd_frame(20, one), zstd_frame(most + 1, two)].concat());
    let paths = [later.0.clone(), fits.0.clone()];
    let input = expand_within(&paths, &bounds).unwrap().remove(0);
    let told = read_input(input, 3_000).told().concat();
    assert!(told.contains("more than 8 MiB at once"), "{told}");
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_captures_are_known_by_content_and_read_over_all_members() {
    let file = PcapFile::usual().frames(200, &mut Dice(8));
    let (one, two) = file.octets.split_at(10_001);
    let zstd = |octets: &[u8]| zstd::encode_all(octets, 1).unwrap();
    for (format, packed) in [
        ("pcap (gzip)", [gzip(one), gzip(two)].concat()),
        ("pcap (zstd)", [zstd(one), zstd(two)].concat()),
    ] {
        let (_scrap, input) = open(&packed);
        assert_eq!(
            (input.format(), input.size()),
            (format, Some(packed.len() as u64))
        );
        let whole = read_input(input, 3_000);
        assert_eq!(seen_bodies(&whole), bodies(&file, &[]));
        assert!(whole.problems.is_empty());

        // Cut short: what comes out is read, and the cut is told.
        for cut in [1, 5, 4_000] {
            let (_scrap, input) = open(&packed[..packed.len() - cut]);
            let part = read_input(input, 3_000);
            assert_eq!(part.frames[..], whole.frames[..part.frames.len()]);
            assert!(
                part.told()
                    .last()
                    .unwrap()
                    .contains("expected its regular end"),
                "{cut}"
            );
        }
    }
}

#[test]
fn what_is_no_capture_is_told_apart() {
    let said = |octets: &[u8]| {
        let scrap = Scrap::new(octets);
        let said = Input::open(&scrap.0, 0).err().unwrap().to_string();
        said.replace(&scrap.0.display().to_string(), "FILE")
    };
    assert_eq!(said(b""), "FILE: empty file, expected a capture");
    assert_eq!(
        said(b"\x7fELF and more of it"),
        "FILE: not a capture: begins with 7f 45 4c 46, expected pcap, pcapng, snoop, gzip or zstd"
    );
    assert_eq!(
        said(&PcapFile::usual().octets[..20]),
        "FILE: the pcap header is broken at offset 20: expected a file header of 24 octets"
    );
    assert!(said(&gzip(b"text, no capture")).contains("begins with 74 65 78 74"));
    assert!(said(&[0x1f, 0x8b, 8, 0]).contains("gzip header is broken"));
    let missing = Input::open(Path::new("no/such/file"), 0).err().unwrap();
    assert_eq!(missing.to_string(), "no/such/file: no such file or folder");
}

/// A file of one frame a second, from `first` on.
fn spell(first: u32, count: u32) -> Vec<u8> {
    let file = (first..first + count).fold(PcapFile::usual(), |f, at| f.frame(at, &[9; 60]));
    file.octets
}

#[test]
fn a_folder_is_its_captures_in_order_of_time_and_one_set() {
    let folder = Scrap::folder(&[
        ("a", &gzip(&spell(3_000, 5))),
        ("b", &spell(1_000, 5)),
        ("c", &spell(2_000, 5)),
        ("notes.txt", b"not a capture"),
    ]);
    let inputs = expand(std::slice::from_ref(&folder.0)).unwrap();
    let names: Vec<_> = inputs
        .iter()
        .map(|i| i.path().chars().last().unwrap())
        .collect();
    assert_eq!(names, ['b', 'c', 'a']);
    assert_eq!(inputs.iter().map(Input::set).collect::<Vec<_>>(), [0, 0, 0]);
    for (n, input) in inputs.into_iter().enumerate() {
        let whole = read_input(input, 100);
        assert_eq!(whole.frames.len(), 5, "input {n}");
    }
    let empty = Scrap::folder(&[("notes.txt", b"not a capture")]);
    let error = expand(std::slice::from_ref(&empty.0)).err().unwrap();
    assert!(matches!(error, OpenError::EmptyFolder { .. }));
}

/// How a file is kept.
type Keep = fn(&[u8]) -> Vec<u8>;

/// Files as they are, compressed, and cut in the midst of their last record.
const KEPT: [Keep; 4] = [
    <[u8]>::to_vec,
    gzip,
    |octets| zstd::encode_all(octets, 1).unwrap(),
    |octets| octets[..octets.len() - 7].to_vec(),
];

#[test]
fn files_of_a_folder_that_overlap_in_time_are_those_of_several_taps() {
    for keep in KEPT {
        let overlapping = Scrap::folder(&[
            ("left_1.pcap", &keep(&spell(100, 50))),
            ("left_2.pcap", &keep(&spell(150, 50))),
            ("right_1.pcap", &keep(&spell(110, 50))),
            ("right_2.pcap", &keep(&spell(160, 50))),
        ]);
        let inputs = expand(std::slice::from_ref(&overlapping.0)).unwrap();
        let names: Vec<_> = inputs
            .iter()
            .map(|input| input.path().rsplit('/').next().unwrap().to_owned())
            .collect();
        let order = ["left_1.pcap", "right_1.pcap", "left_2.pcap", "right_2.pcap"];
        assert_eq!(names, order);
        assert_eq!(
            inputs.iter().map(Input::set).collect::<Vec<_>>(),
            [0, 1, 0, 1]
        );
    }
}

#[test]
fn files_that_follow_one_another_are_one_set_and_others_are_not() {
    KEPT.into_iter().for_each(follow_one_another_or_not);
    // However each of them is kept.
    let files = [
        Scrap::new(&gzip(&spell(100, 50))),
        Scrap::new(&spell(150, 10)),
    ];
    let paths = files.each_ref().map(|file| file.0.clone());
    let inputs = expand(&paths).unwrap();
    assert_eq!(inputs.iter().map(Input::set).collect::<Vec<_>>(), [0, 0]);
}

fn follow_one_another_or_not(keep: fn(&[u8]) -> Vec<u8>) {
    let sets = |spells: &[(u32, u32)]| {
        let files: Vec<_> = spells
            .iter()
            .map(|(first, count)| Scrap::new(&keep(&spell(*first, *count))))
            .collect();
        let paths: Vec<_> = files.iter().map(|file| file.0.clone()).collect();
        let inputs = expand(&paths).unwrap();
        let sets = inputs.iter().map(Input::set).collect::<Vec<_>>();
        // What was looked at before is read from its beginning.
        let frames: usize = inputs
            .into_iter()
            .map(|input| read_input(input, 1 << 20).frames.len())
            .sum();
        let all: u32 = spells.iter().map(|(_, count)| count).sum();
        assert!(frames + spells.len() >= all as usize, "{frames} of {all}");
        sets
    };
    assert_eq!(sets(&[(100, 50), (150, 10), (160, 20)]), [0, 0, 0]);
    // The last frame of the first and the first of the second at the same moment.
    assert_eq!(sets(&[(100, 51), (150, 10)]), [0, 0]);
    assert_eq!(sets(&[(100, 50), (120, 10)]), [0, 1]);
    // However they are named.
    assert_eq!(sets(&[(150, 10), (100, 50)]), [0, 0]);
    // Large enough that the last time is read from the tail.
    assert_eq!(sets(&[(100, 30_000), (30_100, 10)]), [0, 0]);
    assert_eq!(sets(&[(100, 30_000), (30_000, 10)]), [0, 1]);
}

#[test]
fn the_same_packets_at_another_time_are_those_of_another_tap() {
    let packets = |first: u32, numbers: std::ops::Range<u8>| {
        let body = |number: u8| (0..90).map(|at| at ^ number).collect::<Vec<u8>>();
        let file = numbers
            .zip(first..)
            .fold(PcapFile::usual(), |file, (n, at)| file.frame(at, &body(n)));
        file.octets
    };
    let sets = |other: &[u8]| {
        let kept = KEPT.map(|keep| {
            let (one, other) = (keep(&packets(100, 0..20)), keep(other));
            let folder = Scrap::folder(&[("one", &one), ("other", &other)]);
            let named = ["one", "other"].map(|name| folder.0.join(name));
            [&named[..], std::slice::from_ref(&folder.0)].map(|paths| {
                let inputs = expand(paths).unwrap();
                inputs.iter().map(Input::set).collect::<Vec<_>>()
            })
        });
        let [[one, _], ..] = kept.clone();
        assert!(kept.iter().flatten().all(|sets| *sets == one), "{kept:?}");
        one
    };
    assert_eq!(sets(&packets(3_700, 0..20)), [0, 1]);
    // One began a little later.
    assert_eq!(sets(&packets(3_700, 2..22)), [0, 1]);
    assert_eq!(sets(&packets(3_700, 20..40)), [0, 0]);
    // A few that were sent again.
    assert_eq!(sets(&packets(3_700, 17..40)), [0, 0]);
}

#[test]
fn what_cannot_be_read_holds_its_place_beside_what_can() {
    let broken: [(&str, &[u8]); 2] = [("1", b""), ("2", &PcapFile::usual().octets[..20])];
    let notes: (&str, &[u8]) = ("notes.txt", b"not a capture");
    let told = |paths: &[PathBuf]| {
        let inputs = expand(paths).unwrap();
        let told = inputs.iter().map(|input| {
            let name = input.path().rsplit('/').next().unwrap().to_owned();
            let why = input.refusal().map(|why| why.beside(input.path()));
            (name, input.set(), why.unwrap_or_default())
        });
        told.collect::<Vec<_>>()
    };
    let tell = |name: &str, set: u16, why: &str| (name.to_owned(), set, why.to_owned());
    let empty = "empty file, expected a capture";
    let cut = "the pcap header is broken at offset 20: expected a file header of 24 octets";
    let good = spell(100, 5);
    let folder = Scrap::folder(&[broken[0], broken[1], notes, ("good", &good)]);
    assert_eq!(
        told(std::slice::from_ref(&folder.0)),
        [tell("good", 0, ""), tell("1", 1, empty), tell("2", 2, cut)]
    );
    // Of those that were named nothing is passed over.
    let named = ["1", "notes.txt", "good"].map(|name| folder.0.join(name));
    let no_capture =
        "not a capture: begins with 6e 6f 74 20, expected pcap, pcapng, snoop, gzip or zstd";
    assert_eq!(
        told(&named),
        [
            tell("1", 0, empty),
            tell("notes.txt", 1, no_capture),
            tell("good", 2, "")
        ]
    );
    // A folder that holds no capture is told as a whole.
    let other = Scrap::folder(&[notes]);
    let told = told(&[other.0.clone(), folder.0.join("good")]);
    assert!(
        told[0].2.starts_with("no capture in this folder"),
        "{told:?}"
    );
    assert_eq!(told[1], tell("good", 1, ""));
    // Nothing is left to be read.
    let refused = expand(&[folder.0.join("1"), other.0.clone()])
        .err()
        .unwrap();
    let said = refused.to_string();
    assert!(said.contains(empty) && said.contains("; ") && said.contains("no capture in"));
    let missing = expand(&[folder.0.join("good"), folder.0.join("missing")]);
    assert!(matches!(missing.err().unwrap(), OpenError::NotFound { .. }));
}

#[test]
fn records_larger_than_the_buffer_are_read_whole() {
    let mut dice = Dice(9);
    let mut file = PcapFile::new(false, 0xa1b2_c3d4, 16 << 20, 1);
    for n in 0..4 {
        file = file
            .frame(1_700_000_000, &vec![n; 3 << 20])
            .frame(1_700_000_000, &[n; 60]);
    }
    let file = file.frames(20, &mut dice);
    for octets in [
        file.octets.clone(),
        zstd::encode_all(&file.octets[..], 1).unwrap(),
    ] {
        for size in [1 << 20, usize::MAX] {
            let (_scrap, input) = open(&octets);
            let whole = read_input(input, size);
            assert_eq!(seen_bodies(&whole), bodies(&file, &[]));
            assert!(whole.problems.is_empty());
        }
    }
}

/// Gives a file header, then one record at each call, and counts the calls.
struct SlowPipe {
    pieces: std::vec::IntoIter<Vec<u8>>,
    left: Vec<u8>,
    calls: std::sync::Arc<AtomicU32>,
}

impl std::io::Read for SlowPipe {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left.is_empty() {
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.left = self.pieces.next().unwrap_or_default();
        }
        let count = self.left.len().min(into.len());
        into[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        Ok(count)
    }
}

#[test]
fn a_slow_pipe_is_not_waited_for_longer_than_a_record_needs() {
    let file = PcapFile::usual().frames(50, &mut Dice(10));
    let mut cuts = vec![0];
    cuts.extend(&file.starts);
    cuts.push(file.octets.len());
    let pieces: Vec<_> = cuts
        .windows(2)
        .map(|c| file.octets[c[0]..c[1]].to_vec())
        .collect();
    let calls = std::sync::Arc::new(AtomicU32::new(0));
    let pipe = SlowPipe {
        pieces: pieces.into_iter(),
        left: Vec::new(),
        calls: std::sync::Arc::clone(&calls),
    };
    let input = Input::from_reader("-", 0, pipe).unwrap();
    assert_eq!(
        (input.path(), input.format(), input.size()),
        ("-", "pcap", None)
    );
    assert_eq!(
        calls.load(Ordering::Relaxed),
        1,
        "the file header is enough to open"
    );

    // A record is sure once the next one's header is there.
    let mut chunks = input.chunks(1);
    let mut frames = 0;
    for count in 1..=50 {
        let chunk = chunks.next().unwrap().unwrap();
        let before = frames;
        frames += chunk.walk(&mut Scratch::default(), None, |_| {}).frames;
        // As many as were cut ahead, and one in hand, may have come besides.
        let ahead = u32::try_from(CHUNKS_AHEAD).unwrap() + 1;
        assert!(calls.load(Ordering::Relaxed) <= 2 + count + ahead);
        assert!(frames <= before + 1);
    }
    while let Some(chunk) = chunks.next() {
        frames += chunk
            .unwrap()
            .walk(&mut Scratch::default(), None, |_| {})
            .frames;
    }
    assert_eq!(frames, 50);
}

#[test]
fn a_pipe_that_breaks_gives_what_came_and_then_the_error() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _into: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from_raw_os_error(5))
        }
    }
    let file = PcapFile::usual().frames(5, &mut Dice(11));
    let reader = std::io::Read::chain(std::io::Cursor::new(file.octets), Broken);
    let input = Input::from_reader("-", 0, reader).unwrap();
    let mut chunks = input.chunks(1 << 20);
    let chunk = chunks.next().unwrap().unwrap();
    assert_eq!(chunk.walk(&mut Scratch::default(), None, |_| {}).frames, 5);
    assert!(chunks.next().unwrap().is_err());
    assert!(chunks.next().is_none());
}

#[test]
fn a_capture_in_a_folder_that_is_gone_when_its_turn_comes_is_an_error() {
    let folder = Scrap::folder(&[("a", &spell(1_000, 5))]);
    let input = expand(std::slice::from_ref(&folder.0)).unwrap().remove(0);
    fs::remove_file(folder.0.join("a")).unwrap();
    let mut chunks = input.chunks(1 << 20);
    let error = chunks.next().unwrap().err().unwrap();
    assert!(error.to_string().contains("no such file"), "{error}");
    assert!(chunks.next().is_none());
}

#[test]
fn inputs_and_their_pieces_go_to_any_thread() {
    fn sendable<T: Send>() {}
    sendable::<Input>();
    sendable::<Chunks>();
    sendable::<Chunk>();
    sendable::<Scratch>();
    sendable::<Walked>();
    sendable::<Seam>();
}

//! How long each stage takes: peeling a frame, walking, scanning and folding a chunk, finding the
//! flow of a packet, following its sequence number, looking for records in noise, judging a tunnel.
//!
//!     cargo bench --bench stages

// What is wrong here is a mistake of the measurement: it may panic.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use espial::capture::{Chunk, Frame, Input, LinkType, Scratch};
use espial::census::Census;
use espial::census::sequence::Sequence;
use espial::diagnose::{RULES, Severity};
use espial::fold::{EspPacket, Fold, Order};
use espial::net::{Body, Encap, Learned, Path, peel};
use espial::sadb::Sadb;
use espial::scan::{Lane, Scanner, Task, Wants};
use espial::units::{Endpoint, EspSpi, FrameId, Timestamp, Vantage};
use etherparse::{IpNumber, PacketBuilder, VlanId};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

/// Octets of the chunk that is walked, scanned and folded.
const CHUNK: usize = 4 << 20;

/// Octets of noise: looking for a record in them is slow.
const NOISE: usize = 1 << 20;

/// Octets of an ESP packet: a small one, so that the price of a packet is seen and not that of
/// reading its octets.
const ESP_OCTETS: usize = 84;

/// Where packets are seen.
const VANTAGE: Vantage = Vantage {
    input: 0,
    interface: 0,
};

/// Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 1).expect("64 bits") % end
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.flatten().take(count).collect()
    }
}

impl Default for Noise {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

// Peeling.

fn peeling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peel");
    group.throughput(Throughput::Elements(1));
    for (name, octets, holds) in frames() {
        let frame = frame(&octets);
        let mut held = None;
        peel(&frame, &mut Learned::default(), &mut |datagram| {
            held = Some(kind(&datagram.body));
        });
        assert_eq!(held, holds, "{name}");
        let mut learned = Learned::default();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                peel(black_box(&frame), &mut learned, &mut |datagram| {
                    black_box(&datagram);
                });
            });
        });
    }
    group.finish();
}

/// A frame of each kind that makes up most captures, and what it holds for us.
fn frames() -> [(&'static str, Vec<u8>, Option<&'static str>); 5] {
    let ether = || PacketBuilder::ethernet2([2; 6], [4; 6]);
    let ipv4 = || ether().ipv4([203, 0, 113, 1], [198, 51, 100, 2], 60);
    let esp = esp(0xc0ff_ee01, 7);
    let mut direct = Vec::new();
    let ip = ipv4().write(&mut direct, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, &esp);
    ip.expect("memory takes it");
    let mut in_udp = Vec::new();
    let udp = ipv4().udp(4500, 4500).write(&mut in_udp, &esp);
    udp.expect("memory takes it");
    let mut ike = Vec::new();
    let udp = ipv4().udp(500, 500).write(&mut ike, &informational());
    udp.expect("memory takes it");
    let mut background = Vec::new();
    let tcp = ipv4().tcp(443, 50123, 1, 502).ack(9);
    let tcp = tcp.write(&mut background, &esp);
    tcp.expect("memory takes it");
    let mut tagged = Vec::new();
    let vlan = ether().single_vlan(VlanId::try_new(100).expect("12 bits"));
    let ip = vlan.ipv6([0x20; 16], [0x21; 16], 60);
    let ip = ip.write(&mut tagged, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, &esp);
    ip.expect("memory takes it");
    [
        ("ESP", direct, Some("ESP")),
        ("ESP in UDP", in_udp, Some("ESP")),
        ("IKE", ike, Some("IKE")),
        ("background TCP", background, None),
        ("ESP over IPv6 in 802.1Q", tagged, Some("ESP")),
    ]
}

fn kind(body: &Body<'_>) -> &'static str {
    match body {
        Body::Esp(_) => "ESP",
        Body::Ike(_) => "IKE",
        _ => "something else",
    }
}

fn frame(octets: &[u8]) -> Frame<'_> {
    Frame {
        id: FrameId {
            input: 0,
            number: 1,
        },
        time: Some(Timestamp(0)),
        vantage: VANTAGE,
        link: LinkType(1),
        wire_len: u32::try_from(octets.len()).expect("a frame is short"),
        bytes: octets,
    }
}

/// An ESP packet whose payload looks encrypted (RFC 4303 section 2).
fn esp(spi: u32, sequence: u32) -> Vec<u8> {
    let mut packet = [spi.to_be_bytes(), sequence.to_be_bytes()].concat();
    packet.extend(Noise(u64::from(spi) << 32 | u64::from(sequence)).octets(ESP_OCTETS - 8));
    packet
}

/// A sealed IKEv2 message (RFC 7296 section 3.1): `INFORMATIONAL` of 80 octets.
fn informational() -> Vec<u8> {
    let head = [&[7; 16][..], &[46, 0x20, 37, 0x08, 0, 0, 0, 2, 0, 0, 0, 80]].concat();
    let sealed = [&[0, 0, 0, 52][..], &Noise::default().octets(48)].concat();
    [head, sealed].concat()
}

// A chunk.

fn chunk(criterion: &mut Criterion) {
    let file = Scrap::of("chunk", &pcap());
    let chunk = file.chunks(CHUNK).next().expect("the file has a chunk");
    let task = Task {
        learned: &Learned::default(),
        database: &Sadb::default(),
        wants: Wants {
            gathers: true,
            ..Wants::default()
        },
    };
    let mut scanner = Scanner::default();
    let batch = scanner.scan(&chunk, None, &task);
    let mut group = criterion.benchmark_group("chunk");
    group.throughput(Throughput::Elements(batch.walked.frames));
    group.bench_function("walk", |bencher| {
        let mut scratch = Scratch::default();
        bencher.iter(|| {
            chunk.walk(&mut scratch, None, |frame| {
                black_box(frame);
            })
        });
    });
    group.bench_function("scan", |bencher| {
        bencher.iter(|| scanner.scan(&chunk, None, &task));
    });
    group.bench_function("fold", |bencher| {
        let empty = || (Order::default(), Census::default());
        bencher.iter_batched_ref(
            empty,
            |(order, census)| order.fold(&batch, 0, census),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A capture that one chunk holds: small packets of some SAs in short trains, as gateways send them.
fn pcap() -> Vec<u8> {
    const SAS: usize = 64;
    let mut noise = Noise::default();
    let mut sequences = [0; SAS];
    let mut octets = pcap_head();
    let mut micros = 0_u32;
    while octets.len() < CHUNK - 10 * (16 + 14 + 20 + ESP_OCTETS) {
        let sa = noise.below(SAS);
        for _ in 0..=noise.below(8) {
            sequences[sa] += 1;
            let number = u8::try_from(sa).expect("few SAs");
            let spi = 0xc000_0000 | u32::from(number);
            let ether = PacketBuilder::ethernet2([2; 6], [4; 6]);
            let mut frame = Vec::new();
            ether
                .ipv4([203, 0, 113, number], [198, 51, 100, 2], 60)
                .write(
                    &mut frame,
                    IpNumber::ENCAPSULATING_SECURITY_PAYLOAD,
                    &esp(spi, sequences[sa]),
                )
                .expect("memory takes it");
            micros += 10;
            let length = u32::try_from(frame.len()).expect("a frame is short");
            for word in [1_700_000_000, micros, length, length] {
                octets.extend(word.to_le_bytes());
            }
            octets.extend(frame);
        }
    }
    octets
}

/// The file header of a pcap of Ethernet, in microseconds.
fn pcap_head() -> Vec<u8> {
    let mut head = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    head.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.extend(262_144_u32.to_le_bytes());
    head.extend(1_u32.to_le_bytes());
    head
}

/// A chunk in which no record begins: the search for one runs to its bound.
fn noise(criterion: &mut Criterion) {
    let octets = [pcap_head(), Noise::default().octets(2 * NOISE)].concat();
    let file = Scrap::of("noise", &octets);
    let chunk = file.chunks(NOISE).nth(1).expect("the file has two chunks");
    let mut scratch = Scratch::default();
    let found = chunk.walk(&mut scratch, None, |_| {});
    assert_eq!(found.frames, 0, "noise holds no records");
    let mut group = criterion.benchmark_group("resynchronise");
    group.throughput(Throughput::Bytes(NOISE as u64));
    group.bench_function("random octets", |bencher| {
        bencher.iter(|| chunk.walk(&mut scratch, None, |_| {}));
    });
    group.finish();
}

/// A file that is gone when it is dropped.
struct Scrap(PathBuf);

impl Scrap {
    fn of(name: &str, octets: &[u8]) -> Self {
        let name = format!("espial-bench-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, octets).expect("the folder for temporary files takes one");
        Self(path)
    }

    fn chunks(&self, size: usize) -> impl Iterator<Item = Chunk> {
        let input = Input::open(&self.0, 0).expect("the file is a capture");
        let mut chunks = input.chunks(size);
        std::iter::from_fn(move || Some(chunks.next()?.expect("the file can be read")))
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        // Left behind it is a nuisance, no more.
        let _ = std::fs::remove_file(&self.0);
    }
}

// Flows.

fn flow_table(criterion: &mut Criterion) {
    /// SAs of one chunk, each looked up once.
    const PACKETS: usize = 4096;
    let mut group = criterion.benchmark_group("flow table");
    group.throughput(Throughput::Elements(PACKETS as u64));
    for count in [100, 10_000, 1_000_000] {
        let mut noise = Noise::default();
        let mut story = Story::of(count);
        group.bench_function(format!("{count} SAs"), |bencher| {
            bencher.iter_batched_ref(
                || -> Vec<usize> { (0..PACKETS).map(|_| noise.below(count)).collect() },
                |chosen| story.tell(chosen),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A census, and the SAs that it has seen.
struct Story {
    census: Census,
    lanes: Vec<Lane>,
    sequences: Vec<u32>,
    frames: u64,
}

impl Story {
    fn of(count: usize) -> Self {
        let number = |sa: usize| u32::try_from(sa).expect("fewer SAs than SPIs");
        let end = |number| Endpoint {
            address: IpAddr::V4(Ipv4Addr::from_bits(number)),
            port: None,
        };
        let lane = |sa| Lane {
            vantage: VANTAGE,
            path: Path {
                from: end(0xcb00_7100 + number(sa) % 200),
                to: end(0x0a00_0000 + number(sa) / 4),
                encap: Encap::default(),
            },
            spi: EspSpi(number(sa).wrapping_mul(0x9e37_79b1)),
        };
        let mut story = Self {
            census: Census::default(),
            lanes: (0..count).map(lane).collect(),
            sequences: vec![0; count],
            frames: 0,
        };
        story.tell(&(0..count).collect::<Vec<_>>());
        story
    }

    /// The next packet of each of these SAs, as if each were the first of its SA in a chunk.
    fn tell(&mut self, chosen: &[usize]) {
        for &sa in chosen {
            let lane = &self.lanes[sa];
            self.sequences[sa] += 1;
            self.frames += 1;
            let packet = EspPacket {
                frame: FrameId {
                    input: 0,
                    number: self.frames,
                },
                time: Timestamp(1_700_000_000_000_000_000 + 1000 * self.frames.cast_signed()),
                sequence: self.sequences[sa],
                length: 140,
                ttl: 60,
                traffic_class: 0,
                cut: false,
                dont_fragment: true,
                padded: false,
                fragmented: false,
                null: None,
                bytes: &[],
                opening: None,
                payload: &[],
            };
            self.census.lanes(std::slice::from_ref(lane));
            self.census.esp(lane, 0, &packet);
        }
    }
}

// Sequence numbers.

fn sequence(criterion: &mut Criterion) {
    const PACKETS: u32 = 1 << 16;
    let in_order: Vec<u32> = (1..=PACKETS).collect();
    let mut noise = Noise::default();
    let lossy: Vec<u32> = (1..=PACKETS).filter(|_| noise.below(100) != 0).collect();
    let mut shuffled = in_order.clone();
    // No packet is further from its place than receivers must allow for (RFC 4303 section 3.4.3).
    for block in shuffled.chunks_mut(64) {
        for last in (1..block.len()).rev() {
            block.swap(last, noise.below(last + 1));
        }
    }
    let mut group = criterion.benchmark_group("sequence");
    for (name, numbers) in [
        ("in order", in_order),
        ("one in 100 lost", lossy),
        ("shuffled by 64", shuffled),
    ] {
        group.throughput(Throughput::Elements(numbers.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut sequence = Sequence::default();
                for number in &numbers {
                    black_box(sequence.take(black_box(*number)));
                }
                sequence.tally()
            });
        });
    }
    group.finish();
}

// Rules.

fn rules(criterion: &mut Criterion) {
    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..100 every 0.3 size 136";
    let healthy = format!("{UP}\n1.05 B > A ESP 0xa1 seq 1..100 every 0.3 size 136");
    let mut group = criterion.benchmark_group("rules");
    for (name, conversation, is_well) in [
        ("healthy tunnel", &*healthy, true),
        ("failing tunnel", UP, false),
    ] {
        let model = espial::testing::model(conversation);
        let found = espial::diagnose::run(&model, RULES);
        let well = found
            .iter()
            .all(|finding| finding.severity == Severity::Info);
        assert_eq!(well, is_well, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| espial::diagnose::run(black_box(&model), RULES));
        });
    }
    group.finish();
}

criterion_group! {
    name = stages;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = peeling, chunk, noise, flow_table, sequence, rules
}
criterion_main!(stages);

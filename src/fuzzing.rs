//! What must hold for any octets: the bodies of the fuzz targets.
//!
//! `fuzz/` gives them to libFuzzer, `tests/it/fuzz.rs` to a small mutator of its own, so that a
//! machine without a fuzzer tries them too. A body panics where a law is broken.

use crate::capture::{Chunk, Frame, Input, LinkType, Problem, Scratch, Walked};
use crate::crypto::Secret;
use crate::keys::{EncryptionId, Ikev1Keys, Ikev2Keys, KEY_FORMATS, KeyRing, Origin, format};
use crate::limits::{AGGFRAG_PACKETS, REASSEMBLY_OCTETS, REASSEMBLY_TRAINS, STREAM_FRAMES};
use crate::net::express::{self, Ends, Express};
use crate::net::inner::Content;
use crate::net::{
    self, Body, Datagram, Encap, Esp, Fragment, Inner, IpFacts, Learned, Null, Path, Pushed,
    Reassembler, Segment, Stamp, Streams, Whole,
};
use crate::pipeline::{self, Analysis, Options};
use crate::report::dissect::{Lines, write_ndjson};
use crate::report::text::Detail;
use crate::report::view::Tunnels;
use crate::report::{Diagnosis, Selection, Sheet, json, ndjson, text, tunnels};
use crate::session::Reading;
use crate::units::{Endpoint, EspSpi, FrameId, IkeSpi, IkeSpis, Timestamp, Vantage};
use crate::wire::esp::EspHeader;
use crate::wire::{Header, Message};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A body of a fuzz target.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("message", message),
    ("frame", frame),
    ("inner", inner),
    ("capture", capture),
    ("pipeline", pipeline),
    ("reassembly", reassembly),
    ("stream", stream),
    ("keys", keys),
];

/// A key file of any octets is read by every format; what any format writes of its keys it reads
/// again without a word, and TOML gives all of them back.
pub fn keys(octets: &[u8]) {
    let mut ring = KeyRing::default();
    let _ = format::read(octets, "fuzz", &mut ring);
    for format in KEY_FORMATS {
        let problems = format.read(octets, "fuzz", &mut ring);
        let told = problems.iter().map(ToString::to_string);
        assert!(told.into_iter().all(|said| said.starts_with("fuzz")));
    }
    for format in KEY_FORMATS {
        let Some(written) = format.write(&ring) else {
            continue;
        };
        let mut again = KeyRing::default();
        for (name, text) in &written.files {
            let problems = format.read(text.expose(), name, &mut again);
            assert!(
                problems.is_empty(),
                "{}: {:?}",
                format.name,
                problems.first()
            );
        }
        if format.name == "toml" {
            let counts = |ring: &KeyRing| [ring.ikev1.len(), ring.ikev2.len(), ring.esp.len()];
            assert_eq!(counts(&ring), counts(&again), "TOML says everything");
        }
    }
    ring.fold();
}

/// An IKE message of any octets is read and shown; what was read without faults is written and read
/// again as the same.
pub fn message(octets: &[u8]) {
    let read = Message::read(octets);
    let mut shown = Vec::new();
    show(&mut shown, Body::Ike(octets));
    for fault in &read.faults {
        let said = fault.to_string();
        assert!(!said.is_empty(), "a fault says what it is");
        assert!(
            fault.at <= octets.len(),
            "{said}: beyond {} octets",
            octets.len()
        );
    }
    if !read.faults.is_empty() {
        return;
    }
    // Reserved bits and the padding of IKEv1 are not kept, so the octets may differ; what they say
    // may not.
    let emitted = read.emit();
    let again = Message::read(&emitted);
    let header = Header {
        length: read.header.length,
        ..again.header
    };
    assert_eq!(Message { header, ..again }, read);
}

/// Two octets of link type and one of octets that the capture cut, then a frame: what is told of it
/// lies in the frame, and a frame that was cut shorter tells no more.
pub fn frame(octets: &[u8]) {
    let [a, b, cut, bytes @ ..] = octets else {
        return;
    };
    let link = LinkType(u16::from_be_bytes([*a, *b]));
    let wire_len = count(bytes).saturating_add(u32::from(*cut));
    let whole = told(link, bytes, wire_len);
    let range = bytes.as_ptr_range();
    for datagram in &whole {
        let inside = held(&datagram.body).as_ptr_range();
        assert!(
            inside.is_empty() || range.start <= inside.start && inside.end <= range.end,
            "{datagram:?} lies outside of the frame"
        );
        show(&mut Vec::new(), datagram.body);
    }
    for kept in [bytes.len() / 2, bytes.len() / 4 * 3] {
        let mut prefix = told(link, bytes.get(..kept).unwrap_or_default(), wire_len);
        // What comes on any port but 4500 is told by how plausible it is, which a cut may change.
        prefix.retain(|datagram| !is_told_by_looks(datagram));
        assert!(
            prefix.len() <= whole.len(),
            "{kept} octets tell {prefix:?}, all of them {whole:?}"
        );
    }
}

/// A next header, then what ESP carries in clear: it is summed up within bounds, and shown.
pub fn inner(octets: &[u8]) {
    let [next_header, payload @ ..] = octets else {
        return;
    };
    let null = Null {
        iv: 0,
        icv: 0,
        pad_length: 0,
        next_header: *next_header,
    };
    let packet = [&[0; EspHeader::LEN], payload, &[0, *next_header]].concat();
    assert_eq!(null.payload(&packet), Some(payload));
    let Path { from, to, .. } = ends(0);
    let read = Inner::read(*next_header, payload, from.address, to.address);
    if let Content::Aggfrag(aggfrag) = &read.content {
        assert!(aggfrag.packets.len() <= AGGFRAG_PACKETS, "too many packets");
    }
    let header = EspHeader {
        spi: EspSpi(256),
        sequence: 1,
    };
    let esp = Esp {
        header,
        length: count(&packet),
        bytes: &packet,
        null: Some(null),
        opening: None,
        payload: &[],
    };
    show(&mut Vec::new(), Body::Esp(esp));
}

/// Two octets of chunk size, then a file: frames and problems do not depend on how it is cut.
pub fn capture(octets: &[u8]) {
    let [a, b, file @ ..] = octets else {
        return;
    };
    let scrap = Scrap::of(file);
    // Many small chunks take time and show nothing new.
    let size = usize::from(u16::from_be_bytes([*a, *b])).max(16 + file.len() / 64);
    let (Some(whole), Some(cut)) = (scrap.walk(file.len().max(1)), scrap.walk(size)) else {
        return;
    };
    assert_eq!(whole, cut, "chunks of {size} octets give something else");
}

/// A capture of any octets is analysed and reported in every format; threads and chunks make no
/// difference.
pub fn pipeline(octets: &[u8]) {
    let scrap = Scrap::of(octets);
    // Every other capture is read with keys.
    let keys = Arc::new(match octets.len() % 2 {
        0 => KeyRing::default(),
        _ => lenient_keys(),
    });
    let one = reports(&scrap, &keys, 1, octets.len().max(1));
    let other = reports(&scrap, &keys, 2, 4096.min(1 + octets.len() / 3));
    assert!(one == other, "threads or chunks make a difference");
}

/// A script of fragments, of eight octets each: memory stays within bounds, every packet is put
/// together of what was sent.
pub fn reassembly(octets: &[u8]) {
    let mut reassembler = Reassembler::new();
    let mut number = 0;
    let mut now = 0;
    for step in octets.chunks_exact(8) {
        let [who, identification, o1, o0, l1, l0, flags, wait] = *step else {
            return;
        };
        number += 1;
        now += i64::from(wait) * 100_000_000;
        let path = ends(who);
        let (offset, length) = (u16::from_be_bytes([o1, o0]), u16::from_be_bytes([l1, l0]));
        let kept = match flags & 2 == 0 {
            true => length,
            false => length / 2,
        };
        let sent: Vec<u8> = (u32::from(offset)..)
            .map(|at| octet(&path, at))
            .take(kept.into())
            .collect();
        let fragment = Fragment {
            identification: identification.into(),
            protocol: 17,
            offset: offset.into(),
            more: flags & 1 == 0,
            length: length.into(),
            bytes: &sent,
        };
        let ip = IpFacts {
            length: u32::from(length) + 20,
            pieces: 1,
            ..IpFacts::default()
        };
        let time = Timestamp(now);
        let pushed = reassembler.push(stamp(number, time), time, path, ip, &fragment);
        if let Pushed::Whole(whole) = pushed {
            is_sent(&whole);
        }
        let _given_up = reassembler.expire(time);
    }
    let left = reassembler.finish();
    assert!(left.len() <= REASSEMBLY_TRAINS, "too many packets wait");
    let head: usize = left
        .iter()
        .filter_map(|train| train.head.as_ref())
        .map(Vec::len)
        .sum();
    assert!(head <= REASSEMBLY_OCTETS, "too many octets wait");
}

/// A script of TCP segments, of eight octets each, which are windows on two streams of ESP: memory
/// stays within bounds, and every message that is told whole was sent.
pub fn stream(octets: &[u8]) {
    /// Octets of a message with its length.
    const MESSAGE: u32 = 50;
    let sent = |place: u32| {
        let number = place / MESSAGE;
        let head = [0, 50, 0, 0, 0x70, 7];
        let at = place % MESSAGE;
        let counted = number
            .to_be_bytes()
            .get(at.wrapping_sub(6) as usize)
            .copied();
        let fixed = head.get(at as usize).copied();
        fixed.or(counted).unwrap_or(0x5a)
    };
    let mut streams = Streams::default();
    for (number, step) in (1..).zip(octets.chunks_exact(8)) {
        let [flags, p2, p1, p0, l1, l0, ack1, ack0] = *step else {
            return;
        };
        let mut path = ends(0);
        path.from.port = Some(40000);
        path.to.port = Some(4500);
        if flags & 1 != 0 {
            (path.from, path.to) = (path.to, path.from);
        }
        // Streams begin shortly before sequence numbers wrap.
        let begin = u32::MAX - 1000;
        let place = u32::from_be_bytes([0, p2, p1, p0]);
        let length = u16::from_be_bytes([l1, l0]);
        let kept = if flags & 2 == 0 { length } else { length / 2 };
        let syn = flags & 0x18 == 0x18;
        let bytes: Vec<u8> = (place..).map(sent).take(kept.into()).collect();
        let acknowledged = u32::from(u16::from_be_bytes([ack1, ack0]));
        let segment = Segment {
            // A SYN has a number of its own.
            sequence: begin.wrapping_add(place).wrapping_sub(u32::from(syn)),
            acknowledgment: (flags & 4 != 0).then_some(begin.wrapping_add(acknowledged)),
            syn,
            rst: flags & 0x60 == 0x60,
            length: length.into(),
            bytes: &bytes,
        };
        let stamp = stamp(number, Timestamp(0));
        let datagram = Datagram {
            stamp,
            path,
            ip: IpFacts::default(),
            cut: false,
            body: Body::Segment(segment),
        };
        streams.push(
            &datagram,
            &segment,
            &[stamp.frame],
            &mut |message, frames| {
                assert!(frames.last() == Some(&stamp.frame), "{frames:?}");
                assert!(frames.len() <= STREAM_FRAMES + 1, "{frames:?}");
                let Body::Esp(esp) = message.body else {
                    return;
                };
                if esp.header.spi.0 == 0x7007 && !message.cut {
                    let begin = esp.header.sequence.wrapping_mul(MESSAGE).wrapping_add(2);
                    let whole = (begin..).map(sent).take(MESSAGE as usize - 2);
                    assert!(esp.bytes.iter().copied().eq(whole), "{message:?}");
                }
            },
        );
    }
    let unread = streams.finish();
    assert!(unread.tls.is_empty(), "nothing here is TLS");
}

/// The octet that is sent at this place of every packet between these ends.
fn octet(path: &Path, at: u32) -> u8 {
    let [low, high, ..] = at.to_le_bytes();
    let seed = u8::from(path.from.address.is_ipv6());
    low.wrapping_mul(31) ^ high ^ seed
}

fn is_sent(whole: &Whole) {
    assert!(u32::try_from(whole.payload.len()).is_ok_and(|kept| kept <= whole.length));
    assert_eq!(whole.cut, count(&whole.payload) < whole.length);
    let sent = (0..).map(|at| octet(&whole.path, at));
    assert!(
        whole
            .payload
            .iter()
            .copied()
            .eq(sent.take(whole.payload.len())),
        "a packet was put together wrongly"
    );
}

/// Two ends by the low bit: IPv4 or IPv6.
fn ends(who: u8) -> Path {
    let end = |last: u8| Endpoint {
        address: match who & 1 {
            0 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
            _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())),
        },
        port: None,
    };
    Path {
        from: end(1),
        to: end(2 + who / 64),
        encap: Encap::default(),
    }
}

fn stamp(number: u64, time: Timestamp) -> Stamp {
    Stamp {
        frame: FrameId { input: 0, number },
        time: Some(time),
        vantage: Vantage {
            input: 0,
            interface: 0,
        },
        wire_len: 0,
    }
}

/// Writes a datagram in both formats of `dissect`.
fn show(out: &mut Vec<u8>, body: Body<'_>) {
    let time = Timestamp(0);
    let datagram = Datagram {
        stamp: stamp(1, time),
        path: ends(0),
        ip: IpFacts::default(),
        cut: false,
        body,
    };
    for verbose in [true, false] {
        let mut lines = Lines::new(Sheet::default(), verbose);
        dissect(out, &mut lines, &datagram, time, &Reading::default());
        assert!(lines.flush(out).is_ok(), "memory takes whatever is written");
    }
}

fn dissect(
    out: &mut Vec<u8>,
    lines: &mut Lines,
    datagram: &Datagram<'_>,
    time: Timestamp,
    reading: &Reading,
) {
    let mut record = Vec::new();
    let written = write_ndjson(&mut record, datagram, time, reading);
    assert!(written.is_ok(), "memory takes whatever is written");
    if !record.is_empty() {
        is_json(&record);
    }
    out.extend(record);
    let written = lines.write(out, datagram, time, reading);
    assert!(written.is_ok(), "memory takes whatever is written");
}

fn is_json(octets: &[u8]) {
    let parsed = serde_json::from_slice::<serde_json::Value>(octets);
    assert!(
        parsed.is_ok(),
        "{parsed:?}: {}",
        String::from_utf8_lossy(octets)
    );
}

/// All that is told of a frame.
fn told(link: LinkType, bytes: &[u8], wire_len: u32) -> Vec<Datagram<'_>> {
    let time = Timestamp(0);
    let Stamp { frame, vantage, .. } = stamp(1, time);
    let frame = Frame {
        id: frame,
        time: Some(time),
        vantage,
        link,
        wire_len,
        bytes,
    };
    let mut told = Vec::new();
    net::peel(&frame, &mut Learned::default(), &mut |datagram| {
        told.push(datagram);
    });
    ways_agree(&frame, &told);
    told
}

/// A frame that takes the short way is told as by the long one; gives whether it took it.
pub(crate) fn ways_agree(frame: &Frame<'_>, told: &[Datagram<'_>]) -> bool {
    let Some(short) = express::read(frame) else {
        return false;
    };
    let long = told.first().filter(|_| told.len() == 1);
    let esp = long.and_then(|long| match &long.body {
        Body::Esp(esp) => Some((long, esp)),
        _ => None,
    });
    assert!(
        esp.is_some(),
        "{short:?} on the short way, {told:?} on the long one"
    );
    let Some((long, esp)) = esp else {
        return false;
    };
    let Datagram {
        stamp, path, ip, ..
    } = long;
    assert_eq!((esp.null, stamp.vantage), (None, frame.vantage));
    assert_eq!(
        (short.ends.path(), short.ends.spi()),
        (*path, esp.header.spi)
    );
    let long_way = Express {
        ends: Ends::of(path, esp.header.spi).unwrap_or(short.ends),
        sequence: esp.header.sequence,
        length: esp.length,
        ttl: ip.ttl,
        traffic_class: ip.traffic_class,
        cut: long.cut,
        dont_fragment: ip.dont_fragment,
        padded: ip.padded,
    };
    assert_eq!(short, long_way);
    assert_eq!(Ends::of(path, esp.header.spi), Some(short.ends));
    true
}

/// The octets of a frame that a datagram refers to.
fn held<'a>(body: &Body<'a>) -> &'a [u8] {
    match body {
        Body::Ike(bytes) => bytes,
        Body::Esp(esp) => esp.bytes,
        Body::Ah(ah) => ah.bytes,
        Body::Fragment(fragment) => fragment.bytes,
        Body::Segment(segment) => segment.bytes,
        Body::Keepalive | Body::Icmp(_) | Body::Clear(_) | Body::Learned(_) => &[],
    }
}

/// Whether it is told by how plausible its octets are, not by its port.
fn is_told_by_looks(datagram: &Datagram<'_>) -> bool {
    let ports = [datagram.path.from.port, datagram.path.to.port];
    let by_looks = matches!(
        datagram.body,
        Body::Ike(_) | Body::Learned(_) | Body::Segment(_)
    );
    by_looks && !ports.contains(&Some(4500))
}

fn count(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}

/// Keys that may be of any IKE SA and take whatever makes payloads for opened: nothing is encrypted,
/// and there is no key to check it with.
fn lenient_keys() -> KeyRing {
    /// ENCR_NULL, AUTH_HMAC_SHA2_256_128 and PRF_HMAC_SHA2_256.
    const SUITE: (u16, u16, u16) = (11, 12, 5);
    let origin = Origin {
        file: "keys".to_owned(),
        line: 1,
    };
    let (id, integrity, prf) = SUITE;
    let secret = || Some(Secret::new(vec![0; 16]));
    KeyRing {
        ikev1: vec![Ikev1Keys {
            encryption_key: secret(),
            skeyid_a: secret(),
            skeyid_d: secret(),
            ..Ikev1Keys::new(IkeSpi(0), origin.clone())
        }],
        ikev2: vec![Ikev2Keys {
            encryption: Some(EncryptionId { id, key_bits: None }),
            integrity: Some(integrity),
            prf: Some(prf),
            sk_d: secret(),
            ..Ikev2Keys::new(IkeSpis::default(), origin)
        }],
        esp: Vec::new(),
    }
}

/// Every report on a capture, one after the other.
fn reports(scrap: &Scrap, keys: &Arc<KeyRing>, threads: usize, chunk_size: usize) -> Vec<u8> {
    let options = Options {
        keys: Arc::clone(keys),
        threads: NonZeroUsize::new(threads),
        chunk_size: NonZeroUsize::new(chunk_size),
        ..Options::default()
    };
    let mut out = Vec::new();
    let Some(input) = scrap.open() else {
        return out;
    };
    let analysis = pipeline::analyze(vec![input], &options);
    assert!(analysis.is_ok(), "the system gives threads");
    let Ok(Analysis { model, findings }) = analysis else {
        return out;
    };
    let selection = Selection::default();
    let diagnosis = Diagnosis::new(&model, &findings, &selection);
    let view = Tunnels::new(&model, &selection);
    let mut documents = [Vec::new(), Vec::new()];
    let [first, second] = &mut documents;
    let sheet = Sheet::default();
    let written = [
        json::write(first, &diagnosis),
        json::write(second, &view),
        text::write(&mut out, &diagnosis, sheet, Detail { verbose: false }),
        text::write(&mut out, &diagnosis, sheet, Detail { verbose: true }),
        tunnels::write(&mut out, &view, sheet),
        ndjson::write(&mut out, &diagnosis.findings),
        ndjson::write(&mut out, view.tunnels.iter()),
    ];
    assert!(
        written.iter().all(Result::is_ok),
        "memory takes whatever is written"
    );
    for document in &documents {
        is_json(document);
        out.extend(document);
    }
    let mut lines = Lines::new(sheet, true);
    if let Some(input) = scrap.open() {
        let read = pipeline::dissect(vec![input], &options, &mut |datagram, time, reading| {
            dissect(&mut out, &mut lines, datagram, time, reading);
            ControlFlow::Continue(())
        });
        assert!(read.is_ok(), "the system gives threads");
    }
    out
}

/// A file that is gone when it is dropped.
struct Scrap(PathBuf);

/// What a walk tells of a file: its frames, its problems, and how many octets it read.
type Story = (Vec<String>, Vec<Problem>, u64);

impl Scrap {
    fn of(octets: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "espial-fuzz-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        let written = std::fs::write(&path, octets);
        assert!(written.is_ok(), "the folder for temporary files takes one");
        Self(path)
    }

    /// The file as an input; `None` if it is no capture.
    fn open(&self) -> Option<Input> {
        Input::open(&self.0, 0).ok()
    }

    /// Walks the file in chunks, as [`crate::pipeline`] does; `None` if it is no capture.
    fn walk(&self, size: usize) -> Option<Story> {
        let mut chunks = self.open()?.chunks(size);
        let mut story = Vec::new();
        let mut so_far: Option<Walked> = None;
        while let Some(Ok(chunk)) = chunks.next() {
            let (mut frames, mut walked) = walk(&chunk, None);
            if let Some(before) = &so_far
                && walked.start != before.end
            {
                (frames, walked) = walk(&chunk, Some(before));
            }
            story.extend(frames);
            match &mut so_far {
                Some(so_far) => so_far.append(walked),
                None => so_far = Some(walked),
            }
        }
        let walked = so_far?;
        Some((story, walked.problems.into_vec(), walked.end.offset))
    }
}

fn walk(chunk: &Chunk, before: Option<&Walked>) -> (Vec<String>, Walked) {
    let mut frames = Vec::new();
    let walked = chunk.walk(
        &mut Scratch::default(),
        before.map(|walked| &walked.end),
        |frame| {
            let Frame {
                time,
                vantage,
                link,
                wire_len,
                bytes,
                ..
            } = frame;
            frames.push(format!(
                "{time:?} {vantage:?} {link} {wire_len} {bytes:02x?}"
            ));
        },
    );
    (frames, walked)
}

impl Drop for Scrap {
    fn drop(&mut self) {
        // Left behind it is a nuisance, no more.
        let _ = std::fs::remove_file(&self.0);
    }
}

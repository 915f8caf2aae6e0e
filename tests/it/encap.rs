//! IPsec inside TCP, and on ports that do not stand for it.

use crate::run::shared;
use espial::Options;
use espial::capture::Input;
use espial::net::{Body, Datagram};
use espial::testing;
use espial::testing::capture::{Emitter, Segment};
use std::net::SocketAddrV4;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that is gone when it is dropped.
pub(crate) struct Scrap(pub(crate) PathBuf);

impl Scrap {
    pub(crate) fn of(emitter: &Emitter) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("espial-encap-{}-{next}.pcap", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, emitter.octets()).unwrap();
        Self(path)
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn a(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new([192, 0, 2, 1].into(), port)
}

pub(crate) fn b(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new([192, 0, 2, 2].into(), port)
}

/// The octets of an IKE message, written as a conversation has it.
fn ike(line: &str) -> Vec<u8> {
    let model = testing::census(&format!("0 {line}")).unwrap();
    model.messages.iter().next().unwrap().bytes.to_vec()
}

fn init() -> Vec<u8> {
    ike("A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce")
}

fn init_response() -> Vec<u8> {
    ike("B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce")
}

fn auth() -> Vec<u8> {
    ike("A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256")
}

fn marked(message: &[u8]) -> Vec<u8> {
    [&[0; 4], message].concat()
}

fn esp(spi: u32, sequence: u32) -> Vec<u8> {
    [&spi.to_be_bytes()[..], &sequence.to_be_bytes(), &[0x5a; 60]].concat()
}

/// A message behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len() + 2).unwrap();
    [&length.to_be_bytes(), message].concat()
}

const PREFIX: &[u8] = b"IKETCP";

/// A TCP connection whose sequence numbers are counted.
struct Talk {
    emitter: Emitter,
    ends: [SocketAddrV4; 2],
    next: [u32; 2],
}

impl Talk {
    /// A connection in the middle, with the next sequence numbers of both ends.
    fn late(from: SocketAddrV4, to: SocketAddrV4, next: [u32; 2]) -> Self {
        Self {
            emitter: Emitter::default(),
            ends: [from, to],
            next,
        }
    }

    /// A connection that is opened.
    fn open(from: SocketAddrV4, to: SocketAddrV4) -> Self {
        let mut talk = Self::late(from, to, [0xffff_ff00, 7]);
        talk.handshake();
        talk
    }

    fn handshake(&mut self) {
        let [here, there] = self.next;
        let syn = Segment {
            sequence: here,
            syn: true,
            ..Segment::default()
        };
        let answer = Segment {
            sequence: there,
            acknowledgment: Some(here.wrapping_add(1)),
            syn: true,
            ..Segment::default()
        };
        let [a, b] = self.ends;
        self.emitter.tcp(a, b, syn, &[]).tcp(b, a, answer, &[]);
        self.next = [here.wrapping_add(1), there.wrapping_add(1)];
    }

    /// Sends at this distance from the next octet, and does not count it.
    fn at(&mut self, who: usize, distance: usize, data: &[u8]) -> &mut Self {
        let segment = Segment {
            sequence: self.next[who].wrapping_add(distance as u32),
            ..Segment::default()
        };
        self.emitter
            .tcp(self.ends[who], self.ends[1 - who], segment, data);
        self
    }

    /// Sends what comes next.
    fn send(&mut self, who: usize, data: &[u8]) -> &mut Self {
        self.at(who, 0, data).skip(who, data.len())
    }

    /// Sends what the capture does not see.
    fn skip(&mut self, who: usize, octets: usize) -> &mut Self {
        self.next[who] = self.next[who].wrapping_add(octets as u32);
        self
    }

    /// Acknowledges all that the other end has sent.
    fn acknowledge(&mut self, who: usize) -> &mut Self {
        let segment = Segment {
            sequence: self.next[who],
            acknowledgment: Some(self.next[1 - who]),
            ..Segment::default()
        };
        self.emitter
            .tcp(self.ends[who], self.ends[1 - who], segment, &[]);
        self
    }

    fn said(&self) -> Vec<String> {
        said(&self.emitter)
    }
}

fn words(datagram: &Datagram<'_>) -> String {
    let encap: Vec<_> = datagram
        .path
        .encap
        .iter()
        .map(|layer| layer.to_string())
        .collect();
    let port = |port: Option<u16>| port.map_or(String::new(), |port| port.to_string());
    let what = match datagram.body {
        Body::Ike(message) => format!("ike {}", message.len()),
        Body::Esp(esp) => format!("esp {} #{}", esp.header.spi, esp.header.sequence),
        Body::Keepalive => "keepalive".to_owned(),
        other => format!("{other:?}"),
    };
    let cut = if datagram.cut { " cut" } else { "" };
    format!(
        "{} {}>{} {what}{cut} [{}]",
        datagram.stamp.frame.number,
        port(datagram.path.from.port),
        port(datagram.path.to.port),
        encap.join(" ")
    )
}

/// What is dissected of a capture, in words.
fn dissected(path: &Path) -> Vec<String> {
    let mut said = Vec::new();
    let input = Input::open(path, 0).unwrap();
    espial::dissect(vec![input], &Options::default(), &mut |datagram, _, _| {
        said.push(words(datagram));
        ControlFlow::Continue(())
    })
    .unwrap();
    said
}

fn said(emitter: &Emitter) -> Vec<String> {
    dissected(&Scrap::of(emitter).0)
}

/// What is analysed of a capture: its flows, and what could not be read.
fn analysed(emitter: &Emitter) -> (Vec<String>, Vec<String>) {
    let scrap = Scrap::of(emitter);
    let input = Input::open(&scrap.0, 0).unwrap();
    let model = espial::analyze(vec![input], &Options::default())
        .unwrap()
        .model;
    let flows = model.flows.iter().map(|flow| {
        let (key, sequence) = (flow.key, flow.sequence);
        let missing = sequence.missing;
        format!(
            "{:?} {} {} missing {missing}",
            key.transport, key.spi, flow.packets
        )
    });
    let blind = model
        .blind
        .iter()
        .map(|blind| format!("{}: {}", blind.what, blind.why));
    (flows.collect(), blind.collect())
}

/// A whole conversation over TCP: negotiated, then ESP both ways, packed in every manner.
pub(crate) fn conversation(from: SocketAddrV4, to: SocketAddrV4) -> Emitter {
    let mut talk = Talk::open(from, to);
    talk.send(0, PREFIX).send(0, &framed(&marked(&init())));
    talk.acknowledge(1)
        .send(1, &framed(&marked(&init_response())));
    let auth = framed(&marked(&auth()));
    talk.send(0, &auth[..1])
        .send(0, &auth[1..100])
        .send(0, &auth[100..]);
    for sequence in 1..=40 {
        let one = framed(&esp(0xc0b1, sequence * 2 - 1));
        let two = framed(&esp(0xc0b1, sequence * 2));
        let both = [one.clone(), two].concat();
        match sequence % 4 {
            0 => talk.send(0, &both),
            // Cut anywhere.
            1 => talk.send(0, &both[..30]).send(0, &both[30..]),
            // Turned about, and sent again.
            2 => talk.at(0, one.len(), &both[one.len()..]).send(0, &both),
            // One is lost to the capture.
            _ => talk.skip(0, one.len()).send(0, &both[one.len()..]),
        };
        talk.acknowledge(1).send(1, &framed(&esp(0xc0a1, sequence)));
    }
    talk.emitter
}

/// IKE on UDP 14500, then ESP, in between the same in fragments.
pub(crate) fn odd_port() -> Emitter {
    let mut emitter = Emitter::default();
    let (here, there) = (a(4711), b(14500));
    // Nothing is known of this path yet.
    emitter.udp(there, here, &esp(0xc0a1, 1));
    emitter.udp(here, there, &marked(&init()));
    emitter.udp(there, here, &marked(&init_response()));
    emitter.udp_in_two(here, there, &marked(&auth()), 128);
    for sequence in 1..=40 {
        emitter.udp(here, there, &esp(0xc0b1, sequence));
        emitter.udp_in_two(there, here, &esp(0xc0a1, sequence + 1), 32);
    }
    emitter.udp(here, there, &[0xff]);
    emitter
}

#[test]
fn a_conversation_over_tcp_is_read_as_one_over_udp() {
    let mut talk = Talk::open(a(40000), b(4500));
    talk.send(0, PREFIX).send(0, &framed(&marked(&init())));
    talk.send(1, &framed(&marked(&init_response())));
    talk.send(0, &framed(&esp(0xc0b1, 1)))
        .send(1, &framed(&[0xff]));
    let (init, response) = (init().len(), init_response().len());
    assert_eq!(
        talk.said(),
        [
            format!("4 40000>4500 ike {init} [tcp]"),
            format!("5 4500>40000 ike {response} [tcp]"),
            "6 40000>4500 esp 0x0000c0b1 #1 [tcp]".to_owned(),
            "7 4500>40000 keepalive [tcp]".to_owned(),
        ]
    );
}

/// A connection on which IKE has passed, five frames.
fn negotiated() -> Talk {
    let mut talk = Talk::open(a(40000), b(4500));
    talk.send(0, PREFIX).send(0, &framed(&marked(&init())));
    talk.send(1, &framed(&marked(&init_response())));
    talk
}

fn packet(sequence: u32) -> Vec<u8> {
    framed(&esp(0xc0b1, sequence))
}

/// What follows the first five frames.
fn after(talk: &Talk) -> Vec<String> {
    let said = talk.said();
    let esp = said.iter().filter(|words| words.contains("esp"));
    esp.map(|words| {
        words
            .replace(" 40000>4500 esp 0x0000c0b1", "")
            .replace(" [tcp]", "")
    })
    .collect()
}

#[test]
fn a_message_belongs_to_the_frame_that_completes_it() {
    let mut talk = negotiated();
    let one = packet(1);
    talk.send(0, &one[..1])
        .send(0, &one[1..9])
        .send(0, &one[9..]);
    let several = [packet(2), packet(3), packet(4)].concat();
    talk.send(0, &several);
    assert_eq!(after(&talk), ["8 #1", "9 #2", "9 #3", "9 #4"]);
}

#[test]
fn segments_that_come_late_twice_or_overlapping_change_nothing() {
    let mut talk = negotiated();
    let all = [packet(1), packet(2), packet(3)].concat();
    let [first, second, third] = [&all[..50], &all[50..120], &all[120..]];
    talk.at(0, 120, third).at(0, 50, second).at(0, 120, third);
    talk.at(0, 0, first).at(0, 0, first);
    // The first octets win: these come for a second time, and differ.
    talk.at(0, 10, &[0xee; 100]).skip(0, all.len());
    talk.send(0, &packet(4));
    assert_eq!(after(&talk), ["9 #1", "9 #2", "9 #3", "12 #4"]);
}

#[test]
fn of_two_overlapping_segments_the_first_wins() {
    let mut talk = negotiated();
    let all = [packet(1), packet(2), packet(3)].concat();
    let forged = vec![0xee; 100];
    talk.at(0, 72, &all[72..])
        .at(0, 75, &forged)
        .at(0, 0, &all[..72]);
    assert_eq!(after(&talk), ["8 #1", "8 #2", "8 #3"]);
}

#[test]
fn a_lost_segment_costs_what_it_held_and_no_more() {
    // Inside of a message, and a whole one.
    for (lost, expected) in [
        (20..40, vec!["8 #1 cut", "8 #2", "8 #3"]),
        (0..70, vec!["8 #2", "8 #3"]),
        (60..80, vec!["8 #1 cut", "9 #3"]),
    ] {
        let mut talk = negotiated();
        let pair = [packet(1), packet(2)].concat();
        talk.send(0, &pair[..lost.start]).skip(0, lost.len());
        talk.send(0, &pair[lost.end..]).acknowledge(1);
        talk.send(0, &packet(3));
        let told = after(&talk);
        assert_eq!(told.len(), expected.len(), "{lost:?}: {told:?}");
        let (_, blind) = analysed(&talk.emitter);
        assert!(
            blind[0].contains("octets of IKE and ESP in 1 TCP connection"),
            "{blind:?}"
        );
    }
}

#[test]
fn what_is_missing_without_an_acknowledgment_is_given_up_at_last() {
    let mut talk = negotiated();
    talk.skip(0, 70);
    for sequence in 2..400 {
        talk.send(0, &packet(sequence));
    }
    let told = after(&talk);
    assert!(told.len() > 390, "{}", told.len());
}

#[test]
fn a_capture_that_begins_late_finds_the_next_message() {
    let mut talk = Talk::late(a(40000), b(4500), [u32::MAX - 300, 9]);
    talk.send(0, &packet(1)[30..])
        .send(0, &packet(2))
        .send(0, &packet(3));
    talk.send(0, &[packet(4), packet(5)].concat());
    talk.send(0, &[&packet(6)[..], &packet(7)[..9]].concat())
        .send(0, &packet(7)[9..]);
    assert_eq!(
        after(&talk),
        ["2 #2", "3 #3", "4 #4", "4 #5", "5 #6", "6 #7"]
    );
}

#[test]
fn a_short_snapshot_length_leaves_the_headers() {
    let mut talk = negotiated();
    talk.emitter = Emitter::new(60);
    talk.handshake();
    talk.send(0, PREFIX)
        .send(0, &framed(&marked(&init())))
        .send(0, &packet(1))
        .send(0, &packet(2));
    talk.acknowledge(1).send(0, &packet(3));
    assert_eq!(after(&talk), ["5 #1 cut", "6 #2 cut", "8 #3 cut"]);
}

#[test]
fn a_port_used_again_begins_anew() {
    let mut talk = negotiated();
    talk.send(0, &packet(1)[..30]);
    talk.next = [1_000_000, 2_000_000];
    talk.handshake();
    talk.send(0, PREFIX).send(0, &packet(2));
    let reset = Segment {
        sequence: talk.next[0],
        rst: true,
        ..Segment::default()
    };
    talk.emitter.tcp(a(40000), b(4500), reset, &[]);
    // No SYN is seen of the next one.
    talk.next = [5, 5];
    talk.send(0, &packet(3));
    assert_eq!(after(&talk), ["10 #2", "12 #3"]);
}

#[test]
fn other_ports_are_learned_by_the_prefix_or_by_ike() {
    for port in [443, 500, 12345] {
        for first in [PREFIX, &[]] {
            let mut talk = Talk::open(a(40000), b(port));
            // Nothing speaks for this yet.
            talk.send(1, &packet(9));
            talk.send(0, first)
                .send(0, &framed(&marked(&init())))
                .send(0, &packet(1));
            talk.send(1, &packet(2));
            let said = talk.said();
            assert_eq!(said.len(), 3, "{port}: {said:?}");
            assert!(
                said[1].ends_with(&format!("40000>{port} esp 0x0000c0b1 #1 [tcp]")),
                "{said:?}"
            );
        }
    }
}

#[test]
fn other_traffic_over_tcp_4500_says_nothing() {
    let mut talk = Talk::open(a(40000), b(4500));
    talk.send(0, b"GET / HTTP/1.1\r\n\r\n")
        .send(1, b"HTTP/1.1 200 OK\r\n\r\n");
    talk.send(0, &packet(1));
    assert_eq!(talk.said(), [""; 0]);
    assert_eq!(analysed(&talk.emitter).1, [""; 0]);
    let mut late = Talk::late(a(40000), b(4500), [1, 1]);
    late.send(0, b"some words of a conversation")
        .send(1, b"and an answer to them");
    assert_eq!(late.said(), [""; 0]);
    assert_eq!(analysed(&late.emitter).1, [""; 0]);
}

#[test]
fn tls_on_the_port_of_ipsec_is_told_once() {
    let mut talk = Talk::open(a(40000), b(4500));
    let hello = [&[22, 3, 1, 0, 200, 1][..], &[7; 199]].concat();
    talk.send(0, &hello).send(1, &hello).send(0, &hello);
    assert_eq!(talk.said(), [""; 0]);
    assert_eq!(
        analysed(&talk.emitter).1,
        [
            "IKE and ESP inside TLS from 192.0.2.1:40000 to 192.0.2.2:4500: what TLS protects cannot be read"
        ]
    );
}

#[test]
fn esp_over_tcp_makes_flows_of_their_own() {
    let mut talk = negotiated();
    talk.send(0, &packet(1))
        .send(0, &packet(2))
        .send(0, &packet(4));
    talk.emitter.udp(a(4500), b(4500), &esp(0xc0b1, 1));
    let (flows, _) = analysed(&talk.emitter);
    assert_eq!(
        flows,
        ["Tcp 0x0000c0b1 3 missing 1", "Udp 0x0000c0b1 1 missing 0"]
    );
}

#[test]
fn what_the_capture_lacks_of_a_tcp_stream_is_no_loss_of_esp() {
    let scrap = Scrap::of(&conversation(a(40000), b(4500)));
    let input = Input::open(&scrap.0, 0).unwrap();
    let analysis = espial::analyze(vec![input], &Options::default()).unwrap();
    let slugs: Vec<_> = analysis
        .findings
        .iter()
        .map(|finding| finding.rule.slug)
        .collect();
    assert_eq!(slugs, [""; 0]);
    let missing: u64 = analysis
        .model
        .flows
        .iter()
        .map(|flow| flow.sequence.missing)
        .sum();
    assert_eq!(missing, 10);
}

#[test]
fn packets_with_ciscos_trailer_are_read_on_any_port() {
    let trailer = |protocol: u8| {
        [
            &[0; 4][..],
            &[0x12, 0x34, 0x40, 0],
            b"!Eli\x10",
            &[protocol, 1, 0],
        ]
        .concat()
    };
    let message = ike("A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)");
    let length = u16::try_from(8 + message.len() + 16).unwrap().to_be_bytes();
    let in_udp = [
        &[1, 0xf4, 1, 0xf4][..],
        &length,
        &[0, 0],
        &message,
        &[0; 16],
    ]
    .concat();
    let mut talk = Talk::late(a(40000), b(10000), [1, 1]);
    talk.send(0, &[in_udp, trailer(17)].concat());
    talk.send(1, &[esp(0xc0b1, 7), trailer(50)].concat());
    talk.send(1, &[esp(0xc0b1, 8), trailer(51)].concat());
    assert_eq!(
        talk.said(),
        [
            format!("1 40000>10000 ike {} [tcp]", message.len()),
            "2 10000>40000 esp 0x0000c0b1 #7 [tcp]".to_owned(),
        ]
    );
}

#[test]
fn esp_in_udp_is_read_on_the_port_where_marked_ike_was_seen() {
    let said = said(&odd_port());
    let (init, response, auth) = (init().len(), init_response().len(), auth().len());
    assert_eq!(
        said[..5],
        [
            format!("2 4711>14500 ike {init} [udp]"),
            format!("3 14500>4711 ike {response} [udp]"),
            format!("5 4711>14500 ike {auth} [udp]"),
            "6 4711>14500 esp 0x0000c0b1 #1 [udp]".to_owned(),
            "8 14500>4711 esp 0x0000c0a1 #2 [udp]".to_owned(),
        ]
    );
    assert_eq!(said.len(), 3 + 80 + 1);
    assert!(said[83].contains("keepalive"), "{}", said[83]);
}

#[test]
fn ike_without_a_marker_says_nothing_of_esp() {
    let mut emitter = Emitter::default();
    emitter.udp(a(999), b(501), &init());
    emitter.udp(a(999), b(501), &esp(0xc0b1, 1));
    assert_eq!(
        said(&emitter),
        [format!("1 999>501 ike {} [udp]", init().len())]
    );
}

#[test]
fn no_more_paths_are_learned_than_there_is_room_for_and_that_is_told() {
    let mut emitter = Emitter::default();
    for port in 0..70 {
        emitter.udp(a(20000 + port), b(30000), &marked(&init()));
        emitter.udp(a(20000 + port), b(30000), &esp(0xc0b1, 1 + u32::from(port)));
    }
    let (flows, blind) = analysed(&emitter);
    assert_eq!(flows, ["Udp 0x0000c0b1 64 missing 0"]);
    assert!(
        blind.iter().any(|told| told.contains("unusual ports")),
        "{blind:?}"
    );
}

/// Captures of other traffic: what is recognised by content there is no IPsec.
#[test]
fn nothing_is_recognised_in_captures_of_other_traffic() {
    let Some(shared) = shared() else { return };
    let mut wrong = Vec::new();
    for folder in ["link", "robust"] {
        let folder = shared.join("corpus").join(folder);
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let Ok(input) = Input::open(&path, 0) else {
                continue;
            };
            espial::dissect(vec![input], &Options::default(), &mut |datagram, _, _| {
                let ports = [datagram.path.from.port, datagram.path.to.port];
                let is_usual = ports
                    .iter()
                    .flatten()
                    .any(|port| matches!(port, 500 | 4500));
                let is_tcp = datagram.path.encap.is_tcp();
                let is_ours =
                    matches!(datagram.body, Body::Ike(_) | Body::Esp(_) | Body::Keepalive);
                if is_ours && (is_tcp || ports[0].is_some() && !is_usual) {
                    wrong.push(format!("{}: {}", path.display(), words(datagram)));
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Conversations: scripts of what two gateways say and what the path does to it.

use super::reports::{lenient_keys, reports};
use super::scrap::Scrap;
use super::script::Script;
use crate::keys::KeyRing;
use crate::registry::{ExchangeType, PayloadType};
use crate::testing::capture::Emitter;
use crate::units::{IkeSpi, IkeSpis};
use crate::wire::header::HEADER_LEN;
use crate::wire::{Flags, Header, Message, Version};
use std::net::SocketAddrV4;
use std::sync::Arc;

/// Steps of one script: more take time and show nothing new.
const STEPS: usize = 64;

/// Packets of ESP that one step sends at most.
const TRAIN: u8 = 32;

/// A script of steps, four octets each: the capture of it is analysed and reported on, with keys and
/// without; threads and chunks make no difference.
pub fn conversation(octets: &[u8]) {
    let capture = written(octets);
    let scrap = Scrap::of(&capture);
    for keys in [KeyRing::default(), lenient_keys()].map(Arc::new) {
        let one = reports(&scrap, &keys, 1, capture.len());
        let other = reports(&scrap, &keys, 2, 1 + capture.len() / 5);
        assert!(one == other, "threads or chunks make a difference");
        one.fit();
    }
}

/// The capture that a script tells.
pub fn written(octets: &[u8]) -> Vec<u8> {
    let mut script = Script(octets);
    let mut talk = Talk::new();
    for _ in 0..STEPS {
        let [what, a, b, wait] = script.take(4) else {
            break;
        };
        talk.emitter.pause(pause(*wait));
        talk.step(*what, *a, *b);
    }
    talk.emitter.octets().to_vec()
}

/// Microseconds: up to 127 milliseconds, or about as many times two seconds.
fn pause(wait: u8) -> i64 {
    let units = i64::from(wait & 0x7f);
    match wait & 0x80 {
        0 => units * 1_000,
        _ => units * 2_000_000,
    }
}

const UDP: u8 = 17;
const ESP: u8 = 50;
const ICMP: u8 = 1;

/// What both gateways know, and what befalls the next packet.
struct Talk {
    emitter: Emitter,
    ends: [SocketAddrV4; 2],
    /// Whether IKE and ESP share port 4500.
    floats: bool,
    spis: IkeSpis,
    /// The next message ID of either end.
    next: [u32; 2],
    /// The last sequence number of each of eight SAs.
    sequence: [u32; 8],
    /// Every packet so far: who sent it, its protocol and what IP carries.
    sent: Vec<(usize, u8, Vec<u8>)>,
    lost: bool,
    pieces: bool,
    /// The place and the bits of the damage.
    damage: Option<(u8, u8)>,
}

impl Talk {
    fn new() -> Self {
        let end = |last| SocketAddrV4::new([192, 0, 2, last].into(), 500);
        Self {
            emitter: Emitter::default(),
            ends: [end(1), end(2)],
            floats: false,
            spis: IkeSpis {
                initiator: IkeSpi(1),
                responder: IkeSpi(2),
            },
            next: [1; 2],
            sequence: [0; 8],
            sent: Vec::new(),
            lost: false,
            pieces: false,
            damage: None,
        }
    }

    fn step(&mut self, what: u8, a: u8, b: u8) {
        match what % 16 {
            0 => self.first_request(a, b),
            1 => self.first_response(a, b),
            2 => self.sealed(a, b),
            3 => self.esp(a, b),
            4 => self.icmp(a, b),
            5 => self.udp(a, &[0xff]),
            6 => {
                let place = self.sent.len().checked_sub(1 + usize::from(a));
                if let Some((who, protocol, packet)) =
                    place.and_then(|place| self.sent.get(place)).cloned()
                {
                    self.packet(who, protocol, &packet);
                }
            }
            7 => self.lost = true,
            8 => self.pieces = true,
            9 => self.damage = Some((a, b)),
            10 => self.moves(a, b),
            11 => {
                self.spis.initiator = IkeSpi(1 + u64::from(a % 4));
                self.spis.responder = IkeSpi(2 + u64::from(b % 4));
                self.next = [1; 2];
            }
            12 => self.main_mode(a, b),
            13 => self.sealed_v1(a, b),
            14 => self.fragment(a, b),
            _ => {
                self.emitter
                    .pause((i64::from(a) - 128) * i64::from(b) * 100_000);
            }
        }
    }

    /// IKE_SA_INIT, or IKE_SESSION_RESUME, of the initiator.
    fn first_request(&mut self, a: u8, b: u8) {
        let exchange = match a & 8 {
            0 => ExchangeType::IKE_SA_INIT,
            _ => ExchangeType::IKE_SESSION_RESUME,
        };
        self.floats = false;
        let spis = IkeSpis {
            responder: IkeSpi(0),
            ..self.spis
        };
        let ke = [&[0, 14, 0, 0][..], &[b; 32]].concat();
        let payloads = [
            (
                1,
                PayloadType::NOTIFY,
                &[&[0, 0, 0x40, 6][..], &[b; 8]].concat()[..],
            ),
            (0, PayloadType::SA, IKE_SA),
            (0, PayloadType::KE, &ke),
            (0, PayloadType::NONCE, &[b; 32]),
            (
                2,
                PayloadType::NOTIFY,
                &[&[0, 0, 0x40, 4][..], &[1; 20]].concat(),
            ),
            (
                2,
                PayloadType::NOTIFY,
                &[&[0, 0, 0x40, 5][..], &[2; 20]].concat(),
            ),
            (4, PayloadType::VENDOR_ID, &[b; 16]),
        ];
        let chosen = payloads.iter().filter(|(bits, ..)| a & bits == *bits);
        let chosen: Vec<_> = chosen.map(|(_, kind, body)| (*kind, *body)).collect();
        let header = header(2, exchange, 0x08, spis, 0);
        self.ike(0, &message(header, &chosen, None));
    }

    /// The answer to it: yes, or a notification.
    fn first_response(&mut self, a: u8, b: u8) {
        let ke = [&[0, 14, 0, 0][..], &[b; 32]].concat();
        let notify = [0, 0, a & 0x40, b, 0, 15];
        let yes = [
            (PayloadType::SA, IKE_SA),
            (PayloadType::KE, &ke[..]),
            (PayloadType::NONCE, &[!b; 32]),
        ];
        let no = [(PayloadType::NOTIFY, &notify[..])];
        let header = header(2, ExchangeType::IKE_SA_INIT, 0x20, self.spis, 0);
        let payloads = if a & 1 == 0 { &yes[..] } else { &no[..] };
        self.ike(1, &message(header, payloads, None));
        self.floats = a & 2 == 0;
    }

    /// A sealed message that the keys of [`lenient_keys`] open.
    fn sealed(&mut self, a: u8, b: u8) {
        let (who, header) = self.later(a);
        let spi = [0, 0, 1, a >> 5];
        let sa = [&[0, 0, 0, 32, 1, 3, 4, 2][..], &spi, CHILD_TRANSFORMS].concat();
        let notify = [0, 0, 0, a, b, b];
        let delete = [&[3, 4, 0, 1][..], &spi].concat();
        let name = *b"\x02\0\0\0gw.example";
        let payloads = [
            (1, PayloadType::IDI, &name[..]),
            (2, PayloadType::IDR, &name),
            (4, PayloadType::AUTH, &[2, 0, 0, 0, 1, 2, 3, 4]),
            (8, PayloadType::SA, &sa),
            (16, PayloadType::TSI, SELECTOR),
            (32, PayloadType::TSR, SELECTOR),
            (64, PayloadType::NOTIFY, &notify),
            (128, PayloadType::DELETE, &delete),
        ];
        let chosen = payloads.iter().filter(|(bit, ..)| b & bit != 0);
        let chosen: Vec<_> = chosen.map(|(_, kind, body)| (*kind, *body)).collect();
        let mut inner = chain(&chosen, PayloadType::NONE);
        // No padding, its length, a checksum.
        inner.extend([0; 17]);
        let first = chosen.first().map_or(PayloadType::NONE, |one| one.0);
        self.ike(
            who,
            &message(header, &[(PayloadType::SK, &inner)], Some(first)),
        );
    }

    /// An IKE fragment of a sealed message.
    fn fragment(&mut self, a: u8, b: u8) {
        let (who, header) = self.later(a);
        let body = [&[0, 1 + b % 4, 0, 1 + (b >> 2) % 4][..], &[b; 40], &[0; 17]].concat();
        let first = match b % 4 {
            0 => PayloadType::IDI,
            _ => PayloadType::NONE,
        };
        self.ike(
            who,
            &message(header, &[(PayloadType::SKF, &body)], Some(first)),
        );
    }

    /// Who sends a message after the first two, and its header.
    fn later(&mut self, a: u8) -> (usize, Header) {
        let (who, response) = (usize::from(a & 1), a & 2 != 0);
        let exchange = match a >> 2 & 3 {
            0 => ExchangeType::IKE_AUTH,
            1 => ExchangeType::CREATE_CHILD_SA,
            2 => ExchangeType::INFORMATIONAL,
            _ => ExchangeType::IKE_INTERMEDIATE,
        };
        // A response has the number that the other end used last.
        let asks = if response { 1 - who } else { who };
        let number = self.next.get_mut(asks).map_or(0, |next| {
            if !response {
                *next += 1;
            }
            next.saturating_sub(1)
        });
        let flags = if who == 0 { 0x08 } else { 0 } | if response { 0x20 } else { 0 };
        (who, header(2, exchange, flags, self.spis, number))
    }

    /// A message of IKEv1 in clear.
    fn main_mode(&mut self, a: u8, b: u8) {
        let exchange = match a & 8 {
            0 => ExchangeType::IDENTITY_PROTECTION,
            _ => ExchangeType::AGGRESSIVE,
        };
        let mut spis = self.spis;
        if a & 2 == 0 {
            spis.responder = IkeSpi(0);
        }
        let payloads = [
            (16, PayloadType::SA_V1, IKE_SA_V1),
            (32, PayloadType::KE_V1, &[b; 32]),
            (32, PayloadType::NONCE_V1, &[b; 16]),
            (32, PayloadType::NAT_D_V1, &[b; 20]),
            (64, PayloadType::VENDOR_ID_V1, &[b; 16]),
            (128, PayloadType::NOTIFY_V1, &[0, 0, 0, 1, 1, 0, 0, 14]),
        ];
        let chosen = payloads.iter().filter(|(bit, ..)| a & bit != 0);
        let chosen: Vec<_> = chosen.map(|(_, kind, body)| (*kind, *body)).collect();
        self.floats = a & 4 != 0;
        let header = header(1, exchange, 0, spis, 0);
        self.ike((a & 1).into(), &message(header, &chosen, None));
    }

    /// A message of IKEv1 that is encrypted.
    fn sealed_v1(&mut self, a: u8, b: u8) {
        let exchange = match a >> 2 & 3 {
            0 => ExchangeType::IDENTITY_PROTECTION,
            1 => ExchangeType::QUICK_MODE,
            2 => ExchangeType::INFORMATIONAL_V1,
            _ => ExchangeType::TRANSACTION,
        };
        let header = Header {
            next_payload: PayloadType::HASH_V1,
            ..header(1, exchange, 0x01, self.spis, u32::from(a >> 4))
        };
        let sealed = vec![b; 16 * (1 + usize::from(b % 16))];
        let message = Message {
            header,
            payloads: Vec::new(),
            sealed: Some(&sealed),
            faults: Vec::new(),
        };
        self.ike((a & 1).into(), &message.emit());
    }

    /// Packets of one SA, with or without gaps.
    fn esp(&mut self, a: u8, b: u8) {
        let spi = 0x100 + u32::from(a >> 5);
        for number in 0..=b % TRAIN {
            let Some(sequence) = self.sequence.get_mut(usize::from(a >> 5)) else {
                return;
            };
            // Now and then one that comes again, or that jumps.
            *sequence = match (b >> 5, number % 4) {
                (1, 0) => sequence.wrapping_add(3),
                (2, 0) => *sequence,
                (3, 0) => sequence.wrapping_sub(5),
                (4, 0) => 1,
                (5, 0) => u32::MAX,
                _ => sequence.wrapping_add(1),
            };
            let octets = 64 + usize::from(a >> 1 & 15) * 8;
            let head = [spi.to_be_bytes(), sequence.to_be_bytes()].concat();
            let packet = [&head[..], &vec![number ^ b; octets]].concat();
            self.emitter.pause(i64::from(b >> 2) * 1_000);
            match self.floats {
                true => self.udp(a, &packet),
                false => self.packet((a & 1).into(), ESP, &packet),
            }
        }
    }

    /// An ICMP error about a packet that was sent.
    fn icmp(&mut self, a: u8, b: u8) {
        let place = self.sent.len().checked_sub(1 + usize::from(b >> 4));
        let Some((who, protocol, payload)) = place.and_then(|place| self.sent.get(place)) else {
            return;
        };
        let (from, to) = self.between(*who);
        let kept = payload.get(..8 + usize::from(a)).unwrap_or(payload);
        let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
        let parts: [&[u8]; 7] = [
            &[3 + 8 * (b & 1), b >> 1 & 7, 0, 0, 0, 0, 5, a],
            &[0x45, 0],
            &length.to_be_bytes(),
            &[0, 0, 0, 0, 64, *protocol, 0, 0],
            &from.ip().octets(),
            &to.ip().octets(),
            kept,
        ];
        self.packet(1 - *who, ICMP, &parts.concat());
    }

    /// The first end gets another port, or another address too.
    fn moves(&mut self, a: u8, b: u8) {
        let [first, _] = &mut self.ends;
        first.set_port(1024 + u16::from(b));
        if a & 1 != 0 {
            first.set_ip([198, 51, 100, a].into());
        }
    }

    fn between(&self, who: usize) -> (SocketAddrV4, SocketAddrV4) {
        let [first, second] = self.ends;
        match who {
            0 => (first, second),
            _ => (second, first),
        }
    }

    /// An IKE message, behind the marker where it is needed (RFC 3948 section 2.2).
    fn ike(&mut self, who: usize, message: &[u8]) {
        let marker = if self.floats { &[0; 4][..] } else { &[] };
        self.udp(u8::from(who != 0), &[marker, message].concat());
    }

    /// A UDP datagram of the end that the low bit tells.
    fn udp(&mut self, who: u8, data: &[u8]) {
        let who = usize::from(who & 1);
        let (from, to) = self.between(who);
        // A port that a NAT gave stays.
        let port = |end: SocketAddrV4| match (end.port(), self.floats) {
            (500, true) => 4500,
            (port, _) => port,
        };
        let length = u16::try_from(8 + data.len()).unwrap_or(u16::MAX);
        let header = [port(from), port(to), length, 0].map(u16::to_be_bytes);
        self.packet(who, UDP, &[header.as_flattened(), data].concat());
    }

    /// A packet, as the path lets it through.
    fn packet(&mut self, who: usize, protocol: u8, payload: &[u8]) {
        /// More fragments (RFC 791 section 3.1).
        const MORE: u16 = 0x2000;
        let (from, to) = self.between(who);
        self.sent.push((who, protocol, payload.to_vec()));
        if std::mem::take(&mut self.lost) {
            return;
        }
        let mut payload = payload.to_vec();
        if let Some((at, bits)) = self.damage.take()
            && let Some(octet) = payload.get_mut(usize::from(at))
        {
            *octet ^= bits;
        }
        match payload.split_at_checked(32) {
            Some((head, tail)) if std::mem::take(&mut self.pieces) => {
                self.emitter.ip(from, to, protocol, MORE, head);
                self.emitter.ip(from, to, protocol, 4, tail);
            }
            _ => {
                self.emitter.ip(from, to, protocol, 0, &payload);
            }
        }
    }
}

/// ENCR_AES_CBC-256, PRF_HMAC_SHA2_256, AUTH_HMAC_SHA2_256_128, group 14.
const IKE_SA: &[u8] = &[
    0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, 3, 0, 0, 8, 2, 0, 0, 5, 3,
    0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0, 14,
];

/// ENCR_AES_GCM_16-256, no extended sequence numbers.
const CHILD_TRANSFORMS: &[u8] = &[
    3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0, 0, 0, 0, 8, 5, 0, 0, 0,
];

/// The situation of IPsec and a proposal of one transform: AES-CBC-256, SHA2-256, a preshared key,
/// group 14.
const IKE_SA_V1: &[u8] = &[
    0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 36, 1, 1, 0, 1, 0, 0, 0, 28, 1, 1, 0, 0, 0x80, 1, 0, 7, 0x80,
    14, 1, 0, 0x80, 2, 0, 4, 0x80, 3, 0, 1, 0x80, 4, 0, 14,
];

/// 10.1.0.0 to 10.1.255.255.
const SELECTOR: &[u8] = &[
    1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 1, 0, 0, 10, 1, 0xff, 0xff,
];

fn header(version: u8, exchange: ExchangeType, flags: u8, spis: IkeSpis, id: u32) -> Header {
    Header {
        spis,
        next_payload: PayloadType::NONE,
        version: Version(version << 4),
        exchange,
        flags: Flags(flags),
        message_id: id,
        length: 0,
    }
}

/// A message of these payloads; `inner` is the type that the last of them names, if it seals others.
fn message(
    header: Header,
    payloads: &[(PayloadType, &[u8])],
    inner: Option<PayloadType>,
) -> Vec<u8> {
    let chain = chain(payloads, inner.unwrap_or(PayloadType::NONE));
    let header = Header {
        next_payload: payloads.first().map_or(PayloadType::NONE, |one| one.0),
        length: u32::try_from(HEADER_LEN + chain.len()).unwrap_or(u32::MAX),
        ..header
    };
    let mut out = Vec::new();
    header.emit(&mut out);
    out.extend(chain);
    out
}

/// Payloads with their generic headers; the last names `after`.
fn chain(payloads: &[(PayloadType, &[u8])], after: PayloadType) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, (_, body)) in payloads.iter().enumerate() {
        let next = payloads.get(place + 1).map_or(after, |one| one.0);
        let length = u16::try_from(4 + body.len()).unwrap_or(u16::MAX);
        out.extend([next.0, 0]);
        out.extend(length.to_be_bytes());
        out.extend(*body);
    }
    out
}

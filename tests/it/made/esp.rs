//! What else ESP and AH may carry, sealed under the recorded keys.

use super::files::pcap;
use super::links::ETHERNET;
use super::packets::{self, AH, ESP, ETHERTYPE_IPV4, ip};
use super::recording::{Frame, Recording, keys_of};
use super::seal::{self, Plain};
use super::transports::{IKE_AUTH, IKE_SA_INIT, Inside, exchange, inside};
use super::{Alike, Made, Part};
use espial::crypto::{Prf, Secret};
use espial::keys::{AddressPattern, IntegrityId, KeyRing};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;

pub(super) const MADE: &[Made] = &[
    Made {
        name: "made-esn-wrap",
        of: "dpd-timeout",
        alike: Alike::Nothing,
        make: esn_wrap,
    },
    Made {
        name: "made-ip-tfs",
        of: "ts-narrowed",
        alike: Alike::Nothing,
        make: ip_tfs,
    },
    Made {
        name: "made-ah",
        of: "ts-narrowed",
        alike: Alike::Nothing,
        make: ah,
    },
    Made {
        name: "made-null-esp",
        of: "healthy-suites",
        alike: Alike::Nothing,
        make: null_esp,
    },
];

/// SPI and sequence number.
fn head(esp: &[u8]) -> [u32; 2] {
    [0, 4].map(|at| u32::from_be_bytes(esp[at..at + 4].try_into().unwrap()))
}

/// ESP alone, with extended sequence numbers (RFC 4303 section 2.2.1) of which the low half begins
/// again at zero under way. The recorded number 1 becomes this one.
fn esn_wrap(recording: &Recording) -> Vec<Part> {
    const FIRST: u64 = (1 << 32) - 10;
    // What comes later in the recording is not answered.
    const PACKETS: usize = 40;
    let mut frames = recording.map(|frame| {
        let ip = ip(&frame.octets).filter(|ip| ip.protocol == ESP)?;
        let [spi, sequence] = head(ip.payload);
        let number = FIRST + u64::from(sequence) - 1;
        let halves = [(number >> 32) as u32, number as u32].map(Some);
        let key = seal::esp_key(&recording.ring, ip.payload);
        let plain = seal::open_esp(&recording.ring, ip.payload);
        let esp = seal::seal_esp(&key, spi, halves, &plain);
        let packet = packets::packet(ip.from, ip.to, ESP, &esp);
        Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet))
    });
    frames.truncate(PACKETS);
    let mut ring = recording.ring.clone();
    ring.ikev2.clear();
    ring.esp.iter_mut().for_each(|keys| keys.esn = Some(true));
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        keys_of(&ring),
    ]
}

/// A frame with an IKE message in place of its own, which came behind the marker.
fn with_message(frame: &Frame, message: &[u8]) -> Vec<u8> {
    let ([from, to], _) = inside(frame).unwrap();
    let packet = packets::udp(from, to, &[&[0; 4], message].concat());
    packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet)
}

/// IP-TFS (RFC 9347): two inner packets go into three ESP packets of one size, cut wherever those
/// end. USE_AGGFRAG stands in both messages of IKE_AUTH.
fn ip_tfs(recording: &Recording) -> Vec<Part> {
    const USE_AGGFRAG: u16 = 16442;
    const AGGFRAG_PAYLOAD: u8 = 144;
    /// Octets of data blocks in each packet.
    const DATA: usize = 64;
    const STEP: i64 = 40_000;
    let mut frames = Vec::new();
    let mut waiting: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    let mut sent: BTreeMap<u32, u32> = BTreeMap::new();
    for frame in &recording.frames {
        match inside(frame) {
            Some((_, Inside::Ike(message, true))) if exchange(&message) == IKE_AUTH => {
                let key = seal::ike_key(&recording.ring, &message);
                let message = seal::reseal_ike(&message, &key, |first, payloads| {
                    // No congestion control, and fragments are welcome (section 5.1).
                    seal::notify(first, payloads, USE_AGGFRAG, &[0]);
                });
                frames.push(Frame {
                    time: frame.time,
                    octets: with_message(frame, &message),
                });
            }
            Some(([from, to], Inside::Esp(esp))) => {
                let [spi, _] = head(&esp);
                let queue = waiting.entry(spi).or_default();
                queue.push(seal::open_esp(&recording.ring, &esp).payload);
                if queue.len() < 2 {
                    continue;
                }
                let first = queue[0].len();
                let mut data = std::mem::take(queue).concat();
                let whole = data.len();
                // Zeros are padding: where a packet would begin there is no version 0.
                data.resize(data.len().next_multiple_of(DATA), 0);
                let key = seal::esp_key(&recording.ring, &esp);
                for (n, blocks) in (0..).zip(data.chunks(DATA)) {
                    let at = n as usize * DATA;
                    // How far it is to the first block that begins here or later: section 2.2.1.
                    let starts = [0, first, whole].into_iter();
                    let offset = starts.filter(|start| *start >= at).min().unwrap() - at;
                    let offset = u16::try_from(offset).unwrap().to_be_bytes();
                    let payload = [&[0, 0][..], &offset, blocks].concat();
                    let plain = Plain {
                        next_header: AGGFRAG_PAYLOAD,
                        payload,
                    };
                    let number = sent.entry(spi).or_insert(0);
                    *number += 1;
                    let esp = seal::seal_esp(&key, spi, [None, Some(*number)], &plain);
                    let packet = packets::packet(from.ip(), to.ip(), ESP, &esp);
                    frames.push(Frame {
                        time: frame.time + n * STEP,
                        octets: packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet),
                    });
                }
            }
            _ => frames.push(frame.clone()),
        }
    }
    frames.sort_by_key(|frame| frame.time);
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        recording.keys(),
    ]
}

/// AH in place of ESP (RFC 4302), in tunnel mode: AUTH_HMAC_SHA2_256_128 is offered, chosen and
/// keyed as RFC 7296 section 2.17 says.
fn ah(recording: &Recording) -> Vec<Part> {
    const SA: u8 = 33;
    const AUTH_HMAC_SHA2_256_128: u16 = 12;
    let keys = integrity_keys(recording);
    let office = recording
        .frames
        .iter()
        .find_map(|frame| Some(ip(&frame.octets)?.from));
    let frames = recording.map(|frame| {
        let (ends, what) = match inside(frame) {
            Some(found) => found,
            None => return Some(frame.octets.clone()),
        };
        match what {
            Inside::Ike(message, true) if exchange(&message) == IKE_AUTH => {
                let key = seal::ike_key(&recording.ring, &message);
                let message = seal::reseal_ike(&message, &key, |first, payloads| {
                    let found = seal::chain(*first, payloads).into_iter();
                    let (_, range) = found.clone().find(|(kind, _)| *kind == SA).unwrap();
                    // A header of four octets, one of eight of the first proposal, then its SPI.
                    let spi = payloads[range.start + 12..range.start + 16].to_vec();
                    let next = payloads[range.start];
                    payloads.splice(range, offer(next, &spi));
                });
                Some(with_message(frame, &message))
            }
            Inside::Ike(..) => Some(frame.octets.clone()),
            Inside::Esp(esp) => {
                let [from, to] = ends.map(|end| end.ip());
                let inner = seal::open_esp(&recording.ring, &esp);
                let key = &keys[usize::from(Some(from) != office)];
                // Next header, length in words less two, and two octets that are reserved.
                let head = [&[inner.next_header, 5, 0, 0], &esp[..8]].concat();
                let mut packet = packets::packet(
                    from,
                    to,
                    AH,
                    &[&head[..], &[0; 16], &inner.payload].concat(),
                );
                // Flags, time to live and checksum change on their way (section 3.3.3.1.1.1).
                let mut still = packet.clone();
                for at in [1, 6, 7, 8, 10, 11] {
                    still[at] = 0;
                }
                let mut code = Hmac::<Sha256>::new_from_slice(key).unwrap();
                code.update(&still);
                packet[32..48].copy_from_slice(&code.finalize().into_bytes()[..16]);
                Some(packets::ethernet(&frame.octets, ETHERTYPE_IPV4, &packet))
            }
        }
    });
    let mut ring = recording.ring.clone();
    for row in &mut ring.esp {
        let who = usize::from(office.map(AddressPattern::One) != Some(row.from));
        row.ah = true;
        row.encryption = None;
        row.encryption_key = Secret::new(Vec::new());
        row.integrity = Some(IntegrityId::usual(AUTH_HMAC_SHA2_256_128));
        row.integrity_key = keys[who][..].into();
    }
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        keys_of(&ring),
    ]
}

/// An SA payload of one proposal: AH with AUTH_HMAC_SHA2_256_128, no extended sequence numbers.
fn offer(next_payload: u8, spi: &[u8]) -> Vec<u8> {
    [
        &[next_payload, 0, 0, 32][..],
        &[0, 0, 0, 28, 1, 2, 4, 2],
        spi,
        &[3, 0, 0, 8, 3, 0, 0, 12],
        &[0, 0, 0, 8, 5, 0, 0, 0],
    ]
    .concat()
}

/// Keys of the child SA that IKE_AUTH makes, towards the responder and towards the initiator:
/// prf+ (SK_d, Ni | Nr) with the PRF of the recorded IKE SA.
fn integrity_keys(recording: &Recording) -> [Vec<u8>; 2] {
    const NONCE: u8 = 40;
    const PRF_HMAC_SHA2_384: u16 = 6;
    const KEY: usize = 32;
    let nonces: Vec<Vec<u8>> = recording
        .frames
        .iter()
        .filter_map(|frame| match inside(frame)? {
            (_, Inside::Ike(message, _)) if exchange(&message) == IKE_SA_INIT => {
                let payloads = &message[28..];
                let found = seal::chain(message[16], payloads).into_iter();
                let (_, range) = { found }.find(|(kind, _)| *kind == NONCE)?;
                Some(payloads[range.start + 4..range.end].to_vec())
            }
            _ => None,
        })
        .collect();
    let [ni, nr] = &nonces[..] else {
        panic!("one IKE_SA_INIT")
    };
    let sk_d = recording.ring.ikev2[0].sk_d.as_ref().unwrap();
    let prf = Prf::new(PRF_HMAC_SHA2_384).unwrap();
    let material = prf.plus(sk_d.expose(), &[ni, nr], 2 * KEY).unwrap();
    let (forth, back) = material.expose().split_at(KEY);
    [forth.to_vec(), back.to_vec()]
}

/// The last two IKE SAs of the recording, whose ESP is ENCR_NULL: nothing is changed.
fn null_esp(recording: &Recording) -> Vec<Part> {
    // The suites come one IKE SA after the other; those that do not encrypt are the last two.
    let spi = |frame: &Frame| match inside(frame) {
        Some((_, Inside::Ike(message, _))) => {
            Some(u64::from_be_bytes(message[..8].try_into().unwrap()))
        }
        _ => None,
    };
    let mut spis: Vec<u64> = recording.frames.iter().filter_map(spi).collect();
    spis.dedup();
    let ours = &spis[spis.len() - 2..];
    let frames: Vec<Frame> = recording
        .frames
        .iter()
        .skip_while(|frame| spi(frame) != Some(ours[0]))
        .cloned()
        .collect();
    let mut ring = KeyRing::default();
    let keys = recording
        .ring
        .ikev2
        .iter()
        .filter(|keys| ours.contains(&keys.spis.initiator.0));
    ring.ikev2.extend(keys.cloned());
    vec![
        Part::new("capture.pcap", pcap(ETHERNET, &frames)),
        keys_of(&ring),
    ]
}

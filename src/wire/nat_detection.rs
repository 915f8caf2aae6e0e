//! NAT detection: the hash of an address and a port, in IKEv1 (RFC 3947 section 3.2 and its drafts)
//! and in IKEv2 (RFC 7296 section 2.23).
//!
//! IKEv2 always hashes with SHA-1, IKEv1 with the hash that phase 1 negotiates. Each algorithm has a
//! length of its own, so the hash itself tells how it was made; Tiger (24 octets) is not computed.

use super::{Body, Message, ikev1};
use crate::registry::{NotifyType, PayloadType};
use crate::units::{Endpoint, IkeSpis};
use alloc::vec::Vec;
use core::net::IpAddr;
use sha1::Digest;
use sha1::digest::Output;

/// The hashes of a message. A sender with several addresses sends a hash of each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hashes<'a> {
    /// Of its sender.
    pub source: Vec<&'a [u8]>,
    /// Of its receiver.
    pub destination: Vec<&'a [u8]>,
}

/// The kinds of payloads that carry hashes.
pub const PAYLOADS: [PayloadType; 4] = [
    PayloadType::NOTIFY,
    PayloadType::NAT_D_V1,
    PayloadType::NAT_D_DRAFT_V1,
    ikev1::NAT_D_DRAFT_00,
];

/// The hashes that a message carries in clear. In IKEv1 the first is of the receiver and those after
/// it of the sender (RFC 3947 section 3.2); IKEv2 names them.
pub fn hashes<'a>(message: &Message<'a>) -> Hashes<'a> {
    let mut hashes = Hashes::default();
    for payload in &message.payloads {
        if let Body::V1(ikev1::Body::NatD(hash)) = &payload.body {
            let side = match hashes.destination.is_empty() {
                true => &mut hashes.destination,
                false => &mut hashes.source,
            };
            side.push(hash);
        }
    }
    for notify in message.notifies() {
        match notify.kind {
            NotifyType::NAT_DETECTION_SOURCE_IP => hashes.source.push(notify.data),
            NotifyType::NAT_DETECTION_DESTINATION_IP => hashes.destination.push(notify.data),
            _ => {}
        }
    }
    hashes
}

/// Whether a hash in a message with these SPIs is of this end; `None` if no algorithm makes hashes
/// of its length, or the port is not known.
pub fn fits(hash: &[u8], spis: IkeSpis, end: Endpoint) -> Option<bool> {
    Some(match hash.len() {
        16 => digest::<md5::Md5>(spis, end)?.as_slice() == hash,
        20 => digest::<sha1::Sha1>(spis, end)?.as_slice() == hash,
        32 => digest::<sha2::Sha256>(spis, end)?.as_slice() == hash,
        48 => digest::<sha2::Sha384>(spis, end)?.as_slice() == hash,
        64 => digest::<sha2::Sha512>(spis, end)?.as_slice() == hash,
        _ => return None,
    })
}

/// What the hashes of one end fit, the best first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fit {
    /// The address and port that are seen.
    Both,
    /// The address that is seen and port 0, from which nothing is ever sent: made to look like a
    /// translation, as Libreswan does where encapsulation is configured.
    Faked,
    /// Neither.
    Other,
}

/// What the best of the hashes of one end fits: a sender with several addresses sends a hash of
/// each. `None` if there is none that [`fits`] can tell of.
pub fn fit(hashes: &[&[u8]], spis: IkeSpis, end: Endpoint) -> Option<Fit> {
    let nowhere = Endpoint {
        port: end.port.map(|_| 0),
        ..end
    };
    let fit = |hash: &&[u8]| {
        Some(match fits(hash, spis, end)? {
            true => Fit::Both,
            false if fits(hash, spis, nowhere) == Some(true) => Fit::Faked,
            false => Fit::Other,
        })
    };
    hashes.iter().filter_map(fit).min()
}

/// SHA-1(SPIi | SPIr | address | port), as a message with these SPIs carries it for `end`; `None`
/// without a port.
pub fn sha1(spis: IkeSpis, end: Endpoint) -> Option<[u8; 20]> {
    Some(digest::<sha1::Sha1>(spis, end)?.into())
}

/// The hash of SPIi | SPIr | address | port.
fn digest<D: Digest>(spis: IkeSpis, end: Endpoint) -> Option<Output<D>> {
    let port = end.port?;
    let hash = D::new()
        .chain_update(spis.initiator.0.to_be_bytes())
        .chain_update(spis.responder.0.to_be_bytes());
    let hash = match end.address {
        IpAddr::V4(address) => hash.chain_update(address.octets()),
        IpAddr::V6(address) => hash.chain_update(address.octets()),
    };
    Some(hash.chain_update(port.to_be_bytes()).finalize())
}

/// What a hash fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// The sender's address and port, as they are seen here.
    Source,
    /// The receiver's.
    Destination,
    /// Neither: an address was translated, or the hash was faked.
    Neither,
}

/// What a hash in a message from one end to another fits; `None` as for [`fits`].
pub fn matches(hash: &[u8], spis: IkeSpis, from: Endpoint, to: Endpoint) -> Option<Match> {
    Some(match (fits(hash, spis, from)?, fits(hash, spis, to)?) {
        (true, _) => Match::Source,
        (_, true) => Match::Destination,
        _ => Match::Neither,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::IkeSpi;

    const SPIS: IkeSpis = IkeSpis {
        initiator: IkeSpi(0x0102_0304_0506_0708),
        responder: IkeSpi(0),
    };

    fn end(address: &str, port: Option<u16>) -> Endpoint {
        Endpoint {
            address: address.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn a_hash_tells_the_address_it_was_made_of() {
        let from = end("192.0.2.1", Some(500));
        let to = end("2001:db8::2", Some(4500));
        let fits = |hash: &[u8]| matches(hash, SPIS, from, to);
        let made = |end| sha1(SPIS, end).unwrap();
        assert_eq!(fits(&made(from)), Some(Match::Source));
        assert_eq!(fits(&made(to)), Some(Match::Destination));
        let private = made(end("10.0.0.1", Some(500)));
        assert_eq!(fits(&private), Some(Match::Neither));
        assert_eq!(sha1(SPIS, end("192.0.2.1", None)), None);
    }

    /// A message whose first payload is of the kind `next`.
    fn message(next: u8, version: u8, payloads: &[u8]) -> Vec<u8> {
        let length = u8::try_from(28 + payloads.len()).unwrap();
        let head: [&[u8]; 4] = [&[1; 16], &[next, version, 34, 8], &[0; 7], &[length]];
        [head.concat().as_slice(), payloads].concat()
    }

    #[test]
    fn each_kind_of_payload_that_carries_hashes_is_read_alone() {
        let hash = [7; 20];
        // RFC 3947, its drafts from 03 on, and the first.
        for kind in [20, 130, 15] {
            let payload = |next: u8| [&[next, 0, 0, 24][..], &hash].concat();
            let octets = message(kind, 0x10, &[payload(kind), payload(0)].concat());
            let whole = Message::read(&octets);
            let alone = Message::read_of(&octets, &PAYLOADS);
            assert_eq!(hashes(&whole).source, [hash], "of payload {kind}");
            assert_eq!(hashes(&alone), hashes(&whole), "of payload {kind}");
        }
    }

    #[test]
    fn each_version_says_of_whom_a_hash_is() {
        // Notifications: of the destination, of the source, of something else.
        let v2 = message(
            41,
            0x20,
            &[
                [41, 0, 0, 9, 0, 0, 0x40, 5, b'd'],
                [41, 0, 0, 9, 0, 0, 0x40, 4, b's'],
                [0, 0, 0, 9, 0, 0, 0x40, 6, b'x'],
            ]
            .concat(),
        );
        let told = hashes(&Message::read(&v2));
        assert_eq!(told.source, [b"s"]);
        assert_eq!(told.destination, [b"d"]);
        // NAT-D payloads: the receiver's, then the sender's.
        let v1 = message(
            20,
            0x10,
            &[[20, 0, 0, 5, b'd'], [20, 0, 0, 5, b's'], [0, 0, 0, 5, b't']].concat(),
        );
        let told = hashes(&Message::read(&v1));
        assert_eq!(told.destination, [b"d"]);
        assert_eq!(told.source, [b"s", b"t"]);
    }

    #[test]
    fn port_0_is_told_from_another_address() {
        let seen = end("192.0.2.1", Some(500));
        let made = |end| sha1(SPIS, end).unwrap();
        let both = made(seen);
        let faked = made(end("192.0.2.1", Some(0)));
        let other = made(end("192.0.2.9", Some(500)));
        let told = |hashes: &[&[u8]]| fit(hashes, SPIS, seen);
        assert_eq!(told(&[&other, &both, &faked]), Some(Fit::Both));
        assert_eq!(told(&[&other, &faked]), Some(Fit::Faked));
        assert_eq!(told(&[&other]), Some(Fit::Other));
        assert_eq!(told(&[&[1, 2, 3]]), None);
    }

    #[test]
    fn the_length_of_a_hash_tells_its_algorithm() {
        let end = end("192.0.2.1", Some(500));
        for hash in [
            digest::<md5::Md5>(SPIS, end).unwrap().to_vec(),
            digest::<sha1::Sha1>(SPIS, end).unwrap().to_vec(),
            digest::<sha2::Sha256>(SPIS, end).unwrap().to_vec(),
            digest::<sha2::Sha384>(SPIS, end).unwrap().to_vec(),
            digest::<sha2::Sha512>(SPIS, end).unwrap().to_vec(),
        ] {
            assert_eq!(fits(&hash, SPIS, end), Some(true));
            assert_eq!(fits(&vec![0; hash.len()], SPIS, end), Some(false));
            assert_eq!(fits(&hash[1..], SPIS, end), None);
        }
        // Tiger.
        assert_eq!(fits(&[0; 24], SPIS, end), None);
        assert_eq!(fits(&[], SPIS, end), None);
    }
}

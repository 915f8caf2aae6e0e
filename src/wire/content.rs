//! IKE told by its octets alone, whatever port it came on.
//!
//! Stricter than [`Header::is_plausible`], which judges on a port where IKE is expected: here
//! everything must fit, so that other traffic is never taken for it.

use super::header::{HEADER_LEN, Header, Version};
use super::natt::NON_ESP_MARKER;
use crate::limits::PAYLOADS;
use crate::registry::{ExchangeType, PayloadType};

/// Offset of the length in the header.
const LENGTH_AT: usize = 24;

/// An IKE message, found in octets that nothing else spoke for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found<'a> {
    /// The message, as far as it was kept.
    pub message: &'a [u8],
    /// Whether the non-ESP marker stood before it: then ESP shares its port (RFC 3948 section 2.2).
    pub marked: bool,
}

/// The IKE message that a payload of `length` octets is, of which `payload` was kept; `None` if it
/// is none for certain.
pub fn find(payload: &[u8], length: usize) -> Option<Found<'_>> {
    if let Some(message) = payload.strip_prefix(&NON_ESP_MARKER)
        && is_ike(message, length.saturating_sub(NON_ESP_MARKER.len()))
    {
        return Some(Found {
            message,
            marked: true,
        });
    }
    is_ike(payload, length).then_some(Found {
        message: payload,
        marked: false,
    })
}

/// Whether `length` octets, of which `bytes` were kept, are one IKE message and nothing else.
///
/// Header and payloads must agree: the length to the octet, the version with exchange, flags,
/// message ID and SPIs, and a chain of known payloads that ends where the message ends.
fn is_ike(bytes: &[u8], length: usize) -> bool {
    // The length turns nearly all other traffic away, at the price of one comparison.
    let promised = bytes.get(LENGTH_AT..).and_then(<[u8]>::first_chunk);
    if promised.map(|octets| u32::from_be_bytes(*octets) as usize) != Some(length) {
        return false;
    }
    let Some((header, body)) = Header::read(bytes).zip(bytes.get(HEADER_LEN..)) else {
        return false;
    };
    if header.spis.initiator.is_zero() {
        return false;
    }
    let rest = length.saturating_sub(HEADER_LEN);
    match header.version {
        Version::V1 => is_v1(&header, body, rest),
        Version::V2 => is_v2(&header, body, rest),
        _ => false,
    }
}

/// RFC 2408 sections 3.1 and 3.2, RFC 2409 section 5.
fn is_v1(header: &Header, body: &[u8], rest: usize) -> bool {
    /// Encryption, Commit, Authentication Only.
    const FLAGS: u8 = 0x07;
    /// Cisco's Fragment payload.
    const FRAGMENT: u8 = 132;
    let first = header.next_payload.0;
    // Phase 1 has no message ID, phase 2 has one; a notify may come in either.
    let phase_fits = match header.exchange.0 {
        1..=4 => header.message_id == 0,
        5 => true,
        6 | 32 | 33 => header.message_id != 0,
        _ => return false,
    };
    let known = |kind: u8| matches!(kind, 1..=21 | 128..);
    if header.flags.0 & !FLAGS != 0 || !(phase_fits || first == FRAGMENT) || !known(first) {
        return false;
    }
    match header.flags.v1_encrypted() && first != FRAGMENT {
        // Every cipher of IKEv1 has blocks of at least eight octets.
        true => rest >= 8 && rest.is_multiple_of(8),
        false => is_chain(first, body, rest, 0xff, known),
    }
}

/// RFC 7296 sections 3.1 and 3.2.
fn is_v2(header: &Header, body: &[u8], rest: usize) -> bool {
    /// Initiator, Version, Response.
    const FLAGS: u8 = 0x38;
    let flags = header.flags;
    if flags.0 & !FLAGS != 0 {
        return false;
    }
    let responder = !header.spis.responder.is_zero();
    let fits = match header.exchange {
        // The first exchange: number zero, the request cannot know the responder's SPI.
        ExchangeType::IKE_SA_INIT | ExchangeType(38) => {
            header.message_id == 0
                && flags.initiator() != flags.response()
                && (flags.response() || !responder)
        }
        ExchangeType(35..=44) => responder,
        _ => false,
    };
    // 33 to 54 are assigned; what comes behind them may be of private use.
    let known = |kind: u8| matches!(kind, 33..=54 | 128..);
    fits && header.next_payload.0 < 128 && is_chain(header.next_payload.0, body, rest, 0x7f, known)
}

/// Whether a chain of payloads begins with `body` and ends after `rest` octets. The octet after each
/// type has the bits of `reserved` clear. Of a message that was cut the first header must be there.
fn is_chain(
    first: u8,
    mut body: &[u8],
    mut rest: usize,
    reserved: u8,
    known: impl Fn(u8) -> bool,
) -> bool {
    let mut kind = first;
    for place in 0..PAYLOADS {
        if kind == 0 {
            return place > 0 && rest == 0;
        }
        let Some(&[next, flags, a, b]) = body.first_chunk() else {
            return place > 0 && body.len() < rest;
        };
        let length = usize::from(u16::from_be_bytes([a, b]));
        if !known(kind) || flags & reserved != 0 || !(4..=rest).contains(&length) {
            return false;
        }
        if matches!(PayloadType(kind), PayloadType::SK | PayloadType::SKF) && reserved == 0x7f {
            // It is the last one; its type field names what is inside.
            return length == rest;
        }
        kind = next;
        body = body.get(length..).unwrap_or_default();
        rest = rest.saturating_sub(length);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `IKE_SA_INIT` of a Nonce and a notify, `IKE_AUTH` of an SK payload, main mode of a Vendor ID,
    /// and an encrypted quick mode.
    fn messages() -> Vec<Vec<u8>> {
        let message =
            |responder: u8, next: u8, version: u8, exchange: u8, flags: u8, id: u8, body: &[u8]| {
                let length = u8::try_from(28 + body.len()).unwrap();
                let head: [&[u8]; 5] = [
                    &[0x11; 8],
                    &[responder; 8],
                    &[next, version, exchange, flags],
                    &[0, 0, 0, id],
                    &[0, 0, 0, length],
                ];
                [head.concat().as_slice(), body].concat()
            };
        let nonce = [
            &[41, 0, 0, 20][..],
            &[7; 16],
            &[0, 0, 0, 8, 0, 0, 0x40, 0x2e],
        ]
        .concat();
        let sealed = [&[35, 0, 0, 40][..], &[9; 36]].concat();
        vec![
            message(0, 40, 0x20, 34, 0x08, 0, &nonce),
            message(2, 46, 0x20, 35, 0x08, 1, &sealed),
            message(0, 13, 0x10, 2, 0, 0, &[0, 0, 0, 8, 1, 2, 3, 4]),
            message(2, 8, 0x10, 32, 1, 9, &[0xee; 48]),
        ]
    }

    #[test]
    fn a_message_is_found_with_its_marker_and_without() {
        for message in messages() {
            let found = find(&message, message.len());
            assert_eq!(
                found.map(|found| found.marked),
                Some(false),
                "{message:02x?}"
            );
            let marked = [&[0; 4], message.as_slice()].concat();
            let found = find(&marked, marked.len()).unwrap();
            assert_eq!((found.message, found.marked), (message.as_slice(), true));
        }
    }

    #[test]
    fn a_message_is_found_if_its_end_was_not_kept() {
        for message in messages() {
            assert!(
                find(&message[..32], message.len()).is_some(),
                "{message:02x?}"
            );
            assert!(find(&message[..27], message.len()).is_none());
        }
    }

    #[test]
    fn a_header_alone_is_no_message() {
        for version in [0x10, 0x20] {
            let head: [&[u8]; 5] = [&[0x11; 8], &[2; 8], &[0, version, 37, 0x20], &[0; 7], &[28]];
            let head = head.concat();
            assert!(find(&head, head.len()).is_none(), "{version:02x}");
        }
    }

    #[test]
    fn one_octet_more_or_less_is_no_message() {
        for message in messages() {
            assert!(find(&message, message.len() + 1).is_none());
            let longer = [message.as_slice(), &[0]].concat();
            assert!(find(&longer, longer.len()).is_none());
            assert!(find(&message[..message.len() - 1], message.len() - 1).is_none());
        }
    }

    #[test]
    fn no_field_of_the_header_may_be_wrong() {
        // Version, exchange, flags, payload type.
        for (at, wrong) in [(17, 0x30), (18, 99), (19, 0x41), (16, 99), (24, 1)] {
            for mut message in messages() {
                message[at] = wrong;
                assert!(
                    find(&message, message.len()).is_none(),
                    "{at}: {message:02x?}"
                );
            }
        }
    }

    /// xorshift64: the same in every run.
    fn dice(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        }
    }

    #[test]
    fn a_million_payloads_of_chance_hold_no_ike() {
        let mut dice = dice(0x9e37_79b9_7f4a_7c15);
        let mut payload = Vec::new();
        let mut forced = 0;
        for _ in 0..1_000_000 {
            payload.clear();
            let length = 32 + usize::try_from(dice() % 96).unwrap();
            while payload.len() < length {
                payload.extend(dice().to_be_bytes());
            }
            payload.truncate(length);
            assert!(find(&payload, length).is_none(), "{payload:02x?}");
            // Even where length and version were right by chance, the rest would not be.
            payload[17] = if dice().is_multiple_of(2) { 0x10 } else { 0x20 };
            payload[24..28].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            forced += u32::from(find(&payload, length).is_some());
        }
        assert!(forced < 20, "{forced}");
    }
}

//! IKE messages, read and written.

use super::script::Script;
use crate::limits::PAYLOADS;
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{IkeSpi, IkeSpis};
use crate::wire::fault::Faults;
use crate::wire::header::HEADER_LEN;
use crate::wire::{Flags, Header, Message, Payload, Version, ikev1, ikev2};

/// What was read is written octet for octet, and what was written is read as the same; first with the
/// octets as a message, then with a message made of payloads that they describe.
pub fn round_trip(octets: &[u8]) {
    as_message(octets);
    as_payloads(octets);
}

/// Of a message without faults every octet is written again, but for reserved bits, which become
/// zero, and the zeros that fill an IKEv1 message up. Writing what was written changes nothing; of a
/// faulty message that holds once a payload is read that had no length.
fn as_message(octets: &[u8]) {
    let read = Message::read(octets);
    let emitted = read.emit();
    let again = Message::read(&emitted).emit();
    assert_eq!(Message::read(&again).emit(), again, "written once more");
    if !read.faults.is_empty() {
        return;
    }
    assert_eq!(again, emitted, "written once more");
    let length = HEADER_LEN - 4..HEADER_LEN;
    for (at, (new, old)) in emitted.iter().zip(octets).enumerate() {
        assert!(
            length.contains(&at) || new & !old == 0,
            "octet {at} was {old:02x} and is {new:02x}"
        );
    }
    let left_out = octets.get(emitted.len()..);
    assert!(
        left_out.is_some_and(|left| left.len() < 4 && left.iter().all(|octet| *octet == 0)),
        "{left_out:02x?} is left out"
    );
}

/// Payloads: of each its type (1), its length (2) and its body.
fn as_payloads(octets: &[u8]) {
    let mut script = Script(octets);
    let Some(version) = script.octet().map(|octet| 1 + octet % 2) else {
        return;
    };
    let mut payloads = Vec::new();
    while let Some(kind) = script.octet()
        && payloads.len() < PAYLOADS
        // Ends the chain, and means no type.
        && kind != 0
    {
        let Some(length) = script.pair() else { break };
        let bytes = script.take(length.into());
        let kind = PayloadType(kind);
        let faults = &mut Faults::default();
        let body = match version {
            1 => ikev1::Body::read(kind, bytes, 0, faults),
            _ => ikev2::Body::read(kind, PayloadType::NONE, bytes, 0, faults),
        };
        // Two numbers mean one thing or another by the length of the body: what is left of one that
        // could not be read may be as long as the other.
        if version == 1 && matches!(kind.0, 15 | 16) && !faults.list.is_empty() {
            continue;
        }
        // Whatever is in it, for its header tells the first type inside (RFC 7296 section 3.14).
        let is_last = version == 2 && matches!(kind, PayloadType::SK | PayloadType::SKF);
        payloads.push(Payload {
            kind,
            critical: version == 2 && length & 1 != 0,
            at: 0,
            length: 0,
            body,
        });
        if is_last {
            break;
        }
    }
    let message = Message {
        header: Header {
            spis: IkeSpis {
                initiator: IkeSpi(1),
                responder: IkeSpi(2),
            },
            next_payload: PayloadType::NONE,
            version: Version(version << 4),
            exchange: ExchangeType::IKE_SA_INIT,
            flags: Flags(0),
            message_id: 0,
            length: 0,
        },
        payloads,
        sealed: None,
        faults: Vec::new(),
    };
    let emitted = message.emit();
    let again = Message::read(&emitted);
    let said = |message: &Message<'_>| -> Vec<_> {
        let payloads = message.payloads.iter();
        let of = payloads.map(|one| (one.kind, one.critical, format!("{:?}", one.body)));
        of.collect()
    };
    assert_eq!(said(&again), said(&message));
    spans_tile(&again, &emitted);
}

/// Header and payloads cover a message, one behind the other.
fn spans_tile(message: &Message<'_>, octets: &[u8]) {
    let end = message.payloads.iter().fold(HEADER_LEN, |at, payload| {
        assert_eq!(payload.at, at, "{}", payload.kind);
        at + usize::from(payload.length)
    });
    assert_eq!(end, octets.len(), "octets belong to no payload");
}

//! NAT detection: what the hashes of both sides say together, the same in both versions.

use crate::model::{Message, Nat, NatVerdict};
use crate::units::{Endpoint, IkeSpis};
use crate::wire;
use crate::wire::nat_detection;

/// Whether the hashes of one message fit the addresses it was seen with; `None` if it has none that
/// can be computed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Of its sender.
    source: Option<Fit>,
    /// Of its receiver.
    destination: Option<Fit>,
}

impl Seen {
    /// Whether nothing is told.
    pub(super) fn is_empty(&self) -> bool {
        self.source.is_none() && self.destination.is_none()
    }
}

/// What the hashes of one end fit, the best first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Fit {
    /// The address and port that are seen.
    Both,
    /// The address that is seen and port 0, from which nothing is ever sent: made to look like a
    /// translation, as Libreswan does where encapsulation is configured.
    Faked,
    /// Neither.
    Other,
}

/// Compares the hashes of a message with its addresses.
pub(super) fn seen(message: &Message, read: &wire::Message<'_>) -> Seen {
    let hashes = nat_detection::hashes(read);
    let spis = message.header.spis;
    Seen {
        source: best(&hashes.source, spis, message.path.from),
        destination: best(&hashes.destination, spis, message.path.to),
    }
}

/// The best fit: a sender with several addresses sends a hash of each.
fn best(hashes: &[&[u8]], spis: IkeSpis, end: Endpoint) -> Option<Fit> {
    let nowhere = Endpoint {
        port: end.port.map(|_| 0),
        ..end
    };
    let fit = |hash: &&[u8]| {
        let both = nat_detection::fits(hash, spis, end)?;
        Some(match nat_detection::fits(hash, spis, nowhere) {
            _ if both => Fit::Both,
            Some(true) => Fit::Faked,
            _ => Fit::Other,
        })
    };
    hashes.iter().filter_map(fit).min()
}

/// What the first message of each side that has hashes says; `None` if neither says anything.
///
/// The hash that a side sends of itself is compared with where its messages come from at this tap:
/// it tells what lies between that side and the tap. The hash that the far side sends of it is
/// compared with where the answers go to: it tells what lies between the tap and the far side (RFC
/// 7296 section 2.23). A random hash, with which some force encapsulation, cannot be told from a
/// translation on the near side, so only the fake that can be computed is called one.
pub(super) fn verdict(request: Seen, response: Seen) -> Option<Nat> {
    let side = |own: Option<Fit>, as_the_far_side_sees_it: Option<Fit>| match (
        own,
        as_the_far_side_sees_it,
    ) {
        (Some(Fit::Other), _) => NatVerdict::Translated,
        (Some(Fit::Both | Fit::Faked), Some(Fit::Other)) => NatVerdict::TranslatedBeyond,
        (Some(Fit::Faked), _) => NatVerdict::Forced,
        (Some(Fit::Both), _) => NatVerdict::Untranslated,
        (None, _) => NatVerdict::Unknown,
    };
    (!request.is_empty() || !response.is_empty()).then(|| Nat {
        initiator: side(request.source, response.destination),
        responder: side(response.source, request.destination),
    })
}

//! NAT detection: what the hashes of both sides say together, the same in both versions.

use crate::model::{Nat, NatVerdict};
use crate::units::{Endpoint, IkeSpis};
use crate::wire::nat_detection::sha1;

/// Whether the hashes of one message fit the addresses it was seen with; `None` if it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Of its sender.
    pub(super) source: Option<bool>,
    /// Of its receiver.
    pub(super) destination: Option<bool>,
}

/// Whether any of the hashes is of this end; `None` if there are none. A sender with several
/// addresses sends a hash of each.
pub(super) fn fits<'m>(
    hashes: impl Iterator<Item = &'m [u8]>,
    spis: IkeSpis,
    end: Endpoint,
) -> Option<bool> {
    let made = sha1(spis, end);
    let fits = |hash: &[u8]| made.is_some_and(|made| made == hash);
    hashes.fold(None, |any, hash| Some(any == Some(true) || fits(hash)))
}

/// What the first message of each side says; `None` if neither says anything.
pub(super) fn verdict(request: Seen, response: Seen) -> Option<Nat> {
    let side = |own: Option<bool>, as_the_far_side_sees_it: Option<bool>| match (
        own,
        as_the_far_side_sees_it,
    ) {
        (Some(false), _) => NatVerdict::Translated,
        (Some(true), Some(false)) => NatVerdict::TranslatedBeyond,
        (Some(true), _) => NatVerdict::Untranslated,
        (None, _) => NatVerdict::Unknown,
    };
    let all = [
        request.source,
        request.destination,
        response.source,
        response.destination,
    ];
    all.iter().any(Option::is_some).then(|| Nat {
        initiator: side(request.source, response.destination),
        responder: side(response.source, request.destination),
    })
}

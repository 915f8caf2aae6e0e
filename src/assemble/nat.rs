//! NAT detection: the same arithmetic in both versions (RFC 7296 section 2.23, RFC 3947 section 3.2).

use crate::model::{Nat, NatVerdict};
use crate::units::{Endpoint, IkeSpis};
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// Whether the hashes of one message fit the addresses it was seen with; `None` if it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Of its sender.
    pub(super) source: Option<bool>,
    /// Of its receiver.
    pub(super) destination: Option<bool>,
}

/// SHA-1 over both SPIs, the address and the port; `None` without a port.
pub(super) fn sha1(spis: IkeSpis, end: Endpoint) -> Option<[u8; 20]> {
    let mut hash = Sha1::new();
    hash.update(spis.initiator.0.to_be_bytes());
    hash.update(spis.responder.0.to_be_bytes());
    match end.address {
        IpAddr::V4(address) => hash.update(address.octets()),
        IpAddr::V6(address) => hash.update(address.octets()),
    }
    hash.update(end.port?.to_be_bytes());
    Some(hash.finalize().into())
}

/// Whether any of the hashes fits; `None` if there are none. A sender with several addresses sends
/// a hash of each.
pub(super) fn fits<'m>(
    hashes: impl Iterator<Item = &'m [u8]>,
    fits: impl Fn(&[u8]) -> bool,
) -> Option<bool> {
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

//! NAT detection: what the hashes of both sides say together, the same in both versions.

use crate::limits;
use crate::model::{Flight, IkeSaId, Message, Model, Nat, NatVerdict, Role};
use crate::net::INITIAL_TTLS;
use crate::wire;
use crate::wire::nat_detection::{self, Fit, fit};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Whether the hashes of one message fit the addresses it was seen with; `None` if it has none that
/// can be computed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Of its sender.
    source: Option<Fit>,
    /// Of its receiver.
    destination: Option<Fit>,
    /// Whether it came here as it was sent, or came by a tap beside its sender with the same addresses: where no
    /// router has lowered its TTL, nothing has translated it.
    untouched: bool,
}

impl Seen {
    /// Whether nothing is told.
    pub(super) fn is_empty(&self) -> bool {
        self.source.is_none() && self.destination.is_none()
    }
}

/// The copies of a message, of all taps.
pub(super) fn copies<'m>(
    model: &'m Model,
    flight: &'m Flight,
) -> impl Iterator<Item = &'m Message> {
    flight.copies().map(|id| &model.messages[id])
}

/// Compares the hashes of a message with its addresses, which its copies at other taps may have, too.
pub(super) fn seen<'m>(
    message: &Message,
    read: &wire::Message<'_>,
    mut copies: impl Iterator<Item = &'m Message>,
) -> Seen {
    let hashes = nat_detection::hashes(read);
    let spis = message.header.spis;
    Seen {
        source: fit(&hashes.source, spis, message.path.from()),
        destination: fit(&hashes.destination, spis, message.path.to()),
        untouched: copies.any(|copy| {
            let alike =
                copy.path.from() == message.path.from() && copy.path.to() == message.path.to();
            alike && INITIAL_TTLS.contains(&copy.ip.ttl)
        }),
    }
}

/// What the first message of each side that has hashes says; `None` if neither says anything.
///
/// The hash that a side sends of itself is compared with where its messages come from at this tap:
/// it tells what lies between that side and the tap. The hash that the far side sends of it is
/// compared with where the answers go to: it tells what lies between the tap and the far side (RFC
/// 7296 section 2.23). A random hash, with which some force encapsulation, cannot be told from a
/// translation on the near side by itself; but what translates lowers the TTL too, as a router.
pub(super) fn verdict(request: Seen, response: Seen) -> Option<Nat> {
    let side = |own: Seen, as_the_far_side_sees_it: Option<Fit>| match (
        own.source,
        as_the_far_side_sees_it,
    ) {
        (Some(Fit::Other), _) if own.untouched => NatVerdict::FalseHash,
        (Some(Fit::Other), _) => NatVerdict::Translated,
        (Some(Fit::Both | Fit::Faked), Some(Fit::Other)) => NatVerdict::TranslatedBeyond,
        (Some(Fit::Faked), _) => NatVerdict::Forced,
        (Some(Fit::Both), _) => NatVerdict::Untranslated,
        (None, _) => NatVerdict::Unknown,
    };
    (!request.is_empty() || !response.is_empty()).then(|| Nat {
        initiator: side(request, response.destination),
        responder: side(response, request.destination),
    })
}

/// Takes the hash of a side for a true one if it is of an address that is usual behind a NAT: nobody makes up such a hash,
/// so what the side sends was translated, though no router has lowered its TTL. A gateway may do so itself, and some NATs
/// set the TTL anew. For each side of the first tunnels one hash is tried with all those addresses, the others with the
/// address that was found.
pub(super) fn reconsider(model: &mut Model) {
    let mut translated: Vec<(IkeSaId, Role)> = Vec::new();
    for tunnel in model.tunnels.iter().take(limits::NAT_GUESS_TUNNELS) {
        let mut inside: BTreeMap<IpAddr, Option<Ipv4Addr>> = BTreeMap::new();
        for id in &tunnel.ike_sas {
            let sa = &model.ike_sas[*id];
            let (Some(nat), Some(path)) = (sa.nat, sa.paths.first()) else {
                continue;
            };
            let sides = [
                (Role::Initiator, nat.initiator, path.from.address),
                (Role::Responder, nat.responder, path.to.address),
            ];
            for (role, verdict, side) in sides {
                if verdict != NatVerdict::FalseHash {
                    continue;
                }
                let end = match inside.get(&side) {
                    Some(address) => model.hashed_of(sa, role, *address),
                    None if inside.len() < 2 => model.behind_nat(sa, role),
                    None => None,
                };
                let address = end.and_then(|end| match end.address {
                    IpAddr::V4(address) => Some(address),
                    IpAddr::V6(_) => None,
                });
                inside.entry(side).or_insert(address);
                translated.extend(end.map(|_| (*id, role)));
            }
        }
    }
    for (id, role) in translated {
        if let Some(nat) = &mut model.ike_sas[id].nat {
            match role {
                Role::Initiator => nat.initiator = NatVerdict::Translated,
                Role::Responder => nat.responder = NatVerdict::Translated,
            }
        }
    }
}

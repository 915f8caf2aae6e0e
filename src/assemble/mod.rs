//! Messages and flows to exchanges, SAs and tunnels: what belongs together, told without keys.

mod child;
mod clear;
mod clocks;
mod exchange;
mod ikev1;
mod ikev2;
mod nat;
mod pairs;
mod succession;
mod taps;
#[cfg(test)]
mod tests;
mod tunnel;

pub use clocks::shifts;

use crate::each::{Each, map_ids};
use crate::model::{IkeSa, IkeSaId, IkeSuite, Model, Nat, Transport};
use crate::registry::NotifyType;
use crate::units::{Endpoint, Vantage};
use foldhash::quality::RandomState;
use pairs::Pairs;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Seeded at random and quick: keys come from the wire, a few for each packet.
type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// As [`HashMap`].
type HashSet<T> = std::collections::HashSet<T, RandomState>;

/// A map with room for so many: one that grows is written anew each time.
fn with_capacity<K, V>(room: usize) -> HashMap<K, V> {
    HashMap::with_capacity_and_hasher(room, RandomState::default())
}

/// Fills `exchanges`, `ike_sas`, `child_sas`, the links of the flows, and `tunnels` from the
/// messages and flows that a census left in the model. What can be told of each IKE SA or tunnel
/// alone is given to `each`, and comes out the same in whatever order it is done.
pub fn assemble(model: &mut Model, each: &Each<'_>) {
    exchange::group(model, each);
    let ids: Vec<IkeSaId> = model.ike_sas.ids().collect();
    let told = map_ids(each, &ids, |id| match model.ike_sas[id].version.major() {
        1 => ikev1::describe(model, id),
        _ => ikev2::describe(model, id),
    });
    for (row, told) in model.ike_sas.iter_mut().zip(told) {
        if let Some(told) = told {
            told.fill(row);
        }
    }
    let pairs = Pairs::of(model);
    let succession = succession::find(model, &pairs);
    let states = map_ids(each, &ids, |id| {
        let auth = model.auth_outcome(id);
        let row = &model.ike_sas[id];
        let state = match row.version.major() {
            1 => ikev1::state(model, id, auth),
            _ => ikev2::state(model, id, auth, succession.replaced.contains(&id)),
        };
        (auth, state)
    });
    for (row, (auth, state)) in model.ike_sas.iter_mut().zip(states) {
        (row.auth, row.state) = (auth, state);
    }
    child::link(model, &pairs, &succession, each);
    model.past_port_500 = past_port_500(model);
    model.past_ports = past_ports(model);
    let mut notices = model.ike_sas.iter().flat_map(|sa| &sa.notices);
    model.any_redirected_from =
        notices.any(|notice| !notice.v1 && notice.kind == NotifyType::REDIRECTED_FROM.0);
    tunnel::group(model, &pairs);
    nat::reconsider(model);
    taps::pair(model, each);
}

/// The inputs that hold anything of UDP port 4500.
fn past_port_500(model: &Model) -> BTreeSet<u16> {
    let flows = model.flows.iter().map(|flow| &flow.key);
    let esp = flows.filter(|key| key.transport == Transport::Udp);
    let is_4500 = |from: Endpoint, to: Endpoint| from.port == Some(4500) || to.port == Some(4500);
    let floated = model.ike_sas.iter().filter_map(|sa| {
        sa.paths.iter().find(|path| is_4500(path.from, path.to))?;
        let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
        let mut flights = exchanges.flat_map(|exchange| &exchange.flights);
        flights.find(|flight| {
            let first = flight.first().map(|id| &model.messages[id]);
            first.is_some_and(|message| is_4500(message.path.from(), message.path.to()))
        })
    });
    let messages = floated.flat_map(|flight| flight.parts.iter().chain(&flight.elsewhere));
    let messages = messages.map(|id| model.messages[*id].vantage);
    let outside = model.outside.iter();
    let outside = outside.filter(|row| is_4500(row.path.from, row.path.to));
    let outside = outside.map(|row| row.vantage);
    let vantages = esp.map(|key| key.vantage).chain(messages).chain(outside);
    vantages.map(|vantage| vantage.input).collect()
}

/// Where anything was recorded that has no ports, or none of IPsec. Of fragments all but the first have none.
fn past_ports(model: &Model) -> BTreeSet<Vantage> {
    let flows = model.flows.iter().map(|flow| &flow.key);
    let esp = flows.filter(|key| key.transport == Transport::Ip);
    let pieces = model.fragments.iter().filter(|train| {
        let packets = train.complete.saturating_add(train.incomplete);
        train.protocol != 17 || train.pieces > packets
    });
    esp.map(|key| key.vantage)
        .chain(pieces.map(|train| train.vantage))
        .chain(model.icmp.iter().map(|seen| seen.vantage))
        .chain(model.clear.iter().map(|clear| clear.vantage))
        .collect()
}

/// What the messages that begin an IKE SA tell of it.
#[derive(Default)]
struct Initial {
    suite: Option<IkeSuite>,
    nat: Option<Nat>,
    vendors: [Vec<String>; 2],
    fragmentation: [Option<bool>; 2],
    nonces: [Option<u16>; 2],
}

impl Initial {
    fn fill(self, row: &mut IkeSa) {
        row.suite = self.suite;
        row.nat = self.nat;
        row.vendors = self.vendors;
        row.fragmentation = self.fragmentation;
        row.nonces = self.nonces;
    }
}

/// Two addresses in a fixed order.
fn ordered(a: IpAddr, b: IpAddr) -> (IpAddr, IpAddr) {
    (a.min(b), a.max(b))
}

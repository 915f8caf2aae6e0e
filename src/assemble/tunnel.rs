//! Tunnels: pairs of addresses, joined where one SA used several.

use super::HashMap;
use super::clear;
use super::pairs::{Pair, PairId, Pairs};
use crate::model::table::Id;
use crate::model::{ChildSaId, EspFlow, FlowId, Link, Model, Table, Tunnel, TunnelId, sides};
use crate::units::EspSpi;
use std::net::IpAddr;

/// Fills `tunnels`, in order of their first packet.
pub(super) fn group(model: &mut Model, pairs: &Pairs) {
    let mut union = Union::of(pairs);
    for id in model.ike_sas.ids() {
        union.join_all(pairs.of_ike_sa(id));
    }
    for id in model.flows.ids() {
        union.join_all(pairs.of_flow(id));
    }
    join_vantages(model, pairs, &mut union);
    join_named(model, pairs, &mut union);

    // Pairs stand in order of first appearance, so the roots do, too.
    let mut sides: Vec<Sides> = Vec::new();
    let mut tunnels: Table<PairId, Option<TunnelId>> = pairs.table();
    for (id, pair) in pairs.entries() {
        let root = union.root(id);
        let tunnel = tunnels[root].unwrap_or_else(|| {
            let next = TunnelId::from_index(u32::try_from(sides.len()).unwrap_or(u32::MAX));
            sides.push(Sides::default());
            next
        });
        tunnels[root] = Some(tunnel);
        tunnels[id] = Some(tunnel);
        if let Some(sides) = sides.get_mut(tunnel.index()) {
            sides.add(pair);
        }
    }
    model.tunnels.reserve(sides.len());
    for sides in sides {
        model.tunnels.extend(sides.tunnel());
    }
    let of = |pairs: &[PairId]| pairs.first().and_then(|pair| tunnels[*pair]);
    for id in model.ike_sas.ids() {
        if let Some(tunnel) = of(pairs.of_ike_sa(id)) {
            model.tunnels[tunnel].ike_sas.push(id);
        }
    }
    for id in model.flows.ids() {
        if let Some(tunnel) = of(pairs.of_flow(id)) {
            model.tunnels[tunnel].flows.push(id);
        }
    }
    index_ends(model);
    share_pairs(model, |from, to| tunnels[pairs.between(from, to)?]);
    clear::share(model);
    share_inner(model);
}

/// Gives what lies inside ESP to the tunnels of the flows that carried it.
fn share_inner(model: &mut Model) {
    if model.inner.is_empty() && model.inner_errors.is_empty() {
        return;
    }
    let mut tunnel_of: HashMap<FlowId, TunnelId> = HashMap::default();
    for (id, tunnel) in model.tunnels.entries() {
        tunnel_of.extend(tunnel.flows.iter().map(|flow| (*flow, id)));
    }
    let Model {
        inner,
        inner_errors,
        tunnels,
        ..
    } = model;
    for (id, talk) in inner.entries() {
        let carriers = talk.ways.iter().flat_map(|way| &way.carriers);
        for tunnel in carriers.filter_map(|carrier| tunnel_of.get(&carrier.flow)) {
            let rows = &mut tunnels[*tunnel].inner;
            if rows.last() != Some(&id) {
                rows.push(id);
            }
        }
    }
    for (place, error) in inner_errors.iter().enumerate() {
        if let Some(tunnel) = tunnel_of.get(&error.flow) {
            tunnels[*tunnel].inner_errors.push(place);
        }
    }
}

/// Fills `tunnels_by_end`.
fn index_ends(model: &mut Model) {
    let Model {
        tunnels,
        tunnels_by_end,
        ..
    } = model;
    tunnels_by_end.reserve(tunnels.len());
    for (id, tunnel) in tunnels.entries() {
        let [one, other] = tunnel.ends;
        for end in [Some(one), (other != one).then_some(other)]
            .into_iter()
            .flatten()
        {
            tunnels_by_end.entry(end).or_default().push(id);
        }
    }
}

/// Gives ICMP errors, NAT keepalives, IP fragments and messages outside of any IKE SA to the tunnel between
/// whose addresses they, or what they quote, went.
fn share_pairs(model: &mut Model, tunnel_of: impl Fn(IpAddr, IpAddr) -> Option<TunnelId>) {
    let Model {
        icmp,
        keepalives,
        fragments,
        outside,
        tunnels,
        ..
    } = model;
    for (place, seen) in icmp.iter().enumerate() {
        let quoted = seen.error.quoted;
        if let Some(id) = tunnel_of(quoted.from.address, quoted.to.address) {
            tunnels[id].icmp.push(place);
        }
    }
    for (place, seen) in keepalives.iter().enumerate() {
        if let Some(id) = tunnel_of(seen.path.from.address, seen.path.to.address) {
            tunnels[id].keepalives.push(place);
        }
    }
    for (place, train) in fragments.iter().enumerate() {
        if let Some(id) = tunnel_of(train.from, train.to) {
            tunnels[id].fragments.push(place);
        }
    }
    for (place, row) in outside.iter().enumerate() {
        if let Some(id) = tunnel_of(row.path.from.address, row.path.to.address) {
            tunnels[id].outside.push(place);
        }
    }
}

/// One SA seen at several vantages may have other addresses at each, with a NAT between them.
fn join_vantages(model: &Model, pairs: &Pairs, union: &mut Union) {
    let key = |flow: &EspFlow| Some((flow.child_sa.child_sa()?, flow.key.spi));
    let mut first: HashMap<(ChildSaId, EspSpi), PairId> = HashMap::default();
    for (id, flow) in model.flows.entries() {
        if let (Some(key), Some(pair)) = (key(flow), pairs.of_flow(id).first()) {
            let before = *first.entry(key).or_insert(*pair);
            union.join(before, *pair);
        }
    }
}

/// ESP of an SPI that a message of IKE names belongs to that IKE SA, whatever address it comes from.
fn join_named(model: &Model, pairs: &Pairs, union: &mut Union) {
    for (id, flow) in model.flows.entries() {
        if let Link::Proven(child) = flow.child_sa
            && let Some(sa) = model.child_sas[child].ike_sa
            && let Some(pair) = pairs.of_flow(id).first()
            && let Some(of_sa) = pairs.of_ike_sa(sa).first()
        {
            union.join(*of_sa, *pair);
        }
    }
}

/// Disjoint sets of pairs; a set is named by its first pair, its root.
struct Union {
    parents: Table<PairId, PairId>,
}

impl Union {
    /// Each pair alone.
    fn of(pairs: &Pairs) -> Self {
        let parents = pairs.entries().map(|(id, _)| id).collect();
        Self { parents }
    }

    fn root(&mut self, mut pair: PairId) -> PairId {
        while self.parents[pair] != pair {
            // Halving the way keeps later walks short.
            let grandparent = self.parents[self.parents[pair]];
            self.parents[pair] = grandparent;
            pair = grandparent;
        }
        pair
    }

    fn join(&mut self, a: PairId, b: PairId) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    fn join_all(&mut self, pairs: &[PairId]) {
        for (one, next) in pairs.iter().zip(pairs.iter().skip(1)) {
            self.join(*one, *next);
        }
    }
}

/// The addresses of both ends.
#[derive(Default)]
struct Sides {
    /// The side of each address, empty as long as there are so few that looking at each is quicker.
    side: HashMap<IpAddr, usize>,
    addresses: [Vec<IpAddr>; 2],
}

impl Sides {
    /// Adds a pair; an address that is known puts the other on the far side.
    fn add(&mut self, (from, to): Pair) {
        let side = match (self.side_of(from), self.side_of(to)) {
            (Some(side), _) => side,
            (None, Some(side)) => 1 - side,
            (None, None) => 0,
        };
        for (address, side) in [(from, side), (to, 1 - side)] {
            // Both ends may have one address, on a loopback.
            let new = self.side_of(address).is_none() || from == to;
            if let (true, Some(list)) = (new, self.addresses.get_mut(side)) {
                if list.is_empty() {
                    // Few ends have more than one.
                    list.reserve_exact(1);
                }
                list.push(address);
                self.index(address, side);
            }
        }
    }

    /// The side that an address was put on first.
    fn side_of(&self, address: IpAddr) -> Option<usize> {
        match self.side.is_empty() {
            true => self
                .addresses
                .iter()
                .position(|side| side.contains(&address)),
            false => self.side.get(&address).copied(),
        }
    }

    fn index(&mut self, address: IpAddr, side: usize) {
        /// Addresses that are looked at one by one.
        const FEW: usize = 8;
        if !self.side.is_empty() {
            self.side.entry(address).or_insert(side);
        } else if self.addresses.iter().map(Vec::len).sum::<usize>() > FEW {
            for (side, list) in self.addresses.iter().enumerate() {
                for address in list {
                    self.side.entry(*address).or_insert(side);
                }
            }
        }
    }

    fn tunnel(self) -> Option<Tunnel> {
        let [a, b] = &self.addresses;
        Some(Tunnel {
            ends: [*a.first()?, *b.first()?],
            sides: sides(&self.addresses),
            addresses: self.addresses,
            ike_sas: Vec::new(),
            flows: Vec::new(),
            icmp: Vec::new(),
            outside: Vec::new(),
            keepalives: Vec::new(),
            fragments: Vec::new(),
            clear: Vec::new(),
            taps: Vec::new(),
            inner: Vec::new(),
            inner_errors: Vec::new(),
        })
    }
}

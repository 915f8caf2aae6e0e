//! Tunnels: pairs of addresses, joined where one SA used several.

use super::{HashMap, HashSet, ordered};
use crate::model::table::Id;
use crate::model::{EspFlow, FlowId, IkeSaId, Link, Model, Tunnel, TunnelId, sides};
use crate::net::Path;
use crate::units::{EspSpi, FrameId, Timestamp, Vantage};
use std::net::IpAddr;

/// A pair of addresses with the sender of its first packet in front.
type Pair = (IpAddr, IpAddr);

/// Fills `tunnels`, in order of their first packet.
pub(super) fn group(model: &mut Model) {
    let mut union = Union::default();
    let mut sa_pairs: Vec<Option<usize>> = vec![None; model.ike_sas.len()];
    let mut flow_pairs: Vec<Option<usize>> = vec![None; model.flows.len()];
    for item in appearances(model) {
        match item.what {
            What::IkeSa(id) => {
                if let Some(slot) = sa_pairs.get_mut(id.index()) {
                    *slot = union.add_all(&model.ike_sas[id].paths);
                }
            }
            What::Flow(id) => {
                if let Some(slot) = flow_pairs.get_mut(id.index()) {
                    *slot = union.add_all(&model.flows[id].paths);
                }
            }
            What::Between(pair) => {
                union.add(pair);
            }
        }
    }
    join_vantages(model, &flow_pairs, &mut union);
    join_named(model, &flow_pairs, &sa_pairs, &mut union);

    // Pairs stand in order of first appearance, so the roots do, too.
    let mut sides: Vec<Sides> = Vec::new();
    let mut roots = Roots(vec![None; union.pairs.len()]);
    for index in 0..union.pairs.len() {
        let root = union.root(index);
        let Some(pair) = union.pairs.get(index).copied() else {
            continue;
        };
        let id = roots.tunnel(root).unwrap_or_else(|| {
            let id = TunnelId::from_index(u32::try_from(sides.len()).unwrap_or(u32::MAX));
            roots.set(root, id);
            sides.push(Sides::default());
            id
        });
        if let Some(sides) = sides.get_mut(id.index()) {
            sides.add(pair);
        }
    }
    model.tunnels.reserve(sides.len());
    for sides in sides {
        model.tunnels.extend(sides.tunnel());
    }
    for (id, pair) in model.ike_sas.ids().zip(&sa_pairs) {
        if let Some(tunnel) = pair.and_then(|pair| roots.tunnel(union.root(pair))) {
            model.tunnels[tunnel].ike_sas.push(id);
        }
    }
    for (id, pair) in model.flows.ids().zip(&flow_pairs) {
        if let Some(tunnel) = pair.and_then(|pair| roots.tunnel(union.root(pair))) {
            model.tunnels[tunnel].flows.push(id);
        }
    }
    index_ends(model);
    share_pairs(model, &mut union, &roots);
    share_clear(model);
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
fn share_pairs(model: &mut Model, union: &mut Union, roots: &Roots) {
    let mut tunnel_of = |from, to| roots.tunnel(union.find((from, to))?);
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

/// Gives packets in clear to the first tunnel of their vantage, and to the first there of either
/// address.
fn share_clear(model: &mut Model) {
    if model.clear.is_empty() {
        return;
    }
    let asked: HashSet<IpAddr> = model
        .clear
        .iter()
        .flat_map(|clear| [clear.from, clear.to])
        .collect();
    let mut first: HashMap<(Vantage, Option<IpAddr>), TunnelId> = HashMap::default();
    for (id, tunnel) in model.tunnels.entries() {
        let ends = tunnel.addresses.iter().flatten().copied();
        let ends: Vec<IpAddr> = ends.filter(|end| asked.contains(end)).collect();
        let mut before = None;
        for vantage in vantages(model, tunnel) {
            if before.replace(vantage) == Some(vantage) {
                continue;
            }
            first.entry((vantage, None)).or_insert(id);
            for end in &ends {
                first.entry((vantage, Some(*end))).or_insert(id);
            }
        }
    }
    let Model { clear, tunnels, .. } = model;
    for (place, clear) in clear.iter().enumerate() {
        let keys = [None, Some(clear.from), Some(clear.to)];
        let takers = keys.map(|end| first.get(&(clear.vantage, end)));
        for id in takers.into_iter().flatten() {
            let rows = &mut tunnels[*id].clear;
            if rows.last() != Some(&place) {
                rows.push(place);
            }
        }
    }
}

/// Where the packets of a tunnel were recorded, with repetitions.
fn vantages<'m>(model: &'m Model, tunnel: &'m Tunnel) -> impl Iterator<Item = Vantage> + 'm {
    let exchanges = tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &model.ike_sas[*id].exchanges);
    let messages = exchanges
        .flat_map(|id| &model.exchanges[*id].flights)
        .flat_map(|flight| {
            let first = flight.parts.iter().chain(&flight.again);
            first.chain(&flight.elsewhere)
        });
    let flows = tunnel.flows.iter();
    flows
        .map(|id| model.flows[*id].key.vantage)
        .chain(messages.map(|id| model.messages[*id].vantage))
}

/// Something that passes between gateways, by its first packet.
struct Appearance {
    first: (Timestamp, FrameId),
    what: What,
}

enum What {
    IkeSa(IkeSaId),
    Flow(FlowId),
    /// An ICMP error, of which the pair is what it quotes, or a message outside of any IKE SA.
    Between(Pair),
}

fn appearances(model: &Model) -> Vec<Appearance> {
    let ike = model.ike_sas.entries().map(|(id, row)| Appearance {
        first: (row.seen.first.1, row.seen.first.0),
        what: What::IkeSa(id),
    });
    let flows = model.flows.entries().map(|(id, flow)| Appearance {
        first: (flow.seen.first.1, flow.seen.first.0),
        what: What::Flow(id),
    });
    // No tunnel is between an address and itself, though anybody may quote such a packet.
    let quoted = model.icmp.iter().map(|seen| {
        let quoted = seen.error.quoted;
        (seen, (quoted.from.address, quoted.to.address))
    });
    let icmp = quoted
        .filter(|(_, (from, to))| from != to)
        .map(|(seen, pair)| Appearance {
            first: (seen.time, seen.frame),
            what: What::Between(pair),
        });
    let outside = model.outside.iter().map(|row| Appearance {
        first: (row.seen.first.1, row.seen.first.0),
        what: What::Between((row.path.from.address, row.path.to.address)),
    });
    let mut all: Vec<Appearance> = ike.chain(flows).chain(icmp).chain(outside).collect();
    all.sort_by_key(|item| item.first);
    all
}

/// One SA seen at several vantages may have other addresses at each, with a NAT between them.
fn join_vantages(model: &Model, flow_pairs: &[Option<usize>], union: &mut Union) {
    let key = |flow: &EspFlow| Some((flow.child_sa.child_sa()?, flow.key.spi));
    let mut first: HashMap<(crate::model::ChildSaId, EspSpi), usize> = HashMap::default();
    for (flow, pair) in model.flows.iter().zip(flow_pairs) {
        if let (Some(key), Some(pair)) = (key(flow), pair) {
            let before = *first.entry(key).or_insert(*pair);
            union.join(before, *pair);
        }
    }
}

/// ESP of an SPI that a message of IKE names belongs to that IKE SA, whatever address it comes from.
fn join_named(
    model: &Model,
    flow_pairs: &[Option<usize>],
    sa_pairs: &[Option<usize>],
    union: &mut Union,
) {
    for (flow, pair) in model.flows.iter().zip(flow_pairs) {
        if let Link::Proven(child) = flow.child_sa
            && let Some(sa) = model.child_sas[child].ike_sa
            && let Some(pair) = pair
            && let Some(Some(of_sa)) = sa_pairs.get(sa.index())
        {
            union.join(*of_sa, *pair);
        }
    }
}

/// Disjoint sets of address pairs; a set is named by its first pair.
#[derive(Default)]
struct Union {
    index: HashMap<Pair, usize>,
    pairs: Vec<Pair>,
    parents: Vec<usize>,
}

impl Union {
    fn add(&mut self, pair: Pair) -> usize {
        let next = self.pairs.len();
        let index = *self.index.entry(ordered(pair.0, pair.1)).or_insert(next);
        if index == next {
            self.pairs.push(pair);
            self.parents.push(next);
        }
        index
    }

    /// Adds and joins the pairs of all paths; returns one of them.
    fn add_all(&mut self, paths: &[Path]) -> Option<usize> {
        let mut joined = None;
        for path in paths {
            let pair = self.add((path.from.address, path.to.address));
            if let Some(before) = joined.replace(pair) {
                self.join(before, pair);
            }
        }
        joined
    }

    /// The root of a pair that was added.
    fn find(&mut self, pair: Pair) -> Option<usize> {
        let index = self.index.get(&ordered(pair.0, pair.1)).copied()?;
        Some(self.root(index))
    }

    fn root(&mut self, mut index: usize) -> usize {
        while let Some(parent) = self.parents.get(index).copied()
            && parent != index
        {
            // Halving the way keeps later walks short.
            let grandparent = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(index) {
                *slot = grandparent;
            }
            index = grandparent;
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.parents.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}

/// The tunnel of each set of pairs, by the first of them.
struct Roots(Vec<Option<TunnelId>>);

impl Roots {
    fn tunnel(&self, root: usize) -> Option<TunnelId> {
        self.0.get(root).copied().flatten()
    }

    fn set(&mut self, root: usize, tunnel: TunnelId) {
        if let Some(slot) = self.0.get_mut(root) {
            *slot = Some(tunnel);
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

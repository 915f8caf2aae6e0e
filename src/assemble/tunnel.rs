//! Tunnels: pairs of addresses, joined where one SA used several.

use super::ordered;
use crate::model::{EspFlow, FlowId, IkeSaId, Link, Model, Tunnel};
use crate::units::{EspSpi, FrameId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// A pair of addresses with the sender of its first packet in front.
type Pair = (IpAddr, IpAddr);

/// Fills `tunnels`, in order of their first packet.
pub(super) fn group(model: &mut Model) {
    let mut union = Union::default();
    let mut sa_pairs: HashMap<IkeSaId, usize> = HashMap::new();
    let mut flow_pairs: HashMap<FlowId, usize> = HashMap::new();
    for item in appearances(model) {
        let mut joined = None;
        for pair in item.pairs {
            let pair = union.add(pair);
            if let Some(before) = joined {
                union.join(before, pair);
            }
            joined = Some(pair);
        }
        if let Some(pair) = joined {
            match item.what {
                What::IkeSa(id) => {
                    sa_pairs.insert(id, pair);
                }
                What::Flow(id) => {
                    flow_pairs.insert(id, pair);
                }
                What::Icmp => {}
            }
        }
    }
    join_vantages(model, &flow_pairs, &mut union);

    // Pairs stand in order of first appearance, so the roots do, too.
    let mut order: Vec<usize> = Vec::new();
    let mut rows: HashMap<usize, Sides> = HashMap::new();
    for index in 0..union.pairs.len() {
        let root = union.root(index);
        let Some(pair) = union.pairs.get(index).copied() else {
            continue;
        };
        let sides = rows.entry(root).or_insert_with(|| {
            order.push(root);
            Sides::default()
        });
        sides.add(pair);
    }
    let mut tunnels: HashMap<usize, Tunnel> = rows
        .into_iter()
        .filter_map(|(root, sides)| Some((root, sides.tunnel()?)))
        .collect();
    for id in model.ike_sas.ids() {
        let root = sa_pairs.get(&id).map(|pair| union.root(*pair));
        if let Some(tunnel) = root.and_then(|root| tunnels.get_mut(&root)) {
            tunnel.ike_sas.push(id);
        }
    }
    for id in model.flows.ids() {
        let root = flow_pairs.get(&id).map(|pair| union.root(*pair));
        if let Some(tunnel) = root.and_then(|root| tunnels.get_mut(&root)) {
            tunnel.flows.push(id);
        }
    }
    for root in order {
        if let Some(tunnel) = tunnels.remove(&root) {
            model.tunnels.push(tunnel);
        }
    }
}

/// Something that passes between gateways, by its first packet.
struct Appearance {
    first: (Timestamp, FrameId),
    pairs: Vec<Pair>,
    what: What,
}

enum What {
    IkeSa(IkeSaId),
    Flow(FlowId),
    Icmp,
}

fn appearances(model: &Model) -> Vec<Appearance> {
    let ike = model.ike_sas.entries().map(|(id, row)| Appearance {
        first: (row.seen.first.1, row.seen.first.0),
        pairs: row
            .paths
            .iter()
            .map(|path| (path.from.address, path.to.address))
            .collect(),
        what: What::IkeSa(id),
    });
    let flows = model.flows.entries().map(|(id, flow)| Appearance {
        first: (flow.seen.first.1, flow.seen.first.0),
        pairs: flow
            .paths
            .iter()
            .map(|path| (path.from.address, path.to.address))
            .collect(),
        what: What::Flow(id),
    });
    let icmp = model.icmp.iter().map(|seen| Appearance {
        first: (seen.time, seen.frame),
        pairs: vec![(seen.error.quoted.from.address, seen.error.quoted.to.address)],
        what: What::Icmp,
    });
    let mut all: Vec<Appearance> = ike.chain(flows).chain(icmp).collect();
    all.sort_by_key(|item| item.first);
    all
}

/// One SA seen at several vantages may have other addresses at each, with a NAT between them.
fn join_vantages(model: &Model, flow_pairs: &HashMap<FlowId, usize>, union: &mut Union) {
    let key = |flow: &EspFlow| match flow.child_sa {
        Link::Proven(child) | Link::Inferred(child) => Some((child, flow.key.spi)),
        Link::None => None,
    };
    let mut first: HashMap<(crate::model::ChildSaId, EspSpi), usize> = HashMap::new();
    for (id, flow) in model.flows.entries() {
        if let (Some(key), Some(pair)) = (key(flow), flow_pairs.get(&id)) {
            let before = *first.entry(key).or_insert(*pair);
            union.join(before, *pair);
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

/// The addresses of both ends.
#[derive(Default)]
struct Sides {
    side: HashMap<IpAddr, usize>,
    addresses: [Vec<IpAddr>; 2],
    known: HashSet<IpAddr>,
}

impl Sides {
    /// Adds a pair; an address that is known puts the other on the far side.
    fn add(&mut self, (from, to): Pair) {
        let side = match (self.side.get(&from), self.side.get(&to)) {
            (Some(side), _) => *side,
            (None, Some(side)) => 1 - side,
            (None, None) => 0,
        };
        for (address, side) in [(from, side), (to, 1 - side)] {
            self.side.entry(address).or_insert(side);
            // Both ends may have one address, on a loopback.
            let new = self.known.insert(address) || from == to;
            if let (true, Some(list)) = (new, self.addresses.get_mut(side)) {
                list.push(address);
            }
        }
    }

    fn tunnel(self) -> Option<Tunnel> {
        let [a, b] = &self.addresses;
        Some(Tunnel {
            ends: [*a.first()?, *b.first()?],
            addresses: self.addresses,
            ike_sas: Vec::new(),
            flows: Vec::new(),
        })
    }
}

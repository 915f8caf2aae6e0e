//! Packets in clear: the tunnel that they may have left.

use super::taps::recorded_at;
use super::{HashMap, HashSet};
use crate::limits;
use crate::model::{ClearFlow, Model, Selector, Tunnel, TunnelId, selector};
use crate::units::{LinkAddress, Timestamp, Vantage};
use std::net::IpAddr;

/// Gives packets in clear to the tunnel of their vantage whose selectors take them, where that is known, else to
/// [one](Beside::likeliest) of the gateway that let them out, or of those there; and to the first there that has
/// either address as an end.
pub(super) fn share(model: &mut Model) {
    if model.clear.is_empty() {
        return;
    }
    name_gateways(model);
    let ends = |clear: &ClearFlow| [Some(clear.from), Some(clear.to), clear.gateway];
    let asked = model.clear.iter().flat_map(ends).flatten();
    let mut beside = Beside::of(asked.collect());
    let mut selected = Selected::default();
    for (id, tunnel) in model.tunnels.entries() {
        beside.add(model, id, tunnel);
        selected.add(model, id, tunnel);
    }
    let rows = model.clear.iter().map(|clear| {
        let with = |end| beside.with(clear.vantage, end);
        let choice = match with(clear.gateway) {
            [] => with(None),
            of_gateway => of_gateway,
        };
        let (taker, tunnels) = match selected.taker(clear) {
            Some(taker) => (Some(taker), 1),
            None => (Beside::likeliest(choice, clear), choice.len()),
        };
        let first = |end| with(Some(end)).first().map(|tunnel| tunnel.id);
        (tunnels, [taker, first(clear.from), first(clear.to)])
    });
    let rows: Vec<(usize, [Option<TunnelId>; 3])> = rows.collect();
    for (place, (tunnels, takers)) in rows.into_iter().enumerate() {
        if let Some(clear) = model.clear.get_mut(place) {
            clear.tunnels = tunnels;
        }
        for id in takers.into_iter().flatten() {
            let rows = &mut model.tunnels[id].clear;
            if rows.last() != Some(&place) {
                rows.push(place);
            }
        }
    }
}

/// Names the gateway that let packets in clear out. A router may put those of many gateways on the link.
fn name_gateways(model: &mut Model) {
    let stations = model.clear.iter();
    let stations = stations.filter_map(|clear| Some((clear.vantage, clear.station?)));
    let mut gateways: HashMap<(Vantage, LinkAddress), Gateway> = stations
        .map(|station| (station, Gateway::Unknown))
        .collect();
    if gateways.is_empty() {
        return;
    }
    for message in model.messages.iter() {
        let station = message.station.map(|station| (message.vantage, station));
        if let Some(gateway) = station.and_then(|station| gateways.get_mut(&station)) {
            gateway.hear(message.path.from().address);
        }
    }
    for clear in &mut model.clear {
        let station = clear.station.map(|station| (clear.vantage, station));
        if let Some(Gateway::One(address)) = station.and_then(|station| gateways.get(&station)) {
            clear.gateway = Some(*address);
        }
    }
}

/// Whose IKE messages a station puts on a link.
#[derive(Clone, Copy)]
enum Gateway {
    Unknown,
    One(IpAddr),
    Several,
}

impl Gateway {
    fn hear(&mut self, from: IpAddr) {
        *self = match *self {
            Self::Unknown => Self::One(from),
            Self::One(known) if known == from => Self::One(known),
            Self::One(_) | Self::Several => Self::Several,
        };
    }
}

/// Tunnels by where they were recorded and by their ends, of those that are asked for.
struct Beside {
    asked: HashSet<IpAddr>,
    tunnels: HashMap<(Vantage, Option<IpAddr>), Vec<Candidate>>,
}

/// A tunnel, and from when to when its ESP passed.
#[derive(Clone, Copy)]
struct Candidate {
    id: TunnelId,
    esp: Option<(Timestamp, Timestamp)>,
}

impl Beside {
    fn of(asked: HashSet<IpAddr>) -> Self {
        Self {
            asked,
            tunnels: HashMap::default(),
        }
    }

    fn add(&mut self, model: &Model, id: TunnelId, tunnel: &Tunnel) {
        let ends = tunnel.addresses.iter().flatten().copied();
        let ends: Vec<IpAddr> = ends.filter(|end| self.asked.contains(end)).collect();
        let flows = || tunnel.flows.iter().map(|id| model.flows[*id].seen);
        let first = flows().map(|seen| seen.first.1).min();
        let last = flows().map(|seen| seen.last.1).max();
        let candidate = Candidate {
            id,
            esp: first.zip(last),
        };
        let mut before = None;
        for vantage in recorded_at(model, tunnel) {
            if before.replace(vantage) == Some(vantage) {
                continue;
            }
            for end in ends.iter().copied().map(Some).chain([None]) {
                let rows = self.tunnels.entry((vantage, end)).or_default();
                if rows.last().is_none_or(|last| last.id != id) {
                    rows.push(candidate);
                }
            }
        }
    }

    /// The tunnels of a vantage, of those that have an end; or of all.
    fn with(&self, vantage: Vantage, end: Option<IpAddr>) -> &[Candidate] {
        self.tunnels.get(&(vantage, end)).map_or(&[], Vec::as_slice)
    }

    /// The first of these tunnels that has no ESP while packets pass in clear, else the first: what should be in a
    /// tunnel leaves it where there is no SA.
    fn likeliest(tunnels: &[Candidate], clear: &ClearFlow) -> Option<TunnelId> {
        let (from, until) = (clear.seen.first.1, clear.seen.last.1);
        let passes = |(first, last): (Timestamp, Timestamp)| first <= until && last >= from;
        let mut looked_at = tunnels.iter().take(limits::CLEAR_TUNNELS);
        let idle = looked_at.find(|tunnel| !tunnel.esp.is_some_and(passes));
        idle.or(tunnels.first()).map(|tunnel| tunnel.id)
    }
}

/// What tunnels are known to take, in their order.
#[derive(Default)]
struct Selected<'m> {
    /// The selectors of child SAs.
    terms: Vec<(TunnelId, &'m [Vec<Selector>; 2])>,
    /// Where the tunnels that have some were recorded.
    vantages: HashSet<(TunnelId, Vantage)>,
    /// The selectors in all.
    count: usize,
}

impl<'m> Selected<'m> {
    /// Adds what was asked for and granted of a tunnel. Selectors that take everything name nobody.
    fn add(&mut self, model: &'m Model, id: TunnelId, tunnel: &'m Tunnel) {
        let sas = tunnel.ike_sas.iter().map(|id| &model.ike_sas[*id]);
        let children = sas.flat_map(|sa| &sa.child_sas);
        let terms = children.filter_map(|child| model.child_sas[*child].terms.as_ref());
        let begun = self.terms.len();
        for sides in terms.flat_map(|terms| [&terms.asked, &terms.granted].into_iter().flatten()) {
            let count = self.count + sides.iter().map(Vec::len).sum::<usize>();
            if count > limits::CLEAR_SELECTORS {
                break;
            }
            // Those of one that replaces another are the same again.
            let last = self.terms.get(begun..).and_then(<[_]>::last);
            let again = last.is_some_and(|(_, last)| *last == sides);
            if !again && !sides.iter().flatten().all(Selector::is_all) {
                self.count = count;
                self.terms.push((id, sides));
            }
        }
        if self.terms.len() > begun {
            let here = recorded_at(model, tunnel).map(|vantage| (id, vantage));
            self.vantages.extend(here);
        }
    }

    /// The first tunnel of the same vantage that takes these packets.
    fn taker(&self, clear: &ClearFlow) -> Option<TunnelId> {
        let takes = |[one, other]: &[Vec<Selector>; 2]| {
            let between = |from, to| selector::holds(one, from) && selector::holds(other, to);
            between(clear.from, clear.to) || between(clear.to, clear.from)
        };
        let mut takers = self.terms.iter().filter(|(_, sides)| takes(sides));
        let taker = takers.find(|(id, _)| self.vantages.contains(&(*id, clear.vantage)));
        taker.map(|(id, _)| *id)
    }
}

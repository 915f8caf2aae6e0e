//! Packets in clear: the tunnel that they may have left.

use super::taps::recorded_at;
use super::{HashMap, HashSet};
use crate::limits;
use crate::model::{ClearFlow, Model, Selector, Tunnel, TunnelId, selector};
use crate::units::Vantage;
use std::net::IpAddr;

/// Gives packets in clear to the tunnel of their vantage whose selectors take them, where that is
/// known, else to the first tunnel there; and to the first there that has either address as an end.
pub(super) fn share(model: &mut Model) {
    if model.clear.is_empty() {
        return;
    }
    let asked: HashSet<IpAddr> = model
        .clear
        .iter()
        .flat_map(|clear| [clear.from, clear.to])
        .collect();
    let mut first: HashMap<(Vantage, Option<IpAddr>), TunnelId> = HashMap::default();
    let mut selected = Selected::default();
    for (id, tunnel) in model.tunnels.entries() {
        let ends = tunnel.addresses.iter().flatten().copied();
        let ends: Vec<IpAddr> = ends.filter(|end| asked.contains(end)).collect();
        let mut before = None;
        for vantage in recorded_at(model, tunnel) {
            if before.replace(vantage) == Some(vantage) {
                continue;
            }
            first.entry((vantage, None)).or_insert(id);
            for end in &ends {
                first.entry((vantage, Some(*end))).or_insert(id);
            }
        }
        selected.add(model, id, tunnel);
    }
    let takers: Vec<[Option<TunnelId>; 3]> = model
        .clear
        .iter()
        .map(|clear| {
            let first = |end| first.get(&(clear.vantage, end)).copied();
            [
                selected.taker(clear).or_else(|| first(None)),
                first(Some(clear.from)),
                first(Some(clear.to)),
            ]
        })
        .collect();
    for (place, takers) in takers.into_iter().enumerate() {
        for id in takers.into_iter().flatten() {
            let rows = &mut model.tunnels[id].clear;
            if rows.last() != Some(&place) {
                rows.push(place);
            }
        }
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

//! Pairs of addresses between which anything passed, numbered once: what is kept of a pair is a row of a table then, in
//! the order of time, and is not looked for by two addresses again.

use super::{HashMap, ordered, with_capacity};
use crate::model::table::id;
use crate::model::{Few, FlowId, IcmpSeen, IkeSaId, Model, Table};
use crate::net::Path;
use crate::units::{FrameId, Timestamp};
use std::net::IpAddr;

id!(PairId, "a pair of addresses");

/// Two addresses with the sender of the first packet between them in front.
pub(super) type Pair = (IpAddr, IpAddr);

/// The pairs in order of their first packet.
pub(super) struct Pairs {
    ids: HashMap<Pair, PairId>,
    pairs: Table<PairId, Pair>,
    of_ike_sas: Table<IkeSaId, Few<PairId>>,
    of_flows: Table<FlowId, Few<PairId>>,
}

impl Pairs {
    /// Those of IKE SAs, flows, what ICMP errors quote and messages outside of any IKE SA.
    pub(super) fn of(model: &Model) -> Self {
        let mut all = Self {
            ids: with_capacity(model.ike_sas.len().max(model.flows.len())),
            pairs: Table::default(),
            of_ike_sas: model.ike_sas.beside(),
            of_flows: model.flows.beside(),
        };
        for item in appearances(model) {
            match item.what {
                What::IkeSa(id) => {
                    all.of_ike_sas[id] = all.add_all(&model.ike_sas[id].paths);
                }
                What::Flow(id) => all.of_flows[id] = all.add_all(&model.flows[id].paths),
                What::Icmp(place) => {
                    if let Some(seen) = model.icmp.get(place) {
                        all.add(quoted(seen));
                    }
                }
                What::Outside(place) => {
                    if let Some(row) = model.outside.get(place) {
                        all.add((row.path.from.address, row.path.to.address));
                    }
                }
            }
        }
        all
    }

    /// A row for each.
    pub(super) fn table<T: Default>(&self) -> Table<PairId, T> {
        self.pairs.beside()
    }

    /// They, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (PairId, Pair)> {
        self.pairs.entries().map(|(id, pair)| (id, *pair))
    }

    /// Those that an IKE SA was between, in order of first use, the same twice if it came back.
    pub(super) fn of_ike_sa(&self, id: IkeSaId) -> &[PairId] {
        &self.of_ike_sas[id]
    }

    /// As [`of_ike_sa`](Self::of_ike_sa), of a flow.
    pub(super) fn of_flow(&self, id: FlowId) -> &[PairId] {
        &self.of_flows[id]
    }

    /// The pair of two addresses, whichever is in front.
    pub(super) fn between(&self, one: IpAddr, other: IpAddr) -> Option<PairId> {
        self.ids.get(&ordered(one, other)).copied()
    }

    /// As [`between`](Self::between), of addresses that are most likely the first that an IKE SA used.
    pub(super) fn between_of(&self, ike_sa: IkeSaId, one: IpAddr, other: IpAddr) -> Option<PairId> {
        let first = self.of_ike_sa(ike_sa).first().copied();
        let first = first.filter(|id| {
            let (from, to) = self.pairs[*id];
            ordered(from, to) == ordered(one, other)
        });
        first.or_else(|| self.between(one, other))
    }

    /// Which way from one of its addresses to the other: 0 as its first packet went, 1 back.
    pub(super) fn way(&self, pair: PairId, from: IpAddr) -> usize {
        usize::from(self.pairs[pair].0 != from)
    }

    fn add(&mut self, pair: Pair) -> PairId {
        let Self { ids, pairs, .. } = self;
        let entry = ids.entry(ordered(pair.0, pair.1));
        *entry.or_insert_with(|| pairs.push(pair))
    }

    fn add_all(&mut self, paths: &[Path]) -> Few<PairId> {
        let mut all = Few::new();
        let mut before = None;
        for path in paths {
            let pair = (path.from.address, path.to.address);
            // Most paths differ from the one before in their ports alone.
            if before.replace(pair) != Some(pair) {
                all.push(self.add(pair));
            }
        }
        all
    }
}

/// Something that passes between gateways, by its first packet.
struct Appearance {
    first: (Timestamp, FrameId),
    what: What,
}

enum What {
    IkeSa(IkeSaId),
    Flow(FlowId),
    /// An ICMP error, by its place.
    Icmp(usize),
    /// A message outside of any IKE SA, by its place.
    Outside(usize),
}

/// The addresses of the packet that an ICMP error is about.
fn quoted(seen: &IcmpSeen) -> Pair {
    let quoted = seen.error.quoted;
    (quoted.from.address, quoted.to.address)
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
    let icmp = model.icmp.iter().enumerate().filter(|(_, seen)| {
        let (from, to) = quoted(seen);
        from != to
    });
    let icmp = icmp.map(|(place, seen)| Appearance {
        first: (seen.time, seen.frame),
        what: What::Icmp(place),
    });
    let outside = model.outside.iter().enumerate();
    let outside = outside.map(|(place, row)| Appearance {
        first: (row.seen.first.1, row.seen.first.0),
        what: What::Outside(place),
    });
    let mut all: Vec<Appearance> = ike.chain(flows).chain(icmp).chain(outside).collect();
    all.sort_by_key(|item| item.first);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    /// The pairs of a conversation, and those of each IKE SA and flow.
    fn shown(text: &str) -> String {
        let model = model(text);
        let pairs = Pairs::of(&model);
        let all = pairs.pairs.iter().map(|(from, to)| format!("{from} {to}"));
        let all: Vec<String> = all.collect();
        let of = |ids: &[PairId]| ids.iter().map(|id| id.0).collect::<Vec<u32>>();
        let ike: Vec<_> = pairs.of_ike_sas.iter().map(|ids| of(ids)).collect();
        let esp: Vec<_> = pairs.of_flows.iter().map(|ids| of(ids)).collect();
        format!("{} | IKE {ike:?} | ESP {esp:?}", all.join(", "))
    }

    #[test]
    fn ports_and_the_way_make_no_pair() {
        let text = "
            0.0 A:500 > B:500 IKE_SA_INIT i=1 request
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 response
            0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
            1.0 B > A ESP 0xa1 seq 1..3
            2.0 A > B ESP 0xb1 seq 1..3";
        let shown = shown(text);
        assert!(shown.ends_with("| IKE [[0]] | ESP [[0], [0]]"), "{shown}");
    }

    #[test]
    fn they_stand_in_the_order_of_their_first_packets() {
        let text = "
            0.0 C > B ESP 0xb2 seq 1..3
            1.0 A:500 > B:500 IKE_SA_INIT i=1 request
            1.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 response
            2.0 C:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request sealed 80";
        let shown = shown(text);
        assert!(shown.ends_with("| IKE [[1, 0]] | ESP [[0]]"), "{shown}");
    }

    #[test]
    fn the_sender_of_the_first_packet_is_in_front() {
        let model = model("0.0 B > A ESP 0xb1 seq 1..3");
        let pairs = Pairs::of(&model);
        let (pair, (from, to)) = pairs.entries().next().unwrap();
        assert_eq!([pairs.way(pair, from), pairs.way(pair, to)], [0, 1]);
        assert_eq!(pairs.between(to, from), Some(pair));
        assert_eq!(pairs.between(to, to), None);
    }
}

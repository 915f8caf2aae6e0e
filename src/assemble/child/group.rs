//! The flows of one SA, put together.

use super::super::pairs::{PairId, Pairs};
use super::super::{HashMap, with_capacity};
use crate::model::{Few, FlowId, Model, Seen};
use crate::units::{EspSpi, Timestamp};
use std::net::IpAddr;

/// All flows of one SA: the same SPI at every vantage and after every move.
pub(super) struct Group {
    pub(super) ah: bool,
    pub(super) spi: EspSpi,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) pair: PairId,
    /// The way that it goes between the pair.
    pub(super) way: usize,
    pub(super) seen: Seen,
    pub(super) flows: Few<FlowId>,
}

impl Group {
    /// The way of what answers it. An address may speak to itself, on a loopback: there is one way only.
    pub(super) fn way_back(&self) -> usize {
        match self.from == self.to {
            true => self.way,
            false => 1 - self.way,
        }
    }
}

/// Puts flows of one SA together. An SPI is 32 bits chosen at random by the receiver: the same one
/// at another vantage, or towards a moved receiver once the old address is silent, is the same SA.
pub(super) fn groups(model: &Model, pairs: &Pairs) -> Vec<Group> {
    let mut flows: Vec<FlowId> = model.flows.ids().collect();
    flows.sort_by_key(|id| model.flows[*id].seen.first.1);
    let mut groups: Vec<Group> = Vec::with_capacity(flows.len());
    let mut latest: HashMap<(bool, EspSpi), usize> = with_capacity(flows.len());
    for id in flows {
        let flow = &model.flows[id];
        let (Some(path), Some(pair)) = (flow.paths.first(), pairs.of_flow(id).first()) else {
            continue;
        };
        let key = (flow.key.ah, flow.key.spi);
        let known = latest.get(&key).and_then(|index| groups.get_mut(*index));
        if let Some(group) = known
            && let Some(first) = group.flows.first()
        {
            let elsewhere = model.flows[*first].key.vantage != flow.key.vantage;
            let same = group.to == flow.key.to;
            let moved = flow.seen.first.1 >= group.seen.last.1;
            if elsewhere || same || moved {
                group.flows.push(id);
                group.seen.last = later(group.seen.last, flow.seen.last);
                continue;
            }
        }
        latest.insert(key, groups.len());
        groups.push(Group {
            ah: flow.key.ah,
            spi: flow.key.spi,
            from: path.from.address,
            to: flow.key.to,
            pair: *pair,
            way: pairs.way(*pair, path.from.address),
            seen: flow.seen,
            flows: std::iter::once(id).collect(),
        });
    }
    groups
}

pub(super) fn later<T: Copy>(a: (T, Timestamp), b: (T, Timestamp)) -> (T, Timestamp) {
    if b.1 > a.1 { b } else { a }
}

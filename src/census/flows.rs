//! The flows of ESP and AH in the making, found by their keys.
//!
//! They have numbers in the order of their first packets, and lie in shares by number. No flow depends on
//! another, so the packets of several shares are counted at the same time, and it makes no difference how
//! many threads do it.

use super::flow::FlowCounter;
use crate::each::{self, Spread};
use crate::fold::{EspPacket, EspTrain, Trains};
use crate::limits::{self, Bounds};
use crate::model::{EspFlow, FlowId, FlowKey, Table, Transport};
use crate::net::Path;
use crate::sadb::Sadb;
use crate::scan::Lane;
use crate::units::{EspSpi, Vantage, address_bits};
use foldhash::quality::RandomState;
use hashbrown::hash_table::{Entry, HashTable};
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

/// Shares of the flows: enough that those of many threads end at about the same time.
const SHARES: usize = 8;

/// Trains that are told at once, at most: what is noted of each takes room until it is counted.
const TRAINS_AT_ONCE: usize = 1 << 13;

/// Fewer trains are not worth the help of others.
const FEW: usize = 64;

/// Trains of which one thread finds the flows.
const RUN: usize = 1024;

/// Flows that are looked up before the first of them is counted: as many as a processor fetches side by
/// side.
const TOGETHER: usize = 16;

/// Flows by key.
#[derive(Debug)]
pub(super) struct Flows {
    /// The key of each flow. Apart from what is counted, so that finding one touches little.
    keys: Vec<FlowKey>,
    /// Numbers of flows by the hash of their keys.
    index: HashTable<u32>,
    /// SPIs are chosen by whoever sends, so the hash is seeded.
    hasher: RandomState,
    /// The flow of number `n` stands in share `n % SHARES`, in order.
    shares: Vec<Mutex<Vec<FlowCounter>>>,
    bounds: Bounds,
    spread: Spread,
}

impl Default for Flows {
    fn default() -> Self {
        Self::within(Bounds::default(), each::in_turn)
    }
}

impl Flows {
    /// No flows yet; no more than the bounds allow, and counted by those threads.
    pub(super) fn within(bounds: Bounds, spread: Spread) -> Self {
        Self {
            keys: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            shares: (0..SHARES).map(|_| Mutex::default()).collect(),
            bounds,
            spread,
        }
    }

    /// The number of the flow with this key, which begins with this packet if it is new; `None` beyond
    /// the limit.
    pub(super) fn at(
        &mut self,
        key: FlowKey,
        path: &Path,
        packet: &EspPacket<'_>,
    ) -> Option<usize> {
        let number = self.find_or_number(&key)?;
        let flows = share(&mut self.shares, number)?;
        arrive(&self.bounds, flows, number, path, packet);
        Some(number)
    }

    /// The flow of a number.
    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut FlowCounter> {
        share(&mut self.shares, number)?.get_mut(number / SHARES)
    }

    /// Counts the packets of trains; gives how many belong to flows beyond the limit.
    pub(super) fn count(&mut self, trains: Trains<'_>) -> u64 {
        let mut trains = trains.filter(|(_, train)| !train.is_empty());
        let mut beyond = 0;
        loop {
            let told: Vec<Told<'_>> = trains.by_ref().take(TRAINS_AT_ONCE).collect();
            beyond += match told.len() {
                0 => return beyond,
                1..FEW => self.count_few(&told),
                _ => self.count_many(&told),
            };
        }
    }

    fn count_few(&mut self, told: &[Told<'_>]) -> u64 {
        let mut beyond = 0;
        for (lane, train) in told {
            let first = train.packets().next();
            let number = first.and_then(|first| self.at(flow_key(lane), &lane.path, &first));
            match number.and_then(|number| self.get_mut(number)) {
                Some(flow) => flow.count_train(*train),
                None => beyond += train.len() as u64,
            }
        }
        beyond
    }

    fn count_many(&mut self, told: &[Told<'_>]) -> u64 {
        let mut beyond = 0;
        let mut shares: Vec<Vec<(usize, &Told<'_>)>> = vec![Vec::new(); SHARES];
        for (known, told) in self.find(told).into_iter().zip(told) {
            let (lane, train) = told;
            match known.or_else(|| self.find_or_number(&flow_key(lane))) {
                Some(number) => {
                    if let Some(share) = shares.get_mut(number % SHARES) {
                        share.push((number, told));
                    }
                }
                None => beyond += train.len() as u64,
            }
        }
        let (bounds, flows) = (&self.bounds, &self.shares);
        (self.spread)(SHARES, &|number| {
            if let (Some(told), Some(flows)) = (shares.get(number), flows.get(number)) {
                let mut flows = flows.lock().unwrap_or_else(PoisonError::into_inner);
                count_share(bounds, &mut flows, told);
            }
        });
        beyond
    }

    /// The numbers of the flows of trains, of those that have begun.
    fn find(&self, told: &[Told<'_>]) -> Vec<Option<usize>> {
        let runs: Vec<&[Told<'_>]> = told.chunks(RUN).collect();
        let found = each::map(&self.spread, runs.len(), |run| {
            let run = runs.get(run).copied().unwrap_or_default().iter();
            let numbers = run.map(|(lane, _)| {
                let key = flow_key(lane);
                let known = |number: &u32| self.keys.get(*number as usize) == Some(&key);
                let number = self.index.find(hash(&self.hasher, &key), known)?;
                Some(*number as usize)
            });
            numbers.collect::<Vec<_>>()
        });
        found.into_iter().flatten().collect()
    }

    /// The number of the flow with this key, the next one if there is none; `None` beyond the limit.
    fn find_or_number(&mut self, key: &FlowKey) -> Option<usize> {
        let Self {
            keys,
            index,
            hasher,
            bounds,
            ..
        } = self;
        let of = |number: &u32| keys.get(*number as usize);
        let entry = index.entry(
            hash(hasher, key),
            |number| of(number) == Some(key),
            |number| of(number).map_or(0, |key| hash(hasher, key)),
        );
        match entry {
            Entry::Occupied(known) => Some(*known.get() as usize),
            Entry::Vacant(free) => {
                let number = keys.len();
                if number >= bounds.flows {
                    return None;
                }
                free.insert(u32::try_from(number).ok()?);
                keys.push(*key);
                Some(number)
            }
        }
    }

    /// Names the keys that opened packets.
    pub(super) fn name_keys(&mut self, database: &Sadb) {
        for share in &mut self.shares {
            let flows = share.get_mut().unwrap_or_else(PoisonError::into_inner);
            flows.iter_mut().for_each(|flow| flow.name_keys(database));
        }
    }

    /// The flows as they stand, in order, and of how many the sizes might not be timed.
    pub(super) fn finish(self) -> (Table<FlowId, EspFlow>, u64) {
        let mut shares: Vec<_> = self
            .shares
            .into_iter()
            .map(|share| share.into_inner().unwrap_or_else(PoisonError::into_inner))
            .map(Vec::into_iter)
            .collect();
        let mut untimed = 0;
        // In their order at once: threads would each write those of a share, which are then moved, and to move one
        // takes longer than to finish it.
        let mut flows = Table::default();
        flows.reserve(self.keys.len());
        let keys = self.keys.into_iter().enumerate();
        flows.extend(keys.filter_map(|(number, key)| {
            let flow = shares.get_mut(number % SHARES)?.next()?;
            untimed += u64::from(flow.is_untimed());
            Some(flow.finish(key))
        }));
        (flows, untimed)
    }
}

/// A train and its lane.
type Told<'b> = (&'b Lane, EspTrain<'b>);

/// Counts the trains of one share of the flows.
fn count_share(bounds: &Bounds, flows: &mut Vec<FlowCounter>, told: &[(usize, &Told<'_>)]) {
    for told in told.chunks(TOGETHER) {
        for (number, (lane, train)) in told {
            if let Some(first) = train.packets().next() {
                arrive(bounds, flows, *number, &lane.path, &first);
            }
        }
        let places = told.iter().map(|(number, _)| number / SHARES);
        let touched = places.filter_map(|place| flows.get(place));
        black_box(touched.fold(0, |all, flow| all ^ flow.touch()));
        for (number, (_, train)) in told {
            if let Some(flow) = flows.get_mut(number / SHARES) {
                flow.count_train(*train);
            }
        }
    }
}

/// A packet of the flow of a number came by this path: the flow begins with it if it is not there.
fn arrive(
    bounds: &Bounds,
    flows: &mut Vec<FlowCounter>,
    number: usize,
    path: &Path,
    packet: &EspPacket<'_>,
) {
    if let Some(flow) = flows.get_mut(number / SHARES) {
        return flow.takes(path, packet);
    }
    let holes = match number < bounds.flows_with_all_holes {
        true => limits::FLOW_HOLES,
        false => limits::FURTHER_FLOW_HOLES,
    };
    let may_time = number < bounds.rhythm_flows;
    flows.push(FlowCounter::new(*path, packet, holes, may_time));
}

fn share(shares: &mut [Mutex<Vec<FlowCounter>>], number: usize) -> Option<&mut Vec<FlowCounter>> {
    let share = shares.get_mut(number % SHARES)?;
    Some(share.get_mut().unwrap_or_else(PoisonError::into_inner))
}

/// The rest of the key seldom differs where these agree.
fn hash(hasher: &RandomState, key: &FlowKey) -> u64 {
    hasher.hash_one((key.spi, address_bits(key.to), key.vantage.interface))
}

/// The key of the flow of ESP that a lane's packets are of.
pub(super) fn flow_key(lane: &Lane) -> FlowKey {
    key_of(lane.vantage, lane.spi, &lane.path)
}

/// The key of the flow of ESP with this SPI on a path.
pub(super) fn key_of(vantage: Vantage, spi: EspSpi, path: &Path) -> FlowKey {
    FlowKey {
        vantage,
        ah: false,
        transport: Transport::of(&path.encap),
        spi,
        to: path.to.address,
    }
}

//! What a silence is told of: all of a pair of gateways, or what is judged apart from the rest.

use crate::diagnose::Case;
use crate::diagnose::facts::esp::Directions;
use crate::model::{ChildSaId, EspFlow, Link, Selector, selector};
use crate::units::{Endpoint, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What a silence is told of.
#[derive(Clone, Copy)]
pub(super) enum Of<'c> {
    /// All of a pair of gateways.
    All,
    /// The SAs with one set of selectors.
    Set(&'c Set),
    /// One of several clients behind the address of an end, by its port.
    Client(usize, Endpoint),
}

impl Of<'_> {
    pub(super) fn has(self, flow: &EspFlow) -> bool {
        match self {
            Self::All => true,
            Self::Set(set) => set.has(flow),
            Self::Client(_, client) => {
                let mut paths = flow.paths.iter();
                paths.any(|path| path.from == client || path.to == client)
            }
        }
    }
}

/// The clients behind the address of one end, each by its port, if there are several at once: one after the other may
/// be one that its NAT gave another port.
pub(super) fn clients<'c>(case: &Case<'_>, directions: &Directions<'_>) -> Vec<Of<'c>> {
    /// More clients than these are not compared with each other.
    const COMPARED: usize = 32;
    // At another tap clients may bear other names.
    if case.directions().len() > 1 {
        return Vec::new();
    }
    let mut clients = Vec::new();
    for end in [0, 1] {
        let mut from = directions
            .flows(1 - end)
            .iter()
            .map(|flow| flow.paths.first());
        let first = from.next();
        if from.all(|path| path.map(|path| path.from) == first.flatten().map(|path| path.from)) {
            continue;
        }
        let mut speak: BTreeMap<Endpoint, (Timestamp, Timestamp)> = BTreeMap::new();
        for flow in directions.flows(1 - end) {
            let [path] = flow.paths.as_slice() else {
                return Vec::new();
            };
            let (first, last) = (flow.seen.first.1, flow.seen.last.1);
            let seen = speak.entry(path.from).or_insert((first, last));
            *seen = (seen.0.min(first), seen.1.max(last));
        }
        if speak.len() > COMPARED {
            return Vec::new();
        }
        let several = speak.iter().filter(|(client, (first, last))| {
            let mut others = speak.iter().filter(|(other, _)| other != client);
            others.any(|(_, (begin, end))| begin < last && end > first)
        });
        // Where it is heard and what goes to it may have ports of their own.
        let paths = directions.flows(end).iter().flat_map(|flow| &flow.paths);
        let to: BTreeSet<Endpoint> = paths.map(|path| path.to).collect();
        let own = several.filter(|(client, _)| client.port.is_some() && to.contains(client));
        clients.extend(own.map(|(client, _)| Of::Client(end, *client)));
    }
    clients
}

/// Child SAs with the same selectors.
pub(super) struct Set {
    /// Selectors of the side of each end.
    pub(super) sides: [Vec<Selector>; 2],
    /// The child SAs.
    children: BTreeSet<ChildSaId>,
}

impl Set {
    pub(super) fn has(&self, flow: &EspFlow) -> bool {
        matches!(flow.child_sa, Link::Proven(child) if self.children.contains(&child))
    }

    fn is_alike(&self, [first, second]: &[Vec<Selector>; 2]) -> bool {
        let [own, other] = &self.sides;
        selector::same(own, first) && selector::same(other, second)
    }

    /// Whether a packet may fit both.
    fn meets(&self, other: &Self) -> bool {
        let mut sides = self.sides.iter().zip(&other.sides);
        sides.all(|(own, other)| own.iter().any(|one| other.iter().any(|two| one.meets(two))))
    }
}

/// The child SAs by their selectors: what one set takes is answered in no other, so each is judged by
/// itself. None if there is but one set, or if packets may fit two.
pub(super) fn sets(case: &Case<'_>) -> Vec<Set> {
    /// More sets than these, and more selectors of one, are not compared with each other.
    const COMPARED: usize = 32;
    let mut sets: Vec<Set> = Vec::new();
    for life in case.lives() {
        if sets.len() > COMPARED || life.sides.iter().any(|side| side.len() > COMPARED) {
            return Vec::new();
        }
        match sets.iter_mut().find(|set| set.is_alike(&life.sides)) {
            Some(set) => _ = set.children.insert(life.child),
            None => sets.push(Set {
                sides: life.sides.clone(),
                children: BTreeSet::from([life.child]),
            }),
        }
    }
    let mut pairs = sets.iter().enumerate();
    let apart =
        pairs.all(|(place, one)| sets.iter().skip(place + 1).all(|other| !one.meets(other)));
    match sets.len() > 1 && apart {
        true => sets,
        false => Vec::new(),
    }
}

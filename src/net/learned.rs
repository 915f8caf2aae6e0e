//! Paths that their content has proven to carry IPsec on an unusual port.
//!
//! What is learned holds for later packets in file order alone. The list only grows, and there is
//! but one in a run: how long it is says what is in it, so a worker that began with a shorter one
//! than the truth is found out by its length (see [`crate::pipeline`]).

use crate::limits::LEARNED_PATHS;
use crate::units::Endpoint;

/// Two ends of a transport protocol, whoever sends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pair {
    protocol: u8,
    low: Endpoint,
    high: Endpoint,
}

impl Pair {
    /// The pair that packets of an IP protocol between these two make.
    pub fn new(protocol: u8, from: Endpoint, to: Endpoint) -> Self {
        Self {
            protocol,
            low: from.min(to),
            high: from.max(to),
        }
    }

    /// Whether this end is the lower of the two.
    pub(super) fn is_low(&self, end: Endpoint) -> bool {
        self.low == end
    }
}

/// The pairs learned so far, in the order of the frames that taught them.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    pairs: Vec<Pair>,
    beyond: bool,
}

impl Learned {
    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Whether a pair was learned.
    pub fn knows(&self, pair: &Pair) -> bool {
        self.pairs.contains(pair)
    }

    /// Takes a pair in; `false` if there is no room left.
    pub fn learn(&mut self, pair: Pair) -> bool {
        if self.knows(&pair) {
            return true;
        }
        let has_room = self.pairs.len() < LEARNED_PATHS;
        match has_room {
            true => self.pairs.push(pair),
            false => self.beyond = true,
        }
        has_room
    }

    /// Whether a pair was turned away.
    pub fn is_beyond(&self) -> bool {
        self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn end(last: u8, port: u16) -> Endpoint {
        Endpoint {
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
            port: Some(port),
        }
    }

    #[test]
    fn a_pair_is_known_in_both_directions_and_for_its_protocol_alone() {
        let mut learned = Learned::default();
        let (here, there) = (end(1, 14500), end(2, 999));
        assert!(learned.learn(Pair::new(17, here, there)));
        assert!(learned.knows(&Pair::new(17, there, here)));
        assert!(!learned.knows(&Pair::new(6, here, there)));
        assert!(!learned.knows(&Pair::new(17, here, end(2, 998))));
    }

    #[test]
    fn no_more_is_learned_than_there_is_room_for() {
        let mut learned = Learned::default();
        for port in 0..100 {
            let pair = Pair::new(17, end(1, port), end(2, 1));
            assert_eq!(learned.learn(pair), usize::from(port) < LEARNED_PATHS);
            assert_eq!(learned.learn(pair), usize::from(port) < LEARNED_PATHS);
        }
        assert_eq!(learned.len(), LEARNED_PATHS);
        assert!(learned.is_beyond());
    }
}

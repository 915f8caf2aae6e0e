//! The address behind a NAT, where a hash of NAT detection tells it: it is tried with those that are usual there.

use super::{IkeSa, Message, Model, Plain, Role};
use crate::limits;
use crate::units::Endpoint;
use crate::wire::nat_detection;
use std::net::{IpAddr, Ipv4Addr};

impl Model {
    /// The first message of a side that brings hashes of itself for NAT detection, and the first of these.
    pub(crate) fn nat_hash(&self, sa: &IkeSa, role: Role) -> Option<(&Message, &[u8])> {
        let exchanges = sa.exchanges.iter().take(limits::NAT_GUESS_EXCHANGES);
        exchanges
            .flat_map(|id| &self.exchanges[*id].flights)
            .filter(|flight| flight.by == role)
            .filter_map(|flight| Some(&self.messages[flight.first()?]))
            .filter(|message| message.plain == Plain::Clear)
            .find_map(|message| {
                let read = message.read_of(&nat_detection::PAYLOADS);
                let hash = nat_detection::hashes(&read).source.first().copied()?;
                Some((message, hash))
            })
    }

    /// The address behind the NAT, if the hash is of one that is usual there: that takes some thousand hashes, so
    /// [`limits::NAT_GUESS_TUNNELS`] says for how many it may be asked.
    pub(crate) fn behind_nat(&self, sa: &IkeSa, role: Role) -> Option<Endpoint> {
        self.hashed_of(sa, role, usual())
    }

    /// Which of these addresses the hash of a side is of. A sender sends from the port that it sends to, before the
    /// NAT (RFC 7296 section 2.23).
    pub(crate) fn hashed_of(
        &self,
        sa: &IkeSa,
        role: Role,
        addresses: impl IntoIterator<Item = Ipv4Addr>,
    ) -> Option<Endpoint> {
        let (message, hash) = self.nat_hash(sa, role)?;
        if !message.path.from().address.is_ipv4() {
            return None;
        }
        addresses
            .into_iter()
            .map(|address| Endpoint {
                address: IpAddr::V4(address),
                port: message.path.to().port,
            })
            .find(|end| nat_detection::fits(hash, message.header.spis, *end) == Some(true))
    }
}

/// Private addresses (RFC 1918) that routers and their first hosts have: some 2,600.
fn usual() -> impl Iterator<Item = Ipv4Addr> {
    let gateways = [1, 2, 254];
    let of = move |[a, b]: [u8; 2], subnets: std::ops::RangeInclusive<u8>| {
        subnets.flat_map(move |c| gateways.map(|d| Ipv4Addr::new(a, b, c, d)))
    };
    let whole = [[192, 168, 0], [192, 168, 1], [10, 0, 0], [172, 16, 0]];
    of([192, 168], 0..=255)
        .chain(of([10, 0], 0..=255))
        .chain((16..=31).flat_map(move |b| of([172, b], 0..=0)))
        .chain(
            whole
                .into_iter()
                .flat_map(|[a, b, c]| (1..=254).map(move |d| Ipv4Addr::new(a, b, c, d))),
        )
}

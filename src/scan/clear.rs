//! Packets in clear, summed by pair: sums do not depend on the order.

use super::room::{give, take};
use crate::model::{ClearFlow, Refusal, Seen};
use crate::net::{IcmpError, Passer, Path, Stamp};
use crate::units::{FrameId, LinkAddress, Timestamp, Vantage, address_bits};
use foldhash::quality::RandomState;
use hashbrown::hash_table::{self, HashTable};
use std::hash::BuildHasher;
use std::net::IpAddr;

/// The pairs met so far.
#[derive(Default)]
pub(super) struct ClearFlows {
    rows: Vec<ClearFlow>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl ClearFlows {
    /// The pairs in order of the first packet; then there are none.
    pub(super) fn take(&mut self) -> Vec<ClearFlow> {
        self.index.clear();
        take(&mut self.rows)
    }

    /// Takes room for the pairs to come.
    pub(super) fn reuse(&mut self, room: Vec<ClearFlow>) {
        give(&mut self.rows, room);
    }

    /// Counts a packet that a station put on the link, recorded `at` a frame and a time.
    pub(super) fn add(
        &mut self,
        at: (FrameId, Option<Timestamp>),
        vantage: Vantage,
        station: Option<LinkAddress>,
        passer: &Passer,
    ) {
        let &Passer {
            from,
            to,
            length,
            clear,
        } = passer;
        self.note(at, vantage, (from, to), clear.protocol, |row, at| {
            let seen = Seen {
                first: at,
                last: at,
            };
            row.see(seen, station);
            row.packets += 1;
            row.bytes += u64::from(length);
            row.requests += u64::from(clear.syn || clear.echo_request);
        });
    }

    /// Counts an error about a packet.
    #[cold]
    pub(super) fn refuse(&mut self, stamp: &Stamp, path: &Path, error: IcmpError) {
        let quoted = error.quoted;
        let (at, ends) = (
            (stamp.frame, stamp.time),
            (quoted.from.address, quoted.to.address),
        );
        self.note(at, stamp.vantage, ends, quoted.protocol, |row, at| {
            let first = || Refusal {
                by: path.from.address,
                error,
                at,
                count: 0,
            };
            row.refused.get_or_insert_with(|| Box::new(first())).count += 1;
        });
    }

    /// Notes something of a pair.
    #[inline]
    fn note(
        &mut self,
        at: (FrameId, Option<Timestamp>),
        vantage: Vantage,
        (from, to): (IpAddr, IpAddr),
        protocol: u8,
        what: impl FnOnce(&mut ClearFlow, (FrameId, Timestamp)),
    ) {
        // What has no time cannot be set against the life of a tunnel.
        let (frame, Some(time)) = at else { return };
        let at = (frame, time);
        let key =
            |from: IpAddr, to: IpAddr| self.hasher.hash_one((address_bits(from), address_bits(to)));
        let rows = &mut self.rows;
        let same = |row: &ClearFlow| {
            (row.from, row.to, row.protocol, row.vantage) == (from, to, protocol, vantage)
        };
        let known = self.index.entry(
            key(from, to),
            |place| rows.get(*place as usize).is_some_and(same),
            |place| {
                rows.get(*place as usize)
                    .map_or(0, |row| key(row.from, row.to))
            },
        );
        let place = match known {
            hash_table::Entry::Occupied(place) => *place.get(),
            hash_table::Entry::Vacant(free) => {
                let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                free.insert(place);
                rows.push(ClearFlow {
                    vantage,
                    from,
                    to,
                    protocol,
                    packets: 0,
                    bytes: 0,
                    requests: 0,
                    seen: Seen {
                        first: at,
                        last: at,
                    },
                    station: None,
                    gateway: None,
                    tunnels: 0,
                    refused: None,
                });
                place
            }
        };
        if let Some(row) = rows.get_mut(place as usize) {
            what(row, at);
        }
    }
}

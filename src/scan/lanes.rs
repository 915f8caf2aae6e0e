//! Which packets of a chunk belong together.

use super::batch::{Lane, Packet, Train};
use super::room::{give, take};
use crate::net::{Ends, Path};
use crate::units::{EspSpi, Vantage, address_bits};
use foldhash::quality::RandomState;
use hashbrown::hash_table::{self, HashTable};
use std::hash::BuildHasher;

/// The lanes met so far. SPIs are chosen by whoever sends, so the hash is seeded.
#[derive(Default)]
pub(super) struct Lanes {
    rows: Vec<Lane>,
    /// Lanes of the paths that the short way knows.
    short: HashTable<Short>,
    /// Places of all others.
    index: HashTable<u32>,
    hasher: RandomState,
    /// The one before.
    last: Option<Short>,
}

/// A lane that two words tell from others.
#[derive(Clone, Copy)]
struct Short {
    ends: Ends,
    vantage: Vantage,
    place: u32,
}

impl Lanes {
    /// The lane of a packet.
    pub(super) fn index_of(&mut self, spi: EspSpi, path: &Path, vantage: Vantage) -> u32 {
        match Ends::of(path, spi) {
            Some(ends) => self.between(ends, vantage),
            None => self.look_up(&Lane {
                vantage,
                path: *path,
                spi,
            }),
        }
    }

    /// The lane of a packet that took the short way.
    #[inline]
    pub(super) fn between(&mut self, ends: Ends, vantage: Vantage) -> u32 {
        match &self.last {
            // Packets come in trains: most often the lane is the one before.
            Some(last) if last.ends == ends && last.vantage == vantage => last.place,
            _ => self.turn_to(ends, vantage),
        }
    }

    /// The lanes in order of the first packet; then there are none.
    pub(super) fn take(&mut self) -> Vec<Lane> {
        self.short.clear();
        self.index.clear();
        self.last = None;
        take(&mut self.rows)
    }

    /// Takes room for the lanes to come.
    pub(super) fn reuse(&mut self, room: Vec<Lane>) {
        give(&mut self.rows, room);
    }

    #[inline]
    fn turn_to(&mut self, ends: Ends, vantage: Vantage) -> u32 {
        let Self {
            rows,
            short,
            hasher,
            last,
            ..
        } = self;
        let key = |lane: &Short| hasher.hash_one((lane.ends, lane.vantage.interface));
        let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let sought = Short {
            ends,
            vantage,
            place,
        };
        let is_it = |lane: &Short| lane.ends == ends && lane.vantage == vantage;
        let lane = match short.entry(key(&sought), is_it, key) {
            hash_table::Entry::Occupied(lane) => *lane.get(),
            hash_table::Entry::Vacant(free) => {
                free.insert(sought);
                rows.push(Lane {
                    vantage,
                    path: ends.path(),
                    spi: ends.spi(),
                });
                sought
            }
        };
        *last = Some(lane);
        lane.place
    }

    fn look_up(&mut self, lane: &Lane) -> u32 {
        let Self {
            rows,
            index,
            hasher,
            ..
        } = self;
        // What else tells lanes apart has few values, whoever makes them.
        let key = |lane: &Lane| {
            let Path { from, to, .. } = lane.path;
            let [from_port, to_port] = [from, to].map(|end| u64::from(end.port.unwrap_or(0)));
            hasher.hash_one((
                lane.spi,
                address_bits(to.address),
                address_bits(from.address),
                u64::from(lane.vantage.interface) << 32 | from_port << 16 | to_port,
            ))
        };
        let known = index.entry(
            key(lane),
            |place| rows.get(*place as usize) == Some(lane),
            |place| rows.get(*place as usize).map_or(0, key),
        );
        match known {
            hash_table::Entry::Occupied(place) => *place.get(),
            hash_table::Entry::Vacant(free) => {
                let place = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                free.insert(place);
                rows.push(*lane);
                place
            }
        }
    }
}

/// Whether two of these lanes may be of one flow: a receiver has one SA of an SPI, whoever sends under it
/// (RFC 4301 section 4.1), be it that the sender moved or that a NAT has two mappings. What they send must
/// be told in the order in which it came.
pub(super) fn share_flows(lanes: &[Lane]) -> bool {
    let hasher = RandomState::default();
    let hash = |lane: &Lane| hasher.hash_one((lane.spi, address_bits(lane.path.to.address)));
    let mut met: HashTable<&Lane> = HashTable::with_capacity(lanes.len());
    lanes.iter().any(|lane| {
        let is_alike = |other: &&Lane| {
            let ends = |lane: &Lane| (lane.vantage, lane.spi, lane.path.to.address);
            ends(other) == ends(lane)
        };
        match met.entry(hash(lane), is_alike, |other| hash(other)) {
            hash_table::Entry::Occupied(_) => true,
            hash_table::Entry::Vacant(free) => {
                free.insert(lane);
                false
            }
        }
    })
}

/// Packets by lane, train after train.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) packets: Vec<Packet>,
    pub(super) trains: Vec<Train>,
    /// For each lane the place in `trains` of its last one.
    train_of: Vec<u32>,
    /// For each train of the section at hand where its next packet goes.
    next: Vec<u32>,
}

impl Gathered {
    /// Gathers packets of so many lanes in trains, none of which goes beyond one of the `breaks`: numbers
    /// of packets, ascending.
    pub(super) fn gather(&mut self, packets: &[(u32, Packet)], lanes: usize, breaks: &[usize]) {
        let Self {
            packets: gathered,
            trains,
            train_of,
            next,
        } = self;
        gathered.clear();
        trains.clear();
        let Some((_, any)) = packets.first() else {
            return;
        };
        gathered.resize(packets.len(), *any);
        train_of.clear();
        train_of.resize(lanes, u32::MAX);
        let mut begin = 0;
        for end in breaks.iter().copied().chain([packets.len()]) {
            let section = packets.get(begin..end).unwrap_or_default();
            let first_train = trains.len();
            for (lane, _) in section {
                let Some(known) = train_of.get_mut(*lane as usize) else {
                    continue;
                };
                match trains.get_mut(*known as usize) {
                    Some(train) if *known as usize >= first_train => train.packets += 1,
                    _ => {
                        *known = u32::try_from(trains.len()).unwrap_or(u32::MAX);
                        trains.push(Train {
                            lane: *lane,
                            packets: 1,
                        });
                    }
                }
            }
            next.clear();
            let mut before = u32::try_from(begin).unwrap_or(u32::MAX);
            for train in trains.iter().skip(first_train) {
                next.push(before);
                before += train.packets;
            }
            for (lane, packet) in section {
                let train = train_of
                    .get(*lane as usize)
                    .map_or(0, |train| *train as usize);
                if let Some(place) = next.get_mut(train.wrapping_sub(first_train)) {
                    if let Some(slot) = gathered.get_mut(*place as usize) {
                        *slot = *packet;
                    }
                    *place += 1;
                }
            }
            begin = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Marks, Packets};
    use proptest::prelude::*;

    fn packet(frame: u32) -> Packet {
        Packet {
            time: 0,
            frame,
            sequence: frame,
            length: 100,
            ttl: 64,
            traffic_class: 0,
            marks: Marks::default(),
        }
    }

    /// Lanes of packets in frame order, `|` for a break, to trains: `lane: frames`.
    fn told(lanes: &str) -> String {
        let (mut packets, mut breaks) = (Vec::new(), Vec::new());
        for sign in lanes.chars() {
            match sign.to_digit(10) {
                Some(lane) => packets.push((lane, packet(packets.len() as u32 + 1))),
                None => breaks.push(packets.len()),
            }
        }
        let mut gathered = Gathered::default();
        gathered.gather(&packets, 10, &breaks);
        let mut rest = gathered.packets.iter();
        let told = gathered.trains.iter().map(|train| {
            let frames = rest.by_ref().take(train.packets as usize);
            let frames: Vec<String> = frames.map(|packet| packet.frame.to_string()).collect();
            format!("{}: {}", train.lane, frames.join(" "))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn trains_are_in_order_of_their_first_packet_and_end_at_breaks() {
        assert_eq!(told("01021"), "0: 1 3, 1: 2 5, 2: 4");
        assert_eq!(told("010|21|10"), "0: 1 3, 1: 2, 2: 4, 1: 5, 1: 6, 0: 7");
        assert_eq!(told("|3||3|"), "3: 1, 3: 2");
        assert_eq!(told(""), "");
    }

    #[test]
    fn lanes_to_one_receiver_with_one_spi_share_a_flow() {
        let lane = |from: u8, to: u8, spi, interface| {
            let end = |last, port| crate::units::Endpoint {
                address: [192, 0, 2, last].into(),
                port: Some(port),
            };
            Lane {
                vantage: Vantage {
                    input: 0,
                    interface,
                },
                path: Path {
                    from: end(from, 1024 + u16::from(from)),
                    to: end(to, 4500),
                    encap: crate::net::Encap::default(),
                },
                spi: EspSpi(spi),
            }
        };
        let one = lane(1, 2, 7, 0);
        let others = [lane(2, 1, 7, 0), lane(1, 2, 8, 0), lane(1, 2, 7, 1)];
        assert!(!share_flows(&[]));
        assert!(!share_flows(&[&[one], &others[..]].concat()));
        assert!(share_flows(
            &[&[one], &others[..], &[lane(3, 2, 7, 0)]].concat()
        ));
    }

    proptest! {
        #[test]
        fn what_was_gathered_is_put_in_order_again(
            lanes in prop::collection::vec(0u32..9, 0..200),
            mut breaks in prop::collection::vec(0usize..200, 0..9),
        ) {
            breaks.retain(|place| *place <= lanes.len());
            breaks.sort_unstable();
            let packets: Vec<_> = (1..).zip(lanes).map(|(frame, lane)| (lane, packet(frame))).collect();
            // The room of another batch makes no difference.
            let mut gathered = Gathered::default();
            gathered.gather(&[(3, packet(7))], 4, &[]);
            gathered.gather(&packets, 9, &breaks);
            let gathered = Packets::ByLane {
                packets: gathered.packets,
                trains: gathered.trains,
            };
            prop_assert_eq!(&*gathered.in_order(), &*packets);
        }
    }
}

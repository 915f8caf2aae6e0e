//! The paths of messages that are not plain, each kept once: a gateway sends all of a tunnel's the same way.

use crate::model::Route;
use crate::net::Path;
use crate::units::address_bits;
use foldhash::quality::RandomState;
use hashbrown::hash_table::{Entry, HashTable};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Paths that were met.
#[derive(Debug, Default)]
pub(super) struct Paths {
    rows: Vec<Arc<Path>>,
    /// Places in `rows` with the hash that they stand under, which spares looking there.
    index: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl Paths {
    /// The route of a message that takes this path.
    pub(super) fn route(&mut self, path: &Path) -> Route {
        Route::plain(path).unwrap_or_else(|| Route::shared(self.shared(path)))
    }

    /// The one that equals this.
    fn shared(&mut self, path: &Path) -> Arc<Path> {
        // The rest of the path seldom differs where these agree.
        let Path { from, to, .. } = path;
        let key = (
            address_bits(from.address),
            address_bits(to.address),
            from.port,
            to.port,
        );
        let hash = self.hasher.hash_one(key);
        let short = hash as u32;
        let Self { rows, index, .. } = self;
        let known = index.entry(
            widened(short),
            |(mark, place)| {
                *mark == short && rows.get(*place as usize).is_some_and(|row| **row == *path)
            },
            |(mark, _)| widened(*mark),
        );
        match known {
            Entry::Occupied(known) => {
                let place = known.get().1 as usize;
                rows.get(place).map_or_else(|| Arc::new(*path), Arc::clone)
            }
            Entry::Vacant(free) => {
                let row = Arc::new(*path);
                // There are no more of them than messages.
                free.insert((short, u32::try_from(rows.len()).unwrap_or(u32::MAX)));
                rows.push(Arc::clone(&row));
                row
            }
        }
    }
}

/// A hash of 64 bits made of 32: the table uses the uppermost and the lowest.
fn widened(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Encap;
    use crate::units::Endpoint;
    use std::net::IpAddr;

    #[test]
    fn equal_paths_are_one_and_others_are_not() {
        let end = |last: u8, port| Endpoint {
            address: IpAddr::from([192, 0, 2, last]),
            port: Some(port),
        };
        let path = |from, to| Path {
            from,
            to,
            encap: Encap::default(),
        };
        let mut paths = Paths::default();
        let (a, b) = (
            path(end(1, 500), end(2, 500)),
            path(end(1, 500), end(2, 4500)),
        );
        let [one, other, again] = [a, b, a].map(|path| paths.shared(&path));
        assert_eq!((*one, *other), (a, b));
        assert!(Arc::ptr_eq(&one, &again) && !Arc::ptr_eq(&one, &other));
    }
}

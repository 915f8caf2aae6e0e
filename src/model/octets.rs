//! What is kept of the octets of a message.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Deref;

/// The octets of a message as far as they are kept, to be read as a slice, and a digest of all of
/// them, by which copies are known: sealed octets that no key opens say no more than that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Octets {
    digest: u64,
    kept: Box<[u8]>,
}

impl Octets {
    /// The first `kept` of these octets, or all if there are fewer. Only octets digested with the
    /// same hasher compare: a seeded one, where a sender might choose them so that others pass for
    /// copies.
    pub fn new(all: &[u8], kept: usize, hasher: &impl BuildHasher) -> Self {
        Self {
            digest: hasher.hash_one(all),
            kept: all.get(..kept).unwrap_or(all).into(),
        }
    }

    /// All of these octets. They compare with others that are kept whole.
    pub fn whole(all: &[u8]) -> Self {
        Self::new(all, usize::MAX, &FixedState::default())
    }

    /// The digest of all octets, kept or not. It is another in every run.
    #[inline]
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

impl Hash for Octets {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl Deref for Octets {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_still_tells_copies_from_others() {
        let hasher = FixedState::default();
        let of = |octets: &[u8]| Octets::new(octets, 0, &hasher);
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 2, 4]));
        assert_ne!(of(&[1, 2]), of(&[1, 2, 0]));
        assert!(of(&[1, 2, 3]).is_empty());
        assert_eq!(*Octets::whole(&[1, 2, 3]), [1, 2, 3]);
    }
}

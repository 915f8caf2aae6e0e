//! Octets of a packet: those that were kept, and how many there were.

/// A run of octets of a packet. The capture may have kept only the first of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Octets<'a> {
    /// Those that were kept: the first ones, never more than `length`.
    pub(super) kept: &'a [u8],
    /// How many there were, as the headers around them say.
    pub(super) length: u32,
}

impl<'a> Octets<'a> {
    /// A run of `length` octets that begins with `kept`; what is kept beyond `length` is dropped.
    #[inline]
    pub(super) fn new(kept: &'a [u8], length: u32) -> Self {
        Self {
            kept: kept.get(..length as usize).unwrap_or(kept),
            length,
        }
    }

    /// Whether fewer were kept than there were.
    #[inline]
    pub(super) fn is_cut(self) -> bool {
        self.kept.len() < self.length as usize
    }

    /// What follows the first `count` octets; `None` if those were not kept.
    #[inline]
    pub(super) fn skip(self, count: usize) -> Option<Self> {
        Some(Self {
            kept: self.kept.get(count..)?,
            length: self.length.saturating_sub(u32::try_from(count).ok()?),
        })
    }

    /// The first `N` octets and what follows; `None` if they were not all kept.
    #[inline]
    pub(super) fn split<const N: usize>(self) -> Option<(&'a [u8; N], Self)> {
        Some((self.kept.first_chunk()?, self.skip(N)?))
    }

    /// The same run, `length` octets long: a header knows better than the one around it.
    #[inline]
    pub(super) fn said_to_be(self, length: u32) -> Self {
        Self::new(self.kept, length)
    }

    /// The first `length` octets, or all if there are fewer: a header cannot reach beyond the one
    /// around it.
    #[inline]
    pub(super) fn at_most(self, length: u32) -> Self {
        Self::new(self.kept, self.length.min(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_run_stays_cut_however_it_is_split() {
        let octets = Octets::new(&[1, 2, 3, 4], 10);
        assert!(octets.is_cut());
        let (head, rest) = octets.split::<3>().unwrap();
        assert_eq!((head, rest), (&[1, 2, 3], Octets::new(&[4], 7)));
        assert_eq!(rest.split::<2>(), None);
        assert_eq!(octets.skip(5), None);
    }

    #[test]
    fn what_lies_beyond_the_length_is_dropped() {
        let octets = Octets::new(&[1, 2, 3, 4], 2);
        assert_eq!((octets.kept, octets.is_cut()), (&[1, 2][..], false));
        assert_eq!(octets.at_most(9), octets);
        assert!(octets.said_to_be(9).is_cut());
    }
}

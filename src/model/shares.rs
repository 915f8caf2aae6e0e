//! Tables that lie in shares.

use super::message::Message;
use super::table::Id;
use std::marker::PhantomData;

/// Rows that lie in shares, by the SPI of the IKE SA's initiator: what belongs to one SPI has nothing to do
/// with what belongs to another, so that each share can be put in order alone and at the same time. Where
/// shares lie together, what belongs together lies together.
///
/// Within a share rows are in file order at first, and by IKE SA and exchange once they are assembled.
#[derive(Clone, Debug)]
pub struct Shares<I, T> {
    shares: Vec<Vec<T>>,
    count: usize,
    ids: PhantomData<I>,
}

/// Shares, of which each has so few rows of a large capture that they stay in a core's cache.
const SHARES: usize = 1 << SHARE_BITS;

/// Bits of an id that tell the share; the others tell the place there, which [`crate::limits::MESSAGES`]
/// keeps below what they can hold.
const SHARE_BITS: u32 = 8;

/// The id of the row at a place of a share.
pub(crate) fn id_at<I: Id>(share: usize, place: usize) -> I {
    let number = place * SHARES + share % SHARES;
    I::from_index(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The share of a row, and its place there.
pub(crate) fn place_of<I: Id>(id: I) -> (usize, usize) {
    (id.index() % SHARES, id.index() / SHARES)
}

impl<I: Id, T> Shares<I, T> {
    /// The table of these shares, each with all the rows that it had.
    pub(crate) fn of(shares: Vec<Vec<T>>) -> Self {
        let count = shares.iter().map(Vec::len).sum();
        Self {
            shares,
            count,
            ids: PhantomData,
        }
    }

    /// Adds a row to a share. Its id is good until the rows are put in order.
    pub(crate) fn push(&mut self, share: usize, row: T) -> I {
        let place = self.shares.get(share).map_or(0, Vec::len);
        if let Some(rows) = self.shares.get_mut(share) {
            rows.push(row);
            self.count += 1;
        }
        id_at(share, place)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The row of an id; `None` if the id is that of another model.
    pub fn row(&self, id: I) -> Option<&T> {
        let (share, place) = place_of(id);
        self.shares.get(share)?.get(place)
    }

    /// All of them, share by share.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.shares.iter().flatten()
    }

    /// Takes the shares out.
    pub(crate) fn take(&mut self) -> Vec<Vec<T>> {
        std::mem::take(self).shares
    }
}

impl<I, T> Default for Shares<I, T> {
    fn default() -> Self {
        Self {
            shares: (0..SHARES).map(|_| Vec::new()).collect(),
            count: 0,
            ids: PhantomData,
        }
    }
}

/// # Panics
/// As a slice does, if the id is that of another model and there is no such row; [`Shares::row`] does
/// not.
#[expect(
    clippy::indexing_slicing,
    reason = "an id is made by push or the assembly alone, and rows are never removed"
)]
impl<I: Id, T> std::ops::Index<I> for Shares<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        let (share, place) = place_of(id);
        &self.shares[share][place]
    }
}

/// The share of a message. No seed goes into it, so that rows are in the same order in every run: who
/// chooses SPIs so that all are in one share only makes that share larger.
pub(crate) fn share_of(message: &Message) -> usize {
    let spread = message.header.spis.initiator.0;
    let spread = spread.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> (64 - SHARE_BITS)).unwrap_or_default()
}

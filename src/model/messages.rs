//! The table of IKE messages.

use super::message::{Message, MessageId};

/// IKE messages, kept apart by the SPI of their initiator: those of one SPI have nothing to do with
/// those of another, so that each share can be put in order alone and at the same time. Where the
/// shares lie together, what belongs together lies together.
///
/// Within a share they are in file order at first, and by IKE SA and exchange once they are assembled.
#[derive(Clone, Debug)]
pub struct Messages {
    shares: Vec<Vec<Message>>,
    count: usize,
}

/// Shares, of which each has so few messages of a large capture that they stay in a core's cache.
const SHARES: usize = 1 << SHARE_BITS;

/// Bits of an id that tell the share; the others tell the place there, which [`crate::limits::MESSAGES`]
/// keeps below what they can hold.
const SHARE_BITS: u32 = 8;

impl MessageId {
    /// The message at a place of a share.
    pub(crate) fn at(share: usize, place: usize) -> Self {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        Self(place << SHARE_BITS | share & (u32::MAX >> (32 - SHARE_BITS)))
    }

    /// The share and the place there.
    pub(crate) fn place(self) -> (usize, usize) {
        let share = self.0 & (u32::MAX >> (32 - SHARE_BITS));
        (share as usize, (self.0 >> SHARE_BITS) as usize)
    }
}

impl Messages {
    /// Adds a message. Its id is good until the messages are put in order.
    pub(crate) fn push(&mut self, message: Message) -> MessageId {
        let share = share_of(&message);
        let place = self.shares.get(share).map_or(0, Vec::len);
        if let Some(rows) = self.shares.get_mut(share) {
            rows.push(message);
            self.count += 1;
        }
        MessageId::at(share, place)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The message of an id; `None` if the id is that of another model.
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        let (share, place) = id.place();
        self.shares.get(share)?.get(place)
    }

    /// All of them, share by share.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.shares.iter().flatten()
    }

    /// Takes the shares out.
    pub(crate) fn take_shares(&mut self) -> Vec<Vec<Message>> {
        std::mem::take(self).shares
    }

    /// The table of these shares, each with all the messages that it had.
    pub(crate) fn of_shares(shares: Vec<Vec<Message>>) -> Self {
        let count = shares.iter().map(Vec::len).sum();
        Self { shares, count }
    }
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            shares: vec![Vec::new(); SHARES],
            count: 0,
        }
    }
}

/// # Panics
/// As a slice does, if the id is that of another model and there is no such row; [`Messages::message`]
/// does not.
#[expect(
    clippy::indexing_slicing,
    reason = "an id is made by push or the assembly alone, and rows are never removed"
)]
impl std::ops::Index<MessageId> for Messages {
    type Output = Message;

    #[inline]
    fn index(&self, id: MessageId) -> &Message {
        let (share, place) = id.place();
        &self.shares[share][place]
    }
}

/// The share of a message. No seed goes into it, so that rows are in the same order in every run: who
/// chooses SPIs so that all are in one share only makes that share larger.
fn share_of(message: &Message) -> usize {
    let spread = message.header.spis.initiator.0;
    let spread = spread.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> (64 - SHARE_BITS)).unwrap_or_default()
}

//! The room of batches that were folded, for those that come.
//!
//! A batch may take more memory than its chunk. Memory that was used already costs nothing; new memory the
//! system has to clear first, page by page, which takes longer than all that is written into it.

use super::batch::{Batch, Control, Kept, Keyed, Lane, Packet, Packets, Readable, Train};
use crate::capture::Walked;
use crate::model::ClearFlow;

/// The vectors of a batch, empty.
#[derive(Debug, Default)]
pub struct Room {
    pub(super) packets: Vec<(u32, Packet)>,
    pub(super) gathered: Vec<Packet>,
    pub(super) trains: Vec<Train>,
    pub(super) lanes: Vec<Lane>,
    pub(super) readable: Vec<Readable>,
    pub(super) keyed: Vec<Keyed>,
    pub(super) frames: Vec<Kept>,
    pub(super) octets: Vec<u8>,
    pub(super) controls: Vec<Control>,
    pub(super) clear: Vec<ClearFlow>,
}

impl Batch {
    /// What was walked, and the room of all else, of which nothing is kept.
    pub fn clear(self) -> (Walked, Room) {
        let (packets, gathered, trains) = match self.packets {
            Packets::InOrder(packets) => (packets, Vec::new(), Vec::new()),
            Packets::ByLane { packets, trains } => (Vec::new(), packets, trains),
        };
        let room = Room {
            packets: emptied(packets),
            gathered: emptied(gathered),
            trains: emptied(trains),
            lanes: emptied(self.lanes),
            readable: emptied(self.readable),
            keyed: emptied(self.keyed),
            frames: emptied(self.frames),
            octets: emptied(self.octets),
            controls: emptied(self.controls),
            clear: emptied(self.clear),
        };
        (self.walked, room)
    }
}

fn emptied<T>(mut rows: Vec<T>) -> Vec<T> {
    rows.clear();
    rows
}

/// Takes the rows and leaves room for as many: the next chunk will hold about the same.
pub(super) fn take<T>(rows: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(rows.len());
    std::mem::replace(rows, room)
}

/// Gives empty rows that room, if it is no less than what they have.
pub(super) fn give<T>(rows: &mut Vec<T>, room: Vec<T>) {
    if room.capacity() >= rows.capacity() && rows.is_empty() {
        *rows = room;
    }
}

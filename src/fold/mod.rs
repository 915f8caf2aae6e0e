//! Batches to one story: events in file order, frames numbered, fragments put together.
//!
//! However the input was cut into chunks, a [`Fold`] sees the same calls in the same order.

mod order;
mod packet;
mod tell;
mod unread;

pub use order::Order;
pub use packet::{EspPacket, EspTrain, Trains};

use crate::capture::Frame;
use crate::keys::EspKeys;
use crate::model::{Blind, ClearFlow};
use crate::net::Datagram;
use crate::net::reassembly::{Incomplete, Whole};
use crate::sadb::Sadb;
use crate::scan::{Lane, Times};
use crate::units::{FrameId, Timestamp};
use std::ops::ControlFlow;

/// Whoever wants the story.
pub trait Fold {
    /// The lanes that the following [`Fold::esp`] calls refer to by index. Told where packets come in
    /// order.
    fn lanes(&mut self, lanes: &[Lane]);

    /// Whether frames are to be kept and told, and payloads of opened packets with them.
    fn keeps_frames(&self) -> bool {
        false
    }

    /// A frame, before what it holds. Told only where frames are kept.
    fn frame(&mut self, _frame: &Frame<'_>, _time: Timestamp) {}

    /// Whether ESP packets may be told in trains: those of one lane in order, though packets of others
    /// came between them.
    fn gathers(&self) -> bool {
        false
    }

    /// Whether a batch of so many moments, all of one set of files, may be told lane by lane. Asked
    /// where packets may be gathered, and before anything of the batch is told.
    fn passes(&mut self, _set: u16, _times: &Times) -> bool {
        true
    }

    /// The next packet or datagram came then, in a set of files. Told before it where packets come in
    /// order.
    fn at(&mut self, _set: u16, _frame: FrameId, _time: Timestamp) {}

    /// Trains of packets, each of one lane in order. Told only where packets are gathered: the first of
    /// each came after all ESP and AH that was told before; others may have come after what is told later.
    fn trains(&mut self, _trains: Trains<'_>) {}

    /// An ESP packet that came in one piece.
    fn esp(&mut self, lane: &Lane, index: usize, packet: &EspPacket<'_>);

    /// Any other datagram, or an ESP packet put together from fragments. `frames` are all frames
    /// that carry a piece of it; the last is the one that completes it.
    fn datagram(&mut self, datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]);

    /// IP fragments that were put together; the datagrams in it follow.
    fn reassembled(&mut self, _whole: &Whole) {}

    /// IP fragments of which a piece never came.
    fn incomplete(&mut self, _train: Incomplete) {}

    /// Packets in clear, summed over a batch, frames numbered.
    fn clear(&mut self, _flow: ClearFlow) {}

    /// So many frames are nested so deep that nobody knows what they hold.
    fn too_deep(&mut self, _frames: u64) {}

    /// Something in the story that could not be read.
    fn blind(&mut self, _blind: Blind) {}

    /// The keys of ESP SAs that follow from what was told since the last call.
    fn keys(&mut self) -> Vec<EspKeys> {
        Vec::new()
    }

    /// The SAs with keys that there were in the end.
    fn database(&mut self, _database: &Sadb) {}

    /// Whether the story may end here.
    fn flow(&self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

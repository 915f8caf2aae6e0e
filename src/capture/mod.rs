//! Input to frames: files, folders, pipes; pcap, pcapng, snoop; gzip and zstd. Knows nothing of IKE.
//!
//! An [`Input`] is cut into [`Chunks`]; each [`Chunk`] is walked by any thread, first from a
//! guessed start. Walks are folded in file order, and one whose start is not the end of the walk
//! before is walked again from there: a guess may cost time, never truth.

mod ahead;
mod chunk;
mod error;
mod expand;
mod input;
pub(crate) mod link_type;
mod octets;
mod order;
mod pcap;
mod pcapng;
mod pipe;
mod problems;
mod snoop;
mod spell;
#[cfg(test)]
mod tests;
mod walk;
mod window;
mod write;

// How a file is shared among threads: for the pipeline, and for what measures it.
#[doc(hidden)]
pub use ahead::Stopper;
#[doc(hidden)]
pub use chunk::{Chunk, Chunks};
pub use error::{OpenError, ReadError};
pub use expand::{expand, expand_within};
pub use input::Input;
pub use link_type::LinkType;
#[doc(hidden)]
pub use octets::Scratch;
pub use pipe::Interrupt;
pub use problems::Problem;
#[doc(hidden)]
pub use problems::Problems;
#[doc(hidden)]
pub use walk::{Context, Dropped, Seam, Walked};
pub(crate) use window::Window;
pub use write::Writer;

use crate::units::{FrameId, Timestamp, Vantage};

/// One recorded frame, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Which frame.
    pub id: FrameId,
    /// When it was recorded; `None` where the format keeps no time (pcapng simple packet blocks).
    pub time: Option<Timestamp>,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// What `bytes` begins with.
    pub link: LinkType,
    /// Octets the frame had on the wire; `bytes` is shorter if the capture cut it.
    pub wire_len: u32,
    /// The octets that were kept.
    pub bytes: &'a [u8],
}

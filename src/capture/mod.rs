//! Input to frames: files, folders, pipes; pcap, pcapng, snoop; gzip and zstd. Knows nothing of IKE.

pub mod link_type;

pub use link_type::LinkType;

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

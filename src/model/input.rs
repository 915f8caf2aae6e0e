//! What was read, and what could not be.

use crate::capture::Problem;
use crate::units::Timestamp;

/// One input.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its path as given; `-` for standard input.
    pub path: String,
    /// The input that stands for its set: its own index, or that of the first file of a rotated
    /// set, as [`Vantage::input`](crate::units::Vantage::input) has it.
    pub set: u16,
    /// Its format, such as `pcap`, `pcapng`, `snoop`, `pcap (gzip)`.
    pub format: String,
    /// Names of its link types, in order of first use.
    pub link_types: Vec<String>,
    /// The largest snapshot length of its interfaces in octets; `None` if none is stated.
    pub snaplen: Option<u32>,
    /// Frames read.
    pub frames: u64,
    /// Frames of which the capture kept fewer octets than were on the wire.
    pub frames_cut: u64,
    /// Octets of the (uncompressed) file.
    pub bytes: u64,
    /// Earliest time.
    pub first: Option<Timestamp>,
    /// Latest time.
    pub last: Option<Timestamp>,
    /// Packets that the capturing system says it dropped; `None` if it does not say.
    pub dropped: Option<u64>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

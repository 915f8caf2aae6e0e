//! What was read, and what could not be.

use crate::capture::Problem;
use crate::units::{Span, Timestamp};

/// One input.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its path as given; `-` for standard input.
    pub path: String,
    /// Number of the recording: files of a rotated set share that of their first.
    pub set: u16,
    /// First and last time of the whole set, on the input whose index is the set's number.
    pub recording: Option<(Timestamp, Timestamp)>,
    /// Its format, such as `pcap`, `pcapng`, `snoop`, `pcap (gzip)`.
    pub format: String,
    /// Names of its link types, in order of first use.
    pub link_types: Vec<String>,
    /// The largest snapshot length of its interfaces in octets; `None` if none is stated.
    pub snaplen: Option<u32>,
    /// Frames there are.
    pub frames: u64,
    /// Frames outside the window of time that is looked at: what follows tells of the others alone.
    pub frames_outside: u64,
    /// Frames of which the capture kept fewer octets than were on the wire.
    pub frames_cut: u64,
    /// Octets of the (uncompressed) file.
    pub bytes: u64,
    /// What was added to all its times, where its clock is far from that of an input before it which has the same
    /// packets; zero otherwise.
    pub shift: Span,
    /// Earliest time.
    pub first: Option<Timestamp>,
    /// Latest time.
    pub last: Option<Timestamp>,
    /// Packets that the capturing system says it dropped; `None` if it does not say.
    pub dropped: Option<u64>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

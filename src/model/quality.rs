//! What the recording itself did to the packets.

use crate::units::{FrameId, Span, Timestamp};

/// A packet that comes again within this time was recorded twice, or doubled on its way, and not
/// sent again: mirror ports and stacked interfaces take microseconds, and the quickest retransmission
/// of IKE is half a second away (libreswan).
pub const DOUBLED: Span = Span::from_millis(10);

/// A place where the recording system's clock was set back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockStep {
    /// The first packet after it.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// How far it lies before the latest time until then.
    pub back: Span,
}

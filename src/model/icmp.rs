//! ICMP errors about our packets.

use crate::net::{IcmpError, Path};
use crate::units::{FrameId, Timestamp, Vantage};

/// One ICMP error, or many alike.
#[derive(Clone, Debug)]
pub struct IcmpSeen {
    /// The first frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Time of the last one alike.
    pub last: Timestamp,
    /// How many alike: same sender, type, code, MTU and quoted packet's addresses, ports and SPI.
    pub count: u64,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// Who sent the error to whom.
    pub path: Path,
    /// The error and what it quotes.
    pub error: IcmpError,
}

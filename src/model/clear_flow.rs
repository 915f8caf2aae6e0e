//! Packets in clear that may belong in a tunnel.

use super::ike_sa::Seen;
use crate::net::IcmpError;
use crate::units::{FrameId, Timestamp, Vantage};
use std::net::IpAddr;

/// Packets in clear of one pair of addresses and one protocol, in one direction.
#[derive(Clone, Debug)]
pub struct ClearFlow {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Sender.
    pub from: IpAddr,
    /// Receiver.
    pub to: IpAddr,
    /// IP protocol.
    pub protocol: u8,
    /// Packets.
    pub packets: u64,
    /// Octets of IP.
    pub bytes: u64,
    /// TCP connection attempts (SYN without ACK) and ICMP echo requests among them.
    pub requests: u64,
    /// First and last; of errors alone, if nothing but those came.
    pub seen: Seen,
    /// What ICMP says of them.
    pub refused: Option<Box<Refusal>>,
}

/// ICMP errors about packets in clear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Who sent the first.
    pub by: IpAddr,
    /// The first.
    pub error: IcmpError,
    /// Where it is.
    pub at: (FrameId, Timestamp),
    /// How many came, of any kind.
    pub count: u64,
}

impl ClearFlow {
    /// Takes when packets came, before they are counted.
    pub(crate) fn see(&mut self, seen: Seen) {
        if self.packets == 0 {
            self.seen.first = seen.first;
        }
        self.seen.last = seen.last;
    }

    /// Takes what came later of the same pair.
    pub(crate) fn take(&mut self, later: Self) {
        if later.packets > 0 {
            self.see(later.seen);
        }
        self.packets += later.packets;
        self.bytes += later.bytes;
        self.requests += later.requests;
        match (&mut self.refused, later.refused) {
            (Some(first), Some(more)) => first.count += more.count,
            (Some(_), None) => {}
            (none, later) => *none = later,
        }
    }
}

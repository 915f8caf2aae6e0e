//! Packets in clear that may belong in a tunnel.

use super::ike_sa::Seen;
use crate::net::IcmpError;
use crate::units::{FrameId, LinkAddress, Timestamp, Vantage};
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
    /// Which station put all of them on the link; `None` if several did, or the link does not tell.
    pub station: Option<LinkAddress>,
    /// The gateway that let them out: whose IKE messages, and nobody else's, that station put there.
    pub gateway: Option<IpAddr>,
    /// How many tunnels they may belong in: one where selectors that were read take them.
    pub tunnels: usize,
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
    /// Takes when packets came, and from which station, before they are counted.
    pub(crate) fn see(&mut self, seen: Seen, station: Option<LinkAddress>) {
        if self.packets == 0 {
            self.seen.first = seen.first;
            self.station = station;
        }
        self.seen.last = seen.last;
        self.station = self.station.filter(|before| station == Some(*before));
    }

    /// Takes what came later of the same pair.
    pub(crate) fn take(&mut self, later: Self) {
        if later.packets > 0 {
            self.see(later.seen, later.station);
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

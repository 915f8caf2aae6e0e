//! Packets in clear that may belong in a tunnel.

use super::ike_sa::Seen;
use crate::units::Vantage;
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
    /// First and last.
    pub seen: Seen,
}

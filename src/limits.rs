//! Every bound, with its reason and what the report says when it is met.
//!
//! Captures come from attackers: whatever grows with the input has its bound here. Meeting one is
//! told in the report's `blind` list, never hidden.

use crate::units::Span;

/// IP packets that are put together at one time; meeting it gives up the oldest. Gateways have a
/// handful under way; a flood of lone fragments must not crowd out more than itself.
pub const REASSEMBLY_TRAINS: usize = 1024;

/// Memory of the pieces that wait for others, in octets; meeting it gives up the oldest packet.
pub const REASSEMBLY_OCTETS: usize = 16 << 20;

/// Pieces of one IP packet; more are refused. The largest packet in pieces of 576 octets, the least
/// MTU in practice, makes 119.
pub const REASSEMBLY_PIECES: usize = 256;

/// How long a piece waits for the others: as long as Linux does (`net.ipv4.ipfrag_time`).
pub const REASSEMBLY_AGE: Span = Span::from_secs(30);

/// Octets kept of an IP packet that was given up: enough to tell what it was.
pub const REASSEMBLY_HEAD: usize = 2048;

/// Packets put together that are remembered, so that copies of their pieces are known as such.
pub const REASSEMBLY_REMEMBERED: usize = 64;

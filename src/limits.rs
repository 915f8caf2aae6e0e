//! Every bound, with its reason and what the report says when it is met.
//!
//! Captures come from attackers: whatever grows with the input has its bound here. Meeting one is
//! told in the report's `blind` list, never hidden.

/// Octets of IKE messages that are kept whole, 64 MiB: enough for 200,000 messages of 300 octets.
/// Later messages keep their first [`MESSAGE_STUB`] octets.
pub const MESSAGE_OCTETS: usize = 64 << 20;

/// Octets that are kept of a message once [`MESSAGE_OCTETS`] is spent: header and first payloads.
pub const MESSAGE_STUB: usize = 64;

/// IKE messages that are kept at all; later ones are only counted. A row takes about 400 octets.
pub const MESSAGES: usize = 1 << 19;

/// ESP and AH flows that are counted one by one; packets of later ones are only counted together.
/// A row takes about 600 octets.
pub const FLOWS: usize = 1 << 20;

/// Paths that are kept of a flow: NAT rebinding and MOBIKE make a few, a spoofer makes many.
pub const FLOW_PATHS: usize = 16;

/// Odd packets that are kept of a flow, to be cited; all are counted.
pub const FLOW_ANOMALIES: usize = 16;

/// Silences that are kept of a flow.
pub const FLOW_SILENCES: usize = 4;

/// Kinds of ICMP error that are told apart; more are only counted.
pub const ICMP_KINDS: usize = 1 << 12;

/// Paths whose NAT keepalives are counted.
pub const KEEPALIVE_PATHS: usize = 1 << 12;

/// Pairs of addresses whose packets in clear are counted.
pub const CLEAR_FLOWS: usize = 1 << 12;

/// Pairs of addresses whose IP fragments are counted.
pub const FRAGMENT_TRAINS: usize = 1 << 12;

/// Frames of incomplete packets that are kept of a pair, to be cited.
pub const INCOMPLETE_FRAMES: usize = 16;

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


//! Every bound, with its reason and what the report says when it is met.
//!
//! Captures come from attackers: whatever grows with the input has its bound here. Meeting one is
//! told in the report's `blind` list, never hidden.

/// Octets read at a time: large enough that system calls do not count, small enough to stay in a
/// core's cache.
pub const CAPTURE_READ_OCTETS: usize = 1 << 20;

/// Octets searched at a time for the next record after damage. What is not found in one piece is
/// sought in the next, so this bounds the memory of a stream, not what is found.
pub const CAPTURE_SEARCH_OCTETS: u64 = 4 << 20;

/// Plausible record headers in a row that make a place believed to be the start of a record.
pub const CAPTURE_CHAIN_HEADERS: u32 = 8;

/// As [`CAPTURE_CHAIN_HEADERS`], for a place inside a record that may be sound: more than a
/// capture carried in a packet has, unless the chain leaves the record before.
pub const CAPTURE_INNER_CHAIN_HEADERS: u32 = 256;

/// Octets that a chain of record headers may span: bounds the look-ahead in a stream.
pub const CAPTURE_CHAIN_OCTETS: u64 = 8 << 20;

/// Interfaces of one pcapng section. Packets of further ones are read, their link type is unknown;
/// the report says so in the input's problems.
pub const CAPTURE_INTERFACES: usize = 1 << 16;

/// Problems told of one input; how many octets further ones cost is told in a last line.
pub const CAPTURE_PROBLEMS: usize = 64;

/// Octets of a record that no snapshot length makes implausible: what libpcap and Wireshark allow.
pub const RECORD_OCTETS_USUAL: u32 = 262_144;

/// Octets of the largest record that is read; one that claims more is damage.
pub const RECORD_OCTETS_MAX: u32 = 16 << 20;

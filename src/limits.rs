//! Every bound, with its reason and what the report says when it is met.
//!
//! Captures come from attackers: whatever grows with the input has its bound here. Meeting one is
//! told in the report's `blind` list, never hidden.

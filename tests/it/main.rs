//! Tests of the whole, as one binary.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

mod api;
mod beside;
mod captures;
mod cli;
mod clocks;
mod conversations;
mod damage;
mod dice;
mod edges;
mod encap;
mod examples;
mod faq;
mod features;
mod floods;
mod fuzz;
mod hostile;
mod keys;
mod language;
mod laws;
mod literals;
mod made;
mod memory;
mod null;
mod opening;
mod outside;
mod round_trip;
mod run;
mod seeds;
mod session;
mod sources;
mod split;
mod stories;
mod tidy;
mod truth;
mod twice;
mod variants;
mod window;

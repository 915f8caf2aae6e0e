//! Reads packet captures and tells what is wrong with an IPsec VPN.
//!
//! [`capture::expand`] finds the captures behind paths and folders, [`analyze`] reads and judges
//! them, and the [`Analysis`] holds the [`model::Model`], what was found, and the
//! [`diagnose::Finding`]s, what it means:
//!
//! ```
//! let inputs = espial::capture::expand(&["captures/esp-one-way/capture.pcapng".into()])?;
//! let analysis = espial::analyze(inputs, &espial::Options::default())?;
//! for finding in &analysis.findings {
//!     println!("{:?} {}: {}", finding.severity, finding.rule.slug, finding.title);
//! }
//! assert_eq!(analysis.model.tunnels.len(), 1);
//! assert_eq!(analysis.findings[0].rule.slug, "esp-one-way");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Around this path:
//!
//! - [`dissect`] calls a function for every datagram with IPsec in it, in the order of the frames;
//! - [`report`] writes an analysis or a datagram as text, JSON or NDJSON;
//! - [`diagnose::rules::RULES`] are the rules, each with its document;
//! - [`wire`] reads and writes IKE messages, ESP and AH headers on its own: octets in, borrowed
//!   structs and a list of faults out, no files, no clocks, no threads;
//! - [`registry`] names IANA's numbers, [`limits`] holds every bound with its reason.
//!
//! Captures are taken for hostile: nothing here panics on them, and what cannot be read or seen is
//! told and not hidden.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(feature = "std"),
    allow(
        dead_code,
        reason = "some of `wire` and `registry` is there for the modules above them"
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![deny(missing_docs)]

extern crate alloc;

pub mod limits;
pub mod registry;
pub mod units;
pub mod wire;

#[cfg(feature = "std")]
pub mod capture;
#[cfg(feature = "std")]
pub mod crypto;
#[cfg(feature = "std")]
pub mod diagnose;
#[cfg(feature = "std")]
pub mod keys;
#[cfg(feature = "std")]
pub mod language;
#[cfg(feature = "std")]
pub mod model;
#[cfg(feature = "std")]
pub mod net;
#[cfg(feature = "std")]
pub mod report;
#[cfg(feature = "std")]
pub mod session;

#[cfg(feature = "std")]
mod assemble;
#[cfg(feature = "std")]
mod pipeline;

#[cfg(feature = "std")]
pub use pipeline::{Analysis, Error, Options, Progress, Told, Visit, analyze, decrypt, dissect};

// What follows can be named and is no part of the API: it changes without a word.

/// The program: its interface is its arguments. Public since `main.rs` runs it.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

/// The laws that the fuzzers in `fuzz/` hold the library to.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod fuzzing;

/// Conversations in text, for the tests in `tests/`.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod testing;

// The stages between a capture and its model, for `benches/stages.rs`, which measures each alone.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod census;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod fold;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod sadb;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod scan;

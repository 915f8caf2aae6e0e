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
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod assemble;
pub mod capture;
pub mod census;
#[cfg(feature = "cli")]
pub mod cli;
pub mod crypto;
pub mod diagnose;
pub mod fold;
#[doc(hidden)]
pub mod fuzzing;
pub mod keys;
pub mod language;
pub mod limits;
pub mod model;
pub mod net;
pub mod pipeline;
pub mod registry;
pub mod report;
pub mod sadb;
pub mod scan;
pub mod session;
#[doc(hidden)]
pub mod testing;
pub mod units;
pub mod wire;

pub use pipeline::{Analysis, Options, analyze, dissect};

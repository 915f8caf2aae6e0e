//! Reads packet captures and tells what is wrong with an IPsec VPN.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod assemble;
pub mod capture;
pub mod census;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnose;
pub mod fold;
pub mod limits;
pub mod model;
pub mod net;
pub mod pipeline;
pub mod registry;
pub mod report;
pub mod scan;
#[doc(hidden)]
pub mod testing;
pub mod units;
pub mod wire;

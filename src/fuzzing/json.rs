//! JSON of captures, against the schemas.

use super::reports::{lenient_keys, reports};
use super::scrap::Scrap;
use std::sync::Arc;

/// What is written of a capture of any octets is JSON and fits the schemas, whatever keys seem to
/// open.
pub fn json(octets: &[u8]) {
    reports(
        &Scrap::of(octets),
        &Arc::new(lenient_keys()),
        1,
        octets.len().max(1),
    )
    .fit();
}

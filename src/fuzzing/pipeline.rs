//! Captures, all the way through.

use super::reports::{lenient_keys, reports};
use super::scrap::Scrap;
use crate::keys::KeyRing;
use std::sync::Arc;

/// A capture of any octets is analysed and reported in every format; threads and chunks make no
/// difference.
pub fn pipeline(octets: &[u8]) {
    let scrap = Scrap::of(octets);
    // Every other capture is read with keys.
    let keys = Arc::new(match octets.len() % 2 {
        0 => KeyRing::default(),
        _ => lenient_keys(),
    });
    let one = reports(&scrap, &keys, 1, octets.len().max(1));
    let other = reports(&scrap, &keys, 2, 4096.min(1 + octets.len() / 3));
    assert!(one == other, "threads or chunks make a difference");
    one.fit();
}

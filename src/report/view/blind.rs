//! What a capture cannot tell.

use crate::model::Model;
use serde::Serialize;

pub(super) fn blind(model: &Model) -> Vec<BlindView<'_>> {
    model
        .blind
        .iter()
        .map(|blind| BlindView {
            what: &blind.what,
            why: &blind.why,
        })
        .collect()
}

/// Something that cannot be told.
#[derive(Debug, Serialize)]
pub struct BlindView<'a> {
    /// What.
    pub what: &'a str,
    /// Why.
    pub why: &'a str,
}

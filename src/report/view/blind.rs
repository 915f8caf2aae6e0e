//! What a capture cannot tell.

use crate::language::Language;
use crate::model::Model;
use serde::Serialize;

pub(super) fn blind(model: &Model, language: Language) -> Vec<BlindView> {
    model
        .blind
        .iter()
        .map(|blind| BlindView {
            what: language.say(&blind.what),
            why: language.say(&blind.why),
        })
        .collect()
}

/// Something that cannot be told.
#[derive(Debug, Serialize)]
pub struct BlindView {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

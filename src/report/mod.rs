//! What was found, in words and in JSON. Decides nothing: it shows what the model and the rules say.
//!
//! JSON is the contract of `espial diagnose --format json` and `espial dissect --format ndjson`: fields
//! may be added, and one that is there keeps its name, type and meaning.

// How the program writes each of its outputs; the tests look into some.
#[doc(hidden)]
pub mod calendar;
#[doc(hidden)]
pub mod decrypted;
#[doc(hidden)]
pub mod dissect;
#[doc(hidden)]
pub mod explain;
#[doc(hidden)]
pub mod faq;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod keys;
#[doc(hidden)]
pub mod ndjson;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod select;
#[doc(hidden)]
pub mod sheet;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod tunnels;
#[doc(hidden)]
pub mod view;
#[doc(hidden)]
pub mod wrong_keys;

#[cfg(test)]
mod sample;

pub use dissect::write_ndjson;

#[doc(hidden)]
pub use decrypted::Decrypted;
#[doc(hidden)]
pub use select::Selection;
#[doc(hidden)]
pub use sheet::Sheet;
#[doc(hidden)]
pub use view::Diagnosis;

use crate::diagnose::Finding;
use crate::language::Language;
use crate::model::Model;
use std::io::{self, Write};

/// Writes what `espial diagnose` prints: the answer first, then what proves it and what to do.
///
/// # Errors
/// Those of `out`.
pub fn write_text(
    out: &mut impl Write,
    model: &Model,
    findings: &[Finding],
    language: Language,
) -> io::Result<()> {
    let sheet = Sheet {
        language,
        ..Sheet::default()
    };
    let diagnosis = Diagnosis::new(model, findings, &selection(language));
    text::write(out, &diagnosis, sheet, text::Detail::default())
}

/// Writes what `espial diagnose --format json` prints: one document of the schema
/// `espial.diagnosis/1`.
///
/// # Errors
/// Those of `out`.
pub fn write_json(
    out: &mut impl Write,
    model: &Model,
    findings: &[Finding],
    language: Language,
) -> io::Result<()> {
    json::write(out, &Diagnosis::new(model, findings, &selection(language)))
}

/// Everything, in a language.
fn selection(language: Language) -> Selection<'static> {
    Selection {
        language,
        ..Selection::default()
    }
}

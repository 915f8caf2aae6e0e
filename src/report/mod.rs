//! What was found, in words and in JSON. Decides nothing: it shows what the model and the rules say.

pub mod calendar;
pub mod decrypted;
pub mod dissect;
pub mod explain;
pub mod faq;
pub mod json;
pub mod keys;
pub mod ndjson;
#[cfg(test)]
mod sample;
pub mod schema;
pub mod select;
pub mod sheet;
pub mod text;
pub mod tunnels;
pub mod view;

pub use decrypted::Decrypted;
pub use select::Selection;
pub use sheet::Sheet;
pub use view::Diagnosis;

//! `dissect`: one record for every datagram that holds IPsec, as NDJSON or as text.

mod inner;
pub mod ndjson;
mod payload;
pub mod text;

pub use ndjson::write_ndjson;
pub use text::Lines;

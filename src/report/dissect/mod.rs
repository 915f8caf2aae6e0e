//! `dissect`: one record for every datagram that holds IPsec, as NDJSON or as text.

mod earlier;
mod icmp;
mod inner;
mod meaning;
pub mod ndjson;
mod payload;
mod suite;
pub mod text;
mod train;

pub use ndjson::write_ndjson;
pub use text::Lines;

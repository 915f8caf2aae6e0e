//! `dissect`: one record for every datagram that holds IPsec, as NDJSON or as text.

pub mod cidr;
pub mod identity;
pub mod meaning;
pub mod nat_detection;
pub mod ndjson;
mod payload;
pub mod text;

pub use ndjson::write_ndjson;
pub use text::Lines;

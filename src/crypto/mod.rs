//! The primitives that IKE and ESP are made of: PRFs, ciphers, integrity checks. No files, no
//! captures and no sessions: key material and octets in, octets out.
//!
//! The algorithms are RustCrypto's; what is here fits them to transform IDs and to the formats of
//! the RFCs.

pub mod secret;

pub use secret::Secret;

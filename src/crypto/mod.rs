//! The primitives that IKE and ESP are made of: PRFs, ciphers, integrity checks. No files, no
//! captures and no sessions: key material and octets in, octets out.
//!
//! The algorithms are RustCrypto's; what is here fits them to transform IDs and to the formats of
//! the RFCs. [`Protection`] opens what one direction of an SA carries, [`Prf`] derives its keys,
//! [`Hash`](enum@Hash) is for what IKEv1 hashes without a key.

pub(crate) mod cipher;
pub(crate) mod hash;
pub(crate) mod integrity;
pub(crate) mod key_error;
pub(crate) mod prf;
pub(crate) mod protection;
pub(crate) mod secret;

mod blocks;
mod combined;
mod gmac;
mod mac;
mod separate;
mod xcbc;

pub use cipher::Cipher;
pub use hash::Hash;
pub use integrity::Integrity;
pub use key_error::KeyError;
pub use prf::Prf;
pub use protection::{OpenError, Protection};
pub use secret::Secret;

/// Octets of their digits, for tests.
#[cfg(test)]
fn hex(digits: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap() as u8;
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}

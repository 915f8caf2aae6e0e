//! Encrypted payloads: SK (RFC 7296 section 3.14) and SKF (RFC 7383 section 2.5).

use crate::registry::PayloadType;

/// A sealed body: IV, ciphertext and checksum together, whose lengths the suite tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encrypted<'a> {
    /// Type of the first payload inside.
    pub first: PayloadType,
    /// IV, ciphertext and integrity checksum.
    pub data: &'a [u8],
}

/// One piece of a message that was cut before it was sealed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncryptedFragment<'a> {
    /// Type of the first payload inside; zero in all but the first fragment.
    pub first: PayloadType,
    /// Number of this fragment, from 1.
    pub number: u16,
    /// How many fragments the message has.
    pub total: u16,
    /// IV, ciphertext and integrity checksum.
    pub data: &'a [u8],
}

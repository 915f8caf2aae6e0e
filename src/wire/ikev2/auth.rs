//! Authentication payload (RFC 7296 section 3.8).

use crate::registry::AuthMethod;

/// The proof of an identity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Authentication<'a> {
    /// How it was made.
    pub method: AuthMethod,
    /// The proof; for method 14 (RFC 7427) the algorithm identifier comes first.
    pub data: &'a [u8],
}

//! Key Exchange payload (RFC 7296 section 3.4).

/// A public value and the method it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyExchange<'a> {
    /// Key exchange method (transform type 4).
    pub group: u16,
    /// The public value.
    pub data: &'a [u8],
}

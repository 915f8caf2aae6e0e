//! Key Exchange payload (RFC 7296 section 3.4).

use crate::registry::transform;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use alloc::vec::Vec;
use core::fmt;

/// A public value and the method it belongs to.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Diffie-Hellman Group Num    |           RESERVED            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                       Key Exchange Data                       ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyExchange<'a> {
    /// Key exchange method (transform type 4).
    pub group: u16,
    /// The public value.
    pub data: &'a [u8],
}

impl<'a> KeyExchange<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Key Exchange payload")?;
        let group = cursor.u16()?;
        let _reserved = cursor.u16()?;
        Some(Self {
            group,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.group.to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.data);
    }
}

/// The method, and how long the value is: `Curve25519, 32 octets`.
impl fmt::Display for KeyExchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match transform::key_exchange(self.group) {
            Some(method) => f.write_str(method.name),
            None => write!(f, "group {}", self.group),
        }
    }
}

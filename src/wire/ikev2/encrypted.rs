//! Encrypted payloads: SK (RFC 7296 section 3.14) and SKF (RFC 7383 section 2.5).

use crate::registry::PayloadType;
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use alloc::vec::Vec;
use core::fmt;

/// A sealed body: IV, ciphertext and checksum together, whose lengths the suite tells.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     Initialization Vector                     |
/// |         (length is block size for encryption algorithm)       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                    Encrypted IKE Payloads                     ~
/// +               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |               |             Padding (0-255 octets)            |
/// +-+-+-+-+-+-+-+-+                               +-+-+-+-+-+-+-+-+
/// |                                               |  Pad Length   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                    Integrity Checksum Data                    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encrypted<'a> {
    /// Type of the first payload inside.
    pub first: PayloadType,
    /// IV, ciphertext and integrity checksum.
    pub data: &'a [u8],
}

impl<'a> Encrypted<'a> {
    /// Reads what follows the generic header, whose Next Payload is `first`.
    pub fn read(first: PayloadType, cursor: &mut Cursor<'a>) -> Self {
        Self {
            first,
            data: cursor.rest(),
        }
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.data);
    }
}

/// How much is sealed.
impl fmt::Display for Encrypted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets sealed", self.data.len())
    }
}

/// One piece of a message that was cut before it was sealed.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |        Fragment Number        |        Total Fragments        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                     Initialization Vector                     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                      Encrypted content                        ~
/// +               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |               |             Padding (0-255 octets)            |
/// +-+-+-+-+-+-+-+-+                               +-+-+-+-+-+-+-+-+
/// |                                               |  Pad Length   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                    Integrity Checksum Data                    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
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

impl<'a> EncryptedFragment<'a> {
    /// Reads what follows the generic header, whose Next Payload is `first`.
    pub fn read(first: PayloadType, cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Encrypted Fragment payload")?;
        let at = cursor.at();
        let number = cursor.u16()?;
        let total = cursor.u16()?;
        if number == 0 || number > total {
            let kind = FaultKind::Value {
                field: "Fragment Number",
                value: number.into(),
                expected: "from 1 to Total Fragments",
            };
            faults.push(at, kind);
        }
        Some(Self {
            first,
            number,
            total,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.number.to_be_bytes());
        out.extend(self.total.to_be_bytes());
        out.extend(self.data);
    }
}

/// Which fragment, and how much is sealed: `fragment 1 of 3, 1200 octets sealed`.
impl fmt::Display for EncryptedFragment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, total, length) = (self.number, self.total, self.data.len());
        write!(f, "fragment {number} of {total}, {length} octets sealed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragment_numbers_lie_between_one_and_their_total() {
        for (number, total, faulty) in [(0, 2, true), (1, 2, false), (2, 2, false), (3, 2, true)] {
            let mut faults = Faults::default();
            let octets = [0, number, 0, total];
            EncryptedFragment::read(
                PayloadType::NONE,
                &mut Cursor::new(&octets, 32),
                &mut faults,
            );
            assert_eq!(!faults.list.is_empty(), faulty, "{number} of {total}");
        }
    }
}

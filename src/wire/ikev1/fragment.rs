//! Fragment payload of Cisco and Microsoft (type 132; [MS-IKEE] section 2.2.3.1).

use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use alloc::vec::Vec;
use core::fmt;

/// One piece of an IKEv1 message.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Fragment_ID          |  Fragment_Num |     Flags     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                         Fragment Data                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fragment<'a> {
    /// Same in all pieces of one message.
    pub id: u16,
    /// Number of this piece, from 1.
    pub number: u8,
    /// Whether it is the last.
    pub last: bool,
    /// The piece: octets of the whole message, header included.
    pub data: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The flag of the last piece.
    const LAST: u8 = 0x01;

    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Fragment payload")?;
        Some(Self {
            id: cursor.u16()?,
            number: cursor.u8()?,
            last: cursor.u8()? & Self::LAST != 0,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.id.to_be_bytes());
        out.extend([self.number, if self.last { Self::LAST } else { 0 }]);
        out.extend(self.data);
    }
}

/// `1`, `2, last`.
impl fmt::Display for Fragment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.last { ", last" } else { "" };
        write!(f, "{}{last}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_says_so() {
        for last in [false, true] {
            let piece = Fragment {
                id: 0x0102,
                number: 3,
                last,
                data: &[9, 9],
            };
            let mut octets = Vec::new();
            piece.emit(&mut octets);
            assert_eq!(octets, [1, 2, 3, u8::from(last), 9, 9]);
            let mut faults = Faults::default();
            let read = Fragment::read(&mut Cursor::new(&octets, 0), &mut faults);
            assert_eq!(read, Some(piece));
            assert!(faults.list.is_empty());
        }
    }

    #[test]
    fn a_piece_without_its_fixed_part_is_a_fault() {
        let mut faults = Faults::default();
        assert_eq!(
            Fragment::read(&mut Cursor::new(&[0, 1, 1], 0), &mut faults),
            None
        );
        assert_eq!(faults.list.len(), 1);
    }
}

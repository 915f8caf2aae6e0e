//! Reads octets one field after the other and remembers where it is.
//!
//! The one place that names nom: everything else in `wire` reads through a [`Cursor`].

use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16, be_u32, be_u64};

/// A place in a message, and the octets of one structure from there to its end.
///
/// A structure with a length of its own gets a cursor of its own, so nothing can be read past it.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes`, the first of which stands `at` octets from the start of the message.
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Offset of the next octet from the start of the message.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Octets that are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no octet is left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.field(be_u8)
    }

    /// The next two octets, big endian. Takes nothing if they are not there.
    pub fn u16(&mut self) -> Option<u16> {
        self.field(be_u16)
    }

    /// The next four octets, big endian. Takes nothing if they are not there.
    pub fn u32(&mut self) -> Option<u32> {
        self.field(be_u32)
    }

    /// The next eight octets, big endian. Takes nothing if they are not there.
    pub fn u64(&mut self) -> Option<u64> {
        self.field(be_u64)
    }

    /// The next `n` octets. Takes nothing if they are not there.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        self.field(take(n))
    }

    /// The next `n` octets, or as many as there are.
    pub fn take_up_to(&mut self, n: usize) -> &'a [u8] {
        self.take(n.min(self.left())).unwrap_or_default()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.take_up_to(self.left())
    }

    fn field<T>(
        &mut self,
        mut read: impl FnMut(&'a [u8]) -> IResult<&'a [u8], T, ()>,
    ) -> Option<T> {
        let (rest, value) = read(self.bytes).ok()?;
        self.at = self
            .at
            .saturating_add(self.bytes.len().saturating_sub(rest.len()));
        self.bytes = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_big_endian_and_follow_one_another() {
        let octets: Vec<u8> = (1..=20).collect();
        let mut cursor = Cursor::new(&octets, 100);
        assert_eq!(cursor.u8(), Some(0x01));
        assert_eq!(cursor.u16(), Some(0x0203));
        assert_eq!(cursor.u32(), Some(0x0405_0607));
        assert_eq!(cursor.u64(), Some(0x0809_0a0b_0c0d_0e0f));
        assert_eq!((cursor.at(), cursor.left()), (115, 5));
        assert_eq!(cursor.take(2), Some(&[16, 17][..]));
        assert_eq!(cursor.rest(), &[18, 19, 20]);
        assert_eq!((cursor.at(), cursor.left()), (120, 0));
    }

    #[test]
    fn a_field_that_is_not_whole_takes_nothing() {
        let mut cursor = Cursor::new(&[1, 2, 3], 0);
        assert_eq!(cursor.u32(), None);
        assert_eq!(cursor.u64(), None);
        assert_eq!(cursor.take(4), None);
        assert_eq!(cursor.at(), 0);
        assert_eq!(cursor.take_up_to(9), &[1, 2, 3]);
        assert!(cursor.is_empty());
        assert_eq!(cursor.u8(), None);
    }
}

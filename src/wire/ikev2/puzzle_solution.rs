//! Puzzle Solution payload (RFC 8019 section 8.2).

use core::fmt;

/// What an initiator found when a responder under load set it a puzzle.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                     Puzzle Solution Data                      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PuzzleSolution<'a> {
    /// The solution: four keys of one length, one after the other.
    pub data: &'a [u8],
}

impl<'a> PuzzleSolution<'a> {
    /// The four keys. `None` if the data does not fall into four.
    pub fn keys(&self) -> Option<[&'a [u8]; 4]> {
        let length = self.data.len() / 4;
        if length == 0 || !self.data.len().is_multiple_of(4) {
            return None;
        }
        let mut keys = self.data.chunks_exact(length);
        Some([keys.next()?, keys.next()?, keys.next()?, keys.next()?])
    }
}

/// How much it is: `4 keys of 8 octets`.
impl fmt::Display for PuzzleSolution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keys() {
            Some([key, ..]) => write!(f, "4 keys of {} octets", key.len()),
            None => write!(f, "{} octets", self.data.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_is_four_keys_of_one_length() {
        let solution = PuzzleSolution { data: b"aabbccdd" };
        assert_eq!(solution.keys(), Some([&b"aa"[..], b"bb", b"cc", b"dd"]));
        assert_eq!(solution.to_string(), "4 keys of 2 octets");
    }

    #[test]
    fn what_does_not_fall_into_four_is_counted() {
        for data in [&b""[..], b"aabbccd"] {
            let solution = PuzzleSolution { data };
            assert_eq!(solution.keys(), None);
            assert_eq!(solution.to_string(), format!("{} octets", data.len()));
        }
    }
}

//! A bounded list of what could not be read.

use crate::language::Text;
use crate::limits::CAPTURE_PROBLEMS;

/// A part of an input that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Offset in the (uncompressed) input, in octets.
    pub offset: u64,
    /// Octets that were passed over; zero if nothing was lost.
    pub skipped: u64,
    /// What is wrong and what was expected.
    pub what: Text,
}

/// Problems in file order. The first [`CAPTURE_PROBLEMS`] are kept; of the rest, the place of the
/// first and the octets they cost. Adding lists piece by piece gives what one list would hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Problems {
    kept: Vec<Problem>,
    more: Option<More>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct More {
    offset: u64,
    skipped: u64,
}

impl Problems {
    /// Adds a problem; `what` is only written if it is kept.
    pub(super) fn push(&mut self, offset: u64, skipped: u64, what: impl FnOnce() -> Text) {
        if self.more.is_none() && self.kept.len() < CAPTURE_PROBLEMS {
            let what = what();
            self.kept.push(Problem {
                offset,
                skipped,
                what,
            });
        } else {
            self.pass(More { offset, skipped });
        }
    }

    /// Adds the problems of the piece that follows.
    pub fn append(&mut self, next: Self) {
        for problem in next.kept {
            self.push(problem.offset, problem.skipped, || problem.what);
        }
        if let Some(more) = next.more {
            self.pass(more);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The list for the report; its last entry says if there were more.
    pub fn into_vec(self) -> Vec<Problem> {
        let mut list = self.kept;
        list.extend(self.more.map(|more| Problem {
            offset: more.offset,
            skipped: more.skipped,
            what: "and more from here on, not listed one by one".into(),
        }));
        list
    }

    fn pass(&mut self, next: More) {
        let more = self.more.get_or_insert(More {
            offset: next.offset,
            skipped: 0,
        });
        more.skipped = more.skipped.saturating_add(next.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say;

    #[test]
    fn lists_appended_piece_by_piece_equal_one_list() {
        let count = CAPTURE_PROBLEMS as u64 + 40;
        let add = |list: &mut Problems, n: u64| list.push(n, n + 1, || say!("problem {n}", n));
        let mut whole = Problems::default();
        (0..count).for_each(|n| add(&mut whole, n));
        for piece in [1, 3, 30, CAPTURE_PROBLEMS as u64 + 5, count] {
            let mut sum = Problems::default();
            for start in (0..count).step_by(piece as usize) {
                let mut part = Problems::default();
                (start..count.min(start + piece)).for_each(|n| add(&mut part, n));
                sum.append(part);
            }
            assert_eq!(sum, whole, "pieces of {piece}");
        }
        let list = whole.into_vec();
        assert_eq!(list.len(), CAPTURE_PROBLEMS + 1);
        assert_eq!(list.last().unwrap().skipped, (65..=104).sum::<u64>());
    }
}

//! How a run ended, as scripts see it.

use std::process::ExitCode;

/// The exit codes. When several hold, the greatest is told: see [`Exit::and`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Exit {
    /// Done; nothing at or above `--fail-on` was found.
    Done = 0,
    /// Done; something at or above `--fail-on` was found.
    Found = 1,
    /// Wrong usage: an unknown option, an unreadable key file, no such input, an output that cannot
    /// be written.
    Usage = 2,
    /// An input could be read in part only. What was read is reported, and so is the damage.
    Partial = 3,
    /// An input could not be read at all. What could be read of others is reported.
    Unreadable = 4,
}

impl Exit {
    /// Every code, in order.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Found,
        Self::Usage,
        Self::Partial,
        Self::Unreadable,
    ];

    /// Both held: the greater one is told, for it limits what the lesser means. A script that reads
    /// 3 knows that even "nothing found" rests on a part of the input.
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn of_two_the_greater_is_told_whatever_the_order() {
        for a in Exit::ALL {
            for b in Exit::ALL {
                assert_eq!(a.and(b), b.and(a));
                assert_eq!(a.and(b).code(), a.code().max(b.code()));
            }
        }
    }
}

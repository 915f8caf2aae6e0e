//! What can be wrong with bytes, and where.

use super::cursor::Cursor;
use crate::limits::FAULTS;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// One thing that could not be read as the RFC lays it out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Offset in octets from the start of the message.
    pub at: usize,
    /// The structure it was met in, outermost first, such as `SA/proposal 1/transform 3`; empty for
    /// the message itself.
    pub path: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// The kinds of fault; they carry the numbers a person needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// Fewer octets are there than a field promised.
    Short {
        /// Octets that were promised.
        need: usize,
        /// Octets that are there.
        have: usize,
        /// The field, or fixed layout, that promised them.
        promised_by: &'static str,
    },
    /// This many octets are left over after the last field.
    Trailing(usize),
    /// A field holds a value that its specification does not allow.
    Value {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// A structure holds more members than we are ready to read.
    Limit {
        /// What is counted.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short {
                need,
                have,
                promised_by,
            } => {
                write!(f, "{promised_by} promises {need} octets, {have} are there")
            }
            Self::Trailing(n) => write!(f, "{n} octets left over"),
            Self::Value {
                field,
                value,
                expected,
            } => {
                write!(f, "{field} is {value}, expected {expected}")
            }
            Self::Limit { what, limit } => write!(f, "more than {limit} {what}, the rest not read"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        write!(f, "at {}: {}", self.at, self.kind)
    }
}

/// The faults met so far, and the structure that is being read.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// What was met, in the order it was met.
    pub list: Vec<Fault>,
    path: Vec<Step>,
}

impl Faults {
    /// From here on, what is read lies inside this structure.
    pub(crate) fn enter(&mut self, name: impl Into<Step>) {
        self.path.push(name.into());
    }

    /// The structure entered last has been read.
    pub(crate) fn leave(&mut self) {
        self.path.pop();
    }

    /// Notes a fault, `at` octets from the start of the message.
    pub fn push(&mut self, at: usize, kind: FaultKind) {
        let kind = match self.list.len() {
            0..FAULTS => kind,
            FAULTS => FaultKind::Limit {
                what: "faults",
                limit: FAULTS,
            },
            _ => return,
        };
        let path = self.path();
        self.list.push(Fault { at, path, kind });
    }

    /// The structure that is being read. Of a capture that is cut each message has a fault: so nothing is
    /// made here but the one string.
    fn path(&self) -> String {
        /// Room for nearly all of them.
        const ROOM: usize = 48;
        if self.path.is_empty() {
            return String::new();
        }
        let mut path = String::with_capacity(ROOM);
        for (place, step) in self.path.iter().enumerate() {
            if place > 0 {
                path.push('/');
            }
            match step {
                Step::One(name) => path.push_str(name),
                Step::Named(name) => path.push_str(name),
                // A string takes whatever is written.
                Step::Numbered(name, number) => _ = write!(path, "{name} {number}"),
            }
        }
        path
    }

    /// `None`, and a fault, unless the cursor has `need` octets left, as `promised_by` says.
    pub(crate) fn require(
        &mut self,
        cursor: &Cursor<'_>,
        need: usize,
        promised_by: &'static str,
    ) -> Option<()> {
        let have = cursor.left();
        if have >= need {
            return Some(());
        }
        let kind = FaultKind::Short {
            need,
            have,
            promised_by,
        };
        self.push(cursor.at(), kind);
        None
    }

    /// A fault if octets are left where the structure should end.
    pub(crate) fn expect_end(&mut self, cursor: &Cursor<'_>) {
        if !cursor.is_empty() {
            self.push(cursor.at(), FaultKind::Trailing(cursor.left()));
        }
    }
}

/// One structure on the way to a fault.
///
/// Kept as it is given: millions of messages have no fault, and text is made for those that do.
#[derive(Clone, Debug)]
pub enum Step {
    /// The only one of its name: `SA`.
    One(&'static str),
    /// One of several: `proposal 1`.
    Numbered(&'static str, usize),
    /// A name made up on the way.
    Named(String),
}

impl From<&'static str> for Step {
    fn from(name: &'static str) -> Self {
        Self::One(name)
    }
}

impl From<(&'static str, usize)> for Step {
    fn from((name, number): (&'static str, usize)) -> Self {
        Self::Numbered(name, number)
    }
}

impl From<String> for Step {
    fn from(name: String) -> Self {
        Self::Named(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_tells_where_it_was_met() {
        let mut faults = Faults::default();
        faults.enter("SA");
        faults.enter(("proposal", 1));
        faults.enter(format!("{} 3", "transform"));
        assert_eq!(
            faults.require(&Cursor::new(&[0; 5], 44), 8, "Transform"),
            None
        );
        faults.leave();
        faults.leave();
        faults.push(60, FaultKind::Trailing(2));
        let said: Vec<String> = faults.list.iter().map(Fault::to_string).collect();
        assert_eq!(
            said,
            [
                "SA/proposal 1/transform 3 at 44: Transform promises 8 octets, 5 are there",
                "SA at 60: 2 octets left over"
            ]
        );
    }

    #[test]
    fn a_flood_of_faults_ends_with_one_that_says_so() {
        let mut faults = Faults::default();
        for at in 0..10_000 {
            faults.push(at, FaultKind::Trailing(1));
        }
        assert_eq!(faults.list.len(), FAULTS + 1);
        let last = faults.list.last().unwrap();
        assert_eq!(
            last.kind.to_string(),
            "more than 64 faults, the rest not read"
        );
    }
}

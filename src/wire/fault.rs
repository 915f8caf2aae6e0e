//! What can be wrong with bytes, and where.

use std::fmt;

/// One thing that could not be read as the RFC lays it out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Offset in octets from the start of the message.
    pub at: usize,
    /// The structure it was met in, outermost first, such as `SA/proposal 1/transform 3`.
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
        write!(f, "{} at {}: {}", self.path, self.at, self.kind)
    }
}

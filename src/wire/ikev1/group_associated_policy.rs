//! Group Associated Policy payload of GDOI (RFC 6407 section 5.4).

use super::Attribute;
use super::attribute::plain;
use crate::registry::gdoi::GapAttribute;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What holds for a whole group: when to switch SAs, how many sender IDs are asked for.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~               Group Associated Policy Attributes              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupAssociatedPolicy<'a> {
    /// The attributes.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> GroupAssociatedPolicy<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Self {
        Self {
            attributes: Attribute::read_list(cursor, faults),
        }
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        self.attributes.iter().for_each(|one| one.emit(out));
    }
}

/// The attributes: `ACTIVATION_TIME_DELAY 5, DEACTIVATION_TIME_DELAY 30`.
impl fmt::Display for GroupAssociatedPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attributes.is_empty() {
            return f.write_str("no attributes");
        }
        let named = |one: &Attribute<'_>| plain(GapAttribute(one.kind).name(), None, one);
        let words: Vec<String> = self.attributes.iter().map(named).collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_told_by_name_and_written_as_they_were_read() {
        let octets = [0x80, 1, 0, 5, 0x80, 2, 0, 30, 0x80, 99, 0, 1];
        let mut faults = Faults::default();
        let gap = GroupAssociatedPolicy::read(&mut Cursor::new(&octets, 0), &mut faults);
        assert_eq!(
            gap.to_string(),
            "ACTIVATION_TIME_DELAY 5, DEACTIVATION_TIME_DELAY 30, attribute 99 1"
        );
        let mut out = Vec::new();
        gap.emit(&mut out);
        assert_eq!((&out[..], faults.list), (&octets[..], vec![]));
        assert_eq!(
            GroupAssociatedPolicy::default().to_string(),
            "no attributes"
        );
    }
}

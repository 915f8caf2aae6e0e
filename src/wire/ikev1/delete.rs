//! Delete payload (RFC 2408 section 3.15).

use crate::registry::SecurityProtocol;
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::{Hex, list};
use alloc::vec::Vec;
use core::fmt;

/// The SAs that the sender has deleted.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !              Domain of Interpretation  (DOI)                  !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !  Protocol-Id  !   SPI Size    !           # of SPIs           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~               Security Parameter Index(es) (SPI)              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Delete<'a> {
    /// Domain of interpretation.
    pub doi: u32,
    /// Their protocol.
    pub protocol: SecurityProtocol,
    /// Their SPIs, all of one size; for an ISAKMP SA both cookies in one.
    pub spis: Vec<&'a [u8]>,
}

impl<'a> Delete<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 8, "Delete payload")?;
        let doi = cursor.u32()?;
        let protocol = SecurityProtocol(cursor.u8()?);
        let size = usize::from(cursor.u8()?);
        let count = cursor.u16()?;
        let promised = size.saturating_mul(usize::from(count));
        if size == 0 && count > 0 {
            // Nothing can be deleted by no name, and no count of nothings is worth memory.
            let kind = FaultKind::Value {
                field: "SPI Size",
                value: 0,
                expected: "the size of the SPIs that follow",
            };
            faults.push(cursor.at(), kind);
        } else {
            // What is not there is a fault; what is there is kept.
            let _ = faults.require(cursor, promised, "# of SPIs");
        }
        let spis = cursor.take_up_to(promised);
        faults.expect_end(cursor);
        Some(Self {
            doi,
            protocol,
            spis: spis.chunks(size.max(1)).collect(),
        })
    }

    /// Appends what follows the generic header. The first SPI tells the size of all.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let size = self.spis.first().map_or(0, |spi| spi.len());
        out.extend(self.doi.to_be_bytes());
        out.extend([self.protocol.0, u8::try_from(size).unwrap_or(u8::MAX)]);
        let count = u16::try_from(self.spis.len()).unwrap_or(u16::MAX);
        out.extend(count.to_be_bytes());
        self.spis.iter().for_each(|spi| out.extend(*spi));
    }
}

/// Protocol and SPIs: `ESP c0ffee01`.
impl fmt::Display for Delete<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol.notation_v1())?;
        if self.spis.is_empty() {
            return Ok(());
        }
        let spis: Vec<Hex<'_>> = self.spis.iter().map(|spi| Hex(spi)).collect();
        write!(f, " {}", list(&spis, ", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> (Option<Delete<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let delete = Delete::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(|fault| fault.kind.to_string());
        (delete, said.collect())
    }

    #[test]
    fn several_spis_read_as_they_were_written() {
        let delete = Delete {
            doi: 1,
            protocol: SecurityProtocol::ESP,
            spis: vec![&[1, 2, 3, 4], &[5, 6, 7, 8]],
        };
        let mut octets = Vec::new();
        delete.emit(&mut octets);
        assert_eq!(octets[..8], [0, 0, 0, 1, 3, 4, 0, 2]);
        assert_eq!(read(&octets), (Some(delete), vec![]));
    }

    #[test]
    fn no_spis_of_no_octets_are_no_fault() {
        let (delete, faults) = read(&[0, 0, 0, 1, 3, 0, 0, 0]);
        let delete = delete.unwrap();
        assert_eq!(delete.to_string(), "ESP");
        assert_eq!((delete.spis, faults), (vec![], vec![]));
    }

    #[test]
    fn a_count_that_lies_is_a_fault_and_what_is_there_is_kept() {
        let (delete, faults) = read(&[0, 0, 0, 1, 3, 4, 0, 3, 1, 2, 3, 4, 5, 6]);
        assert_eq!(delete.unwrap().spis, [&[1, 2, 3, 4][..], &[5, 6]]);
        assert_eq!(faults, ["# of SPIs promises 12 octets, 6 are there"]);
        let (_, faults) = read(&[0, 0, 0, 1, 3, 4, 0, 1, 1, 2, 3, 4, 5, 6]);
        assert_eq!(faults, ["2 octets left over"]);
    }

    #[test]
    fn sixty_thousand_spis_of_no_octets_cost_no_memory() {
        let (delete, faults) = read(&[0, 0, 0, 1, 3, 0, 0xff, 0xff]);
        assert!(delete.unwrap().spis.is_empty());
        assert_eq!(
            faults,
            ["SPI Size is 0, expected the size of the SPIs that follow"]
        );
    }
}

//! Delete payload (RFC 7296 section 3.11).

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
/// |  Protocol ID  |   SPI Size    |          Num of SPIs          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~               Security Parameter Index(es) (SPI)              ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Delete<'a> {
    /// Their protocol; IKE means this very SA and carries no SPI.
    pub protocol: SecurityProtocol,
    /// Their SPIs, all of one size, as the sender receives them.
    pub spis: Vec<&'a [u8]>,
}

impl<'a> Delete<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Delete payload")?;
        let at = cursor.at();
        let protocol = SecurityProtocol(cursor.u8()?);
        let size = usize::from(cursor.u8()?);
        let count = cursor.u16()?;
        if size == 0 && count > 0 {
            // No name deletes nothing, and no count of nothings is worth memory.
            let kind = FaultKind::Value {
                field: "Num of SPIs",
                value: count.into(),
                expected: "0, as SPI Size is 0",
            };
            faults.push(at, kind);
        }
        let promised = size.saturating_mul(usize::from(count));
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, promised, "Num of SPIs");
        let spis = cursor.take_up_to(promised);
        faults.expect_end(cursor);
        Some(Self {
            protocol,
            spis: spis.chunks_exact(size.max(1)).collect(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let size = self.spis.first().map_or(0, |spi| spi.len());
        out.extend([self.protocol.0, u8::try_from(size).unwrap_or(u8::MAX)]);
        let count = u16::try_from(self.spis.len()).unwrap_or(u16::MAX);
        out.extend(count.to_be_bytes());
        self.spis.iter().for_each(|spi| out.extend(*spi));
    }
}

/// The protocol and the SPIs: `ESP c0ffee01, c0ffee02`.
impl fmt::Display for Delete<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.protocol.fmt(f)?;
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

    fn read(octets: &[u8]) -> (String, Vec<String>) {
        let mut faults = Faults::default();
        let delete = Delete::read(&mut Cursor::new(octets, 0), &mut faults).unwrap();
        let said = faults.list.iter().map(|fault| fault.kind.to_string());
        (delete.to_string(), said.collect())
    }

    #[test]
    fn deleting_the_ike_sa_takes_no_spi() {
        assert_eq!(read(&[1, 0, 0, 0]), ("IKE".into(), vec![]));
    }

    #[test]
    fn spis_that_were_cut_off_are_missed() {
        let (said, faults) = read(&[3, 4, 0, 2, 0xc0, 0xff, 0xee, 1, 0xc0]);
        assert_eq!(said, "ESP c0ffee01");
        assert_eq!(faults, ["Num of SPIs promises 8 octets, 5 are there"]);
    }

    #[test]
    fn a_count_of_empty_spis_is_a_fault() {
        let (said, faults) = read(&[3, 0, 0xff, 0xff]);
        assert_eq!(said, "ESP");
        assert_eq!(
            faults,
            ["Num of SPIs is 65535, expected 0, as SPI Size is 0"]
        );
    }
}

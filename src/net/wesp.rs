//! Wrapped ESP (RFC 5840): a header before ESP that says whether it is encrypted.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Next Header  |   HdrLen      |  TrailerLen   |V V|E|P| Rsvd  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Padding (Optional)                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  Existing ESP Encapsulation                   |
//! ```

use super::null::Null;
use super::octets::Octets;

/// Where ESP in UDP has its SPI, this says that WESP follows (RFC 5840 section 2.1).
pub(super) const PROTOCOL_IDENTIFIER: [u8; 4] = [0, 0, 0, 2];

/// A WESP header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wesp {
    next_header: u8,
    /// Octets from this header to the payload that ESP carries; zero if that is encrypted.
    header_len: u8,
    /// Octets of the integrity check value; zero if the payload is encrypted.
    trailer_len: u8,
    is_encrypted: bool,
    is_padded: bool,
}

impl Wesp {
    /// Reads a header, and gives the ESP packet after it. `None` if it is not whole, or of a later
    /// version: "a packet with an unsupported version MUST be dropped".
    pub(super) fn read(octets: Octets<'_>) -> Option<(Self, Octets<'_>)> {
        let (&[next_header, header_len, trailer_len, flags], rest) = octets.split()?;
        let header = Self {
            next_header,
            header_len,
            trailer_len,
            is_encrypted: flags & 0x20 != 0,
            is_padded: flags & 0x10 != 0,
        };
        let esp = rest.skip(if header.is_padded { 4 } else { 0 })?;
        (flags & 0xc0 == 0).then_some((header, esp))
    }

    /// How the ESP packet is laid out, if it is not encrypted. `None` where its trailer does not
    /// agree with what this header says, which the receiver drops too.
    pub(super) fn layout(&self, esp: Octets<'_>) -> Option<Null> {
        if self.is_encrypted || esp.is_cut() {
            return None;
        }
        let before = if self.is_padded { 16 } else { 12 };
        let iv = self.header_len.checked_sub(before)?;
        Null::read(esp.kept, iv, self.trailer_len)
            .filter(|null| null.next_header == self.next_header)
    }
}

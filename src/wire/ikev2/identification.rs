//! Identification payloads (RFC 7296 section 3.5).

use crate::registry::IdType;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::identity;
use crate::wire::text::brief;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Who a peer says it is.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   ID Type     |                 RESERVED                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                   Identification Data                         ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identification<'a> {
    /// Form of the identity.
    pub id_type: IdType,
    /// The identity.
    pub data: &'a [u8],
}

impl<'a> Identification<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Identification payload")?;
        let id_type = IdType(cursor.u8()?);
        let _reserved = cursor.take(3)?;
        Some(Self {
            id_type,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.id_type.0, 0, 0, 0]);
        out.extend(self.data);
    }

    /// The identity as people write it: an address, prefix or range, a name, a key ID that is text.
    /// `None` if the octets are none of these.
    pub fn text(&self) -> Option<String> {
        identity::text(self.id_type, self.data)
    }
}

/// Form and identity: `ID_FQDN gw.example.com`.
impl fmt::Display for Identification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().unwrap_or_else(|| brief(self.data));
        write!(f, "{} {text}", self.id_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id_type: IdType, data: &[u8]) -> String {
        Identification { id_type, data }.to_string()
    }

    #[test]
    fn an_identity_says_its_form() {
        assert_eq!(
            said(IdType::ID_FQDN, b"gw.example.com"),
            "ID_FQDN gw.example.com"
        );
    }

    #[test]
    fn an_identity_without_text_shows_its_octets() {
        assert_eq!(
            said(IdType::ID_IPV4_ADDR, &[10, 0, 0]),
            "ID_IPV4_ADDR 0a0000"
        );
        assert_eq!(said(IdType::ID_KEY_ID, &[1, 0xab]), "ID_KEY_ID 01ab");
    }
}

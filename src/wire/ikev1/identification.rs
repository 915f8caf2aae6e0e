//! Identification payload (RFC 2407 section 4.6.2).

use crate::registry::{IdType, IpProtocol};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::identity;
use crate::wire::text::brief;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Who a peer says it is, or in quick mode which traffic it means.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !   ID Type     !  Protocol ID  !             Port              !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                     Identification Data                       ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// NAT-OA (RFC 3947 section 5.2) has the same layout, with protocol and port reserved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identification<'a> {
    /// Form of the identity.
    pub id_type: IdType,
    /// IP protocol, zero for any.
    pub protocol: u8,
    /// Port, zero for any.
    pub port: u16,
    /// The identity.
    pub data: &'a [u8],
}

impl<'a> Identification<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Identification payload")?;
        Some(Self {
            id_type: IdType(cursor.u8()?),
            protocol: cursor.u8()?,
            port: cursor.u16()?,
            data: cursor.rest(),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.id_type.0, self.protocol]);
        out.extend(self.port.to_be_bytes());
        out.extend(self.data);
    }

    /// The identity as people write it: an address, prefix or range, a name, a key ID that is text.
    /// `None` if the octets are none of these.
    ///
    /// 13 is an object identifier here (RFC 8052), and nobody in IKEv2: it has no text.
    pub fn text(&self) -> Option<String> {
        identity::text(self.id_type, self.data).filter(|_| self.id_type != IdType::ID_NULL)
    }
}

/// Form and identity, then protocol and port if they are given: `ID_IPV4_ADDR 192.0.2.1 udp/500`.
impl fmt::Display for Identification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id_type.name_v1() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "type {}", self.id_type.0)?,
        }
        let text = self.text().unwrap_or_else(|| brief(self.data));
        write!(f, " {text}")?;
        let protocol = IpProtocol(self.protocol).to_string().to_ascii_lowercase();
        match (self.protocol, self.port) {
            (0, 0) => Ok(()),
            (0, port) => write!(f, " any/{port}"),
            (_, 0) => write!(f, " {protocol}"),
            (_, port) => write!(f, " {protocol}/{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_carries_protocol_and_port() {
        let mut faults = Faults::default();
        let octets = [1, 17, 0x01, 0xf4, 192, 0, 2, 1];
        let read = Identification::read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!(read.id_type, IdType(1));
        assert_eq!((read.protocol, read.port), (17, 500));
        assert_eq!(read.data, [192, 0, 2, 1]);
        assert_eq!(read.to_string(), "ID_IPV4_ADDR 192.0.2.1 udp/500");
        assert!(faults.list.is_empty());
    }

    #[test]
    fn an_identity_without_its_fixed_part_is_a_fault() {
        let mut faults = Faults::default();
        let mut cursor = Cursor::new(&[1, 17, 1], 32);
        assert_eq!(Identification::read(&mut cursor, &mut faults), None);
        assert_eq!(faults.list[0].at, 32);
    }
}

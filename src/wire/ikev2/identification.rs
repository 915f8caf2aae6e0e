//! Identification payloads (RFC 7296 section 3.5).

use super::der;
use super::text::{brief, hex, printable};
use super::traffic_selector::{Range, prefix_of_mask};
use crate::registry::IdType;
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

    /// The identity as text; see [`text`].
    pub fn text(&self) -> Option<String> {
        text(self.id_type, self.data)
    }
}

/// Form and identity: `ID_FQDN gw.example.com`.
impl fmt::Display for Identification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().unwrap_or_else(|| brief(self.data));
        write!(f, "{} {text}", self.id_type)
    }
}

/// An identity as text, in either version of IKE: an address, prefix or range; a domain name or mail
/// address; a distinguished name; the hex digits of a key ID.
///
/// `None` if the form is unknown or the octets do not fit it.
pub fn text(id_type: IdType, data: &[u8]) -> Option<String> {
    match id_type {
        IdType::ID_IPV4_ADDR | IdType::ID_IPV6_ADDR => Some(address(data)?.to_string()),
        IdType::ID_FQDN | IdType::ID_RFC822_ADDR => Some(printable(data)),
        IdType::ID_IPV4_ADDR_SUBNET | IdType::ID_IPV6_ADDR_SUBNET => {
            let (address, mask) = halves(data)?;
            match prefix_of_mask(mask) {
                Some(length) => Some(format!("{address}/{length}")),
                None => Some(format!("{address}/{mask}")),
            }
        }
        IdType::ID_IPV4_ADDR_RANGE | IdType::ID_IPV6_ADDR_RANGE => {
            let (start, end) = halves(data)?;
            Some(Range { start, end }.to_string())
        }
        IdType::ID_DER_ASN1_DN => der::distinguished_name(data),
        IdType::ID_DER_ASN1_GN => general_name(data),
        IdType::ID_KEY_ID => Some(hex(data)),
        IdType::ID_NULL => Some("anonymous".into()),
        _ => None,
    }
}

/// An address of 4 or 16 octets.
pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(octets).into())
}

/// Two addresses of one family, one after the other.
fn halves(octets: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let (first, second) = octets.split_at_checked(octets.len() / 2)?;
    Some((address(first)?, address(second)?))
}

/// A GeneralName (RFC 5280 section 4.2.1.6), of the kinds that name a gateway.
fn general_name(octets: &[u8]) -> Option<String> {
    let name = der::Element::take(&mut Cursor::new(octets, 0))?;
    match name.tag {
        0x81 | 0x82 | 0x86 => Some(printable(name.contents)),
        0xa4 => der::distinguished_name(name.contents),
        0x87 => Some(address(name.contents)?.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id_type: IdType, data: &[u8]) -> String {
        Identification { id_type, data }.to_string()
    }

    #[test]
    fn identities_read_as_people_write_them() {
        assert_eq!(
            said(IdType::ID_IPV4_ADDR, &[192, 0, 2, 1]),
            "ID_IPV4_ADDR 192.0.2.1"
        );
        assert_eq!(
            said(IdType::ID_FQDN, b"gw.example.com"),
            "ID_FQDN gw.example.com"
        );
        assert_eq!(
            said(IdType::ID_RFC822_ADDR, b"a@example.com"),
            "ID_RFC822_ADDR a@example.com"
        );
        assert_eq!(said(IdType::ID_KEY_ID, &[1, 0xab]), "ID_KEY_ID 01ab");
        assert_eq!(
            said(IdType::ID_DER_ASN1_DN, der::tests::NAME),
            "ID_DER_ASN1_DN C=CH, CN=gw"
        );
        assert_eq!(
            said(IdType::ID_DER_ASN1_GN, &[0x82, 2, b'g', b'w']),
            "ID_DER_ASN1_GN gw"
        );
        assert_eq!(
            said(IdType::ID_IPV4_ADDR_SUBNET, &[10, 1, 0, 0, 255, 255, 0, 0]),
            "ID_IPV4_ADDR_SUBNET 10.1.0.0/16"
        );
        assert_eq!(
            said(IdType::ID_IPV4_ADDR_SUBNET, &[10, 1, 0, 0, 255, 0, 255, 0]),
            "ID_IPV4_ADDR_SUBNET 10.1.0.0/255.0.255.0"
        );
        assert_eq!(
            said(IdType::ID_IPV4_ADDR_RANGE, &[10, 1, 0, 1, 10, 1, 0, 9]),
            "ID_IPV4_ADDR_RANGE 10.1.0.1-10.1.0.9"
        );
    }

    #[test]
    fn an_identity_that_does_not_fit_its_form_shows_its_octets() {
        assert_eq!(
            said(IdType::ID_IPV4_ADDR, &[10, 0, 0]),
            "ID_IPV4_ADDR 0a0000"
        );
        assert_eq!(text(IdType(200), b"x"), None);
    }

    #[test]
    fn no_form_of_identity_panics_on_any_length() {
        for (id_type, _, _) in IdType::NAMED {
            for length in 0..40 {
                let _ = text(*id_type, &vec![0x30; length]);
            }
        }
    }
}

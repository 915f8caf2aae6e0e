//! Identities as people write them, the same in both versions of IKE.

use super::address::{Range, address, prefix_of_mask};
use super::cursor::Cursor;
use super::der;
use super::text::printable;
use crate::registry::IdType;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;

/// An identity as text: an address, prefix or range; a domain name or mail address; a distinguished
/// name; a key ID that is text (RFC 2407 section 4.6.2.1, RFC 7296 section 3.5).
///
/// `None` if it has no text: the form is unknown, the octets do not fit it, or they are no text.
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
        IdType::ID_KEY_ID => key_id(data),
        IdType::ID_NULL => Some("anonymous".into()),
        _ => None,
    }
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

/// Opaque octets, though most implementations send the name of a group.
fn key_id(octets: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(octets).ok()?;
    let is_text = !text.is_empty() && !text.contains(char::is_control);
    is_text.then(|| printable(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_general_name_is_of_a_kind_that_names_gateways() {
        let said = |octets: &[u8]| text(IdType::ID_DER_ASN1_GN, octets);
        for (octets, says) in [
            (&[0x81, 3, b'a', b'@', b'b'][..], "a@b"),
            (&[0x82, 3, b'g', b'.', b'x'], "g.x"),
            (&[0x86, 3, b'u', b':', b'x'], "u:x"),
            (&[0x87, 4, 192, 0, 2, 1], "192.0.2.1"),
        ] {
            assert_eq!(said(octets).as_deref(), Some(says));
        }
        let name = der::tests::NAME;
        let directory = [&[0xa4, u8::try_from(name.len()).unwrap()], name].concat();
        assert_eq!(said(&directory).as_deref(), Some("C=CH, CN=gw"));
        // Three octets are no address; a registered identifier names no gateway.
        assert_eq!(said(&[0x87, 3, 192, 0, 2]), None);
        assert_eq!(said(&[0x88, 2, 0x2a, 3]), None);
    }

    #[test]
    fn identities_read_as_people_write_them() {
        let said = |id_type, data: &[u8]| text(id_type, data).unwrap();
        for (id_type, data, says) in [
            (IdType::ID_IPV4_ADDR, &[192, 0, 2, 1][..], "192.0.2.1"),
            (IdType::ID_FQDN, b"gw.example", "gw.example"),
            (IdType::ID_RFC822_ADDR, b"a@example", "a@example"),
            (
                IdType::ID_IPV4_ADDR_SUBNET,
                &[10, 1, 0, 0, 255, 255, 0, 0],
                "10.1.0.0/16",
            ),
            (
                IdType::ID_IPV4_ADDR_SUBNET,
                &[10, 1, 0, 0, 255, 0, 255, 0],
                "10.1.0.0/255.0.255.0",
            ),
            (
                IdType::ID_IPV4_ADDR_RANGE,
                &[10, 1, 0, 1, 10, 1, 0, 9],
                "10.1.0.1-10.1.0.9",
            ),
            (IdType::ID_DER_ASN1_DN, der::tests::NAME, "C=CH, CN=gw"),
            (IdType::ID_DER_ASN1_GN, &[0x82, 2, b'g', b'w'], "gw"),
            (IdType::ID_KEY_ID, b"group", "group"),
            (IdType::ID_NULL, b"", "anonymous"),
        ] {
            assert_eq!(said(id_type, data), says);
        }
    }

    #[test]
    fn what_does_not_fit_its_form_has_no_text() {
        for (id_type, data) in [
            (IdType::ID_IPV4_ADDR, &[192, 0, 2][..]),
            (IdType::ID_IPV4_ADDR_SUBNET, &[10, 1, 0]),
            (IdType::ID_DER_ASN1_DN, &[0x31, 0]),
            (IdType::ID_KEY_ID, &[0, 1]),
            (IdType(200), b"x"),
        ] {
            assert_eq!(text(id_type, data), None, "{id_type}");
        }
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

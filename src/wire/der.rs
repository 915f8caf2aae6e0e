//! As much of DER (X.690) as names and algorithm identifiers need.

use super::text::{Hex, printable};
use crate::wire::cursor::Cursor;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One element: a tag and its contents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents octets.
    pub contents: &'a [u8],
}

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BMP_STRING: u8 = 0x1e;

impl<'a> Element<'a> {
    /// Takes the next element; `None` if it is not whole or has a form that DER does not allow.
    pub fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        let tag = cursor.u8()?;
        let length = match cursor.u8()? {
            short @ 0..=0x7f => usize::from(short),
            0x81 => usize::from(cursor.u8()?),
            0x82 => usize::from(cursor.u16()?),
            // More than 64 KiB does not fit a payload, and 0x80 is BER's indefinite length.
            _ => return None,
        };
        let contents = cursor.take(length)?;
        Some(Self { tag, contents })
    }

    /// The one element that `octets` begin with, if it has this tag.
    pub fn first(octets: &'a [u8], tag: u8) -> Option<Self> {
        Self::take(&mut Cursor::new(octets, 0)).filter(|element| element.tag == tag)
    }

    /// The elements inside, up to one that cannot be read.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let mut cursor = Cursor::new(self.contents, 0);
        core::iter::from_fn(move || Self::take(&mut cursor))
    }
}

/// An object identifier in dotted form, from its contents octets.
pub fn dotted(contents: &[u8]) -> Option<String> {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc: u64 = 0;
    for octet in contents {
        arc = arc.checked_mul(128)?.checked_add(u64::from(octet & 0x7f))?;
        if octet & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    if contents.last()? & 0x80 != 0 {
        return None;
    }
    // The first two arcs share one number (X.690 section 8.19.4).
    let (&both, rest) = arcs.split_first()?;
    let first = (both / 40).min(2);
    let mut text = format!("{first}.{}", both.checked_sub(first.checked_mul(40)?)?);
    for arc in rest {
        text.push('.');
        text.push_str(&arc.to_string());
    }
    Some(text)
}

/// A distinguished name as text: `C=CH, O=Example, CN=gw`, in the order it is encoded.
///
/// `None` if it is no name, or not all of it can be read.
pub fn distinguished_name(octets: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(octets, 0);
    let name = Element::take(&mut cursor).filter(|name| name.tag == SEQUENCE)?;
    if !cursor.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    let mut read = 0_usize;
    for set in name.children() {
        if set.tag != SET {
            return None;
        }
        read = read.saturating_add(set.contents.len());
        for pair in set.children() {
            let mut pair = Cursor::new(pair.contents, 0);
            let kind = Element::take(&mut pair).filter(|kind| kind.tag == OBJECT_IDENTIFIER)?;
            let value = Element::take(&mut pair)?;
            let kind = dotted(kind.contents)?;
            let kind = attribute_name(&kind).unwrap_or(&kind);
            parts.push(format!("{kind}={}", string(value)));
        }
    }
    let whole = name.contents.is_empty() || read > 0;
    whole.then(|| parts.join(", "))
}

fn string(value: Element<'_>) -> String {
    match value.tag {
        // UTF8String, NumericString to IA5String, VisibleString.
        0x0c | 0x12..=0x16 | 0x1a => printable(value.contents),
        BMP_STRING => {
            let (units, _) = value.contents.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            let text: String = char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            printable(text.as_bytes())
        }
        _ => format!("#{}", Hex(value.contents)),
    }
}

/// Short names of attribute types (RFC 4514 section 3, RFC 4519, RFC 2985).
fn attribute_name(oid: &str) -> Option<&'static str> {
    let name = match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "T",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "GN",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        "1.2.840.113549.1.9.8" => "unstructuredAddress",
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `C=CH, CN=gw`, by hand after RFC 5280 section 4.1.2.4.
    pub(in crate::wire) const NAME: &[u8] = &[
        0x30, 0x1a, //
        0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, b'C', b'H', //
        0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, b'g', b'w',
    ];

    #[test]
    fn a_name_reads_in_the_order_it_is_encoded() {
        assert_eq!(distinguished_name(NAME).as_deref(), Some("C=CH, CN=gw"));
    }

    #[test]
    fn every_attribute_of_a_name_has_its_short_name() {
        let said = |oid: &[u8]| {
            let wrap = |tag: u8, inner: &[u8]| {
                [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
            };
            let pair = [wrap(6, oid), wrap(0x0c, b"x")].concat();
            let name = wrap(0x30, &wrap(0x31, &wrap(0x30, &pair)));
            distinguished_name(&name).unwrap()
        };
        let names = [
            (3, "CN"),
            (4, "SN"),
            (5, "serialNumber"),
            (6, "C"),
            (7, "L"),
            (8, "ST"),
            (9, "STREET"),
            (10, "O"),
            (11, "OU"),
            (12, "T"),
            (17, "postalCode"),
            (42, "GN"),
            (46, "dnQualifier"),
            (97, "organizationIdentifier"),
            (13, "2.5.4.13"),
        ];
        for (last, name) in names {
            assert_eq!(said(&[0x55, 4, last]), format!("{name}=x"));
        }
        let ccitt = |last| [9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, last];
        assert_eq!([1, 25].map(|last| said(&ccitt(last))), ["UID=x", "DC=x"]);
        let pkcs9 = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, last];
        assert_eq!(
            [1, 2, 8].map(|last| said(&pkcs9(last))),
            ["E=x", "unstructuredName=x", "unstructuredAddress=x"]
        );
    }

    #[test]
    fn half_a_name_is_no_name() {
        for end in 0..NAME.len() {
            assert_eq!(distinguished_name(&NAME[..end]), None, "{end}");
        }
    }

    #[test]
    fn object_identifiers_read_dotted() {
        let said = |octets: &[u8]| dotted(octets).unwrap_or_else(|| "none".into());
        assert_eq!(said(&[0x2b, 0x65, 0x70]), "1.3.101.112");
        assert_eq!(said(&[0x60, 0x86, 0x48, 0x01, 0x65]), "2.16.840.1.101");
        assert_eq!(said(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(said(&[0x2b, 0x86]), "none");
        assert_eq!(said(&[]), "none");
        assert_eq!(said(&[0xff; 20]), "none");
    }

    #[test]
    fn long_lengths_are_read_and_the_indefinite_one_is_not() {
        let length = |octets: &[u8]| {
            let whole = [octets, &[7; 300]].concat();
            Element::take(&mut Cursor::new(&whole, 0)).map(|element| element.contents.len())
        };
        assert_eq!(length(&[4, 0x7f]), Some(127));
        assert_eq!(length(&[4, 0x81, 200]), Some(200));
        assert_eq!(length(&[4, 0x82, 1, 0]), Some(256));
        assert_eq!(length(&[4, 0x82, 9, 0]), None);
        assert_eq!(length(&[4, 0x80]), None);
    }
}

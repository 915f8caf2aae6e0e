//! Attributes payload of mode config and XAuth (draft-ietf-ipsec-isakmp-mode-cfg section 3.2).
//!
//! ```text
//!                      1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !     Type      !   RESERVED    !           Identifier          !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                           Attributes                          ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! IKEv2 made its Configuration payload of it, so both share [`Configuration`].

use crate::registry::{ConfigurationAttributeType, ConfigurationType};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::ikev2::{Configuration, ConfigurationAttribute};
use alloc::vec::Vec;

/// The format bit of an attribute (RFC 2408 section 3.3): a value of two octets in place of the
/// length.
const SHORT: u16 = 0x8000;

/// Reads what follows the generic header.
pub fn read<'a>(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Configuration<'a>> {
    faults.require(cursor, 4, "Attributes payload")?;
    let cfg_type = ConfigurationType(cursor.u8()?);
    let _reserved = cursor.u8()?;
    let identifier = Some(cursor.u16()?);
    let mut attributes = Vec::new();
    while !cursor.is_empty() {
        faults.enter(("attribute", attributes.len() + 1));
        attributes.extend(read_attribute(cursor, faults));
        faults.leave();
    }
    Some(Configuration {
        cfg_type,
        identifier,
        attributes,
    })
}

/// Reads one attribute. Always takes something, so a list comes to its end.
fn read_attribute<'a>(
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
) -> Option<ConfigurationAttribute<'a>> {
    if faults.require(cursor, 4, "Attribute").is_none() {
        cursor.rest();
        return None;
    }
    let format_and_kind = cursor.u16()?;
    let kind = ConfigurationAttributeType(format_and_kind & !SHORT);
    let is_short = format_and_kind & SHORT != 0;
    let length = match is_short {
        true => 2,
        false => usize::from(cursor.u16()?),
    };
    // What is not there is a fault; what is there is kept.
    let _ = faults.require(cursor, length, "Attribute Length");
    let value = cursor.take_up_to(length);
    Some(ConfigurationAttribute {
        is_short,
        ..ConfigurationAttribute::new(kind, value)
    })
}

/// Appends what follows the generic header.
pub fn emit(configuration: &Configuration<'_>, out: &mut Vec<u8>) {
    out.extend([configuration.cfg_type.0, 0]);
    let identifier = configuration.identifier.unwrap_or_default();
    out.extend(identifier.to_be_bytes());
    for attribute in &configuration.attributes {
        emit_attribute(attribute, out);
    }
}

/// Appends one attribute, in the format it came in. A value too long for its length field is cut.
fn emit_attribute(attribute: &ConfigurationAttribute<'_>, out: &mut Vec<u8>) {
    if attribute.is_short {
        out.extend((attribute.kind.0 | SHORT).to_be_bytes());
        out.extend(attribute.value);
    } else {
        let length = u16::try_from(attribute.value.len()).unwrap_or(u16::MAX);
        out.extend((attribute.kind.0 & !SHORT).to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend(attribute.value.iter().take(usize::from(length)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_as_it_was_written_in_both_formats() {
        let attribute = ConfigurationAttribute::new;
        let request = Configuration {
            cfg_type: ConfigurationType(1),
            identifier: Some(0x0102),
            attributes: vec![
                ConfigurationAttribute {
                    is_short: true,
                    ..attribute(ConfigurationAttributeType::XAUTH_TYPE, &[0, 0])
                },
                attribute(ConfigurationAttributeType::XAUTH_USER_NAME, b"ed"),
                attribute(ConfigurationAttributeType::INTERNAL_IP4_ADDRESS, &[]),
            ],
        };
        let mut octets = Vec::new();
        emit(&request, &mut octets);
        assert_eq!(octets[..8], [1, 0, 1, 2, 0xc0, 0x88, 0, 0]);
        assert_eq!(octets[8..14], [0x40, 0x89, 0, 2, b'e', b'd']);
        let mut faults = Faults::default();
        assert_eq!(
            read(&mut Cursor::new(&octets, 0), &mut faults),
            Some(request)
        );
        assert!(faults.list.is_empty());
    }

    #[test]
    fn a_value_that_is_not_all_there_is_a_fault_and_kept() {
        let mut faults = Faults::default();
        let octets = [1, 0, 0, 0, 0x40, 0x89, 0, 9, b'e'];
        let cut = read(&mut Cursor::new(&octets, 0), &mut faults).unwrap();
        assert_eq!(cut.attributes[0].value, b"e");
        assert_eq!(
            faults.list[0].to_string(),
            "attribute 1 at 8: Attribute Length promises 9 octets, 1 are there"
        );
    }
}

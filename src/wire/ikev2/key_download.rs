//! Key Download payload of G-IKEv2 (RFC 9838 section 4.5).

use super::group_security_association::{emit_substructure, substructure};
use crate::registry::SecurityProtocol;
use crate::registry::g_ikev2::{GroupKeyBagAttribute, MemberKeyBagAttribute};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::ikev1::attribute::plain;
use crate::wire::ikev1::{Attribute, AttributeValue};
use crate::wire::text::{Hex, list};
use alloc::vec::Vec;
use core::fmt;

/// The keys of a group, in bags. Each is encrypted with another key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyDownload<'a> {
    /// The bags, in order.
    pub bags: Vec<KeyBag<'a>>,
}

/// One bag of keys.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Protocol    |   SPI Size    |            Length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                              SPI                              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                     <Key Bag Attributes>                      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// The bag of a member has protocol zero, a reserved octet for the SPI size, and no SPI.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyBag<'a> {
    /// Keys of one SA of the group.
    Group {
        /// What the SA is for.
        protocol: SecurityProtocol,
        /// SPI of the SA, as its policy has it.
        spi: &'a [u8],
        /// The keys.
        attributes: Vec<Attribute<'a>>,
    },
    /// Keys and the like of one member.
    Member(Vec<Attribute<'a>>),
}

/// A key as it travels (RFC 9838 section 4.5.1).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                             Key ID                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                             KWK ID                            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                         Encrypted Key                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WrappedKey<'a> {
    /// Which key it is; zero for the keys of an SA.
    pub key_id: u32,
    /// The key that encrypts it; zero for the one that the IKE SA or Rekey SA has for that.
    pub kwk_id: u32,
    /// The key, encrypted as the key wrap algorithm says.
    pub encrypted: &'a [u8],
}

impl<'a> KeyDownload<'a> {
    /// Reads what follows the generic header. What a wrong length leaves readable is read.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Self {
        let mut bags = Vec::new();
        let mut met = 0_usize;
        while !cursor.is_empty() {
            met = met.saturating_add(1);
            faults.enter(("key bag", met));
            bags.extend(KeyBag::read(cursor, faults));
            faults.leave();
        }
        Self { bags }
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        for bag in &self.bags {
            let mut body = Vec::new();
            let (protocol, spi_size) = match bag {
                KeyBag::Group { protocol, spi, .. } => {
                    let spi_size = u8::try_from(spi.len()).unwrap_or(u8::MAX);
                    body.extend(spi.iter().take(usize::from(spi_size)));
                    (protocol.0, spi_size)
                }
                KeyBag::Member(_) => (0, 0),
            };
            bag.attributes().iter().for_each(|one| one.emit(&mut body));
            emit_substructure(protocol, spi_size, &body, out);
        }
    }
}

/// The bags, separated by semicolons; of many the first.
impl fmt::Display for KeyDownload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bags.is_empty() {
            return f.write_str("no key bags");
        }
        f.write_str(&list(&self.bags, "; "))
    }
}

impl<'a> KeyBag<'a> {
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let (protocol, spi_size, mut body) = substructure("Key Bag", cursor, faults)?;
        if protocol == 0 {
            return Some(Self::Member(Attribute::read_list(&mut body, faults)));
        }
        let spi_size = usize::from(spi_size);
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(&body, spi_size, "SPI Size");
        Some(Self::Group {
            protocol: SecurityProtocol(protocol),
            spi: body.take_up_to(spi_size),
            attributes: Attribute::read_list(&mut body, faults),
        })
    }

    /// What the bag holds.
    pub fn attributes(&self) -> &[Attribute<'a>] {
        match self {
            Self::Group { attributes, .. } | Self::Member(attributes) => attributes,
        }
    }

    /// The name of an attribute: each kind of bag numbers its own.
    pub fn attribute_name(&self, kind: u16) -> Option<&'static str> {
        match self {
            Self::Group { .. } => GroupKeyBagAttribute(kind).name(),
            Self::Member(_) => MemberKeyBagAttribute(kind).name(),
        }
    }

    /// The key in an attribute that holds nothing but one. AUTH_KEY is none of these: it may hold a
    /// public key in clear, and only the transforms of the GSA payload tell.
    pub fn wrapped_key(&self, attribute: &Attribute<'a>) -> Option<WrappedKey<'a>> {
        let is_key = match self {
            Self::Group { .. } => {
                GroupKeyBagAttribute(attribute.kind) == GroupKeyBagAttribute::SA_KEY
            }
            Self::Member(_) => {
                MemberKeyBagAttribute(attribute.kind) == MemberKeyBagAttribute::WRAP_KEY
            }
        };
        match attribute.value {
            AttributeValue::Long(octets) if is_key => WrappedKey::of(octets),
            _ => None,
        }
    }
}

/// What it is for, and the keys by their names and IDs, never by their octets:
/// `ESP c0ffee01: SA_KEY of 40 octets under key 7`.
impl fmt::Display for KeyBag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { protocol, spi, .. } => write!(f, "{protocol} {}", Hex(spi))?,
            Self::Member(_) => f.write_str("member")?,
        }
        for (index, attribute) in self.attributes().iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            let name = self.attribute_name(attribute.kind);
            match (self.wrapped_key(attribute), name) {
                (Some(key), Some(name)) => {
                    f.write_str(name)?;
                    if key.key_id != 0 {
                        write!(f, " {}", key.key_id)?;
                    }
                    write!(f, " of {} octets", key.encrypted.len())?;
                    if key.kwk_id != 0 {
                        write!(f, " under key {}", key.kwk_id)?;
                    }
                }
                _ => f.write_str(&plain(name, None, attribute))?,
            }
        }
        Ok(())
    }
}

impl<'a> WrappedKey<'a> {
    /// Reads the value of an attribute. `None` if its IDs are not there.
    pub fn of(value: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value, 0);
        Some(Self {
            key_id: cursor.u32()?,
            kwk_id: cursor.u32()?,
            encrypted: cursor.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of an ESP SA under key 7, and for one member that key and a sender ID.
    const BAGS: &[u8] = &[
        3, 4, 0, 24, 0xc0, 0xff, 0xee, 1, //
        0, 1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, //
        0, 0, 0, 26, //
        0, 1, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 5, 6, 7, 8, //
        0, 3, 0, 2, 0, 9,
    ];

    fn read(octets: &[u8]) -> (KeyDownload<'_>, Vec<String>) {
        let mut faults = Faults::default();
        let kd = KeyDownload::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (kd, said)
    }

    #[test]
    fn bags_say_which_key_lies_under_which_and_show_none() {
        let (kd, faults) = read(BAGS);
        assert_eq!(
            kd.to_string(),
            "ESP c0ffee01: SA_KEY of 4 octets under key 7; \
             member: WRAP_KEY 7 of 4 octets, GM_SENDER_ID 9"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn bags_are_written_as_they_were_read() {
        let mut out = Vec::new();
        read(BAGS).0.emit(&mut out);
        assert_eq!(out, BAGS);
    }

    #[test]
    fn a_key_without_its_ids_is_no_wrapped_key() {
        assert_eq!(WrappedKey::of(&[0; 7]), None);
        assert_eq!(
            WrappedKey::of(&[0; 8]).map(|key| key.encrypted.len()),
            Some(0)
        );
        let public_key = Attribute {
            kind: MemberKeyBagAttribute::AUTH_KEY.0,
            value: AttributeValue::Long(&[0x30; 40]),
        };
        let bag = KeyBag::Member(vec![public_key]);
        assert_eq!(bag.wrapped_key(&public_key), None);
        assert_eq!(bag.to_string(), "member: AUTH_KEY of 40 octets");
    }

    #[test]
    fn a_bag_longer_than_its_payload_is_a_fault_and_kept() {
        let (kd, faults) = read(&[0, 0, 0, 99, 0, 3, 0, 2, 0, 9]);
        assert_eq!(kd.to_string(), "member: GM_SENDER_ID 9");
        assert_eq!(
            faults,
            ["key bag 1 at 4: Length promises 95 octets, 6 are there"]
        );
    }
}

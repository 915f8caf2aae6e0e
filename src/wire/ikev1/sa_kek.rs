//! SA KEK payload of GDOI (RFC 6407 section 5.3), and the identities it shares with SA TEK.

use super::Attribute;
use super::attribute::plain;
use crate::registry::IdType;
use crate::registry::gdoi::{KekAttribute, kek_value_name};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use crate::wire::identity;
use crate::wire::text::{Hex, brief};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The policy of the SA that rekey messages come under.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !    Protocol   !  SRC ID Type  !         SRC ID Port           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !SRC ID Data Len!          SRC Identification Data              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! DST ID Type   !         DST ID Port           !DST ID Data Len!
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                    DST Identification Data                    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                                                               !
/// ~                              SPI                              ~
/// !                                                               !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                           RESERVED2                           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                        KEK Attributes                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// RESERVED2 was POP Algorithm and POP Key Length in RFC 3547 section 5.3.
#[derive(Clone, Debug, PartialEq)]
pub struct SaKek<'a> {
    /// IP protocol of the rekey messages: UDP.
    pub protocol: u8,
    /// Who sends them.
    pub source: GroupIdentity<'a>,
    /// To whom, most often a multicast address.
    pub destination: GroupIdentity<'a>,
    /// The two cookies of their header.
    pub spi: [u8; 16],
    /// RFC 3547: how possession of a key was proved; zero later.
    pub pop_algorithm: u16,
    /// RFC 3547: bits of that key; zero later.
    pub pop_key_length: u16,
    /// Cipher, lifetime and signature.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> SaKek<'a> {
    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 1, "SA KEK payload")?;
        let protocol = cursor.u8()?;
        let source = GroupIdentity::read(LengthField::One, cursor, faults)?;
        let destination = GroupIdentity::read(LengthField::One, cursor, faults)?;
        faults.require(cursor, 20, "SPI and RESERVED2")?;
        Some(Self {
            protocol,
            source,
            destination,
            spi: *cursor.take(16)?.first_chunk()?,
            pop_algorithm: cursor.u16()?,
            pop_key_length: cursor.u16()?,
            attributes: Attribute::read_list(cursor, faults),
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.protocol);
        self.source.emit(LengthField::One, out);
        self.destination.emit(LengthField::One, out);
        out.extend(self.spi);
        out.extend(self.pop_algorithm.to_be_bytes());
        out.extend(self.pop_key_length.to_be_bytes());
        self.attributes.iter().for_each(|one| one.emit(out));
    }
}

/// SPI, the ends, and the suite: `0102... 192.0.2.1:848 > 239.1.1.1:848: KEK_ALG_AES, ...`.
impl fmt::Display for SaKek<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} > {}",
            Hex(&self.spi),
            self.source,
            self.destination
        )?;
        for (index, attribute) in self.attributes.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            let kind = attribute.kind;
            let value = attribute.value.number();
            let value = value.and_then(|value| kek_value_name(kind, value));
            f.write_str(&plain(KekAttribute(kind).name(), value, attribute))?;
        }
        Ok(())
    }
}

/// One end of a group's traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupIdentity<'a> {
    /// Form of the identity.
    pub id_type: IdType,
    /// Port, zero for any.
    pub port: u16,
    /// The identity: an address, a range, a prefix.
    pub data: &'a [u8],
}

/// How wide the length of an identity is: SA KEK has it in one octet, SA TEK in two (RFC 6407
/// sections 5.3 and 5.5.1.1).
#[derive(Clone, Copy)]
pub(super) enum LengthField {
    One,
    Two,
}

impl<'a> GroupIdentity<'a> {
    /// Reads type, port, length and identity.
    pub(super) fn read(
        width: LengthField,
        cursor: &mut Cursor<'a>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let fixed = match width {
            LengthField::One => 4,
            LengthField::Two => 5,
        };
        faults.require(cursor, fixed, "ID Type, Port and Data Len")?;
        let id_type = IdType(cursor.u8()?);
        let port = cursor.u16()?;
        let length = match width {
            LengthField::One => usize::from(cursor.u8()?),
            LengthField::Two => usize::from(cursor.u16()?),
        };
        faults.require(cursor, length, "ID Data Len")?;
        Some(Self {
            id_type,
            port,
            data: cursor.take(length)?,
        })
    }

    /// Appends it. An identity too long for its length field is cut.
    pub(super) fn emit(&self, width: LengthField, out: &mut Vec<u8>) {
        out.push(self.id_type.0);
        out.extend(self.port.to_be_bytes());
        let length = match width {
            LengthField::One => {
                let length = u8::try_from(self.data.len()).unwrap_or(u8::MAX);
                out.push(length);
                usize::from(length)
            }
            LengthField::Two => {
                let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
                out.extend(length.to_be_bytes());
                usize::from(length)
            }
        };
        out.extend(self.data.iter().take(length));
    }

    /// The identity as people write it: an address, prefix or range, a name, a key ID that is text.
    /// `None` if the octets are none of these.
    pub fn text(&self) -> Option<String> {
        identity::text(self.id_type, self.data)
    }
}

/// The identity, and its port unless any is meant.
impl fmt::Display for GroupIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(&text)?,
            None => write!(f, "{} {}", self.id_type, brief(self.data))?,
        }
        match self.port {
            0 => Ok(()),
            port => write!(f, " port {port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 192.0.2.1 to 239.1.1.1 port 848, AES-128 signed with RSA.
    const KEK: &[u8] = &[
        17, 1, 0, 0, 4, 192, 0, 2, 1, 1, 3, 0x50, 4, 239, 1, 1, 1, //
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0, //
        0x80, 2, 0, 3, 0x80, 3, 0, 128, 0, 4, 0, 4, 0, 0, 0x0e, 0x10, 0x80, 6, 0, 1,
    ];

    fn read(octets: &[u8]) -> (Option<SaKek<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let kek = SaKek::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (kek, said)
    }

    #[test]
    fn the_policy_of_rekeys_reads_as_people_say_it() {
        let (kek, faults) = read(KEK);
        assert_eq!(
            kek.unwrap().to_string(),
            "0102030405060708090a0b0c0d0e0f10 192.0.2.1 > 239.1.1.1 port 848: \
             KEK_ALG_AES, KEK_KEY_LENGTH 128, KEK_KEY_LIFETIME 3600, SIG_ALG_RSA"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn the_policy_is_written_as_it_was_read() {
        let mut out = Vec::new();
        read(KEK).0.unwrap().emit(&mut out);
        assert_eq!(out, KEK);
    }

    #[test]
    fn an_identity_that_is_not_there_is_a_fault() {
        let (kek, faults) = read(&[17, 1, 0, 0, 9, 192, 0, 2, 1]);
        assert_eq!(kek, None);
        assert_eq!(faults, ["at 5: ID Data Len promises 9 octets, 4 are there"]);
    }
}

//! Key Download payload of GDOI (RFC 6407 section 5.6).

use super::Attribute;
use super::attribute::plain;
use crate::registry::gdoi::KeyDownloadType;
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::{Hex, list};
use alloc::vec::Vec;
use core::fmt;

/// The keys of a group. Unlike in G-IKEv2 they are in clear once the message is opened.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Number of Key Packets         !            RESERVED2          !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                          Key Packets                          ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyDownload<'a> {
    /// The packets, in order.
    pub packets: Vec<KeyPacket<'a>>,
}

/// The keys of one SA, of a tree of keys, or the sender IDs of a member.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !   KD Type     !   RESERVED    !            KD Length          !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !    SPI Size   !                   SPI (variable)              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                    Key Packet Attributes                      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPacket<'a> {
    /// What the keys are for.
    pub kind: KeyDownloadType,
    /// SPI of the SA, as its policy has it.
    pub spi: &'a [u8],
    /// The keys.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> KeyDownload<'a> {
    /// Reads what follows the generic header. What a wrong length leaves readable is read.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Key Download payload")?;
        let at = cursor.at();
        let count = cursor.u16()?;
        let _reserved2 = cursor.u16()?;
        let mut packets = Vec::new();
        let mut met = 0_usize;
        while !cursor.is_empty() {
            met = met.saturating_add(1);
            faults.enter(("key packet", met));
            packets.extend(KeyPacket::read(cursor, faults));
            faults.leave();
        }
        if packets.len() != usize::from(count) {
            let kind = FaultKind::Value {
                field: "Number of Key Packets",
                value: count.into(),
                expected: "the number of key packets that follow",
            };
            faults.push(at, kind);
        }
        Some(Self { packets })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.packets.len()).unwrap_or(u16::MAX);
        out.extend(count.to_be_bytes());
        out.extend([0, 0]);
        self.packets.iter().for_each(|packet| packet.emit(out));
    }
}

/// The packets, separated by semicolons; of many the first.
impl fmt::Display for KeyDownload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packets.is_empty() {
            return f.write_str("no key packets");
        }
        f.write_str(&list(&self.packets, "; "))
    }
}

/// Octets of a key packet up to its SPI.
const HEADER_LEN: usize = 5;

impl<'a> KeyPacket<'a> {
    /// Reads one packet. Always takes something, so a list comes to its end.
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        if faults.require(cursor, HEADER_LEN, "Key Packet").is_none() {
            cursor.rest();
            return None;
        }
        let kind = KeyDownloadType(cursor.u8()?);
        let _reserved = cursor.u8()?;
        let length_at = cursor.at();
        let length = cursor.u16()?;
        let spi_size = usize::from(cursor.u8()?);
        let at = cursor.at();
        let body = match usize::from(length).checked_sub(HEADER_LEN) {
            Some(promised) => {
                // What is not there is a fault; what is there is kept.
                let _ = faults.require(cursor, promised, "KD Length");
                cursor.take_up_to(promised)
            }
            None => {
                let fault = FaultKind::Value {
                    field: "KD Length",
                    value: length.into(),
                    expected: "at least 5",
                };
                faults.push(length_at, fault);
                cursor.rest()
            }
        };
        let mut inner = Cursor::new(body, at);
        let _ = faults.require(&inner, spi_size, "SPI Size");
        Some(Self {
            kind,
            spi: inner.take_up_to(spi_size),
            attributes: Attribute::read_list(&mut inner, faults),
        })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let mut attributes = Vec::new();
        self.attributes
            .iter()
            .for_each(|one| one.emit(&mut attributes));
        let size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        let length = attributes
            .len()
            .saturating_add(HEADER_LEN)
            .saturating_add(usize::from(size));
        out.extend([self.kind.0, 0]);
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.push(size);
        out.extend(self.spi.iter().take(usize::from(size)));
        out.extend(attributes);
    }
}

/// What the keys are for, and their names and lengths, never their octets:
/// `TEK c0ffee01: TEK_ALGORITHM_KEY of 16 octets`.
impl fmt::Display for KeyPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, Hex(self.spi))?;
        for (index, attribute) in self.attributes.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            let name = self.kind.attribute_name(attribute.kind);
            f.write_str(&plain(name, None, attribute))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cipher key of ESP, then a KEK without one.
    const KEYS: &[u8] = &[
        0, 2, 0, 0, //
        1, 0, 0, 21, 4, 0xc0, 0xff, 0xee, 1, 0, 1, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, //
        2, 0, 0, 6, 1, 9,
    ];

    fn read(octets: &[u8]) -> (Option<KeyDownload<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let kd = KeyDownload::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (kd, said)
    }

    #[test]
    fn keys_are_told_by_name_and_length_and_never_shown() {
        let (kd, faults) = read(KEYS);
        assert_eq!(
            kd.unwrap().to_string(),
            "TEK c0ffee01: TEK_ALGORITHM_KEY of 8 octets; KEK 09"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn packets_are_written_as_they_were_read() {
        let mut out = Vec::new();
        read(KEYS).0.unwrap().emit(&mut out);
        assert_eq!(out, KEYS);
    }

    #[test]
    fn a_wrong_count_and_a_wrong_length_are_faults_and_all_is_read() {
        let mut octets = KEYS.to_vec();
        (octets[1], octets[28]) = (3, 4);
        let (kd, faults) = read(&octets);
        assert_eq!(kd.unwrap().packets.len(), 2);
        assert_eq!(
            faults,
            [
                "key packet 2 at 27: KD Length is 4, expected at least 5",
                "at 0: Number of Key Packets is 3, expected the number of key packets that follow"
            ]
        );
    }
}

//! Data attributes (RFC 2408 section 3.3), shared with IKEv2 transforms (RFC 7296 section 3.3.5).

use crate::registry::ikev1::{
    Phase, Phase1Attribute, Phase2Attribute, attribute_name, attribute_value_name,
};
use crate::wire::cursor::Cursor;
use crate::wire::fault::Faults;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One attribute.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |A|       Attribute Type        |    AF=0  Attribute Length     |
/// |F|                             |    AF=1  Attribute Value      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                   AF=0  Attribute Value                       |
/// |                   AF=1  Not Transmitted                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// Its type, without the format bit; what it means depends on where it stands.
    pub kind: u16,
    /// Its value.
    pub value: AttributeValue<'a>,
}

/// A value in one of the two formats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// TV: two octets in place of the length.
    Short(u16),
    /// TLV: so many octets.
    Long(&'a [u8]),
}

impl<'a> Attribute<'a> {
    /// The format bit: set where the value stands in place of the length.
    const SHORT: u16 = 0x8000;

    /// Reads attributes up to the end of the cursor.
    ///
    /// A value that its length promises and that is not all there is kept as far as it goes.
    pub fn read_list(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Vec<Self> {
        let mut attributes = Vec::new();
        while !cursor.is_empty() {
            faults.enter(("attribute", attributes.len() + 1));
            attributes.extend(Self::read(cursor, faults));
            faults.leave();
        }
        attributes
    }

    /// Reads one attribute. Always takes something, so a list comes to its end.
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        if faults.require(cursor, 4, "Attribute").is_none() {
            cursor.rest();
            return None;
        }
        let format_and_kind = cursor.u16()?;
        let kind = format_and_kind & !Self::SHORT;
        if format_and_kind & Self::SHORT != 0 {
            let value = AttributeValue::Short(cursor.u16()?);
            return Some(Self { kind, value });
        }
        let length = usize::from(cursor.u16()?);
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, length, "Attribute Length");
        let value = AttributeValue::Long(cursor.take_up_to(length));
        Some(Self { kind, value })
    }

    /// Appends the attribute. A value too long for its length field is cut.
    pub fn emit(&self, out: &mut Vec<u8>) {
        match self.value {
            AttributeValue::Short(value) => {
                out.extend((self.kind | Self::SHORT).to_be_bytes());
                out.extend(value.to_be_bytes());
            }
            AttributeValue::Long(value) => {
                let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
                out.extend((self.kind & !Self::SHORT).to_be_bytes());
                out.extend(length.to_be_bytes());
                out.extend(value.iter().take(usize::from(length)));
            }
        }
    }
}

impl AttributeValue<'_> {
    /// The value as a number, if it has at most eight octets.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Short(value) => Some(u64::from(value)),
            Self::Long(octets) if octets.len() <= 8 => Some(
                octets
                    .iter()
                    .fold(0, |value, octet| value << 8 | u64::from(*octet)),
            ),
            Self::Long(_) => None,
        }
    }
}

/// Attributes of a transform as people say them: `AES-CBC-256`, `SHA2-256`, `28800 seconds`.
///
/// A key length stands behind the cipher of phase 1; for that of phase 2, which is no attribute, see
/// [`key_length`].
pub fn told(phase: Phase, attributes: &[Attribute<'_>]) -> Vec<String> {
    let mut told = Vec::new();
    let mut unit = "of unknown unit";
    for attribute in attributes {
        let kind = attribute.kind;
        let number = attribute.value.number();
        let named = number.and_then(|value| attribute_value_name(phase, kind, value));
        match Meaning::of(phase, kind) {
            Meaning::Cipher => {
                let bits = key_length(phase, attributes);
                let bits = bits.map_or(String::new(), |bits| format!("-{bits}"));
                match (named, number) {
                    (Some(name), _) => told.push(format!("{name}{bits}")),
                    (None, Some(number)) => told.push(format!("cipher {number}{bits}")),
                    (None, None) => {}
                }
            }
            Meaning::KeyLength => {}
            Meaning::LifeType => unit = named.unwrap_or(unit),
            Meaning::LifeDuration => told.extend(number.map(|number| format!("{number} {unit}"))),
            Meaning::Other => {
                let name = attribute_name(phase, kind)
                    .map_or_else(|| format!("attribute {kind}"), str::to_owned);
                told.push(match (named, number, attribute.value) {
                    (Some(value), ..) => value.to_owned(),
                    (None, Some(number), _) => format!("{name} {number}"),
                    (None, None, AttributeValue::Long(octets)) => {
                        format!("{name} of {} octets", octets.len())
                    }
                    (None, None, AttributeValue::Short(_)) => name,
                });
            }
        }
    }
    told
}

/// An attribute by these names of its type and of its value: `KEK_ALG_AES`, `KEK_KEY_LENGTH 128`; of a
/// value too long for a number only the length, for it may be a key.
pub fn plain(name: Option<&str>, value_name: Option<&str>, attribute: &Attribute<'_>) -> String {
    let name = name.map_or_else(|| format!("attribute {}", attribute.kind), str::to_owned);
    match (value_name, attribute.value.number(), attribute.value) {
        (Some(value), ..) => value.to_owned(),
        (None, _, AttributeValue::Long(octets)) if octets.len() > 4 => {
            format!("{name} of {} octets", octets.len())
        }
        (None, Some(number), _) => format!("{name} {number}"),
        (None, None, _) => name,
    }
}

/// The Key Length attribute, in bits.
pub fn key_length(phase: Phase, attributes: &[Attribute<'_>]) -> Option<u64> {
    let found = attributes
        .iter()
        .find(|attribute| Meaning::of(phase, attribute.kind) == Meaning::KeyLength)?;
    found.value.number()
}

/// Whether this attribute tells the unit of the lifetime after it.
pub fn is_life_type(phase: Phase, kind: u16) -> bool {
    Meaning::of(phase, kind) == Meaning::LifeType
}

/// Whether this attribute is a lifetime.
pub fn is_life_duration(phase: Phase, kind: u16) -> bool {
    Meaning::of(phase, kind) == Meaning::LifeDuration
}

/// What an attribute of either phase is for, where it bears on how others are told.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Meaning {
    Cipher,
    KeyLength,
    LifeType,
    LifeDuration,
    Other,
}

impl Meaning {
    fn of(phase: Phase, kind: u16) -> Self {
        match phase {
            Phase::One => match Phase1Attribute(kind) {
                Phase1Attribute::ENCRYPTION_ALGORITHM => Self::Cipher,
                Phase1Attribute::KEY_LENGTH => Self::KeyLength,
                Phase1Attribute::LIFE_TYPE => Self::LifeType,
                Phase1Attribute::LIFE_DURATION => Self::LifeDuration,
                _ => Self::Other,
            },
            Phase::Two => match Phase2Attribute(kind) {
                Phase2Attribute::KEY_LENGTH => Self::KeyLength,
                Phase2Attribute::SA_LIFE_TYPE => Self::LifeType,
                Phase2Attribute::SA_LIFE_DURATION => Self::LifeDuration,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> (Vec<Attribute<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let attributes = Attribute::read_list(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (attributes, said)
    }

    #[test]
    fn both_formats_read_as_they_were_written() {
        let attributes = [
            Attribute {
                kind: 14,
                value: AttributeValue::Short(256),
            },
            Attribute {
                kind: 12,
                value: AttributeValue::Long(&[0, 1, 0x51, 0x80]),
            },
            Attribute {
                kind: 12,
                value: AttributeValue::Long(&[]),
            },
        ];
        let mut octets = Vec::new();
        attributes.iter().for_each(|one| one.emit(&mut octets));
        assert_eq!(
            octets,
            [0x80, 14, 1, 0, 0, 12, 0, 4, 0, 1, 0x51, 0x80, 0, 12, 0, 0]
        );
        assert_eq!(read(&octets), (attributes.to_vec(), vec![]));
    }

    #[test]
    fn a_value_that_is_not_all_there_is_kept_as_far_as_it_goes() {
        let (attributes, faults) = read(&[0, 12, 0, 4, 0, 1]);
        assert_eq!(attributes[0].value, AttributeValue::Long(&[0, 1]));
        assert_eq!(
            faults,
            ["attribute 1 at 4: Attribute Length promises 4 octets, 2 are there"]
        );
    }

    #[test]
    fn lifetimes_have_other_numbers_in_each_phase() {
        // RFC 2409 appendix A: 11 and 12; RFC 2407 section 4.5: 1 and 2.
        let of = |phase, is: fn(Phase, u16) -> bool| -> Vec<u16> {
            (0..20).filter(|kind| is(phase, *kind)).collect()
        };
        assert_eq!(of(Phase::One, is_life_type), [11]);
        assert_eq!(of(Phase::One, is_life_duration), [12]);
        assert_eq!(of(Phase::Two, is_life_type), [1]);
        assert_eq!(of(Phase::Two, is_life_duration), [2]);
    }

    #[test]
    fn a_stump_of_an_attribute_is_a_fault() {
        let (attributes, faults) = read(&[0x80, 14, 1, 0, 0x80]);
        assert_eq!(attributes.len(), 1);
        assert_eq!(
            faults,
            ["attribute 2 at 4: Attribute promises 4 octets, 1 are there"]
        );
    }

    #[test]
    fn a_value_is_a_number_if_it_has_at_most_eight_octets() {
        let long = |octets: &'static [u8]| AttributeValue::Long(octets).number();
        assert_eq!(AttributeValue::Short(7).number(), Some(7));
        assert_eq!(long(&[0, 1, 0x51, 0x80]), Some(86_400));
        assert_eq!(long(&[0xff; 8]), Some(u64::MAX));
        assert_eq!(long(&[0; 9]), None);
    }

    #[test]
    fn attributes_are_told_as_people_say_them() {
        let short = |kind, value| Attribute {
            kind,
            value: AttributeValue::Short(value),
        };
        let long = |kind, value| Attribute {
            kind,
            value: AttributeValue::Long(value),
        };
        let phase1 = [
            short(11, 1),
            long(12, &[0, 0, 0x70, 0x80]),
            short(1, 7),
            short(14, 256),
            short(2, 4),
            short(4, 14),
            short(3, 1),
        ];
        assert_eq!(
            told(Phase::One, &phase1).join(", "),
            "28800 seconds, AES-CBC-256, SHA2-256, 2048-bit MODP group, pre-shared key"
        );
        let phase2 = [short(6, 128), short(4, 1), short(99, 7), long(8, &[0; 9])];
        assert_eq!(key_length(Phase::Two, &phase2), Some(128));
        assert_eq!(
            told(Phase::Two, &phase2).join(", "),
            "Tunnel, attribute 99 7, Compress Dictionary Size of 9 octets"
        );
    }

    #[test]
    fn a_value_too_long_for_a_number_is_told_by_its_length_alone() {
        let long = |octets: &'static [u8]| AttributeValue::Long(octets);
        for (value_name, value, says) in [
            (Some("KEK_ALG_AES"), AttributeValue::Short(3), "KEK_ALG_AES"),
            (None, AttributeValue::Short(128), "KEK_KEY_LENGTH 128"),
            (None, long(&[0, 1, 0x51, 0x80]), "KEK_KEY_LENGTH 86400"),
            (None, long(&[1; 5]), "KEK_KEY_LENGTH of 5 octets"),
            (None, long(&[1; 16]), "KEK_KEY_LENGTH of 16 octets"),
        ] {
            let attribute = Attribute { kind: 3, value };
            assert_eq!(plain(Some("KEK_KEY_LENGTH"), value_name, &attribute), says);
        }
        let nameless = Attribute {
            kind: 99,
            value: AttributeValue::Short(1),
        };
        assert_eq!(plain(None, None, &nameless), "attribute 99 1");
    }
}

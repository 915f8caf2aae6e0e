//! Data attributes (RFC 2408 section 3.3), shared with IKEv2 transforms (RFC 7296 section 3.3.5).

/// One attribute.
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

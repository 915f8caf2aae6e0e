//! Group Security Association payload of G-IKEv2 (RFC 9838 section 4.4).

use super::{Selector, Transform};
use crate::registry::SecurityProtocol;
use crate::registry::g_ikev2::{GroupWidePolicyAttribute, GsaAttribute};
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::ikev1::Attribute;
use crate::wire::ikev1::attribute::plain;
use crate::wire::text::{Hex, list};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What the key server of a group asserts about the SAs of the group.
///
/// The payload holds policies one after the other. Their first octet tells the two kinds apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSecurityAssociation<'a> {
    /// The policies, in order.
    pub policies: Vec<GroupPolicy<'a>>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupPolicy<'a> {
    /// Of one SA of the group.
    Sa(GroupSaPolicy<'a>),
    /// Of the whole group (RFC 9838 section 4.4.3), of protocol zero:
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    /// |   Protocol    |   RESERVED    |            Length             |
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    /// ~                     <GW Policy Attributes>                    ~
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    /// ```
    GroupWide(Vec<Attribute<'a>>),
}

/// The policy of one SA (RFC 9838 section 4.4.2): a Rekey SA or one for data.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Protocol    |   SPI Size    |            Length             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                              SPI                              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                    Source Traffic Selector                    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                  Destination Traffic Selector                 ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                       <GSA Transforms>                        ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                       <GSA Attributes>                        ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSaPolicy<'a> {
    /// What the SA is for: GIKE_UPDATE for rekeys, AH or ESP for data.
    pub protocol: SecurityProtocol,
    /// SPI that the key server chose: 4 octets for AH and ESP, both SPIs of the header for rekeys.
    pub spi: &'a [u8],
    /// Who sends.
    pub source: Selector<'a>,
    /// To whom, most often a multicast address.
    pub destination: Selector<'a>,
    /// The one choice of each type.
    pub transforms: Vec<Transform<'a>>,
    /// Lifetime and the like.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> GroupSecurityAssociation<'a> {
    /// Reads what follows the generic header. What a wrong length leaves readable is read.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Self {
        let mut policies = Vec::new();
        let mut met = 0_usize;
        while !cursor.is_empty() {
            met = met.saturating_add(1);
            faults.enter(("policy", met));
            policies.extend(GroupPolicy::read(cursor, faults));
            faults.leave();
        }
        Self { policies }
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        for policy in &self.policies {
            let mut body = Vec::new();
            let (protocol, spi_size) = match policy {
                GroupPolicy::Sa(policy) => policy.emit(&mut body),
                GroupPolicy::GroupWide(attributes) => {
                    attributes.iter().for_each(|one| one.emit(&mut body));
                    (0, 0)
                }
            };
            emit_substructure(protocol, spi_size, &body, out);
        }
    }
}

/// The policies, separated by semicolons; of many the first.
impl fmt::Display for GroupSecurityAssociation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.policies.is_empty() {
            return f.write_str("no policies");
        }
        f.write_str(&list(&self.policies, "; "))
    }
}

impl<'a> GroupPolicy<'a> {
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        match substructure("Group Policy", cursor, faults)? {
            (0, _, mut body) => Some(Self::GroupWide(Attribute::read_list(&mut body, faults))),
            (protocol, spi_size, mut body) => {
                GroupSaPolicy::read(SecurityProtocol(protocol), spi_size, &mut body, faults)
                    .map(Self::Sa)
            }
        }
    }
}

/// Protocol, SPI, the ends, transforms and attributes:
/// `ESP c0ffee01 10.0.0.1 > 239.1.1.1: ENCR_AES_GCM_16-256, GSA_KEY_LIFETIME 3600`.
impl fmt::Display for GroupPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self {
            Self::GroupWide(attributes) => {
                f.write_str("group-wide")?;
                let named = |one: &Attribute<'_>| {
                    plain(GroupWidePolicyAttribute(one.kind).name(), None, one)
                };
                attributes.iter().map(named).collect()
            }
            Self::Sa(policy) => {
                write!(f, "{} {}", policy.protocol, Hex(policy.spi))?;
                write!(f, " {} > {}", policy.source, policy.destination)?;
                let transforms = policy.transforms.iter().map(ToString::to_string);
                let attributes = policy
                    .attributes
                    .iter()
                    .map(|one| plain(GsaAttribute(one.kind).name(), None, one));
                transforms.chain(attributes).collect()
            }
        };
        match words.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", words.join(", ")),
        }
    }
}

impl<'a> GroupSaPolicy<'a> {
    /// Reads what follows the length. `None`, and a fault, where a selector is missing.
    fn read(
        protocol: SecurityProtocol,
        spi_size: u8,
        cursor: &mut Cursor<'a>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let spi_size = usize::from(spi_size);
        faults.require(cursor, spi_size, "SPI Size")?;
        let spi = cursor.take(spi_size)?;
        let source = Selector::read(cursor, faults)?;
        let destination = Selector::read(cursor, faults)?;
        let transforms = match begins_with_transform(*cursor) {
            true => Transform::read_until_last(cursor, faults),
            false => Vec::new(),
        };
        Some(Self {
            protocol,
            spi,
            source,
            destination,
            transforms,
            attributes: Attribute::read_list(cursor, faults),
        })
    }

    /// Appends what follows the length; gives what stands before it.
    fn emit(&self, body: &mut Vec<u8>) -> (u8, u8) {
        let spi_size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        body.extend(self.spi.iter().take(usize::from(spi_size)));
        self.source.emit(body);
        self.destination.emit(body);
        Transform::emit_all(&self.transforms, body);
        self.attributes.iter().for_each(|one| one.emit(body));
        (self.protocol.0, spi_size)
    }
}

/// Whether transforms come before the attributes: Last Substruc and a reserved octet of zero stand
/// where an attribute would have a type that is not in use.
fn begins_with_transform(mut cursor: Cursor<'_>) -> bool {
    matches!(cursor.u16(), Some(0 | 0x0300))
}

/// Octets of protocol, SPI size and length, which policies and key bags begin with.
const HEADER_LEN: usize = 4;

/// Takes one policy or key bag: protocol, SPI size, and what follows the length.
///
/// Always takes something, so a walk comes to its end. A length that is too small is not believed,
/// and all that is left is taken for the structure; so is what is there of one too large.
pub(super) fn substructure<'a>(
    name: &'static str,
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
) -> Option<(u8, u8, Cursor<'a>)> {
    if faults.require(cursor, HEADER_LEN, name).is_none() {
        cursor.rest();
        return None;
    }
    let protocol = cursor.u8()?;
    let spi_size = cursor.u8()?;
    let length = cursor.u16()?;
    let at = cursor.at();
    let body = match usize::from(length).checked_sub(HEADER_LEN) {
        Some(promised) => {
            // What is not there is a fault; what is there is kept.
            let _ = faults.require(cursor, promised, "Length");
            cursor.take_up_to(promised)
        }
        None => {
            let kind = FaultKind::Value {
                field: "Length",
                value: length.into(),
                expected: "at least 4",
            };
            faults.push(at, kind);
            cursor.rest()
        }
    };
    Some((protocol, spi_size, Cursor::new(body, at)))
}

/// Appends one policy or key bag.
pub(super) fn emit_substructure(protocol: u8, spi_size: u8, body: &[u8], out: &mut Vec<u8>) {
    let length = body.len().saturating_add(HEADER_LEN);
    out.extend([protocol, spi_size]);
    out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ESP from 10.0.0.1 to 239.1.1.1 with AES-GCM-16-256 for an hour, then when to switch.
    const POLICIES: &[u8] = &[
        3, 4, 0, 60, 0xc0, 0xff, 0xee, 1, //
        7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 1, //
        7, 0, 0, 16, 0, 0, 0xff, 0xff, 239, 1, 1, 1, 239, 1, 1, 1, //
        0, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0, //
        0, 1, 0, 4, 0, 0, 0x0e, 0x10, //
        0, 0, 0, 12, 0x80, 1, 0, 5, 0x80, 2, 0, 9,
    ];

    fn read(octets: &[u8]) -> (GroupSecurityAssociation<'_>, Vec<String>) {
        let mut faults = Faults::default();
        let gsa = GroupSecurityAssociation::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (gsa, said)
    }

    #[test]
    fn policies_read_as_people_say_them() {
        let (gsa, faults) = read(POLICIES);
        assert_eq!(
            gsa.to_string(),
            "ESP c0ffee01 10.0.0.1/32 > 239.1.1.1/32: ENCR_AES_GCM_16-256, GSA_KEY_LIFETIME 3600; \
             group-wide: GWP_ATD 5, GWP_DTD 9"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn policies_are_written_as_they_were_read() {
        let mut out = Vec::new();
        read(POLICIES).0.emit(&mut out);
        assert_eq!(out, POLICIES);
    }

    #[test]
    fn attributes_without_transforms_are_not_taken_for_some() {
        let mut octets = POLICIES[..60].to_vec();
        octets.drain(40..52);
        octets[3] = 48;
        let (gsa, faults) = read(&octets);
        let [GroupPolicy::Sa(policy)] = gsa.policies.as_slice() else {
            panic!("{gsa:?}");
        };
        assert_eq!((policy.transforms.len(), policy.attributes.len()), (0, 1));
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn a_length_too_small_ends_the_walk_with_a_fault() {
        let (gsa, faults) = read(&[0, 0, 0, 3, 0x80, 1, 0, 5]);
        assert_eq!(gsa.to_string(), "group-wide: GWP_ATD 5");
        assert_eq!(faults, ["policy 1 at 4: Length is 3, expected at least 4"]);
    }

    #[test]
    fn a_policy_without_selectors_is_a_fault() {
        let (gsa, faults) = read(&[3, 4, 0, 8, 1, 2, 3, 4]);
        assert_eq!(gsa.to_string(), "no policies");
        assert_eq!(
            faults,
            ["policy 1 at 8: Traffic Selector promises 4 octets, 0 are there"]
        );
    }
}

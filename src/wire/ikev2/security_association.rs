//! Security Association payload (RFC 7296 section 3.3).

use crate::registry::{SecurityProtocol, TransformAttributeType, TransformType, transform};
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::ikev1::Attribute;
use crate::wire::text::{Hex, list};
use alloc::vec::Vec;
use core::fmt;

/// The offers of a request, or the one choice of a response.
///
/// The payload holds proposals one after the other, each holds transforms, each of those holds
/// attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecurityAssociation<'a> {
    /// The proposals in order of preference.
    pub proposals: Vec<Proposal<'a>>,
}

impl<'a> SecurityAssociation<'a> {
    /// Reads what follows the generic header. What a wrong length leaves readable is read.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Self {
        let mut proposals = Vec::new();
        while !cursor.is_empty() {
            faults.enter(("proposal", proposals.len().saturating_add(1)));
            proposals.extend(Proposal::read(cursor, faults));
            faults.leave();
        }
        Self { proposals }
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        emit_all(&self.proposals, PROPOSAL.more, out, Proposal::emit);
    }
}

/// The proposals, separated by semicolons; of many the first.
impl fmt::Display for SecurityAssociation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.proposals.is_empty() {
            return f.write_str("no proposals");
        }
        f.write_str(&list(&self.proposals, "; "))
    }
}

/// One proposal: a protocol and the transforms offered for it (RFC 7296 section 3.3.1).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Last Substruc |   RESERVED    |         Proposal Length       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Proposal Num  |  Protocol ID  |    SPI Size   |Num  Transforms|
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                        SPI (variable)                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                        <Transforms>                           ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal<'a> {
    /// Number of the proposal, from 1.
    pub number: u8,
    /// What the SA is for.
    pub protocol: SecurityProtocol,
    /// SPI of the sender: empty for a first IKE SA, 8 octets when one is rekeyed, 4 for ESP and AH.
    pub spi: &'a [u8],
    /// The transforms; those of one type are alternatives.
    pub transforms: Vec<Transform<'a>>,
}

impl<'a> Proposal<'a> {
    /// The transforms of one type, in order of preference.
    pub fn of(&self, kind: TransformType) -> impl Iterator<Item = &Transform<'a>> {
        self.transforms
            .iter()
            .filter(move |transform| transform.kind == kind)
    }

    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let start = cursor.at();
        let (last, mut inner) = substructure(&PROPOSAL, cursor, faults)?;
        PROPOSAL.expect_last(last, start, cursor, faults);
        let at = inner.at();
        let number = inner.u8()?;
        let protocol = SecurityProtocol(inner.u8()?);
        let spi_size = usize::from(inner.u8()?);
        let count = inner.u8()?;
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(&inner, spi_size, "SPI Size");
        let spi = inner.take_up_to(spi_size);
        let mut transforms = Vec::new();
        let mut met = 0_usize;
        while !inner.is_empty() {
            met = met.saturating_add(1);
            faults.enter(("transform", met));
            transforms.extend(Transform::read(&mut inner, faults));
            faults.leave();
        }
        if transforms.len() != usize::from(count) {
            let kind = FaultKind::Value {
                field: "Num Transforms",
                value: count.into(),
                expected: "the number of transforms that follow",
            };
            faults.push(at.saturating_add(3), kind);
        }
        Some(Self {
            number,
            protocol,
            spi,
            transforms,
        })
    }

    /// Appends what follows the Last Substruc and length fields.
    fn emit(&self, out: &mut Vec<u8>) {
        let size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        let count = u8::try_from(self.transforms.len()).unwrap_or(u8::MAX);
        out.extend([self.number, self.protocol.0, size, count]);
        out.extend(self.spi.iter().take(usize::from(size)));
        emit_all(&self.transforms, TRANSFORM.more, out, Transform::emit);
    }
}

/// Number, protocol, SPI and transforms, alternatives separated by strokes; of many the first:
/// `1 ESP c0ffee01: ENCR_AES_GCM_16-128/ENCR_AES_GCM_16-256, ...`.
impl fmt::Display for Proposal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.protocol)?;
        if !self.spi.is_empty() {
            write!(f, " {}", Hex(self.spi))?;
        }
        let mut kinds: Vec<TransformType> = Vec::new();
        for transform in &self.transforms {
            if !kinds.contains(&transform.kind) {
                kinds.push(transform.kind);
            }
        }
        for (index, kind) in kinds.into_iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            let alternatives: Vec<&Transform<'_>> = self.of(kind).collect();
            write!(f, "{separator}{}", list(&alternatives, "/"))?;
        }
        Ok(())
    }
}

/// One transform (RFC 7296 section 3.3.2).
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Last Substruc |   RESERVED    |        Transform Length       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |Transform Type |   RESERVED    |          Transform ID         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                                                               |
/// ~                      Transform Attributes                     ~
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transform<'a> {
    /// Which kind of algorithm.
    pub kind: TransformType,
    /// Which algorithm of that kind; its name is in the registry of the kind.
    pub id: u16,
    /// The Key Length attribute (type 14), in bits.
    pub key_length: Option<u16>,
    /// Every attribute, the key length included.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Transform<'a> {
    /// A transform with these attributes.
    pub fn new(kind: TransformType, id: u16, attributes: Vec<Attribute<'a>>) -> Self {
        let key_length = attributes
            .iter()
            .find(|attribute| attribute.kind == TransformAttributeType::KEY_LENGTH.0)
            .and_then(|attribute| u16::try_from(attribute.value.number()?).ok());
        Self {
            kind,
            id,
            key_length,
            attributes,
        }
    }

    /// The IANA name of the algorithm.
    pub fn name(&self) -> Option<&'static str> {
        transform::name(self.kind, self.id)
    }

    /// Reads transforms up to the one that says it is the last, where something else may follow them
    /// (RFC 9838 section 4.4.2).
    pub(super) fn read_until_last(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Vec<Self> {
        let mut transforms = Vec::new();
        let mut more = true;
        while more {
            faults.enter(("transform", transforms.len().saturating_add(1)));
            more = match substructure(&TRANSFORM, cursor, faults) {
                Some((last, inner)) => {
                    transforms.extend(Self::read_body(inner, faults));
                    last == TRANSFORM.more
                }
                None => false,
            };
            faults.leave();
        }
        transforms
    }

    /// Appends transforms, the last of which says so.
    pub(super) fn emit_all(transforms: &[Self], out: &mut Vec<u8>) {
        emit_all(transforms, TRANSFORM.more, out, Self::emit);
    }

    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let start = cursor.at();
        let (last, inner) = substructure(&TRANSFORM, cursor, faults)?;
        TRANSFORM.expect_last(last, start, cursor, faults);
        Self::read_body(inner, faults)
    }

    /// Reads what follows the Last Substruc and length fields.
    fn read_body(mut inner: Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        let kind = TransformType(inner.u8()?);
        let _reserved = inner.u8()?;
        let id = inner.u16()?;
        let attributes = Attribute::read_list(&mut inner, faults);
        Some(Self::new(kind, id, attributes))
    }

    /// Appends what follows the Last Substruc and length fields.
    fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.kind.0, 0]);
        out.extend(self.id.to_be_bytes());
        self.attributes
            .iter()
            .for_each(|attribute| attribute.emit(out));
    }
}

/// The algorithm, and its key length if one is sent: `ENCR_AES_GCM_16-256`, `ADDKE1 ml-kem-768`.
impl fmt::Display for Transform<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notation = self.kind.notation();
        match (self.name(), notation) {
            (Some(name), Some(notation))
                if self.kind.is_key_exchange() && self.kind != TransformType::KE =>
            {
                write!(f, "{notation} {name}")?;
            }
            (Some("NONE"), Some(notation)) => write!(f, "{notation} NONE")?,
            (Some(name), _) => f.write_str(name)?,
            (None, Some(notation)) => write!(f, "{notation} {}", self.id)?,
            (None, None) => write!(f, "type {} id {}", self.kind.0, self.id)?,
        }
        match self.key_length {
            Some(bits) => write!(f, "-{bits}"),
            None => Ok(()),
        }
    }
}

/// What proposals and transforms have in common: a flag that tells whether another follows, and a
/// length.
struct Layout {
    /// The structure.
    name: &'static str,
    /// Its length field.
    length: &'static str,
    /// What Last Substruc holds if another follows: the payload type it was in IKEv1.
    more: u8,
    /// What is wrong when Last Substruc holds anything else.
    expected: &'static str,
}

const PROPOSAL: Layout = Layout {
    name: "Proposal",
    length: "Proposal Length",
    more: 2,
    expected: "0 in the last proposal, 2 before it",
};

const TRANSFORM: Layout = Layout {
    name: "Transform",
    length: "Transform Length",
    more: 3,
    expected: "0 in the last transform, 3 before it",
};

impl Layout {
    /// A fault unless the Last Substruc at `at` tells whether anything is left in the cursor.
    fn expect_last(&self, last: u8, at: usize, cursor: &Cursor<'_>, faults: &mut Faults) {
        let expected = if cursor.is_empty() { 0 } else { self.more };
        if last != expected {
            let kind = FaultKind::Value {
                field: "Last Substruc",
                value: last.into(),
                expected: self.expected,
            };
            faults.push(at, kind);
        }
    }
}

/// Octets of a proposal or transform up to its SPI or attributes.
const FIXED_LEN: usize = 8;

/// Octets of Last Substruc, a reserved one, and the length.
const LENGTH_END: usize = 4;

/// Takes one proposal or transform: its Last Substruc, and what follows its length field, at least
/// four octets.
///
/// Always takes something, so a walk comes to its end. A length that is too small is not believed,
/// and all that is left is taken for the structure; so is what is there of one too large.
fn substructure<'a>(
    layout: &Layout,
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
) -> Option<(u8, Cursor<'a>)> {
    if faults.require(cursor, FIXED_LEN, layout.name).is_none() {
        cursor.rest();
        return None;
    }
    let last = cursor.u8()?;
    let _reserved = cursor.u8()?;
    let length = cursor.u16()?;
    let promised = usize::from(length).saturating_sub(LENGTH_END);
    let inner_at = cursor.at();
    let inner = if usize::from(length) < FIXED_LEN {
        let kind = FaultKind::Value {
            field: layout.length,
            value: length.into(),
            expected: "at least 8",
        };
        faults.push(inner_at, kind);
        cursor.rest()
    } else {
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, promised, layout.length);
        cursor.take_up_to(promised)
    };
    Some((last, Cursor::new(inner, inner_at)))
}

/// Appends proposals or transforms, each with its Last Substruc and length.
fn emit_all<T>(members: &[T], more: u8, out: &mut Vec<u8>, emit: impl Fn(&T, &mut Vec<u8>)) {
    for (index, member) in members.iter().enumerate() {
        let is_last = index.saturating_add(1) == members.len();
        let mut inner = Vec::new();
        emit(member, &mut inner);
        let length = inner.len().saturating_add(LENGTH_END);
        out.extend([if is_last { 0 } else { more }, 0]);
        out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two proposals: AES-CBC-256 with SHA-2 and group 14, and AES-GCM-16-128 with Curve25519.
    const OFFER: &[u8] = &[
        2, 0, 0, 44, 1, 1, 0, 4, //
        3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, //
        3, 0, 0, 8, 2, 0, 0, 5, //
        3, 0, 0, 8, 3, 0, 0, 12, //
        0, 0, 0, 8, 4, 0, 0, 14, //
        0, 0, 0, 40, 2, 3, 4, 3, 0xc0, 0xff, 0xee, 1, //
        3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 0, 128, //
        3, 0, 0, 8, 6, 0, 0, 36, //
        0, 0, 0, 8, 5, 0, 0, 0,
    ];

    fn read(octets: &[u8]) -> (String, Vec<String>) {
        let mut faults = Faults::default();
        let sa = SecurityAssociation::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (sa.to_string(), said)
    }

    fn with(at: usize, octet: u8) -> Vec<u8> {
        let mut octets = OFFER.to_vec();
        octets[at] = octet;
        octets
    }

    const FIRST: &str = "1 IKE: ENCR_AES_CBC-256, PRF_HMAC_SHA2_256, \
        AUTH_HMAC_SHA2_256_128, 2048-bit MODP Group";
    const SECOND: &str = "2 ESP c0ffee01: ENCR_AES_GCM_16-128, ADDKE1 ml-kem-768, \
        32-bit Sequential Numbers";

    #[test]
    fn an_offer_reads_as_people_say_it() {
        assert_eq!(read(OFFER), (format!("{FIRST}; {SECOND}"), vec![]));
    }

    #[test]
    fn alternatives_stand_together_and_many_are_counted() {
        let cipher = |id| Transform::new(TransformType::ENCR, id, vec![]);
        let mut proposal = Proposal {
            number: 1,
            protocol: SecurityProtocol::IKE,
            spi: &[],
            transforms: vec![
                cipher(3),
                Transform::new(TransformType::PRF, 5, vec![]),
                cipher(12),
            ],
        };
        assert_eq!(
            proposal.to_string(),
            "1 IKE: ENCR_3DES/ENCR_AES_CBC, PRF_HMAC_SHA2_256"
        );
        proposal.transforms = (100..108).map(cipher).collect();
        assert_eq!(
            proposal.to_string(),
            "1 IKE: ENCR 100/ENCR 101/ENCR 102/ENCR 103 and 4 more"
        );
    }

    #[test]
    fn an_offer_is_written_as_it_was_read() {
        let mut faults = Faults::default();
        let sa = SecurityAssociation::read(&mut Cursor::new(OFFER, 0), &mut faults);
        let mut out = Vec::new();
        sa.emit(&mut out);
        assert_eq!(out, OFFER);
    }

    #[test]
    fn a_wrong_count_of_transforms_is_a_fault_and_all_are_read() {
        let (said, faults) = read(&with(7, 9));
        assert_eq!(said, format!("{FIRST}; {SECOND}"));
        assert_eq!(
            faults,
            ["proposal 1 at 7: Num Transforms is 9, expected the number of transforms that follow"]
        );
    }

    #[test]
    fn a_proposal_longer_than_the_payload_is_read_as_far_as_it_goes() {
        let (said, faults) = read(&with(46, 1));
        assert_eq!(said, format!("{FIRST}; {SECOND}"));
        assert_eq!(
            faults,
            ["proposal 2 at 48: Proposal Length promises 292 octets, 36 are there"]
        );
    }

    #[test]
    fn a_transform_too_short_to_be_one_takes_what_is_left_of_its_proposal() {
        let (said, faults) = read(&with(31, 7));
        assert!(said.ends_with(SECOND), "{said}");
        assert_eq!(
            faults[0],
            "proposal 1/transform 3 at 32: Transform Length is 7, expected at least 8"
        );
    }

    #[test]
    fn the_flag_of_the_last_is_checked_against_what_follows() {
        let wrong = "expected 0 in the last proposal, 2 before it";
        let (said, faults) = read(&with(0, 0));
        assert_eq!(said, format!("{FIRST}; {SECOND}"));
        assert_eq!(
            faults,
            [format!("proposal 1 at 0: Last Substruc is 0, {wrong}")]
        );
        let (_, faults) = read(&with(44, 2));
        assert_eq!(
            faults,
            [format!("proposal 2 at 44: Last Substruc is 2, {wrong}")]
        );
    }

    #[test]
    fn an_unknown_algorithm_shows_its_type_and_number() {
        let said = |kind, id| Transform::new(TransformType(kind), id, vec![]).to_string();
        assert_eq!(said(1, 999), "ENCR 999");
        assert_eq!(said(77, 3), "type 77 id 3");
        assert_eq!(said(3, 0), "INTEG NONE");
    }
}

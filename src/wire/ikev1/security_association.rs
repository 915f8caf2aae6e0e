//! Security Association, Proposal and Transform payloads (RFC 2408 sections 3.4 to 3.6).

use super::attribute::{self, Attribute};
use crate::limits::CHAIN_V1;
use crate::registry::ikev1::{Doi, Phase, Situation, transform_name};
use crate::registry::{PayloadType, SecurityProtocol};
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::{Hex, list};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;

/// The offers of an initiator, or the choice of a responder.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !              Domain of Interpretation  (DOI)                  !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                           Situation                           ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// and the chain of [`Proposal`]s.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityAssociation<'a> {
    /// Domain of interpretation: 1 for IPsec, 2 for GDOI.
    pub doi: u32,
    /// Situation bits (RFC 2407 section 4.2); 1 is SIT_IDENTITY_ONLY.
    pub situation: u32,
    /// The proposals. Those of the same number belong together.
    pub proposals: Vec<Proposal<'a>>,
}

/// One proposal.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Next Payload  !   RESERVED    !         Payload Length        !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !  Proposal #   !  Protocol-Id  !    SPI Size   !# of Transforms!
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                        SPI (variable)                         !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// and the chain of [`Transform`]s.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal<'a> {
    /// Its number.
    pub number: u8,
    /// What the SA is for.
    pub protocol: SecurityProtocol,
    /// SPI of the sender.
    pub spi: &'a [u8],
    /// The alternatives in order of preference.
    pub transforms: Vec<Transform<'a>>,
}

/// One transform: a whole suite.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! Next Payload  !   RESERVED    !         Payload Length        !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !  Transform #  !  Transform-Id !           RESERVED2           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                        SA Attributes                          ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transform<'a> {
    /// Its number.
    pub number: u8,
    /// Its identifier: 1 (KEY_IKE) for ISAKMP, the cipher for ESP.
    pub id: u8,
    /// The suite in detail.
    pub attributes: Vec<Attribute<'a>>,
}

/// The situation bits that bring labels before the proposals (RFC 2407 section 4.2): SIT_SECRECY
/// and SIT_INTEGRITY.
const LABELLED: u32 = Situation::SIT_SECRECY.0 | Situation::SIT_INTEGRITY.0;

impl<'a> SecurityAssociation<'a> {
    /// Reads what follows the generic header. What GDOI has in place of proposals is read elsewhere:
    /// [`super::GroupSecurityAssociation`].
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 8, "Security Association payload")?;
        let doi = cursor.u32()?;
        let situation_at = cursor.at();
        let situation = cursor.u32()?;
        let proposals = if doi == u32::from(Doi::IPSEC.0) && situation & LABELLED != 0 {
            // No implementation is known that sends labels; their layout is not worth guessing.
            let kind = FaultKind::Value {
                field: "Situation",
                value: u64::from(situation),
                expected: "SIT_IDENTITY_ONLY (1)",
            };
            faults.push(situation_at, kind);
            Vec::new()
        } else {
            let proposals = read_chain(&PROPOSALS, cursor, faults, Proposal::read);
            faults.expect_end(cursor);
            proposals
        };
        Some(Self {
            doi,
            situation,
            proposals,
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.doi.to_be_bytes());
        out.extend(self.situation.to_be_bytes());
        emit_chain(&PROPOSALS, &self.proposals, out, Proposal::emit);
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

impl<'a> Proposal<'a> {
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Proposal payload")?;
        let number = cursor.u8()?;
        let protocol = SecurityProtocol(cursor.u8()?);
        let size = usize::from(cursor.u8()?);
        let count_at = cursor.at();
        let count = cursor.u8()?;
        // What is not there is a fault; what is there is kept.
        let _ = faults.require(cursor, size, "SPI Size");
        let spi = cursor.take_up_to(size);
        let transforms = if count == 0 && cursor.is_empty() {
            Vec::new()
        } else {
            read_chain(&TRANSFORMS, cursor, faults, Transform::read)
        };
        if transforms.len() != usize::from(count) {
            let kind = FaultKind::Value {
                field: "# of Transforms",
                value: u64::from(count),
                expected: "the number of transforms that follow",
            };
            faults.push(count_at, kind);
        }
        faults.expect_end(cursor);
        Some(Self {
            number,
            protocol,
            spi,
            transforms,
        })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        let size = u8::try_from(self.spi.len()).unwrap_or(u8::MAX);
        let count = u8::try_from(self.transforms.len()).unwrap_or(u8::MAX);
        out.extend([self.number, self.protocol.0, size, count]);
        out.extend(self.spi.iter().take(usize::from(size)));
        emit_chain(&TRANSFORMS, &self.transforms, out, Transform::emit);
    }
}

/// Number, protocol, SPI and transforms; of many the first:
/// `1 ESP c0ffee01: ESP_AES-CBC-256, HMAC-SHA2-256, Tunnel; ESP_3DES, HMAC-SHA, Tunnel`.
impl fmt::Display for Proposal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.protocol.notation_v1())?;
        if !self.spi.is_empty() {
            write!(f, " {}", Hex(self.spi))?;
        }
        let suites: Vec<Suite<'_>> = self
            .transforms
            .iter()
            .map(|transform| Suite {
                protocol: self.protocol,
                transform,
            })
            .collect();
        match suites.as_slice() {
            [] => Ok(()),
            suites => write!(f, ": {}", list(suites, "; ")),
        }
    }
}

/// A transform with what tells how to read it.
struct Suite<'p> {
    protocol: SecurityProtocol,
    transform: &'p Transform<'p>,
}

impl fmt::Display for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transform { id, attributes, .. } = self.transform;
        let phase = Phase::of(self.protocol);
        let mut words = attribute::told(phase, attributes);
        // In phase 1 the identifier only says that it is a suite for IKE.
        if phase == Phase::Two {
            let name = transform_name(self.protocol, *id);
            let mut cipher = name.map_or_else(|| format!("transform {id}"), str::to_owned);
            if let Some(bits) = attribute::key_length(phase, attributes) {
                cipher += &format!("-{bits}");
            }
            words.insert(0, cipher);
        }
        f.write_str(&words.join(", "))
    }
}

impl<'a> Transform<'a> {
    fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 4, "Transform payload")?;
        let number = cursor.u8()?;
        let id = cursor.u8()?;
        let _reserved2 = cursor.u16()?;
        Some(Self {
            number,
            id,
            attributes: Attribute::read_list(cursor, faults),
        })
    }

    fn emit(&self, out: &mut Vec<u8>) {
        out.extend([self.number, self.id, 0, 0]);
        self.attributes.iter().for_each(|one| one.emit(out));
    }

    /// The value of the first attribute of this type, if it is a number.
    pub fn number_of(&self, attribute: u16) -> Option<u64> {
        let found = self.attributes.iter().find(|one| one.kind == attribute)?;
        found.value.number()
    }
}

/// A chain of payloads inside an SA: each names the type of the next, its own or none.
struct Chain {
    /// What one is called.
    name: &'static str,
    /// What they are called together.
    plural: &'static str,
    /// Their payload type.
    kind: PayloadType,
}

const PROPOSALS: Chain = Chain {
    name: "proposal",
    plural: "proposals",
    kind: PayloadType::PROPOSAL_V1,
};

const TRANSFORMS: Chain = Chain {
    name: "transform",
    plural: "transforms",
    kind: PayloadType::TRANSFORM_V1,
};

fn read_chain<'a, T>(
    chain: &Chain,
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
    read: impl Fn(&mut Cursor<'a>, &mut Faults) -> Option<T>,
) -> Vec<T> {
    let mut members = Vec::new();
    let mut more = true;
    while more {
        if members.len() == CHAIN_V1 {
            let kind = FaultKind::Limit {
                what: chain.plural,
                limit: CHAIN_V1,
            };
            faults.push(cursor.at(), kind);
            cursor.rest();
            break;
        }
        faults.enter((chain.name, members.len() + 1));
        more = match read_member(chain, cursor, faults) {
            Some((mut body, more)) => {
                let member = read(&mut body, faults);
                // A member that is lost is told by its fault; after it nothing can be counted on.
                let more = more && member.is_some();
                members.extend(member);
                more
            }
            None => false,
        };
        faults.leave();
    }
    members
}

/// The body of the next member, and whether another follows it. Takes all if the length lies.
fn read_member<'a>(
    chain: &Chain,
    cursor: &mut Cursor<'a>,
    faults: &mut Faults,
) -> Option<(Cursor<'a>, bool)> {
    let at = cursor.at();
    let have = cursor.left();
    if faults.require(cursor, 4, "Next Payload").is_none() {
        cursor.rest();
        return None;
    }
    let next = PayloadType(cursor.u8()?);
    let _reserved = cursor.u8()?;
    let length = usize::from(cursor.u16()?);
    let Some(body_length) = length.checked_sub(4) else {
        let kind = FaultKind::Value {
            field: "Payload Length",
            value: length as u64,
            expected: "at least 4",
        };
        faults.push(at.saturating_add(2), kind);
        cursor.rest();
        return None;
    };
    if next != PayloadType::NONE && next != chain.kind {
        let kind = FaultKind::Value {
            field: "Next Payload",
            value: u64::from(next.0),
            expected: "0, or the type of the payload itself",
        };
        faults.push(at, kind);
    }
    if length > have {
        let kind = FaultKind::Short {
            need: length,
            have,
            promised_by: "Payload Length",
        };
        faults.push(at.saturating_add(2), kind);
    }
    let body = Cursor::new(cursor.take_up_to(body_length), at.saturating_add(4));
    Some((body, next == chain.kind && length <= have))
}

fn emit_chain<T>(chain: &Chain, members: &[T], out: &mut Vec<u8>, emit: impl Fn(&T, &mut Vec<u8>)) {
    for (before, member) in members.iter().enumerate() {
        let last = before + 1 == members.len();
        let next = if last { PayloadType::NONE } else { chain.kind };
        let mut body = Vec::new();
        emit(member, &mut body);
        let length = u16::try_from(body.len().saturating_add(4)).unwrap_or(u16::MAX);
        out.extend([next.0, 0]);
        out.extend(length.to_be_bytes());
        out.extend(body);
    }
}

#[cfg(test)]
mod tests {
    use super::super::AttributeValue;
    use super::*;

    fn transform(number: u8) -> Transform<'static> {
        let short = |kind, value| Attribute {
            kind,
            value: AttributeValue::Short(value),
        };
        Transform {
            number,
            id: 1,
            attributes: vec![
                short(1, 7),
                short(14, 256),
                Attribute {
                    kind: 12,
                    value: AttributeValue::Long(&[0, 0, 0x70, 0x80]),
                },
            ],
        }
    }

    fn sa() -> SecurityAssociation<'static> {
        let proposal = |number, protocol, spi| Proposal {
            number,
            protocol: SecurityProtocol(protocol),
            spi,
            transforms: vec![transform(1), transform(2)],
        };
        SecurityAssociation {
            doi: 1,
            situation: 1,
            proposals: vec![proposal(1, 3, &[1, 2, 3, 4]), proposal(2, 200, &[])],
        }
    }

    fn octets(sa: &SecurityAssociation<'_>) -> Vec<u8> {
        let mut octets = Vec::new();
        sa.emit(&mut octets);
        octets
    }

    fn read(octets: &[u8]) -> (Option<SecurityAssociation<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let sa = SecurityAssociation::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (sa, said)
    }

    #[test]
    fn proposals_read_as_they_were_written_whatever_their_protocol() {
        assert_eq!(read(&octets(&sa())), (Some(sa()), vec![]));
    }

    #[test]
    fn an_offer_reads_as_people_say_it() {
        let mut sa = sa();
        let [first, second] = sa.proposals.as_mut_slice() else {
            panic!("{sa:?}");
        };
        first.transforms = vec![Transform {
            number: 1,
            id: 12,
            attributes: vec![
                Attribute {
                    kind: 6,
                    value: AttributeValue::Short(256),
                },
                Attribute {
                    kind: 5,
                    value: AttributeValue::Short(5),
                },
            ],
        }];
        second.protocol = SecurityProtocol::IKE;
        second.transforms = (0..6).map(transform).collect();
        let suite = "AES-CBC-256, 28800 of unknown unit";
        assert_eq!(
            sa.to_string(),
            format!(
                "1 ESP 01020304: ESP_AES-CBC-256, HMAC-SHA2-256; \
                 2 ISAKMP: {suite}; {suite}; {suite}; {suite} and 2 more"
            )
        );
    }

    #[test]
    fn an_attribute_is_found_by_its_type() {
        assert_eq!(transform(1).number_of(14), Some(256));
        assert_eq!(transform(1).number_of(12), Some(28_800));
        assert_eq!(transform(1).number_of(2), None);
    }

    #[test]
    fn a_number_of_transforms_that_lies_is_a_fault() {
        let mut octets = octets(&sa());
        octets[8 + 7] = 3;
        let (read, faults) = read(&octets);
        assert_eq!(read, Some(sa()));
        assert_eq!(
            faults,
            [
                "proposal 1 at 15: # of Transforms is 3, expected the number of transforms that follow"
            ]
        );
    }

    #[test]
    fn a_proposal_longer_than_its_payload_is_a_fault_and_kept() {
        let mut octets = octets(&sa());
        octets[8 + 2] = 0x10;
        let (read, faults) = read(&octets);
        assert_eq!(read.unwrap().proposals[0], sa().proposals[0]);
        let have = octets.len() - 8;
        let need = 0x1000 + usize::from(octets[8 + 3]);
        assert_eq!(
            faults[0],
            format!("proposal 1 at 10: Payload Length promises {need} octets, {have} are there")
        );
    }

    #[test]
    fn a_length_below_the_generic_header_ends_the_chain() {
        let mut octets = octets(&sa());
        octets[8 + 2..8 + 4].copy_from_slice(&[0, 3]);
        let (read, faults) = read(&octets);
        assert!(read.unwrap().proposals.is_empty());
        assert_eq!(
            faults,
            ["proposal 1 at 10: Payload Length is 3, expected at least 4"]
        );
    }

    #[test]
    fn a_last_proposal_that_names_another_is_a_fault() {
        let one = SecurityAssociation {
            proposals: sa().proposals[..1].to_vec(),
            ..sa()
        };
        let mut octets = octets(&one);
        octets[8] = 2;
        let (read, faults) = read(&octets);
        assert_eq!(read, Some(one));
        assert_eq!(
            faults,
            [format!(
                "proposal 2 at {}: Next Payload promises 4 octets, 0 are there",
                octets.len()
            )]
        );
    }

    #[test]
    fn more_proposals_than_can_be_numbered_are_not_read() {
        let mut octets = vec![0, 0, 0, 1, 0, 0, 0, 1];
        for _ in 0..1000 {
            octets.extend([2, 0, 0, 8, 1, 1, 0, 0]);
        }
        let (read, faults) = read(&octets);
        assert_eq!(read.unwrap().proposals.len(), CHAIN_V1);
        assert_eq!(
            faults,
            ["at 2056: more than 256 proposals, the rest not read"]
        );
    }

    #[test]
    fn a_situation_with_labels_is_a_fault() {
        let labelled = SecurityAssociation {
            situation: 3,
            ..sa()
        };
        let octets = octets(&labelled);
        let (read, faults) = read(&octets);
        assert!(read.unwrap().proposals.is_empty());
        assert_eq!(
            faults,
            ["at 4: Situation is 3, expected SIT_IDENTITY_ONLY (1)"]
        );
    }

    #[test]
    fn gdoi_negotiates_its_first_phase_with_proposals() {
        let gdoi = SecurityAssociation { doi: 2, ..sa() };
        assert_eq!(read(&octets(&gdoi)), (Some(gdoi), vec![]));
    }
}

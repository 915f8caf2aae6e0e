//! Security Association payload of GDOI (RFC 6407 section 5.2).

use super::{GroupAssociatedPolicy, SaKek, SaTek};
use crate::limits::CHAIN_V1;
use crate::registry::PayloadType;
use crate::registry::ikev1::Doi;
use crate::wire::cursor::Cursor;
use crate::wire::fault::{FaultKind, Faults};
use crate::wire::text::{brief, list};
use alloc::vec::Vec;
use core::fmt;

/// What the key server of a group asserts about its SAs. GDOI has it in place of the proposals.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                              DOI                              !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// !                           Situation                           !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ! SA Attribute Next Payload     !          RESERVED2            !
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
///
/// and the chain of policies, each with a generic header: at most one SAK, at most one GAP, any
/// number of SATs. They lie inside this payload, never beside it, so its DOI tells what 15 and 16
/// mean; only at the top of a message may those be NAT-D and NAT-OA of an old draft.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSecurityAssociation<'a> {
    /// Situation; zero in GDOI.
    pub situation: u32,
    /// The policies, in order.
    pub policies: Vec<GroupPolicy<'a>>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupPolicy<'a> {
    /// Of the key encryption key (15): the SA of rekeys.
    Kek(SaKek<'a>),
    /// Of a traffic encryption key (16): an SA for data.
    Tek(SaTek<'a>),
    /// Of the whole group (22).
    Gap(GroupAssociatedPolicy<'a>),
    /// A payload that does not belong here, or is too short to mean anything: its octets.
    Opaque(PayloadType, &'a [u8]),
}

impl<'a> GroupSecurityAssociation<'a> {
    /// The domain of interpretation that has this form.
    pub const DOI: u32 = Doi::GDOI.0 as u32;

    /// Whether an SA payload has this form: it is of GDOI, and where a proposal would be, a payload
    /// type of GDOI stands in two octets, or nothing. A chain of proposals begins with 0 or 2, a zero
    /// octet and a length.
    pub(super) fn is_at(mut cursor: Cursor<'_>) -> bool {
        let doi = cursor.u32();
        let _situation = cursor.u32();
        let first = (cursor.u16(), cursor.u16());
        doi == Some(Self::DOI) && matches!(first, (Some(15..=22), _) | (Some(0), Some(0)))
    }

    /// Reads what follows the generic header.
    pub fn read(cursor: &mut Cursor<'a>, faults: &mut Faults) -> Option<Self> {
        faults.require(cursor, 12, "Security Association payload")?;
        let _doi = cursor.u32()?;
        let situation = cursor.u32()?;
        // A payload type in two octets; those of GDOI have room in one.
        let mut next = PayloadType(u8::try_from(cursor.u16()?).unwrap_or(u8::MAX));
        let _reserved2 = cursor.u16()?;
        let mut policies = Vec::new();
        while next != PayloadType::NONE {
            if policies.len() == CHAIN_V1 {
                let kind = FaultKind::Limit {
                    what: "policies",
                    limit: CHAIN_V1,
                };
                faults.push(cursor.at(), kind);
                cursor.rest();
                break;
            }
            faults.enter(("policy", policies.len().saturating_add(1)));
            let read = GroupPolicy::read(next, cursor, faults);
            faults.leave();
            let Some((policy, after)) = read else { break };
            policies.push(policy);
            next = after;
        }
        faults.expect_end(cursor);
        Some(Self {
            situation,
            policies,
        })
    }

    /// Appends what follows the generic header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let kinds: Vec<PayloadType> = self.policies.iter().map(GroupPolicy::kind).collect();
        let first = kinds.first().map_or(0, |kind| kind.0);
        out.extend(Self::DOI.to_be_bytes());
        out.extend(self.situation.to_be_bytes());
        out.extend(u16::from(first).to_be_bytes());
        out.extend([0, 0]);
        for (index, policy) in self.policies.iter().enumerate() {
            let next = kinds.get(index.saturating_add(1)).map_or(0, |kind| kind.0);
            let mut body = Vec::new();
            policy.emit(&mut body);
            let length = body.len().saturating_add(HEADER_LEN);
            out.extend([next, 0]);
            out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            out.extend(body);
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

/// Octets of the generic header of a policy.
const HEADER_LEN: usize = 4;

impl<'a> GroupPolicy<'a> {
    /// Its payload type.
    pub fn kind(&self) -> PayloadType {
        match self {
            Self::Kek(_) => PayloadType::SAK_V1,
            Self::Tek(_) => PayloadType::SAT_V1,
            Self::Gap(_) => PayloadType::GAP_V1,
            Self::Opaque(kind, _) => *kind,
        }
    }

    /// One policy, and the type of the one after it. A length that lies ends the chain.
    fn read(
        kind: PayloadType,
        cursor: &mut Cursor<'a>,
        faults: &mut Faults,
    ) -> Option<(Self, PayloadType)> {
        if faults.require(cursor, HEADER_LEN, "Next Payload").is_none() {
            cursor.rest();
            return None;
        }
        let next = PayloadType(cursor.u8()?);
        let _reserved = cursor.u8()?;
        let length = cursor.u16()?;
        let at = cursor.at();
        let Some(promised) = usize::from(length).checked_sub(HEADER_LEN) else {
            let fault = FaultKind::Value {
                field: "Payload Length",
                value: length.into(),
                expected: "at least 4",
            };
            faults.push(at.saturating_sub(2), fault);
            cursor.rest();
            return None;
        };
        let whole = faults.require(cursor, promised, "Payload Length").is_some();
        let octets = cursor.take_up_to(promised);
        let body = &mut Cursor::new(octets, at);
        let policy = match kind {
            PayloadType::SAK_V1 => SaKek::read(body, faults).map(Self::Kek),
            PayloadType::SAT_V1 => SaTek::read(body, faults).map(Self::Tek),
            PayloadType::GAP_V1 => Some(Self::Gap(GroupAssociatedPolicy::read(body, faults))),
            _ => {
                let fault = FaultKind::Value {
                    field: "SA Attribute Next Payload",
                    value: kind.0.into(),
                    expected: "SAK (15), SAT (16) or GAP (22)",
                };
                faults.push(at.saturating_sub(HEADER_LEN), fault);
                None
            }
        };
        let policy = policy.unwrap_or(Self::Opaque(kind, octets));
        Some((policy, if whole { next } else { PayloadType::NONE }))
    }

    /// Appends what follows the generic header.
    fn emit(&self, out: &mut Vec<u8>) {
        match self {
            Self::Kek(kek) => kek.emit(out),
            Self::Tek(tek) => tek.emit(out),
            Self::Gap(gap) => gap.emit(out),
            Self::Opaque(_, octets) => out.extend(*octets),
        }
    }
}

/// Its kind, and what it says.
impl fmt::Display for GroupPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kek(kek) => write!(f, "KEK {kek}"),
            Self::Tek(tek) => write!(f, "TEK {tek}"),
            Self::Gap(gap) => write!(f, "GAP {gap}"),
            Self::Opaque(kind, octets) => write!(f, "payload {}: {}", kind.0, brief(octets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GAP with an activation delay, then an ESP SA from anyone to 239.1.1.1.
    const POLICIES: &[u8] = &[
        0, 0, 0, 2, 0, 0, 0, 0, 0, 22, 0, 0, //
        16, 0, 0, 8, 0x80, 1, 0, 5, //
        0, 0, 0, 33, 1, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 4, 239, 1, 1, 1, //
        12, 0xc0, 0xff, 0xee, 1, 0x80, 6, 0, 128,
    ];

    fn read(octets: &[u8]) -> (Option<GroupSecurityAssociation<'_>>, Vec<String>) {
        let mut faults = Faults::default();
        let sa = GroupSecurityAssociation::read(&mut Cursor::new(octets, 0), &mut faults);
        let said = faults.list.iter().map(ToString::to_string).collect();
        (sa, said)
    }

    #[test]
    fn policies_read_as_people_say_them() {
        let (sa, faults) = read(POLICIES);
        assert_eq!(
            sa.unwrap().to_string(),
            "GAP ACTIVATION_TIME_DELAY 5; \
             TEK GDOI_PROTO_IPSEC_ESP c0ffee01 0.0.0.0 > 239.1.1.1: ESP_AES-CBC-128"
        );
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn policies_are_written_as_they_were_read() {
        let mut out = Vec::new();
        read(POLICIES).0.unwrap().emit(&mut out);
        assert_eq!(out, POLICIES);
    }

    #[test]
    fn the_form_is_told_by_the_doi_and_what_stands_for_a_proposal() {
        let is_at = |octets| GroupSecurityAssociation::is_at(Cursor::new(octets, 0));
        assert!(is_at(POLICIES));
        assert!(is_at(&[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert!(!is_at(&[0, 0, 0, 1, 0, 0, 0, 1, 0, 22, 0, 0]));
        assert!(!is_at(&[0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8]));
        assert!(!is_at(&[0, 0, 0, 2]));
    }

    #[test]
    fn a_policy_that_does_not_belong_is_kept_with_a_fault() {
        let octets = [0, 0, 0, 2, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0, 0, 6, 1, 2];
        let (sa, faults) = read(&octets);
        assert_eq!(sa.unwrap().to_string(), "payload 18: 0102");
        assert_eq!(
            faults,
            [
                "policy 1 at 12: SA Attribute Next Payload is 18, expected SAK (15), SAT (16) or GAP (22)"
            ]
        );
    }

    #[test]
    fn more_policies_than_can_be_are_not_read() {
        let mut octets = vec![0, 0, 0, 2, 0, 0, 0, 0, 0, 22, 0, 0];
        for _ in 0..1000 {
            octets.extend([22, 0, 0, 4]);
        }
        let (sa, faults) = read(&octets);
        assert_eq!(sa.unwrap().policies.len(), CHAIN_V1);
        assert_eq!(
            faults,
            ["at 1036: more than 256 policies, the rest not read"]
        );
    }
}

//! The algorithms that Security Association payloads choose.

use crate::keys::{EncryptionId, IntegrityId};
use crate::registry::ikev1::{
    AhTransform, HashV1, Phase1Attribute, Phase2Attribute, ProtocolV1, encryption_as_v2, esp_as_v2,
    integrity_as_v2,
};
use crate::registry::{SecurityProtocol, TransformType};
use crate::wire::{ikev1, ikev2};

/// The algorithms of an IKEv2 SA: transform IDs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct IkeSuite {
    pub(super) encryption: EncryptionId,
    /// Zero is none.
    pub(super) integrity: u16,
    pub(super) prf: Option<u16>,
}

impl IkeSuite {
    /// What a response chose.
    pub(super) fn of(proposal: &ikev2::Proposal<'_>) -> Option<Self> {
        let encryption = proposal.of(TransformType::ENCR).next()?;
        Some(Self {
            encryption: EncryptionId {
                id: encryption.id,
                key_bits: encryption.key_length,
            },
            integrity: proposal.of(TransformType::INTEG).next().map_or(0, |t| t.id),
            prf: proposal.of(TransformType::PRF).next().map(|t| t.id),
        })
    }
}

/// The algorithms of phase 1 of IKEv1 that opening needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Phase1 {
    pub(super) encryption: EncryptionId,
    pub(super) hash: HashV1,
}

impl Phase1 {
    /// The alternatives of a Security Association payload: one, if it is the responder's.
    pub(super) fn all(sa: &ikev1::SecurityAssociation<'_>) -> Vec<Self> {
        let transforms = sa.proposals.iter().flat_map(|one| &one.transforms);
        transforms.filter_map(Self::of).collect()
    }

    fn of(transform: &ikev1::Transform<'_>) -> Option<Self> {
        let value = |kind: Phase1Attribute| number(transform, kind.0);
        let cipher = value(Phase1Attribute::ENCRYPTION_ALGORITHM)?;
        let (id, key_bits) = encryption_as_v2(cipher, value(Phase1Attribute::KEY_LENGTH))?;
        Some(Self {
            encryption: EncryptionId { id, key_bits },
            hash: HashV1(value(Phase1Attribute::HASH_ALGORITHM)?),
        })
    }
}

/// The algorithms of an ESP or AH SA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ChildSuite {
    pub(super) ah: bool,
    /// AH has none.
    pub(super) encryption: Option<EncryptionId>,
    /// Zero is none.
    pub(super) integrity: IntegrityId,
    pub(super) esn: Option<bool>,
}

impl ChildSuite {
    /// What a response of IKEv2 chose; `None` unless it is for ESP or AH.
    pub(super) fn of(proposal: &ikev2::Proposal<'_>) -> Option<Self> {
        let ah = is_ah(proposal.protocol)?;
        let encryption = proposal.of(TransformType::ENCR).next();
        let encryption = encryption.map(|transform| EncryptionId {
            id: transform.id,
            key_bits: transform.key_length,
        });
        Some(Self {
            ah,
            encryption: encryption.filter(|_| !ah),
            integrity: IntegrityId {
                id: proposal.of(TransformType::INTEG).next().map_or(0, |t| t.id),
                icv_octets: None,
            },
            esn: proposal.of(TransformType::ESN).next().map(|t| t.id == 1),
        })
    }

    /// What message 2 of a quick mode chose; `None` unless it is for ESP or AH, or of algorithms
    /// that have no number in IKEv2.
    pub(super) fn of_v1(proposal: &ikev1::Proposal<'_>) -> Option<Self> {
        let transform = proposal.transforms.first()?;
        let value = |kind: Phase2Attribute| number(transform, kind.0);
        let key_bits = value(Phase2Attribute::KEY_LENGTH);
        let authentication = value(Phase2Attribute::AUTHENTICATION_ALGORITHM);
        let (ah, encryption, integrity) = match ProtocolV1(proposal.protocol.0) {
            ProtocolV1::PROTO_IPSEC_ESP => {
                let id = esp_as_v2(transform.id)?;
                let integrity = authentication.map_or(Some(0), integrity_as_v2)?;
                (false, Some(EncryptionId { id, key_bits }), integrity)
            }
            ProtocolV1::PROTO_IPSEC_AH => (true, None, ah_integrity(AhTransform(transform.id))?),
            _ => return None,
        };
        Some(Self {
            ah,
            encryption,
            integrity: IntegrityId {
                id: integrity,
                icv_octets: None,
            },
            // RFC 4304 section 3: extended only if it is said.
            esn: Some(value(Phase2Attribute::EXTENDED_SEQUENCE_NUMBER).is_some()),
        })
    }
}

/// Whether a protocol is AH; `None` unless it is that or ESP.
pub(super) fn is_ah(protocol: SecurityProtocol) -> Option<bool> {
    match protocol {
        SecurityProtocol::AH => Some(true),
        SecurityProtocol::ESP => Some(false),
        _ => None,
    }
}

/// An AH transform of IKEv1 in the numbers of IKEv2.
fn ah_integrity(transform: AhTransform) -> Option<u16> {
    Some(match transform {
        AhTransform::AH_MD5 => 1,
        AhTransform::AH_SHA => 2,
        AhTransform::AH_DES => 3,
        AhTransform::AH_SHA2_256 => 12,
        AhTransform::AH_SHA2_384 => 13,
        AhTransform::AH_SHA2_512 => 14,
        AhTransform::AH_AES_XCBC_MAC => 5,
        AhTransform::AH_AES_128_GMAC => 9,
        AhTransform::AH_AES_192_GMAC => 10,
        AhTransform::AH_AES_256_GMAC => 11,
        _ => return None,
    })
}

fn number(transform: &ikev1::Transform<'_>, kind: u16) -> Option<u16> {
    let attribute = transform.attributes.iter().find(|one| one.kind == kind)?;
    u16::try_from(attribute.value.number()?).ok()
}

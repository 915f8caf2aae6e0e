//! One value of an offer: an algorithm by its numbers, and what people call it.

use super::Kind;
use crate::language::Text;
use crate::registry::ikev1::{
    AuthenticationAlgorithm, EncapsulationMode, encryption_as_v2, esp_as_v2, integrity_as_v2,
    prf_as_v2, transform_name,
};
use crate::registry::{SecurityProtocol, TransformType, transform};
use crate::say;
use std::cmp::Reverse;

/// One value of a kind. Its name is made when it is said: most are only compared.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Value {
    /// What it is.
    pub algorithm: Algorithm,
    /// Bits of its key, where they are told.
    pub bits: Option<u64>,
}

/// What a value stands for, with its number in the registry that it comes from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// A transform of IKEv2.
    Transform(TransformType, u16),
    /// A cipher of phase 1 (RFC 2409 appendix A), as are the next three.
    Cipher(u64),
    /// A hash.
    Hash(u64),
    /// An authentication method, see [`Algorithm::method`].
    Method(u64),
    /// A group.
    Group(u64),
    /// A transform of ESP in phase 2.
    Esp(u8),
    /// A transform of AH in phase 2.
    Ah(u8),
    /// An authentication algorithm of phase 2.
    Authentication(u16),
    /// The protocol of a child SA.
    Protocol(SecurityProtocol),
    /// How a child SA carries packets, by the number of IKEv1.
    Mode(EncapsulationMode),
    /// BEET, which has no number.
    Beet,
}

impl Algorithm {
    /// An authentication method of phase 1. Those that name the side which authenticates have two numbers
    /// for one thing, and RSA encryption was revised (RFC 2409 section 5.3).
    pub fn method(number: u64) -> Self {
        Self::Method(match number {
            5 => 4,
            64222 => 64221,
            65002 => 65001,
            65006 => 65005,
            other => other,
        })
    }
}

impl From<Algorithm> for Value {
    fn from(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            bits: None,
        }
    }
}

impl Value {
    /// Its transform ID of IKEv2, and the bits of its key where they are told. `None` if it has none.
    pub fn id(&self) -> Option<(u16, Option<u16>)> {
        let bits = self.bits.and_then(|bits| u16::try_from(bits).ok());
        let short = |number: u64| u16::try_from(number).ok();
        let bare = |id| Some((id, None));
        match self.algorithm {
            Algorithm::Transform(_, id) => Some((id, bits)),
            Algorithm::Cipher(id) => encryption_as_v2(short(id)?, bits),
            Algorithm::Hash(id) => bare(prf_as_v2(short(id)?)?),
            Algorithm::Group(id) => bare(short(id)?),
            Algorithm::Esp(id) => Some((esp_as_v2(id)?, bits)),
            Algorithm::Authentication(id) => bare(integrity_as_v2(id)?),
            // What is written for ESP is no advice for AH.
            Algorithm::Ah(_)
            | Algorithm::Method(_)
            | Algorithm::Protocol(_)
            | Algorithm::Mode(_)
            | Algorithm::Beet => None,
        }
    }

    /// Whether it is NONE, which may as well be left out (RFC 7296 section 3.3.2; RFC 9370 section 2.2.1).
    pub(super) fn is_none(&self) -> bool {
        let optional = |kind| {
            matches!(
                kind,
                TransformType::INTEG | TransformType::KE | TransformType(6..=12)
            )
        };
        matches!(self.algorithm, Algorithm::Transform(kind, 0) if optional(kind))
    }

    /// Among values that would do: whether every implementation must have it (RFC 8247 section 2, RFC 8221
    /// section 5), then whether it is not weak, then the length of the key, then the lower number.
    pub(super) fn merit(&self, kind: Kind) -> impl Ord + use<> {
        let (kind, musts) = match kind {
            Kind::Encryption => (TransformType::ENCR, [12, 20].as_slice()),
            Kind::Prf => (TransformType::PRF, [5].as_slice()),
            Kind::Integrity => (TransformType::INTEG, [12].as_slice()),
            _ => (TransformType::KE, [14].as_slice()),
        };
        self.id().map(|(id, bits)| {
            let weak = transform::weak(kind, id).is_some();
            (musts.contains(&id), !weak, bits, Reverse(id))
        })
    }
}

impl From<&Value> for Text {
    fn from(value: &Value) -> Self {
        let bits = value.bits;
        let unnamed = |id| say!("transform {id}", id);
        match value.algorithm {
            Algorithm::Transform(kind, id) => sized(name(kind, id), bits),
            Algorithm::Cipher(id) => match (v1_cipher(id), bits) {
                (Some(name), _) => sized(Text::name(name), bits),
                (None, Some(bits)) => say!("cipher {id}-{bits}", id, bits),
                (None, None) => say!("cipher {id}", id),
            },
            Algorithm::Hash(id) => v1_hash(id),
            Algorithm::Method(id) => v1_method(id),
            Algorithm::Group(id) => name(TransformType::KE, u16::try_from(id).unwrap_or(u16::MAX)),
            Algorithm::Esp(id) => {
                let named = transform_name(SecurityProtocol::ESP, id);
                match (esp_as_v2(id), named, bits) {
                    (Some(id), ..) => sized(name(TransformType::ENCR, id), bits),
                    (None, Some(name), _) => sized(Text::name(name), bits),
                    (None, None, Some(bits)) => say!("transform {id}-{bits}", id, bits),
                    (None, None, None) => unnamed(id),
                }
            }
            Algorithm::Ah(id) => {
                transform_name(SecurityProtocol::AH, id).map_or_else(|| unnamed(id), Text::name)
            }
            Algorithm::Authentication(id) => AuthenticationAlgorithm(id)
                .name()
                .map_or_else(|| say!("authentication {id}", id), Text::name),
            Algorithm::Protocol(id) => id.name().map_or_else(|| Text::verbatim(id.0), Text::name),
            Algorithm::Mode(id) => id.name().map_or_else(|| Text::verbatim(id.0), Text::name),
            Algorithm::Beet => Text::verbatim("BEET"),
        }
    }
}

/// A name with the length of the key, if that is told: `ENCR_AES_CBC-256`.
fn sized(name: Text, bits: Option<u64>) -> Text {
    match bits {
        Some(bits) => Text::verbatim(format_args!("{name}-{bits}")),
        None => name,
    }
}

/// The name of a transform, or its number.
pub fn name(kind: TransformType, id: u16) -> Text {
    transform::name(kind, id).map_or_else(|| Text::verbatim(id), Text::name)
}

/// A group by name and number, as people know it: `2048-bit MODP Group (14)`.
pub fn group(id: u16) -> Text {
    match transform::key_exchange(id) {
        Some(row) => Text::verbatim(format_args!("{} ({id})", row.name)),
        None => say!("group {id}", id),
    }
}

fn v1_cipher(id: u64) -> Option<&'static str> {
    Some(match id {
        1 => "DES-CBC",
        2 => "IDEA-CBC",
        3 => "Blowfish-CBC",
        4 => "RC5-R16-B64-CBC",
        5 => "3DES-CBC",
        6 => "CAST-CBC",
        7 => "AES-CBC",
        8 => "CAMELLIA-CBC",
        _ => return None,
    })
}

fn v1_hash(id: u64) -> Text {
    Text::name(match id {
        1 => "MD5",
        2 => "SHA1",
        3 => "Tiger",
        4 => "SHA2-256",
        5 => "SHA2-384",
        6 => "SHA2-512",
        _ => return say!("hash {id}", id),
    })
}

fn v1_method(id: u64) -> Text {
    match id {
        1 => "pre-shared key",
        2 => "DSS signatures",
        3 => "RSA signatures",
        4 => "RSA encryption",
        9..=11 => "ECDSA signatures",
        64221 => "hybrid RSA",
        65001 => "XAUTH with pre-shared key",
        65005 => "XAUTH with RSA signatures",
        _ => return say!("method {id}", id),
    }
    .into()
}

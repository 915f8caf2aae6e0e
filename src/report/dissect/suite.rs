//! Suites in short: `AES-CBC-256/SHA2-256/MODP-2048`.

use crate::registry::ikev1::{AuthMethodV1, Phase1Attribute, encryption_as_v2, prf_as_v2};
use crate::registry::{TransformType, transform};
use crate::wire::{ikev1, ikev2};

/// The first choice of a proposal: cipher, integrity, PRF where its hash is another, key exchanges.
pub(super) fn v2(proposal: &ikev2::Proposal<'_>) -> String {
    let first = |kind| proposal.of(kind).next();
    let mut words = Vec::new();
    if let Some(cipher) = first(TransformType::ENCR) {
        words.push(encryption(cipher.id, cipher.key_length));
    }
    let integrity = first(TransformType::INTEG)
        .filter(|integrity| integrity.id != 0)
        .map(|found| algorithm(TransformType::INTEG, found.id));
    let prf = first(TransformType::PRF).map(|found| algorithm(TransformType::PRF, found.id));
    match (integrity, prf) {
        (Some(integrity), Some(prf)) if integrity != prf => {
            words.extend([integrity, format!("PRF-{prf}")]);
        }
        (Some(one), _) | (None, Some(one)) => words.push(one),
        (None, None) => {}
    }
    // Type 4, and the additional ones 6 to 12 (RFC 9370 section 2.2.1).
    for kind in [4, 6, 7, 8, 9, 10, 11, 12].map(TransformType) {
        words.extend(first(kind).map(|method| group(method.id)));
    }
    words.join("/")
}

/// How many suites a proposal offers: the transforms of one type are alternatives.
pub(super) fn choices(proposal: &ikev2::Proposal<'_>) -> u64 {
    let mut kinds: Vec<TransformType> = proposal.transforms.iter().map(|t| t.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().fold(1, |choices: u64, kind| {
        choices.saturating_mul(proposal.of(kind).count() as u64)
    })
}

/// A transform of phase 1: cipher, hash, group, authentication.
pub(super) fn v1(suite: &ikev1::Transform<'_>) -> String {
    let number = |kind: Phase1Attribute| {
        let found = suite.attributes.iter().find(|each| each.kind == kind.0)?;
        u16::try_from(found.value.number()?).ok()
    };
    let mut words = Vec::new();
    if let Some(id) = number(Phase1Attribute::ENCRYPTION_ALGORITHM) {
        let cipher = encryption_as_v2(id, number(Phase1Attribute::KEY_LENGTH));
        words.push(match cipher {
            Some((id, bits)) => encryption(id, bits),
            None => format!("cipher {id}"),
        });
    }
    if let Some(id) = number(Phase1Attribute::HASH_ALGORITHM) {
        words.push(match prf_as_v2(id) {
            Some(prf) => algorithm(TransformType::PRF, prf),
            None => format!("hash {id}"),
        });
    }
    words.extend(number(Phase1Attribute::GROUP_DESCRIPTION).map(group));
    let method = number(Phase1Attribute::AUTHENTICATION_METHOD).map(AuthMethodV1);
    words.extend(method.map(|method| match method {
        AuthMethodV1::PRE_SHARED_KEY => "PSK".to_owned(),
        AuthMethodV1::RSA_SIGNATURES => "RSA".to_owned(),
        method if method.name().is_none() => format!("auth {method}"),
        method => method.to_string(),
    }));
    words.join("/")
}

/// `AES-CBC-256`.
fn encryption(id: u16, key_bits: Option<u16>) -> String {
    let name = algorithm(TransformType::ENCR, id);
    match key_bits {
        Some(bits) => format!("{name}-{bits}"),
        None => name,
    }
}

/// The registry's name without its prefixes and without the length of the checksum.
fn algorithm(kind: TransformType, id: u16) -> String {
    let Some(name) = transform::name(kind, id) else {
        return format!("{kind} {id}");
    };
    let name = ["ENCR_", "PRF_", "AUTH_", "HMAC_"]
        .into_iter()
        .fold(name, |name, prefix| {
            name.strip_prefix(prefix).unwrap_or(name)
        });
    let name = match name.rsplit_once('_') {
        Some((start, bits))
            if kind == TransformType::INTEG && bits.bytes().all(|c| c.is_ascii_digit()) =>
        {
            start
        }
        _ => name,
    };
    name.replace('_', "-")
}

/// `MODP-2048`, `ECP-256`, `Curve25519`.
pub(super) fn group(id: u16) -> String {
    let Some(method) = transform::key_exchange(id) else {
        return format!("group {id}");
    };
    let kind = ["MODP", "ECP"]
        .into_iter()
        .find(|kind| method.name.contains(kind));
    let subgroup = match method.name.split_once(" with ") {
        Some((_, rest)) => format!("-s{}", rest.split('-').next().unwrap_or_default()),
        None => String::new(),
    };
    match (method.name.split_once("-bit "), kind) {
        (Some((bits, _)), Some(kind)) => format!("{kind}-{bits}{subgroup}"),
        _ => method.name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_in_one_word() {
        for (id, name) in [
            (2, "MODP-1024"),
            (14, "MODP-2048"),
            (19, "ECP-256"),
            (24, "MODP-2048-s256"),
            (31, "Curve25519"),
            (36, "ml-kem-768"),
            (4711, "group 4711"),
        ] {
            assert_eq!(group(id), name);
        }
    }

    #[test]
    fn algorithms_lose_their_prefixes_and_the_length_of_the_checksum() {
        for (kind, id, name) in [
            (TransformType::ENCR, 12, "AES-CBC"),
            (TransformType::ENCR, 20, "AES-GCM-16"),
            (TransformType::PRF, 5, "SHA2-256"),
            (TransformType::PRF, 4, "AES128-XCBC"),
            (TransformType::INTEG, 2, "SHA1"),
            (TransformType::INTEG, 12, "SHA2-256"),
            (TransformType::INTEG, 9, "AES-128-GMAC"),
            (TransformType::ENCR, 999, "Encryption Algorithm (ENCR) 999"),
        ] {
            assert_eq!(algorithm(kind, id), name);
        }
    }
}

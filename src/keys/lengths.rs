//! How long the keys of ciphers are, salt included.

use super::EncryptionId;
use crate::registry::transform;

/// Twofish in CBC mode, as strongSwan numbers it in the private range; it has no number at IANA.
pub const TWOFISH_CBC: u16 = 1027;

/// Serpent in CBC mode, as strongSwan numbers it in the private range; it has no number at IANA.
pub const SERPENT_CBC: u16 = 1026;

/// Octets of salt that stand behind the key of a cipher and are no part of its length.
///
/// Counter mode: RFC 3686 section 4, RFC 5529 section 4. CCM: RFC 4309 section 7.1. GCM and GMAC:
/// RFC 4106 section 8.1, RFC 4543 section 5.3. ChaCha20: RFC 7634 section 2.
pub fn salt_octets(id: u16) -> usize {
    match id {
        14..=16 | 25..=27 | 29 => 3,
        13 | 18..=21 | 24 | 28 | 30 | 31 => 4,
        _ => 0,
    }
}

/// Key lengths in bits that a cipher takes, the least first; `None` of a cipher that is not known,
/// and of one that takes any.
fn key_bits(id: u16) -> Option<&'static [u16]> {
    match id {
        1 | 2 | 9 => Some(&[64]),
        3 => Some(&[192]),
        5 => Some(&[128]),
        12..=16 | 18..=21 | 23..=27 | 29 | 30 | SERPENT_CBC | TWOFISH_CBC => Some(&[128, 192, 256]),
        28 | 31 => Some(&[256]),
        _ => None,
    }
}

/// Whether a cipher takes a key of so many octets, salt included; if not, what it takes.
pub fn check(encryption: EncryptionId, octets: usize) -> Result<(), String> {
    let salt = salt_octets(encryption.id);
    let told: Option<&[u16]> = encryption.key_bits.as_ref().map(std::slice::from_ref);
    let Some(bits) = told.or_else(|| key_bits(encryption.id)) else {
        return Ok(());
    };
    let takes: Vec<usize> = bits
        .iter()
        .map(|bits| usize::from(*bits) / 8 + salt)
        .collect();
    if takes.contains(&octets) {
        return Ok(());
    }
    let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
    let with = if salt > 0 { ", salt included" } else { "" };
    Err(format!(
        "a key of {octets} octets; {} takes {}{with}",
        super::names::encryption(encryption),
        takes.join(" or ")
    ))
}

/// The length in bits of a key of so many octets, salt excluded.
pub fn bits(id: u16, octets: usize) -> Option<u16> {
    u16::try_from(octets.checked_sub(salt_octets(id))?.checked_mul(8)?).ok()
}

/// Whether a cipher authenticates by itself.
pub fn is_aead(id: u16) -> bool {
    transform::encryption(id).is_some_and(|row| row.aead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_that_authenticates_has_a_salt_unless_nobody_prints_its_keys() {
        for row in transform::ENCRYPTION.iter().filter(|row| row.id < 32) {
            let counts = row.aead || row.name.contains("CTR");
            assert_eq!(salt_octets(row.id) > 0, counts, "{}", row.name);
        }
    }

    #[test]
    fn lengths_agree_with_the_registry() {
        for row in transform::ENCRYPTION {
            if let (Some(fixed), Some(bits)) = (row.fixed_key_bits, key_bits(row.id)) {
                assert_eq!(bits, [fixed], "{}", row.name);
            }
        }
    }

    #[test]
    fn a_key_of_a_wrong_length_is_told_with_those_that_fit() {
        let gcm = EncryptionId {
            id: 20,
            key_bits: None,
        };
        assert_eq!(check(gcm, 36), Ok(()));
        assert_eq!(bits(20, 36), Some(256));
        assert_eq!(
            check(gcm, 32).unwrap_err(),
            "a key of 32 octets; ENCR_AES_GCM_16 takes 20 or 28 or 36, salt included"
        );
        let aes_256 = EncryptionId {
            id: 12,
            key_bits: Some(256),
        };
        assert_eq!(
            check(aes_256, 16).unwrap_err(),
            "a key of 16 octets; ENCR_AES_CBC-256 takes 32"
        );
    }
}

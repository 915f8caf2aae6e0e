//! strongSwan's names, as its logs and proposals have them.

use super::{cipher, find, sized};
use crate::keys::lengths::{SERPENT_CBC, TWOFISH_CBC};
use crate::keys::{EncryptionId, IntegrityId};

/// Ciphers; a proposal puts the key length behind: `AES_CBC_256`.
pub const ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("DES_IV64", cipher(1)),
    ("DES_CBC", cipher(2)),
    ("3DES_CBC", cipher(3)),
    ("RC5_CBC", cipher(4)),
    ("IDEA_CBC", cipher(5)),
    ("CAST_CBC", cipher(6)),
    ("BLOWFISH_CBC", cipher(7)),
    ("3IDEA", cipher(8)),
    ("DES_IV32", cipher(9)),
    ("NULL", cipher(11)),
    ("AES_CBC", cipher(12)),
    ("AES_CTR", cipher(13)),
    ("AES_CCM_8", cipher(14)),
    ("AES_CCM_12", cipher(15)),
    ("AES_CCM_16", cipher(16)),
    ("AES_GCM_8", cipher(18)),
    ("AES_GCM_12", cipher(19)),
    ("AES_GCM_16", cipher(20)),
    ("NULL_AES_GMAC", cipher(21)),
    ("CAMELLIA_CBC", cipher(23)),
    ("CAMELLIA_CTR", cipher(24)),
    ("CAMELLIA_CCM_8", cipher(25)),
    ("CAMELLIA_CCM_12", cipher(26)),
    ("CAMELLIA_CCM_16", cipher(27)),
    ("CHACHA20_POLY1305", cipher(28)),
    ("SERPENT_CBC", cipher(SERPENT_CBC)),
    ("TWOFISH_CBC", cipher(TWOFISH_CBC)),
];

/// Integrity algorithms.
pub const INTEGRITY: &[(&str, IntegrityId)] = &[
    ("UNDEFINED", IntegrityId::usual(0)),
    ("HMAC_MD5_96", IntegrityId::usual(1)),
    ("HMAC_SHA1_96", IntegrityId::usual(2)),
    ("DES_MAC", IntegrityId::usual(3)),
    ("KPDK_MD5", IntegrityId::usual(4)),
    ("AES_XCBC_96", IntegrityId::usual(5)),
    ("HMAC_MD5_128", IntegrityId::usual(6)),
    ("HMAC_SHA1_160", IntegrityId::usual(7)),
    ("AES_CMAC_96", IntegrityId::usual(8)),
    ("AES_128_GMAC", IntegrityId::usual(9)),
    ("AES_192_GMAC", IntegrityId::usual(10)),
    ("AES_256_GMAC", IntegrityId::usual(11)),
    ("HMAC_SHA2_256_128", IntegrityId::usual(12)),
    ("HMAC_SHA2_384_192", IntegrityId::usual(13)),
    ("HMAC_SHA2_512_256", IntegrityId::usual(14)),
    ("HMAC_SHA2_256_96", IntegrityId::cut(12, 12)),
];

/// PRFs.
pub const PRF: &[(&str, u16)] = &[
    ("PRF_HMAC_MD5", 1),
    ("PRF_HMAC_SHA1", 2),
    ("PRF_HMAC_TIGER", 3),
    ("PRF_AES128_XCBC", 4),
    ("PRF_HMAC_SHA2_256", 5),
    ("PRF_HMAC_SHA2_384", 6),
    ("PRF_HMAC_SHA2_512", 7),
    ("PRF_AES128_CMAC", 8),
];

/// A cipher with or without the key length behind its name.
pub fn encryption(name: &str) -> Option<EncryptionId> {
    with_bits(ENCRYPTION, name)
}

/// A cipher of a table, with or without the key length behind its name.
pub(super) fn with_bits(table: &[(&str, EncryptionId)], name: &str) -> Option<EncryptionId> {
    find(table, name).or_else(|| {
        let (name, bits) = name.rsplit_once('_')?;
        let known = find(table, name)?;
        match bits.parse().ok()? {
            0 => Some(known),
            bits => Some(sized(known.id, bits)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::transform;

    #[test]
    fn the_key_length_stands_behind_the_name() {
        assert_eq!(encryption("AES_CBC_256"), Some(sized(12, 256)));
        assert_eq!(encryption("AES_GCM_16_128"), Some(sized(20, 128)));
        assert_eq!(encryption("AES_GCM_16"), Some(cipher(20)));
        assert_eq!(encryption("AES_XYZ_16"), None);
    }

    #[test]
    fn prfs_are_named_as_in_the_registry() {
        for (name, id) in PRF {
            assert_eq!(transform::prf(*id).map(|row| row.name), Some(*name));
        }
    }
}

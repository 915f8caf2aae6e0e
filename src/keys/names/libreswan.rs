//! Names of libreswan and of its forebears, as their logs have them (`ike_alg_encrypt.c`,
//! `ike_alg_integ.c`).

use super::strongswan::with_bits;
use super::{cipher, sized};
use crate::keys::lengths::{SERPENT_CBC, TWOFISH_CBC};
use crate::keys::{EncryptionId, IntegrityId};

/// Ciphers of ESP; the key length stands behind: `AES_GCM_16_256`. Openswan says `AES_128`, and
/// names lengths of checksums by letters.
pub const ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("DES", cipher(2)),
    ("3DES", cipher(3)),
    ("3DES_CBC", cipher(3)),
    ("CAST_CBC", cipher(6)),
    ("BLOWFISH", cipher(7)),
    ("NULL", cipher(11)),
    ("AES", cipher(12)),
    ("AES_CBC", cipher(12)),
    ("AES_CTR", cipher(13)),
    ("AES_CCM_8", cipher(14)),
    ("AES_CCM_A", cipher(14)),
    ("AES_CCM_12", cipher(15)),
    ("AES_CCM_B", cipher(15)),
    ("AES_CCM_16", cipher(16)),
    ("AES_CCM_C", cipher(16)),
    ("AES_GCM_8", cipher(18)),
    ("AES_GCM_A", cipher(18)),
    ("AES_GCM_12", cipher(19)),
    ("AES_GCM_B", cipher(19)),
    ("AES_GCM_16", cipher(20)),
    ("AES_GCM_C", cipher(20)),
    ("NULL_AUTH_AES_GMAC", cipher(21)),
    ("CAMELLIA", cipher(23)),
    ("CAMELLIA_CBC", cipher(23)),
    ("CAMELLIA_CTR", cipher(24)),
    ("CHACHA20_POLY1305", cipher(28)),
    ("SERPENT_CBC", cipher(SERPENT_CBC)),
    ("TWOFISH_CBC", cipher(TWOFISH_CBC)),
];

/// Integrity algorithms of ESP and AH.
pub const INTEGRITY: &[(&str, IntegrityId)] = &[
    ("NONE", IntegrityId::usual(0)),
    ("HMAC_MD5", IntegrityId::usual(1)),
    ("HMAC_MD5_96", IntegrityId::usual(1)),
    ("HMAC_SHA1", IntegrityId::usual(2)),
    ("HMAC_SHA1_96", IntegrityId::usual(2)),
    ("AES_XCBC", IntegrityId::usual(5)),
    ("AES_XCBC_96", IntegrityId::usual(5)),
    ("AES_CMAC_96", IntegrityId::usual(8)),
    ("HMAC_SHA2_256", IntegrityId::usual(12)),
    ("HMAC_SHA2_256_128", IntegrityId::usual(12)),
    ("HMAC_SHA2_256_TRUNCBUG", IntegrityId::cut(12, 12)),
    ("HMAC_SHA2_384", IntegrityId::usual(13)),
    ("HMAC_SHA2_384_192", IntegrityId::usual(13)),
    ("HMAC_SHA2_512", IntegrityId::usual(14)),
    ("HMAC_SHA2_512_256", IntegrityId::usual(14)),
];

/// Ciphers by the names that stand before the keys of an IKE SA, meant for tcpdump: `aes256`. The
/// key length stands behind.
pub const TCPDUMP_ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("3des", cipher(3)),
    ("3des_cbc", cipher(3)),
    ("aes", cipher(12)),
    ("aes_cbc", cipher(12)),
    ("aesctr", cipher(13)),
    ("aes_ctr", cipher(13)),
    ("aes_ccm_a", cipher(14)),
    ("aes_ccm_8_", cipher(14)),
    ("aes_ccm_b", cipher(15)),
    ("aes_ccm_12_", cipher(15)),
    ("aes_ccm_c", cipher(16)),
    ("aes_ccm_16_", cipher(16)),
    ("aes_gcm_a", cipher(18)),
    ("aes_gcm_8_", cipher(18)),
    ("aes_gcm_b", cipher(19)),
    ("aes_gcm_12_", cipher(19)),
    ("aes_gcm", cipher(20)),
    ("aes_gcm_c", cipher(20)),
    ("aes_gcm_16_", cipher(20)),
    ("camellia", cipher(23)),
    ("camellia_cbc", cipher(23)),
    ("chacha20_poly1305", cipher(28)),
    ("serpent", cipher(SERPENT_CBC)),
    ("twofish", cipher(TWOFISH_CBC)),
];

/// Integrity algorithms by the names that stand before the keys of an IKE SA.
pub const TCPDUMP_INTEGRITY: &[(&str, u16)] = &[
    ("none", 0),
    ("md5", 1),
    ("hmac_md5", 1),
    ("sha1", 2),
    ("hmac_sha1", 2),
    ("aes_xcbc", 5),
    ("aes_xcbc_96", 5),
    ("sha256", 12),
    ("sha2_256", 12),
    ("hmac_sha2_256", 12),
    ("sha384", 13),
    ("sha2_384", 13),
    ("hmac_sha2_384", 13),
    ("sha512", 14),
    ("sha2_512", 14),
    ("hmac_sha2_512", 14),
];

/// A cipher of ESP, with or without the key length behind its name.
pub fn encryption(name: &str) -> Option<EncryptionId> {
    with_bits(ENCRYPTION, name)
}

/// A cipher by its name for tcpdump, with or without the key length behind.
pub fn tcpdump_encryption(name: &str) -> Option<EncryptionId> {
    let bits = ["128", "192", "256"].into_iter();
    let sized_name = bits
        .filter_map(|bits| Some((name.strip_suffix(bits)?, bits)))
        .next();
    let sized_as = sized_name.and_then(|(name, bits)| {
        let known = super::find(TCPDUMP_ENCRYPTION, name)?;
        Some(sized(known.id, bits.parse().ok()?))
    });
    sized_as.or_else(|| super::find(TCPDUMP_ENCRYPTION, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::transform;

    #[test]
    fn names_of_all_ages_are_known() {
        assert_eq!(encryption("AES_CBC_256"), Some(sized(12, 256)));
        assert_eq!(encryption("AES_GCM_C_256"), Some(sized(20, 256)));
        assert_eq!(encryption("AES_0"), Some(cipher(12)));
        assert_eq!(tcpdump_encryption("aes256"), Some(sized(12, 256)));
        assert_eq!(tcpdump_encryption("aes_gcm_16_128"), Some(sized(20, 128)));
        assert_eq!(tcpdump_encryption("3des"), Some(cipher(3)));
    }

    #[test]
    fn names_for_tcpdump_mean_something_in_the_registry() {
        for (name, id) in TCPDUMP_INTEGRITY {
            assert!(transform::integrity(*id).is_some(), "{name}");
        }
        let private = [SERPENT_CBC, TWOFISH_CBC];
        for (name, is) in TCPDUMP_ENCRYPTION {
            let known = transform::encryption(is.id).is_some() || private.contains(&is.id);
            assert!(known, "{name}");
        }
    }
}

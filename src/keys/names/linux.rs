//! The names of the Linux kernel's crypto API, as `ip xfrm` shows them (`net/xfrm/xfrm_algo.c`).

use super::cipher;
use crate::keys::lengths::{SERPENT_CBC, TWOFISH_CBC};
use crate::keys::{EncryptionId, IntegrityId};
use crate::registry::transform;

/// Ciphers (`enc`); the second name of an algorithm is its older one.
pub const ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("cbc(des)", cipher(2)),
    ("des", cipher(2)),
    ("cbc(des3_ede)", cipher(3)),
    ("des3_ede", cipher(3)),
    ("cbc(cast5)", cipher(6)),
    ("cast5", cipher(6)),
    ("cbc(blowfish)", cipher(7)),
    ("blowfish", cipher(7)),
    ("ecb(cipher_null)", cipher(11)),
    ("cipher_null", cipher(11)),
    ("cbc(aes)", cipher(12)),
    ("aes", cipher(12)),
    ("rfc3686(ctr(aes))", cipher(13)),
    ("cbc(camellia)", cipher(23)),
    ("camellia", cipher(23)),
    ("cbc(serpent)", cipher(SERPENT_CBC)),
    ("serpent", cipher(SERPENT_CBC)),
    ("cbc(twofish)", cipher(TWOFISH_CBC)),
    ("twofish", cipher(TWOFISH_CBC)),
];

/// Ciphers that authenticate by themselves (`aead`): the name, the checksum in bits, the transform.
pub const AEAD: &[(&str, u16, u16)] = &[
    ("rfc4106(gcm(aes))", 64, 18),
    ("rfc4106(gcm(aes))", 96, 19),
    ("rfc4106(gcm(aes))", 128, 20),
    ("rfc4309(ccm(aes))", 64, 14),
    ("rfc4309(ccm(aes))", 96, 15),
    ("rfc4309(ccm(aes))", 128, 16),
    ("rfc4543(gcm(aes))", 128, 21),
    ("rfc7539esp(chacha20,poly1305)", 128, 28),
];

/// Integrity algorithms (`auth`, `auth-trunc`): the name, the transform, the bits that the kernel
/// leaves of the checksum if it is not told. SHA2-256 is cut to 96 then, against RFC 4868.
pub const INTEGRITY: &[(&str, u16, u16)] = &[
    ("hmac(md5)", 1, 96),
    ("md5", 1, 96),
    ("hmac(sha1)", 2, 96),
    ("sha1", 2, 96),
    ("xcbc(aes)", 5, 96),
    ("cmac(aes)", 8, 96),
    ("hmac(sha256)", 12, 96),
    ("sha256", 12, 96),
    ("hmac(sha384)", 13, 192),
    ("hmac(sha512)", 14, 256),
    ("hmac(rmd160)", IntegrityId::UNTOLD, 96),
    ("rmd160", IntegrityId::UNTOLD, 96),
    ("hmac(sm3)", IntegrityId::UNTOLD, 256),
    ("digest_null", 0, 0),
];

/// The cipher of an `aead` and its checksum in bits.
pub fn aead(name: &str, icv_bits: u16) -> Option<EncryptionId> {
    let row = AEAD.iter().find(|row| row.0 == name && row.1 == icv_bits);
    row.map(|row| cipher(row.2))
}

/// The integrity algorithm of a name and, if told, its checksum in bits.
pub fn integrity(name: &str, icv_bits: Option<u16>) -> Option<IntegrityId> {
    let (_, id, default) = *INTEGRITY.iter().find(|row| row.0 == name)?;
    let octets = icv_bits.unwrap_or(default) / 8;
    // HMAC-MD5 and HMAC-SHA1 of full length have numbers of their own (RFC 4595).
    let id = match (id, octets) {
        (1, 16) => 6,
        (2, 20) => 7,
        _ => id,
    };
    let usual = transform::integrity(id).is_some_and(|row| row.octets == octets);
    Some(IntegrityId {
        id,
        icv_octets: if usual {
            None
        } else {
            u8::try_from(octets).ok()
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::names::find;

    #[test]
    fn aead_names_mean_transforms_with_that_checksum() {
        for (name, bits, id) in AEAD {
            let row = transform::encryption(*id).unwrap();
            assert_eq!(u16::from(row.icv) * 8, *bits, "{name}");
        }
    }

    #[test]
    fn integrity_names_mean_transforms_and_the_kernels_default_is_known() {
        for (name, id, bits) in INTEGRITY {
            let usual = transform::integrity(*id).map(|row| row.octets * 8);
            let cut_on_purpose = *id == 12 || *id == IntegrityId::UNTOLD;
            assert!(usual == Some(*bits) || cut_on_purpose, "{name}");
        }
        assert_eq!(
            integrity("hmac(sha256)", None),
            Some(IntegrityId::cut(12, 12))
        );
        assert_eq!(
            integrity("hmac(sha256)", Some(128)),
            Some(IntegrityId::usual(12))
        );
        assert_eq!(
            integrity("hmac(sha1)", Some(160)),
            Some(IntegrityId::usual(7))
        );
        assert_eq!(find(ENCRYPTION, "cbc(aes)"), Some(cipher(12)));
    }
}

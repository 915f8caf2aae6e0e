//! The names of KAME's `setkey`, as ipsec-tools, FreeBSD and NetBSD print them (`key_debug.c`,
//! `setkey.8`).

use super::cipher;
use crate::keys::lengths::TWOFISH_CBC;
use crate::keys::{EncryptionId, IntegrityId};

/// Ciphers.
pub const ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("des-cbc", cipher(2)),
    ("3des-cbc", cipher(3)),
    ("cast128-cbc", cipher(6)),
    ("blowfish-cbc", cipher(7)),
    ("null", cipher(11)),
    ("rijndael-cbc", cipher(12)),
    ("aes-cbc", cipher(12)),
    ("aes-ctr", cipher(13)),
    ("aes-gcm-8", cipher(18)),
    ("aes-gcm-12", cipher(19)),
    ("aes-gcm-16", cipher(20)),
    ("aes-gmac", cipher(21)),
    ("camellia-cbc", cipher(23)),
    ("chacha20-poly1305", cipher(28)),
    ("twofish-cbc", cipher(TWOFISH_CBC)),
];

/// Integrity algorithms: all that a name may mean. SHA2-256 was cut to 96 bits by KAME and is by
/// Linux where nobody says otherwise, against RFC 4868.
pub const INTEGRITY: &[(&str, &[IntegrityId])] = &[
    ("null", &[IntegrityId::usual(0)]),
    ("hmac-md5", &[IntegrityId::usual(1)]),
    ("hmac-sha1", &[IntegrityId::usual(2)]),
    ("aes-xcbc-mac", &[IntegrityId::usual(5)]),
    ("hmac-sha256", SHA2_256),
    ("hmac-sha2-256", SHA2_256),
    ("hmac-sha384", &[IntegrityId::usual(13)]),
    ("hmac-sha2-384", &[IntegrityId::usual(13)]),
    ("hmac-sha512", &[IntegrityId::usual(14)]),
    ("hmac-sha2-512", &[IntegrityId::usual(14)]),
    (
        "hmac-ripemd160",
        &[IntegrityId::cut(IntegrityId::UNTOLD, 12)],
    ),
    ("ripemd160", &[IntegrityId::cut(IntegrityId::UNTOLD, 12)]),
];

const SHA2_256: &[IntegrityId] = &[IntegrityId::usual(12), IntegrityId::cut(12, 12)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::transform;

    #[test]
    fn integrity_names_mean_transforms() {
        for is in INTEGRITY.iter().flat_map(|(_, is)| *is) {
            let known = transform::integrity(is.id).is_some() || is.id == IntegrityId::UNTOLD;
            assert!(known, "{is:?}");
        }
    }
}

//! Wireshark's names, those of older versions included (`packet-isakmp.c`, `packet-ipsec.c`).
//!
//! The citation in brackets does not count, so that `TripleDes-CBC [RFC2451]`, as strongSwan's
//! save-keys plugin has it, is the same as `TripleDES-CBC`.

use super::{cipher, sized};
use crate::keys::lengths::TWOFISH_CBC;
use crate::keys::{EncryptionId, IntegrityId};

/// Ciphers of `ikev2_decryption_table`.
pub const IKE_ENCRYPTION: &[(&str, EncryptionId)] = &[
    ("3DES [RFC2451]", cipher(3)),
    ("NULL [RFC2410]", cipher(11)),
    ("AES-CBC-128 [RFC3602]", sized(12, 128)),
    ("AES-CBC-192 [RFC3602]", sized(12, 192)),
    ("AES-CBC-256 [RFC3602]", sized(12, 256)),
    ("AES-CTR-128 [RFC5930]", sized(13, 128)),
    ("AES-CTR-192 [RFC5930]", sized(13, 192)),
    ("AES-CTR-256 [RFC5930]", sized(13, 256)),
    ("AES-CCM-128 with 8 octet ICV [RFC5282]", sized(14, 128)),
    ("AES-CCM-192 with 8 octet ICV [RFC5282]", sized(14, 192)),
    ("AES-CCM-256 with 8 octet ICV [RFC5282]", sized(14, 256)),
    ("AES-CCM-128 with 12 octet ICV [RFC5282]", sized(15, 128)),
    ("AES-CCM-192 with 12 octet ICV [RFC5282]", sized(15, 192)),
    ("AES-CCM-256 with 12 octet ICV [RFC5282]", sized(15, 256)),
    ("AES-CCM-128 with 16 octet ICV [RFC5282]", sized(16, 128)),
    ("AES-CCM-192 with 16 octet ICV [RFC5282]", sized(16, 192)),
    ("AES-CCM-256 with 16 octet ICV [RFC5282]", sized(16, 256)),
    ("AES-GCM-128 with 8 octet ICV [RFC5282]", sized(18, 128)),
    ("AES-GCM-192 with 8 octet ICV [RFC5282]", sized(18, 192)),
    ("AES-GCM-256 with 8 octet ICV [RFC5282]", sized(18, 256)),
    ("AES-GCM-128 with 12 octet ICV [RFC5282]", sized(19, 128)),
    ("AES-GCM-192 with 12 octet ICV [RFC5282]", sized(19, 192)),
    ("AES-GCM-256 with 12 octet ICV [RFC5282]", sized(19, 256)),
    ("AES-GCM-128 with 16 octet ICV [RFC5282]", sized(20, 128)),
    ("AES-GCM-192 with 16 octet ICV [RFC5282]", sized(20, 192)),
    ("AES-GCM-256 with 16 octet ICV [RFC5282]", sized(20, 256)),
    ("ChaCha20-Poly1305 [RFC7634]", cipher(28)),
];

/// Integrity algorithms of `ikev2_decryption_table`; `None` leaves it to the proposal, which names
/// it where the table only tells a length.
pub const IKE_INTEGRITY: &[(&str, Option<u16>)] = &[
    ("HMAC_MD5_96 [RFC2403]", Some(1)),
    ("HMAC_SHA1_96 [RFC2404]", Some(2)),
    ("HMAC_MD5_128 [RFC4595]", Some(6)),
    ("HMAC_SHA1_160 [RFC4595]", Some(7)),
    ("HMAC_SHA2_256_128 [RFC4868]", Some(12)),
    ("HMAC_SHA2_384_192 [RFC4868]", Some(13)),
    ("HMAC_SHA2_512_256 [RFC4868]", Some(14)),
    ("NONE [RFC4306]", Some(0)),
    ("HMAC_SHA2_256_96 [draft-ietf-ipsec-ciph-sha-256-00]", None),
    ("ANY 64-bits of Authentication [No Checking]", None),
    ("ANY 96-bits of Authentication [No Checking]", None),
    ("ANY 128-bits of Authentication [No Checking]", None),
    ("ANY 160-bits of Authentication [No Checking]", None),
    ("ANY 192-bits of Authentication [No Checking]", None),
    ("ANY 256-bits of Authentication [No Checking]", None),
];

/// Ciphers of `esp_sa`: all that the name may mean. Before Wireshark 3.6 one name stood for AES-GCM
/// with checksums of any length.
pub const ESP_ENCRYPTION: &[(&str, &[u16])] = &[
    ("NULL", &[11]),
    ("TripleDES-CBC [RFC2451]", &[3]),
    ("AES-CBC [RFC3602]", &[12]),
    ("AES-CTR [RFC3686]", &[13]),
    ("DES-CBC [RFC2405]", &[2]),
    ("CAST5-CBC [RFC2144]", &[6]),
    ("BLOWFISH-CBC [RFC2451]", &[7]),
    ("TWOFISH-CBC", &[TWOFISH_CBC]),
    ("AES-GCM [RFC4106]", &[20, 19, 18]),
    ("AES-GCM with 8 octet ICV [RFC4106]", &[18]),
    ("AES-GCM with 12 octet ICV [RFC4106]", &[19]),
    ("AES-GCM with 16 octet ICV [RFC4106]", &[20]),
    (
        "AES-GCM with IIV and 16 octet ICV [RFC4106 & RFC8750]",
        &[30],
    ),
    ("ChaCha20 with Poly1305 [RFC7634]", &[28]),
    ("ChaCha20 with Poly1305 and IIV [RFC7634 & RFC8750]", &[31]),
];

/// Integrity algorithms of `esp_sa`. RIPEMD-160 (RFC 2857) has no number in IKEv2.
pub const ESP_INTEGRITY: &[(&str, IntegrityId)] = &[
    ("NULL", IntegrityId::usual(0)),
    ("HMAC-SHA-1-96 [RFC2404]", IntegrityId::usual(2)),
    (
        "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]",
        IntegrityId::cut(12, 12),
    ),
    ("HMAC-SHA-256-128 [RFC4868]", IntegrityId::usual(12)),
    ("HMAC-SHA-384-192 [RFC4868]", IntegrityId::usual(13)),
    ("HMAC-SHA-512-256 [RFC4868]", IntegrityId::usual(14)),
    ("HMAC-MD5-96 [RFC2403]", IntegrityId::usual(1)),
    ("AES-XCBC-MAC-96 [RFC3566]", IntegrityId::usual(5)),
    (
        "MAC-RIPEMD-160-96 [RFC2857]",
        IntegrityId::cut(IntegrityId::UNTOLD, 12),
    ),
    (
        "ANY 64 bit authentication [no checking]",
        IntegrityId::cut(IntegrityId::UNTOLD, 8),
    ),
    (
        "ANY 96 bit authentication [no checking]",
        IntegrityId::cut(IntegrityId::UNTOLD, 12),
    ),
    (
        "ANY 128 bit authentication [no checking]",
        IntegrityId::cut(IntegrityId::UNTOLD, 16),
    ),
    (
        "ANY 192 bit authentication [no checking]",
        IntegrityId::cut(IntegrityId::UNTOLD, 24),
    ),
    (
        "ANY 256 bit authentication [no checking]",
        IntegrityId::cut(IntegrityId::UNTOLD, 32),
    ),
];

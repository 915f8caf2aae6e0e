//! Algorithms, with the columns that sizes and judgements need.

use super::TransformType;

/// One encryption algorithm (transform type 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encryption {
    /// Transform ID.
    pub id: u16,
    /// IANA name.
    pub name: &'static str,
    /// The document that defines it.
    pub reference: &'static str,
    /// Block that the plaintext is padded to, in octets; 1 for stream and AEAD ciphers.
    pub block: u8,
    /// Octets of IV sent in each message.
    pub iv: u8,
    /// Octets of checksum that the cipher itself adds (AEAD), else 0.
    pub icv: u8,
    /// Whether it authenticates by itself.
    pub aead: bool,
    /// Key length in bits when no Key Length attribute is sent; `None` where it must be sent.
    pub fixed_key_bits: Option<u16>,
    /// Why it should no longer be used, with the RFC that says so.
    pub weak: Option<&'static str>,
}

/// One algorithm of any other kind: PRF, integrity, key exchange, sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Algorithm {
    /// Transform ID.
    pub id: u16,
    /// IANA name.
    pub name: &'static str,
    /// The document that defines it.
    pub reference: &'static str,
    /// Integrity: octets of checksum. Key exchange: octets of the initiator's public value. PRF:
    /// octets of output. Sequence numbers: 0.
    pub octets: u16,
    /// Why it should no longer be used, with the RFC that says so.
    pub weak: Option<&'static str>,
}

/// The row of an encryption algorithm.
pub fn encryption(id: u16) -> Option<&'static Encryption> {
    ENCRYPTION.iter().find(|row| row.id == id)
}

/// The row of a pseudorandom function.
pub fn prf(id: u16) -> Option<&'static Algorithm> {
    find(PRF, id)
}

/// The row of an integrity algorithm.
pub fn integrity(id: u16) -> Option<&'static Algorithm> {
    find(INTEGRITY, id)
}

/// The row of a key exchange method.
pub fn key_exchange(id: u16) -> Option<&'static Algorithm> {
    find(KEY_EXCHANGE, id)
}

/// The row of a kind of sequence numbers.
pub fn sequence_numbers(id: u16) -> Option<&'static Algorithm> {
    find(SEQUENCE_NUMBERS, id)
}

/// The name of a transform, whatever its type.
pub fn name(kind: TransformType, id: u16) -> Option<&'static str> {
    match kind {
        TransformType::ENCR => encryption(id).map(|row| row.name),
        TransformType::PRF => prf(id).map(|row| row.name),
        TransformType::INTEG => integrity(id).map(|row| row.name),
        TransformType::ESN => sequence_numbers(id).map(|row| row.name),
        TransformType::KWA => find(KEY_WRAP, id).map(|row| row.name),
        TransformType::GCAUTH => find(GROUP_CONTROLLER_AUTHENTICATION, id).map(|row| row.name),
        _ if kind.is_key_exchange() => key_exchange(id).map(|row| row.name),
        _ => None,
    }
}

/// Why a transform should no longer be used, whatever its type.
pub fn weak(kind: TransformType, id: u16) -> Option<&'static str> {
    match kind {
        TransformType::ENCR => encryption(id)?.weak,
        TransformType::PRF => prf(id)?.weak,
        TransformType::INTEG => integrity(id)?.weak,
        _ if kind.is_key_exchange() => key_exchange(id)?.weak,
        _ => None,
    }
}

/// Octets of the public value in a request and in its response.
///
/// They differ only for key encapsulation, where the initiator sends a public key and the responder
/// a ciphertext (draft-ietf-ipsecme-ikev2-mlkem, FIPS 203 table 3).
pub fn public_value_octets(id: u16) -> Option<[u16; 2]> {
    let request = key_exchange(id)?.octets;
    let response = match id {
        35 => 768,
        36 => 1088,
        _ => request,
    };
    Some([request, response])
}

fn find(table: &'static [Algorithm], id: u16) -> Option<&'static Algorithm> {
    table.iter().find(|row| row.id == id)
}

/// A cipher that needs a separate integrity algorithm.
const fn cipher(
    id: u16,
    name: &'static str,
    reference: &'static str,
    block: u8,
    iv: u8,
    fixed_key_bits: Option<u16>,
    weak: Option<&'static str>,
) -> Encryption {
    Encryption {
        id,
        name,
        reference,
        block,
        iv,
        icv: 0,
        aead: false,
        fixed_key_bits,
        weak,
    }
}

/// A cipher that authenticates by itself (RFC 5282, RFC 4106).
const fn aead(
    id: u16,
    name: &'static str,
    reference: &'static str,
    iv: u8,
    icv: u8,
    fixed_key_bits: Option<u16>,
) -> Encryption {
    Encryption {
        id,
        name,
        reference,
        block: 1,
        iv,
        icv,
        aead: true,
        fixed_key_bits,
        weak: None,
    }
}

/// An algorithm that may be used.
const fn good(id: u16, name: &'static str, reference: &'static str, octets: u16) -> Algorithm {
    Algorithm {
        id,
        name,
        reference,
        octets,
        weak: None,
    }
}

/// An algorithm that should no longer be used.
const fn bad(
    id: u16,
    name: &'static str,
    reference: &'static str,
    octets: u16,
    why: &'static str,
) -> Algorithm {
    Algorithm {
        id,
        name,
        reference,
        octets,
        weak: Some(why),
    }
}

const DES: Option<&str> =
    Some("DES keys of 56 bits can be searched: MUST NOT (RFC 8247, RFC 8221)");
const DES_OF_OLD: Option<&str> =
    Some("DES keys of 56 bits can be searched: MUST NOT (RFC 8221), deprecated (RFC 9395)");
const DEPRECATED: Option<&str> = Some("deprecated (RFC 9395)");
const TRIPLE_DES: Option<&str> =
    Some("blocks of 64 bits: no more than MAY for IKE (RFC 8247), SHOULD NOT for ESP (RFC 8221)");

/// Encryption algorithms. Keys that RFC 2451 lets vary have its default. `ENCR_NULL` is not called
/// weak: it is what it says, and ESP may use it (RFC 8221); IKE may not (RFC 7296 section 3.3.2).
pub const ENCRYPTION: &[Encryption] = &[
    cipher(1, "ENCR_DES_IV64", "RFC 7296", 8, 8, Some(64), DES_OF_OLD),
    cipher(2, "ENCR_DES", "RFC 2405", 8, 8, Some(64), DES),
    cipher(3, "ENCR_3DES", "RFC 2451", 8, 8, Some(192), TRIPLE_DES),
    cipher(4, "ENCR_RC5", "RFC 2451", 8, 8, Some(128), DEPRECATED),
    cipher(5, "ENCR_IDEA", "RFC 2451", 8, 8, Some(128), DEPRECATED),
    cipher(6, "ENCR_CAST", "RFC 2451", 8, 8, Some(128), DEPRECATED),
    cipher(7, "ENCR_BLOWFISH", "RFC 2451", 8, 8, Some(128), DEPRECATED),
    cipher(8, "ENCR_3IDEA", "RFC 7296", 8, 8, None, DEPRECATED),
    cipher(9, "ENCR_DES_IV32", "RFC 7296", 8, 4, Some(64), DES_OF_OLD),
    cipher(11, "ENCR_NULL", "RFC 2410", 1, 0, Some(0), None),
    cipher(12, "ENCR_AES_CBC", "RFC 3602", 16, 16, None, None),
    cipher(13, "ENCR_AES_CTR", "RFC 3686", 1, 8, None, None),
    aead(14, "ENCR_AES_CCM_8", "RFC 4309", 8, 8, None),
    aead(15, "ENCR_AES_CCM_12", "RFC 4309", 8, 12, None),
    aead(16, "ENCR_AES_CCM_16", "RFC 4309", 8, 16, None),
    aead(18, "ENCR_AES_GCM_8", "RFC 4106", 8, 8, None),
    aead(19, "ENCR_AES_GCM_12", "RFC 4106", 8, 12, None),
    aead(20, "ENCR_AES_GCM_16", "RFC 4106", 8, 16, None),
    aead(21, "ENCR_NULL_AUTH_AES_GMAC", "RFC 4543", 8, 16, None),
    cipher(23, "ENCR_CAMELLIA_CBC", "RFC 5529", 16, 16, None, None),
    cipher(24, "ENCR_CAMELLIA_CTR", "RFC 5529", 1, 8, None, None),
    aead(25, "ENCR_CAMELLIA_CCM_8", "RFC 5529", 8, 8, None),
    aead(26, "ENCR_CAMELLIA_CCM_12", "RFC 5529", 8, 12, None),
    aead(27, "ENCR_CAMELLIA_CCM_16", "RFC 5529", 8, 16, None),
    aead(28, "ENCR_CHACHA20_POLY1305", "RFC 7634", 8, 16, Some(256)),
    // Implicit IV: the sequence number is the IV, and none is sent (RFC 8750).
    aead(29, "ENCR_AES_CCM_8_IIV", "RFC 8750", 0, 8, None),
    aead(30, "ENCR_AES_GCM_16_IIV", "RFC 8750", 0, 16, None),
    aead(
        31,
        "ENCR_CHACHA20_POLY1305_IIV",
        "RFC 8750",
        0,
        16,
        Some(256),
    ),
    // RFC 9227 section 4: an IV of 8 octets, a checksum of 12 or 8. The sizes are known from this
    // one source only; see docs/registries.md.
    aead(
        32,
        "ENCR_KUZNYECHIK_MGM_KTREE",
        "RFC 9227",
        8,
        12,
        Some(256),
    ),
    aead(33, "ENCR_MAGMA_MGM_KTREE", "RFC 9227", 8, 8, Some(256)),
    aead(
        34,
        "ENCR_KUZNYECHIK_MGM_MAC_KTREE",
        "RFC 9227",
        8,
        12,
        Some(256),
    ),
    aead(35, "ENCR_MAGMA_MGM_MAC_KTREE", "RFC 9227", 8, 8, Some(256)),
];

/// Pseudorandom functions (transform type 2).
pub const PRF: &[Algorithm] = &[
    bad(
        1,
        "PRF_HMAC_MD5",
        "RFC 2104",
        16,
        "MD5: MUST NOT (RFC 8247)",
    ),
    good(2, "PRF_HMAC_SHA1", "RFC 2104", 20),
    bad(3, "PRF_HMAC_TIGER", "RFC 2104", 24, "deprecated (RFC 9395)"),
    good(4, "PRF_AES128_XCBC", "RFC 4434", 16),
    good(5, "PRF_HMAC_SHA2_256", "RFC 4868", 32),
    good(6, "PRF_HMAC_SHA2_384", "RFC 4868", 48),
    good(7, "PRF_HMAC_SHA2_512", "RFC 4868", 64),
    good(8, "PRF_AES128_CMAC", "RFC 4615", 16),
    good(9, "PRF_HMAC_STREEBOG_512", "RFC 9385", 64),
];

/// Integrity algorithms (transform type 3).
pub const INTEGRITY: &[Algorithm] = &[
    good(0, "NONE", "RFC 7296", 0),
    bad(
        1,
        "AUTH_HMAC_MD5_96",
        "RFC 2403",
        12,
        "MD5: MUST NOT (RFC 8247, RFC 8221)",
    ),
    good(2, "AUTH_HMAC_SHA1_96", "RFC 2404", 12),
    bad(
        3,
        "AUTH_DES_MAC",
        "RFC 7296",
        8,
        "MUST NOT (RFC 8247, RFC 8221)",
    ),
    bad(
        4,
        "AUTH_KPDK_MD5",
        "RFC 1826",
        16,
        "MD5: MUST NOT (RFC 8247, RFC 8221)",
    ),
    good(5, "AUTH_AES_XCBC_96", "RFC 3566", 12),
    bad(
        6,
        "AUTH_HMAC_MD5_128",
        "RFC 4595",
        16,
        "deprecated (RFC 9395)",
    ),
    bad(
        7,
        "AUTH_HMAC_SHA1_160",
        "RFC 4595",
        20,
        "deprecated (RFC 9395)",
    ),
    good(8, "AUTH_AES_CMAC_96", "RFC 4494", 12),
    good(9, "AUTH_AES_128_GMAC", "RFC 4543", 16),
    good(10, "AUTH_AES_192_GMAC", "RFC 4543", 16),
    good(11, "AUTH_AES_256_GMAC", "RFC 4543", 16),
    good(12, "AUTH_HMAC_SHA2_256_128", "RFC 4868", 16),
    good(13, "AUTH_HMAC_SHA2_384_192", "RFC 4868", 24),
    good(14, "AUTH_HMAC_SHA2_512_256", "RFC 4868", 32),
];

const SMALL_SUBGROUP: &str = "small subgroups of unexplained choice: SHOULD NOT (RFC 8247)";

/// Key exchange methods (transform type 4, and the additional ones 6 to 12).
pub const KEY_EXCHANGE: &[Algorithm] = &[
    good(0, "NONE", "RFC 7296", 0),
    bad(
        1,
        "768-bit MODP Group",
        "RFC 7296",
        96,
        "768 bits: MUST NOT (RFC 8247)",
    ),
    bad(
        2,
        "1024-bit MODP Group",
        "RFC 7296",
        128,
        "1024 bits: SHOULD NOT (RFC 8247)",
    ),
    bad(
        5,
        "1536-bit MODP Group",
        "RFC 3526",
        192,
        "1536 bits: SHOULD NOT (RFC 8247)",
    ),
    good(14, "2048-bit MODP Group", "RFC 3526", 256),
    good(15, "3072-bit MODP Group", "RFC 3526", 384),
    good(16, "4096-bit MODP Group", "RFC 3526", 512),
    good(17, "6144-bit MODP Group", "RFC 3526", 768),
    good(18, "8192-bit MODP Group", "RFC 3526", 1024),
    good(19, "256-bit random ECP group", "RFC 5903", 64),
    good(20, "384-bit random ECP group", "RFC 5903", 96),
    good(21, "521-bit random ECP group", "RFC 5903", 132),
    bad(
        22,
        "1024-bit MODP Group with 160-bit Prime Order Subgroup",
        "RFC 5114",
        128,
        "1024 bits and a small subgroup: MUST NOT (RFC 8247)",
    ),
    bad(
        23,
        "2048-bit MODP Group with 224-bit Prime Order Subgroup",
        "RFC 5114",
        256,
        SMALL_SUBGROUP,
    ),
    bad(
        24,
        "2048-bit MODP Group with 256-bit Prime Order Subgroup",
        "RFC 5114",
        256,
        SMALL_SUBGROUP,
    ),
    good(25, "192-bit Random ECP Group", "RFC 5114", 48),
    good(26, "224-bit Random ECP Group", "RFC 5114", 56),
    good(27, "brainpoolP224r1", "RFC 6954", 56),
    good(28, "brainpoolP256r1", "RFC 6954", 64),
    good(29, "brainpoolP384r1", "RFC 6954", 96),
    good(30, "brainpoolP512r1", "RFC 6954", 128),
    good(31, "Curve25519", "RFC 8031", 32),
    good(32, "Curve448", "RFC 8031", 56),
    good(33, "GOST3410_2012_256", "RFC 9385", 64),
    good(34, "GOST3410_2012_512", "RFC 9385", 128),
    good(35, "ml-kem-512", "draft-ietf-ipsecme-ikev2-mlkem", 800),
    good(36, "ml-kem-768", "draft-ietf-ipsecme-ikev2-mlkem", 1184),
    good(37, "ml-kem-1024", "draft-ietf-ipsecme-ikev2-mlkem", 1568),
];

/// Sequence number kinds (transform type 5, RFC 9827).
pub const SEQUENCE_NUMBERS: &[Algorithm] = &[
    good(0, "32-bit Sequential Numbers", "RFC 9827", 0),
    good(
        1,
        "Partially Transmitted 64-bit Sequential Numbers",
        "RFC 9827",
        0,
    ),
    good(2, "32-bit Unspecified Numbers", "RFC 9827", 0),
];

/// Key wrap algorithms (transform type 13, RFC 9838).
const KEY_WRAP: &[Algorithm] = &[
    good(1, "KW_5649_128", "RFC 9838", 0),
    good(2, "KW_5649_192", "RFC 9838", 0),
    good(3, "KW_5649_256", "RFC 9838", 0),
    good(4, "KW_ARX", "RFC 9838", 0),
];

/// How a group controller is authenticated (transform type 14, RFC 9838).
const GROUP_CONTROLLER_AUTHENTICATION: &[Algorithm] = &[
    good(1, "Implicit", "RFC 9838", 0),
    good(2, "Digital Signature", "RFC 9838", 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn every_table() -> [&'static [Algorithm]; 6] {
        [
            PRF,
            INTEGRITY,
            KEY_EXCHANGE,
            SEQUENCE_NUMBERS,
            KEY_WRAP,
            GROUP_CONTROLLER_AUTHENTICATION,
        ]
    }

    #[test]
    fn ids_go_up_and_so_are_unique() {
        for table in every_table() {
            assert!(table.windows(2).all(|pair| pair[0].id < pair[1].id));
        }
        assert!(ENCRYPTION.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    /// Names and documents of every row, by table.
    fn every_row() -> Vec<Vec<(&'static str, &'static str)>> {
        let ciphers = ENCRYPTION.iter().map(|row| (row.name, row.reference));
        let others = every_table().map(|table| {
            let rows = table.iter().map(|row| (row.name, row.reference));
            rows.collect()
        });
        core::iter::once(ciphers.collect()).chain(others).collect()
    }

    #[test]
    fn every_row_has_a_document_and_a_name_of_its_own() {
        for rows in every_row() {
            let names: std::collections::HashSet<_> = rows.iter().map(|row| row.0).collect();
            assert_eq!(names.len(), rows.len(), "{rows:?}");
            for (name, reference) in rows {
                let known = ["RFC ", "draft-"]
                    .iter()
                    .any(|kind| reference.starts_with(kind));
                assert!(known && !name.is_empty(), "{name} {reference}");
            }
        }
    }

    #[test]
    fn a_point_on_a_curve_is_two_coordinates_and_those_of_rfc_8031_one() {
        for row in KEY_EXCHANGE {
            let digits =
                |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
            let (_, after) = row.name.split_once(['P', '_']).unwrap_or_default();
            let (bits, coordinates) = match row.name {
                name if name.contains("ECP") => (digits(name), 2),
                // What follows the size is the curve of that size.
                name if name.starts_with("brainpool") => {
                    let (bits, _) = after.split_once('r').unwrap();
                    (bits.to_owned(), 2)
                }
                name if name.starts_with("GOST") => {
                    (after.rsplit('_').next().unwrap().to_owned(), 2)
                }
                "Curve25519" => ("256".into(), 1),
                "Curve448" => ("448".into(), 1),
                _ => continue,
            };
            let octets = bits.parse::<u16>().unwrap().div_ceil(8) * coordinates;
            assert_eq!(row.octets, octets, "{}", row.name);
        }
    }

    #[test]
    fn a_verdict_of_weakness_cites_its_rfc() {
        let whys = every_table()
            .into_iter()
            .flatten()
            .filter_map(|row| row.weak)
            .chain(ENCRYPTION.iter().filter_map(|row| row.weak));
        for why in whys {
            assert!(why.contains("RFC "), "{why}");
        }
    }

    #[test]
    fn only_ciphers_that_authenticate_carry_a_checksum_and_none_of_them_pads() {
        for row in ENCRYPTION {
            assert_eq!(row.aead, row.icv > 0, "{}", row.name);
            assert!(!row.aead || row.block == 1, "{}", row.name);
        }
    }

    #[test]
    fn a_modp_public_value_is_as_long_as_its_prime() {
        for row in KEY_EXCHANGE {
            if let Some((bits, _)) = row.name.split_once("-bit MODP") {
                assert_eq!(Some(row.octets * 8), bits.parse().ok(), "{}", row.name);
            }
        }
    }

    #[test]
    fn additional_key_exchanges_are_named_from_the_key_exchange_table() {
        for kind in (4..=12).filter(|kind| *kind != 5).map(TransformType) {
            assert_eq!(name(kind, 36), Some("ml-kem-768"), "{kind}");
        }
        assert_eq!(name(TransformType::ENCR, 20), Some("ENCR_AES_GCM_16"));
        assert_eq!(
            name(TransformType::ESN, 0),
            Some("32-bit Sequential Numbers")
        );
        assert_eq!(name(TransformType(99), 1), None);
    }

    #[test]
    fn key_encapsulation_answers_with_a_ciphertext_of_its_own_size() {
        assert_eq!(public_value_octets(35), Some([800, 768]));
        assert_eq!(public_value_octets(36), Some([1184, 1088]));
        assert_eq!(public_value_octets(37), Some([1568, 1568]));
        assert_eq!(public_value_octets(31), Some([32, 32]));
    }
}

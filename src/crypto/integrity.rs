//! Integrity algorithms by transform ID (type 3), each under its key.

use super::KeyError;
use super::combined::IV_OCTETS;
use super::gmac::{Gmac, TAG_OCTETS};
use super::mac::{Keyed, MacKind};
use crate::registry::TransformType;
use crate::registry::transform::{Algorithm, integrity};
use std::fmt;
use subtle::ConstantTimeEq;

/// An integrity algorithm under its key, which is expanded once.
pub struct Integrity {
    row: &'static Algorithm,
    code: Code,
    icv_octets: usize,
}

enum Code {
    Mac(Box<dyn Keyed>),
    Gmac(Gmac),
}

/// Octets of the shortest checksum that is taken: a shorter one proves nothing.
const ICV_MIN: usize = 8;

/// Octets of the salt at the end of a key of GMAC (RFC 4543 section 5.3).
const GMAC_SALT: usize = 4;

impl Integrity {
    /// The algorithm of a transform ID (type 3). `icv_octets` is given where a sender cuts the
    /// checksum to another length than the registry's, as some do with SHA2-256 to 96 bits; of
    /// HMAC, XCBC and CMAC alone.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the algorithm is not at hand, the key is not of its one length (RFC 2403,
    /// RFC 2404, RFC 3566, RFC 4868), or the checksum cannot have this one.
    pub fn new(id: u16, icv_octets: Option<usize>, key: &[u8]) -> Result<Self, KeyError> {
        let unsupported = KeyError::Unsupported {
            kind: TransformType::INTEG,
            id,
        };
        let row = integrity(id).ok_or(unsupported.clone())?;
        let kind = kind(id).ok_or(unsupported.clone())?;
        let (key_octets, full) = match kind {
            Kind::Mac(mac) => (mac.octets(), mac.octets()),
            Kind::Gmac { key_octets } => (key_octets + GMAC_SALT, TAG_OCTETS),
        };
        if key.len() != key_octets {
            return Err(KeyError::Length {
                algorithm: row.name,
                expected: vec![key_octets],
                actual: key.len(),
            });
        }
        let usual = usize::from(row.octets);
        let cut = icv_octets.unwrap_or(usual);
        let possible = match kind {
            Kind::Mac(_) => ICV_MIN..=full,
            Kind::Gmac { .. } => full..=full,
        };
        if !possible.contains(&cut) {
            return Err(KeyError::Icv {
                algorithm: row.name,
                octets: cut,
            });
        }
        let (code, icv_octets) = match kind {
            Kind::Mac(mac) => (Code::Mac(mac.keyed(key)), cut),
            Kind::Gmac { key_octets } => {
                let (key, salt) = key.split_at_checked(key_octets).unwrap_or_default();
                let gmac = Gmac::new(key, salt).ok_or(unsupported)?;
                (Code::Gmac(gmac), IV_OCTETS + TAG_OCTETS)
            }
        };
        Ok(Self {
            row,
            code,
            icv_octets,
        })
    }

    /// Octets of key material that an algorithm takes, salt included; `None` if it is not at hand.
    pub fn key_octets(id: u16) -> Option<usize> {
        Some(match kind(id)? {
            Kind::Mac(mac) => mac.octets(),
            Kind::Gmac { key_octets } => key_octets + GMAC_SALT,
        })
    }

    /// The transform ID.
    pub fn id(&self) -> u16 {
        self.row.id
    }

    /// The IANA name.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// Whether it is a GMAC, which carries an IV and is for AH alone.
    pub(super) fn is_gmac(&self) -> bool {
        matches!(self.code, Code::Gmac(_))
    }

    /// Octets of the field that holds the checksum. With GMAC its IV is the beginning of it
    /// (RFC 4543 section 4).
    pub fn icv_octets(&self) -> usize {
        self.icv_octets
    }

    /// Whether `icv` is the checksum of the slices, one after another. The time taken does not tell
    /// where it differs. For AH the slices hold the packet with what may change and the checksum
    /// itself set to zero (RFC 4302 section 3.3.3), and the high half of a sequence number of 64
    /// bits after them (section 3.3.3.2.2).
    pub fn verify(&self, parts: &[&[u8]], icv: &[u8]) -> bool {
        if icv.len() != self.icv_octets {
            return false;
        }
        match &self.code {
            Code::Mac(mac) => {
                let code = mac.of(parts);
                let cut = code.as_slice().get(..icv.len()).unwrap_or_default();
                cut.ct_eq(icv).into()
            }
            Code::Gmac(gmac) => icv
                .split_first_chunk()
                .is_some_and(|(iv, tag)| gmac.verify(iv, parts, tag)),
        }
    }
}

/// Its name, never its key.
impl fmt::Debug for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Integrity({}, {} octets)",
            self.row.name, self.icv_octets
        )
    }
}

/// What an algorithm is made of.
#[derive(Clone, Copy)]
enum Kind {
    Mac(MacKind),
    /// Octets of the key without its salt.
    Gmac {
        key_octets: usize,
    },
}

fn kind(id: u16) -> Option<Kind> {
    Some(match id {
        1 | 6 => Kind::Mac(MacKind::HmacMd5),
        2 | 7 => Kind::Mac(MacKind::HmacSha1),
        5 => Kind::Mac(MacKind::AesXcbc),
        8 => Kind::Mac(MacKind::AesCmac),
        9 => Kind::Gmac { key_octets: 16 },
        10 => Kind::Gmac { key_octets: 24 },
        11 => Kind::Gmac { key_octets: 32 },
        12 => Kind::Mac(MacKind::HmacSha2_256),
        13 => Kind::Mac(MacKind::HmacSha2_384),
        14 => Kind::Mac(MacKind::HmacSha2_512),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// Algorithm, checksum length where it is not the usual one, key, data, checksum.
    type Case = (u16, Option<usize>, Vec<u8>, Vec<u8>, &'static str);

    fn every_case() -> Vec<Case> {
        let hi = || b"Hi There".to_vec();
        let jefe = || b"what do ya want for nothing?".to_vec();
        let up_to = |octets: u8| (0..octets).collect::<Vec<u8>>();
        let cmac_key = || hex("2b7e151628aed2a6abf7158809cf4f3c");
        let cmac_data = |octets: usize| {
            hex(
                "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                 30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
            )[..octets]
                .to_vec()
        };
        let gmac_key = |octets: u8| [up_to(octets), hex("a0a1a2a3")].concat();
        vec![
            // RFC 2202, cut as RFC 2403 and RFC 2404 say, and in full.
            (1, None, vec![0x0b; 16], hi(), "9294727a3638bb1c13f48ef8"),
            (
                6,
                None,
                vec![0x0b; 16],
                hi(),
                "9294727a3638bb1c13f48ef8158bfc9d",
            ),
            (2, None, vec![0x0b; 20], hi(), "b617318655057264e28bc0b6"),
            (
                7,
                None,
                vec![0x0b; 20],
                hi(),
                "b617318655057264e28bc0b6fb378c8ef146be00",
            ),
            // RFC 3566 section 4.6.
            (5, None, up_to(16), vec![], "75f0251d528ac01c4573dfd5"),
            (5, None, up_to(16), up_to(3), "5b376580ae2f19afe7219cee"),
            (5, None, up_to(16), up_to(16), "d2a246fa349b68a79998a439"),
            (5, None, up_to(16), up_to(20), "47f51b4564966215b8985c63"),
            (5, None, up_to(16), up_to(32), "f54f0ec8d2b9f3d36807734b"),
            (5, None, up_to(16), up_to(34), "becbb3bccdb518a30677d548"),
            (
                5,
                None,
                up_to(16),
                vec![0; 1000],
                "f0dafee895db30253761103b",
            ),
            // RFC 4494 section 3.1.
            (
                8,
                None,
                cmac_key(),
                cmac_data(0),
                "bb1d6929e95937287fa37d12",
            ),
            (
                8,
                None,
                cmac_key(),
                cmac_data(16),
                "070a16b46b4d4144f79bdd9d",
            ),
            (
                8,
                None,
                cmac_key(),
                cmac_data(40),
                "dfa66747de9ae63030ca3261",
            ),
            (
                8,
                None,
                cmac_key(),
                cmac_data(64),
                "51f0bebf7e3b9d92fc497417",
            ),
            // RFC 4868 section 2.7.2.
            (
                12,
                None,
                vec![0x0b; 32],
                hi(),
                "198a607eb44bfbc69903a0f1cf2bbdc5",
            ),
            (
                12,
                None,
                b"Jefe".repeat(8),
                jefe(),
                "167f928588c5cc2eef8e3093caa0e87c",
            ),
            (
                13,
                None,
                vec![0x0b; 48],
                hi(),
                "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973",
            ),
            (
                13,
                None,
                b"Jefe".repeat(12),
                jefe(),
                "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d",
            ),
            (
                14,
                None,
                vec![0x0b; 64],
                hi(),
                "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8",
            ),
            (
                14,
                None,
                b"Jefe".repeat(16),
                jefe(),
                "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454",
            ),
            // SHA2-256 as Linux cut it before RFC 4868.
            (
                12,
                Some(12),
                vec![0x0b; 32],
                hi(),
                "198a607eb44bfbc69903a0f1",
            ),
            // GMAC as OpenSSL gives it, behind its IV: RFC 4543 has no vectors.
            (
                9,
                None,
                gmac_key(16),
                up_to(77),
                "10111213141516171088d2dff905f302f198095a8956056e",
            ),
            (
                10,
                None,
                gmac_key(24),
                up_to(77),
                "1011121314151617c051477d53f907c8f6280bdb9ac883de",
            ),
            (
                11,
                None,
                gmac_key(32),
                up_to(77),
                "101112131415161753a17aabcefa17e9032ca7c31d7a276a",
            ),
        ]
    }

    #[test]
    fn every_algorithm_gives_the_checksums_of_its_rfc() {
        for (id, octets, key, data, icv) in every_case() {
            let integrity = Integrity::new(id, octets, &key).unwrap();
            let icv = hex(icv);
            assert_eq!(integrity.icv_octets(), icv.len(), "{integrity:?}");
            let (head, tail) = data.split_at(data.len() / 3);
            assert!(integrity.verify(&[&data], &icv), "{integrity:?}");
            assert!(integrity.verify(&[head, &[], tail], &icv), "{integrity:?}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_fails() {
        for (id, octets, key, data, icv) in every_case() {
            let integrity = Integrity::new(id, octets, &key).unwrap();
            let mut both = [data.clone(), hex(icv)].concat();
            for bit in 0..both.len() * 8 {
                both[bit / 8] ^= 1 << (bit % 8);
                let (data, icv) = both.split_at(data.len());
                assert!(!integrity.verify(&[data], icv), "{integrity:?}, bit {bit}");
                both[bit / 8] ^= 1 << (bit % 8);
            }
            let icv = hex(icv);
            let longer = [&icv[..], &[0]].concat();
            for wrong in [&icv[1..], &icv[..icv.len() - 1], &[], &longer] {
                assert!(!integrity.verify(&[&data], wrong), "{integrity:?}");
            }
            assert!(!integrity.verify(&[&data, &[0]], &icv), "{integrity:?}");
        }
    }

    #[test]
    fn every_algorithm_has_a_case_and_one_length_of_key() {
        for row in crate::registry::transform::INTEGRITY {
            match Integrity::new(row.id, None, &[0; 99]) {
                Err(KeyError::Length { expected, .. }) => {
                    let integrity = Integrity::new(row.id, None, &vec![7; expected[0]]).unwrap();
                    assert_eq!(
                        integrity.icv_octets() - if integrity.is_gmac() { IV_OCTETS } else { 0 },
                        usize::from(row.octets),
                    );
                    assert!(every_case().iter().any(|case| case.0 == row.id));
                }
                other => assert_eq!(
                    other.unwrap_err(),
                    KeyError::Unsupported {
                        kind: TransformType::INTEG,
                        id: row.id,
                    }
                ),
            }
        }
    }

    #[test]
    fn a_checksum_is_cut_no_shorter_than_proves_something() {
        let cut = |id, octets, key: usize| {
            Integrity::new(id, Some(octets), &vec![1; key]).map(|made| made.icv_octets())
        };
        assert_eq!(cut(12, 8, 32), Ok(8));
        assert_eq!(cut(12, 32, 32), Ok(32));
        assert_eq!(cut(9, 16, 20), Ok(24));
        for (id, octets, key) in [(12, 0, 32), (12, 7, 32), (12, 33, 32), (9, 12, 20)] {
            assert!(matches!(cut(id, octets, key), Err(KeyError::Icv { .. })));
        }
    }
}

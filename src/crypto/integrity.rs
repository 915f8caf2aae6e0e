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

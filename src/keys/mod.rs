//! Keys that users bring: what the files of several programs say, in one form.
//!
//! A [`KeyRing`] is plain data. Whether a key fits is found out by whoever tries it.
//!
//! [`load`] reads files and folders; [`KEY_FORMATS`] are the formats, each of which knows its files
//! by their content.

pub(crate) mod files;
mod fold;
pub(crate) mod format;
pub(crate) mod lengths;
pub(crate) mod names;
pub(crate) mod problem;
mod text;

#[cfg(test)]
mod testing;

pub use files::{LoadError, load};
pub use format::{KEY_FORMATS, KeyFormat, Written, read};
pub use problem::Problem;

use crate::crypto::Secret;
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use std::fmt;
use std::net::IpAddr;

/// All keys that were found, in the order of the files and of the lines in them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyRing {
    /// Keys of IKEv1 SAs.
    pub ikev1: Vec<Ikev1Keys>,
    /// Keys of IKEv2 SAs.
    pub ikev2: Vec<Ikev2Keys>,
    /// Keys of ESP and AH SAs, one direction each.
    pub esp: Vec<EspKeys>,
}

impl KeyRing {
    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows there are, of all kinds.
    pub fn len(&self) -> usize {
        self.ikev1.len() + self.ikev2.len() + self.esp.len()
    }
}

/// Where a key was found.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    /// The file, as it was named.
    pub file: String,
    /// The line that names it first, from 1.
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An encryption algorithm, as far as a key file tells it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct EncryptionId {
    /// Transform ID of the IKEv2 registry (type 1), whatever the version.
    pub id: u16,
    /// Key length in bits, without salt; `None` where the file leaves it to the key.
    pub key_bits: Option<u16>,
}

/// Keys of an IKEv2 SA (RFC 7296 section 2.14). `None` is what the file does not tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ikev2Keys {
    /// Which IKE SA. An SPI of zero, which no SA has (RFC 7296 section 3.1), is one that the file
    /// does not tell: see [`Ikev2Keys::may_be_of`].
    pub spis: IkeSpis,
    /// The cipher; `None` leaves it to the proposal that the capture shows.
    pub encryption: Option<EncryptionId>,
    /// Integrity algorithm, a transform ID (type 3); 0 is none, as with AEAD ciphers.
    pub integrity: Option<u16>,
    /// PRF, a transform ID (type 2).
    pub prf: Option<u16>,
    /// What the keys of child SAs and of rekeyed IKE SAs are derived from.
    pub sk_d: Option<Secret>,
    /// Integrity of what the initiator sends.
    pub sk_ai: Option<Secret>,
    /// Integrity of what the responder sends.
    pub sk_ar: Option<Secret>,
    /// Encryption of what the initiator sends, the salt of AEAD and counter modes at its end.
    pub sk_ei: Option<Secret>,
    /// Encryption of what the responder sends.
    pub sk_er: Option<Secret>,
    /// AUTH of the initiator.
    pub sk_pi: Option<Secret>,
    /// AUTH of the responder.
    pub sk_pr: Option<Secret>,
    /// Where it was found.
    pub origin: Origin,
}

impl Ikev2Keys {
    /// Keys of an SA of which nothing else is known yet.
    pub fn new(spis: IkeSpis, origin: Origin) -> Self {
        Self {
            spis,
            encryption: None,
            integrity: None,
            prf: None,
            sk_d: None,
            sk_ai: None,
            sk_ar: None,
            sk_ei: None,
            sk_er: None,
            sk_pi: None,
            sk_pr: None,
            origin,
        }
    }

    /// Whether they may be those of this SA: the SPIs that the file tells are the same. Where it
    /// tells none, as logs do of rekeyed SAs, only trying them shows it.
    pub fn may_be_of(&self, spis: IkeSpis) -> bool {
        may_be(self.spis.initiator, spis.initiator) && may_be(self.spis.responder, spis.responder)
    }
}

/// Whether a told SPI, zero for none, may be this one.
fn may_be(told: IkeSpi, spi: IkeSpi) -> bool {
    told.is_zero() || told == spi
}

/// Keys of an IKEv1 SA (RFC 2409 section 5 and appendix B). `None` is what the file does not tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ikev1Keys {
    /// The initiator's cookie; zero, which no SA has (RFC 2408 section 2.5.3), where the file does
    /// not tell it.
    pub initiator: IkeSpi,
    /// The responder's cookie.
    pub responder: Option<IkeSpi>,
    /// The key of the cipher, stretched from SKEYID_e where that is too short.
    pub encryption_key: Option<Secret>,
    /// The root of the others.
    pub skeyid: Option<Secret>,
    /// What keys of phase 2 are derived from.
    pub skeyid_d: Option<Secret>,
    /// What HASH payloads after phase 1 are made with.
    pub skeyid_a: Option<Secret>,
    /// What the key of the cipher is made from.
    pub skeyid_e: Option<Secret>,
    /// Where it was found.
    pub origin: Origin,
}

impl Ikev1Keys {
    /// Keys of an SA of which nothing else is known yet.
    pub fn new(initiator: IkeSpi, origin: Origin) -> Self {
        Self {
            initiator,
            responder: None,
            encryption_key: None,
            skeyid: None,
            skeyid_d: None,
            skeyid_a: None,
            skeyid_e: None,
            origin,
        }
    }

    /// Whether they may be those of this SA: the cookies that the file tells are the same.
    pub fn may_be_of(&self, spis: IkeSpis) -> bool {
        may_be(self.initiator, spis.initiator)
            && self.responder.is_none_or(|told| told == spis.responder)
    }
}

/// Which addresses an ESP or AH key is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AddressPattern {
    /// Any, of any family.
    Any,
    /// Any IPv4 address.
    AnyV4,
    /// Any IPv6 address.
    AnyV6,
    /// Those of a prefix: its address and length in bits.
    Prefix(IpAddr, u8),
    /// This one.
    One(IpAddr),
}

/// Which SPIs an ESP or AH key is for: those that are equal where `mask` has ones.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SpiPattern {
    /// The digits that count.
    pub spi: EspSpi,
    /// All ones for one SPI; zero for any.
    pub mask: u32,
}

impl SpiPattern {
    /// The pattern of one SPI.
    pub fn one(spi: EspSpi) -> Self {
        Self {
            spi,
            mask: u32::MAX,
        }
    }

    /// Whether it is for this SPI.
    pub fn fits(self, spi: EspSpi) -> bool {
        (self.spi.0 ^ spi.0) & self.mask == 0
    }
}

/// An integrity algorithm of ESP or AH, as far as a key file tells it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct IntegrityId {
    /// Transform ID of the IKEv2 registry (type 3); 0 is none, [`IntegrityId::UNTOLD`] one that
    /// nobody can check.
    pub id: u16,
    /// Octets of the checksum where they differ from the registry's, as with SHA2-256 cut to 96
    /// bits.
    pub icv_octets: Option<u8>,
}

impl IntegrityId {
    /// Stands for an algorithm of which only the length of the checksum is known, or that IKEv2 has
    /// no number for; of the private range, where it cannot be mistaken for another.
    pub const UNTOLD: u16 = u16::MAX;

    /// The algorithm of a transform ID, with its usual checksum.
    pub const fn usual(id: u16) -> Self {
        Self {
            id,
            icv_octets: None,
        }
    }

    /// An algorithm whose checksum is cut to so many octets.
    pub const fn cut(id: u16, icv_octets: u8) -> Self {
        Self {
            id,
            icv_octets: Some(icv_octets),
        }
    }
}

/// Keys of one direction of an ESP or AH SA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EspKeys {
    /// Whether it is AH, not ESP.
    pub ah: bool,
    /// Which sender, as the file tells it. A gateway behind a NAT knows itself by another address
    /// than the capture may show; the SPI and the checksum decide.
    pub from: AddressPattern,
    /// Which receiver; as for the sender.
    pub to: AddressPattern,
    /// Which SPI.
    pub spi: SpiPattern,
    /// The cipher. AH has none.
    pub encryption: Option<EncryptionId>,
    /// Its key, the salt of AEAD and counter modes at its end.
    pub encryption_key: Secret,
    /// The integrity algorithm; `None` where the file does not tell.
    pub integrity: Option<IntegrityId>,
    /// Its key.
    pub integrity_key: Secret,
    /// Whether sequence numbers are extended (RFC 4304); `None` where the file does not tell.
    pub esn: Option<bool>,
    /// Where it was found.
    pub origin: Origin,
}

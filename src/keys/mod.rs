//! Keys that users bring: what the files of several programs say, in one form.
//!
//! A [`KeyRing`] is plain data. Whether a key fits is found out by whoever tries it.

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
    /// Which IKE SA.
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

/// Keys of an IKEv1 SA (RFC 2409 section 5 and appendix B). `None` is what the file does not tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ikev1Keys {
    /// The initiator's cookie.
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
    /// Transform ID of the IKEv2 registry (type 3); 0 is none.
    pub id: u16,
    /// Octets of the checksum where they differ from the registry's, as with SHA2-256 cut to 96
    /// bits.
    pub icv_octets: Option<u8>,
}

/// Keys of one direction of an ESP or AH SA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EspKeys {
    /// Whether it is AH, not ESP.
    pub ah: bool,
    /// Which sender.
    pub from: AddressPattern,
    /// Which receiver.
    pub to: AddressPattern,
    /// Which SPI.
    pub spi: SpiPattern,
    /// The cipher. AH has none.
    pub encryption: Option<EncryptionId>,
    /// Its key, the salt of AEAD and counter modes at its end.
    pub encryption_key: Secret,
    /// The integrity algorithm; `None` where the file does not tell, as when it says "any of 96
    /// bits".
    pub integrity: Option<IntegrityId>,
    /// Its key.
    pub integrity_key: Secret,
    /// Whether sequence numbers are extended (RFC 4304); `None` where the file does not tell.
    pub esn: Option<bool>,
    /// Where it was found.
    pub origin: Origin,
}

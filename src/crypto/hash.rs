//! Hashes without a key: the IVs of IKEv1 and its NAT detection (RFC 2409 appendix B).

use crate::registry::ikev1::HashV1;
use md5::Md5;
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384, Sha512};

/// A hash function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha2_256,
    /// FIPS 180-4.
    Sha2_384,
    /// FIPS 180-4.
    Sha2_512,
}

impl Hash {
    /// The hash that phase 1 of IKEv1 negotiated; `None` for one that is not at hand.
    pub fn ikev1(id: HashV1) -> Option<Self> {
        match id {
            HashV1::MD5 => Some(Self::Md5),
            HashV1::SHA => Some(Self::Sha1),
            HashV1::SHA2_256 => Some(Self::Sha2_256),
            HashV1::SHA2_384 => Some(Self::Sha2_384),
            HashV1::SHA2_512 => Some(Self::Sha2_512),
            _ => None,
        }
    }

    /// The hash of the slices, one after another.
    pub fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => digest::<Md5>(parts).to_vec(),
            Self::Sha1 => digest::<Sha1>(parts).to_vec(),
            Self::Sha2_256 => digest::<Sha256>(parts).to_vec(),
            Self::Sha2_384 => digest::<Sha384>(parts).to_vec(),
            Self::Sha2_512 => digest::<Sha512>(parts).to_vec(),
        }
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Output<D> {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize()
}

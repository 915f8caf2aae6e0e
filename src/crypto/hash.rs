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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    #[test]
    fn a_hash_is_that_of_its_standard() {
        // RFC 1321 section A.5, FIPS 180-4 and its examples.
        for (id, abc) in [
            (HashV1::MD5, "900150983cd24fb0d6963f7d28e17f72"),
            (HashV1::SHA, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                HashV1::SHA2_256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashV1::SHA2_384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                HashV1::SHA2_512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let hash = Hash::ikev1(id).unwrap();
            assert_eq!(hash.of(&[b"abc"]), hex(abc), "{hash:?}");
            assert_eq!(hash.of(&[b"a", b"", b"bc"]), hex(abc), "{hash:?}");
        }
        assert_eq!(Hash::ikev1(HashV1::TIGER), None);
    }
}

//! Message authentication codes over several slices, under a key that is expanded once.

use super::blocks::BLOCK;
use super::xcbc::Xcbc;
use aes::Aes128;
use cmac::Cmac;
use hmac::digest::Digest;
use hmac::digest::common::Key;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The functions that PRFs and integrity algorithms are made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MacKind {
    HmacMd5,
    HmacSha1,
    HmacSha2_256,
    HmacSha2_384,
    HmacSha2_512,
    /// RFC 3566, key of 128 bits.
    AesXcbc,
    /// RFC 4493, key of 128 bits.
    AesCmac,
}

impl MacKind {
    /// Octets of the whole code. They are also the octets that IKE and ESP give it as a key.
    pub(super) fn octets(self) -> usize {
        match self {
            Self::HmacMd5 => <Md5 as Digest>::output_size(),
            Self::HmacSha1 => <Sha1 as Digest>::output_size(),
            Self::HmacSha2_256 => <Sha256 as Digest>::output_size(),
            Self::HmacSha2_384 => <Sha384 as Digest>::output_size(),
            Self::HmacSha2_512 => <Sha512 as Digest>::output_size(),
            Self::AesXcbc | Self::AesCmac => BLOCK,
        }
    }

    /// With its key, of any length. HMAC hashes one that is longer than its block; the functions of
    /// AES bring one that is not of 128 bits to that length as RFC 4434 and RFC 4615 say.
    pub(super) fn keyed(self, key: &[u8]) -> Box<dyn Keyed> {
        match self {
            Self::HmacMd5 => Box::new(hmac::<Md5>(key)),
            Self::HmacSha1 => Box::new(hmac::<Sha1>(key)),
            Self::HmacSha2_256 => Box::new(hmac::<Sha256>(key)),
            Self::HmacSha2_384 => Box::new(hmac::<Sha384>(key)),
            Self::HmacSha2_512 => Box::new(hmac::<Sha512>(key)),
            Self::AesXcbc => Box::new(Xcbc::new(&xcbc_key(key))),
            Self::AesCmac => Box::new(cmac(&cmac_key(key))),
        }
    }
}

/// A function under its key.
pub(super) trait Keyed: Send + Sync {
    /// The code of the slices, one after another.
    fn of(&self, parts: &[&[u8]]) -> Code;
}

impl<M: Mac + Clone + Send + Sync> Keyed for M {
    fn of(&self, parts: &[&[u8]]) -> Code {
        let mut mac = self.clone();
        parts.iter().for_each(|part| mac.update(part));
        Code::new(&mac.finalize().into_bytes())
    }
}

impl Keyed for Xcbc {
    fn of(&self, parts: &[&[u8]]) -> Code {
        Code::new(&Xcbc::of(self, parts))
    }
}

/// Octets of the longest code, that of HMAC-SHA2-512.
const CODE_MAX: usize = 64;

/// A code in its full length. It may be a key, so it is wiped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Code {
    octets: [u8; CODE_MAX],
    length: usize,
}

impl Code {
    fn new(code: &[u8]) -> Self {
        let mut octets = [0; CODE_MAX];
        fill(&mut octets, code);
        Self {
            octets,
            length: code.len().min(CODE_MAX),
        }
    }

    /// The octets.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

/// A key as long as the block is taken as it is, a shorter one is followed by zeros, a longer one is
/// hashed first (RFC 2104 section 2).
fn hmac<D: EagerHash + Digest>(key: &[u8]) -> Hmac<D> {
    let mut block = Key::<Hmac<D>>::default();
    if key.len() > block.len() {
        fill(&mut block, &D::digest(key));
    } else {
        fill(&mut block, key);
    }
    let hmac = <Hmac<D> as KeyInit>::new(&block);
    block.zeroize();
    hmac
}

fn cmac(key: &[u8; BLOCK]) -> Cmac<Aes128> {
    <Cmac<Aes128> as KeyInit>::new(key.into())
}

/// A shorter key is followed by zeros, a longer one goes through the function itself under a key of
/// zeros (RFC 4434 section 2).
fn xcbc_key(key: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    if key.len() > BLOCK {
        return Zeroizing::new(Xcbc::new(&[0; BLOCK]).of(&[key]));
    }
    let mut fitted = Zeroizing::new([0; BLOCK]);
    fill(fitted.as_mut_slice(), key);
    fitted
}

/// A shorter or longer key goes through the function itself under a key of zeros (RFC 4615
/// section 3).
fn cmac_key(key: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    Zeroizing::new(match key.try_into() {
        Ok(key) => key,
        Err(_) => cmac(&[0; BLOCK])
            .chain_update(key)
            .finalize()
            .into_bytes()
            .into(),
    })
}

fn fill(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

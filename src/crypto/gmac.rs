//! AES-GMAC: the code of AES-GCM over octets that stay in clear (RFC 4543).

use super::Secret;
use super::blocks::{BLOCK, each_but_last};
use super::combined::{Combined, IV_OCTETS};
use aes::cipher::{Block, BlockCipherEncrypt, BlockSizeUser, KeyInit, consts::U16};
use aes::{Aes128, Aes192, Aes256};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Octets of the code.
pub(super) const TAG_OCTETS: usize = 16;

/// The code under its key.
pub(super) struct Gmac {
    cipher: Box<dyn EncryptBlock>,
    ghash: GHash,
    salt: Secret,
}

impl Gmac {
    /// With a key of AES and the salt of 4 octets; `None` if AES has no key of that length.
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Option<Self> {
        let cipher: Box<dyn EncryptBlock> = match key.len() {
            16 => Box::new(Aes128::new_from_slice(key).ok()?),
            24 => Box::new(Aes192::new_from_slice(key).ok()?),
            32 => Box::new(Aes256::new_from_slice(key).ok()?),
            _ => return None,
        };
        let mut subkey = [0; BLOCK];
        cipher.encrypt(&mut subkey);
        let ghash = GHash::new(&subkey.into());
        subkey.zeroize();
        Some(Self {
            cipher,
            ghash,
            salt: salt.into(),
        })
    }

    /// Whether `tag` is the code of the slices, one after another.
    pub(super) fn verify(&self, iv: &[u8; IV_OCTETS], parts: &[&[u8]], tag: &[u8]) -> bool {
        self.tag(iv, parts).ct_eq(tag).into()
    }

    /// GCM without a plaintext (NIST SP 800-38D section 7.1).
    fn tag(&self, iv: &[u8; IV_OCTETS], parts: &[&[u8]]) -> [u8; TAG_OCTETS] {
        let mut ghash = self.ghash.clone();
        let rest = each_but_last(parts, |block| ghash.update(&[(*block).into()]));
        if rest.filled() > 0 {
            ghash.update(&[rest.padded().into()]);
        }
        let bits = parts
            .iter()
            .map(|part| part.len() as u128 * 8)
            .sum::<u128>();
        // The length of the plaintext, none, stands in the lower half.
        ghash.update(&[(bits << 64).to_be_bytes().into()]);

        // The counter starts with 1 behind a nonce of 96 bits.
        let counter = [0, 0, 0, 1];
        let first = self.salt.expose().iter().chain(iv).chain(&counter);
        let mut tag = [0; TAG_OCTETS];
        tag.iter_mut().zip(first).for_each(|(to, from)| *to = *from);
        self.cipher.encrypt(&mut tag);
        let hashed = ghash.finalize();
        tag.iter_mut()
            .zip(hashed)
            .for_each(|(to, from)| *to ^= from);
        tag
    }
}

/// As ESP uses it: the IV and the payload are covered like the header before them (RFC 4543
/// section 3).
impl Combined for Gmac {
    fn open(&self, iv: &[u8; IV_OCTETS], aad: &[u8], text: &mut [u8], icv: &[u8]) -> bool {
        self.verify(iv, &[aad, iv, text], icv)
    }

    fn decrypt(&self, _: &[u8; IV_OCTETS], _: &mut [u8]) {}
}

/// AES with a key of any of its lengths.
trait EncryptBlock: Send + Sync {
    fn encrypt(&self, block: &mut [u8; BLOCK]);
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> EncryptBlock for C {
    fn encrypt(&self, block: &mut [u8; BLOCK]) {
        self.encrypt_block(Block::<C>::cast_from_core_mut(block));
    }
}

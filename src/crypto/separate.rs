//! Ciphers that need an integrity algorithm beside them: CBC, CTR and NULL.

use super::Secret;
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser,
    InnerIvInit, StreamCipherCore,
};
use cbc::Decryptor;
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;

/// A cipher that does not check, under its key.
pub(super) trait Separate: Send + Sync {
    /// Turns the ciphertext into plaintext, in place. Says whether it could: the IV must have its
    /// length, and the text must be whole blocks.
    fn decrypt(&self, iv: &[u8], text: &mut [u8]) -> bool;
}

/// NULL (RFC 2410).
pub(super) struct Null;

impl Separate for Null {
    fn decrypt(&self, _: &[u8], _: &mut [u8]) -> bool {
        true
    }
}

/// Cipher block chaining (RFC 2451, RFC 3602).
pub(super) struct Cbc<C>(pub(super) C);

impl<C: BlockCipherDecrypt + Send + Sync> Separate for Cbc<C> {
    fn decrypt(&self, iv: &[u8], text: &mut [u8]) -> bool {
        let (blocks, rest) = Block::<C>::slice_as_chunks_mut(text);
        let Ok(iv) = <&Block<C>>::try_from(iv) else {
            return false;
        };
        if !rest.is_empty() {
            return false;
        }
        Decryptor::inner_iv_init(&self.0, iv).decrypt_blocks(blocks);
        true
    }
}

/// Counter mode (RFC 3686, RFC 5528).
pub(super) struct Ctr<C> {
    cipher: C,
    /// The last octets of the key material.
    nonce: Secret,
}

impl<C> Ctr<C> {
    pub(super) fn new(cipher: C, nonce: &[u8]) -> Self {
        Self {
            cipher,
            nonce: nonce.into(),
        }
    }
}

impl<C> Separate for Ctr<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync,
{
    fn decrypt(&self, iv: &[u8], text: &mut [u8]) -> bool {
        // Nonce, IV, and a counter that starts with 1 (RFC 3686 section 4).
        let one = [0, 0, 0, 1];
        let octets = self.nonce.expose().iter().chain(iv).chain(&one);
        let mut first = Array::<u8, U16>::default();
        first
            .iter_mut()
            .zip(octets)
            .for_each(|(to, from)| *to = *from);
        CtrCore::<_, Ctr32BE>::inner_iv_init(&self.cipher, &first)
            .try_apply_keystream_partial(text.into())
            .is_ok()
    }
}

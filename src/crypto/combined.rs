//! Ciphers that check by themselves: GCM, CCM and ChaCha20-Poly1305.

use super::Secret;
use aead::{AeadInOut, Nonce, Tag};

/// Octets of the IV of a message, with every one of these ciphers. Where it is implicit it is not
/// sent (RFC 8750).
pub(super) const IV_OCTETS: usize = 8;

/// A cipher that checks by itself, under its key.
pub(super) trait Combined: Send + Sync {
    /// Checks the code and turns the ciphertext into plaintext, in place. If the code is wrong, what
    /// is left in place means nothing.
    fn open(&self, iv: &[u8; IV_OCTETS], aad: &[u8], text: &mut [u8], icv: &[u8]) -> bool;

    /// Turns the ciphertext into what would be the plaintext, in place, and checks nothing.
    fn decrypt(&self, iv: &[u8; IV_OCTETS], text: &mut [u8]);
}

/// A cipher whose nonce is the salt, the last octets of the key material, and the IV (RFC 4106
/// section 4, RFC 4309 section 4, RFC 7634 section 2).
pub(super) struct Salted<A> {
    cipher: A,
    salt: Secret,
}

impl<A: AeadInOut> Salted<A> {
    /// The salt and the IV must fill the nonce.
    pub(super) fn new(cipher: A, salt: &[u8]) -> Self {
        Self {
            cipher,
            salt: salt.into(),
        }
    }

    fn nonce(&self, iv: &[u8; IV_OCTETS]) -> Nonce<A> {
        let mut nonce = Nonce::<A>::default();
        let octets = self.salt.expose().iter().chain(iv);
        nonce
            .iter_mut()
            .zip(octets)
            .for_each(|(to, from)| *to = *from);
        nonce
    }
}

impl<A: AeadInOut + Send + Sync> Combined for Salted<A> {
    fn open(&self, iv: &[u8; IV_OCTETS], aad: &[u8], text: &mut [u8], icv: &[u8]) -> bool {
        <&Tag<A>>::try_from(icv).is_ok_and(|tag| {
            self.cipher
                .decrypt_inout_detached(&self.nonce(iv), aad, text.into(), tag)
                .is_ok()
        })
    }

    fn decrypt(&self, iv: &[u8; IV_OCTETS], text: &mut [u8]) {
        // All of them add a stream of octets, so encrypting takes it away again. It fails only for
        // texts of gigabytes, which no packet holds.
        let _ = self
            .cipher
            .encrypt_inout_detached(&self.nonce(iv), &[], text.into());
    }
}

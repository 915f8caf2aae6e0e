//! AES-XCBC-MAC with a key of 128 bits (RFC 3566 section 4).

use super::blocks::{BLOCK, each_but_last};
use aes::Aes128;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The MAC with its three keys.
pub(super) struct Xcbc {
    /// Under K1.
    cipher: Aes128,
    last: LastKeys,
}

/// What the last block is mixed with.
#[derive(Zeroize, ZeroizeOnDrop)]
struct LastKeys {
    /// K2, where the last block is whole.
    whole: [u8; BLOCK],
    /// K3, where it had to be padded.
    padded: [u8; BLOCK],
}

impl Xcbc {
    /// Derives K1, K2 and K3.
    pub(super) fn new(key: &[u8; BLOCK]) -> Self {
        let cipher = Aes128::new(key.into());
        let derived = |octet: u8| {
            let mut block = Block::<Aes128>::from([octet; BLOCK]);
            cipher.encrypt_block(&mut block);
            <[u8; BLOCK]>::from(block)
        };
        let mut k1 = derived(1);
        let xcbc = Self {
            cipher: Aes128::new(&k1.into()),
            last: LastKeys {
                whole: derived(2),
                padded: derived(3),
            },
        };
        k1.zeroize();
        xcbc
    }

    /// The MAC of the slices, one after another, in its full length.
    pub(super) fn of(&self, parts: &[&[u8]]) -> [u8; BLOCK] {
        let mut state = Block::<Aes128>::default();
        let rest = each_but_last(parts, |block| {
            mix(&mut state, block);
            self.cipher.encrypt_block(&mut state);
        });
        mix(&mut state, &rest.padded());
        if rest.filled() == BLOCK {
            mix(&mut state, &self.last.whole);
        } else {
            if let Some(octet) = state.get_mut(rest.filled()) {
                *octet ^= 0x80;
            }
            mix(&mut state, &self.last.padded);
        }
        self.cipher.encrypt_block(&mut state);
        state.into()
    }
}

fn mix(state: &mut Block<Aes128>, with: &[u8; BLOCK]) {
    state
        .iter_mut()
        .zip(with)
        .for_each(|(to, from)| *to ^= from);
}

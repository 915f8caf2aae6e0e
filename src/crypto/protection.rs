//! One direction of an SA: opens what IKE and ESP seal.

use super::cipher::Mode;
use super::combined::IV_OCTETS;
use super::{Cipher, Integrity, KeyError};
use std::fmt;
use thiserror::Error;

/// The algorithms of one direction of an SA under their keys, which are expanded once. It has no
/// state: packets may be opened in any order and by several threads.
pub struct Protection {
    cipher: Cipher,
    check: Check,
}

enum Check {
    /// The cipher itself, or nothing (RFC 4303 section 3.3.2.1: no integrity service).
    Cipher,
    Integrity(Integrity),
    /// Nobody; the checksum is so long.
    Unchecked(usize),
}

/// Why something was not opened. It tells no more than a receiver would.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum OpenError {
    /// It ends before its IV, one octet of ciphertext and its checksum.
    #[error("too short")]
    TooShort,
    /// The ciphertext is not a whole number of the cipher's blocks.
    #[error("not whole blocks")]
    NotABlock,
    /// The checksum is wrong: another key, or changed on its way.
    #[error("the checksum is wrong")]
    Integrity,
}

impl Protection {
    /// Opens what its checksum proves. Without an integrity algorithm a cipher that does not check
    /// by itself protects no integrity, and there is no checksum.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the cipher checks by itself and there is an integrity algorithm,
    /// or if that one is GMAC, which is for AH.
    pub fn new(cipher: Cipher, integrity: Option<Integrity>) -> Result<Self, KeyError> {
        let check = match integrity {
            None => Check::Cipher,
            Some(integrity) if cipher.is_aead() || integrity.is_gmac() => {
                return Err(KeyError::Mismatch {
                    encryption: cipher.name(),
                    integrity: integrity.name(),
                });
            }
            Some(integrity) => Check::Integrity(integrity),
        };
        Ok(Self { cipher, check })
    }

    /// Decrypts and believes: for want of the integrity key, or of the end of a packet that was cut
    /// short. The checksum of `icv_octets` is passed over. What it gives may be anything.
    pub fn unchecked(cipher: Cipher, icv_octets: usize) -> Self {
        Self {
            cipher,
            check: Check::Unchecked(icv_octets),
        }
    }

    /// Whether opening proves nothing: checksums are passed over, or there are none.
    pub fn is_unchecked(&self) -> bool {
        match self.check {
            Check::Cipher => !self.cipher.is_aead(),
            Check::Integrity(_) => false,
            Check::Unchecked(_) => true,
        }
    }

    /// Octets of IV in each message; 0 with an implicit one.
    pub fn iv_octets(&self) -> usize {
        self.cipher.iv_octets()
    }

    /// Octets of the checksum at the end of each message.
    pub fn icv_octets(&self) -> usize {
        match &self.check {
            Check::Cipher => self.cipher.icv_octets(),
            Check::Integrity(integrity) => integrity.icv_octets(),
            Check::Unchecked(octets) => *octets,
        }
    }

    /// Octets that the ciphertext is a multiple of; 1 for ciphers that make a stream.
    pub fn block(&self) -> usize {
        self.cipher.block()
    }

    /// Opens the body of an SK or SKF payload. `aad` is the message from the IKE header up to and
    /// including the generic header of the payload, and of SKF its fragment numbers too; `sealed` is
    /// what follows: IV, ciphertext and checksum (RFC 7296 section 3.14, RFC 5282 section 5.1,
    /// RFC 7383 section 2.5). `text` is overwritten with the inner payloads, the padding and its
    /// length; nothing is left in it on an error.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_ike(&self, aad: &[u8], sealed: &[u8], text: &mut Vec<u8>) -> Result<(), OpenError> {
        // IKE has no implicit IVs (RFC 8750 section 6), but something must stand for one.
        self.open(aad, aad, sealed, [0; IV_OCTETS], &[], text)
    }

    /// Opens an ESP packet: SPI, sequence number, IV, ciphertext and checksum (RFC 4303 section 2).
    /// `high` is the high half of an extended sequence number, which is not sent but checked: after
    /// the packet (RFC 4303 section 2.2.1), or with a cipher that checks by itself before the low
    /// half (RFC 4106 section 5, RFC 4309 section 5, RFC 7634 section 2.1). `text` is overwritten
    /// with the payload, the padding, its length and the next header; nothing is left in it on an
    /// error.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_esp(
        &self,
        packet: &[u8],
        high: Option<u32>,
        text: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        text.clear();
        let Some((head, sealed)) = packet.split_first_chunk::<8>() else {
            return Err(OpenError::TooShort);
        };
        let [s0, s1, s2, s3, n0, n1, n2, n3] = *head;
        let [h0, h1, h2, h3] = high.unwrap_or_default().to_be_bytes();
        let extended = [s0, s1, s2, s3, h0, h1, h2, h3, n0, n1, n2, n3];
        // RFC 8750 section 4: the sequence number, extended with zeros where it has 32 bits.
        let implicit = [h0, h1, h2, h3, n0, n1, n2, n3];
        match high {
            Some(_) => self.open(head, &extended, sealed, implicit, &[h0, h1, h2, h3], text),
            None => self.open(head, head, sealed, implicit, &[], text),
        }
    }

    /// Opens IV, ciphertext and checksum. A separate algorithm checks `head`, all but the checksum,
    /// and `tail`; a cipher checks `aad` and the ciphertext.
    fn open(
        &self,
        head: &[u8],
        aad: &[u8],
        sealed: &[u8],
        implicit: [u8; IV_OCTETS],
        tail: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        text.clear();
        let (iv, ciphertext, icv) = self.split(sealed).ok_or(OpenError::TooShort)?;
        if !ciphertext.len().is_multiple_of(self.block()) {
            return Err(OpenError::NotABlock);
        }
        if let Check::Integrity(integrity) = &self.check
            && !integrity.verify(&[head, iv, ciphertext, tail], icv)
        {
            return Err(OpenError::Integrity);
        }
        text.extend_from_slice(ciphertext);
        let opened = match &self.cipher.mode {
            Mode::Separate(cipher) => cipher.decrypt(iv, text),
            Mode::Combined(cipher) => {
                let iv = iv.try_into().unwrap_or(&implicit);
                if matches!(self.check, Check::Unchecked(_)) {
                    cipher.decrypt(iv, text);
                    true
                } else {
                    cipher.open(iv, aad, text, icv)
                }
            }
        };
        if opened {
            Ok(())
        } else {
            text.clear();
            Err(OpenError::Integrity)
        }
    }

    /// IV, ciphertext and checksum; `None` if there is no ciphertext.
    fn split<'s>(&self, sealed: &'s [u8]) -> Option<(&'s [u8], &'s [u8], &'s [u8])> {
        let (iv, rest) = sealed.split_at_checked(self.iv_octets())?;
        let octets = rest.len().checked_sub(self.icv_octets())?;
        let (ciphertext, icv) = rest.split_at_checked(octets)?;
        (!ciphertext.is_empty()).then_some((iv, ciphertext, icv))
    }
}

/// Its algorithms, never its keys.
impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protection({}", self.cipher.name())?;
        match &self.check {
            Check::Cipher => write!(f, ")"),
            Check::Integrity(integrity) => write!(f, ", {})", integrity.name()),
            Check::Unchecked(octets) => write!(f, ", {octets} octets unchecked)"),
        }
    }
}

//! Ciphers by transform ID (type 1), each under its key.

use super::combined::{Combined, Salted};
use super::gmac::Gmac;
use super::separate::{Cbc, Ctr, Null, Separate};
use super::{KeyError, OpenError};
use crate::registry::TransformType;
use crate::registry::transform::{Encryption, encryption};
use aead::AeadInOut;
use aes::cipher::consts::{U8, U11, U12, U16};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use blowfish::Blowfish;
use camellia::{Camellia128, Camellia192, Camellia256};
use cast5::Cast5;
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;
use des::{Des, TdesEde3};
use std::fmt;

/// A cipher under its key, which is expanded once.
pub struct Cipher {
    row: &'static Encryption,
    pub(super) mode: Mode,
}

/// How it protects.
pub(super) enum Mode {
    /// Another algorithm must check.
    Separate(Box<dyn Separate>),
    /// It checks by itself.
    Combined(Box<dyn Combined>),
}

impl Cipher {
    /// The cipher of a transform ID (type 1). The key is the whole key material: the salt of
    /// counter modes, GCM and ChaCha20 (4 octets) or of CCM (3 octets) is its end. `key_bits` is
    /// the Key Length attribute; without one, or where the cipher has one length alone, the key
    /// tells.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the cipher is not at hand or the key is not one of its.
    pub fn new(id: u16, key_bits: Option<u16>, key: &[u8]) -> Result<Self, KeyError> {
        let unsupported = KeyError::Unsupported {
            kind: TransformType::ENCR,
            id,
        };
        let row = encryption(id).ok_or(unsupported.clone())?;
        let lengths = key_octets(row.name).ok_or(unsupported.clone())?;
        let salt = salt_octets(row.name);
        let expected: Vec<usize> = lengths
            .iter()
            .filter(|octets| {
                lengths.len() == 1 || key_bits.is_none_or(|bits| usize::from(bits) == *octets * 8)
            })
            .map(|octets| octets + salt)
            .collect();
        match key_bits {
            Some(bits) if expected.is_empty() => {
                return Err(KeyError::KeyBits {
                    algorithm: row.name,
                    bits,
                });
            }
            _ if !expected.contains(&key.len()) => {
                return Err(KeyError::Length {
                    algorithm: row.name,
                    expected,
                    actual: key.len(),
                });
            }
            _ => {}
        }
        let (key, salt) = key.split_at_checked(key.len() - salt).unwrap_or_default();
        let mode = mode(row, key, salt).ok_or(unsupported)?;
        Ok(Self { row, mode })
    }

    /// Octets of key material that a cipher takes, salt included; `None` if it is not at hand, or
    /// has keys of several lengths and `key_bits` does not say which.
    pub fn key_octets(id: u16, key_bits: Option<u16>) -> Option<usize> {
        let row = encryption(id)?;
        let lengths = key_octets(row.name)?;
        let octets = match (lengths.as_slice(), key_bits) {
            ([one], _) => one,
            (several, Some(bits)) => several
                .iter()
                .find(|octets| *octets * 8 == usize::from(bits))?,
            (_, None) => return None,
        };
        Some(octets + salt_octets(row.name))
    }

    /// The transform ID.
    pub fn id(&self) -> u16 {
        self.row.id
    }

    /// The IANA name.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// Octets of IV in each message; 0 with an implicit one.
    pub fn iv_octets(&self) -> usize {
        self.row.iv.into()
    }

    /// Octets of the checksum that the cipher itself adds; 0 if it does not check.
    pub fn icv_octets(&self) -> usize {
        self.row.icv.into()
    }

    /// Octets that the ciphertext is a multiple of; 1 for ciphers that make a stream.
    pub fn block(&self) -> usize {
        self.row.block.into()
    }

    /// Whether it checks by itself.
    pub fn is_aead(&self) -> bool {
        self.row.aead
    }

    /// Decrypts what nothing protects by itself, as the body of an IKEv1 message with an IV from
    /// outside (RFC 2409 appendix B). Nothing is checked. `text` is overwritten; its end is the
    /// padding, if there is any. The IV of the message that follows is the last block of this
    /// ciphertext, which is given back.
    ///
    /// # Errors
    ///
    /// [`OpenError::TooShort`] if there is no ciphertext, [`OpenError::NotABlock`] if it or the IV
    /// is not whole blocks, or if the cipher is not one that chains blocks.
    pub fn decrypt_cbc<'c>(
        &self,
        iv: &[u8],
        ciphertext: &'c [u8],
        text: &mut Vec<u8>,
    ) -> Result<&'c [u8], OpenError> {
        text.clear();
        let last = match ciphertext.len().checked_sub(self.block()) {
            _ if ciphertext.is_empty() => return Err(OpenError::TooShort),
            Some(at) if self.block() > 1 => ciphertext.get(at..).unwrap_or_default(),
            _ => return Err(OpenError::NotABlock),
        };
        text.extend_from_slice(ciphertext);
        match &self.mode {
            Mode::Separate(cipher) if cipher.decrypt(iv, text) => Ok(last),
            _ => {
                text.clear();
                Err(OpenError::NotABlock)
            }
        }
    }
}

/// Its name, never its key.
impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher({})", self.row.name)
    }
}

/// The lengths of keys in octets, without the salt. Those of CAST and Blowfish are of RFC 2451
/// section 2.2.
fn key_octets(name: &str) -> Option<Vec<usize>> {
    Some(match name {
        "ENCR_NULL" => vec![0],
        "ENCR_DES" => vec![8],
        "ENCR_3DES" => vec![24],
        "ENCR_CAST" => (5..=16).collect(),
        "ENCR_BLOWFISH" => (5..=56).collect(),
        "ENCR_CHACHA20_POLY1305" | "ENCR_CHACHA20_POLY1305_IIV" => vec![32],
        _ if name.contains("_AES_") || name.contains("_CAMELLIA_") => vec![16, 24, 32],
        _ => return None,
    })
}

/// Octets at the end of the key material that are no key: the nonce of RFC 3686 section 4, the salt
/// of RFC 4106 section 8.1, RFC 4309 section 7.1, RFC 4543 section 5.3 and RFC 7634 section 2.
fn salt_octets(name: &str) -> usize {
    match name {
        _ if name.contains("_CCM_") => 3,
        _ if ["_CTR", "_GCM_", "_GMAC", "_CHACHA20_"]
            .iter()
            .any(|mode| name.contains(mode)) =>
        {
            4
        }
        _ => 0,
    }
}

/// The mode with its key, whose length has been looked at.
fn mode(row: &Encryption, key: &[u8], salt: &[u8]) -> Option<Mode> {
    let name = row.name;
    match (name, key.len()) {
        ("ENCR_NULL", _) => Some(Mode::Separate(Box::new(Null))),
        ("ENCR_DES", _) => cbc::<Des>(key),
        ("ENCR_3DES", _) => cbc::<TdesEde3>(key),
        ("ENCR_CAST", _) => cbc::<Cast5>(key),
        ("ENCR_BLOWFISH", _) => cbc::<Blowfish>(key),
        ("ENCR_AES_CBC", 16) => cbc::<Aes128>(key),
        ("ENCR_AES_CBC", 24) => cbc::<Aes192>(key),
        ("ENCR_AES_CBC", 32) => cbc::<Aes256>(key),
        ("ENCR_CAMELLIA_CBC", 16) => cbc::<Camellia128>(key),
        ("ENCR_CAMELLIA_CBC", 24) => cbc::<Camellia192>(key),
        ("ENCR_CAMELLIA_CBC", 32) => cbc::<Camellia256>(key),
        ("ENCR_AES_CTR", 16) => ctr::<Aes128>(key, salt),
        ("ENCR_AES_CTR", 24) => ctr::<Aes192>(key, salt),
        ("ENCR_AES_CTR", 32) => ctr::<Aes256>(key, salt),
        ("ENCR_CAMELLIA_CTR", 16) => ctr::<Camellia128>(key, salt),
        ("ENCR_CAMELLIA_CTR", 24) => ctr::<Camellia192>(key, salt),
        ("ENCR_CAMELLIA_CTR", 32) => ctr::<Camellia256>(key, salt),
        ("ENCR_NULL_AUTH_AES_GMAC", _) => Some(Mode::Combined(Box::new(Gmac::new(key, salt)?))),
        ("ENCR_CHACHA20_POLY1305" | "ENCR_CHACHA20_POLY1305_IIV", _) => {
            combined::<ChaCha20Poly1305>(key, salt)
        }
        _ if name.starts_with("ENCR_AES_GCM_") => match key.len() {
            16 => gcm::<Aes128>(row.icv, key, salt),
            24 => gcm::<Aes192>(row.icv, key, salt),
            _ => gcm::<Aes256>(row.icv, key, salt),
        },
        _ if name.starts_with("ENCR_AES_CCM_") => match key.len() {
            16 => ccm::<Aes128>(row.icv, key, salt),
            24 => ccm::<Aes192>(row.icv, key, salt),
            _ => ccm::<Aes256>(row.icv, key, salt),
        },
        _ if name.starts_with("ENCR_CAMELLIA_CCM_") => match key.len() {
            16 => ccm::<Camellia128>(row.icv, key, salt),
            24 => ccm::<Camellia192>(row.icv, key, salt),
            _ => ccm::<Camellia256>(row.icv, key, salt),
        },
        _ => None,
    }
}

fn cbc<C>(key: &[u8]) -> Option<Mode>
where
    C: KeyInit + BlockCipherDecrypt + Send + Sync + 'static,
{
    let cipher = Cbc(C::new_from_slice(key).ok()?);
    Some(Mode::Separate(Box::new(cipher)))
}

fn ctr<C: Block128>(key: &[u8], nonce: &[u8]) -> Option<Mode> {
    let cipher = Ctr::new(C::new_from_slice(key).ok()?, nonce);
    Some(Mode::Separate(Box::new(cipher)))
}

fn gcm<C: Block128>(icv: u8, key: &[u8], salt: &[u8]) -> Option<Mode> {
    match icv {
        8 => combined::<AesGcm<C, U12, U8>>(key, salt),
        12 => combined::<AesGcm<C, U12, U12>>(key, salt),
        16 => combined::<AesGcm<C, U12, U16>>(key, salt),
        _ => None,
    }
}

fn ccm<C: Block128>(icv: u8, key: &[u8], salt: &[u8]) -> Option<Mode> {
    match icv {
        8 => combined::<Ccm<C, U8, U11>>(key, salt),
        12 => combined::<Ccm<C, U12, U11>>(key, salt),
        16 => combined::<Ccm<C, U16, U11>>(key, salt),
        _ => None,
    }
}

fn combined<A>(key: &[u8], salt: &[u8]) -> Option<Mode>
where
    A: KeyInit + AeadInOut + Send + Sync + 'static,
{
    let cipher = Salted::new(A::new_from_slice(key).ok()?, salt);
    Some(Mode::Combined(Box::new(cipher)))
}

/// A cipher of blocks of 128 bits.
trait Block128:
    KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync + 'static
{
}

impl<C> Block128 for C where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync + 'static
{
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// What is sealed with 3DES under the octets 0 to 23 with an IV of 0 to 7 by OpenSSL: the
    /// octets 0 to 31.
    const SEALED: &str = "894bc3085426a441f27f73ae26abbf74bd8aed47a8d26334ef7fb5aa2551c31f";

    fn up_to(octets: u8) -> Vec<u8> {
        (0..octets).collect()
    }

    #[test]
    fn the_body_of_an_ikev1_message_gives_its_text_and_the_iv_that_follows() {
        let cipher = Cipher::new(3, None, &up_to(24)).unwrap();
        let sealed = hex(SEALED);
        let mut text = vec![9; 99];
        let last = cipher.decrypt_cbc(&up_to(8), &sealed, &mut text);
        assert_eq!(last, Ok(&sealed[24..]));
        assert_eq!(text, up_to(32));

        // A body in two pieces is the same chain.
        let last = cipher.decrypt_cbc(&up_to(8), &sealed[..16], &mut text);
        assert_eq!(text, up_to(32)[..16]);
        cipher
            .decrypt_cbc(last.unwrap(), &sealed[16..], &mut text)
            .unwrap();
        assert_eq!(text, up_to(32)[16..]);
    }

    #[test]
    fn what_is_no_chain_of_blocks_is_not_decrypted() {
        let sealed = hex(SEALED);
        let open = |id, key: usize, iv: &[u8], sealed: &[u8]| {
            let cipher = Cipher::new(id, None, &vec![1; key]).unwrap();
            let mut text = vec![9; 99];
            let opened = cipher.decrypt_cbc(iv, sealed, &mut text).unwrap_err();
            assert!(text.is_empty());
            opened
        };
        assert_eq!(open(3, 24, &[0; 8], &[]), OpenError::TooShort);
        assert_eq!(open(3, 24, &[0; 8], &sealed[..7]), OpenError::NotABlock);
        assert_eq!(open(3, 24, &[0; 8], &sealed[..31]), OpenError::NotABlock);
        assert_eq!(open(3, 24, &[0; 16], &sealed), OpenError::NotABlock);
        assert_eq!(open(12, 16, &[0; 8], &sealed), OpenError::NotABlock);
        for (id, key) in [(11, 0), (13, 20), (20, 20), (28, 36)] {
            assert_eq!(open(id, key, &[0; 8], &sealed), OpenError::NotABlock);
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_with_what_was_expected() {
        let refused = |id, bits, octets: usize| {
            Cipher::new(id, bits, &vec![0; octets])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(20, Some(256), 32),
            "ENCR_AES_GCM_16 takes a key of 36 octets, not 32"
        );
        assert_eq!(
            refused(16, None, 20),
            "ENCR_AES_CCM_16 takes a key of 19, 27 or 35 octets, not 20"
        );
        assert_eq!(
            refused(12, Some(512), 64),
            "ENCR_AES_CBC has no key of 512 bits"
        );
        assert_eq!(
            refused(7, None, 57),
            "ENCR_BLOWFISH takes a key of 5 to 56 octets, not 57"
        );
        assert_eq!(
            refused(3, Some(192), 0),
            "ENCR_3DES takes a key of 24 octets, not 0"
        );
        assert!(refused(5, None, 16).ends_with("5 cannot be opened"));
        assert!(refused(999, None, 16).ends_with("999 cannot be opened"));
        // A length that the cipher has alone needs no attribute, and no false one disturbs it.
        assert!(Cipher::new(3, Some(168), &[0; 24]).is_ok());
        assert!(Cipher::new(28, None, &[0; 36]).is_ok());
    }

    #[test]
    fn a_cipher_does_not_show_its_key() {
        let cipher = Cipher::new(12, Some(128), &[0xab; 16]).unwrap();
        assert_eq!(format!("{cipher:?}"), "Cipher(ENCR_AES_CBC)");
    }
}

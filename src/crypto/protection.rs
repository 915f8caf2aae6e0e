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

    /// Whether a right checksum proves the key of the cipher, too. One beside the cipher has a key of its
    /// own, and tells nothing of the other; without encryption there is none.
    pub(crate) fn proves_cipher(&self) -> bool {
        self.cipher.is_aead() || Cipher::key_octets(self.cipher.id(), None) == Some(0)
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
        // RFC 8750 keeps implicit IVs out of IKE. Whoever sent one is opened with zeros, or not.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// What is sealed.
    #[derive(Debug)]
    enum Sealed {
        Esp(Vec<u8>),
        Ike(Vec<u8>, Vec<u8>),
    }

    /// One block of `openings.txt`.
    struct Case {
        about: String,
        cipher: (u16, u16, Vec<u8>),
        integrity: Option<(u16, usize, Vec<u8>)>,
        high: Option<u32>,
        sealed: Sealed,
        text: Vec<u8>,
    }

    impl Case {
        fn read(block: &str) -> Self {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name))?;
                line.strip_prefix(' ').map(|rest| rest.split(' ').collect())
            };
            let octets = |name: &str| Some(hex(field(name).map(|f: Vec<&str>| f[0])?));
            let key = |f: &[&str]| f.get(2).map(|key| hex(key)).unwrap_or_default();
            let cipher: Vec<&str> = field("cipher").unwrap();
            Self {
                about: block.to_owned(),
                cipher: (
                    cipher[0].parse().unwrap(),
                    cipher[1].parse().unwrap(),
                    key(&cipher),
                ),
                integrity: field("integrity")
                    .map(|f: Vec<&str>| (f[0].parse().unwrap(), f[1].parse().unwrap(), key(&f))),
                high: octets("high").map(|high| u32::from_be_bytes(high.try_into().unwrap())),
                sealed: match octets("esp") {
                    Some(packet) => Sealed::Esp(packet),
                    None => Sealed::Ike(octets("ike").unwrap(), octets("sealed").unwrap()),
                },
                text: octets("text").unwrap(),
            }
        }

        fn cipher(&self) -> Cipher {
            let (id, bits, key) = &self.cipher;
            let cipher = Cipher::new(*id, Some(*bits), key).unwrap();
            let told = Cipher::new(*id, None, key).unwrap();
            assert_eq!(cipher.iv_octets(), told.iv_octets());
            cipher
        }

        fn protection(&self) -> Protection {
            let integrity = self
                .integrity
                .as_ref()
                .map(|(id, octets, key)| Integrity::new(*id, Some(*octets), key).unwrap());
            Protection::new(self.cipher(), integrity).unwrap()
        }
    }

    impl Sealed {
        fn open(
            &self,
            protection: &Protection,
            high: Option<u32>,
        ) -> (Result<(), OpenError>, Vec<u8>) {
            let mut text = b"what was there before".to_vec();
            let opened = match self {
                Self::Esp(packet) => protection.open_esp(packet, high, &mut text),
                Self::Ike(aad, sealed) => protection.open_ike(aad, sealed, &mut text),
            };
            (opened, text)
        }

        /// All octets but those that are no longer there.
        fn cut(&self, octets: usize) -> Self {
            match self {
                Self::Esp(packet) => Self::Esp(packet[..octets].to_vec()),
                Self::Ike(aad, sealed) => Self::Ike(aad.clone(), sealed[..octets].to_vec()),
            }
        }

        fn len(&self) -> usize {
            match self {
                Self::Esp(octets) | Self::Ike(_, octets) => octets.len(),
            }
        }

        /// The same with one bit of all that is protected turned over.
        fn flipped(&self) -> Vec<Self> {
            let flips = |octets: &[u8]| -> Vec<Vec<u8>> {
                (0..octets.len() * 8)
                    .map(|bit| {
                        let mut octets = octets.to_vec();
                        octets[bit / 8] ^= 1 << (bit % 8);
                        octets
                    })
                    .collect()
            };
            match self {
                Self::Esp(packet) => flips(packet).into_iter().map(Self::Esp).collect(),
                Self::Ike(aad, sealed) => flips(aad)
                    .into_iter()
                    .map(|aad| Self::Ike(aad, sealed.clone()))
                    .chain(
                        flips(sealed)
                            .into_iter()
                            .map(|sealed| Self::Ike(aad.clone(), sealed)),
                    )
                    .collect(),
            }
        }
    }

    fn every_case() -> impl Iterator<Item = Case> {
        include_str!("openings.txt")
            .split("\n\n")
            .filter(|block| block.contains("\ntext "))
            .map(Case::read)
    }

    #[test]
    fn what_is_sealed_by_others_opens() {
        let texts = include_str!("openings.txt").matches("\ntext ").count();
        assert_eq!(every_case().count(), texts);
        for case in every_case() {
            let (opened, text) = case.sealed.open(&case.protection(), case.high);
            assert_eq!(opened, Ok(()), "{}", case.about);
            assert_eq!(text, case.text, "{}", case.about);
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_fails_and_leaves_nothing() {
        for case in every_case() {
            let protection = case.protection();
            if protection.is_unchecked() {
                continue;
            }
            for flipped in case.sealed.flipped() {
                let (opened, text) = flipped.open(&protection, case.high);
                assert_eq!(opened, Err(OpenError::Integrity), "{}", case.about);
                assert!(text.is_empty(), "{}", case.about);
            }
        }
    }

    #[test]
    fn another_high_half_of_the_sequence_number_fails() {
        for case in every_case().filter(|case| matches!(case.sealed, Sealed::Esp(_))) {
            let protection = case.protection();
            if protection.is_unchecked() {
                continue;
            }
            // A cipher with an implicit IV takes no high half and one of zero for the same IV, but
            // not for the same sequence number.
            for high in [Some(7), None, Some(0)]
                .into_iter()
                .filter(|h| *h != case.high)
            {
                let (opened, _) = case.sealed.open(&protection, high);
                assert_eq!(opened, Err(OpenError::Integrity), "{}", case.about);
            }
        }
    }

    #[test]
    fn a_packet_cut_anywhere_fails() {
        for case in every_case() {
            let protection = case.protection();
            for octets in 0..case.sealed.len() {
                let (opened, text) = case.sealed.cut(octets).open(&protection, case.high);
                let head = match case.sealed {
                    Sealed::Esp(_) => 8,
                    Sealed::Ike(..) => 0,
                };
                let around = head + protection.iv_octets() + protection.icv_octets();
                if octets <= around {
                    assert_eq!(opened, Err(OpenError::TooShort), "{}", case.about);
                } else if !(octets - around).is_multiple_of(protection.block()) {
                    assert_eq!(opened, Err(OpenError::NotABlock), "{}", case.about);
                } else if !protection.is_unchecked() {
                    assert_eq!(opened, Err(OpenError::Integrity), "{}", case.about);
                }
                assert!(opened.is_ok() || text.is_empty(), "{}", case.about);
            }
        }
    }

    #[test]
    fn unchecked_opens_whatever_its_checksum_says() {
        for case in every_case() {
            let icv_octets = case.protection().icv_octets();
            let unchecked = Protection::unchecked(case.cipher(), icv_octets);
            assert!(unchecked.is_unchecked());
            let (opened, text) = case.sealed.open(&unchecked, case.high);
            assert_eq!((opened, &text), (Ok(()), &case.text), "{}", case.about);

            // Cut short, what is left of a packet opens too.
            let cut = Protection::unchecked(case.cipher(), 0);
            let octets = case.sealed.len() - icv_octets;
            let (opened, text) = case.sealed.cut(octets).open(&cut, case.high);
            assert_eq!((opened, &text), (Ok(()), &case.text), "{}", case.about);
        }
    }

    #[test]
    fn every_supported_cipher_and_length_of_key_has_a_case() {
        let seen: Vec<(u16, usize)> = every_case()
            .map(|case| (case.cipher.0, case.cipher.2.len()))
            .collect();
        for row in crate::registry::transform::ENCRYPTION {
            let Err(KeyError::Length { expected, .. }) = Cipher::new(row.id, None, &[0; 99]) else {
                assert!(seen.iter().all(|(id, _)| *id != row.id));
                continue;
            };
            for octets in expected.into_iter().filter(|_| !matches!(row.id, 6 | 7)) {
                assert!(seen.contains(&(row.id, octets)), "{} {octets}", row.name);
            }
        }
    }

    #[test]
    fn a_cipher_that_checks_takes_no_integrity_algorithm() {
        let cipher = |id, octets| Cipher::new(id, None, &vec![1; octets]).unwrap();
        let hmac = || Integrity::new(2, None, &[1; 20]).unwrap();
        let gmac = Integrity::new(9, None, &[1; 20]).unwrap();
        assert_eq!(
            Protection::new(cipher(20, 20), Some(hmac())).unwrap_err(),
            KeyError::Mismatch {
                encryption: "ENCR_AES_GCM_16",
                integrity: "AUTH_HMAC_SHA1_96",
            }
        );
        assert!(Protection::new(cipher(11, 0), Some(gmac)).is_err());
        let protection = Protection::new(cipher(12, 16), Some(hmac())).unwrap();
        assert_eq!(
            format!("{protection:?}"),
            "Protection(ENCR_AES_CBC, AUTH_HMAC_SHA1_96)"
        );
        assert!(
            Protection::new(cipher(12, 16), None)
                .unwrap()
                .is_unchecked()
        );
    }
}

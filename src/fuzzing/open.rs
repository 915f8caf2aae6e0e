//! What is sealed, under any keys.

use super::script::Script;
use crate::crypto::{Cipher, Integrity, OpenError, Prf, Protection};

/// Algorithms and lengths (8 octets), their keys, what stands before the sealed octets of IKE, the high
/// half of a sequence number where there is one, then what was sealed: what opens has the length that
/// its suite gives it and opens no more with one bit changed; on an error nothing is left.
pub fn open(octets: &[u8]) {
    let mut script = Script(octets);
    let head = script.take(8);
    let Ok([what, id, bits, key, integrity_id, integrity_key, flip, aad]) =
        <[u8; 8]>::try_from(head)
    else {
        return;
    };
    let key = script.take(key.into());
    let integrity_key = script.take(integrity_key.into());
    let aad = script.take(aad.into());
    let high = match what & 2 {
        0 => None,
        _ => script
            .take(4)
            .first_chunk()
            .copied()
            .map(u32::from_be_bytes),
    };
    let sealed = script.0;
    derive(id, key, sealed);
    let bits = (bits != 0).then(|| u16::from(bits) * 8);
    let Some(case) = Case::new(what & 1 != 0, high, aad, sealed) else {
        return;
    };
    let cipher = || Cipher::new(id.into(), bits, key).ok();
    let Some(suite) = cipher() else { return };
    chained(&suite, sealed);
    let block = suite.block();
    let integrity = match integrity_id {
        0 => None,
        id => match Integrity::new(id.into(), None, integrity_key) {
            Ok(integrity) => Some(integrity),
            Err(_) => return,
        },
    };
    let Ok(protection) = Protection::new(suite, integrity) else {
        return;
    };
    let overhead = protection.iv_octets() + protection.icv_octets();
    let checked = case.open(&protection);
    let Some(believing) = cipher().map(|cipher| {
        let believing = Protection::unchecked(cipher, protection.icv_octets());
        case.open(&believing)
    }) else {
        return;
    };
    if let Ok(text) = &believing {
        assert_eq!(text.len() + overhead, case.sealed.len());
        assert!(text.len().is_multiple_of(block), "whole blocks");
    }
    match checked {
        Ok(text) => {
            assert_eq!(Ok(&text), believing.as_ref(), "a checksum changes no text");
            if !protection.is_unchecked() {
                let changed = case.flipped(flip.into());
                assert_eq!(
                    changed.open(&protection),
                    Err(OpenError::Integrity),
                    "a change is not noticed"
                );
            }
        }
        Err(OpenError::Integrity) => assert!(believing.is_ok(), "{believing:?}"),
        Err(error) => assert_eq!(believing, Err(error)),
    }
}

/// Something sealed.
#[derive(Debug)]
struct Case {
    /// SPI and sequence number, or what stands before the sealed octets of an IKE message.
    head: Vec<u8>,
    sealed: Vec<u8>,
    /// Of ESP the high half of its sequence number; `None` is an IKE message.
    esp: Option<Option<u32>>,
}

impl Case {
    /// `None` if it has no room for the header of ESP.
    fn new(is_ike: bool, high: Option<u32>, aad: &[u8], sealed: &[u8]) -> Option<Self> {
        let (head, sealed, esp) = if is_ike {
            (aad, sealed, None)
        } else {
            let (head, sealed) = sealed.split_at_checked(8)?;
            (head, sealed, Some(high))
        };
        Some(Self {
            head: head.to_vec(),
            sealed: sealed.to_vec(),
            esp,
        })
    }

    /// With one bit changed.
    fn flipped(mut self, at: usize) -> Self {
        let octets = self.head.len() + self.sealed.len();
        let mut all = self.head.iter_mut().chain(&mut self.sealed);
        if let Some(octet) = all.nth(at % octets.max(1)) {
            *octet ^= 1 << (at % 8);
        }
        self
    }

    fn open(&self, protection: &Protection) -> Result<Vec<u8>, OpenError> {
        let mut text = vec![0xaa; 3];
        let opened = match self.esp {
            Some(high) => {
                let packet = [&self.head[..], &self.sealed].concat();
                protection.open_esp(&packet, high, &mut text)
            }
            None => protection.open_ike(&self.head, &self.sealed, &mut text),
        };
        match opened {
            Ok(()) => Ok(text),
            Err(error) => {
                assert!(text.is_empty(), "text is left after an error");
                Err(error)
            }
        }
    }
}

/// Keys of any length are derived, none of too great a one.
fn derive(id: u8, key: &[u8], seed: &[u8]) {
    let Some(prf) = Prf::new(id.into()) else {
        return;
    };
    // RFC 7296 section 2.13: prf+ ends after 255 blocks.
    let most = prf.octets() * 255;
    for octets in [0, 1, prf.octets() + 1, most, most + 1] {
        let keys = prf.plus(key, &[seed], octets);
        assert_eq!(keys.is_some(), octets <= most, "{octets} octets");
        assert!(keys.is_none_or(|keys| keys.expose().len() == octets));
    }
}

/// IKEv1: with an IV from outside.
fn chained(cipher: &Cipher, sealed: &[u8]) {
    let block = cipher.block();
    let Some((iv, ciphertext)) = sealed.split_at_checked(block) else {
        return;
    };
    let mut text = vec![0xaa; 3];
    match cipher.decrypt_cbc(iv, ciphertext, &mut text) {
        Ok(last) => {
            assert_eq!(text.len(), ciphertext.len());
            assert!(ciphertext.ends_with(last) && last.len() == block);
        }
        Err(_) => assert!(text.is_empty(), "text is left after an error"),
    }
}

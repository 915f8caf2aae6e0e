//! Pseudorandom functions: what keys are derived with (RFC 7296 sections 2.13 and 2.14, RFC 2409
//! section 5 and appendix B).

use super::Secret;
use super::mac::{Code, MacKind};
use crate::registry::ikev1::{HashV1, prf_as_v2};

/// A pseudorandom function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prf(MacKind);

impl Prf {
    /// The function of a transform ID (type 2); `None` for one that is not at hand.
    pub fn new(id: u16) -> Option<Self> {
        Some(Self(match id {
            1 => MacKind::HmacMd5,
            2 => MacKind::HmacSha1,
            4 => MacKind::AesXcbc,
            5 => MacKind::HmacSha2_256,
            6 => MacKind::HmacSha2_384,
            7 => MacKind::HmacSha2_512,
            8 => MacKind::AesCmac,
            _ => return None,
        }))
    }

    /// The HMAC of the hash that phase 1 of IKEv1 negotiated, which is its PRF where no other is
    /// negotiated (RFC 2409 section 4).
    pub fn ikev1(hash: HashV1) -> Option<Self> {
        Self::new(prf_as_v2(hash.0)?)
    }

    /// Octets of the output. They are also the preferred length of keys: that of SK_d, SK_pi and
    /// SK_pr (RFC 7296 section 2.14).
    pub fn octets(self) -> usize {
        self.0.octets()
    }

    /// The function of the slices, one after another, under a key of any length.
    pub fn of(self, key: &[u8], parts: &[&[u8]]) -> Secret {
        self.0.keyed(key).of(parts).as_slice().into()
    }

    /// The key of SKEYSEED when an IKE SA is made: both nonces, one after another. The functions of
    /// AES take only the first 64 bits of each (RFC 7296 section 2.14).
    pub fn key_of_nonces(self, initiator: &[u8], responder: &[u8]) -> Secret {
        let half = match self.0 {
            MacKind::AesXcbc | MacKind::AesCmac => self.octets() / 2,
            _ => usize::MAX,
        };
        let first = |nonce: &[u8]| nonce.iter().take(half).copied().collect::<Vec<u8>>();
        Secret::new([first(initiator), first(responder)].concat())
    }

    /// The first octets of prf+ (RFC 7296 section 2.13), whose seed is the slices, one after
    /// another. `None` if more are wanted than its counter of one octet can give.
    pub fn plus(self, key: &[u8], seed: &[&[u8]], octets: usize) -> Option<Secret> {
        let blocks = u8::try_from(octets.div_ceil(self.octets())).ok()?;
        let mac = self.0.keyed(key);
        let mut stream = self.stream(blocks);
        let mut last: Option<Code> = None;
        for counter in 1..=blocks {
            let counter = [counter];
            let before = last.as_ref().map_or(&[][..], Code::as_slice);
            let parts = [&[before], seed, &[&counter[..]]].concat();
            let code = mac.of(&parts);
            stream.extend_from_slice(code.as_slice());
            last = Some(code);
        }
        stream.truncate(octets);
        Some(Secret::new(stream))
    }

    /// The key of the cipher that seals IKEv1 (RFC 2409 appendix B): the first octets of SKEYID_e,
    /// stretched where it is too short. `None` if more than 255 times its length is wanted, which
    /// no cipher does.
    pub fn ikev1_cipher_key(self, skeyid_e: &[u8], octets: usize) -> Option<Secret> {
        if let Some(key) = skeyid_e.get(..octets) {
            return Some(key.into());
        }
        let blocks = u8::try_from(octets.div_ceil(self.octets())).ok()?;
        let mac = self.0.keyed(skeyid_e);
        let mut stream = self.stream(blocks);
        let mut last = mac.of(&[&[0]]);
        stream.extend_from_slice(last.as_slice());
        for _ in 1..blocks {
            last = mac.of(&[last.as_slice()]);
            stream.extend_from_slice(last.as_slice());
        }
        stream.truncate(octets);
        Some(Secret::new(stream))
    }

    /// Room for so many outputs, so that no copy of a key is left behind by growing.
    fn stream(self, blocks: u8) -> Vec<u8> {
        Vec::with_capacity(usize::from(blocks) * self.octets())
    }
}

//! Keys of ESP and AH SAs, derived from those of the IKE SA that made them.

use super::suite::ChildSuite;
use crate::crypto::{Cipher, Integrity, Prf, Secret};
use crate::keys::{AddressPattern, EspKeys, Origin, SpiPattern};
use crate::language::Text;
use crate::units::{EspSpi, FrameId};
use std::fmt;

/// The keys of one direction of a child SA, or why there are none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Derived {
    /// The frame that completes the negotiation.
    pub frame: FrameId,
    /// Whether the SA is AH, not ESP.
    pub ah: bool,
    /// The SPI of its packets.
    pub spi: EspSpi,
    /// Its keys. They are for any address: an SPI names an SA, and ends may move.
    pub keys: Result<EspKeys, Underivable>,
}

/// Why keys of a child SA cannot be derived.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Underivable {
    /// A key exchange of its own (perfect forward secrecy), whose secret no key file tells.
    Pfs,
    /// A post-quantum preshared key is mixed into SK_d (RFC 8784 section 3), or into the keys of this SA
    /// alone (RFC 9867), and no key file tells what comes of it.
    Ppk,
    /// The key file does not tell the key that they are derived from: SK_d, or SKEYID_d.
    NoRoot,
    /// The pseudorandom function is not known, or not at hand.
    NoPrf,
    /// A nonce was not captured.
    NoNonce,
    /// The algorithms, or the length of their keys, are not known or not at hand.
    Suite,
}

impl Underivable {
    fn sentence(self) -> &'static str {
        match self {
            Self::Pfs => "perfect forward secrecy: it has a key exchange of its own",
            Self::Ppk => {
                "a post-quantum preshared key (PPK) is mixed into SK_d, and the key file tells none that \
                 it is mixed into"
            }
            Self::NoRoot => "the key file does not tell SK_d or SKEYID_d",
            Self::NoPrf => "the pseudorandom function is not known",
            Self::NoNonce => "a nonce was not captured",
            Self::Suite => "its algorithms are not known or not supported",
        }
    }
}

impl From<Underivable> for Text {
    fn from(why: Underivable) -> Self {
        why.sentence().into()
    }
}

/// English.
impl fmt::Display for Underivable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// What the keys of a child SA are made of.
pub(super) struct Recipe<'a> {
    pub(super) prf: Option<Prf>,
    /// SK_d, or SKEYID_d; or why it is not there.
    pub(super) root: Result<&'a Secret, Underivable>,
    /// Of whoever asked for it.
    pub(super) initiator_nonce: Option<&'a [u8]>,
    /// Of whoever answered.
    pub(super) responder_nonce: Option<&'a [u8]>,
    /// Whether a key exchange was part of it.
    pub(super) pfs: bool,
    pub(super) suite: Option<ChildSuite>,
    /// What the asker chose: packets to it carry it.
    pub(super) initiator_spi: EspSpi,
    /// What the answerer chose.
    pub(super) responder_spi: EspSpi,
    pub(super) ah: bool,
    pub(super) origin: &'a Origin,
    pub(super) frame: FrameId,
}

impl Recipe<'_> {
    /// IKEv2 (RFC 7296 section 2.17): one stream for both directions, first what the initiator
    /// sends; of each direction the key of the cipher first.
    pub(super) fn ikev2(&self) -> [Derived; 2] {
        let both = self.ingredients().and_then(|ready| {
            let keymat = ready
                .prf
                .plus(
                    ready.root.expose(),
                    &[ready.nonces.0, ready.nonces.1],
                    2 * ready.octets(),
                )
                .ok_or(Underivable::Suite)?;
            let there = ready.cut(self, self.responder_spi, keymat.expose(), 0)?;
            let back = ready.cut(self, self.initiator_spi, keymat.expose(), ready.octets())?;
            Ok((there, back))
        });
        match both {
            Ok((there, back)) => [
                self.derived(self.responder_spi, Ok(there)),
                self.derived(self.initiator_spi, Ok(back)),
            ],
            Err(why) => [
                self.derived(self.responder_spi, Err(why)),
                self.derived(self.initiator_spi, Err(why)),
            ],
        }
    }

    /// IKEv1 (RFC 2409 section 5.5): each SPI has a stream of its own.
    pub(super) fn ikev1(&self, protocol: u8) -> [Derived; 2] {
        [self.responder_spi, self.initiator_spi].map(|spi| {
            let keys = self.ingredients().and_then(|ready| {
                let wanted = ready.octets();
                let spi_octets = spi.0.to_be_bytes();
                let seed: [&[u8]; 4] = [&[protocol], &spi_octets, ready.nonces.0, ready.nonces.1];
                let mut keymat = Vec::with_capacity(wanted + ready.prf.octets());
                let mut last: Option<Secret> = None;
                while keymat.len() < wanted {
                    let before = last.as_ref().map_or(&[][..], Secret::expose);
                    let parts = [&[before], &seed[..]].concat();
                    let next = ready.prf.of(ready.root.expose(), &parts);
                    keymat.extend_from_slice(next.expose());
                    last = Some(next);
                }
                let keymat = Secret::new(keymat);
                ready.cut(self, spi, keymat.expose(), 0)
            });
            self.derived(spi, keys)
        })
    }

    fn derived(&self, spi: EspSpi, keys: Result<EspKeys, Underivable>) -> Derived {
        Derived {
            frame: self.frame,
            ah: self.ah,
            spi,
            keys,
        }
    }

    /// All that is needed, or what is missing.
    fn ingredients(&self) -> Result<Ready<'_>, Underivable> {
        if self.pfs {
            return Err(Underivable::Pfs);
        }
        let suite = self.suite.ok_or(Underivable::Suite)?;
        let cipher = match suite.encryption {
            Some(encryption) => {
                Cipher::key_octets(encryption.id, encryption.key_bits).ok_or(Underivable::Suite)?
            }
            None => 0,
        };
        let integrity = match suite.integrity.id {
            0 => 0,
            id => Integrity::key_octets(id).ok_or(Underivable::Suite)?,
        };
        Ok(Ready {
            prf: self.prf.ok_or(Underivable::NoPrf)?,
            root: self.root?,
            nonces: self
                .initiator_nonce
                .zip(self.responder_nonce)
                .ok_or(Underivable::NoNonce)?,
            suite,
            cipher,
            integrity,
        })
    }
}

/// What is needed, all there.
struct Ready<'a> {
    prf: Prf,
    root: &'a Secret,
    nonces: (&'a [u8], &'a [u8]),
    suite: ChildSuite,
    /// Octets of the key of the cipher.
    cipher: usize,
    /// Octets of the key of the integrity algorithm.
    integrity: usize,
}

impl Ready<'_> {
    /// Octets of key material of one direction.
    fn octets(&self) -> usize {
        self.cipher + self.integrity
    }

    /// The keys of one direction, which begin `at` octets into the key material.
    fn cut(
        &self,
        recipe: &Recipe<'_>,
        spi: EspSpi,
        keymat: &[u8],
        at: usize,
    ) -> Result<EspKeys, Underivable> {
        let between = at + self.cipher;
        let encryption_key = keymat.get(at..between).ok_or(Underivable::Suite)?;
        let integrity_key = keymat
            .get(between..between + self.integrity)
            .ok_or(Underivable::Suite)?;
        Ok(EspKeys {
            ah: self.suite.ah,
            from: AddressPattern::Any,
            to: AddressPattern::Any,
            spi: SpiPattern::one(spi),
            encryption: self.suite.encryption,
            encryption_key: encryption_key.into(),
            integrity: Some(self.suite.integrity),
            integrity_key: integrity_key.into(),
            esn: self.suite.esn,
            origin: recipe.origin.clone(),
        })
    }
}

//! What keys made of an encrypted message.

use crate::keys::Origin;
use crate::language::Text;
use crate::registry::PayloadType;
use crate::wire::fault::Faults;
use crate::wire::{Message, Payload, Version};
use bytes::Bytes;
use std::fmt;

/// A body that was opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opened {
    /// Type of the first payload inside; none if there is none.
    pub first: PayloadType,
    /// The payloads, without padding in IKEv2 and with it in IKEv1. Of an IKE fragment (SKF) that
    /// completes its message: those of the whole message; of any other: none.
    pub octets: Bytes,
    /// Whether it is an IKE fragment that completes nothing: by itself it is no chain of payloads.
    pub is_part: bool,
    /// The IV that was sent with it, or in IKEv1 followed from the messages before. Empty in IKEv1 if
    /// those were not captured: then the first block is made up as far as it is no hash.
    pub iv: Vec<u8>,
    /// Octets of padding: IKEv2 counts them, IKEv1 leaves them after the last payload.
    pub pad_length: usize,
    /// IKEv2: whether its checksum is right; `None` if there was no key to check it with.
    pub icv_ok: Option<bool>,
    /// IKEv1: whether its HASH payload is right; `None` if it has none or there was no key.
    pub hash_ok: Option<bool>,
    /// Where the key was found.
    pub key: Origin,
}

impl Opened {
    /// The payloads, whose offsets count from the start of the plaintext.
    pub fn payloads(&self, version: Version, faults: &mut Faults) -> Vec<Payload<'_>> {
        Message::read_chain(self.first, version, &self.octets, 0, faults)
    }
}

/// Why keys did not open a message.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Why {
    /// None of the keys is for these SPIs.
    NoKey,
    /// The keys for these SPIs lack those of this direction.
    NoKeyOfDirection,
    /// Neither the keys nor the capture tell the algorithms, or none that fits is at hand.
    Suite,
    /// The checksum is wrong, as that of every message of this sender so far: another key, or
    /// another algorithm.
    WrongKey,
    /// The checksum is wrong though the key is right: changed on its way.
    Corrupted,
    /// It ends before its IV, ciphertext and checksum, or in the middle of a block.
    TooShort,
    /// The capture kept only a part of it.
    Cut,
    /// The padding claims more than there is.
    Padding,
    /// IKEv1: what the IV follows from lies before the capture, or was lost to it.
    NoIv,
    /// What was decrypted makes no payloads: another key, or, in IKEv1, a message between was missed.
    Senseless,
    /// More SAs than are followed, or more octets than are kept.
    Limit,
}

impl Why {
    fn sentence(self) -> &'static str {
        match self {
            Self::NoKey => "no key for these SPIs",
            Self::NoKeyOfDirection => "no key for what this side sends",
            Self::Suite => "the algorithms are not known or not supported",
            Self::WrongKey => "the checksum is wrong: wrong key or algorithm",
            Self::Corrupted => "the checksum is wrong though the key is right: corrupted",
            Self::TooShort => "too short",
            Self::Cut => "cut by the capture",
            Self::Padding => "the padding claims more than there is",
            Self::NoIv => "the messages that its IV follows from were not captured",
            Self::Senseless => "decrypts to no payloads: wrong key, or a message before is missing",
            Self::Limit => "more than is followed or kept",
        }
    }
}

impl From<Why> for Text {
    fn from(why: Why) -> Self {
        why.sentence().into()
    }
}

/// English.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

//! What keys make of an ESP packet.

use super::inner::Inner;
use crate::language::Text;
use std::fmt;

/// Number of an SA in the database of a run, in the order in which keys came.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SaId(pub u32);

/// What keys make of an ESP packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Opening {
    /// It was opened.
    Opened(OpenedEsp),
    /// There are keys for its SPI, and none opens it.
    Failed(FailedEsp),
}

/// An ESP packet that was opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenedEsp {
    /// The SA that opened it.
    pub sa: SaId,
    /// Whether its checksum proves it: `false` if no key checks it, or it has none. Then it is what
    /// its padding and its payload make plausible.
    pub checked: bool,
    /// The high half of its sequence number, where that is extended (RFC 4304).
    pub high: Option<u32>,
    /// Protocol of the payload.
    pub next_header: u8,
    /// Octets of padding.
    pub pad_length: u8,
    /// What it carries.
    pub inner: Inner,
}

/// An ESP packet that no key opens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailedEsp {
    /// The SA that came nearest, of several the first.
    pub sa: SaId,
    /// Why it did not open.
    pub why: Unopened,
}

/// Why a key does not open an ESP packet; the greater, the nearer it came.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Unopened {
    /// The capture kept only a part of it: its checksum is lost.
    Cut,
    /// It ends before its IV, one octet of ciphertext and its checksum.
    TooShort,
    /// Its ciphertext is not a whole number of the cipher's blocks.
    NotABlock,
    /// What it decrypts to makes no sense, and no checksum proves the key of the cipher: another key or
    /// algorithm.
    Senseless,
    /// Its checksum is wrong: another key or algorithm, or changed on its way.
    Integrity,
    /// Its checksum is right, and its padding is longer than what was sealed (RFC 4303 section 2.4).
    Padding,
}

impl Opening {
    /// What was opened.
    pub fn opened(&self) -> Option<&OpenedEsp> {
        match self {
            Self::Opened(opened) => Some(opened),
            Self::Failed(_) => None,
        }
    }

    /// Whether no key that may come can make something else of it: its checksum proves what it is.
    pub fn is_proven(&self) -> bool {
        match self {
            Self::Opened(opened) => opened.checked,
            Self::Failed(failed) => failed.why == Unopened::Padding,
        }
    }
}

impl Unopened {
    fn sentence(self) -> &'static str {
        match self {
            Self::Cut => "cut by the capture",
            Self::TooShort => "too short",
            Self::NotABlock => "not whole blocks",
            Self::Senseless => "decrypts to nothing sensible",
            Self::Padding => "the padding claims more than there is",
            Self::Integrity => "the checksum is wrong",
        }
    }
}

impl From<Unopened> for Text {
    fn from(why: Unopened) -> Self {
        why.sentence().into()
    }
}

/// English.
impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

//! What a reader of one datagram cannot know of an IKE message: the whole that its fragments make.
//!
//! A [`Session`] sees the messages of a [fold](crate::fold) in file order. Both the census and the
//! dissector ask it about each.

mod fragments;

pub use fragments::{Place, Standing};

use crate::limits;
use crate::model::{Blind, Plain};
use crate::net::Datagram;
use crate::registry::PayloadType;
use crate::units::{FrameId, Timestamp};
use crate::wire::{Header, Message, Version};
use bytes::Bytes;
use fragments::{Key, Piece, Sets};

/// Follows the IKE messages of all inputs.
#[derive(Debug, Default)]
pub struct Session {
    sets: Sets,
}

/// What is known of one IKE message besides its own octets.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Whether its body can be read.
    pub plain: Plain,
    /// If it is an IKE fragment: how it stands to the others of its set.
    pub standing: Option<Standing>,
    /// IKEv1: the message that it completes.
    pub whole: Option<Whole>,
    /// If it was put together from IKE fragments: the frames that carry them, in order.
    pub frames: Vec<FrameId>,
}

/// An IKEv1 message put together from fragments.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Its octets from its header on.
    pub bytes: Bytes,
    /// What is known of it.
    pub reading: Box<Reading>,
}

impl Default for Reading {
    fn default() -> Self {
        Self::of(Plain::Clear)
    }
}

impl Reading {
    fn of(plain: Plain) -> Self {
        Self {
            plain,
            standing: None,
            whole: None,
            frames: Vec::new(),
        }
    }
}

impl Session {
    /// Takes the next IKE message, which `datagram` carries, and tells what is known of it.
    ///
    /// `frames` are all frames that carry a piece of the datagram. Messages come in file order.
    pub fn see(
        &mut self,
        octets: &[u8],
        datagram: &Datagram<'_>,
        time: Timestamp,
        frames: &[FrameId],
    ) -> Reading {
        let Some(header) = Header::read(octets) else {
            return Reading::default();
        };
        let mut reading = Reading::of(plain(&header));
        if !is_fragment(&header) {
            return reading;
        }
        let message = Message::read(octets);
        let Some((id, piece)) = Piece::of(&message) else {
            return reading;
        };
        let key = Key::of(&header, id, datagram);
        let (standing, whole) = self.sets.push(key, piece, time, frames);
        if let Some(bytes) = whole {
            let header = Header::read(&bytes);
            reading.whole = Some(Whole {
                bytes,
                reading: Box::new(Reading {
                    frames: standing.frames.clone(),
                    ..Reading::of(header.as_ref().map_or(Plain::Clear, plain))
                }),
            });
        }
        reading.standing = Some(standing);
        reading
    }

    /// What could not be told for want of fragments.
    pub fn finish(self) -> Vec<Blind> {
        let lost = self.sets.finish();
        let mut told = Vec::new();
        if lost.incomplete > 0 {
            let frames: Vec<String> = lost.frames.iter().map(FrameId::to_string).collect();
            let more = if lost.incomplete > frames.len() as u64 {
                " and others"
            } else {
                ""
            };
            told.push(Blind {
                what: format!("what {} messages in IKEv1 fragments say", lost.incomplete),
                why: format!(
                    "not all fragments were captured; what came begins in frames {}{more}",
                    frames.join(", ")
                ),
            });
        }
        if lost.crowded > 0 {
            told.push(Blind {
                what: format!("{} sets of IKE fragments", lost.crowded),
                why: format!(
                    "more than {} sets or {} MiB of fragments waited for others",
                    limits::IKE_FRAGMENT_SETS,
                    limits::IKE_FRAGMENT_OCTETS >> 20
                ),
            });
        }
        told
    }
}

/// Whether the first payload is an IKE fragment. One after other payloads would not be put
/// together: no implementation sends any before it.
fn is_fragment(header: &Header) -> bool {
    match header.version.major() {
        1 => header.next_payload == PayloadType::FRAGMENT_V1,
        2 => header.next_payload == PayloadType::SKF,
        _ => false,
    }
}

/// Whether the body travels in clear: told by the first payload (IKEv2) or the flag (IKEv1).
fn plain(header: &Header) -> Plain {
    let sealed = if header.version.major() <= Version::V1.major() {
        header.flags.v1_encrypted()
    } else {
        matches!(header.next_payload, PayloadType::SK | PayloadType::SKF)
    };
    if sealed { Plain::Sealed } else { Plain::Clear }
}

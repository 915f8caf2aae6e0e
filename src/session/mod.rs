//! What a reader of one datagram cannot know of an IKE message: the whole that its fragments make,
//! and what keys open.
//!
//! A [`Session`] sees the messages of a [fold](crate::fold) in file order. Both the census and the
//! dissector ask it about each.

mod child;
mod fragments;
mod ikev1;
mod ikev2;
mod opener;
mod suite;

// What is said of keys that cannot be derived; the tests hold it to the captures.
#[doc(hidden)]
pub use child::{Derived, Underivable};
pub use fragments::{Place, Standing};

use crate::keys::{EspKeys, KeyRing};
use crate::language::{count, list};
use crate::limits;
use crate::model::{Blind, Plain, Why};
use crate::net::Datagram;
use crate::registry::PayloadType;
use crate::say;
use crate::units::{FrameId, Timestamp};
use crate::wire::{Header, Message, Version};
use bytes::Bytes;
use fragments::{Key, Piece, Sets};
use opener::{Opener, Seen};
use std::sync::Arc;

/// Follows the IKE messages of all inputs.
#[derive(Debug, Default)]
pub struct Session {
    sets: Sets,
    /// Absent without keys.
    opener: Option<Opener>,
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
    /// A session that opens what these keys are for. Without keys it is `Session::default()`.
    pub fn new(ring: Arc<KeyRing>) -> Self {
        Self {
            sets: Sets::default(),
            opener: (!ring.is_empty()).then(|| Opener::new(ring)),
        }
    }

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
        let clear = plain(&header);
        let fragment = header.is_fragment();
        if self.opener.is_none() && !fragment {
            return Reading::of(clear);
        }
        let message = Message::read(octets);
        let seen = Seen {
            octets,
            message: &message,
            frame: datagram.stamp.frame,
            cut: datagram.cut,
        };
        let mut reading = Reading::of(match &mut self.opener {
            Some(opener) => opener.read(&seen, clear),
            None => clear,
        });
        if fragment {
            self.join(&mut reading, &seen, datagram, time, frames);
        }
        reading
    }

    /// The keys of child SAs that were derived since the last call, in the order of the frames that
    /// complete their negotiation.
    #[doc(hidden)]
    pub fn take_derived(&mut self) -> Vec<Derived> {
        self.opener
            .as_mut()
            .map_or_else(Vec::new, Opener::take_derived)
    }

    /// The keys among [`Session::take_derived`].
    pub fn take_keys(&mut self) -> Vec<EspKeys> {
        let derived = self.take_derived();
        // Asked after each message, and nearly always there are none.
        if derived.is_empty() {
            return Vec::new();
        }
        let derived = derived.into_iter();
        derived.filter_map(|one| one.keys.ok()).collect()
    }

    /// Puts an IKE fragment to its set.
    fn join(
        &mut self,
        reading: &mut Reading,
        seen: &Seen<'_>,
        datagram: &Datagram<'_>,
        time: Timestamp,
        frames: &[FrameId],
    ) {
        // RFC 7383 section 2.6: a fragment that is not authentic is discarded.
        if matches!(reading.plain, Plain::Failed(Why::WrongKey | Why::Corrupted)) {
            return;
        }
        let header = &seen.message.header;
        let v1 = header.version.major() == 1;
        // What the capture left out of a piece is missing in the whole.
        if v1 && seen.cut {
            return;
        }
        let opened = match &reading.plain {
            Plain::Opened(opened) => Some(Arc::clone(opened)),
            _ => None,
        };
        let text = opened.as_ref().map(|opened| opened.octets.as_ref());
        let Some((id, piece)) = Piece::of(seen.message, text) else {
            return;
        };
        let key = Key::of(header, id, datagram);
        let (standing, whole) = self.sets.push(key, piece, time, frames);
        let whole = whole.filter(|_| v1 || opened.is_some());
        match (whole, opened) {
            (Some(whole), Some(piece)) => {
                reading.frames.clone_from(&standing.frames);
                if let Some(opener) = &mut self.opener {
                    reading.plain = opener.join(seen, &piece, whole.first, whole.octets);
                }
            }
            (Some(whole), None) => {
                reading.whole = Some(self.whole(whole.octets, &standing, seen));
            }
            // A piece alone is no chain of payloads.
            (None, Some(piece)) => reading.plain = opener::piece(&piece),
            (None, None) => {}
        }
        reading.standing = Some(standing);
    }

    /// An IKEv1 message of which all fragments are there.
    fn whole(&mut self, bytes: Bytes, standing: &Standing, seen: &Seen<'_>) -> Whole {
        let clear = Header::read(&bytes).map_or(Plain::Clear, |header| plain(&header));
        let message = Message::read(&bytes);
        let plain = match &mut self.opener {
            Some(opener) => opener.read(
                &Seen {
                    octets: &bytes,
                    message: &message,
                    ..*seen
                },
                clear,
            ),
            None => clear,
        };
        Whole {
            bytes,
            reading: Box::new(Reading {
                frames: standing.frames.clone(),
                ..Reading::of(plain)
            }),
        }
    }

    /// What could not be told: for want of fragments, or of what keys are derived from.
    pub fn finish(self) -> Vec<Blind> {
        let lost = self.sets.finish();
        let mut told = Vec::new();
        if lost.incomplete > 0 {
            let frames = list(&lost.frames);
            told.push(Blind {
                what: match lost.incomplete {
                    1 => "what 1 message in IKE fragments says".into(),
                    n => say!("what {n} messages in IKE fragments say", n),
                },
                why: match lost.incomplete > lost.frames.len() as u64 {
                    true => say!(
                        "not all fragments were captured; what came begins in frames {frames} and others",
                        frames
                    ),
                    false => say!(
                        "not all fragments were captured; what came begins in frames {frames}",
                        frames
                    ),
                },
            });
        }
        if lost.crowded > 0 {
            told.push(Blind {
                what: say!("{sets} of IKE fragments", sets = count(lost.crowded, "set")),
                why: say!(
                    "more than {sets} sets or {size} MiB of fragments waited for others",
                    sets = limits::IKE_FRAGMENT_SETS,
                    size = limits::IKE_FRAGMENT_OCTETS >> 20
                ),
            });
        }
        told.extend(self.opener.into_iter().flat_map(Opener::finish));
        told
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

#[cfg(test)]
mod tests;

//! A datagram is handed on, and what it turns out to hold.

use super::Fold;
use crate::keys::EspKeys;
use crate::net::{self, Body, Datagram, Esp, Streams};
use crate::sadb::{Opener, Sadb, Sealed};
use crate::scan::{Keyed, Lane};
use crate::units::{FrameId, Timestamp};
use std::sync::Arc;

/// What opens packets, in the order of the story: what a worker could not open yet, and what was put
/// together.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) database: Arc<Sadb>,
    pub(super) opener: Opener,
}

impl Keys {
    /// Whether SAs have come since that may make more of a packet than its worker could.
    pub(super) fn have_more(&self, known: &Keyed, lane: &Lane) -> bool {
        !known.sealed.is_empty() && self.database.candidates(lane.spi).count() > known.candidates
    }

    /// Takes in what follows from what was told last.
    pub(super) fn take(&mut self, keys: &[EspKeys]) {
        if !keys.is_empty() {
            let database = Arc::make_mut(&mut self.database);
            keys.iter().for_each(|keys| database.add(keys));
        }
    }
}

/// Hands a datagram on: a piece of a stream becomes the messages that it completes, and what keys
/// open is gone into. Without `streams` it lies in one, and no other is sought in there.
pub(super) fn tell(
    streams: Option<&mut Streams>,
    keys: &mut Keys,
    datagram: &Datagram<'_>,
    time: Timestamp,
    frames: &[FrameId],
    to: &mut impl Fold,
) {
    match &datagram.body {
        Body::Segment(segment) => {
            if let Some(streams) = streams {
                streams.push(datagram, segment, frames, &mut |message, frames| {
                    tell(None, keys, message, time, frames, to);
                });
            }
        }
        // Fragments inside a packet that was opened are not put together.
        Body::Learned(_) | Body::Fragment(_) => {}
        Body::Esp(esp) if !keys.database.is_empty() => {
            opened(streams, keys, datagram, esp, time, frames, to);
        }
        Body::Ike(_) => {
            to.datagram(datagram, time, frames);
            keys.take(&to.keys());
        }
        _ => to.datagram(datagram, time, frames),
    }
}

/// Hands an ESP packet on that was put together, opened if there is a key for it, and what is
/// inside.
fn opened(
    mut streams: Option<&mut Streams>,
    keys: &mut Keys,
    datagram: &Datagram<'_>,
    esp: &Esp<'_>,
    time: Timestamp,
    frames: &[FrameId],
    to: &mut impl Fold,
) {
    let Datagram {
        stamp, path, ip, ..
    } = *datagram;
    let sealed = Sealed::new(esp, &path, datagram.cut);
    let opening = keys.opener.open(&keys.database, &sealed).opening;
    let (text, length) = keys.opener.lend();
    let payload = text.get(..length).unwrap_or_default();
    let body = Body::Esp(Esp {
        opening: opening.as_ref(),
        payload,
        ..*esp
    });
    to.datagram(&Datagram { body, ..*datagram }, time, frames);
    // What is seen to be in clear was gone into already.
    if let (Some(opened), None) = (keys.database.settled(opening.as_ref()), esp.null) {
        let next_header = opened.next_header;
        net::peel_opened(stamp, path, ip, next_header, payload, &mut |inner| {
            tell(streams.as_deref_mut(), keys, &inner, time, frames, to);
        });
    }
    keys.opener.give_back(text);
}

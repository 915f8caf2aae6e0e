//! The stage that has keys: sends each message to the version it is of, and gathers what it gives.

use super::child::{Derived, Underivable};
use super::ikev1::Ikev1;
use super::ikev2::Ikev2;
use crate::keys::{KeyRing, Origin};
use crate::language::count;
use crate::limits;
use crate::model::{Blind, Opened, Plain, Why};
use crate::registry::PayloadType;
use crate::say;
use crate::units::{EspSpi, FrameId, IkeSpi};
use crate::wire::Message;
use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Opens messages, and derives the keys of what they negotiate.
#[derive(Debug)]
pub(super) struct Opener {
    ring: Arc<KeyRing>,
    ikev1: Ikev1,
    ikev2: Ikev2,
    /// All that was derived, and how many of it were taken.
    derived: Vec<Derived>,
    taken: usize,
    /// Keys that were derived beyond the limit.
    beyond: u64,
}

/// Rows of the ring by the initiator's SPI.
#[derive(Debug, Default)]
pub(super) struct Rows {
    told: HashMap<IkeSpi, Vec<usize>, RandomState>,
    /// Rows that tell none.
    untold: Vec<usize>,
}

impl Rows {
    pub(super) fn new(initiators: impl Iterator<Item = IkeSpi>) -> Self {
        let mut rows = Self::default();
        for (row, spi) in initiators.enumerate() {
            match spi.is_zero() {
                true => rows.untold.push(row),
                false => rows.told.entry(spi).or_default().push(row),
            }
        }
        rows
    }

    /// Rows that may be for an SA, the last of the ring first, those that tell the SPI before
    /// those that do not.
    pub(super) fn of(&self, initiator: IkeSpi) -> impl Iterator<Item = usize> {
        let told = self.told.get(&initiator).into_iter().flatten().rev();
        told.chain(self.untold.iter().rev()).copied()
    }
}

/// A message that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// From its header on.
    pub(super) octets: &'a [u8],
    pub(super) message: &'a Message<'a>,
    /// The frame that completes it.
    pub(super) frame: FrameId,
    /// Whether the capture kept only a part of it.
    pub(super) cut: bool,
}

/// What was opened.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) first: PayloadType,
    /// IKEv2: without padding.
    pub(super) octets: Vec<u8>,
    pub(super) iv: Vec<u8>,
    pub(super) pad_length: usize,
    pub(super) icv_ok: Option<bool>,
    pub(super) hash_ok: Option<bool>,
    pub(super) key: Origin,
}

impl Text {
    /// As the model keeps it.
    fn opened(self) -> Plain {
        Plain::Opened(Arc::new(Opened {
            first: self.first,
            octets: Bytes::from(self.octets),
            is_part: false,
            iv: self.iv,
            pad_length: self.pad_length,
            icv_ok: self.icv_ok,
            hash_ok: self.hash_ok,
            key: self.key,
        }))
    }
}

/// A piece of a message as the model keeps it: by itself it is no chain of payloads.
pub(super) fn piece(opened: &Opened) -> Plain {
    Plain::Opened(Arc::new(Opened {
        first: PayloadType::NONE,
        octets: Bytes::new(),
        is_part: true,
        ..opened.clone()
    }))
}

impl Opener {
    pub(super) fn new(ring: Arc<KeyRing>) -> Self {
        let v1 = ring.ikev1.iter().map(|keys| keys.initiator);
        let v2 = ring.ikev2.iter().map(|keys| keys.spis.initiator);
        Self {
            ikev1: Ikev1::new(Rows::new(v1)),
            ikev2: Ikev2::new(Rows::new(v2)),
            ring,
            derived: Vec::new(),
            taken: 0,
            beyond: 0,
        }
    }

    /// Whether the body of a message can be read; `clear` is what its header says.
    ///
    /// What an IKE fragment (SKF) holds is its piece: see [`Opener::join`].
    pub(super) fn read(&mut self, seen: &Seen<'_>, clear: Plain) -> Plain {
        let message = seen.message;
        match message.header.version.major() {
            1 => self.read_v1(seen, clear),
            2 if message.sk().is_some() || message.skf().is_some() => {
                match self.ikev2.open(&self.ring, seen) {
                    Ok(text) => {
                        if message.sk().is_some() {
                            self.follow(seen, text.first, &text.octets);
                        }
                        text.opened()
                    }
                    Err(why) => Plain::Failed(why),
                }
            }
            2 => {
                self.ikev2.learn(&self.ring, message);
                clear
            }
            _ => clear,
        }
    }

    /// The pieces of a message that was cut before it was sealed are all there: what the last to
    /// come is to hold.
    pub(super) fn join(
        &mut self,
        seen: &Seen<'_>,
        piece: &Opened,
        first: PayloadType,
        whole: Bytes,
    ) -> Plain {
        self.follow(seen, first, &whole);
        Plain::Opened(Arc::new(Opened {
            first,
            octets: whole,
            ..piece.clone()
        }))
    }

    /// The keys that were derived since the last call.
    pub(super) fn take_derived(&mut self) -> Vec<Derived> {
        let new = self.derived.get(self.taken..).unwrap_or_default().to_vec();
        self.taken = self.derived.len();
        new
    }

    /// Which keys could not be derived, by reason; those that the ring has are not missing.
    pub(super) fn finish(self) -> Vec<Blind> {
        let mut missing: BTreeMap<Underivable, BTreeSet<EspSpi>> = BTreeMap::new();
        for one in &self.derived {
            if let Err(why) = one.keys
                && !self
                    .ring
                    .esp
                    .iter()
                    .any(|keys| keys.ah == one.ah && keys.spi.fits(one.spi))
            {
                missing.entry(why).or_default().insert(one.spi);
            }
        }
        let mut told: Vec<Blind> = missing
            .into_iter()
            .map(|(why, spis)| Blind {
                what: say!(
                    "the keys of {sas} that were negotiated",
                    sas = count(spis.len() as u64, "ESP or AH SA")
                ),
                why: why.into(),
            })
            .collect();
        if self.beyond > 0 {
            told.push(Blind {
                what: say!(
                    "the keys of {sas}",
                    sas = count(self.beyond, "further ESP or AH SA")
                ),
                why: say!(
                    "more than {limit} were derived",
                    limit = limits::SESSION_DERIVED
                ),
            });
        }
        told
    }

    fn read_v1(&mut self, seen: &Seen<'_>, clear: Plain) -> Plain {
        let Some(sealed) = seen.message.sealed else {
            self.ikev1.learn(&self.ring, seen);
            return clear;
        };
        let length = usize::try_from(seen.message.header.length).unwrap_or(usize::MAX);
        if length > seen.octets.len() {
            return Plain::Failed(if seen.cut { Why::Cut } else { Why::TooShort });
        }
        match self.ikev1.open(&self.ring, seen, sealed) {
            Ok((text, derived)) => {
                self.derive(derived);
                text.opened()
            }
            Err(why) => Plain::Failed(why),
        }
    }

    fn follow(&mut self, seen: &Seen<'_>, first: PayloadType, text: &[u8]) {
        let derived = self.ikev2.follow(&self.ring, seen, first, text);
        self.derive(derived);
    }

    /// A message that is seen twice gives the same keys: they are kept once.
    fn derive(&mut self, derived: impl IntoIterator<Item = Derived>) {
        for one in derived {
            let recent = self
                .derived
                .iter()
                .rev()
                .take(limits::SESSION_DERIVED_ALIKE);
            let known = recent
                .into_iter()
                .any(|known| (known.spi, known.ah, &known.keys) == (one.spi, one.ah, &one.keys));
            if known {
                continue;
            }
            if self.derived.len() < limits::SESSION_DERIVED {
                self.derived.push(one);
            } else {
                self.beyond += 1;
            }
        }
    }
}

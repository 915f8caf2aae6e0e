//! IKE messages as they passed the tap, and what else control traffic leaves behind.

use super::esp_flow::Silence;
use super::octets::Octets;
use super::opened::{Opened, Why};
use super::route::Route;
use super::table::id;
use crate::net::{IpFacts, Path};
use crate::registry::PayloadType;
use crate::units::{FrameId, LinkAddress, Timestamp, Vantage};
use crate::wire::{self, fault::Faults};
use bytes::Bytes;
use std::sync::Arc;

id!(MessageId, "an IKE message");

/// One IKE datagram. Its octets are kept and read again on demand, so a new rule needs no new field.
/// There are millions of these: what is rare lies in a box, what many have in common is shared.
#[derive(Clone, Debug)]
pub struct Message {
    /// The frame that completes it.
    pub frame: FrameId,
    /// When the completing frame was recorded.
    pub time: Timestamp,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// Which station put it on the link, where the link tells.
    pub station: Option<LinkAddress>,
    /// Between whom, and inside what.
    pub path: Route,
    /// Of the IP header.
    pub ip: IpFacts,
    /// Whether the capture kept fewer octets than the IP header promises.
    pub cut: bool,
    /// Its header; messages whose header is not whole are not in the model.
    pub header: wire::Header,
    /// The message from its header on, without the non-ESP marker; as much as the capture kept, and
    /// none of one that is sealed and that no key opens.
    pub bytes: Octets,
    /// Whether its body can be read, or that of the message it completes.
    pub plain: Plain,
    /// What it was put together from, if it came in several frames.
    pub pieces: Option<Box<Pieces>>,
}

/// What a message was put together from.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// Every frame that carries a piece of it: of its IP packet, or of the message in IKE fragments
    /// that it completes.
    pub frames: Vec<FrameId>,
    /// If it is the IKEv1 fragment that completes a message: the octets of that message.
    pub whole: Option<Bytes>,
}

impl Message {
    /// Every frame that carries a piece of it; only its own unless IP fragmented it, or it completes
    /// a message in IKE fragments.
    pub fn frames(&self) -> &[FrameId] {
        match &self.pieces {
            Some(pieces) => &pieces.frames,
            None => std::slice::from_ref(&self.frame),
        }
    }

    /// The octets of the message that it completes, if it is an IKEv1 fragment.
    pub fn whole(&self) -> Option<&Bytes> {
        self.pieces.as_ref()?.whole.as_ref()
    }

    /// Reads the octets again: those of the message it completes, if it is an IKEv1 fragment. Of a
    /// sealed message whose octets are not kept there is the header alone.
    pub fn read(&self) -> wire::Message<'_> {
        match self.whole() {
            Some(whole) => wire::Message::read(whole),
            None if self.bytes.is_empty() => wire::Message {
                header: self.header,
                payloads: Vec::new(),
                sealed: None,
                faults: Vec::new(),
            },
            None => wire::Message::read(&self.bytes),
        }
    }

    /// As [`Message::read`], but with the payloads in clear of these kinds alone.
    pub fn read_of(&self, kinds: &[PayloadType]) -> wire::Message<'_> {
        match self.octets() {
            [] => self.read(),
            octets => wire::Message::read_of(octets, kinds),
        }
    }

    /// Whether it carries a Security Association in clear.
    pub fn has_sa(&self) -> bool {
        wire::Message::has_sa(self.octets())
    }

    /// Its payloads in clear of this kind, as [`Message::read`] has them, read alone.
    pub fn payloads_of(&self, kind: PayloadType) -> impl Iterator<Item = wire::Payload<'_>> {
        wire::Message::payloads_of(self.octets(), kind)
    }

    /// The octets that are read.
    fn octets(&self) -> &[u8] {
        self.whole().map_or(&*self.bytes, |whole| whole)
    }

    /// Reads what is in clear and what was opened alike: the payloads inside follow the others, and
    /// their offsets count from the start of the plaintext.
    pub fn open(&self) -> wire::Message<'_> {
        let mut read = self.read();
        if let Plain::Opened(opened) = &self.plain {
            let mut faults = Faults::default();
            read.payloads
                .extend(opened.payloads(self.header.version, &mut faults));
            read.faults.extend(faults.list);
            read.sealed = None;
        }
        read
    }

    /// Octets of the message by its header, or of the one that it completes.
    pub fn length(&self) -> usize {
        match self.whole() {
            Some(whole) => whole.len(),
            None => self.header.length as usize,
        }
    }
}

/// Whether the body of a message can be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plain {
    /// It travels in clear.
    Clear,
    /// It is encrypted and no key was given.
    Sealed,
    /// It was encrypted and keys opened it.
    Opened(Arc<Opened>),
    /// It is encrypted, and the keys that were given did not open it.
    Failed(Why),
}

impl Plain {
    /// Whether the body travelled encrypted, opened or not.
    pub fn is_encrypted(&self) -> bool {
        *self != Self::Clear
    }

    /// Whether its payloads can be read: in clear, or opened and whole.
    pub fn is_readable(&self) -> bool {
        match self {
            Self::Clear => true,
            Self::Opened(opened) => !opened.is_part,
            Self::Sealed | Self::Failed(_) => false,
        }
    }
}

/// NAT keepalives on one path (RFC 3948 section 2.3).
#[derive(Clone, Debug)]
pub struct Keepalives {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Between whom.
    pub path: Path,
    /// How many.
    pub count: u64,
    /// The first.
    pub first: (FrameId, Timestamp),
    /// The last.
    pub last: (FrameId, Timestamp),
    /// The longest time between two of them.
    pub longest: Silence,
}

/// IP packets of one path that came in fragments.
#[derive(Clone, Debug)]
pub struct FragmentTrain {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// From which address (ports are known only of first fragments).
    pub from: std::net::IpAddr,
    /// To which address.
    pub to: std::net::IpAddr,
    /// IP protocol of the whole packets: 17, 50 or 51.
    pub protocol: u8,
    /// Packets of which every piece came.
    pub complete: u64,
    /// Packets of which a piece never came.
    pub incomplete: u64,
    /// Fragments seen.
    pub pieces: u64,
    /// Largest IP packet that a single fragment made, in octets: near the MTU that forced it.
    pub largest: u32,
    /// Frames of the first incomplete packets, citable.
    pub incomplete_frames: Vec<FrameId>,
    /// IKE headers of incomplete packets whose first piece came, with its frame.
    pub incomplete_ike: Vec<(FrameId, wire::Header)>,
    /// Frame and time of the first fragment.
    pub first: (FrameId, Timestamp),
    /// Frame and time of the last fragment.
    pub last: (FrameId, Timestamp),
}

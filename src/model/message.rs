//! IKE messages as they passed the tap, and what else control traffic leaves behind.

use super::opened::{Opened, Why};
use super::table::id;
use crate::net::{IpFacts, Path};
use crate::units::{FrameId, Timestamp, Vantage};
use crate::wire::{self, fault::Faults};
use bytes::Bytes;
use std::sync::Arc;

id!(MessageId, "an IKE message");

/// One IKE datagram. Its octets are kept and read again on demand, so a new rule needs no new field.
#[derive(Clone, Debug)]
pub struct Message {
    /// The frame that completes it.
    pub frame: FrameId,
    /// Every frame that carries a piece of it; only `frame` itself unless IP fragmented it, or it
    /// completes a message in IKE fragments.
    pub frames: Vec<FrameId>,
    /// When the completing frame was recorded.
    pub time: Timestamp,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// Between whom, and inside what.
    pub path: Path,
    /// Of the IP header.
    pub ip: IpFacts,
    /// Whether the capture kept fewer octets than the IP header promises.
    pub cut: bool,
    /// Its header; messages whose header is not whole are not in the model.
    pub header: wire::Header,
    /// The message from its header on, without the non-ESP marker; as much as the capture kept.
    pub bytes: Bytes,
    /// If it is the IKEv1 fragment that completes a message: the octets of that message.
    pub whole: Option<Bytes>,
    /// Whether its body can be read, or that of the message it completes.
    pub plain: Plain,
}

impl Message {
    /// Reads the octets again: those of the message it completes, if it is an IKEv1 fragment.
    pub fn read(&self) -> wire::Message<'_> {
        wire::Message::read(self.whole.as_ref().unwrap_or(&self.bytes))
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
        match &self.whole {
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
    /// The longest time between two.
    pub longest: crate::units::Span,
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

//! Trains: ESP, AH and keepalives that follow each other, folded into a line for each flow.

use crate::limits;
use crate::net::{Body, Datagram, Path};
use crate::units::{EspSpi, FrameId, Span, Timestamp};
use std::fmt;

/// Packets that follow each other with nothing else between them.
#[derive(Debug, Default)]
pub(super) struct Train {
    rows: Vec<Row>,
}

impl Train {
    /// Whether a packet belongs to this train: it is not too late for it, and there is room.
    pub(super) fn takes(&self, packet: &Row, patience: Span) -> bool {
        let Some(first) = self.rows.first() else {
            return true;
        };
        packet.first.1.since(first.first.1) < patience
            && (self.rows.len() < limits::TRAIN_FLOWS
                || self.rows.iter().any(|row| row.is_of(packet)))
    }

    /// Adds a packet.
    pub(super) fn push(&mut self, packet: Row) {
        match self.rows.iter_mut().find(|row| row.is_of(&packet)) {
            Some(row) => row.add(&packet),
            None => self.rows.push(packet),
        }
    }

    /// Its flows in the order of their first packets; the train is empty then.
    pub(super) fn unload(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.rows)
    }
}

/// The packets of one flow in a train.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Between whom.
    pub(super) path: Path,
    /// Frame and time of the first packet.
    pub(super) first: (FrameId, Timestamp),
    kind: Kind,
    last: (FrameId, Timestamp),
    packets: u64,
    octets: u64,
    /// The lowest sequence number and the highest.
    sequence: [u32; 2],
    fragmented: u64,
    cut: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Esp(EspSpi),
    Ah(EspSpi),
    Keepalive,
}

impl Row {
    /// A row of one packet; `None` for what never travels in trains.
    pub(super) fn new(datagram: &Datagram<'_>, time: Timestamp) -> Option<Self> {
        let (kind, octets, sequence) = match &datagram.body {
            Body::Esp(esp) => (Kind::Esp(esp.header.spi), esp.length, esp.header.sequence),
            Body::Ah(header, length) => (Kind::Ah(header.spi), *length, header.sequence),
            Body::Keepalive => (Kind::Keepalive, 1, 0),
            _ => return None,
        };
        let at = (datagram.stamp.frame, time);
        Some(Self {
            path: datagram.path,
            first: at,
            kind,
            last: at,
            packets: 1,
            octets: u64::from(octets),
            sequence: [sequence, sequence],
            fragmented: u64::from(datagram.ip.pieces > 1),
            cut: u64::from(datagram.cut),
        })
    }

    fn is_of(&self, packet: &Self) -> bool {
        self.kind == packet.kind
            && self.path == packet.path
            && self.first.0.input == packet.first.0.input
    }

    fn add(&mut self, packet: &Self) {
        let ([lowest, highest], [low, high]) = (self.sequence, packet.sequence);
        self.sequence = [lowest.min(low), highest.max(high)];
        self.last = packet.last;
        self.packets += packet.packets;
        self.octets += packet.octets;
        self.fragmented += packet.fragmented;
        self.cut += packet.cut;
    }
}

/// `ESP 0x0e910038 seq 1, 120 octets`,
/// `ESP 0x0e910038 seq 1-8, 8 packets, 960 octets in 2.9 s, to frame 21`.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lowest, highest] = self.sequence;
        let (name, spi) = match self.kind {
            Kind::Esp(spi) => ("ESP", Some(spi)),
            Kind::Ah(spi) => ("AH", Some(spi)),
            Kind::Keepalive => ("NAT keepalive", None),
        };
        f.write_str(name)?;
        if let Some(spi) = spi {
            write!(f, " {spi} seq {lowest}")?;
        }
        if self.packets == 1 {
            if spi.is_some() {
                write!(f, ", {} octets", self.octets)?;
            }
        } else {
            if highest > lowest {
                write!(f, "-{highest}")?;
            }
            let octets = match spi {
                Some(_) => format!(", {} octets", self.octets),
                None => String::new(),
            };
            let span = self.last.1.since(self.first.1);
            let (packets, frame) = (self.packets, self.last.0);
            write!(f, ", {packets} packets{octets} in {span}, to frame {frame}")?;
        }
        for (count, what) in [(self.fragmented, "in IP fragments"), (self.cut, "cut")] {
            match count {
                0 => {}
                _ if self.packets == 1 => write!(f, ", {what}")?,
                count => write!(f, ", {count} {what}")?,
            }
        }
        Ok(())
    }
}

//! Trains: ESP, AH, keepalives and ICMP errors that follow each other, folded into a line for each
//! flow.

use super::{icmp, inner};
use crate::limits;
use crate::net::{Body, Datagram, IcmpError, Path};
use crate::units::{EspSpi, FrameId, Span, Timestamp};

/// Packets that follow each other with nothing else between them.
#[derive(Debug, Default)]
pub(super) struct Train {
    rows: Vec<Row>,
}

impl Train {
    /// Whether a packet belongs to this train: it is not too late for it, and there is room. The
    /// first ICMP error of its kind is news, and begins another.
    pub(super) fn takes(&self, packet: &Row, patience: Span) -> bool {
        let Some(first) = self.rows.first() else {
            return true;
        };
        let known = self.rows.iter().any(|row| row.is_of(packet));
        let news = matches!(packet.kind, Kind::Icmp(_)) || self.rows.len() >= limits::TRAIN_FLOWS;
        packet.first.1.since(first.first.1) < patience && (known || !news)
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
    /// Packets that are not encrypted, and what the first of them carries.
    readable: u64,
    inside: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Esp(EspSpi),
    Ah(EspSpi),
    Keepalive,
    /// Without the length of the quoted packet: errors about packets of one flow are alike.
    Icmp(IcmpError),
}

impl Row {
    /// A row of one packet; `None` for what never travels in trains.
    pub(super) fn new(datagram: &Datagram<'_>, time: Timestamp) -> Option<Self> {
        let (kind, octets, sequence) = match &datagram.body {
            Body::Esp(esp) => (Kind::Esp(esp.header.spi), esp.length, esp.header.sequence),
            Body::Ah(header, length) => (Kind::Ah(header.spi), *length, header.sequence),
            Body::Keepalive => (Kind::Keepalive, 1, 0),
            Body::Icmp(error) => {
                let mut alike = *error;
                alike.quoted.length = 0;
                (Kind::Icmp(alike), 0, 0)
            }
            _ => return None,
        };
        let inside = match &datagram.body {
            Body::Esp(esp) => {
                let path = &datagram.path;
                let inner = esp.inner(path.from.address, path.to.address);
                inner.map(|inner| inner::words(&inner))
            }
            _ => None,
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
            readable: u64::from(inside.is_some()),
            inside,
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
        self.readable += packet.readable;
    }

    /// A title, maybe empty, and the rest: `ESP 0x0e910038 seq 1, 120 octets`,
    /// `ESP 0x0e910038 seq 1-8, 8 packets, 960 octets in 2.9 s, to frame 21`.
    pub(super) fn told(&self) -> (String, String) {
        let [lowest, highest] = self.sequence;
        let numbers = match highest > lowest {
            true => format!("{lowest}-{highest}"),
            false => lowest.to_string(),
        };
        let (title, mut text) = match &self.kind {
            Kind::Esp(spi) => (String::new(), format!("ESP {spi} seq {numbers}")),
            Kind::Ah(spi) => (String::new(), format!("AH {spi} seq {numbers}")),
            Kind::Keepalive => (String::new(), "NAT keepalive".to_owned()),
            Kind::Icmp(error) => icmp::told(error),
        };
        if self.packets > 1 {
            text += &format!(", {} packets", self.packets);
        }
        if matches!(self.kind, Kind::Esp(_) | Kind::Ah(_)) {
            text += &format!(", {} octets", self.octets);
        }
        if self.packets > 1 {
            let span = self.last.1.since(self.first.1);
            text += &format!(" in {span}, to frame {}", self.last.0);
        }
        if let (1, Some(inside)) = (self.packets, &self.inside) {
            return (title, format!("{text}, not encrypted: {inside}"));
        }
        for (count, what) in [
            (self.fragmented, "in IP fragments"),
            (self.cut, "cut"),
            (self.readable, "not encrypted"),
        ] {
            match count {
                0 => {}
                _ if self.packets == 1 => text += &format!(", {what}"),
                count => text += &format!(", {count} {what}"),
            }
        }
        (title, text)
    }
}

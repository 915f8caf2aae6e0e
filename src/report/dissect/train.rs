//! Trains: ESP, AH, keepalives and ICMP errors that follow each other, folded into a line for each
//! flow.

use super::{icmp, inner};
use crate::limits;
use crate::net::{Body, Datagram, IcmpError, Opening, Path, Unopened};
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
    /// Packets that are not encrypted, and no key was needed.
    clear: u64,
    /// Packets that keys opened, those of them that nothing checks, and those that did not open.
    opened: u64,
    unchecked: u64,
    failed: u64,
    /// What the first carries, or why that is not known.
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
            Body::Ah(ah) => (Kind::Ah(ah.header.spi), ah.length, ah.header.sequence),
            Body::Keepalive => (Kind::Keepalive, 1, 0),
            Body::Icmp(error) => {
                let mut alike = *error;
                alike.quoted.length = 0;
                (Kind::Icmp(alike), 0, 0)
            }
            _ => return None,
        };
        let (mut opening, mut clear, mut inside) = (None, false, None);
        if let Body::Esp(esp) = &datagram.body {
            let path = &datagram.path;
            let inner = esp.inner(path.from.address, path.to.address);
            opening = esp.opening;
            clear = inner.is_some() && opening.and_then(Opening::opened).is_none();
            inside = match (inner, opening) {
                (Some(inner), _) => Some(inner::words(&inner)),
                (None, Some(Opening::Failed(failed))) => Some(failed.why.to_string()),
                (None, _) => None,
            };
        }
        let opened = opening.and_then(Opening::opened);
        let ah_ok = match &datagram.body {
            Body::Ah(ah) => ah.icv_ok,
            _ => None,
        };
        if ah_ok == Some(false) {
            inside = Some(Unopened::Integrity.to_string());
        }
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
            clear: u64::from(clear),
            opened: u64::from(opened.is_some() || ah_ok == Some(true)),
            unchecked: u64::from(opened.is_some_and(|opened| !opened.checked)),
            failed: u64::from(
                opening.is_some() && opened.is_none() && !clear || ah_ok == Some(false),
            ),
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
        self.clear += packet.clear;
        self.opened += packet.opened;
        self.unchecked += packet.unchecked;
        self.failed += packet.failed;
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
            let how = match () {
                () if self.clear > 0 => "not encrypted",
                () if self.failed > 0 => "not opened",
                () if self.unchecked > 0 => "opened unchecked",
                () => "opened",
            };
            return (title, format!("{text}, {how}: {inside}"));
        }
        for (count, what) in [
            (self.fragmented, "in IP fragments"),
            (self.cut, "cut"),
            (self.clear, "not encrypted"),
            (self.opened, "opened"),
            (self.unchecked, "of them unchecked"),
            (self.failed, "not opened"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Encap, Esp, FailedEsp, Inner, IpFacts, OpenedEsp, SaId, Stamp, Unopened};
    use crate::units::{Endpoint, Vantage};
    use crate::wire::esp::EspHeader;
    use std::net::IpAddr;

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn row(number: u32, opening: &Opening) -> Row {
        let end = |address| Endpoint {
            address,
            port: None,
        };
        let frame = FrameId {
            input: 0,
            number: number.into(),
        };
        let datagram = Datagram {
            stamp: Stamp {
                frame,
                time: None,
                vantage: Vantage {
                    input: 0,
                    interface: 0,
                },
                station: None,
                wire_len: 0,
            },
            path: Path {
                from: end(FROM),
                to: end(TO),
                encap: Encap::default(),
            },
            ip: IpFacts::default(),
            cut: false,
            body: Body::Esp(Esp {
                header: EspHeader {
                    spi: EspSpi(7),
                    sequence: number,
                },
                length: 40,
                bytes: &[],
                null: None,
                opening: Some(opening),
                payload: &[],
            }),
        };
        Row::new(&datagram, Timestamp(0)).unwrap()
    }

    #[test]
    fn what_keys_open_is_told_and_in_a_train_counted() {
        let opened = |checked| {
            Opening::Opened(OpenedEsp {
                sa: SaId(0),
                checked,
                high: None,
                next_header: 17,
                pad_length: 2,
                inner: Inner::read(17, &[0, 1, 0, 2, 0, 8, 0, 0], FROM, TO),
            })
        };
        let failed = Opening::Failed(FailedEsp {
            sa: SaId(0),
            why: Unopened::Integrity,
        });
        let told = |opening: &Opening| row(1, opening).told().1;
        assert_eq!(
            told(&opened(true)),
            "ESP 0x00000007 seq 1, 40 octets, opened: UDP 192.0.2.1:1 → 192.0.2.2:2, 8 octets"
        );
        assert_eq!(
            told(&failed),
            "ESP 0x00000007 seq 1, 40 octets, not opened: the checksum is wrong"
        );
        let mut train = Train::default();
        for (number, opening) in (1..).zip([opened(true), opened(false), opened(true), failed]) {
            train.push(row(number, &opening));
        }
        let rows = train.unload();
        assert_eq!(
            rows[0].told().1,
            "ESP 0x00000007 seq 1-4, 4 packets, 160 octets in 0 µs, to frame 4, 3 opened, 1 of \
             them unchecked, 1 not opened"
        );
    }
}

//! Packets of ESP as they are told: one, or a train of one lane.

use crate::net::{Body, Datagram, Esp, IpFacts, Null, Opening, Stamp};
use crate::scan::{Lane, Marks, NO_TIME, Packet, Readable, Train};
use crate::units::{FrameId, Timestamp};
use crate::wire::esp::EspHeader;

/// One ESP packet.
#[derive(Clone, Copy, Debug)]
pub struct EspPacket<'a> {
    /// Its frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
    /// Its sequence number.
    pub sequence: u32,
    /// Octets from the SPI to the end of the checksum.
    pub length: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Whether the capture kept only a part of it.
    pub cut: bool,
    /// Whether it forbids fragmentation.
    pub dont_fragment: bool,
    /// Whether its frame holds more octets behind it than IP says.
    pub padded: bool,
    /// Whether it was put together from IP fragments.
    pub fragmented: bool,
    /// How it is laid out, if it is seen not to be encrypted.
    pub null: Option<Null>,
    /// Its octets from the SPI on, if it is not encrypted; none otherwise.
    pub bytes: &'a [u8],
    /// What keys made of it, if there are any for its SPI.
    pub opening: Option<&'a Opening>,
    /// Its payload, if keys opened it and someone asked for it.
    pub payload: &'a [u8],
}

impl<'a> EspPacket<'a> {
    /// The packet as a datagram of its lane. What its IP header says besides is not kept.
    pub fn datagram(&self, lane: &Lane) -> Datagram<'a> {
        let header = EspHeader {
            spi: lane.spi,
            sequence: self.sequence,
        };
        Datagram {
            stamp: Stamp {
                frame: self.frame,
                time: Some(self.time),
                vantage: lane.vantage,
                station: None,
                wire_len: 0,
            },
            path: lane.path,
            ip: IpFacts {
                ttl: self.ttl,
                traffic_class: self.traffic_class,
                dont_fragment: self.dont_fragment,
                pieces: 1,
                ..IpFacts::default()
            },
            cut: self.cut,
            body: Body::Esp(Esp {
                header,
                length: self.length,
                bytes: self.bytes,
                null: self.null,
                opening: self.opening,
                payload: self.payload,
            }),
        }
    }
}

/// Where in the story the packets of a batch stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) input: u16,
    /// Frames of this input that lie before the batch.
    pub(super) before: u64,
    /// The time of packets that have none.
    pub(super) clock: Option<Timestamp>,
}

impl Place {
    #[inline(always)]
    pub(super) fn packet<'a>(&self, packet: &Packet, read: Option<&'a Readable>) -> EspPacket<'a> {
        let time = match packet.time {
            // A file whose frames have no time at all begins at the epoch; the input says so.
            NO_TIME => self.clock.unwrap_or(Timestamp(0)),
            time => Timestamp(time),
        };
        EspPacket {
            frame: FrameId {
                input: self.input,
                number: self.before + u64::from(packet.frame),
            },
            time,
            sequence: packet.sequence,
            length: packet.length,
            ttl: packet.ttl,
            traffic_class: packet.traffic_class,
            cut: packet.marks.has(Marks::CUT),
            dont_fragment: packet.marks.has(Marks::DONT_FRAGMENT),
            padded: packet.marks.has(Marks::PADDED),
            fragmented: false,
            null: read.map(|packet| packet.null),
            bytes: read.map_or(&[], |packet| &packet.bytes),
            opening: None,
            payload: &[],
        }
    }
}

/// Trains of ESP packets, in order of the first packet of each.
#[derive(Clone, Debug)]
pub struct Trains<'b> {
    pub(super) place: Place,
    pub(super) lanes: &'b [Lane],
    pub(super) trains: &'b [Train],
    pub(super) packets: &'b [Packet],
}

impl<'b> Trains<'b> {
    /// Takes off those that begin before a frame of the batch.
    pub(super) fn until(&mut self, frame: u64) -> Self {
        let (mut trains, mut packets) = (0, 0);
        for train in self.trains {
            let first = self.packets.get(packets);
            if first.is_none_or(|first| u64::from(first.frame) >= frame) {
                break;
            }
            trains += 1;
            packets += train.packets as usize;
        }
        let begun = self.trains.split_at_checked(trains);
        let Some((begun, later)) = begun else {
            return Self {
                trains: &[],
                ..self.clone()
            };
        };
        self.trains = later;
        let (before, after) = self
            .packets
            .split_at_checked(packets)
            .unwrap_or((self.packets, &[]));
        self.packets = after;
        Self {
            trains: begun,
            packets: before,
            ..self.clone()
        }
    }
}

/// Each with its lane.
impl<'b> Iterator for Trains<'b> {
    type Item = (&'b Lane, EspTrain<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        let (train, trains) = self.trains.split_first()?;
        let (packets, after) = self.packets.split_at_checked(train.packets as usize)?;
        (self.trains, self.packets) = (trains, after);
        let lane = self.lanes.get(train.lane as usize)?;
        let train = EspTrain {
            place: self.place,
            packets,
        };
        Some((lane, train))
    }
}

/// ESP packets of one lane, in order.
#[derive(Clone, Copy, Debug)]
pub struct EspTrain<'b> {
    place: Place,
    packets: &'b [Packet],
}

impl<'b> EspTrain<'b> {
    /// Packets of the first chunk of an input.
    #[cfg(test)]
    pub(crate) fn of_test(packets: &'b [Packet]) -> Self {
        let place = Place {
            input: 0,
            before: 0,
            clock: None,
        };
        Self { place, packets }
    }

    /// How many packets.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The first of them, and those behind it.
    #[inline]
    pub fn split_first(self) -> Option<(EspPacket<'static>, Self)> {
        let (first, packets) = self.packets.split_first()?;
        Some((self.place.packet(first, None), Self { packets, ..self }))
    }

    /// The first so many, or all if there are fewer.
    #[inline]
    pub fn first(self, count: usize) -> Self {
        let packets = self.packets.get(..count).unwrap_or(self.packets);
        Self { packets, ..self }
    }

    /// Those behind the first so many.
    #[inline]
    pub fn after(self, count: usize) -> Self {
        let packets = self.packets.get(count..).unwrap_or_default();
        Self { packets, ..self }
    }

    /// The packets.
    #[inline]
    pub fn packets(&self) -> impl Iterator<Item = EspPacket<'static>> {
        let packets = self.packets.iter();
        packets.map(|packet| self.place.packet(packet, None))
    }
}

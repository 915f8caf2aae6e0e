//! The capture with what ESP carries in clear, as a pcapng file.
//!
//! A frame with ESP that was opened is replaced by the packets inside, on an interface of their SA;
//! every other frame stays as it was, on an interface of its link type. Times are the frames'.
//!
//! A packet from inside stands behind the link header of its frame where that can be: libpcap reads
//! no file with frames of several link types.

use super::wrong_keys::{Openings, WrongKey};
use crate::capture::{Frame, LinkType, Writer};
use crate::limits;
use crate::model::KeyUsed;
use crate::net::{Body, Datagram, Esp, Layer, OpenedEsp, Opening, Path, SaId};
use crate::units::{EspSpi, Timestamp, Vantage};
use foldhash::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes the capture.
#[derive(Debug)]
pub struct Decrypted<W> {
    out: Writer<W>,
    interfaces: HashMap<Interface, u32>,
    /// The frame told last, which waits for what is in it.
    frame: Option<Waiting>,
    /// Packets that were opened in it.
    packets: Vec<Packet>,
    has_esp: bool,
    is_kept: bool,
    time: Timestamp,
    tally: Tally,
    openings: Openings,
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Frames that were read.
    pub frames: u64,
    /// Those that were replaced by what was in them.
    pub opened: u64,
    /// Packets that stand in their place.
    pub packets: u64,
    /// Frames with ESP that was not opened, as they were.
    pub sealed: u64,
    /// Frames with ESP that was opened and holds no packet that could stand alone: dummies, packets
    /// gathered and cut, what is no IP packet. They are as they were.
    pub kept: u64,
    /// All other frames, as they were.
    pub others: u64,
}

/// `12 frames: 8 opened to 8 packets, 1 with ESP not opened, …`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            frames,
            opened,
            packets,
            sealed,
            kept,
            others,
        } = self;
        write!(
            f,
            "{frames} frames: {opened} opened to {packets} packets, {sealed} with ESP not opened, \
             {kept} opened to no packet of its own, {others} others; all but the opened ones are as \
             they were"
        )
    }
}

/// What packets of an interface have in common.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Interface {
    /// Frames as they were.
    Link(Vantage, LinkType),
    /// What one direction of an SA carries, behind a header of this type.
    Sa(Vantage, LinkType, EspSpi, IpAddr, IpAddr),
}

#[derive(Debug)]
struct Waiting {
    vantage: Vantage,
    link: LinkType,
    wire_len: u32,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Packet {
    interface: Interface,
    bytes: Vec<u8>,
}

impl<W: Write> Decrypted<W> {
    /// Begins the file.
    ///
    /// # Errors
    ///
    /// Whatever the output says; so for all methods.
    pub fn new(out: W) -> io::Result<Self> {
        let application = concat!("espial ", env!("CARGO_PKG_VERSION"));
        let comment = "Packets that ESP carries stand in clear on an interface of their SA, other \
                       frames as they were";
        Ok(Self {
            out: Writer::new(out, application, comment)?,
            interfaces: HashMap::default(),
            frame: None,
            packets: Vec::new(),
            has_esp: false,
            is_kept: false,
            time: Timestamp(0),
            tally: Tally::default(),
            openings: Openings::default(),
        })
    }

    /// The next frame begins.
    pub fn frame(&mut self, frame: &Frame<'_>, time: Timestamp) -> io::Result<()> {
        self.flush()?;
        self.time = time;
        self.frame = Some(Waiting {
            vantage: frame.vantage,
            link: frame.link,
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
        });
        Ok(())
    }

    /// A datagram that the frame holds or completes.
    pub fn datagram(&mut self, datagram: &Datagram<'_>) {
        let Body::Esp(esp) = &datagram.body else {
            return;
        };
        self.has_esp = true;
        let path = &datagram.path;
        if let Some(opening) = esp.opening {
            let to = path.to.address;
            self.openings.count(esp.header.spi, to, opening);
        }
        let Some(opened) = esp.opening.and_then(Opening::opened) else {
            return;
        };
        let (Some(packet), Some(frame)) = (packet(datagram, esp, opened), &self.frame) else {
            self.is_kept = true;
            return;
        };
        let (link, bytes) = linked(frame, packet);
        let vantage = frame.vantage;
        let is_inner = path.encap.iter().any(|layer| layer == Layer::Esp);
        // A packet in which another was opened gives way to that one.
        if is_inner {
            self.packets.pop();
        }
        let (from, to) = (path.from.address, path.to.address);
        self.packets.push(Packet {
            interface: Interface::Sa(vantage, link, esp.header.spi, from, to),
            bytes,
        });
    }

    /// A key that there was, by the number of its SA.
    pub fn key(&mut self, id: SaId, key: &KeyUsed) {
        self.openings.name(id, key);
    }

    /// Ends the file; what became of the frames, and the keys that fit none of them.
    pub fn finish(mut self) -> io::Result<(W, Tally, Vec<WrongKey>)> {
        self.flush()?;
        let out = self.out.finish(self.time, &self.tally.to_string())?;
        Ok((out, self.tally, self.openings.wrong()))
    }

    /// Writes the frame that waits, or what was opened in it.
    fn flush(&mut self) -> io::Result<()> {
        let Some(frame) = self.frame.take() else {
            return Ok(());
        };
        let packets = std::mem::take(&mut self.packets);
        let (has_esp, is_kept) = (self.has_esp, self.is_kept);
        (self.has_esp, self.is_kept) = (false, false);
        self.tally.frames += 1;
        let fits = self.interfaces.len() + packets.len() < limits::DECRYPTED_INTERFACES;
        if packets.is_empty() || !fits {
            match (has_esp, is_kept || !packets.is_empty()) {
                (true, true) => self.tally.kept += 1,
                (true, false) => self.tally.sealed += 1,
                (false, _) => self.tally.others += 1,
            }
            let interface = Interface::Link(frame.vantage, frame.link);
            return self.write(interface, frame.wire_len, &frame.bytes);
        }
        self.tally.opened += 1;
        for packet in packets {
            self.tally.packets += 1;
            let length = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
            self.write(packet.interface, length, &packet.bytes)?;
        }
        Ok(())
    }

    fn write(&mut self, interface: Interface, wire_len: u32, bytes: &[u8]) -> io::Result<()> {
        let number = match self.interfaces.get(&interface) {
            Some(number) => *number,
            None => {
                let (link, name, comment) = described(interface);
                let number = self.out.interface(link, &name, &comment)?;
                self.interfaces.insert(interface, number);
                number
            }
        };
        self.out.packet(number, self.time, wire_len, bytes)
    }
}

/// Link type, name and comment.
fn described(interface: Interface) -> (LinkType, String, String) {
    match interface {
        Interface::Link(Vantage { input, interface }, link) => (
            link,
            format!("input{input}-{interface}"),
            format!("interface {interface} of input {input}, frames as they were"),
        ),
        Interface::Sa(Vantage { input, interface }, link, spi, from, to) => (
            link,
            format!("esp-{spi}"),
            format!(
                "ESP SA of SPI {spi} from {from} to {to}, opened; recorded on interface {interface} \
                 of input {input}"
            ),
        ),
    }
}

/// A packet behind the link header of a frame, or alone where that header is not one of these.
fn linked(frame: &Waiting, packet: Vec<u8>) -> (LinkType, Vec<u8>) {
    let is_v6 = packet.first().is_some_and(|octet| octet >> 4 == 6);
    let ether_type: [u8; 2] = if is_v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
    // Where the header holds the EtherType, and how long it is.
    let (at, length) = match frame.link {
        LinkType::ETHERNET => (12, 14),
        LinkType::LINUX_SLL => (14, 16),
        LinkType::LINUX_SLL2 => (0, 20),
        _ => return (LinkType::RAW, packet),
    };
    let mut bytes = match frame.bytes.get(..length) {
        Some(header) => header.to_vec(),
        None => return (LinkType::RAW, packet),
    };
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&ether_type);
    }
    bytes.extend(packet);
    (frame.link, bytes)
}

/// The packet that ESP carries, in transport mode with an IP header made for it; `None` if there is
/// none that could stand alone.
fn packet(datagram: &Datagram<'_>, esp: &Esp<'_>, opened: &OpenedEsp) -> Option<Vec<u8>> {
    let (payload, inner) = (esp.payload, &opened.inner);
    match opened.next_header {
        IPV4 | IPV6 => {
            inner.ip?;
            let length = usize::try_from(inner.length).ok()?;
            Some(payload.get(..length).unwrap_or(payload).to_vec())
        }
        BEET => {
            let &[next_header, units, ..] = payload.first_chunk::<4>()?;
            let rest = payload.get(8 + usize::from(units) * 8..)?;
            headed(datagram, next_header, rest)
        }
        DUMMY | AGGFRAG => None,
        next_header => headed(datagram, next_header, payload),
    }
}

const IPV4: u8 = 4;
const IPV6: u8 = 41;
const DUMMY: u8 = 59;
const BEET: u8 = 94;
const AGGFRAG: u8 = 144;

/// A payload behind an IP header like the one around ESP, as far as that is known.
fn headed(datagram: &Datagram<'_>, protocol: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let Path { from, to, .. } = datagram.path;
    let ip = &datagram.ip;
    let mut packet = Vec::with_capacity(40 + payload.len());
    match (from.address, to.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let [a, b] = u16::try_from(payload.len() + 20).ok()?.to_be_bytes();
            let flags = if ip.dont_fragment { 0x40 } else { 0 };
            packet.extend([0x45, ip.traffic_class, a, b, 0, 0, flags, 0]);
            packet.extend([ip.ttl, protocol, 0, 0]);
            packet.extend(from.octets());
            packet.extend(to.octets());
            let sum: u32 = packet
                .chunks_exact(2)
                .filter_map(|pair| pair.first_chunk())
                .map(|pair| u32::from(u16::from_be_bytes(*pair)))
                .sum();
            let sum = (sum & 0xffff) + (sum >> 16);
            let sum = !((sum & 0xffff) + (sum >> 16));
            let [.., c, d] = sum.to_be_bytes();
            let place = packet.get_mut(10..12)?;
            place.copy_from_slice(&[c, d]);
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let [a, b] = u16::try_from(payload.len()).ok()?.to_be_bytes();
            let class = ip.traffic_class;
            packet.extend([0x60 | class >> 4, class << 4, 0, 0, a, b, protocol, ip.ttl]);
            packet.extend(from.octets());
            packet.extend(to.octets());
        }
        _ => return None,
    }
    packet.extend(payload);
    Some(packet)
}

//! One JSON object a line: the contract of `dissect --format ndjson`.
//!
//! Written straight from the borrowed octets, with no tree in between: a capture has many packets.

use super::inner::InnerRecord;
use super::payload::{Context, PayloadRecord};
use crate::model::Plain;
use crate::net::{Body, Datagram, Esp, Layer, Opening, Path, Quote, Unopened};
use crate::report::view;
use crate::session::Reading;
use crate::units::{EspSpi, IkeSpi, Timestamp};
use crate::wire::fault::Faults;

use crate::wire::{Fault, FaultKind, Message, Payload};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes the record of a datagram, and a line feed. Datagrams without IPsec write nothing.
///
/// Many small writes are made: `out` should be a buffer.
pub fn write_ndjson(
    out: &mut impl Write,
    datagram: &Datagram<'_>,
    time: Timestamp,
    reading: &Reading,
) -> io::Result<()> {
    let Some(record) = Record::new(datagram, time, reading) else {
        return Ok(());
    };
    serde_json::to_writer(&mut *out, &record)?;
    out.write_all(b"\n")
}

/// One line.
#[derive(Serialize)]
struct Record<'a> {
    frame: u64,
    input: u16,
    time_ns: i64,
    src: IpAddr,
    dst: IpAddr,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    #[serde(serialize_with = "encap")]
    encap: &'a crate::net::Encap,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// IP fragments that it was put together from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<u16>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ike: Option<IkeRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    esp: Option<EspRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ah: Option<AhRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpRecord>,
}

impl<'a> Record<'a> {
    fn new(datagram: &'a Datagram<'a>, time: Timestamp, reading: &'a Reading) -> Option<Self> {
        let path = &datagram.path;
        let mut record = Self {
            frame: datagram.stamp.frame.number,
            input: datagram.stamp.frame.input,
            time_ns: time.0,
            src: path.from.address,
            dst: path.to.address,
            src_port: path.from.port,
            dst_port: path.to.port,
            encap: &path.encap,
            cut: datagram.cut,
            pieces: Some(datagram.ip.pieces).filter(|pieces| *pieces > 1),
            kind: "",
            ike: None,
            esp: None,
            ah: None,
            icmp: None,
        };
        match &datagram.body {
            Body::Ike(bytes) => {
                record.kind = "ike";
                record.ike = Some(IkeRecord {
                    message: Message::read(bytes),
                    datagram,
                    reading,
                });
            }
            Body::Esp(esp) => {
                record.kind = "esp";
                record.esp = Some(EspRecord::new(esp, path));
            }
            Body::Ah(ah) => {
                record.kind = "ah";
                record.ah = Some(AhRecord {
                    spi: ah.header.spi,
                    sequence: ah.header.sequence,
                    next_header: ah.header.next_header,
                    icv: Hex(ah.header.icv),
                    icv_ok: ah.icv_ok,
                    length: ah.length,
                });
            }
            Body::Keepalive => record.kind = "keepalive",
            Body::Icmp(error) => {
                record.kind = "icmp";
                record.icmp = Some(IcmpRecord {
                    kind: error.kind,
                    code: error.code,
                    mtu: error.mtu,
                    quoted: QuoteRecord::new(&error.quoted),
                });
            }
            // Fragments tell nothing until they are put together; packets in clear are not IPsec.
            // Nor do pieces of a stream.
            Body::Fragment(_)
            | Body::Clear(_)
            | Body::Refused(_)
            | Body::Segment(_)
            | Body::Learned(_) => {
                return None;
            }
        }
        Some(record)
    }
}

fn encap<S: Serializer>(encap: &crate::net::Encap, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(None)?;
    for layer in encap.iter() {
        match layer {
            // The common ones need no formatting.
            Layer::Udp => list.serialize_element("udp")?,
            layer => list.serialize_element(&Text(layer))?,
        }
    }
    list.end()
}

#[derive(Serialize)]
struct EspRecord {
    #[serde(serialize_with = "text")]
    spi: EspSpi,
    sequence: u32,
    length: u32,
    #[serde(flatten)]
    null: Option<NullRecord>,
    #[serde(flatten)]
    opening: Option<OpeningRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_header: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pad_length: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<InnerRecord>,
}

impl EspRecord {
    fn new(esp: &Esp<'_>, path: &Path) -> Self {
        let opened = esp.opening.and_then(Opening::opened);
        let trailer = match (opened, esp.null) {
            (Some(opened), _) => Some((opened.next_header, opened.pad_length)),
            (None, null) => null.map(|null| (null.next_header, null.pad_length)),
        };
        Self {
            spi: esp.header.spi,
            sequence: esp.header.sequence,
            length: esp.length,
            null: esp.null.map(|null| NullRecord {
                null_iv: null.iv,
                null_icv: null.icv,
            }),
            opening: esp.opening.map(OpeningRecord::new),
            next_header: trailer.map(|trailer| trailer.0),
            pad_length: trailer.map(|trailer| trailer.1),
            inner: esp
                .inner(path.from.address, path.to.address)
                .map(|inner| InnerRecord::new(&inner)),
        }
    }
}

/// The layout of a packet that is not encrypted.
#[derive(Serialize)]
struct NullRecord {
    null_iv: u8,
    null_icv: u8,
}

/// What keys made of a packet.
#[derive(Serialize)]
struct OpeningRecord {
    state: &'static str,
    /// Null where nothing checks it.
    icv_ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Text<Unopened>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_high: Option<u32>,
}

impl OpeningRecord {
    fn new(opening: &Opening) -> Self {
        match opening {
            Opening::Opened(opened) => Self {
                state: "opened",
                icv_ok: opened.checked.then_some(true),
                why: None,
                sequence_high: opened.high,
            },
            Opening::Failed(failed) => Self {
                state: "failed",
                icv_ok: match failed.why {
                    Unopened::Integrity => Some(false),
                    Unopened::Padding => Some(true),
                    _ => None,
                },
                why: Some(Text(failed.why)),
                sequence_high: None,
            },
        }
    }
}

#[derive(Serialize)]
struct AhRecord<'a> {
    #[serde(serialize_with = "text")]
    spi: EspSpi,
    sequence: u32,
    next_header: u8,
    icv: Hex<'a>,
    /// Absent if no key checks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    icv_ok: Option<bool>,
    /// Octets that follow the header.
    length: u32,
}

#[derive(Serialize)]
struct IcmpRecord {
    #[serde(rename = "type")]
    kind: u8,
    code: u8,
    mtu: Option<u32>,
    quoted: QuoteRecord,
}

/// The packet that an ICMP error is about.
#[derive(Serialize)]
pub(super) struct QuoteRecord {
    src: IpAddr,
    dst: IpAddr,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    protocol: u8,
    length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    spi: Option<Text<EspSpi>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiator_spi: Option<Text<IkeSpi>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responder_spi: Option<Text<IkeSpi>>,
}

impl QuoteRecord {
    pub(super) fn new(quote: &Quote) -> Self {
        Self {
            src: quote.from.address,
            dst: quote.to.address,
            src_port: quote.from.port,
            dst_port: quote.to.port,
            protocol: quote.protocol,
            length: quote.length,
            spi: quote.esp.map(Text),
            initiator_spi: quote.ike.map(|spis| Text(spis.initiator)),
            responder_spi: quote.ike.map(|spis| Text(spis.responder)),
        }
    }
}

/// An IKE message.
struct IkeRecord<'a> {
    message: Message<'a>,
    datagram: &'a Datagram<'a>,
    reading: &'a Reading,
}

impl Serialize for IkeRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Message {
            header,
            payloads,
            sealed,
            faults,
        } = &self.message;
        let context = Context {
            spis: header.spis,
            version: header.version,
            path: &self.datagram.path,
            reading: self.reading,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("initiator_spi", &Text(header.spis.initiator))?;
        map.serialize_entry("responder_spi", &Text(header.spis.responder))?;
        map.serialize_entry("version", &view::version(header.version))?;
        map.serialize_entry("exchange", &header.exchange.0)?;
        let path = context.path;
        let name = header.exchange.name_between([path.from.port, path.to.port]);
        map.serialize_entry("exchange_name", &name)?;
        map.serialize_entry("flags", &header.flags.0)?;
        map.serialize_entry("message_id", &header.message_id)?;
        map.serialize_entry("length", &header.length)?;
        if !self.reading.frames.is_empty() {
            let frames = || self.reading.frames.iter().map(|frame| frame.number);
            map.serialize_entry("frames", &Each(frames))?;
        }
        // IKEv1: what was opened stands in the place of what was sealed.
        if sealed.is_some() {
            return opening(&mut map, context, true).and_then(|()| map.end());
        }
        map.serialize_entry("payloads", &records(payloads, context))?;
        map.serialize_entry("faults", &Each(|| faults.iter().map(FaultRecord)))?;
        map.end()
    }
}

/// Payloads as a list.
fn records<'a>(payloads: &'a [Payload<'a>], context: Context<'a>) -> impl Serialize + 'a {
    Each(move || {
        payloads
            .iter()
            .map(move |payload| PayloadRecord { payload, context })
    })
}

/// Whether an encrypted body was opened, and what is in it. `always` gives the lists even if they
/// are empty.
pub(super) fn opening<M: SerializeMap>(
    map: &mut M,
    context: Context<'_>,
    always: bool,
) -> Result<(), M::Error> {
    let mut faults = Faults::default();
    let mut payloads = Vec::new();
    let mut has_payloads = always;
    match &context.reading.plain {
        Plain::Opened(opened) => {
            map.serialize_entry("state", "opened")?;
            map.serialize_entry("key", &Text(&opened.key))?;
            map.serialize_entry("iv", &Hex(&opened.iv))?;
            map.serialize_entry("pad_length", &opened.pad_length)?;
            if context.version.major() == 1 {
                map.serialize_entry("hash_ok", &opened.hash_ok)?;
            } else {
                map.serialize_entry("icv_ok", &opened.icv_ok)?;
            }
            payloads = opened.payloads(context.version, &mut faults);
            has_payloads |= !opened.is_part;
        }
        Plain::Failed(why) => {
            map.serialize_entry("state", "failed")?;
            map.serialize_entry("why", &Text(why))?;
        }
        Plain::Clear | Plain::Sealed => map.serialize_entry("state", "sealed")?,
    }
    if has_payloads {
        map.serialize_entry("payloads", &records(&payloads, context))?;
    }
    if always || !faults.list.is_empty() {
        map.serialize_entry("faults", &Each(|| faults.list.iter().map(FaultRecord)))?;
    }
    Ok(())
}

/// A fault, with the numbers of its kind.
struct FaultRecord<'a>(&'a Fault);

impl Serialize for FaultRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fault { at, path, kind } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", at)?;
        map.serialize_entry("path", path)?;
        map.serialize_entry("what", &Text(kind))?;
        match kind {
            FaultKind::Short {
                need,
                have,
                promised_by,
            } => {
                map.serialize_entry("kind", "short")?;
                map.serialize_entry("need", need)?;
                map.serialize_entry("have", have)?;
                map.serialize_entry("promised_by", promised_by)?;
            }
            FaultKind::Trailing(octets) => {
                map.serialize_entry("kind", "trailing")?;
                map.serialize_entry("octets", octets)?;
            }
            FaultKind::Value {
                field,
                value,
                expected,
            } => {
                map.serialize_entry("kind", "value")?;
                map.serialize_entry("field", field)?;
                map.serialize_entry("value", value)?;
                map.serialize_entry("expected", expected)?;
            }
            FaultKind::Limit { what, limit } => {
                map.serialize_entry("kind", "limit")?;
                map.serialize_entry("counted", what)?;
                map.serialize_entry("limit", limit)?;
            }
        }
        map.end()
    }
}

/// A list made on the fly from an iterator.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// A string of digits.
/// Octets by their digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&crate::wire::text::Hex(self.0))
    }
}

/// Anything by its text.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

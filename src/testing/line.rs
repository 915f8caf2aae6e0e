//! One line of a conversation to packets.

use super::inner;
use super::octets::Writer;
use super::payload::payload;
use super::words::{Words, at, end, integer, number, path, words};
use crate::net::{FailedEsp, IcmpError, Inner, OpenedEsp, Opening, Path, Quote, SaId, Unopened};
use crate::units::{Endpoint, EspSpi, IkeSpis, LinkAddress, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// One packet of the conversation.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// When.
    pub(super) time: Timestamp,
    /// Which input recorded it.
    pub(super) tap: u16,
    /// Which station put it on the link.
    pub(super) station: Option<LinkAddress>,
    /// Between whom.
    pub(super) path: Path,
    /// Time to live.
    pub(super) ttl: u8,
    /// DSCP and ECN.
    pub(super) class: u8,
    /// Whether it forbids fragmentation.
    pub(super) df: bool,
    /// Whether its frame is longer.
    pub(super) padded: bool,
    /// What it is.
    pub(super) what: What,
}

/// What a packet is.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// An IKE message.
    Ike {
        bytes: Vec<u8>,
        sealed: bool,
        /// First type and octets of what keys open.
        opened: Option<(u8, Vec<u8>)>,
        pieces: u16,
        cut: bool,
    },
    /// ESP or AH.
    Esp {
        ah: bool,
        spi: EspSpi,
        sequence: u32,
        size: u32,
        /// In how many fragments IP carried it.
        pieces: u16,
        /// What keys make of it; `None` without any.
        opening: Option<Opening>,
    },
    /// An ICMP error about a packet of IPsec.
    Icmp(IcmpError),
    /// An ICMP error about a packet in clear.
    Refused(IcmpError),
    /// A NAT keepalive.
    Keepalive,
    /// A packet in clear.
    Clear {
        protocol: u8,
        size: u32,
        request: bool,
    },
    /// A whole train of IP fragments at once.
    Fragments {
        protocol: u8,
        complete: u64,
        incomplete: u64,
        pieces: u64,
        largest: u32,
    },
}

/// Reads lines; remembers which side each end took.
#[derive(Debug, Default)]
pub(super) struct Reader {
    initiators: HashMap<(u64, IpAddr), bool>,
}

/// Most packets that one line may make.
const TRAIN: u64 = 1_000_000;

impl Reader {
    /// Adds the packets of one line.
    pub(super) fn read(&mut self, line: &str, packets: &mut Vec<Packet>) -> Result<(), String> {
        let words = words(line);
        let mut words = Words(words.iter().map(String::as_str).collect());
        let time: f64 = number(words.next("a time")?)?;
        let from = end(words.next("a sender")?)?;
        words.expect(">")?;
        let to = end(words.next("a receiver")?)?;
        let kind = words.next("what is sent")?.to_owned();
        let mut packet = Packet {
            time: at(time),
            tap: words.value("tap=")?.unwrap_or(0),
            station: words
                .value("station=")?
                .and_then(|number: u8| LinkAddress::new(&[number])),
            path: path(from, to),
            ttl: words.value("ttl=")?.unwrap_or(64),
            class: words.value("class=")?.unwrap_or(0),
            df: words.flag("df"),
            padded: words.flag("padded"),
            what: What::Keepalive,
        };
        match kind.as_str() {
            "ESP" | "AH" => esp(packet, kind == "AH", time, &mut words, packets)?,
            "ICMP" => {
                let error = icmp(&mut words, packet.path)?;
                packet.what = match error.quoted.protocol {
                    17 | 50 | 51 => What::Icmp(error),
                    _ => What::Refused(error),
                };
                train(packet, time, 1.0, &mut words, packets)?;
            }
            "KEEPALIVE" => train(packet, time, 20.0, &mut words, packets)?,
            "CLEAR" => {
                let protocol = number(words.next("a protocol")?)?;
                let size = words.after("size")?.unwrap_or(84);
                let requests: usize = words.after("requests")?.unwrap_or(0);
                packet.what = What::Clear {
                    protocol,
                    size,
                    request: false,
                };
                let start = packets.len();
                train(packet, time, 1.0, &mut words, packets)?;
                for packet in packets.iter_mut().skip(start).take(requests) {
                    if let What::Clear { request, .. } = &mut packet.what {
                        *request = true;
                    }
                }
            }
            "FRAGMENTS" => {
                packet.what = What::Fragments {
                    protocol: number(words.next("a protocol")?)?,
                    complete: words.after("complete")?.unwrap_or(0),
                    incomplete: words.after("incomplete")?.unwrap_or(0),
                    pieces: words.after("pieces")?.unwrap_or(0),
                    largest: words.after("largest")?.unwrap_or(1500),
                };
                packets.push(packet);
            }
            _ => {
                let later: Option<String> = words.value("again=")?;
                packet.what = self.ike(&kind, from, to, &mut words)?;
                packets.push(packet.clone());
                for offset in later.iter().flat_map(|list| list.split(',')) {
                    packet.time = at(time + number::<f64>(offset)?);
                    packets.push(packet.clone());
                }
            }
        }
        match words.0.first() {
            Some(left) => Err(format!("'{left}' means nothing here")),
            None => Ok(()),
        }
    }

    fn ike(
        &mut self,
        kind: &str,
        from: Endpoint,
        to: Endpoint,
        words: &mut Words<'_>,
    ) -> Result<What, String> {
        let exchange = EXCHANGES
            .iter()
            .find(|(name, _)| *name == kind)
            .map(|(_, exchange)| *exchange)
            .ok_or_else(|| format!("no event '{kind}'"))?;
        let v1 = exchange < 34;
        let spis = IkeSpis {
            initiator: words.ike_spi("i=")?.unwrap_or_default(),
            responder: words.ike_spi("r=")?.unwrap_or_default(),
        };
        let message_id = match words.value::<String>("id=")? {
            Some(text) => integer(&text)?,
            None => 0,
        };
        let response = words.flag("response");
        let _ = words.flag("request");
        let said: Option<String> = words.value("by=")?;
        let learned = (spis.initiator.0, from.address);
        let initiator = match said.as_deref() {
            Some(side) => side == "initiator",
            None => self.initiators.get(&learned).copied().unwrap_or(!response),
        };
        self.initiators.insert(learned, initiator);
        self.initiators
            .entry((spis.initiator.0, to.address))
            .or_insert(!initiator);
        let pieces = words.value("pieces=")?.unwrap_or(1);
        let cut = words.flag("cut");
        let mut writer = Writer {
            spis,
            version: if v1 { 0x10 } else { 0x20 },
            exchange,
            flags: 0,
            message_id,
            payloads: Vec::new(),
            initiator,
            seed: words.value("seed=")?.unwrap_or(0),
            fragment: match words.after::<String>("fragment")? {
                Some(text) => {
                    let (number_, of) = text.split_once('/').ok_or("fragment wants 1/2")?;
                    Some((number(number_)?, number(of)?))
                }
                None => None,
            },
            sealed: words.after("sealed")?,
            opened: words.flag("opened"),
        };
        if writer.opened && writer.sealed.is_none() {
            writer.sealed = Some(if v1 { 92 } else { 80 });
        }
        let sealed = writer.sealed.is_some() && !(v1 && writer.fragment.is_some());
        writer.flags = match v1 {
            true => u8::from(sealed),
            false => u8::from(initiator) << 3 | u8::from(response) << 5,
        };
        for word in std::mem::take(&mut words.0) {
            let (name, inside) = match word.split_once('(') {
                Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
                None => (word, ""),
            };
            payload(&mut writer, name, inside, from, to)?;
        }
        Ok(What::Ike {
            bytes: writer.finish(),
            sealed,
            opened: writer.opened.then(|| writer.plaintext()),
            pieces,
            cut,
        })
    }
}

/// Exchange types by the names of this language.
const EXCHANGES: &[(&str, u8)] = &[
    ("MAIN", 2),
    ("AGGRESSIVE", 4),
    ("INFO_V1", 5),
    ("TRANSACTION", 6),
    ("QUICK", 32),
    ("GROUPKEY_PUSH", 33),
    ("IKE_SA_INIT", 34),
    ("IKE_AUTH", 35),
    ("CREATE_CHILD_SA", 36),
    ("INFORMATIONAL", 37),
    ("GSA_AUTH", 39),
    ("GSA_REKEY", 41),
    ("IKE_INTERMEDIATE", 43),
    ("IKE_FOLLOWUP_KE", 44),
];

/// The SA of a conversation's keys, which have no numbers.
const SA: SaId = SaId(0);

/// Its checksum is wrong.
const SPOILT: Opening = Opening::Failed(FailedEsp {
    sa: SA,
    why: Unopened::Integrity,
});

/// A packet that keys opened.
fn opened(inner: Inner) -> Opening {
    Opening::Opened(OpenedEsp {
        sa: SA,
        checked: true,
        high: None,
        next_header: 4,
        pad_length: 2,
        inner,
    })
}

fn esp(
    mut packet: Packet,
    ah: bool,
    start: f64,
    words: &mut Words<'_>,
    packets: &mut Vec<Packet>,
) -> Result<(), String> {
    let spi = EspSpi(integer(words.next("an SPI")?)?);
    let every: f64 = words.after("every")?.unwrap_or(0.01);
    let sizes = match words.after::<String>("size")? {
        Some(text) => text
            .split(',')
            .map(number)
            .collect::<Result<Vec<u32>, _>>()?,
        None => vec![140],
    };
    let inside = words
        .value::<String>("inner(")?
        .map(|text| text.trim_end_matches(')').to_owned());
    let spoilt = words.flag("spoilt");
    let pieces = words.value("pieces=")?.unwrap_or(1);
    let sequences = words.after::<String>("seq")?.unwrap_or("1".to_owned());
    let mut count = 0u32;
    for range in sequences.split(',') {
        let (first, last) = range.split_once("..").unwrap_or((range, range));
        let (first, last): (u32, u32) = (number(first)?, number(last)?);
        if u64::from(last.saturating_sub(first)) > TRAIN {
            return Err("too long a train".to_owned());
        }
        for sequence in first..=last {
            packet.time = at(start + every * f64::from(count));
            let size = sizes.iter().cycle().nth(count as usize % sizes.len());
            packet.what = What::Esp {
                ah,
                spi,
                sequence,
                size: size.copied().unwrap_or(140),
                pieces,
                opening: match &inside {
                    Some(text) => Some(opened(inner::read(text, count)?)),
                    None => spoilt.then_some(SPOILT),
                },
            };
            packets.push(packet.clone());
            count = count.saturating_add(1);
        }
    }
    Ok(())
}

fn icmp(words: &mut Words<'_>, path_: Path) -> Result<IcmpError, String> {
    let (kind, code) = words
        .next("type/code")?
        .split_once('/')
        .ok_or("ICMP wants type/code")?;
    let v6 = path_.from.address.is_ipv6();
    let mtu = words.after("mtu")?;
    let length = words.after("length")?.unwrap_or(0);
    words.expect("quoting")?;
    let from = end(words.next("the quoted sender")?)?;
    words.expect(">")?;
    let to = end(words.next("the quoted receiver")?)?;
    let mut quoted = Quote {
        from,
        to,
        protocol: 17,
        length,
        ike: None,
        esp: None,
    };
    match words.next("ESP, AH, IKE or CLEAR")? {
        "CLEAR" => quoted.protocol = number(words.next("a protocol")?)?,
        "IKE" => {
            if let (Some(initiator), Some(responder)) = (words.ike_spi("i=")?, words.ike_spi("r=")?)
            {
                quoted.ike = Some(IkeSpis {
                    initiator,
                    responder,
                });
            }
        }
        what => {
            quoted.esp = Some(EspSpi(integer(words.next("an SPI")?)?));
            quoted.protocol = match (what, from.port) {
                ("AH", _) => 51,
                (_, Some(_)) => 17,
                (_, None) => 50,
            };
        }
    }
    Ok(IcmpError {
        v6,
        kind: number(kind)?,
        code: number(code)?,
        mtu,
        quoted,
    })
}

fn train(
    mut packet: Packet,
    start: f64,
    every: f64,
    words: &mut Words<'_>,
    packets: &mut Vec<Packet>,
) -> Result<(), String> {
    let every: f64 = words.after("every")?.unwrap_or(every);
    let count: u64 = words.after("count")?.unwrap_or(1);
    for index in 0..count.min(TRAIN) {
        packet.time = at(start + every * index as f64);
        packets.push(packet.clone());
    }
    Ok(())
}

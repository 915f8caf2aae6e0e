//! One line of a conversation to packets.

use super::inner;
use super::octets::{Writer, attribute, substructures};
use crate::net::{
    Encap, FailedEsp, IcmpError, Inner, Layer, OpenedEsp, Opening, Path, Quote, SaId, Unopened,
};
use crate::registry::{NotifyType, transform};
use crate::units::{Endpoint, EspSpi, IkeSpi, IkeSpis, Timestamp};
use crate::wire::nat_detection::sha1;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// One packet of the conversation.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// When.
    pub(super) time: Timestamp,
    /// Which input recorded it.
    pub(super) tap: u16,
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
        let hex = |text: Option<String>| match text {
            Some(text) => u64::from_str_radix(&text, 16).map_err(|_| format!("no SPI '{text}'")),
            None => Ok(0),
        };
        let spis = IkeSpis {
            initiator: IkeSpi(hex(words.value("i=")?)?),
            responder: IkeSpi(hex(words.value("r=")?)?),
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

fn payload(
    writer: &mut Writer,
    name: &str,
    inside: &str,
    from: Endpoint,
    to: Endpoint,
) -> Result<(), String> {
    let v1 = writer.version == 0x10;
    let kind = |v1_kind: u8, v2_kind: u8| if v1 { v1_kind } else { v2_kind };
    let mut add = |kind: u8, body: Vec<u8>| writer.payloads.push((kind, body));
    match name {
        "SA" if inside.starts_with("ESP ") && v1 => add(1, v1_child(inside)?),
        "SA" if ["ESP ", "AH ", "IKE "]
            .iter()
            .any(|name| inside.starts_with(name)) =>
        {
            add(33, v2_child(inside)?);
        }
        "SA" if v1 => add(1, v1_security_association(inside)?),
        "SA" => add(33, v2_security_association(inside)?),
        "KE" if v1 => {
            let body = writer.filler(128);
            writer.payloads.push((4, body));
        }
        "KE" => {
            let group: u16 = number(inside)?;
            let octets = transform::KEY_EXCHANGE
                .iter()
                .find(|row| row.id == group)
                .map_or(32, |row| row.octets);
            let mut body = [group.to_be_bytes(), [0, 0]].concat();
            body.extend(writer.filler(usize::from(octets)));
            writer.payloads.push((34, body));
        }
        "Nonce" => {
            let octets = if inside.is_empty() {
                32
            } else {
                number(inside)?
            };
            let body = writer.filler(octets);
            writer.payloads.push((kind(10, 40), body));
        }
        "HASH" => {
            let body = writer.filler(20);
            writer.payloads.push((8, body));
        }
        "ID" if inside.is_empty() => add(5, vec![1, 0, 0, 0, 192, 0, 2, 1]),
        "ID" => add(5, identity(inside)?),
        "IDi" => add(35, identity(inside)?),
        "IDr" => add(36, identity(inside)?),
        "AUTH" => {
            let mut body = vec![number(inside)?, 0, 0, 0];
            body.extend(writer.filler(32));
            writer.payloads.push((39, body));
        }
        // X.509 for signatures (RFC 7296 section 3.6).
        "CERT" => add(37, [vec![4], octets(inside)?].concat()),
        "CERTREQ" => add(38, [vec![4], octets(inside)?].concat()),
        "TSi" => add(44, traffic_selectors(inside)?),
        "TSr" => add(45, traffic_selectors(inside)?),
        "CP" => {
            let (cfg, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            let mut body = vec![number(cfg)?, 0, 0, 0];
            body.extend(octets(attributes)?);
            add(kind(14, 47), body);
        }
        "EAP" => {
            let (code, data) = inside.split_once(' ').unwrap_or((inside, ""));
            let data = octets(data)?;
            let length = u8::try_from(4 + data.len()).map_err(|_| "EAP is too long")?;
            let mut body = vec![number(code)?, 1, 0, length];
            body.extend(data);
            add(48, body);
        }
        "D" => add(kind(12, 42), delete(v1, inside)?),
        "VID" => add(kind(13, 43), octets(inside)?),
        "N" => {
            let (kind_text, data) = inside.split_once(' ').unwrap_or((inside, ""));
            let notify = notify(kind_text)?;
            if let Some(spi) = data.strip_prefix("ESP ") {
                let mut body = if v1 { vec![0, 0, 0, 1] } else { Vec::new() };
                body.extend([3, 4]);
                body.extend(notify.to_be_bytes());
                body.extend(integer(spi)?.to_be_bytes());
                add(kind(11, 41), body);
            } else if v1 {
                let mut body = vec![0, 0, 0, 1, 1, 0];
                body.extend(notify.to_be_bytes());
                body.extend(octets(data)?);
                add(11, body);
            } else {
                let mut body = vec![0, 0];
                body.extend(notify.to_be_bytes());
                body.extend(octets(data)?);
                add(41, body);
            }
        }
        "NATD" => {
            let mut ends = inside.split_whitespace();
            let source = ends.next().map_or(Ok(from), end)?;
            let destination = ends.next().map_or(Ok(to), end)?;
            let hash = |end| sha1(writer.spis, end).ok_or("NATD needs ports");
            let [of_source, of_destination] = [hash(source)?, hash(destination)?];
            if v1 {
                // RFC 3947 section 3.2: the remote end first, then our own.
                for hash in [of_destination, of_source] {
                    writer.payloads.push((20, hash.to_vec()));
                }
            } else {
                for (notify, hash) in [(16388u16, of_source), (16389, of_destination)] {
                    let mut body = vec![0, 0];
                    body.extend(notify.to_be_bytes());
                    body.extend(hash);
                    writer.payloads.push((41, body));
                }
            }
        }
        _ => return Err(format!("no payload '{name}'")),
    }
    Ok(())
}

fn v2_security_association(text: &str) -> Result<Vec<u8>, String> {
    let mut proposals = Vec::new();
    for (index, proposal) in text.split('|').enumerate() {
        let transforms = proposal
            .split_whitespace()
            .map(transform)
            .collect::<Result<Vec<_>, _>>()?;
        let mut body = vec![index as u8 + 1, 1, 0, transforms.len() as u8];
        body.extend(substructures(&transforms, 3));
        proposals.push(body);
    }
    Ok(substructures(&proposals, 2))
}

/// Body of one transform: type, reserved, ID, attributes.
fn transform(word: &str) -> Result<Vec<u8>, String> {
    let (name, bits) = match word.rsplit_once('-') {
        Some((name, bits)) if bits.parse::<u16>().is_ok() && word.starts_with("ENCR_") => {
            (name, bits.parse().ok())
        }
        _ => (word, None),
    };
    let algorithm =
        |rows: &[transform::Algorithm]| rows.iter().find(|row| row.name == name).map(|row| row.id);
    let found: Option<(u8, u16)> = if let Some(group) = name.strip_prefix("DH") {
        Some((4, number(group)?))
    } else if let Some((step, method)) = name.strip_prefix("ADDKE").and_then(|r| r.split_once('='))
    {
        Some((number::<u8>(step)? + 5, number(method)?))
    } else if let Some(kind) = name.strip_prefix("ESN=") {
        Some((5, number(kind)?))
    } else if name.starts_with("ENCR_") {
        let row = transform::ENCRYPTION.iter().find(|row| row.name == name);
        row.map(|row| (1, row.id))
    } else {
        None.or_else(|| algorithm(transform::PRF).map(|id| (2, id)))
            .or_else(|| algorithm(transform::INTEGRITY).map(|id| (3, id)))
            .or_else(|| algorithm(transform::KEY_EXCHANGE).map(|id| (4, id)))
    };
    let (kind, id) = found.ok_or_else(|| format!("no transform '{word}'"))?;
    let mut body = vec![kind, 0];
    body.extend(id.to_be_bytes());
    if let Some(bits) = bits {
        body.extend(attribute(14, bits));
    }
    Ok(body)
}

/// `ESP 0xc0ffee01 transforms | …`, `AH …` or `IKE 1 transforms`: proposals with the sender's SPI.
fn v2_child(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split_whitespace();
    let protocol = words.next().unwrap_or_default();
    let spi = words.next().ok_or("SA wants an SPI")?;
    let (protocol, spi) = match protocol {
        "IKE" => (1, u64::from(integer(spi)?).to_be_bytes().to_vec()),
        "AH" => (2, integer(spi)?.to_be_bytes().to_vec()),
        _ => (3, integer(spi)?.to_be_bytes().to_vec()),
    };
    let rest: Vec<&str> = words.collect();
    let mut proposals = Vec::new();
    for (index, proposal) in rest.join(" ").split('|').enumerate() {
        let transforms = proposal
            .split_whitespace()
            .map(transform)
            .collect::<Result<Vec<_>, _>>()?;
        let mut body = vec![
            index as u8 + 1,
            protocol,
            spi.len() as u8,
            transforms.len() as u8,
        ];
        body.extend(&spi);
        body.extend(substructures(&transforms, 3));
        proposals.push(body);
    }
    Ok(substructures(&proposals, 2))
}

/// `ESP 0xc0ffee01 encr=12/256 auth=5 group=14 life=3600 kb=0 mode=1 esn=1 | …`, numbers of RFC 2407
/// section 4.5 and its transform identifiers.
fn v1_child(text: &str) -> Result<Vec<u8>, String> {
    let mut words = text.split_whitespace().skip(1);
    let spi = integer(words.next().ok_or("SA wants an SPI")?)?;
    let rest: Vec<&str> = words.collect();
    let mut transforms = Vec::new();
    for (index, proposal) in rest.join(" ").split('|').enumerate() {
        let mut body = vec![index as u8 + 1, 0, 0, 0];
        for word in proposal.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("'{word}'"))?;
            match name {
                "encr" => {
                    let (cipher, bits) = value.split_once('/').unwrap_or((value, ""));
                    if let Some(id) = body.get_mut(1) {
                        *id = number(cipher)?;
                    }
                    if !bits.is_empty() {
                        body.extend(attribute(6, number(bits)?));
                    }
                }
                "auth" => body.extend(attribute(5, number(value)?)),
                "group" => body.extend(attribute(3, number(value)?)),
                "mode" => body.extend(attribute(4, number(value)?)),
                "esn" => body.extend(attribute(11, number(value)?)),
                "life" => body.extend([attribute(1, 1), attribute(2, number(value)?)].concat()),
                "kb" => body.extend([attribute(1, 2), attribute(2, number(value)?)].concat()),
                _ => return Err(format!("no attribute '{name}'")),
            }
        }
        transforms.push(body);
    }
    let mut proposal = vec![1, 3, 4, transforms.len() as u8];
    proposal.extend(spi.to_be_bytes());
    proposal.extend(substructures(&transforms, 3));
    let mut out = vec![0, 0, 0, 1, 0, 0, 0, 1];
    out.extend(substructures(&[proposal], 0));
    Ok(out)
}

/// A prefix of IPv4 is an address or a subnet, anything else a domain name (RFC 7296 section 3.5).
fn identity(text: &str) -> Result<Vec<u8>, String> {
    let mut body = vec![2, 0, 0, 0];
    match text.split_once('/') {
        None => match text.parse::<Ipv4Addr>() {
            Ok(address) => {
                body = vec![1, 0, 0, 0];
                body.extend(address.octets());
            }
            Err(_) => body.extend(text.as_bytes()),
        },
        Some((_, bits)) => {
            let (start, _) = range(text)?;
            let mask = u32::MAX
                .checked_shl(32 - number::<u32>(bits)?.min(32))
                .unwrap_or(0);
            body = vec![4, 0, 0, 0];
            body.extend(start.octets());
            body.extend(mask.to_be_bytes());
        }
    }
    Ok(body)
}

/// First and last address of `10.1.0.0/16`, `10.1.0.1-10.1.0.9` or `10.1.0.1`.
fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let address = |text: &str| text.parse().map_err(|_| format!("no address '{text}'"));
    if let Some((first, last)) = text.split_once('-') {
        return Ok((address(first)?, address(last)?));
    }
    let Some((first, bits)) = text.split_once('/') else {
        return Ok((address(text)?, address(text)?));
    };
    let first: Ipv4Addr = address(first)?;
    let hosts = u32::MAX.checked_shr(number::<u32>(bits)?).unwrap_or(0);
    Ok((first, Ipv4Addr::from_bits(first.to_bits() | hosts)))
}

/// `10.1.0.0/16 10.2.0.0/16:6/80`: ranges, with protocol and port after a colon.
fn traffic_selectors(text: &str) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let mut count = 0u8;
    for word in text.split_whitespace() {
        let (addresses, kind) = word.split_once(':').unwrap_or((word, "0/0"));
        let (protocol, port) = kind.split_once('/').unwrap_or((kind, "0"));
        let (first, last) = match number(port)? {
            0u16 => (0, u16::MAX),
            port => (port, port),
        };
        let (start, end) = range(addresses)?;
        body.extend([7, number(protocol)?, 0, 16]);
        body.extend(first.to_be_bytes());
        body.extend(last.to_be_bytes());
        body.extend(start.octets());
        body.extend(end.octets());
        count = count.saturating_add(1);
    }
    Ok([vec![count, 0, 0, 0], body].concat())
}

/// `IKE`, or `ESP 0xc0ffee01 …`.
fn delete(v1: bool, text: &str) -> Result<Vec<u8>, String> {
    let mut body = if v1 { vec![0, 0, 0, 1] } else { Vec::new() };
    match text.strip_prefix("ESP ") {
        None => body.extend([1, 0, 0, 0]),
        Some(spis) => {
            let spis: Vec<u32> = spis
                .split_whitespace()
                .map(integer)
                .collect::<Result<_, _>>()?;
            body.extend([3, 4, 0, spis.len() as u8]);
            spis.iter().for_each(|spi| body.extend(spi.to_be_bytes()));
        }
    }
    Ok(body)
}

fn v1_security_association(text: &str) -> Result<Vec<u8>, String> {
    let mut transforms = Vec::new();
    for (index, proposal) in text.split('|').enumerate() {
        // Transform number, KEY_IKE, reserved, then attributes (RFC 2409 appendix A).
        let mut body = vec![index as u8 + 1, 1, 0, 0];
        for word in proposal.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("'{word}'"))?;
            match name {
                "encr" => {
                    let (cipher, bits) = match value.split_once('/') {
                        Some((cipher, bits)) => (cipher, Some(bits)),
                        None => (value, None),
                    };
                    body.extend(attribute(1, number(cipher)?));
                    if let Some(bits) = bits {
                        body.extend(attribute(14, number(bits)?));
                    }
                }
                "hash" => body.extend(attribute(2, number(value)?)),
                "auth" => body.extend(attribute(3, number(value)?)),
                "group" => body.extend(attribute(4, number(value)?)),
                "life" => body.extend([attribute(11, 1), attribute(12, number(value)?)].concat()),
                "kb" => body.extend([attribute(11, 2), attribute(12, number(value)?)].concat()),
                _ => return Err(format!("no attribute '{name}'")),
            }
        }
        transforms.push(body);
    }
    let mut proposal = vec![1, 1, 0, transforms.len() as u8];
    proposal.extend(substructures(&transforms, 3));
    // DOI IPsec, situation SIT_IDENTITY_ONLY.
    let mut out = vec![0, 0, 0, 1, 0, 0, 0, 1];
    out.extend(substructures(&[proposal], 0));
    Ok(out)
}

fn notify(text: &str) -> Result<u16, String> {
    let named = NotifyType::NAMED
        .iter()
        .find(|row| row.1 == text)
        .map(|row| row.0.0);
    match named {
        Some(kind) => Ok(kind),
        None => number(text),
    }
}

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
            let hex = |text: String| {
                u64::from_str_radix(&text, 16).map_err(|_| format!("no SPI '{text}'"))
            };
            if let (Some(i), Some(r)) = (words.value("i=")?, words.value("r=")?) {
                quoted.ike = Some(IkeSpis {
                    initiator: IkeSpi(hex(i)?),
                    responder: IkeSpi(hex(r)?),
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

/// The words of a line that are not yet used.
pub(super) struct Words<'a>(pub(super) Vec<&'a str>);

impl<'a> Words<'a> {
    /// The next word.
    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, String> {
        match self.0.is_empty() {
            true => Err(format!("{what} is missing")),
            false => Ok(self.0.remove(0)),
        }
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.next(word)? {
            found if found == word => Ok(()),
            found => Err(format!("'{found}' where '{word}' should be")),
        }
    }

    /// Takes out a word.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let place = self.0.iter().position(|found| *found == word);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// Takes out `key=value`.
    fn value<T: std::str::FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let place = self.0.iter().position(|found| found.starts_with(key));
        match place.map(|place| self.0.remove(place)) {
            Some(word) => number(word.strip_prefix(key).unwrap_or(word)).map(Some),
            None => Ok(None),
        }
    }

    /// Takes out a word and the one after it.
    pub(super) fn after<T: std::str::FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        match self.0.iter().position(|found| *found == key) {
            Some(place) if place + 1 < self.0.len() => {
                self.0.remove(place);
                number(self.0.remove(place)).map(Some)
            }
            Some(_) => Err(format!("{key} wants a value")),
            None => Ok(None),
        }
    }
}

/// Splits at white space outside parentheses.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0usize;
    for letter in line.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (letter.is_whitespace() && depth == 0, words.last_mut()) {
            (true, _) => words.push(String::new()),
            (false, Some(word)) => word.push(letter),
            (false, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn at(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1e9).round() as i64)
}

fn path(from: Endpoint, to: Endpoint) -> Path {
    let mut encap = Encap::default();
    if from.port.is_some() {
        encap.push(Layer::Udp);
    }
    Path { from, to, encap }
}

fn end(text: &str) -> Result<Endpoint, String> {
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Ok(Endpoint {
            address: socket.ip(),
            port: Some(socket.port()),
        });
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(number(port)?)),
        _ => (text, None),
    };
    let address = address(name)?;
    Ok(Endpoint { address, port })
}

/// A letter, or an IP address.
pub(super) fn address(name: &str) -> Result<IpAddr, String> {
    match (name.as_bytes(), name.parse::<IpAddr>()) {
        ([letter @ b'A'..=b'Z'], _) => Ok(IpAddr::V4(Ipv4Addr::new(
            192,
            0,
            2,
            letter.wrapping_sub(b'A') + 1,
        ))),
        (_, Ok(address)) => Ok(address),
        _ => Err(format!("no end '{name}'")),
    }
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}

fn integer(text: &str) -> Result<u32, String> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| format!("'{text}' is no number")),
        None => number(text),
    }
}

fn octets(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("'{text}' is no hex"))?;
    Ok(digits
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .fold(0u8, |value, digit| value << 4 | *digit as u8)
        })
        .collect())
}

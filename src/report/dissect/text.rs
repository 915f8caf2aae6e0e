//! One line for every datagram; verbose, the whole tree under it, with faults in place.

use super::payload::{Context, PayloadRecord};
use crate::model::Plain;
use crate::net::{Body, Datagram, IcmpError, Quote};
use crate::registry::vendor_id;
use crate::report::sheet::{Ink, Sheet};
use crate::session::Reading;
use crate::units::Timestamp;
use crate::wire::fault::Faults;
use crate::wire::ikev2::NotifyMeaning;
use crate::wire::nat_detection::Match;
use crate::wire::text::{Hex, escape};
use crate::wire::{self, Fault, Message, Payload, ikev1, ikev2};
use serde_json::Value;
use std::io::{self, Write};

/// Hex digits of a field that are shown; the rest is counted.
const HEX_SHOWN: usize = 64;

/// Writes datagrams as text. Times are told since the first one written.
#[derive(Debug)]
pub struct Lines {
    sheet: Sheet,
    verbose: bool,
    origin: Option<Timestamp>,
}

impl Lines {
    /// A writer on this sheet; `verbose` adds the tree of every message.
    pub fn new(sheet: Sheet, verbose: bool) -> Self {
        Self {
            sheet,
            verbose,
            origin: None,
        }
    }

    /// Writes one datagram. Those without IPsec write nothing.
    pub fn write(
        &mut self,
        out: &mut impl Write,
        datagram: &Datagram<'_>,
        time: Timestamp,
        reading: &Reading,
    ) -> io::Result<()> {
        let message = match datagram.body {
            Body::Ike(bytes) => Some(Message::read(bytes)),
            _ => None,
        };
        let Some(what) = what(datagram, message.as_ref(), reading) else {
            return Ok(());
        };
        let passed = time.since(*self.origin.get_or_insert(time)).as_secs_f64();
        let path = &datagram.path;
        let frame = datagram.stamp.frame;
        let number = match frame.input {
            0 => frame.number.to_string(),
            input => format!("{input}:{}", frame.number),
        };
        let what = escape(&what).into_owned();
        let cut = if datagram.cut {
            " [cut by the capture]"
        } else {
            ""
        };
        writeln!(
            out,
            "{number:>6} {passed:>12.6}  {} → {}  {what}{cut}",
            path.from, path.to
        )?;
        if let Some(message) = message {
            if self.verbose {
                self.tree(out, &message, datagram, reading)?;
            } else {
                message
                    .faults
                    .iter()
                    .try_for_each(|fault| self.fault(out, fault, 21))?;
            }
        }
        Ok(())
    }

    fn fault(&self, out: &mut impl Write, fault: &Fault, indent: usize) -> io::Result<()> {
        let text = format!("! {fault}");
        writeln!(
            out,
            "{:indent$}{}",
            "",
            self.sheet.paint(Ink::Error, escape(&text))
        )
    }

    /// Every payload with its fields, as NDJSON has them.
    fn tree(
        &self,
        out: &mut impl Write,
        message: &Message<'_>,
        datagram: &Datagram<'_>,
        reading: &Reading,
    ) -> io::Result<()> {
        let header = &message.header;
        writeln!(
            out,
            "        {} version {}.{} flags 0x{:02x} length {}",
            header.spis,
            header.version.major(),
            header.version.minor(),
            header.flags.0,
            header.length
        )?;
        let context = Context {
            spis: header.spis,
            version: header.version,
            path: &datagram.path,
            reading,
        };
        let (payloads, faults) = (&message.payloads, &message.faults);
        self.payloads(out, payloads, faults, context, 8)?;
        // IKEv1: what was opened stands in no payload.
        match &reading.plain {
            Plain::Opened(opened) if message.sealed.is_some() => {
                let hash = opened
                    .hash_ok
                    .map_or(String::new(), |ok| format!("  hash_ok {ok}"));
                let (iv, pad) = (Hex(&opened.iv), opened.pad_length);
                writeln!(out, "        state opened  iv {iv}  pad_length {pad}{hash}")?;
                self.inside(out, context, 8)
            }
            _ => Ok(()),
        }
    }

    /// A chain of payloads, with the faults of each.
    fn payloads(
        &self,
        out: &mut impl Write,
        payloads: &[Payload<'_>],
        faults: &[Fault],
        context: Context<'_>,
        indent: usize,
    ) -> io::Result<()> {
        let mut faults = faults;
        for (i, payload) in payloads.iter().enumerate() {
            let record = serde_json::to_value(PayloadRecord { payload, context })?;
            let name = payload.kind.name().unwrap_or("unknown payload");
            let title = format!("{name} ({})", payload.kind.0);
            let critical = if payload.critical { ", critical" } else { "" };
            writeln!(
                out,
                "{:indent$}{:>5}  {}, {} octets{critical}",
                "",
                payload.at,
                self.sheet.paint(Ink::Strong, title),
                payload.length
            )?;
            // What the title says, and what follows as payloads of its own.
            let told = [
                "type", "name", "length", "critical", "at", "payloads", "faults",
            ];
            if let Value::Object(mut fields) = record {
                fields.retain(|key, _| !told.contains(&key.as_str()));
                branch(out, &Value::Object(fields), indent + 7, "")?;
            }
            if is_sealed(payload) {
                self.inside(out, context, indent + 7)?;
            }
            // Faults are in order of offset: those before the next payload are of this one.
            let next = payloads.get(i + 1).map_or(usize::MAX, |payload| payload.at);
            let split = faults.iter().take_while(|fault| fault.at < next).count();
            let (own, rest) = faults.split_at_checked(split).unwrap_or((faults, &[]));
            for fault in own {
                self.fault(out, fault, indent + 7)?;
            }
            faults = rest;
        }
        for fault in faults {
            self.fault(out, fault, indent)?;
        }
        Ok(())
    }

    /// The payloads that were opened.
    fn inside(&self, out: &mut impl Write, context: Context<'_>, indent: usize) -> io::Result<()> {
        let Plain::Opened(opened) = &context.reading.plain else {
            return Ok(());
        };
        let mut faults = Faults::default();
        let payloads = opened.payloads(context.version, &mut faults);
        self.payloads(out, &payloads, &faults.list, context, indent)
    }
}

/// An object: what is simple on one line, what is nested under it. Members of a list begin with a
/// dash.
fn branch(out: &mut impl Write, value: &Value, indent: usize, lead: &str) -> io::Result<()> {
    let Value::Object(fields) = value else {
        return Ok(());
    };
    let line: Vec<String> = fields
        .iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", leaf(key, value)?)))
        .collect();
    if !line.is_empty() {
        writeln!(out, "{:indent$}{lead}{}", "", escape(&line.join("  ")))?;
    }
    let inner = indent + lead.len();
    for (key, value) in fields {
        if let Value::Array(items) = value
            && leaf(key, value).is_none()
            && !items.is_empty()
        {
            writeln!(out, "{:inner$}{key}", "")?;
            items
                .iter()
                .try_for_each(|item| branch(out, item, inner + 2, "- "))?;
        }
    }
    Ok(())
}

/// A value that fits on the line; `None` for nested and absent ones.
fn leaf(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => match text.get(..HEX_SHOWN) {
            Some(head) if text.bytes().all(|c| c.is_ascii_hexdigit()) && text.len() > HEX_SHOWN => {
                Some(format!("{head}… ({} octets)", text.len() / 2))
            }
            _ => Some(text.clone()),
        },
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let words: Option<Vec<String>> = items
                .iter()
                .map(|item| {
                    if key == "attributes" {
                        attribute(item)
                    } else {
                        leaf(key, item)
                    }
                })
                .collect();
            words.map(|words| format!("[{}]", words.join(", ")))
        }
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

/// An attribute in short: `Life Duration 28800`.
fn attribute(item: &Value) -> Option<String> {
    let field = |key| item.get(key).and_then(|value| leaf(key, value));
    let name = field("name").or_else(|| Some(format!("type {}", field("type")?)))?;
    match field("value_name").or_else(|| field("value")) {
        Some(value) => Some(format!("{name} {value}")),
        None => Some(name),
    }
}

/// What a datagram is, in a few words; `None` without IPsec. Not escaped.
fn what(
    datagram: &Datagram<'_>,
    message: Option<&Message<'_>>,
    reading: &Reading,
) -> Option<String> {
    let text = match (&datagram.body, message) {
        (Body::Ike(_), Some(message)) => ike(message, datagram, reading),
        (Body::Esp(esp), _) => {
            format!(
                "ESP {} seq {}, {} octets",
                esp.header.spi, esp.header.sequence, esp.length
            )
        }
        (Body::Ah(header, length), _) => {
            format!(
                "AH {} seq {}, {length} octets follow",
                header.spi, header.sequence
            )
        }
        (Body::Keepalive, _) => "NAT keepalive".to_owned(),
        (Body::Icmp(error), _) => icmp(error),
        _ => return None,
    };
    match datagram.ip.pieces {
        0 | 1 => Some(text),
        pieces => Some(format!("{text} [{pieces} IP fragments]")),
    }
}

fn ike(message: &Message<'_>, datagram: &Datagram<'_>, reading: &Reading) -> String {
    let header = &message.header;
    let exchange = match header.exchange.name() {
        Some(name) => name.to_owned(),
        None => format!("exchange {}", header.exchange.0),
    };
    let side = match header.version.major() {
        2 if header.flags.response() => " response",
        2 => " request",
        _ => "",
    };
    let context = Context {
        spis: header.spis,
        version: header.version,
        path: &datagram.path,
        reading,
    };
    let mut faults = Faults::default();
    let inner = match &reading.plain {
        Plain::Opened(opened) => opened.payloads(header.version, &mut faults),
        _ => Vec::new(),
    };
    let inside = || {
        let words: Vec<String> = inner.iter().map(|payload| word(payload, context)).collect();
        words.join(", ")
    };
    let mut words: Vec<String> = message
        .payloads
        .iter()
        .map(|payload| {
            let word = word(payload, context);
            match (&reading.plain, is_sealed(payload)) {
                // RFC 7296 section 1.2 writes what is inside in braces.
                (Plain::Opened(opened), true) if opened.is_part => format!("{word} [opened]"),
                (Plain::Opened(_), true) => format!("{word}{{{}}}", inside()),
                (Plain::Failed(why), true) => format!("{word} [{why}]"),
                _ => word,
            }
        })
        .collect();
    if let Some(sealed) = message.sealed {
        words.push(match &reading.plain {
            Plain::Opened(_) => format!("{{{}}}", inside()),
            Plain::Failed(why) => format!("encrypted, {} octets [{why}]", sealed.len()),
            Plain::Clear | Plain::Sealed => format!("encrypted, {} octets", sealed.len()),
        });
    }
    match &reading.plain {
        Plain::Opened(opened) if opened.hash_ok == Some(false) => {
            words.push("[HASH is wrong]".to_owned());
        }
        Plain::Opened(opened) if opened.iv.is_empty() && header.version.major() == 1 => {
            words.push("[IV not captured]".to_owned());
        }
        Plain::Opened(opened) if opened.icv_ok.is_none() && header.version.major() != 1 => {
            words.push("[not proven: no key for the checksum]".to_owned());
        }
        _ => {}
    }
    let id = header.message_id;
    let whole = match reading.frames.as_slice() {
        [first, .., last] => format!(" [put together from frames {first} to {last}]"),
        [_] | [] => String::new(),
    };
    format!("{exchange}{side} {id}: {}{whole}", words.join(", "))
}

/// Whether a payload is SK or SKF.
fn is_sealed(payload: &Payload<'_>) -> bool {
    matches!(
        payload.body,
        wire::Body::V2(ikev2::Body::Sk(_) | ikev2::Body::Skf(_))
    )
}

/// A payload in the notation of the RFCs, with what matters most of it.
fn word(payload: &Payload<'_>, context: Context<'_>) -> String {
    let name = match payload.kind.notation() {
        Some(notation) => notation.to_owned(),
        None => format!("payload {}", payload.kind.0),
    };
    let detail = match &payload.body {
        wire::Body::V1(body) => detail_v1(body, context),
        wire::Body::V2(body) => detail_v2(body, context),
        wire::Body::Opaque(_) => None,
    };
    let standing = match &payload.body {
        wire::Body::V1(ikev1::Body::Fragment(_)) | wire::Body::V2(ikev2::Body::Skf(_)) => {
            context.reading.standing.as_ref()
        }
        _ => None,
    };
    match (detail, standing) {
        (Some(detail), Some(standing)) => format!("{name}({detail}; {standing})"),
        (Some(detail), None) => format!("{name}({detail})"),
        (None, _) => name,
    }
}

/// `None` where the name of the payload says enough.
fn detail_v1(body: &ikev1::Body<'_>, context: Context<'_>) -> Option<String> {
    match body {
        ikev1::Body::Ke(_) | ikev1::Body::Hash(_) | ikev1::Body::Sig(_) | ikev1::Body::Nonce(_) => {
            None
        }
        ikev1::Body::VendorId(data) => vendor(data),
        ikev1::Body::NatD(hash) => context.matches(hash).map(fits),
        _ => Some(body.to_string()),
    }
}

/// `None` where the name of the payload says enough.
fn detail_v2(body: &ikev2::Body<'_>, context: Context<'_>) -> Option<String> {
    match body {
        ikev2::Body::Nonce(_) | ikev2::Body::Sk(_) => None,
        ikev2::Body::VendorId(data) => vendor(data),
        ikev2::Body::Notify(notify) => Some(match notify.meaning() {
            Some(NotifyMeaning::NatDetection(hash)) => match context.matches(hash).map(fits) {
                Some(fits) => format!("{}: {fits}", notify.kind),
                None => notify.kind.to_string(),
            },
            _ => notify.to_string(),
        }),
        _ => Some(body.to_string()),
    }
}

/// Who sends a vendor ID, or what it says of itself.
fn vendor(data: &[u8]) -> Option<String> {
    vendor_id::product(data).or_else(|| vendor_id::text(data).map(str::to_owned))
}

/// What a hash for NAT detection says.
fn fits(fits: Match) -> String {
    let what = match fits {
        Match::Source => "fits the source",
        Match::Destination => "fits the destination",
        Match::Neither => "fits neither address",
    };
    what.to_owned()
}

fn icmp(error: &IcmpError) -> String {
    let IcmpError {
        v6,
        kind,
        code,
        mtu,
        quoted,
    } = error;
    let family = if *v6 { "ICMPv6" } else { "ICMP" };
    let mtu = mtu.map_or(String::new(), |mtu| format!(", MTU {mtu}"));
    let name = match (v6, kind, code) {
        (false, 3, 0) => "network unreachable",
        (false, 3, 1) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 4) => "fragmentation needed",
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => "administratively prohibited",
        (false, 11, 0) | (true, 3, 0) => "time to live exceeded",
        (_, 11, 1) | (true, 3, 1) => "reassembly time exceeded",
        (true, 1, 0) => "no route",
        (true, 1, 3) => "address unreachable",
        (true, 2, _) => "packet too big",
        _ => "error",
    };
    format!(
        "{family} {name} (type {kind} code {code}{mtu}) about {}",
        quote(quoted)
    )
}

fn quote(quoted: &Quote) -> String {
    let what = match (quoted.esp, quoted.ike) {
        (Some(spi), _) if quoted.protocol == 51 => format!("AH {spi}"),
        (Some(spi), _) => format!("ESP {spi}"),
        (None, Some(spis)) => format!("IKE {spis}"),
        (None, None) => format!("protocol {}", quoted.protocol),
    };
    format!("{what} {} → {}", quoted.from, quoted.to)
}

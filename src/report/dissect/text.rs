//! A line for every message, a line for every flow of a train of packets; verbose, a line for every
//! packet and the whole tree under each message, with faults in place.

use super::earlier::Earlier;
use super::meaning::{self, KeyShares, Phrase};
use super::payload::{Context, PayloadRecord};
use super::train::{Row, Train};
use crate::model::Plain;
use crate::net::{Body, Datagram, Path};
use crate::report::sheet::{Ink, Sheet, columns};
use crate::session::Reading;
use crate::units::{FrameId, Span, Timestamp};
use crate::wire::fault::Faults;
use crate::wire::text::{Hex, escape};
use crate::wire::{self, Fault, Message, Payload, ikev2};
use serde_json::Value;
use std::io::{self, Write};

/// Hex digits of a field that are shown; the rest is counted.
const HEX_SHOWN: usize = 64;

/// Columns before the blank and the words of a line that goes on: under the addresses.
const INDENT: usize = 18;

/// Columns of the addresses, so that what follows them stands in line: no more than so many.
const WHO: usize = 42;

/// How long a train of packets may be.
const PATIENCE: Span = Span::from_secs(60);

/// The same where someone watches.
const LIVE_PATIENCE: Span = Span::from_secs(1);

/// Writes datagrams as text. Times are told since the first one written.
#[derive(Debug)]
pub struct Lines {
    sheet: Sheet,
    verbose: bool,
    wraps: bool,
    patience: Span,
    origin: Option<Timestamp>,
    train: Train,
    shares: KeyShares,
    earlier: Earlier,
    who: usize,
}

impl Lines {
    /// A writer on this sheet; `verbose` shows every packet and adds the tree of every message.
    pub fn new(sheet: Sheet, verbose: bool) -> Self {
        Self {
            sheet,
            verbose,
            wraps: false,
            patience: PATIENCE,
            origin: None,
            train: Train::default(),
            shares: KeyShares::default(),
            earlier: Earlier::default(),
            who: 0,
        }
    }

    /// Lines that are longer than the sheet is wide go on under themselves. A file or a pipe gets
    /// each in one, so that it can be searched.
    pub fn wrapped(mut self, wraps: bool) -> Self {
        self.wraps = wraps;
        self
    }

    /// Someone watches: trains of packets are told soon.
    pub fn live(mut self, live: bool) -> Self {
        if live {
            self.patience = LIVE_PATIENCE;
        }
        self
    }

    /// Writes one datagram. Those without IPsec write nothing, and others than IKE not before
    /// their train ends: see [`Lines::flush`].
    pub fn write(
        &mut self,
        out: &mut impl Write,
        datagram: &Datagram<'_>,
        time: Timestamp,
        reading: &Reading,
    ) -> io::Result<()> {
        if let Some(packet) = Row::new(datagram, time) {
            self.origin.get_or_insert(time);
            if self.verbose || !self.train.takes(&packet, self.patience) {
                self.flush(out)?;
            }
            self.train.push(packet);
            return match self.verbose {
                true => self.flush(out),
                false => Ok(()),
            };
        }
        let Body::Ike(octets) = datagram.body else {
            return Ok(());
        };
        self.flush(out)?;
        let (frame, path) = (datagram.stamp.frame, &datagram.path);
        let message = Message::read(octets);
        let title = meaning::title(&message.header, path);
        let mut phrases = match self.earlier.copy_of(datagram, octets) {
            Some(first) => {
                let copy = format!("same as in frame {first}");
                vec![Phrase::inked(Ink::Info, copy)]
            }
            None => meaning::phrases(&message, reading, path, &mut self.shares),
        };
        phrases.extend(circumstances(datagram));
        self.line(out, (frame, time), path, &title, &phrases)?;
        if self.verbose {
            return self.tree(out, &message, datagram, reading);
        }
        let mut faults = message.faults.iter();
        faults.try_for_each(|fault| self.fault(out, fault, INDENT + 1))
    }

    /// Writes what is held back of a train of packets.
    pub fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        for row in self.train.unload() {
            let (title, text) = row.told();
            self.line(out, row.first, &row.path, &title, &[Phrase::new(text)])?;
        }
        Ok(())
    }

    /// Number of the frame, time, who to whom, and what.
    fn line(
        &mut self,
        out: &mut impl Write,
        (frame, time): (FrameId, Timestamp),
        path: &Path,
        title: &str,
        phrases: &[Phrase],
    ) -> io::Result<()> {
        let passed = time.since(*self.origin.get_or_insert(time)).as_secs_f64();
        let number = match frame.input {
            0 => frame.number.to_string(),
            input => format!("{input}:{}", frame.number),
        };
        let who = meaning::who(path.from, path.to);
        let long = columns(&who);
        self.who = self.who.max(long.min(WHO));
        let fill = " ".repeat(self.who.saturating_sub(long));
        let start = format!("{number:>6} {passed:>10.6}");
        let mut column = columns(&start) + 2 + long + fill.len() + 1;
        write!(out, "{}  {who}{fill} ", self.sheet.paint(Ink::Faint, start))?;
        let mut words: Vec<(Option<Ink>, String)> = Vec::new();
        let mut put = |ink: Option<Ink>, text: &str| {
            let text = escape(text);
            words.extend(text.split(' ').map(|word| (ink, word.to_owned())));
        };
        if !title.is_empty() {
            put(Some(Ink::Strong), &format!("{title}:"));
        }
        for (index, phrase) in phrases.iter().enumerate() {
            let comma = if index + 1 < phrases.len() { "," } else { "" };
            put(phrase.ink, &format!("{}{comma}", phrase.text));
        }
        // Words of one colour that stand together are painted together.
        let mut run: (Option<Ink>, String) = (None, String::new());
        for (ink, word) in words {
            let long = columns(&word) + 1;
            let breaks = self.wraps && column + long > self.sheet.width && column > INDENT;
            if breaks || ink != run.0 {
                self.paint(out, &run)?;
                run = (ink, String::new());
            }
            if breaks {
                write!(out, "\n{:INDENT$}", "")?;
                column = INDENT;
            }
            column += long;
            run.1.push(' ');
            run.1.push_str(&word);
        }
        self.paint(out, &run)?;
        writeln!(out)
    }

    fn paint(&self, out: &mut impl Write, (ink, text): &(Option<Ink>, String)) -> io::Result<()> {
        match ink {
            Some(ink) => write!(out, "{}", self.sheet.paint(*ink, text)),
            None => write!(out, "{text}"),
        }
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
            "        {}, version {}.{}, flags 0x{:02x}, {} octets",
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
    let name = |key: &str| fields.get(&format!("{key}_name"))?.as_str();
    let is_name = |key: &str| {
        let number = key.strip_suffix("_name");
        number.is_some_and(|number| fields.contains_key(number))
    };
    let line: Vec<String> = fields
        .iter()
        .filter(|(key, _)| !is_name(key))
        .filter_map(|(key, value)| {
            let value = leaf(key, value)?;
            Some(match name(key) {
                Some(name) => format!("{key} {name} ({value})"),
                None => format!("{key} {value}"),
            })
        })
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
    let value = field("value_name").or_else(|| field("text"));
    match value.or_else(|| field("value")) {
        Some(value) => Some(format!("{name} {value}")),
        None => Some(name),
    }
}

/// Whether a payload is SK or SKF.
fn is_sealed(payload: &Payload<'_>) -> bool {
    matches!(
        payload.body,
        wire::Body::V2(ikev2::Body::Sk(_) | ikev2::Body::Skf(_))
    )
}

/// What befell the datagram on the way.
fn circumstances(datagram: &Datagram<'_>) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    if datagram.ip.pieces > 1 {
        phrases.push(Phrase::new(format!("{} IP fragments", datagram.ip.pieces)));
    }
    if datagram.cut {
        phrases.push(Phrase::new("cut by the capture"));
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of a conversation.
    #[track_caller]
    fn written(conversation: &str, mut lines: Lines) -> String {
        let mut out = Vec::new();
        crate::testing::replay(conversation, &mut |datagram, time| {
            lines
                .write(&mut out, datagram, time, &Reading::default())
                .unwrap();
        })
        .unwrap();
        lines.flush(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Compares line by line, without the indentation of the expected text's own lines.
    #[track_caller]
    fn shows(conversation: &str, expected: &str) {
        let got = written(conversation, Lines::new(Sheet::default(), false));
        let got: Vec<&str> = got.lines().map(str::trim).collect();
        let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
        assert_eq!(got, expected, "{got:#?}");
    }

    #[test]
    fn a_negotiation_of_ikev2() {
        shows(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH31 | ENCR_AES_GCM_16-128 PRF_HMAC_SHA2_512 DH14 DH19) KE(31) Nonce NATD N(16430) VID(882fe56d6fd20dbc2251613b2ebe5beb) VID(00ff)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_KE_PAYLOAD 000e)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH31 DH14) KE(14) Nonce NATD
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(COOKIE 0102)
             0.4 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request N(COOKIE 0102) SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD again=2
             2.5 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD
             2.6 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 500
             2.7 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 pieces=2 cut
             2.8 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response N(7)",
            "1   0.000000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT request: offers 3 suites, first AES-CBC-256/SHA2-256/Curve25519, no NAT so far, supports fragmentation, [strongSwan, 1 unknown vendor ID]
             2   0.100000  192.0.2.2 → 192.0.2.1  IKE_SA_INIT response: asks for group 14 instead of 31 (MODP-2048)
             3   0.200000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT request: offers 2 suites, first AES-CBC-256/SHA2-256/Curve25519, key share for MODP-2048, no NAT so far
             4   0.300000  192.0.2.2 → 192.0.2.1  IKE_SA_INIT response: demands a cookie
             5   0.400000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT request: returns the cookie, offers AES-CBC-256/SHA2-256/MODP-2048, no NAT so far
             6   2.400000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT request: same as in frame 5
             7   2.500000  192.0.2.2 → 192.0.2.1  IKE_SA_INIT response: accepts AES-CBC-256/SHA2-256/MODP-2048, no NAT so far
             8   2.600000  192.0.2.1 → 192.0.2.2 (4500)  IKE_AUTH request 1: fragment 1 of 2, 464 octets sealed, first Notify
             9   2.700000  192.0.2.1 → 192.0.2.2 (4500)  IKE_AUTH request 1: 224 octets sealed, first Notify, 2 IP fragments, cut by the capture
            10   2.800000  192.0.2.2 → 192.0.2.1 (4500)  INFORMATIONAL response 2: refuses: INVALID_SYNTAX",
        );
    }

    #[test]
    fn a_negotiation_of_ikev1() {
        shows(
            "0.0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life=28800 | encr=5 hash=2 auth=3 group=2) VID(afcad71368a1f1c96b8696fc77570100) VID(4a131c81070358455c5728f20e95452f)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=5 hash=2 auth=3 group=2) VID(12f5f28c457168a9702d9fe274cc0100) VID(434953434f2d44454c4554452d524541534f4e)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce NATD(10.0.0.1:500 B:500)
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce NATD(B:0 A:0)
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.5 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
             0.6 B:500 > A:500 INFO_V1 i=1 r=2 id=0x78 N(14)",
            "1   0.000000  192.0.2.1 → 192.0.2.2  Main Mode: offers 2 suites, first AES-CBC-256/SHA2-256/MODP-2048/PSK, supports DPD, NAT-T
             2   0.100000  192.0.2.2 → 192.0.2.1  Main Mode: accepts 3DES/SHA1/MODP-1024/RSA, [Cisco Unity 1.0, delete reason]
             3   0.200000  192.0.2.1 → 192.0.2.2  Main Mode: key exchange, NAT in front of sender?
             4   0.300000  192.0.2.2 → 192.0.2.1  Main Mode: key exchange, forces UDP encapsulation
             5   0.400000  192.0.2.1 → 192.0.2.2  Main Mode: 80 octets sealed
             6   0.500000  192.0.2.1 → 192.0.2.2  Quick Mode 0x00000077: 160 octets sealed
             7   0.600000  192.0.2.2 → 192.0.2.1  Informational 0x00000078: refuses: NO-PROPOSAL-CHOSEN",
        );
    }

    #[test]
    fn a_train_of_packets_is_a_line_for_each_flow_until_something_else_comes() {
        shows(
            "0.00 A > B ESP 0xc1 seq 1..5 every 0.1
             0.05 B > A ESP 0xc2 seq 7,9 every 0.1 size 100
             1.00 A:4500 > B:4500 KEEPALIVE count 2
             30.0 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xc1
             40.0 A > B ESP 0xc1 seq 6
             50.0 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xc1 length 1500
             89.9 A > B ESP 0xc1 seq 7
             90.0 A > B AH 0xc1 seq 1",
            "1   0.000000  192.0.2.1 → 192.0.2.2  ESP 0x000000c1 seq 1-5, 5 packets, 700 octets in 400 ms, to frame 7
             2   0.050000  192.0.2.2 → 192.0.2.1  ESP 0x000000c2 seq 7-9, 2 packets, 200 octets in 100 ms, to frame 4
             8   1.000000  192.0.2.1 → 192.0.2.2 (4500)  NAT keepalive, 2 packets in 20.0 s, to frame 9
            10  30.000000  192.0.2.18 → 192.0.2.1        ICMP fragmentation needed (3/4): MTU 1400, about ESP 0x000000c1 192.0.2.1 → 192.0.2.2, 2 packets in 20.0 s, to frame 12
            11  40.000000  192.0.2.1 → 192.0.2.2         ESP 0x000000c1 seq 6-7, 2 packets, 280 octets in 49.9 s, to frame 13
            14  90.000000  192.0.2.1 → 192.0.2.2         AH 0x000000c1 seq 1, 140 octets",
        );
    }

    #[test]
    fn verbose_shows_each_packet_and_the_tree_of_each_message() {
        let got = written(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) Nonce(4)
             1 A > B ESP 0xc1 seq 1..2",
            Lines::new(Sheet::default(), true),
        );
        let lines: Vec<&str> = got.lines().collect();
        assert_eq!(
            lines,
            [
                "     1   0.000000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT request: offers AES-CBC-256/MODP-2048",
                "        0000000000000001_i 0000000000000000_r, version 2.0, flags 0x08, 68 octets",
                "           28  Security Association (33), 32 octets",
                "               proposals",
                "                 - number 1  protocol IKE (1)",
                "                   transforms",
                "                     - type 1  id 12  name ENCR_AES_CBC  key_length 256  attributes [Key Length (in bits) 256]",
                "                     - type 4  id 14  name 2048-bit MODP Group",
                "           60  Nonce (40), 8 octets",
                lines[9],
                "     2   1.000000  192.0.2.1 → 192.0.2.2  ESP 0x000000c1 seq 1, 140 octets",
                "     3   1.010000  192.0.2.1 → 192.0.2.2  ESP 0x000000c1 seq 2, 140 octets",
            ],
            "{got}"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_lines_that_go_on_under_themselves() {
        let sheet = Sheet {
            width: 60,
            colour: false,
            ..Sheet::default()
        };
        let got = written(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) NATD N(16430) N(16406)",
            Lines::new(sheet, false).wrapped(true),
        );
        assert_eq!(
            got,
            "     1   0.000000  192.0.2.1 → 192.0.2.2  IKE_SA_INIT\n                   request: offers AES-CBC-256/MODP-2048, no\n                   NAT so far, supports fragmentation,\n                   redirect\n"
        );
        assert!(got.lines().all(|line| columns(line) <= 60), "{got}");
    }

    #[test]
    fn colours_leave_the_text_as_it_is() {
        let conversation = "0 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response N(14)";
        let painted = Sheet {
            colour: true,
            ..Sheet::default()
        };
        let painted = written(conversation, Lines::new(painted, false));
        assert!(
            painted.contains("\x1b[1;31m refuses: NO_PROPOSAL_CHOSEN\x1b[0m"),
            "{painted:?}"
        );
        let plain = written(conversation, Lines::new(Sheet::default(), false));
        assert_eq!(columns(&painted), columns(&plain));
    }
}

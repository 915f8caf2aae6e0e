//! espial's own key files, in TOML. They can say all that a [`KeyRing`] can; `docs/keys.md` describes
//! them.
//!
//! ```toml
//! [[ikev2]]
//! initiator_spi = "0011223344556677"
//! responder_spi = "8899aabbccddeeff"
//! encryption = "ENCR_AES_CBC"
//! key_bits = 256
//! integrity = "AUTH_HMAC_SHA2_256_128"
//! sk_ei = "…"
//!
//! [[esp]]
//! from = "192.0.2.1"
//! to = "any"
//! spi = "0x12345678"
//! encryption = "ENCR_AES_GCM_16"
//! encryption_key = "…"
//! esn = true
//! ```

use super::{KeyFormat, Reader, Written};
use crate::crypto::Secret;
use crate::keys::names::iana;
use crate::keys::text::{hex_u32, hex_u64, secret, text_lines};
use crate::keys::{
    AddressPattern, EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, IntegrityId, KeyRing, SpiPattern,
    lengths,
};
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use crate::wire::text::Hex;
use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::net::IpAddr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// espial's own files.
pub(super) static ESPIAL: KeyFormat = KeyFormat {
    name: "toml",
    about: "espial's own key files in TOML",
    alone: true,
    recognises,
    read,
    write: Some(write),
};

fn recognises(octets: &[u8]) -> bool {
    text_lines(octets).any(|(_, line)| {
        let line: String = line.split_whitespace().collect();
        let heading = line.split('#').next().unwrap_or_default();
        KINDS
            .iter()
            .any(|(name, _)| heading == format!("[[{name}]]"))
    })
}

/// Reads one table of a kind.
type Kind = fn(&mut Fields<'_, '_>, &mut Reader<'_>) -> Result<(), Fault>;

const KINDS: &[(&str, Kind)] = &[("ikev1", ikev1), ("ikev2", ikev2), ("esp", esp)];

/// What is wrong, and the offset where.
type Fault = (usize, String);

fn read(octets: &[u8], reader: &mut Reader<'_>) {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let text = match std::str::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => {
            let lines = Lines::of(octets);
            return reader.problem(lines.at(error.valid_up_to()), "expected UTF-8");
        }
    };
    let lines = Lines::of(octets);
    let (document, errors) = DeTable::parse_recoverable(text);
    let errors = errors.into_iter().map(|error| {
        let at = error.span().map_or(0, |span| span.start);
        // The words are the parser's own; what it shows of the line is left out.
        (at, format!("not TOML: {}", error.message().trim()))
    });
    let errors: Vec<Fault> = errors.collect();
    let broken = broken(document.get_ref(), &errors);
    for (at, what) in errors {
        reader.problem(lines.at(at), what);
    }
    // Tables come sorted by name; problems are wanted as they stand.
    let mut problems: Vec<Fault> = Vec::new();
    for (name, value) in document.get_ref() {
        let at = name.span().start;
        let kind = KINDS.iter().find(|(known, _)| known == name.get_ref());
        let (Some((_, kind)), DeValue::Array(tables)) = (kind, value.get_ref()) else {
            problems.push((at, "expected [[ikev1]], [[ikev2]] or [[esp]]".to_owned()));
            continue;
        };
        for table in tables.iter() {
            let at = table.span().start;
            if broken.contains(&at) {
                continue;
            }
            let DeValue::Table(fields) = table.get_ref() else {
                problems.push((at, "expected a table of fields".to_owned()));
                continue;
            };
            let mut fields = Fields {
                at,
                line: lines.at(at),
                table: fields,
                known: Vec::new(),
            };
            let outcome = kind(&mut fields, reader);
            problems.extend(outcome.err());
        }
    }
    problems.sort();
    for (at, what) in problems {
        reader.problem(lines.at(at), what);
    }
}

/// Where the tables begin that have errors in them: what was guessed of these is not used.
fn broken(document: &DeTable<'_>, errors: &[Fault]) -> BTreeSet<usize> {
    let arrays = document
        .iter()
        .filter_map(|(_, value)| value.get_ref().as_array());
    let starts: BTreeSet<usize> = arrays
        .flat_map(|tables| tables.iter().map(|table| table.span().start))
        .collect();
    let last_before = |(at, _): &Fault| starts.range(..=*at).next_back().copied();
    errors.iter().filter_map(last_before).collect()
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(octets: &[u8]) -> Self {
        let ends = octets
            .iter()
            .enumerate()
            .filter(|(_, octet)| **octet == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The line of an offset, from 1.
    fn at(&self, offset: usize) -> u64 {
        self.0.partition_point(|end| *end < offset) as u64 + 1
    }
}

/// The fields of a table; each that is asked for is known, what remains is not.
struct Fields<'t, 'i> {
    at: usize,
    line: u64,
    table: &'t DeTable<'i>,
    known: Vec<&'static str>,
}

impl Fields<'_, '_> {
    /// A field, made by `make` of what stands there; `None` if it is not there.
    fn field<T>(
        &mut self,
        name: &'static str,
        make: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        self.known.push(name);
        let Some(value) = self.table.get(name) else {
            return Ok(None);
        };
        let value: &Spanned<DeValue<'_>> = value;
        let made = make(value.get_ref()).map(Some);
        made.map_err(|what| (value.span().start, format!("{name}: {what}")))
    }

    fn key(&mut self, name: &'static str) -> Result<Option<Secret>, Fault> {
        self.field(name, |value| secret(text(value, "hex digits in quotes")?))
    }

    fn ike_spi(&mut self, name: &'static str) -> Result<Option<IkeSpi>, Fault> {
        let expected = "an SPI of 16 hex digits in quotes";
        self.field(name, |value| {
            let spi = text(value, expected)?;
            let told = (spi.trim_start_matches("0x").len() == 16).then(|| hex_u64(spi));
            told.flatten()
                .map(IkeSpi)
                .ok_or(format!("expected {expected}"))
        })
    }

    /// A name of the registry, or a number.
    fn id(
        &mut self,
        name: &'static str,
        of: fn(&str) -> Option<u16>,
        such_as: &str,
    ) -> Result<Option<u16>, Fault> {
        self.field(name, |value| {
            let id = match value {
                DeValue::String(name) => of(name),
                value => number(value).and_then(|id| id.try_into().ok()),
            };
            id.ok_or(format!(
                "expected IANA's name or number, such as \"{such_as}\""
            ))
        })
    }

    fn encryption(&mut self) -> Result<Option<EncryptionId>, Fault> {
        let id = self.id("encryption", iana::encryption, "ENCR_AES_CBC")?;
        let bits = self.field("key_bits", |value| {
            let bits = number(value).and_then(|bits| bits.try_into().ok());
            bits.ok_or("expected a number of bits".to_owned())
        })?;
        match (id, bits) {
            (None, Some(_)) => Err((self.at, "key_bits: expected encryption too".to_owned())),
            (id, key_bits) => Ok(id.map(|id| EncryptionId { id, key_bits })),
        }
    }

    /// Whatever was not asked for is an error.
    fn finish(&self) -> Result<(), Fault> {
        let unknown = self
            .table
            .iter()
            .filter(|(name, _)| !self.known.contains(&name.get_ref().as_ref()));
        let first = unknown.map(|(name, _)| name.span().start).min();
        match first {
            // The name itself is not shown: it may be a key that lost its quotes.
            Some(at) => Err((
                at,
                format!("unknown field; expected {}", self.known.join(", ")),
            )),
            None => Ok(()),
        }
    }
}

fn text<'v>(value: &'v DeValue<'_>, expected: &str) -> Result<&'v str, String> {
    value.as_str().ok_or(format!("expected {expected}"))
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn ikev1(fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> Result<(), Fault> {
    let initiator = fields.ike_spi("initiator_cookie")?.unwrap_or_default();
    let row = Ikev1Keys {
        responder: fields.ike_spi("responder_cookie")?,
        encryption_key: fields.key("encryption_key")?,
        skeyid: fields.key("skeyid")?,
        skeyid_d: fields.key("skeyid_d")?,
        skeyid_a: fields.key("skeyid_a")?,
        skeyid_e: fields.key("skeyid_e")?,
        ..Ikev1Keys::new(initiator, reader.origin(fields.line))
    };
    fields.finish()?;
    reader.ikev1(row);
    Ok(())
}

fn ikev2(fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> Result<(), Fault> {
    let spis = IkeSpis {
        initiator: fields.ike_spi("initiator_spi")?.unwrap_or_default(),
        responder: fields.ike_spi("responder_spi")?.unwrap_or_default(),
    };
    let row = Ikev2Keys {
        encryption: fields.encryption()?,
        integrity: fields.id("integrity", iana::integrity, "AUTH_HMAC_SHA2_256_128")?,
        prf: fields.id("prf", iana::prf, "PRF_HMAC_SHA2_256")?,
        sk_d: fields.key("sk_d")?,
        sk_ai: fields.key("sk_ai")?,
        sk_ar: fields.key("sk_ar")?,
        sk_ei: fields.key("sk_ei")?,
        sk_er: fields.key("sk_er")?,
        sk_pi: fields.key("sk_pi")?,
        sk_pr: fields.key("sk_pr")?,
        ..Ikev2Keys::new(spis, reader.origin(fields.line))
    };
    fields.finish()?;
    for (name, key) in [("sk_ei", &row.sk_ei), ("sk_er", &row.sk_er)] {
        if let (Some(is), Some(key)) = (row.encryption, key) {
            check(fields, name, is, key)?;
        }
    }
    reader.ikev2(row);
    Ok(())
}

fn esp(fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> Result<(), Fault> {
    let flag = |value: &DeValue<'_>| value.as_bool().ok_or("expected true or false".to_owned());
    let ah = fields.field("ah", flag)?.unwrap_or(false);
    let from = fields
        .field("from", address)?
        .unwrap_or(AddressPattern::Any);
    let to = fields.field("to", address)?.unwrap_or(AddressPattern::Any);
    let digits = |value: &DeValue<'_>| {
        let expected = "up to 8 hex digits in quotes";
        hex_u32(text(value, expected)?).ok_or(format!("expected {expected}"))
    };
    let spi = fields.field("spi", digits)?;
    let mask = fields.field("spi_mask", digits)?;
    let encryption = fields.encryption()?;
    let encryption_key = fields.key("encryption_key")?.unwrap_or_default();
    let integrity = fields.id("integrity", iana::integrity, "AUTH_HMAC_SHA2_256_128")?;
    let icv_octets = fields.field("icv_octets", |value| {
        let octets = number(value).and_then(|octets| octets.try_into().ok());
        octets.ok_or("expected a number of octets".to_owned())
    })?;
    let integrity_key = fields.key("integrity_key")?.unwrap_or_default();
    let esn = fields.field("esn", flag)?;
    fields.finish()?;
    if integrity.is_none() && icv_octets.is_some() {
        return Err((fields.at, "icv_octets: expected integrity too".to_owned()));
    }
    if let Some(is) = encryption {
        check(fields, "encryption_key", is, &encryption_key)?;
    }
    reader.esp(EspKeys {
        ah,
        from,
        to,
        // Without an SPI it is for any.
        spi: SpiPattern {
            spi: EspSpi(spi.unwrap_or_default()),
            mask: mask.unwrap_or(if spi.is_some() { u32::MAX } else { 0 }),
        },
        encryption,
        encryption_key,
        integrity: integrity.map(|id| IntegrityId { id, icv_octets }),
        integrity_key,
        esn,
        origin: reader.origin(fields.line),
    });
    Ok(())
}

fn check(fields: &Fields<'_, '_>, name: &str, is: EncryptionId, key: &Secret) -> Result<(), Fault> {
    let value = fields.table.get(name);
    let at = value.map_or(fields.at, |value| value.span().start);
    lengths::check(is, key.len()).map_err(|what| (at, format!("{name}: {what}")))
}

/// `any`, `any-ipv4`, `any-ipv6`, an address, a prefix.
fn address(value: &DeValue<'_>) -> Result<AddressPattern, String> {
    let expected = "an address, a prefix, \"any\", \"any-ipv4\" or \"any-ipv6\"";
    let wrong = || format!("expected {expected}");
    Ok(match text(value, expected)? {
        "any" => AddressPattern::Any,
        "any-ipv4" => AddressPattern::AnyV4,
        "any-ipv6" => AddressPattern::AnyV6,
        text => match text.split_once('/') {
            None => AddressPattern::One(text.parse().map_err(|_| wrong())?),
            Some((address, length)) => {
                let address: IpAddr = address.parse().map_err(|_| wrong())?;
                let most = if address.is_ipv4() { 32 } else { 128 };
                let length = length.parse().ok().filter(|length| *length <= most);
                AddressPattern::Prefix(address, length.ok_or_else(wrong)?)
            }
        },
    })
}

fn write(ring: &KeyRing) -> Written {
    let mut text = String::new();
    for row in &ring.ikev1 {
        let _ = writeln!(text, "[[ikev1]]");
        put(&mut text, "initiator_cookie", told(row.initiator));
        put(&mut text, "responder_cookie", row.responder);
        put_key(&mut text, "encryption_key", row.encryption_key.as_ref());
        put_key(&mut text, "skeyid", row.skeyid.as_ref());
        put_key(&mut text, "skeyid_d", row.skeyid_d.as_ref());
        put_key(&mut text, "skeyid_a", row.skeyid_a.as_ref());
        put_key(&mut text, "skeyid_e", row.skeyid_e.as_ref());
        let _ = writeln!(text);
    }
    for row in &ring.ikev2 {
        let _ = writeln!(text, "[[ikev2]]");
        put(&mut text, "initiator_spi", told(row.spis.initiator));
        put(&mut text, "responder_spi", told(row.spis.responder));
        put_encryption(&mut text, row.encryption);
        put_id(
            &mut text,
            "integrity",
            row.integrity.map(iana::integrity_name),
        );
        put_id(&mut text, "prf", row.prf.map(iana::prf_name));
        put_key(&mut text, "sk_d", row.sk_d.as_ref());
        put_key(&mut text, "sk_ai", row.sk_ai.as_ref());
        put_key(&mut text, "sk_ar", row.sk_ar.as_ref());
        put_key(&mut text, "sk_ei", row.sk_ei.as_ref());
        put_key(&mut text, "sk_er", row.sk_er.as_ref());
        put_key(&mut text, "sk_pi", row.sk_pi.as_ref());
        put_key(&mut text, "sk_pr", row.sk_pr.as_ref());
        let _ = writeln!(text);
    }
    for row in &ring.esp {
        let _ = writeln!(text, "[[esp]]");
        if row.ah {
            let _ = writeln!(text, "ah = true");
        }
        put(&mut text, "from", Some(address_text(row.from)));
        put(&mut text, "to", Some(address_text(row.to)));
        put(&mut text, "spi", Some(row.spi.spi));
        if row.spi.mask != u32::MAX {
            put(&mut text, "spi_mask", Some(EspSpi(row.spi.mask)));
        }
        put_encryption(&mut text, row.encryption);
        put_key(&mut text, "encryption_key", some(&row.encryption_key));
        let integrity = row.integrity.map(|is| iana::integrity_name(is.id));
        put_id(&mut text, "integrity", integrity);
        if let Some(octets) = row.integrity.and_then(|is| is.icv_octets) {
            let _ = writeln!(text, "icv_octets = {octets}");
        }
        put_key(&mut text, "integrity_key", some(&row.integrity_key));
        if let Some(esn) = row.esn {
            let _ = writeln!(text, "esn = {esn}");
        }
        let _ = writeln!(text);
    }
    text.truncate(text.trim_end_matches('\n').len());
    if !text.is_empty() {
        text.push('\n');
    }
    Written {
        files: vec![("keys.toml", Secret::new(text.into_bytes()))],
        left_out: Vec::new(),
    }
}

fn told(spi: IkeSpi) -> Option<IkeSpi> {
    (!spi.is_zero()).then_some(spi)
}

fn some(key: &Secret) -> Option<&Secret> {
    (!key.is_empty()).then_some(key)
}

fn put(text: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{name} = \"{value}\"");
    }
}

fn put_key(text: &mut String, name: &str, key: Option<&Secret>) {
    put(text, name, key.map(|key| Hex(key.expose())));
}

fn put_encryption(text: &mut String, encryption: Option<EncryptionId>) {
    put_id(
        text,
        "encryption",
        encryption.map(|is| iana::encryption_name(is.id)),
    );
    if let Some(bits) = encryption.and_then(|is| is.key_bits) {
        let _ = writeln!(text, "key_bits = {bits}");
    }
}

/// A name in quotes, a number without.
fn put_id(text: &mut String, name: &str, id: Option<String>) {
    match id {
        Some(id) if id.bytes().all(|digit| digit.is_ascii_digit()) => {
            let _ = writeln!(text, "{name} = {id}");
        }
        id => put(text, name, id),
    }
}

fn address_text(pattern: AddressPattern) -> String {
    match pattern {
        AddressPattern::Any => "any".to_owned(),
        AddressPattern::AnyV4 => "any-ipv4".to_owned(),
        AddressPattern::AnyV6 => "any-ipv6".to_owned(),
        AddressPattern::Prefix(address, length) => format!("{address}/{length}"),
        AddressPattern::One(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests;

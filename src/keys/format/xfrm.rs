//! What `ip xfrm state` prints, and the commands that make such states.
//!
//! ```text
//! src 192.0.2.1 dst 198.51.100.2
//!         proto esp spi 0xc1d717e8 reqid 1 mode tunnel
//!         replay-window 32 flag af-unspec esn
//!         auth-trunc hmac(sha256) 0x… 128
//!         enc cbc(aes) 0x…
//!         encap type espinudp sport 4500 dport 4500 addr 0.0.0.0
//! ip xfrm state add src 192.0.2.1 dst 198.51.100.2 proto esp spi 0x3 mode transport aead 'rfc4106(gcm(aes))' 0x… 128
//! ```

use super::{KeyFormat, Reader, Written};
use crate::crypto::Secret;
use crate::keys::names::{find, linux as names};
use crate::keys::text::{hex_u32, secret, text_lines, without_0x};
use crate::keys::{
    AddressPattern, EncryptionId, EspKeys, IntegrityId, KeyRing, SpiPattern, lengths,
};
use crate::registry::transform;
use crate::units::EspSpi;
use crate::wire::text::Hex;
use std::fmt::Write;
use std::net::IpAddr;

/// States of the Linux kernel.
pub(super) static XFRM: KeyFormat = KeyFormat {
    name: "xfrm",
    about: "output of ip xfrm state",
    alone: false,
    recognises,
    read,
    write: Some(write),
};

fn recognises(octets: &[u8]) -> bool {
    let mut begun = false;
    text_lines(octets).any(|(_, line)| {
        let line = Line::of(&line);
        begun |= line.begins;
        begun && line.words.contains(&"proto") && line.words.contains(&"spi")
    })
}

/// A line in words.
struct Line<'l> {
    words: Vec<&'l str>,
    /// Whether a state begins here.
    begins: bool,
    /// Whether it is a command, where flags are not told unless they are set.
    command: bool,
}

impl<'l> Line<'l> {
    fn of(text: &'l str) -> Self {
        let words = text.split_ascii_whitespace();
        let mut words: Vec<&str> = words
            .map(|word| word.trim_matches(['\'', '"', '\\']))
            .filter(|word| !word.is_empty())
            .collect();
        // As `ip xfrm monitor` begins what has become of a state.
        if let ["Updated" | "Deleted" | "Expired", "src", ..] = words.as_slice() {
            words.remove(0);
        }
        let after = |words: &[&str]| {
            let ip = words
                .iter()
                .position(|word| word.rsplit('/').next() == Some("ip"))?;
            let verb = words
                .iter()
                .skip(ip)
                .position(|word| matches!(*word, "add" | "update"))?;
            let xfrm = words
                .iter()
                .skip(ip)
                .take(verb)
                .any(|word| word.starts_with('x'));
            let state = words
                .iter()
                .skip(ip)
                .take(verb)
                .any(|word| word.starts_with('s'));
            (xfrm && state).then_some(ip + verb + 1)
        };
        let command = after(&words);
        if let Some(skip) = command {
            words.drain(..skip);
        }
        Self {
            begins: command.is_some() || matches!(words.as_slice(), ["src", _, "dst", ..]),
            command: command.is_some(),
            words,
        }
    }
}

/// What has been read of a state.
struct State {
    line: u64,
    from: Result<AddressPattern, String>,
    to: Result<AddressPattern, String>,
    /// Whether it is AH; `None` of what is neither ESP nor AH.
    ah: Option<bool>,
    spi: Option<u32>,
    encryption: Option<EncryptionId>,
    encryption_key: Secret,
    integrity: Option<IntegrityId>,
    integrity_key: Secret,
    esn: bool,
    /// Whether keys were told.
    keys: bool,
    /// Why they are of no use, and the line that says it.
    fault: Option<(u64, String)>,
}

fn read(octets: &[u8], reader: &mut Reader<'_>) {
    let mut state: Option<State> = None;
    for (number, text) in text_lines(octets) {
        let line = Line::of(&text);
        if line.begins {
            finish(state.take(), reader);
            state = Some(State::at(number));
        }
        if let Some(state) = &mut state {
            state.words(number, &line.words);
        }
        if line.command && !text.trim_end().ends_with('\\') {
            finish(state.take(), reader);
        }
    }
    finish(state, reader);
}

fn finish(state: Option<State>, reader: &mut Reader<'_>) {
    let Some(state) = state else { return };
    if let Some((line, fault)) = state.fault {
        reader.problem(line, fault);
        return;
    }
    // States of IPComp, larval ones and policies have no keys.
    let (Some(ah), true) = (state.ah, state.keys) else {
        return;
    };
    let line = state.line;
    let (from, to) = match (state.from, state.to) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(what), _) | (_, Err(what)) => return reader.problem(line, what),
    };
    let Some(spi) = state.spi else {
        return reader.problem(line, "expected an SPI after \"spi\"");
    };
    let aead = state.encryption.is_some_and(|is| lengths::is_aead(is.id));
    reader.esp(EspKeys {
        ah,
        from,
        to,
        spi: SpiPattern::one(EspSpi(spi)),
        encryption: state.encryption,
        encryption_key: state.encryption_key,
        integrity: match aead {
            true => Some(IntegrityId::usual(0)),
            false => state.integrity,
        },
        integrity_key: state.integrity_key,
        esn: Some(state.esn),
        origin: reader.origin(line),
    });
}

impl State {
    fn at(line: u64) -> Self {
        let missing = |word| Err(format!("expected an address after \"{word}\""));
        Self {
            line,
            from: missing("src"),
            to: missing("dst"),
            ah: None,
            spi: None,
            encryption: None,
            encryption_key: Secret::default(),
            integrity: None,
            integrity_key: Secret::default(),
            esn: false,
            keys: false,
            fault: None,
        }
    }

    fn words(&mut self, line: u64, words: &[&str]) {
        let mut words = words.iter().copied();
        let mut flags = false;
        while let Some(word) = words.next() {
            let outcome = match word {
                // Selectors and templates have addresses and protocols of their own.
                "sel" | "tmpl" => return,
                "src" => {
                    self.from = address(words.next());
                    Ok(())
                }
                "dst" => {
                    self.to = address(words.next());
                    Ok(())
                }
                "proto" => {
                    self.ah = match words.next() {
                        Some("esp" | "50") => Some(false),
                        Some("ah" | "51") => Some(true),
                        _ => None,
                    };
                    Ok(())
                }
                "spi" => {
                    self.spi = words.next().and_then(number);
                    Ok(())
                }
                "enc" => self.enc(words.next(), words.next()),
                "aead" => {
                    let (name, key) = (words.next(), words.next());
                    let bits = words.find_map(|word| word.parse().ok());
                    self.aead(name, key, bits)
                }
                "auth" => self.auth(words.next(), words.next(), None),
                "auth-trunc" => {
                    let (name, key) = (words.next(), words.next());
                    // With statistics the length of the key stands before that of the checksum.
                    let bits = words
                        .by_ref()
                        .filter(|word| !word.starts_with('('))
                        .find_map(|word| word.parse().ok());
                    match bits {
                        Some(bits) => self.auth(name, key, Some(bits)),
                        None => Err(
                            "auth-trunc: expected the bits of the checksum after the key"
                                .to_owned(),
                        ),
                    }
                }
                "flag" => {
                    flags = true;
                    Ok(())
                }
                "esn" if flags => {
                    self.esn = true;
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(fault) = outcome {
                self.fault.get_or_insert((line, fault));
            }
        }
    }

    fn enc(&mut self, name: Option<&str>, text: Option<&str>) -> Result<(), String> {
        let name = name.unwrap_or_default();
        let is =
            find(names::ENCRYPTION, name).ok_or_else(|| expected("enc", "a cipher", "cbc(aes)"))?;
        // `ecb(cipher_null)` has a key of no digits.
        let key = key("enc", text)?;
        if is.id != NULL {
            lengths::check(is, key.len()).map_err(|what| format!("enc: {what}"))?;
        }
        (self.encryption, self.encryption_key, self.keys) = (Some(is), key, true);
        Ok(())
    }

    fn aead(
        &mut self,
        name: Option<&str>,
        text: Option<&str>,
        bits: Option<u16>,
    ) -> Result<(), String> {
        let is =
            names::aead(name.unwrap_or_default(), bits.unwrap_or_default()).ok_or_else(|| {
                format!(
                    "{} and the bits of its checksum after the key",
                    expected("aead", "a cipher", "rfc4106(gcm(aes))")
                )
            })?;
        let key = key("aead", text)?;
        lengths::check(is, key.len()).map_err(|what| format!("aead: {what}"))?;
        (self.encryption, self.encryption_key, self.keys) = (Some(is), key, true);
        Ok(())
    }

    fn auth(
        &mut self,
        name: Option<&str>,
        text: Option<&str>,
        bits: Option<u16>,
    ) -> Result<(), String> {
        let is = names::integrity(name.unwrap_or_default(), bits)
            .ok_or_else(|| expected("auth", "an integrity algorithm", "hmac(sha256)"))?;
        let key = key("auth", text)?;
        (self.integrity, self.integrity_key, self.keys) = (Some(is), key, true);
        Ok(())
    }
}

/// `ENCR_NULL`.
const NULL: u16 = 11;

fn expected(word: &str, what: &str, such_as: &str) -> String {
    format!("{word}: expected {what} by the kernel's name, such as {such_as}")
}

/// A key in hex digits after `0x`; in commands plain text is one too.
fn key(word: &str, text: Option<&str>) -> Result<Secret, String> {
    let text = text.unwrap_or_default();
    if text.starts_with("<<") {
        return Err(format!(
            "{word}: the key is hidden; ip xfrm state shows it without nokeys"
        ));
    }
    if without_0x(text).len() == text.len() {
        return Ok(Secret::from(text.as_bytes()));
    }
    secret(text).map_err(|what| format!("{word}: {what}"))
}

/// `0xc1d717e8`, `0xc1d717e8(3252098024)`, and in commands decimal digits.
fn number(text: &str) -> Option<u32> {
    let text = text.split('(').next()?;
    match without_0x(text).len() == text.len() {
        true => text.parse().ok(),
        false => hex_u32(text),
    }
}

fn address(text: Option<&str>) -> Result<AddressPattern, String> {
    let address = text.unwrap_or_default().parse::<IpAddr>();
    match address.map_err(|_| "expected an address after \"src\" and \"dst\"".to_owned())? {
        address if !address.is_unspecified() => Ok(AddressPattern::One(address)),
        IpAddr::V4(_) => Ok(AddressPattern::AnyV4),
        IpAddr::V6(_) => Ok(AddressPattern::AnyV6),
    }
}

fn write(ring: &KeyRing) -> Written {
    let why = "the kernel has states for ESP and AH only";
    let v1 = ring.ikev1.iter().map(|row| (row.origin.clone(), why));
    let v2 = ring.ikev2.iter().map(|row| (row.origin.clone(), why));
    let mut left_out: Vec<_> = v1.chain(v2).collect();
    let mut text = String::new();
    for row in &ring.esp {
        match state(row) {
            Ok(state) => text += &state,
            Err(why) => left_out.push((row.origin.clone(), why)),
        }
    }
    Written {
        files: vec![("xfrm-state", Secret::new(text.into_bytes()))],
        left_out,
    }
}

fn state(row: &EspKeys) -> Result<String, &'static str> {
    if row.spi.mask != u32::MAX {
        return Err("a state has one SPI");
    }
    let v6 = [row.from, row.to].into_iter().any(is_v6);
    let [from, to] = [row.from, row.to].map(|end| match end {
        AddressPattern::One(address) => Ok(address.to_string()),
        AddressPattern::AnyV6 => Ok("::".to_owned()),
        AddressPattern::Any | AddressPattern::AnyV4 if !v6 => Ok("0.0.0.0".to_owned()),
        AddressPattern::Any => Ok("::".to_owned()),
        AddressPattern::AnyV4 => Err("its addresses are of two families"),
        AddressPattern::Prefix(..) => Err("a state has no prefixes of addresses"),
    });
    let mut text = String::new();
    let _ = writeln!(text, "src {} dst {}", from?, to?);
    let protocol = if row.ah { "ah" } else { "esp" };
    let _ = writeln!(
        text,
        "\tproto {protocol} spi {} reqid 0 mode tunnel",
        row.spi.spi
    );
    let esn = if row.esn == Some(true) {
        " flag esn"
    } else {
        ""
    };
    let _ = writeln!(text, "\treplay-window 0{esn}");
    let key = Hex(row.encryption_key.expose());
    let aead = row.encryption.filter(|is| lengths::is_aead(is.id));
    if let Some(aead) = aead {
        let name = names::AEAD.iter().find(|(_, _, id)| *id == aead.id);
        let (name, bits, _) = name.ok_or("the kernel has no name for the cipher")?;
        let _ = writeln!(text, "\taead {name} 0x{key} {bits}");
        return Ok(text);
    }
    let integrity = row
        .integrity
        .ok_or("a state needs the integrity algorithm")?;
    if integrity.id != 0 {
        let name = names::INTEGRITY
            .iter()
            .find(|(_, id, _)| *id == base(integrity.id));
        let known = name.filter(|_| integrity.id != IntegrityId::UNTOLD);
        let (name, ..) = known.ok_or("the kernel has no name for the integrity algorithm")?;
        let usual = transform::integrity(integrity.id).map_or(0, |row| row.octets);
        let octets = integrity.icv_octets.map_or(usual, u16::from);
        let key = Hex(row.integrity_key.expose());
        let _ = writeln!(text, "\tauth-trunc {name} 0x{key} {}", octets * 8);
    }
    if !row.ah {
        let encryption = row.encryption.ok_or("a state needs the cipher")?;
        let name = names::ENCRYPTION
            .iter()
            .find(|(_, is)| is.id == encryption.id);
        let (name, _) = name.ok_or("the kernel has no name for the cipher")?;
        let _ = writeln!(text, "\tenc {name} 0x{key}");
    }
    Ok(text)
}

/// The number under which the kernel's name stands: full lengths have numbers of their own.
fn base(integrity: u16) -> u16 {
    match integrity {
        6 => 1,
        7 => 2,
        id => id,
    }
}

fn is_v6(pattern: AddressPattern) -> bool {
    match pattern {
        AddressPattern::AnyV6 => true,
        AddressPattern::One(address) | AddressPattern::Prefix(address, _) => address.is_ipv6(),
        AddressPattern::Any | AddressPattern::AnyV4 => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::format::{self, KEY_FORMATS};
    use crate::keys::testing::check;

    const LISTED: &str = "\
src 192.0.2.1 dst 198.51.100.2
\tproto esp spi 0xc1d717e8(3252098024) reqid 1(0x00000001) mode tunnel
\treplay-window 32 seq 0x00000000 flag af-unspec esn
\tauth-trunc hmac(sha256) 0x0102 (16 bits) 128
\tenc cbc(aes) 0x000102030405060708090a0b0c0d0e0f (128 bits)
\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0
\tsel src 0.0.0.0/0 dst 0.0.0.0/0
src 2001:db8::1 dst ::
\tproto esp spi 0x00000003 reqid 2 mode tunnel
\taead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f01020304 128
src 192.0.2.1 dst 198.51.100.2
\tproto ah spi 0x00000004 reqid 0 mode transport
\tauth hmac(sha256) 0x0304
src 192.0.2.1 dst 198.51.100.2
\tproto comp spi 0x00000a6c reqid 1 mode tunnel
src 10.0.0.0/24 dst 10.1.0.0/24
\tdir out priority 1
\ttmpl src 192.0.2.1 dst 198.51.100.2
\t\tproto esp spi 0xc1d717e8 reqid 1 mode tunnel
";

    #[test]
    fn states_are_read_with_and_without_statistics() {
        assert_eq!(
            check("xfrm", LISTED),
            "\
1: esp 192.0.2.1 > 198.51.100.2 0xc1d717e8 ENCR_AES_CBC 000102030405060708090a0b0c0d0e0f AUTH_HMAC_SHA2_256_128 0102 esn
8: esp 2001:db8::1 > any6 0x00000003 ENCR_AES_GCM_16 000102030405060708090a0b0c0d0e0f01020304 NONE  no-esn
11: ah 192.0.2.1 > 198.51.100.2 0x00000004 ?  AUTH_HMAC_SHA2_256_128 cut to 96 bits 0304 no-esn
"
        );
    }

    #[test]
    fn events_of_a_monitor_are_states_of_their_own() {
        for event in ["Updated", "Deleted", "Expired"] {
            let told = LISTED.replace("src 2001:db8::1", &format!("{event} src 2001:db8::1"));
            assert_eq!(check("xfrm", &told), check("xfrm", LISTED));
        }
        // All of a state on one line, as `ip -o` has it.
        let one_line = LISTED.replace("\n\t", "\\\t");
        let states = |text: &str| check("xfrm", text).lines().count();
        assert_eq!(states(&one_line), states(LISTED));
    }

    #[test]
    fn commands_are_read_too() {
        let text = "\
#!/bin/sh
/sbin/ip xfrm state add src 192.0.2.1 dst 198.51.100.2 proto esp spi 257 mode transport \\
  auth-trunc 'hmac(sha1)' 0x0a0b 96 enc \"cbc(aes)\" sixteen_octets_k
ip x s add src 192.0.2.1 dst 198.51.100.2 proto esp spi 0x102 aead rfc4543(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f01020304 128 flag esn
";
        assert_eq!(
            check("xfrm", text),
            "\
2: esp 192.0.2.1 > 198.51.100.2 0x00000101 ENCR_AES_CBC 7369787465656e5f6f63746574735f6b AUTH_HMAC_SHA1_96 0a0b no-esn
4: esp 192.0.2.1 > 198.51.100.2 0x00000102 ENCR_NULL_AUTH_AES_GMAC 000102030405060708090a0b0c0d0e0f01020304 NONE  esn
"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (attribute, said) in [
            (
                "enc cbc(rot13) 0x00",
                "enc: expected a cipher by the kernel's name, such as cbc(aes)",
            ),
            (
                "enc cbc(aes) 0x00",
                "enc: a key of 1 octets; ENCR_AES_CBC takes 16 or 24 or 32",
            ),
            ("enc cbc(aes) 0x0z", "enc: expected hex digits"),
            (
                "enc cbc(aes) <<Keys hidden>>",
                "enc: the key is hidden; ip xfrm state shows it without nokeys",
            ),
            (
                "aead rfc4106(gcm(aes)) 0x00",
                "aead: expected a cipher by the kernel's name, such as rfc4106(gcm(aes)) and the bits of its checksum after the key",
            ),
            (
                "auth-trunc crc 0x00 96",
                "auth: expected an integrity algorithm by the kernel's name, such as hmac(sha256)",
            ),
            (
                "auth-trunc hmac(sha1) 0x00",
                "auth-trunc: expected the bits of the checksum after the key",
            ),
        ] {
            let text = format!("src 192.0.2.1 dst 192.0.2.2\n proto esp spi 0x1\n {attribute}\n");
            assert_eq!(check("xfrm", text), format!("! f:3: {said}\n"));
        }
        assert_eq!(
            check(
                "xfrm",
                "src here dst 192.0.2.2\n proto esp spi 0x1\n enc ecb(cipher_null) 0x\n"
            ),
            "! f:1: expected an address after \"src\" and \"dst\"\n"
        );
        assert_eq!(
            check(
                "xfrm",
                "src ::1 dst ::2\n proto esp spi what\n enc ecb(cipher_null) 0x\n"
            ),
            "! f:1: expected an SPI after \"spi\"\n"
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let xfrm = KEY_FORMATS
            .iter()
            .find(|format| format.name == "xfrm")
            .unwrap();
        let mut ring = KeyRing::default();
        format::read(LISTED.as_bytes(), "f", &mut ring).unwrap();
        let written = xfrm.write(&ring).unwrap();
        let mut again = KeyRing::default();
        let problems = xfrm.read(written.files[0].1.expose(), "f", &mut again);
        assert!(problems.is_empty() && written.left_out.is_empty());
        for row in ring.esp.iter_mut().chain(&mut again.esp) {
            row.origin.line = 0;
        }
        assert_eq!(ring, again);
    }
}

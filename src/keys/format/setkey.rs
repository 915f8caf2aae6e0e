//! What `setkey -D` prints (KAME, FreeBSD, NetBSD, ipsec-tools; racoon uses the same states).
//!
//! ```text
//! 192.0.2.1[4500] 198.51.100.2[4500]
//!         esp-udp mode=tunnel spi=4352(0x00001100) reqid=0(0x00000000)
//!         E: 3des-cbc  636c6532 5f636c65 325f6372 61635f63 7261635f 636c6532
//!         A: hmac-sha256  636c6532 706f7565 74706f75 6574706f 75657470 6f756574
//!          706f7565 636c6532
//!         seq=0x00000000 replay=0 flags=0x00000000 state=mature
//! ```

use super::{KeyFormat, Reader};
use crate::crypto::Secret;
use crate::keys::names::{find, kame as names};
use crate::keys::text::{secret, text_lines};
use crate::keys::{AddressPattern, EncryptionId, EspKeys, IntegrityId, SpiPattern, lengths};
use crate::limits::KEY_OCTETS;
use crate::units::EspSpi;
use std::net::IpAddr;

/// States as `setkey` prints them.
pub(super) static SETKEY: KeyFormat = KeyFormat {
    name: "setkey",
    about: "output of setkey -D",
    alone: false,
    recognises,
    read,
    write: None,
};

fn recognises(octets: &[u8]) -> bool {
    text_lines(octets).any(|(_, line)| kind(&line).is_some())
}

/// A state that is being read.
struct State {
    line: u64,
    ends: [IpAddr; 2],
    /// Whether it is AH; `None` of what is neither ESP nor AH.
    ah: Option<bool>,
    spi: Option<u32>,
    encryption: Option<EncryptionId>,
    encryption_key: Secret,
    integrity: &'static [IntegrityId],
    integrity_key: Secret,
    reading: Reading,
    keys: bool,
    fault: Option<(u64, String)>,
}

/// Whose digits the next line may go on with.
#[derive(Clone, Copy)]
enum Reading {
    Nothing,
    Encryption,
    Integrity,
}

fn read(octets: &[u8], reader: &mut Reader<'_>) {
    let mut state: Option<State> = None;
    for (line, text) in text_lines(octets) {
        if let Some(ends) = ends(&text) {
            finish(state.take(), reader);
            state = Some(State {
                line,
                ends,
                ah: None,
                spi: None,
                encryption: None,
                encryption_key: Secret::default(),
                integrity: &[],
                integrity_key: Secret::default(),
                reading: Reading::Nothing,
                keys: false,
                fault: None,
            });
        } else if let Some(state) = &mut state
            && let Err(fault) = state.attribute(&text)
        {
            state.fault.get_or_insert((line, fault));
        }
    }
    finish(state, reader);
}

fn finish(state: Option<State>, reader: &mut Reader<'_>) {
    let Some(mut state) = state else { return };
    let Some(ah) = state.ah else { return };
    if !state.keys && state.fault.is_none() {
        return;
    }
    if state.fault.is_none()
        && let Some(is) = state.encryption.filter(|is| is.id != NULL)
        && let Err(what) = lengths::check(is, state.encryption_key.len())
    {
        state.fault = Some((state.line, format!("E: {what}")));
    }
    if let Some((line, what)) = state.fault {
        return reader.problem(line, what);
    }
    let Some(spi) = state.spi else {
        return reader.problem(state.line, "expected an SPI such as spi=4352(0x00001100)");
    };
    let aead = state.encryption.is_some_and(|is| lengths::is_aead(is.id));
    let integrity: Vec<Option<IntegrityId>> = match state.integrity {
        _ if aead => vec![Some(IntegrityId::usual(0))],
        // ESP without a line for it has none.
        [] => vec![Some(IntegrityId::usual(0)).filter(|_| !ah)],
        any => any.iter().copied().map(Some).collect(),
    };
    let [from, to] = state.ends.map(AddressPattern::One);
    for integrity in integrity {
        reader.esp(EspKeys {
            ah,
            from,
            to,
            spi: SpiPattern::one(EspSpi(spi)),
            encryption: state.encryption.filter(|_| !ah),
            encryption_key: state.encryption_key.clone(),
            integrity,
            integrity_key: state.integrity_key.clone(),
            esn: None,
            origin: reader.origin(state.line),
        });
    }
}

/// `ENCR_NULL`.
const NULL: u16 = 11;

impl State {
    fn attribute(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim();
        if let Some((ah, spi)) = kind(text) {
            (self.ah, self.spi) = (ah, spi);
        } else if let Some(rest) = text.strip_prefix("E:") {
            let (name, digits) = split(rest);
            let is = find(names::ENCRYPTION, name);
            self.encryption =
                Some(is.ok_or("E: expected a cipher by setkey's name, such as aes-cbc")?);
            (self.reading, self.keys) = (Reading::Encryption, true);
            self.digits(digits)?;
        } else if let Some(rest) = text.strip_prefix("A:") {
            let (name, digits) = split(rest);
            self.integrity = find(names::INTEGRITY, name)
                .ok_or("A: expected an integrity algorithm by setkey's name, such as hmac-sha1")?;
            (self.reading, self.keys) = (Reading::Integrity, true);
            self.digits(digits)?;
        } else if text.contains('=') || text.contains(':') {
            self.reading = Reading::Nothing;
        } else {
            self.digits(text)?;
        }
        Ok(())
    }

    /// Adds groups of digits to the key that is being read.
    fn digits(&mut self, text: &str) -> Result<(), String> {
        let (key, name) = match self.reading {
            Reading::Nothing => return Ok(()),
            Reading::Encryption => (&mut self.encryption_key, "E"),
            Reading::Integrity => (&mut self.integrity_key, "A"),
        };
        for group in text.split_ascii_whitespace() {
            let more = secret(group).map_err(|what| format!("{name}: {what}"))?;
            if key.len() + more.len() > KEY_OCTETS {
                return Err(format!(
                    "{name}: expected a key of no more than {KEY_OCTETS} octets"
                ));
            }
            *key = Secret::new([key.expose(), more.expose()].concat());
        }
        Ok(())
    }
}

fn split(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start();
    rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
}

/// `192.0.2.1 198.51.100.2`, with or without ports in brackets.
fn ends(text: &str) -> Option<[IpAddr; 2]> {
    let mut words = text.split_ascii_whitespace();
    let mut end = || -> Option<IpAddr> {
        let word = words.next()?;
        word.split('[').next()?.parse().ok()
    };
    let ends = [end()?, end()?];
    words.next().is_none().then_some(ends)
}

/// The kind of a state, ESP (`false`) or AH (`true`), and its SPI: `esp mode=any spi=16(0x10) …`.
fn kind(text: &str) -> Option<(Option<bool>, Option<u32>)> {
    let mut words = text.split_ascii_whitespace();
    let ah = match words.next()? {
        "esp" | "esp-udp" | "esp-old" => Some(false),
        "ah" | "ah-old" => Some(true),
        _ => None,
    };
    words.next().filter(|word| word.starts_with("mode="))?;
    let spi = words.next()?.strip_prefix("spi=")?;
    Some((ah, spi.split('(').next()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::check;

    #[test]
    fn states_are_read_and_keys_go_on_in_the_next_line() {
        let text = "\
192.0.2.1[4500] 198.51.100.2[4500]
\tesp-udp mode=tunnel spi=4352(0x00001100) reqid=0(0x00000000)
\tE: 3des-cbc  00010203 04050607 08090a0b 0c0d0e0f
 10111213 14151617
\tA: hmac-sha1  000102
\tseq=0x00000000 replay=4 flags=0x00000000 state=mature
\tcreated: Jul 20 20:05:25 2003\tcurrent: Jul 20 20:06:58 2003
2001:db8::1 2001:db8::2
\tesp mode=any spi=1(0x00000001) reqid=0(0x00000000)
\tE: aes-gcm-16  00010203 04050607 08090a0b 0c0d0e0f 10111213
192.0.2.1 198.51.100.2
\tah mode=transport spi=2(0x00000002) reqid=0(0x00000000)
\tA: hmac-sha2-256  0304
192.0.2.1 198.51.100.2
\tipcomp mode=transport spi=3(0x00000003) reqid=0(0x00000000)
No SPD entries.
";
        assert_eq!(
            check("setkey", text),
            "\
1: esp 192.0.2.1 > 198.51.100.2 0x00001100 ENCR_3DES 000102030405060708090a0b0c0d0e0f1011121314151617 AUTH_HMAC_SHA1_96 000102
8: esp 2001:db8::1 > 2001:db8::2 0x00000001 ENCR_AES_GCM_16 000102030405060708090a0b0c0d0e0f10111213 NONE \n11: ah 192.0.2.1 > 198.51.100.2 0x00000002 ?  AUTH_HMAC_SHA2_256_128 0304
11: ah 192.0.2.1 > 198.51.100.2 0x00000002 ?  AUTH_HMAC_SHA2_256_128 cut to 96 bits 0304
"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let kind = "192.0.2.1 192.0.2.2\n esp mode=any spi=1(0x1) reqid=0\n";
        for (attribute, said) in [
            (
                "E: rot13 00",
                "3: E: expected a cipher by setkey's name, such as aes-cbc",
            ),
            (
                "E: aes-cbc 0001",
                "1: E: a key of 2 octets; ENCR_AES_CBC takes 16 or 24 or 32",
            ),
            ("E: aes-cbc 00x1", "3: E: expected hex digits"),
            (
                "A: crc 00\n E: null",
                "3: A: expected an integrity algorithm by setkey's name, such as hmac-sha1",
            ),
        ] {
            assert_eq!(
                check("setkey", format!("{kind} {attribute}\n")),
                format!("! f:{said}\n")
            );
        }
    }

    #[test]
    fn every_name_is_read() {
        for (name, is) in names::ENCRYPTION {
            assert_eq!(find(names::ENCRYPTION, name), Some(*is));
        }
    }
}

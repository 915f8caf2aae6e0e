//! Logs of pluto, the daemon of libreswan, Openswan and strongSwan before version 5, where it prints
//! keys (`plutodebug=private`, formerly `crypt`).
//!
//! ```text
//! | ikev2 I 0xba1143d176e1557b 0xb62a3c712fd1f26a sha256:0x… aes256:0x…
//! | our  keymat
//! |   87 ba a5 46  69 74 1d d0  98 09 72 d0  31 6e 56 66   
//! | peer keymat
//! |   21 72 79 4e  2d 12 28 b7  5e 90 eb 1c  e7 80 e2 4d   
//! "conn" #2: IPsec SA established tunnel mode {ESP=>0x0c8a8d6d <0x1d6e7a33 xfrm=AES_CBC_256-HMAC_SHA2_256_128 …}
//! | ICOOKIE:  c6 d1 45 92  85 15 0c 7e
//! | RCOOKIE:  13 57 9b df  02 46 8a ce
//! | Skeyid_e:  b0 16 81 21  5f 16 20 23  03 18 6d 28  14 dc 56 86
//! |   ca 5a 47 33
//! | enc key:  44 9e 82 9e  a9 66 d4 21  fb cb 86 bd  7a d9 2e 86
//! ```
//!
//! Which child SA the keying material is for is not said. It is that whose SPIs are told next, as
//! long as one negotiation is under way; where several are, each is offered, and trying them shows
//! it. What we receive is under our keying material and our SPI, `<0x…`.

use super::{KeyFormat, Reader};
use crate::crypto::Secret;
use crate::keys::names::{find, libreswan as names};
use crate::keys::text::{hex_u32, hex_u64, secret, text_lines};
use crate::keys::{
    AddressPattern, EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, IntegrityId, SpiPattern, lengths,
};
use crate::limits::{KEY_LOG_CHOICES, KEY_OCTETS};
use crate::units::{EspSpi, IkeSpi, IkeSpis};

/// Logs of pluto.
pub(super) static PLUTO: KeyFormat = KeyFormat {
    name: "pluto",
    about: "logs of libreswan or Openswan at the level that prints keys",
    alone: false,
    recognises,
    read,
    write: None,
};

fn recognises(octets: &[u8]) -> bool {
    text_lines(octets).any(|(_, line)| {
        line.contains("pluto[")
            || line.contains("Starting Pluto")
            || ike_keys(&line).is_some()
            || debug(&line).is_some_and(|text| label(text).is_some())
    })
}

fn read(octets: &[u8], reader: &mut Reader<'_>) {
    let mut log = Log::default();
    for (number, line) in text_lines(octets) {
        log.line(number, &line, reader);
    }
    log.complete(reader);
    if let Some(row) = log.v1.take() {
        reader.ikev1(row);
    }
    if let Some(row) = log.v2.take() {
        reader.ikev2(row);
    }
    for material in log.waiting.iter().filter(|material| !material.offered) {
        reader.problem(
            material.line,
            "keying material of a child SA whose SPIs are not told: expected a line \"… established … {ESP=>0x… <0x… xfrm=…}\" after it",
        );
    }
}

#[derive(Default)]
struct Log {
    /// The octets that are being printed.
    dump: Option<Dump>,
    /// The cookies told last.
    cookies: IkeSpis,
    /// The salts told last.
    salts: [Option<Secret>; 2],
    v1: Option<Ikev1Keys>,
    v2: Option<Ikev2Keys>,
    waiting: Vec<Material>,
}

struct Dump {
    line: u64,
    what: Label,
    octets: Secret,
}

/// Keying material of a child SA (RFC 7296 section 2.17, RFC 2409 section 5.5).
struct Material {
    line: u64,
    ours: Secret,
    theirs: Option<Secret>,
    /// Whether SPIs were told that it may be for.
    offered: bool,
}

/// Which octets a dump holds.
#[derive(Clone, Copy)]
enum Label {
    V1(fn(&mut Ikev1Keys) -> &mut Option<Secret>),
    OurMaterial,
    TheirMaterial,
    Cookie(fn(&mut IkeSpis) -> &mut IkeSpi),
    InitiatorSalt,
    ResponderSalt,
}

/// What stands before the octets, of whatever age. A cookie and an SPI are the same.
const LABELS: &[(&str, Label)] = &[
    ("Skeyid", Label::V1(|row| &mut row.skeyid)),
    ("Skeyid_d", Label::V1(|row| &mut row.skeyid_d)),
    ("Skeyid_a", Label::V1(|row| &mut row.skeyid_a)),
    ("Skeyid_e", Label::V1(|row| &mut row.skeyid_e)),
    ("enc key", Label::V1(|row| &mut row.encryption_key)),
    ("our  keymat", Label::OurMaterial),
    ("our keymat", Label::OurMaterial),
    ("peer keymat", Label::TheirMaterial),
    ("ICOOKIE", Label::Cookie(|spis| &mut spis.initiator)),
    (
        "initiator cookie",
        Label::Cookie(|spis| &mut spis.initiator),
    ),
    ("initiator SPI", Label::Cookie(|spis| &mut spis.initiator)),
    ("RCOOKIE", Label::Cookie(|spis| &mut spis.responder)),
    (
        "responder cookie",
        Label::Cookie(|spis| &mut spis.responder),
    ),
    ("responder SPI", Label::Cookie(|spis| &mut spis.responder)),
    ("calc_skeyseed_v2 initiator salt", Label::InitiatorSalt),
    ("calc_skeyseed_v2 responder salt", Label::ResponderSalt),
];

/// What pluto says under `|`, its mark of debugging.
fn debug(line: &str) -> Option<&str> {
    line.split_once("| ").map(|(_, text)| text)
}

/// `Skeyid_e:  b0 16 …`: the label, and the octets that may stand behind it.
fn label(text: &str) -> Option<(Label, &str)> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let (_, label) = LABELS.iter().find(|(known, _)| *known == name.trim())?;
    Some((*label, rest))
}

/// Octets of a row; newer versions put what they look like as text behind them, after more blanks
/// than between octets.
fn row(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_start();
    let text = text.split_once("   ").map_or(text, |(octets, _)| octets);
    let words = text.split_ascii_whitespace();
    let octets: Option<Vec<u8>> = words
        .map(|word| {
            let octet = (word.len() == 2).then(|| hex_u32(word)).flatten()?;
            u8::try_from(octet).ok()
        })
        .collect();
    octets.filter(|octets| (1..=16).contains(&octets.len()))
}

impl Log {
    fn line(&mut self, number: u64, line: &str, reader: &mut Reader<'_>) {
        if let Some(text) = debug(line) {
            if let Some(dump) = &mut self.dump
                && let Some(octets) = row(text)
            {
                // Nothing of interest is longer: what goes on is something else.
                if dump.octets.len() < KEY_OCTETS {
                    dump.octets = Secret::new([dump.octets.expose(), &octets].concat());
                }
                return;
            }
            self.complete(reader);
            if let Some((what, rest)) = label(text) {
                let octets = Secret::new(row(rest).unwrap_or_default());
                self.dump = Some(Dump {
                    line: number,
                    what,
                    octets,
                });
                return;
            }
        } else {
            self.complete(reader);
        }
        if let Some((initiator, rest)) = ike_keys(line) {
            self.ike(number, initiator, rest, reader);
        } else if let Some(established) = established(line) {
            self.child(number, &established, reader);
        }
    }

    /// The dump is at its end: puts it where it belongs.
    fn complete(&mut self, reader: &mut Reader<'_>) {
        let Some(dump) = self.dump.take() else { return };
        if dump.octets.is_empty() {
            return;
        }
        match dump.what {
            Label::Cookie(field) => {
                if let Ok(octets) = dump.octets.expose().try_into() {
                    *field(&mut self.cookies) = IkeSpi(u64::from_be_bytes(octets));
                }
            }
            Label::InitiatorSalt => self.salts = [Some(dump.octets), None],
            Label::ResponderSalt => {
                let [_, responder] = &mut self.salts;
                *responder = Some(dump.octets);
            }
            Label::V1(field) => match self.v1.as_mut().map(field) {
                Some(empty @ None) => *empty = Some(dump.octets),
                // Keys of the same name again are keys of a new SA.
                _ => {
                    let origin = reader.origin(dump.line);
                    let mut row = Ikev1Keys::new(self.cookies.initiator, origin);
                    row.responder = Some(self.cookies.responder).filter(|spi| !spi.is_zero());
                    *field(&mut row) = Some(dump.octets);
                    if let Some(row) = self.v1.replace(row) {
                        reader.ikev1(row);
                    }
                }
            },
            Label::OurMaterial => {
                if self.waiting.len() >= KEY_LOG_CHOICES {
                    self.waiting.remove(0);
                }
                self.waiting.push(Material {
                    line: dump.line,
                    ours: dump.octets,
                    theirs: None,
                    offered: false,
                });
            }
            Label::TheirMaterial => {
                if let Some(material) = self.waiting.last_mut() {
                    material.theirs.get_or_insert(dump.octets);
                }
            }
        }
    }

    /// `0xSPI 0xSPI sha256:0xKEY aes256:0xKEY` of the initiator or the responder.
    fn ike(&mut self, line: u64, initiator: bool, rest: &str, reader: &mut Reader<'_>) {
        let mut words = rest.split_ascii_whitespace();
        let mut spi = || words.next().and_then(hex_u64).map(IkeSpi);
        let spis = spi().zip(spi());
        let key = |word: Option<&str>| {
            let (name, digits) = word?.split_once(':')?;
            Some((name.to_owned(), secret(digits)))
        };
        let (Some((initiator_spi, responder_spi)), Some(integ), Some(encr)) =
            (spis, key(words.next()), key(words.next()))
        else {
            reader.problem(
                line,
                "expected \"0xSPI 0xSPI INTEGRITY:0xKEY CIPHER:0xKEY\"",
            );
            return;
        };
        let spis = IkeSpis {
            initiator: initiator_spi,
            responder: responder_spi,
        };
        let integrity = find(names::TCPDUMP_INTEGRITY, &integ.0);
        let Some(encryption) = names::tcpdump_encryption(&encr.0) else {
            reader.problem(line, "expected a cipher by pluto's name, such as aes256");
            return;
        };
        let (sk_a, sk_e) = match (integ.1, encr.1) {
            (Ok(sk_a), Ok(sk_e)) => (sk_a, sk_e),
            (Err(what), _) | (_, Err(what)) => return reader.problem(line, what),
        };
        let sk_e = match self.salted(encryption, sk_e, initiator) {
            Ok(sk_e) => sk_e,
            Err(what) => return reader.problem(line, what),
        };
        let same = self.v2.take_if(|row| {
            let field = if initiator { &row.sk_ei } else { &row.sk_er };
            row.spis == spis && row.encryption == Some(encryption) && field.is_none()
        });
        if let Some(row) = self.v2.take() {
            reader.ikev2(row);
        }
        let mut row = same.unwrap_or_else(|| Ikev2Keys::new(spis, reader.origin(line)));
        row.encryption = Some(encryption);
        row.integrity = match lengths::is_aead(encryption.id) {
            true => Some(0),
            false => integrity,
        };
        let sk_a = (!sk_a.is_empty()).then_some(sk_a);
        if initiator {
            (row.sk_ai, row.sk_ei) = (sk_a, Some(sk_e));
        } else {
            (row.sk_ar, row.sk_er) = (sk_a, Some(sk_e));
        }
        self.v2 = Some(row);
    }

    /// The key with its salt, which is printed elsewhere.
    fn salted(
        &self,
        encryption: EncryptionId,
        key: Secret,
        initiator: bool,
    ) -> Result<Secret, String> {
        let salt_octets = lengths::salt_octets(encryption.id);
        if salt_octets == 0 || lengths::check(encryption, key.len()).is_ok() {
            lengths::check(encryption, key.len())?;
            return Ok(key);
        }
        let [ours, theirs] = &self.salts;
        let salt = if initiator { ours } else { theirs };
        let salt = salt.as_ref().filter(|salt| salt.len() == salt_octets);
        let salt = salt.ok_or("the key comes without its salt: expected \"initiator salt\" and \"responder salt\" in the lines before")?;
        let whole = Secret::new([key.expose(), salt.expose()].concat());
        lengths::check(encryption, whole.len())?;
        Ok(whole)
    }

    fn child(&mut self, line: u64, child: &Established<'_>, reader: &mut Reader<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        let (Some((encryption, integrity)), Some(outbound), Some(inbound)) =
            (child.suite(), child.outbound, child.inbound)
        else {
            reader.problem(
                line,
                "expected the SPIs and algorithms of a child SA, such as {ESP=>0x… <0x… xfrm=AES_CBC_256-HMAC_SHA1_96 …}",
            );
            return;
        };
        for material in &mut self.waiting {
            material.offered = true;
            let ends = [
                (inbound, Some(&material.ours)),
                (outbound, material.theirs.as_ref()),
            ];
            for (spi, keys) in ends {
                let Some(keys) = keys else { continue };
                match split(child.ah, encryption, integrity, keys) {
                    Ok((encryption, encryption_key, integrity_key)) => reader.esp(EspKeys {
                        ah: child.ah,
                        from: AddressPattern::Any,
                        to: AddressPattern::Any,
                        spi: SpiPattern::one(EspSpi(spi)),
                        encryption,
                        encryption_key,
                        integrity: Some(integrity),
                        integrity_key,
                        esn: child.esn,
                        origin: reader.origin(material.line),
                    }),
                    Err(what) => reader.problem(material.line, what),
                }
            }
        }
        if let [_] = self.waiting.as_slice() {
            self.waiting.clear();
        }
    }
}

/// Keying material into the key of the cipher, which comes first, and that of the integrity
/// algorithm (RFC 7296 section 2.17).
fn split(
    ah: bool,
    encryption: Option<EncryptionId>,
    integrity: IntegrityId,
    keys: &Secret,
) -> Result<(Option<EncryptionId>, Secret, Secret), String> {
    let integrity_octets = integrity_key_octets(integrity.id);
    let short = || {
        format!(
            "keying material of {} octets, too short for these algorithms",
            keys.len()
        )
    };
    let encryption_octets = keys.len().checked_sub(integrity_octets).ok_or_else(short)?;
    let (encryption_key, integrity_key) = keys
        .expose()
        .split_at_checked(encryption_octets)
        .ok_or_else(short)?;
    let encryption = match encryption.filter(|_| !ah) {
        Some(is) => {
            lengths::check(is, encryption_key.len())?;
            Some(EncryptionId {
                id: is.id,
                key_bits: is
                    .key_bits
                    .or_else(|| lengths::bits(is.id, encryption_key.len())),
            })
        }
        None => None,
    };
    Ok((
        encryption,
        Secret::from(encryption_key),
        Secret::from(integrity_key),
    ))
}

/// Octets of the key of an integrity algorithm: as many as its hash gives (RFC 2403, RFC 2404, RFC
/// 4868), or its cipher takes (RFC 3566, RFC 4494).
fn integrity_key_octets(id: u16) -> usize {
    match id {
        1 | 5 | 6 | 8 => 16,
        2 | 7 => 20,
        12 => 32,
        13 => 48,
        14 => 64,
        _ => 0,
    }
}

/// The keys that one end of an IKE SA sends with, in a form meant for tcpdump: whether it is the
/// initiator, and what follows.
fn ike_keys(line: &str) -> Option<(bool, &str)> {
    let (_, rest) = line.split_once("ikev2 ")?;
    let (role, rest) = rest.split_once(' ')?;
    let initiator = match role {
        "I" => true,
        "R" => false,
        _ => return None,
    };
    rest.starts_with("0x").then_some((initiator, rest))
}

/// What is told of a child SA that is up.
struct Established<'l> {
    ah: bool,
    outbound: Option<u32>,
    inbound: Option<u32>,
    xfrm: &'l str,
    /// Told only where it is on.
    esn: Option<bool>,
}

/// `… established … {ESP=>0x0c8a8d6d <0x1d6e7a33 xfrm=AES_CBC_256-HMAC_SHA2_256_128 …}`, after a rekeying `… rekeyed
/// Child SA #2 using #1 … {ESP=>…}`.
fn established(line: &str) -> Option<Established<'_>> {
    let words = ["established", "rekeyed Child SA"];
    let (_, rest) = words.iter().find_map(|word| line.split_once(word))?;
    let (_, rest) = rest.split_once('{')?;
    let (kind, rest) = rest.split_once("=>")?;
    let ah = kind.starts_with("AH");
    if !ah && !kind.starts_with("ESP") {
        return None;
    }
    let mut words = rest.split([' ', '}']);
    let outbound = words.next().and_then(hex_u32);
    let inbound = words
        .next()
        .and_then(|word| hex_u32(word.strip_prefix('<')?));
    let xfrm = words.next().and_then(|word| word.strip_prefix("xfrm="));
    Some(Established {
        ah,
        outbound,
        inbound,
        xfrm: xfrm.unwrap_or_default(),
        esn: kind.contains("ESN").then_some(true),
    })
}

impl Established<'_> {
    /// `AES_CBC_256-HMAC_SHA2_256_128`, `AES_GCM_16_256-NONE`, for AH `HMAC_SHA1_96`.
    fn suite(&self) -> Option<(Option<EncryptionId>, IntegrityId)> {
        if self.ah {
            // Behind it may stand a group.
            let name = self.xfrm.split('-').next()?;
            return Some((None, find(names::INTEGRITY, name)?));
        }
        let (encryption, integrity) = self.xfrm.split_once('-').unwrap_or((self.xfrm, "NONE"));
        // Behind the integrity algorithm may stand a group.
        let integrity = integrity.split('-').next()?;
        let encryption = names::encryption(encryption)?;
        Some((Some(encryption), find(names::INTEGRITY, integrity)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::testing::check;

    #[test]
    fn keys_of_an_ike_sa_are_read_from_both_ends_lines() {
        let text = "\
Aug 19 10:00:00.1: | ikev2 I 0xba1143d176e1557b 0xb62a3c712fd1f26a sha256:0x0102 aes128:0x000102030405060708090a0b0c0d0e0f
Aug 19 10:00:00.1: | ikev2 R 0xba1143d176e1557b 0xb62a3c712fd1f26a sha256:0x0304 aes128:0x101112131415161718191a1b1c1d1e1f
| calc_skeyseed_v2 initiator salt  01 02 03 04
| calc_skeyseed_v2 initiator salt
|   01 02 03 04                                          ....
| calc_skeyseed_v2 responder salt
|   05 06 07 08                                          ....
| ikev2 I 0x1111111111111111 0x2222222222222222 none:0x aes_gcm_16_128:0x000102030405060708090a0b0c0d0e0f
";
        assert_eq!(
            check("pluto", text),
            "\
1: ikev2 ba1143d176e1557b b62a3c712fd1f26a ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128 ? ai=0102 ar=0304 ei=000102030405060708090a0b0c0d0e0f er=101112131415161718191a1b1c1d1e1f
8: ikev2 1111111111111111 2222222222222222 ENCR_AES_GCM_16-128 NONE ? ei=000102030405060708090a0b0c0d0e0f01020304
"
        );
    }

    const MATERIAL: &str = "\
| our  keymat
|   00 01 02 03  04 05 06 07  08 09 0a 0b  0c 0d 0e 0f   ................
|   10 11 12 13  14 15 16 17  18 19 1a 1b  1c 1d 1e 1f
|   20 21 22 23
| peer keymat
|   30 31 32 33  34 35 36 37  38 39 3a 3b  3c 3d 3e 3f
|   40 41 42 43  44 45 46 47  48 49 4a 4b  4c 4d 4e 4f
|   50 51 52 53
";

    #[test]
    fn keying_material_is_split_and_tied_to_the_spis_told_next() {
        for xfrm in [
            "AES_CBC_128-HMAC_SHA1_96",
            "AES_128-HMAC_SHA1",
            "AES_0-HMAC_SHA1-MODP2048",
        ] {
            for up in [
                "IPsec SA established tunnel mode",
                "initiator rekeyed Child SA #2 using #1; IPsec tunnel",
            ] {
                let text = format!(
                    "{MATERIAL}\"conn\"[8] 1.2.3.4 #2: {up} {{ESP/NAT=>0x0c8a8d6d <0x1d6e7a33 xfrm={xfrm} NATOA=none DPD=passive}}\n"
                );
                assert_eq!(
                check("pluto", text),
                "\
1: esp any > any 0x1d6e7a33 ENCR_AES_CBC-128 000102030405060708090a0b0c0d0e0f AUTH_HMAC_SHA1_96 101112131415161718191a1b1c1d1e1f20212223
1: esp any > any 0x0c8a8d6d ENCR_AES_CBC-128 303132333435363738393a3b3c3d3e3f AUTH_HMAC_SHA1_96 404142434445464748494a4b4c4d4e4f50515253
"
            );
            }
        }
    }

    #[test]
    fn of_two_negotiations_under_way_both_are_offered() {
        let text = format!(
            "{MATERIAL}{MATERIAL}\"a\" #2: initiator established Child SA using #1; IPsec tunnel {{ESPinUDP/ESN=>0x0c8a8d6d <0x1d6e7a33 xfrm=AES_GCM_16_256-NONE}}\n"
        );
        let shown = check("pluto", text);
        assert_eq!(
            shown
                .lines()
                .filter(|row| row.contains("ENCR_AES_GCM_16-256"))
                .count(),
            4
        );
        assert!(
            shown.lines().all(|row| row.ends_with(" NONE  esn")),
            "{shown}"
        );
    }

    #[test]
    fn keys_of_ikev1_are_read_with_the_cookies_told_before() {
        let text = "\
2012:07:23-16:40:04 gw pluto[24522]: | ICOOKIE:  c6 d1 45 92  85 15 0c 7e
2012:07:23-16:40:04 gw pluto[24522]: | RCOOKIE:  00 00 00 00  00 00 00 00
2012:07:23-16:40:14 gw pluto[24522]: | Skeyid_e:  b0 16 81 21  5f 16 20 23  03 18 6d 28  14 dc 56 86
2012:07:23-16:40:14 gw pluto[24522]: |   ca 5a 47 33
2012:07:23-16:40:14 gw pluto[24522]: | enc key:  44 9e
2012:07:23-16:40:14 gw pluto[24522]: | IV:  dc f8 5e 03
|    initiator SPI: 11 11 11 11  11 11 11 11
|    responder SPI: 22 22 22 22  22 22 22 22
| enc key:  01 02
";
        assert_eq!(
            check("pluto", text),
            "\
3: ikev1 c6d1459285150c7e ? key=449e e=b01681215f16202303186d2814dc5686ca5a4733
9: ikev1 1111111111111111 2222222222222222 key=0102
"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (line, said) in [
            (
                "| ikev2 I 0x1 0x2 sha1:0x00",
                "expected \"0xSPI 0xSPI INTEGRITY:0xKEY CIPHER:0xKEY\"",
            ),
            (
                "| ikev2 I 0x1 0x2 sha1:0x00 rot13:0x00",
                "expected a cipher by pluto's name, such as aes256",
            ),
            (
                "| ikev2 I 0x1 0x2 sha1:0x0g aes128:0x00",
                "expected hex digits",
            ),
            (
                "| ikev2 I 0x1 0x2 sha1:0x00 aes128:0x00",
                "a key of 1 octets; ENCR_AES_CBC-128 takes 16",
            ),
            (
                "| ikev2 I 0x1 0x2 none:0x aes_gcm_16_128:0x00",
                "the key comes without its salt: expected \"initiator salt\" and \"responder salt\" in the lines before",
            ),
            (
                "| our  keymat\n|   00 01",
                "keying material of a child SA whose SPIs are not told: expected a line \"… established … {ESP=>0x… <0x… xfrm=…}\" after it",
            ),
            (
                "| our  keymat\n|   00 01\nestablished {ESP=>0x1 <0x2 xfrm=AES_128-HMAC_SHA1}",
                "keying material of 2 octets, too short for these algorithms",
            ),
        ] {
            assert_eq!(check("pluto", line), format!("! f:1: {said}\n"));
        }
    }
}

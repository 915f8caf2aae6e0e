//! Logs of strongSwan's charon, where it prints keys (`ike = 4`, `chd = 4`).
//!
//! ```text
//! 13[CFG] <site|1> selected proposal: IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256
//! 13[IKE] <site|1> Sk_ei secret => 32 bytes @ 0x7f198803d620
//! 13[IKE] <site|1>    0: AB 81 A5 63 0E FE 9F 56 F8 49 B0 9A 2B 6D E9 BB  ...c...V.I..+m..
//! 10[ENC] <site|1> parsed IKE_AUTH response 1 [ IDr AUTH SA TSi TSr ]
//! 10[CHD] <site|1>   using AES_GCM_16 for encryption
//! 10[CHD] <site|1> encryption initiator key => 36 bytes @ 0x7f19840035c0
//! 10[CHD] <site|1> adding inbound ESP SA
//! 10[CHD] <site|1>   SPI 0xa99d1987, src 198.51.100.20 dst 192.0.2.10
//! ```
//!
//! Threads take turns in a log, so what belongs together is gathered by the thread, and over the
//! life of an IKE SA by its number (`<site|1>`, where `ike_name` is on; else a thread's message is
//! taken for a life). The log never says which SPIs the keys of an IKE SA are for. They are learnt
//! from what the hashes of NAT detection are made of (`natd_chunk`), from the IKE SA manager's words,
//! and from a status that was pasted into the file; without these they stay untold.

use super::{KeyFormat, Reader};
use crate::crypto::Secret;
use crate::keys::names::{find, strongswan as names};
use crate::keys::text::{hex_u32, hex_u64, text_lines};
use crate::keys::{
    AddressPattern, EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, IntegrityId, SpiPattern, lengths,
};
use crate::limits::{KEY_EQUALS, KEY_LOG_STATES, KEY_OCTETS, KEY_ROWS};
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Logs of strongSwan.
pub(super) static STRONGSWAN: KeyFormat = KeyFormat {
    name: "strongswan",
    about: "logs of strongSwan at the level that prints keys",
    alone: false,
    recognises,
    read,
    write: None,
};

fn recognises(octets: &[u8]) -> bool {
    text_lines(octets).any(|(_, line)| Entry::of(&line).is_some())
}

fn read(octets: &[u8], reader: &mut Reader<'_>) {
    let mut log = Log::default();
    for (number, line) in text_lines(octets) {
        match Entry::of(&line) {
            Some(entry) => log.entry(number, &entry, reader),
            None => log.loose(number, &line, reader),
        }
    }
    log.finish(reader);
}

/// One line: `13[IKE] <site|1> text`, whatever stands before it.
struct Entry<'l> {
    thread: u32,
    /// Number of the IKE SA.
    sa: Option<u32>,
    text: &'l str,
}

impl<'l> Entry<'l> {
    fn of(line: &'l str) -> Option<Self> {
        // The host name or the process may have brackets of its own before it.
        for (at, _) in line.match_indices('[') {
            let (before, after) = line.split_at_checked(at)?;
            let thread = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
            let Some((group, text)) = after.get(1..).and_then(|after| after.split_once("] "))
            else {
                continue;
            };
            // With `log_level` the level stands behind the group.
            let group = group.trim_end_matches(|c: char| c.is_ascii_digit());
            if group.len() == 3
                && group.bytes().all(|c| c.is_ascii_uppercase())
                && let Ok(thread) = thread.parse()
            {
                return Some(Self::tagged(thread, text));
            }
        }
        // The journal keeps thread and group elsewhere: all is taken for one thread's.
        let (_, rest) = line.split_once("charon")?;
        let (process, text) = rest.split_once(": ")?;
        let process = process.trim_start_matches("-systemd");
        (process.is_empty() || process.starts_with('[')).then(|| Self::tagged(0, text))
    }

    fn tagged(thread: u32, text: &'l str) -> Self {
        let tag = text.strip_prefix('<').and_then(|tag| tag.split_once("> "));
        let sa = tag.and_then(|(tag, _)| tag.rsplit('|').next()?.parse().ok());
        Self {
            thread,
            sa,
            text: match (sa, tag) {
                (Some(_), Some((_, text))) => text,
                _ => text,
            },
        }
    }
}

/// What keeps things together: the number of the IKE SA, or the thread where it is not told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Life {
    Sa(u32),
    Thread(u32),
}

#[derive(Default)]
struct Log {
    threads: HashMap<u32, Thread>,
    lives: HashMap<Life, IkeState>,
    /// Whose SPIs the manager asked for, by that of the initiator.
    owners: HashMap<IkeSpi, Life>,
    /// Numbers of the child SAs that this end asked for.
    asked_for: HashSet<u32>,
    v1: Vec<Ikev1Keys>,
    v2: Vec<Ikev2Keys>,
    /// The thread whose dump was begun last: where messages of several lines are not marked on
    /// each, the next lines are its.
    dumping: Option<u32>,
}

#[derive(Default)]
struct Thread {
    dump: Option<Dump>,
    /// Whether this end began the exchange that is worked on.
    initiator: Option<bool>,
    /// The IKE SA whose message is worked on: keys of its successor are derived meanwhile.
    message: Option<Life>,
    /// What the IKE SA manager was asked for.
    asked: Option<IkeSpis>,
    child: Child,
    /// Number of the child SA that is being installed.
    installing: Option<u32>,
    /// The direction and kind of the SA whose SPI is told next.
    adding: Option<Adding>,
}

/// Octets that are being printed.
struct Dump {
    key: Key,
    life: Life,
    line: u64,
    length: usize,
    octets: Secret,
    read: usize,
}

#[derive(Clone, Copy)]
struct Adding {
    inbound: bool,
    ah: bool,
}

/// What is known of an IKE SA.
#[derive(Default)]
struct IkeState {
    spis: IkeSpis,
    suite: Option<Suite>,
    child_suite: Option<ChildSuite>,
    /// Places of its rows.
    v1: Vec<usize>,
    v2: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
struct Suite {
    encryption: Option<EncryptionId>,
    integrity: Option<u16>,
    prf: Option<u16>,
}

#[derive(Clone, Copy)]
struct ChildSuite {
    encryption: Option<EncryptionId>,
    esn: Option<bool>,
}

/// Keys of a child SA that is being installed.
#[derive(Default)]
struct Child {
    line: u64,
    encryption: Option<EncryptionId>,
    integrity: Option<IntegrityId>,
    /// Of what the exchange's initiator sends, and of what its responder sends.
    encryption_keys: [Option<Secret>; 2],
    integrity_keys: [Option<Secret>; 2],
    told: [bool; 2],
}

/// Which octets a dump holds.
#[derive(Clone, Copy)]
enum Key {
    V2(fn(&mut Ikev2Keys) -> &mut Option<Secret>),
    V1(fn(&mut Ikev1Keys) -> &mut Option<Secret>),
    ChildEncryption(bool),
    ChildIntegrity(bool),
    /// SPIs, then an address and a port.
    NatDetection,
}

/// What is printed before `=> 32 bytes @ 0x…`.
const KEYS: &[(&str, Key)] = &[
    ("Sk_d secret", Key::V2(|row| &mut row.sk_d)),
    ("Sk_ai secret", Key::V2(|row| &mut row.sk_ai)),
    ("Sk_ar secret", Key::V2(|row| &mut row.sk_ar)),
    ("Sk_ei secret", Key::V2(|row| &mut row.sk_ei)),
    ("Sk_er secret", Key::V2(|row| &mut row.sk_er)),
    ("Sk_pi secret", Key::V2(|row| &mut row.sk_pi)),
    ("Sk_pr secret", Key::V2(|row| &mut row.sk_pr)),
    ("SKEYID", Key::V1(|row| &mut row.skeyid)),
    ("SKEYID_d", Key::V1(|row| &mut row.skeyid_d)),
    ("SKEYID_a", Key::V1(|row| &mut row.skeyid_a)),
    ("SKEYID_e", Key::V1(|row| &mut row.skeyid_e)),
    ("encryption key Ka", Key::V1(|row| &mut row.encryption_key)),
    ("encryption initiator key", Key::ChildEncryption(true)),
    ("encryption responder key", Key::ChildEncryption(false)),
    ("integrity initiator key", Key::ChildIntegrity(true)),
    ("integrity responder key", Key::ChildIntegrity(false)),
    ("natd_chunk", Key::NatDetection),
];

impl Log {
    fn entry(&mut self, line: u64, entry: &Entry<'_>, reader: &mut Reader<'_>) {
        let states = [
            self.threads.len(),
            self.lives.len(),
            self.owners.len(),
            self.asked_for.len(),
        ];
        if states.iter().any(|states| *states > KEY_LOG_STATES) {
            self.forget();
        }
        let life = entry.sa.map_or(Life::Thread(entry.thread), Life::Sa);
        if self.dumped(entry.thread, entry.text) {
            self.complete(entry.thread, reader);
            return;
        }
        self.cut_off(entry.thread, reader);
        let text = entry.text.trim();
        if self.managed(entry.thread, life, text) {
            return;
        }
        if let Some((label, length)) = dump(text) {
            self.begin(line, entry.thread, life, label, length, reader);
            return;
        }
        self.words(line, entry.thread, life, text, reader);
    }

    /// A line without a thread: the rest of a message, or a status that was pasted in.
    fn loose(&mut self, _line: u64, text: &str, reader: &mut Reader<'_>) {
        if let Some(thread) = self.dumping
            && self.dumped(thread, text)
        {
            self.complete(thread, reader);
        } else if let Some((sa, spis)) = status(text) {
            self.learn(Life::Sa(sa), spis);
        }
    }

    /// A daemon begins anew, with new numbers.
    fn forget(&mut self) {
        self.threads.clear();
        self.lives.clear();
        self.owners.clear();
        self.asked_for.clear();
        self.dumping = None;
    }

    fn begin(
        &mut self,
        line: u64,
        thread: u32,
        life: Life,
        label: &str,
        length: usize,
        reader: &mut Reader<'_>,
    ) {
        let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == label) else {
            return;
        };
        if length > KEY_OCTETS {
            reader.problem(
                line,
                format!("expected a key of no more than {KEY_OCTETS} octets"),
            );
        } else if length > 0 {
            self.dumping = Some(thread);
            self.threads.entry(thread).or_default().dump = Some(Dump {
                key: *key,
                life,
                line,
                length,
                octets: Secret::new(vec![0; length]),
                read: 0,
            });
        }
    }

    /// Takes a line of octets into the thread's dump, if it is one.
    fn dumped(&mut self, thread: u32, text: &str) -> bool {
        let dump = self
            .threads
            .get_mut(&thread)
            .and_then(|thread| thread.dump.as_mut());
        dump.is_some_and(|dump| dump.take(text))
    }

    /// If the thread's dump is whole, puts it where it belongs.
    fn complete(&mut self, thread: u32, reader: &mut Reader<'_>) {
        let Some(state) = self.threads.get_mut(&thread) else {
            return;
        };
        let Some(dump) = state.dump.take_if(|dump| dump.read == dump.length) else {
            return;
        };
        let origin = reader.origin(dump.line);
        match dump.key {
            Key::ChildEncryption(initiator) => {
                state.child.begin(dump.line);
                let [ours, theirs] = &mut state.child.encryption_keys;
                *(if initiator { ours } else { theirs }) = Some(dump.octets);
            }
            Key::ChildIntegrity(initiator) => {
                state.child.begin(dump.line);
                let [ours, theirs] = &mut state.child.integrity_keys;
                *(if initiator { ours } else { theirs }) = Some(dump.octets);
            }
            Key::NatDetection => {
                if let Some(spis) = nat_detection(dump.octets.expose()) {
                    self.learn(dump.life, spis);
                }
            }
            Key::V1(field) => {
                let ike = self.lives.entry(dump.life).or_default();
                let last = ike.v1.last().and_then(|place| self.v1.get_mut(*place));
                match last.map(field) {
                    Some(empty @ None) => *empty = Some(dump.octets),
                    // Keys of the same name again are keys of a new SA.
                    _ => {
                        let mut row = Ikev1Keys::new(ike.spis.initiator, origin);
                        row.responder = Some(ike.spis.responder).filter(|spi| !spi.is_zero());
                        *field(&mut row) = Some(dump.octets);
                        ike.v1.push(self.v1.len());
                        self.v1.push(row);
                    }
                }
            }
            Key::V2(field) => {
                let message = state.message.and_then(|life| self.lives.get(&life));
                let negotiated = message.and_then(|ike| ike.suite);
                let ike = self.lives.entry(dump.life).or_default();
                let last = ike.v2.last().and_then(|place| self.v2.get_mut(*place));
                match last.map(field) {
                    Some(empty @ None) => *empty = Some(dump.octets),
                    _ => {
                        let mut row = Ikev2Keys::new(ike.spis, origin);
                        let suite = ike.suite.or(negotiated).unwrap_or_default();
                        row.encryption = suite.encryption;
                        row.integrity = suite.integrity;
                        row.prf = suite.prf;
                        *field(&mut row) = Some(dump.octets);
                        ike.v2.push(self.v2.len());
                        self.v2.push(row);
                    }
                }
            }
        }
        // Beyond what is kept of a kind there is no need to gather more.
        if self.v1.len() + self.v2.len() > 2 * KEY_ROWS {
            self.hand_over(reader);
        }
    }

    /// The thread says something else though octets of a key are missing.
    fn cut_off(&mut self, thread: u32, reader: &mut Reader<'_>) {
        let state = self.threads.get_mut(&thread);
        if let Some(dump) = state.and_then(|state| state.dump.take()) {
            reader.problem(
                dump.line,
                format!(
                    "expected {} octets in the next lines, found {}",
                    dump.length, dump.read
                ),
            );
        }
    }

    /// Words of the IKE SA manager, which tell the SPIs of what the thread speaks about next. Whether
    /// it was that and nothing else.
    fn managed(&mut self, thread: u32, life: Life, text: &str) -> bool {
        if let Some(sought) = text.strip_prefix("checkout IKEv") {
            self.threads.entry(thread).or_default().asked = spis(sought);
            return true;
        }
        if text == "IKE_SA checkout not successful" {
            self.threads.entry(thread).or_default().asked = None;
            return true;
        }
        let asked = self.threads.get(&thread).and_then(|state| state.asked);
        if let Some(spis) = asked {
            match text.strip_suffix(" successfully checked out") {
                Some(name) => {
                    if let Some(sa) = number_in_brackets(name) {
                        self.checked_out(Life::Sa(sa), spis);
                    }
                }
                // The first that the thread says then is about the IKE SA that it asked for.
                None => {
                    self.checked_out(life, spis);
                    self.threads.entry(thread).or_default().asked = None;
                }
            }
        }
        false
    }

    fn words(&mut self, line: u64, thread: u32, life: Life, text: &str, reader: &mut Reader<'_>) {
        if text.starts_with("Starting ") && text.contains("daemon") {
            self.forget();
            return;
        }
        if text.starts_with("received packet: from ") {
            if let Life::Thread(_) = life {
                self.lives.remove(&life);
            }
            self.threads.entry(thread).or_default().initiator = None;
        } else if let Some(message) = text.strip_prefix("parsed ") {
            let mut words = message.split(' ');
            let state = self.threads.entry(thread).or_default();
            state.initiator = match words.nth(1) {
                Some("response") => Some(true),
                Some("request") => Some(false),
                _ => state.initiator,
            };
            state.message = Some(life);
            // Keys that are derived now are those of a successor, whose SPIs are others.
            let succession = ["CREATE_CHILD_SA ", "IKE_FOLLOWUP_KE "];
            if matches!(life, Life::Thread(_))
                && succession.iter().any(|name| message.starts_with(name))
            {
                self.lives.remove(&life);
            }
        } else if let Some(rest) = text.strip_prefix("establishing CHILD_SA ") {
            self.asked_for.extend(number_in_braces(rest));
        } else if text.starts_with("CHILD_SA ") && text.ends_with(" => INSTALLING") {
            self.threads.entry(thread).or_default().installing = number_in_braces(text);
        } else if let Some(suite) = text.strip_prefix("selected proposal: IKE:") {
            self.lives.entry(life).or_default().suite = Some(ike_suite(suite));
        } else if let Some(suite) = text.strip_prefix("selected proposal: ESP:") {
            self.lives.entry(life).or_default().child_suite = Some(child_suite(suite));
        } else if let Some(suite) = text.strip_prefix("selected proposal: AH:") {
            self.lives.entry(life).or_default().child_suite = Some(child_suite(suite));
        } else if let Some(using) = text.strip_prefix("using ") {
            self.using(line, thread, using, reader);
        } else if let Some(adding) = adding(text) {
            self.threads.entry(thread).or_default().adding = Some(adding);
        } else if let Some(rest) = text.strip_prefix("SPI 0x") {
            self.install(line, thread, life, rest, reader);
        }
    }

    /// `AES_CBC for encryption`, `HMAC_SHA2_256_128 for integrity`.
    fn using(&mut self, line: u64, thread: u32, using: &str, reader: &mut Reader<'_>) {
        let child = &mut self.threads.entry(thread).or_default().child;
        if let Some(name) = using.strip_suffix(" for encryption") {
            *child = Child {
                encryption: names::encryption(name),
                ..Child::default()
            };
            if child.encryption.is_none() {
                reader.problem(
                    line,
                    "expected a cipher by strongSwan's name, such as AES_CBC",
                );
            }
        } else if let Some(name) = using.strip_suffix(" for integrity") {
            // AH has no cipher, so this is the first word of it.
            if child.integrity.is_some() || child.told != [false; 2] {
                *child = Child::default();
            }
            child.integrity = find(names::INTEGRITY, name);
            if child.integrity.is_none() {
                reader.problem(
                    line,
                    "expected an integrity algorithm by strongSwan's name, such as HMAC_SHA1_96",
                );
            }
        }
    }

    /// `a99d1987, src 198.51.100.20 dst 192.0.2.10`: the SA that was announced before.
    fn install(&mut self, line: u64, thread: u32, life: Life, rest: &str, reader: &mut Reader<'_>) {
        let Some(state) = self.threads.get_mut(&thread) else {
            return;
        };
        let Some(adding) = state.adding.take() else {
            return;
        };
        let child = &mut state.child;
        let [outbound_told, inbound_told] = &mut child.told;
        let told = if adding.inbound {
            inbound_told
        } else {
            outbound_told
        };
        let keys = child.encryption_keys.iter().chain(&child.integrity_keys);
        // Without keys the level of the log was too low; an outbound SA may be announced twice.
        if *told || keys.flatten().next().is_none() {
            return;
        }
        let asked_for = state
            .installing
            .filter(|child| self.asked_for.contains(child));
        let told_initiator = state.initiator.or(asked_for.map(|_| true));
        *told = true;
        let mut words = rest.split([',', ' ']).filter(|word| !word.is_empty());
        let spi = words.next().and_then(hex_u32);
        let (Some(spi), Some("src"), Some(from), Some("dst"), Some(to)) =
            (spi, words.next(), words.next(), words.next(), words.next())
        else {
            reader.problem(line, "expected \"SPI 0x…, src ADDRESS dst ADDRESS\"");
            return;
        };
        let suite = self.lives.get(&life).and_then(|ike| ike.child_suite);
        // Where nothing tells who began the exchange, both keys are offered: trying them shows it. charon says at every
        // level that it establishes a child SA, so that of the responder comes first, for those who take the first.
        for initiator in [false, true] {
            if told_initiator.is_some_and(|told| told != initiator) {
                continue;
            }
            // The exchange's initiator sends with the initiator's keys.
            let by_initiator = initiator != adding.inbound;
            match child.keys(adding.ah, by_initiator, suite) {
                Ok((encryption, encryption_key, integrity_key, esn)) => reader.esp(EspKeys {
                    ah: adding.ah,
                    from: address(from),
                    to: address(to),
                    spi: SpiPattern::one(EspSpi(spi)),
                    encryption,
                    encryption_key,
                    integrity: match encryption.is_some_and(|is| lengths::is_aead(is.id)) {
                        true => Some(IntegrityId::usual(0)),
                        false => child.integrity,
                    },
                    integrity_key,
                    esn,
                    origin: reader.origin(child.line),
                }),
                Err(what) => return reader.problem(child.line, what),
            }
        }
    }

    /// The manager knows an IKE SA by these SPIs. While a successor is negotiated, what is said of it
    /// may come first: SPIs stay those of the IKE SA that had them before. A request that names no
    /// responder begins an IKE SA, though its initiator may have begun one before by the same SPI and
    /// been asked for a cookie or another group.
    fn checked_out(&mut self, life: Life, spis: IkeSpis) {
        let owned = match life {
            Life::Sa(_) if spis.responder.is_zero() => {
                self.owners.insert(spis.initiator, life);
                true
            }
            Life::Sa(_) => *self.owners.entry(spis.initiator).or_insert(life) == life,
            Life::Thread(_) => true,
        };
        if owned {
            self.learn(life, spis);
        }
    }

    /// SPIs of an IKE SA: its keys printed so far without them are theirs too.
    fn learn(&mut self, life: Life, spis: IkeSpis) {
        let ike = self.lives.entry(life).or_default();
        let same = ike.spis.initiator == spis.initiator;
        if !(same && spis.responder.is_zero()) {
            ike.spis = spis;
        }
        let spis = ike.spis;
        for row in ike.v2.iter().rev().take(KEY_EQUALS) {
            let Some(row) = self.v2.get_mut(*row) else {
                continue;
            };
            let begun = [IkeSpi(0), spis.initiator].contains(&row.spis.initiator);
            if begun && row.spis.responder.is_zero() {
                row.spis = spis;
            }
        }
        for row in ike.v1.iter().rev().take(KEY_EQUALS) {
            let Some(row) = self.v1.get_mut(*row) else {
                continue;
            };
            if [IkeSpi(0), spis.initiator].contains(&row.initiator) && row.responder.is_none() {
                row.initiator = spis.initiator;
                row.responder = Some(spis.responder).filter(|spi| !spi.is_zero());
            }
        }
    }

    fn hand_over(&mut self, reader: &mut Reader<'_>) {
        for ike in self.lives.values_mut() {
            ike.v1.clear();
            ike.v2.clear();
        }
        for row in self.v1.drain(..) {
            reader.ikev1(row);
        }
        for mut row in self.v2.drain(..) {
            if let Err(what) = suits(&row) {
                // Another cipher than the log says; trying them shows which.
                reader.problem(row.origin.line, what);
                row.encryption = None;
            }
            if row.encryption.is_some_and(|is| lengths::is_aead(is.id)) {
                row.integrity = Some(0);
            }
            reader.ikev2(row);
        }
    }

    fn finish(mut self, reader: &mut Reader<'_>) {
        let mut open: Vec<(u64, u32)> = self
            .threads
            .iter()
            .filter_map(|(thread, state)| Some((state.dump.as_ref()?.line, *thread)))
            .collect();
        open.sort_unstable();
        for (_, thread) in open {
            self.cut_off(thread, reader);
        }
        self.hand_over(reader);
    }
}

/// Whether the cipher that a log tells takes the keys that it tells.
fn suits(row: &Ikev2Keys) -> Result<(), String> {
    let Some(encryption) = row.encryption else {
        return Ok(());
    };
    for (name, key) in [("Sk_ei", &row.sk_ei), ("Sk_er", &row.sk_er)] {
        if let Some(key) = key {
            lengths::check(encryption, key.len()).map_err(|what| format!("{name}: {what}"))?;
        }
    }
    Ok(())
}

/// `ENCR_NULL`.
const NULL: u16 = 11;

/// The cipher, its key, that of the integrity algorithm, and the kind of sequence number.
type ChildKeys = (Option<EncryptionId>, Secret, Secret, Option<bool>);

impl Child {
    fn begin(&mut self, line: u64) {
        if self.line == 0 {
            self.line = line;
        }
    }

    /// Keys of what one end of the exchange sends.
    fn keys(
        &self,
        ah: bool,
        by_initiator: bool,
        suite: Option<ChildSuite>,
    ) -> Result<ChildKeys, String> {
        let of = |[initiator, responder]: &[Option<Secret>; 2]| {
            let key = if by_initiator { initiator } else { responder };
            key.clone().unwrap_or_default()
        };
        let (encryption_key, integrity_key) = (of(&self.encryption_keys), of(&self.integrity_keys));
        let named = self.encryption.filter(|_| !ah);
        if let Some(is) = named.filter(|is| is.id != NULL) {
            let any_length = EncryptionId {
                id: is.id,
                key_bits: None,
            };
            lengths::check(any_length, encryption_key.len())?;
        }
        let encryption = named.map(|is| EncryptionId {
            id: is.id,
            key_bits: lengths::bits(is.id, encryption_key.len()).filter(|bits| *bits > 0),
        });
        // The proposal may be that of another child of the IKE SA, if its cipher is another.
        let own = suite.filter(|suite| {
            let both = suite.encryption.zip(encryption);
            both.is_none_or(|(suite, child)| suite.id == child.id)
        });
        Ok((
            encryption,
            encryption_key,
            integrity_key,
            own.and_then(|suite| suite.esn),
        ))
    }
}

impl Dump {
    /// Takes `   16: 4C 06 CF F4 …  L...`; false if the line is not that. The text of the octets
    /// behind them may look like more, so as many are taken as are due.
    fn take(&mut self, text: &str) -> bool {
        let Some((offset, rest)) = text.trim_start().split_once(": ") else {
            return false;
        };
        if offset.parse() != Ok(self.read) {
            return false;
        }
        let due = (self.length - self.read).min(DUMP_WIDTH);
        let words = rest.split(' ').take(due);
        let octets: Vec<u8> = words
            .filter(|word| word.len() == 2)
            .map_while(|word| u8::try_from(hex_u32(word)?).ok())
            .collect();
        if octets.len() != due {
            return false;
        }
        self.octets = Secret::new(
            [
                self.octets.expose().get(..self.read).unwrap_or_default(),
                &octets,
            ]
            .concat(),
        );
        self.read += due;
        true
    }
}

/// Octets on a line of a dump.
const DUMP_WIDTH: usize = 16;

/// `Sk_d secret => 32 bytes @ 0x7f197c00a5e0`.
fn dump(text: &str) -> Option<(&str, usize)> {
    let (label, rest) = text.split_once(" => ")?;
    // Who cuts a log down may leave the address out, which tells nothing.
    let (length, rest) = rest.split_once(" bytes")?;
    if !rest.is_empty() && !rest.starts_with(" @ ") {
        return None;
    }
    Some((label, length.parse().ok()?))
}

/// `adding inbound ESP SA`; rekeyed outbound SAs are registered first.
fn adding(text: &str) -> Option<Adding> {
    let (verb, rest) = text.split_once(' ')?;
    let (direction, kind) = rest.split_once(' ')?;
    if !matches!(verb, "adding" | "registering") {
        return None;
    }
    Some(Adding {
        inbound: match direction {
            "inbound" => true,
            "outbound" => false,
            _ => return None,
        },
        ah: match kind {
            "ESP SA" => false,
            "AH SA" => true,
            _ => return None,
        },
    })
}

/// `AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256`.
fn ike_suite(text: &str) -> Suite {
    let mut suite = Suite::default();
    for name in text.split('/').map(str::trim) {
        suite.encryption = suite.encryption.or(names::encryption(name));
        let integrity = find(names::INTEGRITY, name).filter(|is| is.icv_octets.is_none());
        suite.integrity = suite.integrity.or(integrity.map(|is| is.id));
        suite.prf = suite.prf.or(find(names::PRF, name));
    }
    suite
}

/// `AES_GCM_16_256/NO_EXT_SEQ`.
fn child_suite(text: &str) -> ChildSuite {
    let mut words = text.split('/').map(str::trim);
    let esn = words.clone().find_map(|word| match word {
        "NO_EXT_SEQ" => Some(false),
        "EXT_SEQ" => Some(true),
        _ => None,
    });
    ChildSuite {
        encryption: words.next().and_then(names::encryption),
        esn,
    }
}

/// SPIs, then what else is hashed: an address and a port (RFC 7296 section 2.23).
fn nat_detection(octets: &[u8]) -> Option<IkeSpis> {
    let (initiator, rest) = octets.split_first_chunk::<8>()?;
    let (responder, _) = rest.split_first_chunk::<8>()?;
    Some(IkeSpis {
        initiator: IkeSpi(u64::from_be_bytes(*initiator)),
        responder: IkeSpi(u64::from_be_bytes(*responder)),
    })
}

/// `89abcdef01234567_i* 0123456789abcdef_r`; the star is at this end's.
fn spis(text: &str) -> Option<IkeSpis> {
    let spi = |word: &str, end: &str| {
        let digits = word.trim_end_matches([',', '*']).strip_suffix(end)?;
        (digits.len() == 16).then(|| hex_u64(digits).map(IkeSpi))?
    };
    let mut words = text.split_ascii_whitespace();
    let initiator = words.find_map(|word| spi(word, "_i"))?;
    let responder = spi(words.next()?, "_r")?;
    Some(IkeSpis {
        initiator,
        responder,
    })
}

/// `site[1]: IKEv2 SPIs: …_i* …_r` of `ipsec statusall`, `site: #1, ESTABLISHED, IKEv2, …_i* …_r` of
/// `swanctl --list-sas`.
fn status(text: &str) -> Option<(u32, IkeSpis)> {
    let spis = spis(text)?;
    let hash = text.split_once(": #").and_then(|(_, rest)| {
        let (number, _) = rest.split_once(',')?;
        number.parse().ok()
    });
    Some((hash.or_else(|| number_in_brackets(text))?, spis))
}

/// The number of `net{1}`.
fn number_in_braces(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once('{')?;
    let (number, _) = rest.split_once('}')?;
    number.parse().ok()
}

/// The number of `IKE_SA site[1] …`.
fn number_in_brackets(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once('[')?;
    let (number, _) = rest.split_once(']')?;
    number.parse().ok()
}

fn address(text: &str) -> AddressPattern {
    match text.parse::<IpAddr>() {
        Ok(address) if !address.is_unspecified() => AddressPattern::One(address),
        _ => AddressPattern::Any,
    }
}

#[cfg(test)]
mod tests;

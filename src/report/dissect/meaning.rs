//! What an IKE message means, in a few words.

use super::suite;
use crate::limits;
use crate::model::Plain;
use crate::net::Path;
use crate::registry::vendor_id::{self, FRAGMENTATION};
use crate::registry::{ExchangeType, NotifyType, PayloadType, SecurityProtocol, TransformType};
use crate::report::sheet::Ink;
use crate::session::Reading;
use crate::units::{Endpoint, IkeSpi};
use crate::wire::fault::Faults;
use crate::wire::ikev2::NotifyMeaning;
use crate::wire::nat_detection::{self, Fit};
use crate::wire::{Body, Header, Message, Payload, ikev1, ikev2};
use std::collections::VecDeque;
use std::fmt;

/// Some words, and what their colour says. Not escaped.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) ink: Option<Ink>,
    pub(super) text: String,
}

impl Phrase {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            ink: None,
            text: text.into(),
        }
    }

    pub(super) fn inked(ink: Ink, text: impl Into<String>) -> Self {
        Self {
            ink: Some(ink),
            text: text.into(),
        }
    }
}

/// The groups of the last key shares, by the SPI of the initiator.
#[derive(Debug, Default)]
pub(super) struct KeyShares(VecDeque<(IkeSpi, u16)>);

impl KeyShares {
    fn put(&mut self, initiator: IkeSpi, group: u16) {
        self.0.retain(|row| row.0 != initiator);
        self.0.push_back((initiator, group));
        if self.0.len() > limits::KEY_SHARES {
            self.0.pop_front();
        }
    }

    fn of(&self, initiator: IkeSpi) -> Option<u16> {
        let row = self.0.iter().find(|row| row.0 == initiator)?;
        Some(row.1)
    }
}

/// The exchange: `IKE_AUTH request 1`, `Quick Mode 0x22202b5c`. The message ID is left out where it
/// is always zero.
pub(super) fn title(header: &Header, path: &Path) -> String {
    let ports = [path.from.port, path.to.port];
    let exchange = match header.exchange {
        ExchangeType::IDENTITY_PROTECTION => "Main Mode".to_owned(),
        ExchangeType::AGGRESSIVE => "Aggressive Mode".to_owned(),
        ExchangeType::TRANSACTION => "Config Mode".to_owned(),
        exchange => match exchange.name_between(ports) {
            Some(name) => name.to_owned(),
            None => format!("exchange {exchange}"),
        },
    };
    let id = header.message_id;
    match header.version.major() {
        2 => {
            let side = match header.flags.response() {
                true => "response",
                false => "request",
            };
            match (header.exchange, id) {
                (ExchangeType::IKE_SA_INIT, 0) => format!("{exchange} {side}"),
                _ => format!("{exchange} {side} {id}"),
            }
        }
        _ if id == 0 => exchange,
        _ => format!("{exchange} 0x{id:08x}"),
    }
}

/// What the message says, the most telling first.
pub(super) fn phrases(
    message: &Message<'_>,
    reading: &Reading,
    path: &Path,
    shares: &mut KeyShares,
) -> Vec<Phrase> {
    let mut said = Said::default();
    said.chain(message, shares);
    if let Some(sealed) = message.sealed {
        said.sealed(format!("{} octets sealed", sealed.len()));
    }
    said.opening(message, reading, shares);
    said.nat(message, path);
    let hashed = said.hashed;
    let mut phrases = said.into_phrases();
    if hashed && phrases.is_empty() {
        // The third message of quick mode is a hash alone (RFC 2409 section 5.5).
        phrases.push(Phrase::new("confirms"));
    }
    if let [first, .., last] = reading.frames.as_slice() {
        phrases.push(Phrase::new(format!(
            "put together from frames {first} to {last}"
        )));
    }
    if phrases.is_empty() {
        phrases.push(match message.faults.is_empty() {
            true => Phrase::new("empty"),
            false => Phrase::inked(Ink::Error, "unreadable"),
        });
    }
    phrases
}

/// The phrases of a message, sorted by weight.
#[derive(Debug, Default)]
struct Said {
    refusals: Vec<Phrase>,
    main: Vec<Phrase>,
    nat: Vec<Phrase>,
    rest: Vec<String>,
    supports: Vec<String>,
    vendors: Vec<String>,
    unknown_vendors: usize,
    /// IKEv1: whether a HASH payload vouches for the message, after phase 1.
    hashed: bool,
}

impl Said {
    fn refuses(&mut self, text: String) {
        self.refusals.push(Phrase::inked(Ink::Error, text));
    }

    /// Once, however often it is said.
    fn says(&mut self, text: impl Into<String>) {
        let phrase = Phrase::new(text);
        if !self.main.iter().any(|said| said.text == phrase.text) {
            self.main.push(phrase);
        }
    }

    fn sealed(&mut self, text: String) {
        self.main.push(Phrase::inked(Ink::Faint, text));
    }

    fn supports(&mut self, what: &str) {
        if !self.supports.iter().any(|known| known == what) {
            self.supports.push(what.to_owned());
        }
    }

    fn chain(&mut self, message: &Message<'_>, shares: &mut KeyShares) {
        for payload in &message.payloads {
            match &payload.body {
                Body::V1(body) => self.v1(payload, body, &message.header),
                Body::V2(body) => self.v2(payload, body, message, shares),
                Body::Opaque(_) => self.rest.push(notation(payload)),
            }
        }
    }

    /// What is known of a message besides its octets: how a fragment stands to its set, and what
    /// keys opened, which takes the place of what was sealed.
    fn opening(&mut self, message: &Message<'_>, reading: &Reading, shares: &mut KeyShares) {
        if let Some(standing) = &reading.standing {
            self.says(standing.to_string());
        }
        match &reading.plain {
            Plain::Opened(opened) => {
                if !opened.is_part {
                    self.main.retain(|phrase| phrase.ink != Some(Ink::Faint));
                }
                let mut faults = Faults::default();
                let inside = Message {
                    header: message.header,
                    payloads: opened.payloads(message.header.version, &mut faults),
                    sealed: None,
                    faults: faults.list,
                };
                self.chain(&inside, shares);
                if opened.hash_ok == Some(false) {
                    self.refuses("its HASH is wrong".to_owned());
                }
                if opened.iv.is_empty() && message.header.version.major() == 1 {
                    self.main
                        .push(Phrase::inked(Ink::Warning, "IV not captured"));
                }
                if opened.icv_ok.is_none() && message.header.version.major() != 1 {
                    self.main.push(Phrase::inked(
                        Ink::Warning,
                        "not proven: no key for the checksum",
                    ));
                }
            }
            Plain::Failed(why) => self.main.push(Phrase::inked(Ink::Warning, why.to_string())),
            Plain::Clear | Plain::Sealed => {}
        }
    }

    fn v2(
        &mut self,
        payload: &Payload<'_>,
        body: &ikev2::Body<'_>,
        message: &Message<'_>,
        shares: &mut KeyShares,
    ) {
        use ikev2::Body;
        let header = &message.header;
        let response = header.flags.response();
        match body {
            Body::Sa(sa) => self.says(offer(sa, response)),
            Body::Ke(ke) if !response && message.sa().is_some() => {
                shares.put(header.spis.initiator, ke.group);
                let first = message
                    .sa()
                    .and_then(|sa| sa.proposals.first()?.of(TransformType::KE).next());
                // The usual share is for the first group.
                if first.is_some_and(|first| first.id != ke.group) {
                    self.says(format!("key share for {}", suite::group(ke.group)));
                }
            }
            // The exchanges of RFC 9242 and RFC 9370 carry little else.
            Body::Ke(ke)
                if matches!(
                    header.exchange,
                    ExchangeType::IKE_INTERMEDIATE | ExchangeType::IKE_FOLLOWUP_KE
                ) =>
            {
                self.says(format!("key exchange {}", suite::group(ke.group)));
            }
            Body::Ke(_) | Body::Nonce(_) => {}
            Body::Notify(notify) => self.notify(notify, header, shares),
            Body::Delete(delete) => self.says(format!("deletes {delete}")),
            Body::CertReq(_) => self.says(CERTREQ),
            Body::VendorId(data) => self.vendor(data),
            Body::Sk(sealed) => self.sealed(first_inside(sealed, sealed.first)),
            Body::Skf(piece) if piece.number == 1 => self.sealed(first_inside(piece, piece.first)),
            Body::Skf(piece) => self.sealed(piece.to_string()),
            _ => self.rest.push(format!("{}({body})", notation(payload))),
        }
    }

    fn notify(&mut self, notify: &ikev2::Notify<'_>, header: &Header, shares: &KeyShares) {
        let response = header.flags.response();
        match (notify.kind, notify.meaning()) {
            // Told as a verdict.
            (NotifyType::NAT_DETECTION_SOURCE_IP | NotifyType::NAT_DETECTION_DESTINATION_IP, _) => {
            }
            (NotifyType::INVALID_KE_PAYLOAD, Some(NotifyMeaning::InvalidKe(wanted))) => {
                let instead = match shares.of(header.spis.initiator) {
                    Some(sent) if sent != wanted => format!(" instead of {sent}"),
                    _ => String::new(),
                };
                self.refusals.push(Phrase::inked(
                    Ink::Warning,
                    match suite::group(wanted) {
                        name if name.starts_with("group ") => format!("asks for {name}{instead}"),
                        name => format!("asks for group {wanted}{instead} ({name})"),
                    },
                ));
            }
            // Errors (RFC 7296 section 3.10.1).
            (NotifyType(..16384), _) if response => self.refuses(format!("refuses: {notify}")),
            (NotifyType(..16384), _) => self.refuses(format!("reports {notify}")),
            (NotifyType::COOKIE, _) if response => self
                .refusals
                .push(Phrase::inked(Ink::Warning, "demands a cookie")),
            (NotifyType::COOKIE, _) => self.says("returns the cookie"),
            (NotifyType::SIGNATURE_HASH_ALGORITHMS, _) => self.supports("signature hashes"),
            (kind, _) => match kind.name().and_then(|name| name.strip_suffix("_SUPPORTED")) {
                Some(what) if notify.data.is_empty() && !what.ends_with("_NOT") => {
                    let what = what.strip_prefix("IKEV2_").unwrap_or(what);
                    let what = what.strip_suffix("_IKEV2").unwrap_or(what);
                    self.supports(&what.replace('_', " ").to_lowercase());
                }
                _ => self.rest.push(format!("N({notify})")),
            },
        }
    }

    fn v1(&mut self, payload: &Payload<'_>, body: &ikev1::Body<'_>, header: &Header) {
        use ikev1::Body;
        let first_phase = matches!(
            header.exchange,
            ExchangeType::BASE | ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE
        );
        match body {
            Body::Sa(sa) if first_phase => {
                self.says(offer_v1(sa, !header.spis.responder.is_zero()));
            }
            Body::Ke(_) if header.exchange == ExchangeType::IDENTITY_PROTECTION => {
                self.says("key exchange");
            }
            Body::Ke(_) | Body::Nonce(_) | Body::NatD(_) => {}
            Body::Hash(_) | Body::Sig(_) if first_phase => self.says("authenticates"),
            Body::Hash(_) => self.hashed = true,
            Body::Id(id) => self.says(format!("identity {id}")),
            // Errors (RFC 2408 section 3.14.1).
            Body::Notify(notify) if notify.kind.0 < 16384 => {
                self.refuses(format!("refuses: {notify}"));
            }
            Body::Notify(notify) => self.says(notify.to_string()),
            Body::Delete(delete) => self.says(format!("deletes {delete}")),
            Body::CertReq(_) => self.says(CERTREQ),
            Body::VendorId(data) => self.vendor(data),
            Body::Fragment(piece) => {
                self.sealed(format!("fragment {piece}, {} octets", piece.data.len()));
            }
            _ => self.rest.push(format!("{}({body})", notation(payload))),
        }
    }

    /// Extensions are told by their names, products too, and of the unknown how many.
    fn vendor(&mut self, data: &[u8]) {
        match vendor_id::product(data) {
            Some(product) if product.starts_with("NAT-T") => self.supports("NAT-T"),
            Some(product) if product.starts_with("Dead Peer Detection") => self.supports("DPD"),
            Some(product) if product == FRAGMENTATION => self.supports("fragmentation"),
            Some(product) if product == "XAUTH" => self.supports("XAUTH"),
            Some(product) => self.vendors.push(product),
            None => match vendor_id::text(data) {
                Some(text) if text.chars().count() <= VENDOR_TEXT => {
                    self.vendors.push(text.to_owned());
                }
                _ => self.unknown_vendors += 1,
            },
        }
    }

    /// What the hashes say of the way up to here. A NAT in front of the sender looks like a false
    /// hash, unless the port shows it.
    fn nat(&mut self, message: &Message<'_>, path: &Path) {
        let hashes = nat_detection::hashes(message);
        let spis = message.header.spis;
        let source = nat_detection::fit(&hashes.source, spis, path.from);
        let destination = nat_detection::fit(&hashes.destination, spis, path.to);
        let doubt = match path.from.port {
            Some(500 | 4500) => "?",
            _ => "",
        };
        let translated = |text: String| Phrase::inked(Ink::Info, text);
        let said = match (source, destination) {
            (Some(Fit::Other), Some(Fit::Other)) => translated("NAT in front of both".to_owned()),
            (Some(Fit::Other), _) => translated(format!("NAT in front of sender{doubt}")),
            (_, Some(Fit::Other)) => translated("NAT in front of receiver".to_owned()),
            (Some(Fit::Faked), _) => translated("forces UDP encapsulation".to_owned()),
            (Some(Fit::Both), Some(_)) => Phrase::new("no NAT so far"),
            _ => return,
        };
        self.nat.push(said);
    }

    fn into_phrases(self) -> Vec<Phrase> {
        let mut phrases = self.refusals;
        phrases.extend(self.main);
        phrases.extend(self.nat);
        phrases.extend(self.rest.into_iter().map(Phrase::new));
        if !self.supports.is_empty() {
            let list = self.supports.join(", ");
            phrases.push(Phrase::new(format!("supports {list}")));
        }
        let mut vendors = shortened(self.vendors);
        vendors.extend(match self.unknown_vendors {
            0 => None,
            1 => Some("1 unknown vendor ID".to_owned()),
            more => Some(format!("{more} unknown vendor IDs")),
        });
        if !vendors.is_empty() {
            let list = format!("[{}]", vendors.join(", "));
            phrases.push(Phrase::inked(Ink::Faint, list));
        }
        phrases
    }
}

const CERTREQ: &str = "asks for a certificate";

/// Characters of a vendor ID in text that a line has room for.
const VENDOR_TEXT: usize = 32;

/// Products of the maker named before lose its name: `Cisco Unity 1.0, delete reason`.
fn shortened(products: Vec<String>) -> Vec<String> {
    let mut maker = String::new();
    products
        .into_iter()
        .map(|product| match product.split_once(' ') {
            Some((first, rest)) if first == maker => rest.to_owned(),
            Some((first, _)) => {
                first.clone_into(&mut maker);
                product
            }
            None => product,
        })
        .collect()
}

/// The payload in the notation of the RFCs.
fn notation(payload: &Payload<'_>) -> String {
    match payload.kind.notation() {
        Some(notation) => notation.to_owned(),
        None => format!("payload {}", payload.kind.0),
    }
}

/// `offers 3 suites, first AES-CBC-256/SHA2-256/MODP-2048`, `accepts ...`.
fn offer(sa: &ikev2::SecurityAssociation<'_>, response: bool) -> String {
    let choices = sa
        .proposals
        .iter()
        .map(suite::choices)
        .fold(0, u64::saturating_add);
    let what = sa.proposals.first().map(|first| {
        let whose = match (first.protocol, first.spi) {
            // The SPIs of a first IKE SA stand in the header.
            (SecurityProtocol::IKE, []) => String::new(),
            (protocol, spi) => format!("{protocol} {} ", crate::wire::text::Hex(spi)),
        };
        whose + &suite::v2(first)
    });
    offered(choices, what, response)
}

/// As [`offer`]; every transform of phase 1 is a suite.
fn offer_v1(sa: &ikev1::SecurityAssociation<'_>, response: bool) -> String {
    let suites = || sa.proposals.iter().flat_map(|each| &each.transforms);
    let first = suites().next().map(suite::v1);
    offered(suites().count() as u64, first, response)
}

fn offered(choices: u64, first: Option<String>, response: bool) -> String {
    match (first, response) {
        (None, _) => "no proposals".to_owned(),
        (Some(suite), true) => format!("accepts {suite}"),
        (Some(suite), false) if choices <= 1 => format!("offers {suite}"),
        (Some(suite), false) => format!("offers {choices} suites, first {suite}"),
    }
}

/// Sender and receiver. IKE is at home on port 500 and is not told so; one port of both is told
/// once.
pub(super) fn who(from: Endpoint, to: Endpoint) -> String {
    match (from.port, to.port) {
        (Some(500), Some(500)) | (None, None) => format!("{} → {}", from.address, to.address),
        (Some(a), Some(b)) if a == b => format!("{} → {} ({a})", from.address, to.address),
        _ => format!("{from} → {to}"),
    }
}
/// What is sealed, and the first payload inside: its type stands in clear (RFC 7296 section 3.14), and until the
/// rest is opened nothing proves it.
fn first_inside(sealed: &impl fmt::Display, first: PayloadType) -> String {
    match (first.0, first.name()) {
        (0, _) => format!("{sealed}, nothing inside"),
        (_, Some(name)) => format!("{sealed}, first {name}"),
        (number, None) => format!("{sealed}, first payload type {number}"),
    }
}

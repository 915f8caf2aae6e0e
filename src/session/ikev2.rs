//! IKEv2 with keys: opens SK and SKF payloads, and follows what they negotiate.

use super::child::{Derived, Recipe, Underivable};
use super::opener::{Rows, Seen, Text};
use super::suite::{ChildSuite, IkeSuite, is_ah};
use crate::crypto::{Cipher, Integrity, OpenError, Prf, Protection, Secret};
use crate::keys::{EncryptionId, Ikev2Keys, KeyRing};
use crate::limits;
use crate::model::Why;
use crate::registry::transform::{self, ENCRYPTION, INTEGRITY};
use crate::registry::{ExchangeType, NotifyType, PayloadType, SecurityProtocol, TransformType};
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use crate::wire::fault::Faults;
use crate::wire::{Header, Message, Payload, Version, ikev2};
use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The IKEv2 SAs that keys may be for.
#[derive(Debug)]
pub(super) struct Ikev2 {
    rows: Rows,
    sas: HashMap<IkeSpis, Sa, RandomState>,
    /// Nonces of first requests by the initiator's SPI, as long as no answer told the responder's.
    asked: HashMap<IkeSpi, Bytes, RandomState>,
    /// Choices of all SAs.
    choices: usize,
}

#[derive(Debug, Default)]
struct Sa {
    /// What negotiations chose for it; one, unless the SPIs were used again.
    suites: Vec<IkeSuite>,
    /// Nonces of `IKE_SA_INIT`, the initiator's first.
    nonces: Option<(Bytes, Bytes)>,
    /// Whether a post-quantum preshared key is mixed into its SK_d.
    ppk: bool,
    /// What may open it, newest keys first; `None` until they are needed.
    choices: Option<Vec<Choice>>,
    /// How many choices it had when they were made.
    room: usize,
    /// What opened the last message of the initiator and of the responder.
    latest: [Option<usize>; 2],
    /// The first `IKE_AUTH` request: the answer may come many messages later.
    auth: Option<Half>,
    /// Requests for a child SA, by who asks and message ID.
    requests: VecDeque<((bool, u32), Half)>,
}

/// Keys with algorithms that fit them.
#[derive(Debug)]
struct Choice {
    /// Row of the key ring.
    row: usize,
    prf: Option<Prf>,
    /// What the initiator and the responder send.
    sides: [Option<Protection>; 2],
    /// Whether neither the key file nor the capture told the cipher.
    guessed: bool,
}

/// One side of the negotiation of a child SA, or of a new IKE SA.
#[derive(Clone, Debug)]
struct Half {
    /// Number, protocol and SPI of each proposal.
    spis: Vec<(u8, SecurityProtocol, Bytes)>,
    nonce: Option<Bytes>,
    /// Whether it has a KE payload.
    exchanges_keys: bool,
}

impl Ikev2 {
    pub(super) fn new(rows: Rows) -> Self {
        Self {
            rows,
            sas: HashMap::default(),
            asked: HashMap::default(),
            choices: 0,
        }
    }

    /// Learns from a message in clear: suite and nonces of the initial exchange.
    pub(super) fn learn(&mut self, ring: &KeyRing, message: &Message<'_>) {
        let header = &message.header;
        if header.exchange != ExchangeType::IKE_SA_INIT {
            return;
        }
        let Some(nonce) = message.nonce() else {
            return;
        };
        let spi = header.spis.initiator;
        if !header.flags.response() {
            let wanted = self.rows.of(spi).next().is_some();
            if wanted && (self.asked.len() < limits::SESSION_SAS || self.asked.contains_key(&spi)) {
                self.asked.insert(spi, Bytes::copy_from_slice(nonce));
            }
            return;
        }
        let chosen = message.sa().and_then(|sa| sa.proposals.first());
        let Some(suite) = chosen.and_then(IkeSuite::of) else {
            return;
        };
        let initiator = self.asked.remove(&spi);
        let Ok(sa) = self.sa(ring, header.spis) else {
            return;
        };
        sa.learn(suite);
        if let Some(initiator) = initiator {
            sa.nonces = Some((initiator, Bytes::copy_from_slice(nonce)));
        }
    }

    /// Opens the SK or SKF payload of a message.
    pub(super) fn open(&mut self, ring: &KeyRing, seen: &Seen<'_>) -> Result<Text, Why> {
        let header = &seen.message.header;
        let sealed = Sealed::of(seen.message).ok_or(Why::TooShort)?;
        let sa = self.ready(ring, header.spis)?;
        if sealed.at.saturating_add(sealed.data.len()) < sealed.end {
            return Err(if seen.cut { Why::Cut } else { Why::TooShort });
        }
        sa.open(ring, seen.octets, &sealed, header)
    }

    /// Follows what an opened message negotiates. Returns keys of child SAs.
    pub(super) fn follow(
        &mut self,
        ring: &KeyRing,
        seen: &Seen<'_>,
        first: PayloadType,
        text: &[u8],
    ) -> Vec<Derived> {
        let header = &seen.message.header;
        let auth = header.exchange == ExchangeType::IKE_AUTH;
        if !auth && header.exchange != ExchangeType::CREATE_CHILD_SA {
            return Vec::new();
        }
        let payloads = Message::read_chain(first, Version::V2, text, 0, &mut Faults::default());
        // RFC 8784 section 3: the responder says so in the answer that completes IKE_AUTH, which may
        // come without a child SA.
        let ppk = header.flags.response() && uses_ppk(&payloads);
        if auth
            && ppk
            && let Some(sa) = self.sas.get_mut(&header.spis)
        {
            sa.ppk = true;
        }
        let Some(sa_payload) = find_sa(&payloads) else {
            return Vec::new();
        };
        let half = Half::of(sa_payload, &payloads);
        let initiator = header.flags.initiator();
        let Some(sa) = self.sas.get_mut(&header.spis) else {
            return Vec::new();
        };
        if !header.flags.response() {
            if auth {
                sa.auth = Some(half);
            } else {
                sa.requests
                    .push_back(((initiator, header.message_id), half));
                if sa.requests.len() > limits::SESSION_REQUESTS {
                    sa.requests.pop_front();
                }
            }
            return Vec::new();
        }
        let asked = match auth {
            true => sa.auth.clone(),
            false => {
                let key = (!initiator, header.message_id);
                let found = sa.requests.iter().rev().find(|(known, _)| *known == key);
                found.map(|(_, half)| half.clone())
            }
        };
        let Some((asked, chosen)) = asked.zip(sa_payload.proposals.first()) else {
            return Vec::new();
        };
        if chosen.protocol == SecurityProtocol::IKE {
            self.succeed(ring, &asked, &half, chosen);
            return Vec::new();
        }
        sa.derive(ring, seen, &asked, &half, chosen, ppk)
            .unwrap_or_default()
    }

    /// An IKE SA takes the place of another (RFC 7296 section 2.18): its suite is known. Its keys
    /// come of a key exchange of its own, so they are in the ring or nowhere.
    fn succeed(
        &mut self,
        ring: &KeyRing,
        asked: &Half,
        answered: &Half,
        chosen: &ikev2::Proposal<'_>,
    ) {
        let spi = |half: &Half| {
            let (.., spi) = half.spis.iter().find(|(number, protocol, _)| {
                *number == chosen.number && *protocol == chosen.protocol
            })?;
            Some(IkeSpi(u64::from_be_bytes(spi.as_ref().try_into().ok()?)))
        };
        let (Some(initiator), Some(responder)) = (spi(asked), spi(answered)) else {
            return;
        };
        let spis = IkeSpis {
            initiator,
            responder,
        };
        if let Some(suite) = IkeSuite::of(chosen)
            && let Ok(sa) = self.sa(ring, spis)
        {
            sa.learn(suite);
            sa.nonces = asked.nonce.clone().zip(answered.nonce.clone());
        }
    }

    /// The SA of these SPIs, if a key may be for it.
    fn sa(&mut self, ring: &KeyRing, spis: IkeSpis) -> Result<&mut Sa, Why> {
        if !self.sas.contains_key(&spis) {
            let mut rows = self.rows.of(spis.initiator);
            if !rows.any(|row| may_be(ring, row, spis)) {
                return Err(Why::NoKey);
            }
            if self.sas.len() >= limits::SESSION_SAS {
                return Err(Why::Limit);
            }
        }
        Ok(self.sas.entry(spis).or_default())
    }

    /// As [`Ikev2::sa`], with all that may open it.
    fn ready(&mut self, ring: &KeyRing, spis: IkeSpis) -> Result<&mut Sa, Why> {
        let sa = self.sa(ring, spis)?;
        if sa.choices.is_some() {
            return self.sa(ring, spis);
        }
        let suites = sa.suites.clone();
        let given_back = std::mem::take(&mut sa.room);
        self.choices = self.choices.saturating_sub(given_back);
        let room = limits::SESSION_CHOICES_ALL.saturating_sub(self.choices);
        let rows = self.rows.of(spis.initiator);
        let found = choices(ring, rows, spis, &suites, room);
        if found.is_empty() && room == 0 {
            return Err(Why::Limit);
        }
        self.choices += found.len();
        let sa = self.sa(ring, spis)?;
        sa.room = found.len();
        sa.choices = Some(found);
        sa.latest = [None; 2];
        Ok(sa)
    }
}

impl Sa {
    fn learn(&mut self, suite: IkeSuite) {
        if !self.suites.contains(&suite) && self.suites.len() < limits::SESSION_SUITES {
            self.suites.push(suite);
            self.choices = None;
        }
    }

    /// The keys of a child SA, whose negotiation a response completes; `ppk` is whether that says that a
    /// post-quantum preshared key was used. `None` if its SPIs are not told.
    fn derive(
        &self,
        ring: &KeyRing,
        seen: &Seen<'_>,
        asked: &Half,
        answered: &Half,
        chosen: &ikev2::Proposal<'_>,
        ppk: bool,
    ) -> Option<Vec<Derived>> {
        let header = &seen.message.header;
        let side = usize::from(!header.flags.initiator());
        let used = self.latest.get(side).copied().flatten()?;
        let choice = self.choices.as_ref()?.get(used)?;
        let keys = ring.ikev2.get(choice.row)?;
        // RFC 7296 section 2.17: the first child SA is made of the nonces of IKE_SA_INIT.
        let nonces = match header.exchange {
            ExchangeType::IKE_AUTH => self.nonces.clone(),
            _ => asked.nonce.clone().zip(answered.nonce.clone()),
        };
        let recipe = Recipe {
            prf: choice.prf,
            root: keys.sk_d.as_ref().ok_or(Underivable::NoRoot),
            initiator_nonce: nonces.as_ref().map(|(nonce, _)| nonce.as_ref()),
            responder_nonce: nonces.as_ref().map(|(_, nonce)| nonce.as_ref()),
            pfs: answered.exchanges_keys || has_more_exchanges(chosen),
            suite: ChildSuite::of(chosen),
            initiator_spi: asked.spi(chosen.number, chosen.protocol)?,
            responder_spi: EspSpi::of(chosen.spi)?,
            ah: is_ah(chosen.protocol)?,
            origin: &keys.origin,
            frame: seen.frame,
        };
        if !ppk && !self.ppk {
            return Some(recipe.ikev2().into());
        }
        let mut roots: Vec<_> = mixed(ring, choice.row).map(Ok).collect();
        if roots.is_empty() {
            roots.push(Err(Underivable::Ppk));
        }
        let of = |root| Recipe { root, ..recipe }.ikev2();
        Some(roots.into_iter().flat_map(of).collect())
    }

    /// Tries what opened the message before, then all from the newest keys on.
    fn open(
        &mut self,
        ring: &KeyRing,
        octets: &[u8],
        sealed: &Sealed<'_>,
        header: &Header,
    ) -> Result<Text, Why> {
        let side = usize::from(!header.flags.initiator());
        let latest = self.latest.get(side).copied().flatten();
        let choices = self.choices.as_deref().unwrap_or_default();
        if choices.is_empty() {
            return Err(Why::Suite);
        }
        let aad = octets.get(..sealed.at).unwrap_or_default();
        let order = latest.into_iter().chain(0..choices.len());
        let mut why = Why::NoKeyOfDirection;
        let mut text = Vec::new();
        for at in order {
            let Some(choice) = choices.get(at) else {
                continue;
            };
            let Some(Some(protection)) = choice.sides.get(side) else {
                continue;
            };
            match protection.open_ike(aad, sealed.data, &mut text) {
                Ok(()) => {}
                Err(OpenError::TooShort | OpenError::NotABlock) => {
                    if why != Why::WrongKey {
                        why = Why::TooShort;
                    }
                    continue;
                }
                Err(OpenError::Integrity) => {
                    why = Why::WrongKey;
                    continue;
                }
            }
            // What opened a message before is the key of the cipher, whatever this one holds.
            let known = protection.proves_cipher() || latest == Some(at);
            // RFC 7296 section 3.14: the last octet counts the padding before it.
            let pad_length = text.pop().map_or(0, usize::from);
            let Some(end) = text.len().checked_sub(pad_length) else {
                why = if known { Why::Padding } else { Why::Senseless };
                continue;
            };
            text.truncate(end);
            let proven = !protection.is_unchecked() && !choice.guessed;
            let makes_sense = match proven {
                true => known || is_chain(sealed.first, &text),
                false => is_sound(sealed.first, &text),
            };
            if !makes_sense && !sealed.is_piece {
                why = Why::Senseless;
                continue;
            }
            if let Some(slot) = self.latest.get_mut(side) {
                *slot = Some(at);
            }
            let Some(keys) = ring.ikev2.get(choice.row) else {
                continue;
            };
            let iv = sealed.data.get(..protection.iv_octets());
            return Ok(Text {
                first: sealed.first,
                octets: text,
                iv: iv.unwrap_or_default().to_vec(),
                pad_length,
                icv_ok: (!protection.is_unchecked()).then_some(true),
                hash_ok: None,
                key: keys.origin.clone(),
            });
        }
        Err(match why {
            Why::WrongKey if latest.is_some() => Why::Corrupted,
            // A key that was not tried may be the one.
            Why::WrongKey if choices.len() >= limits::SESSION_CHOICES => Why::Limit,
            why => why,
        })
    }
}

/// The encrypted payload of a message.
struct Sealed<'a> {
    /// Where its IV begins.
    at: usize,
    /// Where it ends by its length.
    end: usize,
    first: PayloadType,
    data: &'a [u8],
    /// Whether it is SKF.
    is_piece: bool,
}

impl<'a> Sealed<'a> {
    fn of(message: &Message<'a>) -> Option<Self> {
        let last = message.payloads.last()?;
        let end = last.at.saturating_add(usize::from(last.length));
        let (first, data, fixed) = match (message.sk(), message.skf()) {
            (Some(sk), _) => (sk.first, sk.data, 4),
            // RFC 7383 section 2.5: both numbers stand before the IV.
            (None, Some(skf)) => (skf.first, skf.data, 8),
            (None, None) => return None,
        };
        Some(Self {
            at: last.at.saturating_add(fixed),
            end,
            first,
            data,
            is_piece: fixed == 8,
        })
    }
}

impl Half {
    fn of(sa: &ikev2::SecurityAssociation<'_>, payloads: &[Payload<'_>]) -> Self {
        let v2 = || {
            payloads.iter().filter_map(|payload| match &payload.body {
                crate::wire::Body::V2(body) => Some(body),
                _ => None,
            })
        };
        let nonce = v2().find_map(|body| match body {
            ikev2::Body::Nonce(nonce) => Some(Bytes::copy_from_slice(nonce)),
            _ => None,
        });
        let proposals = sa.proposals.iter().take(limits::SESSION_PROPOSALS);
        Self {
            spis: proposals
                .map(|one| (one.number, one.protocol, Bytes::copy_from_slice(one.spi)))
                .collect(),
            nonce,
            exchanges_keys: v2().any(|body| matches!(body, ikev2::Body::Ke(_))),
        }
    }

    /// The SPI of a proposal for ESP or AH.
    fn spi(&self, number: u8, protocol: SecurityProtocol) -> Option<EspSpi> {
        let mut found = self.spis.iter();
        let (.., spi) = found.find(|(known, of, _)| *known == number && *of == protocol)?;
        EspSpi::of(spi)
    }
}

/// Whether a row of the ring may be for an SA.
fn may_be(ring: &KeyRing, row: usize, spis: IkeSpis) -> bool {
    ring.ikev2.get(row).is_some_and(|keys| keys.may_be_of(spis))
}

/// What may open an SA, newest keys first: each row of the ring that may be its, with the
/// algorithms that the row tells, or else the negotiation, or else all that fit its lengths.
fn choices(
    ring: &KeyRing,
    rows: impl Iterator<Item = usize>,
    spis: IkeSpis,
    suites: &[IkeSuite],
    room: usize,
) -> Vec<Choice> {
    rows.filter(|row| may_be(ring, *row, spis))
        .filter_map(|row| Some((row, ring.ikev2.get(row)?)))
        .flat_map(|(row, keys)| {
            let suites = fitting(keys, suites);
            suites.into_iter().filter_map(move |(suite, guessed)| {
                let sides = [
                    protection(suite, keys.sk_ei.as_ref(), keys.sk_ai.as_ref()),
                    protection(suite, keys.sk_er.as_ref(), keys.sk_ar.as_ref()),
                ];
                sides.iter().any(Option::is_some).then_some(Choice {
                    row,
                    prf: suite.prf.and_then(Prf::new),
                    sides,
                    guessed,
                })
            })
        })
        .take(limits::SESSION_CHOICES.min(room))
        .collect()
}

/// The suites that keys may be for, and whether the cipher is guessed.
fn fitting(keys: &Ikev2Keys, negotiated: &[IkeSuite]) -> Vec<(IkeSuite, bool)> {
    let mut found: Vec<(IkeSuite, bool)> = Vec::new();
    let ciphers: Vec<(EncryptionId, bool)> = match keys.encryption {
        Some(told) => vec![(told, false)],
        None if !negotiated.is_empty() => negotiated
            .iter()
            .map(|one| (one.encryption, false))
            .collect(),
        None => ENCRYPTION
            .iter()
            .map(|row| {
                let (id, key_bits) = (row.id, None);
                (EncryptionId { id, key_bits }, true)
            })
            .collect(),
    };
    let checks: Vec<u16> = match keys.integrity {
        Some(told) => vec![told],
        None if !negotiated.is_empty() => negotiated.iter().map(|one| one.integrity).collect(),
        None => INTEGRITY.iter().map(|row| row.id).collect(),
    };
    let negotiated_prf = negotiated.first().and_then(|one| one.prf);
    for (encryption, guessed) in ciphers {
        let checks_itself = transform::encryption(encryption.id).is_some_and(|row| row.aead);
        for integrity in &checks {
            let suite = IkeSuite {
                encryption,
                integrity: if checks_itself { 0 } else { *integrity },
                prf: keys.prf.or(negotiated_prf),
            };
            if !found.contains(&(suite, guessed)) {
                found.push((suite, guessed));
            }
        }
    }
    found
}

/// One direction, if the keys fit the algorithms.
fn protection(
    suite: IkeSuite,
    encryption_key: Option<&Secret>,
    integrity_key: Option<&Secret>,
) -> Option<Protection> {
    /// ENCR_NULL.
    const NULL: u16 = 11;
    let key = match encryption_key {
        Some(key) => key.expose(),
        None if suite.encryption.id == NULL => &[],
        None => return None,
    };
    let cipher = Cipher::new(suite.encryption.id, suite.encryption.key_bits, key).ok()?;
    match (suite.integrity, integrity_key) {
        (_, _) if cipher.is_aead() => Protection::new(cipher, None).ok(),
        // RFC 7296 section 3.3.3: IKE is never without integrity.
        (0, _) => None,
        (id, Some(key)) if !key.is_empty() => {
            Protection::new(cipher, Some(Integrity::new(id, None, key.expose()).ok()?)).ok()
        }
        (id, _) => {
            let octets = transform::integrity(id).map(|row| usize::from(row.octets))?;
            Some(Protection::unchecked(cipher, octets))
        }
    }
}

/// Whether the lengths of payloads lead from the first to the end of a plaintext (RFC 7296 section 3.2),
/// whatever is inside them: of one that another key made they do so once in thousands.
pub(super) fn is_chain(first: PayloadType, text: &[u8]) -> bool {
    let (mut kind, mut rest) = (first, text);
    while kind != PayloadType::NONE {
        let [next, _, high, low, ..] = rest else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(after) = rest.get(length.max(4)..) else {
            return false;
        };
        (kind, rest) = (PayloadType(*next), after);
    }
    rest.is_empty()
}

/// Whether a plaintext is a chain of payloads without a fault.
fn is_sound(first: PayloadType, text: &[u8]) -> bool {
    let mut faults = Faults::default();
    Message::read_chain(first, Version::V2, text, 0, &mut faults);
    faults.list.is_empty()
}

/// What SK_d may have become by a post-quantum preshared key. Logs tell it soon after the keys that it
/// comes of, and without those that it leaves as they are (RFC 8784 section 3). The checksums of
/// packets tell which it is.
fn mixed(ring: &KeyRing, row: usize) -> impl Iterator<Item = &Secret> {
    let before = ring.ikev2.get(row);
    let after = ring.ikev2.iter().skip(row.saturating_add(1));
    after
        .take(limits::SESSION_MIXED)
        .filter(move |keys| before.is_some_and(|before| before.spis == keys.spis))
        .filter(|keys| keys.sk_ei.is_none() && keys.sk_er.is_none())
        .filter_map(|keys| keys.sk_d.as_ref())
}

/// Whether a message says that a post-quantum preshared key was used.
fn uses_ppk(payloads: &[Payload<'_>]) -> bool {
    payloads.iter().any(|payload| {
        matches!(&payload.body, crate::wire::Body::V2(ikev2::Body::Notify(notify))
            if notify.kind == NotifyType::PPK_IDENTITY)
    })
}

/// Whether a child SA is to be made with additional key exchanges, which follow (RFC 9370 section
/// 2.2.4).
fn has_more_exchanges(chosen: &ikev2::Proposal<'_>) -> bool {
    let additional = TransformType::ADDKE1..=TransformType::ADDKE7;
    let mut transforms = chosen.transforms.iter();
    transforms.any(|one| additional.contains(&one.kind) && one.id != 0)
}

fn find_sa<'p, 'a>(payloads: &'p [Payload<'a>]) -> Option<&'p ikev2::SecurityAssociation<'a>> {
    payloads.iter().find_map(|payload| match &payload.body {
        crate::wire::Body::V2(ikev2::Body::Sa(sa)) => Some(sa),
        _ => None,
    })
}

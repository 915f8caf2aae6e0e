//! IKEv1 with keys: opens what phase 1 and the exchanges after it encrypt (RFC 2409 appendix B).
//!
//! No message carries its IV. It is the last block of the message before of the same exchange; of
//! the first message in phase 1 a hash of both public values, and of the first of any other exchange
//! a hash of the last block of phase 1 and the message ID. What was sent again, lost, or crossed on
//! its way leaves open which message was "before". So all blocks that may be it are tried, newest
//! first: a wrong one spoils the first block, where the chain of payloads begins.

use super::child::{Derived, Recipe, Underivable};
use super::opener::{Rows, Seen, Text};
use super::suite::{ChildSuite, Phase1};
use crate::crypto::{Cipher, Hash, Prf, Secret};
use crate::keys::{EncryptionId, Ikev1Keys, KeyRing};
use crate::limits;
use crate::model::Why;
use crate::registry::ikev1::{HashV1, ProtocolV1};
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{EspSpi, IkeSpi, IkeSpis};
use crate::wire::fault::Faults;
use crate::wire::{Body, Header, Message, Payload, Version, ikev1};
use bytes::Bytes;
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeSet, VecDeque};

/// The IKEv1 SAs that keys may be for, by the initiator's cookie.
#[derive(Debug)]
pub(super) struct Ikev1 {
    rows: Rows,
    sas: HashMap<IkeSpi, Sa, RandomState>,
    /// Choices of all SAs.
    choices: usize,
}

#[derive(Debug, Default)]
struct Sa {
    /// What the responder accepted, else what the initiator offered.
    suites: Vec<Phase1>,
    accepted: bool,
    /// The body of the SA payload of message 1.
    offer: Option<Bytes>,
    /// Public values, in the order they came.
    public: Vec<Bytes>,
    /// What may open it; `None` until it is needed.
    choices: Option<Vec<Choice>>,
    /// How many choices it had when they were made.
    room: usize,
    /// What opened the last message.
    latest: Option<usize>,
    phase1: Blocks,
    /// The exchanges after phase 1 by message ID.
    exchanges: HashMap<u32, Exchange, RandomState>,
    /// Their message IDs in the order they began.
    begun: VecDeque<u32>,
}

/// Keys with algorithms that fit them.
#[derive(Debug)]
struct Choice {
    /// Row of the key ring.
    row: usize,
    cipher: Cipher,
    hash: Hash,
    prf: Prf,
}

impl Choice {
    /// The plaintext under an IV and where its payloads end, if it makes payloads.
    fn open(&self, header: &Header, sealed: &[u8], iv: &[u8]) -> Option<(Vec<u8>, usize)> {
        // The first block is the one that a wrong IV spoils: most are told by it alone.
        let first = sealed.get(..self.cipher.block())?;
        let hash = (!is_phase1(header.exchange)).then(|| self.prf.octets());
        let mut text = Vec::new();
        self.cipher.decrypt_cbc(iv, first, &mut text).ok()?;
        if !begins_well(header.next_payload, &text, sealed.len(), hash) {
            return None;
        }
        self.cipher.decrypt_cbc(iv, sealed, &mut text).ok()?;
        let end = end_of_payloads(header.next_payload, &text)?;
        Some((text, end))
    }
}

/// Last blocks of the messages of an exchange, the newest last.
#[derive(Debug, Default)]
struct Blocks(VecDeque<Vec<u8>>);

impl Blocks {
    fn push(&mut self, block: &[u8]) {
        if block.is_empty() || self.0.iter().any(|known| known == block) {
            return;
        }
        self.0.push_back(block.to_vec());
        if self.0.len() > limits::SESSION_BLOCKS {
            self.0.pop_front();
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().rev()
    }
}

/// An exchange after phase 1.
#[derive(Debug, Default)]
struct Exchange {
    blocks: Blocks,
    /// Quick mode: what whoever began it said, and what the other answered.
    halves: Vec<Half>,
}

/// One side of a quick mode.
#[derive(Debug)]
struct Half {
    nonce: Bytes,
    /// Whether it has a KE payload.
    exchanges_keys: bool,
    proposals: Vec<Proposal>,
}

/// What is kept of a proposal.
#[derive(Debug)]
struct Proposal {
    number: u8,
    protocol: ProtocolV1,
    spi: EspSpi,
    /// Of its first transform.
    suite: Option<ChildSuite>,
}

impl Ikev1 {
    pub(super) fn new(rows: Rows) -> Self {
        Self {
            rows,
            sas: HashMap::default(),
            choices: 0,
        }
    }

    /// Learns from a message in clear: suite and public values.
    pub(super) fn learn(&mut self, ring: &KeyRing, seen: &Seen<'_>) {
        let message = seen.message;
        let header = &message.header;
        let phase1 = [
            ExchangeType::IDENTITY_PROTECTION,
            ExchangeType::AGGRESSIVE,
            ExchangeType::BASE,
        ];
        if !phase1.contains(&header.exchange) {
            return;
        }
        let Ok(sa) = self.sa(ring, header.spis) else {
            return;
        };
        if let Some(payload) = message.sa_v1() {
            let suites = Phase1::all(payload);
            let accepted = !header.spis.responder.is_zero() && suites.len() == 1;
            sa.learn(suites, accepted);
            if header.spis.responder.is_zero() {
                let payload = message.payload(PayloadType::SA_V1);
                let body = payload.and_then(|payload| body(seen.octets, payload));
                sa.offer = body.map(Bytes::copy_from_slice);
            }
        }
        for payload in &message.payloads {
            if let Body::V1(ikev1::Body::Ke(public)) = &payload.body
                && sa.public.len() < limits::SESSION_PUBLIC
                && !sa.public.iter().any(|known| known == public)
            {
                sa.public.push(Bytes::copy_from_slice(public));
            }
        }
    }

    /// Opens the body of a message, and derives the keys that it completes.
    pub(super) fn open(
        &mut self,
        ring: &KeyRing,
        seen: &Seen<'_>,
        sealed: &[u8],
    ) -> Result<(Text, Vec<Derived>), Why> {
        let header = &seen.message.header;
        let sa = self.ready(ring, header.spis)?;
        let found = sa.open(header, sealed);
        // Opened or not, the next message may follow from this one.
        sa.remember(header, sealed, found.as_ref().ok());
        let found = found?;
        sa.latest = Some(found.choice);
        sa.finish(ring, seen, found).ok_or(Why::Senseless)
    }

    /// The SA of a message, if a key may be for it.
    fn sa(&mut self, ring: &KeyRing, spis: IkeSpis) -> Result<&mut Sa, Why> {
        if !self.sas.contains_key(&spis.initiator) {
            let mut rows = self.rows.of(spis.initiator);
            let wanted = rows.any(|row| {
                // The first message does not know the responder's cookie.
                let keys = ring.ikev1.get(row);
                spis.responder.is_zero() || keys.is_some_and(|keys| keys.may_be_of(spis))
            });
            if !wanted {
                return Err(Why::NoKey);
            }
            if self.sas.len() >= limits::SESSION_SAS {
                return Err(Why::Limit);
            }
        }
        Ok(self.sas.entry(spis.initiator).or_default())
    }

    /// As [`Ikev1::sa`], with all that may open it.
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
        sa.latest = None;
        Ok(sa)
    }
}

impl Sa {
    /// Takes the suites that a message offers, or the one that it accepts, which counts for more.
    fn learn(&mut self, suites: Vec<Phase1>, accepted: bool) {
        if self.accepted && !accepted {
            return;
        }
        if accepted && !self.accepted {
            self.suites.clear();
            self.choices = None;
            self.accepted = true;
        }
        for suite in suites {
            if !self.suites.contains(&suite) && self.suites.len() < limits::SESSION_SUITES {
                self.suites.push(suite);
                self.choices = None;
            }
        }
    }

    /// Tries what opened the message before, then all, under every IV that the message may have.
    fn open(&self, header: &Header, sealed: &[u8]) -> Result<Found, Why> {
        let choices = self.choices.as_deref().unwrap_or_default();
        if choices.is_empty() {
            return Err(Why::Suite);
        }
        let phase1 = is_phase1(header.exchange);
        let mut why = Why::NoIv;
        for at in self.latest.into_iter().chain(0..choices.len()) {
            let Some(choice) = choices.get(at) else {
                continue;
            };
            if sealed.is_empty() || !sealed.len().is_multiple_of(choice.cipher.block()) {
                if why == Why::NoIv {
                    why = Why::TooShort;
                }
                continue;
            }
            for iv in self.ivs(choice, phase1, header.message_id) {
                why = Why::Senseless;
                if let Some((text, end)) = choice.open(header, sealed, &iv) {
                    let choice = at;
                    return Ok(Found {
                        choice,
                        iv,
                        text,
                        end,
                    });
                }
            }
        }
        // A key that was not tried may be the one.
        let crowded = choices.len() >= limits::SESSION_CHOICES;
        self_evident(choices, header, sealed).ok_or(if crowded { Why::Limit } else { why })
    }

    /// Keeps the last block of a message; if it is not known how long blocks are, all that it may be.
    fn remember(&mut self, header: &Header, sealed: &[u8], found: Option<&Found>) {
        let choices = self.choices.as_deref().unwrap_or_default();
        let size = |choice: &Choice| choice.cipher.block();
        let sizes: BTreeSet<usize> = match found.and_then(|found| choices.get(found.choice)) {
            Some(choice) => [size(choice)].into(),
            None => choices.iter().map(size).collect(),
        };
        let blocks = match is_phase1(header.exchange) {
            true => &mut self.phase1,
            false => &mut self.exchange(header.message_id).blocks,
        };
        for size in sizes {
            let at = sealed.len().checked_sub(size);
            blocks.push(at.and_then(|at| sealed.get(at..)).unwrap_or_default());
        }
    }

    /// The IVs that a message may have, the most likely first.
    fn ivs(&self, choice: &Choice, phase1: bool, message_id: u32) -> Vec<Vec<u8>> {
        let block = choice.cipher.block();
        let cut = |hash: Vec<u8>| hash.get(..block).map(<[u8]>::to_vec);
        // RFC 2409 appendix B: a hash of g^xi and g^xr.
        let initial = self.public.iter().enumerate().flat_map(|(i, one)| {
            let others = self.public.iter().enumerate().filter(move |(j, _)| *j != i);
            others.filter_map(move |(_, other)| cut(choice.hash.of(&[one, other])))
        });
        let before: Vec<Vec<u8>> = self.phase1.newest_first().cloned().chain(initial).collect();
        if phase1 {
            return before;
        }
        let exchange = self.exchanges.get(&message_id);
        let own = exchange
            .into_iter()
            .flat_map(|one| one.blocks.newest_first());
        let id = message_id.to_be_bytes();
        let fresh = before
            .iter()
            .filter_map(|last| cut(choice.hash.of(&[last, &id])));
        own.cloned().chain(fresh).collect()
    }

    /// The exchange of a message ID, made if it is new.
    fn exchange(&mut self, message_id: u32) -> &mut Exchange {
        if !self.exchanges.contains_key(&message_id) {
            self.begun.push_back(message_id);
            if self.begun.len() > limits::SESSION_REQUESTS
                && let Some(oldest) = self.begun.pop_front()
            {
                self.exchanges.remove(&oldest);
            }
        }
        self.exchanges.entry(message_id).or_default()
    }

    /// Whether the HASH payload of phase 1 is right, that is HASH_I or HASH_R (RFC 2409 section 5);
    /// `None` if there is none, as with signatures, or what it is made of was not captured.
    fn check(
        &self,
        prf: Prf,
        skeyid: &Secret,
        spis: IkeSpis,
        payloads: &[Payload<'_>],
        chain: &[u8],
    ) -> Option<bool> {
        let find = |kind| payloads.iter().find(|payload| payload.kind == kind);
        let hash = body(chain, find(PayloadType::HASH_V1)?)?;
        let identity = body(chain, find(PayloadType::ID_V1)?)?;
        let (offer, [one, other, ..]) = (self.offer.as_ref()?, self.public.as_slice()) else {
            return None;
        };
        let cookies = [spis.initiator, spis.responder].map(|spi| spi.0.to_be_bytes());
        let [initiator, responder] = &cookies;
        let is = |parts: [&[u8]; 6]| prf.of(skeyid.expose(), &parts) == Secret::from(hash);
        // Whoever sends it puts what is its own first; the initiator's value came first.
        Some(
            is([one, other, initiator, responder, offer, identity])
                || is([other, one, responder, initiator, offer, identity]),
        )
    }

    /// What a message says that was opened.
    fn finish(
        &mut self,
        ring: &KeyRing,
        seen: &Seen<'_>,
        found: Found,
    ) -> Option<(Text, Vec<Derived>)> {
        let choice = self.choices.as_ref()?.get(found.choice)?;
        let keys = ring.ikev1.get(choice.row)?;
        let prf = choice.prf;
        let header = &seen.message.header;
        let chain = found.text.get(..found.end)?;
        let payloads = Message::read_chain(
            header.next_payload,
            Version::V1,
            chain,
            0,
            &mut Faults::default(),
        );
        let mut derived = Vec::new();
        let hash_ok;
        if is_phase1(header.exchange) {
            let skeyid = keys.skeyid.as_ref();
            hash_ok = skeyid.and_then(|key| self.check(prf, key, header.spis, &payloads, chain));
        } else {
            let id = header.message_id;
            let quick = header.exchange == ExchangeType::QUICK_MODE;
            let exchange = self.exchange(id);
            if quick && exchange.hear(&payloads) {
                derived = exchange.derive(keys, prf, seen);
            }
            // Without the IV a part of the hash is missing.
            let whole = !found.iv.is_empty();
            hash_ok = keys
                .skeyid_a
                .as_ref()
                .filter(|_| whole)
                .and_then(|key| exchange.check(prf, key, id, &payloads, chain, quick));
        }
        let text = Text {
            first: header.next_payload,
            pad_length: found.text.len() - chain.len(),
            iv: found.iv,
            icv_ok: None,
            hash_ok,
            key: keys.origin.clone(),
            octets: found.text,
        };
        Some((text, derived))
    }
}

/// How a message was opened.
struct Found {
    choice: usize,
    iv: Vec<u8>,
    text: Vec<u8>,
    /// Where the payloads end and the padding begins.
    end: usize,
}

impl Exchange {
    /// Takes in a side of a quick mode; whether it completes the negotiation.
    fn hear(&mut self, payloads: &[Payload<'_>]) -> bool {
        let Some(half) = Half::of(payloads) else {
            return false;
        };
        let known = self.halves.iter().any(|one| one.nonce == half.nonce);
        if known || self.halves.len() >= 2 {
            return false;
        }
        self.halves.push(half);
        self.halves.len() == 2
    }

    /// Keys of the SAs that a quick mode made (RFC 2409 section 5.5).
    fn derive(&self, keys: &Ikev1Keys, prf: Prf, seen: &Seen<'_>) -> Vec<Derived> {
        let [asked, answered] = self.halves.as_slice() else {
            return Vec::new();
        };
        let mut derived = Vec::new();
        for chosen in &answered.proposals {
            let alike = |exact: bool| {
                asked.proposals.iter().find(move |one| {
                    one.protocol == chosen.protocol && (!exact || one.number == chosen.number)
                })
            };
            let Some(offered) = alike(true).or_else(|| alike(false)) else {
                continue;
            };
            let recipe = Recipe {
                prf: Some(prf),
                root: keys.skeyid_d.as_ref().ok_or(Underivable::NoRoot),
                initiator_nonce: Some(&asked.nonce),
                responder_nonce: Some(&answered.nonce),
                pfs: answered.exchanges_keys,
                suite: chosen.suite,
                initiator_spi: offered.spi,
                responder_spi: chosen.spi,
                ah: chosen.protocol == ProtocolV1::PROTO_IPSEC_AH,
                origin: &keys.origin,
                frame: seen.frame,
            };
            derived.extend(recipe.ikev1(chosen.protocol.0));
        }
        derived
    }

    /// Whether the HASH payload is right (RFC 2409 sections 5.5 and 5.7); `None` if there is none,
    /// or what it is made of was not captured.
    fn check(
        &self,
        prf: Prf,
        skeyid_a: &Secret,
        message_id: u32,
        payloads: &[Payload<'_>],
        chain: &[u8],
        quick: bool,
    ) -> Option<bool> {
        let [first, others @ ..] = payloads else {
            return None;
        };
        let Body::V1(ikev1::Body::Hash(hash)) = first.body else {
            return None;
        };
        let rest = chain.get(usize::from(first.length)..)?;
        let id = message_id.to_be_bytes();
        let is = |parts: &[&[u8]]| prf.of(skeyid_a.expose(), parts) == Secret::from(hash);
        let nonces = |at: usize| self.halves.get(at).map(|half| half.nonce.as_ref());
        if quick && others.is_empty() {
            let (initiator, responder) = (nonces(0)?, nonces(1)?);
            return Some(is(&[&[0], &id, initiator, responder]));
        }
        let plain = is(&[&id, rest]);
        match nonces(0) {
            Some(initiator) if quick => Some(plain || is(&[&id, initiator, rest])),
            _ => Some(plain),
        }
    }
}

impl Half {
    fn of(payloads: &[Payload<'_>]) -> Option<Self> {
        let v1 = || {
            payloads.iter().filter_map(|payload| match &payload.body {
                Body::V1(body) => Some(body),
                _ => None,
            })
        };
        let sa = v1().find_map(|body| match body {
            ikev1::Body::Sa(sa) => Some(sa),
            _ => None,
        })?;
        let nonce = v1().find_map(|body| match body {
            ikev1::Body::Nonce(nonce) => Some(Bytes::copy_from_slice(nonce)),
            _ => None,
        })?;
        let proposals = sa.proposals.iter().take(limits::SESSION_PROPOSALS);
        Some(Self {
            nonce,
            exchanges_keys: v1().any(|body| matches!(body, ikev1::Body::Ke(_))),
            proposals: proposals
                .filter_map(|one| {
                    Some(Proposal {
                        number: one.number,
                        protocol: ProtocolV1(one.protocol.0),
                        spi: EspSpi::of(one.spi)?,
                        suite: ChildSuite::of_v1(one),
                    })
                })
                .collect(),
        })
    }
}

/// What follows the generic header of a payload.
fn body<'a>(octets: &'a [u8], payload: &Payload<'_>) -> Option<&'a [u8]> {
    let end = payload.at.checked_add(usize::from(payload.length))?;
    octets.get(payload.at.checked_add(4)?..end)
}

/// Main mode, aggressive mode and their like.
fn is_phase1(exchange: ExchangeType) -> bool {
    [
        ExchangeType::BASE,
        ExchangeType::IDENTITY_PROTECTION,
        ExchangeType::AGGRESSIVE,
    ]
    .contains(&exchange)
}

/// What may open an SA: each row of the ring that may be its, with the algorithms that were
/// negotiated, or else all that fit its lengths.
fn choices(
    ring: &KeyRing,
    rows: impl Iterator<Item = usize>,
    spis: IkeSpis,
    suites: &[Phase1],
    room: usize,
) -> Vec<Choice> {
    /// Triple DES first, then AES, Camellia and DES; of all what their keys fit.
    const CIPHERS: [u16; 4] = [3, 12, 23, 2];
    const HASHES: [HashV1; 5] = [
        HashV1::SHA2_256,
        HashV1::SHA,
        HashV1::MD5,
        HashV1::SHA2_384,
        HashV1::SHA2_512,
    ];
    let all = || {
        CIPHERS.iter().flat_map(|id| {
            HASHES.iter().map(|hash| {
                let (id, key_bits) = (*id, None);
                Phase1 {
                    encryption: EncryptionId { id, key_bits },
                    hash: *hash,
                }
            })
        })
    };
    let told = match suites {
        [] => all().collect(),
        suites => suites.to_vec(),
    };
    rows.filter_map(|row| Some((row, ring.ikev1.get(row)?)))
        .filter(|(_, keys)| keys.may_be_of(spis))
        .flat_map(|(row, keys)| {
            let choice = move |suite: &Phase1| choice(row, keys, *suite);
            told.iter().filter_map(choice).collect::<Vec<_>>()
        })
        .take(limits::SESSION_CHOICES.min(room))
        .collect()
}

/// One row with one suite, if they fit.
fn choice(row: usize, keys: &Ikev1Keys, suite: Phase1) -> Option<Choice> {
    /// Bits of an AES key where the proposal does not say.
    const USUAL_BITS: u16 = 128;
    let EncryptionId { id, key_bits } = suite.encryption;
    let prf = Prf::ikev1(suite.hash)?;
    let stretched = || {
        let octets = Cipher::key_octets(id, key_bits.or(Some(USUAL_BITS)))?;
        prf.ikev1_cipher_key(keys.skeyid_e.as_ref()?.expose(), octets)
    };
    let under = |key: &Secret| Cipher::new(id, key_bits, key.expose()).ok();
    let given = keys.encryption_key.as_ref().and_then(under);
    let cipher = given.or_else(|| under(&stretched()?))?;
    Some(Choice {
        row,
        cipher,
        hash: Hash::ikev1(suite.hash)?,
        prf,
    })
}

/// Opens a message whose IV is not known, as when phase 1 lies before the capture: only the first
/// block is lost, and in it the generic header of the HASH payload and some octets of the hash. The
/// header is what the exchange and the payloads after it leave as the only one.
fn self_evident(choices: &[Choice], header: &Header, sealed: &[u8]) -> Option<Found> {
    if header.next_payload != PayloadType::HASH_V1 {
        return None;
    }
    let kinds: &[PayloadType] = match header.exchange {
        ExchangeType::QUICK_MODE => &[PayloadType::SA_V1],
        ExchangeType::TRANSACTION => &[PayloadType::ATTRIBUTES_V1],
        ExchangeType::INFORMATIONAL_V1 => &[PayloadType::DELETE_V1, PayloadType::NOTIFY_V1],
        _ => return None,
    };
    let mut text = Vec::new();
    for (at, choice) in choices.iter().enumerate() {
        let block = choice.cipher.block();
        let begins = choice.prf.octets() + 4;
        let any_iv = vec![0; block];
        if block > begins
            || choice
                .cipher
                .decrypt_cbc(&any_iv, sealed, &mut text)
                .is_err()
        {
            continue;
        }
        let Some(rest) = text.get(begins..) else {
            continue;
        };
        let sound = kinds.iter().find_map(|kind| {
            let end = end_of_payloads(*kind, rest)?;
            let chain = rest.get(..end)?;
            let mut faults = Faults::default();
            let payloads = Message::read_chain(*kind, Version::V1, chain, 0, &mut faults);
            let meant = payloads.iter().all(|one| matches!(one.body, Body::V1(_)));
            (meant && faults.list.is_empty()).then_some((*kind, begins + end))
        });
        if let Some((next, end)) = sound
            && let [kind, reserved, high, low, ..] = text.as_mut_slice()
        {
            let length = u16::try_from(begins).unwrap_or(u16::MAX).to_be_bytes();
            [*kind, *reserved, *high, *low] = [next.0, 0, length[0], length[1]];
            return Some(Found {
                choice: at,
                iv: Vec::new(),
                text,
                end,
            });
        }
    }
    None
}

/// Whether a plaintext begins with the generic header of a payload that fits into it: the block
/// that a wrong IV spoils. After phase 1 the first payload is a HASH of a known length.
fn begins_well(first: PayloadType, text: &[u8], whole: usize, hash: Option<usize>) -> bool {
    let [next, reserved, high, low, ..] = text else {
        return false;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let hash_fits = first != PayloadType::HASH_V1 || hash.is_none_or(|hash| length == hash + 4);
    *reserved == 0
        && (4..=whole).contains(&length)
        && (*next == 0 || is_payload(PayloadType(*next)))
        && hash_fits
}

/// Where a chain of payloads ends, if it is sound: generic headers that fit, and after the last no
/// more than padding, of which one octet may count the length.
fn end_of_payloads(first: PayloadType, text: &[u8]) -> Option<usize> {
    let mut kind = first;
    let mut at = 0_usize;
    for _ in 0..limits::PAYLOADS {
        if kind == PayloadType::NONE {
            let padding = text.len().checked_sub(at)?;
            return (padding <= usize::from(u8::MAX)).then_some(at);
        }
        let rest = text.get(at..)?;
        let [next, reserved, high, low, ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if !is_payload(kind) || *reserved != 0 || !(4..=rest.len()).contains(&length) {
            return None;
        }
        at += length;
        kind = PayloadType(*next);
    }
    None
}

/// Whether IKEv1 has a payload of this type, drafts and vendors included.
fn is_payload(kind: PayloadType) -> bool {
    matches!(kind.0, 1..=22 | 128..=143)
}

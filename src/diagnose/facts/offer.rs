//! Offers of suites for IKE SAs and child SAs: what each side proposes or accepts, by name, and how
//! they differ.

use crate::diagnose::{Case, Cite};
use crate::language::{self, Text, parted};
use crate::model::{ExchangeId, Flight, IkeSa, IkeSuite, Model, Plain, negotiation};
use crate::registry::ikev1::{
    AuthenticationAlgorithm, EncapsulationMode, Phase2Attribute, encryption_as_v2, esp_as_v2,
    integrity_as_v2, prf_as_v2, transform_name,
};
use crate::registry::product::{Suite, integrity_of, prf_of};
use crate::registry::{NotifyType, PayloadType, SecurityProtocol, TransformType, transform};
use crate::say;
use crate::wire::{self, ikev1, ikev2};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// What kind of algorithm a value stands for; the same words for both versions.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Of a child SA: ESP or AH.
    Protocol,
    /// The cipher.
    Encryption,
    /// The hash (IKEv1) or the pseudorandom function (IKEv2).
    Prf,
    /// The integrity algorithm.
    Integrity,
    /// The Diffie-Hellman group or other key exchange method.
    KeyExchange,
    /// An additional key exchange (RFC 9370).
    Additional(u8),
    /// IKEv1: how the peers authenticate.
    Authentication,
    /// Of a child SA: sequence numbers of 32 bits or extended ones (RFC 7296 section 3.3.2, RFC 4304).
    SequenceNumbers,
    /// Of a child SA: how it carries packets (RFC 7296 section 1.3.1, RFC 2407 section 4.5).
    Mode,
}

impl From<Kind> for Text {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Protocol => "protocol".into(),
            Kind::Encryption => "encryption".into(),
            Kind::Prf => "PRF (hash)".into(),
            Kind::Integrity => "integrity".into(),
            Kind::KeyExchange => "key exchange group".into(),
            Kind::Additional(n) => say!("additional key exchange {n}", n),
            Kind::Authentication => "authentication method".into(),
            Kind::SequenceNumbers => "sequence numbers (ESN)".into(),
            Kind::Mode => "encapsulation mode".into(),
        }
    }
}

/// English.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(*self).fmt(f)
    }
}

/// One value of a kind.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Value {
    /// Its name.
    pub name: Text,
    /// Its transform ID of IKEv2, and the bits of its key where they are told. `None` if it has none.
    pub id: Option<(u16, Option<u16>)>,
}

impl Value {
    /// A value without a number.
    fn named(name: Text) -> Self {
        Self { name, id: None }
    }

    /// Among values that would do: whether every implementation must have it (RFC 8247 section 2, RFC 8221
    /// section 5), then whether it is not weak, then the length of the key, then the lower number.
    fn merit(&self, kind: Kind) -> impl Ord + use<> {
        let (kind, musts) = match kind {
            Kind::Encryption => (TransformType::ENCR, [12, 20].as_slice()),
            Kind::Prf => (TransformType::PRF, [5].as_slice()),
            Kind::Integrity => (TransformType::INTEG, [12].as_slice()),
            _ => (TransformType::KE, [14].as_slice()),
        };
        self.id.map(|(id, bits)| {
            let weak = transform::weak(kind, id).is_some();
            (musts.contains(&id), !weak, bits, Reverse(id))
        })
    }
}

impl From<&Value> for Text {
    fn from(value: &Value) -> Self {
        value.name.clone()
    }
}

/// One proposal: for each kind the values that would do.
pub type Proposal = BTreeMap<Kind, BTreeSet<Value>>;

/// All proposals of one message, in order of preference.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offer {
    /// The proposals.
    pub proposals: Vec<Proposal>,
}

impl Offer {
    /// Without proposals that repeat one before: peers give one for each lifetime.
    fn distinct(mut self) -> Self {
        let mut kept: Vec<Proposal> = Vec::new();
        for proposal in self.proposals {
            if !kept.contains(&proposal) {
                kept.push(proposal);
            }
        }
        self.proposals = kept;
        self
    }

    /// Every value offered of one kind.
    pub fn values(&self, kind: Kind) -> BTreeSet<Text> {
        self.proposals
            .iter()
            .filter_map(|proposal| proposal.get(&kind))
            .flatten()
            .map(|value| value.name.clone())
            .collect()
    }

    /// The values offered of one kind, in words; `none` if there are none.
    pub fn listed(&self, kind: Kind) -> Text {
        let values = self.values(kind);
        match values.is_empty() {
            true => "none".into(),
            false => any(&values),
        }
    }

    /// Every kind that is offered.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.proposals
            .iter()
            .flat_map(|proposal| proposal.keys().copied())
            .collect()
    }

    /// The kinds of which the two sides have no value in common, with both sides' values.
    ///
    /// Empty when every kind has something in common; the combination may still have nothing.
    pub fn differs(&self, other: &Self) -> Vec<(Kind, Text, Text)> {
        self.kinds()
            .intersection(&other.kinds())
            .filter_map(|kind| {
                let (ours, theirs) = (self.values(*kind), other.values(*kind));
                ours.is_disjoint(&theirs)
                    .then(|| (*kind, any(&ours), any(&theirs)))
            })
            .collect()
    }

    /// Whether one proposal of each side can agree: every kind that either names has a value in common.
    pub fn meets(&self, other: &Self) -> bool {
        let agree = |one: &Proposal, two: &Proposal| {
            one.len() == two.len()
                && one.iter().all(|(kind, values)| {
                    two.get(kind)
                        .is_some_and(|others| !values.is_disjoint(others))
                })
        };
        self.proposals
            .iter()
            .any(|one| other.proposals.iter().any(|two| agree(one, two)))
    }

    /// One suite out of those that would do, to be entered elsewhere: as near to what the other side has as
    /// it can be. `None` if a part has no number.
    pub fn one(&self, near: Option<&Self>) -> Option<Suite> {
        let has = |kind, value: &Value| {
            let mut proposals = near.into_iter().flat_map(|near| &near.proposals);
            proposals.any(|one| one.get(&kind).is_some_and(|values| values.contains(value)))
        };
        let shared = |proposal: &&Proposal| {
            let kinds = proposal.iter();
            kinds
                .filter(|(kind, values)| values.iter().any(|value| has(**kind, value)))
                .count()
        };
        // Of equals the first: it is preferred.
        let proposal = self.proposals.iter().rev().max_by_key(shared)?;
        if proposal
            .keys()
            .any(|kind| matches!(kind, Kind::Additional(_)))
        {
            return None;
        }
        // What is entered is ESP in tunnel mode with numbers of 32 bits.
        let unusual = proposal.iter().any(|(kind, values)| match kind {
            Kind::Protocol | Kind::Mode => !is_usual(*kind, values),
            Kind::SequenceNumbers => !values
                .iter()
                .any(|value| value.name == name(TransformType::ESN, 0)),
            _ => false,
        });
        if unusual {
            return None;
        }
        let best = |kind| {
            let values = proposal.get(&kind).into_iter().flatten();
            values.max_by_key(|value| (has(kind, value), value.merit(kind)))
        };
        // A part that is offered, but has no number, must not be left out.
        let id = |kind| match best(kind) {
            Some(value) => value.id.map(Some),
            None => Some(None),
        };
        let number = |kind| Some(id(kind)?.map(|(id, _)| id));
        let mut suite = Suite {
            encryption: id(Kind::Encryption)?,
            integrity: number(Kind::Integrity)?.filter(|id| *id != 0),
            prf: number(Kind::Prf)?,
            group: number(Kind::KeyExchange)?,
        };
        // A group of IKEv1 that is described by its numbers has no name.
        if suite.prf.is_some() && suite.group.is_none() {
            return None;
        }
        // IKEv1 names the hash alone.
        if suite.integrity.is_none() && !suite.is_aead() {
            suite.integrity = suite.prf.and_then(integrity_of);
        }
        let same = suite.integrity.and_then(prf_of);
        let offered = |prf| {
            let mut values = proposal.get(&Kind::Prf).into_iter().flatten();
            values.any(|value| value.id.is_some_and(|(id, _)| id == prf))
        };
        if let Some(prf) = same.filter(|prf| offered(*prf)) {
            suite.prf = Some(prf);
        }
        Some(suite)
    }

    /// Whether one proposal of each side can agree in every kind that both name, but for the group: one
    /// side may leave that open.
    pub fn fits_but_for_group(&self, other: &Self) -> bool {
        let agree = |one: &Proposal, two: &Proposal| {
            one.iter().all(|(kind, values)| {
                *kind == Kind::KeyExchange
                    || two
                        .get(kind)
                        .is_none_or(|others| !values.is_disjoint(others))
            })
        };
        self.proposals
            .iter()
            .any(|one| other.proposals.iter().any(|two| agree(one, two)))
    }

    /// The kinds of which some proposal leaves a choice, with the values.
    pub fn choices(&self) -> Vec<(Kind, Text)> {
        self.kinds()
            .into_iter()
            .map(|kind| (kind, self.values(kind)))
            .filter(|(_, values)| values.len() > 1)
            .map(|(kind, values)| (kind, any(&values)))
            .collect()
    }
}

/// `ENCR_AES_CBC-256, PRF_HMAC_SHA2_256, …`, proposals parted by ` | `, alternatives by ` or `. What a
/// child SA has unless it is said otherwise goes without saying: ESP, numbers of 32 bits, tunnel mode.
impl From<&Offer> for Text {
    fn from(offer: &Offer) -> Self {
        /// More proposals than these are counted, not listed.
        const SHOWN: usize = 4;
        let shown = offer.proposals.iter().take(SHOWN);
        let shown = shown.map(|proposal| {
            let said = proposal
                .iter()
                .filter(|(kind, values)| !is_usual(**kind, values));
            language::list(said.map(|(_, values)| any(values)))
        });
        let more = offer.proposals.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| say!("{more} more", more));
        parted(" | ", shown.chain(more))
    }
}

/// English.
impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

/// Whether a child SA is as most are.
fn is_usual(kind: Kind, values: &BTreeSet<Value>) -> bool {
    let usual = match kind {
        Kind::Protocol => protocol(SecurityProtocol::ESP),
        Kind::SequenceNumbers => name(TransformType::ESN, 0),
        Kind::Mode => mode(EncapsulationMode::TUNNEL.0),
        _ => return false,
    };
    values.len() == 1 && values.iter().any(|value| value.name == usual)
}

/// Values of which any will do.
fn any<'v, V>(values: &'v BTreeSet<V>) -> Text
where
    Text: From<&'v V>,
{
    parted(" or ", values)
}

/// The offer of the first message of an IKE SA that carries one, with where it is.
pub fn offered(model: &Model, sa: &IkeSa) -> Option<(Offer, Cite)> {
    let first = sa.exchanges.first()?;
    in_exchange(model, *first, false)
}

/// The choice that the responder sent back.
pub fn accepted(model: &Model, sa: &IkeSa) -> Option<(Offer, Cite)> {
    sa.exchanges
        .iter()
        .find_map(|exchange| in_exchange(model, *exchange, true))
}

fn in_exchange(model: &Model, exchange: ExchangeId, response: bool) -> Option<(Offer, Cite)> {
    let exchange = &model.exchanges[exchange];
    exchange
        .flights
        .iter()
        .filter(|flight| (flight.by != exchange.by) == response)
        .filter_map(Flight::message)
        .map(|id| &model.messages[id])
        .filter(|message| message.plain == Plain::Clear)
        .find_map(|message| {
            let kind = match message.header.version.major() {
                1 => PayloadType::SA_V1,
                _ => PayloadType::SA,
            };
            let mut payloads = message.payloads_of(kind);
            let offer = payloads.find_map(|payload| match &payload.body {
                wire::Body::V2(ikev2::Body::Sa(sa)) => Some(v2(sa)),
                wire::Body::V1(ikev1::Body::Sa(sa)) => Some(v1(sa)),
                _ => None,
            })?;
            Some((offer, (message.frame, message.time)))
        })
}

/// The algorithms that an opened message offers for a child SA, or chose.
pub fn of_child(model: &Model, flight: &Flight) -> Option<Offer> {
    let (_, read) = model.opened(flight)?;
    let asked = read
        .payloads
        .iter()
        .find_map(|payload| match &payload.body {
            wire::Body::V2(ikev2::Body::Notify(notify)) => v2_mode(notify.kind),
            _ => None,
        });
    let mode = asked.unwrap_or_else(|| mode(EncapsulationMode::TUNNEL.0));
    read.payloads
        .iter()
        .find_map(|payload| match &payload.body {
            wire::Body::V2(ikev2::Body::Sa(sa)) => Some(v2_child(sa, &mode)),
            wire::Body::V1(ikev1::Body::Sa(sa)) => Some(v1_child(sa)),
            _ => None,
        })
        .map(Offer::distinct)
}

/// What `end` itself offers, or accepted, as an IKE SA of the tunnel shows; the one nearest in time
/// before or after the IKE SA `not`.
pub fn known_of(case: &Case<'_>, end: IpAddr, not: &IkeSa) -> Option<(Offer, Cite, &'static str)> {
    let mut known: Vec<(Offer, Cite, &'static str)> = Vec::new();
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        if sa.version.major() != not.version.major() {
            continue;
        }
        let Some(path) = sa.paths.first() else {
            continue;
        };
        if path.from.address == end
            && let Some((offer, at)) = offered(case.model, sa)
        {
            known.push((offer, at, "offers"));
        }
        if path.to.address == end
            && let Some((offer, at)) = accepted(case.model, sa)
        {
            known.push((offer, at, "accepted"));
        }
    }
    let time = not.seen.first.1;
    known.sort_by_key(|(_, at, _)| at.1.since(time).0.unsigned_abs());
    known.into_iter().next()
}

/// The last choice before a time that `responder` made of an offer of `initiator`, with that offer.
pub fn accepted_before(
    case: &Case<'_>,
    [initiator, responder]: [IpAddr; 2],
    before: Cite,
) -> Option<Agreed> {
    case.tunnel
        .ike_sas
        .iter()
        .rev()
        .filter_map(|id| agreed(case.model, &case.model.ike_sas[*id]))
        .filter(|agreed| agreed.initiator == initiator && agreed.responder == responder)
        .find(|agreed| agreed.choice.1.1 < before.1)
}

/// An offer that was accepted.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Who offered.
    pub initiator: IpAddr,
    /// Who chose.
    pub responder: IpAddr,
    /// What was offered, and where.
    pub offer: (Offer, Cite),
    /// What was chosen, and where.
    pub choice: (Offer, Cite),
}

/// What the two sides of an IKE SA agreed on, if both messages were seen.
pub fn agreed(model: &Model, sa: &IkeSa) -> Option<Agreed> {
    let path = sa.paths.first()?;
    Some(Agreed {
        initiator: path.from.address,
        responder: path.to.address,
        offer: offered(model, sa)?,
        choice: accepted(model, sa)?,
    })
}

fn v2(sa: &ikev2::SecurityAssociation<'_>) -> Offer {
    let proposals = sa
        .proposals
        .iter()
        .map(|proposal| {
            let mut values = Proposal::new();
            for transform in &proposal.transforms {
                if let Some((kind, value)) = v2_value(transform) {
                    values.entry(kind).or_default().insert(value);
                }
            }
            values
        })
        .collect();
    Offer { proposals }
}

/// As [`v2`], with the protocol of each proposal for a child SA, and the mode that the message asks for
/// or grants: the tunnel unless it says otherwise (RFC 7296 section 1.3.1).
fn v2_child(sa: &ikev2::SecurityAssociation<'_>, mode: &Text) -> Offer {
    let mut offer = v2(sa);
    for (values, proposal) in offer.proposals.iter_mut().zip(&sa.proposals) {
        if proposal.protocol != SecurityProtocol::IKE {
            values.insert(
                Kind::Protocol,
                [Value::named(protocol(proposal.protocol))].into(),
            );
            values.insert(Kind::Mode, [Value::named(mode.clone())].into());
        }
    }
    offer
}

/// The mode that a notification asks for.
fn v2_mode(kind: NotifyType) -> Option<Text> {
    match kind {
        NotifyType::USE_TRANSPORT_MODE => Some(mode(EncapsulationMode::TRANSPORT.0)),
        negotiation::USE_BEET_MODE => Some(Text::verbatim("BEET")),
        _ => None,
    }
}

/// The name of a mode by its number in IKEv1, or that number.
fn mode(id: u16) -> Text {
    EncapsulationMode(id)
        .name()
        .map_or_else(|| Text::verbatim(id), Text::name)
}

/// The name of a protocol, or its number.
fn protocol(id: SecurityProtocol) -> Text {
    id.name().map_or_else(|| Text::verbatim(id.0), Text::name)
}

fn v2_value(transform: &ikev2::Transform<'_>) -> Option<(Kind, Value)> {
    let kind = match transform.kind {
        TransformType::ENCR => Kind::Encryption,
        TransformType::PRF => Kind::Prf,
        TransformType::INTEG => Kind::Integrity,
        TransformType::KE => Kind::KeyExchange,
        TransformType::ESN => Kind::SequenceNumbers,
        // RFC 9370 section 4: additional key exchanges 1 to 7 are types 6 to 12.
        TransformType(n @ 6..=12) => Kind::Additional(n - 5),
        _ => return None,
    };
    let name = name(transform.kind, transform.id);
    let value = Value {
        name: sized(name, transform.key_length),
        id: Some((transform.id, transform.key_length)),
    };
    Some((kind, value))
}

/// A name with the length of the key, if that is told: `ENCR_AES_CBC-256`.
fn sized(name: impl fmt::Display, bits: Option<impl fmt::Display>) -> Text {
    match bits {
        Some(bits) => Text::verbatim(format_args!("{name}-{bits}")),
        None => Text::verbatim(name),
    }
}

/// The name of a transform, or its number.
pub fn name(kind: TransformType, id: u16) -> Text {
    transform::name(kind, id).map_or_else(|| Text::verbatim(id), Text::name)
}

/// A group by name and number, as people know it: `2048-bit MODP Group (14)`.
pub fn group(id: u16) -> Text {
    match transform::key_exchange(id) {
        Some(row) => Text::verbatim(format_args!("{} ({id})", row.name)),
        None => say!("group {id}", id),
    }
}

fn v1(sa: &ikev1::SecurityAssociation<'_>) -> Offer {
    let proposals = sa
        .proposals
        .iter()
        .flat_map(|proposal| &proposal.transforms)
        .map(v1_suite)
        .collect();
    Offer { proposals }
}

/// An ISAKMP transform is a whole suite (RFC 2409 appendix A).
fn v1_suite(transform: &ikev1::Transform<'_>) -> Proposal {
    let number = |kind: u16| {
        transform
            .attributes
            .iter()
            .find(|attribute| attribute.kind == kind)
            .and_then(|attribute| attribute.value.number())
    };
    let short = |kind| number(kind).and_then(|number| u16::try_from(number).ok());
    let mut suite = Proposal::new();
    let mut add = |kind, name: Option<Text>, id| {
        if let Some(name) = name {
            suite.insert(kind, BTreeSet::from([Value { name, id }]));
        }
    };
    let bare = |id: u16| (id, None);
    let cipher = number(1).map(|id| match (v1_cipher(id), number(14)) {
        (Some(name), bits) => sized(name, bits),
        (None, Some(bits)) => say!("cipher {id}-{bits}", id, bits),
        (None, None) => say!("cipher {id}", id),
    });
    let cipher_id = short(1).and_then(|id| encryption_as_v2(id, short(14)));
    add(Kind::Encryption, cipher, cipher_id);
    let hash_id = short(2).and_then(prf_as_v2).map(bare);
    add(Kind::Prf, number(2).map(v1_hash), hash_id);
    add(Kind::Authentication, number(3).map(v1_method), None);
    add(
        Kind::KeyExchange,
        number(4).map(|id| name(TransformType::KE, u16::try_from(id).unwrap_or(u16::MAX))),
        short(4).map(bare),
    );
    suite
}

/// The transforms of phase 2, each a whole suite (RFC 2407 section 4.5). Compression is no part.
fn v1_child(sa: &ikev1::SecurityAssociation<'_>) -> Offer {
    let proposals = sa
        .proposals
        .iter()
        .flat_map(|proposal| {
            let transforms = proposal.transforms.iter();
            transforms.filter_map(|transform| v1_child_suite(proposal.protocol, transform))
        })
        .collect();
    Offer { proposals }
}

fn v1_child_suite(carries: SecurityProtocol, transform: &ikev1::Transform<'_>) -> Option<Proposal> {
    let number = |kind: Phase2Attribute| {
        let mut attributes = transform.attributes.iter();
        let attribute = attributes.find(|attribute| attribute.kind == kind.0)?;
        u16::try_from(attribute.value.number()?).ok()
    };
    let mut suite = Proposal::new();
    let mut add = |kind, name: Text, id| {
        suite.insert(kind, BTreeSet::from([Value { name, id }]));
    };
    let bare = |id: u16| (id, None);
    let id = transform.id;
    let named = transform_name(carries, id);
    let bits = number(Phase2Attribute::KEY_LENGTH);
    match carries {
        SecurityProtocol::ESP => {
            let cipher = match (esp_as_v2(id), named, bits) {
                (Some(id), ..) => sized(name(TransformType::ENCR, id), bits),
                (None, Some(name), _) => sized(name, bits),
                (None, None, Some(bits)) => say!("transform {id}-{bits}", id, bits),
                (None, None, None) => say!("transform {id}", id),
            };
            add(Kind::Encryption, cipher, esp_as_v2(id).map(|id| (id, bits)));
            if let Some(id) = number(Phase2Attribute::AUTHENTICATION_ALGORITHM) {
                let name = AuthenticationAlgorithm(id).name();
                let unnamed = || say!("authentication {id}", id);
                add(
                    Kind::Integrity,
                    name.map_or_else(unnamed, Text::verbatim),
                    integrity_as_v2(id).map(bare),
                );
            }
        }
        SecurityProtocol::AH => {
            let unnamed = || say!("transform {id}", id);
            // What is written for ESP is no advice for AH.
            add(
                Kind::Integrity,
                named.map_or_else(unnamed, Text::verbatim),
                None,
            );
        }
        _ => return None,
    }
    if let Some(id) = number(Phase2Attribute::GROUP_DESCRIPTION) {
        add(
            Kind::KeyExchange,
            name(TransformType::KE, id),
            Some(bare(id)),
        );
    }
    add(Kind::Protocol, protocol(carries), None);
    // RFC 4304 section 3: extended only if it is said.
    let esn = number(Phase2Attribute::EXTENDED_SEQUENCE_NUMBER).is_some();
    add(
        Kind::SequenceNumbers,
        name(TransformType::ESN, esn.into()),
        Some(bare(esn.into())),
    );
    // RFC 2407 section 4.5: what is not said depends on the host.
    if let Some(id) = number(Phase2Attribute::ENCAPSULATION_MODE) {
        add(Kind::Mode, mode(id), None);
    }
    Some(suite)
}

fn v1_cipher(id: u64) -> Option<&'static str> {
    Some(match id {
        1 => "DES-CBC",
        2 => "IDEA-CBC",
        3 => "Blowfish-CBC",
        4 => "RC5-R16-B64-CBC",
        5 => "3DES-CBC",
        6 => "CAST-CBC",
        7 => "AES-CBC",
        8 => "CAMELLIA-CBC",
        _ => return None,
    })
}

fn v1_hash(id: u64) -> Text {
    Text::verbatim(match id {
        1 => "MD5",
        2 => "SHA1",
        3 => "Tiger",
        4 => "SHA2-256",
        5 => "SHA2-384",
        6 => "SHA2-512",
        _ => return say!("hash {id}", id),
    })
}

fn v1_method(id: u64) -> Text {
    match id {
        1 => "pre-shared key",
        2 => "DSS signatures",
        3 => "RSA signatures",
        4 | 5 => "RSA encryption",
        9..=11 => "ECDSA signatures",
        64221 | 64222 => "hybrid RSA",
        65001 | 65002 => "XAUTH with pre-shared key",
        65005 | 65006 => "XAUTH with RSA signatures",
        _ => return say!("method {id}", id),
    }
    .into()
}

/// Whether the method of IKEv1 rests on a pre-shared key (RFC 2409; XAUTH draft).
pub fn v1_is_pre_shared(suite: &IkeSuite) -> bool {
    matches!(suite.v1_auth, Some(1 | 65001 | 65002))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &&str) -> Value {
        Value {
            name: Text::verbatim(name),
            id: None,
        }
    }

    fn offer(proposals: &[&[(Kind, &[&str])]]) -> Offer {
        Offer {
            proposals: proposals
                .iter()
                .map(|proposal| {
                    proposal
                        .iter()
                        .map(|(kind, values)| (*kind, values.iter().map(value).collect()))
                        .collect()
                })
                .collect(),
        }
    }

    #[test]
    fn only_a_kind_without_a_common_value_differs() {
        let ours = offer(&[&[
            (Kind::Encryption, &["AES-256"]),
            (Kind::KeyExchange, &["14", "19"]),
        ]]);
        let theirs = offer(&[&[
            (Kind::Encryption, &["AES-128"]),
            (Kind::KeyExchange, &["19"]),
        ]]);
        let kinds: Vec<Kind> = ours.differs(&theirs).into_iter().map(|d| d.0).collect();
        assert_eq!(kinds, [Kind::Encryption]);
        assert!(ours.differs(&ours).is_empty());
    }

    #[test]
    fn a_long_offer_is_cut_and_counted() {
        let one: &[(Kind, &[&str])] = &[(Kind::Encryption, &["AES-256"])];
        let said = offer(&[one; 6]).to_string();
        assert!(said.ends_with("| 2 more"), "{said}");
    }

    /// A value of each kind, by numbers.
    fn numbered(values: &[(Kind, u16, Option<u16>)]) -> Offer {
        let mut proposal = Proposal::new();
        for (kind, id, bits) in values {
            proposal.entry(*kind).or_default().insert(Value {
                name: Text::verbatim(format_args!("{id}-{bits:?}")),
                id: Some((*id, *bits)),
            });
        }
        Offer {
            proposals: vec![proposal],
        }
    }

    const CHOICE: &[(Kind, u16, Option<u16>)] = &[
        (Kind::Encryption, 12, Some(128)),
        (Kind::Encryption, 12, Some(256)),
        (Kind::Encryption, 3, None),
        (Kind::Integrity, 2, None),
        (Kind::Integrity, 12, None),
        (Kind::Prf, 2, None),
        (Kind::Prf, 5, None),
        (Kind::Prf, 7, None),
        (Kind::KeyExchange, 2, None),
        (Kind::KeyExchange, 20, None),
        (Kind::KeyExchange, 14, None),
    ];

    #[test]
    fn of_many_values_those_that_all_must_have_are_chosen() {
        let suite = numbered(CHOICE).one(None).unwrap();
        assert_eq!(suite.encryption, Some((12, Some(256))));
        assert_eq!(
            (suite.integrity, suite.prf, suite.group),
            (Some(12), Some(5), Some(14))
        );
    }

    #[test]
    fn what_the_other_side_has_already_stays() {
        let theirs = numbered(&[
            (Kind::Encryption, 12, Some(128)),
            (Kind::Integrity, 2, None),
            (Kind::Prf, 2, None),
            (Kind::KeyExchange, 19, None),
        ]);
        let suite = numbered(CHOICE).one(Some(&theirs)).unwrap();
        assert_eq!(suite.encryption, Some((12, Some(128))));
        assert_eq!(
            (suite.integrity, suite.prf, suite.group),
            (Some(2), Some(2), Some(14))
        );
    }

    #[test]
    fn what_has_no_number_makes_no_suite() {
        let unknown = offer(&[&[(Kind::Encryption, &["cipher 99"])]]);
        assert_eq!(unknown.one(None), None);
        let twice = numbered(&[
            (Kind::Encryption, 12, Some(256)),
            (Kind::Additional(1), 36, None),
        ]);
        assert_eq!(twice.one(None), None);
        let groupless = numbered(&[(Kind::Encryption, 12, Some(256)), (Kind::Prf, 5, None)]);
        assert_eq!(groupless.one(None), None);
        assert_eq!(Offer::default().one(None), None);
    }
}

//! Offers of suites for IKE SAs and child SAs: what each side proposes or accepts, by name, and how
//! they differ.

mod read;
mod value;

pub use read::{accepted, accepted_before, all_known, is_accepted, known_of, of_child, offered};
pub use value::{group, name};

use crate::language::{self, Text, parted};
use crate::model::IkeSuite;
use crate::registry::ikev1::EncapsulationMode;
use crate::registry::product::{Suite, integrity_of, prf_of};
use crate::registry::{SecurityProtocol, TransformType, transform};
use crate::say;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use value::{Algorithm, Value};

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

/// One proposal: for each kind the values that would do.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Proposal(Vec<(Kind, Value)>);

impl FromIterator<(Kind, Value)> for Proposal {
    fn from_iter<I: IntoIterator<Item = (Kind, Value)>>(values: I) -> Self {
        let mut values: Vec<(Kind, Value)> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Self(values)
    }
}

impl Proposal {
    /// The values of each kind that it names, in order of their numbers.
    fn kinds(&self) -> impl Iterator<Item = (Kind, &[(Kind, Value)])> {
        let kinds = self.0.chunk_by(|one, next| one.0 == next.0);
        kinds.filter_map(|values| Some((values.first()?.0, values)))
    }

    /// The values of a kind.
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let begin = self.0.partition_point(|(one, _)| *one < kind);
        let values = self.0.iter().skip(begin);
        values
            .take_while(move |(one, _)| *one == kind)
            .map(|(_, value)| value)
    }

    fn names(&self, kind: Kind) -> bool {
        self.of(kind).next().is_some()
    }

    /// Whether it would not do without a value of this kind.
    fn insists_on(&self, kind: Kind) -> bool {
        self.names(kind) && !self.of(kind).any(Value::is_none)
    }

    fn has(&self, kind: Kind, value: &Value) -> bool {
        self.0.binary_search(&(kind, *value)).is_ok()
    }

    /// Whether some of these values of a kind are among its own. What it does not name is NONE (RFC 7296 section 3.3,
    /// RFC 9370 section 2.2.1).
    fn takes(&self, values: &[(Kind, Value)]) -> bool {
        values
            .iter()
            .any(|(kind, value)| self.has(*kind, value) || value.is_none() && !self.names(*kind))
    }

    /// Whether it says nothing of a kind of which its sender may well want something. Who negotiates no group, as
    /// in IKE_AUTH, negotiates no additional key exchange either (RFC 9370 section 2.2.4).
    fn leaves_open(&self, kind: Kind) -> bool {
        let silent = match kind {
            Kind::KeyExchange | Kind::SequenceNumbers | Kind::Mode => kind,
            Kind::Additional(_) => Kind::KeyExchange,
            _ => return false,
        };
        !self.names(silent)
    }

    /// With one more value.
    fn add(&mut self, kind: Kind, value: Value) {
        if let Err(place) = self.0.binary_search(&(kind, value)) {
            self.0.insert(place, (kind, value));
        }
    }
}

/// All proposals of one message, in order of preference.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Offer {
    proposals: Vec<Proposal>,
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

    /// What somebody wants who names nothing but a group.
    pub fn of_group(group: u16) -> Self {
        let group = Algorithm::Transform(TransformType::KE, group);
        let proposal = [(Kind::KeyExchange, group.into())].into_iter().collect();
        Self {
            proposals: vec![proposal],
        }
    }

    /// How many proposals there are.
    pub fn len(&self) -> usize {
        self.proposals.len()
    }

    /// Every value offered of one kind, by name.
    pub fn values(&self, kind: Kind) -> BTreeSet<Text> {
        let values = self.proposals.iter().flat_map(|one| one.of(kind));
        values.map(Text::from).collect()
    }

    /// Whether a group, or another method of key exchange, is among those offered.
    pub fn has_group(&self, group: u16) -> bool {
        self.values(Kind::KeyExchange)
            .contains(&name(TransformType::KE, group))
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
        let values = self.proposals.iter().flat_map(|one| &one.0);
        values.map(|(kind, _)| *kind).collect()
    }

    /// The kinds of which the two sides have no value in common, with both sides' values.
    ///
    /// Empty when every kind has something in common; the combination may still have nothing.
    pub fn differs(&self, other: &Self) -> Vec<(Kind, Text, Text)> {
        let (ours, theirs) = (self.kinds(), other.kinds());
        let apart = |kind| self.values(kind).is_disjoint(&other.values(kind));
        let both = |kind| ours.contains(&kind) && theirs.contains(&kind);
        let insisted = |kind| self.insists_on(kind) || other.insists_on(kind);
        (&ours | &theirs)
            .into_iter()
            .filter(|kind| match kind {
                _ if both(*kind) => apart(*kind),
                Kind::Additional(_) => both(Kind::KeyExchange) && insisted(*kind),
                // A cipher that protects integrity itself goes without; that the cipher differs is then all.
                Kind::Integrity => !apart(Kind::Encryption) && insisted(*kind),
                _ => false,
            })
            .map(|kind| (kind, self.listed(kind), other.listed(kind)))
            .collect()
    }

    /// Whether no proposal would do without a value of this kind.
    fn insists_on(&self, kind: Kind) -> bool {
        self.proposals.iter().all(|one| one.insists_on(kind))
    }

    /// Whether one proposal of each side can agree: every kind that either names has a value in common.
    pub fn meets(&self, other: &Self) -> bool {
        self.some_pair(other, |_, _| false)
    }

    /// Whether of two proposals, one of each side, every kind that either names has a value in common, or
    /// `passes` where the other does not name it.
    fn some_pair(&self, other: &Self, passes: impl Fn(&Proposal, Kind) -> bool) -> bool {
        let agrees = |one: &Proposal, two: &Proposal| {
            let mut kinds = one.kinds();
            kinds.all(|(kind, values)| two.takes(values) || passes(two, kind))
        };
        let mut ours = self.proposals.iter();
        ours.any(|one| {
            let mut theirs = other.proposals.iter();
            theirs.any(|two| agrees(one, two) && agrees(two, one))
        })
    }

    /// Suites that would do, to be entered elsewhere, one out of each proposal: those first that are nearest to
    /// what the other side has. None of a proposal of which a part has no number.
    pub fn suites(&self, near: Option<&Self>) -> Vec<Suite> {
        let has = |kind, value: &Value| {
            let mut proposals = near.into_iter().flat_map(|near| &near.proposals);
            proposals.any(|one| one.has(kind, value))
        };
        let shared = |proposal: &&Proposal| {
            let kinds = proposal.kinds();
            kinds
                .filter(|(_, values)| values.iter().any(|(kind, value)| has(*kind, value)))
                .count()
        };
        // Of equals the first: it is preferred.
        let mut proposals: Vec<&Proposal> = self.proposals.iter().collect();
        proposals.sort_by_key(|proposal| Reverse(shared(proposal)));
        let suites = proposals
            .into_iter()
            .filter_map(|proposal| Self::suite(proposal, &has));
        suites.collect()
    }

    /// A suite out of a proposal, of values that the other side `has`, if it can be.
    fn suite(proposal: &Proposal, has: &impl Fn(Kind, &Value) -> bool) -> Option<Suite> {
        let named = |(kind, _): &(Kind, Value)| matches!(kind, Kind::Additional(_));
        if proposal.0.iter().any(named) {
            return None;
        }
        // What is entered is ESP in tunnel mode with numbers of 32 bits.
        let unusual = proposal.kinds().any(|(kind, values)| match kind {
            Kind::Protocol | Kind::Mode => !is_usual(values),
            Kind::SequenceNumbers => !values.contains(&(kind, short_numbers())),
            _ => false,
        });
        if unusual {
            return None;
        }
        let best = |kind| {
            let values = proposal.of(kind);
            values.max_by_key(|value| (has(kind, value), value.merit(kind)))
        };
        // A part that is offered, but has no number, must not be left out.
        let id = |kind| match best(kind) {
            Some(value) => value.id().map(Some),
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
            let mut values = proposal.of(Kind::Prf);
            values.any(|value| value.id().is_some_and(|(id, _)| id == prf))
        };
        if let Some(prf) = same.filter(|prf| offered(*prf)) {
            suite.prf = Some(prf);
        }
        Some(suite)
    }

    /// Whether one proposal of each side can agree, where one may leave open what the other names: the group, above
    /// all.
    pub fn fits_but_for_group(&self, other: &Self) -> bool {
        self.some_pair(other, Proposal::leaves_open)
    }

    /// Whether a proposal of IKEv2 has a cipher that protects integrity itself, and yet an integrity algorithm: such
    /// ciphers want a proposal of their own (RFC 7296 section 3.3).
    pub fn mixes_modes(&self) -> bool {
        let combined = |value: &Value| match value.algorithm {
            Algorithm::Transform(_, id) => transform::encryption(id).is_some_and(|row| row.aead),
            _ => false,
        };
        self.proposals
            .iter()
            .any(|one| one.of(Kind::Encryption).any(combined) && one.insists_on(Kind::Integrity))
    }

    /// The kinds of which there is more than one value, with the values.
    pub fn choices(&self) -> Vec<(Kind, Text)> {
        let kinds = self.several().into_iter();
        kinds.map(|kind| (kind, any(&self.values(kind)))).collect()
    }

    /// Whether there is one value of each kind.
    pub fn is_plain(&self) -> bool {
        self.several().is_empty()
    }

    /// The kinds of which there is more than one value.
    fn several(&self) -> Vec<Kind> {
        let all = self.proposals.iter().flat_map(|one| one.0.iter().copied());
        let all: Proposal = all.collect();
        let several = all.kinds().filter(|(_, values)| values.len() > 1);
        several.map(|(kind, _)| kind).collect()
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
            let said = proposal.kinds().filter(|(_, values)| !is_usual(values));
            language::list(said.map(|(_, values)| {
                let names: BTreeSet<Text> = values.iter().map(|(_, value)| value.into()).collect();
                any(&names)
            }))
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

/// Whether these values of one kind are what most child SAs have.
fn is_usual(values: &[(Kind, Value)]) -> bool {
    let [(kind, value)] = values else {
        return false;
    };
    let usual = match kind {
        Kind::Protocol => Algorithm::Protocol(SecurityProtocol::ESP).into(),
        Kind::SequenceNumbers => short_numbers(),
        Kind::Mode => Algorithm::Mode(EncapsulationMode::TUNNEL).into(),
        _ => return false,
    };
    *value == usual
}

/// Sequence numbers of 32 bits.
fn short_numbers() -> Value {
    Algorithm::Transform(TransformType::ESN, 0).into()
}

/// Values of which any will do.
fn any(values: &BTreeSet<Text>) -> Text {
    parted(" or ", values)
}

/// What else may be refused in an offer that [`Offer::mixes_modes`].
pub const MIXED_MODES: &str = "A proposal of the offer has both a cipher that protects integrity itself and an integrity \
                               algorithm: such ciphers want a proposal of their own (RFC 7296 section 3.3).";

/// Whether the method of IKEv1 rests on a pre-shared key (RFC 2409; XAUTH draft).
pub fn v1_is_pre_shared(suite: &IkeSuite) -> bool {
    matches!(suite.v1_auth, Some(1 | 65001 | 65002))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proposals of values by number.
    fn offer(proposals: &[&[(Kind, u16, Option<u64>)]]) -> Offer {
        let value = |(kind, id, bits): &(Kind, u16, Option<u64>)| {
            let of = match kind {
                Kind::Encryption => TransformType::ENCR,
                Kind::Prf => TransformType::PRF,
                Kind::Integrity => TransformType::INTEG,
                _ => TransformType::KE,
            };
            let algorithm = Algorithm::Transform(of, *id);
            (
                *kind,
                Value {
                    algorithm,
                    bits: *bits,
                },
            )
        };
        let proposals = proposals.iter();
        Offer {
            proposals: proposals
                .map(|values| values.iter().map(value).collect())
                .collect(),
        }
    }

    #[test]
    fn only_a_kind_without_a_common_value_differs() {
        let ours = offer(&[&[
            (Kind::Encryption, 12, Some(256)),
            (Kind::KeyExchange, 14, None),
            (Kind::KeyExchange, 19, None),
        ]]);
        let theirs = offer(&[&[
            (Kind::Encryption, 12, Some(128)),
            (Kind::KeyExchange, 19, None),
        ]]);
        let kinds: Vec<Kind> = ours.differs(&theirs).into_iter().map(|d| d.0).collect();
        assert_eq!(kinds, [Kind::Encryption]);
        assert!(ours.differs(&ours).is_empty());
    }

    #[test]
    fn a_long_offer_is_cut_and_counted() {
        let one: &[(Kind, u16, Option<u64>)] = &[(Kind::Encryption, 12, Some(256))];
        let said = offer(&[one; 6]).to_string();
        assert!(said.ends_with("| 2 more"), "{said}");
    }

    const CHOICE: &[(Kind, u16, Option<u64>)] = &[
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
        let suite = offer(&[CHOICE]).suites(None)[0];
        assert_eq!(suite.encryption, Some((12, Some(256))));
        assert_eq!(
            (suite.integrity, suite.prf, suite.group),
            (Some(12), Some(5), Some(14))
        );
    }

    #[test]
    fn what_the_other_side_has_already_stays() {
        let theirs = offer(&[&[
            (Kind::Encryption, 12, Some(128)),
            (Kind::Integrity, 2, None),
            (Kind::Prf, 2, None),
            (Kind::KeyExchange, 19, None),
        ]]);
        let suite = offer(&[CHOICE]).suites(Some(&theirs))[0];
        assert_eq!(suite.encryption, Some((12, Some(128))));
        assert_eq!(
            (suite.integrity, suite.prf, suite.group),
            (Some(2), Some(2), Some(14))
        );
    }

    #[test]
    fn what_has_no_number_makes_no_suite() {
        let unknown = Value::from(Algorithm::Cipher(99));
        let unknown: Proposal = [(Kind::Encryption, unknown)].into_iter().collect();
        let unknown = Offer {
            proposals: vec![unknown],
        };
        assert!(unknown.suites(None).is_empty());
        let twice = offer(&[&[
            (Kind::Encryption, 12, Some(256)),
            (Kind::Additional(1), 36, None),
        ]]);
        assert!(twice.suites(None).is_empty());
        let groupless = offer(&[&[(Kind::Encryption, 12, Some(256)), (Kind::Prf, 5, None)]]);
        assert!(groupless.suites(None).is_empty());
        assert!(Offer::default().suites(None).is_empty());
    }

    #[test]
    fn of_values_that_nobody_must_have_a_weak_one_is_the_last() {
        // 3DES has the lower number, Camellia the longer key; group 22 is weak, 31 is not.
        let ours = &[
            (Kind::Encryption, 3, None),
            (Kind::Encryption, 23, Some(128)),
            (Kind::Prf, 1, None),
            (Kind::Prf, 7, None),
            (Kind::Integrity, 1, None),
            (Kind::Integrity, 14, None),
            (Kind::KeyExchange, 22, None),
            (Kind::KeyExchange, 31, None),
        ];
        let suite = offer(&[ours]).suites(None)[0];
        assert_eq!(suite.encryption, Some((23, Some(128))));
        assert_eq!(
            (suite.integrity, suite.prf, suite.group),
            (Some(14), Some(7), Some(31))
        );
    }

    #[test]
    fn additional_key_exchanges_are_counted_from_one() {
        let suite = "ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19 ADDKE1=36 ADDKE7=35";
        let model = crate::testing::model(&format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA({suite}) KE(19) Nonce"
        ));
        let (offer, _) = offered(&model, model.ike_sas.iter().next().unwrap()).unwrap();
        let named = |n| offer.values(Kind::Additional(n)).len();
        assert_eq!([1, 2, 6, 7, 8, 11].map(named), [1, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn each_proposal_gives_a_suite_if_it_can() {
        let cbc: &[_] = &[
            (Kind::Encryption, 12, Some(256)),
            (Kind::Integrity, 12, None),
        ];
        let gcm: &[_] = &[(Kind::Encryption, 20, Some(256))];
        let twice: &[_] = &[
            (Kind::Encryption, 12, Some(256)),
            (Kind::Additional(1), 36, None),
        ];
        let suites = offer(&[gcm, twice, cbc]).suites(None);
        let ciphers: Vec<_> = suites.iter().map(|suite| suite.encryption).collect();
        assert_eq!(ciphers, [Some((20, Some(256))), Some((12, Some(256)))]);
        let nearest = offer(&[gcm, cbc]).suites(Some(&offer(&[cbc])));
        assert_eq!(nearest[0].encryption, Some((12, Some(256))));
    }
}

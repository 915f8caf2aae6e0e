//! What the sizes of a sealed `CREATE_CHILD_SA` leave open: whether the child SA has a key exchange of
//! its own, and how many traffic selectors it has.
//!
//! An answer that makes a child SA holds one proposal (RFC 7296 sections 1.3 and 3.3 to 3.13):
//!
//! ```text
//! SA     4 + 8 + SPI 4 + 12 or 8 (cipher) + 8 (integrity, unless AEAD) + 8 (ESN) + 8 (key exchange)
//! Nonce  4 + nonce            KE   8 + public value
//! TS     8 + 16 for each IPv4 selector, 40 for each IPv6 one; twice
//! N      8, such as ESP_TFC_PADDING_NOT_SUPPORTED; a request to rekey has N(REKEY_SA), 12
//! ```
//!
//! The length of the nonce is taken from the sender's `IKE_SA_INIT`, where it stands in clear. What
//! remains is a set of readings of which one is true, unless the sender adds something unusual.

use super::esp_size::{Family, Inferred};
use super::{ChildSaId, Exchange, Flight, IkeSaId, Model};
use crate::language::{Text, parted};
use crate::limits;
use crate::registry::{ExchangeType, transform};
use crate::say;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// One way to read a size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// Octets of the public value; `None` without a key exchange of its own.
    pub public_value: Option<u16>,
    /// How many IPv4 selectors both sides together may have, in order.
    pub selectors: Vec<usize>,
    /// How many IPv6 selectors, if these are such.
    pub selectors_v6: Vec<usize>,
}

/// What the exchange that made a child SA leaves open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChildInferred {
    /// The readings of the answer, the one without a public value first.
    pub readings: Vec<Reading>,
    /// How many IPv4 selectors of the request the answer may lack, at most; proposals that were not
    /// chosen look the same. `None` if the request is not there, or not sealed.
    pub dropped_at_most: Option<usize>,
}

/// More selectors than these on both sides together are not read into a size: everything would fit.
const SELECTORS: usize = 16;

/// More notifications than these in one answer are not in use.
const NOTIFIES: usize = 2;

/// Octets of one IPv4 selector, and of one IPv6 selector (RFC 7296 section 3.13.1).
const SELECTOR: [usize; 2] = [16, 40];

/// Octets of the most selectors that are read into a size.
const MOST: usize = SELECTORS * 40;

/// Octets of N(REKEY_SA) with an SPI of four.
const REKEY_SA: usize = 12;

impl Reading {
    /// The groups whose public value is so long.
    pub fn groups(&self) -> impl Iterator<Item = u16> {
        let octets = self.public_value;
        let rows = transform::KEY_EXCHANGE.iter();
        rows.filter(move |row| Some(row.octets) == octets)
            .map(|row| row.id)
    }
}

/// `Curve25519 with 2 or 3 IPv4 selectors`.
impl From<&Reading> for Text {
    fn from(reading: &Reading) -> Self {
        let names = reading.groups().filter_map(transform::key_exchange);
        let names: Vec<Self> = names.map(|row| Self::verbatim(row.name)).take(2).collect();
        let group = match names.is_empty() {
            true => "no PFS".into(),
            false => parted(" or ", names),
        };
        let of = |counts: &[usize], family| {
            let counts = (!counts.is_empty()).then(|| parted(" or ", counts));
            counts.map(|counts| say!("{counts} {family}", counts, family = Self::verbatim(family)))
        };
        let sets = [
            of(&reading.selectors, "IPv4"),
            of(&reading.selectors_v6, "IPv6"),
        ];
        say!(
            "{group} with {sets} selectors",
            group,
            sets = parted(", or ", sets.into_iter().flatten())
        )
    }
}

/// English.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

/// `no PFS with 2 IPv4 selectors; or Curve25519 with …`.
impl From<&ChildInferred> for Text {
    fn from(inferred: &ChildInferred) -> Self {
        parted("; or ", &inferred.readings)
    }
}

/// English.
impl fmt::Display for ChildInferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::from(self).fmt(f)
    }
}

impl Model {
    /// What the sizes of the exchange that made a child SA leave open; `None` if it was opened, is
    /// no sealed `CREATE_CHILD_SA`, or fits nothing.
    pub fn child_inferred(&self, child: ChildSaId) -> Option<ChildInferred> {
        let row = &self.child_sas[child];
        let exchange = &self.exchanges[row.made_by?];
        if row.terms.is_some() || exchange.kind != ExchangeType::CREATE_CHILD_SA {
            return None;
        }
        let response = exchange.response()?;
        let flows = row.flows.iter().flatten();
        let families = flows
            .filter_map(|flow| Inferred::of(&self.flows[*flow]))
            .map(|inferred| inferred.families())
            .filter(|families| !families.is_empty())
            .min_by_key(Vec::len);
        let readings = self.child_readings(exchange.ike_sa, response, families.as_deref(), 0);
        let dropped_at_most = self.dropped_at_most(exchange);
        (!readings.is_empty()).then_some(ChildInferred {
            readings,
            dropped_at_most,
        })
    }

    /// The ways to read a sealed message that asks for a rekeying with a single proposal, as
    /// [`Model::child_inferred`] reads answers.
    pub fn rekey_readings(&self, ike_sa: IkeSaId, request: &Flight) -> Vec<Reading> {
        self.child_readings(ike_sa, request, None, REKEY_SA)
    }

    /// How many IPv4 selectors of a sealed request its sealed answer may lack: N(REKEY_SA), which
    /// only a request has, is less than one.
    pub fn dropped_at_most(&self, exchange: &Exchange) -> Option<usize> {
        let request = self.plaintext_range(exchange.ike_sa, exchange.request()?)?;
        let answer = self.plaintext_range(exchange.ike_sa, exchange.response()?)?;
        let more = request.end().saturating_sub(*answer.start());
        let [each, _] = SELECTOR;
        Some(more / each)
    }

    /// Whether a sealed `CREATE_CHILD_SA` that made a child SA took the place of another, if its sizes tell:
    /// request and answer name the same proposal, selectors and kinds of keys, each with a nonce of its own, and
    /// only the request that renews has N(REKEY_SA) besides (RFC 7296 sections 1.3.1 and 1.3.3). `None` where
    /// more than that differs, or padding hides it. The rekeying of an IKE SA looks like one that renews none. One
    /// that renews none looks like one that does where the request offers one transform more than is chosen, with a
    /// key length: `Some(true)` is no proof.
    pub fn renews_by_size(&self, exchange: &Exchange) -> Option<bool> {
        let octets = |flight: &Flight| {
            let plaintext = self.plaintext_range(exchange.ike_sa, flight)?;
            let from = self.messages[flight.first()?].path.from().address;
            let nonce = self.nonce_of(exchange.ike_sa, from)?;
            let (least, most) = plaintext.into_inner();
            Some((least.checked_sub(nonce)?, most.checked_sub(nonce)?))
        };
        let (request, answer) = (octets(exchange.request()?)?, octets(exchange.response()?)?);
        let may_be = |more: usize| request.0 <= answer.1 + more && answer.0 + more <= request.1;
        match (may_be(REKEY_SA), may_be(0)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    fn child_readings(
        &self,
        ike_sa: IkeSaId,
        flight: &Flight,
        families: Option<&[Family]>,
        besides: usize,
    ) -> Vec<Reading> {
        let readings = || {
            let plaintext = self.plaintext_range(ike_sa, flight)?;
            let from = self.messages[flight.first()?].path.from().address;
            let nonce = self.nonce_of(ike_sa, from)?;
            Some(read(&plaintext, nonce, families, besides))
        };
        readings().unwrap_or_default()
    }

    /// Octets of the nonce that this address sent in `IKE_SA_INIT`, before any rekeying.
    fn nonce_of(&self, ike_sa: IkeSaId, from: IpAddr) -> Option<usize> {
        std::iter::successors(Some(ike_sa), |id| self.ike_sas[*id].replaces)
            .take(limits::REKEY_GENERATIONS)
            .find_map(|id| {
                let row = &self.ike_sas[id];
                let path = row.paths.first()?;
                let ends = [path.from.address, path.to.address];
                let sent = ends.iter().zip(row.nonces).filter(|(end, _)| **end == from);
                sent.filter_map(|(_, octets)| octets).next()
            })
            .map(usize::from)
    }
}

/// Every reading of a plaintext of so many octets.
fn read(
    plaintext: &RangeInclusive<usize>,
    nonce: usize,
    families: Option<&[Family]>,
    besides: usize,
) -> Vec<Reading> {
    let may_be = |family| families.is_none_or(|families| families.contains(&family));
    let aligned = may_be(Family::Aligned);
    let blocks = may_be(Family::Block16) || may_be(Family::Block8);
    // Cipher with its key length or without, and integrity: AEAD, ChaCha20, AES-CBC, 3DES or NULL.
    let suites = [
        (aligned, 12),
        (aligned, 8),
        (blocks, 12 + 8),
        (blocks || aligned, 8 + 8),
    ];
    let mut values: BTreeSet<u16> = transform::KEY_EXCHANGE
        .iter()
        .map(|row| row.octets)
        .collect();
    values.insert(0);
    let mut found: BTreeMap<u16, [BTreeSet<usize>; 2]> = BTreeMap::new();
    for (_, transforms) in suites.into_iter().filter(|(fits, _)| *fits) {
        for value in &values {
            let exchange = match value {
                0 => 0,
                value => 8 + 8 + usize::from(*value),
            };
            let around = 4 + 8 + 4 + transforms + 8 + exchange + 4 + nonce + 8 + 8 + besides;
            for notifies in 0..=NOTIFIES {
                let around = around + 8 * notifies;
                if *plaintext.end() < around || *plaintext.start() > around + MOST {
                    continue;
                }
                for octets in plaintext.clone() {
                    let Some(left) = octets.checked_sub(around) else {
                        continue;
                    };
                    let counts = found.entry(*value).or_default();
                    for (counts, each) in counts.iter_mut().zip(SELECTOR) {
                        // Each side has one at least.
                        let fits = left.is_multiple_of(each);
                        counts.extend(
                            Some(left / each).filter(|n| fits && (2..=SELECTORS).contains(n)),
                        );
                    }
                }
            }
        }
    }
    let readings = found.into_iter().map(|(value, [v4, v6])| Reading {
        public_value: (value > 0).then_some(value),
        selectors: v4.into_iter().collect(),
        selectors_v6: v6.into_iter().collect(),
    });
    readings
        .filter(|reading| !reading.selectors.is_empty() || !reading.selectors_v6.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChildSaId;

    /// What is inferred of the child SA that a `CREATE_CHILD_SA` makes, its messages so long.
    fn inferred(request: u32, response: u32, esp: &str) -> Option<ChildInferred> {
        let model = crate::testing::model(&format!(
            "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 257
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 241
             1 A > B ESP 0xb1 seq 1..40 every 0.1 size 140
             1.1 B > A ESP 0xa1 seq 1..40 every 0.1 size 140
             10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed {request}
             10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed {response}
             10.2 A > B ESP 0xb2 seq 1..40 every 0.1 size {esp}
             10.3 B > A ESP 0xa2 seq 1..40 every 0.1 size {esp}"
        ));
        model.child_inferred(ChildSaId(1))
    }

    /// Sizes that only a cipher without blocks gives.
    const ALIGNED: &str = "100,104,108,140,148,152,164";

    #[test]
    fn an_answer_without_a_public_value_has_few_selectors() {
        let inferred = inferred(189, 177, ALIGNED).unwrap();
        let first = inferred.readings.first().unwrap();
        assert_eq!(
            (first.public_value, first.selectors.first()),
            (None, Some(&2))
        );
        assert_eq!(inferred.readings.len(), 1, "{inferred}");
    }

    #[test]
    fn three_selectors_look_like_curve25519() {
        let inferred = inferred(237, 225, ALIGNED).unwrap();
        let values: Vec<_> = inferred
            .readings
            .iter()
            .map(|one| one.public_value)
            .collect();
        assert_eq!(values, [None, Some(32)]);
        assert_eq!(inferred.readings[1].selectors.first(), Some(&2));
    }

    #[test]
    fn the_group_of_the_answer_is_always_among_the_readings() {
        for row in transform::KEY_EXCHANGE.iter().filter(|row| row.octets > 0) {
            let length = 177 + 16 + u32::from(row.octets);
            let inferred = inferred(length + 12, length, ALIGNED).unwrap();
            let reads = |one: &Reading| {
                one.groups().any(|group| group == row.id) && one.selectors.contains(&2)
            };
            assert!(
                inferred.readings.iter().any(reads),
                "{} {inferred}",
                row.name
            );
        }
    }

    #[test]
    fn an_answer_that_is_shorter_by_a_selector_may_lack_one() {
        let dropped = |request| inferred(request, 177, ALIGNED).unwrap().dropped_at_most;
        assert_eq!(dropped(177), Some(0));
        assert_eq!(dropped(193), Some(1));
        assert_eq!(dropped(225), Some(3));
    }

    #[test]
    fn what_was_not_made_by_a_sealed_exchange_is_not_inferred() {
        let model =
            crate::testing::model("1 A > B ESP 0xb1 seq 1..40\n1.1 B > A ESP 0xa1 seq 1..40");
        let inferred = model
            .child_sas
            .ids()
            .find_map(|id| model.child_inferred(id));
        assert_eq!(inferred, None);
    }
}

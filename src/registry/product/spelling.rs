//! How products write a suite of algorithms.

use crate::registry::transform;

/// One choice of algorithms, by the transform IDs of IKEv2.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Suite {
    /// The cipher, and the bits of its key where they are told.
    pub encryption: Option<(u16, Option<u16>)>,
    /// The integrity algorithm; none with a cipher that authenticates by itself.
    pub integrity: Option<u16>,
    /// The pseudorandom function; none for a child SA.
    pub prf: Option<u16>,
    /// The key exchange group.
    pub group: Option<u16>,
}

impl Suite {
    /// Whether its cipher authenticates by itself.
    pub fn is_aead(&self) -> bool {
        let cipher = self
            .encryption
            .and_then(|(id, _)| transform::encryption(id));
        cipher.is_some_and(|row| row.aead)
    }
}

/// The function and the integrity algorithm that rest on the same hash or cipher: configurations often
/// name one for both.
pub fn integrity_of(prf: u16) -> Option<u16> {
    let pair = SAME.iter().find(|(_, function)| *function == prf)?;
    Some(pair.0)
}

/// As [`integrity_of`], the other way.
pub fn prf_of(integrity: u16) -> Option<u16> {
    let pair = SAME.iter().find(|(algorithm, _)| *algorithm == integrity)?;
    Some(pair.1)
}

/// MD5, SHA1, AES-XCBC, AES-CMAC, SHA2: INTEG and PRF.
const SAME: &[(u16, u16)] = &[(1, 1), (2, 2), (5, 4), (8, 8), (12, 5), (13, 6), (14, 7)];

/// The forms of a product. `None` where it is not known for sure.
#[derive(Debug, Default)]
pub struct Spelling {
    /// The IKE SA of IKEv1.
    pub ike_v1: Option<Form>,
    /// The IKE SA of IKEv2.
    pub ike_v2: Option<Form>,
    /// A child SA of IKEv1.
    pub child_v1: Option<Form>,
    /// A child SA of IKEv2.
    pub child_v2: Option<Form>,
    /// The group of a child SA alone.
    pub pfs: Option<Form>,
}

/// How a suite is written: words, and what stands before each.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub(super) parts: &'static [(&'static str, Part)],
    pub(super) words: Words,
}

/// The words of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Transform ID, bits of the key (0: whatever they are), word.
    pub(super) ciphers: &'static [(u16, u16, &'static str)],
    /// What stands for none, too, if that must be said.
    pub(super) integrity: &'static [(u16, &'static str)],
    /// Pseudorandom functions.
    pub(super) prfs: &'static [(u16, &'static str)],
    /// Key exchange groups.
    pub(super) groups: Groups,
}

/// How groups are called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Groups {
    /// By these numbers.
    Numbers(&'static [u16]),
    /// By names.
    Names(&'static [(u16, &'static str)]),
}

/// A part of a form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Cipher,
    /// The integrity algorithm. Left out beside a cipher that authenticates by itself, unless there is a
    /// word for none.
    Integrity,
    /// The integrity algorithm, or the cipher again if it authenticates by itself.
    Seal,
    Prf,
    /// The function where the integrity algorithm does not imply it.
    OtherPrf,
    /// The function beside a cipher that authenticates by itself, and nowhere else.
    PrfOfAead,
    /// The hash of both.
    Hash,
    /// Left out if there is none.
    Group,
}

impl Form {
    /// The suite as the product writes it; `None` if it has no word for a part, or cannot say it.
    pub fn spell(&self, suite: &Suite) -> Option<String> {
        let mut said = String::new();
        for (before, part) in self.parts {
            if let Some(word) = self.word(*part, suite)? {
                said += before;
                said += &word;
            }
        }
        (self.says_prf(suite) && !said.is_empty()).then_some(said)
    }

    /// The word for a part: `None` if it is missing, `Some(None)` if nothing is to be said.
    fn word(&self, part: Part, suite: &Suite) -> Option<Option<String>> {
        let Words {
            ciphers,
            integrity,
            prfs,
            groups,
        } = self.words;
        let owned = |word: &&str| (*word).to_owned();
        let cipher = || {
            let (id, bits) = suite.encryption?;
            let row = ciphers
                .iter()
                .find(|row| row.0 == id && (row.1 == 0 || Some(row.1) == bits))?;
            Some(row.2.to_owned())
        };
        let named = |table: &[(u16, &str)], id: u16| {
            let row = table.iter().find(|row| row.0 == id)?;
            Some(row.1.to_owned())
        };
        let function = || named(prfs, suite.prf?);
        let word = match part {
            Part::Cipher => cipher()?,
            Part::Integrity if suite.is_aead() => {
                let none = integrity.iter().find(|row| row.0 == 0);
                return Some(none.map(|row| &row.1).map(owned));
            }
            Part::Seal if suite.is_aead() => cipher()?,
            Part::Integrity | Part::Seal => named(integrity, suite.integrity?)?,
            Part::Prf => function()?,
            Part::OtherPrf if suite.prf == suite.integrity.and_then(prf_of) => return Some(None),
            Part::PrfOfAead if !suite.is_aead() => return Some(None),
            Part::OtherPrf | Part::PrfOfAead => function()?,
            Part::Hash => match (suite.integrity, suite.prf) {
                (Some(id), _) => named(integrity, id)?,
                (None, Some(prf)) => named(integrity, integrity_of(prf)?)?,
                (None, None) => return Some(None),
            },
            Part::Group => match (suite.group, groups) {
                (None | Some(0), _) => return Some(None),
                (Some(id), Groups::Numbers(numbers)) => {
                    numbers.contains(&id).then(|| id.to_string())?
                }
                (Some(id), Groups::Names(names)) => named(names, id)?,
            },
        };
        Some(Some(word))
    }

    /// Whether nothing is left unsaid of the pseudorandom function.
    fn says_prf(&self, suite: &Suite) -> bool {
        let has = |part| self.parts.iter().any(|(_, one)| *one == part);
        let alone = suite.integrity.is_none() && (has(Part::Hash) || has(Part::PrfOfAead));
        has(Part::Prf)
            || has(Part::OtherPrf)
            || alone
            || !has(Part::Cipher)
            || suite.prf.is_none()
            || suite.prf == suite.integrity.and_then(prf_of)
    }
}

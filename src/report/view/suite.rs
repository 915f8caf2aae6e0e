//! Suites: algorithms by number and name.

use crate::language::{Text, list};
use crate::model::{ChildSuite, IkeSuite};
use crate::registry::{TransformType, transform};
use crate::say;
use serde::Serialize;

/// The algorithms of an IKE SA: numbers and names of the IKEv2 registry, whatever the version.
#[derive(Debug, Serialize)]
pub struct SuiteView {
    /// Encryption.
    pub encryption: Option<AlgorithmView>,
    /// Its key length in bits, where it is told.
    pub key_bits: Option<u16>,
    /// Integrity; null with AEAD ciphers and in IKEv1.
    pub integrity: Option<AlgorithmView>,
    /// PRF.
    pub prf: Option<AlgorithmView>,
    /// Key exchange method.
    pub group: Option<AlgorithmView>,
    /// Additional key exchanges (RFC 9370).
    pub additional_groups: Vec<AlgorithmView>,
    /// IKEv1: authentication method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_auth: Option<u16>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_secs: Option<u64>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_kilobytes: Option<u64>,
}

impl SuiteView {
    pub(super) fn new(suite: &IkeSuite) -> Self {
        let named = |kind, id: Option<u16>| id.map(|id| AlgorithmView::new(kind, id));
        Self {
            encryption: named(TransformType::ENCR, suite.encryption),
            key_bits: suite.key_bits,
            integrity: named(TransformType::INTEG, suite.integrity),
            prf: named(TransformType::PRF, suite.prf),
            group: named(TransformType::KE, suite.group),
            additional_groups: further(&suite.additional_groups),
            v1_auth: suite.v1_auth,
            v1_lifetime_secs: suite.v1_lifetime_secs,
            v1_lifetime_kilobytes: suite.v1_lifetime_kilobytes,
        }
    }

    /// As one line: `ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 PRF_HMAC_SHA2_256 Curve25519`.
    pub fn line(&self) -> Text {
        let cipher = cipher(self.encryption.as_ref(), self.key_bits);
        let others = [&self.integrity, &self.prf, &self.group];
        let others = others.into_iter().flatten().chain(&self.additional_groups);
        list(cipher.into_iter().chain(others.map(AlgorithmView::says)))
    }
}

/// The algorithms of a child SA: numbers and names of the IKEv2 registry, whatever the version.
#[derive(Debug, Serialize)]
pub struct ChildSuiteView {
    /// Encryption; null for AH.
    pub encryption: Option<AlgorithmView>,
    /// Its key length in bits, where it is told.
    pub key_bits: Option<u16>,
    /// Integrity; null with AEAD ciphers.
    pub integrity: Option<AlgorithmView>,
    /// Key exchange method of its own; null if it has none.
    pub group: Option<AlgorithmView>,
    /// Additional key exchanges (RFC 9370).
    pub additional_groups: Vec<AlgorithmView>,
    /// Whether sequence numbers are extended; null if it is not said.
    pub esn: Option<bool>,
}

impl ChildSuiteView {
    pub(super) fn new(suite: &ChildSuite) -> Self {
        let named = |kind, id: Option<u16>| id.map(|id| AlgorithmView::new(kind, id));
        Self {
            encryption: named(TransformType::ENCR, suite.encryption),
            key_bits: suite.key_bits,
            integrity: named(TransformType::INTEG, suite.integrity),
            group: named(TransformType::KE, suite.group),
            additional_groups: further(&suite.additional_groups),
            esn: suite.esn,
        }
    }

    /// As one line: `ENCR_AES_CBC-256, AUTH_HMAC_SHA2_256_128`.
    pub fn line(&self) -> Text {
        let cipher = cipher(self.encryption.as_ref(), self.key_bits);
        let others = [&self.integrity, &self.group].into_iter().flatten();
        let others = others.chain(&self.additional_groups);
        let extended = (self.esn == Some(true)).then(|| "extended sequence numbers".into());
        let words = cipher.into_iter().chain(others.map(AlgorithmView::says));
        list(words.chain(extended))
    }
}

/// Additional key exchange methods, which are numbered like the first.
fn further(groups: &[u16]) -> Vec<AlgorithmView> {
    let groups = groups.iter();
    groups
        .map(|id| AlgorithmView::new(TransformType::KE, *id))
        .collect()
}

/// A cipher and the length of its key: `ENCR_AES_CBC-256`.
fn cipher(cipher: Option<&AlgorithmView>, key_bits: Option<u16>) -> Option<Text> {
    let cipher = cipher?.says();
    Some(match key_bits {
        Some(bits) => say!("{cipher}-{bits}", cipher, bits),
        None => cipher,
    })
}

/// An algorithm by number and name.
#[derive(Debug, Serialize)]
pub struct AlgorithmView {
    /// Its transform ID.
    pub id: u16,
    /// Its IANA name.
    pub name: Option<&'static str>,
}

impl AlgorithmView {
    pub(super) fn new(kind: TransformType, id: u16) -> Self {
        Self {
            id,
            name: transform::name(kind, id),
        }
    }
    /// The name, or the number where there is none.
    fn says(&self) -> Text {
        match self.name {
            Some(name) => Text::verbatim(name),
            None => say!("algorithm {number}", number = self.id),
        }
    }
}

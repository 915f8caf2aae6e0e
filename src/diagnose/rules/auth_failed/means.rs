//! What a proof of identity rests on, as far as it can be told: what to compare follows from it.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{certificate, offer};
use crate::diagnose::{Case, Finding};
use crate::model::size::CERTIFICATES;
use crate::model::{IkeSaId, Model};
use crate::registry::ExchangeType;
use std::ops::RangeInclusive;

/// What the proof that is refused rests on: what to compare follows from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Means {
    /// A pre-shared key.
    SharedKey,
    /// A pre-shared key that both have alike.
    SameKey,
    /// A signature, mostly with a certificate.
    Signature,
    /// A user's name and password.
    User,
    /// Nothing yet: EAP is asked for.
    Eap,
    /// The key that EAP gave both sides (RFC 7296 section 2.16).
    EapKey,
    /// It is not known.
    Unknown,
}

impl Means {
    /// Identity, AUTH, SA, Traffic Selectors, and a certificate of X.509: its names, times, key and signature
    /// take 300 octets at least.
    pub(super) const NO_ROOM: usize = 440;

    /// Of IKEv1, where the method is agreed in clear; of IKEv2 by the size of the request.
    pub(super) fn of(model: &Model, id: IkeSaId) -> Self {
        let sa = &model.ike_sas[id];
        match (sa.version.major(), &sa.suite) {
            (1, Some(suite)) if offer::v1_is_pre_shared(suite) => Self::SharedKey,
            (1, Some(suite)) if suite.v1_auth.is_some() => Self::Signature,
            _ => Self::by_size(model, id).unwrap_or(Self::Unknown),
        }
    }

    /// Of the responder's proof: by size only what the initiator sent is known, and in main mode both have read what the
    /// pre-shared key encrypts (RFC 2409 section 5.4).
    pub(super) fn of_responder(model: &Model, id: IkeSaId) -> Self {
        let sa = &model.ike_sas[id];
        let first = sa.exchanges.first().map(|id| model.exchanges[*id].kind);
        match (sa.version.major(), Self::of(model, id)) {
            (1, Self::SharedKey) if first == Some(ExchangeType::IDENTITY_PROTECTION) => {
                Self::SameKey
            }
            (1, means) => means,
            _ => Self::Unknown,
        }
    }

    /// IKEv2: whether a responder that asked for a certificate was sent something as large, or one that
    /// asked for none something too small for it (RFC 7296 section 3.7).
    fn by_size(model: &Model, id: IkeSaId) -> Option<Self> {
        let size = size_of_proof(model, id)?;
        match certificate::is_asked_for(model, id)? {
            false => (*size.end() < Self::NO_ROOM).then_some(Self::SharedKey),
            true => (*size.start() >= CERTIFICATES).then_some(Self::Signature),
        }
    }

    /// What is wrong most often where a proof of this kind is not believed.
    pub(super) fn doubted(self) -> &'static str {
        match self {
            Self::Signature => "The certificate of the responder is not trusted.",
            _ => "The pre-shared keys differ.",
        }
    }

    /// The finding with the advice that follows.
    pub(super) fn advise(self, case: &Case<'_>, finding: Finding) -> Finding {
        let finding =
            finding.advise("Read the log of the side that refuses: it alone knows the reason.");
        let finding = finding.advise(match self {
            Self::SharedKey => "Compare pre-shared keys and identities (type and value) of both sides.",
            Self::SameKey => "Compare identities (type and value) of both sides.",
            Self::Signature => {
                "Compare identities (type and value) of both sides, their certificates, and the authorities that each \
                 trusts."
            }
            Self::User => {
                "Check the user's name, password and group, and read the log of the server that knows the users."
            }
            Self::Eap => {
                "Let both sides use the same method for this identity: EAP, or a pre-shared key or a certificate."
            }
            Self::EapKey => {
                "See that the authentication server gives the gateway the key of EAP (in RADIUS as MS-MPPE-Send-Key \
                 and MS-MPPE-Recv-Key), and read its log."
            }
            Self::Unknown => {
                "Compare pre-shared keys, identities (type and value) and certificates of both sides."
            }
        });
        let keys = matches!(self, Self::SharedKey | Self::Unknown);
        let keys = keys.then(|| vendor_advice::of_both(case, Topic::PreSharedKey));
        let identities =
            (self != Self::User).then(|| vendor_advice::of_both(case, Topic::Identity));
        finding
            .advise_all(keys.into_iter().flatten())
            .advise_all(identities.into_iter().flatten())
    }
}

/// IKEv2: how long the first request of authentication may be inside.
pub(super) fn size_of_proof(model: &Model, id: IkeSaId) -> Option<RangeInclusive<usize>> {
    let request = model.auth_rounds(id).first()?.request()?;
    model.plaintext_range(id, request)
}

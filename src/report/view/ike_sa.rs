//! IKE SAs.

use super::place::{PathView, SeenView};
use super::suite::SuiteView;
use crate::model::claim::method_name;
use crate::model::{IkeSaId, IkeState, Model, NatVerdict};
use crate::report::select::number;
use crate::wire::Version;
use serde::Serialize;

/// An IKE SA.
#[derive(Debug, Serialize)]
pub struct IkeSaView<'a> {
    /// Its number.
    pub id: u64,
    /// 16 hex digits.
    pub initiator_spi: String,
    /// 16 hex digits; zeros if none was chosen.
    pub responder_spi: String,
    /// `1.0`, `2.0`.
    pub version: String,
    /// See [`state`].
    pub state: &'static str,
    /// The paths it took, as the initiator sends.
    pub paths: Vec<PathView>,
    /// The algorithms the responder chose.
    pub suite: Option<SuiteView>,
    /// What NAT detection says.
    pub nat: Option<NatView>,
    /// Products that the initiator and the responder say they are.
    pub vendors: &'a [Vec<String>; 2],
    /// Whether initiator and responder announced IKE fragmentation.
    pub fragmentation: [Option<bool>; 2],
    /// How many exchanges were seen.
    pub exchanges: usize,
    /// How many messages were sent again.
    pub retransmissions: usize,
    /// Numbers of its child SAs.
    pub child_sas: Vec<u64>,
    /// Number of the IKE SA whose place it took.
    pub replaces: Option<u64>,
    /// Who initiator and responder say they are, where messages could be read that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<[PeerView; 2]>,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
}

impl<'a> IkeSaView<'a> {
    pub(super) fn new(model: &'a Model, id: IkeSaId) -> Self {
        let sa = &model.ike_sas[id];
        let flights = sa
            .exchanges
            .iter()
            .flat_map(|id| &model.exchanges[*id].flights);
        Self {
            id: number(id),
            initiator_spi: sa.spis.initiator.to_string(),
            responder_spi: sa.spis.responder.to_string(),
            version: version(sa.version),
            state: state(sa.state),
            paths: sa.paths.iter().map(PathView::new).collect(),
            suite: sa.suite.as_ref().map(SuiteView::new),
            nat: sa.nat.map(|nat| NatView {
                initiator: nat_verdict(nat.initiator),
                responder: nat_verdict(nat.responder),
            }),
            vendors: &sa.vendors,
            fragmentation: sa.fragmentation,
            exchanges: sa.exchanges.len(),
            retransmissions: flights.map(|flight| flight.again.len()).sum(),
            child_sas: sa.child_sas.iter().map(|id| number(*id)).collect(),
            replaces: sa.replaces.map(number),
            peers: peers(model, id),
            seen: SeenView::new(sa.seen),
        }
    }
}

/// What one side says of itself.
#[derive(Debug, Serialize)]
pub struct PeerView {
    /// Who it says it is.
    pub identity: Option<String>,
    /// How it proves it.
    pub method: Option<String>,
    /// The name it gives in EAP.
    pub eap_identity: Option<String>,
    /// The inner addresses that it was given.
    pub assigned: Vec<String>,
}

fn peers(model: &Model, id: IkeSaId) -> Option<[PeerView; 2]> {
    let claims = model.claims(id);
    let known = claims.iter().any(|claim| claim.at.is_some());
    known.then(|| {
        claims.map(|claim| PeerView {
            identity: claim.identity,
            method: claim.method.map(method_name),
            eap_identity: claim.eap_identity,
            assigned: claim.assigned,
        })
    })
}

/// The state of an IKE SA in one word.
pub fn state(state: IkeState) -> &'static str {
    match state {
        IkeState::Unanswered => "unanswered",
        IkeState::Refused => "refused",
        IkeState::HalfOpen => "half-open",
        IkeState::AuthRefused => "auth-refused",
        IkeState::Established => "established",
        IkeState::AlreadyUp => "already-up",
        IkeState::Deleted => "deleted",
    }
}

/// `2.0` and the like.
pub fn version(version: Version) -> String {
    format!("{}.{}", version.major(), version.minor())
}

pub(super) fn nat_verdict(verdict: NatVerdict) -> &'static str {
    match verdict {
        NatVerdict::Untranslated => "untranslated",
        NatVerdict::Translated => "translated",
        NatVerdict::TranslatedBeyond => "translated-beyond",
        NatVerdict::Forced => "forced",
        NatVerdict::FalseHash => "false-hash",
        NatVerdict::Unknown => "unknown",
    }
}

/// Who is behind a NAT; `None` if neither side's hash tells.
pub(super) fn behind_nat(initiator: NatVerdict, responder: NatVerdict) -> Option<&'static str> {
    let translated = |verdict| {
        matches!(
            verdict,
            NatVerdict::Translated | NatVerdict::TranslatedBeyond
        )
    };
    match (translated(initiator), translated(responder)) {
        (true, true) => Some("both"),
        (true, false) => Some("initiator"),
        (false, true) => Some("responder"),
        (false, false) if initiator == NatVerdict::Unknown && responder == initiator => None,
        (false, false) => Some("none"),
    }
}

/// What NAT detection says of each side: `untranslated`, `translated`, `translated-beyond`, `forced`,
/// `false-hash`, `unknown`.
#[derive(Debug, Serialize)]
pub struct NatView {
    /// Of the initiator.
    pub initiator: &'static str,
    /// Of the responder.
    pub responder: &'static str,
}

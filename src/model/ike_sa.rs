//! IKE SAs (IKEv1: ISAKMP SAs).

use super::child_sa::ChildSaId;
use super::exchange::ExchangeId;
use super::notice::Notice;
use super::signs::Signs;
use super::size::AuthOutcome;
use super::table::id;
use crate::net::Path;
use crate::registry::transform;
use crate::units::{FrameId, IkeSpis, Timestamp};
use crate::wire::Version;

id!(IkeSaId, "an IKE SA");

/// One IKE SA, or an attempt at one.
#[derive(Clone, Debug)]
pub struct IkeSa {
    /// IKE version of its messages.
    pub version: Version,
    /// Its SPIs; the responder's is zero if no response chose one.
    pub spis: IkeSpis,
    /// The paths its messages took, as the initiator sends (so `from` is the initiator), in order
    /// of first use; more than one when ports float to 4500 or addresses move (MOBIKE).
    pub paths: Vec<Path>,
    /// Its exchanges in order.
    pub exchanges: Vec<ExchangeId>,
    /// The suite that the responder chose.
    pub suite: Option<IkeSuite>,
    /// How its authentication ended, by what was read or as far as sizes tell.
    pub auth: AuthOutcome,
    /// How far it came.
    pub state: IkeState,
    /// What NAT detection says; `None` if its payloads were not seen.
    pub nat: Option<Nat>,
    /// The IKE SA that it took the place of by rekeying or reauthentication.
    pub replaces: Option<super::IkeSaId>,
    /// The exchange of that one which made this, if it was rekeyed.
    pub made_by: Option<ExchangeId>,
    /// Child SAs made under it.
    pub child_sas: Vec<ChildSaId>,
    /// Which vendor's product each side says it is: initiator, responder.
    pub vendors: [Vec<String>; 2],
    /// Whether each side announced IKE fragmentation (RFC 7383): initiator, responder; `None` if
    /// its `IKE_SA_INIT` was not seen.
    pub fragmentation: [Option<bool>; 2],
    /// Octets of the nonce that each side sent in its `IKE_SA_INIT`: initiator, responder; `None` if that was
    /// not seen, and in IKEv1.
    pub(crate) nonces: [Option<u16>; 2],
    /// Errors, requests for cookies and gateways redirected from that came in clear, in order; copies are not
    /// counted.
    pub notices: Vec<Notice>,
    /// What there is to see of its exchanges.
    pub(crate) signs: Signs,
    /// First and last time.
    pub seen: Seen,
}

/// First and last appearance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Frame and time of the first packet.
    pub first: (FrameId, Timestamp),
    /// Frame and time of the last packet.
    pub last: (FrameId, Timestamp),
}

/// How far an IKE SA came, judged by what was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IkeState {
    /// Only the first request was seen: no answer.
    Unanswered,
    /// The first request was refused in clear.
    Refused,
    /// Keys were agreed; authentication is not finished.
    HalfOpen,
    /// Authentication was answered by a message too small to carry an authentication: a refusal.
    AuthRefused,
    /// Authentication was answered by a message large enough to be a success.
    Established,
    /// Its beginning lies before the capture; it was alive.
    AlreadyUp,
    /// A message that can only be its deletion was seen. Whoever sent it is in the exchanges.
    Deleted,
}

impl IkeState {
    /// Whether the peers accepted each other: it is up, or was.
    pub fn was_up(self) -> bool {
        matches!(self, Self::Established | Self::AlreadyUp | Self::Deleted)
    }
}

/// The algorithms that protect an IKE SA.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IkeSuite {
    /// Encryption: transform ID of the IKEv2 registry, whatever the version.
    pub encryption: Option<u16>,
    /// Its key length in bits, where the transform tells it.
    pub key_bits: Option<u16>,
    /// PRF: transform ID of the IKEv2 registry. IKEv1: that of HMAC with the negotiated hash.
    pub prf: Option<u16>,
    /// Integrity: transform ID of the IKEv2 registry; `None` with AEAD ciphers and in IKEv1.
    pub integrity: Option<u16>,
    /// Key exchange method of the initial exchange.
    pub group: Option<u16>,
    /// Additional key exchanges (RFC 9370), in order.
    pub additional_groups: Vec<u16>,
    /// IKEv1: authentication method (RFC 2409 appendix A).
    pub v1_auth: Option<u16>,
    /// IKEv1: lifetime in seconds.
    pub v1_lifetime_secs: Option<u64>,
    /// IKEv1: lifetime in kilobytes.
    pub v1_lifetime_kilobytes: Option<u64>,
}

impl IkeSuite {
    /// The row of the cipher in the registry.
    pub fn cipher(&self) -> Option<&'static transform::Encryption> {
        self.encryption.and_then(transform::encryption)
    }
}

/// What the NAT detection payloads of both sides say (RFC 7296 section 2.23).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Nat {
    /// In front of the initiator.
    pub initiator: NatVerdict,
    /// In front of the responder.
    pub responder: NatVerdict,
}

impl NatVerdict {
    /// Whether it tells of a NAT, on this side of the tap or beyond.
    pub(crate) fn is_translation(self) -> bool {
        matches!(self, Self::Translated | Self::TranslatedBeyond)
    }
}

impl Nat {
    /// Whether they tell of a translation, or force UDP encapsulation.
    pub fn is_there(&self) -> bool {
        [self.initiator, self.responder].into_iter().any(|verdict| {
            matches!(
                verdict,
                NatVerdict::Translated
                    | NatVerdict::TranslatedBeyond
                    | NatVerdict::Forced
                    | NatVerdict::FalseHash
            )
        })
    }
}

/// What the hashes say of one side, as seen at this tap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NatVerdict {
    /// Its hash fits the address and port seen at this tap.
    Untranslated,
    /// Its hash does not fit what is seen at this tap: translated on the way here, or a random hash to
    /// force UDP encapsulation. The two cannot be told apart by the hash.
    Translated,
    /// Its hash does not fit what is seen at this tap, though no router lies between: its messages have the
    /// TTL of a sender. Most likely a random hash to force UDP encapsulation: it is of no address that is usual
    /// behind a NAT, as far as these were tried.
    FalseHash,
    /// Its own hash fits the address at this tap, yet the far side's hash of it does not: translated
    /// beyond this tap.
    TranslatedBeyond,
    /// Its hash is of the address seen at this tap and of port 0, which nothing is sent from: faked to
    /// force UDP encapsulation. The address is not translated on the way here.
    Forced,
    /// Not told.
    Unknown,
}

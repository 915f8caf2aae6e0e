//! Child SAs.

use super::esp_flow::FlowId;
use super::exchange::{ExchangeId, Role};
use super::ike_sa::{IkeSaId, Seen};
use super::selector::Selector;
use super::table::id;
use crate::units::EspSpi;

id!(ChildSaId, "a child SA");

/// A pair of ESP or AH SAs, as far as it is known.
#[derive(Clone, Debug)]
pub struct ChildSa {
    /// The IKE SA that it was made under; `None` if that lies before the capture or cannot be told.
    pub ike_sa: Option<IkeSaId>,
    /// The exchange that made it.
    pub made_by: Option<ExchangeId>,
    /// SPIs of the flows towards the initiator and towards the responder of that exchange.
    pub spis: [Option<EspSpi>; 2],
    /// Who asked for it.
    pub by: Option<Role>,
    /// Its flows: towards the initiator, towards the responder.
    pub flows: [Option<FlowId>; 2],
    /// Whether its flows may be those of another that was made together with it: no message that was
    /// opened names their SPIs, and they are taken in the order of their first packets.
    pub is_guessed: bool,
    /// The child SA whose place it took.
    pub replaces: Option<ChildSaId>,
    /// First and last packet of its flows; `None` if it never carried one.
    pub seen: Option<Seen>,
    /// What was agreed about it, as opened messages tell.
    pub terms: Option<Box<ChildTerms>>,
}

/// What the messages that made a child SA say of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChildTerms {
    /// Whether it is of AH, not ESP.
    pub ah: bool,
    /// How it carries packets; `None` if the answer was not opened.
    pub mode: Option<Mode>,
    /// The algorithms that were chosen.
    pub suite: Option<ChildSuite>,
    /// Selectors that were asked for: of the initiator and of the responder of the exchange.
    pub asked: Option<[Vec<Selector>; 2]>,
    /// Selectors that were granted.
    pub granted: Option<[Vec<Selector>; 2]>,
    /// IKEv1: lifetime in seconds that was chosen.
    pub lifetime_secs: Option<u64>,
    /// IKEv1: lifetime in kilobytes that was chosen.
    pub lifetime_kilobytes: Option<u64>,
}

/// How a child SA carries packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// A whole packet inside another (RFC 4303 section 3.1.2).
    Tunnel,
    /// What follows the IP header (RFC 4303 section 3.1.1).
    Transport,
    /// Bound End-to-End Tunnel: fixed inner addresses are left out (draft-nikander-esp-beet-mode).
    Beet,
}

/// The algorithms of a child SA: transform IDs of the IKEv2 registry, whatever the version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChildSuite {
    /// Encryption; AH has none.
    pub encryption: Option<u16>,
    /// Its key length in bits, where the transform tells it.
    pub key_bits: Option<u16>,
    /// Integrity; `None` with AEAD ciphers.
    pub integrity: Option<u16>,
    /// Key exchange method of its own (perfect forward secrecy); `None` if it has none.
    pub group: Option<u16>,
    /// Additional key exchange methods, in order (RFC 9370).
    pub additional_groups: Vec<u16>,
    /// Whether sequence numbers are extended; `None` if it is not said.
    pub esn: Option<bool>,
}

//! Child SAs.

use super::esp_flow::FlowId;
use super::exchange::{ExchangeId, Role};
use super::ike_sa::{IkeSaId, Seen};
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
    /// The child SA whose place it took.
    pub replaces: Option<ChildSaId>,
    /// First and last packet of its flows; `None` if it never carried one.
    pub seen: Option<Seen>,
}

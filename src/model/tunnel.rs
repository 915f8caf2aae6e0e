//! Tunnels: pairs of gateways. An inference, so a row of ids, not an owner.

use super::esp_flow::FlowId;
use super::ike_sa::IkeSaId;
use super::table::id;
use std::net::IpAddr;

id!(TunnelId, "a tunnel");

/// A pair of gateways and all that passed between them.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// Its two ends; the first is the one that first initiated, or first sent.
    pub ends: [IpAddr; 2],
    /// Every address each end was seen with: ends move (MOBIKE) and answer from elsewhere.
    pub addresses: [Vec<IpAddr>; 2],
    /// IKE SAs in order.
    pub ike_sas: Vec<IkeSaId>,
    /// Flows in order.
    pub flows: Vec<FlowId>,
}

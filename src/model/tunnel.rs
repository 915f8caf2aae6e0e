//! Tunnels: pairs of gateways. An inference, so a row of ids, not an owner.

use super::esp_flow::{EspFlow, FlowId};
use super::ike_sa::IkeSaId;
use super::inner_flow::InnerFlowId;
use super::table::id;
use super::tap_pair::TapPair;
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
    /// ICMP errors about packets between its addresses: places in [`Model::icmp`](super::Model::icmp).
    pub icmp: Vec<usize>,
    /// IP fragments between its addresses: places in
    /// [`Model::fragments`](super::Model::fragments).
    pub fragments: Vec<usize>,
    /// Packets in clear that may concern it: places in [`Model::clear`](super::Model::clear). Each
    /// goes to the first tunnel of its vantage, since without keys nothing says which it belongs to,
    /// and to the first tunnel there that has its sender or its receiver as an end.
    pub clear: Vec<usize>,
    /// Pairs of taps that recorded it.
    pub taps: Vec<TapPair>,
    /// Conversations inside its ESP, in order. One that goes through two tunnels stands in both.
    pub inner: Vec<InnerFlowId>,
    /// ICMP errors inside its ESP: places in [`Model::inner_errors`](super::Model::inner_errors).
    pub inner_errors: Vec<usize>,
}

impl Tunnel {
    /// Which end an address belongs to.
    pub fn end_of(&self, address: IpAddr) -> Option<usize> {
        self.addresses
            .iter()
            .zip(self.ends)
            .position(|(known, end)| end == address || known.contains(&address))
    }

    /// The end that a flow travels to.
    pub fn destination(&self, flow: &EspFlow) -> Option<usize> {
        self.end_of(flow.key.to).or_else(|| {
            let from = flow.paths.first()?.from.address;
            self.end_of(from).map(|end| 1 - end)
        })
    }
}

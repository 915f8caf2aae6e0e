//! Tunnels: pairs of gateways. An inference, so a row of ids, not an owner.

use super::esp_flow::{EspFlow, FlowId};
use super::ike_sa::IkeSaId;
use super::inner_flow::InnerFlowId;
use super::table::id;
use super::tap_pair::TapPair;
use std::collections::BTreeMap;
use std::net::IpAddr;

id!(TunnelId, "a tunnel");

/// A pair of gateways and all that passed between them.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// Its two ends; the first is the one that first initiated, or first sent.
    pub ends: [IpAddr; 2],
    /// Every address each end was seen with: ends move (MOBIKE) and answer from elsewhere.
    pub addresses: [Vec<IpAddr>; 2],
    /// The end of each address where there are many, as [`sides`] gives it.
    pub sides: BTreeMap<IpAddr, usize>,
    /// IKE SAs in order.
    pub ike_sas: Vec<IkeSaId>,
    /// Flows in order.
    pub flows: Vec<FlowId>,
    /// ICMP errors about packets between its addresses: places in [`Model::icmp`](super::Model::icmp).
    pub icmp: Vec<usize>,
    /// Messages outside of any IKE SA between its addresses: places in
    /// [`Model::outside`](super::Model::outside).
    pub outside: Vec<usize>,
    /// NAT keepalives between its addresses: places in
    /// [`Model::keepalives`](super::Model::keepalives).
    pub keepalives: Vec<usize>,
    /// IP fragments between its addresses: places in
    /// [`Model::fragments`](super::Model::fragments).
    pub fragments: Vec<usize>,
    /// Packets in clear that may concern it: places in [`Model::clear`](super::Model::clear). Each
    /// goes to the tunnel of its vantage whose selectors take it, to the first there where none is
    /// known to, since without keys nothing says which it belongs to, and to the first there that has
    /// its sender or its receiver as an end.
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
        if !self.sides.is_empty() {
            return self.sides.get(&address).copied();
        }
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

/// The end of each address that both have been seen with; empty where they are so few that looking at
/// each is quicker. A flood of spoofed senders gives one end tens of thousands.
pub fn sides(addresses: &[Vec<IpAddr>; 2]) -> BTreeMap<IpAddr, usize> {
    /// Addresses that are looked at one by one.
    const FEW: usize = 8;
    let mut sides = BTreeMap::new();
    if addresses.iter().map(Vec::len).sum::<usize>() > FEW {
        for (side, list) in addresses.iter().enumerate() {
            for address in list {
                sides.entry(*address).or_insert(side);
            }
        }
    }
    sides
}

//! Packets in clear that a tunnel should have carried.

use super::{end_of, esp, is_private};
use crate::model::{ClearFlow, Model, Tunnel, TunnelId};
use crate::units::{Span, Timestamp, Vantage};
use std::net::IpAddr;

/// Packets in clear between two private networks, on a link where gateways speak to each other.
///
/// Left out is what has a reason to be there: talk on a link whose gateways have such addresses
/// themselves, and the decrypted copies of inbound packets that a Linux gateway shows on the
/// interface they came in by.
pub fn between_networks(model: &Model, tunnel: TunnelId) -> Vec<&ClearFlow> {
    let row = &model.tunnels[tunnel];
    model
        .clear
        .iter()
        .filter(|flow| is_private(flow.from) && is_private(flow.to) && between(model, row, flow))
        .filter(|flow| owner(model, flow, between) == Some(tunnel))
        .filter(|flow| !may_be_copies(model, flow))
        .collect()
}

/// Packets in clear from a gateway's own address to a private network, asking for an answer that
/// never comes.
pub fn translated(model: &Model, tunnel: TunnelId) -> Vec<&ClearFlow> {
    let row = &model.tunnels[tunnel];
    model
        .clear
        .iter()
        .filter(|flow| flow.requests > 0 && from_gateway(model, row, flow))
        .filter(|flow| is_private(flow.to) && block(flow.from) != block(flow.to))
        .filter(|flow| owner(model, flow, from_gateway) == Some(tunnel))
        .filter(|flow| !is_answered(model, flow))
        .collect()
}

/// How many tunnels the flow may belong to.
pub fn candidates(model: &Model, flow: &ClearFlow) -> usize {
    model
        .tunnels
        .iter()
        .filter(|row| between(model, row, flow) || from_gateway(model, row, flow))
        .count()
}

/// The first tunnel that the flow may belong to: a leak is told once.
fn owner(
    model: &Model,
    flow: &ClearFlow,
    fits: fn(&Model, &Tunnel, &ClearFlow) -> bool,
) -> Option<TunnelId> {
    model
        .tunnels
        .entries()
        .find(|(_, row)| fits(model, row, flow))
        .map(|(id, _)| id)
}

fn between(model: &Model, row: &Tunnel, flow: &ClearFlow) -> bool {
    is_tunnel(model, row)
        && passes(model, row, flow.vantage)
        && is_foreign(row, flow.from)
        && is_foreign(row, flow.to)
}

fn from_gateway(model: &Model, row: &Tunnel, flow: &ClearFlow) -> bool {
    is_tunnel(model, row)
        && passes(model, row, flow.vantage)
        && end_of(row, flow.from).is_some()
        && end_of(row, flow.to).is_none()
}

/// Whether the tunnel was up at some time.
fn is_tunnel(model: &Model, row: &Tunnel) -> bool {
    !row.flows.is_empty() || row.ike_sas.iter().any(|id| super::life::was_up(model, *id))
}

/// Whether the packets of the tunnel pass this vantage, and the vantage is one link: a recording of
/// all interfaces at once that does not tell them apart shows the inside too.
fn passes(model: &Model, row: &Tunnel, vantage: Vantage) -> bool {
    let cooked = model
        .inputs
        .get(usize::from(vantage.input))
        .is_some_and(|input| input.link_types.iter().any(|name| name == "LINUX_SLL"));
    let esp = row
        .flows
        .iter()
        .any(|id| model.flows[*id].key.vantage == vantage);
    !cooked && (esp || super::tap::messages(model, row).any(|message| message.vantage == vantage))
}

/// Whether an address lies elsewhere than the gateways: not theirs, nor of their private block.
fn is_foreign(row: &Tunnel, address: IpAddr) -> bool {
    row.addresses
        .iter()
        .flatten()
        .all(|end| *end != address && (!is_private(*end) || block(*end) != block(address)))
}

/// The private block that an address belongs to (RFC 1918 section 3); all of RFC 4193 is one.
fn block(address: IpAddr) -> u8 {
    match address {
        _ if !is_private(address) => 0,
        IpAddr::V4(address) => address.octets().first().copied().unwrap_or(0),
        IpAddr::V6(_) => 1,
    }
}

/// Whether packets in clear come back.
fn is_answered(model: &Model, flow: &ClearFlow) -> bool {
    model.clear.iter().any(|other| {
        other.from == flow.to
            && other.to == flow.from
            && other.protocol == flow.protocol
            && other.vantage == flow.vantage
    })
}

/// Whether the packets may be decrypted copies of ESP packets: ESP flows all the while, and not
/// much more of it than there is in clear.
fn may_be_copies(model: &Model, clear: &ClearFlow) -> bool {
    /// A copy follows its packet at once.
    const AT_ONCE: Span = Span::from_millis(100);
    let total: u64 = model
        .clear
        .iter()
        .filter(|flow| flow.vantage == clear.vantage)
        .map(|flow| flow.bytes)
        .sum();
    model.tunnels.iter().any(|row| {
        esp::directions(model, row)
            .iter()
            .filter(|directions| directions.vantage == clear.vantage)
            .flat_map(|directions| directions.towards.iter())
            .any(|flows| {
                let flowing = |time: Timestamp| {
                    flows.iter().any(|flow| {
                        time >= flow.seen.first.1 && time.since(flow.seen.last.1) <= AT_ONCE
                    })
                };
                let bytes: u64 = flows.iter().map(|flow| flow.bytes).sum();
                // Even around the smallest packets ESP adds less than twice their size.
                flowing(clear.seen.first.1)
                    && flowing(clear.seen.last.1)
                    && total.saturating_mul(3) >= bytes
            })
    })
}

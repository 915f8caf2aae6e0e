//! How large an inner packet may be so that ESP around it fits an MTU.

use crate::model::{EspFlow, Overhead, esp_size};

/// No link has a smaller MTU that carries IPv6 (RFC 8200 section 5), and few of those that carry IPv4.
pub const LEAST_MTU: u32 = 1280;

/// The largest inner packet and TCP MSS (over IPv4) that are safe for all that the sizes of these
/// flows allow.
pub fn safe<'a>(
    flows: impl Iterator<Item = &'a EspFlow> + Clone,
    mtu: u32,
    v6: bool,
) -> (u32, u32) {
    let transport = flows.clone().map(|flow| flow.key.transport).max();
    let transport = transport.unwrap_or_default();
    let inner = Overhead::of(flows)
        .into_iter()
        .map(|suite| suite.inner(mtu, v6, transport))
        .min()
        .unwrap_or(0);
    (inner, mss(inner, false))
}

/// The TCP MSS of inner packets of this size, over IPv4 or IPv6: what the headers of IP (20 octets or 40) and of TCP
/// (20), without options, leave.
pub fn mss(inner: u32, v6: bool) -> u32 {
    inner.saturating_sub(if v6 { 60 } else { 40 })
}

/// A packet of a flow of this size with its outer IP header.
pub fn outer_of(flow: &EspFlow, size: u32) -> u32 {
    let transport = flow.key.transport.octets();
    size.saturating_add(esp_size::header(flow.key.to.is_ipv6()) + transport)
}

/// The largest packet of a flow with its outer IP header.
pub fn outer(flow: &EspFlow) -> u32 {
    outer_of(flow, flow.sizes.largest)
}

//! What several rules ask of the model, one question a file.
//!
//! An absent packet is evidence only where the tap could have seen it: [`tap`] and [`asked`] are
//! the guards of that.

pub mod abandoned;
pub mod asked;
pub mod auth;
pub mod certificate;
pub mod child;
pub mod clear;
pub mod esp;
pub mod icmp;
pub mod inner;
pub mod leak;
pub mod life;
pub mod nat;
pub mod offer;
pub mod outage;
pub mod overhead;
pub mod ppk;
pub mod probe;
pub mod proof;
pub mod quality;
pub mod recovery;
pub mod refused_child;
pub mod rekey;
pub mod rhythm;
pub mod selectors;
pub mod stranger;
pub mod successors;
pub mod taken_back;
pub mod tap;
pub mod taps;
pub mod turned_down;
pub mod unused;
pub mod vendor_advice;

pub use asked::{Asked, Fate};
pub use quality::own;
pub use tap::Tap;
pub use taps::{Located, Passage};

use crate::diagnose::{Case, Cite};
use crate::language::Text;
use crate::model::{EspFlow, Flight, Message, MessageId, Model, Tunnel};
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// The frame and time of a message.
pub fn cite(model: &Model, message: MessageId) -> Cite {
    let message = &model.messages[message];
    (message.frame, message.time)
}

/// The first datagram of a flight.
pub fn first<'m>(model: &'m Model, flight: &Flight) -> Option<&'m Message> {
    flight.first().map(|id| &model.messages[id])
}

/// Frame and time of the first datagram of a flight.
pub fn began(model: &Model, flight: &Flight) -> Option<Cite> {
    flight.first().map(|id| cite(model, id))
}

/// The answer that made the child SA which a flow belongs to, as far as that is known.
pub fn child_made(model: &Model, flow: &EspFlow) -> Option<Cite> {
    let exchange = model.child_sas[flow.child_sa.child_sa()?].made_by?;
    began(model, model.exchanges[exchange].response()?)
}

/// What lies further apart than this may be of two configurations, and what is done so much later is done
/// for its own sake.
pub const TOGETHER: Span = Span::from_secs(600);

/// Which end of the tunnel an address belongs to.
pub fn end_of(tunnel: &Tunnel, address: IpAddr) -> Option<usize> {
    tunnel.end_of(address)
}

/// Times as offsets from the first, as people read retransmissions: `0, 4.0, 11.2 s`.
pub fn offsets(times: &[Timestamp]) -> Text {
    /// More than these say nothing new.
    const SHOWN: usize = 8;
    let Some(first) = times.first() else {
        return Text::default();
    };
    let mut shown: Vec<String> = times
        .iter()
        .take(SHOWN)
        .map(|time| format!("{:.1}", time.since(*first).as_secs_f64()))
        .collect();
    if times.len() > SHOWN {
        shown.push("…".to_string());
    }
    Text::verbatim(format_args!("{} s", shown.join(", ")))
}

/// Sorts spans by when they begin, and lets each end with the last of itself and those before.
pub fn until_latest(spans: &mut [(Timestamp, Timestamp)]) {
    spans.sort_unstable();
    let mut latest = None;
    for (_, last) in spans {
        *last = latest.map_or(*last, |latest| (*last).max(latest));
        latest = Some(*last);
    }
}

/// Whether an address is private (RFC 1918, RFC 4193): one that no packet in the Internet bears.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address
            .octets()
            .first()
            .is_some_and(|octet| octet & 0xfe == 0xfc),
    }
}

/// Whether an address is one that providers give to many customers (RFC 6598): no more public than a
/// private one.
pub fn is_shared(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.to_bits() >> 22 == 0x6440_0000 >> 22)
}

/// Whether an address is inside the selectors that were asked for or granted in a tunnel, on either
/// side; `None` if none are known, or too many to look at.
pub fn is_selected(case: &Case<'_>, address: IpAddr) -> Option<bool> {
    /// Child SAs that are looked at. Those that replace others have the same selectors again.
    const MANY: usize = 64;
    let sas = case.ike_sas();
    let children = sas.flat_map(|sa| &sa.child_sas);
    let mut known = children
        .filter_map(|child| case.model.child_sas[*child].terms.as_ref())
        .filter(|terms| terms.granted.is_some());
    let (mut any, mut whole, mut inside) = (false, true, false);
    for terms in known.by_ref().take(MANY) {
        let sides = [&terms.asked, &terms.granted].into_iter().flatten();
        inside |= sides.flatten().flatten().any(|one| one.has(address));
        any = true;
        // Where the request was not read, more may have been asked for than was granted.
        whole &= terms.asked.is_some();
    }
    match inside {
        true => Some(true),
        false => (any && whole && known.next().is_none()).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retransmissions_read_as_offsets() {
        let times = [0, 4_000_000_000, 11_200_000_000].map(Timestamp);
        assert_eq!(offsets(&times).to_string(), "0.0, 4.0, 11.2 s");
    }
}

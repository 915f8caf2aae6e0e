//! What several rules ask of the model, one question a file.
//!
//! An absent packet is evidence only where the tap could have seen it: [`tap`] and [`asked`] are
//! the guards of that.

pub mod asked;
pub mod auth;
pub mod certificate;
pub mod child;
pub mod clear;
pub mod esp;
pub mod icmp;
pub mod inner;
pub mod life;
pub mod offer;
pub mod overhead;
pub mod proof;
pub mod quality;
pub mod recovery;
pub mod rekey;
pub mod rhythm;
pub mod selectors;
pub mod tap;
pub mod taps;
pub mod vendor_advice;

pub use asked::{Asked, Fate};
pub use quality::own;
pub use tap::Tap;
pub use taps::{Located, Passage};

pub use crate::language::count;

use crate::diagnose::Cite;
use crate::language::Text;
use crate::model::{Flight, Message, MessageId, Model, Tunnel};
use crate::units::Timestamp;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retransmissions_read_as_offsets() {
        let times = [0, 4_000_000_000, 11_200_000_000].map(Timestamp);
        assert_eq!(offsets(&times).to_string(), "0.0, 4.0, 11.2 s");
    }
}

//! What must hold for any octets: the bodies of the fuzz targets, one file each.
//!
//! `fuzz/` gives them to libFuzzer, `tests/it/fuzz.rs` to a small mutator of its own, so that a
//! machine without a fuzzer tries them too. A body panics where a law is broken.

mod capture;
mod conversation;
mod cutter;
mod frame;
mod inner;
mod json;
mod keys;
mod message;
mod open;
mod pipeline;
mod reassembly;
mod reports;
mod round_trip;
mod scrap;
mod script;
mod show;
mod stream;

pub use self::capture::capture;
pub use self::conversation::{conversation, written};
pub use self::cutter::cutter;
pub use self::frame::frame;
#[cfg(test)]
pub(crate) use self::frame::ways_agree;
pub use self::inner::inner;
pub use self::json::json;
pub use self::keys::keys;
pub use self::message::message;
pub use self::open::open;
pub use self::pipeline::pipeline;
pub use self::reassembly::reassembly;
pub use self::round_trip::round_trip;
pub use self::stream::stream;

use crate::net::{Encap, Path, Stamp};
use crate::units::{Endpoint, FrameId, Timestamp, Vantage};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A body of a fuzz target.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("message", message),
    ("round_trip", round_trip),
    ("open", open),
    ("frame", frame),
    ("inner", inner),
    ("capture", capture),
    ("cutter", cutter),
    ("pipeline", pipeline),
    ("json", json),
    ("conversation", conversation),
    ("reassembly", reassembly),
    ("stream", stream),
    ("keys", keys),
];

/// Two ends by the low bit: IPv4 or IPv6.
fn ends(who: u8) -> Path {
    let end = |last: u8| Endpoint {
        address: match who & 1 {
            0 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
            _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())),
        },
        port: None,
    };
    Path {
        from: end(1),
        to: end(2 + who / 64),
        encap: Encap::default(),
    }
}

fn stamp(number: u64, time: Timestamp) -> Stamp {
    Stamp {
        frame: FrameId { input: 0, number },
        time: Some(time),
        vantage: Vantage {
            input: 0,
            interface: 0,
        },
        station: None,
        wire_len: 0,
    }
}

fn count(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap_or(u32::MAX)
}

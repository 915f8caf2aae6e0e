//! Cisco's IPsec over TCP, by default on port 10000: TCP headers around single packets, without a
//! stream. No document of it is public; Wireshark's and ike-scan's sources agree on this much.
//!
//! ```text
//!  ESP packet, or UDP header, IKE message, 16 octets
//!  then a trailer of 16 octets:
//!  +-------------+------------+-----------+-----------+----------+-----------+
//!  | 4 zeros     | sequence 2 | direction | "!Eli\x10"| protocol | 0x01 0x00 |
//!  |             |            | 2         | 5         | 1        |           |
//!  +-------------+------------+-----------+-----------+----------+-----------+
//! ```

use super::octets::Octets;
use super::udp;
use crate::wire::header::{HEADER_LEN, Header};

/// What a segment carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried<'a> {
    /// An ESP packet.
    Esp(Octets<'a>),
    /// An IKE message.
    Ike(Octets<'a>),
}

/// Octets of the trailer.
const TRAILER: usize = 16;

/// What the data of a segment carries; `None` if no trailer ends it. The trailer tells, not the
/// port, so a segment whose end was cut tells nothing.
pub(super) fn read(data: Octets<'_>) -> Option<Carried<'_>> {
    if data.is_cut() {
        return None;
    }
    let (inner, trailer) = data.kept.split_last_chunk::<TRAILER>()?;
    let [
        0,
        0,
        0,
        0,
        _,
        _,
        direction,
        0,
        b'!',
        b'E',
        b'l',
        b'i',
        0x10,
        protocol,
        1,
        0,
    ] = *trailer
    else {
        return None;
    };
    if direction & 0x0f != 0 {
        return None;
    }
    let length = data.length.checked_sub(TRAILER as u32)?;
    let inner = Octets::new(inner, length);
    match protocol {
        50 => Some(Carried::Esp(inner)),
        17 => {
            let message = udp::read(inner)?.data;
            // Octets of unknown meaning follow the message.
            let length = Header::read(message.kept)?.length.max(HEADER_LEN as u32);
            Some(Carried::Ike(message.at_most(length)))
        }
        _ => None,
    }
}

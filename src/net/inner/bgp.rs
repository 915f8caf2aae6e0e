//! The BGP messages (RFC 4271 section 4) that begin in a TCP segment.
//!
//! A segment that begins in the middle of a message tells nothing: where the next one begins cannot
//! be known without those before.

use crate::limits;
use std::net::Ipv4Addr;

/// The port that BGP listens on.
pub(super) const PORT: u16 = 179;

/// Sixteen octets of ones, a length, and a type.
const HEADER_LEN: usize = 19;

/// Stands in OPEN where an AS number does not fit in 16 bits (RFC 6793 section 9).
const AS_TRANS: u16 = 23_456;

/// A BGP message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BgpMessage {
    /// Octets of it, as its header says.
    pub length: u16,
    /// Whether it goes on in a later segment, or was cut by the capture.
    pub cut: bool,
    /// What it is.
    pub kind: BgpKind,
}

/// What a BGP message is, with as much of it as matters to who asks why a session is down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BgpKind {
    /// OPEN (1); `None` if it was cut before its fixed part ended.
    Open(Option<BgpOpen>),
    /// UPDATE (2).
    Update,
    /// NOTIFICATION (3), with error code and subcode; `None` if it was cut before them.
    Notification(Option<(u8, u8)>),
    /// KEEPALIVE (4).
    Keepalive,
    /// ROUTE-REFRESH (5, RFC 2918).
    RouteRefresh,
    /// Of another type.
    Other(u8),
}

/// What an OPEN says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BgpOpen {
    /// Version: 4.
    pub version: u8,
    /// Autonomous system of the sender: the four-octet number if that capability is there
    /// (RFC 6793).
    pub autonomous_system: u32,
    /// Hold time that it proposes, in seconds; zero for none.
    pub hold_time: u16,
    /// BGP identifier.
    pub identifier: Ipv4Addr,
}

/// The messages that begin in these octets, one after the other, at most [`limits::BGP_MESSAGES`].
pub(super) fn messages(mut data: &[u8]) -> Vec<BgpMessage> {
    let mut messages = Vec::new();
    while let Some((message, rest)) = message(data) {
        if messages.len() >= limits::BGP_MESSAGES {
            break;
        }
        messages.push(message);
        data = rest;
    }
    messages
}

/// The first message, and what follows it; `None` if none begins here.
fn message(data: &[u8]) -> Option<(BgpMessage, &[u8])> {
    let &[head @ .., a, b, kind] = data.first_chunk::<HEADER_LEN>()?;
    let length = u16::from_be_bytes([a, b]);
    if head != [0xff; 16] || usize::from(length) < HEADER_LEN {
        return None;
    }
    let (whole, rest) = data.split_at_checked(length.into()).unwrap_or((data, &[]));
    let body = whole.get(HEADER_LEN..)?;
    let kind = match kind {
        1 => BgpKind::Open(open(body)),
        2 => BgpKind::Update,
        3 => BgpKind::Notification(body.first_chunk().map(|&[code, subcode]| (code, subcode))),
        4 => BgpKind::Keepalive,
        5 => BgpKind::RouteRefresh,
        other => BgpKind::Other(other),
    };
    let cut = whole.len() < usize::from(length);
    Some((BgpMessage { length, cut, kind }, rest))
}

fn open(body: &[u8]) -> Option<BgpOpen> {
    let (&[version, a, b, h0, h1, i0, i1, i2, i3, _length], parameters) =
        body.split_first_chunk()?;
    let number = u16::from_be_bytes([a, b]);
    Some(BgpOpen {
        version,
        autonomous_system: match four_octet_number(parameters) {
            Some(long) if number == AS_TRANS || long == u32::from(number) => long,
            _ => number.into(),
        },
        hold_time: u16::from_be_bytes([h0, h1]),
        identifier: Ipv4Addr::new(i0, i1, i2, i3),
    })
}

/// The capability 65 (RFC 6793 section 3) among the optional parameters of type 2 (RFC 5492).
fn four_octet_number(parameters: &[u8]) -> Option<u32> {
    const CAPABILITIES: u8 = 2;
    const FOUR_OCTET_AS: u8 = 65;

    elements(parameters)
        .filter(|(kind, _)| *kind == CAPABILITIES)
        .flat_map(|(_, capabilities)| elements(capabilities))
        .find_map(|(code, value)| match (code, value) {
            (FOUR_OCTET_AS, &[a, b, c, d]) => Some(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        })
}

/// Elements of one octet of type and one of length each, as far as they are whole.
fn elements(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind, length], after) = rest.split_first_chunk()?;
        let (value, after) = after.split_at_checked(length.into())?;
        rest = after;
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(HEADER_LEN + body.len())
            .unwrap()
            .to_be_bytes();
        [&[0xff; 16][..], &length, &[kind], body].concat()
    }

    const OPEN: &[u8] = &[
        4, 0x5b, 0xa0, 0, 90, 192, 0, 2, 1, 8, 2, 6, 65, 4, 0, 3, 0x0d, 0x40,
    ];

    #[test]
    fn messages_are_told_one_after_the_other() {
        let all = [
            written(1, OPEN),
            written(4, &[]),
            written(3, &[6, 2]),
            written(2, &[0; 4]),
            written(9, &[]),
        ];
        let kinds: Vec<BgpKind> = messages(&all.concat()).iter().map(|m| m.kind).collect();
        let open = BgpOpen {
            version: 4,
            autonomous_system: 200_000,
            hold_time: 90,
            identifier: Ipv4Addr::new(192, 0, 2, 1),
        };
        let expected = [
            BgpKind::Open(Some(open)),
            BgpKind::Keepalive,
            BgpKind::Notification(Some((6, 2))),
            BgpKind::Update,
            BgpKind::Other(9),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_message_that_goes_on_elsewhere_is_told_as_cut() {
        for (kind, body, left) in [(1, OPEN, BgpKind::Open(None)), (2, OPEN, BgpKind::Update)] {
            let octets = written(kind, body);
            let told = messages(&octets[..HEADER_LEN + 3]);
            assert_eq!(told.len(), 1);
            assert!(told[0].cut && told[0].kind == left);
        }
        assert_eq!(messages(&written(4, &[])[..18]), []);
        assert_eq!(messages(OPEN), []);
    }

    #[test]
    fn no_segment_makes_more_messages_than_the_limit() {
        let many = written(4, &[]).repeat(limits::BGP_MESSAGES * 2);
        assert_eq!(messages(&many).len(), limits::BGP_MESSAGES);
    }
}

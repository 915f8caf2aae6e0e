//! TCP segments.

use super::{ends, stamp};
use crate::limits::STREAM_FRAMES;
use crate::net::{Body, Datagram, IpFacts, Segment, Streams};
use crate::units::Timestamp;

/// A script of TCP segments, of eight octets each, which are windows on two streams of ESP: memory
/// stays within bounds, and every message that is told whole was sent.
pub fn stream(octets: &[u8]) {
    /// Octets of a message with its length.
    const MESSAGE: u32 = 50;
    let sent = |place: u32| {
        let number = place / MESSAGE;
        let head = [0, 50, 0, 0, 0x70, 7];
        let at = place % MESSAGE;
        let counted = number
            .to_be_bytes()
            .get(at.wrapping_sub(6) as usize)
            .copied();
        let fixed = head.get(at as usize).copied();
        fixed.or(counted).unwrap_or(0x5a)
    };
    let mut streams = Streams::default();
    for (number, step) in (1..).zip(octets.chunks_exact(8)) {
        let [flags, p2, p1, p0, l1, l0, ack1, ack0] = *step else {
            return;
        };
        let mut path = ends(0);
        path.from.port = Some(40000);
        path.to.port = Some(4500);
        if flags & 1 != 0 {
            (path.from, path.to) = (path.to, path.from);
        }
        // Streams begin shortly before sequence numbers wrap.
        let begin = u32::MAX - 1000;
        let place = u32::from_be_bytes([0, p2, p1, p0]);
        let length = u16::from_be_bytes([l1, l0]);
        let kept = if flags & 2 == 0 { length } else { length / 2 };
        let syn = flags & 0x18 == 0x18;
        let bytes: Vec<u8> = (place..).map(sent).take(kept.into()).collect();
        let acknowledged = u32::from(u16::from_be_bytes([ack1, ack0]));
        let segment = Segment {
            // A SYN has a number of its own.
            sequence: begin.wrapping_add(place).wrapping_sub(u32::from(syn)),
            acknowledgment: (flags & 4 != 0).then_some(begin.wrapping_add(acknowledged)),
            syn,
            rst: flags & 0x60 == 0x60,
            length: length.into(),
            bytes: &bytes,
        };
        let stamp = stamp(number, Timestamp(0));
        let datagram = Datagram {
            stamp,
            path,
            ip: IpFacts::default(),
            cut: false,
            body: Body::Segment(segment),
        };
        streams.push(
            &datagram,
            &segment,
            &[stamp.frame],
            &mut |message, frames| {
                assert!(frames.last() == Some(&stamp.frame), "{frames:?}");
                assert!(frames.len() <= STREAM_FRAMES + 1, "{frames:?}");
                let Body::Esp(esp) = message.body else {
                    return;
                };
                if esp.header.spi.0 == 0x7007 && !message.cut {
                    let begin = esp.header.sequence.wrapping_mul(MESSAGE).wrapping_add(2);
                    let whole = (begin..).map(sent).take(MESSAGE as usize - 2);
                    assert!(esp.bytes.iter().copied().eq(whole), "{message:?}");
                }
            },
        );
    }
    let unread = streams.finish();
    assert!(unread.tls.is_empty(), "nothing here is TLS");
}

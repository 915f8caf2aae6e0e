//! Frames.

use super::show::show;
use super::{count, stamp};
use crate::capture::{Frame, LinkType};
use crate::net::express::{Ends, Express, Packet};
use crate::net::{self, Body, Datagram, Learned, Passer, Stamp};
use crate::units::Timestamp;

/// Two octets of link type and one of octets that the capture cut, then a frame: what is told of it
/// lies in the frame, and a frame that was cut shorter tells no more.
pub fn frame(octets: &[u8]) {
    let [a, b, cut, bytes @ ..] = octets else {
        return;
    };
    let link = LinkType(u16::from_be_bytes([*a, *b]));
    let wire_len = count(bytes).saturating_add(u32::from(*cut));
    let whole = told(link, bytes, wire_len);
    let range = bytes.as_ptr_range();
    for datagram in &whole {
        let inside = held(&datagram.body).as_ptr_range();
        assert!(
            inside.is_empty() || range.start <= inside.start && inside.end <= range.end,
            "{datagram:?} lies outside of the frame"
        );
        show(&mut Vec::new(), datagram.body);
    }
    for kept in [bytes.len() / 2, bytes.len() / 4 * 3] {
        let mut prefix = told(link, bytes.get(..kept).unwrap_or_default(), wire_len);
        // What comes on any port but 4500 is told by how plausible it is, which a cut may change.
        prefix.retain(|datagram| !is_told_by_looks(datagram));
        assert!(
            prefix.len() <= whole.len(),
            "{kept} octets tell {prefix:?}, all of them {whole:?}"
        );
    }
}

/// All that is told of a frame.
fn told(link: LinkType, bytes: &[u8], wire_len: u32) -> Vec<Datagram<'_>> {
    let time = Timestamp(0);
    let Stamp { frame, vantage, .. } = stamp(1, time);
    let frame = Frame {
        id: frame,
        time: Some(time),
        vantage,
        link,
        wire_len,
        bytes,
    };
    let mut told = Vec::new();
    net::peel(&frame, &mut Learned::default(), &mut |datagram| {
        told.push(datagram);
    });
    ways_agree(&frame, &told);
    told
}

/// A frame that takes the short way is told as by the long one; gives whether it took it.
pub(crate) fn ways_agree(frame: &Frame<'_>, told: &[Datagram<'_>]) -> bool {
    let Some(way) = Express::of(frame) else {
        return false;
    };
    let long = told.first().filter(|_| told.len() == 1);
    let Some(short) = way.esp() else {
        return match way.clear(&Learned::default()) {
            None => false,
            Some(None) => {
                assert!(told.is_empty(), "nothing on the short way, {told:?}");
                true
            }
            Some(Some(passer)) => {
                let clear = long.and_then(|long| match long.body {
                    Body::Clear(clear) => Some((
                        long.stamp.vantage,
                        Passer {
                            from: long.path.from.address,
                            to: long.path.to.address,
                            length: long.ip.length,
                            clear,
                        },
                    )),
                    _ => None,
                });
                assert_eq!(clear, Some((net::vantage(frame), passer)), "{told:?}");
                true
            }
        };
    };
    let esp = long.and_then(|long| match &long.body {
        Body::Esp(esp) => Some((long, esp)),
        _ => None,
    });
    assert!(
        esp.is_some(),
        "{short:?} on the short way, {told:?} on the long one"
    );
    let Some((long, esp)) = esp else {
        return false;
    };
    let Datagram {
        stamp, path, ip, ..
    } = long;
    assert_eq!((esp.null, stamp.vantage), (None, net::vantage(frame)));
    assert_eq!(
        (short.ends.path(), short.ends.spi()),
        (*path, esp.header.spi)
    );
    let long_way = Packet {
        ends: Ends::of(path, esp.header.spi).unwrap_or(short.ends),
        sequence: esp.header.sequence,
        length: esp.length,
        ip: *ip,
        cut: long.cut,
    };
    assert_eq!(short, long_way);
    assert_eq!(Ends::of(path, esp.header.spi), Some(short.ends));
    true
}

/// The octets of a frame that a datagram refers to.
fn held<'a>(body: &Body<'a>) -> &'a [u8] {
    match body {
        Body::Ike(bytes) => bytes,
        Body::Esp(esp) => esp.bytes,
        Body::Ah(ah) => ah.bytes,
        Body::Fragment(fragment) => fragment.bytes,
        Body::Segment(segment) => segment.bytes,
        Body::Keepalive | Body::Icmp(_) | Body::Clear(_) | Body::Refused(_) | Body::Learned(_) => {
            &[]
        }
    }
}

/// Whether it is told by how plausible its octets are, not by its port.
fn is_told_by_looks(datagram: &Datagram<'_>) -> bool {
    const UDP: u8 = 17;
    let ports = [datagram.path.from.port, datagram.path.to.port];
    let by_looks = match datagram.body {
        Body::Ike(_) | Body::Learned(_) | Body::Segment(_) => true,
        // The first piece of a UDP datagram may be one of IKE, and behind extension headers that are not all there
        // may be anything.
        Body::Fragment(fragment) => {
            fragment.protocol == UDP || net::is_extension(fragment.protocol)
        }
        _ => false,
    };
    by_looks && !ports.contains(&Some(4500))
}

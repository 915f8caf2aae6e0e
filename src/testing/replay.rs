//! Packets of a conversation to datagrams, as the dissector sees them.

use super::line::{Packet, What};
use crate::net::{Ah, Body, Datagram, Esp, IpFacts, Stamp};
use crate::units::{FrameId, Timestamp, Vantage};
use crate::wire::ah::AuthenticationHeader;
use crate::wire::esp::EspHeader;
use std::collections::HashMap;

/// Shows each packet that holds IPsec; the packets are sorted by time.
pub(super) fn replay(packets: &[Packet], visit: &mut dyn FnMut(&Datagram<'_>, Timestamp)) {
    let mut frames: HashMap<u16, u64> = HashMap::new();
    for packet in packets {
        let number = frames.entry(packet.tap).or_default();
        *number += 1;
        let mut ip = IpFacts {
            ttl: packet.ttl,
            dont_fragment: packet.df,
            pieces: 1,
            ..IpFacts::default()
        };
        let mut kept = true;
        let body = match &packet.what {
            What::Ike {
                bytes, pieces, cut, ..
            } => {
                ip.pieces = *pieces;
                kept = !cut;
                Body::Ike(bytes)
            }
            What::Esp {
                ah: true,
                spi,
                sequence,
                size,
                ..
            } => Body::Ah(Ah {
                header: AuthenticationHeader {
                    next_header: 4,
                    length: AuthenticationHeader::FIXED_LEN,
                    spi: *spi,
                    sequence: *sequence,
                    icv: &[],
                },
                length: *size,
                bytes: &[],
                around: None,
                icv_ok: None,
            }),
            What::Esp {
                spi,
                sequence,
                size,
                ..
            } => Body::Esp(Esp {
                header: EspHeader {
                    spi: *spi,
                    sequence: *sequence,
                },
                length: *size,
                bytes: &[],
                null: None,
                opening: None,
                payload: &[],
            }),
            What::Icmp(error) => Body::Icmp(*error),
            What::Refused(error) => Body::Refused(*error),
            What::Keepalive => Body::Keepalive,
            What::Clear { .. } | What::Fragments { .. } => continue,
        };
        let datagram = Datagram {
            stamp: Stamp {
                frame: FrameId {
                    input: packet.tap,
                    number: *number,
                },
                time: Some(packet.time),
                vantage: Vantage {
                    input: packet.tap,
                    interface: 0,
                },
                station: packet.station,
                wire_len: 0,
            },
            path: packet.path,
            ip,
            cut: !kept,
            body,
        };
        visit(&datagram, packet.time);
    }
}

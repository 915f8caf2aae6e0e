//! What ESP carries in clear.

use super::show::show;
use super::{count, ends};
use crate::limits::AGGFRAG_PACKETS;
use crate::net::inner::Content;
use crate::net::{Body, Esp, Inner, Null, Path};
use crate::units::EspSpi;
use crate::wire::esp::EspHeader;

/// A next header, then what ESP carries in clear: it is summed up within bounds, and shown.
pub fn inner(octets: &[u8]) {
    let [next_header, payload @ ..] = octets else {
        return;
    };
    let null = Null {
        iv: 0,
        icv: 0,
        pad_length: 0,
        next_header: *next_header,
    };
    let packet = [&[0; EspHeader::LEN], payload, &[0, *next_header]].concat();
    assert_eq!(null.payload(&packet), Some(payload));
    let Path { from, to, .. } = ends(0);
    let read = Inner::read(*next_header, payload, from.address, to.address);
    if let Content::Aggfrag(aggfrag) = &read.content {
        assert!(aggfrag.packets.len() <= AGGFRAG_PACKETS, "too many packets");
    }
    let header = EspHeader {
        spi: EspSpi(256),
        sequence: 1,
    };
    let esp = Esp {
        header,
        length: count(&packet),
        bytes: &packet,
        null: Some(null),
        opening: None,
        payload: &[],
    };
    show(&mut Vec::new(), Body::Esp(esp));
}

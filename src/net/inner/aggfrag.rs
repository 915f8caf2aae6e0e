//! Packets gathered and cut to fill ESP packets of one size (RFC 9347 section 6.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Sub-Type (0/1)|   Reserved    |          BlockOffset          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        sub-type 1: 20 octets for congestion control           |
//! |       DataBlocks ...
//! ```

use super::Inner;
use crate::limits;
use crate::net::Encap;
use crate::net::ip;
use crate::net::octets::Octets;

/// An AGGFRAG payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Aggfrag {
    /// 0, or 1 with congestion control.
    pub sub_type: u8,
    /// Octets that a packet begun earlier has left. They may be more than there are here.
    pub block_offset: u16,
    /// The packets that begin here, at most [`limits::AGGFRAG_PACKETS`]. The last one may go on in
    /// the next ESP packet: it is then told as cut.
    pub packets: Vec<Inner>,
    /// Octets at the end that are the start of a packet, too few to tell more.
    pub begun: u32,
    /// Octets of padding.
    pub padding: u32,
    /// Octets that were not looked at: beyond the limit, or of an unknown kind.
    pub unread: u32,
}

impl Aggfrag {
    /// Reads a payload; `None` if its header is not whole or of an unknown sub-type.
    pub(super) fn read(octets: Octets<'_>) -> Option<Self> {
        let (&[sub_type, _, a, b], rest) = octets.split()?;
        let blocks = match sub_type {
            0 => rest,
            1 => rest.skip(20)?,
            _ => return None,
        };
        let mut read = Self {
            sub_type,
            block_offset: u16::from_be_bytes([a, b]),
            packets: Vec::new(),
            begun: 0,
            padding: 0,
            unread: 0,
        };
        // Beyond the end of this packet everything belongs to one begun earlier.
        let mut next = blocks.skip(read.block_offset.into());
        while let Some(octets) = next {
            next = read.block(octets);
        }
        Some(read)
    }

    /// A data block, and what follows it (RFC 9347 section 6.1.3): its first four bits say what it
    /// is.
    fn block<'a>(&mut self, octets: Octets<'a>) -> Option<Octets<'a>> {
        let kind = octets.kept.first()? >> 4;
        if self.packets.len() >= limits::AGGFRAG_PACKETS {
            self.unread = octets.length;
            return None;
        }
        match kind {
            // Padding reaches to the end.
            0 => self.padding = octets.length,
            4 | 6 => match ip::read(octets) {
                Some(packet) => {
                    let length = packet.header.facts.length;
                    self.packets
                        .push(Inner::packet(packet, length, &mut Encap::default()));
                    return octets.skip(usize::try_from(length).ok()?);
                }
                None if octets.length < 60 => self.begun = octets.length,
                None => self.unread = octets.length,
            },
            _ => self.unread = octets.length,
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(length: u8) -> Vec<u8> {
        let head = [
            0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        let mut octets = head.to_vec();
        octets.resize(length.into(), 0);
        octets
    }

    fn read(payload: &[u8]) -> Option<Aggfrag> {
        Aggfrag::read(Octets::new(payload, u32::try_from(payload.len()).unwrap()))
    }

    #[test]
    fn whole_packets_parts_and_padding_are_told_apart() {
        let left = [9; 7];
        let all = [&[0, 0, 0, 7][..], &left, &packet(40), &packet(30), &[0; 5]].concat();
        let told = read(&all).unwrap();
        assert_eq!((told.block_offset, told.packets.len()), (7, 2));
        assert_eq!((told.padding, told.begun, told.unread), (5, 0, 0));
        assert!(told.packets.iter().all(|packet| !packet.cut));

        let cut = read(&all[..4 + 7 + 40 + 25]).unwrap();
        let cuts: Vec<bool> = cut.packets.iter().map(|packet| packet.cut).collect();
        assert_eq!(cuts, [false, true]);

        let begun = read(&all[..4 + 7 + 40 + 5]).unwrap();
        assert_eq!((begun.packets.len(), begun.begun), (1, 5));
    }

    #[test]
    fn a_packet_begun_earlier_may_fill_this_one() {
        let told = read(&[&[0, 0, 0x10, 0][..], &[0x45; 100]].concat()).unwrap();
        assert_eq!((told.block_offset, told.packets.len()), (4096, 0));
        let congestion = [&[1, 0, 0, 0][..], &[0; 20], &packet(28)].concat();
        assert_eq!(read(&congestion).unwrap().packets.len(), 1);
        assert_eq!(read(&[2, 0, 0, 0]), None);
        assert_eq!(read(&[1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn no_payload_makes_more_packets_than_the_limit() {
        let many = packet(20).repeat(limits::AGGFRAG_PACKETS + 3);
        let told = read(&[&[0, 0, 0, 0][..], &many].concat()).unwrap();
        assert_eq!(
            (told.packets.len(), told.unread),
            (limits::AGGFRAG_PACKETS, 60)
        );
    }
}

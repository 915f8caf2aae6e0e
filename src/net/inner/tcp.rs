//! A TCP segment (RFC 9293 section 3.1) that was found inside ESP.

use super::bgp::{self, BgpMessage};
use crate::net::octets::Octets;

/// What a segment says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tcp {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; without meaning unless the flag ACK is set.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Receive window as it stands in the header, not scaled.
    pub window: u16,
    /// Octets of data, as the headers say.
    pub payload: u32,
    /// Maximum segment size (RFC 9293 section 3.7.1), if that option is there.
    pub mss: Option<u16>,
    /// The BGP messages that begin in the segment, on BGP's port.
    pub bgp: Vec<BgpMessage>,
}

/// The control bits CWR, ECE, URG, ACK, PSH, RST, SYN, FIN, from the highest.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// Names of the bits, from the highest.
    const NAMES: [&'static str; 8] = ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"];

    /// The names of the bits that are set, the lowest first, as in `SYN, ACK`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let names = Self::NAMES.into_iter().rev().enumerate();
        names.filter_map(move |(bit, name)| (self.0 >> bit & 1 == 1).then_some(name))
    }
}

/// `SYN, ACK`; nothing if no bit is set.
impl std::fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, name) in self.names().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl Tcp {
    /// Reads a segment; `None` if the fixed part of its header is not whole.
    pub(super) fn read(octets: Octets<'_>) -> Option<Self> {
        let head: &[u8; 20] = octets.kept.first_chunk()?;
        let [
            a,
            b,
            c,
            d,
            s0,
            s1,
            s2,
            s3,
            a0,
            a1,
            a2,
            a3,
            offset,
            flags,
            w0,
            w1,
            ..,
        ] = *head;
        let header_len = usize::from(offset >> 4) * 4;
        let kept = octets.kept.len().min(header_len);
        let mss = options(octets.kept.get(20..kept).unwrap_or_default())
            .flatten()
            .find_map(|option| match option {
                (option::MSS, &[a, b]) => Some(u16::from_be_bytes([a, b])),
                _ => None,
            });
        let data = octets.skip(header_len.max(20));
        let is_bgp = [[a, b], [c, d]].contains(&bgp::PORT.to_be_bytes());
        Some(Self {
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(flags),
            window: u16::from_be_bytes([w0, w1]),
            payload: data.map_or(0, |data| data.length),
            mss,
            bgp: match data {
                Some(data) if is_bgp => bgp::messages(data.kept),
                _ => Vec::new(),
            },
        })
    }
}

/// Kinds of options, as IANA assigns them.
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const FAST_OPEN: u8 = 34;
}

/// The options of a header, by kind and data. `None`, and the end, where one is of an unknown kind
/// or of a length that its kind cannot have.
pub(in crate::net) fn options(mut rest: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    std::iter::from_fn(move || {
        let (&kind, after) = rest.split_first()?;
        if kind == option::END {
            rest = &[];
            return None;
        }
        if kind == option::NO_OPERATION {
            rest = after;
            return Some(Some((kind, &[][..])));
        }
        let read = after.split_first().and_then(|(&length, after)| {
            let (data, after) = after.split_at_checked(usize::from(length).checked_sub(2)?)?;
            rest = after;
            let fits = match kind {
                option::MSS => length == 4,
                option::WINDOW_SCALE => length == 3,
                option::SACK_PERMITTED => length == 2,
                option::SACK => matches!(length, 10 | 18 | 26 | 34),
                option::TIMESTAMPS => length == 10,
                option::FAST_OPEN => matches!(length, 2 | 6..=18),
                _ => false,
            };
            fits.then_some((kind, data))
        });
        if read.is_none() {
            rest = &[];
        }
        Some(read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(options: &[u8], flags: u8, data: &[u8]) -> Vec<u8> {
        let words = u8::try_from(5 + options.len() / 4).unwrap();
        let head = [0, 179, 0x80, 0, 0, 0, 0, 7, 0, 0, 0, 9, words << 4, flags];
        [&head[..], &[0x10, 0, 0, 0, 0, 0], options, data].concat()
    }

    fn read(segment: &[u8], length: usize) -> Option<Tcp> {
        Tcp::read(Octets::new(segment, u32::try_from(length).unwrap()))
    }

    #[test]
    fn a_syn_tells_its_largest_segment_behind_other_options() {
        let octets = segment(&[1, 1, 4, 2, 2, 4, 5, 0xb4, 3, 3, 7, 0], 0x02, &[]);
        let tcp = read(&octets, octets.len()).unwrap();
        assert_eq!((tcp.mss, tcp.payload), (Some(1460), 0));
        assert_eq!((tcp.sequence, tcp.acknowledgment, tcp.window), (7, 9, 4096));
        assert_eq!(tcp.flags.to_string(), "SYN");
        assert_eq!(TcpFlags(0x12).to_string(), "SYN, ACK");
        assert_eq!(TcpFlags(0).to_string(), "");
    }

    #[test]
    fn options_that_lie_about_their_length_end_the_list() {
        for bad in [&[2, 9, 0, 0][..], &[2, 0, 0, 0], &[200, 2, 2, 4], &[2]] {
            assert_eq!(options(bad).collect::<Vec<_>>(), [None], "{bad:?}");
        }
        assert_eq!(options(&[1, 0, 2, 9]).count(), 1);
    }

    #[test]
    fn a_cut_segment_still_says_how_much_data_it_had() {
        let octets = segment(&[2, 4, 5, 0xb4], 0x10, &[0; 100]);
        for kept in 0..octets.len() {
            let tcp = read(&octets[..kept], octets.len());
            assert_eq!(tcp.is_some(), kept >= 20);
            assert!(
                tcp.is_none_or(|tcp| tcp.payload == 100 || kept < 24),
                "{kept}"
            );
        }
    }
}

//! IP fragments.

use super::{count, ends, stamp};
use crate::limits::{REASSEMBLY_OCTETS, REASSEMBLY_TRAINS};
use crate::net::{Fragment, IpFacts, Path, Pushed, Reassembler, Whole};
use crate::units::Timestamp;

/// A script of fragments, of eight octets each: memory stays within bounds, every packet is put
/// together of what was sent.
pub fn reassembly(octets: &[u8]) {
    let mut reassembler = Reassembler::new();
    let mut number = 0;
    let mut now = 0;
    for step in octets.chunks_exact(8) {
        let [who, identification, o1, o0, l1, l0, flags, wait] = *step else {
            return;
        };
        number += 1;
        now += i64::from(wait) * 100_000_000;
        let path = ends(who);
        let (offset, length) = (u16::from_be_bytes([o1, o0]), u16::from_be_bytes([l1, l0]));
        let kept = match flags & 2 == 0 {
            true => length,
            false => length / 2,
        };
        let sent: Vec<u8> = (u32::from(offset)..)
            .map(|at| octet(&path, at))
            .take(kept.into())
            .collect();
        let fragment = Fragment {
            identification: identification.into(),
            protocol: 17,
            offset: offset.into(),
            more: flags & 1 == 0,
            length: length.into(),
            bytes: &sent,
        };
        let ip = IpFacts {
            length: u32::from(length) + 20,
            pieces: 1,
            ..IpFacts::default()
        };
        let time = Timestamp(now);
        let pushed = reassembler.push(stamp(number, time), time, path, ip, &fragment);
        if let Pushed::Whole(whole) = pushed {
            is_sent(&whole);
        }
        let _given_up = reassembler.expire(time);
    }
    let left = reassembler.finish();
    assert!(left.len() <= REASSEMBLY_TRAINS, "too many packets wait");
    let head: usize = left
        .iter()
        .filter_map(|train| train.head.as_ref())
        .map(Vec::len)
        .sum();
    assert!(head <= REASSEMBLY_OCTETS, "too many octets wait");
}

/// The octet that is sent at this place of every packet between these ends.
fn octet(path: &Path, at: u32) -> u8 {
    let [low, high, ..] = at.to_le_bytes();
    let seed = u8::from(path.from.address.is_ipv6());
    low.wrapping_mul(31) ^ high ^ seed
}

fn is_sent(whole: &Whole) {
    assert!(u32::try_from(whole.payload.len()).is_ok_and(|kept| kept <= whole.length));
    assert_eq!(whole.cut, count(&whole.payload) < whole.length);
    let sent = (0..).map(|at| octet(&whole.path, at));
    assert!(
        whole
            .payload
            .iter()
            .copied()
            .eq(sent.take(whole.payload.len())),
        "a packet was put together wrongly"
    );
}

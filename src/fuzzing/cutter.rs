//! Files, cut anywhere.

use super::count;
use super::scrap::Scrap;
use super::script::Script;

/// Cuts that one file gets: more take time and show nothing new.
const CUTS: usize = 16;

/// How many cuts (1), the octets between each and the next (2), then a file: frames and problems do
/// not depend on where it is cut, nor on whether it comes as a stream.
pub fn cutter(octets: &[u8]) {
    let mut script = Script(octets);
    let cuts = usize::from(script.octet().unwrap_or_default()) % (CUTS + 1);
    let mut sizes: Vec<usize> = (0..cuts)
        .filter_map(|_| script.pair().map(usize::from))
        .collect();
    let file = script.0;
    sizes.push(file.len().max(1));
    let scrap = Scrap::of(file);
    let Some(whole) = scrap.walk(&[file.len().max(1)]) else {
        return;
    };
    assert_eq!(
        Some(&whole),
        scrap.walk(&sizes).as_ref(),
        "chunks of {sizes:?} octets give something else"
    );
    let size = sizes
        .first()
        .copied()
        .unwrap_or(1)
        .max(16 + file.len() / 64);
    let streamed = Scrap::of(&gzip(file)).walk(&[size]);
    assert_eq!(
        Some(&whole),
        streamed.as_ref(),
        "a stream in chunks of {size} octets gives something else"
    );
}

/// A gzip file (RFC 1952) of blocks that are not compressed (RFC 1951 section 3.2.4).
fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for block in octets.chunks(usize::from(u16::MAX)) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    // The last block is empty.
    out.extend([1, 0, 0, 0xff, 0xff]);
    out.extend(crc32(octets).to_le_bytes());
    out.extend(count(octets).to_le_bytes());
    out
}

/// The check value of gzip (RFC 1952 section 8).
fn crc32(octets: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let step = |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
    !octets.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), step)
    })
}

//! Files, in chunks of one size.

use super::scrap::Scrap;

/// Two octets of chunk size, then a file: frames and problems do not depend on how it is cut.
pub fn capture(octets: &[u8]) {
    let [a, b, file @ ..] = octets else {
        return;
    };
    let scrap = Scrap::of(file);
    // Many small chunks take time and show nothing new.
    let size = usize::from(u16::from_be_bytes([*a, *b])).max(16 + file.len() / 64);
    let (Some(whole), Some(cut)) = (scrap.walk(&[file.len().max(1)]), scrap.walk(&[size])) else {
        return;
    };
    assert_eq!(whole, cut, "chunks of {size} octets give something else");
}

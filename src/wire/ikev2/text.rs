//! Octets from the wire made fit to read.

use std::fmt::Write as _;

/// Text as a peer sent it, with control characters and broken UTF-8 escaped: a capture must not be
/// able to steer the terminal that its report is read on.
pub fn printable(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for character in String::from_utf8_lossy(octets).chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// Lower case hex digits.
pub fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().saturating_mul(2));
    for octet in octets {
        let _ = write!(text, "{octet:02x}"); // Writing to a string does not fail.
    }
    text
}

/// Hex digits of a value in a line of text: of a long one the first octets and how many there are.
pub fn brief(octets: &[u8]) -> String {
    match octets.split_at_checked(BRIEF_LEN) {
        _ if octets.is_empty() => "(empty)".into(),
        Some((start, [_, ..])) => format!("{}... ({} octets)", hex(start), octets.len()),
        _ => hex(octets),
    }
}

/// Octets of a value that a line of text has room for: a SHA-256 hash still fits.
const BRIEF_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_pass() {
        assert_eq!(
            printable(b"vpn.example\x1b[2J\n"),
            "vpn.example\\u{1b}[2J\\n"
        );
        assert_eq!(printable("Zürich".as_bytes()), "Zürich");
        assert_eq!(printable(&[b'a', 0xff]), "a\u{fffd}");
    }

    #[test]
    fn hex_has_two_digits_for_each_octet() {
        assert_eq!(hex(&[0, 0x0f, 0xa0]), "000fa0");
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        assert_eq!(brief(&[]), "(empty)");
        assert_eq!(brief(&[0xab; 32]), "ab".repeat(32));
        assert_eq!(
            brief(&[0xab; 33]),
            format!("{}... (33 octets)", "ab".repeat(32))
        );
    }
}

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
}

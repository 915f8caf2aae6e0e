//! Octets from the wire made fit to read.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Text as a peer sent it, made harmless, with broken UTF-8 as U+FFFD.
pub fn printable(octets: &[u8]) -> String {
    escape(&String::from_utf8_lossy(octets)).into_owned()
}

/// Makes a string harmless to a terminal: a capture must not be able to steer the one that its
/// report is read on.
///
/// Captured names may hold escape sequences that move the cursor or rename the window, and marks
/// that turn the direction of writing. They become visible: `\x1b`, `\u{202e}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().saturating_add(8));
    for c in text.chars() {
        if !is_harmful(c) {
            safe.push(c);
        } else if u32::from(c) < 0x100 {
            safe += &format!("\\x{:02x}", u32::from(c));
        } else {
            safe += &format!("\\u{{{:x}}}", u32::from(c));
        }
    }
    Cow::Owned(safe)
}

/// Control characters (C0, DEL, C1), line separators, and marks of direction (UAX #9 section 2).
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Octets as lower-case hex digits.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Written in pieces: a call for each digit would cost more than the digits.
        let digit = |nibble: u8| match nibble {
            0..=9 => b'0' + nibble,
            _ => b'a' + nibble - 10,
        };
        for piece in self.0.chunks(32) {
            let mut text = [0; 64];
            for (pair, octet) in text.as_chunks_mut::<2>().0.iter_mut().zip(piece) {
                *pair = [digit(octet >> 4), digit(octet & 0x0f)];
            }
            let text = text.get(..piece.len() * 2).unwrap_or_default();
            f.write_str(core::str::from_utf8(text).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

/// Hex digits of a value in a line of text: of a long one the first octets and how many there are.
pub(crate) fn brief(octets: &[u8]) -> String {
    match octets.split_at_checked(BRIEF_LEN) {
        _ if octets.is_empty() => "(empty)".into(),
        Some((start, [_, ..])) => format!("{}... ({} octets)", Hex(start), octets.len()),
        _ => Hex(octets).to_string(),
    }
}

/// Octets of a value that a line of text has room for: a SHA-256 hash still fits.
const BRIEF_LEN: usize = 32;

/// The members of a list in a line of text: of a long one the first and how many more there are.
pub(crate) fn list<T: fmt::Display>(members: &[T], separator: &str) -> String {
    let mut text = String::new();
    for (index, member) in members.iter().take(LIST_LEN).enumerate() {
        if index > 0 {
            text += separator;
        }
        text += &member.to_string();
    }
    match members.len().saturating_sub(LIST_LEN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Members of a list that a line of text has room for.
const LIST_LEN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_passes() {
        for c in (0..=0x10_ffff)
            .filter_map(char::from_u32)
            .filter(|c| c.is_control())
        {
            let hostile = format!("a{c}b");
            assert!(
                !escape(&hostile).chars().any(char::is_control),
                "{hostile:?}"
            );
        }
        assert_eq!(escape("\x1b[2J\u{202e}ok"), "\\x1b[2J\\u{202e}ok");
    }

    #[test]
    fn text_from_the_wire_is_made_harmless() {
        assert_eq!(
            printable(b"vpn.example\x1b[2J\n"),
            "vpn.example\\x1b[2J\\x0a"
        );
        assert_eq!(printable("Zürich".as_bytes()), "Zürich");
        assert_eq!(printable(&[b'a', 0xff]), "a\u{fffd}");
    }

    #[test]
    fn hex_has_two_digits_for_each_octet() {
        assert_eq!(Hex(&[0, 0x0f, 0xa0]).to_string(), "000fa0");
        assert_eq!(Hex(&[0xab; 100]).to_string(), "ab".repeat(100));
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

    #[test]
    fn a_long_list_is_cut_and_counted() {
        assert_eq!(list(&[1, 2, 3, 4], "/"), "1/2/3/4");
        assert_eq!(list(&[1, 2, 3, 4, 5, 6], "; "), "1; 2; 3; 4 and 2 more");
        assert_eq!(list::<u8>(&[], ", "), "");
    }
}

//! Lines, words and hex digits, as all formats need them.

use crate::crypto::Secret;
use crate::limits::KEY_OCTETS;
use std::borrow::Cow;

/// The lines of a file with their numbers from 1, without line ends and byte order mark.
pub(super) fn lines(octets: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let lines = octets.split(|octet| *octet == b'\n');
    (1..).zip(lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)))
}

/// The lines as text, broken UTF-8 as U+FFFD.
pub(super) fn text_lines(octets: &[u8]) -> impl Iterator<Item = (u64, Cow<'_, str>)> {
    lines(octets).map(|(number, line)| (number, String::from_utf8_lossy(line)))
}

/// Reads hex digits, with or without `0x`. What is wrong is told without quoting them.
pub(super) fn secret(digits: &str) -> Result<Secret, String> {
    let digits = without_0x(digits);
    if digits.len() > KEY_OCTETS * 2 {
        return Err(format!(
            "expected a key of no more than {KEY_OCTETS} octets"
        ));
    }
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("expected hex digits".to_owned());
    }
    if !digits.len().is_multiple_of(2) {
        return Err(format!(
            "expected an even number of hex digits, not {}",
            digits.len()
        ));
    }
    let mut octets = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().as_chunks::<2>().0 {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16).unwrap_or(0) as u8);
        octets.push(high << 4 | low);
    }
    Ok(Secret::new(octets))
}

/// A number in hex digits, with or without `0x`.
pub(super) fn hex_u64(digits: &str) -> Option<u64> {
    let digits = without_0x(digits);
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// A number in hex digits, with or without `0x`.
pub(super) fn hex_u32(digits: &str) -> Option<u32> {
    hex_u64(digits)?.try_into().ok()
}

pub(super) fn without_0x(digits: &str) -> &str {
    digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_on_any_system() {
        let read: Vec<_> = text_lines(b"\xef\xbb\xbfa\r\n\nb\xff").collect();
        let expected = [(1, "a"), (2, ""), (3, "b\u{fffd}")];
        assert_eq!(read, expected.map(|(n, text)| (n, Cow::from(text))));
    }

    #[test]
    fn hex_digits_are_read_and_what_is_wrong_is_not_quoted() {
        assert_eq!(secret("0xAb01"), Ok(Secret::new(vec![0xab, 0x01])));
        assert_eq!(secret(""), Ok(Secret::default()));
        assert_eq!(secret("0xag").unwrap_err(), "expected hex digits");
        assert_eq!(
            secret("abc").unwrap_err(),
            "expected an even number of hex digits, not 3"
        );
        assert_eq!(
            secret(&"ab".repeat(513)).unwrap_err(),
            "expected a key of no more than 512 octets"
        );
        assert_eq!((hex_u32("0x10"), hex_u32("+1")), (Some(16), None));
        assert_eq!((hex_u32("100000000"), hex_u64("")), (None, None));
    }
}

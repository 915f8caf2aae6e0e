//! The lines of Wireshark's tables ("user accessible tables", `uat_load.l`): fields between commas,
//! in quotes or plain, with `\x41` for octets that do not print, `#` before a comment.

use crate::crypto::Secret;

/// One field, without its quotes. It may be a key.
pub(super) struct Field(Secret);

impl Field {
    /// Its octets.
    pub(super) fn octets(&self) -> &[u8] {
        self.0.expose()
    }

    /// As text; nothing if it is not UTF-8, which no field but a key given as text may be.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(self.octets())
            .unwrap_or_default()
            .trim()
    }
}

/// The fields of a line; `None` for an empty line or a comment. What is wrong is told with the
/// column, from 1.
pub(super) fn fields(line: &[u8]) -> Result<Option<Vec<Field>>, String> {
    let mut at = Cursor { line, at: 0 };
    at.blanks();
    // On the command line of tshark a row stands behind the name of its table.
    for table in [
        "uat:esp_sa:",
        "uat:ikev1_decryption_table:",
        "uat:ikev2_decryption_table:",
    ] {
        if at.rest().starts_with(table.as_bytes()) {
            at.at += table.len();
        }
    }
    if matches!(at.rest(), [] | [b'#', ..]) {
        return Ok(None);
    }
    let mut fields = Vec::new();
    loop {
        at.blanks();
        fields.push(match at.rest() {
            [b'"', ..] => at.quoted()?,
            _ => at.plain(),
        });
        at.blanks();
        match at.rest() {
            [] => return Ok(Some(fields)),
            [b',', ..] => at.at += 1,
            _ => return Err(at.expected("a comma")),
        }
    }
}

struct Cursor<'l> {
    line: &'l [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let blanks = self.rest().iter();
        self.at += blanks
            .take_while(|octet| octet.is_ascii_whitespace())
            .count();
    }

    fn expected(&self, what: &str) -> String {
        format!("column {}: expected {what}", self.at + 1)
    }

    /// Up to the next comma, as digits may stand without quotes.
    fn plain(&mut self) -> Field {
        let rest = self.rest();
        let end = rest.iter().position(|octet| *octet == b',');
        let field = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let field = field.trim_ascii_end();
        let (field, length) = (Field(Secret::from(field)), field.len());
        self.at += length;
        field
    }

    fn quoted(&mut self) -> Result<Field, String> {
        let start = self.at;
        self.at += 1;
        let mut octets = Vec::with_capacity(self.rest().len());
        loop {
            let (octet, length) = match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(Field(Secret::new(octets)));
                }
                [b'\\', b'x' | b'X', high, low, ..] => match hex(*high, *low) {
                    Some(octet) => (octet, 4),
                    None => return Err(self.expected("two hex digits after \\x")),
                },
                [b'\\', b'n', ..] => (b'\n', 2),
                [b'\\', b'r', ..] => (b'\r', 2),
                [b'\\', b't', ..] => (b'\t', 2),
                [b'\\', octet, ..] => (*octet, 2),
                [octet, ..] => (*octet, 1),
                [] => {
                    self.at = start;
                    return Err(self.expected("a quote that ends the field which begins here"));
                }
            };
            octets.push(octet);
            self.at += length;
        }
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> String {
        match fields(line) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(fields)) => {
                let fields = fields.iter().map(|field| field.octets().escape_ascii());
                let fields: Vec<String> = fields.map(|field| format!("<{field}>")).collect();
                fields.join(" ")
            }
            Err(what) => what,
        }
    }

    #[test]
    fn fields_stand_in_quotes_or_plain() {
        assert_eq!(read(b" \"a, b\" , c,,\"\" \r"), "<a, b> <c> <> <>");
        assert_eq!(read(br#""\x41\x22\\\"\q""#), r#"<A\"\\\"q>"#);
        assert_eq!(read(b"uat:esp_sa:\"IPv4\",x"), "<IPv4> <x>");
        assert_eq!(read(b"  # This file is generated"), "nothing");
        assert_eq!(read(b" \t"), "nothing");
    }

    #[test]
    fn a_broken_line_is_told_with_its_column() {
        assert_eq!(
            read(b"a,\"b"),
            "column 3: expected a quote that ends the field which begins here"
        );
        assert_eq!(read(b"\"a\"b"), "column 4: expected a comma");
        assert_eq!(
            read(br#""\xg1""#),
            "column 2: expected two hex digits after \\x"
        );
        assert_eq!(
            read(b"\"\\"),
            "column 1: expected a quote that ends the field which begins here"
        );
    }
}

//! What text is written on: language, colour, wrapping, columns.

use crate::language::{Language, Text};
use crate::say;
use crate::wire::text::escape;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Width and colour of the terminal, or of the file that stands in for it, and the language.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// Columns.
    pub width: usize,
    /// Whether colours may be used.
    pub colour: bool,
    /// In which language is written.
    pub language: Language,
}

/// For files and pipes: 80 columns, no colour, English.
impl Default for Sheet {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
            language: Language::default(),
        }
    }
}

/// What a colour says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ink {
    /// Broken.
    Error,
    /// Impaired.
    Warning,
    /// Worth knowing.
    Info,
    /// As it should be.
    Good,
    /// Headings.
    Strong,
    /// What the eye may skip.
    Faint,
}

impl Ink {
    /// The SGR parameters (ECMA-48 section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Info => "36",
            Self::Good => "1;32",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

/// Text in a colour, where the sheet shows colours.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    text: T,
    ink: Option<Ink>,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ink {
            Some(ink) => write!(f, "\x1b[{}m{}\x1b[0m", ink.code(), self.text),
            None => self.text.fmt(f),
        }
    }
}

impl Sheet {
    /// `text` in a colour. It must be harmless: see [`escape`].
    pub fn paint<T: fmt::Display>(self, ink: Ink, text: T) -> Painted<T> {
        Painted {
            text,
            ink: self.colour.then_some(ink),
        }
    }

    /// A text in the language of the sheet.
    pub fn say(self, text: impl Into<Text>) -> String {
        self.language.say(&text.into())
    }

    /// A word in the language of the sheet.
    pub fn word(self, word: &'static str) -> &'static str {
        self.language.word(word)
    }

    /// What stands before a paragraph that tells more of it: so many blanks, and `IKE SA 1: `.
    pub fn lead(self, indent: usize, what: impl Into<Text>) -> String {
        " ".repeat(indent) + &self.say(say!("{what}: ", what = what.into()))
    }

    /// Writes a paragraph after `lead` and wraps it, so that every line begins where the first does, unless
    /// that leaves too little of a line. Runs of white space become one blank; words longer than a line
    /// stand alone, whole. Chinese, which has no blanks, breaks between characters as well.
    pub fn paragraph(self, out: &mut impl Write, lead: &str, text: &str) -> io::Result<()> {
        let indent = self.hang(lead);
        let label = lead.trim_end_matches(' ');
        let mut column = columns(label);
        let mut gap = lead.get(label.len()..).unwrap_or_default();
        write!(out, "{label}")?;
        for word in text.split_whitespace() {
            let word = escape(word);
            for piece in pieces(&word) {
                let long = columns(piece);
                let begins_line = column + gap.len() <= indent;
                if begins_line || column + gap.len() + long <= self.width {
                    write!(out, "{gap}{piece}")?;
                    column += gap.len();
                } else {
                    write!(out, "\n{:indent$}{piece}", "")?;
                    column = indent;
                }
                column += long;
                gap = "";
            }
            gap = " ";
        }
        writeln!(out)
    }

    /// Where the lines of a paragraph begin: where its lead ends. A lead with a long name in it leaves room
    /// for a word or two there, so lines begin a step behind where the lead itself does.
    fn hang(self, lead: &str) -> usize {
        /// Blanks of a step.
        const STEP: usize = 4;
        let end = columns(lead);
        let begin = lead
            .len()
            .saturating_sub(lead.trim_start_matches(' ').len());
        match end > self.width / 3 * 2 {
            true => end.min(begin + STEP),
            false => end,
        }
    }

    /// A heading on a line of its own, after an empty line, in the language it has.
    pub fn heading(self, out: &mut impl Write, text: &str) -> io::Result<()> {
        writeln!(out, "\n{}", self.paint(Ink::Strong, text))
    }

    /// A table: numbers to the right, all else to the left, columns as wide as their widest cell.
    /// Every row should have as many cells as `head`; cells are escaped. What `head` says is said in
    /// the language of the sheet.
    pub fn table(
        self,
        out: &mut impl Write,
        indent: usize,
        head: &[&'static str],
        rows: &[Vec<String>],
    ) -> io::Result<()> {
        let head: Vec<&str> = head.iter().map(|word| self.language.column(word)).collect();
        let rows: Vec<Vec<Cow<'_, str>>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| escape(cell)).collect())
            .collect();
        let shape: Vec<(usize, bool)> = head
            .iter()
            .enumerate()
            .map(|(i, title)| {
                let cells = || rows.iter().filter_map(|row| row.get(i));
                let widest = cells().map(|cell| columns(cell)).max().unwrap_or(0);
                (
                    widest.max(columns(title)),
                    cells().all(|cell| is_numeric(cell)),
                )
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = " ".repeat(indent);
            for (cell, (width, right)) in cells.zip(&shape) {
                let fill = " ".repeat(width.saturating_sub(columns(cell)));
                if *right {
                    line = line + &fill + cell + "  ";
                } else {
                    line = line + cell + &fill + "  ";
                }
            }
            line.truncate(line.trim_end().len());
            line
        };
        writeln!(
            out,
            "{}",
            self.paint(Ink::Faint, line(&mut head.iter().copied()))
        )?;
        for row in &rows {
            writeln!(out, "{}", line(&mut row.iter().map(AsRef::as_ref)))?;
        }
        Ok(())
    }
}

/// Columns that `text` fills on a terminal: a Chinese character two (UAX #11), colours none.
pub fn columns(text: &str) -> usize {
    let mut parts = text.split('\x1b');
    let plain = parts.next().map_or(0, UnicodeWidthStr::width);
    let painted = parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.width()));
    plain + painted.sum::<usize>()
}

/// The pieces of a word that may stand on different lines. Beside wide characters a line breaks
/// where UAX #14 allows it: between any two, but not before a comma or after an opening bracket.
/// Elsewhere a word is whole, lest addresses and names come apart.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let is_wide = |c: Option<char>| c.and_then(UnicodeWidthChar::width) == Some(2);
    let mut start = 0;
    unicode_linebreak::linebreaks(word).filter_map(move |(place, _)| {
        let (before, after) = word.split_at_checked(place)?;
        let parts = is_wide(before.chars().next_back()) || is_wide(after.chars().next());
        if !parts && !after.is_empty() {
            return None;
        }
        let piece = before.get(start..)?;
        start = place;
        Some(piece)
    })
}

fn is_numeric(cell: &str) -> bool {
    cell == "-" || cell.starts_with(|c: char| c.is_ascii_digit()) && !cell.contains([':', '.', 'x'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(width: usize, lead: &str, text: &str) -> String {
        let mut out = Vec::new();
        Sheet {
            width,
            colour: false,
            ..Sheet::default()
        }
        .paragraph(&mut out, lead, text)
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paragraphs_wrap_under_their_first_word() {
        assert_eq!(
            paragraph(16, "  1. ", "permit UDP 500\nand 4500"),
            "  1. permit UDP\n     500 and\n     4500\n"
        );
    }

    #[test]
    fn a_long_lead_leaves_room_for_what_it_leads() {
        assert_eq!(
            paragraph(24, "  frame 5 of a.p: ", "nothing comes back"),
            "  frame 5 of a.p:\n      nothing comes back\n"
        );
        assert_eq!(
            paragraph(24, "  frame 5 of abc: ", "it left, and never came"),
            "  frame 5 of abc: it\n      left, and never\n      came\n"
        );
        assert_eq!(
            paragraph(24, "  frame 5 of ab: ", "it left"),
            "  frame 5 of ab: it left\n"
        );
    }

    #[test]
    fn a_word_longer_than_the_line_stands_whole() {
        assert_eq!(
            paragraph(8, "", "see 2001:db8::1234 now"),
            "see\n2001:db8::1234\nnow\n"
        );
    }

    #[test]
    fn chinese_wraps_between_characters_and_never_before_a_comma() {
        assert_eq!(
            paragraph(12, "- ", "对端网关没有应答，请检查 UDP 500。"),
            "- 对端网关没\n  有应答，请\n  检查 UDP\n  500。\n"
        );
        assert_eq!(
            paragraph(14, "", "对端没有任何应答，（见 RFC 7296）"),
            "对端没有任何应\n答，（见 RFC\n7296）\n"
        );
        assert_eq!(
            paragraph(8, "", "见http://[2001:db8::1]/a，b"),
            "见\nhttp://[2001:db8::1]/a，\nb\n"
        );
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!(columns("对端 ↔ a"), 8);
        assert_eq!(columns("\x1b[1m对\x1b[0m端"), 4);
        let mut out = Vec::new();
        let rows = [["隧道", "5"], ["a", "12"]].map(|row| row.map(String::from).to_vec());
        let sheet = Sheet::default();
        sheet.table(&mut out, 0, &["x", "y"], &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "x      y\n隧道   5\na     12\n"
        );
    }

    #[test]
    fn tables_set_numbers_to_the_right_and_words_to_the_left() {
        let mut out = Vec::new();
        let rows = [["a", "5"], ["long", "1200"]].map(|row| row.map(String::from).to_vec());
        Sheet::default()
            .table(&mut out, 1, &["name", "packets"], &rows)
            .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            " name  packets\n a           5\n long     1200\n"
        );
    }

    #[test]
    fn colour_is_only_written_where_it_shows() {
        let colour = Sheet {
            width: 80,
            colour: true,
            ..Sheet::default()
        };
        assert_eq!(
            colour.paint(Ink::Strong, "x").to_string(),
            "\x1b[1mx\x1b[0m"
        );
        assert_eq!(Sheet::default().paint(Ink::Strong, "x").to_string(), "x");
    }
}

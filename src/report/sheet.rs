//! What text is written on: colour, wrapping, columns.

use crate::language::Language;
use crate::wire::text::escape;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

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

    /// Writes a paragraph after `lead` and wraps it, so that every line begins where the first does.
    /// Runs of white space become one blank; words longer than a line stand alone, whole.
    pub fn paragraph(self, out: &mut impl Write, lead: &str, text: &str) -> io::Result<()> {
        let indent = columns(lead);
        let mut column = indent;
        write!(out, "{lead}")?;
        for word in text.split_whitespace() {
            let word = escape(word);
            let long = columns(&word);
            if column == indent {
                write!(out, "{word}")?;
            } else if column + 1 + long <= self.width {
                write!(out, " {word}")?;
                column += 1;
            } else {
                write!(out, "\n{:indent$}{word}", "")?;
                column = indent;
            }
            column += long;
        }
        writeln!(out)
    }

    /// A heading on a line of its own, after an empty line.
    pub fn heading(self, out: &mut impl Write, text: &str) -> io::Result<()> {
        writeln!(out, "\n{}", self.paint(Ink::Strong, text))
    }

    /// A table: numbers to the right, all else to the left, columns as wide as their widest cell.
    /// Every row should have as many cells as `head`; cells are escaped.
    pub fn table(
        self,
        out: &mut impl Write,
        indent: usize,
        head: &[&str],
        rows: &[Vec<String>],
    ) -> io::Result<()> {
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

/// Columns that `text` fills, taking every character for one and colours for none.
pub fn columns(text: &str) -> usize {
    let mut parts = text.split('\x1b');
    let plain = parts.next().map_or(0, |part| part.chars().count());
    let painted = parts.map(|part| {
        part.split_once('m')
            .map_or(0, |(_, text)| text.chars().count())
    });
    plain + painted.sum::<usize>()
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
    fn a_word_longer_than_the_line_stands_whole() {
        assert_eq!(
            paragraph(8, "", "see 2001:db8::1234 now"),
            "see\n2001:db8::1234\nnow\n"
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

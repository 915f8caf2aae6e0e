//! The documents of the rules.

use super::sheet::{Ink, Sheet};
use super::view;
use crate::diagnose::Rule;
use crate::language::{Language, Text};
use crate::say;
use serde::Serialize;
use std::io::{self, Write};

/// A rule, as `explain --format json` shows it.
#[derive(Debug, Serialize)]
pub struct RuleView {
    /// Stable short code.
    pub code: &'static str,
    /// Stable slug.
    pub rule: &'static str,
    /// The severity it usually has.
    pub severity: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Markdown.
    pub document: String,
}

impl RuleView {
    /// The view of a rule.
    pub fn new(rule: &Rule, language: Language) -> Self {
        Self {
            code: rule.code,
            rule: rule.slug,
            severity: view::severity(rule.severity),
            summary: language.word(rule.summary),
            document: told(rule, language),
        }
    }
}

/// Finds a rule by slug or code, whatever the case.
pub fn find<'r>(rules: &[&'r Rule], name: &str) -> Option<&'r Rule> {
    let named = |rule: &&&Rule| {
        rule.slug.eq_ignore_ascii_case(name) || rule.code.eq_ignore_ascii_case(name)
    };
    rules.iter().find(named).copied()
}

/// The document of a rule in a language, line by line: an item of a list keeps its mark in the
/// catalogue, a heading does not.
fn told(rule: &Rule, language: Language) -> String {
    let lines = rule.document.lines().map(|line| match heading(line) {
        Some(text) => format!("## {}", language.word(text)),
        None => language.word(line).to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

/// The text of a heading; `None` of other lines.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("## ")
}

/// Writes the list of rules.
pub fn list(out: &mut impl Write, rules: &[&Rule], sheet: Sheet) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            [
                rule.code,
                rule.slug,
                sheet.word(view::severity(rule.severity)),
                sheet.word(rule.summary),
            ]
            .map(str::to_owned)
            .to_vec()
        })
        .collect();
    let head = ["code", "rule", "severity", "says"];
    sheet.table(out, 0, &head, &rows)
}

/// Writes the document of a rule.
pub fn document(out: &mut impl Write, rule: &Rule, sheet: Sheet) -> io::Result<()> {
    let title = say!(
        "{rule} ({code}), {severity}",
        rule = Text::verbatim(rule.slug),
        code = Text::verbatim(rule.code),
        severity = view::severity(rule.severity)
    );
    writeln!(out, "{}", sheet.paint(Ink::Strong, sheet.say(title)))?;
    sheet.paragraph(out, "", sheet.word(rule.summary))?;
    markdown(out, &told(rule, sheet.language), sheet)
}

/// Renders the little Markdown that documents use: headings, paragraphs, lists, indented code.
fn markdown(out: &mut impl Write, text: &str, sheet: Sheet) -> io::Result<()> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if let Some(heading) = heading(line) {
            sheet.heading(out, heading)?;
            continue;
        }
        if line.starts_with("    ") || line.starts_with('|') {
            writeln!(out, "{line}")?;
            continue;
        }
        // A paragraph, or an item of a list, goes on until an empty line or the next item.
        let (lead, first) = item(line);
        let mut paragraph = first.to_owned();
        while let Some(next) = lines.next_if(|next| {
            !next.trim().is_empty() && !next.starts_with('#') && item(next).0.is_empty()
        }) {
            paragraph = paragraph + " " + next.trim();
        }
        sheet.paragraph(out, &lead, &paragraph.replace("**", ""))?;
    }
    Ok(())
}

/// The mark of a list item with its indent, and the text after it; no mark on other lines.
fn item(line: &str) -> (String, &str) {
    let text = line.trim_start();
    if let Some(text) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return ("  - ".to_owned(), text);
    }
    match text.split_once(". ") {
        Some((number, text)) if number.bytes().all(|c| c.is_ascii_digit()) => {
            (format!("  {number}. "), text)
        }
        _ => (String::new(), text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_in_english_is_what_the_rule_says() {
        for rule in crate::diagnose::rules::RULES {
            assert_eq!(
                told(rule, Language::English),
                rule.document,
                "{}",
                rule.slug
            );
        }
    }

    #[test]
    fn documents_read_well_on_a_terminal() {
        let mut out = Vec::new();
        let text = "## What it means\nOne sentence\nover two lines.\n\n- an item\n  that goes on\n- another\n\n1. first\n2. **second**\n";
        markdown(
            &mut out,
            text,
            Sheet {
                width: 24,
                colour: false,
                ..Sheet::default()
            },
        )
        .unwrap();
        let expected = "\nWhat it means\nOne sentence over two\nlines.\n  - an item that goes on\n  - another\n  1. first\n  2. second\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

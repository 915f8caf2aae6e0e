//! Conversations in text, and what is told of them: what stories and edges hold, and what mutants are asked
//! (`benches/mutants/told.rs`).

use espial::diagnose::Finding;
use espial::language::Language;
use espial::report::text::{self, Detail};
use espial::report::{Diagnosis, Selection, Sheet};
use espial::testing;
use std::fmt::Write;

/// A conversation, under its name.
pub(crate) struct Story<'t> {
    pub(crate) name: &'t str,
    pub(crate) conversation: &'t str,
    /// What was said of it when it was blessed.
    pub(crate) report: &'t str,
}

/// The stories of a file.
pub(crate) fn stories(text: &str) -> impl Iterator<Item = Story<'_>> {
    text.split("=== ").skip(1).map(|told| {
        let (name, told) = told.split_once('\n').unwrap();
        let (conversation, report) = told.split_once("---\n").unwrap_or((told, ""));
        Story {
            name,
            conversation,
            report,
        }
    })
}

/// A conversation with `{}` where it varies, under its name.
pub(crate) struct Table<'t> {
    pub(crate) name: &'t str,
    pub(crate) conversation: &'t str,
    /// The words for each time that it is told, and what was found when it was blessed.
    pub(crate) rows: Vec<(&'t str, &'t str)>,
}

/// The tables of a file.
pub(crate) fn tables(text: &str) -> impl Iterator<Item = Table<'_>> {
    text.split("=== ").skip(1).map(|table| {
        let (head, rows) = table.split_once("\n--- ").unwrap();
        let (name, conversation) = head.split_once('\n').unwrap();
        let rows = rows.split("\n--- ");
        Table {
            name,
            conversation,
            rows: rows
                .map(|row| row.split_once('\n').unwrap_or((row, "")))
                .collect(),
        }
    })
}

/// The conversation with its words in place.
pub(crate) fn filled(conversation: &str, words: &str) -> String {
    let filled = words.split(" ; ").map(str::trim);
    filled.fold(conversation.to_string(), |text, word| {
        text.replacen("{}", word, 1)
    })
}

/// What is said of a conversation, in full.
pub(crate) fn report(conversation: &str) -> String {
    let (model, findings) = testing::analysis(conversation);
    written(&Diagnosis::new(&model, &findings, &Selection::default()))
}

/// The report of a diagnosis, in full.
pub(crate) fn written(diagnosis: &Diagnosis<'_>) -> String {
    let mut report = Vec::new();
    let detail = Detail { verbose: true };
    text::write(&mut report, diagnosis, Sheet::default(), detail).unwrap();
    String::from_utf8(report).unwrap()
}

/// What is concluded of a conversation: one finding after the other, with the frames that it cites.
pub(crate) fn concluded(conversation: &str) -> String {
    let (_, findings) = testing::analysis(conversation);
    let mut told = String::new();
    for finding in &findings {
        let Finding {
            rule,
            severity,
            confidence,
            title,
            says,
            ..
        } = finding;
        let frames: Vec<String> = finding
            .evidence
            .iter()
            .map(|cited| cited.frame.to_string())
            .collect();
        let (slug, frames) = (rule.slug, frames.join(" "));
        let [title, says] = [title, says].map(|text| Language::English.say(text));
        writeln!(
            told,
            "{slug}, {severity:?}, {confidence:?}, frames {frames}\n  {title}\n  {says}"
        )
        .unwrap();
    }
    match told.is_empty() {
        true => "nothing\n".to_string(),
        false => told,
    }
}

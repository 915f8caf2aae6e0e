//! Edges: a conversation told several times, each with another word in it, and what is concluded of each.
//! Where a judgement turns is held there: one packet fewer, a second more, another group.
//!
//! A file of `tests/it/edges/` holds several. A line `=== name` begins one, the conversation follows
//! (`espial::testing` has its language) with `{}` where it varies, then for each word a line `--- word` and
//! what is found. Several words for several `{}` are parted by ` ; `. `ESPIAL_BLESS=1 cargo test edges`
//! writes what is found anew; read the difference before you commit it.

use crate::run::{entries, root};
use espial::diagnose::Finding;
use espial::language::Language;
use espial::testing;
use std::fmt::Write;
use std::fs;

/// The conversation with its words in place.
fn filled(conversation: &str, words: &str) -> String {
    let filled = words.split(" ; ").map(str::trim);
    filled.fold(conversation.to_string(), |text, word| {
        text.replacen("{}", word, 1)
    })
}

/// What is concluded of a conversation: one finding after the other, with the frames that it cites.
fn concluded(conversation: &str) -> String {
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
    if told.is_empty() {
        "nothing\n".to_string()
    } else {
        told
    }
}

#[test]
fn judgements_turn_where_they_did() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in entries(&root().join("tests/it/edges")) {
        let text = fs::read_to_string(&file).unwrap();
        let mut blessed = String::new();
        for table in text.split("=== ").skip(1) {
            let (head, rows) = table.split_once("\n--- ").unwrap();
            let (name, conversation) = head.split_once('\n').unwrap();
            write!(blessed, "=== {head}\n").unwrap();
            for row in rows.split("\n--- ") {
                let (words, want) = row.split_once('\n').unwrap_or((row, ""));
                let told = concluded(&filled(conversation, words));
                write!(blessed, "--- {words}\n{told}").unwrap();
                if told.trim_end() != want.trim_end() {
                    let file = file.display();
                    wrong.push(format!(
                        "{file}: {name}, {words}\n--- expected\n{want}\n--- got\n{told}"
                    ));
                }
                count += 1;
            }
        }
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            fs::write(&file, blessed).unwrap();
        }
    }
    assert!(count > 50, "only {count} edges");
    assert!(
        wrong.is_empty() || std::env::var_os("ESPIAL_BLESS").is_some(),
        "{}",
        wrong.join("\n")
    );
}

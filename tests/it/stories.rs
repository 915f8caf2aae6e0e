//! Stories: conversations in text, each with all that is said of it, in `tests/it/stories/`. What a rule
//! says beside its verdict, and what other rules say of the same, is held there word by word: evidence,
//! confidence, alternatives, advice, what happened when, and what cannot be told.
//!
//! A file holds several. A line `=== name` begins one, the conversation follows (`espial::testing` has its
//! language), then a line `---`, then the report. `ESPIAL_BLESS=1 cargo test stories` writes the reports
//! anew; read the difference before you commit it. A new story needs no more than its name and its
//! conversation.

use crate::conversations::{Story, report, stories};
use crate::run::{entries, root};
use std::fs;
use std::path::PathBuf;

#[test]
fn every_story_is_told_as_it_was() {
    let folder = root().join("tests/it/stories");
    let files: Vec<PathBuf> = entries(&folder);
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut blessed = String::new();
        for story in stories(&text) {
            let Story {
                name, conversation, ..
            } = story;
            let report = report(conversation);
            if report != story.report {
                let (file, want) = (file.display(), story.report);
                wrong.push(format!(
                    "{file}: {name}\n--- expected\n{want}--- got\n{report}"
                ));
            }
            blessed.push_str(&format!("=== {name}\n{conversation}---\n{report}"));
            count += 1;
        }
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            fs::write(&file, blessed).unwrap();
        }
    }
    assert!(count > 100, "only {count} stories");
    assert!(
        wrong.is_empty() || std::env::var_os("ESPIAL_BLESS").is_some(),
        "{}",
        wrong.join("\n")
    );
}

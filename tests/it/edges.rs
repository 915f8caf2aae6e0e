//! Edges: a story of `tests/it/stories/` with a line gone, or with one number turned to either side of
//! where the judgement changes. Held is what is found then, in short. So each threshold is told from the
//! number beside it, and each line of a story from its absence.
//!
//! A file of `tests/it/edges/` is about the stories of the file of its name. A line `=== name` tells which
//! story, then `<` a line of it, and `>` what stands there instead; without the latter the line is gone. A
//! line `---` follows, then what is found. `ESPIAL_BLESS=1 cargo test edges` writes that anew; read the
//! difference before you commit it.

use crate::run::{entries, root};
use crate::stories::{Story, stories};
use espial::testing;
use std::fs;

/// What is found in a conversation: what a reader sees first of each finding.
fn found(conversation: &str) -> String {
    let (_, findings) = testing::analysis(conversation);
    let told = findings.iter().map(|finding| {
        let (severity, confidence) = (finding.severity, finding.confidence);
        let (slug, cause) = (finding.rule.slug, finding.cause);
        let cause = cause.and_then(|cause| findings.get(cause));
        let cause = cause.map_or(String::new(), |cause| format!(" by {}", cause.rule.slug));
        let (title, says) = (&finding.title, &finding.says);
        format!("{severity:?} {slug} {confidence:?}{cause}: {title}\n  {says}\n")
    });
    told.collect()
}

/// The conversation of a story with what an edge changes in it.
fn turned(conversation: &str, change: &str) -> String {
    let (old, new) = change.split_once('\n').unwrap();
    let old = old.strip_prefix("< ").unwrap();
    let new = new.strip_prefix("> ").map(|new| new.trim_end());
    let is_old = |line: &&str| *line == old;
    assert_eq!(conversation.lines().filter(is_old).count(), 1, "{old}");
    let lines = conversation.lines();
    let lines = lines.filter_map(|line| match line == old {
        true => new,
        false => Some(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_edge_is_where_it_was() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in entries(&root().join("tests/it/edges")) {
        let told = root()
            .join("tests/it/stories")
            .join(file.file_name().unwrap());
        let told = fs::read_to_string(told).unwrap();
        let told = stories(&told);
        let edges = fs::read_to_string(&file).unwrap();
        let mut blessed = String::new();
        for edge in stories(&edges) {
            let Story {
                name,
                conversation: change,
                report: want,
            } = edge;
            let story = told.iter().find(|story| story.name == name);
            let story = story.unwrap_or_else(|| panic!("{}: no story {name}", file.display()));
            let found = found(&turned(story.conversation, change));
            if found != want {
                let file = file.display();
                wrong.push(format!(
                    "{file}: {name}\n{change}--- expected\n{want}--- got\n{found}"
                ));
            }
            blessed.push_str(&format!("=== {name}\n{change}---\n{found}"));
            count += 1;
        }
        if std::env::var_os("ESPIAL_BLESS").is_some() {
            fs::write(&file, blessed).unwrap();
        }
    }
    assert!(count > 100, "only {count} edges");
    assert!(
        wrong.is_empty() || std::env::var_os("ESPIAL_BLESS").is_some(),
        "{}",
        wrong.join("\n")
    );
}

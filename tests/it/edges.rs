//! Edges: a conversation told several times, each with another word in it, and what is concluded of each.
//! Where a judgement turns is held there: one packet fewer, a second more, another group.
//!
//! A file of `tests/it/edges/` holds several. A line `=== name` begins one, the conversation follows
//! (`espial::testing` has its language) with `{}` where it varies, then for each word a line `--- word` and
//! what is found. Several words for several `{}` are parted by ` ; `. `ESPIAL_BLESS=1 cargo test edges`
//! writes what is found anew; read the difference before you commit it.

use crate::conversations::{Table, concluded, filled, tables};
use crate::run::{entries, root};
use std::fmt::Write;
use std::fs;

#[test]
fn judgements_turn_where_they_did() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in entries(&root().join("tests/it/edges")) {
        let text = fs::read_to_string(&file).unwrap();
        let mut blessed = String::new();
        for table in tables(&text) {
            let Table {
                name, conversation, ..
            } = table;
            writeln!(blessed, "=== {name}\n{conversation}").unwrap();
            for (words, want) in table.rows {
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

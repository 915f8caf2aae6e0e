//! The questions that operators of a VPN ask first, and which rule answers each.
//!
//! The rows of [`FAQ`] are those of a cloud vendor's list of IPsec-VPN faults: one side is a cloud
//! gateway, the other a device of the customer. [`BEYOND`] is what experts find by hand beside them.
//! `docs/faq.md` and its translations are what [`write()`] gives.

mod beyond;
mod rows;

pub use beyond::{BEYOND, Diagnosis};
pub use rows::{FAQ, Row, Sight, Symptom};

use crate::diagnose::Rule;
use crate::language::{Language, Text, list};
use crate::say;
use std::io::{self, Write};

/// What is said before the list.
const ABOUT: &str = "\
The causes are those that a cloud vendor names for faults of an IPsec VPN, F1 to F43. *Shown* means that a
capture of the outside link holds the event itself; *inferred*, that sizes, times or an absence let one
conclude it, never as a fact. Every rule is explained by `espial explain RULE`.";

/// The page of the list in a language.
pub fn page(language: Language) -> String {
    match language {
        Language::English => "faq.md".to_owned(),
        other => format!("faq.{}.md", other.tag()),
    }
}

/// Writes the whole list as Markdown.
pub fn write(out: &mut impl Write, rules: &[&Rule], language: Language) -> io::Result<()> {
    let word = |word| language.word(word);
    writeln!(out, "# {}\n", word("Which rule answers which question"))?;
    writeln!(out, "{}\n", word(ABOUT))?;
    let others = Language::ALL.into_iter().filter(|other| *other != language);
    let others = others.map(|other| format!("[{}]({})", other.name(), page(other)));
    let others: Vec<String> = others.collect();
    writeln!(
        out,
        "{}",
        language.say(&say!(
            "This page is written by `espial explain --faq`. In other languages: {links}.",
            links = list(others.into_iter().map(Text::verbatim))
        ))
    )?;
    for symptom in FAQ {
        writeln!(out, "\n## {}\n", word(symptom.says))?;
        let head = [
            "",
            "cause",
            "without keys",
            "with IKE keys",
            "with ESP keys",
        ];
        table_head(out, &head, language)?;
        for row in symptom.rows {
            let [sealed, ike, esp] = row.sight.map(|sight| word(sight.word()));
            let (number, cause) = (row.number, word(row.cause));
            writeln!(out, "| F{number} | {cause} | {sealed} | {ike} | {esp} |")?;
        }
        for row in symptom.rows {
            write_row(out, row, rules, language)?;
        }
    }
    write_beyond(out, rules, language)
}

/// Writes which rules answer for a cause.
fn write_row(
    out: &mut impl Write,
    row: &Row,
    rules: &[&Rule],
    language: Language,
) -> io::Result<()> {
    let title = say!(
        "**F{number}. {cause}.** It says:",
        number = row.number,
        cause = row.cause
    );
    writeln!(out, "\n{}\n", language.say(&title))?;
    for slug in row.rules {
        if let Some(rule) = rules.iter().find(|rule| rule.slug == *slug) {
            let line = say!(
                "- `{slug}` ({code}): {summary}.",
                slug = Text::verbatim(rule.slug),
                code = Text::verbatim(rule.code),
                summary = rule.summary
            );
            writeln!(out, "{}", language.say(&line))?;
        }
    }
    if !row.elsewhere.is_empty() {
        writeln!(out, "\n{}", language.word(row.elsewhere))?;
    }
    Ok(())
}

/// Writes what experts find beyond the vendor's list.
fn write_beyond(out: &mut impl Write, rules: &[&Rule], language: Language) -> io::Result<()> {
    let word = |word| language.word(word);
    writeln!(out, "\n## {}\n", word("Beyond the FAQ"))?;
    writeln!(
        out,
        "{}\n",
        word("What experts find by hand in captures, and which rule looks for it.")
    )?;
    let head = ["", "diagnosis", "rules", "what stays open"];
    table_head(out, &head, language)?;
    for row in BEYOND {
        let named = row
            .rules
            .iter()
            .filter_map(|slug| rules.iter().find(|rule| rule.slug == *slug))
            .map(|rule| {
                say!(
                    "`{rule}` ({code})",
                    rule = Text::verbatim(rule.slug),
                    code = Text::verbatim(rule.code)
                )
            });
        let named = list(named);
        let named = match named.is_empty() {
            true => "–".to_owned(),
            false => language.say(&named),
        };
        let (number, what, open) = (row.number, word(row.what), word(row.open));
        writeln!(out, "| c{number} | {what} | {named} | {open} |")?;
    }
    Ok(())
}

/// Writes the first two lines of a table.
fn table_head(out: &mut impl Write, head: &[&'static str], language: Language) -> io::Result<()> {
    let titles = head.iter().map(|title| match *title {
        "" => " |".to_owned(),
        title => format!(" {} |", language.column(title)),
    });
    writeln!(out, "|{}", titles.collect::<String>())?;
    writeln!(out, "|{}", "---|".repeat(head.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::RULES;

    fn rows() -> impl Iterator<Item = &'static Row> {
        FAQ.iter().flat_map(|symptom| symptom.rows)
    }

    #[test]
    fn the_rows_are_numbered_in_order_and_none_is_missing() {
        let numbers: Vec<u8> = rows().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=43).collect::<Vec<u8>>());
    }

    #[test]
    fn every_row_is_answered_by_rules_that_exist() {
        for row in rows() {
            assert!(!row.rules.is_empty(), "F{}", row.number);
            for slug in row.rules {
                let known = RULES.iter().any(|rule| rule.slug == *slug);
                assert!(known, "F{}: {slug} is no rule", row.number);
            }
        }
    }

    #[test]
    fn the_rows_beyond_are_numbered_in_order_and_answered_or_left_open_with_a_reason() {
        let numbers: Vec<u8> = BEYOND.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=54).collect::<Vec<u8>>());
        for row in BEYOND {
            let answered = !row.rules.is_empty() || !row.open.is_empty();
            assert!(answered, "c{}", row.number);
            for slug in row.rules {
                let known = RULES.iter().any(|rule| rule.slug == *slug);
                assert!(known, "c{}: {slug} is no rule", row.number);
            }
        }
    }

    #[test]
    fn every_rule_answers_a_question() {
        let asked: Vec<&str> = rows()
            .flat_map(|row| row.rules)
            .chain(BEYOND.iter().flat_map(|row| row.rules))
            .copied()
            .collect();
        for rule in RULES {
            assert!(
                asked.contains(&rule.slug) || OTHERS.contains(&rule.slug),
                "{} answers nothing",
                rule.slug
            );
        }
    }

    /// Rules that tell what is normal, or what neither list asks about.
    const OTHERS: &[&str] = &[
        "address-assignment-failed",
        "eap-failed",
        "esp-dropped-locally",
        "ike-auth-no-response",
        "ike-damaged",
        "ike-retransmits",
        "peer-internal-error",
        "redirected",
        "undecided",
    ];

    #[test]
    fn what_no_capture_shows_says_where_to_look() {
        for row in rows().filter(|row| row.sight == [Sight::Nothing; 3]) {
            assert!(!row.elsewhere.is_empty(), "F{}", row.number);
        }
    }
}

//! Whatever is said to people is said in every language.

use crate::literals::{Found, Use, lines, literals};
use crate::run::{cases, root, stdout};
use espial::diagnose::{self, Confidence, RULES, Severity};
use espial::keys;
use espial::language::{Language, Text};
use espial::model::{Family, IkeState, Model, Role};
use espial::net::Unopened;
use espial::report::{faq, view};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The languages that have a catalogue.
fn translations() -> impl Iterator<Item = Language> {
    let all = Language::ALL.into_iter();
    all.filter(|language| *language != Language::English)
}

/// The keys of a catalogue.
fn known(language: Language) -> BTreeSet<&'static str> {
    language.keys().into_iter().collect()
}

/// What a catalogue lacks, by where it is said: `place: key`, each key once.
fn report(missing: BTreeMap<(&'static str, String), String>) {
    let lines: Vec<String> = missing
        .iter()
        .map(|((tag, key), place)| {
            let key = key.replace('\u{4}', " | ");
            format!("{tag} lacks, {place}: {key}")
        })
        .collect();
    assert!(
        lines.is_empty(),
        "{} missing\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn whatever_is_found_in_the_captures_is_translated() {
    let mut missing = BTreeMap::new();
    for case in cases() {
        let taps = std::iter::once(&case.capture).chain(&case.capture_b);
        let taps: Vec<PathBuf> = taps.cloned().collect();
        for taps in [&taps[..1], &taps[..]] {
            for keyed in [None, case.keys.as_ref()] {
                for text in said(taps, keyed) {
                    for language in translations() {
                        for key in language.lacks(&text) {
                            missing
                                .insert((language.tag(), key.to_owned()), case.name().to_owned());
                        }
                    }
                }
            }
        }
    }
    report(missing);
}

/// Whatever is said of a capture.
fn said(taps: &[PathBuf], keys: Option<&PathBuf>) -> Vec<Text> {
    let inputs = espial::capture::expand(taps).unwrap();
    let keys: Vec<PathBuf> = keys.cloned().into_iter().collect();
    let options = espial::Options {
        keys: Arc::new(keys::load(&keys).unwrap().0),
        ..espial::Options::default()
    };
    let analysis = espial::analyze(inputs, &options).unwrap();
    let mut said = Vec::new();
    for finding in analysis.findings {
        said.extend([finding.title, finding.says]);
        said.extend(finding.evidence.into_iter().map(|evidence| evidence.note));
        said.extend(finding.alternatives);
        said.extend(finding.advice);
    }
    let model: &Model = &analysis.model;
    for tunnel in model.tunnels.ids() {
        let events = diagnose::timeline(model, tunnel).into_iter();
        said.extend(events.map(|event| event.says));
    }
    for child in model.child_sas.ids() {
        said.extend(model.child_inferred(child).as_ref().map(Text::from));
    }
    for flow in model.flows.iter() {
        let inferred = espial::model::Inferred::of(flow);
        said.extend(inferred.as_ref().map(Text::from));
    }
    for problem in model.inputs.iter().flat_map(|input| &input.problems) {
        said.push(problem.what.clone());
    }
    for blind in &model.blind {
        said.extend([blind.what.clone(), blind.why.clone()]);
    }
    said
}

#[test]
fn every_document_and_every_question_is_translated() {
    let mut missing = BTreeMap::new();
    for language in translations() {
        let known = known(language);
        for (place, key) in documents().into_iter().chain(questions()).chain(words()) {
            if !known.contains(key.as_str()) {
                missing.insert((language.tag(), key), place);
            }
        }
    }
    report(missing);
}

/// Summaries and the lines of documents.
fn documents() -> Vec<(String, String)> {
    let keys = |rule: &&'static diagnose::Rule| {
        let all = std::iter::once(rule.summary).chain(lines(rule.document));
        let slug = rule.slug;
        all.map(move |key| (slug.to_owned(), key.to_owned()))
            .collect::<Vec<_>>()
    };
    RULES.iter().flat_map(keys).collect()
}

/// The texts of the FAQ.
fn questions() -> Vec<(String, String)> {
    let symptoms = faq::FAQ.iter().flat_map(|symptom| {
        let rows = symptom.rows.iter();
        let rows = rows.flat_map(|row| [row.cause, row.elsewhere]);
        rows.chain([symptom.says])
    });
    let beyond = faq::BEYOND.iter().flat_map(|row| [row.what, row.open]);
    let all = symptoms.chain(beyond).filter(|text| !text.is_empty());
    all.map(|text| ("the FAQ".to_owned(), text.to_owned()))
        .collect()
}

/// Words that stand for values of the model.
fn words() -> Vec<(String, String)> {
    let states = [
        IkeState::Unanswered,
        IkeState::Refused,
        IkeState::HalfOpen,
        IkeState::AuthRefused,
        IkeState::Established,
        IkeState::AlreadyUp,
        IkeState::Deleted,
    ]
    .map(|state| view::state(state).replace('-', " "));
    let severities = [Severity::Info, Severity::Warning, Severity::Error].map(view::severity);
    let confidences = [
        Confidence::Possible,
        Confidence::Likely,
        Confidence::Certain,
    ]
    .map(view::confidence);
    let roles = [Role::Initiator, Role::Responder].map(view::role);
    let unopened = [
        Unopened::Cut,
        Unopened::TooShort,
        Unopened::NotABlock,
        Unopened::Senseless,
        Unopened::Padding,
        Unopened::Integrity,
    ]
    .map(|why| why.to_string());
    let others = ["unnegotiated", Family::Aligned.words()];
    let modes = ["tunnel", "transport", "beet"].map(|mode| format!("mode\u{4}{mode}"));
    let words = severities.into_iter().chain(confidences).chain(roles);
    let words = words.chain(others).map(str::to_owned).chain(unopened);
    words
        .chain(states)
        .chain(modes)
        .map(|word| ("the words of the model".to_owned(), word))
        .collect()
}

#[test]
fn whatever_the_sources_say_is_translated() {
    let mut missing = BTreeMap::new();
    let found = literals();
    assert!(found.len() > 1000, "only {} literals found", found.len());
    for language in translations() {
        let known = known(language);
        for literal in found.iter().filter(|literal| is_said(literal)) {
            for key in literal.keys() {
                // What is counted has a plural, even if it is a name.
                let differs = literal.used == Use::Counted || has_words(&key);
                if differs && !known.contains(key.as_str()) {
                    missing.insert((language.tag(), key), literal.place.clone());
                }
            }
        }
    }
    report(missing);
}

/// Whether a literal is said to people in words that differ by language.
fn is_said(literal: &Found) -> bool {
    let text = literal.text.as_str();
    literal.used != Use::Other && !is_title(text) && !is_measure(text)
}

/// Whether it is a name of several words, as RFC 4271 spells errors: `Maximum Number of Prefixes
/// Reached`. A sentence has words in lower case, or a hole.
fn is_title(text: &str) -> bool {
    let capital = |word: &str| word == "of" || word.starts_with(char::is_uppercase);
    text.contains(' ') && !text.ends_with(['.', '}']) && text.split(' ').all(capital)
}

/// Whether it is a number with its unit.
fn is_measure(text: &str) -> bool {
    const UNITS: &[&str] = &["s", "ms", "kbit/s", "Mbit/s", "Gbit/s"];
    match text.split_once("} ") {
        Some((hole, unit)) => hole.starts_with('{') && UNITS.contains(&unit),
        None => false,
    }
}

/// Whether there is a letter outside of the holes that is no part of a name in capitals.
fn has_words(key: &str) -> bool {
    let sentence = key
        .split_once('\u{4}')
        .map_or(key, |(_, sentence)| sentence);
    let mut depth = 0;
    sentence.chars().any(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && c.is_lowercase()
    })
}

#[test]
fn no_entry_of_a_catalogue_is_idle() {
    let mut spoken: BTreeSet<String> = BTreeSet::new();
    for literal in literals() {
        spoken.extend(literal.keys());
        spoken.extend(lines(&literal.text).map(str::to_owned));
        spoken.insert(literal.text);
    }
    let mut idle = Vec::new();
    for language in translations() {
        let keys = language.keys().into_iter();
        idle.extend(keys.filter(|key| !spoken.contains(*key)));
    }
    assert!(
        idle.is_empty(),
        "{} idle\n{}",
        idle.len(),
        idle.join("\n").replace('\u{4}', " | ")
    );
}

#[test]
fn every_translation_has_the_holes_of_its_sentence() {
    let found = literals();
    let of = |used: Use| -> BTreeSet<&str> {
        let found = found.iter().filter(|literal| literal.used == used);
        found.map(|literal| literal.text.as_str()).collect()
    };
    let counted = of(Use::Counted);
    let mut wrong = Vec::new();
    for language in translations() {
        for key in language.keys() {
            let told = language.word(key);
            let holes = if counted.contains(key) {
                BTreeSet::from(["n"])
            } else {
                holes(key)
            };
            if self::holes(told) != holes {
                wrong.push(format!("{key}: {told}: the holes are not {holes:?}"));
            }
            let sentence = key
                .split_once('\u{4}')
                .map_or(key, |(_, sentence)| sentence);
            if told.trim().is_empty() || told == sentence && !is_name(sentence) {
                wrong.push(format!("{key}: not translated"));
            }
        }
        wrong.extend(misnumbered(language));
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether a sentence may be a name, which is the same in every language: one word, or words that
/// all begin with a capital.
fn is_name(sentence: &str) -> bool {
    let lower = sentence
        .split_whitespace()
        .filter(|word| word.starts_with(char::is_lowercase));
    lower.count() == 0 || !sentence.contains(' ')
}

/// The names of the holes of a sentence.
fn holes(sentence: &str) -> BTreeSet<&str> {
    let parts = sentence.split('{').skip(1);
    parts
        .map(|part| part.split_once('}').map_or(part, |(name, _)| name))
        .collect()
}

/// Entries that stand in a catalogue more than once, or that it holds and does not tell.
fn misnumbered(language: Language) -> Vec<String> {
    let path = root().join(format!("src/language/{}.po", language.tag()));
    let text = std::fs::read_to_string(path).unwrap();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in text.split("\n\n").filter(|entry| entry.contains("msgid")) {
        let lines = entry.lines().filter(|line| !line.starts_with('#'));
        let key: Vec<&str> = lines
            .take_while(|line| !line.starts_with("msgstr"))
            .collect();
        let key = key.join("\n");
        if !seen.insert(key.clone()) {
            wrong.push(format!("{key} stands more than once"));
        }
        if entry.matches("msgid").count() != 1 {
            wrong.push(format!("an empty line is missing in: {entry}"));
        }
    }
    // The first entry is the header.
    let (told, written) = (language.keys().len(), seen.len().saturating_sub(1));
    if told != written {
        wrong.push(format!("of {written} entries {told} have a translation"));
    }
    wrong
}

#[test]
fn no_noun_is_counted_and_said() {
    // Its translation has a hole for the number, which nothing would fill.
    let found = literals();
    let is = |used: Use| found.iter().filter(move |literal| literal.used == used);
    for counted in is(Use::Counted) {
        let said = is(Use::Said).find(|said| said.text == counted.text);
        if let Some(said) = said {
            panic!(
                "{} is counted at {}, and said at {}",
                said.text, counted.place, said.place
            );
        }
    }
}

/// A few captures of all kinds, with and without a fault.
const SHOWN: usize = 12;

#[test]
fn reports_in_chinese_hold_no_english_prose() {
    let mut english = Vec::new();
    for case in cases().into_iter().take(SHOWN) {
        for command in ["diagnose", "tunnels"] {
            let capture = case.capture.as_os_str();
            let told = stdout([command.as_ref(), capture, "--lang".as_ref(), "zh".as_ref()]);
            // What is to be typed stands between marks, and is the same in every language.
            let told: String = told.split('`').step_by(2).collect();
            for line in told.lines() {
                english.extend(prose(line).map(|prose| format!("{}: {prose}", case.name())));
            }
        }
    }
    assert!(english.is_empty(), "{}", english.join("\n"));
}

/// The line, if three English words in lower case follow one another in it.
fn prose(line: &str) -> Option<&str> {
    let mut run = 0;
    for word in line.split(|c: char| !c.is_ascii_graphic()) {
        let letters = word.trim_end_matches([',', '.', ';', ':']);
        let is_word = !letters.is_empty() && letters.bytes().all(|c| c.is_ascii_lowercase());
        run = if is_word { run + 1 } else { 0 };
        if run == 3 && !COMMANDS.iter().any(|command| line.contains(command)) {
            return Some(line);
        }
    }
    None
}

/// What users type, which is the same in every language.
const COMMANDS: &[&str] = &["espial explain ", "ip xfrm state"];

#[test]
fn the_json_of_a_language_differs_in_what_is_said_alone() {
    for case in cases().into_iter().take(SHOWN) {
        for command in ["diagnose", "tunnels"] {
            let told = Language::ALL.map(|language| {
                let capture = case.capture.as_os_str();
                let options = ["-f", "json", "--lang", language.tag()].map(AsRef::as_ref);
                let arguments = [command.as_ref(), capture].into_iter().chain(options);
                let told: Value = serde_json::from_str(&stdout(arguments)).unwrap();
                told
            });
            let [english, other] = &told;
            let apart = apart(english, other, "");
            assert!(apart.is_empty(), "{}: {}", case.name(), apart.join("\n"));
        }
    }
}

/// Fields that say something.
const SAYS: &[&str] = &[
    "title",
    "says",
    "note",
    "alternatives",
    "advice",
    "what",
    "why",
];

/// Where values differ that are not said.
fn apart(one: &Value, other: &Value, field: &str) -> Vec<String> {
    match (one, other) {
        (Value::String(_), Value::String(_)) if SAYS.contains(&field) => Vec::new(),
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let pairs = ones.iter().zip(others);
            pairs
                .flat_map(|(one, other)| apart(one, other, field))
                .collect()
        }
        (Value::Object(ones), Value::Object(others)) if ones.len() == others.len() => ones
            .iter()
            .flat_map(|(field, one)| {
                let other = others.get(field).unwrap_or(&Value::Null);
                apart(one, other, field)
            })
            .collect(),
        _ if one == other => Vec::new(),
        _ => vec![format!("{field}: {one} or {other}")],
    }
}

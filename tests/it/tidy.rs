//! The structure is tested: who may name whom, and which outside crate has its one place.

use crate::run::root;
use std::path::{Path, PathBuf};

/// Modules by floor, the lowest first. A module names only those below its floor, and itself.
const FLOORS: &[&[&str]] = &[
    &["units", "each"],
    &["limits", "registry"],
    &["language"],
    &["wire", "crypto"],
    &["capture", "keys"],
    &["net"],
    &["sadb"],
    &["model"],
    &["scan"],
    &["fold"],
    &["session"],
    &["census", "assemble", "diagnose"],
    &["testing"],
    &["report"],
    &["pipeline"],
    &["fuzzing"],
    &["cli"],
];

/// Outside crates and the modules that alone may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("nom", &["wire"]),
    ("md5", &["wire", "crypto", "testing"]),
    ("sha1", &["wire", "crypto", "testing"]),
    ("sha2", &["wire", "crypto"]),
    ("x509_parser", &["wire"]),
    ("toml", &["keys"]),
    ("zeroize", &["crypto"]),
    ("subtle", &["crypto"]),
    ("aead", &["crypto"]),
    ("aes", &["crypto"]),
    ("aes_gcm", &["crypto"]),
    ("blowfish", &["crypto"]),
    ("camellia", &["crypto"]),
    ("cast5", &["crypto"]),
    ("cbc", &["crypto"]),
    ("ccm", &["crypto"]),
    ("chacha20poly1305", &["crypto"]),
    ("cmac", &["crypto"]),
    ("ctr", &["crypto"]),
    ("des", &["crypto"]),
    ("ghash", &["crypto"]),
    ("hmac", &["crypto"]),
    ("pcap_parser", &["capture"]),
    ("flate2", &["capture"]),
    ("zstd", &["capture"]),
    ("etherparse", &["net"]),
    ("polib", &["language"]),
    ("rayon", &["pipeline"]),
    ("unicode_linebreak", &["report"]),
    ("unicode_width", &["report"]),
    ("serde", &["report"]),
    ("serde_json", &["report", "fuzzing"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("signal_hook", &["cli"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found
        .into_iter()
        // A file of tests beside what it tests; the module `testing` itself is no test.
        .filter(|path| !path.ends_with("tests.rs") && !path.ends_with("diagnose/testing.rs"))
        .map(|path| {
            let relative = path.strip_prefix(root().join("src")).unwrap();
            let module = relative
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            let module = module.trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            // What tests name is their own affair.
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
            (module, path, text)
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The words that follow `prefix` in the code lines of a text.
fn named<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> + 't {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(move |line| line.split(prefix).skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or("")
        })
}

#[test]
fn a_module_names_only_those_below_it() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some(own) = floor(&module) else {
            assert!(
                matches!(module.as_str(), "lib" | "main"),
                "{module} stands on no floor"
            );
            continue;
        };
        for other in named(&text, "crate::").chain(named(&text, "espial::")) {
            if other != module && floor(other).is_some_and(|other| other >= own) {
                wrong.push(format!("{} names {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_outside_crate_has_its_one_place() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        for (outside, homes) in CRATES {
            let used = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .any(|line| line.contains(&format!(" {outside}::")));
            if used && !homes.contains(&module.as_str()) {
                wrong.push(format!("{} names {outside}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_its_names_and_its_document() {
    let rules = espial::diagnose::RULES;
    assert!(rules.len() >= 18, "only {} rules", rules.len());
    for rule in rules {
        for heading in [
            "What it means",
            "How it is seen",
            "What else looks like it",
            "What to do",
        ] {
            assert!(
                rule.document.contains(heading),
                "{} lacks “{heading}”",
                rule.slug
            );
        }
        let alike =
            |other: &&&espial::diagnose::Rule| other.slug == rule.slug || other.code == rule.code;
        assert_eq!(
            rules.iter().filter(alike).count(),
            1,
            "{} is not alone",
            rule.slug
        );
        for slug in rule.explains {
            assert!(
                rules.iter().any(|other| other.slug == *slug),
                "{} explains {slug}",
                rule.slug
            );
        }
        // One that falls into parts is a folder.
        let name = rule.slug.replace('-', "_");
        let rules = root().join("src/diagnose/rules");
        let mut files = [format!("{name}.rs"), format!("{name}/mod.rs")].into_iter();
        assert!(
            files.any(|file| rules.join(file).exists()),
            "{} has no file of its name",
            rule.slug
        );
    }
}

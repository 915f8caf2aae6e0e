//! How rules are tested: a conversation in text goes in, slugs come out.

use super::{Finding, Severity};

/// The findings of a conversation, in order.
pub(super) fn findings(text: &str) -> Vec<Finding> {
    super::run(&crate::testing::model(text))
}

/// Asserts the slugs found in a conversation, in order.
#[track_caller]
pub(super) fn check(text: &str, slugs: &[&str]) {
    let found = findings(text);
    let names: Vec<&str> = found.iter().map(|finding| finding.rule.slug).collect();
    assert_eq!(names, slugs, "{found:#?}");
}

/// Asserts that a rule fires on a conversation, whatever else does.
#[track_caller]
pub(super) fn fires(text: &str, slug: &str) -> Finding {
    let found = findings(text);
    let names: Vec<&str> = found.iter().map(|finding| finding.rule.slug).collect();
    match found.iter().find(|finding| finding.rule.slug == slug) {
        Some(finding) => finding.clone(),
        None => panic!("{slug} is not among {names:?}"),
    }
}

/// Asserts that a rule is silent on a conversation, whatever else fires.
#[track_caller]
pub(super) fn silent(text: &str, slug: &str) {
    let found = findings(text);
    let names: Vec<&str> = found.iter().map(|finding| finding.rule.slug).collect();
    assert!(!names.contains(&slug), "{names:?}");
}

/// Asserts the verdict: the first finding that is not mere information.
#[track_caller]
pub(super) fn verdict(text: &str, slug: &str) {
    let found = findings(text);
    let first = found
        .iter()
        .find(|finding| finding.severity > Severity::Info)
        .map(|finding| finding.rule.slug);
    let names: Vec<&str> = found.iter().map(|finding| finding.rule.slug).collect();
    assert_eq!(first, Some(slug), "among {names:?}");
}

/// Whether nothing but information was found.
pub(super) fn is_healthy(findings: &[Finding]) -> bool {
    findings
        .iter()
        .all(|finding| finding.severity == Severity::Info)
}

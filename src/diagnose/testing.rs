//! How rules are tested: a conversation in text goes in, slugs come out.

use super::rules::RULES;
use super::{Case, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};

/// A certificate of `CN=gw.example` for an Ed25519 key, made for this test; it holds for twenty
/// years from 2026 on.
pub(super) const CERTIFICATE: &str = "3082013e3081f1a00302010202142cc0a7295b1451dd6a7527d89e1aa3cfcdd92e2d300506032b657030153113301106\
    035504030c0a67772e6578616d706c65301e170d3236313132353233313734305a170d3436313132303233313734305a\
    30153113301106035504030c0a67772e6578616d706c65302a300506032b6570032100402217d4475fdb6609175a1256\
    415d66b323d2231c3473d57f4f823266458dc7a3533051301d0603551d0e04160414adcd8639e5084eb570818f9b9c1a\
    1c79d21d5311301f0603551d23041830168014adcd8639e5084eb570818f9b9c1a1c79d21d5311300f0603551d130101\
    ff040530030101ff300506032b65700341004a0bc261d69d2c5a079df8a2d20662798e7241d72374de130bbad50ea9af\
    bb1ab27f52375efffe7ff44140078925749a346ccb9e3a814116805c20f7cffc5707";

/// The findings of a conversation, in order.
#[track_caller]
pub(super) fn findings(text: &str) -> Vec<Finding> {
    let model = crate::testing::model(text);
    for tunnel in model.tunnels.ids() {
        let case = Case::of(&model, tunnel);
        for rule in RULES {
            asked(rule, &case);
        }
    }
    super::run(&model, super::RULES)
}

/// What one rule says of the first tunnel of a model.
#[track_caller]
pub(super) fn said(rule: &'static Rule, model: &Model) -> Vec<Finding> {
    asked(rule, &Case::of(model, TunnelId(0)))
}

/// What a rule says of a tunnel, asked whatever its signs are: no rule may speak without a sign that it
/// needs.
#[track_caller]
fn asked(rule: &'static Rule, case: &Case<'_>) -> Vec<Finding> {
    let found = (rule.check)(case);
    let signs = case.signs();
    assert!(
        found.is_empty() || rule.may_speak(case),
        "{rule:?} needs {:?}, and speaks of a tunnel that shows {signs:?}",
        rule.needs
    );
    found
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

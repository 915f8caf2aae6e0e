//! The order of findings, and which of them are mere consequences.

use super::finding::{Confidence, Finding, Severity};
use crate::model::{Model, TunnelId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Orders findings, the verdict first, and folds consequences into their causes.
///
/// A finding is a consequence if another on the same tunnel, not far in time, is more than a guess
/// (or no less sure than it) and its rule [`explains`](super::Rule::explains) this one's. Then
/// - it is dropped if it cites no frame that its cause does not cite too: it adds nothing (a rule
///   that is information by nature is a hint, and stays);
/// - else it stays as [`Severity::Info`], for it has evidence of its own;
/// - and its cause becomes as grave as its gravest consequence, unless the cause is normal by its
///   rule: a scan that nobody answers is no fault.
///
/// What is left is ordered by severity, then cause before consequence, confidence, time, code and
/// tunnel, so the outcome does not depend on the order of `findings`.
pub fn conclude(_model: &Model, mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| {
        (
            Reverse(finding.confidence),
            finding.first,
            finding.rule.code,
            finding.tunnel,
            finding.last,
        )
    });
    // Tunnel by tunnel: a capture may hold thousands, and findings of two never explain each other.
    let mut tunnels: BTreeMap<Option<TunnelId>, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        tunnels.entry(finding.tunnel).or_default().push(finding);
    }
    let mut ordered: Vec<(usize, Finding)> = tunnels
        .into_values()
        .flat_map(|findings| {
            let folded = fold(findings);
            let depths: Vec<usize> = folded.iter().map(|one| depth(one, &folded)).collect();
            depths.into_iter().zip(folded)
        })
        .collect();
    ordered.sort_by_key(|(depth, finding)| {
        (
            Reverse(finding.severity),
            *depth,
            Reverse(finding.confidence),
            finding.first,
            finding.rule.code,
            finding.tunnel,
        )
    });
    ordered.into_iter().map(|(_, finding)| finding).collect()
}

/// Drops or demotes consequences; their causes take over their severity.
fn fold(mut findings: Vec<Finding>) -> Vec<Finding> {
    let before = findings.clone();
    let mut keep = Vec::with_capacity(findings.len());
    for (finding, original) in findings.iter_mut().zip(&before) {
        let causes: Vec<&Finding> = before
            .iter()
            .filter(|cause| is_cause(cause, original))
            .collect();
        let consequences = before.iter().filter(|other| is_cause(original, other));
        if original.rule.severity > Severity::Info {
            for consequence in consequences {
                finding.severity = finding.severity.max(consequence.severity);
            }
        }
        if !causes.is_empty() {
            finding.severity = Severity::Info;
        }
        let hint = original.rule.severity == Severity::Info;
        keep.push(hint || !causes.iter().any(|cause| covers(cause, original)));
    }
    let mut keep = keep.into_iter();
    findings.retain(|_| keep.next().unwrap_or(true));
    findings
}

/// Whether `cause` explains `finding`.
fn is_cause(cause: &Finding, finding: &Finding) -> bool {
    cause.rule.explains.contains(&finding.rule.slug)
        && cause.meets(finding)
        && (cause.confidence > Confidence::Possible || cause.confidence >= finding.confidence)
}

/// Whether `cause` cites every frame that `finding` cites.
fn covers(cause: &Finding, finding: &Finding) -> bool {
    finding.evidence.iter().all(|evidence| {
        cause
            .evidence
            .iter()
            .any(|other| other.frame == evidence.frame)
    })
}

/// How many findings lie between `finding` and its first cause, counting rules once.
fn depth(finding: &Finding, all: &[Finding]) -> usize {
    let mut depth = 0;
    let mut level: Vec<&Finding> = vec![finding];
    // A chain cannot be longer than there are rules: `explains` has no circle (tested).
    while depth < super::rules::RULES.len() {
        let causes: Vec<&Finding> = all
            .iter()
            .filter(|cause| {
                level
                    .iter()
                    .any(|one| cause.rule.explains.contains(&one.rule.slug) && cause.meets(one))
            })
            .collect();
        if causes.is_empty() {
            break;
        }
        level = causes;
        depth += 1;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::conclude;
    use crate::diagnose::rules::{
        RULES, ike_no_response, ike_port_unreachable, mtu_black_hole, mtu_exceeded,
    };
    use crate::diagnose::{Confidence, Finding, Rule, Severity};
    use crate::model::{Model, TunnelId};
    use crate::units::{FrameId, Timestamp};

    fn finding(rule: &'static Rule, confidence: Confidence, frame: u64, tunnel: u32) -> Finding {
        let at = (
            FrameId {
                input: 0,
                number: frame,
            },
            Timestamp(frame as i64),
        );
        Finding::new(rule, confidence, TunnelId(tunnel), at, "seen")
    }

    fn concluded(findings: Vec<Finding>) -> Vec<(&'static str, Severity)> {
        let backwards = findings.iter().rev().cloned().collect();
        let order = |findings| {
            conclude(&Model::default(), findings)
                .iter()
                .map(|finding| (finding.rule.slug, finding.severity))
                .collect::<Vec<_>>()
        };
        let out = order(findings);
        assert_eq!(
            out,
            order(backwards),
            "the order of the input must not matter"
        );
        out
    }

    #[test]
    fn a_consequence_with_evidence_of_its_own_stays_as_information() {
        assert_eq!(
            concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 1, 0),
                finding(&ike_port_unreachable::RULE, Confidence::Certain, 2, 0),
            ]),
            [
                ("ike-port-unreachable", Severity::Error),
                ("ike-no-response", Severity::Info)
            ]
        );
    }

    #[test]
    fn a_consequence_that_adds_nothing_is_dropped() {
        assert_eq!(
            concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 2, 0),
                finding(&ike_port_unreachable::RULE, Confidence::Certain, 2, 0),
            ]),
            [("ike-port-unreachable", Severity::Error)]
        );
    }

    #[test]
    fn a_cause_is_as_grave_as_its_consequence() {
        assert_eq!(
            concluded(vec![
                finding(&mtu_black_hole::RULE, Confidence::Likely, 1, 0),
                finding(&mtu_exceeded::RULE, Confidence::Certain, 2, 0),
            ]),
            [
                ("mtu-exceeded", Severity::Error),
                ("mtu-black-hole", Severity::Info)
            ]
        );
    }

    #[test]
    fn a_guess_explains_nothing_that_is_surer_and_no_tunnel_explains_another() {
        let unexplained = [
            ("ike-port-unreachable", Severity::Error),
            ("ike-no-response", Severity::Error),
        ];
        for (confidence, tunnel) in [(Confidence::Possible, 0), (Confidence::Certain, 1)] {
            let mut found = concluded(vec![
                finding(&ike_no_response::RULE, Confidence::Likely, 1, 0),
                finding(&ike_port_unreachable::RULE, confidence, 2, tunnel),
            ]);
            found.sort_by_key(|(slug, _)| std::cmp::Reverse(*slug));
            assert_eq!(found, unexplained);
        }
    }

    #[test]
    fn what_a_rule_explains_exists_and_never_explains_it_back() {
        fn follow(slug: &str, seen: &mut Vec<String>) {
            assert!(
                !seen.contains(&slug.to_string()),
                "{seen:?} lead back to {slug}"
            );
            let rule = RULES.iter().find(|rule| rule.slug == slug);
            seen.push(slug.to_string());
            for next in rule.unwrap().explains {
                follow(next, seen);
            }
            seen.pop();
        }
        for rule in RULES {
            follow(rule.slug, &mut Vec::new());
        }
    }

    #[test]
    fn every_code_and_slug_is_given_once_and_codes_stand_in_order() {
        for pair in RULES.windows(2) {
            assert_ne!(pair[0].slug, pair[1].slug);
        }
        let mut codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RULES.len());
        let mut slugs: Vec<&str> = RULES.iter().map(|rule| rule.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), RULES.len());
    }

    #[test]
    fn every_rule_has_a_document_with_the_four_headings() {
        for rule in RULES {
            for heading in [
                "## What it means\n",
                "## How it is seen\n",
                "## What else looks like it\n",
                "## What to do\n",
            ] {
                assert!(rule.document.contains(heading), "{}: {heading}", rule.slug);
            }
        }
    }
}

//! Findings with their evidence.

use super::place::FrameView;
use crate::diagnose::{self, Confidence, Severity};
use crate::language::{Language, Text};
use crate::report::select::number;
use serde::Serialize;
use std::collections::HashMap;

/// A conclusion.
#[derive(Debug, Serialize)]
pub struct FindingView {
    /// Stable short code.
    pub code: &'static str,
    /// Stable slug.
    pub rule: &'static str,
    /// `error`, `warning`, `info`.
    pub severity: &'static str,
    /// `certain`, `likely`, `possible`.
    pub confidence: &'static str,
    /// Number of the tunnel it is about.
    pub tunnel: Option<u64>,
    /// When it began.
    pub first_ns: i64,
    /// When it was last seen.
    pub last_ns: i64,
    /// One line.
    pub title: String,
    /// One paragraph.
    pub says: String,
    /// What proves it.
    pub evidence: Vec<EvidenceView>,
    /// What else would look like this.
    pub alternatives: Vec<String>,
    /// What to do, in order.
    pub advice: Vec<String>,
    /// Place in the list of the finding that explains this one, from 0.
    pub explained_by: Option<usize>,
    /// Places of the findings that this one explains.
    pub explains: Vec<usize>,
}

impl FindingView {
    /// The view of a finding; what explains what is told by [`all`].
    fn new(finding: &diagnose::Finding, language: Language) -> Self {
        let say = |text: &Text| language.say(text);
        Self {
            code: finding.rule.code,
            rule: finding.rule.slug,
            severity: severity(finding.severity),
            confidence: confidence(finding.confidence),
            tunnel: finding.tunnel.map(number),
            first_ns: finding.first.0,
            last_ns: finding.last.0,
            title: say(&finding.title),
            says: say(&finding.says),
            evidence: finding
                .evidence
                .iter()
                .map(|evidence| EvidenceView {
                    frame: FrameView::new(evidence.frame),
                    note: say(&evidence.note),
                })
                .collect(),
            alternatives: finding.alternatives.iter().map(say).collect(),
            advice: finding.advice.iter().map(say).collect(),
            explained_by: None,
            explains: Vec::new(),
        }
    }
}

/// Views of findings that are shown, given by their places among all.
pub(super) fn all(shown: &[(usize, &diagnose::Finding)], language: Language) -> Vec<FindingView> {
    let places: HashMap<usize, usize> = (0..)
        .zip(shown)
        .map(|(now, (place, _))| (*place, now))
        .collect();
    let mut views: Vec<FindingView> = shown
        .iter()
        .map(|(_, finding)| FindingView::new(finding, language))
        .collect();
    for (now, (_, finding)) in shown.iter().enumerate() {
        let cause = finding.cause.and_then(|cause| places.get(&cause)).copied();
        if let Some(view) = views.get_mut(now) {
            view.explained_by = cause;
        }
        if let Some(view) = cause.and_then(|cause| views.get_mut(cause)) {
            view.explains.push(now);
        }
    }
    views
}

/// A severity in one word.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A confidence in one word.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Possible => "possible",
        Confidence::Likely => "likely",
        Confidence::Certain => "certain",
    }
}

/// A frame, and what it shows.
#[derive(Debug, Serialize)]
pub struct EvidenceView {
    /// The frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// What it shows.
    pub note: String,
}

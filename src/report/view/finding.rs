//! Findings with their evidence.

use super::place::FrameView;
use crate::diagnose::{self, Confidence, Severity};
use crate::report::select::number;
use serde::Serialize;

/// A conclusion.
#[derive(Debug, Serialize)]
pub struct FindingView<'a> {
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
    pub title: &'a str,
    /// One paragraph.
    pub says: &'a str,
    /// What proves it.
    pub evidence: Vec<EvidenceView<'a>>,
    /// What else would look like this.
    pub alternatives: &'a [String],
    /// What to do, in order.
    pub advice: &'a [String],
}

impl<'a> FindingView<'a> {
    pub(super) fn new(finding: &'a diagnose::Finding) -> Self {
        Self {
            code: finding.rule.code,
            rule: finding.rule.slug,
            severity: severity(finding.severity),
            confidence: confidence(finding.confidence),
            tunnel: finding.tunnel.map(number),
            first_ns: finding.first.0,
            last_ns: finding.last.0,
            title: &finding.title,
            says: &finding.says,
            evidence: finding
                .evidence
                .iter()
                .map(|evidence| EvidenceView {
                    frame: FrameView::new(evidence.frame),
                    note: &evidence.note,
                })
                .collect(),
            alternatives: &finding.alternatives,
            advice: &finding.advice,
        }
    }
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
pub struct EvidenceView<'a> {
    /// The frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// What it shows.
    pub note: &'a str,
}

//! Findings with their evidence.

use super::place::FrameView;
use super::saying::{Saying, Sayings};
use crate::diagnose::{self, Confidence, Evidence, Severity};
use crate::language::Language;
use crate::report::select::number;
use foldhash::HashMap;
use serde::{Serialize, Serializer};

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
    pub title: Saying<'a>,
    /// One paragraph.
    pub says: Saying<'a>,
    /// What proves it.
    pub evidence: EvidenceViews<'a>,
    /// What else would look like this.
    pub alternatives: Sayings<'a>,
    /// What to do, in order.
    pub advice: Sayings<'a>,
    /// Place in the list of the finding that explains this one, from 0.
    pub explained_by: Option<usize>,
    /// Places of the findings that this one explains.
    pub explains: Vec<usize>,
}

impl<'a> FindingView<'a> {
    /// The view of a finding; what explains what is told by [`all`].
    fn new(finding: &'a diagnose::Finding, language: Language) -> Self {
        let say = |text| Saying { text, language };
        let all = |texts| Sayings { texts, language };
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
            evidence: EvidenceViews {
                rows: &finding.evidence,
                language,
            },
            alternatives: all(&finding.alternatives),
            advice: all(&finding.advice),
            explained_by: None,
            explains: Vec::new(),
        }
    }
}

/// Views of findings that are shown, given by their places among all.
pub(super) fn all<'a>(
    shown: &[(usize, &'a diagnose::Finding)],
    language: Language,
) -> Vec<FindingView<'a>> {
    let places: HashMap<usize, usize> = (0..)
        .zip(shown)
        .map(|(now, (place, _))| (*place, now))
        .collect();
    let mut views: Vec<FindingView<'a>> = shown
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

/// What proves a finding.
#[derive(Clone, Copy, Debug)]
pub struct EvidenceViews<'a> {
    rows: &'a [Evidence],
    language: Language,
}

impl<'a> EvidenceViews<'a> {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = EvidenceView<'a>> + use<'a> {
        let language = self.language;
        self.rows.iter().map(move |evidence| EvidenceView {
            frame: FrameView::new(evidence.frame),
            note: Saying {
                text: &evidence.note,
                language,
            },
        })
    }
}

impl Serialize for EvidenceViews<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A frame, and what it shows.
#[derive(Debug, Serialize)]
pub struct EvidenceView<'a> {
    /// The frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// What it shows.
    pub note: Saying<'a>,
}

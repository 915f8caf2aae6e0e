//! What a rule is.

use super::case::Case;
use super::finding::{Finding, Severity};
use crate::model::Signs;

/// One rule: its names, its document and its check.
pub struct Rule {
    /// Stable slug, as users name it: `ike-no-response`.
    pub slug: &'static str,
    /// Stable short code, never reused: `IKE101`.
    pub code: &'static str,
    /// The severity it usually has.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// The document that `espial explain` prints: Markdown with the headings `What it means`,
    /// `How it is seen`, `What else looks like it`, `What to do`.
    pub document: &'static str,
    /// Slugs of rules that see a mere consequence of this one; their findings on the same tunnel
    /// come after it.
    pub explains: &'static [&'static str],
    /// It has nothing to say of a tunnel that shows none of these signs, and is not asked about it;
    /// [`Signs::NONE`] if it may speak of any.
    pub needs: Signs,
    /// Looks at one tunnel.
    pub check: fn(&Case<'_>) -> Vec<Finding>,
}

impl Rule {
    /// Whether it may have something to say of a tunnel.
    pub fn may_speak(&self, case: &Case<'_>) -> bool {
        case.signs().meet(self.needs)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug)
    }
}

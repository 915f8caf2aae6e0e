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

/// One of several ways to see what a rule tells of, and the signs of which it needs any.
pub(crate) type Way = (Signs, fn(&Case<'_>) -> Option<Finding>);

/// What the first way sees that sees anything.
pub(crate) fn first_of(ways: &[Way], case: &Case<'_>) -> Option<Finding> {
    let mut ways = ways.iter().filter(|(needs, _)| case.signs().meet(*needs));
    ways.find_map(|(_, way)| way(case))
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug)
    }
}

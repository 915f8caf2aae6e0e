//! That no session stood again after one ended.

use crate::diagnose::facts::inner::Inside;
use crate::diagnose::facts::tap;
use crate::diagnose::{Case, Cite};
use crate::language::Text;
use crate::say;
use crate::units::{Span, Vantage};

/// How long no session stood after one ended, and what shows that one would have been seen at the end. Unless calls
/// `failed` since, a router must have had the time for one.
pub(super) fn since(
    case: &Case<'_>,
    inside: &Inside<'_>,
    vantage: Vantage,
    ended: Cite,
    failed: bool,
) -> Option<(Span, Cite)> {
    /// A router tries again so soon, as a rule: the ConnectRetryTime that RFC 4271 section 10 suggests.
    const RETRY: Span = Span::from_secs(120);
    let until = tap::ended(case.model, vantage)?;
    let reads = |end| inside.reads(vantage, end, (ended.1, until));
    let heard = [0, 1].into_iter();
    let heard = heard.filter_map(|end| inside.last_heard(vantage, end));
    let heard = heard.max_by_key(|at| at.1).filter(|at| at.1 > ended.1)?;
    let long = failed
        || tap::went_on(case.model, vantage, ended.1, RETRY) && heard.1.since(ended.1) >= RETRY;
    (long && inside.has_all() && reads(0) && reads(1)).then(|| (until.since(ended.1), heard))
}

/// So long, in words.
pub(super) fn says(span: Span) -> Text {
    say!(
        "No session stood again in the {span} that the recording goes on.",
        span
    )
}

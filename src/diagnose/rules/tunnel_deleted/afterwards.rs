//! What came of the attempts to set up again what was deleted.

use crate::diagnose::Case;
use crate::diagnose::facts::{end_of, offer, tap};
use crate::language::Text;
use crate::model::{IkeSa, IkeState};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::net::IpAddr;

/// What came of the attempts to set a tunnel up again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Afterwards {
    /// One succeeded, as far as it shows.
    Up,
    /// The side that deleted refused every one in clear.
    Refused,
    /// No one was answered.
    Silent,
    /// They were answered, and none succeeded.
    Failed,
}

/// A slow peer answers so late: it computes keys, or waits for a server.
const SLOW: Span = Span::from_secs(10);

/// What came of the attempts after `time`; `None` if there is none, or it is too early to say.
pub(super) fn fate_of_attempts(
    case: &Case<'_>,
    time: Timestamp,
    who: IpAddr,
) -> Option<Afterwards> {
    let attempts: Vec<&IkeSa> = case.ike_sas().filter(|sa| sa.seen.first.1 > time).collect();
    if attempts.iter().any(|sa| sa.state.was_up()) {
        return Some(Afterwards::Up);
    }
    // A refusal is an end of its own; only silence needs time.
    let refused = |sa: &IkeSa| {
        let mut errors = sa.notices.iter().filter(|notice| notice.is_error());
        sa.state == IkeState::Refused
            && errors.any(|notice| end_of(case.tunnel, notice.from) == end_of(case.tunnel, who))
    };
    let (first, last) = (attempts.first()?, attempts.last()?);
    if attempts.iter().all(|sa| refused(sa)) {
        return Some(Afterwards::Refused);
    }
    // Who hears one side alone does not know what was answered.
    if !case.tap().hears_both() {
        return None;
    }
    let silent = attempts.iter().all(|sa| sa.state == IkeState::Unanswered);
    let (told, fate) = match silent {
        true => (first, Afterwards::Silent),
        // The last may succeed yet.
        false => (last, Afterwards::Failed),
    };
    let begun = case.model.exchanges[*told.exchanges.first()?]
        .flights
        .first()?;
    let vantage = crate::diagnose::facts::first(case.model, begun)?.vantage;
    tap::went_on(case.model, vantage, told.seen.first.1, SLOW).then_some(fate)
}

/// What is said of a delete after which no attempt is known to have come to anything.
pub(super) fn nothing_yet(
    case: &Case<'_>,
    time: Timestamp,
    vantage: Vantage,
    otherwise: &'static str,
) -> Text {
    /// Who needs the tunnel asks for it sooner.
    const WAIT: Span = Span::from_secs(1);
    let end = tap::ended(case.model, vantage);
    let left = end.map(|end| end.since(time).max(Span::default()));
    if case.ike_sas().any(|sa| sa.seen.first.1 > time) {
        return "A new attempt follows; the recording ends before it is known what comes of it."
            .into();
    }
    match left.filter(|left| *left < WAIT) {
        Some(Span(0)) => "The recording ends there.".into(),
        Some(left) => say!("The recording ends {left} later.", left),
        None => otherwise.into(),
    }
}

/// What else is seen of a side that deletes and then wants no more of it.
pub(super) fn shunned(
    case: &Case<'_>,
    who: IpAddr,
    after: Option<Afterwards>,
) -> &'static [&'static str] {
    // Where what it would take is known, the algorithms may well be the reason.
    let known = || {
        let refused = case.turned_down_by(who)?.attempts.first()?;
        offer::known_of(case, who, refused.0)
    };
    match after {
        Some(Afterwards::Refused) if known().is_none() => {
            &["peer-address-unknown", "ike-proposal-mismatch"]
        }
        Some(Afterwards::Refused) => &["peer-address-unknown"],
        Some(Afterwards::Silent) => &["ike-no-response"],
        _ => &[],
    }
}

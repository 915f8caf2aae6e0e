//! Whether the peers came together after one of them had refused: then nothing is broken any more.

use super::{began, life, proof, tap::Tap};
use crate::diagnose::{Case, Finding, Severity};
use crate::model::{AuthOutcome, Model, Role};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};

/// Who tries the next of its offers, or the other version, does so within this time.
const AT_ONCE: Span = Span::from_secs(10);

/// Tells of a refusal that an IKE SA came up after the last frame that the finding cites: then it is
/// no error but a warning.
pub fn tell(case: &Case<'_>, finding: Finding) -> Finding {
    let last = finding.last;
    mild(case, finding, last, Severity::Warning)
}

/// The same of what is negotiated and was last refused at a time: who falls back to another offer at
/// once does what it should.
pub fn tell_fallback(case: &Case<'_>, finding: Finding, refused: Timestamp) -> Finding {
    mild(case, finding, refused, Severity::Info)
}

fn mild(case: &Case<'_>, mut finding: Finding, refused: Timestamp, at_once: Severity) -> Finding {
    let Some(birth) = up_after(case, refused) else {
        return finding;
    };
    let most = match birth.asked.1.since(refused) <= AT_ONCE {
        true => at_once,
        false => Severity::Warning,
    };
    let severity = finding.severity.min(most);
    finding.says.add(say!(
        "An IKE SA between the two came up {span} later.",
        span = birth.up.1.since(refused)
    ));
    finding
        .severity(severity)
        .also(birth.up, "an IKE SA came up after all")
}

/// The first IKE SA of the tunnel that was begun after a time, came up and stood.
pub fn up_after(case: &Case<'_>, time: Timestamp) -> Option<life::Birth> {
    let mut flows: Vec<Timestamp> = case
        .tunnel
        .flows
        .iter()
        .map(|flow| case.model.flows[*flow].seen.first.1)
        .collect();
    flows.sort_unstable();
    let carries = |birth: &life::Birth| {
        let next = flows.partition_point(|first| *first < birth.asked.1);
        flows
            .get(next)
            .is_some_and(|first| first.since(birth.up.1) <= AT_ONCE)
    };
    case.tunnel
        .ike_sas
        .iter()
        .filter(|id| case.model.ike_sas[**id].seen.first.1 > time)
        .filter_map(|id| life::birth(case.model, *id))
        .filter(|birth| birth.asked.1 > time)
        .find(|birth| carries(birth) || stands(case.model, birth))
}

/// Whether an IKE SA without new traffic stood: both sides believe each other, and the initiator
/// did not turn away at once.
fn stands(model: &Model, birth: &life::Birth) -> bool {
    let sa = &model.ike_sas[birth.ike_sa];
    let lives = sa.seen.last.1.since(birth.up.1) >= Tap::PATIENCE;
    let last = sa.exchanges.last().map(|id| &model.exchanges[*id]);
    let turned_away = last.is_some_and(|last| {
        matches!(
            last.kind,
            ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
        ) && last.by == Role::Initiator
            && last
                .flights
                .first()
                .and_then(|flight| began(model, flight))
                .is_some_and(|at| at.1.since(birth.up.1) < Tap::PATIENCE)
    });
    let proven = match sa.auth {
        AuthOutcome::AuthOnly | AuthOutcome::Full => true,
        // Certificates hide how it ended, or EAP goes on.
        _ => lives,
    };
    proven && !turned_away && proof::refusal(model, birth.ike_sa).is_none()
}

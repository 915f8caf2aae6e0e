//! Whether the peers came together after one of them had refused: then nothing is broken any more.

use super::{began, life, proof, tap::Tap};
use crate::diagnose::{Case, Finding, Severity};
use crate::model::{AuthOutcome, Model, Role};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{FrameId, Span, Timestamp};
use std::collections::BTreeSet;

/// Who tries the next of its offers, or the other version, does so within this time.
const AT_ONCE: Span = Span::from_secs(10);

/// Tells of a refusal that an IKE SA came up after the last frame that the finding cites: then it is
/// no error but a warning.
pub fn tell(case: &Case<'_>, finding: Finding) -> Finding {
    let (first, last) = (finding.first, finding.last);
    let cited: BTreeSet<FrameId> = finding.evidence.iter().map(|one| one.frame).collect();
    let mut finding = mild(case, finding, last, Severity::Warning);
    let Some(birth) = still_up(case, [first, last], &cited) else {
        return finding;
    };
    finding.says.add(say!(
        "Another IKE SA between the two, which came up {span} before, was still up.",
        span = first.since(birth.up.1)
    ));
    finding.beside(birth.up, "an IKE SA that was still up")
}

/// The last IKE SA that came up before a time and is heard of, itself or its child SAs, after another: who is
/// refused a new one has that as long as it lives. The one that was refused is none.
fn still_up(
    case: &Case<'_>,
    [first, last]: [Timestamp; 2],
    cited: &BTreeSet<FrameId>,
) -> Option<life::Birth> {
    let mut births = case.births().iter().rev();
    let found = births.find(|birth| {
        let sa = &case.model.ike_sas[birth.ike_sa];
        let children = sa.child_sas.iter().map(|id| &case.model.child_sas[*id]);
        let seen = children.filter_map(|child| child.seen);
        let heard = seen.fold(sa.seen.last.1, |heard, seen| heard.max(seen.last.1));
        let closing = life::closing(case.model, birth.ike_sa);
        // What is cited is of the refused one; in IKEv1 its phase 1 was done before XAUTH.
        let is_cited = || {
            let exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
            let mut flights = exchanges.flat_map(|exchange| &exchange.flights);
            flights.any(|flight| {
                let mut messages = flight.parts.iter().map(|id| &case.model.messages[*id]);
                messages.any(|message| cited.contains(&message.frame))
            })
        };
        let refused = || is_cited() || proof::refusal(case.model, birth.ike_sa).is_some();
        birth.up.1 < first
            && heard > last
            && closing.is_none_or(|closing| closing.at.1 > last)
            && !refused()
    });
    found.cloned()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;

    #[test]
    fn an_ike_sa_came_up_after_all_if_new_traffic_follows_it_soon() {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        let up = |esp: &str| {
            let model = crate::testing::model(&format!(
                "1 A:500 > B:500 IKE_SA_INIT i=9 r=0 id=0 request {suite}
                 10.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
                 10.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
                 10.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 10.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 10.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 {esp}"
            ));
            let case = Case::of(&model, TunnelId(0));
            let refused = model.messages.iter().map(|message| message.time).min();
            up_after(&case, refused.unwrap()).is_some()
        };
        assert!(!up(""));
        assert!(up("11 A > B ESP 0xb1 seq 1..3"));
        assert!(!up("2 A > B ESP 0xb1 seq 1..3"), "old traffic");
        assert!(!up("20.4 A > B ESP 0xb1 seq 1..3"), "late traffic");
        assert!(up(
            "2 A > B ESP 0xb1 seq 1..3\n20.3 A > B ESP 0xb2 seq 1..3"
        ));
    }
}

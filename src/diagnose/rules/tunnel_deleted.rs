//! The tunnel was closed.

use crate::diagnose::facts::esp;
use crate::diagnose::facts::{began, end_of, tap};
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{Exchange, IkeSa, IkeSaId, IkeState, Model, Role, TunnelId};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "tunnel-deleted",
    code: "IKE307",
    severity: Severity::Warning,
    summary: "A side deleted the tunnel",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
One side closed the tunnel, or the SA that carries traffic, by a message of its own. In the end of a session that is normal. It is worth a warning when the other side still needs it: it goes on sending, or its new attempts fail.

## How it is seen
An informational message of the size of a delete, after which the SA is not used any more. Without keys a delete cannot be told from other small messages by itself; what follows tells.

## What else looks like it
A rekeying deletes the old SA too; then a new one carries the traffic at once.

## What to do
1. Read the log of the side that deleted: an administrator, a lifetime, an idle timeout, another connection with the same identity.
";

/// Traffic that ends this close to the message ended because of it.
const CLOSE: Span = Span::from_millis(500);

/// Silence that tells a deletion from a rekeying.
const SILENCE: Span = Span::from_secs(1);

/// So many packets after the deletion mean that the tunnel is still needed.
const NEEDED: u64 = 5;

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let mut findings = Vec::new();
    let row = &model.tunnels[tunnel];
    findings.extend(
        row.ike_sas
            .iter()
            .find_map(|id| child_deleted(model, tunnel, *id)),
    );
    findings.extend(
        row.ike_sas
            .iter()
            .rev()
            .find_map(|id| closed(model, tunnel, *id)),
    );
    findings
}

/// An IKE SA that was deleted and that no other took the place of.
fn closed(model: &Model, tunnel: TunnelId, id: IkeSaId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let sa = &model.ike_sas[id];
    let replaced = row
        .ike_sas
        .iter()
        .any(|other| model.ike_sas[*other].replaces == Some(id));
    if sa.state != IkeState::Deleted || replaced {
        return None;
    }
    let last = sa.exchanges.last().map(|id| &model.exchanges[*id])?;
    let (at, who, to) = said(model, last)?;
    let end = end_of(row, who)?;
    let still: u64 = esp::directions(model, row)
        .iter()
        .map(|directions| directions.packets_since(end, later(at.1, SILENCE)))
        .max()
        .unwrap_or(0);
    let after = fate_of_attempts(model, tunnel, at.1);
    let (severity, confidence, what) = match (still >= NEEDED, after) {
        (_, Some(true)) => (
            Severity::Info,
            Confidence::Likely,
            "A new tunnel was set up afterwards.".to_string(),
        ),
        (_, Some(false)) => (
            RULE.severity,
            Confidence::Likely,
            "Afterwards no attempt to set it up again succeeds.".to_string(),
        ),
        (true, None) => (
            RULE.severity,
            Confidence::Possible,
            format!("{to} goes on sending: {still} ESP packets came after it."),
        ),
        (false, None) => (
            Severity::Info,
            Confidence::Likely,
            "Nothing follows: the tunnel was closed in order.".to_string(),
        ),
    };
    Some(
        Finding::new(
            &RULE,
            confidence,
            tunnel,
            at,
            "a message of the size of a delete, the last on its SA",
        )
        .severity(severity)
        .title(format!("{who} closed the tunnel"))
        .says(format!(
            "{who} sent the delete of the IKE SA to {to}. {what}"
        ))
        .or("A small informational message of another kind, at the end of the IKE SA.")
        .advise(format!(
            "If it was not meant, read the log of {who}: it says why."
        )),
    )
}

/// The child SA vanished at an informational message while the IKE SA lived on and made a new one
/// later.
fn child_deleted(model: &Model, tunnel: TunnelId, id: IkeSaId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let sa = &model.ike_sas[id];
    let directions = esp::directions(model, row);
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::INFORMATIONAL)
        .find_map(|exchange| {
            let (at, who, to) = said(model, exchange)?;
            let (made_again, by) = makes_child_after(model, sa, at.1)?;
            // Whoever deletes it and asks for it again restarts it on purpose.
            let severity = match by == exchange.by {
                true => Severity::Info,
                false => RULE.severity,
            };
            let ended = directions.iter().any(|directions| {
                [0, 1].into_iter().all(|end| ends_at(directions, end, at.1))
            });
            (ended && made_again.since(at.1) >= SILENCE).then(|| {
                Finding::new(&RULE, Confidence::Possible, tunnel, at, "a small message, at which all ESP ends")
                    .severity(severity)
                    .during(at.1, made_again)
                    .title(format!("{who} deleted the child SA"))
                    .says(format!(
                        "ESP flowed in both directions up to an informational message of {who} to {to}, and then \
                         ended at once, while the IKE SA lived on; {} later a new child SA was asked for.",
                        made_again.since(at.1)
                    ))
                    .or("The traffic happened to pause at that moment.")
                    .advise(format!("Read the log of {who}: it says why it deleted the child SA."))
            })
        })
}

/// Whether ESP towards `end` flowed up to just before `time` and then not for a while.
fn ends_at(directions: &esp::Directions<'_>, end: usize, time: Timestamp) -> bool {
    let before = directions
        .flows(end)
        .iter()
        .filter(|flow| flow.seen.first.1 < time)
        .collect::<Vec<_>>();
    let last = before.iter().map(|flow| flow.seen.last.1).max();
    let packets: u64 = before.iter().map(|flow| flow.packets).sum();
    let quiet = directions
        .flows(end)
        .iter()
        .filter(|flow| flow.seen.first.1 >= time)
        .all(|flow| flow.seen.first.1.since(time) >= SILENCE);
    packets >= NEEDED && quiet && last.is_some_and(|last| last <= time && time.since(last) <= CLOSE)
}

/// When a child SA was next asked for, and by whom.
fn makes_child_after(model: &Model, sa: &IkeSa, time: Timestamp) -> Option<(Timestamp, Role)> {
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::CREATE_CHILD_SA)
        .filter_map(|exchange| Some((began(model, exchange.flights.first()?)?.1, exchange.by)))
        .find(|(at, _)| *at > time)
}

/// Where, by whom and to whom an informational exchange was begun.
fn said(model: &Model, exchange: &Exchange) -> Option<(Cite, std::net::IpAddr, std::net::IpAddr)> {
    let flight = exchange.flights.first()?;
    let message = crate::diagnose::facts::first(model, flight)?;
    let path = message.path;
    Some((
        (message.frame, message.time),
        path.from.address,
        path.to.address,
    ))
}

/// Whether attempts after `time` succeeded; `None` if there is none, or it is too early to say.
fn fate_of_attempts(model: &Model, tunnel: TunnelId, time: Timestamp) -> Option<bool> {
    let attempts: Vec<&IkeSa> = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .map(|id| &model.ike_sas[*id])
        .filter(|sa| sa.seen.first.1 > time)
        .collect();
    if attempts.iter().any(|sa| {
        matches!(
            sa.state,
            IkeState::Established | IkeState::AlreadyUp | IkeState::Deleted | IkeState::HalfOpen
        )
    }) {
        return Some(true);
    }
    let first = attempts.first()?;
    let vantage = crate::units::Vantage {
        input: first.seen.first.0.input,
        interface: 0,
    };
    tap::went_on(model, vantage, first.seen.first.1, tap::Tap::PATIENCE).then_some(false)
}

fn later(time: Timestamp, span: Span) -> Timestamp {
    Timestamp(time.0.saturating_add(span.0))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, is_healthy, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    #[test]
    fn a_clean_close_at_the_end_is_no_fault() {
        let found = findings(&format!(
            "{UP}
             11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        ));
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn a_close_after_which_nothing_succeeds() {
        verdict(
            &format!(
                "{UP}
                 11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 12 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 12.1 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)
                 20 A:500 > B:500 IKE_SA_INIT i=6 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 20.1 B:500 > A:500 IKE_SA_INIT i=6 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
            ),
            "ike-proposal-mismatch",
        );
    }

    #[test]
    fn a_child_deleted_in_mid_traffic() {
        verdict(
            &format!(
                "{UP}
                 10.7 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 10.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80
                 14 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 14.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 14.2 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
                 14.3 B > A ESP 0xa2 seq 1..20 every 0.5 size 136"
            ),
            "tunnel-deleted",
        );
    }
}

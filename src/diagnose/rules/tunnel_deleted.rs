//! One side deletes SAs under live traffic, and the other wants them back.

use crate::diagnose::facts::life::{self, Closing};
use crate::diagnose::facts::{began, end_of};
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{IkeSaId, Model, TunnelId};
use crate::registry::ExchangeType;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "tunnel-deleted",
    code: "IKE312",
    severity: Severity::Warning,
    summary: "One side deletes SAs under live traffic, and the other wants them back",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
A peer deletes an SA that carries traffic: its configuration was removed, it displaces one tunnel by another, a health check failed, or an operator acted. The other side then negotiates anew.

## How it is seen
ESP flows until an informational message of the size of a deletion, then no packet of either direction. Later the other side asks for a new SA.

## What else looks like it
A liveness check has the same size in some suites; one that comes just when traffic pauses looks alike. A side that deletes and then negotiates by itself restarts or reauthenticates: that is left out, and so is a deletion after which nobody asks.

## What to do
1. Read the log of the side that deletes: it knows why.
2. If it refuses the tunnel afterwards, its connection was removed or disabled.
";

/// Traffic this shortly before a deletion was live.
const LIVE: Span = Span::from_secs(1);

/// The same for a message that may as well be a liveness check: chance must be small.
const LIVE_IF_UNSURE: Span = Span::from_millis(150);

/// Packets in flight when the deletion passes.
const IN_FLIGHT: Span = Span::from_millis(500);

/// Deletions this close to each other are one, and the first side to send one began it.
const TOGETHER: Span = Span::from_secs(3);

/// Traffic that waited for a new SA takes it at once.
const AT_ONCE: Span = Span::from_secs(1);

/// A side that reauthenticates does so at once.
const BREAK: Span = Span::from_secs(1);

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let mut all: Vec<Closing> = row
        .ike_sas
        .iter()
        .flat_map(|id| candidates(model, *id))
        .collect();
    all.sort_by_key(|closing| closing.at.1);
    let found: Vec<(Closing, Cite)> = all
        .iter()
        .enumerate()
        .filter(|(index, closing)| !follows_another(closing, all.get(..*index).unwrap_or(&[])))
        .filter(|(_, closing)| cuts_traffic(model, tunnel, closing))
        .filter_map(|(_, closing)| Some((*closing, wanted_back(model, tunnel, closing)?)))
        .collect();
    let Some((closing, back)) = found.first() else {
        return Vec::new();
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(!closing.sure),
        tunnel,
        closing.at,
        format!("{} deletes", closing.from),
    )
    .also(*back, "the other side negotiates anew")
    .title(format!("{} deleted a tunnel in use", closing.from))
    .says(format!(
        "{} sent an informational message of the size of a deletion; ESP stopped with it, and after \
         {} the other side asked for a new SA ({} in all).",
        closing.from,
        back.1.since(closing.at.1),
        match found.len() {
            1 => "once".to_string(),
            n => format!("{n} times"),
        }
    ))
    .or("A liveness check that came just when traffic paused.")
    .or("An operator or a health check on that side restarted the tunnel.")
    .advise(format!("Read the log of {} for the reason.", closing.from));
    for (closing, _) in found.iter().skip(1) {
        finding = finding.also(closing.at, format!("{} deletes again", closing.from));
    }
    vec![finding]
}

/// Messages on an IKE SA that may be deletions, unless another has taken its place in order.
fn candidates(model: &Model, id: IkeSaId) -> Vec<Closing> {
    let replaced = |ike_sa: &crate::model::IkeSa| ike_sa.replaces == Some(id);
    if model.ike_sas.iter().any(replaced) {
        return Vec::new();
    }
    model.ike_sas[id]
        .exchanges
        .iter()
        .filter_map(|exchange| life::may_delete(model, id, &model.exchanges[*exchange]))
        .collect()
}

/// Whether the other side had begun to delete.
fn follows_another(closing: &Closing, before: &[Closing]) -> bool {
    before
        .iter()
        .rev()
        .take_while(|other| closing.at.1.since(other.at.1) <= TOGETHER)
        .any(|other| other.from != closing.from)
}

/// Whether ESP flowed until this moment and no further.
fn cuts_traffic(model: &Model, tunnel: TunnelId, closing: &Closing) -> bool {
    let at = closing.at.1;
    let recent = if closing.sure { LIVE } else { LIVE_IF_UNSURE };
    let mut live = false;
    for id in &model.tunnels[tunnel].flows {
        let seen = model.flows[*id].seen;
        if seen.first.1 > at {
            continue;
        }
        if seen.last.1.since(at) > IN_FLIGHT {
            return false;
        }
        let lasted = seen.last.1.since(seen.first.1) > Span(0);
        live |= lasted && at.since(seen.last.1) <= recent;
    }
    live
}

/// The first request for new SAs after the deletion, if it comes from the other side, is no instant
/// reauthentication, and no ESP flows before it.
fn wanted_back(model: &Model, tunnel: TunnelId, closing: &Closing) -> Option<Cite> {
    let row = &model.tunnels[tunnel];
    let (cite, from) = row
        .ike_sas
        .iter()
        .flat_map(|id| &model.ike_sas[*id].exchanges)
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT
                    | ExchangeType::CREATE_CHILD_SA
                    | ExchangeType::IDENTITY_PROTECTION
                    | ExchangeType::AGGRESSIVE
                    | ExchangeType::QUICK_MODE
            )
        })
        .filter_map(|exchange| {
            let flight = exchange.request()?;
            let from = crate::diagnose::facts::first(model, flight)?.path.from.address;
            Some((began(model, flight)?, from))
        })
        .filter(|(cite, _)| cite.1 > closing.at.1)
        .min_by_key(|(cite, _)| cite.1)?;
    let between = row.flows.iter().any(|id| {
        let first = model.flows[*id].seen.first.1;
        first > closing.at.1 && first < cite.1
    });
    let at_once = row.flows.iter().any(|id| {
        let after = model.flows[*id].seen.first.1.since(cite.1);
        after >= Span(0) && after <= AT_ONCE
    });
    let other = end_of(row, from) != end_of(row, closing.from);
    let wanted = other && !between && (closing.sure || at_once);
    (wanted && cite.1.since(closing.at.1) >= BREAK).then_some(cite)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
        11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 65
        11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 57";

    #[test]
    fn the_other_side_wants_it_back() {
        fires(
            &format!("{UP}\n15 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce"),
            "tunnel-deleted",
        );
    }

    #[test]
    fn an_answer_to_the_other_sides_deletion_is_not_the_first() {
        silent(
            &format!(
                "{UP}\n10.9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 69
                 15 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce"
            ),
            "tunnel-deleted",
        );
    }

    #[test]
    fn nobody_wants_it_back() {
        silent(&format!("{UP}\n90 A > B ICMP 8/0 quoting A > B IKE"), "tunnel-deleted");
    }

    #[test]
    fn whoever_deletes_and_negotiates_restarts() {
        silent(
            &format!("{UP}\n15 B:500 > A:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce"),
            "tunnel-deleted",
        );
    }

    #[test]
    fn traffic_that_goes_on_was_not_cut() {
        silent(
            &format!(
                "{UP}\n11.5 A > B ESP 0xb1 seq 21..40 every 0.5
                 15 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce"
            ),
            "tunnel-deleted",
        );
    }
}

//! The tunnel is set up from scratch again and again.

use crate::diagnose::facts::{asked, auth};
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{IkeSa, IkeState, Model, TunnelId};
use crate::units::{Span, Timestamp};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "tunnel-flapping",
    code: "IKE304",
    severity: Severity::Error,
    summary: "The tunnel is set up from scratch again and again",
    document: DOCUMENT,
    explains: &["tunnel-deleted", "clear-text-leak"],
    check,
};

const DOCUMENT: &str = "\
## What it means
The tunnel comes up, goes down and comes up again. Each time traffic stops, and routing that rides on it may reset.

## How it is seen
IKE SAs between the same ends are negotiated from the first message four times or more, minutes apart or less, none of them as the rekeying or reauthentication of the one before.

## What else looks like it
Tests that start and stop a tunnel on purpose. Reauthentication in place of rekeying, if its interval is very short.

## What to do
1. Find what ends each tunnel: the findings listed beside this one, or the log of the side that deletes.
2. See that only one device, and one connection of it, speaks for these addresses.
";

/// So many beginnings make a pattern.
const BEGINNINGS: usize = 4;

/// Longer lives than this, on average, are no flapping.
const LIFE: Span = Span::from_secs(600);

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let mut beginnings: Vec<Cite> = Vec::new();
    let mut before: Option<&IkeSa> = None;
    for id in &model.tunnels[tunnel].ike_sas {
        let sa = &model.ike_sas[*id];
        let up = matches!(sa.state, IkeState::Established | IkeState::Deleted);
        let (Some(at), true) = (
            auth::agreed(model, sa).filter(|_| sa.replaces.is_none()),
            up,
        ) else {
            continue;
        };
        // IKE SAs that live side by side, as load tests and clusters have them, do not flap.
        if before.is_none_or(|before| is_over(model, before, at.1)) {
            beginnings.push(at);
        }
        before = Some(sa);
    }
    let (Some(first), Some(last)) = (beginnings.first(), beginnings.last()) else {
        return Vec::new();
    };
    let lives = i64::try_from(beginnings.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let all = last.1.since(first.1);
    if beginnings.len() < BEGINNINGS || all.0 / lives.max(1) > LIFE.0 {
        return Vec::new();
    }
    let mut finding = Finding::new(&RULE, Confidence::Likely, tunnel, *last, "negotiated anew")
        .during(first.1, last.1)
        .says(format!(
            "The tunnel was negotiated from the first message {} times in {all}: once in {} on average.",
            beginnings.len(),
            Span(all.0 / lives.max(1))
        ))
        .or("Someone starts and stops the tunnel on purpose.")
        .advise("Find what ends it each time: other findings, or the log of the side that deletes.");
    for beginning in &beginnings {
        finding = finding.also(*beginning, "negotiated anew");
    }
    vec![finding]
}

/// Whether an IKE SA had come to its end by `time`: deleted, given up, or its traffic over.
fn is_over(model: &Model, sa: &IkeSa, time: Timestamp) -> bool {
    let deleted = sa.state == IkeState::Deleted;
    let given_up = asked::all(model, sa).any(|asked| asked.is_silent() && asked.first.1 < time);
    let traffic: Vec<Timestamp> = sa
        .child_sas
        .iter()
        .filter_map(|id| model.child_sas[*id].seen)
        .map(|seen| seen.last.1)
        .collect();
    let dry = !traffic.is_empty() && traffic.iter().all(|last| *last <= time);
    deleted || given_up || dry
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    fn beginnings(times: &[u32]) -> String {
        times
            .iter()
            .enumerate()
            .map(|(n, at)| {
                let spi = n + 1;
                format!(
                    "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9{spi} id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9{spi} id=1 request sealed 256
                     {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9{spi} id=1 response sealed 240
                     {at}.4 A > B ESP 0xb{spi} seq 1..10 every 0.1 size 136
                     {at}.4 B > A ESP 0xa{spi} seq 1..10 every 0.1 size 136
                     "
                )
            })
            .collect()
    }

    #[test]
    fn a_tunnel_that_begins_anew_every_half_minute() {
        fires(&beginnings(&[0, 30, 60, 90, 120]), "tunnel-flapping");
    }

    #[test]
    fn a_tunnel_that_begins_twice_does_not_flap() {
        silent(&beginnings(&[0, 30]), "tunnel-flapping");
    }
}

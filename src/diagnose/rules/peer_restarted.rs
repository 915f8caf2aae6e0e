//! A peer lost its SAs without a word and came back with new ones.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::life::{self, Birth, Stale};
use crate::diagnose::facts::{asked, count, end_of};
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{IcmpSeen, Model, TunnelId};
use crate::units::{Span, Timestamp};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-restarted",
    code: "IKE310",
    severity: Severity::Error,
    summary: "A peer restarted and lost its SAs",
    document: DOCUMENT,
    explains: &[
        "unknown-spi",
        "dpd-timeout",
        "esp-one-way",
        "esp-blocked",
        "tunnel-flapping",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway or its IKE daemon stopped without deleting its SAs, and came back without them. The other side did not know and sent into the void until a new IKE SA was made.

## How it is seen
One end falls silent on all SAs while the other goes on sending on the old SPIs, so no deletion was received. Then that end initiates anew and the old SPIs are not used again; or its host answers by ICMP that it knows neither the port nor the protocol, which a lost path cannot do.

## What else looks like it
A path that was dead for both directions, if the end that was cut off then initiates. A failover to a twin that does not share its state.

## What to do
1. Look at the uptime and log of that gateway: crash, watchdog, update, power.
2. Shorten dead peer detection on the other side, so that it notices sooner.
";

/// How long the other side must have gone on sending on the old SPIs: longer than any round trip.
const STALE: Span = Span::from_secs(1);

/// A silence in which dead peer detection could have given up: an outage explains it as well.
const LONG: Span = Span::from_secs(60);

/// A peer's return.
struct Restart<'m> {
    end: usize,
    last: Cite,
    stale: Option<Stale>,
    refusal: Option<&'m IcmpSeen>,
    birth: Birth,
}

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let restarts: Vec<Restart<'_>> = life::births(model, row)
        .into_iter()
        .filter(|birth| model.ike_sas[birth.ike_sa].replaces.is_none())
        .filter_map(|birth| [0, 1].into_iter().find_map(|end| restart(model, tunnel, birth, end)))
        .collect();
    let Some(restart) = restarts.first() else {
        return Vec::new();
    };
    let address = row.ends.get(restart.end).copied().unwrap_or(restart.birth.initiator);
    let silent = restart.birth.asked.1.since(restart.last.1);
    let unsure = restart.refusal.is_none()
        && (silent > LONG || was_asked_in_vain(model, tunnel, restart));
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(unsure),
        tunnel,
        restart.birth.asked,
        "a new IKE SA, though the old one was not deleted",
    )
    .also(restart.last, format!("last packet of {address} on the old SAs"))
    .title(format!("{address} lost its SAs and came back with new ones"));
    let mut says = format!(
        "{address} was silent for {silent}, and then a new IKE SA was made without a deletion of \
         the old one."
    );
    if let Some(stale) = restart.stale {
        finding = finding.also(stale.last, format!("still sent to {address} on {}", stale.spi));
        says = format!(
            "{says} Meanwhile {} went to it on the old SPI {}.",
            count(stale.packets, "packet"),
            stale.spi
        );
    }
    if let Some(refusal) = restart.refusal {
        finding = finding.also(
            (refusal.frame, refusal.time),
            format!("{} from {address} itself", icmp::name(&refusal.error)),
        );
        says = format!("{says} Its host was alive and said by ICMP that no daemon is there.");
    } else {
        finding = finding.or("The path was dead for a while, and the end that was cut off negotiated anew.");
    }
    for again in restarts.iter().skip(1) {
        finding = finding.also(again.birth.asked, "and again");
    }
    vec![
        finding
            .says(says)
            .or("A failover to a twin that does not share SAs.")
            .advise(format!("Look at the uptime and log of {address}."))
            .advise("Shorten dead peer detection on the other side, so that it notices sooner."),
    ]
}

/// Whether `end` had lost its SAs when the new IKE SA was made.
fn restart(model: &Model, tunnel: TunnelId, birth: Birth, end: usize) -> Option<Restart<'_>> {
    let row = &model.tunnels[tunnel];
    let last = life::last_sent_before(model, row, end, birth.asked.1)?;
    let worked = row
        .flows
        .iter()
        .any(|id| model.flows[*id].seen.first.1 <= last.1);
    if !worked {
        return None;
    }
    let stale = life::stale(model, row, end, last.1, STALE)
        .filter(|stale| stale.packets >= 2 && stale.last.1 > last.1);
    let refusal = refusal(model, tunnel, end, last.1, birth.asked.1);
    let returns = end_of(row, birth.initiator) == Some(end) && stale.is_some();
    (returns || refusal.is_some()).then_some(Restart {
        end,
        last,
        stale,
        refusal,
        birth,
    })
}

/// An ICMP error by which the host of `end` itself says that nobody is there for ESP or IKE.
fn refusal(
    model: &Model,
    tunnel: TunnelId,
    end: usize,
    since: Timestamp,
    until: Timestamp,
) -> Option<&IcmpSeen> {
    let row = &model.tunnels[tunnel];
    icmp::about(model, tunnel).find(|seen| {
        matches!(
            icmp::meaning(&seen.error),
            Meaning::ProtocolUnreachable | Meaning::PortUnreachable
        ) && end_of(row, seen.path.from.address) == Some(end)
            && end_of(row, seen.error.quoted.to.address) == Some(end)
            && seen.time >= since
            && seen.time <= until
    })
}

/// Whether requests to that end went unanswered in its silence: dead peer detection was at work.
fn was_asked_in_vain(model: &Model, tunnel: TunnelId, restart: &Restart<'_>) -> bool {
    let row = &model.tunnels[tunnel];
    row.ike_sas
        .iter()
        .flat_map(|id| asked::all(model, &model.ike_sas[*id]))
        .any(|asked| {
            asked.is_silent()
                && asked.first.1 >= restart.last.1
                && asked.first.1 <= restart.birth.asked.1
        })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    const NEW: &str = "
        20 B:500 > A:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        20.1 A:500 > B:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        20.2 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 request sealed 256
        20.3 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 response sealed 240
        21 A > B ESP 0xb2 seq 1..20 every 0.5 size 136
        21.1 B > A ESP 0xa2 seq 1..20 every 0.5 size 136";

    #[test]
    fn a_peer_that_comes_back_while_the_other_still_sends_has_restarted() {
        verdict(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..37 every 0.5 size 136{NEW}"),
            "peer-restarted",
        );
    }

    #[test]
    fn a_peer_that_said_goodbye_has_not() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 11 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 80
                 11.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80{NEW}"
            ),
            "peer-restarted",
        );
    }

    #[test]
    fn reauthentication_while_both_sides_go_on_is_no_restart() {
        silent(
            &format!(
                "{UP}\n1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 11.1 B > A ESP 0xa1 seq 21..40 every 0.5 size 136{NEW}"
            ),
            "peer-restarted",
        );
    }
}

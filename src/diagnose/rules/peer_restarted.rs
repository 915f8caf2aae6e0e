//! The peer vanished without a word and begins anew: it restarted.

use crate::diagnose::facts::esp;
use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::{asked, auth, end_of, tap};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{IkeSa, IkeState, Model, TunnelId};
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-restarted",
    code: "IKE305",
    severity: Severity::Warning,
    summary: "The peer restarted",
    document: DOCUMENT,
    explains: &[
        "unknown-spi",
        "esp-blocked",
        "esp-one-way",
        "dpd-timeout",
        "path-outage",
        "ike-port-unreachable",
        "ike-host-unreachable",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway lost its state: its daemon or the whole device restarted. Until it negotiates anew, its peer goes on sending to SAs that are gone.

## How it is seen
One side falls silent, IKE and ESP alike, and sends no delete. The other side goes on sending ESP to it. Then the silent side begins with a first IKE message and a new SPI, without having asked in vain before, and the old SPIs are never used again. Or the host itself says by ICMP that nothing takes IKE or ESP any more, and later negotiates anew, whoever begins.

## What else looks like it
A path outage: but then the silent side would have probed in vain before it began anew, and its old SPIs would come back. A failover to another device with the same address.

## What to do
1. Look at the log and uptime of the peer at that time.
2. Enable dead peer detection on both sides, so that the loss is noticed sooner.
";

/// The restarted side was silent at least so long.
const SILENCE: Span = Span::from_secs(2);

/// After a longer silence nobody can tell a restart from a tunnel that was given up.
const LONGEST: Span = Span::from_secs(900);

/// The other side sent at least so many packets into the void.
const VOID: u64 = 3;

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    row.ike_sas
        .iter()
        .map(|id| &model.ike_sas[*id])
        .find_map(|new| restarted(model, tunnel, new))
        .or_else(|| refused_and_returned(model, tunnel))
        .into_iter()
        .collect()
}

/// An end that spoke IKE, whose host then said that nothing takes IKE or ESP any more, and that
/// agreed to a new IKE SA later.
fn refused_and_returned(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let sas = || row.ike_sas.iter().map(|id| &model.ike_sas[*id]);
    icmp::about(model, tunnel)
        .filter(|seen| {
            let gone = match icmp::is_ike(seen) {
                true => &[Meaning::PortUnreachable][..],
                false => &[Meaning::ProtocolUnreachable, Meaning::PortUnreachable],
            };
            // A device in between may say so too; the host itself knows.
            gone.contains(&icmp::meaning(&seen.error))
                && seen.path.from.address == seen.error.quoted.to.address
        })
        .find_map(|seen| {
            let who = seen.path.from.address;
            let end = end_of(row, who)?;
            let heard = tap::last_heard(model, tunnel, end, seen.time)?;
            sas().find(|sa| {
                sa.seen.first.1 < seen.time
                    && matches!(sa.state, IkeState::Established | IkeState::AlreadyUp)
            })?;
            let back = sas()
                .filter(|sa| sa.seen.first.1 > seen.time)
                .find_map(|sa| auth::agreed(model, sa))?;
            Some(
                Finding::new(
                    &RULE,
                    Confidence::Likely,
                    tunnel,
                    (seen.frame, seen.time),
                    format!("{}: the host is up, its IPsec is not", icmp::name(&seen.error)),
                )
                .also(heard, format!("last packet of {who} before"))
                .also(back, "negotiated anew")
                .title(format!("{who} restarted"))
                .says(format!(
                    "{who} was part of a living tunnel, then its host refused IKE or ESP with {} and sent no \
                     delete. {} later it negotiated anew: its IPsec was stopped or crashed, and came back.",
                    icmp::name(&seen.error),
                    back.1.since(seen.time)
                ))
                .advise(format!("Look at the log and the uptime of the daemon on {who} at that time.")),
            )
        })
}

/// Whether the initiator of `new` restarted just before.
fn restarted(model: &Model, tunnel: TunnelId, new: &IkeSa) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let begins = asked::all(model, new).next()?;
    if !begins.message.header.spis.responder.is_zero() || auth::agreed(model, new).is_none() {
        return None;
    }
    let start = begins.first.1;
    let end = end_of(row, begins.from().address)?;
    // An older IKE SA lived, and nobody closed it.
    let old = row
        .ike_sas
        .iter()
        .map(|id| &model.ike_sas[*id])
        .filter(|sa| sa.seen.first.1 < start)
        .rfind(|sa| matches!(sa.state, IkeState::Established | IkeState::AlreadyUp))?;
    if old.seen.last.1 > start {
        return None;
    }
    let heard = tap::last_heard(model, tunnel, end, start)?;
    let asked_in_vain = row
        .ike_sas
        .iter()
        .flat_map(|id| asked::all(model, &model.ike_sas[*id]))
        .any(|asked| {
            end_of(row, asked.from().address) == Some(end)
                && asked.first.1 < start
                && start.since(asked.last.1) <= Finding::TRAIL
                && asked.fate != crate::diagnose::facts::Fate::Answered
        });
    let directions = esp::directions(model, row);
    let void: u64 = directions
        .iter()
        .map(|directions| {
            directions
                .packets_since(end, heard.1)
                .saturating_sub(directions.packets_since(end, start))
        })
        .max()?;
    let resumed = directions
        .iter()
        .flat_map(|directions| directions.flows(1 - end))
        .any(|flow| flow.seen.first.1 < start && flow.seen.last.1 >= start);
    let silence = start.since(heard.1);
    if asked_in_vain || resumed || void < VOID || silence < SILENCE || silence > LONGEST {
        return None;
    }
    let refusal = icmp::about(model, tunnel).find(|seen| {
        seen.time >= heard.1
            && seen.time <= start
            && end_of(row, seen.path.from.address) == Some(end)
            && matches!(
                icmp::meaning(&seen.error),
                Meaning::ProtocolUnreachable | Meaning::PortUnreachable
            )
    });
    let who = begins.from().address;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        begins.first,
        format!("{who} begins anew, its old SAs forgotten"),
    )
    .also(heard, format!("last packet of {who} before"))
    .title(format!("{who} restarted"))
    .says(format!(
        "{who} was silent for {} and sent no delete, while {void} ESP packets went to it unanswered. Then it \
         began a new IKE SA from the first message; its old SPIs are not used again.{}",
        start.since(heard.1),
        match refusal {
            Some(_) => " Meanwhile it answered ESP with ICMP errors: the host was up, its IPsec was not.",
            None => "",
        }
    ))
    .or("A failover to another device with the same address.")
    .or("A path outage in which the side that begins anew lost its state as well.")
    .advise(format!("Look at the log and the uptime of {who} at that time."))
    .advise("Enable dead peer detection on both sides, so that the loss is noticed sooner.");
    if let Some(seen) = refusal {
        finding = finding.also((seen.frame, seen.time), icmp::name(&seen.error));
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    const ANEW: &str = "
        21 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.1 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.2 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
        21.3 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
        22 A > B ESP 0xb2 seq 1..10 every 0.5 size 136
        22.1 B > A ESP 0xa2 seq 1..10 every 0.5 size 136";

    #[test]
    fn silence_and_a_new_beginning_by_the_silent_side() {
        verdict(&format!("{UP}{ANEW}"), "peer-restarted");
    }

    #[test]
    fn a_host_that_refuses_and_then_negotiates_again() {
        verdict(
            &format!(
                "{UP}
                 12 B > A ICMP 3/2 quoting A > B ESP 0xb1
                 13 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1,3
                 13 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=2
                 21 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 21.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
            ),
            "peer-restarted",
        );
    }

    #[test]
    fn whoever_probed_in_vain_did_not_restart() {
        silent(
            &format!(
                "{UP}{ANEW}
                 13 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=1,3"
            ),
            "peer-restarted",
        );
    }
}

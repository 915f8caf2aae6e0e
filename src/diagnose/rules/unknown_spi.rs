//! ESP for an SA that its receiver does not know.

use crate::diagnose::facts::{child, clear, end_of, esp, selectors};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{EspFlow, Model, TunnelId};
use crate::registry::NotifyType;
use crate::say;
use crate::units::{EspSpi, Span};
use std::collections::BTreeMap;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "unknown-spi",
    code: "IKE306",
    severity: Severity::Error,
    summary: "ESP is sent on an SA that the receiver does not know",
    document: DOCUMENT,
    explains: &[
        "esp-one-way",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
One side sends on an SA that the other has lost or deleted: after a restart, a failover, or a delete that did not arrive. All that traffic is thrown away.

## How it is seen
INVALID_SPI (11) in clear, in an informational message outside any SA. With keys also: a side deletes the SA of packets towards it, and the other goes on sending on it for many seconds.

## What else looks like it
Notifications in clear can be forged; alone they prove little. A few packets after a delete were under way.

## What to do
1. Restart the tunnel on the side that sends.
2. Enable dead peer detection, and the recovery from invalid SPIs where the gateway has it.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let notices: Vec<&clear::Notice> = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .flat_map(|id| clear::refusals(&model.ike_sas[*id], NotifyType::INVALID_SPI))
        .collect();
    let Some(first) = notices.first() else {
        return sent_on(model, tunnel).into_iter().collect();
    };
    let spi = first
        .data
        .first_chunk()
        .map(|octets| crate::units::EspSpi(u32::from_be_bytes(*octets)));
    let (from, times) = (first.from, child::times(notices.len()));
    let mut finding = Finding::new(&RULE, Confidence::Certain, tunnel, first.at, first.name())
        .title(say!(
            "{from} does not know the SA that it gets ESP on",
            from
        ))
        .says(match spi {
            Some(spi) => say!(
                "{from} sent INVALID_SPI in clear {times}, about {spi}.",
                from,
                times,
                spi
            ),
            None => say!("{from} sent INVALID_SPI in clear {times}.", from, times),
        })
        .or("The notification is forged: it is not authenticated.")
        .advise("Restart the tunnel on the side that sends.")
        .advise("Enable dead peer detection on both sides.");
    for notice in notices.iter().skip(1) {
        finding = finding.also(notice.at, "again");
    }
    vec![finding]
}

/// ESP on an SA that its receiver deleted, long after that.
fn sent_on(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    /// What was under way has arrived by then, and the delete too.
    const SETTLED: Span = Span::from_secs(5);
    /// So many packets after that are no stragglers.
    const MANY: u64 = 10;
    let row = &model.tunnels[tunnel];
    let mut flows: BTreeMap<EspSpi, Vec<&EspFlow>> = BTreeMap::new();
    for flow in row.flows.iter().map(|id| &model.flows[*id]) {
        flows.entry(flow.key.spi).or_default().push(flow);
    }
    row.ike_sas
        .iter()
        .flat_map(|id| selectors::deletions(model, *id))
        .find_map(|(time, spi, by)| {
            let settled = time.later(SETTLED);
            let flow = flows.get(&spi)?.iter().find(|flow| {
                flow.seen.first.1 < time
                    && end_of(row, flow.key.to) == end_of(row, by)
                    && esp::packets_since(flow, settled) >= MANY
            })?;
            let late = esp::packets_since(flow, settled);
            let sender = flow.paths.first()?.from.address;
            Some(
                Finding::new(
                    &RULE,
                    Confidence::Certain,
                    tunnel,
                    flow.seen.last,
                    say!("still sent on {spi}", spi),
                )
                .during(time, flow.seen.last.1)
                .title(say!(
                    "{sender} sends on an SA that {by} has deleted",
                    sender,
                    by
                ))
                .says(say!(
                    "{by} deleted SA {spi}, on which it receives; {sender} sent at least {late} packets on it later \
                     than {settled} after that, up to {longest} after it. They are thrown away.",
                    by,
                    spi,
                    sender,
                    late,
                    settled = SETTLED,
                    longest = flow.seen.last.1.since(time)
                ))
                .advise(say!("Restart the tunnel at {sender}.", sender))
                .advise("Enable dead peer detection on both sides."),
            )
        })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        20 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder opened D(ESP 0xb1)
        20.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator opened D(ESP 0xa1)";

    #[test]
    fn esp_goes_on_after_its_receiver_deleted_the_sa() {
        fires(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..100 every 0.5"),
            "unknown-spi",
        );
    }

    #[test]
    fn stragglers_after_a_delete_were_under_way() {
        silent(
            &format!("{UP}\n1 A > B ESP 0xb1 seq 1..40 every 0.5\n40 A > C ESP 0xc1"),
            "unknown-spi",
        );
    }

    #[test]
    fn invalid_spi_in_clear() {
        fires(
            "1 A > B ESP 0xb1 seq 100..200 every 0.1 size 136
             1.1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "unknown-spi",
        );
    }

    #[test]
    fn an_old_spi_that_falls_silent_after_rekeying_is_known() {
        silent(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             11 A > B ESP 0xb2 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..101 every 0.1 size 136
             11 B > A ESP 0xa2 seq 1..100 every 0.1 size 136",
            "unknown-spi",
        );
    }
}

//! ESP for an SA that its receiver does not know.

use crate::diagnose::facts::clear;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::registry::NotifyType;

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
INVALID_SPI (11) in clear, in an informational message outside any SA.

## What else looks like it
Notifications in clear can be forged; alone they prove little.

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
        return Vec::new();
    };
    let spi = first
        .data
        .first_chunk()
        .map(|octets| crate::units::EspSpi(u32::from_be_bytes(*octets)));
    let mut finding = Finding::new(&RULE, Confidence::Certain, tunnel, first.at, first.name())
        .title(format!(
            "{} does not know the SA that it gets ESP on",
            first.from
        ))
        .says(format!(
            "{} sent INVALID_SPI in clear {}{}.",
            first.from,
            match notices.len() {
                1 => "once".to_string(),
                n => format!("{n} times"),
            },
            match spi {
                Some(spi) => format!(", about {spi}"),
                None => String::new(),
            }
        ))
        .or("The notification is forged: it is not authenticated.")
        .advise("Restart the tunnel on the side that sends.")
        .advise("Enable dead peer detection on both sides.");
    for notice in notices.iter().skip(1) {
        finding = finding.also(notice.at, "again");
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

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

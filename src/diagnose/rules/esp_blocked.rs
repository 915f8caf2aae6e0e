//! ESP is refused, and someone says so.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::{end_of, esp};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, Transport, TunnelId};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-blocked",
    code: "ESP402",
    severity: Severity::Error,
    summary: "ESP does not pass",
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
IKE passes over UDP, but ESP, which is IP protocol 50 and has no ports, does not. Filters and some networks know UDP and TCP only.

## How it is seen
An ICMP error (protocol unreachable, or administratively prohibited) quotes ESP. Or, with taps at both gateways, ESP of every child SA leaves at one tap and not one packet arrives at the other.

## What else looks like it
A peer whose IPsec stack is not running answers protocol unreachable for a while.

## What to do
1. Permit IP protocol 50 in both directions between the gateways.
2. Or force UDP encapsulation on the gateways, so that ESP travels in UDP 4500.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    by_icmp(model, tunnel)
        .or_else(|| by_two_taps(model, tunnel))
        .map(|finding| {
            finding
                .advise("Permit IP protocol 50 in both directions between the gateways.")
                .advise("Or force UDP encapsulation, so that ESP travels in UDP 4500.")
        })
        .into_iter()
        .collect()
}

fn by_icmp(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let seen = icmp::about(model, tunnel).find(|seen| {
        !icmp::is_ike(seen)
            && matches!(
                icmp::meaning(&seen.error),
                Meaning::ProtocolUnreachable | Meaning::Prohibited | Meaning::PortUnreachable
            )
    })?;
    let quoted = seen.error.quoted;
    let why = match icmp::meaning(&seen.error) {
        Meaning::ProtocolUnreachable => "it knows no ESP at that moment",
        Meaning::PortUnreachable => "nothing takes ESP on that port",
        _ => "a filter forbids it",
    };
    Some(
        Finding::new(
            &RULE,
            Confidence::Certain,
            tunnel,
            (seen.frame, seen.time),
            format!(
                "{} from {}",
                icmp::name(&seen.error),
                seen.path.from.address
            ),
        )
        .during(seen.time, seen.last)
        .title(format!(
            "{} refuses ESP to {}",
            seen.path.from.address, quoted.to
        ))
        .says(format!(
            "{} sent {} ({} in all) for ESP from {} to {}: {why}.",
            seen.path.from.address,
            icmp::name(&seen.error),
            seen.count,
            quoted.from,
            quoted.to
        ))
        .or("The IPsec stack of the peer is not running."),
    )
}

/// ESP seen leaving at one tap and never arriving at the other, which hears IKE from there.
fn by_two_taps(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let row = &model.tunnels[tunnel];
    let all = esp::directions(model, row);
    let vantages = vantages(model, tunnel);
    for directions in &all {
        for end in [0, 1] {
            let sent = directions.packets(end);
            let first = directions.first(end);
            let arrived = vantages
                .iter()
                .filter(|vantage| **vantage != directions.vantage)
                .any(|vantage| {
                    all.iter()
                        .filter(|other| other.vantage == *vantage)
                        .any(|other| other.packets(end) > 0)
                });
            let elsewhere = vantages
                .iter()
                .any(|vantage| *vantage != directions.vantage);
            let native = directions
                .flows(end)
                .iter()
                .all(|flow| flow.key.transport == Transport::Ip);
            if let (true, false, true, true, Some(first)) =
                (elsewhere, arrived, native, sent >= 10, first)
            {
                let to = row.ends.get(end)?;
                return Some(
                    Finding::new(&RULE, Confidence::Likely, tunnel, first, "leaves here, never arrives at the other tap")
                        .during(first.1, directions.last(end)?.1)
                        .title(format!("ESP to {to} is lost on the way"))
                        .says(format!(
                            "{sent} ESP packets to {to} passed one tap; the other tap, which hears IKE of this \
                             tunnel, saw none of them."
                        )),
                );
            }
        }
    }
    None
}

/// Every vantage that recorded IKE of both ends.
fn vantages(model: &Model, tunnel: TunnelId) -> Vec<crate::units::Vantage> {
    let row = &model.tunnels[tunnel];
    let mut heard: Vec<(crate::units::Vantage, [bool; 2])> = Vec::new();
    for message in crate::diagnose::facts::tap::messages(model, row) {
        let Some(end) = end_of(row, message.path.from.address) else {
            continue;
        };
        let index = heard
            .iter()
            .position(|(vantage, _)| *vantage == message.vantage)
            .unwrap_or_else(|| {
                heard.push((message.vantage, [false; 2]));
                heard.len() - 1
            });
        if let Some(slot) = heard.get_mut(index).and_then(|(_, ends)| ends.get_mut(end)) {
            *slot = true;
        }
    }
    heard
        .into_iter()
        .filter(|(_, ends)| *ends == [true; 2])
        .map(|(vantage, _)| vantage)
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_filter_that_forbids_esp_says_so() {
        fires(
            "1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136
             1.1 R > A ICMP 3/13 quoting A > B ESP 0xb1",
            "esp-blocked",
        );
    }

    #[test]
    fn a_packet_too_large_is_not_forbidden() {
        silent(
            "1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136
             1.1 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xb1",
            "esp-blocked",
        );
    }
}

//! A gateway's own address talks to a private one in clear: NAT took the packets out of the tunnel.

use crate::diagnose::facts::{clear, end_of, is_private};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::language::count;
use crate::model::{ClearFlow, Model, TunnelId};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-nat-misses-ts",
    code: "ESP411",
    severity: Severity::Error,
    summary: "NAT at the gateway takes packets out of the tunnel",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
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
The gateway translates the source of packets that should go through the tunnel. With its own public address as source they fit no traffic selector any more, so they leave in clear, for a private address that nobody on the outside knows.

## How it is seen
Packets in clear from the public address of a gateway to a private address, on the link where its IKE and ESP is, several of them requests.

## What else looks like it
A gateway that speaks to private neighbours on its outside network; such neighbours would answer.

## What to do
1. Exempt the traffic of the tunnel from source NAT: a no-NAT rule before the rule that masquerades.
2. On Linux match the policy (`-m policy --dir out --pol ipsec -j ACCEPT`) before MASQUERADE.
";

/// Fewer requests prove nothing.
const FEW: u64 = 3;

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let strays: Vec<&ClearFlow> = clear::flows(model, row)
        .filter(|clear| {
            !is_private(clear.from)
                && is_private(clear.to)
                && clear.requests >= FEW
                && end_of(row, clear.from).is_some()
                && seen_at(model, tunnel, clear)
                && !answered(model, clear)
        })
        .collect();
    let Some(first) = strays.first() else {
        return Vec::new();
    };
    let packets: u64 = strays.iter().map(|clear| clear.packets).sum();
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        first.seen.first,
        say!("{from} > {to} in clear", from = first.from, to = first.to),
    )
    .title(say!(
        "{from} sends to {to} in clear, with its own address",
        from = first.from,
        to = first.to
    ))
    .says(say!(
        "{packets} went in clear from {from}, the gateway's own address, to the private address {to}, and no answer \
         came: their source was translated before the tunnel could take them.",
        packets = count(packets, "packet"),
        from = first.from,
        to = first.to
    ))
    .or("The gateway itself talks to a private host that does not answer.")
    .advise("Exempt the traffic of the tunnel from source NAT, by a rule before the one that translates.");
    for clear in &strays {
        finding = finding.also(
            clear.seen.last,
            say!("{from} > {to} in clear", from = clear.from, to = clear.to),
        );
    }
    vec![finding]
}

/// Whether the tunnel was recorded at the same vantage.
fn seen_at(model: &Model, tunnel: TunnelId, clear: &ClearFlow) -> bool {
    let row = &model.tunnels[tunnel];
    row.flows
        .iter()
        .any(|flow| model.flows[*flow].key.vantage == clear.vantage)
        || crate::diagnose::facts::tap::messages(model, row)
            .any(|message| message.vantage == clear.vantage)
}

fn answered(model: &Model, clear: &ClearFlow) -> bool {
    model.clear.iter().any(|other| {
        other.vantage == clear.vantage && other.from == clear.to && other.to == clear.from
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const ESP: &str = "
        0 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
        0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

    #[test]
    fn a_gateway_that_speaks_for_its_hosts() {
        verdict(
            &format!("{ESP}\n3 A > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"),
            "inner-nat-misses-ts",
        );
    }

    #[test]
    fn a_private_neighbour_that_answers() {
        silent(
            &format!(
                "{ESP}
                 3 A > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5
                 3.1 10.2.7.9 > A CLEAR 1 count 5 every 1"
            ),
            "inner-nat-misses-ts",
        );
    }
}

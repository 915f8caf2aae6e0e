//! The gateway translates inner packets before it looks for a policy, so they miss it.

use crate::diagnose::facts::{count, leak};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-nat-misses-ts",
    code: "ESP451",
    severity: Severity::Error,
    summary: "Inner packets are translated to the gateway's address and miss the tunnel",
    document: DOCUMENT,
    explains: &["clear-text-leak", "esp-one-way"],
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway applies NAT (masquerading) to packets that should go into the tunnel. With the gateway's own address as source they no longer match the traffic selectors, and leave in clear towards a private address that the Internet does not know.

## How it is seen
Connection attempts (TCP SYN, ICMP echo requests) from a gateway's outside address to a private address, in clear, on the link where that gateway speaks ESP or IKE. Nothing comes back.

## What else looks like it
The gateway itself asks something on a private network of its provider that does not answer. A route to the peer's network is missing in the policy while the gateway itself pings through.

## What to do
1. Exempt the peer's networks from NAT, in a rule before the one that translates (iptables: -m policy --dir out --pol ipsec -j ACCEPT before MASQUERADE; ASA: identity NAT; Huawei: no nat enable for the pair).
2. Capture again: the packets must leave as ESP.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let leaks = leak::translated(model, tunnel);
    let Some(first) = leaks.first() else {
        return Vec::new();
    };
    let requests = leaks.iter().map(|flow| flow.requests).sum();
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(leak::candidates(model, first) > 1),
        tunnel,
        first.seen.first,
        format!("gateway {} asks {} in clear", first.from, first.to),
    )
    .title(format!(
        "{} sends to private {} in clear from its own address",
        first.from, first.to
    ))
    .says(format!(
        "{} to private addresses left in clear from the gateway's own address {}, and no packet \
         in clear came back.",
        count(requests, "connection attempt"),
        first.from
    ))
    .or("The gateway itself asks a host in a private network of its provider.")
    .advise(format!(
        "On {}, exempt the peer's networks from NAT before the rule that translates.",
        first.from
    ))
    .advise("If the gateway itself sent them, let it use an inside address as source.");
    for flow in &leaks {
        finding = finding
            .also(
                flow.seen.first,
                format!("{} asks {} in clear", flow.from, flow.to),
            )
            .during(flow.seen.first.1, flow.seen.last.1);
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const TUNNEL: &str = "1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136";

    #[test]
    fn requests_from_the_gateway_to_a_private_network_are_translated_inner_packets() {
        verdict(
            &format!("{TUNNEL}\n5 A > 10.9.0.7 CLEAR 6 count 5 requests 5"),
            "inner-nat-misses-ts",
        );
    }

    #[test]
    fn a_server_of_the_provider_that_answers_is_no_fault() {
        silent(
            &format!(
                "{TUNNEL}
                 5 A > 10.9.0.7 CLEAR 6 count 5 requests 5
                 5.1 10.9.0.7 > A CLEAR 6 count 5"
            ),
            "inner-nat-misses-ts",
        );
    }
}

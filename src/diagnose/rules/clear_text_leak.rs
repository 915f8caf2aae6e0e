//! Packets between private networks leave in clear.

use crate::diagnose::facts::{count, leak};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "clear-text-leak",
    code: "ESP450",
    severity: Severity::Error,
    summary: "Packets that belong in the tunnel leave in clear",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
Packets from one private network to another pass the link between the gateways unencrypted. No policy catches them: they miss the traffic selectors, or no SA exists and nothing forbids to send them as they are. They are readable on the way, and the Internet drops them.

## How it is seen
Both addresses are private and neither is a gateway's, yet the packets are on the link where the gateways speak ESP or IKE.

## What else looks like it
A Linux gateway shows each inbound ESP packet a second time, decrypted, on the interface it came in by; such copies come while ESP flows, and are left out here, as is talk that is answered in clear, and all where the gateways have private addresses themselves. A recording of a trunk or of several interfaces at once sees the inside as well. A private link between sites may carry such packets rightly.

## What to do
1. Compare the addresses with the traffic selectors of both sides: the selectors must cover them. A peer may have narrowed them.
2. Install a policy that drops or traps this traffic while there is no SA (strongSwan: start_action = trap).
3. Route the peer's networks to nowhere outside the tunnel.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let leaks = leak::between_networks(model, tunnel);
    let Some(first) = leaks.first() else {
        return Vec::new();
    };
    let packets = leaks.iter().map(|flow| flow.packets).sum();
    let pairs = leaks.len() as u64;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely.lower_if(leak::candidates(model, first) > 1),
        tunnel,
        first.seen.first,
        format!("{} to {} in clear", first.from, first.to),
    )
    .title(format!("{} to {} leaves in clear", first.from, first.to))
    .says(format!(
        "{} of {} between private addresses passed the gateways' link unencrypted.",
        count(packets, "packet"),
        count(pairs, "flow"),
    ))
    .or("The recording also covers an inside interface, where clear packets are normal.")
    .or("A private link between the sites carries this traffic on purpose.")
    .advise("Compare these addresses with the traffic selectors of both sides; a peer may have narrowed them.")
    .advise("Add a policy that drops or traps this traffic when no SA covers it.");
    for flow in &leaks {
        finding = finding
            .also(
                flow.seen.first,
                format!("{} to {} in clear", flow.from, flow.to),
            )
            .during(flow.seen.first.1, flow.seen.last.1);
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const TUNNEL: &str = "
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136";

    #[test]
    fn private_addresses_in_clear_beside_a_tunnel_are_a_leak() {
        verdict(
            &format!("{TUNNEL}\n5 10.1.0.5 > 10.9.0.7 CLEAR 1 count 5 requests 5"),
            "clear-text-leak",
        );
    }

    #[test]
    fn decrypted_copies_are_not() {
        silent(
            &format!("{TUNNEL}\n1.1001 10.9.0.7 > 10.1.0.5 CLEAR 1 count 40 every 0.5"),
            "clear-text-leak",
        );
    }

    #[test]
    fn neighbours_of_gateways_with_private_addresses_are_not() {
        silent(
            "1 10.0.0.1 > B ESP 0xb1 seq 1..9
             5 10.0.0.5 > 10.0.0.7 CLEAR 6 count 5",
            "clear-text-leak",
        );
    }

    #[test]
    fn a_capture_without_a_tunnel_has_nothing_to_leak_from() {
        silent(
            "5 10.1.0.5 > 10.9.0.7 CLEAR 1 count 5 requests 5
             6 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce",
            "clear-text-leak",
        );
    }
}

//! The peer's host is there, but nothing listens on the IKE port.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-port-unreachable",
    code: "IKE102",
    severity: Severity::Error,
    summary: "Nothing listens on the IKE port of the peer",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-auth-no-response",
        "port-4500-blocked",
        "dpd-timeout",
        "clear-text-leak",
        "esp-one-way",
        "esp-blocked",
        "tunnel-flapping",
        "unknown-spi",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
The host answers, but no IKE daemon listens on the port: it is stopped, crashed, or bound to another address. This is a refusal, not silence.

## How it is seen
ICMP type 3 code 3 (ICMPv6 type 1 code 4) that quotes our UDP packet to port 500 or 4500.

## What else looks like it
A NAT device or load balancer that has no mapping for the port and answers for the peer; compare the sender of the ICMP error with the peer's address.

## What to do
1. Start the IKE daemon at the peer; see that it listens on UDP 500 and 4500 of this very address.
2. If the error comes from a device in between, map the ports there.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let Some(seen) = icmp::about(model, tunnel)
        .find(|seen| icmp::is_ike(seen) && icmp::meaning(&seen.error) == Meaning::PortUnreachable)
    else {
        return Vec::new();
    };
    let quoted = seen.error.quoted;
    let by_peer = seen.path.from.address == quoted.to.address;
    let finding = Finding::new(
        &RULE,
        if by_peer {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        tunnel,
        (seen.frame, seen.time),
        say!(
            "{error} from {router}",
            error = icmp::name(&seen.error),
            router = seen.path.from.address
        ),
    )
    .during(seen.time, seen.last)
    .severity(icmp::severity(model, tunnel, &RULE))
    .title(say!("Nothing listens on {port}", port = quoted.to))
    .says(say!(
        "{router} sent {error} (port unreachable, {times} in all) for IKE from {from} to {to}: \
         the host is there, its IKE daemon is not.",
        router = seen.path.from.address,
        error = icmp::name(&seen.error),
        times = seen.count,
        from = quoted.from,
        to = quoted.to
    ))
    .or("A device in between has no mapping for the port and answers in the peer's place.")
    .advise(say!(
        "Start the IKE daemon on {peer} and see that it listens on this address.",
        peer = quoted.to.address
    ));
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::check;

    #[test]
    fn a_closed_port_is_a_refusal_and_not_silence() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
             0.01 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=0 count 3 every 5",
            &["ike-port-unreachable"],
        );
    }

    #[test]
    fn an_error_about_another_protocol_is_not_ours() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
            &[],
        );
    }
}

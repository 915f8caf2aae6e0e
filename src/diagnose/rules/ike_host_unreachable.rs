//! No way to the peer: a router says so.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-host-unreachable",
    code: "IKE103",
    severity: Severity::Error,
    summary: "A router has no way to the peer",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-auth-no-response",
        "port-4500-blocked",
        "dpd-timeout",
        "clear-text-leak",
        "esp-one-way",
        "path-outage",
        "tunnel-flapping",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A router on the way, often the last one, cannot deliver to the peer's address: no route, no neighbour, or a routing loop.

## How it is seen
ICMP type 3 code 0, 1 or the like, type 11 code 0 (ICMPv6 type 1 code 0 or 3, type 3) that quotes IKE or ESP of this tunnel. The sender of the error is the place where the way ends.

## What else looks like it
A peer that is switched off gives code 1 from its last router. A wrong peer address gives the same.

## What to do
1. Check the peer address in the configuration.
2. Look at the router that sent the error: its route to the peer, its neighbour table.
3. Check that the peer is up and its outside link connected.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let Some(seen) = icmp::about(model, tunnel).find(|seen| {
        matches!(
            icmp::meaning(&seen.error),
            Meaning::HostUnreachable | Meaning::HopLimit
        )
    }) else {
        return Vec::new();
    };
    let quoted = seen.error.quoted;
    let why = match icmp::meaning(&seen.error) {
        Meaning::HopLimit => "packets run out of hops: a routing loop or a very long way",
        _ => "it has no route or no neighbour there",
    };
    let severity = if icmp::is_ike(seen) {
        icmp::severity(model, tunnel, &RULE)
    } else {
        RULE.severity
    };
    let finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        (seen.frame, seen.time),
        say!(
            "{error} from {router}",
            error = icmp::name(&seen.error),
            router = seen.path.from.address
        ),
    )
    .during(seen.time, seen.last)
    .severity(severity)
    .title(say!(
        "{router} cannot reach {to}",
        router = seen.path.from.address,
        to = quoted.to.address
    ))
    .says(say!(
        "{router} sent {error} ({times} in all) for packets from {from} to {to}: {why}.",
        router = seen.path.from.address,
        error = icmp::name(&seen.error),
        times = seen.count,
        from = quoted.from,
        to = quoted.to,
        why
    ))
    .or("The peer is switched off, or its outside link is down.")
    .or("The peer address is wrong.")
    .advise(say!(
        "Look at {router}: its route and its neighbour entry for {to}.",
        router = seen.path.from.address,
        to = quoted.to.address
    ));
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::check;

    #[test]
    fn a_router_without_a_way_names_itself() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
             1 R > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0 count 3 every 4",
            &["ike-host-unreachable"],
        );
    }

    #[test]
    fn one_error_about_a_request_that_is_answered_is_only_information() {
        let findings = crate::diagnose::testing::findings(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4
             1 R > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0
             4.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
             4.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             4.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
        );
        assert!(crate::diagnose::testing::is_healthy(&findings));
    }
}

//! No way to the peer: a router says so.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::{Case, Finding, Rule, Severity, Signs};
use crate::say;
use crate::units::Span;

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
        "ike-one-way",
        "dpd-timeout",
        "clear-text-leak",
        "esp-one-way",
        "path-outage",
        "tunnel-flapping",
    ],
    needs: Signs::ICMP,
    check,
};

const DOCUMENT: &str = "\
## What it means
A router on the way, often the last one, cannot deliver to the peer's address: no route, no neighbour, or a routing loop.

## How it is seen
ICMP type 3 code 0, 1 or the like, type 11 code 0 (ICMPv6 type 1 code 0, 3 or 6, type 3) that quotes IKE or ESP of this tunnel. The sender of the error is the place where the way ends. What was answered all the same, or afterwards, makes it milder.

## What else looks like it
A peer that is switched off gives code 1 from its last router. A wrong peer address gives the same. A trace of the way to the port of IKE makes packets run out of hops on purpose.

## What to do
1. Check the peer address in the configuration.
2. Look at the router that sent the error: its route to the peer, its neighbour table.
3. Check that the peer is up and its outside link connected.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let fits = |meaning| matches!(meaning, Meaning::HostUnreachable | Meaning::HopLimit);
    let found = [
        icmp::about_ike(case, RULE.severity, fits),
        icmp::about_esp(case, RULE.severity, fits),
    ];
    // The graver of the two, and of two alike the one about IKE.
    let [about_ike, about_esp] = found;
    let worse = about_esp.filter(|esp| about_ike.is_none_or(|ike| esp.severity > ike.severity));
    let Some(refusal) = worse.or(about_ike) else {
        return Vec::new();
    };
    let seen = refusal.seen;
    let quoted = seen.error.quoted;
    let (router, to) = (seen.path.from.address, quoted.to.address);
    // Who is asked itself passes them on to another host, by a NAT or a port forwarding.
    let passes_on = router == to;
    let loops = icmp::meaning(&seen.error) == Meaning::HopLimit;
    let why = match icmp::meaning(&seen.error) {
        Meaning::HopLimit => "packets run out of hops: a routing loop or a very long way",
        _ if passes_on => "it passes them on to a host behind it, and has no way there",
        _ => "it has no route or no neighbour there",
    };
    let finding = refusal
        .finding(&RULE, case.id)
        .title(
            match (refusal.after.is_empty(), refusal.last.since(seen.time)) {
                _ if passes_on => say!("{router} cannot reach the host behind it", router),
                (true, _) => say!("{router} cannot reach {to}", router, to),
                (false, Span(0)) => say!("{router} could not reach {to}", router, to),
                (false, span) => say!("{router} could not reach {to} for {span}", router, to, span),
            },
        )
        .says(
            say!(
                "{router} sent {error} ({times} in all) for packets from {from} to {to}: {why}.",
                router,
                error = icmp::name(&seen.error),
                times = seen.count,
                from = quoted.from,
                to = quoted.to,
                why
            )
            .then(refusal.after),
        );
    // Who answers afterwards is there.
    let finding = match refusal.after.is_empty() {
        true if passes_on => {
            finding.or("The host behind it is switched off, or has another address now.")
        }
        // A router that knows no way says so by another error.
        true if loops => finding
            .or("They leave with too small a TTL for the way, or something on it lowers that."),
        true => finding
            .or("The peer is switched off, or its outside link is down.")
            .or("The peer address is wrong."),
        false => finding.or("The outside link of the peer was down, or it restarted."),
    };
    let finding = finding.advise(match passes_on {
        true => say!(
            "Look at {router}: where its NAT or port forwarding sends IKE and ESP, and whether that host is there.",
            router
        ),
        false if loops => say!(
            "Trace the way from {from} to {to}: {router} is on it, and two routers that hand the packets to each other \
             are the loop.",
            from = quoted.from.address,
            to,
            router
        ),
        false => say!(
            "Look at {router}: its route and its neighbour entry for {to}.",
            router,
            to
        ),
    });
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

    const BOTH: &str = "
        1 A > B ESP 0xb1 seq 1..60 every 0.3 size 136
        1.1 B > A ESP 0xa1 seq 1..60 every 0.3 size 136";

    #[test]
    fn esp_that_goes_on_both_ways_was_not_without_a_way() {
        let text = format!("{BOTH}\n5 R > A ICMP 3/1 quoting A > B ESP 0xb1");
        let findings = crate::diagnose::testing::findings(&text);
        assert!(
            crate::diagnose::testing::is_healthy(&findings),
            "{findings:#?}"
        );
    }

    #[test]
    fn packets_that_run_out_of_hops_want_a_trace_and_no_neighbour() {
        let advice = |error: &str| {
            let finding = crate::diagnose::testing::fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
                     1 R > A ICMP {error} quoting A:500 > B:500 IKE i=1 r=0 count 3 every 4"
                ),
                "ike-host-unreachable",
            );
            finding.advice.first().map(ToString::to_string)
        };
        assert!(advice("11/0").is_some_and(|first| first.contains("the loop")));
        assert!(advice("3/1").is_some_and(|first| first.contains("neighbour")));
    }

    #[test]
    fn a_trace_of_the_way_to_the_port_of_ike_is_no_loop() {
        crate::diagnose::testing::silent(
            &format!("{BOTH}\n5 R > A ICMP 11/0 quoting A:40000 > B:500 IKE count 3"),
            "ike-host-unreachable",
        );
    }

    #[test]
    fn a_check_cut_off_by_the_end_makes_no_error_of_an_old_one() {
        let findings = crate::diagnose::testing::findings(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4
             1 R > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0
             4.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
             4.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             4.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             60 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80",
        );
        assert!(
            crate::diagnose::testing::is_healthy(&findings),
            "{findings:#?}"
        );
    }

    #[test]
    fn a_way_that_was_missing_for_a_while_is_a_warning() {
        let finding = crate::diagnose::testing::fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
             1 R > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0 count 3 every 4
             60 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(DH14) KE(14) Nonce
             60.1 B:500 > A:500 IKE_SA_INIT i=3 r=4 id=0 response SA(DH14) KE(14) Nonce
             60.2 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 request sealed 256
             60.3 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 response sealed 240",
            "ike-host-unreachable",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    }
}

//! A filter refuses IKE, and says so.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::{Case, Finding, Rule, Severity, Signs};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-admin-prohibited",
    code: "IKE104",
    severity: Severity::Error,
    summary: "A filter refuses IKE",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-auth-no-response",
        "port-4500-blocked",
        "ike-one-way",
        "dpd-timeout",
        "clear-text-leak",
        "esp-one-way",
        "esp-blocked",
        "tunnel-flapping",
    ],
    needs: Signs::ICMP,
    check,
};

const DOCUMENT: &str = "\
## What it means
A firewall or router on the way forbids UDP 500 or 4500 and is kind enough to say so.

## How it is seen
ICMP type 3 code 9, 10 or 13 (ICMPv6 type 1 code 1 or 5) that quotes an IKE packet of this tunnel. The sender of the error is the filter.

## What else looks like it
Nothing: the packets say so themselves. Which rule of the filter it was only the filter knows.

## What to do
1. On the device that sent the error permit UDP 500, UDP 4500 and IP protocol 50 for both gateway addresses, both ways.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let fits = |meaning| meaning == Meaning::Prohibited;
    let Some(refusal) = icmp::about_ike(case, RULE.severity, fits) else {
        return Vec::new();
    };
    let seen = refusal.seen;
    let quoted = seen.error.quoted;
    let finding = refusal
        .finding(&RULE, case.id)
    .title(say!(
        "{router} forbids IKE to {to}",
        router = seen.path.from.address,
        to = quoted.to
    ))
    .says(
        say!(
            "{router} sent {error} (administratively prohibited, {times} in all) for IKE from {from} \
             to {to}.",
            router = seen.path.from.address,
            error = icmp::name(&seen.error),
            times = seen.count,
            from = quoted.from,
            to = quoted.to
        )
        .then(refusal.after),
    )
    .advise(say!(
        "On {router} permit UDP 500, UDP 4500 and IP protocol 50 between {from} and {to}, both \
         ways.",
        router = seen.path.from.address,
        from = quoted.from.address,
        to = quoted.to.address
    ));
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::check;

    #[test]
    fn a_filter_that_says_so_is_named() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
             0.1 R > A ICMP 3/13 quoting A:500 > B:500 IKE i=1 r=0 count 3 every 5",
            &["ike-admin-prohibited"],
        );
    }

    #[test]
    fn a_closed_port_is_not_a_filter() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
             0.1 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=0",
            &["ike-port-unreachable"],
        );
    }

    #[test]
    fn a_reject_route_of_ipv6_is_no_filter() {
        let error = crate::net::IcmpError {
            v6: true,
            kind: 1,
            code: 6,
            ..crate::testing::model("1 R > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0").icmp[0]
                .error
        };
        let meaning = super::icmp::meaning(&error);
        assert_eq!(meaning, super::Meaning::HostUnreachable);
    }
}

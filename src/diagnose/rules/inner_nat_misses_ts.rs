//! A gateway's own address talks to a private one in clear: NAT took the packets out of the tunnel.

use crate::diagnose::facts::{clear, end_of, is_private, is_selected, is_shared};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{ClearFlow, Model, Selector, selector};
use crate::say;
use crate::units::Timestamp;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-nat-misses-ts",
    code: "ESP411",
    severity: Severity::Error,
    summary: "NAT at the gateway takes packets out of the tunnel",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::CLEAR,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateway translates the source of packets that should go through the tunnel. With its own public address as source they fit no traffic selector any more, so they leave in clear, for a private address that nobody on the outside knows.

## How it is seen
Packets in clear from the public address of a gateway to a private address, on the link where its IKE and ESP is, several of them requests. A router outside may say by ICMP that it has no way for them.

## What else looks like it
A gateway that speaks to private neighbours on its outside network; such neighbours would answer. Where the gateway sends ESP as well, or nobody does, and no keys show that the tunnel is for that address, it is a warning and no more.

## What to do
1. Exempt the traffic of the tunnel from source NAT: a no-NAT rule before the rule that masquerades.
2. On Linux match the policy (`-m policy --dir out --pol ipsec -j ACCEPT`) before MASQUERADE.
";

/// Fewer requests prove nothing.
const FEW: u64 = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let strays: Vec<&ClearFlow> = clear::flows(case)
        .filter(|clear| {
            !is_private(clear.from)
                && !is_shared(clear.from)
                && is_private(clear.to)
                && is_selected(case, clear.to) != Some(false)
                && clear.requests >= FEW
                && end_of(case.tunnel, clear.from).is_some()
                && !answered(case.model, clear)
        })
        .collect();
    let Some(first) = strays.first() else {
        return Vec::new();
    };
    let esp = [0, 1].map(|end| sent(case, end));
    let sent = |clear: &ClearFlow| esp.get(end_of(case.tunnel, clear.from)?).copied().flatten();
    let packets: u64 = strays.iter().map(|clear| clear.packets).sum();
    // What ties them to the tunnel: its selectors, or that it lacks the traffic which should be in it. Of a tunnel
    // that nobody uses nothing is lacking.
    let answered = |clear: &ClearFlow| {
        let peer = 1 - end_of(case.tunnel, clear.from)?;
        esp.get(peer).copied().flatten()
    };
    let tied = strays.iter().any(|clear| {
        let lacks = || sent(clear).is_none() && answered(clear).is_some();
        is_selected(case, clear.to) == Some(true) || lacks()
    });
    let served = served(case, first.to);
    let mut finding = Finding::new(
        &RULE,
        match tied {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        first.seen.first,
        say!("{from} > {to} in clear", from = first.from, to = first.to),
    )
    .severity(match tied {
        true => RULE.severity,
        false => Severity::Warning,
    })
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
    )
    .then(served.as_ref().map(|(own, far)| {
        say!(
            "The tunnel is for such packets, if they come from the hosts behind {from}: it takes {own} with {far}.",
            from = first.from,
            own,
            far
        )
    }))
)
    .or(match &served {
        Some(_) => "The gateway itself asks, with an address that is in no selector.",
        None => "The gateway itself talks to a private host that does not answer.",
    })
    .advise(match &served {
        Some((own, far)) => say!(
            "Exempt what goes from {own} to {far} from source NAT, by a rule before the one that translates.",
            own,
            far
        ),
        None => "Exempt the traffic of the tunnel from source NAT, by a rule before the one that translates.".into(),
    });
    // The ESP of the gateway that translates is what is missing, not that of the other.
    let is_missing = |clear: &&ClearFlow| sent(clear).is_none_or(|last| last < clear.seen.first.1);
    if strays.iter().any(is_missing) {
        finding = finding.explaining(&["esp-one-way"]);
    }
    if let Some(refused) = clear::turned_back(&strays) {
        finding = clear::tell_turned_back(finding, refused);
    }
    for clear in &strays {
        finding = finding.also(
            clear.seen.last,
            say!("{from} > {to} in clear", from = clear.from, to = clear.to),
        );
    }
    vec![finding]
}

/// The selectors of a child SA that takes packets to an address: of their senders, and of that side.
fn served(case: &Case<'_>, to: IpAddr) -> Option<(Text, Text)> {
    let children = case.ike_sas().flat_map(|sa| &sa.child_sas);
    let mut granted = children.filter_map(|child| {
        case.model.child_sas[*child]
            .terms
            .as_ref()?
            .granted
            .as_ref()
    });
    let holds = |side: &[Selector]| {
        let mut side = side.iter();
        side.any(|one| !one.is_all() && one.has(to))
    };
    granted.find_map(|[one, other]| match (holds(one), holds(other)) {
        (false, true) => Some((selector::said(one), selector::said(other))),
        (true, false) => Some((selector::said(other), selector::said(one))),
        _ => None,
    })
}

/// When a gateway sent its last ESP through the tunnel, if it sent any.
fn sent(case: &Case<'_>, end: usize) -> Option<Timestamp> {
    let flows = case.flows();
    let from = flows.filter(|flow| case.tunnel.destination(flow) == Some(1 - end));
    from.map(|flow| flow.seen.last.1).max()
}

fn answered(model: &Model, clear: &ClearFlow) -> bool {
    model.clear.iter().any(|other| {
        other.packets > 0
            && other.vantage == clear.vantage
            && other.from == clear.to
            && other.to == clear.from
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

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
    fn a_router_that_has_no_way_for_them_is_cited() {
        let text = |error: &str| {
            format!(
                "{ESP}
                 3 A > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5
                 3.1 R > A ICMP {error} quoting A > 10.2.7.9 CLEAR 1 count 5 every 1"
            )
        };
        let says = fires(&text("3/0"), "inner-nat-misses-ts").says.to_string();
        assert!(says.contains("answers ICMP 3/0 (5 in all)"), "{says}");
        let says = fires(&text("3/3"), "inner-nat-misses-ts").says.to_string();
        assert!(!says.contains("answers ICMP"), "{says}");
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

    #[test]
    fn a_private_host_that_a_busy_gateway_looks_for_is_no_more_than_a_warning() {
        let stray = "3 A > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5";
        let busy =
            crate::diagnose::testing::fires(&format!("{ESP}\n{stray}"), "inner-nat-misses-ts");
        assert_eq!(busy.severity, crate::diagnose::Severity::Warning);
        let idle = crate::diagnose::testing::fires(
            &format!("0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136\n{stray}"),
            "inner-nat-misses-ts",
        );
        assert_eq!(idle.severity, crate::diagnose::Severity::Error);
    }

    #[test]
    fn beside_a_tunnel_that_nobody_uses_the_gateway_may_ask_for_itself() {
        let text = |esp: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 {esp}
                 3 A > 10.2.7.9 CLEAR 1 count 5 every 1 requests 5"
            )
        };
        let idle = fires(&text(""), "inner-nat-misses-ts");
        assert_eq!(idle.confidence, crate::diagnose::Confidence::Possible);
        assert_eq!(idle.severity, crate::diagnose::Severity::Warning);
        let used = fires(
            &text("1 B > A ESP 0xa1 seq 1..5 every 1 size 136"),
            "inner-nat-misses-ts",
        );
        assert_eq!(used.confidence, crate::diagnose::Confidence::Likely);
    }

    #[test]
    fn an_address_that_the_tunnel_is_not_for() {
        let text = |to: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.7.0/24)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/24) TSr(10.2.7.0/24)
                 3 A > {to} CLEAR 1 count 5 every 1 requests 5
                 30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            )
        };
        verdict(&text("10.2.7.9"), "inner-nat-misses-ts");
        let finding = fires(&text("10.2.7.9"), "inner-nat-misses-ts");
        let advice = finding.advice[0].to_string();
        assert!(
            advice.contains("from 10.1.0.0/24 to 10.2.7.0/24"),
            "{advice}"
        );
        silent(&text("10.77.0.9"), "inner-nat-misses-ts");
    }
}

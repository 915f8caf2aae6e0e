//! The peer's host is there, but nothing listens on the IKE port.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::nat::Nats;
use crate::diagnose::facts::{end_of, nat};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::say;
use crate::units::{Endpoint, Timestamp};
use std::cell::LazyCell;

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
    needs: Signs::ICMP,
    check,
};

const DOCUMENT: &str = "\
## What it means
The host answers, but no IKE daemon listens on the port: it is stopped, crashed, or bound to another address. This is a refusal, not silence.

## How it is seen
ICMP type 3 code 3 (ICMPv6 type 1 code 4) that quotes our UDP packet to port 500 or 4500. A NAT lets in what answers a peer behind it and nothing that begins outside: what is asked of its address is told for information only.

## What else looks like it
A NAT device or load balancer that has no mapping for the port and answers for the peer; compare the sender of the ICMP error with the peer's address.

## What to do
1. Start the IKE daemon at the peer; see that it listens on UDP 500 and 4500 of this very address.
2. If the error comes from a device in between, map the ports there.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let fits = |meaning| meaning == Meaning::PortUnreachable;
    let Some(refusal) = icmp::about_ike(case, RULE.severity, fits) else {
        return Vec::new();
    };
    let seen = refusal.seen;
    let quoted = seen.error.quoted;
    let by_peer = seen.path.from.address == quoted.to.address;
    let mut finding = refusal
        .finding(&RULE, case.id)
        .title(say!("Nothing listens on {port}", port = quoted.to));
    let sure = finding.confidence == Confidence::Certain;
    finding.confidence = finding.confidence.lower_if(!by_peer && sure);
    // Daemons listen on 500 and 4500; any other port is one that a NAT gave to who asked from behind it.
    let given = quoted
        .to
        .port
        .is_some_and(|port| !matches!(port, 500 | 4500));
    let router = seen.path.from.address;
    let sent = say!(
        "{router} sent {error} (port unreachable, {times} in all) for IKE from {from} to {to}.",
        router,
        error = icmp::name(&seen.error),
        times = seen.count,
        from = quoted.from,
        to = quoted.to
    );
    let behind_nat =
        end_of(case.tunnel, quoted.to.address).is_some_and(|end| nat::is_in_front(case, end));
    let nats = LazyCell::new(|| Nats::of(case));
    let finding = match given {
        true if goes_on(case, refusal.last, quoted.to) => finding
            .severity(Severity::Info)
            .says(sent.then("Who asked from that port goes on from another, and has closed it.").then(refusal.after)),
        true if by_peer && !behind_nat => finding
            .severity(refusal.severity.min(Severity::Warning))
            .says(sent.then("That is no port of a gateway: a client chose it, or a NAT gave it to a peer behind it. It leads to nobody any more.").then(refusal.after))
            .or("The client ended, or asks from another port by now.")
            .or("The peer behind a NAT is gone without a word.")
            .advise("Read the log of the client: it says why it ended.")
            .advise(
                "If a NAT is there, see that the peer behind it sends NAT keepalives more often than the NAT forgets.",
            ),
        true => finding
            .severity(refusal.severity.min(Severity::Warning))
            .says(sent.then("A NAT gave that port to a peer behind it, and it leads to nobody any more.").then(refusal.after))
            .or("The peer behind the NAT is gone without a word.")
            .advise(
                "See that the peer behind the NAT sends NAT keepalives more often than the NAT forgets; \
                 it must ask anew from its side.",
            ),
        false if by_peer && nats.gave_to_nobody(case, quoted.to) => finding
            .severity(Severity::Info)
            .title(say!("{port} leads to nobody: that is the address of a NAT", port = quoted.to))
            .says(sent.then("The peer is behind a NAT, which lets in what answers it, and nothing that begins outside.").then(refusal.after))
            .or("The NAT forwards the port, and the IKE daemon behind it does not run.")
            .advise(
                "Let the side behind the NAT begin, since the other cannot; or forward UDP 500 and 4500 on the NAT.",
            ),
        false if by_peer && nats.has(case, quoted.to.address) => finding
            .says(sent.then("IKE of the peer came from that port before: its daemon is gone, or a NAT in front of it has forgotten the port.").then(refusal.after))
            .advise(
                "Look whether the IKE daemon of the peer runs, and let it send NAT keepalives more often than a NAT forgets.",
            ),
        false if !by_peer => finding
            .title(say!(
                "{router} says that nothing listens on {port}",
                router,
                port = quoted.to
            ))
            .says(sent.then(say!(
                "It answers in the place of {peer}, as a device in between that has no mapping for the port.",
                peer = quoted.to.address
            )).then(refusal.after))
            .or(say!(
                "{router} is another address of {peer}, whose IKE daemon does not run.",
                router,
                peer = quoted.to.address
            ))
            .advise(say!(
                "See where {router} sends what comes for {port}: it has to lead to the peer.",
                router,
                port = quoted.to
            )),
        false => finding
            .says(sent.then("The host is there, its IKE daemon is not.").then(refusal.after))
            .or("A device in between has no mapping for the port and answers in the peer's place.")
            .advise(say!(
                "Start the IKE daemon on {peer} and see that it listens on this address.",
                peer = quoted.to.address
            )),
    };
    vec![finding]
}

/// Whether who asked from an endpoint sends from another port by now.
fn goes_on(case: &Case<'_>, by: Timestamp, left: Endpoint) -> bool {
    let sent = || {
        let of_host = case
            .messages()
            .filter(|message| message.path.from().address == left.address && message.time <= by);
        of_host.map(|message| (message.path.from().port == left.port, message.time))
    };
    let last = sent()
        .filter(|(from_there, _)| *from_there)
        .map(|(_, time)| time)
        .max();
    sent().any(|(from_there, time)| !from_there && last.is_none_or(|last| time > last))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{check, fires, verdict};

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

    #[test]
    fn the_port_of_a_peer_that_is_gone_from_behind_its_nat_is_no_daemon_that_is_down() {
        let finding = fires(
            "0 A:41000 > B:4500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80
             0.1 B:4500 > A:41000 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80
             60 B:4500 > A:41000 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=4,11
             60.1 A > B ICMP 3/3 quoting B:4500 > A:41000 IKE i=1 r=2 count 3 every 4",
            "ike-port-unreachable",
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("a NAT gave it to a peer behind it"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_port_that_its_client_left_for_another_explains_nothing() {
        let text = |more: &str| {
            format!(
                "0 A:40500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:40500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH again=2,5,9
                 {more}
                 2.01 A > B ICMP 3/3 quoting B:500 > A:40500 IKE i=1 r=2 count 3 every 3.5
                 30 C > B ESP 0xc1"
            )
        };
        let left = text("0.2 A:40600 > B:4500 AGGRESSIVE i=1 r=2 sealed 144 again=4,9");
        let found = fires(&left, "ike-port-unreachable");
        assert_eq!(found.severity, Severity::Info);
        verdict(&left, "port-4500-blocked");
        let gone = fires(&text(""), "ike-port-unreachable");
        assert!(
            gone.says.to_string().contains("a client chose it"),
            "{}",
            gone.says
        );
    }

    #[test]
    fn a_port_that_came_after_another_was_not_left_for_it() {
        let text = "
            0 A:262 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500)
            0.1 B:500 > A:262 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce NATD(B:500 A:262)
            0.2 A:41000 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
            0.3 B:4500 > A:41000 IKE_AUTH i=1 r=2 id=1 response sealed 240
            60 B:4500 > A:41000 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=4,11
            60.1 A > B ICMP 3/3 quoting B:4500 > A:41000 IKE i=1 r=2 count 3 every 4";
        verdict(text, "ike-port-unreachable");
        let finding = fires(text, "ike-port-unreachable");
        assert!(
            finding.says.to_string().contains("A NAT gave that port"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_liveness_check_of_ikev1_that_is_refused_is_not_answered() {
        let check =
            |at: u32, id: u32| format!("{at} A:500 > B:500 INFO_V1 i=1 r=2 id={id} sealed 108\n");
        let checks: String = (0..6).map(|n| check(20 + 3 * n, 7 + n)).collect();
        let text = format!(
            "0 A:500 > B:500 MAIN i=1 r=0 id=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 id=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 id=0 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 id=0 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 id=0 sealed 76
             0.5 B:500 > A:500 MAIN i=1 r=2 id=0 sealed 76
             0.6 A:500 > B:500 QUICK i=1 r=2 id=5 sealed 160
             0.7 B:500 > A:500 QUICK i=1 r=2 id=5 sealed 160
             0.8 A:500 > B:500 QUICK i=1 r=2 id=5 sealed 60
             1 A > B ESP 0xb1 seq 1..15 every 1 size 136
             1.1 B > A ESP 0xa1 seq 1..15 every 1 size 136
             {checks}20.1 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=2"
        );
        verdict(&text, "ike-port-unreachable");
    }

    #[test]
    fn who_is_outside_of_a_nat_begins_in_vain() {
        let text = |port: u16| {
            format!(
                "0 A:{port} > B:4500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80
                 0.1 B:4500 > A:{port} INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80
                 60 B:4500 > A:{port} INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=4,11
                 90 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
                 90.1 A > B ICMP 3/3 quoting B:500 > A:500 IKE i=5 r=0 count 3 every 4"
            )
        };
        verdict(&text(4500), "ike-port-unreachable");
        verdict(&text(41000), "dpd-timeout");
    }

    #[test]
    fn a_port_that_the_peer_used_is_not_closed_to_all_from_outside() {
        // A NAT that keeps ports, or a false hash that has ESP encapsulated.
        let text = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce NATD(198.51.100.9:500 B:500) ttl=63
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce NATD
            0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 ttl=63
            0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
            60 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=4,11
            60.1 A > B ICMP 3/3 quoting B:4500 > A:4500 IKE i=1 r=2 count 3 every 4";
        verdict(text, "ike-port-unreachable");
        let finding = fires(text, "ike-port-unreachable");
        assert_eq!(finding.severity, Severity::Error);
        assert!(
            finding
                .says
                .to_string()
                .contains("came from that port before")
        );
    }

    #[test]
    fn an_error_long_after_the_requests_is_about_none_of_them() {
        let severity = |at: u32| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11
                 {at} B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=0
                 200 C > B ESP 0xc1"
            );
            fires(&text, "ike-port-unreachable").severity
        };
        assert_eq!(severity(12), Severity::Error);
        assert_eq!(severity(100), Severity::Warning);
    }
}

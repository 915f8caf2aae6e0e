//! ESP is refused, and someone says so.

use crate::diagnose::facts::icmp::{self, Meaning};
use crate::diagnose::facts::tap::messages;
use crate::diagnose::facts::taps::name;
use crate::diagnose::facts::{Located, end_of, nat};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{EspFlow, IcmpSeen, Transport};
use crate::say;
use crate::units::{Endpoint, EspSpi, Span, Vantage};
use std::collections::BTreeSet;

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
    needs: Signs::ICMP.or(Signs::TAPS),
    check,
};

const DOCUMENT: &str = "\
## What it means
IKE passes over UDP, but ESP, which is IP protocol 50 and has no ports, does not. Filters and some networks know UDP and TCP only.

## How it is seen
An ICMP error (protocol unreachable, or administratively prohibited) quotes ESP. Or, with taps at both gateways, ESP leaves at one tap and not one packet arrives at the other, and none passes the other way. It is milder where ESP goes on both ways all the same, or where the other tap has no ESP at all.

## What else looks like it
A peer whose IPsec stack is not running answers protocol unreachable for a while; then no ESP of it goes on either.

## What to do
1. Permit IP protocol 50 in both directions between the gateways; where ESP travels in UDP, UDP 4500.
2. Or force UDP encapsulation on the gateways, so that ESP travels in UDP 4500.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    by_icmp(case)
        .or_else(|| by_two_taps(case).map(permit))
        .into_iter()
        .collect()
}

/// What to do where ESP travels as protocol 50.
fn permit(finding: Finding) -> Finding {
    finding
        .advise("Permit IP protocol 50 in both directions between the gateways.")
        .advise("Or force UDP encapsulation, so that ESP travels in UDP 4500.")
}

fn by_icmp(case: &Case<'_>) -> Option<Finding> {
    let fits = |meaning| {
        matches!(
            meaning,
            Meaning::ProtocolUnreachable | Meaning::Prohibited | Meaning::PortUnreachable
        )
    };
    let refusal = icmp::about_esp(case, RULE.severity, fits)?;
    let seen = refusal.seen;
    let quoted = seen.error.quoted;
    let why = match (icmp::meaning(&seen.error), quoted.protocol) {
        (Meaning::ProtocolUnreachable, 50) => "it knows no ESP at that moment",
        (Meaning::ProtocolUnreachable, 51) => "it knows no AH at that moment",
        (Meaning::ProtocolUnreachable, _) => "it knows no UDP at that moment",
        (Meaning::PortUnreachable, _) => "nothing takes ESP on that port",
        _ => "a filter forbids it",
    };
    let esp = match quoted.protocol {
        51 => "AH",
        _ => "ESP",
    };
    let router = seen.path.from.address;
    let itself = end_of(case.tunnel, router) == end_of(case.tunnel, quoted.to.address);
    let finding = refusal
        .finding(&RULE, case.id)
        .title(match itself {
            true => say!("{router} refuses {esp}", router, esp),
            false => say!(
                "{router} refuses {esp} to {to}",
                router,
                esp,
                to = quoted.to
            ),
        })
        .says(
            say!(
                "{router} sent {error} ({times} in all) for {esp} from {from} to {to}: {why}.",
                router,
                esp,
                error = icmp::name(&seen.error),
                times = seen.count,
                from = quoted.from,
                to = quoted.to,
                why
            )
            .then(refusal.after),
        );
    let end = end_of(case.tunnel, quoted.to.address);
    let is_nat = end.is_some_and(|end| nat::hides(case, end));
    let is_idle = || {
        let idle = |end| nat::idle(case, seen.vantage, end, seen.time);
        end.and_then(idle).is_some()
    };
    let at_nat = quoted.protocol == 17 && !matches!(quoted.to.port, Some(500 | 4500) | None);
    let finding = match knew_esp(case, seen) {
        // No gateway opens such a port: a NAT gave it.
        None if itself && at_nat => finding
            .or("It is the address of a NAT, which has forgotten the port: keepalives come too seldom.")
            .or("The peer behind the NAT is gone without a word.")
            .advise(nat::KEEP_ALIVE),
        // That a router on the way refuses tells nothing of the host behind it.
        None if itself => finding.or("The IPsec stack of the peer is not running."),
        None => finding,
        Some(Sender::Stopped) if is_nat && is_idle() => {
            let mut finding = finding.advise(nat::KEEP_ALIVE);
            finding.says.add(say!(
                "{to} itself sent {esp} before, and is the address of a NAT: it has forgotten the port.",
                esp,
                to = quoted.to
            ));
            finding
        }
        Some(Sender::Stopped) => {
            // ESP in UDP is there for a NAT as a rule, even where the recording begins after it was detected.
            let finding = match quoted.protocol {
                // Whoever is asked first is reached by ports that nothing forgets.
                17 if end.is_none_or(|end| !nat::is_asked_first(case, end)) => finding.or(
                    "It is the address of a NAT, which has forgotten the port: keepalives come too seldom.",
                ),
                _ => finding,
            };
            // IKE goes to the port that ESP in UDP goes to, so what is asked there has no answer either.
            let finding = match quoted.protocol {
                17 => finding.explaining(&["dpd-timeout"]),
                _ => finding,
            };
            let mut finding = finding
                .or("The IPsec stack of the peer is not running.")
                .advise(say!(
                    "See whether the IPsec service of {to} runs, and since when.",
                    to = quoted.to
                ));
            finding.says.add(say!(
                "{to} itself sent {esp} before: its IPsec service stopped, or restarted.",
                esp,
                to = quoted.to
            ));
            finding
        }
        Some(Sender::Left) => {
            let mut finding =
                finding.or("The NAT forgot the mapping of a client that is still there.");
            finding.says.add(say!(
                "{to} sent {esp} before and is silent by now, and others behind the same address go on: the client \
                 behind that port has left.",
                esp,
                to = quoted.to
            ));
            finding
        }
        Some(Sender::Moved(place)) => {
            let mut finding = finding;
            finding.says.add(say!(
                "{to} sent {esp} before, and the same SA goes on from {place}: there the peer is by now.",
                esp,
                to = quoted.to,
                place
            ));
            finding
        }
        Some(Sender::GoesOn) => {
            let mut finding = finding.advise(say!(
                "See what refuses packets that come to {to}: a filter, a NAT, or a host where no IPsec service has \
                 the port open.",
                to = quoted.to
            ));
            finding.says.add(say!(
                "{to} itself sends {esp} before and afterwards, so its IPsec service runs; what comes to it is refused.",
                esp,
                to = quoted.to
            ));
            finding
        }
    };
    let located =
        end_of(case.tunnel, quoted.to.address).and_then(|end| Located::of(case.tunnel, end));
    let finding = match itself {
        true => finding,
        // What does not arrive at a tap behind it is refused by more than words.
        false if located.as_ref().is_some_and(Located::all_lost) => finding,
        false => finding.or("Somebody forged the error: a gateway should heed only what quotes a packet of its own."),
    };
    let finding = match itself {
        true => finding,
        false => finding.advise(say!("Look at the filters of {router}.", router)),
    };
    Some(match quoted.protocol {
        // What passes all the same needs no permission.
        _ if refusal.severity == Severity::Info => finding,
        50 => permit(finding),
        51 => finding.advise("Permit IP protocol 51 (AH) in both directions between the gateways."),
        _ if itself && at_nat => finding,
        _ => finding.advise(
            "See that the gateway asked takes UDP 4500, and permit it in both directions between \
             the gateways.",
        ),
    })
}

/// What becomes of the ESP of a host that refuses ESP itself, and sent some before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sender {
    /// It ends.
    Stopped,
    /// It ends, and that from other ports of the same address does not: of a NAT one client has left.
    Left,
    /// It goes on in the same SA.
    GoesOn,
    /// It goes on in the same SA from here.
    Moved(Endpoint),
}

/// What becomes of the ESP of the host to which ESP went; `None` if it does not refuse it itself, or sent none
/// before.
fn knew_esp(case: &Case<'_>, seen: &IcmpSeen) -> Option<Sender> {
    /// Packets that were under way when it refused the first.
    const IN_FLIGHT: Span = Span::from_secs(1);
    let quoted = seen.error.quoted;
    let unreachable = matches!(
        icmp::meaning(&seen.error),
        Meaning::ProtocolUnreachable | Meaning::PortUnreachable
    );
    let end = end_of(case.tunnel, quoted.to.address);
    let itself = end.filter(|_| unreachable && end_of(case.tunnel, seen.path.from.address) == end);
    let end = itself?;
    let sent = || {
        let directions = case.directions().iter();
        let flows = directions.flat_map(|one| one.flows(1 - end));
        flows.filter(|flow| flow.seen.first.1 < seen.time)
    };
    let goes_on = |flow: &&EspFlow| flow.seen.last.1.since(seen.time) > IN_FLIGHT;
    // A NAT has a port for each of its clients; an SA has one sender, who may have moved.
    let came_from = |flow: &&&EspFlow| {
        let mut paths = flow.paths.iter();
        flow.paths.is_empty() || paths.any(|path| path.from == quoted.to)
    };
    let spis: BTreeSet<EspSpi> = sent().filter(came_from).map(|flow| flow.key.spi).collect();
    let (own, others): (Vec<&EspFlow>, Vec<&EspFlow>) =
        sent().partition(|flow| spis.contains(&flow.key.spi));
    // From where a flow comes last.
    let places = own.iter().filter(|flow| goes_on(flow));
    let mut places = places.map(|flow| flow.paths.last().map_or(quoted.to, |path| path.from));
    let first = places.next();
    let stays = first == Some(quoted.to) || places.any(|place| place == quoted.to);
    match (first, others.iter().any(goes_on)) {
        _ if own.is_empty() => None,
        _ if stays => Some(Sender::GoesOn),
        (Some(place), _) => Some(Sender::Moved(place)),
        (None, true) => Some(Sender::Left),
        (None, false) => Some(Sender::Stopped),
    }
}

/// ESP seen leaving at one tap of which nothing arrives at the other, which hears IKE of both ends.
fn by_two_taps(case: &Case<'_>) -> Option<Finding> {
    /// Fewer packets than these prove nothing.
    const PLENTY: u64 = 10;
    [0, 1].into_iter().find_map(|end| {
        let located = Located::of(case.tunnel, end).filter(Located::all_lost)?;
        let flows = || case.flows();
        let native = flows()
            .filter(|flow| case.tunnel.destination(flow) == Some(end))
            .all(|flow| flow.key.transport == Transport::Ip);
        // If it passes the other way, it is one way only: another rule.
        let passes = Located::of(case.tunnel, 1 - end).is_some_and(|back| back.both > 0);
        let enough = located.lost >= PLENTY && !passes;
        if !native || !enough || !hears_ike(case, located.far) {
            return None;
        }
        let first = located.first()?;
        let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
        let (near, far) = (
            name(case.model, located.near),
            name(case.model, located.far),
        );
        // A capture filter for UDP leaves out all ESP, of the other direction and of other tunnels, too.
        let any = case
            .model
            .flows
            .iter()
            .any(|flow| flow.key.vantage == located.far && flow.key.transport == Transport::Ip);
        let mut finding = Finding::new(
            &RULE,
            match any {
                true => Confidence::Certain,
                false => Confidence::Possible,
            },
            case.id,
            first,
            say!(
                "leaves {near}, never arrives at {far}",
                near,
                far = far.clone()
            ),
        )
        .title(say!("ESP from {from} to {to} is lost on the way", from, to))
        .says(say!(
            "{lost}, which hears IKE of both gateways: ESP is lost between the two taps.",
            lost = located.says(case.model)
        ));
        if let Some(back) = Located::of(case.tunnel, 1 - end).filter(Located::all_lost) {
            finding = finding.title(say!(
                "ESP between {from} and {to} is lost on the way in both directions",
                from,
                to
            ));
            let lost = back.says(case.model);
            finding.says.add(say!("{lost}.", lost));
            if let Some(first) = back.first() {
                let (near, far) = (name(case.model, back.near), name(case.model, back.far));
                let note = say!("leaves {near}, never arrives at {far}", near, far);
                finding = finding.also(first, note);
            }
        }
        if !any {
            finding = finding
                .severity(Severity::Warning)
                .or(say!("The capture filter of {far} leaves out ESP.", far));
        }
        Some(located.cite(case.model, finding))
    })
}

/// Whether a tap recorded IKE of both ends.
fn hears_ike(case: &Case<'_>, tap: Vantage) -> bool {
    let mut heard = [false; 2];
    for message in messages(case).filter(|message| message.vantage == tap) {
        if let Some(slot) =
            end_of(case.tunnel, message.path.from().address).and_then(|end| heard.get_mut(end))
        {
            *slot = true;
        }
    }
    heard == [true; 2]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, silent};

    #[test]
    fn what_is_refused_is_called_by_its_name() {
        let finding = fires(
            "1 A > B AH 0xb1 seq 1..5 every 0.3 size 136
             1.1 B > A ICMP 3/2 quoting A > B AH 0xb1",
            "esp-blocked",
        );
        assert_eq!(finding.title.to_string(), "192.0.2.2 refuses AH");
    }

    #[test]
    fn a_filter_that_forbids_esp_says_so() {
        let finding = fires(
            "1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136
             1.1 R > A ICMP 3/13 quoting A > B ESP 0xb1",
            "esp-blocked",
        );
        // It tells nothing of the host behind it.
        let alternatives: Vec<String> = finding
            .alternatives
            .iter()
            .map(|one| one.to_string())
            .collect();
        assert_eq!(alternatives.len(), 1, "{alternatives:?}");
        assert!(alternatives[0].contains("forged"), "{alternatives:?}");
    }

    #[test]
    fn who_sent_esp_before_and_refuses_it_now_lost_its_service() {
        let refused = "
             1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136
             4 B > A ICMP 3/2 quoting A > B ESP 0xb1";
        let says = |text: &str| fires(text, "esp-blocked").says.to_string();
        let answered = format!("1.1 B > A ESP 0xa1 seq 1..6 every 0.3 size 136{refused}");
        assert!(says(&answered).contains("192.0.2.2 itself sent ESP before"));
        assert!(!says(refused).contains("itself sent ESP"));
    }

    #[test]
    fn who_goes_on_with_the_same_sa_has_not_stopped() {
        let refused = "
             1 A:1024 > B:4500 ESP 0xb1 seq 1..30 every 0.3 size 136
             1.1 B:4500 > A:1024 ESP 0xa1 seq 1..30 every 0.3 size 136
             4 A > B ICMP 3/3 quoting B:4500 > A:1024 ESP 0xa1";
        let found = fires(refused, "esp-blocked");
        let says = found.says.to_string();
        assert!(says.contains("so its IPsec service runs"), "{says}");
        assert!(found.alternatives.is_empty(), "{:?}", found.alternatives);
        // Of two clients behind a NAT one is gone.
        let one = refused.replace("ESP 0xb1 seq 1..30", "ESP 0xb1 seq 1..5");
        let two = "
             1 A:2048 > B:4500 ESP 0xb2 seq 1..30 every 0.3 size 136";
        let says = |text: &str| fires(text, "esp-blocked").says.to_string();
        assert!(says(&format!("{one}{two}")).contains("has left"));
        assert!(says(&one).contains("stopped, or restarted"));
        // Nothing came from that port, which no gateway opens by itself.
        let late = fires(
            &refused.replace("A:1024 > B:4500 ESP", "A:2048 > B:4500 ESP"),
            "esp-blocked",
        );
        let advice: Vec<String> = late.advice.iter().map(ToString::to_string).collect();
        assert!(
            advice.iter().any(|one| one.contains("keepalives")),
            "{advice:?}"
        );
        assert!(
            advice.iter().all(|one| !one.contains("UDP 4500")),
            "{advice:?}"
        );
    }

    /// IKE at both taps, as it passes between them.
    const IKE: &str = "
        0.00 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80
        0.02 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request by=initiator sealed 80 tap=1 ttl=63
        0.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80 tap=1
        0.05 B:500 > A:500 INFORMATIONAL i=1 r=2 id=1 response by=responder sealed 80 ttl=63
        30.00 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80
        30.02 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request by=initiator sealed 80 tap=1 ttl=63";

    #[test]
    fn esp_of_both_sides_that_leaves_and_never_arrives() {
        let finding = fires(
            &format!(
                "{IKE}
                 2 A > B ESP 0xb1 seq 1..30 every 0.3 size 136
                 2 B > A ESP 0xa1 seq 1..30 every 0.3 size 136 tap=1"
            ),
            "esp-blocked",
        );
        assert_eq!(finding.confidence, Confidence::Certain);
        let title = finding.title.to_string();
        assert!(title.contains("in both directions"), "{title}");
    }

    #[test]
    fn a_tap_without_any_esp_may_leave_it_out_by_its_capture_filter() {
        let finding = fires(
            &format!("{IKE}\n2 A > B ESP 0xb1 seq 1..30 every 0.3 size 136"),
            "esp-blocked",
        );
        assert_eq!(finding.confidence, Confidence::Possible);
        let mut others = finding.alternatives.iter();
        assert!(others.any(|other| other.to_string().contains("capture filter")));
    }

    #[test]
    fn one_refusal_of_esp_that_passes_both_ways_is_only_information() {
        let finding = fires(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136
             1.1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136
             3 B > A ICMP 3/2 quoting A > B ESP 0xb1",
            "esp-blocked",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
        assert_ne!(finding.confidence, Confidence::Certain);
    }

    #[test]
    fn esp_that_leaves_after_the_other_tap_has_ended_is_not_blocked() {
        silent(
            &format!("{IKE}\n32 A > B ESP 0xb1 seq 1..30 every 0.3 size 136"),
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

    #[test]
    fn what_the_error_means_is_told() {
        let says = |error: &str| {
            let text = format!(
                "1 A:4500 > B:4500 ESP 0xb1 seq 1..18 every 0.3 size 136
                 1.1 R > A ICMP {error} quoting A:4500 > B:4500 ESP 0xb1"
            );
            fires(&text, "esp-blocked").says.to_string()
        };
        for (error, meaning) in [
            // What is quoted is UDP (RFC 792).
            ("3/2", "knows no UDP"),
            ("3/3", "nothing takes ESP on that port"),
            ("3/13", "a filter forbids it"),
        ] {
            assert!(says(error).contains(meaning), "{}", says(error));
        }
    }

    #[test]
    fn what_passes_afterwards_makes_a_refusal_milder() {
        let told = |icmp: &str, after: &str| {
            let found = fires(
                &format!(
                    "1 A > B ESP 0xb1 seq 1..5 every 0.1 size 136
                     2 R > A ICMP 3/13 quoting A > B ESP 0xb1 {icmp}
                     {after}"
                ),
                "esp-blocked",
            );
            (found.severity, found.says.to_string())
        };
        let back = "6 B > A ESP 0xa1 seq 1..20 every 0.1 size 136";
        let both = format!("{back}\n6 A > B ESP 0xb1 seq 6..20 every 0.1 size 136");
        let (severity, says) = told("", back);
        assert_eq!(severity, Severity::Warning);
        assert!(says.contains("other direction goes on"), "{says}");
        // A pause of three seconds says something, a shorter one does not.
        for (every, expected) in [("2.9", Severity::Info), ("3", Severity::Warning)] {
            let (severity, _) = told(&format!("every {every} count 2"), &both);
            assert_eq!(severity, expected, "{every}");
        }
        assert_eq!(told("", "").0, Severity::Error);
    }

    #[test]
    fn a_nat_that_forgot_the_port_is_no_service_that_stopped() {
        let says = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500) ttl=63
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(B:500 A:500)
             0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             1 A:4500 > B:4500 ESP 0xb1 seq 1..6 every 0.3 size 136
             1.1 B:4500 > A:4500 ESP 0xa1 seq 1..6 every 0.3 size 136
             60 B:4500 > A:4500 ESP 0xa1 seq 7..20 every 0.3 size 136
             60.1 A > B ICMP 3/3 quoting B:4500 > A:4500 ESP 0xa1 count 5",
            "esp-blocked",
        )
        .says
        .to_string();
        assert!(says.contains("the address of a NAT"), "{says}");
        assert!(!says.contains("service stopped"), "{says}");
    }

    #[test]
    fn a_responder_that_forces_encapsulation_is_behind_no_nat_that_forgets() {
        let text = |hash: &str| {
            fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(A:500 B:500)
                     0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD({hash} A:500) ttl=63
                     0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                     0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240 ttl=63
                     1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 1 size 136
                     1.1 B:4500 > A:4500 ESP 0xa1 seq 1..6 every 1 size 136 ttl=63
                     7.1 B > A ICMP 3/3 quoting A:4500 > B:4500 ESP 0xb1 count 5"
                ),
                "esp-blocked",
            )
        };
        let says = text("0.0.0.0:500").says.to_string();
        assert!(says.contains("its IPsec service stopped"), "{says}");
        assert!(!says.contains("a NAT"), "{says}");
        for hash in ["0.0.0.0:500", "B:500"] {
            let others = text(hash).alternatives;
            assert!(others.iter().all(|one| !one.to_string().contains("NAT")));
        }
    }

    #[test]
    fn a_service_that_stopped_answers_nothing_on_its_port() {
        let found = findings(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(A:500 B:500)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(0.0.0.0:500 A:500) ttl=63
             0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240 ttl=63
             1 A:4500 > B:4500 ESP 0xb1 seq 1..40 every 1 size 136
             1.1 B:4500 > A:4500 ESP 0xa1 seq 1..6 every 1 size 136 ttl=63
             7.1 B > A ICMP 3/3 quoting A:4500 > B:4500 ESP 0xb1 count 30 every 1
             12 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=2,6,14",
        );
        let grave = found.iter().filter(|one| one.severity > Severity::Info);
        let grave: Vec<&str> = grave.map(|one| one.rule.slug).collect();
        assert_eq!(grave, ["esp-blocked"]);
    }
}

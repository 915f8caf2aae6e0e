//! Packets inside an SA that its selectors do not cover: a receiver that checks drops them.

use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{all_of, count};
use crate::limits;
use crate::model::{
    Carrier, ChildTerms, EspFlow, InnerFlow, InnerWay, Link, Mode, Model, Seen, Selector, selector,
};
use crate::say;
use crate::units::{Endpoint, EspSpi, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-outside-ts",
    code: "ESP414",
    severity: Severity::Error,
    summary: "Packets travel in an SA whose selectors do not cover them",
    document: DOCUMENT,
    explains: &[
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
        "esp-one-way",
    ],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway sends packets through a child SA that was negotiated for other addresses, protocols or ports. The receiver must drop them (RFC 4301 section 5.2); it may say so by INVALID_SELECTORS (RFC 7296 section 3.10.1), and most say nothing.

## How it is seen
With the keys of IKE and ESP: the granted traffic selectors of a child SA, the packets inside it, and no answer to those that are outside. Packets that are answered all the same are not told: their receiver does not mind. It is a warning where nothing that is outside wants an answer, such as syslog: nobody can tell then whether it is dropped.

## What else looks like it
Selectors that were changed on one side while the SA lived. Routes that point more networks at a tunnel interface than were negotiated. A NAT in front of the tunnel that translates to an address nobody negotiated.

## What to do
1. Add the network printed to the selectors on both sides, or send it through the child SA that has it.
2. Where routes decide what enters the tunnel, negotiate 0.0.0.0/0 on both sides, or exempt the traffic from NAT.
";

/// Fewer packets may be strays of a changing route.
const FEW: u64 = 3;

/// Answers come so late at most.
const PATIENCE: Span = Span::from_secs(5);

/// Packets outside the selectors of one SA.
struct Outside<'m> {
    packets: u64,
    first: Cite,
    last: Cite,
    protocol: u8,
    from: Endpoint,
    to: Endpoint,
    sides: [&'m [Selector]; 2],
    wants: Wants,
}

/// What the packets of a conversation that are outside want.
#[derive(Clone, Copy)]
struct Wants {
    /// Whether an answer was asked for.
    answer: bool,
    /// Whether others of the conversation were answered at another time, so that it may have ended since.
    again: bool,
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    // What only reports gets no answer either where the receiver does not check.
    let key = |end: Endpoint| (end.address, end.port);
    let asked: BTreeSet<_> = inside
        .asking
        .iter()
        .map(|one| (one.talk.vantage, key(one.from), key(one.to)))
        .collect();
    let mut found: BTreeMap<EspSpi, Outside<'_>> = BTreeMap::new();
    for talk in inside.told_once().filter(|talk| is_judged(talk)) {
        let [one, other] = talk.ends;
        let [first, second] = &talk.ways;
        for (from, to, way, back) in [(one, other, first, second), (other, one, second, first)] {
            for carrier in &way.carriers {
                // What is answered was let in.
                if is_answered(carrier, back) {
                    continue;
                }
                let flow = &case.model.flows[carrier.flow];
                if let Some(sides) = outside(case.model, flow, talk.protocol, from, to) {
                    let wants = Wants {
                        answer: asked.contains(&(talk.vantage, key(from), key(to))),
                        again: back.packets > 0,
                    };
                    let new = Outside {
                        packets: 0,
                        first: carrier.seen.first,
                        last: carrier.seen.last,
                        protocol: talk.protocol,
                        from,
                        to,
                        sides,
                        wants,
                    };
                    note(found.entry(flow.key.spi).or_insert(new), carrier, wants);
                }
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, outside)| outside.packets >= FEW)
        .take(SPIS)
        .map(|(spi, outside)| finding(case, spi, &outside))
        .collect()
}

/// SAs that are told of one tunnel: more than people read.
const SPIS: usize = 4;

fn note(row: &mut Outside<'_>, carrier: &Carrier, wants: Wants) {
    row.wants.answer |= wants.answer;
    row.wants.again &= wants.again;
    row.packets += carrier.packets;
    row.first = row.first.min(carrier.seen.first);
    row.last = row.last.max(carrier.seen.last);
}

/// Whether anything came back while an SA carried packets of a conversation, under whichever SA: before and after,
/// the other end answered what came another way.
fn is_answered(carrier: &Carrier, back: &InnerWay) -> bool {
    let until = carrier.seen.last.1.later(PATIENCE);
    let during = |seen: Seen| seen.last.1 >= carrier.seen.first.1 && seen.first.1 <= until;
    // Of the SAs only the first are kept.
    match back.carriers.len() < limits::INNER_CARRIERS {
        true => back.carriers.iter().any(|other| during(other.seen)),
        false => back.seen.is_some_and(during),
    }
}

/// Whether the addresses of a conversation can be held against selectors: those of multicast and of
/// the link itself are exempt at many gateways, and what is nested has other addresses outside.
fn is_judged(talk: &InnerFlow) -> bool {
    let ordinary = |end: &Endpoint| match end.address {
        std::net::IpAddr::V4(address) => {
            !address.is_multicast() && !address.is_broadcast() && !address.is_unspecified()
        }
        std::net::IpAddr::V6(address) => {
            !address.is_multicast()
                && !address.is_unspecified()
                && address
                    .segments()
                    .first()
                    .is_none_or(|word| word & 0xffc0 != 0xfe80)
        }
    };
    !talk.nested && talk.ends.iter().all(ordinary)
}

/// The selectors of sender and receiver of a flow, if a packet of this conversation is outside them.
fn outside<'m>(
    model: &'m Model,
    flow: &EspFlow,
    protocol: u8,
    from: Endpoint,
    to: Endpoint,
) -> Option<[&'m [Selector]; 2]> {
    let (mode, sides) = granted(model, flow)?;
    (!covers(mode, sides, protocol, [from, to])).then_some(sides)
}

/// What was granted to sender and receiver of a flow.
fn granted<'m>(model: &'m Model, flow: &EspFlow) -> Option<(Mode, [&'m [Selector]; 2])> {
    let Link::Proven(child) = flow.child_sa else {
        return None;
    };
    let child = &model.child_sas[child];
    let terms: &ChildTerms = child.terms.as_ref()?;
    let [initiator, responder] = terms.granted.as_ref()?;
    // The SPI of packets towards the initiator of the exchange is the first.
    let [to_initiator, to_responder] = child.spis.map(|spi| spi == Some(flow.key.spi));
    let sides: [&[Selector]; 2] = match (to_initiator, to_responder) {
        (true, false) => [responder, initiator],
        (false, true) => [initiator, responder],
        _ => return None,
    };
    let known = sides.iter().all(|side| !side.is_empty());
    Some((terms.mode?, sides)).filter(|_| known)
}

/// Whether selectors of sender and receiver hold the ends of a packet.
fn covers(mode: Mode, sides: [&[Selector]; 2], protocol: u8, ends: [Endpoint; 2]) -> bool {
    let hold = |addresses: bool| {
        sides
            .iter()
            .zip(ends)
            .all(|(side, end)| side.iter().any(|one| holds(one, protocol, end, addresses)))
    };
    match mode {
        Mode::Tunnel => hold(true),
        // The addresses are those outside, which a NAT may have changed.
        Mode::Transport => hold(false),
        Mode::Beet => true,
    }
}

/// Another SA of the same direction that was granted for what is outside this one, and its sender.
fn rightful(case: &Case<'_>, spi: EspSpi, outside: &Outside<'_>) -> Option<(EspSpi, IpAddr)> {
    let wrong = case.flows().find(|flow| flow.key.spi == spi)?;
    let towards = case.tunnel.destination(wrong)?;
    let right = case.flows().find(|flow| {
        let ends = [outside.from, outside.to];
        flow.key.vantage == wrong.key.vantage
            && case.tunnel.destination(flow) == Some(towards)
            && flow.seen.first.1 < outside.last.1
            && granted(case.model, flow)
                .is_some_and(|(mode, sides)| covers(mode, sides, outside.protocol, ends))
    })?;
    Some((right.key.spi, wrong.paths.first()?.from.address))
}

/// Whether a selector holds an end. Of ICMP its ports mean type and code (RFC 7296 section 3.13.1),
/// which differ within a conversation, and fragments have none: they are given the benefit.
fn holds(one: &Selector, protocol: u8, end: Endpoint, addresses: bool) -> bool {
    let (first, last) = one.ports;
    let mut packet = Selector::host(match addresses {
        true => end.address,
        false => one.start,
    });
    packet.protocol = protocol;
    packet.ports = match end.port {
        Some(port) => (port, port),
        None => (first, last),
    };
    // A selector for no protocol but with ports is for any of them.
    one.covers(&packet)
}

fn finding(case: &Case<'_>, spi: EspSpi, outside: &Outside<'_>) -> Finding {
    let rightful = rightful(case, spi, outside);
    let Outside {
        packets,
        first,
        last,
        protocol: _,
        from,
        to,
        sides: [senders, receivers],
        wants,
    } = outside;
    let (severity, confidence) = match wants.answer {
        true => (RULE.severity, Confidence::Certain.lower_if(wants.again)),
        false => (Severity::Warning, Confidence::Likely),
    };
    let lacking = |side: &[Selector], end: &Endpoint| {
        let mut ranges = side.iter().map(|one| one.start..=one.end);
        (!ranges.any(|range| range.contains(&end.address))).then_some(end.address)
    };
    let lacking = [lacking(senders, from), lacking(receivers, to)];
    let lacking: Vec<_> = lacking.into_iter().flatten().collect();
    let translated = !lacking.is_empty();
    let finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        *first,
        say!("{from} to {to} in SA {spi}", from, to, spi),
    )
    .also(*last, "the last such packet")
    .severity(severity)
    .title(say!("SA {spi} carries packets that its selectors do not cover", spi))
    .says(say!(
        "{packets} such as {from} to {to} went in SA {spi}, which was granted for {senders} ↔ {receivers} only, and \
         none was answered. A receiver that checks drops such packets.",
        packets = count(*packets, "packet"),
        from,
        to,
        spi,
        senders = selector::said(senders),
        receivers = selector::said(receivers)
    ))
    .or("The receiver does not check, and the hosts do not answer for another reason.");
    if let Some((right, sender)) = rightful {
        let mut finding = finding;
        finding.says.add(say!(
            "SA {right} of the same direction was granted for them: {sender} puts them into the wrong one.",
            right,
            sender
        ));
        return finding.advise(say!(
            "Look at what chooses the SA at {sender}: policies that overlap and their order, an old policy that was \
             left behind, an engine to which SAs were handed.",
            sender
        ));
    }
    let finding = finding.advise(match translated {
        true => say!(
            "Add {addresses} to the selectors on both sides, or send the traffic through a child SA that has it.",
            addresses = all_of(lacking)
        ),
        false => "Add the protocol and the port to the selectors on both sides, or send the traffic through a child \
                  SA that has them."
            .into(),
    });
    match translated {
        true => finding.advise(
            "If a NAT in front of the tunnel made that address, exempt the traffic from it.",
        ),
        false => finding,
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    fn with(own: &str, other: &str, rest: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi({own}) TSr({other})
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi({own}) TSr({other})
             {rest}
             30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        )
    }

    const PING: &str = "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)";

    #[test]
    fn an_address_that_was_not_negotiated() {
        verdict(
            &with("10.1.0.0/24", "10.9.0.0/24", PING),
            "inner-outside-ts",
        );
        verdict(
            &with("10.8.0.0/24", "10.2.0.0/24", PING),
            "inner-outside-ts",
        );
    }

    #[test]
    fn a_port_and_a_protocol_that_were_not_negotiated() {
        let web =
            "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)";
        verdict(
            &with("10.1.0.0/24", "10.2.0.0/24:6/80", web),
            "inner-outside-ts",
        );
        verdict(
            &with("10.1.0.0/24:17/0", "10.2.0.0/24:17/0", web),
            "inner-outside-ts",
        );
        silent(
            &with("10.1.0.0/24", "10.2.0.0/24:6/443", web),
            "inner-outside-ts",
        );
    }

    #[test]
    fn what_the_selectors_cover_is_fine() {
        for (own, other) in [
            ("10.1.0.0/24", "10.2.0.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.7.0.0/16 10.1.0.1", "10.3.0.0/16 10.2.0.0-10.2.0.9"),
            ("10.1.0.0/24:1/2048", "10.2.0.0/24:1/2048"),
        ] {
            silent(&with(own, other, PING), "inner-outside-ts");
        }
    }

    #[test]
    fn what_is_answered_was_let_in() {
        let answered = format!(
            "{PING}\n1.1 B > A ESP 0xa1 seq 1..5 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)"
        );
        silent(
            &with("10.1.0.0/24", "10.9.0.0/24", &answered),
            "inner-outside-ts",
        );
    }

    #[test]
    fn what_was_answered_under_another_sa_before_is_outside_all_the_same() {
        let child = "
            0.4 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 256 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24) TSr(10.2.0.0/24)
            0.5 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 240 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/24) TSr(10.2.0.0/24)";
        let ping = |spi: &str, at: f64| {
            format!("{at} A > B ESP {spi} seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)\n")
        };
        let reply = |at: f64| {
            format!("{at} B > A ESP 0xa2 seq 1..5 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)\n")
        };
        let before = [
            child,
            "\n",
            &ping("0xb2", 1.0),
            &reply(1.1),
            &ping("0xb1", 8.0),
        ]
        .concat();
        let text = with("10.1.0.0/24", "10.9.0.0/24", &before)
            .replace("id=2 request sealed 80", "id=3 request sealed 80")
            .replace("id=2 response sealed 80", "id=3 response sealed 80");
        let finding = crate::diagnose::testing::fires(&text, "inner-outside-ts");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
        let says = finding.says.to_string();
        assert!(
            says.contains("0x000000b2 of the same direction was granted"),
            "{says}"
        );
        let meanwhile = [
            child,
            "\n",
            &ping("0xb2", 1.0),
            &ping("0xb1", 1.05),
            &reply(1.1),
        ]
        .concat();
        let text = with("10.1.0.0/24", "10.9.0.0/24", &meanwhile)
            .replace("id=2 request sealed 80", "id=3 request sealed 80")
            .replace("id=2 response sealed 80", "id=3 response sealed 80");
        silent(&text, "inner-outside-ts");
    }

    #[test]
    fn multicast_and_the_addresses_of_the_link_are_exempt() {
        for to in ["224.0.0.5", "255.255.255.255"] {
            let hello = format!("1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > {to} IP 89)");
            silent(
                &with("10.1.0.0/24", "10.2.0.0/24", &hello),
                "inner-outside-ts",
            );
        }
        for (to, judged) in [
            ("2001:db8:9::5", true),
            ("ff0e::5", false),
            ("fe80::5", false),
            ("::", false),
        ] {
            let model = crate::testing::model(&format!(
                "1 A > B ESP 0xb1 seq 1 inner(2001:db8:1::1 > {to} IP 89)"
            ));
            let talk = model.inner.iter().next().unwrap();
            assert_eq!(super::is_judged(talk), judged, "{to}");
        }
    }

    #[test]
    fn in_transport_mode_addresses_may_be_those_before_a_nat() {
        let udp = "1 A > B ESP 0xb1 seq 1..5 every 1 inner(192.0.2.1 > 192.0.2.2 UDP 1701 > 1701)";
        let text = with("10.1.0.5:17/1701", "198.51.100.1:17/1701", udp)
            .replace(" TSi(", " N(USE_TRANSPORT_MODE) TSi(");
        silent(&text, "inner-outside-ts");
    }

    #[test]
    fn reports_that_want_no_answer_may_arrive() {
        let syslog = "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 514)";
        let finding = crate::diagnose::testing::fires(
            &with("10.1.0.0/24", "10.9.0.0/24", syslog),
            "inner-outside-ts",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        assert_ne!(finding.confidence, crate::diagnose::Confidence::Certain);
    }
}

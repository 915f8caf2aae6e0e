//! A host answers through the tunnel, one of its ports does not.

use crate::diagnose::facts::icmp::Meaning;
use crate::diagnose::facts::inner::{self, Asking, BGP, Inside};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{InnerError, Model, TunnelId};
use crate::say;
use crate::units::{Span, Vantage};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-port-unanswered",
    code: "ESP413",
    severity: Severity::Warning,
    summary: "A host answers through the tunnel, one of its ports does not",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The tunnel carries traffic between two hosts, but connections to one port fail: a filter drops them, or nothing listens there.

## How it is seen
With the keys of ESP, or without encryption. The hosts exchange other packets. To one port every SYN, or every one since some moment, stays without answer and is repeated (a filter drops it), or is answered by RST (nothing listens) or by an ICMP error (whoever sends it refuses).

## What else looks like it
Connections that open and hang as soon as data flows: that is the size of packets, see mtu-black-hole. A service that is down for a while. A check of a service that is off, refused by RST at even intervals, and a single attempt that is refused, are told for information only; so is a port that refuses where connections opened before.

## What to do
1. SYN without answer: permit the port in the rules on the way and on the host, both directions.
2. RST: start the service, or let it listen on this address.
";

/// Fewer attempts prove nothing.
const FEW: u64 = 3;

/// The attempts must be spread over so long, when nobody says no.
const LASTING: Span = Span::from_secs(2);

/// What became of the attempts at one port.
#[derive(Default)]
struct Port {
    silent: u64,
    pending: u64,
    refused: u64,
    attempts: u64,
    /// Connections that nobody answered.
    calls: u64,
    /// Whether connections opened before all of these.
    stopped: bool,
    places: Vec<Cite>,
    refusals: Vec<Cite>,
    end: usize,
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    let mut ports: BTreeMap<(Vantage, IpAddr, IpAddr, u16), Vec<&Asking<'_>>> = BTreeMap::new();
    for asking in inside.asked_once().filter(|one| one.to.port != Some(BGP)) {
        let (Some(_), Some(number)) = (&asking.out.tcp, asking.to.port) else {
            continue;
        };
        let key = (
            asking.talk.vantage,
            asking.from.address,
            asking.to.address,
            number,
        );
        ports.entry(key).or_default().push(asking);
    }
    let ports = ports
        .into_iter()
        .map(|(key, calls)| (key, Port::of(&calls, case.model)));
    // Two taps tell the same twice.
    let mut told = BTreeSet::new();
    ports
        .filter(|(_, port)| !port.stopped || port.calls.max(port.refused) >= FEW)
        .filter_map(|(key, port)| Some((key, finding(case.id, inside, key, &port)?)))
        .filter(|((_, from, to, number), _)| told.insert((*from, *to, *number)))
        .map(|(_, finding)| finding)
        .take(PORTS)
        .collect()
}

/// Ports that are told of one tunnel: more than people read.
const PORTS: usize = 8;

impl Port {
    /// What became of the connections since the last that opened, or of all.
    fn of(calls: &[&Asking<'_>], model: &Model) -> Self {
        let began = |asking: &Asking<'_>| Some(asking.out.seen?.first.1);
        let opens = |asking: &&&Asking<'_>| {
            let back = asking.back.tcp.as_ref();
            back.is_some_and(|tcp| tcp.syn_acks > 0)
        };
        let opened = calls.iter().filter(opens);
        let opened = opened.filter_map(|asking| began(asking)).max();
        let since = calls
            .iter()
            .filter(|asking| !opens(asking) && began(asking) > opened);
        let port = Self {
            stopped: opened.is_some(),
            ..Self::default()
        };
        since.fold(port, |port, asking| port.and(asking, model))
    }

    /// With one more connection that did not open.
    fn and(mut self, asking: &Asking<'_>, model: &Model) -> Self {
        self.end = asking.end;
        self.attempts += asking.out.tcp.as_ref().map_or(0, |tcp| tcp.attempts);
        let back = asking.back.tcp.as_ref();
        if let Some(refusal) = back.and_then(|tcp| tcp.refusal) {
            self.refused += 1;
            self.refusals.push(refusal);
            self.places.extend(asking.out.seen.map(|seen| seen.first));
        } else if let Some(silent) = asking.unanswered(model) {
            self.calls += 1;
            self.silent += silent.requests;
            self.pending += silent.pending;
            self.places.extend(silent.places);
        }
        self
    }
}

fn finding(
    tunnel: TunnelId,
    inside: &Inside<'_>,
    (vantage, from, to, number): (Vantage, IpAddr, IpAddr, u16),
    port: &Port,
) -> Option<Finding> {
    // An error of the host itself comes back as well as any other packet of it.
    let replies = inside.errors(from, to).iter().any(|error| error.from == to);
    if !replies && !inside.converse(vantage, from, to) {
        return None;
    }
    let mut places = port.places.clone();
    places.sort_unstable();
    let (first, last) = (*places.first()?, *places.last()?);
    let errors = inside.errors(from, to).iter().copied();
    let error = errors
        .filter(|error| error.quoted.protocol == 6 && error.quoted.to.port == Some(number))
        .find(|error| refuses(error));
    let refused = port.refused >= FEW && port.silent == 0;
    let dropped = port.silent >= FEW && last.1.since(first.1) >= LASTING;
    if !refused && !dropped && error.is_none() {
        return None;
    }
    let asked = match refused {
        true => port.attempts,
        false => port.silent,
    };
    let seeing = inside.would_see(vantage, port.end, asked, (first.1, last.1));
    // Where nothing else is asked there is nothing else to hear: then all of that side may be silent.
    if error.is_none() && !seeing && !inside.was_seeing(vantage, port.end, first.1) {
        return None;
    }
    // Then it may be the host, or the way to it, and not the port.
    let gone = !refused && error.is_none() && inside.fell_silent(vantage, (from, to), first.1);
    if gone && port.stopped {
        return None;
    }
    let (failed, advice) = match error {
        Some(error) => (
            say!(
                "TCP port {number}: {attempts}, refused by {error}. Whoever sends that error refuses the \
                 traffic.",
                number,
                attempts = count(port.attempts, "attempt"),
                error = inner::said(error)
            ),
            say!(
                "Permit TCP port {number} from {from} to {to} in the rules of {router}.",
                number,
                from,
                to,
                router = error.from
            ),
        ),
        None if refused => (
            say!(
                "TCP port {number}: {attempts}, refused with RST: nothing listens on the port, or a filter \
                 resets the connection.",
                number,
                attempts = count(port.refused, "attempt")
            ),
            say!(
                "Look whether the service listens on {to} port {number}, and for a filter that resets.",
                to,
                number
            ),
        ),
        None => (
            say!(
                "To TCP port {number} {syns} of {from} had no answer: a filter drops them, on the way behind the \
                 gateway or on the host.",
                number,
                syns = count(port.silent, "SYN"),
                from
            ),
            say!(
                "Permit TCP port {number} from {from} to {to} on the way and on the host, both directions.",
                number,
                from,
                to
            ),
        ),
    };
    // One attempt that somebody refuses is soon made by chance, and what is refused at even intervals is
    // a check of a service that is off: no fault of the tunnel.
    let mild = match error {
        Some(_) => port.attempts < FEW && port.silent < FEW,
        None => refused && (port.stopped || is_even(&port.refusals)),
    };
    let note = say!("SYN to port {number}", number);
    let mut finding = Finding::new(
        &RULE,
        match error {
            Some(error) => Confidence::Certain.lower_if(error.count < 2),
            None if refused => Confidence::Likely,
            None => inside.absence(Confidence::Likely.lower_if(!seeing || gone)),
        },
        tunnel,
        first,
        &note,
    )
    .severity(match mild {
        true => Severity::Info,
        false => RULE.severity,
    })
    .title(match refused {
        _ if gone => say!(
            "{to} answered {from} before, its TCP port {number} does not",
            to,
            from,
            number
        ),
        true => say!(
            "{to} answers {from}, its TCP port {number} refuses",
            to,
            from,
            number
        ),
        false if port.stopped => say!(
            "{to} answers {from}, its TCP port {number} no longer does",
            to,
            from,
            number
        ),
        false => say!(
            "{to} answers {from}, its TCP port {number} does not",
            to,
            from,
            number
        ),
    })
    .says(
        match gone {
            false => say!(
                "Inside the tunnel {from} and {to} exchange packets, so tunnel and routes work.",
                from,
                to
            ),
            true => say!(
                "Inside the tunnel {from} and {to} exchanged packets before, so tunnel and routes worked then.",
                from,
                to
            ),
        }
        .then(failed)
        .then(
            port.stopped
                .then_some("Connections to it opened before, and none since."),
        )
        .then(inner::too_late(port.pending, "SYN")),
    );
    if let Some(error) = error {
        finding = finding.also(error.seen.first, inner::said(error));
    }
    for refusal in &port.refusals {
        finding = finding.also(*refusal, "RST in answer to SYN");
    }
    for place in places {
        finding = finding.also(place, &note);
    }
    // Who refuses says so; that nothing listens is said above.
    if error.is_none() && !refused {
        finding = finding.or("The service is down.");
    }
    if port.stopped && error.is_none() && !refused {
        finding = finding.or("The service is overloaded and takes no more connections.");
    }
    if gone {
        finding = finding.or(say!(
            "{to} is down, or the way to it or back: nothing else of it came since.",
            to
        ));
    }
    Some(finding.advise(advice))
}

/// Whether attempts come at one interval, as those of a check do.
fn is_even(places: &[Cite]) -> bool {
    /// Fewer make no interval, and people and programs try again sooner.
    const MANY: usize = 5;
    const SLOW: Span = Span::from_secs(2);
    let mut times: Vec<_> = places.iter().map(|at| at.1).collect();
    times.sort_unstable();
    let steps: Vec<i64> = times
        .iter()
        .zip(times.iter().skip(1))
        .map(|(one, next)| next.since(*one).0)
        .collect();
    let (least, most) = (steps.iter().min(), steps.iter().max());
    times.len() >= MANY
        && least.zip(most).is_some_and(|(least, most)| {
            *least >= SLOW.0 && most.saturating_sub(*least) <= least / 5
        })
}

/// Whether an error says that the port is shut.
fn refuses(error: &InnerError) -> bool {
    matches!(
        inner::meaning(error),
        Meaning::PortUnreachable | Meaning::Prohibited
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const PING: &str = "
        0 A > B ESP 0xb9 seq 1..50 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
        0.1 B > A ESP 0xa9 seq 1..50 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)";

    #[test]
    fn the_last_attempts_may_come_just_before_the_end() {
        let text = |from: u32| {
            format!(
                "{PING}\n{from}.5 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)"
            )
        };
        verdict(&text(43), "inner-port-unanswered");
        silent(&text(46), "inner-port-unanswered");
    }

    /// Connections to port 443, ten seconds apart, of which these are answered.
    fn calls(answered: &[bool]) -> String {
        let calls = answered.iter().enumerate().map(|(n, answered)| {
            let syn = format!(
                "\n{n}1 A > B ESP 0xb1 seq {0}..{1} every 1 inner(10.1.0.1 > 10.2.0.1 TCP 4000{n} > 443 SYN seq 1)",
                2 * n + 1,
                2 * n + 1 + usize::from(!answered)
            );
            let back = format!(
                "\n{n}1.1 B > A ESP 0xa1 seq {} inner(10.2.0.1 > 10.1.0.1 TCP 443 > 4000{n} SYN,ACK seq 1 ack 2)",
                n + 1
            );
            syn + if *answered { &back } else { "" }
        });
        format!("{PING}{}", calls.collect::<String>())
    }

    #[test]
    fn a_port_that_answered_until_some_moment() {
        let finding = fires(
            &calls(&[true, false, false, false]),
            "inner-port-unanswered",
        );
        assert_eq!(
            finding.title.to_string(),
            "10.2.0.1 answers 10.1.0.1, its TCP port 443 no longer does"
        );
        // One connection proves little beside such that opened, and what opens again was down for a while.
        silent(&calls(&[true, true, false]), "inner-port-unanswered");
        silent(
            &calls(&[true, false, false, false, true]),
            "inner-port-unanswered",
        );
    }

    #[test]
    fn a_port_that_a_filter_drops() {
        verdict(
            &format!(
                "{PING}\n10 A > B ESP 0xb1 seq 1..3 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)"
            ),
            "inner-port-unanswered",
        );
    }

    #[test]
    fn a_port_where_nothing_listens_however_often_it_is_tried() {
        let tries: Vec<String> = (0..4)
            .map(|n| {
                format!(
                    "1{n} A > B ESP 0xb1 seq {} inner(10.1.0.1 > 10.2.0.1 TCP 4000{n} > 443 SYN seq 1)
                     1{n}.1 B > A ESP 0xa1 seq {} inner(10.2.0.1 > 10.1.0.1 TCP 443 > 4000{n} RST,ACK ack 2)",
                    1 + n,
                    1 + n
                )
            })
            .collect();
        let finding = fires(
            &format!("{PING}\n{}", tries.join("\n")),
            "inner-port-unanswered",
        );
        assert!(finding.says.to_string().contains("RST"), "{}", finding.says);
        silent(&format!("{PING}\n{}", tries[0]), "inner-port-unanswered");
    }

    #[test]
    fn what_is_refused_was_seen_whatever_else_the_recording_lacks() {
        use crate::diagnose::Confidence;
        let sure = |answer: &str| {
            let tries: String = [10, 17, 19, 30]
                .iter()
                .enumerate()
                .map(|(n, at)| {
                    let number = n + 1;
                    let back = answer.replace("SEQ", &number.to_string()).replace("AT", &at.to_string()).replace("PORT", &format!("4000{n}"));
                    format!(
                        "\n{at} A > B ESP 0xb1 seq {number} inner(10.1.0.1 > 10.2.0.1 TCP 4000{n} > 443 SYN seq 1)\n{back}"
                    )
                })
                .collect();
            let mut model = crate::testing::model(&format!("{PING}{tries}"));
            model.inputs[0].dropped = Some(1);
            crate::diagnose::testing::said(&super::RULE, &model)
                .first()
                .map(|finding| finding.confidence)
        };
        let reset =
            "AT.1 B > A ESP 0xa1 seq SEQ inner(10.2.0.1 > 10.1.0.1 TCP 443 > PORT RST,ACK ack 2)";
        assert_eq!(sure(reset), Some(Confidence::Likely));
        assert_ne!(sure(""), Some(Confidence::Likely));
    }

    #[test]
    fn an_error_names_who_refuses() {
        let finding = fires(
            &format!(
                "{PING}
                 10 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)
                 10.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 ICMP 3/10 quoting 10.1.0.1 > 10.2.0.1 TCP 40000 > 443)"
            ),
            "inner-port-unanswered",
        );
        assert!(
            finding.says.to_string().contains("ICMP 3/10"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn a_port_that_was_slow_once_answers_after_all() {
        silent(
            &format!(
                "{PING}
                 10 A > B ESP 0xb1 seq 1..3 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)
                 20 A > B ESP 0xb1 seq 4 inner(10.1.0.1 > 10.2.0.1 TCP 40001 > 443 SYN seq 1)
                 20.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40001 SYN,ACK seq 5 ack 2)"
            ),
            "inner-port-unanswered",
        );
    }

    #[test]
    fn a_check_of_a_service_that_is_off_and_a_single_refusal_are_information() {
        let tries: Vec<String> = (0..7)
            .map(|n| {
                let at = 5 + 5 * n;
                format!(
                    "{at} A > B ESP 0xb1 seq {0} inner(10.1.0.1 > 10.2.0.1 TCP 4000{n} > 443 SYN seq 1)
                     {at}.1 B > A ESP 0xa1 seq {0} inner(10.2.0.1 > 10.1.0.1 TCP 443 > 4000{n} RST,ACK ack 2)",
                    1 + n
                )
            })
            .collect();
        let once = "10 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)
             10.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 ICMP 3/10 quoting 10.1.0.1 > 10.2.0.1 TCP 40000 > 443)";
        let again = once
            .replace("10 A", "12 A")
            .replace("10.1 B", "12.1 B")
            .replace("seq 1 inner", "seq 2 inner")
            .replace("40000", "40001");
        let thrice = again
            .replace("12 A", "14 A")
            .replace("12.1 B", "14.1 B")
            .replace("seq 2 inner", "seq 3 inner")
            .replace("40001", "40002");
        let finding = fires(
            &format!("{PING}\n{once}\n{again}\n{thrice}"),
            "inner-port-unanswered",
        );
        assert_ne!(finding.severity, crate::diagnose::Severity::Info);
        // A SYN that is sent three times is no chance either.
        let thrice = once.replace("seq 1 inner(10.1", "seq 1..3 every 1 inner(10.1");
        let thrice = thrice
            .replace("10.1 B", "12.1 B")
            .replace("SYN)", "SYN seq 1)");
        let finding = fires(&format!("{PING}\n{thrice}"), "inner-port-unanswered");
        assert_ne!(finding.severity, crate::diagnose::Severity::Info);
        for text in [tries.join("\n"), once.to_string()] {
            let finding = fires(&format!("{PING}\n{text}"), "inner-port-unanswered");
            assert_eq!(finding.severity, crate::diagnose::Severity::Info);
        }
    }

    #[test]
    fn a_port_that_was_all_that_was_asked_is_told_with_the_direction_that_fell_silent() {
        use crate::diagnose::Confidence;
        let text = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
            1 A > B ESP 0xb1 seq 1..10 every 0.5 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
            1.1 B > A ESP 0xa1 seq 1..10 every 0.5 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
            8 A > B ESP 0xb1 seq 11..20 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
            8.5 A > B ESP 0xb1 seq 21..30 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40001 > 443 SYN seq 1)
            40 A:500 > C:500 INFORMATIONAL i=9 r=9 id=5 request sealed 80";
        let finding = fires(text, "inner-port-unanswered");
        assert_eq!(finding.confidence, Confidence::Possible);
        let title = finding.title.to_string();
        assert!(title.contains("answered 10.1.0.1 before"), "{title}");
        verdict(text, "esp-one-way");
    }
}

//! A NAT forgot its mapping, and gave the peer another port.

use crate::diagnose::facts::nat::{self, IDLE};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{end_of, first};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeSa, Message, Model, Tunnel};
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "nat-mapping-changed",
    code: "INF533",
    severity: Severity::Info,
    summary: "A NAT gave the peer another port while the IKE SA lived",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::MOVED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A NAT forgets a UDP mapping that is idle for too long, and makes another with a new port at the next packet. Until the side behind it speaks, nothing reaches it: keepalives (RFC 3948 section 4) come too seldom, or not at all.

## How it is seen
The same IKE SA goes on from the same address and another port, not by the move from 500 to 4500, after a silence of that address. It is a warning if the other side still sends to the old port afterwards.

## What else looks like it
A NAT that was restarted, or that balances over several ports. MOBIKE changes addresses, not only ports.

## What to do
1. Let the side behind the NAT send keepalives more often than the NAT forgets; 20 s is common.
2. Lengthen the UDP timeout of the NAT for port 4500.
";

/// So many changes of port are looked into: each takes a look at all flows.
const TRIED: usize = 8;

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .ike_sas
        .iter()
        // Another port is another path.
        .filter(|id| case.model.ike_sas[**id].paths.len() > 1)
        .flat_map(|id| {
            let messages = messages(case.model, &case.model.ike_sas[*id]);
            [0, 1].map(|end| (*id, moved(case.tunnel, &messages, end)))
        })
        .filter_map(|(id, moved)| Some((id, moved?)))
        .take(TRIED)
        .find_map(|(id, (before, after))| {
            let messages = messages(case.model, &case.model.ike_sas[id]);
            finding(case, &messages, before, after)
        })
        .into_iter()
        .collect()
}

/// The messages of an IKE SA in UDP, each once, in order.
fn messages<'m>(model: &'m Model, sa: &'m IkeSa) -> Vec<&'m Message> {
    sa.exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights)
        .filter_map(|flight| first(model, flight))
        .filter(|message| message.path.encap().is_udp())
        .collect()
}

/// Two messages of one end in a row, the second from another port.
fn moved<'m>(
    row: &Tunnel,
    messages: &[&'m Message],
    end: usize,
) -> Option<(&'m Message, &'m Message)> {
    let sent: Vec<&Message> = messages
        .iter()
        .copied()
        .filter(|message| end_of(row, message.path.from().address) == Some(end))
        .collect();
    sent.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let (old, new) = (before.path.from(), after.path.from());
        let moved = before.vantage == after.vantage
            && old.address == new.address
            && old.port != new.port
            && before.path.to() == after.path.to()
            && after.path.to().port == Some(4500);
        moved.then_some((*before, *after))
    })
}

fn finding(
    case: &Case<'_>,
    messages: &[&Message],
    before: &Message,
    after: &Message,
) -> Option<Finding> {
    let moved = first_from(case, after);
    let last = last_from(case.model, before, moved);
    let idle = moved.since(last.1);
    if idle < IDLE {
        return None;
    }
    let lost = messages.iter().find(|message| {
        message.vantage == after.vantage
            && message.time > after.time
            && message.path.to() == before.path.from()
    });
    let finding = Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            (after.frame, after.time),
            say!("from {from}", from = after.path.from()),
        )
        .also(last, say!("the last packet from {from}", from = before.path.from()))
        .severity(match lost {
            Some(_) => Severity::Warning,
            None => Severity::Info,
        })
        .title(say!("A NAT gave {peer} another port", peer = after.path.from().address))
        .says(
            say!(
                "After {idle} of silence {peer} went on from port {new} instead of {old}: the NAT had forgotten it.",
                idle,
                peer = after.path.from().address,
                new = port(after.path.from()),
                old = port(before.path.from())
            )
            .then(lost.map(|_| "The other side still sends to the old port.")),
        )
        .or("The NAT was restarted, or balances over several ports.")
        .advise(nat::KEEP_ALIVE)
        .advise_all(vendor_advice::of(case, after.path.from().address, Topic::NatTraversal))
        .advise("Lengthen the UDP timeout of the NAT.");
    Some(match lost {
        Some(lost) => finding.also((lost.frame, lost.time), "sent to the old port"),
        None => finding,
    })
}

fn port(end: Endpoint) -> u16 {
    end.port.unwrap_or_default()
}

/// When something first came from where a message came from: that message, or a new SA of ESP before it.
fn first_from(case: &Case<'_>, message: &Message) -> Timestamp {
    let flows = case.flows().filter(|flow| {
        let first = flow.paths.first();
        flow.key.vantage == message.vantage
            && first.is_some_and(|path| path.from == message.path.from())
    });
    let begun = flows.map(|flow| flow.seen.first.1);
    begun.fold(message.time, Timestamp::min)
}

/// The last packet from where a message came from, before a time: IKE, ESP or a keepalive. A flow that
/// goes on tells by its silences; one that has none just then was busy all the time. What ESP sends first from a new
/// place comes at once before IKE does, or nobody can tell when it moved.
fn last_from(model: &Model, message: &Message, before: Timestamp) -> Cite {
    let keepalives = model
        .keepalives
        .iter()
        .filter(|seen| seen.path.from == message.path.from() && seen.vantage == message.vantage)
        .map(|seen| seen.last);
    const AT_ONCE: Span = Span::from_secs(1);
    let esp = model
        .flows
        .iter()
        .filter(|flow| flow.key.vantage == message.vantage)
        .filter(|flow| {
            flow.paths
                .iter()
                .any(|path| path.from == message.path.from())
        })
        .filter(|flow| flow.seen.first.1 < before)
        .map(|flow| {
            let pause = flow
                .silences
                .iter()
                .filter(|silence| silence.length >= IDLE)
                .filter(|silence| silence.before.1 < before && silence.after.1 > message.time)
                .filter(|silence| before.since(silence.after.1) <= AT_ONCE)
                .max_by_key(|silence| silence.before.1);
            match pause {
                Some(pause) if flow.seen.last.1 >= before => pause.before,
                _ => flow.seen.last,
            }
        });
    let keepalives = keepalives.filter(|cite| cite.1 < before);
    keepalives
        .chain(esp)
        .chain([(message.frame, message.time)])
        .max_by_key(|cite| cite.1)
        .unwrap_or((message.frame, message.time))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
        0.2 A:1024 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:4500 > A:1024 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    #[test]
    fn another_port_after_a_silence() {
        use crate::diagnose::Severity;
        let severity = |more: &str| {
            let text = format!(
                "{UP}\n90 A:1077 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80\n{more}"
            );
            fires(&text, "nat-mapping-changed").severity
        };
        assert_eq!(severity(""), Severity::Info);
        // Who still sends to the old port is not heard.
        let old = "95 B:4500 > A:1024 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80";
        assert_eq!(severity(old), Severity::Warning);
        let before = old.replacen("95", "60", 1);
        assert_ne!(severity(&before), Severity::Warning);
    }

    #[test]
    fn the_move_to_4500_and_a_port_that_stays() {
        silent(
            &format!("{UP}\n90 A:1024 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80"),
            "nat-mapping-changed",
        );
    }

    #[test]
    fn esp_that_goes_on_over_the_move_tells_whether_it_was_idle() {
        let text = |numbers: &str, at: u32| {
            format!(
                "{UP}
                 1 A:1024 > B:4500 ESP 0xb1 seq {numbers} every 1
                 {at} A:1077 > B:4500 ESP 0xb1 seq 201..300 every 1
                 {at}.5 A:1077 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80"
            )
        };
        silent(&text("1..89", 90), "nat-mapping-changed");
        fires(&text("1..40", 90), "nat-mapping-changed");
    }

    #[test]
    fn another_port_without_a_silence_is_no_lost_mapping() {
        silent(
            &format!(
                "{UP}
                 80 A:1024 > B:4500 KEEPALIVE
                 90 A:1077 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80"
            ),
            "nat-mapping-changed",
        );
    }
}

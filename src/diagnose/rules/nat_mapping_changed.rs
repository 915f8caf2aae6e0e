//! A NAT forgot its mapping, and gave the peer another port.

use crate::diagnose::facts::nat::{self, IDLE};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{end_of, first};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{EspFlow, IkeSa, Message, Model, Transport, Tunnel};
use crate::net::Path;
use crate::say;
use crate::units::{Endpoint, Timestamp, Vantage};

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
The same IKE SA, or a child SA, goes on from the same address and another port, not by the move from 500 to 4500, after a silence of that address. It is a warning if the other side still sends to the old port afterwards.

## What else looks like it
A NAT that was restarted, or that balances over several ports. MOBIKE changes addresses, not only ports.

## What to do
1. Let the side behind the NAT send keepalives more often than the NAT forgets; 20 s is common.
2. Lengthen the UDP timeout of the NAT for port 4500.
";

/// So many changes of port are looked into: each takes a look at all flows.
const TRIED: usize = 8;

/// What it looks like inside that packets still go to the old port.
const UNANSWERED: &[&str] = &[
    "inner-no-reply",
    "inner-port-unanswered",
    "health-check-unanswered",
    "bgp-down",
];

/// What it looks like where another tap, behind the NAT, lacks them as well: at one that sees both ports they come.
const LOST: &[&str] = &[
    "esp-one-way",
    "packet-loss",
    "path-outage",
    "inner-no-reply",
    "inner-port-unanswered",
    "health-check-unanswered",
    "bgp-down",
];

/// One end goes on from another port of its address.
#[derive(Clone, Copy)]
struct Move {
    vantage: Vantage,
    old: Endpoint,
    new: Endpoint,
    /// A packet from the old port before, and the first from the new one.
    before: Cite,
    after: Cite,
}

impl Move {
    /// A packet from one place, and the next from another.
    fn of(vantage: Vantage, before: (&Path, Cite), after: (&Path, Cite)) -> Option<Self> {
        let ((there, before), (here, after)) = (before, after);
        let (old, new) = (there.from, here.from);
        let moved = old.address == new.address
            && old.port != new.port
            && there.to == here.to
            && here.to.port == Some(4500);
        moved.then_some(Self {
            vantage,
            old,
            new,
            before,
            after,
        })
    }
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let of_ike = case
        .ike_sas()
        // Another port is another path.
        .filter(|sa| sa.paths.len() > 1)
        .flat_map(|sa| {
            let messages = messages(case.model, sa);
            [0, 1].map(|end| moved(case.tunnel, &messages, end))
        });
    let of_esp = case
        .flows()
        .filter(|flow| flow.key.transport == Transport::Udp)
        .map(|flow| {
            let mut moves = flow.moves();
            moves.find_map(|[one, next]| Move::of(flow.key.vantage, one, next))
        });
    of_ike
        .chain(of_esp)
        .flatten()
        .take(TRIED)
        .find_map(|moved| finding(case, moved))
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

/// The move of one end between two of its messages in a row.
fn moved(row: &Tunnel, messages: &[&Message], end: usize) -> Option<Move> {
    let sent: Vec<&Message> = messages
        .iter()
        .copied()
        .filter(|message| end_of(row, message.path.from().address) == Some(end))
        .collect();
    let place = |message: &Message| (message.path.path(), (message.frame, message.time));
    sent.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let ((there, left), (here, come)) = (place(before), place(after));
        Move::of(after.vantage, (&there, left), (&here, come))
            .filter(|_| before.vantage == after.vantage)
    })
}

fn finding(case: &Case<'_>, moved: Move) -> Option<Finding> {
    let after = first_from(case, moved);
    let last = last_from(case.model, moved, after.1);
    let idle = after.1.since(last.1);
    if idle < IDLE {
        return None;
    }
    let Move { old, new, .. } = moved;
    let peer = new.address;
    let lost = sent_to_old(case, moved, after.1);
    let finding = Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            after,
            say!("from {from}", from = new),
        )
        .also(last, say!("the last packet from {from}", from = old))
        .severity(match lost {
            Some(_) => Severity::Warning,
            None => Severity::Info,
        })
        .title(say!("A NAT gave {peer} another port", peer))
        .says(
            say!(
                "After {idle} of silence {peer} went on from port {new} instead of {old}: the NAT had forgotten it.",
                idle,
                peer,
                new = port(new),
                old = port(old)
            )
            .then(lost.map(|_| "The other side still sends to the old port.")),
        )
        .or("The NAT was restarted, or balances over several ports.")
        .advise(nat::KEEP_ALIVE)
        .advise_all(vendor_advice::of(case, peer, Topic::NatTraversal))
        .advise("Lengthen the UDP timeout of the NAT.");
    Some(match lost {
        Some(lost) => finding
            .explaining(match case.tunnel.taps.is_empty() {
                true => UNANSWERED,
                false => LOST,
            })
            .also(lost, "sent to the old port"),
        None => finding,
    })
}

fn port(end: Endpoint) -> u16 {
    end.port.unwrap_or_default()
}

/// Something that the other side sent to the old port after the move.
fn sent_to_old(case: &Case<'_>, moved: Move, after: Timestamp) -> Option<Cite> {
    let message = case.ike_sas().find_map(|sa| {
        let messages = messages(case.model, sa);
        let mut messages = messages.into_iter();
        let late = messages.find(|message| {
            message.vantage == moved.vantage
                && message.time > after
                && message.path.to() == moved.old
        })?;
        Some((late.frame, late.time))
    });
    message.or_else(|| {
        let mut flows = case.flows();
        let late = flows.find(|flow| {
            let last = flow.paths.last();
            flow.key.vantage == moved.vantage
                && last.is_some_and(|path| path.to == moved.old)
                && flow.seen.last.1 > after.later(nat::ON_ITS_WAY)
        })?;
        Some(late.seen.last)
    })
}

/// When something first came from the new port: ESP may come before IKE does.
fn first_from(case: &Case<'_>, moved: Move) -> Cite {
    let flows = case
        .flows()
        .filter(|flow| flow.key.vantage == moved.vantage);
    let places = flows.flat_map(|flow| flow.places().find(|(path, _)| path.from == moved.new));
    let begun = places.map(|(_, at)| at).chain([moved.after]);
    begun.min_by_key(|at| at.1).unwrap_or(moved.after)
}

/// The last packet from the old port before a time: IKE, ESP or a keepalive.
fn last_from(model: &Model, moved: Move, before: Timestamp) -> Cite {
    let keepalives = model
        .keepalives
        .iter()
        .filter(|seen| seen.path.from == moved.old && seen.vantage == moved.vantage)
        .map(|seen| seen.last);
    let esp = model
        .flows
        .iter()
        .filter(|flow| flow.key.vantage == moved.vantage && flow.seen.first.1 < before)
        .filter_map(|flow| last_of(flow, moved.old));
    let keepalives = keepalives.filter(|cite| cite.1 < before);
    keepalives
        .chain(esp)
        .chain([moved.before])
        .max_by_key(|cite| cite.1)
        .unwrap_or(moved.before)
}

/// The last packet of a flow from a place, if it ever came from there. It may have moved on; where no silence is known
/// just then, it came until it did.
fn last_of(flow: &EspFlow, place: Endpoint) -> Option<Cite> {
    let mut places = flow.places();
    places.find(|(path, _)| path.from == place)?;
    let Some((_, next)) = places.find(|(path, _)| path.from != place) else {
        return Some(flow.seen.last);
    };
    let mut silences = flow.silences.iter();
    let silence = silences.find(|silence| silence.after.0 == next.0);
    Some(silence.map_or(next, |silence| silence.before))
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
    fn esp_alone_shows_the_move_and_who_still_sends_to_the_old_port() {
        use crate::diagnose::Severity;
        let text = |back: &str, at: u32| {
            format!(
                "{UP}
                 1 A:1024 > B:4500 ESP 0xb1 seq 1..20 every 1
                 1.1 B:4500 > A:1024 ESP 0xa1 seq 1..20 every 1
                 {at} A:1077 > B:4500 ESP 0xb1 seq 21..60 every 1
                 {at}.1 B:4500 > {back} ESP 0xa1 seq 21..60 every 1"
            )
        };
        let severity = |text: &str| fires(text, "nat-mapping-changed").severity;
        assert_eq!(severity(&text("A:1077", 80)), Severity::Info);
        assert_eq!(severity(&text("A:1024", 80)), Severity::Warning);
        silent(&text("A:1077", 34), "nat-mapping-changed");
        fires(&text("A:1077", 35), "nat-mapping-changed");
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

//! The same sequence number comes twice.

use crate::diagnose::facts::{began, esp, taps};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{AnomalyKind, EspFlow};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-replay",
    code: "ESP404",
    severity: Severity::Warning,
    summary: "ESP sequence numbers come twice",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::REPEATED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A receiver takes each sequence number once; the copy is thrown away. Copies are made by the network, or by someone who replays old packets. A counter that begins again on the same SPI is a violation of RFC 4303 by the sender.

## How it is seen
The same SPI and sequence number comes more than once, or the numbers begin again at 1 on a living SPI. Soon after the first number a counter that begins again looks like repeats: packets of another size than those that bore their numbers before are no copies. Where all answers end as the numbers begin again, the receiver throws away what comes: that is an error.

## What else looks like it
A capture that records each packet twice, as on mirror ports and bridges. If a quarter of all packets or more is there twice, this rule speaks only if the copies come much later, and in one direction; if some are, within a moment, as where one of several mirrored VLANs is there twice, it is information. A counter also begins again with a new SA that bears the same SPI, with manual keys after a restart, and on a cluster whose other member takes over: without a negotiation in the capture, or after one, it is information.

## What to do
1. See whether the tap records packets twice.
2. Look for loops, redundant links and duplicating middleboxes on the path.
3. If the counter began again: the sender lost its state; restart the tunnel and ask its vendor.
";

/// Fewer copies than these are no finding.
const FEW: u64 = 3;

/// More than one copy in so many packets is the tap's doing: it records everything, or every packet
/// of one link, twice.
const TAP: u64 = 4;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut worst: Option<(&EspFlow, Option<Cite>)> = None;
    for directions in case.directions() {
        for end in [0, 1] {
            let back = directions.flows(1 - end);
            let alike = || back.iter().any(|flow| is_everywhere(flow));
            for flow in directions.flows(end).iter().copied().filter(|flow| {
                replays(flow) || is_renumbered(flow) || comes_later(flow) && !alike()
            }) {
                if worst.is_none_or(|(worst, _)| weight(flow) > weight(worst)) {
                    worst = Some((flow, directions.last(1 - end)));
                }
            }
        }
    }
    let Some((flow, back)) = worst else {
        return Vec::new();
    };
    let odd = |anomaly: &&crate::model::Anomaly| {
        matches!(
            anomaly.kind,
            AnomalyKind::Duplicate(_) | AnomalyKind::Restart(_)
        )
    };
    let at = flow
        .anomalies
        .iter()
        .find(odd)
        .map_or(flow.seen.first, |anomaly| (anomaly.frame, anomaly.time));
    let tally = flow.sequence;
    let renumbered = tally.restarts == 0 && is_renumbered(flow);
    let begins_again = tally.restarts > 0 || renumbered;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        at,
        match begins_again {
            false => say!("a number of {spi} that had come before", spi = flow.key.spi),
            true => say!("the numbers of {spi} begin again", spi = flow.key.spi),
        },
    )
    .title(match begins_again {
        false => say!("ESP {spi} repeats sequence numbers", spi = flow.key.spi),
        true => say!("The sequence numbers of ESP {spi} begin again", spi = flow.key.spi),
    })
    .says(if tally.restarts > 0 {
        say!(
            "The counter of {spi} began again {times}, which RFC 4303 forbids within an SA: the receiver throws all \
             away until the old number is passed.",
            spi = flow.key.spi,
            times = count(u64::from(tally.restarts), "time")
        )
        .then((tally.duplicate > 0).then(|| {
            say!("{packets} bear a number that had come before.", packets = count(tally.duplicate, "packet"))
        }))
    } else if renumbered {
        say!(
            "{twice} of {packets} packets of {spi} bear a number that had come before, and {renumbered} of them are \
             seen to be of another size than the one that bore it: they are no copies. The counter began again, which \
             RFC 4303 forbids within an SA: the receiver throws all away until the old number is passed.",
            twice = tally.duplicate,
            packets = flow.packets,
            spi = flow.key.spi,
            renumbered = flow.renumbered
        )
    } else {
        say!(
            "{twice} of {packets} packets of {spi} bear a number that had come before; the \
             receiver throws them away.",
            twice = tally.duplicate,
            packets = flow.packets,
            spi = flow.key.spi
        )
    })
    ;
    let upstream = taps::upstream(case, flow).filter(|_| tally.duplicate > 0);
    // Copies that came later than a tap makes them, and that another tap before it does not have.
    let on_way = real(flow) && upstream.is_some_and(|before| before.sequence.duplicate == 0);
    if !begins_again && !on_way {
        finding = finding.or(match comes_later(flow) {
            true => "Two recordings whose clocks differ were merged.",
            false => "The tap records some packets twice.",
        });
    }
    let copies = !real(flow) && !renumbered;
    // Nothing but their delay tells them from a tap's.
    finding.confidence = finding.confidence.lower_if(is_everywhere(flow));
    let anew = tally.restarts > 0 && copies || renumbered;
    if copies && tally.restarts == 0 || anew && may_be_new(case, flow) {
        finding = finding.severity(Severity::Info);
        finding.confidence = Confidence::Possible;
    }
    if begins_again {
        finding = finding
            .or("A new SA bears the same SPI, or the keys are manual ones.")
            .or("Another member of a cluster took over without the counters.");
        finding.confidence = Confidence::Possible;
    }
    if let Some(last) = back.filter(|last| ends_answers(flow, *last) && !may_be_new(case, flow)) {
        finding = finding
            .severity(Severity::Error)
            .explaining(UNANSWERED)
            .also(last, "the last packet of the other direction");
        finding.confidence = Confidence::Likely;
        finding.says.add(say!(
            "From then on nothing of {peer} comes back.",
            peer = flow.key.to
        ));
    }
    if let Some(before) = upstream.filter(|_| !renumbered) {
        let tap = taps::name(case.model, before.key.vantage);
        finding.says.add(match before.sequence.duplicate {
            0 => say!(
                "None comes twice at the tap {tap} before it: the copies are made between the two \
                 taps.",
                tap
            ),
            twice => say!(
                "The copies are there already at the tap {tap} before it: {packets}.",
                tap,
                packets = count(twice, "packet")
            ),
        });
    }
    let others = esp::further(case, flow, |other| real(other) && replays(other));
    if others > 0 && !begins_again {
        finding.says.add(say!(
            "Copies came in {flows}, too.",
            flows = count(others, "further SA")
        ));
    }
    finding = match begins_again {
        false if on_way => finding.advise("Look for loops and duplicating devices on the path."),
        false => finding
            .advise("See whether the tap records packets twice: compare the times of the copies.")
            .advise("Look for loops and duplicating devices on the path."),
        true => finding.advise(
            "Unless a new SA bears the same SPI, the sender lost its state: restart the tunnel, and ask its vendor.",
        ),
    };
    for anomaly in flow.anomalies.iter().filter(odd).skip(1) {
        let note = match anomaly.kind {
            AnomalyKind::Restart(_) => "they begin again",
            _ if renumbered => "another number that had come before",
            _ => "another copy",
        };
        finding = finding.also((anomaly.frame, anomaly.time), note);
    }
    vec![finding]
}

/// What nobody answers, for the receiver throws it away.
const UNANSWERED: &[&str] = &[
    "esp-one-way",
    "inner-no-reply",
    "inner-port-unanswered",
    "health-check-unanswered",
    "bgp-down",
];

/// Whether the other direction ends when the counter begins again, and much is sent after that.
fn ends_answers(flow: &EspFlow, last: Cite) -> bool {
    /// Fewer may want no answer.
    const MANY: u64 = 16;
    /// What is on its way then.
    const IN_FLIGHT: Span = Span::from_secs(1);
    /// A conversation that paused for longer may have ended before.
    const PAUSE: Span = Span::from_secs(10);
    let mut anomalies = flow.anomalies.iter();
    let restart = anomalies.find(|anomaly| matches!(anomaly.kind, AnomalyKind::Restart(_)));
    restart.is_some_and(|restart| {
        let after = last.1.since(restart.time);
        after <= IN_FLIGHT && after.0 >= -PAUSE.0 && esp::packets_since(flow, restart.time) >= MANY
    })
}

fn replays(flow: &EspFlow) -> bool {
    let copies = flow.sequence.duplicate;
    flow.sequence.restarts > 0 || (copies >= FEW && !is_everywhere(flow))
}

/// Whether packets bear numbers that others had borne before, and are no copies of those. A sender that lost its
/// counter, and not its keys, begins again at 1 (RFC 4303 section 3.3.3).
fn is_renumbered(flow: &EspFlow) -> bool {
    u64::from(flow.renumbered) >= FEW
}

/// Whether so much is there twice as a tap makes it.
fn is_everywhere(flow: &EspFlow) -> bool {
    flow.sequence.duplicate.saturating_mul(TAP) >= flow.packets
}

/// No mirror, and no way that a mirrored packet takes, is so much slower than another.
const LATER: Span = Span::from_secs(1);

/// Other packets may pass between a packet and its copy at another interface.
const BETWEEN: u32 = 8;

/// Whether most copies came so much later that no tap made them, however many they are: by how many
/// packets had come in between, at the pace of the flow.
fn comes_later(flow: &EspFlow) -> bool {
    let (mut later, mut copies) = (0usize, 0usize);
    let length = flow.seen.last.1.since(flow.seen.first.1).0;
    let pace = length / i64::try_from(flow.packets.max(1)).unwrap_or(i64::MAX);
    for anomaly in &flow.anomalies {
        if let AnomalyKind::Duplicate(depth) = anomaly.kind {
            copies += 1;
            let late = pace.saturating_mul(i64::from(depth)) >= LATER.0;
            later += usize::from(late && depth > BETWEEN);
        }
    }
    // At both sides of a NAT the same packets come from two addresses.
    flow.paths.len() == 1 && real(flow) && copies as u64 >= FEW && later * 2 > copies
}

/// Whether enough copies came later than the recording makes them.
fn real(flow: &EspFlow) -> bool {
    flow.sequence.duplicate.saturating_sub(flow.doubled) >= FEW
}

/// Whether a counter may begin again with a new SA: one was set up before it did, or none was seen at
/// all. Of a counter that begins again soon after the first number repeats are all that is seen.
fn may_be_new(case: &Case<'_>, flow: &EspFlow) -> bool {
    let begins = |anomaly: &&crate::model::Anomaly| match flow.sequence.restarts {
        0 => matches!(anomaly.kind, AnomalyKind::Duplicate(_)),
        _ => matches!(anomaly.kind, AnomalyKind::Restart(_)),
    };
    let restarts = flow.anomalies.iter().filter(begins);
    let restarts = restarts.map(|anomaly| anomaly.time);
    let exchanges = || {
        let ike_sas = case.tunnel.ike_sas.iter();
        ike_sas.flat_map(|id| &case.model.ike_sas[*id].exchanges)
    };
    let Some(first) = restarts.min() else {
        return true;
    };
    exchanges().next().is_none()
        || exchanges()
            .map(|id| &case.model.exchanges[*id])
            .filter(|exchange| {
                matches!(
                    exchange.kind,
                    ExchangeType::IKE_AUTH
                        | ExchangeType::CREATE_CHILD_SA
                        | ExchangeType::QUICK_MODE
                )
            })
            .filter_map(|exchange| began(case.model, exchange.flights.first()?))
            .any(|(_, time)| time > flow.seen.first.1 && time < first)
}

fn weight(flow: &EspFlow) -> (bool, u32, u64) {
    (real(flow), flow.sequence.restarts, flow.sequence.duplicate)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    #[test]
    fn numbers_that_come_twice() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..50,20,21,22,51..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136",
            "esp-replay",
        );
    }

    #[test]
    fn copies_at_once_are_those_of_the_tap() {
        let finding = fires(
            "1 A > B ESP 0xb1 seq 1..50 every 0.1 size 136
             1.0001 A > B ESP 0xb1 seq 1..5 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136",
            "esp-replay",
        );
        assert_eq!(finding.severity, Severity::Info, "{finding:#?}");
    }

    #[test]
    fn a_counter_that_begins_again_with_a_new_sa_is_no_fault() {
        let text = |ike: &str| {
            format!(
                "0.5 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
                 0.6 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
                 1 A > B ESP 0xb1 seq 1..500 every 0.1 size 136
                 {ike}
                 70 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
                 1 B > A ESP 0xa1 seq 1..900 every 0.1 size 136"
            )
        };
        let severity = |ike: &str| fires(&text(ike), "esp-replay").severity;
        assert_eq!(severity(""), Severity::Warning);
        let rekey = "
            60 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 208
            60.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 208";
        assert_eq!(severity(rekey), Severity::Info);
    }

    #[test]
    fn a_counter_that_begins_again_and_ends_all_answers_is_their_cause() {
        let text = |answers: u32| {
            format!(
                "0.5 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
                 0.6 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
                 1 A > B ESP 0xb1 seq 1..500 every 0.1 size 136
                 51 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
                 1.02 B > A ESP 0xa1 seq 1..{answers} every 0.1 size 136
                 75 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
                 75.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80"
            )
        };
        verdict(&text(500), "esp-replay");
        let finding = fires(&text(500), "esp-replay");
        assert_eq!(finding.severity, Severity::Error, "{finding:#?}");
        assert_eq!(finding.confidence, Confidence::Likely);
        assert_eq!(fires(&text(700), "esp-replay").severity, Severity::Warning);
    }

    #[test]
    fn much_that_comes_again_later_is_no_copy_of_the_tap() {
        let again = |back: &str| {
            format!(
                "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
                 6.02 A > B ESP 0xb1 seq 1..60 every 0.1 size 136
                 {back}"
            )
        };
        let finding = fires(
            &again("1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136"),
            "esp-replay",
        );
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Possible);
        // Both ways alike: two recordings of one link, whose clocks differ.
        silent(
            &again(
                "1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136
                 6.02 B > A ESP 0xa1 seq 1..60 every 0.1 size 136",
            ),
            "esp-replay",
        );
    }

    #[test]
    fn a_tap_that_records_everything_twice_is_no_replay() {
        silent(
            "1 A > B ESP 0xb1 seq 1,1,2,2,3,3,4,4,5,5,6,6 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136",
            "esp-replay",
        );
    }
}

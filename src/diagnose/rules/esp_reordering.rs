//! Packets come out of order.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{esp, own, taps};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, all_of, count};
use crate::model::{AnomalyKind, EspFlow};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-reordering",
    code: "ESP405",
    severity: Severity::Info,
    summary: "ESP packets come out of order",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::LATE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The path, or a sender that encrypts in parallel, changes the order of packets. So does a router that has a queue for each traffic class, if packets of several classes share an SA and their DSCP is copied to the outer header: the urgent pass the others (RFC 4301 section 4.1). A receiver remembers the last numbers in a replay window, often 32 or 64 of them: what comes later than that is thrown away although it is good.

## How it is seen
A sequence number below the highest comes for the first time. The deepest such step back is compared with common replay windows.

The DSCP of the packets tells queues: every late packet was passed by packets of another DSCP alone, while those of each DSCP keep their order.

Where TTLs or a second tap show that the tap stands beside the sender, the sender itself changes the order: it encrypts on several cores or units at once.

## What else looks like it
A capture made on several interfaces or queues may itself disturb the order. Then the times of its frames step back as well, and it is told for information.

## What to do
1. If the depth exceeds the replay window, enlarge the window on the receiver (1024 is common).
2. Where the order changes between DSCP, make an SA for each class, or do not copy the DSCP to the outer header.
3. Else look for load balancing by packet.
4. If the sender itself changes the order, let it encrypt an SA on one unit, or keep the order behind it.
";

/// The smallest replay window in common use is 32, 64 is what RFC 4303 section 3.4.3 recommends:
/// beyond that good packets are thrown away.
const WINDOW: u32 = 64;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut deepest: Option<&EspFlow> = None;
    let mut by_sender = false;
    for directions in case.directions() {
        for end in [0, 1] {
            for flow in directions.flows(end).iter().copied() {
                let deeper =
                    deepest.is_none_or(|deepest| flow.sequence.deepest > deepest.sequence.deepest);
                if flow.sequence.late > 0 && deeper {
                    deepest = Some(flow);
                    by_sender = own::end(directions) == Some(1 - end);
                }
            }
        }
    }
    let Some(flow) = deepest else {
        return Vec::new();
    };
    let late = |anomaly: &&crate::model::Anomaly| matches!(anomaly.kind, AnomalyKind::Late(_));
    let at = flow
        .anomalies
        .iter()
        .filter(late)
        .max_by_key(|anomaly| match anomaly.kind {
            AnomalyKind::Late(behind) => behind,
            _ => 0,
        })
        .map_or(flow.seen.first, |anomaly| (anomaly.frame, anomaly.time));
    let tally = flow.sequence;
    let beyond = tally.deepest >= WINDOW;
    let disturbed = steps_back(flow);
    let queued = flow.classes.pass_each_other() && !disturbed;
    let bears = match beyond {
        true => say!(
            "A replay window of {window} throws such packets away.",
            window = WINDOW
        ),
        false => say!("A replay window of {window} bears that.", window = WINDOW),
    };
    let mut finding = Finding::new(
        &RULE,
        // That it is the sender is told by the TTLs alone.
        Confidence::Certain.lower_if(beyond || by_sender && !queued),
        case.id,
        at,
        say!("{behind} behind the highest number", behind = tally.deepest),
    )
    .severity(if beyond && !disturbed {
        Severity::Warning
    } else {
        Severity::Info
    })
    .says(
        say!(
            "{late} of {packets} packets of {spi} came late, at most {behind} behind the highest \
             number.",
            late = tally.late,
            packets = flow.packets,
            spi = flow.key.spi,
            behind = tally.deepest
        )
        .then(bears),
    );
    finding.says.add(match taps::upstream(case, flow) {
        Some(before) if before.sequence.late == 0 => say!(
            "They are in order at the tap {tap}: the order changes between the two taps.",
            tap = taps::name(case.model, before.key.vantage)
        ),
        Some(before) => say!(
            "{late} come late at the tap {tap} before it already.",
            late = before.sequence.late,
            tap = taps::name(case.model, before.key.vantage)
        ),
        None if by_sender && !queued => {
            "The tap stands beside the sender, by the TTLs: it sends them out of \
                              order itself, as one does that encrypts in parallel."
                .into()
        }
        None => Text::default(),
    });
    // Another tap may tell the other direction.
    let others = esp::further(case, flow, |other| other.sequence.late > 0);
    if others > 0 {
        finding.says.add(say!(
            "Packets came late in {flows}, too.",
            flows = count(others, "further SA")
        ));
    }
    if queued {
        finding.says.add(queues(flow));
    }
    if disturbed {
        finding.says.add(
            "The times of the frames step back there: the capture itself disturbed the order.",
        );
    }
    if beyond {
        finding = finding
            .or("The capture itself disturbed the order.")
            .advise("Enlarge the replay window of the receiver.")
            .advise_all(vendor_advice::of(case, flow.key.to, Topic::ReplayWindow));
    }
    for other in flow.anomalies.iter().filter(late) {
        finding = finding.during(other.time, other.time);
    }
    vec![match (queued, beyond) {
        (true, _) => finding.advise(
            "Make an SA for each traffic class, or do not copy the DSCP to the outer header (RFC 4301 \
             section 4.1).",
        ),
        (false, true) => {
            finding.advise("Look for load balancing by packet and for QoS that splits one SPI.")
        }
        (false, false) if by_sender => finding.or("The capture itself disturbed the order."),
        (false, false) => finding,
    }]
}

/// Which DSCP come late, where packets of another pass them.
fn queues(flow: &EspFlow) -> Text {
    let dscp = |late: bool| {
        let tallies = flow.classes.tallies.iter();
        let found = tallies.filter(move |tally| (tally.late > 0) == late);
        found
            .map(|tally| u16::from(tally.dscp))
            .collect::<Vec<u16>>()
    };
    let (late, prompt) = (all_of(dscp(true)), dscp(false));
    let kept = "Packets of each DSCP keep their order: there is a queue for each.";
    match prompt.is_empty() {
        true => say!("Packets of DSCP {late} pass one another.", late),
        false => say!(
            "Packets of DSCP {prompt} pass those of DSCP {late}.",
            prompt = all_of(prompt),
            late
        ),
    }
    .then(kept)
}

/// Whether a late packet bears an earlier time than the gap that it fills, which stands before it.
fn steps_back(flow: &EspFlow) -> bool {
    flow.anomalies.windows(2).any(|pair| {
        matches!(pair, [before, after]
            if matches!(after.kind, AnomalyKind::Late(_))
                && before.frame < after.frame
                && before.time > after.time)
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{check, findings, fires, is_healthy, said, verdict};

    #[test]
    fn a_small_disorder_is_information() {
        let found = findings(
            "1 A > B ESP 0xb1 seq 1..20,22,21,23..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136",
        );
        assert!(is_healthy(&found));
        assert_eq!(found[0].rule.slug, "esp-reordering");
    }

    #[test]
    fn a_disorder_deeper_than_replay_windows_is_a_warning() {
        verdict(
            "1 A > B ESP 0xb1 seq 1..20,22..120,21,121..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..200 every 0.1 size 136",
            "esp-reordering",
        );
    }

    #[test]
    fn times_that_step_back_are_those_of_the_capture() {
        let mut model = crate::testing::model(
            "1 A > B ESP 0xb1 seq 1..20,22..120,21,121..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..200 every 0.1 size 136",
        );
        let severity = |model: &crate::model::Model| said(&super::RULE, model)[0].severity;
        assert_eq!(severity(&model), crate::diagnose::Severity::Warning);
        let flow = model
            .flows
            .iter()
            .position(|flow| flow.sequence.late > 0)
            .unwrap();
        let id = crate::model::FlowId(u32::try_from(flow).unwrap());
        let anomalies = &mut model.flows[id].anomalies;
        anomalies[1].time = crate::units::Timestamp(anomalies[0].time.0 - 1000);
        assert_eq!(severity(&model), crate::diagnose::Severity::Info);
    }

    #[test]
    fn a_tap_beside_the_sender_names_it() {
        let text = |ttls: [u8; 2]| {
            format!(
                "1 A > B ESP 0xb1 seq 1..20,22,21,23..100 every 0.1 size 136 ttl={}
                 1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 ttl={}",
                ttls[0], ttls[1]
            )
        };
        let says = |ttls| findings(&text(ttls))[0].says.clone();
        assert!(says([64, 57]).to_string().contains("beside the sender"));
        assert!(!says([57, 64]).to_string().contains("beside the sender"));
        assert!(!says([64, 64]).to_string().contains("beside the sender"));
    }

    /// Rounds of packets of which the last passes the others, in order of arrival; its class and theirs.
    fn rounds(urgent: u8, others: u8) -> String {
        let mut text = String::from("1 B > A ESP 0xa1 seq 1..900 every 0.01 size 136");
        for round in 0..9 {
            let (first, time) = (round * 81 + 1, 1 + round);
            let last = first + 80;
            text += &format!(
                "\n{time} A > B ESP 0xb1 seq {last} size 136 class={urgent}
                 {time}.1 A > B ESP 0xb1 seq {first}..{} every 0.01 size 136 class={others}",
                last - 1
            );
        }
        text
    }

    #[test]
    fn a_queue_for_each_class_is_named() {
        let found = fires(&rounds(0xb8, 0), "esp-reordering");
        assert_eq!(found.severity, crate::diagnose::Severity::Warning);
        let says = found.says.to_string();
        assert!(says.contains("DSCP 46 pass those of DSCP 0"), "{says}");
        assert!(
            found
                .advice
                .iter()
                .any(|advice| advice.to_string().contains("for each traffic class"))
        );
        // ECN is no class; within one class it is something else.
        for classes in [(1, 0), (0xb8, 0xb8)] {
            let found = fires(&rounds(classes.0, classes.1), "esp-reordering");
            assert!(!found.says.to_string().contains("DSCP"), "{}", found.says);
        }
    }

    #[test]
    fn order_is_nothing() {
        check(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100 every 0.1 size 136",
            &[],
        );
    }
}

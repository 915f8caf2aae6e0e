//! Everything of one side stops and comes back on the same SAs: the tunnel outlives it.

mod silence;

use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::outage::{self, Amid, EDGE, LOST, OUTAGE, goes_on, lost_in};
use crate::diagnose::facts::overhead::{LEAST_MTU, outer};
use crate::diagnose::facts::{end_of, taps};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::limits::FLOW_SILENCES;
use crate::model::{EspFlow, Silence};
use crate::say;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "path-outage",
    code: "IKE303",
    severity: Severity::Error,
    summary: "One direction was dead for a while",
    document: DOCUMENT,
    explains: &[
        "packet-loss",
        "ike-retransmits",
        "clear-text-leak",
        "tunnel-flapping",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
For some seconds nothing of one gateway arrived, then it went on as if nothing had happened, on the same SAs. The path was down, not the gateway.

## How it is seen
A flow falls silent for seconds while the other gateway goes on sending, and resumes on the same SPI. When it resumes many sequence numbers are missing: they were sent, and lost. Requests of IKE sent meanwhile are repeated. Where other SAs of the same gateway go on, that one alone was lost. Of a flow that sends seldom several silences count together, if it lacks nothing else. Where the SAs were renewed in the silence, the new one comes with a number well above 1: those before it were sent, and lost.

No number is missing if the packets of the other gateway were lost, so that there was nothing to answer. That shows only where each packet had one in return before and afterwards, and packets of the same sizes had none for ten seconds and more: then it is a suspicion. So it is where as many packets come at once after the silence as were asked for in it, and none is missing: the gateway, or a link on the way, stood still.

## What else looks like it
An application that pauses leaves no gap in the numbers. A gateway that restarts comes back with new SPIs. A cluster that fails over and keeps its SAs may skip numbers on purpose (RFC 6311). Where nothing of the other gateway is in the capture meanwhile, the recording itself may have paused: then it is told for information, unless what came was answered one by one and no answer is missing. If no number is missing: the one host that is asked was down for a while. Where nothing large ever came, what is missing may have been too large for the path.

## What to do
1. Look at the links and routers of the path at that time: rerouting, link changes, overload.
2. If it repeats, compare the TTL before and after: another value means another way.
";

/// An outage of both directions makes so many gaps in the other one: one in each of its flows, and in
/// those that replace them.
const EDGES: u64 = 4;

/// A silence in which so many packets came in part is none; one may be hit as a real one begins.
const TORN: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    if !case.tap().hears_both() {
        return Vec::new();
    }
    let ways = || {
        let directions = case.directions().iter();
        directions.flat_map(|directions| [(directions, 0), (directions, 1)])
    };
    ways()
        .find_map(|(directions, end)| outage(case, directions, end))
        .or_else(|| ways().find_map(|(directions, end)| across_rekeying(case, directions, end)))
        .or_else(|| {
            let unanswered =
                ways().find_map(|(directions, end)| silence::unanswered(case, directions, end));
            let held_up =
                ways().find_map(|(directions, end)| silence::held_up(case, directions, end));
            // Of one silence it is told how it ended.
            match (unanswered, held_up) {
                (Some(unanswered), Some(held_up)) if unanswered.first != held_up.first => {
                    Some(unanswered)
                }
                (unanswered, held_up) => held_up.or(unanswered),
            }
        })
        .into_iter()
        .collect()
}

/// A silence of a flow towards `end` in which packets were lost.
fn outage(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<Finding> {
    let (flow, silence, lost) = directions.flows(end).iter().find_map(|flow| {
        flow.silences
            .iter()
            .filter(|silence| silence.length >= OUTAGE)
            .map(|silence| (*flow, silence, lost_in(flow, silence)))
            .find(|(_, _, lost)| *lost >= LOST || *lost > 0 && is_repeated(flow))
            .filter(|(_, _, lost)| *lost < LOST || !is_chance(flow, *lost))
    })?;
    let amid = Amid {
        before: flow,
        flow,
        silence: *silence,
        lost,
    };
    told(case, directions, end, &amid)
}

/// All of one side stops, and comes back when the SAs have been renewed.
fn across_rekeying(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<Finding> {
    told(
        case,
        directions,
        end,
        &outage::amid_rekeying(case, directions, end)?,
    )
}

/// What is told of a silence in which packets were lost, unless anything of their sender came in it.
fn told(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
    outage: &Amid<'_>,
) -> Option<Finding> {
    let (old, silence) = (outage.before, &outage.silence);
    let (flow, lost) = (outage.flow, outage.lost);
    let anew = old.key != flow.key;
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    // Another flow of the same direction, or anything else of its sender, that goes on meanwhile: then it was no
    // outage.
    let within = |time| time > silence.before.1 && time < silence.after.1;
    let beside = || {
        let alive = directions.alive(end, silence.before.1, silence.after.1);
        alive.filter(|other| other.key != flow.key)
    };
    let others = beside().any(|other| within(other.seen.first.1) || within(other.seen.last.1));
    // So are pieces of packets whose other pieces never came: they are what is missing.
    let torn = || outage::torn_in(case, directions.vantage, *from, silence) >= TORN;
    if others || outage::is_heard(case, directions, 1 - end, silence) || torn() {
        return None;
    }
    // Others that were there before and are afterwards: then this SA alone was lost.
    let (from_edge, to_edge) = outage::amid(silence);
    let alone = beside().any(|other| esp::packets_within(other, from_edge, to_edge) > 0);
    let before = taps::upstream(case, flow).filter(|before| before.sequence.missing == 0);
    let before = before.filter(|before| !anew || before.sequence.first == 1);
    let located = before.map(|before| {
        say!(
            "None of them is missing at the tap {tap}: they were lost between the two taps.",
            tap = taps::name(case.model, before.key.vantage)
        )
    });
    // A recording that misses packets all the time misses some in a pause, too.
    let bursts = directions.flows(1 - end).iter();
    let bursts: u64 = bursts.map(|flow| flow.sequence.bursts).sum();
    // It makes as many gaps again each time.
    let further = further(flow, silence);
    let edges = EDGES.saturating_mul(further.len() as u64 + 1);
    let in_turn = !anew && outage::is_in_turn(directions, end, flow, silence, lost);
    let recorded = alone || in_turn || goes_on(case, directions, end, silence);
    let severity = match bursts > edges || !recorded && before.is_none() {
        true => Severity::Info,
        false => case.tap().gaps(match is_pause(old, silence, lost) {
            true => Severity::Warning,
            false => RULE.severity,
        }),
    };
    let mut finding = Finding::new(
            &RULE,
            match before {
                Some(_) => Confidence::Certain.lower_if(case.model.dropped(flow.key.vantage) > 0),
                None => Confidence::Likely.lower_if(!recorded),
            },
            case.id,
            silence.after,
            match anew {
                false => say!(
                    "first packet after {silence}; {lost} numbers are missing",
                    silence = silence.length,
                    lost
                ),
                true => say!(
                    "first packet after {silence}, number {number} of a new SA",
                    silence = silence.length,
                    number = flow.sequence.first
                ),
            },
        )
        .severity(severity)
        .also(silence.before, "last packet before the silence")
        .title(match alone {
            false => say!("Nothing of {from} arrived for {silence}", from, silence = silence.length),
            true => say!(
                "Nothing of SA {spi} of {from} arrived for {silence}",
                spi = flow.key.spi,
                from,
                silence = silence.length
            ),
        })
        .says(
            match alone {
                false if anew => say!(
                    "For {silence} nothing of {from} arrived at the tap, and meanwhile the SAs were renewed. Then the new \
                     SA {spi} began with number {number}: {from} had sent the {lost} before it to {to}, and the path \
                     lost them.",
                    silence = silence.length,
                    from,
                    spi = flow.key.spi,
                    number = flow.sequence.first,
                    lost,
                    to
                ),
                false => say!(
                    "For {silence} nothing of {from} arrived at the tap, then {spi} went on with {lost} numbers \
                     missing: {from} sent to {to} meanwhile, or just before it was heard again, and the path lost it.",
                    silence = silence.length,
                    from,
                    spi = flow.key.spi,
                    lost,
                    to
                ),
                true => say!(
                    "For {silence} nothing of {from} arrived at the tap under {spi}, which then went on with {lost} \
                     numbers missing, while other SAs of {from} went on: what lost it takes these apart, as a NAT \
                     does that has a port for each client, or a path chosen by SPI.",
                    silence = silence.length,
                    from,
                    spi = flow.key.spi,
                    lost
                ),
            }
            .then(located)
            .then((in_turn && before.is_none()).then_some(
                "Each packet that came had one in return, and those that are missing had none: they were not lost by \
                 the recording.",
            ))
            .then(match further.len() {
                0 => None,
                1 => Some("It happened once more.".into()),
                // More silences than these are not kept.
                times if times + 1 == FLOW_SILENCES => {
                    Some(say!("It happened at least {times} more times.", times))
                }
                times => Some(say!("It happened {times} more times.", times)),
            })
            .then((bursts > edges).then_some(
                "The other direction lacks packets all the time, so the recording itself may have lost these.",
            ))
            .then(other_way(case, flow, 1 - end, silence)),
        )
        .advise(say!(
            "Look at the path from {from} to {to} at that time.",
            from,
            to
        ));
    for one in further {
        finding = finding.also(
            one.after,
            say!("first packet after another {silence}", silence = one.length),
        );
    }
    if !recorded && before.is_none() {
        finding = finding.or("The capture itself was interrupted.");
    }
    // What left the first tap was sent, and the second one recorded on.
    if before.is_none() {
        // Where nothing large ever came, what is missing may be just that.
        let largest = outer(flow);
        if !anew && !alone && largest <= LEAST_MTU {
            finding = finding.or(say!(
                "Only packets that are too large for the path were sent meanwhile, and they or their fragments were \
                 lost: of all that came from {from} none has more than {largest} octets.",
                from,
                largest
            ));
        }
        finding = finding.or("A cluster failed over and skipped numbers on purpose (RFC 6311).");
    }
    if woken(directions, end, silence) && !outage::is_heard(case, directions, end, silence) {
        finding = finding
            .or(say!(
                "A NAT or a stateful firewall in front of {to} had forgotten the flow: {to} sent nothing either, and \
                 it ended when {to} spoke.",
                to
            ))
            .advise(say!(
                "If it ends each time {to} speaks, let {to} send keepalives or liveness checks more often than a NAT or \
                 a firewall forgets; 20 s is common.",
                to
            ));
    }
    Some(finding)
}

/// Whether a flow that sends seldom lost all that it lacks in a few silences, and more than one of them: loss by chance
/// would have hit others of its packets as well.
fn is_repeated(flow: &EspFlow) -> bool {
    let silences = flow.silences.iter();
    let silences = silences.filter(|silence| silence.length >= OUTAGE);
    let lost = silences.map(|silence| lost_in(flow, silence));
    let lost: Vec<u32> = lost.filter(|lost| *lost > 0).collect();
    lost.len() > 1
        && lost.len() as u64 == flow.sequence.bursts
        && lost.iter().sum::<u32>() >= 2 * LOST
}

/// The other outages of a flow, in order.
fn further<'m>(flow: &'m EspFlow, silence: &Silence) -> Vec<&'m Silence> {
    let others = flow.silences.iter().filter(|other| {
        let lost = lost_in(flow, other);
        let lost = lost >= LOST || lost > 0 && is_repeated(flow);
        other.length >= OUTAGE && other.before.0 != silence.before.0 && lost
    });
    let mut others: Vec<_> = others.collect();
    others.sort_unstable_by_key(|other| other.before.1);
    others
}

/// Whether so many may be lost in a row where so many are lost all the time: once in a hundred such
/// flows or more often.
fn is_chance(flow: &EspFlow, lost: u32) -> bool {
    let elsewhere = flow.sequence.missing.saturating_sub(u64::from(lost)) as f64;
    let came = flow.packets as f64;
    let share = elsewhere / (elsewhere + came);
    came * share.powi(i32::try_from(lost).unwrap_or(i32::MAX)) >= 0.01
}

/// Whether the receiver was silent for as long as a silence towards `end` lasted, and spoke just before it ended.
fn woken(directions: &Directions<'_>, end: usize, silence: &Silence) -> bool {
    let silences = directions
        .flows(1 - end)
        .iter()
        .flat_map(|flow| &flow.silences);
    let mut silences = silences.filter(|other| other.length >= OUTAGE);
    silences.any(|other| {
        let ends = silence.after.1.since(other.after.1);
        ends >= Span::default() && ends <= EDGE && other.before.1.since(silence.before.1) <= EDGE
    })
}

/// Whether so few numbers are missing for the rate before that the sender paused for most of a silence.
fn is_pause(flow: &EspFlow, silence: &Silence, lost: u32) -> bool {
    let busy = silence.before.1.since(flow.seen.first.1).as_secs_f64();
    let before = esp::packets_within(flow, flow.seen.first.1, silence.before.1);
    let sent = before as f64 / busy.max(1.0) * silence.length.as_secs_f64();
    f64::from(lost) * 10.0 < sent
}

/// What the TTL of IKE messages of one side tells of its way before and after a silence, in words:
/// another number of hops is another path. `None` if either is not known.
fn other_way(case: &Case<'_>, flow: &EspFlow, end: usize, silence: &Silence) -> Option<Text> {
    let sent = || {
        case.messages()
            .filter(|message| message.vantage == flow.key.vantage)
            .filter(|message| end_of(case.tunnel, message.path.from().address) == Some(end))
            .map(|message| (message.time, message.ip.ttl))
    };
    let (_, before) = sent().filter(|(time, _)| *time <= silence.before.1).max()?;
    let (_, after) = sent().filter(|(time, _)| *time >= silence.after.1).min()?;
    (before != after).then(|| {
        say!(
            "Its packets had a TTL of {before} before and {after} afterwards: they take another way now.",
            before,
            after
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    /// At the far end of a path that is too narrow, small packets come, then nothing, then small ones again.
    #[test]
    fn what_is_missing_may_have_been_too_large_where_nothing_large_came() {
        let text = |size: u32| {
            format!(
                "1 A > B ESP 0xb1 seq 1..20 every 0.2 size {size} ttl=63
                 1.01 B > A ESP 0xa1 seq 1..20 every 0.2 size 136
                 11 A > B ESP 0xb1 seq 31..50 every 0.2 size {size} ttl=63
                 11.01 B > A ESP 0xa1 seq 21..40 every 0.2 size 136"
            )
        };
        let doubts = |size| {
            let finding = fires(&text(size), "path-outage");
            let mut others = finding.alternatives.iter();
            others.any(|other| other.to_string().contains("too large for the path"))
        };
        assert!(doubts(136) && doubts(1260));
        assert!(!doubts(1264));
    }

    #[test]
    fn numbers_lost_in_a_silence_are_an_outage() {
        verdict(
            "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
            "path-outage",
        );
    }

    #[test]
    fn what_another_tap_heard_meanwhile_was_lost_before_this_one() {
        let outage = "
            0.1 B > A ESP 0xa1 seq 1..100 every 0.5 size 136 tap=1
            0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136";
        let probe = "
            24 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 request by=responder sealed 80";
        verdict(&format!("{outage}{probe} tap=1"), "path-outage");
        // Here it passes, so ESP alone is lost.
        silent(&format!("{outage}{probe}"), "path-outage");
    }

    #[test]
    fn one_sa_of_several_that_is_lost_for_a_while() {
        let finding = fires(
            "0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             0.2 B > A ESP 0xa2 seq 1..100 every 0.5 size 136
             0 A > B ESP 0xb2 seq 1..100 every 0.5 size 136",
            "path-outage",
        );
        let title = finding.title.to_string();
        assert!(title.starts_with("Nothing of SA 0x000000a1 of"), "{title}");
        assert_eq!(finding.severity, Severity::Error);
    }

    #[test]
    fn a_recording_that_paused_is_no_outage() {
        let finding = fires(
            "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             30 A > B ESP 0xb1 seq 61..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
            "path-outage",
        );
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.confidence, Confidence::Possible);
    }

    #[test]
    fn what_is_answered_one_by_one_and_misses_no_answer_was_not_lost_by_the_recording() {
        let finding = fires(
            "0 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             0.1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             30.1 A > B ESP 0xb1 seq 41..80 every 0.5 size 136",
            "path-outage",
        );
        assert_eq!(finding.severity, Severity::Error);
        assert_eq!(finding.confidence, Confidence::Likely);
    }

    #[test]
    fn a_few_in_a_row_where_half_are_lost_are_no_outage() {
        let came: Vec<String> = (1..400)
            .filter(|n| n * n % 97 < 50 && !(200..208).contains(n))
            .map(|n| n.to_string())
            .collect();
        // Numbers are lost one by one, and time passes with them.
        let back: String = (1..400)
            .filter(|n| came.contains(&n.to_string()))
            .map(|n| format!("{}.1 B > A ESP 0xa1 seq {n} size 136\n", n / 2))
            .collect();
        silent(
            &format!("0 A > B ESP 0xb1 seq 1..400 every 0.5 size 136\n{back}"),
            "path-outage",
        );
    }

    #[test]
    fn packets_where_a_recording_pauses_and_goes_on_show_no_outage() {
        let finding = fires(
            "0 A > B ESP 0xb1 seq 1..41 every 0.5 size 136
             29.6 A > B ESP 0xb1 seq 60..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
            "path-outage",
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn a_few_lost_where_a_long_pause_ends_are_no_long_outage() {
        let finding = fires(
            "0 A > B ESP 0xb1 seq 1..400 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             150.1 B > A ESP 0xa1 seq 46..100 every 0.5 size 136",
            "path-outage",
        );
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn what_went_unanswered_is_seen_among_other_sas() {
        let text = |extra: &str| {
            format!(
                "0 A > B ESP 0xb0 seq 1..40 every 0.5 size 120
                 0.1 B > A ESP 0xa0 seq 1..40 every 0.5 size 120
                 20 A > B ESP 0xb1 seq 1..200 every 0.5 size 136
                 20.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136
                 90.1 B > A ESP 0xa1 seq 61..120 every 0.5 size 136
                 130 A > B ESP 0xb2 seq 1..40 every 0.5 size 120
                 130.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 120
                 {extra}"
            )
        };
        verdict(&text(""), "path-outage");
        // Another SA that has no answer either adds to it; one that has shows that the path is there.
        let more = "60 A > B ESP 0xb3 seq 1..40 every 0.5 size 136";
        verdict(&text(more), "path-outage");
        let answered = format!("{more}\n60.1 B > A ESP 0xa3 seq 1..40 every 0.5 size 136");
        silent(&text(&answered), "path-outage");
    }

    #[test]
    fn ike_may_come_back_a_moment_before_esp() {
        verdict(
            "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             29.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             29.9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
            "path-outage",
        );
    }

    #[test]
    fn another_ttl_afterwards_is_another_way() {
        let says = fires(
            "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             5 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
             5.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80 ttl=53
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             35 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             35.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80 ttl=47",
            "path-outage",
        )
        .says
        .to_string();
        assert!(says.contains("TTL of 53 before and 47"), "{says}");
    }

    #[test]
    fn packets_without_answer_amid_such_that_have_one() {
        let text = |asks: &str, back: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 {asks}
                 45 A > B ESP 0xb1 seq 71..110 every 0.5 size 136
                 45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136{back}"
            )
        };
        let asks = "20 A > B ESP 0xb1 seq 41..64 every 1 size 136";
        let finding = fires(&text(asks, ""), "path-outage");
        assert_eq!(finding.confidence, Confidence::Possible);
        // A stream; a pause of both; the far gateway is heard; more is sent than answered all the time.
        silent(
            &text("20 A > B ESP 0xb1 seq 41..64 every 1 size 1036", ""),
            "path-outage",
        );
        // It is one of several sizes, the others of which came before.
        let several = text("20 A > B ESP 0xb1 seq 41..64 every 1 size 1036", "");
        silent(&several.replace("size 136", "size 136,152"), "path-outage");
        silent(&text("", "").replace("71..110", "41..80"), "path-outage");
        let few = text("20 A > B ESP 0xb1 seq 41..50 every 1 size 136", "");
        silent(&few.replace("71..110", "51..90"), "path-outage");
        let ike = "
            30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
        silent(&text(asks, ike), "path-outage");
        let more = "\n0.2 A > B ESP 0xb1 seq 200..300 every 0.6 size 136";
        silent(&text(asks, more), "path-outage");
    }

    #[test]
    fn a_pause_of_both_before_does_not_hide_what_has_no_answer() {
        let paused = "
            0 A > B ESP 0xb9 seq 1..10 every 0.5 size 136
            0.1 B > A ESP 0xa9 seq 1..10 every 0.5 size 136
            30 A > B ESP 0xb9 seq 11..20 every 0.5 size 136
            30.1 B > A ESP 0xa9 seq 11..20 every 0.5 size 136";
        let asks = "
            100 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            100.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            120 A > B ESP 0xb1 seq 41..64 every 1 size 136
            145 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            145.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136";
        fires(&format!("{paused}{asks}"), "path-outage");
        silent(paused, "path-outage");
    }

    #[test]
    fn answers_that_come_late_and_all_at_once() {
        let text = |late: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 {late}
                 28.1 B > A ESP 0xa1 seq 57..80 every 0.5 size 136"
            )
        };
        let at_once = text("28 B > A ESP 0xa1 seq 41..56 every 0.005 size 136");
        let finding = fires(&at_once, "path-outage");
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.confidence, Confidence::Possible);
        let long = "0 A > B ESP 0xb1 seq 1..120 every 0.5 size 136
                    0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                    34 B > A ESP 0xa1 seq 41..68 every 0.005 size 136
                    34.1 B > A ESP 0xa1 seq 69..120 every 0.5 size 136";
        assert_eq!(fires(long, "path-outage").severity, Severity::Warning);
        // Who sends in bursts what nobody asked for falls silent again and again.
        let bursts = "0 A > B ESP 0xb1 seq 1..120 every 0.5 size 136
                      0.1 B > A ESP 0xa1 seq 1..20 every 0.005 size 136
                      10 B > A ESP 0xa1 seq 21..40 every 0.005 size 136
                      20 B > A ESP 0xa1 seq 41..60 every 0.005 size 136
                      30 B > A ESP 0xa1 seq 61..80 every 0.005 size 136
                      40 B > A ESP 0xa1 seq 81..100 every 0.005 size 136
                      50 B > A ESP 0xa1 seq 101..120 every 0.005 size 136";
        silent(bursts, "path-outage");
        // Of a conversation that pauses nothing is late; and what was asked for may come later bit by bit.
        let pause = at_once.replace(
            "seq 1..80 every 0.5 size 136\n",
            "seq 1..40 every 0.5 size 136
                 28 A > B ESP 0xb1 seq 41..80 every 0.5 size 136\n",
        );
        silent(&pause, "path-outage");
        silent(
            &text("28 B > A ESP 0xa1 seq 41..56 every 0.6 size 136"),
            "path-outage",
        );
        // The gateway is heard meanwhile.
        let ike = "
            24 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            24.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
        silent(&format!("{at_once}{ike}"), "path-outage");
    }

    #[test]
    fn a_pause_without_lost_numbers_is_a_pause() {
        silent(
            "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             27.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136",
            "path-outage",
        );
    }

    /// The same with the ends exchanged.
    fn turned(text: &str) -> String {
        text.replace("A > B", "X")
            .replace("B > A", "A > B")
            .replace('X', "B > A")
    }

    #[test]
    fn both_directions_are_looked_at_alike() {
        // Which end is the first follows from who speaks first.
        let ike = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
            0.01 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80";
        let gaps = "
            0 A > B ESP 0xb1 seq 1..10,12..20,22..30,32..40,42..50,52..100 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136";
        let asks = "
            0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            20 A > B ESP 0xb1 seq 41..64 every 1 size 136
            45 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136";
        for text in [gaps, asks] {
            let found = |text: &str| {
                let found = fires(&format!("{ike}{text}"), "path-outage");
                (found.severity, found.confidence)
            };
            assert_eq!(found(text), found(&turned(text)));
        }
        // The other direction has gaps all the time: the recording may have made this one, too.
        assert_eq!(fires(gaps, "path-outage").severity, Severity::Info);
    }

    #[test]
    fn what_the_asker_says_meanwhile_does_not_show_that_the_other_side_is_there() {
        let asks = "
            0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            20 A > B ESP 0xb1 seq 41..64 every 1 size 136
            30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            45 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136
            45.2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
        fires(asks, "path-outage");
    }

    #[test]
    fn as_many_as_the_rate_before_are_an_outage_at_any_rate() {
        let severity = |every: f64| {
            let text = format!(
                "0 A > B ESP 0xb1 seq 1..{} every {every} size 136
                 0.1 B > A ESP 0xa1 seq 1..{} every {every} size 136
                 30.1 B > A ESP 0xa1 seq {}..{} every {every} size 136",
                (50.0 / every) as u32,
                (20.0 / every) as u32,
                (30.0 / every) as u32 + 1,
                (50.0 / every) as u32
            );
            fires(&text, "path-outage").severity
        };
        assert_eq!(severity(0.5), severity(0.1));
        assert_eq!(severity(0.5), Severity::Error);
    }

    #[test]
    fn what_ends_when_the_receiver_speaks_may_be_a_firewall_that_forgot() {
        let text = |speaks: &str| {
            format!(
                "0 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 {speaks} A > B ESP 0xb1 seq 21..40 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
                 30.1 B > A ESP 0xa1 seq 61..80 every 0.5 size 136"
            )
        };
        let forgot = |speaks: &str| {
            let finding = fires(&text(speaks), "path-outage");
            let mut others = finding.alternatives.iter();
            others.any(|one| one.to_string().contains("stateful firewall"))
        };
        assert!(forgot("30"));
        assert!(!forgot("25"));
    }
}

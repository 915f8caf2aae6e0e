//! Everything of one side stops and comes back on the same SAs: the tunnel outlives it.

mod silence;
#[cfg(test)]
mod tests;

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

No number is missing if the packets of the other gateway were lost, so that there was nothing to answer. That shows only where each packet had one in return before and afterwards, and packets of the same sizes had none for ten seconds and more: then it is a suspicion. So it is where as many packets come at once after the silence as were asked for in it, and none is missing: the gateway, or a link on the way, stood still. Where a request of IKE was sent again and again in the silence and answered after it, it is likely: the gateway answers that itself, whatever its hosts do. So it is also where something else of the gateway came meanwhile, which sends but hears nothing.

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

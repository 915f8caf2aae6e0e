//! Large packets that are sent again as TCP does, while small ones pass.

use super::{PATTERN, RULE, by_size, try_sizes};
use crate::diagnose::facts::Tap;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::overhead::{LEAST_MTU, outer_of};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::model::{EspFlow, Rhythm};
use crate::say;
use crate::units::Span;

/// Large packets of one size go to `end` as TCP sends again what nobody acknowledges, and hardly more comes back
/// than answers to small ones, which pass meanwhile.
pub(super) fn sent_again(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// So many times in a row the gaps double: a segment was sent again once more.
    const DOUBLINGS: u8 = 4;
    /// One gap after another is about twice as long by chance no more often than that: gaps that have nothing to
    /// do with one another are so in 0.114 of all cases.
    const CHANCE: f64 = 0.12;
    /// Where one in so many large packets was acknowledged, they arrive. Every second one should be (RFC 9293
    /// section 3.8.6.3), but a receiver that takes several together acknowledges them together.
    const ACKNOWLEDGED: u64 = 8;
    if tap.lacks_packets() || case.inside().is_some() {
        return None;
    }
    let out = directions.flows(end).iter();
    let stuck = || {
        let all = out
            .clone()
            .flat_map(|flow| flow.rhythms.iter().map(move |rhythm| (flow, rhythm)));
        all.filter(|(flow, rhythm)| {
            outer_of(flow, rhythm.size) > LEAST_MTU && is_stuck(flow, rhythm)
        })
    };
    let tried: u64 = stuck().map(|(_, rhythm)| u64::from(rhythm.packets)).sum();
    let (_, rhythm) = stuck().max_by_key(|(_, rhythm)| rhythm.doublings)?;
    let chance = tried as f64 * CHANCE.powi(i32::from(rhythm.doublings));
    if rhythm.doublings < DOUBLINGS || chance >= 0.01 {
        return None;
    }
    // The last gap is about half of the run; what comes back in it shows that the path is open.
    let wait = Span(-rhythm.last_wait().0);
    let last = rhythm.again.1;
    let half = last.later(wait);
    let first = half.later(wait).max(rhythm.first.1);
    let flows = |end| directions.alive(end, first, last);
    let amid = flows(1 - end).map(|flow| esp::packets_within(flow, half, last));
    let amid: u64 = amid.sum();
    let (there, back) = (by_size(flows(end))?, by_size(flows(1 - end))?);
    let large = there.range(rhythm.size..).map(|(_, packets)| packets);
    let large: u64 = large.sum();
    let small = there.values().sum::<u64>() - large;
    let came: u64 = back.values().sum();
    // An answer is as large as what it answers, such as that to a ping: what wants none has none of its size.
    let answers = there.range(..rhythm.size);
    let answers =
        answers.map(|(size, packets)| back.get(size).map_or(0, |back| *packets.min(back)));
    let acknowledged = came.saturating_sub(answers.sum());
    let passes = flows(end).any(|flow| !is_stuck(flow, rhythm));
    if passes
        || amid < PATTERN
        || large < PATTERN
        || acknowledged.saturating_mul(ACKNOWLEDGED) >= large
    {
        return None;
    }
    // TCP fills the window before it waits; what sends a single large packet first may have met a filter of its port.
    let is_transfer = u64::from(rhythm.flight) >= PATTERN;
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        rhythm.again,
        say!("one of {size} octets of ESP", size = rhythm.size),
    )
    .during(first, last)
    .beside(rhythm.first, "one of that size before")
    .says(say!(
        "Packets of {size} octets of ESP went from {from} to {to} at gaps that doubled {doublings} times in a row, as \
         TCP and QUIC send again what is not acknowledged. All in all {large} large packets and {small} smaller ones \
         went there, and {came} came back, hardly more than answers as large as the smaller ones, and at least {amid} \
         of them in the last of these gaps.",
        size = rhythm.size,
        from,
        to,
        doublings = rhythm.doublings,
        large,
        small,
        came,
        amid
    ));
    let finding = match is_transfer {
        true => finding.severity(Severity::Warning).title(say!(
            "Large packets from {from} to {to} seem to vanish",
            from,
            to
        )),
        false => finding
            .severity(Severity::Info)
            .title(say!("Large packets from {from} to {to} have no answer", from, to))
            .or(say!(
                "A filter behind {to} drops that service, such as QUIC (UDP 443) or SIP: its first packet is large, and \
                 is sent again at gaps that double, too.",
                to
            )),
    };
    Some(
        finding
            .or(say!(
                "The host behind {to} that they are for went away, or does not answer.",
                to
            ))
            .or("They arrive, and what acknowledges them is lost, or sent past the tunnel.")
            .advise(try_sizes(*from))
            .advise_all(vendor_advice::of_both(case, Topic::Mtu))
            .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between."),
    )
}

/// Whether packets of a size and of larger ones are no more than connections send of which none goes on: then nothing
/// shows that any of them was acknowledged.
fn is_stuck(flow: &EspFlow, rhythm: &Rhythm) -> bool {
    /// What TCP sends before the first acknowledgement (RFC 6928 section 2).
    const FLIGHT: u64 = 10;
    /// A probe for what was lost at the end (RFC 8985 section 7.3), and a repetition at each end of a run.
    const FURTHER: u64 = 3;
    let (mut packets, mut runs) = (0, 0);
    for one in flow.rhythms.iter().filter(|one| one.size >= rhythm.size) {
        packets += u64::from(one.packets);
        runs += u64::from(one.runs);
    }
    packets <= runs.max(1) * (FLIGHT + u64::from(rhythm.doublings) + FURTHER)
}

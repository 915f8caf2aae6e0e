//! ESP in IP fragments that is lost, and small packets that pass.

use super::{PATTERN, RULE};
use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::overhead::{self, outer};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Tap, clear, end_of, tap};
use crate::diagnose::{Case, Confidence, Finding};
use crate::language::count;
use crate::model::{Rhythm, Silence};
use crate::say;
use crate::units::Span;

/// The flows of the time while packets to an end left in fragments: what passed hours before or later may have
/// taken another path, or was sent under other settings.
pub(super) fn while_cut<'m>(directions: &Directions<'m>, end: usize) -> Option<Directions<'m>> {
    let flows = || directions.flows(end).iter();
    let cut = || flows().filter(|flow| flow.fragmented > 0);
    let first = cut().map(|flow| flow.seen.first.1).min()?;
    let last = cut().map(|flow| flow.seen.last.1).max()?;
    Some(directions.only(|flow| flow.seen.first.1 <= last && flow.seen.last.1 >= first))
}

/// Fragmented packets go to `end`; nothing as large comes back, and what comes has gaps.
pub(super) fn swallowed(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    let out = directions.flows(end);
    let back = directions.flows(1 - end);
    let fragmented: u64 = out.iter().map(|flow| flow.fragmented).sum();
    let returned: u64 = back.iter().map(|flow| flow.fragmented).sum();
    let missing: u64 = back.iter().map(|flow| flow.sequence.missing).sum();
    let limit = limit(case, directions, end)?;
    let largest_back = back.iter().map(|flow| outer(flow)).max()?;
    let came: u64 = back.iter().map(|flow| flow.packets).sum();
    let small_pass = came >= PATTERN;
    // An upload that goes well loses an acknowledgement now and then. Answers as large as what they
    // answer are missing about as often as it was sent, and then nothing else is sent.
    let ordinary = missing.saturating_mul(4) < fragmented || missing.saturating_mul(20) < came;
    if fragmented < PATTERN
        || returned > 0
        || missing < PATTERN
        || ordinary
        || largest_back > limit
        || !small_pass
    {
        return None;
    }
    let flow = out.iter().max_by_key(|flow| flow.fragmented)?;
    let from = case.tunnel.ends.get(1 - end)?;
    let to = case.tunnel.ends.get(end)?;
    let v6 = to.is_ipv6();
    let (inner, mss) = overhead::safe(directions.all(), limit, v6);
    Some(
        Finding::new(
            &RULE,
            tap.absence(Confidence::Likely),
            case.id,
            clear::fragments(case)
                .find(|train| end_of(case.tunnel, train.to) == Some(end))
                .map_or(flow.seen.first, |train| train.first),
            "ESP leaves in IP fragments",
        )
        .during(flow.seen.first.1, flow.seen.last.1)
        .title(say!("Large packets between {from} and {to} vanish", from, to))
        .says(say!(
            "{fragmented} ESP packets from {from} to {to} were cut into IP fragments of at most {limit} octets. \
             From {to} nothing larger than {largest} octets came, never a fragment, and {missing} of its \
             packets are missing, while small packets pass both ways.",
            fragmented,
            from,
            to,
            limit,
            largest = largest_back,
            missing
        ))
        .or("Ordinary loss that happens to hit large packets.")
        .advise(say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
            inner,
            mss
        ))
        .advise_all(vendor_advice::of_both(case, Topic::Mtu))
        .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between."),
    )
}

/// The largest IP packet that a single fragment made on the way to an end.
pub(super) fn limit(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<u32> {
    clear::fragments(case)
        .filter(|train| {
            train.vantage == directions.vantage && (train.protocol != 17 || train.complete > 0)
        })
        .filter(|train| end_of(case.tunnel, train.to) == Some(end))
        .map(|train| train.largest)
        .max()
}

/// Fragmented packets go to `end` again and again and nothing comes back all the while, though small
/// ones are answered before, between and after.
///
/// A stream that wants no answer, of packets as large, looks alike. It goes on through what is
/// answered, or is fast; connections that hang, and pings, are slow and give up.
pub(super) fn unanswered(
    case: &Case<'_>,
    tap: &Tap,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// Packets of one size in a row.
    const ROW: u32 = 4;
    /// They last so long, and two of them are so far apart at least.
    const LASTING: Span = Span::from_secs(1);
    const APART: Span = Span::from_millis(100);
    let ([out], [back]) = (directions.flows(end), directions.flows(1 - end)) else {
        return None;
    };
    let limit = limit(case, directions, end)?;
    let headers = outer(out).saturating_sub(out.sizes.largest);
    let is_large = |size: u32| size.saturating_add(headers) > limit;
    let large_sizes = || out.sizes.counts.iter().filter(|(size, _)| is_large(*size));
    let large: u64 = large_sizes().map(|(_, packets)| u64::from(*packets)).sum();
    let small = out.packets.saturating_sub(large);
    // Exactly what is too large left in fragments, and nothing as large comes back.
    let told = out.fragmented == large
        && out.sizes.others == 0
        && back.fragmented == 0
        && outer(back) <= limit;
    // What came back answers the small ones: no more than one each, and hardly less.
    let answers =
        back.packets <= small && back.packets.saturating_mul(5) >= small.saturating_mul(4);
    if !told || !answers || tap.lacks_packets() {
        return None;
    }
    let in_vain = |rhythm: &Rhythm| {
        let span = rhythm.last.1.since(rhythm.first.1);
        let slow = span >= LASTING
            && span.0
                >= APART
                    .0
                    .saturating_mul(i64::from(rhythm.packets.saturating_sub(1)));
        let silence = back.silences.iter().find(|silence| {
            // An answer to what went before may cross the first of them.
            silence.before.1.since(rhythm.first.1) <= APART && silence.after.1 > rhythm.last.1
        })?;
        (slow && rhythm.packets >= ROW).then_some(*silence)
    };
    let mut vain: Vec<(Rhythm, Silence)> = Vec::new();
    for (size, _) in large_sizes() {
        let rhythm = out.rhythms.iter().find(|rhythm| rhythm.size == *size)?;
        vain.push((*rhythm, in_vain(rhythm)?));
    }
    vain.sort_by_key(|(rhythm, _)| rhythm.first);
    let ((first, one), (last, two)) = (vain.first()?, vain.last()?);
    // Twice, with answers to small ones between and after.
    let between = two.before.1 > one.after.1;
    if !between || !tap::went_on(case.model, directions.vantage, last.last.1, Span(1)) {
        return None;
    }
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let (inner, mss) = overhead::safe(directions.all(), limit, to.is_ipv6());
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first.first,
        "ESP leaves in IP fragments, and nothing comes back",
    )
    .title(say!("Large packets from {from} to {to} seem to vanish", from, to))
    .says(say!(
        "{large} ESP packets from {from} to {to} were cut into IP fragments of at most {limit} octets. While they \
         were sent, at {times} different times and again and again, nothing came back, for {one} and for {two}. \
         Before, between and after, {small} smaller packets had {packets} in return.",
        large,
        from,
        to,
        limit,
        times = vain.len(),
        one = one.length,
        two = two.length,
        small,
        packets = count(back.packets, "packet")
    ))
    .or("Something sends large packets that want no answer.")
    .or("Whom the large packets are for does not answer them.")
    .advise(say!(
        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
        inner,
        mss
    ))
    .advise_all(vendor_advice::of_both(case, Topic::Mtu))
    .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.");
    for (rhythm, silence) in &vain {
        finding = finding
            .also(
                rhythm.first,
                say!("the first of {size} octets of ESP", size = rhythm.size),
            )
            .also(
                silence.after,
                say!(
                    "the first packet back, after {silence}",
                    silence = silence.length
                ),
            );
    }
    Some(finding)
}

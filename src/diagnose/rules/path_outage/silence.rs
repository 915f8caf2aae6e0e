//! Silences in which no number is missing: nobody sent, because nothing arrived.

use super::RULE;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::outage::{self, LOST, OUTAGE, lost_in};
use crate::diagnose::facts::{Fate, end_of};
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::count;
use crate::model::{AnomalyKind, EspFlow, Silence};
use crate::say;
use crate::units::{Span, Timestamp};
use std::net::IpAddr;

/// What goes away from `end` has no packet in return for a while, though each had one before and has
/// one afterwards.
pub(super) fn unanswered(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    /// A host that is asked may start anew faster, and a slow service answers sooner.
    const LONG: Span = Span::from_secs(10);
    /// Packets without answer, and packets back before and afterwards.
    const MANY: u64 = 15;
    const SOME: u64 = 8;
    /// Of more silences than these nothing is claimed.
    const FEW: usize = 16;
    if case.tap().lacks_packets() {
        return None;
    }
    let silent = long_silences(directions, end, OUTAGE);
    let (silence, asked, lost, ike) = silent.take(FEW).find_map(|(back, silence)| {
        let (from, to) = (silence.before.1, silence.after.1);
        let amid = |towards: usize| {
            let flows = directions.flows(towards).iter();
            flows.filter(|flow| flow.seen.first.1 < to && flow.seen.last.1 > from)
        };
        // The only two flows that lead into that time or out of it; others may have come before or afterwards, and
        // what begins and ends amid it without an answer only adds to what has none.
        let mut outs =
            amid(1 - end).filter(|flow| flow.seen.first.1 <= from || flow.seen.last.1 >= to);
        let out = outs.next()?;
        let alone = outs.next().is_none() && amid(end).count() == 1;
        let asked = esp::packets_within(out, from, to);
        let before = esp::packets_within(back, back.seen.first.1, from);
        let after = esp::packets_since(back, to);
        // One for one, but for those in the silence and the two steps at its edges.
        let others = out.packets.saturating_sub(asked);
        let apart = others.abs_diff(back.packets);
        let in_turn = apart.saturating_mul(10) <= back.packets;
        // A stream that nobody answers has sizes of its own, and they are there only meanwhile.
        let sizes = &out.sizes;
        let same = sizes.others == 0
            && sizes.counts.iter().all(|(size, _)| {
                let rhythm = out.rhythms.iter().find(|rhythm| rhythm.size == *size);
                // What is not timed came at the very beginning.
                rhythm.is_none_or(|rhythm| rhythm.first.1 < from)
            });
        // Who begins to count anew was started anew (RFC 4303 section 3.3.3): then the path is not to blame. Its
        // first number is no higher than the last before, also where so few had come that they do not show more.
        let mut odd = back.anomalies.iter();
        let restarts = odd.any(|anomaly| {
            anomaly.frame == silence.after.0 && !matches!(anomaly.kind, AnomalyKind::Gap(_))
        });
        let lost = lost_in(back, silence);
        let paused = alone && !restarts && lost < LOST;
        let long = silence.length >= LONG && asked >= MANY && in_turn && same;
        let enough = asked.min(before).min(after) >= SOME;
        if !paused || !enough || outage::is_heard(case, directions, 1 - end, silence) {
            return None;
        }
        let ike = match long {
            true => None,
            false => Some(repeated_amid(case, silence, 1 - end)?),
        };
        Some((silence, asked, lost, ike))
    })?;
    let (peer, other) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let finding = suspicion(case, peer, silence)
        .title(say!(
            "Nothing of {peer} came for {silence}, though {other} went on sending",
            peer,
            silence = silence.length,
            other
        ))
        .advise(say!(
            "Look at the path from {from} to {to} at that time.",
            from = other,
            to = peer
        ));
    if let Some(ike) = ike {
        return Some(with_ike(finding, [peer, other], (silence, asked), ike));
    }
    Some(
        finding.says(match lost {
            0 => say!(
                "Before and afterwards each packet from {other} to {peer} has one in return. For {silence} {asked} \
                 and more, of the same sizes, had none, and nothing else of {peer} came. Then both went on with the \
                 same SAs, and of {peer} no number is missing: what {other} sent did not arrive, or was not \
                 answered.",
                other,
                peer,
                silence = silence.length,
                asked
            ),
            _ => say!(
                "Before and afterwards each packet from {other} to {peer} has one in return. For {silence} {asked} \
                 and more, of the same sizes, had none, and nothing else of {peer} came. Then both went on with the \
                 same SAs, and {packets} of {peer} did not come: most of what {other} sent did not arrive, or was \
                 not answered.",
                other,
                peer,
                silence = silence.length,
                asked,
                packets = count(u64::from(lost), "packet")
            ),
        })
        .or(say!(
            "All of it was for one host behind {peer}, which was down.",
            peer
        ))
        .advise(say!(
            "Look whether the hosts behind {peer} were up then.",
            peer
        )),
    )
}

/// A request of IKE to an end that was sent again and again in a silence, and answered after it. The gateway itself
/// answers it, whatever its hosts do.
fn repeated_amid(case: &Case<'_>, silence: &Silence, peer: usize) -> Option<Cite> {
    /// A single copy may be lost by chance.
    const COPIES: usize = 3;
    let amid = |time: &&Timestamp| silence.before.1 < **time && **time < silence.after.1;
    let repeated = case.unsettled().iter().find(|asked| {
        asked.fate == Fate::Answered
            && end_of(case.tunnel, asked.to().address) == Some(peer)
            && asked.times.iter().filter(amid).count() >= COPIES
    });
    repeated.map(|asked| asked.first)
}

/// What is told of a silence in which IKE was asked in vain as well.
fn with_ike(
    finding: Finding,
    [peer, other]: [&IpAddr; 2],
    (silence, asked): (&Silence, u64),
    ike: Cite,
) -> Finding {
    let mut finding = finding
        .also(ike, "a request of IKE, sent again meanwhile")
        .says(say!(
            "For {silence} {asked} packets and more from {other} to {peer} had no answer, nor had a request of IKE that was \
             sent again and again, and nothing else of {peer} came. Then both went on with the same SAs, and IKE was \
             answered: what {other} sent did not arrive, or what {peer} sent.",
            silence = silence.length,
            asked,
            other,
            peer
        ))
        .or(say!("{peer} itself stood still meanwhile.", peer));
    finding.confidence = Confidence::Likely;
    finding
}

/// Nothing comes to `end` for a while, and then as many packets at once as were asked for meanwhile: who answers,
/// or a link on the way, stood still and lost nothing.
pub(super) fn held_up(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> Option<Finding> {
    /// A service that is slow for a moment answers sooner.
    const LONG: Span = Span::from_secs(10);
    /// Packets that were asked for meanwhile, and that came before.
    const MANY: u64 = 8;
    /// Of more silences than these nothing is claimed.
    const FEW: usize = 16;
    /// What was held back comes within so long.
    const AT_ONCE: Span = Span::from_secs(1);
    // What was opened tells more than times.
    if case.tap().lacks_packets() || case.inside().is_some() {
        return None;
    }
    let silent = long_silences(directions, end, OUTAGE);
    let (silence, asked, burst) = silent.take(FEW).find_map(|(back, silence)| {
        let (from, to) = (silence.before.1, silence.after.1);
        let only = |towards: usize| {
            let mut amid = directions.alive(towards, from, to);
            let one = amid.next()?;
            amid.next().is_none().then_some(one)
        };
        let (out, _) = (only(1 - end)?, only(end)?);
        // Steps of the timeline that are as long as the silence do not tell what came at once.
        let step = Span::from_secs(i64::from(back.timeline.step_secs.max(1)));
        let fine = step.0.saturating_mul(2) <= silence.length.0;
        let asked = esp::packets_within(out, from, to);
        let before = esp::packets_within(back, back.seen.first.1, from);
        let burst = esp::packets_about(back, to, to.later(AT_ONCE));
        let pace = before as f64 / from.since(back.seen.first.1).as_secs_f64().max(1.0);
        let usual = pace * (AT_ONCE.as_secs_f64() + step.as_secs_f64());
        // One for one all the time, late or not.
        let in_turn = out.packets.abs_diff(back.packets).saturating_mul(10) <= back.packets;
        let at_once = (burst as f64 - usual) * 5.0 >= asked as f64 * 4.0;
        let complete = back.sequence.missing == 0 && back.sequence.restarts == 0;
        let asked_before = esp::packets_within(out, out.seen.first.1, from);
        let answered = asked_before.abs_diff(before).saturating_mul(5) <= before;
        // Who sends in bursts falls silent again and again.
        let mut others = back.silences.iter();
        let alone = !others.any(|other| {
            other.before.0 != silence.before.0 && other.length.0 >= silence.length.0 / 2
        });
        let enough = asked >= MANY && before >= MANY;
        (fine && enough && in_turn && answered && at_once && complete && alone)
            .then_some((silence, asked, burst))
            .filter(|_| !outage::is_heard(case, directions, 1 - end, silence))
    })?;
    let (peer, other) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    Some(
        suspicion(case, peer, silence)
        // A shorter one is nothing that anybody misses for long.
        .severity(match silence.length >= LONG {
            true => Severity::Warning,
            false => Severity::Info,
        })
        .title(say!(
            "Nothing of {peer} came for {silence}, and then all at once",
            peer,
            silence = silence.length
        ))
        .says(say!(
            "For {silence} {asked} packets and more from {other} to {peer} had no answer, and nothing else of {peer} \
             came. Then about {burst} packets of it came in a second or two, and no number is missing, as if all was \
             answered late.",
            silence = silence.length,
            asked,
            other,
            peer,
            burst
        ))
        .or(say!("The host behind {peer} that is asked stood still.", peer))
        .or("A link on the way held the packets back and lost none, as a radio link does.")
        .advise(say!(
            "Look what {peer} did at that time: load, a failover, a pause of its virtual machine.",
            peer
        ))
        .advise(say!(
            "Look at the path from {from} to {to} at that time.",
            from = other,
            to = peer
        )),
    )
}

/// The silence of a peer of which no number is missing, and which no packet proves to be an outage.
fn suspicion(case: &Case<'_>, peer: &IpAddr, silence: &Silence) -> Finding {
    Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        silence.after,
        say!(
            "first packet of {peer} after {silence}",
            peer,
            silence = silence.length
        ),
    )
    .severity(Severity::Warning)
    .also(silence.before, "last packet before the silence")
}

/// The silences towards an end that last so long, each with its flow.
fn long_silences<'m>(
    directions: &Directions<'m>,
    end: usize,
    least: Span,
) -> impl Iterator<Item = (&'m EspFlow, &'m Silence)> {
    directions.flows(end).iter().flat_map(move |flow| {
        let silences = flow.silences.iter();
        let long = silences.filter(move |silence| silence.length >= least);
        long.map(|silence| (*flow, silence))
    })
}

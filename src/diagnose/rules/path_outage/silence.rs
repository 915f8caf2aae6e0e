//! Silences in which no number is missing: nobody sent, because nothing arrived.

use super::RULE;
use crate::diagnose::facts::esp::{self, Directions};
use crate::diagnose::facts::outage::{self, OUTAGE, Unanswered};
use crate::diagnose::{Case, Cite, Confidence, Finding, Severity};
use crate::language::count;
use crate::model::Silence;
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// What shows that a packet in return was due.
enum Sign {
    /// Each had one before and afterwards.
    InTurn,
    /// A request of IKE was sent again and again.
    Ike(Cite),
    /// Echo requests, and hosts that were asked.
    Opened((u64, usize)),
}

/// What goes away from `end` has no packet in return for a while, though each had one before and has
/// one afterwards.
pub(super) fn unanswered(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
) -> Option<Finding> {
    let mut silences = outage::unanswered(case, directions, end);
    let (one, heard, sign) = silences.find_map(|one| {
        let heard = outage::is_heard(case, directions, 1 - end, one.silence);
        let ike = || outage::repeated_amid(case, one.silence, 1 - end).filter(|_| one.busy);
        let read = || outage::unanswered_inside(case, directions.vantage, 1 - end, one.silence);
        // Where something else of it comes, the gateway itself must be asked in vain.
        let sign = match (one.in_turn && !heard, ike()) {
            (true, _) => Sign::InTurn,
            (false, Some(ike)) => Sign::Ike(ike),
            (false, None) if heard => return None,
            (false, None) => Sign::Opened(read()?),
        };
        Some((one, heard, sign))
    })?;
    let (silence, asked, lost) = (one.silence, one.asked, one.lost);
    let (peer, other) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let finding = suspicion(case, peer, silence)
        .title(match heard {
            false => say!(
                "Nothing of {peer} came for {silence}, though {other} went on sending",
                peer,
                silence = silence.length,
                other
            ),
            true => say!(
                "What {other} sent to {peer} had no answer for {silence}",
                other,
                peer,
                silence = silence.length
            ),
        })
        .advise(say!(
            "Look at the path from {from} to {to} at that time.",
            from = other,
            to = peer
        ));
    let several = matches!(sign, Sign::Opened((_, 2..)));
    let says = match sign {
        Sign::Ike(ike) => return Some(with_ike(finding, [peer, other], &one, (ike, heard))),
        Sign::Opened(read) => outage::opened(peer, silence, read).then(say!(
            "Nothing else of {peer} came meanwhile. Then both went on with the same SAs.",
            peer
        )),
        Sign::InTurn if lost == 0 => say!(
            "Before and afterwards each packet from {other} to {peer} has one in return. For {silence} {asked} and \
             more, of the same sizes, had none, and nothing else of {peer} came. Then both went on with the same SAs, \
             and of {peer} no number is missing: what {other} sent did not arrive, or was not answered.",
            other,
            peer,
            silence = silence.length,
            asked
        ),
        Sign::InTurn => say!(
            "Before and afterwards each packet from {other} to {peer} has one in return. For {silence} {asked} and \
             more, of the same sizes, had none, and nothing else of {peer} came. Then both went on with the same SAs, \
             and {packets} of {peer} did not come: most of what {other} sent did not arrive, or was not answered.",
            other,
            peer,
            silence = silence.length,
            asked,
            packets = count(u64::from(lost), "packet")
        ),
    };
    let mut finding = finding.says(says).advise(say!(
        "Look whether the hosts behind {peer} were up then.",
        peer
    ));
    if several {
        finding.confidence = Confidence::Likely;
        return Some(finding);
    }
    Some(finding.or(say!(
        "All of it was for one host behind {peer}, which was down.",
        peer
    )))
}

/// What is told of a silence in which IKE was asked in vain as well, and whether anything else of the peer came.
fn with_ike(
    finding: Finding,
    [peer, other]: [&IpAddr; 2],
    one: &Unanswered<'_>,
    (ike, heard): (Cite, bool),
) -> Finding {
    let (silence, asked) = (one.silence.length, one.asked);
    let mut finding = finding
        .also(ike, "a request of IKE, sent again meanwhile")
        .says(match heard {
            false => say!(
                "For {silence} {asked} packets and more from {other} to {peer} had no answer, nor had a request of IKE \
                 that was sent again and again, and nothing else of {peer} came. Then both went on with the same SAs, and \
                 IKE was answered: what {other} sent did not arrive, or what {peer} sent.",
                silence,
                asked,
                other,
                peer
            ),
            true => say!(
                "For {silence} {asked} packets and more from {other} to {peer} had no answer, nor had a request of IKE \
                 that was sent again and again, though {peer} itself was heard. Then both went on with the same SAs, and \
                 IKE was answered: what {other} sent did not arrive, or {peer} took none of it.",
                silence,
                asked,
                other,
                peer
            ),
        })
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
    let silent = outage::long_silences(directions, end, OUTAGE);
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

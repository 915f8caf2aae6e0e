//! Silences in which packets were lost: an outage of one direction that its SA outlives, or that ends with the SA that
//! takes its place.

use super::esp::{self, Directions};
use super::{Fate, began, clear, end_of, tap};
use crate::diagnose::{Case, Cite};
use crate::language::{Text, count};
use crate::model::{AnomalyKind, EspFlow, Link, Silence};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Shorter silences are jitter or applications pausing.
pub const OUTAGE: Span = Span::from_secs(3);

/// So many packets of the flow were lost meanwhile.
pub const LOST: u32 = 5;

/// A host that is asked may start anew faster, and a slow service answers sooner.
const LONG: Span = Span::from_secs(10);

/// A path that fails, or comes back, does so for all within this time.
pub const EDGE: Span = Span::from_secs(1);

/// A silence towards `end` between the last packet of one SA and the first of the SA that took its place, of which packets
/// had been sent and lost by then: its counter began with 1 (RFC 4303 section 3.3.3).
pub fn amid_rekeying<'m>(
    case: &Case<'_>,
    directions: &Directions<'m>,
    end: usize,
) -> Option<Amid<'m>> {
    /// Nobody sends so much more than before because nothing arrives: a counter that skips so many began elsewhere.
    const FASTER: f64 = 4.0;
    /// Of more such silences than these the recording itself is in question.
    const FEW: usize = 16;
    let mut flows: Vec<&EspFlow> = directions.flows(end).to_vec();
    flows.sort_by_key(|flow| flow.seen.first);
    let mut old: Option<&EspFlow> = None;
    let skipped = flows.into_iter().filter_map(|flow| {
        let before = old.filter(|old| flow.seen.first.1.since(old.seen.last.1) >= OUTAGE);
        old = old
            .into_iter()
            .chain([flow])
            .max_by_key(|flow| flow.seen.last);
        let before = before?;
        let silence = Silence {
            before: before.seen.last,
            after: flow.seen.first,
            length: flow.seen.first.1.since(before.seen.last.1),
        };
        let late = u32::try_from(flow.sequence.late).unwrap_or(u32::MAX);
        let lost = flow.sequence.first.saturating_sub(1).saturating_sub(late);
        let busy = before.seen.last.1.since(before.seen.first.1);
        let pace = before.packets as f64 / busy.as_secs_f64().max(1.0);
        let plausible = f64::from(lost) <= FASTER * pace * silence.length.as_secs_f64();
        let is_lost = lost >= LOST && plausible && is_new(case, flow, &silence);
        is_lost.then_some(Amid {
            before,
            flow,
            silence,
            lost,
        })
    });
    let mut skipped = skipped.take(FEW);
    skipped.find(|amid| goes_on(case, directions, end, &amid.silence))
}

/// Whether an SA was made in the recording, shortly before a silence or in it: that was read, or its other direction
/// began with number 1.
fn is_new(case: &Case<'_>, flow: &EspFlow, silence: &Silence) -> bool {
    /// The other direction is used soon after both were made.
    const SOON: Span = Span::from_secs(10);
    let since = silence.before.1.later(Span(-SOON.0));
    let Some(child) = flow.child_sa.child_sa() else {
        return false;
    };
    let row = &case.model.child_sas[child];
    let request = row
        .made_by
        .and_then(|id| case.model.exchanges[id].request());
    let asked = request.and_then(|request| began(case.model, request));
    if asked.is_none_or(|asked| asked.1 < since || asked.1 > silence.after.1) {
        return false;
    }
    let others = row.flows.into_iter().flatten();
    let mut others = others.map(|id| &case.model.flows[id]);
    matches!(flow.child_sa, Link::Proven(_))
        || others.any(|other| {
            other.key != flow.key
                && other.key.vantage == flow.key.vantage
                && other.sequence.first == 1
                && other.seen.first.1 >= since
        })
}

/// A silence in which packets were lost.
pub struct Amid<'m> {
    /// The flow that came before it.
    pub before: &'m EspFlow,
    /// The one that came after it, which is of a new SA if it is another.
    pub flow: &'m EspFlow,
    /// The silence.
    pub silence: Silence,
    /// How many of that are missing.
    pub lost: u32,
}

/// Whether the recording went on in a silence towards `end`: something of the other direction is there,
/// and not just where the recording itself stopped, or began again.
pub fn goes_on(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
    silence: &Silence,
) -> bool {
    let (from, to) = amid(silence);
    let within = |time| time > from && time < to;
    let esp = directions.flows(1 - end).iter().any(|flow| {
        within(flow.seen.first.1)
            || within(flow.seen.last.1)
            || esp::packets_within(flow, from, to) > 0
    });
    esp || is_heard(case, directions, end, silence)
}

/// A silence without its edges: what was on its way then, or comes back a moment sooner than other packets, says
/// nothing against an outage.
pub fn amid(silence: &Silence) -> (Timestamp, Timestamp) {
    let (from, to) = (silence.before.1, silence.after.1);
    (from.later(EDGE), to.later(Span(-EDGE.0)))
}

/// Whether anything else than ESP of an end comes amid a silence.
pub fn is_heard(
    case: &Case<'_>,
    directions: &Directions<'_>,
    end: usize,
    silence: &Silence,
) -> bool {
    let (from, to) = amid(silence);
    tap::speaks_aside(case, directions.vantage, end, (from, to))
        || case.ike_times().within(directions.vantage, end, from, to)
}

/// How many numbers were skipped when the flow resumed.
pub fn lost_in(flow: &EspFlow, silence: &Silence) -> u32 {
    let mut anomalies = flow.anomalies.iter();
    let lost = anomalies.find_map(|anomaly| match anomaly.kind {
        AnomalyKind::Gap(lost) if anomaly.frame == silence.after.0 => Some(lost),
        _ => None,
    });
    lost.unwrap_or(0)
}

/// Whether each packet of a flow towards `end` had one in return, none of which is missing: the receiver did not get
/// what is missing of a silence, or it would have answered. A recording that paused lacks both.
pub fn is_in_turn(
    directions: &Directions<'_>,
    end: usize,
    flow: &EspFlow,
    silence: &Silence,
    lost: u32,
) -> bool {
    let same = |other: &Silence| {
        let begins = other.before.1.since(silence.before.1);
        let ends = other.after.1.since(silence.after.1);
        [begins, ends].iter().all(|apart| apart.0.abs() <= EDGE.0)
    };
    directions.flows(1 - end).iter().any(|back| {
        let apart = back.packets.abs_diff(flow.packets);
        back.sequence.missing == 0
            && apart.saturating_mul(20) <= u64::from(lost)
            && back.silences.iter().any(same)
    })
}

/// A silence towards an end in which packets went away from there, and after which no SA begins anew.
pub struct Unanswered<'m> {
    /// The silence.
    pub silence: &'m Silence,
    /// How many packets went away meanwhile, at least.
    pub asked: u64,
    /// How many numbers are missing after it; less than [`LOST`].
    pub lost: u32,
    /// Whether more than a few packets came before and afterwards.
    pub busy: bool,
    /// Whether each packet had one in return before and has one afterwards, and those of the silence, of the same sizes,
    /// are so many for so long that an answer was due.
    pub in_turn: bool,
}

/// The silences towards an end that show no outage by what is missing after them.
pub fn unanswered<'m>(
    case: &Case<'_>,
    directions: &Directions<'m>,
    end: usize,
) -> impl Iterator<Item = Unanswered<'m>> {
    /// Packets without answer, and packets back before and afterwards.
    const MANY: u64 = 15;
    const SOME: u64 = 8;
    /// Of more silences than these nothing is claimed.
    const FEW: usize = 16;
    let silent = long_silences(directions, end, OUTAGE).take(FEW);
    let silent = silent.filter(|_| !case.tap().lacks_packets());
    silent.filter_map(move |(back, silence)| {
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
        // One for one, but for those in the silence; of the two steps at its edges it is not known how many those are.
        let others = |asked: u64| out.packets.saturating_sub(asked);
        let (least, most) = (others(esp::packets_about(out, from, to)), others(asked));
        let apart = back
            .packets
            .abs_diff(back.packets.clamp(least, most.max(least)));
        // Those who talk one after the other have no answers.
        let in_turn =
            apart.saturating_mul(10) <= back.packets && esp::talk_together(&[out], &[back]);
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
        let busy = before.min(after) >= SOME;
        (paused && asked >= SOME).then_some(Unanswered {
            silence,
            asked,
            lost,
            busy,
            in_turn: busy && silence.length >= LONG && asked >= MANY && in_turn && same,
        })
    })
}

/// Echo requests inside to an end that had no reply in a silence of it, though such have one since: how many, and to how
/// many hosts; `None` if the silence is so short that the only host that is asked may have started anew, or
/// if they are few.
pub fn unanswered_inside(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    silence: &Silence,
) -> Option<(u64, usize)> {
    /// So many without a reply are no chance.
    const SOME: u64 = 8;
    let (from, to) = (silence.before.1.later(Span(-EDGE.0)), silence.after.1);
    let asked = case.inside()?.asked_once();
    let asked = asked.filter(|asking| asking.talk.vantage == vantage && asking.end == end);
    let (mut requests, mut hosts) = (0, BTreeSet::new());
    for asking in asked {
        let sizes = asking.out.echo.iter().flat_map(|echo| &echo.sizes);
        for hole in sizes.filter_map(|size| size.hole) {
            let seen = hole.run.seen;
            let amid = seen.first.1 >= from && seen.last.1 <= to;
            if amid && hole.after.is_some() {
                requests += hole.run.requests;
                hosts.insert(asking.to.address);
            }
        }
    }
    let due = silence.length >= LONG || hosts.len() > 1;
    (due && requests >= SOME).then_some((requests, hosts.len()))
}

/// What is said of echo requests that had no reply in a silence of a peer.
pub fn opened(peer: &IpAddr, silence: &Silence, (requests, hosts): (u64, usize)) -> Text {
    say!(
        "Opened, {requests} to {hosts} behind {peer} had no reply for {silence}, and such have one since.",
        requests = count(requests, "echo request"),
        hosts = count(hosts as u64, "host"),
        peer,
        silence = silence.length
    )
}

/// A request of IKE to an end that was sent again and again in a silence, and answered after it. The gateway itself
/// answers it, whatever its hosts do.
pub fn repeated_amid(case: &Case<'_>, silence: &Silence, peer: usize) -> Option<Cite> {
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

/// The silences towards an end that last so long, each with its flow.
pub fn long_silences<'m>(
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

/// How many packets of a sender came in part in a silence: IP fragments whose other pieces never came.
pub fn torn_in(case: &Case<'_>, vantage: Vantage, from: IpAddr, silence: &Silence) -> usize {
    let trains = clear::fragments(case);
    let own = trains.filter(|train| train.vantage == vantage && train.from == from);
    own.flat_map(|train| &train.incomplete_frames)
        .filter(|frame| silence.before.0 < **frame && **frame < silence.after.0)
        .count()
}

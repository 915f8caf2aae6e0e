//! Silences in which packets were lost: an outage of one direction that its SA outlives, or that ends with the SA that
//! takes its place.

use super::esp::{self, Directions};
use super::{began, clear, tap};
use crate::diagnose::Case;
use crate::model::{AnomalyKind, EspFlow, Link, Silence};
use crate::units::{Span, Timestamp, Vantage};
use std::net::IpAddr;

/// Shorter silences are jitter or applications pausing.
pub const OUTAGE: Span = Span::from_secs(3);

/// So many packets of the flow were lost meanwhile.
pub const LOST: u32 = 5;

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

/// How many packets of a sender came in part in a silence: IP fragments whose other pieces never came.
pub fn torn_in(case: &Case<'_>, vantage: Vantage, from: IpAddr, silence: &Silence) -> usize {
    let trains = clear::fragments(case);
    let own = trains.filter(|train| train.vantage == vantage && train.from == from);
    own.flat_map(|train| &train.incomplete_frames)
        .filter(|frame| silence.before.0 < **frame && **frame < silence.after.0)
        .count()
}

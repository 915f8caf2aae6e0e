//! Large packets of an SA that pass one tap and not the other.

use super::fragmented::limit;
use super::inside::{SMALLEST, by_inner_size};
use super::{PATTERN, RULE, what_changed};
use crate::diagnose::facts::esp::{self, LostSizes};
use crate::diagnose::facts::overhead::{self, outer};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::Text;
use crate::model::EspFlow;
use crate::say;
use crate::units::EspSpi;
use std::collections::HashMap;

/// Large packets of an SA pass one tap and not the other, its small ones pass both.
pub(super) fn between_taps(case: &Case<'_>) -> Option<Finding> {
    // Nearly all tunnels were recorded at one place.
    let mut inputs = case.flows().map(|flow| flow.key.vantage.input);
    let one = inputs.next()?;
    inputs.find(|input| *input != one)?;
    let flows: Vec<&EspFlow> = case.flows().collect();
    let mut far: HashMap<EspSpi, Vec<&EspFlow>> = HashMap::new();
    for flow in &flows {
        far.entry(flow.key.spi).or_default().push(flow);
    }
    flows.iter().find_map(|near| {
        far.get(&near.key.spi)?.iter().find_map(|far| {
            let apart = far.key.vantage.input != near.key.vantage.input;
            let split = Split::of(near, far).filter(|_| apart)?;
            let (largest, least_lost) = (split.passes, split.lost);
            let end = esp::destination(case.tunnel, near)?;
            let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
            let mut rhythms = near.rhythms.iter().filter(|rhythm| rhythm.size > largest);
            let rhythm = match split.since {
                None => rhythms.next(),
                Some(_) => rhythms.max_by_key(|rhythm| rhythm.last.1),
            };
            let shown = match rhythm {
                Some(large) => (
                    split.since.map_or(large.first, |_| large.last),
                    say!("{size} octets of ESP pass here", size = large.size),
                ),
                None => (near.seen.first, "this SA passes here, large packets and small".into()),
            };
            let missed = match split.since {
                None => (far.seen.first, Text::from("and only small ones here")),
                Some((_, gap)) => (gap, "and since here, the first gap, only small ones".into()),
            };
            let header = outer(far).saturating_sub(far.sizes.largest);
            // What is in one piece passes where only fragments are lost.
            let here = case.directions_at(near.key.vantage);
            let cut = here.and_then(|here| limit(case, here, end));
            let cut = cut.filter(|cut| (largest + header..least_lost + header).contains(cut));
            let mtu = cut.unwrap_or(largest + header);
            let (inner, mss) = overhead::safe(flows.iter().copied(), mtu, to.is_ipv6());
            // What was read is surer than what sizes outside tell.
            let read = by_inner_size(case);
            let finding = Finding::new(
                    &RULE,
                    Confidence::Likely,
                    case.id,
                    shown.0,
                    shown.1,
                )
                .also(missed.0, missed.1)
                .during(near.seen.first.1, near.seen.last.1)
                .title(say!("Large packets from {from} to {to} vanish", from, to))
                .says(
                    say!(
                        "Of SA {spi} {large} packets above {limit} octets passed one tap and none of them the other, \
                         where {small} smaller ones arrived.",
                        spi = near.key.spi,
                        large = split.large,
                        limit = largest + header,
                        small = split.small
                    )
                    .then(split.since.map(|(before, _)| {
                        say!("Before them, packets of up to {before} octets had arrived.", before = before + header)
                    })),
                )
                .advise_all(split.since.map(|_| what_changed()))
                .advise(match (cut, inner >= SMALLEST) {
                    (Some(_), _) => say!(
                        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}, so that no fragments arise.",
                        inner,
                        mss
                    ),
                    (None, true) => say!(
                        "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}: packets of that size pass.",
                        inner,
                        mss
                    ),
                    (None, false) => say!(
                        "Lower the inner MTU or the TCP MSS step by step: outside, packets of {passes} octets pass, \
                         and of {lost} none does.",
                        passes = largest + header,
                        lost = least_lost + header
                    ),
                })
                .advise_all(vendor_advice::of_both(case, Topic::Mtu))
                .advise(match cut {
                    Some(_) => "Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.",
                    None => "Let ICMP 3/4 (ICMPv6 2) pass on the filters in between.",
                });
            Some(match read {
                Some(read) if read.title == finding.title => {
                    let says = finding.says.then(read.says);
                    Finding { says, advice: read.advice, ..finding }
                }
                _ => finding,
            })
        })
    })
}

/// What one tap has of an SA and the other lacks, by size.
struct Split {
    /// The largest size that passes.
    passes: u32,
    /// The smallest that is lost.
    lost: u32,
    /// How many larger ones were lost.
    large: u64,
    /// How many of the others arrived.
    small: u64,
    /// If larger ones arrived before: the largest size, and the first packet since.
    since: Option<(u32, Cite)>,
}

impl Split {
    fn of(near: &EspFlow, far: &EspFlow) -> Option<Self> {
        // Of those that are missing some come before one that arrived: else all was lost from
        // one moment on, whatever its size.
        if far.sequence.missing < PATTERN {
            return None;
        }
        Self::throughout(near, far).or_else(|| Self::since(near, far))
    }

    /// Nothing larger than some size ever arrived.
    fn throughout(near: &EspFlow, far: &EspFlow) -> Option<Self> {
        let passes = far.sizes.largest;
        let (small, large) =
            near.sizes
                .counts
                .iter()
                .fold((0u64, 0u64), |(small, large), (size, packets)| {
                    match *size <= passes {
                        true => (small + u64::from(*packets), large),
                        false => (small, large + u64::from(*packets)),
                    }
                });
        let sizes = near.sizes.counts.iter().map(|(size, _)| *size);
        let lost = sizes.filter(|size| *size > passes).min()?;
        // As many small packets at both: the same span was recorded, and nothing else was lost.
        let arrive = small >= PATTERN && far.packets * 10 >= small * 9;
        (arrive && large >= PATTERN && !by_chance(large, small, far.packets)).then_some(Self {
            passes,
            lost,
            large,
            small: far.packets,
            since: None,
        })
    }

    /// Nothing as large as the smallest that was lost arrived since the first of them, and all smaller ones did.
    fn since(near: &EspFlow, far: &EspFlow) -> Option<Self> {
        let sizes = LostSizes::of(&[near], &[far])?;
        let (gap, _) = esp::gaps(far).next()?;
        let (before, passes) = esp::largest_around(&[far], gap.1);
        let enough = sizes.small >= PATTERN && sizes.lost >= PATTERN;
        let by_size = sizes.least > passes && !by_chance(sizes.lost, sizes.small, sizes.small);
        (enough && by_size).then_some(Self {
            passes,
            lost: sizes.least,
            large: sizes.lost,
            small: sizes.small,
            since: Some((before, gap)),
        })
    }
}

/// Whether chance may have hit every large packet, if it hits large ones as often as small ones.
pub(super) fn by_chance(large: u64, small: u64, arrived: u64) -> bool {
    /// Once in so many captures, as a power of ten.
    const SELDOM: f64 = 4.0;
    let lost = small.saturating_sub(arrived).saturating_add(1) as f64;
    let share = lost / small.saturating_add(1) as f64;
    -share.log10() * (large as f64) < SELDOM
}

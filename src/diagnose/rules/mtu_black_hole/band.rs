//! Packets of some sizes vanish, smaller ones pass, and so do larger ones: those are cut up before they are sealed.

use super::between_taps::by_chance;
use super::sizes::{Lost, goings};
use super::{PATTERN, RULE};
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::facts::overhead::{self, outer_of};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{esp, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::count;
use crate::limits;
use crate::model::EspFlow;
use crate::say;
use crate::units::{EspSpi, Vantage};
use std::collections::{BTreeMap, HashMap};

/// The sizes of what was lost, and what passed around them.
#[derive(Default)]
struct Band {
    /// The smallest and the largest size that never passed.
    lost: Option<(u32, u32)>,
    /// How many packets of those sizes were sent.
    sent: u64,
    /// The first of them and the last.
    first: Option<Cite>,
    last: Option<Cite>,
    /// Sizes that passed.
    passed: Vec<Passed>,
}

/// A size of which packets passed.
struct Passed {
    size: u32,
    sent: u64,
    passed: u64,
    first: Cite,
    last: Cite,
}

impl Band {
    fn lose(&mut self, size: u32, sent: u64, first: Cite, last: Cite) {
        let (least, most) = self.lost.unwrap_or((size, size));
        self.lost = Some((least.min(size), most.max(size)));
        self.sent += sent;
        self.first = Some(self.first.map_or(first, |one| one.min(first)));
        self.last = Some(self.last.map_or(last, |one| one.max(last)));
    }

    /// The sizes that are lost, and the largest below them that passes: if nothing of that band passed, packets on
    /// either side of it did, larger ones between the first lost and the last, and chance did not choose so.
    fn shape(&self) -> Option<Shape> {
        let (lost, first, last) = (self.lost?, self.first?, self.last?);
        let below = || self.passed.iter().filter(|row| row.size < lost.0);
        let above = || self.passed.iter().filter(|row| row.size > lost.1);
        let within = |row: &Passed| (lost.0..=lost.1).contains(&row.size);
        let small: u64 = below().map(|row| row.passed).sum();
        let large: u64 = above().map(|row| row.passed).sum();
        let sent = self.passed.iter().map(|row| row.sent).sum();
        // Else all may have been lost for a while, whatever its size.
        let between = |at: Cite| first.1 < at.1 && at.1 < last.1;
        let mut whole = above().filter(|row| row.passed == row.sent);
        let amid = whole.any(|row| between(row.first) || between(row.last));
        let enough = self.sent >= 2 * PATTERN && small >= PATTERN && large >= PATTERN;
        let passes = below().map(|row| row.size).max()?;
        let again = above().map(|row| row.size).min()?;
        let told = enough && amid && !self.passed.iter().any(within);
        (told && !by_chance(self.sent, sent, small + large)).then_some(Shape {
            lost,
            passes,
            again,
            sent: self.sent,
            first,
            last,
        })
    }
}

/// A band of sizes that are lost.
struct Shape {
    lost: (u32, u32),
    passes: u32,
    again: u32,
    sent: u64,
    first: Cite,
    last: Cite,
}

/// Of an SA packets of some sizes pass one tap and not the other, smaller and larger ones pass both.
pub(super) fn band_between_taps(case: &Case<'_>) -> Option<Finding> {
    let mut inputs = case.flows().map(|flow| flow.key.vantage.input);
    let one = inputs.next()?;
    inputs.find(|input| *input != one)?;
    let mut far: HashMap<EspSpi, Vec<&EspFlow>> = HashMap::new();
    for flow in case.flows() {
        let same = far.entry(flow.key.spi).or_default();
        if same.len() < limits::TAPS {
            same.push(flow);
        }
    }
    case.flows().find_map(|near| {
        far.get(&near.key.spi)?.iter().find_map(|far| {
            let apart = far.key.vantage.input != near.key.vantage.input;
            let known = near.sizes.others == 0 && far.sizes.others == 0;
            if !apart || !known || far.sequence.missing < PATTERN {
                return None;
            }
            let shape = compared(near, far).shape()?;
            let end = esp::destination(case.tunnel, near)?;
            let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
            let (inner, _) =
                overhead::safe(case.flows(), outer_of(near, shape.passes), to.is_ipv6());
            let finding = Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                shape.first,
                say!(
                    "{size} octets of ESP pass here and not there",
                    size = shape.lost.0
                ),
            )
            .also(shape.last, "the last time")
            .during(shape.first.1, shape.last.1)
            .title(say!("Packets of some sizes from {from} to {to} vanish", from, to))
            .says(say!(
                "Of SA {spi} {packets} of {least} to {most} octets passed one tap and none of them the other. Packets of \
                 up to {passes} octets arrived there, and so did those of {again} and more.",
                spi = near.key.spi,
                packets = count(shape.sent, "packet"),
                least = outer_of(near, shape.lost.0),
                most = outer_of(near, shape.lost.1),
                passes = outer_of(near, shape.passes),
                again = outer_of(near, shape.again)
            ));
            Some(advised(case, finding, inner))
        })
    })
}

/// What one tap has of an SA, by size, and what of that the other has. All times are those of the first.
fn compared(near: &EspFlow, far: &EspFlow) -> Band {
    let arrived: BTreeMap<u32, u32> = far.sizes.counts.iter().copied().collect();
    let mut band = Band::default();
    for (size, sent) in &near.sizes.counts {
        let sent = u64::from(*sent);
        let timed = near.rhythms.iter().find(|rhythm| rhythm.size == *size);
        let passed = arrived.get(size).map(|count| u64::from(*count).min(sent));
        // Of a size that was not timed it is not known when it came: it widens no span, and lies in none.
        let unknown = (near.seen.last, near.seen.first);
        let (first, last) = timed.map_or(unknown, |at| (at.first, at.last));
        match passed {
            None => band.lose(*size, sent, first, last),
            Some(passed) => band.passed.push(Passed {
                size: *size,
                sent,
                passed,
                first,
                last,
            }),
        }
    }
    band
}

/// Inside the tunnel packets of some sizes are never acknowledged or answered, smaller and larger ones are.
pub(super) fn band_inside(
    case: &Case<'_>,
    inside: &Inside<'_>,
    lost: &[Lost],
    (vantage, end): (Vantage, usize),
) -> Option<Finding> {
    let mut band = Band::default();
    for one in lost {
        band.lose(one.length, one.sent, one.seen.first, one.seen.last);
    }
    let ways = goings(inside).filter(|going| going.talk.vantage == vantage && going.end == end);
    for going in ways {
        for size in going.echoes().filter(|size| size.answered > 0) {
            band.passed.push(Passed {
                size: size.length,
                sent: size.requests,
                passed: size.answered,
                first: size.first,
                last: size.last,
            });
        }
    }
    let shape = band.shape()?;
    let when = (shape.first.1, shape.last.1);
    if !inside.would_see(vantage, end, u64::MAX, when)
        || !tap::went_on(case.model, vantage, shape.first.1, tap::Tap::PATIENCE)
    {
        return None;
    }
    let (from, to) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        shape.first,
        say!("{size} octets inside, never acknowledged", size = shape.lost.0),
    )
    .also(shape.last, "the last time")
    .during(when.0, when.1)
    .title(say!("Packets of some sizes from {from} to {to} vanish", from, to))
    .says(say!(
        "Inside the tunnel {packets} of {least} to {most} octets from the side of {from} were never acknowledged or \
         answered. Echo requests of up to {passes} octets were, and so were those of {again} and more.",
        packets = count(shape.sent, "packet"),
        least = shape.lost.0,
        most = shape.lost.1,
        from,
        passes = shape.passes,
        again = shape.again
    ))
    .or("Of echo requests the answers may be lost instead, in the other direction.");
    Some(advised(case, finding, shape.passes))
}

fn advised(case: &Case<'_>, finding: Finding, inner: u32) -> Finding {
    finding
        .or("A filter on the way drops packets by their length.")
        .advise(say!(
            "Set the inner MTU to {inner}, or clamp the TCP MSS to {mss}: what is larger is then cut up before it is \
             sealed, as what passes now. Then raise it step by step, as long as all sizes pass.",
            inner,
            mss = overhead::mss(inner, false)
        ))
        .advise_all(vendor_advice::of_both(case, Topic::Mtu))
        .advise("Let IP fragments and ICMP 3/4 (ICMPv6 2) pass on the filters in between.")
}

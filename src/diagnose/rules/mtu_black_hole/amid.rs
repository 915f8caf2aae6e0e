//! Large packets inside that pass until some moment, and none since, or none for a while.

use super::PATTERN;
use super::sizes::{Amid, Going, HEADERS, Lost, Place, Sizes, goings, waited_for};
use crate::diagnose::Case;
use crate::diagnose::facts::inner::Inside;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// So many that were lost are looked at of each direction.
const LOOKED_AT: usize = 64;

/// The sizes of what goes to each end, where as large ones passed before.
pub(super) fn amid(case: &Case<'_>, inside: &Inside<'_>) -> BTreeMap<Place, Sizes> {
    let mut ways: BTreeMap<(Vantage, usize), Vec<Going<'_>>> = BTreeMap::new();
    for going in goings(inside) {
        let key = (going.talk.vantage, going.end);
        ways.entry(key).or_default().push(going);
    }
    let found = ways.into_iter().filter_map(|((vantage, end), ways)| {
        let sizes = of_one_direction(case, &ways)?;
        Some(((vantage, end, None), sizes))
    });
    found.collect()
}

/// Packets that were lost, and what is known of the time.
struct While {
    lost: Lost,
    v6: bool,
    /// The largest that reached the same host after the second had been lost: it was there.
    passes: u32,
    /// Whether as large ones may have passed meanwhile, to whatever host.
    any_size: bool,
}

impl While {
    fn of(ways: &[Going<'_>], to: IpAddr, lost: Lost) -> Option<Self> {
        let (from, until) = (lost.seen.first.1, lost.seen.last.1);
        let same = ways.iter().filter(|going| going.to == to);
        let passes = same.filter_map(|going| passed(going, lost.again, until));
        let passes = passes.max()?;
        let mut any = ways.iter();
        let any_size = any.any(|going| may_pass(going, lost.length, from, until));
        Some(Self {
            lost,
            v6: to.is_ipv6(),
            passes,
            any_size,
        })
    }
}

fn of_one_direction(case: &Case<'_>, ways: &[Going<'_>]) -> Option<Sizes> {
    // A recording out of order may have replies before their requests.
    let in_order = case.flows().all(|flow| flow.sequence.late == 0);
    let lost = ways.iter().flat_map(|going| {
        let stuck = going.stuck(case).into_iter();
        let holes = in_order.then(|| holes(case, going)).into_iter().flatten();
        stuck.chain(holes).map(|lost| (going.to, lost))
    });
    let lost = lost.take(LOOKED_AT);
    let all: Vec<While> = lost
        .filter_map(|(to, lost)| While::of(ways, to, lost))
        .collect();
    let (others, by_size): (Vec<While>, Vec<While>) = all.into_iter().partition(|one| one.any_size);
    let first = by_size.iter().map(|one| one.lost.seen.first.1).min()?;
    let last = by_size.iter().map(|one| one.lost.seen.last.1).max()?;
    let passes = by_size.iter().map(|one| one.passes).max()?;
    let least = by_size.iter().map(|one| one.lost.length).min()?;
    let larger = ways.iter().map(Going::passes).max()?;
    // What is as small and was lost meanwhile was lost for another reason, and so may be the large ones.
    let beside = |one: &While| one.lost.seen.first.1 <= last && one.lost.seen.last.1 >= first;
    if larger < least || others.iter().any(beside) {
        return None;
    }
    let after =
        |going: &Going<'_>| may_pass(going, least, last.later(Span(1)), Timestamp(i64::MAX));
    let heals = ways.iter().any(after);
    let mut sizes = Sizes {
        passes,
        until: Some(last),
        bare: passes == HEADERS,
        amid: Some(Amid { larger, heals }),
        ..Sizes::default()
    };
    for one in by_size {
        sizes.lose(one.lost, one.v6);
    }
    Some(sizes)
}

/// Echo requests of a size that had no answer for longest, if as large ones had before or have since.
fn holes(case: &Case<'_>, going: &Going<'_>) -> impl Iterator<Item = Lost> {
    going.echoes().filter_map(move |size| {
        let hole = size.hole?;
        let seen = hole.run.seen;
        let sent = match hole.after {
            Some(_) => hole.run.requests,
            None => waited_for(case, going.talk.vantage, hole.run.requests, &seen),
        };
        let lost = || Lost::echoes(size.length, sent, hole.run.requests, seen);
        (sent >= PATTERN).then(lost)
    })
}

/// Whether a packet of so many octets, or a larger one, may have arrived that was sent between two times.
fn may_pass(going: &Going<'_>, length: u32, from: Timestamp, until: Timestamp) -> bool {
    let mut acked = going.out.tcp.iter();
    let mut echoes = going.echoes().filter(|size| size.length >= length);
    acked.any(|tcp| tcp.acked.at_most(from, until) >= length)
        || echoes.any(|size| size.may_have_passed(from, until))
}

/// The largest packet that is known to have arrived of those that were sent between two times.
fn passed(going: &Going<'_>, from: Timestamp, until: Timestamp) -> Option<u32> {
    let acked = going.out.tcp.iter();
    let acked = acked.flat_map(|tcp| tcp.acked.within(from, until));
    let answered = going
        .echoes()
        .filter(|size| size.surely_passed(from, until));
    let shaken = going.shaken().filter(|at| (from..=until).contains(&at.1));
    let all = acked.chain(answered.map(|size| size.length));
    all.chain(shaken.map(|_| HEADERS)).max()
}

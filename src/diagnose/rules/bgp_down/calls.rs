//! Connections to port 179 that nobody takes.

use super::{RULE, is_closed, is_reset, speaks, ways};
use crate::diagnose::facts::inner::{self, Inside};
use crate::diagnose::facts::{Tap, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::{Text, count};
use crate::model::{InnerFlow, InnerWay, Selector};
use crate::say;
use crate::units::Span;
use std::net::{IpAddr, Ipv4Addr};

/// Fewer SYNs without answer prove nothing.
const FEW: u64 = 3;

/// The attempts must be spread over so long.
const LASTING: Span = Span::from_secs(2);

/// Connections to port 179 that nobody takes, since the last session if there was one.
pub(super) fn unanswered(
    case: &Case<'_>,
    inside: &Inside<'_>,
    talks: &[&InnerFlow],
) -> Option<Finding> {
    let stood = talks.iter().filter(|talk| speaks(talk));
    let stood = stood.max_by_key(|talk| talk.seen.last.1);
    let until = match stood {
        Some(talk) => Some(stood_until(case, talk, talks)?),
        None => None,
    };
    let closed = stood.is_some_and(|talk| talk.ways.iter().any(is_closed));
    let stood = until;
    let mut places: Vec<Cite> = Vec::new();
    let mut refusals: Vec<Cite> = Vec::new();
    let mut ends: Option<(IpAddr, IpAddr, usize)> = None;
    let (mut syns, mut pending) = (0, 0);
    let vantage = talks.first()?.vantage;
    let waited = |at: &Cite| tap::went_on(case.model, vantage, at.1, Tap::PATIENCE);
    let since = talks
        .iter()
        .filter(|talk| stood.is_none_or(|stood| talk.seen.first.1 > stood.1));
    for talk in since {
        let [first, second] = &talk.ways;
        for ((out, from, to), back) in ways(talk).into_iter().zip([second, first]) {
            let Some(tcp) = out.tcp.as_ref().filter(|tcp| tcp.syns > 0) else {
                continue;
            };
            ends = ends.or_else(|| Some((from, to, inside.end_towards(out)?)));
            let late = tcp.syn_places.iter().filter(|at| !waited(at)).count() as u64;
            places.extend(tcp.syn_places.iter().filter(|at| waited(at)));
            refusals.extend(back.tcp.as_ref().and_then(|tcp| tcp.refusal));
            syns += tcp.syns.saturating_sub(late);
            pending += late;
        }
    }
    let (from, to, end) = ends?;
    places.sort_unstable();
    let (first, last) = (*places.first()?, *places.last()?);
    let refused = refusals.len() as u64 >= 2;
    let heard = inside.would_see(vantage, end, syns, (first.1, last.1));
    let silent = refusals.is_empty()
        && syns >= FEW
        && last.1.since(first.1) >= LASTING
        && (heard || inside.was_seeing(vantage, end, first.1));
    if !refused && !silent {
        return None;
    }
    // What was refused need not wait for an answer.
    let attempts = match refused {
        true => count(syns.saturating_add(pending), "SYN"),
        false => count(syns, "SYN"),
    };
    let (title, says) = match refused {
        true => (
            say!("BGP from {from} to {to} is refused", from, to),
            say!(
                "{from} opens BGP to {to} and {attempts} were refused with RST.",
                from,
                to,
                attempts
            ),
        ),
        false => (
            say!("BGP from {from} to {to} is not answered", from, to),
            say!(
                "{from} opens BGP to {to} and {attempts} had no answer.",
                from,
                to,
                attempts
            ),
        ),
    };
    let no_host = no_host(case, from, to);
    let link = link(from, to);
    let mut finding = Finding::new(
        &RULE,
        match (refused || heard, link.is_none()) {
            (true, true) => inside.absence(Confidence::Likely),
            (true, false) if from == to => Confidence::Certain,
            (true, false) => inside.absence(Confidence::Likely),
            (false, _) if no_host.is_some() => Confidence::Likely,
            (false, _) => Confidence::Possible,
        },
        case.id,
        first,
        say!("SYN from {from} to port 179 of {to}", from, to),
    )
    .title(title)
    .says(
        says.then(
            (!refused)
                .then(|| inner::too_late(pending, "SYN"))
                .flatten(),
        )
        .then(stood.map(|_| match closed {
            true => {
                "A session stood between them before, and was closed by FIN without a NOTIFICATION."
            }
            false => "A session stood between them before.",
        }))
        .then(link)
        .then(no_host.as_ref().map(|(says, _)| says.clone())),
    );
    if let Some((_, advice)) = no_host {
        finding = finding.advise(advice);
    }
    finding = match (refused, stood.is_some()) {
        (true, true) => finding.advise(say!(
            "Look at the BGP process of {to} at that time: the router is up, and nothing takes the connection.",
            to
        )),
        (true, false) => finding.or("A filter refuses TCP port 179 by RST."),
        (false, _) => finding.or("The other router is down, or a filter drops TCP port 179."),
    };
    if !(refused && stood.is_some()) {
        finding = finding.advise(say!(
            "Look that {to} is the address of the neighbour inside the tunnel, that it has {from} as its neighbour, \
             and that TCP port 179 is permitted between them.",
            to,
            from
        ));
    }
    if !refused && !heard {
        finding = finding.or("The tunnel itself stopped: nothing of the far gateway came since.");
    }
    if let Some(last) = stood {
        finding = finding.also(last, "the last of the session that stood before");
    }
    for refusal in refusals {
        finding = finding.also(refusal, "RST in answer");
    }
    for place in places {
        finding = finding.also(place, "SYN to port 179");
    }
    Some(finding)
}

/// Until when a session stood: to its last packet, if it was closed or reset, or lacks the keepalives of a whole
/// hold time; or until an end sent what it sent again and nobody acknowledged, if one of the two then calls anew,
/// which neither does while a session stands (RFC 4271 section 8). `None` if it may stand.
fn stood_until(case: &Case<'_>, talk: &InnerFlow, talks: &[&InnerFlow]) -> Option<Cite> {
    /// Twice the hold time that RFC 4271 section 10 suggests, which is what many peers have.
    const HOLD: Span = Span::from_secs(180);
    let last = talk.seen.last;
    let closes = |way: &InnerWay| is_closed(way) || is_reset(way);
    if talk.ways.iter().any(closes) || tap::went_on(case.model, talk.vantage, last.1, HOLD) {
        return Some(last);
    }
    ways(talk).into_iter().find_map(|(way, ..)| {
        let stuck = way.tcp.iter().flat_map(|tcp| &tcp.stuck);
        let since = stuck.map(|stuck| stuck.seen.first).min_by_key(|at| at.1)?;
        let mut calls = talks.iter().flat_map(|talk| ways(talk));
        calls
            .any(|(way, ..)| {
                let syns = way.tcp.iter().flat_map(|tcp| &tcp.syn_places);
                syns.into_iter().any(|at| at.1 > since.1)
            })
            .then_some(since)
    })
}

/// That a neighbour has an address that no host of a network of four can have, and what it can have: where a
/// selector is that network.
fn no_host(case: &Case<'_>, from: IpAddr, to: IpAddr) -> Option<(Text, Text)> {
    let IpAddr::V4(own) = from else {
        return None;
    };
    let address = |bits: u32| IpAddr::V4(Ipv4Addr::from_bits(bits));
    let [first, last] = [own.to_bits() & !3, own.to_bits() | 3].map(address);
    let is_selector = |one: &Selector| one.start == first && one.end == last;
    let children = case.ike_sas().flat_map(|sa| &sa.child_sas);
    let mut terms = children.filter_map(|child| case.model.child_sas[*child].terms.as_ref());
    let known = terms.any(|terms| {
        let sides = [&terms.asked, &terms.granted].into_iter().flatten();
        sides.flatten().flatten().any(is_selector)
    });
    let outside = to == first || to == last;
    let is_host = from != first && from != last;
    (known && outside && is_host).then(|| {
        let neighbour = address(own.to_bits() ^ 3);
        (
            say!(
                "{to} is the address of no host of {first}/30, which is a selector of the tunnel: beside {from} only \
                 {neighbour} is one.",
                to,
                first,
                from,
                neighbour
            ),
            say!("On {from}, give the neighbour the address {neighbour}.", from, neighbour),
        )
    })
}

/// What is odd about the addresses of the two ends of a link: 169.254.0.0/16 is used for links of two
/// routers, mostly in networks of four addresses.
pub(super) fn link(from: IpAddr, to: IpAddr) -> Option<Text> {
    let (IpAddr::V4(one), IpAddr::V4(other)) = (from, to) else {
        return None;
    };
    let apart = one.to_bits() >> 2 != other.to_bits() >> 2;
    match (one.is_link_local() && other.is_link_local(), apart) {
        _ if one == other => Some(say!("Both ends have the same address {from}.", from)),
        (true, true) => Some(say!(
            "{from} and {to} are not in one /30 network: unless the link has a larger one, or the session \
             goes over several hops, one of them is set wrong.",
            from,
            to
        )),
        _ => None,
    }
}

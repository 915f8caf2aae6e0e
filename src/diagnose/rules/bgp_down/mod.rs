//! BGP inside the tunnel does not come up, or ends.

mod notification;
#[cfg(test)]
mod tests;

use crate::diagnose::facts::inner::{self, BGP, Inside};
use crate::diagnose::facts::{Tap, child, rhythm, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{BgpWay, InnerFlow, InnerWay, Selector, TunnelId};
use crate::say;
use crate::units::Span;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "bgp-down",
    code: "ESP417",
    severity: Severity::Error,
    summary: "BGP through the tunnel does not stay up",
    document: DOCUMENT,
    explains: &["inner-no-reply", "inner-port-unanswered"],
    needs: Signs::ESP.or(Signs::INSIDE),
    check,
};

const DOCUMENT: &str = "\
## What it means
Two routers speak BGP through the tunnel, or try to, and no session stands: then no routes are exchanged and the tunnel carries little else.

## How it is seen
With the keys of ESP, or without encryption. Connections to TCP port 179 that are not answered, or reset; or a NOTIFICATION message, whose code and subcode (RFC 4271 section 6) say why; where a session stood, what was tried since it ended counts. Without keys: packets as large and as frequent as keepalives, both ways, that stop together; that is told for information. The addresses are printed and held against each other: the two ends of a link are different addresses of one small network, often a /30. A session has ended where one side closes or resets its connection, where nothing of it is seen for the length of a hold time, or where what an end sends is sent again, never acknowledged, and one of the two calls anew. A session that fell and came back in the capture is a warning: the next one, between the same two, shows that the one before was lost. The OPEN messages tell the AS numbers and hold times of both.

## What else looks like it
An administrator who stops the session: the NOTIFICATION says so (Cease). Two sessions that collide, of which one is closed: that is normal and not told.

## What to do
1. Not answered: is the address of the neighbour the one that the other router has, and does the route to it go through the tunnel?
2. Reset: does the other router have this neighbour configured, with these addresses?
3. Bad Peer AS, Bad BGP Identifier, Unacceptable Hold Time: make the two configurations agree.
4. Hold Timer Expired: something lost the keepalives; look for loss and for packets too large.
";

/// Fewer SYNs without answer prove nothing.
const FEW: u64 = 3;

/// The attempts must be spread over so long.
const LASTING: Span = Span::from_secs(2);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return sealed(case).into_iter().collect();
    };
    let mut pairs: BTreeMap<[IpAddr; 2], Vec<&InnerFlow>> = BTreeMap::new();
    for talk in inside.told_once() {
        if talk.protocol == 6 && talk.ends.iter().any(|end| end.port == Some(BGP)) {
            let mut hosts = talk.ends.map(|end| end.address);
            hosts.sort_unstable();
            pairs.entry(hosts).or_default().push(talk);
        }
    }
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for (hosts, talks) in &pairs {
        match notified(case.id, *hosts, talks) {
            Some(ended) => found.push(ended),
            None => failed
                .extend(unanswered(case, inside, talks).or_else(|| fell(case.id, *hosts, talks))),
        }
    }
    found.truncate(SESSIONS);
    failed.truncate(SESSIONS);
    found.extend(failed);
    found
}

/// Sealed packets as large and as frequent as keepalives, both ways, that stopped together while the
/// tunnel went on: any session that ends looks so, hence it is no more than information.
fn sealed(case: &Case<'_>) -> Option<Finding> {
    let stopped = rhythm::keepalives_stopped(case)?;
    let [one, two] = &stopped.beats;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        one.last,
        say!("the last of {size} octets of ESP", size = one.size),
    )
    .severity(Severity::Info)
    .also(two.last, "the last in the other direction")
    .title("Something as regular as BGP stopped inside the tunnel")
    .says(
        Text::default()
            .then(stopped.says())
            .then("Without keys more cannot be told."),
    )
    .or("Another session ended, in order.")
    .advise("If routers speak BGP through this tunnel, look at their sessions at that time.");
    if let Some(alive) = stopped.alive {
        finding = finding.also(alive, "the tunnel goes on");
    }
    Some(finding)
}

/// Sessions that are told of one tunnel: more than people read.
const SESSIONS: usize = 4;

/// Whether BGP was spoken, or the connection stood: a capture may begin within.
fn speaks(talk: &InnerFlow) -> bool {
    talk.ways.iter().all(|way| {
        let answers = way
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.syn_acks > 0 || tcp.data > 0);
        way.bgp.is_some() || answers || way.tcp.as_ref().is_some_and(|tcp| tcp.established)
    })
}

/// A NOTIFICATION: where it stands, from whom to whom, code and subcode.
type Closed = (Cite, IpAddr, IpAddr, Option<(u8, u8)>);

/// A session that a NOTIFICATION ended.
fn notified(tunnel: TunnelId, hosts: [IpAddr; 2], talks: &[&InnerFlow]) -> Option<Finding> {
    let mut said: Vec<Closed> = Vec::new();
    for talk in talks {
        for (way, from, to) in ways(talk) {
            let notes = way.bgp.iter().flat_map(|bgp| &bgp.notifications);
            said.extend(
                notes
                    .filter(|(_, why)| !notification::is_normal(*why))
                    .map(|(at, why)| (*at, from, to, *why)),
            );
        }
    }
    said.sort_unstable();
    let (at, from, to, why) = *said.last()?;
    // What came up again afterwards, or never was interrupted, stands.
    let lives = |bgp: &BgpWay| bgp.alive.is_some_and(|alive| alive.1 > at.1);
    let stands = talks.iter().any(|talk| {
        let mut both = talk.ways.iter().map(|way| way.bgp.as_deref());
        both.all(|bgp| bgp.is_some_and(lives))
    });
    let reason = notification::name(why);
    let opens = || {
        talks
            .iter()
            .flat_map(|talk| ways(talk))
            .filter_map(|(way, from, _)| {
                let (_, open) = way.bgp.as_ref()?.opens.last()?;
                Some((from, open.as_ref()?))
            })
    };
    let number = opens().find(|(router, _)| *router == to);
    let number = number.map(|(_, open)| open.autonomous_system);
    let mut opens = opens().map(|(from, open)| {
        say!(
            "{from} says AS {number}, hold time {hold_time} s",
            from,
            number = open.autonomous_system,
            hold_time = open.hold_time
        )
    });
    let mut says = say!(
        "{from} closed the BGP session with {to} by NOTIFICATION: {reason}.",
        from,
        to,
        reason = &reason
    );
    match (opens.next(), opens.next()) {
        (Some(one), Some(other)) => {
            says.add(say!("In their OPEN {one} and {other}.", one, other));
        }
        (Some(one), None) => says.add(say!("In their OPEN {one}.", one)),
        (None, _) => {}
    }
    if said.len() > 1 {
        says.add(say!(
            "So it went {times} in this capture.",
            times = child::times(said.len())
        ));
    }
    if stands {
        says.add(match next_up(talks, at) {
            Some(up) => say!("It came up again {span} later.", span = up.1.since(at.1)),
            None => "It came up again.".into(),
        });
    }
    let [one, other] = hosts;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        tunnel,
        at,
        say!("NOTIFICATION from {from}: {reason}", from, reason = &reason),
    )
    .title(say!(
        "BGP between {one} and {other} is closed: {reason}",
        one,
        other,
        reason
    ))
    .says(says)
    .advise(notification::advice(why, from, to, number));
    for (at, from, ..) in said.iter().rev().skip(1) {
        finding = finding.also(*at, say!("an earlier one from {from}", from));
    }
    let stopped = notification::is_stopped(why);
    Some(match stands || stopped {
        true => finding.severity(Severity::Warning),
        false => finding,
    })
}

/// The last sign that a session stood: KEEPALIVE or UPDATE of both ends came (RFC 4271 section 8.2.2, Established).
fn last_alive(talk: &InnerFlow) -> Option<Cite> {
    let [one, other] = talk.ways.each_ref().map(|way| way.bgp.as_ref()?.alive);
    one.zip(other)
        .map(|(one, other)| if one.1 < other.1 { other } else { one })
}

/// When a session was opened that then stood, as its OPEN messages show.
fn opened(talk: &InnerFlow) -> Option<Cite> {
    last_alive(talk)?;
    let ways = talk.ways.iter().filter_map(|way| way.bgp.as_ref());
    let opens = ways.filter_map(|bgp| bgp.opens.first());
    opens.map(|(at, _)| *at).max_by_key(|at| at.1)
}

/// When the next session after a moment was opened, by the clock of the same recording.
fn next_up(talks: &[&InnerFlow], after: Cite) -> Option<Cite> {
    let up = talks.iter().filter_map(|talk| opened(talk));
    up.filter(|up| up.0.input == after.0.input && up.1 > after.1)
        .min_by_key(|up| up.1)
}

/// A session that fell without a NOTIFICATION and came back: two routers have one session (RFC 4271 section 6.8), so the
/// next one shows that the one before was lost.
fn fell(tunnel: TunnelId, hosts: [IpAddr; 2], talks: &[&InnerFlow]) -> Option<Finding> {
    let mut sessions: Vec<(&InnerFlow, Cite)> = talks
        .iter()
        .filter_map(|talk| Some((*talk, last_alive(talk)?)))
        .collect();
    // What two taps recorded is told by two clocks.
    let input = |talk: &InnerFlow| talk.vantage.input;
    sessions.sort_by_key(|(talk, _)| (input(talk), talk.seen.first.1));
    let pairs = sessions.iter().zip(sessions.iter().skip(1));
    let falls: Vec<(&InnerFlow, Cite, Cite)> = pairs
        .filter(|((old, _), (next, _))| input(old) == input(next))
        .filter_map(|((old, last), (next, _))| Some((*old, *last, opened(next)?, next.seen.first)))
        // Of two that collide one is closed before it stands, or while the other does.
        .filter(|(_, last, _, begins)| last.1 < begins.1)
        .map(|(old, last, up, _)| (old, last, up))
        .collect();
    let (old, last, up) = *falls.first()?;
    let [one, other] = hosts;
    let span = up.1.since(last.1);
    let by = |ended: fn(&InnerWay) -> bool| {
        let mut ways = ways(old).into_iter();
        ways.find_map(|(way, from, _)| ended(way).then_some(from))
    };
    let closed = by(is_closed).map(|from| {
        let how = say!(
            "{from} closed its connection by FIN without a NOTIFICATION.",
            from
        );
        (from, how)
    });
    let reset = || {
        let from = by(is_reset)?;
        Some((
            from,
            say!("{from} reset its connection, without a NOTIFICATION.", from),
        ))
    };
    let (how, alternative, advice) = match closed.or_else(reset) {
        Some((from, how)) => (
            how,
            say!("Somebody restarted the session, or the BGP process of {from}.", from),
            say!("Look on {from} for who closed the session, and why.", from),
        ),
        None => (
            "Its connection fell silent: neither a NOTIFICATION nor the end of the connection is in this capture, \
             as when a hold timer ends it."
                .into(),
            "One of the two routers restarted.".into(),
            "Look for loss in the tunnel from that time on: something kept the keepalives back.".into(),
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        last,
        "the last message of the session that stood",
    )
    .during(last.1, up.1)
    .severity(Severity::Warning)
    .also(up, "OPEN of the session that stands afterwards")
    .title(say!(
        "BGP between {one} and {other} fell, and came back after {span}",
        one,
        other,
        span
    ))
    .says(
        say!("A session stood between {one} and {other}.", one, other)
            .then(how)
            .then(say!(
                "{span} after its last message another one was opened, and stood.",
                span
            ))
            .then((falls.len() > 1).then(|| {
                say!(
                    "So it went {times} in this capture.",
                    times = child::times(falls.len())
                )
            })),
    )
    .or(alternative)
    .advise(advice);
    for (_, last, up) in falls.iter().skip(1) {
        finding = finding
            .also(*last, "the last message of a later session")
            .also(*up, "OPEN of the one after it");
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

/// Whether an end closed the connection in order.
fn is_closed(way: &InnerWay) -> bool {
    way.tcp.as_ref().is_some_and(|tcp| tcp.fins > 0)
}

/// Whether an end reset the connection.
fn is_reset(way: &InnerWay) -> bool {
    way.tcp.as_ref().is_some_and(|tcp| tcp.resets > 0)
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

/// Connections to port 179 that nobody takes, since the last session if there was one.
fn unanswered(case: &Case<'_>, inside: &Inside<'_>, talks: &[&InnerFlow]) -> Option<Finding> {
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

/// What is odd about the addresses of the two ends of a link: 169.254.0.0/16 is used for links of two
/// routers, mostly in networks of four addresses.
fn link(from: IpAddr, to: IpAddr) -> Option<Text> {
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

/// What each end sent, who it is, and who the other is.
fn ways(talk: &InnerFlow) -> [(&InnerWay, IpAddr, IpAddr); 2] {
    let [first, second] = &talk.ways;
    let [one, other] = talk.ends.map(|end| end.address);
    [(first, one, other), (second, other, one)]
}

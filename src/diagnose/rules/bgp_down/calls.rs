//! Connections to port 179 that nobody takes.

use super::hold::HoldTime;
use super::{RULE, is_closed, is_reset, speaks, ways};
use crate::diagnose::facts::inner::{self, Inside};
use crate::diagnose::facts::{Tap, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::language::{Text, count};
use crate::model::{InnerFlow, InnerWay, Selector};
use crate::say;
use crate::units::{Span, Vantage};
use std::collections::BTreeMap;
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
    let session = talks.iter().filter(|talk| speaks(talk));
    let session = session.max_by_key(|talk| talk.seen.last.1);
    let stood = match session {
        Some(talk) => Some(stood_until(case, talk, talks)?),
        None => None,
    };
    let failed = Failed::of(case, inside, talks, stood)?;
    let Calls { from, to, .. } = failed.calls;
    let (first, note) = failed.begins();
    let (link, no_host) = match failed.outcome {
        // Each has the address that the other calls.
        Outcome::BothSilent => (None, None),
        _ => (link(from, to), no_host(case, from, to)),
    };
    let confidence = match (failed.would_see, &link) {
        (true, Some(_)) if from == to => Confidence::Certain,
        (true, _) => inside.absence(Confidence::Likely),
        (false, _) if no_host.is_some() => Confidence::Likely,
        (false, _) => Confidence::Possible,
    };
    let closed = session.is_some_and(|talk| talk.ways.iter().any(is_closed));
    let mut finding = Finding::new(&RULE, confidence, case.id, first, note)
        .title(failed.title())
        .says(
            failed
                .says()
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
    for alternative in failed.alternatives(stood.is_some()) {
        finding = finding.or(alternative);
    }
    if let Some(last) = stood {
        finding = finding.also(last, "the last of the session that stood before");
    }
    for (at, note) in failed.frames() {
        finding = finding.also(at, note);
    }
    Some(finding.advise_all(failed.advice(stood.is_some())))
}

/// What one router tried, and what came of it.
struct Calls {
    from: IpAddr,
    to: IpAddr,
    /// The end of the tunnel behind which the one is that it calls.
    end: Option<usize>,
    /// SYNs that an answer would have come to in time.
    syns: u64,
    /// SYNs too near the end of the recording.
    pending: u64,
    /// The first of `syns`, citable.
    places: Vec<Cite>,
    /// RST in answer.
    refusals: Vec<Cite>,
}

impl Calls {
    /// What each router tried since some moment, who began first.
    fn since(
        case: &Case<'_>,
        inside: &Inside<'_>,
        talks: &[&InnerFlow],
        after: Option<Cite>,
    ) -> Vec<Self> {
        let mut routers: BTreeMap<IpAddr, Self> = BTreeMap::new();
        let is_since = |talk: &&&InnerFlow| after.is_none_or(|after| talk.seen.first.1 > after.1);
        for talk in talks.iter().filter(is_since) {
            let waited = |at: &Cite| tap::went_on(case.model, talk.vantage, at.1, Tap::PATIENCE);
            let [first, second] = &talk.ways;
            for ((out, from, to), back) in ways(talk).into_iter().zip([second, first]) {
                let Some(tcp) = out.tcp.as_ref().filter(|tcp| tcp.syns > 0) else {
                    continue;
                };
                // An answer that passed here and did not get to who called is another fault.
                if back.tcp.as_ref().is_some_and(|tcp| tcp.syn_acks > 0) {
                    continue;
                }
                let row = routers.entry(from).or_insert(Self {
                    from,
                    to,
                    end: None,
                    syns: 0,
                    pending: 0,
                    places: Vec::new(),
                    refusals: Vec::new(),
                });
                let late = tcp.syn_places.iter().filter(|at| !waited(at)).count() as u64;
                row.end = row.end.or_else(|| inside.end_towards(out));
                row.syns += tcp.syns.saturating_sub(late);
                row.pending += late;
                row.places
                    .extend(tcp.syn_places.iter().filter(|at| waited(at)));
                row.refusals
                    .extend(back.tcp.as_ref().and_then(|tcp| tcp.refusal));
            }
        }
        let mut all: Vec<Self> = routers.into_values().collect();
        all.retain(|calls| !calls.places.is_empty());
        for calls in &mut all {
            calls.places.sort_unstable();
        }
        all.sort_by_key(|calls| calls.places.first().copied());
        all
    }

    fn are_refused(&self) -> bool {
        self.refusals.len() >= 2
    }

    /// If nobody answers, whether an answer would have been seen for sure.
    fn unanswered(&self, inside: &Inside<'_>, vantage: Vantage) -> Option<bool> {
        let (first, last, end) = (self.places.first()?, self.places.last()?, self.end?);
        let would_see = inside.would_see(vantage, end, self.syns, (first.1, last.1));
        let lasting = self.syns >= FEW && last.1.since(first.1) >= LASTING;
        let silent = self.refusals.is_empty() && lasting;
        (silent && (would_see || inside.was_seeing(vantage, end, first.1))).then_some(would_see)
    }

    fn note(&self) -> Text {
        let Self { from, to, .. } = self;
        say!("SYN from {from} to port 179 of {to}", from, to)
    }
}

/// How connections failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// By RST.
    Refused,
    /// Nobody answers.
    Silent,
    /// Each router calls the other, and neither answers.
    BothSilent,
}

/// Connections that failed.
pub(super) struct Failed {
    /// How.
    pub outcome: Outcome,
    calls: Calls,
    first: Cite,
    /// What the other router tried.
    other: Option<Calls>,
    /// Whether an answer would have been seen for sure.
    would_see: bool,
}

impl Failed {
    /// What failed since some moment.
    pub(super) fn of(
        case: &Case<'_>,
        inside: &Inside<'_>,
        talks: &[&InnerFlow],
        after: Option<Cite>,
    ) -> Option<Self> {
        let vantage = talks.first()?.vantage;
        let mut all = Calls::since(case, inside, talks, after);
        let sights: Vec<Option<bool>> = all
            .iter()
            .map(|calls| calls.unanswered(inside, vantage))
            .collect();
        let refused = all.iter().position(Calls::are_refused);
        let silent = || sights.iter().position(Option::is_some);
        let (outcome, would_see) = match (refused, sights.as_slice()) {
            (Some(_), _) => (Outcome::Refused, true),
            (None, [Some(one), Some(other)]) => (Outcome::BothSilent, *one && *other),
            (None, _) => (Outcome::Silent, sights.iter().flatten().any(|sees| *sees)),
        };
        let calls = all.remove(refused.or_else(silent)?);
        Some(Self {
            outcome,
            first: *calls.places.first()?,
            calls,
            other: all.pop(),
            would_see,
        })
    }

    /// The first SYN.
    pub(super) fn begins(&self) -> (Cite, Text) {
        (self.first, self.calls.note())
    }

    fn title(&self) -> Text {
        let Calls { from, to, .. } = self.calls;
        match self.outcome {
            Outcome::Refused => say!("BGP from {from} to {to} is refused", from, to),
            Outcome::Silent => say!("BGP from {from} to {to} is not answered", from, to),
            Outcome::BothSilent => say!(
                "{one} and {other} call each other for BGP, and neither answers",
                one = from,
                other = to
            ),
        }
    }

    /// What was tried, and what came of it.
    pub(super) fn says(&self) -> Text {
        let Calls {
            from,
            to,
            syns,
            pending,
            ..
        } = self.calls;
        let attempts = count(syns, "SYN");
        let (tried, pending) = match (self.outcome, &self.other) {
            (Outcome::Refused, _) => {
                // What was refused need not wait for an answer.
                let attempts = count(syns.saturating_add(pending), "SYN");
                let says = say!(
                    "{from} opens BGP to {to} and {attempts} were refused with RST.",
                    from,
                    to,
                    attempts
                );
                return says;
            }
            (Outcome::BothSilent, Some(other)) => (
                say!(
                    "{from} opens BGP to {to} and {attempts} had no answer; {to} opens BGP to {from} and {others} had \
                     none either. So both routers run, and what each sends comes as far as this tap.",
                    from,
                    to,
                    attempts,
                    others = count(other.syns, "SYN")
                ),
                pending.saturating_add(other.pending),
            ),
            _ => (
                say!(
                    "{from} opens BGP to {to} and {attempts} had no answer.",
                    from,
                    to,
                    attempts
                ),
                pending,
            ),
        };
        tried.then(inner::too_late(pending, "SYN"))
    }

    /// What else would look like it, where a session `stood` before or did not.
    fn alternatives(&self, stood: bool) -> Vec<Text> {
        // Who calls is not down.
        let runs = self.other.iter().flat_map(|other| &other.places);
        let runs = runs.into_iter().any(|at| at.1 >= self.first.1);
        let mut all: Vec<Text> = match self.outcome {
            Outcome::Refused if stood => Vec::new(),
            Outcome::Refused => vec!["A filter refuses TCP port 179 by RST.".into()],
            Outcome::BothSilent => vec![
                "A filter drops TCP port 179 both ways, on the routers or between them and their gateways.".into(),
                "Both routers demand a least TTL (RFC 5082), and the way through the gateways lowers it.".into(),
            ],
            Outcome::Silent if runs => vec![
                "A filter drops TCP port 179, or the passwords of TCP-MD5 or TCP-AO differ: the other router runs, \
                 since it calls, too."
                    .into(),
            ],
            Outcome::Silent => {
                vec!["The other router is down, or a filter drops TCP port 179.".into()]
            }
        };
        if !self.would_see {
            all.push("The tunnel itself stopped: nothing of the far gateway came since.".into());
        }
        all
    }

    /// What to do, where a session `stood` before or did not.
    pub(super) fn advice(&self, stood: bool) -> Vec<Text> {
        let Calls { from, to, .. } = self.calls;
        match self.outcome {
            Outcome::Refused if stood => vec![say!(
                "Look at the BGP process of {to} at that time: the router is up, and nothing takes the connection.",
                to
            )],
            Outcome::BothSilent => vec![
                say!(
                    "Give {from} and {to} the same password of TCP-MD5 or TCP-AO for each other, or none: a segment \
                     without the right signature is dropped without a word (RFC 2385 section 2, RFC 5925 section 7.5). \
                     Routers log and count these.",
                    from,
                    to
                ),
                say!(
                    "Permit TCP port 179 between {from} and {to} on both routers, and behind both gateways.",
                    from,
                    to
                ),
            ],
            Outcome::Silent if stood => vec![say!(
                "Look whether {to} still runs, whether what the tunnel carries still reaches it, and whether TCP port \
                 179 is still permitted there.",
                to
            )],
            _ => vec![say!(
                "Look that {to} is the address of the neighbour inside the tunnel, that it has {from} as its \
                 neighbour, and that TCP port 179 is permitted between them.",
                to,
                from
            )],
        }
    }

    /// The frames that show it, what is best to cite first.
    pub(super) fn frames(&self) -> Vec<(Cite, Text)> {
        let refusals = self.calls.refusals.iter();
        let mut all: Vec<(Cite, Text)> = refusals.map(|at| (*at, "RST in answer".into())).collect();
        let other = self.other.iter();
        let other = other.filter(|_| self.outcome == Outcome::BothSilent);
        let mut places = self.calls.places.clone();
        for calls in other {
            all.extend(calls.places.first().map(|at| (*at, calls.note())));
            places.extend(&calls.places);
        }
        places.sort_unstable();
        all.extend(places.into_iter().map(|at| (at, "SYN to port 179".into())));
        all
    }
}

/// Until when a session stood: to its last packet, if it was closed or reset, or lacks the keepalives of a whole
/// hold time; or until an end sent what it sent again and nobody acknowledged, if one of the two then calls anew,
/// which neither does while a session stands (RFC 4271 section 8). `None` if it may stand.
fn stood_until(case: &Case<'_>, talk: &InnerFlow, talks: &[&InnerFlow]) -> Option<Cite> {
    let last = talk.seen.last;
    let closes = |way: &InnerWay| is_closed(way) || is_reset(way);
    let expires = |span| tap::went_on(case.model, talk.vantage, last.1, span);
    if talk.ways.iter().any(closes) || HoldTime::of(talk).span.is_some_and(expires) {
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

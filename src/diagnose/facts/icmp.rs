//! ICMP errors about a tunnel, by what they mean (RFC 792, RFC 1812 section 5.2.7, RFC 4443).

use super::{Asked, Fate, esp, probe};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity};
use crate::language::Text;
use crate::model::{EspFlow, IcmpSeen, TunnelId};
use crate::net::IcmpError;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What an ICMP error says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// Nothing listens on the port.
    PortUnreachable,
    /// The host does not know the protocol.
    ProtocolUnreachable,
    /// No way to the host or its network.
    HostUnreachable,
    /// A filter refuses.
    Prohibited,
    /// Larger than the next hop takes.
    TooBig,
    /// It went in circles, or too far.
    HopLimit,
    /// Anything else.
    Other,
}

/// What the error says.
pub fn meaning(error: &IcmpError) -> Meaning {
    match (error.v6, error.kind, error.code) {
        (false, 3, 3) | (true, 1, 4) => Meaning::PortUnreachable,
        (false, 3, 2) | (true, 4, 1) => Meaning::ProtocolUnreachable,
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5) => Meaning::Prohibited,
        (false, 3, 4) | (true, 2, _) => Meaning::TooBig,
        (false, 3, 0 | 1 | 5..=8 | 11 | 12) | (true, 1, 0 | 2 | 3 | 6) => Meaning::HostUnreachable,
        (false, 11, 0) | (true, 3, 0) => Meaning::HopLimit,
        _ => Meaning::Other,
    }
}

/// The name of the error, such as `ICMP 3/13`.
pub fn name(error: &IcmpError) -> Text {
    let family = if error.v6 { "ICMPv6" } else { "ICMP" };
    Text::verbatim(format_args!("{family} {}/{}", error.kind, error.code))
}

/// Errors about packets between the ends of the tunnel, in order of time.
pub fn about<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m IcmpSeen> + use<'m> {
    let tunnel = case.tunnel;
    let concerns = |seen: &&IcmpSeen| {
        let quoted = seen.error.quoted;
        let from = super::end_of(tunnel, quoted.from.address);
        let to = super::end_of(tunnel, quoted.to.address);
        from != to
    };
    let mut rows: Vec<&IcmpSeen> = case.icmp().filter(concerns).collect();
    // One error passes several taps, whichever was named first.
    rows.sort_by_key(|seen| seen.time);
    rows.into_iter()
}

/// Whether the quoted packet is IKE: UDP to or from 500 or 4500 that does not quote an ESP SPI.
pub fn is_ike(seen: &IcmpSeen) -> bool {
    let quoted = seen.error.quoted;
    let known = |port| matches!(port, Some(500 | 4500));
    quoted.protocol == 17
        && quoted.esp.is_none()
        && (quoted.ike.is_some() || known(quoted.from.port) || known(quoted.to.port))
}

/// Whether an error came of a request: it quotes its addresses and ports, while it was under way.
pub fn is_about(seen: &IcmpSeen, asked: &Asked<'_>) -> bool {
    let quoted = seen.error.quoted;
    let same = quoted.from == asked.from() && quoted.to == asked.to();
    same && meets(&asked.times, seen.time, seen.last)
}

/// Whether a request that was sent at these times was under way when errors came between two others.
fn meets(times: &[Timestamp], begin: Timestamp, end: Timestamp) -> bool {
    let mut times = times.iter();
    times.any(|time| begin.since(*time) <= LATE && *time <= end)
}

/// ICMP errors of one meaning, and what became of the packets that they are about. Anybody can send
/// an error, and one may be about a packet that was sent again and arrived: what it says is held
/// against what followed.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'m> {
    /// The first error.
    pub seen: &'m IcmpSeen,
    /// When the last one came.
    pub last: Timestamp,
    /// How grave it is.
    pub severity: Severity,
    /// Certain only of several errors: a single one is soon forged, or a matter of a moment.
    pub confidence: Confidence,
    /// What followed, if that is good news.
    pub after: &'static str,
}

impl Refusal<'_> {
    /// A finding about the errors, as grave and as sure as they are.
    pub fn finding(&self, rule: &'static Rule, tunnel: TunnelId) -> Finding {
        let seen = self.seen;
        Finding::new(
            rule,
            self.confidence,
            tunnel,
            (seen.frame, seen.time),
            say!(
                "{error} from {router}",
                error = name(&seen.error),
                router = seen.path.from.address
            ),
        )
        .during(seen.time, self.last)
        .severity(self.severity)
    }
}

/// An error may come so long after the packet that it is about: a router asks for a neighbour for
/// some seconds before it gives up.
const LATE: Span = Span::from_secs(10);

/// Errors about packets between two endpoints.
#[derive(Clone, Copy, Debug)]
struct About<'m> {
    seen: &'m IcmpSeen,
    last: Timestamp,
    count: u64,
    /// A request that they are about, by what became of it.
    answered: bool,
    pending: bool,
    silent: bool,
    /// Whether what was answered is what they quote, and not an answer.
    taken: bool,
    /// Whether a later request between the two was answered.
    recovered: bool,
}

impl<'m> About<'m> {
    fn new(seen: &'m IcmpSeen) -> Self {
        Self {
            seen,
            last: seen.last,
            count: 0,
            answered: false,
            pending: false,
            silent: false,
            taken: false,
            recovered: false,
        }
    }

    fn add(&mut self, seen: &IcmpSeen) {
        self.last = self.last.max(seen.last);
        // Another tap may see the same ones.
        if seen.vantage == self.seen.vantage {
            self.count = self.count.saturating_add(seen.count);
        }
    }

    fn is_hit(&self) -> bool {
        self.answered || self.pending || self.silent
    }

    fn refusal(&self, severity: Severity, after: &'static str) -> Refusal<'m> {
        Refusal {
            seen: self.seen,
            last: self.last,
            severity,
            confidence: Confidence::Certain.lower_if(self.count < 2),
            after,
        }
    }
}

/// The gravest errors about IKE whose meaning fits. They are as grave as `worst` if a request that was
/// under way at the time stays without answer and none between the two was answered afterwards.
pub fn about_ike<'m>(
    case: &Case<'m>,
    worst: Severity,
    fits: impl Fn(Meaning) -> bool,
) -> Option<Refusal<'m>> {
    let mut found: Vec<About<'m>> = Vec::new();
    let mut places: BTreeMap<[(IpAddr, Option<u16>); 2], usize> = BTreeMap::new();
    let key = |from: Endpoint, to: Endpoint| [from, to].map(|end| (end.address, end.port));
    for seen in about(case).filter(|seen| is_ike(seen) && fits(meaning(&seen.error))) {
        let quoted = seen.error.quoted;
        let place = *places
            .entry(key(quoted.from, quoted.to))
            .or_insert_with(|| {
                found.push(About::new(seen));
                found.len() - 1
            });
        if let Some(about) = found.get_mut(place) {
            about.add(seen);
        }
    }
    if found.is_empty() {
        return None;
    }
    let (mut all_answered, mut first) = (true, None);
    let sas = case.tunnel.ike_sas.iter();
    for asked in sas.flat_map(|sa| super::asked::all(case.model, &case.model.ike_sas[*sa])) {
        let answered = asked.fate == Fate::Answered;
        all_answered &= answered;
        if answered {
            first = first.or(Some(asked.first.1));
        }
        // What is quoted is the request, or an answer to it.
        let ways = [
            (asked.from(), asked.to(), true),
            (asked.to(), asked.from(), false),
        ];
        for (from, to, is_request) in ways {
            let place = places.get(&key(from, to));
            let Some(about) = place.and_then(|place| found.get_mut(*place)) else {
                continue;
            };
            let (begin, end) = (about.seen.time, about.last);
            about.recovered |= answered && asked.first.1 > end;
            if meets(&asked.times, begin, end) {
                match asked.fate {
                    Fate::Answered => {
                        about.answered = true;
                        about.taken |= is_request;
                    }
                    Fate::Pending => about.pending = true,
                    Fate::Silent => about.silent = true,
                }
            }
        }
    }
    // The liveness checks of IKEv1 have no exchange of their own with their answers.
    let v1 = case.ike_sas().filter(|sa| sa.version.major() == 1);
    for probe in v1.filter_map(|sa| probe::vain(case, sa)) {
        let place = places.get(&key(probe.from, probe.to));
        if let Some(about) = place.and_then(|place| found.get_mut(*place)) {
            about.silent |= meets(&probe.times, about.seen.time, about.last);
        }
    }
    let judged = found.iter().filter_map(|about| {
        let recovered = about.recovered;
        let known = first.is_some_and(|first| first < about.seen.time);
        let severity = match (about.silent, about.pending) {
            (true, _) if recovered => worst.min(Severity::Warning),
            (true, _) => worst,
            (false, true) if known => worst.min(Severity::Warning),
            (false, true) => worst,
            _ if about.is_hit() || all_answered || recovered => Severity::Info,
            // About no message that was recorded: a trace of the way to the port of IKE looks so.
            _ if about.seen.error.quoted.ike.is_none() => Severity::Info,
            _ => worst.min(Severity::Warning),
        };
        let is_trace = meaning(&about.seen.error) == Meaning::HopLimit && !about.is_hit();
        let after = match recovered {
            true => "IKE of this tunnel was answered afterwards.",
            false if about.taken && !about.silent => {
                "The requests of that time were answered all the same."
            }
            false => "",
        };
        (!is_trace).then(|| about.refusal(severity, after))
    });
    // Of those alike the first.
    let mut gravest: Option<Refusal<'m>> = None;
    for refusal in judged {
        if gravest.is_none_or(|known| refusal.severity > known.severity) {
            gravest = Some(refusal);
        }
    }
    gravest
}

/// The errors about ESP or AH whose meaning fits. They are as grave as `worst` unless packets of the
/// other end show that what is quoted passes all the same, or again.
pub fn about_esp<'m>(
    case: &Case<'m>,
    worst: Severity,
    fits: impl Fn(Meaning) -> bool,
) -> Option<Refusal<'m>> {
    /// Fewer packets each way show nothing.
    const FEW: u64 = 3;
    /// A pause of the other end that is shorter says nothing.
    const PAUSE: Span = Span::from_secs(3);
    let mut rows = about(case).filter(|seen| !is_ike(seen) && fits(meaning(&seen.error)));
    let mut found = About::new(rows.next()?);
    found.add(found.seen);
    let end = super::end_of(case.tunnel, found.seen.error.quoted.to.address)?;
    for seen in rows {
        if super::end_of(case.tunnel, seen.error.quoted.to.address) == Some(end) {
            found.add(seen);
        }
    }
    let (first, last) = (found.seen.time, found.last);
    let directions = case.directions();
    let since = |end: usize, time: Timestamp| {
        let packets = directions.iter().map(|one| one.packets_since(end, time));
        packets.max().unwrap_or(0)
    };
    let meanwhile = || {
        let within = |flow: &&EspFlow| esp::packets_within(flow, first, last) > 0;
        last.since(first) < PAUSE
            || directions
                .iter()
                .any(|one| one.flows(1 - end).iter().any(within))
    };
    let again = since(end, last) >= FEW && since(1 - end, last) >= FEW;
    let (severity, after) = match again {
        true if meanwhile() => (Severity::Info, "ESP goes on both ways all the same."),
        true => (
            worst.min(Severity::Warning),
            "ESP passes both ways afterwards.",
        ),
        false if since(1 - end, first) >= FEW => (
            worst.min(Severity::Warning),
            "ESP of the other direction goes on.",
        ),
        false => (worst, ""),
    };
    Some(found.refusal(severity, after))
}

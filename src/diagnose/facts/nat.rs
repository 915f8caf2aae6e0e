//! A NAT in front of a peer, which may have forgotten it.

use super::esp::Directions;
use super::{end_of, tap};
use crate::diagnose::{Case, Cite, Finding};
use crate::model::NatVerdict;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp, Vantage};
use foldhash::HashSet;
use std::net::IpAddr;

/// A shorter silence than this loses no mapping (RFC 4787 section 4.3 asks for two minutes and knows
/// of less).
pub const IDLE: Span = Span::from_secs(15);

/// What is on its way when a side moves still goes to its old place.
pub const ON_ITS_WAY: Span = Span::from_secs(1);

/// Whether the address of an end is translated before it comes to the tap, as its hash in NAT detection
/// tells (RFC 7296 section 2.23).
pub fn is_in_front(case: &Case<'_>, end: usize) -> bool {
    is_translated(case, end, NatVerdict::Translated)
}

/// Whether the address of an end is that of a NAT that lets nothing in but answers, so that it may forget who is behind
/// it.
pub fn hides(case: &Case<'_>, end: usize) -> bool {
    is_in_front(case, end) && !is_asked_first(case, end)
}

/// The NATs that hide a peer of a tunnel. Gathered once, since as many ICMP errors may ask for them as there are
/// messages.
#[derive(Debug)]
pub struct Nats {
    /// Which ends are hidden.
    hidden: [bool; 2],
    /// From where IKE comes that has another port than daemons use, to a port that they do use.
    addresses: HashSet<IpAddr>,
    /// From where IKE comes.
    senders: HashSet<Endpoint>,
}

impl Nats {
    /// Those of a tunnel.
    pub fn of(case: &Case<'_>) -> Self {
        let known = |end: Endpoint| matches!(end.port, Some(500 | 4500));
        let (mut addresses, mut senders) = (HashSet::default(), HashSet::default());
        for message in case.messages() {
            let (from, to) = (message.path.from(), message.path.to());
            senders.insert(from);
            if !known(from) && known(to) {
                addresses.insert(from.address);
            }
        }
        Self {
            hidden: [0, 1].map(|end| hides(case, end)),
            addresses,
            senders,
        }
    }

    /// Whether an address is that of one: NAT detection says so, or its ports do.
    pub fn has(&self, case: &Case<'_>, address: IpAddr) -> bool {
        let end = end_of(case.tunnel, address);
        end.and_then(|end| self.hidden.get(end)) == Some(&true) || self.addresses.contains(&address)
    }

    /// Whether an endpoint is a port of one that it gave to nobody: no IKE comes from there. A NAT has no way in for
    /// what goes there, whoever is behind it.
    pub fn gave_to_nobody(&self, case: &Case<'_>, to: Endpoint) -> bool {
        self.has(case, to.address) && !self.senders.contains(&to)
    }
}

/// Whether an end was asked first, and answered: it is reached from outside, so either a NAT in front forwards its
/// ports and forgets none of them, or there is no NAT, whatever its hash says, which may be false to have ESP
/// encapsulated (RFC 7296 section 2.23).
pub fn is_asked_first(case: &Case<'_>, end: usize) -> bool {
    case.ike_sas().any(|sa| {
        let first = sa.exchanges.first().map(|id| &case.model.exchanges[*id]);
        let answer = first.and_then(|first| super::first(case.model, first.response()?));
        let begins = first.is_some_and(|first| {
            matches!(
                first.kind,
                ExchangeType::IKE_SA_INIT
                    | ExchangeType::IDENTITY_PROTECTION
                    | ExchangeType::AGGRESSIVE
            )
        });
        let from = answer.map(|answer| answer.path.from().address);
        begins && from.is_some_and(|from| end_of(case.tunnel, from) == Some(end))
    })
}

fn is_translated(case: &Case<'_>, end: usize, how: NatVerdict) -> bool {
    case.ike_sas().any(|sa| {
        let Some((nat, path)) = sa.nat.zip(sa.paths.first()) else {
            return false;
        };
        let sides = [(nat.initiator, path.from), (nat.responder, path.to)];
        sides
            .into_iter()
            .any(|(verdict, side)| verdict == how && end_of(case.tunnel, side.address) == Some(end))
    })
}

/// How long an end behind a NAT had been silent at a time, if the NAT may have forgotten it by then.
pub fn idle(case: &Case<'_>, vantage: Vantage, end: usize, time: Timestamp) -> Option<Span> {
    if !is_in_front(case, end) {
        return None;
    }
    silent_for(case, vantage, end, time)
}

/// How long an end had sent nothing at a time, if a NAT beyond the tap may have forgotten it by then, so that it comes out
/// of another port.
pub fn idle_before_it(
    case: &Case<'_>,
    vantage: Vantage,
    end: usize,
    time: Timestamp,
) -> Option<Span> {
    match is_translated(case, end, NatVerdict::TranslatedBeyond) {
        true => silent_for(case, vantage, end, time),
        false => None,
    }
}

fn silent_for(case: &Case<'_>, vantage: Vantage, end: usize, time: Timestamp) -> Option<Span> {
    let idle = time.since(last_of(case, vantage, end, time)?.1);
    (idle >= IDLE).then_some(idle)
}

/// What lets a NAT forget nobody.
pub const KEEP_ALIVE: &str =
    "Let the side behind the NAT send keepalives more often than the NAT forgets; 20 s is common.";

/// Adds that a NAT may have forgotten a peer that had been silent for so long.
pub fn may_forget(finding: Finding, peer: IpAddr, idle: Span) -> Finding {
    finding
        .or(say!(
            "{peer} is behind a NAT and had sent nothing for {idle} before: the NAT forgot it, and nothing reaches it \
             until it speaks.",
            peer,
            idle
        ))
        .advise(KEEP_ALIVE)
}

/// Adds that a NAT beyond the tap may give who speaks again after so long another port, which its peer does not know.
pub fn may_move(finding: Finding, speaker: IpAddr, peer: IpAddr, idle: Span) -> Finding {
    finding
        .or(say!(
            "{speaker} is behind a NAT and had sent nothing for {idle} before: the NAT had forgotten it and gave it \
             another port, and {peer} answers to the old one.",
            speaker,
            idle,
            peer
        ))
        .advise(KEEP_ALIVE)
}

/// The last packet of an end before a time: IKE, ESP or a keepalive. `None` if there is none, or if a flow,
/// or its keepalives, went on at that time.
fn last_of(case: &Case<'_>, vantage: Vantage, end: usize, time: Timestamp) -> Option<Cite> {
    let mut last: Option<Cite> = None;
    let mut hear = |at: Cite| {
        if at.1 < time && last.is_none_or(|last| last.1 < at.1) {
            last = Some(at);
        }
    };
    let of_end = |address| end_of(case.tunnel, address) == Some(end);
    for message in case.messages() {
        if message.vantage == vantage && of_end(message.path.from().address) {
            hear((message.frame, message.time));
        }
    }
    let keepalives = tap::keepalives(case, end);
    for seen in keepalives.filter(|seen| seen.vantage == vantage && seen.first.1 < time) {
        let longest = seen.longest;
        hear(match seen.last.1 < time {
            true => seen.last,
            // They came all the time, unless it was just then that they paused.
            false if longest.before.1 >= time || longest.after.1 < time => return None,
            false => longest.before,
        });
    }
    let here = case.directions().iter();
    let here = here.filter(|directions| directions.vantage == vantage);
    for flow in here.flat_map(|directions: &Directions<'_>| directions.flows(1 - end)) {
        if flow.seen.first.1 >= time {
            continue;
        }
        if flow.seen.last.1 < time {
            hear(flow.seen.last);
            continue;
        }
        let mut silences = flow.silences.iter();
        let around = silences.find(|one| one.before.1 < time && one.after.1 >= time);
        hear(around?.before);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;
    use crate::testing::model;

    /// The initiator is behind a NAT: its own hash is of another address.
    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500) ttl=63
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(B:500 A:500)
        0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    fn idle_at(text: &str, seconds: i64) -> Option<Span> {
        let model = model(text);
        let case = Case::of(&model, TunnelId(0));
        let vantage = case.messages().next().unwrap().vantage;
        idle(&case, vantage, 0, Timestamp(seconds * 1_000_000_000))
    }

    #[test]
    fn the_silence_of_who_is_behind_a_nat() {
        assert_eq!(idle_at(UP, 10), None);
        assert_eq!(idle_at(UP, 30).map(|idle| idle.0 / 1_000_000_000), Some(29));
        let busy = format!("{UP}\n1 A:4500 > B:4500 ESP 0xb1 seq 1..60 every 1 size 136");
        assert_eq!(idle_at(&busy, 30), None);
        let paused = format!(
            "{UP}\n1 A:4500 > B:4500 ESP 0xb1 seq 1..5 every 1 size 136
             40 A:4500 > B:4500 ESP 0xb1 seq 6..9 every 1 size 136"
        );
        assert_eq!(
            idle_at(&paused, 30).map(|idle| idle.0 / 1_000_000_000),
            Some(25)
        );
    }
}

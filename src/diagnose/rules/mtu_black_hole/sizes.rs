//! Which sizes of packets inside were acknowledged or answered, and which never.

use super::PATTERN;
use crate::diagnose::facts::inner::Inside;
use crate::diagnose::facts::{Tap, quality, tap};
use crate::diagnose::{Case, Cite};
use crate::language::{Text, count};
use crate::model::{EchoSize, InnerFlow, InnerWay, Seen};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Sizes of packets inside that were acknowledged or answered, and sizes that never were.
#[derive(Default)]
pub(super) struct Sizes {
    /// The largest that was.
    pub(super) passes: u32,
    /// When something passed last.
    pub(super) until: Option<Timestamp>,
    /// The smallest that never was, however often it was sent.
    pub(super) lost: Option<u32>,
    /// The largest that never was.
    pub(super) largest: u32,
    /// How often those were sent.
    pub(super) sent: u64,
    /// How many of them were echo requests, whose answers are as large.
    pub(super) echoes: u64,
    /// Something small was lost as well: then size is not the reason.
    pub(super) small_lost: bool,
    /// Whether all that is known to pass are handshakes of TCP.
    pub(super) bare: bool,
    /// Whether what was lost is IPv6, whose header is larger.
    pub(super) v6: bool,
    pub(super) places: Vec<(Seen, u32)>,
    /// All that was lost, of whatever size.
    pub(super) all: Vec<Lost>,
    /// Where as large ones had passed before.
    pub(super) amid: Option<Amid>,
}

/// Packets of one size that were lost.
pub(super) struct Lost {
    pub(super) length: u32,
    pub(super) sent: u64,
    pub(super) seen: Seen,
    /// When the second of them was sent, of echo requests about.
    pub(super) again: Timestamp,
    /// Whether they were echo requests.
    pub(super) echo: bool,
    /// Whether the other end of the connection had said nothing for a while, and says nothing since: it may be gone.
    pub(super) quiet: bool,
}

impl Lost {
    /// So many of a number of echo requests that came at one pace.
    pub(super) fn echoes(length: u32, sent: u64, requests: u64, seen: Seen) -> Self {
        let (first, last) = (seen.first.1, seen.last.1);
        let gaps = i64::try_from(requests.saturating_sub(1)).unwrap_or(i64::MAX);
        Self {
            length,
            sent,
            seen,
            again: first.later(Span(last.since(first).0 / gaps.max(1))),
            echo: true,
            quiet: false,
        }
    }
}

/// Before and after large packets vanished.
pub(super) struct Amid {
    /// The largest that passed before or after.
    pub(super) larger: u32,
    /// Whether as large ones passed again.
    pub(super) heals: bool,
}

/// A connection whose data is too large stands still at once, so soon after its handshake.
const CLOSE: Span = Span::from_secs(2);

impl Sizes {
    /// Whether something passed so long after a moment, or later.
    pub(super) fn passed_since(&self, after: Span, moment: Timestamp) -> bool {
        self.until.is_some_and(|until| until.since(moment) >= after)
    }

    pub(super) fn lose(&mut self, lost: Lost, v6: bool) {
        let length = lost.length;
        match length <= self.passes {
            true => self.small_lost = true,
            false => {
                self.lost = Some(self.lost.map_or(length, |least| least.min(length)));
                self.largest = self.largest.max(length);
                self.sent += lost.sent;
                self.echoes += if lost.echo { lost.sent } else { 0 };
                self.places.push((lost.seen, length));
            }
        }
        self.v6 |= v6;
        self.all.push(lost);
    }

    /// What was sent in vain, and how often.
    pub(super) fn in_vain(&self, lost: u32, lasted: Span) -> Text {
        let one_size = self.largest == lost;
        let requests = || count(self.sent, "echo request");
        let packets = || count(self.sent, "packet");
        match (self.echoes >= self.sent, self.places.len()) {
            (false, 1) => say!(
                "A segment of {lost} octets was sent {times} in {lasted} and never acknowledged.",
                lost,
                times = count(self.sent, "time"),
                lasted
            ),
            (true, _) if one_size => say!(
                "{requests} of {lost} octets had no answer.",
                requests = requests(),
                lost
            ),
            (true, _) => say!(
                "{requests} of {lost} to {largest} octets had no answer.",
                requests = requests(),
                lost,
                largest = self.largest
            ),
            (false, _) if one_size => say!(
                "{packets} of {lost} octets were never acknowledged or answered, however often they were sent.",
                packets = packets(),
                lost
            ),
            (false, _) => say!(
                "{packets} of {lost} to {largest} octets were never acknowledged or answered, however often they were sent.",
                packets = packets(),
                lost,
                largest = self.largest
            ),
        }
    }
}

/// Where packets go: the tap, the end, and the host behind it where each is looked at for itself.
pub(super) type Place = (Vantage, usize, Option<IpAddr>);

/// What one end of a conversation sends, to an end of the tunnel.
pub(super) struct Going<'m> {
    pub(super) talk: &'m InnerFlow,
    pub(super) out: &'m InnerWay,
    /// Which way of the conversation that is.
    way: usize,
    /// The end of the tunnel that it goes to.
    pub(super) end: usize,
    /// Who sends it.
    from: IpAddr,
    /// The host that it is for.
    pub(super) to: IpAddr,
}

/// All that goes to either end.
pub(super) fn goings<'m>(inside: &Inside<'m>) -> impl Iterator<Item = Going<'m>> {
    inside.talks().flat_map(|talk| {
        let ways = talk.ways.iter().enumerate();
        ways.filter_map(|(way, out)| {
            Some(Going {
                talk,
                out,
                way,
                end: inside.end_towards(out)?,
                from: talk.ends.get(way)?.address,
                to: talk.ends.get(1 - way)?.address,
            })
        })
    })
}

impl<'m> Going<'m> {
    /// Sizes of its echo requests.
    pub(super) fn echoes(&self) -> impl Iterator<Item = &'m EchoSize> + use<'m> {
        self.out.echo.iter().flat_map(|echo| &echo.sizes)
    }

    /// The largest that is known to pass.
    pub(super) fn passes(&self) -> u32 {
        let acked = self.out.tcp.as_ref().map_or(0, |tcp| tcp.acked.largest());
        let answered = self.echoes().filter(|size| size.answered > 0);
        let largest = answered.map(|size| size.length).max();
        largest.unwrap_or(0).max(acked)
    }

    /// Segments that were sent again and never acknowledged, if it was waited long enough for that. Of a connection that
    /// goes on although nothing of the other end passes here, the acknowledgments come by another way.
    pub(super) fn stuck(&self, case: &Case<'_>) -> Vec<Lost> {
        /// An end that is there acknowledges within this time (RFC 9293 section 3.8.6.3).
        const WHILE: Span = Span::from_secs(5);
        let vantage = self.talk.vantage;
        let back = self.talk.other(self.way);
        let heard = back.seen.map(|seen| seen.last.1);
        let sent = self.out.seen.map(|seen| seen.last);
        let goes_on = |at: Cite| back.packets == 0 && sent.is_some_and(|last| last.1 > at.1);
        let ended = |at: Cite| tap::went_on(case.model, vantage, at.1, Tap::PATIENCE);
        let stuck = self.out.tcp.iter().flat_map(|tcp| &tcp.stuck);
        let stuck = stuck.filter_map(|stuck| {
            // Of the last copy the acknowledgement may lie beyond the recording, of those before it none does.
            let pending = u64::from(!ended(stuck.seen.last));
            let waited =
                pending == 0 || stuck.seen.last.1.since(stuck.seen.first.1) >= Tap::PATIENCE;
            (waited && !goes_on(stuck.seen.last)).then_some(Lost {
                length: stuck.length,
                sent: stuck.sent.saturating_sub(pending),
                seen: stuck.seen,
                again: stuck.again.1,
                echo: false,
                quiet: heard.is_none_or(|at| stuck.seen.first.1.since(at) >= WHILE),
            })
        });
        stuck.collect()
    }

    /// Whether it is IPv6, whose header is larger.
    pub(super) fn is_v6(&self) -> bool {
        self.to.is_ipv6()
    }

    /// When the handshake of a connection was over, if a packet of it passed this way: a SYN-ACK on which the other
    /// end went on, or a SYN that was answered.
    pub(super) fn shaken(&self) -> Option<Cite> {
        let (out, back) = (
            self.out.tcp.as_ref()?,
            self.talk.other(self.way).tcp.as_ref()?,
        );
        let answer = match back.established {
            true => out.syn_ack,
            false => back.syn_ack,
        };
        answer.map(|seen| seen.last)
    }
}

/// The sizes of what goes to each place.
pub(super) fn sizes(case: &Case<'_>, inside: &Inside<'_>, by_host: bool) -> BTreeMap<Place, Sizes> {
    let mut found: BTreeMap<Place, Sizes> = BTreeMap::new();
    // Hosts that sent anything: of one that never did nothing tells whether the size of a request matters.
    let mut alive: BTreeSet<IpAddr> = BTreeSet::new();
    let place = |going: &Going<'_>| {
        let host = Some(going.to).filter(|_| by_host);
        (going.talk.vantage, going.end, host)
    };
    // What passes must be known before it can be said what does not.
    for going in goings(inside) {
        alive.insert(going.from);
        let row = found.entry(place(&going)).or_default();
        row.passes = row.passes.max(going.passes());
        let acked = going
            .out
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.acked.largest() > 0);
        let replied = going.out.echo.as_ref().and_then(|echo| echo.last_reply);
        let back = going.talk.other(going.way).seen.filter(|_| acked);
        let last = replied.max(back.map(|seen| seen.last)).max(going.shaken());
        row.until = row.until.max(last.map(|at| at.1));
    }
    // Where nothing with data was acknowledged, a handshake shows that headers pass.
    for sizes in found.values_mut() {
        sizes.bare = sizes.passes == 0 && sizes.until.is_some();
        if sizes.bare {
            sizes.passes = HEADERS;
        }
    }
    for going in goings(inside) {
        let Some(row) = found.get_mut(&place(&going)) else {
            continue;
        };
        for lost in going.stuck(case) {
            // Unless everything ended at that moment: then size is not the reason. One host may have gone away.
            let least = if by_host { Span(1) } else { Span(-CLOSE.0) };
            if row.passed_since(least, lost.seen.first.1) {
                row.lose(lost, going.is_v6());
            }
        }
        for size in going.echoes() {
            let (first, last) = (size.first, size.last);
            let seen = Seen { first, last };
            let sent = waited_for(case, going.talk.vantage, size.requests, &seen);
            let passed = row.passed_since(Span(1), first.1);
            if size.answered == 0 && sent >= PATTERN && passed && alive.contains(&going.to) {
                let lost = Lost::echoes(size.length, sent, size.requests, seen);
                row.lose(lost, going.is_v6());
            }
        }
    }
    found
}

/// How many of so many echo requests of a size came so long before the end of the recording that it would have their
/// answers, as if they came at one pace.
pub(super) fn waited_for(case: &Case<'_>, vantage: Vantage, requests: u64, seen: &Seen) -> u64 {
    let (first, last) = (seen.first.1, seen.last.1);
    if tap::went_on(case.model, vantage, last, Tap::PATIENCE) {
        return requests;
    }
    let Some(end) = tap::ended(case.model, vantage) else {
        return 0;
    };
    let patience = Tap::PATIENCE
        .0
        .saturating_add(quality::clock_error(case.model, vantage).0);
    let (waited, lasted) = (end.since(first).0 - patience, last.since(first).0);
    match u64::try_from(waited) {
        Ok(waited) if lasted > 0 => {
            let share = u128::from(requests) * u128::from(waited) / lasted as u128;
            u64::try_from(share).unwrap_or(requests).min(requests)
        }
        _ => 0,
    }
}

/// The headers of IPv4 and TCP (RFC 791 section 3.1, RFC 9293 section 3.1).
pub(super) const HEADERS: u32 = 40;

//! Counts what ESP carries, where it can be read: conversations of inner hosts, and errors.
//!
//! Reached only by packets that keys opened or that are not encrypted.

mod bgp;
mod echo;
mod rtts;
mod tcp;
#[cfg(test)]
mod tests;

use crate::language::count;
use crate::limits::{self, Bounds};
use crate::model::{
    Blind, Carrier, FlowId, InnerError, InnerFlow, InnerFlowId, InnerWay, Seen, Table,
};
use crate::net::inner::{Content, InnerIcmp};
use crate::net::{Inner, Quote};
use crate::say;
use crate::units::{Endpoint, FrameId, Timestamp, Vantage};
use echo::EchoCounter;
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use rtts::RttCounter;
use std::net::IpAddr;
use tcp::TcpCounter;

/// Where an ESP packet came, and in which flow.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// Where it was recorded.
    pub vantage: Vantage,
    /// The flow of ESP.
    pub flow: FlowId,
    /// Its frame.
    pub frame: FrameId,
    /// Its time.
    pub time: Timestamp,
}

/// Counts conversations.
#[derive(Debug, Default)]
pub struct InnerCensus {
    rows: Vec<Counter>,
    index: HashMap<Key, usize, RandomState>,
    errors: Vec<InnerError>,
    error_index: HashMap<ErrorKey, usize, RandomState>,
    beyond: u64,
    errors_beyond: u64,
    bounds: Bounds,
}

/// What makes a conversation one: vantage, ends in order, protocol, and whether it is nested.
type Key = (Vantage, Endpoint, Endpoint, u8, bool);

/// What makes errors alike: vantage, sender, family, type, code, and what they quote.
type ErrorKey = (Vantage, IpAddr, bool, u8, u8, Quote);

/// A conversation in the making.
#[derive(Debug)]
struct Counter {
    row: InnerFlow,
    tcp: [TcpCounter; 2],
    echo: [EchoCounter; 2],
    rtts: [RttCounter; 2],
}

impl InnerCensus {
    /// One that counts nothing yet, with these bounds.
    pub fn within(bounds: Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Counts what an ESP packet carries.
    #[cold]
    pub fn count(&mut self, carried: Carried, inner: &Inner) {
        self.go_into(carried, inner, false);
    }

    fn go_into(&mut self, carried: Carried, inner: &Inner, nested: bool) {
        match &inner.content {
            Content::Tunnel(inside) => self.go_into(carried, inside, true),
            Content::Aggfrag(gathered) => {
                // They hold no others: AGGFRAG does not nest.
                for packet in &gathered.packets {
                    self.talk(carried, packet, nested);
                }
            }
            Content::Dummy => {}
            Content::Icmp(
                icmp @ InnerIcmp {
                    quoted: Some(quoted),
                    ..
                },
            ) => self.error(carried, inner, icmp, *quoted),
            _ => self.talk(carried, inner, nested),
        }
    }

    fn talk(&mut self, carried: Carried, inner: &Inner, nested: bool) {
        let (from, to) = (inner.from, inner.to);
        let key = (
            carried.vantage,
            from.min(to),
            from.max(to),
            inner.protocol,
            nested,
        );
        let place = match self.index.get(&key) {
            Some(place) => *place,
            None if self.rows.len() < self.bounds.inner_flows => {
                self.index.insert(key, self.rows.len());
                self.rows.push(Counter::new(carried, inner, nested));
                self.rows.len() - 1
            }
            None => {
                self.beyond += 1;
                return;
            }
        };
        if let Some(row) = self.rows.get_mut(place) {
            row.count(carried, inner);
        }
    }

    fn error(&mut self, carried: Carried, inner: &Inner, icmp: &InnerIcmp, quoted: Quote) {
        let at = (carried.frame, carried.time);
        let key = (
            carried.vantage,
            inner.from.address,
            icmp.v6,
            icmp.kind,
            icmp.code,
            Quote {
                length: 0,
                ..quoted
            },
        );
        match self.error_index.get(&key) {
            Some(place) => {
                if let Some(row) = self.errors.get_mut(*place) {
                    row.count += 1;
                    row.seen.last = at;
                    row.quoted.length = row.quoted.length.max(quoted.length);
                    row.mtu = [row.mtu, icmp.mtu].into_iter().flatten().min();
                }
            }
            None if self.errors.len() < limits::INNER_ERRORS => {
                self.error_index.insert(key, self.errors.len());
                self.errors.push(InnerError {
                    vantage: carried.vantage,
                    flow: carried.flow,
                    from: inner.from.address,
                    to: inner.to.address,
                    v6: icmp.v6,
                    kind: icmp.kind,
                    code: icmp.code,
                    mtu: icmp.mtu,
                    quoted,
                    count: 1,
                    seen: Seen {
                        first: at,
                        last: at,
                    },
                });
            }
            None => self.errors_beyond += 1,
        }
    }

    /// What was counted: conversations, errors, and what was left out.
    pub fn finish(self) -> (Table<InnerFlowId, InnerFlow>, Vec<InnerError>, Vec<Blind>) {
        let blind = [
            (
                self.beyond,
                say!(
                    "{packets} of further conversations inside ESP",
                    packets = count(self.beyond, "packet")
                ),
                self.bounds.inner_flows,
            ),
            (
                self.errors_beyond,
                say!(
                    "{errors} inside ESP of further kinds",
                    errors = count(self.errors_beyond, "ICMP error")
                ),
                limits::INNER_ERRORS,
            ),
        ];
        let blind = blind.into_iter().filter(|(number, ..)| *number > 0);
        (
            self.rows.into_iter().map(Counter::finish).collect(),
            self.errors,
            blind
                .map(|(_, what, limit)| Blind {
                    what,
                    why: super::beyond(limit),
                })
                .collect(),
        )
    }
}

impl Counter {
    fn new(carried: Carried, inner: &Inner, nested: bool) -> Self {
        let at = (carried.frame, carried.time);
        Self {
            row: InnerFlow {
                vantage: carried.vantage,
                ends: [inner.from, inner.to],
                protocol: inner.protocol,
                nested,
                ways: Default::default(),
                seen: Seen {
                    first: at,
                    last: at,
                },
            },
            tcp: Default::default(),
            echo: Default::default(),
            rtts: Default::default(),
        }
    }

    fn count(&mut self, carried: Carried, inner: &Inner) {
        let at = (carried.frame, carried.time);
        let [first, second] = &mut self.row.ways;
        let [first_tcp, second_tcp] = &mut self.tcp;
        let [first_echo, second_echo] = &mut self.echo;
        let [first_rtts, second_rtts] = &mut self.rtts;
        let is_first = self.row.ends.first() == Some(&inner.from);
        // Mine is the sender's, theirs the receiver's.
        let ((mine, my_tcp, my_echo), (theirs, their_tcp, their_echo, their_rtts)) = match is_first
        {
            true => (
                (first, first_tcp, first_echo),
                (second, second_tcp, second_echo, second_rtts),
            ),
            false => (
                (second, second_tcp, second_echo),
                (first, first_tcp, first_echo, first_rtts),
            ),
        };
        self.row.seen.last = at;
        take(mine, carried, inner);
        match &inner.content {
            Content::Tcp(segment) => {
                let rtt = tcp::count((mine, my_tcp), (theirs, their_tcp), at, inner, segment);
                if let Some(rtt) = rtt {
                    their_rtts.push(&mut theirs.rtts, rtt);
                }
                bgp::count(mine, at, &segment.bgp);
            }
            Content::Icmp(InnerIcmp {
                echo: Some(echo), ..
            }) => match echo.reply {
                false => my_echo.request(mine, at, inner, *echo),
                true => {
                    if let Some(rtt) = their_echo.reply(theirs, at, *echo) {
                        their_rtts.push(&mut theirs.rtts, rtt);
                    }
                }
            },
            _ => {}
        }
    }

    fn finish(mut self) -> InnerFlow {
        for (way, tcp) in self.row.ways.iter_mut().zip(self.tcp) {
            tcp.finish(way);
        }
        for (way, echo) in self.row.ways.iter_mut().zip(self.echo) {
            echo.finish(way);
        }
        self.row
    }
}

/// Counts a packet of any protocol.
fn take(way: &mut InnerWay, carried: Carried, inner: &Inner) {
    let at = (carried.frame, carried.time);
    let seen = Seen {
        first: at,
        last: at,
    };
    way.packets += 1;
    way.octets += u64::from(inner.length);
    way.largest = way.largest.max(inner.length);
    way.seen.get_or_insert(seen).last = at;
    let carriers = &mut way.carriers;
    let mut known = carriers.iter_mut();
    if let Some(carrier) = known.find(|carrier| carrier.flow == carried.flow) {
        carrier.packets += 1;
        carrier.seen.last = at;
    } else if carriers.len() < limits::INNER_CARRIERS {
        carriers.push(Carrier {
            flow: carried.flow,
            packets: 1,
            seen,
        });
    }
}

/// Adds a place to those that are cited, while there is room.
fn cite(places: &mut Vec<(FrameId, Timestamp)>, at: (FrameId, Timestamp)) {
    if places.len() < limits::INNER_PLACES {
        places.push(at);
    }
}

//! TCP inside ESP: who is answered, and which sizes arrive.

use super::cite;
use crate::limits;
use crate::model::{InnerWay, Place, Rtt, Seen, Stuck, Unheard};
use crate::net::Inner;
use crate::net::inner::Tcp;
use crate::units::{FrameId, Timestamp};
use std::collections::VecDeque;

/// What is known of the segments of one end besides what is told.
#[derive(Debug, Default)]
pub(super) struct TcpCounter {
    /// Initial sequence number of the attempt at hand, and its SYN if it was sent once.
    attempt: Option<(u32, Option<Timestamp>)>,
    /// Whether the SYN of the attempt was answered by one that passed here.
    answered: bool,
    /// One beyond the highest number that was sent.
    sent: Option<u32>,
    /// One beyond the highest number that the other end acknowledged, and where it did.
    acked: Option<(u32, Place)>,
    /// Where the segment begins that was sent last although it had been acknowledged.
    again: Option<(u32, Unheard)>,
    unacked: VecDeque<Unacked>,
}

/// A segment that was not yet acknowledged.
#[derive(Debug)]
struct Unacked {
    start: u32,
    end: u32,
    /// Whether a part of it was sent again by itself, so that its size proves nothing.
    split: bool,
    stuck: Stuck,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// A segment that was sent so often and never acknowledged is told, and so is one that was sent so often
/// after it was.
const STUCK: u64 = 3;

/// Whether `a` comes after `b` (RFC 9293 section 3.4).
fn after(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 1 << 31
}

/// Counts a segment of the first end towards the second; gives the round trip of a SYN that it
/// answers.
pub(super) fn count(
    (way, mine): (&mut InnerWay, &mut TcpCounter),
    (other_way, theirs): (&mut InnerWay, &mut TcpCounter),
    at: (FrameId, Timestamp),
    inner: &Inner,
    segment: &Tcp,
) -> Option<Rtt> {
    let row = way.tcp.get_or_insert_default();
    let is = |flag: u8| segment.flags.0 & flag != 0;
    let mut rtt = None;
    if is(RST) {
        row.resets += 1;
        // An end that only ever says RST answers a SYN so.
        let only_this = row.syn_acks == 0 && row.syns == 0 && mine.sent.is_none();
        let asked = other_way.tcp.as_ref().is_some_and(|tcp| tcp.syns > 0);
        if only_this && asked && is(ACK) {
            row.refusal.get_or_insert(at);
            theirs.answered = true;
        }
        return None;
    }
    row.fins += u64::from(is(FIN));
    row.mss = row.mss.or(segment.mss);
    match (is(SYN), is(ACK)) {
        (true, false) => {
            row.syns += 1;
            cite(&mut row.syn_places, at);
            match &mut mine.attempt {
                Some((number, once)) if *number == segment.sequence => {
                    *once = None;
                    if mine.answered {
                        cite(&mut row.deaf, at);
                    }
                }
                attempt => {
                    *attempt = Some((segment.sequence, Some(at.1)));
                    row.attempts += 1;
                    mine.begin();
                    theirs.begin();
                }
            }
        }
        (true, true) => {
            row.syn_acks += 1;
            let seen = Seen {
                first: at,
                last: at,
            };
            row.syn_ack.get_or_insert(seen).last = at;
            if let Some((number, once)) = &mut theirs.attempt
                && segment.acknowledgment == number.wrapping_add(1)
            {
                theirs.answered = true;
                rtt = once.take().map(|asked| Rtt {
                    at,
                    rtt: at.1.since(asked),
                });
            }
        }
        (false, true) => {
            row.established |= mine.answered;
            mine.answered = false;
        }
        (false, false) => {}
    }
    if segment.payload > 0 {
        mine.data(way, at, inner, segment);
    }
    if is(ACK) {
        theirs.acknowledged(other_way, segment.acknowledgment, at);
    }
    rtt
}

impl TcpCounter {
    /// A new connection on the same ports.
    fn begin(&mut self) {
        self.answered = false;
        self.sent = None;
        self.acked = None;
        self.again = None;
        self.unacked.clear();
    }

    fn data(&mut self, way: &mut InnerWay, at: (FrameId, Timestamp), inner: &Inner, segment: &Tcp) {
        let Some(row) = &mut way.tcp else { return };
        let syn = u32::from(segment.flags.0 & SYN != 0);
        let start = segment.sequence.wrapping_add(syn);
        let end = start.wrapping_add(segment.payload);
        let new = match self.sent {
            Some(sent) if !after(end, sent) => 0,
            Some(sent) if after(sent, start) => end.wrapping_sub(sent),
            _ => segment.payload,
        };
        row.data += u64::from(new);
        if new > 0 {
            self.sent = Some(end);
            self.again = None;
        } else {
            row.repeated += 1;
        }
        if let Some((acked, acknowledged)) = self.acked
            && !after(end, acked)
        {
            // A keepalive may have an octet of what was acknowledged (RFC 9293 section 3.8.4).
            if segment.payload > 1 {
                self.sent_again(start, acknowledged, at);
            }
            return;
        }
        let mut known = false;
        for waiting in &mut self.unacked {
            if (waiting.start, waiting.end) == (start, end) {
                waiting.stuck.sent += 1;
                waiting.stuck.seen.last = at;
                if waiting.stuck.sent == 2 {
                    waiting.stuck.again = at;
                }
                waiting.stuck.length = waiting.stuck.length.min(inner.length);
                known = true;
            } else if after(waiting.end, start) && after(end, waiting.start) {
                waiting.split = true;
            }
        }
        // A fragment's size is not that of the segment.
        if !known && inner.fragment.is_none() && self.unacked.len() < limits::INNER_UNACKED {
            let seen = Seen {
                first: at,
                last: at,
            };
            self.unacked.push_back(Unacked {
                start,
                end,
                split: false,
                stuck: Stuck {
                    length: inner.length,
                    sent: 1,
                    seen,
                    again: at,
                },
            });
        }
    }

    /// Counts data that was sent again although its acknowledgment had passed here.
    fn sent_again(&mut self, start: u32, acknowledged: Place, at: Place) {
        match &mut self.again {
            Some((begin, unheard)) if *begin == start => {
                unheard.sent += 1;
                unheard.seen.last = at;
            }
            again => {
                let seen = Seen {
                    first: at,
                    last: at,
                };
                let unheard = Unheard {
                    acknowledged,
                    sent: 1,
                    seen,
                };
                *again = Some((start, unheard));
            }
        }
    }

    /// The other end says that everything before `number` reached it.
    fn acknowledged(&mut self, way: &mut InnerWay, number: u32, at: Place) {
        if self.acked.is_none_or(|(acked, _)| after(number, acked)) {
            self.acked = Some((number, at));
        }
        let Some(row) = &mut way.tcp else { return };
        self.unacked.retain(|waiting| {
            let left = after(waiting.end, number);
            if !left && !waiting.split {
                row.acked.add(waiting.stuck.length, &waiting.stuck.seen);
            }
            left
        });
    }

    /// Tells what was never acknowledged.
    pub(super) fn finish(self, way: &mut InnerWay) {
        if let Some(row) = &mut way.tcp {
            let stuck = self.unacked.iter().map(|waiting| waiting.stuck);
            let often = stuck.filter(|stuck| stuck.sent >= STUCK);
            row.stuck.extend(often.take(limits::INNER_STUCK));
            let again = self.again.map(|(_, unheard)| unheard);
            row.unheard = again.filter(|unheard| unheard.sent >= STUCK);
        }
    }
}

//! Conversations inside ESP, as far as keys opened it or it is not encrypted.

use super::esp_flow::FlowId;
use super::ike_sa::Seen;
use super::table::id;
use crate::limits;
use crate::net::Quote;
use crate::net::inner::BgpOpen;
use crate::units::{Endpoint, FrameId, Span, Timestamp, Vantage};
use std::net::IpAddr;

id!(InnerFlowId, "a conversation inside ESP");

/// Frame and time of a packet.
pub type Place = (FrameId, Timestamp);

/// All packets inside ESP between two ends of one protocol, at one vantage. Ends have ports where
/// the protocol has some; ICMP errors are no conversation, they are [`InnerError`]s.
#[derive(Clone, Debug)]
pub struct InnerFlow {
    /// Where it was recorded.
    pub vantage: Vantage,
    /// Its ends; the first sent the first packet that was seen.
    pub ends: [Endpoint; 2],
    /// IP protocol.
    pub protocol: u8,
    /// Whether it lies in a tunnel inside ESP, such as GRE: the selectors of the SA are then about
    /// the packet around it.
    pub nested: bool,
    /// What the first end sent, and what the second.
    pub ways: [InnerWay; 2],
    /// First and last packet.
    pub seen: Seen,
}

/// What one end of a conversation sent.
#[derive(Clone, Debug, Default)]
pub struct InnerWay {
    /// Packets.
    pub packets: u64,
    /// Octets of them, as [`Inner::length`](crate::net::Inner::length) counts.
    pub octets: u64,
    /// The largest of them.
    pub largest: u32,
    /// First and last packet; `None` if there was none.
    pub seen: Option<Seen>,
    /// The ESP flows that carried them, in order of first use; the first
    /// [`crate::limits::INNER_CARRIERS`].
    pub carriers: Vec<Carrier>,
    /// TCP, if it is that.
    pub tcp: Option<Box<TcpWay>>,
    /// ICMP echo requests of this end, if it sent any.
    pub echo: Option<Box<EchoWay>>,
    /// BGP, if a message of it was seen.
    pub bgp: Option<Box<BgpWay>>,
    /// Round trips from the tap to the other end and back: echo, and the handshake of TCP. At most
    /// [`crate::limits::INNER_RTTS`] in order of time; of neighbours the shortest stands for all.
    pub rtts: Vec<Rtt>,
}

/// An ESP flow that carried packets of a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Carrier {
    /// The flow.
    pub flow: FlowId,
    /// How many packets.
    pub packets: u64,
    /// First and last of them.
    pub seen: Seen,
}

/// A round trip.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rtt {
    /// The answer.
    pub at: Place,
    /// How long after the request it came.
    pub rtt: Span,
}

/// TCP segments of one end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TcpWay {
    /// SYN without ACK, repetitions included.
    pub syns: u64,
    /// The first of them, citable.
    pub syn_places: Vec<Place>,
    /// Different initial sequence numbers among them: attempts.
    pub attempts: u64,
    /// SYNs sent again although the SYN-ACK had passed here, and nothing else was sent since.
    pub deaf: Vec<Place>,
    /// SYN with ACK, repetitions included.
    pub syn_acks: u64,
    /// The first and the last of them.
    pub syn_ack: Option<Seen>,
    /// Whether it went on after a SYN-ACK of the other end: the connection stands.
    pub established: bool,
    /// Segments with RST.
    pub resets: u64,
    /// The first RST that answers a SYN: nobody listens, or a filter says so.
    pub refusal: Option<Place>,
    /// Segments with FIN.
    pub fins: u64,
    /// Maximum segment size that it announced.
    pub mss: Option<u16>,
    /// Octets of data, each counted once.
    pub data: u64,
    /// Segments of data that had been sent before.
    pub repeated: u64,
    /// Packets with data that were acknowledged.
    pub acked: Passed,
    /// Segments sent again and never acknowledged, in order; the first
    /// [`crate::limits::INNER_STUCK`].
    pub stuck: Vec<Stuck>,
    /// The last data, if it was sent again and again although its acknowledgment had passed here.
    pub unheard: Option<Unheard>,
}

/// Which sizes of packets arrived, and when they were sent, as far as it takes to say what may have passed within a time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Passed {
    /// Octets, and when a packet larger than all before it was sent first; the last [`crate::limits::INNER_PASSED`].
    pub rising: Vec<(u32, Timestamp)>,
    /// Octets, and when a packet larger than all after it was sent last; at most [`crate::limits::INNER_PASSED`], of
    /// which the last counts for smaller ones as well.
    pub falling: Vec<(u32, Timestamp)>,
}

impl Passed {
    /// Adds a packet that was sent at these times, the last of which is later than those before it, as a rule.
    pub(crate) fn add(&mut self, length: u32, seen: &Seen) {
        if self.rising.last().is_none_or(|(most, _)| *most < length) {
            if self.rising.len() >= limits::INNER_PASSED {
                self.rising.remove(0);
            }
            self.rising.push((length, seen.first.1));
        }
        let last = seen.last.1;
        while self
            .falling
            .pop_if(|(least, at)| *least <= length && *at <= last)
            .is_some()
        {}
        let full = self.falling.len() >= limits::INNER_PASSED;
        match self.falling.last_mut() {
            Some((_, at)) if full => *at = last.max(*at),
            Some((_, at)) if last < *at => {}
            _ => self.falling.push((length, last)),
        }
    }

    /// Octets of the largest.
    pub fn largest(&self) -> u32 {
        self.rising.last().map_or(0, |(length, _)| *length)
    }

    /// No packet larger than so many octets passed between two times.
    pub fn at_most(&self, from: Timestamp, until: Timestamp) -> u32 {
        let since = self.falling.iter().find(|(_, at)| *at >= from);
        let before = self.rising.iter().rfind(|(_, at)| *at <= until);
        match (since, before) {
            (Some((since, _)), Some((before, _))) => *since.min(before),
            // Of those before the first that is kept the sizes are not known.
            (Some((since, _)), None) if self.rising.len() >= limits::INNER_PASSED => *since,
            _ => 0,
        }
    }

    /// Octets of packets that passed between two times, as far as they are kept.
    pub fn within(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = u32> {
        let all = self.rising.iter().chain(&self.falling);
        all.filter(move |(_, at)| (from..=until).contains(at))
            .map(|(length, _)| *length)
    }
}

/// Data that was sent again and again although its acknowledgment had passed here, and nothing new was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unheard {
    /// The acknowledgment.
    pub acknowledged: Place,
    /// How often it was sent since.
    pub sent: u64,
    /// First and last time since.
    pub seen: Seen,
}

/// A segment that was sent again and never acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stuck {
    /// Octets of the packet.
    pub length: u32,
    /// How often it was sent.
    pub sent: u64,
    /// First and last time.
    pub seen: Seen,
    /// The second time.
    pub again: Place,
}

/// ICMP echo requests of one end, and their replies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EchoWay {
    /// Requests.
    pub requests: u64,
    /// Those that were answered.
    pub answered: u64,
    /// The first requests that were not answered, citable. Those of `waiting` are not among them.
    pub unanswered: Vec<Place>,
    /// The last requests, unanswered so far: the capture may have ended too soon.
    pub waiting: Vec<Place>,
    /// The last reply.
    pub last_reply: Option<Place>,
    /// Requests and answers by length of the request, as it came; the first
    /// [`crate::limits::INNER_ECHO_SIZES`]. Fragments are not among them.
    pub sizes: Vec<EchoSize>,
    /// Time between the first two requests.
    pub period: Option<Span>,
    /// How many requests came after about that time, and how many after another.
    pub regular: (u64, u64),
    /// Three and more requests in a row, at about that period, of which none was answered; the first
    /// [`crate::limits::INNER_RUNS`].
    pub runs: Vec<Run>,
}

/// Echo requests of one length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EchoSize {
    /// Octets of the request.
    pub length: u32,
    /// How many.
    pub requests: u64,
    /// How many of them were answered.
    pub answered: u64,
    /// The first.
    pub first: Place,
    /// The last.
    pub last: Place,
    /// The first and the last that was answered.
    pub passed: Option<Seen>,
    /// The most in a row that were not answered.
    pub hole: Option<Hole>,
}

/// Echo requests of one length in a row that were not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hole {
    /// Those in it.
    pub run: Run,
    /// The last before it that was answered.
    pub before: Option<Place>,
    /// The first after it that was answered.
    pub after: Option<Place>,
}

impl EchoSize {
    /// Whether one of them may have been answered that was sent between two times.
    pub fn may_have_passed(&self, from: Timestamp, until: Timestamp) -> bool {
        self.passed.is_some_and(|passed| {
            let (from, until) = (from.max(passed.first.1), until.min(passed.last.1));
            let spared = self.hole.is_none_or(|hole| {
                let begun = hole.before.is_none_or(|before| before.1 < from);
                let lasts = hole.after.is_none_or(|after| until < after.1);
                !(begun && lasts)
            });
            from <= until && spared
        })
    }

    /// Whether one of them that was sent between two times is known to have been answered.
    pub fn surely_passed(&self, from: Timestamp, until: Timestamp) -> bool {
        let Some(passed) = self.passed else {
            return false;
        };
        let holes = self.hole.iter();
        let edges = holes.flat_map(|hole| [hole.before, hole.after]).flatten();
        let mut known = [passed.first, passed.last].into_iter().chain(edges);
        // Where each is answered, and two of them fit between these times, one was.
        let throughout = passed.first.1 <= from && until <= passed.last.1;
        let lasted = self.last.1.since(self.first.1).0;
        let gaps = i64::try_from(self.requests.saturating_sub(1)).unwrap_or(i64::MAX);
        let often = lasted.saturating_mul(2) <= until.since(from).0.saturating_mul(gaps);
        known.any(|at| (from..=until).contains(&at.1))
            || throughout && often && self.answered >= self.requests
    }
}

/// Requests in a row that were not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// How many.
    pub requests: u64,
    /// First and last of them.
    pub seen: Seen,
}

/// BGP messages of one end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BgpWay {
    /// OPEN messages, the first [`crate::limits::INNER_BGP`]; what one says is `None` if it was cut.
    pub opens: Vec<(Place, Option<BgpOpen>)>,
    /// NOTIFICATION messages with code and subcode, the first [`crate::limits::INNER_BGP`].
    pub notifications: Vec<(Place, Option<(u8, u8)>)>,
    /// KEEPALIVE messages.
    pub keepalives: u64,
    /// UPDATE messages.
    pub updates: u64,
    /// The last KEEPALIVE or UPDATE.
    pub alive: Option<Place>,
}

/// ICMP errors inside ESP of one sender about packets between the same two ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InnerError {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// The ESP flow that carried the first.
    pub flow: FlowId,
    /// Who says so.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The least MTU that they tell.
    pub mtu: Option<u32>,
    /// The packet that they are about; its length is that of the largest.
    pub quoted: Quote,
    /// How many.
    pub count: u64,
    /// First and last.
    pub seen: Seen,
}

impl InnerFlow {
    /// The way that goes the other way.
    pub fn other(&self, way: usize) -> &InnerWay {
        let [first, second] = &self.ways;
        match way {
            0 => second,
            _ => first,
        }
    }
}

impl EchoWay {
    /// Whether its requests come at a fixed interval, as those of a check do.
    pub fn is_periodic(&self) -> bool {
        let (regular, irregular) = self.regular;
        regular >= 4 && irregular.saturating_mul(5) <= regular
    }
}

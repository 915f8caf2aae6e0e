//! What there is to see of a tunnel at all, so that a rule about something else need not look.
//!
//! Most tunnels of a large capture are healthy. Their signs are worked out in passing, those of exchanges
//! when their messages are at hand anyway, and most rules have nothing to say of them.

use super::exchange::{Exchange, Flight, is_v1, lacks_answer, was_repeated};
use super::message::{Message, MessageId, Plain};
use crate::registry::ExchangeType;
use crate::units::Span;
use std::iter;

/// A set of signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signs(u32);

impl Signs {
    /// None: what a rule needs that may speak of any tunnel.
    pub const NONE: Self = Self(0);

    /// Flows of ESP or AH.
    pub const ESP: Self = Self(1);
    /// A flow of which numbers are missing.
    pub const LOSS: Self = Self(1 << 1);
    /// A flow of which packets came late.
    pub const LATE: Self = Self(1 << 2);
    /// A flow whose numbers came again, or began again.
    pub const REPEATED: Self = Self(1 << 3);
    /// A flow of which packets came in IP fragments and were put together.
    pub const FRAGMENTED: Self = Self(1 << 4);
    /// Conversations or errors inside ESP that can be read.
    pub const INSIDE: Self = Self(1 << 5);

    /// ICMP errors about its packets.
    pub const ICMP: Self = Self(1 << 6);
    /// IP fragments between its ends, put together or not.
    pub const FRAGMENTS: Self = Self(1 << 7);
    /// Packets in clear that may concern it.
    pub const CLEAR: Self = Self(1 << 8);
    /// Pairs of taps that recorded it.
    pub const TAPS: Self = Self(1 << 9);

    /// More than one IKE SA.
    pub const SEVERAL: Self = Self(1 << 10);
    /// An IKE SA, or an exchange, of IKEv1.
    pub const V1: Self = Self(1 << 11);
    /// An IKE SA of IKEv2 for which no algorithms were chosen.
    pub const UNAGREED: Self = Self(1 << 12);
    /// An IKE SA that was deleted.
    pub const DELETED: Self = Self(1 << 13);
    /// An IKE SA whose messages took another path than ports that float together explain.
    pub const MOVED: Self = Self(1 << 14);
    /// An IKE SA whose hashes of NAT detection do not fit.
    pub const NAT: Self = Self(1 << 15);
    /// An error, a request for a cookie or a gateway redirected from, in clear; or a message outside of any IKE SA.
    pub const NOTICE: Self = Self(1 << 16);
    /// A child SA made under an IKE SA.
    pub const CHILD_SA: Self = Self(1 << 17);

    /// An exchange of IKEv2 after authentication that makes an SA.
    pub const CHILD_EXCHANGE: Self = Self(1 << 18);
    /// An informational exchange.
    pub const INFORMATIONAL: Self = Self(1 << 19);
    /// An exchange that lacks its answer.
    pub const UNANSWERED: Self = Self(1 << 20);
    /// A message of IKE that was sent again.
    pub const AGAIN: Self = Self(1 << 21);
    /// A message of which IKE fragments are missing.
    pub const TORN: Self = Self(1 << 22);

    /// An answer that did not come from where the request went to.
    pub const ASIDE: Self = Self(1 << 23);

    /// A message of IKE in several IP fragments.
    pub const PIECES: Self = Self(1 << 24);
    /// A message that keys opened.
    pub const OPENED: Self = Self(1 << 25);
    /// A message of IKEv2 in clear that should be encrypted.
    pub const BARE: Self = Self(1 << 26);
    /// An exchange of IKEv2 that lacks its request.
    pub const UNASKED: Self = Self(1 << 27);
    /// An informational exchange of IKEv2 whose response lies 80 ms or more behind its request.
    pub const SLOW: Self = Self(1 << 28);
    /// A request and what answers it.
    pub const ANSWERED: Self = Self(1 << 29);
    /// A negotiation of a child SA after authentication that was refused, as far as can be told.
    pub const CHILD_REFUSED: Self = Self(1 << 30);

    /// Round trips that are shorter are of no concern to anyone.
    pub(crate) const SLOWLY: Span = Span::from_millis(80);

    /// These signs and those.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of `needed` is among them, or none is needed.
    #[inline]
    pub fn meet(self, needed: Self) -> bool {
        needed == Self::NONE || self.0 & needed.0 != 0
    }

    /// These, and this one if it is there.
    pub(crate) fn with(self, is_there: bool, sign: Self) -> Self {
        match is_there {
            true => self.or(sign),
            false => self,
        }
    }
}

/// Those of an exchange, whose messages are these.
pub(crate) fn of_exchange<'m>(
    exchange: &Exchange,
    message: impl Fn(MessageId) -> Option<&'m Message>,
) -> Signs {
    let kind = exchange.kind;
    let informational = matches!(
        kind,
        ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
    );
    let v1 = is_v1(kind);
    let mut signs = Signs::NONE
        .with(v1, Signs::V1)
        .with(kind == ExchangeType::CREATE_CHILD_SA, Signs::CHILD_EXCHANGE)
        .with(informational, Signs::INFORMATIONAL)
        .with(lacks_answer(exchange), Signs::UNANSWERED)
        .with(!v1 && exchange.request().is_none(), Signs::UNASKED)
        .with(was_repeated(exchange), Signs::AGAIN)
        .or(of_round_trip(exchange, &message));
    // Only the first exchange of IKEv2 is in clear (RFC 7296 section 1.2).
    let sealed = !v1 && kind != ExchangeType::IKE_SA_INIT;
    for flight in &exchange.flights {
        signs = signs.with(!flight.is_whole(), Signs::TORN);
        let copies = flight.again.iter().chain(&flight.elsewhere);
        for id in flight.parts.iter().chain(copies) {
            signs =
                signs.or(message(*id).map_or(Signs::NONE, |message| of_message(message, sealed)));
        }
    }
    signs
}

/// Of the answer to a request: whether it came from another address or port than was asked, and when.
fn of_round_trip<'m>(
    exchange: &Exchange,
    message: impl Fn(MessageId) -> Option<&'m Message>,
) -> Signs {
    let Some((request, response)) = exchange.request().zip(exchange.response()) else {
        return Signs::NONE;
    };
    let first = |flight: &Flight| flight.first().and_then(&message);
    let Some((asked, answered)) = first(request).zip(first(response)) else {
        return Signs::NONE;
    };
    // A copy that another tap recorded may be the one beside the request.
    let elsewhere = response.elsewhere.iter().filter_map(|id| message(*id));
    let mut answers = iter::once(answered).chain(elsewhere);
    let slow = exchange.kind == ExchangeType::INFORMATIONAL
        && answers.any(|answer| answer.time.since(asked.time) >= Signs::SLOWLY);
    Signs::ANSWERED
        .with(asked.path.to() != answered.path.from(), Signs::ASIDE)
        .with(slow, Signs::SLOW)
}

fn of_message(message: &Message, sealed: bool) -> Signs {
    let opened = matches!(message.plain, Plain::Opened(_));
    Signs::NONE
        .with(message.ip.pieces > 1, Signs::PIECES)
        .with(opened, Signs::OPENED)
        .with(sealed && message.plain == Plain::Clear, Signs::BARE)
}

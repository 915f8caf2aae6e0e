//! What there is to see of a tunnel at all, so that a rule about something else need not look.
//!
//! Most tunnels of a large capture are healthy. Their signs are worked out in one pass over what
//! each of them is made of, and most rules have nothing to say of them.

use super::facts::{asked, first};
use crate::model::{EspFlow, Exchange, Flight, IkeSa, IkeState, Message, Model, Plain, Tunnel};
use crate::net::Path;
use crate::registry::ExchangeType;

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
    /// An error or a request for a cookie in clear.
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

    /// Those of a tunnel.
    pub fn of(model: &Model, tunnel: &Tunnel) -> Self {
        let mut signs = Self::NONE
            .with(!tunnel.flows.is_empty(), Self::ESP)
            .with(!tunnel.inner.is_empty(), Self::INSIDE)
            .with(!tunnel.inner_errors.is_empty(), Self::INSIDE)
            .with(!tunnel.icmp.is_empty(), Self::ICMP)
            .with(!tunnel.fragments.is_empty(), Self::FRAGMENTS)
            .with(!tunnel.clear.is_empty(), Self::CLEAR)
            .with(!tunnel.taps.is_empty(), Self::TAPS)
            .with(tunnel.ike_sas.len() > 1, Self::SEVERAL);
        for id in &tunnel.flows {
            signs = signs.or(of_flow(&model.flows[*id]));
        }
        for id in &tunnel.ike_sas {
            let sa = &model.ike_sas[*id];
            signs = signs.or(of_ike_sa(sa));
            for id in &sa.exchanges {
                signs = signs.or(of_exchange(model, &model.exchanges[*id]));
            }
        }
        signs
    }

    fn with(self, is_there: bool, sign: Self) -> Self {
        match is_there {
            true => self.or(sign),
            false => self,
        }
    }
}

fn of_flow(flow: &EspFlow) -> Signs {
    let tally = &flow.sequence;
    let repeated = tally.duplicate > 0 || tally.restarts > 0;
    Signs::NONE
        .with(tally.missing > 0, Signs::LOSS)
        .with(tally.late > 0, Signs::LATE)
        .with(repeated, Signs::REPEATED)
        .with(flow.fragmented > 0, Signs::FRAGMENTED)
}

fn of_ike_sa(sa: &IkeSa) -> Signs {
    let v1 = sa.version.major() == 1;
    Signs::NONE
        .with(v1, Signs::V1)
        .with(!v1 && sa.suite.is_none(), Signs::UNAGREED)
        .with(sa.state == IkeState::Deleted, Signs::DELETED)
        .with(moved(&sa.paths), Signs::MOVED)
        .with(sa.nat.is_some_and(|nat| nat.is_there()), Signs::NAT)
        .with(!sa.notices.is_empty(), Signs::NOTICE)
        .with(!sa.child_sas.is_empty(), Signs::CHILD_SA)
}

/// Whether the messages of an IKE SA took several paths, and not just two between the same addresses
/// that differ in the ports of both ends: so they float from 500 to 4500 (RFC 7296 section 2.23).
fn moved(paths: &[Path]) -> bool {
    match paths {
        [] | [_] => false,
        [one, two] => {
            one.from.address != two.from.address
                || one.to.address != two.to.address
                || (one.from == two.from) != (one.to == two.to)
        }
        _ => true,
    }
}

fn of_exchange(model: &Model, exchange: &Exchange) -> Signs {
    let kind = exchange.kind;
    let informational = matches!(
        kind,
        ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
    );
    let mut signs = Signs::NONE
        .with(asked::is_v1(kind), Signs::V1)
        .with(kind == ExchangeType::CREATE_CHILD_SA, Signs::CHILD_EXCHANGE)
        .with(informational, Signs::INFORMATIONAL)
        .with(asked::lacks_answer(exchange), Signs::UNANSWERED)
        .with(asked::was_repeated(exchange), Signs::AGAIN)
        .with(aside(model, exchange), Signs::ASIDE);
    // Only the first exchange of IKEv2 is in clear (RFC 7296 section 1.2).
    let sealed = !asked::is_v1(kind) && kind != ExchangeType::IKE_SA_INIT;
    for flight in &exchange.flights {
        signs = signs.with(!flight.is_whole(), Signs::TORN);
        let copies = flight.again.iter().chain(&flight.elsewhere);
        for id in flight.parts.iter().chain(copies) {
            signs = signs.or(of_message(&model.messages[*id], sealed));
        }
    }
    signs
}

/// Whether the answer of an exchange came from another address or port than was asked.
fn aside(model: &Model, exchange: &Exchange) -> bool {
    let path = |flight: &Flight| Some(&first(model, flight)?.path);
    let asked = exchange.request().and_then(path);
    let answered = exchange.response().and_then(path);
    asked
        .zip(answered)
        .is_some_and(|(asked, answered)| asked.to() != answered.from())
}

fn of_message(message: &Message, sealed: bool) -> Signs {
    let opened = matches!(message.plain, Plain::Opened(_));
    Signs::NONE
        .with(message.ip.pieces > 1, Signs::PIECES)
        .with(opened, Signs::OPENED)
        .with(sealed && message.plain == Plain::Clear, Signs::BARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;
    use crate::testing::model;

    const HEALTHY: &str = "
        0.0 A:500 > B:500 IKE_SA_INIT i=1 request
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 response
        0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    fn signs(text: &str) -> Signs {
        let model = model(text);
        Signs::of(&model, &model.tunnels[TunnelId(0)])
    }

    #[test]
    fn a_healthy_negotiation_that_floats_shows_no_oddity() {
        let odd = Signs::MOVED
            .or(Signs::UNANSWERED)
            .or(Signs::AGAIN)
            .or(Signs::ASIDE)
            .or(Signs::SEVERAL)
            .or(Signs::BARE)
            .or(Signs::OPENED)
            .or(Signs::ESP);
        let signs = signs(HEALTHY);
        assert!(!signs.meet(odd), "{signs:?}");
    }

    #[test]
    fn what_needs_no_sign_may_speak_of_any_tunnel() {
        assert!(signs(HEALTHY).meet(Signs::NONE));
    }

    #[test]
    fn another_port_of_one_end_alone_is_a_move() {
        let text =
            format!("{HEALTHY}\n 9.0 A:4501 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80");
        assert!(signs(&text).meet(Signs::MOVED));
        assert!(signs(&text).meet(Signs::UNANSWERED));
        assert!(signs(&text).meet(Signs::INFORMATIONAL));
    }

    #[test]
    fn a_gap_in_the_numbers_is_no_late_packet() {
        let text = "0.0 A > B ESP 0xc1 seq 1..3,5..9";
        let signs = signs(text);
        assert!(signs.meet(Signs::ESP) && signs.meet(Signs::LOSS));
        assert!(!signs.meet(Signs::LATE.or(Signs::REPEATED).or(Signs::V1)));
    }

    #[test]
    fn a_flow_without_a_gap_shows_nothing_odd() {
        let odd = Signs::LOSS
            .or(Signs::LATE)
            .or(Signs::REPEATED)
            .or(Signs::FRAGMENTED);
        let signs = signs("0.0 A > B ESP 0xc1 seq 1..9");
        assert!(signs.meet(Signs::ESP) && !signs.meet(odd), "{signs:?}");
    }

    #[test]
    fn only_a_message_in_several_pieces_is_one() {
        let init = "0.0 A:500 > B:500 IKE_SA_INIT i=1 request";
        assert!(!signs(init).meet(Signs::PIECES));
        assert!(signs(&format!("{init} pieces=2")).meet(Signs::PIECES));
    }
}

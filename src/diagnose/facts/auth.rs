//! Authentication that is asked for and never answered: the second step of IKE.

use super::{Asked, asked, cite, clear, tap};
use crate::diagnose::{Case, Cite};
use crate::model::{Exchange, Flight, FragmentTrain, IkeSa, Model, Role, negotiation};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};

/// A message that authenticates, or makes ready for it, sent and not answered: the first after the algorithms were
/// agreed, or one of a later round.
#[derive(Clone, Debug)]
pub struct AuthSilence<'m> {
    /// The message.
    pub asked: Asked<'m>,
    /// The answer to the first message: proof that the peer is there.
    pub agreed: Cite,
    /// The answer to the round before it.
    pub before: Option<Round>,
    /// How it travels.
    pub shape: Shape,
}

/// The answer to a round that came before another: of `IKE_INTERMEDIATE` (RFC 9242) or of `IKE_AUTH`, of which EAP
/// has several (RFC 7296 section 2.16).
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Its exchange.
    pub kind: ExchangeType,
    /// The answer.
    pub answer: Cite,
}

/// How a message travels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shape {
    /// In one packet.
    Whole,
    /// In so many IP fragments.
    IpFragments(u16),
    /// In IKE fragments (RFC 7383), of which so many of so many were seen.
    IkeFragments {
        /// Fragments seen.
        seen: usize,
        /// Fragments that the message has.
        total: u16,
    },
}

/// The silence that met the authentication of an IKE SA, if there is one.
pub fn silence<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<AuthSilence<'m>> {
    let first = &model.exchanges[*sa.exchanges.first()?];
    let agreed = match first.kind {
        ExchangeType::AGGRESSIVE => cite(model, first.response()?.first()?),
        _ if waits_for_message_4(first) => cite(model, first.flights.get(1)?.first()?),
        _ => agreed(model, sa)?,
    };
    let (exchange, before) = if first.kind == ExchangeType::AGGRESSIVE {
        (
            Some(first).filter(|exchange| model.misses_message_3(exchange))?,
            None,
        )
    } else if first.kind == ExchangeType::IDENTITY_PROTECTION {
        // Messages 1 to 4 agree, 3 and 4 of them by a public value, 5 and 6 authenticate (RFC 2409 section 5).
        let once = first
            .flights
            .last()
            .is_some_and(|last| last.again.is_empty());
        // Message 3 that came once may have been answered past the recording.
        if first.flights.len() != 5 && (once || !waits_for_message_4(first))
            || said_no(model, sa, first)
            || sa.exchanges.iter().skip(1).any(|id| {
                // Whoever speaks on has read message 5, or was answered by a message 6 not recorded, unless it gave
                // up.
                let flights = &model.exchanges[*id].flights;
                flights
                    .iter()
                    .any(|flight| flight.by == Role::Responder || once)
            })
        {
            return None;
        }
        (first, None)
    } else {
        unanswered_round(model, sa)?
    };
    let asked = Asked::of(model, exchange)?;
    asked.is_silent().then(|| AuthSilence {
        shape: shape(&asked),
        before,
        asked,
        agreed,
    })
}

/// Whether exchanges of this kind make an IKE SA of which the algorithms are agreed (RFC 7296 section 1.2, RFC
/// 9242).
fn authenticates(exchange: &Exchange) -> bool {
    matches!(
        exchange.kind,
        ExchangeType::IKE_AUTH | ExchangeType::IKE_INTERMEDIATE
    )
}

/// IKEv2: the round that is not answered, if nothing is answered after it, and nothing but rounds before; and the last
/// of those.
fn unanswered_round<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<(&'m Exchange, Option<Round>)> {
    let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let rounds = exchanges.filter(|exchange| exchange.kind != ExchangeType::IKE_SA_INIT);
    let rounds: Vec<_> = rounds.collect();
    let is_answered = |round: &&&Exchange| {
        authenticates(round) && round.by == Role::Initiator && round.response().is_some()
    };
    let answered = rounds.iter().take_while(is_answered).count();
    let (answered, rest) = rounds.split_at(answered);
    if rest.iter().any(|exchange| exchange.response().is_some()) {
        return None;
    }
    let before = answered.last().and_then(|round| {
        let answer = super::began(model, round.response()?)?;
        let kind = round.kind;
        Some(Round { kind, answer })
    });
    let unanswered = rest.iter().find(|exchange| authenticates(exchange))?;
    Some((unanswered, before))
}

/// Whether it is main mode that goes as far as message 3, which brings the initiator's public value (RFC 2409 section 5).
pub fn waits_for_message_4(exchange: &Exchange) -> bool {
    exchange.kind == ExchangeType::IDENTITY_PROTECTION && exchange.flights.len() == 3
}

/// Where the responder agreed to algorithms: the `IKE_SA_INIT` response with an SA, or main mode
/// message 4.
pub fn agreed(model: &Model, sa: &IkeSa) -> Option<Cite> {
    let flight = sa
        .exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT | ExchangeType::IDENTITY_PROTECTION
            )
        })
        .filter(|exchange| {
            exchange.kind != ExchangeType::IDENTITY_PROTECTION
                || exchange.flights.len() >= 4 && asked::from_the_start(model, exchange)
        })
        .filter_map(Exchange::response)
        .find(|flight| {
            super::first(model, flight)
                .is_some_and(|message| !message.header.spis.responder.is_zero())
        })?;
    flight.first().map(|id| cite(model, id))
}

/// IKEv1: whether message 5 was sent again, and a copy of it refused like the first. A responder that can read the message
/// ends the IKE SA with its refusal, and has no word for copies; one that cannot waits for another.
pub fn is_refused_again(model: &Model, sa: &IkeSa, main: &Exchange) -> bool {
    let apart = |times: &mut Vec<Timestamp>| {
        times.dedup_by(|later, earlier| later.since(*earlier) < asked::DOUBLE);
    };
    let mut copies = copies_of_last(model, main);
    let mut refusals: Vec<Timestamp> = refusals(model, sa, main).map(|at| at.1).collect();
    refusals.sort_unstable();
    apart(&mut copies);
    apart(&mut refusals);
    let again = copies.get(1).zip(refusals.get(1));
    again.is_some_and(|(copy, _)| refusals.last().is_some_and(|last| last >= copy))
}

/// IKEv1: whether the responder answered message 5 by an informational message: a refusal.
pub fn said_no(model: &Model, sa: &IkeSa, main: &Exchange) -> bool {
    no_cite(model, sa, main).is_some()
}

/// IKEv1: the informational message by which the responder answered message 5.
pub fn no_cite(model: &Model, sa: &IkeSa, main: &Exchange) -> Option<Cite> {
    let whole = asked::from_the_start(model, main) && asked::takes_turns(main);
    whole.then(|| refusals(model, sa, main).next()).flatten()
}

/// When the last message of an exchange was sent, and sent again, in order.
fn copies_of_last(model: &Model, exchange: &Exchange) -> Vec<Timestamp> {
    let last = exchange.flights.last().into_iter();
    let copies = last.flat_map(|last| last.parts.iter().chain(&last.again));
    let mut times: Vec<Timestamp> = copies.map(|id| model.messages[*id].time).collect();
    times.sort_unstable();
    times
}

/// IKEv1: the informational messages that answered the last message of phase 1, or a copy of it, and nothing of
/// phase 2 is there.
pub fn refusals(model: &Model, sa: &IkeSa, main: &Exchange) -> impl Iterator<Item = Cite> {
    /// An answer to the message, or to a copy of it, comes this soon; a liveness check later.
    const AT_ONCE: Span = Span::from_secs(2);
    let copies = copies_of_last(model, main);
    // A phase 2 shows that message 6 came, if not to this recording.
    let went_on = sa.exchanges.iter().any(|id| {
        matches!(
            model.exchanges[*id].kind,
            ExchangeType::QUICK_MODE | ExchangeType::TRANSACTION
        )
    });
    let by = main.by;
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(move |exchange| exchange.kind == ExchangeType::INFORMATIONAL_V1 && !went_on)
        .filter(move |exchange| exchange.by != by)
        .filter_map(|exchange| exchange.flights.first())
        .filter(|flight| {
            let opened = model.opened(flight);
            !opened.is_some_and(|(_, read)| negotiation::is_of_phase_2(&read))
        })
        .filter_map(|flight| super::began(model, flight))
        .filter(move |(_, time)| {
            let before = copies.partition_point(|copy| copy <= time);
            let latest = before.checked_sub(1).and_then(|place| copies.get(place));
            latest.is_some_and(|copy| time.since(*copy) <= AT_ONCE)
        })
}

fn shape(asked: &Asked<'_>) -> Shape {
    // A message in one fragment is one packet (RFC 7383 section 2.5).
    if let Some(total) = asked.flight.fragments.filter(|total| *total > 1) {
        return Shape::IkeFragments {
            seen: asked.flight.fragments_seen.len(),
            total,
        };
    }
    match asked.message.ip.pieces {
        0 | 1 => Shape::Whole,
        pieces => Shape::IpFragments(pieces),
    }
}

/// Flights of an IKE SA of which fragments are missing, and that were sent more than once or wait.
pub fn torn<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<(&'m Exchange, &'m Flight)> {
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .find_map(|exchange| {
            let torn = exchange.flights.iter().find(|flight| !flight.is_whole())?;
            let vantage = super::first(model, torn)?.vantage;
            let (_, began) = super::began(model, torn)?;
            let waited = tap::went_on(model, vantage, began, tap::Tap::PATIENCE);
            let goes_on = || {
                was_read(model, sa, torn, began)
                    || asked::proof_of_answer(model, exchange).is_some()
            };
            (waited && !goes_on()).then_some((exchange, torn))
        })
}

/// Whether the receiver of a torn message goes on as one who read it: by a new message, or by a
/// child SA that begins. Then its other pieces came before the recording began, or past the tap.
fn was_read(model: &Model, sa: &IkeSa, torn: &Flight, began: Timestamp) -> bool {
    let speaks = sa
        .exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights)
        .filter(|flight| flight.by != torn.by)
        .filter_map(|flight| super::began(model, flight))
        .any(|(_, time)| time > began);
    let serves = sa
        .child_sas
        .iter()
        .filter_map(|id| model.child_sas[*id].seen)
        .any(|seen| seen.first.1 > began);
    speaks || serves
}

/// UDP packets between the ends of which IP fragments are missing.
pub fn torn_trains<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m FragmentTrain> {
    clear::fragments(case).filter(|train| train.protocol == 17 && train.incomplete > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    #[test]
    fn message_5_is_answered_at_once_or_not_at_all() {
        let refused = |info: &str| {
            let model = model(&format!(
                "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 1.0 A:500 > B:500 MAIN i=1 r=2 sealed 108 again=8
                 {info} B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 76"
            ));
            let sa = model.ike_sas.iter().next().unwrap();
            said_no(&model, sa, &model.exchanges[sa.exchanges[0]])
        };
        for (info, no) in [
            ("0.9", false),
            ("1.0", true),
            ("3.0", true),
            ("3.1", false),
            ("8.9", false),
            ("9.5", true),
        ] {
            assert_eq!(refused(info), no, "at {info}");
        }
    }
}

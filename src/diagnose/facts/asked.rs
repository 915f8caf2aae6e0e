//! Requests and what became of them: answered, given up, or cut off by the end of the recording.

use super::tap;
use super::{began, cite};
use crate::diagnose::{Case, Cite};
use crate::language::Text;
pub use crate::model::exchange::{is_v1, lacks_answer, v1_messages, was_repeated};
use crate::model::{Exchange, Flight, Message, Model, Octets};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp, Vantage};
use foldhash::HashMap;

/// What became of a message that wants an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It was answered.
    Answered,
    /// The recording ends before an answer could be expected.
    Pending,
    /// It was not answered although the recording went on.
    Silent,
}

/// A message that wants an answer: an IKEv2 request, or the last message of an unfinished IKEv1
/// exchange.
#[derive(Clone, Debug)]
pub struct Asked<'m> {
    /// Its exchange.
    pub exchange: &'m Exchange,
    /// The message.
    pub flight: &'m Flight,
    /// The first datagram of it.
    pub message: &'m Message,
    /// When each copy was sent, first included.
    pub times: Vec<Timestamp>,
    /// The first copy.
    pub first: Cite,
    /// The last copy.
    pub last: Cite,
    /// What became of it.
    pub fate: Fate,
}

impl<'m> Asked<'m> {
    /// The message of `exchange` that waits for an answer; `None` for exchanges that want none
    /// (IKEv1 informational) or of which no request was seen.
    pub fn of(model: &'m Model, exchange: &'m Exchange) -> Option<Self> {
        let flight = waiting(model, exchange)?;
        let message = super::first(model, flight)?;
        let first = began(model, flight)?;
        let times = copies(model, flight);
        let last = flight
            .again
            .iter()
            .map(|id| cite(model, *id))
            .filter(|copy| copy.1 >= first.1)
            .max_by_key(|copy| copy.1)
            .unwrap_or(first);
        let fate = if is_answered(model, exchange) {
            Fate::Answered
        } else {
            silent_or_pending(model, message.vantage, &times)
        };
        Some(Self {
            exchange,
            flight,
            message,
            times,
            first,
            last,
            fate,
        })
    }

    /// How many times it was sent.
    pub fn attempts(&self) -> usize {
        self.times.len()
    }

    /// Who sent it.
    pub fn from(&self) -> Endpoint {
        self.message.path.from()
    }

    /// To whom.
    pub fn to(&self) -> Endpoint {
        self.message.path.to()
    }

    /// Whether it was sent without answer, though the recording went on.
    pub fn is_silent(&self) -> bool {
        self.fate == Fate::Silent
    }

    /// `sent 4 times (at 0.0, 4.0, 11.2, 24.0 s)`.
    pub fn schedule(&self) -> Text {
        schedule(&self.times)
    }
}

/// `sent 4 times (at 0.0, 4.0, 11.2, 24.0 s)`.
pub fn schedule(times: &[Timestamp]) -> Text {
    match times.len() {
        0 | 1 => "sent once".into(),
        n => say!(
            "sent {n} times (at {when})",
            n,
            when = super::offsets(times)
        ),
    }
}

/// IKEv1: whether the first message of a phase 1 was seen: the only one without the responder's
/// SPI (RFC 2408 section 3.1). Of an exchange whose beginning lies before the recording, neither the
/// sides nor the number of a message are known.
pub fn from_the_start(model: &Model, exchange: &Exchange) -> bool {
    exchange
        .flights
        .first()
        .and_then(|flight| super::first(model, flight))
        .is_some_and(|message| message.header.spis.responder.is_zero())
}

/// The exchanges of an IKE SA with the message that waits, in order.
pub fn all<'m>(
    model: &'m Model,
    sa: &'m crate::model::IkeSa,
) -> impl Iterator<Item = Asked<'m>> + 'm {
    sa.exchanges
        .iter()
        .filter_map(|exchange| Asked::of(model, &model.exchanges[*exchange]))
}

/// The messages of a tunnel that did not get their answer at once: sent again, or not answered. Of a
/// tunnel that works this looks at its exchanges alone.
pub fn unsettled<'m>(case: &Case<'m>) -> impl Iterator<Item = Asked<'m>> + use<'m> {
    let model = case.model;
    case.exchanges()
        .filter(|exchange| lacks_answer(exchange) || was_repeated(exchange))
        .filter_map(|exchange| Asked::of(model, exchange))
        .filter(|asked| asked.fate != Fate::Answered || asked.attempts() > 1)
}

fn waiting<'m>(model: &Model, exchange: &'m Exchange) -> Option<&'m Flight> {
    // A key server tells the group and wants no answer (RFC 6407 section 4, RFC 9838 section 2.4.1).
    let first = exchange.flights.first();
    let to_group = first
        .and_then(|flight| super::first(model, flight))
        .is_some_and(|message| message.path.to().address.is_multicast());
    if exchange.kind == ExchangeType::GSA_REKEY || to_group {
        return None;
    }
    if !is_v1(exchange.kind) {
        return exchange.request();
    }
    v1_messages(exchange.kind)?;
    let phase1 = matches!(
        exchange.kind,
        ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE
    );
    match phase1 && !(from_the_start(model, exchange) && takes_turns(exchange)) {
        true => None,
        false => exchange.flights.last(),
    }
}

/// IKEv1: whether the two sides took turns, as they must: else a message between is missing in the recording, and
/// the number of those after it is not known.
pub fn takes_turns(exchange: &Exchange) -> bool {
    let mut turns = exchange.flights.iter().zip(exchange.flights.iter().skip(1));
    turns.all(|(one, next)| one.by != next.by)
}

fn is_answered(model: &Model, exchange: &Exchange) -> bool {
    !lacks_answer(exchange) && !model.misses_message_3(exchange)
        || proof_of_answer(model, exchange).is_some()
        // Who refuses quick mode does so in an exchange of its own (RFC 2409 section 5.7).
        || exchange.kind == ExchangeType::QUICK_MODE
            && exchange.flights.len() == 1
            && model.quick_refusal(exchange).is_some()
}

/// A message that is only sent after the answer to the request of an exchange, which is not in the
/// recording: the asker's next request (RFC 7296 section 2.3: its window is 1 unless the peer widens
/// it), or a quick mode after phase 1 (RFC 2409 section 5.5).
pub fn proof_of_answer(model: &Model, exchange: &Exchange) -> Option<Cite> {
    /// The latest exchanges show it, if any do; an IKE SA may have many.
    const LATEST: usize = 16;
    let v1 = is_v1(exchange.kind);
    let whole = match v1 {
        true => v1_messages(exchange.kind).is_none_or(|whole| exchange.flights.len() >= whole),
        false => exchange.request().is_none() || exchange.response().is_some(),
    };
    if whole || v1 && exchange.kind == ExchangeType::QUICK_MODE {
        return None;
    }
    let flight = exchange.flights.last()?;
    let (_, asked) = began(model, flight)?;
    let follows = |other: &Exchange| match v1 {
        true => other.kind == ExchangeType::QUICK_MODE,
        false => other.by == exchange.by && other.message_id > exchange.message_id,
    };
    let exchanges = &model.ike_sas[exchange.ike_sa].exchanges;
    let latest = exchanges
        .iter()
        .rev()
        .take(LATEST)
        .map(|id| &model.exchanges[*id]);
    let mut next = latest
        .clone()
        .filter(|other| follows(other))
        .filter_map(|other| began(model, other.request()?))
        .filter(|(_, time)| *time > asked)
        .peekable();
    next.peek()?;
    // Before the IKE SA stands none can go on without the answer.
    let stands = [ExchangeType::CREATE_CHILD_SA, ExchangeType::INFORMATIONAL];
    if stands.contains(&exchange.kind) && !flight.again.is_empty() {
        let times = copies(model, flight);
        let first = next.clone().map(|(_, time)| time).min()?;
        let spoke = |other: &Exchange| {
            let theirs = other
                .flights
                .iter()
                .filter(|theirs| theirs.by != exchange.by);
            let mut spoken = theirs.filter_map(|theirs| began(model, theirs));
            spoken.any(|(_, time)| time > asked)
        };
        if does_not_wait(&times, first) || gives_up(&times, first) && !latest.clone().any(spoke) {
            return None;
        }
    }
    next.next()
}

/// Whether a request is sent while the one before is still sent again: the window is wider than 1, and the one says
/// nothing of the other.
fn does_not_wait(times: &[Timestamp], next: Timestamp) -> bool {
    times.last().is_some_and(|last| next < *last)
}

/// Whether who asked in vain waited as long before the next request as before the last copy, or longer: then it may
/// have given the one before up, as none may whose window is 1 and some do (RFC 7296 sections 2.1 and 2.3). Who was
/// answered goes on at any time; an answer to fewer copies than these may be missing in the recording.
fn gives_up(times: &[Timestamp], next: Timestamp) -> bool {
    /// Three copies have two waits, by which a schedule is known.
    const COPIES: usize = 3;
    match times {
        [.., before, last] if times.len() >= COPIES => next.since(*last) >= last.since(*before),
        _ => false,
    }
}

/// The flight by whose schedule a message was sent again: who answers does so whenever the question comes
/// again.
pub fn paced_by<'m>(model: &Model, asked: &Asked<'m>) -> &'m Flight {
    let flights = &asked.exchange.flights;
    let place = flights
        .iter()
        .position(|flight| std::ptr::eq(flight, asked.flight));
    let before = place
        .and_then(|place| place.checked_sub(1))
        .and_then(|place| flights.get(place));
    // It follows at once, also where a slow responder makes keys first.
    const AT_ONCE: Span = Span::from_millis(500);
    let mirrors = |before: &&Flight| {
        let questions = copies(model, before);
        asked.times.iter().all(|time| {
            let place = questions.partition_point(|question| question <= time);
            let question = place.checked_sub(1).and_then(|place| questions.get(place));
            question.is_some_and(|question| time.since(*question) <= AT_ONCE)
        })
    };
    before.filter(mirrors).unwrap_or(asked.flight)
}

/// Copies nearer than this are made by the net or the recording: nobody sends again so soon.
pub const DOUBLE: Span = Span::from_millis(100);

/// The times of every copy. When a message has several datagrams, all are sent again (RFC 7383 section 2.5), and
/// some may be lost before the tap: so the copies are those of the one that came most often.
pub fn copies(model: &Model, flight: &Flight) -> Vec<Timestamp> {
    let Some(first) = flight.first().map(|id| &model.messages[id]) else {
        return Vec::new();
    };
    let again = || flight.again.iter().map(|id| &model.messages[*id]);
    let mut times = vec![first.time];
    if flight.parts.len() == 1 || flight.again.is_empty() {
        times.extend(again().map(|copy| copy.time));
    } else {
        let mut rows: HashMap<&Octets, Vec<Timestamp>> = HashMap::default();
        for copy in again() {
            rows.entry(&copy.bytes).or_default().push(copy.time);
        }
        let parts = flight.parts.iter().map(|id| &model.messages[*id].bytes);
        let most = parts.rev().filter_map(|part| rows.get(part));
        times.extend(most.max_by_key(|times| times.len()).into_iter().flatten());
    }
    times.sort_unstable();
    times
}

/// A message is silent when the recording went on for long enough after its first copy, and after
/// its last copy too unless it was sent three times.
fn silent_or_pending(model: &Model, vantage: Vantage, times: &[Timestamp]) -> Fate {
    let waited = |time: Option<&Timestamp>| {
        time.is_some_and(|time| tap::went_on(model, vantage, *time, tap::Tap::PATIENCE))
    };
    if waited(times.first()) && (times.len() >= 3 || waited(times.last())) {
        Fate::Silent
    } else {
        Fate::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::diagnose::{RULES, Severity, run};
    use crate::testing::model;

    /// Codes of what a user would be alarmed by.
    fn alarms(text: &str) -> Vec<&'static str> {
        run(&model(text), RULES)
            .iter()
            .filter(|finding| finding.severity != Severity::Info)
            .map(|finding| finding.rule.code)
            .collect()
    }

    #[test]
    fn rekeys_of_a_group_wait_for_no_answer() {
        let waits = |exchange, to| {
            let model = model(&format!(
                "0.0 A:848 > {to}:848 {exchange} i=1 r=2 id=0 request by=initiator sealed 200 again=1,2
                 300 A:848 > {to}:848 {exchange} i=1 r=2 id=1 request by=initiator sealed 200 again=1,2"
            ));
            let sas = model.ike_sas.iter();
            sas.map(|sa| all(&model, sa).count()).sum::<usize>()
        };
        assert_eq!(waits("GSA_REKEY", "B"), 0);
        assert_eq!(waits("INFORMATIONAL", "B"), 2);
        assert_eq!(
            waits("INFORMATIONAL", "239.1.1.1"),
            0,
            "a group answers nothing"
        );
    }

    #[test]
    fn a_group_that_is_joined_and_rekeyed_under_gdoi_is_no_failure() {
        let suite = "SA(encr=7/256 hash=4 auth=1 group=14 life=28800 kb=0)";
        let text = format!(
            "0.0  A:848 > B:848 MAIN i=1 r=0 {suite}
             0.02 B:848 > A:848 MAIN i=1 r=2 {suite}
             0.04 A:848 > B:848 MAIN i=1 r=2 KE(14) Nonce
             0.06 B:848 > A:848 MAIN i=1 r=2 KE(14) Nonce
             0.08 A:848 > B:848 MAIN i=1 r=2 sealed 108
             0.10 B:848 > A:848 MAIN i=1 r=2 sealed 108
             0.12 A:848 > B:848 QUICK i=1 r=2 id=0x77 sealed 124
             0.14 B:848 > A:848 QUICK i=1 r=2 id=0x77 sealed 284
             0.16 A:848 > B:848 QUICK i=1 r=2 id=0x77 sealed 76
             0.18 B:848 > A:848 QUICK i=1 r=2 id=0x77 sealed 236
             300  B:848 > 239.1.1.1:848 GROUPKEY_PUSH i=9 r=9 id=0 sealed 444 again=1,2
             600  B:848 > 239.1.1.1:848 GROUPKEY_PUSH i=9 r=9 id=0 sealed 444 seed=2 again=1,2"
        );
        assert_eq!(alarms(&text), [""; 0]);
    }

    #[test]
    fn a_quick_mode_proves_the_answer_to_phase_1_and_none_to_another() {
        let model = model(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
             0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
             9.6 A:500 > B:500 QUICK i=1 r=2 id=0x78 sealed 188",
        );
        let proven: Vec<bool> = model
            .exchanges
            .iter()
            .map(|exchange| super::proof_of_answer(&model, exchange).is_some())
            .collect();
        assert_eq!(proven, [true, false, false]);
    }
}

//! Requests on an established IKE SA that stay without an answer, whatever they ask: they tell whether the peer lives.

mod ikev1;

use super::{Asked, Fate, Tap, asked, end_of, first, life, refused_child, tap};
use crate::diagnose::{Case, Cite, Signs};
use crate::language::Text;
use crate::model::{EspFlow, Exchange, Flight, IkeSa, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Endpoint, Span, Timestamp, Vantage};

/// So many copies without answer are more than one lost packet.
pub const TRIES: usize = 3;

/// As long as the peer is heard, only a request repeated for this long is lost for good.
const LASTING: Span = Span::from_secs(10);

/// A probe that nobody answered.
pub struct Probe<'m> {
    /// The request.
    pub flight: &'m Flight,
    /// Who asked.
    pub from: Endpoint,
    /// Whom.
    pub to: Endpoint,
    /// Which end that is.
    pub peer: usize,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// By what exchange.
    pub kind: ExchangeType,
    /// When each copy was sent.
    pub times: Vec<Timestamp>,
    /// How often, in words.
    pub schedule: Text,
    /// The first copy.
    pub first: Cite,
    /// The last copy.
    pub last: Cite,
    /// What the peer sent on the same IKE SA between the second copy and the last.
    pub spoke: Option<Cite>,
}

impl Probe<'_> {
    /// ESP of the client that was asked, where the request was recorded.
    pub fn esp<'m>(&self, case: &Case<'m>) -> Vec<&'m EspFlow> {
        let here = case.directions_at(self.vantage);
        here.map_or_else(Vec::new, |here| here.flows_from(1 - self.peer, self.to))
    }

    /// How long these flows paused at the least around each copy; `None` if one of them came around some copy.
    pub fn pauses(&self, flows: &[&EspFlow]) -> Option<Span> {
        /// Nobody asks more often in vain; of a flood the first copies tell.
        const COPIES: usize = 32;
        let around = |flow: &EspFlow, time: Timestamp| {
            let mut silences = flow.silences.iter();
            let silence = silences.find(|one| one.before.1 <= time && time < one.after.1);
            silence.map_or(Span::default(), |silence| silence.length)
        };
        let pauses = self.times.iter().take(COPIES).flat_map(|time| {
            let alive = flows
                .iter()
                .filter(|flow| flow.seen.first.1 <= *time && *time < flow.seen.last.1);
            alive.map(|flow| around(flow, *time))
        });
        let pause = pauses.min()?;
        (pause >= Tap::PATIENCE).then_some(pause)
    }
}

/// The first IKE SA of a tunnel whose peer was probed in vain.
pub fn probe<'m>(case: &Case<'m>) -> Option<(&'m IkeSa, Probe<'m>)> {
    case.ike_sas().find_map(|sa| Some((sa, vain(case, sa)?)))
}

/// The probe of an IKE SA that nobody answered.
pub fn vain<'m>(case: &Case<'m>, sa: &'m IkeSa) -> Option<Probe<'m>> {
    v2_probe(case, sa).or_else(|| ikev1::probes(case, sa))
}

/// A request on an established SA, repeated in vain; of IKEv1 the first message of quick mode.
fn v2_probe<'m>(case: &Case<'m>, sa: &'m IkeSa) -> Option<Probe<'m>> {
    // What is not answered is rare.
    if !sa.signs.meet(Signs::UNANSWERED) {
        return None;
    }
    asked::all(case.model, sa)
        .filter(|asked| {
            matches!(
                asked.exchange.kind,
                ExchangeType::INFORMATIONAL | ExchangeType::CREATE_CHILD_SA
            ) || is_lone_quick_mode(case, asked)
        })
        .find(|asked| {
            let lasting = asked.last.1.since(asked.first.1) >= LASTING;
            asked.is_silent()
                && asked.attempts() >= TRIES
                && (!goes_on(case.model, sa, asked) || is_ignored(asked))
                && !lives_on(case, sa, asked)
                && (lasting || !speaks(case.model, sa, asked))
        })
        .and_then(|asked: Asked<'_>| {
            Some(Probe {
                flight: asked.flight,
                from: asked.from(),
                to: asked.to(),
                peer: end_of(case.tunnel, asked.to().address)?,
                vantage: asked.message.vantage,
                kind: asked.exchange.kind,
                schedule: asked.schedule(),
                first: asked.first,
                last: asked.last,
                spoke: spoke(case.model, sa, &asked),
                times: asked.times,
            })
        })
}

/// IKEv1: whether it is message 1 of quick mode, repeated for long, and nothing at all of the peer came there since.
fn is_lone_quick_mode(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    let lasting = asked.last.1.since(asked.first.1) >= LASTING;
    let alone = asked.exchange.flights.len() == 1;
    if asked.exchange.kind != ExchangeType::QUICK_MODE || !alone || !lasting {
        return false;
    }
    let peer = end_of(case.tunnel, asked.to().address);
    let silent = peer.is_some_and(|peer| is_silent_since(case, asked, peer));
    // Right after phase 1 it may be refused without a word.
    silent && !refused_child::is_refused_in_silence(case, asked.exchange.ike_sa)
}

/// Whether nothing of the peer came after a request where that was recorded: a tap beside the peer hears it all the
/// same.
fn is_silent_since(case: &Case<'_>, asked: &Asked<'_>, peer: usize) -> bool {
    let (vantage, first) = (asked.message.vantage, asked.first.1);
    let end = Timestamp(i64::MAX);
    let esp = case
        .directions_at(vantage)
        .and_then(|here| here.last(1 - peer));
    !case.ike_times().within(vantage, peer, first, end)
        && !tap::speaks_aside(case, vantage, peer, (first, end))
        && esp.is_none_or(|last| last.1 <= first)
}

/// Whether a liveness check was sent again so often, for so long, that its copies are not lost by chance: a peer whose
/// own requests go on hears its answers, and does not take this request (RFC 7296 sections 2.1 and 2.4).
fn is_ignored(asked: &Asked<'_>) -> bool {
    /// More than copies that are lost by chance.
    const COPIES: usize = 6;
    asked.exchange.kind == ExchangeType::INFORMATIONAL
        && asked.attempts() >= COPIES
        && asked.last.1.since(asked.first.1) >= LASTING
}

/// Whether the peer's own requests go on, one after the other: each was answered to its
/// satisfaction (RFC 7296 section 2.3), so both directions work and copies are lost by chance. They do not where
/// they end in vain as well.
pub fn goes_on(model: &Model, sa: &IkeSa, asked: &Asked<'_>) -> bool {
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.by != asked.exchange.by)
        .filter_map(Exchange::request)
        .filter(|request| !request.response)
        .filter_map(|request| seen_at(model, request, asked.message.vantage).min())
        .filter(|time| *time > asked.first.1)
        .count()
        >= 2
        && !both_in_vain(model, sa, asked)
}

/// Whether the last request of the peer has no answer either, and who asked is not heard on this IKE SA after the
/// last copy: it has given the IKE SA up, whatever was lost by chance.
fn both_in_vain(model: &Model, sa: &IkeSa, asked: &Asked<'_>) -> bool {
    let mut exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let own = exchanges.clone().flat_map(|exchange| &exchange.flights);
    let own = own.filter(|flight| flight.by == asked.flight.by);
    let mut own = own.flat_map(|flight| seen_at(model, flight, asked.message.vantage));
    let latest = exchanges.rfind(|exchange| exchange.by != asked.exchange.by);
    latest
        .and_then(|exchange| Asked::of(model, exchange))
        .is_some_and(|latest| latest.fate != Fate::Answered && latest.attempts() > 1)
        && !own.any(|time| time > asked.last.1)
}

/// Whether the peer speaks on another IKE SA that was there before the request: then it is alive, and
/// the old one alone is forgotten (RFC 7296 section 2.8: of two, the old one is deleted).
///
/// So it is as well if it came up just before, and the request may be the deletion of the old one by its size
/// or ESP of the peer on the new one goes on.
pub fn lives_on(case: &Case<'_>, sa: &IkeSa, asked: &Asked<'_>) -> bool {
    /// The old one is deleted so soon.
    const SUCCEEDED: Span = Span::from_secs(60);
    let ike_sas = &case.tunnel.ike_sas;
    let id = asked.exchange.ike_sa;
    let deletes = life::may_delete(case.model, id, asked.exchange).is_some();
    let succeeded = case.births().iter().any(|birth| {
        birth.ike_sa != id
            && birth.asked.1 > sa.seen.first.1
            && birth.up.1 <= asked.first.1
            && asked.first.1.since(birth.up.1) <= SUCCEEDED
            && (deletes || carries_on(case, asked, birth.asked.1))
    });
    if succeeded {
        return true;
    }
    ike_sas
        .iter()
        .map(|id| &case.model.ike_sas[*id])
        .filter(|other| other.spis != sa.spis && other.seen.first.1 < asked.first.1)
        .filter(|other| other.seen.last.1 > asked.first.1)
        .flat_map(|other| &other.exchanges)
        .flat_map(|id| &case.model.exchanges[*id].flights)
        .filter_map(|flight| first(case.model, flight))
        .any(|message| {
            message.vantage == asked.message.vantage
                && message.time > asked.first.1
                && message.path.from().address == asked.to().address
        })
}

/// Whether ESP of the peer that began after a time goes on past the last copy of a request.
fn carries_on(case: &Case<'_>, asked: &Asked<'_>, time: Timestamp) -> bool {
    let peer = end_of(case.tunnel, asked.to().address);
    let here = case.directions_at(asked.message.vantage);
    peer.zip(here).is_some_and(|(peer, here)| {
        let mut flows = here.flows(1 - peer).iter();
        flows.any(|flow| flow.seen.first.1 >= time && flow.seen.last.1 > asked.last.1)
    })
}

/// Whether anything of the peer came on the IKE SA after the request.
fn speaks(model: &Model, sa: &IkeSa, asked: &Asked<'_>) -> bool {
    sa.exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights)
        .filter(|flight| flight.by != asked.flight.by)
        .flat_map(|flight| seen_at(model, flight, asked.message.vantage))
        .any(|time| time > asked.first.1)
}

/// What of the peer came on the IKE SA while the request was sent again. What came right after the first copy
/// may have crossed it.
fn spoke(model: &Model, sa: &IkeSa, asked: &Asked<'_>) -> Option<Cite> {
    let again = *asked.times.get(1)?;
    let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    exchanges
        .flat_map(|exchange| &exchange.flights)
        .filter(|flight| flight.by != asked.flight.by)
        .filter_map(|flight| first(model, flight))
        .filter(|message| message.vantage == asked.message.vantage)
        .map(|message| (message.frame, message.time))
        .find(|(_, time)| *time > again && *time <= asked.last.1)
}

/// When a message and its copies passed one tap. What the peer sends may pass another tap, near it,
/// and never come here.
pub(super) fn seen_at(
    model: &Model,
    flight: &Flight,
    vantage: Vantage,
) -> impl Iterator<Item = Timestamp> {
    flight
        .copies()
        .map(|id| &model.messages[id])
        .filter(move |message| message.vantage == vantage)
        .map(|message| message.time)
}

/// When the first IKE SA after this one, and after a time, began.
pub fn begun_anew(case: &Case<'_>, sa: &IkeSa, time: Timestamp) -> Option<Timestamp> {
    let later = case.ike_sas().map(|other| other.seen.first.1);
    later
        .filter(|first| *first > sa.seen.first.1 && *first >= time)
        .min()
}

/// What came next, after the first and the last copy of what was asked in vain.
pub fn after(case: &Case<'_>, sa: &IkeSa, (first, last): (Timestamp, Timestamp)) -> Text {
    match begun_anew(case, sa, first) {
        Some(anew) if anew >= last => say!(
            "A new negotiation began {span} after the last copy.",
            span = anew.since(last)
        ),
        Some(anew) => say!(
            "A new negotiation began {span} before the last copy.",
            span = last.since(anew)
        ),
        None => "No new negotiation follows in this capture.".into(),
    }
}

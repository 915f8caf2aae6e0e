//! What IKE messages tell: SAs that came up, were renewed, refused and deleted, requests that nobody
//! answered, and sides that moved.

use super::{ALIKE, Event, Kind};
use crate::diagnose::facts::life::Closing;
use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::taps::Clocks;
use crate::diagnose::facts::{self, Asked, Fate, began, child, end_of, esp, life, offer, rekey};
use crate::diagnose::{Case, Cite};
use crate::language::{Text, list};
use crate::model::{
    AuthOutcome, ChildOutcome, Deleted, Exchange, ExchangeId, IkeSa, IkeSaId, IkeState, IkeSuite,
    Model, Negotiation, Notice, Role, negotiation, selector,
};
use crate::registry::{ExchangeType, NotifyType, PayloadType, TransformType};
use crate::say;
use crate::units::{Endpoint, EspSpi, Span, Timestamp, Vantage};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Copies that follow sooner are of the capture, not of the sender.
const COPIES: Span = Span::from_millis(400);

/// Tells of the IKE SAs of a tunnel.
pub(super) fn tell(case: &Case<'_>, clocks: &Clocks, events: &mut Vec<Event>) {
    let Case { model, tunnel, .. } = *case;
    let teller = Teller {
        case,
        model,
        heard: heard(case),
        replaced: case
            .ike_sas()
            .filter_map(|sa| Some((sa.replaces?, asked_for(model, sa))))
            .collect(),
        rekeyed: rekeyed(case),
    };
    let mut up_before = None;
    for id in &tunnel.ike_sas {
        let up = teller.up(*id, up_before);
        if up.is_some() {
            up_before = Some(*id);
        }
        events.extend(up);
        events.extend(teller.authentication(*id));
        events.extend(teller.closed(*id));
        let sa = &model.ike_sas[*id];
        for exchange in &sa.exchanges {
            events.extend(teller.answer(*exchange));
            teller.asked(sa, &model.exchanges[*exchange], events);
            events.extend(teller.deletes(*id, &model.exchanges[*exchange]));
        }
        refused_in_clear(model, sa, events);
        moves(model, sa, clocks, events);
    }
}

/// A tunnel, with what is asked of it for each of its messages.
struct Teller<'c, 'm> {
    case: &'c Case<'m>,
    model: &'m Model,
    /// When each end was heard, in order.
    heard: [Vec<Cite>; 2],
    /// IKE SAs whose place another took, and when that began.
    replaced: BTreeMap<IkeSaId, Timestamp>,
    /// SPIs of child SAs whose place another took.
    rekeyed: BTreeSet<EspSpi>,
}

impl Teller<'_, '_> {
    /// An IKE SA that came up, after `before` if that did. Its suite is told where it is another.
    fn up(&self, id: IkeSaId, before: Option<IkeSaId>) -> Option<Event> {
        let sa = &self.model.ike_sas[id];
        let terms = match before.map(|id| &self.model.ike_sas[id]) {
            Some(before) if before.version == sa.version && before.suite == sa.suite => None,
            _ => Some(terms(sa)),
        };
        let Some(birth) = life::birth(self.model, id) else {
            return self.rekeyed(sa, terms.filter(|_| sa.suite.is_some()));
        };
        if !sa.state.was_up() {
            return None;
        }
        let by = birth.initiator;
        let alone = match sa.auth {
            // IKEv1 makes its child SAs later, in quick mode.
            AuthOutcome::AuthOnly if sa.version.major() != 1 => Some(", without a child SA"),
            _ => None,
        };
        let (kind, says) = match (sa.replaces, before) {
            (Some(_), _) => (
                Kind::Reauthenticated,
                say!(
                    "IKE SA negotiated anew in place of the one before, by {initiator}{alone}",
                    initiator = by,
                    alone
                ),
            ),
            (None, Some(before)) if self.lives_on(before, birth.up.1) => (
                Kind::IkeUp,
                say!(
                    "a further IKE SA up, asked for by {initiator}{alone}",
                    initiator = by,
                    alone
                ),
            ),
            (None, Some(_)) => (
                Kind::UpAgain,
                say!(
                    "IKE SA up again, asked for by {initiator}{alone}",
                    initiator = by,
                    alone
                ),
            ),
            (None, None) => (
                Kind::IkeUp,
                say!(
                    "IKE SA up, asked for by {initiator}{alone}",
                    initiator = by,
                    alone
                ),
            ),
        };
        let event = Event::new(birth.up, kind, on(says, terms));
        Some(match kind {
            Kind::Reauthenticated => event,
            _ => event.anew(),
        })
    }

    /// Whether an IKE SA is used after a time: by its own messages, or by its child SAs for longer than packets
    /// are under way.
    fn lives_on(&self, id: IkeSaId, time: Timestamp) -> bool {
        const DRAIN: Span = Span::from_secs(2);
        let sa = &self.model.ike_sas[id];
        let children = sa.child_sas.iter().map(|id| &self.model.child_sas[*id]);
        let mut last = children.filter_map(|child| Some(child.seen?.last.1));
        sa.seen.last.1 > time || last.any(|last| last.since(time) > DRAIN)
    }

    /// An IKE SA that was made by another: when that was answered, or first used.
    fn rekeyed(&self, sa: &IkeSa, terms: Option<Text>) -> Option<Event> {
        let initiator = sa.paths.first()?.from.address;
        let says = say!("IKE SA rekeyed, asked for by {initiator}", initiator);
        let made = sa.made_by.and_then(|id| self.rekeying(id));
        let at = made.unwrap_or(sa.seen.first);
        sa.replaces
            .map(|_| Event::new(at, Kind::IkeRekeyed, on(says, terms)))
    }

    /// The answer with which a rekeying was done: the last that follows with further keys (RFC 9370 section
    /// 2.2.4).
    fn rekeying(&self, id: ExchangeId) -> Option<Cite> {
        let exchange = &self.model.exchanges[id];
        let exchanges = self.model.ike_sas[exchange.ike_sa].exchanges.iter();
        let following = exchanges
            .skip_while(|other| **other != id)
            .skip(1)
            .map(|id| &self.model.exchanges[*id])
            .filter(|other| other.by == exchange.by)
            .take_while(|other| other.kind == ExchangeType::IKE_FOLLOWUP_KE);
        let last = following.last().unwrap_or(exchange);
        began(self.model, last.response()?)
    }

    /// A refusal in the last round of authentication.
    fn authentication(&self, id: IkeSaId) -> Option<Event> {
        let sa = &self.model.ike_sas[id];
        let refused = sa.state == IkeState::AuthRefused;
        let read = proof::refusal(self.model, id).filter(|_| refused);
        // IKEv1 refuses in an exchange of its own.
        if sa.version.major() == 1 {
            return match read {
                Some(refusal) => {
                    let errors = refusal.errors.iter();
                    let why = list(errors.map(|error| child::reason(*error, true)));
                    let begins = sa.exchanges.first().filter(|_| refusal.names_proposal());
                    let from = refusal.from;
                    let says = match begins.map(|id| self.model.exchanges[*id].kind) {
                        _ if refusal.errors.is_empty() => {
                            say!("{from} refuses authentication: XAUTH failed", from)
                        }
                        Some(exchange) => {
                            say!("{from} refuses {exchange}: {why}", from, exchange, why)
                        }
                        None => say!("{from} refuses authentication: {why}", from, why),
                    };
                    Some(Event::new(refusal.at, Kind::Refused, says).anew())
                }
                None => self.ended(sa),
            };
        }
        // The initiator tells in an exchange of its own (RFC 7296 section 2.21.2).
        match read {
            Some(refusal) if refusal.by == Role::Initiator => {
                let why = Text::verbatim("AUTHENTICATION_FAILED");
                let says = say!(
                    "{from} refuses authentication: {why}",
                    from = refusal.from,
                    why
                );
                return Some(Event::new(refusal.at, Kind::Refused, says).anew());
            }
            Some(Refusal {
                gave_up: Some(at),
                to,
                mschap: None,
                ..
            }) => {
                let says = say!("{to} gives EAP up: AUTHENTICATION_FAILED", to);
                return Some(Event::new(at, Kind::Refused, says).anew());
            }
            _ => {}
        }
        let exchanges = sa
            .exchanges
            .iter()
            .map(|id| (*id, &self.model.exchanges[*id]));
        let (last, exchange) = exchanges
            .filter(|(_, exchange)| exchange.kind == ExchangeType::IKE_AUTH)
            .max_by_key(|(_, exchange)| exchange.message_id)?;
        let answer = exchange.response()?;
        let from = crate::diagnose::facts::first(self.model, answer)?
            .path
            .from()
            .address;
        let at = began(self.model, answer)?;
        let told = self.model.negotiation(last);
        let why = told.as_ref().and_then(|told| reasons(told, sa));
        // Only some errors refuse the other side itself (RFC 7296 section 2.21.2); after the others the IKE SA is
        // made as usual, if the answer proves who sent it (section 1.2).
        let answered = told.as_ref().and_then(|told| told.refused());
        let of_child = answered.is_some_and(|answer| {
            let mut errors = answer.errors.iter();
            errors.all(|told| negotiation::is_of_child(told.kind))
        });
        let refuses = refused && !of_child;
        let read = self.model.opened(answer);
        let unproven = !sa.state.was_up()
            && read.is_some_and(|(_, read)| read.payload(PayloadType::AUTH).is_none());
        let says = match (refuses, why) {
            (true, None) if self.model.opened(answer).is_some() => {
                say!("{from} refuses authentication: EAP failed", from)
            }
            (true, Some(why)) => say!("{from} refuses authentication: {why}", from, why),
            (false, Some(why)) if unproven => say!(
                "{from} refuses the child SA in an answer without AUTH, so that no IKE SA comes up either: {why}",
                from,
                why
            ),
            (true, None) => say!(
                "{from} refuses authentication, as the size of its answer tells; the reason is \
                 encrypted",
                from
            ),
            (false, Some(why)) => say!("{from} refuses the child SA: {why}", from, why),
            (false, None) => return None,
        };
        let event = Event::new(at, Kind::Refused, says);
        Some(match refused || unproven {
            true => event.anew(),
            false => event,
        })
    }

    /// IKEv1: the informational message in place of what phase 1 lacks, whose reason is not read.
    fn ended(&self, sa: &IkeSa) -> Option<Event> {
        // One in clear is told as such.
        if sa.state != IkeState::AuthRefused || sa.notices.iter().any(Notice::is_error) {
            return None;
        }
        let mut exchanges = sa.exchanges.iter().map(|id| &self.model.exchanges[*id]);
        let (_, since) = began(self.model, exchanges.next()?.flights.last()?)?;
        let flight = exchanges
            .filter(|one| one.kind == ExchangeType::INFORMATIONAL_V1)
            .filter_map(|one| one.flights.first())
            .find(|flight| began(self.model, flight).is_some_and(|(_, time)| time >= since))?;
        let from = facts::first(self.model, flight)?.path.from().address;
        let says = say!(
            "{from} ends the negotiation by an informational message",
            from
        );
        Some(Event::new(began(self.model, flight)?, Kind::Refused, says).anew())
    }

    /// A refused request for a child SA, or for rekeying.
    fn answer(&self, id: ExchangeId) -> Option<Event> {
        let exchange = &self.model.exchanges[id];
        if !rekey::ended(self.model, exchange, ChildOutcome::Refused) {
            return None;
        }
        let refusal = exchange.response().or_else(|| {
            let refusal = self.model.quick_refusal(exchange)?;
            refusal.flights.first()
        })?;
        let from = crate::diagnose::facts::first(self.model, refusal)?
            .path
            .from()
            .address;
        let sa = &self.model.ike_sas[exchange.ike_sa];
        let told = self.model.negotiation(id);
        let why = told.as_ref().and_then(|told| reasons(told, sa));
        let why = why.unwrap_or_else(|| "the reason is encrypted".into());
        let request = told.as_ref().and_then(|told| told.request.as_ref());
        let says = match request.and_then(|request| request.selectors.as_ref()) {
            Some([one, two]) => say!(
                "{from} refuses {exchange} for {one} with {two}: {why}",
                from,
                exchange = exchange.kind,
                one = selector::said(one),
                two = selector::said(two),
                why
            ),
            None => say!(
                "{from} refuses {exchange}: {why}",
                from,
                exchange = exchange.kind,
                why
            ),
        };
        Some(Event::new(began(self.model, refusal)?, Kind::Refused, says))
    }

    /// A request that was sent several times, or in vain.
    fn asked(&self, sa: &IkeSa, exchange: &Exchange, events: &mut Vec<Event>) {
        let Some(asked) = Asked::of(self.model, exchange) else {
            return;
        };
        // In IKEv1 another exchange refuses it.
        let v1 = sa.version.major() == 1;
        if v1 && asked.fate != Fate::Answered && is_refused(self.model, sa, exchange) {
            return;
        }
        let (from, to) = (asked.from().address, asked.to().address);
        match asked.fate {
            Fate::Answered => {
                if asked.attempts() > 1 && asked.last.1.since(asked.first.1) >= COPIES {
                    let says = say!(
                        "{exchange} of {from} is {sent}",
                        exchange = exchange.kind,
                        from,
                        sent = asked.schedule()
                    );
                    events.push(Event::new(asked.last, Kind::Retransmitted, says));
                }
            }
            Fate::Silent => {
                let peer = end_of(self.case.tunnel, to);
                // What this tap never records cannot be missed.
                if peer.is_some_and(|peer| self.case.tap().deaf.get(peer) == Some(&true)) {
                    return;
                }
                // Nothing answers it (RFC 2409 section 5).
                if self.model.misses_message_3(exchange) {
                    let says = say!(
                        "message 3 of {from} does not seem to arrive: {sent}",
                        from,
                        sent = asked.schedule()
                    );
                    events.push(Event::new(asked.last, Kind::Unanswered, says));
                    return;
                }
                let says = say!(
                    "{exchange} of {from} is not answered: {sent}",
                    exchange = exchange.kind,
                    from,
                    sent = asked.schedule()
                );
                let event = Event::new(asked.last, Kind::Unanswered, says);
                let begins = asked.message.header.spis.responder.is_zero();
                events.push(if begins { event.anew() } else { event });
                let lived = !matches!(sa.state, IkeState::Unanswered | IkeState::Refused);
                if let Some(peer) = peer.filter(|_| lived) {
                    events.extend(self.last_heard(peer, to, &asked));
                }
            }
            Fate::Pending => {
                // What is under way when the recording ends, if it begins anew.
                if asked.message.header.spis.responder.is_zero() {
                    let says = say!(
                        "{exchange} of {from} is not answered before the recording ends: {sent}",
                        exchange = exchange.kind,
                        from,
                        sent = asked.schedule()
                    );
                    events.push(Event::new(asked.last, Kind::Unanswered, says).anew());
                }
            }
        }
    }

    /// The last packet of a side that was not heard while it was asked.
    fn last_heard(&self, peer: usize, name: IpAddr, asked: &Asked<'_>) -> Option<Event> {
        let heard = self.heard.get(peer)?;
        let after = heard.partition_point(|cite| cite.1 < asked.first.1);
        let last = heard.get(after.checked_sub(1)?)?;
        let heard_since = heard.get(after).is_some_and(|next| next.1 <= asked.last.1);
        let lasts = heard_since || runs_through(self.case, peer, asked);
        (!lasts).then(|| {
            let time = asked.first.1.since(last.1);
            let says = match asked.flight.by == asked.exchange.by {
                true => say!(
                    "last packet of {peer}, {time} before a request that it leaves unanswered",
                    peer = name,
                    time
                ),
                false => say!(
                    "last packet of {peer}, {time} before an answer after which it does not go on",
                    peer = name,
                    time
                ),
            };
            Event::new(*last, Kind::LastHeard, says)
        })
    }

    /// A deletion that was opened; that of an SA whose place another took goes without saying.
    fn deletes(&self, id: IkeSaId, exchange: &Exchange) -> Option<Event> {
        let request = exchange.flights.first()?;
        let deleted = self.model.deletes(request);
        let at = began(self.model, request)?;
        let from = crate::diagnose::facts::first(self.model, request)?
            .path
            .from()
            .address;
        if deleted.contains(&Deleted::IkeSa) {
            let says = say!("{from} deletes the IKE SA", from);
            return (!self.is_succeeded(id, at.1)).then(|| Event::new(at, Kind::Deleted, says));
        }
        let spis: Vec<EspSpi> = deleted
            .iter()
            .filter_map(|deleted| match deleted {
                Deleted::Child { spi, .. } if !self.rekeyed.contains(spi) => Some(*spi),
                _ => None,
            })
            .collect();
        (!spis.is_empty()).then(|| {
            let says = say!(
                "{from} deletes the child SA of SPI {spis}",
                from,
                spis = list(spis)
            );
            Event::new(at, Kind::Deleted, says)
        })
    }

    /// Whether another IKE SA that takes the place of one had begun before it was deleted.
    fn is_succeeded(&self, id: IkeSaId, deleted: Timestamp) -> bool {
        let began = self.replaced.get(&id);
        began.is_some_and(|began| *began <= deleted)
    }

    /// A deletion of the IKE SA that only its size tells.
    fn closed(&self, id: IkeSaId) -> Option<Event> {
        let sa = &self.model.ike_sas[id];
        let last = &self.model.exchanges[*sa.exchanges.last()?];
        let opened = last
            .flights
            .first()
            .is_some_and(|flight| self.model.opened(flight).is_some());
        if sa.state != IkeState::Deleted || opened {
            return None;
        }
        let closing = life::closing(self.model, id)?;
        if self.is_succeeded(id, closing.at.1) {
            return None;
        }
        let says = match self.may_be_refusal(sa, &closing) {
            true => say!(
                "{from} ends the IKE SA by a delete or an error, as the size of its last message tells",
                from = closing.from
            ),
            false => say!(
                "{from} deletes the IKE SA, as the size of its last message tells",
                from = closing.from
            ),
        };
        Some(Event::new(closing.at, Kind::Deleted, says))
    }
}

impl Teller<'_, '_> {
    /// Whether what ended an IKE SA answers the last of `IKE_AUTH` at once: there an initiator that does not
    /// believe the responder says so by a notification, which is as long as a Delete (RFC 7296 section 2.21.2).
    fn may_be_refusal(&self, sa: &IkeSa, closing: &Closing) -> bool {
        const AT_ONCE: Span = Span::from_millis(500);
        let [.., before, _] = sa.exchanges.as_slice() else {
            return false;
        };
        // Who carries packets believes the other.
        let mut children = sa.child_sas.iter().map(|id| &self.model.child_sas[*id]);
        if children.any(|child| child.seen.is_some()) {
            return false;
        }
        let before = &self.model.exchanges[*before];
        let answer = before
            .response()
            .filter(|_| before.kind == ExchangeType::IKE_AUTH);
        let answer = answer.and_then(|answer| facts::first(self.model, answer));
        answer.is_some_and(|answer| {
            answer.path.to().address == closing.from && closing.at.1.since(answer.time) <= AT_ONCE
        })
    }
}

/// When an IKE SA that takes the place of another was asked for.
fn asked_for(model: &Model, sa: &IkeSa) -> Timestamp {
    let rekeying = sa.made_by.map(|id| &model.exchanges[id]);
    let asked = rekeying.and_then(|exchange| began(model, exchange.flights.first()?));
    asked.unwrap_or(sa.seen.first).1
}

/// Whether an exchange of IKEv1 was refused, by an informational one: a quick mode, or the one that begins an
/// IKE SA of which nothing came.
fn is_refused(model: &Model, sa: &IkeSa, exchange: &Exchange) -> bool {
    let begins = sa.exchanges.first().map(|id| model.exchanges[*id].kind);
    rekey::ended(model, exchange, ChildOutcome::Refused)
        || sa.state == IkeState::Refused && begins == Some(exchange.kind)
}

/// Whether ESP of an end flows on while the other asks in vain.
fn runs_through(case: &Case<'_>, end: usize, asked: &Asked<'_>) -> bool {
    case.directions().iter().any(|directions| {
        directions
            .alive(1 - end, asked.first.1, asked.last.1)
            .any(|flow| flow.seen.last.1 > asked.first.1)
    })
}

/// When each end was heard, by its messages and by the first and last packets of its flows.
fn heard(case: &Case<'_>) -> [Vec<Cite>; 2] {
    let mut heard = [Vec::new(), Vec::new()];
    let mut hear = |end: Option<usize>, at: Cite| {
        if let Some(list) = end.and_then(|end| heard.get_mut(end)) {
            list.push(at);
        }
    };
    for message in case.messages() {
        let end = end_of(case.tunnel, message.path.from().address);
        hear(end, (message.frame, message.time));
    }
    for row in case.outside() {
        let end = end_of(case.tunnel, row.path.from.address);
        hear(end, row.seen.first);
        hear(end, row.seen.last);
    }
    for flow in case.flows() {
        let end = esp::destination(case.tunnel, flow).map(|end| 1 - end);
        hear(end, flow.seen.first);
        hear(end, flow.seen.last);
    }
    for list in &mut heard {
        list.sort_unstable_by_key(|cite| (cite.1, cite.0));
    }
    heard
}

/// SPIs of child SAs whose place another took.
fn rekeyed(case: &Case<'_>) -> BTreeSet<EspSpi> {
    let Case { model, tunnel, .. } = *case;
    let children = model.child_sas_of(tunnel).into_iter();
    children
        .filter_map(|id| model.child_sas[id].replaces)
        .flat_map(|old| model.child_sas[old].spis)
        .flatten()
        .collect()
}

/// Errors that came in clear.
fn refused_in_clear(model: &Model, sa: &IkeSa, events: &mut Vec<Event>) {
    for notice in sa.notices.iter().filter(|notice| notice.is_error()) {
        let (from, error) = (notice.from, notice.name());
        let exchange = model.exchanges[notice.exchange].kind;
        // In IKEv1 an informational exchange refuses the one that begins an IKE SA.
        let begins = sa.exchanges.first().map(|id| model.exchanges[*id].kind);
        let exchange = match (sa.state, begins) {
            (IkeState::Refused, Some(begins)) if notice.v1 => begins,
            _ => exchange,
        };
        // A request that tells of an error answers nothing.
        let answers = model.exchanges[notice.exchange].response().is_some() || notice.v1;
        let says = match notice.kind == NotifyType::INVALID_KE_PAYLOAD.0 {
            // It is an exchange of its own (RFC 2409 section 5.7), and does not name what it answers.
            _ if !answers || exchange == ExchangeType::INFORMATIONAL_V1 => {
                say!("{from} says {error}", from, error)
            }
            true => say!(
                "{from} answers {exchange} with {error}: it asks for another group",
                from,
                exchange,
                error
            ),
            false => say!(
                "{from} answers {exchange} with {error}",
                from,
                exchange,
                error
            ),
        };
        let event = Event::new(notice.at, Kind::Refused, says);
        events.push(match sa.state {
            IkeState::Refused => event.anew(),
            _ => event,
        });
    }
}

/// The errors that an answer reports instead of an SA.
fn reasons(negotiation: &Negotiation, sa: &IkeSa) -> Option<Text> {
    let v1 = sa.version.major() == 1;
    let refused = negotiation.refused()?.errors.iter();
    Some(list(refused.map(|told| child::reason(told.kind, v1))))
}

/// What is said of an IKE SA, and what its terms are, if they are told.
fn on(says: Text, terms: Option<Text>) -> Text {
    match terms {
        Some(terms) => say!("{says}: {terms}", says, terms),
        None => says,
    }
}

/// Version and suite: `IKEv2, ENCR_AES_CBC-256, …`.
fn terms(sa: &IkeSa) -> Text {
    let version = Text::verbatim(format_args!("IKEv{}", sa.version.major()));
    let suite = sa.suite.as_ref().map(algorithms).unwrap_or_default();
    list([version].into_iter().chain(suite))
}

fn algorithms(suite: &IkeSuite) -> Vec<Text> {
    let cipher = suite.encryption.map(|id| {
        let name = offer::name(TransformType::ENCR, id);
        match suite.key_bits {
            Some(bits) => Text::verbatim(format_args!("{name}-{bits}")),
            None => name,
        }
    });
    let named = |kind, id: Option<u16>| id.map(|id| offer::name(kind, id));
    let mut words: Vec<Text> = [
        cipher,
        named(TransformType::INTEG, suite.integrity),
        named(TransformType::PRF, suite.prf),
        named(TransformType::KE, suite.group),
    ]
    .into_iter()
    .flatten()
    .collect();
    let more = suite.additional_groups.iter();
    words.extend(more.map(|id| offer::name(TransformType::KE, *id)));
    words
}

/// Where a side sends from, at one tap.
struct Whence {
    from: Endpoint,
    to: Endpoint,
}

/// A side of an IKE SA that sends from elsewhere than before. Ports float to 4500 (RFC 7296 section
/// 2.23), which changes where messages go as well.
fn moves(model: &Model, sa: &IkeSa, clocks: &Clocks, events: &mut Vec<Event>) {
    let flights = sa
        .exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights);
    let mut messages: Vec<_> = flights
        .flat_map(|flight| flight.copies().map(|id| (flight.by, id)))
        .map(|(by, id)| (by, &model.messages[id]))
        .collect();
    messages.sort_by_key(|(_, message)| (message.time, message.frame));
    let mut known: BTreeMap<(bool, Vantage), Whence> = BTreeMap::new();
    let mut told: BTreeMap<(Endpoint, Endpoint), (Vantage, Timestamp)> = BTreeMap::new();
    for (by, message) in messages {
        let now = Whence {
            from: message.path.from(),
            to: message.path.to(),
        };
        let key = (by == Role::Initiator, message.vantage);
        let Some(before) = known.insert(key, now) else {
            continue;
        };
        let from = message.path.from();
        if before.from == from {
            continue;
        }
        // Another tap has the same.
        let moved = (before.from, from);
        let when = clocks.common((message.frame, message.time));
        if told.get(&moved).is_some_and(|(vantage, at)| {
            *vantage != message.vantage && Span(when.since(*at).0.saturating_abs()) <= ALIKE
        }) {
            continue;
        }
        told.insert(moved, (message.vantage, when));
        let same_port = before.to.port == message.path.to().port;
        let says = if before.from.address != from.address {
            say!("{before} now sends from {from}", before = before.from, from)
        } else if same_port {
            say!(
                "{before} now sends from port {port}: a NAT changed its mapping, or it moved",
                before = before.from,
                port = from.port.map_or_else(|| "none".into(), Text::from)
            )
        } else {
            continue;
        };
        events.push(Event::new((message.frame, message.time), Kind::Moved, says));
    }
}

//! Requests for child SAs that were refused: `CREATE_CHILD_SA`, judged by size, and quick mode. Of those that were opened
//! [`super::child`] tells more.

use super::{began, life, until_latest};
use crate::diagnose::{Case, Cite, Signs};
use crate::model::{
    AuthOutcome, ChildOutcome, Exchange, ExchangeId, Flight, IkeSa, IkeSaId, Model, Role,
};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// A refused request.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The IKE SA it ran under.
    pub ike_sa: IkeSaId,
    /// The exchange.
    pub exchange: ExchangeId,
    /// The request.
    pub request: Cite,
    /// The refusal.
    pub response: Cite,
    /// Octets of plaintext of the request, at least; `None` if sizes cannot tell, as in IKEv1.
    pub plaintext: Option<usize>,
    /// Whether it asks for one more child SA beside those that live.
    pub adds: bool,
    /// Whether the same side renewed a child SA by a request of that size.
    pub renews: bool,
}

impl Refused {
    /// Plaintext of a rekeying request without a public value: an SA of one proposal (48), a nonce
    /// (36), one IPv4 selector each (48), N(REKEY_SA) (12) and a notify to spare.
    const BARE: usize = 152;

    /// How many octets the request is larger than a bare one, if that leaves room for the smallest
    /// public value (32 octets and a header of 8, RFC 8031).
    pub fn room_for_public_value(&self) -> Option<usize> {
        let octets = self.plaintext?;
        has_room_for_public_value(octets).then(|| octets.saturating_sub(Self::BARE))
    }
}

/// Whether a request with so many octets of plaintext may carry a public value.
pub fn has_room_for_public_value(octets: usize) -> bool {
    octets >= Refused::BARE + 40 - 12
}

/// Whether what the side that is refused at first was granted tells that PFS is not to blame: a request of the same
/// size, by an answer that has room for a public value as well, for then both have the group (RFC 7296 section 1.3);
/// or a renewal without a public value, for then a request that has one is about the IKE SA (section 1.3.2).
pub fn has_the_group(case: &Case<'_>, refused: &[Refused]) -> bool {
    let Some((first, _)) = refused
        .first()
        .and_then(|one| Some((one, one.room_for_public_value()?)))
    else {
        return false;
    };
    let octets = |sa, flight| case.model.plaintext_range(sa, flight);
    let exchange = &case.model.exchanges[first.exchange];
    let asker = |request: &Flight| {
        let from = super::first(case.model, request)?.path.from().address;
        super::end_of(case.tunnel, from)
    };
    let Some((request, refused)) = exchange
        .request()
        .and_then(|request| Some((request, octets(first.ike_sa, request)?)))
    else {
        return false;
    };
    let by = asker(request);
    let exchanges = case.ike_sas().flat_map(|sa| &sa.exchanges);
    exchanges.map(|id| &case.model.exchanges[*id]).any(|other| {
        let granted = other.kind == ExchangeType::CREATE_CHILD_SA
            && ended(case.model, other, ChildOutcome::Made);
        let parts = other.request().zip(other.response());
        granted
            && parts.is_some_and(|(request, response)| {
                // One that renews has N(REKEY_SA) more than one that adds.
                let alike = octets(other.ike_sa, request).is_some_and(|granted| {
                    *granted.start() <= refused.end() + REKEY_SA
                        && *refused.start() <= granted.end() + REKEY_SA
                });
                let answer = octets(other.ike_sa, response);
                let taken = alike
                    && answer.is_some_and(|octets| has_room_for_public_value(*octets.start()));
                (taken || renews_without(case.model, other)) && asker(request) == by
            })
    })
}

/// Whether a request renews a child SA, and has no room for a public value.
fn renews_without(model: &Model, exchange: &Exchange) -> bool {
    let octets = exchange
        .request()
        .and_then(|request| model.plaintext_range(exchange.ike_sa, request));
    octets.is_some_and(|octets| !has_room_for_public_value(*octets.end()))
        && model.renews_by_size(exchange) == Some(true)
}

/// Whether the sides ask across each other: after one has asked, the other does so before it answers (RFC 7296 section
/// 2.8.1). Of what bears one time, the frame that was recorded first came first.
pub fn cross(model: &Model, one: &Exchange, other: &Exchange) -> bool {
    let place = |flight: Option<&Flight>| began(model, flight?).map(|(frame, time)| (time, frame));
    let asked = [one, other].map(|exchange| place(exchange.request()));
    match (asked, place(one.response())) {
        ([Some(first), Some(second)], Some(answered)) => {
            one.by != other.by && first < second && second < answered
        }
        _ => false,
    }
}

/// A refusal that was mended this soon is part of a normal negotiation: another group, a collision.
const MENDED: Span = Span::from_secs(10);

/// So long after a refusal the old SA may live on: then the peers negotiate anew because of it. What
/// begins later is a reauthentication of its own.
pub const OUTLIVED: Span = Span::from_secs(1800);

/// The refused requests of a tunnel that no success followed soon, in order: those that ask for a first
/// child SA, or for one more, and those made while one was up, or had been, which renew it as a rule.
pub fn refused(case: &Case<'_>) -> [Vec<Refused>; 2] {
    /// An IKE SA that another takes the place of is closed this soon.
    const LEFT: Span = Span::from_secs(10);
    let [mut before, mut alive] = [Vec::new(), Vec::new()];
    if !case.signs().meet(Signs::CHILD_REFUSED) {
        return [before, alive];
    }
    let lives = LazyCell::new(|| Lives::of(case));
    let additions = LazyCell::new(|| Additions::of(case));
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        let by_side = LazyCell::new(|| {
            [Role::Initiator, Role::Responder].map(|by| {
                let asked = exchanges(case.model, sa).filter(move |exchange| exchange.by == by);
                times_made(case.model, asked)
            })
        });
        // Its own first child SA was refused: ESP that belongs to another IKE SA is none that it could renew.
        let without = sa.auth == AuthOutcome::AuthOnly && life::birth(case.model, *id).is_some();
        let lately = |time| match without {
            true => lives.lately(&[None, Some(*id)], time),
            false => lives.lately_any(time),
        };
        let has_child = |time| {
            let in_auth = match sa.auth {
                AuthOutcome::Full => true,
                // Certificates hide what the answer holds; a new flow shows it.
                AuthOutcome::Unclear => lives.any_begins([sa.seen.first.1, time]),
                _ => false,
            };
            let mut first_made = by_side.iter().filter_map(|made| made.first());
            in_auth || first_made.any(|first| *first < time)
        };
        for exchange_id in &sa.exchanges {
            let exchange = &case.model.exchanges[*exchange_id];
            if !ended(case.model, exchange, ChildOutcome::Refused) {
                continue;
            }
            let Some((request, answer)) = parts(case.model, exchange) else {
                continue;
            };
            let cites = began(case.model, request).zip(began(case.model, answer));
            let Some((request, response)) = cites.filter(|_| case.model.opened(answer).is_none())
            else {
                continue;
            };
            let quick = exchange.kind == ExchangeType::QUICK_MODE;
            if !quick && crosses(case.model, exchange, response.1) {
                continue;
            }
            // In IKEv1 a small message of the other side may be a delete: traffic on a new SA shows that
            // message 2 came all the same, if not to the recording.
            if quick && (case.tap().missed.is_some() || case.is_served(request.1, response.1)) {
                continue;
            }
            // Who asks again knows what it was granted before: only what the other side asked can cross it.
            let (own, others) = match (&*by_side, exchange.by) {
                ([own, others], Role::Initiator) | ([others, own], Role::Responder) => {
                    (own, others)
                }
            };
            let granted = own.get(own.partition_point(|time| *time < request.1));
            let granted = granted.is_some_and(|time| time.since(response.1) <= MENDED);
            if !granted && !is_near(others, response.1) {
                let is_alive = match lives.first {
                    // An older IKE SA, and its ESP with it, may have been gone for long. In IKEv1 child SAs
                    // outlive it.
                    Some(first) if !quick && life::birth(case.model, *id).is_some() => {
                        first <= request.1 && (has_child(request.1) || lately(request.1))
                    }
                    Some(first) => first <= request.1,
                    // A capture filter may leave ESP out. That the peers negotiate anew and leave this IKE SA
                    // tells of a child SA that ran out.
                    None => {
                        let left = lives
                            .next_begun(response.1)
                            .is_some_and(|begun| sa.seen.last.1.since(begun) <= LEFT);
                        has_child(request.1) && (left || !alive.is_empty())
                    }
                };
                let asked = exchange.request().filter(|_| !quick);
                let octets = asked.and_then(|request| case.model.plaintext_range(*id, request));
                let asking = asked.and_then(|request| asking(case, *id, request));
                let adds = is_alive && additions.are_like(asking, response.1);
                let renews = is_alive && !adds && additions.are_renewals(asking);
                let of_its_kind = match is_alive && !adds {
                    true => &mut alive,
                    false => &mut before,
                };
                of_its_kind.push(Refused {
                    ike_sa: *id,
                    exchange: *exchange_id,
                    request,
                    response,
                    plaintext: octets.map(|octets| *octets.start()),
                    adds,
                    renews,
                });
            }
        }
    }
    [before, alive]
}

/// Whether a request that is refused at a time crosses an exchange of who refuses, about an SA: that began before,
/// and was not over when the request was sent. Then it must be refused for the moment, and is tried again after a
/// while (RFC 7296 sections 2.25.1 and 2.25.2).
pub fn crosses(model: &Model, exchange: &Exchange, refused: Timestamp) -> bool {
    /// The side that asked goes on to delete what it replaced, and says no word in between.
    const TIDIES: Span = Span::from_millis(500);
    /// How many exchanges before the refusal are looked at: the window of requests is small.
    const WINDOW: usize = 16;
    let time = |flight: &Flight| began(model, flight).map(|at| at.1);
    let Some(asked) = exchange.flights.first().and_then(time) else {
        return false;
    };
    let exchanges = &model.ike_sas[exchange.ike_sa].exchanges;
    let begun = |id: &ExchangeId| model.exchanges[*id].flights.first().and_then(time);
    let until = exchanges.partition_point(|id| begun(id).is_none_or(|begun| begun <= refused));
    let before = exchanges.iter().take(until).rev().take(WINDOW);
    before.map(|id| &model.exchanges[*id]).any(|other| {
        let is_of_sa = other.kind == ExchangeType::CREATE_CHILD_SA
            || other
                .request()
                .is_some_and(|request| !model.deletes(request).is_empty());
        let over = other.response().and_then(time);
        other.by != exchange.by && is_of_sa && over.is_none_or(|over| over.later(TIDIES) >= asked)
    })
}

/// Octets of the notification N(REKEY_SA), with an SPI of ESP (RFC 7296 section 3.10).
const REKEY_SA: usize = 12;

/// Who asks, and between how many octets of plaintext the request has.
type Asking = (Option<usize>, usize, usize);

/// What a sealed `CREATE_CHILD_SA` request is known by; `None` if its size leaves room for a doubt as large as
/// N(REKEY_SA), by which a request to renew differs from one for a further child SA (RFC 7296 section 1.3.3).
fn asking(case: &Case<'_>, ike_sa: IkeSaId, request: &Flight) -> Option<Asking> {
    let from = super::first(case.model, request)?.path.from().address;
    let octets = case.model.plaintext_range(ike_sa, request)?;
    let (least, most) = octets.into_inner();
    (most - least < REKEY_SA).then(|| (super::end_of(case.tunnel, from), least, most))
}

/// Requests that made one more child SA, which replaced none, and those that renewed one.
struct Additions {
    /// When one of each kind first came.
    first: BTreeMap<Asking, Timestamp>,
    /// What the requests were known by that are known to have renewed a child SA.
    renewals: BTreeSet<Asking>,
    /// When child SAs were made, in order: and the last packet of each and those before.
    lives: Vec<(Timestamp, Timestamp)>,
}

impl Additions {
    fn of(case: &Case<'_>) -> Self {
        let children = case.ike_sas().flat_map(|sa| &sa.child_sas);
        let children = children.map(|id| &case.model.child_sas[*id]);
        let replacing: BTreeMap<ExchangeId, bool> = children
            .filter_map(|child| Some((child.made_by?, child.replaces.is_some())))
            .collect();
        let (mut first, mut made_alike) = (BTreeMap::new(), BTreeSet::new());
        let mut renewals = BTreeSet::new();
        let exchanges = case.ike_sas().flat_map(|sa| &sa.exchanges);
        for id in exchanges {
            let exchange = &case.model.exchanges[*id];
            let made = exchange.kind == ExchangeType::CREATE_CHILD_SA
                && ended(case.model, exchange, ChildOutcome::Made);
            let Some(request) = exchange.request().filter(|_| made) else {
                continue;
            };
            let (Some(asking), Some((_, time))) = (
                asking(case, exchange.ike_sa, request),
                began(case.model, request),
            ) else {
                continue;
            };
            made_alike.insert(asking);
            // What made one that was not used is known by its size not to be about the IKE SA, whose rekeying has a
            // public value, and not to renew one.
            let (.., most) = asking;
            let (by_size, replaces) = (case.model.renews_by_size(exchange), replacing.get(id));
            let adds = match replaces {
                Some(replaces) => !replaces,
                None => !has_room_for_public_value(most) && by_size != Some(true),
            };
            if by_size == Some(true) || by_size.is_none() && replaces == Some(&true) {
                renewals.insert(asking);
            }
            if adds {
                let earliest = first.entry(asking).or_insert(time);
                *earliest = time.min(*earliest);
            }
        }
        // One that is larger than another by the name of an SA took its place, though neither was used.
        first.retain(|(end, least, _), _| {
            let bare = least.saturating_sub(REKEY_SA);
            let mut bare = made_alike.range((*end, bare, 0)..=(*end, bare, usize::MAX));
            bare.next().is_none()
        });
        let mut lives: Vec<_> = case
            .flows()
            .map(|flow| {
                let made = super::child_made(case.model, flow);
                (made.unwrap_or(flow.seen.first).1, flow.seen.last.1)
            })
            .collect();
        until_latest(&mut lives);
        Self {
            first,
            renewals,
            lives,
        }
    }

    /// Whether requests of that kind renewed a child SA.
    fn are_renewals(&self, asking: Option<Asking>) -> bool {
        asking.is_some_and(|asking| self.renewals.contains(&asking))
    }

    /// Whether a request of that kind made one, and a child SA that is older lives on at a later time.
    fn are_like(&self, asking: Option<Asking>, later: Timestamp) -> bool {
        let Some(first) = asking.and_then(|asking| self.first.get(&asking)) else {
            return false;
        };
        let older = self.lives.partition_point(|(made, _)| made < first);
        let latest = older.checked_sub(1).and_then(|place| self.lives.get(place));
        latest.is_some_and(|(_, last)| *last >= later)
    }
}

/// When ESP flowed.
struct Lives {
    /// The first packet.
    first: Option<Timestamp>,
    /// When flows began, in order: and the last packet of each and those before.
    flows: Vec<(Timestamp, Timestamp)>,
    /// The same by the IKE SA that they belong to, as far as something ties them to one.
    by_sa: BTreeMap<Option<IkeSaId>, Vec<(Timestamp, Timestamp)>>,
    /// When IKE SAs were first seen, in order.
    begun: Vec<Timestamp>,
}

impl Lives {
    fn of(case: &Case<'_>) -> Self {
        let (mut flows, mut by_sa) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for flow in case.flows() {
            let child = flow.child_sa.child_sa();
            let sa = child.and_then(|child| case.model.child_sas[child].ike_sa);
            let times = (flow.seen.first.1, flow.seen.last.1);
            flows.push(times);
            by_sa.entry(sa).or_default().push(times);
        }
        until_latest(&mut flows);
        by_sa.values_mut().for_each(|times| until_latest(times));
        let mut begun: Vec<_> = case.ike_sas().map(|sa| sa.seen.first.1).collect();
        begun.sort_unstable();
        Self {
            first: flows.first().map(|(first, _)| *first),
            flows,
            by_sa,
            begun,
        }
    }

    /// Whether a flow begins between two times.
    fn any_begins(&self, [from, to]: [Timestamp; 2]) -> bool {
        let before = |time| self.flows.partition_point(|(first, _)| *first < time);
        before(from) < before(to)
    }

    /// When the next IKE SA after a time began, if the old child SAs may have lived on until then.
    fn next_begun(&self, time: Timestamp) -> Option<Timestamp> {
        let next = self.begun.partition_point(|begun| *begun <= time);
        let next = self.begun.get(next).copied();
        next.filter(|begun| begun.since(time) <= OUTLIVED)
    }

    /// Whether ESP flowed at a time, or shortly before it.
    fn lately_any(&self, time: Timestamp) -> bool {
        is_lately(&self.flows, time)
    }

    /// The same of ESP of these IKE SAs.
    fn lately(&self, of: &[Option<IkeSaId>], time: Timestamp) -> bool {
        let mut flows = of.iter().filter_map(|sa| self.by_sa.get(sa));
        flows.any(|flows| is_lately(flows, time))
    }
}

/// Whether one of these flows had a packet at a time, or shortly before it.
fn is_lately(flows: &[(Timestamp, Timestamp)], time: Timestamp) -> bool {
    /// An SA that is to be rekeyed is in use.
    const LATELY: Span = Span::from_secs(60);
    let begun = flows.partition_point(|(first, _)| *first < time);
    let latest = begun.checked_sub(1).and_then(|place| flows.get(place));
    latest.is_some_and(|(_, last)| time.since(*last) <= LATELY)
}

/// A request and what refused it: its response, or in IKEv1 an informational message.
fn parts<'m>(model: &'m Model, exchange: &'m Exchange) -> Option<(&'m Flight, &'m Flight)> {
    match exchange.kind {
        ExchangeType::QUICK_MODE => Some((
            exchange.flights.first()?,
            model.quick_refusal(exchange)?.flights.first()?,
        )),
        _ => Some((exchange.request()?, exchange.response()?)),
    }
}

/// The exchanges that made child SAs after those of `IKE_AUTH`.
pub fn made<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m Exchange> + 'm {
    case.exchanges()
        .filter(|exchange| ended(case.model, exchange, ChildOutcome::Made))
}

/// Whether this is a negotiation of a child SA, after that of `IKE_AUTH`, that ended so. A
/// `CREATE_CHILD_SA` may be about an IKE SA, which its size does not always tell.
pub fn ended(model: &Model, exchange: &Exchange, outcome: ChildOutcome) -> bool {
    matches!(
        exchange.kind,
        ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE
    ) && model.child_outcome(exchange) == outcome
}

/// Whether a child SA was made under the same IKE SA around that time.
pub fn mended(model: &Model, sa: &IkeSa, refused: Timestamp) -> bool {
    is_near(&times_made(model, exchanges(model, sa)), refused)
}

/// Whether one of the times, which are sorted, mends what was refused.
pub fn is_near(successes: &[Timestamp], refused: Timestamp) -> bool {
    /// Of negotiations that crossed the one that succeeds may be answered first.
    const CROSSED: Span = Span::from_secs(2);
    let next = successes.partition_point(|time| refused.since(*time) > CROSSED);
    successes
        .get(next)
        .is_some_and(|time| time.since(refused) <= MENDED)
}

/// When those of some exchanges that [made](ended) child SAs were answered, sorted.
pub fn times_made<'m>(
    model: &Model,
    exchanges: impl Iterator<Item = &'m Exchange>,
) -> Vec<Timestamp> {
    let made = exchanges.filter_map(|exchange| made_at(model, exchange));
    let mut times: Vec<Timestamp> = made.collect();
    times.sort_unstable();
    times
}

/// When a negotiation of a child SA that [succeeded](ended) was answered.
pub fn made_at(model: &Model, exchange: &Exchange) -> Option<Timestamp> {
    let response = exchange
        .response()
        .filter(|_| ended(model, exchange, ChildOutcome::Made))?;
    began(model, response).map(|at| at.1)
}

/// The exchanges of an IKE SA.
fn exchanges<'m>(model: &'m Model, sa: &'m IkeSa) -> impl Iterator<Item = &'m Exchange> {
    sa.exchanges.iter().map(|id| &model.exchanges[*id])
}

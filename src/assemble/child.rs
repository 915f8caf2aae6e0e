//! Child SAs: which exchange made them, which flows they carry.
//!
//! Where the messages that made it were opened, they name its SPIs and the SA whose place it takes.
//! Without keys SPIs of child SAs are not seen. A flow is then tied to the exchange that
//! made its SA by time, addresses and direction: the SPI is first seen after the request of an
//! exchange whose answer is large enough to have made a child SA. Where that leaves a choice
//! between IKE SAs, nothing is tied.

use super::pairs::{PairId, Pairs};
use super::succession::{Succession, times};
use super::{HashMap, HashSet, with_capacity};
use crate::each::{Each, map_ids};
use crate::limits::{LINK_CHOICES, LINK_CROWD};
use crate::model::exchange::begins_ike_sa;
use crate::model::{
    AuthOutcome, ChildOutcome, ChildSa, ChildTerms, Deleted, ExchangeId, Few, FlowId, IkeSaId,
    IkeState, InformationalClass, Link, Model, Negotiation, Role, Seen, Signs, Table,
};
use crate::registry::ExchangeType;
use crate::units::{EspSpi, Span, Timestamp};
use std::cell::LazyCell;
use std::net::IpAddr;

/// A flow that begins this soon after an exchange belongs to it, whatever else is open.
const AT_ONCE: Span = Span::from_secs(2);

/// Both directions of a child SA of unknown origin begin within this time; child SAs made within
/// this time are made together.
const TOGETHER: Span = Span::from_secs(10);

/// How long an old child SA may be used on beside the one that replaces it.
const DRAIN: Span = Span::from_secs(30);

/// Fills `child_sas`, the links of the flows, and `child_sas` of the IKE SAs.
pub(super) fn link(model: &mut Model, pairs: &Pairs, succession: &Succession, each: &Each<'_>) {
    let groups = groups(model, pairs);
    let makers = makers(model, pairs, succession, each);
    let mut drafts: Vec<Draft> = makers.iter().map(Draft::of).collect();
    let proven = prove(&groups, &makers, &mut drafts);
    let unlinked = assign(model, pairs, &groups, &makers, &mut drafts, &proven);
    drafts.extend(pair_up(model, pairs, &groups, &unlinked));
    drafts.retain(|draft| draft.sure || draft.flows.iter().any(Option::is_some));
    drafts.sort_by_key(|draft| draft.time);
    let drafts = replace(model, pairs, &groups, drafts);
    store(model, &groups, drafts);
}

/// All flows of one SA: the same SPI at every vantage and after every move.
struct Group {
    ah: bool,
    spi: EspSpi,
    from: IpAddr,
    to: IpAddr,
    pair: PairId,
    /// The way that it goes between the pair.
    way: usize,
    seen: Seen,
    flows: Few<FlowId>,
}

impl Group {
    /// The way of what answers it. An address may speak to itself, on a loopback: there is one way only.
    fn way_back(&self) -> usize {
        match self.from == self.to {
            true => self.way,
            false => 1 - self.way,
        }
    }
}

/// Puts flows of one SA together. An SPI is 32 bits chosen at random by the receiver: the same one
/// at another vantage, or towards a moved receiver once the old address is silent, is the same SA.
fn groups(model: &Model, pairs: &Pairs) -> Vec<Group> {
    let mut flows: Vec<FlowId> = model.flows.ids().collect();
    flows.sort_by_key(|id| model.flows[*id].seen.first.1);
    let mut groups: Vec<Group> = Vec::with_capacity(flows.len());
    let mut latest: HashMap<(bool, EspSpi), usize> = with_capacity(flows.len());
    for id in flows {
        let flow = &model.flows[id];
        let (Some(path), Some(pair)) = (flow.paths.first(), pairs.of_flow(id).first()) else {
            continue;
        };
        let key = (flow.key.ah, flow.key.spi);
        let known = latest.get(&key).and_then(|index| groups.get_mut(*index));
        if let Some(group) = known
            && let Some(first) = group.flows.first()
        {
            let elsewhere = model.flows[*first].key.vantage != flow.key.vantage;
            let same = group.to == flow.key.to;
            let moved = flow.seen.first.1 >= group.seen.last.1;
            if elsewhere || same || moved {
                group.flows.push(id);
                group.seen.last = later(group.seen.last, flow.seen.last);
                continue;
            }
        }
        latest.insert(key, groups.len());
        groups.push(Group {
            ah: flow.key.ah,
            spi: flow.key.spi,
            from: path.from.address,
            to: flow.key.to,
            pair: *pair,
            way: pairs.way(*pair, path.from.address),
            seen: flow.seen,
            flows: std::iter::once(id).collect(),
        });
    }
    groups
}

/// An exchange that made a child SA, or may have.
struct Maker {
    ike_sa: IkeSaId,
    exchange: ExchangeId,
    /// Who asked.
    by: Role,
    /// Between whom: who answers may do so from elsewhere.
    ends: Few<Ends>,
    /// When it was asked, and answered.
    asked: Timestamp,
    answered: Timestamp,
    /// Whether it made a child SA beyond doubt.
    sure: bool,
    /// Whether it may have made something else, or nothing.
    doubtful: bool,
    /// What its messages say, if any was opened.
    told: Option<Box<Negotiation>>,
    /// Whether it takes the place of another, as its messages or their sizes tell.
    renews: Option<bool>,
}

/// Who asked and who answered.
#[derive(PartialEq)]
struct Ends {
    asker: IpAddr,
    answerer: IpAddr,
    pair: PairId,
}

impl Ends {
    /// Whom packets of this side go to: who asked, or who answered.
    fn at(&self, side: usize) -> IpAddr {
        match side {
            0 => self.asker,
            _ => self.answerer,
        }
    }
}

impl Maker {
    /// The SPIs of packets towards who asked and towards who answered, as far as they were read.
    fn spis(&self) -> [Option<EspSpi>; 2] {
        self.told.as_ref().map_or([None, None], |told| told.spis())
    }

    /// What was agreed, as far as it was read.
    fn terms(&self) -> Option<Box<ChildTerms>> {
        let told = self.told.as_ref()?;
        let granted = told.answer.as_ref().filter(|answer| answer.has_sa);
        let asked = told.request.as_ref().filter(|request| request.has_sa);
        let any = granted.or(asked)?;
        Some(Box::new(ChildTerms {
            ah: any.spis.first().is_some_and(|(_, ah, _)| *ah),
            mode: granted.map(|answer| answer.mode),
            suite: granted.and_then(|answer| answer.suite.clone()),
            asked: asked.and_then(|request| request.selectors.clone()),
            granted: granted.and_then(|answer| answer.selectors.clone()),
            lifetime_secs: granted.and_then(|answer| answer.lifetime_secs),
            lifetime_kilobytes: granted.and_then(|answer| answer.lifetime_kilobytes),
        }))
    }

    /// The SPI of the SA whose place it takes; `Some(None)` if it takes none.
    fn rekeys(&self) -> Option<Option<EspSpi>> {
        let told = self.told.as_ref().and_then(|told| told.request.as_ref());
        match (self.renews, told) {
            (Some(_), Some(request)) => Some(request.rekeys),
            (Some(false), None) => Some(None),
            _ => None,
        }
    }
}

/// The exchanges that made child SAs, in order of time. IKE SAs under which one was refused get the sign of it.
fn makers(
    model: &mut Model,
    pairs: &Pairs,
    succession: &Succession,
    each: &Each<'_>,
) -> Vec<Maker> {
    let ids: Vec<IkeSaId> = model.ike_sas.ids().collect();
    let asked = map_ids(each, &ids, |id| makers_of(model, pairs, succession, id));
    let mut makers: Vec<Maker> = Vec::with_capacity(asked.iter().map(|(made, _)| made.len()).sum());
    for (id, (made, refused)) in ids.into_iter().zip(asked) {
        makers.extend(made);
        if refused {
            let sa = &mut model.ike_sas[id];
            sa.signs = sa.signs.or(Signs::CHILD_REFUSED);
        }
    }
    makers.sort_by_key(|maker| maker.asked);
    makers
}

/// Those of an IKE SA, and whether one was refused after authentication.
fn makers_of(
    model: &Model,
    pairs: &Pairs,
    succession: &Succession,
    ike_sa: IkeSaId,
) -> (Vec<Maker>, bool) {
    let row = &model.ike_sas[ike_sa];
    let (mut makers, mut refused) = (Vec::new(), false);
    let auth = match row.version.major() {
        1 => AuthOutcome::NotSeen,
        _ => row.auth,
    };
    let last_auth = row
        .exchanges
        .iter()
        .rev()
        .find(|id| model.exchanges[**id].kind == ExchangeType::IKE_AUTH);
    let mut kinds = row.exchanges.iter().map(|id| model.exchanges[*id].kind);
    let has_more_keys = kinds.any(|kind| kind == ExchangeType::IKE_FOLLOWUP_KE);
    for id in &row.exchanges {
        let exchange = &model.exchanges[*id];
        let (sure, doubtful) = match exchange.kind {
            ExchangeType::IKE_AUTH if Some(id) == last_auth => match auth {
                AuthOutcome::Full => (true, false),
                AuthOutcome::Unclear => (false, true),
                _ => continue,
            },
            ExchangeType::CREATE_CHILD_SA if !succession.rekeys.contains(id) => {
                match model.child_outcome(exchange) {
                    // Its successor may lie beyond the capture, if it rekeyed an IKE SA.
                    ChildOutcome::Made => (false, false),
                    ChildOutcome::Unclear => (false, true),
                    outcome => {
                        refused |= outcome == ChildOutcome::Refused;
                        continue;
                    }
                }
            }
            ExchangeType::QUICK_MODE => match model.child_outcome(exchange) {
                ChildOutcome::Made => (true, false),
                outcome => {
                    refused |= outcome == ChildOutcome::Refused;
                    continue;
                }
            },
            _ => continue,
        };
        let told = model.negotiation(*id);
        if told.as_ref().is_some_and(Negotiation::is_of_ike) {
            continue;
        }
        let granted = told
            .as_ref()
            .and_then(|told| told.answer.as_ref())
            .is_some_and(|answer| answer.has_sa);
        let (sure, doubtful) = (sure || granted, doubtful && !granted);
        let renews = match told.as_ref().and_then(|told| told.request.as_ref()) {
            _ if exchange.kind != ExchangeType::CREATE_CHILD_SA => None,
            Some(request) => Some(request.rekeys.is_some()),
            // The answer names what follows it (RFC 9370 section 2.2.4).
            None if has_more_keys => None,
            None => model.renews_by_size(exchange),
        };
        let Some((asked, answered)) = times(model, exchange) else {
            continue;
        };
        let flights = [exchange.request(), exchange.response()];
        let mut ends = Few::new();
        for flight in flights.into_iter().flatten() {
            let Some(first) = flight.first() else {
                continue;
            };
            let path = &model.messages[first].path;
            let (from, to) = (path.from().address, path.to().address);
            let (asker, answerer) = match flight.by == exchange.by {
                true => (from, to),
                false => (to, from),
            };
            let Some(pair) = pairs.between_of(ike_sa, from, to) else {
                continue;
            };
            let between = Ends {
                asker,
                answerer,
                pair,
            };
            if !ends.contains(&between) {
                ends.push(between);
            }
        }
        makers.push(Maker {
            ike_sa,
            exchange: *id,
            by: exchange.by,
            ends,
            asked,
            answered,
            sure,
            doubtful,
            told: told.map(Box::new),
            renews,
        });
    }
    (makers, refused)
}

/// A child SA in the making.
struct Draft {
    time: Timestamp,
    ike_sa: Option<IkeSaId>,
    made_by: Option<ExchangeId>,
    by: Option<Role>,
    sure: bool,
    /// SPIs of packets towards who asked and towards who answered, as messages name them.
    spis: [Option<EspSpi>; 2],
    /// Groups of flows towards who asked, and towards who answered.
    flows: [Option<usize>; 2],
    /// Whether another was made together with it, so that either may carry what the other is given.
    guessed: bool,
    terms: Option<Box<ChildTerms>>,
    /// The SPI of the SA whose place it takes; `Some(None)` if messages say that it takes none.
    rekeys: Option<Option<EspSpi>>,
    /// The draft it replaces.
    replaces: Option<usize>,
}

impl Draft {
    fn of(maker: &Maker) -> Self {
        Self {
            time: maker.asked,
            ike_sa: Some(maker.ike_sa),
            made_by: Some(maker.exchange),
            by: Some(maker.by),
            sure: maker.sure,
            spis: maker.spis(),
            flows: [None, None],
            guessed: false,
            terms: maker.terms(),
            rekeys: maker.rekeys(),
            replaces: None,
        }
    }

    /// Its SPIs, by messages and by its flows.
    fn all_spis<'a>(&self, groups: &'a [Group]) -> impl Iterator<Item = EspSpi> + use<'_, 'a> {
        let carried = self.flows.iter().flatten();
        let carried = carried.filter_map(|index| groups.get(*index).map(|group| group.spi));
        self.spis.iter().flatten().copied().chain(carried)
    }

    fn seen(&self, groups: &[Group]) -> Option<Seen> {
        self.flows
            .iter()
            .flatten()
            .filter_map(|index| groups.get(*index))
            .map(|group| group.seen)
            .reduce(|a, b| Seen {
                first: match b.first.1 < a.first.1 {
                    true => b.first,
                    false => a.first,
                },
                last: later(a.last, b.last),
            })
    }
}

/// Gives groups of flows to the exchanges whose messages name their SPIs; returns them. Where a peer
/// gave an SPI twice, the group nearest in time is meant.
fn prove(groups: &[Group], makers: &[Maker], drafts: &mut [Draft]) -> HashSet<usize> {
    // Without keys no SPI is named.
    let named = |draft: &Draft| draft.spis.iter().any(Option::is_some);
    if !drafts.iter().any(named) {
        return HashSet::default();
    }
    let mut by_spi: HashMap<(bool, EspSpi), Few<usize>> = HashMap::default();
    for (index, group) in groups.iter().enumerate() {
        by_spi.entry((group.ah, group.spi)).or_default().push(index);
    }
    let mut proven = HashSet::default();
    for (maker, draft) in makers.iter().zip(drafts) {
        let ah = draft.terms.as_ref().is_some_and(|terms| terms.ah);
        for (side, spi) in draft.spis.into_iter().enumerate() {
            let candidates = spi.and_then(|spi| by_spi.get(&(ah, spi)));
            let fits = candidates
                .into_iter()
                .flatten()
                .filter(|index| !proven.contains(*index))
                .filter_map(|index| Some((*index, groups.get(*index)?)))
                .take(LINK_CHOICES)
                // A peer may use an SA before its answer passed (RFC 7296 section 1.2), and move.
                .filter(|(_, group)| group.seen.last.1 >= maker.asked)
                .min_by_key(|(_, group)| {
                    let mut ends = maker.ends.iter();
                    let elsewhere = !ends.any(|ends| ends.at(side) == group.to);
                    (
                        elsewhere,
                        group.seen.first.1.since(maker.asked).0.saturating_abs(),
                    )
                });
            if let (Some((index, _)), Some(slot)) = (fits, draft.flows.get_mut(side)) {
                *slot = Some(index);
                proven.insert(index);
            }
        }
    }
    proven
}

/// Gives each other group of flows, in order of its first packet, to the exchange that fits; returns
/// those that none fits. Drafts stand in the order of their makers.
fn assign(
    model: &Model,
    pairs: &Pairs,
    groups: &[Group],
    makers: &[Maker],
    drafts: &mut [Draft],
    proven: &HashSet<usize>,
) -> Vec<usize> {
    let mut waiting = makers.iter().enumerate().peekable();
    let mut directions: Table<PairId, [Direction; 2]> = pairs.table();
    let mut unlinked = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        while let Some((number, maker)) =
            waiting.next_if(|(_, maker)| maker.asked <= group.seen.first.1)
        {
            // A direction whose SPI is named carries no other flow.
            let [to_asker, to_answerer] = maker.spis().map(|spi| spi.is_some());
            for ends in &maker.ends {
                let mut open = |from| {
                    let way = pairs.way(ends.pair, from);
                    if let Some(direction) = directions[ends.pair].get_mut(way) {
                        direction.open.push(number);
                    }
                };
                let alone = ends.asker == ends.answerer;
                if !to_answerer || alone && !to_asker {
                    open(ends.asker);
                }
                if !to_asker && !alone {
                    open(ends.answerer);
                }
            }
        }
        let last = group.seen.last.1;
        let Some(direction) = directions[group.pair].get_mut(group.way) else {
            continue;
        };
        let before = direction.used;
        direction.used = Some(before.map_or(last, |before| before.max(last)));
        if proven.contains(&index) {
            continue;
        }
        let chosen = choose(model, (group, before), makers, &mut direction.open);
        let chosen = chosen.map(|Choice { number, among }| {
            if among.len() > 1 {
                for other in &among {
                    if let Some(draft) = drafts.get_mut(*other) {
                        draft.guessed = true;
                    }
                }
            }
            number
        });
        let slot = chosen.and_then(|number| {
            let mut ends = makers.get(number)?.ends.iter();
            let towards_asker = ends.any(|ends| ends.asker == group.to);
            let side = if towards_asker { 0 } else { 1 };
            let draft = drafts.get_mut(number)?;
            let named = draft.spis.get(side).copied().flatten();
            draft.flows.get_mut(side).filter(|_| named.is_none())
        });
        match slot {
            // With two pairs of addresses, the other one may have brought a flow already.
            Some(slot @ None) => *slot = Some(index),
            _ => unlinked.push(index),
        }
    }
    unlinked
}

/// What is known of the way from one address to another, up to the flow at hand.
#[derive(Default)]
struct Direction {
    /// Until when what began earlier was used.
    used: Option<Timestamp>,
    /// The exchanges that may have made what begins next.
    open: Few<usize>,
}

/// The exchange that is taken to have made an SA.
struct Choice {
    number: usize,
    /// Those made together, of which it is the first.
    among: Few<usize>,
}

/// Takes out of the open exchanges the one that made this SA, if that can be told. What began before it in
/// its direction was used until the time beside it.
fn choose(
    model: &Model,
    (group, used): (&Group, Option<Timestamp>),
    makers: &[Maker],
    open: &mut Few<usize>,
) -> Option<Choice> {
    let first = group.seen.first.1;
    let choices: Few<(usize, &Maker)> = open
        .iter()
        .rev()
        .take(LINK_CHOICES)
        .filter_map(|number| Some((*number, makers.get(*number)?)))
        .filter(|(_, maker)| !maker.doubtful || first.since(maker.answered) <= TOGETHER)
        .collect();
    let (newest, latest) = choices.first()?;
    let rivals = choices.iter().any(|(_, maker)| {
        !same_line(model, latest.ike_sa, maker.ike_sa)
            && (first.since(latest.answered) > AT_ONCE || first.since(maker.answered) <= AT_ONCE)
    });
    if rivals {
        return None;
    }
    // Those made together are used in the order they were made; else the newest replaces the
    // others, as one does that renews when none but those is there to be renewed. Without rivals at
    // once, the others are of the same line.
    let mut renewed = false;
    let among: Few<usize> = choices
        .iter()
        .take_while(|(_, maker)| {
            let together = !renewed && latest.asked.since(maker.asked) <= TOGETHER;
            let in_use = used.is_some_and(|used| used >= maker.asked);
            renewed = maker.renews == Some(true) && !in_use;
            together && same_line(model, latest.ike_sa, maker.ike_sa)
        })
        .map(|(number, _)| *number)
        .collect();
    let number = among.last().copied().unwrap_or(*newest);
    // It is among the last few, so this is cheap.
    let place = open.iter().rposition(|open| *open == number)?;
    open.remove(place);
    Some(Choice { number, among })
}

/// Whether two IKE SAs are the same, or one is an heir of the other.
fn same_line(model: &Model, a: IkeSaId, b: IkeSaId) -> bool {
    let descends = |young: IkeSaId, old: IkeSaId| {
        std::iter::successors(Some(young), |id| model.ike_sas[*id].replaces)
            .take(LINK_CHOICES)
            .any(|id| id == old)
    };
    descends(a, b) || descends(b, a)
}

/// Flows that no exchange fits: those of two directions that began together, or live at the same
/// time without a rival, are a child SA; so is one that has no counterpart at all.
fn pair_up(model: &Model, pairs: &Pairs, groups: &[Group], unlinked: &[usize]) -> Vec<Draft> {
    if unlinked.is_empty() {
        return Vec::new();
    }
    let mut directions: Table<PairId, [Few<usize>; 2]> = pairs.table();
    for index in unlinked {
        if let Some(group) = groups.get(*index)
            && let Some(direction) = directions[group.pair].get_mut(group.way)
        {
            direction.push(*index);
        }
    }
    let alive = LazyCell::new(|| Alive::of(model, pairs));
    let mut used = Marks::none(groups.len());
    let mut drafts = Vec::new();
    for index in unlinked {
        let Some(group) = groups.get(*index) else {
            continue;
        };
        if used.holds(*index) {
            continue;
        }
        let ways = &directions[group.pair];
        let [along, against] =
            [group.way, group.way_back()].map(|way| ways.get(way).map_or(&[][..], |list| list));
        let counterpart = match began_with(groups, group, against).as_slice() {
            [one] => groups
                .get(*one)
                .filter(|other| began_with(groups, other, along).len() == 1)
                .map(|_| Ok(*one)),
            [] => None,
            _ => Some(Err(())),
        }
        .or_else(|| overlapping(groups, *index, along, against, &used));
        let counterpart = match counterpart {
            Some(Ok(other)) if !used.holds(other) => Some(other),
            Some(_) => continue,
            None => None,
        };
        used.add(*index);
        if let Some(other) = counterpart {
            used.add(other);
        }
        let ike_sa = alive.at(model, group);
        let initiator = ike_sa
            .and_then(|id| model.ike_sas[id].paths.first())
            .map_or(group.from, |path| path.from.address);
        drafts.push(Draft {
            time: group.seen.first.1,
            ike_sa,
            made_by: None,
            by: None,
            sure: true,
            spis: [None, None],
            guessed: false,
            terms: None,
            rekeys: None,
            flows: match group.to == initiator {
                true => [Some(*index), counterpart],
                false => [counterpart, Some(*index)],
            },
            replaces: None,
        });
    }
    drafts
}

/// Groups of a direction that began at about the same time; more than one is told as two.
fn began_with(groups: &[Group], group: &Group, direction: &[usize]) -> Vec<usize> {
    let began = |index: &usize| groups.get(*index).map(|group| group.seen.first.1);
    let first = group.seen.first.1;
    let from = direction
        .partition_point(|index| began(index).is_some_and(|began| first.since(began) > TOGETHER));
    direction
        .iter()
        .skip(from)
        .take_while(|index| began(index).is_some_and(|began| began.since(first) <= TOGETHER))
        .take(2)
        .copied()
        .collect()
}

/// The one group of the other direction that lives at the same time; an error if there are several,
/// or several on this side.
fn overlapping(
    groups: &[Group],
    index: usize,
    along: &[usize],
    against: &[usize],
    used: &Marks,
) -> Option<Result<usize, ()>> {
    let group = groups.get(index)?;
    if along.len() > LINK_CROWD || against.len() > LINK_CROWD {
        return (!against.is_empty()).then_some(Err(()));
    }
    let mut fits = against.iter().filter(|other| {
        !used.holds(**other)
            && groups
                .get(**other)
                .is_some_and(|other| overlap(group.seen, other.seen))
    });
    let one = *fits.next()?;
    let rivals = along.iter().any(|rival| {
        *rival != index
            && !used.holds(*rival)
            && groups
                .get(*rival)
                .zip(groups.get(one))
                .is_some_and(|(rival, one)| overlap(rival.seen, one.seen))
    });
    match fits.next().is_some() || rivals {
        true => Some(Err(())),
        false => Some(Ok(one)),
    }
}

fn overlap(a: Seen, b: Seen) -> bool {
    a.first.1 <= b.last.1 && b.first.1 <= a.last.1
}

/// Which of a list are marked, by place.
struct Marks(Vec<bool>);

impl Marks {
    /// None of so many.
    fn none(count: usize) -> Self {
        Self(vec![false; count])
    }

    fn add(&mut self, place: usize) {
        if let Some(mark) = self.0.get_mut(place) {
            *mark = true;
        }
    }

    fn holds(&self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or(false)
    }
}

/// IKE SAs by the pair of addresses they are between.
struct Alive {
    between: Table<PairId, Few<IkeSaId>>,
}

impl Alive {
    fn of(model: &Model, pairs: &Pairs) -> Self {
        let mut between: Table<PairId, Few<IkeSaId>> = pairs.table();
        for id in model.ike_sas.ids() {
            for pair in pairs.of_ike_sa(id) {
                let list = &mut between[*pair];
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
        }
        Self { between }
    }

    /// The one IKE SA that was up between these addresses when the group began; if none was, the
    /// first that was up before the capture without being seen yet.
    fn at(&self, model: &Model, group: &Group) -> Option<IkeSaId> {
        let list = &self.between[group.pair];
        let first = group.seen.first.1;
        let before = list.partition_point(|id| model.ike_sas[*id].seen.first.1 <= first);
        let up = |id: &IkeSaId| model.ike_sas[*id].state.was_up();
        let mut recent = list
            .iter()
            .take(before)
            .rev()
            .take(LINK_CHOICES)
            .filter(|id| up(id))
            .filter(|id| {
                let row = &model.ike_sas[**id];
                row.state != IkeState::Deleted || row.seen.last.1 >= first
            });
        if let Some(newest) = recent.next() {
            let rival = recent.any(|id| !same_line(model, *newest, *id));
            return (!rival).then_some(*newest);
        }
        list.iter()
            .skip(before)
            .take(LINK_CHOICES)
            .find(|id| model.ike_sas[**id].state == IkeState::AlreadyUp)
            .copied()
    }
}

/// The child SAs so far by what two of them share, one of which may replace the other: their places in the list.
struct Earlier {
    /// By their ends.
    between: Table<PairId, Few<usize>>,
    /// By their IKE SA: ends may have moved (RFC 4555), it stays.
    under: Table<IkeSaId, Few<usize>>,
}

impl Earlier {
    /// None yet, between those pairs and under the IKE SAs of a model.
    fn none(model: &Model, pairs: &Pairs) -> Self {
        Self {
            between: pairs.table(),
            under: model.ike_sas.beside(),
        }
    }

    /// The last few that share their ends or the IKE SA with this one, the latest first.
    fn beside(&self, pair: Option<PairId>, ike_sa: Option<IkeSaId>) -> impl Iterator<Item = usize> {
        let between = pair.map(|pair| &self.between[pair]);
        let under = ike_sa.map(|id| &self.under[id]);
        let lists = between.into_iter().chain(under);
        lists.flat_map(|list| list.iter().rev().take(LINK_CHOICES).copied())
    }

    fn add(&mut self, pair: Option<PairId>, ike_sa: Option<IkeSaId>, place: usize) {
        if let Some(pair) = pair {
            self.between[pair].push(place);
        }
        if let Some(ike_sa) = ike_sa {
            self.under[ike_sa].push(place);
        }
    }
}

/// Finds for each child SA the one whose place it took: between the same ends or under the same
/// IKE SA, silent soon after the new one began, while the new one goes on.
fn replace(model: &Model, pairs: &Pairs, groups: &[Group], mut drafts: Vec<Draft>) -> Vec<Draft> {
    let mut earlier = Earlier::none(model, pairs);
    let mut replaced = Marks::none(drafts.len());
    let mut named: HashMap<EspSpi, usize> = HashMap::default();
    // Without keys none says which SA it takes the place of.
    let any_rekeys = drafts.iter().any(|draft| draft.rekeys.flatten().is_some());
    let deletes = LazyCell::new(|| Deletes::of(model));
    for index in 0..drafts.len() {
        let (before, rest) = drafts.split_at_mut(index);
        let Some(draft) = rest.first_mut() else {
            break;
        };
        let rekeyed = draft.rekeys.flatten();
        let rekeyed = rekeyed.and_then(|spi| named.get(&spi).copied());
        if any_rekeys {
            named.extend(draft.all_spis(groups).map(|spi| (spi, index)));
        }
        let Some(seen) = draft.seen(groups) else {
            draft.replaces = rekeyed;
            if let Some(old) = rekeyed {
                replaced.add(old);
            }
            continue;
        };
        let group = draft
            .flows
            .iter()
            .flatten()
            .find_map(|index| groups.get(*index));
        let pair = group.map(|group| group.pair);
        draft.replaces = earlier
            .beside(pair, draft.ike_sa)
            .filter(|old| !replaced.holds(*old) && draft.rekeys.is_none())
            .filter_map(|place| {
                let old = before.get(place)?;
                Some((place, old, old.seen(groups)?))
            })
            .filter(|(_, _, old)| {
                let beside = old.last.1.since(seen.first.1);
                let after = seen.last.1.since(old.last.1);
                // What was not used yet when the new one was asked for is not what it renews.
                let used = old.first.1 <= draft.time;
                used && beside <= DRAIN && after >= beside && after >= Span::from_secs(1)
            })
            .filter(|(_, old, seen)| {
                alike(draft.terms.as_deref(), old.terms.as_deref())
                    && is_of_one_line(model, draft, old)
                    && !deletes.ended(model, groups, (old, *seen), draft)
            })
            .max_by_key(|(_, _, old)| old.last.1)
            .map(|(place, ..)| place)
            .or(rekeyed);
        if let Some(old) = draft.replaces {
            replaced.add(old);
        }
        earlier.add(pair, draft.ike_sa, index);
    }
    drafts
}

/// Whether one child SA may take the place of another by the IKE SAs they were made under: a
/// `CREATE_CHILD_SA` renews what is its own IKE SA's, or was before that was rekeyed.
fn is_of_one_line(model: &Model, new: &Draft, old: &Draft) -> bool {
    let kind = new.made_by.map(|id| model.exchanges[id].kind);
    kind != Some(ExchangeType::CREATE_CHILD_SA) || may_inherit(model, new.ike_sa, old.ike_sa)
}

/// Whether an IKE SA may have taken over the child SAs of another: it did, or how it began is not known.
fn may_inherit(model: &Model, young: Option<IkeSaId>, old: Option<IkeSaId>) -> bool {
    let (Some(young), Some(old)) = (young, old) else {
        return true;
    };
    let row = &model.ike_sas[young];
    let first = row.exchanges.first().map(|id| model.exchanges[*id].kind);
    same_line(model, young, old) || row.replaces.is_none() && !first.is_some_and(begins_ike_sa)
}

/// What was deleted, and when.
struct Deletes {
    /// Child SAs by their SPIs, as messages name them.
    named: HashMap<EspSpi, Timestamp>,
    /// Child SAs of an IKE SA, as the sizes of messages tell, but for those that follow the making of one: it
    /// may be what that renewed.
    sealed: HashMap<IkeSaId, Vec<Timestamp>>,
}

impl Deletes {
    fn of(model: &Model) -> Self {
        let mut deletes = Self {
            named: HashMap::default(),
            sealed: HashMap::default(),
        };
        for (id, row) in model.ike_sas.entries() {
            let mut made: Option<Timestamp> = None;
            for exchange in row.exchanges.iter().map(|id| &model.exchanges[*id]) {
                let asked = exchange.flights.first();
                let Some((request, first)) = asked.and_then(|one| Some((one, one.first()?))) else {
                    continue;
                };
                let time = model.messages[first].time;
                match exchange.kind {
                    ExchangeType::CREATE_CHILD_SA | ExchangeType::QUICK_MODE => made = Some(time),
                    ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1 => {
                        if model.opened(request).is_some() {
                            let spis = model.deletes(request).into_iter().filter_map(spi_of);
                            deletes.named.extend(spis.map(|spi| (spi, time)));
                        } else if made.is_none_or(|made| time.since(made) > TOGETHER)
                            && model.informational_class(id, request)
                                == Some(InformationalClass::DeleteChild)
                        {
                            deletes.sealed.entry(id).or_default().push(time);
                        }
                    }
                    _ => {}
                }
            }
        }
        deletes
    }

    /// Whether a child SA, seen so long, was deleted before another was asked for: that one begins anew. A sealed
    /// message does not name what it deletes: of several that carry nothing any more it may have been any.
    fn ended(&self, model: &Model, groups: &[Group], old: (&Draft, Seen), new: &Draft) -> bool {
        /// Packets that were under way.
        const IN_FLIGHT: Span = Span::from_secs(1);
        /// Who sends so often was not idle.
        const BUSY: Span = Span::from_secs(5);
        let (old, seen) = old;
        let is_before = |time: Timestamp| {
            time < new.time && seen.last.1.since(time) <= IN_FLIGHT && time > old.time
        };
        let mut spis = old.all_spis(groups).filter_map(|spi| self.named.get(&spi));
        if spis.any(|time| is_before(*time)) {
            return true;
        }
        let Some(ike_sa) = old.ike_sa else {
            return false;
        };
        // Child SAs go with their IKE SA (RFC 7296 section 1.4.1), unless they go over to another.
        let row = &model.ike_sas[ike_sa];
        let inherited = new.ike_sa.is_some() && may_inherit(model, new.ike_sa, Some(ike_sa));
        // Those of IKEv1 outlive it; what was busy until then and no longer was deleted as well.
        let busy = row.seen.last.1.since(seen.last.1) <= BUSY;
        let goes_along = row.version.major() == 2 || busy;
        let deleted = row.state == IkeState::Deleted && is_before(row.seen.last.1);
        if deleted && goes_along && !inherited {
            return true;
        }
        let sealed = self.sealed.get(&ike_sa).map(Vec::as_slice);
        let sealed = sealed.unwrap_or_default();
        let until = sealed.partition_point(|time| *time < new.time);
        let last = sealed.get(..until).and_then(<[Timestamp]>::last);
        last.is_some_and(|time| is_before(*time))
    }
}

/// The SPI of a child SA that is deleted.
fn spi_of(deleted: Deleted) -> Option<EspSpi> {
    match deleted {
        Deleted::Child { spi, .. } => Some(spi),
        Deleted::IkeSa => None,
    }
}

/// Whether one child SA may take the place of another by their selectors, as far as both are known.
fn alike(new: Option<&ChildTerms>, old: Option<&ChildTerms>) -> bool {
    let granted = |terms: Option<&ChildTerms>| terms.and_then(|terms| terms.granted.clone());
    let (Some(new), Some(old)) = (granted(new), granted(old)) else {
        return true;
    };
    let ([a, b], [c, d]) = (new, old);
    // Either side may have asked for it.
    a == c && b == d || a == d && b == c
}

/// Writes the drafts into the model.
fn store(model: &mut Model, groups: &[Group], drafts: Vec<Draft>) {
    let mut ids = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let of = |side: usize| {
            let index = draft.flows.get(side).copied().flatten()?;
            groups.get(index)
        };
        let sides = [of(0), of(1)];
        let spi = |side: usize| {
            let named = draft.spis.get(side).copied().flatten();
            let carried = sides.get(side).copied().flatten().map(|group| group.spi);
            named.or(carried)
        };
        let id = model.child_sas.push(ChildSa {
            ike_sa: draft.ike_sa,
            made_by: draft.made_by,
            spis: [spi(0), spi(1)],
            by: draft.by,
            flows: sides.map(|group| group.and_then(|group| group.flows.first().copied())),
            is_guessed: draft.guessed,
            replaces: draft.replaces.and_then(|old| ids.get(old).copied()),
            seen: draft.seen(groups),
            terms: draft.terms,
        });
        ids.push(id);
        for group in sides.iter().flatten() {
            let named = draft.spis.contains(&Some(group.spi));
            for flow in &group.flows {
                model.flows[*flow].child_sa = match named {
                    true => Link::Proven(id),
                    false => Link::Inferred(id),
                };
            }
        }
        if let Some(ike_sa) = draft.ike_sa {
            model.ike_sas[ike_sa].child_sas.push(id);
        }
    }
}

fn later<T: Copy>(a: (T, Timestamp), b: (T, Timestamp)) -> (T, Timestamp) {
    if b.1 > a.1 { b } else { a }
}

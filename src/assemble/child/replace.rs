//! Which child SA took the place of which.

use super::super::HashMap;
use super::super::pairs::{PairId, Pairs};
use super::draft::Draft;
use super::group::Group;
use super::{Marks, TOGETHER, same_line};
use crate::limits::LINK_CHOICES;
use crate::model::exchange::begins_ike_sa;
use crate::model::{
    ChildTerms, Deleted, Few, IkeSaId, IkeState, InformationalClass, Model, Seen, Table,
};
use crate::registry::ExchangeType;
use crate::units::{EspSpi, Span, Timestamp};
use std::cell::LazyCell;

/// How long an old child SA may be used on beside the one that replaces it.
const DRAIN: Span = Span::from_secs(30);

/// Finds for each child SA the one whose place it took: between the same ends or under the same
/// IKE SA, silent soon after the new one began, while the new one goes on.
pub(super) fn replace(
    model: &Model,
    pairs: &Pairs,
    groups: &[Group],
    mut drafts: Vec<Draft>,
) -> Vec<Draft> {
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

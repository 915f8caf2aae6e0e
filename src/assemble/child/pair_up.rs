//! Flows whose exchange was not seen or cannot be told: two directions are a child SA.

use super::super::pairs::{PairId, Pairs};
use super::draft::Draft;
use super::group::Group;
use super::{Marks, TOGETHER, same_line};
use crate::limits::{LINK_CHOICES, LINK_CROWD};
use crate::model::{Few, IkeSaId, IkeState, Model, Seen, Table};
use std::cell::LazyCell;

/// Flows that no exchange fits: those of two directions that began together, or live at the same
/// time without a rival, are a child SA; so is one that has no counterpart at all.
pub(super) fn pair_up(
    model: &Model,
    pairs: &Pairs,
    groups: &[Group],
    unlinked: &[usize],
) -> Vec<Draft> {
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

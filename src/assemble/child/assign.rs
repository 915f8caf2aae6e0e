//! Flows are given to the exchanges that made their SAs.

use super::super::pairs::{PairId, Pairs};
use super::super::{HashMap, HashSet};
use super::draft::Draft;
use super::group::Group;
use super::maker::Maker;
use super::{TOGETHER, same_line};
use crate::limits::LINK_CHOICES;
use crate::model::{Few, Model, Table};
use crate::units::{EspSpi, Span, Timestamp};

/// A flow that begins this soon after an exchange belongs to it, whatever else is open.
const AT_ONCE: Span = Span::from_secs(2);

/// Gives groups of flows to the exchanges whose messages name their SPIs; returns them. Where a peer
/// gave an SPI twice, the group nearest in time is meant.
pub(super) fn prove(groups: &[Group], makers: &[Maker], drafts: &mut [Draft]) -> HashSet<usize> {
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
pub(super) fn assign(
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

//! A child SA in the making, from its exchange or its flows to its row of the model.

use super::group::{Group, later};
use super::maker::Maker;
use crate::model::{ChildSa, ChildTerms, ExchangeId, IkeSaId, Link, Model, Role, Seen};
use crate::units::{EspSpi, Timestamp};

/// A child SA in the making.
pub(super) struct Draft {
    pub(super) time: Timestamp,
    pub(super) ike_sa: Option<IkeSaId>,
    pub(super) made_by: Option<ExchangeId>,
    pub(super) by: Option<Role>,
    pub(super) sure: bool,
    /// SPIs of packets towards who asked and towards who answered, as messages name them.
    pub(super) spis: [Option<EspSpi>; 2],
    /// Groups of flows towards who asked, and towards who answered.
    pub(super) flows: [Option<usize>; 2],
    /// Whether another was made together with it, so that either may carry what the other is given.
    pub(super) guessed: bool,
    pub(super) terms: Option<Box<ChildTerms>>,
    /// The SPI of the SA whose place it takes; `Some(None)` if messages say that it takes none.
    pub(super) rekeys: Option<Option<EspSpi>>,
    /// The draft it replaces.
    pub(super) replaces: Option<usize>,
}

impl Draft {
    pub(super) fn of(maker: &Maker) -> Self {
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
    pub(super) fn all_spis<'a>(
        &self,
        groups: &'a [Group],
    ) -> impl Iterator<Item = EspSpi> + use<'_, 'a> {
        let carried = self.flows.iter().flatten();
        let carried = carried.filter_map(|index| groups.get(*index).map(|group| group.spi));
        self.spis.iter().flatten().copied().chain(carried)
    }

    pub(super) fn seen(&self, groups: &[Group]) -> Option<Seen> {
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

/// Writes the drafts into the model.
pub(super) fn store(model: &mut Model, groups: &[Group], drafts: Vec<Draft>) {
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

//! Child SAs: which exchange made them, which flows they carry.
//!
//! Where the messages that made it were opened, they name its SPIs and the SA whose place it takes.
//! Without keys SPIs of child SAs are not seen. A flow is then tied to the exchange that
//! made its SA by time, addresses and direction: the SPI is first seen after the request of an
//! exchange whose answer is large enough to have made a child SA. Where that leaves a choice
//! between IKE SAs, nothing is tied.

mod assign;
mod draft;
mod group;
mod maker;
mod pair_up;
mod replace;

use super::pairs::Pairs;
use super::succession::Succession;
use crate::each::Each;
use crate::limits::LINK_CHOICES;
use crate::model::{IkeSaId, Model};
use crate::units::Span;
use draft::Draft;

/// Both directions of a child SA of unknown origin begin within this time; child SAs made within
/// this time are made together.
const TOGETHER: Span = Span::from_secs(10);

/// Fills `child_sas`, the links of the flows, and `child_sas` of the IKE SAs.
pub(super) fn link(model: &mut Model, pairs: &Pairs, succession: &Succession, each: &Each<'_>) {
    let groups = group::groups(model, pairs);
    let makers = maker::makers(model, pairs, succession, each);
    let mut drafts: Vec<Draft> = makers.iter().map(Draft::of).collect();
    let proven = assign::prove(&groups, &makers, &mut drafts);
    let unlinked = assign::assign(model, pairs, &groups, &makers, &mut drafts, &proven);
    drafts.extend(pair_up::pair_up(model, pairs, &groups, &unlinked));
    drafts.retain(|draft| draft.sure || draft.flows.iter().any(Option::is_some));
    drafts.sort_by_key(|draft| draft.time);
    let drafts = replace::replace(model, pairs, &groups, drafts);
    draft::store(model, &groups, drafts);
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

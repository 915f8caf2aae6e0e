//! What passes in clear: notifications before there are keys, and packets beside the tunnel.

pub use crate::model::Notice;

use crate::model::{ClearFlow, FragmentTrain, IkeSa, Model, Tunnel};
use crate::registry::NotifyType;

/// The notifications of this kind that came in an IKE SA, in order.
pub fn refusals(sa: &IkeSa, kind: NotifyType) -> impl Iterator<Item = &Notice> {
    sa.notices
        .iter()
        .filter(move |notice| notice.kind == kind.0)
}

/// Packets in clear that may concern a tunnel, in order.
pub fn flows<'m>(model: &'m Model, tunnel: &'m Tunnel) -> impl Iterator<Item = &'m ClearFlow> {
    tunnel.clear.iter().filter_map(|row| model.clear.get(*row))
}

/// IP fragments between the ends of a tunnel, in order.
pub fn fragments<'m>(
    model: &'m Model,
    tunnel: &'m Tunnel,
) -> impl Iterator<Item = &'m FragmentTrain> {
    tunnel
        .fragments
        .iter()
        .filter_map(|row| model.fragments.get(*row))
}

//! What passes in clear: notifications before there are keys, and packets beside the tunnel.

pub use crate::model::Notice;

use crate::diagnose::Case;
use crate::model::{ClearFlow, FragmentTrain, IkeSa};
use crate::registry::{NotifyType, NotifyV1};

/// The notifications of this kind that came in an IKE SA, in order.
pub fn refusals(sa: &IkeSa, kind: NotifyType) -> impl Iterator<Item = &Notice> {
    sa.notices
        .iter()
        .filter(move |notice| notice.kind == kind.0)
}

/// The notifications of IKEv1 of this kind that came in an IKE SA, in order.
pub fn refusals_v1(sa: &IkeSa, kind: NotifyV1) -> impl Iterator<Item = &Notice> {
    sa.notices
        .iter()
        .filter(move |notice| notice.v1 && notice.kind == kind.0)
}

/// Packets in clear that may concern a tunnel, in order.
pub fn flows<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m ClearFlow> {
    case.tunnel
        .clear
        .iter()
        .filter_map(|row| case.model.clear.get(*row))
}

/// IP fragments between the ends of a tunnel, in order.
pub fn fragments<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m FragmentTrain> {
    case.tunnel
        .fragments
        .iter()
        .filter_map(|row| case.model.fragments.get(*row))
}

//! What passes in clear: notifications before there are keys, and packets beside the tunnel.

pub use crate::model::Notice;

use super::icmp::{self, Meaning};
use super::is_private;
use crate::diagnose::{Case, Finding};
use crate::model::{ClearFlow, FragmentTrain, IkeSa, Refusal};
use crate::registry::{NotifyType, NotifyV1};
use crate::say;

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
    let rows = case.tunnel.clear.iter();
    let flows = rows.filter_map(|row| case.model.clear.get(*row));
    // Of some there is nothing but errors.
    flows.filter(|flow| flow.packets > 0)
}

/// The first error that says of these packets that they go no further: then they are no copies.
pub fn turned_back<'m>(flows: &[&'m ClearFlow]) -> Option<&'m Refusal> {
    let mut refused = flows.iter().filter_map(|flow| flow.refused.as_deref());
    refused.find(|refused| is_turned_back(refused))
}

/// Adds to a finding what a router says of packets that it turns back.
pub fn tell_turned_back(mut finding: Finding, refused: &Refusal) -> Finding {
    let (router, error) = (refused.by, &icmp::name(&refused.error));
    finding.says.add(say!(
        "{router} answers {error} ({times} in all): it has no way for them, or refuses them.",
        router,
        error,
        times = refused.count
    ));
    finding.also(refused.at, say!("{error} from {router}", error, router))
}

/// Whether an error says that packets go no further. One of a router with a private address may come out of the
/// tunnel, and be about what went in it.
pub fn is_turned_back(refused: &Refusal) -> bool {
    let says_so = matches!(
        icmp::meaning(&refused.error),
        Meaning::HostUnreachable | Meaning::Prohibited | Meaning::HopLimit
    );
    says_so && !is_private(refused.by)
}

/// IP fragments between the ends of a tunnel, in order.
pub fn fragments<'m>(case: &Case<'m>) -> impl Iterator<Item = &'m FragmentTrain> {
    case.tunnel
        .fragments
        .iter()
        .filter_map(|row| case.model.fragments.get(*row))
}

//! What passes in clear: notifications before there are keys, and packets beside the tunnel.

pub use crate::model::Notice;

use super::icmp::{self, Meaning};
use super::is_private;
use crate::diagnose::{Case, Cite, Finding};
use crate::language::Text;
use crate::model::{ClearFlow, FragmentTrain, IkeSa, Refusal};
use crate::registry::{NotifyType, NotifyV1};
use crate::say;
use crate::units::{EspSpi, Vantage};
use std::cmp::max_by_key;
use std::collections::BTreeMap;
use std::net::IpAddr;

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

/// What an end says in clear: that it does not know an SA, or what it was sent.
#[derive(Clone, Debug)]
pub struct Denial {
    /// Who says it.
    pub from: IpAddr,
    /// The name of the notification.
    pub name: Text,
    /// The SPI of ESP or AH that it is about.
    pub spi: Option<EspSpi>,
    /// The first message that says it.
    pub first: Cite,
    /// The last one alike.
    pub last: Cite,
    /// How many say it.
    pub count: u64,
}

/// The notifications of these kinds, in IKE SAs and outside of any, in order of time.
pub fn denials(case: &Case<'_>, kinds: &[NotifyType]) -> Vec<Denial> {
    let wanted = |number: u16| kinds.iter().any(|kind| kind.0 == number);
    let inside = case.ike_sas().flat_map(|sa| &sa.notices);
    let inside = inside
        .filter(|notice| wanted(notice.kind))
        .map(|notice| Denial {
            from: notice.from,
            name: notice.name(),
            spi: notice.spi,
            first: notice.at,
            last: notice.at,
            count: 1,
        });
    // Several taps record the same: the one that has most of it tells.
    let mut outside: BTreeMap<_, BTreeMap<Vantage, Denial>> = BTreeMap::new();
    for row in case.outside() {
        for notice in row.notices.iter().filter(|notice| wanted(notice.kind)) {
            let from = row.path.from.address;
            let taps = outside.entry((from, notice.kind, notice.spi)).or_default();
            let known = taps.entry(row.vantage).or_insert_with(|| Denial {
                from,
                name: notice.name(),
                spi: notice.spi,
                first: row.seen.first,
                last: row.seen.last,
                count: 0,
            });
            known.count += row.count;
            known.last = max_by_key(known.last, row.seen.last, |at| at.1);
        }
    }
    let most = |taps: BTreeMap<Vantage, Denial>| taps.into_values().max_by_key(|one| one.count);
    let outside = outside.into_values().filter_map(most);
    let mut denials: Vec<Denial> = inside.chain(outside).collect();
    denials.sort_by_key(|denial| denial.first.1);
    denials
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

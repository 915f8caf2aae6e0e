//! Which IKE SAs of a tunnel take the place of others, and when SAs were asked for, told in time that
//! grows with the logarithm of their number: a gateway that cannot keep a tunnel up makes thousands.

use crate::diagnose::{Case, Cite};
use crate::model::{Exchange, IkeSaId, IkeState};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::OnceLock;

/// The IKE SAs of a tunnel that stood, by time.
#[derive(Debug, Default)]
pub struct Successors {
    /// Those whose place another takes.
    replaced: BTreeSet<IkeSaId>,
    /// Those that were established or deleted, by when they began.
    stood: Vec<Stood>,
    /// When those began that are established and were not deleted, sorted.
    up: Vec<(Timestamp, IkeSaId)>,
    /// Requests for SAs and who asks, in order of time; read when one is asked for, since few tunnels need it.
    asked: OnceLock<Vec<(Cite, IpAddr)>>,
}

#[derive(Debug)]
struct Stood {
    first: Timestamp,
    /// The two, of this one and those before it, that were seen last.
    last: [Option<(Timestamp, IkeSaId)>; 2],
}

impl Successors {
    /// Those of this tunnel.
    pub fn of(case: &Case<'_>) -> Self {
        let mut successors = Self::default();
        let mut stood = Vec::new();
        for id in &case.tunnel.ike_sas {
            let sa = &case.model.ike_sas[*id];
            successors.replaced.extend(sa.replaces);
            let (first, last) = (sa.seen.first.1, sa.seen.last.1);
            match sa.state {
                IkeState::Established => successors.up.push((first, *id)),
                IkeState::Deleted => {}
                _ => continue,
            }
            stood.push((first, last, *id));
        }
        successors.up.sort_unstable();
        stood.sort_unstable();
        let mut latest = [None, None];
        for (first, last, id) in stood {
            let [one, other] = latest;
            let this = Some((last, id));
            latest = if this > one {
                [this, one]
            } else {
                [one, other.max(this)]
            };
            successors.stood.push(Stood {
                first,
                last: latest,
            });
        }
        successors
    }

    /// The first request for an SA of their tunnel after this time, and who asks.
    pub fn asked_after(&self, case: &Case<'_>, time: Timestamp) -> Option<(Cite, IpAddr)> {
        let asked = self.asked.get_or_init(|| requests(case));
        let place = asked.partition_point(|(at, _)| at.1 <= time);
        asked.get(place).copied()
    }

    /// Whether another IKE SA takes the place of this one.
    pub fn is_replaced(&self, id: IkeSaId) -> bool {
        self.replaced.contains(&id)
    }

    /// Whether another IKE SA than this had begun by this time, and was seen after it or is
    /// established and had begun no longer than `fresh` before.
    pub fn stands_beside(&self, id: IkeSaId, time: Timestamp, fresh: Span) -> bool {
        let before = self.stood.partition_point(|stood| stood.first <= time);
        let seen_after = before
            .checked_sub(1)
            .and_then(|place| self.stood.get(place))
            .is_some_and(|stood| {
                let others = stood
                    .last
                    .iter()
                    .flatten()
                    .filter(|(_, other)| *other != id);
                others.into_iter().any(|(last, _)| *last > time)
            });
        let until = self.up.partition_point(|(first, _)| *first <= time);
        let latest = self.up.get(..until).unwrap_or_default().iter().rev();
        let mut latest = latest.filter(|(_, other)| *other != id);
        seen_after
            || latest
                .next()
                .is_some_and(|(first, _)| time.since(*first) < fresh)
    }
}

/// The requests for SAs of a tunnel and who asks, in order of time.
fn requests(case: &Case<'_>) -> Vec<(Cite, IpAddr)> {
    let asks = |exchange: &&Exchange| {
        matches!(
            exchange.kind,
            ExchangeType::IKE_SA_INIT
                | ExchangeType::CREATE_CHILD_SA
                | ExchangeType::IDENTITY_PROTECTION
                | ExchangeType::AGGRESSIVE
                | ExchangeType::QUICK_MODE
        )
    };
    let requests = case.exchanges().filter(asks).filter_map(|exchange| {
        let message = super::first(case.model, exchange.request()?)?;
        let at = (message.frame, message.time);
        Some((at, message.path.from().address))
    });
    let mut requests: Vec<(Cite, IpAddr)> = requests.collect();
    requests.sort_by_key(|(at, _)| at.1);
    requests
}

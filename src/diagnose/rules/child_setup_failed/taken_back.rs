//! A child SA that is granted, and deleted at once by whoever asked for it.

use super::RULE;
use crate::diagnose::facts::{began, child, first, life, rekey};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::model::{AuthOutcome, ChildOutcome, Exchange, ExchangeId, IkeSaId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;
use std::net::IpAddr;

/// A side asks for a child SA, is granted it, and deletes it at once: it cannot install it, or does not want
/// what was granted.
pub(super) fn taken_back(case: &Case<'_>) -> Option<Finding> {
    let mut all: Vec<TakenBack> = Vec::new();
    for id in &case.tunnel.ike_sas {
        let exchanges = &case.model.ike_sas[*id].exchanges;
        let pairs = exchanges.iter().zip(exchanges.iter().skip(1)).enumerate();
        let taken: Vec<TakenBack> = pairs
            .filter(|(place, (made, _))| {
                let before = exchanges.get(..*place).unwrap_or_default();
                !is_redundant(case, before, &case.model.exchanges[**made])
            })
            .filter_map(|(_, (made, next))| TakenBack::of(case, *id, *made, *next))
            .collect();
        // A renewal deletes what it replaces: only the first child SA has none before it.
        let first = taken.first().is_some_and(|first| first.in_auth);
        let read = taken.iter().filter(|one| one.read).count();
        if read > 0 || first && taken.len() > 1 {
            all.extend(taken.into_iter().filter(|one| one.read || first));
        }
    }
    let (first, last) = (all.first()?, all.last()?);
    // A child SA that serves is not taken back.
    if case.flows().any(|flow| flow.seen.last.1 > first.granted.1) {
        return None;
    }
    let (by, of) = (first.by, first.of);
    let read = all.iter().any(|one| one.read);
    let mut finding = Finding::new(
        &RULE,
        match read {
            true => Confidence::Likely,
            false => Confidence::Possible,
        },
        case.id,
        first.deleted,
        say!("{by} deletes the child SA", by),
    )
    .also(first.granted, say!("{of} grants the child SA", of))
    .during(first.deleted.1, last.deleted.1)
    .title(say!("{by} takes back each child SA that it was granted", by))
    .says(say!(
        "{by} asked {of} for a child SA {times}, was granted it, and deleted it at once (after {span}); no ESP \
         passed.",
        by,
        of,
        times = child::times(all.len()),
        span = first.deleted.1.since(first.granted.1)
    ))
    .or(say!(
        "{by} cannot install it: its kernel or hardware lacks an algorithm, or refuses the policies.",
        by
    ))
    .or("What was granted is not what was asked for: narrower selectors, or another mode.")
    .or("A program or an administrator closes it.")
    .advise(say!("Read the log of {by}: it alone knows the reason.", by));
    for again in all.iter().skip(1) {
        finding = finding.also(again.deleted, "and again");
    }
    Some(finding)
}

/// Whether the other side asked for new keys at the same time: of the two child SAs that come of it whoever asked
/// with the lowest nonce deletes its own (RFC 7296 section 2.8.1), and nothing has failed.
fn is_redundant(case: &Case<'_>, before: &[ExchangeId], made: &Exchange) -> bool {
    /// Two cross, and each may be sent in parts or be followed by another.
    const NEAR: usize = 4;
    let near = before.iter().rev().take(NEAR);
    let mut others = near.map(|id| &case.model.exchanges[*id]);
    others.any(|other| {
        other.kind == ExchangeType::CREATE_CHILD_SA && rekey::cross(case.model, other, made)
    })
}

/// A child SA that whoever asked for it deleted at once.
struct TakenBack {
    /// Who asked, and deletes.
    by: IpAddr,
    /// Who granted it.
    of: IpAddr,
    granted: Cite,
    deleted: Cite,
    /// Whether `IKE_AUTH` made it.
    in_auth: bool,
    /// Whether the Delete was read, and names it.
    read: bool,
}

impl TakenBack {
    fn of(case: &Case<'_>, id: IkeSaId, by: ExchangeId, next: ExchangeId) -> Option<Self> {
        /// What was granted is installed, or not, within so long; nobody closes it by hand so soon.
        const AT_ONCE: Span = Span::from_secs(1);
        let (made, next) = (&case.model.exchanges[by], &case.model.exchanges[next]);
        let in_auth = made.kind == ExchangeType::IKE_AUTH;
        let grants = match made.kind {
            ExchangeType::IKE_AUTH => case.model.ike_sas[id].auth == AuthOutcome::Full,
            ExchangeType::CREATE_CHILD_SA => case.model.child_outcome(made) == ChildOutcome::Made,
            _ => false,
        };
        let (answer, delete) = (made.response()?, next.request()?);
        let (granted, deleted) = (began(case.model, answer)?, began(case.model, delete)?);
        let soon = deleted.1 >= granted.1 && deleted.1.since(granted.1) <= AT_ONCE;
        if !grants || !soon || next.by != made.by || next.kind != ExchangeType::INFORMATIONAL {
            return None;
        }
        let read = match case.model.opened(delete) {
            None if life::may_delete(case.model, id, next).is_some() => false,
            None => return None,
            Some(_) => {
                let children = case.model.ike_sas[id].child_sas.iter();
                let mut own = children
                    .map(|child| &case.model.child_sas[*child])
                    .filter(|child| child.made_by == Some(by));
                if !own.any(|child| life::names(case.model, delete, child)) {
                    return None;
                }
                true
            }
        };
        let path = &first(case.model, answer)?.path;
        Some(Self {
            by: path.to().address,
            of: path.from().address,
            granted,
            deleted,
            in_auth,
            read,
        })
    }
}

//! Child SAs that are granted and deleted at once.

use super::{began, first, life, rekey};
use crate::diagnose::{Case, Cite};
use crate::model::{AuthOutcome, ChildOutcome, Exchange, ExchangeId, IkeSaId};
use crate::registry::ExchangeType;
use crate::units::Span;
use std::net::IpAddr;

/// A child SA that was deleted as soon as it was granted.
pub struct TakenBack {
    /// Who deletes it.
    pub by: IpAddr,
    /// Who asked for it.
    pub asker: IpAddr,
    /// Who granted it.
    pub of: IpAddr,
    /// The message that grants it.
    pub granted: Cite,
    /// The Delete.
    pub deleted: Cite,
    /// Whether it is the first of its IKE SA.
    pub first: bool,
    /// Whether the Delete was read, and names it.
    pub read: bool,
}

impl TakenBack {
    /// What was taken back under an IKE SA: by whoever asked for it, in IKEv1 by either side.
    pub fn under(case: &Case<'_>, id: IkeSaId) -> Vec<Self> {
        let sa = &case.model.ike_sas[id];
        let pairs = sa.exchanges.iter().zip(sa.exchanges.iter().skip(1));
        // Quick mode renews what an IKE SA of before has made, too.
        let begins = case.tunnel.ike_sas.first() == Some(&id) && sa.auth == AuthOutcome::AuthOnly;
        let (mut taken, mut quick) = (Vec::new(), 0usize);
        for (place, (made, next)) in pairs.enumerate() {
            let exchange = &case.model.exchanges[*made];
            quick += usize::from(exchange.kind == ExchangeType::QUICK_MODE);
            let before = sa.exchanges.get(..place).unwrap_or_default();
            if !is_redundant(case, before, exchange) {
                let one = Self::of(case, id, *made, *next);
                taken.extend(one.map(|one| Self {
                    first: one.first || begins && quick == 1,
                    ..one
                }));
            }
        }
        taken
    }

    fn of(case: &Case<'_>, id: IkeSaId, by: ExchangeId, next: ExchangeId) -> Option<Self> {
        /// What was granted is installed, or not, within so long; nobody closes it by hand so soon.
        const AT_ONCE: Span = Span::from_secs(1);
        let (made, next) = (&case.model.exchanges[by], &case.model.exchanges[next]);
        let in_auth = made.kind == ExchangeType::IKE_AUTH;
        let quick = made.kind == ExchangeType::QUICK_MODE;
        let grants = match made.kind {
            ExchangeType::IKE_AUTH => case.model.ike_sas[id].auth == AuthOutcome::Full,
            ExchangeType::CREATE_CHILD_SA => case.model.child_outcome(made) == ChildOutcome::Made,
            // Message 3 of quick mode confirms it (RFC 2409 section 5.5).
            ExchangeType::QUICK_MODE => made.flights.len() >= 3,
            _ => false,
        };
        let (answer, delete) = (made.response()?, next.request()?);
        let done = if quick { made.flights.last()? } else { answer };
        let (granted, done) = (began(case.model, answer)?, began(case.model, done)?);
        let deleted = began(case.model, delete)?;
        let soon = deleted.1 >= done.1 && deleted.1.since(done.1) <= AT_ONCE;
        let deletes = match quick {
            true => next.kind == ExchangeType::INFORMATIONAL_V1,
            false => next.kind == ExchangeType::INFORMATIONAL && next.by == made.by,
        };
        if !grants || !soon || !deletes {
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
            by: first(case.model, delete)?.path.from().address,
            asker: path.to().address,
            of: path.from().address,
            granted,
            deleted,
            first: in_auth,
            read,
        })
    }
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

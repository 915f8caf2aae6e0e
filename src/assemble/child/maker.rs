//! The exchanges that made child SAs.

use super::super::pairs::{PairId, Pairs};
use super::super::succession::{Succession, times};
use crate::each::{Each, map_ids};
use crate::model::{
    AuthOutcome, ChildOutcome, ChildTerms, Exchange, ExchangeId, Few, IkeSaId, Model, Negotiation,
    Role, Signs,
};
use crate::registry::ExchangeType;
use crate::units::{EspSpi, Timestamp};
use std::net::IpAddr;

/// An exchange that made a child SA, or may have.
pub(super) struct Maker {
    pub(super) ike_sa: IkeSaId,
    pub(super) exchange: ExchangeId,
    /// Who asked.
    pub(super) by: Role,
    /// Between whom: who answers may do so from elsewhere.
    pub(super) ends: Few<Ends>,
    /// When it was asked, and answered.
    pub(super) asked: Timestamp,
    pub(super) answered: Timestamp,
    /// Whether it made a child SA beyond doubt.
    pub(super) sure: bool,
    /// Whether it may have made something else, or nothing.
    pub(super) doubtful: bool,
    /// What its messages say, if any was opened.
    pub(super) told: Option<Box<Negotiation>>,
    /// Whether it takes the place of another, as its messages or their sizes tell.
    pub(super) renews: Option<bool>,
}

/// Who asked and who answered.
#[derive(PartialEq)]
pub(super) struct Ends {
    pub(super) asker: IpAddr,
    pub(super) answerer: IpAddr,
    pub(super) pair: PairId,
}

impl Ends {
    /// Whom packets of this side go to: who asked, or who answered.
    pub(super) fn at(&self, side: usize) -> IpAddr {
        match side {
            0 => self.asker,
            _ => self.answerer,
        }
    }
}

impl Maker {
    /// The SPIs of packets towards who asked and towards who answered, as far as they were read.
    pub(super) fn spis(&self) -> [Option<EspSpi>; 2] {
        self.told.as_ref().map_or([None, None], |told| told.spis())
    }

    /// What was agreed, as far as it was read.
    pub(super) fn terms(&self) -> Option<Box<ChildTerms>> {
        let told = self.told.as_ref()?;
        let granted = told.answer.as_ref().filter(|answer| answer.has_sa);
        let asked = told.request.as_ref().filter(|request| request.has_sa);
        let any = granted.or(asked)?;
        Some(Box::new(ChildTerms {
            ah: any.spis.first().is_some_and(|(_, ah, _)| *ah),
            mode: granted.map(|answer| answer.mode),
            suite: granted.and_then(|answer| answer.suite.clone()),
            asked: asked.and_then(|request| request.selectors.clone()),
            granted: granted.and_then(|answer| answer.selectors.clone()),
            lifetime_secs: granted.and_then(|answer| answer.lifetime_secs),
            lifetime_kilobytes: granted.and_then(|answer| answer.lifetime_kilobytes),
        }))
    }

    /// The SPI of the SA whose place it takes; `Some(None)` if it takes none.
    pub(super) fn rekeys(&self) -> Option<Option<EspSpi>> {
        let told = self.told.as_ref().and_then(|told| told.request.as_ref());
        match (self.renews, told) {
            (Some(_), Some(request)) => Some(request.rekeys),
            (Some(false), None) => Some(None),
            _ => None,
        }
    }
}

/// The exchanges that made child SAs, in order of time. IKE SAs under which one was refused get the sign of it.
pub(super) fn makers(
    model: &mut Model,
    pairs: &Pairs,
    succession: &Succession,
    each: &Each<'_>,
) -> Vec<Maker> {
    let ids: Vec<IkeSaId> = model.ike_sas.ids().collect();
    let asked = map_ids(each, &ids, |id| makers_of(model, pairs, succession, id));
    let mut makers: Vec<Maker> = Vec::with_capacity(asked.iter().map(|(made, _)| made.len()).sum());
    for (id, (made, refused)) in ids.into_iter().zip(asked) {
        makers.extend(made);
        if refused {
            let sa = &mut model.ike_sas[id];
            sa.signs = sa.signs.or(Signs::CHILD_REFUSED);
        }
    }
    makers.sort_by_key(|maker| maker.asked);
    makers
}

/// Those of an IKE SA, and whether one was refused after authentication.
fn makers_of(
    model: &Model,
    pairs: &Pairs,
    succession: &Succession,
    ike_sa: IkeSaId,
) -> (Vec<Maker>, bool) {
    let row = &model.ike_sas[ike_sa];
    let (mut makers, mut refused) = (Vec::new(), false);
    let auth = match row.version.major() {
        1 => AuthOutcome::NotSeen,
        _ => row.auth,
    };
    let last_auth = row
        .exchanges
        .iter()
        .rev()
        .find(|id| model.exchanges[**id].kind == ExchangeType::IKE_AUTH);
    let mut kinds = row.exchanges.iter().map(|id| model.exchanges[*id].kind);
    let has_more_keys = kinds.any(|kind| kind == ExchangeType::IKE_FOLLOWUP_KE);
    for id in &row.exchanges {
        let exchange = &model.exchanges[*id];
        let (sure, doubtful) = match exchange.kind {
            ExchangeType::IKE_AUTH if Some(id) == last_auth => match auth {
                AuthOutcome::Full => (true, false),
                AuthOutcome::Unclear => (false, true),
                _ => continue,
            },
            ExchangeType::CREATE_CHILD_SA if !succession.rekeys.contains(id) => {
                match model.child_outcome(exchange) {
                    // Its successor may lie beyond the capture, if it rekeyed an IKE SA.
                    ChildOutcome::Made => (false, false),
                    ChildOutcome::Unclear => (false, true),
                    outcome => {
                        refused |= outcome == ChildOutcome::Refused;
                        continue;
                    }
                }
            }
            ExchangeType::QUICK_MODE => match model.child_outcome(exchange) {
                ChildOutcome::Made => (true, false),
                outcome => {
                    refused |= outcome == ChildOutcome::Refused;
                    continue;
                }
            },
            _ => continue,
        };
        let told = model.negotiation(*id);
        if told.as_ref().is_some_and(Negotiation::is_of_ike) {
            continue;
        }
        let granted = told
            .as_ref()
            .and_then(|told| told.answer.as_ref())
            .is_some_and(|answer| answer.has_sa);
        let (sure, doubtful) = (sure || granted, doubtful && !granted);
        let renews = match told.as_ref().and_then(|told| told.request.as_ref()) {
            _ if exchange.kind != ExchangeType::CREATE_CHILD_SA => None,
            Some(request) => Some(request.rekeys.is_some()),
            // The answer names what follows it (RFC 9370 section 2.2.4).
            None if has_more_keys => None,
            None => model.renews_by_size(exchange),
        };
        let Some((asked, answered)) = times(model, exchange) else {
            continue;
        };
        makers.push(Maker {
            ike_sa,
            exchange: *id,
            by: exchange.by,
            ends: ends_of(model, pairs, ike_sa, exchange),
            asked,
            answered,
            sure,
            doubtful,
            told: told.map(Box::new),
            renews,
        });
    }
    (makers, refused)
}

/// Between whom an exchange went: its answer may come from elsewhere than where the request went to.
fn ends_of(model: &Model, pairs: &Pairs, ike_sa: IkeSaId, exchange: &Exchange) -> Few<Ends> {
    let flights = [exchange.request(), exchange.response()];
    let mut ends = Few::new();
    for flight in flights.into_iter().flatten() {
        let Some(first) = flight.first() else {
            continue;
        };
        let path = &model.messages[first].path;
        let (from, to) = (path.from().address, path.to().address);
        let (asker, answerer) = match flight.by == exchange.by {
            true => (from, to),
            false => (to, from),
        };
        let Some(pair) = pairs.between_of(ike_sa, from, to) else {
            continue;
        };
        let between = Ends {
            asker,
            answerer,
            pair,
        };
        if !ends.contains(&between) {
            ends.push(between);
        }
    }
    ends
}

//! When an IKE SA came up, and what may have ended it.

use super::began;
use crate::diagnose::{Case, Cite};
use crate::model::exchange::begins_ike_sa;
use crate::model::{AuthOutcome, Exchange, IkeSa, IkeSaId, InformationalClass, Model};
use crate::registry::ExchangeType;
use std::net::IpAddr;

/// An IKE SA that was negotiated in the recording and came up.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// The IKE SA.
    pub ike_sa: IkeSaId,
    /// Who initiated it.
    pub initiator: IpAddr,
    /// Whom it asked.
    pub responder: IpAddr,
    /// Its first message.
    pub asked: Cite,
    /// The last message of authentication.
    pub up: Cite,
}

/// The IKE SA's negotiation, if it was seen and succeeded as far as sizes tell.
pub fn birth(model: &Model, id: IkeSaId) -> Option<Birth> {
    let sa = &model.ike_sas[id];
    if !matches!(
        sa.auth,
        AuthOutcome::AuthOnly | AuthOutcome::Full | AuthOutcome::Unclear
    ) {
        return None;
    }
    let first = &model.exchanges[*sa.exchanges.first()?];
    let last = sa
        .exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .rfind(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_AUTH
                    | ExchangeType::IDENTITY_PROTECTION
                    | ExchangeType::AGGRESSIVE
            )
        })?;
    let message = super::first(model, first.request()?)?;
    begins_ike_sa(first.kind).then_some(Birth {
        ike_sa: id,
        initiator: message.path.from().address,
        responder: message.path.to().address,
        asked: (message.frame, message.time),
        up: began(model, last.flights.last()?)?,
    })
}

/// Whether an IKE SA was begun by a first message, as far as the recording has it, and not made by rekeying.
pub fn is_begun(model: &Model, sa: &IkeSa) -> bool {
    let first = sa.exchanges.first();
    first.is_some_and(|id| begins_ike_sa(model.exchanges[*id].kind))
}

/// The births of a tunnel's IKE SAs, in order.
pub fn births(case: &Case<'_>) -> Vec<Birth> {
    case.tunnel
        .ike_sas
        .iter()
        .filter_map(|id| birth(case.model, *id))
        .collect()
}

/// The last message of an IKE SA, if it may be what deleted it.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The message.
    pub at: Cite,
    /// Who sent it.
    pub from: IpAddr,
    /// Whether its size says that it is a deletion; else it may be a liveness check as well.
    pub sure: bool,
}

/// The last message of an IKE SA, if it may be what deleted it: an informational message of a size
/// that a Delete payload has.
pub fn closing(model: &Model, id: IkeSaId) -> Option<Closing> {
    let exchange = &model.exchanges[*model.ike_sas[id].exchanges.last()?];
    informational(model, id, exchange).map(|(closing, _)| closing)
}

/// An informational message in the midst of an IKE SA, if it may hold a Delete payload by its size.
///
/// In IKEv1 the deletion of an ISAKMP SA has the size of a liveness check; it is no candidate here.
pub fn may_delete(model: &Model, ike_sa: IkeSaId, exchange: &Exchange) -> Option<Closing> {
    informational(model, ike_sa, exchange)
        .filter(|(_, class)| *class != InformationalClass::Dpd)
        .map(|(closing, _)| closing)
}

fn informational(
    model: &Model,
    ike_sa: IkeSaId,
    exchange: &Exchange,
) -> Option<(Closing, InformationalClass)> {
    if !matches!(
        exchange.kind,
        ExchangeType::INFORMATIONAL | ExchangeType::INFORMATIONAL_V1
    ) {
        return None;
    }
    let request = exchange.request()?;
    let message = super::first(model, request)?;
    let class = model.informational_class(ike_sa, request)?;
    let sure = match class {
        InformationalClass::DeleteIkeSa | InformationalClass::DeleteChild => true,
        InformationalClass::Small | InformationalClass::Dpd => false,
        InformationalClass::Empty | InformationalClass::Large => return None,
    };
    let closing = Closing {
        at: (message.frame, message.time),
        from: message.path.from().address,
        sure,
    };
    Some((closing, class))
}

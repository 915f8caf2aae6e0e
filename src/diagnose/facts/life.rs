//! When an IKE SA came up, what may have ended it, and who was silent when.

use super::{began, cite, end_of, esp, tap};
use crate::diagnose::Cite;
use crate::model::{AuthOutcome, IkeSa, IkeSaId, InformationalClass, Model, Role, Tunnel};
use crate::registry::ExchangeType;
use crate::units::{Span, Timestamp};
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
    let outcome = model.auth_outcome(id);
    if !matches!(
        outcome,
        AuthOutcome::AuthOnly | AuthOutcome::Full | AuthOutcome::Unclear
    ) {
        return None;
    }
    let first = &model.exchanges[*sa.exchanges.first()?];
    let last = sa
        .exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_AUTH
                    | ExchangeType::IDENTITY_PROTECTION
                    | ExchangeType::AGGRESSIVE
            )
        })
        .next_back()?;
    let begins = matches!(
        first.kind,
        ExchangeType::IKE_SA_INIT | ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE
    );
    let message = super::first(model, first.request()?)?;
    begins.then_some(Birth {
        ike_sa: id,
        initiator: message.path.from.address,
        responder: message.path.to.address,
        asked: (message.frame, message.time),
        up: began(model, last.flights.last()?)?,
    })
}

/// The births of a tunnel's IKE SAs, in order.
pub fn births(model: &Model, tunnel: &Tunnel) -> Vec<Birth> {
    tunnel
        .ike_sas
        .iter()
        .filter_map(|id| birth(model, *id))
        .collect()
}

/// The last message of an IKE SA, if it may be what deleted it.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The message.
    pub at: Cite,
    /// Who sent it.
    pub from: IpAddr,
    /// Its side.
    pub by: Role,
    /// Whether its size says that it is a deletion; else it may be a liveness check as well.
    pub sure: bool,
}

/// The last message of an IKE SA, if it may be what deleted it: an informational message of a size
/// that a Delete payload has.
pub fn closing(model: &Model, id: IkeSaId) -> Option<Closing> {
    let exchange = &model.exchanges[*model.ike_sas[id].exchanges.last()?];
    may_delete(model, id, exchange)
}

/// The informational request, if it may hold a Delete payload by its size.
pub fn may_delete(
    model: &Model,
    ike_sa: IkeSaId,
    exchange: &crate::model::Exchange,
) -> Option<Closing> {
    let v1 = exchange.kind == ExchangeType::INFORMATIONAL_V1;
    if !v1 && exchange.kind != ExchangeType::INFORMATIONAL {
        return None;
    }
    let request = exchange.request()?;
    let message = super::first(model, request)?;
    let sure = match model.informational_class(ike_sa, request)? {
        InformationalClass::DeleteIkeSa | InformationalClass::DeleteChild => true,
        InformationalClass::Small => false,
        // IKEv1: Delete of the ISAKMP SA has the size of a liveness check.
        InformationalClass::Dpd => false,
        InformationalClass::Empty | InformationalClass::Large => return None,
    };
    Some(Closing {
        at: (message.frame, message.time),
        from: message.path.from.address,
        by: exchange.by,
        sure,
    })
}

/// The last packet that an end sent before `time`: ESP, AH or IKE.
///
/// `None` if it sent nothing before, or if it used a flow both before and after: then it cannot be
/// told, and it lost no state.
pub fn last_sent_before(
    model: &Model,
    tunnel: &Tunnel,
    end: usize,
    time: Timestamp,
) -> Option<Cite> {
    let mut last: Option<Cite> = None;
    let mut later = |cite: Cite| {
        if last.is_none_or(|known| known.1 < cite.1) {
            last = Some(cite);
        }
    };
    for directions in esp::directions(model, tunnel) {
        for flow in directions.flows(1 - end) {
            if flow.seen.first.1 < time {
                if flow.seen.last.1 >= time {
                    return None;
                }
                later(flow.seen.last);
            }
        }
    }
    for message in tap::messages(model, tunnel) {
        if message.time < time && end_of(tunnel, message.path.from.address) == Some(end) {
            later((message.frame, message.time));
        }
    }
    last
}

/// ESP that kept on coming to an end after `since` on SAs that were in use before.
#[derive(Clone, Copy, Debug)]
pub struct Stale {
    /// The SPI.
    pub spi: crate::units::EspSpi,
    /// Packets, as far as the timeline tells.
    pub packets: u64,
    /// The last of them.
    pub last: Cite,
}

/// The flow towards an end that went on longest after `since`, by at least `span`.
pub fn stale(
    model: &Model,
    tunnel: &Tunnel,
    end: usize,
    since: Timestamp,
    span: Span,
) -> Option<Stale> {
    esp::directions(model, tunnel)
        .iter()
        .flat_map(|directions| directions.flows(end).to_vec())
        .filter(|flow| flow.seen.first.1 <= since && flow.seen.last.1.since(since) >= span)
        .map(|flow| Stale {
            spi: flow.key.spi,
            packets: esp::packets_since(flow, since).max(1),
            last: flow.seen.last,
        })
        .max_by_key(|stale| stale.last.1)
}

/// Whether an IKE SA was up at some time, its beginning seen or not.
pub fn was_up(model: &Model, id: IkeSaId) -> bool {
    use crate::model::IkeState;
    matches!(
        model.ike_sas[id].state,
        IkeState::Established | IkeState::AlreadyUp | IkeState::Deleted
    )
}

/// The last message of an IKE SA.
pub fn last_message(sa: &IkeSa) -> Cite {
    sa.seen.last
}

/// Frames of the requests of a kind on an IKE SA, in order.
pub fn requests(model: &Model, sa: &IkeSa, kind: ExchangeType) -> Vec<Cite> {
    sa.exchanges
        .iter()
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == kind)
        .filter_map(|exchange| exchange.request()?.first())
        .map(|id| cite(model, id))
        .collect()
}

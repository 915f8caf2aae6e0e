//! When an IKE SA came up, and what may have ended it.

use super::began;
use crate::diagnose::{Case, Cite};
use crate::model::exchange::begins_ike_sa;
use crate::model::{
    AuthOutcome, ChildSa, Deleted, Exchange, Flight, IkeSa, IkeSaId, InformationalClass, Model,
};
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

/// Whether a Delete that was read names an SA of a child SA.
pub fn names(model: &Model, delete: &Flight, child: &ChildSa) -> bool {
    let deletes = model.deletes(delete);
    let named = |deleted: &Deleted| matches!(deleted, Deleted::Child { spi, .. } if child.spis.contains(&Some(*spi)));
    deletes.iter().any(named)
}

/// An informational message in the midst of an IKE SA, if it may hold a Delete payload by its size.
///
/// In IKEv1 the deletion of an ISAKMP SA has the size of a liveness check; it is no candidate here.
pub fn may_delete(model: &Model, ike_sa: IkeSaId, exchange: &Exchange) -> Option<Closing> {
    informational(model, ike_sa, exchange)
        .filter(|(_, class)| *class != InformationalClass::Dpd)
        .map(|(closing, _)| closing)
        .filter(|_| !is_empty_beside_others(model, ike_sa, exchange))
}

/// Whether a message that no known suite measures is smaller than others of its IKE SA by just what a Delete
/// payload takes (RFC 7296 section 3.11): it holds nothing.
fn is_empty_beside_others(model: &Model, ike_sa: IkeSaId, exchange: &Exchange) -> bool {
    /// Delete payloads of an IKE SA and of one SPI, with the two octets some add.
    const DELETES: std::ops::RangeInclusive<usize> = 8..=12;
    /// So many messages tell which sizes there are.
    const COMPARED: usize = 64;
    // Of IKEv1 no informational message is empty.
    if model.suite_in_use(ike_sa).is_some() || model.ike_sas[ike_sa].version.major() != 2 {
        return false;
    }
    let length = |flight: &crate::model::Flight| Some(model.messages[flight.message()?].length());
    let Some(this) = exchange.request().and_then(length) else {
        return false;
    };
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let alike = exchanges
        .filter(|other| other.kind == exchange.kind)
        .take(COMPARED);
    // An answer to a Delete or a check is empty (RFC 7296 section 1.4): where blocks hide a few octets, it shows
    // how long that is.
    let mut answers = alike.clone().filter_map(Exchange::response);
    if !answers.any(|answer| length(answer) == Some(this)) {
        return false;
    }
    let lengths = alike.flat_map(|other| &other.flights).filter_map(length);
    let (mut smallest, mut has_larger) = (true, false);
    for other in lengths {
        smallest &= other >= this;
        has_larger |= other
            .checked_sub(this)
            .is_some_and(|more| DELETES.contains(&more));
    }
    smallest && has_larger
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::model;

    /// Which informational exchanges of a recording that begins later may hold a Delete payload, by their lengths.
    fn deletes(lengths: &[u32]) -> Vec<bool> {
        let exchanges: String = lengths
            .iter()
            .zip(2..)
            .map(|(length, id)| {
                format!(
                    "{id} A:500 > B:500 INFORMATIONAL i=1 r=2 id={id} request by=initiator sealed {length}
                     {id}.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id={id} response sealed {length}\n"
                )
            })
            .collect();
        let model = model(&exchanges);
        let ids = model.ike_sas[IkeSaId(0)].exchanges.iter();
        ids.map(|id| may_delete(&model, IkeSaId(0), &model.exchanges[*id]).is_some())
            .collect()
    }

    #[test]
    fn what_is_smaller_than_another_by_a_delete_holds_none() {
        assert_eq!(deletes(&[57, 57, 69]), [false, false, true]);
        assert_eq!(deletes(&[57, 65]), [false, true]);
        // Blocks hide it.
        assert_eq!(deletes(&[80, 80]), [true, true]);
        assert_eq!(deletes(&[80, 96]), [true, true]);
    }
}

//! Post-quantum preshared keys (RFC 8784): who says that it uses one.

use crate::model::{Exchange, Flight, Model};
use crate::registry::{ExchangeType, NotifyType};

/// Whether a message says that its sender uses a post-quantum preshared key (RFC 8784 section 3).
pub fn is_said(model: &Model, flight: &Flight) -> bool {
    let read = model.readable(flight);
    read.is_some_and(|(_, read)| read.notify(NotifyType::USE_PPK).is_some())
}

/// Whether the initiator wants a post-quantum preshared key, and the responder does not take that up.
pub fn is_lacking(model: &Model, exchange: &Exchange) -> bool {
    let (request, response) = (exchange.request(), exchange.response());
    exchange.kind == ExchangeType::IKE_SA_INIT
        && request.is_some_and(|request| is_said(model, request))
        && response.is_some_and(|response| !is_said(model, response))
}

//! `IKE_AUTH` responses that hold a proof and no more.

use super::{KnownBy, Refusal, answerer};
use crate::diagnose::facts::{began, rekey};
use crate::diagnose::{Case, Confidence};
use crate::model::{AuthOutcome, Flight, IkeSaId, Model};
use crate::registry::ExchangeType;

/// Whether the `IKE_AUTH` response of an IKE SA refuses the child SA, as far as its size tells.
pub fn is_refused_in_auth(case: &Case<'_>, id: IkeSaId) -> bool {
    in_auth(case, id).is_some()
}

/// The `IKE_AUTH` response holds a proof and no more.
pub(super) fn in_auth<'c>(case: &Case<'_>, id: IkeSaId) -> Option<Refusal<'c>> {
    let sa = &case.model.ike_sas[id];
    if sa.auth == AuthOutcome::Full {
        return None;
    }
    let exchange = sa
        .exchanges
        .iter()
        .map(|exchange| &case.model.exchanges[*exchange])
        .rfind(|exchange| exchange.kind == ExchangeType::IKE_AUTH)?;
    let response = exchange.response()?;
    // In a round of EAP a response is as small; a first round has a request, and no other before it.
    let rounds = sa
        .exchanges
        .iter()
        .filter(|id| case.model.exchanges[**id].kind == ExchangeType::IKE_AUTH)
        .count();
    let opened = case.model.opened(response);
    // An error in it is read by its own rule.
    let told = opened
        .as_ref()
        .is_some_and(|(_, read)| read.notifies().any(|notify| notify.kind.0 < 16384));
    let confidence = match opened {
        Some(_) => Confidence::Certain,
        None => Confidence::Likely,
    };
    let is_last = match rounds {
        1 => sa.auth == AuthOutcome::AuthOnly,
        _ => refused_after_eap(case.model, id),
    };
    if told || !is_last {
        return None;
    }
    let at = began(case.model, response)?;
    if rounds > 1 {
        // The first request asked for the child SA.
        let first = case.model.auth_rounds(id).first()?.request()?;
        let childless = case.model.is_childless(id, first);
        let used = case.tunnel.flows.iter().any(|flow| {
            let flow = &case.model.flows[*flow];
            flow.seen.last.1 >= at.1
        });
        let mended = rekey::mended(case.model, sa, at.1);
        return (!childless && !used && !mended).then(|| Refusal {
            v1: false,
            has_room: false,
            at,
            by: answerer(case.model, exchange),
            note: "the last IKE_AUTH response, after EAP, has no room for a child SA".into(),
            confidence,
            known_by: KnownBy::Answer,
            in_auth: true,
            adds: false,
            attempt: None,
        });
    }
    let request = exchange.request()?;
    // A request without room for an SA and selectors asks for no child (RFC 6023); nor does one that
    // is hardly larger than the response, which holds the same but for them.
    let size = |flight| case.model.plaintext_range(id, flight);
    let room = match (size(request), size(response)) {
        (Some(request), Some(response)) => request.end().saturating_sub(*response.start()),
        _ => {
            let length = |flight| length(case.model, flight);
            length(request).saturating_sub(length(response)) + PADDING
        }
    };
    let childless = case.model.is_childless(id, request) || room < SELECTORS;
    let served = case.is_served(at.1, at.1);
    let mended = rekey::mended(case.model, sa, at.1);
    (!childless && !served && !mended).then(|| Refusal {
        v1: false,
        has_room: false,
        at,
        by: answerer(case.model, exchange),
        note: match confidence {
            Confidence::Certain => "IKE_AUTH response with a proof and without a child SA".into(),
            _ => "IKE_AUTH response with room for a proof but not for a child SA".into(),
        },
        confidence,
        known_by: KnownBy::Answer,
        in_auth: true,
        adds: false,
        attempt: None,
    })
}

/// Whether `IKE_AUTH` ended after EAP with a proof and without a child SA: the response before the last is
/// as small as EAP Success, and the last request and the last response have room for AUTH, and the
/// latter has none for SA and Traffic Selectors beside it (RFC 7296 section 2.16).
fn refused_after_eap(model: &Model, id: IkeSaId) -> bool {
    /// EAP Success, and a notification beside it at most; AUTH; an SA and Traffic Selectors.
    const SUCCESS: std::ops::RangeInclusive<usize> = 8..=15;
    const CHILD: usize = 84;
    let rounds = model.auth_rounds(id);
    let [_, .., before, last] = rounds.as_slice() else {
        return false;
    };
    let size = |flight: Option<&Flight>| model.plaintext_range(id, flight?);
    let auth = model.auth_payload_smallest(id);
    let (Some(success), Some(request), Some(response)) = (
        size(before.response()),
        size(last.request()),
        size(last.response()),
    ) else {
        return false;
    };
    SUCCESS.contains(success.end())
        && *request.end() >= auth
        && *response.end() >= auth
        && *response.end() < auth + CHILD
}

/// Octets of all parts of a message: the suite adds the same to requests and responses.
fn length(model: &Model, flight: &Flight) -> usize {
    flight
        .parts
        .iter()
        .map(|id| model.messages[*id].header.length as usize)
        .sum()
}

/// Octets that padding to a block may add, where the suite is not known.
const PADDING: usize = 15;

/// An SA with two selectors, less a notification or two that a refusal holds instead.
const SELECTORS: usize = 84 - 12;

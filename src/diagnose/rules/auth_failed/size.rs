//! IKEv2: a response too small for a proof.

use super::RULE;
use super::means::{Means, size_of_proof};
use super::reading::{PPK, has_ppk};
use crate::diagnose::facts::{Tap, began, certificate, child, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::model::{AuthOutcome, IkeSaId, Model};
use crate::registry::ExchangeType;
use crate::say;
use std::net::IpAddr;

/// IKEv2: a response too small for a proof.
pub(super) fn by_size(case: &Case<'_>) -> Option<Finding> {
    let refusals: Vec<(Cite, u32, IpAddr, usize, IkeSaId)> = case
        .tunnel
        .ike_sas
        .iter()
        .filter(|id| case.model.ike_sas[**id].auth == AuthOutcome::Refused)
        .filter_map(|id| {
            let rounds: Vec<_> = case.model.ike_sas[*id]
                .exchanges
                .iter()
                .map(|exchange| &case.model.exchanges[*exchange])
                .filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH)
                .collect();
            let last = rounds.iter().max_by_key(|exchange| exchange.message_id)?;
            // One that was read says itself what it is.
            let response = last
                .response()
                .filter(|flight| case.model.opened(flight).is_none())?;
            // A round of EAP is as small; the last one, which is not, may be missing.
            let at = began(case.model, response)?.1;
            if rounds.len() > 1 && case.is_served(at, at) {
                return None;
            }
            let message = &case.model.messages[response.first()?];
            let at = began(case.model, response)?;
            if case.model.may_ask_on(*id, response)
                && !tap::went_on(case.model, message.vantage, at.1, Tap::PATIENCE)
            {
                return None;
            }
            Some((
                at,
                message.header.length,
                message.path.from().address,
                rounds.len(),
                *id,
            ))
        })
        .collect();
    let (at, length, from, rounds, id) = *refusals.first()?;
    let mut says = say!(
        "The IKE_AUTH response of {from} has {length} octets: room for a notification, none for an identity and a \
         proof. That is a refusal ({times} in this capture). Its reason is encrypted.",
        from,
        length,
        times = child::times(refusals.len())
    );
    let eap = rounds > 1;
    if eap {
        says.add(
            "It came after several rounds, as EAP has them: the user's name or password may be wrong.",
        );
    }
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        at,
        say!(
            "IKE_AUTH response of {length} octets: one notification",
            length
        ),
    )
    .title(say!("{from} refuses the authentication", from))
    .says(says);
    let means = match eap {
        true => Means::User,
        false => Means::of(case.model, id),
    };
    const KEYS: &str = "The pre-shared keys differ.";
    const IDENTITY: &str = "The peer does not know or accept the identity.";
    const CERTIFICATE: &str = "The certificate is expired, or its authority is not trusted.";
    finding = match means {
        _ if eap => {
            finding.or("A request of EAP that is as small, which the user has yet to answer.")
        }
        // The size only makes it likely.
        Means::Signature => finding.or(CERTIFICATE).or(IDENTITY).or(KEYS),
        // A signature needs no certificate where the key is known already (RFC 7296 section 3.7).
        _ => finding.or(KEYS).or(IDENTITY).or(CERTIFICATE),
    };
    if !eap && has_ppk(case.model, id) {
        finding = finding.or(PPK);
    }
    if !eap && asks_without(case.model, id) {
        finding = finding.or(say!(
            "{from} wants a certificate, which it asks for, and the request has room for none: the sides use different \
             methods.",
            from
        ));
    }
    finding = finding
        .or("Another error, such as a lack of addresses or an internal failure: all are as small.");
    for (at, ..) in refusals.iter().skip(1) {
        finding = finding.also(*at, "refused again");
    }
    Some(means.advise(case, finding))
}

/// IKEv2: whether the responder asks for a certificate, and the request has no room for one.
fn asks_without(model: &Model, id: IkeSaId) -> bool {
    certificate::is_asked_for(model, id) == Some(true)
        && size_of_proof(model, id).is_some_and(|size| *size.end() < Means::NO_ROOM)
}

//! The authentication is refused.

use crate::diagnose::facts::{auth, began, cite, clear, offer};
use crate::diagnose::{Cite, Confidence, Finding, Rule, Severity};
use crate::model::{AuthOutcome, IkeSaId, Model, TunnelId};
use crate::registry::{ExchangeType, NotifyType};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "auth-failed",
    code: "IKE206",
    severity: Severity::Error,
    summary: "The authentication is refused",
    document: DOCUMENT,
    explains: &["tunnel-flapping", "ike-no-response", "clear-text-leak"],
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agree on algorithms, then one does not believe the other: pre-shared key, identity, certificate or password is not what it expects. The notification is encrypted, so without keys only its size is seen, and even with keys it does not say which of these it was.

## How it is seen
IKEv2: the IKE_AUTH response is as small as a single notification, far too small for an identity and a proof. IKEv1: message 5 of main mode is answered by an informational message instead of message 6. Sometimes AUTHENTICATION_FAILED comes in clear.

## What else looks like it
Other notifications are as small: a responder that has no connection for the identity, that lacks an address to give, or that fails inside.

## What to do
1. Read the log of the side that refuses: it alone knows the reason.
2. Compare pre-shared keys, identities (type and value), certificates, their validity and authority.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    in_clear(model, tunnel)
        .or_else(|| by_size(model, tunnel))
        .or_else(|| instead_of_message_6(model, tunnel))
        .map(|finding| {
            finding
                .advise("Read the log of the side that refuses: it alone knows the reason.")
                .advise("Compare pre-shared keys, identities (type and value) and certificates of both sides.")
        })
        .into_iter()
        .collect()
}

/// The notification came in clear.
fn in_clear(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let notice = model.tunnels[tunnel].ike_sas.iter().find_map(|id| {
        clear::refusals(&model.ike_sas[*id], NotifyType::AUTHENTICATION_FAILED).next()
    })?;
    Some(
        Finding::new(&RULE, Confidence::Certain, tunnel, notice.at, notice.name())
            .title(format!("{} refuses the authentication", notice.from))
            .says(format!(
                "{} answered {} in clear.",
                notice.from,
                notice.name()
            )),
    )
}

/// IKEv2: a response too small for a proof.
fn by_size(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let refusals: Vec<(IkeSaId, Cite, u32, String, usize)> = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .filter(|id| model.auth_outcome(**id) == AuthOutcome::Refused)
        .filter_map(|id| {
            let rounds: Vec<_> = model.ike_sas[*id]
                .exchanges
                .iter()
                .map(|exchange| &model.exchanges[*exchange])
                .filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH)
                .collect();
            let last = rounds.iter().max_by_key(|exchange| exchange.message_id)?;
            let response = last.response()?;
            let message = &model.messages[response.first()?];
            let from = message.path.from.address.to_string();
            Some((
                *id,
                began(model, response)?,
                message.header.length,
                from,
                rounds.len(),
            ))
        })
        .collect();
    let (_, at, length, from, rounds) = refusals.first()?;
    let eap = if *rounds > 1 {
        " It came after several rounds, as EAP has them: the user's name or password may be wrong."
    } else {
        ""
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        tunnel,
        *at,
        format!("IKE_AUTH response of {length} octets: one notification"),
    )
    .title(format!("{from} refuses the authentication"))
    .says(format!(
        "The IKE_AUTH response of {from} has {length} octets: room for one notification, none for an \
         identity and a proof. That is a refusal ({} in this capture). Its reason is encrypted.{eap}",
        match refusals.len() {
            1 => "once".to_string(),
            n => format!("{n} times"),
        }
    ))
    .or("The pre-shared keys differ.")
    .or("The peer does not know or accept the identity.")
    .or("The certificate is expired, or its authority is not trusted.")
    .or("Another error, such as a lack of addresses or an internal failure: all are as small.");
    for (_, at, ..) in refusals.iter().skip(1) {
        finding = finding.also(*at, "refused again");
    }
    Some(finding)
}

/// IKEv1 without a pre-shared key: message 5 is answered by an informational message.
fn instead_of_message_6(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let (id, at) = refused_message_5(model, tunnel)?;
    let sa = &model.ike_sas[id];
    if sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared) {
        return None;
    }
    let from = sa.paths.first()?.to.address;
    Some(
        Finding::new(&RULE, Confidence::Likely, tunnel, at, "an informational message instead of message 6")
            .title(format!("{from} refuses the authentication"))
            .says(format!(
                "{from} answered message 5 of main mode, which authenticates, by an informational message \
                 instead of message 6."
            ))
            .or("The certificate or the identity is not accepted."),
    )
}

/// The IKE SA whose message 5 was answered by an informational message, and where.
pub(super) fn refused_message_5(model: &Model, tunnel: TunnelId) -> Option<(IkeSaId, Cite)> {
    model.tunnels[tunnel].ike_sas.iter().find_map(|id| {
        let sa = &model.ike_sas[*id];
        let main = sa
            .exchanges
            .iter()
            .map(|exchange| &model.exchanges[*exchange])
            .find(|exchange| {
                exchange.kind == ExchangeType::IDENTITY_PROTECTION && exchange.flights.len() == 5
            })?;
        Some((*id, auth::no_cite(model, sa, main)?))
    })
}

/// Every copy of message 5 of the IKE SA, as evidence.
pub(super) fn copies_of_message_5(model: &Model, id: IkeSaId) -> Vec<Cite> {
    model.ike_sas[id]
        .exchanges
        .iter()
        .map(|exchange| &model.exchanges[*exchange])
        .filter(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION)
        .filter_map(|exchange| exchange.flights.last())
        .flat_map(|flight| flight.parts.iter().chain(&flight.again))
        .map(|message| cite(model, *message))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";

    #[test]
    fn an_answer_of_one_notification_is_a_refusal() {
        verdict(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80"),
            "auth-failed",
        );
    }

    #[test]
    fn an_answer_with_room_for_a_proof_is_none() {
        silent(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"),
            "auth-failed",
        );
    }

    #[test]
    fn a_notification_in_clear_says_so_itself() {
        verdict(
            &format!(
                "{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response N(AUTHENTICATION_FAILED)"
            ),
            "auth-failed",
        );
    }
}

//! EAP, or XAUTH, failed.

use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::{child, recovery};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IkeSaId, Model};
use crate::registry::{ConfigurationAttributeType, EapType, ExchangeType};
use crate::say;
use crate::wire::{Body, ikev1};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "eap-failed",
    code: "IKE219",
    severity: Severity::Error,
    summary: "EAP failed: the user is not accepted",
    document: DOCUMENT,
    explains: &[
        "auth-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateway asked the user to prove itself by EAP (IKEv2) or XAUTH (IKEv1), and did not accept the proof: the name or the password is wrong, the account is locked or unknown to the authentication server, or the two sides found no EAP method in common.

## How it is seen
With the keys of the IKE SA: an IKE_AUTH response holds an EAP packet with the code Failure, or the status of XAUTH is FAIL. Or the initiator answers a later round of EAP by AUTHENTICATION_FAILED: methods such as MS-CHAPv2 tell the user of failure themselves, before EAP does. Such a message of MS-CHAPv2 is certain by itself, and its error code (RFC 2759 section 6) says why. An initiator that only gives up, without one, says nothing of who failed, and that is told as likely.

## What else looks like it
An authentication server (RADIUS) that does not answer: the gateway then says failure too. In EAP-TLS, PEAP and TTLS it may be the client that gives up, for it does not trust the certificate of the server. A failure that an IKE SA follows, as after a password that was mistyped, is a warning.

## What to do
1. Try name and password anew; compare the EAP method of both sides.
2. Read the log of the gateway and of the authentication server behind it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refusals: Vec<_> = case
        .tunnel
        .ike_sas
        .iter()
        .filter_map(|id| proof::refusal(case.model, *id))
        .filter(|refusal| refusal.eap_failed)
        .collect();
    let Some(first) = refusals.first() else {
        return Vec::new();
    };
    let name = match first.v1 {
        true => xauth_user(case.model, first.ike_sa),
        false => {
            let [user, _] = case.model.claims(first.ike_sa);
            user.eap_identity.or(user.identity)
        }
    };
    let what = Text::verbatim(if first.v1 { "XAUTH" } else { "EAP" });
    let (from, to) = (first.from, first.to);
    let times = child::times(refusals.len());
    let told = first
        .mschap
        .as_deref()
        .map(without_challenge)
        .map(Text::verbatim);
    let (title, says) = match name.map(Text::verbatim) {
        name if told.is_some() => (
            match name {
                Some(name) => say!("{from} does not accept the user “{name}”", from, name),
                None => say!("{from} does not accept the user", from),
            },
            say!(
                "MS-CHAPv2 from {to} failed ({times} in this capture): {from} says so.",
                to,
                times,
                from
            ),
        ),
        Some(name) if first.gave_up.is_some() => (
            say!("EAP of “{name}” failed: {to} gave it up", to, name = &name),
            gave_up(to, from, refusals.len()),
        ),
        None if first.gave_up.is_some() => (
            say!("EAP failed: {to} gave it up", to),
            gave_up(to, from, refusals.len()),
        ),
        Some(name) => (
            say!(
                "{from} does not accept the user “{name}”",
                from,
                name = &name
            ),
            say!(
                "{what} authentication of “{name}” from {to} failed ({times} in this capture): {from} says so.",
                what = &what,
                name,
                to,
                times,
                from
            ),
        ),
        None => (
            say!("{from} does not accept the user", from),
            say!(
                "{what} authentication from {to} failed ({times} in this capture): {from} says so.",
                what = &what,
                to,
                times,
                from
            ),
        ),
    };
    let meaning = first.mschap.as_deref().and_then(meaning);
    let says = says.then(told.map(|told| match meaning {
        Some(meaning) => say!("Its message is “{told}”: {meaning}.", told, meaning),
        None => say!("Its message is “{told}”.", told),
    }));
    // Whoever only gave up says nothing of who failed.
    let inferred = |refusal: &Refusal| refusal.gave_up.is_some() && refusal.mschap.is_none();
    let confidence = match inferred(first) {
        true => Confidence::Likely,
        false => Confidence::Certain,
    };
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        first.gave_up.unwrap_or(first.at),
        match first.gave_up {
            Some(_) => say!("AUTHENTICATION_FAILED of {to}", to),
            None => say!("where {what} fails", what),
        },
    )
    .title(title)
    .says(says)
    .advise("Check name and password, and that both sides use the same EAP method.")
    .advise(say!(
        "Read the log of {from} and of the authentication server behind it.",
        from
    ));
    if first.mschap.is_none() {
        finding = finding.or("The authentication server behind the gateway does not answer.");
    }
    let by_tls = [EapType::EAP_TLS, EapType::EAP_TTLS, EapType::PEAP];
    if confidence == Confidence::Likely
        && first.method.is_none_or(|method| by_tls.contains(&method))
    {
        finding = finding.or(
            "In EAP-TLS, PEAP and TTLS: the client does not trust the certificate of the server.",
        );
    }
    if first.gave_up.is_some() {
        finding = finding.also(first.at, say!("the answer of {from} before", from));
    }
    for refusal in refusals.iter().skip(1) {
        finding = finding.also(refusal.gave_up.unwrap_or(refusal.at), "and again");
    }
    vec![recovery::tell(case, finding)]
}

/// The name that was given in XAUTH (draft-ietf-ipsec-isakmp-xauth section 4.2). The identity of phase 1 is that of a
/// device or of a group.
fn xauth_user(model: &Model, ike_sa: IkeSaId) -> Option<String> {
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    let asks = exchanges
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| exchange.kind == ExchangeType::TRANSACTION);
    asks.flat_map(|exchange| &exchange.flights)
        .find_map(|flight| {
            let (_, read) = model.opened(flight)?;
            read.payloads.iter().find_map(|payload| {
                let Body::V1(ikev1::Body::Attributes(attributes)) = &payload.body else {
                    return None;
                };
                let mut attributes = attributes.attributes.iter();
                let name = attributes.find(|one| {
                    one.kind == ConfigurationAttributeType::XAUTH_USER_NAME && !one.value.is_empty()
                })?;
                Some(String::from_utf8_lossy(name.value).into_owned())
            })
        })
}

/// A message of MS-CHAPv2 without the challenge for the next attempt (RFC 2759 section 6): with the answer it
/// would help to guess the password.
fn without_challenge(message: &str) -> String {
    let words = message.split_whitespace();
    let told: Vec<&str> = words.filter(|word| !word.starts_with("C=")).collect();
    told.join(" ")
}

/// What the code in a message of MS-CHAPv2 means (RFC 2759 section 6).
fn meaning(message: &str) -> Option<&'static str> {
    let mut words = message.split_whitespace();
    match words.find_map(|word| word.strip_prefix("E="))? {
        "646" => Some("the user may not come at this hour"),
        "647" => Some("the account is disabled"),
        "648" => Some("the password has expired"),
        "649" => Some("the user may not come from outside"),
        "691" => Some("the name or the password is wrong"),
        "709" => Some("the password could not be changed"),
        _ => None,
    }
}

/// The initiator says that authentication failed, and the responder did not say so before.
fn gave_up(to: IpAddr, from: IpAddr, times: usize) -> Text {
    say!(
        "{to} ended EAP by AUTHENTICATION_FAILED after an answer of {from} that goes on ({times} in this capture): \
         its method told it of failure, or it does not believe the server.",
        to,
        from,
        times = child::times(times)
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    const ASKED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(user) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(0.0.0.0/0) TSr(0.0.0.0/0)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(gw) AUTH(1) EAP(1)
        0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 96 opened EAP(2)
        ";

    #[test]
    fn what_ms_chapv2_says_is_read() {
        // Failure, its identifier, the length, `E=691 R=1`.
        let failure = "1a 04 05 000d 453d36393120523d31".replace(' ', "");
        let text = format!(
            "{ASKED} 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 112 opened EAP(1 {failure})
             0.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80 opened N(AUTHENTICATION_FAILED)"
        );
        let finding = fires(&text, "eap-failed");
        assert_eq!(finding.confidence, Confidence::Certain);
        let says = finding.says.to_string();
        assert!(says.contains("the name or the password is wrong"), "{says}");
        assert!(
            finding.alternatives.is_empty(),
            "{:?}",
            finding.alternatives
        );
    }

    #[test]
    fn each_code_of_rfc_2759_has_its_meaning() {
        let codes = [646, 647, 648, 649, 691, 709];
        let meanings = codes.map(|code| super::meaning(&format!("E={code} R=0 V=3")));
        assert!(meanings.iter().all(Option::is_some), "{meanings:?}");
        assert_eq!(super::meaning("E=700 R=0"), None);
    }

    #[test]
    fn the_user_of_xauth_is_not_whom_phase_1_names() {
        let title = |user: &str| {
            let text = format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=65001 group=14) KE Nonce ID(group)
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=65001 group=14) KE Nonce ID HASH
                 0.2 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH
                 0.3 B:500 > A:500 TRANSACTION i=1 r=2 id=0x11 sealed 76 opened HASH CP(1 40890000)
                 4.0 A:500 > B:500 TRANSACTION i=1 r=2 id=0x11 sealed 108 opened HASH CP(2 {user})
                 4.1 B:500 > A:500 TRANSACTION i=1 r=2 id=0x12 sealed 76 opened HASH CP(3 c08f0000)"
            );
            fires(&text, "eap-failed").title.to_string()
        };
        let mary = title("408900046d617279");
        assert!(mary.ends_with("does not accept the user “mary”"), "{mary}");
        let nobody = title("40890000");
        assert!(nobody.ends_with("does not accept the user"), "{nobody}");
    }

    #[test]
    fn failure_is_told() {
        let text = format!(
            "{ASKED} 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 80 opened EAP(4)"
        );
        verdict(&text, "eap-failed");
        silent(&text, "child-setup-failed");
        // The user mistyped the password.
        let again = format!(
            "{text}
             6.0 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             6.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             6.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             6.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240
             7 A > B ESP 0xb1 seq 1..9
             7 B > A ESP 0xa1 seq 1..9"
        );
        assert_eq!(fires(&again, "eap-failed").severity, Severity::Warning);
    }

    #[test]
    fn an_initiator_that_gives_up_in_a_later_round_was_told_by_the_method() {
        let told = format!(
            "{ASKED} 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 128 opened EAP(1)
             0.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80 opened N(AUTHENTICATION_FAILED)"
        );
        verdict(&told, "eap-failed");
        // It may be the client that does not believe the server.
        let finding = fires(&told, "eap-failed");
        assert_eq!(finding.confidence, Confidence::Likely);
        assert_eq!(finding.evidence[0].frame.number, 7);
        let title = finding.title.to_string();
        assert!(title.contains("192.0.2.1 gave it up"), "{title}");
        // In the first round it may not believe the gateway.
        let (first, _) = ASKED.split_once("0.4").unwrap();
        let text = format!(
            "{first} 0.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened N(AUTHENTICATION_FAILED)"
        );
        verdict(&text, "auth-failed");
    }

    #[test]
    fn eap_that_goes_on_is_none() {
        silent(
            &format!(
                "{ASKED} 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 96 opened EAP(1)"
            ),
            "eap-failed",
        );
    }
}

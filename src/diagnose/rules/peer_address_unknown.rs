//! The peer refuses at once, though the algorithms are not the reason: it does not know us.

use crate::diagnose::facts::turned_down::TurnedDown;
use crate::diagnose::facts::{offer, stranger};
use crate::diagnose::{Case, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::say;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-address-unknown",
    code: "IKE110",
    severity: Severity::Error,
    summary: "The peer refuses although it accepts this offer: it has no connection for us",
    document: DOCUMENT,
    explains: &[
        "ike-proposal-mismatch",
        "multi-value-proposal",
        "ike-no-response",
        "no-initiator",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder looks for a connection by the address that asks (and the IKE version), finds none, and refuses. It says NO_PROPOSAL_CHOSEN, as it does when algorithms differ, though none was looked at. The initiator's address changed, or was entered wrongly at the peer, or the connection was removed or is not loaded there.

## How it is seen
The first message of IKE is answered by NO_PROPOSAL_CHOSEN (14) in clear, and the capture shows that the algorithms are not the reason: the same responder accepted the very offer, or one that agrees with it, from another address or at an earlier time; or it offers agreeing algorithms itself to another address. If the responder is known for strongSwan by its vendor ID, a refusal of IKE_SA_INIT that bears a responder SPI tells as much, where nothing else shows that it knows the initiator: strongSwan sets it to zero when it refuses algorithms.

## What else looks like it
A responder that has other algorithms for this one initiator than for all others. A stranger, such as a scanner: who came from afar, was refused by a gateway that serves others and did not try again is mentioned as information, or as a warning where the capture ends too soon to tell. A connection that was changed, not removed, since the offer was accepted. Without any of the signs above nothing tells the two apart: then see ike-proposal-mismatch.

## What to do
1. At the responder, look up the connection: which peer address, which own address and which IKE version does it expect? Is it loaded?
2. If the initiator's address changes, identify it by name instead of address.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .ends
        .iter()
        .filter_map(|responder| unknown_to(case, *responder))
        .collect()
}

fn unknown_to(case: &Case<'_>, responder: IpAddr) -> Option<Finding> {
    let TurnedDown {
        attempts: refused,
        proof: Some(proof),
    } = case.turned_down_by(responder)?
    else {
        return None;
    };
    let (sa, notice) = *refused.first()?;
    let initiator = sa.paths.first()?.from.address;
    let (offer, at) = offer::offered(case.model, sa)?;
    let mut finding = Finding::new(
        &RULE,
        proof.confidence(),
        case.id,
        notice.at,
        Text::verbatim("NO_PROPOSAL_CHOSEN"),
    )
    .also(at, "the offer that was refused")
    .title(say!(
        "{responder} does not know {initiator}",
        responder,
        initiator
    ))
    .says(
        say!(
            "{responder} refused the offer of {initiator} by NO_PROPOSAL_CHOSEN after {delay}: {offer}.",
            responder,
            initiator,
            delay = notice.at.1.since(at.1),
            offer = &offer
        )
        .then(proof.says(initiator, responder))
        .then(say!(
            "So the algorithms are hardly the reason: it seems to have no connection for {initiator}, or none \
             that is loaded.",
            initiator
        )),
    );
    if let Some((cite, note)) = proof.cite() {
        finding = finding.beside(cite, note);
    }
    for (_, notice) in refused.iter().skip(1) {
        finding = finding.also(notice.at, "refused again");
    }
    let served = refused.last().is_some_and(|(_, last)| {
        case.tunnel
            .ike_sas
            .iter()
            .filter_map(|id| offer::accepted(case.model, &case.model.ike_sas[*id]))
            .any(|(_, accepted)| accepted.1 > last.at.1)
    });
    if served {
        finding = finding.severity(Severity::Warning);
    }
    // Whoever makes the offer of a peer, or was one, is none that came by.
    if proof.may_be_a_stranger() {
        finding = stranger::tell(case, responder, finding);
    }
    Some(
        finding
            .or(say!(
                "{responder} has other algorithms for {initiator} than the capture shows of it.",
                responder,
                initiator
            ))
            .advise(say!(
                "At {responder}, see that a connection for the peer address {initiator} and this IKE version \
                 exists and is loaded.",
                responder,
                initiator
            ))
            .advise(say!(
                "If the address of {initiator} changes or is translated, identify it by name instead of address.",
                initiator
            )),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const OFFER: &str =
        "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";

    fn refused(offer: &str) -> String {
        format!(
            "20 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {offer}
             20.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)"
        )
    }

    fn accepted(from: char, offer: &str, choice: &str) -> String {
        format!(
            "0 {from}:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request {offer}
             0.1 B:500 > {from}:500 IKE_SA_INIT i=7 r=8 id=0 response {choice}\n"
        )
    }

    #[test]
    fn the_same_offer_accepted_from_another_address() {
        let text = accepted('C', OFFER, OFFER) + &refused(OFFER);
        verdict(&text, "peer-address-unknown");
        silent(&text, "ike-proposal-mismatch");
        let finding = fires(&text, "peer-address-unknown");
        assert!(
            finding.says.to_string().contains("192.0.2.3"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn the_same_offer_accepted_before() {
        verdict(
            &(accepted('A', OFFER, OFFER) + &refused(OFFER)),
            "peer-address-unknown",
        );
    }

    #[test]
    fn ikev1_refuses_by_an_informational_message() {
        let suite = "SA(encr=7/256 hash=4 auth=1 group=14)";
        verdict(
            &format!(
                "0 C:500 > B:500 MAIN i=7 r=0 {suite}
                 0.1 B:500 > C:500 MAIN i=7 r=8 {suite}
                 20 A:500 > B:500 MAIN i=1 r=0 {suite}
                 20.1 B:500 > A:500 INFO_V1 i=1 r=2 id=7 N(14)"
            ),
            "peer-address-unknown",
        );
    }

    #[test]
    fn a_refusal_by_itself_leaves_both_open() {
        silent(&refused(OFFER), "peer-address-unknown");
    }

    #[test]
    fn another_algorithm_accepted_from_another_address_is_a_mismatch() {
        let other = OFFER.replace("CBC-256", "CBC-128");
        let text = accepted('C', &other, &other) + &refused(OFFER);
        silent(&text, "peer-address-unknown");
        fires(&text, "ike-proposal-mismatch");
    }

    #[test]
    fn several_values_are_a_reason_of_their_own() {
        let several = OFFER.replace("ENCR_AES_CBC-256", "ENCR_AES_CBC-256 ENCR_AES_CBC-192");
        silent(
            &(accepted('C', OFFER, OFFER) + &refused(&several)),
            "peer-address-unknown",
        );
    }

    #[test]
    fn another_responder_that_accepts_is_no_sign() {
        let text = accepted('C', OFFER, OFFER).replace("B:500", "D:500") + &refused(OFFER);
        silent(&text, "peer-address-unknown");
    }

    #[test]
    fn silence_is_no_refusal() {
        silent(
            &format!(
                "{}20 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {OFFER} again=4,11,24",
                accepted('C', OFFER, OFFER)
            ),
            "peer-address-unknown",
        );
    }

    /// A gateway that serves somebody, and a request from afar that it refuses.
    fn beside_one_that_works(times: &[u32], ttl: u8) -> String {
        const THEIRS: &str =
            "SA(ENCR_AES_CBC-256 ENCR_AES_CBC-128 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14)";
        let mut text = accepted('C', &format!("{THEIRS} KE(14) Nonce"), OFFER);
        text += "0.2 C:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
             0.3 B:500 > C:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
             0.4 C > B ESP 0xb1 seq 1..200 every 1
             0.5 B > C ESP 0xc1 seq 1..200 every 1\n";
        for (n, time) in times.iter().enumerate() {
            text += &format!(
                "{time} A:500 > B:500 IKE_SA_INIT i={n}1 r=0 id=0 request {OFFER} ttl={ttl}
                 {time}.1 B:500 > A:500 IKE_SA_INIT i={n}1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)\n"
            );
        }
        text
    }

    #[test]
    fn a_stranger_who_is_refused_is_no_fault_of_a_gateway_that_serves_others() {
        let severity = |text: &str| fires(text, "peer-address-unknown").severity;
        assert_eq!(
            severity(&beside_one_that_works(&[20, 22], 49)),
            Severity::Info
        );
        assert_eq!(
            severity(&beside_one_that_works(&[190], 49)),
            Severity::Warning
        );
    }

    #[test]
    fn who_keeps_trying_or_sits_at_the_tap_is_no_stranger() {
        for text in [
            beside_one_that_works(&[20, 50, 80], 49),
            beside_one_that_works(&[20], 64),
        ] {
            let finding = fires(&text, "peer-address-unknown");
            assert_eq!(finding.severity, Severity::Error, "{text}");
        }
    }
}

//! UDP 500 passes, UDP 4500 does not.

use crate::diagnose::facts::auth::{self, AuthSilence, Shape};
use crate::diagnose::facts::{Asked, Passage, end_of};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "port-4500-blocked",
    code: "IKE105",
    severity: Severity::Error,
    summary: "UDP 500 passes, UDP 4500 does not",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "dpd-timeout",
        "tunnel-flapping",
        "clear-text-leak",
        "ike-auth-no-response",
    ],
    needs: Signs::UNANSWERED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The first exchange works on UDP 500. Then the peers move to UDP 4500 (for NAT traversal or MOBIKE), and nothing sent there is answered: a filter knows one port and not the other.

## How it is seen
IKE_SA_INIT is answered on port 500. The next request goes to port 4500, is repeated byte for byte, and no packet of the peer comes from port 4500 in the whole capture. The request is small enough for one packet, so size is not the reason.

## What else looks like it
A peer that drops the request in silence, because it dislikes the authentication. A request larger than the path takes is lost too: see ike-fragments-lost.

## What to do
1. Permit UDP 4500 in both directions for both gateway addresses, on every filter between them, the hosts' own included.
2. Capture at the peer: if the request arrives, the peer ignores it; look at its log.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    silences(case)
        .into_iter()
        .find(|silence| is_blocked(case, silence))
        .map(|silence| {
            let asked = &silence.asked;
            let tap = case.tap();
            let finding = Finding::new(
                &RULE,
                tap.absence(Confidence::Likely),
                case.id,
                asked.first,
                say!("first packet to {peer}, unanswered", peer = asked.to()),
            )
            .also(silence.agreed, "the peer answers on port 500")
            .also(asked.last, "last copy, unanswered")
            .title(say!(
                "{peer} answers on port 500 but not on port 4500",
                peer = asked.to().address
            ))
            .says(say!(
                "{peer} answered on port 500. The next request to {to}, {size} octets in one packet, was \
                 {schedule} and not answered, and nothing came from port 4500 of that address in the whole \
                 capture.",
                peer = asked.to().address,
                to = asked.to(),
                size = asked.message.ip.length,
                schedule = asked.schedule()
            ))
            .or("The peer drops the request without a word.")
            .or("Only the answers are filtered.")
            .advise("Permit UDP 500, UDP 4500 and IP protocol 50 in both directions between both gateways.")
            .advise("Capture at the peer: if the request arrives there, read the peer's log.");
            located(case, asked, finding)
        })
        .into_iter()
        .collect()
}

/// Adds where the request is lost, if two taps tell.
fn located(case: &Case<'_>, asked: &Asked<'_>, mut finding: Finding) -> Finding {
    let Some(passage) = Passage::of(case, asked.flight) else {
        return finding;
    };
    if passage.is_proven() {
        finding.confidence = Confidence::Certain;
    } else if passage.arrived() {
        finding.alternatives = vec!["The peer drops the request without a word.".into()];
    }
    passage.tell(case.model, finding, "the request")
}

/// The silences that met authentication in this tunnel.
pub(super) fn silences<'m>(case: &Case<'m>) -> Vec<AuthSilence<'m>> {
    case.tunnel
        .ike_sas
        .iter()
        .filter_map(|id| auth::silence(case.model, &case.model.ike_sas[*id]))
        .filter(|silence| !is_up(case, silence))
        .collect()
}

/// Whether ESP of the peer begins after the request, before another IKE SA is asked for: then the
/// request was answered, and the answer is missing in the recording. The counter of a new SA begins
/// at 1 (RFC 4303 section 3.3.2).
fn is_up(case: &Case<'_>, silence: &AuthSilence<'_>) -> bool {
    /// Numbers that may be missing before the first one recorded.
    const EARLY: u32 = 16;
    let Some(peer) = end_of(case.tunnel, silence.asked.to().address) else {
        return false;
    };
    let sent = silence.asked.first.1;
    let others = case
        .tunnel
        .ike_sas
        .iter()
        .map(|id| case.model.ike_sas[*id].seen.first.1);
    let next = others.filter(|time| *time > sent).min();
    case.directions()
        .iter()
        .filter(|directions| directions.vantage.input == silence.asked.message.vantage.input)
        .flat_map(|directions| directions.flows(1 - peer))
        .any(|flow| {
            let begins = flow.seen.first.1;
            let before = next.is_none_or(|next| begins < next);
            begins > sent && before && flow.sequence.first <= EARLY
        })
}

/// Whether it is the port: the request goes to 4500 in one packet, and the peer was never heard from
/// that port.
pub(super) fn is_blocked(case: &Case<'_>, silence: &AuthSilence<'_>) -> bool {
    let peer = end_of(case.tunnel, silence.asked.to().address);
    let heard = case.messages().any(|message| {
        message.path.from.port == Some(4500)
            && end_of(case.tunnel, message.path.from.address) == peer
    });
    // ESP in UDP comes from the same port (RFC 3948 section 2.1).
    let paths = case
        .tunnel
        .flows
        .iter()
        .flat_map(|id| &case.model.flows[*id].paths);
    let heard = heard
        || paths
            .map(|path| path.from)
            .any(|from| from.port == Some(4500) && end_of(case.tunnel, from.address) == peer);
    silence.asked.to().port == Some(4500) && silence.shape == Shape::Whole && !heard
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";

    #[test]
    fn silence_on_4500_after_an_answer_on_500_is_the_port() {
        verdict(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn new_esp_of_the_peer_shows_that_the_answer_was_not_recorded() {
        silent(
            &format!(
                "{AGREED}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 1 B > A ESP 0xa1 seq 2..20 every 1"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn esp_in_udp_from_the_peer_shows_that_the_port_is_open() {
        silent(
            &format!(
                "{}
                 1 B:4500 > A:4500 ESP 0xa1 seq 100..120 every 1
                 30.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24",
                AGREED.replace("0 A", "30 A").replace("0.1 B", "30.1 B")
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn silence_on_500_is_not() {
        silent(
            &format!(
                "{AGREED}\n0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn a_capture_that_ends_at_once_proves_nothing() {
        silent(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=1"
            ),
            "port-4500-blocked",
        );
    }
}

//! Algorithms are agreed; the authentication is never answered.

use super::port_4500_blocked::{is_blocked, silences};
use crate::diagnose::facts::auth::Shape;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::say;
use std::cell::OnceCell;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-auth-no-response",
    code: "IKE106",
    severity: Severity::Error,
    summary: "The authentication is not answered",
    document: DOCUMENT,
    explains: &["ike-no-response", "tunnel-flapping", "clear-text-leak"],
    needs: Signs::UNANSWERED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agreed on algorithms, then the message that authenticates is sent again and again without answer. The port is open, for the same port answered before.

## How it is seen
IKE_SA_INIT (main mode 1 to 4) is answered. IKE_AUTH (main mode 5) is repeated byte for byte, in one packet, to a port that the peer has answered from, and nothing comes.

## What else looks like it
Some peers say nothing when they cannot authenticate the initiator or find no connection for its identity; with IKEv1 a wrong pre-shared key makes message 5 unreadable, and many drop it in silence. A packet near the MTU may be too large for the path.

## What to do
1. Read the peer's log for this moment: it says why it keeps silent.
2. Compare pre-shared keys, identities and certificates.
3. If the message is large, see ike-fragments-lost.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let heard = OnceCell::new();
    silences(case)
        .into_iter()
        .find(|silence| silence.shape == Shape::Whole && !is_blocked(case, silence, &heard))
        .map(|silence| {
            let asked = &silence.asked;
            Finding::new(
                &RULE,
                case.tap().absence(Confidence::Likely),
                case.id,
                asked.first,
                say!(
                    "{exchange}, unanswered",
                    exchange = Text::verbatim(asked.exchange.kind)
                ),
            )
            .severity(match asked.attempts() {
                // What is not answered is sent again (RFC 7296 section 2.1): this one was, or its
                // sender gave up.
                1 => Severity::Info,
                _ => RULE.severity,
            })
            .also(silence.agreed, "the peer agreed to algorithms")
            .also(asked.last, "last copy, unanswered")
            .title(say!(
                "{peer} does not answer the authentication",
                peer = asked.to()
            ))
            .says(say!(
                "{peer} agreed to algorithms, but {exchange} of {size} octets was {schedule} to \
                 {to} and not answered.",
                peer = asked.to().address,
                exchange = Text::verbatim(asked.exchange.kind),
                size = asked.message.ip.length,
                schedule = asked.schedule(),
                to = asked.to()
            ))
            .or(
                "The peer rejects the authentication or the identity without a word; with IKEv1 a \
                 wrong pre-shared key looks like this.",
            )
            .or("The message, or its answer, is too large for the path.")
            .advise("Read the peer's log for this moment.")
            .advise("Compare pre-shared keys, identities and certificates of both sides.")
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    #[test]
    fn silence_after_agreement_on_the_same_port() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24",
            "ike-auth-no-response",
        );
    }

    #[test]
    fn an_answer_on_the_third_try_is_an_answer() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11
             11.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
            "ike-auth-no-response",
        );
    }
}

//! A certificate that does not hold at the time, and an authentication that is refused.

use crate::diagnose::facts::certificate::{self, Sent};
use crate::diagnose::facts::{proof, recovery};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "cert-expired",
    code: "IKE221",
    severity: Severity::Error,
    summary: "A certificate does not hold at this time",
    document: DOCUMENT,
    explains: &[
        "auth-failed",
        "id-mismatch",
        "cert-untrusted",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "ike-auth-no-response",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A side proves its identity by a certificate that is expired, or holds only from a later day on. The other does not accept it.

## How it is seen
With the keys of the IKE SA: the authentication is refused, and a certificate of the refused side did not hold at the time of the capture.

## What else looks like it
A chain may hold another certificate for the same authority, which holds; then the one out of date is not needed. A refuser whose clock is wrong finds good certificates out of date; then those that hold by the time of the capture are refused, and nothing here shows why. The time of a capture is that of the machine that recorded it.

## What to do
1. Renew the certificate.
2. Check the clocks of both gateways.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = case.tunnel.ike_sas.iter().find_map(|id| {
        let refusal = proof::refusal(case.model, *id)
            .filter(|refusal| !refusal.eap_failed && refusal.is_of_authentication())
            .or_else(|| proof::leaves_at_once(case.model, *id))?;
        let sent = certificate::sent(case.model, *id, refusal.by.other());
        let bad = certificate::out_of_date(sent);
        (!bad.is_empty()).then_some((refusal, bad))
    });
    let Some((refusal, bad)) = found else {
        return Vec::new();
    };
    let said: Vec<String> = bad
        .iter()
        .take(4)
        .map(|sent| sent.certificate.to_string())
        .collect();
    let (from, to) = (refusal.from, refusal.to);
    let mut finding = Finding::new(&RULE, Confidence::Likely, case.id, refusal.at, "the refusal")
        .title(say!("The certificate of {to} does not hold at this time", to))
        .says(say!(
            "{from} refused the authentication of {to}, whose certificate did not hold at the time of the capture: \
             {certificates}.",
            from,
            to,
            certificates = Text::verbatim(said.join("; "))
        ))
        .or("The authority is not trusted, or the identity is not accepted.");
    // What holds only later cannot be renewed.
    finding = match bad.iter().all(Sent::is_early) {
        true => finding
            .advise(say!(
                "Check the clocks of {from} and of what recorded this.",
                from
            ))
            .advise(say!(
                "Check the clock of the authority that issued the certificate of {to}.",
                to
            )),
        false => finding
            .advise(say!("Renew the certificate of {to}.", to))
            .advise(say!("Check the clock of {from}.", from)),
    };
    for again in proof::refused_again(case, &refusal) {
        finding = finding.during(again, again);
    }
    for sent in bad {
        finding = finding.also(sent.at, Text::verbatim(&sent.certificate));
    }
    vec![recovery::tell(case, finding)]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{CERTIFICATE, silent, verdict};

    /// The certificate is refused so many seconds after 1970.
    fn refused(at: u64) -> String {
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 1200 opened IDi(gw.example) CERT({CERTIFICATE}) AUTH(14) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             {at}.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
        )
    }

    #[test]
    fn a_certificate_out_of_its_time() {
        verdict(&refused(1_000_000_000), "cert-expired");
        // It is the child SA that is refused.
        let other = refused(1_000_000_000).replace("AUTHENTICATION_FAILED", "TS_UNACCEPTABLE");
        silent(&other, "cert-expired");
        silent(&refused(1_900_000_000), "cert-expired");
        verdict(&refused(1_900_000_000), "auth-failed");
    }
}

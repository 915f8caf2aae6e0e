//! A certificate that does not hold at the time, and an authentication that is refused.

use crate::diagnose::facts::certificate::{self, Sent};
use crate::diagnose::facts::proof;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};

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
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A side proves its identity by a certificate that is expired, or holds only from a later day on. The other does not accept it.

## How it is seen
With the keys of the IKE SA: the authentication is refused, and a certificate of the refused side did not hold at the time of the capture.

## What else looks like it
A refuser whose clock is wrong finds good certificates out of date; then those that hold by the time of the capture are refused, and nothing here shows why. The time of a capture is that of the machine that recorded it.

## What to do
1. Renew the certificate.
2. Check the clocks of both gateways.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let found = model.tunnels[tunnel].ike_sas.iter().find_map(|id| {
        let refusal = proof::refusal(model, *id).filter(|refusal| !refusal.eap_failed)?;
        let sent = certificate::sent(model, *id, refusal.by.other());
        let bad: Vec<Sent> = sent.into_iter().filter(Sent::is_out_of_date).collect();
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
    let mut finding = Finding::new(&RULE, Confidence::Likely, tunnel, refusal.at, "the refusal")
        .title(format!("The certificate of {to} does not hold at this time"))
        .says(format!(
            "{from} refused the authentication of {to}, whose certificate did not hold at the time of the \
             capture: {}.",
            said.join("; ")
        ))
        .or("The authority is not trusted, or the identity is not accepted.")
        .advise(format!("Renew the certificate of {to}."))
        .advise(format!("Check the clock of {from}."));
    for sent in bad {
        finding = finding.also(sent.at, sent.certificate.to_string());
    }
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    /// A certificate of `CN=gw.example` for an Ed25519 key, made for this test; it holds for twenty
    /// years from 2026 on.
    const CERTIFICATE: &str = "3082013e3081f1a00302010202142cc0a7295b1451dd6a7527d89e1aa3cfcdd92e2d300506032b657030153113301106\
        035504030c0a67772e6578616d706c65301e170d3236313132353233313734305a170d3436313132303233313734305a\
        30153113301106035504030c0a67772e6578616d706c65302a300506032b6570032100402217d4475fdb6609175a1256\
        415d66b323d2231c3473d57f4f823266458dc7a3533051301d0603551d0e04160414adcd8639e5084eb570818f9b9c1a\
        1c79d21d5311301f0603551d23041830168014adcd8639e5084eb570818f9b9c1a1c79d21d5311300f0603551d130101\
        ff040530030101ff300506032b65700341004a0bc261d69d2c5a079df8a2d20662798e7241d72374de130bbad50ea9af\
        bb1ab27f52375efffe7ff44140078925749a346ccb9e3a814116805c20f7cffc5707";

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
        silent(&refused(1_900_000_000), "cert-expired");
        verdict(&refused(1_900_000_000), "auth-failed");
    }
}

//! A certificate of an authority that the other side does not trust.

use crate::diagnose::facts::certificate::{self, Sent};
use crate::diagnose::facts::proof::{self, Refusal};
use crate::diagnose::facts::recovery;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::Model;
use crate::registry::NotifyV1;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "cert-untrusted",
    code: "IKE222",
    severity: Severity::Error,
    summary: "The authority of a certificate is not trusted",
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
A side proves its identity by a certificate, and the other does not know the authority that issued it, or misses one in between.

## How it is seen
With the keys of the IKE SA: the authentication is refused though the certificate holds at the time, and the authorities that the refuser asks for have none in common with those that the other side trusts and sends. IKEv1: the refusal is INVALID-CERT-AUTHORITY or INVALID-CERTIFICATE.

## What else looks like it
Two sides with certificates of two authorities that each trusts the other's, and asks for its own alone. So where not all certificates up to a root are sent, it is only possible.

## What to do
1. Install the certificate of the issuing authority on the side that refuses.
2. Let the other side send the certificates in between.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = case.tunnel.ike_sas.iter().find_map(|id| {
        let refusal = proof::refusal(case.model, *id)
            .filter(|refusal| !refusal.eap_failed && refusal.is_of_authentication())?;
        let sent = certificate::sent(case.model, *id, refusal.by.other());
        let first = sent.first().cloned();
        let told = refusal.v1 || is_whole(&sent);
        (certificate::out_of_date(sent.clone()).is_empty()
            && is_untrusted(case.model, &refusal, &sent))
        .then_some((refusal, first, told))
    });
    let Some((refusal, sent, told)) = found else {
        return Vec::new();
    };
    let (from, to) = (refusal.from, refusal.to);
    let says = match &sent {
        Some(sent) => say!(
            "{from} refused the authentication of {to} by certificate ({certificate}).",
            from,
            to,
            certificate = Text::verbatim(&sent.certificate)
        ),
        None => say!(
            "{from} refused the authentication of {to} by certificate.",
            from,
            to
        ),
    };
    let says = says.then(match refusal.v1 {
        true => "The notification says that it is the certificate.",
        false if told => {
            "It asks for certificates of other authorities than the one that issued this."
        }
        false => "The two sides ask for certificates of different authorities.",
    });
    let confidence = Confidence::Likely.lower_if(!told);
    let mut finding = Finding::new(&RULE, confidence, case.id, refusal.at, "the refusal")
        .title(say!(
            "{from} does not trust the certificate of {to}",
            from,
            to
        ))
        .says(says)
        .or("The identity is not accepted, or the certificate is revoked.")
        .advise(say!(
            "Install the certificate of the authority that issued it on {from}.",
            from
        ))
        .advise(say!("Let {to} send the certificates in between.", to));
    for again in proof::refused_again(case, &refusal) {
        finding = finding.during(again, again);
    }
    // IKEv1 does not tell by whom the certificate shall be issued.
    let asked = certificate::asked_in(case.model, refusal.ike_sa, refusal.by);
    if let Some(at) = asked.filter(|_| !refusal.v1) {
        finding = finding.beside(at, say!("the authorities that {from} asks for", from));
    }
    if let Some(sent) = sent {
        finding = finding.also(sent.at, Text::verbatim(&sent.certificate));
    }
    vec![recovery::tell(case, finding)]
}

/// Whether the chain above the first certificate is there up to a root, so that all its keys can be held against
/// those that the refuser trusts.
fn is_whole(sent: &[Sent]) -> bool {
    sent.first().is_some_and(|own| {
        let knows = own.certificate.issuer.is_some();
        knows && certificate::missing_issuer(sent, own).is_none()
    })
}

/// Whether the authority is what is refused.
fn is_untrusted(model: &Model, refusal: &Refusal, sent: &[Sent]) -> bool {
    if refusal.v1 {
        let told = [
            NotifyV1::INVALID_CERTIFICATE,
            NotifyV1::INVALID_CERT_AUTHORITY,
        ];
        return told.iter().any(|kind| refusal.errors.contains(&kind.0));
    }
    let trusted = certificate::authorities(model, refusal.ike_sa, refusal.by);
    // Who has a certificate of the same authority itself trusts it.
    let issuer = sent.first().and_then(|own| own.certificate.issuer.as_ref());
    let of_refuser = certificate::sent(model, refusal.ike_sa, refusal.by);
    let shared = issuer.is_some()
        && of_refuser
            .iter()
            .any(|one| one.certificate.issuer.as_ref() == issuer);
    // The authorities of the refused side: those it asks for, and those it sends.
    let mut own = certificate::authorities(model, refusal.ike_sa, refusal.by.other());
    own.extend(
        sent.iter()
            .filter(|sent| sent.certificate.is_ca)
            .map(|sent| sent.certificate.key_sha1),
    );
    !shared
        && !sent.is_empty()
        && !trusted.is_empty()
        && !own.is_empty()
        && !own.iter().any(|authority| trusted.contains(authority))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{CERTIFICATE, silent, verdict};

    /// The initiator asks for the first authority, the responder for the second.
    fn refused(ours: char, theirs: char) -> String {
        let authority = |digit: char| digit.to_string().repeat(40);
        format!(
            "1900000000.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             1900000000.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce CERTREQ({})
             1900000000.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 1200 opened IDi(gw.example) CERT({CERTIFICATE}) CERTREQ({}) AUTH(14) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             1900000000.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)",
            authority(theirs),
            authority(ours)
        )
    }

    #[test]
    fn other_authorities_on_both_sides() {
        verdict(&refused('1', '2'), "cert-untrusted");
        // It is the child SA that is refused.
        let other = refused('1', '2').replace("AUTHENTICATION_FAILED", "TS_UNACCEPTABLE");
        silent(&other, "cert-untrusted");
        silent(&refused('1', '1'), "cert-untrusted");
        verdict(&refused('1', '1'), "auth-failed");
    }

    #[test]
    fn only_with_the_certificate_of_the_authority_the_issuer_is_known() {
        use crate::diagnose::facts::certificate;
        use crate::model::{IkeSaId, Role};
        let model = crate::testing::model(&refused('1', '2'));
        let mut sent = certificate::sent(&model, IkeSaId(0), Role::Initiator);
        assert_eq!(sent.len(), 1);
        assert!(super::is_whole(&sent), "it is its own");
        let other = super::Sent {
            certificate: crate::wire::x509::Certificate {
                issuer: Some("CN=other".to_owned()),
                ..sent[0].certificate.clone()
            },
            ..sent[0].clone()
        };
        sent.insert(0, other.clone());
        assert!(!super::is_whole(&sent));
        assert!(!super::is_whole(&[]));
        // One in between, of which the issuer is missing in turn.
        let mut between = other.clone();
        between.certificate.subject = Some("CN=other".to_owned());
        between.certificate.issuer = Some("CN=root".to_owned());
        let chain = [other, between];
        assert!(!super::is_whole(&chain));
        let (last, issuer) = certificate::missing_issuer(&chain, &chain[0]).unwrap();
        assert_eq!(last.certificate.subject.as_deref(), Some("CN=other"));
        assert_eq!(issuer, "CN=root");
    }
}

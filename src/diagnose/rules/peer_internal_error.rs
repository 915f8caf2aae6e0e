//! The peer refuses for reasons of its own.

use crate::diagnose::facts::child;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "peer-internal-error",
    code: "IKE212",
    severity: Severity::Error,
    summary: "The peer refuses for reasons of its own",
    document: DOCUMENT,
    explains: &[
        "child-setup-failed",
        "rekey-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "path-outage",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The request is well formed and nothing in it is unacceptable, but the peer cannot or will not serve it now: it is busy with another exchange about the same SA (TEMPORARY_FAILURE), or holds as many child SAs as it is willing to (NO_ADDITIONAL_SAS).

## How it is seen
With the keys of the IKE SA: CREATE_CHILD_SA or IKE_AUTH is answered by one of these notifications, again and again, and no attempt for the same traffic succeeds.

## What else looks like it
TEMPORARY_FAILURE is normal when both sides rekey at once: it is retried and succeeds within seconds. A peer that knows no CREATE_CHILD_SA at all answers NO_ADDITIONAL_SAS to a rekeying and expects a new IKE SA instead; where that follows, nothing is wrong.

## What to do
1. Read the log of the peer.
2. NO_ADDITIONAL_SAS: put all networks into one child SA, or raise the peer's limit of child SAs.
3. TEMPORARY_FAILURE that does not end: an exchange may hang on the peer; restart its IKE SA, which cuts its other child SAs off, too.
";

/// So many refusals in a row are no passing collision.
const PERSISTENT: usize = 3;

/// So many in a row, and no success, are worth a line.
const REPEATED: usize = 2;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut refusals = case.lasting().to_vec();
    let full = NotifyType::NO_ADDITIONAL_SAS.0;
    let busy = NotifyType::TEMPORARY_FAILURE.0;
    // Who makes IKE SAs anew instead of rekeying refuses the rekeying so (RFC 7296 section 1.3).
    refusals
        .retain(|one| !one.v1 && (one.reason == busy || one.reason == full && !one.is_rekeying()));
    let Some(first) = refusals.first() else {
        return Vec::new();
    };
    let only_busy = refusals.iter().all(|one| one.reason == busy);
    // In IKE_AUTH nothing can collide (RFC 7296 section 2.25): the peer cannot do what it agreed to.
    let at_first = refusals
        .iter()
        .any(|one| one.attempt.kind == ExchangeType::IKE_AUTH);
    if only_busy && !at_first && refusals.len() < REPEATED {
        return Vec::new();
    }
    let passing = only_busy && !at_first && refusals.len() < PERSISTENT;
    // See rekey-failed.
    if passing && refusals.iter().all(child::Refusal::is_rekeying) {
        return Vec::new();
    }
    let recovered = refusals
        .last()
        .is_some_and(|last| child::recovered(case, last));
    let from = first.answer.from;
    // Who refuses the child SA there has accepted the authentication.
    let what = match first.attempt.kind {
        ExchangeType::IKE_AUTH => "the child SA in IKE_AUTH".into(),
        _ => first.what(),
    };
    child::finding(&RULE, Confidence::Certain.lower_if(at_first), case, &refusals)
        .map(|finding| {
            let finding = finding
                .title(say!("{from} refuses: {error}", from, error = first.name()))
                .says(match recovered {
                    true => say!(
                        "{from} refused {what} of {asker} {times} by {error}; an attempt for the same traffic \
                         succeeded only later.",
                        from,
                        what,
                        asker = first.asker(),
                        times = child::times(refusals.len()),
                        error = first.name()
                    ),
                    false => say!(
                        "{from} refused {what} of {asker} {times} by {error}; no attempt for the same traffic \
                         succeeded.",
                        from,
                        what,
                        asker = first.asker(),
                        times = child::times(refusals.len()),
                        error = first.name()
                    ),
                })
                .advise(say!("Read the log of {from}.", from));
            let finding = match passing {
                true => finding.severity(Severity::Info),
                false => finding,
            };
            match only_busy {
                true if at_first => finding.advise(
                    "It may have agreed and been unable to install the SA: see that its kernel or hardware can do the algorithms.",
                ),
                true => finding.advise(
                    "Wait for a rekeying or a delete that is under way, and try again. If that changes nothing, an \
                     exchange may hang there: restart the IKE SA when its child SAs can be spared.",
                ),
                false => finding.advise(
                    "Put all networks into one child SA, or raise the limit of child SAs there.",
                ),
            }
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
        5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.3.0.0/16)
        ";

    #[test]
    fn no_additional_sas() {
        verdict(
            &format!(
                "{UP} 5.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(NO_ADDITIONAL_SAS)"
            ),
            "peer-internal-error",
        );
    }

    #[test]
    fn a_child_that_cannot_be_installed_at_all() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(TEMPORARY_FAILURE)",
            "peer-internal-error",
        );
    }

    #[test]
    fn one_temporary_failure_is_none() {
        silent(
            &format!(
                "{UP} 5.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(TEMPORARY_FAILURE)"
            ),
            "peer-internal-error",
        );
    }

    #[test]
    fn three_temporary_failures_are_one_and_two_are_not() {
        let again = |id: u32| {
            format!(
                "\n{0} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 opened SA(ESP 0xc{id} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.3.0.0/16)
                 {0}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 80 opened N(TEMPORARY_FAILURE)",
                id * 20
            )
        };
        let up = UP.split("5 A:500").next().unwrap();
        let end = "\n200 C > B ESP 0xc1";
        silent(&[up, &again(2), end].concat(), "peer-internal-error");
        let two = fires(
            &[up, &again(2), &again(3), end].concat(),
            "peer-internal-error",
        );
        assert_eq!(two.severity, Severity::Info, "it is told all the same");
        verdict(
            &[up, &again(2), &again(3), &again(4), end].concat(),
            "peer-internal-error",
        );
    }
}

//! The responder refuses in clear, for a reason that no other rule speaks of.

use crate::diagnose::facts::clear::Notice;
use crate::diagnose::facts::recovery;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeSa, IkeState};
use crate::registry::{NotifyType, NotifyV1};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-refused",
    code: "IKE205",
    severity: Severity::Error,
    summary: "The peer refuses in clear",
    document: DOCUMENT,
    explains: &["ike-no-response", "clear-text-leak"],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peer answers with an error notification in clear. Its name says why; most mean that the message could not be read.

## How it is seen
An error notification in an IKE message that is not encrypted, other than those with a rule of their own.

## What else looks like it
Notifications in clear are not authenticated: anyone on the path can forge them. If the negotiation goes on all the same, ignore it. If an IKE SA comes up soon afterwards, the initiator tried something else.

## What to do
1. Look up the notification in the peer's log at the same time.
2. INVALID_SYNTAX and its like mean a damaged or misunderstood message: compare software versions.
";

/// Notifications that other rules speak of.
const KNOWN: [NotifyType; 6] = [
    NotifyType::NO_PROPOSAL_CHOSEN,
    NotifyType::INVALID_KE_PAYLOAD,
    NotifyType::INVALID_MAJOR_VERSION,
    NotifyType::AUTHENTICATION_FAILED,
    NotifyType::INVALID_SPI,
    // It answers what is late or astray, of healthy peers too (RFC 7296 section 2.21.4); IKEv1:
    // INVALID-COOKIE.
    NotifyType::INVALID_IKE_SPI,
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = || {
        case.tunnel.ike_sas.iter().filter_map(|id| {
            let sa = &case.model.ike_sas[*id];
            let notice = sa.notices.iter().find(|notice| is_ours(notice))?;
            Some((sa, notice))
        })
    };
    let mut refusals = found().filter(|(sa, _)| !went_on(sa));
    let Some((sa, notice)) = refusals.next().or_else(|| found().next()) else {
        return Vec::new();
    };
    let went_on = went_on(sa);
    // Anyone on the path can forge it.
    let mut finding = Finding::new(&RULE, Confidence::Likely, case.id, notice.at, notice.name())
        .severity(if went_on {
            Severity::Info
        } else {
            RULE.severity
        })
        .title(say!(
            "{peer} answers {error}",
            peer = notice.from,
            error = notice.name()
        ))
        .says(if went_on {
            say!(
                "{peer} sent the error {error} in clear, yet the negotiation went on.",
                peer = notice.from,
                error = notice.name()
            )
        } else {
            say!(
                "{peer} sent the error {error} in clear.",
                peer = notice.from,
                error = notice.name()
            )
        })
        .or("Notifications in clear can be forged by anyone on the path.")
        .advise("Look at the peer's log for this time.");
    for (_, again) in refusals {
        finding = finding.also(again.at, "refused again");
    }
    let last = finding.last;
    vec![recovery::tell_fallback(case, finding, last)]
}

fn went_on(sa: &IkeSa) -> bool {
    matches!(
        sa.state,
        IkeState::Established | IkeState::AlreadyUp | IkeState::Deleted
    )
}

fn is_ours(notice: &Notice) -> bool {
    // It has the number of an error and grants what was offered (RFC 2408 section 3.14.1).
    let grants = notice.v1 && notice.kind == NotifyV1::NOTIFY_SA_LIFETIME.0;
    notice.is_error()
        && notice.kind != 0
        && !grants
        && KNOWN.iter().all(|known| known.0 != notice.kind)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn an_error_in_clear_is_named() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_SYNTAX)",
            "ike-refused",
        );
    }

    #[test]
    fn who_tries_something_else_and_succeeds_is_well() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_SYNTAX)
             1.0 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             1.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             1.2 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             1.3 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 response sealed 240",
            "ike-refused",
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn what_answers_stray_messages_is_no_refusal() {
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=8 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=8 response N(INVALID_IKE_SPI)",
            "ike-refused",
        );
        // NOTIFY-SA-LIFETIME, which has the number of an error.
        silent(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=5 N(27)",
            "ike-refused",
        );
    }

    #[test]
    fn a_status_is_no_refusal() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce N(16430)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce N(16430)",
            "ike-refused",
        );
    }
}

//! The responder refuses in clear, for a reason that no other rule speaks of.

use crate::diagnose::facts::clear::Notice;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{IkeState, Model, TunnelId};
use crate::registry::NotifyType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-refused",
    code: "IKE205",
    severity: Severity::Error,
    summary: "The peer refuses in clear",
    document: DOCUMENT,
    explains: &["ike-no-response", "clear-text-leak"],
    check,
};

const DOCUMENT: &str = "\
## What it means
The peer answers with an error notification in clear. Its name says why; some mean that the message could not be read, others that the peer is busy.

## How it is seen
An error notification in an IKE message that is not encrypted, other than those with a rule of their own.

## What else looks like it
Notifications in clear are not authenticated: anyone on the path can forge them. If the negotiation goes on all the same, ignore it.

## What to do
1. Look up the notification in the peer's log at the same time.
2. INVALID_SYNTAX and its like mean a damaged or misunderstood message: compare software versions. TEMPORARY_FAILURE and NO_ADDITIONAL_SAS mean load or limits.
";

/// Notifications that other rules speak of.
const KNOWN: [NotifyType; 5] = [
    NotifyType::NO_PROPOSAL_CHOSEN,
    NotifyType::INVALID_KE_PAYLOAD,
    NotifyType::INVALID_MAJOR_VERSION,
    NotifyType::AUTHENTICATION_FAILED,
    NotifyType::INVALID_SPI,
];

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    let found = row.ike_sas.iter().find_map(|id| {
        let sa = &model.ike_sas[*id];
        let notice = sa.notices.iter().find(|notice| is_ours(notice))?;
        Some((sa, notice))
    });
    let Some((sa, notice)) = found else {
        return Vec::new();
    };
    let went_on = matches!(
        sa.state,
        IkeState::Established | IkeState::AlreadyUp | IkeState::Deleted
    );
    let finding = Finding::new(&RULE, Confidence::Certain, tunnel, notice.at, notice.name())
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
    vec![finding]
}

fn is_ours(notice: &Notice) -> bool {
    notice.is_error() && notice.kind != 0 && KNOWN.iter().all(|known| known.0 != notice.kind)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    #[test]
    fn an_error_in_clear_is_named() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_SYNTAX)",
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

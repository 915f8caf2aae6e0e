//! The responder refuses in clear, for a reason that no other rule speaks of.

use crate::diagnose::facts::clear::Notice;
use crate::diagnose::facts::{Tap, began, first, offer, recovery, stranger, tap};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::IkeSa;
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-refused",
    code: "IKE205",
    severity: Severity::Error,
    summary: "The peer refuses in clear",
    document: DOCUMENT,
    explains: &["ike-no-response", "clear-text-leak"],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peer answers with an error notification before it authenticates itself. Its name says why; most mean that the message could not be read.

## How it is seen
An error notification in an IKE message that is not encrypted, other than those with a rule of their own. Or IKE_INTERMEDIATE, which carries an additional key exchange, is answered by a message with room for one notification, and nothing follows.

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
            let mut notices = sa.notices.iter();
            let notice = notices.find(|notice| is_ours(notice) || is_late(case, sa, notice))?;
            Some((sa, notice))
        })
    };
    let mut refusals = found().filter(|(sa, _)| !sa.state.was_up());
    let Some((sa, notice)) = refusals.next().or_else(|| found().next()) else {
        return intermediate(case).into_iter().collect();
    };
    let went_on = sa.state.was_up();
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
    let finding = recovery::tell_fallback(case, finding, last);
    vec![stranger::tell(case, notice.from, finding)]
}

/// The answer to IKE_INTERMEDIATE is as small as one notification, and nothing follows: what it carries,
/// most often a post-quantum key exchange (RFC 9370), does not fit.
fn intermediate(case: &Case<'_>) -> Option<Finding> {
    let mut refusals = case.tunnel.ike_sas.iter().filter_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let last = &case.model.exchanges[*sa.exchanges.last()?];
        let response = last.response()?;
        if last.kind != ExchangeType::IKE_INTERMEDIATE || case.model.opened(response).is_some() {
            return None;
        }
        let size = case.model.plaintext_range(*id, response)?;
        let message = first(case.model, response)?;
        let at = began(case.model, response)?;
        let ends = tap::went_on(case.model, message.vantage, at.1, Tap::PATIENCE);
        (*size.start() <= ONE_NOTIFICATION && ends).then_some((&message.path, at))
    });
    let (path, at) = refusals.next()?;
    let (peer, asker) = (path.from().address, path.to().address);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        at,
        "IKE_INTERMEDIATE response with room for one notification",
    )
    .title(say!("{peer} refuses IKE_INTERMEDIATE of {asker}", peer, asker))
    .says(say!(
        "{peer} answered IKE_INTERMEDIATE by a message with room for one notification and no key exchange, and \
         {asker} did not go on.",
        peer,
        asker
    ))
    .or("The peer could not read the message, or a policy of its own forbids it.")
    .advise("Look at the peer's log for this time.")
    .advise(
        "Both agreed to the additional key exchange in IKE_SA_INIT, so compare software versions: drafts of ML-KEM \
         differ from the standard.",
    );
    for (_, again) in refusals {
        finding = finding.also(again, "refused again");
    }
    Some(finding)
}

/// A notification with two octets of data, as INVALID_KE_PAYLOAD has (RFC 7296 section 3.10).
const ONE_NOTIFICATION: usize = 10;

/// Whether a proposal is refused that was chosen before: by who offered it, or on second thoughts.
fn is_late(case: &Case<'_>, sa: &IkeSa, notice: &Notice) -> bool {
    notice.v1
        && notice.kind == NotifyV1::NO_PROPOSAL_CHOSEN.0
        && !sa.state.was_up()
        && offer::accepted(case.model, sa).is_some_and(|(_, chosen)| chosen.1 < notice.at.1)
}

fn is_ours(notice: &Notice) -> bool {
    notice.is_error() && notice.kind != 0 && KNOWN.iter().all(|known| known.0 != notice.kind)
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

    #[test]
    fn an_intermediate_exchange_that_is_refused() {
        let suite = "SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14 ADDKE1=36) KE(14) Nonce";
        let text = |then: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
                 0.2 A:500 > B:500 IKE_INTERMEDIATE i=1 r=2 id=1 request sealed 1249
                 0.3 B:500 > A:500 IKE_INTERMEDIATE i=1 r=2 id=1 response sealed {then}
                 9 C > B ESP 0xc1"
            )
        };
        verdict(&text("65"), "ike-refused");
        silent(&text("1153"), "ike-refused");
        // A pre-shared key that is mixed in is answered by a notification, too (RFC 9867).
        silent(
            &text(
                "65
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 257
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 241",
            ),
            "ike-refused",
        );
    }
}

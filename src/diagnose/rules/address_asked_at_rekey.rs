//! Who rekeys a child SA asks for an inner address again.

use crate::diagnose::facts::child;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::registry::{ExchangeType, NotifyType};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "address-asked-at-rekey",
    code: "IKE231",
    severity: Severity::Warning,
    summary: "An inner address is asked for again when keys are renewed",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A client asks for its inner address in IKE_AUTH. Asking again in CREATE_CHILD_SA is allowed and rare; some gateways refuse it, so that the connection drops at every rekeying, often once a day.

## How it is seen
With the keys of the IKE SA: a CREATE_CHILD_SA request holds a Configuration payload. It is a warning if the request is refused.

## What else looks like it
A refusal for another reason, which the notification tells: then nothing is said here.

## What to do
1. Let the client not ask for an address when it rekeys, or make it authenticate anew instead (a new IKE SA).
2. Look for a newer version of the gateway that answers such a request.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let asked: Vec<_> = case
        .attempts()
        .iter()
        .filter(|attempt| attempt.kind == ExchangeType::CREATE_CHILD_SA)
        .filter_map(|attempt| {
            let request = attempt.told.request.clone()?;
            let refusal = attempt.told.refused().cloned();
            let other = refusal
                .as_ref()
                .is_some_and(|said| said.errors.iter().any(|told| is_other(told.kind)));
            (request.configures && !other).then_some((request, refusal))
        })
        .collect();
    let first = asked
        .iter()
        .find(|(_, refusal)| refusal.is_some())
        .or(asked.first());
    let Some((request, refusal)) = first else {
        return Vec::new();
    };
    let finding = Finding::new(
        &RULE,
        Confidence::Certain.lower_if(refusal.is_some()),
        case.id,
        request.at,
        "CREATE_CHILD_SA with a Configuration payload",
    )
    .title(say!(
        "{asker} asks for an inner address again in CREATE_CHILD_SA",
        asker = request.from
    ));
    let all = asked.len();
    let refused = asked
        .iter()
        .filter(|(_, refusal)| refusal.is_some())
        .count();
    vec![match refusal {
        Some(answer) => finding
            // The error says that there is no address, of one that was asked for a second time.
            .explaining(&["address-assignment-failed"])
            .also(answer.at, "the refusal")
            .says(say!(
                "{refused} of {all} CREATE_CHILD_SA requests that ask for an inner address were refused: {peer} by \
                 {reason}.",
                refused,
                all,
                peer = answer.from,
                reason = answer
                    .errors
                    .first()
                    .map(|told| child::reason(told.kind, false))
            ))
            .or("The request is refused for another reason.")
            .advise(say!(
                "Let {asker} not ask for an address when it rekeys, or make a new IKE SA instead.",
                asker = request.from
            )),
        None => finding.severity(Severity::Info).says(say!(
            "{requests} for an inner address came in CREATE_CHILD_SA, and none was refused.",
            requests = count(all as u64, "request")
        )),
    }]
}

/// Whether an error is about something else than the address: a collision, the peer's limits, the
/// algorithms or the selectors (RFC 7296 sections 1.3, 2.7, 2.9 and 2.25).
fn is_other(kind: u16) -> bool {
    [
        NotifyType::TEMPORARY_FAILURE,
        NotifyType::CHILD_SA_NOT_FOUND,
        NotifyType::NO_ADDITIONAL_SAS,
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::INVALID_KE_PAYLOAD,
        NotifyType::TS_UNACCEPTABLE,
        NotifyType::SINGLE_PAIR_REQUIRED,
    ]
    .contains(&NotifyType(kind))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    fn rekey(request: &str, answer: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) CP(1) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(0.0.0.0/0) TSr(10.2.0.0/16)
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) CP(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.9.0.1/32) TSr(10.2.0.0/16)
             9.0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened N(REKEY_SA ESP 0xa1) {request} SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.9.0.1/32) TSr(10.2.0.0/16)
             9.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened {answer}"
        )
    }

    const MADE: &str = "SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.9.0.1/32) TSr(10.2.0.0/16)";

    #[test]
    fn a_request_for_an_address_at_a_rekeying() {
        let refused = fires(
            &rekey("CP(1)", "N(INTERNAL_ADDRESS_FAILURE)"),
            "address-asked-at-rekey",
        );
        assert_eq!(refused.severity, Severity::Error);
        verdict(
            &rekey("CP(1)", "N(INTERNAL_ADDRESS_FAILURE)"),
            "address-asked-at-rekey",
        );
        let granted = fires(&rekey("CP(1)", MADE), "address-asked-at-rekey");
        assert_eq!(granted.severity, Severity::Info);
        for other in ["TEMPORARY_FAILURE", "NO_PROPOSAL_CHOSEN"] {
            let text = rekey("CP(1)", &format!("N({other})"));
            silent(&text, "address-asked-at-rekey");
        }
    }

    #[test]
    fn a_rekeying_that_asks_for_none() {
        silent(&rekey("", MADE), "address-asked-at-rekey");
        silent(
            &rekey("", "N(NO_PROPOSAL_CHOSEN)"),
            "address-asked-at-rekey",
        );
    }
}

//! Rekeying is refused again and again.

use crate::diagnose::facts::child::{self, Refusal};
use crate::diagnose::facts::rekey::{self, Refused};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::language::Text;
use crate::model::{Model, TunnelId};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::Timestamp;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "rekey-failed",
    code: "IKE301",
    severity: Severity::Error,
    summary: "Rekeying is refused",
    document: DOCUMENT,
    explains: &[
        "sa-expired",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "unknown-spi",
        "path-outage",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
A living tunnel cannot renew its keys: the peer refuses. When the old SA reaches its lifetime, traffic stops.

## How it is seen
ESP flows. CREATE_CHILD_SA requests are answered by a single notification and none succeeds soon after. With the keys of the IKE SA the notification tells why.

## What else looks like it
A refused attempt to add one more child SA while the others live on. One refusal that is followed by success is normal. Where the requests are large enough to carry a public value, see pfs-mismatch.

## What to do
1. Compare the ESP proposals and PFS groups of both sides.
2. Compare traffic selectors: some peers accept them in IKE_AUTH and refuse them when rekeying.
3. Read the log of the side that refuses.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let read = by_reading(model, tunnel);
    if read.is_some() {
        return read.into_iter().collect();
    }
    let refused = rekey::refused(model, tunnel, true);
    let large = refused
        .first()
        .is_some_and(|first| first.room_for_public_value().is_some());
    let Some(aftermath) = aftermath(model, tunnel, &refused).filter(|_| !large) else {
        return Vec::new();
    };
    finding(&RULE, Confidence::Likely, tunnel, &refused, model)
        .map(|finding| {
            finding
                .says(match refused.len() {
                    1 => say!(
                        "The tunnel carried traffic, but 1 CREATE_CHILD_SA request was refused by a single \
                         notification and none succeeded; {aftermath}.",
                        aftermath
                    ),
                    requests => say!(
                        "The tunnel carried traffic, but {requests} CREATE_CHILD_SA requests were refused by a \
                         single notification and none succeeded; {aftermath}.",
                        requests,
                        aftermath
                    ),
                })
                .or("An attempt to add a child SA is refused, not a rekeying.")
                .advise("Compare ESP proposals, PFS groups and traffic selectors of both sides.")
                .advise("Read the log of the side that refuses.")
        })
        .into_iter()
        .collect()
}

/// Refusals to rekey that were read: two, or one after which the peers negotiate anew.
fn by_reading(model: &Model, tunnel: TunnelId) -> Option<Finding> {
    let attempts = child::attempts(model, tunnel);
    let mut refusals = child::lasting(model, &attempts);
    refusals.retain(Refusal::is_rekeying);
    let (first, last) = (refusals.first()?, refusals.last()?);
    let anew = begins_anew(model, tunnel, last.at().1);
    if refusals.len() < 2 && !anew {
        return None;
    }
    let from = first.answer.from;
    let (asker, reason) = (first.asker(), first.name());
    let what = match first.attempt.told.is_of_ike() {
        true => "the IKE SA",
        false => "a child SA",
    };
    let times = child::times(refusals.len());
    // It is answered so while its own exchange about the same SA is under way (RFC 7296 section
    // 2.25), or if it makes IKE SAs anew instead: normal, if what follows works.
    let passing = [
        NotifyType::TEMPORARY_FAILURE.0,
        NotifyType::NO_ADDITIONAL_SAS.0,
        NotifyType::CHILD_SA_NOT_FOUND.0,
    ];
    let normal = !first.v1 && anew && refusals.iter().all(|one| passing.contains(&one.reason));
    let finding = child::finding(&RULE, Confidence::Certain, tunnel, &refusals, &attempts)?
        .title(say!(
            "{from} refuses to rekey {what}: {reason}",
            from,
            what,
            reason = reason.clone()
        ))
        .says(match anew {
            true => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason} and none succeeded; afterwards the \
                 peers negotiated anew.",
                from,
                what,
                asker,
                times,
                reason
            ),
            false => say!(
                "{from} refused to rekey {what} of {asker} {times} by {reason} and none succeeded.",
                from,
                what,
                asker,
                times,
                reason
            ),
        })
        .advise("Compare ESP proposals, PFS groups and traffic selectors of both sides.")
        .advise(say!("Read the log of {from}.", from));
    Some(match normal {
        true => finding.severity(Severity::Info),
        false => finding,
    })
}

/// Whether an IKE SA begins after this time.
fn begins_anew(model: &Model, tunnel: TunnelId, time: Timestamp) -> bool {
    model.tunnels[tunnel]
        .ike_sas
        .iter()
        .filter_map(|id| model.ike_sas[*id].exchanges.first())
        .map(|id| &model.exchanges[*id])
        .filter(|exchange| {
            matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT | ExchangeType::IDENTITY_PROTECTION
            )
        })
        .filter_map(|exchange| crate::diagnose::facts::began(model, exchange.flights.first()?))
        .any(|(_, began)| began > time)
}

/// A finding with every refusal as evidence.
pub(super) fn finding(
    rule: &'static Rule,
    confidence: Confidence,
    tunnel: TunnelId,
    refused: &[Refused],
    model: &Model,
) -> Option<Finding> {
    let first = refused.first()?;
    let by = model.exchanges[first.exchange]
        .response()
        .and_then(|flight| crate::diagnose::facts::first(model, flight))
        .map(|message| message.path.from.address)?;
    let mut finding = Finding::new(
        rule,
        confidence,
        tunnel,
        first.response,
        "CREATE_CHILD_SA answered by one notification",
    )
    .title(say!("{by} refuses to rekey", by))
    .also(first.request, "the request");
    for one in refused.iter().skip(1) {
        finding = finding.also(one.response, "refused again");
    }
    Some(finding)
}

/// What came of the refusals, in words; `None` if it was too little to speak of: one refusal, after
/// which all goes on as before.
pub(super) fn aftermath(model: &Model, tunnel: TunnelId, refused: &[Refused]) -> Option<Text> {
    let last = refused.last()?.response.1;
    let anew = begins_anew(model, tunnel, last);
    match (anew, refused.len()) {
        (true, _) => Some("afterwards the peers negotiated anew".into()),
        (false, 1) => None,
        (false, _) => Some("the capture ends before it is settled".into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
        10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80";

    #[test]
    fn small_requests_refused_twice() {
        verdict(
            &format!(
                "{UP}
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
            ),
            "rekey-failed",
        );
    }

    #[test]
    fn one_refusal_without_consequence_is_not_worth_an_alarm() {
        silent(UP, "rekey-failed");
    }
}

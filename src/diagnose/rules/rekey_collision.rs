//! Both sides rekey at the same moment.

use crate::diagnose::facts::{began, end_of, selectors};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Exchange, ExchangeId, Flight, Model, Negotiation, TunnelId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{EspSpi, Span};
use crate::wire::{Body, ikev2};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "rekey-collision",
    code: "INF506",
    severity: Severity::Info,
    summary: "Both sides began to rekey at the same moment",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
Both gateways have the same lifetime and begin to rekey at once. RFC 7296 section 2.8.1 says which SA stays. It is normal, but some implementations get it wrong and use an SA that the other has deleted.

## How it is seen
Two CREATE_CHILD_SA requests of opposite sides on one IKE SA, each sent before the other was answered. With the keys of the IKE SA it is also told, as a warning, if the wrong one of the two new child SAs is deleted: the one with the lowest of the four nonces must go.

## What else looks like it
One side rekeys while the other adds a child SA.

## What to do
1. If traffic stops after it, give the two sides different lifetimes.
2. If the wrong SA is deleted, look for a newer version of the side that deletes it.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    model.tunnels[tunnel]
        .ike_sas
        .iter()
        .find_map(|id| {
            let rekeys: Vec<ExchangeId> = model.ike_sas[*id]
                .exchanges
                .iter()
                .copied()
                .filter(|id| model.exchanges[*id].kind == ExchangeType::CREATE_CHILD_SA)
                .collect();
            rekeys
                .windows(2)
                .find_map(|pair| crossed(model, tunnel, *pair.first()?, *pair.get(1)?))
        })
        .into_iter()
        .collect()
}

fn crossed(model: &Model, tunnel: TunnelId, a: ExchangeId, b: ExchangeId) -> Option<Finding> {
    let (one, two) = (&model.exchanges[a], &model.exchanges[b]);
    let asked = began(model, one.request()?)?;
    let answered = began(model, one.response()?)?;
    let other = began(model, two.request()?)?;
    (one.by != two.by && other.1 > asked.1 && other.1 < answered.1).then(|| {
        let finding = Finding::new(
            &RULE,
            Confidence::Certain,
            tunnel,
            other,
            "the second request, before the first was answered",
        )
        .also(asked, "the first request")
        .says("Each side asked for new keys before it had the answer of the other.")
        .advise("If traffic stops after it, give the two sides different lifetimes.");
        match wrongly_deleted(model, tunnel, a, b) {
            Some(spi) => {
                let says = finding.says.clone().then(say!(
                    "Of the two new child SAs the one with the lowest nonce must go (RFC 7296 section 2.8.1), but \
                     {spi} of the other was deleted.",
                    spi
                ));
                finding
                    .severity(Severity::Warning)
                    .says(says)
                    .title("After a collision the wrong child SA was deleted")
                    .advise("Look for a newer version of the side that deleted it.")
            }
            None => finding,
        }
    })
}

/// The SPI that was deleted of the child SA that must stay, if the one that must go was not: both
/// rekey the same SA, and what was said is known.
fn wrongly_deleted(
    model: &Model,
    tunnel: TunnelId,
    one: ExchangeId,
    two: ExchangeId,
) -> Option<EspSpi> {
    /// It is settled by then, and no later rekeying has begun.
    const SETTLED: Span = Span::from_secs(30);
    let (first, second) = (model.negotiation(one)?, model.negotiation(two)?);
    let rekeys = |told: &Negotiation| {
        let granted = told.granted();
        !told.is_of_ike() && granted.is_some_and(|(request, _)| request.rekeys.is_some())
    };
    let nonces = (
        lowest_nonce(model, &model.exchanges[one])?,
        lowest_nonce(model, &model.exchanges[two])?,
    );
    if !rekeys(&first) || !rekeys(&second) || nonces.0 == nonces.1 {
        return None;
    }
    let (goes, stays) = match nonces.0 < nonces.1 {
        true => (&first, &second),
        false => (&second, &first),
    };
    // The SPIs towards who asked and towards who answered: each side deletes its own.
    let names = |told: &Negotiation, spi: EspSpi, by| {
        let (request, _) = told.granted()?;
        let row = &model.tunnels[tunnel];
        let side = usize::from(end_of(row, by)? != end_of(row, request.from)?);
        (told.spis().get(side).copied().flatten()? == spi).then_some(spi)
    };
    let (_, answer) = second.granted()?;
    let deleted: Vec<_> = selectors::deletions(model, model.exchanges[one].ike_sa)
        .into_iter()
        .filter(|(time, ..)| {
            let after = time.since(answer.at.1);
            after >= Span(0) && after <= SETTLED
        })
        .collect();
    let right = deleted
        .iter()
        .any(|(_, spi, by)| names(goes, *spi, *by).is_some());
    let wrong = deleted
        .iter()
        .find_map(|(_, spi, by)| names(stays, *spi, *by));
    wrong.filter(|_| !right)
}

/// The lower nonce of the two of an exchange, as octets compare.
fn lowest_nonce(model: &Model, exchange: &Exchange) -> Option<Vec<u8>> {
    let nonce = |flight: &Flight| {
        let (_, read) = model.opened(flight)?;
        read.payloads
            .iter()
            .find_map(|payload| match &payload.body {
                Body::V2(ikev2::Body::Nonce(octets)) => Some(octets.to_vec()),
                _ => None,
            })
    };
    let (asked, answered) = (nonce(exchange.request()?)?, nonce(exchange.response()?)?);
    Some(asked.min(answered))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn requests_that_cross() {
        fires(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 240
             0.01 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 240
             0.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 224
             0.11 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 224",
            "rekey-collision",
        );
    }

    /// Both sides rekey at once, and `deleted` goes. The second exchange happens to have the lowest
    /// nonce.
    fn opened(deleted: &str) -> String {
        let child = |spi: &str| {
            format!(
                "SA(ESP {spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)"
            )
        };
        format!(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request by=initiator sealed 208 opened N(REKEY_SA ESP 0xa1) {}
             0.01 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 208 opened N(REKEY_SA ESP 0xb1) {}
             0.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 208 opened {}
             0.11 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 208 opened {}
             0.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request sealed 80 opened D(ESP {deleted})",
            child("0xa2"),
            child("0xb3"),
            child("0xb2"),
            child("0xa3"),
        )
    }

    #[test]
    fn the_wrong_child_sa_is_deleted() {
        let severity = |deleted| fires(&opened(deleted), "rekey-collision").severity;
        let (stays, goes) = (severity("0xa2"), severity("0xa3"));
        assert_eq!([stays, goes], [Severity::Warning, Severity::Info]);
    }

    #[test]
    fn requests_one_after_the_other() {
        silent(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 240
             0.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 224
             9 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 240
             9.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 224",
            "rekey-collision",
        );
    }
}

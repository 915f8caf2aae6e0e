//! Both sides rekey at the same moment.

use crate::diagnose::facts::rekey::{cross, has_room_for_public_value};
use crate::diagnose::facts::{began, end_of, selectors};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{Exchange, ExchangeId, Flight, Model, Negotiation, selector};
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
    needs: Signs::CHILD_EXCHANGE,
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

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .ike_sas
        .iter()
        .find_map(|id| {
            let rekeys: Vec<ExchangeId> = case.model.ike_sas[*id]
                .exchanges
                .iter()
                .copied()
                .filter(|id| case.model.exchanges[*id].kind == ExchangeType::CREATE_CHILD_SA)
                .collect();
            rekeys
                .windows(2)
                .find_map(|pair| crossed(case, *pair.first()?, *pair.get(1)?))
        })
        .into_iter()
        .collect()
}

fn crossed(case: &Case<'_>, a: ExchangeId, b: ExchangeId) -> Option<Finding> {
    let (one, two) = (&case.model.exchanges[a], &case.model.exchanges[b]);
    let asked = began(case.model, one.request()?)?;
    let other = began(case.model, two.request()?)?;
    if !cross(case.model, one, two) {
        return None;
    }
    // One side may only add a child SA, or rekey the IKE SA while the other rekeys a child SA.
    let told = [case.model.negotiation(a), case.model.negotiation(b)];
    let alike = match &told {
        [Some(one), Some(two)] => {
            let rekeys = |told: &Negotiation| {
                let request = told.request.as_ref();
                request.map(|request| (told.is_of_ike(), request.rekeys.is_some()))
            };
            match (rekeys(one), rekeys(two)) {
                (Some((true, _)), Some((true, _))) => Some(true),
                (Some((false, true)), Some((false, true))) => {
                    Some(is_of_one(case.model, a, one, two))
                }
                (Some(_), Some(_)) => Some(false),
                _ => None,
            }
        }
        _ if [one, two].iter().any(|exchange| adds(case.model, exchange)) => Some(false),
        _ => None,
    };
    (alike != Some(false)).then(|| {
        let mut finding = Finding::new(
            &RULE,
            Confidence::Certain.lower_if(alike.is_none()),
            case.id,
            other,
            "the second request, before the first was answered",
        )
        .also(asked, "the first request")
        .says("Each side asked for new keys before it had the answer of the other.")
        .advise("If traffic stops after it, give the two sides different lifetimes.");
        if alike.is_none() {
            finding = finding.or("One side rekeys while the other adds a child SA.");
        }
        match wrongly_deleted(case, a, b) {
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

/// Whether the size of an exchange shows that it adds a child SA, and renews none: so does the rekeying of an
/// IKE SA without naming one, which has a public value.
fn adds(model: &Model, exchange: &Exchange) -> bool {
    let asked = exchange.request();
    let octets = asked.and_then(|request| model.plaintext_range(exchange.ike_sa, request));
    model.renews_by_size(exchange) == Some(false)
        && octets.is_some_and(|octets| !has_room_for_public_value(*octets.end()))
}

/// Whether two rekeyings of child SAs concern the same one: each side names the SPI of packets towards
/// itself. Where the old one is not known, the traffic tells.
fn is_of_one(model: &Model, exchange: ExchangeId, one: &Negotiation, two: &Negotiation) -> bool {
    let [Some(a), Some(b)] = [one, two].map(|told| told.request.as_ref()) else {
        return false;
    };
    let sa = &model.ike_sas[model.exchanges[exchange].ike_sa];
    let old = sa
        .child_sas
        .iter()
        .map(|id| &model.child_sas[*id])
        .find(|child| child.spis.contains(&a.rekeys) || child.spis.contains(&b.rekeys));
    match old {
        Some(child) => child.spis.contains(&a.rekeys) && child.spis.contains(&b.rekeys),
        None => match (&a.selectors, &b.selectors) {
            (Some([own, far]), Some([other_own, other_far])) => {
                selector::same(own, other_far) && selector::same(far, other_own)
            }
            _ => false,
        },
    }
}

/// The SPI that was deleted of the child SA that must stay, if the one that must go was not: both
/// rekey the same SA, and what was said is known.
fn wrongly_deleted(case: &Case<'_>, one: ExchangeId, two: ExchangeId) -> Option<EspSpi> {
    /// It is settled by then, and no later rekeying has begun.
    const SETTLED: Span = Span::from_secs(30);
    let (first, second) = (case.model.negotiation(one)?, case.model.negotiation(two)?);
    if !is_of_one(case.model, one, &first, &second) {
        return None;
    }
    let nonces = (
        lowest_nonce(case.model, &case.model.exchanges[one])?,
        lowest_nonce(case.model, &case.model.exchanges[two])?,
    );
    if nonces.0 == nonces.1 {
        return None;
    }
    let (goes, stays) = match nonces.0 < nonces.1 {
        true => (&first, &second),
        false => (&second, &first),
    };
    // The SPIs towards who asked and towards who answered: each side deletes its own.
    let names = |told: &Negotiation, spi: EspSpi, by| {
        let (request, _) = told.granted()?;
        let side = usize::from(end_of(case.tunnel, by)? != end_of(case.tunnel, request.from)?);
        (told.spis().get(side).copied().flatten()? == spi).then_some(spi)
    };
    let (_, answer) = second.granted()?;
    let deleted: Vec<_> = selectors::deletions(case.model, case.model.exchanges[one].ike_sa)
        .into_iter()
        .filter(|deletion| {
            let after = deletion.time.since(answer.at.1);
            after >= Span(0) && after <= SETTLED
        })
        .collect();
    let right = deleted
        .iter()
        .any(|one| names(goes, one.spi, one.by).is_some());
    let wrong = deleted.iter().find_map(|one| names(stays, one.spi, one.by));
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

    /// Clocks tick, and a tap may stamp several frames alike: then their order tells.
    #[test]
    fn what_bears_one_time_came_in_the_order_of_its_frames() {
        fires(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 240
             0 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 240
             0 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 224
             0.11 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 224",
            "rekey-collision",
        );
        silent(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 240
             0 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 224
             0 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 240
             0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 224",
            "rekey-collision",
        );
    }

    /// Both sides rekey at once, and `deleted` goes. The second exchange happens to have the lowest
    /// nonce.
    fn opened(deleted: &str) -> String {
        let child = |spi: &str| {
            let [one, other] = match spi {
                "0xa2" | "0xb2" => ["10.1.0.0/16", "10.2.0.0/16"],
                _ => ["10.2.0.0/16", "10.1.0.0/16"],
            };
            format!(
                "SA(ESP {spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi({one}) TSr({other})"
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
    fn two_child_sas_that_are_rekeyed_at_once_do_not_collide() {
        let text = opened("0xa2").replace("TSi(10.2.0.0/16)", "TSi(10.7.0.0/16)");
        silent(&text, "rekey-collision");
    }

    #[test]
    fn a_request_as_long_as_its_answer_renews_nothing() {
        let crossed = |second: u32| {
            format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce(32)
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 257
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 241
                 5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 189
                 5.01 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=0 request by=responder sealed {second}
                 5.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 177
                 5.11 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=0 response sealed 177"
            )
        };
        fires(&crossed(189), "rekey-collision");
        silent(&crossed(177), "rekey-collision");
    }

    #[test]
    fn a_child_sa_that_is_added_does_not_collide() {
        let text = opened("0xa2").replace("N(REKEY_SA ESP 0xb1)", "");
        silent(&text, "rekey-collision");
    }

    #[test]
    fn sealed_requests_that_cross_may_be_for_different_things() {
        let finding = fires(
            "0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=5 request sealed 240
             0.01 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 request by=responder sealed 240
             0.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=5 response sealed 224
             0.11 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 224",
            "rekey-collision",
        );
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
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

//! A new SA is used before the message that makes it has arrived.

use crate::diagnose::facts::began;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{ChildSaId, Link};
use crate::registry::ExchangeType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-before-response",
    code: "INF532",
    severity: Severity::Info,
    summary: "A new SA carries packets before the response that makes it",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::CHILD_EXCHANGE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The responder of a rekeying knows the new SA before the initiator does. If it sends on it at once, its packets may overtake its response, and the initiator drops those that come before it: a few packets are lost at every rekeying. RFC 7296 section 2.8 lets the responder wait until it sees the new SA in use.

## How it is seen
With the keys of the IKE SA, which name the SPIs: the first packet on the new SA, towards who asked for it, comes before the CREATE_CHILD_SA response.

## What else looks like it
A response that was lost and sent again: then the copy that counts may be another than the one seen.

## What to do
1. Nothing, if a few lost packets do not matter. Else look for a setting of the responder that delays the use of the new SA.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &case.model.ike_sas[*id].child_sas)
        .find_map(|child| early(case, *child))
        .into_iter()
        .collect()
}

fn early(case: &Case<'_>, id: ChildSaId) -> Option<Finding> {
    let child = &case.model.child_sas[id];
    // The first of the two flows of a child SA goes to who asked for it.
    let flow = &case.model.flows[child.flows.first().copied().flatten()?];
    let exchange = &case.model.exchanges[child.made_by?];
    let response = exchange.response()?;
    let (request, answer) = (
        began(case.model, exchange.request()?)?,
        began(case.model, response)?,
    );
    let proven = flow.child_sa == Link::Proven(id);
    let first = flow.seen.first;
    // Times of two vantages tell no order.
    let answered_at = case.model.messages[response.first()?].vantage;
    let here = flow.key.vantage == answered_at;
    (exchange.kind == ExchangeType::CREATE_CHILD_SA
        && proven
        && here
        && first.1 > request.1
        && first.1 < answer.1)
        .then(|| {
            Finding::new(
                &RULE,
                Confidence::Certain,
                case.id,
                first,
                say!("the first packet on {spi}", spi = flow.key.spi),
            )
            .also(answer, "the response that makes the SA")
            .says(say!(
                "The first packet on the new SA {spi} came {span} before the CREATE_CHILD_SA response.",
                spi = flow.key.spi,
                span = answer.1.since(first.1)
            ))
            .or("The response was lost at first, and this is a copy.")
            .advise("Nothing, if a few lost packets at each rekeying do not matter.")
        })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    fn rekey(first: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             9.0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             9.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             {first} B > A ESP 0xa1 seq 1..20 every 0.1
             9.2 A > B ESP 0xb1 seq 1..20 every 0.1"
        )
    }

    #[test]
    fn a_packet_before_the_response() {
        fires(&rekey("9.05"), "esp-before-response");
    }

    #[test]
    fn a_packet_after_the_response() {
        silent(&rekey("9.15"), "esp-before-response");
    }

    #[test]
    fn a_packet_at_another_tap_tells_no_order() {
        let text = rekey("9.05").replace(
            "seq 1..20 every 0.1\n             9.2",
            "seq 1..20 every 0.1 tap=1\n             9.2",
        );
        silent(&text, "esp-before-response");
    }
}

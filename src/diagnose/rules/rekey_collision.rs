//! Both sides rekey at the same moment.

use crate::diagnose::facts::began;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Exchange, Model, TunnelId};
use crate::registry::ExchangeType;

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
Two CREATE_CHILD_SA requests of opposite sides on one IKE SA, each sent before the other was answered.

## What else looks like it
One side rekeys while the other adds a child SA.

## What to do
1. If traffic stops after it, give the two sides different lifetimes.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    model.tunnels[tunnel]
        .ike_sas
        .iter()
        .find_map(|id| {
            let rekeys: Vec<&Exchange> = model.ike_sas[*id]
                .exchanges
                .iter()
                .map(|id| &model.exchanges[*id])
                .filter(|exchange| exchange.kind == ExchangeType::CREATE_CHILD_SA)
                .collect();
            rekeys
                .windows(2)
                .find_map(|pair| crossed(model, tunnel, pair.first()?, pair.get(1)?))
        })
        .into_iter()
        .collect()
}

fn crossed(model: &Model, tunnel: TunnelId, one: &Exchange, two: &Exchange) -> Option<Finding> {
    let asked = began(model, one.request()?)?;
    let answered = began(model, one.response()?)?;
    let other = began(model, two.request()?)?;
    (one.by != two.by && other.1 > asked.1 && other.1 < answered.1).then(|| {
        Finding::new(
            &RULE,
            Confidence::Certain,
            tunnel,
            other,
            "the second request, before the first was answered",
        )
        .also(asked, "the first request")
        .says("Each side asked for new keys before it had the answer of the other.".to_string())
        .advise("If traffic stops after it, give the two sides different lifetimes.")
    })
}

#[cfg(test)]
mod tests {
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

//! The responder asks for a cookie before it works: it feels under attack.

use crate::diagnose::facts::clear;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};
use crate::registry::{ExchangeType, NotifyType};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "cookie-exchange",
    code: "INF502",
    severity: Severity::Info,
    summary: "The responder asked for a cookie",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
A responder with many half-open IKE SAs makes initiators prove their address first (RFC 7296 section 2.6). It is normal under load.

## How it is seen
IKE_SA_INIT is answered by N(COOKIE); the initiator repeats its request with the cookie.

## What else looks like it
Cookies without end mean that the responder changes its secret faster than the round trip, or that the initiator does not return them.

## What to do
1. Nothing, if the exchange goes on. Else look at the responder's load and clock.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let cookies: Vec<&clear::Notice> = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .flat_map(|id| clear::refusals(&model.ike_sas[*id], NotifyType::COOKIE))
        .filter(|notice| notice.exchange_kind == ExchangeType::IKE_SA_INIT)
        .filter(|notice| model.exchanges[notice.exchange].by != notice.by)
        .collect();
    let Some(first) = cookies.first() else {
        return Vec::new();
    };
    let finding = Finding::new(&RULE, Confidence::Certain, tunnel, first.at, "N(COOKIE)")
        .during(
            first.at.1,
            cookies.last().map_or(first.at.1, |last| last.at.1),
        )
        .says(format!(
            "{} asked for a cookie {}: it has many half-open IKE SAs, or is set to ask always.",
            first.from,
            match cookies.len() {
                1 => "once".to_string(),
                n => format!("{n} times"),
            }
        ));
    vec![finding]
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{check, silent};

    #[test]
    fn a_cookie_is_told_and_is_no_fault() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(COOKIE 0102030405060708)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request N(COOKIE 0102030405060708) SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            &["cookie-exchange"],
        );
    }

    #[test]
    fn a_cookie_brought_by_the_initiator_is_not_asked_for() {
        silent(
            "0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request N(COOKIE 0102030405060708) SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            "cookie-exchange",
        );
    }
}

//! The peer sends the other to another gateway.

use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IkeSa, Message, Model};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "redirected",
    code: "INF511",
    severity: Severity::Info,
    summary: "The peer sends the other to another gateway",
    document: DOCUMENT,
    explains: &[
        "ike-refused",
        "auth-failed",
        "child-setup-failed",
        "tunnel-deleted",
    ],
    needs: Signs::OPENED.or(Signs::BARE).or(Signs::UNAGREED),
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway asks a client to go to another one (RFC 5685): it is busy, will be taken down, or another is nearer.

## How it is seen
A REDIRECT notification: in clear in the IKE_SA_INIT response, or, with the keys of the IKE SA, in IKE_AUTH or an informational exchange. The client then begins anew with the gateway that it names.

## What else looks like it
Nothing.

## What to do
1. Nothing, if the client gets through to the other gateway. If it does not, look there.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found: Option<Finding> = None;
    let told = case.ike_sas().flat_map(|sa| redirections(case.model, sa));
    for (message, gateway) in told {
        let at = (message.frame, message.time);
        let from = message.path.from().address;
        let to = message.path.to().address;
        let gateway = gateway.unwrap_or_else(|| "another gateway".into());
        let note = Text::verbatim("REDIRECT");
        found = Some(match found {
            Some(finding) => finding.also(at, note),
            None => Finding::new(&RULE, Confidence::Certain, case.id, at, note)
                .title(say!(
                    "{from} redirects to {gateway}",
                    from,
                    gateway = &gateway
                ))
                .says(say!(
                    "{from} asks {to} to go to {gateway}.",
                    from,
                    to,
                    gateway = &gateway
                ))
                .advise(say!(
                    "Where {to} does not get through, record what passes between it and {gateway}.",
                    to,
                    gateway
                )),
        });
    }
    found.into_iter().collect()
}

/// The messages of an IKE SA that send the other side to another gateway, and which that is.
pub(super) fn redirections<'m>(
    model: &'m Model,
    sa: &'m IkeSa,
) -> impl Iterator<Item = (&'m Message, Option<Text>)> {
    let exchanges = [sa]
        .into_iter()
        .filter(|sa| sa.version.major() != 1)
        .flat_map(move |sa| {
            sa.exchanges
                .iter()
                .map(move |id| (sa, &model.exchanges[*id]))
        })
        // Who redirects at once chooses no algorithms (RFC 5685 section 3).
        .filter(|(sa, exchange)| exchange.kind != ExchangeType::IKE_SA_INIT || sa.suite.is_none())
        .flat_map(|(_, exchange)| {
            let begins = exchange.kind == ExchangeType::IKE_SA_INIT;
            let flights = exchange.flights.iter();
            // Who begins asks nobody to go elsewhere.
            flights.filter(move |flight| flight.response || !begins)
        });
    exchanges.filter_map(|flight| {
        let (message, read) = model.readable(flight)?;
        let notify = read.notify(NotifyType::REDIRECT)?;
        Some((message, notify.meaning().map(Text::verbatim)))
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::fires;

    #[test]
    fn a_gateway_names_another() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce N(16406)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(REDIRECT 0104c0000207)",
            "redirected",
        );
        assert!(
            finding.title.to_string().contains("192.0.2.7"),
            "{}",
            finding.title
        );
    }
}

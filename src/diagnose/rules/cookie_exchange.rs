//! The responder asks for a cookie before it works: it feels under attack.

use crate::diagnose::facts::{child, clear, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{IkeSa, Model};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "cookie-exchange",
    code: "INF502",
    severity: Severity::Info,
    summary: "The responder asked for a cookie",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NOTICE,
    check,
};

const DOCUMENT: &str = "\
## What it means
A responder with many half-open IKE SAs makes initiators prove their address first (RFC 7296 section 2.6). It is normal under load.

## How it is seen
IKE_SA_INIT is answered by N(COOKIE); the initiator repeats its request with the cookie.

## What else looks like it
Cookies without end mean that the responder changes its secret faster than the round trip, or finds another address than the one that the cookie was made for: if an initiator returns its cookie and is asked again, twice or more, and never served, this is a warning. An initiator that does not return them is what cookies are for.

## What to do
1. Nothing, if the exchange goes on. Else look at the responder's load and at how often it changes its cookie secret.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let cookies: Vec<&clear::Notice> = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| asked_for(case.model, &case.model.ike_sas[*id]))
        .collect();
    let Some(first) = cookies.first() else {
        return Vec::new();
    };
    let finding = Finding::new(&RULE, Confidence::Certain, case.id, first.at, Text::verbatim("N(COOKIE)"))
        .during(
            first.at.1,
            cookies.last().map_or(first.at.1, |last| last.at.1),
        )
        .says(say!(
            "{from} asked for a cookie {times}: it has many half-open IKE SAs, or is set to ask always.",
            from = first.from,
            times = child::times(cookies.len())
        ));
    vec![match endless(case) {
        Some(again) => doubted(case, finding)
            .also(again, "asked again, though the cookie was returned")
            .title(say!(
                "{from} asks for cookies without end",
                from = first.from
            ))
            .or("The responder changes its secret faster than the round trip.")
            .or("A NAT in between changes the initiator's address or port from packet to packet.")
            .advise("Look at the responder's load and at how often it changes its cookie secret.")
            .advise("See whether the initiator's address and port stay the same on the way."),
        None => finding,
    }]
}

/// Where a responder asks for a cookie: the initiator that returns it says N(COOKIE) as well.
fn asked_for<'m>(model: &'m Model, sa: &'m IkeSa) -> impl Iterator<Item = &'m clear::Notice> {
    clear::refusals(sa, NotifyType::COOKIE)
        .filter(|notice| notice.exchange_kind == ExchangeType::IKE_SA_INIT)
        .filter(|notice| model.exchanges[notice.exchange].by != notice.by)
}

/// That no cookie is ever good enough follows from the absence of another answer.
fn doubted(case: &Case<'_>, mut finding: Finding) -> Finding {
    let tap = case.tap();
    finding.confidence = tap.absence(Confidence::Likely);
    finding.severity(tap.gaps(Severity::Warning))
}

/// Where an initiator was asked for another cookie after it had returned one, twice at least, and was
/// never served.
fn endless(case: &Case<'_>) -> Option<crate::diagnose::Cite> {
    /// One more than the change of a secret explains.
    const RETURNED: usize = 2;
    case.tunnel.ike_sas.iter().find_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let in_vain = asked_for(case.model, sa).filter(|notice| {
            let request = case.model.exchanges[notice.exchange].request();
            let read = request.and_then(|flight| case.model.readable(flight));
            read.is_some_and(|(_, read)| read.notify(NotifyType::COOKIE).is_some())
        });
        let in_vain: Vec<&clear::Notice> = in_vain.collect();
        let last = in_vain.last().filter(|_| in_vain.len() >= RETURNED)?;
        // Whoever speaks on was served, if the answer is there or not. Without the answer that ties them
        // together what follows stands as an IKE SA of its own.
        let ike_sas = case.tunnel.ike_sas.iter();
        let goes_on = ike_sas
            .map(|id| &case.model.ike_sas[*id])
            .filter(|other| other.spis.initiator == sa.spis.initiator)
            .flat_map(|other| &other.exchanges)
            .any(|id| case.model.exchanges[*id].kind != ExchangeType::IKE_SA_INIT);
        (!goes_on && offer::accepted(case.model, sa).is_none()).then_some(last.at)
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{check, fires, silent};

    #[test]
    fn a_cookie_is_told_and_is_no_fault() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(COOKIE 0102030405060708)
             0.2 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request N(COOKIE 0102030405060708) SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.3 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            &["undecided", "cookie-exchange"],
        );
    }

    /// Round after round, each with the cookie of the one before.
    fn rounds(count: u32) -> String {
        (0..count)
            .map(|n| {
                let cookie = match n {
                    0 => String::new(),
                    n => format!("N(COOKIE 01020304050607{n:02})"),
                };
                format!(
                    "{n}.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {cookie} SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                     {n}.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(COOKIE 01020304050607{:02})\n",
                    n + 1
                )
            })
            .collect()
    }

    #[test]
    fn cookies_without_end_are_a_warning() {
        let finding = fires(&rounds(4), "cookie-exchange");
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn a_secret_that_changed_once_is_normal() {
        let text = rounds(2)
            + "2.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request N(COOKIE 0102030405060702) SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
               2.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce";
        let finding = fires(&text, "cookie-exchange");
        assert_eq!(finding.severity, Severity::Info);
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

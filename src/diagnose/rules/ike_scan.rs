//! Someone tries the IKE port, without wanting a tunnel.

use crate::diagnose::facts::{Asked, end_of, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeSa, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-scan",
    code: "SEC602",
    severity: Severity::Info,
    summary: "The IKE port is being scanned",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-proposal-mismatch",
        "peer-address-unknown",
        "ike-port-unreachable",
        "ike-version-mismatch",
        "ike-refused",
        "dh-group-mismatch",
        "undecided",
    ],
    needs: Signs::SEVERAL,
    check,
};

const DOCUMENT: &str = "\
## What it means
A scanner looks for IKE responders or for what they accept. It wants no tunnel, and its failures are no fault.

## How it is seen
Many first messages with new SPIs within seconds, each sent once, none followed by a second step even when it is answered.

## What else looks like it
A misconfigured initiator that begins anew at once after each refusal; it would go on when accepted. It makes the same offer from port 500 each time, and is not called a scanner.

## What to do
1. Restrict UDP 500 and 4500 to known peers, if that is possible.
";

/// So many first messages within [`BURST`] are a scan.
const MANY: usize = 8;

/// An initiator that wants a tunnel does not begin so often.
const BURST: Span = Span::from_secs(10);

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel.ends
        .iter()
        .filter_map(|from| {
            let end = end_of(case.tunnel, *from)?;
            let tries: Vec<Asked<'_>> = case.ike_sas()
                .filter(|sa| goes_no_further(case.model, sa))
                .filter_map(|sa| Asked::of(case.model, &case.model.exchanges[*sa.exchanges.first()?]))
                .filter(|asked| end_of(case.tunnel, asked.from().address) == Some(end))
                .filter(|asked| asked.attempts() == 1)
                .filter(|asked| asked.message.header.spis.responder.is_zero())
                .collect();
            let burst = tries.windows(MANY).find(|window| {
                let (Some(first), Some(last)) = (window.first(), window.last()) else {
                    return false;
                };
                last.first.1.since(first.first.1) <= BURST
            })?;
            if tries_again(case.model, burst) {
                return None;
            }
            let (first, last) = (burst.first()?, tries.last()?);
            let mut finding = Finding::new(&RULE, Confidence::Likely, case.id, first.first, "a first message, sent once")
                .during(tries.first()?.first.1, last.first.1)
                .title(say!("{from} scans {to}", from, to = first.to().address))
                .says(say!(
                    "{from} sent {tries} first messages with new SPIs to {to}, each once, and took none further.",
                    from,
                    tries = tries.len(),
                    to = first.to().address
                ))
                .advise("Restrict UDP 500 and 4500 to known peers, if that is possible.");
            for one in burst {
                finding = finding.also(one.first, "another");
            }
            Some(finding)
        })
        .collect()
}

/// Whether a gateway tries again what is refused each time: the same offer, from the port of IKE. Who
/// scans varies the offer, or has a port of its own.
fn tries_again(model: &Model, burst: &[Asked<'_>]) -> bool {
    let offers = || {
        burst.iter().map(|asked| {
            let sa = &model.ike_sas[asked.exchange.ike_sa];
            let refused = sa.notices.iter().any(|notice| notice.is_error());
            let from_500 = asked.from().port == Some(500);
            offer::offered(model, sa)
                .map(|(offer, _)| offer)
                .filter(|_| refused && from_500)
        })
    };
    let first = offers().next().flatten();
    first.is_some() && offers().all(|offer| offer == first)
}

/// Whether nothing follows the first exchange but the answer that refuses it: in IKEv1 that is an
/// exchange of its own.
fn goes_no_further(model: &Model, sa: &IkeSa) -> bool {
    sa.exchanges
        .iter()
        .skip(1)
        .all(|id| model.exchanges[*id].kind == ExchangeType::INFORMATIONAL_V1)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, is_healthy, silent, verdict};

    #[test]
    fn a_scan_is_no_fault() {
        let scan: String = (1..=12)
            .map(|n| {
                format!(
                    "{}.{} A:500 > B:500 MAIN i={n} r=0 SA(encr={}/128 hash=1 auth=1 group=2)\n",
                    n / 10,
                    n % 10,
                    n % 7 + 1
                )
            })
            .collect();
        let found = findings(&format!(
            "{scan}\n20 A:500 > B:500 MAIN i=99 r=0 SA(encr=5 hash=1 auth=1 group=2)"
        ));
        assert!(found.iter().any(|finding| finding.rule.slug == "ike-scan"));
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn a_scan_that_is_refused_is_one_too() {
        let scan: String = (1..=12)
            .map(|n| {
                format!(
                    "{}.{} A:{} > B:500 MAIN i={n} r=0 SA(encr={}/128 hash=1 auth=1 group=2)
                     {}.{}5 B:500 > A:{} INFO_V1 i={n} r=0 N(14)\n",
                    n / 10,
                    n % 10,
                    40000 + n,
                    n % 7 + 1,
                    n / 10,
                    n % 10,
                    40000 + n,
                )
            })
            .collect();
        let found = findings(&scan);
        assert!(
            found.iter().any(|finding| finding.rule.slug == "ike-scan"),
            "{found:#?}"
        );
        assert!(is_healthy(&found), "{found:#?}");
    }

    #[test]
    fn an_initiator_that_begins_anew_after_each_refusal_is_no_scanner() {
        let tries: String = (1..=12)
            .map(|n| {
                format!(
                    "{}.{} A:500 > B:500 MAIN i={n} r=0 SA(encr=7/256 hash=1 auth=1 group=2)
                     {}.{}5 B:500 > A:500 INFO_V1 i={n} r=0 N(14)\n",
                    n / 10,
                    n % 10,
                    n / 10,
                    n % 10,
                )
            })
            .collect();
        silent(&tries, "ike-scan");
        verdict(&tries, "ike-proposal-mismatch");
    }

    #[test]
    fn an_initiator_that_repeats_itself_is_no_scanner() {
        silent(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11,24",
            "ike-scan",
        );
    }
}

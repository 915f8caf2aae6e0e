//! Someone tries the IKE port, without wanting a tunnel.

use crate::diagnose::facts::{Asked, end_of, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeSa, Model, Outside};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::Span;
use std::iter;

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
    needs: Signs::SEVERAL.or(Signs::NOTICE),
    check,
};

const DOCUMENT: &str = "\
## What it means
A scanner looks for IKE responders or for what they accept. It wants no tunnel, and its failures are no fault.

## How it is seen
Many first messages with new SPIs within seconds, each sent once, none followed by a second step even when it is answered. Or a notification in clear refuses what has no SPI: that was no message of IKE, such as the empty datagram of a port scanner.

## What else looks like it
A misconfigured initiator that begins anew at once after each refusal; it would go on when accepted. It makes the same offer from port 500 each time, and is not called a scanner.

## What to do
1. Restrict UDP 500 and 4500 to known peers, if that is possible.
";

/// So many first messages within [`BURST`] are a scan.
const MANY: usize = 8;

const RESTRICT: &str = "Restrict UDP 500 and 4500 to known peers, if that is possible.";

/// Further refusals that are cited.
const SHOWN: usize = 8;

/// An initiator that wants a tunnel does not begin so often.
const BURST: Span = Span::from_secs(10);

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut found = many_first_messages(case);
    if found.is_empty() {
        found.extend(no_message(case));
    }
    found
}

/// A peer refuses what was no message of IKE: it copies the SPIs of what it refuses (RFC 7296 section 1.5), and no
/// message has an initiator's SPI of zero. What it says of ESP has none (section 2.21.4).
fn no_message(case: &Case<'_>) -> Option<Finding> {
    let refuses = |row: &&Outside| {
        let mut notices = row.notices.iter();
        row.spis.initiator.is_zero()
            && notices.any(|notice| notice.is_error() && notice.kind != NotifyType::INVALID_SPI.0)
    };
    let mut refusals = case.outside().filter(refuses);
    let first = refusals.next()?;
    let from = first.path.from.address;
    let notice = first.notices.iter().find(|notice| notice.is_error())?;
    let asker = case.tunnel.ends.iter().find(|end| **end != from)?;
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        first.seen.first,
        say!("{notice} that names no IKE SA", notice = notice.name()),
    )
    .title(say!(
        "Something that is no message of IKE goes from {asker} to {peer}",
        asker,
        peer = from
    ))
    .says(say!(
        "{peer} refuses what has no SPI, as no message of IKE is: an empty datagram of a port scanner is answered like \
         this. It tells nothing of a tunnel.",
        peer = from
    ))
    .advise(RESTRICT);
    let again = |row: &Outside| (row.count > 1).then_some(row.seen.last);
    let others = refusals.flat_map(|row| iter::once(row.seen.first).chain(again(row)));
    let others = again(first).into_iter().chain(others);
    Some(
        others
            .take(SHOWN)
            .fold(finding, |finding, at| finding.also(at, "another")),
    )
}

fn many_first_messages(case: &Case<'_>) -> Vec<Finding> {
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
                .advise(RESTRICT);
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
    fn a_refusal_without_an_spi_answers_no_message_of_ike() {
        let found = findings(
            "0 B:500 > A:500 INFO_V1 i=0 r=0 N(5)
             1 B:500 > A:500 INFO_V1 i=0 r=0 N(5)
             1.1 B > A ICMP 3/3 quoting A:4500 > B:4500 IKE",
        );
        let slugs: Vec<_> = found.iter().map(|finding| finding.rule.slug).collect();
        assert!(slugs.contains(&"ike-scan"), "{slugs:?}");
        assert!(is_healthy(&found), "{found:#?}");
        let scan = found
            .iter()
            .find(|one| one.rule.slug == "ike-scan")
            .unwrap();
        let cited = scan.evidence.iter().map(|one| one.frame.number);
        assert_eq!(cited.collect::<Vec<_>>(), [1, 2]);
        // A restarted peer says so of ESP.
        silent(
            "0 A > B ESP 0xb1 seq 1..9 every 1 size 136
             9 B:500 > A:500 INFORMATIONAL i=0 r=0 id=0 request N(INVALID_SPI 000000b1)",
            "ike-scan",
        );
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

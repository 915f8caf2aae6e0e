//! The peer grants less than was asked for.

use super::clear_text_leak;
use crate::diagnose::facts::selectors::Narrowing;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{began, clear, leak};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::limits;
use crate::model::{ChildOutcome, ClearFlow, Selector, selector};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Timestamp;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ts-narrowed",
    code: "IKE214",
    severity: Severity::Warning,
    summary: "The traffic selectors are narrowed",
    document: DOCUMENT,
    explains: &[
        "clear-text-leak",
        "esp-one-way",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::OPENED.or(Signs::CLEAR),
    check,
};

const DOCUMENT: &str = "\
## What it means
IKEv2 lets a responder grant a part of the traffic that was asked for (RFC 7296 section 2.9). The tunnel comes up and everybody is content, but packets of the addresses that were cut off have no SA: they are dropped, or leave in clear, or take another tunnel. It depends on who initiates, too: the narrower side asks for what it has and gets all of it.

## How it is seen
With the keys of the IKE SA: TSi and TSr of the request hold more than those of the answer. Without them, the sizes of CREATE_CHILD_SA give a hint: an IPv4 selector takes 16 octets, an IPv6 one 40. Where the answer is shorter by so many, and packets of private addresses pass in clear besides, it is told as possible; proposals that were not chosen shorten an answer as well. IKE_AUTH tells nothing by its size, since identities and certificates differ.

## What else looks like it
A client that is given an inner address is narrowed to that address, which is how it is meant; so is a gateway that tells a client which networks it serves. In transport mode behind NAT addresses are exchanged. A route-based side asks for 0.0.0.0/0 and takes what the policy of the other grants; that counts only if packets that were cut off pass in clear. None of these is reported as a fault.

## What to do
1. Configure the same selectors on both sides, mirrored; narrowing then has nothing to do.
2. Where several connections have a part each, see that they do not overlap.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let narrowed = case.narrowings().iter();
    let narrowed: Vec<&Narrowing> = narrowed.filter(|one| !one.is_first_pair()).collect();
    let worst = narrowed
        .iter()
        .find(|one| !one.served && !one.remote_access)
        .or(narrowed.first());
    let Some(worst) = worst else {
        return by_size(case).into_iter().collect();
    };
    let (from, to) = (worst.answer.from, worst.answer.to);
    let leaks: Vec<&ClearFlow> = clear::flows(case)
        .filter(|flow| worst.cuts_off(flow.from, flow.to))
        .collect();
    // Who asks for everything leaves it to the other side what the tunnel carries.
    let whole = is_of_everything(worst) && leaks.is_empty() && !worst.renews;
    let normal = worst.served || worst.remote_access || whole;
    // What has no SA cannot be a decrypted copy: it leaves in clear.
    let grave = leaks.iter().any(|leak| leak::leaves(case, leak));
    let packets: u64 = leaks.iter().map(|flow| flow.packets).sum();
    let leaked = leaks.first().map(|leak| {
        say!(
            "{packets} of addresses that were cut off passed in clear, such as {from} > {to}.",
            packets = count(packets, "packet"),
            from = leak.from,
            to = leak.to
        )
    });
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        worst.answer.at,
        say!("granted: {selectors}", selectors = pair(&worst.granted)),
    )
    .also(
        worst.request.at,
        say!("asked for: {selectors}", selectors = pair(&worst.asked)),
    )
    .during(worst.answer.at.1, ends(case))
    .severity(match (normal, grave) {
        (true, _) => Severity::Info,
        (false, true) => clear_text_leak::RULE.severity,
        (false, false) => RULE.severity,
    })
    .title(say!("{from} grants {to} less than it asks for", from, to))
    .says(
        say!(
            "{to} asked for {asked}; {from} granted {granted}.",
            to,
            asked = pair(&worst.asked),
            from,
            granted = pair(&worst.granted)
        )
        .then(left(worst))
        .then(worst.renews.then_some(
            "This SA takes the place of one that was granted all of it, so what was left out had an SA until now.",
        ))
        .then(leaked)
        .then(match (worst.served, worst.remote_access) {
            (true, _) => Some("Other child SAs serve what was left out."),
            (false, true) => Some(
                "It is a client with an address from the gateway, which tells it what it serves.",
            ),
            (false, false) if whole => Some(
                "Who asks for all addresses usually leaves it to the other side what the tunnel carries, and \
                 nothing shows that anybody is cut off.",
            ),
            (false, false) => None,
        }),
    );
    for leak in leaks {
        finding = finding.also(leak.seen.first, in_clear(leak));
    }
    for other in &narrowed {
        finding = finding.also(
            other.answer.at,
            say!("granted: {selectors}", selectors = pair(&other.granted)),
        );
    }
    if !normal {
        let [own, other] = &worst.asked;
        finding = finding
            .advise(say!(
                "If {to} is right, configure on {from}: local {local}, remote {remote}.",
                to,
                from,
                local = selector::said(other),
                remote = selector::said(own)
            ))
            .advise(say!(
                "If {from} is right, ask for no more on {to}, so that what is not served is not sent here.",
                from,
                to
            ))
            .advise("Use the same selectors on both sides; a peer of IKEv1, or one that does not narrow, refuses what differs.")
            .advise_all(vendor_advice::of_both(case, Topic::Selectors));
    }
    vec![finding]
}

/// Whether all addresses of a family were asked for on every side that was narrowed.
fn is_of_everything(narrowing: &Narrowing) -> bool {
    let sides = narrowing.asked.iter().zip(&narrowing.left);
    sides
        .filter(|(_, left)| !left.is_empty())
        .all(|(asked, _)| asked.iter().any(Selector::is_all))
}

/// A sealed answer that may lack selectors of its request, while packets that should be in the tunnel
/// pass in clear. Either alone is normal.
fn by_size(case: &Case<'_>) -> Option<Finding> {
    let leaks = case.leaks().rows();
    let leak = leaks.first()?;
    let exchanges = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &case.model.ike_sas[*id].exchanges);
    let mut answers = exchanges
        .take(limits::CHILD_ATTEMPTS)
        .map(|id| &case.model.exchanges[*id])
        .filter(|exchange| {
            // Those that were read say themselves what they hold.
            let mut flights = exchange.flights.iter();
            exchange.kind == ExchangeType::CREATE_CHILD_SA
                && case.model.child_outcome(exchange) == ChildOutcome::Made
                && flights.any(|flight| case.model.opened(flight).is_none())
        })
        .filter_map(|exchange| {
            let dropped = case.model.dropped_at_most(exchange)?;
            let answer = began(case.model, exchange.response()?)?;
            Some((dropped, began(case.model, exchange.request()?)?, answer))
        });
    let (dropped, request, answer) = answers.find(|(dropped, ..)| *dropped > 0)?;
    let mut later = answers.map(|(other, ..)| other).peekable();
    let others = later.peek().is_some() && later.all(|other| other >= dropped);
    Some(
        Finding::new(
            &RULE,
            Confidence::Possible,
            case.id,
            answer,
            "an answer that is shorter than its request",
        )
        .severity(Severity::Info)
        .also(request, "the request")
        .also(leak.seen.first, in_clear(leak))
        .title("The traffic selectors may be narrowed")
        .says(match others {
            true => say!(
                "The answer that makes a child SA has room for up to {dropped} IPv4 selectors less than its request, \
                 as later ones have, and packets of private addresses, such as {from} > {to}, pass in clear.",
                dropped,
                from = leak.from,
                to = leak.to
            ),
            false => say!(
                "The answer that makes a child SA has room for up to {dropped} IPv4 selectors less than its request, \
                 and packets of private addresses, such as {from} > {to}, pass in clear.",
                dropped,
                from = leak.from,
                to = leak.to
            ),
        })
        .or("The request offers several proposals, of which the answer names one.")
        .or("The request has notifications that the answer has not.")
        .advise("Give the keys of the IKE SA, which show the selectors, or compare those of both sides."),
    )
}

/// Selectors of both sides: `10.1.0.0/16 with 10.2.0.0/16`.
pub(super) fn pair([own, other]: &[Vec<Selector>; 2]) -> Text {
    say!(
        "{own} with {other}",
        own = selector::said(own),
        other = selector::said(other)
    )
}

fn in_clear(leak: &ClearFlow) -> Text {
    say!("{from} > {to} in clear", from = leak.from, to = leak.to)
}

/// What was left out, of which side.
pub(super) fn left(narrowing: &Narrowing) -> Text {
    let [own, other] = &narrowing.left;
    let (from, to) = (narrowing.answer.from, narrowing.answer.to);
    let (set, side) = match (own.is_empty(), other.is_empty()) {
        (false, false) => {
            return say!(
                "Left out: {own} on the side of {asker}, and {other} on the side of {granter}.",
                own = selector::said(own),
                asker = to,
                other = selector::said(other),
                granter = from
            );
        }
        (false, true) => (own, to),
        (true, _) => (other, from),
    };
    say!(
        "Left out: {left} on the side of {side}.",
        left = selector::said(set),
        side
    )
}

/// When the last IKE SA of the tunnel was seen: so long narrowed selectors hold.
pub(super) fn ends(case: &Case<'_>) -> Timestamp {
    let sas = case
        .tunnel
        .ike_sas
        .iter()
        .map(|id| case.model.ike_sas[*id].seen.last.1);
    let flows = case
        .tunnel
        .flows
        .iter()
        .map(|id| case.model.flows[*id].seen.last.1);
    sas.chain(flows).max().unwrap_or(Timestamp(i64::MIN))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    fn made(request: &str, answer: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) {request}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) {answer}
             "
        )
    }

    #[test]
    fn a_part_is_granted() {
        let text = made(
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            "TSi(10.1.0.0/16) TSr(10.2.3.0/24)",
        );
        verdict(&text, "ts-narrowed");
        let says = fires(&text, "ts-narrowed").says.to_string();
        assert!(
            says.contains("granted 10.1.0.0/16 with 10.2.3.0/24"),
            "{says}"
        );
    }

    #[test]
    fn a_renewal_that_is_granted_less_takes_away_what_was_served() {
        let text = made(
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
        );
        let renewed = |answer: &str| {
            format!(
                "{text}
                 9 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 240 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 9.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 240 opened SA(ESP 0xb2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) {answer}"
            )
        };
        silent(&renewed("TSr(10.2.0.0/16)"), "ts-narrowed");
        let found = fires(&renewed("TSr(10.2.7.0/24)"), "ts-narrowed");
        assert_eq!(found.severity, Severity::Warning);
        let says = found.says.to_string();
        assert!(says.contains("had an SA until now"), "{says}");
    }

    #[test]
    fn the_packet_that_made_it_necessary_is_no_more_than_its_network() {
        silent(
            &made(
                "TSi(10.1.0.7:6/80 10.1.0.0/16) TSr(10.2.0.0/16)",
                "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            ),
            "ts-narrowed",
        );
    }

    #[test]
    fn an_address_from_the_gateway_narrows_as_it_is_meant() {
        let text = made(
            "CP(1) TSi(0.0.0.0/0) TSr(0.0.0.0/0)",
            "CP(2) TSi(10.9.0.1) TSr(10.2.0.0/16)",
        );
        assert!(is_healthy(&findings(&text)));
        assert_eq!(fires(&text, "ts-narrowed").severity, Severity::Info);
    }

    #[test]
    fn who_asks_for_everything_is_content_with_what_the_policy_grants() {
        let text = made(
            "TSi(0.0.0.0/0) TSr(0.0.0.0/0)",
            "TSi(10.1.0.0/16) TSr(10.2.3.0/24)",
        );
        assert!(is_healthy(&findings(&text)));
        let leak = "1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9\n2 10.1.0.5 > 10.2.9.9 CLEAR 1 count 5 requests 5";
        let found = fires(&(text + leak), "ts-narrowed");
        assert_eq!(
            found.severity,
            Severity::Error,
            "as grave as what leaves in clear"
        );
    }

    #[test]
    fn who_asks_for_everything_of_one_side_alone_may_be_narrowed_there() {
        let severity =
            |request: &str, answer: &str| fires(&made(request, answer), "ts-narrowed").severity;
        let part = "TSi(10.1.0.0/16) TSr(10.2.3.0/24)";
        assert_eq!(
            severity("TSi(10.1.0.0/16) TSr(0.0.0.0/0)", part),
            Severity::Info
        );
        assert_eq!(
            severity("TSi(0.0.0.0/0) TSr(10.2.0.0/16)", part),
            Severity::Warning
        );
    }

    /// A child SA made by sealed messages so long.
    fn sealed(request: u32, response: u32) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 257
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 241
             1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed {request}
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed {response}
             1.2 A > B ESP 0xb1 seq 1..9
             1.3 B > A ESP 0xa1 seq 1..9
             "
        )
    }

    #[test]
    fn a_shorter_answer_is_a_hint_only_beside_packets_in_clear() {
        let leak = "5 10.1.0.5 > 10.2.9.9 CLEAR 1 count 5 requests 5";
        let found = fires(&(sealed(225, 177) + leak), "ts-narrowed");
        assert_eq!(
            (found.severity, found.confidence),
            (Severity::Info, crate::diagnose::Confidence::Possible)
        );
        // The only one, so no later ones are told of; nor where a later one is not shorter.
        assert!(!found.says.to_string().contains("later ones"));
        let next = |response: u32| {
            format!(
                "{}2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 225 seed=1
                 2.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed {response} seed=1
                 {leak}",
                sealed(225, 177)
            )
        };
        let says = |response| fires(&next(response), "ts-narrowed").says.to_string();
        assert!(says(177).contains("later ones"), "{}", says(177));
        assert!(!says(225).contains("later ones"), "{}", says(225));
        silent(&sealed(225, 177), "ts-narrowed");
        silent(&(sealed(189, 177) + leak), "ts-narrowed");
    }

    #[test]
    fn packets_that_were_cut_off_and_leave_in_clear_are_its_consequence() {
        let text = made(
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            "TSi(10.1.0.0/16) TSr(10.2.3.0/24)",
        ) + "1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9\n2 10.1.0.5 > 10.2.9.9 CLEAR 1 count 5 requests 5";
        verdict(&text, "ts-narrowed");
    }
}

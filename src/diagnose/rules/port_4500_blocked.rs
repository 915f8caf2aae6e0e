//! UDP 500 passes, UDP 4500 does not.

use super::ike_auth_no_response::{
    abandoned_finding, look_for_message_3, message_3_lost, message_4_again,
};
use super::psk_mismatch::arrives;
use crate::diagnose::facts::auth::{self, AuthSilence, Shape};
use crate::diagnose::facts::{Asked, Passage, end_of, offer};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::Message;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Timestamp;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "port-4500-blocked",
    code: "IKE105",
    severity: Severity::Error,
    summary: "UDP 500 passes, UDP 4500 does not",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "dpd-timeout",
        "tunnel-flapping",
        "clear-text-leak",
        "ike-auth-no-response",
    ],
    needs: Signs::UNANSWERED.or(Signs::AGAIN).or(Signs::SEVERAL),
    check,
};

const DOCUMENT: &str = "\
## What it means
The first exchange works on UDP 500. Then the peers move to UDP 4500 (for NAT traversal or MOBIKE), and nothing sent there is answered: a filter knows one port and not the other.

## How it is seen
IKE_SA_INIT is answered on port 500. The next request goes to port 4500, is repeated byte for byte, and no packet of the peer comes from port 4500 in the whole capture. The request is small enough for one packet, so size is not the reason. At the responder: its answer shows that a NAT is there, the initiator begins again and again and never comes to port 4500, or in IKEv1 leaves the answer unanswered that is said again and again.

## What else looks like it
A peer that drops the request in silence, because it dislikes the authentication. A request larger than the path takes is lost too: see ike-fragments-lost.

## What to do
1. Permit UDP 4500 in both directions for both gateway addresses, on every filter between them, the hosts' own included.
2. Capture at the peer: if the request arrives, the peer ignores it; look at its log.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let heard = OnceCell::new();
    silences(case)
        .into_iter()
        .find(|silence| is_blocked(case, silence, &heard))
        .map(|silence| {
            let asked = &silence.asked;
            let tap = case.tap();
            if asked.exchange.kind == ExchangeType::AGGRESSIVE {
                let mut finding = message_3_lost(&RULE, case, &silence).title(say!(
                    "Message 3 of {from} to port 4500 does not seem to reach {to}",
                    from = asked.from().address,
                    to = asked.to().address
                ));
                finding.says.add(
                    "It goes to another port than the messages before, from which nothing came in the whole capture.",
                );
                let finding = located(case, asked, finding)
                    .advise("Permit UDP 500, UDP 4500 and IP protocol 50 in both directions between both gateways.");
                return look_for_message_3(finding, asked);
            }
            let finding = Finding::new(
                &RULE,
                tap.absence(Confidence::Likely),
                case.id,
                asked.first,
                say!("first packet to {peer}, unanswered", peer = asked.to()),
            )
            .also(silence.agreed, "the peer answers on port 500")
            .also(asked.last, "last copy, unanswered")
            .title(say!(
                "{peer} answers on port 500 but not on port 4500",
                peer = asked.to().address
            ))
            .says(say!(
                "{peer} answered on port 500. The next request to {to}, {size} octets in one packet, was \
                 {schedule} and not answered, and nothing came from port 4500 of that address in the whole \
                 capture.",
                peer = asked.to().address,
                to = asked.to(),
                size = asked.message.ip.length,
                schedule = asked.schedule()
            ))
            .or("The peer drops the request without a word.")
            .or("Only the answers are filtered.")
            .advise("Permit UDP 500, UDP 4500 and IP protocol 50 in both directions between both gateways.")
            .advise("Capture at the peer: if the request arrives there, read the peer's log.");
            let finding = located(case, asked, finding);
            match finding.confidence < Confidence::Certain && is_by_pre_shared_key(case, asked) {
                true => finding.or(
                    "The pre-shared keys differ: then the peer cannot read message 5, and most say nothing.",
                ),
                false => finding,
            }
        })
        .or_else(|| never_comes(case))
        .or_else(|| message_4_again(&RULE, case, true))
        .into_iter()
        .collect()
}

/// Whether it is message 5 of main mode, whose keys are made with the pre-shared key (RFC 2409 section 5.4).
fn is_by_pre_shared_key(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    let suite = &case.model.ike_sas[asked.exchange.ike_sa].suite;
    asked.exchange.kind == ExchangeType::IDENTITY_PROTECTION
        && !auth::waits_for_message_4(asked.exchange)
        && suite.as_ref().is_some_and(offer::v1_is_pre_shared)
}

/// The responder's side of it: a NAT is there, so the initiator must go on at port 4500, and nothing of
/// that reaches this tap though it begins again and again.
fn never_comes(case: &Case<'_>) -> Option<Finding> {
    let attempts = case.abandoned()?;
    let v1 = attempts.kind == ExchangeType::AGGRESSIVE;
    let heard = heard_from_4500(case);
    let initiator = end_of(case.tunnel, attempts.path.from.address);
    let from_500 = attempts.path.to.port == Some(500);
    let unheard = !heard.contains(&initiator) && !attempts.withheld;
    (attempts.floats && !v1 && from_500 && unheard).then(|| {
        abandoned_finding(&RULE, case, attempts)
            .or("The initiator does not like the answer: its log tells why.")
            .or("The message is too large for the path and is lost with its fragments.")
            .advise("Permit UDP 500, UDP 4500 and IP protocol 50 in both directions between both gateways.")
            .advise(say!(
                "Capture at {initiator}: if it sends to port 4500, a filter in between drops that.",
                initiator = attempts.path.from.address
            ))
    })
}

/// Adds where the request is lost, if two taps tell.
fn located(case: &Case<'_>, asked: &Asked<'_>, mut finding: Finding) -> Finding {
    let Some(passage) = Passage::of(case, asked.flight) else {
        return finding;
    };
    if passage.is_proven() {
        finding.confidence = Confidence::Certain;
    } else if passage.arrived() {
        finding.alternatives = vec!["The peer drops the request without a word.".into()];
    }
    passage.tell(case.model, finding, "the request")
}

/// The silences that met authentication in this tunnel.
pub(super) fn silences<'m>(case: &Case<'m>) -> Vec<AuthSilence<'m>> {
    let silences = case
        .ike_sas()
        .filter_map(|sa| auth::silence(case.model, sa));
    let silences: Vec<AuthSilence<'m>> = silences.collect();
    if silences.is_empty() {
        return silences;
    }
    let begins = Begins::of(case);
    let still = silences.into_iter().filter(|silence| {
        let asked = &silence.asked;
        !begins.follow(asked.message)
    });
    still.collect()
}

/// When IKE SAs and new SAs of ESP began.
#[derive(Debug)]
pub(super) struct Begins {
    /// Of IKE SAs, sorted.
    ike: Vec<Timestamp>,
    /// Of ESP, by the input that recorded it, sorted.
    esp: BTreeMap<u16, Vec<Timestamp>>,
}

impl Begins {
    pub(super) fn of(case: &Case<'_>) -> Self {
        /// Numbers that may be missing before the first one recorded.
        const EARLY: u32 = 16;
        let mut ike: Vec<_> = case.ike_sas().map(|sa| sa.seen.first.1).collect();
        ike.sort_unstable();
        let mut esp: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for directions in case.directions() {
            let begun = directions.all().filter(|flow| flow.sequence.first <= EARLY);
            let of = esp.entry(directions.vantage.input).or_default();
            of.extend(begun.map(|flow| flow.seen.first.1));
        }
        esp.values_mut().for_each(|times| times.sort_unstable());
        Self { ike, esp }
    }

    /// Whether ESP of a new SA begins after a message was sent, before another IKE SA is asked for: then the peer
    /// took the message, and what it answered is missing in the recording. Who asked knows the SPI that it sends to
    /// by the answer alone (RFC 7296 section 3.3.1). The counter of a new SA begins at 1 (RFC 4303 section 3.3.2).
    pub(super) fn follow(&self, message: &Message) -> bool {
        let after = |times: &[Timestamp]| {
            let place = times.partition_point(|time| *time <= message.time);
            times.get(place).copied()
        };
        let esp = self.esp.get(&message.vantage.input);
        let esp = esp.and_then(|times| after(times));
        esp.is_some_and(|esp| after(&self.ike).is_none_or(|next| esp < next))
    }
}

/// Whether it is the port: the request goes to 4500 in one packet, and the peer was never heard from
/// that port. Who was heard from it is asked of the whole tunnel once, and kept in `heard`.
pub(super) fn is_blocked(
    case: &Case<'_>,
    silence: &AuthSilence<'_>,
    heard: &OnceCell<BTreeSet<Option<usize>>>,
) -> bool {
    silence.shape == Shape::Whole
        && is_never_heard(case, &silence.asked, heard)
        && !is_unread(case, &silence.asked)
}

/// Whether a request goes to port 4500, and the peer was never heard from it.
pub(super) fn is_never_heard(
    case: &Case<'_>,
    asked: &Asked<'_>,
    heard: &OnceCell<BTreeSet<Option<usize>>>,
) -> bool {
    let to = asked.to();
    to.port == Some(4500)
        && !heard
            .get_or_init(|| heard_from_4500(case))
            .contains(&end_of(case.tunnel, to.address))
}

/// Whether it is message 5 of main mode, and gets to a responder that cannot read it if its pre-shared key is
/// another.
fn is_unread(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    let answer = asked.exchange.flights.get(3);
    is_by_pre_shared_key(case, asked)
        && answer.is_some_and(|answer| arrives(case, answer, asked.flight))
}

/// The ends that anything came from port 4500 of; `None` is an address that is none of them.
pub(super) fn heard_from_4500(case: &Case<'_>) -> BTreeSet<Option<usize>> {
    let messages = case.messages().map(|message| message.path.from());
    // ESP in UDP and keepalives come from the same port (RFC 3948 section 2).
    let paths = case.flows().flat_map(|flow| &flow.paths);
    let paths = paths.chain(case.keepalives().map(|seen| &seen.path));
    let from = messages.chain(paths.map(|path| path.from));
    from.filter(|from| from.port == Some(4500))
        .map(|from| end_of(case.tunnel, from.address))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";

    #[test]
    fn silence_on_4500_after_an_answer_on_500_is_the_port() {
        verdict(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn new_esp_of_the_peer_shows_that_the_answer_was_not_recorded() {
        silent(
            &format!(
                "{AGREED}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 1 B > A ESP 0xa1 seq 2..20 every 1"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn what_an_initiator_beside_the_tap_does_not_send_no_port_keeps_back() {
        // A NAT is there, by the hash, so that what comes next goes to port 4500.
        let attempts = |asked: u32, answered: u32| -> String {
            let attempt = |n: u32| {
                format!(
                    "{at} A:500 > B:500 IKE_SA_INIT i={i} r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(0.0.0.0:500 B:500) ttl={asked}
                     {at}.1 B:500 > A:500 IKE_SA_INIT i={i} r={r} id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(B:500 A:500) ttl={answered}
                     ",
                    at = n * 10,
                    i = 2 * n + 1,
                    r = 2 * n + 2
                )
            };
            (0..4).map(attempt).collect()
        };
        verdict(&attempts(63, 64), "port-4500-blocked");
        let beside = attempts(64, 63);
        silent(&beside, "port-4500-blocked");
        let title = fires(&beside, "ike-auth-no-response").title.to_string();
        assert!(title.contains("does not authenticate itself"), "{title}");
    }

    #[test]
    fn new_esp_of_who_asked_shows_that_the_answer_came_to_it() {
        let text = |first: u32| {
            format!(
                "{AGREED}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24
                 25 A > B ESP 0xb1 seq {first}..{last} every 1",
                last = first + 20
            )
        };
        silent(&text(2), "port-4500-blocked");
        silent(&text(2), "ike-auth-no-response");
        // It goes on with an SA that is older.
        verdict(&text(200), "port-4500-blocked");
    }

    #[test]
    fn esp_in_udp_from_the_peer_shows_that_the_port_is_open() {
        silent(
            &format!(
                "{}
                 1 B:4500 > A:4500 ESP 0xa1 seq 100..120 every 1
                 30.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24",
                AGREED.replace("0 A", "30 A").replace("0.1 B", "30.1 B")
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn silence_on_500_is_not() {
        silent(
            &format!(
                "{AGREED}\n0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn a_capture_that_ends_at_once_proves_nothing() {
        silent(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=1"
            ),
            "port-4500-blocked",
        );
    }

    #[test]
    fn an_initiator_behind_a_nat_that_never_comes_to_port_4500() {
        let mut text =
            "0 C > B ESP 0xc1 seq 1..200 every 1\n0 B > C ESP 0xc2 seq 1..200 every 1\n".to_owned();
        for (n, at) in [10, 40, 70, 100].into_iter().enumerate() {
            text += &format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={n}1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(10.0.0.1:500 B:500)
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={n}1 r={n}2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD\n"
            );
        }
        verdict(&text, "port-4500-blocked");
        silent(&text.replace("10.0.0.1:500", "A:500"), "port-4500-blocked");
    }
}

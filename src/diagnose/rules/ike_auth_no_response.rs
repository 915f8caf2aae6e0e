//! Algorithms are agreed; the authentication is never answered.

use super::port_4500_blocked::{heard_from_4500, is_blocked, silences};
use crate::diagnose::facts::abandoned::{self, Abandoned};
use crate::diagnose::facts::asked::{Asked, is_v1};
use crate::diagnose::facts::auth::{self, AuthSilence, Round, Shape};
use crate::diagnose::facts::overhead::LEAST_MTU;
use crate::diagnose::facts::{Passage, child, cite, end_of, icmp, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, IcmpSeen, IkeSa};
use crate::net::Path;
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;
use std::cell::OnceCell;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-auth-no-response",
    code: "IKE106",
    severity: Severity::Error,
    summary: "The authentication is not answered",
    document: DOCUMENT,
    explains: &["ike-no-response", "tunnel-flapping", "clear-text-leak"],
    needs: Signs::UNANSWERED.or(Signs::AGAIN).or(Signs::SEVERAL),
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agreed on algorithms, then the message that authenticates is sent again and again without answer. The port is open, for the same port answered before.

## How it is seen
IKE_SA_INIT (main mode 1 to 4) is answered. IKE_AUTH (main mode 5) is repeated byte for byte, in one packet, to a port that the peer has answered from, and nothing comes; or a later round of it, though the rounds before were answered. So it is where main mode comes no further than message 3, which brings the initiator's public value. At the responder: it answers the first message of an initiator that begins again and again, and never goes on; in aggressive mode it says message 2 again and again, in main mode message 4. Nothing answers message 3 of aggressive mode (RFC 2409 section 5): at the initiator, that the responder says message 2 again shows that it has no message 3.

## What else looks like it
Some peers say nothing when they cannot authenticate the initiator or find no connection for its identity; with IKEv1 a wrong pre-shared key makes message 5 unreadable, and many drop it in silence. A packet near the MTU may be too large for the path. With EAP the peer asks a server about the user, which may not answer.

## What to do
1. Read the peer's log for this moment: it says why it keeps silent.
2. Compare pre-shared keys, identities and certificates; with EAP look at the authentication server.
3. If the message is large, see ike-fragments-lost.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let heard = OnceCell::new();
    silences(case)
        .into_iter()
        .find(|silence| silence.shape == Shape::Whole && !is_blocked(case, silence, &heard))
        .map(|silence| {
            let asked = &silence.asked;
            if asked.exchange.kind == ExchangeType::AGGRESSIVE {
                let finding = floated(case, asked, message_3_lost(&RULE, case, &silence));
                return look_for_message_3(finding, asked);
            }
            if auth::waits_for_message_4(asked.exchange) {
                return message_4_missing(case, &silence);
            }
            let finding = Finding::new(
                &RULE,
                case.tap().absence(Confidence::Likely),
                case.id,
                asked.first,
                say!(
                    "{exchange}, unanswered",
                    exchange = Text::verbatim(asked.exchange.kind)
                ),
            )
            .severity(match asked.attempts() {
                // What is not answered is sent again (RFC 7296 section 2.1): this one was, or its
                // sender gave up.
                1 => Severity::Info,
                _ => RULE.severity,
            })
            .also(silence.agreed, "the peer agreed to algorithms")
            .also(asked.last, "last copy, unanswered")
            .title(say!(
                "{peer} does not answer the authentication",
                peer = asked.to()
            ))
            .says(unanswered(&silence))
            .or(match is_v1(asked.exchange.kind) {
                true => {
                    "The peer rejects the authentication or the identity without a word; with IKEv1 a \
                     wrong pre-shared key looks like this."
                }
                false => "The peer rejects the authentication or the identity without a word.",
            })
            .or(match asked.message.ip.length <= LEAST_MTU {
                true => "The answer is too large for the path.",
                false => "The message, or its answer, is too large for the path.",
            })
            .advise("Read the peer's log for this moment.");
            let finding = match came_up_since(case, asked) {
                true => {
                    let severity = finding.severity.min(Severity::Warning);
                    finding.severity(severity)
                }
                false => finding,
            };
            match silence.before {
                Some(round) => later_round(case, &silence, &round, finding),
                None => {
                    let finding = finding.advise(
                        "Compare pre-shared keys, identities and certificates of both sides.",
                    );
                    floated(case, asked, finding)
                }
            }
        })
        .or_else(|| never_comes(case))
        .or_else(|| message_2_again(case))
        .or_else(|| message_4_again(&RULE, case, false))
        .into_iter()
        .collect()
}

/// What was asked in vain, and what was answered before.
fn unanswered(silence: &AuthSilence<'_>) -> Text {
    let asked = &silence.asked;
    let (peer, to) = (asked.to().address, asked.to());
    let exchange = Text::verbatim(asked.exchange.kind);
    let (size, schedule) = (asked.message.ip.length, asked.schedule());
    match silence.before {
        Some(round) => say!(
            "{peer} agreed to algorithms and answered {round}, but the next message, {exchange} of {size} octets, was \
             {schedule} to {to} and not answered.",
            peer,
            round = Text::verbatim(round.kind),
            exchange,
            size,
            schedule,
            to
        ),
        None => say!(
            "{peer} agreed to algorithms, but {exchange} of {size} octets was {schedule} to {to} and not answered.",
            peer,
            exchange,
            size,
            schedule,
            to
        ),
    }
}

/// Adds what a round that was answered tells of the one that was not. Several rounds of `IKE_AUTH` are EAP, of which
/// most gateways know nothing themselves: they ask a server, and the server may ask the user (RFC 7296 section 2.16).
fn later_round(
    case: &Case<'_>,
    silence: &AuthSilence<'_>,
    round: &Round,
    finding: Finding,
) -> Finding {
    /// Users confirm within this time, as a rule.
    const CONFIRMED: Span = Span::from_secs(60);
    let finding = finding.also(round.answer, "the round before it was answered");
    if round.kind != ExchangeType::IKE_AUTH {
        return finding
            .advise("Compare pre-shared keys, identities and certificates of both sides.");
    }
    let asked = &silence.asked;
    let waited = tap::went_on(case.model, asked.message.vantage, asked.first.1, CONFIRMED);
    let severity = match waited {
        true => finding.severity,
        false => finding.severity.min(Severity::Warning),
    };
    finding
        .severity(severity)
        .or("The server that the peer asks about the user, such as one of RADIUS, does not answer it.")
        .or("The server waits for the user, who has yet to confirm on another device.")
        .advise("Look whether the peer reaches its authentication server, and read the log of that.")
        .advise("Compare the methods of EAP and the user's name and password of both sides.")
}

/// Whether an IKE SA of the same two came up after an answer was waited for in vain.
fn came_up_since(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    let mut later = case.ike_sas().filter(|sa| sa.seen.first.1 > asked.first.1);
    later.any(|sa| {
        let same = sa.paths.first().is_some_and(|path| {
            (path.from.address, path.to.address) == (asked.from().address, asked.to().address)
        });
        same && sa.state.was_up()
    })
}

/// IKEv1: message 3 of main mode, which brings a public value, is not answered, though message 1 was.
fn message_4_missing(case: &Case<'_>, silence: &AuthSilence<'_>) -> Finding {
    let asked = &silence.asked;
    let (from, to) = (asked.from().address, asked.to());
    let mut finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        asked.first,
        "message 3 of main mode, unanswered",
    )
    .also(silence.agreed, "message 2: the peer agreed to algorithms")
    .also(asked.last, "last copy, unanswered")
    .title(say!(
        "{peer} does not answer message 3 of main mode",
        peer = to
    ))
    .says(say!(
        "{peer} agreed to algorithms by message 2 of main mode. Message 3 of {from}, which brings its public value and \
         has {size} octets, was {schedule} to {to} and not answered.",
        peer = to.address,
        from,
        size = asked.message.ip.length,
        schedule = asked.schedule(),
        to
    ));
    let small = asked.message.ip.length <= LEAST_MTU;
    let passage = Passage::of(case, asked.flight);
    finding = finding.or("The peer ends the negotiation without a word: it has no pre-shared key for this address, or \
                          cannot read the message.");
    // What arrives there is not lost on the way.
    if !passage.as_ref().is_some_and(Passage::arrived) {
        finding = finding
            .or(match small {
                true => "The answer is too large for the path.",
                false => "The message, or its answer, is too large for the path.",
            })
            .or("A filter lets a first message pass, and none that follows.");
    }
    match passage {
        Some(passage) if passage.is_proven() => {
            finding.confidence = Confidence::Certain;
            let finding = finding.title(say!(
                "Message 3 of {from} is lost on the way to {to}",
                from,
                to = to.address
            ));
            return passage.tell(case.model, finding, "the request");
        }
        Some(passage) => finding = passage.tell(case.model, finding, "the request"),
        None => {}
    }
    finding = finding
        .advise("Read the peer's log for this moment.")
        .advise(say!(
            "Capture at {to}: does message 3 arrive there, and does message 4 leave?",
            to = to.address
        ));
    match small {
        true => finding,
        false => finding
            .advise("Let IP fragments pass, or agree on a group with a smaller public value."),
    }
}

/// Adds that the port may be to blame, if a message goes to another than those before: what comes from the port
/// shows the way back alone.
fn floated(case: &Case<'_>, asked: &Asked<'_>, finding: Finding) -> Finding {
    let paths = &case.model.ike_sas[asked.exchange.ike_sa].paths;
    let floated = paths.first().is_some_and(|path| path.to.port == Some(500));
    match floated && asked.to().port == Some(4500) {
        true => finding
            .or(say!(
                "A filter drops UDP 4500 towards {peer}.",
                peer = asked.to().address
            ))
            .advise("Permit UDP 4500 in both directions between the two gateways."),
        false => finding,
    }
}

/// IKEv1: message 3 of aggressive mode does not seem to reach the responder. Nothing answers it (RFC 2409 section 5),
/// but who has no message 3 says message 2 again.
pub(super) fn message_3_lost(
    rule: &'static Rule,
    case: &Case<'_>,
    silence: &AuthSilence<'_>,
) -> Finding {
    let asked = &silence.asked;
    let (from, to) = (asked.from().address, asked.to().address);
    let answer = asked.exchange.flights.get(1);
    let copies = answer.iter().flat_map(|answer| &answer.again);
    let insists: Vec<Cite> = copies
        .map(|copy| cite(case.model, *copy))
        .filter(|copy| copy.1 > asked.first.1)
        .collect();
    let confidence = case.tap().absence(Confidence::Likely);
    let mut finding = Finding::new(
        rule,
        confidence.lower_if(insists.is_empty()),
        case.id,
        asked.first,
        "message 3 of aggressive mode",
    )
    .also(
        silence.agreed,
        "message 2 of aggressive mode, which authenticates the responder",
    )
    .also(asked.last, "the last copy of message 3")
    .title(say!("Message 3 of {from} does not seem to reach {to}", from, to))
    .says(
        say!(
            "{from} authenticated itself to {to} by message 3 of aggressive mode, {size} octets, {schedule}. Nothing \
             answers that message.",
            from,
            to = asked.to(),
            size = asked.message.ip.length,
            schedule = asked.schedule()
        )
        .then(match insists.len() {
            0 => say!("{from} said it again, and {to} never went on.", from, to),
            copies => say!(
                "{to} said message 2 again {times} afterwards, as one does that has no message 3.",
                to,
                times = child::times(copies)
            ),
        }),
    );
    if let Some(last) = insists.last() {
        finding = finding.also(*last, "message 2 again");
    }
    if asked.message.ip.length > LEAST_MTU {
        finding = finding.or("The message is too large for the path.");
    }
    finding.or(say!(
        "{to} has it, does not accept the proof or the identity, and ends without a word.",
        to
    ))
}

/// What tells whether message 3 arrives.
pub(super) fn look_for_message_3(finding: Finding, asked: &Asked<'_>) -> Finding {
    finding
        .advise(say!(
            "Capture at {to}: does message 3 arrive there?",
            to = asked.to().address
        ))
        .advise("Read the peer's log for this moment.")
}

/// A responder that says its answer again and again, and hears no more of its initiator.
struct Insists<'m> {
    sa: &'m IkeSa,
    asked: Asked<'m>,
    /// When it answered.
    answer: Cite,
}

/// The latest answer to such an exchange that its responder says again and again, if no later attempt comes up, the
/// initiator does not begin anew each time, and its port is not closed: `auth-failed` tells what that means.
fn insists<'m>(case: &Case<'m>, such: impl Fn(&Exchange) -> bool) -> Option<Insists<'m>> {
    /// So many copies are lost by no chance.
    const INSISTENT: usize = 3;
    let all = case.ike_sas().filter_map(|sa| {
        let (exchange, answer) = abandoned::half_open(case.model, sa)?;
        let asked = Asked::of(case.model, exchange).filter(|_| such(exchange))?;
        let insists = asked.is_silent() && asked.attempts() >= INSISTENT;
        insists.then_some(Insists { sa, asked, answer })
    });
    let latest = all.max_by_key(|one| one.answer.1)?;
    let closed = |seen: &IcmpSeen| {
        let quoted = seen.error.quoted;
        (quoted.from, quoted.to) == (latest.asked.from(), latest.asked.to())
    };
    let elsewhere = case.abandoned().is_some() || icmp::about(case).any(closed);
    (!elsewhere && !abandoned::comes_up(case, latest.answer.1)).then_some(latest)
}

/// IKEv1, the responder's side of it in main mode: it says message 4 again and again, and has no message 5. The
/// initiator has message 4, for it does not ask again. Where a NAT is there message 5 goes to port 4500 (RFC 3947
/// section 4): that is told by the rule of the port, unless the initiator was heard from there.
pub(super) fn message_4_again(
    rule: &'static Rule,
    case: &Case<'_>,
    by_port: bool,
) -> Option<Finding> {
    let Insists { sa, asked, answer } = insists(case, |exchange| {
        exchange.kind == ExchangeType::IDENTITY_PROTECTION && exchange.flights.len() == 4
    })?;
    let (from, to) = (asked.from(), asked.to().address);
    let floats = sa.nat.is_some_and(|nat| nat.is_there()) && from.port == Some(500);
    let from = from.address;
    let heard = || heard_from_4500(case).contains(&end_of(case.tunnel, to));
    if by_port != (floats && !heard()) {
        return None;
    }
    let finding = Finding::new(
        rule,
        Confidence::Possible,
        case.id,
        answer,
        "message 4 of main mode, which ends the exchange of keys",
    )
    // Anybody may look what a gateway answers, once.
    .severity(Severity::Warning)
    .also(asked.last, "last copy, unanswered")
    .title(say!("No message 5 of {to} reaches {from}", to, from))
    .says(
        say!(
            "{from} said message 4 of main mode, {schedule}. {to} neither asked again nor sent message 5, which \
             authenticates it.",
            from,
            schedule = asked.schedule(),
            to
        )
        .then(by_port.then_some("A NAT is there, so that message goes to port 4500.")),
    );
    let vantage = asked.message.vantage;
    let recorded = case.model.past_port_500.contains(&vantage.input);
    let finding = match by_port && !recorded {
        true => {
            finding.or("A capture filter leaves out UDP 4500: nothing of it is in this capture.")
        }
        false => finding,
    };
    let finding = finding
        .or("The initiator does not like the answer: its log tells why.")
        .or("The message is too large for the path and is lost with its fragments.")
        .or("Somebody only looked what the gateway answers.");
    Some(match by_port {
        true => finding
            .advise("Permit UDP 500, UDP 4500 and IP protocol 50 in both directions between both gateways.")
            .advise(say!(
                "Capture at {initiator}: if it sends to port 4500, a filter in between drops that.",
                initiator = to
            )),
        false => finding.advise(say!(
            "Read the log of {initiator} for this moment, and capture there: does it send the message that \
             authenticates it?",
            initiator = to
        )),
    })
}

/// IKEv1, the responder's side of it in aggressive mode: it says message 2 again and again, and has no message 3.
/// The initiator has message 2, for it does not ask again.
fn message_2_again(case: &Case<'_>) -> Option<Finding> {
    let Insists { asked, answer, .. } =
        insists(case, |exchange| exchange.kind == ExchangeType::AGGRESSIVE)?;
    let (from, to) = (asked.from().address, asked.to().address);
    let finding = abandoned::at_message_2(&RULE, case, answer)
    // Anybody may look what a gateway answers, once.
    .severity(Severity::Warning)
    .also(asked.last, "last copy, unanswered")
    .title(say!("No message 3 of {to} reaches {from}", to, from))
    .says(say!(
        "{from} authenticated itself by message 2 of aggressive mode, {schedule}. {to} neither asked again nor sent \
         message 3.",
        from,
        schedule = asked.schedule(),
        to
    ))
    .or("The initiator does not believe the responder, and ends without a word: the pre-shared keys or the identities \
         differ.")
    .or("Message 3 does not arrive: where it goes to port 4500, a filter may drop it.")
    .or("Somebody only looked what the gateway answers.")
    .advise(say!(
        "Read the log of {initiator} for this moment, and capture there: does it send the message that \
         authenticates it?",
        initiator = to
    ));
    Some(finding)
}

/// The responder's side of it: the initiator agrees again and again, and what authenticates it never
/// reaches this tap.
fn never_comes(case: &Case<'_>) -> Option<Finding> {
    let attempts = case.abandoned()?;
    // See port-4500-blocked; aggressive mode authenticates the responder first: see auth-failed.
    if attempts.floats && !attempts.withheld || attempts.kind == ExchangeType::AGGRESSIVE {
        return None;
    }
    let finding = abandoned_finding(&RULE, case, attempts)
        .or("The initiator does not like the answer: its log tells why.");
    if attempts.withheld {
        return Some(
            finding
                .or("It cannot prove itself: it has no key for this peer, or no certificate.")
                .advise(say!(
                    "Read the log of {initiator} for this moment.",
                    initiator = attempts.path.from.address
                )),
        );
    }
    Some(
        finding
            .or("The message is too large for the path and is lost with its fragments.")
            .advise(say!(
                "Read the log of {initiator} for this moment, and capture there: does it send the message that \
                 authenticates it?",
                initiator = attempts.path.from.address
            ))
            .advise(
                "If it does, look for a filter on UDP 500, UDP 4500 or fragments between the two.",
            ),
    )
}

/// What all such attempts look like.
pub(super) fn abandoned_finding(
    rule: &'static Rule,
    case: &Case<'_>,
    attempts: &Abandoned,
) -> Finding {
    let Path { from, to, .. } = attempts.path;
    let mut finding = Finding::new(
        rule,
        Confidence::Possible,
        case.id,
        attempts.answer,
        say!(
            "{exchange} answered; nothing of the initiator follows",
            exchange = Text::verbatim(attempts.kind)
        ),
    )
    .title(match attempts.withheld {
        true => say!(
            "{initiator} begins again and again, and does not authenticate itself",
            initiator = from.address
        ),
        false => say!(
            "{initiator} begins again and again, and what authenticates it does not arrive",
            initiator = from.address
        ),
    })
    .says(
        say!(
            "{times} times {initiator} began an IKE SA, {responder} answered, and {initiator} neither asked again \
             nor went on, but began anew.",
            times = attempts.again.len() + 1,
            initiator = from.address,
            responder = to.address
        )
        .then(match attempts.withheld {
            true => "This tap stands beside it and has no next message of it.",
            false => "Its next message does not reach this tap, or it does not send it.",
        }),
    );
    if !attempts.would_see {
        finding = finding
            .severity(Severity::Warning)
            .or("A capture filter leaves out UDP 4500: nothing of it is in this capture.");
    }
    for answer in &attempts.again {
        finding = finding.also(*answer, "answered again, and nothing follows");
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn silence_after_agreement_on_the_same_port() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24",
            "ike-auth-no-response",
        );
    }

    #[test]
    fn an_answer_on_the_third_try_is_an_answer() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11
             11.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
            "ike-auth-no-response",
        );
    }

    #[test]
    fn message_2_that_is_said_again_shows_that_message_3_does_not_come() {
        const TWO: &str = "
            0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
            0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH";
        const THREE: &str = "0.2 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH";
        const QUICK: &str = "0.3 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 300 again=2,5,10,20";
        // At the initiator, which sends message 3.
        verdict(
            &format!("{TWO} again=2,5,10\n{THREE}\n{QUICK}"),
            "ike-auth-no-response",
        );
        silent(&format!("{TWO}\n{THREE}\n{QUICK}"), "ike-auth-no-response");
        // The responder goes on: it has message 3.
        let on = "11 B:500 > A:500 TRANSACTION i=1 r=2 id=0x11 sealed 76 again=14,20";
        silent(
            &format!("{TWO} again=2,5,10\n{THREE}\n{on}"),
            "ike-auth-no-response",
        );
        // At the responder, which has none.
        verdict(&format!("{TWO} again=2,5,10"), "ike-auth-no-response");
        silent(&format!("{TWO} again=2"), "ike-auth-no-response");
    }

    const MAIN: &str = "
        0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce again=2,5,11";

    #[test]
    fn message_3_of_main_mode_is_not_answered() {
        verdict(MAIN, "ike-auth-no-response");
        // It is not sent again, so it was answered, or its sender gave up.
        silent(
            &format!(
                "{}\n0 C > B ESP 0xc1 seq 1..60 every 1",
                MAIN.replace(" again=2,5,11", "")
            ),
            "ike-auth-no-response",
        );
        silent(
            &format!("{MAIN}\n11.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce"),
            "ike-auth-no-response",
        );
        // What follows shows that the answer is missing in the recording alone.
        silent(
            &format!("{MAIN}\n12 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 300"),
            "ike-auth-no-response",
        );
    }

    #[test]
    fn two_taps_tell_where_message_3_of_main_mode_is_lost() {
        let there = "
            0.05 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) tap=1
            0.06 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) tap=1
            40 C > B ESP 0xc1 seq 1..2 every 1 tap=1";
        let found = fires(&format!("{MAIN}{there}"), "ike-auth-no-response");
        let title = found.title.to_string();
        assert!(title.contains("is lost on the way"), "{found:?}");
    }

    /// Attempts that are answered and go no further, and ESP of another tunnel.
    fn attempts(times: &[u32]) -> String {
        let mut text =
            "0 C > B ESP 0xc1 seq 1..300 every 1\n0 B > C ESP 0xc2 seq 1..300 every 1\n".to_owned();
        for (n, at) in times.iter().enumerate() {
            text += &format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={n}1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={n}1 r={n}2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce\n"
            );
        }
        text
    }

    #[test]
    fn an_initiator_that_begins_again_and_again_and_never_goes_on() {
        let text = attempts(&[10, 40, 70, 100]);
        verdict(&text, "ike-auth-no-response");
        let finding = crate::diagnose::testing::fires(&text, "ike-auth-no-response");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    }

    #[test]
    fn who_looks_what_a_gateway_says_does_not_want_to_go_on() {
        silent(&attempts(&[10, 40]), "ike-auth-no-response");
        silent(&attempts(&[10, 10, 10, 11, 11]), "ike-auth-no-response");
        silent(&attempts(&[10, 500, 1000, 1500]), "ike-auth-no-response");
    }

    #[test]
    fn attempts_beside_an_ike_sa_that_works_are_none() {
        let text = attempts(&[10, 40, 70, 100])
            + "5 A:500 > B:500 INFORMATIONAL i=77 r=78 id=2 request sealed 80
               5.1 B:500 > A:500 INFORMATIONAL i=77 r=78 id=2 response sealed 80
               105 A:500 > B:500 INFORMATIONAL i=77 r=78 id=3 request sealed 80
               105.1 B:500 > A:500 INFORMATIONAL i=77 r=78 id=3 response sealed 80";
        silent(&text, "ike-auth-no-response");
    }
}

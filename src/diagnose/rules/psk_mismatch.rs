//! IKEv1: the pre-shared keys differ, so message 5 cannot be read.

use super::auth_failed::{
    called_malformed, copies_of_message_5, keys_prove, refusal_is_unread, refused_message_5,
};
use super::port_4500_blocked::silences;
use crate::diagnose::facts::auth::{AuthSilence, Shape};
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Passage, began, child, cite, clear, first, offer, proof, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::Flight;
use crate::registry::{ExchangeType, NotifyV1};
use crate::say;
use crate::units::Timestamp;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "psk-mismatch",
    code: "IKE207",
    severity: Severity::Error,
    summary: "The pre-shared keys differ",
    document: DOCUMENT,
    explains: &[
        "auth-failed",
        "ike-auth-no-response",
        "port-4500-blocked",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    needs: Signs::V1,
    check,
};

const DOCUMENT: &str = "\
## What it means
IKEv1 with a pre-shared key derives the encryption keys of main mode from it. If the two keys differ, message 5 decrypts to garbage, and the responder complains or keeps silent.

## How it is seen
Authentication by pre-shared key was agreed in clear. Message 5 is answered by an informational message, encrypted or not, instead of message 6, and so is each copy of it. Or it is not answered at all, and the responder sends message 4 again and again, or agrees to every new attempt up to there. Where message 5 goes to UDP 4500, for a NAT, this counts if a tap beside the responder shows that it arrives. In aggressive mode the hashes of messages 2 and 3 are made with the key, and one side reports that the one of the other is wrong (INVALID-HASH-INFORMATION). A refusal that can be read, in clear or with keys, calls message 5 malformed. Keys of both sides prove it: one opens message 5, another the refusal.

## What else looks like it
A responder that reads message 5 well but does not know the identity in it refuses in the same way. Then the keys are equal, so the initiator can read the refusal, and most send message 5 no more; some do all the same, and the responder, which has forgotten the IKE SA, says nothing of the copies. A refusal in clear that is about an identity, a certificate or a proposal comes of a message that was read. A responder that reads message 5 and finds something in it malformed says the same as one that cannot read it.

## What to do
1. Enter the same pre-shared key on both sides; beware of blanks, quotes and character sets.
2. With several peers, see that the key is bound to the right address or identity.
";

/// So many copies of a message are no accident.
const INSISTENT: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let aggressive = in_aggressive_mode(case);
    if aggressive.is_some() {
        return aggressive.into_iter().collect();
    }
    let Some((id, at)) = refused_message_5(case) else {
        return unread_message_5(case)
            .or_else(|| ignored_message_5(case))
            .into_iter()
            .collect();
    };
    let sa = &case.model.ike_sas[id];
    let (Some(path), true) = (
        sa.paths.first(),
        sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared),
    ) else {
        return Vec::new();
    };
    if !refusal_is_unread(case.model, id, at) {
        return Vec::new();
    }
    let copies = copies_of_message_5(case.model, id);
    // Whoever has the same key reads message 5, whatever it thinks of the identity in it.
    let garbage = called_malformed(case.model, id, at);
    let is_proven = keys_prove(case.model, id, at);
    let confidence = match is_proven {
        true => Confidence::Certain,
        false => Confidence::Likely,
    };
    let note = match garbage {
        Some(error) => say!(
            "{error} instead of message 6",
            error = Text::verbatim(error)
        ),
        None => "an informational message instead of message 6".into(),
    };
    let (one, other) = (path.from.address, path.to.address);
    let known = is_proven || garbage.is_some();
    let mut finding = Finding::new(&RULE, confidence, case.id, at, note)
    .title(match known {
        true => say!("The pre-shared keys of {one} and {other} differ", one, other),
        false => say!("The pre-shared keys of {one} and {other} seem to differ", one, other),
    })
    .says(
        say!(
            "Authentication by pre-shared key was agreed. {responder} answered message 5 of main mode (sent {times}) \
             by an informational message instead of message 6.",
            responder = other,
            times = child::times(copies.len())
        )
        // Who reads the refusal may send the message again all the same.
        .then(match known {
            true => "It could not read it.",
            false => "As a rule it could not read it.",
        }),
    )
    .advise("Enter the same pre-shared key on both sides.")
    .advise("See that the key is bound to the right peer address or identity.")
    .advise_all(vendor_advice::of_both(case, Topic::PreSharedKey));
    if let Some(error) = garbage {
        finding
            .says
            .add(say!("It says so: {error}.", error = Text::verbatim(error)));
    }
    if is_proven {
        finding.says.add(
            "The keys show it: one opens message 5 and another the answer, and the hash in each is right.",
        );
    } else {
        finding = finding.or(match garbage {
            Some(_) => "The responder could read the message, and something in it is malformed.",
            None => "The responder could read the message but does not accept the identity in it.",
        });
    }
    for copy in copies {
        finding = finding.also(copy, "message 5");
    }
    if garbage.is_some() && sa.notices.iter().any(|notice| notice.at.0 == at.0) {
        finding = finding
            .explaining(&["ike-refused"])
            .or("Notifications in clear can be forged by anyone on the path.");
    }
    vec![finding]
}

/// A responder that says nothing of message 5 and sends message 4 again: it got message 5, or could
/// have, and takes it for none.
fn unread_message_5(case: &Case<'_>) -> Option<Finding> {
    case.tunnel.ike_sas.iter().find_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let pre_shared = sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared);
        let phase1 = &case.model.exchanges[*sa.exchanges.first()?];
        let [_, _, _, four, five] = &*phase1.flights else {
            return None;
        };
        let (asked, at) = (began(case.model, five)?, began(case.model, four)?);
        // The path carried message 3 to the responder; only a float to port 4500 changes it. A tap beside the
        // responder has what gets there.
        let same_path = first(case.model, five)?.path.to() == first(case.model, four)?.path.from();
        let arrives = arrives(case, four, five);
        let unread: Vec<Cite> = four
            .again
            .iter()
            .map(|id| cite(case.model, *id))
            .filter(|copy| copy.1 > asked.1)
            .collect();
        if phase1.kind != ExchangeType::IDENTITY_PROTECTION
            || !pre_shared
            || !(same_path || arrives)
            || five.again.len() + 1 < INSISTENT
            || unread.len() < INSISTENT
        {
            return None;
        }
        let path = sa.paths.first()?;
        let (from, to) = (path.from.address, path.to.address);
        let copies = five.again.iter().map(|id| case.model.messages[*id].time);
        let last = copies.fold(asked.1, Timestamp::max);
        let mut finding = Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            asked,
            "message 5, which is not answered",
        )
        .also(at, "message 4")
        .during(asked.1, last)
        .title(say!(
            "The pre-shared keys of {one} and {other} seem to differ",
            one = from,
            other = to
        ))
        .says(say!(
            "Authentication by pre-shared key was agreed. {initiator} sent message 5 of main mode {times} times; \
             {responder} went on sending message 4 ({again} times), as one who does not get, or cannot read, what \
             comes after it.",
            initiator = from,
            times = five.again.len() + 1,
            responder = to,
            again = unread.len()
        ))
        .or(match arrives {
            false => "Message 5 is lost on the way, though message 3 came through on the same path.",
            true => "The responder itself drops message 5: it has a filter on the port, or too little room.",
        })
        .or("The responder does not accept the identity in message 5, and keeps silent.")
        .advise("Enter the same pre-shared key on both sides.")
        .advise_all(vendor_advice::of_both(case, Topic::PreSharedKey))
        .advise(say!(
            "Read the log of {responder}: it says if message 5 is malformed.",
            responder = to
        ));
        for copy in unread {
            finding = finding.also(copy, "message 4 again");
        }
        Some(finding)
    })
}

/// Whether message 5 gets to the responder, though nothing answers it: two taps tell, or one beside it.
pub(super) fn arrives(case: &Case<'_>, answer: &Flight, asked: &Flight) -> bool {
    Passage::of(case, asked).is_some_and(|passage| passage.arrived())
        || tap::is_beside_sender(case.model, answer, asked)
}

/// Attempt after attempt a responder agrees to algorithms and then says nothing of message 5, the first
/// that a wrong key makes unreadable, on the path that carried message 3: most drop it in silence.
fn ignored_message_5(case: &Case<'_>) -> Option<Finding> {
    let ignored: Vec<AuthSilence<'_>> = silences(case)
        .into_iter()
        .filter(|silence| silence.shape == Shape::Whole)
        .filter(|silence| {
            let exchange = silence.asked.exchange;
            let sa = &case.model.ike_sas[exchange.ike_sa];
            let [_, _, _, four, _] = &*exchange.flights else {
                return false;
            };
            let answered = first(case.model, four).map(|message| message.path.from());
            exchange.kind == ExchangeType::IDENTITY_PROTECTION
                && sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared)
                && answered == Some(silence.asked.to())
        })
        .collect();
    // One attempt alone may meet the moment at which the peer, or the path, dies.
    let [one, .., last] = ignored.as_slice() else {
        return None;
    };
    if one.asked.attempts() < INSISTENT {
        return None;
    }
    let (from, to) = (one.asked.from().address, one.asked.to().address);
    let four = one.asked.exchange.flights.get(3);
    let four = four.and_then(|flight| began(case.model, flight))?;
    let mut finding = Finding::new(
        &RULE,
        case.tap().absence(Confidence::Likely),
        case.id,
        one.asked.first,
        "message 5, which is not answered",
    )
    .during(one.asked.first.1, last.asked.last.1)
    .also(four, "message 4")
    .title(say!("The pre-shared keys of {one} and {other} seem to differ", one = from, other = to))
    .says(say!(
        "Authentication by pre-shared key was agreed. In each of {attempts} {responder} answered messages 1 and 3 \
         of main mode and never message 5 ({schedule} in the first), on the same path: as one who cannot read it.",
        attempts = count(ignored.len() as u64, "attempt"),
        responder = to,
        schedule = one.asked.schedule()
    ))
    .or("The responder does not accept the identity in message 5, and keeps silent.")
    .advise("Enter the same pre-shared key on both sides.")
    .advise_all(vendor_advice::of_both(case, Topic::PreSharedKey))
    .advise(say!("Read the log of {responder}: it says if message 5 is malformed.", responder = to));
    for silence in ignored.iter().skip(1) {
        finding = finding.also(
            silence.asked.first,
            "message 5 of another attempt, unanswered",
        );
    }
    Some(finding)
}

/// Aggressive mode: the hashes of messages 2 and 3 are made with the key, and one side says that the
/// other's is wrong (RFC 2409 section 5.4).
fn in_aggressive_mode(case: &Case<'_>) -> Option<Finding> {
    case.tunnel.ike_sas.iter().find_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let aggressive = sa
            .exchanges
            .first()
            .is_some_and(|first| case.model.exchanges[*first].kind == ExchangeType::AGGRESSIVE);
        let pre_shared = sa.suite.as_ref().is_some_and(offer::v1_is_pre_shared);
        if !aggressive || !pre_shared {
            return None;
        }
        let hash = NotifyV1::INVALID_HASH_INFORMATION;
        let read = proof::refusal(case.model, *id);
        let read = read.filter(|refusal| refusal.v1 && refusal.errors.contains(&hash.0));
        // Who believes no hash has no keys to seal with that the other side is known to have.
        let in_clear = || {
            let mut notices = clear::refusals_v1(sa, hash);
            notices.find_map(|notice| {
                let path = sa.paths.first()?;
                let ends = [path.from.address, path.to.address];
                let to = ends.into_iter().find(|end| *end != notice.from)?;
                (!sa.state.was_up()).then_some((notice.from, to, notice.at))
            })
        };
        let (from, to, at) = match &read {
            Some(refusal) => (refusal.from, refusal.to, refusal.at),
            None => in_clear()?,
        };
        Some({
            let finding = Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                at,
                Text::verbatim("INVALID-HASH-INFORMATION"),
            )
            .title(say!(
                "The pre-shared keys of {one} and {other} differ",
                one = from,
                other = to
            ))
            .says(say!(
                "Authentication by pre-shared key was agreed in aggressive mode. {from} finds the hash of {to} \
                 wrong (INVALID-HASH-INFORMATION): it is made with another key.",
                from,
                to
            ))
            .advise("Enter the same pre-shared key on both sides.")
            .advise("See that the key is bound to the right peer address or identity.")
            .advise_all(vendor_advice::of_both(case, Topic::PreSharedKey));
            match read {
                Some(_) => finding,
                None => finding
                    .explaining(&["ike-refused"])
                    .or("Notifications in clear can be forged by anyone on the path."),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, said, silent, verdict};
    use crate::model::{Plain, Shares};
    use crate::registry::ExchangeType;
    use std::sync::Arc;

    const FIVE: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 124 again=1,3";

    #[test]
    fn a_complaint_instead_of_message_6() {
        let text = |again: &str| {
            format!(
                "{FIVE}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 sealed 92{again}\n9 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)"
            )
        };
        let each = "\n1.1 B:500 > A:500 INFO_V1 i=1 r=2 id=8 sealed 92\n3.1 B:500 > A:500 INFO_V1 i=1 r=2 id=9 sealed 92";
        verdict(&text(each), "psk-mismatch");
        // Some initiators heed no refusal. Who has read message 5 and refused it has no word for copies of it; it may say
        // more than one at once.
        verdict(&text(""), "auth-failed");
        let delete = "\n0.55 B:500 > A:500 INFO_V1 i=1 r=2 id=8 sealed 92";
        verdict(&text(delete), "auth-failed");
    }

    #[test]
    fn a_complaint_in_clear_is_of_what_was_read_or_not() {
        for (error, slug) in [
            ("16", "psk-mismatch"),
            ("1", "psk-mismatch"),
            ("24", "psk-mismatch"),
            ("14", "auth-failed"),
            ("20", "auth-failed"),
            ("18", "id-mismatch"),
        ] {
            verdict(
                &format!(
                    "{FIVE}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 N({error})\n9 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)"
                ),
                slug,
            );
        }
    }

    #[test]
    fn an_initiator_that_reads_the_refusal_has_the_same_key() {
        verdict(
            &format!(
                "{}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 sealed 92\n9 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)",
                FIVE.replace("again=1,3", "")
            ),
            "auth-failed",
        );
    }

    #[test]
    fn a_responder_that_repeats_message_4() {
        verdict(
            &FIVE
                .replace(
                    "KE Nonce\n        0.4",
                    "KE Nonce again=0.5,1,2,4\n        0.4",
                )
                .replace("again=1,3", "again=1,3,7"),
            "psk-mismatch",
        );
    }

    #[test]
    fn a_responder_that_is_silent_may_be_out_of_reach() {
        silent(&FIVE.replace("again=1,3", "again=1,3,7"), "psk-mismatch");
    }

    #[test]
    fn a_responder_that_agrees_each_time_and_ignores_message_5_each_time() {
        let one = FIVE.replace("again=1,3", "again=1,3,7");
        let other = one
            .replace("i=1 r=0", "i=5 r=0")
            .replace("i=1 r=2", "i=5 r=6")
            .replace("\n        0", "\n        40");
        let end = "\n90 C > B ESP 0xc1";
        verdict(&format!("{one}{other}{end}"), "psk-mismatch");
        // Through a NAT message 5 goes to port 4500, and that may be closed.
        let float = |text: &str| {
            text.replace(
                "A:500 > B:500 MAIN i=1 r=2 sealed",
                "A:4500 > B:4500 MAIN i=1 r=2 sealed",
            )
            .replace(
                "A:500 > B:500 MAIN i=5 r=6 sealed",
                "A:4500 > B:4500 MAIN i=5 r=6 sealed",
            )
        };
        silent(&float(&format!("{one}{other}{end}")), "psk-mismatch");
    }

    #[test]
    fn message_5_that_arrives_on_port_4500_and_is_not_read() {
        let text = FIVE
            .replace(
                "KE Nonce\n        0.4",
                "KE Nonce again=0.5,1,2,4\n        0.4",
            )
            .replace(
                "A:500 > B:500 MAIN i=1 r=2 sealed",
                "A:4500 > B:4500 MAIN i=1 r=2 sealed",
            )
            .replace("again=1,3", "again=1,3,7 ttl=63")
            + "\n90 C > B ESP 0xc1";
        verdict(&text, "psk-mismatch");
        // At the initiator nothing shows that it gets anywhere.
        verdict(&text.replace("ttl=63", "ttl=64"), "port-4500-blocked");
    }

    #[test]
    fn message_6_settles_it() {
        silent(
            &format!("{FIVE}\n3.5 B:500 > A:500 MAIN i=1 r=2 sealed 92 seed=3"),
            "psk-mismatch",
        );
    }

    #[test]
    fn with_signatures_it_is_not_the_key() {
        silent(
            &format!("{FIVE}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 sealed 92")
                .replace("auth=1", "auth=3"),
            "psk-mismatch",
        );
    }

    #[test]
    fn a_message_5_that_was_sent_twice_shows_no_insistence() {
        let text = |five: &str| {
            FIVE.replace(
                "KE Nonce\n        0.4",
                "KE Nonce again=0.5,1,2,4\n        0.4",
            )
            .replace("again=1,3", five)
        };
        silent(&text("again=1"), "psk-mismatch");
        silent(&text(""), "psk-mismatch");
        verdict(&text("again=1,3,7"), "psk-mismatch");
    }

    #[test]
    fn a_hash_of_aggressive_mode_that_is_refused_is_of_a_wrong_key() {
        let text = |kind: &str, auth: u8, error: &str| {
            format!(
                "0 A:500 > B:500 {kind} i=1 r=0 SA(encr=7/256 hash=4 auth={auth} group=14) KE Nonce ID
                 0.1 B:500 > A:500 {kind} i=1 r=2 SA(encr=7/256 hash=4 auth={auth} group=14) KE Nonce ID HASH
                 0.2 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 76 opened HASH N({error})"
            )
        };
        crate::diagnose::testing::fires(&text("AGGRESSIVE", 1, "23"), "psk-mismatch");
        for other in [
            text("AGGRESSIVE", 1, "24"),
            text("AGGRESSIVE", 3, "23"),
            text("MAIN", 1, "23"),
        ] {
            silent(&other, "psk-mismatch");
        }
    }

    #[test]
    fn a_hash_of_aggressive_mode_is_refused_in_clear_too() {
        let text = |error: &str| {
            format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
                 0.2 A:500 > B:500 INFO_V1 i=1 r=2 N({error})
                 9 A:500 > B:500 AGGRESSIVE i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID"
            )
        };
        verdict(&text("23"), "psk-mismatch");
        assert!(!fires(&text("23"), "psk-mismatch").alternatives.is_empty());
        silent(&text("24"), "psk-mismatch");
    }

    #[test]
    fn a_refusal_that_calls_message_5_malformed_is_told_as_it_says() {
        let finding = fires(
            &format!(
                "{FIVE}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 sealed 92 opened HASH N(16)\n9 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)"
            ),
            "psk-mismatch",
        );
        let says = finding.says.to_string();
        assert!(says.contains("It says so: PAYLOAD-MALFORMED"), "{says}");
        // It may complain of something in a message that it could read.
        assert_eq!(finding.confidence, Confidence::Likely);
    }

    #[test]
    fn keys_of_both_sides_prove_it() {
        let five = FIVE.replace("sealed 124", "sealed 124 opened HASH");
        let text =
            format!("{five}\n0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=7 sealed 92 opened HASH N(16)");
        let confidence = |lines: [u64; 2], right: bool| {
            let mut model = crate::testing::model(&text);
            let mut messages = model.messages.take();
            for message in messages.iter_mut().flatten() {
                let is_five = message.header.exchange == ExchangeType::IDENTITY_PROTECTION;
                if let Plain::Opened(opened) = &mut message.plain {
                    let opened = Arc::make_mut(opened);
                    opened.hash_ok = Some(right);
                    opened.key.line = lines[usize::from(is_five)];
                }
            }
            model.messages = Shares::of(messages);
            let findings = said(&RULE, &model);
            let finding = findings.first();
            finding.map(|finding| (finding.confidence, finding.alternatives.len()))
        };
        assert_eq!(confidence([1, 2], true), Some((Confidence::Certain, 0)));
        // A key that does not fit what it opened.
        assert_eq!(confidence([1, 2], false), Some((Confidence::Likely, 1)));
        // Who has the same pre-shared key could read the message.
        assert_eq!(confidence([1, 1], true), None);
    }
}

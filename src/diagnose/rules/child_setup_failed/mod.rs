//! The IKE SA is up, the child SA is refused; the reason is sealed.

mod taken_back;

use crate::diagnose::facts::refused_child::{AT_ONCE, KnownBy, Refusal, refusals};
use crate::diagnose::facts::{began, child, child_made, rekey};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{AuthOutcome, ChildOutcome, ExchangeId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "child-setup-failed",
    code: "IKE208",
    severity: Severity::Error,
    summary: "The IKE SA is up, but the child SA is refused",
    document: DOCUMENT,
    explains: &["clear-text-leak", "tunnel-flapping", "tunnel-deleted"],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The gateways believe each other, but do not agree on the SA that carries traffic: its algorithms, its group, or which addresses it is for. The IKE SA may stay up without any use.

## How it is seen
IKEv2: the IKE_AUTH response, after EAP the last one, has room for an identity and a proof, but not for an SA and traffic selectors; or CREATE_CHILD_SA is answered by a single notification although no child SA exists, or to a request that by its size asks for one more. IKEv1: quick mode message 1 is answered by an informational message instead of message 2, again and again if that may be a liveness check by its size; or never, though it is sent again and again, while the peer goes on to speak on this IKE SA, or fell silent as soon as phase 1 had ended. No ESP follows. Or whoever asked for child SAs deletes each of them as soon as it is granted, in IKEv1 also whoever granted them, and no ESP passes. With keys every refusal is read whose reason no other rule is about.

## What else looks like it
The reason is encrypted. NO_PROPOSAL_CHOSEN (algorithms, PFS group) and TS_UNACCEPTABLE (addresses) have the same size, and so have a lack of inner addresses, a failure inside (TEMPORARY_FAILURE) and a limit of child SAs. With the keys of the IKE SA it can be told which. A refused rekeying whose proposal is shorter looks like one more child SA. What is deleted as soon as it is granted may be closed by a program or an administrator.

## What to do
1. Compare the ESP proposals of both sides: encryption, integrity, PFS group.
2. Compare the traffic selectors (local and remote networks): they must mirror each other.
3. Read the log of the side that refuses, or give the keys of the IKE SA to this tool.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refusals = refusals(case);
    let Some(first) = refusals.first() else {
        return taken_back::taken_back(case).into_iter().collect();
    };
    let recovered = refusals.last().and_then(|last| recovered(case, last));
    let mut says = match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!(
            "{by} refused the child SA {times}: {how}.",
            by = &first.by,
            times = child::times(refusals.len()),
            how = &first.note
        ),
        KnownBy::Checks => say!(
            "Each time ({times}) {by} answered message 1 of quick mode by an informational message of the size of a \
             liveness check: a notification that names the IKE SA is as long.",
            by = &first.by,
            times = child::times(refusals.len())
        ),
        KnownBy::Silence => say!(
            "{by} goes on to speak on this IKE SA, and never answered what was asked of it for a child SA.",
            by = &first.by
        ),
        KnownBy::SilenceAtOnce => say!(
            "{by} ended phase 1, was asked for a child SA at once, and was not heard again on this IKE SA.",
            by = &first.by
        ),
    };
    match first.confidence {
        Confidence::Likely => says.add("The reason is encrypted."),
        Confidence::Certain if first.known_by == KnownBy::Answer => {
            says.add("The answer was read, and names no reason.");
        }
        _ => {}
    }
    match recovered {
        Some(after) if after <= AT_ONCE => says.add("Soon afterwards a child SA was made."),
        Some(after) => says.add(say!(
            "A child SA was made {span} after the last refusal.",
            span = after
        )),
        None => {}
    }
    let mut finding = Finding::new(
        &RULE,
        first.confidence,
        case.id,
        first.at,
        first.note.clone(),
    )
    .severity(match recovered {
        Some(_) => Severity::Warning,
        None => RULE.severity,
    })
    .title(match first.known_by {
        KnownBy::Reason | KnownBy::Answer => say!("{by} refuses the child SA", by = &first.by),
        _ => say!("{by} seems to refuse the child SA", by = &first.by),
    })
    .says(says);
    for refusal in refusals.iter().skip(1) {
        finding = finding.also(refusal.at, refusal.note.clone());
    }
    if first.known_by == KnownBy::Reason {
        return vec![finding.advise("Read the log of the side that refuses.")];
    }
    if first.known_by == KnownBy::SilenceAtOnce {
        finding = finding.or("The peer, or the path, fell silent just then.");
    }
    finding = finding.or(match first.v1 {
        true => "The ESP proposals differ (NO-PROPOSAL-CHOSEN).",
        false => "The ESP proposals differ (NO_PROPOSAL_CHOSEN).",
    });
    // IKE_AUTH has no key exchange for the child SA (RFC 7296 section 1.2), and configures clients.
    let in_auth = refusals.iter().all(|refusal| refusal.in_auth);
    finding = match in_auth {
        true => finding
            .or("The traffic selectors do not fit (TS_UNACCEPTABLE).")
            .or("There is no inner address for a client that asks for one (INTERNAL_ADDRESS_FAILURE).")
            .or("The side that refuses agrees and cannot install it (TEMPORARY_FAILURE), or holds no more (NO_ADDITIONAL_SAS).")
            .advise("Compare ESP encryption and integrity of both sides."),
        false => finding
            .or(match (first.v1, first.has_room) {
                (true, false) => {
                    "The side that refuses wants a key exchange of its own (PFS), and the other asks for none \
                     (NO-PROPOSAL-CHOSEN)."
                }
                (true, true) => "The PFS groups differ, or only one side has PFS (NO-PROPOSAL-CHOSEN).",
                (false, _) => "The PFS groups differ (NO_PROPOSAL_CHOSEN or INVALID_KE_PAYLOAD).",
            })
            .or(match first.v1 {
                true => "The identities of quick mode, which name the networks, do not fit (INVALID-ID-INFORMATION).",
                false => "The traffic selectors do not fit (TS_UNACCEPTABLE).",
            })
            .advise("Compare ESP encryption, integrity and PFS group of both sides."),
    };
    finding = finding
        .advise("Compare local and remote networks: each side's must mirror the other's.")
        .advise(match first.confidence {
            Confidence::Certain => "Read the log of the side that refuses.",
            _ => "Read the log of the side that refuses, or give the keys of the IKE SA.",
        });
    if case.refused(false).iter().any(|refused| refused.adds) {
        finding = finding.or("A rekeying is refused, whose proposal is shorter: a key length takes as much room as the name of an SA.");
    }
    vec![finding]
}

/// How long after the last refusal a child SA was made, in whatever exchange. One that is known to be for other
/// traffic is another; and where others live beside the one that was refused, they are renewed sooner or later.
fn recovered(case: &Case<'_>, last: &Refusal<'_>) -> Option<Span> {
    let refused = last.at.1;
    let attempts = case.attempts().iter();
    let others: BTreeSet<ExchangeId> = last.attempt.map_or_else(BTreeSet::new, |attempt| {
        let others = attempts.filter(|other| !other.is_like(attempt));
        others.map(|other| other.exchange).collect()
    });
    let exchanges = case.tunnel.ike_sas.iter().flat_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let exchanges = sa.exchanges.iter().filter(|id| !others.contains(id));
        exchanges
            .map(|exchange| &case.model.exchanges[*exchange])
            .filter(|exchange| match exchange.kind {
                ExchangeType::IKE_AUTH => sa.auth == AuthOutcome::Full,
                _ => rekey::ended(case.model, exchange, ChildOutcome::Made),
            })
            .filter_map(|exchange| Some(began(case.model, exchange.response()?)?.1))
    });
    // Traffic of a child SA that was made before shows no other one.
    let flows = case.flows().filter_map(|flow| {
        let child = flow.child_sa.child_sa();
        let made_by = child.and_then(|child| case.model.child_sas[child].made_by);
        let made = child_made(case.model, flow);
        let begun = flow.seen.first.1;
        let soon = begun.since(refused) <= AT_ONCE;
        let new = made.map_or(soon, |(_, time)| time > refused);
        (new && made_by.is_none_or(|id| !others.contains(&id))).then_some(begun)
    });
    let after = exchanges.chain(flows).filter(|time| *time > refused);
    let after = after.min()?.since(refused);
    (!last.adds || after <= AT_ONCE).then_some(after)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};
    use crate::diagnose::{Confidence, Severity};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";

    #[test]
    fn who_asks_for_no_child_is_not_refused_one() {
        let exchange = |request: u32| {
            format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed {request}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 144
                 9.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 9.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            )
        };
        silent(&exchange(192), "child-setup-failed");
        fires(&exchange(272), "child-setup-failed");
    }

    #[test]
    fn a_proof_without_a_child() {
        verdict(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128"),
            "child-setup-failed",
        );
    }

    #[test]
    fn quick_mode_in_vain_beside_liveness_checks_that_are_answered() {
        let phase1 = "
            0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=2 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=2 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE(14) Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE(14) Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 76
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
            0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 again=4,11,24
            40 C > B ESP 0xc1";
        let alive = "
            5 A:500 > B:500 INFO_V1 i=1 r=2 id=0x90 sealed 92
            5.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x91 sealed 92
            15 A:500 > B:500 INFO_V1 i=1 r=2 id=0x92 sealed 92
            15.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x93 sealed 92";
        verdict(&format!("{phase1}{alive}"), "child-setup-failed");
        let says = fires(&format!("{phase1}{alive}"), "child-setup-failed").says;
        assert!(says.to_string().contains("goes on to speak"), "{says}");
        // The peer is gone, or a second copy was answered.
        let later = phase1.replace("0.6 A:500", "9.6 A:500");
        silent(&later, "child-setup-failed");
        silent(
            &format!("{phase1}{alive}\n4.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1"),
            "child-setup-failed",
        );
    }

    #[test]
    fn one_refusal_under_an_ike_sa_of_before_the_recording_may_be_of_a_rekeying() {
        let refused = |id: u32| {
            format!(
                "{id} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 224 seed={id}
                 {id}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 80 seed={id}\n"
            )
        };
        silent(&refused(5), "child-setup-failed");
        fires(&(refused(5) + &refused(30)), "child-setup-failed");
    }

    #[test]
    fn one_more_child_that_is_refused_before_there_is_traffic() {
        let text = |from: usize| {
            let lines = [
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                "0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                "0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256",
                "0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
                "1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208",
                "1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80",
                "2 A > B ESP 0xb1 seq 1..60 every 0.5 size 136",
                "2.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136",
            ];
            lines[from..].join("\n")
        };
        let finding = fires(&text(0), "child-setup-failed");
        assert_eq!(finding.severity, Severity::Error);
        // That another was granted a moment before mends nothing.
        let another = "0.5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 seed=9
            0.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208";
        let second = text(0).replace("id=2", "id=3");
        fires(&format!("{second}\n{another}"), "child-setup-failed");
        // Of an IKE SA that was there before the recording it may have been a rekeying.
        silent(&text(4), "child-setup-failed");
    }

    #[test]
    fn one_more_child_is_told_from_a_rekeying_by_its_size() {
        // N(REKEY_SA) takes 12 octets, and AES-GCM does not pad.
        let text = |length: u32| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19) KE(19) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH19) KE(19) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 260
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 230
                 1 A > B ESP 0xb1 seq 1..60 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136
                 3 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 177
                 3.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 177
                 3.2 A > B ESP 0xb2 seq 1..60 every 0.5 size 136
                 3.3 B > A ESP 0xa2 seq 1..60 every 0.5 size 136
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed {length} seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 65
                 18 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=4 request sealed {length} seed=2
                 18.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=4 response sealed 65"
            )
        };
        verdict(&text(177), "child-setup-failed");
        verdict(&text(189), "rekey-failed");
    }

    #[test]
    fn a_child_refused_later_while_there_is_none() {
        verdict(
            &format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128
                 2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 224
                 2.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80"
            ),
            "child-setup-failed",
        );
    }

    /// Another IKE SA between the same ends, so many seconds later.
    fn served(at: u32) -> String {
        format!(
            "{at}.0 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 A:500 > B:500 IKE_SA_INIT i=5 r=6 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.2 B:500 > A:500 IKE_AUTH i=5 r=6 id=1 request sealed 256
             {at}.3 A:500 > B:500 IKE_AUTH i=5 r=6 id=1 response sealed 240"
        )
    }

    #[test]
    fn a_child_made_afterwards_recovers_it() {
        for (at, told) in [
            (2, "Soon afterwards a child SA was made."),
            (40, "A child SA was made 40.0 s after the last refusal."),
        ] {
            let finding = fires(
                &format!(
                    "{AGREED}
                     0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128
                     {}",
                    served(at)
                ),
                "child-setup-failed",
            );
            assert_eq!(finding.severity, Severity::Warning, "after {at} s");
            assert!(finding.says.to_string().ends_with(told), "{}", finding.says);
        }
    }

    #[test]
    fn a_child_refused_after_eap() {
        let text = |success: u32, last: u32, more: &str| {
            format!(
                "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed {success}
                 0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 112
                 0.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed {last}{more}"
            )
        };
        verdict(&text(80, 144, ""), "child-setup-failed");
        // It may be made; EAP goes on; traffic follows.
        silent(&text(80, 240, ""), "child-setup-failed");
        silent(&text(112, 144, ""), "child-setup-failed");
        let traffic = "\n1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9";
        silent(&text(80, 144, traffic), "child-setup-failed");
    }

    #[test]
    fn a_full_answer_is_none() {
        silent(
            &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"),
            "child-setup-failed",
        );
    }

    const MAIN: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
        0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
        0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188";

    #[test]
    fn quick_mode_answered_by_an_informational_message() {
        verdict(
            &format!("{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92"),
            "child-setup-failed",
        );
    }

    #[test]
    fn traffic_shows_that_an_answer_was_only_not_recorded() {
        silent(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 1 A > B ESP 0xb1"
            ),
            "child-setup-failed",
        );
        // What was there when it was asked for is no traffic of its SA.
        fires(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 0.6 A > B ESP 0xb1"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn a_liveness_check_answers_no_quick_mode_and_traffic_that_goes_on_has_its_child() {
        // HASH (36), a notification with the cookies as SPI (28) and a sequence number (4).
        silent(
            &format!(
                "{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 108\n9 C > B ESP 0xc1"
            ),
            "child-setup-failed",
        );
        let rekeying = MAIN.replace("0.6 A:500", "60 A:500");
        silent(
            &format!(
                "{rekeying}
                 60.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 92
                 1 A > B ESP 0xb1 seq 1..200 every 1
                 1 B > A ESP 0xa1 seq 1..200 every 1"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn quick_mode_that_goes_on_is_none() {
        silent(
            &format!(
                "{MAIN}
                 0.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1
                 0.8 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60
                 9 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 108"
            ),
            "child-setup-failed",
        );
    }

    #[test]
    fn what_answers_each_quick_mode_is_no_liveness_check() {
        let again = |n: u32, info: &str| {
            format!(
                "{n}0 A:500 > B:500 QUICK i=1 r=2 id=0x7{n} sealed 188
                 {n}0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x9{n} sealed 108
                 {info}"
            )
        };
        let thrice = again(1, "") + &again(2, "") + &again(3, "");
        let phase_1 = MAIN.rsplit_once('\n').unwrap().0;
        let found = fires(&format!("{phase_1}\n{thrice}"), "child-setup-failed");
        assert_eq!(found.confidence, Confidence::Possible);
        silent(
            &format!("{phase_1}\n{}", again(1, "")),
            "child-setup-failed",
        );
        // A checks, and B answers.
        let checks: String = (1..4)
            .map(|n| format!("\n{n}0.05 A:500 > B:500 INFO_V1 i=1 r=2 id=0xa{n} sealed 108"))
            .collect();
        silent(
            &format!("{phase_1}\n{thrice}{checks}"),
            "child-setup-failed",
        );
    }

    #[test]
    fn a_first_quick_mode_in_vain_right_after_phase_1() {
        let vain = format!("{MAIN} again=8,18,30\n60 C > B ESP 0xc1");
        verdict(&vain, "child-setup-failed");
        silent(&vain.replace("0.6 A:500", "20 A:500"), "child-setup-failed");
        // Traffic after it shows that it was answered.
        let used = "
            0.9 A > B ESP 0xb1 seq 1..9
            0.9 B > A ESP 0xa1 seq 1..9";
        silent(&format!("{vain}{used}"), "child-setup-failed");
        // A peer that said something at the very time it was asked may be gone since.
        let spoke = "\n20 B:500 > A:500 TRANSACTION i=1 r=2 id=0x99 sealed 76";
        let late = vain.replace("0.6 A:500", "20 A:500");
        silent(&format!("{late}{spoke}"), "child-setup-failed");
    }

    /// A child SA granted by `IKE_AUTH`, and one by `CREATE_CHILD_SA`, each followed by an informational message of
    /// the initiator.
    fn granted(first: &str, second: &str) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 272
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             {first} A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 69
             {first}1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 69
             4.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 193
             4.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 177
             {second} A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 69
             {second}1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 69
             40 C > B ESP 0xc1"
        )
    }

    #[test]
    fn who_deletes_what_it_asked_for_at_once_cannot_use_it() {
        let finding = fires(&granted("0.31", "4.31"), "child-setup-failed");
        assert_eq!(finding.confidence, Confidence::Possible);
        assert!(finding.title.to_string().contains("takes back"));
        // What is deleted after a renewal is what it replaces.
        silent(&granted("3.31", "4.31"), "child-setup-failed");
        let served = granted("0.31", "4.31") + "\n1 A > B ESP 0xb1 seq 1..20 every 0.5 size 136";
        silent(&served, "child-setup-failed");
    }

    /// Phase 1, and quick modes that are done, each followed by an informational message of the responder.
    fn quick_modes(second: &str, size: u32) -> String {
        let phase_1 = MAIN.rsplit_once('\n').map_or(MAIN, |(before, _)| before);
        format!(
            "{phase_1}
             0.6  A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
             0.61 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1
             0.62 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60
             0.63 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed {size}
             {second}  A:500 > B:500 QUICK i=1 r=2 id=0x78 sealed 188 seed=2
             {second}1 B:500 > A:500 QUICK i=1 r=2 id=0x78 sealed 188 seed=3
             {second}2 A:500 > B:500 QUICK i=1 r=2 id=0x78 sealed 60 seed=1
             {second}3 B:500 > A:500 INFO_V1 i=1 r=2 id=0x9a sealed {size} seed=1
             40 C > B ESP 0xc1"
        )
    }

    #[test]
    fn who_deletes_what_it_granted_at_once_cannot_use_it() {
        let finding = fires(&quick_modes("4.0", 92), "child-setup-failed");
        assert_eq!(finding.confidence, Confidence::Possible);
        assert!(finding.title.to_string().contains("that it grants"));
        // A liveness check is no Delete.
        silent(&quick_modes("4.0", 108), "child-setup-failed");
        let served = quick_modes("4.0", 92) + "\n5 A > B ESP 0xb1 seq 1..20 every 0.5 size 136";
        silent(&served, "child-setup-failed");
        // Without the phase 1 before it each may renew what is older.
        let text = quick_modes("4.0", 92);
        let late: Vec<&str> = text.lines().skip(7).collect();
        silent(&late.join("\n"), "child-setup-failed");
    }
}

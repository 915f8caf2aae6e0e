use crate::diagnose::testing::{check, findings, fires, silent, verdict};
use crate::diagnose::{Confidence, Severity};
use crate::model::IkeState;
use crate::testing::model;

const SIX: &str = "
        0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
        0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
        0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
        0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
        0.4 A:500 > B:500 MAIN i=1 r=2 sealed 92
        0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92 seed=1";

#[test]
fn an_initiator_that_does_not_believe_message_6() {
    verdict(
        &format!(
            "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 4   A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)"
        ),
        "auth-failed",
    );
}

#[test]
fn what_is_refused_after_message_6_is_no_authentication() {
    let text = |message_6: &str, refusal: &str| {
        format!(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108 opened ID HASH
                 {message_6}
                 0.6 B:500 > A:500 INFO_V1 i=1 r=2 id=0x9 sealed 92 opened HASH {refusal}"
        )
    };
    let message_6 = "0.5 B:500 > A:500 MAIN i=1 r=2 sealed 108 opened ID HASH";
    verdict(&text("", "N(14)"), "auth-failed");
    silent(&text(message_6, "N(14)"), "auth-failed");
    // Of an SA of ESP, though message 6 is not in the recording.
    let of_esp = text("", "N(14 ESP 0xb1)");
    silent(&of_esp, "auth-failed");
    let states: Vec<_> = model(&of_esp).ike_sas.iter().map(|sa| sa.state).collect();
    assert_eq!(states, [IkeState::HalfOpen]);
}

#[test]
fn a_proof_that_is_refused_again_and_again_in_a_recording_that_begins_late() {
    let late = |again: &str| {
        format!(
            "0 A:500 > B:500 MAIN i=1 r=2 sealed 108 {again}
                 0.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x7 sealed 76"
        )
    };
    let twice = late("again=6") + "\n6.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x8 sealed 76";
    let finding = fires(&twice, "auth-failed");
    assert_eq!(finding.confidence, Confidence::Likely);
    // It may be message 6, and what follows a word of the initiator's.
    silent(&late(""), "auth-failed");
    fires(&late(""), "undecided");
}

#[test]
fn an_initiator_that_turns_away_from_the_ike_auth_response() {
    let attempt = |spi: u32, at: u32| {
        format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 1216
                 {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 1136
                 {at}.4 A:500 > B:500 INFORMATIONAL i={spi} r=9 id=2 request sealed 80
                 "
            )
    };
    verdict(&(attempt(1, 0) + &attempt(2, 5)), "auth-failed");
    silent(
        &(attempt(1, 0) + "1 A > B ESP 0xb1 seq 1..9\n1 B > A ESP 0xa1 seq 1..9"),
        "auth-failed",
    );
}

#[test]
fn who_closes_a_tunnel_and_opens_it_to_stay_may_have_believed_all_along() {
    let attempt = |spi: u32, at: u32| {
        format!(
                "{at}.0 A:500 > B:500 IKE_SA_INIT i={spi} r=9 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={spi} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={spi} r=9 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i={spi} r=9 id=1 response sealed 240
                 "
            )
            .replacen("r=9", "r=0", 1)
    };
    let closed = "0.4 A:500 > B:500 INFORMATIONAL i=1 r=9 id=2 request sealed 80
                      0.5 B:500 > A:500 INFORMATIONAL i=1 r=9 id=2 response sealed 80\n";
    let stays = "40 B:500 > A:500 INFORMATIONAL i=2 r=9 id=0 request sealed 80
                     40.1 A:500 > B:500 INFORMATIONAL i=2 r=9 id=0 response sealed 80\n";
    let finding = fires(
        &(attempt(1, 0) + closed + &attempt(2, 3) + stays),
        "auth-failed",
    );
    assert_eq!(finding.confidence, Confidence::Possible);
    assert_eq!(finding.severity, Severity::Info);
    // Each time anew: nobody opens a tunnel for that. The last may be closed for another reason.
    let each: String = (1..6)
        .map(|n| {
            let closed = closed.replace("i=1", &format!("i={n}"));
            let closed = closed.replace("0.4 A", &format!("{}.4 A", 10 * n));
            attempt(n, 10 * n) + &closed.replace("0.5 B", &format!("{}.5 B", 10 * n))
        })
        .collect();
    let finding = fires(&each, "auth-failed");
    assert_eq!(finding.confidence, Confidence::Likely);
    assert_eq!(finding.severity, Severity::Error);
    let says = finding.says.to_string();
    assert!(says.contains("4 times in this capture"), "{says}");
}

#[test]
fn sessions_that_are_closed_later_than_an_initiator_reacts_are_no_refusals() {
    let text = |reacts: u32, closes: u32| -> String {
        let session = |n: u32| {
            let at = |millis: u32| format!("{}", f64::from(10_000 * n + millis) / 1000.0);
            format!(
                    "{} A:500 > B:500 IKE_SA_INIT i={n} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {} B:500 > A:500 IKE_SA_INIT i={n} r=9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     {} A:500 > B:500 IKE_AUTH i={n} r=9 id=1 request sealed 256
                     {} B:500 > A:500 IKE_AUTH i={n} r=9 id=1 response sealed 240
                     {} A:500 > B:500 INFORMATIONAL i={n} r=9 id=2 request sealed 80
                     {} B:500 > A:500 INFORMATIONAL i={n} r=9 id=2 response sealed 80\n",
                    at(0),
                    at(10),
                    at(10 + reacts),
                    at(20 + reacts),
                    at(20 + reacts + closes),
                    at(30 + reacts + closes)
                )
        };
        (1..5).map(session).collect()
    };
    let severity = |text: &str| fires(text, "auth-failed").severity;
    assert_eq!(severity(&text(5, 5)), Severity::Error);
    assert_eq!(severity(&text(5, 400)), Severity::Info);
    // An initiator that is far from the tap, or slow.
    assert_eq!(severity(&text(200, 400)), Severity::Error);
}

#[test]
fn an_initiator_that_gives_up_amid_rounds_of_eap() {
    let text = |success: &str| {
        format!(
            "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 112
                 {success}
                 0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=4 request sealed 144
                 0.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=4 response sealed 128
                 0.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80"
        )
    };
    verdict(&text(""), "auth-failed");
    silent(
        &text(
            "0.55 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 80
                 0.56 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed 80",
        ),
        "auth-failed",
    );
}

#[test]
fn an_answer_as_small_as_a_failure_of_eap_ends_it() {
    // A server of RADIUS that says nothing: the gateway answers late, by EAP Failure. The recording ends there.
    let text = |last: &str| {
        format!(
            "{AGREED}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 9.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 80
                 {last}"
        )
    };
    let failed = text("9.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80");
    verdict(&failed, "auth-failed");
    let server = |text: &str| {
        let others = fires(text, "auth-failed").alternatives;
        others
            .iter()
            .any(|other| other.to_string().contains("server"))
    };
    assert!(server(&failed));
    assert!(!server(
        &failed.replace("9.5 B", "0.5 B").replace("9.6 A", "0.6 A")
    ));
    // Success, which the initiator proves itself after.
    silent(
        &text(
            "9.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 112
                 9.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed 240
                 9.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80",
        ),
        "auth-failed",
    );
}

#[test]
fn a_recording_that_ends_amid_eap_tells_nothing() {
    let amid = format!(
        "{AGREED}
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
             0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
             0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 80"
    );
    check(&amid, &["undecided"]);
    verdict(&format!("{amid}\n9 C > B ESP 0xc1"), "auth-failed");
    // With AES-GCM sizes are exact: 8 octets are a notification, or EAP Success.
    let exact = amid
        .replace(
            "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128",
            "ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256",
        )
        .replace("id=2 response sealed 80", "id=2 response sealed 65");
    silent(&exact, "auth-failed");
    verdict(&format!("{exact}\n9 C > B ESP 0xc1"), "auth-failed");
    // EAP alone authenticates: IDr and a request, without a certificate (RFC 5998).
    let first = format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 96");
    silent(&first, "auth-failed");
    verdict(&format!("{first}\n9 C > B ESP 0xc1"), "auth-failed");
}

/// An IKE SA that `sealed` octets of the initiator follow at once; nothing of ESP is recorded.
fn then(suite: &str, sealed: u32) -> String {
    format!(
        "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA({suite}) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA({suite}) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 304
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 304
             0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed {sealed}
             0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed {sealed}
             9 C > B ESP 0xc1
             "
    )
}

#[test]
fn who_closes_the_ike_sa_since_no_child_was_granted_believes_the_peer() {
    let refused = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 272
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 144
            0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
            0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
            40 C > B ESP 0xc1";
    silent(refused, "auth-failed");
    verdict(refused, "child-setup-failed");
}

#[test]
fn a_liveness_check_after_success_is_none() {
    let gcm = "ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14";
    silent(&then(gcm, 57), "auth-failed");
    silent(&then(gcm, 157), "auth-failed");
    verdict(&then(gcm, 65), "auth-failed");
    // Padding hides which it is.
    let cbc = "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14";
    let finding = fires(&then(cbc, 80), "auth-failed");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(finding.confidence, Confidence::Possible);
}

#[test]
fn quick_mode_after_message_6_is_success() {
    silent(
        &format!(
            "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 0.7 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 188
                 4   A:500 > B:500 INFO_V1 i=1 r=2 id=9 sealed 108"
        ),
        "auth-failed",
    );
}

#[test]
fn a_recording_that_began_with_message_2_cannot_count() {
    silent(
        &format!(
            "{}
                 0.7 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 188
                 0.8 B:500 > A:500 QUICK i=1 r=2 id=8 sealed 188 seed=1
                 0.9 A:500 > B:500 QUICK i=1 r=2 id=8 sealed 76
                 5   A:500 > B:500 INFO_V1 i=1 r=2 id=9 sealed 108
                 5.1 B:500 > A:500 INFO_V1 i=1 r=2 id=10 sealed 108",
            SIX.replace("0   A:500", "# A:500")
        ),
        "auth-failed",
    );
}

const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";

#[test]
fn an_answer_of_one_notification_is_a_refusal() {
    verdict(
        &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80"),
        "auth-failed",
    );
}

#[test]
fn an_answer_with_room_for_a_proof_is_none() {
    silent(
        &format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"),
        "auth-failed",
    );
}

#[test]
fn a_refusal_that_an_ike_sa_follows_is_a_warning() {
    let refused = format!("{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80\n");
    let up = |at: u32| {
        let suite =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request {suite}
                 {at}.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response {suite}
                 {at}.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
                 "
        )
    };
    let finding = fires(&(refused.clone() + &up(6)), "auth-failed");
    assert_eq!(finding.severity, Severity::Warning);
    // What the initiator turns away from is no success.
    let away = up(6) + "6.4 A:500 > B:500 INFORMATIONAL i=7 r=8 id=2 request sealed 80";
    let finding = fires(&(refused.clone() + &away), "auth-failed");
    assert_eq!(finding.severity, Severity::Error);
    // One that was up before is none either.
    let before = refused
        .lines()
        .map(|line| line.trim().replacen("0", "20", 1) + "\n")
        .collect::<String>();
    let finding = fires(&(up(6) + &before), "auth-failed");
    assert_eq!(finding.severity, Severity::Error);
}

#[test]
fn a_notification_in_clear_says_so_itself() {
    let text = format!(
        "{AGREED}\n0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response N(AUTHENTICATION_FAILED)"
    );
    verdict(&text, "auth-failed");
    assert_eq!(fires(&text, "auth-failed").confidence, Confidence::Likely);
    // Its sender goes on: someone forged it, or it came late.
    let on = format!("{text}\n0.4 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240");
    assert_eq!(fires(&on, "auth-failed").severity, Severity::Info);
}

#[test]
fn message_2_of_aggressive_mode_that_is_answered_by_a_complaint() {
    let begun = "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
            0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH";
    let complaint = "0.2 A:500 > B:500 INFO_V1 i=1 r=2 id=0x99 sealed 76";
    let finding = fires(&format!("{begun}\n{complaint}"), "auth-failed");
    let others = finding.alternatives.iter().map(ToString::to_string);
    assert!(
        others
            .collect::<Vec<_>>()
            .contains(&"The pre-shared keys differ.".to_owned())
    );
    // What comes after message 3 may be anything.
    let three = "0.15 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH";
    silent(&format!("{begun}\n{three}\n{complaint}"), "auth-failed");
}

#[test]
fn message_2_of_aggressive_mode_that_is_never_answered() {
    let attempt = |n: u32| {
        format!(
                "{n}0 A:500 > B:500 AGGRESSIVE i={n} r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 {n}0.1 B:500 > A:500 AGGRESSIVE i={n} r=9{n} SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
                 "
            )
    };
    let text: String = (1..5).map(attempt).collect();
    verdict(&text, "auth-failed");
    silent(&(attempt(1) + &attempt(2)), "auth-failed");
    let goes_on = format!("{text}\n40.2 A:500 > B:500 AGGRESSIVE i=4 r=94 HASH");
    silent(&goes_on, "auth-failed");
}

#[test]
fn what_a_client_complains_of_after_mode_config_is_no_refusal_of_the_other() {
    let text = |error: u16| {
        format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
                 0.2 A:500 > B:500 AGGRESSIVE i=1 r=2 HASH
                 0.3 A:500 > B:500 TRANSACTION i=1 r=2 id=0x12 sealed 160
                 0.4 B:500 > A:500 TRANSACTION i=1 r=2 id=0x12 sealed 76
                 0.5 A:500 > B:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH N({error})"
            )
    };
    silent(&text(13), "auth-failed");
    fires(&text(24), "auth-failed");
}

#[test]
fn a_client_that_is_gone_when_message_2_comes_again() {
    let text = |icmp: &str| {
        format!(
                "0 A:40500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
                 0.1 B:500 > A:40500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH again=2,5
                 {icmp} A > B ICMP 3/3 quoting B:500 > A:40500 IKE i=1 r=2 count 2 every 3"
            )
    };
    verdict(&text("2.01"), "auth-failed");
    // Who is gone when the first copy comes has not read it.
    silent(&text("0.11"), "auth-failed");
    let up = format!(
            "{}
             20 A:40501 > B:500 AGGRESSIVE i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID
             20.1 B:500 > A:40501 AGGRESSIVE i=5 r=6 SA(encr=7/256 hash=4 auth=1 group=14) KE Nonce ID HASH
             20.2 A:40501 > B:500 AGGRESSIVE i=5 r=6 HASH",
            text("2.01")
        );
    silent(&up, "auth-failed");
}

#[test]
fn xauth_that_no_quick_mode_follows() {
    let attempt = |n: u32| {
        let phase_1 = SIX.replace("i=1", &format!("i={n}")).replace("r=2", "r=9");
        let phase_1 = phase_1.replace("        0", &format!("        {n}0"));
        format!(
            "{phase_1}
                 {n}0.6 B:500 > A:500 TRANSACTION i={n} r=9 id=0x11 sealed 76
                 {n}4.0 A:500 > B:500 TRANSACTION i={n} r=9 id=0x11 sealed 108
                 {n}4.1 B:500 > A:500 TRANSACTION i={n} r=9 id=0x12 sealed 76
                 {n}4.2 A:500 > B:500 TRANSACTION i={n} r=9 id=0x12 sealed 76
                 "
        )
    };
    let text: String = (1..4).map(attempt).collect();
    verdict(&text, "auth-failed");
    // What a user does not pass is no IKE SA that was still up.
    let deleted = text.clone() + "40 B:500 > A:500 INFO_V1 i=1 r=9 id=0x7 sealed 92\n";
    let says = fires(&deleted, "auth-failed").says.to_string();
    assert!(!says.contains("was still up"), "{says}");
    let quick = "35 A:500 > B:500 QUICK i=3 r=9 id=0x77 sealed 188
                     35.1 B:500 > A:500 QUICK i=3 r=9 id=0x77 sealed 188
                     35.2 A:500 > B:500 QUICK i=3 r=9 id=0x77 sealed 60\n";
    silent(&(attempt(3) + quick), "auth-failed");
    // A user who is known already is asked again, while the child SAs of before serve.
    let esp = |from: u32, to: u32| {
        format!(
            "{from} A > B ESP 0xb1 seq 1..{to} every 1
             {from} B > A ESP 0xa1 seq 1..{to} every 1\n"
        )
    };
    silent(&(text.clone() + &esp(1, 50)), "auth-failed");
    verdict(&(text.clone() + &esp(1, 5)), "auth-failed");
    // Of two clients behind one NAT one has a tunnel.
    let other = esp(1, 50).replace("A > B ESP", "A:1024 > B:4500 ESP");
    let other = other.replace("B > A ESP", "B:4500 > A:1024 ESP");
    verdict(&(text + &other), "auth-failed");
}

#[test]
fn only_after_rounds_of_eap_a_name_or_a_password_may_be_wrong() {
    let says = |rounds: &str, id: u32| {
        let text = format!(
            "{AGREED}{rounds}
                 0.9 B:500 > A:500 IKE_AUTH i=1 r=2 id={id} response sealed 80
                 9 C > B ESP 0xc1"
        );
        fires(&text, "auth-failed").says.to_string()
    };
    let rounds = "
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1136
            0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 112
            0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed 112
            0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 112";
    let (one, several) = (says("", 1), says(rounds, 3));
    assert!(!one.contains("several rounds"), "{one}");
    assert!(several.contains("several rounds"), "{several}");
}

#[test]
fn traffic_after_the_informational_message_shows_that_message_6_was_believed() {
    let text = |last: u32| {
        format!(
            "{}
                 10.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 92
                 1 A > B ESP 0xb1 seq 1..{last} every 0.5
                 1 B > A ESP 0xa1 seq 1..{last} every 0.5
                 40 C > B ESP 0xc1",
            SIX.replace("        0", "        10")
        )
    };
    silent(&text(60), "auth-failed");
    fires(&text(15), "auth-failed");
}

#[test]
fn a_refusal_that_the_key_of_message_5_does_not_open_is_of_another_key() {
    use crate::model::{IkeSaId, Plain, Shares, Why};
    let told = |five: bool, refusal: bool| {
        let mut model = crate::testing::model(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 92 opened ID(10.1.0.1) HASH
                 0.5 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH N(24)",
        );
        let mut shares = model.messages.take();
        for message in shares.iter_mut().flatten() {
            let garbled = match message.frame.number {
                5 => five,
                6 => refusal,
                _ => false,
            };
            if garbled {
                message.plain = Plain::Failed(Why::WrongKey);
            }
        }
        model.messages = Shares::of(shares);
        let exchange = model.ike_sas[IkeSaId(0)].exchanges[1];
        let refusal = model.exchanges[exchange].flights.first().unwrap();
        super::message_5::told_by_keys(&model, IkeSaId(0), refusal)
    };
    assert_eq!(
        told(false, false),
        Some(false),
        "read, and of another thing"
    );
    assert_eq!(told(true, false), Some(true));
    assert_eq!(told(false, true), Some(true));
    assert_eq!(told(true, true), None);
}

#[test]
fn room_for_a_certificate_tells_what_to_compare() {
    let refused = |asks: &str, octets: u32| {
        fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                     0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce{asks}
                     0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed {octets}
                     0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80"
                )
                ,
                "auth-failed",
            )
    };
    let first = |asks: &str, octets: u32| {
        let finding = refused(asks, octets);
        let alternatives: Vec<String> = finding
            .alternatives
            .iter()
            .map(ToString::to_string)
            .collect();
        let certificates = alternatives.iter().any(|one| one.contains("certificate"));
        (alternatives[0].clone(), certificates)
    };
    let asks = format!(" CERTREQ({})", "ab".repeat(20));
    // Raw keys and certificates that the peer has already are not sent.
    assert_eq!(first("", 304), ("The pre-shared keys differ.".into(), true));
    assert!(first(&asks, 304).1);
    assert!(first("", 1200).1);
    assert!(first(&asks, 1200).0.contains("certificate"));
}

#[test]
fn who_is_refused_a_new_ike_sa_may_have_one() {
    let sa = |at: u32, answer: u32| {
        format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={at}1 r={at}2 id=1 request sealed 256
                 {at}.3 B:500 > A:500 IKE_AUTH i={at}1 r={at}2 id=1 response sealed {answer}\n"
            )
    };
    let probe = |at: u32| {
        format!(
            "{at} A:500 > B:500 INFORMATIONAL i=11 r=12 id=2 request sealed 80
                 {at}.1 B:500 > A:500 INFORMATIONAL i=11 r=12 id=2 response sealed 80"
        )
    };
    let says = |text: &str| fires(text, "auth-failed").says.to_string();
    let up = sa(1, 240) + &sa(30, 80);
    let lives = says(&(up.clone() + &probe(60)));
    assert!(lives.contains("was still up"), "{lives}");
    let silent = says(&(up + "60 C > B ESP 0xc1"));
    assert!(!silent.contains("was still up"), "{silent}");
}

#[test]
fn what_went_so_before_goes_so_again_at_the_end() {
    let turned = |at: u32, suite: &str, octets: u32| {
        format!(
                "{at} A:500 > B:500 IKE_SA_INIT i={at}1 r=0 id=0 request SA({suite}) KE(14) Nonce
                 {at}.1 B:500 > A:500 IKE_SA_INIT i={at}1 r={at}2 id=0 response SA({suite}) KE(14) Nonce
                 {at}.2 A:500 > B:500 IKE_AUTH i={at}1 r={at}2 id=1 request sealed 1200
                 {at}.3 B:500 > A:500 IKE_AUTH i={at}1 r={at}2 id=1 response sealed 1200
                 {at}.31 A:500 > B:500 INFORMATIONAL i={at}1 r={at}2 id=2 request sealed {octets}
                 {at}.4 B:500 > A:500 INFORMATIONAL i={at}1 r={at}2 id=2 response sealed 57\n"
            )
    };
    let says = |suite: &str, octets: u32| {
        let text = turned(1, suite, octets) + &turned(5, suite, octets);
        fires(&text, "auth-failed").says.to_string()
    };
    let exact = says("ENCR_AES_GCM_16-256 PRF_HMAC_SHA2_256 DH14", 65);
    assert!(exact.contains("2 times"), "{exact}");
    // A liveness check may be as long.
    let padded = says(
        "ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14",
        80,
    );
    assert!(!padded.contains("2 times"), "{padded}");
}

#[test]
fn an_initiator_that_deletes_the_sa_when_it_has_read_message_6() {
    let text = |opened: &str| {
        format!(
            "{SIX}
                 0.6 A:500 > B:500 INFO_V1 i=1 r=2 id=7 sealed 108 opened {opened}
                 40 C > B ESP 0xc1"
        )
    };
    let finding = fires(&text("HASH D(IKE)"), "auth-failed");
    assert!(finding.says.to_string().contains("asked for nothing"));
    silent(&text("HASH N(24578)"), "auth-failed");
}

#[test]
fn who_proves_nothing_yet_asks_for_eap() {
    let told = |auth: &str, asks: &str| {
        let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce{asks}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) {auth} SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
            );
        let alternatives = fires(&text, "auth-failed").alternatives;
        let alternatives = alternatives.iter().map(ToString::to_string);
        alternatives.collect::<Vec<_>>().join(" ")
    };
    let eap = told("", "");
    assert!(
        eap.contains("has no EAP") && !eap.contains("keys differ"),
        "{eap}"
    );
    let key = told("AUTH(2)", "");
    assert!(key.contains("keys differ") && !key.contains("EAP"), "{key}");
    let asks = format!(" CERTREQ({})", "ab".repeat(20));
    let asked = told("AUTH(2)", &asks);
    assert!(asked.contains("wants a certificate"), "{asked}");
    assert!(!key.contains("wants a certificate"), "{key}");
}

#[test]
fn an_address_behind_a_nat_is_not_the_one_that_the_peer_sees() {
    let told = |identity: &str| {
        let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi({identity}) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
            );
        let alternatives = fires(&text, "auth-failed").alternatives;
        alternatives
            .iter()
            .any(|one| one.to_string().contains("a NAT gives it"))
    };
    assert!(told("10.1.0.1"));
    assert!(!told("192.0.2.1"));
    assert!(!told("gw.example"));
}

#[test]
fn a_certificate_that_does_not_bear_the_identity() {
    use crate::diagnose::testing::CERTIFICATE;
    let foreign = |identity: &str| {
        let finding = fires(
                &format!(
                    "1900000000.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
                     1900000000.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
                     1900000000.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 1200 opened IDi({identity}) CERT({CERTIFICATE}) AUTH(14) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                     1900000000.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
                ),
                "auth-failed",
            );
        let first = finding.advice.first().map(ToString::to_string);
        first.is_some_and(|first| first.contains("in its certificate"))
    };
    assert!(foreign("other.example"));
    assert!(!foreign("gw.example"));
}

#[test]
fn who_requires_a_ppk_stops_at_an_answer_without() {
    let attempt = |at: u32, asks: &str, says: &str| {
        format!(
            "{at}.0 A:500 > B:500 IKE_SA_INIT i={at} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce {asks}
             {at}.1 B:500 > A:500 IKE_SA_INIT i={at} r={at}2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce {says}\n"
        )
    };
    let all = |asks: &str, says: &str| {
        let attempts = [1, 5, 9].map(|at| attempt(at, asks, says));
        attempts.concat()
    };
    let finding = fires(&all("N(USE_PPK)", ""), "auth-failed");
    assert_eq!(finding.severity, Severity::Warning);
    let found = findings(&all("N(USE_PPK)", ""));
    assert!(
        found.iter().all(|one| one.rule.slug == "auth-failed"),
        "{found:?}"
    );
    silent(&all("N(USE_PPK)", "N(USE_PPK)"), "auth-failed");
    silent(&all("", ""), "auth-failed");
    // One attempt, of which the recording ends.
    silent(&attempt(1, "N(USE_PPK)", ""), "auth-failed");
    // The message that follows, which is not answered.
    silent(
        &(attempt(1, "N(USE_PPK)", "")
            + "1.2 A:500 > B:500 IKE_AUTH i=1 r=12 id=1 request sealed 256 again=4,11,24"),
        "auth-failed",
    );
}

#[test]
fn what_the_initiator_refuses_without_its_being_read_may_bear_no_proof() {
    let text = |answer: &str| {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
             {answer}
             0.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened N(AUTHENTICATION_FAILED)
             0.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 opened"
        )
    };
    let read = "0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)";
    let confidence = |answer: &str| fires(&text(answer), "auth-failed").confidence;
    assert_eq!(confidence(read), Confidence::Certain);
    assert_eq!(confidence(""), Confidence::Likely);
}

/// An IKE SA of `A` with `B`, and later one of `C` of the given name, which `B` refuses.
fn second(name: &str, first_ends: &str) -> String {
    let suite = "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    format!(
        "0   A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
         0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
         0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(office) AUTH(2) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
         0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(hub) AUTH(2) SA(ESP 0xb1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.1.0.0/16) TSr(10.2.0.0/16)
         1   A > B ESP 0xb1 seq 1..60 every 0.5
         1   B > A ESP 0xa1 seq 1..60 every 0.5
         {first_ends}
         9   C:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request {suite}
         9.1 B:500 > C:500 IKE_SA_INIT i=5 r=6 id=0 response {suite}
         9.2 C:500 > B:500 IKE_AUTH i=5 r=6 id=1 request sealed 256 opened IDi({name}) AUTH(2) SA(ESP 0xc1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(10.3.0.0/16) TSr(10.2.0.0/16)
         9.3 B:500 > C:500 IKE_AUTH i=5 r=6 id=1 response sealed 80 opened N(AUTHENTICATION_FAILED)"
    )
}

#[test]
fn a_peer_may_keep_the_older_tunnel_of_an_identity() {
    let keeps = |text: &str| {
        let finding = fires(text, "auth-failed");
        let mut all = finding.alternatives.iter();
        all.any(|one| one.to_string().contains("keeps the older"))
    };
    assert!(keeps(&second("office", "")));
    assert!(!keeps(&second("branch", "")));
    let ended = "8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 opened D(IKE)
                 8.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 opened";
    assert!(!keeps(&second("office", ended)));
}

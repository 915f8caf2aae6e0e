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
        &format!("{MAIN}\n0.7 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 108\n9 C > B ESP 0xc1"),
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

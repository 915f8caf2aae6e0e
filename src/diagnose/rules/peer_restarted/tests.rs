use crate::diagnose::Confidence;
use crate::diagnose::testing::{findings, fires, silent, verdict};

const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136";

const ANEW: &str = "
        21 B:500 > A:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.1 A:500 > B:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        21.2 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
        21.3 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 response sealed 240
        22 A > B ESP 0xb2 seq 1..10 every 0.5 size 136
        22.1 B > A ESP 0xa2 seq 1..10 every 0.5 size 136";

#[test]
fn silence_and_a_new_beginning_by_the_silent_side() {
    verdict(&format!("{UP}{ANEW}"), "peer-restarted");
}

#[test]
fn a_host_that_refuses_and_then_negotiates_again() {
    verdict(
        &format!(
            "{UP}
                 12 B > A ICMP 3/2 quoting A > B ESP 0xb1
                 13 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 again=1,3
                 13 B > A ICMP 3/3 quoting A:500 > B:500 IKE i=1 r=2
                 21 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 21.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
        ),
        "peer-restarted",
    );
}

#[test]
fn an_idle_tunnel_whose_peer_is_asked_in_vain_and_begins_anew() {
    let (up, _) = UP.split_once("\n        1 A > B").unwrap();
    let probes = |copies: &str| {
        format!(
            "{up}
                 10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80{copies}{ANEW}"
        )
    };
    // The tap stands beside the one that begins anew, and would hear what that asks; with ESP or without.
    let beside = |text: &str, own: &str| -> String {
        let lines = text.lines().map(|line| match line.contains(own) {
            true => format!("{line}\n"),
            false => format!("{line} ttl=57\n"),
        });
        lines
            .filter(|line| !line.trim().starts_with("ttl"))
            .collect()
    };
    let asked = probes(" again=2,4,8");
    let (idle, _) = asked.split_once("\n        22 A > B").unwrap();
    for text in [asked.as_str(), idle] {
        let finding = fires(&beside(text, " B:500 > "), "peer-restarted");
        assert_eq!(finding.confidence, Confidence::Possible);
    }
    // A single request was lost.
    silent(&beside(&probes(""), " B:500 > "), "peer-restarted");
    // Of a path that died the other side would say the same.
    silent(&beside(&asked, " A:500 > "), "peer-restarted");
    silent(&asked, "peer-restarted");
}

#[test]
fn whoever_probed_in_vain_did_not_restart() {
    silent(
        &format!(
            "{UP}{ANEW}
                 13 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=1,3"
        ),
        "peer-restarted",
    );
}

/// A begins anew instead of B.
fn by_the_other() -> String {
    ANEW.replace("B:500 > A:500", "X")
        .replace("A:500 > B:500", "B:500 > A:500")
        .replace('X', "A:500 > B:500")
}

#[test]
fn a_host_that_denies_the_old_sas_before_the_other_side_begins_anew() {
    for denial in [
        "12 B > A ICMP 3/2 quoting A > B ESP 0xb1",
        "12 B > A ICMP 3/3 quoting A:500 > B:500 IKE",
        "12 B:500 > A:500 INFORMATIONAL i=1 r=2 id=9 response N(INVALID_IKE_SPI)",
        "12 B:500 > A:500 INFORMATIONAL i=0 r=0 id=0 request N(INVALID_SPI 000000b1)",
    ] {
        let found = fires(
            &format!("{UP}\n{denial}\n{}", by_the_other()),
            "peer-restarted",
        );
        assert!(
            found.title.to_string().starts_with("192.0.2.2"),
            "{denial}: {}",
            found.title
        );
    }
}

#[test]
fn old_sas_that_the_recording_knows_by_their_esp_alone() {
    let esp = UP.split_once("\n        1 A > B").unwrap().1;
    let esp = format!("1 A > B{esp}");
    verdict(&format!("{esp}{ANEW}"), "peer-restarted");
    let denial = "12 B > A ICMP 3/2 quoting A > B ESP 0xb1";
    let found = fires(
        &format!("{esp}\n{denial}\n{}", by_the_other()),
        "peer-restarted",
    );
    assert!(found.title.to_string().starts_with("192.0.2.2"));
    // Who asks in vain meanwhile saw the path die.
    let vain =
        "13 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80 again=1,3";
    silent(&format!("{esp}{ANEW}\n{vain}"), "peer-restarted");
    // An IKE SA that was closed before has taken its ESP with it.
    let close = "20.4 B:500 > A:500 INFORMATIONAL i=5 r=6 id=0 request by=responder sealed 80
             20.5 A:500 > B:500 INFORMATIONAL i=5 r=6 id=0 response sealed 80";
    silent(&format!("{esp}{ANEW}\n{close}"), "peer-restarted");
    // One direction alone may be all that this tap records.
    let one = esp.lines().next().unwrap();
    silent(&format!("{one}{ANEW}"), "peer-restarted");
}

#[test]
fn silence_alone_before_the_other_side_begins_anew_tells_nothing() {
    silent(&format!("{UP}\n{}", by_the_other()), "peer-restarted");
}

#[test]
fn a_router_that_denies_is_not_the_peer() {
    silent(
        &format!(
            "{UP}\n12 C > A ICMP 3/3 quoting A:500 > B:500 IKE\n{}",
            by_the_other()
        ),
        "peer-restarted",
    );
}

#[test]
fn a_beginning_at_once_that_deletes_nothing() {
    let up = UP.replace("1..20", "1..38").replace("1..40", "1..38");
    let anew = ANEW.replace("1..10", "1..30");
    let found = fires(&format!("{up}\n{anew}"), "peer-restarted");
    assert_eq!(found.severity, crate::diagnose::Severity::Info);
    // A reauthentication deletes the old IKE SA.
    silent(
        &format!(
            "{up}\n{anew}
                 21.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
                 21.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80"
        ),
        "peer-restarted",
    );
    // Another IKE SA lives beside the first.
    silent(
        &format!("{UP}\n{anew}\n22.3 B > A ESP 0xa1 seq 21..40 every 0.5 size 136"),
        "peer-restarted",
    );
}

/// IKEv1: B answers each packet of A until it falls silent after so many seconds, and begins anew
/// after 60.
fn v1(answers: u32) -> String {
    let phase_1 = |at: u32, i: u32, from: &str, to: &str| {
        format!(
            "{at}.0 {from}:500 > {to}:500 MAIN i={i} r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.1 {to}:500 > {from}:500 MAIN i={i} r=9{i} SA(encr=7/256 hash=4 auth=1 group=14)
                 {at}.2 {from}:500 > {to}:500 MAIN i={i} r=9{i} KE Nonce
                 {at}.3 {to}:500 > {from}:500 MAIN i={i} r=9{i} KE Nonce
                 {at}.4 {from}:500 > {to}:500 MAIN i={i} r=9{i} sealed 92
                 {at}.5 {to}:500 > {from}:500 MAIN i={i} r=9{i} sealed 92 seed=1\n"
        )
    };
    format!(
        "{}1 A > B ESP 0xb1 seq 1..118 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..{answers} every 0.5 size 136
             {}61 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
             61.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 136",
        phase_1(0, 1, "A", "B"),
        phase_1(60, 7, "B", "A"),
    )
}

#[test]
fn ikev1_that_falls_silent_amid_a_conversation_and_begins_anew() {
    verdict(&v1(60), "peer-restarted");
    // It talks until then, or hardly ever did: its ISAKMP SA is renewed.
    silent(&v1(117), "peer-restarted");
    silent(&v1(6), "peer-restarted");
}

#[test]
fn ikev1_that_was_silent_and_says_initial_contact() {
    let says = |answers: u32| {
        let last = "60.4 B:500 > A:500 MAIN i=7 r=97 sealed 92";
        let text = v1(answers);
        assert!(text.contains(last), "{text}");
        text.replace(last, &format!("{last} opened ID HASH N(24578)"))
    };
    verdict(&says(6), "peer-restarted");
    silent(&says(117), "peer-restarted");
}

#[test]
fn a_nat_that_lets_nobody_in_tells_nothing_of_who_is_behind_it() {
    let text = |quoted: &str| {
        format!(
            "0 A:1024 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500)
             0.1 B:500 > A:1024 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(B:500 A:1024)
             0.2 A:41000 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:4500 > A:41000 IKE_AUTH i=1 r=2 id=1 response sealed 240
             1 A:41000 > B:4500 ESP 0xb1 seq 1..10 every 0.5 size 136
             1.1 B:4500 > A:41000 ESP 0xa1 seq 1..10 every 0.5 size 136
             8 B:4500 > A:41000 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80 again=1,3,5
             15 B:500 > A:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=1,2
             15.1 A > B ICMP 3/3 quoting {quoted} count 3 every 1
             18 A:1024 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500)
             18.1 B:500 > A:1024 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(B:500 A:1024)
             18.2 A:41000 > B:4500 IKE_AUTH i=3 r=4 id=1 request sealed 256
             18.3 B:4500 > A:41000 IKE_AUTH i=3 r=4 id=1 response sealed 240"
        )
    };
    let likely = |quoted| {
        let found = findings(&text(quoted));
        let mut restarts = found.iter().filter(|one| one.rule.slug == "peer-restarted");
        restarts.any(|one| one.confidence == Confidence::Likely)
    };
    assert!(likely("B:4500 > A:41000 IKE i=1 r=2"));
    assert!(!likely("B:500 > A:500 IKE i=5 r=0"));
}

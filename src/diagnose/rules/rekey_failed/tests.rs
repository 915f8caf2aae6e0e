use crate::diagnose::Severity;
use crate::diagnose::testing::{fires, silent, verdict};

const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
        10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80";

#[test]
fn what_a_new_ike_sa_without_a_child_is_refused_is_no_rekeying() {
    let again = UP
        .lines()
        .filter(|line| !line.contains("ESP") && !line.contains("IKE_AUTH"))
        .map(|line| line.trim().replace("i=1", "i=7").replace("r=2", "r=8"))
        .filter_map(|line| {
            let (time, rest) = line.split_once(' ')?;
            Some(format!("{} {rest}\n", time.parse::<f64>().ok()? + 200.0))
        })
        .collect::<String>();
    // IKE_AUTH without a child SA.
    let auth = "200.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                    200.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 144
                    215 A:500 > B:500 CREATE_CHILD_SA i=7 r=8 id=3 request sealed 208 seed=1
                    215.1 B:500 > A:500 CREATE_CHILD_SA i=7 r=8 id=3 response sealed 80";
    let before: Vec<&str> = UP
        .lines()
        .filter(|line| !line.contains("CREATE_CHILD_SA"))
        .collect();
    let text = format!("{}\n{again}{auth}", before.join("\n"));
    silent(&text, "rekey-failed");
    verdict(&text, "child-setup-failed");
}

/// The other client has an IKE SA and ports of its own.
#[test]
fn what_a_client_without_a_child_is_refused_is_no_rekeying_of_its_neighbour() {
    let up = UP
        .lines()
        .filter(|line| !line.contains("CREATE_CHILD_SA"))
        .collect::<Vec<_>>()
        .join("\n");
    let neighbour = |answer: u32| {
        format!(
            "{up}
                 5 A:700 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 5.1 B:500 > A:700 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 5.2 A:700 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                 5.3 B:500 > A:700 IKE_AUTH i=7 r=8 id=1 response sealed {answer}
                 7 A:700 > B:500 CREATE_CHILD_SA i=7 r=8 id=2 request sealed 208
                 7.1 B:500 > A:700 CREATE_CHILD_SA i=7 r=8 id=2 response sealed 80
                 9 A:700 > B:500 CREATE_CHILD_SA i=7 r=8 id=3 request sealed 208 seed=1
                 9.1 B:500 > A:700 CREATE_CHILD_SA i=7 r=8 id=3 response sealed 80"
        )
    };
    silent(&neighbour(144), "rekey-failed");
    verdict(&neighbour(144), "child-setup-failed");
    fires(&neighbour(240), "rekey-failed");
}

#[test]
fn quick_modes_that_are_refused_may_be_for_one_more_child() {
    let refused = "
            14 A:500 > B:500 QUICK i=1 r=2 id=0x19 sealed 188
            14.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x17 sealed 76";
    let goes_on = PAIRS.replace("1..40", "1..80");
    let finding = fires(&format!("{goes_on}{refused}"), "rekey-failed");
    assert_eq!(finding.severity, Severity::Warning);
    // What was in use ends, and so it was its renewal.
    let ends = format!("{PAIRS}{refused}\n21 A:500 > B:500 INFO_V1 i=1 r=2 id=0x8 sealed 76");
    assert_eq!(fires(&ends, "rekey-failed").severity, Severity::Error);
}

const PAIRS: &str = "
        1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..80 every 0.5 size 136
        1 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 136
        10 A:500 > B:500 QUICK i=1 r=2 id=0x9 sealed 188
        10.1 B:500 > A:500 INFO_V1 i=1 r=2 id=0x7 sealed 76";

#[test]
fn a_child_sa_that_ends_after_one_refusal_while_others_go_on() {
    let deleted = format!("{PAIRS}\n21 A:500 > B:500 INFO_V1 i=1 r=2 id=0x8 sealed 76");
    let finding = fires(&deleted, "rekey-failed");
    assert_eq!(finding.severity, Severity::Warning);
    // Hosts that have no more to say.
    silent(PAIRS, "rekey-failed");
    // Another took its place.
    let renewed = format!("{deleted}\n19 A > B ESP 0xb3 seq 1..40 every 0.5 size 136");
    silent(&renewed, "rekey-failed");
}

#[test]
fn a_quick_mode_that_nobody_answers_though_esp_passes() {
    let text = |copies: &str, packets: u32| {
        format!(
            "1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..{packets} every 0.5 size 136
                 10 A:500 > B:500 QUICK i=1 r=2 id=0x9 sealed 188 {copies}"
        )
    };
    verdict(&text("again=1.5,4,8", 80), "rekey-failed");
    // The peer is gone as a whole.
    silent(&text("again=1.5,4,8", 17), "rekey-failed");
    silent(&text("again=1.5", 80), "rekey-failed");
}

#[test]
fn one_refusal_that_was_read_is_a_warning() {
    let text = |reason: &str| {
        format!(
            "1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 208 opened SA(IKE 7 ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N({reason})
                 60 C > B ESP 0xc1"
        )
    };
    let finding = fires(&text("NO_PROPOSAL_CHOSEN"), "rekey-failed");
    assert_eq!(finding.severity, Severity::Warning);
    // It is asked for again, by and by (RFC 7296 section 2.25).
    silent(&text("TEMPORARY_FAILURE"), "rekey-failed");
}

#[test]
fn requests_that_cross_are_refused_for_the_moment() {
    let text = |at: f64, opened: bool| {
        let (offer, refusal) = match opened {
            true => (
                " opened SA(IKE 7 ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce",
                " opened N(TEMPORARY_FAILURE)",
            ),
            false => ("", ""),
        };
        let (later, last) = (at + 0.1, at + 0.2);
        let one = |id: u32, at: f64, later: f64, last: f64| {
            format!(
                "{at} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208{offer}
                     {at}1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} request by=responder sealed 208{offer}
                     {later} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 80{refusal}
                     {last} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} response by=responder sealed 80{refusal}\n"
            )
        };
        let before: Vec<&str> = UP
            .lines()
            .filter(|line| !line.contains("CREATE_CHILD_SA"))
            .collect();
        format!(
            "{}\n{}{}",
            before.join("\n"),
            one(2, at, later, last),
            one(3, at + 5.0, later + 5.0, last + 5.0)
        )
    };
    for opened in [false, true] {
        silent(&text(12.5, opened), "rekey-failed");
    }
    let alone = text(12.5, true);
    let alone: Vec<&str> = alone
        .lines()
        .filter(|line| !line.contains("by=responder"))
        .collect();
    fires(&alone.join("\n"), "rekey-failed");
}

#[test]
fn a_capture_without_esp_shows_it_by_what_follows() {
    let life = |n: u32| {
        let lines: Vec<String> = UP
            .lines()
            .filter(|line| !line.contains("ESP"))
            .filter_map(|line| {
                let (time, rest) = line.trim().split_once(' ')?;
                let time = time.parse::<f64>().ok()? + f64::from(n) * 60.0;
                let rest = rest.replace("i=1", &format!("i={n}1"));
                Some(format!(
                    "{time} {}",
                    rest.replace("r=2", &format!("r={n}2"))
                ))
            })
            .collect();
        let (i, r, t) = (format!("{n}1"), format!("{n}2"), n * 60 + 30);
        let r = lines[0].contains("r=0").then_some(r).unwrap();
        format!(
            "{}\n{t} A:500 > B:500 INFORMATIONAL i={i} r={r} id=3 request sealed 80
                 {t}.1 B:500 > A:500 INFORMATIONAL i={i} r={r} id=3 response sealed 80\n",
            lines.join("\n")
        )
    };
    verdict(&(life(1) + &life(2) + &life(3)), "rekey-failed");
}

#[test]
fn what_a_later_reconnect_follows_tells_of_no_rekeying_in_a_capture_without_esp() {
    let once: Vec<&str> = UP.lines().filter(|line| !line.contains("ESP")).collect();
    let text = |later: u32| {
        format!(
            "{}
                 {later} A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce
                 {later}.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(DH14) KE(14) Nonce",
            once.join("\n")
        )
    };
    fires(&text(40), "rekey-failed");
    silent(&text(9000), "rekey-failed");
    fires(&text(9000), "child-setup-failed");
}

#[test]
fn certificates_hide_the_child_sa_of_ike_auth_and_its_flow_shows_it() {
    let idle = |flows: bool| {
        let up = UP.lines().filter(|line| !line.contains("CREATE_CHILD_SA"));
        let up = up.filter(|line| flows || !line.contains("ESP"));
        let up: Vec<&str> = up.collect();
        let up = up.join("\n");
        let up = up.replace("sealed 256", "sealed 1600");
        up.replace("sealed 240", "sealed 1536")
            + "
                 120 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
                 120.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 125 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
                 125.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
    };
    verdict(&idle(true), "rekey-failed");
    silent(&idle(false), "rekey-failed");
}

#[test]
fn small_requests_refused_twice() {
    verdict(
        &format!(
            "{UP}
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
        ),
        "rekey-failed",
    );
}

#[test]
fn quick_modes_refused_twice_while_traffic_flows() {
    let up = "
            0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=2 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=2 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE(14) Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE(14) Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 76
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
            0.6 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188
            0.7 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1
            0.8 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60
            1 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
            1.1 B > A ESP 0xa1 seq 1..80 every 0.5 size 136
            10 B:500 > A:500 QUICK i=1 r=2 id=0x78 by=responder sealed 188
            10.1 A:500 > B:500 INFO_V1 i=1 r=2 id=0x79 sealed 76";
    let again = "
            20 B:500 > A:500 QUICK i=1 r=2 id=0x7a by=responder sealed 188
            20.1 A:500 > B:500 INFO_V1 i=1 r=2 id=0x7b sealed 76";
    let granted = "
            20.3 A:500 > B:500 QUICK i=1 r=2 id=0x7c sealed 188
            20.4 B:500 > A:500 QUICK i=1 r=2 id=0x7c by=responder sealed 188 seed=1
            20.5 A:500 > B:500 QUICK i=1 r=2 id=0x7c sealed 60
            20.6 A > B ESP 0xb2 seq 1..40 every 0.5 size 136
            20.7 B > A ESP 0xa2 seq 1..40 every 0.5 size 136";
    verdict(&format!("{up}{again}"), "rekey-failed");
    // Message 2 is not in the recording, and what it made is: the small message deleted the old SA.
    let made = "\n            11 A > B ESP 0xb5 seq 1..20 every 0.5 size 136";
    silent(&format!("{up}{again}{made}"), "rekey-failed");
    silent(up, "rekey-failed");
    silent(&format!("{up}{again}{granted}"), "rekey-failed");
}

/// A new IKE SA that begins at this second, by main mode or not.
fn anew(at: u32) -> String {
    format!(
        "{at} A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             {at}.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce"
    )
}

#[test]
fn one_sealed_refusal_before_a_new_negotiation_is_no_error() {
    let finding = fires(&format!("{UP}\n{}", anew(60)), "rekey-failed");
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn a_reauthentication_hours_later_has_nothing_to_do_with_it() {
    silent(&format!("{UP}\n{}", anew(9000)), "rekey-failed");
}

#[test]
fn refusals_after_which_one_is_granted_are_no_error() {
    let text = format!(
        "{UP}
             15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 208 seed=1
             15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80
             60 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=4 request sealed 208 seed=2
             60.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=4 response sealed 208"
    );
    let finding = fires(&text, "rekey-failed");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.says.to_string().contains("one was granted later"));
}

#[test]
fn temporary_failures_that_pass_are_information() {
    let child = "SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)";
    let asked = |at: u32, id: u32, answer: &str| {
        format!(
            "{at} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 seed={id} opened N(REKEY_SA ESP 0xa1) {child}
                 {at}.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response {answer}\n"
        )
    };
    let failure = "sealed 80 opened N(TEMPORARY_FAILURE)";
    let granted = format!("sealed 208 opened {}", child.replace("0xa2", "0xb2"));
    let refused = asked(20, 3, failure) + &asked(35, 4, failure);
    let text = format!("{UP}\n{refused}{}", asked(60, 5, &granted));
    let text = text
        .replace("10 A:500", "# 10 A:500")
        .replace("10.1 B:500", "# 10.1 B:500");
    let finding = fires(&text, "rekey-failed");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.says.to_string().contains("later it granted it"));
}

#[test]
fn one_refusal_without_consequence_is_not_worth_an_alarm() {
    silent(UP, "rekey-failed");
}

#[test]
fn one_refusal_that_was_read_counts_if_the_peers_negotiate_anew() {
    let text = |after: &str| {
        let up = UP.split("10 A:500").next().unwrap();
        format!(
            "{up}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened N(REKEY_SA ESP 0xa1) SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80 opened N(NO_ADDITIONAL_SAS)
                 {after}
                 100 C > B ESP 0xc1"
        )
    };
    let severity = |after: &str| fires(&text(after), "rekey-failed").severity;
    assert_eq!(severity(&anew(60)), Severity::Error);
    let up = "60.2 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
                  60.3 B:500 > A:500 IKE_AUTH i=7 r=8 id=1 response sealed 240";
    assert_eq!(severity(&format!("{}\n{up}", anew(60))), Severity::Info);
    silent(&text(""), "rekey-failed");
}

/// What comes before the first refusal.
fn before() -> &'static str {
    UP.split_at(UP.find("10 A:500").unwrap()).0
}

/// A request of five copies in vain, while the peer asks so often whether we live.
fn in_vain(checks: u32) -> String {
    let checks: String = (0..checks)
        .map(|n| {
            let at = 10 + n * 3;
            format!(
                "{at}.5 B:500 > A:500 INFORMATIONAL i=1 r=2 id={n} request by=responder sealed 80 seed={n}
                     {at}.6 A:500 > B:500 INFORMATIONAL i=1 r=2 id={n} response by=initiator sealed 80 seed={n}\n"
            )
        })
        .collect();
    let up = before();
    format!(
        "{up}
             10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 752 again=1.5,3.9,7.7,13.9
             {checks}
             45 A:500 > B:500 IKE_SA_INIT i=7 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             45.1 B:500 > A:500 IKE_SA_INIT i=7 r=8 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce"
    )
}

#[test]
fn a_rekeying_that_is_never_answered_though_the_peer_is_heard() {
    let text = in_vain(5);
    verdict(&text, "rekey-failed");
    let finding = fires(&text, "rekey-failed");
    assert!(
        finding.says.to_string().contains("752 octets"),
        "{}",
        finding.says
    );
    // Of a peer that is not heard any more it is not the rekeying that fails.
    silent(&in_vain(0), "rekey-failed");
    verdict(&in_vain(0), "dpd-timeout");
}

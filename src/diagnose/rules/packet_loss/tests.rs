use crate::diagnose::testing::{fires, silent, verdict};
use crate::diagnose::{Confidence, Severity};
use crate::units::Span;

#[test]
fn gaps_in_one_direction_are_loss() {
    verdict(
        "1 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1 size 136",
        "packet-loss",
    );
}

#[test]
fn numbers_that_a_standby_skips_are_no_loss() {
    let found = fires(
        "0 A > B ESP 0xb1 seq 1..40 every 0.1 size 136
             4.2 A > B ESP 0xb1 seq 1000041..1000080 every 0.1 size 136
             0.05 B > A ESP 0xa1 seq 1..80 every 0.1 size 136",
        "packet-loss",
    );
    assert_eq!(found.severity, Severity::Info);
    let title = found.title.to_string();
    assert!(title.ends_with("jump by 1000000"), "{title}");
    let says = found.says.to_string();
    assert!(!says.contains("never came"), "{says}");
}

#[test]
fn esp_alone_that_is_lost_while_the_sas_are_renewed() {
    let text = |answered: f64, number: u32, back: &str| {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 1 A > B ESP 0xb1 seq 1..100 every 0.25 size 136
                 1.05 B > A ESP 0xa1 seq 1..60 every 0.25 size 136
                 25.9 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 256
                 {answered} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 26.1 A > B ESP 0xb2 seq {back} every 0.25 size 136
                 34.1 B > A ESP 0xa2 seq {number}..80 every 0.25 size 136"
        )
    };
    let found = fires(&text(26.0, 33, "1..80"), "packet-loss");
    assert_eq!(found.severity, Severity::Warning);
    silent(&text(26.0, 33, "1..80"), "path-outage");
    // All that was sent on the new SA came; or the recording itself lacks packets.
    silent(&text(26.0, 1, "1..80"), "packet-loss");
    let found = fires(&text(26.0, 33, "1..20,31..80"), "packet-loss");
    assert_eq!(found.severity, Severity::Info);
}

#[test]
fn esp_alone_that_is_lost_while_quick_mode_renews_the_sas() {
    let text = |number: u32| {
        format!(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
                 0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
                 0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
                 0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
                 0.5 B:500 > A:500 MAIN i=1 r=2 sealed 76
                 0.6 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 204
                 0.7 B:500 > A:500 QUICK i=1 r=2 id=0x21 sealed 204
                 0.8 A:500 > B:500 QUICK i=1 r=2 id=0x21 sealed 60
                 1 A > B ESP 0xb1 seq 1..100 every 0.25 size 136
                 1.05 B > A ESP 0xa1 seq 1..60 every 0.25 size 136
                 25.8 A:500 > B:500 QUICK i=1 r=2 id=0x22 sealed 204
                 25.9 B:500 > A:500 QUICK i=1 r=2 id=0x22 sealed 204
                 26.0 A:500 > B:500 QUICK i=1 r=2 id=0x22 sealed 60
                 26.1 A > B ESP 0xb2 seq 1..80 every 0.25 size 136
                 34.1 B > A ESP 0xa2 seq {number}..80 every 0.25 size 136"
        )
    };
    verdict(&text(33), "packet-loss");
    silent(&text(1), "packet-loss");
}

#[test]
fn esp_alone_that_is_lost_for_a_while() {
    let text = |asks: &str, check: &str| {
        format!(
            "{asks}
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
                 {check}"
        )
    };
    let asks = "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136";
    let check = "24 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
                     24.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
    let finding = fires(&text(asks, check), "packet-loss");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.confidence, Confidence::Likely);
    // Where nothing goes the other way meanwhile, large packets may have been lost one by one.
    let pause = "0 A > B ESP 0xb1 seq 1..80 every 0.25 size 136
                     30 A > B ESP 0xb1 seq 81..160 every 0.25 size 136";
    let finding = fires(&text(pause, check), "packet-loss");
    assert_eq!(finding.severity, Severity::Info);
}

#[test]
fn what_is_missing_and_was_not_answered_did_not_arrive() {
    let back = |packets: u32| {
        format!(
            "1 B > A ESP 0xa1 seq 1..20,46..65,91..110 every 0.1 size 136
                 1.05 A > B ESP 0xb1 seq 1..{packets} every 0.1 size 136"
        )
    };
    let finding = fires(&back(60), "packet-loss");
    assert_eq!(finding.severity, Severity::Warning);
    // Nothing ties the two directions to each other.
    assert_eq!(fires(&back(75), "packet-loss").severity, Severity::Info);
}

#[test]
fn heavy_loss_is_why_checks_fail_under_whichever_sa() {
    let lossy = |spi: &str, at: u32, packets: u32| -> String {
        (1..packets)
            .filter(|n| n * n % 97 < 50)
            .map(|n| format!("{}.1 B > A ESP {spi} seq {n} size 136\n", at + n / 2))
            .collect()
    };
    let text = format!(
        "{}{}1 A > B ESP 0xb1 seq 1..1400 every 0.5 size 136",
        lossy("0xa1", 2, 500),
        lossy("0xa2", 640, 200),
    );
    let finding = fires(&text, "packet-loss");
    assert!(finding.last.since(finding.first) > Span::from_secs(640));
    assert!(finding.also_explains.contains(&"dpd-timeout"));
}

#[test]
fn gaps_that_the_capture_may_have_made_are_no_fault() {
    // Too few packets the other way to show it; gaps both ways; one way only.
    let lossy =
        "1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1";
    for other in [
        "1 A > B ESP 0xb1 seq 1..50 every 0.4",
        "1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1",
        "",
    ] {
        let finding = fires(&format!("{lossy}\n{other}"), "packet-loss");
        assert_eq!(finding.severity, Severity::Info, "{other}");
        assert_eq!(finding.confidence, Confidence::Possible, "{other}");
    }
}

#[test]
fn losses_both_ways_from_which_ike_suffers_too_are_of_the_path() {
    let finding = fires(
        "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
             2.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=6 request sealed 80 again=2
             11.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=6 response sealed 80
             1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1
             1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1",
        "packet-loss",
    );
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn requests_to_a_dead_peer_or_at_another_time_show_no_loss() {
    let lossy = |at: u32, answer: &str| {
        format!(
            "{at}.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again=2
                 {at}.1 A:500 > B:500 INFORMATIONAL i=3 r=4 id=5 request sealed 80 again=2
                 {answer}
                 1 B > A ESP 0xa1 seq 1..20,22..40,43..60,63..80,82..100,102..120,123..200 every 0.1
                 1 A > B ESP 0xb1 seq 1..20,22..40,42..60,62..200 every 0.1"
        )
    };
    let answers = "
            92.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
            92.2 B:500 > A:500 INFORMATIONAL i=3 r=4 id=5 response sealed 80";
    for text in [lossy(5, ""), lossy(90, answers)] {
        let finding = fires(&text, "packet-loss");
        assert_eq!(finding.severity, Severity::Info, "{text}");
    }
}

#[test]
fn one_huge_step_of_the_numbers_may_be_a_failover() {
    let finding = fires(
        "1 A > B ESP 0xb1 seq 1..200 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..100,1048676..1048776 every 0.1 size 136",
        "packet-loss",
    );
    assert_eq!(finding.severity, Severity::Info);
    assert!(
        finding
            .alternatives
            .iter()
            .any(|or| or.to_string().contains("RFC 6311"))
    );
}

#[test]
fn packets_out_of_order_are_not_lost() {
    silent(
        "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 1..20,22,21,23..40,44,43,42,41,45..100 every 0.1 size 136",
        "packet-loss",
    );
}

/// Both directions at two taps; the second lacks what `lost` names of the packets towards it.
fn two_taps(towards: &str, back: &str) -> String {
    format!(
        "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1.05 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 ttl=63
             {towards}
             {back}"
    )
}

const TOWARDS: &str = "
        1.02 A > B ESP 0xb1 seq 1..20 every 0.1 size 136 tap=1 ttl=63
        3.52 A > B ESP 0xb1 seq 26..60 every 0.1 size 136 tap=1 ttl=63
        7.42 A > B ESP 0xb1 seq 65..100 every 0.1 size 136 tap=1 ttl=63";
const BACK: &str = "1.03 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 tap=1";

#[test]
fn two_taps_tell_where_packets_are_lost() {
    let finding = fires(&two_taps(TOWARDS, BACK), "packet-loss");
    assert_eq!(finding.confidence, Confidence::Certain);
    assert!(
        finding
            .says
            .to_string()
            .starts_with("9 of 100 packets left the tap tap 0 and never reached the tap tap 1"),
        "{}",
        finding.says
    );
    let inputs: Vec<u16> = finding.evidence.iter().map(|e| e.frame.input).collect();
    assert!(inputs.contains(&0) && inputs.contains(&1), "{inputs:?}");
}

#[test]
fn a_few_that_are_missing_of_one_direction_alone_were_not_lost_by_the_recording() {
    // Six are missing here; of the other direction, of so many packets, five or more would be.
    let text = |back: u32| {
        format!(
            "1 A > B ESP 0xb1 seq 1..300 every 0.1 size 136
             1.02 A > B ESP 0xb1 seq 1..50,52..90,92..140,142..190,192..230,232..260,262..300 every 0.1 size 136 tap=1 ttl=63
             1 B > A ESP 0xa1 seq 1..{back} every 0.1 size 136 ttl=63
             1.01 B > A ESP 0xa1 seq 1..{back} every 0.1 size 136 tap=1"
        )
    };
    assert_eq!(fires(&text(260), "packet-loss").severity, Severity::Warning);
    assert_eq!(fires(&text(240), "packet-loss").severity, Severity::Info);
}

#[test]
fn a_tap_that_loses_packets_of_both_directions_is_no_path() {
    let back = "1.03 B > A ESP 0xa1 seq 1..30 every 0.1 size 136 tap=1
                    4.63 B > A ESP 0xa1 seq 37..100 every 0.1 size 136 tap=1";
    silent(&two_taps(TOWARDS, back), "packet-loss");
}

#[test]
fn gaps_in_what_the_gateway_beside_the_tap_sends_are_those_of_the_capture() {
    let beside = |ttl: u8| {
        format!(
            "1 A > B ESP 0xb1 seq 1..20,22..70,72,74..100 every 0.1 size 136
                 1 B > A ESP 0xa1 seq 1..20,22..40,43..100 every 0.1 size 136 ttl={ttl}"
        )
    };
    silent(&beside(57), "packet-loss");
    fires(&beside(64), "packet-loss");
}

#[test]
fn a_few_that_one_tap_lacks_may_be_lost_by_its_recording() {
    let towards = "1.02 A > B ESP 0xb1 seq 1..20,22..40 every 0.1 size 136 tap=1 ttl=63
                       5.12 A > B ESP 0xb1 seq 42..60,62..100 every 0.1 size 136 tap=1 ttl=63";
    let finding = fires(&two_taps(towards, BACK), "packet-loss");
    assert_eq!(finding.severity, Severity::Info);
}

#[test]
fn one_piece_is_an_outage_and_told_for_itself() {
    let towards = "1.02 A > B ESP 0xb1 seq 1..20 every 0.1 size 136 tap=1 ttl=63
                       7.42 A > B ESP 0xb1 seq 65..100 every 0.1 size 136 tap=1 ttl=63";
    let finding = fires(&two_taps(towards, BACK), "packet-loss");
    assert_eq!(finding.severity, Severity::Info);
}

#[test]
fn what_ends_for_good_is_no_outage() {
    let title = |until: u32| {
        let towards = format!("1.02 A > B ESP 0xb1 seq 1..{until} every 0.1 size 136 tap=1 ttl=63");
        let finding = fires(&two_taps(&towards, BACK), "packet-loss");
        finding.title.to_string()
    };
    assert!(title(40).starts_with("From one moment on"), "{}", title(40));
    // So near the end it may have been an outage that was over soon.
    assert!(title(80).ends_with("in one piece"), "{}", title(80));
}

#[test]
fn a_capture_that_begins_late_has_lost_nothing() {
    silent(
        "1 A > B ESP 0xb1 seq 5000..5100 every 0.1 size 136
             1 B > A ESP 0xa1 seq 7000..7100 every 0.1 size 136",
        "packet-loss",
    );
}

#[test]
fn loss_between_two_taps_is_less_sure_if_the_far_one_dropped_some_itself() {
    let mut model = crate::testing::model(&two_taps(TOWARDS, BACK));
    let sure = |model: &crate::model::Model| {
        crate::diagnose::testing::said(&super::RULE, model)[0].confidence
    };
    assert_eq!(sure(&model), Confidence::Certain);
    model.inputs[0].dropped = Some(1);
    assert_eq!(sure(&model), Confidence::Certain, "the near one");
    model.inputs[1].dropped = Some(1);
    assert_eq!(sure(&model), Confidence::Likely);
}

#[test]
fn what_is_lost_between_two_taps_is_told_by_size() {
    let odd: Vec<String> = (21..60)
        .step_by(2)
        .map(|number| number.to_string())
        .collect();
    let says = |late: &str| {
        let text = format!(
            "1 A > B ESP 0xb1 seq 1..100 every 0.3 size 136,1264
             1 B > A ESP 0xa1 seq 1..50 every 0.6 size 136
             1.02 A > B ESP 0xb1 seq 1..20 every 0.3 size 136,1264 tap=1 ttl=63
             7.02 A > B ESP 0xb1 seq {} every 0.6 size 136 tap=1 ttl=63
             {late}
             1.03 B > A ESP 0xa1 seq 1..50 every 0.6 size 136 tap=1",
            odd.join(",")
        );
        fires(&text, "packet-loss").says.to_string()
    };
    let told = says("19.02 A > B ESP 0xb1 seq 61..100 every 0.3 size 136,1264 tap=1 ttl=63");
    assert!(
        told.contains("1264 octets of ESP and more; none of 50 smaller"),
        "{told}"
    );
    // A small one was lost as well.
    let told = says(
        "19.02 A > B ESP 0xb1 seq 61..70 every 0.3 size 136,1264 tap=1 ttl=63
             22.32 A > B ESP 0xb1 seq 72..100 every 0.3 size 1264,136 tap=1 ttl=63",
    );
    assert!(!told.contains("smaller"), "{told}");
}

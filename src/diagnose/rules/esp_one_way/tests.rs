use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};
use crate::diagnose::{Confidence, Severity};

/// A second child SA whose answers end at a time, beside one of which each packet is answered, or by
/// which `extra` packets come.
fn two_children(answers: u32, extra: &str) -> String {
    format!(
        "{UP}
             0.5 A > B ESP 0xb1 seq 1..60 every 1 size 136
             0.6 B > A ESP 0xa1 seq 1..60 every 1 size 136
             1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             1.2 A > B ESP 0xb2 seq 1..60 every 1 size 136
             1.3 B > A ESP 0xa2 seq 1..{answers} every 1 size 136
             {extra}"
    )
}

#[test]
fn who_is_behind_a_nat_and_was_idle_may_come_out_of_another_port() {
    let text = |idle: u32| {
        let at = 11 + idle;
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(B:500 N:1024)
             0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
             1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.5 size 136
             1.1 B:4500 > A:4500 ESP 0xa1 seq 1..20 every 0.5 size 136
             {at} A:4500 > B:4500 ESP 0xb1 seq 21..80 every 0.5 size 136"
        )
    };
    let told = |idle: u32| format!("{:?}", fires(&text(idle), "esp-one-way").alternatives);
    assert!(told(20).contains("another port"), "{}", told(20));
    assert!(!told(10).contains("another port"), "{}", told(10));
}

#[test]
fn what_leaves_by_one_tunnel_may_be_answered_by_another() {
    let tunnel = |ike: u32, from: char, to: char| {
        format!(
            "0 {from}:500 > {to}:500 IKE_SA_INIT i={ike}1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 {to}:500 > {from}:500 IKE_SA_INIT i={ike}1 r={ike}2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 {from}:500 > {to}:500 IKE_AUTH i={ike}1 r={ike}2 id=1 request sealed 256
             0.3 {to}:500 > {from}:500 IKE_AUTH i={ike}1 r={ike}2 id=1 response sealed 240\n"
        )
    };
    let text = |answers: u32, at: f32| {
        format!(
            "{}{}1 A > B ESP 0xb1 seq 1..30 every 0.5 size 136
             {at} C > A ESP 0xc1 seq 1..{answers} every 0.5 size 136",
            tunnel(1, 'A', 'B'),
            tunnel(2, 'C', 'A')
        )
    };
    let found = findings(&text(30, 1.3));
    let one_way = || found.iter().filter(|one| one.rule.slug == "esp-one-way");
    assert_eq!(one_way().count(), 2, "{found:?}");
    assert!(one_way().all(|one| one.severity == Severity::Warning));
    let says: Vec<String> = one_way().map(|one| one.says.to_string()).collect();
    assert!(
        says.iter().any(|says| says.contains("may be the answers")),
        "{says:?}"
    );
    assert!(
        says.iter().any(|says| says.contains("may answer them")),
        "{says:?}"
    );
    // Other packets, or at another time.
    assert_eq!(
        fires(&text(20, 1.3), "esp-one-way").severity,
        Severity::Error
    );
    assert_eq!(
        fires(&text(30, 4.3), "esp-one-way").severity,
        Severity::Error
    );
}

#[test]
fn as_many_packets_from_another_address_may_be_the_answers() {
    let text = |back: &str| {
        format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
                 0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
                 2 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 {back}"
        )
    };
    let severity = |back: &str| fires(&text(back), "esp-one-way").severity;
    assert_eq!(
        severity("2.1 C > A ESP 0xa1 seq 1..40 every 0.5 size 136"),
        Severity::Info
    );
    assert_eq!(
        severity("2.1 C > A ESP 0xa1 seq 1..38 every 0.5 size 136"),
        Severity::Error
    );
    // At another time, to another, or of a tunnel of its own.
    assert_eq!(
        severity("9 C > A ESP 0xa1 seq 1..40 every 0.5 size 136"),
        Severity::Error
    );
    assert_eq!(
        severity("2.1 C > D ESP 0xa1 seq 1..40 every 0.5 size 136"),
        Severity::Error
    );
    let both = "2.1 C > A ESP 0xa1 seq 1..40 every 0.5 size 136
                    2.2 A > C ESP 0xc1 seq 1..40 every 0.5 size 136";
    assert_eq!(severity(both), Severity::Error);
}

#[test]
fn what_another_tap_has_of_the_silent_end_shows_that_it_is_not() {
    let text = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
            0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80
            2 A > B ESP 0xb1 seq 1..100 every 0.5 size 136";
    let there = "2 B > A ESP 0xa1 seq 1..80 every 0.5 size 136 tap=1";
    fires(text, "esp-one-way");
    silent(&format!("{text}\n{there}"), "esp-one-way");
}

#[test]
fn one_child_of_several_that_falls_silent() {
    let finding = crate::diagnose::testing::fires(&two_children(30, ""), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Likely);
    assert!(
        finding.says.to_string().contains("0x000000a2"),
        "{}",
        finding.says
    );
    silent(&two_children(58, ""), "esp-one-way");
    // What comes by the other child SA unasked may be the answers.
    let moved = "31.4 B > A ESP 0xa1 seq 61..90 every 1 size 136";
    silent(&two_children(30, moved), "esp-one-way");
}

#[test]
fn what_never_had_an_answer_must_be_known_for_a_child_sa_of_its_own() {
    let traffic = "
            0.5 A > B ESP 0xb1 seq 1..60 every 1 size 136
            0.6 B > A ESP 0xa1 seq 1..60 every 1 size 136
            10.2 A > B ESP 0xb2 seq 1..40 every 1 size 152";
    silent(traffic, "esp-one-way");
    let made = "
            10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
            10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208";
    let text = format!("{UP}{traffic}{made}");
    let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
}

#[test]
fn of_sas_that_were_made_before_the_recording_one_has_no_answers() {
    let text = |answers: &str, size: u32| {
        format!(
            "0 A > B ESP 0xb1 seq 100..159 every 1 size 136
                 0.05 B > A ESP 0xa1 seq {answers} size 136
                 3.2 A > B ESP 0xb2 seq 50..99 every 1 size {size}"
        )
    };
    let alone = "100..159 every 1";
    let finding = crate::diagnose::testing::fires(&text(alone, 136), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
    let says = finding.says.to_string();
    assert!(says.contains("2 SAs go there and 1 back"), "{says}");
    assert!(says.contains("with 0x000000b2"), "{says}");
    // Both are answered in one; and where no packet of the size is answered it may want no answer.
    silent(&text("100..219 every 0.5", 136), "esp-one-way");
    // Opened, it wants none.
    let opened = text(alone, 136).replace(
        "50..99 every 1 size 136",
        "50..99 every 1 size 136 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)",
    );
    silent(&opened, "esp-one-way");
    silent(&text(alone, 152), "esp-one-way");
    // Which of two that began together it is, nobody can tell.
    let both = text(alone, 136)
        .replace("3.2 A", "0.01 A")
        .replace("50..99", "50..109");
    let finding = crate::diagnose::testing::fires(&both, "esp-one-way");
    let says = finding.says.to_string();
    assert!(says.contains("0x000000b1 or 0x000000b2"), "{says}");
    // One of as many ends, and no other takes its place.
    let ends = |until: u32| {
        let ended = format!("0.02 B > A ESP 0xa2 seq 50..{until} every 1 size 136");
        format!("{both}\n{ended}")
    };
    let finding = crate::diagnose::testing::fires(&ends(69), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
    let says = finding.says.to_string();
    assert!(says.contains("0x000000a2 came back as well"), "{says}");
    silent(&ends(108), "esp-one-way");
    let next = "20.03 B > A ESP 0xa3 seq 1..40 every 1 size 136";
    silent(&format!("{}\n{next}", ends(69)), "esp-one-way");
}

#[test]
fn what_may_be_a_delete_just_then_is_named() {
    let text = |at: u32| {
        format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..90 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 {at}.3 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 80
                 {at}.4 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response sealed 80"
        )
    };
    for (at, named) in [(31, true), (50, false)] {
        let finding = fires(&text(at), "esp-one-way");
        let mut others = finding.alternatives.iter().map(ToString::to_string);
        assert_eq!(
            others.any(|one| one.contains("deleted this child SA")),
            named
        );
    }
}

#[test]
fn requests_that_were_opened_want_an_answer_by_nature() {
    let text = format!(
        "{UP}
             1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             40 A > C ESP 0xc1"
    );
    let finding = fires(&text, "esp-one-way");
    let others: String = finding
        .alternatives
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        !others.contains("by nature") && !others.contains("syslog"),
        "{others}"
    );
    let says = finding.says.to_string();
    assert!(
        says.contains("ICMP echo from 10.1.0.1 to 10.2.0.1"),
        "{says}"
    );
}

#[test]
fn a_child_that_was_replaced_is_not_silent() {
    let rekeyed = "
            40 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 224
            40.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 208
            40.2 A > B ESP 0xb3 seq 1..40 every 1 size 136
            40.3 B > A ESP 0xa3 seq 1..40 every 1 size 136";
    let text = format!(
        "{UP}
             0.5 A > B ESP 0xb1 seq 1..90 every 1 size 136
             0.6 B > A ESP 0xa1 seq 1..90 every 1 size 136
             1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
             1.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
             1.2 A > B ESP 0xb2 seq 1..39 every 1 size 136
             1.3 B > A ESP 0xa2 seq 1..39 every 1 size 136{rekeyed}"
    );
    silent(&text, "esp-one-way");
}

#[test]
fn a_stream_after_pings_is_no_broken_conversation() {
    let after = |size: u32, every: &str| {
        findings(&format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..30 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 32 A > B ESP 0xb1 seq 31..270 every {every} size {size}"
        ))
    };
    let found = after(280, "0.05");
    assert!(is_healthy(&found), "{found:#?}");
    // Pings that are answered no more, and slow ones of another size.
    for (size, confidence) in [(136, Confidence::Likely), (280, Confidence::Possible)] {
        let found = after(size, "1");
        let first = found.first().unwrap();
        assert_eq!(
            (first.rule.slug, first.confidence),
            ("esp-one-way", confidence)
        );
    }
}

#[test]
fn what_goes_on_when_all_that_was_answered_has_ended_wants_no_answer() {
    let text = |pings: u32| {
        format!(
            "1 A > B ESP 0xb1 seq 1..{pings} every 0.5 size 136
                 1.02 B > A ESP 0xa1 seq 1..30 every 0.5 size 136
                 1 A > B ESP 0xb2 seq 1..140 every 0.25 size 224"
        )
    };
    silent(&text(30), "esp-one-way");
    fires(&text(80), "esp-one-way");
}

const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

/// Two child SAs whose selectors keys tell, the second for `other` networks; the first works.
fn two_sets(other: &str, rest: &str) -> String {
    let child = |spi: &str| format!("SA(ESP {spi} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128)");
    format!(
            "{UP} opened {} TSi(10.1.0.0/24) TSr(10.2.0.0/24)
             0.5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208 opened {} Nonce {other}
             0.6 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208 opened {} Nonce {other}
             1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             {rest}",
            child("0xb1"),
            child("0xa2"),
            child("0xb2"),
        )
        .replace(
            "request sealed 256",
            &format!("request sealed 256 opened {} TSi(10.1.0.0/24) TSr(10.2.0.0/24)", child("0xa1")),
        )
}

#[test]
fn one_set_of_selectors_of_several_goes_one_way() {
    let apart = "TSi(10.1.7.0/24) TSr(10.2.7.0/24)";
    let out = "2 A > B ESP 0xb2 seq 1..18 every 1 size 136";
    let found = findings(&two_sets(apart, out));
    let title = found.first().unwrap().title.to_string();
    assert_eq!(
        title,
        "ESP for 10.1.7.0/24 with 10.2.7.0/24 flows from 192.0.2.1 to 192.0.2.2 only"
    );
    verdict(&two_sets(apart, out), "esp-one-way");
    // It is answered, or idle.
    let back = "2.1 B > A ESP 0xa2 seq 1..18 every 1 size 136";
    assert!(is_healthy(&findings(&two_sets(
        apart,
        &format!("{out}\n{back}")
    ))));
    assert!(is_healthy(&findings(&two_sets(apart, ""))));
}

#[test]
fn where_answers_may_come_in_another_sa_selectors_prove_nothing() {
    let out = "2 A > B ESP 0xb2 seq 1..18 every 1 size 136";
    for other in [
        "TSi(10.1.0.0/24) TSr(10.2.0.0/24)",
        "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
    ] {
        // Only that none came there unasked remains.
        let text = two_sets(other, out);
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        assert_eq!(finding.confidence, Confidence::Possible);
        let title = finding.title.to_string();
        assert!(title.starts_with("One child SA of several"), "{title}");
        let back = "2.1 B > A ESP 0xa1 seq 41..58 every 1 size 136";
        silent(&format!("{text}\n{back}"), "esp-one-way");
    }
    // Nobody knows what the SA of this flow takes.
    let apart = "TSi(10.1.7.0/24) TSr(10.2.7.0/24)";
    let unknown = format!("{out}\n3 B > A ESP 0xa9 seq 1..9 every 1 size 136");
    silent(&two_sets(apart, &unknown), "esp-one-way");
}

#[test]
fn what_begins_hours_later_is_judged_by_itself() {
    let later = |packets: &str| {
        format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..31 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..30 every 1 size 136
                 7200.1 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208
                 7200.2 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 208
                 7201 A > B ESP 0xb2 {packets}"
        )
    };
    // A stream that wants no answer is none, however long both were silent before.
    assert!(is_healthy(&findings(&later(
        "seq 1..300 every 0.05 size 280"
    ))));
    verdict(&later("seq 1..30 every 1 size 136"), "esp-one-way");
}

#[test]
fn many_go_and_none_comes() {
    verdict(
        &format!("{UP}\n1 A > B ESP 0xb1 seq 1..18 every 0.3 size 136"),
        "esp-one-way",
    );
}

/// The far tap alone would say that who asks is deaf.
#[test]
fn answers_that_are_lost_between_two_taps_are_not_dropped_at_the_gateway() {
    let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
    let syn = "every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)";
    let syn_ack = "every 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 7 ack 2)";
    let found = findings(&format!(
        "{UP}\n{there}
             1 A > B ESP 0xb1 seq 1..12 {syn}
             1.01 A > B ESP 0xb1 seq 1..12 {syn} tap=1 ttl=63
             1.02 B > A ESP 0xa1 seq 1..12 {syn_ack} tap=1
             25 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             25.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
             25.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
             25.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
    ));
    let first = found.first().map(|finding| finding.rule.slug);
    assert_eq!(first, Some("esp-one-way"));
    let deaf = found
        .iter()
        .find(|finding| finding.rule.slug == "esp-dropped-locally");
    assert!(deaf.is_some_and(|deaf| deaf.cause.is_some()));
}

#[test]
fn two_taps_tell_that_the_answers_left() {
    let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
    let finding = crate::diagnose::testing::fires(
        &format!(
            "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..30 every 0.3 size 136
                 1.01 A > B ESP 0xb1 seq 1..30 every 0.3 size 136 tap=1 ttl=63
                 1.02 B > A ESP 0xa1 seq 1..30 every 0.3 size 136 tap=1
                 11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 11.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 11.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 11.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
        ),
        "esp-one-way",
    );
    assert_eq!(finding.confidence, crate::diagnose::Confidence::Certain);
    assert!(
        finding
            .says
            .to_string()
            .contains("lost between the two taps"),
        "{}",
        finding.says
    );
}

#[test]
fn two_taps_tell_since_when_the_answers_are_lost() {
    let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
    let text = |arrive: u32| {
        format!(
            "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 1.01 A > B ESP 0xb1 seq 1..40 every 0.5 size 136 tap=1 ttl=63
                 1.02 B > A ESP 0xa1 seq 1..40 every 0.5 size 136 tap=1
                 1.03 B > A ESP 0xa1 seq 1..{arrive} every 0.5 size 136 ttl=63
                 23 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 23.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 23.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 23.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
        )
    };
    let finding = crate::diagnose::testing::fires(&text(8), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Certain);
    assert!(finding.alternatives.is_empty(), "{finding:#?}");
    assert_eq!(
        finding.title.to_string(),
        "ESP from 192.0.2.2 to 192.0.2.1 is lost on the way"
    );
    silent(&text(39), "esp-one-way");
}

#[test]
fn a_few_unanswered_packets_prove_nothing() {
    silent(
        &format!("{UP}\n1 A > B ESP 0xb1 seq 1..6 every 0.3 size 136"),
        "esp-one-way",
    );
}

#[test]
fn traffic_both_ways_is_fine_however_uneven() {
    silent(
        &format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..500 every 0.03 size 1400
                 1 B > A ESP 0xa1 seq 1..5 every 3 size 104"
        ),
        "esp-one-way",
    );
}

#[test]
fn a_direction_that_falls_silent_while_the_other_goes_on() {
    verdict(
        &format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
                 1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 45 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 45.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        ),
        "esp-one-way",
    );
}

#[test]
fn a_recording_that_has_each_packet_twice_shows_it_too() {
    let flow = |from: &str, spi: u32, first: f64, last: u32| -> String {
        (1..=last)
            .map(|n| {
                let time = first + f64::from(n) * 0.5;
                let line = |time: f64| format!("{time} {from} ESP {spi:#x} seq {n} size 136\n");
                line(time) + &line(time + 0.000_004)
            })
            .collect()
    };
    verdict(
        &format!(
            "{UP}\n{}{}",
            flow("A > B", 0xb1, 1.0, 60),
            flow("B > A", 0xa1, 1.1, 30)
        ),
        "esp-one-way",
    );
}

#[test]
fn a_stream_that_only_sends_is_no_fault() {
    let stream = format!(
        "{UP}
             1 A > B ESP 0xb1 seq 1..3 every 0.3 size 136
             1.1 B > A ESP 0xa1 seq 1..3 every 0.3 size 136
             2 A > B ESP 0xb1 seq 4..1000 every 0.02 size 264"
    );
    assert!(is_healthy(&findings(&stream)));
}

#[test]
fn half_a_conversation_of_streams_is_a_fault() {
    verdict(
        &format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..2000 every 0.02 size 264
                 1 B > A ESP 0xa1 seq 1..800 every 0.02 size 264"
        ),
        "esp-one-way",
    );
}

#[test]
fn a_tap_that_hears_one_side_only_cannot_tell() {
    silent(
        "0.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=1 request sealed 80
             1 A > B ESP 0xb1 seq 1..180 every 0.3 size 136",
        "esp-one-way",
    );
}

#[test]
fn reports_of_many_sizes_may_want_no_answer() {
    let reports = "A > B ESP 0xb1 seq 1..40 every 0.7 size 104,136,152,120,88,160,140,112";
    let talk = "1 A > B ESP 0xb2 seq 1..5 every 0.3 size 136
             1.1 B > A ESP 0xa2 seq 1..5 every 0.3 size 136";
    for text in [
        format!("{UP}\n1 {reports}"),
        format!("{UP}\n{talk}\n3 {reports}"),
    ] {
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    }
}

#[test]
fn requests_that_are_all_alike_want_answers() {
    let finding = crate::diagnose::testing::fires(
        &format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 1 size 136"),
        "esp-one-way",
    );
    assert_eq!(finding.severity, crate::diagnose::Severity::Error);
    // So may reports be, which want none.
    assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    assert!(
        finding
            .alternatives
            .iter()
            .any(|other| other.to_string().contains("syslog")),
        "{:?}",
        finding.alternatives
    );
    let finding = crate::diagnose::testing::fires(
        &format!(
            "{UP}\n1 A > B ESP 0xb1 seq 1..40 every 1 size 136
                 1.1 B > A ESP 0xa1 seq 1..5 every 1 size 136"
        ),
        "esp-one-way",
    );
    assert_eq!(finding.confidence, crate::diagnose::Confidence::Likely);
}

#[test]
fn reports_that_are_alike_and_come_seldom_may_want_no_answer() {
    let traps: String = [3, 9, 10, 22, 23, 24, 41, 60, 66, 67, 90, 91]
        .iter()
        .enumerate()
        .map(|(n, time)| format!("\n{time} A > B ESP 0xb1 seq {} size 152", n + 1))
        .collect();
    for text in [
        format!("{UP}{traps}"),
        format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 30 size 152"),
    ] {
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
        assert_eq!(finding.confidence, Confidence::Possible);
    }
    let pings = format!("{UP}\n1 A > B ESP 0xb1 seq 1..20 every 5 size 136");
    let finding = crate::diagnose::testing::fires(&pings, "esp-one-way");
    assert_eq!(finding.severity, crate::diagnose::Severity::Error);
}

#[test]
fn a_conversation_that_stops_on_one_side_is_told_without_ike() {
    let text = |answers: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..200 every 1 size 136
                 0.1 B > A ESP 0xa1 seq {answers} every 1 size 136"
        )
    };
    let finding = crate::diagnose::testing::fires(&text("1..100"), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
    silent(&text("1..195"), "esp-one-way");
    silent(&text("1..4"), "esp-one-way");
}

#[test]
fn frames_that_are_longer_are_mentioned() {
    let mentioned = |up: &str, padded: &str| {
        let text = format!("{up}\n1 A > B ESP 0xb1 seq 1..20 every 1 size 24 {padded}");
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        let mut alternatives = finding.alternatives.iter();
        alternatives.any(|other| other.to_string().contains("trailer"))
    };
    assert!(mentioned(UP, "padded"));
    assert!(!mentioned(UP, ""));
    // Where all frames have a trailer, it is the link's.
    let all = UP.replace('\n', " padded\n").replacen(" padded", "", 1) + " padded";
    assert!(!mentioned(&all, "padded"));
}

#[test]
fn small_packets_at_a_steady_and_fast_pace_are_a_stream() {
    let text = |every: &str| {
        format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..3 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..3 every 0.3 size 136
                 2 A > B ESP 0xb1 seq 4..400 every {every} size 136"
        )
    };
    assert!(is_healthy(&findings(&text("0.05"))));
    assert!(!is_healthy(&findings(&text("0.5"))));
}

#[test]
fn what_arrives_without_an_answer_is_cited_where_it_arrives() {
    let there = UP.replace('\n', " tap=1\n").replacen(" tap=1", "", 1) + " tap=1";
    let finding = crate::diagnose::testing::fires(
        &format!(
            "{UP}\n{there}
                 1 A > B ESP 0xb1 seq 1..30 every 0.3 size 136
                 1.01 A > B ESP 0xb1 seq 1..30 every 0.3 size 136 tap=1 ttl=63
                 11 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 11.01 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80 tap=1 ttl=63
                 11.02 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 tap=1
                 11.03 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80 ttl=63"
        ),
        "esp-one-way",
    );
    let mut evidence = finding.evidence.iter();
    let arrival = evidence.find(|one| one.note.to_string().contains("it arrives at"));
    assert_eq!(arrival.unwrap().frame.input, 1, "{finding:#?}");
}

#[test]
fn a_single_connection_attempt_in_vain() {
    let text = |size: &str, every: u32| {
        format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..6 every {every} size {size}
                 40 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 40.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
        )
    };
    let finding = crate::diagnose::testing::fires(&text("96", 3), "esp-one-way");
    assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    assert_eq!(finding.confidence, Confidence::Possible);
    // Too short, of many sizes, or large.
    silent(&text("96", 1), "esp-one-way");
    silent(&text("96,112,128,144", 3), "esp-one-way");
    silent(&text("960", 3), "esp-one-way");
}

#[test]
fn who_is_behind_a_nat_and_was_silent_may_be_forgotten() {
    let others = |pause: u32| {
        let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500) ttl=63
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD(B:500 A:500)
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240
                 1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.5 size 136
                 1.1 B:4500 > A:4500 ESP 0xa1 seq 1..20 every 0.5 size 136
                 {at} B:4500 > A:4500 ESP 0xa1 seq 21..60 every 0.5 size 136",
                at = 11 + pause
            );
        let finding = crate::diagnose::testing::fires(&text, "esp-one-way");
        let told: Vec<String> = finding
            .alternatives
            .iter()
            .map(ToString::to_string)
            .collect();
        told.join(" ")
    };
    let told = others(30);
    assert!(
        told.contains("behind a NAT and had sent nothing for 30"),
        "{told}"
    );
    assert!(!others(5).contains("behind a NAT"));
}

#[test]
fn what_was_answered_packet_by_packet_and_then_is_not_is_no_chance() {
    let text = |answers: u32, every: &str, after: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..12 every 1 size 136
                 0.1 B > A ESP 0xa1 seq 1..{answers} every 1 size 136
                 12 A > B ESP 0xb1 seq 13..52 every {every} size {after}"
        )
    };
    let finding = fires(&text(12, "1", "136"), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
    // Something else begins, or it comes faster; not all had answers before; the last ones of a few are missing.
    silent(&text(12, "1", "280"), "esp-one-way");
    silent(&text(12, "0.1", "136"), "esp-one-way");
    silent(
        &text(12, "1", "136").replace(
            "1..12 every 1 size 136\n                 12",
            "1..4 every 3 size 136\n                 12",
        ),
        "esp-one-way",
    );
    silent(
        &text(12, "1", "136").replace("13..52", "13..24"),
        "esp-one-way",
    );
}

#[test]
fn a_short_silence_is_told_for_its_packets() {
    let text = |back: &str| {
        format!(
            "{UP}
                 1 A > B ESP 0xb1 seq 1..10 every 0.3 size 136
                 1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 136
                 4 A > B ESP 0xb2 seq 1..28 every 0.3 size 136
                 {back}"
        )
    };
    let finding = fires(&text(""), "esp-one-way");
    assert_eq!(finding.confidence, Confidence::Possible);
    assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    // The answers of the last moments may lie beyond the recording.
    silent(
        &text("4.1 B > A ESP 0xa2 seq 1..20 every 0.3 size 136"),
        "esp-one-way",
    );
    // The recording lacks packets, or answers paused as long before.
    let paused = text("")
        .replace("1 A > B ESP 0xb1 seq 1..10", "1 A > B ESP 0xb1 seq 1..70")
        .replace("1.1 B", "-")
        .replace("4 A > B ESP 0xb2", "22 A > B ESP 0xb2");
    let paused = paused.replace(
        "- > A ESP 0xa1 seq 1..10 every 0.3 size 136",
        "1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 136
             13.1 B > A ESP 0xa1 seq 11..40 every 0.3 size 136",
    );
    silent(&paused, "esp-one-way");
}

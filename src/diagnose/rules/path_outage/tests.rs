use crate::diagnose::testing::{fires, silent, verdict};
use crate::diagnose::{Confidence, Severity};

/// At the far end of a path that is too narrow, small packets come, then nothing, then small ones again.
#[test]
fn what_is_missing_may_have_been_too_large_where_nothing_large_came() {
    let text = |size: u32| {
        format!(
            "1 A > B ESP 0xb1 seq 1..20 every 0.2 size {size} ttl=63
                 1.01 B > A ESP 0xa1 seq 1..20 every 0.2 size 136
                 11 A > B ESP 0xb1 seq 31..50 every 0.2 size {size} ttl=63
                 11.01 B > A ESP 0xa1 seq 21..40 every 0.2 size 136"
        )
    };
    let doubts = |size| {
        let finding = fires(&text(size), "path-outage");
        let mut others = finding.alternatives.iter();
        others.any(|other| other.to_string().contains("too large for the path"))
    };
    assert!(doubts(136) && doubts(1260));
    assert!(!doubts(1264));
}

#[test]
fn numbers_lost_in_a_silence_are_an_outage() {
    verdict(
        "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
        "path-outage",
    );
}

#[test]
fn what_another_tap_heard_meanwhile_was_lost_before_this_one() {
    let outage = "
            0.1 B > A ESP 0xa1 seq 1..100 every 0.5 size 136 tap=1
            0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136";
    let probe = "
            24 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 request by=responder sealed 80";
    verdict(&format!("{outage}{probe} tap=1"), "path-outage");
    // Here it passes, so ESP alone is lost.
    silent(&format!("{outage}{probe}"), "path-outage");
}

#[test]
fn one_sa_of_several_that_is_lost_for_a_while() {
    let finding = fires(
        "0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             0.2 B > A ESP 0xa2 seq 1..100 every 0.5 size 136
             0 A > B ESP 0xb2 seq 1..100 every 0.5 size 136",
        "path-outage",
    );
    let title = finding.title.to_string();
    assert!(title.starts_with("Nothing of SA 0x000000a1 of"), "{title}");
    assert_eq!(finding.severity, Severity::Error);
}

#[test]
fn a_recording_that_paused_is_no_outage() {
    let finding = fires(
        "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             30 A > B ESP 0xb1 seq 61..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
        "path-outage",
    );
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(finding.confidence, Confidence::Possible);
}

#[test]
fn what_is_answered_one_by_one_and_misses_no_answer_was_not_lost_by_the_recording() {
    let finding = fires(
        "0 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             0.1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             30.1 A > B ESP 0xb1 seq 41..80 every 0.5 size 136",
        "path-outage",
    );
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.confidence, Confidence::Likely);
}

#[test]
fn a_few_in_a_row_where_half_are_lost_are_no_outage() {
    let came: Vec<String> = (1..400)
        .filter(|n| n * n % 97 < 50 && !(200..208).contains(n))
        .map(|n| n.to_string())
        .collect();
    // Numbers are lost one by one, and time passes with them.
    let back: String = (1..400)
        .filter(|n| came.contains(&n.to_string()))
        .map(|n| format!("{}.1 B > A ESP 0xa1 seq {n} size 136\n", n / 2))
        .collect();
    silent(
        &format!("0 A > B ESP 0xb1 seq 1..400 every 0.5 size 136\n{back}"),
        "path-outage",
    );
}

#[test]
fn packets_where_a_recording_pauses_and_goes_on_show_no_outage() {
    let finding = fires(
        "0 A > B ESP 0xb1 seq 1..41 every 0.5 size 136
             29.6 A > B ESP 0xb1 seq 60..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
        "path-outage",
    );
    assert_eq!(finding.severity, Severity::Info);
}

#[test]
fn a_few_lost_where_a_long_pause_ends_are_no_long_outage() {
    let finding = fires(
        "0 A > B ESP 0xb1 seq 1..400 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             150.1 B > A ESP 0xa1 seq 46..100 every 0.5 size 136",
        "path-outage",
    );
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn what_went_unanswered_is_seen_among_other_sas() {
    let text = |extra: &str| {
        format!(
            "0 A > B ESP 0xb0 seq 1..40 every 0.5 size 120
                 0.1 B > A ESP 0xa0 seq 1..40 every 0.5 size 120
                 20 A > B ESP 0xb1 seq 1..200 every 0.5 size 136
                 20.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 136
                 90.1 B > A ESP 0xa1 seq 61..120 every 0.5 size 136
                 130 A > B ESP 0xb2 seq 1..40 every 0.5 size 120
                 130.1 B > A ESP 0xa2 seq 1..40 every 0.5 size 120
                 {extra}"
        )
    };
    verdict(&text(""), "path-outage");
    // Another SA that has no answer either adds to it; one that has shows that the path is there.
    let more = "60 A > B ESP 0xb3 seq 1..40 every 0.5 size 136";
    verdict(&text(more), "path-outage");
    let answered = format!("{more}\n60.1 B > A ESP 0xa3 seq 1..40 every 0.5 size 136");
    silent(&text(&answered), "path-outage");
}

#[test]
fn ike_may_come_back_a_moment_before_esp() {
    verdict(
        "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             29.8 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             29.9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136",
        "path-outage",
    );
}

#[test]
fn another_ttl_afterwards_is_another_way() {
    let says = fires(
        "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             5 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
             5.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80 ttl=53
             30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136
             35 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             35.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80 ttl=47",
        "path-outage",
    )
    .says
    .to_string();
    assert!(says.contains("TTL of 53 before and 47"), "{says}");
}

#[test]
fn packets_without_answer_amid_such_that_have_one() {
    let text = |asks: &str, back: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 {asks}
                 45 A > B ESP 0xb1 seq 71..110 every 0.5 size 136
                 45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136{back}"
        )
    };
    let asks = "20 A > B ESP 0xb1 seq 41..64 every 1 size 136";
    let finding = fires(&text(asks, ""), "path-outage");
    assert_eq!(finding.confidence, Confidence::Possible);
    // A stream; a pause of both; the far gateway is heard; more is sent than answered all the time.
    silent(
        &text("20 A > B ESP 0xb1 seq 41..64 every 1 size 1036", ""),
        "path-outage",
    );
    // It is one of several sizes, the others of which came before.
    let several = text("20 A > B ESP 0xb1 seq 41..64 every 1 size 1036", "");
    silent(&several.replace("size 136", "size 136,152"), "path-outage");
    silent(&text("", "").replace("71..110", "41..80"), "path-outage");
    let few = text("20 A > B ESP 0xb1 seq 41..50 every 1 size 136", "");
    silent(&few.replace("71..110", "51..90"), "path-outage");
    let ike = "
            30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
    silent(&text(asks, ike), "path-outage");
    let more = "\n0.2 A > B ESP 0xb1 seq 200..300 every 0.6 size 136";
    silent(&text(asks, more), "path-outage");
}

#[test]
fn a_pause_of_both_before_does_not_hide_what_has_no_answer() {
    let paused = "
            0 A > B ESP 0xb9 seq 1..10 every 0.5 size 136
            0.1 B > A ESP 0xa9 seq 1..10 every 0.5 size 136
            30 A > B ESP 0xb9 seq 11..20 every 0.5 size 136
            30.1 B > A ESP 0xa9 seq 11..20 every 0.5 size 136";
    let asks = "
            100 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            100.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            120 A > B ESP 0xb1 seq 41..64 every 1 size 136
            145 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            145.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136";
    fires(&format!("{paused}{asks}"), "path-outage");
    silent(paused, "path-outage");
}

#[test]
fn answers_that_come_late_and_all_at_once() {
    let text = |late: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..80 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                 {late}
                 28.1 B > A ESP 0xa1 seq 57..80 every 0.5 size 136"
        )
    };
    let at_once = text("28 B > A ESP 0xa1 seq 41..56 every 0.005 size 136");
    let finding = fires(&at_once, "path-outage");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(finding.confidence, Confidence::Possible);
    let long = "0 A > B ESP 0xb1 seq 1..120 every 0.5 size 136
                    0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
                    34 B > A ESP 0xa1 seq 41..68 every 0.005 size 136
                    34.1 B > A ESP 0xa1 seq 69..120 every 0.5 size 136";
    assert_eq!(fires(long, "path-outage").severity, Severity::Warning);
    // Who sends in bursts what nobody asked for falls silent again and again.
    let bursts = "0 A > B ESP 0xb1 seq 1..120 every 0.5 size 136
                      0.1 B > A ESP 0xa1 seq 1..20 every 0.005 size 136
                      10 B > A ESP 0xa1 seq 21..40 every 0.005 size 136
                      20 B > A ESP 0xa1 seq 41..60 every 0.005 size 136
                      30 B > A ESP 0xa1 seq 61..80 every 0.005 size 136
                      40 B > A ESP 0xa1 seq 81..100 every 0.005 size 136
                      50 B > A ESP 0xa1 seq 101..120 every 0.005 size 136";
    silent(bursts, "path-outage");
    // Of a conversation that pauses nothing is late; and what was asked for may come later bit by bit.
    let pause = at_once.replace(
        "seq 1..80 every 0.5 size 136\n",
        "seq 1..40 every 0.5 size 136
                 28 A > B ESP 0xb1 seq 41..80 every 0.5 size 136\n",
    );
    silent(&pause, "path-outage");
    silent(
        &text("28 B > A ESP 0xa1 seq 41..56 every 0.6 size 136"),
        "path-outage",
    );
    // The gateway is heard meanwhile.
    let ike = "
            24 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            24.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
    silent(&format!("{at_once}{ike}"), "path-outage");
}

#[test]
fn ike_that_is_asked_in_vain_meanwhile_shows_an_outage_whatever_the_hosts_do() {
    let text = |ike: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
             20 A > B ESP 0xb1 seq 41..64 every 0.5 size 900
             {ike}
             33 A > B ESP 0xb1 seq 65..100 every 0.5 size 136
             33.1 B > A ESP 0xa1 seq 21..50 every 0.5 size 136"
        )
    };
    let asked = |again: &str| {
        format!(
            "22 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80 again={again}
             33.2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80"
        )
    };
    let finding = fires(&text(&asked("2,5,9")), "path-outage");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(finding.confidence, Confidence::Likely);
    silent(&text(&asked("11.1")), "path-outage");
    silent(&text(""), "path-outage");
    // The other gateway sends, is answered, and asks again: it hears nothing.
    let deaf = "
             23 B:500 > A:500 INFORMATIONAL i=1 r=2 id=7 request by=responder sealed 80 again=3,7,10.5
             23.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=7 response sealed 80 again=3,7,10.5";
    let finding = fires(&text(&(asked("2,5,9") + deaf)), "path-outage");
    let title = finding.title.to_string();
    assert!(title.contains("had no answer for"), "{title}");
    silent(&text(deaf), "path-outage");
}

#[test]
fn echo_requests_without_a_reply_while_nothing_of_the_peer_comes() {
    let text = |host: u32, last: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..20 every 0.5 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 6000)
             0.05 B > A ESP 0xa1 seq 1..10 every 0.5 inner(10.2.0.9 > 10.1.0.1 UDP 1 > 2)
             10 A > B ESP 0xb1 seq 21,23,25,27,29,31,33,35,37,39,41,43 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             10.2 A > B ESP 0xb1 seq 22,24,26,28,30,32,34,36,38,40,42,44 every 1 inner(10.1.0.1 > 10.2.0.{host} echo 8/1)
             21.1 B > A ESP 0xa1 seq 11 inner(10.2.0.1 > 10.1.0.1 reply 7/12)
             21.3 B > A ESP 0xa1 seq 12 inner(10.2.0.{host} > 10.1.0.1 reply 8/{last})"
        )
    };
    let one = fires(&text(1, "12"), "path-outage");
    assert_eq!(one.confidence, Confidence::Possible);
    assert_eq!(
        fires(&text(2, "12"), "path-outage").confidence,
        Confidence::Likely
    );
    // Nobody answers afterwards.
    let never = text(1, "12")
        .replace("reply 7/12", "UDP 1 > 2")
        .replace("reply 8/12", "UDP 1 > 2");
    silent(&never, "path-outage");
}

#[test]
fn a_pause_without_lost_numbers_is_a_pause() {
    silent(
        "0 A > B ESP 0xb1 seq 1..100 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             27.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136",
        "path-outage",
    );
}

/// The same with the ends exchanged.
fn turned(text: &str) -> String {
    text.replace("A > B", "X")
        .replace("B > A", "A > B")
        .replace('X', "B > A")
}

#[test]
fn both_directions_are_looked_at_alike() {
    // Which end is the first follows from who speaks first.
    let ike = "
            0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
            0.01 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80";
    let gaps = "
            0 A > B ESP 0xb1 seq 1..10,12..20,22..30,32..40,42..50,52..100 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            30.1 B > A ESP 0xa1 seq 61..100 every 0.5 size 136";
    let asks = "
            0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            20 A > B ESP 0xb1 seq 41..64 every 1 size 136
            45 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136";
    for text in [gaps, asks] {
        let found = |text: &str| {
            let found = fires(&format!("{ike}{text}"), "path-outage");
            (found.severity, found.confidence)
        };
        assert_eq!(found(text), found(&turned(text)));
    }
    // The other direction has gaps all the time: the recording may have made this one, too.
    assert_eq!(fires(gaps, "path-outage").severity, Severity::Info);
}

#[test]
fn what_the_asker_says_meanwhile_does_not_show_that_the_other_side_is_there() {
    let asks = "
            0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
            0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
            20 A > B ESP 0xb1 seq 41..64 every 1 size 136
            30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
            45 A > B ESP 0xb1 seq 65..104 every 0.5 size 136
            45.1 B > A ESP 0xa1 seq 41..80 every 0.5 size 136
            45.2 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";
    fires(asks, "path-outage");
}

#[test]
fn as_many_as_the_rate_before_are_an_outage_at_any_rate() {
    let severity = |every: f64| {
        let text = format!(
            "0 A > B ESP 0xb1 seq 1..{} every {every} size 136
                 0.1 B > A ESP 0xa1 seq 1..{} every {every} size 136
                 30.1 B > A ESP 0xa1 seq {}..{} every {every} size 136",
            (50.0 / every) as u32,
            (20.0 / every) as u32,
            (30.0 / every) as u32 + 1,
            (50.0 / every) as u32
        );
        fires(&text, "path-outage").severity
    };
    assert_eq!(severity(0.5), severity(0.1));
    assert_eq!(severity(0.5), Severity::Error);
}

#[test]
fn what_ends_when_the_receiver_speaks_may_be_a_firewall_that_forgot() {
    let text = |speaks: &str| {
        format!(
            "0 A > B ESP 0xb1 seq 1..20 every 0.5 size 136
                 {speaks} A > B ESP 0xb1 seq 21..40 every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..20 every 0.5 size 136
                 30.1 B > A ESP 0xa1 seq 61..80 every 0.5 size 136"
        )
    };
    let forgot = |speaks: &str| {
        let finding = fires(&text(speaks), "path-outage");
        let mut others = finding.alternatives.iter();
        others.any(|one| one.to_string().contains("stateful firewall"))
    };
    assert!(forgot("30"));
    assert!(!forgot("25"));
}

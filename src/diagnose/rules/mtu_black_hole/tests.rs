use crate::diagnose::testing::{fires, said, silent, verdict};
use crate::model::Model;

/// The language of conversations has no fragmented flows: they are added here.
fn model(back: &str) -> Model {
    let mut model = crate::testing::model(&format!(
        "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1432
             1 A > B FRAGMENTS 50 complete 20 pieces 40 largest 1396
             1 B > A ESP 0xa1 seq {back} every 0.3 size 136,104"
    ));
    for flow in model.flows.iter_mut() {
        if flow.key.spi.0 == 0xb1 {
            flow.fragmented = 20;
        }
    }
    model
}

fn slugs(model: &Model) -> Vec<&'static str> {
    said(&super::RULE, model)
        .iter()
        .map(|finding| finding.rule.slug)
        .collect()
}

#[test]
fn fragments_go_and_large_answers_are_missing() {
    assert_eq!(slugs(&model("1..10,15..20,24..40")), ["mtu-black-hole"]);
}

#[test]
fn fragments_with_complete_answers_are_fine() {
    assert!(slugs(&model("1..40")).is_empty());
}

/// Pings with answers, large packets of two sizes in between, which leave in fragments.
fn in_vain(large: &str, back: &str) -> Vec<&'static str> {
    in_pieces(large, back, 0)
}

/// The same, where so many of the large ones left in one piece.
fn in_pieces(large: &str, back: &str, whole: u64) -> Vec<&'static str> {
    let mut model = crate::testing::model(&format!(
        "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..10 every 0.3 size 120
             1.1 B > A ESP 0xa1 seq 1..10 every 0.3 size 120
             {large}
             8 A > B ESP 0xb1 seq 31..35 every 0.3 size 120
             8.1 B > A ESP 0xa1 seq 11..15 every 0.3 size 120
             18 A > B ESP 0xb1 seq 61..65 every 0.3 size 120
             18.1 B > A ESP 0xa1 seq 16..20 every 0.3 size 120
             1 A > B FRAGMENTS 50 complete 16 pieces 32 largest 1276{back}"
    ));
    for flow in model.flows.iter_mut() {
        if flow.key.spi.0 == 0xb1 {
            let large = flow.sizes.counts.iter().filter(|row| row.0 > 1256);
            flow.fragmented = large.map(|row| u64::from(row.1)).sum::<u64>() - whole;
        }
    }
    slugs(&model)
}

#[test]
fn fragments_that_have_no_answer_while_small_packets_do() {
    let two = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             9.6 A > B ESP 0xb1 seq 36..42 every 1 size 1436";
    assert_eq!(in_vain(two, ""), ["mtu-black-hole"]);
    assert!(in_pieces(two, "", 1).is_empty(), "so large ones pass");
    // Once is no pattern; a stream goes on, or is fast; an answer may be small.
    let once = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364";
    assert!(in_vain(once, "").is_empty());
    let through = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             4.4 A > B ESP 0xb1 seq 70..90 every 0.8 size 1436";
    assert!(in_vain(through, "").is_empty());
    let fast = "4.3 A > B ESP 0xb1 seq 11..28 every 0.03 size 1364
             9.6 A > B ESP 0xb1 seq 36..58 every 0.03 size 1436";
    assert!(in_vain(fast, "").is_empty());
    // What passed an hour later, on other SAs, says nothing of now.
    let later = "
             3600 A > B ESP 0xb9 seq 1..10 every 0.3 size 120
             3600.1 B > A ESP 0xa9 seq 1..10 every 0.3 size 120,1400";
    assert_eq!(in_vain(two, later), ["mtu-black-hole"]);
    assert!(in_vain(two, "\n9.7 B > A ESP 0xa1 seq 21..27 every 1 size 100").is_empty());
}

/// Pings with answers, a third of whose numbers are missing.
fn with_gaps(every: &str, size: &str) -> String {
    let came: Vec<String> = (0..40).map(|n| (n * 3 / 2 + 1).to_string()).collect();
    format!(
        "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..40 every 1 size 120
             1.1 B > A ESP 0xa1 seq {} every {every} size {size}",
        came.join(",")
    )
}

#[test]
fn what_never_came_was_no_steady_small_packet() {
    verdict(&with_gaps("1", "120"), "mtu-black-hole");
    // The tap stands beside who sends them: none was on the way yet.
    let beside = with_gaps("1", "120").replace("every 1 size 120\n", "every 1 size 120 ttl=60\n");
    silent(&format!("{beside} ttl=64"), "mtu-black-hole");
    // Larger ones came, too.
    silent(&with_gaps("1", "120,1000"), "mtu-black-hole");
    // Ordinary loss makes holes in what comes steadily.
    let text = with_gaps("1", "120");
    let (pings, _) = text.split_once("1.1 B").unwrap();
    let holes = "1.1 B > A ESP 0xa1 seq 1..20 every 1 size 120
             22.1 B > A ESP 0xa1 seq 23,25,27,29,31,33,35,37,39,41,43,45..60 every 1 size 120";
    silent(&format!("{pings}{holes}"), "mtu-black-hole");
}

#[test]
fn what_never_came_since_some_moment_was_no_steady_small_packet() {
    let came: Vec<String> = (0..40).map(|n| (n * 3 / 2 + 9).to_string()).collect();
    let text = |large: &str| {
        format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..44 every 1 size 120
             1.1 B > A ESP 0xa1 seq 1..4,{} every 1 size 120
             4.3 B > A ESP 0xa1 seq 5..8 every 0.1 size 1400{large}",
            came.join(",")
        )
    };
    let finding = fires(&text(""), "mtu-black-hole");
    let says = finding.says.to_string();
    assert!(
        says.contains("before, packets of up to 1420 octets had come"),
        "{says}"
    );
    // As large a one came later.
    silent(
        &text("\n17.3 B > A ESP 0xa1 seq 29 size 1400"),
        "mtu-black-hole",
    );
}

#[test]
fn large_packets_that_passed_both_taps_until_some_moment() {
    let text = |late: &str| {
        format!(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1264
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136
             1 A > B ESP 0xb1 seq 1..12 every 0.3 size 136,1264 tap=1
             4.6 A > B ESP 0xb1 seq 13,15,17,19,21,23,25,27,29,31,33,35,37,39 every 0.6 size {late} tap=1
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136 tap=1"
        )
    };
    let finding = fires(&text("136"), "mtu-black-hole");
    let says = finding.says.to_string();
    assert!(says.contains("up to 1284 octets had arrived"), "{says}");
    // Large ones arrive later, too.
    silent(&text("136,136,136,136,136,1264"), "mtu-black-hole");
}

#[test]
fn all_that_is_lost_from_one_moment_on_was_not_too_large() {
    silent(
        "1 A > B ESP 0xb1 seq 1..5 every 0.3 size 120
             2.5 A > B ESP 0xb1 seq 6..40 every 0.3 size 184
             1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136
             1 A > B ESP 0xb1 seq 1..5 every 0.3 size 120 tap=1
             1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136 tap=1",
        "mtu-black-hole",
    );
}

#[test]
fn large_packets_that_pass_one_tap_only() {
    verdict(
            "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1264
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136
             1 A > B ESP 0xb1 seq 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39 every 0.6 size 136 tap=1
             1 B > A ESP 0xa1 seq 1..20 every 0.6 size 136 tap=1",
            "mtu-black-hole",
        );
}

#[test]
fn an_upload_in_fragments_that_lacks_an_acknowledgement_now_and_then_is_fine() {
    let mut model = crate::testing::model(
        "1 A > B ESP 0xb1 seq 1..400 every 0.03 size 136,1432
             1 A > B FRAGMENTS 50 complete 200 pieces 400 largest 1396
             1 B > A ESP 0xa1 seq 1..50,52..90,92..140,142..200 every 0.06 size 104",
    );
    for flow in model.flows.iter_mut() {
        if flow.key.spi.0 == 0xb1 {
            flow.fragmented = 200;
        }
    }
    assert!(slugs(&model).is_empty());
}

#[test]
fn three_of_the_largest_that_chance_may_have_hit_are_no_question_of_size() {
    assert!(super::between_taps::by_chance(3, 100, 92));
    assert!(!super::between_taps::by_chance(20, 20, 20));
}

#[test]
fn the_headers_of_ipv6_inside_are_larger() {
    let six = |text: String| {
        text.replace("10.1.0.1", "2001:db8:1::1")
            .replace("10.2.0.1", "2001:db8:2::1")
    };
    let finding = crate::diagnose::testing::fires(
            &six(format!(
                "{HANDSHAKE}
                 2 A > B ESP 0xb1 seq 3..7 every 3 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
            )),
            "mtu-black-hole",
        );
    let advice = finding
        .advice
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    let number = |after: &str| -> u32 {
        let rest = advice.split(after).nth(1).unwrap();
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse()
            .unwrap()
    };
    assert_eq!(number("inner MTU to ") - number("MSS to "), 60, "{advice}");
}

const HANDSHAKE: &str = "
        1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 99)
        1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 100)
        1.2 A > B ESP 0xb1 seq 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 PSH,ACK seq 100 ack 6 data 500)
        1.3 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)
        30 B > A ESP 0xa1 seq 3 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)";

#[test]
fn full_segments_inside_are_never_acknowledged() {
    let text = format!(
            "{HANDSHAKE}
             2 A > B ESP 0xb1 seq 3..7 every 3 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
        );
    verdict(&text, "mtu-black-hole");
    let finding = crate::diagnose::testing::fires(&text, "mtu-black-hole");
    assert!(
        finding.says.to_string().contains("up to 540 octets")
            && finding.says.to_string().contains("1420"),
        "{}",
        finding.says
    );
}

#[test]
fn the_last_copy_may_come_too_late_but_not_those_before_it() {
    let copies = |every: f64| {
        let up = HANDSHAKE.replace("30 B", &format!("{} B", 2.4 + 4.0 * every));
        format!(
                "{up}
                 2 A > B ESP 0xb1 seq 3..7 every {every} size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1380)"
            )
    };
    verdict(&copies(1.0), "mtu-black-hole");
    silent(&copies(0.5), "mtu-black-hole");
}

#[test]
fn large_echo_requests_are_not_answered_and_small_ones_are() {
    let text = |size: u32, ping: &str| {
        format!(
            "1 A > B ESP 0xb1 seq 1..4 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..4 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 8 A > B ESP 0xb1 seq 5..8 every 1 inner(10.1.0.1 > 10.2.0.1 echo 8/1 length {size})
                 15 A > B ESP 0xb1 seq 9 inner(10.1.0.1 > 10.2.0.1 echo 9/1)
                 20 B > A ESP 0xa1 seq 9 {ping}"
        )
    };
    let alive = "inner(10.2.0.1 > 10.1.0.1 reply 9/1)";
    verdict(&text(1400, alive), "mtu-black-hole");
    silent(&text(84, alive), "mtu-black-hole");
    // Nothing is answered any more, whatever its size.
    let alive = "inner(10.2.0.1 > 10.1.0.1 UDP 1 > 2)";
    silent(&text(1400, alive), "mtu-black-hole");
}

#[test]
fn segments_of_any_size_that_are_lost_are_not_too_large() {
    silent(
            &format!(
                "{HANDSHAKE}
                 2 A > B ESP 0xb1 seq 3..7 every 3 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 400)"
            ),
            "mtu-black-hole",
        );
}

/// A large packet is acknowledged, then one as large is sent again and again to the same host, and pings go on.
fn stops(pings: &str, again: &str) -> String {
    format!(
        "1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 99)
             1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 100)
             1.2 A > B ESP 0xb1 seq 2 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 100 ack 6 data 1380)
             1.3 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 1480)
             2 A > B ESP 0xb1 seq 3..7 every 2 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 1480 ack 6 data 1380)
             {pings}
             {again}
             30 A > B ESP 0xb1 seq 40 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)"
    )
}

const PINGS: &str = "2.5 A > B ESP 0xb1 seq 11..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             2.6 B > A ESP 0xa1 seq 11..20 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)";

#[test]
fn large_packets_pass_until_some_moment() {
    use crate::diagnose::{Confidence, Severity};
    // A single connection may be lost to a firewall.
    let once = fires(&stops(PINGS, ""), "mtu-black-hole");
    assert_eq!(once.confidence, Confidence::Possible);
    assert_eq!(once.severity, Severity::Warning);
    let says = once.says.to_string();
    assert!(says.contains("up to 1420 octets had passed"), "{says}");
    // A second one is not.
    let other = "4 A > B ESP 0xb1 seq 21..24 every 2 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40001 > 443 ACK seq 100 ack 6 data 1380)";
    let twice = fires(&stops(PINGS, other), "mtu-black-hole");
    assert_eq!(twice.confidence, Confidence::Likely);
    assert_eq!(twice.severity, Severity::Error);
    let heals = "20 A > B ESP 0xb1 seq 31 size 1464 inner(10.1.0.1 > 10.2.0.1 TCP 40002 > 443 ACK seq 100 ack 6 data 1380)
             20.1 B > A ESP 0xa1 seq 31 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40002 ACK seq 6 ack 1480)";
    let healed = fires(
        &stops(PINGS, &format!("{other}\n{heals}")),
        "mtu-black-hole",
    );
    let says = healed.says.to_string();
    assert!(says.contains("Before and after that time"), "{says}");
}

#[test]
fn what_stops_with_small_packets_or_beside_large_ones_is_no_question_of_size() {
    // Nothing is answered meanwhile, or only before, or by another host.
    silent(&stops("", ""), "mtu-black-hole");
    silent(
        &stops(
            &PINGS.replace("2.5 A", "12.5 A").replace("2.6 B", "12.6 B"),
            "",
        ),
        "mtu-black-hole",
    );
    silent(
        &stops(&PINGS.replace("10.2.0.1", "10.2.0.9"), ""),
        "mtu-black-hole",
    );
    // As large ones pass meanwhile, of another connection or of pings.
    let other = "5 A > B ESP 0xb1 seq 31 size 1464 inner(10.1.0.1 > 10.2.0.9 TCP 40002 > 443 ACK seq 100 ack 6 data 1380)
             5.1 B > A ESP 0xa1 seq 31 inner(10.2.0.9 > 10.1.0.1 TCP 443 > 40002 ACK seq 6 ack 1480)";
    silent(&stops(PINGS, other), "mtu-black-hole");
    silent(
        &stops(&PINGS.replace("echo 7/1", "echo 7/1 length 1420"), ""),
        "mtu-black-hole",
    );
    // Small ones are lost meanwhile as well.
    let small = "3 A > B ESP 0xb1 seq 31..34 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40001 > 443 ACK seq 100 ack 6 data 400)";
    let known = "1.4 A > B ESP 0xb1 seq 9 inner(10.1.0.1 > 10.2.0.1 TCP 40003 > 443 ACK seq 100 ack 6 data 500)
             3.1 B > A ESP 0xa1 seq 9 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40003 ACK seq 6 ack 600)
             3.2 A > B ESP 0xb1 seq 10 inner(10.1.0.1 > 10.2.0.1 TCP 40003 > 443 ACK seq 600 ack 6 data 500)
             3.3 B > A ESP 0xa1 seq 10 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40003 ACK seq 6 ack 1100)";
    silent(
        &stops(PINGS, &format!("{known}\n{small}")),
        "mtu-black-hole",
    );
}

#[test]
fn large_echo_requests_that_were_answered_and_are_no_more() {
    let text = |small: &str| {
        format!(
            "1 A > B ESP 0xb1 seq 1..4 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1 length 1400)
                 1.1 B > A ESP 0xa1 seq 1..4 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1 length 1400)
                 8 A > B ESP 0xb1 seq 5,7,9,11,13,15,17,19,21,23 every 1 inner(10.1.0.1 > 10.2.0.1 echo 8/1 length 1400)
                 8.5 A > B ESP 0xb1 seq 6,8,10,12,14,16,18,20,22,24 every 1 inner(10.1.0.1 > 10.2.0.1 echo 9/1 length {small})
                 8.6 B > A ESP 0xa1 seq 21..30 every 1 inner(10.2.0.1 > 10.1.0.1 reply 9/1 length {small})
                 25 A > B ESP 0xb1 seq 40 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)"
        )
    };
    verdict(&text("84"), "mtu-black-hole");
    silent(&text("1400"), "mtu-black-hole");
    // Where packets come out of order a reply may lie before its request.
    let late = "\n25.1 A > B ESP 0xb1 seq 39 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)";
    silent(&(text("84") + late), "mtu-black-hole");
}

#[test]
fn loss_without_fragments_is_just_loss() {
    silent(
        "1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136,1432
             1 B > A ESP 0xa1 seq 1..10,15..20,24..40 every 0.3 size 136,104",
        "mtu-black-hole",
    );
}

#[test]
fn gaps_of_a_few_in_a_hundred_are_ordinary() {
    // Seven are missing, for 20 that were fragmented: one in twenty of what came, or fewer.
    assert_eq!(slugs(&model("1..10,15..20,24..147")), ["mtu-black-hole"]);
    assert!(slugs(&model("1..10,15..20,24..148")).is_empty());
    // One in four of those that were fragmented, or fewer.
    assert!(slugs(&model("1..10,12..20,22..30,32..43")).is_empty());
}

#[test]
fn as_large_an_answer_shows_that_large_packets_pass() {
    let large = "4.3 A > B ESP 0xb1 seq 11..18 every 0.3 size 1364
             9.6 A > B ESP 0xb1 seq 36..42 every 1 size 1436";
    let back = "\n22 B > A ESP 0xa1 seq 21 size 1400";
    assert!(in_vain(large, back).is_empty());
}

#[test]
fn loss_both_ways_or_of_the_recording_is_no_question_of_size() {
    let text = with_gaps("1", "120");
    let both = text.replace("seq 1..40 every 1", "seq 1..20,22..41 every 1");
    silent(&both, "mtu-black-hole");
    let mut model = crate::testing::model(&text);
    assert_eq!(slugs(&model), ["mtu-black-hole"]);
    model.inputs[0].dropped = Some(1);
    assert!(slugs(&model).is_empty());
}

#[test]
fn every_host_takes_what_is_no_larger_than_576_octets() {
    verdict(&with_gaps("1", "556"), "mtu-black-hole");
    silent(&with_gaps("1", "560"), "mtu-black-hole");
}

#[test]
fn what_came_steadily_for_a_while_only_tells_nothing() {
    let text = with_gaps("1", "120");
    // Large ones that come when the pings are over are lost as well.
    let long = "\n41.5 B > A ESP 0xa1 seq 70..120 every 2 size 136";
    silent(&format!("{text}{long}"), "mtu-black-hole");
}

/// The first connection, or the next, opens at a time, and what comes back is too large.
fn opens(number: u32, at: u32, length: u32) -> String {
    let (port, out, back) = (40000 + number, number * 2 + 1, number * 6 + 1);
    format!(
            "{at} A > B ESP 0xb1 seq {out} inner(10.1.0.1 > 10.2.0.1 TCP {port} > 443 SYN seq 99)
             {at}.1 B > A ESP 0xa1 seq {back} inner(10.2.0.1 > 10.1.0.1 TCP 443 > {port} SYN,ACK seq 5 ack 100)
             {at}.2 A > B ESP 0xb1 seq {next} inner(10.1.0.1 > 10.2.0.1 TCP {port} > 443 PSH,ACK seq 100 ack 6 data 500)
             {at}.3 B > A ESP 0xa1 seq {data}..{last} every 1 size 1464 inner(10.2.0.1 > 10.1.0.1 TCP 443 > {port} ACK seq 6 ack 600 data {length})\n",
            next = out + 1,
            data = back + 1,
            last = back + 5
        )
}

#[test]
fn connections_open_and_what_they_answer_is_too_large() {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::fires;
    let later = "40 A > B ESP 0xb1 seq 5 inner(10.1.0.1 > 10.2.0.1 echo 7/1)\n";
    let once = format!("{}{later}", opens(0, 1, 1380));
    verdict(&once, "mtu-black-hole");
    let finding = fires(&once, "mtu-black-hole");
    assert_eq!(finding.confidence, Confidence::Possible);
    // Another connection opens after the first one stands still.
    let twice = format!("{once}{}", opens(1, 12, 1380));
    let finding = fires(&twice, "mtu-black-hole");
    assert_eq!(finding.confidence, Confidence::Likely);
    // What is small enough for every link is lost for another reason.
    silent(&format!("{}{later}", opens(0, 1, 400)), "mtu-black-hole");
}

#[test]
fn keys_show_that_no_ping_was_lost_however_unsteadily_they_came() {
    let text = |second: &str| {
        format!(
                "1 A > B ESP 0xb1 seq 1..20 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..5,10..12,16..22,27..31 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 40 A > B ESP 0xb1 seq 21..40 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/21)
                 40.1 B > A ESP 0xa1 seq {second} every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/21)
                 65 A > B ESP 0xb1 seq 41 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 6000)"
            )
    };
    verdict(&text("32..51"), "mtu-black-hole");
    silent(&text("32..49"), "mtu-black-hole");
}

/// Pings of A and their answers, and what else passes in a second child SA whose first packets are small.
fn beside_pings(pings: &str, others: &str) -> Model {
    crate::testing::model(&format!(
        "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80
             1 A > B ESP 0xb1 seq 1..60 every 0.5 size 120
             {pings}
             1 A > B ESP 0xb2 seq 1..9 every 0.1 size 120
             1.05 B > A ESP 0xa2 seq 1..9 every 0.1 size 120
             {others}"
    ))
}

const ANSWERED: &str = "1.1 B > A ESP 0xa1 seq 1..60 every 0.5 size 120";

/// Packets to B of one size at these times, with numbers from this one on.
fn large(size: u32, seq: u32, times: &[f64]) -> String {
    let line = |(seq, time): (u32, &f64)| format!("{time} A > B ESP 0xb2 seq {seq} size {size}\n");
    (seq..).zip(times).map(line).collect()
}

const DOUBLED: [f64; 7] = [2.0, 2.2, 2.6, 3.4, 5.0, 8.2, 14.6];

/// A flight of ten, and repetitions.
fn flight(seq: u32) -> String {
    let flight = format!(
        "1.99 A > B ESP 0xb2 seq {seq}..{} every 0.001 size 1448\n",
        seq + 8
    );
    flight + &large(1448, seq + 9, &DOUBLED)
}

#[test]
fn large_packets_at_gaps_that_double_while_small_ones_have_answers() {
    let slugs = |others: &str| super::tests::slugs(&beside_pings(ANSWERED, others));
    assert_eq!(slugs(&flight(10)), ["mtu-black-hole"]);
    // As small as every path takes; at equal gaps, as something sends that wants no answer.
    assert!(slugs(&large(1200, 10, &DOUBLED)).is_empty());
    let equal = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0];
    assert!(slugs(&large(1448, 10, &equal)).is_empty());
    // Acknowledged, one in eight or more.
    let answers = "2.3 B > A ESP 0xa2 seq 10..12 every 2 size 88";
    assert!(slugs(&format!("{}{answers}", flight(10))).is_empty());
    // Each packet was recorded twice.
    let twice: String = flight(10)
        .replace(" every 0.001", "")
        .lines()
        .flat_map(|line| [line, "\n", line, "\n"])
        .collect();
    assert_eq!(slugs(&twice), ["mtu-black-hole"]);
}

#[test]
fn what_begins_with_one_large_packet_may_have_met_a_filter_of_its_port() {
    use crate::diagnose::Severity;
    let severity = |others: &str| said(&super::RULE, &beside_pings(ANSWERED, others))[0].severity;
    assert_eq!(severity(&flight(10)), Severity::Warning);
    assert_eq!(severity(&large(1448, 10, &DOUBLED)), Severity::Info);
}

#[test]
fn an_upload_that_stands_still_in_an_outage_is_no_question_of_size() {
    let slugs = |pings: &str, others: &str| super::tests::slugs(&beside_pings(pings, others));
    // Nothing came back while it was sent again.
    let outage = "1.1 B > A ESP 0xa1 seq 1..6 every 0.5 size 120
             15 B > A ESP 0xa1 seq 7..30 every 0.5 size 120";
    assert!(slugs(outage, &flight(10)).is_empty());
    // It goes on after that, however seldom it is acknowledged.
    let on = "15 A > B ESP 0xb2 seq 26..300 every 0.01 size 1448";
    assert!(slugs(ANSWERED, &format!("{}{on}", flight(10))).is_empty());
    // What wants no answer does not account for acknowledgements.
    let syslog = "2 A > B ESP 0xb2 seq 26..300 every 0.04 size 168
             2.1 B > A ESP 0xa2 seq 10..18 every 1 size 88";
    assert!(slugs(ANSWERED, &format!("{}{syslog}", flight(10))).is_empty());
}

#[test]
fn many_rows_of_packets_have_gaps_that_double_by_chance() {
    // Each in a child SA of its own.
    let other = |place: u32| {
        format!(
            "1 A > B ESP 0xc{place} seq 1..9 every 0.1 size 120
                 2 A > B ESP 0xc{place} seq 10..21 every 1.3 size 1448\n"
        )
    };
    let slugs = |others: u32| {
        let run = large(1448, 10, &DOUBLED[..6]);
        let others: String = (0..others).map(other).collect();
        super::tests::slugs(&beside_pings(ANSWERED, &format!("{run}{others}")))
    };
    assert_eq!(slugs(3), ["mtu-black-hole"]);
    assert!(slugs(5).is_empty());
}

/// Pings of growing size at one tap and at another, where those of a band of sizes never come; and the band once more
/// after larger ones.
fn sizes(lost: &[u32], again: bool) -> String {
    let mut text = String::new();
    let mut number = 1;
    let mut send = |at: f64, size: u32, passes: bool| {
        let last = number + 3;
        text += &format!("{at} A > B ESP 0xb1 seq {number}..{last} every 0.2 size {size}\n");
        if passes {
            text += &format!(
                "{at} A > B ESP 0xb1 seq {number}..{last} every 0.2 size {size} tap=1 ttl=63\n"
            );
            text +=
                &format!("{at} B > A ESP 0xa1 seq {number}..{last} every 0.2 size {size} ttl=63\n");
            text +=
                &format!("{at} B > A ESP 0xa1 seq {number}..{last} every 0.2 size {size} tap=1\n");
        }
        number += 4;
    };
    for (step, size) in [136, 700, 1136, 1200, 1300, 1400, 136]
        .into_iter()
        .enumerate()
    {
        send(step as f64 * 1.1, size, !lost.contains(&size));
    }
    if again {
        send(8.8, 1200, !lost.contains(&1200));
        send(10.1, 136, true);
    }
    text
}

#[test]
fn sizes_between_that_pass_one_tap_only() {
    verdict(&sizes(&[1136, 1200], true), "mtu-black-hole");
    let finding = fires(&sizes(&[1136, 1200], true), "mtu-black-hole");
    let says = finding.says.to_string();
    assert!(says.contains("1156 to 1220"), "{says}");
    // Once, one after the other, all may have been lost for a while.
    silent(&sizes(&[1136, 1200], false), "mtu-black-hole");
    // Something of a size in the midst passed, or nothing larger did.
    silent(&sizes(&[700, 1200], true), "mtu-black-hole");
}

//! Conversations in text, and what is counted of them.

use crate::limits;
use crate::model::{InnerFlow, Model, Passed, Seen};
use crate::units::{FrameId, Span, Timestamp};

fn model(text: &str) -> Model {
    crate::testing::census(text).unwrap()
}

fn only(text: &str) -> InnerFlow {
    let model = model(text);
    let [talk] = model.inner.iter().as_slice() else {
        panic!("{:#?}", model.inner);
    };
    talk.clone()
}

#[test]
fn both_ways_are_one_conversation_and_name_the_flows_that_carry_them() {
    let talk = only(
        "1 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 53 length 60)
         1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 UDP 53 > 5000 length 200)
         4 A > B ESP 0xb2 seq 1 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 53 length 61)",
    );
    let [out, back] = &talk.ways;
    assert_eq!((out.packets, out.octets, out.largest), (4, 241, 61));
    assert_eq!((back.packets, back.largest), (2, 200));
    let flows = |way: &crate::model::InnerWay| {
        let carriers = way.carriers.iter();
        carriers
            .map(|one| (one.flow.0, one.packets))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (flows(out), flows(back)),
        (vec![(0, 3), (2, 1)], vec![(1, 2)])
    );
}

#[test]
fn an_esp_packet_that_came_twice_is_no_request_sent_again() {
    let talk = only(
        "1 A > B ESP 0xb1 seq 1,1,1 every 0.001 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
    );
    assert_eq!(talk.ways[0].tcp.as_ref().unwrap().syns, 1);
}

#[test]
fn replies_are_matched_and_what_is_missing_is_cited() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1..10 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
         1.02 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
         6.03 B > A ESP 0xa1 seq 3 inner(10.2.0.1 > 10.1.0.1 reply 7/6)",
    );
    let echo = talk.ways[0].echo.as_ref().unwrap();
    assert_eq!((echo.requests, echo.answered), (10, 3));
    assert_eq!((echo.unanswered.len(), echo.waiting.len()), (3, 4));
    assert!(echo.is_periodic() && echo.period == Some(Span::from_secs(1)));
    let runs: Vec<u64> = echo.runs.iter().map(|run| run.requests).collect();
    assert_eq!(runs, [3, 4]);
    let rtts: Vec<i64> = talk.ways[0]
        .rtts
        .iter()
        .map(|row| row.rtt.0 / 1_000_000)
        .collect();
    assert_eq!(rtts, [20, 20, 30]);
    let [size] = echo.sizes.as_slice() else {
        panic!("{echo:#?}");
    };
    assert_eq!((size.requests, size.answered), (10, 3));
    // The last four wait, the three between came before the last that was answered.
    let hole = size.hole.unwrap();
    assert_eq!((hole.run.requests, hole.after), (4, None));
    assert_eq!(hole.before, size.passed.map(|passed| passed.last));
    let second = |at: i64| Timestamp(at * 1_000_000_000);
    assert!(size.surely_passed(second(0), second(1)) && !size.surely_passed(second(3), second(5)));
    assert!(
        size.may_have_passed(second(3), second(5)) && !size.may_have_passed(second(7), second(20))
    );
}

#[test]
fn sizes_that_pass_again_leave_a_hole() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1..10 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
         1.02 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
         6.03 B > A ESP 0xa1 seq 3..7 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/6)",
    );
    let size = talk.ways[0].echo.as_ref().unwrap().sizes[0];
    let hole = size.hole.unwrap();
    let second = |at: i64| Timestamp(at * 1_000_000_000);
    let times = [hole.before, hole.after].map(|at| at.unwrap().1);
    assert_eq!((hole.run.requests, times), (3, [second(2), second(6)]));
    assert!(
        !size.may_have_passed(second(3), second(5)) && size.may_have_passed(second(3), second(6))
    );
}

#[test]
fn sizes_that_were_acknowledged_are_known_by_time() {
    let sent = |length: u32, at: i64| {
        let at = (
            FrameId {
                input: 0,
                number: 1,
            },
            Timestamp(at),
        );
        (
            length,
            Seen {
                first: at,
                last: at,
            },
        )
    };
    let mut passed = Passed::default();
    for (length, seen) in [
        sent(500, 1),
        sent(1400, 2),
        sent(80, 3),
        sent(90, 4),
        sent(60, 5),
    ] {
        passed.add(length, &seen);
    }
    assert_eq!(passed.largest(), 1400);
    let between = |from: i64, until: i64| passed.at_most(Timestamp(from), Timestamp(until));
    assert_eq!(
        (between(0, 9), between(0, 1), between(3, 9)),
        (1400, 500, 90)
    );
    assert_eq!((between(5, 9), between(6, 9), between(0, 0)), (60, 0, 0));
    let mut within: Vec<u32> = passed.within(Timestamp(3), Timestamp(9)).collect();
    within.sort_unstable();
    assert_eq!(within, [60, 90]);
    // However many sizes, what is kept is bounded, and never tells of less than passed.
    for step in 0..1000 {
        let (length, seen) = sent(1300 - step, 10 + i64::from(step));
        passed.add(length, &seen);
    }
    let kept = passed.falling.len().max(passed.rising.len());
    assert!(kept <= limits::INNER_PASSED);
    assert!(passed.at_most(Timestamp(1000), Timestamp(2000)) >= 310);
}

#[test]
fn many_requests_on_their_way_at_once_are_no_silence() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1..100 every 0.01 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
         1.1 B > A ESP 0xa1 seq 1..100 every 0.01 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
    );
    let echo = talk.ways[0].echo.as_ref().unwrap();
    assert_eq!((echo.requests, echo.answered), (100, 100));
    assert!(echo.runs.is_empty() && echo.unanswered.is_empty());
}

#[test]
fn a_handshake_tells_its_round_trip_unless_the_syn_was_sent_again() {
    let handshake = |again: &str| {
        only(&format!(
            "1.0 A > B ESP 0xb1 seq 1{again} every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 9)
             2.05 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 10)
             2.06 A > B ESP 0xb1 seq 3 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 10 ack 6)"
        ))
    };
    let once = handshake("");
    let tcp = once.ways[0].tcp.as_ref().unwrap();
    assert_eq!((tcp.syns, tcp.attempts, tcp.established), (1, 1, true));
    assert_eq!(once.ways[0].rtts[0].rtt, Span::from_millis(1050));
    assert!(tcp.deaf.is_empty() && once.ways[1].tcp.as_ref().unwrap().syn_acks == 1);
    let twice = handshake("..2");
    assert_eq!(twice.ways[0].tcp.as_ref().unwrap().syns, 2);
    assert!(twice.ways[0].rtts.is_empty());
}

#[test]
fn a_syn_sent_again_after_its_answer_passed_is_told_apart() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 9)
         1.1 B > A ESP 0xa1 seq 1..3 every 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 10)",
    );
    let tcp = talk.ways[0].tcp.as_ref().unwrap();
    assert_eq!((tcp.syns, tcp.deaf.len(), tcp.established), (3, 2, false));
}

#[test]
fn a_refused_connection_is_no_silent_one() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 9)
         1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 RST,ACK ack 10)",
    );
    assert!(talk.ways[1].tcp.as_ref().unwrap().refusal.is_some());
}

#[test]
fn who_resets_a_connection_that_was_answered_does_not_refuse_it() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 9)
         1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 10)
         1.2 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 RST,ACK seq 6 ack 10)",
    );
    let tcp = talk.ways[1].tcp.as_ref().unwrap();
    assert_eq!((tcp.resets, tcp.refusal), (1, None));
}

#[test]
fn an_acknowledgment_without_data_is_nothing_that_was_sent() {
    // A challenge ACK (RFC 5961 section 4.2) comes before the reset.
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 9)
         1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 5 ack 77)
         1.2 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 RST,ACK seq 5 ack 10)",
    );
    let tcp = talk.ways[1].tcp.as_ref().unwrap();
    assert!(tcp.refusal.is_some());
    assert_eq!((tcp.data, tcp.repeated), (0, 0));
}

#[test]
fn a_request_that_was_given_up_may_yet_be_answered() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1..2 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
         2.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 reply 7/2)
         2.2 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
         2.3 B > A ESP 0xa1 seq 3 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
    );
    let echo = talk.ways[0].echo.as_ref().unwrap();
    assert_eq!((echo.requests, echo.answered), (2, 2));
}

#[test]
fn sizes_that_are_acknowledged_are_told_from_those_that_are_not() {
    let talk = only(
        "1.0 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 100 ack 6 data 500)
         1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)
         2.0 A > B ESP 0xb1 seq 2..5 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1400)
         2.1 B > A ESP 0xa1 seq 2..4 every 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 600)",
    );
    let tcp = talk.ways[0].tcp.as_ref().unwrap();
    assert_eq!(
        (tcp.data, tcp.repeated, tcp.acked.largest()),
        (1900, 3, 540)
    );
    let [stuck] = tcp.stuck.as_slice() else {
        panic!("{tcp:#?}");
    };
    assert_eq!((stuck.length, stuck.sent), (1440, 4));
}

#[test]
fn a_segment_that_went_through_in_pieces_proves_nothing_of_its_size() {
    let talk = only(
        "2.0 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 1400)
         5.0 A > B ESP 0xb1 seq 4 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 600 ack 6 data 700)
         5.1 A > B ESP 0xb1 seq 5 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 ACK seq 1300 ack 6 data 700)
         5.2 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 ACK seq 6 ack 2000)",
    );
    let tcp = talk.ways[0].tcp.as_ref().unwrap();
    assert_eq!((tcp.acked.largest(), tcp.stuck.len()), (740, 0));
}

#[test]
fn errors_inside_are_kept_by_kind_and_are_no_conversation() {
    let model = model(
        "1 B > A ESP 0xa1 seq 1..4 every 1 inner(10.2.0.254 > 10.1.0.1 ICMP 3/1 quoting 10.1.0.1 > 10.2.0.9 1)
         9 B > A ESP 0xa1 seq 5 inner(10.2.0.254 > 10.1.0.1 ICMP 3/13 quoting 10.1.0.1 > 10.2.0.9 1)",
    );
    let told: Vec<(u8, u64)> = model
        .inner_errors
        .iter()
        .map(|one| (one.code, one.count))
        .collect();
    assert_eq!(told, [(1, 4), (13, 1)]);
    assert!(model.inner.is_empty());
}

#[test]
fn bgp_says_why_it_ends() {
    let talk = only(
        "1 A > B ESP 0xb1 seq 1 inner(169.254.1.1 > 169.254.1.2 TCP 179 > 4000 PSH,ACK seq 1 ack 1 data 19 OPEN as 65001)
         1.1 B > A ESP 0xa1 seq 1 inner(169.254.1.2 > 169.254.1.1 TCP 4000 > 179 PSH,ACK seq 1 ack 20 data 21 NOTIFICATION 2/2)",
    );
    let [out, back] = &talk.ways;
    assert_eq!(out.bgp.as_ref().unwrap().opens.len(), 1);
    assert_eq!(back.bgp.as_ref().unwrap().notifications[0].1, Some((2, 2)));
}

#[test]
fn a_bound_that_was_given_holds() {
    let mut census = super::InnerCensus::within(crate::limits::Bounds {
        inner_flows: 1,
        ..crate::limits::Bounds::default()
    });
    let sample = model("1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)");
    let talk = sample.inner.iter().next().unwrap();
    let carried = super::Carried {
        vantage: talk.vantage,
        flow: talk.ways[0].carriers[0].flow,
        frame: talk.seen.first.0,
        time: talk.seen.first.1,
    };
    let mut inner =
        crate::net::Inner::read(17, &[0; 8], talk.ends[0].address, talk.ends[1].address);
    for port in 1..=3 {
        inner.from.port = Some(port);
        census.count(carried, &inner);
    }
    let (rows, _, blind) = census.finish();
    assert_eq!((rows.len(), blind.len()), (1, 1), "{blind:?}");
}

#[test]
fn beyond_the_limit_packets_are_counted_and_that_is_told() {
    let mut census = super::InnerCensus::default();
    let sample = model("1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)");
    let talk = sample.inner.iter().next().unwrap();
    let carried = super::Carried {
        vantage: talk.vantage,
        flow: talk.ways[0].carriers[0].flow,
        frame: talk.seen.first.0,
        time: talk.seen.first.1,
    };
    let mut inner =
        crate::net::Inner::read(17, &[0; 8], talk.ends[0].address, talk.ends[1].address);
    for number in 0..=crate::limits::INNER_FLOWS + 1 {
        inner.protocol = 17;
        inner.from.port = u16::try_from(number & 0xffff).ok();
        inner.to.port = u16::try_from(number >> 16).ok();
        census.count(carried, &inner);
    }
    let (rows, _, blind) = census.finish();
    assert_eq!(rows.len(), crate::limits::INNER_FLOWS);
    assert!(
        blind[0].what.to_string().starts_with("2 packets"),
        "{blind:?}"
    );
}

use crate::diagnose::testing::{fires, silent, verdict};

const ALIVE: &str = "
        0 B > A ESP 0xa9 seq 1..70 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)";

fn syns(from: &str, to: &str) -> String {
    format!("{ALIVE}\n1 A > B ESP 0xb1 seq 1..5 every 3 inner({from} > {to} TCP 40000 > 179 SYN)")
}

#[test]
fn nobody_takes_the_connection() {
    verdict(&syns("169.254.7.1", "169.254.7.2"), "bgp-down");
    let finding = fires(&syns("169.254.7.1", "169.254.7.6"), "bgp-down");
    assert!(
        finding.says.to_string().contains("not in one /30"),
        "{}",
        finding.says
    );
    // A link may have a larger network.
    assert_ne!(finding.confidence, crate::diagnose::Confidence::Certain);
}

#[test]
fn who_calls_is_not_down() {
    let text = |at: u32| {
        format!(
            "{}
                 {at} B > A ESP 0xa1 seq 1 inner(169.254.7.2 > 169.254.7.1 TCP 50000 > 179 SYN)",
            syns("169.254.7.1", "169.254.7.2")
        )
    };
    let alternative = |at| fires(&text(at), "bgp-down").alternatives[0].to_string();
    assert!(alternative(9).contains("the other router runs"));
    // It may have gone since.
    assert!(alternative(0).contains("The other router is down"));
}

#[test]
fn the_broadcast_address_of_a_selector_is_no_neighbour() {
    let text = |selector: &str, to: &str| {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened SA(ESP 0xa9 ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128) TSi({selector}) TSr({selector})
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened SA(ESP 0xb1 ENCR_AES_CBC-128 AUTH_HMAC_SHA2_256_128) TSi({selector}) TSr({selector})
                 {}",
            syns("169.254.7.1", to)
        )
    };
    let advice = |text: &str| fires(text, "bgp-down").advice[0].to_string();
    let wrong = advice(&text("169.254.7.0/30", "169.254.7.3"));
    assert!(wrong.contains("the address 169.254.7.2"), "{wrong}");
    for (selector, to) in [
        ("169.254.7.0/24", "169.254.7.3"),
        ("169.254.7.0/30", "169.254.7.2"),
    ] {
        let fine = advice(&text(selector, to));
        assert!(fine.starts_with("Look that"), "{fine}");
    }
}

#[test]
fn attempts_are_all_that_goes_on_and_the_last_came_too_late() {
    let text = |pings: &str| {
        format!(
            "{pings}
                 4.3 A > B ESP 0xb1 seq 9..19 every 1.1 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 SYN)"
        )
    };
    let pings = "
            0 A > B ESP 0xb1 seq 1..4 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
            0.1 B > A ESP 0xa1 seq 1..4 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)";
    let finding = fires(&text(pings), "bgp-down");
    assert_eq!(finding.confidence, crate::diagnose::Confidence::Possible);
    // Of the other direction no packet could be read, or none was recorded.
    silent(
        &text(&pings.replace(" inner(10.2.0.1 > 10.1.0.1 reply 7/1)", "")),
        "bgp-down",
    );
    silent(&text(""), "bgp-down");
}

const SESSION: &str = "
        1 A > B ESP 0xb1 seq 1 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 SYN seq 1)
        1.1 B > A ESP 0xa1 seq 1 inner(169.254.7.2 > 169.254.7.1 TCP 179 > 40000 SYN,ACK seq 5 ack 2)
        1.2 A > B ESP 0xb1 seq 2 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 2 ack 6 data 29 OPEN as 65001 hold 90)
        1.3 B > A ESP 0xa1 seq 2 inner(169.254.7.2 > 169.254.7.1 TCP 179 > 40000 PSH,ACK seq 6 ack 31 data 29 OPEN as 65002 hold 90)";

#[test]
fn a_session_that_stood_and_is_refused_since() {
    let text = |end: &str, at: [u32; 2]| {
        let refused: String = [40001, 40002]
            .iter()
            .zip(at)
            .map(|(port, at)| {
                format!(
                    "\n{at} A > B ESP 0xb{at} seq 1 inner(169.254.7.1 > 169.254.7.2 TCP {port} > 179 SYN seq 1)
                         {at}.1 B > A ESP 0xa{at} seq 1 inner(169.254.7.2 > 169.254.7.1 TCP 179 > {port} RST,ACK seq 0 ack 2)"
                )
            })
            .collect();
        let session = SESSION.replace("\n        1", "\n        20");
        format!("{ALIVE}{session}{end}{refused}")
    };
    let end = "
            20.5 B > A ESP 0xa1 seq 3 inner(169.254.7.2 > 169.254.7.1 TCP 179 > 40000 FIN,ACK seq 35 ack 31)";
    let finding = fires(&text(end, [31, 34]), "bgp-down");
    assert!(
        finding.says.to_string().contains("stood between them"),
        "{}",
        finding.says
    );
    // What was refused before the session came up is over.
    silent(&text(end, [11, 14]), "bgp-down");
    // The session stands as far as one knows: its next keepalive is not due yet.
    silent(&text("", [31, 34]), "bgp-down");
}

#[test]
fn a_session_whose_packets_are_lost_is_over_when_its_end_calls_anew() {
    let text = |keepalive: &str| {
        let session = SESSION.replace("\n        1", "\n        20");
        format!(
            "{ALIVE}{session}
                 22 A > B ESP 0xb1 seq 3..6 every 3 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 19 {keepalive})
                 33 A > B ESP 0xb1 seq 9..13 every 3 inner(169.254.7.1 > 169.254.7.2 TCP 40001 > 179 SYN seq 1)"
        )
    };
    let finding = fires(&text("KEEPALIVE"), "bgp-down");
    assert!(
        finding.says.to_string().contains("stood between them"),
        "{}",
        finding.says
    );
}

#[test]
fn the_reason_of_the_end_is_named() {
    let finding = fires(
        &format!(
            "{ALIVE}{SESSION}
                 1.4 A > B ESP 0xb1 seq 3 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 21 NOTIFICATION 2/2)"
        ),
        "bgp-down",
    );
    assert!(
        finding.says.to_string().contains("Bad Peer AS (2/2)"),
        "{}",
        finding.says
    );
    assert!(
        finding.says.to_string().contains("AS 65002"),
        "{}",
        finding.says
    );
}

#[test]
fn a_session_that_stands_and_one_that_collided_are_fine() {
    let lives = format!(
        "{ALIVE}{SESSION}
             2 A > B ESP 0xb1 seq 4..6 every 20 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 19 KEEPALIVE)
             2.1 B > A ESP 0xa1 seq 3..5 every 20 inner(169.254.7.2 > 169.254.7.1 TCP 179 > 40000 PSH,ACK seq 35 ack 50 data 19 KEEPALIVE)"
    );
    silent(&lives, "bgp-down");
    // One that was closed before came up again, and one that was closed last did not.
    let closed = |at: &str| {
        format!(
            "{lives}
                 {at} A > B ESP 0xb1 seq 3 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 21 NOTIFICATION 2/2)"
        )
    };
    let says = |at: &str| fires(&closed(at), "bgp-down").says.to_string();
    assert!(says("1.4").contains("came up again"), "{}", says("1.4"));
    assert!(!says("60").contains("came up again"), "{}", says("60"));
    silent(
        &format!(
            "{lives}
                 1.4 A > B ESP 0xb1 seq 3 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 21 NOTIFICATION 6/7)"
        ),
        "bgp-down",
    );
}

#[test]
fn sealed_keepalives_that_stop_are_worth_a_line() {
    let text = |last: u32| {
        format!(
            "0 A > B ESP 0xb2 seq 1..{last} every 30 size 116
                 7 B > A ESP 0xa2 seq 1..{last} every 30 size 116
                 0.3 A > B ESP 0xb1 seq 1001..2500 every 0.7 size 100,104,108,164,148,152,1020
                 0.4 B > A ESP 0xa1 seq 1001..2500 every 0.7 size 100,104,108,164,148,152,1020"
        )
    };
    // Two that stop at other times are no session.
    silent(
        &text(20).replace("ESP 0xa2 seq 1..20", "ESP 0xa2 seq 1..9"),
        "bgp-down",
    );
    let finding = fires(&text(20), "bgp-down");
    assert_eq!(finding.severity, crate::diagnose::Severity::Info);
    silent(&text(35), "bgp-down");
}

#[test]
fn a_stopped_session_is_no_more_than_a_warning() {
    let finding = fires(
        &format!(
            "{ALIVE}{SESSION}
                 1.4 A > B ESP 0xb1 seq 3 inner(169.254.7.1 > 169.254.7.2 TCP 40000 > 179 PSH,ACK seq 31 ack 35 data 21 NOTIFICATION 6/2)"
        ),
        "bgp-down",
    );
    assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
}

#[test]
fn every_reason_has_its_name() {
    for (code, first, names) in [
        (
            1,
            1,
            "Connection Not Synchronized; Bad Message Length; Bad Message Type; ",
        ),
        (
            2,
            1,
            "Unsupported Version Number; Bad Peer AS; Bad BGP Identifier; Unsupported Optional Parameter; ; \
                 Unacceptable Hold Time; Unsupported Capability; ; ; ; Role Mismatch; ",
        ),
        (
            3,
            1,
            "Malformed Attribute List; ; Missing Well-known Attribute; ; ; ; ; \
                 Invalid NEXT_HOP Attribute; ; ; Malformed AS_PATH; ",
        ),
        (4, 0, "; "),
        (5, 0, "; "),
        (
            6,
            1,
            "Maximum Number of Prefixes Reached; Administrative Shutdown; Peer De-configured; \
                 Administrative Reset; Connection Rejected; Other Configuration Change; ; Out of Resources; \
                 Hard Reset; BFD Down; ",
        ),
        (7, 0, "; "),
    ] {
        let error = match code {
            1 => "Message Header Error",
            2 => "OPEN Message Error",
            3 => "UPDATE Message Error",
            4 => "Hold Timer Expired",
            5 => "Finite State Machine Error",
            6 => "Cease",
            _ => "ROUTE-REFRESH Message Error",
        };
        for (subcode, name) in (first..).zip(names.split("; ")) {
            let numbers = format!("({code}/{subcode})");
            let expected = match name {
                "" => format!("{error} {numbers}"),
                _ => format!("{error}, {name} {numbers}"),
            };
            assert_eq!(
                super::notification::name(Some((code, subcode))).to_string(),
                expected
            );
        }
    }
    assert_eq!(
        super::notification::name(Some((8, 1))).to_string(),
        "unknown error (8/1)"
    );
}

#[test]
fn what_to_do_follows_from_the_reason() {
    let [from, to] = ["169.254.7.1", "169.254.7.2"].map(|end| end.parse().unwrap());
    for (why, advice) in [
        ((2, 2), "Set the AS number that 169.254.7.1 expects"),
        ((2, 3), "identifier of its own"),
        ((2, 6), "hold times"),
        ((2, 11), "BGP roles"),
        ((4, 0), "169.254.7.1 heard no keepalive of 169.254.7.2"),
        ((6, 1), "169.254.7.2 sends more prefixes"),
        ((6, 10), "BFD of 169.254.7.1 lost 169.254.7.2"),
        ((6, 2), "who closed the session"),
        ((3, 1), "Look at the logs of 169.254.7.1"),
    ] {
        let said = super::notification::advice(Some(why), from, to, None).to_string();
        assert!(said.contains(advice), "{why:?}: {said}");
    }
    let known = super::notification::advice(Some((2, 2)), from, to, Some(65_020)).to_string();
    assert!(known.contains("65020"), "{known}");
}

#[test]
fn only_two_addresses_of_a_link_belong_into_one_network() {
    let odd = |from: &str, to: &str| {
        super::calls::link(from.parse().unwrap(), to.parse().unwrap()).map(|text| text.to_string())
    };
    assert!(odd("169.254.7.1", "169.254.7.6").unwrap().contains("/30"));
    assert!(odd("10.1.0.1", "10.1.0.1").unwrap().contains("same"));
    for (from, to) in [
        ("169.254.7.1", "169.254.7.2"),
        ("169.254.7.1", "10.2.0.1"),
        ("10.1.0.1", "169.254.7.1"),
        ("10.1.0.1", "10.2.0.1"),
        ("fe80::1", "fe80::9"),
    ] {
        assert_eq!(odd(from, to), None, "{from} {to}");
    }
}

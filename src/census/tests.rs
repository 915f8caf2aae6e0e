use super::*;
use crate::model::{AnomalyKind, FlowId, Plain};
use crate::net::{IpFacts, Stamp};
use crate::units::{Endpoint, EspSpi, Span};

/// What is counted of a conversation in text, within bounds.
fn within(bounds: Bounds, text: &str) -> Model {
    let mut census = Census::within(bounds, Session::default(), each::in_turn);
    let told = crate::testing::replay(text, &mut |datagram, time| {
        census.datagram(datagram, time, &[datagram.stamp.frame]);
    });
    told.unwrap();
    census.finish()
}

/// The messages in the order of their frames.
fn messages(model: &Model) -> Vec<&Message> {
    let mut messages: Vec<_> = model.messages.iter().collect();
    messages.sort_by_key(|message| message.frame);
    messages
}

fn counted(text: &str) -> Model {
    within(Bounds::default(), text)
}

/// Each line of what is blind.
fn blind(model: &Model) -> Vec<String> {
    let told = model.blind.iter();
    told.map(|one| format!("{}: {}", one.what, one.why))
        .collect()
}

fn seconds(count: i64) -> Timestamp {
    Timestamp(count * 1_000_000_000)
}

/// A late packet shows that the path reorders; so the first of all may be a late one.
#[test]
fn what_came_before_the_recording_is_not_missing() {
    let missing = |first: u32, late: &str| {
        let (after, late_one, rest) = (first + 20, first + 40, first + 41);
        let text = format!(
            "0 A > B ESP 0xc1 seq {first}
             1 A > B ESP 0xc1 seq {after}..{} every 0.01
             2 A > B ESP 0xc1 seq {rest}..{} every 0.01
             {late} A > B ESP 0xc1 seq {late_one}
             4 A > B ESP 0xc1 seq {}..{} every 0.01",
            late_one - 1,
            rest + 25,
            rest + 28,
            rest + 60
        );
        counted(&text).flows.iter().next().unwrap().sequence.missing
    };
    assert_eq!(missing(40, "3"), 2, "those between the later ones");
    assert_eq!(missing(1, "3"), 21, "the SA begins in the recording");
    assert_eq!(missing(40, "1.5"), 21, "nothing is late");
}

/// What is late when the recording ends may come after it; what is later than any was is lost.
#[test]
fn what_may_come_after_the_recording_is_not_missing() {
    let missing = |last: &str| {
        let text = format!("0 A > B ESP 0xc1 seq 1..20,25,21..24,26..60,{last} every 0.01");
        let tally = counted(&text).flows.iter().next().unwrap().sequence;
        (tally.missing, tally.bursts)
    };
    assert_eq!(missing("65"), (0, 0));
    assert_eq!(missing("66"), (5, 1), "one of them is later than any was");
    assert_eq!(missing("62,66"), (1, 1), "each gap for itself");
    assert_eq!(missing("61"), (0, 0));
}

#[test]
fn packets_of_one_sa_are_one_flow_whoever_sends_them() {
    let model = counted(
        "0 A:4500 > B:4500 ESP 0xc1 seq 1..3 every 1 size 100 df ttl=60
         3 A:4501 > B:4500 ESP 0xc1 seq 4..5 every 1 size 200 ttl=64
         5 A:4500 > B:4500 ESP 0xc2 seq 1
         6 A > B ESP 0xc1 seq 1
         7 A > B AH 0xc1 seq 1
         8 A:4500 > B:4500 ESP 0xc1 seq 6 size 300 tap=1",
    );
    let told: Vec<_> = model
        .flows
        .iter()
        .map(|flow| {
            let ports: Vec<_> = flow.paths.iter().map(|path| path.from.port).collect();
            (flow.packets, flow.bytes, ports, flow.key.ah)
        })
        .collect();
    assert_eq!(
        told,
        [
            (5, 700, vec![Some(4500), Some(4501)], false),
            (1, 140, vec![Some(4500)], false),
            // ESP in UDP is another flow than ESP alone, AH another than ESP, another tap another.
            (1, 140, vec![None], false),
            (1, 140, vec![None], true),
            (1, 300, vec![Some(4500)], false),
        ]
    );
    let first = &model.flows[FlowId(0)];
    assert_eq!((first.ttl, first.dont_fragment), ((60, 64), true));
    assert_eq!(
        (first.seen.first.1, first.seen.last.1),
        (seconds(0), seconds(4))
    );
    assert!(!model.flows[FlowId(1)].dont_fragment);
}

#[test]
fn further_sas_are_counted_and_told() {
    let bounds = Bounds {
        flows: 2,
        ..Bounds::default()
    };
    let model = within(
        bounds,
        "0 A > B ESP 0xc1 seq 1
         1 A > B ESP 0xc2 seq 1
         2 A > B ESP 0xc3 seq 1..3
         3 A > B AH 0xc4 seq 1
         4 A > B ESP 0xc2 seq 2",
    );
    assert_eq!(
        model
            .flows
            .iter()
            .map(|flow| flow.packets)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        blind(&model),
        [
            "4 ESP or AH packets of further SAs: more than 2 were met; the rest is counted but not judged"
        ]
    );
}

#[test]
fn keepalives_are_rows_of_paths_and_the_longest_pause_is_kept() {
    let model = counted(
        "0 A:4500 > B:4500 KEEPALIVE every 20 count 3
         10 C:4500 > B:4500 KEEPALIVE
         75 A:4500 > B:4500 KEEPALIVE every 5 count 2
         80 A:4500 > B:4500 KEEPALIVE tap=1",
    );
    let told: Vec<_> = model
        .keepalives
        .iter()
        .map(|row| (row.count, row.first.1, row.last.1, row.longest.length))
        .collect();
    assert_eq!(
        told,
        [
            (5, seconds(0), seconds(80), Span::from_secs(35)),
            (1, seconds(10), seconds(10), Span::default()),
            (1, seconds(80), seconds(80), Span::default()),
        ]
    );
}

#[test]
fn icmp_errors_that_are_alike_are_one_row_however_long_what_they_quote() {
    let model = counted(
        "0 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xc1 length 1500 every 2 count 2
         5 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xc1 length 1480
         6 R > A ICMP 3/4 mtu 1300 quoting A > B ESP 0xc1 length 1500
         7 R > A ICMP 3/4 mtu 1400 quoting A > B ESP 0xc2 length 1500",
    );
    let told: Vec<_> = model
        .icmp
        .iter()
        .map(|row| (row.count, row.time, row.last, row.error.quoted.length))
        .collect();
    let one = |at| (1, seconds(at), seconds(at), 1500);
    assert_eq!(told, [(3, seconds(0), seconds(5), 1500), one(6), one(7)]);
}

#[test]
fn messages_outside_of_any_ike_sa_are_rows_of_what_they_say() {
    let model = counted(
        "0 B:500 > A:500 INFO_V1 i=0 r=0 id=7 N(5)
         1 B:500 > A:500 INFO_V1 i=0 r=0 id=8 N(5)
         2 C:500 > A:500 INFO_V1 i=0 r=0 id=9 N(5)
         3 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)
         4 B:500 > A:500 INFORMATIONAL i=6 r=7 id=0 request N(INVALID_SPI 000000b1)
         5 B:500 > A:500 INFORMATIONAL i=0 r=0 id=0 request N(INVALID_SPI 000000b1)
         6 B:500 > A:500 INFORMATIONAL i=6 r=0 id=0 request N(INVALID_SPI 000000b2)
         7 B:500 > A:500 IKE_AUTH i=0 r=0 id=1 request sealed 256
         8 B:500 > A:500 INFO_V1 i=0 r=0 id=7 N(5) tap=1
         9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 response N(INVALID_IKE_SPI)
         9 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request sealed 80",
    );
    let told: Vec<_> = model
        .outside
        .iter()
        .map(|row| {
            let says = row.notices.first();
            let says = says.map(|one| (one.name().to_string(), one.spi.map(|spi| spi.0)));
            (row.count, row.seen.first.1, row.seen.last.1, says)
        })
        .collect();
    let row = |count, first, last, name: &str, spi| {
        (
            count,
            seconds(first),
            seconds(last),
            Some((name.to_owned(), spi)),
        )
    };
    assert_eq!(
        told,
        [
            row(2, 0, 1, "INVALID-MAJOR-VERSION", None),
            row(1, 2, 2, "INVALID-MAJOR-VERSION", None),
            row(2, 3, 4, "INVALID_SPI", Some(0xb1)),
            row(1, 5, 5, "INVALID_SPI", Some(0xb1)),
            row(1, 6, 6, "INVALID_SPI", Some(0xb2)),
            (1, seconds(7), seconds(7), None),
            row(1, 8, 8, "INVALID-MAJOR-VERSION", None),
        ]
    );
    // An answer belongs to what it answers, and what is sealed to whoever has the keys.
    assert_eq!(model.messages.len(), 2);
}

/// A message in the clear and one that nobody opens.
const EXCHANGE: &str = "
    0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
    1 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
    2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 256";

#[test]
fn what_is_sealed_is_kept_as_a_digest_and_what_is_read_whole() {
    let model = counted(EXCHANGE);
    let messages = messages(&model);
    let kept: Vec<_> = messages.iter().map(|message| message.bytes.len()).collect();
    let whole = usize::try_from(messages[0].header.length).unwrap();
    assert_eq!(kept, [whole, 0, limits::MESSAGE_STUB]);
    assert!(messages.iter().all(|message| !message.cut));
    assert_eq!(messages[1].plain, Plain::Sealed);
    assert!(!model.opened_any);
    assert!(model.blind.is_empty(), "{:?}", blind(&model));
}

#[test]
fn messages_beyond_a_bound_are_counted_or_kept_in_part_and_told() {
    let bounds = Bounds {
        messages: 2,
        ..Bounds::default()
    };
    let model = within(bounds, EXCHANGE);
    assert_eq!(model.messages.len(), 2);
    assert_eq!(
        blind(&model),
        ["1 IKE message: more than 2 were met; the rest is counted but not judged"]
    );
    // Room for the first of two that are equally long, to the octet.
    let twice = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
        1 A:500 > B:500 IKE_SA_INIT i=2 r=0 id=0 request SA(DH14) KE(14) Nonce";
    let whole = messages(&counted(twice))[0].bytes.len();
    for (room, cut) in [
        (2 * whole, 0),
        (2 * whole - 1, 1),
        (whole, 1),
        (whole - 1, 2),
    ] {
        let bounds = Bounds {
            message_octets: room,
            ..Bounds::default()
        };
        let model = within(bounds, twice);
        let cuts = model.messages.iter().filter(|message| message.cut);
        assert_eq!(cuts.count(), cut, "room for {room} octets");
        assert_eq!(blind(&model).len(), cut.min(1), "{:?}", blind(&model));
    }
}

fn stamp(number: u64) -> Stamp {
    Stamp {
        frame: FrameId { input: 0, number },
        time: Some(seconds(number.cast_signed())),
        vantage: Vantage {
            input: 0,
            interface: 0,
        },
        station: None,
        wire_len: 0,
    }
}

fn path() -> Path {
    let end = |last| Endpoint {
        address: IpAddr::from([192, 0, 2, last]),
        port: None,
    };
    Path {
        from: end(1),
        to: end(2),
        encap: crate::net::Encap::default(),
    }
}

/// A packet that was put together, of two pieces.
fn whole(number: u64, protocol: u8, payload: &[u8]) -> Whole {
    Whole {
        stamp: stamp(number),
        time: seconds(number.cast_signed()),
        path: path(),
        ip: IpFacts {
            pieces: 2,
            ..IpFacts::default()
        },
        protocol,
        payload: payload.to_vec(),
        length: 2000,
        cut: false,
        frames: Vec::new(),
        largest: 1400 + u32::try_from(number).unwrap(),
    }
}

/// One of which a piece of three is missing.
fn incomplete(number: u64, protocol: u8, head: Option<&[u8]>) -> Incomplete {
    Incomplete {
        stamp: stamp(number),
        time: seconds(number.cast_signed()),
        last_stamp: stamp(number + 1),
        last_time: seconds(number.cast_signed() + 1),
        path: path(),
        protocol,
        pieces: 3,
        frames: vec![stamp(number).frame; 3],
        head: head.map(<[u8]>::to_vec),
        length: None,
        largest: 1300 + u32::try_from(number).unwrap(),
    }
}

/// A UDP header between these ports, and the header of an IKE message.
fn ike_head(from: u16, to: u16, marker: &[u8]) -> Vec<u8> {
    let message = [
        &[7; 8][..],
        &[0; 8],
        &[33, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 8, 0],
    ];
    [
        &from.to_be_bytes()[..],
        &to.to_be_bytes(),
        &[0; 4],
        marker,
        &message.concat(),
    ]
    .concat()
}

#[test]
fn fragments_are_summed_up_by_pair_and_protocol() {
    let mut census = Census::new(Session::default());
    census.reassembled(&whole(1, 50, &[0; 8]));
    census.reassembled(&whole(7, 50, &[0; 8]));
    census.incomplete(incomplete(3, 50, None));
    census.incomplete(incomplete(5, 50, None));
    // Packets of UDP on other ports, and those whose ports nobody knows, are not ours.
    census.reassembled(&whole(2, 17, &ike_head(53, 53, &[])));
    census.incomplete(incomplete(2, 17, None));
    census.reassembled(&whole(8, 17, &ike_head(4500, 1024, &[0; 4])));
    let rows = census.finish().fragments;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let at = (row.first.1, row.last.1);
            (
                row.protocol,
                row.complete,
                row.incomplete,
                row.pieces,
                row.largest,
                at,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (50, 2, 2, 10, 1407, (seconds(1), seconds(7))),
            (17, 1, 0, 2, 1408, (seconds(8), seconds(8))),
        ]
    );
}

#[test]
fn the_ike_header_of_a_message_that_never_was_whole_is_read() {
    let mut census = Census::new(Session::default());
    for (number, from, to, marker) in [
        (1, 500, 500, &[][..]),
        (2, 848, 1024, &[]),
        (3, 1024, 500, &[]),
        (4, 4500, 4500, &[0; 4]),
        // Without a marker it is ESP there.
        (5, 4500, 4500, &[]),
    ] {
        census.incomplete(incomplete(number, 17, Some(&ike_head(from, to, marker))));
    }
    let rows = census.finish().fragments;
    let numbers = rows[0].incomplete_ike.iter().map(|one| one.0.number);
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(
        rows[0].incomplete_ike[0].1.spis.initiator.0,
        0x0707_0707_0707_0707
    );
    assert_eq!(
        rows[0].incomplete_frames.len(),
        15.min(limits::INCOMPLETE_FRAMES)
    );
}

#[test]
fn packets_in_clear_are_summed_up_by_pair_and_protocol() {
    let flow = |number: u64, protocol| ClearFlow {
        vantage: stamp(1).vantage,
        from: path().from.address,
        to: path().to.address,
        protocol,
        packets: 3,
        bytes: 300,
        requests: 2,
        seen: crate::model::Seen {
            first: (stamp(number).frame, seconds(number.cast_signed())),
            last: (stamp(number + 1).frame, seconds(number.cast_signed() + 1)),
        },
        station: None,
        gateway: None,
        tunnels: 0,
        refused: None,
    };
    let refused = |number: u64| {
        let quoted = crate::net::Quote {
            from: path().from,
            to: path().to,
            protocol: 1,
            length: 84,
            ike: None,
            esp: None,
        };
        ClearFlow {
            refused: Some(Box::new(crate::model::Refusal {
                by: path().to.address,
                error: crate::net::IcmpError {
                    v6: false,
                    kind: 3,
                    code: 0,
                    mtu: None,
                    quoted,
                },
                at: (stamp(number).frame, seconds(number.cast_signed())),
                count: 2,
            })),
            ..flow(number, 1)
        }
    };
    let mut census = Census::new(Session::default());
    for one in [flow(1, 1), refused(3), refused(4)] {
        census.clear(one);
    }
    let model = census.finish();
    let told = model.clear[0].refused.as_ref();
    let told = told.map(|refused| (refused.at.0.number, refused.count));
    assert_eq!(told, Some((3, 4)));
    let mut census = Census::new(Session::default());
    for one in [flow(1, 1), flow(5, 1), flow(9, 6)] {
        census.clear(one);
    }
    let told: Vec<_> = census
        .finish()
        .clear
        .iter()
        .map(|row| {
            let at = (row.seen.first.1, row.seen.last.1);
            (row.protocol, row.packets, row.bytes, row.requests, at)
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, 6, 600, 4, (seconds(1), seconds(6))),
            (6, 3, 300, 2, (seconds(9), seconds(10))),
        ]
    );
}

#[test]
fn what_is_odd_about_a_number_is_kept_and_what_is_doubled_leaves_room() {
    let lines = |kind: &str| -> String {
        (0..40_i64)
            .map(|k| {
                format!(
                    "{k} A > B ESP 0xc1 seq {} every 0.001\n",
                    kind.replace('k', &(10 * k + 10).to_string())
                )
            })
            .collect()
    };
    // Each gap is odd.
    let gaps = counted(&lines("k"));
    let flow = &gaps.flows[FlowId(0)];
    assert_eq!(flow.anomalies.len(), limits::FLOW_ANOMALIES);
    assert_eq!(flow.anomalies[0].kind, AnomalyKind::Gap(9));
    assert_eq!(
        (flow.anomalies[0].sequence, flow.anomalies[0].time),
        (20, seconds(1))
    );
    assert_eq!(flow.doubled, 0);
    // Each comes twice at once: doubled ones fill one half, gaps the other.
    let twice = counted(&lines("k,k"));
    let flow = &twice.flows[FlowId(0)];
    assert_eq!(flow.doubled, 40);
    assert_eq!(flow.sequence.duplicate, 40);
    let doubled = |one: &&crate::model::Anomaly| matches!(one.kind, AnomalyKind::Duplicate(_));
    assert!(flow.anomalies.iter().filter(doubled).count() <= limits::FLOW_ANOMALIES / 2);
    assert_eq!(flow.anomalies.len(), limits::FLOW_ANOMALIES);
}

#[test]
fn samples_stay_few_and_are_those_whose_number_is_a_multiple_of_a_power_of_two() {
    for (packets, step) in [(20_u32, 1), (100, 4), (1000, 32)] {
        let text = format!("0 A > B ESP 0xc1 seq 1..{packets}");
        let model = counted(&text);
        let numbers: Vec<u32> = model.flows[FlowId(0)]
            .samples
            .iter()
            .map(|one| one.number)
            .collect();
        let expected: Vec<u32> = (1..=packets).filter(|number| number % step == 0).collect();
        assert_eq!(numbers, expected, "{packets} packets");
        assert!(numbers.len() <= limits::FLOW_SAMPLES);
    }
    // One that comes late or again is none.
    let model = counted("0 A > B ESP 0xc1 seq 1,2,2,5,3,4,6");
    let numbers: Vec<u32> = model.flows[FlowId(0)]
        .samples
        .iter()
        .map(|one| one.number)
        .collect();
    assert_eq!(numbers, [1, 2, 5, 6]);
}

#[test]
fn a_flow_keeps_so_many_paths() {
    let lines: String = (0..2 * limits::FLOW_PATHS)
        .map(|k| format!("{k} A:{} > B:4500 ESP 0xc1 seq {}\n", 1024 + k % 20, k + 1))
        .collect();
    let paths = &counted(&lines).flows[FlowId(0)].paths;
    let ports: Vec<_> = paths.iter().map(|path| path.from.port.unwrap()).collect();
    let expected: Vec<u16> = (1024..).take(limits::FLOW_PATHS).collect();
    assert_eq!(ports, expected);
}

#[test]
fn rows_beyond_a_limit_are_counted_and_told() {
    let mut census = Census::new(Session::default());
    let far = |number: usize| {
        let mut path = path();
        path.from.address = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        path
    };
    // Three more than there is room for, and the first again.
    let numbers = |limit: usize| (0..limit + 3).chain([0]);
    for number in numbers(limits::KEEPALIVE_PATHS) {
        let datagram = Datagram {
            stamp: stamp(1),
            path: far(number),
            ip: IpFacts::default(),
            cut: false,
            body: Body::Keepalive,
        };
        census.datagram(&datagram, seconds(1), &[]);
    }
    for number in numbers(limits::FRAGMENT_TRAINS) {
        let path = far(number);
        census.reassembled(&Whole {
            path,
            ..whole(1, 50, &[])
        });
    }
    for number in numbers(limits::CLEAR_FLOWS) {
        let at = (stamp(1).frame, seconds(1));
        census.clear(ClearFlow {
            vantage: stamp(1).vantage,
            from: far(number).from.address,
            to: path().to.address,
            protocol: 1,
            packets: 2,
            bytes: 168,
            requests: 0,
            seen: crate::model::Seen {
                first: at,
                last: at,
            },
            station: None,
            gateway: None,
            tunnels: 0,
            refused: None,
        });
    }
    let model = census.finish();
    assert_eq!(model.keepalives.len(), limits::KEEPALIVE_PATHS);
    assert_eq!(model.fragments.len(), limits::FRAGMENT_TRAINS);
    assert_eq!(model.clear.len(), limits::CLEAR_FLOWS);
    let counts = (
        model.keepalives[0].count,
        model.fragments[0].complete,
        model.clear[0].packets,
    );
    assert_eq!(counts, (2, 2, 4), "the first is known");
    let told = blind(&model);
    assert_eq!(told.len(), 3, "{told:?}");
    for begins in [
        "3 NAT keepalives on further paths: ",
        "3 fragmented packets of further pairs: ",
        "6 packets in clear of further pairs: ",
    ] {
        let is_told = told.iter().any(|line| line.starts_with(begins));
        assert!(is_told, "{begins}: {told:?}");
    }
}

#[test]
fn the_first_flows_keep_more_holes_than_later_ones() {
    let bounds = Bounds {
        flows_with_all_holes: 1,
        ..Bounds::default()
    };
    // Every second number is missing.
    let numbers = |count: usize| {
        let odd = (0..count).map(|k| (2 * k + 1).to_string());
        odd.collect::<Vec<_>>().join(",")
    };
    let most = limits::FURTHER_FLOW_HOLES;
    let text = format!(
        "0 A > B ESP 0xc1 seq {} every 0.001
         1 A > B ESP 0xc2 seq {} every 0.001
         2 A > B ESP 0xc3 seq {} every 0.001",
        numbers(most + 2),
        numbers(most + 2),
        numbers(most + 1)
    );
    let model = within(bounds, &text);
    let kept: Vec<bool> = model
        .flows
        .iter()
        .map(|flow| flow.numbers.is_some())
        .collect();
    assert_eq!(kept, [true, false, true]);
}

#[test]
fn what_was_in_pieces_or_cut_is_counted_among_its_flow() {
    let mut census = Census::new(Session::default());
    for (sequence, pieces, cut, padded) in [
        (1, 1, false, true),
        (2, 2, false, false),
        (3, 3, true, false),
        (4, 1, true, false),
        (5, 1, true, true),
    ] {
        let header = crate::wire::esp::EspHeader {
            spi: EspSpi(7),
            sequence,
        };
        let datagram = Datagram {
            stamp: stamp(sequence.into()),
            path: path(),
            ip: IpFacts {
                pieces,
                padded,
                ..IpFacts::default()
            },
            cut,
            body: Body::Esp(crate::net::Esp {
                header,
                length: 100,
                bytes: &[],
                null: None,
                opening: None,
                payload: &[],
            }),
        };
        census.datagram(&datagram, seconds(sequence.into()), &[]);
    }
    let model = census.finish();
    let flow = &model.flows[FlowId(0)];
    assert_eq!((flow.packets, flow.bytes), (5, 500));
    assert_eq!((flow.fragmented, flow.cut, flow.padded), (2, 3, 2));
}

#[test]
fn keys_that_cannot_be_used_are_told_by_reason() {
    use crate::keys::{AddressPattern, EncryptionId, EspKeys, IntegrityId, KeyRing, SpiPattern};
    let keys = |line, octets: usize| EspKeys {
        ah: false,
        from: AddressPattern::Any,
        to: AddressPattern::Any,
        spi: SpiPattern::one(EspSpi(1)),
        encryption: Some(EncryptionId {
            id: 11,
            key_bits: None,
        }),
        encryption_key: [][..].into(),
        integrity: Some(IntegrityId::usual(2)),
        integrity_key: vec![1; octets][..].into(),
        esn: None,
        origin: Origin {
            file: "keys".to_owned(),
            line,
        },
    };
    let ring = KeyRing {
        esp: vec![keys(1, 20), keys(2, 3), keys(3, 3)],
        ..KeyRing::default()
    };
    let told: Vec<String> = unusable(&Sadb::new(&ring))
        .iter()
        .map(|one| format!("{}: {}", one.what, one.why))
        .collect();
    assert_eq!(
        told,
        [
            "what the ESP keys of keys:2 and 1 other protect: AUTH_HMAC_SHA1_96 takes a key of 20 \
          octets, not 3"
        ]
    );
}

//! A small model with every kind of row, for the tests of what is shown.

use crate::diagnose::{Confidence, Evidence, Finding, Rule, Severity, Signs};
use crate::keys::Origin;
use crate::model::{
    Anomaly, AnomalyKind, AuthOutcome, Blind, ChildSa, ChildSaId, Classes, EspFlow, Exchange,
    Failure, Few, Flight, FlowId, FlowKey, IkeSa, IkeSaId, IkeState, IkeSuite, Input, KeyUsed,
    Link, Message, MessageId, Model, Nat, NatVerdict, NullTally, Octets, OpenedTally, Plain, Role,
    Seen, SequenceTally, Silence, SizeTally, Timeline, Transport, Tunnel, TunnelId,
};
use crate::net::{Encap, IpFacts, Layer, Path, Unopened};
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{Endpoint, EspSpi, FrameId, IkeSpi, IkeSpis, Span, Timestamp, Vantage};
use crate::wire::{Flags, Header, Version};
use std::collections::BTreeMap;
use std::net::IpAddr;

const VANTAGE: Vantage = Vantage {
    input: 0,
    interface: 0,
};
const SPIS: IkeSpis = IkeSpis {
    initiator: IkeSpi(0xa1a2_a3a4_a5a6_a7a8),
    responder: IkeSpi(0xb1b2_b3b4_b5b6_b7b8),
};

/// A tunnel of two gateways: an IKE SA with one exchange, a child SA, a flow that loses packets.
pub(super) fn model() -> Model {
    let mut model = Model::default();
    model.inputs.push(Input {
        set: 0,
        path: "gateway.pcap".to_owned(),
        name: "gateway.pcap".to_owned(),
        format: "pcap".to_owned(),
        link_types: vec!["ETHERNET".to_owned()],
        snaplen: Some(96),
        frames: 1234,
        frames_cut: 12,
        bytes: 100_000,
        first: Some(at(0)),
        last: Some(at(60_000)),
        dropped: Some(3),
        problems: Vec::new(),
        ..Input::default()
    });
    let request = model.messages.push(0, message(1, 0, false));
    let copy = model.messages.push(0, message(2, 4_000, false));
    let response = model.messages.push(0, message(3, 4_030, true));
    let exchange = model.exchanges.push(
        0,
        Exchange {
            ike_sa: IkeSaId(0),
            kind: ExchangeType::IKE_SA_INIT,
            message_id: 0,
            by: Role::Initiator,
            flights: Few::from(vec![
                flight(Role::Initiator, request, vec![copy]),
                flight(Role::Responder, response, Vec::new()),
            ]),
        },
    );
    model.ike_sas.push(IkeSa {
        version: Version::V2,
        spis: SPIS,
        paths: vec![path(false)],
        exchanges: vec![exchange],
        suite: Some(IkeSuite {
            encryption: Some(12),
            key_bits: Some(256),
            prf: Some(5),
            integrity: Some(12),
            group: Some(14),
            ..IkeSuite::default()
        }),
        auth: AuthOutcome::Full,
        state: IkeState::Established,
        nat: Some(Nat {
            initiator: NatVerdict::Translated,
            responder: NatVerdict::Untranslated,
        }),
        replaces: None,
        made_by: None,
        child_sas: vec![ChildSaId(0)],
        vendors: [vec!["strongSwan".to_owned()], Vec::new()],
        fragmentation: [Some(true), None],
        nonces: [None, None],
        signs: Signs::NONE,
        notices: Vec::new(),
        seen: seen(1, 0, 3, 4_030),
    });
    model.child_sas.push(ChildSa {
        ike_sa: Some(IkeSaId(0)),
        made_by: None,
        spis: [None, Some(EspSpi(0xc0de_0001))],
        by: Some(Role::Initiator),
        is_guessed: false,
        flows: [None, Some(FlowId(0))],
        replaces: None,
        terms: None,
        seen: Some(seen(4, 5_000, 1234, 60_000)),
    });
    model.flows.push(flow());
    model.tunnels.push(Tunnel {
        ends: [address(1), address(2)],
        sides: BTreeMap::new(),
        addresses: [vec![address(1)], vec![address(2)]],
        ike_sas: vec![IkeSaId(0)],
        flows: vec![FlowId(0)],
        icmp: Vec::new(),
        outside: Vec::new(),
        keepalives: Vec::new(),
        fragments: Vec::new(),
        clear: Vec::new(),
        taps: Vec::new(),
        inner: Vec::new(),
        inner_errors: Vec::new(),
    });
    model.blind.push(Blind {
        what: "identities".into(),
        why: "the messages that carry them are sealed".into(),
    });
    model
}

/// An error and an information.
pub(super) fn findings() -> Vec<Finding> {
    let finding = |rule: &'static Rule,
                   title: &'static str,
                   says: &'static str,
                   evidence: &[(u64, &'static str)]| Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Likely,
        tunnel: Some(TunnelId(0)),
        first: at(5_000),
        last: at(60_000),
        title: title.into(),
        says: says.into(),
        evidence: evidence
            .iter()
            .map(|(number, note)| Evidence {
                frame: frame(*number),
                note: (*note).into(),
            })
            .collect(),
        alternatives: Vec::new(),
        advice: Vec::new(),
        also_explains: &[],
        in_order: false,
        cause: None,
    };
    let mut loss = finding(
        &LOSS,
        "ESP packets are lost on the way to the responder",
        "Of 1300 packets to 192.0.2.2, 70 never came (5.4 %), in 20 bursts of up to 9. The other \
         direction loses none.",
        &[
            (40, "sequence number 36 follows 32"),
            (77, "sequence number 75 follows 70"),
        ],
    );
    loss.alternatives =
        vec!["The capturing system dropped them: it says that it dropped 3.".into()];
    loss.advice = vec![
        "Capture at 192.0.2.2 too: what is missing there was lost on the path.".into(),
        "Look for a rate limit on the path.".into(),
    ];
    let nat = finding(
        &NAT,
        "The initiator is behind a NAT",
        "Its hash fits no address seen here.",
        &[(1, "the request")],
    );
    vec![loss, nat]
}

static LOSS: Rule = Rule {
    slug: "packet-loss",
    code: "ESP999",
    severity: Severity::Error,
    summary: "Packets are lost.",
    document: "## What it means\nPackets are lost.\n",
    explains: &[],
    needs: Signs::NONE,
    check: |_| Vec::new(),
};

static NAT: Rule = Rule {
    slug: "nat-detected",
    code: "INF999",
    severity: Severity::Info,
    summary: "There is a NAT.",
    document: "## What it means\nThere is a NAT.\n",
    explains: &[],
    needs: Signs::NONE,
    check: |_| Vec::new(),
};

/// A moment so many milliseconds after the start.
fn at(millis: i64) -> Timestamp {
    Timestamp(1_709_208_000_000_000_000 + millis * 1_000_000)
}

fn frame(number: u64) -> FrameId {
    FrameId { input: 0, number }
}

fn seen(first: u64, first_millis: i64, last: u64, last_millis: i64) -> Seen {
    Seen {
        first: (frame(first), at(first_millis)),
        last: (frame(last), at(last_millis)),
    }
}

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

fn path(back: bool) -> Path {
    let mut encap = Encap::default();
    assert!(encap.push(Layer::Udp));
    let [from, to] = [1, 2].map(|last| Endpoint {
        address: address(last),
        port: Some(500),
    });
    if back {
        Path {
            from: to,
            to: from,
            encap,
        }
    } else {
        Path { from, to, encap }
    }
}

fn message(number: u64, millis: i64, response: bool) -> Message {
    Message {
        frame: frame(number),
        time: at(millis),
        vantage: VANTAGE,
        station: None,
        path: path(response).into(),
        ip: IpFacts::default(),
        cut: false,
        header: Header {
            spis: SPIS,
            next_payload: PayloadType::SA,
            version: Version::V2,
            exchange: ExchangeType::IKE_SA_INIT,
            flags: Flags(if response { 0x20 } else { 0x08 }),
            message_id: 0,
            length: 300,
        },
        bytes: Octets::whole(&[]),
        plain: Plain::Clear,
        pieces: None,
    }
}

fn flight(by: Role, first: MessageId, again: Vec<MessageId>) -> Flight {
    Flight {
        by,
        response: by == Role::Responder,
        parts: Few::from(vec![first]),
        again: again.into(),
        elsewhere: Few::new(),
        fragments: None,
        fragments_seen: Few::new(),
        completed_by: None,
    }
}

fn flow() -> EspFlow {
    EspFlow {
        doubled: 0,
        renumbered: 0,
        key: FlowKey {
            vantage: VANTAGE,
            ah: false,
            transport: Transport::Udp,
            spi: EspSpi(0xc0de_0001),
            to: address(2),
        },
        paths: vec![path(false)],
        moved: Vec::new(),
        packets: 1230,
        bytes: 98_400,
        fragmented: 0,
        cut: 12,
        sequence: SequenceTally {
            first: 1,
            highest: 1300,
            missing: 70,
            late: 2,
            deepest: 3,
            bursts: 20,
            longest_burst: 9,
            exact: true,
            ..SequenceTally::default()
        },
        numbers: None,
        samples: Vec::new(),
        anomalies: vec![Anomaly {
            frame: frame(40),
            time: at(6_000),
            sequence: 36,
            kind: AnomalyKind::Gap(3),
        }],
        timeline: Timeline {
            step_secs: 1,
            counts: vec![1000, 230],
            lost: vec![70],
        },
        silences: vec![Silence {
            length: Span::from_secs(3),
            before: (frame(50), at(7_000)),
            after: (frame(51), at(10_000)),
        }],
        sizes: SizeTally {
            smallest: 80,
            largest: 80,
            residues: 1,
            counts: vec![(80, 1230)],
            others: 0,
        },
        rhythms: Vec::new(),
        ttl: (62, 62),
        classes: Classes {
            seen: 1 << 46,
            tallies: Vec::new(),
        },
        dont_fragment: true,
        padded: 1,
        null: Some(NullTally {
            packets: 2,
            iv: 0,
            icv: 12,
            first: (frame(4), at(5_000)),
        }),
        opened: Some(OpenedTally {
            opened: 2,
            unchecked: 1,
            proven: None,
            failed: [(Unopened::Integrity, 1)].into(),
            failures: vec![Failure {
                frame: frame(5),
                time: Timestamp(5),
                sequence: 4,
                why: Unopened::Integrity,
            }],
            high: Some(1),
            keys: vec![KeyUsed {
                suite: "ENCR_AES_GCM_16".to_owned(),
                origin: Origin {
                    file: "esp_sa".to_owned(),
                    line: 1,
                },
            }],
        }),
        seen: seen(4, 5_000, 1234, 60_000),
        child_sa: Link::Proven(ChildSaId(0)),
    }
}

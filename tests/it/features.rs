//! What other dissectors cannot read: each once in a message of our own making, and once as a
//! daemon sent it, where a daemon could be had that does.

use crate::encap::{Scrap, a, b};
use crate::run::{root, stdout};
use espial::registry::{ExchangeType, NotifyType, PayloadType, SecurityProtocol};
use espial::testing::capture::{Emitter, Segment};
use espial::units::{IkeSpi, IkeSpis};
use espial::wire::ikev2::{self, Notify, Proposal, SecurityAssociation, Transform};
use espial::wire::{Body, Flags, Header, Message, Payload, Version};
use serde_json::Value;
use std::path::Path;

/// The records of `dissect` for a capture, with the keys beside it if asked.
fn dissected(capture: &Path, keys: bool) -> Vec<Value> {
    let folder = capture.with_file_name("keys");
    let mut arguments = vec!["dissect".as_ref(), "--format".as_ref(), "ndjson".as_ref()];
    if keys {
        arguments.extend(["-k".as_ref(), folder.as_os_str()]);
    }
    arguments.push(capture.as_os_str());
    let records = stdout(arguments);
    records
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

fn emitted(fill: impl FnOnce(&mut Emitter)) -> Vec<Value> {
    let mut emitter = Emitter::default();
    fill(&mut emitter);
    dissected(&Scrap::of(&emitter).0, false)
}

fn recorded(case: &str, keys: bool) -> Vec<Value> {
    dissected(
        &root().join("captures").join(case).join("capture.pcapng"),
        keys,
    )
}

fn message(exchange: ExchangeType, payloads: Vec<(PayloadType, ikev2::Body<'_>)>) -> Vec<u8> {
    let payload = |(kind, body)| Payload {
        kind,
        critical: false,
        at: 0,
        length: 0,
        body: Body::V2(body),
    };
    let message = Message {
        header: Header {
            spis: IkeSpis {
                initiator: IkeSpi(0x1111_2222_3333_4444),
                responder: IkeSpi(0x5555_6666_7777_8888),
            },
            next_payload: PayloadType::NONE,
            version: Version::V2,
            exchange,
            flags: Flags(0x08),
            message_id: 1,
            length: 0,
        },
        payloads: payloads.into_iter().map(payload).collect(),
        sealed: None,
        faults: Vec::new(),
    };
    message.emit()
}

/// Every payload of a record, those inside others too.
fn payloads(record: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    let mut left: Vec<&Value> = record["ike"]["payloads"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    while let Some(payload) = left.pop() {
        all.push(payload);
        left.extend(payload["payloads"].as_array().into_iter().flatten());
    }
    all
}

#[track_caller]
fn some_payload(records: &[Value], pointer: &str, wanted: &str) {
    let found = records
        .iter()
        .flat_map(payloads)
        .filter_map(|payload| payload.pointer(pointer))
        .any(|value| value.as_str() == Some(wanted));
    assert!(found, "no payload has {pointer} = {wanted}");
}

#[track_caller]
fn some_exchange(records: &[Value], number: u64, name: &str) {
    let found = records.iter().any(|record| {
        record["ike"]["exchange"] == number && record["ike"]["exchange_name"] == name
    });
    assert!(found, "no message of exchange {number}, {name}");
}

#[test]
fn the_exchanges_of_rfc_9242_and_rfc_9370() {
    let sealed = || {
        let body = ikev2::Body::Sk(ikev2::Encrypted {
            first: PayloadType::KE,
            data: &[7; 64],
        });
        vec![(PayloadType::SK, body)]
    };
    let made = emitted(|emitter| {
        for exchange in [
            ExchangeType::IKE_INTERMEDIATE,
            ExchangeType::IKE_FOLLOWUP_KE,
        ] {
            emitter.udp(a(500), b(500), &message(exchange, sealed()));
        }
    });
    for records in [made, recorded("healthy-mlkem", false)] {
        some_exchange(&records, 43, "IKE_INTERMEDIATE");
        some_exchange(&records, 44, "IKE_FOLLOWUP_KE");
    }
}

#[test]
fn additional_key_exchanges() {
    let transform = Transform::new(espial::registry::TransformType::ADDKE1, 36, Vec::new());
    let sa = SecurityAssociation {
        proposals: vec![Proposal {
            number: 1,
            protocol: SecurityProtocol::IKE,
            spi: &[],
            transforms: vec![transform],
        }],
    };
    let octets = message(
        ExchangeType::IKE_SA_INIT,
        vec![(PayloadType::SA, ikev2::Body::Sa(sa))],
    );
    let made = emitted(|emitter| {
        emitter.udp(a(500), b(500), &octets);
    });
    for records in [made, recorded("healthy-mlkem", false)] {
        let found = records.iter().flat_map(payloads).any(|payload| {
            let transforms = payload
                .pointer("/proposals/0/transforms")
                .and_then(Value::as_array);
            transforms.into_iter().flatten().any(|transform| {
                transform["type"] == 6 && transform["id"] == 36 && transform["name"] == "ml-kem-768"
            })
        });
        assert!(found, "no proposal has ADDKE1 with ml-kem-768");
    }
}

#[test]
fn the_newest_notifies() {
    let samples: &[(NotifyType, &[u8])] = &[
        (NotifyType::STATE_NOT_FOUND, &[]),
        (NotifyType::TS_MAX_QUEUE, &[]),
        (NotifyType::USE_PPK, &[]),
        (NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED, &[]),
        (NotifyType::ADDITIONAL_KEY_EXCHANGE, &[1, 2]),
        (NotifyType::USE_AGGFRAG, &[1]),
        (NotifyType::SUPPORTED_AUTH_METHODS, &[2, 2, 3, 1, 1]),
        (NotifyType::SA_RESOURCE_INFO, &[1, 2, 3]),
    ];
    let notify = |&(kind, data)| {
        let notify = Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind,
            data,
        };
        (PayloadType::NOTIFY, ikev2::Body::Notify(notify))
    };
    let octets = message(
        ExchangeType::IKE_SA_INIT,
        samples.iter().map(notify).collect(),
    );
    let made = emitted(|emitter| {
        emitter.udp(a(500), b(500), &octets);
    });
    for (kind, _) in samples {
        some_payload(&made, "/notify_name", kind.name().unwrap());
    }
    assert!(
        made.iter()
            .flat_map(payloads)
            .all(|payload| payload["fits"] != false)
    );

    let recorded = recorded("healthy-mlkem", true);
    for kind in [
        NotifyType::INTERMEDIATE_EXCHANGE_SUPPORTED,
        NotifyType::ADDITIONAL_KEY_EXCHANGE,
        NotifyType::IKEV2_MESSAGE_ID_SYNC_SUPPORTED,
    ] {
        some_payload(&recorded, "/notify_name", kind.name().unwrap());
    }
}

/// No daemon at hand speaks TCP without support in the kernel.
#[test]
fn ike_in_tcp() {
    let octets = message(ExchangeType::IKE_SA_INIT, Vec::new());
    let length = u16::try_from(octets.len() + 6).unwrap();
    let stream = [b"IKETCP", &length.to_be_bytes()[..], &[0; 4], &octets].concat();
    let records = emitted(|emitter| {
        let segment = Segment {
            sequence: 1,
            ..Segment::default()
        };
        emitter.tcp(a(40_000), b(4500), segment, &stream);
    });
    assert_eq!(records[0]["encap"], serde_json::json!(["tcp"]));
    some_exchange(&records, 34, "IKE_SA_INIT");
}

/// No daemon at hand wraps ESP (RFC 5840).
#[test]
fn wrapped_esp() {
    let esp = [&[0xc0, 0xff, 0xee, 1, 0, 0, 0, 9][..], &[0x5a; 40]].concat();
    // Encrypted: next header and lengths are zero (RFC 5840 section 2).
    let wrapped = [&[0, 0, 0, 2, 0, 0, 0, 0x20][..], &esp].concat();
    let records = emitted(|emitter| {
        emitter.udp(a(4500), b(4500), &wrapped);
    });
    assert_eq!(
        records[0]["encap"],
        serde_json::json!(["udp", "wesp"]),
        "{records:?}"
    );
    assert_eq!(records[0]["esp"]["spi"], "0xc0ffee01");
}

/// Daemons of today leave port 500 for ESP.
#[test]
fn esp_on_port_500() {
    let esp = [&[0xc0, 0xff, 0xee, 1, 0, 0, 0, 9][..], &[0x5a; 60]].concat();
    let records = emitted(|emitter| {
        emitter.udp(a(500), b(500), &esp);
    });
    assert_eq!(records[0]["kind"], "esp");
    assert_eq!(records[0]["esp"]["sequence"], 9);
}

#[test]
fn ports_that_only_their_content_explains() {
    let records = recorded("healthy-other-ports", false);
    let of = |kind: &str| {
        let found = records.iter().filter(|record| record["kind"] == kind);
        found.filter(|record| record["src_port"] == 14500).count()
    };
    assert!(
        of("ike") > 4 && of("esp") > 4,
        "{} and {}",
        of("ike"),
        of("esp")
    );
}

#[test]
fn hashes_for_nat_detection_are_matched() {
    let octets = espial::testing::census(
        "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce NATD",
    );
    let octets = octets
        .unwrap()
        .messages
        .iter()
        .next()
        .unwrap()
        .bytes
        .to_vec();
    let made = emitted(|emitter| {
        emitter.udp(a(500), b(500), &octets);
    });
    let ours = recorded("healthy-mlkem", false);
    for records in [&made, &ours] {
        some_payload(records, "/matches", "source");
        some_payload(records, "/matches", "destination");
    }
    some_payload(&recorded("nat", false), "/matches", "none");
    some_payload(
        &recorded("healthy-suites-ikev1", false),
        "/matches",
        "source",
    );
}

#[test]
fn fragments_of_ikev1_are_put_together() {
    let records = recorded("healthy-ikev1-certificates", true);
    let subject = "/subject";
    let found = records
        .iter()
        .flat_map(payloads)
        .filter_map(|payload| payload.pointer(subject));
    let subjects: Vec<String> = found.map(Value::to_string).collect();
    for side in ["office", "cloud"] {
        assert!(
            subjects.iter().any(|subject| subject.contains(side)),
            "{subjects:?}"
        );
    }
}

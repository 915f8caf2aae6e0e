//! The JSON Schemas of what is written.

mod misfits;

pub use misfits::misfits;

/// Name of the output, and its schema.
pub const SCHEMAS: &[(&str, &str)] = &[
    ("espial.diagnosis/1", include_str!("schema/diagnosis.json")),
    ("espial.dissect/1", include_str!("schema/dissect.json")),
    ("espial.tunnels/1", include_str!("schema/tunnels.json")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Origin;
    use crate::model::{Opened, Plain, Why};
    use crate::net::{
        Ah, Body, Datagram, Encap, Esp, FailedEsp, IcmpError, Inner, IpFacts, Layer, Null,
        OpenedEsp, Opening, Path, Quote, SaId, Stamp, Unopened,
    };
    use crate::registry::PayloadType;
    use crate::report::dissect::write_ndjson;
    use crate::report::view::Tunnels;
    use crate::report::{Diagnosis, Selection, sample};
    use crate::session::{Reading, Session};
    use crate::units::{Endpoint, EspSpi, FrameId, IkeSpi, IkeSpis, Timestamp, Vantage};
    use crate::wire::ah::AuthenticationHeader;
    use crate::wire::esp::EspHeader;
    use crate::wire::x509::tests::{gateway, revocations};
    use serde_json::Value;

    fn assert_fits(name: &str, json: &str) {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let schemas = SCHEMAS
            .iter()
            .map(|(name, text)| ((*name).to_owned(), parsed(text)))
            .collect();
        let wrong = misfits(&parsed(json), name, &Value::Object(schemas));
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{json}");
    }

    #[test]
    fn the_diagnosis_is_what_its_schema_says() {
        let (model, findings) = (sample::model(), sample::findings());
        let diagnosis = Diagnosis::new(&model, &findings, &Selection::default());
        assert_fits(
            Diagnosis::SCHEMA,
            &serde_json::to_string(&diagnosis).unwrap(),
        );
    }

    #[test]
    fn the_tunnels_are_what_their_schema_says() {
        let model = sample::model();
        let tunnels = Tunnels::new(&model, &Selection::default());
        assert_fits(Tunnels::SCHEMA, &serde_json::to_string(&tunnels).unwrap());
    }

    #[test]
    fn what_is_inside_is_what_its_schema_says() {
        let model = crate::testing::model(
            "1 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             2.1 B > A ESP 0xa1 seq 2 inner(10.2.0.9 > 10.1.0.1 ICMP 3/4 mtu 1300 quoting 10.1.0.1 > 10.2.0.1 TCP 1 > 2)
             3.1 A > B ESP 0xb1 seq 4 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
        );
        let tunnels = Tunnels::new(&model, &Selection::default());
        assert!(tunnels.tunnels.iter().all(|tunnel| tunnel.inner.is_some()));
        assert_fits(Tunnels::SCHEMA, &serde_json::to_string(&tunnels).unwrap());
        let diagnosis = Diagnosis::new(&model, &[], &Selection::default());
        assert_fits(
            Diagnosis::SCHEMA,
            &serde_json::to_string(&diagnosis).unwrap(),
        );
    }

    #[test]
    fn what_is_said_outside_of_any_ike_sa_is_what_its_schema_says() {
        let model = crate::testing::model(
            "1 B:500 > A:500 INFORMATIONAL i=5 r=0 id=0 request N(INVALID_SPI 000000b1)
             2 B:500 > A:500 IKE_AUTH i=0 r=0 id=1 request sealed 256",
        );
        let tunnels = Tunnels::new(&model, &Selection::default());
        assert!(
            tunnels
                .tunnels
                .iter()
                .all(|tunnel| tunnel.outside.len() == 2)
        );
        assert_fits(Tunnels::SCHEMA, &serde_json::to_string(&tunnels).unwrap());
    }

    #[test]
    fn every_kind_of_dissected_line_is_what_the_schema_says() {
        let icv = [1, 2, 3];
        let end = |last| Endpoint {
            address: [192, 0, 2, last].into(),
            port: Some(4500),
        };
        let ike = IkeSpis {
            initiator: IkeSpi(1),
            responder: IkeSpi(2),
        };
        let icmp = |esp, ike| {
            let (from, to) = (end(1), end(2));
            let quoted = Quote {
                from,
                to,
                protocol: 17,
                length: 1500,
                ike,
                esp,
            };
            Body::Icmp(IcmpError {
                v6: false,
                kind: 3,
                code: 4,
                mtu: Some(1400),
                quoted,
            })
        };
        let header = EspHeader {
            spi: EspSpi(7),
            sequence: 1,
        };
        let ah = AuthenticationHeader {
            next_header: 50,
            length: 24,
            spi: EspSpi(7),
            sequence: 1,
            icv: &icv,
        };
        let messages = conversation();
        let mut bodies: Vec<Body<'_>> = messages.iter().map(|bytes| Body::Ike(bytes)).collect();
        bodies.extend([
            Body::Esp(Esp {
                header,
                length: 80,
                bytes: &icv,
                null: None,
                opening: None,
                payload: &[],
            }),
            Body::Ah(Ah {
                header: ah,
                length: 100,
                bytes: &[],
                around: None,
                icv_ok: Some(true),
            }),
            Body::Keepalive,
            icmp(Some(EspSpi(7)), None),
            icmp(None, Some(ike)),
        ]);
        let readable = readable();
        bodies.extend(readable.iter().map(|(null, bytes)| {
            Body::Esp(Esp {
                header,
                length: 80,
                bytes,
                null: Some(*null),
                opening: None,
                payload: &[],
            })
        }));
        let openings = openings();
        bodies.extend(openings.iter().map(|opening| {
            Body::Esp(Esp {
                header,
                length: 80,
                bytes: &[],
                null: None,
                opening: Some(opening),
                payload: &[],
            })
        }));
        for body in bodies {
            let datagram = datagram(end(1), end(2), body);
            let reading = match datagram.body {
                Body::Ike(octets) => {
                    let frames = [datagram.stamp.frame];
                    Session::default().see(octets, &datagram, Timestamp(1), &frames)
                }
                _ => Reading::default(),
            };
            assert_line_fits(&datagram, &reading);
        }
    }

    #[test]
    fn what_keys_made_of_a_message_is_what_the_schema_says() {
        // A nonce of eight octets, and one that claims to be longer than it is.
        let (right, faulty) = ([0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 99, 1, 2]);
        for octets in conversation() {
            let v1 = octets[17] >> 4 == 1;
            for text in [&right[..], &faulty[..], &[]] {
                let opened = Opened {
                    first: match (text.is_empty(), v1) {
                        (true, _) => PayloadType::NONE,
                        (_, true) => PayloadType::NONCE_V1,
                        (_, false) => PayloadType::NONCE,
                    },
                    octets: text.to_vec().into(),
                    is_part: text.is_empty(),
                    iv: vec![1, 2],
                    pad_length: 3,
                    icv_ok: Some(true),
                    hash_ok: None,
                    key: Origin {
                        file: "keys".to_owned(),
                        line: 7,
                    },
                };
                let end = Endpoint {
                    address: [192, 0, 2, 1].into(),
                    port: None,
                };
                let datagram = datagram(end, end, Body::Ike(&octets));
                for plain in [Plain::Opened(opened.into()), Plain::Failed(Why::Corrupted)] {
                    let reading = Reading {
                        plain,
                        frames: vec![datagram.stamp.frame],
                        ..Reading::default()
                    };
                    assert_line_fits(&datagram, &reading);
                }
            }
        }
    }

    fn assert_line_fits(datagram: &Datagram<'_>, reading: &Reading) {
        let mut line = Vec::new();
        write_ndjson(&mut line, datagram, Timestamp(1), reading).unwrap();
        assert_fits("espial.dissect/1", std::str::from_utf8(&line).unwrap());
    }

    fn datagram(from: Endpoint, to: Endpoint, body: Body<'_>) -> Datagram<'_> {
        let mut encap = Encap::default();
        assert!(encap.push(Layer::Vlan(100)) && encap.push(Layer::Udp));
        Datagram {
            stamp: Stamp {
                frame: FrameId {
                    input: 0,
                    number: 1,
                },
                time: None,
                vantage: Vantage {
                    input: 0,
                    interface: 0,
                },
                station: None,
                wire_len: 200,
            },
            path: Path { from, to, encap },
            ip: IpFacts {
                pieces: 2,
                ..IpFacts::default()
            },
            cut: true,
            body,
        }
    }

    /// ESP packets that are not encrypted, with everything that they may carry.
    /// Whatever keys make of a packet.
    fn openings() -> Vec<Opening> {
        let (from, to) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let opened = |checked, high| {
            Opening::Opened(OpenedEsp {
                sa: SaId(0),
                checked,
                high,
                next_header: 17,
                pad_length: 2,
                inner: Inner::read(17, &[0, 1, 0, 2, 0, 8, 0, 0], from, to),
            })
        };
        let failed = |why| Opening::Failed(FailedEsp { sa: SaId(0), why });
        vec![
            opened(true, Some(1)),
            opened(false, None),
            failed(Unopened::Integrity),
            failed(Unopened::Padding),
            failed(Unopened::Cut),
        ]
    }

    fn readable() -> Vec<(Null, Vec<u8>)> {
        let ipv4 = |protocol: u8, flags: u8, payload: &[u8]| {
            let length = u8::try_from(20 + payload.len()).unwrap();
            let head = [
                0x45, 0, 0, length, 0, 1, flags, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
            ];
            [&head[..], payload].concat()
        };
        let bgp = |kind: u8, body: &[u8]| {
            let length = u8::try_from(19 + body.len()).unwrap();
            [&[0xff; 16][..], &[0, length, kind], body].concat()
        };
        let tcp = [
            &[0, 179, 0, 179, 0, 0, 0, 1, 0, 0, 0, 2, 0x60, 0x12, 0, 9][..],
            &[0, 0, 0, 0, 2, 4, 5, 0xb4],
            &bgp(1, &[4, 0, 1, 0, 90, 1, 2, 3, 4, 0]),
            &bgp(3, &[6, 2]),
            &bgp(4, &[]),
            &bgp(99, &[]),
            &bgp(2, &[0; 4])[..20],
        ];
        let packet = ipv4(6, 0x40, &tcp.concat());
        let error = [&[3, 4, 0, 0, 0, 0, 5, 0], &ipv4(50, 0, &[1; 8])[..]].concat();
        let aggfrag = [&[0, 0, 0, 1, 9], &packet[..], &[0; 3]].concat();
        let payloads = [
            (4, packet.clone()),
            (4, [&packet[..], &[0; 9]].concat()),
            (4, packet[..30].to_vec()),
            (4, ipv4(17, 0x20, &[0; 8])),
            (1, error),
            (58, vec![128, 0, 0, 0, 0, 0, 0, 0]),
            (47, [&[0, 0, 8, 0], &packet[..]].concat()),
            (108, vec![4, 0, 0, 2]),
            (144, aggfrag),
            (59, vec![0; 9]),
            (200, vec![0; 9]),
        ];
        let laid_out = payloads.into_iter().map(|(next_header, payload)| {
            let null = Null {
                iv: 0,
                icv: 0,
                pad_length: 0,
                next_header,
            };
            (null, [&[0; 8][..], &payload, &[0, next_header]].concat())
        });
        laid_out.collect()
    }

    /// Messages of both versions that hold every payload in clear, written octet by octet.
    fn conversation() -> Vec<Vec<u8>> {
        let certificate = [vec![4], gateway()].concat();
        let revoked = [vec![7], revocations()].concat();
        let url = [&[12][..], &[1; 20], b"http://pki.example/"].concat();
        let authorities = [&[4][..], &[1; 40]].concat();
        let v1: &[(u8, &[u8])] = &[
            // DOI 1, situation 1; proposal 1 ISAKMP with one transform of two attributes.
            (
                1,
                &[
                    0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 28, 1, 1, 0, 1, 0, 0, 0, 20, 1, 1, 0, 0, 0x80,
                    1, 0, 7, 0, 12, 0, 4, 0, 0, 0x70, 0x80,
                ],
            ),
            (4, &[1; 8]),
            (5, &[1, 17, 1, 244, 192, 0, 2, 1]),
            (6, &[4, 0x30]),
            (6, &certificate),
            (7, &[4, 0x30]),
            (8, &[2; 4]),
            (9, &[2; 4]),
            (10, &[2; 8]),
            (11, &[0, 0, 0, 1, 1, 0, 0x8d, 0x28, 0, 0, 0, 9]),
            (12, &[0, 0, 0, 1, 3, 4, 0, 1, 1, 2, 3, 4]),
            (13, &[5; 16]),
            // RESPONDER-LIFETIME, REPLAY-STATUS, and an R-U-THERE without a number.
            (
                11,
                &[0, 0, 0, 1, 1, 0, 0x60, 0, 0x80, 11, 0, 1, 0x80, 12, 14, 16],
            ),
            (11, &[0, 0, 0, 1, 3, 0, 0x60, 1, 0, 0, 0, 1]),
            (11, &[0, 0, 0, 1, 1, 0, 0x8d, 0x28]),
            (14, &[1, 0, 0, 1, 0x40, 0x8f, 0, 2, 65, 66]),
            // DOI 2 with the policies of a KEK, a TEK and a group, then a KEK by itself.
            (
                1,
                &[
                    0, 0, 0, 2, 0, 0, 0, 0, 0, 15, 0, 0, 22, 0, 0, 41, 17, 1, 0, 0, 2, 1, 2, 1, 0,
                    0, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0x80,
                    2, 0, 3, 16, 0, 0, 8, 0x80, 1, 0, 5, 16, 0, 0, 29, 1, 0, 1, 0, 0, 0, 2, 1, 2,
                    1, 0, 0, 0, 2, 1, 2, 12, 1, 2, 3, 4, 0x80, 6, 0, 128, 0, 0, 0, 6, 3, 9,
                ],
            ),
            (
                15,
                &[
                    17, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0,
                    0, 0, 0,
                ],
            ),
            (16, &[3, 9]),
            (17, &[0, 1, 0, 0, 1, 0, 0, 14, 1, 9, 0, 1, 0, 4, 1, 2, 3, 4]),
            (18, &[0, 0, 0, 7]),
            (19, &[9; 20]),
            (22, &[0x80, 1, 0, 5]),
            // A password, and a status in the short format.
            (
                14,
                &[2, 0, 0, 1, 0x40, 0x8a, 0, 2, 65, 66, 0xc0, 0x8f, 0, 1],
            ),
            (20, &[6; 20]),
            (21, &[1, 0, 0, 0, 192, 0, 2, 1]),
            (132, &[0, 1, 1, 1, 9, 9]),
        ];
        let v2: &[(u8, &[u8])] = &[
            // Proposal 1 IKE with one transform of key length 256.
            (
                33,
                &[
                    0, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0,
                ],
            ),
            (34, &[0, 14, 0, 0, 1, 2]),
            (35, &[2, 0, 0, 0, 97]),
            (36, &[9, 0, 0, 0, 0x30, 0]),
            (37, &[4, 0x30]),
            (37, &certificate),
            (37, &revoked),
            (37, &url),
            (37, &[14, 0x30, 3, 0x0a, 1, 0]),
            (38, &authorities),
            (39, &[14, 0, 0, 0, 2, 0x30, 0, 1]),
            (40, &[3; 16]),
            (
                41,
                &[
                    0, 0, 0x40, 4, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                ],
            ),
            (41, &[0, 0, 0, 1, 200]),
            (41, &[0, 0, 0, 5, 2]),
            (41, &[0, 0, 0, 9, 0, 0, 0, 9]),
            (41, &[0, 0, 0, 11, 0, 0, 0, 9]),
            (41, &[0, 0, 0, 17, 0, 14]),
            (41, &[0, 0, 0x40, 1, 0, 0, 0, 5]),
            (41, &[0, 0, 0x40, 3, 0, 9, 2]),
            (41, &[0, 0, 0x40, 13, 192, 0, 2, 9]),
            (41, &[0, 0, 0x40, 19, 0, 0, 1, 0]),
            (41, &[0, 0, 0x40, 23, 1, 4, 192, 0, 2, 9]),
            (41, &[0, 0, 0x40, 47, 0, 1, 0, 2]),
            (41, &[0, 0, 0x40, 22, 9, 9, 9, 9, 0, 0, 0, 1, 0, 0, 0, 2]),
            (41, &[0, 0, 0x40, 30, 0, 7]),
            (41, &[0, 0, 0x40, 32, 0x80, 1, 0, 15]),
            (41, &[0, 0, 0x40, 39, 0, 0, 0, 9]),
            (41, &[0, 0, 0x40, 40, 0, 1]),
            (41, &[0, 0, 0x40, 50, 0, 5, 16]),
            (41, &[0, 0, 0x40, 52, 2, 107]),
            (41, &[0, 0, 0x40, 58, 3]),
            (41, &[0, 0, 0x40, 59, 2, 2, 3, 1, 1]),
            (41, &[0, 0, 0x40, 60, 99]),
            (41, &[0, 0, 0x40, 62, 2, 107, 1, 2, 3, 4, 5, 6, 7, 8]),
            (41, &[0, 0, 0xa0, 0x51, 1, 0x83]),
            (41, &[0, 0, 0xa0, 0x8d, 0, 2, 1, 0xf1]),
            (41, &[0, 0, 0xd8, 0xcd, 4, 5, 1, 9, 2]),
            (41, &[0, 0, 0xd8, 0xd2, 0x4e, 0x20]),
            (41, &[0, 0, 0x40, 23, 9]),
            (42, &[3, 4, 0, 1, 1, 2, 3, 4]),
            (43, &[5; 16]),
            (
                44,
                &[
                    1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 0, 10, 0, 0, 255,
                ],
            ),
            (44, &[1, 0, 0, 0, 10, 0, 0, 6, 97, 98]),
            (47, &[1, 0, 0, 0, 0, 1, 0, 0]),
            (47, &[2, 0, 0, 0, 0, 1, 0, 4, 10, 0, 0, 7]),
            (48, &[1, 1, 0, 5, 1]),
            (49, &[1, 2]),
            (50, &[2, 0, 0, 0, 97]),
            // ESP between two addresses with one transform and an attribute, then the whole group.
            (
                51,
                &[
                    3, 1, 0, 57, 9, 7, 0, 0, 16, 0, 0, 255, 255, 10, 0, 0, 1, 10, 0, 0, 1, 7, 0, 0,
                    16, 0, 0, 255, 255, 239, 1, 1, 1, 239, 1, 1, 1, 0, 0, 0, 12, 1, 0, 0, 20, 0x80,
                    14, 1, 0, 0, 1, 0, 4, 0, 0, 14, 16, 0, 0, 0, 8, 0x80, 1, 0, 5,
                ],
            ),
            (
                52,
                &[
                    3, 1, 0, 18, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 8, 0x80, 3, 0,
                    1,
                ],
            ),
            (54, &[1; 8]),
            (48, &[2, 1, 0, 6, 3, 13]),
            (48, &[2, 1, 0, 6, 6, 65]),
            (48, &[1, 1, 0, 6, 13, 0x20]),
            (48, &[1, 1, 0, 13, 254, 0, 0, 0, 0, 0, 0, 29, 3]),
            (48, &[1, 1, 0, 6, 29, 3]),
            (48, &[1, 1, 0, 12, 23, 5, 0, 0, 24, 1, 0, 1]),
            (200, &[1]),
            (53, &[0, 1, 0, 2, 1, 1, 1, 1]),
        ];
        let mut sealed = message(0x20, 35, &[]);
        sealed[16] = 46;
        sealed.extend([0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
        sealed[27] = 40;
        let mut encrypted = message(0x10, 2, &[]);
        (encrypted[16], encrypted[19], encrypted[27]) = (5, 1, 36);
        encrypted.extend([7; 8]);
        let mut broken = message(0x20, 34, v2);
        broken.truncate(40);
        vec![
            message(0x10, 2, v1),
            message(0x20, 34, v2),
            sealed,
            encrypted,
            broken,
        ]
    }

    /// A message of these payloads.
    fn message(version: u8, exchange: u8, payloads: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![1; 16];
        let first = payloads.first().map_or(0, |payload| payload.0);
        bytes.extend([first, version, exchange, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for (i, (_, body)) in payloads.iter().enumerate() {
            let next = payloads.get(i + 1).map_or(0, |payload| payload.0);
            let length = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
            bytes.extend([next, 0, length[0], length[1]]);
            bytes.extend(*body);
        }
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[24..28].copy_from_slice(&length);
        bytes
    }

    #[test]
    fn the_sample_conversation_reads_without_faults_but_for_the_broken_message() {
        let faulty: Vec<bool> = conversation()
            .iter()
            .map(|bytes| !crate::wire::Message::read(bytes).faults.is_empty())
            .collect();
        assert_eq!(faulty, [false, false, false, false, true]);
    }
}

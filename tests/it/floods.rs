//! Floods: captures of any size that a hostile sender could make, by name.

/// Makes a capture file of a flood of this size.
pub(crate) type Make = fn(u32) -> Vec<u8>;

/// Floods of IKE.
pub(crate) const IKE: &[(&str, Make)] = &[
    ("initiators of one address", |n| {
        pcap(each(n, |k| vec![init(A, k)]))
    }),
    ("initiators of many addresses", |n| {
        pcap(each(n, |k| vec![init(0x0a00_0000 + k, k)]))
    }),
    ("initiators that come again from elsewhere", |n| {
        let here = each(n, |k| vec![init(A, k)]);
        pcap(here.chain(each(n, |k| vec![init(0x0a00_0000 + k, k)])))
    }),
    ("initiators that are answered", |n| {
        pcap(each(n, |k| vec![init(A, k), agree(A, k)]))
    }),
    ("initiators that are refused", |n| {
        pcap(each(n, |k| vec![init(A, k), refuse(k, &[0, 0, 0, 14])]))
    }),
    ("initiators that are asked for another group", |n| {
        pcap(each(n, |k| {
            vec![init(A, k), refuse(k, &[0, 0, 0, 17, 0, 19])]
        }))
    }),
    ("one message again and again", |n| {
        pcap(each(n, |_| vec![init(A, 0)]))
    }),
    ("authentication that is never answered", |n| {
        pcap(each(n, |k| {
            vec![init(A, k), agree(A, k), sealed(A, B, k, 35, 8, 1, 256)]
        }))
    }),
    ("authentication that is refused", |n| {
        pcap(each(n, |k| {
            let mut packets = up(A, k);
            packets.pop();
            packets.push(sealed(B, A, k, 35, 0x20, 1, 80));
            packets
        }))
    }),
    ("tunnels of one pair of gateways", |n| {
        pcap(each(n, |k| [up(A, k), esp_pair(k, 1)].concat()))
    }),
    ("tunnels of many pairs of gateways", |n| {
        pcap(each(n, |k| up(0x0a00_0000 + k, k)))
    }),
    ("tunnels that are deleted", |n| {
        pcap(each(n, |k| {
            let delete = [
                sealed(B, A, k, 37, 0, 0, 80),
                sealed(A, B, k, 37, 0x28, 0, 80),
            ];
            [up(A, k), esp_pair(k, 1), esp_pair(k, 2), delete.into()].concat()
        }))
    }),
    ("tunnels that their initiator leaves", |n| {
        pcap(each(n, |k| {
            let leave = [
                sealed(A, B, k, 37, 8, 2, 80),
                sealed(B, A, k, 37, 0x20, 2, 80),
            ];
            [up(A, k), esp_pair(k, 1), esp_pair(k, 2), leave.into()].concat()
        }))
    }),
    ("tunnels whose peer answers no liveness check", |n| {
        pcap(each(n, |k| {
            let checks = vec![sealed(A, B, k, 37, 8, 2, 80); 3];
            [up(A, k), esp_pair(k, 1), esp_pair(k, 2), checks].concat()
        }))
    }),
    (
        "tunnels that are set up anew, though the peer asks for the old ones",
        |n| {
            // As a tap beside the initiator has them, which is silent for some seconds between two.
            let far = |mut packet: Vec<u8>| {
                packet[8] = 57;
                packet
            };
            let asks = |k| vec![sealed(B, A, k, 37, 0, 0, 80); 2];
            let packets = each(n, |k| [up(A, k), esp_pair(k, 1), asks(k)].concat());
            let packets = packets.map(|packet| match packet[12..16] == B.to_be_bytes() {
                true => far(packet),
                false => packet,
            });
            paced(500, packets)
        },
    ),
    ("messages outside of any IKE SA", |n| {
        pcap(each(n, |k| vec![outside(B, k), ask_outside(B, k)]))
    }),
    ("messages outside of any IKE SA of many senders", |n| {
        pcap(each(n, |k| {
            let from = 0x0a00_0000 + k;
            vec![outside(from, 7), ask_outside(from, 7)]
        }))
    }),
    ("rekeys of one IKE SA", |n| {
        pcap(each(n, |k| {
            if k == 0 {
                return up(A, 0);
            }
            let both = |id, size| {
                let spi = k - 1;
                [
                    sealed(A, B, spi, 36, 8, id, size),
                    sealed(B, A, spi, 36, 0x20, id, size),
                ]
            };
            [both(2, 288), both(3, 208)].concat()
        }))
    }),
    (
        "tunnels whose ESP comes from another port than their IKE",
        |n| {
            pcap(each(n, |k| {
                let from = 0x0a00_0000 + k;
                let check = [
                    sealed(from, B, k, 37, 8, 2, 80),
                    sealed(B, from, k, 37, 0x20, 2, 80),
                ];
                let esp = [1, 2].map(|number| esp_in_udp(from, B, k, number));
                let [first, last] = esp;
                [up(from, k), vec![first], check.into(), vec![last]].concat()
            }))
        },
    ),
    ("children of one IKE SA", |n| {
        pcap(each(n, |k| match k {
            0 => up(A, 0),
            _ => [answered(36, k + 1, 208), esp_pair(k, 1)].concat(),
        }))
    }),
    ("children that are refused", |n| {
        pcap(each(n, |k| match k {
            0 => up(A, 0),
            _ => vec![
                sealed(A, B, 0, 36, 8, k + 1, 240),
                sealed(B, A, 0, 36, 0x20, k + 1, 80),
            ],
        }))
    }),
    ("liveness checks beside ESP", |n| {
        pcap(each(n, |k| match k {
            0 => [up(A, 0), esp_pair(7, 1)].concat(),
            _ => [answered(37, k + 1, 80), esp_pair(7, k + 1)].concat(),
        }))
    }),
    ("an end that moves with every message", |n| {
        pcap(each(n, |k| match k {
            0 => up(A, 0),
            _ => {
                let from = 0x0a00_0000 + k;
                vec![
                    sealed(from, B, 0, 37, 8, k + 1, 80),
                    sealed(B, from, 0, 37, 0x20, k + 1, 80),
                ]
            }
        }))
    }),
    (
        "an end that moves with every message, though its ESP stays",
        |n| {
            pcap(each(n, |k| match k {
                0 => up(A, 0),
                _ => {
                    let from = 0x0a00_0000 + k;
                    vec![
                        sealed(from, B, 0, 37, 8, k + 1, 80),
                        sealed(B, from, 0, 37, 0x20, k + 1, 80),
                        esp(A, B, k, 1),
                    ]
                }
            }))
        },
    ),
    ("notifications in clear", |n| {
        pcap(each(n, |k| {
            let payloads = [(41, vec![0, 0, 0, 11])];
            vec![ike(
                B,
                A,
                500,
                &message(0x20, 1, 2, 37, 0x20, k, &chain(&payloads), 41),
            )]
        }))
    }),
    ("fragments of messages that never are whole", |n| {
        pcap(each(n, |k| {
            let body = [&[35, 0, 0, 56, 0, 1, 0, 2][..], &[0x5a; 48]].concat();
            vec![ike(A, B, 4500, &message(0x20, 1, 2, 35, 8, k, &body, 53))]
        }))
    }),
    ("payloads without end", |n| {
        pcap(each(n / 8, |k| {
            let body = [43, 0, 0, 4].repeat(15_000);
            vec![first_request(k, &body, 43)]
        }))
    }),
    ("payloads that lead to themselves", |n| {
        pcap(each(n, |k| {
            let body = [33, 0, 0, 0].repeat(100);
            vec![first_request(k, &body, 33)]
        }))
    }),
    ("proposals without end", |n| {
        pcap(each(n / 8, |k| {
            let body = [2, 0, 0, 8, 1, 1, 0, 0].repeat(8_000);
            let body = chain(&[(33, body)]);
            vec![first_request(k, &body, 33)]
        }))
    }),
    ("transforms without end", |n| {
        pcap(each(n / 8, |k| {
            let transforms = [3, 0, 0, 8, 1, 0, 0, 12].repeat(8_000);
            let length = u16::try_from(8 + transforms.len()).unwrap().to_be_bytes();
            let proposal = [0, 0, length[0], length[1], 1, 1, 0, 255];
            let body = chain(&[(33, [&proposal[..], &transforms].concat())]);
            vec![first_request(k, &body, 33)]
        }))
    }),
    ("NAT detection hashes without end", |n| {
        pcap(each(n / 8, |k| {
            let notify = |at: u32| {
                (
                    41,
                    [&[0, 0, 0x40, 4 + (at % 2) as u8][..], &filler(at, 20)].concat(),
                )
            };
            let payloads: Vec<_> = (0..250).map(notify).collect();
            vec![ike(
                A,
                B,
                500,
                &message(0x20, k.into(), 0, 34, 8, 0, &chain(&payloads), 41),
            )]
        }))
    }),
    ("main modes of one address", |n| {
        pcap(each(n, |k| {
            let chain = chain(&[(1, SA_V1.to_vec())]);
            let spi = u64::from(k) + 1;
            vec![
                ike(A, B, 500, &message(0x10, spi, 0, 2, 0, 0, &chain, 1)),
                ike(B, A, 500, &message(0x10, spi, spi + 1, 2, 0, 0, &chain, 1)),
            ]
        }))
    }),
    ("quick modes of one SA", |n| {
        pcap(each(n, |k| {
            let body = |octets| filler(k * 3 + octets, octets);
            let quick = |octets| message(0x10, 1, 2, 32, 1, k + 1, &body(octets), 8);
            vec![
                ike(A, B, 500, &quick(160)),
                ike(B, A, 500, &quick(144)),
                ike(A, B, 500, &quick(48)),
            ]
        }))
    }),
    (
        "informational messages of IKEv1, of one side and then of the other",
        |n| {
            paced(
                1000,
                each(n, |k| match k < n / 2 {
                    true => vec![informational_v1(B, A, 0, k)],
                    false => vec![informational_v1(A, B, 0, k)],
                }),
            )
        },
    ),
    (
        "IKE SAs of IKEv1 that are probed in vain, though the peer speaks",
        |n| {
            let asked = |round: u32| each(n, move |k| vec![informational_v1(A, B, k, round)]);
            let spoken = each(1, |_| vec![informational_v1(B, A, n, 0)]);
            let asked = asked(0).chain(asked(1)).chain(spoken).chain(asked(2));
            paced(10, asked.chain(each(2000, |_| vec![esp(A, B, 7, 1)])))
        },
    ),
];

/// What opens the messages of [`KEYED`]: they are not encrypted, and nothing checks them.
pub(crate) const KEYS: &str = r#"
[[ikev2]]
initiator_spi = "0000000000000001"
responder_spi = "0000000010000000"
encryption = "ENCR_NULL"
integrity = "AUTH_HMAC_SHA2_256_128"
prf = "PRF_HMAC_SHA2_256"
"#;

/// Floods of IKE that [`KEYS`] open.
pub(crate) const KEYED: &[(&str, Make)] = &[
    ("children that are opened", |n| {
        pcap(each(n, |k| match k {
            0 => opened_up(),
            _ => [child(k, k), esp_pair(k, 1)].concat(),
        }))
    }),
    ("children of which each displaces the one before", |n| {
        pcap(each(n, |k| match k {
            0 => opened_up(),
            _ => [child(k, k), esp_pair(k, 1), delete(k, k - 1)].concat(),
        }))
    }),
    ("children that are displaced, beside some that last", |n| {
        pcap(each(n, |k| match k {
            0 => opened_up(),
            _ if k < n / 2 => [child(k, 0), esp_pair(k, 1), esp_pair(k - 1, 2)].concat(),
            _ => [child(k, k), esp_pair(k, 1), delete(k, k - 1)].concat(),
        }))
    }),
    ("children that are deleted again and again", |n| {
        pcap(each(n, |k| match k {
            0 => opened_up(),
            _ => [child(k, k % 2), delete(k, 1)].concat(),
        }))
    }),
];

/// Floods of all else that packets carry.
pub(crate) const PACKETS: &[(&str, Make)] = &[
    ("SPIs", |n| pcap(each(n, |k| vec![esp(A, B, k, 1)]))),
    ("SPIs of many senders", |n| {
        pcap(each(n, |k| vec![esp(0x0a00_0000 + k, B, k, 1)]))
    }),
    ("senders of one SPI", |n| {
        pcap(each(n, |k| vec![esp(0x0a00_0000 + k, B, 7, k)]))
    }),
    ("holes in the numbers of one SPI", |n| {
        pcap(each(n, |k| vec![esp(A, B, 7, 2 * k)]))
    }),
    ("numbers at random", |n| {
        pcap(each(n, |k| vec![esp(A, B, 7, k.wrapping_mul(0x9e37_79b9))]))
    }),
    ("numbers that wrap and come late", |n| {
        pcap(each(n, |k| {
            let number = |at: u32| (u32::MAX - 9).wrapping_add(at);
            vec![esp(A, B, 7, number(k % 20)), esp(A, B, 7, number(k % 13))]
        }))
    }),
    ("lone IP fragments", |n| {
        pcap(each(n, |k| vec![fragment(A, k, 0)]))
    }),
    ("lone IP fragments of many senders", |n| {
        pcap(each(n, |k| vec![fragment(0x0a00_0000 + k, k, 0)]))
    }),
    ("pieces of one IP packet", |n| {
        pcap(each(n, |k| vec![fragment(A, 7, k * 2 % 8000)]))
    }),
    ("ICMP errors of many kinds", |n| {
        pcap(each(n, |k| {
            let quoted = ip(A, B, 50, 0, 0, &[&k.to_be_bytes()[..], &[0; 4]].concat());
            let mtu = (1000 + k % 400).to_be_bytes();
            let error = [&[3, 4, 0, 0][..], &mtu, &quoted].concat();
            vec![ip(0x0a00_0000 + k, A, 1, 0, 0, &error)]
        }))
    }),
    ("keepalives of many senders", |n| {
        pcap(each(n, |k| {
            vec![ip(0x0a00_0000 + k, B, 17, 0, 0, &udp(4500, &[0xff]))]
        }))
    }),
    ("packets in clear of many senders", |n| {
        pcap(each(n, |k| {
            vec![ip(0x0a00_0000 + k, B, 89, 0, 0, &[0; 24])]
        }))
    }),
    ("packets in clear beside tunnels of many gateways", |n| {
        let gateway = |k| 0x2d00_0000 + k;
        let asked = each(n, |k| {
            let ask = ask(0x0a00_0000 + (k << 8), 0xac10_0000 + (k << 8));
            vec![esp(A, gateway(k), k, 1), ask.clone(), ask]
        });
        // Each flow spans them all.
        let ended = each(n, |k| vec![esp(A, gateway(k), k, 2)]);
        pcap(asked.chain(ended))
    }),
    ("TCP connections", |n| {
        pcap(each(n, |k| {
            let ports = [0x04, 0x00, 0x11, 0x94];
            let rest = [
                0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0, 0, 32, 1, 1,
            ];
            vec![ip(
                0x0a00_0000 + k,
                B,
                6,
                0,
                0,
                &[&ports[..], &rest].concat(),
            )]
        }))
    }),
    ("TCP segments that never join", |n| {
        pcap(each(n, |k| {
            let sequence = (1000 + k * 200).to_be_bytes();
            let ports = [0x04, 0x00, 0x11, 0x94];
            let rest = [0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0, 0, 32, 1, 1];
            vec![ip(A, B, 6, 0, 0, &[&ports[..], &sequence, &rest].concat())]
        }))
    }),
    ("IP in IP without end", |n| {
        pcap(each(n, |k| {
            let mut packet = esp(A, B, k, 1);
            for _ in 0..100 {
                packet = ip(A, B, 4, 0, 0, &packet);
            }
            vec![packet]
        }))
    }),
];

/// Floods of what the files themselves are made of.
pub(crate) const FILES: &[(&str, Make)] = &[
    ("interfaces", |n| {
        pcapng(n, |k| {
            [interface(&[]), packet(k, &esp(A, B, 7, k))].concat()
        })
    }),
    ("interfaces of which each sees a tunnel", |n| {
        pcapng(n, |k| {
            let packets = [up(A, k), esp_pair(k, 1)].concat();
            let blocks = packets.iter().map(|octets| packet(k, octets));
            [vec![interface(&[])], blocks.collect()].concat().concat()
        })
    }),
    ("sections", |n| {
        pcapng(n, |k| {
            [section(), interface(&[]), packet(0, &esp(A, B, 7, k))].concat()
        })
    }),
    ("tiny blocks", |n| pcapng(n * 8, |_| block(0x0777, &[]))),
    ("options", |n| {
        pcapng(n / 8, |_| interface(&[0x0b, 0xac, 0, 0].repeat(10_000)))
    }),
    ("names", |n| {
        pcapng(n, |_| {
            block(4, &[1, 0, 8, 0, 192, 0, 2, 1, b'g', b'w', 0, 0, 0, 0, 0, 0])
        })
    }),
    ("lengths of 4 GiB", |n| {
        pcapng(n, |_| {
            [
                &6_u32.to_le_bytes()[..],
                &0xffff_fff0_u32.to_le_bytes(),
                &[0xff; 24],
            ]
            .concat()
        })
    }),
    ("records of 4 GiB", |n| {
        let record = [[0xff_u8; 4], [0; 4], [0xff; 4], [0xff; 4]].concat();
        [pcap(std::iter::empty()), record.repeat(n as usize)].concat()
    }),
    ("zeros that zstd packs into nothing", |n| {
        // Blocks of one octet that stands for 128 KiB, in a window of 128 MiB (RFC 8878 section 3.1.1).
        const ZEROS: u32 = 128 << 10;
        let block = |kind: u32, octets: u32| (octets << 3 | kind).to_le_bytes()[..3].to_vec();
        let capture = pcap(each(9, |k| vec![esp(A, B, 7, k)]));
        let zeros = [&block(2, ZEROS)[..], &[0]].concat();
        [
            &[0x28, 0xb5, 0x2f, 0xfd, 0, (27 - 10) << 3][..],
            &block(0, u32::try_from(capture.len()).unwrap()),
            &capture,
            &zeros.repeat(n as usize / 32),
            &block(1, 0),
        ]
        .concat()
    }),
    ("times that wrap", |n| {
        let mut octets = pcap(std::iter::empty());
        for k in 0..n {
            let packet = esp(A, B, 7, k);
            let length = u32::try_from(packet.len()).unwrap();
            let secs = [0, u32::MAX, 0x8000_0000, 1][k as usize % 4];
            octets.extend(
                [secs, u32::MAX, length, length]
                    .map(u32::to_le_bytes)
                    .concat(),
            );
            octets.extend(packet);
        }
        octets
    }),
    ("times at both ends of what 64 bits count", |n| {
        pcapng(n, |k| match k {
            // Seconds in powers of two, 2^63 seconds later; then octets of all ones.
            0 => interface(&[
                9, 0, 1, 0, 0x80, 0, 0, 0, 14, 0, 8, 0, 255, 255, 255, 255, 255, 255, 255, 127,
            ]),
            _ => {
                let octets = esp(A, B, 7, k);
                let length = u32::try_from(octets.len()).unwrap();
                let time = if k % 2 == 0 { u32::MAX } else { 0 };
                let head = [0, time, time, length, length]
                    .map(u32::to_le_bytes)
                    .concat();
                block(6, &[head, octets].concat())
            }
        })
    }),
];

pub(crate) const A: u32 = 0xc000_0201;
pub(crate) const B: u32 = 0xc000_0202;

/// ENCR_AES_CBC-256, PRF_HMAC_SHA2_256, AUTH_HMAC_SHA2_256_128, group 14.
const SA: &[u8] = &[
    0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, 3, 0, 0, 8, 2, 0, 0, 5, 3,
    0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0, 14,
];

/// AES-CBC-256, SHA2-256, a preshared key, group 14.
const SA_V1: &[u8] = &[
    0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 36, 1, 1, 0, 1, 0, 0, 0, 28, 1, 1, 0, 0, 0x80, 1, 0, 7, 0x80,
    14, 1, 0, 0x80, 2, 0, 4, 0x80, 3, 0, 1, 0x80, 4, 0, 14,
];

fn each(n: u32, of: impl Fn(u32) -> Vec<Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    (0..n).flat_map(of)
}

/// A pcap file of raw IP packets, a millisecond apart.
pub(crate) fn pcap(packets: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    paced(1, packets)
}

/// A pcap file of raw IP packets, so many milliseconds apart.
fn paced(millis: u32, packets: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let header: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 101];
    let mut octets = header.map(u32::to_le_bytes).concat();
    for (number, packet) in (0..).zip(packets) {
        let length = u32::try_from(packet.len()).unwrap();
        let at = number * millis;
        let (secs, micros) = (1_700_000_000 + at / 1000, at % 1000 * 1000);
        octets.extend(
            [secs, micros, length, length]
                .map(u32::to_le_bytes)
                .concat(),
        );
        octets.extend(packet);
    }
    octets
}

fn pcapng(n: u32, of: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let blocks = (0..n).flat_map(of);
    [section(), interface(&[])]
        .concat()
        .into_iter()
        .chain(blocks)
        .collect()
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
    let length = u32::try_from(12 + body.len() + padding.len())
        .unwrap()
        .to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &padding, &length].concat()
}

fn section() -> Vec<u8> {
    let magic = 0x1a2b_3c4d_u32.to_le_bytes();
    block(
        0x0a0d_0d0a,
        &[&magic[..], &[1, 0, 0, 0], &[0xff; 8]].concat(),
    )
}

/// An interface of raw IP, with these options.
fn interface(options: &[u8]) -> Vec<u8> {
    block(1, &[&[101, 0, 0, 0, 0, 0, 0, 0], options].concat())
}

/// A packet on this interface.
fn packet(interface: u32, octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len()).unwrap();
    let time = 1_700_000_000_000_000 + u64::from(interface) * 1000;
    let head = [interface, (time >> 32) as u32, time as u32, length, length];
    block(6, &[&head.map(u32::to_le_bytes).concat(), octets].concat())
}

/// An IPv4 packet or a piece of one.
pub(crate) fn ip(
    from: u32,
    to: u32,
    protocol: u8,
    id: u16,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let parts: [&[u8]; 8] = [
        &[0x45, 0],
        &length,
        &id.to_be_bytes(),
        &fragment.to_be_bytes(),
        &[64, protocol, 0, 0],
        &from.to_be_bytes(),
        &to.to_be_bytes(),
        payload,
    ];
    parts.concat()
}

/// A first piece, or one of eight octets at a place further on.
fn fragment(from: u32, id: u32, place: u32) -> Vec<u8> {
    const MORE: u16 = 0x2000;
    let offset = u16::try_from(place).unwrap();
    ip(from, B, 50, id as u16, MORE | offset, &[0x5a; 8])
}

pub(crate) fn udp(port: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap();
    let header = [port, port, length, 0].map(u16::to_be_bytes);
    [header.as_flattened(), data].concat()
}

fn ike(from: u32, to: u32, port: u16, message: &[u8]) -> Vec<u8> {
    let marker: &[u8] = if port == 4500 { &[0; 4] } else { &[] };
    ip(from, to, 17, 0, 0, &udp(port, &[marker, message].concat()))
}

/// A first request of IKEv2 with this payload first in its body.
fn first_request(initiator: u32, body: &[u8], first: u8) -> Vec<u8> {
    ike(
        A,
        B,
        500,
        &message(0x20, initiator.into(), 0, 34, 8, 0, body, first),
    )
}

fn chain(payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let next = payloads.iter().skip(1).map(|one| one.0).chain([0]);
    let of = |(next, (_, body)): (u8, &(u8, Vec<u8>))| {
        let length = u16::try_from(4 + body.len()).unwrap().to_be_bytes();
        [&[next, 0, length[0], length[1]], &body[..]].concat()
    };
    next.zip(payloads).flat_map(of).collect()
}

#[expect(
    clippy::too_many_arguments,
    reason = "they are the fields of the header"
)]
fn message(
    version: u8,
    initiator: u64,
    responder: u64,
    exchange: u8,
    flags: u8,
    id: u32,
    body: &[u8],
    first: u8,
) -> Vec<u8> {
    let length = u32::try_from(28 + body.len()).unwrap();
    let parts: [&[u8]; 6] = [
        &initiator.to_be_bytes(),
        &responder.to_be_bytes(),
        &[first, version, exchange, flags],
        &id.to_be_bytes(),
        &length.to_be_bytes(),
        body,
    ];
    parts.concat()
}

/// Octets that look random.
fn filler(seed: u32, octets: u32) -> Vec<u8> {
    let mix = |at: u32| (seed ^ at << 16).wrapping_mul(0x9e37_79b9) >> 13;
    (0..octets).map(|at| mix(at) as u8).collect()
}

fn spis(k: u32) -> (u64, u64) {
    (u64::from(k) + 1, u64::from(k) + 0x1000_0000)
}

/// The first message of an IKE SA.
fn init(from: u32, k: u32) -> Vec<u8> {
    let ke = [&[0, 14, 0, 0][..], &filler(k, 64)].concat();
    let chain = chain(&[(33, SA.to_vec()), (34, ke), (40, filler(!k, 32))]);
    ike(
        from,
        B,
        500,
        &message(0x20, spis(k).0, 0, 34, 8, 0, &chain, 33),
    )
}

/// The answer to it.
fn agree(to: u32, k: u32) -> Vec<u8> {
    let ke = [&[0, 14, 0, 0][..], &filler(k ^ 7, 64)].concat();
    let chain = chain(&[(33, SA.to_vec()), (34, ke), (40, filler(!k ^ 7, 32))]);
    let (initiator, responder) = spis(k);
    let message = message(0x20, initiator, responder, 34, 0x20, 0, &chain, 33);
    ike(B, to, 500, &message)
}

/// A notification in its place.
fn refuse(k: u32, notify: &[u8]) -> Vec<u8> {
    let chain = chain(&[(41, notify.to_vec())]);
    ike(
        B,
        A,
        500,
        &message(0x20, spis(k).0, 0, 34, 0x20, 0, &chain, 41),
    )
}

/// A sealed message of so many octets.
fn sealed(from: u32, to: u32, k: u32, exchange: u8, flags: u8, id: u32, size: u32) -> Vec<u8> {
    let (initiator, responder) = spis(k);
    let seed = k ^ id << 8 ^ u32::from(exchange ^ flags) << 24;
    let body = chain(&[(46, filler(seed, size - 32))]);
    let message = message(0x20, initiator, responder, exchange, flags, id, &body, 46);
    ike(from, to, 4500, &message)
}

/// A refusal of what was no message of IKE.
fn outside(from: u32, k: u32) -> Vec<u8> {
    let body = chain(&[(41, vec![0, 0, 0, 5])]);
    ike(from, A, 500, &message(0x20, 0, 0, 34, 0x20, k, &body, 41))
}

/// What is said in clear of ESP on an SPI.
fn ask_outside(from: u32, k: u32) -> Vec<u8> {
    let notify = [&[0, 0, 0, 11][..], &k.to_be_bytes()].concat();
    let body = chain(&[(41, notify)]);
    let random = u64::from(k) << 20 | 1;
    ike(from, A, 500, &message(0x20, random, 0, 37, 8, 0, &body, 41))
}

/// A message under the first IKE SA that [`KEYS`] open, and what it carries.
fn opened(
    from: u32,
    to: u32,
    exchange: u8,
    flags: u8,
    id: u32,
    payloads: &[(u8, Vec<u8>)],
) -> Vec<u8> {
    let first = payloads.first().map_or(0, |one| one.0);
    let text = [chain(payloads), vec![0], filler(id, 16)].concat();
    let length = u16::try_from(4 + text.len()).unwrap().to_be_bytes();
    let body = [&[first, 0, length[0], length[1]][..], &text].concat();
    let (initiator, responder) = spis(0);
    ike(
        from,
        to,
        4500,
        &message(0x20, initiator, responder, exchange, flags, id, &body, 46),
    )
}

/// What is asked for and granted of a child SA for one network and another: [`esp_pair`] has its packets.
fn granted(spi: u32, network: u32) -> Vec<(u8, Vec<u8>)> {
    let spi = (0x1000_0000 + spi).to_be_bytes();
    let sa = [
        &[0, 0, 0, 40, 1, 3, 4, 3][..],
        &spi,
        &[3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0],
        &[3, 0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8, 5, 0, 0, 0],
    ];
    let selector = |from: u32| {
        let range = [from.to_be_bytes(), (from | 0xff).to_be_bytes()].concat();
        [&[1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff][..], &range].concat()
    };
    vec![
        (33, sa.concat()),
        (40, filler(network, 32)),
        (44, selector(0x0a00_0000)),
        (45, selector(0x0b00_0000 + (network << 8))),
    ]
}

/// The first IKE SA, whose authentication is opened.
fn opened_up() -> Vec<Vec<u8>> {
    let id = |k: u8, kind: u8| (kind, vec![1, 0, 0, 0, 10, 0, 0, k]);
    let auth = (39, [&[2, 0, 0, 0][..], &filler(1, 32)].concat());
    let with = |one: (u8, Vec<u8>), child: Vec<(u8, Vec<u8>)>| {
        let child = child.into_iter().filter(|payload| payload.0 != 40);
        [one, auth.clone()]
            .into_iter()
            .chain(child)
            .collect::<Vec<_>>()
    };
    let request = with(id(1, 35), granted(0x1000_0000, 0));
    let response = with(id(2, 36), granted(0, 0));
    vec![
        init(A, 0),
        agree(A, 0),
        opened(A, B, 35, 8, 1, &request),
        opened(B, A, 35, 0x20, 1, &response),
    ]
}

/// A child SA of this number for a network of the responder.
fn child(k: u32, network: u32) -> Vec<Vec<u8>> {
    vec![
        opened(A, B, 36, 8, k + 1, &granted(0x1000_0000 + k, network)),
        opened(B, A, 36, 0x20, k + 1, &granted(k, network)),
    ]
}

/// The responder deletes one child SA once it has granted another.
fn delete(k: u32, which: u32) -> Vec<Vec<u8>> {
    let delete = |spi: u32| {
        let spi = (0x1000_0000 + spi).to_be_bytes();
        vec![(42, [&[3, 4, 0, 1][..], &spi].concat())]
    };
    vec![
        opened(B, A, 37, 0, k, &delete(which)),
        opened(A, B, 37, 0x28, k, &delete(0x1000_0000 + which)),
    ]
}

/// A request under the first IKE SA, and its answer.
fn answered(exchange: u8, id: u32, size: u32) -> Vec<Vec<u8>> {
    vec![
        sealed(A, B, 0, exchange, 8, id, size),
        sealed(B, A, 0, exchange, 0x20, id, size),
    ]
}

/// An IKE SA that comes up.
fn up(from: u32, k: u32) -> Vec<Vec<u8>> {
    vec![
        init(from, k),
        agree(from, k),
        sealed(from, B, k, 35, 8, 1, 256),
        sealed(B, from, k, 35, 0x20, 1, 240),
    ]
}

/// A sealed informational message of an IKE SA of IKEv1, each with a number of its own.
fn informational_v1(from: u32, to: u32, k: u32, number: u32) -> Vec<u8> {
    let spi = u64::from(k) + 1;
    let body = filler(k ^ number << 16, 64);
    ike(
        from,
        to,
        500,
        &message(0x10, spi, spi + 1, 5, 1, number + 1, &body, 8),
    )
}

/// A packet of ESP.
fn esp(from: u32, to: u32, k: u32, number: u32) -> Vec<u8> {
    ip(from, to, 50, 0, 0, &esp_octets(k, number))
}

/// What ESP on the SPI of this number holds.
fn esp_octets(k: u32, number: u32) -> Vec<u8> {
    let head = [(0x1000_0000 + k).to_be_bytes(), number.to_be_bytes()].concat();
    [head, filler(k ^ number, 64)].concat()
}

/// A packet of ESP in UDP, from a port that a NAT chose.
fn esp_in_udp(from: u32, to: u32, k: u32, number: u32) -> Vec<u8> {
    let mut datagram = udp(4500, &esp_octets(k, number));
    datagram[..2].copy_from_slice(&1024u16.to_be_bytes());
    ip(from, to, 17, 0, 0, &datagram)
}

/// A packet that asks for a TCP connection.
fn ask(from: u32, to: u32) -> Vec<u8> {
    let ports = [0x9c, 0x40, 0x01, 0xbb];
    let rest = [0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0];
    ip(from, to, 6, 0, 0, &[&ports[..], &rest].concat())
}

/// A packet each way.
fn esp_pair(k: u32, number: u32) -> Vec<Vec<u8>> {
    vec![esp(A, B, k, number), esp(B, A, 0x1000_0000 + k, number)]
}

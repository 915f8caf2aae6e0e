//! Frames built layer by layer, and laws that hold over every way to stack them.

use super::*;
use crate::fuzzing::ways_agree;
use crate::net::express::Express;
use crate::units::{FrameId, LinkAddress, Timestamp, Vantage};
use std::net::IpAddr;

/// What is built so far: its octets, the EtherType that names them, and what lies around IPsec in
/// them, as the contract spells it.
#[derive(Clone)]
struct Built {
    kind: u16,
    octets: Vec<u8>,
    encap: Vec<&'static str>,
}

/// A step of building; `None` where it does not fit on what is there.
type Step<T> = (&'static str, fn(&Built) -> Option<T>);

const V4: u16 = 0x0800;
const V6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn be16(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap().to_be_bytes()
}

// What is carried.

const ESP: &[u8] = b"\xc0\xff\xee\x01\x00\x00\x00\x07sealed octets of some packet";
const IKE: &[u8] = b"initiatrrespondr\x21\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x1c";

fn udp(from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let length = be16(8 + data.len());
    join(&[
        &from.to_be_bytes(),
        &to.to_be_bytes(),
        &length,
        &[0, 0],
        data,
    ])
}

/// ESP that is not encrypted, with padding to four octets and an ICV of twelve.
fn esp_null(next: u8, inner: &[u8]) -> Vec<u8> {
    let padding = [1, 2, 3];
    let pad_length = (6 - inner.len() % 4) % 4;
    join(&[
        &[0, 0, 0x20, 0, 0, 0, 0, 3],
        inner,
        &padding[..pad_length],
        &[u8::try_from(pad_length).unwrap(), next],
        &[0xcd; 12],
    ])
}

fn ah(next: u8, inner: &[u8]) -> Vec<u8> {
    join(&[
        &[next, 4, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 9],
        &[0xab; 12],
        inner,
    ])
}

/// IP payloads with their protocol, and what is to be said of them.
fn payloads() -> Vec<(u8, Vec<u8>, &'static str)> {
    let marked = |bytes: &[u8]| join(&[&[0; 4], bytes]);
    vec![
        (50, ESP.to_vec(), "esp 0xc0ffee01 #7 36"),
        (17, udp(500, 500, IKE), "500>500 ike 28 [udp]"),
        (
            17,
            udp(61000, 4500, &marked(IKE)),
            "61000>4500 ike 28 [udp]",
        ),
        (
            17,
            udp(4500, 1024, ESP),
            "4500>1024 esp 0xc0ffee01 #7 36 [udp]",
        ),
        (17, udp(4500, 4500, &[0xff]), "4500>4500 keepalive [udp]"),
        (
            51,
            ah(50, ESP),
            "ah 0x00001000 #9 60; esp 0xc0ffee01 #7 36 [ah]",
        ),
        (
            51,
            ah(17, &udp(500, 500, IKE)),
            "ah 0x00001000 #9 60; 500>500 ike 28 [ah udp]",
        ),
        (
            51,
            ah(17, &udp(4500, 4500, ESP)),
            "ah 0x00001000 #9 68; 4500>4500 esp 0xc0ffee01 #7 36 [ah udp]",
        ),
        (
            51,
            ah(51, &ah(50, ESP)),
            "ah 0x00001000 #9 84; ah 0x00001000 #9 60 [ah]; esp 0xc0ffee01 #7 36 [ah ah]",
        ),
        (
            1,
            join(&[
                &[3, 4, 0, 0, 0, 0, 5, 0x78],
                &v4(&[], 17, 0, &udp(4500, 4500, ESP)),
            ]),
            "3/4, mtu 1400, 10.1.0.1:4500 192.0.2.9:4500 17 64, 0xc0ffee01",
        ),
        (
            58,
            join(&[&[2, 0, 0, 0, 0, 0, 5, 0], &v6(50, ESP)]),
            "2/0, mtu 1280, fd00::1 2001:db8::9 50 76, 0xc0ffee01",
        ),
        (
            50,
            esp_null(4, &v4(&[], 50, 0, ESP)),
            "esp 0x00002000 #3 80 null 12; esp 0xc0ffee01 #7 36 [esp ip]",
        ),
        (
            17,
            udp(4500, 4500, &esp_null(17, &udp(500, 500, IKE))),
            "4500>4500 esp 0x00002000 #3 60 null 12 [udp]; 500>500 ike 28 [udp esp udp]",
        ),
        (
            141,
            join(&[&[0, 0, 0, 0x20], ESP]),
            "esp 0xc0ffee01 #7 36 [wesp]",
        ),
        (
            141,
            join(&[&[51, 16, 12, 0x10], &[0; 4], &esp_null(51, &ah(50, ESP))]),
            "esp 0x00002000 #3 84 null 12 [wesp]; ah 0x00001000 #9 60 [wesp esp]; \
             esp 0xc0ffee01 #7 36 [wesp esp ah]",
        ),
        (
            17,
            udp(4500, 4500, &join(&[&[0, 0, 0, 2], &[0, 0, 0, 0x20], ESP])),
            "4500>4500 esp 0xc0ffee01 #7 36 [udp wesp]",
        ),
        (6, tcp(0x02), "40000>443 clear 6 syn"),
        (6, tcp(0x12), "40000>443 clear 6"),
        (17, udp(40000, 53, b"question"), "40000>53 clear 17"),
        (17, udp(1701, 1701, &[0xc8, 2]), "1701>1701 clear 17"),
    ]
}

fn tcp(flags: u8) -> Vec<u8> {
    join(&[&[0x9c, 0x40, 1, 0xbb], &[0; 8], &[0x50, flags], &[0; 6]])
}

// IP around it.

const FROM4: [u8; 4] = [10, 1, 0, 1];
const TO4: [u8; 4] = [192, 0, 2, 9];
const FROM6: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const TO6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

fn v4(options: &[u8], protocol: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let head = [
        &[0x40 | u8::try_from(header / 4).unwrap(), 0xb8][..],
        &be16(header + payload.len()),
        &[0x12, 0x34],
        &flags.to_be_bytes(),
        &[61, protocol, 0, 0],
        &FROM4,
        &TO4,
        options,
    ];
    let mut octets = head.concat();
    let sum = etherparse::checksum::Sum16BitWords::new().add_slice(&octets);
    octets[10..12].copy_from_slice(&sum.ones_complement().to_ne_bytes());
    octets.extend(payload);
    octets
}

fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = be16(payload.len());
    join(&[
        &[0x6b, 0x80, 0, 0],
        &length,
        &[next, 61],
        &FROM6,
        &TO6,
        payload,
    ])
}

fn built(kind: u16, octets: Vec<u8>) -> Built {
    Built {
        kind,
        octets,
        encap: Vec::new(),
    }
}

/// IP packets around a payload, in every form that says the same.
fn packets(protocol: u8, payload: &[u8]) -> Vec<Built> {
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [protocol, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let routing = [protocol, 0, 4, 0, 0, 0, 0, 0];
    let atomic = [protocol, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef];
    vec![
        built(V4, v4(&[], protocol, 0x4000, payload)),
        built(V4, v4(&[1; 8], protocol, 0x4000, payload)),
        built(V6, v6(protocol, payload)),
        built(V6, v6(0, &join(&[&hop_by_hop, &destination, payload]))),
        built(V6, v6(43, &join(&[&routing, payload]))),
        built(V6, v6(44, &join(&[&atomic, payload]))),
    ]
}

// Layers around IP.

fn ether(kind: u16, octets: &[u8]) -> Vec<u8> {
    join(&[&[2; 12], &kind.to_be_bytes(), octets])
}

fn ppp_protocol(kind: u16) -> Option<[u8; 2]> {
    match kind {
        V4 => Some([0, 0x21]),
        V6 => Some([0, 0x57]),
        MPLS => Some([0x02, 0x81]),
        _ => None,
    }
}

fn around(inner: &Built, layers: &[&'static str], kind: u16, head: &[u8]) -> Option<Built> {
    Some(Built {
        kind,
        octets: join(&[head, &inner.octets]),
        encap: [layers, &inner.encap].concat(),
    })
}

/// An outer IP packet, in both versions by turns of the protocol within.
fn carried(inner: &Built, layers: &[&'static str], protocol: u8, head: &[u8]) -> Option<Built> {
    let payload = join(&[head, &inner.octets]);
    Some(Built {
        encap: [layers, &inner.encap].concat(),
        ..built(V4, v4(&[], protocol, 0, &payload))
    })
}

fn in_udp(inner: &Built, layer: &'static str, port: u16, data: &[u8]) -> Option<Built> {
    let datagram = udp(50000, port, &join(&[data, &inner.octets]));
    Some(Built {
        encap: [&[layer], &inner.encap[..]].concat(),
        ..built(V6, v6(17, &datagram))
    })
}

fn is_ip(inner: &Built) -> Option<()> {
    matches!(inner.kind, V4 | V6).then_some(())
}

/// The number of IP in the registry of VXLAN-GPE and NSH.
fn service_protocol(inner: &Built) -> Option<u8> {
    is_ip(inner)?;
    Some(if inner.kind == V4 { 1 } else { 2 })
}

fn framed(inner: &Built) -> Built {
    Built {
        octets: ether(inner.kind, &inner.octets),
        ..inner.clone()
    }
}

const LAYERS: &[Step<Built>] = &[
    ("nothing", |inner| Some(inner.clone())),
    ("802.1Q", |inner| {
        around(
            inner,
            &["vlan:100"],
            0x8100,
            &join(&[&[0xe0, 100], &inner.kind.to_be_bytes()]),
        )
    }),
    ("802.1ad", |inner| {
        let tags = [0, 7, 0x81, 0, 0x20, 100];
        let head = join(&[&tags, &inner.kind.to_be_bytes()]);
        around(inner, &["vlan:7", "vlan:100"], 0x88a8, &head)
    }),
    ("PPPoE", |inner| {
        let length = be16(inner.octets.len() + 2);
        let head = join(&[&[0x11, 0, 0, 1], &length, &ppp_protocol(inner.kind)?]);
        around(inner, &["pppoe"], 0x8864, &head)
    }),
    ("MPLS", |inner| {
        is_ip(inner)?;
        let head = [0, 1, 0, 0xff, 0x00, 0x02, 0x01, 0xff];
        around(inner, &["mpls:16", "mpls:32"], MPLS, &head)
    }),
    ("pseudo-wire", |inner| {
        around(
            &framed(inner),
            &["mpls:16"],
            MPLS,
            &[0, 1, 1, 0xff, 0, 0, 0, 0],
        )
    }),
    ("pseudo-wire without control word", |inner| {
        around(&framed(inner), &["mpls:16"], MPLS, &[0, 1, 1, 0xff])
    }),
    ("IP in IP", |inner| {
        is_ip(inner)?;
        carried(inner, &["ip"], if inner.kind == V4 { 4 } else { 41 }, &[])
    }),
    ("AH in tunnel mode", |inner| {
        is_ip(inner)?;
        carried(
            inner,
            &["ah", "ip"],
            51,
            &ah(if inner.kind == V4 { 4 } else { 41 }, &[]),
        )
    }),
    ("ESP that is not encrypted", |inner| {
        is_ip(inner)?;
        let packet = esp_null(if inner.kind == V4 { 4 } else { 41 }, &inner.octets);
        Some(Built {
            encap: [&["esp", "ip"], &inner.encap[..]].concat(),
            ..built(V4, v4(&[], 50, 0, &packet))
        })
    }),
    ("GRE", |inner| {
        carried(
            inner,
            &["gre"],
            47,
            &join(&[&[0, 0], &inner.kind.to_be_bytes()]),
        )
    }),
    ("GRE with all fields", |inner| {
        let head = join(&[&[0xb0, 0], &inner.kind.to_be_bytes(), &[0; 12]]);
        carried(inner, &["gre"], 47, &head)
    }),
    ("GRE with Ethernet", |inner| {
        carried(
            &framed(inner),
            &["gre"],
            47,
            &[0x20, 0, 0x65, 0x58, 0, 0, 1, 0],
        )
    }),
    ("PPTP", |inner| {
        let head = [
            0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xff, 3,
        ];
        let head = join(&[&head, &ppp_protocol(inner.kind)?]);
        carried(inner, &["gre", "ppp"], 47, &head)
    }),
    ("ERSPAN I", |inner| {
        carried(&framed(inner), &["gre"], 47, &[0, 0, 0x88, 0xbe])
    }),
    ("ERSPAN II", |inner| {
        let head = join(&[&[0x10, 0, 0x88, 0xbe], &[0; 4], &[0x10; 8]]);
        carried(&framed(inner), &["gre"], 47, &head)
    }),
    ("ERSPAN III", |inner| {
        let head = join(&[
            &[0x10, 0, 0x22, 0xeb],
            &[0; 4],
            &[0x20; 10],
            &[0, 1],
            &[0; 8],
        ]);
        carried(&framed(inner), &["gre"], 47, &head)
    }),
    ("MPLS in IP", |inner| {
        is_ip(inner)?;
        carried(inner, &["mpls:16"], 137, &[0, 1, 1, 0xff])
    }),
    ("MPLS in UDP", |inner| {
        is_ip(inner)?;
        in_udp(inner, "mpls:16", 6635, &[0, 1, 1, 0xff])
    }),
    ("VXLAN", |inner| {
        in_udp(&framed(inner), "vxlan", 4789, &[8, 0, 0, 0, 0, 0, 1, 0])
    }),
    ("VXLAN on Linux's port", |inner| {
        in_udp(&framed(inner), "vxlan", 8472, &[8, 0, 0, 0, 0, 0, 1, 0])
    }),
    ("Geneve with Ethernet", |inner| {
        in_udp(
            &framed(inner),
            "geneve",
            6081,
            &[0, 0, 0x65, 0x58, 0, 0, 1, 0],
        )
    }),
    ("Geneve with options", |inner| {
        let head = join(&[&[2, 0x40], &inner.kind.to_be_bytes(), &[0; 12]]);
        in_udp(inner, "geneve", 6081, &head)
    }),
    ("VXLAN-GPE with Ethernet", |inner| {
        in_udp(
            &framed(inner),
            "vxlan-gpe",
            4790,
            &[0x0c, 0, 0, 3, 0, 0, 1, 0],
        )
    }),
    ("VXLAN-GPE with NSH", |inner| {
        let next = service_protocol(inner)?;
        let head = [
            &[0x0c, 0, 0, 4, 0, 0, 1, 0][..],
            &[0x0f, 0xc6, 1, next],
            &[0; 20],
        ];
        let mut built = in_udp(inner, "vxlan-gpe", 4790, &head.concat())?;
        built.encap.insert(1, "nsh");
        Some(built)
    }),
    ("NSH", |inner| {
        let head = [0x0f, 0xc2, 2, service_protocol(inner)?, 0, 0, 1, 0xff];
        around(inner, &["nsh"], 0x894f, &head)
    }),
    ("Teredo", |inner| {
        (inner.kind == V6).then_some(())?;
        in_udp(inner, "teredo", 3544, &[])
    }),
    ("Teredo with indications", |inner| {
        (inner.kind == V6).then_some(())?;
        let authentication = [0, 1, 2, 3, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 9, 0];
        let origin = [0, 0, 1, 2, 3, 4, 5, 6];
        in_udp(inner, "teredo", 3544, &join(&[&authentication, &origin]))
    }),
    ("IP in UDP", |inner| {
        is_ip(inner)?;
        in_udp(inner, "fou", 5555, &[])
    }),
    ("GUE", |inner| {
        is_ip(inner)?;
        let head = [1, if inner.kind == V4 { 4 } else { 41 }, 0, 0, 9, 9, 9, 9];
        in_udp(inner, "gue", 6080, &head)
    }),
    ("GUE without header", |inner| {
        is_ip(inner)?;
        in_udp(inner, "gue", 6080, &[])
    }),
    ("GTP-U", |inner| {
        is_ip(inner)?;
        let length = be16(inner.octets.len());
        in_udp(
            inner,
            "gtpu",
            2152,
            &join(&[&[0x30, 0xff], &length, &[0, 0, 0, 1]]),
        )
    }),
    ("GTP-U with an extension header", |inner| {
        is_ip(inner)?;
        let extension = [0, 0, 0, 0x85, 1, 0x10, 9, 0];
        let head = join(&[
            &[0x34, 0xff],
            &be16(inner.octets.len() + 8),
            &[0; 4],
            &extension,
        ]);
        in_udp(inner, "gtpu", 2152, &head)
    }),
    ("L2TP", |inner| {
        let head = join(&[&[0, 2, 0, 1, 0, 1, 0xff, 3], &ppp_protocol(inner.kind)?]);
        in_udp(inner, "l2tp", 1701, &head)
    }),
    ("L2TP with all fields", |inner| {
        let fields = [0x4a, 2, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0];
        let head = join(&[&fields, &ppp_protocol(inner.kind)?]);
        in_udp(inner, "l2tp", 1701, &head)
    }),
];

// Links under it all.

fn with_family(inner: &Built, family: [u8; 4], rest: &[u8]) -> Option<Vec<u8>> {
    is_ip(inner)?;
    Some(join(&[&family, rest, &inner.octets]))
}

fn nflog(inner: &Built, order: fn(u16) -> [u8; 2]) -> Option<Vec<u8>> {
    is_ip(inner)?;
    let length = u16::try_from(inner.octets.len() + 4).unwrap();
    let prefix = join(&[&order(6), &order(10), &[b'x', 0, 0, 0]]);
    Some(join(&[
        &[2, 0, 0, 1],
        &prefix,
        &order(length),
        &order(9),
        &inner.octets,
    ]))
}

const LINKS: &[(u16, Step<Vec<u8>>)] = &[
    (
        1,
        ("Ethernet", |inner| Some(ether(inner.kind, &inner.octets))),
    ),
    (
        1,
        ("Ethernet with a trailer", |inner| {
            Some(join(&[&ether(inner.kind, &inner.octets), &[0x5a; 18]]))
        }),
    ),
    (
        1,
        ("802.3 with SNAP", |inner| {
            let length = be16(inner.octets.len() + 8);
            let head = join(&[&[2; 12], &length, &[0xaa, 0xaa, 3, 0, 0, 0]]);
            Some(join(&[
                &head,
                &inner.kind.to_be_bytes(),
                &inner.octets,
                &[0; 4],
            ]))
        }),
    ),
    (
        113,
        ("Linux cooked", |inner| {
            Some(join(&[&[0; 14], &inner.kind.to_be_bytes(), &inner.octets]))
        }),
    ),
    (
        276,
        ("Linux cooked 2", |inner| {
            Some(join(&[
                &inner.kind.to_be_bytes(),
                &[0; 5],
                &[3],
                &[0; 12],
                &inner.octets,
            ]))
        }),
    ),
    (
        276,
        ("Linux cooked 2 with LLC", |inner| {
            let head = [0xaa, 0xaa, 3, 0, 0, 0];
            let kind = inner.kind.to_be_bytes();
            Some(join(&[&[0, 4], &[0; 18], &head, &kind, &inner.octets]))
        }),
    ),
    (
        101,
        ("raw", |inner| is_ip(inner).map(|()| inner.octets.clone())),
    ),
    (
        12,
        ("raw of BSD", |inner| {
            is_ip(inner).map(|()| inner.octets.clone())
        }),
    ),
    (
        14,
        ("raw of OpenBSD", |inner| {
            is_ip(inner).map(|()| inner.octets.clone())
        }),
    ),
    (
        228,
        ("IPv4", |inner| {
            (inner.kind == V4).then(|| inner.octets.clone())
        }),
    ),
    (
        229,
        ("IPv6", |inner| {
            (inner.kind == V6).then(|| inner.octets.clone())
        }),
    ),
    (
        0,
        ("null of a little-endian host", |inner| {
            with_family(inner, [30, 0, 0, 0], &[])
        }),
    ),
    (
        0,
        ("null of a big-endian host", |inner| {
            with_family(inner, [0, 0, 0, 2], &[])
        }),
    ),
    (
        108,
        ("loop", |inner| with_family(inner, [0, 0, 0, 24], &[])),
    ),
    (
        109,
        ("enc", |inner| with_family(inner, [2, 0, 0, 0], &[0; 8])),
    ),
    (
        109,
        ("enc of a big-endian host", |inner| {
            with_family(inner, [0, 0, 0, 24], &[0xff; 8])
        }),
    ),
    (
        117,
        ("pflog", |inner| with_family(inner, [61, 2, 0, 0], &[0; 60])),
    ),
    (
        9,
        ("PPP", |inner| {
            Some(join(&[&ppp_protocol(inner.kind)?, &inner.octets]))
        }),
    ),
    (
        9,
        ("PPP, compressed", |inner| {
            let [0, protocol] = ppp_protocol(inner.kind)? else {
                return None;
            };
            Some(join(&[&[protocol], &inner.octets]))
        }),
    ),
    (
        50,
        ("PPP in HDLC", |inner| {
            Some(join(&[
                &[0xff, 3],
                &ppp_protocol(inner.kind)?,
                &inner.octets,
            ]))
        }),
    ),
    (
        50,
        ("Cisco HDLC by PPP's number", |inner| {
            Some(join(&[
                &[0x0f, 0],
                &inner.kind.to_be_bytes(),
                &inner.octets,
            ]))
        }),
    ),
    (
        51,
        ("PPP over Ethernet", |inner| {
            (inner.kind == 0x8864).then(|| inner.octets.clone())
        }),
    ),
    (
        166,
        ("PPP of pppd", |inner| {
            Some(join(&[&[1, 3], &ppp_protocol(inner.kind)?, &inner.octets]))
        }),
    ),
    (
        204,
        ("PPP with direction", |inner| {
            Some(join(&[
                &[1, 0xff, 3],
                &ppp_protocol(inner.kind)?,
                &inner.octets,
            ]))
        }),
    ),
    (
        100,
        ("RFC 1483", |inner| {
            let head = [0xaa, 0xaa, 3, 0, 0, 0];
            Some(join(&[&head, &inner.kind.to_be_bytes(), &inner.octets]))
        }),
    ),
    (
        104,
        ("Cisco HDLC", |inner| {
            Some(join(&[
                &[0x8f, 0],
                &inner.kind.to_be_bytes(),
                &inner.octets,
            ]))
        }),
    ),
    (
        107,
        ("frame relay", |inner| {
            let id = match inner.kind {
                V4 => 0xcc,
                V6 => 0x8e,
                _ => return None,
            };
            Some(join(&[&[0x18, 0x41, 3, id], &inner.octets]))
        }),
    ),
    (
        107,
        ("frame relay with SNAP", |inner| {
            let head = [0x18, 0x41, 3, 0, 0x80, 0, 0, 0];
            Some(join(&[&head, &inner.kind.to_be_bytes(), &inner.octets]))
        }),
    ),
    (
        107,
        ("frame relay of Cisco", |inner| {
            Some(join(&[
                &[0x18, 0x41],
                &inner.kind.to_be_bytes(),
                &inner.octets,
            ]))
        }),
    ),
    (
        219,
        ("MPLS", |inner| {
            (inner.kind == MPLS).then(|| inner.octets.clone())
        }),
    ),
    (
        239,
        ("nflog of a little-endian host", |inner| {
            nflog(inner, u16::to_le_bytes)
        }),
    ),
    (
        239,
        ("nflog of a big-endian host", |inner| {
            nflog(inner, u16::to_be_bytes)
        }),
    ),
    (
        192,
        ("PPI", |inner| {
            let head = [0, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0, 0];
            Some(join(&[&head, &ether(inner.kind, &inner.octets)]))
        }),
    ),
];

// What peeling says.

fn frame(link: u16, bytes: &[u8], wire_len: usize) -> Frame<'_> {
    Frame {
        id: FrameId {
            input: 0,
            number: 1,
        },
        time: Some(Timestamp(0)),
        vantage: Vantage {
            input: 0,
            interface: 0,
        },
        link: LinkType(link),
        wire_len: u32::try_from(wire_len).unwrap(),
        bytes,
    }
}

fn peeled<'a>(frame: &Frame<'a>) -> Vec<Datagram<'a>> {
    let mut datagrams = Vec::new();
    peel(frame, &mut Learned::default(), &mut |datagram| {
        datagrams.push(datagram);
    });
    ways_agree(frame, &datagrams);
    datagrams
}

#[test]
fn the_station_of_a_frame_is_told_where_the_link_has_addresses() {
    let address = |octets: &[u8]| LinkAddress::new(octets);
    let ether = [&[9; 6][..], &[2, 0, 0, 0, 0, 7], &[8, 0]].concat();
    let cooked = |length: u8| [&[0, 0, 0, 1, 0, length][..], &[2, 0, 0, 0, 0, 7, 5, 5]].concat();
    let cooked2 = [&[0; 11][..], &[6], &[2, 0, 0, 0, 0, 7, 0, 0]].concat();
    let station = |link, bytes: &[u8]| link::station(LinkType(link), bytes);
    let seven = address(&[2, 0, 0, 0, 0, 7]);
    assert!(seven.is_some());
    assert_eq!(station(1, &ether), seven);
    assert_eq!(station(113, &cooked(6)), seven);
    assert_eq!(station(276, &cooked2), seven);
    // Longer than an address can be, none, of no station, cut, and without addresses.
    assert_eq!(station(113, &cooked(9)), None);
    assert_eq!(station(113, &cooked(0)), None);
    assert_eq!(station(1, &[0; 14]), None);
    assert_eq!(station(1, ether.get(..11).unwrap()), None);
    assert_eq!(station(101, &ether), None);
}

#[test]
fn of_a_frame_nested_too_deep_nobody_knows_what_it_holds() {
    let known = |layers: usize, protocol: u8, payload: &[u8]| {
        let innermost = v4(&[], protocol, 0, payload);
        let octets = (0..layers).fold(innermost, |inner, _| v4(&[], 4, 0, &inner));
        let octets = ether(V4, &octets);
        let frame = frame(1, &octets, octets.len());
        let mut told = 0;
        let known = peel(&frame, &mut Learned::default(), &mut |_| told += 1);
        (known, told)
    };
    assert_eq!(known(Encap::MAX, 50, ESP), (true, 1));
    assert_eq!(known(Encap::MAX + 1, 50, ESP), (false, 0));
    assert!(known(1, 89, b"routing").0);
}

#[test]
fn encrypted_esp_on_ipv4_takes_the_short_way() {
    let took_it = |octets: &[u8], kept: usize| {
        let frame = frame(1, &octets[..kept], octets.len());
        ways_agree(&frame, &peeled(&frame))
    };
    let plain = ether(V4, &v4(&[], 50, 0, ESP));
    let in_udp = ether(V4, &v4(&[], 17, 0, &udp(4500, 1024, ESP)));
    for octets in [&plain, &in_udp] {
        assert!(took_it(octets, octets.len()));
        assert!(took_it(octets, 60));
        let padded = join(&[octets, &[0; 5]]);
        assert!(took_it(&padded, padded.len()));
    }
    for (protocol, payload) in [
        (17, udp(4500, 4500, &join(&[&[0; 4], IKE]))),
        (17, udp(4500, 4500, &[0xff])),
        (17, udp(500, 500, ESP)),
        (50, esp_null(4, &v4(&[], 17, 0, &udp(53, 53, b"query")))),
        (51, ah(50, ESP)),
    ] {
        let octets = ether(V4, &v4(&[], protocol, 0, &payload));
        assert!(!took_it(&octets, octets.len()), "{octets:02x?}");
    }
    for octets in [
        ether(V4, &v4(&[1; 4], 50, 0, ESP)),
        ether(V4, &v4(&[], 50, 0x2000, ESP)),
        ether(V6, &v6(50, ESP)),
    ] {
        assert!(!took_it(&octets, octets.len()), "{octets:02x?}");
    }
}

#[test]
fn what_is_none_of_ours_takes_the_short_way() {
    let took_it = |protocol: u8, payload: &[u8], receiver: [u8; 4]| {
        let mut octets = ether(V4, &v4(&[], protocol, 0, payload));
        octets[30..34].copy_from_slice(&receiver);
        let frame = frame(1, &octets, octets.len());
        ways_agree(&frame, &peeled(&frame))
    };
    // A request of IKE_SA_INIT with one Vendor ID.
    let init = b"initiatr\0\0\0\0\0\0\0\0\x2b\x20\x22\x08\0\0\0\0\0\0\0\x24\0\0\0\x08name";
    let ike_to = |port: u16| udp(40_000, port, init);
    // From a private address to the world, and to who never leaves the link.
    for receiver in [TO4, [224, 0, 0, 5]] {
        assert!(took_it(6, &tcp(0x02), receiver));
        assert!(took_it(6, &tcp(0x12), receiver));
        assert!(took_it(17, &udp(40_000, 53, b"query"), receiver));
    }
    let on_port_4500 = join(&[&[0x9c, 0x40], &4500_u16.to_be_bytes(), &tcp(0x10)[4..]]);
    let prefix = join(&[&tcp(0x10), b"IKETCP"]);
    for (protocol, payload) in [
        (6, on_port_4500),
        (6, prefix),
        // Told by its octets, whatever its port; and a port that stands for a tunnel.
        (17, ike_to(40_001)),
        (17, ike_to(4789)),
        // Too little of a header.
        (17, vec![0x9c, 0x40, 0, 53, 0, 8, 0]),
    ] {
        assert!(!took_it(protocol, &payload, TO4), "{payload:02x?}");
    }
    // What was learned of a path holds for it.
    let octets = ether(V4, &v4(&[], 6, 0, &tcp(0x10)));
    let frame = frame(1, &octets, octets.len());
    let mut learned = Learned::default();
    let way = Express::of(&frame).unwrap();
    assert!(way.clear(&learned).is_some());
    let end = |address: [u8; 4], port| Endpoint {
        address: address.into(),
        port: Some(port),
    };
    learned.learn(Pair::new(6, end(FROM4, 40_000), end(TO4, 443)));
    assert_eq!(way.clear(&learned), None);
}

#[test]
fn behind_common_link_headers_begins_a_short_way() {
    let payloads = [
        ("ESP", 50, ESP.to_vec()),
        ("ESP in UDP", 17, udp(4500, 1024, ESP)),
        ("TCP", 6, tcp(0x10)),
        ("UDP", 17, udp(40_000, 53, b"query")),
    ];
    let tag = |kind: u16, inner: &[u8]| join(&[&[0xe0, 100], &kind.to_be_bytes(), inner]);
    let cooked = |kind: u16| join(&[&[0, 0, 0, 1, 0, 6], &[2; 8], &kind.to_be_bytes()]);
    let cooked2 = |kind: u16| {
        join(&[
            &kind.to_be_bytes(),
            &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6],
            &[2; 8],
        ])
    };
    let mut said = String::new();
    for (version, kind) in [("IPv4", V4), ("IPv6", V6)] {
        for (name, protocol, payload) in &payloads {
            let packet = match kind {
                V4 => v4(&[], *protocol, 0, payload),
                _ => v6(*protocol, payload),
            };
            let links = [
                ("Ethernet", 1, ether(kind, &packet)),
                ("a tag", 1, ether(0x8100, &tag(kind, &packet))),
                (
                    "two tags",
                    1,
                    ether(0x8100, &tag(0x8100, &tag(kind, &packet))),
                ),
                ("SLL", 113, join(&[&cooked(kind), &packet])),
                ("SLL2", 276, join(&[&cooked2(kind), &packet])),
                ("raw", 101, packet.clone()),
            ];
            let short: Vec<&str> = links
                .iter()
                .filter(|(_, link, octets)| {
                    let frame = frame(*link, octets, octets.len());
                    ways_agree(&frame, &peeled(&frame))
                })
                .map(|(name, ..)| *name)
                .collect();
            said += &format!("{name} on {version}: {}\n", short.join(", "));
        }
    }
    assert_eq!(
        said,
        "ESP on IPv4: Ethernet, SLL, SLL2, raw\n\
         ESP in UDP on IPv4: Ethernet, SLL, SLL2, raw\n\
         TCP on IPv4: Ethernet, a tag, SLL, SLL2, raw\n\
         UDP on IPv4: Ethernet, a tag, SLL, SLL2, raw\n\
         ESP on IPv6: \n\
         ESP in UDP on IPv6: \n\
         TCP on IPv6: Ethernet, a tag, SLL, SLL2, raw\n\
         UDP on IPv6: Ethernet, a tag, SLL, SLL2, raw\n"
    );
}

/// One datagram in words: what the headers say of it, not how much was kept.
fn words(datagram: &Datagram<'_>) -> String {
    let mut words = Vec::new();
    let Path { from, to, encap } = datagram.path;
    if let (Some(from), Some(to)) = (from.port, to.port) {
        words.push(format!("{from}>{to}"));
    }
    words.push(match datagram.body {
        Body::Ike(bytes) => format!("ike {}", bytes.len()),
        Body::Esp(esp) => format!(
            "esp {} #{} {}{}",
            esp.header.spi,
            esp.header.sequence,
            esp.length,
            esp.null
                .map_or(String::new(), |null| format!(" null {}", null.icv)),
        ),
        Body::Ah(ah) => format!("ah {} #{} {}", ah.header.spi, ah.header.sequence, ah.length),
        Body::Keepalive => "keepalive".into(),
        Body::Icmp(error) => error_words(&error),
        Body::Refused(error) => format!("clear {}", error_words(&error)),
        Body::Fragment(piece) => format!(
            "piece of {} of {:#x} at {} {}{}",
            piece.protocol,
            piece.identification,
            piece.offset,
            piece.length,
            if piece.more { " and more" } else { "" },
        ),
        Body::Clear(clear) => format!(
            "clear {}{}{}",
            clear.protocol,
            if clear.syn { " syn" } else { "" },
            if clear.echo_request { " echo" } else { "" },
        ),
        Body::Segment(segment) => format!(
            "segment #{}{} {}",
            segment.sequence,
            if segment.syn { " syn" } else { "" },
            segment.length,
        ),
        Body::Learned(_) => "learned".into(),
    });
    let layers: Vec<String> = encap.iter().map(|layer| layer.to_string()).collect();
    if !layers.is_empty() {
        words.push(format!("[{}]", layers.join(" ")));
    }
    words.join(" ")
}

fn said(datagrams: &[Datagram<'_>]) -> String {
    let words: Vec<String> = datagrams.iter().map(words).collect();
    words.join("; ")
}

/// What is to be said of a payload once layers lie around it.
fn expected(payload: &str, encap: &[&str]) -> String {
    let is_protected = encap.contains(&"ah") || encap.contains(&"esp");
    let layered = payload
        .split("; ")
        .filter(|part| !(is_protected && part.contains("clear")));
    let layered = layered.map(|part| match (part.split_once(" ["), encap) {
        (_, []) => part.to_string(),
        (None, _) => format!("{part} [{}]", encap.join(" ")),
        (Some((part, inner)), _) => format!("{part} [{} {inner}", encap.join(" ")),
    });
    layered.collect::<Vec<_>>().join("; ")
}

/// Every frame that can be built: its name, link type, octets, and what is to be said of it.
fn each_frame(mut check: impl FnMut(&str, u16, &[u8], &str)) -> usize {
    let mut count = 0;
    for (protocol, payload, words) in payloads() {
        for packet in packets(protocol, &payload) {
            for (layer, wrap) in LAYERS {
                let Some(wrapped) = wrap(&packet) else {
                    continue;
                };
                for (link, (name, put)) in LINKS {
                    let Some(octets) = put(&wrapped) else {
                        continue;
                    };
                    let mut words = expected(words, &wrapped.encap);
                    if *layer == "AH in tunnel mode" {
                        let length = packet.octets.len() + 24;
                        let outer = format!("ah 0x00001000 #9 {length}");
                        words = match words.as_str() {
                            "" => outer,
                            inner => format!("{outer}; {inner}"),
                        };
                    }
                    if *layer == "ESP that is not encrypted" {
                        let length = esp_null(4, &packet.octets).len();
                        let outer = format!("esp 0x00002000 #3 {length} null 12");
                        words = match words.as_str() {
                            "" => outer,
                            inner => format!("{outer}; {inner}"),
                        };
                    }
                    if *link == 51 {
                        // The link itself is PPPoE.
                        assert!(words.contains("pppoe"));
                    }
                    check(
                        &format!("{words} / {layer} / {name}"),
                        *link,
                        &octets,
                        &words,
                    );
                    count += 1;
                }
            }
        }
    }
    count
}

#[test]
fn every_stack_of_layers_says_the_same_but_for_the_layers() {
    let count = each_frame(|name, link, octets, words| {
        let frame = frame(link, octets, octets.len());
        let datagrams = peeled(&frame);
        assert_eq!(said(&datagrams), words, "{name}");
        for datagram in datagrams {
            assert!(!datagram.cut, "{name}");
            assert_eq!(datagram.ip.ttl, 61, "{name}");
            assert_eq!(datagram.ip.traffic_class, 0xb8, "{name}");
            assert_eq!(datagram.ip.pieces, 1, "{name}");
        }
    });
    assert!(count > 20_000, "{count}");
}

#[test]
fn no_beginning_of_a_frame_says_more_than_the_whole() {
    // Every fourth beginning, of the next frame those beside them: frames are much alike.
    let mut first = 0;
    each_frame(|name, link, octets, _| {
        first = (first + 1) % 4;
        let whole = frame(link, octets, octets.len());
        let whole = peeled(&whole);
        for kept in (first..octets.len()).step_by(4) {
            let cut = frame(link, &octets[..kept], octets.len());
            for (part, whole) in peeled(&cut).iter().zip(&whole) {
                assert!(
                    is_part(part, whole),
                    "{name}, {kept} octets: {part:?} of {whole:?}"
                );
            }
            assert!(peeled(&cut).len() <= whole.len(), "{name}, {kept} octets");
        }
    });
}

/// Whether one datagram says what the other says, or less.
fn is_part(part: &Datagram<'_>, whole: &Datagram<'_>) -> bool {
    let same = (part.path, part.ip) == (whole.path, whole.ip);
    let (bytes, all) = match (part.body, whole.body) {
        (Body::Ike(part), Body::Ike(whole)) => (part, whole),
        (Body::Esp(part), Body::Esp(whole)) => {
            assert_eq!((part.header, part.length), (whole.header, whole.length));
            (part.bytes, whole.bytes)
        }
        (Body::Ah(part), Body::Ah(whole)) => {
            assert_eq!(part.length, whole.length);
            (part.header.icv, whole.header.icv)
        }
        (Body::Clear(part), Body::Clear(whole)) => {
            return same && part.protocol == whole.protocol && part.syn <= whole.syn;
        }
        (Body::Keepalive, Body::Keepalive) => return same,
        (Body::Icmp(part), Body::Icmp(mut whole))
        | (Body::Refused(part), Body::Refused(mut whole)) => {
            // The SPIs come last: they are there, or not.
            whole.quoted.ike = part.quoted.ike.and(whole.quoted.ike);
            whole.quoted.esp = part.quoted.esp.and(whole.quoted.esp);
            return same && part == whole;
        }
        _ => return false,
    };
    same && all.starts_with(bytes) && (part.cut || bytes.len() == all.len())
}

#[test]
fn octets_of_chance_never_panic() {
    // xorshift64: the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    each_frame(|_, link, octets, _| {
        let mut octets = octets.to_vec();
        for _ in 0..1 + chance() % 4 {
            let at = usize::try_from(chance()).unwrap() % octets.len();
            octets[at] = chance().to_le_bytes()[0];
        }
        let frame = frame(link, &octets, octets.len());
        assert!(peeled(&frame).len() <= Encap::MAX + 2);
    });
}

#[test]
fn nesting_without_end_ends() {
    let mut packet = built(V4, v4(&[], 50, 0, ESP));
    for depth in 0..=Encap::MAX + 1 {
        let frame = frame(101, &packet.octets, packet.octets.len());
        let expected = if depth <= Encap::MAX { 1 } else { 0 };
        assert_eq!(peeled(&frame).len(), expected, "{depth}");
        packet = built(V4, v4(&[], 4, 0, &packet.octets));
    }
}

/// What a raw IP packet says.
fn ip_says(octets: &[u8]) -> String {
    said(&peeled(&frame(101, octets, octets.len())))
}

#[test]
fn a_packet_without_a_length_reaches_to_the_end_of_the_frame() {
    let mut octets = v4(&[], 17, 0, &udp(4500, 4500, ESP));
    octets[2..4].fill(0);
    octets[24..26].fill(0);
    assert_eq!(ip_says(&octets), "4500>4500 esp 0xc0ffee01 #7 36 [udp]");
    let cut = frame(101, &octets[..40], octets.len());
    let [datagram] = peeled(&cut)[..] else {
        panic!()
    };
    assert_eq!(words(&datagram), "4500>4500 esp 0xc0ffee01 #7 36 [udp]");
    assert!(datagram.cut);
}

#[test]
fn a_header_cannot_reach_beyond_the_one_around_it() {
    let mut long = udp(4500, 4500, ESP);
    long[4..6].copy_from_slice(&be16(9000));
    assert_eq!(
        ip_says(&v4(&[], 17, 0, &long)),
        "4500>4500 esp 0xc0ffee01 #7 36 [udp]"
    );
    let mut short = udp(4500, 4500, ESP);
    short[4..6].copy_from_slice(&be16(8 + 20));
    assert_eq!(
        ip_says(&v4(&[], 17, 0, &short)),
        "4500>4500 esp 0xc0ffee01 #7 20 [udp]"
    );
}

#[test]
fn headers_that_contradict_themselves_say_nothing() {
    let good = v4(&[], 50, 0, ESP);
    for (at, value) in [(0, 0x44), (0, 0x35), (0, 0x55), (3, 19)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(ip_says(&bad), "", "{at} {value:#x}");
    }
}

#[test]
fn pieces_are_told_if_the_whole_may_be_ours() {
    let said = [
        (50, 0x2000, &ESP[..32]),
        (50, 0x0004, ESP),
        (51, 0x2000, &ah(50, ESP)[..56]),
        (17, 0x2000, &udp(500, 500, IKE)[..32]),
        (17, 0x2000, &udp(50000, 4789, IKE)[..32]),
        (17, 0x2000, &udp(40000, 53, IKE)[..32]),
        (17, 0x2005, &udp(40000, 53, IKE)[..32]),
        (1, 0x2000, &[8, 0, 0, 0, 0, 0, 0, 0]),
        (1, 0x0001, &[8, 0, 0, 0, 0, 0, 0, 0]),
    ]
    .map(|(protocol, flags, payload)| ip_says(&v4(&[], protocol, flags, payload)));
    assert_eq!(
        said,
        [
            "piece of 50 of 0x1234 at 0 32 and more",
            "piece of 50 of 0x1234 at 32 36",
            "piece of 51 of 0x1234 at 0 56 and more",
            "piece of 17 of 0x1234 at 0 32 and more",
            "piece of 17 of 0x1234 at 0 32 and more",
            "40000>53 clear 17",
            "piece of 17 of 0x1234 at 40 32 and more",
            "clear 1 echo",
            "",
        ]
    );
    // Destination options, then ESP, or something else (RFC 8200 section 4.5).
    let options = |next: u8| join(&[&[next, 0, 1, 4, 0, 0, 0, 0], &ESP[..32]]);
    let head = [60, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
    let said = [
        (0, options(50)),
        (0, options(6)),
        (1, ESP[..32].to_vec()),
        (0, vec![50, 9, 1, 4, 0, 0, 0, 0]),
    ]
    .map(|(offset, payload)| {
        let mut head = head;
        head[2] = offset;
        ip_says(&v6(44, &join(&[&head, &payload])))
    });
    assert_eq!(
        said,
        [
            "piece of 60 of 0xdeadbeef at 0 40 and more",
            "49407>60929 clear 6",
            "piece of 60 of 0xdeadbeef at 256 32 and more",
            "piece of 60 of 0xdeadbeef at 0 8 and more",
        ]
    );
    let head = [50, 0, 0x00, 0x29, 0xde, 0xad, 0xbe, 0xef];
    assert_eq!(
        ip_says(&v6(44, &join(&[&head, &ESP[..32]]))),
        "piece of 50 of 0xdeadbeef at 40 32 and more"
    );
}

#[test]
fn tcp_on_the_port_of_ipsec_is_a_piece_of_a_stream() {
    let tcp = |from: u16, to: u16, header: u8, rest: &[u8]| {
        join(&[
            &from.to_be_bytes(),
            &to.to_be_bytes(),
            &[0, 0, 0, 9, 0, 0, 0, 0, header, 0x02, 0, 0, 0, 0, 0, 0],
            rest,
        ])
    };
    let said = [
        tcp(40000, 4500, 0x50, b"data"),
        tcp(4500, 40000, 0x60, b"\x02\x04\x05\xb4data"),
        // A header that is shorter than it can be, or longer than the packet.
        tcp(40000, 4500, 0x40, b"data"),
        tcp(40000, 4500, 0x80, b"data"),
        tcp(40000, 443, 0x50, b"IKETCP"),
        tcp(40000, 443, 0x50, b"IKETC"),
    ]
    .map(|payload| ip_says(&v4(&[], 6, 0, &payload)));
    assert_eq!(
        said,
        [
            "40000>4500 segment #9 syn 4 [tcp]",
            "4500>40000 segment #9 syn 4 [tcp]",
            "40000>4500 clear 6 syn",
            "40000>4500 clear 6 syn",
            "40000>443 learned [tcp]; 40000>443 segment #9 syn 6 [tcp]",
            "40000>443 clear 6 syn",
        ]
    );
    // Options and data that were not kept.
    let packet = v4(&[], 6, 0, &tcp(40000, 4500, 0x60, b"\x02\x04\x05\xb4data"));
    for kept in 40..packet.len() {
        let cut = frame(101, &packet[..kept], packet.len());
        let cut = peeled(&cut);
        assert_eq!(
            self::said(&cut),
            "40000>4500 segment #9 syn 4 [tcp]",
            "{kept}"
        );
        assert!(cut[0].cut, "{kept}");
    }
}

#[test]
fn a_payload_put_together_goes_on_as_if_it_had_come_in_one() {
    for (protocol, payload, expected) in payloads() {
        let whole = v4(&[], protocol, 0, &payload);
        let whole = frame(101, &whole, whole.len());
        let whole = peeled(&whole);
        let mut path = whole[0].path;
        path.encap = Encap::default();
        let (stamp, ip) = (whole[0].stamp, whole[0].ip);
        let length = u32::try_from(payload.len()).unwrap();
        let mut datagrams = Vec::new();
        peel_payload(
            &mut Learned::default(),
            stamp,
            path,
            ip,
            protocol,
            &payload,
            length,
            &mut |datagram| {
                datagrams.push(datagram);
            },
        );
        assert_eq!(said(&datagrams), expected);
    }
}

/// An ICMP error with what it quotes, in words.
fn error_words(error: &IcmpError) -> String {
    let Quote {
        from,
        to,
        protocol,
        length,
        ike,
        esp,
    } = error.quoted;
    let mut words = vec![format!("{}/{}", error.kind, error.code)];
    words.extend(error.mtu.map(|mtu| format!("mtu {mtu}")));
    words.push(format!("{from} {to} {protocol} {length}"));
    words.extend(ike.map(|spis| spis.to_string()));
    words.extend(esp.map(|spi| spi.to_string()));
    words.join(", ")
}

/// What an ICMP (1) or ICMPv6 (58) packet says.
fn icmp_says(protocol: u8, head: [u8; 8], quoted: &[u8]) -> String {
    let payload = join(&[&head, quoted]);
    match protocol {
        1 => ip_says(&v4(&[], protocol, 0, &payload)),
        _ => ip_says(&v6(protocol, &payload)),
    }
}

#[test]
fn an_error_says_which_packet_it_quotes() {
    let too_big = [3, 4, 0, 0, 0, 0, 5, 0x78];
    let unreachable = [3, 3, 0, 0, 0, 0, 5, 0x78];
    let esp = v4(&[1; 4], 50, 0, ESP);
    let ike = v4(&[], 17, 0, &udp(500, 500, IKE));
    let marked = v4(&[], 17, 0, &udp(4500, 4501, &join(&[&[0; 4], IKE])));
    let natt = v4(&[], 17, 0, &udp(4500, 4500, ESP));
    let other = v4(&[], 17, 0, &udp(40000, 53, ESP));
    let later = v4(&[], 50, 0x0010, ESP);
    let protected = v4(&[], 51, 0, &ah(50, ESP));
    let v6_esp = v6(60, &join(&[&[50, 0, 1, 4, 0, 0, 0, 0], ESP]));
    assert_eq!(
        [
            icmp_says(1, too_big, &esp[..32]),
            icmp_says(1, [3, 4, 0, 0, 0, 0, 0, 0], &esp),
            icmp_says(1, unreachable, &esp[..24]),
            icmp_says(1, unreachable, &esp[..23]),
            icmp_says(1, [11, 1, 0, 0, 0, 0, 0, 0], &later),
            icmp_says(1, unreachable, &ike),
            icmp_says(1, unreachable, &ike[..28]),
            icmp_says(1, unreachable, &ike[..23]),
            icmp_says(1, unreachable, &marked),
            icmp_says(1, unreachable, &natt),
            icmp_says(1, unreachable, &protected),
            icmp_says(1, unreachable, &other),
            icmp_says(1, [8, 0, 0, 0, 0, 0, 0, 0], &esp),
            icmp_says(58, [2, 0, 0, 0, 0, 0, 5, 0], &v6_esp),
            icmp_says(58, [1, 4, 0, 0, 0, 0, 0, 0], &ike),
            icmp_says(58, [135, 0, 0, 0, 0, 0, 0, 0], &ike),
        ],
        [
            "3/4, mtu 1400, 10.1.0.1 192.0.2.9 50 60, 0xc0ffee01",
            "3/4, 10.1.0.1 192.0.2.9 50 60, 0xc0ffee01",
            "3/3, 10.1.0.1 192.0.2.9 50 60",
            "",
            "11/1, 10.1.0.1 192.0.2.9 50 56",
            "3/3, 10.1.0.1:500 192.0.2.9:500 17 56, 696e697469617472_i 726573706f6e6472_r",
            "3/3, 10.1.0.1:500 192.0.2.9:500 17 56",
            "",
            "3/3, 10.1.0.1:4500 192.0.2.9:4501 17 60, 696e697469617472_i 726573706f6e6472_r",
            "3/3, 10.1.0.1:4500 192.0.2.9:4500 17 64, 0xc0ffee01",
            "3/3, 10.1.0.1 192.0.2.9 51 80, 0x00001000",
            "clear 3/3, 10.1.0.1:40000 192.0.2.9:53 17 64",
            "clear 1 echo",
            "2/0, mtu 1280, fd00::1 2001:db8::9 50 84, 0xc0ffee01",
            "1/4, 10.1.0.1:500 192.0.2.9:500 17 56, 696e697469617472_i 726573706f6e6472_r",
            "",
        ]
    );
}

#[test]
fn linux_cooked_captures_name_the_interface() {
    let packet = v4(&[], 50, 0, ESP);
    let octets = join(&[&[8, 0, 0, 0, 0, 0, 0, 3], &[0; 12], &packet]);
    let datagram = peeled(&frame(276, &octets, octets.len()))[0];
    assert_eq!(datagram.stamp.vantage.interface, 3);
}

#[test]
fn a_udp_length_too_small_for_its_header_is_none() {
    for length in 0..8 {
        let mut datagram = udp(4500, 4500, ESP);
        datagram[4..6].copy_from_slice(&be16(length));
        // The checksum is the receiver's affair: cards fill it in after the capture.
        datagram[6..8].copy_from_slice(&[0xba, 0xad]);
        let expected = "4500>4500 esp 0xc0ffee01 #7 36 [udp]";
        assert_eq!(ip_says(&v4(&[], 17, 0, &datagram)), expected, "{length}");
        assert_eq!(ip_says(&v6(17, &datagram)), expected, "{length}");
    }
    for length in 0..8 {
        let mut datagram = udp(40000, 4789, &[8, 0, 0, 0, 0, 0, 1, 0]);
        datagram.extend(ether(V4, &v4(&[], 50, 0, ESP)));
        datagram[4..6].copy_from_slice(&be16(length));
        let expected = "esp 0xc0ffee01 #7 36 [vxlan]";
        assert_eq!(ip_says(&v6(17, &datagram)), expected, "{length}");
    }
}

#[test]
fn a_jumbogram_reaches_to_the_end_of_the_frame() {
    // RFC 2675: the option tells the length, and the fields for it are zero.
    let sealed = join(&[ESP, &vec![0x5e; 0x1_0000]]);
    let length = u32::try_from(8 + 8 + sealed.len()).unwrap().to_be_bytes();
    let jumbo = |next| join(&[&[next, 0, 0xc2, 4], &length]);
    let ports = [0x11, 0x94, 0x11, 0x94, 0, 0, 0, 0];
    let in_udp = join(&[&jumbo(17), &ports, &sealed]);
    for (payload, expected) in [
        (
            join(&[&jumbo(50), &sealed]),
            "esp 0xc0ffee01 #7 65572".to_string(),
        ),
        (
            in_udp,
            "4500>4500 esp 0xc0ffee01 #7 65572 [udp]".to_string(),
        ),
    ] {
        let mut octets = v6(0, &[]);
        octets.extend(payload);
        assert_eq!(ip_says(&octets), expected);
        let cut = frame(101, &octets[..128], octets.len());
        let datagrams = peeled(&cut);
        assert_eq!(said(&datagrams), expected);
        assert!(datagrams[0].cut);
    }
}

#[test]
fn linux_cooked_captures_of_other_protocols_say_nothing() {
    let packet = v4(&[], 50, 0, ESP);
    // IEEE 802.3 without LLC, CAN, netlink, a length, ARP, EAPOL.
    for protocol in [0x0000_u16, 0x0001, 0x000c, 0x0010, 0x05ff, 0x0806, 0x888e] {
        let kind = protocol.to_be_bytes();
        let first = join(&[&[0; 14], &kind, &packet]);
        let second = join(&[&kind, &[0; 18], &packet]);
        for (link, octets) in [(113, first), (276, second)] {
            let said = said(&peeled(&frame(link, &octets, octets.len())));
            assert_eq!(said, "", "{protocol:#06x}");
        }
    }
}

#[test]
fn netfilter_logs_of_other_families_say_nothing() {
    let attribute = |bytes: &[u8]| {
        let length = u16::try_from(4 + bytes.len()).unwrap().to_le_bytes();
        join(&[&[3, 0, 0, 1], &length, &[9, 0], bytes])
    };
    let says = |octets: &[u8]| said(&peeled(&frame(239, octets, octets.len())));
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, 10, 0, 0, 1];
    assert_eq!(says(&attribute(&arp)), "");
    // Attributes whose lengths lead nowhere: too small for themselves, or beyond the frame.
    for length in [0, 3, 0xffff_u16] {
        let [a, b] = length.to_le_bytes();
        assert_eq!(says(&join(&[&[2, 0, 0, 1], &[a, b, 1, 0], ESP])), "");
    }
    let packet = v4(&[], 50, 0, ESP);
    assert_eq!(says(&attribute(&packet)), "esp 0xc0ffee01 #7 36");
}

#[test]
fn a_tunnel_that_holds_nothing_for_us_is_a_packet_in_clear() {
    let link_control = [0, 2, 0, 1, 0, 1, 0xff, 3, 0xc0, 0x21, 1, 1, 0, 4];
    let options_beyond_the_packet = [0x3f, 0, 8, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(
        [
            ip_says(&v4(&[], 17, 0, &udp(1701, 1701, &link_control))),
            ip_says(&v4(
                &[],
                17,
                0,
                &udp(40000, 6081, &options_beyond_the_packet)
            )),
        ],
        ["1701>1701 clear 17", "40000>6081 clear 17"]
    );
}

#[test]
fn tunnels_that_keep_themselves_alive_or_hold_nothing_say_nothing_of_ours() {
    // Cisco's keepalive of GRE holds a packet back to its sender, with GRE of no protocol in it.
    let back = v4(&[], 47, 0, &[0, 0, 0, 0]);
    let keepalive = v4(&[], 47, 0, &join(&[&[0, 0, 8, 0], &back]));
    assert_eq!(ip_says(&keepalive), "");
    for (port, data) in [
        // A bubble of Teredo, control of GUE, what is no IP on the port of IP in UDP.
        (3544, v6(59, &[])),
        (6080, vec![0x20, 0, 0, 0]),
        (5555, vec![0x45, 0, 0, 99]),
        (4790, vec![0x04, 0, 0, 0x7f, 0, 0, 1, 0]),
    ] {
        let said = ip_says(&v4(&[], 17, 0, &udp(40000, port, &data)));
        let clear = format!("40000>{port} clear 17");
        assert!(said.is_empty() || said == clear, "{port}: {said}");
    }
}

#[test]
fn wesp_that_lies_about_what_it_wraps_is_not_read() {
    let wrapped =
        |header: [u8; 4]| ip_says(&v4(&[], 141, 0, &join(&[&header, &esp_null(4, &ESP[..8])])));
    let sealed = "esp 0x00002000 #3 32 [wesp]";
    let read = "esp 0x00002000 #3 32 null 12 [wesp]";
    assert_eq!(wrapped([4, 12, 12, 0]), read);
    // Next header, header length, trailer length, encryption, version.
    assert_eq!(wrapped([6, 12, 12, 0]), sealed);
    assert_eq!(wrapped([4, 11, 12, 0]), sealed);
    assert_eq!(wrapped([4, 255, 12, 0]), sealed);
    assert_eq!(wrapped([4, 12, 255, 0]), sealed);
    assert_eq!(wrapped([0, 0, 0, 0x20]), sealed);
    assert_eq!(wrapped([4, 12, 12, 0x40]), "");
}

// What another reader says.

/// Between whom a layer of IPsec travels, and which octets of the frame it takes up; `None` for
/// what has no octets of its own.
#[derive(Debug, PartialEq)]
struct Found {
    protocol: u8,
    from: Endpoint,
    to: Endpoint,
    octets: Option<std::ops::Range<usize>>,
}

fn place(frame: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let begin = part.as_ptr() as usize - frame.as_ptr() as usize;
    begin..begin + part.len()
}

/// What peeling finds outside of tunnels.
fn found_by_peeling(frame: &Frame<'_>) -> Vec<Found> {
    let mut datagrams = peeled(frame);
    let plain = |layer| matches!(layer, Layer::Vlan(_) | Layer::Ah | Layer::Udp);
    datagrams.retain(|datagram| datagram.path.encap.iter().all(plain));
    let found = datagrams.iter().map(|datagram| {
        let (protocol, octets) = match datagram.body {
            Body::Ike(bytes) => (17, Some(bytes)),
            Body::Esp(esp) if datagram.path.encap.is_udp() => (17, Some(esp.bytes)),
            Body::Esp(esp) => (50, Some(esp.bytes)),
            Body::Ah(ah) => (51, Some(ah.header.icv)),
            Body::Fragment(piece) => (piece.protocol, Some(piece.bytes)),
            Body::Keepalive => (17, None),
            Body::Icmp(error) | Body::Refused(error) => (if error.v6 { 58 } else { 1 }, None),
            Body::Clear(clear) => (clear.protocol, None),
            Body::Segment(_) | Body::Learned(_) => (6, None),
        };
        Found {
            protocol,
            from: datagram.path.from,
            to: datagram.path.to,
            octets: octets.map(|octets| place(frame.bytes, octets)),
        }
    });
    found.collect()
}

/// What etherparse finds in a frame of a link type that it knows. It stops at a second AH in IPv4,
/// and at tunnels.
fn found_by_etherparse(frame: &Frame<'_>) -> Vec<Found> {
    use etherparse::{EtherType, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, TransportSlice};

    let cooked = |at: usize, header: usize| {
        let &kind = frame.bytes.get(at..)?.first_chunk()?;
        let kind = EtherType(u16::from_be_bytes(kind));
        let rest = frame.bytes.get(header..)?;
        Some(LaxSlicedPacket::from_ether_type(kind, rest))
    };
    let packet = match frame.link.0 {
        1 => LaxSlicedPacket::from_ethernet(frame.bytes).ok(),
        12 | 14 | 101 | 228 | 229 => LaxSlicedPacket::from_ip(frame.bytes).ok(),
        113 => cooked(14, 16),
        276 => cooked(0, 20),
        _ => None,
    };
    // Where a header was cut it stops. Its iterator over IPv6 extension headers does not: in 0.21
    // that one reads beyond the octets it was given.
    let Some(packet) = packet.filter(|packet| packet.stop_err.is_none()) else {
        return Vec::new();
    };
    let (from, to, headers): (IpAddr, IpAddr, Vec<_>) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
            ip.extensions().auth.into_iter().collect(),
        ),
        Some(LaxNetSlice::Ipv6(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
            (ip.extensions().clone().into_iter())
                .filter_map(|extension| match extension {
                    Ipv6ExtensionSlice::Authentication(header) => Some(header),
                    _ => None,
                })
                .collect(),
        ),
        _ => return Vec::new(),
    };
    let found = |protocol, ports: Option<(u16, u16)>, octets: Option<&[u8]>| Found {
        protocol,
        from: Endpoint {
            address: from,
            port: ports.map(|ports| ports.0),
        },
        to: Endpoint {
            address: to,
            port: ports.map(|ports| ports.1),
        },
        octets: octets.map(|octets| place(frame.bytes, octets)),
    };
    let mut all: Vec<Found> = headers
        .iter()
        .map(|header| found(51, None, Some(header.raw_icv())))
        .collect();
    let Some(payload) = packet.ip_payload() else {
        return all;
    };
    let ip_number = payload.ip_number.0;
    all.extend(match &packet.transport {
        None if payload.fragmented => Some(found(ip_number, None, Some(payload.payload))),
        // SPI and sequence number.
        None if ip_number == 50 && payload.payload.len() >= 8 => {
            Some(found(50, None, Some(payload.payload)))
        }
        Some(TransportSlice::Udp(udp)) => {
            let ports = (udp.source_port(), udp.destination_port());
            let content = match (udp::ipsec_port(ports.0, ports.1), udp.payload()) {
                (Some(IpsecPort::NatTraversal), [0, 0, 0, 0, ike @ ..]) => Some(ike),
                (Some(IpsecPort::NatTraversal), [0xff]) | (None, _) => None,
                (_, content) => Some(content),
            };
            let is_wrapped = content.is_some_and(|content| content.starts_with(&[0, 0, 0, 2]));
            let is_tunnel = is_wrapped || tunnel::on_ports(ports.0, ports.1).is_some();
            let is_whole = content.is_none_or(|content| content.len() >= IKE_HEADER_LEN);
            (is_whole && !is_tunnel).then(|| found(17, Some(ports), content))
        }
        Some(TransportSlice::Tcp(tcp)) => {
            let ports = (tcp.source_port(), tcp.destination_port());
            Some(found(6, Some(ports), None))
        }
        Some(TransportSlice::Icmpv4(_)) => Some(found(1, None, None)),
        Some(TransportSlice::Icmpv6(_)) => Some(found(58, None, None)),
        _ => None,
    });
    all
}

/// How many layers both find in a frame, the same ones in the same places. What etherparse finds,
/// peeling finds; only packets that are not IPsec may be passed over.
fn found_alike(frame: &Frame<'_>) -> usize {
    let (ours, theirs) = (found_by_peeling(frame), found_by_etherparse(frame));
    for (at, their) in theirs.iter().enumerate() {
        match ours.get(at) {
            None if their.octets.is_none() => return at,
            our => assert_eq!(our, Some(their), "{:02x?}", frame.bytes),
        }
    }
    theirs.len()
}

#[test]
fn etherparse_finds_the_same_in_every_stack_and_every_beginning_of_it() {
    // A third of the beginnings of each frame; frames are much alike.
    let (mut alike, mut first) = (0, 0);
    each_frame(|_, link, octets, _| {
        first = (first + 1) % 3;
        for kept in (0..=octets.len()).rev().skip(first).step_by(3) {
            alike += found_alike(&frame(link, &octets[..kept], octets.len()));
        }
    });
    assert!(alike > 40_000, "{alike}");
}

mod oracle {
    use super::*;
    use etherparse::{
        IpAuthHeader, IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header,
        Ipv6Extensions, Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, Ipv6RoutingExtensions,
        PacketBuilder, SingleVlanHeader, VlanHeader, VlanId, ip_number,
    };
    use proptest::prelude::*;

    fn ipv4() -> impl Strategy<Value = IpHeaders> {
        let addresses = (any::<[u8; 4]>(), any::<[u8; 4]>());
        let options = (0_usize..=10).prop_map(|words| vec![1; words * 4]);
        (addresses, options, any::<bool>()).prop_map(|((source, destination), options, whole)| {
            let mut header = Ipv4Header::new(0, 64, IpNumber(0), source, destination).unwrap();
            header.options = options.as_slice().try_into().unwrap();
            header.more_fragments = !whole;
            IpHeaders::Ipv4(header, Ipv4Extensions::default())
        })
    }

    fn extension() -> impl Strategy<Value = Ipv6RawExtHeader> {
        (0_usize..4).prop_map(|units| {
            Ipv6RawExtHeader::new_raw(IpNumber(0), &vec![0; 6 + units * 8]).unwrap()
        })
    }

    fn ipv6() -> impl Strategy<Value = IpHeaders> {
        let routing = (extension(), prop::option::of(extension())).prop_map(
            |(routing, final_destination_options)| Ipv6RoutingExtensions {
                routing,
                final_destination_options,
            },
        );
        let fragment = (any::<u32>(), 0_u16..0x2000, any::<bool>()).prop_map(
            |(identification, offset, more)| {
                let offset = IpFragOffset::try_new(offset).unwrap();
                Ipv6FragmentHeader::new(IpNumber(0), offset, more, identification)
            },
        );
        let extensions = (
            prop::option::of(extension()),
            prop::option::of(extension()),
            prop::option::of(routing),
            prop::option::of(fragment),
        );
        let addresses = (any::<[u8; 16]>(), any::<[u8; 16]>());
        (addresses, extensions).prop_map(|((source, destination), extensions)| {
            let header = Ipv6Header {
                source,
                destination,
                ..Ipv6Header::default()
            };
            let (hop_by_hop_options, destination_options, routing, fragment) = extensions;
            let extensions = Ipv6Extensions {
                hop_by_hop_options,
                destination_options,
                routing,
                fragment,
                auth: None,
            };
            IpHeaders::Ipv6(header, extensions)
        })
    }

    fn protection() -> impl Strategy<Value = IpAuthHeader> {
        (any::<u32>(), any::<u32>(), 0_usize..8).prop_map(|(spi, sequence, words)| {
            IpAuthHeader::new(IpNumber(0), spi, sequence, &vec![0xab; words * 4]).unwrap()
        })
    }

    /// Adds an Authentication Header, which protects whole packets only, and says whether this is a
    /// piece of one. A piece begins with what it carries, not with more options.
    fn protect(ip: &mut IpHeaders, protection: Option<IpAuthHeader>) -> bool {
        match ip {
            IpHeaders::Ipv4(header, _) if header.is_fragmenting_payload() => true,
            IpHeaders::Ipv4(_, extensions) => {
                extensions.auth = protection;
                false
            }
            IpHeaders::Ipv6(_, extensions) if extensions.is_fragmenting_payload() => {
                if let Some(routing) = &mut extensions.routing {
                    routing.final_destination_options = None;
                }
                true
            }
            IpHeaders::Ipv6(_, extensions) => {
                extensions.auth = protection;
                false
            }
        }
    }

    fn port() -> impl Strategy<Value = u16> {
        prop_oneof![Just(500), Just(4500), 1_u16..]
    }

    proptest! {
        #[test]
        fn etherparse_finds_the_same_in_what_it_writes(
            vlans in prop::collection::vec(0_u16..0x1000, 0..3),
            mut ip in prop_oneof![ipv4(), ipv6()],
            auth in prop::option::of(protection()),
            ports in prop::option::of((port(), port())),
            marked in any::<bool>(),
            payload in prop::collection::vec(any::<u8>(), 28..80),
            trailer in 0_usize..20,
            kept in 0_usize..400,
        ) {
            // Not the non-ESP marker: an SPI is never zero.
            let esp = join(&[&[0xc0], &payload]);
            let ike = join(&[&IKE[..24], &[0, 0], &be16(28 + payload.len()), &payload]);
            let is_fragment = protect(&mut ip, auth);
            let link = PacketBuilder::ethernet2([2; 6], [4; 6]);
            let tag = |id: u16| SingleVlanHeader {
                vlan_id: VlanId::try_new(id).unwrap(),
                ..SingleVlanHeader::default()
            };
            let headers = match vlans[..] {
                [only] => link.vlan(VlanHeader::Single(tag(only))).ip(ip),
                [outer, inner] => link.double_vlan(tag(outer).vlan_id, tag(inner).vlan_id).ip(ip),
                _ => link.ip(ip),
            };
            let mut octets = Vec::new();
            match ports {
                Some((from, to)) if !is_fragment => {
                    let data = match udp::ipsec_port(from, to) {
                        Some(IpsecPort::Ike) => ike,
                        Some(IpsecPort::NatTraversal) if marked => join(&[&[0; 4], &ike]),
                        _ => esp,
                    };
                    headers.udp(from, to).write_to_vec(&mut octets, &data).unwrap();
                }
                _ => headers
                    .write_to_vec(&mut octets, ip_number::ENCAP_SEC, &esp)
                    .unwrap(),
            }
            octets.extend(vec![0; trailer]);
            let alike = found_alike(&frame(1, &octets, octets.len()));
            prop_assert!(alike > 0 || ports.is_some());
            let kept = kept.min(octets.len());
            found_alike(&frame(1, &octets[..kept], octets.len()));
        }
    }
}

//! What an ESP packet carries, as NDJSON and in a few words.

use super::icmp::{self, quote};
use super::ndjson::QuoteRecord;
use crate::net::Inner;
use crate::net::inner::{Aggfrag, BgpKind, BgpMessage, Content, InnerFragment, InnerIcmp};
use crate::registry::IpProtocol;
use serde::{Serialize, Serializer};
use std::net::{IpAddr, Ipv4Addr};

/// The record of a packet that ESP carries.
#[derive(Serialize)]
pub(super) struct InnerRecord {
    src: IpAddr,
    dst: IpAddr,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    protocol: u8,
    protocol_name: Option<&'static str>,
    length: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    padding: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment: Option<FragmentRecord>,
    #[serde(flatten)]
    content: ContentRecord,
}

#[derive(Serialize)]
struct IpRecord {
    ttl: u8,
    dscp: u8,
    ecn: u8,
    dont_fragment: bool,
}

#[derive(Serialize)]
struct FragmentRecord {
    identification: u32,
    offset: u32,
    more: bool,
}

/// What a packet carries: one object by the name of the protocol, or none.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ContentRecord {
    Tcp(TcpRecord),
    Icmp(IcmpRecord),
    Ipcomp {
        next_header: u8,
        cpi: u16,
    },
    Inside(Box<InnerRecord>),
    Aggfrag(AggfragRecord),
    #[serde(serialize_with = "yes")]
    Dummy,
    #[serde(untagged)]
    Other {},
}

#[derive(Serialize)]
struct TcpRecord {
    sequence: u32,
    acknowledgment: u32,
    flags: Vec<&'static str>,
    window: u16,
    payload: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    mss: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bgp: Vec<BgpRecord>,
}

#[derive(Default, Serialize)]
struct BgpRecord {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<&'static str>,
    length: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autonomous_system: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_time: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subcode: Option<u8>,
}

#[derive(Serialize)]
struct IcmpRecord {
    #[serde(rename = "type")]
    kind: u8,
    code: u8,
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<QuoteRecord>,
}

#[derive(Serialize)]
struct AggfragRecord {
    sub_type: u8,
    block_offset: u16,
    packets: Vec<InnerRecord>,
    begun: u32,
    padding: u32,
    unread: u32,
}

impl InnerRecord {
    pub(super) fn new(inner: &Inner) -> Self {
        Self {
            src: inner.from.address,
            dst: inner.to.address,
            src_port: inner.from.port,
            dst_port: inner.to.port,
            protocol: inner.protocol,
            protocol_name: IpProtocol(inner.protocol).name(),
            length: inner.length,
            cut: inner.cut,
            padding: Some(inner.padding).filter(|padding| *padding > 0),
            ip: inner.ip.map(|ip| IpRecord {
                ttl: ip.ttl,
                dscp: ip.traffic_class >> 2,
                ecn: ip.traffic_class & 3,
                dont_fragment: ip.dont_fragment,
            }),
            fragment: inner.fragment.map(
                |InnerFragment {
                     identification,
                     offset,
                     more,
                 }| FragmentRecord {
                    identification,
                    offset,
                    more,
                },
            ),
            content: ContentRecord::new(&inner.content),
        }
    }
}

impl ContentRecord {
    fn new(content: &Content) -> Self {
        match content {
            Content::Tcp(tcp) => Self::Tcp(TcpRecord {
                sequence: tcp.sequence,
                acknowledgment: tcp.acknowledgment,
                flags: tcp.flags.names().collect(),
                window: tcp.window,
                payload: tcp.payload,
                mss: tcp.mss,
                bgp: tcp.bgp.iter().map(BgpRecord::new).collect(),
            }),
            Content::Icmp(icmp) => Self::Icmp(IcmpRecord {
                kind: icmp.kind,
                code: icmp.code,
                mtu: icmp.mtu,
                quoted: icmp.quoted.as_ref().map(QuoteRecord::new),
            }),
            Content::Ipcomp(ipcomp) => Self::Ipcomp {
                next_header: ipcomp.next_header,
                cpi: ipcomp.cpi,
            },
            Content::Tunnel(inside) => Self::Inside(Box::new(InnerRecord::new(inside))),
            Content::Aggfrag(aggfrag) => Self::Aggfrag(AggfragRecord {
                sub_type: aggfrag.sub_type,
                block_offset: aggfrag.block_offset,
                packets: aggfrag.packets.iter().map(InnerRecord::new).collect(),
                begun: aggfrag.begun,
                padding: aggfrag.padding,
                unread: aggfrag.unread,
            }),
            Content::Dummy => Self::Dummy,
            Content::Other => Self::Other {},
        }
    }
}

impl BgpRecord {
    fn new(message: &BgpMessage) -> Self {
        let (kind, name) = bgp_type(message.kind);
        let record = Self {
            kind,
            name,
            length: message.length,
            cut: message.cut,
            ..Self::default()
        };
        match message.kind {
            BgpKind::Open(Some(open)) => Self {
                version: Some(open.version),
                autonomous_system: Some(open.autonomous_system),
                hold_time: Some(open.hold_time),
                identifier: Some(open.identifier),
                ..record
            },
            BgpKind::Notification(Some((code, subcode))) => Self {
                code: Some(code),
                subcode: Some(subcode),
                ..record
            },
            _ => record,
        }
    }
}

/// Number and name of a message, as IANA has them.
fn bgp_type(kind: BgpKind) -> (u8, Option<&'static str>) {
    match kind {
        BgpKind::Open(_) => (1, Some("OPEN")),
        BgpKind::Update => (2, Some("UPDATE")),
        BgpKind::Notification(_) => (3, Some("NOTIFICATION")),
        BgpKind::Keepalive => (4, Some("KEEPALIVE")),
        BgpKind::RouteRefresh => (5, Some("ROUTE-REFRESH")),
        BgpKind::Other(kind) => (kind, None),
    }
}

fn yes<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(true)
}

/// A packet in a few words: `TCP 10.1.0.5:443 → 10.2.0.7:51514 SYN, 60 octets`.
pub(super) fn words(inner: &Inner) -> String {
    let protocol = IpProtocol(inner.protocol);
    let name = match (&inner.content, protocol.name()) {
        (Content::Dummy, _) => return format!("dummy packet, {} octets", inner.length),
        (Content::Aggfrag(aggfrag), _) => return aggfrag_words(aggfrag),
        (Content::Icmp(_), _) => "ICMP".to_owned(),
        (_, Some(name)) => name.to_owned(),
        (_, None) => format!("protocol {}", inner.protocol),
    };
    let mut text = format!("{name} {} → {}", inner.from, inner.to);
    if let Some(fragment) = inner.fragment {
        text += &format!(", fragment at {}", fragment.offset);
    }
    match &inner.content {
        Content::Tcp(tcp) => {
            if tcp.flags.names().next().is_some() {
                text += &format!(" {}", tcp.flags);
            }
            if let Some(mss) = tcp.mss {
                text += &format!(", MSS {mss}");
            }
            for message in &tcp.bgp {
                text += &format!(", {}", bgp_words(message));
            }
        }
        Content::Icmp(icmp) => text += &format!(" {}", icmp_words(icmp)),
        Content::Ipcomp(ipcomp) => {
            let next = IpProtocol(ipcomp.next_header);
            text += &format!(" CPI {} with {next}", ipcomp.cpi);
        }
        Content::Tunnel(_) | Content::Aggfrag(_) | Content::Dummy | Content::Other => {}
    }
    text += &format!(", {} octets", inner.length);
    if inner.cut {
        text += ", cut";
    }
    if let Content::Tunnel(inside) = &inner.content {
        text += &format!(" with {}", words(inside));
    }
    text
}

fn icmp_words(icmp: &InnerIcmp) -> String {
    let InnerIcmp {
        v6,
        kind,
        code,
        mtu,
        ref quoted,
        ..
    } = *icmp;
    let name = match (v6, kind) {
        (false, 8) | (true, 128) => "echo request",
        (false, 0) | (true, 129) => "echo reply",
        _ => icmp::name(v6, kind, code).unwrap_or("message"),
    };
    let mtu = mtu.map_or(String::new(), |mtu| format!(", MTU {mtu}"));
    let about = match quoted {
        Some(quoted) => format!(" about {}", quote(quoted)),
        None => String::new(),
    };
    format!("{name} (type {kind} code {code}{mtu}){about}")
}

fn bgp_words(message: &BgpMessage) -> String {
    let name = match bgp_type(message.kind) {
        (_, Some(name)) => format!("BGP {name}"),
        (kind, None) => format!("BGP type {kind}"),
    };
    match message.kind {
        BgpKind::Open(Some(open)) => format!(
            "{name} AS {} hold time {}",
            open.autonomous_system, open.hold_time
        ),
        BgpKind::Notification(Some((code, subcode))) => format!("{name} {code}/{subcode}"),
        _ => name,
    }
}

fn aggfrag_words(aggfrag: &Aggfrag) -> String {
    let packets: Vec<String> = aggfrag.packets.iter().map(words).collect();
    let mut parts = Vec::new();
    if aggfrag.block_offset > 0 {
        parts.push(format!(
            "{} octets left of one before",
            aggfrag.block_offset
        ));
    }
    if !packets.is_empty() {
        parts.push(packets.join("; "));
    }
    for (octets, what) in [
        (aggfrag.begun, "of one begun"),
        (aggfrag.padding, "of padding"),
        (aggfrag.unread, "not read"),
    ] {
        if octets > 0 {
            parts.push(format!("{octets} octets {what}"));
        }
    }
    format!("AGGFRAG [{}]", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const TO: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let head = [
            &[0x45, 0xb8][..],
            &length,
            &[0, 7, 0x40, 0, 63, protocol, 0, 0],
            &[10, 1, 0, 5, 10, 2, 0, 7],
        ];
        [&head.concat()[..], payload].concat()
    }

    fn tcp(to: u16, flags: u8, options: &[u8], data: &[u8]) -> Vec<u8> {
        let words = u8::try_from(5 + options.len() / 4).unwrap() << 4;
        let ports = [443u16.to_be_bytes(), to.to_be_bytes()].concat();
        let rest = [0, 0, 0, 1, 0, 0, 0, 0, words, flags, 0x20, 0, 0, 0, 0, 0];
        [&ports, &rest[..], options, data].concat()
    }

    /// A packet in words, and as JSON.
    fn shown(next_header: u8, payload: &[u8]) -> (String, serde_json::Value) {
        let inner = Inner::read(next_header, payload, FROM, TO);
        let json = serde_json::to_value(InnerRecord::new(&inner)).unwrap();
        (words(&inner), json)
    }

    #[test]
    fn packets_are_told_in_a_few_words() {
        let mss = [2, 4, 5, 0xb4];
        let syn = ipv4(6, &tcp(51514, 2, &mss, &[]));
        let keepalive = [&[0xff; 16][..], &[0, 19, 4]].concat();
        let quoted = ipv4(17, &[0, 53, 0, 53, 0, 9, 0, 0]);
        let too_big = [&[3, 4, 0, 0, 0, 0, 5, 0x78][..], &quoted].concat();
        let gre = [&[0, 0, 8, 0][..], &syn].concat();
        for (next_header, payload, expected) in [
            (
                4,
                syn.clone(),
                "TCP 10.1.0.5:443 → 10.2.0.7:51514 SYN, MSS 1460, 44 octets",
            ),
            (
                6,
                tcp(179, 0x18, &[], &keepalive),
                "TCP 192.0.2.1:443 → 192.0.2.2:179 PSH, ACK, BGP KEEPALIVE, 39 octets",
            ),
            (
                4,
                ipv4(1, &too_big),
                "ICMP 10.1.0.5 → 10.2.0.7 fragmentation needed (type 3 code 4, MTU 1400) \
                 about UDP 10.1.0.5 → 10.2.0.7 (53), 56 octets",
            ),
            (
                1,
                vec![8, 0, 0, 0, 0, 0, 0, 0],
                "ICMP 192.0.2.1 → 192.0.2.2 echo request (type 8 code 0), 8 octets",
            ),
            (
                47,
                gre,
                "GRE 192.0.2.1 → 192.0.2.2, 48 octets with \
                 TCP 10.1.0.5:443 → 10.2.0.7:51514 SYN, MSS 1460, 44 octets",
            ),
            (59, vec![0; 30], "dummy packet, 30 octets"),
            (
                108,
                vec![4, 0, 0, 2, 9],
                "IPComp 192.0.2.1 → 192.0.2.2 CPI 2 with IPv4, 5 octets",
            ),
            (
                144,
                [&[0, 0, 0, 2, 1, 1][..], &syn, &[0; 9]].concat(),
                "AGGFRAG [2 octets left of one before; TCP 10.1.0.5:443 → 10.2.0.7:51514 SYN, \
                 MSS 1460, 44 octets; 9 octets of padding]",
            ),
            (200, vec![1], "protocol 200 192.0.2.1 → 192.0.2.2, 1 octets"),
        ] {
            assert_eq!(shown(next_header, &payload).0, expected);
        }
    }

    #[test]
    fn a_record_holds_what_the_contract_names_and_more_by_protocol() {
        let (_, json) = shown(4, &ipv4(6, &tcp(51514, 0x12, &[], &[])));
        assert_eq!(json["src"], "10.1.0.5");
        assert_eq!(
            (&json["dst_port"], &json["protocol"]),
            (&51514.into(), &6.into())
        );
        assert_eq!(json["tcp"]["flags"], serde_json::json!(["SYN", "ACK"]));
        assert_eq!(json["ip"]["dscp"], 46);
        let (_, json) = shown(59, &[0; 8]);
        assert_eq!(json["dummy"], true);
        let (_, json) = shown(17, &[0, 1, 0, 2, 0, 8, 0, 0]);
        let keys = json.as_object().unwrap().len();
        assert_eq!((keys, &json["src_port"]), (7, &1.into()));
    }
}

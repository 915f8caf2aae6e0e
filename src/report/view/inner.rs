//! What goes on inside ESP that was opened.

use super::place::SeenView;
use crate::limits;
use crate::model::{FlowId, InnerError, InnerFlow, InnerWay, Model, Tunnel};
use crate::registry::IpProtocol;
use crate::report::select::number;
use crate::units::Endpoint;
use serde::Serialize;
use std::net::IpAddr;

/// What was read inside the ESP of a tunnel.
#[derive(Debug, Serialize)]
pub struct InsideView {
    /// The first conversations.
    pub conversations: Vec<ConversationView>,
    /// How many more there are.
    pub more: u64,
    /// The first ICMP errors.
    pub errors: Vec<InnerErrorView>,
    /// How many more kinds of errors there are.
    pub more_errors: u64,
}

impl InsideView {
    pub(super) fn new(model: &Model, tunnel: &Tunnel) -> Option<Self> {
        if tunnel.inner.is_empty() && tunnel.inner_errors.is_empty() {
            return None;
        }
        let shown = limits::INNER_SHOWN;
        let rows = tunnel.inner.iter().take(shown);
        let errors = tunnel.inner_errors.iter().take(shown);
        Some(Self {
            conversations: rows
                .map(|id| ConversationView::new(&model.inner[*id]))
                .collect(),
            more: tunnel.inner.len().saturating_sub(shown) as u64,
            errors: errors
                .filter_map(|place| model.inner_errors.get(*place))
                .map(InnerErrorView::new)
                .collect(),
            more_errors: tunnel.inner_errors.len().saturating_sub(shown) as u64,
        })
    }
}

/// A conversation of two inner hosts.
#[derive(Debug, Serialize)]
pub struct ConversationView {
    /// Input it was recorded in.
    pub input: u16,
    /// Interface of that input.
    pub interface: u32,
    /// IP protocol.
    pub protocol: u8,
    /// Its name.
    pub protocol_name: Option<&'static str>,
    /// Who sent the first packet.
    pub from: EndView,
    /// The other.
    pub to: EndView,
    /// Whether it lies in a tunnel inside ESP.
    pub nested: bool,
    /// What the first sent.
    pub sent: WayView,
    /// What the other sent.
    pub received: WayView,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
}

impl ConversationView {
    fn new(talk: &InnerFlow) -> Self {
        let [from, to] = talk.ends;
        let [sent, received] = &talk.ways;
        Self {
            input: talk.vantage.input,
            interface: talk.vantage.interface,
            protocol: talk.protocol,
            protocol_name: IpProtocol(talk.protocol).name(),
            from: EndView::new(from),
            to: EndView::new(to),
            nested: talk.nested,
            sent: WayView::new(sent),
            received: WayView::new(received),
            seen: SeenView::new(talk.seen),
        }
    }
}

/// An inner address, and a port.
#[derive(Debug, Serialize)]
pub struct EndView {
    /// The address.
    pub address: IpAddr,
    /// The port, where the protocol has one.
    pub port: Option<u16>,
}

impl EndView {
    fn new(end: Endpoint) -> Self {
        Self {
            address: end.address,
            port: end.port,
        }
    }
}

/// What one end of a conversation sent.
#[derive(Debug, Serialize)]
pub struct WayView {
    /// Packets.
    pub packets: u64,
    /// Octets of them.
    pub bytes: u64,
    /// The largest.
    pub largest: u32,
    /// Numbers of the flows that carried them.
    pub flows: Vec<u64>,
    /// Echo requests, and those that were answered; null if there were none.
    pub echo: Option<EchoView>,
    /// TCP; null if it is another protocol.
    pub tcp: Option<TcpView>,
    /// The shortest round trip to the other end.
    pub rtt_ns: Option<i64>,
}

impl WayView {
    fn new(way: &InnerWay) -> Self {
        let flow = |id: FlowId| number(id);
        Self {
            packets: way.packets,
            bytes: way.octets,
            largest: way.largest,
            flows: way
                .carriers
                .iter()
                .map(|carrier| flow(carrier.flow))
                .collect(),
            echo: way.echo.as_ref().map(|echo| EchoView {
                requests: echo.requests,
                answered: echo.answered,
            }),
            tcp: way.tcp.as_ref().map(|tcp| TcpView {
                syn: tcp.syns,
                syn_ack: tcp.syn_acks,
                rst: tcp.resets,
                data: tcp.data,
                repeated: tcp.repeated,
                largest_acked: tcp.largest_acked,
            }),
            rtt_ns: way.rtts.iter().map(|row| row.rtt.0).min(),
        }
    }
}

/// Echo requests of one end.
#[derive(Debug, Serialize)]
pub struct EchoView {
    /// Requests.
    pub requests: u64,
    /// Those that were answered.
    pub answered: u64,
}

/// TCP segments of one end.
#[derive(Debug, Serialize)]
pub struct TcpView {
    /// SYN without ACK.
    pub syn: u64,
    /// SYN with ACK.
    pub syn_ack: u64,
    /// RST.
    pub rst: u64,
    /// Octets of data, each once.
    pub data: u64,
    /// Segments of data sent again.
    pub repeated: u64,
    /// The largest packet that was acknowledged.
    pub largest_acked: u32,
}

/// ICMP errors inside.
#[derive(Debug, Serialize)]
pub struct InnerErrorView {
    /// Who says so.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// ICMP type.
    #[serde(rename = "type")]
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU that it tells.
    pub mtu: Option<u32>,
    /// Sender of the packet that it is about.
    pub quoted_from: EndView,
    /// Its receiver.
    pub quoted_to: EndView,
    /// Its IP protocol.
    pub quoted_protocol: u8,
    /// How many.
    pub count: u64,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
}

impl InnerErrorView {
    fn new(error: &InnerError) -> Self {
        Self {
            from: error.from,
            to: error.to,
            v6: error.v6,
            kind: error.kind,
            code: error.code,
            mtu: error.mtu,
            quoted_from: EndView::new(error.quoted.from),
            quoted_to: EndView::new(error.quoted.to),
            quoted_protocol: error.quoted.protocol,
            count: error.count,
            seen: SeenView::new(error.seen),
        }
    }
}

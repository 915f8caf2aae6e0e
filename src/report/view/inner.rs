//! What goes on inside ESP that was opened.

use super::place::SeenView;
use crate::limits;
use crate::model::{FlowId, InnerError, InnerFlow, InnerWay, Model, Tunnel};
use crate::registry::IpProtocol;
use crate::report::select::number;
use crate::units::Endpoint;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

/// What was read inside the ESP of a tunnel.
#[derive(Debug, Serialize)]
pub struct InsideView {
    /// The first conversations, each once.
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
        let talks = by_conversation(tunnel.inner.iter().map(|id| &model.inner[*id]));
        let errors = tunnel.inner_errors.iter().take(shown);
        Some(Self {
            more: talks.len().saturating_sub(shown) as u64,
            conversations: talks
                .iter()
                .take(shown)
                .filter_map(|taps| ConversationView::new(taps))
                .collect(),
            errors: errors
                .filter_map(|place| model.inner_errors.get(*place))
                .map(InnerErrorView::new)
                .collect(),
            more_errors: tunnel.inner_errors.len().saturating_sub(shown) as u64,
        })
    }
}

/// The taps that recorded each conversation, the one that saw most of it first.
fn by_conversation<'m>(all: impl Iterator<Item = &'m InnerFlow>) -> Vec<Vec<&'m InnerFlow>> {
    let mut places = HashMap::new();
    let mut found: Vec<Vec<&InnerFlow>> = Vec::new();
    for talk in all {
        let mut ends = talk.ends.map(|end| (end.address, end.port));
        ends.sort_unstable();
        let place = *places
            .entry((talk.protocol, talk.nested, ends))
            .or_insert(found.len());
        match found.get_mut(place) {
            Some(taps) => taps.push(talk),
            None => found.push(vec![talk]),
        }
    }
    for taps in &mut found {
        taps.sort_by_key(|talk| Reverse(talk.ways.iter().map(|way| way.packets).sum::<u64>()));
    }
    found
}

/// A conversation of two inner hosts, as the tap tells it that saw most of it.
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
    /// What other taps saw of it.
    pub elsewhere: Vec<ElsewhereView>,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
}

impl ConversationView {
    fn new(taps: &[&InnerFlow]) -> Option<Self> {
        let (talk, others) = taps.split_first()?;
        let [from, to] = talk.ends;
        let [sent, received] = &talk.ways;
        let others = others.iter();
        Some(Self {
            input: talk.vantage.input,
            interface: talk.vantage.interface,
            protocol: talk.protocol,
            protocol_name: IpProtocol(talk.protocol).name(),
            from: EndView::new(from),
            to: EndView::new(to),
            nested: talk.nested,
            sent: WayView::new(sent),
            received: WayView::new(received),
            elsewhere: others
                .take(limits::VANTAGES)
                .map(|other| ElsewhereView::new(other, from))
                .collect(),
            seen: SeenView::new(talk.seen),
        })
    }
}

/// What another tap saw of a conversation.
#[derive(Debug, Serialize)]
pub struct ElsewhereView {
    /// Input it was recorded in.
    pub input: u16,
    /// Interface of that input.
    pub interface: u32,
    /// Packets that the first end of the conversation sent.
    pub sent_packets: u64,
    /// Packets that the other sent.
    pub received_packets: u64,
}

impl ElsewhereView {
    fn new(talk: &InnerFlow, from: Endpoint) -> Self {
        let [one, other] = talk.ways.each_ref().map(|way| way.packets);
        let [first, _] = talk.ends;
        // The tap may have seen an answer first.
        let (sent_packets, received_packets) = match first == from {
            true => (one, other),
            false => (other, one),
        };
        Self {
            input: talk.vantage.input,
            interface: talk.vantage.interface,
            sent_packets,
            received_packets,
        }
    }

    /// Packets both ways.
    pub fn packets(&self) -> u64 {
        self.sent_packets + self.received_packets
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
                largest_acked: tcp.acked.largest(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;

    #[test]
    fn what_two_taps_recorded_is_one_conversation() {
        let model = crate::testing::model(
            "1.0 A > B ESP 0xb1 seq 1..3 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             2.2 B > A ESP 0xa1 seq 2 tap=1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
             3.2 A > B ESP 0xb1 seq 3 tap=1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             4.0 A > B ESP 0xb1 seq 4 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
        );
        let inside = InsideView::new(&model, &model.tunnels[TunnelId(0)]).unwrap();
        let [ping, web] = &inside.conversations[..] else {
            panic!("{inside:?}")
        };
        assert_eq!((inside.more, web.elsewhere.len()), (0, 0));
        assert_eq!(
            (ping.input, ping.sent.packets, ping.received.packets),
            (0, 3, 2)
        );
        let [there] = &ping.elsewhere[..] else {
            panic!("{ping:?}")
        };
        assert_eq!(
            (there.input, there.sent_packets, there.received_packets),
            (1, 1, 1)
        );
    }
}

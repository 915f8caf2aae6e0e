//! Exchanges: requests, responses, copies.

use super::child_sa::role;
use super::place::FrameView;
use crate::model::{ExchangeId, MessageId, Model, TunnelId};
use crate::report::select::{Selection, number};
use serde::{Serialize, Serializer};

/// A request with its response.
#[derive(Debug, Serialize)]
pub struct ExchangeView {
    /// Its number.
    pub id: u64,
    /// Number of its tunnel.
    pub tunnel: u64,
    /// Number of its IKE SA.
    pub ike_sa: u64,
    /// Its type.
    pub exchange: u8,
    /// The name of its type.
    pub exchange_name: Option<&'static str>,
    /// Its message ID.
    pub message_id: u32,
    /// Who began it.
    pub by: &'static str,
    /// Its messages in order of appearance.
    pub messages: Vec<FlightView>,
    /// From the last copy of the first message that came before the answer, to the answer.
    pub rtt_ns: Option<i64>,
}

/// One message of an exchange.
#[derive(Debug, Serialize)]
pub struct FlightView {
    /// Who sent it.
    pub by: &'static str,
    /// Whether it is a response (IKEv2).
    pub response: bool,
    /// Its first frame.
    pub frame: Option<FrameView>,
    /// Time of its first frame.
    pub time_ns: Option<i64>,
    /// Octets of its IKE datagrams, copies not counted.
    pub bytes: u64,
    /// IKE fragments it should have.
    pub fragments: Option<u16>,
    /// IKE fragments that came.
    pub fragments_seen: usize,
    /// Copies that were sent later.
    pub again: Vec<CopyView>,
}

/// A retransmission.
#[derive(Debug, Serialize)]
pub struct CopyView {
    /// Its frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// Time since the first copy.
    pub after_ns: i64,
}

/// The exchanges of tunnels, each made when it is asked for.
#[derive(Debug)]
pub struct ExchangeViews<'a> {
    model: &'a Model,
    tunnels: Vec<TunnelId>,
}

impl<'a> ExchangeViews<'a> {
    pub(super) fn new(model: &'a Model, selection: &Selection<'_>) -> Self {
        Self {
            model,
            tunnels: selection.tunnels(model),
        }
    }

    /// Those of the tunnel with this number, in order.
    pub fn of(&self, tunnel: u64) -> impl Iterator<Item = ExchangeView> {
        // Rows of tables are numbered in order.
        let place = self.tunnels.binary_search_by_key(&tunnel, |id| number(*id));
        let found = place.ok().and_then(|place| self.tunnels.get(place));
        found.into_iter().flat_map(|tunnel| self.of_tunnel(*tunnel))
    }

    fn of_tunnel(&self, tunnel: TunnelId) -> impl Iterator<Item = ExchangeView> + use<'a> {
        let model = self.model;
        let sas = model.tunnels[tunnel].ike_sas.iter();
        sas.flat_map(|sa| &model.ike_sas[*sa].exchanges)
            .map(move |id| ExchangeView::new(model, tunnel, *id))
    }
}

impl Serialize for ExchangeViews<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tunnels = self.tunnels.iter();
        serializer.collect_seq(tunnels.flat_map(|tunnel| self.of_tunnel(*tunnel)))
    }
}

impl ExchangeView {
    pub(super) fn new(model: &Model, tunnel: TunnelId, id: ExchangeId) -> Self {
        let exchange = &model.exchanges[id];
        Self {
            id: number(id),
            tunnel: number(tunnel),
            ike_sa: number(exchange.ike_sa),
            exchange: exchange.kind.0,
            exchange_name: exchange.kind.name(),
            message_id: exchange.message_id,
            by: role(exchange.by),
            messages: exchange
                .flights
                .iter()
                .map(|flight| FlightView::new(model, flight))
                .collect(),
            rtt_ns: round_trip(model, exchange),
        }
    }
}

impl FlightView {
    pub(super) fn new(model: &Model, flight: &crate::model::Flight) -> Self {
        let first = flight.first().map(|id| &model.messages[id]);
        let copy = |id: &MessageId| {
            let message = &model.messages[*id];
            let after = first.map_or(0, |first| message.time.since(first.time).0);
            CopyView {
                frame: FrameView::new(message.frame),
                after_ns: after,
            }
        };
        Self {
            by: role(flight.by),
            response: flight.response,
            frame: first.map(|message| FrameView::new(message.frame)),
            time_ns: first.map(|message| message.time.0),
            bytes: flight
                .parts
                .iter()
                .map(|id| u64::from(model.messages[*id].header.length))
                .sum(),
            fragments: flight.fragments,
            fragments_seen: flight.fragments_seen.len(),
            again: flight.again.iter().map(copy).collect(),
        }
    }
}

/// From the last copy of the request before the response to the response.
pub(super) fn round_trip(model: &Model, exchange: &crate::model::Exchange) -> Option<i64> {
    let request = exchange.request()?;
    let answered = model.messages[exchange.response()?.first()?].time;
    let sent = request
        .parts
        .iter()
        .chain(&request.again)
        .map(|id| model.messages[*id].time);
    Some(
        answered
            .since(sent.filter(|time| *time <= answered).max()?)
            .0,
    )
}

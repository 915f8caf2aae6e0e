//! Tunnels with all that belongs to them.

use super::child_sa::ChildSaView;
use super::flow::FlowView;
use super::ike_sa::{IkeSaView, behind_nat, state, version};
use super::inner::InsideView;
use super::outside::OutsideView;
use super::taps::TapsView;
use super::timeline::{EventView, timeline};
use crate::language::Language;
use crate::model::{IkeState, Model, Tunnel, TunnelId};
use crate::report::select::{Selection, number};
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// Tunnels that are shown. Each is made when it is asked for: a capture may hold hundreds of
/// thousands, of which a text shows a few and JSON one after the other.
#[derive(Debug)]
pub struct TunnelViews<'a> {
    model: &'a Model,
    pub(in crate::report) ids: Vec<TunnelId>,
    language: Language,
}

impl<'a> TunnelViews<'a> {
    pub(super) fn new(model: &'a Model, selection: &Selection<'_>) -> Self {
        Self {
            model,
            ids: selection.tunnels(model),
            language: selection.language,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many more there are, which the selection leaves out.
    pub(super) fn hidden(&self) -> usize {
        self.model.tunnels.len().saturating_sub(self.ids.len())
    }

    /// How many had an IKE SA that was up, or ESP or AH.
    pub(in crate::report) fn came_up(&self) -> usize {
        let model = self.model;
        let ids = self.ids.iter().map(|id| &model.tunnels[*id]);
        let came_up = ids.filter(|tunnel| {
            let mut ike_sas = tunnel.ike_sas.iter();
            !tunnel.flows.is_empty() || ike_sas.any(|id| model.ike_sas[*id].state.was_up())
        });
        came_up.count()
    }

    /// Their numbers, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids.iter().map(|id| number(*id))
    }

    /// The ends of the one with this number, as [`TunnelView::ends`].
    pub fn ends(&self, wanted: u64) -> Option<[IpAddr; 2]> {
        let id = self.ids.iter().find(|id| number(**id) == wanted)?;
        Some(self.model.tunnels[*id].ends)
    }

    /// Those with a number that is wanted, in order.
    pub fn only(&self, wanted: impl Fn(u64) -> bool) -> impl Iterator<Item = TunnelView<'a>> {
        let ids = self.ids.iter().filter(move |id| wanted(number(**id)));
        ids.map(|id| TunnelView::new(self.model, *id, self.language))
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = TunnelView<'a>> {
        self.only(|_| true)
    }
}

impl Serialize for TunnelViews<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A pair of gateways and all between them.
#[derive(Debug, Serialize)]
pub struct TunnelView<'a> {
    /// Its number.
    pub id: u64,
    /// Its ends; the first initiated, or sent first.
    pub ends: [IpAddr; 2],
    /// Every address each end was seen with.
    pub addresses: &'a [Vec<IpAddr>; 2],
    /// Version of its latest IKE SA: `1.0`, `2.0`.
    pub ike_version: Option<String>,
    /// Who is behind a NAT by its latest IKE SA that tells: `none`, `initiator`, `responder`, `both`.
    pub nat: Option<&'static str>,
    /// State of its latest IKE SA (see [`state`]), which may be one that a rekeying made and that has sent nothing yet;
    /// `unnegotiated` if none was seen.
    pub state: &'static str,
    /// Its IKE SAs in order.
    pub ike_sas: Vec<IkeSaView<'a>>,
    /// What its ends say outside of any IKE SA, in order.
    pub outside: Vec<OutsideView>,
    /// Its child SAs in order.
    pub child_sas: Vec<ChildSaView>,
    /// Its ESP and AH flows in order.
    pub flows: Vec<FlowView<'a>>,
    /// What happened to it, in order.
    pub timeline: Vec<EventView>,
    /// Pairs of taps that recorded it.
    pub taps: Vec<TapsView>,
    /// What was read inside its ESP; null if nothing was.
    pub inner: Option<InsideView>,
}

impl<'a> TunnelView<'a> {
    pub(super) fn new(model: &'a Model, id: TunnelId, language: Language) -> Self {
        let tunnel = &model.tunnels[id];
        let sas = || tunnel.ike_sas.iter().rev().map(|id| &model.ike_sas[*id]);
        Self {
            id: number(id),
            ends: tunnel.ends,
            addresses: &tunnel.addresses,
            ike_version: sas().next().map(|sa| version(sa.version)),
            nat: sas()
                .find_map(|sa| sa.nat)
                .and_then(|nat| behind_nat(nat.initiator, nat.responder)),
            state: latest_state(model, tunnel),
            ike_sas: tunnel
                .ike_sas
                .iter()
                .map(|id| IkeSaView::new(model, *id))
                .collect(),
            outside: tunnel
                .outside
                .iter()
                .filter_map(|row| model.outside.get(*row))
                .map(OutsideView::new)
                .collect(),
            child_sas: model
                .child_sas_of(tunnel)
                .into_iter()
                .map(|id| ChildSaView::new(model, id, language))
                .collect(),
            flows: tunnel
                .flows
                .iter()
                .map(|id| FlowView::new(model, *id, language))
                .collect(),
            timeline: timeline(model, id, language),
            taps: tunnel
                .taps
                .iter()
                .map(|pair| TapsView::new(pair, model))
                .collect(),
            inner: InsideView::new(model, tunnel),
        }
    }
}

fn latest_state(model: &Model, tunnel: &Tunnel) -> &'static str {
    let Some(latest) = tunnel.ike_sas.last() else {
        return "unnegotiated";
    };
    match model.ike_sas[*latest].state {
        IkeState::Deleted if model.is_rekeyed(*latest) => state(IkeState::Established),
        known => state(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ike_sa_that_a_rekeying_made_stands_though_nothing_was_said_on_it() {
        let state = |spi: &str| {
            let rekey = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2)
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 opened IDr(b) AUTH(2)
                 9 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 416 opened SA({spi} ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 DH14) Nonce KE(14)
                 9.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 416 opened SA({spi} ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 DH14) Nonce KE(14)
                 9.2 A:500 > B:500 INFORMATIONAL i=1 r=2 id=3 request sealed 80 opened D(IKE)
                 9.3 B:500 > A:500 INFORMATIONAL i=1 r=2 id=3 response sealed 80"
            );
            let model = crate::testing::model(&rekey);
            let id = model.tunnels.ids().next().unwrap();
            TunnelView::new(&model, id, Language::English).state
        };
        assert_eq!(state("IKE 7"), "established");
        assert_eq!(state("ESP 0xb1"), "deleted");
    }
}

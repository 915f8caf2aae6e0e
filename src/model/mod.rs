//! What was found in a capture: plain data in flat tables, referred to by typed ids.
//!
//! `None` means "not seen"; no default ever stands for it.

pub(crate) mod arrange;
pub(crate) mod behind_nat;
pub(crate) mod child_sa;
pub(crate) mod child_size;
pub(crate) mod claim;
pub(crate) mod classes;
pub(crate) mod clear_flow;
pub(crate) mod esp_flow;
pub(crate) mod esp_size;
pub(crate) mod exchange;
pub(crate) mod few;
pub(crate) mod icmp;
pub(crate) mod ike_sa;
pub(crate) mod inner_flow;
pub(crate) mod input;
pub(crate) mod message;
pub(crate) mod negotiation;
pub(crate) mod notice;
pub(crate) mod numbers;
pub(crate) mod octets;
pub(crate) mod opened;
pub(crate) mod outside;
pub(crate) mod quality;
pub(crate) mod route;
pub(crate) mod selector;
pub(crate) mod shares;
pub(crate) mod signs;
pub(crate) mod size;
pub(crate) mod table;
pub(crate) mod tap_pair;
pub(crate) mod tunnel;

pub(crate) use arrange::arrange;
pub use child_sa::{ChildSa, ChildSaId, ChildSuite, ChildTerms, Mode};
pub use child_size::{ChildInferred, Reading};
pub use claim::Claim;
pub use classes::{ClassTally, Classes};
pub use clear_flow::{ClearFlow, Refusal};
pub use esp_flow::{
    Anomaly, AnomalyKind, EspFlow, Failure, FlowId, FlowKey, KeyUsed, Link, NullTally, OpenedTally,
    Rhythm, SequenceTally, Silence, SizeTally, Timeline, Transport,
};
pub use esp_size::{Cut, Family, Inferred, Overhead, Plateau};
pub use exchange::{Exchange, ExchangeId, Flight, Role};
pub use few::Few;
pub use icmp::IcmpSeen;
pub use ike_sa::{IkeSa, IkeSaId, IkeState, IkeSuite, Nat, NatVerdict, Seen};
pub use inner_flow::{
    BgpWay, Carrier, EchoSize, EchoWay, Hole, InnerError, InnerFlow, InnerFlowId, InnerWay, Passed,
    Place, Rtt, Run, Stuck, TcpWay, Unheard,
};
pub use input::Input;
pub use message::{FragmentTrain, Keepalives, Message, MessageId, Pieces, Plain};
pub use negotiation::{Deleted, Negotiation, Said, Told};
pub use notice::Notice;
pub use numbers::{NumberRun, Numbers, Sample};
pub use octets::Octets;
pub use opened::{Opened, Why};
pub use outside::{Outside, OutsideNotice};
pub use quality::ClockStep;
pub(crate) use quality::DOUBLED;
pub use route::Route;
pub use selector::Selector;
pub use shares::Shares;
pub(crate) use signs::Signs;
pub use size::{AuthOutcome, ChildOutcome, Envelope, InformationalClass};
pub use table::{Id, Table};
pub use tap_pair::{ClockOffset, Crossing, Lie, Missed, TapPair};
pub use tunnel::{Tunnel, TunnelId, sides};

use crate::language::Text;
use crate::units::Timestamp;
use std::collections::BTreeSet;

/// Everything found.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What was read.
    pub inputs: Vec<Input>,
    /// Whether keys opened any IKE message: where none did, none need be asked.
    pub opened_any: bool,
    /// Every IKE message of an IKE SA or an attempt at one, in clear or sealed.
    pub messages: Shares<MessageId, Message>,
    /// Requests with their responses, share by share; [`IkeSa::exchanges`] has those of an IKE SA in order.
    pub exchanges: Shares<ExchangeId, Exchange>,
    /// IKE SAs in order of their first message.
    pub ike_sas: Table<IkeSaId, IkeSa>,
    /// Child SAs, as far as messages in clear (or opened) or flows tell of them.
    pub child_sas: Table<ChildSaId, ChildSa>,
    /// ESP and AH flows in order of their first packet.
    pub flows: Table<FlowId, EspFlow>,
    /// Conversations inside ESP that can be read, in order of their first packet.
    pub inner: Table<InnerFlowId, InnerFlow>,
    /// ICMP errors inside ESP that can be read, in order of the first.
    pub inner_errors: Vec<InnerError>,
    /// Pairs of gateways with all that passed between them.
    pub tunnels: Table<TunnelId, Tunnel>,
    /// Tunnels by the addresses of their ends, in order.
    pub(crate) tunnels_by_end: foldhash::HashMap<std::net::IpAddr, Few<TunnelId>>,
    /// Inputs that hold anything of UDP port 4500, by number: no capture filter left that out.
    pub(crate) past_port_500: BTreeSet<u16>,
    /// Vantages that recorded what a capture filter by the ports of IPsec leaves out: there was none.
    pub(crate) past_ports: BTreeSet<crate::units::Vantage>,
    /// Whether any initiator says which gateway sent it elsewhere (RFC 5685 section 3).
    pub(crate) any_redirected_from: bool,
    /// ICMP errors about IKE, ESP or AH, in file order.
    pub icmp: Vec<IcmpSeen>,
    /// Messages outside of any IKE SA, those that are alike together, in order of the first.
    pub outside: Vec<Outside>,
    /// NAT keepalives by path, in order of the first.
    pub keepalives: Vec<Keepalives>,
    /// IP packets that came in fragments, by path and outcome, in order of the first.
    pub fragments: Vec<FragmentTrain>,
    /// Packets in clear with a private address at one end, by pair, in order of the first.
    pub clear: Vec<ClearFlow>,
    /// Where the clock was set back, in file order.
    pub clock_steps: Vec<ClockStep>,
    /// What this capture cannot tell.
    pub blind: Vec<Blind>,
}

impl Model {
    /// The tunnels of which this address is an end, in order of their first packet.
    pub fn tunnels_of(&self, end: std::net::IpAddr) -> &[TunnelId] {
        self.tunnels_by_end.get(&end).map_or(&[], |ids| ids)
    }

    /// The child SAs that were made under a tunnel's IKE SAs, and those its flows belong to.
    pub fn child_sas_of(&self, tunnel: &Tunnel) -> Vec<ChildSaId> {
        let ike_sas = tunnel.ike_sas.iter();
        let made = ike_sas.flat_map(|id| self.ike_sas[*id].child_sas.iter().copied());
        let flows = tunnel.flows.iter();
        let carried = flows.filter_map(|id| self.flows[*id].child_sa.child_sa());
        let mut ids: Vec<ChildSaId> = made.chain(carried).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A datagram of a flight as this vantage recorded it: a NAT between two taps gives it other
    /// addresses at each.
    pub fn seen_at(&self, flight: &Flight, vantage: crate::units::Vantage) -> Option<&Message> {
        flight
            .copies()
            .map(|id| &self.messages[id])
            .find(|message| message.vantage == vantage)
    }

    /// First and last time of the recording at a vantage, over all files of a rotated set; `None` if
    /// its input tells no time.
    pub fn recording(&self, vantage: crate::units::Vantage) -> Option<(Timestamp, Timestamp)> {
        let input = self.inputs.get(usize::from(vantage.input))?;
        input.recording.or(input.first.zip(input.last))
    }

    /// Packets that the recording system says it lost at a vantage.
    pub fn dropped(&self, vantage: crate::units::Vantage) -> u64 {
        self.inputs
            .iter()
            .filter(|input| input.set == vantage.input)
            .filter_map(|input| input.dropped)
            .fold(0, u64::saturating_add)
    }

    /// Other tunnels of which this address is an end: so many before `tunnel` and so many after it.
    pub fn tunnels_beside(
        &self,
        tunnel: TunnelId,
        end: std::net::IpAddr,
        reach: usize,
    ) -> impl Iterator<Item = TunnelId> + Clone + use<'_> {
        let all = self.tunnels_of(end);
        let place = all.partition_point(|other| *other < tunnel);
        all.iter()
            .skip(place.saturating_sub(reach))
            .take(2 * reach + 1)
            .copied()
            .filter(move |other| *other != tunnel)
    }
}

/// Something a capture cannot tell, and why.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Blind {
    /// What cannot be told.
    pub what: Text,
    /// Why.
    pub why: Text,
}

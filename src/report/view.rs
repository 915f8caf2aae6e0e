//! The contract of `diagnose --format json` and `tunnels --format json`: what scripts rely on.
//!
//! Fields may be added at any time; one that is here keeps its name, type and meaning. Rows are
//! numbered from 1 and refer to each other by these numbers. `null` means "not seen". Times are
//! nanoseconds since the Unix epoch. The order of all lists is that of the capture, so the same
//! capture always gives the same octets. No secret is ever part of it.

use super::select::{Selection, number};
use crate::diagnose::{self, Confidence, Severity};
use crate::model::{
    AnomalyKind, ChildSaId, EspFlow, ExchangeId, FlowId, IkeSaId, IkeState, IkeSuite, Input, Link,
    MessageId, Model, NatVerdict, Role, TunnelId,
};
use crate::net::Path;
use crate::registry::{TransformType, transform};
use crate::units::FrameId;
use crate::wire::Version;
use serde::Serialize;
use std::net::IpAddr;

/// `espial.diagnosis/1`.
#[derive(Debug, Serialize)]
pub struct Diagnosis<'a> {
    /// Name and version of this contract.
    pub schema: &'static str,
    /// Who wrote it.
    pub tool: Tool,
    /// What was read.
    pub inputs: Vec<InputView<'a>>,
    /// Pairs of gateways.
    pub tunnels: Vec<TunnelView<'a>>,
    /// Conclusions, most important first.
    pub findings: Vec<FindingView<'a>>,
    /// What cannot be told.
    pub blind: Vec<BlindView<'a>>,
    /// How many findings the selection hides for their severity. Not part of the contract: text says
    /// it, lest a filtered report read like a healthy one.
    #[serde(skip)]
    pub hidden: usize,
}

impl<'a> Diagnosis<'a> {
    /// Name and version of the contract.
    pub const SCHEMA: &'static str = "espial.diagnosis/1";

    /// The view of what the selection asks for.
    pub fn new(
        model: &'a Model,
        findings: &'a [diagnose::Finding],
        selection: &Selection<'_>,
    ) -> Self {
        let (shown, hidden): (Vec<_>, Vec<_>) = findings
            .iter()
            .filter(|finding| selection.concerns(model, finding))
            .partition(|finding| finding.severity >= selection.min_severity);
        Self {
            schema: Self::SCHEMA,
            tool: Tool::default(),
            inputs: model.inputs.iter().map(InputView::new).collect(),
            tunnels: tunnels(model, selection),
            findings: shown.into_iter().map(FindingView::new).collect(),
            blind: blind(model),
            hidden: hidden.len(),
        }
    }

    /// The verdict: the first finding that says something is wrong.
    pub fn verdict(&self) -> Option<&FindingView<'a>> {
        self.findings
            .iter()
            .find(|finding| finding.severity != "info")
    }
}

/// `espial.tunnels/1`: as a diagnosis, with every exchange and without judgement.
#[derive(Debug, Serialize)]
pub struct Tunnels<'a> {
    /// Name and version of this contract.
    pub schema: &'static str,
    /// Who wrote it.
    pub tool: Tool,
    /// What was read.
    pub inputs: Vec<InputView<'a>>,
    /// Pairs of gateways.
    pub tunnels: Vec<TunnelView<'a>>,
    /// Their exchanges in order.
    pub exchanges: Vec<ExchangeView>,
    /// What cannot be told.
    pub blind: Vec<BlindView<'a>>,
}

impl<'a> Tunnels<'a> {
    /// Name and version of the contract.
    pub const SCHEMA: &'static str = "espial.tunnels/1";

    /// The view of what the selection asks for.
    pub fn new(model: &'a Model, selection: &Selection<'_>) -> Self {
        Self {
            schema: Self::SCHEMA,
            tool: Tool::default(),
            inputs: model.inputs.iter().map(InputView::new).collect(),
            tunnels: tunnels(model, selection),
            exchanges: selection
                .tunnels(model)
                .into_iter()
                .flat_map(|id| exchanges(model, id))
                .collect(),
            blind: blind(model),
        }
    }
}

fn tunnels<'a>(model: &'a Model, selection: &Selection<'_>) -> Vec<TunnelView<'a>> {
    selection
        .tunnels(model)
        .into_iter()
        .map(|id| TunnelView::new(model, id))
        .collect()
}

fn blind(model: &Model) -> Vec<BlindView<'_>> {
    model
        .blind
        .iter()
        .map(|blind| BlindView {
            what: &blind.what,
            why: &blind.why,
        })
        .collect()
}

/// This program.
#[derive(Debug, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Default for Tool {
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// An input.
#[derive(Debug, Serialize)]
pub struct InputView<'a> {
    /// As given; `-` for standard input.
    pub path: &'a str,
    /// `pcap`, `pcapng (zstd)`, …
    pub format: &'a str,
    /// Names of its link types.
    pub link_types: &'a [String],
    /// Octets kept of a frame at most.
    pub snaplen: Option<u32>,
    /// Frames read.
    pub frames: u64,
    /// Frames cut by the capture.
    pub frames_cut: u64,
    /// Octets of the uncompressed file.
    pub bytes: u64,
    /// Earliest time.
    pub first_ns: Option<i64>,
    /// Latest time.
    pub last_ns: Option<i64>,
    /// Packets the capturing system says it dropped.
    pub dropped: Option<u64>,
    /// What could not be read.
    pub problems: Vec<ProblemView<'a>>,
}

impl<'a> InputView<'a> {
    fn new(input: &'a Input) -> Self {
        Self {
            path: &input.path,
            format: &input.format,
            link_types: &input.link_types,
            snaplen: input.snaplen,
            frames: input.frames,
            frames_cut: input.frames_cut,
            bytes: input.bytes,
            first_ns: input.first.map(|time| time.0),
            last_ns: input.last.map(|time| time.0),
            dropped: input.dropped,
            problems: input
                .problems
                .iter()
                .map(|problem| ProblemView {
                    offset: problem.offset,
                    skipped: problem.skipped,
                    what: &problem.what,
                })
                .collect(),
        }
    }
}

/// A part of an input that could not be read.
#[derive(Debug, Serialize)]
pub struct ProblemView<'a> {
    /// Where, in octets of the uncompressed input.
    pub offset: u64,
    /// Octets passed over.
    pub skipped: u64,
    /// What is wrong.
    pub what: &'a str,
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
    /// State of its latest IKE SA (see [`state`]); `unnegotiated` if none was seen.
    pub state: &'static str,
    /// Its IKE SAs in order.
    pub ike_sas: Vec<IkeSaView<'a>>,
    /// Its child SAs in order.
    pub child_sas: Vec<ChildSaView>,
    /// Its ESP and AH flows in order.
    pub flows: Vec<FlowView<'a>>,
}

impl<'a> TunnelView<'a> {
    fn new(model: &'a Model, id: TunnelId) -> Self {
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
            state: sas().next().map_or("unnegotiated", |sa| state(sa.state)),
            ike_sas: tunnel
                .ike_sas
                .iter()
                .map(|id| IkeSaView::new(model, *id))
                .collect(),
            child_sas: child_sas(model, id)
                .into_iter()
                .map(|id| ChildSaView::new(model, id))
                .collect(),
            flows: tunnel
                .flows
                .iter()
                .map(|id| FlowView::new(model, *id))
                .collect(),
        }
    }
}

/// The child SAs made under a tunnel's IKE SAs, and those its flows belong to.
fn child_sas(model: &Model, id: TunnelId) -> Vec<ChildSaId> {
    let tunnel = &model.tunnels[id];
    let made = tunnel
        .ike_sas
        .iter()
        .flat_map(|id| model.ike_sas[*id].child_sas.iter().copied());
    let carried = tunnel
        .flows
        .iter()
        .filter_map(|id| child_of(&model.flows[*id]));
    let mut ids: Vec<ChildSaId> = made.chain(carried).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The child SA of a flow.
pub(super) fn child_of(flow: &EspFlow) -> Option<ChildSaId> {
    match flow.child_sa {
        Link::Proven(id) | Link::Inferred(id) => Some(id),
        Link::None => None,
    }
}

/// An IKE SA.
#[derive(Debug, Serialize)]
pub struct IkeSaView<'a> {
    /// Its number.
    pub id: u64,
    /// 16 hex digits.
    pub initiator_spi: String,
    /// 16 hex digits; zeros if none was chosen.
    pub responder_spi: String,
    /// `1.0`, `2.0`.
    pub version: String,
    /// See [`state`].
    pub state: &'static str,
    /// The paths it took, as the initiator sends.
    pub paths: Vec<PathView>,
    /// The algorithms the responder chose.
    pub suite: Option<SuiteView>,
    /// What NAT detection says.
    pub nat: Option<NatView>,
    /// Products that the initiator and the responder say they are.
    pub vendors: &'a [Vec<String>; 2],
    /// Whether initiator and responder announced IKE fragmentation.
    pub fragmentation: [Option<bool>; 2],
    /// How many exchanges were seen.
    pub exchanges: usize,
    /// How many messages were sent again.
    pub retransmissions: usize,
    /// Numbers of its child SAs.
    pub child_sas: Vec<u64>,
    /// Number of the IKE SA whose place it took.
    pub replaces: Option<u64>,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
}

impl<'a> IkeSaView<'a> {
    fn new(model: &'a Model, id: IkeSaId) -> Self {
        let sa = &model.ike_sas[id];
        let flights = sa
            .exchanges
            .iter()
            .flat_map(|id| &model.exchanges[*id].flights);
        Self {
            id: number(id),
            initiator_spi: sa.spis.initiator.to_string(),
            responder_spi: sa.spis.responder.to_string(),
            version: version(sa.version),
            state: state(sa.state),
            paths: sa.paths.iter().map(PathView::new).collect(),
            suite: sa.suite.as_ref().map(SuiteView::new),
            nat: sa.nat.map(|nat| NatView {
                initiator: nat_verdict(nat.initiator),
                responder: nat_verdict(nat.responder),
            }),
            vendors: &sa.vendors,
            fragmentation: sa.fragmentation,
            exchanges: sa.exchanges.len(),
            retransmissions: flights.map(|flight| flight.again.len()).sum(),
            child_sas: sa.child_sas.iter().map(|id| number(*id)).collect(),
            replaces: sa.replaces.map(number),
            seen: SeenView::new(sa.seen),
        }
    }
}

/// The state of an IKE SA in one word.
pub fn state(state: IkeState) -> &'static str {
    match state {
        IkeState::Unanswered => "unanswered",
        IkeState::Refused => "refused",
        IkeState::HalfOpen => "half-open",
        IkeState::AuthRefused => "auth-refused",
        IkeState::Established => "established",
        IkeState::AlreadyUp => "already-up",
        IkeState::Deleted => "deleted",
    }
}

/// `2.0` and the like.
pub fn version(version: Version) -> String {
    format!("{}.{}", version.major(), version.minor())
}

fn nat_verdict(verdict: NatVerdict) -> &'static str {
    match verdict {
        NatVerdict::Untranslated => "untranslated",
        NatVerdict::Translated => "translated",
        NatVerdict::TranslatedBeyond => "translated-beyond",
        NatVerdict::Unknown => "unknown",
    }
}

/// Who is behind a NAT; `None` if neither side's hash tells.
fn behind_nat(initiator: NatVerdict, responder: NatVerdict) -> Option<&'static str> {
    let translated = |verdict| {
        matches!(
            verdict,
            NatVerdict::Translated | NatVerdict::TranslatedBeyond
        )
    };
    match (translated(initiator), translated(responder)) {
        (true, true) => Some("both"),
        (true, false) => Some("initiator"),
        (false, true) => Some("responder"),
        (false, false) if initiator == NatVerdict::Unknown && responder == initiator => None,
        (false, false) => Some("none"),
    }
}

/// Between whom, and inside what.
#[derive(Debug, Serialize)]
pub struct PathView {
    /// Sender.
    pub src: IpAddr,
    /// Its port.
    pub src_port: Option<u16>,
    /// Receiver.
    pub dst: IpAddr,
    /// Its port.
    pub dst_port: Option<u16>,
    /// The layers around IPsec, outermost first.
    pub encap: Vec<String>,
}

impl PathView {
    fn new(path: &Path) -> Self {
        Self {
            src: path.from.address,
            src_port: path.from.port,
            dst: path.to.address,
            dst_port: path.to.port,
            encap: path.encap.iter().map(|layer| layer.to_string()).collect(),
        }
    }
}

/// The algorithms of an IKE SA: numbers and names of the IKEv2 registry, whatever the version.
#[derive(Debug, Serialize)]
pub struct SuiteView {
    /// Encryption.
    pub encryption: Option<AlgorithmView>,
    /// Its key length in bits, where it is told.
    pub key_bits: Option<u16>,
    /// Integrity; null with AEAD ciphers and in IKEv1.
    pub integrity: Option<AlgorithmView>,
    /// PRF.
    pub prf: Option<AlgorithmView>,
    /// Key exchange method.
    pub group: Option<AlgorithmView>,
    /// Additional key exchanges (RFC 9370).
    pub additional_groups: Vec<AlgorithmView>,
    /// IKEv1: authentication method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_auth: Option<u16>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_secs: Option<u64>,
    /// IKEv1: lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1_lifetime_kilobytes: Option<u64>,
}

impl SuiteView {
    fn new(suite: &IkeSuite) -> Self {
        let named = |kind, id: Option<u16>| id.map(|id| AlgorithmView::new(kind, id));
        Self {
            encryption: named(TransformType::ENCR, suite.encryption),
            key_bits: suite.key_bits,
            integrity: named(TransformType::INTEG, suite.integrity),
            prf: named(TransformType::PRF, suite.prf),
            group: named(TransformType::KE, suite.group),
            additional_groups: suite
                .additional_groups
                .iter()
                .map(|id| AlgorithmView::new(TransformType::KE, *id))
                .collect(),
            v1_auth: suite.v1_auth,
            v1_lifetime_secs: suite.v1_lifetime_secs,
            v1_lifetime_kilobytes: suite.v1_lifetime_kilobytes,
        }
    }

    /// As one line: `ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128 PRF_HMAC_SHA2_256 Curve25519`.
    pub fn line(&self) -> String {
        let mut words = Vec::new();
        if let Some(cipher) = &self.encryption {
            match self.key_bits {
                Some(bits) => words.push(format!("{cipher}-{bits}")),
                None => words.push(cipher.to_string()),
            }
        }
        let others = [&self.integrity, &self.prf, &self.group]
            .into_iter()
            .flatten();
        words.extend(
            others
                .chain(&self.additional_groups)
                .map(ToString::to_string),
        );
        words.join(", ")
    }
}

/// An algorithm by number and name.
#[derive(Debug, Serialize)]
pub struct AlgorithmView {
    /// Its transform ID.
    pub id: u16,
    /// Its IANA name.
    pub name: Option<&'static str>,
}

impl AlgorithmView {
    fn new(kind: TransformType, id: u16) -> Self {
        Self {
            id,
            name: transform::name(kind, id),
        }
    }
}

/// The name, or the number where there is none.
impl std::fmt::Display for AlgorithmView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "algorithm {}", self.id),
        }
    }
}

/// What NAT detection says of each side: `untranslated`, `translated`, `translated-beyond`, `unknown`.
#[derive(Debug, Serialize)]
pub struct NatView {
    /// Of the initiator.
    pub initiator: &'static str,
    /// Of the responder.
    pub responder: &'static str,
}

/// First and last appearance.
#[derive(Debug, Serialize)]
pub struct SeenView {
    /// Time of the first packet.
    pub first_ns: i64,
    /// Its frame.
    pub first_frame: FrameView,
    /// Time of the last packet.
    pub last_ns: i64,
    /// Its frame.
    pub last_frame: FrameView,
}

impl SeenView {
    fn new(seen: crate::model::Seen) -> Self {
        Self {
            first_ns: seen.first.1.0,
            first_frame: FrameView::new(seen.first.0),
            last_ns: seen.last.1.0,
            last_frame: FrameView::new(seen.last.0),
        }
    }
}

/// A frame.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FrameView {
    /// Index of the input, from 0.
    pub input: u16,
    /// Number in that input, from 1.
    pub frame: u64,
}

impl FrameView {
    fn new(frame: FrameId) -> Self {
        Self {
            input: frame.input,
            frame: frame.number,
        }
    }
}

/// A child SA.
#[derive(Debug, Serialize)]
pub struct ChildSaView {
    /// Its number.
    pub id: u64,
    /// Number of its IKE SA.
    pub ike_sa: Option<u64>,
    /// Who asked for it: `initiator` or `responder` of the IKE SA.
    pub by: Option<&'static str>,
    /// SPIs towards the initiator and towards the responder of the exchange that made it.
    pub spis: [Option<String>; 2],
    /// Numbers of its flows, in the same order.
    pub flows: [Option<u64>; 2],
    /// Number of the child SA whose place it took.
    pub replaces: Option<u64>,
    /// First packet.
    pub first_ns: Option<i64>,
    /// Last packet.
    pub last_ns: Option<i64>,
}

impl ChildSaView {
    fn new(model: &Model, id: ChildSaId) -> Self {
        let child = &model.child_sas[id];
        Self {
            id: number(id),
            ike_sa: child.ike_sa.map(number),
            by: child.by.map(role),
            spis: child.spis.map(|spi| spi.map(|spi| spi.to_string())),
            flows: child.flows.map(|flow| flow.map(number)),
            replaces: child.replaces.map(number),
            first_ns: child.seen.map(|seen| seen.first.1.0),
            last_ns: child.seen.map(|seen| seen.last.1.0),
        }
    }
}

/// A role in one word.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Initiator => "initiator",
        Role::Responder => "responder",
    }
}

/// One direction of one ESP or AH SA.
#[derive(Debug, Serialize)]
pub struct FlowView<'a> {
    /// Its number.
    pub id: u64,
    /// `esp` or `ah`.
    pub protocol: &'static str,
    /// `0x` and 8 hex digits.
    pub spi: String,
    /// Input it was recorded in.
    pub input: u16,
    /// Interface of that input.
    pub interface: u32,
    /// The paths it took in order of first use.
    pub paths: Vec<PathView>,
    /// Number of its child SA.
    pub child_sa: Option<u64>,
    /// How it was tied to it: `proven`, `inferred`.
    pub link: Option<&'static str>,
    /// Packets.
    pub packets: u64,
    /// Octets from the SPI to the end of the checksum.
    pub bytes: u64,
    /// Sequence numbers that never came.
    pub missing: u64,
    /// Packets out of order.
    pub late: u64,
    /// Packets whose number had come before.
    pub duplicate: u64,
    /// The farthest that a late number lay behind.
    pub deepest: u32,
    /// Times the counter began again.
    pub restarts: u32,
    /// Runs of missing numbers.
    pub bursts: u64,
    /// The longest of them.
    pub longest_burst: u64,
    /// Whether all these counts are exact.
    pub exact: bool,
    /// First sequence number.
    pub first_sequence: u32,
    /// Highest sequence number.
    pub highest_sequence: u32,
    /// Packets that came in IP fragments.
    pub fragmented: u64,
    /// Packets the capture cut.
    pub cut: u64,
    /// Sizes.
    pub sizes: SizesView<'a>,
    /// Smallest and largest TTL.
    pub ttl: [u8; 2],
    /// Whether any packet forbids fragmentation.
    pub dont_fragment: bool,
    /// When and where it was seen.
    #[serde(flatten)]
    pub seen: SeenView,
    /// The first anomalies.
    pub anomalies: Vec<AnomalyView>,
    /// The longest silences.
    pub silences: Vec<SilenceView>,
    /// Packets over time.
    pub timeline: TimelineView<'a>,
}

impl<'a> FlowView<'a> {
    fn new(model: &'a Model, id: FlowId) -> Self {
        let flow = &model.flows[id];
        let tally = &flow.sequence;
        Self {
            id: number(id),
            protocol: if flow.key.ah { "ah" } else { "esp" },
            spi: flow.key.spi.to_string(),
            input: flow.key.vantage.input,
            interface: flow.key.vantage.interface,
            paths: flow.paths.iter().map(PathView::new).collect(),
            child_sa: child_of(flow).map(number),
            link: match flow.child_sa {
                Link::Proven(_) => Some("proven"),
                Link::Inferred(_) => Some("inferred"),
                Link::None => None,
            },
            packets: flow.packets,
            bytes: flow.bytes,
            missing: tally.missing,
            late: tally.late,
            duplicate: tally.duplicate,
            deepest: tally.deepest,
            restarts: tally.restarts,
            bursts: tally.bursts,
            longest_burst: tally.longest_burst,
            exact: tally.exact,
            first_sequence: tally.first,
            highest_sequence: tally.highest,
            fragmented: flow.fragmented,
            cut: flow.cut,
            sizes: SizesView {
                smallest: flow.sizes.smallest,
                largest: flow.sizes.largest,
                counts: &flow.sizes.counts,
                others: flow.sizes.others,
            },
            ttl: [flow.ttl.0, flow.ttl.1],
            dont_fragment: flow.dont_fragment,
            seen: SeenView::new(flow.seen),
            anomalies: flow.anomalies.iter().map(AnomalyView::new).collect(),
            silences: flow
                .silences
                .iter()
                .map(|silence| SilenceView {
                    length_ns: silence.length.0,
                    before: FrameView::new(silence.before.0),
                    after: FrameView::new(silence.after.0),
                })
                .collect(),
            timeline: TimelineView {
                step_secs: flow.timeline.step_secs,
                counts: &flow.timeline.counts,
            },
        }
    }
}

/// Sizes of packets in octets.
#[derive(Debug, Serialize)]
pub struct SizesView<'a> {
    /// Smallest.
    pub smallest: u32,
    /// Largest.
    pub largest: u32,
    /// Pairs of size and number of packets.
    pub counts: &'a [(u32, u32)],
    /// Packets of sizes that found no place in `counts`.
    pub others: u64,
}

/// A packet out of order, or a gap before it.
#[derive(Debug, Serialize)]
pub struct AnomalyView {
    /// `gap`, `late`, `duplicate`, `restart`.
    pub kind: &'static str,
    /// Its frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// Its time.
    pub time_ns: i64,
    /// Its sequence number.
    pub sequence: u32,
    /// Numbers skipped, numbers behind the highest, or the highest before the restart.
    pub distance: u32,
}

impl AnomalyView {
    fn new(anomaly: &crate::model::Anomaly) -> Self {
        let (kind, distance) = match anomaly.kind {
            AnomalyKind::Gap(skipped) => ("gap", skipped),
            AnomalyKind::Late(behind) => ("late", behind),
            AnomalyKind::Duplicate(behind) => ("duplicate", behind),
            AnomalyKind::Restart(highest) => ("restart", highest),
        };
        Self {
            kind,
            frame: FrameView::new(anomaly.frame),
            time_ns: anomaly.time.0,
            sequence: anomaly.sequence,
            distance,
        }
    }
}

/// A time in which nothing came.
#[derive(Debug, Serialize)]
pub struct SilenceView {
    /// How long.
    pub length_ns: i64,
    /// The last packet before it.
    pub before: FrameView,
    /// The first packet after it.
    pub after: FrameView,
}

/// Packets over time.
#[derive(Debug, Serialize)]
pub struct TimelineView<'a> {
    /// Length of a step.
    pub step_secs: u32,
    /// Packets of each step.
    pub counts: &'a [u32],
}

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

fn exchanges(model: &Model, tunnel: TunnelId) -> Vec<ExchangeView> {
    let sas = model.tunnels[tunnel].ike_sas.iter();
    sas.flat_map(|sa| &model.ike_sas[*sa].exchanges)
        .map(|id| ExchangeView::new(model, tunnel, *id))
        .collect()
}

impl ExchangeView {
    fn new(model: &Model, tunnel: TunnelId, id: ExchangeId) -> Self {
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
    fn new(model: &Model, flight: &crate::model::Flight) -> Self {
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
fn round_trip(model: &Model, exchange: &crate::model::Exchange) -> Option<i64> {
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

/// A conclusion.
#[derive(Debug, Serialize)]
pub struct FindingView<'a> {
    /// Stable short code.
    pub code: &'static str,
    /// Stable slug.
    pub rule: &'static str,
    /// `error`, `warning`, `info`.
    pub severity: &'static str,
    /// `certain`, `likely`, `possible`.
    pub confidence: &'static str,
    /// Number of the tunnel it is about.
    pub tunnel: Option<u64>,
    /// When it began.
    pub first_ns: i64,
    /// When it was last seen.
    pub last_ns: i64,
    /// One line.
    pub title: &'a str,
    /// One paragraph.
    pub says: &'a str,
    /// What proves it.
    pub evidence: Vec<EvidenceView<'a>>,
    /// What else would look like this.
    pub alternatives: &'a [String],
    /// What to do, in order.
    pub advice: &'a [String],
}

impl<'a> FindingView<'a> {
    fn new(finding: &'a diagnose::Finding) -> Self {
        Self {
            code: finding.rule.code,
            rule: finding.rule.slug,
            severity: severity(finding.severity),
            confidence: confidence(finding.confidence),
            tunnel: finding.tunnel.map(number),
            first_ns: finding.first.0,
            last_ns: finding.last.0,
            title: &finding.title,
            says: &finding.says,
            evidence: finding
                .evidence
                .iter()
                .map(|evidence| EvidenceView {
                    frame: FrameView::new(evidence.frame),
                    note: &evidence.note,
                })
                .collect(),
            alternatives: &finding.alternatives,
            advice: &finding.advice,
        }
    }
}

/// A severity in one word.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A confidence in one word.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Possible => "possible",
        Confidence::Likely => "likely",
        Confidence::Certain => "certain",
    }
}

/// A frame, and what it shows.
#[derive(Debug, Serialize)]
pub struct EvidenceView<'a> {
    /// The frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// What it shows.
    pub note: &'a str,
}

/// Something that cannot be told.
#[derive(Debug, Serialize)]
pub struct BlindView<'a> {
    /// What.
    pub what: &'a str,
    /// Why.
    pub why: &'a str,
}

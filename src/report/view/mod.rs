//! The contract of `diagnose --format json` and `tunnels --format json`: what scripts rely on.
//!
//! Fields may be added at any time; one that is here keeps its name, type and meaning. Rows are
//! numbered from 1 and refer to each other by these numbers. `null` means "not seen". Times are
//! nanoseconds since the Unix epoch. The order of all lists is that of the capture, so the same
//! capture always gives the same octets. No secret is ever part of it.

mod blind;
mod child_sa;
mod exchange;
mod finding;
mod flow;
mod ike_sa;
mod inner;
mod input;
mod outside;
mod place;
mod saying;
mod suite;
mod taps;
mod timeline;
mod tunnel;

pub use blind::BlindView;
pub use child_sa::{ChildSaView, role};
pub use exchange::{CopyView, ExchangeView, ExchangeViews, FlightView};
pub use finding::{EvidenceView, EvidenceViews, FindingView, confidence, severity};
pub use flow::{AnomalyView, FlowView, SilenceView, SizesView, TimelineView};
pub use ike_sa::{IkeSaView, NatView, state, version};
pub use inner::{ConversationView, ElsewhereView, InnerErrorView, InsideView, WayView};
pub use input::{InputView, ProblemView};
pub use outside::{OutsideNoticeView, OutsideView};
pub use place::{FrameView, PathView, SeenView};
pub use saying::{Saying, Sayings};
pub use suite::{AlgorithmView, SuiteView};
pub use taps::{TapView, TapsView};
pub use timeline::EventView;
pub use tunnel::{TunnelView, TunnelViews};

use crate::diagnose;
use crate::model::Model;
use crate::report::select::Selection;
use blind::blind;
use serde::Serialize;

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
    pub tunnels: TunnelViews<'a>,
    /// Conclusions, most important first.
    pub findings: Vec<FindingView<'a>>,
    /// What cannot be told.
    pub blind: Vec<BlindView>,
    /// How many findings the selection hides for their severity. Not part of the contract: text says
    /// it, lest a filtered report read like a healthy one.
    #[serde(skip)]
    pub hidden: usize,
    /// How many tunnels do not fit the filter.
    pub tunnels_hidden: usize,
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
            .enumerate()
            .filter(|(_, finding)| selection.concerns(model, finding))
            .partition(|(_, finding)| finding.severity >= selection.min_severity);
        let tunnels = TunnelViews::new(model, selection);
        Self {
            schema: Self::SCHEMA,
            tool: Tool::default(),
            inputs: model
                .inputs
                .iter()
                .map(|input| InputView::new(input, selection.language))
                .collect(),
            tunnels_hidden: tunnels.hidden(),
            tunnels,
            findings: finding::all(&shown, selection.language),
            blind: blind(model, selection.language),
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
    pub tunnels: TunnelViews<'a>,
    /// Their exchanges in order.
    pub exchanges: ExchangeViews<'a>,
    /// What cannot be told.
    pub blind: Vec<BlindView>,
    /// How many tunnels do not fit the filter.
    pub tunnels_hidden: usize,
}

impl<'a> Tunnels<'a> {
    /// Name and version of the contract.
    pub const SCHEMA: &'static str = "espial.tunnels/1";

    /// The view of what the selection asks for.
    pub fn new(model: &'a Model, selection: &Selection<'_>) -> Self {
        let tunnels = TunnelViews::new(model, selection);
        Self {
            schema: Self::SCHEMA,
            tool: Tool::default(),
            inputs: model
                .inputs
                .iter()
                .map(|input| InputView::new(input, selection.language))
                .collect(),
            tunnels_hidden: tunnels.hidden(),
            tunnels,
            exchanges: ExchangeViews::new(model, selection),
            blind: blind(model, selection.language),
        }
    }
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

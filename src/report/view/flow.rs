//! ESP and AH flows.

use super::place::{FrameView, PathView, SeenView};
use crate::language::Language;
use crate::model::{
    AnomalyKind, ClassTally, Cut, EspFlow, FlowId, Inferred, Link, Model, OpenedTally,
};
use crate::report::select::number;
use serde::Serialize;

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
    /// The DSCP values that its packets bear, in order of first appearance.
    pub dscp: Vec<DscpView>,
    /// Whether any packet forbids fragmentation.
    pub dont_fragment: bool,
    /// Packets whose frame is longer than IP says.
    pub padded: u64,
    /// Packets that are not encrypted; null if none was seen.
    pub esp_null: Option<NullView>,
    /// What keys made of its packets; null if there were none for its SPI.
    pub opened: Option<OpenedView<'a>>,
    /// What its sizes leave open, as long as no key opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inferred: Option<InferredView>,
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
    pub(super) fn new(model: &'a Model, id: FlowId, language: Language) -> Self {
        let flow = &model.flows[id];
        let tally = &flow.sequence;
        Self {
            id: number(id),
            protocol: if flow.key.ah { "ah" } else { "esp" },
            spi: flow.key.spi.to_string(),
            input: flow.key.vantage.input,
            interface: flow.key.vantage.interface,
            paths: flow.paths.iter().map(PathView::new).collect(),
            child_sa: flow.child_sa.child_sa().map(number),
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
            dscp: DscpView::all(flow),
            dont_fragment: flow.dont_fragment,
            padded: flow.padded,
            esp_null: flow.null.map(|null| NullView {
                packets: null.packets,
                iv: null.iv,
                icv: null.icv,
                first: FrameView::new(null.first.0),
            }),
            opened: flow
                .opened
                .as_ref()
                .map(|tally| OpenedView::new(tally, language)),
            inferred: Inferred::of(flow).map(|inferred| InferredView::new(&inferred, language)),
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
                lost: &flow.timeline.lost,
            },
        }
    }
}

/// What sizes leave open.
#[derive(Debug, Serialize)]
pub struct InferredView {
    /// In words.
    pub says: String,
    /// Whether sizes tell nothing: all packets are alike at a steady rate.
    pub padded: bool,
    /// What the cipher may be.
    pub suites: Vec<&'static str>,
    /// Distinct sizes that say so.
    pub distinct: usize,
    /// Chance that a cipher without blocks looks like one with them; null if no block fits.
    pub chance: Option<f64>,
    /// Octets of the largest inner packet, at least and at most.
    pub inner_largest: Option<[u32; 2]>,
    /// Packets of the largest size, if they are many.
    pub plateau: Option<u32>,
    /// Whether Ethernet would take larger ones; null without a plateau.
    pub has_room: Option<bool>,
    /// `after-sealing`, `before-sealing`.
    pub cut: Option<&'static str>,
}

impl InferredView {
    fn new(inferred: &Inferred, language: Language) -> Self {
        let families = inferred.families();
        Self {
            says: language.say(&inferred.into()),
            padded: inferred.padded,
            suites: families.iter().map(|family| family.words()).collect(),
            distinct: inferred.distinct,
            chance: inferred.chance,
            inner_largest: inferred.inner.map(|(least, most)| [least, most]),
            plateau: inferred.plateau.map(|plateau| plateau.packets),
            has_room: inferred.plateau.map(|plateau| plateau.has_room),
            cut: inferred.cut.map(|cut| match cut {
                Cut::Sealed => "after-sealing",
                Cut::Before(_) => "before-sealing",
            }),
        }
    }
}

/// Packets that are not encrypted.
#[derive(Debug, Serialize)]
pub struct NullView {
    /// How many.
    pub packets: u64,
    /// Octets of initialization vector.
    pub iv: u8,
    /// Octets of integrity check value.
    pub icv: u8,
    /// The first of them.
    pub first: FrameView,
}

/// What keys made of packets.
#[derive(Debug, Serialize)]
pub struct OpenedView<'a> {
    /// Packets that were opened and are proven by their checksums.
    pub opened: u64,
    /// Packets that were opened with nothing to check them.
    pub unchecked: u64,
    /// Packets that were not opened, by reason.
    pub failed: Vec<FailedView>,
    /// Whether the keys are wrong: packets came whole, and none fits them.
    pub wrong_key: bool,
    /// The first packets that were not opened.
    pub failures: Vec<FailureView>,
    /// The highest high half of extended sequence numbers; null if they are not extended.
    pub sequence_high: Option<u32>,
    /// The keys that opened packets, or if none did those that were tried first.
    pub keys: Vec<KeyView<'a>>,
}

/// Packets that were not opened.
#[derive(Debug, Serialize)]
pub struct FailedView {
    /// Why.
    pub why: String,
    /// How many.
    pub packets: u64,
}

/// A packet that was not opened.
#[derive(Debug, Serialize)]
pub struct FailureView {
    /// Its frame.
    #[serde(flatten)]
    pub frame: FrameView,
    /// Its time.
    pub time_ns: i64,
    /// Its sequence number.
    pub sequence: u32,
    /// Why.
    pub why: String,
}

/// Keys that were used.
#[derive(Debug, Serialize)]
pub struct KeyView<'a> {
    /// The algorithms by their IANA names.
    pub suite: &'a str,
    /// File and line that they were found in, or that they follow from.
    pub origin: String,
}

impl<'a> OpenedView<'a> {
    fn new(tally: &'a OpenedTally, language: Language) -> Self {
        Self {
            opened: tally.opened,
            unchecked: tally.unchecked,
            failed: tally
                .failed
                .iter()
                .map(|(why, packets)| FailedView {
                    why: language.say(&(*why).into()),
                    packets: *packets,
                })
                .collect(),
            wrong_key: tally.is_wrong_key(),
            failures: tally
                .failures
                .iter()
                .map(|failure| FailureView {
                    frame: FrameView::new(failure.frame),
                    time_ns: failure.time.0,
                    sequence: failure.sequence,
                    why: language.say(&failure.why.into()),
                })
                .collect(),
            sequence_high: tally.high,
            keys: tally
                .keys
                .iter()
                .map(|key| KeyView {
                    suite: &key.suite,
                    origin: key.origin.to_string(),
                })
                .collect(),
        }
    }
}

/// Packets of one DSCP.
#[derive(Debug, Serialize)]
pub struct DscpView {
    /// The DSCP.
    pub dscp: u8,
    /// Packets that bear it.
    pub packets: u64,
    /// Those out of order.
    pub late: u64,
    /// Late ones that a packet of the same DSCP had passed.
    pub late_within: u64,
}

impl DscpView {
    fn all(flow: &EspFlow) -> Vec<Self> {
        let classes = &flow.classes;
        if classes.tallies.is_empty() {
            let late = flow.sequence.late;
            return (0..64)
                .filter(|dscp| classes.seen >> dscp & 1 == 1)
                .map(|dscp| Self {
                    dscp,
                    packets: flow.packets,
                    late,
                    late_within: late,
                })
                .collect();
        }
        let of = |tally: &ClassTally| Self {
            dscp: tally.dscp,
            packets: tally.packets,
            late: tally.late,
            late_within: tally.within,
        };
        classes.tallies.iter().map(of).collect()
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
    pub(super) fn new(anomaly: &crate::model::Anomaly) -> Self {
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
    /// Sequence numbers skipped within each step; none are listed after the last such step.
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    pub lost: &'a [u32],
}

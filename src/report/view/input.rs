//! Inputs: what was read and what could not be.

use crate::language::Language;
use crate::model::Input;
use serde::Serialize;

/// An input.
#[derive(Debug, Serialize)]
pub struct InputView<'a> {
    /// As given; `-` for standard input.
    pub path: &'a str,
    /// What text calls it beside the others. Not part of the contract: JSON has its index.
    #[serde(skip)]
    pub name: &'a str,
    /// `pcap`, `pcapng (zstd)`, …
    pub format: &'a str,
    /// Names of its link types.
    pub link_types: &'a [String],
    /// Octets kept of a frame at most.
    pub snaplen: Option<u32>,
    /// Frames read.
    pub frames: u64,
    /// Frames outside the window of time, which were passed over.
    pub frames_outside: u64,
    /// Frames of the others that were cut by the capture.
    pub frames_cut: u64,
    /// Octets of the uncompressed file.
    pub bytes: u64,
    /// Earliest time.
    pub first_ns: Option<i64>,
    /// Latest time.
    pub last_ns: Option<i64>,
    /// What was added to all its times, which are by the clock of an input before it.
    pub clock_shift_ns: i64,
    /// Packets the capturing system says it dropped.
    pub dropped: Option<u64>,
    /// What could not be read.
    pub problems: Vec<ProblemView>,
}

impl<'a> InputView<'a> {
    pub(super) fn new(input: &'a Input, language: Language) -> Self {
        Self {
            path: &input.path,
            name: &input.name,
            format: &input.format,
            link_types: &input.link_types,
            snaplen: input.snaplen,
            frames: input.frames,
            frames_outside: input.frames_outside,
            frames_cut: input.frames_cut,
            bytes: input.bytes,
            first_ns: input.first.map(|time| time.0),
            last_ns: input.last.map(|time| time.0),
            clock_shift_ns: input.shift.0,
            dropped: input.dropped,
            problems: input
                .problems
                .iter()
                .map(|problem| ProblemView {
                    offset: problem.offset,
                    skipped: problem.skipped,
                    what: language.say(&problem.what),
                })
                .collect(),
        }
    }
}

/// A part of an input that could not be read.
#[derive(Debug, Serialize)]
pub struct ProblemView {
    /// Where, in octets of the uncompressed input.
    pub offset: u64,
    /// Octets passed over.
    pub skipped: u64,
    /// What is wrong.
    pub what: String,
}

//! What a rule has to say.

use super::rule::Rule;
use crate::model::TunnelId;
use crate::units::{FrameId, Timestamp};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Worth knowing, normal.
    Info,
    /// Works, but impaired or about to break.
    Warning,
    /// A tunnel or its traffic is or was broken.
    Error,
}

/// How sure we are of the cause named.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Confidence {
    /// Fits, among others.
    Possible,
    /// Fits better than all else.
    Likely,
    /// The packets say so themselves.
    Certain,
}

/// A frame that proves a finding, and what it shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// The frame.
    pub frame: FrameId,
    /// What it shows.
    pub note: String,
}

/// One conclusion.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that drew it.
    pub rule: &'static Rule,
    /// How bad it is, this time.
    pub severity: Severity,
    /// How sure we are.
    pub confidence: Confidence,
    /// The tunnel it is about, if about one.
    pub tunnel: Option<TunnelId>,
    /// When it began.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// One line.
    pub title: String,
    /// One paragraph, with the numbers.
    pub says: String,
    /// At least one frame.
    pub evidence: Vec<Evidence>,
    /// What else would look like this.
    pub alternatives: Vec<String>,
    /// What to do or check next, in order.
    pub advice: Vec<String>,
}

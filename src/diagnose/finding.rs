//! What a rule has to say.

use super::rule::Rule;
use crate::language::Text;
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

impl Confidence {
    /// One step less sure; [`Confidence::Possible`] is the least.
    pub fn lower(self) -> Self {
        match self {
            Self::Certain => Self::Likely,
            Self::Likely | Self::Possible => Self::Possible,
        }
    }

    /// One step less sure if `doubt` holds.
    pub fn lower_if(self, doubt: bool) -> Self {
        if doubt { self.lower() } else { self }
    }
}

/// A frame that proves a finding, and what it shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// The frame.
    pub frame: FrameId,
    /// What it shows.
    pub note: Text,
}

/// A frame and its time: what a finding can be hung on.
pub type Cite = (FrameId, Timestamp);

/// One conclusion. A capture may give hundreds of thousands, of which most are alike and small: no list
/// has room left over.
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
    pub title: Text,
    /// One paragraph, with the numbers.
    pub says: Text,
    /// At least one frame, the most telling first; at most [`Finding::EVIDENCE_MAX`].
    pub evidence: Vec<Evidence>,
    /// What else would look like this.
    pub alternatives: Vec<Text>,
    /// What to do or check next, in order.
    pub advice: Vec<Text>,
    /// Slugs of rules that see a consequence of this one this time, besides those that it always
    /// [`explains`](Rule::explains).
    pub also_explains: &'static [&'static str],
    /// It is what peers do where nothing is wrong, such as closing a tunnel that works: what impairs the tunnel does
    /// not explain it, though it may explain what the rule sees at other times.
    pub in_order: bool,
    /// The finding that explains it: its place among the concluded ones. Set where
    /// findings are put in order.
    pub cause: Option<usize>,
}

impl Finding {
    /// Most frames that a finding cites. A person looks at a few; the first are the most telling.
    pub const EVIDENCE_MAX: usize = 8;

    /// A finding with its first and most telling frame: none can be made without one.
    pub fn new(
        rule: &'static Rule,
        confidence: Confidence,
        tunnel: TunnelId,
        (frame, time): Cite,
        note: impl Into<Text>,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            confidence,
            tunnel: Some(tunnel),
            first: time,
            last: time,
            title: rule.summary.into(),
            says: Text::default(),
            evidence: vec![Evidence {
                frame,
                note: note.into(),
            }],
            alternatives: Vec::new(),
            advice: Vec::new(),
            also_explains: &[],
            in_order: false,
            cause: None,
        }
    }

    /// Another frame that shows it. The finding then spans its time too, even when there is no room
    /// left to cite it.
    pub fn also(mut self, (frame, time): Cite, note: impl Into<Text>) -> Self {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        let cited = self.evidence.iter().any(|evidence| evidence.frame == frame);
        if !cited && self.evidence.len() < Self::EVIDENCE_MAX {
            self.evidence.reserve_exact(1);
            self.evidence.push(Evidence {
                frame,
                note: note.into(),
            });
        }
        self
    }

    /// A frame of before or after it, which it is compared with: cited, and no part of its time.
    pub fn beside(self, cite: Cite, note: impl Into<Text>) -> Self {
        let (first, last) = (self.first, self.last);
        let finding = self.also(cite, note);
        Self {
            first,
            last,
            ..finding
        }
    }

    /// It lasted from `first` to `last`, at least.
    pub fn during(mut self, first: Timestamp, last: Timestamp) -> Self {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        self
    }

    /// This time it is not as bad, or worse, than the rule's usual severity.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// One line, with names in place of roles.
    pub fn title(mut self, title: impl Into<Text>) -> Self {
        self.title = title.into();
        self
    }

    /// One paragraph, with the numbers.
    pub fn says(mut self, says: impl Into<Text>) -> Self {
        self.says = says.into();
        self
    }

    /// Something else that would look like this.
    pub fn or(mut self, alternative: impl Into<Text>) -> Self {
        self.alternatives.reserve_exact(1);
        self.alternatives.push(alternative.into());
        self
    }

    /// The next thing to do or check.
    pub fn advise(mut self, advice: impl Into<Text>) -> Self {
        self.advice.reserve_exact(1);
        self.advice.push(advice.into());
        self
    }

    /// This time it explains what these rules see as well. That holds only as long as nothing
    /// explains this finding itself.
    pub fn explaining(mut self, slugs: &'static [&'static str]) -> Self {
        self.also_explains = slugs;
        self
    }

    /// More things to do or check, in order.
    pub fn advise_all(mut self, advice: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        self.advice.extend(advice.into_iter().map(Into::into));
        self
    }

    /// Whether both speak of the same tunnel at the same time.
    ///
    /// Consequences trail their cause (a retransmission gives up minutes later), so times that lie
    /// up to [`Finding::TRAIL`] apart still meet.
    pub fn meets(&self, other: &Self) -> bool {
        self.tunnel == other.tunnel
            && self.first.since(other.last) <= Self::TRAIL
            && other.first.since(self.last) <= Self::TRAIL
    }

    /// How long a consequence may trail its cause: the time in which common retransmission
    /// schedules give up (strongSwan's default is 165 s).
    pub const TRAIL: crate::units::Span = crate::units::Span::from_secs(180);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::RULES;

    fn at(number: u64) -> Cite {
        (FrameId { input: 0, number }, Timestamp(number as i64))
    }

    #[test]
    fn evidence_is_bounded_yet_the_span_of_time_is_whole() {
        let mut finding = Finding::new(
            RULES[0],
            Confidence::Likely,
            crate::model::TunnelId(0),
            at(1),
            "first",
        );
        for number in 1..100 {
            finding = finding.also(at(number), "more");
        }
        assert_eq!(finding.evidence.len(), Finding::EVIDENCE_MAX);
        assert_eq!(finding.evidence[1].frame.number, 2, "no frame twice");
        assert_eq!(finding.last, Timestamp(99));
    }

    #[test]
    fn what_is_only_compared_tells_nothing_of_when() {
        let finding = Finding::new(
            RULES[0],
            Confidence::Likely,
            crate::model::TunnelId(0),
            at(5),
            "first",
        );
        let finding = finding.beside(at(1), "as it was before");
        assert_eq!(finding.evidence.len(), 2);
        assert_eq!((finding.first, finding.last), (Timestamp(5), Timestamp(5)));
    }

    #[test]
    fn doubt_never_leaves_the_scale() {
        assert_eq!(Confidence::Certain.lower(), Confidence::Likely);
        assert_eq!(Confidence::Possible.lower(), Confidence::Possible);
    }
}
